//! Texts, each distinct one once.

use std::hash::Hasher;
use std::ops::Range;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

/// Distinct texts, numbered from 1 in the order in which they came; 0 is the empty text.
#[derive(Clone, Default)]
pub struct TextPool {
    bytes: String,
    ends: Vec<u32>,
    /// Hash and number of every text: growing never looks at the texts again.
    index: HashTable<(u32, u32)>,
}

impl std::fmt::Debug for TextPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TextPool").field("texts", &self.len()).finish_non_exhaustive()
    }
}

impl TextPool {
    /// An empty pool.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many distinct texts there are, the empty one not counted.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is no text but the empty one.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The text of a number that this pool gave.
    pub fn text(&self, number: u32) -> &str {
        &self.bytes[self.range(number)]
    }

    /// Where the text of a number stands among all texts.
    pub(crate) fn range(&self, number: u32) -> Range<usize> {
        let Some(place) = (number as usize).checked_sub(1) else { return 0..0 };
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        start as usize..self.ends[place] as usize
    }

    /// All texts, one after another.
    pub(crate) fn into_texts(self) -> String {
        self.bytes
    }

    /// The number of a text, a new one if the text is new.
    ///
    /// Texts of all together more than 4 GiB are cut off: their numbers stand for the empty text.
    pub fn intern(&mut self, text: &str) -> u32 {
        if text.is_empty() {
            return 0;
        }
        let hash = hash(text);
        let (bytes, ends) = (&self.bytes, &self.ends);
        let known = self.index.find(spread(hash), |(other, number)| *other == hash && at(bytes, ends, *number) == text);
        if let Some((_, number)) = known {
            return *number;
        }
        let number = self.push(text);
        if number == 0 {
            return 0;
        }
        self.index.insert_unique(spread(hash), (hash, number), |(hash, _)| spread(*hash));
        number
    }

    /// Takes a text that need not be found again; gives its number. A pool has either such texts or interned ones.
    ///
    /// Texts of all together more than 4 GiB are cut off, as with [`intern`](Self::intern).
    pub fn push(&mut self, text: &str) -> u32 {
        let Ok(end) = u32::try_from(self.bytes.len() + text.len()) else { return 0 };
        self.bytes.push_str(text);
        self.ends.push(end);
        self.ends.len() as u32
    }

    /// The number of a text, if it is known.
    pub fn find(&self, text: &str) -> Option<u32> {
        let hash = hash(text);
        let same = |(other, number): &(u32, u32)| *other == hash && at(&self.bytes, &self.ends, *number) == text;
        self.index.find(spread(hash), same).map(|(_, number)| *number)
    }

    /// Gives up the index, which is as large as the texts: nothing can be interned or found after that.
    pub fn seal(&mut self) {
        self.index = HashTable::new();
    }
}

/// A hash that never leaves this process.
fn hash(text: &str) -> u32 {
    let mut hasher = FxHasher::default();
    hasher.write(text.as_bytes());
    (hasher.finish() >> 32) as u32 ^ hasher.finish() as u32
}

/// Both ends of a hash decide where it goes in a table.
const fn spread(hash: u32) -> u64 {
    (hash as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn at<'a>(bytes: &'a str, ends: &[u32], number: u32) -> &'a str {
    let place = number as usize - 1;
    let start = place.checked_sub(1).map_or(0, |before| ends[before]);
    &bytes[start as usize..ends[place] as usize]
}
