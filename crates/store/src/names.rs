//! Requests for the name behind a handle of the access log.

use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::Result;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct NameRequest {
    /// Its id.
    pub request_id: Uuid,
    /// Handle of the person.
    pub subject: String,
    /// Entry of the access log that it is about.
    pub index: i64,
    /// Why.
    pub reason: String,
    /// Handle of the one who asks.
    pub asked_by: String,
    /// When, in milliseconds since 1970.
    pub asked_ms: i64,
    /// Handle of the one who agreed.
    pub approved_by: Option<String>,
    /// When.
    pub approved_ms: Option<i64>,
    /// When the name was shown.
    pub shown_ms: Option<i64>,
}

/// Inserts a request.
///
/// # Errors
/// When the database cannot be reached.
pub async fn insert(conn: &mut PgConnection, request: &NameRequest) -> Result<()> {
    let sql = "INSERT INTO audit.name_request (request_id, subject, index, reason, asked_by, asked_ms) VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(sql)
        .bind(request.request_id)
        .bind(&request.subject)
        .bind(request.index)
        .bind(&request.reason)
        .bind(&request.asked_by)
        .bind(request.asked_ms)
        .execute(conn)
        .await?;
    Ok(())
}

/// Finds a request.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find(conn: &mut PgConnection, request: Uuid) -> Result<Option<NameRequest>> {
    let sql = "SELECT * FROM audit.name_request WHERE request_id = $1";
    Ok(sqlx::query_as(sql).bind(request).fetch_optional(conn).await?)
}

/// Lists requests, newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(conn: &mut PgConnection, limit: i64) -> Result<Vec<NameRequest>> {
    let sql = "SELECT * FROM audit.name_request ORDER BY asked_ms DESC, request_id LIMIT $1";
    Ok(sqlx::query_as(sql).bind(limit).fetch_all(conn).await?)
}

/// Notes who agreed; `false` when somebody did already, or it is the one who asked.
///
/// # Errors
/// When the database cannot be reached.
pub async fn approve(conn: &mut PgConnection, request: Uuid, handle: &str, at_ms: i64) -> Result<bool> {
    let sql = "UPDATE audit.name_request SET approved_by = $2, approved_ms = $3
               WHERE request_id = $1 AND approved_by IS NULL AND asked_by <> $2";
    Ok(sqlx::query(sql).bind(request).bind(handle).bind(at_ms).execute(conn).await?.rows_affected() == 1)
}

/// Uses a request up; `false` when it is not approved, was used, or is somebody else's.
///
/// # Errors
/// When the database cannot be reached.
pub async fn use_up(conn: &mut PgConnection, request: Uuid, handle: &str, at_ms: i64) -> Result<bool> {
    let sql = "UPDATE audit.name_request SET shown_ms = $3
               WHERE request_id = $1 AND asked_by = $2 AND approved_by IS NOT NULL AND shown_ms IS NULL";
    Ok(sqlx::query(sql).bind(request).bind(handle).bind(at_ms).execute(conn).await?.rows_affected() == 1)
}
