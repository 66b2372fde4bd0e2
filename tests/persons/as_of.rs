//! The past: what was answered at an instant is answered of it ever after.

use axum::http::StatusCode;
use domain::{PersonId, Timestamp};
use serde_json::{Value, json};
use test_support::build::{person, record_id, resident_number};

use crate::hub::{By, Hub, says};

/// What the API says of a person now, with the instant.
async fn remembered(hub: &Hub, id: PersonId) -> (Timestamp, [Value; 3]) {
    let mut answers = [const { Value::Null }; 3];
    for (answer, route) in answers.iter_mut().zip(ROUTES) {
        *answer = hub.ask(By::Tracer, "GET", &format!("/v1/persons/{id}{route}"), None).await.1;
        // Households are facts, of which no past is kept.
        if let Some(members) = answer.as_object_mut() {
            members.remove("household");
        }
    }
    (hub.instant().await, answers)
}

const ROUTES: [&str; 3] = ["", "/records", "/links"];

#[tokio::test(flavor = "multi_thread")]
async fn file_records_links_decisions_and_model_of_then_outlive_merge_correction_decision_split_and_rebuild() {
    let hub = Hub::start().await;
    let (a, b) = (record_id("register", "a"), record_id("lab", "b"));
    let [ida, idb] = [a, b].map(PersonId::from_oldest);
    let [one, other] = [1, 2].map(|n| resident_number("1980-05-06", n));
    let mut past = Vec::new();
    let register = |name: &str| person(name).resident(&one).lives("幸福路1号", "320506001007G03");
    hub.take_in(&[
        says("register", "a", 1, 0, register("王小明")),
        says("lab", "b", 1, 1, person("王小明").resident(&other).contact("13951234017")),
    ])
    .await;
    past.push((ida, remembered(&hub, ida).await));
    past.push((idb, remembered(&hub, idb).await));
    // A merge: the laboratory had mistyped the number.
    hub.take_in(&[says("lab", "b", 2, 2, person("王小明").resident(&one).contact("13951234017"))]).await;
    past.push((ida, remembered(&hub, ida).await));
    past.push((idb, remembered(&hub, idb).await));
    // A correction, by which the link weighs otherwise.
    hub.take_in(&[says("register", "a", 2, 3, register("王晓明").contact("13951234017"))]).await;
    past.push((ida, remembered(&hub, ida).await));
    // A decision and its undo.
    let decision = hub.decide(a, b, "DIFFERENT").await;
    past.push((ida, remembered(&hub, ida).await));
    past.push((idb, remembered(&hub, idb).await));
    hub.undo(&decision).await;
    past.push((ida, remembered(&hub, ida).await));
    // A split: it was another after all.
    hub.take_in(&[says("lab", "b", 3, 4, person("李大明").resident(&other))]).await;
    past.push((ida, remembered(&hub, ida).await));
    let weights: Vec<&Value> = past.iter().map(|(_, (_, [_, _, links]))| &links["links"][0]["weight"]).collect();
    assert_ne!(weights[2], weights[4], "the correction shows in the weight");
    // The views are made anew.
    projector::rebuild(&hub.config, &hub.stopper()).await.expect("rebuilt");

    for (id, (at, answers)) in &past {
        for (route, then) in ROUTES.iter().zip(answers) {
            let (status, mut answer) =
                hub.ask(By::Tracer, "GET", &format!("/v1/persons/{id}{route}?as_of={at}"), None).await;
            assert_eq!((status, answer["as_of"].take()), (StatusCode::OK, json!(at.to_string())), "{answer}");
            answer.as_object_mut().expect("an object").remove("as_of");
            assert_eq!(&answer, then, "{route} of {at}");
        }
    }
    let names = |records: &Value| -> Vec<Value> {
        let records = records["records"].as_array().expect("a list");
        records.iter().map(|record| record["identity"]["names"][0].clone()).collect()
    };
    let records: Vec<Vec<Value>> = past.iter().map(|(_, (_, [_, records, _]))| names(records)).collect();
    assert_eq!(records[2], ["王小明", "王小明"]);
    assert_eq!(records[4], ["王晓明", "王小明"]);
    let picture = format!("/v1/persons/{ida}/links?as_of={}", past[2].1.0);
    assert_eq!(hub.get(&picture).await["links"].as_array().map(Vec::len), Some(1));
    let before = hub.ask(By::Tracer, "GET", &format!("/v1/persons/{ida}/links?as_of=2001-01-01T00:00:00Z"), None).await;
    assert_eq!((before.0, &before.1["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("as-of-out-of-range")));
}
