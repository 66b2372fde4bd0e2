//! Rows in quarantine: which rows mend them, and what operators did about them.

use domain::{BatchId, FeedId, Timestamp};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::ingest::{Origin, Progress, QuarantinedRow};
use crate::runs::{Run, insert_runs, overtake_stored, without};
use crate::seen::SourceFeed;
use crate::{PgInstant, Result, seen};

/// Finds the places in the order of arrival of quarantined rows of a feed, by batch and row. Rows that never failed are
/// left out.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_places(
    conn: &mut PgConnection,
    feed: &FeedId,
    rows: &[(BatchId, i64)],
) -> Result<Vec<((BatchId, i64), Origin)>> {
    let found: Vec<(Uuid, i64, i64, i64)> = sqlx::query_as(
        "SELECT batch_id, failed.row, at_arrival, at_row
         FROM ingest.quarantined_row AS failed JOIN unnest($2::uuid[], $3::bigint[]) AS wanted (batch_id, row)
             USING (batch_id, row)
         WHERE feed = $1",
    )
    .bind(feed.as_str())
    .bind(rows.iter().map(|(batch, _)| batch.as_uuid()).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, row)| *row).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    let place = |(batch, row, at_arrival, at_row)| {
        ((BatchId::from_uuid(batch), row), Origin { arrival: at_arrival, row: at_row })
    };
    Ok(found.into_iter().map(place).collect())
}

/// Whether rows of a feed are in quarantine that a statement about their record would mend.
///
/// # Errors
/// When the database cannot be reached.
pub async fn awaits_records(conn: &mut PgConnection, feed: &FeedId) -> Result<bool> {
    Ok(sqlx::query_scalar(
        "SELECT EXISTS (SELECT FROM ingest.quarantined_row
             WHERE feed = $1 AND record_id IS NOT NULL AND state IN ('open', 'resent'))",
    )
    .bind(feed.as_str())
    .fetch_one(conn)
    .await?)
}

/// Notes that quarantined rows are mended: by a row that came in their place, or by one that states their record.
///
/// # Errors
/// When the database cannot be reached.
pub(crate) async fn mark_mended(conn: &mut PgConnection, batch_id: BatchId, progress: &Progress) -> Result<()> {
    let (mended, stated) = (&progress.mended, &progress.stated);
    if !mended.is_empty() {
        let (at, by) = places(mended);
        sqlx::query(
            "UPDATE ingest.quarantined_row AS failed
             SET state = 'mended', by_arrival = mending.arrival, by_row = mending.row, resolved_at = now()
             FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS mending (at_arrival, at_row, arrival, row)
             WHERE failed.feed = (SELECT feed FROM ingest.batch WHERE batch_id = $1)
                 AND failed.at_arrival = mending.at_arrival AND failed.at_row = mending.at_row
                 AND failed.state IN ('open', 'resent')",
        )
        .bind(batch_id.as_uuid())
        .bind(at.0)
        .bind(at.1)
        .bind(by.0)
        .bind(by.1)
        .execute(&mut *conn)
        .await?;
    }
    if !stated.is_empty() {
        sqlx::query(
            "UPDATE ingest.quarantined_row AS failed
             SET state = 'mended', by_arrival = mending.arrival, by_row = mending.row, resolved_at = now()
             FROM unnest($2::uuid[], $3::bigint[], $4::bigint[], $5::bigint[]) AS mending (record_id, version, arrival, row)
             WHERE failed.feed = (SELECT feed FROM ingest.batch WHERE batch_id = $1)
                 AND failed.record_id = mending.record_id AND failed.state IN ('open', 'resent')
                 AND failed.settled_from <= mending.version
                 AND (failed.at_arrival, failed.at_row) < (mending.arrival, mending.row)",
        )
        .bind(batch_id.as_uuid())
        .bind(stated.iter().map(|stated| stated.record_id.as_uuid()).collect::<Vec<_>>())
        .bind(stated.iter().map(|stated| stated.version).collect::<Vec<_>>())
        .bind(stated.iter().map(|stated| stated.by.arrival).collect::<Vec<_>>())
        .bind(stated.iter().map(|stated| stated.by.row).collect::<Vec<_>>())
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// Notes that open rows came again, before the rows that came are put in quarantine themselves: from now on those are to
/// be mended.
///
/// # Errors
/// When the database cannot be reached.
pub(crate) async fn mark_resent(conn: &mut PgConnection, batch_id: BatchId, progress: &Progress) -> Result<()> {
    if !progress.resent.is_empty() {
        let (at, by) = places(&progress.resent);
        sqlx::query(
            "UPDATE ingest.quarantined_row AS failed SET state = 'resent', by_arrival = again.arrival, by_row = again.row
             FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[]) AS again (at_arrival, at_row, arrival, row)
             WHERE failed.feed = (SELECT feed FROM ingest.batch WHERE batch_id = $1)
                 AND failed.at_arrival = again.at_arrival AND failed.at_row = again.at_row AND failed.state = 'open'",
        )
        .bind(batch_id.as_uuid())
        .bind(at.0)
        .bind(at.1)
        .bind(by.0)
        .bind(by.1)
        .execute(&mut *conn)
        .await?;
    }
    let about = || progress.quarantined.iter().filter_map(|row| row.about.map(|about| (row, about)));
    if about().next().is_some() {
        sqlx::query(
            "UPDATE ingest.quarantined_row AS failed SET state = 'resent', by_arrival = batch.arrival, by_row = again.row
             FROM ingest.batch AS batch,
                 unnest($2::uuid[], $3::bigint[], $4::bigint[]) AS again (record_id, settled_from, row)
             WHERE batch.batch_id = $1 AND failed.feed = batch.feed AND failed.record_id = again.record_id
                 AND failed.state = 'open' AND failed.settled_from <= again.settled_from
                 AND (failed.at_arrival, failed.at_row) < (batch.arrival, again.row)",
        )
        .bind(batch_id.as_uuid())
        .bind(about().map(|(_, about)| about.record_id.as_uuid()).collect::<Vec<_>>())
        .bind(about().map(|(_, about)| about.settled_from).collect::<Vec<_>>())
        .bind(about().map(|(row, _)| row.row).collect::<Vec<_>>())
        .execute(conn)
        .await?;
    }
    Ok(())
}

type Numbers = (Vec<i64>, Vec<i64>);

/// Pairs of places as columns: arrivals and rows of the one, then of the other.
fn places(pairs: &[(Origin, Origin)]) -> (Numbers, Numbers) {
    let split = |places: Vec<Origin>| places.into_iter().map(|place| (place.arrival, place.row)).unzip();
    let (at, by): (Vec<Origin>, Vec<Origin>) = pairs.iter().copied().unzip();
    (split(at), split(by))
}

/// Which quarantined rows are meant; what is absent does not matter.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// Of this feed.
    pub feed: Option<String>,
    /// With this reason code.
    pub code: Option<String>,
    /// Of this batch.
    pub batch_id: Option<BatchId>,
    /// This row of it.
    pub row: Option<i64>,
    /// Of batches that came before.
    pub before: Option<Timestamp>,
    /// Also those that were mended, replayed or discarded.
    pub all: bool,
}

/// A quarantined row with its batch.
#[derive(Clone, Debug, FromRow)]
pub struct HeldRow {
    /// The row.
    #[sqlx(flatten)]
    pub row: QuarantinedRow,
    /// Its batch.
    batch_id: Uuid,
    /// Ordinal of the batch's arrival.
    pub arrival: i64,
    /// The feed.
    pub feed: String,
    received_at: PgInstant,
    /// `open`, `resent`, `mended`, `replayed` or `discarded`.
    pub state: String,
    /// Why an operator replayed or discarded it.
    pub reason: Option<String>,
}

impl HeldRow {
    /// Its batch.
    pub const fn batch_id(&self) -> BatchId {
        BatchId::from_uuid(self.batch_id)
    }

    /// When the batch came.
    pub const fn received_at(&self) -> Timestamp {
        self.received_at.0
    }
}

/// Lists quarantined rows of finished batches in the order of arrival, after a row.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(conn: &mut PgConnection, selection: &Selection, after: Origin, limit: i64) -> Result<Vec<HeldRow>> {
    Ok(sqlx::query_as(
        "SELECT failed.row, line, byte_offset, byte_length, field, code, message, at_arrival, at_row, batch.batch_id,
             arrival, batch.feed, received_at, failed.state, reason
         FROM ingest.quarantined_row AS failed JOIN ingest.batch AS batch USING (batch_id)
         WHERE batch.state = 'done' AND (arrival, failed.row) > ($1, $2) AND ($3::text IS NULL OR batch.feed = $3)
             AND ($4::text IS NULL OR code = $4) AND ($5::uuid IS NULL OR batch_id = $5)
             AND ($6::bigint IS NULL OR failed.row = $6) AND ($7::timestamptz IS NULL OR received_at < $7)
             AND ($8 OR failed.state = 'open')
         ORDER BY arrival, failed.row LIMIT $9",
    )
    .bind(after.arrival)
    .bind(after.row)
    .bind(&selection.feed)
    .bind(&selection.code)
    .bind(selection.batch_id.map(BatchId::as_uuid))
    .bind(selection.row)
    .bind(selection.before.map(PgInstant))
    .bind(selection.all)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}

/// The rows of a batch that ever failed, in their order, and whether they still do.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_failed_rows(conn: &mut PgConnection, batch_id: BatchId) -> Result<Vec<(i64, bool)>> {
    let sql = "SELECT row, state IN ('open', 'resent') FROM ingest.quarantined_row WHERE batch_id = $1 ORDER BY row";
    Ok(sqlx::query_as(sql).bind(batch_id.as_uuid()).fetch_all(conn).await?)
}

/// Rows in quarantine with one feed and reason.
#[derive(Clone, Debug, FromRow)]
pub struct HeldCount {
    /// The feed.
    pub feed: String,
    /// Reason code.
    pub code: String,
    /// How many rows.
    pub rows: i64,
    oldest: PgInstant,
}

impl HeldCount {
    /// When the oldest of them came.
    pub const fn oldest(&self) -> Timestamp {
        self.oldest.0
    }
}

/// Counts the open rows by feed and reason, the most first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn count_open(conn: &mut PgConnection, selection: &Selection) -> Result<Vec<HeldCount>> {
    Ok(sqlx::query_as(
        "SELECT batch.feed, code, count(*) AS rows, min(received_at) AS oldest
         FROM ingest.quarantined_row AS failed JOIN ingest.batch AS batch USING (batch_id)
         WHERE batch.state = 'done' AND failed.state = 'open' AND ($1::text IS NULL OR batch.feed = $1)
             AND ($2::text IS NULL OR code = $2) AND ($3::uuid IS NULL OR batch_id = $3)
             AND ($4::timestamptz IS NULL OR received_at < $4)
         GROUP BY batch.feed, code ORDER BY rows DESC, batch.feed, code",
    )
    .bind(&selection.feed)
    .bind(&selection.code)
    .bind(selection.batch_id.map(BatchId::as_uuid))
    .bind(selection.before.map(PgInstant))
    .fetch_all(conn)
    .await?)
}

/// Notes that rows are not to be mended any more, and why. Rows that are not open stay as they are. Returns how many rows
/// it were.
///
/// # Errors
/// When the database cannot be reached.
pub async fn discard(conn: &mut PgConnection, selection: &Selection, reason: &str, at: Timestamp) -> Result<u64> {
    let done: i64 = sqlx::query_scalar(
        "WITH discarded AS (
             UPDATE ingest.quarantined_row AS failed SET state = 'discarded', reason = $1, resolved_at = $2
             FROM ingest.batch AS batch
             WHERE batch.batch_id = failed.batch_id AND batch.state = 'done' AND failed.state = 'open'
                 AND ($3::text IS NULL OR failed.feed = $3) AND ($4::text IS NULL OR code = $4)
                 AND ($5::uuid IS NULL OR batch.batch_id = $5) AND ($6::bigint IS NULL OR failed.row = $6)
                 AND ($7::timestamptz IS NULL OR received_at < $7)
             RETURNING failed.feed, at_arrival, at_row, record_id
         ), earlier AS (
             -- With a row go those in whose place it came.
             UPDATE ingest.quarantined_row AS failed
             SET state = 'discarded', reason = $1, resolved_at = $2, by_arrival = NULL, by_row = NULL
             FROM discarded
             WHERE failed.state = 'resent' AND failed.feed = discarded.feed
                 AND (failed.record_id = discarded.record_id
                     OR (failed.at_arrival, failed.at_row) = (discarded.at_arrival, discarded.at_row))
         )
         SELECT count(*) FROM discarded",
    )
    .bind(reason)
    .bind(PgInstant(at))
    .bind(&selection.feed)
    .bind(&selection.code)
    .bind(selection.batch_id.map(BatchId::as_uuid))
    .bind(selection.row)
    .bind(selection.before.map(PgInstant))
    .fetch_one(conn)
    .await?;
    Ok(done.unsigned_abs())
}

/// The rows of a batch that are still open among these, locked.
///
/// # Errors
/// When the database cannot be reached.
pub async fn lock_open(conn: &mut PgConnection, batch_id: BatchId, rows: &[i64]) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar(
        "SELECT row FROM ingest.quarantined_row WHERE batch_id = $1 AND row = ANY($2) AND state = 'open' FOR UPDATE",
    )
    .bind(batch_id.as_uuid())
    .bind(rows)
    .fetch_all(conn)
    .await?)
}

/// Gives rows of a finished batch that were open their new outcomes: those that can be used now leave the quarantine, and
/// the receipt with its sum follows; of the others the newest reason is kept.
///
/// # Errors
/// When the database cannot be reached.
pub async fn replay(
    conn: &mut PgConnection,
    of: SourceFeed<'_>,
    batch_id: BatchId,
    progress: &Progress,
    reason: &str,
    at: Timestamp,
) -> Result<()> {
    let counts = &progress.counts;
    let used = counts.accepted + counts.duplicate + counts.superseded;
    sqlx::query(
        "UPDATE ingest.batch SET accepted = accepted + $2, duplicate = duplicate + $3, superseded = superseded + $4,
             quarantined = quarantined - $5, events = events + $6
         WHERE batch_id = $1",
    )
    .bind(batch_id.as_uuid())
    .bind(counts.accepted)
    .bind(counts.duplicate)
    .bind(counts.superseded)
    .bind(used)
    .bind(counts.events)
    .execute(&mut *conn)
    .await?;
    for row in &progress.quarantined {
        sqlx::query(
            "UPDATE ingest.quarantined_row SET field = $3, code = $4, message = $5 WHERE batch_id = $1 AND row = $2",
        )
        .bind(batch_id.as_uuid())
        .bind(row.row)
        .bind(&row.field)
        .bind(&row.code)
        .bind(&row.message)
        .execute(&mut *conn)
        .await?;
    }
    let runs: Vec<Run> = progress.runs.iter().filter(|run| run.outcome != "quarantined").copied().collect();
    let rows: Vec<i64> = runs.iter().flat_map(|run| run.row_from..=run.row_to).collect();
    sqlx::query(
        "UPDATE ingest.quarantined_row SET state = 'replayed', reason = $3, resolved_at = $4
         WHERE batch_id = $1 AND row = ANY($2)",
    )
    .bind(batch_id.as_uuid())
    .bind(&rows)
    .bind(reason)
    .bind(PgInstant(at))
    .execute(&mut *conn)
    .await?;
    let held: Vec<(i64, i64)> = sqlx::query_as(
        "DELETE FROM ingest.run WHERE batch_id = $1 AND outcome = 'quarantined' RETURNING row_from, row_to",
    )
    .bind(batch_id.as_uuid())
    .fetch_all(&mut *conn)
    .await?;
    let runs: Vec<Run> = without(held, &rows).into_iter().chain(runs).collect();
    insert_runs(conn, batch_id, &runs).await?;
    overtake_stored(conn, batch_id, progress.restated.clone()).await?;
    mark_mended(conn, batch_id, progress).await?;
    seen::insert_seen(conn, of, progress.seen.clone()).await?;
    seen::update_seen(conn, &progress.seen_again).await
}
