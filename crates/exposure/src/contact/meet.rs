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
    /// Stays of the case that list whom they meet, by the square where.
    open: Vec<Open>,
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

/// Sums over meetings by the number of the person, each in one line of the processor's cache. Only those touched cost anything.
struct Sums {
    of: Vec<Exposed>,
    touched: Vec<u32>,
}

impl Sums {
    fn new(people: usize) -> Self {
        let none = Exposed { person: PersonId(0), exposure: 0.0, seconds: 0, meetings: 0, first: 0, last: 0 };
        Self { of: vec![none; people], touched: Vec::new() }
    }

    fn add(&mut self, person: u32, weighed: f64, span: Seconds) {
        let sum = &mut self.of[person as usize];
        if sum.meetings == 0 {
            self.touched.push(person);
            (sum.person, sum.first) = (PersonId(person), span.from);
        }
        sum.meetings += 1;
        sum.exposure += weighed * f64::from(span.count()) / 60.0;
        sum.seconds += u64::from(span.count());
        sum.first = sum.first.min(span.from);
        sum.last = sum.last.max(span.to);
    }

    fn ranked(self) -> Vec<Exposed> {
        let mut exposed: Vec<Exposed> = self.touched.iter().map(|person| self.of[*person as usize]).collect();
        exposed
            .sort_unstable_by(|one, other| other.exposure.total_cmp(&one.exposure).then(one.person.cmp(&other.person)));
        exposed
    }
}

impl Index {
    /// Everybody who was near a case in the squares and in the rooms that `counts` says, the most exposed first.
    pub fn rank(&self, case: Case, counts: impl Fn(Room) -> bool) -> Ranking<'_> {
        let (mut sums, mut open, mut left_out) = (Sums::new(self.people()), Vec::new(), Vec::new());
        for home in self.squares_of(case.person) {
            let (shelf, reach) = (self.shelf(*home), self.reach(*home));
            for own in shelf.entries_of(case.person.0) {
                let span = shelf.span(*own).common(case.span);
                if span.count() > shortest(&self.rules) {
                    let stay = Open { there: *home, home: *home, own: *own, span };
                    self.in_squares(case, stay, &reach, &mut sums, &mut open, &mut left_out);
                }
            }
        }
        let (weights, mut in_rooms) = (&self.rules.contact.weight, Vec::new());
        self.rooms.near(
            case.person,
            case.span,
            self.rules.contact.rows_each_side,
            |own, other, one, span, confidence| {
                if counts(one.room) {
                    let meeting = Meeting { scene: one.room.scene(), span, confidence, own, other };
                    sums.add(one.person.0, weight(weights, meeting.scene) * f64::from(confidence), span);
                    in_rooms.push((one.person, meeting));
                }
            },
        );
        in_rooms.sort_unstable_by_key(|(person, meeting)| (*person, meeting.span, meeting.own, meeting.other));
        open.sort_unstable_by_key(|open| (open.there, open.home, open.own));
        left_out.sort_unstable_by_key(|crowd| (crowd.span, crowd.square, Reverse(crowd.stays)));
        Ranking { index: self, case, exposed: sums.ranked(), left_out, open, in_rooms }
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

    fn in_squares(
        &self,
        case: Case,
        stay: Open,
        reach: &[u32],
        sums: &mut Sums,
        open: &mut Vec<Open>,
        left_out: &mut Vec<Crowd>,
    ) {
        let shortest = shortest(&self.rules);
        let own_confidence = self.shelf(stay.home).confidence[stay.own as usize];
        let sure = self.rules.contact.weight.square * f64::from(own_confidence) / (255.0 * 255.0);
        for there in reach {
            let shelf = self.shelf(*there);
            // In its own square the stay meets itself.
            let stays = shelf.crowd(stay.span, shortest) - u32::from(*there == stay.home);
            if stays > self.rules.contact.crowd_max {
                left_out.push(Crowd { person: case.person, square: shelf.square, span: stay.span, stays });
                continue;
            }
            if stays == 0 {
                continue;
            }
            open.push(Open { there: *there, ..stay });
            shelf.meet(stay.span, shortest, |entry, span| {
                let person = shelf.person[entry as usize];
                if person != case.person.0 {
                    sums.add(person, sure * f64::from(shelf.confidence[entry as usize]), span);
                }
            });
        }
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

impl Ranking<'_> {
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

    /// Calls for each meeting with those whom `wanted` names, in no order that means anything: for many of them sooner than
    /// [`Ranking::contact`] for each.
    pub(crate) fn each_meeting(&self, wanted: impl Fn(PersonId) -> bool, mut found: impl FnMut(PersonId, Meeting)) {
        let (index, shortest) = (self.index, shortest(&self.index.rules));
        for open in &self.open {
            let (shelf, scene) = (index.shelf(open.there), index.scene(open.home, open.there));
            shelf.meet(open.span, shortest, |other, span| {
                let person = PersonId(shelf.person[other as usize]);
                if person != self.case.person && wanted(person) {
                    let confidence = index.both_sure((open.home, open.own), (open.there, other));
                    found(person, Meeting { scene, span, confidence, own: open.own, other });
                }
            });
        }
        self.in_rooms
            .iter()
            .filter(|(person, _)| wanted(*person))
            .for_each(|(person, meeting)| found(*person, *meeting));
    }

    /// Some of them with their meetings, in one pass over whom the case met: for a page of them much sooner than
    /// [`Ranking::contact`] for each.
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

    /// The meetings of one of them, in order of time.
    pub fn contact(&self, exposed: &Exposed) -> Contact {
        let (index, shortest) = (self.index, shortest(&self.index.rules));
        let mut meetings = Vec::with_capacity(exposed.meetings as usize);
        for there in index.squares_of(exposed.person) {
            let start = self.open.partition_point(|open| open.there < *there);
            let count = self.open[start..].partition_point(|open| open.there == *there);
            let (open, shelf) = (&self.open[start..start + count], index.shelf(*there));
            // The squares of both are few in common.
            let entries = if open.is_empty() { &[] } else { shelf.entries_of(exposed.person.0) };
            for other in entries {
                for open in open {
                    let span = open.span.common(shelf.span(*other));
                    if span.count() > shortest {
                        let scene = index.scene(open.home, *there);
                        let confidence = index.both_sure((open.home, open.own), (*there, *other));
                        meetings.push(Meeting { scene, span, confidence, own: open.own, other: *other });
                    }
                }
            }
        }
        let start = self.in_rooms.partition_point(|(person, _)| *person < exposed.person);
        let in_rooms = self.in_rooms[start..].iter().take_while(|(person, _)| *person == exposed.person);
        meetings.extend(in_rooms.map(|(_, meeting)| *meeting));
        meetings.sort_unstable_by_key(in_order);
        Contact { person: exposed.person, exposure: exposed.exposure, meetings }
    }
}

/// Meetings of one contact are told in this order.
const fn in_order(meeting: &Meeting) -> (Seconds, Scene, u32, u32) {
    (meeting.span, meeting.scene, meeting.own, meeting.other)
}
