//! What strangers have in common, by chance: counted on random pairs.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::field::{FIELDS, TableField};
use super::levels::{DIFFERENT, LEVELS, LOOSE, Levels, SAME, SWAPPED};
use super::observe::{Judge, Observed, Rarity, Sampled};
use super::prior;
use super::store::Table;
use super::weigh::{AGREES, ALONE, Parameters, STATES, Shares, state_of};

const RANDOM_PAIRS: usize = 300_000;
/// Records that random pairs are of.
const RANDOM_RECORDS: usize = 20_000;
/// Random pairs that agree on the parent, per field.
const NEIGHBOUR_PAIRS: usize = 20_000;
/// Records that these are of.
const NEIGHBOUR_RECORDS: usize = 200_000;

/// Compared pairs of which most are of strangers.
struct Drawn {
    /// Levels of the pairs that have next to nothing in common.
    certain: Box<Shares>,
    /// The others, which count as likely as they are of strangers.
    doubtful: Vec<(Sampled, Observed)>,
}

impl Drawn {
    fn new(table: &Table, pairs: &[Sampled]) -> Self {
        let look_at = |chunk: &[Sampled]| {
            let mut part = Self { certain: Box::new([[[0.0; LEVELS]; STATES]; FIELDS]), doubtful: Vec::new() };
            for pair in chunk {
                let observed = Observed::new(table, pair);
                if observed.levels.iter().filter(|level| (SAME..=LOOSE).contains(level)).count() < 2 {
                    count(&mut part.certain, &observed.levels, 1.0);
                } else {
                    part.doubtful.push((*pair, observed));
                }
            }
            part
        };
        let parts: Vec<Self> = pairs.par_chunks(8192).map(look_at).collect();
        let mut drawn = Self { certain: Box::new([[[0.0; LEVELS]; STATES]; FIELDS]), doubtful: Vec::new() };
        for part in parts {
            let mine = drawn.certain.as_flattened_mut().as_flattened_mut();
            mine.iter_mut().zip(part.certain.as_flattened().as_flattened()).for_each(|(a, b)| *a += b);
            drawn.doubtful.extend(part.doubtful);
        }
        drawn
    }

    fn sums(&mut self, table: &Table, parameters: &Parameters, counts: &[Vec<u32>], is_new: bool) -> Box<Shares> {
        let mut sums = self.certain.clone();
        let (rarity, judge) = (Rarity::new(parameters, counts), Judge::new(parameters));
        let likely: Vec<f64> = self
            .doubtful
            .par_iter_mut()
            .with_min_len(1024)
            .map(|(pair, observed)| {
                if is_new {
                    observed.count(table, pair, counts);
                }
                rarity.fill(table, pair, observed);
                let [one, relatives] = judge.kinds(observed);
                1.0 - one - relatives
            })
            .collect();
        for ((_, observed), likely) in self.doubtful.iter().zip(likely) {
            count(&mut sums, &observed.levels, likely);
        }
        sums
    }
}

fn count(sums: &mut Shares, levels: &Levels, likely: f64) {
    for field in TableField::ALL {
        sums[field as usize][state_of(levels, field)][levels[field as usize] as usize] += likely;
    }
}

/// Random pairs, and random pairs that agree on the parent of a field.
pub(crate) struct Strangers {
    random: Drawn,
    neighbours: Vec<(TableField, Drawn)>,
}

impl Strangers {
    pub(crate) fn draw(table: &Table, seed: u64) -> Self {
        let random = |stream: u64| {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            random.set_stream(stream + 1);
            random
        };
        let neighbours = |field: TableField| {
            let parent = field.parents().iter().copied().find(|parent| table.stated(*parent) * 10 > table.len());
            let parent = parent.filter(|_| table.stated(field) > 0)?;
            let mut pairs = sharing(table, parent, &mut random(field as u64));
            if field == TableField::Surname {
                pairs.retain(|pair| are_apart(&Observed::new(table, pair).levels));
            }
            Some((field, Drawn::new(table, &pairs)))
        };
        let all = || TableField::ALL.into_par_iter().with_max_len(1).filter_map(neighbours).collect();
        let (drawn, neighbours) = rayon::join(|| Drawn::new(table, &pairs(table, &mut random(FIELDS as u64))), all);
        Self { random: drawn, neighbours }
    }

    /// Shares of the levels among strangers: each pair counts as likely as it is of strangers. Whether the counts are
    /// new says `is_new`.
    pub(crate) fn shares(
        &mut self,
        table: &Table,
        parameters: &Parameters,
        counts: &[Vec<u32>],
        is_new: bool,
    ) -> Shares {
        let sums = self.random.sums(table, parameters, counts, is_new);
        let mut shares: Shares = [[[0.0; LEVELS]; STATES]; FIELDS];
        for field in TableField::ALL {
            let place = field as usize;
            shares[place] = [normalise(&add_states(&sums[place]), &prior::strangers(field)); STATES];
        }
        for (field, drawn) in &mut self.neighbours {
            let sums = drawn.sums(table, parameters, counts, is_new);
            let place = *field as usize;
            shares[place][AGREES] = match field {
                TableField::Surname => correlated(&sums[place][AGREES], &shares[place][ALONE]),
                _ => normalise(&sums[place][AGREES], &shares[place][ALONE]),
            };
        }
        shares
    }
}

/// Whether something that tells people apart differs, and nothing of the kind agrees.
fn are_apart(levels: &Levels) -> bool {
    let telling =
        [TableField::Birth, TableField::NationalId, TableField::Phone, TableField::Email, TableField::Address1];
    let levels = telling.map(|field| levels[field as usize]);
    levels.iter().any(|level| matches!(*level, DIFFERENT | SWAPPED)) && !levels.contains(&SAME)
}

/// Shares of a surname's levels among strangers of one given name: who shares a language or a parish shares both names
/// more often than chance has it. Only an excess that is no accident counts.
fn correlated(counts: &[f64; LEVELS], alone: &[f64; LEVELS]) -> [f64; LEVELS] {
    let total: f64 = counts[1..].iter().sum();
    let found = counts[SAME as usize];
    let least = (found - 1.5 * found.sqrt()).max(0.0) / total.max(1.0);
    let mut shares = *alone;
    shares[SAME as usize] = least.clamp(alone[SAME as usize], 20.0 * alone[SAME as usize]);
    shares
}

pub(crate) fn add_states(states: &[[f64; LEVELS]; STATES]) -> [f64; LEVELS] {
    let mut sum = [0.0; LEVELS];
    for state in states {
        sum.iter_mut().zip(state).for_each(|(sum, count)| *sum += count);
    }
    sum
}

/// Pairs that count for what was believed before any was seen.
const BELIEVED_PAIRS: f64 = 20.0;

/// Shares of counts, drawn a little towards what was believed: in a file of a few rows one pair shows nothing.
fn normalise(counts: &[f64; LEVELS], believed: &[f64; LEVELS]) -> [f64; LEVELS] {
    let total: f64 = counts[1..].iter().sum();
    let mut shares = [0.0; LEVELS];
    for level in 1..LEVELS {
        shares[level] = (counts[level] + BELIEVED_PAIRS * believed[level]) / (total + BELIEVED_PAIRS);
    }
    shares[DIFFERENT as usize] = shares[DIFFERENT as usize].max(1e-3);
    shares
}

/// Some of the records: all if they are not more than `most`.
fn some(table: &Table, most: usize, random: &mut ChaCha8Rng) -> Vec<u32> {
    let records = table.len() as u32;
    match table.len() <= most {
        true => (0..records).collect(),
        false => (0..most).map(|_| random.random_range(0..records)).collect(),
    }
}

/// Random pairs. Those of a large table are pairs of some of its records, which stay at hand.
fn pairs(table: &Table, random: &mut ChaCha8Rng) -> Vec<Sampled> {
    let records = some(table, RANDOM_RECORDS, random);
    let count = RANDOM_PAIRS.min(table.len() * table.len());
    let mut draw = || records[random.random_range(0..records.len())];
    (0..count).map(|_| (draw(), draw())).filter(|(a, b)| a != b).collect()
}

/// Pairs drawn evenly from those that have the same value of a field.
fn sharing(table: &Table, field: TableField, random: &mut ChaCha8Rng) -> Vec<Sampled> {
    let value = |record: &u32| table.rows[*record as usize][field as usize];
    let mut records = some(table, NEIGHBOUR_RECORDS, random);
    records.retain(|record| value(record) != 0);
    records.sort_unstable_by_key(|record| (value(record), *record));
    records.dedup();
    // Of values that several records have, how many pairs there are up to each.
    let mut total = 0.0;
    let blocks: Vec<(f64, &[u32])> = records
        .chunk_by(|a, b| value(a) == value(b))
        .filter(|block| block.len() > 1)
        .map(|block| {
            total += (block.len() * (block.len() - 1)) as f64;
            (total, block)
        })
        .collect();
    if blocks.is_empty() {
        return Vec::new();
    }
    let mut draw = || {
        let at = random.random_range(0.0..total);
        let block = blocks[blocks.partition_point(|(sum, _)| *sum <= at).min(blocks.len() - 1)].1;
        (block[random.random_range(0..block.len())], block[random.random_range(0..block.len())])
    };
    (0..NEIGHBOUR_PAIRS).map(|_| draw()).filter(|(a, b)| a != b).collect()
}
