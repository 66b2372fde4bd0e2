//! Case files of looks that somebody doubts: what was said of an entry of the access log, by whom, and why.
//!
//! Acts are only added. The last act of an entry is its state.

use sqlx::postgres::PgConnection;

use crate::Result;

/// Something that was said of an entry.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Act {
    /// Index of the entry in the access log.
    pub index: i64,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
    /// Handle of the one who said it.
    pub handle: String,
    /// What was said.
    pub verdict: String,
    /// Why.
    pub reason: String,
}

/// Adds an act.
///
/// # Errors
/// When the database cannot be reached.
pub async fn insert(conn: &mut PgConnection, act: &Act) -> Result<()> {
    let sql = "INSERT INTO audit.suspicion_act (index, at_ms, handle, verdict, reason) VALUES ($1, $2, $3, $4, $5)";
    sqlx::query(sql)
        .bind(act.index)
        .bind(act.at_ms)
        .bind(&act.handle)
        .bind(&act.verdict)
        .bind(&act.reason)
        .execute(conn)
        .await?;
    Ok(())
}

/// Lists the acts about these entries, by entry, oldest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(conn: &mut PgConnection, indices: &[i64]) -> Result<Vec<Act>> {
    let sql = "SELECT index, at_ms, handle, verdict, reason FROM audit.suspicion_act WHERE index = ANY($1) ORDER BY index, seq";
    Ok(sqlx::query_as(sql).bind(indices).fetch_all(conn).await?)
}

/// Lists entries that somebody doubts by the state of their case files, those that have waited longest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_entries(conn: &mut PgConnection, decided: bool, after: i64, limit: i64) -> Result<Vec<i64>> {
    Ok(sqlx::query_scalar(
        "SELECT index FROM (SELECT DISTINCT ON (index) index, verdict FROM audit.suspicion_act ORDER BY index, seq DESC) last
         WHERE (verdict IN ('JUSTIFIED', 'MISUSE')) = $1 AND index > $2 ORDER BY index LIMIT $3",
    )
    .bind(decided)
    .bind(after)
    .bind(limit)
    .fetch_all(conn)
    .await?)
}
