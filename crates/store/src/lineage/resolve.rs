//! Which persons an id, given out at any time, stands for.
//!
//! An id that is a person stands for itself. Any other stands for the persons that hold the records which were its own
//! last, and for those of the record that it names. Where all these records were taken back, the persons that they had
//! gone to stand in. So the answer follows records, not rows that chain each other: merge and split in any order, a
//! rebuild and another model all lead to where the records are now.

use domain::{PersonId, RecordId, Timestamp};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::{PgInstant, Result};

/// A person that an id stands for, with what the decision about it needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The person.
    pub person_id: PersonId,
    /// Community units and division codes of the person now.
    pub units: Vec<String>,
}

/// A person that an id stood for at an instant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HolderThen {
    /// The person.
    pub person_id: PersonId,
    /// Its source records then, oldest first.
    pub members: Vec<RecordId>,
}

/// The first of the groups of persons, each of a weaker reason, that is not empty.
fn strongest<T>(mut rows: Vec<(i32, T)>) -> impl Iterator<Item = T> {
    let best = rows.iter().map(|row| row.0).min();
    rows.retain(|row| Some(row.0) == best);
    rows.into_iter().map(|row| row.1)
}

/// The persons that an id stands for now, by id: none when it was never one, one as a rule, several when it was forked.
/// It takes one statement whatever there is.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_holders(conn: &mut PgConnection, asked: PersonId) -> Result<Vec<Holder>> {
    let rows: Vec<(Uuid, Vec<String>, i32)> = sqlx::query_as(
        "WITH RECURSIVE way(person_id) AS (
             SELECT $1::uuid
             UNION
             SELECT went.person_id FROM way
             CROSS JOIN LATERAL (SELECT c.kind, c.into_persons FROM lineage.person_change c
                                 WHERE c.person_id = way.person_id ORDER BY c.seq DESC LIMIT 1) latest
             CROSS JOIN LATERAL unnest(latest.into_persons) AS went(person_id)
             WHERE latest.kind IN ('merged', 'forked')),
         record(record_id) AS (
             SELECT $1::uuid
             UNION
             SELECT unnest(latest.members)
             FROM (SELECT c.members FROM lineage.person_change c WHERE c.person_id = $1
                   ORDER BY c.seq DESC LIMIT 1) latest),
         found(person_id, rank) AS (
             SELECT $1::uuid, 0
             UNION ALL
             SELECT r.person_id, 1 FROM record JOIN source_record r USING (record_id)
             UNION ALL
             SELECT way.person_id, 2 FROM way)
         SELECT p.person_id, p.units, min(found.rank) FROM found JOIN person p USING (person_id)
         GROUP BY p.person_id ORDER BY p.person_id",
    )
    .bind(asked.as_uuid())
    .fetch_all(conn)
    .await?;
    let holder = |(person, units)| Holder { person_id: PersonId::from_uuid(person), units };
    Ok(strongest(rows.into_iter().map(|(person, units, rank)| (rank, (person, units))).collect()).map(holder).collect())
}

/// The ids under which a person was known: its own, and those of persons that were merged into it and are none any more.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_former(conn: &mut PgConnection, person: PersonId) -> Result<Vec<PersonId>> {
    let ids: Vec<Uuid> = sqlx::query_scalar(
        "WITH RECURSIVE former(person_id) AS (
             SELECT $1::uuid
             UNION
             SELECT c.person_id FROM former
             JOIN lineage.person_change c ON c.into_persons @> ARRAY[former.person_id] AND c.kind = 'merged'
             WHERE NOT EXISTS (SELECT FROM person p WHERE p.person_id = c.person_id))
         SELECT person_id FROM former",
    )
    .bind(person.as_uuid())
    .fetch_all(conn)
    .await?;
    Ok(ids.into_iter().map(PersonId::from_uuid).collect())
}

/// The persons that an id stood for at an instant, as the hub knew it then.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_holders_then(conn: &mut PgConnection, asked: PersonId, at: Timestamp) -> Result<Vec<HolderThen>> {
    let rows: Vec<(Uuid, Vec<Uuid>, i32)> = sqlx::query_as(
        "WITH RECURSIVE way(person_id) AS (
             SELECT $1::uuid
             UNION
             SELECT went.person_id FROM way
             JOIN lineage.person_change c ON c.person_id = way.person_id AND c.at <= $2
             CROSS JOIN LATERAL unnest(c.into_persons) AS went(person_id)),
         known AS (
             SELECT way.person_id, latest.kind, latest.members FROM way
             CROSS JOIN LATERAL (SELECT c.kind, c.members FROM lineage.person_change c
                                 WHERE c.person_id = way.person_id AND c.at <= $2
                                 ORDER BY c.seq DESC LIMIT 1) latest)
         SELECT known.person_id, known.members,
                CASE WHEN known.person_id = $1 THEN 0 WHEN known.members && asked.members THEN 1 ELSE 2 END
         FROM known CROSS JOIN (SELECT members FROM known WHERE person_id = $1) asked
         WHERE known.kind NOT IN ('merged', 'forked', 'ended') ORDER BY known.person_id",
    )
    .bind(asked.as_uuid())
    .bind(PgInstant(at))
    .fetch_all(conn)
    .await?;
    let holder = |(person, members): (Uuid, Vec<Uuid>)| HolderThen {
        person_id: PersonId::from_uuid(person),
        members: members.into_iter().map(RecordId::from_uuid).collect(),
    };
    Ok(strongest(rows.into_iter().map(|(person, members, rank)| (rank, (person, members))).collect())
        .map(holder)
        .collect())
}
