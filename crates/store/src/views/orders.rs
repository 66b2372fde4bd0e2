//! Standing orders of reviewers and the tasks that reviewers are given.

use std::collections::BTreeMap;

use domain::{DecisionReason, EventId, PersonId, RecordId, Sensitive, SourceKind, Timestamp, Verdict};
use serde_json::Value;
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::rows::source_kind_from_code;
use super::write::{LinkPut, ROWS_PER_STATEMENT, column, sorted};
use crate::{Error, PgInstant, Result};

/// What has become of a standing order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is obeyed.
    InForce,
    /// One of its records states nothing now.
    Resting,
    /// Newer orders say otherwise.
    SetAside,
    /// A later decision on the same pair counts.
    Replaced,
    /// It was taken back.
    Ended,
}

impl Standing {
    /// The code that the column and answers use.
    pub const fn code(self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::Resting => "resting",
            Self::SetAside => "set-aside",
            Self::Replaced => "replaced",
            Self::Ended => "ended",
        }
    }

    /// The state with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        let mut all = [Self::InForce, Self::Resting, Self::SetAside, Self::Replaced, Self::Ended].into_iter();
        all.find(|state| state.code() == code)
    }
}

/// A decision on a pair. Of those that were not taken back the one with the highest version counts.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderRow {
    /// Which decision: the same for every decision on the pair.
    pub decision_id: RecordId,
    /// One record; the smaller id.
    pub record_a: RecordId,
    /// The other record.
    pub record_b: RecordId,
    /// Version of the decision: each later one is higher.
    pub version: i64,
    /// The event.
    pub event_id: EventId,
    /// What was decided, or taken back.
    pub verdict: Verdict,
    /// Why.
    pub reason: DecisionReason,
    /// What the next reviewer should know.
    pub note: Option<Sensitive<String>>,
    /// Handle of the reviewer.
    pub reviewer: String,
    /// When.
    pub decided: Timestamp,
    /// What has become of it.
    pub standing: Standing,
    /// The decisions that it contradicts, when it is set aside.
    pub against: Vec<RecordId>,
}

/// A review task to be written.
#[derive(Clone, Debug)]
pub struct ReviewPut {
    /// The pair and its weight.
    pub link: LinkPut,
    /// Which task: the id of a decision on the pair.
    pub task_id: RecordId,
    /// Why it is asked about.
    pub kind: &'static str,
    /// Since when.
    pub since: Timestamp,
    /// The decisions that the one on this pair contradicts.
    pub against: Vec<RecordId>,
}

/// One side of a review task.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewSide {
    /// The record.
    pub record_id: RecordId,
    /// What kind of organisation states it.
    pub source_kind: SourceKind,
    /// Whose it is now.
    pub person: Option<PersonId>,
}

/// A review task.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewRow {
    /// Which task.
    pub task_id: RecordId,
    /// Why it is asked about.
    pub kind: String,
    /// Both records, the smaller id first.
    pub sides: [ReviewSide; 2],
    /// Match weight, log2.
    pub weight: f64,
    /// Where the task is in the list: thousandths of bits, the greatest first.
    pub rank: i64,
    /// What each comparison contributed, as linkage writes it.
    pub parts: Value,
    /// Model that weighed it.
    pub model_version: String,
    /// Since when.
    pub since: Timestamp,
    /// The decisions that the one on this pair contradicts.
    pub against: Vec<RecordId>,
}

/// Which review tasks to list.
#[derive(Clone, Debug, Default)]
pub struct ReviewFilter {
    /// Only tasks of this kind.
    pub kind: Option<String>,
    /// Only pairs of at least this weight.
    pub weight_min: Option<f64>,
    /// Only tasks behind this rank and id.
    pub after: Option<(i64, RecordId)>,
    /// At most so many.
    pub limit: i64,
}

/// Ids in one column value: an array of arrays cannot be ragged, so they travel as text.
fn joined(ids: &[RecordId]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
}

fn records(ids: Vec<Uuid>) -> Vec<RecordId> {
    ids.into_iter().map(RecordId::from_uuid).collect()
}

pub(super) async fn remove_reviews(conn: &mut PgConnection, gone: &[(RecordId, RecordId)]) -> Result<()> {
    for rows in sorted(gone, |r| *r).chunks(ROWS_PER_STATEMENT) {
        sqlx::query(
            "DELETE FROM review USING UNNEST($1::uuid[], $2::uuid[]) AS gone(record_a, record_b)
         WHERE review.record_a = gone.record_a AND review.record_b = gone.record_b",
        )
        .bind(column(rows, |r| r.0.as_uuid()))
        .bind(column(rows, |r| r.1.as_uuid()))
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

pub(super) async fn put_reviews(conn: &mut PgConnection, reviews: &[ReviewPut]) -> Result<()> {
    for rows in sorted(reviews, |r| (r.link.record_a, r.link.record_b)).chunks(ROWS_PER_STATEMENT) {
        sqlx::query(
            "INSERT INTO review (record_a, record_b, weight, parts, model_version, task_id, kind, since, against)
         SELECT a, b, c, d::jsonb, e, f, g, h, string_to_array(i, ',')::uuid[]
         FROM UNNEST($1::uuid[], $2::uuid[], $3::float8[], $4::text[], $5::text[], $6::uuid[], $7::text[],
             $8::timestamptz[], $9::text[]) AS put(a, b, c, d, e, f, g, h, i)
         ON CONFLICT (record_a, record_b) DO UPDATE
         SET weight = excluded.weight, parts = excluded.parts, model_version = excluded.model_version,
             kind = excluded.kind, since = excluded.since, against = excluded.against",
        )
        .bind(column(rows, |r| r.link.record_a.as_uuid()))
        .bind(column(rows, |r| r.link.record_b.as_uuid()))
        .bind(column(rows, |r| r.link.weight))
        .bind(column(rows, |r| r.link.parts.as_str()))
        .bind(column(rows, |r| r.link.model_version.as_str()))
        .bind(column(rows, |r| r.task_id.as_uuid()))
        .bind(column(rows, |r| r.kind))
        .bind(column(rows, |r| PgInstant(r.since)))
        .bind(column(rows, |r| joined(&r.against)))
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

pub(super) async fn put_orders(conn: &mut PgConnection, orders: &[OrderRow]) -> Result<()> {
    for rows in sorted(orders, |r| (r.decision_id, r.version)).chunks(ROWS_PER_STATEMENT) {
        sqlx::query(
            "INSERT INTO standing_order (decision_id, record_a, record_b, version, event_id, verdict, reason, note,
             reviewer, decided, standing, against)
         SELECT a, b, c, d, e, f, g, h, i, j, k, string_to_array(l, ',')::uuid[]
         FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::bigint[], $5::uuid[], $6::text[], $7::text[],
             $8::text[], $9::text[], $10::timestamptz[], $11::text[], $12::text[])
             AS put(a, b, c, d, e, f, g, h, i, j, k, l)
         ON CONFLICT (decision_id, version) DO UPDATE SET event_id = excluded.event_id, verdict = excluded.verdict, reason = excluded.reason, note = excluded.note,
             reviewer = excluded.reviewer, decided = excluded.decided, standing = excluded.standing,
             against = excluded.against",
        )
        .bind(column(rows, |r| r.decision_id.as_uuid()))
        .bind(column(rows, |r| r.record_a.as_uuid()))
        .bind(column(rows, |r| r.record_b.as_uuid()))
        .bind(column(rows, |r| r.version))
        .bind(column(rows, |r| r.event_id.as_uuid()))
        .bind(column(rows, |r| r.verdict.code()))
        .bind(column(rows, |r| r.reason.code()))
        .bind(column(rows, |r| r.note.as_ref().map(|note| note.expose().as_str())))
        .bind(column(rows, |r| r.reviewer.as_str()))
        .bind(column(rows, |r| PgInstant(r.decided)))
        .bind(column(rows, |r| r.standing.code()))
        .bind(column(rows, |r| joined(&r.against)))
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

#[derive(FromRow)]
pub(crate) struct OrderColumns {
    decision_id: Uuid,
    record_a: Uuid,
    record_b: Uuid,
    version: i64,
    event_id: Uuid,
    verdict: String,
    reason: String,
    note: Option<String>,
    reviewer: String,
    decided: PgInstant,
    standing: String,
    against: Vec<Uuid>,
}

impl TryFrom<OrderColumns> for OrderRow {
    type Error = Error;

    fn try_from(row: OrderColumns) -> Result<Self> {
        Ok(Self {
            decision_id: RecordId::from_uuid(row.decision_id),
            record_a: RecordId::from_uuid(row.record_a),
            record_b: RecordId::from_uuid(row.record_b),
            version: row.version,
            event_id: EventId::from_uuid(row.event_id),
            verdict: Verdict::from_code(&row.verdict).ok_or(Error::Code("standing_order.verdict"))?,
            reason: DecisionReason::from_code(&row.reason).ok_or(Error::Code("standing_order.reason"))?,
            note: row.note.map(Sensitive::new),
            reviewer: row.reviewer,
            decided: row.decided.0,
            standing: Standing::from_code(&row.standing).ok_or(Error::Code("standing_order.standing"))?,
            against: records(row.against),
        })
    }
}

/// Every decision, in no order. This is what the projector starts from.
///
/// # Errors
/// When the database cannot be reached.
pub async fn all_orders(conn: &mut PgConnection) -> Result<Vec<OrderRow>> {
    let rows: Vec<OrderColumns> = sqlx::query_as("SELECT * FROM standing_order").fetch_all(conn).await?;
    rows.into_iter().map(OrderRow::try_from).collect()
}

/// The decision with this id that counts; when all on its pair were taken back, the last of them.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_order(conn: &mut PgConnection, decision: RecordId) -> Result<Option<OrderRow>> {
    let mut known = list_orders_of(conn, decision).await?;
    let counts = known.iter().position(|row| row.standing != Standing::Ended).unwrap_or(0);
    Ok((!known.is_empty()).then(|| known.swap_remove(counts)))
}

/// Everything that was decided on a pair, the highest version first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_orders_of(conn: &mut PgConnection, decision: RecordId) -> Result<Vec<OrderRow>> {
    let rows: Vec<OrderColumns> =
        sqlx::query_as("SELECT * FROM standing_order WHERE decision_id = $1 ORDER BY version DESC")
            .bind(decision.as_uuid())
            .fetch_all(conn)
            .await?;
    rows.into_iter().map(OrderRow::try_from).collect()
}

/// The decisions on records of a person that stand: those that count and were not taken back.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_orders_of_person(conn: &mut PgConnection, person: PersonId) -> Result<Vec<OrderRow>> {
    let rows: Vec<OrderColumns> = sqlx::query_as(
        "SELECT DISTINCT o.* FROM source_record r
         JOIN standing_order o ON o.record_a = r.record_id OR o.record_b = r.record_id
         WHERE r.person_id = $1 AND o.standing IN ('in-force', 'resting', 'set-aside')
         ORDER BY o.decided DESC, o.decision_id",
    )
    .bind(person.as_uuid())
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(OrderRow::try_from).collect()
}

/// Place of a decision in the list: when it was decided, its id and its version.
pub type OrderPlace = (Timestamp, RecordId, i64);

/// Decisions, the newest first; those behind a place, in a state, at most `limit`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_orders(
    conn: &mut PgConnection,
    standing: Option<Standing>,
    after: Option<OrderPlace>,
    limit: i64,
) -> Result<Vec<OrderRow>> {
    let rows: Vec<OrderColumns> = sqlx::query_as(
        "SELECT * FROM standing_order
         WHERE ($1::text IS NULL OR standing = $1)
           AND ($2::timestamptz IS NULL OR decided < $2 OR decided = $2 AND (decision_id, version) > ($3, $4))
         ORDER BY decided DESC, decision_id, version LIMIT $5",
    )
    .bind(standing.map(Standing::code))
    .bind(after.map(|(decided, ..)| PgInstant(decided)))
    .bind(after.map(|(_, decision, _)| decision.as_uuid()))
    .bind(after.map(|(.., version)| version))
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(OrderRow::try_from).collect()
}

#[derive(FromRow)]
struct ReviewColumns {
    task_id: Uuid,
    kind: String,
    record_a: Uuid,
    record_b: Uuid,
    kind_a: String,
    kind_b: String,
    person_a: Option<Uuid>,
    person_b: Option<Uuid>,
    weight: f64,
    rank: i64,
    parts: Json<Value>,
    model_version: String,
    since: PgInstant,
    against: Vec<Uuid>,
}

impl TryFrom<ReviewColumns> for ReviewRow {
    type Error = Error;

    fn try_from(row: ReviewColumns) -> Result<Self> {
        let side = |record: Uuid, kind: &str, person: Option<Uuid>| {
            Ok::<_, Error>(ReviewSide {
                record_id: RecordId::from_uuid(record),
                source_kind: source_kind_from_code(kind)?,
                person: person.map(PersonId::from_uuid),
            })
        };
        Ok(Self {
            task_id: RecordId::from_uuid(row.task_id),
            kind: row.kind,
            sides: [side(row.record_a, &row.kind_a, row.person_a)?, side(row.record_b, &row.kind_b, row.person_b)?],
            weight: row.weight,
            rank: row.rank,
            parts: row.parts.0,
            model_version: row.model_version,
            since: row.since.0,
            against: records(row.against),
        })
    }
}

/// Open review tasks, the greatest weight first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_reviews(conn: &mut PgConnection, filter: &ReviewFilter) -> Result<Vec<ReviewRow>> {
    let rows: Vec<ReviewColumns> = sqlx::query_as(
        "SELECT t.task_id, t.kind, t.record_a, t.record_b, a.source_kind AS kind_a, b.source_kind AS kind_b,
             a.person_id AS person_a, b.person_id AS person_b, t.weight, floor(t.weight * 1000)::bigint AS rank,
             t.parts, t.model_version, t.since, t.against
         FROM review t JOIN source_record a ON a.record_id = t.record_a JOIN source_record b ON b.record_id = t.record_b
         WHERE ($1::text IS NULL OR t.kind = $1) AND ($2::float8 IS NULL OR t.weight >= $2)
           AND ($3::bigint IS NULL OR floor(t.weight * 1000)::bigint < $3
                OR floor(t.weight * 1000)::bigint = $3 AND t.task_id > $4)
         ORDER BY floor(t.weight * 1000)::bigint DESC, t.task_id LIMIT $5",
    )
    .bind(filter.kind.as_deref())
    .bind(filter.weight_min)
    .bind(filter.after.map(|(rank, _)| rank))
    .bind(filter.after.map(|(_, task)| task.as_uuid()))
    .bind(filter.limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(ReviewRow::try_from).collect()
}

/// The open review task with this id.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_review(conn: &mut PgConnection, task: RecordId) -> Result<Option<ReviewRow>> {
    let row: Option<ReviewColumns> = sqlx::query_as(
        "SELECT t.task_id, t.kind, t.record_a, t.record_b, a.source_kind AS kind_a, b.source_kind AS kind_b,
             a.person_id AS person_a, b.person_id AS person_b, t.weight, floor(t.weight * 1000)::bigint AS rank,
             t.parts, t.model_version, t.since, t.against
         FROM review t JOIN source_record a ON a.record_id = t.record_a JOIN source_record b ON b.record_id = t.record_b
         WHERE t.task_id = $1",
    )
    .bind(task.as_uuid())
    .fetch_optional(conn)
    .await?;
    row.map(ReviewRow::try_from).transpose()
}

/// The persons of records; a record that is not known is not there, and one that states nothing is nobody's.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_persons_of_records(
    conn: &mut PgConnection,
    records: &[RecordId],
) -> Result<BTreeMap<RecordId, Option<PersonId>>> {
    let ids: Vec<Uuid> = records.iter().map(|record| record.as_uuid()).collect();
    let rows: Vec<(Uuid, Option<Uuid>)> =
        sqlx::query_as("SELECT record_id, person_id FROM source_record WHERE record_id = ANY($1)")
            .bind(ids)
            .fetch_all(conn)
            .await?;
    let person =
        |(record, person): (Uuid, Option<Uuid>)| (RecordId::from_uuid(record), person.map(PersonId::from_uuid));
    Ok(rows.into_iter().map(person).collect())
}
