//! Segments: begun by size and age, dropped by retention.

use domain::Timestamp;
use sqlx::{AssertSqlSafe, PgConnection, Row};

use super::TableLog;
use crate::LogError;

/// Begins a segment of a topic where its heads stand. The caller holds the topic's lock, or is making the topic.
pub(super) async fn begin(connection: &mut PgConnection, topic_id: i32, segment: i32) -> Result<(), sqlx::Error> {
    let (table, next) = (format!("log.block_{topic_id}_{segment}"), segment + 1);
    // Attaching a table takes a weaker lock than making it in place: readers of other segments go on. The only variable
    // parts are numbers.
    let statement = format!(
        "CREATE TABLE {table} (LIKE log.block_{topic_id} INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING INDEXES INCLUDING STORAGE);
         ALTER TABLE log.block_{topic_id} ATTACH PARTITION {table} FOR VALUES FROM ({segment}) TO ({next})"
    );
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *connection).await?;
    sqlx::query(
        "INSERT INTO log.segment_start (topic_id, partition, segment, first_offset, begun_at)
         SELECT topic_id, partition, $2, next_offset, clock_timestamp() FROM log.head WHERE topic_id = $1",
    )
    .bind(topic_id)
    .bind(segment)
    .execute(&mut *connection)
    .await?;
    sqlx::query(
        "UPDATE log.topic SET segment = $2, segment_records = 0, segment_at = clock_timestamp() WHERE topic_id = $1",
    )
    .bind(topic_id)
    .bind(segment)
    .execute(&mut *connection)
    .await?;
    Ok(())
}

impl TableLog {
    pub(crate) async fn drop_expired(&self, now: Timestamp) -> Result<usize, LogError> {
        let topics: Vec<i32> = sqlx::query_scalar("SELECT topic_id FROM log.topic WHERE retention_ms IS NOT NULL")
            .fetch_all(&self.0.pool)
            .await
            .map_err(LogError::table("listing topics with a retention"))?;
        let mut dropped = 0;
        for topic_id in topics {
            dropped +=
                self.drop_expired_of(topic_id, now).await.map_err(LogError::table("dropping expired segments"))?;
        }
        Ok(dropped)
    }

    async fn drop_expired_of(&self, topic_id: i32, now: Timestamp) -> Result<usize, sqlx::Error> {
        let mut tx = self.0.pool.begin().await?;
        let now_ms = now.as_millis();
        let row = sqlx::query(
            "SELECT segment, segment_records,
                    (extract(epoch FROM segment_at) * 1000)::bigint,
                    (extract(epoch FROM appended_at) * 1000)::bigint,
                    retention_ms
               FROM log.topic WHERE topic_id = $1 FOR NO KEY UPDATE",
        )
        .bind(topic_id)
        .fetch_one(&mut *tx)
        .await?;
        let (segment, records): (i32, i64) = (row.try_get(0)?, row.try_get(1)?);
        let (begun_ms, appended_ms, retention_ms): (i64, i64, i64) =
            (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
        let expired_ms = now_ms.saturating_sub(retention_ms);
        let aged = now_ms.saturating_sub(begun_ms) > self.0.config.segment_hours_max.saturating_mul(3_600_000);
        let all_expired = appended_ms < expired_ms;
        if records > 0 && (aged || all_expired) {
            begin(&mut tx, topic_id, segment + 1).await?;
        }
        // Records of a segment are older than the segment after it; of the one before the newest, than the newest record.
        let expired: Vec<i32> = sqlx::query_scalar(
            "SELECT DISTINCT old.segment FROM log.segment_start old
               JOIN log.segment_start next ON next.topic_id = old.topic_id AND next.segment = old.segment + 1
              WHERE old.topic_id = $1
                AND ($3 OR (extract(epoch FROM next.begun_at) * 1000)::bigint < $2)",
        )
        .bind(topic_id)
        .bind(expired_ms)
        .bind(all_expired)
        .fetch_all(&mut *tx)
        .await?;
        for segment in &expired {
            let statement = format!("DROP TABLE log.block_{topic_id}_{segment}");
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut *tx).await?;
        }
        sqlx::query("DELETE FROM log.segment_start WHERE topic_id = $1 AND segment = ANY($2)")
            .bind(topic_id)
            .bind(&expired)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(expired.len())
    }
}
