//! What an operator looks at: sizes, and the last day of each feed. Nothing of any row.

use sqlx::postgres::PgConnection;

use crate::Result;
use crate::quality::{QualityDay, QualityRow};

/// The size of the database on the disk, in bytes.
///
/// # Errors
/// When the database cannot be reached.
pub async fn database_bytes(conn: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT pg_database_size(current_database())").fetch_one(conn).await?)
}

#[derive(sqlx::FromRow)]
struct FeedDayRow {
    feed: String,
    #[sqlx(flatten)]
    day: QualityRow,
}

/// The last day of each feed on which something came, by feed.
///
/// # Errors
/// When the database cannot be reached.
pub async fn last_days(conn: &mut PgConnection) -> Result<Vec<(String, QualityDay)>> {
    let rows: Vec<FeedDayRow> = sqlx::query_as(
        "SELECT DISTINCT ON (feed) feed, day::text AS day, batches, rows, quarantined, late, reused, looked, empty, codes,
             refusals, columns, last_arrival
         FROM ingest.quality_day known ORDER BY feed, known.day DESC",
    )
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.feed, QualityDay::from(row.day))).collect())
}
