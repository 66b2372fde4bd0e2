//! No feed takes what the others need.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, header};
use connector::{Feed, Profile, ProfileFeed};

use crate::hub::{Hub, SCANS, TICKETS, counters, push_request, scan, ticket, ticket_file};

async fn hub_with(limits: &str) -> Hub {
    let hub = Hub::start().await;
    let feeds = [TICKETS.to_owned(), format!("{SCANS}\n[limits]\n{limits}\n")].map(|text| {
        let profile = Profile::parse("test", &text).expect("a profile");
        Arc::new(ProfileFeed::new(profile).expect("a feed")) as Arc<dyn Feed>
    });
    Hub::start_with(hub.database, hub.store, hub.raw_dir, feeds.into()).await
}

fn scans(from: usize, to: usize) -> String {
    (from..to).map(|n| scan(&format!("L{n}"), "13800000001", "36.5") + "\n").collect()
}

fn push(body: impl Into<Body>) -> Request<Body> {
    push_request("scans", "").body(body.into()).expect("a request")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_feed_does_not_wait_for_a_huge_one() {
    let hub = Arc::new(Hub::start().await);
    let large = hub.send_json(
        push_request("scans", "").header("prefer", "respond-async").body(scans(0, 60_000).into()).expect("a request"),
    );
    let (status, receipt) = large.await;
    assert_eq!(status, 202, "{receipt}");
    let address = receipt["links"]["self"].as_str().expect("an address").to_owned();
    for n in 0..5 {
        let small = ticket_file(&[ticket(&format!("F{n}"), "张伟", "2022-03-01 10:00:00")]);
        assert_eq!(hub.push("tickets", small).await.0, 201);
    }
    let (_, receipt) = hub.get("scans", &address).await;
    assert_eq!(receipt["state"], "processing", "the large body is still being read: {receipt}");
    let receipt = test_support::wait_for("the large body", async || {
        let (_, receipt) = hub.get("scans", &address).await;
        (receipt["state"] == "done").then_some(receipt)
    });
    assert_eq!(receipt.await["accepted"], 60_000);
}

#[tokio::test]
async fn a_feed_that_has_spent_its_rows_is_told_when_to_come_again_and_others_are_not() {
    let hub = hub_with("rows_per_minute = 600").await;
    // More than a minute's rows: they are taken, and the feed owes the minute and more.
    let large = push_request("scans", "").header("prefer", "respond-async").body(scans(0, 1400).into());
    let (status, receipt) = hub.send_json(large.expect("a request")).await;
    assert_eq!(status, 202, "{receipt}");
    let address = receipt["links"]["self"].as_str().expect("an address");
    test_support::wait_for("the large body's rows", async || hub.get("scans", address).await.1["rows"] == 1400).await;
    let refused = hub.response(push(scans(1400, 1401))).await;
    assert_eq!(refused.status(), 429);
    let seconds: u64 = refused.headers()[header::RETRY_AFTER].to_str().expect("text").parse().expect("seconds");
    assert!((1..=81).contains(&seconds), "{seconds}");
    let small = ticket_file(&[ticket("F1", "张伟", "2022-03-01 10:00:00")]);
    assert_eq!(hub.push("tickets", small).await.0, 201);
}

#[tokio::test]
async fn a_body_of_which_too_much_fails_is_refused_as_a_whole() {
    let hub = hub_with("quarantined_share_max = 0.1\nbody_bytes_max = 20000").await;
    let failing = scans(0, 20) + &"{\"record_id\":\"X\"}\n".repeat(3);
    let (status, problem) = hub.send_json(push(failing)).await;
    assert_eq!((status, problem["code"].as_str()), (422, Some("quarantined-too-many")), "{problem}");
    let detail = problem["detail"].as_str().expect("a detail");
    assert!(detail.contains("3 of the first 23 rows fail") && detail.contains("required-missing"), "{detail}");
    assert_eq!(hub.events().await.len(), 0);
    let within = scans(0, 28) + &"{\"record_id\":\"X\"}\n".repeat(3);
    let (status, receipt) = hub.send_json(push(within)).await;
    assert_eq!((status, counters(&receipt)), (201, [31, 28, 0, 0, 3, 28]), "{receipt}");
    let (status, problem) = hub.send_json(push(scans(0, 400))).await;
    assert_eq!((status, problem["code"].as_str()), (413, Some("body-too-large")), "{problem}");
}
