//! What could not be taken in: the checkpoint went past it.

use sqlx::postgres::PgConnection;

use super::QuarantinedRow;
use crate::Result;

/// What could not be read as an event, latest first; at most `limit`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_quarantined(conn: &mut PgConnection, limit: i64) -> Result<Vec<QuarantinedRow>> {
    let rows: Vec<(String, i32, i64, String)> = sqlx::query_as(
        "SELECT topic, partition, record_offset, reason FROM projector_quarantine
         ORDER BY noted_at DESC, topic, partition, record_offset LIMIT $1",
    )
    .bind(limit)
    .fetch_all(conn)
    .await?;
    let row = |(topic, partition, offset, reason)| QuarantinedRow { topic, partition, offset, reason };
    Ok(rows.into_iter().map(row).collect())
}

/// Where the events are that the database refused.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_refused(conn: &mut PgConnection) -> Result<Vec<(String, i32, i64)>> {
    let rows = sqlx::query_as(
        "SELECT topic, partition, record_offset FROM projector_quarantine WHERE starts_with(reason, $1)",
    );
    Ok(rows.bind(REFUSED).fetch_all(conn).await?)
}

/// How the reason begins for which an event that the database refused is set aside.
pub const REFUSED: &str = "database-refused";
