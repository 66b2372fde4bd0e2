//! Rows of one file that state one record anew: what was overwritten says so, and by which row.

use std::sync::Arc;

use connector::{Feed, Profile, ProfileFeed};
use domain::FeedId;
use serde_json::{Value, json};
use store::quarantine::Selection;

use crate::hub::{Hub, SCANS, counters, push_request, scan};

/// The stretches of a receipt; neighbours that transactions cut apart are one.
async fn runs(hub: &Hub, receipt: &Value) -> Vec<(i64, i64, String, Option<i64>)> {
    let (_, page) = hub.get("scans", receipt["links"]["rows"].as_str().expect("a link")).await;
    let number = |value: &Value| value.as_i64().expect("a number");
    let run = |run: &Value| {
        let outcome = run["outcome"].as_str().expect("an outcome").to_owned();
        (number(&run["row_from"]), number(&run["row_to"]), outcome, run["of"]["row"].as_i64())
    };
    let mut runs: Vec<(i64, i64, String, Option<i64>)> = Vec::new();
    for run in page["runs"].as_array().expect("stretches").iter().map(run) {
        match runs.last_mut() {
            Some(last) if (&last.2, last.3, last.1 + 1) == (&run.2, None, run.0) && run.3.is_none() => last.1 = run.1,
            _ => runs.push(run),
        }
    }
    runs
}

fn told(runs: &[(i64, i64, &str, Option<i64>)]) -> Vec<(i64, i64, String, Option<i64>)> {
    runs.iter().map(|(from, to, outcome, of)| (*from, *to, (*outcome).to_owned(), *of)).collect()
}

#[tokio::test]
async fn a_row_that_a_later_row_of_its_file_overwrites_is_superseded_by_it() {
    let hub = Hub::start().await;
    let phone = "13800000001";
    let mut rows = vec![scan("a", phone, "36.1"), scan("b", phone, "36.2"), scan("c", phone, "36.3")];
    // The same content twice is a repetition.
    rows.push(scan("c", phone, "36.3"));
    rows.extend([scan("a", phone, "37.1"), scan("b", phone, "37.2"), scan("a", phone, "38.1")]);
    // Far below, in another chunk.
    rows.extend((0..4_500).map(|n| scan(&format!("n{n}"), phone, "36.6")));
    rows.push(scan("c", phone, "37.3"));
    let expected = told(&[
        (1, 2, "superseded", Some(5)),
        (3, 3, "superseded", Some(4_508)),
        (4, 4, "duplicate", Some(3)),
        (5, 5, "superseded", Some(7)),
        (6, 4_508, "accepted", None),
    ]);
    let dry = push_request("scans", "?dry_run=true").body(rows.join("\n").into()).expect("a request");
    let (_, dry) = hub.send_json(dry).await;
    assert_eq!(counters(&dry)[..5], [4_508, 4_503, 1, 4, 0]);
    let first = &dry["runs"][0];
    assert_eq!((&first["outcome"], &first["of"]["row"]), (&json!("superseded"), &json!(5)), "{first}");

    let (_, receipt) = hub.push("scans", rows.join("\n")).await;
    assert_eq!(counters(&receipt)[..5], [4_508, 4_503, 1, 4, 0], "{receipt}");
    assert_eq!(runs(&hub, &receipt).await, expected);
    // What another file states anew stays as its own receipt said.
    let (_, other) = hub.push("scans", scan("b", phone, "39.9")).await;
    assert_eq!(counters(&other)[..5], [1, 1, 0, 0, 0]);
    assert_eq!(runs(&hub, &receipt).await, expected);

    let feed = FeedId::parse("scans").expect("a name");
    let again = hub.ingest.reprocess(&feed, false, "nothing new").await.expect("read again");
    assert_eq!((again.rows, again.events), (4_509, 0), "{again:?}");
    assert_eq!(runs(&hub, &receipt).await, expected);
}

#[tokio::test]
async fn a_replayed_row_overtakes_the_row_before_it_that_states_the_same_record() {
    let hub = Hub::start().await;
    let other_time = scan("a", "13800000001", "37.1").replace("2022-03-01 08:02:11", "01/03/2022 08:02");
    let rows = [scan("a", "13800000001", "36.1"), scan("b", "13800000001", "36.2"), other_time];
    let (_, receipt) = hub.push("scans", rows.join("\n")).await;
    assert_eq!(counters(&receipt)[..5], [3, 2, 0, 0, 1]);
    let more = SCANS.replace("\"%Y-%m-%d %H:%M:%S\"", "\"%Y-%m-%d %H:%M:%S\", \"%d/%m/%Y %H:%M\"");
    let feed = Arc::new(ProfileFeed::new(Profile::parse("test", &more).expect("a profile")).expect("a feed"));
    let hub = Hub::start_with(hub.database, hub.store, hub.raw_dir, vec![feed as Arc<dyn Feed>]).await;
    let feed = FeedId::parse("scans").expect("a name");
    hub.ingest.replay(&feed, &Selection::default(), "knows the time form").await.expect("replayed");
    let (_, now) = hub.get("scans", receipt["links"]["self"].as_str().expect("a link")).await;
    assert_eq!(counters(&now)[..5], [3, 2, 0, 1, 0]);
    let expected = told(&[(1, 1, "superseded", Some(3)), (2, 3, "accepted", None)]);
    assert_eq!(runs(&hub, &receipt).await, expected);
}
