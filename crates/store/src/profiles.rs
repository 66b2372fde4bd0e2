//! Every version of a profile that ever read a row.

use domain::{FeedId, Timestamp};
use sqlx::FromRow;
use sqlx::postgres::PgConnection;

use crate::{PgInstant, Result};

/// A version of a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileVersion {
    /// How receipts name it.
    pub version: String,
    /// The file as it was read.
    pub text: String,
    /// When it came into use.
    pub first_seen: Timestamp,
}

#[derive(FromRow)]
struct ProfileRow {
    version: String,
    text: String,
    first_seen: PgInstant,
}

/// Puts a version on record, unless it is.
///
/// # Errors
/// When the database cannot be reached.
pub async fn put(conn: &mut PgConnection, feed: &FeedId, profile: &ProfileVersion) -> Result<()> {
    sqlx::query(
        "INSERT INTO ingest.profile (feed, version, text, first_seen) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
    )
    .bind(feed.as_str())
    .bind(&profile.version)
    .bind(&profile.text)
    .bind(PgInstant(profile.first_seen))
    .execute(conn)
    .await?;
    Ok(())
}

/// Lists the versions of a feed's profile, the newest first.
///
/// # Errors
/// When the database cannot be reached.
pub async fn list(conn: &mut PgConnection, feed: &FeedId, limit: i64) -> Result<Vec<ProfileVersion>> {
    let rows: Vec<ProfileRow> = sqlx::query_as(
        "SELECT version, text, first_seen FROM ingest.profile WHERE feed = $1 ORDER BY first_seen DESC, version LIMIT $2",
    )
    .bind(feed.as_str())
    .bind(limit)
    .fetch_all(conn)
    .await?;
    let version =
        |row: ProfileRow| ProfileVersion { version: row.version, text: row.text, first_seen: row.first_seen.0 };
    Ok(rows.into_iter().map(version).collect())
}
