//! Figures for the public: tables, and who did what to each.

use serde_json::Value;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::Result;

/// A table of counts, and what of it the public sees.
#[derive(Clone, Debug, PartialEq, sqlx::FromRow)]
pub struct FigureRow {
    /// Its id.
    pub figure_id: Uuid,
    /// What is counted.
    pub kind: String,
    /// As of when, in milliseconds since 1970.
    pub as_of_ms: i64,
    /// The true counts.
    pub counts: Value,
    /// What the public sees.
    pub shown: Value,
    /// Title.
    pub title: Option<String>,
    /// Note.
    pub note: Option<String>,
    /// When it was drafted.
    pub drafted_ms: i64,
    /// When it was released.
    pub released_ms: Option<i64>,
}

/// Something that was done to a figure.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct StepRow {
    /// The figure.
    pub figure_id: Uuid,
    /// `DRAFTED`, `VERIFIED`, `EDITED` or `RELEASED`.
    pub step: String,
    /// Handle of who did it.
    pub handle: String,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

/// Inserts a draft.
///
/// # Errors
/// When the database cannot be reached.
pub async fn insert(conn: &mut PgConnection, row: &FigureRow) -> Result<()> {
    let sql = "INSERT INTO figures.figure (figure_id, kind, as_of_ms, counts, shown, drafted_ms) VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(sql)
        .bind(row.figure_id)
        .bind(&row.kind)
        .bind(row.as_of_ms)
        .bind(&row.counts)
        .bind(&row.shown)
        .bind(row.drafted_ms)
        .execute(conn)
        .await?;
    Ok(())
}

/// Inserts a step; `false` when it was done already.
///
/// # Errors
/// When the database cannot be reached.
pub async fn insert_step(conn: &mut PgConnection, step: &StepRow) -> Result<bool> {
    let sql =
        "INSERT INTO figures.step (figure_id, step, handle, at_ms) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    let done = sqlx::query(sql).bind(step.figure_id).bind(&step.step).bind(&step.handle).bind(step.at_ms);
    Ok(done.execute(conn).await?.rows_affected() == 1)
}

/// Sets title and note.
///
/// # Errors
/// When the database cannot be reached.
pub async fn edit(conn: &mut PgConnection, figure: Uuid, title: &str, note: &str) -> Result<()> {
    let sql = "UPDATE figures.figure SET title = $2, note = $3 WHERE figure_id = $1 AND released_ms IS NULL";
    sqlx::query(sql).bind(figure).bind(title).bind(note).execute(conn).await?;
    Ok(())
}

/// Releases a figure, as it is to be seen beside the earlier releases of its kind.
///
/// # Errors
/// When the database cannot be reached.
pub async fn release(conn: &mut PgConnection, figure: Uuid, shown: &Value, at_ms: i64) -> Result<()> {
    let sql = "UPDATE figures.figure SET shown = $2, released_ms = $3 WHERE figure_id = $1 AND released_ms IS NULL";
    sqlx::query(sql).bind(figure).bind(shown).bind(at_ms).execute(conn).await?;
    Ok(())
}

/// Locks the figures of a kind until the transaction ends: releases of one kind are made one after the other.
///
/// # Errors
/// When the database cannot be reached.
pub async fn lock(conn: &mut PgConnection, kind: &str) -> Result<()> {
    let sql = "SELECT pg_advisory_xact_lock(hashtext('figures'), hashtext($1))";
    sqlx::query(sql).bind(kind).execute(conn).await?;
    Ok(())
}

/// Finds a figure.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find(conn: &mut PgConnection, figure: Uuid) -> Result<Option<FigureRow>> {
    Ok(sqlx::query_as("SELECT * FROM figures.figure WHERE figure_id = $1").bind(figure).fetch_optional(conn).await?)
}

/// Lists figures, newest first: all, or those that were released.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(conn: &mut PgConnection, released_only: bool, limit: i64) -> Result<Vec<FigureRow>> {
    let sql = "SELECT * FROM figures.figure WHERE released_ms IS NOT NULL OR NOT $1
               ORDER BY coalesce(released_ms, drafted_ms) DESC, figure_id LIMIT $2";
    Ok(sqlx::query_as(sql).bind(released_only).bind(limit).fetch_all(conn).await?)
}

/// Says what a figure that was verified shows.
///
/// # Errors
/// When the database cannot be reached.
pub async fn show(conn: &mut PgConnection, figure: Uuid, shown: &Value) -> Result<()> {
    let sql = "UPDATE figures.figure SET shown = $2 WHERE figure_id = $1 AND released_ms IS NULL";
    sqlx::query(sql).bind(figure).bind(shown).execute(conn).await?;
    Ok(())
}

/// Lists the figures of a kind that somebody verified, released or not, in the order in which their numbers were shown to anybody.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_shown(conn: &mut PgConnection, kind: &str) -> Result<Vec<FigureRow>> {
    let sql = "SELECT figure.* FROM figures.figure JOIN figures.step USING (figure_id)
               WHERE kind = $1 AND step = 'VERIFIED' ORDER BY coalesce(released_ms, at_ms), seq";
    Ok(sqlx::query_as(sql).bind(kind).fetch_all(conn).await?)
}

/// Lists what was done to figures, oldest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list_steps(conn: &mut PgConnection, figures: &[Uuid]) -> Result<Vec<StepRow>> {
    let sql = "SELECT figure_id, step, handle, at_ms FROM figures.step WHERE figure_id = ANY($1) ORDER BY seq";
    Ok(sqlx::query_as(sql).bind(figures).fetch_all(conn).await?)
}
