//! Appending: one transaction for all records, whatever their topics.

use std::collections::{BTreeMap, HashMap};
use std::io;

use sqlx::{PgConnection, Row};

use super::block::{Block, Packer};
use super::{CHANNEL, TableLog, Topic, segments};
use crate::{LogError, Positions, RECORD_BYTES_MAX, Record};

/// What the transaction knows of a topic that it has locked.
struct Locked {
    segment: i32,
    appended_at_us: i64,
    heads: HashMap<i32, i64>,
    appended: i64,
}

/// The blocks for one partition of a topic.
struct Part {
    topic: Topic,
    name: String,
    partition: i32,
    blocks: Vec<Block>,
}

impl TableLog {
    pub(crate) async fn append(&self, records: Vec<Record>) -> Result<Positions, LogError> {
        let mut topics: HashMap<String, Topic> = HashMap::new();
        let mut last = None;
        for record in &records {
            if record.bytes() > RECORD_BYTES_MAX {
                return Err(LogError::RecordTooLarge { topic: record.topic.clone(), bytes: record.bytes() });
            }
            if last != Some(&record.topic) && !topics.contains_key(&record.topic) {
                topics.insert(record.topic.clone(), self.topic(&record.topic).await?);
            }
            last = Some(&record.topic);
        }
        if records.is_empty() {
            return Ok(Positions::new());
        }
        // Before the locks are taken, and not on a thread that serves connections.
        let packed = match tokio::task::spawn_blocking(move || pack(&topics, &records)).await {
            Ok(packed) => packed.map_err(sqlx::Error::Io),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        };
        let parts = packed.map_err(LogError::table("packing records"))?;
        self.append_to(parts).await.map_err(LogError::table("appending"))
    }

    async fn append_to(&self, parts: Vec<Part>) -> Result<Positions, sqlx::Error> {
        // Each statement must see what others committed before it got its locks.
        let pool = self.0.pool.clone();
        // In a task of its own: whoever waits may be gone before the database answers, and the connection would go back to the
        // pool within a transaction, since only one that was seen to begin is undone.
        let begun = tokio::spawn(async move { pool.begin_with("BEGIN ISOLATION LEVEL READ COMMITTED").await });
        let mut tx = begun.await.unwrap_or(Err(sqlx::Error::PoolClosed))?;
        let mut ids: Vec<i32> = parts.iter().map(|part| part.topic.id).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut locked = self.lock(&mut tx, &ids).await?;
        let mut ends = Positions::new();
        let mut rows = Rows::default();
        for part in parts {
            let Some(at) = locked.get_mut(&part.topic.id) else { return Err(sqlx::Error::RowNotFound) };
            let Some(head) = at.heads.get_mut(&part.partition) else { return Err(sqlx::Error::RowNotFound) };
            for block in part.blocks {
                let records = i64::from(block.records);
                rows.push(part.topic.id, at.segment, part.partition, *head, at.appended_at_us, block);
                *head += records;
                at.appended += records;
            }
            ends.set(&part.name, part.partition, *head);
        }
        rows.insert(&mut tx).await?;
        move_heads(&mut tx, &locked).await?;
        tx.commit().await?;
        Ok(ends)
    }

    /// Locks the topics in the order of their ids and reads their heads; begins a new segment where the present one is
    /// full.
    async fn lock(&self, tx: &mut PgConnection, ids: &[i32]) -> Result<BTreeMap<i32, Locked>, sqlx::Error> {
        // The setting makes this commit wait for the disk, whatever the default of the database is.
        let rows = sqlx::query(
            "SELECT topic_id, segment, segment_records,
                    (extract(epoch FROM greatest(appended_at, clock_timestamp())) * 1000000)::bigint,
                    retention_ms IS NOT NULL AND clock_timestamp() - segment_at > make_interval(hours => $2),
                    set_config('synchronous_commit', 'on', true)
               FROM log.topic WHERE topic_id = ANY($1) ORDER BY topic_id FOR NO KEY UPDATE",
        )
        .bind(ids)
        .bind(i32::try_from(self.0.config.segment_hours_max).unwrap_or(i32::MAX))
        .fetch_all(&mut *tx)
        .await?;
        let mut locked = BTreeMap::new();
        for row in rows {
            let (topic_id, mut segment, records): (i32, i32, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let aged: bool = row.try_get(4)?;
            if records >= self.0.config.segment_records_max || (aged && records > 0) {
                segment += 1;
                segments::begin(tx, topic_id, segment).await?;
            }
            let at = Locked { segment, appended_at_us: row.try_get(3)?, heads: HashMap::new(), appended: 0 };
            locked.insert(topic_id, at);
        }
        // A statement of its own, so that it sees what those who held the locks before have committed.
        let heads = sqlx::query("SELECT topic_id, partition, next_offset FROM log.head WHERE topic_id = ANY($1)")
            .bind(ids)
            .fetch_all(&mut *tx)
            .await?;
        for row in heads {
            if let Some(at) = locked.get_mut(&row.try_get::<i32, _>(0)?) {
                at.heads.insert(row.try_get(1)?, row.try_get(2)?);
            }
        }
        Ok(locked)
    }
}

/// Moves the heads and wakes the readers; both happen at the commit.
async fn move_heads(tx: &mut PgConnection, locked: &BTreeMap<i32, Locked>) -> Result<(), sqlx::Error> {
    let heads = locked.iter().flat_map(|(&topic, at)| at.heads.iter().map(move |(&part, &head)| (topic, part, head)));
    let (mut topics, mut partitions, mut next) = (Vec::new(), Vec::new(), Vec::new());
    for (topic, partition, head) in heads {
        topics.push(topic);
        partitions.push(partition);
        next.push(head);
    }
    sqlx::query(
        "UPDATE log.head h SET next_offset = n.next_offset
           FROM unnest($1::int[], $2::int[], $3::bigint[]) AS n (topic_id, partition, next_offset)
          WHERE h.topic_id = n.topic_id AND h.partition = n.partition AND h.next_offset <> n.next_offset",
    )
    .bind(&topics)
    .bind(&partitions)
    .bind(&next)
    .execute(&mut *tx)
    .await?;
    let ids: Vec<i32> = locked.keys().copied().collect();
    let appended: Vec<i64> = locked.values().map(|at| at.appended).collect();
    let appended_at: Vec<i64> = locked.values().map(|at| at.appended_at_us).collect();
    sqlx::query(
        "WITH moved AS (
            UPDATE log.topic t
               SET segment_records = t.segment_records + n.appended,
                   appended_at = timestamptz 'epoch' + n.appended_at_us * interval '1 microsecond'
              FROM unnest($1::int[], $2::bigint[], $3::bigint[]) AS n (topic_id, appended, appended_at_us)
             WHERE t.topic_id = n.topic_id)
         SELECT pg_notify($4, '')",
    )
    .bind(&ids)
    .bind(&appended)
    .bind(&appended_at)
    .bind(CHANNEL)
    .execute(&mut *tx)
    .await?;
    Ok(())
}

/// Packs records by topic and partition, in their order.
fn pack(topics: &HashMap<String, Topic>, records: &[Record]) -> io::Result<Vec<Part>> {
    let mut packers: BTreeMap<(&str, i32), Packer> = BTreeMap::new();
    // Neighbours mostly have one topic.
    for records in records.chunk_by(|one, next| one.topic == next.topic) {
        let (name, topic) = (records[0].topic.as_str(), topics[&records[0].topic]);
        for record in records {
            let partition = partition_of(&record.key, topic.partitions);
            packers.entry((name, partition)).or_default().push(&record.key, &record.payload, &record.headers)?;
        }
    }
    let part = |((name, partition), packer): ((&str, i32), Packer)| {
        Ok(Part { topic: topics[name], name: name.to_owned(), partition, blocks: packer.finish()? })
    };
    packers.into_iter().map(part).collect()
}

/// The blocks to insert, column by column.
#[derive(Default)]
struct Rows {
    topics: Vec<i32>,
    segments: Vec<i32>,
    partitions: Vec<i32>,
    offsets: Vec<i64>,
    records: Vec<i32>,
    appended_at: Vec<i64>,
    plain_bytes: Vec<i32>,
    bodies: Vec<Vec<u8>>,
}

impl Rows {
    fn push(&mut self, topic: i32, segment: i32, partition: i32, offset: i64, appended_at_us: i64, block: Block) {
        self.topics.push(topic);
        self.segments.push(segment);
        self.partitions.push(partition);
        self.offsets.push(offset);
        self.records.push(block.records);
        self.appended_at.push(appended_at_us);
        self.plain_bytes.push(block.plain_bytes);
        self.bodies.push(block.body);
    }

    async fn insert(self, tx: &mut PgConnection) -> Result<(), sqlx::Error> {
        sqlx::query(
            "INSERT INTO log.block
                    (topic_id, segment, partition, first_offset, records, appended_at, plain_bytes, body)
             SELECT topic_id, segment, partition, first_offset, records,
                    timestamptz 'epoch' + appended_at_us * interval '1 microsecond', plain_bytes, body
               FROM unnest($1::int[], $2::int[], $3::int[], $4::bigint[], $5::int[], $6::bigint[], $7::int[], $8::bytea[])
                    AS b (topic_id, segment, partition, first_offset, records, appended_at_us, plain_bytes, body)",
        )
        .bind(self.topics)
        .bind(self.segments)
        .bind(self.partitions)
        .bind(self.offsets)
        .bind(self.records)
        .bind(self.appended_at)
        .bind(self.plain_bytes)
        .bind(self.bodies)
        .execute(tx)
        .await?;
        Ok(())
    }
}

/// The partition of a key, the one that Kafka's own clients choose: the same key lies in the same partition on either
/// backend.
fn partition_of(key: &[u8], partitions: i32) -> i32 {
    // Without the sign bit, so it is not negative.
    (murmur2(key) & 0x7fff_ffff) as i32 % partitions
}

/// MurmurHash2 with the seed that Kafka uses.
fn murmur2(key: &[u8]) -> u32 {
    const MIX: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ key.len() as u32;
    let mut words = key.chunks_exact(4);
    for word in &mut words {
        let word = u32::from_le_bytes([word[0], word[1], word[2], word[3]]).wrapping_mul(MIX);
        hash = hash.wrapping_mul(MIX) ^ (word ^ (word >> 24)).wrapping_mul(MIX);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        let tail = rest.iter().rev().fold(0, |tail, &byte| (tail << 8) | u32::from(byte));
        hash = (hash ^ tail).wrapping_mul(MIX);
    }
    hash = (hash ^ (hash >> 13)).wrapping_mul(MIX);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_spread_over_all_partitions() {
        let mut counts = [0; 8];
        for key in 0..8_000_u32 {
            counts[partition_of(&key.to_be_bytes(), 8) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (800..1_200).contains(&count)), "{counts:?}");
    }

    #[test]
    fn the_hash_is_the_one_of_kafkas_java_client() {
        // Published in the tests of Kafka's client.
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
        }
    }
}
