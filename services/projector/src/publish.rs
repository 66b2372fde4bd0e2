//! The topic `person.file`: what became of persons, for systems that follow a log.
//!
//! Invariants: every change is appended at least once, those of one person in their order; the position moves after the
//! append is durable. A change that comes twice has the same number, so that a reader drops it.
//!
//! Only Kafka gets it: in the embedded form the history lies in the same database as the log, and `/v1/changes` reads it.

use std::time::Duration;

use codec::PERSON_FILE_TOPIC;
use event_log::{EventLog, Record, TopicSpec};
use runtime::Shutdown;
use store::lineage;

use crate::{Config, Error};

/// Changes appended at once.
const CHANGES_MAX: i64 = 1_000;
/// How often it is looked for new ones.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Pause after a failure.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// The topic that changes of persons are published to, where the log is Kafka.
pub fn published_topic(log: &EventLog, partitions: i32) -> Option<TopicSpec> {
    let spec = TopicSpec { compacted: true, ..TopicSpec::new(PERSON_FILE_TOPIC, partitions) };
    matches!(log, EventLog::Kafka(_)).then_some(spec)
}

/// Publishes what is in the history until the wish to stop. It may be dropped at any point.
pub(crate) async fn run(config: Config, shutdown: Shutdown) {
    while !shutdown.has_begun() {
        let pause = match step(&config).await {
            Ok(0) => LOOK_EVERY,
            Ok(_) => continue,
            Err(error) => {
                tracing::warn!(
                    %error,
                    error.cause = std::error::Error::source(&error).map(ToString::to_string),
                    "Changes of persons cannot be published now; it is tried again."
                );
                AGAIN_AFTER
            }
        };
        tokio::select! {
            () = shutdown.wait() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Publishes the next changes and says how many. The row of the position stays locked meanwhile, so that a projector
/// that has lost its leadership unnoticed cannot append older changes after newer ones.
async fn step(config: &Config) -> Result<usize, Error> {
    let mut tx = config.store.begin("publish_persons").await?;
    let after = lineage::lock_published(&mut tx).await?;
    let changes = lineage::list_changes(&mut tx, after, CHANGES_MAX).await?;
    let Some(last) = changes.last().map(|change| change.seq) else { return Ok(0) };
    let mut records = Vec::with_capacity(changes.len());
    for change in &changes {
        let encoded = config.codec.encode_person_file(change).map_err(Error::Unpublishable)?;
        let (topic, key) = (encoded.topic.to_owned(), encoded.key);
        records.push(Record { topic, key, payload: encoded.payload, headers: encoded.headers });
    }
    config.log.append(records).await?;
    lineage::put_published(&mut tx, last).await?;
    tx.commit().await?;
    metrics::counter!("isthmus_person_changes_published_total").increment(changes.len() as u64);
    Ok(changes.len())
}
