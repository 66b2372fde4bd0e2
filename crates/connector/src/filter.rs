//! Which records nobody has stated yet, told without a look into the table of versions.
//!
//! Most rows of a feed are about records that are new, and a look into a large index costs more than reading the row. A
//! [`KeyFilter`] answers "certainly unknown" for almost all of them; everything else is looked up. It is filled from the
//! keys that lie beside the versions, so it is brought up to date by reading what was written since, whoever wrote it.
//! A key too many, of a transaction that was undone, costs one look.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::RecordId;
use rustc_hash::FxHashMap;
use store::seen::{self, SourceFeed, key_of};
use uuid::Uuid;

use crate::error::IngestError;
use crate::ingest::Core;

/// Keys that a source has before its records are looked up one and all: a byte and a half each is 48 MB.
const KEYS_MAX: u64 = 32 << 20;
/// Keys of the first layer; each further one has twice as many.
const FIRST_KEYS: u64 = 1 << 16;
/// Keys of a block of 256 bits. At twelve bits a key about one unknown key in two hundred is taken for known.
const BLOCK_KEYS: u64 = 256 / 12;
/// Odd numbers, each of which chooses one bit of a key in one word of its block.
const SALTS: [u32; 8] =
    [0x47b6_137b, 0x4497_4d91, 0x8824_ad5b, 0xa2b7_289d, 0x7054_95c7, 0x2df1_424b, 0x9efc_4947, 0x5c6b_fb31];

/// A set of keys that may take an absent key for a present one, and never the reverse: Bloom filters in blocks, in layers
/// of growing size.
#[derive(Default)]
pub(crate) struct KeyFilter {
    layers: Vec<Layer>,
    /// It was given more than it holds, and every key may be in it.
    full: bool,
}

struct Layer {
    blocks: Vec<[u32; 8]>,
    room: u64,
}

impl Layer {
    fn of(keys: u64) -> Self {
        Self { blocks: vec![[0; 8]; (keys / BLOCK_KEYS) as usize + 1], room: keys }
    }

    /// The block of a key: its head chooses, so blocks are in the order of keys.
    fn block_of(&self, key: u32) -> usize {
        ((u64::from(key) * self.blocks.len() as u64) >> 32) as usize
    }
}

fn bits(key: u32) -> [u32; 8] {
    SALTS.map(|salt| 1 << (key.wrapping_mul(salt) >> 27))
}

impl KeyFilter {
    pub(crate) fn add(&mut self, key: u32) {
        if self.may_have(key) {
            return;
        }
        if self.layers.last().is_none_or(|layer| layer.room == 0) {
            let keys = FIRST_KEYS << self.layers.len();
            if 2 * keys > KEYS_MAX {
                (self.layers, self.full) = (Vec::new(), true);
                return;
            }
            self.layers.push(Layer::of(keys));
        }
        if let Some(layer) = self.layers.last_mut() {
            let block = layer.block_of(key);
            layer.blocks[block].iter_mut().zip(bits(key)).for_each(|(word, bit)| *word |= bit);
            layer.room -= 1;
        }
    }

    pub(crate) fn may_have(&self, key: u32) -> bool {
        let bits = bits(key);
        let has = |layer: &Layer| layer.blocks[layer.block_of(key)].iter().zip(bits).all(|(word, bit)| word & bit != 0);
        self.full || self.layers.iter().any(has)
    }
}

/// The records of a source that this process has heard of.
#[derive(Default)]
struct Heard {
    filter: KeyFilter,
    /// Keys of each feed that are in it, in the order in which the feed wrote them.
    read: FxHashMap<String, i64>,
}

/// The filters of a process, by source.
#[derive(Default)]
pub(crate) struct Filters(Mutex<HashMap<String, Arc<Mutex<Heard>>>>);

impl Filters {
    fn of(&self, source: &str) -> Arc<Mutex<Heard>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(all.entry(source.to_owned()).or_default())
    }
}

fn lock(heard: &Mutex<Heard>) -> MutexGuard<'_, Heard> {
    heard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    /// Brings the filter of a source up to date with what its feeds have committed. Gives how many keys of this feed, whose
    /// lock the caller holds, are in it.
    pub(crate) async fn hear(&self, conn: &mut store::Conn, of: SourceFeed<'_>) -> Result<i64, IngestError> {
        self.hear_feeds(conn, of.source, |_| true).await?;
        Ok(lock(&self.filters.of(of.source)).read.get(of.feed).copied().unwrap_or(0))
    }

    /// The same without this feed: what the caller's transaction wrote is not read back, because it may be undone.
    pub(crate) async fn hear_others(&self, conn: &mut store::Conn, of: SourceFeed<'_>) -> Result<(), IngestError> {
        self.hear_feeds(conn, of.source, |feed| feed != of.feed).await
    }

    async fn hear_feeds(
        &self,
        conn: &mut store::Conn,
        source: &str,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<(), IngestError> {
        let heard = self.filters.of(source);
        for (feed, keys) in seen::count_keys(conn, source).await? {
            let read = lock(&heard).read.get(&feed).copied().unwrap_or(0);
            if keys <= read || !wanted(&feed) {
                continue;
            }
            seen::read_keys(conn, SourceFeed { source, feed: &feed }, read, |part| {
                let heard_before = usize::try_from(read - part.before).unwrap_or(0);
                let mut heard = lock(&heard);
                part.keys.iter().skip(heard_before).for_each(|key| heard.filter.add(*key));
            })
            .await?;
            lock(&heard).read.insert(feed, keys);
        }
        Ok(())
    }

    /// Keeps the records that somebody may have stated.
    pub(crate) fn maybe_known(&self, source: &str, records: &mut Vec<Uuid>) {
        let heard = self.filters.of(source);
        let heard = lock(&heard);
        records.retain(|record| heard.filter.may_have(key_of(RecordId::from_uuid(*record))));
    }

    /// Takes in the keys that the caller has committed behind the first `before` ones of the feed.
    pub(crate) fn heard_own(&self, of: SourceFeed<'_>, before: i64, keys: &[u32]) {
        let heard = self.filters.of(of.source);
        let mut heard = lock(&heard);
        keys.iter().for_each(|key| heard.filter.add(*key));
        // Somebody may have read them in meanwhile, and more.
        let read = heard.read.entry(of.feed.to_owned()).or_default();
        *read = (*read).max(before + keys.len() as i64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keys as hashes have them.
    fn key(number: u32) -> u32 {
        (u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 29) as u32
    }

    #[test]
    fn a_key_that_was_added_is_never_taken_for_absent_and_few_absent_ones_for_present() {
        let mut filter = KeyFilter::default();
        (0..1_000_000).for_each(|number| filter.add(key(number)));
        assert!((0..1_000_000).all(|number| filter.may_have(key(number))));
        let wrong = (1_000_000..1_100_000).filter(|number| filter.may_have(key(*number))).count();
        assert!(wrong < 4_000, "{wrong} of 100,000");
    }

    #[test]
    fn a_filter_that_was_given_too_much_takes_everything_for_present() {
        let mut filter = KeyFilter { layers: Vec::new(), full: true };
        assert!(filter.may_have(7));
        filter.add(7);
        assert!(filter.layers.is_empty());
    }
}
