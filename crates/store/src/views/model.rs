//! The linkage model that decided the views, and the models that operators activated.

use domain::{EventId, Timestamp};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::{PgInstant, Result};

/// The model that decided the persons.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelRow {
    /// Name and version, with the beginning of its fingerprint.
    pub model_version: String,
    /// Log2 of the odds that any two records are of one person.
    pub prior: f64,
    /// From this weight on, two records are linked.
    pub link_threshold: f64,
    /// From this weight on, a pair is put up for review.
    pub review_threshold: f64,
    /// The model as TOML.
    pub document: String,
    /// Name and version of the rules of survivorship, with the beginning of their fingerprint.
    pub survivorship_version: String,
}

/// A model that an operator activated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelActivationRow {
    /// Place in the order of activations: the highest decides.
    pub version: i64,
    /// The event.
    pub event_id: EventId,
    /// When.
    pub activated_at: Timestamp,
    /// It decided before, and an operator went back to it.
    pub rolled_back: bool,
    /// Name and version, with the beginning of its fingerprint.
    pub model_version: String,
    /// The model as TOML.
    pub document: String,
    /// Handle of the operator.
    pub operator: String,
    /// Why.
    pub reason: String,
}

#[derive(FromRow)]
struct ActivationColumns {
    version: i64,
    event_id: Uuid,
    activated_at: PgInstant,
    rolled_back: bool,
    model_version: String,
    document: String,
    operator: String,
    reason: String,
}

/// The model that decided the persons; `None` in views that nothing was written to yet.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_model(conn: &mut PgConnection) -> Result<Option<ModelRow>> {
    let row: Option<(String, f64, f64, f64, String, String)> = sqlx::query_as(
        "SELECT model_version, prior, link_threshold, review_threshold, document, survivorship_version
         FROM linkage_model",
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|(model_version, prior, link_threshold, review_threshold, document, survivorship_version)| ModelRow {
        model_version,
        prior,
        link_threshold,
        review_threshold,
        document,
        survivorship_version,
    }))
}

/// Every activation, the first one first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_model_activations(conn: &mut PgConnection) -> Result<Vec<ModelActivationRow>> {
    let rows: Vec<ActivationColumns> =
        sqlx::query_as("SELECT * FROM model_activation ORDER BY version, event_id").fetch_all(conn).await?;
    let row = |row: ActivationColumns| ModelActivationRow {
        version: row.version,
        event_id: EventId::from_uuid(row.event_id),
        activated_at: row.activated_at.0,
        rolled_back: row.rolled_back,
        model_version: row.model_version,
        document: row.document,
        operator: row.operator,
        reason: row.reason,
    };
    Ok(rows.into_iter().map(row).collect())
}

pub(super) async fn put_model(conn: &mut PgConnection, model: &ModelRow) -> Result<()> {
    sqlx::query(
        "INSERT INTO linkage_model (model_version, prior, link_threshold, review_threshold, document,
             survivorship_version)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (singleton) DO UPDATE SET model_version = excluded.model_version, prior = excluded.prior,
             link_threshold = excluded.link_threshold, review_threshold = excluded.review_threshold,
             document = excluded.document, survivorship_version = excluded.survivorship_version",
    )
    .bind(&model.model_version)
    .bind(model.prior)
    .bind(model.link_threshold)
    .bind(model.review_threshold)
    .bind(&model.document)
    .bind(&model.survivorship_version)
    .execute(conn)
    .await?;
    Ok(())
}

/// Of two events of one id the first counts.
pub(super) async fn put_model_activations(conn: &mut PgConnection, activations: &[ModelActivationRow]) -> Result<()> {
    for row in activations {
        sqlx::query(
            "INSERT INTO model_activation (version, event_id, activated_at, rolled_back, model_version, document,
                 operator, reason)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(row.version)
        .bind(row.event_id.as_uuid())
        .bind(PgInstant(row.activated_at))
        .bind(row.rolled_back)
        .bind(&row.model_version)
        .bind(&row.document)
        .bind(&row.operator)
        .bind(&row.reason)
        .execute(&mut *conn)
        .await?;
    }
    Ok(())
}

/// How much linkage has decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinkageCounts {
    /// Source records that state something.
    pub records: i64,
    /// Persons.
    pub persons: i64,
    /// Links between records.
    pub links: i64,
    /// Pairs up for review.
    pub reviews: i64,
}

/// Counts rows; reads every table once.
///
/// # Errors
/// When the database cannot be reached.
pub async fn linkage_counts(conn: &mut PgConnection) -> Result<LinkageCounts> {
    let (records, persons, links, reviews) = sqlx::query_as(
        "SELECT (SELECT count(*) FROM source_record WHERE NOT retracted), (SELECT count(*) FROM person),
                (SELECT count(*) FROM link), (SELECT count(*) FROM review)",
    )
    .fetch_one(conn)
    .await?;
    Ok(LinkageCounts { records, persons, links, reviews })
}
