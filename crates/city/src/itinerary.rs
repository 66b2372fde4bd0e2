//! Where everybody is: trips and hospital stays planned for the whole time, and each day from them, in steps of five minutes.

use crate::clock::{self, DAY, HOUR, MINUTE};
use crate::dice::{Dice, Purpose};
use crate::people::City;

/// Somebody in a place from one instant to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stay {
    pub(crate) person: u32,
    pub(crate) place: u32,
    pub(crate) start: i64,
    pub(crate) end: i64,
}

/// A journey by rail: out on one day, back on another (perhaps after the time of the feeds).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Trip {
    pub(crate) out_day: i64,
    pub(crate) back_day: i64,
    /// Index into the timetable's runs out and back.
    pub(crate) out_run: usize,
    pub(crate) back_run: usize,
}

/// A visit to a hospital; more than one day is an admission.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Visit {
    pub(crate) day: i64,
    pub(crate) hospital: usize,
    pub(crate) start: i64,
    pub(crate) nights: i64,
}

/// Somebody who is found infected.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) person: u32,
    /// Day on which the positive specimen is taken.
    pub(crate) day: i64,
}

/// Plans of all persons.
pub(crate) struct Plans {
    pub(crate) trips: Vec<Option<Trip>>,
    pub(crate) visits: Vec<Option<Visit>>,
    pub(crate) cases: Vec<Case>,
}

/// Whether the phone that somebody carries on the first day is seen by the operator that delivers locations.
fn is_located(city: &City, person: u32) -> bool {
    city.phone_at(person, 0).is_some_and(|phone| city.phones[phone as usize].located)
}

/// A train's stop at the city's station: its numbers, departure or arrival there, and the other end of the journey.
pub(crate) struct Run {
    pub(crate) numbers: &'static str,
    pub(crate) other: &'static str,
    /// Time at the city's station.
    pub(crate) at: i64,
    /// Duration to or from the other station.
    pub(crate) takes: i64,
    /// Days before boarding on which the train left its origin.
    pub(crate) since: i64,
}

const fn run(numbers: &'static str, other: &'static str, hour: i64, minute: i64, takes: i64, since: i64) -> Run {
    Run { numbers, other, at: hour * HOUR + minute * MINUTE, takes: takes * MINUTE, since }
}

/// Trains from the city.
pub(crate) const RUNS_OUT: [Run; 7] = [
    run("G7012", "上海", 7, 42, 38, 0),
    run("D3057", "南京", 9, 5, 72, 0),
    run("T5317/6", "徐州", 10, 31, 265, 0),
    run("G1234/5", "武汉", 13, 20, 290, 0),
    run("K1556/7", "合肥", 14, 48, 240, 1),
    run("G7188", "杭州东", 17, 15, 95, 0),
    run("C3805", "苏州", 18, 33, 21, 0),
];
/// Trains to the city; `at` is the arrival there.
pub(crate) const RUNS_BACK: [Run; 7] = [
    run("G7011", "上海", 9, 10, 38, 0),
    run("D3058", "南京", 12, 36, 72, 0),
    run("T5315/8", "徐州", 15, 2, 265, 0),
    run("G1236/3", "武汉", 16, 55, 290, 0),
    run("K1555/8", "合肥", 8, 25, 240, 1),
    run("G7187", "杭州东", 19, 40, 95, 0),
    run("C3806", "苏州", 20, 12, 21, 0),
];

impl Plans {
    /// Draws the plans.
    pub(crate) fn new(city: &City) -> Self {
        let days = i64::from(city.days);
        let people = city.people.len();
        let mut plans = Self { trips: vec![None; people], visits: vec![None; people], cases: Vec::new() };
        for person in 0..people {
            let mut dice = Dice::new(city.seed, Purpose::Plans, person as u64, 0);
            let age = city.people[person].age();
            if age >= 16 && dice.chance((0.014 * days as f64).min(0.8)) {
                let out_day = dice.between(0, days - 1);
                let back_day = out_day + dice.between(1, 3);
                let (out_run, back_run) = (dice.below(RUNS_OUT.len()), dice.below(RUNS_BACK.len()));
                plans.trips[person] = Some(Trip { out_day, back_day, out_run, back_run });
            } else if dice.chance((0.0055 * days as f64).min(0.7)) {
                let nights = if dice.chance(0.22) { dice.between(1, 6) } else { 0 };
                let start = dice.between(16, 32) * 30 * MINUTE;
                plans.visits[person] =
                    Some(Visit { day: dice.between(0, days - 1), hospital: dice.below(2), start, nights });
            }
        }
        plans.infect(city);
        plans
    }

    /// Who has a positive specimen on which day: adults who are not away. They are admitted the day after.
    fn infect(&mut self, city: &City) {
        let mut dice = Dice::new(city.seed, Purpose::Plans, u64::MAX, 0);
        let days = i64::from(city.days);
        let wanted = (city.people.len() / 2_000).max(2);
        for _ in 0..wanted * 40 {
            let person = dice.below(city.people.len());
            let day = dice.between(days / 3, days - 1);
            // A journey must be over by then.
            let away = self.trips[person].is_some_and(|trip| trip.back_day > day);
            let known = self.cases.iter().any(|case| case.person == person as u32);
            // The first half are people of the operator that delivers locations, so that every city has cases whose way is known.
            let unseen = self.cases.len() < wanted.div_ceil(2) && !is_located(city, person as u32);
            if self.cases.len() == wanted || known || unseen || city.people[person].age() < 20 || away {
                continue;
            }
            self.visits[person] = Some(Visit { day: day + 1, hospital: 0, start: 10 * HOUR, nights: 14 });
            self.cases.push(Case { person: person as u32, day });
        }
        self.cases.sort_by_key(|case| (case.day, case.person));
    }

    /// Whether somebody is away from home for a whole day: out of the city, or in a hospital.
    pub(crate) fn is_out(&self, person: u32, day: i64) -> bool {
        let travels = self.trips[person as usize].is_some_and(|trip| trip.out_day < day && day < trip.back_day);
        let visit = self.visits[person as usize];
        travels || visit.is_some_and(|visit| visit.day < day && day < visit.day + visit.nights)
    }

    /// The stays of one person on one day, in order. Nothing while they are out of the city.
    pub(crate) fn day(&self, city: &City, person: u32, day: i64, stays: &mut Vec<Stay>) {
        stays.clear();
        let mut dice = Dice::new(city.seed, Purpose::Day, u64::from(person), day as u64);
        let mut add = |place: u32, start: i64, end: i64| {
            let (start, end) = (day * DAY + start.max(0), day * DAY + end.min(DAY));
            if start < end {
                stays.push(Stay { person, place, start, end });
            }
        };
        let home = city.people[person as usize].home;
        if let Some(trip) = self.trips[person as usize].filter(|trip| (trip.out_day..=trip.back_day).contains(&day)) {
            journey(city, &trip, day, home, &mut add);
            return;
        }
        let here = |visit: &Visit| (visit.day..=visit.day + visit.nights).contains(&day);
        match self.visits[person as usize].filter(here) {
            Some(visit) => in_hospital(city, &visit, day, home, &mut add, &mut dice),
            None => ordinary(city, person, day, &mut add, &mut dice),
        }
    }
}

fn journey(city: &City, trip: &Trip, day: i64, home: u32, add: &mut dyn FnMut(u32, i64, i64)) {
    let station = city.ground.station;
    if trip.out_day == day {
        let leaves = RUNS_OUT[trip.out_run].at;
        add(home, 0, five(leaves - 70 * MINUTE));
        add(station, five(leaves - 45 * MINUTE), five(leaves));
    } else if trip.back_day == day {
        let arrives = RUNS_BACK[trip.back_run].at;
        add(station, five(arrives), five(arrives + 15 * MINUTE));
        add(home, five(arrives + 40 * MINUTE), DAY);
    }
}

fn in_hospital(city: &City, visit: &Visit, day: i64, home: u32, add: &mut dyn FnMut(u32, i64, i64), dice: &mut Dice) {
    let hospital = city.ground.hospitals[visit.hospital];
    let is_last = day == visit.day + visit.nights;
    let from = if day == visit.day { visit.start } else { 0 };
    let until = match (is_last, visit.nights) {
        (true, 0) => from + dice.between(12, 30) * 5 * MINUTE,
        (true, _) => 10 * HOUR,
        _ => DAY,
    };
    add(home, 0, from - 25 * MINUTE);
    add(hospital, from, until);
    if until < DAY {
        add(home, until + 25 * MINUTE, DAY);
    }
}

fn ordinary(city: &City, person: u32, day: i64, add: &mut dyn FnMut(u32, i64, i64), dice: &mut Dice) {
    let someone = &city.people[person as usize];
    let works = someone.work.filter(|_| clock::is_workday(day * DAY) && !dice.chance(0.06));
    let mut free = match works {
        Some(work) => {
            let pupil = someone.is_pupil();
            let begins = five((if pupil { 7 * HOUR + 30 * MINUTE } else { 8 * HOUR }) + dice.between(0, 14) * 300);
            let ends = five(if pupil { 16 * HOUR } else { 17 * HOUR } + dice.between(0, 20) * 300);
            let way = dice.between(2, 6) * 300;
            add(someone.home, 0, begins - way);
            add(work, begins, ends);
            ends + way
        }
        None => 0,
    };
    if dice.chance(if works.is_some() { 0.25 } else { 0.5 }) && someone.age() >= 8 {
        let shop = *dice.pick(&city.ground.shops);
        let at = if works.is_some() { free } else { dice.between(96, 220) * 300 };
        let until = at + dice.between(3, 9) * 300;
        if free < at {
            add(someone.home, free, at - 600);
        }
        add(shop, at, until);
        free = until + 600;
    }
    add(someone.home, free, DAY);
}

fn five(at: i64) -> i64 {
    at / 300 * 300
}
