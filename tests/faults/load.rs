//! Senders: each pushes the files of its feed one after the other, and sends again whatever was not answered.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde::Deserialize;
use test_support::scratch_dir;

use crate::site::Hub;

/// Feeds that are pushed at the same time.
const FEEDS: [&str; 4] = ["household-register", "gate-scans", "subscriber-register", "location-updates"];
/// Residents of the city of one round.
const RESIDENTS: u32 = 500;
/// A sender's pause before it sends again.
const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// How long a sender waits for an answer. The broker may be away for a while.
const ANSWER_MAX: Duration = Duration::from_secs(90);

/// What became of the rows of a file. The number of events is left out: what a process has stated about identity it
/// may state once more after its end, under the same id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Counts {
    pub(crate) rows: u64,
    accepted: u64,
    duplicate: u64,
    superseded: u64,
    quarantined: u64,
}

impl Counts {
    pub(crate) const fn sum(&self) -> u64 {
        self.accepted + self.duplicate + self.superseded + self.quarantined
    }
}

/// The receipt of a file, as far as it does not depend on time.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Receipt {
    #[serde(skip)]
    file: PathBuf,
    feed: String,
    batch_id: uuid::Uuid,
    state: String,
    #[serde(flatten)]
    pub(crate) counts: Counts,
}

/// The senders' common state.
pub(crate) struct Load {
    hub: Hub,
    tokens: Vec<String>,
    seed: u64,
    stopped: AtomicBool,
    answered: AtomicUsize,
}

impl Load {
    pub(crate) fn new(hub: &Hub, seed: u64) -> Arc<Self> {
        let tokens = tokens(hub);
        Arc::new(Self {
            hub: hub.clone(),
            tokens,
            seed,
            stopped: AtomicBool::new(false),
            answered: AtomicUsize::new(0),
        })
    }

    /// Files that got their receipt.
    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// The round that is on its way is the last one.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Pushes one city after the other; gives the receipts, feed by feed in their order.
    pub(crate) async fn push_until_stopped(self: Arc<Self>) -> Vec<Receipt> {
        let mut receipts: Vec<Vec<Receipt>> = vec![Vec::new(); FEEDS.len()];
        let mut round = 0;
        let mut city = self.city(round).await;
        while !self.stopped.load(Ordering::Relaxed) {
            round += 1;
            let files = FEEDS.map(|feed| files(&city, feed));
            let (pushed, next) = tokio::join!(self.push_all(&self.hub, &self.tokens, &files), self.city(round));
            for (feed, pushed) in receipts.iter_mut().zip(pushed) {
                feed.extend(pushed);
            }
            city = next;
        }
        receipts.concat()
    }

    /// Pushes the files of receipts to another hub, in the same order.
    pub(crate) async fn push_again(&self, hub: &Hub, receipts: &[Receipt]) -> Vec<Receipt> {
        let of = |feed: &str| -> Vec<PathBuf> {
            receipts.iter().filter(|receipt| receipt.feed == feed).map(|receipt| receipt.file.clone()).collect()
        };
        self.push_all(hub, &tokens(hub), &FEEDS.map(of)).await.concat()
    }

    async fn push_all(&self, hub: &Hub, tokens: &[String], files: &[Vec<PathBuf>]) -> Vec<Vec<Receipt>> {
        let senders = FEEDS.iter().zip(tokens).zip(files);
        let senders = senders.map(|((feed, token), files)| async move {
            let client = reqwest::Client::new();
            let mut receipts = Vec::new();
            for file in files {
                receipts.push(deliver(&client, hub, feed, token, file).await);
                self.answered.fetch_add(1, Ordering::Relaxed);
            }
            receipts
        });
        futures_util::future::join_all(senders).await
    }

    async fn city(&self, round: u64) -> PathBuf {
        let out = scratch_dir("faults-city").join("city");
        let options = city::Options { residents: RESIDENTS, days: 2, seed: self.seed * 1_000 + round };
        let written = out.clone();
        let work = move || city::generate(&options, &written, &mut |_| {}).expect("a city");
        tokio::task::spawn_blocking(work).await.expect("the city is made");
        out
    }
}

fn tokens(hub: &Hub) -> Vec<String> {
    FEEDS.iter().map(|feed| hub.admin(&["token", "feed", "--feed", feed])).collect()
}

/// The files of a feed in the order of their delivery.
fn files(city: &std::path::Path, feed: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(city.join("feeds").join(feed)).expect("the city has the feed");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

/// Pushes a file until it has its receipt.
async fn deliver(client: &reqwest::Client, hub: &Hub, feed: &str, token: &str, file: &std::path::Path) -> Receipt {
    let address = format!("{}/v1/feeds/{feed}/batches", hub.base);
    let body = bytes::Bytes::from(std::fs::read(file).expect("a file"));
    loop {
        let push = client.post(&address).bearer_auth(token).timeout(ANSWER_MAX).body(body.clone());
        if let Ok(response) = push.send().await {
            let status = response.status();
            let text = response.text().await.unwrap_or_default();
            let come_again = status.is_server_error() || status == reqwest::StatusCode::TOO_MANY_REQUESTS;
            assert!(status.is_success() || come_again, "{feed}: {status} {text}");
            let receipt = serde_json::from_str::<Receipt>(&text).ok().filter(|receipt| receipt.state == "done");
            if let Some(receipt) = receipt.filter(|_| status.is_success()) {
                return Receipt { file: file.to_owned(), ..receipt };
            }
        }
        tokio::time::sleep(AGAIN_AFTER).await;
    }
}
