//! Messages one by one, durable before they are answered.
//!
//! While one group of messages is being made durable, those that arrive meanwhile gather into the next. So a lone sender
//! waits for nobody, and many senders share one write to disk and one transaction.

use std::sync::{Arc, PoisonError};

use domain::{BatchId, FeedId};
use sha2::{Digest, Sha256};
use store::ingest::{self, Framing};
use tokio::sync::{mpsc, oneshot};

use crate::decide::Outcome;
use crate::error::IngestError;
use crate::feed::{RawRow, RowError};
use crate::ingest::{Core, Ingest, Mended, new_batch};
use crate::on_record::add_quality;
use crate::quality::Gathered;

/// Messages of one group.
const GROUP_MESSAGES_MAX: usize = 256;
/// Bytes of one group, for the reason of a chunk's.
const GROUP_BYTES_MAX: usize = 2 << 20;
/// Messages that wait for a group; further senders wait to be let in.
const WAITING_MAX: usize = 1024;

/// What became of a message: the same as of a row.
pub type MessageOutcome = Outcome;

/// A message that waits for its group.
pub(crate) struct Waiting {
    message: Message,
    answer: oneshot::Sender<Result<MessageOutcome, Arc<IngestError>>>,
}

/// The bytes of a message, and why it cannot be used if that is known already.
struct Message {
    bytes: Vec<u8>,
    broken: Option<RowError>,
}

impl Ingest {
    /// Takes one message. When this returns, its bytes, its events and its receipt are durable.
    ///
    /// # Errors
    /// When a part of the hub is away: the sender sends the message again later.
    pub async fn message(&self, feed: &FeedId, bytes: Vec<u8>) -> Result<MessageOutcome, Arc<IngestError>> {
        self.take(feed, Message { bytes, broken: None }).await
    }

    /// Puts a message in quarantine that cannot be kept as a whole. `bytes` is what is kept of it; the feed's reader must find
    /// them broken, too.
    ///
    /// # Errors
    /// As [`Ingest::message`].
    pub async fn broken_message(
        &self,
        feed: &FeedId,
        bytes: Vec<u8>,
        error: RowError,
    ) -> Result<MessageOutcome, Arc<IngestError>> {
        self.take(feed, Message { bytes, broken: Some(error) }).await
    }

    async fn take(&self, feed: &FeedId, message: Message) -> Result<MessageOutcome, Arc<IngestError>> {
        let (answer, answered) = oneshot::channel();
        let sender = self.sender(feed).ok_or_else(|| Arc::new(IngestError::UnknownFeed))?;
        let stopped = || Arc::new(IngestError::Stopped);
        sender.send(Waiting { message, answer }).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }

    /// The entrance to the feed's groups; the task that forms them begins with the first message.
    fn sender(&self, feed: &FeedId) -> Option<mpsc::Sender<Waiting>> {
        let mut messages = self.messages.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = messages.get(feed).filter(|sender| !sender.is_closed()) {
            return Some(sender.clone());
        }
        if !self.core.lines.contains_key(feed) {
            return None;
        }
        let (sender, receiver) = mpsc::channel(WAITING_MAX);
        tokio::spawn(form_groups(Arc::clone(&self.core), feed.clone(), receiver));
        messages.insert(feed.clone(), sender.clone());
        Some(sender)
    }
}

async fn form_groups(core: Arc<Core>, feed: FeedId, mut receiver: mpsc::Receiver<Waiting>) {
    let mut group_number = 0_u64;
    while let Some(first) = receiver.recv().await {
        let mut bytes = first.message.bytes.len();
        let mut group = vec![first];
        while group.len() < GROUP_MESSAGES_MAX && bytes < GROUP_BYTES_MAX {
            let Ok(next) = receiver.try_recv() else { break };
            bytes += next.message.bytes.len();
            group.push(next);
        }
        group_number += 1;
        let (messages, answers): (Vec<_>, Vec<_>) =
            group.into_iter().map(|waiting| (waiting.message, waiting.answer)).unzip();
        let rows = messages.len();
        match core.take_group(&feed, messages, group_number).await {
            Ok(outcomes) => {
                for (answer, outcome) in answers.into_iter().zip(outcomes) {
                    let _ = answer.send(Ok(outcome));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for answer in answers {
                    let _ = answer.send(Err(Arc::clone(&error)));
                }
            }
        }
        if let Some(line) = core.lines.get(&feed) {
            line.keep_pace(rows).await;
        }
    }
}

impl Core {
    /// Makes a group durable: bytes, then events, then the receipt.
    async fn take_group(
        &self,
        feed: &FeedId,
        messages: Vec<Message>,
        group_number: u64,
    ) -> Result<Vec<MessageOutcome>, IngestError> {
        let line = self.lines.get(feed).ok_or(IngestError::UnknownFeed)?;
        let (body, rows) = join(messages);
        let stored = self.raw.store(feed, body).await?;
        let received_at = (self.clock)();
        let mut batch = new_batch(line.feed.profile(), &stored, received_at);
        // A group is no file: the same messages again are another group, in which each of them is a duplicate.
        batch.batch_id = group_id(feed, &stored.sha256, received_at.as_millis(), group_number);
        batch.framing = Framing::Messages;
        let source = self.source(line, received_at, stored.path.clone());
        let chunk =
            tokio::task::spawn_blocking(move || source.map(rows, None)).await.map_err(|_| IngestError::Stopped)?;
        let count = chunk.rows.len() as i64;
        let mut gathered = Gathered::default();
        line.gather(&mut gathered, &chunk, &self.key, received_at);

        let mut tx = self.store.begin("ingest-messages").await?;
        ingest::lock_feed(&mut tx, feed).await?;
        self.register(&mut tx, line).await?;
        let batch = ingest::begin_batch(&mut tx, &batch).await?;
        let decided = self.decide_and_append(&mut tx, line, &batch, chunk, Mended::default()).await?;
        if decided.progress.counts.rows() != count {
            return Err(IngestError::Uneven { rows: count, counted: decided.progress.counts.rows() });
        }
        ingest::advance_batch(&mut tx, line.source_feed(), batch.batch_id, 1, decided.progress.clone()).await?;
        let finished = ingest::finish_batch(&mut tx, batch.batch_id, (self.clock)(), 0, &[]).await?;
        if let Some(finished) = finished {
            add_quality(&mut tx, line.feed.profile(), &finished, gathered).await?;
        }
        tx.commit().await?;
        line.note_published(feed, &decided);
        Ok(decided.outcomes.into())
    }
}

fn group_id(feed: &FeedId, sha256: &[u8; 32], received_ms: i64, group_number: u64) -> BatchId {
    let mut hash = Sha256::new();
    hash.update(sha256);
    hash.update(received_ms.to_be_bytes());
    hash.update(group_number.to_be_bytes());
    BatchId::derive(feed, &hash.finalize().into())
}

/// The messages as one body, each ended by a carriage return, and where each stands in it.
fn join(messages: Vec<Message>) -> (Vec<u8>, Vec<RawRow>) {
    let mut body = Vec::with_capacity(messages.iter().map(|message| message.bytes.len() + 1).sum());
    let mut rows = Vec::with_capacity(messages.len());
    let mut line = 1;
    for (position, Message { bytes, broken }) in messages.into_iter().enumerate() {
        let offset = body.len() as u64;
        body.extend_from_slice(&bytes);
        if !matches!(bytes.last(), Some(b'\r' | b'\n')) {
            body.push(b'\r');
        }
        rows.push(RawRow {
            number: position as u64 + 1,
            line,
            offset,
            length: body.len() as u64 - offset,
            bytes: bytes.into(),
            broken,
        });
        line += body[offset as usize..].iter().filter(|byte| **byte == b'\r').count() as u64;
    }
    (body, rows)
}
