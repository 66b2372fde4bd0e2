//! The weight of a pair: Fellegi and Sunter's log likelihood ratio, with value frequencies.
//!
//! The alternative to "one person" is a mixture: two strangers, or two members of one family. A family shares
//! surname, phone, address and household at once, so those agreements are no independent evidence; the mixture takes
//! back exactly what they have in common (part [`Field::Kinship`]). The weight is symmetric in the two records.

use domain::Sex;

use crate::model::Model;
use crate::name_compare::compare_names;
use crate::standardize::{Birth, Numbered, ResidentNumber, Standardized};
use crate::{Field, Level, Part};

/// How two records compare.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Match weight in bits, prior included.
    pub weight: f64,
    /// What it is made of.
    pub parts: Vec<Part>,
    /// The exclusive identifier of which both hold different values.
    pub conflict: Option<Field>,
}

/// The sums of a comparison.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Score {
    /// Bits, prior included.
    pub(crate) weight: f64,
    /// Bits for one person if that were as likely beforehand as two people who have to do with each other, be they
    /// strangers or of one family. It tells "hardly anything in common to compare" (about 0 or more) from "another
    /// member of the family" (less than 0), which the match weight does not.
    pub(crate) cohesion: f64,
    pub(crate) conflict: Option<Field>,
}

/// Weighs two records and says what the weight is made of.
pub fn compare(model: &Model, a: &Standardized, b: &Standardized) -> Comparison {
    let mut parts = Vec::with_capacity(8);
    let prior = model.prior().match_log2_odds;
    parts.push(Part { field: Field::Prior, level: Level::Given, weight: prior, frequency: 0.0 });
    let score = tally(model, a, b, &mut |part| parts.push(part));
    Comparison { weight: score.weight, parts, conflict: score.conflict }
}

/// Weighs two records.
pub(crate) fn score(model: &Model, a: &Standardized, b: &Standardized) -> Score {
    tally(model, a, b, &mut |_| {})
}

/// A level that was reached, with the log2 frequency of the value for strangers and for a family.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached {
    pub(crate) field: Field,
    pub(crate) level: Level,
    pub(crate) stranger: f64,
    pub(crate) family: f64,
}

impl Reached {
    pub(crate) const fn plain(field: Field, level: Level) -> Self {
        Self { field, level, stranger: 0.0, family: 0.0 }
    }
}

fn tally(model: &Model, a: &Standardized, b: &Standardized, each: &mut impl FnMut(Part)) -> Score {
    let (mut m, mut u, mut household) = (0.0, 0.0, 0.0);
    let mut conflict = None;
    let mut add = |reached: Reached| {
        let weights = model.weights(reached.field, reached.level);
        m += weights.m;
        u += weights.u + reached.stranger;
        household += weights.household + reached.family;
        let part = Part {
            field: reached.field,
            level: reached.level,
            weight: weights.m - weights.u,
            frequency: -reached.stranger,
        };
        each(part);
    };
    let id = compare_ids(&a.ids, &b.ids);
    if let Some(reached) = id {
        if reached.level == Level::Different && full_ids_differ(&a.ids, &b.ids) {
            conflict = Some(Field::NationalId);
        }
        add(reached);
    }
    if let Some(level) = compare_numbered(&a.exclusive, &b.exclusive) {
        if level == Level::Different {
            conflict = conflict.or(Some(Field::RecordNumber));
        }
        add(Reached::plain(Field::RecordNumber, level));
    }
    if let Some(level) = compare_numbered(&a.documents, &b.documents) {
        add(Reached::plain(Field::Document, level));
    }
    if share_one(&a.accounts, &b.accounts) {
        add(Reached::plain(Field::Account, Level::Same));
    }
    let name = compare_names(&a.names, &b.names);
    if let Some(reached) = name {
        add(reached);
    }
    let mut births_differ = false;
    // The number contains birth date and sex: where it agrees they add nothing.
    if !matches!(id.map(|reached| reached.level), Some(Level::Same | Level::Fits)) {
        if let Some(reached) = compare_births(model, a.birth, b.birth) {
            births_differ = reached.level == Level::Different;
            add(reached);
        }
        if a.sex != Sex::Unknown && b.sex != Sex::Unknown {
            let level = if a.sex == b.sex { Level::Same } else { Level::Different };
            add(Reached::plain(Field::Sex, level));
        }
    }
    if let Some(level) = compare_phones(a, b) {
        add(Reached::plain(Field::Phone, level));
    }
    if let (Some(left), Some(right)) = (a.address, b.address) {
        let level = match () {
            () if left.text == right.text => Level::Same,
            () if left.numbers != 0 && left.numbers == right.numbers => Level::Near,
            () => Level::Different,
        };
        add(Reached::plain(Field::Address, level));
    }
    if !a.households.is_empty() && !b.households.is_empty() {
        let level = if share_one(&a.households, &b.households) { Level::Same } else { Level::Different };
        add(Reached::plain(Field::Household, level));
    }
    // Parent and child may be namesakes, on purpose; twins are not. So a rare given name does not make the family unlikely.
    if let Some(name) = name.filter(|name| births_differ && name.family < 0.0) {
        let by_chance = model.weights(Field::Name, name.level).household + name.family;
        household += add_logs(by_chance, model.namesake()) - by_chance;
    }
    let prior = model.prior();
    let family = household + prior.match_log2_odds + prior.household_log2_odds;
    let kinship = u - add_logs(u, family);
    each(Part { field: Field::Kinship, level: Level::Given, weight: kinship, frequency: 0.0 });
    let cohesion = m - add_logs(u, household) + 1.0;
    Score { weight: prior.match_log2_odds + m - u + kinship, cohesion, conflict }
}

/// log2(2^a + 2^b).
fn add_logs(a: f64, b: f64) -> f64 {
    let (high, low) = if a > b { (a, b) } else { (b, a) };
    if high - low > 60.0 { high } else { high + (low - high).exp2().ln_1p() * std::f64::consts::LOG2_E }
}

/// Log2 of how frequent an agreement of each digit of a resident number is by chance. People of one place share the
/// division; the last digit follows from the others but for the hidden ones.
const DIGIT: [f64; 18] = [
    -0.3, -0.3, -0.3, -0.3, -1.0, -1.2, // division
    -0.2, -0.2, -2.6, -3.3, // year
    -0.9, -2.7, -1.7, -3.2, // month and day
    -3.3, -3.3, -3.3, // sequence
    -3.3, // check digit
];

fn compare_ids(a: &[ResidentNumber], b: &[ResidentNumber]) -> Option<Reached> {
    let mut best: Option<Reached> = None;
    for left in a {
        for right in b {
            let Some(reached) = compare_id(left, right) else { continue };
            let better = best.is_none_or(|best| rank(reached) > rank(best));
            if better {
                best = Some(reached);
            }
        }
    }
    best
}

/// Order of preference among comparisons of several numbers; total, so that the order of records does not matter.
fn rank(reached: Reached) -> (u8, i64) {
    let level = match reached.level {
        Level::Same => 2,
        Level::Fits => 1,
        _ => 0,
    };
    (level, (-reached.stranger * 1024.0) as i64)
}

fn compare_id(a: &ResidentNumber, b: &ResidentNumber) -> Option<Reached> {
    if !a.masked && !b.masked {
        let level = if a.digits == b.digits { Level::Same } else { Level::Different };
        return Some(Reached::plain(Field::NationalId, level));
    }
    let (mut stranger, mut family) = (0.0, 0.0);
    for (place, (left, right)) in a.digits.iter().zip(&b.digits).enumerate() {
        if *left == b'*' || *right == b'*' {
            continue;
        }
        if left != right {
            return Some(Reached::plain(Field::NationalId, Level::Different));
        }
        stranger += DIGIT[place];
        family += if place < 6 { 0.0 } else { DIGIT[place] };
    }
    (stranger < 0.0).then_some(Reached { field: Field::NationalId, level: Level::Fits, stranger, family })
}

fn full_ids_differ(a: &[ResidentNumber], b: &[ResidentNumber]) -> bool {
    a.iter().any(|id| !id.masked) && b.iter().any(|id| !id.masked)
}

/// `Same` when one number of a kind is shared, `Different` when both have numbers of a kind and share none of it.
fn compare_numbered(a: &[Numbered], b: &[Numbered]) -> Option<Level> {
    let mut level = None;
    for left in a {
        for right in b.iter().filter(|right| right.kind == left.kind) {
            if left.value == right.value {
                return Some(Level::Same);
            }
            level = Some(Level::Different);
        }
    }
    level
}

fn share_one(a: &[u64], b: &[u64]) -> bool {
    a.iter().any(|value| b.contains(value))
}

fn compare_phones(a: &Standardized, b: &Standardized) -> Option<Level> {
    if a.phones.is_empty() || b.phones.is_empty() {
        return None;
    }
    let mut level = Level::Different;
    for left in &a.phones {
        for right in b.phones.iter().filter(|right| right.number() == left.number()) {
            if left.is_holder() && right.is_holder() {
                return Some(Level::Same);
            }
            level = Level::Contact;
        }
    }
    Some(level)
}

fn compare_births(model: &Model, a: Birth, b: Birth) -> Option<Reached> {
    if !a.is_known() || !b.is_known() {
        return None;
    }
    let reached = |level| Reached::plain(Field::BirthDate, level);
    if !a.is_day() || !b.is_day() {
        return Some(reached(if a.year() == b.year() { Level::Year } else { Level::Different }));
    }
    if a == b {
        let frequency = f64::from(model.birth_day_frequency(a.month_day()));
        let level = Level::Same;
        return Some(Reached { field: Field::BirthDate, level, stranger: frequency, family: frequency.max(0.0) });
    }
    Some(reached(if is_slip(a, b) { Level::Near } else { Level::Different }))
}

/// One digit wrong, two neighbouring digits swapped, or month and day swapped.
fn is_slip(a: Birth, b: Birth) -> bool {
    let digits = |birth: Birth| {
        let mut rest = birth.0;
        let mut digits = [0; 8];
        for place in digits.iter_mut().rev() {
            *place = rest % 10;
            rest /= 10;
        }
        digits
    };
    if a.year() == b.year() && a.month_day() % 100 == b.month_day() / 100 && a.month_day() / 100 == b.month_day() % 100
    {
        return true;
    }
    let (left, right) = (digits(a), digits(b));
    let mut wrong = (0..8).filter(|place| left[*place] != right[*place]);
    match (wrong.next(), wrong.next(), wrong.next()) {
        (Some(_), None, _) => true,
        (Some(first), Some(second), None) => {
            second == first + 1 && left[first] == right[second] && left[second] == right[first]
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn birth_dates_a_slip_apart_are_near() {
        for (a, b, near) in [
            (19870211, 19870212, true),
            (19870211, 19871102, true),
            (19870211, 19780211, true),
            (19870211, 19870221, true),
            (19870211, 19860212, false),
            (19870211, 20010530, false),
        ] {
            assert_eq!(is_slip(Birth(a), Birth(b)), near, "{a} {b}");
            assert_eq!(is_slip(Birth(b), Birth(a)), near, "{b} {a}");
        }
    }

    #[test]
    fn logs_add_up() {
        assert!((add_logs(-3.0, -3.0) + 2.0).abs() < 1e-12);
        assert_eq!(add_logs(-200.0, -3.0), -3.0);
    }
}
