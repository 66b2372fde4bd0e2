//! The index over everybody's stays: built once, and made anew for single persons when their facts change.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use rayon::prelude::*;

use super::room::{Occupancy, Rooms};
use super::shelf::{Row, Shelf};
use super::{Meeting, PersonId, Scene, Seconds};
use crate::{FactId, Overlap, PlaceId, Rules, Square};

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
    /// Entries of a square are numbered with 32 bits.
    #[error("more than 4,294,967,295 stays in one square: divide them by days")]
    TooMany,
}

/// Everybody's stays, by square and time. Equal input in any order gives an equal index, and so does input that comes
/// bit by bit ([`Index::with`]).
#[derive(Clone, Debug)]
pub struct Index {
    pub(super) rules: Rules,
    /// Numbers of squares, in the order in which they came to be known.
    numbers: HashMap<Square, u32>,
    pub(super) shelves: Vec<Arc<Shelf>>,
    /// Of each person, the squares that have entries, in order of the squares.
    squares_of: Vec<Arc<[u32]>>,
    pub(super) rooms: Arc<Rooms>,
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
        let rows = rows(&rules, places, stays)?;
        let by_square: Vec<&[Row]> = rows.chunk_by(|one, next| one.square == next.square).collect();
        let shortest = shortest(&rules);
        let shelves: Vec<Arc<Shelf>> = by_square
            .par_iter()
            .map(|rows| Arc::new(Shelf::empty(rows[0].square).with(|_| false, rows, shortest)))
            .collect();
        let mut squares_of: Vec<Vec<u32>> = Vec::new();
        for (number, shelf) in (0..).zip(&shelves) {
            for person in shelf.persons() {
                let person = *person as usize;
                if squares_of.len() <= person {
                    squares_of.resize_with(person + 1, Vec::new);
                }
                squares_of[person].push(number);
            }
        }
        Ok(Self {
            rules,
            numbers: shelves.iter().map(|shelf| shelf.square).zip(0..).collect(),
            shelves,
            squares_of: squares_of.into_iter().map(Arc::from).collect(),
            rooms: Arc::new(Rooms::build(occupancies)),
        })
    }

    /// The index after the facts of some persons changed: theirs are what is given here and nothing else, everybody
    /// else's are as they were. Squares where none of them was or is are shared with this index, which stays as it is.
    ///
    /// # Errors
    /// As for [`Index::build`].
    pub fn with(
        &self,
        persons: &BTreeSet<PersonId>,
        places: &[Vec<Overlap>],
        stays: &[Located],
        occupancies: &[Occupancy],
    ) -> Result<Self, IndexError> {
        let stays: Vec<Located> = stays.iter().filter(|stay| persons.contains(&stay.person)).copied().collect();
        let rows = rows(&self.rules, places, &stays)?;
        let mut index = self.clone();
        let mut is_gone = vec![false; persons.last().map_or(0, |last| last.0 as usize + 1)];
        let mut touched: BTreeSet<u32> = BTreeSet::new();
        // Where each of them may have entries afterwards.
        let mut squares: HashMap<u32, BTreeSet<u32>> = HashMap::new();
        for person in persons {
            is_gone[person.0 as usize] = true;
            touched.extend(self.squares_of(*person));
        }
        let mut added: HashMap<u32, &[Row]> = HashMap::new();
        for rows in rows.chunk_by(|one, next| one.square == next.square) {
            let number = index.number(rows[0].square);
            touched.insert(number);
            for row in rows {
                squares.entry(row.person).or_default().insert(number);
            }
            added.insert(number, rows);
        }
        let is_gone = |person: u32| is_gone.get(person as usize).copied().unwrap_or(false);
        let (old, shortest) = (&index.shelves, shortest(&self.rules));
        let made: Vec<(u32, Arc<Shelf>)> = touched
            .par_iter()
            .map(|number| {
                let rows = added.get(number).copied().unwrap_or_default();
                (*number, Arc::new(old[*number as usize].with(is_gone, rows, shortest)))
            })
            .collect();
        for (number, shelf) in made {
            index.shelves[number as usize] = shelf;
        }
        for person in persons {
            index.find_squares(*person, &squares.remove(&person.0).unwrap_or_default());
        }
        index.rooms = Arc::new(self.rooms.with(persons, occupancies));
        Ok(index)
    }

    /// The number of a square, a new one if need be.
    fn number(&mut self, square: Square) -> u32 {
        let next = self.shelves.len() as u32;
        let number = *self.numbers.entry(square).or_insert(next);
        if number == next {
            self.shelves.push(Arc::new(Shelf::empty(square)));
        }
        number
    }

    /// Notes where a person has entries, which is among the squares given.
    fn find_squares(&mut self, person: PersonId, among: &BTreeSet<u32>) {
        let shelf = |number: &u32| &self.shelves[*number as usize];
        let mut squares: Vec<u32> =
            among.iter().filter(|number| !shelf(number).entries_of(person.0).is_empty()).copied().collect();
        squares.sort_unstable_by_key(|number| shelf(number).square);
        let person = person.0 as usize;
        if self.squares_of.len() <= person {
            self.squares_of.resize_with(person + 1, Arc::default);
        }
        self.squares_of[person] = squares.into();
    }

    /// The rules that it answers by.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// How many unbroken times of persons in squares it holds.
    pub fn entries(&self) -> usize {
        self.shelves.iter().map(|shelf| shelf.len()).sum()
    }

    /// The facts of a meeting: those that place the one there, and those that place the other there.
    pub fn facts(&self, meeting: &Meeting) -> (&[FactId], &[FactId]) {
        let of = |square: Square, entry: u32| match self.find(square) {
            Some(number) => self.shelves[number as usize].facts_of(entry),
            None => &[],
        };
        match meeting.scene {
            Scene::Square(square) => (of(square, meeting.own), of(square, meeting.other)),
            Scene::Beside(own, other) => (of(own, meeting.own), of(other, meeting.other)),
            Scene::Dwelling(_) | Scene::Ward(_) | Scene::Vehicle(_) => {
                (self.rooms.facts(meeting.own), self.rooms.facts(meeting.other))
            }
        }
    }

    /// For how many seconds within a span it is known in which squares a person was, unbroken for long enough to meet somebody.
    pub fn seen(&self, person: PersonId, within: Seconds) -> u32 {
        let shelves = self.squares_of(person).iter().map(|number| self.shelf(*number));
        let spans = shelves.flat_map(|shelf| shelf.entries_of(person.0).iter().map(|entry| shelf.span(*entry)));
        let mut spans: Vec<Seconds> = spans.map(|span| span.common(within)).filter(|span| span.count() > 0).collect();
        spans.sort_unstable();
        let (mut seen, mut until) = (0, 0);
        for Seconds { from, to } in spans {
            seen += to.saturating_sub(from.max(until));
            until = until.max(to);
        }
        seen
    }

    /// One more than the greatest number of a person.
    pub fn people(&self) -> usize {
        self.squares_of.len().max(self.rooms.people())
    }

    pub(super) fn find(&self, square: Square) -> Option<u32> {
        self.numbers.get(&square).copied()
    }

    /// The squares where a person has entries, by number.
    pub(super) fn squares_of(&self, person: PersonId) -> &[u32] {
        self.squares_of.get(person.0 as usize).map_or(&[], |squares| squares)
    }

    pub(super) fn shelf(&self, number: u32) -> &Shelf {
        &self.shelves[number as usize]
    }
}

/// What a contact in a square must be longer than, in seconds.
pub(super) const fn shortest(rules: &Rules) -> u32 {
    rules.contact.square_over_min * 60
}

/// The stays by square, in order; those of no use (too short a share, no time at all) are left out.
fn rows(rules: &Rules, places: &[Vec<Overlap>], stays: &[Located]) -> Result<Vec<Row>, IndexError> {
    let mut rows = Vec::with_capacity(stays.len());
    for stay in stays {
        let overlaps = places.get(stay.place.0 as usize).ok_or(IndexError::Place(stay.place))?;
        if stay.span.count() == 0 {
            continue;
        }
        let counted = rules.square.counted(overlaps);
        for Overlap { square, share } in counted.filter(|one| rules.contact.is_sure(stay.confidence, one.share)) {
            let confidence = (stay.confidence.clamp(0.0, 1.0) * *share as f32 * 255.0).round().max(1.0) as u8;
            let (Seconds { from, to }, person, fact) = (stay.span, stay.person.0, stay.fact.0);
            rows.push(Row { square: *square, person, from, to, fact, confidence });
        }
    }
    rows.par_sort_unstable_by_key(Row::order);
    let most = rows.chunk_by(|one, next| one.square == next.square).map(<[Row]>::len).max();
    if most.is_some_and(|most| u32::try_from(most).is_err()) {
        return Err(IndexError::TooMany);
    }
    Ok(rows)
}
