//! What stood in the views until it was replaced: statements of records, links of persons, decisions on pairs, the model.
//!
//! Invariant: of each thing, what was true at an instant is what was replaced first after it, or else what the views show.
//! So nothing is kept of a thing that never changed, and what is kept is copied inside the database.

use domain::{PersonId, RecordId, Timestamp};
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use super::AsOf;
use crate::views::{
    Changes, LinkColumns, LinkPut, LinkRow, ModelRow, OrderColumns, OrderRow, ROWS_PER_STATEMENT, RecordColumns,
    SourceRecordRow,
};
use crate::{PgInstant, Result};

/// Keeps what the changes replace, and gives the number of rows. It compares with the views as they are.
pub(super) async fn keep(conn: &mut PgConnection, changes: &Changes) -> Result<u64> {
    let mut kept = keep_links(conn, changes).await?;
    for records in changes.restated.chunks(ROWS_PER_STATEMENT) {
        kept += sqlx::query(
            "INSERT INTO lineage.replaced (at, what, id, was)
             SELECT (SELECT lineage.this_instant()), 'record', record_id, to_jsonb(was) - '{parts,retracted,person_id}'::text[]
             FROM source_record was WHERE record_id = ANY($1) AND statement IS NOT NULL",
        )
        .bind(records.iter().map(|record| record.as_uuid()).collect::<Vec<_>>())
        .execute(&mut *conn)
        .await?
        .rows_affected();
    }
    for orders in changes.orders.chunks(ROWS_PER_STATEMENT) {
        kept += sqlx::query(
            "INSERT INTO lineage.replaced (at, what, id, was)
             SELECT (SELECT lineage.this_instant()), 'decision', id, COALESCE(was, '[]')
             FROM (SELECT DISTINCT unnest($1::uuid[]) AS id) put
             LEFT JOIN (SELECT decision_id AS id, jsonb_agg(to_jsonb(standing_order)) AS was FROM standing_order
                        WHERE decision_id = ANY($1) GROUP BY decision_id) known USING (id)",
        )
        .bind(orders.iter().map(|order| order.decision_id.as_uuid()).collect::<Vec<_>>())
        .execute(&mut *conn)
        .await?
        .rows_affected();
    }
    if let Some(model) = &changes.model {
        kept += sqlx::query(
            "INSERT INTO lineage.replaced (at, what, id, was)
             SELECT (SELECT lineage.this_instant()), 'model', $2, to_jsonb(was) - 'document'
             FROM linkage_model was WHERE model_version <> $1",
        )
        .bind(&model.model_version)
        .bind(Uuid::nil())
        .execute(conn)
        .await?
        .rows_affected();
    }
    Ok(kept)
}

/// Links go as all links of their person, and only when one of them is lost or weighs otherwise: a person that merely grew
/// has its old links among the new ones, and the records of then tell which they were.
async fn keep_links(conn: &mut PgConnection, changes: &Changes) -> Result<u64> {
    let gone = changes.lineage.iter().filter(|put| put.digest.is_none()).map(|put| put.person_id);
    let mut persons: Vec<PersonId> =
        changes.relinked.iter().chain(&changes.persons_removed).copied().chain(gone).collect();
    persons.sort_unstable();
    persons.dedup();
    let mut links: Vec<&(PersonId, LinkPut)> = changes.links.iter().collect();
    links.sort_unstable_by_key(|(person, _)| *person);
    let mut kept = 0;
    for persons in persons.chunks(ROWS_PER_STATEMENT) {
        let till = persons.last().map_or(0, |last| links.partition_point(|(person, _)| person <= last));
        let now: Vec<_> = links.drain(..till).collect();
        kept += sqlx::query(
            "INSERT INTO lineage.replaced (at, what, id, was)
             SELECT (SELECT lineage.this_instant()), 'links', person_id, jsonb_agg(to_jsonb(was) - 'person_id')
             FROM link was
             WHERE person_id IN (
                 SELECT person_id FROM link
                 LEFT JOIN UNNEST($2::uuid[], $3::uuid[], $4::uuid[], $5::float8[], $6::text[])
                     AS put(person_id, record_a, record_b, weight, model_version)
                     USING (person_id, record_a, record_b, weight, model_version)
                 WHERE person_id = ANY($1) AND put.person_id IS NULL)
             GROUP BY person_id",
        )
        .bind(persons.iter().map(|person| person.as_uuid()).collect::<Vec<_>>())
        .bind(now.iter().map(|(person, _)| person.as_uuid()).collect::<Vec<_>>())
        .bind(now.iter().map(|(_, link)| link.record_a.as_uuid()).collect::<Vec<_>>())
        .bind(now.iter().map(|(_, link)| link.record_b.as_uuid()).collect::<Vec<_>>())
        .bind(now.iter().map(|(_, link)| link.weight).collect::<Vec<_>>())
        .bind(now.iter().map(|(_, link)| link.model_version.as_str()).collect::<Vec<_>>())
        .execute(&mut *conn)
        .await?
        .rows_affected();
    }
    Ok(kept)
}

/// Keeps what the views to come replace, and gives the number of rows.
pub(super) async fn keep_exchanged(conn: &mut PgConnection) -> Result<u64> {
    let kept = sqlx::query(
        "INSERT INTO lineage.replaced (at, what, id, was)
         SELECT (SELECT lineage.this_instant()), 'record', record_id, to_jsonb(was) - '{parts,retracted,person_id}'::text[]
         FROM views.source_record was LEFT JOIN views_next.source_record is_now USING (record_id)
         WHERE was.statement IS NOT NULL AND was.statement IS DISTINCT FROM is_now.statement
         UNION ALL
         SELECT (SELECT lineage.this_instant()), 'links', person_id, jsonb_agg(to_jsonb(was) - 'person_id')
         FROM views.link was
         WHERE person_id IN (
             SELECT person_id FROM views.link
             LEFT JOIN views_next.link is_now USING (person_id, record_a, record_b, weight, model_version)
             WHERE is_now.person_id IS NULL)
         GROUP BY person_id
         UNION ALL
         SELECT (SELECT lineage.this_instant()), 'decision', decision_id, jsonb_agg(to_jsonb(was))
         FROM views.standing_order was
         WHERE decision_id IN (
             SELECT decision_id FROM views.standing_order
             LEFT JOIN views_next.standing_order is_now USING (decision_id, version, event_id, standing, against)
             WHERE is_now.decision_id IS NULL)
         GROUP BY decision_id
         UNION ALL
         SELECT (SELECT lineage.this_instant()), 'model', $1, to_jsonb(was) - 'document'
         FROM views.linkage_model was CROSS JOIN views_next.linkage_model is_now
         WHERE was.model_version <> is_now.model_version",
    );
    Ok(kept.bind(Uuid::nil()).execute(conn).await?.rows_affected())
}

/// What the records of a person stated at an instant, oldest record first; at most `limit`. A record that stated the same
/// again since then may bear the times and the batch of that.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_records_then(
    conn: &mut PgConnection,
    then: &AsOf,
    at: Timestamp,
    limit: i64,
) -> Result<Vec<SourceRecordRow>> {
    let rows: Vec<RecordColumns> = sqlx::query_as(
        "SELECT r.record_id, r.source, r.source_kind, r.version, r.reading, r.event_id, r.statement, r.parts, r.first_time,
                r.last_time, r.retract_version, r.retract_reading, r.retract_event_id, r.retract_reason, r.survivor,
                r.person_id, r.batch_id, r.batch_row, r.withdrawn_version, r.withdrawn_reading
         FROM unnest($1::uuid[]) WITH ORDINALITY AS member(record_id, place)
         LEFT JOIN LATERAL (SELECT was FROM lineage.replaced
                            WHERE what = 'record' AND id = member.record_id AND at > $2 ORDER BY seq LIMIT 1) first ON true
         CROSS JOIN LATERAL (
             SELECT * FROM jsonb_populate_record(NULL::source_record, first.was) WHERE first.was IS NOT NULL
             UNION ALL
             SELECT * FROM source_record now WHERE now.record_id = member.record_id AND first.was IS NULL) r
         ORDER BY member.place LIMIT $3",
    )
    .bind(ids(&then.change.members))
    .bind(PgInstant(at))
    .bind(limit)
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(SourceRecordRow::try_from).collect()
}

/// The links that held a person together at an instant, strongest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_links_then(conn: &mut PgConnection, then: &AsOf, at: Timestamp) -> Result<Vec<LinkRow>> {
    let rows: Vec<LinkColumns> = sqlx::query_as(
        "WITH first AS MATERIALIZED (
             SELECT was FROM lineage.replaced WHERE what = 'links' AND id = $1 AND at > $3 ORDER BY seq LIMIT 1),
         known AS (
             SELECT * FROM link WHERE person_id = $1 AND NOT EXISTS (SELECT FROM first)
             UNION ALL
             SELECT link.* FROM first CROSS JOIN LATERAL jsonb_populate_recordset(NULL::link, first.was) link)
         SELECT record_a, record_b, weight, parts, model_version FROM known
         WHERE record_a = ANY($2) AND record_b = ANY($2)
         ORDER BY weight DESC, record_a, record_b",
    )
    .bind(then.change.person_id.as_uuid())
    .bind(ids(&then.change.members))
    .bind(PgInstant(at))
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(LinkRow::from).collect())
}

/// The decisions on records of a person that stood at an instant, the newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_orders_then(conn: &mut PgConnection, then: &AsOf, at: Timestamp) -> Result<Vec<OrderRow>> {
    let rows: Vec<OrderColumns> = sqlx::query_as(
        "WITH pair AS (
             SELECT DISTINCT decision_id FROM standing_order WHERE record_a = ANY($1) OR record_b = ANY($1)),
         known AS (
             SELECT o.* FROM pair
             LEFT JOIN LATERAL (SELECT was FROM lineage.replaced
                                WHERE what = 'decision' AND id = pair.decision_id AND at > $2
                                ORDER BY seq LIMIT 1) first ON true
             CROSS JOIN LATERAL (
                 SELECT * FROM jsonb_populate_recordset(NULL::standing_order, first.was) WHERE first.was IS NOT NULL
                 UNION ALL
                 SELECT * FROM standing_order now WHERE now.decision_id = pair.decision_id AND first.was IS NULL) o)
         SELECT * FROM known WHERE standing IN ('in-force', 'resting', 'set-aside')
         ORDER BY decided DESC, decision_id",
    )
    .bind(ids(&then.change.members))
    .bind(PgInstant(at))
    .fetch_all(conn)
    .await?;
    rows.into_iter().map(OrderRow::try_from).collect()
}

/// The linkage model that decided at an instant, without its document; `None` before the first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_model_then(conn: &mut PgConnection, at: Timestamp) -> Result<Option<ModelRow>> {
    let row: Option<(String, f64, f64, f64, String)> = sqlx::query_as(
        "WITH first AS MATERIALIZED (
             SELECT was FROM lineage.replaced WHERE what = 'model' AND id = $1 AND at > $2 ORDER BY seq LIMIT 1),
         known AS (
             SELECT * FROM linkage_model WHERE NOT EXISTS (SELECT FROM first)
             UNION ALL
             SELECT model.* FROM first CROSS JOIN LATERAL jsonb_populate_record(NULL::linkage_model, first.was) model)
         SELECT model_version, prior, link_threshold, review_threshold, survivorship_version FROM known",
    )
    .bind(Uuid::nil())
    .bind(PgInstant(at))
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|(model_version, prior, link_threshold, review_threshold, survivorship_version)| ModelRow {
        model_version,
        prior,
        link_threshold,
        review_threshold,
        document: String::new(),
        survivorship_version,
    }))
}

fn ids(records: &[RecordId]) -> Vec<Uuid> {
    records.iter().map(|record| record.as_uuid()).collect()
}
