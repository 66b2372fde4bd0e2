//! What does not fit together: each kind on both sides of its number, with its evidence.

use axum::http::StatusCode;
use domain::{
    Decimal, EventId, FollowUpChanged, FollowUpState, FollowUpStep, GateDecision, GateDirection, GatePass,
    HouseholdMembership, MeterQuality, MeterReading, PlaceRef, ResidenceKind, Sensitive, TestOutcome, TestResult,
    TravelMode, TripSegment, TripStatus,
};
use serde_json::{Value, json};
use store::views::Changes;
use test_support::build::NOON;

use crate::follow_ups::{in_quarantine, with_anna};
use crate::town::{CENTRE, cell, fact, minute, own, seen};
use crate::world::{World, anna, get, subject, world};

const DAY: i64 = 1_440;

/// Anna is in quarantine since noon, and the clock stands three days later.
async fn told(tell: impl FnOnce(&mut Changes)) -> World {
    let world = world().await;
    world.clock_is(minute(3 * DAY));
    let mut changes = Changes::default();
    in_quarantine(&mut changes);
    cell(&mut changes, "A", CENTRE, 300.0);
    // About 2,200 metres to the north.
    cell(&mut changes, "B", (CENTRE.0 + 0.02, CENTRE.1), 300.0);
    tell(&mut changes);
    world.put(&changes).await;
    world
}

async fn of_kind(world: &World, kind: &str) -> Vec<Value> {
    of_kind_on(world, kind, "").await
}

async fn of_kind_on(world: &World, kind: &str, on: &str) -> Vec<Value> {
    let reply = world.ask(get(format!("/v1/signals?kind={kind}{on}")).tracing()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()["signals"].as_array().expect("a list").clone()
}

fn address(name: &str) -> PlaceRef {
    PlaceRef { name: Some(Sensitive::from(name)), ..PlaceRef::default() }
}

fn lives(at: &str, residence_kind: ResidenceKind) -> HouseholdMembership {
    let household_id = "household-7".to_owned();
    HouseholdMembership { household_id, dwelling: address(at), residence_kind, ..HouseholdMembership::default() }
}

fn reading(changes: &mut Changes, id: &str, at: i64, kwh: i64, quality: MeterQuality) {
    let body = MeterReading {
        meter_id: "meter-7".to_owned(),
        account_id: Some(Sensitive::from("household-7")),
        dwelling: address("3 Lake Road"),
        register: "1-0:1.8.0".to_owned(),
        value: Decimal::from_unscaled(kwh * 1_000),
        unit: "kWh".to_owned(),
        read_time: minute(at),
        quality,
        ..MeterReading::default()
    };
    fact(changes, ("meters", id), own(anna()), (at, None), body.into());
    // A meter is nobody's.
    if let Some(put) = changes.facts.last_mut() {
        put.subject = None;
    }
}

#[tokio::test]
async fn a_dwelling_in_quarantine_whose_meter_stands_still_is_told_with_both_readings() {
    let world = told(|changes| {
        let home = lives("3 Lake Road", ResidenceKind::Both);
        fact(changes, ("register", "home"), own(anna()), (-DAY, None), home.into());
        reading(changes, "1", 0, 1_000, MeterQuality::Measured);
        reading(changes, "2", DAY, 1_004, MeterQuality::Measured);
        reading(changes, "3", 2 * DAY, 1_050, MeterQuality::Measured);
        // What was estimated was not read.
        reading(changes, "4", 3 * DAY, 1_050, MeterQuality::Estimated);
    })
    .await;
    let found = of_kind(&world, "still-meter").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((&found[0]["at"], &found[0]["until"]), (&json!(minute(0).to_string()), &json!(minute(DAY).to_string())));
    assert_eq!((&found[0]["person_id"], &found[0]["group"]), (&json!(anna().to_string()), &json!("household")));
    assert_eq!(found[0]["follow_up_id"], json!(with_anna().to_string()));
    assert_eq!(found[0]["events"].as_array().map(Vec::len), Some(2));
    assert!((found[0]["kwh"].as_f64().expect("a number") - 0.4).abs() < 1e-9, "{found:?}");
    assert_eq!(world.last_entry().subjects, [subject(anna())]);
}

#[tokio::test]
async fn the_empty_dwelling_of_a_household_says_nothing_of_a_member_who_lives_apart() {
    for memberships in [
        vec![lives("3 Lake Road", ResidenceKind::Registered)],
        vec![lives("3 Lake Road", ResidenceKind::Registered), lives("8 Hill Street", ResidenceKind::Actual)],
        vec![lives("3 Lake Road", ResidenceKind::Unknown)],
    ] {
        let world = told(|changes| {
            for (id, home) in ["first", "second"].into_iter().zip(memberships) {
                fact(changes, ("register", id), own(anna()), (-DAY, None), home.into());
            }
            reading(changes, "1", 0, 1_000, MeterQuality::Measured);
            reading(changes, "2", DAY, 1_000, MeterQuality::Measured);
        })
        .await;
        assert_eq!(of_kind(&world, "still-meter").await, Vec::<Value>::new());
    }
}

#[tokio::test]
async fn signals_of_an_earlier_instant_go_by_who_was_in_quarantine_then() {
    let world = told(|changes| {
        let out = GatePass { gate_id: "G1".to_owned(), direction: GateDirection::Out, ..GatePass::default() };
        fact(changes, ("gates", "out"), own(anna()), (700, None), out.into());
        let mut released = changes.follow_ups[0].clone();
        (released.version, released.at) = (3, minute(2 * DAY));
        released.event_id = EventId::from_uuid(anna().as_uuid());
        released.body = FollowUpChanged {
            step: FollowUpStep::Released,
            state: FollowUpState::Released,
            since: minute(2 * DAY),
            ..released.body
        };
        changes.follow_ups.push(released);
    })
    .await;
    assert_eq!(of_kind(&world, "away").await, Vec::<Value>::new(), "nobody is in quarantine now");
    let on = |at| format!("&on={}", minute(at));
    assert_eq!(of_kind_on(&world, "away", &on(DAY)).await.len(), 1);
    assert_eq!(of_kind_on(&world, "away", &on(699)).await.len(), 0, "not yet");
}

#[tokio::test]
async fn somebody_in_quarantine_who_is_elsewhere_or_leaves_through_a_gate_is_told() {
    let world = told(|changes| {
        seen(changes, "home", own(anna()), "A", -600, 0);
        seen(changes, "errand", own(anna()), "B", 60, 90);
        seen(changes, "away", own(anna()), "B", 600, 631);
        let out = GatePass { gate_id: "G1".to_owned(), direction: GateDirection::Out, ..GatePass::default() };
        fact(changes, ("gates", "out"), own(anna()), (700, None), out.clone().into());
        let refused = GatePass { decision: GateDecision::Refused, ..out.clone() };
        fact(changes, ("gates", "refused"), own(anna()), (650, None), refused.into());
        let back = GatePass { direction: GateDirection::In, ..out.clone() };
        fact(changes, ("gates", "in"), own(anna()), (710, None), back.into());
        fact(changes, ("gates", "before"), own(anna()), (-1, None), out.into());
    })
    .await;
    let found = of_kind(&world, "away").await;
    let outline: Vec<_> = found.iter().map(|one| (one["at"].clone(), one.get("metres").is_some())).collect();
    // The newest first: the gate, then the phone.
    assert_eq!(outline, [(json!(minute(700).to_string()), false), (json!(minute(600).to_string()), true)], "{found:?}");
    assert_eq!(found[1]["until"], json!(minute(631).to_string()));
}

#[tokio::test]
async fn a_contact_with_a_ticket_and_a_test_that_nobody_knows_are_told() {
    let world = told(|changes| {
        let trip = |status| TripSegment {
            mode: TravelMode::Rail,
            run_id: "2022-03-02/G1".to_owned(),
            depart_time: minute(DAY),
            status,
            ..TripSegment::default()
        };
        fact(changes, ("rail", "taken"), own(anna()), (DAY, Some(DAY + 60)), trip(TripStatus::Booked).into());
        fact(changes, ("rail", "given-back"), own(anna()), (DAY, None), trip(TripStatus::Refunded).into());
        // Before the last meeting, which was an hour before noon.
        fact(changes, ("rail", "before"), own(anna()), (-61, None), trip(TripStatus::Travelled).into());
        let test = TestResult { result: TestOutcome::Negative, ..TestResult::default() };
        fact(changes, ("lab", "of-anna"), own(anna()), (60, None), test.into());
    })
    .await;
    let found = of_kind(&world, "on-train").await;
    assert_eq!((found.len(), &found[0]["run"], &found[0]["mode"]), (1, &json!("2022-03-02/G1"), &json!("RAIL")));
    // The town's own result of a stranger; Anna's is hers.
    let tests = of_kind(&world, "test-without-person").await;
    let kinds: Vec<_> = tests.iter().map(|one| (one["result"].clone(), one.get("person_id").is_some())).collect();
    assert_eq!(kinds, [(json!("POSITIVE"), false)], "{tests:?}");
    let all = world.ask(get("/v1/signals?limit=1").tracing()).await.json();
    assert_eq!(
        (all["signals"].as_array().map(Vec::len), &all["next"], &all["left_out"]),
        (Some(1), &json!(1), &json!(0))
    );
    let rest = world.ask(get("/v1/signals?after=1").tracing()).await.json();
    assert_eq!((rest["signals"].as_array().map(Vec::len), rest.get("next")), (Some(1), None));
}

#[tokio::test]
async fn signals_are_for_disease_control() {
    let world = world().await;
    for caller in ["worker", "anna", "auditor", "steward"] {
        let reply = world.ask(get("/v1/signals").by(caller).purpose("PUBHLTH").for_a_case()).await;
        assert_eq!(reply.code(), "not-entitled", "{caller}");
    }
    assert_eq!(world.ask(get("/v1/signals").by("tracer").purpose("PUBHLTH")).await.code(), "case-required");
    assert_eq!(world.ask(get("/v1/signals?kind=odd").tracing()).await.code(), "query-malformed");
    assert_eq!(world.now(), NOON);
}
