//! Senders: each pushes the files of its feed one after the other, and sends again whatever was not answered.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use test_support::scratch_dir;

use crate::hospital::{self, Said};
use crate::site::Hub;

/// Feeds whose files are pushed, all at the same time.
const FEEDS: [&str; 5] = ["household-register", "gate-scans", "subscriber-register", "location-updates", SPOILT];
/// The feed of which every fifth line breaks off in the middle.
const SPOILT: &str = "lab-results";
/// The feed that comes message by message, on one connection: its hospitals are one source, in which the first to state who
/// somebody is has the word, so their order counts.
const MESSAGES: &str = "hospital-hl7";
/// Residents of the city of one round.
const RESIDENTS: u32 = 500;
/// The pause between messages, so that there are some at any time of a round.
const MESSAGE_EVERY: Duration = Duration::from_millis(100);
/// A sender's pause before it sends again.
pub(crate) const AGAIN_AFTER: Duration = Duration::from_millis(100);
/// How long a sender waits for an answer. The broker may be away for a while.
pub(crate) const ANSWER_MAX: Duration = Duration::from_secs(90);

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
    pub(crate) feed: String,
    pub(crate) batch_id: uuid::Uuid,
    state: String,
    #[serde(flatten)]
    pub(crate) counts: Counts,
}

/// What was sent, and what the hub said of it.
#[derive(Default)]
pub(crate) struct Answers {
    /// Files, feed by feed in their order.
    pub(crate) files: Vec<Receipt>,
    /// Messages in their order.
    pub(crate) messages: Vec<Said>,
}

impl Answers {
    fn files_of(&self, feed: &str) -> Vec<PathBuf> {
        self.files.iter().filter(|receipt| receipt.feed == feed).map(|receipt| receipt.file.clone()).collect()
    }

    fn add(&mut self, other: Self) {
        self.files.extend(other.files);
        self.messages.extend(other.messages);
    }
}

/// A hub as senders know it.
#[derive(Clone)]
pub(crate) struct Door {
    base: String,
    mllp: SocketAddr,
    client: reqwest::Client,
    /// Feeds and their tokens.
    tokens: Vec<(&'static str, String)>,
}

impl Door {
    pub(crate) fn of(hub: &Hub) -> Self {
        let token = |feed| (feed, hub.admin(&["token", "feed", "--feed", feed]));
        let tokens = FEEDS.into_iter().chain([MESSAGES]).map(token).collect();
        Self { base: hub.base.clone(), mllp: hub.mllp, client: reqwest::Client::new(), tokens }
    }

    fn token(&self, feed: &str) -> &str {
        let token = self.tokens.iter().find(|(known, _)| *known == feed);
        token.map(|(_, token)| token.as_str()).expect("a feed of ours")
    }

    /// Asks the hub, which nobody kills any more.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, feed: &str, address: &str) -> T {
        let request = self.client.get(format!("{}{address}", self.base)).bearer_auth(self.token(feed));
        let answer = request.send().await.and_then(reqwest::Response::error_for_status).expect("an answer");
        answer.json().await.expect("an answer of this form")
    }

    /// Messages that were taken, and are no repeats, by the receipts of their batches.
    pub(crate) async fn accepted_messages(&self) -> u64 {
        #[derive(Deserialize)]
        struct Page {
            batches: Vec<Receipt>,
            next: Option<String>,
        }
        let (mut accepted, mut next) = (0, Some(format!("/v1/feeds/{MESSAGES}/batches?limit=1000")));
        while let Some(address) = next {
            let page: Page = self.ask(MESSAGES, &address).await;
            for receipt in &page.batches {
                assert_eq!(receipt.counts.rows, receipt.counts.sum(), "messages in = messages accounted for");
                accepted += receipt.counts.accepted;
            }
            next = page.next;
        }
        accepted
    }

    /// Pushes a file until it has its receipt.
    async fn deliver(&self, feed: &str, file: &Path) -> Receipt {
        let address = format!("{}/v1/feeds/{feed}/batches", self.base);
        let body = body_of(feed, file);
        loop {
            let push = self.client.post(&address).bearer_auth(self.token(feed)).timeout(ANSWER_MAX);
            if let Ok(response) = push.body(body.clone()).send().await {
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
}

/// The senders' common state.
pub(crate) struct Load {
    door: Door,
    seed: u64,
    stopped: AtomicBool,
    answered: AtomicUsize,
}

impl Load {
    pub(crate) fn new(door: Door, seed: u64) -> Arc<Self> {
        Arc::new(Self { door, seed, stopped: AtomicBool::new(false), answered: AtomicUsize::new(0) })
    }

    /// Files that got their receipt.
    pub(crate) fn answered(&self) -> usize {
        self.answered.load(Ordering::Relaxed)
    }

    /// The round that is on its way is the last one.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// Sends one city after the other.
    pub(crate) async fn send_until_stopped(self: Arc<Self>) -> Answers {
        let mut answers = Answers::default();
        let mut round = 0;
        let mut city = self.city(round).await;
        while !self.stopped.load(Ordering::Relaxed) {
            round += 1;
            let tables = FEEDS.map(|feed| files(&city, feed));
            let messages = files(&city, MESSAGES).iter().flat_map(|file| hospital::messages(file)).collect();
            let (sent, next) =
                tokio::join!(self.send_all(&self.door, tables, messages, MESSAGE_EVERY), self.city(round));
            answers.add(sent);
            city = next;
        }
        answers.files.sort_by_key(|receipt| FEEDS.iter().position(|feed| *feed == receipt.feed));
        answers
    }

    /// Sends the same to another hub, in the same order.
    pub(crate) async fn send_again(&self, door: &Door, answers: &Answers) -> Answers {
        let files = FEEDS.map(|feed| answers.files_of(feed));
        let messages = answers.messages.iter().map(|said| said.message.clone()).collect();
        self.send_all(door, files, messages, Duration::ZERO).await
    }

    async fn send_all(
        &self,
        door: &Door,
        files: [Vec<PathBuf>; FEEDS.len()],
        messages: Vec<Vec<u8>>,
        pause: Duration,
    ) -> Answers {
        let senders = FEEDS.iter().zip(files).map(|(feed, files)| async move {
            let mut receipts = Vec::new();
            for file in files {
                receipts.push(door.deliver(feed, &file).await);
                self.answered.fetch_add(1, Ordering::Relaxed);
            }
            receipts
        });
        let files = futures_util::future::join_all(senders);
        let messages = hospital::send(door.mllp, &messages, pause);
        let (files, messages) = tokio::join!(files, messages);
        Answers { files: files.concat(), messages }
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

/// The files of a feed in the order of their delivery.
fn files(city: &Path, feed: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(city.join("feeds").join(feed)).expect("the city has the feed");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("a file").path()).collect();
    files.sort();
    files
}

fn body_of(feed: &str, file: &Path) -> Bytes {
    let bytes = std::fs::read(file).expect("a file");
    if feed != SPOILT {
        return bytes.into();
    }
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate();
    let spoilt = lines.flat_map(|(place, line)| match place % 5 {
        4 => [&line[..line.len() / 2], b"\n"],
        _ => [line, b""],
    });
    spoilt.collect::<Vec<&[u8]>>().concat().into()
}
