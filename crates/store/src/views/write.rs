//! Writing the views: one batch of changes and the move of the checkpoint, in one transaction of the caller.
//!
//! Rows go in by `UNNEST`, sorted by key, one statement per table: two hundred thousand rows a second and no
//! temporary table. A fact's version decides in the statement itself whether it replaces what is there, so that the
//! writer need not know the facts. Of everything else the writer knows what is there and sends what differs.

use std::collections::BTreeMap;

use domain::{
    BatchId, ClaimRole, ClaimToken, Edition, EventId, EventType, IdScheme, PersonId, RecordId, RetractReason,
    SourceKind, StatedClaim, Timestamp,
};
use serde_json::Value;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::facts::{find_kept, put_facts};
use super::follow_ups::{FollowUpRow, put_follow_ups};
use super::hot::{HotChanges, apply_hot};
use super::model::{ModelActivationRow, ModelRow, put_model, put_model_activations};
use super::orders::{OrderRow, ReviewPut, put_orders, put_reviews, remove_reviews};
use super::rows::{reason_code, source_kind_code};
use super::touched::touch;
use super::{Checkpoint, QuarantinedRow};
use crate::{Error, PgInstant, Result};

/// What a batch of events changes. Documents are JSON texts: writing them is the caller's work, on its own core.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// Source records as they are now.
    pub records: Vec<RecordPut>,
    /// Of these records, those that stated something else before, for the history.
    pub restated: Vec<RecordId>,
    /// Source records of which only the person is another.
    pub record_persons: Vec<(RecordId, Option<PersonId>)>,
    /// Claims that are new or have another interval.
    pub claims: Vec<(RecordId, StatedClaim)>,
    /// Claims that are no longer made.
    pub claims_removed: Vec<(RecordId, ClaimToken, ClaimRole)>,
    /// Persons as they are now.
    pub persons: Vec<PersonPut>,
    /// Persons that no longer exist under their id.
    pub persons_removed: Vec<PersonId>,
    /// What the batch means to persons, for their history; see [`crate::lineage::note`].
    pub lineage: Vec<crate::lineage::PersonChangePut>,
    /// Persons whose links are replaced by those in `links`.
    pub relinked: Vec<PersonId>,
    /// The links of the persons in `relinked`.
    pub links: Vec<(PersonId, LinkPut)>,
    /// Review tasks, new or of which something is another.
    pub reviews: Vec<ReviewPut>,
    /// Pairs that are no longer for review.
    pub reviews_removed: Vec<(RecordId, RecordId)>,
    /// Decisions of reviewers, new or in another state.
    pub orders: Vec<OrderRow>,
    /// All persons, links and reviews go first: another model decides.
    pub persons_reset: bool,
    /// The model that decides from here on, when it is another one.
    pub model: Option<ModelRow>,
    /// Models that operators activated.
    pub model_activations: Vec<ModelActivationRow>,
    /// Facts; each (record, kind) once.
    pub facts: Vec<FactPut>,
    /// Places; each record once.
    pub places: Vec<PlacePut>,
    /// Statements about these facts that are not the last word, in any order: what was known of them before.
    pub facts_before: Vec<FactPut>,
    /// Steps of follow-ups, in the order of the log.
    pub follow_ups: Vec<FollowUpRow>,
    /// What so many records share that linkage leaves it out.
    pub hot: HotChanges,
    /// What could not be read.
    pub quarantined: Vec<QuarantinedRow>,
}

/// A source record to be written.
#[derive(Clone, Debug)]
pub struct RecordPut {
    /// The record.
    pub record_id: RecordId,
    /// The source system.
    pub source: String,
    /// What kind of organisation it is.
    pub source_kind: SourceKind,
    /// Edition, event, first and last time of what was stated.
    pub stated: Option<(Edition, EventId, Timestamp, Timestamp)>,
    /// What the record states in all; `None` once it is retracted.
    pub statement: Option<String>,
    /// Its own statements, where they are not just the statement.
    pub parts: Option<String>,
    /// Edition, event, reason and survivor of the retraction.
    pub retraction: Option<(Edition, EventId, RetractReason, Option<RecordId>)>,
    /// The edition up to which it was taken back without a survivor.
    pub withdrawn: Option<Edition>,
    /// The person.
    pub person: Option<PersonId>,
    /// The batch that brought it.
    pub batch_id: BatchId,
    /// Its row.
    pub batch_row: i64,
}

/// A person to be written.
#[derive(Clone, Debug)]
pub struct PersonPut {
    /// The person.
    pub person_id: PersonId,
    /// The golden record.
    pub golden: String,
    /// Community units and division codes, sorted.
    pub units: Vec<String>,
    /// How many records that state something.
    pub record_count: i32,
    /// When the oldest was first stated.
    pub first_time: Timestamp,
    /// Hash of records and golden values, see [`crate::lineage::digest`].
    pub digest: Uuid,
}

/// A weighed pair to be written.
#[derive(Clone, Debug)]
pub struct LinkPut {
    /// The smaller record id.
    pub record_a: RecordId,
    /// The other.
    pub record_b: RecordId,
    /// Match weight.
    pub weight: f64,
    /// Its parts.
    pub parts: String,
    /// Model that weighed it.
    pub model_version: String,
}

/// A fact to be written.
#[derive(Clone, Debug)]
pub struct FactPut {
    /// The record.
    pub record_id: RecordId,
    /// Kind.
    pub kind: EventType,
    /// A lower one never overwrites. At equal editions a retraction wins, then the greater event id.
    pub edition: Edition,
    /// The event.
    pub event_id: EventId,
    /// The source system.
    pub source: String,
    /// First claim of the subject.
    pub subject: Option<ClaimToken>,
    /// Begin.
    pub started_at: Timestamp,
    /// End.
    pub ended_at: Option<Timestamp>,
    /// Where.
    pub place_id: Option<String>,
    /// Body without subject; `None` retracts the fact.
    pub detail: Option<String>,
    /// When the hub read it.
    pub known_at: Timestamp,
}

impl FactPut {
    /// What decides between two events of one fact: the greater one stays.
    pub const fn precedence(&self) -> (Edition, bool, EventId) {
        (self.edition, self.detail.is_none(), self.event_id)
    }
}

/// A place to be written.
#[derive(Clone, Debug)]
pub struct PlacePut {
    /// The record.
    pub record_id: RecordId,
    /// The place.
    pub place_id: String,
    /// As for facts.
    pub edition: Edition,
    /// The event.
    pub event_id: EventId,
    /// The source system.
    pub source: String,
    /// Place that this one is part of.
    pub parent_place_id: Option<String>,
    /// From when.
    pub valid_from: Option<Timestamp>,
    /// Until when.
    pub valid_to: Option<Timestamp>,
    /// The place; `None` retracts it.
    pub detail: Option<String>,
}

impl PlacePut {
    /// What decides between two events of one place: the greater one stays.
    pub const fn precedence(&self) -> (Edition, bool, EventId) {
        (self.edition, self.detail.is_none(), self.event_id)
    }
}

/// Moves the checkpoint from where the writer believes it is. Call it first in the transaction: it keeps other writers
/// and the exchange of views out until the end.
///
/// # Errors
/// [`Error::CheckpointMoved`] when it is elsewhere; drop the transaction and load anew.
pub async fn advance(conn: &mut PgConnection, from: &Checkpoint, to: &Value, model_version: &str) -> Result<()> {
    let moved = sqlx::query(
        "UPDATE projection SET positions = $1, model_version = $2, advanced_at = now()
         WHERE generation = $3 AND positions = $4",
    )
    .bind(to)
    .bind(model_version)
    .bind(from.generation)
    .bind(&from.positions)
    .execute(conn)
    .await?;
    if moved.rows_affected() == 1 { Ok(()) } else { Err(Error::CheckpointMoved) }
}

/// Writes the changes into the views that the search path names.
///
/// # Errors
/// When the database refuses; the transaction is then to be dropped.
pub async fn apply(conn: &mut PgConnection, changes: &Changes) -> Result<()> {
    if changes.persons_reset {
        sqlx::raw_sql("DELETE FROM person; DELETE FROM link; DELETE FROM review").execute(&mut *conn).await?;
    }
    put_model_activations(conn, &changes.model_activations).await?;
    if let Some(model) = &changes.model {
        put_model(conn, model).await?;
    }
    let kept = find_kept(conn, &changes.facts).await?;
    touch(conn, changes, kept.values().filter_map(|kept| kept.subject)).await?;
    put_records(conn, &changes.records).await?;
    move_records(conn, &changes.record_persons).await?;
    remove_claims(conn, &changes.claims_removed).await?;
    put_claims(conn, &changes.claims).await?;
    remove_persons(conn, &changes.persons_removed).await?;
    put_persons(conn, &changes.persons).await?;
    replace_links(conn, &changes.relinked, &changes.links).await?;
    remove_reviews(conn, &changes.reviews_removed).await?;
    put_reviews(conn, &changes.reviews).await?;
    put_orders(conn, &changes.orders).await?;
    put_facts(conn, changes, &kept).await?;
    put_places(conn, &changes.places).await?;
    put_follow_ups(conn, &changes.follow_ups).await?;
    apply_hot(conn, &changes.hot).await?;
    put_quarantined(conn, &changes.quarantined).await
}

/// How many rows one statement carries. PostgreSQL drops the connection on a message over 1 GiB; another model writes all
/// persons at once, and at a kilobyte or two each a million of them is more than that. This many stay far below.
pub(crate) const ROWS_PER_STATEMENT: usize = 20_000;

/// Rows sorted by key: neighbours in the index are written together, and two writers cannot wait for each other.
pub(super) fn sorted<T, K: Ord>(rows: &[T], key: impl Fn(&T) -> K) -> Vec<&T> {
    let mut rows: Vec<&T> = rows.iter().collect();
    rows.sort_unstable_by_key(|row| key(row));
    rows
}

/// One column of the rows.
pub(super) fn column<'a, T, C>(rows: &[&'a T], value: impl Fn(&'a T) -> C) -> Vec<C> {
    rows.iter().map(|row| value(row)).collect()
}

async fn put_records(conn: &mut PgConnection, records: &[RecordPut]) -> Result<()> {
    for rows in sorted(records, |r| r.record_id).chunks(ROWS_PER_STATEMENT) {
        sqlx::query(
        "INSERT INTO source_record AS kept (record_id, source, source_kind, version, event_id, first_time, last_time,
             statement, retract_version, retract_event_id, retract_reason, survivor, person_id, batch_id, batch_row,
             parts, reading, retract_reading, withdrawn_version, withdrawn_reading)
         SELECT a, b, c, d, e, f, g, h::jsonb, i, j, k, l, m, n, o, p::jsonb, q, r, s, t
         FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::uuid[], $6::timestamptz[],
             $7::timestamptz[], $8::text[], $9::bigint[], $10::uuid[], $11::text[], $12::uuid[], $13::uuid[],
             $14::uuid[], $15::bigint[], $16::text[], $17::int[], $18::int[], $19::bigint[], $20::int[])
             AS put(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t)
         ON CONFLICT (record_id) DO UPDATE SET source = excluded.source, source_kind = excluded.source_kind,
             version = excluded.version, event_id = excluded.event_id, first_time = excluded.first_time,
             last_time = excluded.last_time, statement = excluded.statement,
             retract_version = excluded.retract_version, retract_event_id = excluded.retract_event_id,
             retract_reason = excluded.retract_reason, survivor = excluded.survivor,
             person_id = excluded.person_id, batch_id = excluded.batch_id, batch_row = excluded.batch_row,
             parts = excluded.parts, reading = excluded.reading, retract_reading = excluded.retract_reading,
             withdrawn_version = excluded.withdrawn_version, withdrawn_reading = excluded.withdrawn_reading",
    )
    .bind(column(rows, |r| r.record_id.as_uuid()))
    .bind(column(rows, |r| r.source.as_str()))
    .bind(column(rows, |r| source_kind_code(r.source_kind)))
    .bind(column(rows, |r| r.stated.map(|s| s.0.version)))
    .bind(column(rows, |r| r.stated.map(|s| s.1.as_uuid())))
    .bind(column(rows, |r| r.stated.map(|s| PgInstant(s.2))))
    .bind(column(rows, |r| r.stated.map(|s| PgInstant(s.3))))
    .bind(column(rows, |r| r.statement.as_deref()))
    .bind(column(rows, |r| r.retraction.map(|s| s.0.version)))
    .bind(column(rows, |r| r.retraction.map(|s| s.1.as_uuid())))
    .bind(column(rows, |r| r.retraction.map(|s| reason_code(s.2))))
    .bind(column(rows, |r| r.retraction.and_then(|s| s.3).map(RecordId::as_uuid)))
    .bind(column(rows, |r| r.person.map(PersonId::as_uuid)))
    .bind(column(rows, |r| r.batch_id.as_uuid()))
    .bind(column(rows, |r| r.batch_row))
    .bind(column(rows, |r| r.parts.as_deref()))
    .bind(column(rows, |r| r.stated.map(|s| s.0.reading)))
    .bind(column(rows, |r| r.retraction.map(|s| s.0.reading)))
    .bind(column(rows, |r| r.withdrawn.map(|s| s.version)))
    .bind(column(rows, |r| r.withdrawn.map(|s| s.reading)))
    .execute(&mut *conn)
    .await?;
    }
    Ok(())
}

async fn move_records(conn: &mut PgConnection, moved: &[(RecordId, Option<PersonId>)]) -> Result<()> {
    for rows in sorted(moved, |r| r.0).chunks(ROWS_PER_STATEMENT) {
        sqlx::query(
            "UPDATE source_record SET person_id = moved.person_id
         FROM UNNEST($1::uuid[], $2::uuid[]) AS moved(record_id, person_id)
         WHERE source_record.record_id = moved.record_id",
        )
        .bind(column(rows, |r| r.0.as_uuid()))
        .bind(column(rows, |r| r.1.map(PersonId::as_uuid)))
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

async fn remove_claims(conn: &mut PgConnection, gone: &[(RecordId, ClaimToken, ClaimRole)]) -> Result<()> {
    for rows in sorted(gone, |r| (r.1, r.0, r.2)).chunks(ROWS_PER_STATEMENT) {
        sqlx::query(
            "DELETE FROM claim USING UNNEST($1::uuid[], $2::uuid[], $3::smallint[]) AS gone(token, record_id, role)
         WHERE claim.token = gone.token AND claim.record_id = gone.record_id AND claim.role = gone.role",
        )
        .bind(column(rows, |r| r.1.as_uuid()))
        .bind(column(rows, |r| r.0.as_uuid()))
        .bind(column(rows, |r| r.2.code()))
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

async fn put_claims(conn: &mut PgConnection, claims: &[(RecordId, StatedClaim)]) -> Result<()> {
    for rows in sorted(claims, |r| (r.1.claim.token, r.0, r.1.role)).chunks(ROWS_PER_STATEMENT) {
        sqlx::query(
            "INSERT INTO claim (token, record_id, role, scheme, valid_from, valid_to)
         SELECT * FROM UNNEST($1::uuid[], $2::uuid[], $3::smallint[], $4::text[], $5::timestamptz[],
             $6::timestamptz[])
         ON CONFLICT (token, record_id, role) DO UPDATE
         SET scheme = excluded.scheme, valid_from = excluded.valid_from, valid_to = excluded.valid_to",
        )
        .bind(column(rows, |r| r.1.claim.token.as_uuid()))
        .bind(column(rows, |r| r.0.as_uuid()))
        .bind(column(rows, |r| r.1.role.code()))
        .bind(column(rows, |r| IdScheme::code(r.1.claim.scheme)))
        .bind(column(rows, |r| r.1.valid_from.map(PgInstant)))
        .bind(column(rows, |r| r.1.valid_to.map(PgInstant)))
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

async fn remove_persons(conn: &mut PgConnection, gone: &[PersonId]) -> Result<()> {
    for gone in gone.chunks(ROWS_PER_STATEMENT) {
        let ids: Vec<Uuid> = gone.iter().map(|person| person.as_uuid()).collect();
        sqlx::query("DELETE FROM person WHERE person_id = ANY($1)").bind(&ids).execute(&mut *conn).await?;
        sqlx::query("DELETE FROM link WHERE person_id = ANY($1)").bind(&ids).execute(&mut *conn).await?;
    }
    Ok(())
}

async fn put_persons(conn: &mut PgConnection, persons: &[PersonPut]) -> Result<()> {
    for rows in sorted(persons, |r| r.person_id).chunks(ROWS_PER_STATEMENT) {
        // An array of arrays cannot be ragged: the units travel joined by a line feed, which no code contains.
        sqlx::query(
            "INSERT INTO person (person_id, golden, units, record_count, first_time, digest)
         SELECT a, b::jsonb, string_to_array(c, E'\\n'), d, e, f
         FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::int[], $5::timestamptz[], $6::uuid[])
             AS put(a, b, c, d, e, f)
         ON CONFLICT (person_id) DO UPDATE SET golden = excluded.golden, units = excluded.units,
             record_count = excluded.record_count, first_time = excluded.first_time, digest = excluded.digest",
        )
        .bind(column(rows, |r| r.person_id.as_uuid()))
        .bind(column(rows, |r| r.golden.as_str()))
        .bind(column(rows, |r| r.units.iter().map(|unit| unit.replace('\n', " ")).collect::<Vec<_>>().join("\n")))
        .bind(column(rows, |r| r.record_count))
        .bind(column(rows, |r| PgInstant(r.first_time)))
        .bind(column(rows, |r| r.digest))
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

async fn replace_links(conn: &mut PgConnection, persons: &[PersonId], links: &[(PersonId, LinkPut)]) -> Result<()> {
    for persons in persons.chunks(ROWS_PER_STATEMENT) {
        let ids: Vec<Uuid> = persons.iter().map(|person| person.as_uuid()).collect();
        sqlx::query("DELETE FROM link WHERE person_id = ANY($1)").bind(ids).execute(&mut *conn).await?;
    }
    for rows in sorted(links, |r| (r.0, r.1.record_a, r.1.record_b)).chunks(ROWS_PER_STATEMENT) {
        sqlx::query(
            "INSERT INTO link (person_id, record_a, record_b, weight, parts, model_version)
         SELECT a, b, c, d, e::jsonb, f
         FROM UNNEST($1::uuid[], $2::uuid[], $3::uuid[], $4::float8[], $5::text[], $6::text[])
             AS put(a, b, c, d, e, f)",
        )
        .bind(column(rows, |r| r.0.as_uuid()))
        .bind(column(rows, |r| r.1.record_a.as_uuid()))
        .bind(column(rows, |r| r.1.record_b.as_uuid()))
        .bind(column(rows, |r| r.1.weight))
        .bind(column(rows, |r| r.1.parts.as_str()))
        .bind(column(rows, |r| r.1.model_version.as_str()))
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

async fn put_places(conn: &mut PgConnection, places: &[PlacePut]) -> Result<()> {
    for rows in sorted(places, |r| r.record_id).chunks(ROWS_PER_STATEMENT) {
        sqlx::query(
            "INSERT INTO place AS kept (record_id, place_id, retracted, version, event_id, source, parent_place_id,
             valid_from, valid_to, detail, reading)
         SELECT a, b, i IS NULL, c, d, e, f, g, h, i::jsonb, j
         FROM UNNEST($1::uuid[], $2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[],
             $8::timestamptz[], $9::text[], $10::int[]) AS put(a, b, c, d, e, f, g, h, i, j)
         ON CONFLICT (record_id) DO UPDATE SET place_id = excluded.place_id, retracted = excluded.retracted,
             version = excluded.version, event_id = excluded.event_id, source = excluded.source,
             parent_place_id = excluded.parent_place_id, valid_from = excluded.valid_from,
             valid_to = excluded.valid_to, detail = excluded.detail, reading = excluded.reading
         WHERE (excluded.version, excluded.reading, excluded.retracted, excluded.event_id)
             > (kept.version, kept.reading, kept.retracted, kept.event_id)",
        )
        .bind(column(rows, |r| r.record_id.as_uuid()))
        .bind(column(rows, |r| r.place_id.as_str()))
        .bind(column(rows, |r| r.edition.version))
        .bind(column(rows, |r| r.event_id.as_uuid()))
        .bind(column(rows, |r| r.source.as_str()))
        .bind(column(rows, |r| r.parent_place_id.as_deref()))
        .bind(column(rows, |r| r.valid_from.map(PgInstant)))
        .bind(column(rows, |r| r.valid_to.map(PgInstant)))
        .bind(column(rows, |r| r.detail.as_deref()))
        .bind(column(rows, |r| r.edition.reading))
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

async fn put_quarantined(conn: &mut PgConnection, quarantined: &[QuarantinedRow]) -> Result<()> {
    // Few and small: one statement each is enough, and a record that comes again is already there.
    let unique: BTreeMap<_, _> = quarantined.iter().map(|q| ((&q.topic, q.partition, q.offset), &q.reason)).collect();
    for ((topic, partition, offset), reason) in unique {
        sqlx::query(
            "INSERT INTO projector_quarantine (topic, partition, record_offset, reason) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
        )
        .bind(topic)
        .bind(partition)
        .bind(offset)
        .bind(reason)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}
