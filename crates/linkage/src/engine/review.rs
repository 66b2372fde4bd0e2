//! What a reviewer is asked: pairs on which weights alone should not have the last word.
//!
//! Invariant: the open tasks are a function of the records, the model and the orders. A pair on which there is an order
//! is no task, nor is a pair whose clusters an order keeps apart; both come back when the order is taken back.

use std::collections::{BTreeMap, BTreeSet};

use domain::{RecordId, Verdict};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use super::{Engine, Touched};
use crate::cluster::{CLAMP, LocalCluster, SAMPLE_MAX};
use crate::compare::score;
use crate::index::Slot;
use crate::orders::{OrderState, Pair, ordered};
use crate::{Task, TaskKind};

/// A record whose weight to another cluster is at most so many bits below its weight to its own could nearly as well
/// belong there: at three bits the own cluster is less than eight times likelier.
const RUNNER_UP_BITS_MAX: f32 = 3.0;

/// Components as nodes and clusters, as the engine found them.
type Found = [(Vec<Slot>, Vec<LocalCluster>)];

/// New and ended tasks.
pub(super) type Asked = (Vec<Task>, Vec<Pair>);

impl Engine {
    /// Every open task, in order of records.
    pub fn tasks(&self) -> Vec<Task> {
        let mut tasks: Vec<Task> = self.review.par_iter().map(|((a, b), kind)| self.task(*a, *b, *kind)).collect();
        tasks.extend(self.order_tasks.keys().filter_map(|pair| self.order_task(*pair)));
        tasks.sort_unstable_by_key(|task| (task.link.a, task.link.b));
        tasks
    }

    /// Notes that a pair with an edge is no task any more.
    pub(super) fn end_review(&mut self, a: Slot, b: Slot, touched: &mut Touched) {
        if self.review.remove(&(a.min(b), a.max(b))).is_some() {
            touched.ended.push(ordered(self.entry(a).key, self.entry(b).key));
        }
    }

    /// The tasks that a batch brought and ended.
    pub(super) fn review_changes(&mut self, found: &Found, touched: &mut Touched) -> Asked {
        let loose = self.loose_members(found);
        let mut best: FxHashMap<Slot, Option<f32>> = FxHashMap::default();
        let mut asked: FxHashMap<(Slot, Slot), TaskKind> = FxHashMap::default();
        let mut settled = Vec::new();
        for slot in found.iter().flat_map(|(nodes, _)| nodes) {
            for (other, weight) in &self.entry(*slot).edges {
                let pair = (*slot.min(other), *slot.max(other));
                let known = self.review.get(&pair);
                match self.question(pair, *weight, &loose, &mut best) {
                    None if known.is_some() => settled.push(pair),
                    None => {}
                    Some(kind) => {
                        let is_touched = touched.seeds.contains(slot) || touched.seeds.contains(other);
                        if is_touched || known != Some(&kind) {
                            asked.insert(pair, kind);
                        }
                    }
                }
            }
        }
        for (a, b) in settled {
            self.end_review(a, b, touched);
        }
        self.review.extend(&asked);
        let mut tasks: Vec<Task> = asked.par_iter().map(|((a, b), kind)| self.task(*a, *b, *kind)).collect();
        let mut ended = std::mem::take(&mut touched.ended);
        self.order_task_changes(touched, &mut tasks, &mut ended);
        tasks.sort_unstable_by_key(|task| (task.link.a, task.link.b));
        ended.retain(|pair| tasks.binary_search_by_key(pair, |task| (task.link.a, task.link.b)).is_err());
        ended.sort_unstable();
        ended.dedup();
        (tasks, ended)
    }

    /// What is to be asked about a pair with an edge.
    fn question(
        &self,
        pair: (Slot, Slot),
        weight: f32,
        loose: &FxHashSet<(Slot, Slot)>,
        best: &mut FxHashMap<Slot, Option<f32>>,
    ) -> Option<TaskKind> {
        let (left, right) = (self.entry(pair.0), self.entry(pair.1));
        if left.cluster == right.cluster && loose.is_empty()
            || !self.orders.is_empty() && self.orders.is_given(left.key, right.key)
        {
            return None;
        }
        if left.cluster == right.cluster {
            return loose.contains(&pair).then_some(TaskKind::LooseMember);
        }
        if !self.orders.is_empty() && self.are_kept_apart(left.cluster, right.cluster) {
            return None;
        }
        let mut is_near = |slot: Slot| {
            let own = *best.entry(slot).or_insert_with(|| self.best_own(slot));
            own.is_some_and(|own| own - weight <= RUNNER_UP_BITS_MAX)
        };
        Some(match () {
            () if is_near(pair.0) || is_near(pair.1) => TaskKind::RunnerUp,
            () if weight >= self.model.thresholds().link as f32 => TaskKind::HeldApart,
            () => TaskKind::Band,
        })
    }

    /// The greatest weight of a record to its own cluster.
    fn best_own(&self, slot: Slot) -> Option<f32> {
        let entry = self.entry(slot);
        let own = entry.edges.iter().filter(|(other, _)| self.entry(*other).cluster == entry.cluster);
        own.map(|(_, weight)| *weight).max_by(f32::total_cmp)
    }

    /// Whether an order keeps two clusters apart.
    fn are_kept_apart(&self, one: u32, other: u32) -> bool {
        let (one, other) =
            match self.clusters[one as usize].members.len() <= self.clusters[other as usize].members.len() {
                true => (one, other),
                false => (other, one),
            };
        self.clusters[one as usize].members.iter().any(|member| {
            let mut apart = self.orders.obeyed(self.entry(*member).key, Verdict::Different);
            apart.any(|record| self.slots.get(&record).is_some_and(|slot| self.entry(*slot).cluster == other))
        })
    }

    /// Members that most of their cluster says nothing about and that the rest, on the whole, speaks against; each with
    /// the member that it is held by.
    fn loose_members(&self, found: &Found) -> FxHashSet<(Slot, Slot)> {
        let clusters = found.par_iter().flat_map_iter(|(nodes, locals)| locals.iter().map(move |local| (nodes, local)));
        let large = clusters.filter(|(_, local)| local.members.len() > 2);
        large
            .flat_map_iter(|(nodes, local)| {
                let slots: Vec<Slot> = local.members.iter().map(|member| nodes[*member as usize]).collect();
                let loose: Vec<_> = slots.iter().filter_map(|slot| self.loose_member(*slot, &slots)).collect();
                loose
            })
            .collect()
    }

    fn loose_member(&self, slot: Slot, cluster: &[Slot]) -> Option<(Slot, Slot)> {
        let entry = self.entry(slot);
        let own = || entry.edges.iter().filter(|(other, _)| self.entry(*other).cluster == entry.cluster);
        if 2 * own().count() >= cluster.len() - 1 || self.orders.obeyed(entry.key, Verdict::Same).next().is_some() {
            return None;
        }
        let others: Vec<Slot> = cluster.iter().copied().filter(|other| *other != slot).collect();
        let sample = others.len().min(SAMPLE_MAX);
        let agreement = |n: usize| {
            let other = self.entry(others[n * others.len() / sample]);
            score(&self.model, &entry.record, &other.record).cohesion.clamp(-CLAMP.0, CLAMP.1)
        };
        let mean = (0..sample).map(agreement).sum::<f64>() / sample as f64;
        if mean >= self.model.thresholds().cohesion {
            return None;
        }
        // Of equal weights the one that comes first in the cluster, whose order depends on what is stated.
        let place = |other: Slot| cluster.iter().position(|member| *member == other);
        let held = own().max_by(|x, y| x.1.total_cmp(&y.1).then_with(|| place(y.0).cmp(&place(x.0))));
        held.map(|(other, _)| (slot.min(*other), slot.max(*other)))
    }

    /// Tasks about orders themselves: orders that contradict each other, and orders that join different numbers.
    fn order_task_changes(&mut self, touched: &Touched, tasks: &mut Vec<Task>, ended: &mut Vec<Pair>) {
        if self.orders.is_empty() && self.order_tasks.is_empty() {
            return;
        }
        let seeds: FxHashSet<RecordId> = touched.seeds.iter().map(|slot| self.entry(*slot).key).collect();
        let mut records: BTreeSet<RecordId> = touched.ordered.iter().copied().collect();
        records.extend(seeds.iter().filter(|record| self.orders.of(**record).next().is_some()));
        let groups = self.bound_groups(&records);
        records.extend(groups.iter().flatten());
        let joining: BTreeSet<Pair> = groups.iter().flat_map(|group| self.joins_of_numbers(group)).collect();
        let mut affected: BTreeSet<Pair> = records.iter().flat_map(|record| self.orders.of(*record)).collect();
        let known = self.order_tasks.keys().filter(|(a, b)| records.contains(a) || records.contains(b));
        affected.extend(known);
        for pair in affected {
            let kind = match self.orders.get(pair) {
                Some((_, OrderState::SetAside { .. })) => Some(TaskKind::OrdersContradict),
                Some((order, OrderState::InForce)) if !order.informed && joining.contains(&pair) => {
                    Some(TaskKind::OrderJoinsNumbers)
                }
                _ => None,
            };
            let Some(kind) = kind else {
                ended.extend(self.order_tasks.remove(&pair).map(|_| pair));
                continue;
            };
            let is_touched = [pair.0, pair.1].iter().any(|end| seeds.contains(end) || touched.ordered.contains(end));
            if self.order_tasks.insert(pair, kind) != Some(kind) || is_touched {
                tasks.extend(self.order_task(pair));
            }
        }
    }

    /// The groups of records that orders hold together, around these.
    fn bound_groups(&self, records: &BTreeSet<RecordId>) -> Vec<Vec<RecordId>> {
        let mut seen: BTreeSet<RecordId> = BTreeSet::new();
        let mut groups = Vec::new();
        for record in records {
            if !seen.insert(*record) {
                continue;
            }
            let mut group = vec![*record];
            let mut next = 0;
            while next < group.len() {
                group.extend(self.orders.obeyed(group[next], Verdict::Same).filter(|other| seen.insert(*other)));
                next += 1;
            }
            if group.len() > 1 {
                groups.push(group);
            }
        }
        groups
    }

    /// The orders of a group that brought different values of an exclusive number together, the oldest order first.
    fn joins_of_numbers(&self, group: &[RecordId]) -> Vec<Pair> {
        let mut orders: Vec<_> = group
            .iter()
            .flat_map(|record| self.orders.of(*record).filter(move |pair| pair.0 == *record))
            .filter_map(|pair| self.orders.get(pair))
            .filter(|(order, state)| order.verdict == Verdict::Same && **state == OrderState::InForce)
            .map(|(order, _)| order)
            .collect();
        orders.sort_unstable_by_key(|order| (order.decided, order.pair()));
        let mut parts: BTreeMap<RecordId, usize> = group.iter().enumerate().map(|(n, record)| (*record, n)).collect();
        let mut found = Vec::new();
        for order in orders {
            let (a, b) = order.pair();
            let (Some(left), Some(right)) = (parts.get(&a).copied(), parts.get(&b).copied()) else { continue };
            if left == right {
                continue;
            }
            let members = |part| parts.iter().filter(move |(_, of)| **of == part).map(|(record, _)| *record);
            if members(left).any(|x| members(right).any(|y| self.numbers_differ(x, y))) {
                found.push((a, b));
            }
            parts.values_mut().filter(|part| **part == right).for_each(|part| *part = left);
        }
        found
    }

    fn numbers_differ(&self, a: RecordId, b: RecordId) -> bool {
        let (Some(a), Some(b)) = (self.slots.get(&a), self.slots.get(&b)) else { return false };
        score(&self.model, &self.entry(*a).record, &self.entry(*b).record).conflict.is_some()
    }

    fn task(&self, a: Slot, b: Slot, kind: TaskKind) -> Task {
        let since = self.entry(a).first_time.max(self.entry(b).first_time);
        Task { link: self.link(a, b), kind, since, against: Vec::new() }
    }

    fn order_task(&self, pair: Pair) -> Option<Task> {
        let (a, b) = (*self.slots.get(&pair.0)?, *self.slots.get(&pair.1)?);
        let (order, state) = self.orders.get(pair)?;
        let mut task = self.task(a, b, *self.order_tasks.get(&pair)?);
        task.since = task.since.max(order.decided);
        if let OrderState::SetAside { against } = state {
            task.against.clone_from(against);
        }
        Some(task)
    }
}
