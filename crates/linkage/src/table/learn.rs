//! Estimation of the parameters by expectation-maximization, without labels.
//!
//! What strangers have in common is counted on random pairs, and on random pairs that agree on a parent. What one
//! person and what relatives have in common is estimated on the pairs that blocking proposes: these hold nearly all
//! pairs of one person, so no rule has to be left out for a field. Each pair counts for each kind as likely as it is
//! of that kind, and each agreement as likely as it is systematic and not by chance.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

use super::field::{FIELDS, TableField};
use super::levels::{DIFFERENT, LEVELS, LOOSE, Levels, MISSING, NEAR, PART, SAME, SWAPPED, compare};
use super::store::{INPUT, Table};
use super::weigh::{AGREES, ALONE, ONE_PERSON, Parameters, RELATIVES, STATES, Shares, state_of};

const RANDOM_PAIRS: usize = 300_000;
/// Random pairs that agree on the parent, per field.
const NEIGHBOUR_PAIRS: usize = 20_000;
const ROUNDS_MAX: usize = 40;
/// Pairs that what one starts from counts for.
const PRIOR_PAIRS: f64 = 12.0;

/// A proposed pair and how many pairs it stands for.
pub(crate) type Sampled = (u32, u32);

struct Observed {
    levels: Levels,
    /// How likely strangers agree so, by field.
    chance: [f32; FIELDS],
    across: bool,
}

/// The pairs that training looks at, compared once.
pub(crate) struct Learner<'a> {
    table: &'a Table,
    /// Pairs that each of the sample stands for.
    each: f64,
    sample: Vec<Sampled>,
    observed: Vec<Observed>,
    strangers: Strangers,
    totals: [f64; 2],
    /// Rounds so far.
    pub(crate) rounds_done: usize,
}

impl<'a> Learner<'a> {
    /// Compares a sample of the proposed pairs, each of which stands for `each`, and random pairs.
    pub(crate) fn new(table: &'a Table, sample: Vec<Sampled>, each: f64, seed: u64) -> Self {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let observed = sample.par_iter().with_min_len(1024).map(|pair| look(table, pair)).collect();
        let strangers = Strangers::draw(table, &mut random);
        Self { table, each, sample, observed, strangers, totals: pair_totals(table), rounds_done: 0 }
    }

    /// Learns from what one starts from, with values counted over records.
    pub(crate) fn begin(&mut self) -> Parameters {
        let mut parameters = initial(self.table);
        for field in &mut parameters.chance {
            *field = [[1.0, 0.05, 0.01, 0.01, 0.01, 0.5, 0.1]; STATES];
        }
        let table = self.table;
        self.rounds(parameters, &table.counts, true, ROUNDS_MAX)
    }

    /// Goes on where learning has stopped, with values counted over the `population` of persons found so far.
    pub(crate) fn refine(&mut self, known: &Parameters, counts: &[Vec<u32>], population: f64) -> Parameters {
        self.rounds(Parameters { population, repeats: 0.0, ..known.clone() }, counts, false, ROUNDS_MAX / 3)
    }

    fn rounds(
        &mut self,
        mut parameters: Parameters,
        counts: &[Vec<u32>],
        over_records: bool,
        most: usize,
    ) -> Parameters {
        let records = self.table.len() as f64;
        let mut before = f64::NAN;
        for round in 0..most {
            self.rounds_done += 1;
            if round % 3 == 0 {
                parameters.chance = self.strangers.shares(self.table, &parameters, counts);
                let (table, known) = (self.table, &parameters);
                let pairs = self.observed.par_iter_mut().zip(&self.sample).with_min_len(1024);
                pairs.for_each(|(observed, pair)| fill(table, known, counts, pair, observed));
            }
            let expected = step(&self.observed, self.each, self.totals, &mut parameters);
            if over_records {
                parameters.repeats = (2.0 * expected / records).min(records / 4.0);
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

fn typical(field: TableField, kind: usize, state: usize) -> [f64; LEVELS] {
    // Independent, same, near, loose, part, different, swapped.
    let of = |same: f64, near: f64, loose: f64, part: f64, swapped: f64| {
        [1.0 - same - near - loose - part - swapped - 0.002, same, near, loose, part, 0.002, swapped]
    };
    if kind == ONE_PERSON {
        return match field {
            TableField::Given => of(0.78, 0.08, 0.05, 0.02, 0.01),
            TableField::Surname => of(0.82, 0.08, 0.04, 0.005, 0.0),
            TableField::Sex => of(0.94, 0.0, 0.0, 0.0, 0.0),
            TableField::Birth => of(0.84, 0.07, 0.02, 0.01, 0.005),
            TableField::NationalId => of(0.84, 0.07, 0.02, 0.01, 0.0),
            TableField::Phone => of(0.6, 0.05, 0.01, 0.0, 0.0),
            TableField::Email => of(0.65, 0.06, 0.04, 0.0, 0.0),
            TableField::BirthPlace => of(0.75, 0.06, 0.05, 0.0, 0.0),
            TableField::Occupation => of(0.55, 0.04, 0.06, 0.0, 0.0),
            _ if state == AGREES => of(0.8, 0.08, 0.04, 0.0, 0.005),
            _ if state == ALONE => of(0.65, 0.08, 0.03, 0.0, 0.005),
            _ => of(0.3, 0.05, 0.02, 0.0, 0.005),
        };
    }
    match field {
        TableField::Given if state == AGREES => of(0.005, 0.005, 0.005, 0.001, 0.0),
        TableField::Given => of(0.03, 0.01, 0.01, 0.001, 0.0),
        TableField::Surname => of(0.7, 0.03, 0.01, 0.0, 0.0),
        TableField::Sex => of(0.0, 0.0, 0.0, 0.0, 0.0),
        TableField::Birth => of(0.006, 0.002, 0.002, 0.0, 0.1),
        TableField::NationalId => of(0.0005, 0.0005, 0.001, 0.0, 0.0),
        TableField::Phone => of(0.4, 0.01, 0.0, 0.0, 0.0),
        TableField::Email => of(0.05, 0.005, 0.005, 0.0, 0.0),
        TableField::BirthPlace => of(0.3, 0.02, 0.02, 0.0, 0.0),
        TableField::Occupation => of(0.05, 0.0, 0.02, 0.0, 0.0),
        _ if state == AGREES => of(0.85, 0.06, 0.02, 0.0, 0.002),
        _ => of(0.7, 0.05, 0.02, 0.0, 0.002),
    }
}

/// What one starts from.
fn initial(table: &Table) -> Parameters {
    let records = table.len().max(2) as f64;
    let shares = [ONE_PERSON, RELATIVES].map(|kind| {
        let mut shares: Shares = [[[0.0; LEVELS]; STATES]; FIELDS];
        for field in TableField::ALL {
            for (state, shares) in shares[field as usize].iter_mut().enumerate() {
                *shares = typical(field, kind, state);
            }
        }
        shares
    });
    // Relatives can only be told apart from one person where there is something that relatives share.
    let places = [
        TableField::Phone,
        TableField::Email,
        TableField::Address1,
        TableField::StreetNumber,
        TableField::Postcode,
        TableField::Suburb,
        TableField::BirthPlace,
    ];
    let has_places = places.iter().any(|field| table.stated(*field) * 20 >= table.len());
    Parameters {
        matches: [0.3 / records; 2],
        relatives: if has_places { 1.0 / records } else { 0.0 },
        shares,
        chance: [[[0.0; LEVELS]; STATES]; FIELDS],
        repeats: 0.3,
        population: records,
    }
}

/// Most that a level may be reached systematically: a family with more in common on personal fields is no family, and
/// birth dates of one person are not systematically half a generation apart.
fn limit(field: TableField, kind: usize, state: usize, level: usize) -> f64 {
    let level = level as u8;
    if kind == ONE_PERSON {
        return match (field, level) {
            (TableField::Birth, DIFFERENT | SWAPPED) | (TableField::Given | TableField::Sex, DIFFERENT) => 0.005,
            _ => 1.0,
        };
    }
    match (field, level) {
        (TableField::Given, SAME) if state == AGREES => 0.05,
        (TableField::Given, SAME) => 0.35,
        (TableField::Given, DIFFERENT) => 1.0,
        (TableField::Given, _) => 0.05,
        (TableField::Birth, SAME) => 0.04,
        (TableField::Birth, NEAR | LOOSE | PART) => 0.03,
        (TableField::NationalId, SAME) => 0.002,
        (TableField::NationalId, NEAR | LOOSE | PART) => 0.02,
        _ => 1.0,
    }
}

#[derive(Clone)]
struct Sums {
    matches: [f64; 2],
    relatives: f64,
    shares: Box<[Shares; 2]>,
    core: Core,
}

impl Sums {
    fn new() -> Self {
        Self {
            matches: [0.0; 2],
            relatives: 0.0,
            shares: Box::new([[[[0.0; LEVELS]; STATES]; FIELDS]; 2]),
            core: Core::default(),
        }
    }

    fn add(mut self, other: Self) -> Self {
        self.matches[0] += other.matches[0];
        self.matches[1] += other.matches[1];
        self.relatives += other.relatives;
        self.core.stated += other.core.stated;
        self.core.agree += other.core.agree;
        let mine = self.shares.as_flattened_mut().as_flattened_mut().as_flattened_mut();
        let theirs = other.shares.as_flattened().as_flattened().as_flattened();
        mine.iter_mut().zip(theirs).for_each(|(a, b)| *a += b);
        self
    }
}

/// What a pair agrees on; its chances are still to be filled in.
fn look(table: &Table, pair: &Sampled) -> Observed {
    let (a, b) = (&table.rows[pair.0 as usize], &table.rows[pair.1 as usize]);
    Observed { levels: compare(table, a, b), chance: [1.0; FIELDS], across: a[INPUT] != b[INPUT] }
}

/// How likely strangers agree as a pair does, by field.
fn fill(table: &Table, parameters: &Parameters, counts: &[Vec<u32>], pair: &Sampled, observed: &mut Observed) {
    let (a, b) = (&table.rows[pair.0 as usize], &table.rows[pair.1 as usize]);
    for field in TableField::ALL.into_iter().filter(|field| observed.levels[*field as usize] != MISSING) {
        let state = state_of(&observed.levels, field);
        observed.chance[field as usize] = parameters.chance_of(counts, &observed.levels, a, b, field, state) as f32;
    }
}

/// How likely a pair is of one person and of relatives.
fn kinds(parameters: &Parameters, pair: &Observed) -> [f64; 2] {
    let mut odds = [parameters.matches[usize::from(pair.across)], parameters.relatives];
    for field in TableField::ALL.into_iter().filter(|field| pair.levels[*field as usize] != MISSING) {
        let (place, state) = (field as usize, state_of(&pair.levels, field));
        for (kind, odds) in odds.iter_mut().enumerate() {
            *odds *= parameters.ratio(kind, place, state, pair.levels[place] as usize, f64::from(pair.chance[place]));
        }
    }
    let [one, relatives] = odds.map(|odds| odds.min(1e200));
    let all = 1.0 + one + relatives;
    [one / all, relatives / all]
}

/// One round over the sample. Gives the expected number of pairs of one person.
fn step(observed: &[Observed], each: f64, totals: [f64; 2], parameters: &mut Parameters) -> f64 {
    let known: &Parameters = parameters;
    let chunks: Vec<Sums> = observed
        .par_chunks(4096)
        .map(|chunk| {
            let mut sums = Sums::new();
            chunk.iter().for_each(|pair| tally(known, pair, each, &mut sums));
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
    if parameters.relatives > 0.0 {
        // A handful of such pairs does not make families.
        let relatives = (sums.relatives - RELATIVES_MIN).max(0.01);
        parameters.relatives = (relatives / (totals[0] + totals[1])).clamp(1e-15, 0.2);
    }
    maximise(&sums, parameters);
    sums.matches[0] + sums.matches[1]
}

/// Pairs of relatives that are taken for chance.
const RELATIVES_MIN: f64 = 3.0;

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

fn tally(parameters: &Parameters, pair: &Observed, each: f64, sums: &mut Sums) {
    let likely = kinds(parameters, pair);
    sums.matches[usize::from(pair.across)] += likely[ONE_PERSON] * each;
    sums.relatives += likely[RELATIVES] * each;
    sums.core.take(pair, likely[ONE_PERSON] * each);
    for field in TableField::ALL.into_iter().filter(|field| pair.levels[*field as usize] != MISSING) {
        let (place, state) = (field as usize, state_of(&pair.levels, field));
        let level = pair.levels[place] as usize;
        for (kind, likely) in likely.iter().enumerate() {
            if *likely < 1e-6 {
                continue;
            }
            let shares = &parameters.shares[kind][place][state];
            let by_chance = shares[0] * f64::from(pair.chance[place]);
            let systematic = shares[level] / (shares[level] + by_chance);
            let sums = &mut sums.shares[kind][place][state];
            sums[level] += likely * each * systematic;
            sums[0] += likely * each * (1.0 - systematic);
        }
    }
}

/// Most that may be independent in pairs of one person: what agrees less is no pair of one person.
fn stranger_limit(field: TableField) -> f64 {
    match field {
        TableField::Given | TableField::Birth => 0.3,
        TableField::Surname | TableField::Sex | TableField::NationalId => 0.4,
        _ => 1.0,
    }
}

fn maximise(sums: &Sums, parameters: &mut Parameters) {
    for kind in [ONE_PERSON, RELATIVES] {
        for field in TableField::ALL {
            for state in 0..STATES {
                // Whether one person's birth date was copied wrongly says nothing of the name.
                let counted = match (kind, field) {
                    (ONE_PERSON, TableField::Given) => add_states(&sums.shares[kind][field as usize]),
                    _ => sums.shares[kind][field as usize][state],
                };
                let typical = typical(field, kind, state);
                let total: f64 = counted.iter().sum::<f64>() + PRIOR_PAIRS;
                let mut shares = [0.0; LEVELS];
                for level in 1..LEVELS {
                    let share = (counted[level] + typical[level] * PRIOR_PAIRS) / total;
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
struct Strangers {
    random: Drawn,
    neighbours: Vec<(TableField, Drawn)>,
}

impl Strangers {
    fn draw(table: &Table, random: &mut ChaCha8Rng) -> Self {
        let records = table.len() as u32;
        let count = RANDOM_PAIRS.min(table.len() * table.len());
        let pairs = (0..count).map(|_| (random.random_range(0..records), random.random_range(0..records)));
        let pairs: Vec<Sampled> = pairs.filter(|(a, b)| a != b).collect();
        let mut neighbours = Vec::new();
        for field in TableField::ALL {
            let parent = field.parents().iter().copied().find(|parent| table.stated(*parent) * 10 > table.len());
            let Some(parent) = parent.filter(|_| table.stated(field) > 0) else { continue };
            neighbours.push((field, Drawn::new(table, &sharing(table, parent, random))));
        }
        Self { random: Drawn::new(table, &pairs), neighbours }
    }

    /// Shares of the levels among strangers: each pair counts as likely as it is of strangers.
    fn shares(&mut self, table: &Table, parameters: &Parameters, counts: &[Vec<u32>]) -> Shares {
        let sums = self.random.sums(table, parameters, counts);
        let mut shares: Shares = [[[0.0; LEVELS]; STATES]; FIELDS];
        for field in TableField::ALL {
            let place = field as usize;
            shares[place] = [normalise(&add_states(&sums[place]), None); STATES];
        }
        for (field, drawn) in &mut self.neighbours {
            let sums = drawn.sums(table, parameters, counts);
            let place = *field as usize;
            shares[place][AGREES] = normalise(&sums[place][AGREES], Some(&shares[place][ALONE]));
        }
        shares
    }
}

fn add_states(states: &[[f64; LEVELS]; STATES]) -> [f64; LEVELS] {
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
