//! What the behaviours are shown on: a backend with topics of its own.

use std::time::Duration;

use event_log::{Delivered, EventLog, KafkaConfig, LogConfig, Positions, Reader, Record, TableConfig, TopicSpec};
use sqlx::PgPool;

/// A backend under test. Its topics are nobody else's.
pub(crate) struct Subject {
    pub(crate) log: EventLog,
    config: LogConfig,
    pool: PgPool,
}

pub(crate) async fn table() -> Subject {
    let pool = test_support::database().await.pool();
    // Small, so that every test crosses from one segment to the next.
    let config = LogConfig::Table(TableConfig { segment_records_max: 700, ..TableConfig::default() });
    let log = EventLog::open(&config, &pool).await.expect("table log");
    Subject { log, config, pool }
}

pub(crate) async fn kafka() -> Option<Subject> {
    let kafka = test_support::kafka().await?;
    let mut config = KafkaConfig::new(&kafka.bootstrap);
    config.prefix = format!("{}.", test_support::scratch_name());
    let config = LogConfig::Kafka(config);
    // The Kafka backend does not use it.
    let pool = PgPool::connect_lazy("postgres://nowhere").expect("lazy pool");
    let log = EventLog::open(&config, &pool).await.expect("Kafka log");
    Some(Subject { log, config, pool })
}

impl Subject {
    /// Another client of the same log, as another process has it.
    pub(crate) async fn another(&self) -> EventLog {
        EventLog::open(&self.config, &self.pool).await.expect("another client")
    }

    pub(crate) async fn topic(&self, name: &str, partitions: i32) {
        self.log.ensure_topics(&[TopicSpec::new(name, partitions)]).await.expect("topic");
    }

    /// Reads until it has `count` records.
    pub(crate) async fn read(&self, topic: &str, from: Positions, count: usize) -> Vec<Delivered> {
        let mut reader = self.log.reader(&[topic], from).await.expect("reader");
        read(&mut reader, count).await
    }
}

/// Reads until it has `count` records, or nothing came for long.
pub(crate) async fn read(reader: &mut Reader, count: usize) -> Vec<Delivered> {
    let mut records = Vec::new();
    while records.len() < count {
        let more = reader.next(count - records.len(), Duration::from_secs(30)).await.expect("records");
        assert!(!more.is_empty(), "only {} of {count} records came", records.len());
        records.extend(more);
    }
    records
}

/// A record whose payload is a number.
pub(crate) fn numbered(topic: &str, key: &str, number: u64) -> Record {
    let headers = vec![("ce_type".into(), b"Test".to_vec())];
    Record { topic: topic.to_owned(), key: key.as_bytes().to_vec(), payload: number.to_be_bytes().to_vec(), headers }
}

pub(crate) fn number(record: &Delivered) -> u64 {
    u64::from_be_bytes(record.payload.as_slice().try_into().expect("a number"))
}
