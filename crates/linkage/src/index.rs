//! The index from blocking keys to records, and the pairs it proposes.
//!
//! A block with more records than the limit of the model is *hot*: it proposes no pairs. Whether a block is hot
//! depends on the set of records in it and never on the order in which they came; when a block turns hot or cold, the
//! pairs that it alone proposed are withdrawn or proposed.

use std::hash::Hash;

use rustc_hash::{FxHashMap, FxHashSet};

use crate::block::BlockKey;

/// Place of a record in the engine.
pub(crate) type Slot = u32;

/// Records by blocking key.
#[derive(Debug)]
pub(crate) struct Index<K = BlockKey> {
    blocks: FxHashMap<K, Block>,
    records_max: usize,
    /// Blocks that crossed the limit since the last [`Index::take_crossed`], with whether they were hot before.
    crossed: FxHashMap<K, bool>,
    hot: FxHashSet<K>,
}

/// Most blocks have one or two records.
#[derive(Debug)]
enum Block {
    Few([Slot; 2]),
    #[expect(
        clippy::box_collection,
        reason = "a block of one or two records, of which there are most, stays at 16 bytes"
    )]
    Many(Box<Vec<Slot>>),
}

const NONE: Slot = Slot::MAX;

impl Block {
    fn slots(&self) -> &[Slot] {
        match self {
            Self::Few(slots) if slots[1] == NONE => &slots[..1],
            Self::Few(slots) => slots,
            Self::Many(slots) => slots,
        }
    }
}

impl<K: Copy + Ord + Hash> Index<K> {
    pub(crate) fn new(records_max: usize) -> Self {
        Self { records_max, blocks: FxHashMap::default(), crossed: FxHashMap::default(), hot: FxHashSet::default() }
    }

    pub(crate) fn insert(&mut self, key: K, slot: Slot) {
        let length = match self.blocks.entry(key) {
            std::collections::hash_map::Entry::Vacant(entry) => {
                entry.insert(Block::Few([slot, NONE]));
                1
            }
            std::collections::hash_map::Entry::Occupied(mut entry) => {
                let block = entry.get_mut();
                match block {
                    Block::Few(slots) if slots[1] == NONE => slots[1] = slot,
                    Block::Few(slots) => *block = Block::Many(Box::new(vec![slots[0], slots[1], slot])),
                    Block::Many(slots) => slots.push(slot),
                }
                block.slots().len()
            }
        };
        if length == self.records_max + 1 {
            self.hot.insert(key);
            self.crossed.entry(key).or_insert(false);
        }
    }

    pub(crate) fn remove(&mut self, key: K, slot: Slot) {
        let std::collections::hash_map::Entry::Occupied(mut entry) = self.blocks.entry(key) else { return };
        let length = match entry.get_mut() {
            Block::Many(slots) => {
                if let Some(place) = slots.iter().position(|other| *other == slot) {
                    slots.swap_remove(place);
                }
                slots.len()
            }
            Block::Few(slots) => {
                if slots[0] == slot {
                    slots[0] = slots[1];
                }
                slots[1] = NONE;
                usize::from(slots[0] != NONE)
            }
        };
        if length == 0 {
            entry.remove();
        }
        if length == self.records_max {
            self.hot.remove(&key);
            self.crossed.entry(key).or_insert(true);
        }
    }

    pub(crate) fn slots(&self, key: K) -> &[Slot] {
        self.blocks.get(&key).map_or(&[], Block::slots)
    }

    pub(crate) fn is_hot(&self, key: K) -> bool {
        self.slots(key).len() > self.records_max
    }

    /// Records that a key proposes: none when it is hot.
    pub(crate) fn proposed(&self, key: K) -> &[Slot] {
        let slots = self.slots(key);
        if slots.len() > self.records_max { &[] } else { slots }
    }

    /// Whether two records with these keys (sorted) share one that is not hot.
    pub(crate) fn proposes(&self, a: &[K], b: &[K]) -> bool {
        let (mut left, mut right) = (a.iter().peekable(), b.iter().peekable());
        while let (Some(x), Some(y)) = (left.peek(), right.peek()) {
            match x.cmp(y) {
                std::cmp::Ordering::Less => drop(left.next()),
                std::cmp::Ordering::Greater => drop(right.next()),
                std::cmp::Ordering::Equal if !self.is_hot(**x) => return true,
                std::cmp::Ordering::Equal => {
                    left.next();
                    right.next();
                }
            }
        }
        false
    }

    /// Blocks that are on the other side of the limit than at the last call: (turned hot, turned cold).
    pub(crate) fn take_crossed(&mut self) -> (Vec<K>, Vec<K>) {
        let (mut hot, mut cold) = (Vec::new(), Vec::new());
        for (key, before) in std::mem::take(&mut self.crossed) {
            match (before, self.is_hot(key)) {
                (false, true) => hot.push(key),
                (true, false) => cold.push(key),
                _ => {}
            }
        }
        (hot, cold)
    }

    pub(crate) fn len(&self) -> usize {
        self.blocks.len()
    }

    pub(crate) fn hot_len(&self) -> usize {
        self.hot.len()
    }

    /// Every hot block with the number of its records, the largest first.
    pub(crate) fn hot_blocks(&self) -> Vec<(K, usize)> {
        let mut hot: Vec<(K, usize)> = self.hot.iter().map(|key| (*key, self.slots(*key).len())).collect();
        hot.sort_unstable_by_key(|(key, length)| (std::cmp::Reverse(*length), *key));
        hot
    }
}
