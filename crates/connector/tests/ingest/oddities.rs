//! Rows that contradict themselves are taken, and say so.

use connector::{Feed, Profile, ProfileFeed, preview};
use domain::Timestamp;
use test_support::build::token_key;

use crate::hub::NOW;

const HEAD: &str = r#"
feed = "odd"
title = "Odd rows"
connector = "test"
source = "odd"
source_kind = "hospital"
owner = "Test"
legal_basis = "Test"
retention_days = 30
masked = ["phone"]

[format]
kind = "ndjson"
encoding = "utf-8"

[time]
zone = "Asia/Shanghai"
formats = ["%Y-%m-%d %H:%M", "%Y-%m-%d"]

[record]
key = ["record_id"]
"#;

const RESULTS: &str = r#"
[columns]
record_id = "id"
collected_time = "taken"
reported_time = "told"
result = "result"
name = "name"
id_number = "number"
birth_date = "born"
phone = "phone"

[constants]
test_code = "SARS2"

[values.result]
"阴性" = "NEGATIVE"
"#;

const TRIPS: &str = r#"
[columns]
record_id = "id"
train_number = "train"
boarding_date = "day"
depart_time = "depart"
origin = "from"
destination = "to"
name = "name"
id_number = "number"
"#;

fn flags(emit: &str, columns: &str, row: &str) -> Vec<&'static str> {
    let text = HEAD.replace("retention_days = 30\n", &format!("retention_days = 30\nemit = \"{emit}\"\n")) + columns;
    let feed = ProfileFeed::new(Profile::parse("test", &text).expect("a profile")).expect("a feed");
    let now = Timestamp::parse(NOW).expect("an instant");
    let rows = preview(&feed as &dyn Feed, row.as_bytes(), &token_key(), now).expect("a body that fits");
    let drafts = rows.into_iter().next().expect("a row").1.expect("a usable row");
    // The statement of the person and the fact may both say it.
    let mut flags: Vec<&str> = drafts.into_iter().flat_map(|draft| draft.quality_flags).collect();
    flags.dedup();
    flags
}

#[test]
fn what_a_row_says_against_itself_is_flagged() {
    let result = r#"{"id":"T1","taken":"2022-03-01 08:00","told":"2022-03-01 12:00","result":"阴性","name":"张伟","number":"11010519491231002X","born":"1949-12-31","phone":"13800000001"}"#;
    let trip = r#"{"id":"E1","train":"G7301","day":"2022-03-01","depart":"2022-03-01 08:02","from":"云浦","to":"上海虹桥","name":"张伟","number":"11010519491231002X"}"#;
    for (emit, columns, row, from, to, flag) in [
        ("TestResult", RESULTS, result, "born", "born", None),
        ("TestResult", RESULTS, result, "1949-12-31", "1949-12-13", Some("birth-contradicts")),
        ("TestResult", RESULTS, result, "2022-03-01 08:00", "2022-03-01 13:00", Some("time-order")),
        // Of the report only the day is known.
        ("TestResult", RESULTS, result, "2022-03-01 12:00", "2022-03-01", None),
        ("TestResult", RESULTS, result, "13800000001", "138****0001", Some("phone-masked")),
        ("TripSegment", TRIPS, trip, "day", "day", None),
        ("TripSegment", TRIPS, trip, "\"day\":\"2022-03-01\"", "\"day\":\"2022-03-02\"", Some("boarding-contradicts")),
    ] {
        assert_eq!(flags(emit, columns, &row.replacen(from, to, 1)), Vec::from_iter(flag), "{from} -> {to}");
    }
}
