//! What strangers have in common, by chance: counted on random pairs.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::field::{FIELDS, TableField};
use super::learn::{Observed, Sampled, fill, kinds, look};
use super::levels::{DIFFERENT, LEVELS, LOOSE, Levels, SAME, SWAPPED};
use super::store::Table;
use super::weigh::{AGREES, ALONE, Parameters, STATES, Shares, state_of};

const RANDOM_PAIRS: usize = 300_000;
/// Random pairs that agree on the parent, per field.
const NEIGHBOUR_PAIRS: usize = 20_000;

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
                let observed = look(table, pair);
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

    fn sums(&mut self, table: &Table, parameters: &Parameters, counts: &[Vec<u32>]) -> Box<Shares> {
        let mut sums = self.certain.clone();
        let likely: Vec<f64> = self
            .doubtful
            .par_iter_mut()
            .with_min_len(1024)
            .map(|(pair, observed)| {
                fill(table, parameters, counts, pair, observed);
                let [one, relatives] = kinds(parameters, observed);
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
    pub(crate) fn draw(table: &Table, random: &mut ChaCha8Rng) -> Self {
        let records = table.len() as u32;
        let count = RANDOM_PAIRS.min(table.len() * table.len());
        let pairs = (0..count).map(|_| (random.random_range(0..records), random.random_range(0..records)));
        let pairs: Vec<Sampled> = pairs.filter(|(a, b)| a != b).collect();
        let mut neighbours = Vec::new();
        for field in TableField::ALL {
            let parent = field.parents().iter().copied().find(|parent| table.stated(*parent) * 10 > table.len());
            let Some(parent) = parent.filter(|_| table.stated(field) > 0) else { continue };
            let mut pairs = sharing(table, parent, random);
            if field == TableField::Surname {
                pairs.retain(|pair| are_apart(&look(table, pair).levels));
            }
            neighbours.push((field, Drawn::new(table, &pairs)));
        }
        Self { random: Drawn::new(table, &pairs), neighbours }
    }

    /// Shares of the levels among strangers: each pair counts as likely as it is of strangers.
    pub(crate) fn shares(&mut self, table: &Table, parameters: &Parameters, counts: &[Vec<u32>]) -> Shares {
        let sums = self.random.sums(table, parameters, counts);
        let mut shares: Shares = [[[0.0; LEVELS]; STATES]; FIELDS];
        for field in TableField::ALL {
            let place = field as usize;
            shares[place] = [normalise(&add_states(&sums[place]), None); STATES];
        }
        for (field, drawn) in &mut self.neighbours {
            let sums = drawn.sums(table, parameters, counts);
            let place = *field as usize;
            shares[place][AGREES] = match field {
                TableField::Surname => correlated(&sums[place][AGREES], &shares[place][ALONE]),
                _ => normalise(&sums[place][AGREES], Some(&shares[place][ALONE])),
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

/// Shares of counts; a little is added to each so that nothing is impossible.
fn normalise(counts: &[f64; LEVELS], like: Option<&[f64; LEVELS]>) -> [f64; LEVELS] {
    let total: f64 = counts[1..].iter().sum();
    let mut shares = [0.0; LEVELS];
    for level in 1..LEVELS {
        let added = like.map_or(0.2, |like| 20.0 * like[level]);
        shares[level] = (counts[level] + added) / (total + if like.is_some() { 20.0 } else { 1.2 });
    }
    shares[DIFFERENT as usize] = shares[DIFFERENT as usize].max(1e-3);
    shares
}

/// Pairs drawn evenly from those that have the same value of a field.
fn sharing(table: &Table, field: TableField, random: &mut ChaCha8Rng) -> Vec<Sampled> {
    let place = field as usize;
    // Records by value: counting sort.
    let mut starts: Vec<u32> = Vec::with_capacity(table.counts[place].len() + 1);
    let (mut start, mut total) = (0_u32, 0.0_f64);
    let mut sums: Vec<(f64, u32)> = Vec::new();
    for (value, count) in table.counts[place].iter().enumerate() {
        starts.push(start);
        if value > 0 {
            start += count;
            if *count > 1 {
                total += f64::from(*count) * f64::from(count - 1);
                sums.push((total, value as u32));
            }
        }
    }
    if sums.is_empty() {
        return Vec::new();
    }
    let mut order = vec![0_u32; start as usize];
    let mut next = starts.clone();
    for (record, row) in table.rows.iter().enumerate().filter(|(_, row)| row[place] != 0) {
        let slot = &mut next[row[place] as usize];
        order[*slot as usize] = record as u32;
        *slot += 1;
    }
    let mut draw = || {
        let at = random.random_range(0.0..total);
        let value = sums[sums.partition_point(|(sum, _)| *sum <= at).min(sums.len() - 1)].1 as usize;
        let block = &order[starts[value] as usize..][..table.counts[place][value] as usize];
        (block[random.random_range(0..block.len())], block[random.random_range(0..block.len())])
    };
    (0..NEIGHBOUR_PAIRS).map(|_| draw()).filter(|(a, b)| a != b).collect()
}
