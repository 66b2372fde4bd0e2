//! Writing facts. The last word on each is in `fact`; what was said before is kept beside it, so that what was known at
//! an instant can be told. In whatever order statements come, the same rows are there in the end.

use std::collections::HashMap;

use domain::{ClaimToken, Edition, EventId, EventType, RecordId};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::rows::{kind_code, kind_from_code};
use super::write::{Changes, FactPut, ROWS_PER_STATEMENT, column, sorted};
use crate::{PgInstant, Result};

/// What a fact says before a batch is written.
pub(super) struct Kept {
    precedence: (Edition, bool, EventId),
    /// Of whom it is.
    pub(super) subject: Option<ClaimToken>,
}

/// Facts by record and kind.
pub(super) type KeptFacts = HashMap<(RecordId, EventType), Kept>;

#[derive(FromRow)]
struct KeptColumns {
    record_id: Uuid,
    kind: i16,
    version: i64,
    reading: i32,
    retracted: bool,
    event_id: Uuid,
    subject: Option<Uuid>,
}

/// Those of the facts that are there already: seldom any.
pub(super) async fn find_kept(conn: &mut PgConnection, facts: &[FactPut]) -> Result<KeptFacts> {
    let mut kept = KeptFacts::new();
    for rows in sorted(facts, |r| (r.record_id, r.kind)).chunks(ROWS_PER_STATEMENT) {
        let found: Vec<KeptColumns> = sqlx::query_as(
            "SELECT record_id, kind, version, reading, retracted, event_id, subject
             FROM fact JOIN UNNEST($1::uuid[], $2::smallint[]) AS put(record_id, kind) USING (record_id, kind)",
        )
        .bind(column(rows, |r| r.record_id.as_uuid()))
        .bind(column(rows, |r| kind_code(r.kind)))
        .fetch_all(&mut *conn)
        .await?;
        for row in found {
            let edition = Edition { version: row.version, reading: row.reading };
            let precedence = (edition, row.retracted, EventId::from_uuid(row.event_id));
            let subject = row.subject.map(|subject| ClaimToken::from_bytes(subject.into_bytes()));
            kept.insert((RecordId::from_uuid(row.record_id), kind_from_code(row.kind)?), Kept { precedence, subject });
        }
    }
    Ok(kept)
}

/// Writes the facts, and what they, or what is there, are no longer the last word on.
pub(super) async fn put_facts(conn: &mut PgConnection, changes: &Changes, kept: &KeptFacts) -> Result<()> {
    let of = |fact: &FactPut| kept.get(&(fact.record_id, fact.kind));
    let (mut before, mut replacing) = (changes.facts_before.clone(), Vec::new());
    for fact in &changes.facts {
        match of(fact) {
            Some(kept) if kept.precedence > fact.precedence() => before.push(fact.clone()),
            Some(kept) if kept.precedence < fact.precedence() => replacing.push(fact),
            _ => {}
        }
    }
    // What came twice in one batch and is there already is not before itself.
    before.retain(|fact| of(fact).is_none_or(|kept| kept.precedence != fact.precedence()));
    for rows in replacing.chunks(ROWS_PER_STATEMENT) {
        sqlx::query(
            "INSERT INTO fact_before AS kept
             SELECT fact.* FROM fact JOIN UNNEST($1::uuid[], $2::smallint[]) AS put(record_id, kind) USING (record_id, kind)
             ON CONFLICT (record_id, kind, version, reading, retracted, event_id)
             DO UPDATE SET known_at = least(kept.known_at, excluded.known_at)",
        )
        .bind(column(rows, |r| r.record_id.as_uuid()))
        .bind(column(rows, |r| kind_code(r.kind)))
        .execute(&mut *conn)
        .await?;
    }
    put(conn, Table::Before, &before).await?;
    put(conn, Table::Last, &changes.facts).await
}

/// Columns and rows of an insert.
macro_rules! rows {
    () => {
        "(record_id, kind, retracted, version, event_id, source, subject, started_at, ended_at, place_id, detail,
             reading, known_at)
         SELECT a, b, k IS NULL, d, e, f, g, h, i, j, k::jsonb, l, m
         FROM UNNEST($1::uuid[], $2::smallint[], $3::bigint[], $4::uuid[], $5::text[], $6::uuid[],
             $7::timestamptz[], $8::timestamptz[], $9::text[], $10::text[], $11::int[], $12::timestamptz[])
             AS put(a, b, d, e, f, g, h, i, j, k, l, m) "
    };
}

#[derive(Clone, Copy)]
enum Table {
    Last,
    Before,
}

async fn put(conn: &mut PgConnection, table: Table, facts: &[FactPut]) -> Result<()> {
    // The same statement known twice was known since the first time.
    let statement = match table {
        Table::Last => concat!(
            "INSERT INTO fact AS kept ",
            rows!(),
            "ON CONFLICT (record_id, kind) DO UPDATE SET retracted = excluded.retracted, version = excluded.version,
                 event_id = excluded.event_id, source = excluded.source, subject = excluded.subject,
                 started_at = excluded.started_at, ended_at = excluded.ended_at, place_id = excluded.place_id,
                 detail = excluded.detail, reading = excluded.reading, known_at = excluded.known_at
             WHERE (excluded.version, excluded.reading, excluded.retracted, excluded.event_id)
                 > (kept.version, kept.reading, kept.retracted, kept.event_id)
               OR ((excluded.version, excluded.reading, excluded.retracted, excluded.event_id)
                 = (kept.version, kept.reading, kept.retracted, kept.event_id) AND excluded.known_at < kept.known_at)"
        ),
        Table::Before => concat!(
            "INSERT INTO fact_before AS kept ",
            rows!(),
            "ON CONFLICT (record_id, kind, version, reading, retracted, event_id)
             DO UPDATE SET known_at = least(kept.known_at, excluded.known_at)"
        ),
    };
    for rows in sorted(facts, |r| (r.record_id, r.kind, r.precedence())).chunks(ROWS_PER_STATEMENT) {
        sqlx::query(statement)
            .bind(column(rows, |r| r.record_id.as_uuid()))
            .bind(column(rows, |r| kind_code(r.kind)))
            .bind(column(rows, |r| r.edition.version))
            .bind(column(rows, |r| r.event_id.as_uuid()))
            .bind(column(rows, |r| r.source.as_str()))
            .bind(column(rows, |r| r.subject.filter(|_| r.detail.is_some()).map(ClaimToken::as_uuid)))
            .bind(column(rows, |r| PgInstant(r.started_at)))
            .bind(column(rows, |r| r.ended_at.map(PgInstant)))
            .bind(column(rows, |r| r.place_id.as_deref()))
            .bind(column(rows, |r| r.detail.as_deref()))
            .bind(column(rows, |r| r.edition.reading))
            .bind(column(rows, |r| PgInstant(r.known_at)))
            .execute(&mut *conn)
            .await?;
    }
    Ok(())
}
