//! Publish and read a topic at a position: one type, two backends.
//!
//! An [`EventLog`] keeps its records in Apache Kafka or in a table of PostgreSQL, and behaves the same on either:
//!
//! - [`EventLog::append`] returns when every record is durable. Records of one topic and key keep their order.
//! - A [`Reader`] delivers each partition in order and without gaps, from positions that its **caller** keeps, so that
//!   the caller can move them in the same transaction as what it made of the records.
//! - A position outside of what the log holds is an error, never a silent jump.
//!
//! Not here: what a record means (`codec`), exactly-once by Kafka transactions (event ids are derived, so publishing
//! twice is harmless), and offsets kept in Kafka.

mod config;
mod error;
mod kafka;
mod record;
mod table;

use std::time::Duration;

use domain::Timestamp;
use sqlx::PgPool;

pub use config::{KafkaConfig, LogConfig, SaslMechanism, SecurityProtocol, TableConfig};
pub use error::LogError;
pub use kafka::{GroupReader, GroupStep, KafkaLog};
pub use record::{Delivered, Position, Positions, RECORD_BYTES_MAX, Record, TopicSpec};
pub use table::TableLog;

/// A log of events. Cloning it is cheap; clones share connections.
#[derive(Clone, Debug)]
pub enum EventLog {
    /// In Apache Kafka.
    Kafka(KafkaLog),
    /// In a table of PostgreSQL.
    Table(TableLog),
}

impl EventLog {
    /// Opens the log that the configuration names. `pool` is used by the table backend only, which makes its tables
    /// when they are not there.
    ///
    /// # Errors
    /// When the configuration is not usable or PostgreSQL refuses. Kafka is not contacted yet.
    pub async fn open(config: &LogConfig, pool: &PgPool) -> Result<Self, LogError> {
        match config {
            LogConfig::Table(table) => Ok(Self::Table(TableLog::create(pool.clone(), table).await?)),
            LogConfig::Kafka(kafka) => Ok(Self::Kafka(KafkaLog::open(kafka)?)),
        }
    }

    /// Makes the topics that are not there. A topic that is there stays as it is: another number of partitions would
    /// break the order of its keys.
    ///
    /// # Errors
    /// When the backend refuses.
    pub async fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<(), LogError> {
        match self {
            Self::Kafka(log) => log.ensure_topics(topics).await,
            Self::Table(log) => log.ensure_topics(topics).await,
        }
    }

    /// Appends records. On return all of them are durable. Gives, for each partition that got one, the position behind
    /// the last of them.
    ///
    /// # Errors
    /// Some or none of the records may be in the log then; appending all of them again is what a caller does. The table
    /// backend appends all or nothing.
    pub async fn append(&self, records: Vec<Record>) -> Result<Positions, LogError> {
        match self {
            Self::Kafka(log) => log.append(records).await,
            Self::Table(log) => log.append(records).await,
        }
    }

    /// A reader of topics, each partition from the position that `from` holds, and from its oldest record where it
    /// holds none.
    ///
    /// # Errors
    /// When a topic is unknown, or a position is outside of what the log holds.
    pub async fn reader(&self, topics: &[&str], from: Positions) -> Result<Reader, LogError> {
        Ok(Reader(match self {
            Self::Kafka(log) => Kind::Kafka(Box::new(log.reader(topics, from).await?)),
            Self::Table(log) => Kind::Table(Box::new(log.reader(topics, from).await?)),
        }))
    }

    /// For each partition of the topics the position behind its newest record: a reader that stands there has read all.
    ///
    /// # Errors
    /// When a topic is unknown or the backend refuses.
    pub async fn end_positions(&self, topics: &[&str]) -> Result<Positions, LogError> {
        match self {
            Self::Kafka(log) => Ok(log.bounds(topics).await?.end),
            Self::Table(log) => Ok(log.bounds(topics).await?.end),
        }
    }

    /// For each partition of the topics the position of its oldest record (of the next one when it is empty).
    ///
    /// # Errors
    /// When a topic is unknown or the backend refuses.
    pub async fn begin_positions(&self, topics: &[&str]) -> Result<Positions, LogError> {
        match self {
            Self::Kafka(log) => Ok(log.bounds(topics).await?.begin),
            Self::Table(log) => Ok(log.bounds(topics).await?.begin),
        }
    }

    /// Drops what is older than its topic's retention at the instant `now`; gives the number of segments dropped. To be
    /// called now and then (hourly is plenty). Kafka does this by itself.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub async fn drop_expired(&self, now: Timestamp) -> Result<usize, LogError> {
        match self {
            Self::Kafka(_) => Ok(0),
            Self::Table(log) => log.drop_expired(now).await,
        }
    }
}

/// Reads topics from kept positions. One task uses it; dropping it ends it.
#[derive(Debug)]
pub struct Reader(Kind);

#[derive(Debug)]
enum Kind {
    Kafka(Box<kafka::KafkaReader>),
    Table(Box<table::TableReader>),
}

impl Reader {
    /// The next records, at most `records_max`; waits up to `wait` for the first one, and gives none when none came.
    /// The records of a partition come in order; partitions come in any.
    ///
    /// Dropping the future loses nothing: what was already fetched comes with the next call.
    ///
    /// # Errors
    /// When the log no longer holds the next position (retention overtook the reader), a topic is gone, or the backend
    /// refuses. After an error of the backend the call may be made again.
    pub async fn next(&mut self, records_max: usize, wait: Duration) -> Result<Vec<Delivered>, LogError> {
        match &mut self.0 {
            Kind::Kafka(reader) => reader.next(records_max, wait).await,
            Kind::Table(reader) => reader.next(records_max, wait).await,
        }
    }

    /// Where the reader stands: for each partition the position behind the last record delivered.
    pub fn positions(&self) -> &Positions {
        match &self.0 {
            Kind::Kafka(reader) => reader.positions(),
            Kind::Table(reader) => reader.positions(),
        }
    }
}

/// The first and the next position of each partition.
#[derive(Debug, Default)]
pub(crate) struct Bounds {
    pub(crate) begin: Positions,
    pub(crate) end: Positions,
}

impl Bounds {
    /// The positions at which a reader begins: the kept ones, and the oldest where none is kept.
    ///
    /// # Errors
    /// When a kept position of these partitions is outside of the bounds.
    fn start(&self, kept: &Positions) -> Result<Positions, LogError> {
        let mut start = Positions::new();
        for (topic, partition, first) in self.begin.iter() {
            let offset = kept.get(topic, partition).unwrap_or(first);
            let end = self.end.get(topic, partition).unwrap_or(first);
            if !(first..=end).contains(&offset) {
                return Err(LogError::PositionOutOfRange { topic: topic.to_owned(), partition, offset, first, end });
            }
            start.set(topic, partition, offset);
        }
        Ok(start)
    }
}
