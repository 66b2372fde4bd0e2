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

/// Since when requests and approvals are good, in milliseconds since 1970.
#[derive(Clone, Copy, Debug)]
pub struct Since {
    /// A request that is older and was not agreed to has lapsed.
    pub asked_ms: i64,
    /// An approval that is older has lapsed.
    pub approved_ms: i64,
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameState {
    /// Nobody agreed yet.
    Asked,
    /// Somebody agreed; the name may be shown.
    Approved,
    /// Too much time went by.
    Lapsed,
    /// The name was shown.
    Shown,
}

impl NameState {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Asked, Self::Approved, Self::Lapsed, Self::Shown];

    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Approved => "approved",
            Self::Lapsed => "lapsed",
            Self::Shown => "shown",
        }
    }

    /// The state of this code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

impl NameRequest {
    /// Where it stands; what `list` goes by.
    pub fn state(&self, since: Since) -> NameState {
        match (self.approved_ms, self.shown_ms) {
            (_, Some(_)) => NameState::Shown,
            (Some(at), None) if at >= since.approved_ms => NameState::Approved,
            (None, None) if self.asked_ms >= since.asked_ms => NameState::Asked,
            _ => NameState::Lapsed,
        }
    }
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

/// Lists requests in a state, or all, newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(
    conn: &mut PgConnection,
    state: Option<NameState>,
    since: Since,
    limit: i64,
) -> Result<Vec<NameRequest>> {
    let sql = "SELECT * FROM audit.name_request
               WHERE $1::text IS NULL OR $1 = CASE
                   WHEN shown_ms IS NOT NULL THEN 'shown'
                   WHEN approved_ms >= $2 THEN 'approved'
                   WHEN approved_ms IS NULL AND asked_ms >= $3 THEN 'asked'
                   ELSE 'lapsed' END
               ORDER BY asked_ms DESC, request_id LIMIT $4";
    let rows = sqlx::query_as(sql).bind(state.map(NameState::code)).bind(since.approved_ms).bind(since.asked_ms);
    Ok(rows.bind(limit).fetch_all(conn).await?)
}

/// Notes who agreed; `false` when somebody did already, it is the one who asked, or the request has lapsed.
///
/// # Errors
/// When the database cannot be reached.
pub async fn approve(
    conn: &mut PgConnection,
    request: Uuid,
    handle: &str,
    (at_ms, since): (i64, Since),
) -> Result<bool> {
    let sql = "UPDATE audit.name_request SET approved_by = $2, approved_ms = $3
               WHERE request_id = $1 AND approved_by IS NULL AND asked_by <> $2 AND asked_ms >= $4";
    let done = sqlx::query(sql).bind(request).bind(handle).bind(at_ms).bind(since.asked_ms);
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// Uses a request up; `false` when it is not approved, was approved too long ago, was used, or is somebody else's.
///
/// # Errors
/// When the database cannot be reached.
pub async fn use_up(
    conn: &mut PgConnection,
    request: Uuid,
    handle: &str,
    (at_ms, since): (i64, Since),
) -> Result<bool> {
    let sql = "UPDATE audit.name_request SET shown_ms = $3
               WHERE request_id = $1 AND asked_by = $2 AND approved_ms >= $4 AND shown_ms IS NULL";
    let done = sqlx::query(sql).bind(request).bind(handle).bind(at_ms).bind(since.approved_ms);
    Ok(done.execute(conn).await?.rows_affected() == 1)
}
