//! Reading: look at the heads, fetch where they are ahead, else wait to be woken.

use std::ops::Range;
use std::time::{Duration, Instant};

use domain::Timestamp;
use sqlx::Row;
use tokio::sync::watch;

use super::block::{self, BLOCK_RECORDS_MAX};
use super::{TableLog, Topic};
use crate::{Delivered, LogError, Position, Positions};

/// How often a reader looks without having been woken.
const POLL: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct TableReader {
    log: TableLog,
    topics: Vec<(String, Topic)>,
    positions: Positions,
    wakeup: watch::Receiver<u64>,
    /// Where the next call begins, so that no partition starves behind a busy one.
    turn: usize,
}

/// A partition with records to read.
struct Ahead {
    topic: usize,
    partition: i32,
    offset: i64,
    segment: i32,
}

#[derive(sqlx::FromRow)]
struct BlockRow {
    first_offset: i64,
    records: i32,
    appended_at_ms: i64,
    plain_bytes: i32,
    body: Vec<u8>,
}

impl TableReader {
    pub(super) const fn new(
        log: TableLog,
        topics: Vec<(String, Topic)>,
        positions: Positions,
        wakeup: watch::Receiver<u64>,
    ) -> Self {
        Self { log, topics, positions, wakeup, turn: 0 }
    }

    pub(crate) const fn positions(&self) -> &Positions {
        &self.positions
    }

    pub(crate) async fn next(&mut self, records_max: usize, wait: Duration) -> Result<Vec<Delivered>, LogError> {
        let deadline = Instant::now() + wait;
        loop {
            // Before the look: a record that is committed after it wakes the wait below.
            self.wakeup.borrow_and_update();
            let ahead = self.ahead().await?;
            let records = self.fetch(&ahead, records_max).await?;
            if !records.is_empty() || records_max == 0 {
                for record in &records {
                    self.positions.advance(&record.position);
                }
                return Ok(records);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(records);
            }
            // A closed channel means that the log is going away: the poll remains.
            if let Ok(Err(_)) = tokio::time::timeout(left.min(POLL), self.wakeup.changed()).await {
                tokio::time::sleep(left.min(POLL)).await;
            }
        }
    }

    /// The partitions whose head is ahead of this reader.
    async fn ahead(&self) -> Result<Vec<Ahead>, LogError> {
        let (mut ids, mut partitions, mut offsets) = (Vec::new(), Vec::new(), Vec::new());
        for (name, partition, offset) in self.positions.iter() {
            if let Some((_, topic)) = self.topics.iter().find(|(known, _)| known == name) {
                ids.push(topic.id);
                partitions.push(partition);
                offsets.push(offset);
            }
        }
        let rows = sqlx::query(
            "SELECT h.topic_id, h.partition, w.next_offset, h.next_offset,
                    (SELECT max(s.segment) FROM log.segment_start s
                      WHERE s.topic_id = h.topic_id AND s.partition = h.partition AND s.first_offset <= w.next_offset)
               FROM unnest($1::int[], $2::int[], $3::bigint[]) AS w (topic_id, partition, next_offset)
               JOIN log.head h ON h.topic_id = w.topic_id AND h.partition = w.partition
              WHERE h.next_offset <> w.next_offset",
        )
        .bind(&ids)
        .bind(&partitions)
        .bind(&offsets)
        .fetch_all(&self.log.0.pool)
        .await
        .map_err(LogError::table("looking for new records"))?;
        let mut ahead = Vec::with_capacity(rows.len());
        for row in rows {
            let read = || -> Result<(i32, i32, i64, i64, Option<i32>), sqlx::Error> {
                Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?, row.try_get(4)?))
            };
            let (id, partition, offset, end, segment) = read().map_err(LogError::table("looking for new records"))?;
            let Some(topic) = self.topics.iter().position(|(_, topic)| topic.id == id) else { continue };
            match segment {
                Some(segment) if offset < end => ahead.push(Ahead { topic, partition, offset, segment }),
                _ => return Err(self.out_of_range(topic, partition, offset).await),
            }
        }
        Ok(ahead)
    }

    async fn fetch(&mut self, ahead: &[Ahead], records_max: usize) -> Result<Vec<Delivered>, LogError> {
        let mut records = Vec::new();
        self.turn = self.turn.wrapping_add(1);
        for turn in 0..ahead.len() {
            let from = &ahead[(self.turn + turn) % ahead.len()];
            // What remains is shared by the partitions that remain; what one leaves the next ones get.
            let share = (records_max - records.len()).div_ceil(ahead.len() - turn);
            if share == 0 {
                break;
            }
            self.fetch_from(from, share, &mut records).await?;
        }
        Ok(records)
    }

    async fn fetch_from(&self, from: &Ahead, limit: usize, records: &mut Vec<Delivered>) -> Result<(), LogError> {
        let (name, topic) = &self.topics[from.topic];
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let end = from.offset.saturating_add(limit);
        let rows: Vec<BlockRow> = sqlx::query_as(
            "SELECT first_offset, records, (extract(epoch FROM appended_at) * 1000)::bigint AS appended_at_ms,
                    plain_bytes, body
               FROM log.block
              WHERE topic_id = $1 AND segment = $2 AND partition = $3
                AND first_offset > $4 - $6 AND first_offset + records > $4 AND first_offset < $5
              ORDER BY first_offset",
        )
        .bind(topic.id)
        .bind(from.segment)
        .bind(from.partition)
        .bind(from.offset)
        .bind(end)
        .bind(BLOCK_RECORDS_MAX as i64)
        .fetch_all(&self.log.0.pool)
        .await
        .map_err(LogError::table("reading records"))?;
        let before = records.len();
        for row in rows {
            let expected = from.offset + (records.len() - before) as i64;
            let taken = take_block(name, from.partition, &row, expected..end);
            records.extend(taken.ok_or_else(|| LogError::Damaged {
                topic: name.clone(),
                partition: from.partition,
                offset: expected,
            })?);
        }
        if records.len() == before {
            // The head said that there is a record: retention dropped it between the two looks.
            return Err(self.out_of_range(from.topic, from.partition, from.offset).await);
        }
        Ok(())
    }

    async fn out_of_range(&self, topic: usize, partition: i32, offset: i64) -> LogError {
        let name = &self.topics[topic].0;
        match self.log.bounds(&[name]).await {
            Ok(bounds) => LogError::PositionOutOfRange {
                topic: name.clone(),
                partition,
                offset,
                first: bounds.begin.get(name, partition).unwrap_or(0),
                end: bounds.end.get(name, partition).unwrap_or(0),
            },
            Err(error) => error,
        }
    }
}

/// The records of a block that are wanted; `None` when it does not hold the first of them, or is damaged.
fn take_block(topic: &str, partition: i32, row: &BlockRow, wanted: Range<i64>) -> Option<Vec<Delivered>> {
    let plain = block::unpack(&row.body, row.plain_bytes)?;
    let packed = block::records(&plain, row.records)?;
    let skipped = usize::try_from(wanted.start - row.first_offset).ok().filter(|skipped| *skipped < packed.len())?;
    let appended_at = Timestamp::from_millis(row.appended_at_ms);
    let deliver = |(record, offset): (&block::Packed<'_>, i64)| {
        Some(Delivered {
            position: Position { topic: topic.to_owned(), partition, offset },
            key: record.key.to_vec(),
            payload: record.payload.to_vec(),
            headers: record.headers()?,
            appended_at,
        })
    };
    packed[skipped..].iter().zip(wanted).map(deliver).collect()
}
