//! Callers of the query API, found by the hash of their token.
//!
//! Invariant: a disabled or barred caller is not found. The look-up goes to the database on every call, so that a caller who
//! is disabled is out with the next call.

use access::{Caller, Role, TokenHash};
use domain::{ClaimToken, Timestamp};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::{Error, PgInstant, Result};

/// A caller as the register lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedCaller {
    /// The caller.
    pub caller: Caller,
    /// Since when the token opens nothing; `None` while it does.
    pub disabled_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct CallerRow {
    handle: String,
    organisation: String,
    role: String,
    unit: Option<String>,
    own_claim: Option<Uuid>,
    disabled_at: Option<PgInstant>,
}

impl TryFrom<CallerRow> for ListedCaller {
    type Error = Error;

    fn try_from(row: CallerRow) -> Result<Self> {
        let role = Role::from_code(&row.role).ok_or(Error::Code("caller.role"))?;
        Ok(Self {
            caller: Caller {
                handle: row.handle,
                organisation: row.organisation,
                role,
                unit: row.unit,
                own_claim: row.own_claim.map(|uuid| ClaimToken::from_bytes(uuid.into_bytes())),
            },
            disabled_at: row.disabled_at.map(|at| at.0),
        })
    }
}

/// Finds the caller whose token has this hash; `None` for an unknown token and for a disabled caller.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_by_token(conn: &mut PgConnection, token: &TokenHash) -> Result<Option<Caller>> {
    let row: Option<CallerRow> = sqlx::query_as(
        "SELECT handle, organisation, role, unit, own_claim, disabled_at
         FROM access.caller WHERE token_sha256 = $1 AND disabled_at IS NULL
           AND handle NOT IN (SELECT handle FROM access.barred)",
    )
    .bind(token.as_bytes().as_slice())
    .fetch_optional(conn)
    .await?;
    row.map(ListedCaller::try_from).transpose().map(|found| found.map(|listed| listed.caller))
}

/// Whether the token of this SHA-256 is that of a caller of a role who may call.
///
/// # Errors
/// When the database cannot be reached.
pub async fn has_role(conn: &mut PgConnection, token_sha256: &[u8; 32], role: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM access.caller WHERE token_sha256 = $1 AND role = $2 AND disabled_at IS NULL
                                AND handle NOT IN (SELECT handle FROM access.barred))";
    Ok(sqlx::query_scalar(sql).bind(token_sha256.as_slice()).bind(role).fetch_one(conn).await?)
}

/// Whether anybody works for this very unit.
///
/// # Errors
/// When the database cannot be reached.
pub async fn works_for(conn: &mut PgConnection, unit: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM access.caller WHERE unit = $1 AND disabled_at IS NULL)";
    Ok(sqlx::query_scalar(sql).bind(unit).fetch_one(conn).await?)
}

/// Whether the callers of this handle are out, whoever issued their tokens.
///
/// # Errors
/// When the database cannot be reached.
pub async fn is_barred(conn: &mut PgConnection, handle: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM access.barred WHERE handle = $1)";
    Ok(sqlx::query_scalar(sql).bind(handle).fetch_one(conn).await?)
}

/// Bars a handle, known here or not; `false` when it is barred already.
///
/// # Errors
/// When the database refuses: the handle is none.
pub async fn bar(conn: &mut PgConnection, handle: &str, at: Timestamp) -> Result<bool> {
    let sql = "INSERT INTO access.barred (handle, barred_at) VALUES ($1, $2) ON CONFLICT DO NOTHING";
    let done = sqlx::query(sql).bind(handle).bind(PgInstant(at)).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// Lets a barred handle in again; `false` when it is not barred.
///
/// # Errors
/// When the database cannot be reached.
pub async fn unbar(conn: &mut PgConnection, handle: &str) -> Result<bool> {
    let done = sqlx::query("DELETE FROM access.barred WHERE handle = $1").bind(handle).execute(conn).await?;
    Ok(done.rows_affected() == 1)
}

/// Finds a caller by handle, also a disabled one.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_by_handle(conn: &mut PgConnection, handle: &str) -> Result<Option<ListedCaller>> {
    let row: Option<CallerRow> = sqlx::query_as(
        "SELECT handle, organisation, role, unit, own_claim, disabled_at FROM access.caller WHERE handle = $1",
    )
    .bind(handle)
    .fetch_optional(conn)
    .await?;
    row.map(ListedCaller::try_from).transpose()
}

/// Lists callers by handle.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(conn: &mut PgConnection, limit: i64) -> Result<Vec<ListedCaller>> {
    let rows: Vec<CallerRow> = sqlx::query_as(
        "SELECT handle, organisation, role, unit, own_claim, disabled_at
         FROM access.caller ORDER BY handle LIMIT $1",
    )
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(ListedCaller::try_from).collect()
}

/// Writes a caller with the hash of its token. A caller with this handle is replaced, its old token opens nothing any
/// more, and it is enabled again.
///
/// # Errors
/// When the database refuses: a community worker without unit, a resident without own claim, a token in use.
pub async fn put(conn: &mut PgConnection, caller: &Caller, token: &TokenHash) -> Result<()> {
    sqlx::query(
        "INSERT INTO access.caller (handle, token_sha256, organisation, role, unit, own_claim)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (handle) DO UPDATE SET token_sha256 = excluded.token_sha256,
             organisation = excluded.organisation, role = excluded.role, unit = excluded.unit,
             own_claim = excluded.own_claim, disabled_at = NULL",
    )
    .bind(&caller.handle)
    .bind(token.as_bytes().as_slice())
    .bind(&caller.organisation)
    .bind(caller.role.code())
    .bind(&caller.unit)
    .bind(caller.own_claim.map(ClaimToken::as_uuid))
    .execute(conn)
    .await?;
    Ok(())
}

/// Disables a caller; `false` when there is none with this handle or it is disabled already.
///
/// # Errors
/// When the database cannot be reached.
pub async fn disable(conn: &mut PgConnection, handle: &str, at: Timestamp) -> Result<bool> {
    let done = sqlx::query("UPDATE access.caller SET disabled_at = $2 WHERE handle = $1 AND disabled_at IS NULL")
        .bind(handle)
        .bind(PgInstant(at))
        .execute(conn)
        .await?;
    Ok(done.rows_affected() == 1)
}
