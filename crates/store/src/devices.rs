//! The last pass of each device that numbers what it records: what its next ones are compared with.

use domain::FeedId;
use sqlx::FromRow;
use sqlx::postgres::PgConnection;

use crate::Result;

/// A pass of a device.
#[derive(Clone, Debug, PartialEq, Eq, FromRow)]
pub struct Pass {
    /// The device, as its source names it.
    pub device: String,
    /// Its number.
    pub number: i64,
    /// Its time in milliseconds since 1970, by the clock of the device.
    pub time_ms: i64,
}

/// Finds the last passes of devices of a feed.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_last(conn: &mut PgConnection, feed: &FeedId, devices: &[String]) -> Result<Vec<Pass>> {
    let sql = "SELECT device, number, time_ms FROM ingest.device WHERE feed = $1 AND device = ANY($2)";
    Ok(sqlx::query_as(sql).bind(feed.as_str()).bind(devices).fetch_all(conn).await?)
}

/// Puts the last passes of devices of a feed. The caller holds the feed's lock.
///
/// # Errors
/// When the database cannot be reached.
pub async fn put_last(conn: &mut PgConnection, feed: &FeedId, passes: &[Pass]) -> Result<()> {
    sqlx::query(
        "INSERT INTO ingest.device (feed, device, number, time_ms)
         SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::bigint[])
         ON CONFLICT (feed, device) DO UPDATE SET number = excluded.number, time_ms = excluded.time_ms",
    )
    .bind(feed.as_str())
    .bind(passes.iter().map(|pass| pass.device.clone()).collect::<Vec<_>>())
    .bind(passes.iter().map(|pass| pass.number).collect::<Vec<_>>())
    .bind(passes.iter().map(|pass| pass.time_ms).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
