//! Persons whose looks are told especially, and what the registers say of callers and persons.

use domain::{PersonId, Timestamp};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::{PgInstant, Result};

/// A marked person.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct MarkRow {
    /// The person, under the id of then.
    pub person_id: Uuid,
    /// `CANARY` or `PROMINENT`.
    pub mark: String,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Handle of the one who said so.
    pub handle: String,
}

/// Marks a person; it stays as it was when it is marked so already.
///
/// # Errors
/// When the database cannot be reached, or the mark is unknown.
pub async fn put(conn: &mut PgConnection, row: &MarkRow) -> Result<()> {
    let sql = "INSERT INTO audit.marked_person (person_id, mark, at_ms, handle) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    sqlx::query(sql).bind(row.person_id).bind(&row.mark).bind(row.at_ms).bind(&row.handle).execute(conn).await?;
    Ok(())
}

/// Takes all marks of a person away.
///
/// # Errors
/// When the database cannot be reached.
pub async fn delete(conn: &mut PgConnection, person: PersonId) -> Result<()> {
    let sql = "DELETE FROM audit.marked_person WHERE person_id = $1";
    sqlx::query(sql).bind(person.as_uuid()).execute(conn).await?;
    Ok(())
}

/// Lists marked persons, by id.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(conn: &mut PgConnection, limit: i64) -> Result<Vec<MarkRow>> {
    let sql = "SELECT person_id, mark, at_ms, handle FROM audit.marked_person ORDER BY person_id, mark LIMIT $1";
    Ok(sqlx::query_as(sql).bind(limit).fetch_all(conn).await?)
}

/// Ids of persons there are, from one on, by id.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_persons(conn: &mut PgConnection, after: Option<PersonId>, limit: i64) -> Result<Vec<PersonId>> {
    let sql = "SELECT person_id FROM person WHERE $1::uuid IS NULL OR person_id > $1 ORDER BY person_id LIMIT $2";
    ids(sql, conn, after, limit).await
}

/// Ids of persons there ever were, as far as history is kept.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_former(conn: &mut PgConnection, after: Option<PersonId>, limit: i64) -> Result<Vec<PersonId>> {
    let sql = "SELECT DISTINCT person_id FROM lineage.person_change
               WHERE ($1::uuid IS NULL OR person_id > $1) ORDER BY person_id LIMIT $2";
    ids(sql, conn, after, limit).await
}

async fn ids(sql: &'static str, conn: &mut PgConnection, after: Option<PersonId>, limit: i64) -> Result<Vec<PersonId>> {
    let after = after.map(|person| person.as_uuid());
    let ids: Vec<Uuid> = sqlx::query_scalar(sql).bind(after).bind(limit).fetch_all(conn).await?;
    Ok(ids.into_iter().map(PersonId::from_uuid).collect())
}

/// When the files of persons changed last, each at an instant or before it, in their order.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_changed(conn: &mut PgConnection, of: &[(PersonId, Timestamp)]) -> Result<Vec<Option<Timestamp>>> {
    let sql = "SELECT (SELECT max(at) FROM lineage.person_change WHERE person_id = asked.person_id AND at <= asked.at)
               FROM unnest($1::uuid[], $2::timestamptz[]) WITH ORDINALITY AS asked (person_id, at, place) ORDER BY place";
    let rows: Vec<Option<PgInstant>> = sqlx::query_scalar(sql)
        .bind(of.iter().map(|(person, _)| person.as_uuid()).collect::<Vec<_>>())
        .bind(of.iter().map(|(_, at)| PgInstant(*at)).collect::<Vec<_>>())
        .fetch_all(conn)
        .await?;
    Ok(rows.into_iter().map(|at| at.map(|at| at.0)).collect())
}
