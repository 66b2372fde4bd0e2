//! The engine: records and standing orders in, persons out.
//!
//! What it holds after any history of changes depends only on the records and orders then present: the index on their
//! keys, the edges on the pairs that the index proposes, the clusters on the edges and the orders in force. A batch changes the index first, then the
//! edges that the change touches, and then clusters every component anew that has a changed record or edge.
//!
//! The three stages only share keys, edges and slots, so that a sharded deployment can run them in three places.

mod hot;
mod review;

pub(crate) use hot::Values;

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{PersonId, RecordId, Timestamp, Verdict};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::block::{BlockKey, blocking_keys};
use crate::cluster::{Bonds, LocalCluster, LocalEdge, cluster, components};
use crate::compare::{compare, score};
use crate::index::{Index, Slot};
use crate::orders::{OrderState, Orders, Pair, ordered};
use crate::standardize::Standardized;
use crate::{Change, ClusterChange, Delta, Explanation, Link, Model, Record, Statistics, TaskKind};

/// Records in, persons out. In memory; a pure function of the records and standing orders it holds.
#[derive(Debug)]
pub struct Engine {
    model: Arc<Model>,
    entries: Vec<Option<Entry>>,
    free: Vec<Slot>,
    slots: FxHashMap<RecordId, Slot>,
    index: Index,
    values: hot::Values,
    clusters: Vec<Cluster>,
    free_clusters: Vec<u32>,
    orders: Orders,
    /// Open tasks on pairs of slots with an edge, the smaller first.
    review: FxHashMap<(Slot, Slot), TaskKind>,
    /// Open tasks on orders.
    order_tasks: BTreeMap<Pair, TaskKind>,
    edges: usize,
    compared: u64,
    /// By slot, false between batches: kept so that one record on top of millions costs one record.
    seen: Vec<bool>,
}

#[derive(Debug)]
struct Entry {
    key: RecordId,
    first_time: Timestamp,
    /// What is compared: without its hot values.
    record: Standardized,
    /// All that it states, where that is more.
    whole: Option<Box<Standardized>>,
    keys: Box<[BlockKey]>,
    /// Records at or above the review threshold.
    edges: Vec<(Slot, f32)>,
    cluster: u32,
}

impl Entry {
    fn stated(&self) -> &Standardized {
        self.whole.as_deref().unwrap_or(&self.record)
    }
}

#[derive(Debug, Default, PartialEq)]
struct Cluster {
    person: Option<PersonId>,
    /// In order of record key.
    members: Vec<Slot>,
}

/// What a batch has touched so far.
#[derive(Default)]
struct Touched {
    /// Records with a new statement.
    new: Vec<Slot>,
    /// Records whose statement, age or edges changed.
    seeds: FxHashSet<Slot>,
    /// Slots to hand out again once the batch is done.
    freed: Vec<Slot>,
    /// Clusters that lost a record to removal.
    clusters: FxHashSet<u32>,
    /// Records with orders that are new, ended or in another state.
    ordered: FxHashSet<RecordId>,
    ended: Vec<Pair>,
}

/// A pair with its weight.
type Edge = (Slot, Slot, f32);

/// A change made ready: `None` for a removal.
type Prepared = (RecordId, Option<(Timestamp, Standardized, Box<[BlockKey]>)>);

const NO_CLUSTER: u32 = u32::MAX;

impl Engine {
    /// An engine without records.
    pub fn new(model: Arc<Model>) -> Self {
        let index = Index::new(model.file().blocking.records_max);
        let values = hot::Values::new(&model.file().hot);
        Self {
            model,
            values,
            entries: Vec::new(),
            free: Vec::new(),
            slots: FxHashMap::default(),
            index,
            clusters: Vec::new(),
            free_clusters: Vec::new(),
            orders: Orders::default(),
            review: FxHashMap::default(),
            order_tasks: BTreeMap::new(),
            edges: 0,
            compared: 0,
            seen: Vec::new(),
        }
    }

    /// The model it weighs with.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Takes in a batch of changes and says what became of the persons. Of several changes of one record, or of the order
    /// on one pair, the last counts. A record that states what it stated before changes nothing.
    ///
    /// The larger the batch, the fewer times a cluster is worked out anew; a first load is best one batch.
    pub fn apply(&mut self, changes: Vec<Change>) -> Delta {
        let mut touched = Touched::default();
        for (key, change) in self.prepare(changes) {
            match change {
                Some((first_time, record, keys)) => self.upsert(key, first_time, record, keys, &mut touched),
                None => self.remove(key, &mut touched),
            }
        }
        self.settle_hot(&mut touched);
        let (hot, cold) = self.index.take_crossed();
        self.withdraw(&hot, &mut touched);
        let edges = self.propose(&touched.new, &cold);
        for (a, b, weight) in edges {
            self.connect(a, b, weight);
            touched.seeds.extend([a, b]);
        }
        let settled = self.orders.settle(|record| self.slots.contains_key(&record));
        touched.seeds.extend(settled.records.iter().filter_map(|record| self.slots.get(record)));
        touched.ordered.extend(settled.records);
        let mut delta = self.recluster(&mut touched);
        delta.orders = settled.states;
        self.free.append(&mut touched.freed);
        delta
    }

    /// The person of a record.
    pub fn person_of(&self, record: RecordId) -> Option<PersonId> {
        let entry = self.entry(*self.slots.get(&record)?);
        self.clusters[entry.cluster as usize].person
    }

    /// A person's cluster as it is now, with its links. `None` when no cluster has this id.
    pub fn cluster(&self, person: PersonId) -> Option<ClusterChange> {
        let slot = *self.slots.get(&person.as_record())?;
        if self.person_of(person.as_record()) != Some(person) {
            return None;
        }
        let nodes = {
            let mut reached = FxHashSet::default();
            components(&[slot], |node| self.linked(node), |node| reached.insert(node)).pop()?
        };
        let (nodes, found) = self.cluster_component(nodes);
        let place = nodes.iter().position(|node| *node == slot)? as u32;
        let local = found.into_iter().find(|local| local.members.contains(&place))?;
        Some(self.describe(&nodes, &local))
    }

    /// Every person with the records, in order of person; records oldest first.
    pub fn clusters(&self) -> Vec<(PersonId, Vec<RecordId>)> {
        let mut persons: Vec<(PersonId, Vec<RecordId>)> =
            self.clusters.iter().filter_map(|c| Some((c.person?, self.by_age(&c.members)))).collect();
        persons.sort_unstable_by_key(|(person, _)| *person);
        persons
    }

    /// Every standing order with its state, in order of records.
    pub fn orders(&self) -> Vec<(Pair, OrderState)> {
        self.orders.all()
    }

    /// What has become of the standing order on a pair.
    pub fn order_state(&self, one: RecordId, other: RecordId) -> Option<&OrderState> {
        self.orders.get(ordered(one, other)).map(|(_, state)| state)
    }

    /// How two records compare; `None` when one is not there.
    pub fn explain(&self, a: RecordId, b: RecordId) -> Option<Explanation> {
        let (left, right) = (*self.slots.get(&a)?, *self.slots.get(&b)?);
        let comparison = compare(&self.model, &self.entry(left).record, &self.entry(right).record);
        let thresholds = self.model.thresholds();
        Some(Explanation {
            link: self.link(left, right),
            link_threshold: thresholds.link,
            review_threshold: thresholds.review,
            model_version: self.model.version().to_owned(),
            conflict: comparison.conflict,
            together: self.entry(left).cluster == self.entry(right).cluster,
            order: self.orders.get(ordered(a, b)).map(|(order, state)| order.is_now(state)),
        })
    }

    /// Counts of what the engine holds.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            records: self.slots.len(),
            clusters: self.clusters.len() - self.free_clusters.len(),
            blocks: self.index.len(),
            hot_blocks: self.index.hot_len(),
            hot_values: self.values.hot_len(),
            edges: self.edges,
            compared: self.compared,
        }
    }

    fn entry(&self, slot: Slot) -> &Entry {
        // Unwrap safety: a slot stands in the index, an edge or a cluster only while its entry is there.
        #[expect(clippy::expect_used, reason = "slots are only kept while their entry is there")]
        self.entries[slot as usize].as_ref().expect("an entry")
    }

    fn entry_mut(&mut self, slot: Slot) -> &mut Entry {
        // Unwrap safety: as in `entry`.
        #[expect(clippy::expect_used, reason = "slots are only kept while their entry is there")]
        self.entries[slot as usize].as_mut().expect("an entry")
    }

    /// Hands orders on and standardizes records on all cores; the last change of each record, in order of key.
    fn prepare(&mut self, changes: Vec<Change>) -> Vec<Prepared> {
        let mut last: FxHashMap<RecordId, Option<Record>> = FxHashMap::default();
        for change in changes {
            match change {
                Change::Upsert(record) => drop(last.insert(record.key, Some(record))),
                Change::Remove(key) => drop(last.insert(key, None)),
                Change::Order(order) => self.orders.put(order),
                Change::OrderEnded(one, other) => self.orders.remove(one, other),
            }
        }
        let last: Vec<(RecordId, Option<Record>)> = last.into_iter().collect();
        let mut prepared: Vec<Prepared> = last
            .into_par_iter()
            .with_min_len(64)
            .map(|(key, record)| {
                let ready = record.map(|record| {
                    let standardized = Standardized::of(&record.statement, &self.model);
                    let keys = blocking_keys(&standardized).into_boxed_slice();
                    (record.first_time, standardized, keys)
                });
                (key, ready)
            })
            .collect();
        prepared.sort_unstable_by_key(|(key, _)| *key);
        prepared
    }

    fn upsert(
        &mut self,
        key: RecordId,
        first_time: Timestamp,
        record: Standardized,
        keys: Box<[BlockKey]>,
        touched: &mut Touched,
    ) {
        let slot = match self.slots.get(&key) {
            Some(slot) => {
                let slot = *slot;
                let entry = self.entry_mut(slot);
                if entry.first_time != first_time {
                    entry.first_time = first_time;
                    touched.seeds.insert(slot);
                }
                if *entry.stated() == record {
                    return;
                }
                self.forget_values(slot);
                self.detach(slot, touched);
                slot
            }
            None => {
                let (whole, keys, edges) = (None, Box::default(), Vec::new());
                let record = Standardized::default();
                let entry = Some(Entry { key, first_time, record, whole, keys, edges, cluster: NO_CLUSTER });
                let slot = match self.free.pop() {
                    Some(slot) => {
                        self.entries[slot as usize] = entry;
                        slot
                    }
                    None => {
                        self.entries.push(entry);
                        (self.entries.len() - 1) as Slot
                    }
                };
                self.slots.insert(key, slot);
                self.orders.note(key);
                slot
            }
        };
        self.values.insert(&record, slot);
        self.put_record(slot, record, keys);
        touched.new.push(slot);
        touched.seeds.insert(slot);
    }

    fn remove(&mut self, key: RecordId, touched: &mut Touched) {
        let Some(slot) = self.slots.remove(&key) else { return };
        self.forget_values(slot);
        self.orders.note(key);
        self.detach(slot, touched);
        let cluster = self.entry(slot).cluster;
        touched.clusters.insert(cluster);
        touched.seeds.remove(&slot);
        // The other members are clustered anew even where no edge led to the record itself.
        let others = self.clusters[cluster as usize].members.clone();
        touched
            .seeds
            .extend(others.into_iter().filter(|other| *other != slot && self.entries[*other as usize].is_some()));
        self.entries[slot as usize] = None;
        touched.freed.push(slot);
    }

    /// Takes a record out of the index and off its edges.
    fn detach(&mut self, slot: Slot, touched: &mut Touched) {
        let entry = self.entry_mut(slot);
        let (keys, edges) = (std::mem::take(&mut entry.keys), std::mem::take(&mut entry.edges));
        for key in &keys {
            self.index.remove(*key, slot);
        }
        for (other, _) in edges {
            self.entry_mut(other).edges.retain(|(end, _)| *end != slot);
            self.edges -= 1;
            touched.seeds.insert(other);
            self.end_review(slot, other, touched);
        }
    }

    /// Takes back the edges that only blocks which have turned hot proposed.
    fn withdraw(&mut self, hot: &[BlockKey], touched: &mut Touched) {
        for key in hot {
            for slot in self.index.slots(*key).to_vec() {
                let entry = self.entry(slot);
                let lost: Vec<Slot> = entry
                    .edges
                    .iter()
                    .map(|(other, _)| *other)
                    .filter(|other| {
                        let keys = &self.entry(*other).keys;
                        keys.binary_search(key).is_ok() && !self.index.proposes(&entry.keys, keys)
                    })
                    .collect();
                for other in lost {
                    self.entry_mut(slot).edges.retain(|(end, _)| *end != other);
                    self.entry_mut(other).edges.retain(|(end, _)| *end != slot);
                    self.edges -= 1;
                    touched.seeds.extend([slot, other]);
                    self.end_review(slot, other, touched);
                }
            }
        }
    }

    /// Weighs the pairs that new records and newly cold blocks propose; those at or above the review threshold.
    fn propose(&mut self, new: &[Slot], cold: &[BlockKey]) -> Vec<Edge> {
        let is_new: FxHashSet<Slot> = new.iter().copied().collect();
        let review = self.model.thresholds().review as f32;
        let weigh = |slot: Slot, others: Vec<Slot>| -> (u64, Vec<Edge>) {
            let record = &self.entry(slot).record;
            let compared = others.len() as u64;
            let edges = others.into_iter().filter_map(|other| {
                let score = score(&self.model, record, &self.entry(other).record);
                let weight = score.weight as f32;
                (score.conflict.is_none() && weight >= review).then_some((slot, other, weight))
            });
            (compared, edges.collect())
        };
        let of_new = new.par_iter().with_min_len(16).map(|slot| {
            let mut others: Vec<Slot> = Vec::new();
            for key in &self.entry(*slot).keys {
                let proposed = self.index.proposed(*key).iter().copied();
                others.extend(proposed.filter(|other| other < slot || other > slot && !is_new.contains(other)));
            }
            others.sort_unstable();
            others.dedup();
            weigh(*slot, others)
        });
        let mut results: Vec<(u64, Vec<Edge>)> = of_new.collect();
        let mut thawed: FxHashSet<(Slot, Slot)> = FxHashSet::default();
        for key in cold {
            let slots: Vec<Slot> =
                self.index.proposed(*key).iter().copied().filter(|slot| !is_new.contains(slot)).collect();
            for (place, a) in slots.iter().enumerate() {
                for b in &slots[..place] {
                    let known = self.entry(*a).edges.iter().any(|(other, _)| other == b);
                    if !known && thawed.insert((*a.min(b), *a.max(b))) {
                        results.push(weigh(*a, vec![*b]));
                    }
                }
            }
        }
        self.compared += results.iter().map(|(compared, _)| compared).sum::<u64>();
        results.into_iter().flat_map(|(_, edges)| edges).collect()
    }

    fn connect(&mut self, a: Slot, b: Slot, weight: f32) {
        self.entry_mut(a).edges.push((b, weight));
        self.entry_mut(b).edges.push((a, weight));
        self.edges += 1;
    }

    /// The records that a weight or an order links with this one.
    fn linked(&self, node: Slot) -> impl Iterator<Item = Slot> {
        let link = self.model.thresholds().link as f32;
        let weighed = self.entry(node).edges.iter().filter(move |(_, weight)| *weight >= link).map(|(other, _)| *other);
        weighed.chain(self.ordered(node, Verdict::Same))
    }

    /// The records that orders in force give this verdict on, together with this one.
    fn ordered(&self, node: Slot, verdict: Verdict) -> impl Iterator<Item = Slot> {
        let records = self.orders.obeyed(self.entry(node).key, verdict);
        records.filter_map(|record| self.slots.get(&record).copied())
    }

    /// Clusters one component; gives its nodes in the order in which ties are broken: the oldest first, then by what they
    /// state. Keys come last: they are secret hashes, and the same feeds must give the same persons under any secret.
    fn cluster_component(&self, mut nodes: Vec<Slot>) -> (Vec<Slot>, Vec<LocalCluster>) {
        if nodes.len() == 1 {
            return (nodes, vec![LocalCluster { members: vec![0], links: Vec::new() }]);
        }
        nodes.sort_unstable_by_key(|node| {
            let entry = self.entry(*node);
            (entry.first_time, entry.record.content, entry.key)
        });
        let few = nodes.len() <= 16;
        let map: FxHashMap<Slot, u32> = match few {
            true => FxHashMap::default(),
            false => nodes.iter().enumerate().map(|(place, node)| (*node, place as u32)).collect(),
        };
        let place = |slot: Slot| match few {
            true => nodes.iter().position(|node| *node == slot).map(|place| place as u32),
            false => map.get(&slot).copied(),
        };
        let link = self.model.thresholds().link as f32;
        let mut edges = Vec::new();
        for (a, node) in nodes.iter().enumerate() {
            for (other, weight) in self.entry(*node).edges.iter().filter(|(_, weight)| *weight >= link) {
                match place(*other) {
                    Some(b) if (a as u32) < b => edges.push(LocalEdge { a: a as u32, b, weight: *weight }),
                    _ => {}
                }
            }
        }
        let mut bonds = Bonds::default();
        for (a, node) in nodes.iter().enumerate().filter(|_| !self.orders.is_empty()) {
            let within = |verdict| {
                let places = self.ordered(*node, verdict).filter_map(place).filter(|b| (a as u32) < *b);
                let mut places: Vec<(u32, u32)> = places.map(|b| (a as u32, b)).collect();
                places.sort_unstable();
                places
            };
            bonds.together.extend(within(Verdict::Same));
            bonds.apart.extend(within(Verdict::Different));
        }
        let records: Vec<&Standardized> = nodes.iter().map(|node| &self.entry(*node).record).collect();
        let agreement = |a: u32, b: u32| score(&self.model, records[a as usize], records[b as usize]).cohesion;
        let found = cluster(&records, edges, &bonds, self.model.thresholds().cohesion, agreement);
        (nodes, found)
    }

    /// Clusters every component with a seed anew and says what is different.
    fn recluster(&mut self, touched: &mut Touched) -> Delta {
        let seeds: Vec<Slot> = touched.seeds.iter().copied().collect();
        let mut seen = std::mem::take(&mut self.seen);
        seen.resize(self.entries.len(), false);
        let reached =
            components(&seeds, |node| self.linked(node), |node| !std::mem::replace(&mut seen[node as usize], true));
        reached.iter().flatten().for_each(|node| seen[*node as usize] = false);
        self.seen = seen;
        let found: Vec<(Vec<Slot>, Vec<LocalCluster>)> =
            reached.into_par_iter().with_min_len(8).map(|nodes| self.cluster_component(nodes)).collect();
        let mut before = std::mem::take(&mut touched.clusters);
        for slot in found.iter().flat_map(|(nodes, _)| nodes) {
            before.insert(self.entry(*slot).cluster);
        }
        before.remove(&NO_CLUSTER);
        let old: FxHashMap<u32, Cluster> =
            before.iter().map(|number| (*number, std::mem::take(&mut self.clusters[*number as usize]))).collect();
        let mut dissolved: FxHashSet<PersonId> = old.values().filter_map(|cluster| cluster.person).collect();
        self.free_clusters.extend(before);
        let mut changed: Vec<(usize, usize)> = Vec::new();
        for (component, (nodes, locals)) in found.iter().enumerate() {
            for (place, local) in locals.iter().enumerate() {
                let members: Vec<Slot> = local.members.iter().map(|member| nodes[*member as usize]).collect();
                let cluster = Cluster { person: self.oldest(&members), members };
                if let Some(person) = cluster.person {
                    dissolved.remove(&person);
                }
                let same = old.get(&self.entry(cluster.members[0]).cluster) == Some(&cluster);
                if !same || cluster.members.iter().any(|member| touched.seeds.contains(member)) {
                    changed.push((component, place));
                }
                self.put_cluster(cluster);
            }
        }
        let mut clusters: Vec<ClusterChange> =
            changed.par_iter().map(|(at, place)| self.describe(&found[*at].0, &found[*at].1[*place])).collect();
        clusters.sort_unstable_by_key(|change| change.person);
        let mut dissolved: Vec<PersonId> = dissolved.into_iter().collect();
        dissolved.sort_unstable();
        let (review, review_ended) = self.review_changes(&found, touched);
        Delta { clusters, dissolved, review, review_ended, orders: Vec::new() }
    }

    fn put_cluster(&mut self, cluster: Cluster) {
        let number = self.free_clusters.pop().unwrap_or_else(|| {
            self.clusters.push(Cluster::default());
            (self.clusters.len() - 1) as u32
        });
        for member in &cluster.members {
            self.entry_mut(*member).cluster = number;
        }
        self.clusters[number as usize] = cluster;
    }

    fn oldest(&self, members: &[Slot]) -> Option<PersonId> {
        let age = |slot: &Slot| {
            let entry = self.entry(*slot);
            (entry.first_time, entry.key)
        };
        members.iter().map(age).min().map(|(_, key)| PersonId::from_oldest(key))
    }

    fn by_age(&self, members: &[Slot]) -> Vec<RecordId> {
        let mut ages: Vec<(Timestamp, RecordId)> = members
            .iter()
            .map(|slot| {
                let entry = self.entry(*slot);
                (entry.first_time, entry.key)
            })
            .collect();
        ages.sort_unstable();
        ages.into_iter().map(|(_, key)| key).collect()
    }

    fn describe(&self, nodes: &[Slot], local: &LocalCluster) -> ClusterChange {
        let slots: Vec<Slot> = local.members.iter().map(|member| nodes[*member as usize]).collect();
        let members = self.by_age(&slots);
        let mut links: Vec<Link> =
            local.links.iter().map(|edge| self.link(nodes[edge.a as usize], nodes[edge.b as usize])).collect();
        links.sort_by(|x, y| y.weight.total_cmp(&x.weight).then(x.a.cmp(&y.a)).then(x.b.cmp(&y.b)));
        ClusterChange { person: PersonId::from_oldest(members[0]), members, links }
    }

    fn link(&self, a: Slot, b: Slot) -> Link {
        let (left, right) = (self.entry(a), self.entry(b));
        let mut comparison = compare(&self.model, &left.record, &right.record);
        comparison.parts.extend(self.hot_parts(a, b));
        Link {
            a: left.key.min(right.key),
            b: left.key.max(right.key),
            weight: comparison.weight,
            parts: comparison.parts,
        }
    }
}
