//! A short value that tells whether two sets of views hold the same.

use std::collections::BTreeMap;

use sqlx::Connection;
use sqlx::postgres::PgConnection;

use super::{Schema, use_schema};
use crate::Result;

/// Every table with its content, but for columns that say when and by which run a row was written. `OFFSET 0` keeps the
/// text of a row from being made twice.
const TABLES: &[(&str, &str)] = &[
    (
        "source_record",
        "SELECT count(*), sum(hashtextextended(line, 0))::text, sum(hashtextextended(line, 1))::text
         FROM (SELECT t::text AS line FROM source_record t OFFSET 0) lines",
    ),
    (
        "claim",
        "SELECT count(*), sum(hashtextextended(line, 0))::text, sum(hashtextextended(line, 1))::text
         FROM (SELECT t::text AS line FROM claim t OFFSET 0) lines",
    ),
    (
        "person",
        "SELECT count(*), sum(hashtextextended(line, 0))::text, sum(hashtextextended(line, 1))::text
         FROM (SELECT t::text AS line FROM person t OFFSET 0) lines",
    ),
    (
        "link",
        "SELECT count(*), sum(hashtextextended(line, 0))::text, sum(hashtextextended(line, 1))::text
         FROM (SELECT t::text AS line FROM link t OFFSET 0) lines",
    ),
    (
        "review",
        "SELECT count(*), sum(hashtextextended(line, 0))::text, sum(hashtextextended(line, 1))::text
         FROM (SELECT t::text AS line FROM review t OFFSET 0) lines",
    ),
    (
        "standing_order",
        "SELECT count(*), sum(hashtextextended(line, 0))::text, sum(hashtextextended(line, 1))::text
         FROM (SELECT t::text AS line FROM standing_order t OFFSET 0) lines",
    ),
    (
        "fact",
        "SELECT count(*), sum(hashtextextended(line, 0))::text, sum(hashtextextended(line, 1))::text
         FROM (SELECT t::text AS line FROM fact t OFFSET 0) lines",
    ),
    (
        "place",
        "SELECT count(*), sum(hashtextextended(line, 0))::text, sum(hashtextextended(line, 1))::text
         FROM (SELECT t::text AS line FROM place t OFFSET 0) lines",
    ),
    (
        "fact_before",
        "SELECT count(*), sum(hashtextextended(line, 0))::text, sum(hashtextextended(line, 1))::text
         FROM (SELECT t::text AS line FROM fact_before t OFFSET 0) lines",
    ),
    (
        "follow_up",
        "SELECT count(*), sum(hashtextextended(line, 0))::text, sum(hashtextextended(line, 1))::text
         FROM (SELECT t::text AS line FROM follow_up t OFFSET 0) lines",
    ),
    (
        "linkage_model",
        "SELECT count(*), sum(hashtextextended(line, 0))::text, sum(hashtextextended(line, 1))::text
         FROM (SELECT t::text AS line FROM linkage_model t OFFSET 0) lines",
    ),
    (
        "model_activation",
        "SELECT count(*), sum(hashtextextended(line, 0))::text, sum(hashtextextended(line, 1))::text
         FROM (SELECT t::text AS line FROM model_activation t OFFSET 0) lines",
    ),
    (
        "hot_value",
        "SELECT count(*), sum(hashtextextended(line, 0))::text, sum(hashtextextended(line, 1))::text
         FROM (SELECT t::text AS line FROM hot_value t OFFSET 0) lines",
    ),
    (
        "projector_quarantine",
        "SELECT count(*), sum(hashtextextended(line, 0))::text, sum(hashtextextended(line, 1))::text
         FROM (SELECT ROW(topic, partition, record_offset, reason)::text AS line FROM projector_quarantine OFFSET 0) lines",
    ),
];

/// Per table: how many rows, and two sums of 64-bit hashes over them. The sums do not depend on the order in which
/// rows were written; two sets of views that hold the same have equal fingerprints.
///
/// # Errors
/// When the schema does not exist.
pub async fn fingerprint(conn: &mut PgConnection, schema: Schema) -> Result<BTreeMap<&'static str, String>> {
    let mut tx = conn.begin().await?;
    use_schema(&mut tx, schema).await?;
    let mut prints = BTreeMap::new();
    for (table, statement) in TABLES {
        let (rows, first, second): (i64, Option<String>, Option<String>) =
            sqlx::query_as(*statement).fetch_one(&mut *tx).await?;
        let sum = |text: Option<String>| text.unwrap_or_else(|| "0".to_owned());
        prints.insert(*table, format!("{rows}:{}:{}", sum(first), sum(second)));
    }
    tx.commit().await?;
    Ok(prints)
}
