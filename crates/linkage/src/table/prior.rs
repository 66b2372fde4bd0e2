//! What is typical of files of persons: where training starts, what it is drawn towards, and the bounds within which the
//! kinds of pairs stay what they are called.

use super::field::TableField;
use super::levels::{DIFFERENT, LEVELS, LOOSE, NEAR, PART, SAME, SWAPPED};
use super::weigh::{AGREES, ALONE, ONE_PERSON, RELATIVES};

/// Typical shares of the levels in a kind of pairs; place 0 is the share of pairs that are independent.
pub(crate) fn typical(field: TableField, kind: usize, state: usize) -> [f64; LEVELS] {
    // Independent, same, near, loose, part, different, swapped.
    let of = |same: f64, near: f64, loose: f64, part: f64, swapped: f64| {
        [1.0 - same - near - loose - part - swapped - 0.002, same, near, loose, part, 0.002, swapped]
    };
    if kind == ONE_PERSON {
        return match field {
            TableField::Given => of(0.8, 0.085, 0.055, 0.02, 0.01),
            TableField::Surname => of(0.82, 0.08, 0.04, 0.005, 0.0),
            TableField::Sex => of(0.94, 0.0, 0.0, 0.0, 0.0),
            TableField::Birth => of(0.875, 0.07, 0.03, 0.01, 0.003),
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
        // Twins.
        TableField::Birth => of(0.01, 0.002, 0.002, 0.0, 0.1),
        TableField::NationalId => of(0.0005, 0.0005, 0.001, 0.0, 0.0),
        TableField::Phone => of(0.4, 0.01, 0.0, 0.0, 0.0),
        TableField::Email => of(0.05, 0.005, 0.005, 0.0, 0.0),
        TableField::BirthPlace => of(0.3, 0.02, 0.02, 0.0, 0.0),
        TableField::Occupation => of(0.05, 0.0, 0.02, 0.0, 0.0),
        _ if state == AGREES => of(0.85, 0.06, 0.02, 0.0, 0.002),
        _ => of(0.7, 0.05, 0.02, 0.0, 0.002),
    }
}

/// Share of births that are of twins.
const TWINS_BORN: f64 = 0.012;
/// Years within which brothers and sisters are born.
const SIBLINGS_YEARS: f64 = 6.0;
/// Most of the relatives who are taken for twins before data say so.
const TWINS_MAX: f64 = 0.5;

/// Typical shares of the levels of the birth dates of relatives, where all birth dates lie within so many years: where
/// that is some months, most brothers and sisters among them are twins.
pub(crate) fn typical_twins(years: f64) -> [f64; LEVELS] {
    let mut shares = typical(TableField::Birth, RELATIVES, ALONE);
    let twins = TWINS_BORN / (TWINS_BORN + years / SIBLINGS_YEARS);
    let more = (twins.min(TWINS_MAX) - shares[SAME as usize]).max(0.0);
    shares[SAME as usize] += more;
    shares[0] -= more;
    shares
}

/// How likely strangers agree on a value that nobody else in the file has: names are more frequent in the world than in
/// a small file.
pub(crate) const fn frequency(field: TableField) -> f64 {
    match field {
        TableField::Sex => 0.5,
        TableField::State => 0.1,
        TableField::Suburb | TableField::BirthPlace | TableField::Occupation | TableField::StreetNumber => 0.01,
        TableField::Given | TableField::Surname => 0.004,
        TableField::Postcode | TableField::Address2 | TableField::Address1 => 0.001,
        TableField::Birth => 0.000_05,
        _ => 0.000_001,
    }
}

/// Typical shares of the levels among strangers.
pub(crate) fn strangers(field: TableField) -> [f64; LEVELS] {
    let mut shares = [0.0, frequency(field), 0.005, 0.01, 0.005, 0.0, 0.002];
    if field == TableField::Birth {
        // Most are born in different years and on different days.
        shares[SWAPPED as usize] = 0.6;
    }
    shares[DIFFERENT as usize] = 1.0 - shares.iter().sum::<f64>();
    shares
}

/// Other people whom a number or mail address of one person was given to as well, or was noted for by a slip.
pub(crate) const GIVEN_AGAIN: f64 = 0.02;

/// Records that these frequencies count for.
pub(crate) const FREQUENCY_RECORDS: f64 = 12.0;

/// Most that a level may be reached systematically: a family with more in common on personal fields is no family, and
/// birth dates of one person are not systematically half a generation apart.
pub(crate) fn limit(field: TableField, kind: usize, state: usize, level: usize) -> f64 {
    let level = level as u8;
    if kind == ONE_PERSON {
        return match (field, level) {
            (_, DIFFERENT) | (TableField::Birth, SWAPPED) => 0.005,
            _ => 1.0,
        };
    }
    match (field, level) {
        (TableField::Given, SAME) if state == AGREES => 0.05,
        (TableField::Given, SAME) => 0.35,
        (TableField::Given | TableField::Sex | TableField::Birth, DIFFERENT) => 1.0,
        (_, DIFFERENT) => 0.01,
        (TableField::Given, _) => 0.05,
        // Of newborns all relatives are twins.
        (TableField::Birth, SAME) => 0.95,
        (TableField::Birth, NEAR | LOOSE | PART) => 0.03,
        (TableField::NationalId, SAME) => 0.002,
        (TableField::NationalId, NEAR | LOOSE | PART) => 0.02,
        _ => 1.0,
    }
}

/// Most that may be independent in pairs of one person: what agrees less is no pair of one person.
pub(crate) fn stranger_limit(field: TableField) -> f64 {
    match field {
        TableField::Birth => 0.1,
        TableField::Given => 0.2,
        TableField::Sex => 0.15,
        TableField::Surname | TableField::NationalId => 0.3,
        _ => 1.0,
    }
}
