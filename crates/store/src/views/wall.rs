//! Row-level security and column grants of the views: what a statement that went wrong could not read either.

use domain::PersonId;
use sqlx::postgres::PgConnection;

use super::Schema;
use crate::Result;

const WALL: &str = include_str!("wall.sql");

/// Builds the wall in a schema that the search path names.
pub(super) async fn build(conn: &mut PgConnection, schema: Schema) -> Result<()> {
    let usage = match schema {
        Schema::Active => "GRANT USAGE ON SCHEMA views TO isthmus_reader",
        Schema::Next => "GRANT USAGE ON SCHEMA views_next TO isthmus_reader",
        Schema::Previous => "GRANT USAGE ON SCHEMA views_previous TO isthmus_reader",
    };
    sqlx::raw_sql(usage).execute(&mut *conn).await?;
    sqlx::raw_sql(WALL).execute(conn).await?;
    Ok(())
}

/// Builds the wall in the active views, where they are of a time before it. Call it inside a transaction.
pub(crate) async fn build_missing(conn: &mut PgConnection) -> Result<()> {
    let sql =
        "SELECT EXISTS (SELECT FROM pg_policies WHERE schemaname = $1 AND tablename = 'fact' AND policyname = 'scope')";
    let stands: bool = sqlx::query_scalar(sql).bind(Schema::Active.name()).fetch_one(&mut *conn).await?;
    if !stands {
        super::use_schema(conn, Schema::Active).await?;
        build(conn, Schema::Active).await?;
    }
    Ok(())
}

/// From here to the end of the transaction nothing of others than these persons can be read, whatever a statement says.
///
/// # Errors
/// When the database cannot be reached.
pub async fn narrow(conn: &mut PgConnection, persons: &[PersonId]) -> Result<()> {
    // Ids alone, so there is nothing in it that could be more than text; one round trip instead of two.
    let ids: Vec<String> = persons.iter().map(ToString::to_string).collect();
    let sql = format!("SET LOCAL isthmus.persons = '{}'; SET LOCAL ROLE isthmus_reader", ids.join(","));
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(conn).await?;
    Ok(())
}
