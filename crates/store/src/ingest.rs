//! What was pushed and what became of it: batches, how far they are, receipts of their rows.
//!
//! Invariant: a batch's counters, its runs, its quarantined rows and the records they made known move together, in one
//! transaction that first takes the feed's lock ([`lock_feed`]).

use domain::{BatchId, FeedId, RecordId, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::runs::{self, Run};
use crate::seen::{Seen, SourceFeed, insert_seen, update_seen};
use crate::{Error, PgInstant, Result, quarantine};

/// How far a batch is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BatchState {
    /// Stored; its rows are being read, or a crash stopped that.
    Processing,
    /// Every row has its outcome.
    Done,
    /// The body as a whole does not fit its feed; nothing of it was applied.
    Refused {
        /// Reason code.
        code: String,
        /// What was expected and found.
        message: String,
    },
}

/// How a stored body is cut into rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// By its feed's profile.
    File,
    /// Messages in MLLP blocks.
    Messages,
}

impl Framing {
    const fn code(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Messages => "messages",
        }
    }
}

/// Numbers of rows by outcome, and of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// New, and published.
    pub accepted: i64,
    /// The same version with the same content was seen before.
    pub duplicate: i64,
    /// A newer version was seen before.
    pub superseded: i64,
    /// Cannot be used.
    pub quarantined: i64,
    /// Events appended to the log.
    pub events: i64,
}

impl Counts {
    /// Rows of any outcome.
    pub const fn rows(&self) -> i64 {
        self.accepted + self.duplicate + self.superseded + self.quarantined
    }
}

/// A batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Its id.
    pub batch_id: BatchId,
    /// Ordinal of its arrival among all batches; the store gives it.
    pub arrival: i64,
    /// Its feed.
    pub feed: String,
    /// SHA-256 of the stored body.
    pub sha256: [u8; 32],
    /// How the body is cut.
    pub framing: Framing,
    /// Size of the body in bytes.
    pub bytes: i64,
    /// How far it is.
    pub state: BatchState,
    /// When the body was complete.
    pub received_at: Timestamp,
    /// The version of the profile that reads it.
    pub profile_version: String,
    /// When the last row had its outcome.
    pub finished_at: Option<Timestamp>,
    /// Bytes before the first row.
    pub data_start: i64,
    /// First row without an outcome.
    pub next_row: i64,
    /// Rows by outcome so far.
    pub counts: Counts,
    /// What is worth telling the sender.
    pub notices: Vec<Notice>,
}

/// Something worth telling the sender about a file as a whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Stable code, such as `columns-unknown`.
    pub code: String,
    /// What it is, without any value of a row.
    pub message: String,
    /// The columns that it is about.
    pub columns: Vec<String>,
}

impl Notice {
    /// One that is about no column.
    pub fn new(code: &str, message: String) -> Self {
        Self { code: code.to_owned(), message, columns: Vec::new() }
    }
}

#[derive(FromRow)]
pub(crate) struct BatchRow {
    batch_id: Uuid,
    arrival: i64,
    feed: String,
    sha256: Vec<u8>,
    framing: String,
    bytes: i64,
    state: String,
    received_at: PgInstant,
    profile_version: String,
    finished_at: Option<PgInstant>,
    data_start: i64,
    next_row: i64,
    accepted: i64,
    duplicate: i64,
    superseded: i64,
    quarantined: i64,
    events: i64,
    notices: Json<Vec<Notice>>,
    refusal_code: Option<String>,
    refusal_message: Option<String>,
}

impl TryFrom<BatchRow> for Batch {
    type Error = Error;

    fn try_from(row: BatchRow) -> Result<Self> {
        let state = match row.state.as_str() {
            "processing" => BatchState::Processing,
            "done" => BatchState::Done,
            "refused" => BatchState::Refused {
                code: row.refusal_code.unwrap_or_default(),
                message: row.refusal_message.unwrap_or_default(),
            },
            _ => return Err(Error::Code("batch.state")),
        };
        let framing = match row.framing.as_str() {
            "file" => Framing::File,
            "messages" => Framing::Messages,
            _ => return Err(Error::Code("batch.framing")),
        };
        Ok(Self {
            batch_id: BatchId::from_uuid(row.batch_id),
            arrival: row.arrival,
            feed: row.feed,
            sha256: row.sha256.try_into().map_err(|_| Error::Code("batch.sha256"))?,
            framing,
            bytes: row.bytes,
            state,
            received_at: row.received_at.0,
            profile_version: row.profile_version,
            finished_at: row.finished_at.map(|at| at.0),
            data_start: row.data_start,
            next_row: row.next_row,
            counts: Counts {
                accepted: row.accepted,
                duplicate: row.duplicate,
                superseded: row.superseded,
                quarantined: row.quarantined,
                events: row.events,
            },
            notices: row.notices.0,
        })
    }
}

/// A row that could not be used.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct QuarantinedRow {
    /// Row of the batch, from 1.
    pub row: i64,
    /// Line at which it begins.
    pub line: i64,
    /// Where it begins in the stored body.
    pub byte_offset: i64,
    /// Its bytes, line end included.
    pub byte_length: i64,
    /// Column, in the sender's word.
    pub field: Option<String>,
    /// Reason code.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// Batch of its place in the order of arrival, by its arrival; its own, or that of the row it mends.
    pub at_arrival: i64,
    /// Row of its place in the order of arrival.
    pub at_row: i64,
    /// The record that it is about, where that could be read; not read back.
    #[sqlx(skip)]
    pub about: Option<FailedRecord>,
}

/// The record that a quarantined row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedRecord {
    /// The record.
    pub record_id: RecordId,
    /// A later row that states this version of it, or a higher one, mends the quarantined row.
    pub settled_from: i64,
}

/// A statement of a row that was not quarantined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stated {
    /// The record.
    pub record_id: RecordId,
    /// The version, or the place in the order of arrival where the source states none.
    pub version: i64,
    /// The row.
    pub by: Origin,
}

/// A row of a batch, in the order of arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// Arrival of the batch.
    pub arrival: i64,
    /// Row of the batch.
    pub row: i64,
}

/// What one chunk of rows adds to its batch.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// First row after the chunk.
    pub next_row: i64,
    /// What the chunk's rows add.
    pub counts: Counts,
    /// Outcomes of the rows.
    pub runs: Vec<Run>,
    /// Rows of the batch whose one record a later row of it states anew, each with that row.
    pub restated: Vec<(i64, Origin)>,
    /// Rows that could not be used.
    pub quarantined: Vec<QuarantinedRow>,
    /// Versions that the rows made known.
    pub seen: Vec<Seen>,
    /// Known versions that the rows repeated later, or read anew.
    pub seen_again: Vec<Seen>,
    /// Places of quarantined rows that the rows mend, each with the row that does.
    pub mended: Vec<(Origin, Origin)>,
    /// Places of quarantined rows that came again and fail again, each with the row that came.
    pub resent: Vec<(Origin, Origin)>,
    /// What the rows state, where quarantined rows may be about the same records.
    pub stated: Vec<Stated>,
}

impl Progress {
    /// Adds what the rows behind these add.
    pub fn append(&mut self, mut next: Self) {
        self.next_row = next.next_row;
        let (all, more) = (&mut self.counts, &next.counts);
        all.accepted += more.accepted;
        all.duplicate += more.duplicate;
        all.superseded += more.superseded;
        all.quarantined += more.quarantined;
        all.events += more.events;
        for run in next.runs {
            match self.runs.last_mut() {
                Some(last) if last.goes_on(run.row_from, run.outcome, run.of) => last.row_to = run.row_to,
                _ => self.runs.push(run),
            }
        }
        self.restated.append(&mut next.restated);
        self.quarantined.append(&mut next.quarantined);
        self.seen.append(&mut next.seen);
        self.seen_again.append(&mut next.seen_again);
        self.mended.append(&mut next.mended);
        self.resent.append(&mut next.resent);
        self.stated.append(&mut next.stated);
    }

    /// Gives rows that later ones state anew their outcome. Those of the batch that are not among these rows are left.
    pub fn settle(&mut self) {
        let restated = std::mem::take(&mut self.restated);
        let overtaken = runs::overtake(&mut self.runs, restated);
        self.counts.accepted -= overtaken.rows;
        self.counts.superseded += overtaken.rows;
        self.restated = overtaken.left;
    }
}

/// Takes the feed's lock until the end of the transaction: rows of one feed are decided one chunk after the other.
///
/// # Errors
/// When the database cannot be reached.
pub async fn lock_feed(conn: &mut PgConnection, feed: &FeedId) -> Result<()> {
    // Everything under the lock is looked up by key. A table that has grown since PostgreSQL last counted it would be
    // read whole.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1, 5407)), set_config('enable_seqscan', 'off', true)")
        .bind(format!("isthmus.feed.{feed}"))
        .execute(conn)
        .await?;
    Ok(())
}

/// Whether this transaction's commit waits for the disk. One that does takes those before it along.
///
/// # Errors
/// When the database cannot be reached.
pub async fn await_disk(conn: &mut PgConnection, wait: bool) -> Result<()> {
    sqlx::query("SELECT set_config('synchronous_commit', $1, true)")
        .bind(if wait { "on" } else { "off" })
        .execute(conn)
        .await?;
    Ok(())
}

/// Finds a batch.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_batch(conn: &mut PgConnection, batch_id: BatchId) -> Result<Option<Batch>> {
    let row: Option<BatchRow> = sqlx::query_as("SELECT * FROM ingest.batch WHERE batch_id = $1")
        .bind(batch_id.as_uuid())
        .fetch_optional(conn)
        .await?;
    row.map(Batch::try_from).transpose()
}

/// Inserts a batch that begins, unless it is there; a batch that was refused before begins anew. Returns it as it stands.
///
/// # Errors
/// When the database cannot be reached.
pub async fn begin_batch(conn: &mut PgConnection, batch: &Batch) -> Result<Batch> {
    let row: BatchRow = sqlx::query_as(
        "INSERT INTO ingest.batch AS known (batch_id, feed, sha256, framing, bytes, state, received_at, profile_version)
         VALUES ($1, $2, $3, $4, $5, 'processing', $6, $7)
         ON CONFLICT (batch_id) DO UPDATE SET
             state = CASE known.state WHEN 'refused' THEN 'processing' ELSE known.state END,
             received_at = CASE known.state WHEN 'refused' THEN excluded.received_at ELSE known.received_at END,
             profile_version = CASE known.state WHEN 'refused' THEN excluded.profile_version
                 ELSE known.profile_version END,
             finished_at = CASE known.state WHEN 'refused' THEN NULL ELSE known.finished_at END,
             refusal_code = NULL, refusal_message = NULL
         RETURNING *",
    )
    .bind(batch.batch_id.as_uuid())
    .bind(&batch.feed)
    .bind(batch.sha256.as_slice())
    .bind(batch.framing.code())
    .bind(batch.bytes)
    .bind(PgInstant(batch.received_at))
    .bind(&batch.profile_version)
    .fetch_one(conn)
    .await?;
    row.try_into()
}

/// Puts on record that another version of the profile reads a batch on, from its next row.
///
/// # Errors
/// When the database cannot be reached.
pub async fn change_profile(conn: &mut PgConnection, batch: &Batch, version: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO ingest.profile_change (batch_id, row_from, version) VALUES ($1, 0, $2), ($1, $3, $4)
         ON CONFLICT (batch_id, row_from) DO UPDATE SET version = CASE ingest.profile_change.row_from
             WHEN 0 THEN ingest.profile_change.version ELSE excluded.version END",
    )
    .bind(batch.batch_id.as_uuid())
    .bind(&batch.profile_version)
    .bind(batch.next_row)
    .bind(version)
    .execute(&mut *conn)
    .await?;
    sqlx::query("UPDATE ingest.batch SET profile_version = $2 WHERE batch_id = $1")
        .bind(batch.batch_id.as_uuid())
        .bind(version)
        .execute(conn)
        .await?;
    Ok(())
}

/// Lists the batches that were begun and not finished, the oldest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_unfinished(conn: &mut PgConnection, feed: &FeedId, limit: i64) -> Result<Vec<Batch>> {
    let rows: Vec<BatchRow> =
        sqlx::query_as("SELECT * FROM ingest.batch WHERE state = 'processing' AND feed = $1 ORDER BY arrival LIMIT $2")
            .bind(feed.as_str())
            .bind(limit)
            .fetch_all(conn)
            .await?;
    rows.into_iter().map(Batch::try_from).collect()
}

/// The next row of a batch that is being processed, its row locked; `None` when it is finished.
///
/// # Errors
/// When the database cannot be reached.
pub async fn lock_progress(conn: &mut PgConnection, batch_id: BatchId) -> Result<Option<i64>> {
    Ok(sqlx::query_scalar("SELECT next_row FROM ingest.batch WHERE batch_id = $1 AND state = 'processing' FOR UPDATE")
        .bind(batch_id.as_uuid())
        .fetch_optional(conn)
        .await?)
}

/// Writes what rows added, provided that the batch still stands at the row where they began.
///
/// # Errors
/// When the database cannot be reached; [`Error::CheckpointMoved`] when the batch stands elsewhere.
pub async fn advance_batch(
    conn: &mut PgConnection,
    of: SourceFeed<'_>,
    batch_id: BatchId,
    row_from: i64,
    mut progress: Progress,
) -> Result<()> {
    progress.settle();
    let counts = progress.counts;
    let done = sqlx::query(
        "UPDATE ingest.batch SET next_row = $3, accepted = accepted + $4, duplicate = duplicate + $5,
             superseded = superseded + $6, quarantined = quarantined + $7, events = events + $8
         WHERE batch_id = $1 AND next_row = $2 AND state = 'processing'",
    )
    .bind(batch_id.as_uuid())
    .bind(row_from)
    .bind(progress.next_row)
    .bind(counts.accepted)
    .bind(counts.duplicate)
    .bind(counts.superseded)
    .bind(counts.quarantined)
    .bind(counts.events)
    .execute(&mut *conn)
    .await?;
    if done.rows_affected() != 1 {
        return Err(Error::CheckpointMoved);
    }
    insert_seen(conn, of, std::mem::take(&mut progress.seen)).await?;
    update_seen(conn, &progress.seen_again).await?;
    runs::insert_runs(conn, batch_id, &progress.runs).await?;
    runs::overtake_stored(conn, batch_id, progress.restated.clone()).await?;
    quarantine::mark_resent(conn, batch_id, &progress).await?;
    insert_quarantined(conn, batch_id, &progress.quarantined).await?;
    quarantine::mark_mended(conn, batch_id, &progress).await
}

pub(crate) async fn insert_quarantined(
    conn: &mut PgConnection,
    batch_id: BatchId,
    rows: &[QuarantinedRow],
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "INSERT INTO ingest.quarantined_row (batch_id, feed, row, line, byte_offset, byte_length, field, code, message,
             at_arrival, at_row, record_id, settled_from)
         SELECT batch_id, feed, failed.*
         FROM ingest.batch, unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[], $8::text[],
             $9::bigint[], $10::bigint[], $11::uuid[], $12::bigint[]) AS failed
         WHERE batch_id = $1",
    )
    .bind(batch_id.as_uuid())
    .bind(rows.iter().map(|row| row.row).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.line).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.byte_offset).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.byte_length).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.field.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.code.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.message.clone()).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.at_arrival).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.at_row).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.about.map(|about| about.record_id.as_uuid())).collect::<Vec<_>>())
    .bind(rows.iter().map(|row| row.about.map(|about| about.settled_from)).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Finishes a batch of which every row has its outcome. Returns it, or `None` when it was finished already.
///
/// # Errors
/// When the database cannot be reached.
pub async fn finish_batch(
    conn: &mut PgConnection,
    batch_id: BatchId,
    at: Timestamp,
    data_start: i64,
    notices: &[Notice],
) -> Result<Option<Batch>> {
    let row: Option<BatchRow> = sqlx::query_as(
        "UPDATE ingest.batch SET state = 'done', finished_at = $2, data_start = $3, notices = $4
         WHERE batch_id = $1 AND state = 'processing' RETURNING *",
    )
    .bind(batch_id.as_uuid())
    .bind(PgInstant(at))
    .bind(data_start)
    .bind(Json(notices))
    .fetch_optional(conn)
    .await?;
    row.map(Batch::try_from).transpose()
}

/// Marks a batch as refused, if none of its rows was applied; `false` when one was.
///
/// # Errors
/// When the database cannot be reached.
pub async fn refuse_batch(
    conn: &mut PgConnection,
    batch_id: BatchId,
    at: Timestamp,
    code: &str,
    message: &str,
) -> Result<bool> {
    let done = sqlx::query(
        "UPDATE ingest.batch SET state = 'refused', finished_at = $2, refusal_code = $3, refusal_message = $4
         WHERE batch_id = $1 AND state = 'processing' AND next_row = 1",
    )
    .bind(batch_id.as_uuid())
    .bind(PgInstant(at))
    .bind(code)
    .bind(message)
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Adds up the outcomes of all finished batches, by feed.
///
/// # Errors
/// When the database cannot be reached.
pub async fn totals(conn: &mut PgConnection) -> Result<Vec<(String, Counts)>> {
    let rows: Vec<(String, i64, i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT feed, sum(accepted)::bigint, sum(duplicate)::bigint, sum(superseded)::bigint,
                sum(quarantined)::bigint, sum(events)::bigint
         FROM ingest.batch WHERE state = 'done' GROUP BY feed ORDER BY feed",
    )
    .fetch_all(conn)
    .await?;
    let counts = |(feed, accepted, duplicate, superseded, quarantined, events)| {
        (feed, Counts { accepted, duplicate, superseded, quarantined, events })
    };
    Ok(rows.into_iter().map(counts).collect())
}
