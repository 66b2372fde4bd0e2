//! The contacts of a case: ranked by sums first, because a crowd has many more meetings than anybody looks at.

use std::cmp::Reverse;

use rayon::prelude::*;
use serde::Serialize;

use super::index::{Index, shortest};
use super::room::{Room, weight};
use super::{Crowd, Meeting, PersonId, Scene, Second, Seconds};
use crate::Grid;
use crate::rules::Weights;

/// From so many stays on, meetings are added up by two threads: of fewer it takes longer to put the sums together.
const STAYS_FOR_TWO: u64 = 100_000;
/// One stay as sure as can be, and another: what the product of their confidences is made of.
const BOTH_SURE: f64 = 255.0 * 255.0;

/// Whose contacts are asked for, and of when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// Who.
    pub person: PersonId,
    /// When the case was infectious and not yet apart from others.
    pub span: Seconds,
}

/// What somebody's meetings with a case come to.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Exposed {
    /// Who.
    pub person: PersonId,
    /// Minutes of all meetings, each weighed by how near and how sure it is; what contacts are ranked by.
    pub exposure: f64,
    /// Seconds of all meetings. An hour in several squares at once counts in each.
    pub seconds: u64,
    /// How many meetings.
    pub meetings: u32,
    /// When the first began: from then on they may carry on what they caught.
    pub first: Second,
    /// When the last ended.
    pub last: Second,
}

/// Somebody who was near a case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contact {
    /// Who.
    pub person: PersonId,
    /// Minutes of all meetings, weighed; what contacts are ranked by.
    pub exposure: f64,
    /// When, where and how long, in order of time.
    pub meetings: Vec<Meeting>,
}

/// The contacts of a case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contacts {
    /// Version of the rules.
    pub rules: String,
    /// Whose.
    pub case: Case,
    /// The most exposed first; equals in order of their numbers.
    pub contacts: Vec<Contact>,
    /// Stays of the case that met too many to list anybody; in order of time. Who was met there *and* elsewhere is listed
    /// for elsewhere.
    pub left_out: Vec<Crowd>,
}

/// Everybody who was near a case. Meetings are listed for those who are asked about.
#[derive(Debug)]
pub struct Ranking<'a> {
    index: &'a Index,
    case: Case,
    exposed: Vec<Exposed>,
    left_out: Vec<Crowd>,
    /// Stays of the case that list whom they meet.
    open: Vec<Open>,
    /// Meetings in squares, in no order that means anything.
    met: Vec<Met>,
    /// Meetings in rooms.
    in_rooms: Vec<(PersonId, Meeting)>,
}

/// A stay of the case, and a square in which it meets others: its own or a neighbouring one.
#[derive(Clone, Copy, Debug)]
struct Open {
    there: u32,
    home: u32,
    own: u32,
    span: Seconds,
    /// How many stays it meets there.
    stays: u32,
}

/// A meeting in a square.
#[derive(Clone, Copy, Debug)]
struct Met {
    person: PersonId,
    /// The number of the case's stay.
    open: u32,
    /// The other's entry.
    other: u32,
}

/// What somebody's meetings in squares come to: whole numbers, whose sum is the same in any order.
#[derive(Clone, Copy, Debug)]
struct Sum {
    person: u32,
    meetings: u32,
    seconds: u64,
    /// Seconds, each as many times as both stays are sure in 255ths.
    sure: u64,
    first: Second,
    last: Second,
}

/// Meetings in squares and their sums by person. Of a city few are met: what is kept of everybody is one number.
struct Sums {
    met: Vec<Met>,
    /// Of each person one more than the place of the sum, 0 without one.
    places: Vec<u32>,
    of: Vec<Sum>,
}

impl Sums {
    fn new(people: usize) -> Self {
        Self { met: Vec::new(), places: vec![0; people], of: Vec::new() }
    }

    fn add(&mut self, more: Sum) {
        let place = &mut self.places[more.person as usize];
        if *place == 0 {
            self.of.push(more);
            *place = self.of.len() as u32;
            return;
        }
        let sum = &mut self.of[*place as usize - 1];
        sum.meetings += more.meetings;
        sum.seconds += more.seconds;
        sum.sure += more.sure;
        sum.first = sum.first.min(more.first);
        sum.last = sum.last.max(more.last);
    }

    fn and(mut self, mut others: Self) -> Self {
        self.met.append(&mut others.met);
        others.of.into_iter().for_each(|sum| self.add(sum));
        self
    }

    /// What these come to together with meetings in rooms.
    fn exposed(mut self, weights: &Weights, in_rooms: &[(PersonId, Meeting)]) -> Vec<Exposed> {
        let nothing =
            |person, Seconds { from, to }| Sum { person, meetings: 0, seconds: 0, sure: 0, first: from, last: to };
        let mut in_rooms_of = Vec::new();
        for (PersonId(person), Meeting { scene, span, confidence, .. }) in in_rooms {
            self.add(Sum { meetings: 1, seconds: u64::from(span.count()), ..nothing(*person, *span) });
            let minutes = f64::from(span.count()) / 60.0;
            in_rooms_of.push((
                self.places[*person as usize] as usize - 1,
                weight(weights, *scene) * f64::from(*confidence) * minutes,
            ));
        }
        let exposed = |sum: &Sum| Exposed {
            person: PersonId(sum.person),
            exposure: weights.square * sum.sure as f64 / BOTH_SURE / 60.0,
            seconds: sum.seconds,
            meetings: sum.meetings,
            first: sum.first,
            last: sum.last,
        };
        let mut exposed: Vec<Exposed> = self.of.iter().map(exposed).collect();
        in_rooms_of.into_iter().for_each(|(place, exposure)| exposed[place].exposure += exposure);
        exposed
    }
}

impl Index {
    /// Everybody who was near a case in the squares and in the rooms that `counts` says, the most exposed first.
    pub fn rank(&self, case: Case, counts: impl Fn(Room) -> bool) -> Ranking<'_> {
        let (mut open, mut left_out) = (Vec::new(), Vec::new());
        for home in self.squares_of(case.person) {
            for there in self.reach(*home) {
                self.open(case, *home, there, &mut open, &mut left_out);
            }
        }
        left_out.sort_unstable_by_key(|crowd| (crowd.span, crowd.square, Reverse(crowd.stays)));
        let contact = &self.rules.contact;
        let mut in_rooms = Vec::new();
        self.rooms.near(case.person, case.span, contact.rows_each_side, |own, other, one, span, confidence| {
            if counts(one.room) {
                in_rooms.push((one.person, Meeting { scene: one.room.scene(), span, confidence, own, other }));
            }
        });
        let mut sums = self.sums(case.person, &open);
        let met = std::mem::take(&mut sums.met);
        let exposed = sums.exposed(&contact.weight, &in_rooms);
        Ranking { index: self, case, exposed, left_out, open, met, in_rooms }
    }

    /// The stays of a case in one square, and whom they meet in the same or a neighbouring one: all, or too many.
    fn open(&self, case: Case, home: u32, there: u32, open: &mut Vec<Open>, left_out: &mut Vec<Crowd>) {
        let (own_shelf, shelf, shortest) = (self.shelf(home), self.shelf(there), shortest(&self.rules));
        for own in own_shelf.entries_of(case.person.0) {
            let span = own_shelf.span(*own).common(case.span);
            if span.count() <= shortest {
                continue;
            }
            // In its own square the stay meets itself.
            let stays = shelf.crowd(span, shortest) - u32::from(there == home);
            if stays > self.rules.contact.crowd_max {
                left_out.push(Crowd { person: case.person, square: shelf.square, span, stays });
            } else if stays > 0 {
                open.push(Open { there, home, own: *own, span, stays });
            }
        }
    }

    /// The meetings of a case's stays, by two threads where they are many.
    fn sums(&self, case: PersonId, open: &[Open]) -> Sums {
        let stays: u64 = open.iter().map(|open| u64::from(open.stays)).sum();
        let mut before = 0;
        let is_half = |open: &Open| {
            before += u64::from(open.stays);
            before > stays / 2
        };
        let half = open.iter().position(is_half).unwrap_or(0);
        let (one, other) = open.split_at(half);
        if one.is_empty() || stays < STAYS_FOR_TWO {
            return self.part(case, open, 0);
        }
        let (one, other) = rayon::join(|| self.part(case, one, 0), || self.part(case, other, half as u32));
        one.and(other)
    }

    /// The meetings of some stays, which are numbered from `first`.
    fn part(&self, case: PersonId, open: &[Open], first: u32) -> Sums {
        let mut sums = Sums::new(self.people());
        for (number, Open { there, home, own, span, .. }) in (first..).zip(open) {
            let shelf = self.shelf(*there);
            let own_sure = u64::from(self.shelf(*home).confidence[*own as usize]);
            shelf.meet(*span, shortest(&self.rules), |other, Seconds { from, to }| {
                let (person, seconds) = (shelf.person[other as usize], u64::from(to - from));
                if person != case.0 {
                    let sure = own_sure * u64::from(shelf.confidence[other as usize]) * seconds;
                    sums.add(Sum { person, meetings: 1, seconds, sure, first: from, last: to });
                    sums.met.push(Met { person: PersonId(person), open: number, other });
                }
            });
        }
        sums
    }

    /// The contacts of one case, with all meetings.
    pub fn contacts(&self, case: Case) -> Contacts {
        let ranking = self.rank(case, |_| true);
        let contacts = ranking.contacts(&ranking.ranked(0, usize::MAX));
        Contacts { rules: self.rules.version(), case, contacts, left_out: ranking.left_out }
    }

    /// The contacts of many cases, on all cores. `each` takes what it needs of an answer, which is dropped then: together
    /// the answers may be larger than memory. What it gives is in the order of the cases.
    pub fn contacts_of_all<T: Send>(&self, cases: &[Case], each: impl Fn(Contacts) -> T + Sync) -> Vec<T> {
        cases.par_iter().map(|case| each(self.contacts(*case))).collect()
    }

    /// Who was near each of many cases, on all cores; as [`Index::contacts_of_all`] without the meetings.
    pub fn rank_all<T: Send>(
        &self,
        cases: &[Case],
        counts: impl Fn(Room) -> bool + Sync,
        each: impl Fn(Ranking<'_>) -> T + Sync,
    ) -> Vec<T> {
        cases.par_iter().map(|case| each(self.rank(*case, &counts))).collect()
    }

    /// A square, and its neighbours if the rules count them, by number.
    pub(super) fn reach(&self, square: u32) -> Vec<u32> {
        let mut reach = vec![square];
        if self.rules.contact.neighbours {
            let neighbours = Grid::new(&self.rules.square).neighbours(self.shelf(square).square);
            reach.extend(neighbours.iter().filter_map(|neighbour| self.find(*neighbour)));
        }
        reach
    }

    /// The scene of a meeting between somebody in one square and somebody in the same or a neighbouring one.
    pub(super) fn scene(&self, own: u32, other: u32) -> Scene {
        if own == other {
            Scene::Square(self.shelf(own).square)
        } else {
            Scene::Beside(self.shelf(own).square, self.shelf(other).square)
        }
    }

    /// How sure a meeting is of an entry of one square and one of another.
    pub(super) fn both_sure(&self, own: (u32, u32), other: (u32, u32)) -> f32 {
        let sure = |(square, entry): (u32, u32)| f32::from(self.shelf(square).confidence[entry as usize]);
        sure(own) * sure(other) / BOTH_SURE as f32
    }
}

impl Ranking<'_> {
    /// Whose contacts they are, and of when.
    pub const fn case(&self) -> Case {
        self.case
    }

    /// Everybody who was near, in no order that means anything.
    pub fn exposed(&self) -> &[Exposed] {
        &self.exposed
    }

    /// So many of them after some others, the most exposed first; equals in order of their numbers.
    pub fn ranked(&self, after: usize, limit: usize) -> Vec<Exposed> {
        let order = |one: &Exposed, other: &Exposed| {
            other.exposure.total_cmp(&one.exposure).then(one.person.cmp(&other.person))
        };
        let mut exposed = self.exposed.clone();
        let end = after.saturating_add(limit);
        if end < exposed.len() {
            // Who is behind them need not be in order.
            exposed.select_nth_unstable_by(end, order);
            exposed.truncate(end);
        }
        exposed.sort_unstable_by(order);
        exposed.drain(..after.min(exposed.len()));
        exposed
    }

    /// Stays of the case that met too many to list anybody; in order of time. Who was met there *and* elsewhere is ranked
    /// for elsewhere.
    pub fn left_out(&self) -> &[Crowd] {
        &self.left_out
    }

    /// Calls for each meeting with those whom `wanted` names, in no order that means anything.
    pub(crate) fn each_meeting(&self, wanted: impl Fn(PersonId) -> bool, mut found: impl FnMut(PersonId, Meeting)) {
        let index = self.index;
        for Met { person, open, other } in self.met.iter().copied().filter(|met| wanted(met.person)) {
            let Open { there, home, own, span, .. } = self.open[open as usize];
            let span = index.shelf(there).span(other).common(span);
            let (scene, confidence) = (index.scene(home, there), index.both_sure((home, own), (there, other)));
            found(person, Meeting { scene, span, confidence, own, other });
        }
        let in_rooms = self.in_rooms.iter().filter(|(person, _)| wanted(*person));
        in_rooms.for_each(|(person, meeting)| found(*person, *meeting));
    }

    /// Some of them with their meetings in order of time, in one pass over all meetings.
    pub fn contacts(&self, some: &[Exposed]) -> Vec<Contact> {
        let contact = |exposed: &Exposed| {
            let Exposed { person, exposure, meetings, .. } = *exposed;
            Contact { person, exposure, meetings: Vec::with_capacity(meetings as usize) }
        };
        let mut contacts: Vec<Contact> = some.iter().map(contact).collect();
        let mut places = vec![u32::MAX; self.index.people()];
        for (place, contact) in (0..).zip(&contacts) {
            places[contact.person.0 as usize] = place;
        }
        let place = |person: PersonId| places[person.0 as usize];
        self.each_meeting(
            |person| place(person) != u32::MAX,
            |person, meeting| contacts[place(person) as usize].meetings.push(meeting),
        );
        for contact in &mut contacts {
            contact.meetings.sort_unstable_by_key(in_order);
        }
        contacts
    }
}

/// Meetings of one contact are told in this order.
const fn in_order(meeting: &Meeting) -> (Seconds, Scene, u32, u32) {
    (meeting.span, meeting.scene, meeting.own, meeting.other)
}
