//! The contacts of a case: ranked by sums first, because a crowd has many more meetings than anybody looks at.

use std::cmp::Reverse;

use rayon::prelude::*;
use serde::Serialize;

use super::index::{Index, shortest};
use super::room::{Room, weight};
use super::{Crowd, Meeting, PersonId, Scene, Second, Seconds};
use crate::Grid;

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

/// Everybody who was near a case, ranked; the meetings are listed for those who are asked about.
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
    /// Meetings in rooms, by person.
    in_rooms: Vec<(PersonId, Meeting)>,
}

/// A stay of the case, and a square in which it meets others: its own or a neighbouring one.
#[derive(Clone, Copy, Debug)]
struct Open {
    there: u32,
    home: u32,
    own: u32,
    span: Seconds,
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

/// Sums over meetings, by person. Of a city few are met: what is kept of everybody is one number.
struct Sums {
    /// Of each person one more than the place of the sum, 0 without one.
    places: Vec<u32>,
    of: Vec<Exposed>,
}

impl Sums {
    fn new(people: usize) -> Self {
        Self { places: vec![0; people], of: Vec::new() }
    }

    fn add(&mut self, person: u32, weighed: f64, span: Seconds) {
        let place = &mut self.places[person as usize];
        if *place == 0 {
            let Seconds { from, to } = span;
            self.of.push(Exposed {
                person: PersonId(person),
                exposure: 0.0,
                seconds: 0,
                meetings: 0,
                first: from,
                last: to,
            });
            *place = self.of.len() as u32;
        }
        let sum = &mut self.of[*place as usize - 1];
        sum.meetings += 1;
        sum.exposure += weighed * f64::from(span.count()) / 60.0;
        sum.seconds += u64::from(span.count());
        sum.first = sum.first.min(span.from);
        sum.last = sum.last.max(span.to);
    }

    fn ranked(self) -> Vec<Exposed> {
        let mut exposed = self.of;
        exposed
            .sort_unstable_by(|one, other| other.exposure.total_cmp(&one.exposure).then(one.person.cmp(&other.person)));
        exposed
    }
}

impl Index {
    /// Everybody who was near a case in the squares and in the rooms that `counts` says, the most exposed first.
    pub fn rank(&self, case: Case, counts: impl Fn(Room) -> bool) -> Ranking<'_> {
        let (mut sums, mut ranking) = (Sums::new(self.people()), Ranking::of_nobody(self, case));
        for home in self.squares_of(case.person) {
            let (shelf, reach) = (self.shelf(*home), self.reach(*home));
            for own in shelf.entries_of(case.person.0) {
                let span = shelf.span(*own).common(case.span);
                if span.count() > shortest(&self.rules) {
                    ranking.meet(Open { there: *home, home: *home, own: *own, span }, &reach, &mut sums);
                }
            }
        }
        let weights = &self.rules.contact.weight;
        self.rooms.near(
            case.person,
            case.span,
            self.rules.contact.rows_each_side,
            |own, other, one, span, confidence| {
                if counts(one.room) {
                    let meeting = Meeting { scene: one.room.scene(), span, confidence, own, other };
                    sums.add(one.person.0, weight(weights, meeting.scene) * f64::from(confidence), span);
                    ranking.in_rooms.push((one.person, meeting));
                }
            },
        );
        ranking.left_out.sort_unstable_by_key(|crowd| (crowd.span, crowd.square, Reverse(crowd.stays)));
        ranking.exposed = sums.ranked();
        ranking
    }

    /// The contacts of one case, with all meetings.
    pub fn contacts(&self, case: Case) -> Contacts {
        let ranking = self.rank(case, |_| true);
        let contacts = ranking.contacts(ranking.exposed());
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
        sure(own) * sure(other) / (255.0 * 255.0)
    }
}

impl<'a> Ranking<'a> {
    fn of_nobody(index: &'a Index, case: Case) -> Self {
        let (exposed, left_out) = (Vec::new(), Vec::new());
        Self { index, case, exposed, left_out, open: Vec::new(), met: Vec::new(), in_rooms: Vec::new() }
    }

    /// Meets everybody whom a stay of the case meets in the squares that it reaches.
    fn meet(&mut self, stay: Open, reach: &[u32], sums: &mut Sums) {
        let (index, rules, shortest) = (self.index, &self.index.rules, shortest(&self.index.rules));
        let own_confidence = index.shelf(stay.home).confidence[stay.own as usize];
        let sure = rules.contact.weight.square * f64::from(own_confidence) / (255.0 * 255.0);
        for there in reach {
            let shelf = index.shelf(*there);
            // In its own square the stay meets itself.
            let stays = shelf.crowd(stay.span, shortest) - u32::from(*there == stay.home);
            if stays > rules.contact.crowd_max {
                let (person, square, span) = (self.case.person, shelf.square, stay.span);
                self.left_out.push(Crowd { person, square, span, stays });
                continue;
            }
            if stays == 0 {
                continue;
            }
            let open = self.open.len() as u32;
            self.open.push(Open { there: *there, ..stay });
            shelf.meet(stay.span, shortest, |other, span| {
                let person = shelf.person[other as usize];
                if person != self.case.person.0 {
                    sums.add(person, sure * f64::from(shelf.confidence[other as usize]), span);
                    self.met.push(Met { person: PersonId(person), open, other });
                }
            });
        }
    }

    /// Whose contacts they are, and of when.
    pub const fn case(&self) -> Case {
        self.case
    }

    /// The most exposed first; equals in order of their numbers.
    pub fn exposed(&self) -> &[Exposed] {
        &self.exposed
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
            let Open { there, home, own, span } = self.open[open as usize];
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
