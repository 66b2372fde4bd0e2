//! Messages of the two hospitals: registrations, stays, merges and results, in HL7 v2.
//!
//! The first hospital names its charset in MSH-18 and splits names; the second leaves MSH-18 empty, sends GB18030 all
//! the same, and puts the whole name into the family component.

use std::fmt::Write as _;

use domain::Sex;

use crate::Error;
use crate::clock::{self, DAY, HOUR, MINUTE};
use crate::dice::{Dice, Purpose};
use crate::itinerary::{Plans, Visit};
use crate::lab::compact_birth;
use crate::people::{City, Document};
use crate::places::{self, Entry, Place};
use crate::spoil::Damage;
use crate::statement::{self, COUNTER};
use crate::write::{Encoding, Frame, Outcome, Output, Row, Shape, again};

const MESSAGES: Shape = Shape {
    feed: "hospital-hl7",
    extension: "hl7",
    encoding: Encoding::Gb18030,
    // The segments of a message end in CR, the last one too; the next message begins with MSH.
    line_end: "",
    separator: '|',
    time: 6,
    id: None,
    text: 2,
};
const FACILITIES: [(&str, &str); 2] = [("YPRMYY", "云浦市第一人民医院"), ("YPZYY", "云浦市中医院")];
const ILLNESSES: [(&str, &str); 4] = [
    ("I10", "原发性高血压"),
    ("E11.9", "2型糖尿病"),
    ("I25.1", "冠状动脉粥样硬化性心脏病"),
    ("J44.9", "慢性阻塞性肺疾病"),
];
const DISABILITIES: [(&str, &str); 3] = [("H54.0", "双眼失明"), ("G81.9", "偏瘫"), ("Z99.3", "依赖轮椅")];
const TEST: &str = "94500-6^SARS-CoV-2 RNA [Presence] in Respiratory specimen by NAA^LN";

/// Writes the register of the hospitals, once.
pub(crate) fn register(city: &City, output: &mut Output) -> Result<(), Error> {
    let hospitals = FACILITIES.iter().zip(&city.ground.hospitals).map(|((id, name), place)| {
        let Place { grid, lat, lon, .. } = &city.ground.places[*place as usize];
        Entry { id, name, grid: *grid, lat: *lat, lon: *lon }
    });
    places::register(city, "hospital-register", ("hospitals", "机构编码,机构名称"), hospitals, output)
}

/// What the hospitals remember from day to day.
pub(crate) struct Hospitals {
    /// Medical record number by person, 0 while there is none.
    records: [Vec<u32>; 2],
    next_record: [u32; 2],
    control: [u64; 2],
    /// Rows that go out on a later day, by hospital.
    pending: [Vec<Row>; 2],
    stale: Vec<Row>,
}

/// How a day's file is written.
struct Style {
    charset: &'static str,
    encoding: Encoding,
    line_feeds: bool,
    batch: bool,
}

/// Everything that the messages of one visit have in common.
struct Patient {
    person: u32,
    hospital: usize,
    pid: String,
    traps: Vec<&'static str>,
}

impl Hospitals {
    pub(crate) fn new(city: &City) -> Self {
        let none = vec![0; city.people.len()];
        Self {
            records: [none.clone(), none],
            next_record: [100_000, 700_000],
            control: [0; 2],
            pending: [Vec::new(), Vec::new()],
            stale: Vec::new(),
        }
    }

    /// Writes the messages of a day, one file per hospital.
    pub(crate) fn day(&mut self, city: &City, plans: &Plans, day: i64, output: &mut Output) -> Result<(), Error> {
        let mut dice = Dice::new(city.seed, Purpose::Hl7, day as u64, 0);
        for (person, visit) in plans.visits.iter().enumerate() {
            if let Some(visit) = visit.filter(|visit| visit.day == day) {
                self.visit(city, person as u32, &visit, day, &mut dice);
            }
        }
        for hospital in 0..2 {
            let style = style(hospital, day);
            let (mut rows, later): (Vec<Row>, Vec<Row>) =
                std::mem::take(&mut self.pending[hospital]).into_iter().partition(|row| row.at < (day + 1) * DAY);
            self.pending[hospital] = later;
            spoil(city, &mut rows, &mut dice);
            rows.sort_by_key(|row| row.at);
            let name = format!("hospital-{}", hospital + 1);
            write_styled(output, (day + 1) * DAY + 15 * MINUTE, &name, &style, rows)?;
            if day == 0 {
                output.repeat_last(&MESSAGES, (day + 1) * DAY + 50 * MINUTE, &format!("{name}-again"))?;
            }
        }
        if day + 1 == i64::from(city.days) {
            let stale = std::mem::take(&mut self.stale);
            write_styled(output, (day + 1) * DAY + 9 * HOUR, "hospital-1-late", &style(0, 1), stale)?;
        }
        Ok(())
    }

    fn visit(&mut self, city: &City, person: u32, visit: &Visit, day: i64, dice: &mut Dice) {
        let hospital = visit.hospital;
        let start = day * DAY + visit.start;
        let is_new = self.records[hospital][person as usize] == 0;
        let patient = self.patient(city, person, hospital, start, dice);
        if is_new && hospital == 0 && dice.chance(0.3) {
            self.send(&patient, "A28", start - 10 * MINUTE, "", Vec::new());
        }
        let number = format!("V{hospital}{:07}{person:07}", day);
        let inpatient = visit.nights > 0;
        let illness = diagnosis_segment(city, person);
        let stay = |ended: Option<i64>| stay_segment(hospital, inpatient, &number, start, ended) + &illness;
        self.send(&patient, if inpatient { "A01" } else { "A04" }, start, &stay(None), Vec::new());
        if inpatient {
            self.inpatient(&patient, visit, start, &stay, dice);
        } else if dice.chance(0.03) {
            self.send(&patient, "A11", start + 20 * MINUTE, &stay(None), vec!["cancelled-visit"]);
        }
        if dice.chance(0.12) {
            // Put right at the counter: a fresh statement of the same record.
            let corrected = self.patient(city, person, hospital, start, dice);
            self.send(&corrected, "A08", start + 30 * MINUTE, &stay(None), Vec::new());
        }
        if dice.chance(0.04) {
            let changed = self.patient(city, person, hospital, start + HOUR, dice);
            self.send(&changed, "A31", start + 3 * HOUR, "", Vec::new());
        }
        if dice.chance(0.05) || self.control[hospital] < 6 {
            self.registered_twice(city, person, hospital, start, dice);
        }
        if dice.chance(0.5) {
            self.results(&patient, &number, start, dice);
        }
    }

    fn inpatient(
        &mut self,
        patient: &Patient,
        visit: &Visit,
        start: i64,
        stay: &dyn Fn(Option<i64>) -> String,
        dice: &mut Dice,
    ) {
        let leaves = start - visit.start + visit.nights * DAY + 10 * HOUR;
        self.send(patient, "A03", leaves, &stay(Some(leaves)), Vec::new());
        if dice.chance(0.08) {
            self.send(patient, "A13", leaves + 30 * MINUTE, &stay(None), vec!["cancelled-discharge"]);
            let again = leaves + 5 * HOUR;
            self.send(patient, "A03", again, &stay(Some(again)), Vec::new());
        }
    }

    /// A second record by mistake, and its merge into the first.
    fn registered_twice(&mut self, city: &City, person: u32, hospital: usize, start: i64, dice: &mut Dice) {
        let right = self.records[hospital][person as usize];
        self.records[hospital][person as usize] = 0;
        let double = self.patient(city, person, hospital, start, dice);
        let wrong = std::mem::replace(&mut self.records[hospital][person as usize], right);
        let facility = FACILITIES[hospital].0;
        self.send(&double, "A04", start + 5 * MINUTE, "", vec!["registered-twice"]);
        let survivor = self.patient(city, person, hospital, start, dice);
        let merge = format!("MRG|{wrong}^^^{facility}^MR\r");
        self.send(&survivor, "A40", start + 6 * HOUR, &merge, vec!["merged"]);
    }

    fn results(&mut self, patient: &Patient, visit: &str, start: i64, dice: &mut Dice) {
        let collected = start + 30 * MINUTE;
        let order = format!("L{}{visit}", patient.hospital);
        let positive = dice.chance(0.01);
        let value = |positive: bool, dice: &mut Dice| match (dice.below(3), positive) {
            (0, false) => "CWE|{}||260415000^Not detected^SCT".to_owned(),
            (0, true) => "CWE|{}||260373001^Detected^SCT".to_owned(),
            (1, false) => "ST|{}||阴性".to_owned(),
            (1, true) => "ST|{}||阳性".to_owned(),
            (_, false) => "ST|{}||NEGATIVE".to_owned(),
            (_, true) => "ST|{}||POSITIVE".to_owned(),
        };
        let report = |status: &str, value: &str, at: i64| {
            let (taken, said) = (clock::compact(collected), clock::compact(at));
            let value = value.replace("{}", TEST);
            format!(
                "ORC|RE|{order}|{order}F\rOBR|1|{order}|{order}F|{TEST}|||{taken}|||||||||||||||{said}|||{status}\r\
                 OBX|1|{value}||||||{status}|||{taken}\rSPM|1|{order}S||258500001^鼻咽拭子^SCT|||||||||||||{taken}|{taken}\r"
            )
        };
        let first = value(positive, dice);
        let (early, done) = (collected + HOUR, collected + 3 * HOUR);
        let mut is_late = false;
        if dice.chance(0.3) {
            let text = report("P", &first, early);
            if patient.hospital == 0 && (self.stale.is_empty() || dice.chance(0.1)) {
                self.send(patient, "R01", early, &text, vec!["result-preliminary"]);
                if let Some(row) = self.pending[0].pop() {
                    self.stale.push(row.outcome(Outcome::Superseded));
                    is_late = true;
                }
            } else {
                self.send(patient, "R01", early, &text, vec!["result-preliminary"]);
            }
        }
        if !is_late && dice.chance(0.03) {
            let text = report("X", "ST|{}||标本不合格", done);
            self.send(patient, "R01", done, &text, vec!["result-impossible"]);
            return;
        }
        self.send(patient, "R01", done, &report("F", &first, done), Vec::new());
        if let Some(row) = self.pending[patient.hospital].last_mut() {
            row.keep = is_late;
        }
        match dice.below(30) {
            0 | 1 => {
                let (text, at) = (value(!positive, dice), done + 20 * HOUR);
                self.send(patient, "R01", at, &report("C", &text, at), vec!["result-corrected"]);
            }
            2 => {
                let at = done + 2 * HOUR;
                self.send(patient, "R01", at, &report("W", &first, at), vec!["result-withdrawn"]);
            }
            _ => {}
        }
    }

    /// States a patient anew, with a record number when there is none yet.
    fn patient(&mut self, city: &City, person: u32, hospital: usize, at: i64, dice: &mut Dice) -> Patient {
        let record = &mut self.records[hospital][person as usize];
        if *record == 0 {
            self.next_record[hospital] += 1;
            *record = self.next_record[hospital];
        }
        let someone = &city.people[person as usize];
        let mut traps = Vec::new();
        let said = statement::name(city, person, COUNTER, dice, &mut traps);
        let number = statement::number(city, person, 0.15, dice, &mut traps);
        let phone = statement::phone(city, person, at, dice, &mut traps);
        let birth = if dice.chance(city.rates.birth_default) {
            traps.push("birth-default");
            "19000101".to_owned()
        } else {
            compact_birth(someone.birth)
        };
        let facility = FACILITIES[hospital].0;
        let mut identifiers = format!("{record}^^^{facility}^MR");
        if !number.is_empty() {
            let kind = match (&someone.document, hospital) {
                (Document::Passport { country, .. }, _) => format!("^^^{country}^PPN"),
                (_, 0) => "^^^^NNCHN".to_owned(),
                _ if dice.chance(0.5) => "^^^^SFZ".to_owned(),
                _ => "^^^^NI".to_owned(),
            };
            let _ = write!(identifiers, "~{number}{kind}");
        }
        let name = match hospital {
            0 if !said.name.family.is_empty() => format!("{}^{}^^^^^L", said.name.family, said.name.given),
            _ => said.text,
        };
        let sex = if someone.sex == Sex::Male { "M" } else { "F" };
        let address = &city.ground.places[someone.home as usize].name;
        let phone = if phone.is_empty() { phone } else { format!("{phone}^PRN^CP") };
        let pid = format!("PID|1||{identifiers}||{name}||{birth}|{sex}|||{address}^^云浦市^江苏省^^CHN^H||{phone}\r");
        Patient { person, hospital, pid, traps }
    }

    /// Queues a message; the charset is filled in when it is written.
    fn send(&mut self, patient: &Patient, event: &str, at: i64, body: &str, traps: Vec<&'static str>) {
        let hospital = patient.hospital;
        self.control[hospital] += 1;
        let facility = FACILITIES[hospital].0;
        let control = format!("{facility}{:09}", self.control[hospital]);
        let time = clock::compact(at);
        // Few senders state their offset.
        let offset = if self.control[hospital].is_multiple_of(23) { "+0800" } else { "" };
        let (kind, event_segment) = match event {
            "R01" => ("ORU^R01^ORU_R01".to_owned(), String::new()),
            _ => (format!("ADT^{event}"), format!("EVN|{event}|{time}{offset}\r")),
        };
        let system = if event == "R01" { "LIS" } else { "HIS" };
        let text = format!(
            "MSH|^~\\&|{system}|{facility}|ISTHMUS|CDC|{time}{offset}||{kind}|{control}|P|2.5.1|||AL|NE|CHN|{{charset}}\r\
             {event_segment}{}{body}",
            patient.pid,
        );
        let row = Row::new(at, text, Some(patient.person)).traps(patient.traps.clone()).traps(traps);
        self.pending[hospital].push(row);
    }
}

fn stay_segment(hospital: usize, inpatient: bool, number: &str, start: i64, ended: Option<i64>) -> String {
    let facility = FACILITIES[hospital].0;
    let (class, ward) = if inpatient { ("I", "呼吸内科^301^2") } else { ("O", "发热门诊^^") };
    let ended = ended.map(clock::compact).unwrap_or_default();
    let until_19 = format!("PV1|1|{class}|{ward}^{facility}{}{number}", "|".repeat(16));
    format!("{until_19}{}{}|{ended}\r", "|".repeat(25), clock::compact(start))
}

/// What somebody has lived with for long, which every visit states: the older, the more likely.
fn diagnosis_segment(city: &City, person: u32) -> String {
    let mut dice = Dice::new(city.seed, Purpose::Illness, person.into(), 0);
    let age = city.people[person as usize].age();
    let (code, name) = if dice.chance(0.02) {
        *dice.pick(&DISABILITIES)
    } else if dice.chance(f64::from(age) / 150.0) {
        *dice.pick(&ILLNESSES)
    } else {
        return String::new();
    };
    format!("DG1|1||{code}^{name}^I10|||W\r")
}

/// Messages without patient, without type, or cut off; and resends with the same control id.
fn spoil(city: &City, rows: &mut Vec<Row>, dice: &mut Dice) {
    let mut resent = Vec::new();
    for row in rows.iter_mut().filter(|row| !row.keep) {
        if dice.chance(city.rates.duplicate * 3.0) {
            resent.push(again(row).trap("resent"));
        } else if !dice.chance(city.rates.broken * 2.0) {
            continue;
        } else {
            let (code, text) = match dice.below(3) {
                0 => ("broken-no-patient", without(&row.text, "PID|")),
                1 => ("broken-no-type", row.text.replacen("||ADT^", "||", 1).replacen("||ORU^R01^ORU_R01", "||", 1)),
                _ => ("broken-cut-off", "MSH|^~\\&|HIS|".to_owned() + "\r"),
            };
            row.text = text;
            row.outcome = Outcome::Broken(Damage::Planted(code));
        }
    }
    rows.extend(resent);
}

fn without(text: &str, segment: &str) -> String {
    text.split_inclusive('\r').filter(|line| !line.starts_with(segment)).collect()
}

fn style(hospital: usize, day: i64) -> Style {
    match (hospital, day % 5) {
        (0, 3) => Style { charset: "UNICODE UTF-8", encoding: Encoding::Utf8WithMark, line_feeds: false, batch: false },
        (0, _) => Style { charset: "GB 18030-2000", encoding: Encoding::Gb18030, line_feeds: false, batch: false },
        (_, remainder) => {
            Style { charset: "", encoding: Encoding::Gb18030, line_feeds: remainder == 2, batch: remainder == 1 }
        }
    }
}

fn write_styled(
    output: &mut Output,
    delivered: i64,
    name: &str,
    style: &Style,
    mut rows: Vec<Row>,
) -> Result<(), Error> {
    let trap = match (style.charset, style.line_feeds, style.batch) {
        (_, true, _) => "hl7-line-feeds",
        (_, _, true) => "hl7-batch",
        ("", ..) => "hl7-charset-empty",
        _ => "hl7-charset-named",
    };
    let mut frame = Frame::default();
    if style.batch {
        let now = clock::compact(delivered);
        frame.head = format!("FHS|^~\\&|HIS|YPZYY|ISTHMUS|CDC|{now}\rBHS|^~\\&|HIS|YPZYY|ISTHMUS|CDC|{now}\r");
        frame.tail = format!("BTS|{}\rFTS|1\r", rows.len());
    }
    for row in &mut rows {
        row.traps.push(trap);
        row.text = row.text.replace("{charset}", style.charset);
        if style.line_feeds {
            row.text = row.text.replace('\r', "\n");
        }
    }
    output.write(&Shape { encoding: style.encoding, ..MESSAGES }, delivered, name, &frame, &rows)
}
