//! What the clusters are expected to be worth: precision and recall over pairs.
//!
//! What data can show is judged by data alone: the shares are estimated once more, next to free of what is typical.
//! All pairs between two clusters are one question asked several times, so each merge within a cluster, and each merge
//! that did not come about, is as likely right as the mean of its weights says. What data cannot show, pairs of one
//! person that no rule proposes or that look like strangers, is counted on imagined pairs drawn from the model that
//! linked.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::block::{Atom, Rule};
use super::field::{FIELDS, TableField};
use super::group::{CLAMP, Edge, by_cluster, mean, merges};
use super::levels::{DIFFERENT, LEVELS, LOOSE, Levels, MISSING, NEAR, SAME, SWAPPED};
use super::store::{INPUT, Row, Table};
use super::weigh::{ONE_PERSON, Weigher, probability, state_of};
use crate::hash::mix;

/// Expected precision and recall of the pairs of clusters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Expected {
    pub(crate) precision: f64,
    pub(crate) recall: f64,
    /// Standard errors of both by chance alone, were every probability right.
    pub(crate) errors: [f64; 2],
}

/// Pairs of one person that are expected among some, and the variance of their number: a merge is right with all of
/// its pairs, or wrong.
#[derive(Clone, Copy, Default)]
struct Right {
    pairs: f64,
    variance: f64,
}

impl Right {
    fn take(&mut self, likely: f64, pairs: f64) {
        self.pairs += likely * pairs;
        self.variance += likely * (1.0 - likely) * pairs * pairs;
    }

    fn add(self, other: Self) -> Self {
        Self { pairs: self.pairs + other.pairs, variance: self.variance + other.variance }
    }
}

/// What an estimate looks at.
pub(crate) struct Judged<'a> {
    pub(crate) table: &'a Table,
    pub(crate) rules: &'a [Rule],
    /// The pairs of which something is known.
    pub(crate) edges: &'a [Edge],
    pub(crate) clusters: &'a [u32],
    /// Weighs as the clusters were made.
    pub(crate) linker: &'a Weigher,
    /// Weighs by what data alone say.
    pub(crate) witness: &'a Weigher,
    /// Weight from which on pairs are among the edges.
    pub(crate) weight_min: f32,
}

/// Pairs of clusters, and pairs within clusters, that are looked at.
const LOOKED_AT: f64 = 100_000.0;
/// Members of a cluster that are looked at.
const MEMBERS_MAX: usize = 150;
/// Imagined pairs.
const IMAGINED: usize = 20_000;

impl Judged<'_> {
    pub(crate) fn expected(&self, seed: u64) -> Expected {
        let (right, pairs) = self.inside();
        let missed = self.outside();
        let hidden = self.hidden(seed);
        let total = (right.pairs + missed.pairs) / (1.0 - hidden.min(0.9));
        // Where hardly a pair is expected, none is missed.
        let recall = if total > 0.5 { (right.pairs / total).min(1.0) } else { 1.0 };
        let unsure = (1.0 - recall).powi(2) * right.variance + recall.powi(2) * missed.variance;
        Expected {
            precision: if pairs > 0.0 { right.pairs / pairs } else { 1.0 },
            recall,
            errors: [right.variance.sqrt() / pairs.max(1.0), unsure.sqrt() / total.max(1.0)],
        }
    }

    /// The pairs within clusters that are right, and how many pairs there are.
    fn inside(&self) -> (Right, f64) {
        let order = by_cluster(self.clusters);
        let same = |a: &u32, b: &u32| self.clusters[*a as usize] == self.clusters[*b as usize];
        let clusters: Vec<&[u32]> = order.chunk_by(same).filter(|members| members.len() > 1).collect();
        let pairs_of = |members: &[u32]| (members.len() * (members.len() - 1)) as f64 / 2.0;
        let all: f64 = clusters.iter().map(|members| pairs_of(members)).fold(0.0, |sum, pairs| sum + pairs);
        let is_looked_at = |members: &&&[u32]| is_drawn(u64::from(members[0]), LOOKED_AT / all);
        let mut drawn: Vec<&[u32]> = clusters.iter().filter(is_looked_at).copied().collect();
        if drawn.is_empty() {
            drawn.extend(clusters.iter().max_by_key(|members| members.len()));
        }
        let found: Vec<(Right, f64)> = drawn
            .into_par_iter()
            .with_min_len(64)
            .map(|members| {
                let some = spread(members, MEMBERS_MAX);
                let mut right = Right::default();
                let scale = pairs_of(members) / pairs_of(&some);
                merges(self.table, self.witness, &some, |mean, pairs| {
                    right.take(probability(mean), pairs as f64 * scale);
                });
                (right, pairs_of(members))
            })
            .collect();
        let looked_at: f64 = found.iter().map(|(_, pairs)| pairs).sum();
        let right = found.into_iter().map(|(right, _)| right).fold(Right::default(), Right::add);
        let scale = if looked_at > 0.0 { all / looked_at } else { 0.0 };
        (Right { pairs: right.pairs * scale, variance: right.variance * scale }, all)
    }

    /// How many pairs of one person there are between clusters.
    fn outside(&self) -> Right {
        let apart = |edge: &&Edge| self.clusters[edge.0 as usize] != self.clusters[edge.1 as usize];
        let share = LOOKED_AT / (self.edges.iter().filter(apart).count() as f64).max(1.0);
        let mut between: Vec<(u32, u32)> = self
            .edges
            .iter()
            .filter(apart)
            .map(|edge| {
                let (a, b) = (self.clusters[edge.0 as usize], self.clusters[edge.1 as usize]);
                (a.min(b), a.max(b))
            })
            .filter(|(a, b)| is_drawn(u64::from(*a) << 32 | u64::from(*b), share))
            .collect();
        between.par_sort_unstable();
        between.dedup();
        let mut wanted: Vec<u32> = between.iter().flat_map(|(a, b)| [*a, *b]).collect();
        wanted.par_sort_unstable();
        wanted.dedup();
        let mut members: Vec<Vec<u32>> = vec![Vec::new(); wanted.len()];
        for (record, head) in self.clusters.iter().enumerate() {
            if let Ok(place) = wanted.binary_search(head) {
                members[place].push(record as u32);
            }
        }
        let of = |head: u32| wanted.binary_search(&head).map_or(&[][..], |place| &members[place]);
        let found: Vec<(f64, f64)> = between
            .par_iter()
            .with_min_len(256)
            .map(|(a, b)| {
                let (a, b) = (of(*a), of(*b));
                let between = (&*spread(a, 12), &*spread(b, 12));
                (probability(mean(self.table, self.witness, between, CLAMP)), (a.len() * b.len()) as f64)
            })
            .collect();
        let mut missed = Right::default();
        found.into_iter().for_each(|(likely, pairs)| missed.take(likely, pairs));
        let share = share.min(1.0);
        Right { pairs: missed.pairs / share, variance: missed.variance / share }
    }

    /// The share of the pairs of one person that no rule proposes or that look like strangers.
    fn hidden(&self, seed: u64) -> f64 {
        let rows = &self.table.rows;
        if rows.len() < 2 {
            return 0.0;
        }
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut draw = || random.random_range(0..rows.len());
        let drawn: Vec<(usize, usize)> = (0..IMAGINED).map(|_| (draw(), draw())).collect();
        let (mut hidden, mut all) = (0.0, 0.0);
        for (a, b) in drawn {
            let (a, b) = (&rows[a], &rows[b]);
            // Where everybody is once in each input, there are such pairs across inputs only.
            let likely = self.linker.parameters.matches[usize::from(a[INPUT] != b[INPUT])];
            let levels = self.imagine(a, b, &mut random);
            let mut other = *a;
            other[INPUT] = b[INPUT];
            let looks_alike = self.linker.weight_of(&levels, a, &other) >= self.weight_min;
            all += likely;
            if !looks_alike || !self.is_proposed(&levels, &mut random) {
                hidden += likely;
            }
        }
        hidden / all
    }

    /// What two records of one person agree on that state what two records of the table do.
    fn imagine(&self, a: &Row, b: &Row, random: &mut ChaCha8Rng) -> Levels {
        let mut levels = [MISSING; FIELDS];
        for field in TableField::ALL {
            let place = field as usize;
            if a[place] == 0 || b[place] == 0 {
                continue;
            }
            let state = state_of(&levels, field);
            let parameters = &self.linker.parameters;
            let mut level = pick(&parameters.shares[ONE_PERSON][place][state], random);
            if level == 0 {
                level = pick(&parameters.chance[place][state], random).max(SAME);
            }
            // Half a swap is as good as a slip.
            levels[place] = if level == SWAPPED && field != TableField::Birth { LOOSE } else { level };
        }
        levels
    }

    /// Whether a rule proposes a pair that agrees so.
    fn is_proposed(&self, levels: &Levels, random: &mut ChaCha8Rng) -> bool {
        self.rules.iter().any(|rule| {
            rule.iter().all(|atom| match atom {
                Atom::Names => {
                    [TableField::Given, TableField::Surname].iter().all(|name| levels[*name as usize] == SAME)
                }
                _ => match levels[atom.field() as usize] {
                    SAME => true,
                    NEAR | LOOSE => random.random_bool(atom.survives()),
                    _ => false,
                },
            })
        })
    }
}

/// One of the levels by its share.
fn pick(shares: &[f64; LEVELS], random: &mut ChaCha8Rng) -> u8 {
    let mut left = random.random_range(0.0..1.0) * shares.iter().sum::<f64>();
    for (level, share) in shares.iter().enumerate() {
        left -= share;
        if left < 0.0 {
            return level as u8;
        }
    }
    DIFFERENT
}

/// Whether one of many is among the share that is looked at.
fn is_drawn(what: u64, share: f64) -> bool {
    share >= 1.0 || (mix(what, 7) >> 32) as f64 <= share * 4_294_967_296.0
}

/// At most so many, evenly spread.
fn spread(all: &[u32], most: usize) -> Vec<u32> {
    let count = all.len().min(most);
    (0..count).map(|place| all[place * all.len() / count]).collect()
}
