//! Reading the views. The tables are those that the search path names.
//!
//! Whose a fact is follows in three steps: a person's records, the tokens they claim ([`super::list_claims_of_person`]), the
//! facts with one of these tokens ([`list_facts`]); `domain::attribute` then decides, per fact, from all claims of the
//! token ([`super::list_claims_of_tokens`]), whose it was at that time.

use std::collections::BTreeMap;

use domain::{
    BatchId, ClaimToken, Edition, EventId, EventType, GoldenRecord, IdentityObserved, PersonId, PlaceRef, RecordId,
    Timestamp,
};
use futures_util::stream::{BoxStream, StreamExt, TryStreamExt};
use serde_json::Value;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::types::Json;
use sqlx::{FromRow, Row};
use uuid::Uuid;

use super::rows::{kind_code, kind_from_code, reason_from_code, source_kind_from_code};
use super::{FactRow, LinkRow, Part, PersonRow, PlaceRow, Retraction, SourceRecordRow, Stated};
use crate::{Error, PgInstant, Result};

pub(super) fn time(instant: Option<PgInstant>) -> Option<Timestamp> {
    instant.map(|instant| instant.0)
}

pub(super) fn uuids(tokens: &[ClaimToken]) -> Vec<Uuid> {
    tokens.iter().map(|token| token.as_uuid()).collect()
}

#[derive(FromRow)]
pub(crate) struct RecordColumns {
    record_id: Uuid,
    source: String,
    source_kind: String,
    version: Option<i64>,
    reading: Option<i32>,
    event_id: Option<Uuid>,
    statement: Option<Json<IdentityObserved>>,
    parts: Option<Json<Vec<Part>>>,
    first_time: Option<PgInstant>,
    last_time: Option<PgInstant>,
    retract_version: Option<i64>,
    retract_reading: Option<i32>,
    retract_event_id: Option<Uuid>,
    retract_reason: Option<String>,
    survivor: Option<Uuid>,
    withdrawn_version: Option<i64>,
    withdrawn_reading: Option<i32>,
    person_id: Option<Uuid>,
    batch_id: Uuid,
    batch_row: i64,
}

impl TryFrom<RecordColumns> for SourceRecordRow {
    type Error = Error;

    fn try_from(row: RecordColumns) -> Result<Self> {
        let statement = row.statement.map(|Json(statement)| statement);
        let parts = row.parts.map(|Json(parts)| parts).unwrap_or_default();
        let stated = match (row.version, row.event_id, time(row.first_time), time(row.last_time)) {
            (Some(version), Some(event_id), Some(first_time), Some(last_time)) => {
                let event_id = EventId::from_uuid(event_id);
                let edition = Edition { version, reading: row.reading.unwrap_or_default() };
                Some(Stated { edition, event_id, statement, parts, first_time, last_time })
            }
            _ => None,
        };
        let reason = row.retract_reason.as_deref().map(reason_from_code).transpose()?.unwrap_or_default();
        let retraction = row.retract_version.zip(row.retract_event_id).map(|(version, event_id)| Retraction {
            edition: Edition { version, reading: row.retract_reading.unwrap_or_default() },
            event_id: EventId::from_uuid(event_id),
            reason,
            survivor: row.survivor.map(RecordId::from_uuid),
        });
        let withdrawn = row.withdrawn_version.zip(row.withdrawn_reading);
        Ok(Self {
            record_id: RecordId::from_uuid(row.record_id),
            source: row.source,
            source_kind: source_kind_from_code(&row.source_kind)?,
            stated,
            retraction,
            withdrawn: withdrawn.map(|(version, reading)| Edition { version, reading }),
            person: row.person_id.map(PersonId::from_uuid),
            batch_id: BatchId::from_uuid(row.batch_id),
            batch_row: row.batch_row,
        })
    }
}

/// The current person of a record.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_person_of_record(conn: &mut PgConnection, record: RecordId) -> Result<Option<PersonId>> {
    let found: Option<Option<Uuid>> = sqlx::query_scalar("SELECT person_id FROM source_record WHERE record_id = $1")
        .bind(record.as_uuid())
        .fetch_optional(conn)
        .await?;
    Ok(found.flatten().map(PersonId::from_uuid))
}

/// The person that an id, given out at any time, now stands for: an id names a record, and that record is in some
/// person's file.
///
/// # Errors
/// When the database cannot be reached.
pub async fn resolve_person(conn: &mut PgConnection, person: PersonId) -> Result<Option<PersonId>> {
    find_person_of_record(conn, person.as_record()).await
}

#[derive(FromRow)]
struct PersonColumns {
    person_id: Uuid,
    golden: Json<GoldenRecord>,
    units: Vec<String>,
    record_count: i32,
    first_time: PgInstant,
}

impl From<PersonColumns> for PersonRow {
    fn from(row: PersonColumns) -> Self {
        Self {
            person_id: PersonId::from_uuid(row.person_id),
            golden: row.golden.0,
            units: row.units,
            record_count: row.record_count,
            first_time: row.first_time.0,
        }
    }
}

/// Where persons live, for deciding about them before anything else of them is read: for each of the ids, given out at
/// any time, the person that it now stands for and that person's units. Unknown ids are left out.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_units(conn: &mut PgConnection, persons: &[PersonId]) -> Result<Vec<(PersonId, Vec<String>)>> {
    let ids: Vec<Uuid> = persons.iter().map(|person| person.as_record().as_uuid()).collect();
    let rows: Vec<(Uuid, Vec<String>)> = sqlx::query_as(
        "SELECT DISTINCT ON (p.person_id) p.person_id, p.units
         FROM source_record r JOIN person p USING (person_id) WHERE r.record_id = ANY($1) ORDER BY p.person_id",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(|(person, units)| (PersonId::from_uuid(person), units)).collect())
}

/// Whether one of the ids, given out at any time, stands for nobody now.
///
/// # Errors
/// When the database cannot be reached.
pub async fn is_any_nobody(conn: &mut PgConnection, persons: &[PersonId]) -> Result<bool> {
    let ids: Vec<Uuid> = persons.iter().map(|person| person.as_record().as_uuid()).collect();
    let sql = "SELECT EXISTS (SELECT FROM UNNEST($1::uuid[]) AS asked(record_id)
                   LEFT JOIN source_record USING (record_id) WHERE person_id IS NULL)";
    Ok(sqlx::query_scalar(sql).bind(ids).fetch_one(conn).await?)
}

/// The person with exactly this id; see [`resolve_person`] for ids of the past.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_person(conn: &mut PgConnection, person: PersonId) -> Result<Option<PersonRow>> {
    Ok(list_persons(conn, &[person]).await?.pop())
}

/// The persons with these ids, by id.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_persons(conn: &mut PgConnection, persons: &[PersonId]) -> Result<Vec<PersonRow>> {
    let ids: Vec<Uuid> = persons.iter().map(|person| person.as_uuid()).collect();
    let rows: Vec<PersonColumns> = sqlx::query_as(
        "SELECT person_id, golden, units, record_count, first_time FROM person
         WHERE person_id = ANY($1) ORDER BY person_id",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(PersonRow::from).collect())
}

/// The source records of a person, those that were merged away included, oldest first; at most `limit`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_records_of_person(
    conn: &mut PgConnection,
    person: PersonId,
    limit: i64,
) -> Result<Vec<SourceRecordRow>> {
    let rows: Vec<RecordColumns> = sqlx::query_as(
        "SELECT record_id, source, source_kind, version, reading, event_id, statement, parts, first_time, last_time,
                retract_version, retract_reading, retract_event_id, retract_reason, survivor, person_id, batch_id, batch_row,
                withdrawn_version, withdrawn_reading
         FROM source_record WHERE person_id = $1
         ORDER BY first_time NULLS LAST, record_id LIMIT $2",
    )
    .bind(person.as_uuid())
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(SourceRecordRow::try_from).collect()
}

/// These source records, in order of their ids.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_records(conn: &mut PgConnection, records: &[RecordId]) -> Result<Vec<SourceRecordRow>> {
    let ids: Vec<Uuid> = records.iter().map(|record| record.as_uuid()).collect();
    let rows: Vec<RecordColumns> = sqlx::query_as(
        "SELECT record_id, source, source_kind, version, reading, event_id, statement, parts, first_time, last_time,
                retract_version, retract_reading, retract_event_id, retract_reason, survivor, person_id, batch_id, batch_row,
                withdrawn_version, withdrawn_reading
         FROM source_record WHERE record_id = ANY($1) ORDER BY record_id",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(SourceRecordRow::try_from).collect()
}

/// Every source record, in no order. This is what the projector starts from.
pub fn stream_records(conn: &mut PgConnection) -> BoxStream<'_, Result<SourceRecordRow>> {
    sqlx::query_as::<_, RecordColumns>(
        "SELECT record_id, source, source_kind, version, reading, event_id, statement, parts, first_time, last_time,
                retract_version, retract_reading, retract_event_id, retract_reason, survivor, person_id, batch_id, batch_row,
                withdrawn_version, withdrawn_reading
         FROM source_record",
    )
    .fetch(conn)
    .map_err(Error::from)
    .and_then(|row| std::future::ready(SourceRecordRow::try_from(row)))
    .boxed()
}

/// Which person a record is of, and which row of which batch it came from: for comparing with a known truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordPerson {
    /// The record.
    pub record_id: RecordId,
    /// The source system.
    pub source: String,
    /// The batch.
    pub batch_id: BatchId,
    /// The row, from 1.
    pub batch_row: i64,
    /// The person.
    pub person_id: PersonId,
}

/// Every record that is in a person's file, by batch and row.
pub fn stream_record_persons(conn: &mut PgConnection) -> BoxStream<'_, Result<RecordPerson>> {
    sqlx::query(
        "SELECT record_id, source, batch_id, batch_row, person_id FROM source_record
         WHERE person_id IS NOT NULL ORDER BY batch_id, batch_row, record_id",
    )
    .try_map(|row: PgRow| {
        Ok(RecordPerson {
            record_id: RecordId::from_uuid(row.try_get(0)?),
            source: row.try_get(1)?,
            batch_id: BatchId::from_uuid(row.try_get(2)?),
            batch_row: row.try_get(3)?,
            person_id: PersonId::from_uuid(row.try_get(4)?),
        })
    })
    .fetch(conn)
    .map_err(Error::from)
    .boxed()
}

/// Which facts to list.
#[derive(Clone, Debug)]
pub struct FactFilter<'a> {
    /// Tokens of which one is the fact's subject.
    pub subjects: &'a [ClaimToken],
    /// Only these kinds; all when empty.
    pub kinds: &'a [EventType],
    /// Begin of the time span, inclusive: facts that end before it are left out.
    pub from: Timestamp,
    /// End of the time span, exclusive: facts that begin at it or after are left out.
    pub to: Timestamp,
    /// Where the page before ended: begin and record of its last fact.
    pub after: Option<(Timestamp, RecordId)>,
    /// At most so many.
    pub limit: i64,
    /// Only what had been read by then; all that is known unless stated.
    pub known_at: Option<Timestamp>,
}

#[derive(FromRow)]
pub(super) struct FactColumns {
    record_id: Uuid,
    kind: i16,
    version: i64,
    event_id: Uuid,
    source: String,
    subject: Option<Uuid>,
    started_at: PgInstant,
    ended_at: Option<PgInstant>,
    place_id: Option<String>,
    detail: Json<Value>,
}

impl TryFrom<FactColumns> for FactRow {
    type Error = Error;

    fn try_from(row: FactColumns) -> Result<Self> {
        Ok(Self {
            record_id: RecordId::from_uuid(row.record_id),
            kind: kind_from_code(row.kind)?,
            version: row.version,
            event_id: EventId::from_uuid(row.event_id),
            source: row.source,
            subject: row.subject.map(|token| ClaimToken::from_bytes(token.into_bytes())),
            started_at: row.started_at.0,
            ended_at: time(row.ended_at),
            place_id: row.place_id,
            detail: row.detail.0,
        })
    }
}

/// Facts by subject and time span, by begin and record. A record with several kinds of facts at one instant is not
/// torn apart by paging as long as `limit` is larger than the number of kinds.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_facts(conn: &mut PgConnection, filter: &FactFilter<'_>) -> Result<Vec<FactRow>> {
    let kinds: Vec<i16> = match filter.kinds {
        [] => EventType::ALL.iter().copied().map(kind_code).collect(),
        kinds => kinds.iter().copied().map(kind_code).collect(),
    };
    macro_rules! of {
        ($table:literal) => {
            concat!(
                "SELECT record_id, kind, version, event_id, source, subject, started_at, ended_at, place_id, detail
                 FROM ",
                $table,
                " WHERE subject = ANY($1) AND NOT retracted AND kind = ANY($2)
                   AND started_at < $4 AND (started_at >= $3 OR ended_at >= $3)
                   AND ($5::timestamptz IS NULL OR (started_at, record_id) > ($5, $6))
                 ORDER BY started_at, record_id, kind
                 LIMIT $7"
            )
        };
    }
    let query = match filter.known_at {
        None => sqlx::query_as(of!("fact")),
        Some(_) => sqlx::query_as(of!("fact_known($8)")),
    };
    let mut query = query
        .bind(uuids(filter.subjects))
        .bind(kinds)
        .bind(PgInstant(filter.from))
        .bind(PgInstant(filter.to))
        .bind(filter.after.map(|(time, _)| PgInstant(time)))
        .bind(filter.after.map(|(_, record)| record.as_uuid()))
        .bind(filter.limit);
    if let Some(known_at) = filter.known_at {
        query = query.bind(PgInstant(known_at));
    }
    let rows: Vec<FactColumns> = query.fetch_all(conn).await?;
    rows.into_iter().map(FactRow::try_from).collect()
}

/// How many facts each of the tokens is the subject of, within a time span.
///
/// # Errors
/// When the database cannot be reached.
pub async fn count_facts(
    conn: &mut PgConnection,
    subjects: &[ClaimToken],
    from: Timestamp,
    to: Timestamp,
) -> Result<i64> {
    let count = sqlx::query_scalar(
        "SELECT count(*) FROM fact WHERE subject = ANY($1) AND NOT retracted AND started_at < $3
           AND (started_at >= $2 OR ended_at >= $2)",
    );
    Ok(count.bind(uuids(subjects)).bind(PgInstant(from)).bind(PgInstant(to)).fetch_one(conn).await?)
}

#[derive(FromRow)]
pub(crate) struct LinkColumns {
    record_a: Uuid,
    record_b: Uuid,
    weight: f64,
    parts: Json<Value>,
    model_version: String,
}

impl From<LinkColumns> for LinkRow {
    fn from(row: LinkColumns) -> Self {
        Self {
            record_a: RecordId::from_uuid(row.record_a),
            record_b: RecordId::from_uuid(row.record_b),
            weight: row.weight,
            parts: row.parts.0,
            model_version: row.model_version,
        }
    }
}

/// Why the records of a person are one person: its links, strongest first; at most `limit`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_links_of_person(conn: &mut PgConnection, person: PersonId, limit: i64) -> Result<Vec<LinkRow>> {
    let rows: Vec<LinkColumns> = sqlx::query_as(
        "SELECT record_a, record_b, weight, parts, model_version FROM link WHERE person_id = $1
         ORDER BY weight DESC, record_a, record_b LIMIT $2",
    )
    .bind(person.as_uuid())
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(LinkRow::from).collect())
}

/// The link that holds a person's records together least.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_weakest_link(conn: &mut PgConnection, person: PersonId) -> Result<Option<LinkRow>> {
    let row: Option<LinkColumns> = sqlx::query_as(
        "SELECT record_a, record_b, weight, parts, model_version FROM link WHERE person_id = $1
         ORDER BY weight, record_a, record_b LIMIT 1",
    )
    .bind(person.as_uuid())
    .fetch_optional(conn)
    .await?;
    Ok(row.map(LinkRow::from))
}

#[derive(FromRow)]
struct PlaceColumns {
    record_id: Uuid,
    place_id: String,
    version: i64,
    source: String,
    parent_place_id: Option<String>,
    valid_from: Option<PgInstant>,
    valid_to: Option<PgInstant>,
    detail: Json<Value>,
}

impl TryFrom<PlaceColumns> for PlaceRow {
    type Error = Error;

    fn try_from(row: PlaceColumns) -> Result<Self> {
        let place: PlaceRef = serde_json::from_value(row.detail.0)
            .map_err(|source| Error::Document { column: "place.detail", source })?;
        Ok(Self {
            record_id: RecordId::from_uuid(row.record_id),
            place_id: row.place_id,
            version: row.version,
            source: row.source,
            parent_place_id: row.parent_place_id,
            valid_from: time(row.valid_from),
            valid_to: time(row.valid_to),
            place,
        })
    }
}

/// The registered places with these ids: per place all its rows, the latest interval first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_places(conn: &mut PgConnection, places: &[String]) -> Result<BTreeMap<String, Vec<PlaceRow>>> {
    let rows: Vec<PlaceColumns> = sqlx::query_as(
        "SELECT record_id, place_id, version, source, parent_place_id, valid_from, valid_to, detail
         FROM place WHERE place_id = ANY($1) AND NOT retracted
         ORDER BY place_id, valid_from DESC NULLS LAST, record_id",
    )
    .bind(places)
    .fetch_all(conn)
    .await?;
    let mut found: BTreeMap<String, Vec<PlaceRow>> = BTreeMap::new();
    for row in rows {
        let row = PlaceRow::try_from(row)?;
        found.entry(row.place_id.clone()).or_default().push(row);
    }
    Ok(found)
}

/// How much is in the views.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Persons.
    pub persons: i64,
    /// Source records that state something.
    pub records: i64,
    /// Facts.
    pub facts: i64,
    /// Records of the log that could not be read.
    pub quarantined: i64,
}

/// Counts rows; reads every table once.
///
/// # Errors
/// When the database cannot be reached.
pub async fn counts(conn: &mut PgConnection) -> Result<Counts> {
    let (persons, records, facts, quarantined) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM person), (SELECT count(*) FROM source_record WHERE NOT retracted),
                (SELECT count(*) FROM fact WHERE NOT retracted), (SELECT count(*) FROM projector_quarantine)",
    )
    .fetch_one(conn)
    .await?;
    Ok(Counts { persons, records, facts, quarantined })
}
