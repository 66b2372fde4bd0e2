use axum::http::StatusCode;
use domain::{LinkDecided, RecordId, Verdict};
use ledger::{Decision, Matter, MatterId};
use serde_json::{Value, json};
use store::views::OrderRow;
use test_support::build::record_id;

use crate::world::{ANNA_NAME, Ask, PHONE, World, anna, bob, delete, get, post, subject, world};

/// Anna's record of the register and Bob's: an open task.
fn task() -> RecordId {
    decision_id(record_id("register", "anna"), record_id("register", "bob"))
}

pub(crate) fn decision_id(one: RecordId, other: RecordId) -> RecordId {
    record_id(LinkDecided::SOURCE, &LinkDecided::source_record_id(one, other))
}

pub(crate) fn question(verdict: &str) -> Value {
    let (a, b) = (record_id("register", "anna"), record_id("register", "bob"));
    json!({ "record_a": a.as_uuid(), "record_b": b.as_uuid(), "verdict": verdict, "reason": "RELATIVES" })
}

fn decide(question: &Value) -> Ask {
    post("/v1/decisions", &question.to_string())
}

async fn state_of(world: &World, id: RecordId) -> Option<Value> {
    let body = world.ask(get("/v1/decisions").reviewing()).await.json();
    body["decisions"].as_array().expect("a list").iter().find(|d| d["decision_id"] == id.to_string()).cloned()
}

#[tokio::test]
async fn a_steward_sees_what_is_asked_and_both_records_side_by_side_and_it_is_on_record() {
    let world = world().await;
    let body = world.ask(get("/v1/reviews").reviewing()).await.json();
    let tasks = body["tasks"].as_array().expect("a list");
    assert_eq!(tasks.len(), 1);
    assert_eq!(tasks[0]["task_id"], task().to_string());
    assert_eq!((&tasks[0]["kind"], &tasks[0]["weight"]), (&json!("band"), &json!(1.25)));
    assert_eq!(tasks[0]["parts"][0]["field"], "phone");
    assert_eq!(world.last_entry().subjects.len(), 2);
    for query in ["?kind=runner-up", "?weight_min=2", &format!("?after=1250~{}", task())] {
        let path = format!("/v1/reviews{query}");
        assert_eq!(world.ask(get(path).reviewing()).await.json()["tasks"], json!([]), "{query}");
    }
    assert_eq!(world.ask(get("/v1/reviews?limit=x").reviewing()).await.code(), "query-malformed");

    let reply = world.ask(get(format!("/v1/reviews/{}", task())).reviewing()).await;
    let file = reply.json();
    assert_eq!(file["statements"].as_array().map(Vec::len), Some(2));
    assert!(reply.text().contains(ANNA_NAME) && reply.text().contains("李四") && reply.text().contains(PHONE));
    assert_eq!((&file["link_threshold"], &file["review_threshold"]), (&json!(12.0), &json!(6.0)));
    assert_eq!(file["withheld"], json!(["health", "trail", "payment"]));
    let entry = world.last_entry();
    let mut subjects = [subject(anna()), subject(bob())];
    subjects.sort();
    let mut said = entry.subjects.clone();
    said.sort();
    assert_eq!(said, subjects);
    assert_eq!(entry.action.to_string(), "read-review");
    let unknown = world.ask(get(format!("/v1/reviews/{}", anna())).reviewing()).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (StatusCode::NOT_FOUND, "review-not-found"));
    assert_eq!(world.ask(get("/v1/reviews/x").reviewing()).await.code(), "review-id-malformed");
}

#[tokio::test]
async fn a_decision_is_on_record_then_on_the_log_then_in_the_answer_and_can_be_undone() {
    let world = world().await;
    let projector = world.follow_decisions();
    let before = world.entries().len();
    let reply = world.ask(decide(&question("DIFFERENT")).reviewing()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let body = reply.json();
    assert_eq!(body["applied"], true);
    let decision = &body["decision"];
    assert_eq!(
        (&decision["decision_id"], &decision["verdict"], &decision["state"], &decision["version"]),
        (&json!(task().to_string()), &json!("DIFFERENT"), &json!("in-force"), &json!(1))
    );
    assert_eq!(decision["reviewer"], "steward");
    assert_eq!(world.entries().len(), before + 1);
    let entry = world.last_entry();
    assert_eq!((entry.action.to_string().as_str(), &entry.decision), ("decide-link", &Decision::Allowed));
    let matter = |act: &str| Matter { id: MatterId(task().as_uuid().into_bytes()), act: act.parse().expect("a code") };
    assert_eq!(entry.matter, Some(matter("DIFFERENT")));
    assert_eq!(entry.subjects.len(), 2);
    assert!(reply.receipt().is_some());

    // The same decision once more, also the other way round, is the same decision.
    let (a, b) = (question("DIFFERENT")["record_b"].clone(), question("DIFFERENT")["record_a"].clone());
    let turned = json!({ "record_a": a, "record_b": b, "verdict": "DIFFERENT", "reason": "RELATIVES" });
    let again = world.ask(decide(&turned).reviewing()).await.json();
    assert_eq!(again["decision"], *decision);
    assert_eq!(world.decisions_in_the_log().await, 1);

    let undo = json!({ "reason": "MISTAKEN", "note": "wrong desk" }).to_string();
    let path = format!("/v1/decisions/{}", task());
    let undone = world.ask(delete(&path, &undo).reviewing()).await;
    assert_eq!(undone.status, StatusCode::OK, "{}", undone.text());
    assert_eq!(undone.json()["decision"]["state"], "ended");
    assert_eq!(world.last_entry().matter, Some(matter("UNDO")));
    assert_eq!(state_of(&world, task()).await.expect("listed")["reason"], "MISTAKEN");
    assert_eq!(undone.json()["counts_again"], Value::Null);
    assert_eq!(world.ask(delete(&path, &undo).reviewing()).await.json()["decision"]["version"], 1);
    assert_eq!(world.decisions_in_the_log().await, 2);
    let ended = world.ask(get("/v1/decisions?state=ended&limit=1").reviewing()).await.json();
    assert_eq!(ended["decisions"][0]["decision_id"], task().to_string());
    projector.abort();
}

#[tokio::test]
async fn an_undo_brings_back_the_decision_before_and_can_take_back_an_earlier_one() {
    let world = world().await;
    let projector = world.follow_decisions();
    let path = format!("/v1/decisions/{}", task());
    let undo =
        |version: Value| delete(&path, &json!({ "reason": "MISTAKEN", "version": version }).to_string()).reviewing();
    for verdict in ["DIFFERENT", "SAME", "DIFFERENT"] {
        assert_eq!(world.ask(decide(&question(verdict)).reviewing()).await.status, StatusCode::OK);
    }
    // An earlier one beneath a later one: what counts stays.
    let earlier = world.ask(undo(json!(2))).await.json();
    assert_eq!((&earlier["decision"]["version"], &earlier["decision"]["state"]), (&json!(2), &json!("ended")));
    assert_eq!(earlier["counts_again"], Value::Null);
    let last = world.ask(undo(Value::Null)).await.json();
    assert_eq!(last["decision"]["version"], 3);
    let again = &last["counts_again"];
    assert_eq!((&again["version"], &again["verdict"]), (&json!(1), &json!("DIFFERENT")));
    assert_eq!(world.ask(undo(json!(4))).await.code(), "review-not-found");
    // What is decided anew stands above all that was taken back.
    let anew = world.ask(decide(&question("SAME")).reviewing()).await.json();
    assert_eq!(anew["decision"]["version"], 4);
    projector.abort();
}

#[tokio::test]
async fn whoever_decides_at_the_same_time_as_another_learns_that_the_other_decision_counts() {
    let world = world().await;
    let projector = world.follow_decisions_as(|row| OrderRow {
        verdict: Verdict::Different,
        reviewer: "another".to_owned(),
        ..row
    });
    let reply = world.ask(decide(&question("SAME")).reviewing()).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::CONFLICT, "decision-overtaken"));
    let counts = state_of(&world, task()).await.expect("listed");
    assert_eq!((&counts["verdict"], &counts["reviewer"]), (&json!("DIFFERENT"), &json!("another")));
    projector.abort();
}

#[tokio::test]
async fn a_decision_that_the_person_files_do_not_follow_in_time_is_accepted_and_sent_once() {
    let world = world().await;
    let reply = world.ask(decide(&question("SAME")).reviewing()).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    let body = reply.json();
    assert_eq!((&body["applied"], &body["decision"]["state"]), (&json!(false), &json!("pending")));
    // What another decision would change is not known before the first is in the person files.
    for verdict in ["SAME", "DIFFERENT"] {
        let reply = world.ask(decide(&question(verdict)).reviewing()).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "decisions-pending"));
    }
    assert_eq!(world.decisions_in_the_log().await, 1);
}

#[tokio::test]
async fn nothing_is_decided_that_cannot_be_put_on_record() {
    let world = world().await;
    world.ledger.close().await;
    let reply = world.ask(decide(&question("SAME")).reviewing()).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::SERVICE_UNAVAILABLE, "audit-unavailable"));
    assert_eq!(world.decisions_in_the_log().await, 0);
}

#[tokio::test]
async fn what_is_no_decision_is_refused_and_a_refusal_decides_nothing() {
    let world = world().await;
    let with = |member: &str, value: Value| {
        let mut question = question("SAME");
        question[member] = value;
        question
    };
    let unknown = json!(record_id("register", "nobody").as_uuid());
    for (question, status, code) in [
        (with("verdict", json!("same")), StatusCode::UNPROCESSABLE_ENTITY, "decision-verdict"),
        (with("reason", json!("BECAUSE")), StatusCode::UNPROCESSABLE_ENTITY, "decision-reason"),
        (with("note", json!("call 13812345678")), StatusCode::UNPROCESSABLE_ENTITY, "decision-note"),
        (with("record_b", question("SAME")["record_a"].clone()), StatusCode::UNPROCESSABLE_ENTITY, "decision-records"),
        (with("record_b", unknown.clone()), StatusCode::NOT_FOUND, "review-not-found"),
        (with("force", json!(true)), StatusCode::BAD_REQUEST, "body-malformed"),
    ] {
        let reply = world.ask(decide(&question).reviewing()).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code), "{question}");
        assert!(matches!(world.last_entry().decision, Decision::Refused { .. }));
    }
    // A pair that nobody asked about: only for a case, and only when both records are known.
    let apart = with("record_b", json!(record_id("hospital", "anna").as_uuid()));
    assert_eq!(world.ask(decide(&apart).reviewing()).await.code(), "review-not-found");
    let for_a_case = with("record_b", unknown);
    assert_eq!(world.ask(decide(&for_a_case).reviewing().for_a_case()).await.code(), "review-not-found");
    // Bob works as a steward: not on Bob's file.
    let own = world.ask(decide(&question("SAME")).by("steward-bob").purpose("HOPERAT")).await;
    assert_eq!((own.status, own.code().as_str()), (StatusCode::FORBIDDEN, "own-file"));
    let list = world.ask(get("/v1/reviews").by("steward-bob").purpose("HOPERAT")).await.json();
    assert_eq!(list["tasks"], json!([]));
    for caller in ["tracer", "worker", "auditor", "anna", "operator", "department"] {
        for purpose in ["HOPERAT", "PUBHLTH", "PATRQT"] {
            let reply = world.ask(decide(&question("SAME")).by(caller).purpose(purpose).for_a_case()).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{caller}");
            let reply = world.ask(get("/v1/reviews").by(caller).purpose(purpose).for_a_case()).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{caller}");
        }
    }
    let file = world.ask(get(format!("/v1/persons/{}", anna())).by("steward").purpose("HOPERAT")).await;
    assert_eq!(file.status, StatusCode::FORBIDDEN, "a steward reads no files");
    assert_eq!(world.decisions_in_the_log().await, 0);
}
