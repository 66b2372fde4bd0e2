//! Rail tickets.

use std::collections::BTreeMap;

use crate::Error;
use crate::clock::{self, DAY, HOUR, MINUTE};
use crate::dice::{Dice, Purpose, scattered};
use crate::itinerary::{Plans, RUNS_BACK, RUNS_OUT, Run};
use crate::people::{City, Document};
use crate::statement::{self, APP};
use crate::write::{Encoding, Frame, Outcome, Output, Row, Shape};

const TICKETS: Shape = Shape {
    feed: "rail-tickets",
    extension: "csv",
    encoding: Encoding::Gb18030,
    line_end: "\r\n",
    separator: ',',
    time: 15,
    id: None,
    text: 10,
};
const COLUMNS: &str =
    "票号,车次,乘车日期,始发日期,发站,到站,车厢,席位,开车时间,到达时间,姓名,证件类型,证件号码,订票人手机,状态,操作时间";

/// A train on a day, as a passenger of the city sees it.
#[derive(Clone, Copy)]
pub(crate) struct Ride {
    pub(crate) day: i64,
    pub(crate) out: bool,
    pub(crate) run: usize,
}

impl Ride {
    pub(crate) fn run(&self) -> &'static Run {
        if self.out { &RUNS_OUT[self.run] } else { &RUNS_BACK[self.run] }
    }

    /// Departure and arrival of the passenger's part of the journey.
    pub(crate) fn times(&self) -> (i64, i64) {
        let at = self.day * DAY + self.run().at;
        if self.out { (at, at + self.run().takes) } else { (at - self.run().takes, at) }
    }

    /// Number of the carriage and seat of the `n`th passenger: six to a carriage, so that some sit together.
    pub(crate) fn seat(n: u32) -> (String, String) {
        (format!("{:02}", 3 + n / 6 % 12), format!("{:02}{}", 1 + n % 6 / 3 * 2, ["A", "C", "F"][n as usize % 3]))
    }
}

/// Seats of all journeys by person: out and back.
pub(crate) fn seats(plans: &Plans) -> BTreeMap<(u32, bool), (Ride, String, String)> {
    let mut next: BTreeMap<(i64, bool, usize), u32> = BTreeMap::new();
    let mut seats = BTreeMap::new();
    for (person, trip) in plans.trips.iter().enumerate() {
        let Some(trip) = trip else { continue };
        for (day, out, run) in [(trip.out_day, true, trip.out_run), (trip.back_day, false, trip.back_run)] {
            let n = next.entry((day, out, run)).or_insert(0);
            let (carriage, seat) = Ride::seat(*n);
            *n += 1;
            seats.insert((person as u32, out), (Ride { day, out, run }, carriage, seat));
        }
    }
    seats
}

/// Writes all operations on tickets: those before the first day, each day's, and old versions that come last.
pub(crate) fn tickets(city: &City, plans: &Plans, output: &mut Output) -> Result<(), Error> {
    let mut dice = Dice::new(city.seed, Purpose::Tickets, 0, 0);
    let (mut rows, mut stale, mut serial) = (Vec::new(), Vec::new(), 0_u64);
    let end = i64::from(city.days) * DAY;
    for ((person, _), (ride, carriage, seat)) in seats(plans) {
        let (leaves, _) = ride.times();
        let mut sold = leaves - dice.between(20, 240) * HOUR + dice.between(0, 3_000);
        let mut ticket = |ride: Ride, carriage: &str, seat: &str, dice: &mut Dice| {
            serial += 1;
            Ticket::new(city, person, ride, (carriage, seat), serial, dice)
        };
        if dice.chance(city.rates.ticket_refund * 2.0) {
            // An earlier ticket for another train, given back or changed for the one of the journey.
            let other = Ride { run: (ride.run + 1) % RUNS_OUT.len(), ..ride };
            let earlier = ticket(other, "05", "08F", &mut dice);
            let changed = sold + dice.between(1, 10) * HOUR;
            let status = if dice.chance(0.5) { "退票" } else { "改签" };
            rows.push(earlier.row("已售", sold).kept());
            rows.push(earlier.row(status, changed).kept().trap(if status == "退票" {
                "refund"
            } else {
                "rebooking"
            }));
            sold = changed;
        }
        let (carriage, seat, trap) = match dice.below(40) {
            0 => ("加1".to_owned(), seat, Some("added-carriage")),
            1 | 2 => (carriage, "无座".to_owned(), Some("no-seat")),
            _ => (carriage, seat, None),
        };
        let real = ticket(ride, &carriage, &seat, &mut dice);
        let travelled = leaves + 5 * MINUTE;
        let mut first = real.row("已售", sold);
        first.traps.extend(trap);
        if travelled >= end {
            rows.push(first);
        } else if stale.is_empty() || dice.chance(0.01) {
            rows.push(real.row("已乘", travelled).kept());
            stale.push(first.kept().outcome(Outcome::Superseded));
        } else {
            rows.push(first);
            rows.push(real.row("已乘", travelled).kept());
        }
    }
    // What is sold after the last day is not delivered any more.
    rows.retain(|row| row.at < end);
    rows.sort_by_key(|row| row.at);
    let frame = Frame::header(COLUMNS, &TICKETS);
    let mut left = rows.into_iter().peekable();
    for day in -1..i64::from(city.days) {
        let midnight = (day + 1) * DAY;
        let mut today = Vec::new();
        while let Some(row) = left.next_if(|row| row.at < midnight) {
            today.push(row);
        }
        let mut spoil = Dice::new(city.seed, Purpose::Spoil, 301, (day + 1) as u64);
        output.prepare(&mut today, &TICKETS, &mut spoil);
        let name = if day < 0 { "presale" } else { "operations" };
        output.write(&TICKETS, midnight + 80 * MINUTE, name, &frame, &today)?;
        if day == 0 && !today.is_empty() {
            output.repeat_last(&TICKETS, midnight + 100 * MINUTE, "operations-again")?;
        }
    }
    stale.sort_by_key(|row: &Row| row.at);
    output.write(&TICKETS, end + 9 * HOUR, "late", &frame, &stale)
}

/// What stays the same in all states of a ticket.
struct Ticket {
    person: u32,
    text: String,
    traps: Vec<&'static str>,
}

impl Ticket {
    fn new(city: &City, person: u32, ride: Ride, (carriage, seat): (&str, &str), serial: u64, dice: &mut Dice) -> Self {
        let mut traps = vec!["id-masked"];
        let run = ride.run();
        let numbers = run.numbers;
        let number = match numbers.split_once('/') {
            // The train changes its number on the way; a ticket shows both, or the one of its part.
            Some((first, last)) => {
                traps.push("run-of-two-numbers");
                let second = format!("{}{last}", &first[..first.len() - last.len()]);
                match dice.below(3) {
                    0 => numbers.to_owned(),
                    1 => first.to_owned(),
                    _ => second,
                }
            }
            None => numbers.to_owned(),
        };
        let (leaves, arrives) = ride.times();
        let (from, to) = if ride.out { ("云浦", run.other) } else { (run.other, "云浦") };
        let name = statement::name(city, person, APP, dice, &mut traps).text;
        let document = &city.people[person as usize].document;
        let masked = match document {
            Document::Resident(number) => format!("{}****{}", &number[..10], &number[14..]),
            Document::Passport { number, .. } => format!("{}****", &number[..number.len() - 4]),
        };
        let orderer = statement::phone(city, person, leaves, dice, &mut traps);
        let text = format!(
            "E{:09},{number},{},{},{from},{to},{carriage},{seat},{},{},{name},{},{masked},{orderer}",
            scattered(serial, 48_271_003, 999_999_937),
            clock::date(leaves),
            clock::date(leaves - run.since * DAY),
            clock::dashed(leaves),
            clock::dashed(arrives),
            document.kind(),
        );
        Self { person, text, traps }
    }

    fn row(&self, status: &str, at: i64) -> Row {
        let text = format!("{},{status},{}", self.text, clock::dashed(at));
        Row::new(at, text, Some(self.person)).traps(self.traps.clone())
    }
}
