//! The index over everybody's stays, built once.

use rayon::prelude::*;

use super::room::{Occupancy, Rooms};
use super::{Meeting, PersonId, Scene, Seconds};
use crate::{FactId, Overlap, PlaceId, Rules, Square};

/// Entries whose latest end is kept together, so that a query steps over them at once.
const BLOCK: usize = 64;

/// A stay of a person, for the index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Located {
    /// Who.
    pub person: PersonId,
    /// Where.
    pub place: PlaceId,
    /// When.
    pub span: Seconds,
    /// How sure, from 0 to 1.
    pub confidence: f32,
    /// The fact that says so. A stay of several facts is several of these, which touch.
    pub fact: FactId,
}

/// Why no index can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IndexError {
    /// A stay names a place that has no squares.
    #[error("place {} is not in the table of places", .0.0)]
    Place(PlaceId),
    /// Entries are numbered with 32 bits.
    #[error("more than 4,294,967,295 stays in squares: divide them by area or by days")]
    TooMany,
}

/// Everybody's stays, by square and time. Equal input in any order gives an equal index.
#[derive(Debug)]
pub struct Index {
    pub(super) rules: Rules,
    /// Squares in order; the entries of the n-th are `square_at[n]..square_at[n + 1]`.
    pub(super) squares: Vec<Square>,
    pub(super) square_at: Vec<u32>,
    /// Of each entry, sorted by square, begin, person.
    pub(super) person: Vec<u32>,
    pub(super) from: Vec<u32>,
    pub(super) to: Vec<u32>,
    /// In 255ths.
    pub(super) confidence: Vec<u8>,
    facts_at: Vec<u32>,
    facts: Vec<FactId>,
    /// Latest end of each block of entries.
    block_to: Vec<u32>,
    /// Ends, sorted within each square: with the begins they count whom a stay met without looking at them.
    ends: Vec<u32>,
    /// Entries of each person in order of time: those of the n-th are `person_at[n]..person_at[n + 1]`.
    by_person: Vec<u32>,
    person_at: Vec<u32>,
    pub(super) rooms: Rooms,
    /// One more than the greatest number of a person.
    pub(super) people: usize,
}

/// A stay in one square, before those that touch are merged.
#[derive(Clone, Copy)]
struct Row {
    square: u32,
    person: u32,
    from: u32,
    to: u32,
    fact: u32,
    confidence: u8,
}

/// Merged rows: one entry for each unbroken time of a person in a square.
struct Entry {
    row: Row,
    /// Its facts in the list of all.
    facts: std::ops::Range<u32>,
}

impl Index {
    /// Builds the index. `places` gives the squares of each place number ([`crate::Grid::at`] or [`crate::Grid::disc`]).
    ///
    /// # Errors
    /// When a stay names a place beyond the table, or there are too many stays.
    pub fn build(
        rules: Rules,
        places: &[Vec<Overlap>],
        stays: &[Located],
        occupancies: Vec<Occupancy>,
    ) -> Result<Self, IndexError> {
        let mut squares: Vec<Square> = places.iter().flatten().map(|overlap| overlap.square).collect();
        squares.par_sort_unstable();
        squares.dedup();
        let mut rows = rows(&rules, places, &squares, stays)?;
        rows.par_sort_unstable_by_key(|row| (row.square, row.person, row.from, row.to, row.fact));
        let (mut entries, merged_facts) = merge(&rows, shortest(&rules));
        drop(rows);
        entries.par_sort_unstable_by_key(|entry| (entry.row.square, entry.row.from, entry.row.person));
        let rooms = Rooms::build(occupancies);
        Ok(Self::arrange(rules, squares, &entries, &merged_facts, rooms))
    }

    fn arrange(rules: Rules, squares: Vec<Square>, entries: &[Entry], merged_facts: &[FactId], rooms: Rooms) -> Self {
        let count = entries.len();
        let mut facts = Vec::with_capacity(merged_facts.len());
        let mut facts_at = Vec::with_capacity(count + 1);
        facts_at.push(0);
        for entry in entries {
            facts.extend_from_slice(&merged_facts[entry.facts.start as usize..entry.facts.end as usize]);
            facts_at.push(facts.len() as u32);
        }
        let square_at = offsets(entries.iter().map(|entry| entry.row.square), squares.len());
        let person: Vec<u32> = entries.iter().map(|entry| entry.row.person).collect();
        let to: Vec<u32> = entries.iter().map(|entry| entry.row.to).collect();
        let mut ends = to.clone();
        for bounds in square_at.windows(2) {
            ends[bounds[0] as usize..bounds[1] as usize].sort_unstable();
        }
        let people = person.iter().max().map_or(0, |greatest| *greatest as usize + 1);
        let mut by_person: Vec<u32> = (0..count as u32).collect();
        by_person.par_sort_unstable_by_key(|entry| {
            let row = &entries[*entry as usize].row;
            (row.person, row.from, row.square)
        });
        let person_at = offsets(by_person.iter().map(|entry| person[*entry as usize]), people);
        Self {
            rules,
            squares,
            square_at,
            from: entries.iter().map(|entry| entry.row.from).collect(),
            confidence: entries.iter().map(|entry| entry.row.confidence).collect(),
            block_to: to.chunks(BLOCK).map(|block| block.iter().copied().max().unwrap_or(0)).collect(),
            person,
            to,
            facts_at,
            facts,
            ends,
            by_person,
            person_at,
            people: people.max(rooms.people()),
            rooms,
        }
    }

    /// The rules that it answers by.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How many unbroken times of persons in squares it holds.
    pub fn entries(&self) -> usize {
        self.person.len()
    }

    /// The facts of a meeting: those that place the one there, and those that place the other there.
    pub fn facts(&self, meeting: &Meeting) -> (&[FactId], &[FactId]) {
        match meeting.scene {
            Scene::Square(_) | Scene::Beside(..) => (self.entry_facts(meeting.own), self.entry_facts(meeting.other)),
            Scene::Dwelling(_) | Scene::Ward(_) | Scene::Vehicle(_) => {
                (self.rooms.facts(meeting.own), self.rooms.facts(meeting.other))
            }
        }
    }

    fn entry_facts(&self, entry: u32) -> &[FactId] {
        let entry = entry as usize;
        &self.facts[self.facts_at[entry] as usize..self.facts_at[entry + 1] as usize]
    }

    /// The entries of a person in order of time.
    pub(super) fn entries_of(&self, person: PersonId) -> &[u32] {
        let person = person.0 as usize;
        match self.person_at.get(person + 1) {
            Some(end) => &self.by_person[self.person_at[person] as usize..*end as usize],
            None => &[],
        }
    }

    /// The number of the square that an entry lies in.
    pub(super) fn square_of(&self, entry: u32) -> usize {
        self.square_at.partition_point(|start| *start <= entry) - 1
    }

    pub(super) fn span(&self, entry: usize) -> Seconds {
        Seconds { from: self.from[entry], to: self.to[entry] }
    }

    /// The entries of a square, as a range.
    pub(super) fn within(&self, square: usize) -> std::ops::Range<usize> {
        self.square_at[square] as usize..self.square_at[square + 1] as usize
    }

    /// How many entries of a square have more than the shortest contact in common with a span, which is longer itself.
    pub(super) fn crowd(&self, square: usize, span: Seconds) -> u32 {
        let (range, shortest) = (self.within(square), shortest(&self.rules));
        let begun = self.from[range.clone()].partition_point(|from| *from < span.to - shortest);
        let over = self.ends[range].partition_point(|to| *to <= span.from + shortest);
        (begun - over) as u32
    }

    /// Calls for each such entry.
    pub(super) fn meet(&self, square: usize, span: Seconds, mut found: impl FnMut(usize, Seconds)) {
        let (range, shortest) = (self.within(square), shortest(&self.rules));
        let end = range.start + self.from[range.clone()].partition_point(|from| *from < span.to - shortest);
        let mut entry = range.start;
        while entry < end {
            let block_end = (entry / BLOCK + 1) * BLOCK;
            if self.block_to[entry / BLOCK] > span.from + shortest {
                for entry in entry..block_end.min(end) {
                    let common = self.span(entry).common(span);
                    if common.count() > shortest {
                        found(entry, common);
                    }
                }
            }
            entry = block_end;
        }
    }
}

/// What a contact in a square must be longer than, in seconds.
pub(super) const fn shortest(rules: &Rules) -> u32 {
    rules.contact.square_over_min * 60
}

/// The stays by square; those of no use (too short a share, no time at all) are left out.
fn rows(rules: &Rules, places: &[Vec<Overlap>], squares: &[Square], stays: &[Located]) -> Result<Vec<Row>, IndexError> {
    let numbered: Vec<Vec<(u32, f32)>> = places.par_iter().map(|overlaps| numbered(rules, squares, overlaps)).collect();
    let mut rows = Vec::with_capacity(stays.len());
    for stay in stays {
        let overlaps = numbered.get(stay.place.0 as usize).ok_or(IndexError::Place(stay.place))?;
        if stay.span.count() == 0 {
            continue;
        }
        for (square, share) in overlaps {
            let confidence = (stay.confidence.clamp(0.0, 1.0) * share * 255.0).round().max(1.0) as u8;
            let (Seconds { from, to }, person, fact) = (stay.span, stay.person.0, stay.fact.0);
            rows.push(Row { square: *square, person, from, to, fact, confidence });
        }
    }
    if u32::try_from(rows.len()).is_err() {
        return Err(IndexError::TooMany);
    }
    Ok(rows)
}

/// The squares of a place that count, by their number.
fn numbered(rules: &Rules, squares: &[Square], overlaps: &[Overlap]) -> Vec<(u32, f32)> {
    let number = |overlap: &Overlap| {
        let square = squares.binary_search(&overlap.square).ok()?;
        Some((square as u32, overlap.share as f32))
    };
    rules.square.counted(overlaps).filter_map(number).collect()
}

/// Joins rows of one person in one square that touch, and drops what is too short for a contact.
fn merge(rows: &[Row], shortest: u32) -> (Vec<Entry>, Vec<FactId>) {
    let (mut entries, mut facts) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
    let mut rest = rows.iter().peekable();
    while let Some(first) = rest.next() {
        let (mut row, start) = (*first, facts.len());
        facts.push(FactId(row.fact));
        let touches =
            |row: &Row, next: &Row| (next.square, next.person) == (row.square, row.person) && next.from <= row.to;
        while let Some(next) = rest.next_if(|next| touches(&row, next)) {
            row.to = row.to.max(next.to);
            row.confidence = row.confidence.min(next.confidence);
            facts.push(FactId(next.fact));
        }
        if row.to - row.from > shortest {
            facts[start..].sort_unstable();
            entries.push(Entry { row, facts: start as u32..facts.len() as u32 });
        } else {
            facts.truncate(start);
        }
    }
    (entries, facts)
}

/// Where the group of each key begins, of sorted keys below `keys`; one more at the end.
fn offsets(sorted: impl Iterator<Item = u32>, keys: usize) -> Vec<u32> {
    let mut offsets = vec![0_u32; keys + 1];
    for key in sorted {
        offsets[key as usize + 1] += 1;
    }
    for key in 0..keys {
        offsets[key + 1] += offsets[key];
    }
    offsets
}
