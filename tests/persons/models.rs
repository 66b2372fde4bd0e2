//! Another model while questions go on: every answer is of the one or of the other.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::StatusCode;
use domain::{Event, ModelAction, ModelActivated};
use linkage::Model;
use runtime::Shutdown;
use serde_json::Value;
use test_support::build::{NOON, event, meta_at, person, record_id, resident_number};

use crate::hub::{By, Hub, says};

/// The shipped model, which links only what agrees in nearly everything.
pub(crate) fn strict() -> Model {
    with_threshold(40.0)
}

/// The shipped model, which links what agrees in little.
pub(crate) fn loose() -> Model {
    with_threshold(1.0)
}

fn with_threshold(link: f64) -> Model {
    let mut file = Model::zh().file().clone();
    file.thresholds.link = link;
    Model::from_file(file).expect("a model")
}

pub(crate) fn activation(version: i64, model: &Model) -> Event {
    let meta = meta_at("isthmus", "linkage-model", version, NOON);
    let (model_version, model) = (model.version().to_owned(), model.to_toml().expect("TOML"));
    event(meta, ModelActivated { action: ModelAction::Activated, model_version, model, ..ModelActivated::default() })
}

/// People of whom some are two records that only a name and a birth date join.
fn people(count: u16) -> Vec<Event> {
    let (families, givens) = (["王", "李", "张", "刘", "陈", "杨"], ["小明", "娜", "伟", "静", "敏", "修远", "悦"]);
    (0..count)
        .flat_map(|i| {
            let name = format!("{}{}", families[usize::from(i) % 6], givens[usize::from(i) % 7]);
            let birth = format!("19{:02}-{:02}-{:02}", 40 + i % 60, 1 + i % 12, 1 + i % 28);
            let register = person(&name).resident(&resident_number(&birth, 100 + i));
            let wallet = person(&name).born(&birth).phone(&format!("138{i:08}"));
            let key = format!("r{i}");
            [says("register", &key, 1, i64::from(i), register), says("wallet", &key, 1, i64::from(i) + 1, wallet)]
        })
        .collect()
}

/// What an answer says of who is one person: the model it names, the models of its links, how many records and links.
fn of_links(answer: &Value) -> (String, BTreeSet<String>, usize) {
    let word = |value: &Value| value.as_str().expect("a version").to_owned();
    let links = answer["links"].as_array().expect("a list");
    (word(&answer["model_version"]), links.iter().map(|link| word(&link["model_version"])).collect(), links.len())
}

/// Everything that is asked over and over: the links of a person, its file, and the figures of the hub.
async fn look(hub: &Hub, id: domain::PersonId) -> (Value, Value, Value) {
    let links = hub.get(&format!("/v1/persons/{id}/links")).await;
    let file = hub.get(&format!("/v1/persons/{id}")).await;
    let (status, figures) = hub.ask(By::Operator, "GET", "/v1/system/linkage", None).await;
    assert_eq!(status, StatusCode::OK, "{figures}");
    (links, file, figures)
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_go_on_through_activation_and_rollback_and_no_answer_mixes_two_models() {
    let hub = Arc::new(Hub::start().await);
    hub.take_in(&people(300)).await;
    let id = hub.person_of(record_id("register", "r7")).await;
    let zh = look(&hub, id).await;
    hub.take_in(&[activation(1, &Model::zh())]).await;
    assert_eq!(look(&hub, id).await, zh, "the model that decides already");

    let done = Shutdown::new();
    let askers: Vec<_> = (0..2)
        .map(|_| {
            let (hub, done) = (Arc::clone(&hub), done.clone());
            tokio::spawn(async move {
                let mut seen = Vec::new();
                while !done.has_begun() {
                    let began = Instant::now();
                    seen.push(look(&hub, id).await);
                    assert!(began.elapsed() < Duration::from_secs(5), "a question waited");
                }
                seen
            })
        })
        .collect();
    let mut answers = vec![zh.clone()];
    for (version, model) in [(2, strict()), (3, Model::zh()), (4, strict()), (5, Model::zh())] {
        hub.take_in(&[activation(version, &model)]).await;
        answers.push(look(&hub, id).await);
    }
    done.begin();
    assert_eq!(answers[4], zh, "rolled back, as if there had been no other");
    let other = &answers[1];
    assert!(other != &zh && other == &answers[3]);
    assert_eq!((of_links(&zh.0).2, of_links(&other.0).2), (1, 0), "the strict model parts the two records");
    let (mut asked, mut both) = (0, BTreeSet::new());
    for asker in askers {
        for (links, file, figures) in asker.await.expect("no panic") {
            // Each answer by itself is one of the two; two answers in a row may stand on either side of a switch.
            assert!(links == zh.0 || links == other.0, "{links}");
            assert!(file == zh.1 || file == other.1, "{file}");
            assert!(figures == zh.2 || figures == other.2, "{figures}");
            asked += 3;
            both.insert(of_links(&links).0);
        }
    }
    assert_eq!(both.len(), 2, "both models were met in {asked} answers");
}
