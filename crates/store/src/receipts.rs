//! What a receipt says of single rows.

use domain::{BatchId, ClaimToken, FeedId, RecordId, Timestamp};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::ingest::{Batch, BatchRow, QuarantinedRow};
use crate::{PgInstant, Result};

/// A stretch of rows as it is read.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct RunRow {
    /// First row.
    pub row_from: i64,
    /// Last row.
    pub row_to: i64,
    /// Code of the outcome.
    pub outcome: String,
    /// Batch of the row that the first row repeats or that overtook it.
    pub of_batch: Option<Uuid>,
    /// That row; each further row has the next one.
    pub of_row: Option<i64>,
}

/// What became of a quarantined row since.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct FailureRow {
    /// The row.
    #[sqlx(flatten)]
    pub row: QuarantinedRow,
    /// `open`, `resent`, `mended`, `replayed` or `discarded`.
    pub state: String,
    /// Batch of the row that mends it, or came in its place.
    pub by_batch: Option<Uuid>,
    /// The row that mends it, or came in its place.
    pub by_row: Option<i64>,
    /// Why an operator replayed or discarded it.
    pub reason: Option<String>,
}

/// Which batches are meant; what is absent does not matter.
#[derive(Clone, Debug, Default)]
pub struct BatchFilter {
    /// In this state.
    pub state: Option<String>,
    /// Received at this instant or later.
    pub from: Option<Timestamp>,
    /// Received before this instant.
    pub to: Option<Timestamp>,
    /// With rows of this outcome.
    pub outcome: Option<String>,
    /// With open quarantined rows of this reason, or refused for it.
    pub code: Option<String>,
}

/// Lists the batches of a feed, the newest first, from before an arrival.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_batches(
    conn: &mut PgConnection,
    feed: &FeedId,
    filter: &BatchFilter,
    before: i64,
    limit: i64,
) -> Result<Vec<Batch>> {
    let rows: Vec<BatchRow> = sqlx::query_as(
        "SELECT * FROM ingest.batch AS batch
         WHERE feed = $1 AND arrival < $2 AND ($3::text IS NULL OR state = $3)
             AND ($4::timestamptz IS NULL OR received_at >= $4) AND ($5::timestamptz IS NULL OR received_at < $5)
             AND ($6::text IS NULL OR CASE $6 WHEN 'accepted' THEN accepted WHEN 'duplicate' THEN duplicate
                 WHEN 'superseded' THEN superseded ELSE quarantined END > 0)
             AND ($7::text IS NULL OR refusal_code = $7 OR EXISTS (SELECT FROM ingest.quarantined_row AS failed
                 WHERE failed.batch_id = batch.batch_id AND failed.state IN ('open', 'resent') AND failed.code = $7))
         ORDER BY arrival DESC LIMIT $8",
    )
    .bind(feed.as_str())
    .bind(before)
    .bind(&filter.state)
    .bind(filter.from.map(PgInstant))
    .bind(filter.to.map(PgInstant))
    .bind(&filter.outcome)
    .bind(&filter.code)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(Batch::try_from).collect()
}

/// Lists quarantined rows of a batch by row, after a row: those that still fail, or all that ever did.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_quarantined(
    conn: &mut PgConnection,
    batch_id: BatchId,
    only_open: bool,
    after: i64,
    limit: i64,
) -> Result<Vec<FailureRow>> {
    Ok(sqlx::query_as(
        "SELECT failed.row, line, byte_offset, byte_length, field, code, message, at_arrival, at_row, failed.state,
             mending.batch_id AS by_batch, by_row, reason
         FROM ingest.quarantined_row AS failed LEFT JOIN ingest.batch AS mending ON mending.arrival = by_arrival
         WHERE failed.batch_id = $1 AND failed.row > $2 AND (failed.state IN ('open', 'resent') OR NOT $3)
         ORDER BY failed.row LIMIT $4",
    )
    .bind(batch_id.as_uuid())
    .bind(after)
    .bind(only_open)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}

/// Lists stretches of rows with one outcome, after a row.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_runs(
    conn: &mut PgConnection,
    batch_id: BatchId,
    outcome: Option<&str>,
    after: i64,
    limit: i64,
) -> Result<Vec<RunRow>> {
    Ok(sqlx::query_as(
        "SELECT row_from, row_to, outcome, of.batch_id AS of_batch, of_row
         FROM ingest.run AS run LEFT JOIN ingest.batch AS of ON of.arrival = of_arrival
         WHERE run.batch_id = $1 AND ($2::text IS NULL OR outcome = $2) AND row_from > $3 ORDER BY row_from LIMIT $4",
    )
    .bind(batch_id.as_uuid())
    .bind(outcome)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}

/// The batches with these arrivals.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_arrivals(conn: &mut PgConnection, arrivals: &[i64]) -> Result<Vec<(i64, Uuid)>> {
    Ok(sqlx::query_as("SELECT arrival, batch_id FROM ingest.batch WHERE arrival = ANY($1)")
        .bind(arrivals)
        .fetch_all(conn)
        .await?)
}

/// The stretch that a row is in.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_run(conn: &mut PgConnection, batch_id: BatchId, row: i64) -> Result<Option<RunRow>> {
    Ok(sqlx::query_as(
        "SELECT row_from, row_to, outcome, of.batch_id AS of_batch, of_row
         FROM ingest.run AS run LEFT JOIN ingest.batch AS of ON of.arrival = of_arrival
         WHERE run.batch_id = $1 AND row_from <= $2 AND row_to >= $2 ORDER BY row_from DESC LIMIT 1",
    )
    .bind(batch_id.as_uuid())
    .bind(row)
    .fetch_optional(conn)
    .await?)
}

/// The records that a row made known or, when it repeats another row, that row.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_records(conn: &mut PgConnection, batch_id: BatchId, row: i64) -> Result<Vec<RecordId>> {
    let records: Vec<Uuid> = sqlx::query_scalar(
        "WITH place AS (
             SELECT CASE outcome WHEN 'duplicate' THEN of_arrival ELSE arrival END AS arrival,
                 CASE outcome WHEN 'duplicate' THEN of_row + $2 - row_from ELSE $2 END AS row
             FROM ingest.run AS run JOIN ingest.batch AS batch USING (batch_id)
             WHERE batch_id = $1 AND row_from <= $2 AND row_to >= $2)
         SELECT DISTINCT record_id FROM ingest.seen JOIN place USING (arrival, row)",
    )
    .bind(batch_id.as_uuid())
    .bind(row)
    .fetch_all(conn)
    .await?;
    Ok(records.into_iter().map(RecordId::from_uuid).collect())
}

/// The tokens of whom the facts of these records are about.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_subjects(conn: &mut PgConnection, records: &[RecordId]) -> Result<Vec<ClaimToken>> {
    let subjects: Vec<Uuid> = sqlx::query_scalar(
        "SELECT DISTINCT subject FROM fact WHERE record_id = ANY($1) AND NOT retracted AND subject IS NOT NULL",
    )
    .bind(records.iter().map(|record| record.as_uuid()).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    Ok(subjects.into_iter().map(|token| ClaimToken::from_bytes(token.into_bytes())).collect())
}
