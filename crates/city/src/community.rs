//! Feeds of communities: household register, gates, meters.

use std::fmt::Write as _;

use domain::Sex;

use crate::Error;
use crate::clock::{self, DAY, HOUR, MINUTE};
use crate::dice::{Dice, Purpose, scattered};
use crate::itinerary::{Plans, Stay};
use crate::people::{City, Household};
use crate::places::{self, Entry, Gate};
use crate::statement::{self, APP, COUNTER, REGISTER};
use crate::write::{Encoding, Frame, Outcome, Output, Row, Shape, again};

const HOUSEHOLDS: Shape = Shape {
    feed: "household-register",
    extension: "csv",
    encoding: Encoding::Gb18030,
    line_end: "\r\n",
    separator: ',',
    time: 14,
    id: Some(5),
    text: 3,
};
const HOUSEHOLD_COLUMNS: &str = "户号,户别,与户主关系,姓名,性别,公民身份号码,出生日期,户籍地址,现住址,区划代码,网格,联系电话,迁入日期,迁出日期,更新时间";

const GATES: Shape = Shape {
    feed: "gate-scans",
    extension: "ndjson",
    encoding: Encoding::Utf8,
    line_end: "\n",
    separator: '{',
    time: 0,
    id: Some(1),
    text: 2,
};

const METERS: Shape = Shape {
    feed: "meter-readings",
    extension: "csv",
    encoding: Encoding::Utf8WithMark,
    line_end: "\r\n",
    separator: ',',
    time: 7,
    id: None,
    text: 2,
};
const METER_COLUMNS: &str = "户号,表号,地址,寄存器,示数,单位,倍率,抄表时间,质量";

/// One state of a register row.
struct MemberState {
    phone_at: i64,
    moved_out: Option<i64>,
    updated: i64,
}

/// Writes the household register: everybody once, the changes of each day, and old versions that come last.
pub(crate) fn households(city: &City, output: &mut Output) -> Result<(), Error> {
    let frame = Frame::header(HOUSEHOLD_COLUMNS, &HOUSEHOLDS);
    let mut dice = Dice::new(city.seed, Purpose::Household, 0, 0);
    let mut rows = Vec::with_capacity(city.people.len());
    for household in &city.households {
        for (person, relation) in &household.members {
            let updated = -dice.between(10, 2_000) * DAY + dice.between(9 * HOUR, 17 * HOUR);
            let state = MemberState { phone_at: updated.max(-100 * DAY), moved_out: None, updated };
            // The full delivery is ordered by household, not by time.
            rows.push(Row { at: 0, ..member(city, household, *person, relation, &state) });
        }
    }
    let mut spoil = Dice::new(city.seed, Purpose::Spoil, HOUSEHOLDS.feed.len() as u64, 0);
    output.prepare(&mut rows, &HOUSEHOLDS, &mut spoil);
    output.write(&HOUSEHOLDS, 30 * MINUTE, "full", &frame, &rows)?;
    output.repeat_last(&HOUSEHOLDS, 26 * HOUR, "full-again")?;

    let mut stale = Vec::new();
    for day in 0..i64::from(city.days) {
        let mut rows = Vec::new();
        let count = (city.people.len() as f64 * city.rates.register_change).ceil() as usize;
        let mut households: Vec<usize> = (0..count).map(|_| dice.below(city.households.len())).collect();
        households.sort_unstable();
        households.dedup();
        for index in households {
            let household = &city.households[index];
            let (person, relation) = *dice.pick(&household.members);
            let moved_out = dice.chance(0.1).then_some(day * DAY);
            let morning = day * DAY + 8 * HOUR + dice.between(0, 3_000);
            let evening = morning + dice.between(4, 8) * HOUR;
            let state = MemberState { phone_at: evening, moved_out, updated: evening };
            rows.push(member(city, household, person, relation, &state).kept());
            if dice.chance(0.3) || stale.is_empty() {
                let state = MemberState { phone_at: -DAY, moved_out: None, updated: morning };
                let row = member(city, household, person, relation, &state);
                stale.push(row.kept().outcome(Outcome::Superseded));
            }
        }
        rows.sort_by_key(|row| row.at);
        output.write(&HOUSEHOLDS, (day + 1) * DAY + HOUR, "changes", &frame, &rows)?;
    }
    stale.sort_by_key(|row| row.at);
    output.write(&HOUSEHOLDS, i64::from(city.days) * DAY + 9 * HOUR, "late", &frame, &stale)
}

/// A member's row. Name, number and address depend on person and household only, so that all versions have one key.
fn member(city: &City, household: &Household, person: u32, relation: &str, state: &MemberState) -> Row {
    let serial = u64::from(household.dwelling);
    let mut style = Dice::new(city.seed, Purpose::Style, u64::from(person), serial);
    let someone = &city.people[person as usize];
    let mut traps = Vec::new();
    let name = statement::name(city, person, REGISTER, &mut style, &mut traps).text;
    let missing = if someone.age() < 1 { 0.5 } else { city.rates.id_missing };
    let number = statement::number(city, person, missing, &mut style, &mut traps);
    let birth = statement::birth(city, person, "-", &mut style, &mut traps);
    let moved_in = clock::date(-style.between(40, 6_000) * DAY);
    let phone = statement::phone(city, person, state.phone_at, &mut style, &mut traps);
    let sex = if someone.sex == Sex::Male { "男" } else { "女" };
    let (dwelling, grid) = (&city.ground.places[household.dwelling as usize].name, city.grid_of(household.dwelling));
    let moved_out = state.moved_out.map(clock::date).unwrap_or_default();
    // Who rents elsewhere stands in the family's row with the address where they really live.
    let lives = if household.kind == "家庭户" { &city.ground.places[someone.home as usize].name } else { dwelling };
    if household.registered != *lives {
        traps.push("registered-elsewhere");
    }
    if household.kind == "集体户" {
        traps.push("collective-household");
    }
    let text = format!(
        "{},{},{relation},{name},{sex},{number},{birth},{},{lives},{},{},{phone},{moved_in},{moved_out},{}",
        household.number,
        household.kind,
        household.registered,
        &grid.code[..12],
        grid.code,
        clock::dashed(state.updated),
    );
    Row::new(state.updated, text, Some(person)).traps(traps)
}

/// Writes the register of the gates, once.
pub(crate) fn gates(city: &City, output: &mut Output) -> Result<(), Error> {
    let gates = city.ground.gates.iter().map(|gate| Entry {
        id: &gate.id,
        name: &gate.name,
        grid: gate.grid,
        lat: gate.lat,
        lon: gate.lon,
    });
    places::register(city, "gate-register", ("gates", "门编号,名称"), gates, output)
}

/// What gates remember from day to day.
pub(crate) struct Gates {
    /// Running number of each device.
    sequence: Vec<u32>,
    /// Seconds per day by which each device's clock runs wrong.
    drift: Vec<i64>,
    late: Vec<Row>,
}

impl Gates {
    pub(crate) fn new(city: &City) -> Self {
        let mut dice = Dice::new(city.seed, Purpose::Gates, u64::MAX, 0);
        let drift = |_: &Gate| if dice.chance(0.08) { dice.between(-90, 90) } else { 0 };
        Self {
            sequence: vec![0; city.ground.gates.len()],
            drift: city.ground.gates.iter().map(drift).collect(),
            late: Vec::new(),
        }
    }

    /// Writes the scans of a day, and now and then what off-line devices kept back.
    pub(crate) fn day(
        &mut self,
        city: &City,
        plans: &Plans,
        day: i64,
        stays: &[Stay],
        output: &mut Output,
    ) -> Result<(), Error> {
        let mut dice = Dice::new(city.seed, Purpose::Gates, day as u64, 0);
        let mut scans: Vec<(i64, u32, u32, bool)> = Vec::new();
        for stay in stays {
            let Some(gate) = city.ground.places[stay.place as usize].gate else { continue };
            if stay.start > day * DAY && dice.chance(0.45) {
                scans.push((stay.start - dice.between(10, 200), gate, stay.person, true));
            }
            if stay.end < (day + 1) * DAY && dice.chance(0.22) {
                scans.push((stay.end + dice.between(10, 200), gate, stay.person, false));
            }
        }
        scans.sort_unstable();
        let offline: Vec<bool> = self.sequence.iter().map(|_| dice.chance(city.rates.late)).collect();
        let mut rows = Vec::with_capacity(scans.len());
        for (at, gate, person, is_in) in scans {
            let times = if dice.chance(city.rates.double_scan) { 2 } else { 1 };
            for time in 0..times {
                let at = at + time * dice.between(5, 25);
                let row = self.scan(city, plans, (at, gate, person, is_in), &mut dice);
                let row = if time > 0 { row.trap("double-scan") } else { row };
                if offline[gate as usize] {
                    self.late.push(row.trap("late"));
                } else {
                    rows.push(row);
                }
            }
        }
        let mut spoil = Dice::new(city.seed, Purpose::Spoil, GATES.feed.len() as u64, day as u64 + 1);
        output.prepare(&mut rows, &GATES, &mut spoil);
        output.write(&GATES, (day + 1) * DAY + 10 * MINUTE, "scans", &Frame::default(), &rows)?;
        if day == 1 || i64::from(city.days) == 1 {
            output.repeat_last(&GATES, (day + 1) * DAY + 40 * MINUTE, "scans-again")?;
        }
        if day % 4 == 3 || day + 1 == i64::from(city.days) {
            let mut late = std::mem::take(&mut self.late);
            output.prepare(&mut late, &GATES, &mut spoil);
            output.write(&GATES, (day + 1) * DAY + 5 * HOUR, "late", &Frame::default(), &late)?;
        }
        Ok(())
    }

    fn scan(
        &mut self,
        city: &City,
        plans: &Plans,
        (at, gate, person, is_in): (i64, u32, u32, bool),
        dice: &mut Dice,
    ) -> Row {
        let (id, sequence) = (&city.ground.gates[gate as usize].id, &mut self.sequence[gate as usize]);
        *sequence += 1;
        let drift = self.drift[gate as usize] * (at / DAY + 1);
        let someone = &city.people[person as usize];
        let mut traps = Vec::new();
        if drift != 0 {
            traps.push("clock-drift");
        }
        let is_case = plans.cases.iter().any(|case| case.person == person && at > (case.day + 1) * DAY);
        let code = match dice.below(600) {
            _ if is_case => "red",
            0 => "yellow",
            1 => "red",
            _ => "green",
        };
        let decision = if code == "green" { "pass" } else { "refuse" };
        let direction = if is_in { "in" } else { "out" };
        let temperature = 360 + dice.below(9);
        let mut text = String::with_capacity(256);
        // Writing to a string does not fail, so the results of `write!` are dropped.
        let _ = write!(
            text,
            "{{\"record_id\":\"{id}-{sequence:08}\",\"gate_id\":\"{id}\",\"seq\":{sequence},\"scan_time\":\"{}\",\
             \"direction\":\"{direction}\",\"decision\":\"{decision}\",\"code\":\"{code}\",\"temp\":{}.{}",
            clock::dashed(at + drift),
            temperature / 10,
            temperature % 10,
        );
        let on_paper = !someone.has_card && dice.chance(0.3);
        let manner = if on_paper { COUNTER } else { APP };
        if someone.has_card && dice.chance(0.85) {
            let _ = write!(text, ",\"card\":\"K{:09}\"", scattered(u64::from(person), 48_271_003, 999_999_937));
        }
        if on_paper || dice.chance(0.6) {
            let name = statement::name(city, person, manner, dice, &mut traps).text;
            let _ = write!(text, ",\"name\":\"{name}\"");
        }
        if on_paper || !someone.has_card || dice.chance(0.5) {
            let phone = statement::phone(city, person, at, dice, &mut traps);
            if !phone.is_empty() {
                let _ = write!(text, ",\"phone\":\"{phone}\"");
            }
        }
        if !on_paper && dice.chance(0.08) {
            let number = statement::number(city, person, 0.0, dice, &mut traps);
            let _ = write!(text, ",\"id_no\":\"{number}\"");
        }
        if someone.age() >= 18 && dice.chance(0.03) {
            let _ = write!(text, ",\"plate\":\"苏U{:05}\"", scattered(u64::from(person), 7_919, 99_991));
        }
        text.push('}');
        Row::new(at, text, Some(person)).traps(traps)
    }
}

/// What meters remember from day to day.
pub(crate) struct Meters {
    /// Value in tenths of a kilowatt-hour.
    value: Vec<i64>,
    /// How often the meter was replaced.
    swaps: Vec<u8>,
    last: Vec<Row>,
}

impl Meters {
    pub(crate) fn new(city: &City) -> Self {
        let mut dice = Dice::new(city.seed, Purpose::Meters, u64::MAX, 0);
        let value = |_: &Household| if dice.chance(0.002) { 9_999_900 } else { dice.between(1_000, 400_000) };
        let value: Vec<i64> = city.households.iter().map(value).collect();
        Self { swaps: vec![0; value.len()], value, last: Vec::new() }
    }

    /// Writes the freeze of a day, which the meters take at midnight and date on the next day.
    pub(crate) fn day(&mut self, city: &City, plans: &Plans, day: i64, output: &mut Output) -> Result<(), Error> {
        let mut dice = Dice::new(city.seed, Purpose::Meters, day as u64, 0);
        let frozen = (day + 1) * DAY;
        let mut rows: Vec<Row> = Vec::with_capacity(city.households.len());
        // The window of a delivery overlaps with the one before.
        rows.extend(self.last.iter().filter(|_| day % 5 == 4).take(50).map(again));
        for (index, household) in city.households.iter().enumerate() {
            let mut traps = Vec::new();
            let used = dice.between(5, 140);
            // Where nobody is at home all day, the refrigerator is.
            let is_empty = household.members.iter().all(|(person, _)| plans.is_out(*person, day));
            self.value[index] += if is_empty { used % 5 } else { used };
            if self.value[index] >= 10_000_000 {
                self.value[index] -= 10_000_000;
                traps.push("meter-rollover");
            }
            if dice.chance(0.0004) {
                self.swaps[index] += 1;
                self.value[index] = dice.between(0, 20);
                traps.push("meter-swap");
            }
            if dice.chance(0.006) {
                continue;
            }
            let estimated = dice.chance(0.01);
            let in_watt_hours = index % 50 == 7;
            let with_transformer = index % 97 == 5;
            if estimated {
                traps.push("meter-estimated");
            }
            let value = self.value[index];
            let (shown, unit, factor) = match (in_watt_hours, with_transformer) {
                (true, _) => (format!("{}", value * 100), "Wh", 1),
                (_, true) => (format!("{}.{}", value / 10, value % 10), "kWh", 40),
                _ => (format!("{}.{}", value / 10, value % 10), "kWh", 1),
            };
            let register = if index % 3 == 0 { "1-0:1.8.0" } else { "正向有功总" };
            let text = format!(
                "{},32{:08}{:02},{},{register},{shown},{unit},{factor},{},{}",
                household.number,
                scattered(index as u64, 1_234_577, 99_999_989),
                self.swaps[index],
                city.ground.places[household.dwelling as usize].name,
                clock::dashed(frozen),
                if estimated { "估读" } else { "实抄" },
            );
            rows.push(Row::new(frozen, text, None).traps(traps));
        }
        let mut spoil = Dice::new(city.seed, Purpose::Spoil, METERS.feed.len() as u64 + 100, day as u64);
        output.prepare(&mut rows, &METERS, &mut spoil);
        output.write(&METERS, frozen + 3 * HOUR, "freeze", &Frame::header(METER_COLUMNS, &METERS), &rows)?;
        rows.retain(|row| row.outcome == Outcome::Accepted);
        self.last = rows;
        Ok(())
    }
}
