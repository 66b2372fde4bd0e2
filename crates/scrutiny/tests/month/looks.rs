//! The month's log: what people did, and what a hub knows of it.

use std::collections::BTreeSet;

use domain::Timestamp;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use scrutiny::{Explanation, Look, Mark, Ties};

use crate::city::{BEGIN, City, DAYS, MINUTES_OF_DAY, Person, Work};
use crate::misuse::{self, Kind};

/// What the caller says it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stated {
    /// Nothing.
    Nothing,
    /// A case of the hub.
    Case(usize),
}

/// A look as it happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Happened {
    pub(crate) minute: i64,
    pub(crate) official: usize,
    pub(crate) person: Person,
    pub(crate) stated: Stated,
    pub(crate) is_search: bool,
    /// Whose misuse it is part of.
    pub(crate) misuser: Option<usize>,
}

pub(crate) struct Log {
    pub(crate) looks: Vec<Happened>,
    pub(crate) misusers: Vec<Kind>,
}

pub(crate) fn log(city: &City, seed: u64, misusers: usize) -> Log {
    let mut dice = ChaCha8Rng::seed_from_u64(seed ^ 0x6d_6f6e_7468);
    let mut looks = Vec::new();
    let mut own: Vec<Vec<usize>> = vec![Vec::new(); city.officials.len()];
    for (number, case) in city.cases.iter().enumerate() {
        case.tracers.iter().for_each(|tracer| own[*tracer].push(number));
    }
    for (official, own) in own.iter().enumerate() {
        for day in 0..DAYS {
            if day % 7 >= 5 && dice.random_bool(0.8) {
                continue;
            }
            match city.officials[official].work {
                Work::Tracing => trace(city, &mut dice, (official, day), own, &mut looks),
                Work::Grid(grid) => look_after(city, &mut dice, (official, day), grid, &mut looks),
            }
        }
    }
    let misusers = misuse::plant(city, &mut dice, misusers, &mut looks);
    looks.sort_by_key(|look| look.minute);
    Log { looks, misusers }
}

/// When somebody works: by day, with some evenings and night duties.
fn minute(dice: &mut ChaCha8Rng, day: i64) -> i64 {
    let of_day =
        if dice.random_bool(0.04) { dice.random_range(0..MINUTES_OF_DAY) } else { dice.random_range(470..1_140) };
    BEGIN + day * MINUTES_OF_DAY + of_day
}

fn trace(city: &City, dice: &mut ChaCha8Rng, (official, day): (usize, i64), own: &[usize], looks: &mut Vec<Happened>) {
    let open: Vec<usize> = own.iter().copied().filter(|case| city.cases[*case].days.contains(&day)).collect();
    for _ in 0..48 {
        let mut minute = minute(dice, day);
        // Where there is no case of one's own, one helps with any.
        let number = match open.is_empty() {
            true => dice.random_range(0..city.cases.len()),
            false => open[dice.random_range(0..open.len())],
        };
        let case = &city.cases[number];
        let person = match dice.random_range(0..100) {
            // A namesake, a contact that only the person told of, a slip.
            0 => dice.random_range(0..city.residents.len()),
            1..30 => case.person,
            _ => case.contacts[dice.random_range(0..case.contacts.len())],
        };
        // Some forget to change the case that they state.
        let stated = if dice.random_bool(0.005) { (number + 1) % city.cases.len() } else { number };
        let stated = Stated::Case(stated);
        for step in 0..3 {
            let is_search = step == 0;
            looks.push(Happened { minute, official, person, stated, is_search, misuser: None });
            minute += dice.random_range(0..3);
            if is_search && dice.random_bool(0.05) {
                break;
            }
        }
    }
}

fn look_after(
    city: &City,
    dice: &mut ChaCha8Rng,
    (official, day): (usize, i64),
    grid: usize,
    looks: &mut Vec<Happened>,
) {
    let first = city.residents.iter().position(|resident| resident.grid == grid).unwrap_or(0);
    let mut look = |person: Person, minute: i64| {
        looks.push(Happened { minute, official, person, stated: Stated::Nothing, is_search: false, misuser: None });
    };
    for _ in 0..84 {
        look(first + dice.random_range(0..1_000), minute(dice, day));
    }
    // Those who need care are looked at once a week, whether anything changed or not.
    if day % 7 == (official % 5) as i64 {
        for cared_for in 0..20 {
            look(first + (official % 4) * 40 + cared_for, minute(dice, day));
        }
    }
}

impl Happened {
    /// What stands in the log.
    pub(crate) fn look(&self, city: &City) -> Look {
        let mut subject = [0; 16];
        subject[..8].copy_from_slice(&(self.person as u64).to_be_bytes());
        let role = match city.officials[self.official].work {
            Work::Grid(_) => "community-worker",
            Work::Tracing => "cdc-tracer",
        };
        Look {
            at: Timestamp::from_millis(self.minute * 60_000),
            actor: format!("official-{}", self.official),
            role: role.to_owned(),
            is_search: self.is_search,
            misses: 0,
            subjects: vec![subject],
        }
    }

    /// What the registers say of the two.
    pub(crate) fn ties(&self, city: &City) -> Ties {
        let official = &city.officials[self.official];
        let (caller, person) = (&city.residents[official.person], &city.residents[self.person]);
        let mut explanations = BTreeSet::new();
        match self.stated {
            Stated::Case(number) if city.cases[number].person == self.person => {
                explanations.insert(Explanation::CaseNames);
            }
            Stated::Case(number) if city.cases[number].contacts.contains(&self.person) => {
                explanations.insert(Explanation::CaseContact);
            }
            Stated::Case(_) | Stated::Nothing => {}
        }
        if official.work == Work::Grid(person.grid) {
            explanations.insert(Explanation::OwnUnit);
        }
        let mut colleagues = city.works_in(official.office, self.official);
        let marks = [
            (official.person == self.person, Mark::OwnPerson),
            (caller.dwelling == person.dwelling && official.person != self.person, Mark::SameDwelling),
            (caller.grid == person.grid, Mark::Neighbour),
            (colleagues.any(|other| city.officials[other].person == self.person), Mark::Colleague),
            (caller.surname == person.surname, Mark::SameName),
            (person.is_prominent, Mark::Prominent),
        ];
        let marks = marks.into_iter().filter_map(|(holds, mark)| holds.then_some(mark)).collect();
        let changed = person.changes.iter().rev().find(|change| **change <= self.minute);
        Ties { explanations, marks, changed: changed.map(|minute| Timestamp::from_millis(minute * 60_000)) }
    }
}
