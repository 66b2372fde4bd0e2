//! Laboratory results: pooled screening rounds, single tests, retests of positive pools, and their corrections.

use domain::Day;

use crate::Error;
use crate::clock::{self, DAY, HOUR, MINUTE};
use crate::dice::{Dice, Purpose, scattered};
use crate::itinerary::{Plans, Stay};
use crate::people::City;
use crate::spoil::Damage;
use crate::statement::{self, COUNTER};
use crate::write::{Encoding, Frame, Outcome, Output, Row, Shape};

const LAB: Shape = Shape {
    feed: "lab-results",
    extension: "csv",
    encoding: Encoding::Gb18030,
    line_end: "\r\n",
    separator: ',',
    time: 11,
    id: Some(4),
    text: 2,
};
const COLUMNS: &str =
    "样本编号,混检编号,姓名,证件类型,证件号码,手机号,采样点,采样时间,检测项目,结果,CT值,报告时间,检测机构,状态";
/// Share of the people whom a screening round reaches, and people in one tube.
const ROUND_SHARE: f64 = 0.35;
const POOL: usize = 10;

/// Travellers who are tested on a day, of so many residents one; some are tested again two days later.
const RESIDENTS_PER_TRAVELLER: usize = 1_000;
const TESTED_AGAIN: f64 = 0.2;

/// What the laboratory remembers from day to day.
pub(crate) struct Lab {
    samples: u64,
    pools: u64,
    /// Rows that are not reported yet.
    pending: Vec<Row>,
    stale: Vec<Row>,
    travellers: u32,
}

/// A person's specimen.
struct Specimen {
    person: u32,
    before_result: String,
    lab: &'static str,
    traps: Vec<&'static str>,
    destroyed: bool,
}

impl Specimen {
    fn row(&self, result: &str, ct: &str, reported: i64, status: &str) -> Row {
        let text = format!("{},{result},{ct},{},{},{status}", self.before_result, clock::dashed(reported), self.lab);
        let row = Row::new(reported, text, Some(self.person)).traps(self.traps.clone());
        if self.destroyed { row.outcome(Outcome::Broken(Damage::Planted("broken-scientific-id"))) } else { row }
    }
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self { samples: 0, pools: 0, pending: Vec::new(), stale: Vec::new(), travellers: 0 }
    }

    /// Takes the specimens of a day and writes what is reported until the next morning.
    pub(crate) fn day(
        &mut self,
        city: &City,
        plans: &Plans,
        day: i64,
        stays: &[Stay],
        output: &mut Output,
    ) -> Result<(), Error> {
        let mut dice = Dice::new(city.seed, Purpose::Lab, day as u64, 0);
        let is_case = |person: u32| plans.cases.iter().any(|case| case.person == person && case.day == day);
        let is_round = matches!(day % 7, 2 | 5);
        let mut tube = Vec::new();
        // Everybody who has a first stay today is in the city.
        let mut last = u32::MAX;
        for stay in stays {
            if stay.person == last {
                continue;
            }
            last = stay.person;
            let person = stay.person;
            if is_round && (is_case(person) || dice.chance(ROUND_SHARE)) {
                tube.push(person);
                if tube.len() == POOL {
                    self.pool(city, day, &tube, &is_case, &mut dice);
                    tube.clear();
                }
            } else if is_case(person) || dice.chance(0.006) {
                self.single(city, day, person, is_case(person), &mut dice);
            }
        }
        if !tube.is_empty() {
            self.pool(city, day, &tube, &is_case, &mut dice);
        }
        for _ in 0..city.people.len().div_ceil(RESIDENTS_PER_TRAVELLER) {
            self.traveller(city, day);
        }
        self.deliver(city, day, output)?;
        if day + 1 == i64::from(city.days) {
            self.deliver(city, day + 1, output)?;
            let mut stale = std::mem::take(&mut self.stale);
            stale.sort_by_key(|row| row.at);
            output.write(&LAB, (day + 3) * DAY, "late", &Frame::header(COLUMNS, &LAB), &stale)?;
        }
        Ok(())
    }

    fn deliver(&mut self, city: &City, day: i64, output: &mut Output) -> Result<(), Error> {
        let delivered = (day + 1) * DAY + 8 * HOUR;
        let (mut rows, later): (Vec<Row>, Vec<Row>) =
            std::mem::take(&mut self.pending).into_iter().partition(|row| row.at < delivered);
        self.pending = later;
        let mut spoil = Dice::new(city.seed, Purpose::Spoil, 501, day as u64);
        output.prepare(&mut rows, &LAB, &mut spoil);
        output.write(&LAB, delivered, "results", &Frame::header(COLUMNS, &LAB), &rows)?;
        if day == 2 || (day == 0 && city.days < 3) {
            output.repeat_last(&LAB, delivered + HOUR, "results-again")?;
        }
        Ok(())
    }

    /// One tube for several people. A positive tube says nothing about a person; each is tested alone the next day.
    fn pool(&mut self, city: &City, day: i64, people: &[u32], is_case: &dyn Fn(u32) -> bool, dice: &mut Dice) {
        self.pools += 1;
        let tube = format!("P{:010}", scattered(self.pools, 48_271_003, 999_999_937));
        let positive = people.iter().any(|person| is_case(*person)) || self.pools == 1 || dice.chance(0.002);
        let collected = day * DAY + dice.between(8 * HOUR, 16 * HOUR);
        let reported = (day + 1) * DAY + dice.between(2 * HOUR, 6 * HOUR);
        for (index, person) in people.iter().enumerate() {
            let at = collected + index as i64 * 20;
            let specimen = self.specimen(city, *person, &tube, at, dice);
            if !positive {
                self.pending.push(specimen.row("阴性", "", reported, "终审").trap("pool"));
                continue;
            }
            self.pending.push(specimen.row("单管复核", "", reported, "初报").trap("pool-positive"));
            let again = self.specimen(city, *person, "", (day + 1) * DAY + 9 * HOUR + index as i64 * 60, dice);
            let (result, ct) = if is_case(*person) { ("阳性", cycle(dice)) } else { ("阴性", String::new()) };
            self.pending.push(again.row(result, &ct, (day + 1) * DAY + 20 * HOUR, "终审").trap("pool-retest"));
        }
    }

    fn single(&mut self, city: &City, day: i64, person: u32, positive: bool, dice: &mut Dice) {
        let specimen = self.specimen(city, person, "", day * DAY + dice.between(8 * HOUR, 17 * HOUR), dice);
        let reported = day * DAY + dice.between(18 * HOUR, 23 * HOUR);
        let (result, ct) = if positive { ("阳性", cycle(dice)) } else { ("阴性", String::new()) };
        if specimen.destroyed {
            self.pending.push(specimen.row(result, &ct, reported, "终审"));
            return;
        }
        let first = specimen.row(if positive { "可疑" } else { result }, &ct, reported, "初报").kept();
        let last = specimen.row(result, &ct, reported + 5 * HOUR, "终审").kept();
        if self.stale.is_empty() || dice.chance(0.03) {
            self.pending.push(last);
            self.stale.push(first.outcome(Outcome::Superseded));
            return;
        }
        match dice.below(30) {
            0 if !positive => {
                // Reported wrong and put right two days later.
                self.pending.push(specimen.row("阳性", &cycle(dice), reported, "终审").kept());
                self.pending.push(specimen.row("阴性", "", reported + 2 * HOUR, "更正").kept().trap("corrected"));
            }
            1 if !positive => {
                self.pending.push(specimen.row("阴性", "", reported, "终审").kept());
                self.pending.push(specimen.row("阴性", "", reported + 3 * HOUR, "撤销").kept().trap("withdrawn"));
            }
            2..=9 => self.pending.extend([first, last]),
            _ => self.pending.push(specimen.row(result, &ct, reported, "终审")),
        }
    }

    /// Somebody who passes through is tested at the station; nobody else knows them.
    fn traveller(&mut self, city: &City, day: i64) {
        let number = city.people.len() as u32 + self.travellers;
        self.travellers += 1;
        let mut dice = Dice::new(city.seed, Purpose::Lab, day as u64, u64::from(number));
        let (name, document, phone) = city.traveller(number, &mut dice);
        let again = dice.chance(TESTED_AGAIN).then_some(day + 2).filter(|day| *day < i64::from(city.days));
        for day in std::iter::once(day).chain(again) {
            let at = day * DAY + dice.between(8 * HOUR, 17 * HOUR);
            let said = [&name.whole(), document.kind(), document.number(), &phone];
            let specimen = self.taken(number, "", said, "火车站", at);
            let reported = day * DAY + dice.between(18 * HOUR, 23 * HOUR);
            self.pending.push(specimen.row("阴性", "", reported, "终审").trap("traveller"));
        }
    }

    fn specimen(&mut self, city: &City, person: u32, tube: &str, at: i64, dice: &mut Dice) -> Specimen {
        let someone = &city.people[person as usize];
        let mut traps = Vec::new();
        let name = statement::name(city, person, COUNTER, dice, &mut traps).text;
        let mut number = statement::number(city, person, city.rates.id_missing, dice, &mut traps);
        let phone = statement::phone(city, person, at, dice, &mut traps);
        let destroyed = number.len() == 18 && dice.chance(city.rates.id_scientific);
        if destroyed {
            number = format!("{}.{}E+17", &number[..1], &number[1..6]);
        }
        let grid = city.grid_of(someone.home);
        let said = [&name, someone.document.kind(), &number, &phone];
        let specimen = self.taken(person, tube, said, &grid.name, at);
        Specimen { traps, destroyed, ..specimen }
    }

    /// A specimen of somebody who states a name, a kind of document, its number and a phone.
    fn taken(&mut self, person: u32, tube: &str, said: [&str; 4], place: &str, at: i64) -> Specimen {
        self.samples += 1;
        let lab =
            if self.samples.is_multiple_of(3) { "云浦市疾病预防控制中心" } else { "云浦医学检验所" };
        let before_result = format!(
            "S{:011},{tube},{},{place}采样点,{},新型冠状病毒核酸",
            scattered(self.samples, 4_827_100_003, 99_999_999_977),
            said.join(","),
            clock::dashed(at / MINUTE * MINUTE),
        );
        Specimen { person, before_result, lab, traps: Vec::new(), destroyed: false }
    }
}

/// Cycle threshold, as a number or as machines print it.
fn cycle(dice: &mut Dice) -> String {
    let (a, b) = (dice.between(180, 350), dice.between(180, 350));
    let one = |tenths: i64| format!("{}.{}", tenths / 10, tenths % 10);
    if dice.chance(0.3) { format!("ORF1ab:{};N:{}", one(a), one(b)) } else { one(a) }
}

/// The day of birth as HL7 writes it.
pub(crate) fn compact_birth(birth: i32) -> String {
    Day::from_epoch_days(birth).to_string().replace('-', "")
}
