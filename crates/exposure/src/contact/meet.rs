//! The contacts of a case.

use std::cmp::Reverse;

use rayon::prelude::*;
use serde::Serialize;

use super::index::{Index, shortest};
use super::room::weight;
use super::{Crowd, Meeting, PersonId, Scene, Seconds};
use crate::Grid;

/// Whose contacts are asked for, and of when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Case {
    /// Who.
    pub person: PersonId,
    /// When the case was infectious and not yet apart from others.
    pub span: Seconds,
}

/// Somebody who was near a case.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Contact {
    /// Who.
    pub person: PersonId,
    /// Minutes of all meetings, each weighed by how near and how sure it is; what contacts are ranked by.
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

impl Index {
    /// The contacts of one case.
    pub fn contacts(&self, case: Case) -> Contacts {
        let (mut found, mut left_out) = (Vec::new(), Vec::new());
        self.in_squares(case, &mut found, &mut left_out);
        self.rooms.near(
            case.person,
            case.span,
            self.rules.contact.rows_each_side,
            |own, other, one, span, confidence| {
                found.push((one.person, Meeting { scene: one.room.scene(), span, confidence, own, other }));
            },
        );
        found.sort_unstable_by_key(|(person, meeting)| {
            (*person, meeting.span, meeting.scene, meeting.own, meeting.other)
        });
        let mut contacts: Vec<Contact> =
            found.chunk_by(|one, next| one.0 == next.0).map(|of| self.contact(of)).collect();
        contacts.sort_by(|one, other| other.exposure.total_cmp(&one.exposure).then(one.person.cmp(&other.person)));
        left_out.sort_unstable_by_key(|crowd| (crowd.span, crowd.square, Reverse(crowd.stays)));
        Contacts { rules: self.rules.version(), case, contacts, left_out }
    }

    /// The contacts of many cases, on all cores. `each` takes what it needs of an answer, which is dropped then: together
    /// the answers may be larger than memory. What it gives is in the order of the cases.
    pub fn contacts_of_all<T: Send>(&self, cases: &[Case], each: impl Fn(Contacts) -> T + Sync) -> Vec<T> {
        cases.par_iter().map(|case| each(self.contacts(*case))).collect()
    }

    fn in_squares(&self, case: Case, found: &mut Vec<(PersonId, Meeting)>, left_out: &mut Vec<Crowd>) {
        for own in self.entries_of(case.person) {
            let span = self.span(*own as usize).common(case.span);
            if span.count() <= shortest(&self.rules) {
                continue;
            }
            let home = self.square_of(*own);
            for there in self.reach(home) {
                // In its own square the stay meets itself.
                let stays = self.crowd(there, span) - u32::from(there == home);
                if stays > self.rules.contact.crowd_max {
                    left_out.push(Crowd { person: case.person, square: self.squares[there], span, stays });
                    continue;
                }
                let scene = self.scene(home, there);
                self.meet(there, span, |entry, span| {
                    let person = PersonId(self.person[entry]);
                    if person != case.person {
                        let confidence = self.both_sure(*own as usize, entry);
                        found.push((person, Meeting { scene, span, confidence, own: *own, other: entry as u32 }));
                    }
                });
            }
        }
    }

    /// A square, and its neighbours if the rules count them, by number.
    pub(super) fn reach(&self, square: usize) -> Vec<usize> {
        let mut reach = vec![square];
        if self.rules.contact.neighbours {
            let neighbours = Grid::new(&self.rules.square).neighbours(self.squares[square]);
            reach.extend(neighbours.iter().filter_map(|neighbour| self.squares.binary_search(neighbour).ok()));
        }
        reach
    }

    /// The scene of a meeting between somebody in one square and somebody in the same or a neighbouring one.
    pub(super) fn scene(&self, own: usize, other: usize) -> Scene {
        if own == other {
            Scene::Square(self.squares[own])
        } else {
            Scene::Beside(self.squares[own], self.squares[other])
        }
    }

    pub(super) fn both_sure(&self, own: usize, other: usize) -> f32 {
        f32::from(self.confidence[own]) * f32::from(self.confidence[other]) / (255.0 * 255.0)
    }

    fn contact(&self, found: &[(PersonId, Meeting)]) -> Contact {
        let weights = &self.rules.contact.weight;
        let exposure = |meeting: &Meeting| {
            weight(weights, meeting.scene) * f64::from(meeting.confidence) * f64::from(meeting.span.count()) / 60.0
        };
        let meetings: Vec<Meeting> = found.iter().map(|(_, meeting)| *meeting).collect();
        Contact { person: found[0].0, exposure: meetings.iter().map(exposure).sum(), meetings }
    }
}
