//! Reading the truth beside a generated city.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use anyhow::Context;
use uuid::Uuid;

/// Feed of the laboratory.
const LABORATORY: &str = "lab-results";

/// What the truth knows of the rows that were pushed.
#[derive(Default)]
pub(crate) struct Rows {
    /// The person that each row names, by batch and row. Persons are numbered as they come.
    pub(crate) persons: HashMap<(Uuid, i64), u32>,
    /// Persons whom somebody else than the laboratory knows, by any row of the city.
    pub(crate) known_elsewhere: HashSet<u32>,
}

/// Reads the person of each row; `batches` are the files that were pushed, by feed and name.
pub(crate) fn rows(city: &Path, batches: &HashMap<(&str, &str), Uuid>) -> anyhow::Result<Rows> {
    let mut numbers: HashMap<String, u32> = HashMap::new();
    let mut rows = Rows::default();
    for line in lines(&city.join("truth/rows.csv"))?.skip(1) {
        let line = line?;
        let mut columns = line.split(',');
        let (Some(feed), Some(file), Some(row), Some(person)) =
            (columns.next(), columns.next(), columns.next(), columns.next())
        else {
            continue;
        };
        let next = numbers.len() as u32;
        let person = *numbers.entry(person.to_owned()).or_insert(next);
        if feed != LABORATORY {
            rows.known_elsewhere.insert(person);
        }
        if let Some(batch) = batches.get(&(feed, file)) {
            rows.persons.insert((*batch, row.parse()?), person);
        }
    }
    Ok(rows)
}

/// The phone of whoever tested positive first, which is the case that the demo works on; somebody's, when none of them has one.
pub(crate) fn phone_of_a_case(city: &Path) -> anyhow::Result<String> {
    let mut lines = lines(&city.join("truth/persons.csv"))?;
    let header = lines.next().context("truth/persons.csv is empty")??;
    let column = |name: &str| {
        let at = header.split(',').position(|column| column == name);
        at.with_context(|| format!("truth/persons.csv has no column {name}"))
    };
    let (phone, case) = (column("phone")?, column("case_day")?);
    let (mut first, mut any): (Option<(String, String)>, _) = (None, None);
    for line in lines {
        let line = line?;
        let columns: Vec<&str> = line.split(',').collect();
        let Some(number) = columns.get(phone).filter(|number| !number.is_empty()) else { continue };
        let day = columns.get(case).copied().unwrap_or_default();
        if !day.is_empty() && first.as_ref().is_none_or(|(before, _)| day < before.as_str()) {
            first = Some((day.to_owned(), (*number).to_owned()));
        }
        any.get_or_insert_with(|| (*number).to_owned());
    }
    first.map(|(_, number)| number).or(any).context("nobody in the city has a phone")
}

fn lines(path: &Path) -> anyhow::Result<std::io::Lines<BufReader<File>>> {
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    Ok(BufReader::new(file).lines())
}
