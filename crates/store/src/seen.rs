//! Which versions of source records were published, with what content, and which row brought them.
//!
//! Beside them lie short keys of their records, in the order in which feeds wrote them: whoever reads them in can tell most
//! records that nobody knows without a look into the table. Invariant: a record with a version has its key there, in the
//! same transaction.

use std::collections::BTreeMap;

use domain::RecordId;
use futures_util::TryStreamExt;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

use crate::Result;
use crate::ingest::Origin;

/// Whose records: the source whose ids they are, and the feed that states them. A source may have several feeds.
#[derive(Clone, Copy, Debug)]
pub struct SourceFeed<'a> {
    /// The source system.
    pub source: &'a str,
    /// The feed.
    pub feed: &'a str,
}

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
    /// The row that brought it states nothing else.
    pub sole: bool,
    /// The row that brought it.
    pub origin: Origin,
    /// Where the source states no versions: the last place in the order of arrival that repeated it. Else the version.
    pub until: i64,
}

pub(crate) type SeenRow = (Uuid, i64, Uuid, i32, bool, i64, i64, i64);

impl From<SeenRow> for Seen {
    fn from((record_id, version, content, reading, sole, arrival, row, until): SeenRow) -> Self {
        let (record_id, origin) = (RecordId::from_uuid(record_id), Origin { arrival, row });
        Self { record_id, version, content, reading, sole, origin, until }
    }
}

/// Finds every known version of these records.
///
/// # Errors
/// When the database cannot be reached.
pub async fn find_seen(conn: &mut PgConnection, records: &[Uuid]) -> Result<Vec<Seen>> {
    let rows: Vec<SeenRow> = sqlx::query_as(
        "SELECT record_id, version, content, reading, sole, arrival, row, until FROM ingest.seen
         WHERE record_id = ANY($1) ORDER BY version",
    )
    .bind(records)
    .fetch_all(conn)
    .await?;
    Ok(rows.into_iter().map(Seen::from).collect())
}

/// Inserts versions, and the key of each record for those who keep a filter of them.
///
/// # Errors
/// When the database cannot be reached, or a version is there.
pub async fn insert_seen(conn: &mut PgConnection, of: SourceFeed<'_>, mut seen: Vec<Seen>) -> Result<()> {
    if seen.is_empty() {
        return Ok(());
    }
    // Neighbours of the index one after the other: its pages stay in the cache of the processor.
    seen.sort_unstable_by_key(|seen| seen.record_id);
    let mut rows = Vec::with_capacity(COPY_HEAD.len() + seen.len() * ROW_BYTES + 2);
    rows.extend_from_slice(COPY_HEAD);
    for seen in &seen {
        rows.extend_from_slice(&8_i16.to_be_bytes());
        put(&mut rows, seen.record_id.as_uuid().as_bytes());
        put(&mut rows, &seen.version.to_be_bytes());
        put(&mut rows, seen.content.as_bytes());
        put(&mut rows, &seen.reading.to_be_bytes());
        put(&mut rows, &[u8::from(seen.sole)]);
        put(&mut rows, &seen.origin.arrival.to_be_bytes());
        put(&mut rows, &seen.origin.row.to_be_bytes());
        put(&mut rows, &seen.until.to_be_bytes());
    }
    rows.extend_from_slice(&(-1_i16).to_be_bytes());
    let mut copy = conn
        .copy_in_raw(
            "COPY ingest.seen (record_id, version, content, reading, sole, arrival, row, until)
             FROM STDIN (FORMAT binary)",
        )
        .await?;
    copy.send(rows).await?;
    copy.finish().await?;
    let keys: Vec<u8> = seen.iter().flat_map(|seen| key_of(seen.record_id).to_be_bytes()).collect();
    append_keys(conn, of, &keys).await
}

/// What a binary COPY begins with: signature, flags, length of what may follow them.
const COPY_HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// Bytes of a row in it: number of columns, length of each, values.
const ROW_BYTES: usize = 2 + 8 * 4 + 69;

fn put(rows: &mut Vec<u8>, value: &[u8]) {
    // Values of a row are small.
    rows.extend_from_slice(&(value.len() as i32).to_be_bytes());
    rows.extend_from_slice(value);
}

pub(crate) async fn update_seen(conn: &mut PgConnection, seen: &[Seen]) -> Result<()> {
    if seen.is_empty() {
        return Ok(());
    }
    // Of several states of a version the last one counts.
    let last: BTreeMap<(RecordId, i64), Seen> =
        seen.iter().map(|seen| ((seen.record_id, seen.version), *seen)).collect();
    let seen: Vec<Seen> = last.into_values().collect();
    sqlx::query(
        "UPDATE ingest.seen AS known SET content = again.content, reading = again.reading, sole = again.sole,
             arrival = again.arrival, row = again.row, until = again.until
         FROM unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::int[], $5::bool[], $6::bigint[], $7::bigint[], $8::bigint[])
             AS again (record_id, version, content, reading, sole, arrival, row, until)
         WHERE known.record_id = again.record_id AND known.version = again.version",
    )
    .bind(seen.iter().map(|seen| seen.record_id.as_uuid()).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.version).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.content).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.reading).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.sole).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.origin.arrival).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.origin.row).collect::<Vec<_>>())
    .bind(seen.iter().map(|seen| seen.until).collect::<Vec<_>>())
    .execute(conn)
    .await?;
    Ok(())
}

/// The short key of a record: the head of its id, which is a keyed hash.
pub fn key_of(record: RecordId) -> u32 {
    let [a, b, c, d, ..] = *record.as_uuid().as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// Keys that one feed of a source wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// The feed.
    pub feed: String,
    /// How many it had written before these.
    pub before: i64,
    /// The keys.
    pub keys: Vec<u32>,
}

/// How many keys the feeds of a source have written.
///
/// # Errors
/// When the database cannot be reached.
pub async fn count_keys(conn: &mut PgConnection, source: &str) -> Result<Vec<(String, i64)>> {
    Ok(sqlx::query_as("SELECT feed, keys FROM ingest.seen_feed WHERE source = $1").bind(source).fetch_all(conn).await?)
}

/// Hands the keys that a feed wrote to `take`, those after the first `after`, part by part and in order. A part may begin
/// before.
///
/// # Errors
/// When the database cannot be reached.
pub async fn read_keys(
    conn: &mut PgConnection,
    of: SourceFeed<'_>,
    after: i64,
    mut take: impl FnMut(Keys),
) -> Result<()> {
    let mut parts = sqlx::query_as::<_, (i64, Vec<u8>)>(
        "SELECT first, keys FROM ingest.seen_keys
         WHERE source = $1 AND feed = $2 AND first + octet_length(keys) / 4 > $3 ORDER BY first",
    )
    .bind(of.source)
    .bind(of.feed)
    .bind(after)
    .fetch(conn);
    while let Some((before, keys)) = parts.try_next().await? {
        let keys = keys.chunks_exact(4).map(|key| u32::from_be_bytes([key[0], key[1], key[2], key[3]])).collect();
        take(Keys { feed: of.feed.to_owned(), before, keys });
    }
    Ok(())
}

/// Bytes of keys that are added to the part before them. Groups of messages are small; a part of its own for each would be
/// many.
const JOINED_BYTES_MAX: usize = 512;

async fn append_keys(conn: &mut PgConnection, of: SourceFeed<'_>, keys: &[u8]) -> Result<()> {
    let (before,): (i64,) = sqlx::query_as(
        "INSERT INTO ingest.seen_feed AS known (source, feed, keys) VALUES ($1, $2, $3)
         ON CONFLICT (source, feed) DO UPDATE SET keys = known.keys + excluded.keys RETURNING keys - $3",
    )
    .bind(of.source)
    .bind(of.feed)
    .bind((keys.len() / 4) as i64)
    .fetch_one(&mut *conn)
    .await?;
    if keys.len() <= JOINED_BYTES_MAX {
        let joined = sqlx::query(
            "UPDATE ingest.seen_keys AS part SET keys = keys || $3
             WHERE source = $1 AND feed = $2 AND octet_length(keys) <= $4 AND first =
                 (SELECT max(first) FROM ingest.seen_keys WHERE source = $1 AND feed = $2)",
        )
        .bind(of.source)
        .bind(of.feed)
        .bind(keys)
        .bind(JOINED_BYTES_MAX as i32)
        .execute(&mut *conn)
        .await?;
        if joined.rows_affected() == 1 {
            return Ok(());
        }
    }
    sqlx::query("INSERT INTO ingest.seen_keys (source, feed, first, keys) VALUES ($1, $2, $3, $4)")
        .bind(of.source)
        .bind(of.feed)
        .bind(before)
        .bind(keys)
        .execute(conn)
        .await?;
    Ok(())
}
