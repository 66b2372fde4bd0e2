//! Feeds of the operators: subscribers, cells, locations.

use crate::Error;
use crate::clock::{self, DAY, HOUR, MINUTE};
use crate::dice::{Dice, Purpose, scattered};
use crate::itinerary::Stay;
use crate::people::{City, Holder};
use crate::places::{bd09, gcj02};
use crate::statement::{self, REGISTER};
use crate::write::{Encoding, Frame, Outcome, Output, Row, Shape, again};

const SUBSCRIBERS: Shape = Shape {
    feed: "subscriber-register",
    extension: "txt",
    encoding: Encoding::Gb18030,
    line_end: "\n",
    separator: '|',
    time: 4,
    id: Some(3),
    text: 1,
};
const CELLS: Shape = Shape { feed: "cell-register", time: 7, id: None, text: 3, ..SUBSCRIBERS };
const LOCATIONS: Shape = Shape { feed: "location-updates", time: 0, id: None, text: 4, ..SUBSCRIBERS };

/// Writes the subscriber register: all numbers once, the changes of each day, and old versions that come last.
pub(crate) fn subscribers(city: &City, output: &mut Output) -> Result<(), Error> {
    let mut dice = Dice::new(city.seed, Purpose::Subscribers, 0, 0);
    let days = i64::from(city.days);
    let first: Vec<usize> = (0..city.phones.len()).filter(|index| city.phones[*index].opened < 0).collect();
    let mut sequence = 5_000_000;
    let mut rows = Vec::with_capacity(first.len());
    for index in &first {
        sequence += 1;
        rows.push(subscription(city, *index, 0, "正常", sequence));
    }
    let mut spoil = Dice::new(city.seed, Purpose::Spoil, 201, 0);
    output.prepare(&mut rows, &SUBSCRIBERS, &mut spoil);
    output.write(&SUBSCRIBERS, 40 * MINUTE, "full", &Frame::default(), &rows)?;

    let mut stale = Vec::new();
    for day in 0..days {
        let mut rows = Vec::new();
        let until = (day + 1) * DAY;
        let today = |at: i64| (day * DAY..until).contains(&at);
        for (index, phone) in city.phones.iter().enumerate() {
            if today(phone.opened) || phone.closed.is_some_and(today) {
                sequence += 1;
                rows.push(subscription(city, index, until, "正常", sequence).kept());
            }
        }
        let count = (first.len() as f64 * city.rates.register_change).ceil() as usize;
        let mut changed: Vec<usize> = (0..count).map(|_| *dice.pick(&first)).collect();
        changed.sort_unstable();
        changed.dedup();
        // A closed number does not change any more, and one that closes in these days has its own rows.
        changed.retain(|index| city.phones[*index].closed.is_none() && !city.phones[*index].machine);
        for index in changed {
            sequence += 2;
            rows.push(subscription(city, index, until, "正常", sequence).kept());
            if dice.chance(0.3) || stale.is_empty() {
                let row = subscription(city, index, until, "停机", sequence - 1);
                stale.push(row.kept().outcome(Outcome::Superseded));
            }
        }
        output.write(&SUBSCRIBERS, until + 90 * MINUTE, "changes", &Frame::default(), &rows)?;
    }
    output.write(&SUBSCRIBERS, days * DAY + 9 * HOUR, "late", &Frame::default(), &stale)
}

/// A subscription as it was known at an instant.
fn subscription(city: &City, index: usize, known: i64, status: &str, sequence: u64) -> Row {
    let phone = &city.phones[index];
    let mut style = Dice::new(city.seed, Purpose::Subscribers, index as u64, 1);
    let mut traps = Vec::new();
    let (name, kind, number, person) = match phone.holder {
        Holder::Person(person) => {
            let someone = &city.people[person as usize];
            let name = statement::name(city, person, REGISTER, &mut style, &mut traps).text;
            let number = statement::number(city, person, 0.0, &mut style, &mut traps);
            (name, someone.document.kind(), number, Some(person))
        }
        Holder::Company(company) => {
            traps.push("company-holder");
            let code =
                format!("91{}MA{:08}X", &crate::places::DIVISION, scattered(u64::from(company), 7_919, 99_999_989));
            (city.companies[company as usize].clone(), "统一社会信用代码", code, None)
        }
    };
    let closed = phone.closed.filter(|closed| *closed < known.max(1));
    let status = if closed.is_some() { "销户" } else { status };
    if closed.is_some() {
        traps.push("recycled-number");
    }
    let text = format!(
        "{}{}|{name}|{kind}|{number}|{}|{}|{status}|{sequence}",
        phone.prefix,
        phone.number,
        clock::compact(phone.opened),
        closed.map(clock::compact).unwrap_or_default(),
    );
    let row = Row::new(known, text, person).traps(traps);
    if phone.machine { row.outcome(Outcome::Excluded) } else { row }
}

/// Writes the cell register. Some cells were moved during the days: the old place ends, the new one begins.
pub(crate) fn cells(city: &City, output: &mut Output) -> Result<(), Error> {
    let mut dice = Dice::new(city.seed, Purpose::Cells, 0, 0);
    let mut rows = Vec::new();
    for cell in &city.ground.cells {
        let (lat, lon) = match cell.datum {
            "GCJ02" => gcj02(cell.lat, cell.lon),
            "BD09" => {
                let (lat, lon) = gcj02(cell.lat, cell.lon);
                bd09(lat, lon)
            }
            _ => (cell.lat, cell.lon),
        };
        let since = clock::compact(-dice.between(100, 2_000) * DAY);
        let rest = format!("{}|{}|{}", cell.azimuth, cell.radius_m, &city.ground.grids[cell.grid as usize].code[..12]);
        let row = |lat: f64, lon: f64, from: &str, to: &str| {
            let text = format!("{}|{lat:.6}|{lon:.6}|{}|{rest}|{from}|{to}", cell.id, cell.datum);
            let row = Row::new(0, text, None).kept();
            if cell.datum == "WGS84" { row } else { row.trap("map-datum") }
        };
        if dice.chance(0.02) {
            let moved = clock::compact(-5 * DAY);
            rows.push(row(lat + 0.002, lon - 0.001, &since, &moved));
            rows.push(row(lat, lon, &moved, ""));
        } else {
            rows.push(row(lat, lon, &since, ""));
        }
    }
    output.write(&CELLS, 20 * MINUTE, "cells", &Frame::default(), &rows)
}

/// What the location feed remembers from day to day.
pub(crate) struct Locations {
    /// Stays that go on: place and begin, by person.
    open: Vec<Option<(u32, i64)>>,
    /// Rows of the last two hours of a day, which the next file has again.
    tail: Vec<Row>,
    late: Vec<Row>,
}

impl Locations {
    pub(crate) fn new(city: &City) -> Self {
        Self { open: vec![None; city.people.len()], tail: Vec::new(), late: Vec::new() }
    }

    /// Writes the stays that ended on a day. A stay goes on over midnight; one of more than a day is cut.
    pub(crate) fn day(&mut self, city: &City, day: i64, stays: &[Stay], output: &mut Output) -> Result<(), Error> {
        let mut dice = Dice::new(city.seed, Purpose::Locations, day as u64, 0);
        let mut rows: Vec<Row> = self.tail.iter().map(again).collect();
        let (midnight, mut ended) = ((day + 1) * DAY, Vec::new());
        for stay in stays {
            let open = self.open[stay.person as usize];
            let start = match open {
                Some((place, start)) if place == stay.place => start,
                Some((place, start)) => {
                    // Out of the city without a last stay seen: the old one ended when the new day began at the latest.
                    let end = (start + 20 * HOUR).min(stay.start);
                    ended.push(Stay { person: stay.person, place, start, end });
                    stay.start
                }
                None => stay.start,
            };
            let goes_on = stay.end == midnight && midnight - start < 20 * HOUR;
            self.open[stay.person as usize] = goes_on.then_some((stay.place, start));
            if !goes_on {
                ended.push(Stay { start, ..*stay });
            }
        }
        for stay in &ended {
            self.rows_of(city, stay, &mut rows, &mut dice);
        }
        self.machines(city, day, &mut rows, &mut dice);
        let mut spoil = Dice::new(city.seed, Purpose::Spoil, 202, day as u64);
        output.prepare(&mut rows, &LOCATIONS, &mut spoil);
        let name = "locations";
        output.write(&LOCATIONS, midnight + 2 * HOUR, name, &Frame::default(), &rows)?;
        rows.retain(|row| row.at >= midnight - 2 * HOUR && row.outcome == Outcome::Accepted);
        self.tail = rows;
        if day % 3 == 2 || day + 1 == i64::from(city.days) {
            let mut late = std::mem::take(&mut self.late);
            late.sort_by_key(|row| row.at);
            output.write(&LOCATIONS, midnight + 11 * HOUR, "late", &Frame::default(), &late)?;
        }
        Ok(())
    }

    fn rows_of(&mut self, city: &City, stay: &Stay, rows: &mut Vec<Row>, dice: &mut Dice) {
        let Some(phone) = city.phone_at(stay.person, stay.end) else { return };
        let phone = &city.phones[phone as usize];
        if !phone.located || stay.end - stay.start < 5 * MINUTE {
            return;
        }
        let cell = city.ground.places[stay.place as usize].cell;
        let kind = *dice.pick(&["PERIODIC", "PERIODIC", "TAU", "CALL", "ATTACH"]);
        let start = (stay.start + dice.between(0, 240)).max(phone.opened);
        let row = |start: i64, end: i64, cell: u32, kind: &str| {
            let (from, to) = (clock::compact(start), clock::compact(end));
            let cell = &city.ground.cells[cell as usize].id;
            Row::new(end, format!("{from}|{to}|{}{}|{cell}|{kind}", phone.prefix, phone.number), Some(stay.person))
        };
        if start >= stay.end {
            return;
        }
        if dice.chance(city.rates.ping_pong) && stay.end - start > HOUR {
            let turn = start + dice.between(600, stay.end - start - 600);
            let back = turn + dice.between(4, 30);
            let pieces = [(start, turn, cell), (turn, back, cell ^ 1), (back, stay.end, cell)];
            rows.extend(pieces.map(|(start, end, cell)| row(start, end, cell, "HANDOVER").trap("ping-pong")));
        } else if dice.chance(city.rates.late) {
            self.late.push(row(start, stay.end, cell, kind).trap("late"));
        } else {
            rows.push(row(start, stay.end, cell, kind));
        }
    }

    fn machines(&self, city: &City, day: i64, rows: &mut Vec<Row>, dice: &mut Dice) {
        for phone in city.phones.iter().filter(|phone| phone.machine && phone.located) {
            let start = day * DAY + dice.between(0, DAY - 7_200);
            let cell = &dice.pick(&city.ground.cells).id;
            let (from, to) = (clock::compact(start), clock::compact(start + HOUR));
            let text = format!("{from}|{to}|{}|{cell}|PERIODIC", phone.number);
            rows.push(Row::new(start + HOUR, text, None).outcome(Outcome::Excluded));
        }
    }
}
