//! Who was in one square and when, as sorted arrays.

use super::Seconds;
use crate::{FactId, Square};

/// Entries whose latest end is kept together, so that a query steps over them at once.
const BLOCK: usize = 64;

/// A stay in one square, before those that touch are merged.
#[derive(Clone, Copy)]
pub(super) struct Row {
    pub(super) square: Square,
    pub(super) person: u32,
    pub(super) from: u32,
    pub(super) to: u32,
    pub(super) fact: u32,
    /// In 255ths.
    pub(super) confidence: u8,
}

impl Row {
    /// In this order a shelf wants them.
    pub(super) const fn order(&self) -> (Square, u32, u32, u32, u32) {
        (self.square, self.person, self.from, self.to, self.fact)
    }
}

/// A square's entries: one for each unbroken time of a person there, sorted by begin and person. Nothing changes in a
/// shelf; another one takes its place.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) square: Square,
    pub(super) person: Vec<u32>,
    pub(super) from: Vec<u32>,
    pub(super) to: Vec<u32>,
    /// In 255ths.
    pub(super) confidence: Vec<u8>,
    facts_at: Vec<u32>,
    facts: Vec<FactId>,
    /// Latest end of each block of entries.
    block_to: Vec<u32>,
    /// All ends, sorted: with the begins they count whom a stay met without looking at them.
    ends: Vec<u32>,
    /// Entries by person and begin.
    by_person: Vec<u32>,
}

/// Merged rows.
struct Entry {
    person: u32,
    from: u32,
    to: u32,
    confidence: u8,
    /// Its facts in the list of all.
    facts: std::ops::Range<usize>,
}

impl Shelf {
    /// A square where nobody was.
    pub(super) const fn empty(square: Square) -> Self {
        Self {
            square,
            person: Vec::new(),
            from: Vec::new(),
            to: Vec::new(),
            confidence: Vec::new(),
            facts_at: Vec::new(),
            facts: Vec::new(),
            block_to: Vec::new(),
            ends: Vec::new(),
            by_person: Vec::new(),
        }
    }

    /// The shelf without the entries of some persons and with others, whose persons are among those. Takes time as the
    /// entries are many, not as they would have to be sorted: kept entries are in order already.
    pub(super) fn with(&self, is_gone: impl Fn(u32) -> bool, rows: &[Row], shortest: u32) -> Self {
        let (added, added_facts) = merge(rows, shortest);
        let old = self.len() as u32;
        let kept = (0..old).filter(|entry| !is_gone(self.person[*entry as usize]));
        let mut order: Vec<(u32, u32, u32)> =
            kept.map(|entry| (self.from[entry as usize], self.person[entry as usize], entry)).collect();
        order.extend(added.iter().zip(old..).map(|(entry, origin)| (entry.from, entry.person, origin)));
        order.sort();

        let mut shelf = Self::empty(self.square);
        shelf.reserve(order.len());
        let mut moved_to = vec![u32::MAX; self.len() + added.len()];
        for (position, (from, person, origin)) in order.iter().enumerate() {
            moved_to[*origin as usize] = position as u32;
            shelf.from.push(*from);
            shelf.person.push(*person);
            let (to, confidence, facts) = match added.get(origin.wrapping_sub(old) as usize) {
                Some(entry) if *origin >= old => (entry.to, entry.confidence, &added_facts[entry.facts.clone()]),
                _ => (self.to[*origin as usize], self.confidence[*origin as usize], self.facts_of(*origin)),
            };
            shelf.to.push(to);
            shelf.confidence.push(confidence);
            shelf.facts.extend_from_slice(facts);
            shelf.facts_at.push(shelf.facts.len() as u32);
        }
        let is_kept = |position: &u32| *position != u32::MAX;
        shelf.by_person = self.by_person.iter().map(|entry| moved_to[*entry as usize]).filter(is_kept).collect();
        shelf.by_person.extend(&moved_to[self.len()..]);
        shelf.by_person.sort_by_key(|entry| (shelf.person[*entry as usize], shelf.from[*entry as usize]));
        shelf.block_to = shelf.to.chunks(BLOCK).map(|block| block.iter().copied().max().unwrap_or(0)).collect();
        shelf.ends = self.ends_without(&is_gone);
        let mut ends: Vec<u32> = added.iter().map(|entry| entry.to).collect();
        ends.sort_unstable();
        shelf.ends.append(&mut ends);
        shelf.ends.sort();
        shelf
    }

    fn reserve(&mut self, entries: usize) {
        self.person.reserve_exact(entries);
        self.from.reserve_exact(entries);
        self.to.reserve_exact(entries);
        self.confidence.reserve_exact(entries);
        self.facts.reserve_exact(entries);
        self.facts_at.reserve_exact(entries + 1);
        self.facts_at.push(0);
    }

    /// The ends of the entries that stay, sorted.
    fn ends_without(&self, is_gone: impl Fn(u32) -> bool) -> Vec<u32> {
        let mut gone: Vec<u32> =
            self.person.iter().zip(&self.to).filter(|(person, _)| is_gone(**person)).map(|(_, to)| *to).collect();
        gone.sort_unstable();
        let mut gone = gone.into_iter().peekable();
        self.ends.iter().copied().filter(|end| gone.next_if_eq(end).is_none()).collect()
    }

    pub(super) const fn len(&self) -> usize {
        self.person.len()
    }

    /// The persons that have entries, in order.
    pub(super) fn persons(&self) -> impl Iterator<Item = u32> {
        self.by_person
            .chunk_by(|one, next| self.person[*one as usize] == self.person[*next as usize])
            .map(|entries| self.person[entries[0] as usize])
    }

    /// The entries of a person in order of time.
    pub(super) fn entries_of(&self, person: u32) -> &[u32] {
        let of = |entry: &u32| self.person[*entry as usize];
        let start = self.by_person.partition_point(|entry| of(entry) < person);
        let count = self.by_person[start..].partition_point(|entry| of(entry) == person);
        &self.by_person[start..start + count]
    }

    pub(super) fn facts_of(&self, entry: u32) -> &[FactId] {
        let entry = entry as usize;
        &self.facts[self.facts_at[entry] as usize..self.facts_at[entry + 1] as usize]
    }

    pub(super) fn span(&self, entry: u32) -> Seconds {
        Seconds { from: self.from[entry as usize], to: self.to[entry as usize] }
    }

    /// How many entries have more than the shortest contact in common with a span, which is longer itself.
    pub(super) fn crowd(&self, span: Seconds, shortest: u32) -> u32 {
        let begun = self.from.partition_point(|from| *from < span.to - shortest);
        let over = self.ends.partition_point(|to| *to <= span.from + shortest);
        (begun - over) as u32
    }

    /// Calls for each such entry.
    pub(super) fn meet(&self, span: Seconds, shortest: u32, mut found: impl FnMut(u32, Seconds)) {
        let end = self.from.partition_point(|from| *from < span.to - shortest);
        for (block, latest) in self.block_to.iter().enumerate().take(end.div_ceil(BLOCK)) {
            if *latest <= span.from + shortest {
                continue;
            }
            for entry in block * BLOCK..((block + 1) * BLOCK).min(end) {
                let common = self.span(entry as u32).common(span);
                if common.count() > shortest {
                    found(entry as u32, common);
                }
            }
        }
    }
}

/// Joins rows of one person that touch, and drops what is too short for a contact. The rows are in order.
fn merge(rows: &[Row], shortest: u32) -> (Vec<Entry>, Vec<FactId>) {
    let (mut entries, mut facts) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    let mut rest = rows.iter().peekable();
    while let Some(first) = rest.next() {
        let (mut row, start) = (*first, facts.len());
        facts.push(FactId(row.fact));
        while let Some(next) = rest.next_if(|next| next.person == row.person && next.from <= row.to) {
            row.to = row.to.max(next.to);
            row.confidence = row.confidence.min(next.confidence);
            facts.push(FactId(next.fact));
        }
        if row.to - row.from > shortest {
            facts[start..].sort_unstable();
            let Row { person, from, to, confidence, .. } = row;
            entries.push(Entry { person, from, to, confidence, facts: start..facts.len() });
        } else {
            facts.truncate(start);
        }
    }
    (entries, facts)
}
