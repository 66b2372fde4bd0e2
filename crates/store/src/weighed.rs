//! What the rules of suspicion made of entries of the access log. All of it can be made anew.

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::postgres::PgConnection;

use crate::Result;

/// An entry that was weighed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, sqlx::FromRow)]
pub struct WeighedRow {
    /// Index in the log.
    pub index: i64,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// The sum of the parts.
    pub score: i32,
    /// An auditor should look at it.
    pub alert: bool,
    /// How well it is explained, from 0 to 3.
    pub strength: i16,
    /// What explains it.
    pub explanations: Vec<String>,
    /// What the score is made of.
    pub parts: Value,
    /// Version of the rules.
    pub rules: String,
}

/// How many looks there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Counts {
    /// Entries that were weighed.
    pub weighed: i64,
    /// Of these, what nothing or only a claim explains.
    pub unexplained: i64,
    /// Of all, alerts.
    pub alerts: i64,
}

/// The index after the last row; `None` when there is no row.
///
/// # Errors
/// When the database cannot be reached.
pub async fn next_index(conn: &mut PgConnection) -> Result<Option<i64>> {
    let newest: Option<i64> = sqlx::query_scalar("SELECT max(index) FROM audit.weighed").fetch_one(conn).await?;
    Ok(newest.map(|newest| newest.saturating_add(1)))
}

/// Inserts rows; those that are there stay as they are.
///
/// # Errors
/// When the database cannot be reached.
pub async fn insert(conn: &mut PgConnection, rows: &[WeighedRow]) -> Result<()> {
    let sql = "INSERT INTO audit.weighed SELECT * FROM jsonb_populate_recordset(NULL::audit.weighed, $1) ON CONFLICT DO NOTHING";
    sqlx::query(sql).bind(sqlx::types::Json(rows)).execute(conn).await?;
    Ok(())
}

/// Deletes everything, when something of it was made by other rules; whether it was.
///
/// # Errors
/// When the database cannot be reached.
pub async fn delete_of_other_rules(conn: &mut PgConnection, rules: &str) -> Result<bool> {
    let sql = "DELETE FROM audit.weighed WHERE EXISTS (SELECT FROM audit.weighed WHERE rules <> $1)";
    Ok(sqlx::query(sql).bind(rules).execute(conn).await?.rows_affected() > 0)
}

/// Lists looks between two instants: what nothing explains first, then by score, then the newest.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(
    conn: &mut PgConnection,
    (from, until): (Option<Timestamp>, Option<Timestamp>),
    alerts_only: bool,
    (offset, limit): (i64, i64),
) -> Result<Vec<WeighedRow>> {
    Ok(sqlx::query_as(
        "SELECT * FROM audit.weighed
         WHERE ($1::bigint IS NULL OR at_ms >= $1) AND ($2::bigint IS NULL OR at_ms < $2) AND (alert OR NOT $3)
           AND NOT 'about-nobody' = ANY(explanations)
         ORDER BY strength, score DESC, index DESC OFFSET $4 LIMIT $5",
    )
    .bind(from.map(Timestamp::as_millis))
    .bind(until.map(Timestamp::as_millis))
    .bind(alerts_only)
    .bind(offset)
    .bind(limit)
    .persistent(false)
    .fetch_all(conn)
    .await?)
}

/// Counts looks between two instants.
///
/// # Errors
/// When the database cannot be reached.
pub async fn count(conn: &mut PgConnection, from: Option<Timestamp>, until: Option<Timestamp>) -> Result<Counts> {
    Ok(sqlx::query_as(
        "SELECT count(*) AS weighed, count(*) FILTER (WHERE strength < 2) AS unexplained,
                count(*) FILTER (WHERE alert) AS alerts
         FROM audit.weighed
         WHERE ($1::bigint IS NULL OR at_ms >= $1) AND ($2::bigint IS NULL OR at_ms < $2)
           AND NOT 'about-nobody' = ANY(explanations)",
    )
    .bind(from.map(Timestamp::as_millis))
    .bind(until.map(Timestamp::as_millis))
    .fetch_one(conn)
    .await?)
}
