//! Tells senders of receipts, beside everything else: a receiver that is slow or away keeps no feed waiting.
//!
//! A message is on record with its receipt ([`store::webhooks`]); here it is taken, sent, and removed or put off. A crash
//! in between sends it once more, under the same id.

use std::sync::Arc;
use std::time::Duration;

use domain::FeedId;
use reqwest::header::CONTENT_TYPE;
use store::ingest::Batch;
use store::webhooks;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::error::IngestError;
use crate::ingest::{Core, Ingest, Line};
use crate::webhook::{self, Message, Webhook};

/// How long a receiver may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Until when a message that is being sent belongs to its sender.
const TAKEN_FOR_MS: i64 = 30_000;
/// How often messages are looked for whose time has come.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// A receiver says that nobody is there any more.
const GONE: u16 = 410;

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    Told,
    Failed,
    Unwanted,
}

impl Ingest {
    /// Tells the senders of all feeds of this process of their receipts until the wish to stop.
    pub async fn tell_senders(self: Arc<Self>, stop: CancellationToken) {
        let mut feeds = JoinSet::new();
        for feed in self.core.lines.keys() {
            let (this, feed, stop) = (Arc::clone(&self), feed.clone(), stop.clone());
            feeds.spawn(async move { stop.run_until_cancelled(this.tell_sender(&feed)).await });
        }
        while feeds.join_next().await.is_some() {}
    }

    async fn tell_sender(&self, feed: &FeedId) {
        let Some(line) = self.core.lines.get(feed) else { return };
        if line.feed.profile().webhook.is_none() {
            // What was to be told under an earlier profile is told to nobody.
            if let Err(error) = self.forget_messages(feed).await {
                tracing::warn!(%feed, %error, "Messages that nobody waits for could not be removed.");
            }
            return;
        }
        loop {
            if let Err(error) = self.tell_due(feed).await {
                tracing::warn!(%feed, %error, "A sender could not be told of its receipts; it is tried again.");
            }
            let _ = tokio::time::timeout(LOOK_EVERY, line.told.notified()).await;
        }
    }

    async fn forget_messages(&self, feed: &FeedId) -> Result<(), IngestError> {
        let mut conn = self.core.store.acquire().await?;
        webhooks::delete_all(&mut conn, feed).await?;
        Ok(())
    }

    /// Sends the messages of a feed whose time has come, one after the other, up to the first that fails. Returns how many
    /// reached their receiver.
    ///
    /// # Errors
    /// When the feed is not of this process, or the store cannot be reached.
    pub async fn tell_due(&self, feed: &FeedId) -> Result<u64, IngestError> {
        let line = self.core.lines.get(feed).ok_or(IngestError::UnknownFeed)?;
        let Some(webhook) = &line.feed.profile().webhook else { return Ok(0) };
        let mut told = 0;
        loop {
            let now = (self.core.clock)();
            let mut conn = self.core.store.acquire().await?;
            let taken = webhooks::take_due(&mut conn, feed, now, now.plus_millis(TAKEN_FOR_MS)).await?;
            drop(conn);
            let Some(message) = taken else { return Ok(told) };
            let id = format!("{}-{}", message.batch.batch_id, message.ordinal);
            let attempt = self.core.tell(feed, webhook, &id, &message.batch).await;
            let wait = webhook::wait_after(message.attempts).filter(|_| attempt == Attempt::Failed);
            let mut conn = self.core.store.acquire().await?;
            match wait {
                Some(wait) => {
                    let wait_ms = i64::try_from(wait.as_millis()).unwrap_or(i64::MAX);
                    webhooks::postpone(&mut conn, message.ordinal, (self.core.clock)().plus_millis(wait_ms)).await?;
                }
                None => webhooks::delete(&mut conn, message.ordinal).await?,
            }
            let outcome = match (attempt, wait) {
                (Attempt::Told, _) => "told",
                (Attempt::Failed, Some(_)) => "failed",
                _ => "given-up",
            };
            metrics::counter!("isthmus_webhook_messages_total", "feed" => feed.to_string(), "outcome" => outcome)
                .increment(1);
            match outcome {
                "told" => told += 1,
                "failed" => return Ok(told),
                _ => {
                    tracing::warn!(%feed, batch.id = %message.batch.batch_id, attempts = message.attempts, "A sender was not told of a receipt, and is told of it no more.");
                }
            }
        }
    }
}

impl Core {
    async fn tell(&self, feed: &FeedId, webhook: &Webhook, id: &str, batch: &Batch) -> Attempt {
        let now = (self.clock)();
        let Ok(body) = serde_json::to_vec(&Message::of(batch, now)) else { return Attempt::Unwanted };
        let at = now.as_millis() / 1000;
        let request = self
            .http
            .post(&webhook.url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", at)
            .header("webhook-signature", webhook.signatures(feed, &self.key, id, at, &body))
            .body(body);
        match request.send().await.map(|answer| answer.status()) {
            Ok(status) if status.is_success() => Attempt::Told,
            Ok(status) if status.as_u16() == GONE => Attempt::Unwanted,
            Ok(status) => {
                tracing::debug!(%feed, http.status = status.as_u16(), "A receiver did not take a message.");
                Attempt::Failed
            }
            // The error quotes the address, which the profile has anyway; it says nothing more here.
            Err(_) => Attempt::Failed,
        }
    }
}

impl Line {
    /// Puts on record that the sender of a batch is to be told how it stands, if it wants to be.
    pub(crate) async fn note_to_tell(
        &self,
        tx: &mut store::Conn,
        batch: &Batch,
        at: domain::Timestamp,
    ) -> Result<(), IngestError> {
        match &self.feed.profile().webhook {
            Some(webhook) if webhook.wants(batch) => Ok(webhooks::insert(tx, &batch.feed, batch.batch_id, at).await?),
            _ => Ok(()),
        }
    }
}

/// The client that calls receivers: only the address that a profile names, and not for long.
pub(crate) fn client() -> reqwest::Client {
    let built = reqwest::Client::builder()
        .timeout(ANSWER_MAX)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent("isthmus")
        .build();
    // A client with nothing but limits set is always to be had; the default one has the same fault otherwise.
    built.unwrap_or_default()
}
