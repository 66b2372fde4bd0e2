//! Feed tokens, found by their hash. Each opens one feed.

use domain::{FeedId, Timestamp};
use sqlx::postgres::PgConnection;

use crate::{PgInstant, Result};

/// Finds the feed that a token opens, by the token's SHA-256.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_feed(conn: &mut PgConnection, token_sha256: &[u8; 32]) -> Result<Option<String>> {
    Ok(sqlx::query_scalar("SELECT feed FROM ingest.feed_token WHERE token_sha256 = $1 AND revoked_at IS NULL")
        .bind(token_sha256.as_slice())
        .fetch_optional(conn)
        .await?)
}

/// Puts a token of a feed; a token that is there already is left as it is.
///
/// # Errors
/// When the database cannot be reached.
pub async fn put(conn: &mut PgConnection, token_sha256: &[u8; 32], feed: &FeedId, label: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO ingest.feed_token (token_sha256, feed, label) VALUES ($1, $2, $3) ON CONFLICT (token_sha256) DO NOTHING",
    )
    .bind(token_sha256.as_slice())
    .bind(feed.as_str())
    .bind(label)
    .execute(conn)
    .await?;
    Ok(())
}

/// A feed token as the register lists it; the token itself is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedToken {
    /// The feed that it opens.
    pub feed: String,
    /// What it is called.
    pub label: String,
    /// Since when it opens nothing; `None` while it does.
    pub revoked_at: Option<Timestamp>,
}

/// Lists feed tokens by feed and label.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(conn: &mut PgConnection, limit: i64) -> Result<Vec<ListedToken>> {
    let rows: Vec<(String, String, Option<PgInstant>)> = sqlx::query_as(
        "SELECT feed, label, revoked_at FROM ingest.feed_token ORDER BY feed, label, token_sha256 LIMIT $1",
    )
    .bind(limit)
    .fetch_all(conn)
    .await?;
    let listed = |(feed, label, at): (String, String, Option<PgInstant>)| ListedToken {
        feed,
        label,
        revoked_at: at.map(|at| at.0),
    };
    Ok(rows.into_iter().map(listed).collect())
}

/// Revokes the tokens of a feed that carry a label; returns how many.
///
/// # Errors
/// When the database cannot be reached.
pub async fn revoke(conn: &mut PgConnection, feed: &FeedId, label: &str, at: Timestamp) -> Result<u64> {
    let done = sqlx::query(
        "UPDATE ingest.feed_token SET revoked_at = $3 WHERE feed = $1 AND label = $2 AND revoked_at IS NULL",
    )
    .bind(feed.as_str())
    .bind(label)
    .bind(PgInstant(at))
    .execute(conn)
    .await?;
    Ok(done.rows_affected())
}
