//! Reading the history, how far it was published, and its end.

use domain::{BatchId, ChangeCause, ChangeKind, EventId, GoldenRecord, PersonChange, PersonId, RecordId, Timestamp};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use crate::{Error, PgInstant, Result};

#[derive(FromRow)]
struct ChangeColumns {
    seq: i64,
    at: PgInstant,
    person_id: Uuid,
    kind: String,
    members: Vec<Uuid>,
    from_persons: Vec<Uuid>,
    into_persons: Vec<Uuid>,
    cause: String,
    cause_event: Option<Uuid>,
    cause_batch: Option<Uuid>,
    cause_decision: Option<Uuid>,
    model_version: String,
}

impl TryFrom<ChangeColumns> for PersonChange {
    type Error = Error;

    fn try_from(row: ChangeColumns) -> Result<Self> {
        let persons = |ids: Vec<Uuid>| ids.into_iter().map(PersonId::from_uuid).collect();
        Ok(Self {
            seq: row.seq,
            at: row.at.0,
            person_id: PersonId::from_uuid(row.person_id),
            kind: ChangeKind::from_code(&row.kind).ok_or(Error::Code("person_change.kind"))?,
            members: row.members.into_iter().map(RecordId::from_uuid).collect(),
            from_persons: persons(row.from_persons),
            into_persons: persons(row.into_persons),
            cause: ChangeCause::from_code(&row.cause).ok_or(Error::Code("person_change.cause"))?,
            cause_event: row.cause_event.map(EventId::from_uuid),
            cause_batch: row.cause_batch.map(BatchId::from_uuid),
            cause_decision: row.cause_decision.map(RecordId::from_uuid),
            model_version: row.model_version,
        })
    }
}

fn changes(rows: Vec<ChangeColumns>) -> Result<Vec<PersonChange>> {
    rows.into_iter().map(PersonChange::try_from).collect()
}

/// The changes after a cursor (0: from the first kept), in order; at most `limit`. None is ever missed: what is committed
/// later has a higher number.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_changes(conn: &mut PgConnection, after: i64, limit: i64) -> Result<Vec<PersonChange>> {
    let rows = sqlx::query_as(
        "SELECT seq, at, person_id, kind, members, from_persons, into_persons, cause, cause_event, cause_batch,
                cause_decision, model_version
         FROM lineage.person_change WHERE seq > $1 ORDER BY seq LIMIT $2",
    );
    changes(rows.bind(after).bind(limit).fetch_all(conn).await?)
}

/// The number of the newest change; 0 when there is none.
///
/// # Errors
/// When the database cannot be reached.
pub async fn last_seq(conn: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT COALESCE(max(seq), 0) FROM lineage.person_change").fetch_one(conn).await?)
}

/// What became of these ids, oldest first: changes in which other persons had a part, beginning and end; at most `limit`.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_lineage(conn: &mut PgConnection, persons: &[PersonId], limit: i64) -> Result<Vec<PersonChange>> {
    let ids: Vec<Uuid> = persons.iter().map(|person| person.as_uuid()).collect();
    let rows = sqlx::query_as(
        "SELECT seq, at, person_id, kind, members, from_persons, into_persons, cause, cause_event, cause_batch,
                cause_decision, model_version
         FROM lineage.person_change WHERE person_id = ANY($1) AND kind <> 'changed' ORDER BY seq LIMIT $2",
    );
    changes(rows.bind(ids).bind(limit).fetch_all(conn).await?)
}

/// Since when the history is kept.
///
/// # Errors
/// When the database cannot be reached.
pub async fn kept_since(conn: &mut PgConnection) -> Result<Timestamp> {
    let since: PgInstant = sqlx::query_scalar("SELECT kept_since FROM lineage.progress").fetch_one(conn).await?;
    Ok(since.0)
}

/// A person as the hub knew it at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct AsOf {
    /// The change by which the person became so.
    pub change: PersonChange,
    /// The golden record of then.
    pub golden: GoldenRecord,
}

/// A person as the hub knew it at an instant; `None` when there was no person with this id then.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_as_of(conn: &mut PgConnection, person: PersonId, at: Timestamp) -> Result<Option<AsOf>> {
    #[derive(FromRow)]
    struct Columns {
        #[sqlx(flatten)]
        change: ChangeColumns,
        golden: Option<Json<GoldenRecord>>,
    }
    // One statement sees one state: a change that is committed meanwhile cannot come between row and golden record.
    let row: Option<Columns> = sqlx::query_as(
        "SELECT c.seq, c.at, c.person_id, c.kind, c.members, c.from_persons, c.into_persons, c.cause, c.cause_event,
                c.cause_batch, c.cause_decision, c.model_version,
                COALESCE((SELECT later.golden_before FROM lineage.person_change later
                          WHERE later.person_id = c.person_id AND later.seq > c.seq
                            AND later.golden_before IS NOT NULL
                          ORDER BY later.seq LIMIT 1),
                         (SELECT golden FROM person WHERE person_id = c.person_id)) AS golden
         FROM lineage.person_change c WHERE c.person_id = $1 AND c.at <= $2 ORDER BY c.seq DESC LIMIT 1",
    )
    .bind(person.as_uuid())
    .bind(PgInstant(at))
    .fetch_optional(conn)
    .await?;
    let Some(Columns { change, golden }) = row else { return Ok(None) };
    let change = PersonChange::try_from(change)?;
    Ok(golden.filter(|_| change.kind.is_person()).map(|Json(golden)| AsOf { change, golden }))
}

/// The last change that was published, locked until the transaction ends: only one publishes at a time.
///
/// # Errors
/// When the database cannot be reached.
pub async fn lock_published(conn: &mut PgConnection) -> Result<i64> {
    Ok(sqlx::query_scalar("SELECT published_seq FROM lineage.progress FOR UPDATE").fetch_one(conn).await?)
}

/// Notes the last change that was published.
///
/// # Errors
/// When the database cannot be reached.
pub async fn put_published(conn: &mut PgConnection, seq: i64) -> Result<()> {
    sqlx::query("UPDATE lineage.progress SET published_seq = $1").bind(seq).execute(conn).await?;
    Ok(())
}

/// Forgets what the hub answered before an instant, and gives the number of changes forgotten. Of each person the change
/// that was the newest at the instant stays, so that ids lead where they led; golden records before it go.
///
/// # Errors
/// When the database cannot be reached.
pub async fn prune(conn: &mut PgConnection, before: Timestamp) -> Result<u64> {
    let gone = sqlx::query(
        "DELETE FROM lineage.person_change c
         WHERE c.at < $1
           AND EXISTS (SELECT FROM lineage.person_change later
                       WHERE later.person_id = c.person_id AND later.seq > c.seq AND later.at <= $1)",
    )
    .bind(PgInstant(before))
    .execute(&mut *conn)
    .await?;
    sqlx::query("UPDATE lineage.person_change SET golden_before = NULL WHERE at <= $1 AND golden_before IS NOT NULL")
        .bind(PgInstant(before))
        .execute(&mut *conn)
        .await?;
    sqlx::query("DELETE FROM lineage.replaced WHERE at <= $1").bind(PgInstant(before)).execute(&mut *conn).await?;
    sqlx::query("UPDATE lineage.progress SET kept_since = GREATEST(kept_since, $1)")
        .bind(PgInstant(before))
        .execute(conn)
        .await?;
    Ok(gone.rows_affected())
}
