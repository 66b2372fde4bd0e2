//! Standing orders of reviewers: which of them are in force.
//!
//! Invariant: what is in force is a function of the orders given and of the records present, never of arrival. An
//! order rests while one of its records is absent. Of orders that contradict each other, over however long a chain,
//! the newest is honoured and the older one set aside, with the orders that it contradicts.
//!
//! Orders are few beside records: only those that hang together with a change are looked at anew.

use std::cmp::Reverse;

use domain::{RecordId, Timestamp, Verdict};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

use crate::StandingOrder;

/// Two records, the smaller id first.
pub type Pair = (RecordId, RecordId);

/// A reviewer's standing order about two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    pair: Pair,
    /// Whether both are of one person.
    pub verdict: Verdict,
    /// When it was decided: of orders that contradict each other the newest is honoured.
    pub decided: Timestamp,
    /// The reviewer knew that the records hold different values of an exclusive number.
    pub informed: bool,
}

/// What has become of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum OrderState {
    /// It is obeyed.
    InForce,
    /// One of its records is absent.
    Resting,
    /// Newer orders say otherwise.
    SetAside {
        /// The pairs of the orders that together say otherwise, in order.
        against: Vec<Pair>,
    },
}

impl OrderState {
    /// The code that columns and answers use.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InForce => "in-force",
            Self::Resting => "resting",
            Self::SetAside { .. } => "set-aside",
        }
    }
}

impl Order {
    /// An order about two records, whichever way round.
    pub fn new(one: RecordId, other: RecordId, verdict: Verdict, decided: Timestamp, informed: bool) -> Self {
        Self { pair: ordered(one, other), verdict, decided, informed }
    }

    /// The records, the smaller id first.
    pub const fn pair(&self) -> Pair {
        self.pair
    }

    /// The order, as an explanation tells it.
    pub(crate) fn is_now(&self, state: &OrderState) -> StandingOrder {
        StandingOrder { verdict: self.verdict, state: state.clone() }
    }

    fn age(&self) -> (Timestamp, Pair) {
        (self.decided, self.pair)
    }
}

/// The smaller id first.
pub(crate) fn ordered(one: RecordId, other: RecordId) -> Pair {
    (one.min(other), one.max(other))
}

/// Every order given, with its state.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    given: FxHashMap<Pair, Given>,
    /// The other records that a record has orders with.
    partners: FxHashMap<RecordId, Vec<RecordId>>,
    /// Records that came or went, or whose orders changed, since the last [`Orders::settle`].
    dirty: FxHashSet<RecordId>,
    ended: Vec<Pair>,
}

#[derive(Debug)]
struct Given {
    order: Order,
    /// `None` until it is settled.
    state: Option<OrderState>,
}

/// What a settlement changed.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    /// Records of orders that are new, ended, or in another state.
    pub(crate) records: Vec<RecordId>,
    /// Orders in another state than before, in order of pairs.
    pub(crate) states: Vec<(Pair, OrderState)>,
}

impl Orders {
    pub(crate) fn is_empty(&self) -> bool {
        self.given.is_empty()
    }

    /// Takes in an order, in place of any other about its pair. No record is of another person than itself.
    pub(crate) fn put(&mut self, order: Order) {
        let (a, b) = order.pair;
        if a == b {
            return;
        }
        self.dirty.extend([a, b]);
        match self.given.get_mut(&order.pair) {
            Some(given) => {
                let facts = |order: &Order| (order.verdict, order.informed, order.decided);
                if facts(&given.order) != facts(&order) {
                    // The age counts, too: the oldest orders are not those that brought different numbers together.
                    given.state = None;
                }
                given.order = order;
            }
            None => {
                self.given.insert(order.pair, Given { order, state: None });
                self.partners.entry(a).or_default().push(b);
                self.partners.entry(b).or_default().push(a);
            }
        }
    }

    /// Takes an order back.
    pub(crate) fn remove(&mut self, one: RecordId, other: RecordId) {
        let pair = ordered(one, other);
        if self.given.remove(&pair).is_none() {
            return;
        }
        for (record, partner) in [pair, (pair.1, pair.0)] {
            if let Some(partners) = self.partners.get_mut(&record) {
                partners.retain(|known| *known != partner);
                if partners.is_empty() {
                    self.partners.remove(&record);
                }
            }
        }
        self.dirty.extend([pair.0, pair.1]);
        self.ended.push(pair);
    }

    /// Notes that a record came or went.
    pub(crate) fn note(&mut self, record: RecordId) {
        if self.partners.contains_key(&record) {
            self.dirty.insert(record);
        }
    }

    pub(crate) fn is_given(&self, one: RecordId, other: RecordId) -> bool {
        self.given.contains_key(&ordered(one, other))
    }

    /// An order and its state.
    pub(crate) fn get(&self, pair: Pair) -> Option<(&Order, &OrderState)> {
        let given = self.given.get(&pair)?;
        Some((&given.order, given.state.as_ref()?))
    }

    /// Every order with its state, in order of pairs.
    pub(crate) fn all(&self) -> Vec<(Pair, OrderState)> {
        let state = |(pair, given): (&Pair, &Given)| Some((*pair, given.state.clone()?));
        let mut all: Vec<_> = self.given.iter().filter_map(state).collect();
        all.sort_unstable_by_key(|(pair, _)| *pair);
        all
    }

    /// The pairs of the orders about a record.
    pub(crate) fn of(&self, record: RecordId) -> impl Iterator<Item = Pair> {
        self.partners.get(&record).into_iter().flatten().map(move |other| ordered(record, *other))
    }

    /// The records that orders in force give this verdict on, together with this one.
    pub(crate) fn obeyed(&self, record: RecordId, verdict: Verdict) -> impl Iterator<Item = RecordId> {
        self.partners.get(&record).into_iter().flatten().copied().filter(move |other| {
            self.given
                .get(&ordered(record, *other))
                .is_some_and(|given| given.order.verdict == verdict && given.state == Some(OrderState::InForce))
        })
    }

    /// Decides anew which orders are in force, where something changed.
    pub(crate) fn settle(&mut self, is_present: impl Fn(RecordId) -> bool) -> Settled {
        let mut settled = Settled::default();
        settled.records.extend(self.ended.drain(..).flat_map(|(a, b)| [a, b]));
        let mut seeds: Vec<RecordId> = Vec::new();
        for record in std::mem::take(&mut self.dirty) {
            if is_present(record) {
                seeds.push(record);
            } else {
                // What it held together may fall apart.
                seeds.extend(self.partners.get(&record).into_iter().flatten().filter(|other| is_present(**other)));
                for pair in self.of(record).collect::<Vec<_>>() {
                    self.change(pair, OrderState::Resting, &mut settled);
                }
            }
        }
        let mut seen: FxHashSet<RecordId> = FxHashSet::default();
        for seed in seeds {
            if !seen.insert(seed) {
                continue;
            }
            let mut records = vec![seed];
            let mut next = 0;
            while next < records.len() {
                let partners = self.partners.get(&records[next]).into_iter().flatten();
                records.extend(partners.filter(|other| is_present(**other) && seen.insert(**other)));
                next += 1;
            }
            for (pair, state) in self.resolve(&records) {
                self.change(pair, state, &mut settled);
            }
        }
        settled.states.sort_unstable_by_key(|(pair, _)| *pair);
        settled
    }

    fn change(&mut self, pair: Pair, state: OrderState, settled: &mut Settled) {
        let Some(given) = self.given.get_mut(&pair) else { return };
        if given.state.as_ref() != Some(&state) {
            given.state = Some(state.clone());
            settled.states.push((pair, state));
            settled.records.extend([pair.0, pair.1]);
        }
    }

    /// The states of the orders among records that hang together: the newest first, each unless it contradicts those
    /// before it.
    fn resolve(&self, records: &[RecordId]) -> Vec<(Pair, OrderState)> {
        let place: FxHashMap<RecordId, usize> = records.iter().enumerate().map(|(n, record)| (*record, n)).collect();
        let mut orders: Vec<&Order> = records
            .iter()
            .flat_map(|record| self.of(*record).filter(move |pair| pair.0 == *record))
            .filter(|pair| place.contains_key(&pair.1))
            .filter_map(|pair| self.given.get(&pair).map(|given| &given.order))
            .collect();
        orders.sort_unstable_by_key(|order| Reverse(order.age()));
        let mut groups = Groups::new(records.len());
        let mut apart: Vec<(usize, usize)> = Vec::new();
        let pairs = |path: Vec<(usize, usize)>| {
            let mut pairs: Vec<Pair> = path.into_iter().map(|(a, b)| ordered(records[a], records[b])).collect();
            pairs.sort_unstable();
            pairs
        };
        let state = |order: &Order| {
            let (a, b) = (place[&order.pair.0], place[&order.pair.1]);
            let against = match order.verdict {
                Verdict::Same => apart.iter().find_map(|(x, y)| groups.contradiction((a, b), (*x, *y))),
                Verdict::Different => groups.path(a, b),
            };
            match (against, order.verdict) {
                (Some(against), _) => return OrderState::SetAside { against: pairs(against) },
                (None, Verdict::Same) => groups.join(a, b),
                (None, Verdict::Different) => apart.push((a, b)),
            }
            OrderState::InForce
        };
        let states: Vec<OrderState> = orders.iter().copied().map(state).collect();
        orders.iter().map(|order| order.pair).zip(states).collect()
    }
}

/// Records that orders hold together, by the tree of the orders that joined them.
struct Groups {
    group: Vec<usize>,
    tree: Vec<Vec<usize>>,
}

impl Groups {
    fn new(records: usize) -> Self {
        Self { group: (0..records).collect(), tree: vec![Vec::new(); records] }
    }

    fn join(&mut self, a: usize, b: usize) {
        let (kept, gone) = (self.group[a], self.group[b]);
        if kept == gone {
            return;
        }
        self.tree[a].push(b);
        self.tree[b].push(a);
        self.group.iter_mut().filter(|group| **group == gone).for_each(|group| *group = kept);
    }

    /// The orders between two records of one group.
    fn path(&self, from: usize, to: usize) -> Option<Vec<(usize, usize)>> {
        if self.group[from] != self.group[to] {
            return None;
        }
        let mut came: FxHashMap<usize, usize> = FxHashMap::from_iter([(from, from)]);
        let mut pending = vec![from];
        while let Some(at) = pending.pop() {
            for next in &self.tree[at] {
                if !came.contains_key(next) {
                    came.insert(*next, at);
                    pending.push(*next);
                }
            }
        }
        let (mut path, mut at) = (Vec::new(), to);
        while at != from {
            let before = *came.get(&at)?;
            path.push((before, at));
            at = before;
        }
        Some(path)
    }

    /// The orders that keep a pair from being joined: two records that are to stay apart, one in the group of each,
    /// and the ways to them.
    fn contradiction(&self, (a, b): (usize, usize), (x, y): (usize, usize)) -> Option<Vec<(usize, usize)>> {
        let (x, y) = if self.group[x] == self.group[a] { (x, y) } else { (y, x) };
        let (mut there, back) = (self.path(a, x)?, self.path(y, b)?);
        there.push((x, y));
        there.extend(back);
        Some(there)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn key(number: u128) -> RecordId {
        RecordId::from_uuid(Uuid::from_u128(number))
    }

    fn order(a: u128, b: u128, verdict: Verdict, decided: i64) -> Order {
        Order::new(key(a), key(b), verdict, Timestamp::from_millis(decided), false)
    }

    fn pair(a: u128, b: u128) -> Pair {
        (key(a), key(b))
    }

    fn states(given: &[Order], absent: &[u128]) -> Vec<(Pair, OrderState)> {
        let mut orders = Orders::default();
        given.iter().for_each(|order| orders.put(*order));
        orders.settle(|record| !absent.iter().any(|gone| key(*gone) == record));
        orders.all()
    }

    #[test]
    fn of_orders_that_contradict_each_other_the_oldest_is_set_aside() {
        let given = [
            order(1, 2, Verdict::Same, 10),
            order(2, 3, Verdict::Same, 20),
            order(3, 4, Verdict::Same, 30),
            order(4, 1, Verdict::Different, 40),
        ];
        let expected = [
            (pair(1, 2), OrderState::SetAside { against: vec![pair(1, 4), pair(2, 3), pair(3, 4)] }),
            (pair(1, 4), OrderState::InForce),
            (pair(2, 3), OrderState::InForce),
            (pair(3, 4), OrderState::InForce),
        ];
        assert_eq!(states(&given, &[]), expected);
        // The same with the order to keep apart as the oldest.
        let mut given = given;
        given[3] = order(4, 1, Verdict::Different, 5);
        let against = vec![pair(1, 2), pair(2, 3), pair(3, 4)];
        assert_eq!(states(&given, &[])[1], (pair(1, 4), OrderState::SetAside { against }));
    }

    #[test]
    fn an_order_rests_while_one_of_its_records_is_absent_and_contradicts_nothing_then() {
        let given =
            [order(1, 2, Verdict::Same, 10), order(2, 3, Verdict::Same, 20), order(1, 3, Verdict::Different, 30)];
        let states = states(&given, &[2]);
        assert_eq!(states[0].1, OrderState::Resting);
        assert_eq!(states[1], (pair(1, 3), OrderState::InForce));
        assert_eq!(states[2].1, OrderState::Resting);
    }

    #[test]
    fn an_order_about_one_record_is_none() {
        assert_eq!(states(&[order(1, 1, Verdict::Different, 10)], &[]), []);
    }
}
