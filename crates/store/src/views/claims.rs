//! Reading the claim map: which tokens a person's records claim, and who claims a token.

use domain::{ClaimRole, ClaimToken, IdScheme, PersonId, RecordId};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::ClaimRow;
use super::read::{time, uuids};
use crate::{Error, PgInstant, Result};

#[derive(FromRow)]
struct ClaimColumns {
    token: Uuid,
    scheme: String,
    record_id: Uuid,
    role: i16,
    valid_from: Option<PgInstant>,
    valid_to: Option<PgInstant>,
    person_id: Option<Uuid>,
}

impl TryFrom<ClaimColumns> for ClaimRow {
    type Error = Error;

    fn try_from(row: ClaimColumns) -> Result<Self> {
        Ok(Self {
            token: ClaimToken::from_bytes(row.token.into_bytes()),
            scheme: IdScheme::from_code(&row.scheme).ok_or(Error::Code("claim.scheme"))?,
            record_id: RecordId::from_uuid(row.record_id),
            role: ClaimRole::from_code(row.role).ok_or(Error::Code("claim.role"))?,
            valid_from: time(row.valid_from),
            valid_to: time(row.valid_to),
            person: row.person_id.map(PersonId::from_uuid),
        })
    }
}

fn claims(rows: Vec<ClaimColumns>) -> Result<Vec<ClaimRow>> {
    rows.into_iter().map(ClaimRow::try_from).collect()
}

/// Who claims the tokens: at most `limit` entries of the claim map, each with the person of its record. A token that
/// is a record's own comes as [`ClaimRole::Record`]. This finds persons by identifier, and owners of facts.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_claims_of_tokens(
    conn: &mut PgConnection,
    tokens: &[ClaimToken],
    limit: i64,
) -> Result<Vec<ClaimRow>> {
    let rows = sqlx::query_as(
        "SELECT c.token, c.scheme, c.record_id, c.role, c.valid_from, c.valid_to, r.person_id
         FROM claim c JOIN source_record r USING (record_id)
         WHERE c.token = ANY($1)
         UNION ALL
         SELECT record_id, 'RECORD', record_id, 3::smallint, NULL, NULL, person_id
         FROM source_record WHERE record_id = ANY($1)
         ORDER BY 1, 4 DESC, 3
         LIMIT $2",
    );
    claims(rows.bind(uuids(tokens)).bind(limit).fetch_all(conn).await?)
}

/// All tokens that lead to facts of the person: what its records claim (names apart) and the records themselves, those
/// that were merged away included; at most `limit`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_claims_of_person(conn: &mut PgConnection, person: PersonId, limit: i64) -> Result<Vec<ClaimRow>> {
    let rows = sqlx::query_as(
        "SELECT c.token, c.scheme, c.record_id, c.role, c.valid_from, c.valid_to, r.person_id
         FROM source_record r JOIN claim c USING (record_id)
         WHERE r.person_id = $1 AND c.role > 0
         UNION ALL
         SELECT record_id, 'RECORD', record_id, 3::smallint, NULL, NULL, person_id
         FROM source_record WHERE person_id = $1
         ORDER BY 4 DESC, 1, 3
         LIMIT $2",
    );
    claims(rows.bind(person.as_uuid()).bind(limit).fetch_all(conn).await?)
}

/// The tokens that lead to facts of any of the persons, each once; see [`list_claims_of_person`].
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_tokens_of_persons(conn: &mut PgConnection, persons: &[PersonId]) -> Result<Vec<ClaimToken>> {
    let persons: Vec<Uuid> = persons.iter().map(|person| person.as_uuid()).collect();
    let tokens: Vec<Uuid> = sqlx::query_scalar(
        "SELECT c.token FROM source_record r JOIN claim c USING (record_id) WHERE r.person_id = ANY($1) AND c.role > 0
         UNION SELECT record_id FROM source_record WHERE person_id = ANY($1)",
    )
    .bind(persons)
    .fetch_all(conn)
    .await?;
    Ok(tokens.into_iter().map(|token| ClaimToken::from_bytes(token.into_bytes())).collect())
}
