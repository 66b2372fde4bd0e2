//! Pairs that training looks at: what each agrees on, in the form in which it is counted again and again.

use super::field::{FIELDS, TableField};
use super::levels::{LEVELS, Levels, MISSING, SAME, SWAPPED, compare};
use super::store::{INPUT, Table};
use super::weigh::{
    ONE_PERSON, Parameters, READY, RELATIVES, STATES, by_value, is_bound, ready_count, ready_place, state_of, together,
};

/// A pair of rows.
pub(crate) type Sampled = (u32, u32);

/// Level of a field and state of its parent as one number.
const CODES: usize = STATES * LEVELS;

/// What a pair agrees on.
pub(crate) struct Observed {
    pub(crate) levels: Levels,
    /// The fields that both state, as bits.
    stated: u16,
    codes: [u8; FIELDS],
    /// One over how likely strangers agree so, by field.
    rarity: [f32; FIELDS],
    /// Where values are the same, the place of how many persons have them among the counts that are ready.
    shared: [u16; FIELDS],
    pub(crate) across: bool,
    /// What is left of the odds of one person by what the levels say together.
    together: f32,
    bound: bool,
}

impl Observed {
    /// Compares a pair; how rare its agreements are is still to be filled in.
    pub(crate) fn new(table: &Table, pair: &Sampled) -> Self {
        let (a, b) = (&table.rows[pair.0 as usize], &table.rows[pair.1 as usize]);
        let levels = compare(table, a, b);
        let (mut stated, mut codes) = (0, [0; FIELDS]);
        for field in TableField::ALL.into_iter().filter(|field| levels[*field as usize] != MISSING) {
            stated |= 1 << field as u16;
            codes[field as usize] = (state_of(&levels, field) * LEVELS) as u8 + levels[field as usize];
        }
        Self {
            levels,
            stated,
            codes,
            rarity: [1.0; FIELDS],
            shared: [0; FIELDS],
            across: a[INPUT] != b[INPUT],
            together: together(&levels) as f32,
            bound: is_bound(&levels),
        }
    }

    /// Looks up how many persons have what both have.
    pub(crate) fn count(&mut self, table: &Table, pair: &Sampled, counts: &[Vec<u32>]) {
        let row = &table.rows[pair.0 as usize];
        for field in (0..FIELDS).filter(|field| self.levels[*field] == SAME) {
            self.shared[field] = ready_place(counts[field][row[field] as usize]) as u16;
        }
    }

    /// The fields that both state: place of the field, and level and state as one number.
    fn stated(&self) -> impl Iterator<Item = (usize, usize)> {
        let mut left = self.stated;
        std::iter::from_fn(move || {
            let field = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            (field < FIELDS).then(|| (field, usize::from(self.codes[field])))
        })
    }
}

/// How rare agreements are among strangers.
pub(crate) struct Rarity<'a> {
    parameters: &'a Parameters,
    counts: &'a [Vec<u32>],
    /// By field and code, where the value does not matter.
    plain: Vec<[f32; CODES]>,
    /// By field, state and place of the number of persons who have the value.
    ready: Vec<[f32; READY]>,
}

impl<'a> Rarity<'a> {
    pub(crate) fn new(parameters: &'a Parameters, counts: &'a [Vec<u32>]) -> Self {
        let mut plain = vec![[0.0; CODES]; FIELDS];
        let mut ready = vec![[0.0; READY]; FIELDS * STATES];
        for field in 0..FIELDS {
            for state in 0..STATES {
                for level in 1..LEVELS {
                    plain[field][state * LEVELS + level] = (1.0 / parameters.chance[field][state][level]) as f32;
                }
                for (place, ready) in ready[field * STATES + state].iter_mut().enumerate() {
                    *ready = (1.0 / parameters.frequency(field, state, ready_count(place))) as f32;
                }
            }
        }
        Self { parameters, counts, plain, ready }
    }

    /// Fills in how rare the agreements of a pair are, which has been counted.
    pub(crate) fn fill(&self, table: &Table, pair: &Sampled, observed: &mut Observed) {
        let mut rarity = observed.rarity;
        for (place, code) in observed.stated() {
            let (field, state, level) = (TableField::ALL[place], code / LEVELS, (code % LEVELS) as u8);
            rarity[place] = if level == SAME && by_value(field, state) {
                self.ready[place * STATES + state][usize::from(observed.shared[place])]
            } else if level == SWAPPED {
                let (a, b) = (&table.rows[pair.0 as usize], &table.rows[pair.1 as usize]);
                (1.0 / self.parameters.chance_of(self.counts, &observed.levels, a, b, field, state)) as f32
            } else {
                self.plain[place][code]
            };
        }
        observed.rarity = rarity;
    }
}

/// What a field of a pair says for each kind.
#[derive(Clone, Copy)]
pub(crate) struct Said {
    pub(crate) field: usize,
    pub(crate) state: usize,
    pub(crate) level: usize,
    /// Likelihood ratios against strangers.
    pub(crate) ratios: [f64; 2],
    /// How much of them is systematic agreement.
    pub(crate) systematic: [f64; 2],
}

/// The shares of the kinds, by field and code: of the level, and of independence, for one person and for relatives.
pub(crate) struct Judge<'a> {
    parameters: &'a Parameters,
    shares: Vec<[[f64; 4]; CODES]>,
}

impl<'a> Judge<'a> {
    pub(crate) fn new(parameters: &'a Parameters) -> Self {
        let mut shares = vec![[[0.0; 4]; CODES]; FIELDS];
        for (field, shares) in shares.iter_mut().enumerate() {
            for (code, shares) in shares.iter_mut().enumerate() {
                let of = |kind: usize| &parameters.shares[kind][field][code / LEVELS];
                let (one, relatives) = (of(ONE_PERSON), of(RELATIVES));
                *shares = [one[code % LEVELS], one[0], relatives[code % LEVELS], relatives[0]];
            }
        }
        Self { parameters, shares }
    }

    /// Odds that a pair is of one person and of relatives; `each` is told what its fields say.
    pub(crate) fn odds(&self, pair: &Observed, mut each: impl FnMut(Said)) -> [f64; 2] {
        let mut one = self.parameters.matches[usize::from(pair.across)] * f64::from(pair.together);
        let mut relatives = if pair.bound { self.parameters.relatives } else { 0.0 };
        for (field, code) in pair.stated() {
            let [level_one, free_one, level_relatives, free_relatives] = self.shares[field][code];
            let rarity = f64::from(pair.rarity[field]);
            let systematic = [level_one * rarity, level_relatives * rarity];
            let ratios = [systematic[0] + free_one, systematic[1] + free_relatives];
            one *= ratios[0];
            relatives *= ratios[1];
            each(Said { field, state: code / LEVELS, level: code % LEVELS, ratios, systematic });
        }
        [one.min(1e200), relatives.min(1e200)]
    }

    /// How likely a pair is of one person and of relatives.
    pub(crate) fn kinds(&self, pair: &Observed) -> [f64; 2] {
        let [one, relatives] = self.odds(pair, |_| {});
        let all = 1.0 + one + relatives;
        [one / all, relatives / all]
    }
}
