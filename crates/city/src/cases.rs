//! Case reports of disease control: suspected the morning after the specimen, confirmed a day later, closed when recovered.

use crate::Error;
use crate::clock::{self, DAY, HOUR, MINUTE};
use crate::dice::{Dice, Purpose};
use crate::itinerary::{Case, Plans};
use crate::people::City;
use crate::statement::{self, REGISTER};
use crate::write::{Encoding, Frame, Output, Row, Shape};

const REPORTS: Shape = Shape {
    feed: "case-reports",
    extension: "csv",
    encoding: Encoding::Gb18030,
    line_end: "\r\n",
    separator: ',',
    time: 13,
    id: None,
    text: 1,
};
const COLUMNS: &str = "病例编号,姓名,证件类型,证件号码,联系电话,病例分类,发病日期,确诊时间,结案时间,现住址区划,聚集性疫情编号,负责单位,隔离时间,更新时间";
/// Days from the specimen to recovery.
const ILL: i64 = 11;

/// Writes the reports of a morning: each says all that is known of its case by then.
pub(crate) fn day(city: &City, plans: &Plans, day: i64, output: &mut Output) -> Result<(), Error> {
    let delivered = day * DAY + 10 * HOUR;
    let reported = |(index, case): (usize, &Case)| {
        let state = match day - case.day {
            1 => "疑似病例",
            2 if index % 4 == 3 => "无症状感染者",
            2 => "确诊病例",
            // The first stays open, so that there is a case to work on however long the city lives.
            ILL if index > 0 => "治愈",
            _ => return None,
        };
        Some(report(city, (index, case), state, delivered - HOUR + index as i64 % 60 * MINUTE))
    };
    let rows: Vec<Row> = plans.cases.iter().enumerate().filter_map(reported).collect();
    output.write(&REPORTS, delivered, "cases", &Frame::header(COLUMNS, &REPORTS), &rows)
}

fn report(city: &City, (index, case): (usize, &Case), state: &str, updated: i64) -> Row {
    let someone = &city.people[case.person as usize];
    // Name and number depend on the case only: the reports of one case speak of one person.
    let mut dice = Dice::new(city.seed, Purpose::Cases, u64::from(case.person), 0);
    let mut traps = Vec::new();
    let name = statement::name(city, case.person, REGISTER, &mut dice, &mut traps).text;
    let number = statement::number(city, case.person, 0.0, &mut dice, &mut traps);
    let phone = statement::phone(city, case.person, case.day * DAY, &mut dice, &mut traps);
    let confirmed = (case.day + 2) * DAY + 9 * HOUR;
    let known = |at: i64| if at <= updated { clock::dashed(at) } else { String::new() };
    let closed = if state == "治愈" { clock::dashed(updated) } else { String::new() };
    let onset = if index % 4 == 3 { String::new() } else { clock::date((case.day - 1) * DAY) };
    // The first two are known to have met.
    let cluster = if index < 2 { "JJ-1" } else { "" };
    // A few are the neighbouring unit's.
    let unit = if index % 4 == 1 { "CDC-02" } else { "CDC-01" };
    let text = format!(
        "CASE-2022-{:04},{name},{},{number},{phone},{state},{onset},{},{closed},{},{cluster},{unit},{},{}",
        index + 1,
        someone.document.kind(),
        known(confirmed),
        &city.grid_of(someone.home).code[..9],
        clock::dashed(case.day * DAY + 21 * HOUR),
        clock::dashed(updated),
    );
    Row::new(updated, text, Some(case.person)).kept().traps(traps)
}
