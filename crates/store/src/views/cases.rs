//! What is known of infections: cases, and tests that found one.

use domain::{RecordId, Timestamp};
use sqlx::postgres::PgConnection;

use super::FactRow;
use super::read::FactColumns;
use crate::{PgInstant, Result};

/// Cases of several sources that bear one number: more of them are not told apart.
const NAMESAKES_MAX: i64 = 16;

/// Every case, or as it was known at an instant; by record.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_case_facts(conn: &mut PgConnection, known_at: Option<Timestamp>) -> Result<Vec<FactRow>> {
    let query = match known_at {
        None => sqlx::query_as(
            "SELECT record_id, kind, version, event_id, source, subject, started_at, ended_at, place_id, detail
             FROM fact WHERE kind = 14 AND NOT retracted ORDER BY record_id",
        ),
        Some(known_at) => sqlx::query_as(
            "SELECT record_id, kind, version, event_id, source, subject, started_at, ended_at, place_id, detail
             FROM fact_known($1) WHERE kind = 14 AND NOT retracted ORDER BY record_id",
        )
        .bind(PgInstant(known_at)),
    };
    let rows: Vec<FactColumns> = query.fetch_all(conn).await?;
    rows.into_iter().map(FactRow::try_from).collect()
}

/// The cases that a text names now: the one whose id it is, otherwise every one whose source gave it this number.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_cases_named(conn: &mut PgConnection, name: &str) -> Result<Vec<FactRow>> {
    let id = name.parse::<RecordId>().ok().map(RecordId::as_uuid);
    let rows: Vec<FactColumns> = sqlx::query_as(
        "SELECT record_id, kind, version, event_id, source, subject, started_at, ended_at, place_id, detail
         FROM fact WHERE kind = 14 AND NOT retracted AND record_id = $1
         UNION ALL
         (SELECT record_id, kind, version, event_id, source, subject, started_at, ended_at, place_id, detail
          FROM fact WHERE kind = 14 AND NOT retracted AND detail->>'case_id' = $2
            AND NOT EXISTS (SELECT FROM fact WHERE kind = 14 AND NOT retracted AND record_id = $1)
          ORDER BY record_id LIMIT $3)",
    )
    .bind(id)
    .bind(name)
    .bind(NAMESAKES_MAX)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(FactRow::try_from).collect()
}

/// Test results of one instant at the latest that found an infection in one person, and that were taken, or read by the hub, at
/// another instant or later; the oldest first. With `known_at` those that stood as known at that instant, otherwise as known now.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_positive_tests(
    conn: &mut PgConnection,
    (since, to): (Timestamp, Timestamp),
    known_at: Option<Timestamp>,
) -> Result<Vec<FactRow>> {
    // What was stated again is as late as its first statement.
    macro_rules! positive {
        ($table:literal) => {
            concat!(
                "SELECT record_id, kind, version, event_id, source, subject, started_at, ended_at, place_id, detail
                 FROM ",
                $table,
                " f WHERE kind = 7 AND detail->>'result' = 'POSITIVE' AND NOT retracted
                   AND detail->>'status' <> 'CANCELLED' AND started_at <= $2
                   AND (started_at >= $1 OR least(known_at, (
                        SELECT min(b.known_at) FROM fact_before b
                        WHERE b.record_id = f.record_id AND b.kind = f.kind AND b.detail->>'result' = 'POSITIVE'))
                        BETWEEN $1 AND $2)
                 ORDER BY started_at, record_id"
            )
        };
    }
    let query = match known_at {
        None => sqlx::query_as(positive!("fact")),
        Some(_) => sqlx::query_as(positive!("fact_known($3)")),
    };
    let query = query.bind(PgInstant(since)).bind(PgInstant(to));
    let query = match known_at {
        None => query,
        Some(known_at) => query.bind(PgInstant(known_at)),
    };
    let rows: Vec<FactColumns> = query.fetch_all(conn).await?;
    rows.into_iter().map(FactRow::try_from).collect()
}

/// Test results between two instants whose person nobody else knows: their subject leads to nobody, or to somebody of whom no
/// other source has a record, and no home is known. The oldest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_tests_without_person(
    conn: &mut PgConnection,
    since: Timestamp,
    to: Timestamp,
    limit: i64,
) -> Result<Vec<FactRow>> {
    let rows: Vec<FactColumns> = sqlx::query_as(
        "SELECT f.record_id, f.kind, f.version, f.event_id, f.source, f.subject, f.started_at, f.ended_at, f.place_id, f.detail
         FROM fact f
         WHERE f.kind = 7 AND NOT f.retracted AND f.detail->>'status' <> 'CANCELLED'
           AND f.started_at >= $1 AND f.started_at <= $2
           AND NOT EXISTS (
               SELECT FROM (SELECT person_id FROM source_record WHERE record_id = f.subject
                            UNION ALL
                            SELECT person_id FROM claim JOIN source_record USING (record_id)
                            WHERE claim.token = f.subject AND claim.role > 0) tested
               JOIN person USING (person_id)
               WHERE person.home IS NOT NULL
                  OR EXISTS (SELECT FROM source_record other
                             WHERE other.person_id = tested.person_id AND other.source <> f.source))
         ORDER BY f.started_at, f.record_id LIMIT $3",
    )
    .bind(PgInstant(since))
    .bind(PgInstant(to))
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(FactRow::try_from).collect()
}
