//! What residents say against a value or a record of the own file, and the decisions about it.
//!
//! Acts are only added: a contest is made once and decided at most once.

use domain::{EventId, RecordId, Sensitive, Timestamp};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::Result;
use crate::verdicts::{ActsOf, Filter, Verdict, VerdictColumns};

/// A contest, with the decision about it when there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContestRow {
    /// Place in the order in which they were made.
    pub seq: i64,
    /// Which contest.
    pub contest_id: Uuid,
    /// A record of the resident, other than one that is said to be of somebody else.
    pub record: RecordId,
    /// When it was made.
    pub made: Timestamp,
    /// What the resident says.
    pub words: Option<Sensitive<String>>,
    /// The record that states the value, or that is said to be of somebody else.
    pub contested: RecordId,
    /// The value that is contested; `None`: that the record is the resident's.
    pub field: Option<String>,
    /// What the record stated when it was contested.
    pub event: Option<EventId>,
    /// The decision.
    pub decision: Option<Verdict>,
}

#[derive(FromRow)]
struct Columns {
    seq: i64,
    contest_id: Uuid,
    record_id: Uuid,
    at_ms: i64,
    words: Option<String>,
    contested: Uuid,
    field: Option<String>,
    event_id: Option<Uuid>,
    #[sqlx(flatten)]
    verdict: VerdictColumns,
}

impl From<Columns> for ContestRow {
    fn from(row: Columns) -> Self {
        Self {
            seq: row.seq,
            contest_id: row.contest_id,
            record: RecordId::from_uuid(row.record_id),
            made: Timestamp::from_millis(row.at_ms),
            words: row.words.map(Sensitive::new),
            contested: RecordId::from_uuid(row.contested),
            field: row.field,
            event: row.event_id.map(EventId::from_uuid),
            decision: row.verdict.verdict(),
        }
    }
}

/// Locks the contests about a record until the transaction ends: of two made at the same time about the same, one is made.
///
/// # Errors
/// When the database cannot be reached.
pub async fn lock(conn: &mut PgConnection, contested: RecordId) -> Result<()> {
    let sql = "SELECT pg_advisory_xact_lock(hashtext('contests'), hashtext($1))";
    sqlx::query(sql).bind(contested.to_string()).execute(conn).await?;
    Ok(())
}

/// Adds a contest.
///
/// # Errors
/// When the database cannot be reached.
pub async fn insert(conn: &mut PgConnection, contest: &ContestRow, handle: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO audit.contest_act (contest_id, record_id, at_ms, handle, verdict, words, contested, field, event_id)
         VALUES ($1, $2, $3, $4, 'MADE', $5, $6, $7, $8)",
    )
    .bind(contest.contest_id)
    .bind(contest.record.as_uuid())
    .bind(contest.made.as_millis())
    .bind(handle)
    .bind(contest.words.as_ref().map(Sensitive::expose))
    .bind(contest.contested.as_uuid())
    .bind(&contest.field)
    .bind(contest.event.map(EventId::as_uuid))
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds the decision about a contest. Says whether it is the first; there is no second one.
///
/// # Errors
/// When the database cannot be reached.
pub async fn decide(conn: &mut PgConnection, contest: &ContestRow, decision: &Verdict) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO audit.contest_act
             (contest_id, record_id, at_ms, handle, verdict, reason, words, contested, field, event_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING",
    )
    .bind(contest.contest_id)
    .bind(contest.record.as_uuid())
    .bind(decision.at.as_millis())
    .bind(&decision.handle)
    .bind(decision.code())
    .bind(&decision.reason)
    .bind(decision.note.as_ref().map(Sensitive::expose))
    .bind(contest.contested.as_uuid())
    .bind(&contest.field)
    .bind(contest.event.map(EventId::as_uuid))
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// A record of each resident who contests now that one of these records is the own one.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_contesters(conn: &mut PgConnection, records: &[RecordId]) -> Result<Vec<RecordId>> {
    let ids: Vec<Uuid> = records.iter().map(|record| record.as_uuid()).collect();
    let sql = "SELECT DISTINCT made.record_id FROM audit.contest_act made
               WHERE made.verdict = 'MADE' AND made.field IS NULL AND made.contested = ANY($1) AND NOT EXISTS (
                   SELECT FROM audit.contest_act decided
                   WHERE decided.contest_id = made.contest_id AND decided.verdict <> 'MADE')";
    let contesters: Vec<Uuid> = sqlx::query_scalar(sql).bind(ids).fetch_all(conn).await?;
    Ok(contesters.into_iter().map(RecordId::from_uuid).collect())
}

/// Lists contests, the oldest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(conn: &mut PgConnection, of: ActsOf<'_>) -> Result<Vec<ContestRow>> {
    let Filter { one, records, state, after, limit } = of.into();
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT made.seq, made.contest_id, made.record_id, made.at_ms, made.words, made.contested, made.field, made.event_id,
                decided.at_ms AS decided_ms, decided.handle AS decided_by, decided.verdict = 'UPHELD' AS is_upheld,
                decided.reason, decided.words AS note
         FROM audit.contest_act made
         LEFT JOIN audit.contest_act decided ON decided.contest_id = made.contest_id AND decided.verdict <> 'MADE'
         WHERE made.verdict = 'MADE' AND ($1::uuid IS NULL OR made.contest_id = $1)
           AND ($2::uuid[] IS NULL OR made.record_id = ANY($2))
           AND ($3::text IS NULL OR coalesce(decided.verdict, 'MADE') = $3) AND made.seq > $4
         ORDER BY made.seq LIMIT $5",
    )
    .bind(one)
    .bind(records)
    .bind(state)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ContestRow::from).collect())
}
