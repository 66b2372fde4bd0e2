//! What a new reading says otherwise than the readings before it, and the events that make the difference. Pure.

use std::collections::BTreeMap;

use domain::{Edition, Event, EventType, Op, RecordId};
use rustc_hash::FxHashMap;
use uuid::Uuid;

/// What an event speaks about: a record, and the kind of statement.
pub(crate) type Slot = (RecordId, EventType);

/// What an event speaks about; a retraction of identity is about the statement that it takes back.
pub(crate) fn slot(event: &Event) -> Slot {
    let kind = match event.event_type() {
        EventType::IdentityRetracted => EventType::IdentityObserved,
        kind => kind,
    };
    (event.meta.record_id, kind)
}

/// What was said of a slot in one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) reading: i32,
    pub(crate) content: Uuid,
    pub(crate) op: Op,
    /// A row of the feed said it, not of another feed of its source.
    pub(crate) own: bool,
}

/// Everything that was said, by slot and version; of several readings the last.
#[derive(Default)]
pub(crate) struct Sayings(FxHashMap<Slot, BTreeMap<i64, Said>>);

impl Sayings {
    /// Notes an event; a later reading replaces an earlier one.
    pub(crate) fn note(&mut self, event: &Event, content: Uuid, own: bool) {
        let said = Said { reading: event.meta.reading, content, op: event.meta.op, own };
        let versions = self.0.entry(slot(event)).or_default();
        let known = versions.entry(event.meta.source_record_version).or_insert(said);
        if said.reading >= known.reading {
            *known = said;
        }
    }

    fn get(&self, slot: &Slot, version: i64) -> Option<&Said> {
        self.0.get(slot)?.get(&version)
    }
}

/// Events to publish.
#[derive(Default)]
pub(crate) struct Plan {
    /// Statements of the new reading: slot and version, and the reading with which they are published.
    pub(crate) states: FxHashMap<(Slot, i64), i32>,
    /// The same for statements that stand again, because the one above them is gone: they are published in its edition.
    pub(crate) restates: FxHashMap<(Slot, i64), Edition>,
    /// Statements that nothing is left of: slot and version, and the reading of the retraction.
    pub(crate) retracts: FxHashMap<(Slot, i64), i32>,
    /// Statements that say something else.
    pub(crate) changed: u64,
    /// Statements that were not there.
    pub(crate) appeared: u64,
    /// Statements that are not there any more.
    pub(crate) vanished: u64,
}

/// What turns the old sayings into the new ones. `is_known` tells of a version whether it was published although the log
/// has forgotten it.
pub(crate) fn plan(old: &Sayings, new: &Sayings, is_known: impl Fn(RecordId, i64) -> bool) -> Plan {
    let mut plan = Plan::default();
    for (slot, versions) in &new.0 {
        for (version, said) in versions {
            match old.get(slot, *version) {
                Some(was) if (was.content, was.op) == (said.content, said.op) => {}
                Some(was) => {
                    plan.changed += 1;
                    plan.states.insert((*slot, *version), was.reading + 1);
                }
                None if old.0.get(slot).is_none_or(BTreeMap::is_empty) && is_known(slot.0, *version) => {}
                None => {
                    plan.appeared += 1;
                    plan.states.insert((*slot, *version), 0);
                }
            }
        }
    }
    for (slot, versions) in &old.0 {
        let now = new.0.get(slot);
        let is_gone = |version: &i64| now.is_none_or(|now| !now.contains_key(version));
        let top_now = now.and_then(|now| now.last_key_value());
        let Some((version, was)) = versions.iter().rev().find(|(version, was)| was.own && is_gone(version)) else {
            continue;
        };
        if top_now.is_some_and(|(top, _)| top > version) {
            continue;
        }
        match top_now {
            None if was.op == Op::Retract => {}
            None => {
                plan.vanished += 1;
                plan.retracts.insert((*slot, *version), was.reading + 1);
            }
            Some((_, said)) if (said.content, said.op) == (was.content, was.op) => {}
            Some((top, _)) => {
                plan.vanished += 1;
                plan.restates.insert((*slot, *top), Edition { version: *version, reading: was.reading + 1 });
            }
        }
    }
    plan
}
