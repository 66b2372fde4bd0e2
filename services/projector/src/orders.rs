//! The book of standing orders: per pair of records the decision that counts, whatever the order of events.
//!
//! Not here: which orders are in force (`linkage`); here is only kept what linkage said.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use domain::{DecisionReason, LinkDecided, Meta, Op, RecordId, TokenKey, Verdict};
use linkage::{Change, Order, OrderState, Pair};
use rustc_hash::FxHashMap;
use store::views::{OrderRow, Standing};

use crate::item::clean;

/// All decisions that count, by their ids.
#[derive(Debug)]
pub(crate) struct OrderBook {
    key: TokenKey,
    rows: FxHashMap<RecordId, OrderRow>,
}

/// What decides between two events on one pair. The version is the reviewers' doing; the rest only makes sure that two
/// reviewers who decide at once are read alike by everybody: who takes back, then who keeps apart, then who came first.
fn precedence(row: &OrderRow) -> impl Ord {
    let is_ended = row.standing == Standing::Ended;
    let note = row.note.as_ref().map(|note| note.expose().clone());
    (row.version, is_ended, row.verdict, Reverse(row.decided), row.reason, row.reviewer.clone(), note, row.event_id)
}

impl OrderBook {
    pub(crate) fn new(key: TokenKey, rows: Vec<OrderRow>) -> Self {
        Self { key, rows: rows.into_iter().map(|row| (row.decision_id, row)).collect() }
    }

    /// The id of decisions on a pair, and of tasks about it.
    pub(crate) fn id_of(&self, pair: Pair) -> RecordId {
        self.key.record_id(LinkDecided::SOURCE, &LinkDecided::source_record_id(pair.0, pair.1))
    }

    /// Takes in a decision; gives its id when it counts.
    pub(crate) fn take_in(&mut self, meta: &Meta, body: LinkDecided) -> Option<RecordId> {
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
        if self.rows.get(&decision_id).is_some_and(|known| precedence(known) >= precedence(&row)) {
            return None;
        }
        self.rows.insert(decision_id, row);
        Some(decision_id)
    }

    /// What linkage must hear about these decisions.
    pub(crate) fn changes(&self, decisions: &BTreeSet<RecordId>) -> Vec<Change> {
        decisions.iter().filter_map(|decision| self.rows.get(decision)).map(change).collect()
    }

    /// What linkage must hear about all decisions when it begins.
    pub(crate) fn standing(&self) -> impl Iterator<Item = Change> {
        self.rows.values().filter(|row| row.standing != Standing::Ended).map(change)
    }

    /// Notes what linkage says of orders; gives every row that is another than before, among them those just decided.
    pub(crate) fn settle<'a>(
        &mut self,
        mut decided: BTreeSet<RecordId>,
        changed: &[(Pair, OrderState)],
        state_of: impl Fn(Pair) -> Option<&'a OrderState>,
    ) -> Vec<OrderRow> {
        decided.extend(changed.iter().map(|(pair, _)| self.id_of(*pair)));
        let mut rows = Vec::with_capacity(decided.len());
        for decision in decided {
            let Some(row) = self.rows.get(&decision) else { continue };
            let (standing, against) = match state_of((row.record_a, row.record_b)) {
                _ if row.standing == Standing::Ended => (Standing::Ended, Vec::new()),
                None | Some(OrderState::Resting) => (Standing::Resting, Vec::new()),
                Some(OrderState::InForce) => (Standing::InForce, Vec::new()),
                Some(OrderState::SetAside { against }) => {
                    (Standing::SetAside, against.iter().map(|pair| self.id_of(*pair)).collect())
                }
            };
            if let Some(row) = self.rows.get_mut(&decision) {
                (row.standing, row.against) = (standing, against);
                rows.push(row.clone());
            }
        }
        rows
    }
}

fn change(row: &OrderRow) -> Change {
    standing_order(row).map_or(Change::OrderEnded(row.record_a, row.record_b), Change::Order)
}

/// The order that linkage obeys because of a decision; `None` once it is taken back.
pub fn standing_order(row: &OrderRow) -> Option<Order> {
    let informed = row.verdict == Verdict::Same && row.reason == DecisionReason::NumberWrong;
    let order = || Order::new(row.record_a, row.record_b, row.verdict, row.decided, informed);
    (row.standing != Standing::Ended).then(order)
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
                book.rows
            };
            let turned = events.iter().rev().cycle().skip(turn).take(2 * events.len()).collect();
            prop_assert_eq!(book(turned), book(events.iter().collect()));
        }
    }
}
