//! How far feeds have read the topics that they come from.

use domain::FeedId;
use sqlx::postgres::PgConnection;

use crate::{Error, Result};

/// Lists the positions of a feed in a topic: partition and next offset.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(conn: &mut PgConnection, feed: &FeedId, topic: &str) -> Result<Vec<(i32, i64)>> {
    Ok(sqlx::query_as("SELECT partition, next_offset FROM ingest.consumer WHERE feed = $1 AND topic = $2")
        .bind(feed.as_str())
        .bind(topic)
        .fetch_all(conn)
        .await?)
}

/// Moves the position of a partition, provided that it is where the caller began; `None` where none was kept.
///
/// # Errors
/// When the database cannot be reached; [`Error::CheckpointMoved`] when another process took the same records.
pub async fn advance(
    conn: &mut PgConnection,
    feed: &FeedId,
    topic: &str,
    partition: i32,
    from: Option<i64>,
    to: i64,
) -> Result<()> {
    let moved = match from {
        Some(from) => {
            sqlx::query(
                "UPDATE ingest.consumer SET next_offset = $4
                 WHERE feed = $1 AND topic = $2 AND partition = $3 AND next_offset = $5",
            )
            .bind(feed.as_str())
            .bind(topic)
            .bind(partition)
            .bind(to)
            .bind(from)
            .execute(conn)
            .await?
        }
        None => {
            sqlx::query(
                "INSERT INTO ingest.consumer (feed, topic, partition, next_offset) VALUES ($1, $2, $3, $4)
                 ON CONFLICT DO NOTHING",
            )
            .bind(feed.as_str())
            .bind(topic)
            .bind(partition)
            .bind(to)
            .execute(conn)
            .await?
        }
    };
    if moved.rows_affected() == 1 { Ok(()) } else { Err(Error::CheckpointMoved) }
}
