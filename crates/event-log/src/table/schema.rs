//! The tables of the log, made by the program that uses them.

use sqlx::{AssertSqlSafe, PgConnection, PgPool};

use super::segments;
use crate::{LogError, TopicSpec};

/// Serializes everything that changes tables: `CREATE … IF NOT EXISTS` alone fails when two run at once.
const LOCK: &str = "SELECT pg_advisory_xact_lock(hashtext('isthmus log schema'))";

const TABLES: &str = r#"
CREATE SCHEMA IF NOT EXISTS log;

CREATE TABLE IF NOT EXISTS log.topic (
    topic_id      integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name          text    NOT NULL UNIQUE,
    partitions    integer NOT NULL CHECK (partitions > 0),
    retention_ms  bigint  CHECK (retention_ms > 0),
    segment       integer NOT NULL DEFAULT 0,
    segment_records bigint NOT NULL DEFAULT 0,
    segment_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    appended_at   timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE log.topic IS 'Topics. An append holds the row lock of each of its topics until it commits.';
COMMENT ON COLUMN log.topic.retention_ms IS 'How long a record is kept at least; for ever when null.';
COMMENT ON COLUMN log.topic.segment IS 'The segment that grows.';
COMMENT ON COLUMN log.topic.segment_records IS 'Records in the segment that grows.';
COMMENT ON COLUMN log.topic.segment_at IS 'When the segment that grows was begun.';
COMMENT ON COLUMN log.topic.appended_at IS 'Time of the newest record; times of a topic never go back.';

CREATE TABLE IF NOT EXISTS log.head (
    topic_id      integer NOT NULL REFERENCES log.topic,
    partition     integer NOT NULL,
    next_offset   bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (topic_id, partition)
);
COMMENT ON TABLE log.head IS 'For each partition the offset of the next record. Changed only under the lock of the topic.';

CREATE TABLE IF NOT EXISTS log.segment_start (
    topic_id      integer NOT NULL REFERENCES log.topic,
    partition     integer NOT NULL,
    segment       integer NOT NULL,
    first_offset  bigint  NOT NULL,
    begun_at      timestamptz NOT NULL,
    PRIMARY KEY (topic_id, partition, segment)
);
COMMENT ON TABLE log.segment_start IS 'For each segment that is there the offset at which it begins in each partition.';

CREATE TABLE IF NOT EXISTS log.block (
    topic_id      integer NOT NULL,
    segment       integer NOT NULL,
    partition     integer NOT NULL,
    first_offset  bigint  NOT NULL,
    records       integer NOT NULL CHECK (records > 0),
    appended_at   timestamptz NOT NULL,
    plain_bytes   integer NOT NULL,
    body          bytea   NOT NULL,
    PRIMARY KEY (topic_id, segment, partition, first_offset)
) PARTITION BY LIST (topic_id);
ALTER TABLE log.block ALTER COLUMN body SET STORAGE EXTERNAL;
COMMENT ON TABLE log.block IS 'Records in blocks of neighbours, by topic, then by segment.';
COMMENT ON COLUMN log.block.first_offset IS 'Offset of its first record; the others follow without a gap.';
COMMENT ON COLUMN log.block.plain_bytes IS 'Bytes of the body when it is unpacked.';
COMMENT ON COLUMN log.block.body IS 'Its records, compressed (Zstandard).';
"#;

pub(super) async fn create(pool: &PgPool) -> Result<(), LogError> {
    let doing = "making the log's tables";
    let mut tx = pool.begin().await.map_err(LogError::table(doing))?;
    sqlx::raw_sql(LOCK).execute(&mut *tx).await.map_err(LogError::table(doing))?;
    sqlx::raw_sql(TABLES).execute(&mut *tx).await.map_err(LogError::table(doing))?;
    tx.commit().await.map_err(LogError::table(doing))
}

pub(super) async fn ensure_topics(pool: &PgPool, topics: &[TopicSpec]) -> Result<(), LogError> {
    let doing = "making topics";
    let mut tx = pool.begin().await.map_err(LogError::table(doing))?;
    sqlx::raw_sql(LOCK).execute(&mut *tx).await.map_err(LogError::table(doing))?;
    for topic in topics {
        ensure_topic(&mut tx, topic).await.map_err(LogError::table(doing))?;
    }
    tx.commit().await.map_err(LogError::table(doing))
}

async fn ensure_topic(connection: &mut PgConnection, topic: &TopicSpec) -> Result<(), sqlx::Error> {
    let retention_ms = topic.retention.map(|time| i64::try_from(time.as_millis()).unwrap_or(i64::MAX).max(1));
    let made: Option<i32> = sqlx::query_scalar(
        "INSERT INTO log.topic (name, partitions, retention_ms) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO NOTHING RETURNING topic_id",
    )
    .bind(&topic.name)
    .bind(topic.partitions)
    .bind(retention_ms)
    .fetch_optional(&mut *connection)
    .await?;
    let Some(topic_id) = made else { return Ok(()) };
    sqlx::query("INSERT INTO log.head (topic_id, partition) SELECT $1, generate_series(0, $2 - 1)")
        .bind(topic_id)
        .bind(topic.partitions)
        .execute(&mut *connection)
        .await?;
    let table = format!(
        "CREATE TABLE log.block_{topic_id} PARTITION OF log.block FOR VALUES IN ({topic_id}) PARTITION BY RANGE (segment)"
    );
    // The only variable part is a number.
    sqlx::raw_sql(AssertSqlSafe(table)).execute(&mut *connection).await?;
    segments::begin(connection, topic_id, 0).await
}
