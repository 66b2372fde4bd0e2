//! A receiver on this machine is told of receipts, whatever happens to the hub or to the receiver meanwhile.

use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use connector::{Feed, Profile, ProfileFeed, webhook_secret};
use domain::FeedId;
use serde_json::{Value, json};
use store::quarantine::Selection;
use test_support::wait_for;
use tokio_util::sync::CancellationToken;

use crate::hub::{Hub, SCANS, scan};

/// What came to the receiver.
#[derive(Clone)]
struct Told {
    id: String,
    headers: HeaderMap,
    body: Bytes,
}

/// A receiver that answers with a status.
struct Receiver {
    url: String,
    told: Arc<Mutex<Vec<Told>>>,
    status: Arc<AtomicU16>,
}

impl Receiver {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}/receipts", listener.local_addr().expect("an address"));
        let (told, status) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicU16::new(204)));
        let (keep, answer) = (Arc::clone(&told), Arc::clone(&status));
        let take = move |headers: HeaderMap, body: Bytes| async move {
            let id = headers["webhook-id"].to_str().expect("text").to_owned();
            keep.lock().expect("no panic").push(Told { id, headers, body });
            StatusCode::from_u16(answer.load(Ordering::SeqCst)).expect("a status")
        };
        let router = Router::new().route("/receipts", post(take));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, told, status }
    }

    fn told(&self) -> Vec<Told> {
        self.told.lock().expect("no panic").clone()
    }

    fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }
}

fn feed() -> FeedId {
    FeedId::parse("scans").expect("a name")
}

/// A process on what another one left, whose feed of scans tells a receiver.
async fn telling(hub: Hub, url: &str, more: &str) -> Hub {
    let text = format!("{SCANS}\n[webhook]\nurl = \"{url}\"\n{more}");
    let profile = Profile::parse("test", &text).expect("a profile");
    let feed = Arc::new(ProfileFeed::new(profile).expect("a feed")) as Arc<dyn Feed>;
    Hub::start_with(hub.database, hub.store, hub.raw_dir, vec![feed]).await
}

async fn waiting(hub: &Hub) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM ingest.webhook_message");
    count.fetch_one(&hub.database.pool()).await.expect("counted")
}

/// Makes every message due, whatever the clock of the test says.
async fn let_time_pass(hub: &Hub) {
    hub.execute("UPDATE ingest.webhook_message SET due_at = '2022-01-01T00:00:00Z'").await;
}

#[tokio::test]
async fn a_sender_is_told_of_a_receipt_by_the_process_after_the_one_that_wrote_it() {
    let receiver = Receiver::start().await;
    let hub = telling(Hub::start().await, &receiver.url, "").await;
    let rows = [scan("s1", "13800000001", "36.1"), scan("s2", "138x", "36.2")].join("\n");
    let (_, receipt) = hub.push("scans", rows.clone()).await;
    // The process ends with the receipt on record and nobody told.
    let hub = telling(hub, &receiver.url, "").await;
    assert_eq!((receiver.told().len(), waiting(&hub).await), (0, 1));
    let stop = CancellationToken::new();
    let telling = tokio::spawn(Arc::clone(&hub.ingest).tell_senders(stop.clone()));
    wait_for("the sender is told", async || waiting(&hub).await == 0).await;

    let told = receiver.told();
    assert_eq!(told.len(), 1);
    let body: Value = serde_json::from_slice(&told[0].body).expect("JSON");
    assert_eq!(
        body,
        json!({
            "type": "receipt.done",
            "timestamp": "2022-03-20T00:00:00Z",
            "data": {
                "feed": "scans", "batch_id": receipt["batch_id"], "state": "done",
                "accepted": 1, "duplicate": 0, "superseded": 0, "quarantined": 1,
                "receipt": receipt["links"]["self"],
            },
        })
    );
    let header = |name: &str| told[0].headers[name].to_str().expect("text").to_owned();
    assert_eq!((header("content-type"), header("webhook-timestamp")), ("application/json".into(), "1647734400".into()));
    assert_eq!(header("webhook-signature"), signed(&told[0], 1));
    // The same bytes again have the receipt that was told.
    assert_eq!(hub.push("scans", rows).await.1["repeated"], true);
    assert_eq!(waiting(&hub).await, 0);
    // A receipt that comes while the process runs is told at once.
    hub.push("scans", scan("s3", "13800000003", "36.3")).await;
    wait_for("the sender is told of the next", async || receiver.told().len() == 2).await;
    stop.cancel();
    telling.await.expect("no panic");
}

/// The signature that a message should bear, by the secret as its receiver has it.
fn signed(told: &Told, number: u32) -> String {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use hmac::{Hmac, KeyInit, Mac};
    let secret = webhook_secret(&test_support::build::token_key(), &feed(), number);
    let secret = STANDARD.decode(secret.strip_prefix("whsec_").expect("the prefix")).expect("base 64");
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&secret).expect("a key");
    mac.update(format!("{}.{}.", told.id, told.headers["webhook-timestamp"].to_str().expect("text")).as_bytes());
    mac.update(&told.body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[tokio::test]
async fn a_receiver_that_is_away_is_tried_again_under_the_same_id_and_not_for_ever() {
    let receiver = Receiver::start().await;
    let hub = telling(Hub::start().await, &receiver.url, "").await;
    receiver.answer(503);
    let (status, _) = hub.push("scans", scan("s1", "13800000001", "36.1")).await;
    assert_eq!(status, 201);
    assert_eq!(hub.ingest.tell_due(&feed()).await.expect("tried"), 0);
    // Its time has not come yet.
    assert_eq!(hub.ingest.tell_due(&feed()).await.expect("tried"), 0);
    assert_eq!(receiver.told().len(), 1);
    let_time_pass(&hub).await;
    receiver.answer(204);
    assert_eq!(hub.ingest.tell_due(&feed()).await.expect("told"), 1);
    let told = receiver.told();
    assert_eq!((told.len(), &told[0].id), (2, &told[1].id));

    receiver.answer(302);
    hub.push("scans", scan("s2", "13800000001", "36.1")).await;
    let mut attempts = 0;
    while waiting(&hub).await > 0 {
        let_time_pass(&hub).await;
        assert_eq!(hub.ingest.tell_due(&feed()).await.expect("tried"), 0);
        attempts += 1;
    }
    assert_eq!(attempts, 9);
    // A receiver that is gone for good is not tried again.
    receiver.answer(410);
    hub.push("scans", scan("s3", "13800000001", "36.1")).await;
    assert_eq!(hub.ingest.tell_due(&feed()).await.expect("tried"), 0);
    assert_eq!(waiting(&hub).await, 0);
}

#[tokio::test]
async fn a_sender_hears_of_failures_only_if_it_wants_and_of_what_an_operator_changed() {
    let receiver = Receiver::start().await;
    let hub = telling(Hub::start().await, &receiver.url, "when = \"failures\"\nsecret = 2\n").await;
    hub.push("scans", scan("s1", "13800000001", "36.1")).await;
    assert_eq!(waiting(&hub).await, 0);
    hub.push("scans", scan("s2", "138x", "36.1")).await;
    hub.push("scans", "").await;
    assert_eq!(hub.ingest.tell_due(&feed()).await.expect("told"), 1);
    let told = receiver.told();
    let signatures = format!("{} {}", signed(&told[0], 2), signed(&told[0], 1));
    assert_eq!(told[0].headers["webhook-signature"], signatures);
    // Replayed, it fails again: the receipt was looked at anew.
    hub.ingest.replay(&feed(), &Selection::default(), "again").await.expect("replayed");
    assert_eq!(hub.ingest.tell_due(&feed()).await.expect("told"), 1);
    // A profile without webhook tells nobody, also of what waits.
    receiver.answer(503);
    hub.push("scans", scan("s4", "138y", "36.1")).await;
    let hub = Hub::start_on(hub.database, hub.store, hub.raw_dir).await;
    let stop = CancellationToken::new();
    let telling = tokio::spawn(Arc::clone(&hub.ingest).tell_senders(stop.clone()));
    wait_for("the message is forgotten", async || waiting(&hub).await == 0).await;
    stop.cancel();
    telling.await.expect("no panic");
    assert_eq!(receiver.told().len(), 2);
}
