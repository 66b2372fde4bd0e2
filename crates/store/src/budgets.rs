//! Townships in which callers were shown somebody, by day. All processes count here, because a new township is rare.

use crate::{Result, Store};

/// Counts townships of a day for a caller, if with those counted already they are no more than `limit`; else counts none of them.
///
/// # Errors
/// When the database cannot be reached.
pub async fn spend_areas(store: &Store, actor: &str, day: i64, areas: &[String], limit: i64) -> Result<bool> {
    let mut tx = store.begin("spend_areas").await?;
    // One after the other for each caller, in all processes.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended('areas ' || $1, 0))")
        .bind(actor)
        .execute(&mut *tx)
        .await?;
    sqlx::query("DELETE FROM audit.area_shown WHERE actor = $1 AND day < $2")
        .bind(actor)
        .bind(day)
        .execute(&mut *tx)
        .await?;
    sqlx::query("INSERT INTO audit.area_shown SELECT $1, $2, unnest($3::text[]) ON CONFLICT DO NOTHING")
        .bind(actor)
        .bind(day)
        .bind(areas)
        .execute(&mut *tx)
        .await?;
    let counted: i64 = sqlx::query_scalar("SELECT count(*) FROM audit.area_shown WHERE actor = $1 AND day = $2")
        .bind(actor)
        .bind(day)
        .fetch_one(&mut *tx)
        .await?;
    let fits = counted <= limit;
    if fits {
        tx.commit().await?;
    }
    Ok(fits)
}
