//! Decisions over HTTP: the person files follow at once, and every decision can be taken back.

use axum::http::StatusCode;
use domain::RecordId;
use serde_json::{Value, json};
use test_support::build::{person, record_id, resident_number};

use crate::hub::{By, Hub, says};

fn of(key: &str) -> RecordId {
    record_id("register", key)
}

/// Two records of one number, two of another, and one that could be of either.
async fn town() -> (Hub, [RecordId; 5]) {
    let hub = Hub::start().await;
    let [one, other] = [101, 103].map(|n| resident_number("1980-05-06", n));
    hub.take_in(&[
        says("register", "a1", 1, 0, person("王小明").resident(&one)),
        says("register", "a2", 1, 1, person("王小明").resident(&one)),
        says("register", "b1", 1, 2, person("王晓明").resident(&other)),
        says("register", "b2", 1, 3, person("王晓明").resident(&other)),
        says("register", "c", 1, 4, person("王小明").born("1980-05-06")),
    ])
    .await;
    (hub, ["a1", "a2", "b1", "b2", "c"].map(of))
}

fn kinds(tasks: &[Value]) -> Vec<&str> {
    tasks.iter().map(|task| task["kind"].as_str().expect("a kind")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_decision_shows_in_the_files_at_once_and_its_undo_leaves_everything_as_it_was() {
    let (hub, records) = town().await;
    let [a1, a2, b1, b2, c] = records;
    let before = hub.told(&records).await;
    // Together what is apart, apart what is together, and either about the doubtful one.
    for (one, other, verdict) in [
        (a2, b1, "SAME"),
        (a1, a2, "DIFFERENT"),
        (a1, c, "SAME"),
        (a1, c, "DIFFERENT"),
        (c, b2, "SAME"),
        (b1, b2, "SAME"),
    ] {
        let decision = hub.decide(one, other, verdict).await;
        let [left, right] = [hub.person_of(one).await, hub.person_of(other).await];
        assert_eq!(left == right, verdict == "SAME", "{verdict}");
        let links = hub.get(&format!("/v1/persons/{left}/links")).await;
        let said = &links["decisions"][0];
        assert_eq!(
            (&said["decision_id"], &said["verdict"], &said["state"]),
            (&decision["decision_id"], &json!(verdict), &json!("in-force"))
        );
        let lineage = hub.get(&format!("/v1/persons/{left}/lineage")).await;
        if before.get(left.to_string()).is_none() {
            let last = lineage["entries"].as_array().and_then(|entries| entries.last()).cloned().expect("an entry");
            assert_eq!((&last["cause"], &last["decision_id"]), (&json!("decision"), &decision["decision_id"]));
        }
        hub.undo(&decision).await;
        assert_eq!(hub.told(&records).await, before, "{verdict} and its undo");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn decisions_that_contradict_each_other_are_a_task_until_one_of_them_is_taken_back() {
    let (hub, records) = town().await;
    let [a1, _, b1, _, c] = records;
    let first = hub.decide(a1, b1, "SAME").await;
    let second = hub.decide(b1, c, "SAME").await;
    let agreed = hub.told(&records).await;
    assert!(!kinds(&hub.tasks().await).contains(&"orders-contradict"));
    let third = hub.decide(a1, c, "DIFFERENT").await;
    assert_eq!(third["state"], "in-force", "the newest is honoured");
    assert_ne!(hub.person_of(a1).await, hub.person_of(c).await);
    let tasks = hub.tasks().await;
    let task = tasks.iter().find(|task| task["kind"] == "orders-contradict").expect("a task");
    assert_eq!(task["task_id"], first["decision_id"], "the oldest is set aside");
    let mut against: Vec<&Value> = task["contradicts"].as_array().expect("a list").iter().collect();
    let mut others = vec![&second["decision_id"], &third["decision_id"]];
    against.sort_by_key(|id| id.to_string());
    others.sort_by_key(|id| id.to_string());
    assert_eq!(against, others);
    hub.undo(&third).await;
    assert_eq!(hub.told(&records).await, agreed);
    // Of a chain any link can be taken back, also one beneath later ones.
    hub.undo(&first).await;
    assert_ne!(hub.person_of(a1).await, hub.person_of(b1).await);
    assert_eq!(hub.person_of(b1).await, hub.person_of(c).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pair_that_was_held_apart_stays_apart_through_new_records_corrections_and_a_rebuild() {
    let (hub, [a1, a2, ..]) = town().await;
    hub.decide(a1, a2, "DIFFERENT").await;
    let number = resident_number("1980-05-06", 101);
    let more =
        |key: &str, version| says("lab", key, version, 9, person("王小明").resident(&number).contact("13951234017"));
    for n in 0..4 {
        hub.take_in(&[more(&format!("m{n}"), 1)]).await;
        assert_ne!(hub.person_of(a1).await, hub.person_of(a2).await, "{n} records that speak for both");
    }
    hub.take_in(&[says("register", "a2", 2, 5, person("王小明").resident(&number).contact("13951234017"))]).await;
    assert_ne!(hub.person_of(a1).await, hub.person_of(a2).await);
    projector::rebuild(&hub.config, &hub.stopper()).await.expect("rebuilt");
    assert_ne!(hub.person_of(a1).await, hub.person_of(a2).await);
    hub.take_in(&[
        crate::models::activation(1, &linkage::Model::zh()),
        crate::models::activation(2, &crate::models::loose()),
    ])
    .await;
    assert_ne!(hub.person_of(a1).await, hub.person_of(a2).await, "not even a model that links more joins them");
}

#[tokio::test(flavor = "multi_thread")]
async fn opposite_decisions_at_one_instant_come_one_after_the_other_and_each_can_be_seen_and_taken_back() {
    const REVIEWERS: usize = 6;
    let (hub, [one, .., other]) = town().await;
    let decide = |turn: usize| {
        let verdict = if turn.is_multiple_of(2) { "SAME" } else { "DIFFERENT" };
        let question = json!({ "record_a": one.as_uuid(), "record_b": other.as_uuid(), "verdict": verdict,
                               "reason": "OTHER", "note": format!("reviewer {turn}") });
        let hub = &hub;
        async move { (verdict, hub.ask(By::Steward, "POST", "/v1/decisions", Some(question)).await) }
    };
    let told = futures_util::future::join_all((0..REVIEWERS).map(decide)).await;
    let mut versions = Vec::new();
    for (verdict, (status, answer)) in &told {
        assert_eq!((*status, &answer["applied"]), (StatusCode::OK, &json!(true)), "{answer}");
        assert_eq!(answer["decision"]["verdict"], *verdict);
        versions.push(answer["decision"]["version"].as_i64().expect("a version"));
    }
    versions.sort_unstable();
    assert_eq!(versions, (1..=REVIEWERS as i64).collect::<Vec<_>>(), "nobody's decision is another's");
    let (_, list) = hub.ask(By::Steward, "GET", "/v1/decisions", None).await;
    let listed = list["decisions"].as_array().expect("a list");
    assert_eq!(listed.len(), REVIEWERS);
    for (_, (_, answer)) in &told {
        let said = &answer["decision"];
        let found = listed.iter().find(|row| row["version"] == said["version"]).expect("listed");
        assert_eq!((&found["verdict"], &found["note"]), (&said["verdict"], &said["note"]));
        let last = said["version"] == json!(REVIEWERS);
        assert_eq!(found["state"], if last { "in-force" } else { "replaced" });
    }
    for (_, (_, answer)) in &told {
        hub.undo(&answer["decision"]).await;
    }
    let (_, list) = hub.ask(By::Steward, "GET", "/v1/decisions?state=ended", None).await;
    assert_eq!(list["decisions"].as_array().map(Vec::len), Some(REVIEWERS));
}
