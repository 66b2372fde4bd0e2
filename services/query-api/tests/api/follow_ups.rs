//! People who met a case: told in one call, followed up at their units, handed over, referred, released.

use axum::http::StatusCode;
use domain::{CaseState, CaseStatus, Edition, EventId, FollowUpChanged, FollowUpState, FollowUpStep, Meta, RecordId};
use exposure::follow_up::begin;
use serde_json::{Value, json};
use store::views::{Changes, FollowUpRow};
use test_support::build::{self, NOON, record_id};

use crate::town::{CENTRE, cell, fact, minute, own, seen};
use crate::world::{ANNA_NAME, Ask, GRID, OTHER_GRID, Reply, World, anna, bob, get, post, subject, world};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// A row as the projector makes it.
pub(crate) fn row(meta: &Meta, body: FollowUpChanged) -> FollowUpRow {
    FollowUpRow {
        follow_up_id: meta.record_id,
        version: meta.source_record_version,
        event_id: meta.event_id,
        at: meta.event_time,
        body,
    }
}

fn id(case: RecordId, record: RecordId, unit: Option<&str>) -> RecordId {
    record_id(FollowUpChanged::SOURCE, &FollowUpChanged::source_record_id(case, record, unit))
}

fn other_case() -> RecordId {
    record_id("facts", "case-of-nobody")
}

/// The follow-up of Anna that stands from the beginning, at her own grid.
pub(crate) fn with_anna() -> RecordId {
    id(other_case(), anna().as_record(), Some(GRID))
}

/// The follow-up of somebody of whom nothing is known.
pub(crate) fn unassigned() -> RecordId {
    id(other_case(), record_id("register", "stranger"), None)
}

/// What stands from the beginning.
pub(crate) fn begun(changes: &mut Changes) {
    for (follow_up_id, record, unit) in [
        (with_anna(), anna().as_record(), Some(GRID.to_owned())),
        (unassigned(), record_id("register", "stranger"), None),
    ] {
        let body = begin(other_case(), record, unit, NOON.plus_millis(-HOUR), ("tracer", NOON));
        let event_id = EventId::from_uuid(follow_up_id.as_uuid());
        changes.follow_ups.push(FollowUpRow { follow_up_id, version: 1, event_id, at: NOON, body });
    }
}

/// Anna is in quarantine since noon, for ten days.
pub(crate) fn in_quarantine(changes: &mut Changes) {
    let was = begin(other_case(), anna().as_record(), Some(GRID.to_owned()), NOON.plus_millis(-HOUR), ("tracer", NOON));
    let body = FollowUpChanged {
        step: FollowUpStep::Quarantined,
        state: FollowUpState::Quarantined,
        until: Some(NOON.plus_millis(10 * DAY)),
        ..was
    };
    let event_id = EventId::from_uuid(other_case().as_uuid());
    changes.follow_ups.push(FollowUpRow { follow_up_id: with_anna(), version: 2, event_id, at: NOON, body });
}

fn case_of_bob() -> RecordId {
    record_id("facts", "case-of-bob")
}

fn step(follow_up: RecordId, question: Value) -> Ask {
    post(&format!("/v1/follow-ups/{follow_up}/steps"), &question.to_string())
}

/// Bob was near Anna for half an hour after he was confirmed and before anybody knew.
async fn met(world: &World) {
    let mut changes = Changes::default();
    cell(&mut changes, "A", CENTRE, 0.0);
    seen(&mut changes, "a", own(anna()), "A", -100, -60);
    seen(&mut changes, "b", own(bob()), "A", -90, -60);
    world.put(&changes).await;
    query_api::load_contacts(&world.state).await.expect("loaded");
}

async fn notify(world: &World) -> Value {
    let reply = world.ask(post(&format!("/v1/cases/{}/contacts/notify", case_of_bob()), "{}").tracing()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()
}

async fn list(world: &World, caller: &str, path: &str) -> Value {
    let reply = world.ask(get(path).looking_after(caller)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()
}

async fn ask_ok(world: &World, ask: Ask) -> Value {
    let reply: Reply = world.ask(ask).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()
}

#[tokio::test]
async fn the_contacts_of_a_case_are_told_once_however_often_it_is_said() {
    let world = world().await;
    let _projector = world.follow_decisions();
    met(&world).await;
    let without = async || {
        ask_ok(&world, get(format!("/v1/cases/{}/follow-ups", case_of_bob())).tracing()).await["contacts_without"]
            .clone()
    };
    assert_eq!(without().await, json!(1));
    let first = notify(&world).await;
    let entry = world.last_entry();
    assert_eq!((entry.action.to_string().as_str(), entry.subjects), ("direct-follow-ups", vec![subject(anna())]));
    assert_eq!(without().await, json!(0), "everybody is followed up");
    assert_eq!((&first["contacts"], &first["known"], &first["created"]), (&json!(1), &json!(0), &json!(1)), "{first}");
    assert_eq!((&first["unassigned"], &first["remaining"], &first["applied"]), (&json!(0), &json!(0), &json!(true)));
    let again = notify(&world).await;
    assert_eq!((&again["known"], &again["created"]), (&json!(1), &json!(0)), "{again}");
    let body = ask_ok(&world, get(format!("/v1/cases/{}/follow-ups", case_of_bob())).tracing()).await;
    assert_eq!((&body["counts"]["total"], &body["counts"]["to_notify"]), (&json!(1), &json!(1)));
    let follow_up = &body["follow_ups"][0];
    assert_eq!(follow_up["follow_up_id"], json!(id(case_of_bob(), anna().as_record(), Some(GRID)).to_string()));
    assert_eq!((&follow_up["unit"], &follow_up["person_id"]), (&json!(GRID), &json!(anna().to_string())));
    assert_eq!((&follow_up["case"], &follow_up["due_for"]), (&json!(case_of_bob().to_string()), &json!("notify")));
    assert_eq!(follow_up["identity"]["name"], json!(ANNA_NAME));
}

#[tokio::test]
async fn a_later_meeting_makes_the_quarantine_longer_when_the_contacts_are_told_again() {
    let world = world().await;
    let _projector = world.follow_decisions();
    met(&world).await;
    // In the views already; the index of contacts learns of it later.
    let mut changes = Changes::default();
    seen(&mut changes, "a2", own(anna()), "A", -40, -10);
    seen(&mut changes, "b2", own(bob()), "A", -40, -10);
    world.put(&changes).await;
    notify(&world).await;
    let of_case = id(case_of_bob(), anna().as_record(), Some(GRID));
    let go = async |question: Value| world.ask(step(of_case, question).looking_after("worker")).await;
    assert_eq!(go(json!({ "step": "notified" })).await.status, StatusCode::OK);
    let first = go(json!({ "step": "quarantined" })).await.json()["follow_up"]["until"].clone();
    assert_eq!(first, json!(minute(-60).plus_millis(14 * DAY).to_string()));
    assert_eq!(notify(&world).await["met_again"], json!(0), "nothing new is known");
    query_api::load_contacts(&world.state).await.expect("loaded");
    world.advance_clock(HOUR);
    let again = notify(&world).await;
    assert_eq!((&again["known"], &again["created"], &again["met_again"]), (&json!(1), &json!(0), &json!(1)), "{again}");
    let body = list(&world, "worker", &format!("/v1/follow-ups/{of_case}")).await;
    let until = minute(-10).plus_millis(14 * DAY).to_string();
    assert_eq!((&body["state"], &body["until"]), (&json!("quarantined"), &json!(until)));
    assert_eq!(body["history"][3]["step"], "met_again");
    assert_eq!(notify(&world).await["met_again"], json!(0), "once");
}

#[tokio::test]
async fn a_worker_takes_the_steps_of_the_own_unit_and_everything_is_in_the_history() {
    let world = world().await;
    let _projector = world.follow_decisions();
    let anna_up = with_anna();
    let take = async |question: Value| world.ask(step(anna_up, question).looking_after("worker")).await;
    let path = format!("/v1/units/{GRID}/follow-ups");
    let listed = list(&world, "worker", &path).await;
    assert_eq!((&listed["counts"]["total"], &listed["follow_ups"][0]["state"]), (&json!(1), &json!("to_notify")));
    let text = listed.to_string();
    assert!(text.contains(ANNA_NAME) && text.contains("residence-road"), "{text}");
    assert!(!text.contains(&other_case().to_string()), "whose contact she is stays with disease control");
    assert_eq!(take(json!({ "step": "quarantined" })).await.code(), "step-not-allowed");
    let notified = take(json!({ "step": "notified", "note": "by phone" })).await;
    assert_eq!(notified.status, StatusCode::OK, "{}", notified.text());
    assert_eq!(notified.json()["follow_up"]["state"], "notified");
    assert_eq!(world.last_entry().matter.map(|matter| matter.act.to_string()).as_deref(), Some("notified"));
    // Once more, because the answer was lost.
    assert_eq!(take(json!({ "step": "notified", "note": "by phone" })).await.json()["follow_up"]["version"], 2);
    world.advance_clock(HOUR);
    let quarantined = take(json!({ "step": "quarantined" })).await.json();
    let until = NOON.plus_millis(14 * DAY - HOUR);
    assert_eq!(quarantined["follow_up"]["until"], json!(until.to_string()));
    world.clock_is(until.plus_millis(-1));
    assert_eq!(take(json!({ "step": "released" })).await.code(), "quarantine-not-over");
    world.clock_is(until);
    assert_eq!(take(json!({ "step": "released" })).await.json()["follow_up"]["state"], "released");
    assert_eq!(take(json!({ "step": "not_reached" })).await.code(), "step-not-allowed");
    let body = list(&world, "worker", &format!("/v1/follow-ups/{anna_up}")).await;
    let steps: Vec<&Value> = body["history"].as_array().expect("a list").iter().map(|step| &step["step"]).collect();
    assert_eq!(steps, ["begun", "notified", "quarantined", "released"]);
    assert_eq!((&body["history"][1]["by"], &body["history"][1]["note"]), (&json!("worker"), &json!("by phone")));
    assert_eq!((&body["overdue"], body.get("due"), &body["steps"]), (&json!(false), None, &json!([])));
}

#[tokio::test]
async fn nobody_falls_out_between_two_units() {
    let world = world().await;
    let _projector = world.follow_decisions();
    let path = |unit: &str| format!("/v1/units/{unit}/follow-ups");
    let one = format!("/v1/follow-ups/{}", with_anna());
    assert_eq!(world.ask(get(&*one).looking_after("other-worker")).await.code(), "follow-up-not-found");
    let go = async |who: &str, question: Value| world.ask(step(with_anna(), question).looking_after(who)).await;
    assert_eq!(go("other-worker", json!({ "step": "accepted" })).await.code(), "follow-up-not-found");
    assert_eq!(go("worker", json!({ "step": "offered", "to": GRID })).await.code(), "unit-empty");
    let nowhere = go("worker", json!({ "step": "offered", "to": "320588001001G99" })).await;
    assert_eq!(nowhere.code(), "unit-empty", "nobody lives there, and nobody works for it");
    let offered = go("worker", json!({ "step": "offered", "to": OTHER_GRID })).await;
    assert_eq!(offered.status, StatusCode::OK, "{}", offered.text());
    // Until it is accepted the giver has it; the other one sees it, and it counts once.
    assert_eq!(list(&world, "worker", &path(GRID)).await["counts"]["total"], 1);
    let seen = list(&world, "other-worker", &path(OTHER_GRID)).await;
    assert_eq!(seen["follow_ups"][0]["steps"], json!(["accepted", "declined"]));
    let all = list(&world, "lead", "/v1/units/320506001/summary").await;
    assert_eq!((&all["total"]["follow_ups"]["total"], &all["total"]["follow_ups"]["offered"]), (&json!(1), &json!(1)));
    assert_eq!(go("other-worker", json!({ "step": "notified" })).await.code(), "step-not-allowed");
    assert_eq!(go("other-worker", json!({ "step": "accepted" })).await.json()["follow_up"]["unit"], OTHER_GRID);
    assert_eq!(list(&world, "worker", &path(GRID)).await["counts"]["total"], 0);
    assert_eq!(world.ask(get(&*one).looking_after("worker")).await.code(), "follow-up-not-found");
    let counts = list(&world, "lead", "/v1/units/320506001/summary").await;
    let below = counts["below"].as_array().expect("a list").iter().map(|row| row["follow_ups"]["total"].clone());
    assert_eq!(below.collect::<Vec<_>>(), [json!(0), json!(1)]);
}

#[tokio::test]
async fn whose_community_is_unknown_is_on_a_list_until_disease_control_gives_it_to_a_unit() {
    let world = world().await;
    let _projector = world.follow_decisions();
    let nobody = async || ask_ok(&world, get("/v1/follow-ups/unassigned").tracing()).await;
    let body = nobody().await;
    assert_eq!((&body["counts"]["total"], &body["follow_ups"][0]["due_for"]), (&json!(1), &json!("assign")));
    assert_eq!(body["follow_ups"][0].get("person_id"), None, "nothing is known of the person, and nobody falls out");
    let refused = world.ask(get("/v1/follow-ups/unassigned").looking_after("worker")).await;
    assert_eq!(refused.code(), "not-entitled");
    let path = format!("/v1/follow-ups/{}/assignment", unassigned());
    let assign = |unit: &str| post(&path, &json!({ "unit": unit }).to_string());
    assert_eq!(world.ask(assign(GRID).looking_after("worker")).await.code(), "not-entitled");
    assert_eq!(world.ask(assign("nowhere").tracing()).await.code(), "unit-malformed");
    assert_eq!(world.ask(assign("320588001001G99").tracing()).await.code(), "unit-empty");
    assert_eq!(ask_ok(&world, assign(GRID).tracing()).await["follow_up"]["unit"], GRID);
    assert_eq!(world.ask(assign(OTHER_GRID).tracing()).await.code(), "step-not-allowed");
    assert_eq!(nobody().await["counts"]["total"], 0);
    assert_eq!(list(&world, "worker", &format!("/v1/units/{GRID}/follow-ups")).await["counts"]["total"], 2);
}

#[tokio::test]
async fn what_waits_too_long_is_overdue_and_so_is_an_open_referral() {
    let world = world().await;
    let _projector = world.follow_decisions();
    let path = format!("/v1/units/{GRID}/follow-ups?overdue=true");
    let overdue = async || list(&world, "worker", &path).await["follow_ups"].as_array().expect("a list").clone();
    world.clock_is(NOON.plus_millis(12 * HOUR));
    assert_eq!(overdue().await.len(), 0, "twelve hours are in time");
    world.advance_clock(1);
    assert_eq!((overdue().await.len(), overdue().await[0]["due_for"].clone()), (1, json!("notify")));
    let go = async |question: Value| {
        let reply = world.ask(step(with_anna(), question).looking_after("worker")).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    };
    go(json!({ "step": "notified" })).await;
    go(json!({ "step": "quarantined" })).await;
    go(json!({ "step": "screened", "place": "clinic of the third street" })).await;
    assert_eq!(overdue().await.len(), 0);
    world.advance_clock(24 * HOUR);
    assert_eq!(overdue().await.len(), 0);
    world.advance_clock(1);
    assert_eq!(overdue().await[0]["due_for"], json!("referral"));
    go(json!({ "step": "transported", "place": "ambulance 3" })).await;
    go(json!({ "step": "admitted", "place": "second hospital" })).await;
    go(json!({ "step": "referral_closed", "outcome": "discharged" })).await;
    assert_eq!(overdue().await.len(), 0);
    let body = list(&world, "worker", &format!("/v1/follow-ups/{}", with_anna())).await;
    assert_eq!((&body["referral"]["stage"], &body["referral"]["outcome"]), (&json!("closed"), &json!("discharged")));
    let places: Vec<&Value> =
        body["history"].as_array().expect("a list").iter().map(|step| &step["referral"]["place"]).collect();
    assert_eq!(places[3..6], ["clinic of the third street", "ambulance 3", "second hospital"]);
}

#[tokio::test]
async fn a_withdrawn_case_ends_its_follow_ups_and_keeps_their_history() {
    let world = world().await;
    let of_the_other = |ask: Ask| ask.by("tracer").purpose("PUBHLTH").case("2022-0007");
    let state = async |tracing: bool| {
        let path = format!("/v1/follow-ups/{}", with_anna());
        let ask = if tracing { of_the_other(get(path)) } else { get(path).looking_after("worker") };
        let body = ask_ok(&world, ask).await;
        (body["state"].clone(), body["steps"].clone(), body["history"].as_array().map(Vec::len))
    };
    assert_eq!(state(false).await.0, "to_notify");
    let mut changes = Changes::default();
    let none = CaseStatus { case_id: "2022-0008".to_owned(), state: CaseState::Excluded, ..CaseStatus::default() };
    fact(&mut changes, ("facts", "case-of-nobody"), own(bob()), (0, None), none.into());
    changes.facts[0].edition = Edition { version: 2, reading: 0 };
    world.put(&changes).await;
    assert_eq!(state(false).await, (json!("withdrawn"), json!([]), Some(1)));
    assert_eq!(state(true).await.0, "withdrawn");
    let refused = world.ask(step(with_anna(), json!({ "step": "notified" })).looking_after("worker")).await;
    assert_eq!(refused.code(), "step-not-allowed");
    let counts = &list(&world, "worker", &format!("/v1/units/{GRID}/follow-ups")).await["counts"];
    assert_eq!((&counts["total"], &counts["withdrawn"], &counts["overdue"]), (&json!(1), &json!(1), &json!(0)));
    let path = format!("/v1/cases/{}/contacts/notify", other_case());
    assert_eq!(world.ask(of_the_other(post(&path, "{}"))).await.code(), "case-untraceable");
}

#[tokio::test]
async fn a_person_who_is_looked_after_elsewhere_is_covered() {
    let world = world().await;
    let _projector = world.follow_decisions();
    met(&world).await;
    notify(&world).await;
    let go = async |follow_up, question: Value| world.ask(step(follow_up, question).looking_after("worker")).await;
    let second = id(case_of_bob(), anna().as_record(), Some(GRID));
    assert_eq!(go(second, json!({ "step": "covered" })).await.code(), "step-not-allowed");
    assert_eq!(go(with_anna(), json!({ "step": "notified" })).await.status, StatusCode::OK);
    assert_eq!(go(second, json!({ "step": "covered" })).await.json()["follow_up"]["state"], "covered");
    let body = list(&world, "worker", &format!("/v1/units/{GRID}/follow-ups?limit=1")).await;
    assert_eq!((&body["counts"]["total"], &body["counts"]["covered"]), (&json!(2), &json!(1)));
    assert_eq!(body["follow_ups"][0]["state"], "notified", "what has ended comes last");
    let next = format!("/v1/units/{GRID}/follow-ups?limit=1&after={}", body["next"].as_str().expect("there is more"));
    let last = list(&world, "worker", &next).await;
    assert_eq!((&last["follow_ups"][0]["state"], last.get("next")), (&json!("covered"), None));
}

#[tokio::test]
async fn a_contact_who_is_found_too_late_for_a_quarantine_is_closed_for_that_reason() {
    let world = world().await;
    let _projector = world.follow_decisions();
    let take = async |question: Value| world.ask(step(with_anna(), question).looking_after("worker")).await;
    assert_eq!(take(json!({ "step": "notified" })).await.status, StatusCode::OK);
    let over = NOON.plus_millis(14 * DAY - HOUR);
    let close = || json!({ "step": "closed", "reason": "period_over", "note": "found on the last day" });
    world.clock_is(over.plus_millis(-1));
    assert_eq!(take(close()).await.code(), "quarantine-not-over");
    world.clock_is(over);
    assert_eq!(take(json!({ "step": "quarantined" })).await.code(), "quarantine-over");
    let until = over.plus_millis(-1).to_string();
    assert_eq!(take(json!({ "step": "quarantined", "until": until })).await.code(), "quarantine-end");
    let closed = take(close()).await.json();
    assert_eq!((&closed["follow_up"]["state"], &closed["follow_up"]["steps"]), (&json!("period_over"), &json!([])));
    assert_eq!(closed["follow_up"].get("due"), None);
    // Once more, because the answer was lost.
    assert_eq!(take(close()).await.json()["follow_up"]["version"], 3);
    let path = format!("/v1/units/{GRID}/follow-ups");
    let counts = &list(&world, "worker", &format!("{path}?state=period_over")).await["counts"];
    assert_eq!((&counts["total"], &counts["period_over"], &counts["overdue"]), (&json!(1), &json!(1), &json!(0)));
    let body = list(&world, "worker", &format!("/v1/follow-ups/{}", with_anna())).await;
    assert_eq!((&body["history"][2]["step"], &body["history"][2]["state"]), (&json!("closed"), &json!("period_over")));
}

#[tokio::test]
async fn whoever_died_at_the_hospital_is_followed_up_no_longer() {
    let world = world().await;
    let _projector = world.follow_decisions();
    let go = async |question: Value| world.ask(step(with_anna(), question).looking_after("worker")).await;
    for question in [
        json!({ "step": "notified" }),
        json!({ "step": "quarantined" }),
        json!({ "step": "screened", "place": "clinic" }),
    ] {
        assert_eq!(go(question).await.status, StatusCode::OK);
    }
    // The referral is closed first: it says what became of her.
    assert_eq!(go(json!({ "step": "closed", "reason": "died" })).await.code(), "step-not-allowed");
    let ended = go(json!({ "step": "referral_closed", "outcome": "died" })).await.json();
    assert_eq!((&ended["follow_up"]["state"], &ended["follow_up"]["steps"]), (&json!("died"), &json!([])));
    let counts = &list(&world, "worker", &format!("/v1/units/{GRID}/follow-ups")).await["counts"];
    assert_eq!((&counts["total"], &counts["died"], &counts["quarantined"]), (&json!(1), &json!(1), &json!(0)));
    assert_eq!(go(json!({ "step": "screened", "place": "clinic" })).await.code(), "step-not-allowed");
}

#[tokio::test]
async fn what_no_unit_has_is_closed_by_disease_control_and_by_nobody_else() {
    let world = world().await;
    let _projector = world.follow_decisions();
    let close = |of| step(of, json!({ "step": "closed", "reason": "not_this_person" }));
    assert_eq!(world.ask(close(with_anna()).tracing()).await.code(), "step-not-allowed");
    assert_eq!(world.ask(close(unassigned()).looking_after("worker")).await.code(), "follow-up-not-found");
    assert_eq!(ask_ok(&world, close(unassigned()).tracing()).await["follow_up"]["state"], "not_this_person");
    let left = ask_ok(&world, get("/v1/follow-ups/unassigned").tracing()).await;
    assert_eq!((&left["counts"]["not_this_person"], &left["counts"]["to_notify"]), (&json!(1), &json!(0)));
}

#[tokio::test]
async fn a_refusal_says_which_member_is_wrong_and_what_it_must_be() {
    let world = world().await;
    let told = async |ask: Ask| world.ask(ask).await.json()["detail"].as_str().unwrap_or_default().to_owned();
    for (question, expected) in [
        (json!({ "step": "notified", "until": "2022-03-09T00:00:00Z" }), "`until` does not belong to this step."),
        (json!({ "step": "notified", "at": "2099-01-01T00:00:00Z" }), "`at` must be an instant that has passed."),
        (json!({ "step": "quarantined", "until": "tomorrow" }), "`until` must be an instant such as"),
        (json!({ "step": "closed" }), "`reason` must be `period_over`, `died`, `not_this_person` or `moved_away`."),
        (json!({ "step": "begun" }), "`step` is none that a caller takes."),
    ] {
        let detail = told(step(with_anna(), question.clone()).looking_after("worker")).await;
        assert!(detail.starts_with(expected), "{question}: {detail}");
    }
    for (query, expected) in [
        ("limit=0", "`limit` must be a number from 1 to 200."),
        ("overdue=perhaps", "`overdue` must be `true` or `false`."),
        ("odd=1", "A member is unknown; those of this route are `state`, `overdue`, `after`, `limit`."),
        ("limit=1&limit=2", "`limit` must be there once."),
    ] {
        let path = format!("/v1/units/{GRID}/follow-ups?{query}");
        let detail = told(get(path).looking_after("worker")).await;
        assert!(detail.starts_with(expected), "{query}: {detail}");
    }
    let detail = told(get("/v1/townships?township=320588").by("tracer").purpose("PUBHLTH")).await;
    assert!(detail.starts_with("`township` must be a division code of 9 digits."), "{detail}");
}

#[tokio::test]
async fn follow_ups_are_for_disease_control_and_the_unit_that_has_them() {
    let world = world().await;
    let paths = [
        format!("/v1/units/{GRID}/follow-ups"),
        format!("/v1/follow-ups/{}", with_anna()),
        format!("/v1/cases/{}/follow-ups", other_case()),
        "/v1/follow-ups/unassigned".to_owned(),
    ];
    for path in &paths {
        for caller in ["auditor", "anna", "operator", "steward", "subscriber", "department"] {
            for purpose in ["PUBHLTH", "HOPERAT", "PATRQT"] {
                let reply = world.ask(get(&**path).by(caller).purpose(purpose).for_a_case()).await;
                assert_eq!(reply.status, StatusCode::FORBIDDEN, "{path} {caller} {purpose}");
            }
        }
        assert_eq!(world.ask(get(&**path).by("tracer").purpose("PUBHLTH")).await.code(), "case-required");
        assert_eq!(world.ask(get(&**path).by("worker").purpose("HOPERAT")).await.code(), "not-entitled");
    }
    assert_eq!(world.ask(get(&*paths[0]).looking_after("other-worker")).await.code(), "unit-not-found");
    assert_eq!(world.ask(get(&*paths[2]).looking_after("worker")).await.code(), "not-entitled");
    for query in ["?state=gone", "?overdue=perhaps", "?after=x", "?limit=0"] {
        let reply = world.ask(get(format!("{}{query}", paths[0])).looking_after("worker")).await;
        assert_eq!(reply.code(), "query-malformed", "{query}");
    }
    let gone = get(format!("/v1/follow-ups/{}", build::record_id("facts", "gate"))).tracing();
    assert_eq!(world.ask(gone).await.code(), "follow-up-not-found");
    assert_eq!(minute(0), NOON);
}
