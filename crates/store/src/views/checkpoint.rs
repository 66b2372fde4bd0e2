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

/// The checkpoint, held until the transaction ends: no writer gets past it meanwhile.
///
/// # Errors
/// When there are no views.
pub async fn lock_checkpoint(conn: &mut PgConnection) -> Result<Checkpoint> {
    let row: Columns = sqlx::query_as("SELECT generation, positions, model_version FROM projection FOR NO KEY UPDATE")
        .fetch_one(conn)
        .await?;
    Ok(checkpoint(row))
}

/// Makes the views that a rebuild made the active ones, and keeps those before as the previous ones. Call it in the
/// transaction that holds the checkpoint of the active views: a writer that waits for it finds another generation.
///
/// # Errors
/// When there are no views to come.
pub async fn exchange(conn: &mut PgConnection) -> Result<()> {
    if !exists(conn, Schema::Next).await? {
        return Err(Error::NoViews(Schema::Next.name()));
    }
    drop_schema(conn, Schema::Previous).await?;
    if exists(conn, Schema::Active).await? {
        sqlx::raw_sql("ALTER SCHEMA views RENAME TO views_previous").execute(&mut *conn).await?;
    }
    sqlx::raw_sql("ALTER SCHEMA views_next RENAME TO views").execute(conn).await?;
    Ok(())
}
