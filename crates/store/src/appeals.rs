//! Appeals against the colour of a health code, and the decisions about them.
//!
//! Acts are only added: an appeal is made once and decided at most once.

use domain::{EventId, RecordId, Sensitive, Timestamp};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::Result;
use crate::verdicts::{ActsOf, Filter, Verdict, VerdictColumns};

/// An appeal, with the decision about it when there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppealRow {
    /// Place in the order in which they were made.
    pub seq: i64,
    /// Which appeal.
    pub appeal_id: Uuid,
    /// A record of the resident.
    pub record: RecordId,
    /// When it was made.
    pub made: Timestamp,
    /// What the resident says.
    pub words: Option<Sensitive<String>>,
    /// The events that it is about.
    pub events: Vec<EventId>,
    /// The decision.
    pub decision: Option<Verdict>,
}

#[derive(FromRow)]
struct Columns {
    seq: i64,
    appeal_id: Uuid,
    record_id: Uuid,
    at_ms: i64,
    words: Option<String>,
    events: Vec<Uuid>,
    #[sqlx(flatten)]
    verdict: VerdictColumns,
}

impl From<Columns> for AppealRow {
    fn from(row: Columns) -> Self {
        Self {
            seq: row.seq,
            appeal_id: row.appeal_id,
            record: RecordId::from_uuid(row.record_id),
            made: Timestamp::from_millis(row.at_ms),
            words: row.words.map(Sensitive::new),
            events: row.events.into_iter().map(EventId::from_uuid).collect(),
            decision: row.verdict.verdict(),
        }
    }
}

/// Locks the appeals of a resident until the transaction ends: what one names, another made at the same time does not.
///
/// # Errors
/// When the database cannot be reached.
pub async fn lock(conn: &mut PgConnection, record: RecordId) -> Result<()> {
    let sql = "SELECT pg_advisory_xact_lock(hashtext('appeals'), hashtext($1))";
    sqlx::query(sql).bind(record.to_string()).execute(conn).await?;
    Ok(())
}

/// Adds an appeal.
///
/// # Errors
/// When the database cannot be reached.
pub async fn insert(conn: &mut PgConnection, appeal: &AppealRow, handle: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO audit.appeal_act (appeal_id, record_id, at_ms, handle, verdict, words, events)
         VALUES ($1, $2, $3, $4, 'MADE', $5, $6)",
    )
    .bind(appeal.appeal_id)
    .bind(appeal.record.as_uuid())
    .bind(appeal.made.as_millis())
    .bind(handle)
    .bind(appeal.words.as_ref().map(Sensitive::expose))
    .bind(appeal.events.iter().map(|event| event.as_uuid()).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Adds the decision about an appeal. Says whether it is the first; there is no second one.
///
/// # Errors
/// When the database cannot be reached.
pub async fn decide(conn: &mut PgConnection, appeal: &AppealRow, decision: &Verdict) -> Result<bool> {
    let done = sqlx::query(
        "INSERT INTO audit.appeal_act (appeal_id, record_id, at_ms, handle, verdict, reason, words, events)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
    )
    .bind(appeal.appeal_id)
    .bind(appeal.record.as_uuid())
    .bind(decision.at.as_millis())
    .bind(&decision.handle)
    .bind(decision.code())
    .bind(&decision.reason)
    .bind(decision.note.as_ref().map(Sensitive::expose))
    .bind(appeal.events.iter().map(|event| event.as_uuid()).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Lists appeals, the oldest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(conn: &mut PgConnection, of: ActsOf<'_>) -> Result<Vec<AppealRow>> {
    let Filter { one, records, state, after, limit } = of.into();
    let rows: Vec<Columns> = sqlx::query_as(
        "SELECT made.seq, made.appeal_id, made.record_id, made.at_ms, made.words, made.events, decided.at_ms AS decided_ms,
                decided.handle AS decided_by, decided.verdict = 'UPHELD' AS is_upheld, decided.reason, decided.words AS note
         FROM audit.appeal_act made
         LEFT JOIN audit.appeal_act decided ON decided.appeal_id = made.appeal_id AND decided.verdict <> 'MADE'
         WHERE made.verdict = 'MADE' AND ($1::uuid IS NULL OR made.appeal_id = $1)
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
    Ok(rows.into_iter().map(AppealRow::from).collect())
}
