//! Who was in one square and when, as sorted arrays.

use super::Seconds;
use crate::{FactId, Square};

/// Entries of like length lie together, by these seconds: whoever is looked for at an instant began no longer ago than the
/// longest of them lasted, so that a night at home does not make every errand of the day before be looked at.
const LENGTHS_MAX: [u32; 4] = [3_600, 4 * 3_600, 16 * 3_600, 64 * 3_600];

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

/// A square's entries: one for each unbroken time of a person there, sorted by the class of its length, begin and person.
/// Nothing changes in a shelf; another one takes its place.
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
    classes: [Class; LENGTHS_MAX.len() + 1],
    /// All begins, and all ends, sorted: they count whom a stay met without looking at them.
    begins: Vec<u32>,
    ends: Vec<u32>,
    /// Entries by person and begin.
    by_person: Vec<u32>,
    /// The persons that have entries, in order, and where those of each begin among them.
    persons: Vec<u32>,
    starts: Vec<u32>,
}

/// Entries of like length.
#[derive(Clone, Copy, Debug)]
struct Class {
    /// Where those of the next one begin.
    end: usize,
    /// Seconds of the longest.
    longest: u32,
}

impl Class {
    const NONE: Self = Self { end: 0, longest: 0 };

    fn of(from: u32, to: u32) -> usize {
        LENGTHS_MAX.partition_point(|most| *most < to - from)
    }
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
            classes: [Class::NONE; LENGTHS_MAX.len() + 1],
            begins: Vec::new(),
            ends: Vec::new(),
            by_person: Vec::new(),
            persons: Vec::new(),
            starts: Vec::new(),
        }
    }

    /// The shelf without the entries of some persons and with others, whose persons are among those. Takes time as the
    /// entries are many, not as they would have to be sorted: kept entries are in order already.
    pub(super) fn with(&self, is_gone: impl Fn(u32) -> bool, rows: &[Row], shortest: u32) -> Self {
        let (added, added_facts) = merge(rows, shortest);
        let old = self.len() as u32;
        let kept = (0..old).filter(|entry| !is_gone(self.person[*entry as usize]));
        // Class and begin in one number: this is most of what building an index takes.
        let key = |from: u32, to: u32, person: u32, origin: u32| {
            ((Class::of(from, to) as u64) << 32 | u64::from(from), person, origin)
        };
        let span = |entry: u32| (self.from[entry as usize], self.to[entry as usize]);
        let kept = kept.map(|entry| (span(entry), entry));
        let mut order: Vec<_> =
            kept.map(|((from, to), entry)| key(from, to, self.person[entry as usize], entry)).collect();
        order.extend(added.iter().zip(old..).map(|(entry, origin)| key(entry.from, entry.to, entry.person, origin)));
        order.sort();

        let mut shelf = Self::empty(self.square);
        shelf.reserve(order.len());
        let mut moved_to = vec![u32::MAX; self.len() + added.len()];
        for (position, (class_and_from, person, origin)) in order.iter().enumerate() {
            let (class, from) = ((class_and_from >> 32) as usize, *class_and_from as u32);
            moved_to[*origin as usize] = position as u32;
            shelf.from.push(from);
            shelf.person.push(*person);
            let (to, confidence, facts) = match added.get(origin.wrapping_sub(old) as usize) {
                Some(entry) if *origin >= old => (entry.to, entry.confidence, &added_facts[entry.facts.clone()]),
                _ => (self.to[*origin as usize], self.confidence[*origin as usize], self.facts_of(*origin)),
            };
            shelf.to.push(to);
            shelf.confidence.push(confidence);
            shelf.facts.extend_from_slice(facts);
            shelf.facts_at.push(shelf.facts.len() as u32);
            let longest = &mut shelf.classes[class].longest;
            *longest = (to - from).max(*longest);
        }
        for (number, class) in shelf.classes.iter_mut().enumerate() {
            class.end = order.partition_point(|(of, ..)| (of >> 32) as usize <= number);
        }
        let is_kept = |position: &u32| *position != u32::MAX;
        shelf.by_person = self.by_person.iter().map(|entry| moved_to[*entry as usize]).filter(is_kept).collect();
        shelf.by_person.extend(&moved_to[self.len()..]);
        shelf.by_person.sort_by_key(|entry| (shelf.person[*entry as usize], shelf.from[*entry as usize]));
        for (place, entry) in (0..).zip(&shelf.by_person) {
            let person = shelf.person[*entry as usize];
            if shelf.persons.last() != Some(&person) {
                shelf.persons.push(person);
                shelf.starts.push(place);
            }
        }
        let added = |instant: fn(&Entry) -> u32| added.iter().map(instant);
        shelf.begins = sorted(&self.begins, self.of_gone(&self.from, &is_gone), added(|entry| entry.from));
        shelf.ends = sorted(&self.ends, self.of_gone(&self.to, &is_gone), added(|entry| entry.to));
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

    /// What a column has of those who are gone.
    fn of_gone(&self, column: &[u32], is_gone: impl Fn(u32) -> bool) -> Vec<u32> {
        self.person.iter().zip(column).filter(|(person, _)| is_gone(**person)).map(|(_, instant)| *instant).collect()
    }

    pub(super) const fn len(&self) -> usize {
        self.person.len()
    }

    /// The persons that have entries, in order.
    pub(super) fn persons(&self) -> &[u32] {
        &self.persons
    }

    /// The entries of a person in order of time.
    pub(super) fn entries_of(&self, person: u32) -> &[u32] {
        let Ok(place) = self.persons.binary_search(&person) else { return &[] };
        let start = self.starts[place] as usize;
        let end = self.starts.get(place + 1).map_or(self.by_person.len(), |next| *next as usize);
        &self.by_person[start..end]
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
        let begun = self.begins.partition_point(|from| *from < span.to - shortest);
        let over = self.ends.partition_point(|to| *to <= span.from + shortest);
        (begun - over) as u32
    }

    /// Calls for each such entry.
    pub(super) fn meet(&self, span: Seconds, shortest: u32, mut found: impl FnMut(u32, Seconds)) {
        let mut start = 0;
        for Class { end, longest } in self.classes {
            let begins = &self.from[start..end];
            let first = begins.partition_point(|from| from.saturating_add(longest) <= span.from + shortest);
            let begun = begins.partition_point(|from| *from < span.to - shortest);
            let here = start + first..start + begun;
            let spans = self.from[here.clone()].iter().zip(&self.to[here.clone()]);
            for (entry, (from, to)) in (here.start as u32..).zip(spans) {
                let common = Seconds { from: *from, to: *to }.common(span);
                if common.count() > shortest {
                    found(entry, common);
                }
            }
            start = end;
        }
    }
}

/// Sorted instants without some of them and with others. Most are in order already.
fn sorted(all: &[u32], mut gone: Vec<u32>, added: impl Iterator<Item = u32>) -> Vec<u32> {
    gone.sort_unstable();
    let mut gone = gone.into_iter().peekable();
    let mut kept: Vec<u32> = all.iter().copied().filter(|instant| gone.next_if_eq(instant).is_none()).collect();
    let kept_count = kept.len();
    kept.extend(added);
    kept[kept_count..].sort_unstable();
    kept.sort();
    kept
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
