//! Which failed rows the rows of a body mend, where the sender said so of the body as a whole.

use domain::BatchId;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::Result;

/// Notes which rows of another batch the rows of a batch mend, by pairs of row and mended row. What was noted before stays.
///
/// # Errors
/// When the database cannot be reached.
pub async fn insert(conn: &mut PgConnection, batch_id: BatchId, mends: BatchId, rows: &[(i64, i64)]) -> Result<()> {
    sqlx::query(
        "INSERT INTO ingest.mending (batch_id, mends, row, mends_row)
         SELECT $1, $2, * FROM unnest($3::bigint[], $4::bigint[]) ON CONFLICT DO NOTHING",
    )
    .bind(batch_id.as_uuid())
    .bind(mends.as_uuid())
    .bind(rows.iter().map(|(row, _)| *row).collect::<Vec<_>>())
    .bind(rows.iter().map(|(_, mended)| *mended).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// Lists the rows of a batch of which it was noted that they mend another, with that one.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(conn: &mut PgConnection, batch_id: BatchId) -> Result<Vec<(i64, (BatchId, i64))>> {
    let rows: Vec<(i64, Uuid, i64)> =
        sqlx::query_as("SELECT row, mends, mends_row FROM ingest.mending WHERE batch_id = $1")
            .bind(batch_id.as_uuid())
            .fetch_all(conn)
            .await?;
    Ok(rows.into_iter().map(|(row, mends, mended)| (row, (BatchId::from_uuid(mends), mended))).collect())
}
