//! How often a signal is right, on the feeds of an invented city against its own truth, as if everybody were in quarantine.
//!
//! `cargo test -p exposure --test signals -- --nocapture` prints the figures that stand in docs/BENCHMARKS.md.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use domain::{GateDecision, GateDirection, PresenceMethod, Timestamp};
use exposure::signal::{Reading, away, home, leaves, measures_home, still};
use exposure::{Disc, FactId, PlaceId, Position, Presence, Rules, Span, Stay, stays};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60 * MINUTE;
const DAYS: u32 = 10;
/// The quarantine of everybody begins on this day.
const BEGIN: i64 = 4;

/// The lines of a table without its header, cut at commas.
fn table(home: &Path, name: &str) -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(home.join("truth").join(name)).expect("a table");
    text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect()
}

/// Local times of a city as if they were in UTC.
fn time(text: &str) -> Option<Timestamp> {
    let text = match text.len() {
        16 => format!("{text}:00Z"),
        14 => {
            let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or("x");
            let (date, clock) = ([part(0..4), part(4..6), part(6..8)], [part(8..10), part(10..12), part(12..14)]);
            format!("{}T{}Z", date.join("-"), clock.join(":"))
        }
        19 => format!("{}Z", text.replace(' ', "T")),
        _ => return None,
    };
    Timestamp::parse(&text).ok()
}

/// The rows of a feed whose bytes are ASCII where they count.
fn feed(home: &Path, summary: &city::Summary, name: &str) -> Vec<String> {
    let files = summary.files.iter().filter(|file| file.feed == name);
    let text =
        files.map(|file| String::from_utf8_lossy(&std::fs::read(home.join(&file.path)).expect("a file")).into_owned());
    text.flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

struct Truth {
    /// Stays of each person: place, begin, end.
    stays: BTreeMap<String, Vec<(u32, Timestamp, Timestamp)>>,
    /// Stays in each place: begin, end.
    places: BTreeMap<u32, Vec<(Timestamp, Timestamp)>>,
    dwelling: BTreeMap<String, u32>,
    /// What addresses say of places.
    names: BTreeMap<u32, String>,
}

impl Truth {
    fn read(home: &Path) -> Self {
        let mut truth =
            Self { stays: BTreeMap::new(), places: BTreeMap::new(), dwelling: BTreeMap::new(), names: BTreeMap::new() };
        for cells in table(home, "itinerary.csv") {
            let place = cells[1].parse().expect("a place");
            let (from, to) = (time(&cells[2]).expect("a time"), time(&cells[3]).expect("a time"));
            truth.stays.entry(cells[0].clone()).or_default().push((place, from, to));
            truth.places.entry(place).or_default().push((from, to));
        }
        for cells in table(home, "persons.csv") {
            truth.dwelling.insert(cells[0].clone(), cells[9].parse().expect("a place"));
        }
        for cells in table(home, "places.csv") {
            truth.names.insert(cells[0].parse().expect("a place"), cells[2].clone());
        }
        truth
    }

    /// Whether anybody was in a place between two instants.
    fn is_somebody_in(&self, place: u32, span: Span) -> bool {
        self.places.get(&place).into_iter().flatten().any(|(from, to)| *from < span.to && span.from < *to)
    }

    /// How long somebody was elsewhere than at home, as far as it is known where.
    fn elsewhere(&self, person: &str, span: Span) -> i64 {
        let home = self.dwelling[person];
        let stays = self.stays.get(person).into_iter().flatten().filter(|(place, ..)| *place != home);
        stays.filter_map(|(_, from, to)| Some(Span::new(*from, *to).common(span)?.millis())).sum()
    }
}

fn city() -> (tempfile::TempDir, city::Summary) {
    let home = tempfile::tempdir().expect("a directory");
    let options = city::Options { residents: 3_000, days: DAYS, seed: 11 };
    let summary = city::generate(&options, home.path(), &mut |_| {}).expect("a city");
    (home, summary)
}

#[test]
fn a_meter_that_stands_still_is_of_a_dwelling_where_nobody_is() {
    let (folder, summary) = city();
    let truth = Truth::read(folder.path());
    // Everybody has a place in a household, and who lives apart from it has one in two.
    let mut dwellings: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
    for (line, person) in owned_rows(folder.path(), &summary, "household-register", 1) {
        let household =
            String::from_utf8_lossy(line.split(|byte| *byte == b',').next().unwrap_or_default()).into_owned();
        dwellings.entry(household).or_default().insert(truth.dwelling[&person]);
    }
    let mut meters: BTreeMap<(String, String, String, String), Vec<Reading>> = BTreeMap::new();
    for (number, line) in feed(folder.path(), &summary, "meter-readings").iter().enumerate() {
        let cells: Vec<&str> = line.split(',').collect();
        let [account, meter, address, register, value, unit, factor, at, quality] = cells[..] else { continue };
        let (Some(at), Ok(value), Ok(factor)) = (time(at), value.parse::<f64>(), factor.parse::<f64>()) else {
            continue;
        };
        if quality == "估读" {
            continue;
        }
        let kwh = value * factor * if unit == "Wh" { 0.001 } else { 1.0 };
        let key = (account.to_owned(), address.to_owned(), meter.to_owned(), register.to_owned());
        meters.entry(key).or_default().push(Reading { fact: FactId(number as u32), at, kwh });
    }
    let rules = Rules::default().signal;
    let whole = Span::new(Timestamp::from_millis(0), Timestamp::from_millis(i64::MAX / 2));
    let (mut told, mut right, mut empty, mut found, mut apart) = (0_u32, 0_u32, 0_u32, 0_u32, 0_u32);
    let homes = meters.iter().filter_map(|(key, readings)| Some((key, readings, dwellings.get(&key.0)?)));
    let homes = homes.flat_map(|(key, readings, all)| all.iter().map(move |home| (key, readings, *home)));
    for ((_, address, ..), readings, home) in homes {
        if !measures_home(Some(address), Some(&truth.names[&home])) {
            apart += 1;
            continue;
        }
        let stretches = still(&rules, readings, whole);
        for one in &stretches {
            told += 1;
            right += u32::from(!truth.is_somebody_in(home, Span::new(one.from.at, one.to.at)));
        }
        let mut times: Vec<Timestamp> = readings.iter().map(|reading| reading.at).collect();
        times.sort_unstable();
        times.dedup();
        for pair in times.windows(2).filter(|pair| pair[1].as_millis() - pair[0].as_millis() == DAY) {
            if !truth.is_somebody_in(home, Span::new(pair[0], pair[1])) {
                empty += 1;
                found += u32::from(stretches.iter().any(|one| one.from.at <= pair[0] && pair[1] <= one.to.at));
            }
        }
    }
    let (precision, recall) = (f64::from(right) / f64::from(told), f64::from(found) / f64::from(empty));
    println!(
        "still-meter: {told} signals, {right} right ({precision:.3}); {empty} empty days, {found} told ({recall:.3})"
    );
    assert!(apart >= 10, "nobody lives apart from the household: {apart}");
    assert!(told >= 10 && empty >= 10, "the city has too few empty dwellings to say anything");
    assert!(precision >= 0.9, "{precision}");
    assert!(recall >= 0.5, "{recall}");
}

#[test]
fn somebody_whose_phone_is_away_is_not_at_home() {
    let (folder, summary) = city();
    let truth = Truth::read(folder.path());
    // Where a cell is: in the middle of the places that it serves.
    let mut cells: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for line in table(folder.path(), "places.csv") {
        let degrees = |text: &str| text.parse::<f64>().expect("degrees");
        cells.entry(line[8].clone()).or_default().push((degrees(&line[4]), degrees(&line[5])));
    }
    let numbers: BTreeMap<&String, PlaceId> = cells.keys().zip((0..).map(PlaceId)).collect();
    let discs: Vec<Disc> = cells
        .values()
        .map(|all| {
            let mean = |part: fn(&(f64, f64)) -> f64| all.iter().map(part).sum::<f64>() / all.len() as f64;
            let centre = Position::new(mean(|one| one.0), mean(|one| one.1)).expect("on earth");
            Disc { centre, radius_m: 300.0 }
        })
        .collect();
    let phones: Vec<Vec<String>> = table(folder.path(), "phones.csv");
    let mut users: BTreeMap<&str, Vec<&Vec<String>>> = BTreeMap::new();
    for phone in &phones {
        users.entry(&phone[0]).or_default().push(phone);
    }
    let mut presences: BTreeMap<String, Vec<Presence>> = BTreeMap::new();
    for (number, line) in feed(folder.path(), &summary, "location-updates").iter().enumerate() {
        let parts: Vec<&str> = line.split('|').collect();
        let [from, to, phone, cell, _] = parts[..] else { continue };
        let (Some(from), Some(to)) = (time(from), time(to)) else { continue };
        let digits = phone.get(phone.len().saturating_sub(11)..).unwrap_or("");
        let Some(place) = numbers.get(&cell.to_owned()) else { continue };
        // A number that was given out anew is of who has it then.
        let is_theirs = |phone: &&&Vec<String>| {
            time(&phone[3][..16]).is_some_and(|opened| opened <= from)
                && (phone[4].is_empty() || time(&phone[4][..16]).is_some_and(|closed| from < closed))
        };
        let Some(user) = users.get(digits).and_then(|all| all.iter().find(is_theirs)).map(|phone| &phone[1]) else {
            continue;
        };
        if user.is_empty() {
            continue;
        }
        presences.entry(user.clone()).or_default().push(Presence {
            fact: FactId(number as u32),
            track: 0,
            place: *place,
            from,
            to: Some(to),
            method: PresenceMethod::Cell,
            confidence: None,
        });
    }
    let rules = Rules::default();
    let first = presences.values().flatten().map(|one| one.from).min().expect("a presence");
    let begin = Timestamp::from_millis(first.as_millis() / DAY * DAY + BEGIN * DAY);
    let (before, quarantine) = (Span::new(first, begin), Span::new(begin, begin.plus_millis(DAY * i64::from(DAYS))));
    let (mut told, mut right) = (0_u32, 0_u32);
    for (person, seen) in &presences {
        let stays = stays(&rules.stay, seen);
        let earlier = |stay: &Stay| Some(Stay { span: stay.span.common(before)?, ..stay.clone() });
        let Some(at_home) = home(&stays.iter().filter_map(earlier).collect::<Vec<_>>()) else { continue };
        let disc = |place: PlaceId| discs.get(place.0 as usize).copied();
        let Some(at_home) = disc(at_home) else { continue };
        for (_, span, _) in away(&rules.signal, at_home, &stays, quarantine, disc) {
            told += 1;
            right += u32::from(truth.elsewhere(person, span) > 30 * MINUTE);
        }
    }
    let precision = f64::from(right) / f64::from(told);
    println!("away: {told} signals, {right} right ({precision:.3})");
    assert!(told >= 100, "{told}");
    assert!(precision >= 0.9, "{precision}");
}

/// The rows of a feed with the person whom each is truly about: bytes, because not every feed is UTF-8.
fn owned_rows(home: &Path, summary: &city::Summary, name: &str, header: usize) -> Vec<(Vec<u8>, String)> {
    let mut owners: BTreeMap<String, BTreeMap<usize, String>> = BTreeMap::new();
    for cells in table(home, "rows.csv").into_iter().filter(|cells| cells[0] == name) {
        let row = cells[2].parse().expect("a row");
        owners.entry(cells[1].clone()).or_default().insert(row, cells[3].clone());
    }
    let mut rows = Vec::new();
    for file in summary.files.iter().filter(|file| file.feed == name) {
        let path = file.path.to_string_lossy();
        let Some((_, owners)) = owners.iter().find(|(named, _)| path.ends_with(named.as_str())) else { continue };
        let bytes = std::fs::read(home.join(&file.path)).expect("a file");
        let lines = bytes.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
        for (row, line) in (1..).zip(lines.skip(header).filter(|line| !line.is_empty())) {
            rows.extend(owners.get(&row).map(|person| (line.to_vec(), person.clone())));
        }
    }
    rows
}

#[test]
fn who_is_let_out_through_a_gate_has_left_home() {
    let (folder, summary) = city();
    let truth = Truth::read(folder.path());
    let mut passes: Vec<(String, Timestamp, GateDirection, GateDecision)> = Vec::new();
    for (line, person) in owned_rows(folder.path(), &summary, "gate-scans", 0) {
        let text = String::from_utf8_lossy(&line).into_owned();
        let value = |name: &str| text.split_once(&format!("\"{name}\":\""))?.1.split_once('"').map(|(value, _)| value);
        let Some(at) = value("scan_time").and_then(time) else { continue };
        let direction = if value("direction") == Some("out") { GateDirection::Out } else { GateDirection::In };
        let decision = if value("decision") == Some("refuse") { GateDecision::Refused } else { GateDecision::Passed };
        passes.push((person, at, direction, decision));
    }
    // Many a gate turns somebody away who then stays at home.
    let mut refused = 0_u32;
    for (person, stays) in truth.stays.iter().step_by(3) {
        let home = truth.dwelling[person];
        let Some((_, from, _)) =
            stays.iter().find(|(place, from, to)| *place == home && to.as_millis() - from.as_millis() > 120 * MINUTE)
        else {
            continue;
        };
        refused += 1;
        passes.push((person.clone(), from.plus_millis(60 * MINUTE), GateDirection::Out, GateDecision::Refused));
    }
    let (mut told, mut right) = (0_u32, 0_u32);
    for (person, at, direction, decision) in passes {
        if !leaves(direction, decision) {
            continue;
        }
        told += 1;
        // Half an hour later the way through the gate is behind them, whatever the gate's clock says.
        let after = Span::new(at.plus_millis(-10 * MINUTE), at.plus_millis(30 * MINUTE));
        let home = truth.dwelling[&person];
        let at_home = truth.stays.get(&person).into_iter().flatten().filter(|(place, ..)| *place == home);
        let at_home: i64 =
            at_home.filter_map(|(_, from, to)| Some(Span::new(*from, *to).common(after)?.millis())).sum();
        right += u32::from(at_home < after.millis());
    }
    let precision = f64::from(right) / f64::from(told);
    println!("away, by a gate pass: {told} signals, {right} right ({precision:.3})");
    assert!(told >= 100 && refused >= 100, "{told} {refused}");
    assert!(precision >= 0.9, "{precision}");
}

#[test]
fn who_has_a_ticket_that_was_not_given_back_is_out_of_the_city() {
    /// What GB 18030 writes for a ticket that was given back, or changed for another.
    const GIVEN_BACK: [&[u8]; 2] = [&[0xCD, 0xCB, 0xC6, 0xB1], &[0xB8, 0xC4, 0xC7, 0xA9]];
    let (folder, summary) = city();
    let truth = Truth::read(folder.path());
    // The last state of each ticket, by the time of the operation.
    type Ticket = (String, Vec<Vec<u8>>, String);
    let mut tickets: BTreeMap<Vec<u8>, Ticket> = BTreeMap::new();
    for (line, person) in owned_rows(folder.path(), &summary, "rail-tickets", 1) {
        let cells: Vec<Vec<u8>> = line.split(|byte| *byte == b',').map(<[u8]>::to_vec).collect();
        if cells.len() != 16 {
            continue;
        }
        let operated = String::from_utf8_lossy(&cells[15]).into_owned();
        let known = tickets.get(&cells[0]).is_some_and(|(known, ..)| *known >= operated);
        if !known {
            tickets.insert(cells[0].clone(), (operated, cells, person));
        }
    }
    let (mut told, mut right) = (0_u32, 0_u32);
    for (_, cells, person) in tickets.into_values() {
        let instant = |cell: &[u8]| time(&String::from_utf8_lossy(cell));
        let Some((leaves, arrives)) = instant(&cells[8]).zip(instant(&cells[9])) else { continue };
        if GIVEN_BACK.contains(&cells[14].as_slice()) {
            continue;
        }
        told += 1;
        let ride = Span::new(leaves, arrives);
        let in_city = truth.stays.get(&person).into_iter().flatten();
        let in_city: i64 = in_city.filter_map(|(_, from, to)| Some(Span::new(*from, *to).common(ride)?.millis())).sum();
        right += u32::from(in_city <= ride.millis() / 10);
    }
    let precision = f64::from(right) / f64::from(told);
    println!("on-train: {told} signals, {right} right ({precision:.3})");
    assert!(told >= 20, "{told}");
    assert!(precision >= 0.9, "{precision}");
}
