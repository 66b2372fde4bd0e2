//! Learning a model from records, without labels.
//!
//! Name frequencies are counted. `u` comes from random pairs. `m` comes from expectation-maximization over the pairs
//! that blocking proposes: each is of one person with some probability, by the weights so far; the levels it reached
//! count with that probability. A rule that makes a field agree says nothing about how often it agrees, so a pair
//! counts for a field only when a rule that leaves the field free proposed it.

use std::collections::BTreeMap;

use domain::PersonId;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::block::{BlockKey, blocking_keys};
use crate::compare::{Comparison, compare};
use crate::engine::Values;
use crate::model::{ModelFile, REACHABLE};
use crate::name::NameKind;
use crate::standardize::Standardized;
use crate::{Field, Level, Model, ModelError, Record};

/// A model that was learned, and how.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The model.
    pub model: Model,
    /// Pairs that blocking proposed and that were looked at.
    pub pairs: usize,
    /// Random pairs that were looked at.
    pub random_pairs: usize,
    /// Rounds until nothing moved any more, or the limit.
    pub rounds: usize,
    /// How many of the proposed pairs are of one person, by the model.
    pub expected_matches: f64,
}

/// Why nothing can be learned.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Too few records.
    #[error("{0} records are too few to learn from")]
    TooFew(usize),
    /// Blocking proposed no pair.
    #[error("no two records have enough in common to be compared")]
    NoPairs,
    /// What was learned is no model.
    #[error(transparent)]
    Model(#[from] ModelError),
}

const PAIRS_MAX: usize = 400_000;
const RANDOM_PAIRS: usize = 400_000;
const ROUNDS_MAX: usize = 25;
const RECORDS_MIN: usize = 20;
/// Weight of the model one starts from, in pairs: where the data say little, its shares stay.
const PRIOR_PAIRS: f64 = 50.0;

/// A pair that blocking proposed: what it reached, and which fields a rule left free.
struct Observed {
    levels: Vec<(Field, Level)>,
    free: u16,
    comparison: Comparison,
}

/// Learns from records, each with its person, beginning with the shares of `base`. The same records and seed give the same
/// model. Hot values count for nothing, as they do in the engine.
///
/// # Errors
/// When there are too few records, or none that have anything in common.
pub fn train(records: &[(Record, PersonId)], base: &Model, version: &str, seed: u64) -> Result<Trained, TrainError> {
    if records.len() < RECORDS_MIN {
        return Err(TrainError::TooFew(records.len()));
    }
    let standardize = |model: &Model| -> Vec<Standardized> {
        let whole: Vec<Standardized> =
            records.par_iter().map(|(record, _)| Standardized::of(&record.statement, model)).collect();
        let hot = Values::of(&whole, &model.file().hot);
        whole.into_par_iter().map(|record| hot.without_hot(&record).unwrap_or(record)).collect()
    };
    let mut file = base.file().clone();
    file.version = version.to_owned();
    let persons: Vec<PersonId> = records.iter().map(|(_, person)| *person).collect();
    count_names(&standardize(base), &persons, &mut file);
    let mut model = Model::from_file(file)?;
    let standardized = standardize(&model);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let random_pairs = learn_u(&standardized, &mut model, &mut random)?;
    let pairs = proposed(&standardized, &model, &mut random);
    if pairs.is_empty() {
        return Err(TrainError::NoPairs);
    }
    let (mut rounds, mut expected_matches, mut before) = (0, 0.0, f64::NAN);
    while rounds < ROUNDS_MAX {
        rounds += 1;
        let observed = observe(&pairs, &standardized, &model);
        expected_matches = learn_m(&observed, &mut model, standardized.len())?;
        if (expected_matches - before).abs() < before * 1e-4 {
            break;
        }
        before = expected_matches;
    }
    Ok(Trained { model, pairs: pairs.len(), random_pairs, rounds, expected_matches })
}

/// A name that fewer persons bear is in no model: a file that leaves the hub must not tell of anybody.
const BEARERS_MIN: usize = 10;
/// So many persons make the shares of their names worth more than those of the base.
const PERSONS_MIN: usize = 200;

/// Who bears a name.
type Bearers = BTreeMap<String, FxHashSet<PersonId>>;

/// Counts the persons that bear surnames and characters of given names. Records are not persons: whoever is recorded
/// forty times does not make a name frequent.
fn count_names(records: &[Standardized], persons: &[PersonId], file: &mut ModelFile) {
    let (mut family, mut characters, mut latin_family, mut latin_given) =
        (Bearers::new(), Bearers::new(), Bearers::new(), Bearers::new());
    let (mut han, mut latin, mut single) =
        (FxHashSet::default(), FxHashSet::default(), FxHashSet::<PersonId>::default());
    let bears = |bearers: &mut Bearers, name: &str, person: PersonId| {
        if !name.is_empty() {
            bearers.entry(name.to_owned()).or_default().insert(person);
        }
    };
    for (record, person) in records.iter().zip(persons).filter(|(record, _)| !record.organisation) {
        let Some(name) = record.names.first().filter(|name| name.family != 0) else { continue };
        match name.kind {
            NameKind::Han => {
                han.insert(*person);
                bears(&mut family, name.family_text(), *person);
                if name.given_text().chars().count() == 1 {
                    single.insert(*person);
                }
                name.given_text().chars().for_each(|c| bears(&mut characters, &c.to_string(), *person));
            }
            NameKind::Latin => {
                latin.insert(*person);
                bears(&mut latin_family, name.family_text(), *person);
                bears(&mut latin_given, name.given_text().split(' ').next().unwrap_or(""), *person);
            }
            _ => {}
        }
    }
    let letters: usize = characters.values().map(FxHashSet::len).sum();
    let shares = |bearers: Bearers, of: usize| -> BTreeMap<String, f64> {
        let frequent = bearers.into_iter().filter(|(_, persons)| persons.len() >= BEARERS_MIN);
        frequent.map(|(name, persons)| (name, persons.len() as f64 / of as f64)).collect()
    };
    let (han, latin, single) = (han.len(), latin.len(), single.len());
    if han >= PERSONS_MIN {
        file.names.family = shares(family, han);
        file.names.characters = shares(characters, letters);
        file.names.family_default = 2.0 / han as f64;
        file.names.character_default = 2.0 / letters as f64;
        file.names.one_character_share = (single.max(1) as f64 / han as f64).min(0.99);
    }
    if latin >= PERSONS_MIN {
        file.names.latin_family = shares(latin_family, latin);
        file.names.latin_given = shares(latin_given, latin);
        file.names.latin_family_default = 2.0 / latin as f64;
        file.names.latin_given_default = 2.0 / latin as f64;
    }
}

fn levels(comparison: &Comparison) -> Vec<(Field, Level)> {
    let parts = comparison.parts.iter().map(|part| (part.field, part.level));
    parts.filter(|(_, level)| *level != Level::Given).collect()
}

/// Learns `u` of the levels that carry no value frequency: the share among random pairs.
fn learn_u(records: &[Standardized], model: &mut Model, random: &mut ChaCha8Rng) -> Result<usize, TrainError> {
    let pairs: Vec<(usize, usize)> = (0..RANDOM_PAIRS)
        .map(|_| (random.random_range(0..records.len()), random.random_range(0..records.len())))
        .filter(|(a, b)| a != b)
        .collect();
    let mut counts: FxHashMap<(Field, Level), f64> = FxHashMap::default();
    let mut fields: FxHashMap<Field, f64> = FxHashMap::default();
    let reached: Vec<Vec<(Field, Level)>> =
        pairs.par_iter().map(|(a, b)| levels(&compare(model, &records[*a], &records[*b]))).collect();
    for (field, level) in reached.into_iter().flatten() {
        *counts.entry((field, level)).or_default() += 1.0;
        *fields.entry(field).or_default() += 1.0;
    }
    let mut file = model.file().clone();
    for entry in &mut file.level {
        let has_frequency = matches!(
            (entry.field, entry.level),
            (Field::Name, Level::Same | Level::Sound | Level::Fits | Level::GivenName | Level::Near | Level::Surname)
                | (Field::NationalId, Level::Fits)
        );
        let total = fields.get(&entry.field).copied().unwrap_or(0.0);
        if has_frequency || total < 1000.0 {
            continue;
        }
        let count = counts.get(&(entry.field, entry.level)).copied().unwrap_or(0.0);
        // Some random pairs are of one person; a share as small as theirs is better taken from the base.
        let kept = 20_000.0;
        entry.u = ((count + entry.u * kept) / (total + kept)).clamp(1e-12, 1.0);
    }
    *model = Model::from_file(file)?;
    Ok(pairs.len())
}

/// The pairs that blocking proposes, each once, with the fields that some rule left free. At most [`PAIRS_MAX`], drawn
/// evenly.
fn proposed(records: &[Standardized], model: &Model, random: &mut ChaCha8Rng) -> Vec<(u32, u32, u16)> {
    let mut blocks: FxHashMap<BlockKey, Vec<u32>> = FxHashMap::default();
    for (number, record) in records.iter().enumerate() {
        for key in blocking_keys(record) {
            blocks.entry(key).or_default().push(number as u32);
        }
    }
    let limit = model.file().blocking.records_max;
    let mut keys: Vec<(BlockKey, Vec<u32>)> =
        blocks.into_iter().filter(|(_, block)| block.len() > 1 && block.len() <= limit).collect();
    keys.sort_unstable_by_key(|(key, _)| *key);
    let total: usize = keys.iter().map(|(_, block)| block.len() * (block.len() - 1) / 2).sum();
    let share = (PAIRS_MAX as f64 / total.max(1) as f64).min(1.0);
    let mut pairs: FxHashMap<(u32, u32), u16> = FxHashMap::default();
    for (key, block) in keys {
        let bound: u16 = key.rule().fields().iter().map(|field| 1 << *field as u16).sum();
        for (place, a) in block.iter().enumerate() {
            for b in &block[..place] {
                if share >= 1.0 || random.random_bool(share) {
                    *pairs.entry((*b, *a)).or_default() |= !bound;
                }
            }
        }
    }
    let mut pairs: Vec<(u32, u32, u16)> = pairs.into_iter().map(|((a, b), free)| (a, b, free)).collect();
    pairs.sort_unstable();
    pairs
}

fn observe(pairs: &[(u32, u32, u16)], records: &[Standardized], model: &Model) -> Vec<Observed> {
    let look = |(a, b, free): &(u32, u32, u16)| {
        let comparison = compare(model, &records[*a as usize], &records[*b as usize]);
        Observed { levels: levels(&comparison), free: *free, comparison }
    };
    pairs.par_iter().map(look).collect()
}

/// One round: how likely each pair is of one person, and from that the shares `m` and the prior. Gives the expected
/// number of pairs of one person.
fn learn_m(observed: &[Observed], model: &mut Model, records: usize) -> Result<f64, TrainError> {
    let mut reached: FxHashMap<(Field, Level), f64> = FxHashMap::default();
    let mut stated: FxHashMap<Field, f64> = FxHashMap::default();
    let mut matches = 0.0;
    for pair in observed {
        let odds = pair.comparison.weight.clamp(-60.0, 60.0).exp2();
        let probability = if pair.comparison.conflict.is_some() { 0.0 } else { odds / (1.0 + odds) };
        matches += probability;
        for (field, level) in pair.levels.iter().filter(|(field, _)| pair.free & (1 << *field as u16) != 0) {
            *reached.entry((*field, *level)).or_default() += probability;
            *stated.entry(*field).or_default() += probability;
        }
    }
    let mut file = model.file().clone();
    for (field, levels) in REACHABLE {
        // Levels of one field whose shares add up to one; a field like "shared account" has no other level.
        if levels.len() < 2 {
            continue;
        }
        let total = stated.get(field).copied().unwrap_or(0.0);
        for entry in file.level.iter_mut().filter(|entry| entry.field == *field) {
            let alternative = matches!(
                (entry.field, entry.level),
                (Field::NationalId, Level::Fits) | (Field::Name, Level::Fits) | (Field::BirthDate, Level::Year)
            );
            if alternative {
                // Reached only where a value is partly hidden: its share among those is what the base says.
                continue;
            }
            let count = reached.get(&(entry.field, entry.level)).copied().unwrap_or(0.0);
            entry.m = ((count + entry.m * PRIOR_PAIRS) / (total + PRIOR_PAIRS)).clamp(1e-6, 1.0);
        }
    }
    let pairs = records as f64 * (records as f64 - 1.0) / 2.0;
    let share = (matches.max(1.0) / pairs).clamp(1e-12, 0.5);
    file.prior.match_log2_odds = (share / (1.0 - share)).log2();
    *model = Model::from_file(file)?;
    Ok(matches)
}
