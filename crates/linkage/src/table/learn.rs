//! Estimation of the parameters by expectation-maximization, without labels.
//!
//! What strangers have in common is counted on random pairs, and on random pairs that agree on a parent. What one
//! person and what relatives have in common is estimated on the pairs that blocking proposes: these hold nearly all
//! pairs of one person, so no rule has to be left out for a field. Each pair counts for each kind as likely as it is
//! of that kind, and each agreement as likely as it is systematic and not by chance.

use std::collections::BTreeMap;

use rayon::prelude::*;

use super::field::{FIELDS, TableField};
use super::levels::{LEVELS, LOOSE, MISSING, NEAR, PART, SAME, SWAPPED};
use super::observe::{Judge, Observed, Rarity, Said, Sampled};
use super::prior::{limit, stranger_limit, typical, typical_twins};
use super::sample::StandsFor;
use super::store::{INPUT, Table};
use super::strangers::{Strangers, add_states};
use super::weigh::{AGREES, ALONE, BONDS, ONE_PERSON, Parameters, RELATIVES, STATES, Shares};

const ROUNDS_MAX: usize = 40;
/// How much what is typical counts for.
#[derive(Clone, Copy)]
struct Belief {
    /// Pairs that it stands for.
    pairs: f64,
    /// How much of what is counted it stands for besides.
    share: f64,
}

/// For linking: nearer to the truth than what the likelihood alone prefers.
const TO_LINK: Belief = Belief { pairs: 100.0, share: 0.5 };
/// For judging what was linked.
const TO_JUDGE: Belief = Belief { pairs: 10.0, share: 0.0 };

/// The pairs that training looks at, compared once.
pub(crate) struct Learner<'a> {
    table: &'a Table,
    sample: Vec<Sampled>,
    /// What each of the sample agrees on, and how many pairs it stands for.
    observed: Vec<(Observed, StandsFor)>,
    strangers: Strangers,
    totals: [f64; 2],
    families: Families,
    /// Rounds so far.
    pub(crate) rounds_done: usize,
}

impl<'a> Learner<'a> {
    /// Compares a sample of the proposed pairs, each with the number of pairs that it stands for, and random pairs.
    pub(crate) fn new(table: &'a Table, sample: Vec<(Sampled, StandsFor)>, seed: u64) -> Self {
        let look =
            || sample.par_iter().with_min_len(1024).map(|(pair, each)| (Observed::new(table, pair), *each)).collect();
        let (observed, strangers) = rayon::join(look, || Strangers::draw(table, seed));
        let sample = sample.into_iter().map(|(pair, _)| pair).collect();
        Self {
            table,
            sample,
            observed,
            strangers,
            totals: pair_totals(table),
            families: Families::of(table),
            rounds_done: 0,
        }
    }

    /// Learns from what one starts from, with values counted over so many records.
    pub(crate) fn begin(&mut self, counts: &[Vec<u32>], counted: f64) -> Parameters {
        let mut parameters = initial(self.table, counted.max(2.0));
        for field in &mut parameters.chance {
            *field = [[1.0, 0.05, 0.01, 0.01, 0.01, 0.5, 0.1]; STATES];
        }
        self.rounds(parameters, counts, TO_LINK, true, ROUNDS_MAX)
    }

    /// Goes on where learning has stopped, with values counted over the `population` of persons found so far.
    pub(crate) fn refine(&mut self, known: &Parameters, counts: &[Vec<u32>], population: f64) -> Parameters {
        let start = Parameters { population, repeats: 0.0, ..known.clone() };
        self.rounds(start, counts, TO_LINK, false, ROUNDS_MAX / 3)
    }

    /// What data alone say, from what has been learned.
    pub(crate) fn witness(&mut self, known: &Parameters, counts: &[Vec<u32>]) -> Parameters {
        self.rounds(known.clone(), counts, TO_JUDGE, false, ROUNDS_MAX / 3)
    }

    fn rounds(
        &mut self,
        mut parameters: Parameters,
        counts: &[Vec<u32>],
        belief: Belief,
        over_records: bool,
        most: usize,
    ) -> Parameters {
        let mut before = f64::NAN;
        for round in 0..most {
            self.rounds_done += 1;
            if round % 3 == 0 {
                let (table, is_new) = (self.table, round == 0);
                parameters.chance = self.strangers.shares(table, &parameters, counts, is_new);
                let rarity = Rarity::new(&parameters, counts);
                let pairs = self.observed.par_iter_mut().zip(&self.sample).with_min_len(1024);
                pairs.for_each(|((observed, _), pair)| {
                    if is_new {
                        observed.count(table, pair, counts);
                    }
                    rarity.fill(table, pair, observed);
                });
            }
            let (expected, counted) = step(&self.observed, self.totals, belief, self.families, &mut parameters);
            if over_records {
                let records = parameters.population;
                parameters.repeats = (2.0 * counted / records).min(records / 4.0);
            }
            if (expected - before).abs() < before * 1e-3 && round > 6 {
                break;
            }
            before = expected;
        }
        parameters
    }
}

/// Pairs within an input and across inputs.
fn pair_totals(table: &Table) -> [f64; 2] {
    let mut sizes = vec![0.0_f64; table.inputs];
    for row in &table.rows {
        sizes[row[INPUT] as usize] += 1.0;
    }
    let within: f64 = sizes.iter().map(|n| n * (n - 1.0) / 2.0).sum();
    let records = table.len() as f64;
    [within.max(1.0), (records * (records - 1.0) / 2.0 - within).max(1.0)]
}

/// What one starts from.
fn initial(table: &Table, records: f64) -> Parameters {
    let shares = [ONE_PERSON, RELATIVES].map(|kind| {
        let mut shares: Shares = [[[0.0; LEVELS]; STATES]; FIELDS];
        for field in TableField::ALL {
            for (state, shares) in shares[field as usize].iter_mut().enumerate() {
                *shares = typical(field, kind, state);
            }
        }
        shares
    });
    // Where nothing is stated that relatives share, or nothing that tells them apart, there are none.
    let is_any_common = |fields: &[TableField]| fields.iter().any(|field| is_common(table, *field));
    let has_relatives = is_any_common(&BONDS) && is_any_common(&PERSONAL);
    Parameters {
        matches: [0.3 / records; 2],
        relatives: if has_relatives { 1.0 / records } else { 0.0 },
        shares,
        chance: [[[0.0; LEVELS]; STATES]; FIELDS],
        repeats: 0.3,
        population: records,
    }
}

/// What tells relatives apart.
const PERSONAL: [TableField; 3] = [TableField::Given, TableField::Birth, TableField::NationalId];

#[derive(Clone)]
struct Sums {
    matches: [f64; 2],
    /// Pairs of one person of records that are counted.
    counted: f64,
    relatives: f64,
    shares: Box<[Shares; 2]>,
    core: Core,
}

impl Sums {
    fn new() -> Self {
        Self {
            matches: [0.0; 2],
            counted: 0.0,
            relatives: 0.0,
            shares: Box::new([[[[0.0; LEVELS]; STATES]; FIELDS]; 2]),
            core: Core::default(),
        }
    }

    fn add(mut self, other: Self) -> Self {
        self.matches[0] += other.matches[0];
        self.matches[1] += other.matches[1];
        self.counted += other.counted;
        self.relatives += other.relatives;
        self.core.stated += other.core.stated;
        self.core.agree += other.core.agree;
        let mine = self.shares.as_flattened_mut().as_flattened_mut().as_flattened_mut();
        let theirs = other.shares.as_flattened().as_flattened().as_flattened();
        mine.iter_mut().zip(theirs).for_each(|(a, b)| *a += b);
        self
    }
}

/// One round over the sample. Gives the expected number of pairs of one person, and of those of records
/// that are counted.
fn step(
    observed: &[(Observed, StandsFor)],
    totals: [f64; 2],
    belief: Belief,
    families: Families,
    parameters: &mut Parameters,
) -> (f64, f64) {
    let known: &Parameters = parameters;
    let judge = Judge::new(known);
    let chunks: Vec<Sums> = observed
        .par_chunks(4096)
        .map(|chunk| {
            let mut sums = Sums::new();
            chunk.iter().for_each(|(pair, each)| tally(&judge, pair, *each, &mut sums));
            sums
        })
        .collect();
    // In order, so that rounding is the same every time.
    let mut sums = chunks.into_iter().fold(Sums::new(), Sums::add);
    let real = sums.core.reality(known);
    for ((matches, share), total) in sums.matches.iter_mut().zip(&mut parameters.matches).zip(totals) {
        *matches *= real;
        *share = ((*matches + 0.01) / total).clamp(1e-15, 0.4);
    }
    let all = totals[0] + totals[1];
    let one_person = sums.matches.iter().sum::<f64>() / all;
    if parameters.relatives > 0.0 {
        // A handful of such pairs does not make families.
        let relatives = (sums.relatives - RELATIVES_MIN).max(0.01);
        let most = RELATIVES_EACH * (1.0 + 2.0 * sums.matches.iter().sum::<f64>() / records(all)) / records(all);
        let least = one_person * families.relatives;
        parameters.relatives = (relatives / all).min(most.min(0.2)).max(least).max(1e-15);
    }
    maximise(&sums, belief, families, parameters);
    families.keep_twins(one_person, parameters);
    (sums.matches[0] + sums.matches[1], sums.counted * real)
}

/// Records that so many pairs are of.
fn records(pairs: f64) -> f64 {
    (2.0 * pairs).sqrt() + 1.0
}

/// Most relatives, neighbours in a house and the like that a person has on average.
const RELATIVES_EACH: f64 = 6.0;
/// Pairs of relatives that are taken for chance.
const RELATIVES_MIN: f64 = 3.0;

/// Pairs of relatives, and of twins, for each pair of one person at least. Without a floor relatives would be explained
/// away wherever they are few, and pairs of one person would learn to differ as relatives do.
#[derive(Clone, Copy)]
struct Families {
    relatives: f64,
    twins: f64,
    /// Years that birth dates lie within.
    birth_years: f64,
}

impl Families {
    /// Families show where they share a phone or a place; where a surname is all they share, they must be believed in.
    fn of(table: &Table) -> Self {
        let places = [
            TableField::Phone,
            TableField::Email,
            TableField::Address1,
            TableField::StreetNumber,
            TableField::Postcode,
            TableField::Suburb,
            TableField::BirthPlace,
        ];
        let birth_years = birth_years(table);
        match places.iter().any(|field| is_common(table, *field)) {
            true => Self { relatives: 0.001, twins: 0.0, birth_years },
            false => Self { relatives: 0.1, twins: 0.02, birth_years },
        }
    }

    /// Sees to it that there are twins, whatever their share of the relatives.
    fn keep_twins(self, one_person: f64, parameters: &mut Parameters) {
        let least = (one_person * self.twins / parameters.relatives.max(1e-15)).min(0.5);
        for shares in &mut parameters.shares[RELATIVES][TableField::Birth as usize] {
            let lacking = least - shares[SAME as usize];
            if lacking > 0.0 {
                shares[SAME as usize] = least;
                shares[0] = (shares[0] - lacking).max(1e-4);
            }
        }
    }
}

/// Records that are taken to be of people of any age before a file shows how old its people are, and their years.
const ANY_AGE: (f64, f64) = (20.0, 60.0);

/// Years that the birth dates of a table lie within, were they spread evenly: one over how close together they lie.
fn birth_years(table: &Table) -> f64 {
    let mut months: BTreeMap<u64, f64> = BTreeMap::new();
    for (number, count) in table.counts[TableField::Birth as usize].iter().enumerate().skip(1) {
        let month = table.value(TableField::Birth, number as u32).mask / 100;
        *months.entry(month).or_default() += f64::from(*count);
    }
    let records = ANY_AGE.0 + months.values().sum::<f64>();
    // Of some only the year is known.
    let in_a_year = |month: u64| if month.is_multiple_of(100) { 1.0 } else { 12.0 };
    let close: f64 = months.iter().map(|(month, count)| count * count * in_a_year(*month)).sum();
    records * records / (close + ANY_AGE.0 * ANY_AGE.0 / ANY_AGE.1)
}

/// Whether one in twenty records states a field.
fn is_common(table: &Table, field: TableField) -> bool {
    table.stated(field) * 20 >= table.len()
}

/// What pairs of one person have in common of given name and birth date: if what looks like pairs of one person agree
/// on them far less often than the fields one by one, they are pairs of something else.
#[derive(Clone, Copy, Default)]
struct Core {
    stated: f64,
    agree: f64,
}

const CORE: [TableField; 2] = [TableField::Given, TableField::Birth];

impl Core {
    fn take(&mut self, pair: &Observed, likely: f64) {
        let levels = CORE.map(|field| pair.levels[field as usize]);
        if levels.contains(&MISSING) {
            return;
        }
        self.stated += likely;
        if levels
            .iter()
            .all(|level| matches!(*level, SAME | NEAR | LOOSE | PART) || *level == SWAPPED && levels[0] == SWAPPED)
        {
            self.agree += likely;
        }
    }

    /// The share of the pairs that are what they look like.
    fn reality(&self, parameters: &Parameters) -> f64 {
        if self.stated < 1.0 {
            return 1.0;
        }
        let given = &parameters.shares[ONE_PERSON][TableField::Given as usize][AGREES];
        let birth = &parameters.shares[ONE_PERSON][TableField::Birth as usize][ALONE];
        let expected = (1.0 - given[0]) * (1.0 - birth[0]);
        let found = self.agree / self.stated / expected;
        if found > 0.75 { 1.0 } else { found.max(1e-3) }
    }
}

fn tally(judge: &Judge<'_>, pair: &Observed, stands_for: StandsFor, sums: &mut Sums) {
    let nothing = Said { field: 0, state: 0, level: 0, ratios: [1.0; 2], systematic: [0.0; 2] };
    let (mut said, mut count) = ([nothing; FIELDS], 0);
    let odds = judge.odds(pair, |field| {
        said[count] = field;
        count += 1;
    });
    let likely = odds.map(|kind| kind / (1.0 + odds[0] + odds[1]));
    let each = stands_for.pairs;
    sums.matches[usize::from(pair.across)] += likely[ONE_PERSON] * each;
    sums.counted += likely[ONE_PERSON] * stands_for.counted;
    sums.relatives += likely[RELATIVES] * each;
    sums.core.take(pair, likely[ONE_PERSON] * each);
    if likely.iter().all(|likely| *likely < LIKELY_MIN) {
        return;
    }
    for said in &said[..count] {
        let without = [odds[0] / said.ratios[0], odds[1] / said.ratios[1]];
        let all = 1.0 + without[0] + without[1];
        for (kind, likely) in likely.iter().enumerate() {
            // A field learns from pairs of which the other fields say what they are: so no kind drifts to what merely
            // is frequent.
            if *likely < LIKELY_MIN || without[kind] < all * WITNESS_MIN[kind] {
                continue;
            }
            let systematic = said.systematic[kind] / said.ratios[kind];
            let sums = &mut sums.shares[kind][said.field][said.state];
            sums[said.level] += likely * each * systematic;
            sums[0] += likely * each * (1.0 - systematic);
        }
    }
}

/// How likely a pair must be of a kind to count for it.
const LIKELY_MIN: f64 = 1e-6;
/// How likely the other fields must make a pair one of a kind for a field to learn from it.
const WITNESS_MIN: [f64; 2] = [0.2, 0.25];

fn maximise(sums: &Sums, belief: Belief, families: Families, parameters: &mut Parameters) {
    for kind in [ONE_PERSON, RELATIVES] {
        for field in TableField::ALL {
            for state in 0..STATES {
                // Whether one person's birth date was copied wrongly says nothing of the name.
                let counted = match (kind, field) {
                    (ONE_PERSON, TableField::Given | TableField::Sex) | (_, TableField::Surname) => {
                        add_states(&sums.shares[kind][field as usize])
                    }
                    _ => sums.shares[kind][field as usize][state],
                };
                let typical = match (kind, field) {
                    (RELATIVES, TableField::Birth) => typical_twins(families.birth_years),
                    _ => typical(field, kind, state),
                };
                let evidence: f64 = counted.iter().sum();
                let kept = belief.pairs + evidence * belief.share;
                let total = evidence + kept;
                let mut shares = [0.0; LEVELS];
                for level in 1..LEVELS {
                    let share = (counted[level] + typical[level] * kept) / total;
                    shares[level] = share.min(limit(field, kind, state, level));
                }
                let systematic: f64 = shares[1..].iter().sum();
                let least = if kind == ONE_PERSON { 1.0 - stranger_limit(field) } else { 0.0 };
                if systematic < least {
                    let lacking = (least - systematic) / typical[1..].iter().sum::<f64>();
                    (1..LEVELS).for_each(|level| shares[level] += typical[level] * lacking);
                }
                shares[0] = (1.0 - shares[1..].iter().sum::<f64>()).max(1e-4);
                parameters.shares[kind][field as usize][state] = shares;
            }
        }
    }
}
