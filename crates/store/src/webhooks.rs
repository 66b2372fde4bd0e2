//! Receipts of which their senders are still to be told.
//!
//! Invariant: a message is written in the transaction that changes the receipt, so no crash loses one. Its id is the same in
//! every attempt.

use domain::{BatchId, FeedId, Timestamp};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::ingest::{self, Batch};
use crate::{PgInstant, Result};

/// A message whose time has come.
#[derive(Clone, Debug)]
pub struct DueMessage {
    /// Its number among all messages.
    pub ordinal: i64,
    /// The attempts so far, with the one that begins now.
    pub attempts: i32,
    /// The batch as its receipt stands.
    pub batch: Batch,
}

/// Notes that the sender of a batch is to be told, unless a message that says the same was not tried yet.
///
/// # Errors
/// When the database cannot be reached.
pub async fn insert(conn: &mut PgConnection, feed: &str, batch_id: BatchId, at: Timestamp) -> Result<()> {
    sqlx::query(
        "INSERT INTO ingest.webhook_message (feed, batch_id, created_at, due_at)
         SELECT $1, $2, $3, $3 WHERE NOT EXISTS (
             SELECT FROM ingest.webhook_message WHERE feed = $1 AND batch_id = $2 AND attempts = 0)",
    )
    .bind(feed)
    .bind(batch_id.as_uuid())
    .bind(PgInstant(at))
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes the message of a feed that is due the longest, for an attempt that ends before `until`: nobody else takes it
/// before then.
///
/// # Errors
/// When the database cannot be reached.
pub async fn take_due(
    conn: &mut PgConnection,
    feed: &FeedId,
    now: Timestamp,
    until: Timestamp,
) -> Result<Option<DueMessage>> {
    let taken: Option<(i64, i32, Uuid)> = sqlx::query_as(
        "UPDATE ingest.webhook_message SET attempts = attempts + 1, due_at = $3 WHERE ordinal = (
             SELECT ordinal FROM ingest.webhook_message WHERE feed = $1 AND due_at <= $2
             ORDER BY due_at, ordinal LIMIT 1 FOR UPDATE SKIP LOCKED)
         RETURNING ordinal, attempts, batch_id",
    )
    .bind(feed.as_str())
    .bind(PgInstant(now))
    .bind(PgInstant(until))
    .fetch_optional(&mut *conn)
    .await?;
    let Some((ordinal, attempts, batch_id)) = taken else { return Ok(None) };
    let batch = ingest::find_batch(conn, BatchId::from_uuid(batch_id)).await?;
    Ok(batch.map(|batch| DueMessage { ordinal, attempts, batch }))
}

/// Puts a message off until its next attempt.
///
/// # Errors
/// When the database cannot be reached.
pub async fn postpone(conn: &mut PgConnection, ordinal: i64, until: Timestamp) -> Result<()> {
    sqlx::query("UPDATE ingest.webhook_message SET due_at = $2 WHERE ordinal = $1")
        .bind(ordinal)
        .bind(PgInstant(until))
        .execute(conn)
        .await?;
    Ok(())
}

/// Removes a message that was told or given up.
///
/// # Errors
/// When the database cannot be reached.
pub async fn delete(conn: &mut PgConnection, ordinal: i64) -> Result<()> {
    sqlx::query("DELETE FROM ingest.webhook_message WHERE ordinal = $1").bind(ordinal).execute(conn).await?;
    Ok(())
}

/// Removes the messages of a feed: nobody is to be told any more.
///
/// # Errors
/// When the database cannot be reached.
pub async fn delete_all(conn: &mut PgConnection, feed: &FeedId) -> Result<u64> {
    let done =
        sqlx::query("DELETE FROM ingest.webhook_message WHERE feed = $1").bind(feed.as_str()).execute(conn).await?;
    Ok(done.rows_affected())
}
