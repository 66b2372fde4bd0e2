//! Which column of a table without headings says what.
//!
//! A column of times does not go back and has few values in common with the others; two columns of persons share theirs.
//! What is not clear is asked for, never guessed.

use std::collections::HashSet;

use anyhow::bail;
use csv::StringRecord;

use super::columns::Role;
use super::time::{Kind, Times};

/// From so many rows and values on, two columns of persons have at least one person in common.
const MANY_ROWS: usize = 50;
const MANY_VALUES: usize = 10;

struct Column<'a> {
    values: HashSet<&'a str>,
    /// When all are times.
    times: Option<Vec<(Kind, i64)>>,
}

impl<'a> Column<'a> {
    fn of(rows: &'a [(u64, StringRecord)], index: usize, times: &Times) -> Self {
        let cells = || rows.iter().map(|(_, row)| row.get(index).unwrap_or_default());
        let time = |cell| times.parsed(cell).map(|(kind, civil)| (kind, civil.ms));
        Self { values: cells().collect(), times: cells().map(time).collect() }
    }

    /// More than one time, and never back.
    fn rises(&self) -> bool {
        self.values.len() > 1 && self.times.as_ref().is_some_and(|times| times.is_sorted_by_key(|(_, ms)| *ms))
    }

    /// Dates, or seconds and less since 1970: nothing else looks so.
    fn is_surely_time(&self) -> bool {
        let sure = |(kind, ms): &(Kind, i64)| *kind != Kind::Seconds || *ms > 500_000_000_000;
        self.times.as_ref().is_some_and(|times| times.iter().all(sure))
    }

    /// Numbers that are not all the same and not below zero: perhaps ends or durations.
    fn may_be_ends(&self) -> bool {
        self.values.len() > 1 && self.times.as_ref().is_some_and(|times| times.iter().all(|(_, ms)| *ms >= 0))
    }

    fn last(&self) -> Option<i64> {
        self.times.as_ref()?.last().map(|(_, ms)| *ms)
    }

    /// The share of values in common.
    fn shared(&self, other: &Self) -> f64 {
        let common = self.values.intersection(&other.values).count();
        common as f64 / (self.values.len() + other.values.len() - common).max(1) as f64
    }
}

/// The roles of the columns: time, person, person; or person, person, time; or person, person, from, to.
pub(super) fn guess(rows: &[(u64, StringRecord)], width: usize, times: &Times) -> anyhow::Result<Vec<Option<Role>>> {
    let column = |index| Column::of(rows, index, times);
    let (first, second, third) = (column(0), column(1), column(2));
    let fourth = (width > 3).then(|| column(3));
    let (behind, before) = (second.shared(&third), first.shared(&second));
    let not_less = |fourth: &Column<'_>| match (&third.times, &fourth.times) {
        (Some(from), Some(to)) => from.iter().zip(to).all(|((_, from), (_, to))| from <= to),
        _ => false,
    };
    let leads = if third.is_surely_time() != first.is_surely_time() {
        first.is_surely_time()
    } else {
        // Where nothing rises the rows may be in any order; the persons must tell then.
        let is_clear = |own: f64, other: f64| own >= 0.5 && other < 0.1;
        first.times.is_some() && (first.rises() && before <= behind || is_clear(behind, before))
    };
    let trails = if third.is_surely_time() != first.is_surely_time() {
        third.is_surely_time()
    } else {
        third.rises() && behind <= before
    };
    let (leads, trails) = match (leads, trails) {
        (true, true) => {
            // Times are more than persons, and greater.
            let (of_first, of_third) = ((first.values.len(), first.last()), (third.values.len(), third.last()));
            (of_first > of_third, of_third > of_first)
        }
        other => other,
    };
    let (one, other) = if leads { (&second, &third) } else { (&first, &second) };
    let are_many = rows.len() >= MANY_ROWS && one.values.len() + other.values.len() >= MANY_VALUES;
    let persons_apart = are_many && one.shared(other) == 0.0;
    let spans = fourth.as_ref().is_some_and(not_less);
    let mut roles = match (leads, trails) {
        (true, false) if !persons_apart => vec![Some(Role::At), Some(Role::PersonA), Some(Role::PersonB)],
        (false, true) if !persons_apart && spans && before > 0.0 => {
            vec![Some(Role::PersonA), Some(Role::PersonB), Some(Role::From), Some(Role::To)]
        }
        (false, true) if !persons_apart && before > 0.0 && !fourth.is_some_and(|fourth| fourth.may_be_ends()) => {
            vec![Some(Role::PersonA), Some(Role::PersonB), Some(Role::At)]
        }
        _ => {
            let why = match (leads, trails) {
                (true, _) | (_, true) if persons_apart => {
                    "no value is both in the one column of persons and in the other"
                }
                (true, _) | (_, true) => "more than one reading is possible",
                (false, false) => match &first.times {
                    None => "not every value of the first column is a time, nor does the third one look like time",
                    Some(_) if first.values.len() < 2 => "the first column has one value only, and time has more",
                    Some(_) if !first.rises() => "the first column goes back, and time in order does not",
                    Some(_) => "the first column has as much in common with the second one as persons have",
                },
            };
            bail!(
                "it has no headings, and what its {width} columns are is not clear ({why}): say it in their order, as \
                 --columns t,i,j or --columns i,j,start,end or --columns person,place,time"
            );
        }
    };
    roles.resize(width.max(roles.len()), None);
    Ok(roles)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(rows: &[&str]) -> Result<String, String> {
        let row = |row: &&str| (1, row.split_whitespace().collect::<StringRecord>());
        let rows: Vec<(u64, StringRecord)> = rows.iter().map(row).collect();
        let roles = guess(&rows, rows[0].1.len(), &Times::new(None, 0)).map_err(|error| error.to_string())?;
        Ok(roles.iter().map(|role| role.map_or("-", Role::name)).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn columns_of_time_and_of_persons_are_told_apart() {
        let tij = Ok("time person_a person_b".to_owned());
        assert_eq!(guessed(&["20 1 2", "40 1 2"]), tij);
        assert_eq!(guessed(&["0 1 2", "20 3 4", "40 3 4"]), tij);
        assert_eq!(guessed(&["20 1 2", "40 1 3", "60 1 4"]), tij);
        assert_eq!(guessed(&["1385982020 5 9", "1385982020 4 9"]), tij);
        assert_eq!(guessed(&["2022-03-01T08:00:20Z a b"]), tij);
        assert_eq!(guessed(&["20 1 2 A 0", "40 1 2 B 1"]), Ok("time person_a person_b - -".to_owned()));
        // In any order of rows, the persons tell.
        assert_eq!(guessed(&["900 1 2", "40 2 1", "60 1 2", "20 2 1"]), tij);
        assert_eq!(guessed(&["1 2 20", "1 3 20", "2 3 40"]), Ok("person_a person_b time".to_owned()));
        assert_eq!(guessed(&["1 2 20 -70", "1 3 20 -60", "2 3 40 -71"]), Ok("person_a person_b time -".to_owned()));
        assert_eq!(guessed(&["1 2 20 60", "1 3 20 90", "2 3 40 50"]), Ok("person_a person_b from to".to_owned()));
        assert_eq!(guessed(&["1 2 1646121600", "3 1 1646121620"]), Ok("person_a person_b time".to_owned()));
    }

    #[test]
    fn what_is_not_clear_is_asked_for() {
        for rows in [
            vec!["5 1 2"],
            vec!["20 1 2", "20 3 4"],
            vec!["1 2 20", "1 2 40", "3 4 60"],
            vec!["1 2 20", "3 4 40", "5 6 60"],
            vec!["1 2 0 700", "1 3 0 500"],
            vec!["a P 0 3600", "b P 0 3600"],
            vec!["1 2 20", "1 3 400", "2 3 60", "3 1 20"],
            vec!["1 2 20 5", "1 3 30 7", "2 3 40 6"],
        ] {
            let told = guessed(&rows).expect_err(rows[0]);
            assert!(told.contains("--columns t,i,j"), "{told}");
        }
        for (rows, why) in [
            (vec!["5 1 2"], "the first column has one value only"),
            (vec!["40 1 9", "20 2 3"], "the first column goes back"),
            (vec!["a 1 b", "b 2 a"], "not every value of the first column is a time"),
        ] {
            let told = guessed(&rows).expect_err(rows[0]);
            assert!(told.contains(why), "{told}");
        }
        let apart: Vec<String> = (0..60).map(|n| format!("{} p{} room{}", n * 20, n % 7, n % 3)).collect();
        let told = guessed(&apart.iter().map(String::as_str).collect::<Vec<_>>()).expect_err("persons and places");
        assert!(told.contains("--columns person,place,time"), "{told}");
    }
}
