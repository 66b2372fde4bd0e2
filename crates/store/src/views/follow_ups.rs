//! Follow-ups of people who met a case, with every step that was taken.

use std::collections::BTreeMap;

use domain::{EventId, FollowUpChanged, RecordId, Timestamp};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::residents::end_of;
use super::write::{ROWS_PER_STATEMENT, column};
use crate::{Error, PgInstant, Result};

/// A step of a follow-up, with what holds after it. That of the highest version is the follow-up as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct FollowUpRow {
    /// Which follow-up.
    pub follow_up_id: RecordId,
    /// Which step, from 1.
    pub version: i64,
    /// The event.
    pub event_id: EventId,
    /// When it was done.
    pub at: Timestamp,
    /// What was done, and what holds after it.
    pub body: FollowUpChanged,
}

/// Which follow-ups.
#[derive(Clone, Copy, Debug)]
pub enum FollowUpsOf<'a> {
    /// Those that a unit or one below it has, or is offered.
    Unit(&'a str),
    /// Those of a case.
    Case(RecordId),
    /// Those about whoever holds these records.
    Records(&'a [RecordId]),
    /// Those that no unit has.
    Nobody,
    /// All of them, as they were at an instant.
    EverybodyAt(Timestamp),
}

#[derive(FromRow)]
struct FollowUpColumns {
    follow_up_id: Uuid,
    version: i64,
    event_id: Uuid,
    at: PgInstant,
    detail: Json<serde_json::Value>,
}

impl TryFrom<FollowUpColumns> for FollowUpRow {
    type Error = Error;

    fn try_from(row: FollowUpColumns) -> Result<Self> {
        let body = serde_json::from_value(row.detail.0);
        Ok(Self {
            follow_up_id: RecordId::from_uuid(row.follow_up_id),
            version: row.version,
            event_id: EventId::from_uuid(row.event_id),
            at: row.at.0,
            body: body.map_err(|source| Error::Document { column: "follow_up.detail", source })?,
        })
    }
}

/// Follow-ups as they are, or were at the instant that is asked for, by id.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_follow_ups(conn: &mut PgConnection, of: FollowUpsOf<'_>) -> Result<Vec<FollowUpRow>> {
    let rows: Vec<FollowUpColumns> = match of {
        FollowUpsOf::Unit(unit) => {
            sqlx::query_as(
                "SELECT f.follow_up_id, f.version, f.event_id, f.at, f.detail FROM follow_up f
                 WHERE ((f.unit >= $1 AND f.unit < $2) OR (f.offered_to >= $1 AND f.offered_to < $2))
                   AND NOT EXISTS (SELECT FROM follow_up later WHERE later.follow_up_id = f.follow_up_id AND later.version > f.version)
                 ORDER BY f.follow_up_id",
            )
            .bind(unit)
            .bind(end_of(unit))
            .fetch_all(conn)
            .await?
        }
        FollowUpsOf::Case(case) => {
            sqlx::query_as(
                "SELECT f.follow_up_id, f.version, f.event_id, f.at, f.detail FROM follow_up f
                 WHERE f.case_id = $1
                   AND NOT EXISTS (SELECT FROM follow_up later WHERE later.follow_up_id = f.follow_up_id AND later.version > f.version)
                 ORDER BY f.follow_up_id",
            )
            .bind(case.as_uuid())
            .fetch_all(conn)
            .await?
        }
        FollowUpsOf::Records(records) => {
            let records: Vec<Uuid> = records.iter().map(|record| record.as_uuid()).collect();
            sqlx::query_as(
                "SELECT f.follow_up_id, f.version, f.event_id, f.at, f.detail FROM follow_up f
                 WHERE f.record_id = ANY($1)
                   AND NOT EXISTS (SELECT FROM follow_up later WHERE later.follow_up_id = f.follow_up_id AND later.version > f.version)
                 ORDER BY f.follow_up_id",
            )
            .bind(records)
            .fetch_all(conn)
            .await?
        }
        FollowUpsOf::Nobody => {
            sqlx::query_as(
                "SELECT f.follow_up_id, f.version, f.event_id, f.at, f.detail FROM follow_up f
                 WHERE f.unit IS NULL
                   AND NOT EXISTS (SELECT FROM follow_up later WHERE later.follow_up_id = f.follow_up_id AND later.version > f.version)
                 ORDER BY f.follow_up_id",
            )
            .fetch_all(conn)
            .await?
        }
        FollowUpsOf::EverybodyAt(at) => {
            sqlx::query_as(
                "SELECT DISTINCT ON (follow_up_id) follow_up_id, version, event_id, at, detail FROM follow_up
                 WHERE at <= $1 ORDER BY follow_up_id, version DESC",
            )
            .bind(PgInstant(at))
            .fetch_all(conn)
            .await?
        }
    };
    rows.into_iter().map(FollowUpRow::try_from).collect()
}

/// Every step of a follow-up, the first one first; none when there is no such follow-up.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_steps(conn: &mut PgConnection, follow_up: RecordId) -> Result<Vec<FollowUpRow>> {
    let rows: Vec<FollowUpColumns> = sqlx::query_as(
        "SELECT follow_up_id, version, event_id, at, detail FROM follow_up WHERE follow_up_id = $1 ORDER BY version",
    )
    .bind(follow_up.as_uuid())
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(FollowUpRow::try_from).collect()
}

/// The records that share their persons with these, by record asked about: whoever holds one holds the others.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_records_beside(
    conn: &mut PgConnection,
    records: &[RecordId],
) -> Result<BTreeMap<RecordId, Vec<RecordId>>> {
    let ids: Vec<Uuid> = records.iter().map(|record| record.as_uuid()).collect();
    let rows: Vec<(Uuid, Uuid)> = sqlx::query_as(
        "SELECT asked.record_id, beside.record_id FROM source_record asked JOIN source_record beside USING (person_id)
         WHERE asked.record_id = ANY($1)",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    let mut found: BTreeMap<RecordId, Vec<RecordId>> = BTreeMap::new();
    for (asked, beside) in rows {
        found.entry(RecordId::from_uuid(asked)).or_default().push(RecordId::from_uuid(beside));
    }
    Ok(found)
}

/// Of two steps of one version the first on the log counts.
pub(super) async fn put_follow_ups(conn: &mut PgConnection, steps: &[FollowUpRow]) -> Result<()> {
    let steps: Vec<&FollowUpRow> = steps.iter().collect();
    for rows in steps.chunks(ROWS_PER_STATEMENT) {
        let details: Vec<String> = rows
            .iter()
            .map(|row| serde_json::to_string(&row.body))
            .collect::<std::result::Result<_, _>>()
            .map_err(|source| Error::Document { column: "follow_up.detail", source })?;
        sqlx::query(
            "INSERT INTO follow_up (follow_up_id, version, event_id, at, detail)
             SELECT a, b, c, d, e::jsonb
             FROM UNNEST($1::uuid[], $2::bigint[], $3::uuid[], $4::timestamptz[], $5::text[]) AS put(a, b, c, d, e)
             ON CONFLICT DO NOTHING",
        )
        .bind(column(rows, |r| r.follow_up_id.as_uuid()))
        .bind(column(rows, |r| r.version))
        .bind(column(rows, |r| r.event_id.as_uuid()))
        .bind(column(rows, |r| PgInstant(r.at)))
        .bind(details.iter().map(|detail| detail.replace("\\u0000", "\\ufffd")).collect::<Vec<_>>())
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}
