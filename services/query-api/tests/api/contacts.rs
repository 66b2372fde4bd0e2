use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Request, StatusCode};
use domain::{
    ClaimRole, Edition, EncounterChanged, HouseholdKind, HouseholdMembership, PersonId, PresenceInterval, RecordId,
    StatedClaim, TravelMode, TripSegment, TripStatus, stated_claims,
};
use futures_util::StreamExt as _;
use ledger::LedgerClient;
use query_api::ContactsFollower;
use serde_json::{Value, json};
use store::views::{Changes, FactPut};
use test_support::build;
use tower::ServiceExt as _;

use crate::town::{CENTRE, at, cell, fact, minute, own, seen};
use crate::world::{World, anna, bob, fact_put, get, subject, world, world_with};

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
async fn what_nobody_told_the_end_of_makes_less_sure_contacts_and_not_for_ever() {
    let world = world().await;
    world.clock_is(minute(1_440));
    let ride = |carriage: Option<&str>| TripSegment {
        mode: TravelMode::Rail,
        run_id: "2022-03-01/G1".to_owned(),
        carriage: carriage.map(str::to_owned),
        origin: at("stops/1"),
        depart_time: minute(0),
        status: TripStatus::Travelled,
        ..TripSegment::default()
    };
    told(&world, |changes| {
        fact(changes, ("rail", "a"), own(anna()), (0, None), ride(Some("05")).into());
        fact(changes, ("rail", "b"), own(bob()), (0, None), ride(Some("05")).into());
        fact(changes, ("rail", "c"), own(bob()), (600, None), ride(None).into());
    })
    .await;
    let body = contacts(&world, "").await;
    let meeting = &body["contacts"][0]["meetings"][0];
    assert_eq!((&meeting["scene"], &meeting["minutes"]), (&json!("vehicle"), &json!(360.0)));
    assert_eq!(meeting["confidence"], json!(0.25));
    assert_eq!(body["uncompared_rides"], json!(1));

    let admitted = || EncounterChanged {
        class: Some("I".to_owned()),
        place: at("hospital/1"),
        ward_bed: Some("W3 12 1".to_owned()),
        ..EncounterChanged::default()
    };
    let month = i64::from(exposure::Rules::default().stay.admitted_max_days) * 1_440;
    told(&world, |changes| {
        fact(changes, ("his", "a"), own(anna()), (60 - month, None), admitted().into());
        fact(changes, ("his", "b"), own(bob()), (30 - month, None), admitted().into());
    })
    .await;
    let body = contacts(&world, "").await;
    let meetings = body["contacts"][0]["meetings"].as_array().expect("a list");
    let ward = meetings.iter().find(|one| one["scene"] == "ward").expect("a ward");
    // The itinerary says the same.
    assert_eq!((&ward["to"], &ward["confidence"]), (&json!(minute(30).to_string()), &json!(0.25)));
    let window = format!("from={}&to={}", minute(-600), minute(1_440));
    let itinerary = world.ask(get(format!("/v1/persons/{}/itinerary?{window}", bob())).tracing()).await.json();
    let stay = itinerary["items"].as_array().expect("a list").iter().find(|item| item["kind"] == "encounter");
    assert_eq!(stay.expect("a stay")["to"], json!(minute(30).to_string()));
}

#[tokio::test]
async fn an_answer_says_how_much_is_known_and_what_could_not_be_placed() {
    let world = world().await;
    world.clock_is(minute(1_440));
    told(&world, |_| {}).await;
    // The town has facts of its own.
    let before = contacts(&world, "").await;
    let more =
        |body: &Value, member: &str| body[member].as_u64().zip(before[member].as_u64()).map(|(now, then)| now - then);
    told(&world, |changes| {
        seen(changes, "a", own(anna()), "A", 0, 60);
        seen(changes, "a2", own(anna()), "A", 100, 105);
        seen(changes, "a3", own(anna()), "nowhere", 200, 260);
        seen(changes, "b", own(bob()), "nowhere", 200, 260);
    })
    .await;
    let body = contacts(&world, "").await;
    // Five minutes alone meet nobody; two people in a place of which nothing is known met nobody that could be told.
    assert_eq!((&body["total"], &body["seen_minutes"]), (&json!(0), &json!(105.0)));
    assert_eq!((more(&body, "unplaced"), more(&body, "unattributed")), (Some(2), Some(0)));
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

/// What is told of two people's contacts and of theirs, without when it was read and from when on.
async fn all_told(world: &World) -> Vec<Value> {
    let mut told = Vec::new();
    for person in [anna(), bob()] {
        let window = format!("from={}&to={}&sub=true", minute(-600), minute(1_440));
        let reply = world.ask(get(format!("/v1/persons/{person}/contacts?{window}")).tracing()).await;
        let mut body = reply.json();
        let members = body.as_object_mut().expect("an object");
        members.remove("known_at");
        members.remove("receipt");
        // An index that is built anew begins later, by as much as the latest presence is later.
        members.remove("known_since");
        told.push(body);
    }
    told
}

#[tokio::test]
async fn changes_taken_in_one_after_another_answer_as_reading_everything_does() {
    let world = world_with(LedgerClient::Local).await;
    world.clock_is(minute(1_440));
    let mut follower = ContactsFollower::default();
    let phone = |number: &str| {
        let person = build::person("x").phone(number).build();
        let claims = stated_claims(&build::token_key(), &person);
        claims.into_iter().find(|claim| claim.role == ClaimRole::Holder).expect("a phone")
    };
    let passes = phone("13700000001");
    let token = passes.claim.token;
    let record = |person: PersonId| RecordId::from_uuid(person.as_uuid());
    let held = |from: Option<i64>, to: Option<i64>| StatedClaim {
        valid_from: from.map(minute),
        valid_to: to.map(minute),
        ..passes
    };
    let home = HouseholdMembership {
        household_id: "h-9".to_owned(),
        household_kind: HouseholdKind::Family,
        dwelling: at("register/h-9"),
        ..HouseholdMembership::default()
    };
    let ride = TripSegment {
        mode: TravelMode::Rail,
        run_id: "2022-03-01/G1".to_owned(),
        origin: at("stops/1"),
        depart_time: minute(260),
        status: TripStatus::Travelled,
        ..TripSegment::default()
    };
    type Step<'a> = (&'a str, Box<dyn Fn(&mut Changes) + 'a>);
    let steps: Vec<Step<'_>> = vec![
        (
            "the first facts",
            Box::new(|changes| {
                cell(changes, "A", CENTRE, 0.0);
                seen(changes, "a", own(anna()), "A", 0, 60);
                seen(changes, "b", own(bob()), "A", 0, 20);
            }),
        ),
        ("a later fact", Box::new(|changes| seen(changes, "b2", own(bob()), "A", 20, 50))),
        (
            "facts of a phone that nobody has",
            Box::new(|changes| {
                seen(changes, "p", token, "A", 100, 200);
                seen(changes, "p2", token, "nowhere", 210, 240);
                fact(changes, ("rail", "p3"), token, (260, Some(300)), ride.clone().into());
            }),
        ),
        ("the phone has an owner", Box::new(|changes| changes.claims.push((record(anna()), held(None, None))))),
        ("another owner beside", Box::new(|changes| changes.claims.push((record(bob()), held(None, None))))),
        (
            "each at a time",
            Box::new(|changes| {
                changes.claims.push((record(anna()), held(None, Some(150))));
                changes.claims.push((record(bob()), held(Some(150), None)));
            }),
        ),
        // The other's facts of the phone are not read again, and count as before.
        ("a fact of one of the two", Box::new(|changes| seen(changes, "a2", own(anna()), "nowhere", 310, 330))),
        (
            "the first owner has it no more",
            Box::new(|changes| {
                changes.claims_removed.push((record(anna()), token, ClaimRole::Holder));
            }),
        ),
        (
            "a household",
            Box::new(|changes| {
                fact(changes, ("register", "ha"), own(anna()), (-600, Some(-300)), home.clone().into());
                fact(changes, ("register", "hb"), own(bob()), (-600, None), home.clone().into());
            }),
        ),
        (
            "a fact that passes to somebody else",
            Box::new(|changes| {
                seen(changes, "b2", own(anna()), "A", 20, 50);
                changes.facts[0].edition = Edition { version: 2, reading: 0 };
            }),
        ),
        (
            "a fact that is taken back",
            Box::new(|changes| {
                seen(changes, "b", own(bob()), "A", 0, 20);
                let withdrawn = changes.facts.pop().expect("the fact");
                let edition = Edition { version: 2, reading: 0 };
                changes.facts.push(FactPut { edition, subject: None, detail: None, ..withdrawn });
            }),
        ),
        ("two persons are one", Box::new(|changes| changes.record_persons.push((record(bob()), Some(anna()))))),
        ("and two again", Box::new(|changes| changes.record_persons.push((record(bob()), Some(bob()))))),
        (
            "a place that moves",
            Box::new(|changes| {
                cell(changes, "A", (CENTRE.0 + 0.2, CENTRE.1), 900.0);
                changes.places[0].edition = Edition { version: 2, reading: 0 };
            }),
        ),
        ("after which facts are followed again", Box::new(|changes| seen(changes, "b3", own(bob()), "A", 21, 40))),
    ];
    let mut answers = Vec::new();
    for (step, tell) in steps {
        let mut changes = Changes::default();
        tell(&mut changes);
        world.put(&changes).await;
        while !follower.look(&world.state).await.expect("looked") {
            tokio::task::yield_now().await;
        }
        let followed = all_told(&world).await;
        query_api::load_contacts(&world.state).await.expect("loaded");
        assert_eq!(followed, all_told(&world).await, "{step}");
        answers.push(followed);
    }
    answers.dedup();
    assert!(answers.len() >= 10, "most steps change the answer, only {} did", answers.len());
}

#[tokio::test]
async fn facts_of_long_ago_are_taken_into_an_index_that_was_made_before_anybody_was_seen() {
    let world = world_with(LedgerClient::Local).await;
    world.clock_is(minute(4 * 365 * 1_440));
    let mut follower = ContactsFollower::default();
    let mut nobody = Changes::default();
    cell(&mut nobody, "A", CENTRE, 0.0);
    for presence in ["presence", "presence-of-bob"] {
        fact_put(&mut nobody, presence, own(anna()), minute(0), PresenceInterval::default().into());
        let withdrawn = nobody.facts.pop().expect("the presence");
        let edition = Edition { version: 2, reading: 0 };
        nobody.facts.push(FactPut { edition, subject: None, detail: None, ..withdrawn });
    }
    let mut facts = Changes::default();
    seen(&mut facts, "a", own(anna()), "A", 0, 60);
    seen(&mut facts, "b", own(bob()), "A", 0, 20);
    for changes in [nobody, facts] {
        world.put(&changes).await;
        while !follower.look(&world.state).await.expect("looked") {
            tokio::task::yield_now().await;
        }
    }
    let told = all_told(&world).await;
    assert_eq!([&told[0]["total"], &told[1]["total"]], [1, 1]);
}

/// A client of server-sent events.
struct Follower(BodyDataStream);

impl Follower {
    async fn begin(world: &World, path: &str) -> Self {
        let request: Request<Body> = get(path).tracing().header("accept", "text/event-stream").request();
        let response = world.app.clone().oneshot(request).await.expect("infallible");
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self(response.into_body().into_data_stream())
    }

    /// What the next event named `contacts` says.
    async fn event(&mut self) -> Value {
        loop {
            let piece = tokio::time::timeout(Duration::from_secs(60), self.0.next()).await.expect("something comes");
            let piece = piece.expect("the stream goes on").expect("a piece");
            let text = std::str::from_utf8(&piece).expect("UTF-8");
            if let Some(data) = text.strip_prefix("event: contacts\ndata: ") {
                return serde_json::from_str(data.trim()).expect("JSON");
            }
        }
    }
}

#[tokio::test]
async fn a_subscriber_is_told_everybody_and_then_what_late_and_corrected_facts_change() {
    let world = world().await;
    world.clock_is(minute(1_440));
    told(&world, |changes| {
        seen(changes, "a", own(anna()), "A", 0, 60);
        seen(changes, "b", own(bob()), "A", 0, 20);
    })
    .await;
    let mut follower = Follower::begin(&world, &format!("/v1/persons/{}/contacts", anna())).await;
    let first = follower.event().await;
    assert_eq!((&first["total"], &first["gone"], &first["more"]), (&json!(1), &json!([]), &json!(false)));
    assert_eq!(first["contacts"][0]["person_id"], json!(bob().to_string()));
    assert_eq!(first["contacts"][0]["minutes"], json!(20.0));
    let mut both = vec![subject(anna()), subject(bob())];
    both.sort_by_key(|one| one.0);
    let mut subjects = world.last_entry().subjects;
    subjects.sort_by_key(|one| one.0);
    assert_eq!(subjects, both, "on record before it left");

    // A late fact.
    told(&world, |changes| seen(changes, "b2", own(bob()), "A", 20, 50)).await;
    let second = follower.event().await;
    assert_eq!(second["contacts"][0]["minutes"], json!(50.0));
    // A fact that is of no concern makes no event; one that is taken back does.
    told(&world, |changes| seen(changes, "b3", own(bob()), "A", 900, 1_000)).await;
    told(&world, |changes| {
        for id in ["b", "b2"] {
            seen(changes, id, own(bob()), "A", 0, 20);
            let withdrawn = changes.facts.pop().expect("the fact");
            let edition = Edition { version: 2, reading: 0 };
            changes.facts.push(FactPut { edition, subject: None, detail: None, ..withdrawn });
        }
    })
    .await;
    let third = follower.event().await;
    assert_eq!((&third["contacts"], &third["total"]), (&json!([]), &json!(0)));
    assert_eq!(third["gone"], json!([bob().to_string()]));
}

#[tokio::test]
async fn itinerary_and_contacts_are_told_as_they_were_known_at_an_earlier_instant() {
    let world = world().await;
    world.clock_is(minute(1_440));
    let known = |changes: &mut Changes, at: i64| changes.facts.last_mut().expect("a fact").known_at = minute(at);
    told(&world, |changes| {
        seen(changes, "a", own(anna()), "A", 0, 60);
        known(changes, 61);
        seen(changes, "b", own(bob()), "A", 0, 30);
        known(changes, 100);
    })
    .await;
    // The network corrects itself: it was a shorter time, and later it was none.
    told(&world, |changes| {
        seen(changes, "b", own(bob()), "A", 0, 15);
        let fact = changes.facts.last_mut().expect("a fact");
        (fact.edition, fact.known_at) = (Edition { version: 2, reading: 0 }, minute(200));
    })
    .await;
    told(&world, |changes| {
        seen(changes, "b", own(bob()), "A", 0, 15);
        let fact = changes.facts.last_mut().expect("a fact");
        (fact.edition, fact.known_at) = (Edition { version: 3, reading: 0 }, minute(300));
        (fact.subject, fact.detail) = (None, None);
    })
    .await;
    let body = async |at: i64| loop {
        let window = format!("from={}&known_at={}", minute(-600), minute(at));
        let reply = world.ask(get(format!("/v1/persons/{}/contacts?{window}", anna())).tracing()).await;
        if reply.status != StatusCode::OK {
            assert_eq!(reply.code(), "contacts-loading");
            continue;
        }
        let body = reply.json();
        assert_eq!(body["known_at"], json!(minute(at).to_string()));
        break body["contacts"].as_array().expect("a list").clone();
    };
    let minutes = async |at: i64| body(at).await.iter().map(|one| one["minutes"].clone()).collect::<Vec<_>>();
    let none: Vec<Value> = Vec::new();
    assert_eq!(minutes(99).await, none);
    assert_eq!(minutes(100).await, [json!(30.0)]);
    assert_eq!(minutes(199).await, [json!(30.0)]);
    assert_eq!(minutes(200).await, [json!(15.0)]);
    assert_eq!(minutes(300).await, none);
    let items = async |at: i64| {
        let window = format!("from={}&to={}&known_at={}", minute(-600), minute(1_440), minute(at));
        let reply = world.ask(get(format!("/v1/persons/{}/itinerary?{window}", bob())).tracing()).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        let stays = reply.json()["items"].as_array().expect("a list").clone();
        let stays = stays.into_iter().filter(|item| item["kind"] == "stay");
        stays.map(|item| item["to"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(items(99).await, none);
    assert_eq!(items(150).await, [json!(minute(30).to_string())]);
    assert_eq!(items(250).await, [json!(minute(15).to_string())]);
    assert_eq!(items(300).await, none);
}
