//! The match weight of a pair: the log2 odds that both records are of one person.
//!
//! There are three kinds of pairs: of one person (M), of two people who have to do with each other, as a family or a
//! house does (R), and of strangers (U). In each kind a field either agrees on some level because of what the two have
//! in common, or its values are drawn independently; so an agreement on a rare value weighs more than one on a common
//! value, for M and for R alike. A field whose agreement depends on that of a parent (a town on its postcode) has its
//! own shares by the parent's state. The weight is the odds of M against R and U together.

use super::field::{FIELDS, TableField};
use super::levels::{DIFFERENT, LEVELS, LOOSE, Levels, MISSING, NEAR, SAME, SWAPPED, compare};
use super::prior::{self, FREQUENCY_RECORDS};
use super::store::{INPUT, Row, Table};

/// How the parent of a field stands: it agrees, it does not, or there is none.
pub(crate) const STATES: usize = 3;
pub(crate) const AGREES: usize = 0;
pub(crate) const ALONE: usize = 2;

/// Shares of the levels by field and state of the parent; place 0 is the share of pairs that are independent.
pub(crate) type Shares = [[[f64; LEVELS]; STATES]; FIELDS];

/// The kinds of pairs that have something in common.
pub(crate) const ONE_PERSON: usize = 0;
pub(crate) const RELATIVES: usize = 1;

/// What the data say, and training estimates.
#[derive(Clone, Debug)]
pub(crate) struct Parameters {
    /// Share of pairs that are of one person: of pairs within an input, and across inputs.
    pub(crate) matches: [f64; 2],
    /// Share of pairs that are of relatives.
    pub(crate) relatives: f64,
    /// Shares in pairs of one person and of relatives.
    pub(crate) shares: [Shares; 2],
    /// Shares of the levels among strangers; place 0 is unused.
    pub(crate) chance: Shares,
    /// Records that share a value only because they are of one person, on average per record.
    pub(crate) repeats: f64,
    /// Persons (or records, as long as persons are unknown) that values are counted over.
    pub(crate) population: f64,
}

/// The state of the parent of a field.
pub(crate) fn state_of(levels: &Levels, field: TableField) -> usize {
    for parent in field.parents() {
        match levels[*parent as usize] {
            MISSING => {}
            SAME => return AGREES,
            // Neighbouring places have codes that are a slip apart.
            NEAR if matches!(parent, TableField::Given | TableField::Birth | TableField::Sex) => return AGREES,
            _ => return 1,
        }
    }
    ALONE
}

/// What relatives or a household have in common: without any of it two people have nothing to do with each other.
pub(crate) const BONDS: [TableField; 5] =
    [TableField::Surname, TableField::Phone, TableField::Email, TableField::Address1, TableField::BirthPlace];

/// Whether there is a bond by which two records may be of relatives.
pub(crate) fn is_bound(levels: &Levels) -> bool {
    BONDS.iter().any(|field| (SAME..=LOOSE).contains(&levels[*field as usize]))
}

/// What two people of one name seldom have in common besides.
const BESIDES: [TableField; 8] = [
    TableField::Phone,
    TableField::Email,
    TableField::Postcode,
    TableField::Suburb,
    TableField::Address1,
    TableField::BirthPlace,
    TableField::Occupation,
    TableField::NationalId,
];

/// Whether two of given name, birth date and sex speak against one person, the name among them, or the birth date does in
/// every part and nothing but the names for it: then slips do not explain it, as they would in one alone. A brother, a
/// sister or a namesake does, often a parent.
fn is_other(levels: &Levels) -> bool {
    let [given, birth, sex, number] = [TableField::Given, TableField::Birth, TableField::Sex, TableField::NationalId]
        .map(|field| levels[field as usize]);
    if matches!(number, SAME | NEAR) {
        return false;
    }
    let is_born_apart = matches!(birth, DIFFERENT | SWAPPED);
    let agrees = |field: &TableField| (SAME..=LOOSE).contains(&levels[*field as usize]);
    given == DIFFERENT && (is_born_apart || sex == DIFFERENT) || birth == SWAPPED && !BESIDES.iter().any(agrees)
}

/// What is left of the odds of one person then.
const OTHER: f64 = 0.02;

/// Whether something that names a person agrees: a name, a number, what he is reached by; or his street with the day he
/// was born. Without it two records may be of anybody, however rare the town that both state.
fn is_named(levels: &Levels) -> bool {
    const NAMES: [TableField; 5] =
        [TableField::Given, TableField::Surname, TableField::NationalId, TableField::Phone, TableField::Email];
    let agrees = |field: TableField| !matches!(levels[field as usize], MISSING | DIFFERENT);
    let is_close = |field: TableField| (SAME..=LOOSE).contains(&levels[field as usize]);
    NAMES.into_iter().any(agrees) || [TableField::Address1, TableField::Birth].into_iter().all(is_close)
}

/// What is left of the odds of one person where nothing names him.
const UNNAMED: f64 = 1e-9;

/// What is left of the odds of one person by what the levels say together.
pub(crate) fn together(levels: &Levels) -> f64 {
    if !is_named(levels) {
        UNNAMED
    } else if is_other(levels) {
        OTHER
    } else {
        1.0
    }
}

/// What depends on how many persons have a value is ready for so many counts: each up to 128, and above in steps of one
/// part in 64.
pub(crate) const READY: usize = 128 + 64 * 25;

/// The place of a count among those that are ready.
pub(crate) const fn ready_place(count: u32) -> usize {
    if count < 128 {
        return count as usize;
    }
    let shift = count.ilog2() - 6;
    64 + 64 * shift as usize + (count >> shift) as usize - 64
}

/// The middle of the counts of a place.
pub(crate) fn ready_count(place: usize) -> f64 {
    if place < 128 {
        return place as f64;
    }
    let shift = place / 64 - 1;
    ((place % 64 + 64) as f64 + 0.5) * (1_u64 << shift) as f64 - 0.5
}

/// What a pair says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Say {
    /// Its match weight.
    pub(crate) weight: f32,
    /// What disagrees, and nothing else: bits against one person, before any prior.
    pub(crate) doubt: f32,
}

/// Weighs pairs with fixed parameters.
#[derive(Clone, Debug)]
pub(crate) struct Weigher {
    pub(crate) parameters: Parameters,
    /// For every field how many persons have a value.
    pub(crate) counts: Vec<Vec<u32>>,
    /// Log2 of the likelihood ratio against strangers by field, state and level, for one person and for relatives.
    plain: Box<[[[[f32; 2]; LEVELS]; STATES]; FIELDS]>,
    /// The same for agreement on a value that so many persons have.
    ready: Vec<[f32; 2]>,
    prior: [f32; 2],
    relatives: f32,
}

/// Whether the frequency of the value tells how likely strangers are to agree on it.
pub(crate) fn by_value(field: TableField, state: usize) -> bool {
    state != AGREES
        || matches!(field, TableField::NationalId | TableField::Given | TableField::Surname | TableField::Email)
}

impl Parameters {
    /// How likely a stranger is to have a value that `count` persons have.
    pub(crate) fn frequency(&self, field: usize, state: usize, count: f64) -> f64 {
        let strangers = match TableField::ALL[field] {
            // Such a value is given to one: that both records have it says nothing of how many strangers do.
            TableField::NationalId | TableField::Phone | TableField::Email => {
                (count - 2.0 - self.repeats).max(prior::GIVEN_AGAIN)
            }
            _ => (count - 1.0 - self.repeats).max(0.5),
        };
        let before = prior::frequency(TableField::ALL[field]) * FREQUENCY_RECORDS;
        let frequency = (strangers + before) / (self.population + FREQUENCY_RECORDS);
        // Given names and surnames go together.
        let factor = match TableField::ALL[field] {
            TableField::Surname if state == AGREES => {
                (self.chance[field][AGREES][SAME as usize] / self.chance[field][ALONE][SAME as usize]).max(1.0)
            }
            _ => 1.0,
        };
        (frequency * factor).min(0.95)
    }

    /// Likelihood ratio of a level in a kind of pairs against strangers.
    pub(crate) fn ratio(&self, kind: usize, field: usize, state: usize, level: usize, chance: f64) -> f64 {
        let shares = &self.shares[kind][field][state];
        shares[level] / chance + shares[0]
    }

    /// How likely strangers are to agree as a field does; `counts` says how many persons have each value.
    pub(crate) fn chance_of(
        &self,
        counts: &[Vec<u32>],
        levels: &Levels,
        a: &Row,
        b: &Row,
        field: TableField,
        state: usize,
    ) -> f64 {
        let place = field as usize;
        let level = levels[place];
        let frequency = |field: TableField, number: u32| {
            self.frequency(field as usize, state, f64::from(counts[field as usize][number as usize]))
        };
        if level == SAME && by_value(field, state) {
            return frequency(field, a[place]);
        }
        let other = match field {
            TableField::Given => TableField::Surname,
            TableField::Address1 => TableField::Address2,
            _ => return self.chance[place][state][level as usize],
        };
        if level != SWAPPED {
            return self.chance[place][state][level as usize];
        }
        if !crosses(a, b, field, other) {
            // The same words, but not the same parts.
            let both = |row: &Row| frequency(field, row[place]) * frequency(other, row[other as usize]);
            return both(a).max(both(b));
        }
        let crossing = [(place, other as usize), (other as usize, place)].map(|(p, q)| {
            let agrees = a[p] != 0 && a[p] == b[q];
            if agrees { frequency(TableField::ALL[p], a[p]).max(frequency(TableField::ALL[q], a[p])) } else { 1.0 }
        });
        // The half that is only near, or not there, is worth a little.
        let missing = if crossing[0] == 1.0 || crossing[1] == 1.0 { 0.05 } else { 1.0 };
        crossing[0] * crossing[1] * missing
    }
}

/// Whether a value of one of two fields is that of the other field in the other record.
fn crosses(a: &Row, b: &Row, first: TableField, second: TableField) -> bool {
    let (p, q) = (first as usize, second as usize);
    a[p] != 0 && a[p] == b[q] || a[q] != 0 && a[q] == b[p]
}

impl Weigher {
    pub(crate) fn new(parameters: Parameters, counts: Vec<Vec<u32>>) -> Self {
        let mut plain = Box::new([[[[0.0; 2]; LEVELS]; STATES]; FIELDS]);
        let mut ready = vec![[0.0; 2]; FIELDS * STATES * READY];
        for field in 0..FIELDS {
            for state in 0..STATES {
                for level in 1..LEVELS {
                    let chance = parameters.chance[field][state][level];
                    for kind in [ONE_PERSON, RELATIVES] {
                        plain[field][state][level][kind] =
                            parameters.ratio(kind, field, state, level, chance).log2() as f32;
                    }
                }
                for (place, ready) in ready[(field * STATES + state) * READY..][..READY].iter_mut().enumerate() {
                    let chance = parameters.frequency(field, state, ready_count(place));
                    *ready = [ONE_PERSON, RELATIVES]
                        .map(|kind| parameters.ratio(kind, field, state, SAME as usize, chance).log2() as f32);
                }
            }
        }
        let prior = parameters.matches.map(|share| share.max(1e-15).log2() as f32);
        let relatives = parameters.relatives.max(1e-30).log2() as f32;
        Self { parameters, counts, plain, ready, prior, relatives }
    }

    /// Log2 of the likelihood ratios of a field, for one person and for relatives.
    fn field(&self, levels: &Levels, a: &Row, b: &Row, field: TableField) -> [f32; 2] {
        let place = field as usize;
        let level = levels[place];
        let state = state_of(levels, field);
        if level == SAME && by_value(field, state) {
            let count = self.counts[place][a[place] as usize];
            return self.ready[(place * STATES + state) * READY + ready_place(count)];
        }
        if level == SWAPPED && matches!(field, TableField::Given | TableField::Address1) {
            let chance = self.parameters.chance_of(&self.counts, levels, a, b, field, state);
            return [ONE_PERSON, RELATIVES]
                .map(|kind| self.parameters.ratio(kind, place, state, level as usize, chance).log2() as f32);
        }
        self.plain[place][state][level as usize]
    }

    /// What a pair says for and against its records being of one person.
    pub(crate) fn say(&self, table: &Table, a: &Row, b: &Row) -> Say {
        let (levels, parts, prior, relatives) = self.parts(table, a, b);
        let doubt = together(&levels).log2() as f32 + parts.iter().map(|part| part.min(0.0)).sum::<f32>();
        Say { weight: prior + parts.iter().sum::<f32>() + relatives, doubt }
    }

    /// The match weight of levels that were reached.
    pub(crate) fn weight_of(&self, levels: &Levels, a: &Row, b: &Row) -> f32 {
        let (mut one, mut relatives) = (0.0, 0.0);
        for field in TableField::ALL {
            if levels[field as usize] != MISSING {
                let [m, r] = self.field(levels, a, b, field);
                one += m;
                relatives += r;
            }
        }
        self.prior_of(levels, a, b) + one - self.against(levels, relatives)
    }

    /// Bits for one person before the fields are looked at one by one.
    fn prior_of(&self, levels: &Levels, a: &Row, b: &Row) -> f32 {
        let prior = self.prior[usize::from(a[INPUT] != b[INPUT])];
        match together(levels) {
            1.0 => prior,
            left => prior + left.log2() as f32,
        }
    }

    /// Bits that are taken back because relatives may have as much in common.
    fn against(&self, levels: &Levels, relatives: f32) -> f32 {
        if is_bound(levels) { add_to_one(self.relatives + relatives) } else { 0.0 }
    }

    /// What a pair's weight is made of: bits by field, and what is taken back for relatives (the last).
    pub(crate) fn parts(&self, table: &Table, a: &Row, b: &Row) -> (Levels, [f32; FIELDS], f32, f32) {
        let levels = compare(table, a, b);
        let mut parts = [0.0; FIELDS];
        let mut relatives = 0.0;
        for field in TableField::ALL {
            if levels[field as usize] != MISSING {
                let [m, r] = self.field(&levels, a, b, field);
                parts[field as usize] = m;
                relatives += r;
            }
        }
        (levels, parts, self.prior_of(&levels, a, b), -self.against(&levels, relatives))
    }
}

/// log2(1 + 2^bits).
fn add_to_one(bits: f32) -> f32 {
    if bits < -24.0 {
        0.0
    } else if bits > 24.0 {
        bits
    } else {
        bits.exp2().ln_1p() * std::f32::consts::LOG2_E
    }
}

/// Probability of a log2 odds.
pub(crate) fn probability(weight: f32) -> f64 {
    1.0 / (1.0 + f64::from(-weight).exp2())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_their_places_in_order_and_are_near_the_middle_of_theirs() {
        let mut before = 0;
        for count in (0..2_000).chain((11..32).map(|bits| (1_u32 << bits) - 1)).chain([u32::MAX]) {
            let place = ready_place(count);
            assert!(place < READY && (place == before || count >= 2_000 || place == before + 1), "{count}");
            assert!((ready_count(place) - f64::from(count)).abs() <= f64::from(count) / 128.0, "{count}");
            before = place;
        }
    }
}
