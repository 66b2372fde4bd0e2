//! Receipts of a feed whose bodies are read anew: what its batches were, and what they are now.

use domain::{BatchId, FeedId, Timestamp};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::ingest::{Batch, BatchRow, Progress, insert_quarantined};
use crate::runs::insert_runs;
use crate::seen::{self, Seen, SeenRow, SourceFeed};
use crate::{PgInstant, Result};

/// The finished batches of a feed in the order of arrival, after one.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_done(conn: &mut PgConnection, feed: &FeedId, after: i64, limit: i64) -> Result<Vec<Batch>> {
    let rows: Vec<BatchRow> = sqlx::query_as(
        "SELECT * FROM ingest.batch WHERE feed = $1 AND state = 'done' AND arrival > $2 ORDER BY arrival LIMIT $3",
    )
    .bind(feed.as_str())
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Batch::try_from).collect()
}

/// The rows of a batch that operators discarded.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_discarded(conn: &mut PgConnection, batch_id: BatchId) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar("SELECT row FROM ingest.quarantined_row WHERE batch_id = $1 AND state = 'discarded'")
        .bind(batch_id.as_uuid())
        .fetch_all(conn)
        .await?)
}

/// The versions that rows of these batches made known.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_seen(conn: &mut PgConnection, arrivals: &[i64]) -> Result<Vec<Seen>> {
    let rows: Vec<SeenRow> = sqlx::query_as(
        "SELECT record_id, version, content, reading, sole, arrival, row, until FROM ingest.seen
         WHERE arrival = ANY($1)",
    )
    .bind(arrivals)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Seen::from).collect())
}

/// Puts these versions in the place of all that rows of these batches made known.
///
/// # Errors
/// When the database cannot be reached.
pub async fn replace_seen(conn: &mut PgConnection, of: SourceFeed<'_>, arrivals: &[i64], seen: &[Seen]) -> Result<()> {
    sqlx::query("DELETE FROM ingest.seen WHERE arrival = ANY($1)").bind(arrivals).execute(&mut *conn).await?;
    for seen in seen.chunks(ROWS_PER_STATEMENT) {
        // Another feed of the source may have the same record in the same version.
        let records: Vec<Uuid> = seen.iter().map(|seen| seen.record_id.as_uuid()).collect();
        let versions: Vec<i64> = seen.iter().map(|seen| seen.version).collect();
        sqlx::query(
            "DELETE FROM ingest.seen USING unnest($1::uuid[], $2::bigint[]) AS put (record_id, version)
             WHERE seen.record_id = put.record_id AND seen.version = put.version",
        )
        .bind(records)
        .bind(versions)
        .execute(&mut *conn)
        .await?;
        seen::insert_seen(conn, of, seen.to_vec()).await?;
    }
    Ok(())
}

const ROWS_PER_STATEMENT: usize = 20_000;

/// Gives all rows of a finished batch the outcomes of a new reading. Rows that failed and now do not were replayed; rows
/// that fail now are in quarantine; what senders mended and operators discarded stays so.
///
/// # Errors
/// When the database cannot be reached.
pub async fn rewrite_batch(
    conn: &mut PgConnection,
    batch_id: BatchId,
    progress: &Progress,
    reason: &str,
    at: Timestamp,
) -> Result<()> {
    let (id, counts) = (batch_id.as_uuid(), &progress.counts);
    sqlx::query(
        "UPDATE ingest.batch SET accepted = $2, duplicate = $3, superseded = $4, quarantined = $5,
             events = events + $6, next_row = $7
         WHERE batch_id = $1",
    )
    .bind(id)
    .bind(counts.accepted)
    .bind(counts.duplicate)
    .bind(counts.superseded)
    .bind(counts.quarantined)
    .bind(counts.events)
    .bind(counts.rows() + 1)
    .execute(&mut *conn)
    .await?;
    sqlx::query("DELETE FROM ingest.run WHERE batch_id = $1").bind(id).execute(&mut *conn).await?;
    for runs in progress.runs.chunks(ROWS_PER_STATEMENT) {
        insert_runs(conn, batch_id, runs).await?;
    }
    let failed: Vec<i64> = progress.quarantined.iter().map(|row| row.row).collect();
    sqlx::query(
        "UPDATE ingest.quarantined_row SET state = 'replayed', reason = $3, resolved_at = $4,
             by_arrival = NULL, by_row = NULL
         WHERE batch_id = $1 AND state IN ('open', 'resent') AND row <> ALL($2)",
    )
    .bind(id)
    .bind(&failed)
    .bind(reason)
    .bind(PgInstant(at))
    .execute(&mut *conn)
    .await?;
    sqlx::query(
        "DELETE FROM ingest.quarantined_row WHERE batch_id = $1 AND row = ANY($2) AND state IN ('open', 'replayed')",
    )
    .bind(id)
    .bind(&failed)
    .execute(&mut *conn)
    .await?;
    let kept: Vec<i64> =
        sqlx::query_scalar("SELECT row FROM ingest.quarantined_row WHERE batch_id = $1 AND row = ANY($2)")
            .bind(id)
            .bind(&failed)
            .fetch_all(&mut *conn)
            .await?;
    let put: Vec<_> = progress.quarantined.iter().filter(|row| !kept.contains(&row.row)).cloned().collect();
    insert_quarantined(conn, batch_id, &put).await
}
