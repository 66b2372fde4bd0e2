use axum::http::StatusCode;
use domain::{HouseholdKind, HouseholdMembership, TravelMode, TripSegment, TripStatus};
use ledger::LedgerClient;
use serde_json::{Value, json};
use store::views::{Changes, FactPut};

use crate::town::{CENTRE, at, cell, fact, minute, own, seen};
use crate::world::{World, anna, bob, get, subject, world, world_with};

async fn told(world: &World, tell: impl FnOnce(&mut Changes)) {
    let mut changes = Changes::default();
    cell(&mut changes, "A", CENTRE, 0.0);
    tell(&mut changes);
    world.put(&changes).await;
    query_api::load_contacts(&world.state).await.expect("loaded");
}

async fn contacts(world: &World, query: &str) -> Value {
    let window = format!("from={}&to={}", minute(-600), minute(1_440));
    let reply = world.ask(get(format!("/v1/persons/{}/contacts?{window}{query}", anna())).tracing()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()
}

#[tokio::test]
async fn more_than_ten_minutes_in_one_square_are_a_contact_with_its_evidence() {
    let world = world().await;
    world.clock_is(minute(1_440));
    told(&world, |changes| {
        seen(changes, "a", own(anna()), "A", 0, 60);
        seen(changes, "b", own(bob()), "A", 50, 100);
    })
    .await;
    // Ten minutes to the second are none.
    assert_eq!(contacts(&world, "").await["total"], 0);
    told(&world, |changes| seen(changes, "b2", own(bob()), "A", 49, 50)).await;
    let body = contacts(&world, "").await;
    assert_eq!((&body["total"], &body["left_out"], &body["withheld"]), (&json!(1), &json!([]), &json!([])));
    assert_eq!(body["rules"], json!(exposure::Rules::default().version()));
    let contact = &body["contacts"][0];
    assert_eq!((&contact["rank"], &contact["person_id"]), (&json!(1), &json!(bob().to_string())));
    assert_eq!((&contact["minutes"], &contact["meeting_count"]), (&json!(11.0), &json!(1)));
    let meeting = &contact["meetings"][0];
    assert_eq!((&meeting["scene"], &meeting["group"]), (&json!("square"), &json!("trail")));
    assert_eq!((&meeting["from"], &meeting["to"]), (&json!(minute(49).to_string()), &json!(minute(60).to_string())));
    // Each phone is 0.8 sure.
    assert!((meeting["confidence"].as_f64().expect("a number") - 0.64).abs() < 0.01, "{meeting}");
    assert_eq!(meeting["own_events"].as_array().map(Vec::len), Some(1));
    assert_eq!(meeting["other_events"].as_array().map(Vec::len), Some(2));
    let entry = world.last_entry();
    assert_eq!(entry.action.to_string(), "read-contacts");
    let mut both = vec![subject(anna()), subject(bob())];
    let mut subjects = entry.subjects;
    both.sort_by_key(|one| one.0);
    subjects.sort_by_key(|one| one.0);
    assert_eq!((subjects, entry.count), (both, 1));
}

#[tokio::test]
async fn a_fact_that_is_taken_back_takes_the_contact_with_it() {
    let world = world().await;
    world.clock_is(minute(1_440));
    told(&world, |changes| {
        seen(changes, "a", own(anna()), "A", 0, 60);
        seen(changes, "b", own(bob()), "A", 0, 60);
    })
    .await;
    assert_eq!(contacts(&world, "").await["total"], 1);
    told(&world, |changes| {
        seen(changes, "b", own(bob()), "A", 0, 60);
        let withdrawn = changes.facts.pop().expect("the fact");
        let edition = domain::Edition { version: 2, reading: 0 };
        changes.facts.push(FactPut { edition, subject: None, detail: None, ..withdrawn });
    })
    .await;
    assert_eq!(contacts(&world, "").await["total"], 0);
}

#[tokio::test]
async fn a_carriage_and_a_dwelling_are_shared_and_a_dormitory_is_not() {
    let world = world().await;
    world.clock_is(minute(1_440));
    let ride = |carriage: &str, status| TripSegment {
        mode: TravelMode::Rail,
        run_id: "2022-03-01/G1".to_owned(),
        carriage: Some(carriage.to_owned()),
        origin: at("stops/1"),
        depart_time: minute(0),
        arrive_time: Some(minute(30)),
        status,
        ..TripSegment::default()
    };
    let home = |kind| HouseholdMembership {
        household_id: "h-9".to_owned(),
        household_kind: kind,
        dwelling: at("register/h-9"),
        ..HouseholdMembership::default()
    };
    let scenes = async |tell: &dyn Fn(&mut Changes)| {
        told(&world, |changes| tell(changes)).await;
        let body = contacts(&world, "").await;
        let meetings = body["contacts"][0]["meetings"].as_array().cloned().unwrap_or_default();
        meetings.iter().map(|one| (one["scene"].clone(), one["place"].clone())).collect::<Vec<_>>()
    };
    let trip = |changes: &mut Changes, id, who, ride: TripSegment| {
        fact(changes, ("rail", id), own(who), (0, Some(30)), ride.into());
    };
    let other_carriage = scenes(&|changes| {
        trip(changes, "a", anna(), ride("05", TripStatus::Travelled));
        trip(changes, "b", bob(), ride("06", TripStatus::Travelled));
    })
    .await;
    assert!(other_carriage.is_empty(), "{other_carriage:?}");
    let refunded = scenes(&|changes| trip(changes, "b2", bob(), ride("05", TripStatus::Refunded))).await;
    assert!(refunded.is_empty(), "{refunded:?}");
    let same = scenes(&|changes| trip(changes, "b3", bob(), ride("05", TripStatus::Travelled))).await;
    assert_eq!(same, [(json!("vehicle"), json!("2022-03-01/G1"))]);
    let household = |kind, id: &'static str| {
        move |changes: &mut Changes| {
            let day = (-600, Some(-300));
            fact(changes, ("register", &format!("a{id}")), own(anna()), day, home(kind).into());
            fact(changes, ("register", &format!("b{id}")), own(bob()), day, home(kind).into());
        }
    };
    let dormitory = scenes(&household(HouseholdKind::Collective, "1")).await;
    assert_eq!(dormitory, [(json!("vehicle"), json!("2022-03-01/G1"))]);
    let family = scenes(&household(HouseholdKind::Family, "2")).await;
    assert_eq!(family[0], (json!("dwelling"), json!("register/h-9")));
}

#[tokio::test]
async fn contacts_are_for_those_who_trace_and_not_before_everything_was_read() {
    let world = world_with(LedgerClient::Local).await;
    let path = format!("/v1/persons/{}/contacts", anna());
    assert_eq!(world.ask(get(path.clone()).tracing()).await.code(), "contacts-loading");
    query_api::load_contacts(&world.state).await.expect("loaded");
    assert_eq!(world.ask(get(path.clone()).tracing()).await.status, StatusCode::OK);
    assert_eq!(world.ask(get(path.clone()).by("tracer").purpose("PUBHLTH")).await.code(), "case-required");
    // Whom somebody met is not for themselves to read: it is about others.
    assert_eq!(world.ask(get(path.clone()).own("anna")).await.code(), "not-entitled");
    for query in ["?limit=0", "?limit=501", "?sub=perhaps", "?after=-1"] {
        assert_eq!(world.ask(get(format!("{path}{query}")).tracing()).await.code(), "query-malformed", "{query}");
    }
}
