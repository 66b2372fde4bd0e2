//! Rooms: dwellings, wards and vehicles, where being there at once is a contact however short.

use std::collections::BTreeSet;

use domain::TravelMode;
use serde::{Deserialize, Serialize};

use super::{PersonId, Scene, Seconds};
use crate::{FactId, PlaceId, RideRules, RideScope, Weights};

/// What people share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Room {
    /// A dwelling. The caller leaves out collective households, which are no dwelling together.
    Dwelling(PlaceId),
    /// A ward.
    Ward(PlaceId),
    /// A carriage of a train, or a cabin of a ship: run, and the caller's number of the carriage.
    Carriage(u32, u32),
    /// A vehicle in which rows count, such as an aircraft: the run.
    Rows(u32),
    /// A vehicle as a whole, such as a coach: the run.
    Vehicle(u32),
}

impl Room {
    pub(super) const fn scene(self) -> Scene {
        match self {
            Self::Dwelling(place) => Scene::Dwelling(place),
            Self::Ward(place) => Scene::Ward(place),
            Self::Carriage(run, _) | Self::Rows(run) | Self::Vehicle(run) => Scene::Vehicle(run),
        }
    }
}

/// The room of a journey: what the rules take for near. `None` when that is the carriage and it is not known: nobody can be
/// said to have shared it.
pub fn ride_room(rules: &RideRules, mode: TravelMode, run: u32, carriage: Option<u32>) -> Option<Room> {
    match rules.scope(mode) {
        RideScope::Carriage => carriage.map(|carriage| Room::Carriage(run, carriage)),
        RideScope::Rows => Some(Room::Rows(run)),
        RideScope::Vehicle => Some(Room::Vehicle(run)),
    }
}

/// The row of a seat (`07F`, `12`), if it begins with one.
pub fn seat_row(seat: &str) -> Option<u16> {
    let digits = seat.find(|c: char| !c.is_ascii_digit()).map_or(seat, |end| &seat[..end]);
    digits.parse().ok()
}

/// A person was in a room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Occupancy {
    /// Who.
    pub person: PersonId,
    /// Where.
    pub room: Room,
    /// Row of the seat, if it is known; it counts in [`Room::Rows`].
    pub row: Option<u16>,
    /// When.
    pub span: Seconds,
    /// How sure, from 0 to 1.
    pub confidence: f32,
    /// The fact that says so.
    pub fact: FactId,
}

/// All occupancies, by room and by person. What two facts say of one person is two of them.
#[derive(Debug)]
pub(super) struct Rooms {
    all: Vec<Occupancy>,
    facts: Vec<FactId>,
    by_person: Vec<u32>,
    people: usize,
}

impl Rooms {
    pub(super) fn build(mut all: Vec<Occupancy>) -> Self {
        all.retain(|one| one.span.count() > 0);
        // Stable, because most of a list that one person is put into is in order already.
        all.sort_by_key(|one| (one.room, one.person, one.span, one.row, one.fact));
        let mut by_person: Vec<u32> = (0..all.len() as u32).collect();
        by_person.sort_unstable_by_key(|index| (all[*index as usize].person, *index));
        let facts = all.iter().map(|one| one.fact).collect();
        let people = all.iter().map(|one| one.person.0 as usize + 1).max().unwrap_or(0);
        Self { all, facts, by_person, people }
    }

    /// The rooms after those of some persons changed to what is given here.
    pub(super) fn with(&self, persons: &BTreeSet<PersonId>, occupancies: &[Occupancy]) -> Self {
        let kept = self.all.iter().filter(|one| !persons.contains(&one.person));
        let added = occupancies.iter().filter(|one| persons.contains(&one.person));
        Self::build(kept.chain(added).copied().collect())
    }

    /// One more than the greatest number of a person.
    pub(super) const fn people(&self) -> usize {
        self.people
    }

    pub(super) fn facts(&self, occupancy: u32) -> &[FactId] {
        &self.facts[occupancy as usize..=occupancy as usize]
    }

    /// Calls for everybody else who was near in the person's rooms within a span: both occupancies by number, the other,
    /// the time in common and how sure it is.
    pub(super) fn near(
        &self,
        person: PersonId,
        within: Seconds,
        rows_each_side: u16,
        mut found: impl FnMut(u32, u32, &Occupancy, Seconds, f32),
    ) {
        let number = |index: &u32| self.all[*index as usize].person;
        let start = self.by_person.partition_point(|index| number(index) < person);
        for own in self.by_person[start..].iter().take_while(|index| number(index) == person) {
            let here = &self.all[*own as usize];
            let span = here.span.common(within);
            let first = self.all.partition_point(|one| one.room < here.room);
            for (index, one) in self.all.iter().enumerate().skip(first).take_while(|(_, one)| one.room == here.room) {
                let common = span.common(one.span);
                let near = rows_near(here, one, rows_each_side);
                if one.person != person && common.count() > 0 && near > 0.0 {
                    found(*own, index as u32, one, common, here.confidence * one.confidence * near);
                }
            }
        }
    }
}

/// Whether the rows of two people in one room are near: 1 when they are, a half when one is not known, else 0.
fn rows_near(one: &Occupancy, other: &Occupancy, rows_each_side: u16) -> f32 {
    match (one.room, one.row, other.row) {
        (Room::Rows(_), Some(row), Some(other)) => f32::from(row.abs_diff(other) <= rows_each_side),
        (Room::Rows(_), ..) => 0.5,
        _ => 1.0,
    }
}

/// How near a scene is.
pub(super) const fn weight(weights: &Weights, scene: Scene) -> f64 {
    match scene {
        Scene::Square(_) | Scene::Beside(..) => weights.square,
        Scene::Dwelling(_) => weights.dwelling,
        Scene::Ward(_) => weights.ward,
        Scene::Vehicle(_) => weights.vehicle,
    }
}
