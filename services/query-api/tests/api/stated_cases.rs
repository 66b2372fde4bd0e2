//! The case that a call states: found, open, and the caller's, or as good as none.

use std::time::Duration;

use axum::http::StatusCode;
use domain::{CaseState, CaseStatus, Edition, EventType, Timestamp};
use event_log::Record;
use ledger::Decision;
use store::views::{self, Changes};
use test_support::build::{NOON, record_id};

use crate::town::{fact, own};
use crate::world::{Ask, CASE, Reply, World, anna, bob, get, post, world};

const HOUR: i64 = 3_600_000;

fn status(number: &str, state: CaseState) -> CaseStatus {
    CaseStatus { case_id: number.to_owned(), state, ..CaseStatus::default() }
}

fn of_unit(number: &str, unit: &str) -> CaseStatus {
    CaseStatus { unit: Some(unit.to_owned()), ..status(number, CaseState::Confirmed) }
}

/// Disease control states a case, for so many times.
async fn state_as(world: &World, source: &str, version: i64, status: CaseStatus) {
    let mut changes = Changes::default();
    let id = format!("case {}", status.case_id);
    fact(&mut changes, (source, &id), own(bob()), (0, None), status.into());
    changes.facts[0].edition = Edition { version, reading: 0 };
    world.put(&changes).await;
}

async fn state(world: &World, version: i64, status: CaseStatus) {
    state_as(world, "cdc", version, status).await;
}

fn id_of(source: &str, number: &str) -> String {
    record_id(source, &format!("case {number}")).to_string()
}

fn look() -> Ask {
    get(format!("/v1/persons/{}", anna()))
}

async fn tracing(world: &World, caller: &str, case: &str) -> Reply {
    world.ask(look().by(caller).purpose("PUBHLTH").case(case)).await
}

#[tokio::test]
async fn no_case_and_one_that_is_unknown_closed_or_anothers_are_one_answer_and_told_apart_on_record() {
    let world = world().await;
    state(&world, 1, of_unit("C-FOREIGN", "CDC-09")).await;
    state(&world, 1, status("C-EXCLUDED", CaseState::Excluded)).await;
    let over = CaseStatus { closed_time: Some(NOON.plus_millis(-HOUR)), ..status("C-CLOSED", CaseState::Confirmed) };
    state(&world, 1, over).await;
    state(&world, 1, status("C-RECOVERED", CaseState::Recovered)).await;
    state(&world, 1, status("C-SUSPECTED", CaseState::Suspected)).await;
    let (foreign, unknown) = (id_of("cdc", "C-FOREIGN"), id_of("cdc", "C-404"));
    let none = world.ask(look().by("tracer").purpose("PUBHLTH")).await;
    assert_eq!((none.status, none.code().as_str()), (StatusCode::FORBIDDEN, "case-required"));
    let reason = || match world.last_entry().decision {
        Decision::Refused { reason } => reason.to_string(),
        Decision::Allowed => "shown".to_owned(),
    };
    assert_eq!((reason().as_str(), world.last_entry().case), ("case-missing", None));
    for (case, told, is_known) in [
        ("C-404", "case-unknown", false),
        (&unknown, "case-unknown", false),
        ("C-FOREIGN", "case-foreign", true),
        (&foreign, "case-foreign", true),
        ("C-EXCLUDED", "case-closed", true),
        ("C-CLOSED", "case-closed", true),
        ("C-RECOVERED", "case-closed", true),
    ] {
        let before = world.entries().len();
        let refused = tracing(&world, "tracer", case).await;
        assert_eq!((refused.status, &refused.bytes), (none.status, &none.bytes), "{case}");
        assert_eq!(refused.headers.len(), none.headers.len(), "{case}");
        assert_eq!(world.entries().len(), before + 1, "one entry");
        assert_eq!((reason().as_str(), world.last_entry().case.is_some()), (told, is_known), "{case}");
        let never = world.ask(look().by("worker").purpose("TREAT").case(case)).await;
        assert_eq!(never.code(), "not-entitled", "who could not ask with any case learns nothing of this one");
    }
    assert_eq!(tracing(&world, "tracer", "C-SUSPECTED").await.status, StatusCode::OK);
    assert_eq!(world.ask(look().looking_after("worker")).await.status, StatusCode::OK, "who needs no case");
}

#[tokio::test]
async fn who_is_never_asked_for_a_case_does_not_learn_which_there_are() {
    let world = world().await;
    state(&world, 1, of_unit("C-FOREIGN", "CDC-09")).await;
    state(&world, 1, status("C-EXCLUDED", CaseState::Excluded)).await;
    for case in [CASE, "C-FOREIGN", "C-EXCLUDED", "C-404"] {
        for (caller, purpose, path) in [
            ("worker", "PUBHLTH", format!("/v1/persons/{}", anna())),
            ("anna", "PATRQT", "/v1/me/accesses".to_owned()),
            ("auditor", "HOPERAT", "/v1/ledger/entries".to_owned()),
            ("analyst", "HOPERAT", "/v1/figures".to_owned()),
        ] {
            let reply = world.ask(get(path).by(caller).purpose(purpose).case(case)).await;
            assert_eq!(reply.status, StatusCode::OK, "{caller}, {case}: {}", reply.text());
            assert_eq!(world.last_entry().case, None, "{caller}, {case}");
        }
    }
}

#[tokio::test]
async fn a_case_that_is_handed_over_is_the_other_units_with_the_next_call() {
    let world = world().await;
    state(&world, 1, of_unit("C-7", "CDC-02")).await;
    let opens = async |caller: &str| tracing(&world, caller, "C-7").await.status == StatusCode::OK;
    assert!(opens("tracer-2").await && !opens("tracer").await);
    state(&world, 2, of_unit("C-7", "CDC-03")).await;
    assert!(!opens("tracer-2").await);
    state(&world, 3, status("C-7", CaseState::Confirmed)).await;
    assert!(opens("tracer-2").await && opens("tracer").await, "what no unit has for itself is everybody's");
}

#[tokio::test]
async fn a_case_of_a_unit_of_an_organisation_is_no_other_organisations_unit_of_that_name() {
    let world = world().await;
    let opens = async |caller: &str| tracing(&world, caller, "C-7").await.status == StatusCode::OK;
    state(&world, 1, of_unit("C-7", "org-1/CDC-02")).await;
    assert!(opens("tracer-2").await);
    for other in ["elsewhere/CDC-02", "org-1/CDC-03", "org-1CDC-02", "/CDC-02"] {
        state(&world, 2, of_unit("C-7", other)).await;
        assert!(!opens("tracer-2").await, "{other}");
    }
}

#[tokio::test]
async fn what_was_known_then_is_not_told_before_the_views_hold_what_was_read() {
    let world = world().await;
    let known = async |at: Timestamp| {
        let path = format!("/v1/persons/{}/itinerary?known_at={at}", anna());
        world.ask(get(path).by("tracer").purpose("PUBHLTH").case(CASE)).await
    };
    let ask = async || known(NOON).await;
    assert_eq!(ask().await.status, StatusCode::OK);
    let topic = EventType::CaseStatus.topic();
    let record = Record { topic: topic.to_owned(), key: vec![1], payload: vec![1], headers: Vec::new() };
    world.log.append(vec![record]).await.expect("appended");
    let early = ask().await;
    assert_eq!((early.status, early.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "views-behind"));
    let long_ago = known(NOON.plus_millis(-2 * 3_600_000)).await;
    assert_ne!(long_ago.status, StatusCode::SERVICE_UNAVAILABLE, "nothing that is read now was known then");
    let end = world.log.end_positions(&[topic]).await.expect("positions");
    let mut tx = world.store.begin("follow").await.expect("begun");
    let from = views::find_checkpoint(&mut tx).await.expect("a checkpoint");
    views::advance(&mut tx, &from, &serde_json::to_value(end).expect("JSON"), "zh-1").await.expect("advanced");
    tx.commit().await.expect("committed");
    assert_eq!(ask().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_case_that_is_closed_opens_nothing_from_the_next_call_on() {
    let world = world().await;
    state(&world, 1, status("C-7", CaseState::Confirmed)).await;
    assert_eq!(tracing(&world, "tracer", "C-7").await.status, StatusCode::OK);
    let over = CaseStatus { closed_time: Some(NOON.plus_millis(-HOUR)), ..status("C-7", CaseState::Recovered) };
    state(&world, 2, over).await;
    assert_eq!(tracing(&world, "tracer", "C-7").await.code(), "case-required");
    let path = format!("/v1/persons/{}/itinerary?known_at={NOON}", anna());
    let then = world.ask(get(path).by("tracer").purpose("PUBHLTH").case("C-7")).await;
    assert_eq!(then.code(), "case-required", "who asks what was known then asks now");
    assert_eq!(tracing(&world, "tracer", CASE).await.status, StatusCode::OK, "another one does");
}

#[tokio::test]
async fn a_case_is_one_by_its_number_and_by_its_id_and_a_number_of_several_cases_opens_the_only_open_one() {
    let world = world().await;
    state(&world, 1, status("C-7", CaseState::Confirmed)).await;
    let id = id_of("cdc", "C-7");
    let token = async |case: &str| {
        assert_eq!(tracing(&world, "tracer", case).await.status, StatusCode::OK, "{case}");
        world.last_entry().case.expect("a case")
    };
    let by_number = token("C-7").await;
    assert_eq!(token(&id).await, by_number);
    assert_eq!(token(&id.to_uppercase()).await, by_number);
    assert_ne!(token(CASE).await, by_number);
    state_as(&world, "other-cdc", 1, status("C-7", CaseState::Excluded)).await;
    assert_eq!(token("C-7").await, by_number, "the other source's is closed");
    state_as(&world, "other-cdc", 2, status("C-7", CaseState::Confirmed)).await;
    assert_eq!(
        tracing(&world, "tracer", "C-7").await.code(),
        "case-required",
        "which of the two is not for the hub to say"
    );
    assert_eq!(token(&id).await, by_number);
}

#[tokio::test]
async fn a_stream_ends_with_its_case_though_another_one_bears_the_number_by_then() {
    let world = world().await;
    state(&world, 1, status("C-7", CaseState::Confirmed)).await;
    query_api::load_contacts(&world.state).await.expect("loaded");
    let following = get(format!("/v1/persons/{}/contacts", anna())).by("tracer").purpose("PUBHLTH").case("C-7");
    let body = world.open(following).await;
    state_as(&world, "other-cdc", 1, status("C-7", CaseState::Confirmed)).await;
    state(&world, 2, status("C-7", CaseState::Recovered)).await;
    let text = tokio::time::timeout(Duration::from_secs(60), axum::body::to_bytes(body, 1 << 20)).await;
    let text = text.expect("it ends").expect("a body");
    let text = String::from_utf8_lossy(&text);
    assert!(text.ends_with("event: problem\ndata: {\"code\":\"case-required\"}\n\n"), "{text}");
    assert_eq!(tracing(&world, "tracer", "C-7").await.status, StatusCode::OK, "the other one opens");
}

#[tokio::test]
async fn a_steward_decides_for_a_case_of_any_unit_and_a_lead_lifts_the_seal_of_one_that_is_over() {
    let world = world().await;
    state(&world, 1, of_unit("C-7", "CDC-09")).await;
    let decide = || post("/v1/decisions", "{}").by("steward").purpose("HOPERAT");
    assert_eq!(world.ask(decide().case("C-7")).await.status, StatusCode::BAD_REQUEST, "the body alone is wrong");
    let seal = async |days: u32| {
        let body = format!(r#"{{"days":{days},"reason":"INVESTIGATION"}}"#);
        world.ask(post("/v1/cases/seals", &body).by("chief").purpose("HOPERAT").case("C-7")).await.code()
    };
    assert_eq!(seal(7).await, "case-required", "another unit's");
    state(&world, 2, status("C-7", CaseState::Recovered)).await;
    assert_eq!((seal(7).await, seal(0).await), (String::new(), String::new()));
}
