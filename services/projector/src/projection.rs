//! The projection in memory: the books of records and orders and the linkage engine, and what a batch of events changes.
//!
//! Invariant: the views plus the changes of a batch equal the views of all events up to its end. Facts are not held
//! here: their versions are compared by the database.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use domain::{
    ChangeCause, EventType, Member, PersonId, RecordId, StatedClaim, TokenKey, stated_claims, survive, units,
};
use linkage::{Change, ClusterChange, Delta, Engine, Link, Task};
use rayon::prelude::*;
use rustc_hash::FxHashMap;
use store::lineage::Cause;
use store::views::{
    Changes, FactPut, LinkPut, OrderRow, PersonPut, PlacePut, RecordPut, Retraction, ReviewPut, SourceRecordRow,
};

use crate::book::{Before, Book, Touched, live, member};
use crate::hot::HotList;
use crate::item::{Item, json};
use crate::lineage::{self, Heard, Moved};
use crate::model::Deciding;
use crate::orders::{OrderBook, Ruling};

/// The state from which changes follow.
#[derive(Debug)]
pub(crate) struct Projection {
    book: Book,
    orders: OrderBook,
    engine: Engine,
    hot: HotList,
    deciding: Deciding,
    key: TokenKey,
}

impl Projection {
    /// Begins from stored records. The changes bring the views to what decides now; they are empty when the views were made
    /// by it and nothing is `other`.
    pub(crate) fn load(
        rows: Vec<SourceRecordRow>,
        orders: Vec<OrderRow>,
        deciding: Deciding,
        key: TokenKey,
        other: Option<ChangeCause>,
    ) -> (Self, Changes) {
        let mut book = Book::default();
        for row in rows {
            book.load(row);
        }
        let orders = OrderBook::new(key.clone(), orders);
        let (engine, delta) = decided(&book, &orders, &deciding);
        let mut projection = Self { book, orders, engine, hot: HotList::default(), deciding, key };
        let decided = delta.clusters.iter().flat_map(|c| c.members.iter().map(move |record| (*record, c.person)));
        let agrees = |(record, person)| projection.book.get(record).is_some_and(|row| row.person == Some(person));
        if other.is_none() && decided.clone().all(agrees) {
            // The views list it already.
            let _listed = projection.hot.follow(&projection.engine, &projection.key);
            return (projection, Changes::default());
        }
        let mut changes = Changes::default();
        // Records that are decided otherwise by the same model: the program has other rules.
        let cause = Cause::of(other.unwrap_or(ChangeCause::Rules));
        projection.replace(&delta, &Touched::new(), cause, &mut changes);
        (projection, changes)
    }

    /// The model that decides.
    pub(crate) fn model(&self) -> &linkage::Model {
        &self.deciding.model
    }

    /// What is left out because too many records share it.
    pub(crate) const fn hot(&self) -> &HotList {
        &self.hot
    }

    /// How many source records and persons are held.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.book.len(), self.engine.statistics().clusters)
    }

    /// Takes in a batch of events and says what it changes.
    pub(crate) fn digest(&mut self, items: Vec<Item>) -> Changes {
        let mut touched = Touched::new();
        let mut facts: FxHashMap<(RecordId, EventType), FactPut> = FxHashMap::default();
        let mut places: FxHashMap<RecordId, PlacePut> = FxHashMap::default();
        let mut ordered: BTreeMap<RecordId, Ruling> = BTreeMap::new();
        let mut other_model = None;
        let (mut activations, mut facts_before, mut follow_ups) = (Vec::new(), Vec::new(), Vec::new());
        for item in items {
            match item {
                Item::Observed(observed) => {
                    let (meta, statement) = *observed;
                    self.book.touch(&mut touched, meta.record_id);
                    self.book.observe(&meta, statement);
                }
                Item::Retracted(retracted) => {
                    let (meta, retraction) = *retracted;
                    self.book.touch(&mut touched, meta.record_id);
                    self.book.retract(&meta, retraction);
                }
                Item::Fact(fact) => keep_fact(&mut facts, &mut facts_before, *fact),
                Item::FollowUp(step) => follow_ups.push(*step),
                Item::Place(place) => keep(&mut places, place.record_id, *place, PlacePut::precedence),
                Item::Decided(decision) => ordered.extend(self.orders.take_in(&decision.0, decision.1)),
                Item::Model(activation) => {
                    if self.deciding.follow(&activation) {
                        other_model = Some(activation.row.event_id);
                    }
                    activations.push(activation.row);
                }
            }
        }
        let mut changes = Changes {
            facts: facts.into_values().collect(),
            places: places.into_values().collect(),
            model_activations: activations,
            facts_before,
            follow_ups,
            ..Changes::default()
        };
        self.book.carry_over(&mut touched);
        touched.retain(|record, before| self.book.get(*record) != before.row.as_ref());
        self.claims(&touched, &mut changes);
        changes.restated = self.restated(&touched);
        if let Some(event) = other_model {
            let (engine, delta) = decided(&self.book, &self.orders, &self.deciding);
            self.engine = engine;
            changes.orders = self.orders.settle(&ordered, &delta.orders, |(a, b)| self.engine.order_state(a, b));
            let cause = Cause { event: Some(event), ..Cause::of(ChangeCause::Model) };
            self.replace(&delta, &touched, cause, &mut changes);
            return changes;
        }
        let mut heard = self.linkage_changes(&touched);
        heard.extend(self.orders.changes(&ordered));
        let delta = self.engine.apply(heard);
        changes.hot = self.hot.follow(&self.engine, &self.key);
        changes.orders = self.orders.settle(&ordered, &delta.orders, |(a, b)| self.engine.order_state(a, b));
        let retracted = touched.keys().filter(|r| self.book.get(**r).is_some_and(SourceRecordRow::is_retracted));
        let retracted: BTreeSet<RecordId> = retracted.copied().collect();
        self.settle(&delta, retracted, &touched, &Heard::Rulings(ordered), &mut changes);
        changes
    }

    /// Puts all persons in the place of those that another model decided. It goes into one transaction, so that readers
    /// see the old ones or the new ones.
    fn replace(&mut self, delta: &Delta, touched: &Touched, cause: Cause, changes: &mut Changes) {
        changes.persons_reset = true;
        changes.hot = self.hot.follow(&self.engine, &self.key);
        changes.model = Some(self.deciding.row());
        let retracted = self.book.rows().filter(|row| row.is_retracted()).map(|row| row.record_id).collect();
        self.settle(delta, retracted, touched, &Heard::Anew(cause), changes);
    }

    /// What linkage must hear about: statements and first times; not that something was merely stated again.
    fn linkage_changes(&self, touched: &Touched) -> Vec<Change> {
        let change = |(record, before): (&RecordId, &Before)| {
            let row = self.book.get(*record)?;
            match (before.live(), live(row)) {
                (Some(_), None) => Some(Change::Remove(*record)),
                (was, Some(is)) if was != Some(is) => upsert(row),
                _ => None,
            }
        };
        touched.iter().filter_map(change).collect()
    }

    /// The records that stated something else before.
    fn restated(&self, touched: &Touched) -> Vec<RecordId> {
        let is_other = |(record, before): &(&RecordId, &Before)| {
            let is = self.book.get(**record).and_then(live).map(|(statement, _)| statement);
            before.live().is_some_and(|(was, _)| Some(was) != is)
        };
        touched.iter().filter(is_other).map(|(record, _)| *record).collect()
    }

    fn claims(&self, touched: &Touched, changes: &mut Changes) {
        let differing: Vec<(RecordId, Vec<StatedClaim>, Vec<StatedClaim>)> = touched
            .par_iter()
            .filter_map(|(record, before)| {
                let is = self.book.get(*record).and_then(live).map(|(statement, _)| statement);
                let was = before.live().map(|(statement, _)| statement);
                let claims = |statement| stated_claims(&self.key, statement);
                (was != is).then(|| (*record, was.map(claims).unwrap_or_default(), is.map(claims).unwrap_or_default()))
            })
            .collect();
        for (record, was, is) in differing {
            let same_key = |a: &StatedClaim, b: &StatedClaim| (a.claim.token, a.role) == (b.claim.token, b.role);
            let gone = was.iter().filter(|old| !is.iter().any(|new| same_key(old, new)));
            changes.claims_removed.extend(gone.map(|old| (record, old.claim.token, old.role)));
            changes.claims.extend(is.into_iter().filter(|new| !was.contains(new)).map(|new| (record, new)));
        }
    }

    /// Follows linkage's decision through: whose each record is, the persons' golden records, links and reviews.
    fn settle(
        &mut self,
        delta: &Delta,
        retracted: BTreeSet<RecordId>,
        touched: &Touched,
        heard: &Heard,
        changes: &mut Changes,
    ) {
        let mut moved = Moved::default();
        for cluster in &delta.clusters {
            for record in &cluster.members {
                self.assign(*record, Some(cluster.person), &mut moved);
            }
        }
        let around = moved.keys().chain(touched.keys()).copied();
        let mut inheriting = self.book.followers_of(around);
        inheriting.extend(retracted);
        for record in inheriting {
            if self.book.get(record).is_some_and(SourceRecordRow::is_retracted) {
                self.assign(record, self.book.inherited_person(record), &mut moved);
            }
        }
        let written = touched.keys().copied().collect::<Vec<_>>();
        changes.records = written.par_iter().filter_map(|record| self.book.get(*record).map(record_put)).collect();
        let only_moved = moved.keys().filter(|record| !touched.contains_key(record));
        changes.record_persons = only_moved.map(|r| (*r, self.book.get(*r).and_then(|row| row.person))).collect();
        self.persons(delta, touched, &moved, heard, changes);
    }

    fn assign(&mut self, record: RecordId, person: Option<PersonId>, moved: &mut Moved) {
        let was = self.book.get(record).and_then(|row| row.person);
        if self.book.assign(record, person) {
            moved.entry(record).or_insert(was);
        }
    }

    fn persons(&self, delta: &Delta, touched: &Touched, moved: &Moved, heard: &Heard, changes: &mut Changes) {
        let version = self.engine.model().version();
        let linked: BTreeSet<PersonId> = delta.clusters.iter().map(|cluster| cluster.person).collect();
        // Stated again at another time: the cluster is as it was, but recency may choose another value.
        let restated = touched.keys().filter_map(|r| self.book.get(*r).filter(|row| live(row).is_some())?.person);
        // A record that was merged into one of theirs came to them: nothing of the cluster changed but its history.
        let joined = moved.keys().filter_map(|record| self.book.get(*record)?.person);
        let also: BTreeSet<PersonId> = restated.chain(joined).filter(|person| !linked.contains(person)).collect();
        let also: Vec<ClusterChange> = also.into_iter().filter_map(|p| self.engine.cluster(p)).collect();
        let all: Vec<&ClusterChange> = delta.clusters.iter().chain(&also).collect();
        changes.persons = all.par_iter().filter_map(|cluster| self.person_put(cluster)).collect();
        let is_person = |person: PersonId| self.engine.person_of(person.as_record()) == Some(person);
        changes.lineage = lineage::changes(&self.book, touched, moved, &all, &changes.persons, heard, is_person);
        changes.persons_removed.clone_from(&delta.dissolved);
        changes.relinked = linked.into_iter().collect();
        let links = delta.clusters.iter().flat_map(|c| c.links.iter().map(move |link| (c.person, link)));
        changes.links = links.map(|(person, link)| (person, link_put(link, version))).collect();
        changes.reviews = delta.review.iter().map(|task| self.review_put(task, version)).collect();
        changes.reviews_removed.clone_from(&delta.review_ended);
    }

    fn review_put(&self, task: &Task, model_version: &str) -> ReviewPut {
        ReviewPut {
            link: link_put(&task.link, model_version),
            task_id: self.orders.id_of((task.link.a, task.link.b)),
            kind: task.kind.code(),
            since: task.since,
            against: task.against.iter().map(|pair| self.orders.id_of(*pair)).collect(),
        }
    }

    fn person_put(&self, cluster: &ClusterChange) -> Option<PersonPut> {
        let rows = cluster.members.iter().filter_map(|record| self.book.get(*record));
        let members: Vec<Member<'_>> = rows.filter_map(member).collect();
        let golden = json(&survive(&members, &self.deciding.survivorship)).ok()?;
        Some(PersonPut {
            person_id: cluster.person,
            digest: store::lineage::digest(&golden, &cluster.members),
            golden,
            units: units(&members).iter().map(|unit| crate::item::clean(unit)).collect(),
            record_count: i32::try_from(members.len()).unwrap_or(i32::MAX),
            first_time: members.iter().map(|member| member.first_time).min()?,
        })
    }
}

/// Decides the persons of all records from nothing.
fn decided(book: &Book, orders: &OrderBook, deciding: &Deciding) -> (Engine, Delta) {
    let mut engine = Engine::new(deciding.model.clone());
    let delta = engine.apply(book.rows().filter_map(upsert).chain(orders.standing()).collect());
    (engine, delta)
}

/// Keeps the event that counts; of equal ones the first.
fn keep<K: std::hash::Hash + Eq, T, P: Ord>(kept: &mut FxHashMap<K, T>, key: K, new: T, precedence: fn(&T) -> P) {
    match kept.entry(key) {
        std::collections::hash_map::Entry::Vacant(free) => {
            free.insert(new);
        }
        std::collections::hash_map::Entry::Occupied(mut taken) => {
            if precedence(&new) > precedence(taken.get()) {
                taken.insert(new);
            }
        }
    }
}

/// Keeps the statement that has the last word on a fact, and the others apart: what was known before. The same one read
/// again was known since the first time.
fn keep_fact(last: &mut FxHashMap<(RecordId, EventType), FactPut>, before: &mut Vec<FactPut>, new: FactPut) {
    match last.entry((new.record_id, new.kind)) {
        std::collections::hash_map::Entry::Vacant(free) => {
            free.insert(new);
        }
        std::collections::hash_map::Entry::Occupied(mut taken) => match new.precedence().cmp(&taken.get().precedence())
        {
            Ordering::Greater => before.push(taken.insert(new)),
            Ordering::Less => before.push(new),
            Ordering::Equal => taken.get_mut().known_at = taken.get().known_at.min(new.known_at),
        },
    }
}

fn upsert(row: &SourceRecordRow) -> Option<Change> {
    let (statement, first_time) = live(row)?;
    let statement = statement.clone();
    Some(Change::Upsert(linkage::Record { key: row.record_id, first_time, statement, source_kind: row.source_kind }))
}

fn record_put(row: &SourceRecordRow) -> RecordPut {
    let stated = row.stated.as_ref();
    RecordPut {
        record_id: row.record_id,
        source: row.source.clone(),
        source_kind: row.source_kind,
        stated: stated.map(|s| (s.edition, s.event_id, s.first_time, s.last_time)),
        statement: stated.and_then(|s| s.statement.as_ref()).and_then(|statement| json(statement).ok()),
        parts: stated.filter(|s| !s.parts.is_empty()).and_then(|s| json(&s.parts).ok()),
        retraction: row
            .retraction
            .map(|Retraction { edition, event_id, reason, survivor }| (edition, event_id, reason, survivor)),
        withdrawn: row.withdrawn,
        person: row.person,
        batch_id: row.batch_id,
        batch_row: row.batch_row,
    }
}

fn link_put(link: &Link, model_version: &str) -> LinkPut {
    LinkPut {
        record_a: link.a,
        record_b: link.b,
        weight: link.weight,
        parts: json(&link.parts).unwrap_or_else(|_| "[]".to_owned()),
        model_version: model_version.to_owned(),
    }
}
