//! The log in a table of PostgreSQL.
//!
//! **Offsets have no gaps and become visible in order.** An append locks the row of each topic it touches (in the order
//! of their ids, so that two appends cannot wait for each other), takes the next offsets from `log.head`, inserts, moves
//! the heads and commits. Whoever reads a head after that commit also sees every record before it.
//!
//! **Records lie in blocks**, one row for many: see [`block`].
//!
//! **Retention drops segments.** The records of a topic lie in segments, which are partitions of its table. Only the
//! newest segment grows; a new one is begun by size, and by age where a topic has a retention. An old segment whose
//! successor was begun before the retention's limit holds only expired records, and is dropped whole.
//!
//! **Readers wake by `NOTIFY`**, which PostgreSQL sends at the commit. One connection per process listens for all
//! readers; a slow poll beside it covers a connection that was lost.

mod append;
mod block;
mod listen;
mod reader;
mod schema;
mod segments;

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use sqlx::{PgPool, Row};

use crate::{Bounds, LogError, Positions, TableConfig, TopicSpec};
use listen::Wakeups;
pub(crate) use reader::TableReader;

/// The channel of `NOTIFY`.
const CHANNEL: &str = "isthmus_log";

/// The table backend.
#[derive(Clone, Debug)]
pub struct TableLog(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    pool: PgPool,
    config: TableConfig,
    /// Topics never change once they are made.
    topics: RwLock<HashMap<String, Topic>>,
    wakeups: Wakeups,
}

/// A topic as the table knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Topic {
    id: i32,
    partitions: i32,
}

impl TableLog {
    /// Opens the log in the schema `log` of a database; makes the schema when it is not there. Several processes may
    /// do so at once.
    ///
    /// The readers of a process share one connection of the pool, for as long as the log is open.
    ///
    /// # Errors
    /// When PostgreSQL refuses.
    pub async fn create(pool: PgPool, config: &TableConfig) -> Result<Self, LogError> {
        schema::create(&pool).await?;
        let wakeups = Wakeups::new(pool.clone());
        Ok(Self(Arc::new(Shared { pool, config: config.clone(), topics: RwLock::default(), wakeups })))
    }

    pub(crate) async fn ensure_topics(&self, topics: &[TopicSpec]) -> Result<(), LogError> {
        for topic in topics {
            if !topic.is_valid() {
                return Err(LogError::BadTopic { topic: topic.name.clone(), partitions: topic.partitions });
            }
        }
        schema::ensure_topics(&self.0.pool, topics).await
    }

    pub(crate) async fn bounds(&self, topics: &[&str]) -> Result<Bounds, LogError> {
        let topics = self.topics(topics).await?;
        let ids: Vec<i32> = topics.iter().map(|(_, topic)| topic.id).collect();
        let rows = sqlx::query(
            "SELECT h.topic_id, h.partition, h.next_offset,
                    (SELECT min(s.first_offset) FROM log.segment_start s
                      WHERE s.topic_id = h.topic_id AND s.partition = h.partition) AS first_offset
               FROM log.head h WHERE h.topic_id = ANY($1)",
        )
        .bind(&ids)
        .fetch_all(&self.0.pool)
        .await
        .map_err(LogError::table("reading the bounds"))?;
        let mut bounds = Bounds::default();
        for row in rows {
            let read = || -> Result<(i32, i32, i64, Option<i64>), sqlx::Error> {
                Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?))
            };
            let (id, partition, end, begin) = read().map_err(LogError::table("reading the bounds"))?;
            if let Some((name, _)) = topics.iter().find(|(_, topic)| topic.id == id) {
                bounds.end.set(name, partition, end);
                bounds.begin.set(name, partition, begin.unwrap_or(end));
            }
        }
        Ok(bounds)
    }

    pub(crate) async fn reader(&self, topics: &[&str], from: Positions) -> Result<TableReader, LogError> {
        // Listening begins before the first look, so that nothing is missed between the two.
        let wakeup = self.0.wakeups.subscribe().await;
        let bounds = self.bounds(topics).await?;
        Ok(TableReader::new(self.clone(), self.topics(topics).await?, bounds.start(&from)?, wakeup))
    }

    /// Looks up topics, in the order given and without repeats.
    async fn topics(&self, names: &[&str]) -> Result<Vec<(String, Topic)>, LogError> {
        let mut found = Vec::with_capacity(names.len());
        for &name in names {
            if !found.iter().any(|(known, _)| known == name) {
                found.push((name.to_owned(), self.topic(name).await?));
            }
        }
        Ok(found)
    }

    async fn topic(&self, name: &str) -> Result<Topic, LogError> {
        if let Some(&topic) = self.0.topics.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            return Ok(topic);
        }
        let row = sqlx::query("SELECT topic_id, partitions FROM log.topic WHERE name = $1")
            .bind(name)
            .fetch_optional(&self.0.pool)
            .await
            .map_err(LogError::table("looking up a topic"))?
            .ok_or_else(|| LogError::UnknownTopic { topic: name.to_owned() })?;
        let read = || -> Result<Topic, sqlx::Error> { Ok(Topic { id: row.try_get(0)?, partitions: row.try_get(1)? }) };
        let topic = read().map_err(LogError::table("looking up a topic"))?;
        self.0.topics.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), topic);
        Ok(topic)
    }
}
