//! A model on trial: what would become of the persons if it decided.
//!
//! The records are clustered with the new model in memory and compared with the persons as they are. Nothing is changed.
//! The figures are those of an activation on the same records, because the persons are a pure function of records and
//! model.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::{PersonId, RecordId, Verdict};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

use crate::compare::compare;
use crate::standardize::Standardized;
use crate::{Change, Engine, Explanation, Link, Model, Order, OrderState, Record, Rule};

/// What a reviewer has decided about two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ReviewedPair {
    /// One record.
    pub a: RecordId,
    /// The other.
    pub b: RecordId,
    /// They are of one person; `false`: they are of two.
    pub same: bool,
}

/// What is to be tried.
#[derive(Debug)]
pub struct Trial {
    /// The records as they are, each with its person now.
    pub records: Vec<(Record, PersonId)>,
    /// Pairs up for review now.
    pub review_now: usize,
    /// The standing orders of reviewers.
    pub orders: Vec<Order>,
    /// The model that decides now.
    pub current: Arc<Model>,
    /// The model on trial.
    pub candidate: Arc<Model>,
    /// Sample pairs of each kind at most.
    pub samples_max: usize,
}

/// What would become of the persons.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Preview {
    /// Version of the model that decides now.
    pub current_version: String,
    /// Version of the model on trial.
    pub candidate_version: String,
    /// Records that state something.
    pub records: usize,
    /// Persons now.
    pub persons_before: usize,
    /// Persons then.
    pub persons_after: usize,
    /// Persons that keep exactly their records.
    pub unchanged: usize,
    /// Persons then that hold records of several persons now.
    pub merges: usize,
    /// Persons now whose records go to several persons.
    pub splits: usize,
    /// Pairs up for review now.
    pub review_before: usize,
    /// Pairs up for review then.
    pub review_after: usize,
    /// Standing orders of reviewers.
    pub reviewed: usize,
    /// Those in force that the model on trial would decide otherwise by weight.
    pub conflicts: Vec<ReviewedPair>,
    /// Blocking keys that propose no pairs because too many records share them: rule and number of records, the largest
    /// first.
    pub hot_blocks: Vec<(Rule, usize)>,
    /// How many links and pairs for review have a weight in each whole bit.
    pub weights: BTreeMap<i32, u64>,
    /// Pairs that would come together, the weakest first.
    pub merge_samples: Vec<Sample>,
    /// Pairs that would come apart, those that are strongest now first.
    pub split_samples: Vec<Sample>,
}

/// A pair that would come together or apart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Sample {
    /// How the pair weighs now.
    pub now: Explanation,
    /// How it would weigh.
    pub then: Explanation,
}

/// Records of one person that are looked at for sample pairs.
const MEMBERS_LOOKED_AT: usize = 40;
/// Persons that are looked at for sample pairs, of each kind.
const PERSONS_LOOKED_AT: usize = 1_000;

impl Preview {
    /// Tries a model. Takes as long as a start of the projector on these records.
    pub fn of(trial: Trial) -> Self {
        let Trial { records, review_now, orders, current, candidate, samples_max } = trial;
        let now: FxHashMap<RecordId, PersonId> = records.iter().map(|(record, person)| (record.key, *person)).collect();
        let place: FxHashMap<RecordId, usize> = records.iter().enumerate().map(|(at, (r, _))| (r.key, at)).collect();
        let mut engine = Engine::new(candidate.clone());
        let upserts = records.iter().map(|(record, _)| Change::Upsert(record.clone()));
        let delta = engine.apply(upserts.chain(orders.iter().copied().map(Change::Order)).collect());
        let weigh = |a: RecordId, b: RecordId| -> Option<Sample> {
            let (left, right) = (&records[*place.get(&a)?].0, &records[*place.get(&b)?].0);
            let before = weighed(&current, left, right, now[&a] == now[&b]);
            Some(Sample { now: before, then: engine.explain(a, b)? })
        };

        let mut sizes: FxHashMap<PersonId, usize> = FxHashMap::default();
        now.values().for_each(|person| *sizes.entry(*person).or_default() += 1);
        let (mut unchanged, mut merges) = (0, 0);
        let mut goes_to: FxHashMap<PersonId, BTreeSet<PersonId>> = FxHashMap::default();
        let mut joining: Vec<&Link> = Vec::new();
        for cluster in &delta.clusters {
            let from: BTreeSet<PersonId> = cluster.members.iter().map(|record| now[record]).collect();
            for person in &from {
                goes_to.entry(*person).or_default().insert(cluster.person);
            }
            match from.first() {
                Some(only) if from.len() == 1 => unchanged += usize::from(sizes[only] == cluster.members.len()),
                _ => {
                    merges += 1;
                    joining.extend(cluster.links.iter().rfind(|link| now[&link.a] != now[&link.b]));
                }
            }
        }
        joining.sort_by(|x, y| x.weight.total_cmp(&y.weight).then((x.a, x.b).cmp(&(y.a, y.b))));
        let merge_samples = joining.iter().take(samples_max).filter_map(|link| weigh(link.a, link.b)).collect();

        let mut parted: Vec<PersonId> =
            goes_to.iter().filter(|(_, persons)| persons.len() > 1).map(|(person, _)| *person).collect();
        parted.sort_unstable();
        let splits = parted.len();
        let split_samples = split_samples(&parted, &records, &engine, &current, samples_max, &weigh);

        let mut weights: BTreeMap<i32, u64> = BTreeMap::new();
        let for_review = delta.review.iter().map(|task| &task.link);
        for link in delta.clusters.iter().flat_map(|cluster| &cluster.links).chain(for_review) {
            *weights.entry(link.weight.floor() as i32).or_default() += 1;
        }
        let conflicts = orders.iter().filter_map(|order| conflict(order, &engine)).collect();
        Self {
            current_version: current.version().to_owned(),
            candidate_version: candidate.version().to_owned(),
            records: records.len(),
            persons_before: sizes.len(),
            persons_after: delta.clusters.len(),
            unchanged,
            merges,
            splits,
            review_before: review_now,
            review_after: delta.review.len(),
            reviewed: orders.len(),
            conflicts,
            hot_blocks: engine.hot_blocks(),
            weights,
            merge_samples,
            split_samples,
        }
    }
}

/// Per person that comes apart, the pair of records in different clusters that is strongest now.
fn split_samples(
    parted: &[PersonId],
    records: &[(Record, PersonId)],
    engine: &Engine,
    current: &Model,
    samples_max: usize,
    weigh: &impl Fn(RecordId, RecordId) -> Option<Sample>,
) -> Vec<Sample> {
    let looked_at: FxHashSet<PersonId> = parted.iter().copied().take(PERSONS_LOOKED_AT).collect();
    let mut members: BTreeMap<PersonId, Vec<&Record>> = BTreeMap::new();
    for (record, person) in records.iter().filter(|(_, person)| looked_at.contains(person)) {
        members.entry(*person).or_default().push(record);
    }
    let mut pairs: Vec<(f64, RecordId, RecordId)> = Vec::new();
    for mut members in members.into_values() {
        members.sort_unstable_by_key(|record| record.key);
        members.truncate(MEMBERS_LOOKED_AT);
        let ready: Vec<Standardized> = members.iter().map(|r| Standardized::of(&r.statement, current)).collect();
        let crossing = (0..members.len())
            .flat_map(|b| (0..b).map(move |a| (a, b)))
            .filter(|(a, b)| engine.person_of(members[*a].key) != engine.person_of(members[*b].key));
        let weighed =
            crossing.map(|(a, b)| (compare(current, &ready[a], &ready[b]).weight, members[a].key, members[b].key));
        pairs.extend(weighed.max_by(|x, y| x.0.total_cmp(&y.0)));
    }
    pairs.sort_by(|x, y| y.0.total_cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
    pairs.into_iter().take(samples_max).filter_map(|(_, a, b)| weigh(a, b)).collect()
}

/// How a pair weighs under a model, without an engine.
fn weighed(model: &Model, left: &Record, right: &Record, together: bool) -> Explanation {
    let standard = |record: &Record| Standardized::of(&record.statement, model);
    let comparison = compare(model, &standard(left), &standard(right));
    let thresholds = model.thresholds();
    Explanation {
        link: Link {
            a: left.key.min(right.key),
            b: left.key.max(right.key),
            weight: comparison.weight,
            parts: comparison.parts,
        },
        link_threshold: thresholds.link,
        review_threshold: thresholds.review,
        model_version: model.version().to_owned(),
        conflict: comparison.conflict,
        together,
    }
}

/// By weight alone: a decision outranks the weight, and this says where the model and the reviewer disagree.
fn conflict(order: &Order, engine: &Engine) -> Option<ReviewedPair> {
    let (a, b) = order.pair();
    let same = order.verdict == Verdict::Same;
    let found = engine.explain(a, b)?;
    let would_link = found.conflict.is_none() && found.link.weight >= found.link_threshold;
    let is_in_force = engine.order_state(a, b) == Some(&OrderState::InForce);
    (is_in_force && would_link != same).then_some(ReviewedPair { a, b, same })
}
