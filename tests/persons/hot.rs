//! Values that too many share: found while running, counting for nothing, listed for the operator.

use axum::http::StatusCode;
use serde_json::Value;
use test_support::build::{person, record_id};
use test_support::scratch_dir;

use crate::hub::{By, Hub, says, withdraws};

const COUNTER: &str = "13951234017";

/// People of different names who all gave the phone of the counter.
fn crowd(count: i64) -> Vec<domain::Event> {
    let givens = ["伟", "芳", "娜", "敏", "静", "强", "磊", "洋", "艳", "勇", "军", "杰", "娟", "涛", "明", "超"];
    (0..count)
        .map(|n| {
            let at = usize::try_from(n).expect("small");
            let name = format!("{}{}{}", ["王", "李", "张"][at % 3], givens[at % 16], givens[(at / 3 + 7) % 16]);
            says("counter", &n.to_string(), 1, 10 + n, person(&name).contact(COUNTER))
        })
        .collect()
}

async fn listed(hub: &Hub) -> Value {
    let (status, answer) = hub.ask(By::Operator, "GET", "/v1/system/linkage", None).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer["hot_values"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_of_a_counter_is_found_counts_for_nothing_is_listed_and_is_forgotten_with_its_crowd() {
    let hub = Hub::start().await;
    let patient = |key: &str| says("hospital", key, 1, 0, person("欧阳静怡").contact(COUNTER));
    hub.take_in(&[patient("p"), patient("q")]).await;
    let [p, q] = ["p", "q"].map(|key| record_id("hospital", key));
    assert_eq!(hub.person_of(p).await, hub.person_of(q).await);
    assert_eq!(listed(&hub).await.as_array().map(Vec::len), Some(0));

    let people = crowd(30);
    for part in people.chunks(7) {
        hub.take_in(part).await;
    }
    assert_ne!(hub.person_of(p).await, hub.person_of(q).await, "the phone alone joined them");
    let hot = listed(&hub).await;
    assert_eq!((&hot[0]["kind"], hot[0]["records"].as_i64()), (&Value::from("phone"), Some(32)), "{hot}");
    assert!(!hot.to_string().contains(COUNTER), "a handle stands for the value");

    // The same for the operator at a terminal, who meets no value either.
    let printed = model_hot(&hub.database_url().await).await;
    let line = printed.lines().find(|line| line.starts_with("value\tphone\t")).unwrap_or_else(|| panic!("{printed}"));
    assert!(line.contains("32 records") && line.contains(hot[0]["handle"].as_str().expect("a handle")), "{line}");
    assert!(!printed.contains(COUNTER), "{printed}");

    hub.take_in(&(0..20).map(|n| withdraws("counter", &n.to_string(), 2)).collect::<Vec<_>>()).await;
    assert_eq!(listed(&hub).await.as_array().map(Vec::len), Some(0));
    assert_eq!(hub.person_of(p).await, hub.person_of(q).await, "what was weighed down counts again");
}

/// Runs `isthmus model hot` on the database.
async fn model_hot(database_url: &str) -> String {
    let dir = scratch_dir("hot");
    let file = dir.join("isthmus.toml");
    std::fs::write(&file, format!("data_dir = \"{}\"\ndatabase_url = \"{database_url}\"\n", dir.display()))
        .expect("written");
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_isthmus"));
    let output = command.args(["model", "hot", "--config"]).arg(&file).output().await.expect("the binary runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}
