//! Emergency grants: what was asked for, and what was done about it. Rows are only added.
//!
//! What is here proves nothing by itself: a grant's id is a hash of its row, and its approvals stand in the access log.

use access::{
    ActDone, FieldGroup, FieldGroups, GrantAct, GrantId, GrantReason, GrantRequest, GrantScope, Purpose, Role,
};
use domain::Timestamp;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::{Error, Result};

/// An act, and where the access log says the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActRow {
    /// The grant.
    pub grant: GrantId,
    /// What was done, by whom and when.
    pub done: ActDone,
    /// Why it was stopped, or what a review came to.
    pub reason: Option<String>,
    /// Index of the entry in the access log.
    pub ledger_index: i64,
}

#[derive(sqlx::FromRow)]
struct RequestRow {
    grant_id: Uuid,
    area: String,
    purpose: String,
    roles: Vec<String>,
    groups: Vec<String>,
    reason: String,
    minutes: i32,
    requester: String,
    unit: String,
    requested_ms: i64,
    nonce: Uuid,
}

impl TryFrom<RequestRow> for (GrantId, GrantRequest) {
    type Error = Error;

    fn try_from(row: RequestRow) -> Result<Self> {
        let roles = row.roles.iter().map(|code| Role::from_code(code)).collect::<Option<_>>();
        let groups = row.groups.iter().map(|code| FieldGroup::from_code(code)).collect::<Option<FieldGroups>>();
        let scope = GrantScope {
            area: row.area,
            purpose: Purpose::from_code(&row.purpose).ok_or(Error::Code("grant_request.purpose"))?,
            roles: roles.ok_or(Error::Code("grant_request.roles"))?,
            groups: groups.ok_or(Error::Code("grant_request.groups"))?,
        };
        let request = GrantRequest {
            scope,
            reason: GrantReason::from_code(&row.reason).ok_or(Error::Code("grant_request.reason"))?,
            minutes: u32::try_from(row.minutes).unwrap_or(0),
            requester: row.requester,
            unit: row.unit,
            at: Timestamp::from_millis(row.requested_ms),
            nonce: row.nonce.into_bytes(),
        };
        Ok((GrantId(row.grant_id.into_bytes()), request))
    }
}

#[derive(sqlx::FromRow)]
struct ActColumns {
    grant_id: Uuid,
    act: String,
    handle: String,
    unit: String,
    at_ms: i64,
    reason: Option<String>,
    ledger_index: i64,
}

impl TryFrom<ActColumns> for ActRow {
    type Error = Error;

    fn try_from(row: ActColumns) -> Result<Self> {
        let act = GrantAct::from_code(&row.act).ok_or(Error::Code("grant_act.act"))?;
        let done = ActDone { act, handle: row.handle, unit: row.unit, at: Timestamp::from_millis(row.at_ms) };
        let grant = GrantId(row.grant_id.into_bytes());
        Ok(Self { grant, done, reason: row.reason, ledger_index: row.ledger_index })
    }
}

/// Inserts a request.
///
/// # Errors
/// When the database cannot be reached, or refuses.
pub async fn insert(conn: &mut PgConnection, request: &GrantRequest) -> Result<()> {
    let GrantRequest { scope, reason, minutes, requester, unit, at, nonce } = request;
    sqlx::query(
        "INSERT INTO access.grant_request
             (grant_id, area, purpose, roles, groups, reason, minutes, requester, unit, requested_ms, nonce)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(Uuid::from_bytes(request.id().0))
    .bind(&scope.area)
    .bind(scope.purpose.code())
    .bind(scope.roles.iter().map(|role| role.code().to_owned()).collect::<Vec<_>>())
    .bind(scope.groups.codes())
    .bind(reason.code())
    .bind(i32::try_from(*minutes).unwrap_or(i32::MAX))
    .bind(requester)
    .bind(unit)
    .bind(at.as_millis())
    .bind(Uuid::from_bytes(*nonce))
    .execute(conn)
    .await?;
    Ok(())
}

/// Inserts an act.
///
/// # Errors
/// When the database cannot be reached, or refuses.
pub async fn insert_act(conn: &mut PgConnection, row: &ActRow) -> Result<()> {
    sqlx::query(
        "INSERT INTO access.grant_act (grant_id, act, handle, unit, at_ms, reason, ledger_index)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(Uuid::from_bytes(row.grant.0))
    .bind(row.done.act.code())
    .bind(&row.done.handle)
    .bind(&row.done.unit)
    .bind(row.done.at.as_millis())
    .bind(&row.reason)
    .bind(row.ledger_index)
    .execute(conn)
    .await?;
    Ok(())
}

/// Locks a grant until the transaction ends, so that what is done about it is done one after the other.
///
/// # Errors
/// When the database cannot be reached.
pub async fn lock(conn: &mut PgConnection, grant: GrantId) -> Result<()> {
    let sql = "SELECT grant_id FROM access.grant_request WHERE grant_id = $1 FOR UPDATE";
    sqlx::query(sql).bind(Uuid::from_bytes(grant.0)).execute(conn).await?;
    Ok(())
}

/// Finds a request under the id that the row claims.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find(conn: &mut PgConnection, grant: GrantId) -> Result<Option<GrantRequest>> {
    let sql = "SELECT * FROM access.grant_request WHERE grant_id = $1";
    let row: Option<RequestRow> = sqlx::query_as(sql).bind(Uuid::from_bytes(grant.0)).fetch_optional(conn).await?;
    Ok(row.map(<(GrantId, GrantRequest)>::try_from).transpose()?.map(|(_, request)| request))
}

/// Lists requests, newest first, under the ids that the rows claim; from behind one on.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(
    conn: &mut PgConnection,
    after: Option<(Timestamp, GrantId)>,
    limit: i64,
) -> Result<Vec<(GrantId, GrantRequest)>> {
    let sql = "SELECT * FROM access.grant_request
               WHERE $1::bigint IS NULL OR requested_ms < $1 OR requested_ms = $1 AND grant_id > $2
               ORDER BY requested_ms DESC, grant_id LIMIT $3";
    let (at, id) = after.map(|(at, id)| (at.as_millis(), Uuid::from_bytes(id.0))).unzip();
    let rows: Vec<RequestRow> = sqlx::query_as(sql).bind(at).bind(id).bind(limit).fetch_all(conn).await?;
    rows.into_iter().map(TryFrom::try_from).collect()
}

/// Lists the requests of a unit, newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_of_unit(conn: &mut PgConnection, unit: &str) -> Result<Vec<(GrantId, GrantRequest)>> {
    let sql = "SELECT * FROM access.grant_request WHERE unit = $1 ORDER BY requested_ms DESC";
    let rows: Vec<RequestRow> = sqlx::query_as(sql).bind(unit).fetch_all(conn).await?;
    rows.into_iter().map(TryFrom::try_from).collect()
}

/// Lists what was done about these grants, oldest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_acts(conn: &mut PgConnection, grants: &[GrantId]) -> Result<Vec<ActRow>> {
    let ids: Vec<Uuid> = grants.iter().map(|grant| Uuid::from_bytes(grant.0)).collect();
    let sql = "SELECT * FROM access.grant_act WHERE grant_id = ANY($1) ORDER BY seq";
    let rows: Vec<ActColumns> = sqlx::query_as(sql).bind(ids).fetch_all(conn).await?;
    rows.into_iter().map(TryFrom::try_from).collect()
}

/// Says what time it is, and learns the latest time that anybody said.
///
/// # Errors
/// When the database cannot be reached.
pub async fn beat(conn: &mut PgConnection, now: Timestamp) -> Result<Timestamp> {
    let sql = "UPDATE access.heartbeat SET latest_ms = greatest(latest_ms, $1) RETURNING latest_ms";
    let latest: i64 = sqlx::query_scalar(sql).bind(now.as_millis()).fetch_one(conn).await?;
    Ok(Timestamp::from_millis(latest))
}
