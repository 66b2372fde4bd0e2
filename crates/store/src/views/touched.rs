//! Which subjects a follower of whereabouts has to look at again.
//!
//! The projector is the only writer and one transaction follows the other, so numbers are in the order of commits.

use std::collections::BTreeSet;

use domain::{ClaimRole, ClaimToken};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::whereabouts::KINDS;
use super::write::Changes;
use crate::Result;

/// So many of the last are kept.
const KEPT: i64 = 500_000;
/// How many more there may be before old ones are removed, so that removing is rare.
const SLACK: i64 = 100_000;

/// Notes the subjects whose whereabouts or owner the changes make others. Call it before the changes are written: what a
/// record claimed until now counts, too.
/// `subjects_before` are those of facts that the changes may replace.
pub(super) async fn touch(
    conn: &mut PgConnection,
    changes: &Changes,
    subjects_before: impl Iterator<Item = ClaimToken>,
) -> Result<()> {
    let claims =
        changes.claims.iter().filter(|(_, stated)| stated.role > ClaimRole::NameKey).map(|(_, c)| c.claim.token);
    let removed =
        changes.claims_removed.iter().filter(|(.., role)| *role > ClaimRole::NameKey).map(|(_, token, _)| *token);
    let facts = changes.facts.iter().filter(|fact| KINDS.contains(&fact.kind));
    let stated = facts.filter_map(|fact| fact.subject);
    let subjects = claims.chain(removed).chain(stated).chain(subjects_before);
    let subjects: BTreeSet<Uuid> = subjects.map(ClaimToken::as_uuid).collect();
    let records = changes.records.iter().map(|put| put.record_id);
    let moved = changes.record_persons.iter().map(|(record, _)| *record);
    let records: BTreeSet<Uuid> = records.chain(moved).map(|record| record.as_uuid()).collect();
    if !(subjects.is_empty() && records.is_empty()) {
        sqlx::query(
            "INSERT INTO touched (subject)
             SELECT * FROM UNNEST($1::uuid[])
             UNION SELECT * FROM UNNEST($2::uuid[])
             UNION SELECT token FROM claim WHERE record_id = ANY($2) AND role > 0",
        )
        .bind(subjects.into_iter().collect::<Vec<_>>())
        .bind(records.into_iter().collect::<Vec<_>>())
        .execute(&mut *conn)
        .await?;
    }
    if !changes.places.is_empty() {
        sqlx::query("INSERT INTO touched (subject) VALUES (NULL)").execute(&mut *conn).await?;
    }
    sqlx::query(
        "DELETE FROM touched WHERE seq <= (SELECT max(seq) FROM touched) - $1
             AND (SELECT max(seq) - min(seq) FROM touched) > $1 + $2",
    )
    .bind(KEPT)
    .bind(SLACK)
    .execute(&mut *conn)
    .await?;
    Ok(())
}

/// What was touched since a follower looked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// These subjects.
    Subjects(Vec<ClaimToken>),
    /// Places, or more than is kept: anybody.
    Anybody,
}

/// Number of the last touch; 0 before the first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn last_touched(conn: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT coalesce(max(seq), 0) FROM touched").fetch_one(conn).await?)
}

/// What was touched after a number of the same views; more than `most` subjects are anybody.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_touched(conn: &mut PgConnection, after: i64, most: i64) -> Result<Touched> {
    let (first, last): (Option<i64>, Option<i64>) =
        sqlx::query_as("SELECT min(seq), max(seq) FROM touched").fetch_one(&mut *conn).await?;
    if first.unwrap_or(1) > after + 1 || last.unwrap_or(0) < after {
        return Ok(Touched::Anybody);
    }
    let subjects: Vec<Option<Uuid>> =
        sqlx::query_scalar("SELECT DISTINCT subject FROM touched WHERE seq > $1 LIMIT $2")
            .bind(after)
            .bind(most.saturating_add(1))
            .fetch_all(conn)
            .await?;
    let is_anybody = subjects.len() as i64 > most || subjects.contains(&None);
    let tokens = || subjects.iter().flatten().map(|subject| ClaimToken::from_bytes(subject.into_bytes()));
    Ok(if is_anybody { Touched::Anybody } else { Touched::Subjects(tokens().collect()) })
}
