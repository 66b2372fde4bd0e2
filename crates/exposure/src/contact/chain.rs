//! Sub-contacts: the contacts of contacts, of as many as there are, in one pass over the squares.
//!
//! Contacts of thousands of cases are much of a city, and a question for each would take as long as they are many. Here
//! each stay asks once whether anybody who carries was there for long enough: of the carriers' stays in the square that
//! began early enough, the one that ends last decides. One meeting is the evidence, not all.

use std::cmp::Reverse;

use rayon::prelude::*;
use serde::Serialize;

use super::index::{Index, shortest};
use super::{Crowd, Meeting, PersonId, Seconds};

/// A contact who may have passed on what they caught.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Carrier {
    /// Who.
    pub person: PersonId,
    /// From the first meeting with a case until they were apart from others.
    pub span: Seconds,
}

/// Somebody met a carrier.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Link {
    /// Who.
    pub person: PersonId,
    /// Whom they met.
    pub carrier: PersonId,
    /// One meeting of theirs: a long one, not always the longest.
    pub meeting: Meeting,
}

/// The contacts of carriers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SubContacts {
    /// Version of the rules.
    pub rules: String,
    /// Everybody who met a carrier and is none, in order of their numbers.
    pub links: Vec<Link>,
    /// Stays of carriers that met too many, in order.
    pub left_out: Vec<Crowd>,
}

/// A stay of a carrier: what of it counts, its entry, and its square.
#[derive(Clone, Copy)]
struct Carried {
    span: Seconds,
    entry: usize,
    square: usize,
}

impl Index {
    /// Everybody who met one of the carriers while they carried. Of a person given twice, the last span counts.
    pub fn sub_contacts(&self, carriers: &[Carrier]) -> SubContacts {
        let greatest =
            carriers.iter().map(|carrier| carrier.person.0).max().map_or(0, |greatest| greatest as usize + 1);
        let mut carrying: Vec<Option<Seconds>> = vec![None; greatest];
        for carrier in carriers {
            carrying[carrier.person.0 as usize] = Some(carrier.span);
        }
        let carries = |person: u32| carrying.get(person as usize).copied().flatten();
        let of_squares = (0..self.squares.len()).into_par_iter().map(|square| self.in_square(square, carries));
        let (links, left_out): (Vec<_>, Vec<_>) = of_squares.unzip();
        let mut links: Vec<Link> = links.into_iter().flatten().collect();
        let mut left_out: Vec<Crowd> = left_out.into_iter().flatten().collect();
        let rows = self.rules.contact.rows_each_side;
        for (person, span) in carrying.iter().enumerate().filter_map(|(person, span)| Some((person, (*span)?))) {
            let carrier = PersonId(person as u32);
            self.rooms.near(carrier, span, rows, |own, other, one, span, confidence| {
                let meeting = Meeting { scene: one.room.scene(), span, confidence, own, other };
                if carries(one.person.0).is_none() {
                    links.push(Link { person: one.person, carrier, meeting });
                }
            });
        }
        links.par_sort_unstable_by_key(|link| {
            let Meeting { scene, span, own, other, .. } = link.meeting;
            (link.person, Reverse(span.count()), link.carrier, span, scene, own, other)
        });
        links.dedup_by_key(|link| link.person);
        left_out.sort_unstable();
        left_out.dedup();
        SubContacts { rules: self.rules.version(), links, left_out }
    }

    fn in_square(&self, square: usize, carries: impl Fn(u32) -> Option<Seconds>) -> (Vec<Link>, Vec<Crowd>) {
        let shortest = shortest(&self.rules);
        let (mut carried, mut left_out) = (Vec::new(), Vec::new());
        for near in self.reach(square) {
            self.carried(near, square, &carries, &mut carried, &mut left_out);
        }
        if carried.is_empty() {
            return (Vec::new(), left_out);
        }
        carried.sort_unstable_by_key(|one| (one.span, one.entry));
        let latest = latest(&carried);
        let mut links = Vec::new();
        for entry in self.within(square).filter(|entry| carries(self.person[*entry]).is_none()) {
            let span = self.span(entry);
            let begun = carried.partition_point(|one| one.span.from < span.to - shortest);
            let Some(last) = begun.checked_sub(1).map(|index| carried[latest[index]]) else { continue };
            let common = span.common(last.span);
            if common.count() <= shortest {
                continue;
            }
            let meeting = Meeting {
                scene: self.scene(last.square, square),
                span: common,
                confidence: self.both_sure(last.entry, entry),
                own: last.entry as u32,
                other: entry as u32,
            };
            links.push(Link {
                person: PersonId(self.person[entry]),
                carrier: PersonId(self.person[last.entry]),
                meeting,
            });
        }
        (links, left_out)
    }

    /// What carriers' stays in `near` are to those in `square`: stays that meet too many of them are left out.
    fn carried(
        &self,
        near: usize,
        square: usize,
        carries: impl Fn(u32) -> Option<Seconds>,
        carried: &mut Vec<Carried>,
        left_out: &mut Vec<Crowd>,
    ) {
        for entry in self.within(near) {
            let Some(carrying) = carries(self.person[entry]) else { continue };
            let span = self.span(entry).common(carrying);
            if span.count() <= shortest(&self.rules) {
                continue;
            }
            let stays = self.crowd(square, span) - u32::from(near == square);
            if stays > self.rules.contact.crowd_max {
                let person = PersonId(self.person[entry]);
                left_out.push(Crowd { person, square: self.squares[square], span, stays });
            } else {
                carried.push(Carried { span, entry, square: near });
            }
        }
    }
}

/// Of each beginning of the list, the stay that ends last.
fn latest(carried: &[Carried]) -> Vec<usize> {
    let mut last = 0;
    let index = |index: usize| {
        if carried[index].span.to > carried[last].span.to {
            last = index;
        }
        last
    };
    (0..carried.len()).map(index).collect()
}
