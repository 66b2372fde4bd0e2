//! Residents contest values and records of their own file; data stewards answer.

use axum::http::StatusCode;
use domain::{Edition, RecordId, Sensitive};
use serde_json::{Value, json};
use store::contests::ContestRow;
use store::views::Changes;
use test_support::build::{self, NOON, record_id};
use uuid::Uuid;

use crate::reviews::decision_id;
use crate::town::resident;
use crate::world::{Reply, World, anna, bob, get, post, subject, world};

const WORDS: &str = "That was my brother's flat, I never lived there.";

/// What Anna contested before: the address that the register states.
pub(crate) fn made() -> ContestRow {
    ContestRow {
        seq: 0,
        contest_id: Uuid::from_u128(0x11d4_9a0c),
        record: anna().as_record(),
        made: NOON,
        words: Some(Sensitive::from("I moved.")),
        contested: record_id("register", "anna"),
        field: Some("address".to_owned()),
        event: None,
        decision: None,
    }
}

async fn contest(world: &World, who: &str, record: RecordId, field: Option<&str>) -> Reply {
    let mut body = json!({ "record_id": record.as_uuid(), "words": WORDS });
    if let Some(field) = field {
        body["field"] = json!(field);
    }
    world.ask(post("/v1/me/contests", &body.to_string()).own(who)).await
}

async fn open(world: &World, id: &str) -> Option<Value> {
    let listed = world.ask(get("/v1/contests").reviewing()).await.json();
    listed["contests"].as_array().expect("a list").iter().find(|one| one["contest_id"] == json!(id)).cloned()
}

#[tokio::test]
async fn a_contested_value_goes_to_the_steward_and_the_answer_comes_back() {
    let world = world().await;
    let made = contest(&world, "bob", record_id("register", "bob"), Some("address")).await;
    assert_eq!((made.status, &made.json()["state"]), (StatusCode::OK, &json!("open")), "{}", made.text());
    let id = made.json()["contest_id"].as_str().expect("an id").to_owned();
    assert_eq!(made.json()["source"], "register", "the resident sees whose word it is");
    assert!(made.json()["event_id"].is_string(), "and which statement");
    let entry = world.last_entry();
    let (act, action) = (entry.matter.map(|matter| matter.act.to_string()), entry.action.to_string());
    assert_eq!((act.as_deref(), action.as_str()), (Some("CONTEST"), "contest-file"));
    assert_eq!(entry.subjects, [subject(bob())]);
    let again = contest(&world, "bob", record_id("register", "bob"), Some("address")).await;
    assert_eq!(again.code(), "contest-nothing", "it is open already");

    let listed = open(&world, &id).await.expect("listed");
    assert_eq!((&listed["words"], &listed["person_id"]), (&json!(WORDS), &json!(bob().to_string())));
    assert_eq!(
        (&listed["field"], &listed["source"], &listed["batch_row"]),
        (&json!("address"), &json!("register"), &json!(1))
    );
    let decide = |verdict: &str| {
        let question = json!({ "verdict": verdict, "reason": "SOURCE_INFORMED", "note": "they mend it by May" });
        post(&format!("/v1/contests/{id}/decision"), &question.to_string()).reviewing()
    };
    let own = json!({ "verdict": "UPHELD", "reason": "OTHER" }).to_string();
    let own = post(&format!("/v1/contests/{id}/decision"), &own).by("steward-bob").purpose("HOPERAT");
    assert_eq!(world.ask(own).await.code(), "own-file", "nobody decides about the own file");
    let decided = world.ask(decide("UPHELD")).await;
    assert_eq!((decided.status, &decided.json()["state"]), (StatusCode::OK, &json!("upheld")), "{}", decided.text());
    assert_eq!(world.ask(decide("UPHELD")).await.status, StatusCode::OK, "the same once more changes nothing");
    assert_eq!(world.ask(decide("REJECTED")).await.code(), "contest-decided");
    assert_eq!(open(&world, &id).await, None);
    let mine = world.ask(get("/v1/me/contests").own("bob")).await.json();
    let mine = &mine["contests"][0];
    assert_eq!((&mine["state"], &mine["reason"]), (&json!("upheld"), &json!("SOURCE_INFORMED")));
    assert_eq!((&mine["note"], mine.get("by")), (&json!("they mend it by May"), None), "who decided is not told");
    assert!(mine["decided"].is_string() && mine["words"] == json!(WORDS));
}

#[tokio::test]
async fn a_contested_record_is_up_for_review_and_leaves_the_file_by_decision_alone() {
    let world = world().await;
    let patient = record_id("hospital", "anna");
    let decide = || {
        let register = record_id("register", "anna").as_uuid();
        let pair = json!({ "record_a": patient.as_uuid(), "record_b": register, "verdict": "DIFFERENT", "reason": "NAMESAKES" });
        post("/v1/decisions", &pair.to_string()).reviewing()
    };
    assert_eq!(world.ask(decide()).await.code(), "review-not-found", "nobody asked about the pair");
    let made = contest(&world, "anna", patient, None).await;
    assert_eq!((made.status, &made.json()["in_file"]), (StatusCode::OK, &json!(true)), "{}", made.text());
    let id = made.json()["contest_id"].as_str().expect("an id").to_owned();
    let listed = open(&world, &id).await.expect("listed");
    assert_eq!(listed["beside"], json!([record_id("register", "anna").as_uuid()]));
    assert!(made.json()["source"] == json!("hospital") && made.json()["batch_row"] == json!(1), "{}", made.text());
    for told in ["source", "batch_id", "batch_row"] {
        assert_eq!(listed.get(told), None, "that somebody is a patient is not for stewards");
    }
    let files = world.ask(get(format!("/v1/persons/{}", anna())).own("anna")).await.json();
    assert_eq!(files["records"], 2, "a contest splits nothing");
    let projector = world.follow_decisions();
    let decided = world.ask(decide()).await;
    assert!(decided.status.is_success(), "{}", decided.text());
    assert_eq!(
        decided.json()["decision"]["decision_id"],
        json!(decision_id(patient, record_id("register", "anna")).to_string())
    );
    // The pair of a record with somebody else's is none that the contest is about.
    let other = json!({ "record_a": patient.as_uuid(), "record_b": record_id("register", "nobody").as_uuid(), "verdict": "SAME", "reason": "OTHER" });
    assert_eq!(world.ask(post("/v1/decisions", &other.to_string()).reviewing()).await.code(), "review-not-found");
    projector.abort();
}

#[tokio::test]
async fn a_contested_record_that_has_left_is_no_longer_followed_and_opens_no_other_file() {
    let world = world().await;
    let mut changes = Changes::default();
    for id in ["second", "third"] {
        resident(&mut changes, id);
    }
    changes.persons.clear();
    (changes.records[0].person, changes.records[1].person) = (Some(anna()), Some(bob()));
    world.put(&changes).await;
    let second = record_id("register", "second");
    let made = contest(&world, "anna", second, None).await;
    assert_eq!((made.status, &made.json()["source"]), (StatusCode::OK, &json!("register")), "{}", made.text());
    let id = made.json()["contest_id"].clone();
    // It goes to Bob, and its source states it anew.
    let mut gone = changes.records[0].clone();
    let anew = build::meta("register", "anew").event_id;
    (gone.person, gone.batch_row) = (Some(bob()), 9);
    gone.stated = Some((Edition { version: 2, reading: 0 }, anew, NOON, NOON));
    world.put(&Changes { records: vec![gone], ..Changes::default() }).await;

    let mine = world.ask(get("/v1/me/contests").own("anna")).await.json();
    let mine = mine["contests"].as_array().expect("a list").iter().find(|one| one["contest_id"] == id).expect("listed");
    assert_eq!((&mine["in_file"], &mine["stated_anew"]), (&json!(false), &json!(false)));
    for told in ["source", "batch_id", "batch_row"] {
        assert_eq!(mine.get(told), None, "what becomes of it is Bob's");
    }
    let listed = open(&world, id.as_str().expect("an id")).await.expect("listed");
    assert_eq!((&listed["stated_anew"], &listed["batch_row"]), (&json!(true), &json!(9)), "who decides sees it");
    // Bob contests nothing: his pairs need a task.
    let pair = json!({ "record_a": second.as_uuid(), "record_b": record_id("register", "third").as_uuid(), "verdict": "DIFFERENT", "reason": "OTHER" });
    assert_eq!(world.ask(post("/v1/decisions", &pair.to_string()).reviewing()).await.code(), "review-not-found");
}

#[tokio::test]
async fn a_contest_is_the_residents_own_and_about_the_own_file() {
    let world = world().await;
    let (own, theirs) = (record_id("register", "bob"), record_id("register", "anna"));
    for (record, field) in [(theirs, Some("name")), (theirs, None), (own, None), (own, Some("nationality"))] {
        let reply = contest(&world, "bob", record, field).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::CONFLICT, "contest-nothing"), "{field:?}");
    }
    let record = own.as_uuid();
    for body in [
        json!({ "record_id": record, "words": " " }),
        json!({ "record_id": record, "words": "x".repeat(1_001) }),
        json!({ "record_id": record, "field": "shoe_size", "words": "no" }),
        json!({ "record_id": record, "index": 1, "words": "no" }),
        json!({ "words": "no" }),
        json!({}),
    ] {
        let reply = world.ask(post("/v1/me/contests", &body.to_string()).own("bob")).await;
        assert_eq!(reply.code(), "contest-words", "{body}");
    }
    assert_eq!(world.ask(get("/v1/contests").own("bob")).await.code(), "not-entitled");
    assert_eq!(world.ask(get("/v1/contests").tracing()).await.code(), "not-entitled");
    assert_eq!(world.ask(get("/v1/me/contests").reviewing()).await.code(), "not-entitled");
    assert_eq!(world.ask(get("/v1/contests?state=lost").reviewing()).await.code(), "query-malformed");
    let decide = |id: Uuid, verdict: &str| {
        post(&format!("/v1/contests/{id}/decision"), &json!({ "verdict": verdict, "reason": "OTHER" }).to_string())
    };
    assert_eq!(world.ask(decide(Uuid::from_u128(8), "UPHELD").reviewing()).await.code(), "contest-not-found");
    assert_eq!(world.ask(decide(made().contest_id, "perhaps").reviewing()).await.code(), "contest-words");
    assert_eq!(world.ask(decide(made().contest_id, "REJECTED").reviewing()).await.status, StatusCode::OK);
}
