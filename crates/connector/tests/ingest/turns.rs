//! Bodies of one feed take turns: a small one is not held up by a large one, and what records end with stays the same.

use std::sync::Arc;

use connector::Compression;
use domain::{Body, FeedId};
use futures_util::stream;

use crate::hub::{Hub, scan};

/// Rows of a body that is read for many turns, on fast machines too: a turn takes half a second.
const MANY: usize = 400_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_small_file_does_not_wait_for_a_large_one_and_has_the_last_word_all_the_same() {
    let hub = Hub::start().await;
    let feed = FeedId::parse("scans").expect("a name");
    // The last row of the large file is about a record of which the small one, which comes later, says something else.
    let mut rows: Vec<String> = (1..MANY).map(|row| scan(&format!("s{row}"), "13800000001", "36.1")).collect();
    rows.push(scan("told-twice", "13800000001", "36.9"));
    let accept = async |body: String| {
        let body = stream::iter([Ok::<_, std::io::Error>(body.into())]);
        hub.ingest.accept(&feed, Compression::Plain, None, body).await.expect("accepted").0.batch_id
    };
    let large = accept(rows.join("\n")).await;
    let small = accept(scan("told-twice", "13800000001", "37.7")).await;
    let reading = tokio::spawn({
        let (ingest, feed) = (Arc::clone(&hub.ingest), feed.clone());
        async move { ingest.work(&feed, large).await }
    });
    let progress = async || hub.ingest.find_batch(&feed, large).await.expect("found").expect("there");
    test_support::wait_for("rows of the large file", async || progress().await.next_row > 1).await;

    let small = hub.ingest.work(&feed, small).await.expect("read");
    assert_eq!((small.rows, small.accepted), (1, 1), "{small:?}");
    assert_eq!(progress().await.finished_at, None, "the small file waited until the large one was read");

    let large = reading.await.expect("no panic").expect("read");
    let many = MANY as i64;
    assert_eq!((large.rows, large.accepted, large.superseded), (many, many - 1, 1), "{large:?}");
    let mut told: Vec<(i64, Option<f32>)> = Vec::new();
    for event in hub.events().await {
        if let Body::GatePass(pass) = &event.body
            && event.meta.source_record_id.expose() == "told-twice"
        {
            told.push((event.meta.source_record_version, pass.temperature_c));
        }
    }
    told.sort_by_key(|(version, _)| *version);
    assert_eq!(told.iter().map(|told| told.1).collect::<Vec<_>>(), [Some(36.9), Some(37.7)]);
}
