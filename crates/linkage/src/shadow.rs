//! A model on trial: what would become of the persons if it decided.
//!
//! The records are clustered with the new model in memory and compared with the persons as they are. Nothing is changed.
//! The figures are those of an activation on the same records, because the persons are a pure function of records and
//! model.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::{PersonId, RecordId, Verdict};
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

use crate::compare::compare;
use crate::engine::Values;
use crate::standardize::Standardized;
use crate::{Change, Engine, Explanation, HotValue, Link, Model, Order, OrderState, Record, Rule};

/// What a reviewer has decided about two records.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ReviewedPair {
    /// One record.
    pub a: RecordId,
    /// The other.
    pub b: RecordId,
    /// They are of one person; `false`: they are of two.
    pub same: bool,
    /// How the model on trial weighs them.
    pub weight: f64,
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
    /// Values that so many different people state that they would count for nothing: those of most records first.
    pub hot_values: Vec<HotValue>,
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
        let whole: Vec<Standardized> =
            records.par_iter().map(|(record, _)| Standardized::of(&record.statement, &current)).collect();
        let hot = Values::of(&whole, &current.file().hot);
        let mut engine = Engine::new(candidate.clone());
        let upserts = records.iter().map(|(record, _)| Change::Upsert(record.clone()));
        let delta = engine.apply(upserts.chain(orders.iter().copied().map(Change::Order)).collect());
        let weigh = |a: RecordId, b: RecordId| -> Option<Sample> {
            let (left, right) = (*place.get(&a)?, *place.get(&b)?);
            let now_together = now[&a] == now[&b];
            // What orders say depends on no model.
            let order = engine.explain(a, b)?.order;
            let mut before = weighed(&current, &hot, (a, &whole[left]), (b, &whole[right]));
            (before.together, before.order) = (now_together, order);
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
        let standing = Standing { records: &records, whole: &whole, hot: &hot, model: &current };
        let split_samples = split_samples(&parted, &standing, &engine, samples_max, &weigh);

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
            hot_blocks: engine.hot_blocks().into_iter().map(|(key, records)| (key.rule(), records)).collect(),
            hot_values: engine.hot_values(),
            weights,
            merge_samples,
            split_samples,
        }
    }
}

/// How things are now.
struct Standing<'a> {
    records: &'a [(Record, PersonId)],
    /// What each record states, standardized.
    whole: &'a [Standardized],
    hot: &'a Values,
    model: &'a Model,
}

/// Per person that comes apart, the pair of records in different clusters that is strongest now.
fn split_samples(
    parted: &[PersonId],
    now: &Standing<'_>,
    engine: &Engine,
    samples_max: usize,
    weigh: &impl Fn(RecordId, RecordId) -> Option<Sample>,
) -> Vec<Sample> {
    let looked_at: FxHashSet<PersonId> = parted.iter().copied().take(PERSONS_LOOKED_AT).collect();
    let mut members: BTreeMap<PersonId, Vec<(RecordId, &Standardized)>> = BTreeMap::new();
    for ((record, person), whole) in now.records.iter().zip(now.whole).filter(|((_, p), _)| looked_at.contains(p)) {
        members.entry(*person).or_default().push((record.key, whole));
    }
    let mut pairs: Vec<(f64, RecordId, RecordId)> = Vec::new();
    for mut members in members.into_values() {
        members.sort_unstable_by_key(|(key, _)| *key);
        members.truncate(MEMBERS_LOOKED_AT);
        let ready: Vec<Standardized> = members.iter().map(|(_, whole)| without_hot(now.hot, whole)).collect();
        let crossing = (0..members.len())
            .flat_map(|b| (0..b).map(move |a| (a, b)))
            .filter(|(a, b)| engine.person_of(members[*a].0) != engine.person_of(members[*b].0));
        let weighed =
            crossing.map(|(a, b)| (compare(now.model, &ready[a], &ready[b]).weight, members[a].0, members[b].0));
        pairs.extend(weighed.max_by(|x, y| x.0.total_cmp(&y.0)));
    }
    pairs.sort_by(|x, y| y.0.total_cmp(&x.0).then((x.1, x.2).cmp(&(y.1, y.2))));
    pairs.into_iter().take(samples_max).filter_map(|(_, a, b)| weigh(a, b)).collect()
}

fn without_hot(hot: &Values, whole: &Standardized) -> Standardized {
    hot.without_hot(whole).unwrap_or_else(|| whole.clone())
}

/// How a pair weighs under a model, as the engine weighs it: hot values count for nothing, and it says which.
fn weighed(
    model: &Model,
    hot: &Values,
    (a, left): (RecordId, &Standardized),
    (b, right): (RecordId, &Standardized),
) -> Explanation {
    let mut comparison = compare(model, &without_hot(hot, left), &without_hot(hot, right));
    comparison.parts.extend(hot.common_hot(left, right));
    let thresholds = model.thresholds();
    Explanation {
        link: Link { a: a.min(b), b: a.max(b), weight: comparison.weight, parts: comparison.parts },
        link_threshold: thresholds.link,
        review_threshold: thresholds.review,
        model_version: model.version().to_owned(),
        conflict: comparison.conflict,
        together: false,
        order: None,
    }
}

/// By weight alone: a decision outranks the weight, and this says where the model and the reviewer disagree.
fn conflict(order: &Order, engine: &Engine) -> Option<ReviewedPair> {
    let (a, b) = order.pair();
    let same = order.verdict == Verdict::Same;
    let found = engine.explain(a, b)?;
    let would_link = found.conflict.is_none() && found.link.weight >= found.link_threshold;
    let is_in_force = engine.order_state(a, b) == Some(&OrderState::InForce);
    (is_in_force && would_link != same).then_some(ReviewedPair { a, b, same, weight: found.link.weight })
}
