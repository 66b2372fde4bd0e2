//! Sources: people from whom others could catch it, and whom they reached, without listing everybody whom each of them met.
//!
//! The stays of all sources lie by square in order of time. A stay of somebody else asks them once when it was reached first
//! and last, which takes as long for thousands of sources as for one. What is found is what [`Index::rank`] of each source
//! finds, crowds included. Two sources of one person reach others and not each other.

use rayon::prelude::*;

use super::index::{Index, shortest};
use super::shelf::Shelf;
use super::{Case, Meeting, PersonId, Second, Seconds};

const ALWAYS: Seconds = Seconds { from: 0, to: Second::MAX };

/// What the meetings of somebody with sources come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reached {
    /// When the first meeting began.
    pub(crate) first: Second,
    /// When the last one ended.
    pub(crate) last: Second,
    /// The number of a source of that one.
    pub(crate) source: u32,
}

impl Reached {
    fn and(self, other: Option<Self>) -> Self {
        let Some(other) = other else { return self };
        let later = if other.last > self.last { other } else { self };
        Self { first: self.first.min(other.first), ..later }
    }
}

/// A stay of a source, in a square where others meet it.
#[derive(Clone, Copy, Debug)]
struct Felt {
    person: PersonId,
    span: Seconds,
    entry: u32,
    home: u32,
    source: u32,
}

/// The stays of sources in one square, in order of their begins.
#[derive(Debug, Default)]
struct FeltHere {
    stays: Vec<Felt>,
    /// Of the stays until each one, those that end last.
    latest: Vec<Latest>,
}

/// The stays of sources by square.
#[derive(Debug)]
pub(crate) struct Sources<'a> {
    index: &'a Index,
    sources: &'a [Case],
    here: Vec<FeltHere>,
    /// The numbers of the sources of each person, in order of the persons.
    by_person: Vec<(PersonId, u32)>,
}

impl<'a> Sources<'a> {
    pub(crate) fn new(index: &'a Index, sources: &'a [Case]) -> Self {
        let felt = (0_u32..).zip(sources).collect::<Vec<_>>();
        let felt = felt.into_par_iter().flat_map_iter(|(number, source)| felt_of(index, number, *source));
        let mut here: Vec<FeltHere> = index.shelves.iter().map(|_| FeltHere::default()).collect();
        for (square, felt) in felt.collect::<Vec<_>>() {
            here[square as usize].stays.push(felt);
        }
        here.par_iter_mut().for_each(FeltHere::arrange);
        let mut by_person: Vec<(PersonId, u32)> =
            (0..).zip(sources).map(|(number, source)| (source.person, number)).collect();
        by_person.sort_unstable();
        Self { index, sources, here, by_person }
    }

    /// When somebody met a source first and last; `None` when they met none.
    pub(crate) fn reached(&self, person: PersonId) -> Option<Reached> {
        let shortest = shortest(&self.index.rules);
        let mut found: Option<Reached> = None;
        let mut add = |one: Reached| found = Some(one.and(found));
        for (here, shelf) in self.where_both_were(person) {
            for entry in shelf.entries_of(person.0) {
                let span = shelf.span(*entry);
                let first = here.first(span, shortest, person);
                if let Some((first, (last, source))) = first.zip(here.last(span, shortest, person)) {
                    add(Reached { first, last, source });
                }
            }
        }
        self.in_rooms(person, |meeting, source| {
            add(Reached { first: meeting.span.from, last: meeting.span.to, source });
        });
        found
    }

    /// When somebody met a source first.
    pub(crate) fn first(&self, person: PersonId) -> Option<Second> {
        let shortest = shortest(&self.index.rules);
        let mut first = Second::MAX;
        self.in_rooms(person, |meeting, _| first = first.min(meeting.span.from));
        for (here, shelf) in self.where_both_were(person) {
            for span in shelf.entries_of(person.0).iter().map(|entry| shelf.span(*entry)) {
                if span.from >= first {
                    break;
                }
                first = here.first(span, shortest, person).map_or(first, |found| first.min(found));
            }
        }
        (first < Second::MAX).then_some(first)
    }

    /// The meetings of somebody with each source, from the source's side, in order of the sources.
    pub(crate) fn meetings(&self, person: PersonId) -> Vec<(u32, Meeting)> {
        let (index, shortest) = (self.index, shortest(&self.index.rules));
        let mut found = Vec::new();
        for there in index.squares_of(person) {
            let (shelf, stays) = (index.shelf(*there), &self.here[*there as usize].stays);
            for other in shelf.entries_of(person.0) {
                let span = shelf.span(*other);
                let begun = stays.partition_point(|felt| felt.span.from < span.to - shortest);
                for felt in stays[..begun].iter().filter(|felt| felt.person != person) {
                    let span = felt.span.common(span);
                    if span.count() > shortest {
                        let scene = index.scene(felt.home, *there);
                        let confidence = index.both_sure((felt.home, felt.entry), (*there, *other));
                        found.push((felt.source, Meeting { scene, span, confidence, own: felt.entry, other: *other }));
                    }
                }
            }
        }
        self.in_rooms(person, |meeting, source| found.push((source, meeting)));
        found.sort_unstable_by_key(|(source, meeting)| {
            (*source, meeting.span, meeting.scene, meeting.own, meeting.other)
        });
        found
    }

    /// The squares where somebody was and sources were felt.
    fn where_both_were(&self, person: PersonId) -> impl Iterator<Item = (&FeltHere, &Shelf)> {
        let squares = self.index.squares_of(person).iter();
        let squares = squares.map(|square| (&self.here[*square as usize], self.index.shelf(*square)));
        squares.filter(|(here, _)| !here.stays.is_empty())
    }

    /// Calls for each meeting of somebody with a source in a room, from the source's side.
    fn in_rooms(&self, person: PersonId, mut found: impl FnMut(Meeting, u32)) {
        let rows = self.index.rules.contact.rows_each_side;
        self.index.rooms.near(person, ALWAYS, rows, |own, other, one, span, confidence| {
            let start = self.by_person.partition_point(|(source, _)| *source < one.person);
            for (_, source) in self.by_person[start..].iter().take_while(|(source, _)| *source == one.person) {
                let span = span.common(self.sources[*source as usize].span);
                if span.count() > 0 {
                    let meeting = Meeting { scene: one.room.scene(), span, confidence, own: other, other: own };
                    found(meeting, *source);
                }
            }
        });
    }
}

/// The stays of a source that list whom they meet, by square.
fn felt_of(index: &Index, source: u32, case: Case) -> Vec<(u32, Felt)> {
    let (mut found, shortest) = (Vec::new(), shortest(&index.rules));
    for home in index.squares_of(case.person) {
        let (shelf, reach) = (index.shelf(*home), index.reach(*home));
        for entry in shelf.entries_of(case.person.0) {
            let span = shelf.span(*entry).common(case.span);
            if span.count() <= shortest {
                continue;
            }
            for there in &reach {
                let stays = index.shelf(*there).crowd(span, shortest) - u32::from(there == home);
                if (1..=index.rules.contact.crowd_max).contains(&stays) {
                    let felt = Felt { person: case.person, span, entry: *entry, home: *home, source };
                    found.push((*there, felt));
                }
            }
        }
    }
    found
}

impl FeltHere {
    fn arrange(&mut self) {
        self.stays.sort_unstable_by_key(|felt| (felt.span.from, felt.entry, felt.source));
        let mut latest = Latest::default();
        self.latest = self
            .stays
            .iter()
            .map(|felt| {
                latest.add(felt.span.to, felt.person.0, felt.source);
                latest
            })
            .collect();
    }

    /// When a stay of somebody, which is long enough, was reached last, and by which source.
    fn last(&self, span: Seconds, shortest: u32, person: PersonId) -> Option<(Second, u32)> {
        let begun = self.stays.partition_point(|felt| felt.span.from < span.to - shortest);
        let (to, source) = self.latest[begun.checked_sub(1)?].other_than(person.0)?;
        (to > span.from + shortest).then_some((to.min(span.to), source))
    }

    /// When it was reached first.
    fn first(&self, span: Seconds, shortest: u32, person: PersonId) -> Option<Second> {
        let there = self.stays.partition_point(|felt| felt.span.from <= span.from);
        let latest = there.checked_sub(1).and_then(|last| self.latest[last].other_than(person.0));
        if latest.is_some_and(|(to, _)| to > span.from + shortest) {
            return Some(span.from);
        }
        let next = self.stays[there..].iter().find(|felt| felt.person != person)?;
        (next.span.from < span.to - shortest).then_some(next.span.from)
    }
}

/// The two of different persons that end last, of those added so far: end, person, and what tells it.
#[derive(Clone, Copy, Debug, Default)]
struct Latest([Option<(Second, u32, u32)>; 2]);

impl Latest {
    fn add(&mut self, to: Second, person: u32, tells: u32) {
        let [first, second] = self.0;
        let is_later = |than: Option<(Second, u32, u32)>| than.is_none_or(|(known, ..)| to > known);
        let is_same = first.is_some_and(|(_, known, _)| known == person);
        if is_later(first) {
            self.0 = [Some((to, person, tells)), if is_same { second } else { first }];
        } else if !is_same && is_later(second) {
            self.0[1] = Some((to, person, tells));
        }
    }

    /// The last of another person.
    fn other_than(self, person: u32) -> Option<(Second, u32)> {
        self.0.into_iter().flatten().find(|(_, known, _)| *known != person).map(|(to, _, tells)| (to, tells))
    }
}

impl Index {
    /// Calls for stays of those who are asked about with the last instant at which a carrier was near, and which. Crowds are
    /// those of the stays asked about, as when the meetings of each were ranked.
    pub(crate) fn last_of_carriers(
        &self,
        window: Seconds,
        carries: impl Fn(u32) -> Option<Seconds> + Sync,
        is_asked: impl Fn(u32) -> bool + Sync,
        found: impl Fn(u32, Second, u32) + Sync,
    ) {
        let of_square = |home: u32| {
            let (shelf, shortest) = (self.shelf(home), shortest(&self.rules));
            for there in self.reach(home) {
                let carriers = carriers(self.shelf(there), shortest, &carries);
                for (entry, person) in (0..).zip(&shelf.person).filter(|(_, person)| is_asked(**person)) {
                    let span = shelf.span(entry).common(window);
                    if let Some((last, carrier)) = last_of(&carriers, *person, span, shortest)
                        && self.shelf(there).crowd(span, shortest) - u32::from(there == home)
                            <= self.rules.contact.crowd_max
                    {
                        found(*person, last, carrier);
                    }
                }
            }
        };
        (0..self.shelves.len() as u32).into_par_iter().for_each(of_square);
        let in_rooms = |person: u32| {
            let rows = self.rules.contact.rows_each_side;
            self.rooms.near(PersonId(person), window, rows, |_, _, one, span, _| {
                let span = carries(one.person.0).map(|carrying| carrying.common(span));
                if let Some(span) = span.filter(|span| span.count() > 0) {
                    found(person, span.to, one.person.0);
                }
            });
        };
        (0..self.people() as u32).into_par_iter().filter(|person| is_asked(*person)).for_each(in_rooms);
    }
}

/// The stays of carriers in a square in order of their begins: of each begin, who of those until then stays longest.
fn carriers(shelf: &Shelf, shortest: u32, carries: impl Fn(u32) -> Option<Seconds>) -> Vec<(Second, Latest)> {
    let carried = (0..).zip(&shelf.person).filter_map(|(entry, person)| {
        let span = shelf.span(entry).common(carries(*person)?);
        (span.count() > shortest).then_some((span, *person))
    });
    let mut carried: Vec<(Seconds, u32)> = carried.collect();
    carried.sort_unstable();
    let mut latest = Latest::default();
    let with_latest = |(span, person): (Seconds, u32)| {
        latest.add(span.to, person, person);
        (span.from, latest)
    };
    carried.into_iter().map(with_latest).collect()
}

fn last_of(carriers: &[(Second, Latest)], person: u32, span: Seconds, shortest: u32) -> Option<(Second, u32)> {
    if span.count() <= shortest {
        return None;
    }
    let begun = carriers.partition_point(|(from, _)| *from < span.to - shortest);
    let (to, carrier) = carriers[begun.checked_sub(1)?].1.other_than(person)?;
    (to > span.from + shortest).then_some((to.min(span.to), carrier))
}
