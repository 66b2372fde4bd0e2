//! The views of the projection: persons, their records and claims, facts, places.
//!
//! Invariant: the tables of one schema are a function of the log up to the positions of its checkpoint.

mod cases;
mod checkpoint;
mod claims;
mod facts;
mod fingerprint;
mod follow_ups;
mod hot;
mod model;
mod orders;
mod quarantine;
mod read;
mod residents;
mod rows;
mod touched;
mod wall;
mod whereabouts;
mod write;

use sqlx::postgres::PgConnection;

pub use cases::{list_case_facts, list_cases_named, list_positive_tests, list_tests_without_person};
pub use checkpoint::{Checkpoint, exchange, find_checkpoint, lock_checkpoint, lock_writing};
pub use claims::{list_claims_of_person, list_claims_of_tokens, list_tokens_of_persons};
pub use fingerprint::fingerprint;
pub use follow_ups::{FollowUpRow, FollowUpsOf, list_follow_ups, list_records_beside, list_steps};
pub use hot::{Hot, HotChanges, HotRow, count_hot, list_hot};
pub use model::{LinkageCounts, ModelActivationRow, ModelRow, find_model, linkage_counts, list_model_activations};
pub(crate) use orders::OrderColumns;
pub use orders::{
    OrderPlace, OrderRow, ReviewFilter, ReviewPut, ReviewRow, ReviewSide, Standing, all_orders, find_order,
    find_review, list_orders, list_orders_of, list_orders_of_person, list_persons_of_records, list_reviews,
};
pub use quarantine::{REFUSED, list_quarantined, list_refused};
pub use read::*;
pub(crate) use read::{LinkColumns, RecordColumns};
pub use residents::{
    ResidentRow, is_unit_of_somebody, list_facts_of_unit, list_homes, list_homes_in, list_memberships,
    list_meter_readings, list_residents,
};
pub use rows::*;
pub use touched::{Touched, last_touched, list_touched};
pub(crate) use wall::build_missing;
pub use wall::narrow;
pub use whereabouts::{WhereaboutsRow, find_latest_seen, list_whereabouts, list_whereabouts_of};
pub(crate) use write::ROWS_PER_STATEMENT;
pub use write::{Changes, FactPut, LinkPut, PersonPut, PlacePut, RecordPut, advance, apply};

use crate::Result;

const DDL: &str = include_str!("schema.sql");

/// The schemas that views can be in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// The views that are read.
    Active,
    /// The views that a rebuild is making.
    Next,
    /// The views that were read before the last rebuild.
    Previous,
}

impl Schema {
    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "views",
            Self::Next => "views_next",
            Self::Previous => "views_previous",
        }
    }
}

/// Whether the schema exists.
///
/// # Errors
/// When the database cannot be reached.
pub async fn exists(conn: &mut PgConnection, schema: Schema) -> Result<bool> {
    let found = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_namespace WHERE nspname = $1)");
    Ok(found.bind(schema.name()).fetch_one(conn).await?)
}

/// Creates the schema with empty views. Call it inside a transaction, whose search path it changes.
///
/// # Errors
/// When the schema exists already.
pub async fn create(conn: &mut PgConnection, schema: Schema) -> Result<()> {
    let statement = match schema {
        Schema::Active => "CREATE SCHEMA views",
        Schema::Next => "CREATE SCHEMA views_next",
        Schema::Previous => "CREATE SCHEMA views_previous",
    };
    sqlx::raw_sql(statement).execute(&mut *conn).await?;
    use_schema(conn, schema).await?;
    sqlx::raw_sql(DDL).execute(&mut *conn).await?;
    wall::build(conn, schema).await
}

/// Removes the schema with all it holds, when it is there.
///
/// # Errors
/// When the database refuses.
pub async fn drop_schema(conn: &mut PgConnection, schema: Schema) -> Result<()> {
    let statement = match schema {
        Schema::Active => "DROP SCHEMA IF EXISTS views CASCADE",
        Schema::Next => "DROP SCHEMA IF EXISTS views_next CASCADE",
        Schema::Previous => "DROP SCHEMA IF EXISTS views_previous CASCADE",
    };
    sqlx::raw_sql(statement).execute(conn).await?;
    Ok(())
}

/// Lets bare table names mean those of the schema until the transaction ends.
///
/// # Errors
/// When the database cannot be reached.
pub async fn use_schema(conn: &mut PgConnection, schema: Schema) -> Result<()> {
    sqlx::query("SELECT set_config('search_path', $1, true)").bind(schema.name()).execute(conn).await?;
    Ok(())
}

/// Lets the transaction be committed without waiting for the disk. A crash may undo the last of such transactions, each
/// as a whole and with its move of the checkpoint, so that the projector just does them again.
///
/// # Errors
/// When the database cannot be reached.
pub async fn commit_lazily(conn: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql("SET LOCAL synchronous_commit = off").execute(conn).await?;
    Ok(())
}

/// Lets all statements of a transaction that has only begun see one state of the views.
///
/// # Errors
/// When a statement of the transaction has already read.
pub async fn read_one_state(conn: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ").execute(conn).await?;
    Ok(())
}

/// Collects the statistics that queries are planned by, for the views that the search path names.
///
/// # Errors
/// When the database cannot be reached.
pub async fn analyze(conn: &mut PgConnection) -> Result<()> {
    sqlx::raw_sql(
        "ANALYZE source_record, claim, person, link, review, standing_order, fact, place, follow_up, fact_before",
    )
    .execute(conn)
    .await?;
    Ok(())
}
