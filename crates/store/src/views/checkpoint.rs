//! The checkpoint: how far the log is in the views, and which set of views this is.

use serde_json::Value;
use sqlx::postgres::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

use super::{Schema, drop_schema, exists};
use crate::{Error, Result};

/// How far the log is in a set of views.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Identity of this set of views; a rebuild brings a new one.
    pub generation: Uuid,
    /// Next offset to read per topic and partition, as the event log writes positions.
    pub positions: Value,
    /// Linkage model that decided the persons; `None` before the first event.
    pub model_version: Option<String>,
}

type Columns = (Uuid, Json<Value>, Option<String>);

fn checkpoint((generation, Json(positions), model_version): Columns) -> Checkpoint {
    Checkpoint { generation, positions, model_version }
}

/// The checkpoint of the views that the search path names.
///
/// # Errors
/// When there are no views.
pub async fn find_checkpoint(conn: &mut PgConnection) -> Result<Checkpoint> {
    let row: Columns =
        sqlx::query_as("SELECT generation, positions, model_version FROM projection").fetch_one(conn).await?;
    Ok(checkpoint(row))
}

/// Waits until no other transaction writes or exchanges the active views, and keeps others from it until this one ends.
/// Call it first: what the names of the tables mean is looked up after the wait, so that a writer never gets past an
/// exchange into the views before it. It also puts the rows of the history into the order of their commits.
///
/// # Errors
/// When the database cannot be reached.
pub async fn lock_writing(conn: &mut PgConnection) -> Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock($1)").bind(crate::locks::WRITING).execute(conn).await?;
    Ok(())
}

/// The checkpoint of the active views, held until the transaction ends: no writer gets past it meanwhile.
///
/// # Errors
/// When there are no views.
pub async fn lock_checkpoint(conn: &mut PgConnection) -> Result<Checkpoint> {
    lock_writing(conn).await?;
    let row: Columns = sqlx::query_as("SELECT generation, positions, model_version FROM projection FOR NO KEY UPDATE")
        .fetch_one(conn)
        .await?;
    Ok(checkpoint(row))
}

/// Makes the views that a rebuild made the active ones, and keeps those before as the previous ones; what became of
/// persons by that goes into their history. Call it in the transaction that holds the checkpoint of the active views: a
/// writer that waits for it finds another generation.
///
/// # Errors
/// When there are no views to come.
pub async fn exchange(conn: &mut PgConnection) -> Result<()> {
    if !exists(conn, Schema::Next).await? {
        return Err(Error::NoViews(Schema::Next.name()));
    }
    drop_schema(conn, Schema::Previous).await?;
    let mut noted = crate::lineage::Noted::default();
    if exists(conn, Schema::Active).await? {
        noted = crate::lineage::note_exchange(conn).await?;
        // Readers of one state finish first.
        sqlx::raw_sql("LOCK TABLE lineage.views_gate IN ACCESS EXCLUSIVE MODE").execute(&mut *conn).await?;
        sqlx::raw_sql("ALTER SCHEMA views RENAME TO views_previous").execute(&mut *conn).await?;
    }
    sqlx::raw_sql("ALTER SCHEMA views_next RENAME TO views").execute(&mut *conn).await?;
    crate::lineage::stamp(conn, noted).await
}
