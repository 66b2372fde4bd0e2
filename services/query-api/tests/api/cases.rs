use axum::http::StatusCode;
use domain::{TestOutcome, TestResult};
use serde_json::json;
use store::views::Changes;
use test_support::build::record_id;

use crate::town::{fact, minute, own};
use crate::world::{anna, bob, get, subject, world};

#[tokio::test]
async fn a_tracer_lists_cases_with_their_clusters_and_each_person_is_on_record() {
    let world = world().await;
    let reply = world.ask(get("/v1/cases").tracing()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let body = reply.json();
    let cases = body["cases"].as_array().expect("a list");
    assert_eq!(cases.len(), 2);
    let of_bob = cases.iter().find(|case| case["case_id"] == "2022-0007").expect("listed");
    assert_eq!((&of_bob["person_id"], &of_bob["existing"]), (&json!(bob().to_string()), &json!(true)));
    let of_nobody = cases.iter().find(|case| case["case_id"] == "2022-0008").expect("listed");
    assert_eq!(of_nobody.get("person_id"), None, "nobody falls out who is not known");
    assert_eq!(body["clusters"], json!([{ "cluster_id": "cluster-1", "cases": 2, "existing": 2 }]));
    assert_eq!(world.last_entry().subjects, [subject(bob())]);
    assert_eq!(world.last_entry().count, 2);
    assert_eq!(world.ask(get("/v1/cases?existing=false").tracing()).await.json()["cases"], json!([]));
}

#[tokio::test]
async fn a_case_names_those_that_are_linked_with_it() {
    let world = world().await;
    let (own, other) = (record_id("facts", "case-of-bob"), record_id("facts", "case-of-nobody"));
    let body = world.ask(get(format!("/v1/cases/{own}")).tracing()).await.json();
    assert_eq!((&body["case_id"], &body["linked"]), (&json!("2022-0007"), &json!([other.to_string()])));
    for unknown in [record_id("facts", "gate").to_string(), "2022-0007".to_owned()] {
        assert_eq!(world.ask(get(format!("/v1/cases/{unknown}")).tracing()).await.code(), "case-not-found");
    }
}

#[tokio::test]
async fn a_positive_test_suggests_a_case_only_where_there_is_none() {
    let world = world().await;
    let body = world.ask(get("/v1/cases/suggested").tracing()).await.json();
    // Bob has a case; the withdrawn result counts for nothing; nobody knows whose the third is, and it is told all the same.
    let suggested = body["suggested"].as_array().expect("a list");
    assert_eq!(suggested.len(), 1, "{body}");
    assert_eq!(suggested[0]["test"], json!(record_id("facts", "positive-of-nobody").to_string()));
    assert_eq!(suggested[0].get("person_id"), None);
    world.advance_clock(15 * 86_400_000);
    assert_eq!(world.ask(get("/v1/cases/suggested").tracing()).await.json()["suggested"], json!([]));
}

#[tokio::test]
async fn a_positive_test_that_comes_late_suggests_a_case_from_when_it_was_read() {
    let world = world().await;
    let day = 1_440;
    world.clock_is(minute(20 * day));
    let mut changes = Changes::default();
    let test = TestResult { result: TestOutcome::Positive, ..TestResult::default() };
    fact(&mut changes, ("lab", "late"), own(anna()), (60, None), test.into());
    changes.facts[0].known_at = minute(10 * day);
    world.put(&changes).await;
    let late = record_id("lab", "late").to_string();
    let is_suggested = async |query: &str| {
        let reply = world.ask(get(format!("/v1/cases/suggested{query}")).tracing()).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        let body = reply.json();
        body["suggested"].as_array().expect("a list").iter().any(|one| one["test"] == json!(late))
    };
    assert!(is_suggested("").await, "taken 20 days ago, read ten days ago");
    world.clock_is(minute(24 * day + 1));
    assert!(!is_suggested("").await, "read more than 14 days ago");
    // Of an earlier instant, and as it was known at one.
    assert!(is_suggested(&format!("?on={}", minute(day))).await);
    assert!(!is_suggested(&format!("?on={}", minute(59))).await, "not taken yet");
    assert!(!is_suggested(&format!("?known_at={}", minute(10 * day - 1))).await, "not read yet");
    assert!(is_suggested(&format!("?known_at={}", minute(10 * day))).await);
}

#[tokio::test]
async fn tracers_alone_read_the_register_of_cases_with_a_case_or_without() {
    let world = world().await;
    let without_a_case = world.ask(get("/v1/cases").by("tracer").purpose("PUBHLTH")).await;
    assert_eq!(without_a_case.status, StatusCode::OK, "whoever has no case yet sees the first test of an outbreak");
    for caller in ["worker", "lead", "auditor", "anna", "operator", "steward"] {
        let reply = world.ask(get("/v1/cases").by(caller).purpose("PUBHLTH").for_a_case()).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::FORBIDDEN, "not-entitled"), "{caller}");
    }
}
