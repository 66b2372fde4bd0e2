//! The history of persons: what became of them, and what the hub answered when.
//!
//! Invariants: a row is written in the transaction that changes the active views, and only when records or golden values
//! of a person really are others; rows are written under [`crate::views::lock_writing`], so they become visible in the
//! order of their numbers and a reader that remembers the last number misses none. Once committed, rows are never changed.
//!
//! A golden record is kept when it is *replaced*: the newest stands in the view, so a person that never changed costs no
//! second copy, and what is kept is copied inside the database. So are statements, links, decisions and the model.

mod read;
mod replaced;
mod resolve;

use domain::{BatchId, ChangeCause, EventId, PersonId, RecordId};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::Result;
use crate::views::{Changes, ROWS_PER_STATEMENT};

pub use read::{
    AsOf, find_as_of, kept_since, last_seq, list_changes, list_lineage, lock_published, prune, put_published,
};
pub use replaced::{find_model_then, list_links_then, list_orders_then, list_records_then};
pub use resolve::{Holder, HolderThen, list_former, list_holders, list_holders_then};

/// What a batch may mean to a person. It becomes a row when the person really is another.
#[derive(Clone, Debug)]
pub struct PersonChangePut {
    /// The person.
    pub person_id: PersonId,
    /// [`digest`] of the person as it is now; `None` when there is none under this id any more.
    pub digest: Option<Uuid>,
    /// Its records, oldest first.
    pub members: Vec<RecordId>,
    /// Persons that records came from.
    pub from_persons: Vec<PersonId>,
    /// Persons that records went to.
    pub into_persons: Vec<PersonId>,
    /// Why.
    pub cause: Cause,
}

/// Why a person changed, and what brought it about as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Why.
    pub why: ChangeCause,
    /// An event that brought it about.
    pub event: Option<EventId>,
    /// The batch of that event.
    pub batch: Option<BatchId>,
    /// The decision that was made or taken back.
    pub decision: Option<RecordId>,
}

impl Cause {
    /// A cause of which no event is known.
    pub const fn of(why: ChangeCause) -> Self {
        Self { why, event: None, batch: None, decision: None }
    }
}

/// What makes a person another one: its records, and the golden record as JSON text but for the times. A record that is
/// merely stated again moves times only.
pub fn digest(golden: &str, members: &[RecordId]) -> Uuid {
    // Inside of a JSON string a quotation mark is escaped, so this is always a member's name.
    const TIME: &str = "\"time\":";
    let mut content = Vec::with_capacity(golden.len() + 16 * members.len());
    for (n, part) in golden.split(TIME).enumerate() {
        let skipped = if n == 0 { part } else { part.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-') };
        content.extend_from_slice(skipped.as_bytes());
    }
    let mut members = members.to_vec();
    members.sort_unstable();
    for member in members {
        content.extend_from_slice(member.as_uuid().as_bytes());
    }
    Uuid::new_v5(&EventId::NAMESPACE, &content)
}

/// How many rows a transaction has written into the history so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// Changes of persons.
    pub persons: u64,
    /// What stood in the views until now.
    pub replaced: u64,
}

impl Noted {
    /// Whether there is nothing in the history by this transaction.
    pub fn is_empty(self) -> bool {
        self == Self::default()
    }
}

fn array<T>(items: &[T], uuid: impl Fn(&T) -> Uuid) -> String {
    // An array of arrays cannot be ragged: each travels as the text that PostgreSQL writes arrays in.
    let items: Vec<String> = items.iter().map(|item| uuid(item).simple().to_string()).collect();
    format!("{{{}}}", items.join(","))
}

/// Writes what the changes mean to persons and keeps what they replace. Call it under
/// [`crate::views::lock_writing`] and before the changes are applied: it compares with the views as they are.
///
/// # Errors
/// When the database refuses.
pub async fn note(conn: &mut PgConnection, changes: &Changes, model_version: &str) -> Result<Noted> {
    let mut puts: Vec<_> = changes.lineage.iter().collect();
    puts.sort_unstable_by_key(|put| (put.digest.is_none(), put.person_id));
    let persons = |ids: &[PersonId]| array(ids, |id| id.as_uuid());
    let mut persons_noted = 0;
    for puts in puts.chunks(ROWS_PER_STATEMENT) {
        persons_noted += sqlx::query(
        "INSERT INTO lineage.person_change (at, person_id, kind, members, from_persons, into_persons, golden_before,
             cause, cause_event, cause_batch, cause_decision, model_version)
         SELECT (SELECT lineage.this_instant()),
             put.id,
             CASE WHEN put.digest IS NULL THEN
                      CASE put.into_persons WHEN '{}' THEN 'ended'
                           ELSE CASE WHEN strpos(put.into_persons, ',') = 0 THEN 'merged' ELSE 'forked' END END
                  WHEN was.person_id IS NULL THEN
                      CASE WHEN EXISTS (SELECT FROM lineage.person_change c WHERE c.person_id = put.id)
                           THEN 'restored' ELSE 'created' END
                  WHEN put.from_persons <> '{}' THEN 'joined'
                  WHEN put.into_persons <> '{}' THEN 'split'
                  ELSE 'changed' END,
             CASE WHEN put.digest IS NOT NULL THEN put.members::uuid[]
                  ELSE COALESCE((SELECT c.members FROM lineage.person_change c WHERE c.person_id = put.id
                                 ORDER BY c.seq DESC LIMIT 1), ARRAY[put.id]) END,
             put.from_persons::uuid[], put.into_persons::uuid[],
             CASE WHEN was.digest IS DISTINCT FROM put.digest THEN was.golden END,
             put.cause, put.event, put.batch, put.decision, $10
         FROM UNNEST($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::uuid[], $8::uuid[],
             $9::uuid[]) AS put(id, digest, members, from_persons, into_persons, cause, event, batch, decision)
         LEFT JOIN person was ON was.person_id = put.id
         WHERE was.digest IS DISTINCT FROM put.digest
            OR (put.digest IS NOT NULL AND (put.from_persons <> '{}' OR put.into_persons <> '{}'))
         ORDER BY put.digest IS NULL, put.id",
    )
    .bind(puts.iter().map(|put| put.person_id.as_uuid()).collect::<Vec<_>>())
    .bind(puts.iter().map(|put| put.digest).collect::<Vec<_>>())
    .bind(puts.iter().map(|put| array(&put.members, |id| id.as_uuid())).collect::<Vec<_>>())
    .bind(puts.iter().map(|put| persons(&put.from_persons)).collect::<Vec<_>>())
    .bind(puts.iter().map(|put| persons(&put.into_persons)).collect::<Vec<_>>())
    .bind(puts.iter().map(|put| put.cause.why.code()).collect::<Vec<_>>())
    .bind(puts.iter().map(|put| put.cause.event.map(EventId::as_uuid)).collect::<Vec<_>>())
    .bind(puts.iter().map(|put| put.cause.batch.map(BatchId::as_uuid)).collect::<Vec<_>>())
    .bind(puts.iter().map(|put| put.cause.decision.map(RecordId::as_uuid)).collect::<Vec<_>>())
    .bind(model_version)
    .execute(&mut *conn)
    .await?
    .rows_affected();
    }
    Ok(Noted { persons: persons_noted, replaced: replaced::keep(conn, changes).await? })
}

/// Gives the newest `noted` rows, those of this transaction, the instant at which they become known. Call it last before
/// the commit: an answer as of an instant between writing and commit would be another one later.
///
/// # Errors
/// When the database refuses.
pub async fn stamp(conn: &mut PgConnection, noted: Noted) -> Result<()> {
    if noted.is_empty() {
        return Ok(());
    }
    // One instant for all of them, and never before that of an older row, whatever the clock does.
    sqlx::query(
        "WITH known AS MATERIALIZED (SELECT lineage.this_instant() AS at),
         changed AS MATERIALIZED (SELECT seq FROM lineage.person_change ORDER BY seq DESC LIMIT $1),
         gone AS MATERIALIZED (SELECT seq FROM lineage.replaced ORDER BY seq DESC LIMIT $2),
         stamped AS (
             UPDATE lineage.person_change SET at = known.at FROM changed, known WHERE person_change.seq = changed.seq)
         UPDATE lineage.replaced SET at = known.at FROM gone, known WHERE replaced.seq = gone.seq",
    )
    .bind(i64::try_from(noted.persons).unwrap_or(i64::MAX))
    .bind(i64::try_from(noted.replaced).unwrap_or(i64::MAX))
    .execute(conn)
    .await?;
    Ok(())
}

/// Writes in what the views to come differ from the active ones. [`crate::views::exchange`] does this before it exchanges
/// them; views that are the same write nothing.
pub(crate) async fn note_exchange(conn: &mut PgConnection) -> Result<Noted> {
    let noted = sqlx::query(
        "WITH moved AS MATERIALIZED (
             SELECT DISTINCT was.person_id AS was, is_now.person_id AS is_now
             FROM views.source_record was JOIN views_next.source_record is_now USING (record_id)
             WHERE was.person_id <> is_now.person_id),
         came AS (SELECT is_now AS id, array_agg(was ORDER BY was) AS persons FROM moved GROUP BY is_now),
         went AS (SELECT was AS id, array_agg(is_now ORDER BY is_now) AS persons FROM moved GROUP BY was),
         other AS MATERIALIZED (
             SELECT person_id AS id, was.person_id IS NULL AS is_new, is_now.person_id IS NULL AS is_gone,
                 CASE WHEN was.digest IS DISTINCT FROM is_now.digest THEN was.golden END AS golden_before,
                 COALESCE(came.persons, '{}') AS from_persons, COALESCE(went.persons, '{}') AS into_persons
             FROM views.person was FULL JOIN views_next.person is_now USING (person_id)
             LEFT JOIN came ON came.id = person_id LEFT JOIN went ON went.id = person_id
             WHERE was.digest IS DISTINCT FROM is_now.digest OR came.id IS NOT NULL OR went.id IS NOT NULL),
         held AS (
             SELECT r.person_id AS id, array_agg(r.record_id ORDER BY r.first_time, r.record_id) AS members
             FROM views_next.source_record r JOIN other ON other.id = r.person_id
             WHERE r.statement IS NOT NULL GROUP BY r.person_id)
         INSERT INTO lineage.person_change (at, person_id, kind, members, from_persons, into_persons, golden_before,
             cause, model_version)
         SELECT (SELECT lineage.this_instant()),
             other.id,
             CASE WHEN is_gone THEN CASE cardinality(into_persons) WHEN 0 THEN 'ended' WHEN 1 THEN 'merged'
                                                                   ELSE 'forked' END
                  WHEN is_new THEN CASE WHEN EXISTS (SELECT FROM lineage.person_change c WHERE c.person_id = other.id)
                                        THEN 'restored' ELSE 'created' END
                  WHEN from_persons <> '{}' THEN 'joined'
                  WHEN into_persons <> '{}' THEN 'split'
                  ELSE 'changed' END,
             COALESCE(held.members,
                      (SELECT c.members FROM lineage.person_change c WHERE c.person_id = other.id
                       ORDER BY c.seq DESC LIMIT 1), ARRAY[other.id]),
             from_persons, into_persons, golden_before,
             CASE WHEN old.model_version IS DISTINCT FROM new.model_version THEN 'model'
                  WHEN (SELECT survivorship_version FROM views.linkage_model)
                       IS DISTINCT FROM (SELECT survivorship_version FROM views_next.linkage_model) THEN 'rules'
                  ELSE 'rebuild' END,
             COALESCE(new.model_version, '')
         FROM other LEFT JOIN held USING (id) CROSS JOIN views.projection old CROSS JOIN views_next.projection new
         ORDER BY is_gone, other.id",
    )
    .execute(&mut *conn)
    .await?;
    Ok(Noted { persons: noted.rows_affected(), replaced: replaced::keep_exchanged(conn).await? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_another_by_value_or_record_and_not_by_the_time_of_a_statement() {
        let golden = |name: &str, time: i64| {
            format!(
                r#"{{"name":{{"value":{{"text":"{name}"}},"record_id":"r","time":{time},"sources":2}},"phones":[]}}"#
            )
        };
        let (a, b) = (RecordId::from_uuid(Uuid::from_u128(1)), RecordId::from_uuid(Uuid::from_u128(2)));
        let one = digest(&golden("王小明", 1_646_107_200_000), &[a]);
        assert_eq!(digest(&golden("王小明", -5), &[a]), one);
        assert_ne!(digest(&golden("王晓明", -5), &[a]), one);
        assert_ne!(digest(&golden("王小明", -5), &[a, b]), one);
        assert_eq!(digest("{}", &[a, b]), digest("{}", &[b, a]));
        // What looks like a time inside of a value counts.
        let hidden = |time: i64| golden(&format!("\\\"time\\\":{time}"), 0);
        assert_ne!(digest(&hidden(1), &[a]), digest(&hidden(2), &[a]));
    }
}
