//! A synthetic city: people, feeds in their own formats, and the truth beside them.
//!
//! Everything follows from a seed: the same options give the same bytes, on any number of cores. No person, address or
//! resident number made here exists: the county codes in the numbers were never assigned.
//!
//! Memory holds the people and one day of one feed. `truth/expected.csv` lists the files in the order in which their
//! senders deliver them, with what a connector should make of their rows when it reads them in that order.

mod cases;
mod clock;
mod community;
mod dice;
mod encode;
mod hl7;
mod itinerary;
mod lab;
mod names;
mod outline;
mod payment;
mod people;
mod places;
mod rates;
mod spoil;
mod statement;
mod telecom;
mod transport;
mod truth;
mod write;

use std::path::{Path, PathBuf};

use itinerary::{Plans, Stay};
use people::City;
pub use rates::Rates;
pub use write::FileSummary;
use write::Output;

/// What to generate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// People who live in the city, at least 1.
    pub residents: u32,
    /// Days of the feeds, from 2022-03-01; at least 1.
    pub days: u32,
    /// Seed of all randomness.
    pub seed: u64,
}

/// How far the work is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Steps done: one for the people and registers, then one per day.
    pub done: u32,
    /// Steps in all.
    pub of: u32,
}

/// What was generated.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// Persons.
    pub persons: u64,
    /// Rows and messages in all files, repeated files included.
    pub rows: u64,
    /// The files in the order of delivery.
    pub files: Vec<FileSummary>,
}

/// Why a city could not be generated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder has a city already.
    #[error("{0} exists already: choose another folder or remove it")]
    NotEmpty(PathBuf),
    /// The options make no city.
    #[error("a city needs at least one resident and one day, and at most 20,000,000 residents and 3,650 days")]
    Options,
    /// A file could not be written.
    #[error("cannot write {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
}

/// Generates a city into a folder, which gets `feeds/`, `truth/`, `townships.geojson` and `README.md`.
///
/// # Errors
/// When the options make no city, the folder has one already, or writing fails. Files written until then stay.
pub fn generate(options: &Options, out: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Summary, Error> {
    let sizes = (1..=20_000_000).contains(&options.residents) && (1..=3_650).contains(&options.days);
    if !sizes {
        return Err(Error::Options);
    }
    let rates = Rates::default();
    let mut output = Output::create(out, rates)?;
    let city = City::new(options.seed, options.residents, options.days, rates);
    let plans = Plans::new(&city);
    telecom::cells(&city, &mut output)?;
    community::gates(&city, &mut output)?;
    hl7::register(&city, &mut output)?;
    community::households(&city, &mut output)?;
    telecom::subscribers(&city, &mut output)?;
    transport::tickets(&city, &plans, &mut output)?;
    truth::registers(&city, &plans, &output)?;
    let of = options.days + 1;
    progress(Progress { done: 1, of });

    let mut locations = telecom::Locations::new(&city);
    let mut gates = community::Gates::new(&city);
    let mut meters = community::Meters::new(&city);
    let mut lab = lab::Lab::new();
    let mut hospitals = hl7::Hospitals::new(&city);
    let mut movements = truth::Movements::create(&output)?;
    let (mut stays, mut one): (Vec<Stay>, Vec<Stay>) = (Vec::new(), Vec::new());
    for day in 0..i64::from(options.days) {
        stays.clear();
        for person in 0..city.people.len() as u32 {
            plans.day(&city, person, day, &mut one);
            stays.extend_from_slice(&one);
        }
        locations.day(&city, day, &stays, &mut output)?;
        gates.day(&city, &plans, day, &stays, &mut output)?;
        meters.day(&city, &plans, day, &mut output)?;
        payment::day(&city, day, &stays, &mut output)?;
        lab.day(&city, &plans, day, &stays, &mut output)?;
        hospitals.day(&city, &plans, day, &mut output)?;
        cases::day(&city, &plans, day, &mut output)?;
        movements.day(&city, &plans, day, &stays)?;
        progress(Progress { done: day as u32 + 2, of });
    }
    movements.finish(&plans)?;
    for day in 0..2 {
        cases::day(&city, &plans, i64::from(options.days) + day, &mut output)?;
    }
    output.finish(truth::README)?;
    let rows = output.files.iter().map(|file| file.rows).sum();
    Ok(Summary { persons: city.people.len() as u64, rows, files: output.files })
}
