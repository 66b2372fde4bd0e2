//! What is known of infections: cases, and tests that found one.

use domain::Timestamp;
use sqlx::postgres::PgConnection;

use super::FactRow;
use super::read::FactColumns;
use crate::{PgInstant, Result};

/// Every case, by record.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_case_facts(conn: &mut PgConnection) -> Result<Vec<FactRow>> {
    let rows: Vec<FactColumns> = sqlx::query_as(
        "SELECT record_id, kind, version, event_id, source, subject, started_at, ended_at, place_id, detail
         FROM fact WHERE kind = 14 AND NOT retracted ORDER BY record_id",
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(FactRow::try_from).collect()
}

/// Test results of an instant or later that found an infection in one person, and were not withdrawn; the oldest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_positive_tests(conn: &mut PgConnection, since: Timestamp) -> Result<Vec<FactRow>> {
    let rows: Vec<FactColumns> = sqlx::query_as(
        "SELECT record_id, kind, version, event_id, source, subject, started_at, ended_at, place_id, detail
         FROM fact WHERE kind = 7 AND detail->>'result' = 'POSITIVE' AND NOT retracted
           AND detail->>'status' <> 'CANCELLED' AND started_at >= $1
         ORDER BY started_at, record_id",
    )
    .bind(PgInstant(since))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(FactRow::try_from).collect()
}
