//! Who lives where, works with whom, and is ill.

use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

pub(crate) const DAYS: i64 = 30;
pub(crate) const MINUTES_OF_DAY: i64 = 24 * 60;
/// Midnight of the first day in the city, in minutes since 1970.
pub(crate) const BEGIN: i64 = 27_424_800 - 480;

const GRIDS: usize = 40;
const RESIDENTS_OF_A_GRID: usize = 1_000;
const WORKERS_OF_A_GRID: usize = 4;
const TRACERS: usize = 220;
const CASES: usize = 600;
const CONTACTS_OF_A_CASE: usize = 12;
const DAYS_OF_A_CASE: i64 = 14;
/// Colleagues sit together in offices of so many.
const OFFICE: usize = 10;
const PROMINENT_OF_1000: u32 = 1;

pub(crate) type Person = usize;

#[derive(Debug)]
pub(crate) struct Resident {
    pub(crate) grid: usize,
    pub(crate) dwelling: usize,
    pub(crate) surname: usize,
    pub(crate) is_prominent: bool,
    /// Minutes at which the file changed, ascending.
    pub(crate) changes: Vec<i64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// Looks after the residents of a grid.
    Grid(usize),
    /// Traces cases.
    Tracing,
}

#[derive(Debug)]
pub(crate) struct Official {
    pub(crate) person: Person,
    pub(crate) work: Work,
    pub(crate) office: usize,
}

#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) person: Person,
    pub(crate) contacts: Vec<Person>,
    pub(crate) days: std::ops::Range<i64>,
    /// Those who trace it.
    pub(crate) tracers: [usize; 2],
}

#[derive(Debug)]
pub(crate) struct City {
    pub(crate) residents: Vec<Resident>,
    pub(crate) officials: Vec<Official>,
    pub(crate) cases: Vec<Case>,
}

impl City {
    pub(crate) fn invent(seed: u64) -> Self {
        let mut dice = ChaCha8Rng::seed_from_u64(seed);
        let mut residents = residents(&mut dice);
        let officials = officials(&mut dice, residents.len());
        let tracers: Vec<usize> = (0..officials.len()).filter(|one| officials[*one].work == Work::Tracing).collect();
        let cases: Vec<Case> = (0..CASES).map(|_| case(&mut dice, &residents, &tracers)).collect();
        // Who is ill or a contact is tested: the file changes every other day.
        for case in &cases {
            for person in case.contacts.iter().chain([&case.person]) {
                for day in case.days.clone().step_by(2) {
                    residents[*person].changes.push(BEGIN + day * MINUTES_OF_DAY + dice.random_range(480..1_200));
                }
            }
        }
        residents.iter_mut().for_each(|resident| resident.changes.sort_unstable());
        Self { residents, officials, cases }
    }

    pub(crate) fn works_in(&self, office: usize, but: usize) -> impl Iterator<Item = usize> + '_ {
        let all = self.officials.iter().enumerate();
        all.filter(move |(one, official)| official.office == office && *one != but).map(|(one, _)| one)
    }
}

fn residents(dice: &mut ChaCha8Rng) -> Vec<Resident> {
    let mut residents = Vec::new();
    let mut dwelling = 0;
    for grid in 0..GRIDS {
        let mut left: usize = RESIDENTS_OF_A_GRID;
        while left > 0 {
            let (size, surname) = (dice.random_range(1..=5).min(left), surname(dice));
            for member in 0..size {
                // Who marries keeps the own name.
                let surname = if member == 1 { self::surname(dice) } else { surname };
                let change = dice.random_bool(0.7).then(|| BEGIN + dice.random_range(0..DAYS * MINUTES_OF_DAY));
                let is_prominent = dice.random_ratio(PROMINENT_OF_1000, 1_000);
                residents.push(Resident {
                    grid,
                    dwelling,
                    surname,
                    is_prominent,
                    changes: change.into_iter().collect(),
                });
            }
            dwelling += 1;
            left -= size;
        }
    }
    residents
}

/// A few names are those of many, as in China: the most frequent of some seven in a hundred.
fn surname(dice: &mut ChaCha8Rng) -> usize {
    let one: f64 = dice.random();
    (400.0 * one * one * one) as usize
}

fn officials(dice: &mut ChaCha8Rng, residents: usize) -> Vec<Official> {
    let mut officials = Vec::new();
    let work = (0..GRIDS).flat_map(|grid| [Work::Grid(grid); WORKERS_OF_A_GRID]).chain([Work::Tracing; TRACERS]);
    for (number, work) in work.enumerate() {
        // Some look after the grid that they live in.
        let person = match work {
            Work::Grid(grid) if dice.random_bool(0.4) => {
                grid * RESIDENTS_OF_A_GRID + dice.random_range(0..RESIDENTS_OF_A_GRID)
            }
            _ => dice.random_range(0..residents),
        };
        officials.push(Official { person, work, office: number / OFFICE });
    }
    officials
}

fn case(dice: &mut ChaCha8Rng, residents: &[Resident], tracers: &[usize]) -> Case {
    let person = dice.random_range(0..residents.len());
    let contacts = (0..CONTACTS_OF_A_CASE).map(|_| {
        if dice.random_bool(0.6) {
            residents[person].grid * RESIDENTS_OF_A_GRID + dice.random_range(0..RESIDENTS_OF_A_GRID)
        } else {
            dice.random_range(0..residents.len())
        }
    });
    let contacts = contacts.collect();
    let first = dice.random_range(-DAYS_OF_A_CASE / 2..DAYS - 2);
    let tracer = |dice: &mut ChaCha8Rng| tracers[dice.random_range(0..tracers.len())];
    let tracers = [tracer(dice), tracer(dice)];
    Case { person, contacts, days: first.max(0)..(first + DAYS_OF_A_CASE).min(DAYS), tracers }
}
