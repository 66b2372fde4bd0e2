//! A topic as a way in: records of somebody else's topic become batches of a feed.
//!
//! Records are gathered until they are many or have waited long, stored as one body of lines, and put on record in the
//! transaction that moves the positions. So each record is in exactly one batch, whatever crashes, and two processes that
//! read the same topic take turns. From there a batch is like any other: receipt, quarantine, raw bytes, replay.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use codec::{DecodeError, Documents};
use domain::{BatchId, FeedId};
use event_log::{Delivered, EventLog, LogError, Positions, Reader};
use serde::de::IgnoredAny;
use sha2::{Digest, Sha256};
use store::ingest;
use store::{Error as StoreError, consumers};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::error::IngestError;
use crate::ingest::{Core, Ingest, new_batch};
use crate::profile::FormatKind;

/// Bytes of a batch.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// Pause after something was away.
const PAUSE: Duration = Duration::from_secs(2);

/// A feed that comes from a topic.
#[derive(Clone)]
pub struct TopicFeed {
    /// The feed; its profile reads lines of JSON.
    pub feed: FeedId,
    /// The cluster that has the topic.
    pub log: EventLog,
    /// The topic.
    pub topic: String,
    /// How the values of records are read.
    pub values: Values,
    /// A batch is closed after so many records,
    pub records_max: usize,
    /// or so long after its first one.
    pub wait_max: Duration,
}

/// The form of the values of records.
#[derive(Clone)]
pub enum Values {
    /// A JSON object, or several lines of them.
    Json,
    /// Avro in the framing of a registry.
    Avro(Documents),
}

/// Why a feed cannot come from a topic.
#[derive(Debug, thiserror::Error)]
#[error("the feed {feed} cannot come from a topic: {reason}")]
pub struct TopicError {
    feed: FeedId,
    reason: &'static str,
}

/// Why nothing more could be taken for now.
#[derive(Debug, thiserror::Error)]
enum TakeError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Ingest(#[from] IngestError),
    #[error("the schema registry cannot be asked")]
    Registry(#[source] DecodeError),
}

impl From<StoreError> for TakeError {
    fn from(error: StoreError) -> Self {
        Self::Ingest(error.into())
    }
}

/// Checks that a feed can come from a topic.
///
/// # Errors
/// When its profile reads something else than lines of JSON, or may refuse a body as a whole.
pub fn check(ingest: &Ingest, feed: &FeedId) -> Result<(), TopicError> {
    let wrong = |reason| Err(TopicError { feed: feed.clone(), reason });
    match ingest.profile(feed) {
        None => wrong("no connector of this process has it"),
        Some(profile) if profile.format.kind != FormatKind::Ndjson => wrong("its format is not ndjson"),
        Some(profile) if profile.limits.quarantined_share_max.is_some() => {
            wrong("limits.quarantined_share_max refuses whole bodies, and nobody would send their records again")
        }
        Some(_) => Ok(()),
    }
}

/// Takes the records of a topic until the wish to stop. What is away is waited for.
pub async fn follow(ingest: Arc<Ingest>, source: TopicFeed, stop: CancellationToken) {
    let following = async {
        loop {
            match take_all(&ingest, &source).await {
                // Another process took the records: go on from where it is.
                Err(TakeError::Ingest(IngestError::Store(StoreError::CheckpointMoved))) => {}
                Err(error) => {
                    metrics::counter!("isthmus_topic_errors_total", "feed" => source.feed.to_string()).increment(1);
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(feed = %source.feed, %error, cause, "A topic cannot be read on now; it is tried again.");
                }
                Ok(never) => match never {},
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    stop.run_until_cancelled(following).await;
}

async fn take_all(ingest: &Ingest, source: &TopicFeed) -> Result<std::convert::Infallible, TakeError> {
    let mut kept = kept_positions(ingest, source).await?;
    let mut reader = source.log.reader(&[&source.topic], kept.clone()).await?;
    loop {
        let records = gather(&mut reader, source).await?;
        let Some(batch_id) = put_on_record(&ingest.core, source, &records, &mut kept).await? else { continue };
        loop {
            match ingest.work(&source.feed, batch_id).await {
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(feed = %source.feed, batch.id = %batch_id, %error, "A batch of a topic was not read to its end; it is tried again.");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

async fn kept_positions(ingest: &Ingest, source: &TopicFeed) -> Result<Positions, TakeError> {
    let mut conn = ingest.core.store.acquire().await?;
    let mut kept = Positions::new();
    for (partition, next_offset) in consumers::list(&mut conn, &source.feed, &source.topic).await? {
        kept.set(&source.topic, partition, next_offset);
    }
    Ok(kept)
}

/// Waits for records, and then a while for more of them.
async fn gather(reader: &mut Reader, source: &TopicFeed) -> Result<Vec<Delivered>, TakeError> {
    let mut records = Vec::new();
    while records.is_empty() {
        records = reader.next(source.records_max, Duration::from_secs(60)).await?;
    }
    let deadline = Instant::now() + source.wait_max;
    let mut bytes: usize = records.iter().map(|record| record.payload.len()).sum();
    while records.len() < source.records_max && bytes < BATCH_BYTES_MAX {
        let wait = deadline.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            break;
        }
        let more = reader.next(source.records_max - records.len(), wait).await?;
        bytes += more.iter().map(|record| record.payload.len()).sum::<usize>();
        records.extend(more);
    }
    Ok(records)
}

/// Stores records as one body and moves the positions in the transaction that puts it on record; `None` when none of the
/// records holds a value.
async fn put_on_record(
    core: &Core,
    source: &TopicFeed,
    records: &[Delivered],
    kept: &mut Positions,
) -> Result<Option<BatchId>, TakeError> {
    let fed = core.lines.get(&source.feed).ok_or(IngestError::UnknownFeed)?;
    let mut body = Vec::new();
    let mut ends: BTreeMap<i32, i64> = BTreeMap::new();
    for record in records {
        line(source, record, &mut body).await?;
        ends.insert(record.position.partition, record.position.offset + 1);
    }
    let batch = match body.is_empty() {
        true => None,
        false => {
            let stored = core.raw.store(&source.feed, body).await?;
            let mut batch = new_batch(fed.feed.profile(), &stored, (core.clock)());
            // The same values elsewhere in the topic are another batch, in which each row is a duplicate.
            batch.batch_id = batch_id(source, &stored.sha256, &ends);
            Some(batch)
        }
    };
    let mut tx = core.store.begin("ingest-topic").await?;
    for (partition, end) in &ends {
        let from = kept.get(&source.topic, *partition);
        consumers::advance(&mut tx, &source.feed, &source.topic, *partition, from, *end).await?;
    }
    if let Some(batch) = &batch {
        core.register(&mut tx, fed).await?;
        ingest::begin_batch(&mut tx, batch).await?;
    }
    tx.commit().await.map_err(IngestError::from)?;
    for (partition, end) in ends {
        kept.set(&source.topic, partition, end);
    }
    Ok(batch.map(|batch| batch.batch_id))
}

fn batch_id(source: &TopicFeed, sha256: &[u8; 32], ends: &BTreeMap<i32, i64>) -> BatchId {
    let mut hash = Sha256::new();
    hash.update(sha256);
    hash.update(source.topic.as_bytes());
    for (partition, end) in ends {
        hash.update(partition.to_be_bytes());
        hash.update(end.to_be_bytes());
    }
    BatchId::derive(&source.feed, &hash.finalize().into())
}

/// Appends the row, or rows, of a record. One that cannot be read becomes a row that says so and is quarantined like any
/// other; one without value (a deletion in a compacted topic) states nothing.
async fn line(source: &TopicFeed, record: &Delivered, body: &mut Vec<u8>) -> Result<(), TakeError> {
    let value = &record.payload;
    if value.is_empty() {
        metrics::counter!("isthmus_topic_empty_records_total", "feed" => source.feed.to_string()).increment(1);
        return Ok(());
    }
    match &source.values {
        Values::Json => json_lines(value, body),
        Values::Avro(documents) => match documents.read(value).await {
            Ok(document) => {
                body.extend_from_slice(document.to_string().as_bytes());
                body.push(b'\n');
            }
            Err(error @ DecodeError::Registry { .. }) if error.is_transient() => {
                return Err(TakeError::Registry(error));
            }
            Err(error) => {
                let place = format!("partition {} offset {}", record.position.partition, record.position.offset);
                let text = format!("{place}: {error}: {}", STANDARD.encode(value));
                body.extend_from_slice(serde_json::Value::String(text).to_string().as_bytes());
                body.push(b'\n');
            }
        },
    }
    Ok(())
}

/// A value that is one JSON document is one line, however it is written; anything else is the lines that it has.
fn json_lines(value: &[u8], body: &mut Vec<u8>) {
    if serde_json::from_slice::<IgnoredAny>(value).is_ok() {
        // Within a document, raw line ends are nothing but blanks.
        body.extend(value.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
    } else {
        body.extend_from_slice(value);
    }
    if body.last() != Some(&b'\n') {
        body.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_one_line_and_lines_stay_lines() {
        let lines = |value: &str| {
            let mut body = Vec::new();
            json_lines(value.as_bytes(), &mut body);
            String::from_utf8(body).expect("text")
        };
        assert_eq!(lines("{\n  \"a\": 1\r\n}"), "{   \"a\": 1  }\n");
        assert_eq!(lines("{\"a\":1}\n{\"a\":2}\n"), "{\"a\":1}\n{\"a\":2}\n");
        assert_eq!(lines("{broken"), "{broken\n");
    }
}
