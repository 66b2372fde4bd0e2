//! Appeals against the colour of a health code, and risk as it was known.

use axum::http::StatusCode;
use domain::{CaseState, CaseStatus, EventId, PlaceRef, Sensitive};
use serde_json::{Value, json};
use store::appeals::AppealRow;
use store::views::Changes;
use test_support::build::NOON;
use uuid::Uuid;

use crate::town::{CENTRE, cell, fact, minute, own, seen};
use crate::world::{World, anna, bob, get, post, subject, world};

const WORDS: &str = "I lay in bed at home with a broken leg.";

/// The appeal that Anna made before.
pub(crate) fn made() -> AppealRow {
    AppealRow {
        seq: 0,
        appeal_id: Uuid::from_u128(0x11d3_9a0c),
        record: anna().as_record(),
        made: NOON,
        words: Some(Sensitive::from("It was not me.")),
        events: vec![EventId::from_uuid(Uuid::from_u128(7))],
        decision: None,
    }
}

async fn code_of(world: &World, who: &str) -> Value {
    world.ask(get("/v1/me/health-code").own(who)).await.json()
}

async fn code(world: &World) -> Value {
    code_of(world, "bob").await
}

async fn appeal(world: &World) -> String {
    appeal_of(world, "bob").await
}

/// Bob, who is a case, was near Anna for half an hour.
async fn met(world: &World) {
    let mut changes = Changes::default();
    cell(&mut changes, "A", CENTRE, 0.0);
    seen(&mut changes, "a", own(anna()), "A", -100, -60);
    seen(&mut changes, "b", own(bob()), "A", -90, -60);
    world.put(&changes).await;
    query_api::load_contacts(&world.state).await.expect("loaded");
}

async fn appeal_of(world: &World, who: &str) -> String {
    let reply = world.ask(post("/v1/me/health-code/appeals", &json!({ "words": WORDS }).to_string()).own(who)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()["appeal_id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn an_upheld_appeal_takes_the_colour_away_and_stands_in_the_history() {
    let world = world().await;
    met(&world).await;
    let before = code_of(&world, "anna").await;
    assert_eq!((&before["colour"], &before["reasons"][0]["cause"]), (&json!("RED"), &json!("contact")), "{before}");
    let id = appeal_of(&world, "anna").await;
    assert_eq!(world.last_entry().matter.map(|matter| matter.act.to_string()).as_deref(), Some("APPEAL"));
    assert_eq!(world.last_entry().subjects, [subject(anna())]);
    // An appeal alone changes nothing, and it is one appeal.
    let open = code_of(&world, "anna").await;
    let state_of = |code: &Value| -> Value {
        let appeals = code["appeals"].as_array().expect("a list").iter();
        appeals.filter(|one| one["appeal_id"] == json!(id)).map(|one| one["state"].clone()).next().unwrap_or_default()
    };
    assert_eq!((&open["colour"], state_of(&open)), (&json!("RED"), json!("open")));
    assert!(!open.to_string().contains(WORDS), "the words are for who decides");
    let again = post("/v1/me/health-code/appeals", &json!({ "words": WORDS }).to_string()).own("anna");
    assert_eq!(world.ask(again).await.code(), "appeal-nothing");
    let listed = world.ask(get("/v1/appeals").tracing()).await.json();
    let of_anna = listed["appeals"].as_array().expect("a list").iter().find(|one| one["appeal_id"] == json!(id));
    let of_anna = of_anna.expect("listed");
    assert_eq!((&of_anna["words"], &of_anna["person_id"]), (&json!(WORDS), &json!(anna().to_string())));
    let decide = |verdict: &str, who: &str| {
        let question = json!({ "verdict": verdict, "reason": "NOT_THE_PERSON", "note": "another of that name" });
        let ask = post(&format!("/v1/appeals/{id}/decision"), &question.to_string());
        ask.by(who).purpose("PUBHLTH").for_a_case()
    };
    // The tracer began a follow-up of Anna, and does not set aside what it follows from.
    let own_work = world.ask(decide("UPHELD", "tracer")).await;
    assert_eq!((own_work.status, own_work.code().as_str()), (StatusCode::FORBIDDEN, "own-work"));
    world.advance_clock(60_000);
    let decided = world.ask(decide("UPHELD", "tracer-2")).await;
    assert_eq!((decided.status, &decided.json()["state"]), (StatusCode::OK, &json!("upheld")), "{}", decided.text());
    assert_eq!(world.ask(decide("UPHELD", "tracer-2")).await.status, StatusCode::OK, "once more changes nothing");
    assert_eq!(world.ask(decide("REJECTED", "tracer-2")).await.code(), "appeal-decided");
    world.advance_clock(60_000);
    let after = code_of(&world, "anna").await;
    assert_eq!(after["colour"], "GREEN", "{after}");
    assert_eq!((after["set_aside"][0]["cause"].clone(), state_of(&after)), (json!("contact"), json!("upheld")));
    let shown = after["appeals"].as_array().expect("a list").iter();
    assert!(shown.clone().all(|one| one.get("by").is_none()), "who decided is answered for by the organisation");
    let mine = world.ask(get("/v1/me/health-code/appeals").own("anna")).await.text();
    assert!(mine.contains(WORDS) && mine.contains("NOT_THE_PERSON"), "{mine}");
}

#[tokio::test]
async fn a_case_is_taken_back_by_its_source_and_by_no_verdict() {
    let world = world().await;
    assert_eq!(code(&world).await["colour"], "RED");
    let id = appeal(&world).await;
    let decide = || {
        let question = json!({ "verdict": "UPHELD", "reason": "FACT_WRONG" });
        post(&format!("/v1/appeals/{id}/decision"), &question.to_string()).tracing()
    };
    let refused = world.ask(decide()).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "appeal-case"), "{}", refused.text());
    assert_eq!(code(&world).await["colour"], "RED");
    let mut changes = Changes::default();
    let none = CaseStatus { case_id: "2022-0007".to_owned(), state: CaseState::Excluded, ..CaseStatus::default() };
    fact(&mut changes, ("facts", "case-of-bob"), own(bob()), (0, None), none.into());
    changes.facts[0].edition.version = 2;
    world.put(&changes).await;
    assert_eq!(world.ask(decide()).await.json()["state"], "upheld");
    assert_eq!(code(&world).await["colour"], "GREEN");
}

#[tokio::test]
async fn a_rejected_appeal_leaves_the_colour_and_another_may_follow() {
    let world = world().await;
    let id = appeal(&world).await;
    let rejected = json!({ "verdict": "REJECTED", "reason": "FACT_CONFIRMED" });
    let reply = world.ask(post(&format!("/v1/appeals/{id}/decision"), &rejected.to_string()).tracing()).await;
    assert_eq!(reply.json()["state"], "rejected", "{}", reply.text());
    assert_eq!(code(&world).await["colour"], "RED");
    appeal(&world).await;
}

#[tokio::test]
async fn an_appeal_is_the_residents_own_and_about_the_own_code() {
    let world = world().await;
    let ask = |body: Value| post("/v1/me/health-code/appeals", &body.to_string());
    // Anna's code is green: there is nothing to appeal against.
    assert_eq!(world.ask(ask(json!({ "words": "no" })).own("anna")).await.code(), "appeal-nothing");
    let foreign = json!({ "words": "no", "events": [Uuid::from_u128(9)] });
    assert_eq!(world.ask(ask(foreign).own("bob")).await.code(), "appeal-nothing");
    for words in ["", "  ", &"x".repeat(1_001)] {
        assert_eq!(world.ask(ask(json!({ "words": words })).own("bob")).await.code(), "appeal-words");
    }
    assert_eq!(world.ask(ask(json!({ "words": "no" })).tracing()).await.code(), "not-entitled");
    assert_eq!(world.ask(get("/v1/appeals").own("bob")).await.code(), "not-entitled");
    assert_eq!(world.ask(get("/v1/appeals").looking_after("worker")).await.code(), "not-entitled");
    assert_eq!(world.ask(get("/v1/appeals?state=lost").tracing()).await.code(), "query-malformed");
    let decide = |id: Uuid, verdict: &str| {
        let question = json!({ "verdict": verdict, "reason": "OTHER" });
        post(&format!("/v1/appeals/{id}/decision"), &question.to_string()).tracing()
    };
    assert_eq!(world.ask(decide(Uuid::from_u128(8), "UPHELD")).await.code(), "appeal-not-found");
    assert_eq!(world.ask(decide(made().appeal_id, "perhaps")).await.code(), "appeal-words");
    assert_eq!(world.ask(decide(made().appeal_id, "REJECTED")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_resident_reads_the_own_itinerary_and_nobody_elses() {
    let world = world().await;
    let window = crate::world::FROM_TO;
    let mine = world.ask(get(format!("/v1/me/itinerary?{window}")).own("anna")).await;
    assert_eq!(mine.json()["person_id"], json!(anna().to_string()), "{}", mine.text());
    assert_eq!(world.last_entry().subjects, [subject(anna())]);
    assert_eq!(world.ask(get("/v1/me/itinerary").tracing()).await.code(), "person-not-found");
}

#[tokio::test]
async fn the_level_of_a_day_is_told_as_it_was_known_on_another() {
    let world = world().await;
    // Where no other case is.
    let quiet = "320506777";
    let case = |state, version: i64, known_at: i64| {
        let body = CaseStatus {
            case_id: "c-9".to_owned(),
            state,
            confirmed_time: Some(minute(0)),
            place: PlaceRef { division_code: Some(quiet.to_owned()), ..PlaceRef::default() },
            ..CaseStatus::default()
        };
        let mut changes = Changes::default();
        fact(&mut changes, ("disease-control", "c-9"), own(bob()), (0, None), body.into());
        let mut fact = changes.facts.remove(0);
        fact.edition.version = version;
        fact.known_at = minute(known_at);
        fact
    };
    // Known an hour late, and found to be none a day later.
    let before = vec![case(CaseState::Confirmed, 1, 60)];
    let changes =
        Changes { facts: vec![case(CaseState::Excluded, 2, 1_440)], facts_before: before, ..Changes::default() };
    world.put(&changes).await;
    world.clock_is(minute(3_000));
    let level = async |known_at: i64| {
        let path = format!("/v1/townships?township={quiet}&on={}&known_at={}", minute(30), minute(known_at));
        let body = world.ask(get(path).by("tracer").purpose("PUBHLTH")).await.json();
        assert_eq!(body["known_at"], json!(minute(known_at).to_string()));
        body["townships"][0]["level"].clone()
    };
    assert_eq!(level(59).await, "LOW", "nobody knew of it yet");
    assert_eq!(level(60).await, "MEDIUM");
    assert_eq!(level(1_439).await, "MEDIUM");
    assert_eq!(level(1_440).await, "LOW", "it was none");
    let known = async |known_at: i64| {
        let path = format!("/v1/cases?known_at={}", minute(known_at));
        let body = world.ask(get(path).by("tracer").purpose("PUBHLTH").for_a_case()).await.json();
        body["cases"].as_array().expect("a list").iter().map(|case| case["existing"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(known(59).await.len(), known(60).await.len() - 1, "the case itself was not known");
    assert!(known(60).await.contains(&json!(true)));
    let tomorrow = world.ask(get(format!("/v1/cases?known_at={}", minute(4_000))).tracing()).await;
    assert_eq!(tomorrow.code(), "query-malformed", "nobody knows what will be known");
    let broken = world.ask(get("/v1/townships?known_at=then").by("tracer").purpose("PUBHLTH")).await;
    assert_eq!(broken.code(), "query-malformed");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_appeals_made_at_once_about_the_same_events_one_is_made() {
    let world = world().await;
    let made: Vec<_> = (0..6)
        .map(|_| {
            let ask = post("/v1/me/health-code/appeals", &json!({ "words": WORDS }).to_string()).own("bob");
            let app = world.app.clone();
            tokio::spawn(
                async move { tower::ServiceExt::oneshot(app, ask.request()).await.expect("infallible").status() },
            )
        })
        .collect();
    let mut statuses = Vec::new();
    for one in made {
        statuses.push(one.await.expect("no panic"));
    }
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::OK).count(), 1, "{statuses:?}");
    let mine = world.ask(get("/v1/me/health-code/appeals").own("bob")).await.json();
    assert_eq!(mine["appeals"].as_array().map(Vec::len), Some(1));
}
