//! Where everybody was at an instant, as an index in memory, with what resolves its numbers. Nothing in it changes: when
//! facts change, another one takes its place and shares with it what is the same.

use std::collections::{BTreeSet, HashMap};
use std::iter::Sum;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use domain::{EventId, PersonId, Timestamp};
use exposure::{FactId, Index, PlaceId, Span};
use serde::Serialize;
use store::views::Checkpoint;
use utoipa::ToSchema;

/// So many numbers may be given out again, however few there were at first.
const NUMBERS_SPARE: u32 = 10_000_000;
/// So many pieces of evidence are kept apart; then they become one, but for the first, which is large.
const LAYERS_MAX: usize = 32;

/// Where everybody was.
#[derive(Clone)]
pub(crate) struct City {
    pub(crate) index: Arc<Index>,
    /// Before this instant nothing is known here.
    pub(crate) since: Timestamp,
    /// When it was read, or last seen to be current.
    pub(super) looked_at: Arc<AtomicI64>,
    pub(crate) uncounted: Uncounted,
    pub(super) checkpoint: Checkpoint,
    pub(super) names: Arc<Names>,
    pub(super) evidence: Evidence,
}

/// What of everybody's whereabouts makes no contacts. Where it is much, contacts are missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Uncounted {
    /// Presences of whoever that count for nobody, because it is not known whose the phone was.
    pub unattributed: usize,
    /// Presences of whoever in places of which no register states the position.
    pub unplaced: usize,
    /// Stays of whoever that are too unsure to count in any square (`contact.confidence_min` of the rules).
    pub unsure: usize,
    /// Rides of whoever that can be compared with none, because the carriage is not stated.
    pub uncompared_rides: usize,
}

impl Sum for Uncounted {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            unattributed: sum.unattributed + one.unattributed,
            unplaced: sum.unplaced + one.unplaced,
            unsure: sum.unsure + one.unsure,
            uncompared_rides: sum.uncompared_rides + one.uncompared_rides,
        })
    }
}

/// What numbers stand for. A number once given stays.
#[derive(Clone, Default)]
pub(super) struct Names {
    pub(super) persons: Vec<PersonId>,
    pub(super) by_person: HashMap<PersonId, u32>,
    /// Ids of dwellings and wards, by number.
    pub(super) rooms: Vec<Arc<str>>,
    pub(super) runs: Vec<Arc<str>>,
}

impl City {
    /// When it was read, or last seen to be current.
    pub(crate) fn known_at(&self) -> Timestamp {
        Timestamp::from_millis(self.looked_at.load(Ordering::Relaxed))
    }

    /// Nothing had changed by an instant.
    pub(super) fn is_current(&self, at: Timestamp) {
        self.looked_at.fetch_max(at.as_millis(), Ordering::Relaxed);
    }

    /// Whether all that happened within a stretch is kept.
    pub(crate) fn keeps(&self, stretch: Span) -> bool {
        self.since <= stretch.from
    }

    /// The number of a person; `None` when nothing is known of where they were.
    pub(crate) fn number(&self, person: PersonId) -> Option<exposure::PersonId> {
        self.names.by_person.get(&person).copied().map(exposure::PersonId)
    }

    /// The person of a number.
    pub(crate) fn person(&self, number: exposure::PersonId) -> PersonId {
        self.names.persons[number.0 as usize]
    }

    /// The hub's id of a dwelling or ward.
    pub(crate) fn room(&self, number: PlaceId) -> &str {
        &self.names.rooms[number.0 as usize]
    }

    /// The run of a vehicle.
    pub(crate) fn run(&self, number: u32) -> &str {
        &self.names.runs[number as usize]
    }

    /// The events that facts stand for, each once.
    pub(crate) fn events(&self, facts: &[FactId]) -> Vec<EventId> {
        let events: BTreeSet<EventId> = facts.iter().flat_map(|fact| self.evidence.of(*fact)).copied().collect();
        events.into_iter().collect()
    }
}

/// The events behind each number of a fact, in the order in which they were read; those of a stay are one number.
#[derive(Clone, Default)]
pub(super) struct Evidence(Vec<Arc<Layer>>);

/// The events of consecutive numbers.
#[derive(Clone, Default)]
pub(super) struct Layer {
    first: u32,
    ends: Vec<u32>,
    events: Vec<EventId>,
}

impl Layer {
    /// Gives a number to some events.
    pub(super) fn put(&mut self, events: impl IntoIterator<Item = EventId>) -> FactId {
        self.events.extend(events);
        self.ends.push(self.events.len() as u32);
        FactId(self.next() - 1)
    }

    fn next(&self) -> u32 {
        self.first + self.ends.len() as u32
    }

    fn of(&self, fact: FactId) -> &[EventId] {
        let number = (fact.0 - self.first) as usize;
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.events[start..self.ends[number] as usize]
    }
}

impl Evidence {
    /// Whether more numbers were given out since everything was read than then, and many.
    pub(super) fn is_bloated(&self) -> bool {
        let first = self.0.first().map_or(0, |layer| layer.next());
        self.0.last().is_some_and(|last| last.next() - first > first.max(NUMBERS_SPARE))
    }

    fn of(&self, fact: FactId) -> &[EventId] {
        let layer = self.0.partition_point(|layer| layer.first <= fact.0);
        layer.checked_sub(1).map_or(&[], |layer| self.0[layer].of(fact))
    }

    /// Adds a layer, and makes an empty one of it, which goes on where it ended.
    pub(super) fn add(&mut self, layer: &mut Layer) {
        let next = Layer { first: layer.next(), ..Layer::default() };
        self.0.push(Arc::new(std::mem::replace(layer, next)));
        if self.0.len() > LAYERS_MAX {
            let small = self.0.split_off(1);
            let mut one = Layer { first: small[0].first, ..Layer::default() };
            for layer in small {
                for number in layer.first..layer.next() {
                    one.put(layer.of(FactId(number)).iter().copied());
                }
            }
            self.0.push(Arc::new(one));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evidence_is_the_same_however_many_layers_it_came_in() {
        let event = |number: u32| EventId::from_uuid(uuid::Uuid::from_u128(u128::from(number)));
        let (mut evidence, mut layer) = (Evidence::default(), Layer::default());
        let mut expected = Vec::new();
        for number in 0..200_u32 {
            let events: Vec<EventId> = (0..number % 3).map(|n| event(number * 10 + n)).collect();
            assert_eq!(layer.put(events.clone()), FactId(number));
            expected.push(events);
            if number % 2 == 0 {
                evidence.add(&mut layer);
            }
        }
        evidence.add(&mut layer);
        assert!(evidence.0.len() <= LAYERS_MAX + 1);
        for (number, events) in (0..).zip(&expected) {
            assert_eq!(evidence.of(FactId(number)), events);
        }
    }
}
