//! Linkage of a table from end to end.

use rayon::prelude::*;

use super::block::{Rule, rule_name};
use super::estimate::Judged;
use super::field::{FIELDS, TableField};
use super::group::{Edge, by_cluster, group};
use super::holders::Holders;
use super::hot::{self, HotValue};
use super::learn::Learner;
use super::levels::{Levels, MISSING, compare, level_name};
use super::model::TableModel;
use super::pairs::{Blocks, Oversized};
use super::repeats::Repeats;
use super::rules;
use super::sample;
use super::store::Table;
use super::weigh::{Parameters, Weigher};

/// Choices of the caller.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinkOptions<'a> {
    /// A model to use instead of training one.
    pub model: Option<&'a TableModel>,
    /// Probability from which on pairs are linked; without one the model chooses.
    pub threshold: Option<f64>,
    /// Seed of every sample.
    pub seed: u64,
}

/// A step of the work, for progress and times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Blocking rules are chosen.
    Rules,
    /// Records go into blocks.
    Blocks,
    /// Parameters are estimated.
    Train,
    /// Pairs are weighed.
    Weigh,
    /// Clusters are made.
    Cluster,
}

/// What was done and found.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// Records.
    pub records: usize,
    /// Clusters.
    pub clusters: usize,
    /// Pairs that were compared.
    pub pairs_compared: u64,
    /// The blocking rules.
    pub rules: Vec<String>,
    /// Blocks that were too large and were split.
    pub oversized: Vec<Oversized>,
    /// Values that tell nothing.
    pub hot_values: Vec<HotValue>,
    /// Values that stand for nothing, of those that several records have.
    pub gaps: Vec<HotValue>,
    /// Share of pairs that are of one person, by the model.
    pub prior: f64,
    /// Weight from which on pairs are linked, in bits.
    pub threshold: f64,
    /// Expected precision of the pairs of the clusters.
    pub precision: f64,
    /// Expected recall.
    pub recall: f64,
    /// Standard errors of both by chance alone.
    pub errors: [f64; 2],
    /// The precision that the saved model promises, where the file itself promises far less.
    pub unlike: Option<f64>,
    /// Rounds of training.
    pub rounds: usize,
    /// The parameters, readable.
    pub parameters: Vec<String>,
}

/// The result: clusters and how they came about.
#[derive(Debug)]
pub struct Linked {
    /// For every record the first record of its cluster.
    pub clusters: Vec<u32>,
    /// The pairs whose weight is not far below the threshold: two records and the weight in bits.
    pub pairs: Vec<(u32, u32, f32)>,
    /// What was done.
    pub summary: Summary,
    weigher: Weigher,
    rules: Vec<Rule>,
    block_max: usize,
    /// The model that linked, where one was given.
    given: Option<TableModel>,
    /// The row of every record.
    places: Vec<u32>,
}

/// What the weight of a pair is made of.
#[derive(Clone, Debug, PartialEq)]
pub struct PairParts {
    /// Bits in all.
    pub weight: f64,
    /// Bits that both are of one person before looking at them.
    pub prior: f64,
    /// Bits taken back because relatives may have as much in common.
    pub relatives: f64,
    /// For every field that both state: the level reached and its bits.
    pub fields: Vec<(TableField, &'static str, f64)>,
}

impl Linked {
    /// What a record states of a field, as it is compared; empty for nothing.
    pub fn value<'a>(&self, table: &'a Table, record: u32, field: TableField) -> &'a str {
        table.text(field, table.rows[self.places[record as usize] as usize][field as usize])
    }

    /// The model that linked: the one that was given, or what training found.
    pub fn model(&self, table: &Table) -> TableModel {
        let (rules, hot) = (self.rules.clone(), self.summary.hot_values.clone());
        let trained = || TableModel::new(table, &self.weigher, rules, self.block_max, hot, self.summary.threshold);
        self.given.clone().unwrap_or_else(trained)
    }

    /// Takes the weight of a pair apart.
    pub fn parts(&self, table: &Table, a: u32, b: u32) -> PairParts {
        let row = |record: u32| &table.rows[self.places[record as usize] as usize];
        let (levels, parts, prior, relatives) = self.weigher.parts(table, row(a), row(b));
        let stated = TableField::ALL.into_iter().filter(|field| levels[*field as usize] != MISSING);
        let fields: Vec<(TableField, &'static str, f64)> = stated
            .map(|field| (field, level_name(field, levels[field as usize]), f64::from(parts[field as usize])))
            .collect();
        let (prior, relatives) = (f64::from(prior), f64::from(relatives));
        let weight = prior + relatives + fields.iter().map(|(_, _, bits)| bits).sum::<f64>();
        PairParts { weight, prior, relatives, fields }
    }
}

/// Pairs with less weight than this are forgotten.
const WEIGHT_MIN: f32 = -7.0;
/// What a weight may gain when the values are counted over persons.
const WEIGHT_MARGIN: f32 = 6.0;

/// How much less precision a file may promise than a saved model does before it is said to be unlike the model's.
const UNLIKE: f64 = 0.05;

/// Most pairs that are compared: many for small tables, ten per record for large ones.
fn budget(records: usize) -> f64 {
    (records as f64 * 10.0).max(3e6).min((records as f64).powi(2) / 2.0)
}

/// Most records of a block that is not split, where a model is trained on so many records.
fn block_max(records: usize) -> usize {
    if records <= 20_000 { 1000 } else { 200 }
}

/// Links the records of a table: finds hot values (and takes them out of the table), trains itself unless a model is
/// given, weighs, clusters.
pub fn link_table(table: &mut Table, options: LinkOptions<'_>, mut stage: impl FnMut(Stage)) -> Linked {
    let mut summary = Summary { records: table.len(), ..Summary::default() };
    stage(Stage::Rules);
    summary.hot_values = options.model.map_or_else(|| hot::find(table), |model| model.hot.clone());
    hot::hide(table, &summary.hot_values);
    summary.gaps = std::mem::take(&mut table.gaps);
    let table: &Table = table;
    let repeats = Repeats::find(table);
    let (rules, block_max) = match options.model {
        Some(model) => (model.rules.clone(), model.block_max),
        None => (rules::choose(table, &repeats, budget(table.len()), options.seed), block_max(table.len())),
    };
    summary.rules = rules.iter().map(|rule| rule_name(rule)).collect();
    stage(Stage::Blocks);
    let blocks = Blocks::new(table, repeats, &rules, block_max);
    summary.oversized.clone_from(&blocks.oversized);
    let (weigher, witness, pairs) = match options.model {
        Some(model) => apply(model, table, &blocks, options.seed, &mut summary, &mut stage),
        None => train(table, &blocks, options, &mut summary, &mut stage),
    };
    stage(Stage::Cluster);
    let threshold = match (options.threshold, options.model) {
        (None, Some(model)) => model.threshold as f32,
        _ => threshold(options),
    };
    let clusters = group(table, &weigher, &pairs, threshold);
    summary.threshold = f64::from(threshold);
    summary.prior = weigher.parameters.matches[0];
    summary.clusters = clusters.iter().enumerate().filter(|(place, head)| *place == **head as usize).count();
    let judged_by = |witness: &Weigher| {
        let (edges, clusters, linker) = (&pairs, &clusters, &weigher);
        let judged = Judged { table, rules: &rules, edges, clusters, linker, witness, weight_min: WEIGHT_MIN };
        judged.expected(options.seed)
    };
    let mut expected = judged_by(&witness);
    if options.model.is_some() {
        let by_model = judged_by(&weigher);
        if by_model.precision - expected.precision > UNLIKE {
            summary.unlike = Some(by_model.precision);
        } else {
            expected = by_model;
        }
    }
    (summary.precision, summary.recall) = (expected.precision, expected.recall);
    summary.errors = expected.errors;
    summary.parameters = describe(table, &weigher.parameters);
    Linked {
        clusters: by_record(table, &clusters),
        pairs: of_records(table, &blocks.repeats, pairs),
        summary,
        weigher,
        rules,
        block_max,
        given: options.model.cloned(),
        places: table.places(),
    }
}

/// Clusters of rows as clusters of the caller's records.
fn by_record(table: &Table, clusters: &[u32]) -> Vec<u32> {
    let mut first = vec![u32::MAX; clusters.len()];
    for (place, head) in clusters.iter().enumerate() {
        let first = &mut first[*head as usize];
        *first = table.record(place as u32).min(*first);
    }
    let mut found = vec![0; clusters.len()];
    for (place, head) in clusters.iter().enumerate() {
        found[table.record(place as u32) as usize] = first[*head as usize];
    }
    found
}

/// Records that say the same whose pairs are told one by one.
const ALIKE_MAX: usize = 10;

/// Pairs of rows as pairs of the caller's records, the smaller first. Of few records that say the same every pair is
/// told, of many only those that were weighed.
fn of_records(table: &Table, repeats: &Repeats, pairs: Vec<Edge>) -> Vec<Edge> {
    let alike = repeats.alike(ALIKE_MAX);
    let mut found = Vec::with_capacity(pairs.len());
    for (a, b, weight) in pairs {
        let mut tell = |a: u32, b: u32| {
            let (x, y) = (table.record(a), table.record(b));
            found.push((x.min(y), x.max(y), weight));
        };
        match (alike.get(&repeats.first(a)), alike.get(&repeats.first(b))) {
            (None, None) => tell(a, b),
            (Some(all), _) if repeats.are_same((a, b)) => {
                // The first two tell all pairs of theirs.
                let told = all.iter().enumerate().filter(|_| a == all[0]);
                told.for_each(|(place, y)| all[..place].iter().for_each(|x| tell(*x, *y)));
            }
            (left, right) => {
                let left = left.map_or(std::slice::from_ref(&a), Vec::as_slice);
                let right = right.map_or(std::slice::from_ref(&b), Vec::as_slice);
                left.iter().for_each(|x| right.iter().for_each(|y| tell(*x, *y)));
            }
        }
    }
    found
}

/// What links, what judges the links, and the pairs that are kept.
type Weighed = (Weigher, Weigher, Vec<Edge>);

/// Weighs the proposed pairs with a saved model. What the model promises of other people it cannot know: names that it
/// never saw are rare to it. So what judges is learned from the file itself, and links nothing.
fn apply(
    model: &TableModel,
    table: &Table,
    blocks: &Blocks,
    seed: u64,
    summary: &mut Summary,
    stage: &mut impl FnMut(Stage),
) -> Weighed {
    stage(Stage::Weigh);
    let weigher = model.weigher(table);
    let (edges, _, compared) = weigh(table, blocks, &weigher, WEIGHT_MIN);
    summary.pairs_compared = compared;
    stage(Stage::Train);
    let mut learner = Learner::new(table, sample::draw(table, blocks), seed);
    let (mut counts, counted) = blocks.repeats.counts(table);
    Holders::of(table).bound(&mut counts);
    let known = learner.begin(&counts, counted);
    let witness = Weigher::new(learner.witness(&known, &counts), counts);
    (weigher, witness, edges)
}

/// Trains a model on a table and weighs the proposed pairs with it.
fn train(
    table: &Table,
    blocks: &Blocks,
    options: LinkOptions<'_>,
    summary: &mut Summary,
    stage: &mut impl FnMut(Stage),
) -> Weighed {
    stage(Stage::Train);
    let mut learner = Learner::new(table, sample::draw(table, blocks), options.seed);
    let holders = Holders::of(table);
    let (mut counts, counted) = blocks.repeats.counts(table);
    holders.bound(&mut counts);
    let mut weigher = Weigher::new(learner.begin(&counts, counted), counts);
    stage(Stage::Weigh);
    let (mut edges, levels, compared) = weigh(table, blocks, &weigher, WEIGHT_MIN - WEIGHT_MARGIN);
    summary.pairs_compared = compared;
    stage(Stage::Cluster);
    let clusters = group(table, &weigher, &edges, threshold(options));
    // Again, with values counted over the persons that were found: a value is not frequent because one person states
    // it often.
    stage(Stage::Train);
    let (mut counts, persons) = count_persons(table, &clusters);
    holders.bound(&mut counts);
    weigher = Weigher::new(learner.refine(&weigher.parameters, &counts, persons), counts);
    summary.rounds = learner.rounds_done;
    let witness = Weigher::new(learner.witness(&weigher.parameters, &weigher.counts), weigher.counts.clone());
    stage(Stage::Weigh);
    weigh_again(table, &weigher, &mut edges, levels);
    (weigher, witness, edges)
}

/// The proposed pairs of at least a weight, what each agrees on, and how many pairs were compared.
fn weigh(table: &Table, blocks: &Blocks, weigher: &Weigher, least: f32) -> (Vec<Edge>, Vec<Levels>, u64) {
    let parts = blocks.for_each(
        || (Vec::new(), Vec::new(), 0_u64),
        |(edges, agreed, compared), a, b| {
            *compared += 1;
            let (left, right) = (&table.rows[a as usize], &table.rows[b as usize]);
            let levels = compare(table, left, right);
            let weight = weigher.weight_of(&levels, left, right);
            if weight >= least {
                edges.push((a, b, weight));
                agreed.push(levels);
            }
        },
    );
    let most = parts.iter().map(|(edges, ..)| edges.len()).sum();
    let (mut edges, mut agreed) = (Vec::with_capacity(most), Vec::with_capacity(most));
    let mut compared = 0;
    for (part, levels, count) in parts {
        edges.extend(part);
        agreed.extend(levels);
        compared += count;
    }
    (edges, agreed, compared)
}

/// Weighs the pairs that were kept again, and keeps those that still weigh something.
fn weigh_again(table: &Table, weigher: &Weigher, edges: &mut Vec<Edge>, levels: Vec<Levels>) {
    edges.par_iter_mut().zip(levels).with_min_len(1024).for_each(|((a, b, weight), levels)| {
        *weight = weigher.weight_of(&levels, &table.rows[*a as usize], &table.rows[*b as usize]);
    });
    edges.retain(|edge| edge.2 >= WEIGHT_MIN);
}

/// The weight from which on pairs are linked: even odds, unless the caller says otherwise. A pair below is more likely a
/// mistake than not, even where claiming it would raise the expected F1.
fn threshold(options: LinkOptions<'_>) -> f32 {
    let probability = options.threshold.unwrap_or(0.5).clamp(1e-6, 1.0 - 1e-6);
    (probability / (1.0 - probability)).log2() as f32
}

/// For every field how many clusters have each value, and how many clusters there are.
fn count_persons(table: &Table, clusters: &[u32]) -> (Vec<Vec<u32>>, f64) {
    let order = by_cluster(clusters);
    let members: Vec<&[u32]> = order.chunk_by(|a, b| clusters[*a as usize] == clusters[*b as usize]).collect();
    let again = |members: &[&[u32]]| -> Vec<(usize, u32)> {
        let (mut again, mut values) = (Vec::new(), Vec::new());
        for (cluster, field) in members
            .iter()
            .filter(|cluster| cluster.len() > 1)
            .flat_map(|cluster| (0..FIELDS).map(move |field| (cluster, field)))
        {
            values.clear();
            values.extend(cluster.iter().map(|record| table.rows[*record as usize][field]).filter(|value| *value != 0));
            values.sort_unstable();
            again.extend(values.windows(2).filter(|pair| pair[0] == pair[1]).map(|pair| (field, pair[0])));
        }
        again
    };
    let mut counts = table.counts.clone();
    for (field, value) in members.par_chunks(16_384).map(again).collect::<Vec<_>>().into_iter().flatten() {
        counts[field][value as usize] -= 1;
    }
    (counts, members.len() as f64)
}

fn describe(table: &Table, parameters: &Parameters) -> Vec<String> {
    let mut lines = vec![format!(
        "prior 2^{:.1} within, 2^{:.1} across inputs; relatives 2^{:.1}; repeats {:.2}",
        parameters.matches[0].log2(),
        parameters.matches[1].log2(),
        parameters.relatives.max(1e-30).log2(),
        parameters.repeats
    )];
    for field in TableField::ALL.into_iter().filter(|field| table.stated(*field) > 0) {
        for (state, name) in ["parent agrees", "parent differs", ""].iter().enumerate() {
            if state < 2 && field.parents().is_empty() {
                continue;
            }
            let show = |shares: &[f64]| -> String { shares.iter().map(|share| format!(" {share:.4}")).collect() };
            let place = field as usize;
            lines.push(format!(
                "{:<14}{name:<15} m{}  r{}  u{}",
                field.name(),
                show(&parameters.shares[0][place][state]),
                show(&parameters.shares[1][place][state]),
                show(&parameters.chance[place][state][1..])
            ));
        }
    }
    lines.truncate(3 * FIELDS + 1);
    lines
}
