//! The choice of blocking rules: from the columns that are there, how full they are and how often their values recur.
//!
//! Every combination of up to three pieces is a candidate. What a rule costs, the pairs that it proposes, is counted
//! on a sample of the records. What it gains is estimated on imagined pairs of one person: each field agrees, is a
//! slip away, or differs, and has gaps as the records have. Rules are taken by gain per cost until next to nothing is
//! gained or the budget is spent.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::block::{Atom, Keys, Rule};
use super::field::{FIELDS, TableField};
use super::repeats::Repeats;
use super::store::{Row, Table};
use crate::hash::mix;

/// Records that costs are counted on.
const SAMPLE_MAX: usize = 20_000;
/// Imagined pairs.
const TRIALS: usize = 16_384;
const WORDS: usize = TRIALS / 64;
/// Rules at most.
pub(crate) const RULES_MAX: usize = 24;
/// Share of pairs that a rule must add.
const GAIN_MIN: f64 = 0.0004;

type Caught = [u64; WORDS];

struct Candidate {
    rule: Rule,
    /// Pairs that it proposes, once they are counted; until then what they would be if its pieces were independent,
    /// which is less.
    cost: f64,
    is_counted: bool,
    caught: Box<Caught>,
    /// Share of the imagined pairs that it would add.
    gain: f64,
}

impl Candidate {
    /// What it adds per pair proposed, at most.
    fn merit(&self, records: f64) -> f64 {
        self.gain / (self.cost + records)
    }
}

/// Candidates that are counted at once.
const COUNTED: usize = 16;

/// Chooses rules that together propose at most about `budget` pairs.
pub(crate) fn choose(table: &Table, repeats: &Repeats, budget: f64, seed: u64) -> Vec<Rule> {
    let atoms: Vec<Atom> =
        Atom::ALL.into_iter().filter(|atom| table.stated(atom.field()) * 50 >= table.len()).collect();
    let keys = Keys::new(table, atoms.iter().copied());
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    // Records that say the same are one record to the blocks.
    let distinct: Vec<u32> = (0..table.len() as u32).filter(|place| repeats.is_first(*place)).collect();
    let row = |place: usize| table.rows[distinct[place] as usize];
    let sample: Vec<Row> = match distinct.len() <= SAMPLE_MAX {
        true => (0..distinct.len()).map(row).collect(),
        false => (0..SAMPLE_MAX).map(|_| row(random.random_range(0..distinct.len()))).collect(),
    };
    let survives = imagine(&sample, &atoms, &mut random);
    let scale = (distinct.len() as f64 / sample.len() as f64).powi(2);
    let columns: Vec<Vec<u64>> =
        atoms.par_iter().map(|atom| sample.iter().map(|row| keys.atom(row, *atom)).collect()).collect();
    let of = |rule: &[Atom]| -> Vec<&[u64]> { rule.iter().map(|atom| &*columns[position(&atoms, *atom)]).collect() };
    let singles: Vec<f64> = atoms.par_iter().map(|atom| pairs(&of(&[*atom])) * scale).collect();
    let all = (distinct.len() as f64).powi(2) / 2.0;
    let candidates: Vec<Candidate> = combinations(&atoms)
        .into_par_iter()
        .map(|rule| {
            let share: f64 = rule.iter().map(|atom| singles[position(&atoms, *atom)] / all).product();
            let mut caught = Box::new([u64::MAX; WORDS]);
            for atom in &rule {
                let own = &survives[position(&atoms, *atom)];
                caught.iter_mut().zip(own.iter()).for_each(|(all, one)| *all &= one);
            }
            Candidate { rule, cost: share * all, is_counted: false, caught, gain: 0.0 }
        })
        .collect();
    greedy(candidates, budget, table.len() as f64, |rule| pairs(&of(rule)) * scale)
}

fn position(atoms: &[Atom], atom: Atom) -> usize {
    atoms.iter().position(|other| *other == atom).unwrap_or(0)
}

/// Takes the candidates of most merit. Only of those that may be the next are the pairs counted.
fn greedy(
    mut candidates: Vec<Candidate>,
    budget: f64,
    records: f64,
    count: impl Fn(&[Atom]) -> f64 + Sync,
) -> Vec<Rule> {
    let mut open = [u64::MAX; WORDS];
    let mut left = budget;
    let mut chosen: Vec<Rule> = Vec::new();
    while chosen.len() < RULES_MAX {
        candidates.par_iter_mut().with_min_len(64).for_each(|candidate| {
            let new: u32 = candidate.caught.iter().zip(&open).map(|(caught, open)| (caught & open).count_ones()).sum();
            candidate.gain = f64::from(new) / TRIALS as f64;
        });
        // What gains nothing now, or is too much now, will be so later.
        let fits = |candidate: &Candidate| candidate.gain >= GAIN_MIN && candidate.cost <= left.min(budget * 0.5);
        candidates.retain(fits);
        candidates.sort_by(|x, y| y.merit(records).total_cmp(&x.merit(records)).then_with(|| x.rule.cmp(&y.rule)));
        let Some(first) = candidates.first() else { break };
        if !first.is_counted {
            let next = candidates.iter_mut().filter(|candidate| !candidate.is_counted).take(COUNTED);
            next.collect::<Vec<_>>().into_par_iter().for_each(|candidate| {
                candidate.cost = count(&candidate.rule);
                candidate.is_counted = true;
            });
            continue;
        }
        let taken = candidates.remove(0);
        left -= taken.cost;
        open.iter_mut().zip(taken.caught.iter()).for_each(|(open, caught)| *open &= !caught);
        chosen.push(taken.rule);
    }
    chosen
}

/// Which imagined pairs agree on each atom.
fn imagine(sample: &[Row], atoms: &[Atom], random: &mut ChaCha8Rng) -> Vec<Caught> {
    let mut found = vec![[0_u64; WORDS]; atoms.len()];
    if sample.is_empty() {
        return found;
    }
    for trial in 0..TRIALS {
        let (a, b) = (&sample[random.random_range(0..sample.len())], &sample[random.random_range(0..sample.len())]);
        let swapped = random.random_bool(0.02);
        // A pair has good and bad records: what one field shows, the others share.
        let quality = [0.9, 0.8, 0.6][random.random_range(0..3)];
        let mut fields = [(false, false); FIELDS];
        for (place, state) in fields.iter_mut().enumerate() {
            let same = random.random_bool(quality);
            *state = (same, random.random_bool(if TableField::ALL[place] == TableField::Birth { 0.75 } else { 0.6 }));
        }
        for (place, atom) in atoms.iter().enumerate() {
            let survives = random.random_bool(atom.survives());
            let field = atom.field() as usize;
            let stated = |field: usize| a[field] != 0 && b[field] != 0;
            let agrees = |field: usize| fields[field].0 || fields[field].1 && survives;
            let name = matches!(atom.field(), TableField::Given | TableField::Surname);
            let caught = match atom {
                Atom::Names => {
                    let (given, surname) = (TableField::Given as usize, TableField::Surname as usize);
                    stated(given) && stated(surname) && fields[given].0 && fields[surname].0
                }
                _ => stated(field) && agrees(field) && !(name && swapped),
            };
            if caught {
                found[place][trial / 64] |= 1 << (trial % 64);
            }
        }
    }
    found
}

fn combinations(atoms: &[Atom]) -> Vec<Rule> {
    let independent = |a: Atom, b: Atom| {
        let names = |atom: Atom| matches!(atom.field(), TableField::Given | TableField::Surname);
        a.field() != b.field() && !(a == Atom::Names && names(b) || b == Atom::Names && names(a))
    };
    let mut rules: Vec<Rule> = Vec::new();
    for (i, a) in atoms.iter().enumerate() {
        rules.push(vec![*a]);
        for (j, b) in atoms.iter().enumerate().skip(i + 1) {
            if !independent(*a, *b) {
                continue;
            }
            rules.push(vec![*a, *b]);
            for c in atoms.iter().skip(j + 1) {
                if independent(*a, *c) && independent(*b, *c) {
                    rules.push(vec![*a, *b, *c]);
                }
            }
        }
    }
    rules
}

/// The pairs of records that agree on all columns.
fn pairs(columns: &[&[u64]]) -> f64 {
    let key = |record: usize| {
        columns.iter().try_fold(1, |key, column| (column[record] != 0).then(|| mix(key, column[record])))
    };
    let records = columns.first().map_or(0, |column| column.len());
    let mut found: Vec<u64> = (0..records).filter_map(key).collect();
    found.sort_unstable();
    found.chunk_by(|a, b| a == b).map(|block| (block.len() * (block.len() - 1)) as f64 / 2.0).sum()
}
