//! What can go wrong.

use std::io;
use std::path::PathBuf;

use rdkafka::error::KafkaError;

/// Why the log did not do what it was asked. No text repeats a key, a payload or a header.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// There is no such topic.
    #[error("there is no topic {topic}")]
    UnknownTopic {
        /// Topic.
        topic: String,
    },
    /// The log does not hold this position: retention dropped it, or it was never written.
    #[error("{topic}, partition {partition}: position {offset} is outside of what the log holds, {first} to {end}")]
    PositionOutOfRange {
        /// Topic.
        topic: String,
        /// Partition.
        partition: i32,
        /// The next offset that was to be read.
        offset: i64,
        /// Offset of the oldest record.
        first: i64,
        /// Offset behind the newest record.
        end: i64,
    },
    /// A record is larger than [`crate::RECORD_BYTES_MAX`].
    #[error("a record of {bytes} bytes for {topic} is larger than {} bytes", crate::RECORD_BYTES_MAX)]
    RecordTooLarge {
        /// Topic.
        topic: String,
        /// Size.
        bytes: usize,
    },
    /// A topic cannot have this name or this number of partitions.
    #[error("a topic cannot be made as {topic:?} with {partitions} partitions")]
    BadTopic {
        /// Topic.
        topic: String,
        /// Partitions.
        partitions: i32,
    },
    /// Not all records were appended.
    #[error("{failed} of {all} records were not appended")]
    NotAppended {
        /// How many were not.
        failed: usize,
        /// How many there were.
        all: usize,
        /// Why the first of them was not.
        source: KafkaError,
    },
    /// A setting of Kafka's client is not usable.
    #[error("setting {key} of Kafka's client: {reason}")]
    Setting {
        /// Setting.
        key: String,
        /// Why.
        reason: String,
    },
    /// A file that the configuration names cannot be read.
    #[error("reading {path}")]
    File {
        /// File.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Kafka refused or is away.
    #[error("Kafka: {doing}")]
    Kafka {
        /// What was being done.
        doing: &'static str,
        /// Why.
        source: KafkaError,
    },
    /// PostgreSQL refused or is away.
    #[error("event log table: {doing}")]
    Table {
        /// What was being done.
        doing: &'static str,
        /// Why.
        source: sqlx::Error,
    },
    /// The table holds what this program did not write.
    #[error("{topic}, partition {partition}, offset {offset}: the stored record is damaged")]
    Damaged {
        /// Topic.
        topic: String,
        /// Partition.
        partition: i32,
        /// Offset.
        offset: i64,
    },
}

impl LogError {
    pub(crate) fn kafka(doing: &'static str) -> impl FnOnce(KafkaError) -> Self {
        move |source| match source {
            // The value may be a secret: it is left out.
            KafkaError::ClientConfig(_, reason, key, _) => Self::Setting { key, reason },
            source => Self::Kafka { doing, source },
        }
    }

    pub(crate) fn table(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Self {
        move |source| Self::Table { doing, source }
    }
}
