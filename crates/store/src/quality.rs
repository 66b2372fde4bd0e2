//! What each feed was like on each day: counters, and nothing of any row.

use std::collections::BTreeMap;

use domain::{FeedId, Timestamp};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;

use crate::{PgInstant, Result};

/// A feed on a day, or what a batch adds to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QualityDay {
    /// The day, as `YYYY-MM-DD` in the feed's zone.
    pub day: String,
    /// Bodies, and groups of messages.
    pub batches: i64,
    /// Rows.
    pub rows: i64,
    /// Rows that were quarantined.
    pub quarantined: i64,
    /// Rows about what happened long before they came.
    pub late: i64,
    /// Rows whose identity number came with another name before.
    pub reused: i64,
    /// Rows of which the fields were looked at.
    pub looked: i64,
    /// Fields that were empty in them.
    pub empty: BTreeMap<String, i64>,
    /// Quarantined rows by reason code.
    pub codes: BTreeMap<String, i64>,
    /// Bodies that were refused as a whole, by reason code.
    pub refusals: BTreeMap<String, i64>,
    /// Columns that were new or missing in some file.
    pub columns: Vec<String>,
    /// When the last batch came.
    pub last_arrival: Timestamp,
}

#[derive(FromRow)]
pub(crate) struct QualityRow {
    day: String,
    batches: i64,
    rows: i64,
    quarantined: i64,
    late: i64,
    reused: i64,
    looked: i64,
    empty: Json<BTreeMap<String, i64>>,
    codes: Json<BTreeMap<String, i64>>,
    refusals: Json<BTreeMap<String, i64>>,
    columns: Vec<String>,
    last_arrival: PgInstant,
}

impl From<QualityRow> for QualityDay {
    fn from(row: QualityRow) -> Self {
        Self {
            day: row.day,
            batches: row.batches,
            rows: row.rows,
            quarantined: row.quarantined,
            late: row.late,
            reused: row.reused,
            looked: row.looked,
            empty: row.empty.0,
            codes: row.codes.0,
            refusals: row.refusals.0,
            columns: row.columns,
            last_arrival: row.last_arrival.0,
        }
    }
}

/// Columns that a day names.
const COLUMNS_MAX: usize = 100;

/// Adds what a batch was like to its feed's day. The caller holds the feed's lock, so that no two add at once.
///
/// # Errors
/// When the database cannot be reached.
pub async fn add(conn: &mut PgConnection, feed: &FeedId, more: &QualityDay) -> Result<()> {
    let known: Option<QualityRow> = sqlx::query_as(
        "SELECT day::text AS day, batches, rows, quarantined, late, reused, looked, empty, codes, refusals, columns,
             last_arrival
         FROM ingest.quality_day WHERE feed = $1 AND day = $2::date",
    )
    .bind(feed.as_str())
    .bind(&more.day)
    .fetch_optional(&mut *conn)
    .await?;
    let mut day = known.map_or_else(|| QualityDay { day: more.day.clone(), ..QualityDay::default() }, QualityDay::from);
    day.batches += more.batches;
    day.rows += more.rows;
    day.quarantined += more.quarantined;
    day.late += more.late;
    day.reused += more.reused;
    day.looked += more.looked;
    day.last_arrival = day.last_arrival.max(more.last_arrival);
    let counters = [(&mut day.empty, &more.empty), (&mut day.codes, &more.codes), (&mut day.refusals, &more.refusals)];
    for (mine, theirs) in counters {
        for (name, count) in theirs {
            *mine.entry(name.clone()).or_default() += count;
        }
    }
    // Senders of one feed may have columns of their own: the day has what any of its files had.
    day.columns.extend(more.columns.iter().cloned());
    day.columns.sort_unstable();
    day.columns.dedup();
    day.columns.truncate(COLUMNS_MAX);
    sqlx::query(
        "INSERT INTO ingest.quality_day
             (feed, day, batches, rows, quarantined, late, reused, looked, empty, codes, refusals, columns, last_arrival)
         VALUES ($1, $2::date, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT (feed, day) DO UPDATE SET batches = excluded.batches, rows = excluded.rows,
             quarantined = excluded.quarantined, late = excluded.late, reused = excluded.reused,
             looked = excluded.looked, empty = excluded.empty, codes = excluded.codes, refusals = excluded.refusals,
             columns = excluded.columns, last_arrival = excluded.last_arrival",
    )
    .bind(feed.as_str())
    .bind(&day.day)
    .bind(day.batches)
    .bind(day.rows)
    .bind(day.quarantined)
    .bind(day.late)
    .bind(day.reused)
    .bind(day.looked)
    .bind(Json(&day.empty))
    .bind(Json(&day.codes))
    .bind(Json(&day.refusals))
    .bind(&day.columns)
    .bind(PgInstant(day.last_arrival))
    .execute(conn)
    .await?;
    Ok(())
}

/// Counts the quarantined rows of a batch by reason code.
///
/// # Errors
/// When the database cannot be reached.
pub async fn count_codes(conn: &mut PgConnection, batch_id: domain::BatchId) -> Result<BTreeMap<String, i64>> {
    let rows: Vec<(String, i64)> =
        sqlx::query_as("SELECT code, count(*) FROM ingest.quarantined_row WHERE batch_id = $1 GROUP BY code")
            .bind(batch_id.as_uuid())
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().collect())
}

/// Lists the last days of a feed on which something came, the oldest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(conn: &mut PgConnection, feed: &FeedId, days: i64) -> Result<Vec<QualityDay>> {
    let rows: Vec<QualityRow> = sqlx::query_as(
        "SELECT day::text AS day, batches, rows, quarantined, late, reused, looked, empty, codes, refusals, columns,
             last_arrival
         FROM ingest.quality_day known WHERE feed = $1 ORDER BY known.day DESC LIMIT $2",
    )
    .bind(feed.as_str())
    .bind(days)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().rev().map(QualityDay::from).collect())
}
