//! Messages one by one.

use std::sync::Arc;

use connector::{MessageOutcome, Reason};
use domain::FeedId;

use crate::hub::{Hub, counters, scan};

#[tokio::test]
async fn every_message_has_its_own_answer_and_is_durable_by_then() {
    let hub = Hub::start().await;
    let feed = FeedId::parse("scans").expect("a name");
    let mut sent = Vec::new();
    for n in 0..200 {
        let (ingest, feed) = (Arc::clone(&hub.ingest), feed.clone());
        let message = match n % 10 {
            9 => b"{".to_vec(),
            _ => scan(&format!("s{}", n / 2), "13800000001", "36.5").into_bytes(),
        };
        sent.push(tokio::spawn(async move { ingest.message(&feed, message).await.expect("taken") }));
    }
    let (mut accepted, mut duplicate, mut refused) = (0, 0, 0);
    for answer in sent {
        match answer.await.expect("answered") {
            MessageOutcome::Accepted => accepted += 1,
            MessageOutcome::Duplicate => duplicate += 1,
            MessageOutcome::Superseded => panic!("nothing is overtaken"),
            MessageOutcome::Quarantined(error) => {
                assert_eq!(error.reason, Reason::RowJson);
                refused += 1;
            }
        }
    }
    assert_eq!((accepted, duplicate, refused), (100, 80, 20));
    assert_eq!(hub.events().await.len(), 100);
    // They stand in receipts as rows do.
    let (_, page) = hub.get("scans", "/v1/feeds/scans/batches?limit=1000").await;
    let sum = page["batches"].as_array().expect("batches").iter().fold([0; 6], |mut sum, batch| {
        for (total, more) in sum.iter_mut().zip(counters(batch)) {
            *total += more;
        }
        sum
    });
    assert_eq!(sum, [200, 100, 80, 0, 20, 100]);
}

#[tokio::test]
async fn a_message_sent_again_is_a_duplicate() {
    let hub = Hub::start().await;
    let feed = FeedId::parse("scans").expect("a name");
    let message = scan("s1", "13800000001", "36.5").into_bytes();
    let first = hub.ingest.message(&feed, message.clone()).await.expect("taken");
    let second = hub.ingest.message(&feed, message).await.expect("taken");
    assert_eq!((first, second), (MessageOutcome::Accepted, MessageOutcome::Duplicate));
    assert_eq!(hub.events().await.len(), 1);
}
