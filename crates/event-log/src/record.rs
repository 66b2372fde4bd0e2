//! Records and positions.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;

use domain::Timestamp;
use serde::{Deserialize, Serialize};

/// The largest record, in bytes of key, payload and headers together.
pub const RECORD_BYTES_MAX: usize = 4 << 20;

/// A record to append.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Topic.
    pub topic: String,
    /// Records of one key go to one partition and keep their order.
    pub key: Vec<u8>,
    /// Content.
    pub payload: Vec<u8>,
    /// Names and values, in order; a name may occur more than once.
    pub headers: Vec<(Cow<'static, str>, Vec<u8>)>,
}

impl Record {
    pub(crate) fn bytes(&self) -> usize {
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.key.len() + self.payload.len() + headers
    }
}

/// Where a record is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Position {
    /// Topic.
    pub topic: String,
    /// Partition of the topic, from 0.
    pub partition: i32,
    /// Ordinal in the partition, from 0.
    pub offset: i64,
}

/// A record as a reader gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered {
    /// Where it is.
    pub position: Position,
    /// Key.
    pub key: Vec<u8>,
    /// Content.
    pub payload: Vec<u8>,
    /// Names and values, in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// When the log took it, by the log's clock.
    pub appended_at: Timestamp,
}

/// How far a reader got: for each topic and partition the offset of the next record to read.
///
/// As JSON it is `{"topic": {"0": 12}}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Positions(BTreeMap<String, BTreeMap<i32, i64>>);

impl Positions {
    /// No positions: everything is still to be read.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The next offset to read of a partition, if it is known.
    pub fn get(&self, topic: &str, partition: i32) -> Option<i64> {
        self.0.get(topic)?.get(&partition).copied()
    }

    /// Sets the next offset to read of a partition.
    pub fn set(&mut self, topic: &str, partition: i32, next_offset: i64) {
        match self.0.get_mut(topic) {
            Some(partitions) => drop(partitions.insert(partition, next_offset)),
            None => drop(self.0.insert(topic.to_owned(), BTreeMap::from([(partition, next_offset)]))),
        }
    }

    /// Notes that the record at this position was read.
    pub fn advance(&mut self, read: &Position) {
        self.set(&read.topic, read.partition, read.offset + 1);
    }

    /// Every topic, partition and next offset, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, i32, i64)> {
        self.0.iter().flat_map(|(topic, partitions)| {
            partitions.iter().map(|(&partition, &offset)| (topic.as_str(), partition, offset))
        })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    /// How many records lie between these positions and `end`; a partition that is not here counts from 0.
    pub fn behind(&self, end: &Self) -> u64 {
        let missing = |(topic, partition, offset): (&str, i32, i64)| {
            u64::try_from(offset - self.get(topic, partition).unwrap_or(0)).unwrap_or(0)
        };
        end.iter().map(missing).sum()
    }

    /// Whether everything before `end` was read.
    pub fn reached(&self, end: &Self) -> bool {
        self.behind(end) == 0
    }
}

/// A topic to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TopicSpec {
    /// Name: 1 to 200 of letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// Number of partitions, from 1.
    pub partitions: i32,
    /// How long a record is kept at least; for ever when `None`.
    pub retention: Option<Duration>,
    /// Kafka may drop a record when a younger one of its key is there. The table backend keeps all.
    pub compacted: bool,
}

impl TopicSpec {
    /// A topic that keeps everything.
    pub fn new(name: impl Into<String>, partitions: i32) -> Self {
        Self { name: name.into(), partitions, retention: None, compacted: false }
    }

    /// The same topic with a retention.
    #[must_use]
    pub fn keep_for(mut self, retention: Duration) -> Self {
        self.retention = Some(retention);
        self
    }

    pub(crate) fn is_valid(&self) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        (1..=200).contains(&self.name.len()) && self.name.chars().all(plain) && (1..=1_000).contains(&self.partitions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_survive_json() {
        let mut positions = Positions::new();
        positions.set("a", 0, 12);
        positions.advance(&Position { topic: "b".to_owned(), partition: 3, offset: 4 });
        let json = serde_json::to_string(&positions).expect("to JSON");
        assert_eq!(json, r#"{"a":{"0":12},"b":{"3":5}}"#);
        assert_eq!(serde_json::from_str::<Positions>(&json).expect("from JSON"), positions);
    }

    #[test]
    fn what_is_missing_to_the_end_is_counted_per_partition() {
        let (mut read, mut end) = (Positions::new(), Positions::new());
        end.set("a", 0, 10);
        end.set("a", 1, 5);
        read.set("a", 0, 10);
        assert_eq!(read.behind(&end), 5);
        read.set("a", 1, 7);
        assert!(read.reached(&end));
    }
}
