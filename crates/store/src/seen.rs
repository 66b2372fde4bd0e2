//! Which versions of source records were published, with what content, and which row brought them.

use domain::RecordId;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::Result;
use crate::ingest::Origin;

/// A version of a source record that was published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// The record.
    pub record_id: RecordId,
    /// The version.
    pub version: i64,
    /// Keyed hash of the content.
    pub content: Uuid,
    /// How often the version was read anew with another result.
    pub reading: i32,
    /// The row that brought it.
    pub origin: Origin,
    /// Where the source states no versions: the last place in the order of arrival that repeated it. Else the version.
    pub until: i64,
}

/// Finds every known version of these records.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_seen(conn: &mut PgConnection, records: &[Uuid]) -> Result<Vec<Seen>> {
    let rows: Vec<(Uuid, i64, Uuid, i32, i64, i64, i64)> = sqlx::query_as(
        "SELECT record_id, version, content, reading, arrival, row, until FROM ingest.seen WHERE record_id = ANY($1)
         ORDER BY version",
    )
    .bind(records)
    .fetch_all(conn)
    .await?;
    let seen = |(record_id, version, content, reading, arrival, row, until)| Seen {
        record_id: RecordId::from_uuid(record_id),
        version,
        content,
        reading,
        origin: Origin { arrival, row },
        until,
    };
    Ok(rows.into_iter().map(seen).collect())
}

pub(crate) async fn insert_seen(conn: &mut PgConnection, seen: &[Seen]) -> Result<()> {
    if seen.is_empty() {
        return Ok(());
    }
    // Neighbours of the index one after the other: its pages stay in the cache of the processor.
    let mut seen = seen.to_vec();
    seen.sort_unstable_by_key(|seen| seen.record_id);
    sqlx::query(
        "INSERT INTO ingest.seen (record_id, version, content, reading, arrival, row, until)
         SELECT * FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[])",
    )
    .bind(seen.iter().map(|seen| seen.record_id.as_uuid()).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.version).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.content).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.reading).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.origin.arrival).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.origin.row).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.until).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

pub(crate) async fn update_seen(conn: &mut PgConnection, seen: &[Seen]) -> Result<()> {
    if seen.is_empty() {
        return Ok(());
    }
    sqlx::query(
        "UPDATE ingest.seen AS known SET content = again.content, reading = again.reading, arrival = again.arrival,
             row = again.row, until = again.until
         FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[])
             AS again (record_id, version, content, reading, arrival, row, until)
         WHERE known.record_id = again.record_id AND known.version = again.version",
    )
    .bind(seen.iter().map(|seen| seen.record_id.as_uuid()).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.version).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.content).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.reading).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.origin.arrival).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.origin.row).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.until).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}
