//! Where everybody was: facts in the order of their subjects, for whoever keeps all of them in memory.

use domain::{ClaimToken, EventId, EventType, PresenceMethod, RecordId, Timestamp};
use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::FactRow;
use super::rows::{kind_code, kind_from_code};
use crate::instant::PgInstant;
use crate::{Error, Result};

/// Kinds of facts that say where somebody was, or with whom they live.
pub(super) const KINDS: [EventType; 4] =
    [EventType::PresenceInterval, EventType::TripSegment, EventType::EncounterChanged, EventType::HouseholdMembership];

/// A fact that says where somebody was, or with whom they live.
#[derive(Clone, Debug, PartialEq)]
pub struct WhereaboutsRow {
    /// What kind of fact it is.
    pub kind: EventType,
    /// The event.
    pub event_id: EventId,
    /// The source system.
    pub source: String,
    /// Token of the claim it came with.
    pub subject: ClaimToken,
    /// Begin.
    pub started_at: Timestamp,
    /// End; `None` for a moment or an open interval.
    pub ended_at: Option<Timestamp>,
    /// Where.
    pub place_id: Option<String>,
    /// Of a presence: how it was seen, and how sure.
    pub presence: Option<(PresenceMethod, Option<f32>)>,
    /// Body of the event, as in [`FactRow`]; of a presence only when it states its position itself.
    pub detail: Option<Value>,
}

impl WhereaboutsRow {
    /// The same as a fact, to read its body; `None` without one.
    pub fn fact(&self) -> Option<FactRow> {
        Some(FactRow {
            record_id: RecordId::from_uuid(Uuid::nil()),
            kind: self.kind,
            version: 0,
            event_id: self.event_id,
            source: self.source.clone(),
            subject: Some(self.subject),
            started_at: self.started_at,
            ended_at: self.ended_at,
            place_id: self.place_id.clone(),
            detail: self.detail.clone()?,
        })
    }
}

type Columns = (
    i16,
    Uuid,
    String,
    Uuid,
    PgInstant,
    Option<PgInstant>,
    Option<String>,
    Option<String>,
    Option<f32>,
    Option<Json<Value>>,
);

fn whereabouts(row: Columns) -> Result<WhereaboutsRow> {
    let (kind, event_id, source, subject, started_at, ended_at, place_id, method, confidence, detail) = row;
    let method = match method {
        None => None,
        Some(method) => Some(
            serde_json::from_value::<PresenceMethod>(Value::String(method))
                .map_err(|source| Error::Document { column: "fact.detail", source })?,
        ),
    };
    Ok(WhereaboutsRow {
        kind: kind_from_code(kind)?,
        event_id: EventId::from_uuid(event_id),
        source,
        subject: ClaimToken::from_bytes(subject.into_bytes()),
        started_at: started_at.0,
        ended_at: ended_at.map(|end| end.0),
        place_id,
        presence: method.map(|method| (method, confidence)),
        detail: detail.map(|detail| detail.0),
    })
}

/// What is read of a fact.
macro_rules! columns {
    () => {
        "kind, event_id, source, subject, started_at, ended_at, place_id,
         CASE WHEN kind = 3 THEN coalesce(detail->>'method', 'OTHER') END,
         CASE WHEN kind = 3 THEN (detail->>'confidence')::real END,
         CASE WHEN kind <> 3 OR detail->'place' ? 'lat' THEN detail END"
    };
}

/// Kinds `$1` that were not over at `$2`. A stay in hospital and a household without an end go on.
macro_rules! condition {
    () => {
        "NOT retracted AND kind = ANY($1)
         AND (started_at >= $2 OR ended_at >= $2 OR (ended_at IS NULL AND kind IN (6, 9)))"
    };
}

/// Presences, trips, stays in hospital and households that were not over at an instant, in the order of their subjects
/// and of time, from the subject after another one on; at most `limit`, so that the last subject may have more. With
/// `known_at` only what had been read by then.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_whereabouts(
    conn: &mut PgConnection,
    since: Timestamp,
    after: Option<ClaimToken>,
    limit: i64,
    known_at: Option<Timestamp>,
) -> Result<Vec<WhereaboutsRow>> {
    macro_rules! page {
        ($table:literal) => {
            concat!(
                "SELECT ",
                columns!(),
                " FROM ",
                $table,
                " WHERE subject > $3 AND ",
                condition!(),
                " ORDER BY subject, started_at LIMIT $4"
            )
        };
    }
    let query = match known_at {
        None => sqlx::query_as(page!("fact")),
        Some(_) => sqlx::query_as(page!("fact_known($5)")),
    };
    let mut query = query
        .bind(KINDS.map(kind_code).to_vec())
        .bind(PgInstant(since))
        .bind(after.map_or(Uuid::nil(), |token| token.as_uuid()))
        .bind(limit);
    if let Some(known_at) = known_at {
        query = query.bind(PgInstant(known_at));
    }
    let rows: Vec<Columns> = query.fetch_all(conn).await?;
    rows.into_iter().map(whereabouts).collect()
}

/// The same facts, all of some subjects.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_whereabouts_of(
    conn: &mut PgConnection,
    since: Timestamp,
    subjects: &[ClaimToken],
) -> Result<Vec<WhereaboutsRow>> {
    let rows: Vec<Columns> = sqlx::query_as(concat!(
        "SELECT ",
        columns!(),
        " FROM fact WHERE subject = ANY($3) AND ",
        condition!(),
        " ORDER BY subject, started_at"
    ))
    .bind(KINDS.map(kind_code).to_vec())
    .bind(PgInstant(since))
    .bind(subjects.iter().map(|subject| subject.as_uuid()).collect::<Vec<_>>())
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(whereabouts).collect()
}

/// Kinds of facts that say where somebody was at a time, and not where they live.
const SEEN: [EventType; 3] = [EventType::PresenceInterval, EventType::TripSegment, EventType::EncounterChanged];

/// Begin of the latest presence, trip or stay in hospital that is not after an instant; reads every fact once.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_latest_seen(conn: &mut PgConnection, until: Timestamp) -> Result<Option<Timestamp>> {
    let sql = "SELECT max(started_at) FROM fact WHERE kind = ANY($1) AND NOT retracted AND started_at <= $2";
    let found: Option<PgInstant> =
        sqlx::query_scalar(sql).bind(SEEN.map(kind_code).to_vec()).bind(PgInstant(until)).fetch_one(conn).await?;
    Ok(found.map(|found| found.0))
}
