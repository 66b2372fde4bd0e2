//! The feed of changes over the wire: who follows it knows every person, and where every id leads, as the hub itself says it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use linkage::Model;
use runtime::Shutdown;
use serde_json::{Value, json};
use test_support::build::{person, resident_number};

use crate::hub::{By, Hub, says, withdraws};
use crate::models::{activation, strict};

/// Follows the stream until it is told to end and knows the last change. The line is cut after every third change, and it
/// goes on by the last id that it has.
async fn follow(url: String, last: Arc<std::sync::OnceLock<i64>>) -> Vec<Value> {
    let client = reqwest::Client::new();
    let mut heard: Vec<Value> = Vec::new();
    let known = |heard: &[Value]| heard.last().and_then(|change| change["seq"].as_i64()).unwrap_or(0);
    while last.get().is_none_or(|last| known(&heard) < *last) {
        let request = client
            .get(&url)
            .bearer_auth(By::Subscriber.token())
            .header("isthmus-purpose", "HOPERAT")
            .header("accept", "text/event-stream")
            .header("last-event-id", known(&heard));
        let mut response = request.send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::OK);
        let (mut text, enough) = (String::new(), heard.len() + 3);
        while heard.len() < enough && last.get().is_none_or(|last| known(&heard) < *last) {
            let piece = tokio::time::timeout(Duration::from_millis(500), response.chunk()).await;
            let Ok(piece) = piece else { continue };
            text.push_str(std::str::from_utf8(&piece.expect("open").expect("a piece")).expect("UTF-8"));
            while let Some((event, rest)) = text.split_once("\n\n") {
                let data = event.lines().find_map(|line| line.strip_prefix("data: "));
                if let Some(data) = data.filter(|_| heard.len() < enough) {
                    heard.push(serde_json::from_str(data).expect("json"));
                }
                text = rest.to_owned();
            }
        }
    }
    heard
}

fn ids(list: &Value) -> BTreeSet<String> {
    list.as_array().expect("a list").iter().map(|id| id.as_str().expect("an id").to_owned()).collect()
}

/// Where an id leads, from the feed alone: to the persons that hold the records which were its own last.
fn leads_to(newest: &BTreeMap<String, Value>, id: &str) -> BTreeSet<String> {
    let change = &newest[id];
    let is_person = |change: &Value| !["merged", "forked", "ended"].contains(&change["kind"].as_str().expect("a kind"));
    if is_person(change) {
        return BTreeSet::from([id.to_owned()]);
    }
    let records = ids(&change["members"]);
    let persons = newest.iter().filter(|(_, change)| is_person(change));
    let holders: BTreeSet<String> = persons
        .filter(|(_, change)| !ids(&change["members"]).is_disjoint(&records))
        .map(|(id, _)| id.clone())
        .collect();
    match holders.is_empty() {
        true => ids(&change["into_persons"]).iter().flat_map(|id| leads_to(newest, id)).collect(),
        false => holders,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_follows_the_stream_with_a_line_that_is_cut_knows_where_every_id_leads() {
    let hub = Hub::start().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/v1/changes", listener.local_addr().expect("an address"));
    let serving = tokio::spawn(axum::serve(listener, hub.app.clone()).into_future());
    let last = Arc::new(std::sync::OnceLock::new());
    let follower = tokio::spawn(follow(url, Arc::clone(&last)));

    let who = |number: u16| person("王小明").resident(&resident_number("1980-05-06", number));
    let says = |source: &str, n: u16, version: i64, number: u16| {
        says(source, &n.to_string(), version, i64::from(n) + version, who(number))
    };
    // Eight people of two records, that merge by twos and part again; some records go, so that ids fork and end.
    let born: Vec<_> = (0..8).flat_map(|n| [says("register", n, 1, n), says("lab", n, 1, n)]).collect();
    hub.take_in(&born).await;
    hub.take_in(&(0..8).map(|n| says("lab", n, 2, n / 2)).collect::<Vec<_>>()).await;
    hub.take_in(&[withdraws("register", "1", 2), withdraws("register", "2", 2)]).await;
    hub.take_in(&(0..4).map(|n| says("lab", n, 3, n + 20)).collect::<Vec<_>>()).await;
    hub.take_in(&[withdraws("register", "7", 2), withdraws("lab", "7", 3)]).await;
    hub.take_in(&[activation(1, &Model::zh()), activation(2, &strict())]).await;
    projector::rebuild(&hub.config, &Shutdown::new()).await.expect("rebuilt");
    hub.take_in(&[activation(3, &Model::zh())]).await;

    let mut paged: Vec<Value> = Vec::new();
    loop {
        let after = paged.last().map_or(0, |change| change["seq"].as_i64().expect("a number"));
        let path = format!("/v1/changes?after={after}&limit=7");
        let (status, page) = hub.ask(By::Subscriber, "GET", &path, None).await;
        assert_eq!(status, StatusCode::OK, "{page}");
        match page["changes"].as_array().expect("a list").as_slice() {
            [] => break,
            more => paged.extend(more.to_vec()),
        }
    }
    last.set(paged.last().expect("changes")["seq"].as_i64().expect("a number")).expect("once");
    let heard = tokio::time::timeout(Duration::from_secs(60), follower).await.expect("it hears all").expect("no panic");
    serving.abort();
    assert_eq!(heard, paged, "no gap and nothing twice, wherever the line was cut");

    let newest: BTreeMap<String, Value> =
        heard.into_iter().map(|change| (change["person_id"].as_str().expect("an id").to_owned(), change)).collect();
    let mut kinds: BTreeSet<&str> = BTreeSet::new();
    for (id, change) in &newest {
        kinds.insert(change["kind"].as_str().expect("a kind"));
        let expected = leads_to(&newest, id);
        let (status, answer) = hub.ask(By::Tracer, "GET", &format!("/v1/persons/{id}"), None).await;
        let told = match status {
            StatusCode::OK => BTreeSet::from([answer["person_id"].as_str().expect("an id").to_owned()]),
            StatusCode::MULTIPLE_CHOICES => ids(&answer["fork"]),
            StatusCode::NOT_FOUND => BTreeSet::new(),
            other => panic!("{other} {answer}"),
        };
        assert_eq!(told, expected, "{change}");
        let asked_for = (status == StatusCode::OK && !told.contains(id)).then(|| json!(id));
        assert_eq!(answer.get("asked_for").filter(|_| status == StatusCode::OK).cloned(), asked_for);
    }
    assert!(kinds.contains("merged") && kinds.contains("ended"), "{kinds:?}");
}
