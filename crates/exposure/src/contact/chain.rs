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
    entry: u32,
    square: u32,
}

/// The carriers that have entries in each square: pairs of square and person, in order.
struct CarriersBySquare(Vec<(u32, u32)>);

impl CarriersBySquare {
    fn in_square(&self, square: u32) -> impl Iterator<Item = u32> {
        let start = self.0.partition_point(|(other, _)| *other < square);
        self.0[start..].iter().take_while(move |(other, _)| *other == square).map(|(_, person)| *person)
    }
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
        let squares = |person: PersonId| self.squares_of(person).iter().map(move |square| (*square, person.0));
        let mut at: Vec<(u32, u32)> = carriers.iter().flat_map(|carrier| squares(carrier.person)).collect();
        at.par_sort_unstable();
        at.dedup();
        // Only where a carrier was, or beside it, does anybody meet one. Who is beside is as mutual as squares are near.
        let mut near: Vec<u32> = at.chunk_by(|one, next| one.0 == next.0).flat_map(|at| self.reach(at[0].0)).collect();
        near.sort_unstable();
        near.dedup();
        let at = CarriersBySquare(at);
        let of_squares = near.par_iter().map(|square| self.in_square(*square, &at, carries));
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

    fn in_square(
        &self,
        square: u32,
        at: &CarriersBySquare,
        carries: impl Fn(u32) -> Option<Seconds>,
    ) -> (Vec<Link>, Vec<Crowd>) {
        let (shelf, shortest) = (self.shelf(square), shortest(&self.rules));
        let (mut carried, mut left_out) = (Vec::new(), Vec::new());
        for near in self.reach(square) {
            for person in at.in_square(near) {
                let span = carries(person).map(|span| (person, span));
                self.carried(near, square, span, &mut carried, &mut left_out);
            }
        }
        if carried.is_empty() {
            return (Vec::new(), left_out);
        }
        carried.sort_unstable_by_key(|one| (one.span, self.shelf(one.square).square, one.entry));
        let latest = latest(&carried);
        let mut links = Vec::new();
        for (entry, person) in (0..).zip(&shelf.person).filter(|(_, person)| carries(**person).is_none()) {
            let span = shelf.span(entry);
            let begun = carried.partition_point(|one| one.span.from < span.to - shortest);
            let Some(last) = begun.checked_sub(1).map(|index| carried[latest[index]]) else { continue };
            let common = span.common(last.span);
            if common.count() <= shortest {
                continue;
            }
            let meeting = Meeting {
                scene: self.scene(last.square, square),
                span: common,
                confidence: self.both_sure((last.square, last.entry), (square, entry)),
                own: last.entry,
                other: entry,
            };
            let carrier = PersonId(self.shelf(last.square).person[last.entry as usize]);
            links.push(Link { person: PersonId(*person), carrier, meeting });
        }
        (links, left_out)
    }

    /// What a carrier's stays in `near` are to those in `square`: stays that meet too many of them are left out.
    fn carried(
        &self,
        near: u32,
        square: u32,
        carrier: Option<(u32, Seconds)>,
        carried: &mut Vec<Carried>,
        left_out: &mut Vec<Crowd>,
    ) {
        let Some((person, carrying)) = carrier else { return };
        let (there, here, shortest) = (self.shelf(near), self.shelf(square), shortest(&self.rules));
        for entry in there.entries_of(person) {
            let span = there.span(*entry).common(carrying);
            if span.count() <= shortest {
                continue;
            }
            let stays = here.crowd(span, shortest) - u32::from(near == square);
            if stays > self.rules.contact.crowd_max {
                left_out.push(Crowd { person: PersonId(person), square: here.square, span, stays });
            } else {
                carried.push(Carried { span, entry: *entry, square: near });
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
