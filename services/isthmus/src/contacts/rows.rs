//! From cells to who was where and when, in milliseconds.

use std::collections::HashMap;

use anyhow::{Context, bail, ensure};
use csv::StringRecord;

use super::columns::{Columns, Role, When};
use super::time::{Kind, Times, duration_ms, number};

/// What people write where nothing is known.
const NOTHING: [&str; 11] = ["", "-", "NA", "N/A", "NaN", "nan", "NULL", "null", "None", "\\N", "无"];

/// Who was there, where and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) one: u32,
    /// Of a pair.
    pub(super) other: Option<u32>,
    pub(super) place: u32,
    pub(super) from: i64,
    /// Not known yet of a window.
    pub(super) to: Option<i64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Place {
    Named(String),
    /// Latitude, longitude and radius, as the bits of the numbers.
    At([u64; 3]),
    /// Wherever these two were together.
    Together(u32, u32),
}

/// The rows of a file.
pub(super) struct Rows<'a> {
    columns: &'a Columns,
    pub(super) all: Vec<Row>,
    pub(super) people: Numbers<String>,
    pub(super) places: Numbers<Place>,
    /// Of each place of whereabouts, the line that names it first.
    pub(super) lines: Vec<u64>,
    /// Pairs of somebody with nobody, and of somebody with the same.
    pub(super) nobody: usize,
    pub(super) same: usize,
    /// Rows that could not be used, and why the first could not.
    pub(super) bad: usize,
    pub(super) first_bad: Option<(u64, anyhow::Error)>,
}

/// Numbers in the order in which what they stand for came to be known.
pub(super) struct Numbers<T>(HashMap<T, u32>);

impl<T: std::hash::Hash + Eq + Clone> Numbers<T> {
    fn of(&mut self, one: &T) -> u32 {
        if let Some(number) = self.0.get(one) {
            return *number;
        }
        let number = self.0.len() as u32;
        self.0.insert(one.clone(), number);
        number
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// In order of their numbers.
    pub(super) fn in_order(self) -> Vec<T> {
        let mut all: Vec<(T, u32)> = self.0.into_iter().collect();
        all.sort_unstable_by_key(|(_, number)| *number);
        all.into_iter().map(|(one, _)| one).collect()
    }
}

impl<'a> Rows<'a> {
    pub(super) fn new(columns: &'a Columns) -> Self {
        Self {
            columns,
            all: Vec::new(),
            people: Numbers(HashMap::new()),
            places: Numbers(HashMap::new()),
            lines: Vec::new(),
            nobody: 0,
            same: 0,
            bad: 0,
            first_bad: None,
        }
    }

    /// Notes a row that cannot be used, or stops at it.
    pub(super) fn left_out(&mut self, line: u64, error: anyhow::Error, skips: bool) -> anyhow::Result<()> {
        if !skips {
            return Err(error.context(format!("line {line}")));
        }
        self.bad += 1;
        self.first_bad.get_or_insert((line, error));
        Ok(())
    }

    /// Takes in a row.
    pub(super) fn take(&mut self, line: u64, cells: &StringRecord, times: &mut Times) -> anyhow::Result<()> {
        let width = self.columns.heads.len();
        ensure!(
            cells.iter().skip(width).all(str::is_empty),
            "it has {} cells, and the table has {width} columns: put a cell that holds the separator in quotes",
            cells.len()
        );
        let cells = Cells { columns: self.columns, cells };
        let (from, to) = cells.when(times)?;
        ensure!(to.is_none_or(|to| from <= to), "the end lies before the begin: exchange or mend them");
        if !self.columns.are_pairs {
            let place = cells.place()?;
            let one = self.people.of(&cells.need(Role::Person)?.to_owned());
            let place = self.places.of(&place);
            if place as usize == self.lines.len() {
                self.lines.push(line);
            }
            self.all.push(Row { one, other: None, place, from, to });
            return Ok(());
        }
        let (one, other) = (cells.need(Role::PersonA)?, cells.need(Role::PersonB)?);
        if is_nobody(one) || is_nobody(other) {
            self.nobody += 1;
        } else if one == other {
            self.same += 1;
        } else {
            let (one, other) = (self.people.of(&one.to_owned()), self.people.of(&other.to_owned()));
            let place = self.places.of(&Place::Together(one.min(other), one.max(other)));
            self.all.push(Row { one, other: Some(other), place, from, to });
        }
        Ok(())
    }

    /// The first and the last time.
    pub(super) fn span(&self) -> (i64, i64) {
        let first = self.all.iter().map(|row| row.from).min().unwrap_or(0);
        (first, self.all.iter().map(|row| row.to.unwrap_or(row.from)).max().unwrap_or(first))
    }
}

/// Scans write numbers below zero where they met no device, or one that takes no part.
fn is_nobody(person: &str) -> bool {
    person.strip_prefix('-').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
}

/// The cells of a row, by what they say.
struct Cells<'a> {
    columns: &'a Columns,
    cells: &'a StringRecord,
}

impl<'a> Cells<'a> {
    fn find(&self, wanted: Role) -> Option<&'a str> {
        self.cells.get(self.columns.index(wanted)?).filter(|cell| !NOTHING.contains(cell))
    }

    fn need(&self, wanted: Role) -> anyhow::Result<&'a str> {
        self.find(wanted).with_context(|| {
            let head = self.columns.index(wanted).map_or(wanted.name(), |index| &self.columns.heads[index]);
            format!("the column `{head}` is empty: fill it, or leave such rows out with --skip-bad-rows")
        })
    }

    /// From when to when; a window has its end first, and no other yet.
    fn when(&self, times: &mut Times) -> anyhow::Result<(i64, Option<i64>)> {
        Ok(match self.columns.when {
            When::Span => (self.time(Role::From, times)?, Some(self.time(Role::To, times)?)),
            When::Window => (self.time(Role::At, times)?, None),
            When::Lasting => {
                let from = self.time(Role::From, times)?;
                (from, Some(from + self.duration_ms()?))
            }
            When::LastingUntil => {
                let to = self.time(Role::To, times)?;
                (to - self.duration_ms()?, Some(to))
            }
        })
    }

    fn time(&self, wanted: Role, times: &mut Times) -> anyhow::Result<i64> {
        let text = self.need(wanted)?;
        // A time of day needs its date; a whole date does not.
        let is_whole = |text| matches!(times.parsed(text), Some((Kind::Date, _)));
        match self.columns.index(Role::Date) {
            Some(_) if !is_whole(text) => times.read(&format!("{} {text}", self.need(Role::Date)?)),
            _ => times.read(text),
        }
    }

    fn duration_ms(&self) -> anyhow::Result<i64> {
        let (role, unit_s) = match self.columns.index(Role::Duration) {
            Some(_) => (Role::Duration, 1.0),
            None => (Role::DurationMin, 60.0),
        };
        let text = self.need(role)?;
        duration_ms(text, unit_s).with_context(|| format!("`{text}` is no duration: write a number, or 0:10:00"))
    }

    fn place(&self) -> anyhow::Result<Place> {
        let (Some(lat), Some(lon)) = (self.find(Role::Lat), self.find(Role::Lon)) else {
            let place = self.find(Role::Place);
            let place = place.context("neither a place nor lat and lon are given: give one, or --skip-bad-rows")?;
            return Ok(Place::Named(place.to_owned()));
        };
        let radius = match self.find(Role::Radius) {
            Some(text) => decimal(text)
                .filter(|radius| *radius >= 0.0)
                .with_context(|| format!("`{text}` is no radius: write metres"))?,
            None => 0.0,
        };
        let place = [degrees(lat, 90.0)?, degrees(lon, 180.0)?, radius];
        Ok(Place::At(place.map(f64::to_bits)))
    }
}

fn degrees(text: &str, most: f64) -> anyhow::Result<f64> {
    match decimal(text) {
        Some(degrees) if degrees.abs() <= most => Ok(degrees),
        Some(_) => bail!("`{text}` is not between -{most} and {most} degrees: are lat and lon exchanged?"),
        None => bail!("`{text}` is no number of degrees: write them as 31.3005"),
    }
}

/// A number, also with a decimal comma.
fn decimal(text: &str) -> Option<f64> {
    number(text).or_else(|| number(&text.replacen(',', ".", 1)))
}
