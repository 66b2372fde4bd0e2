//! Who lives in a unit, and who belongs to the households there.

use domain::{Day, EventType, PersonId, Timestamp, unit};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::FactRow;
use super::read::FactColumns;
use super::rows::kind_code;
use crate::{PgInstant, Result};

/// Where somebody lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResidentRow {
    /// The person.
    pub person_id: PersonId,
    /// Code of the unit that looks after the person, as close as it is known.
    pub home: Option<String>,
    /// Day of birth.
    pub birth: Option<Day>,
}

#[derive(FromRow)]
struct ResidentColumns {
    person_id: Uuid,
    home: Option<String>,
    birth: Option<i32>,
}

impl From<ResidentColumns> for ResidentRow {
    fn from(row: ResidentColumns) -> Self {
        Self {
            person_id: PersonId::from_uuid(row.person_id),
            home: row.home,
            birth: row.birth.map(Day::from_epoch_days),
        }
    }
}

/// The first code behind all those of the unit, in the order of bytes.
pub(super) fn end_of(code: &str) -> String {
    let behind = if unit::has_units_below(code) { '~' } else { '\u{1}' };
    format!("{code}{behind}")
}

/// Whether anybody lives in a unit or in one below it, or is registered in this very one.
///
/// # Errors
/// When the database cannot be reached.
pub async fn is_unit_of_somebody(conn: &mut PgConnection, unit: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM person WHERE home >= $1 AND home < $2)
                   OR EXISTS (SELECT FROM person WHERE $1 = ANY (units))";
    Ok(sqlx::query_scalar(sql).bind(unit).bind(end_of(unit)).fetch_one(conn).await?)
}

/// The residents of a unit and of those below it, by id.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_residents(conn: &mut PgConnection, unit: &str) -> Result<Vec<ResidentRow>> {
    let rows: Vec<ResidentColumns> = sqlx::query_as(
        "SELECT person_id, home, (golden->'birth_date'->>'value')::int AS birth FROM person
         WHERE home >= $1 AND home < $2 ORDER BY person_id",
    )
    .bind(unit)
    .bind(end_of(unit))
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ResidentRow::from).collect())
}

/// The codes of units that somebody lives in, in the order of bytes: those of the unit or all, after a code, at most so many.
/// Each costs one step of the index, however many live there.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_homes_in(
    conn: &mut PgConnection,
    within: Option<&str>,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<String>> {
    let codes: Vec<String> = sqlx::query_scalar(
        "WITH RECURSIVE unit(home) AS (
             (SELECT home FROM person WHERE home >= $1 AND home < $2 AND home > $3 ORDER BY home LIMIT 1)
             UNION ALL
             SELECT (SELECT p.home FROM person p WHERE p.home > unit.home AND p.home < $2 ORDER BY p.home LIMIT 1)
             FROM unit WHERE unit.home IS NOT NULL)
         SELECT home FROM unit WHERE home IS NOT NULL LIMIT $4",
    )
    .bind(within.unwrap_or_default())
    .bind(within.map_or_else(|| "~".to_owned(), end_of))
    .bind(after.unwrap_or_default())
    .bind(limit)
    .fetch_all(conn)
    .await?;
    Ok(codes)
}

/// Where these persons live, by id.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_homes(conn: &mut PgConnection, persons: &[PersonId]) -> Result<Vec<ResidentRow>> {
    let ids: Vec<Uuid> = persons.iter().map(|person| person.as_uuid()).collect();
    let rows: Vec<ResidentColumns> = sqlx::query_as(
        "SELECT person_id, home, (golden->'birth_date'->>'value')::int AS birth FROM person
         WHERE person_id = ANY($1) ORDER BY person_id",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(ResidentRow::from).collect())
}

/// Facts of one kind whose subject is a token that a resident of the unit claims, or one of their records. Whose a fact is
/// remains to be decided.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_facts_of_unit(conn: &mut PgConnection, unit: &str, kind: EventType) -> Result<Vec<FactRow>> {
    let rows: Vec<FactColumns> = sqlx::query_as(
        "WITH record AS MATERIALIZED (
             SELECT r.record_id FROM person p JOIN source_record r USING (person_id) WHERE p.home >= $1 AND p.home < $2
         ), token AS MATERIALIZED (
             SELECT record_id AS token FROM record
             UNION SELECT c.token FROM record JOIN claim c USING (record_id) WHERE c.role > 0
         )
         SELECT f.record_id, f.kind, f.version, f.event_id, f.source, f.subject, f.started_at, f.ended_at, f.place_id, f.detail
         FROM token JOIN fact f ON f.subject = token.token
         WHERE f.kind = $3 AND NOT f.retracted
         ORDER BY f.record_id",
    )
    .bind(unit)
    .bind(end_of(unit))
    .bind(kind_code(kind))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(FactRow::try_from).collect()
}

/// Everything that is stated about who belongs to these households.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_memberships(conn: &mut PgConnection, households: &[String]) -> Result<Vec<FactRow>> {
    let rows: Vec<FactColumns> = sqlx::query_as(
        "SELECT record_id, kind, version, event_id, source, subject, started_at, ended_at, place_id, detail
         FROM fact WHERE kind = 9 AND NOT retracted AND detail->>'household_id' = ANY($1) ORDER BY record_id",
    )
    .bind(households)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(FactRow::try_from).collect()
}

/// Readings of the meters of these accounts between two instants, both included, in order of time.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_meter_readings(
    conn: &mut PgConnection,
    accounts: &[String],
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<FactRow>> {
    let rows: Vec<FactColumns> = sqlx::query_as(
        "SELECT record_id, kind, version, event_id, source, subject, started_at, ended_at, place_id, detail
         FROM fact WHERE kind = 10 AND NOT retracted AND detail->>'account_id' = ANY($1)
           AND started_at >= $2 AND started_at <= $3
         ORDER BY started_at, record_id",
    )
    .bind(accounts)
    .bind(PgInstant(from))
    .bind(PgInstant(to))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(FactRow::try_from).collect()
}
