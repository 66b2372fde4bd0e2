//! The book of standing orders: everything that was decided on a pair, and which decision counts.
//!
//! Invariant: the book is a function of the set of events, whatever their order. A decision stands under its version; a
//! retraction takes back the decision of its version and no other. Of those that were not taken back the highest version
//! counts, so an undo leaves the pair as if the decision had never been made: the one before counts again.
//!
//! Not here: which orders are in force (`linkage`); here is only kept what linkage said.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use domain::{DecisionReason, EventId, LinkDecided, Meta, Op, RecordId, TokenKey, Verdict};
use linkage::{Change, Order, OrderState, Pair};
use rustc_hash::FxHashMap;
use store::views::{OrderRow, Standing};

use crate::item::clean;

/// All decisions, by their ids and versions.
#[derive(Debug)]
pub(crate) struct OrderBook {
    key: TokenKey,
    pairs: FxHashMap<RecordId, Versions>,
}

/// A decision that was made or taken back just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ruling {
    /// The event.
    pub(crate) event: EventId,
    /// The records.
    pub(crate) pair: Pair,
}

/// What was decided on one pair.
type Versions = BTreeMap<i64, OrderRow>;

/// What decides between two events of one version on one pair: who takes back, then, so that two reviewers who decide at
/// once are read alike by everybody, who keeps apart, then who came first.
fn precedence(row: &OrderRow) -> impl Ord {
    let is_ended = row.standing == Standing::Ended;
    let note = row.note.as_ref().map(|note| note.expose().clone());
    (is_ended, row.verdict, Reverse(row.decided), row.reason, row.reviewer.clone(), note, row.event_id)
}

/// The decision that counts; `None` when all were taken back.
fn counting(versions: &Versions) -> Option<&OrderRow> {
    versions.values().rev().find(|row| row.standing != Standing::Ended)
}

impl OrderBook {
    pub(crate) fn new(key: TokenKey, rows: Vec<OrderRow>) -> Self {
        let mut pairs: FxHashMap<RecordId, Versions> = FxHashMap::default();
        for row in rows {
            pairs.entry(row.decision_id).or_default().insert(row.version, row);
        }
        Self { key, pairs }
    }

    /// The id of decisions on a pair, and of tasks about it.
    pub(crate) fn id_of(&self, pair: Pair) -> RecordId {
        self.key.record_id(LinkDecided::SOURCE, &LinkDecided::source_record_id(pair.0, pair.1))
    }

    /// Takes in a decision or the undo of one; gives its id when it is news.
    pub(crate) fn take_in(&mut self, meta: &Meta, body: LinkDecided) -> Option<(RecordId, Ruling)> {
        let (record_a, record_b) = (body.record_a.min(body.record_b), body.record_a.max(body.record_b));
        let decision_id = self.id_of((record_a, record_b));
        let row = OrderRow {
            decision_id,
            record_a,
            record_b,
            version: meta.source_record_version,
            event_id: meta.event_id,
            verdict: body.verdict,
            reason: body.reason,
            note: body.note.map(|note| clean(note.expose()).into()),
            reviewer: clean(&body.reviewer),
            decided: meta.event_time,
            standing: if meta.op == Op::Retract { Standing::Ended } else { Standing::Resting },
            against: Vec::new(),
        };
        let versions = self.pairs.entry(decision_id).or_default();
        if versions.get(&row.version).is_some_and(|known| precedence(known) >= precedence(&row)) {
            return None;
        }
        versions.insert(row.version, row);
        Some((decision_id, Ruling { event: meta.event_id, pair: (record_a, record_b) }))
    }

    /// What linkage must hear about these decisions.
    pub(crate) fn changes(&self, decisions: &BTreeMap<RecordId, Ruling>) -> Vec<Change> {
        decisions.keys().filter_map(|decision| self.pairs.get(decision)).filter_map(change).collect()
    }

    /// What linkage must hear about all decisions when it begins.
    pub(crate) fn standing(&self) -> impl Iterator<Item = Change> {
        self.pairs.values().filter_map(counting).map(order).map(Change::Order)
    }

    /// Notes what linkage says of orders; gives every row that is another than before, among them those just decided.
    pub(crate) fn settle<'a>(
        &mut self,
        decided: &BTreeMap<RecordId, Ruling>,
        changed: &[(Pair, OrderState)],
        state_of: impl Fn(Pair) -> Option<&'a OrderState>,
    ) -> Vec<OrderRow> {
        let mut decided: BTreeSet<RecordId> = decided.keys().copied().collect();
        decided.extend(changed.iter().map(|(pair, _)| self.id_of(*pair)));
        let mut rows = Vec::with_capacity(decided.len());
        for decision in decided {
            let Some(row) = self.pairs.get(&decision).and_then(counting) else {
                rows.extend(self.pairs.get(&decision).into_iter().flat_map(Versions::values).cloned());
                continue;
            };
            let counts = row.version;
            let (standing, against) = match state_of((row.record_a, row.record_b)) {
                None | Some(OrderState::Resting) => (Standing::Resting, Vec::new()),
                Some(OrderState::InForce) => (Standing::InForce, Vec::new()),
                Some(OrderState::SetAside { against }) => {
                    (Standing::SetAside, against.iter().map(|pair| self.id_of(*pair)).collect())
                }
            };
            for row in self.pairs.get_mut(&decision).into_iter().flat_map(Versions::values_mut) {
                match row.standing {
                    Standing::Ended => {}
                    _ if row.version == counts => (row.standing, row.against) = (standing, against.clone()),
                    _ => (row.standing, row.against) = (Standing::Replaced, Vec::new()),
                }
                rows.push(row.clone());
            }
        }
        rows
    }
}

fn change(versions: &Versions) -> Option<Change> {
    let row = versions.values().next()?;
    let ended = Change::OrderEnded(row.record_a, row.record_b);
    Some(counting(versions).map_or(ended, |row| Change::Order(order(row))))
}

fn order(row: &OrderRow) -> Order {
    let informed = row.verdict == Verdict::Same && row.reason == DecisionReason::NumberWrong;
    Order::new(row.record_a, row.record_b, row.verdict, row.decided, informed)
}

/// The order that linkage obeys because of a decision; `None` when it was taken back or another on its pair counts.
pub fn standing_order(row: &OrderRow) -> Option<Order> {
    (!matches!(row.standing, Standing::Ended | Standing::Replaced)).then(|| order(row))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_support::build::{NOON, meta_at, record_id, token_key};

    use super::*;

    /// Decisions of two reviewers who do not wait for each other.
    fn decision(version: i64, op: Op, verdict: Verdict, reviewer: u8, delay: i64) -> (Meta, LinkDecided) {
        let (record_a, record_b) = (record_id("register", "a"), record_id("register", "b"));
        let meta = Meta { op, ..meta_at(LinkDecided::SOURCE, "a.b", version, NOON.plus_millis(delay)) };
        let reviewer = format!("reviewer-{reviewer}");
        (meta, LinkDecided { record_a, record_b, verdict, reason: DecisionReason::Other, note: None, reviewer })
    }

    proptest! {
        #[test]
        fn neither_order_nor_repetition_of_decisions_matters(
            given in prop::collection::vec((0..3_i64, any::<bool>(), any::<bool>(), 0..2_u8, 0..3_i64), 1..12),
            turn in 0..12_usize,
        ) {
            let events: Vec<_> = given.iter().map(|(version, retracts, same, reviewer, delay)| {
                let op = if *retracts { Op::Retract } else { Op::Upsert };
                let verdict = if *same { Verdict::Same } else { Verdict::Different };
                decision(*version, op, verdict, *reviewer, *delay)
            }).collect();
            let book = |events: Vec<&(Meta, LinkDecided)>| {
                let mut book = OrderBook::new(token_key(), Vec::new());
                for (meta, body) in events {
                    book.take_in(meta, body.clone());
                }
                book.pairs
            };
            let turned = events.iter().rev().cycle().skip(turn).take(2 * events.len()).collect();
            prop_assert_eq!(book(turned), book(events.iter().collect()));
        }

        #[test]
        fn a_decision_that_was_undone_counts_as_if_it_had_never_been_made(
            given in prop::collection::vec((0..6_i64, any::<bool>(), any::<bool>()), 1..12),
            undone in 0..6_i64,
            turn in 0..12_usize,
        ) {
            let event = |(version, retracts, same): &(i64, bool, bool)| {
                let op = if *retracts { Op::Retract } else { Op::Upsert };
                decision(*version, op, if *same { Verdict::Same } else { Verdict::Different }, 0, *version)
            };
            let heard = |events: Vec<(Meta, LinkDecided)>| {
                let mut book = OrderBook::new(token_key(), Vec::new());
                for (meta, body) in events {
                    book.take_in(&meta, body);
                }
                let pairs: Vec<Change> = book.standing().collect();
                pairs
            };
            let never: Vec<_> = given.iter().filter(|(version, ..)| *version != undone).map(event).collect();
            let mut events: Vec<_> = given.iter().map(event).collect();
            events.push(decision(undone, Op::Retract, Verdict::Same, 1, 9));
            let turn = turn % events.len();
            events.rotate_left(turn);
            prop_assert_eq!(heard(events), heard(never));
        }
    }
}
