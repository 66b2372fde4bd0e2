//! Rows that contradict themselves are taken, and say so.

use connector::{Draft, Feed, Profile, ProfileFeed, Reason, RowError, preview};
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

fn read(head: &str, emit: &str, columns: &str, body: &str) -> Vec<Result<Vec<Draft>, RowError>> {
    let text = head.replace("retention_days = 30\n", &format!("retention_days = 30\nemit = \"{emit}\"\n")) + columns;
    let feed = ProfileFeed::new(Profile::parse("test", &text).expect("a profile")).expect("a feed");
    let now = Timestamp::parse(NOW).expect("an instant");
    let rows = preview(&feed as &dyn Feed, body.as_bytes(), &token_key(), now).expect("a body that fits");
    rows.into_iter().map(|(_, result)| result).collect()
}

fn flags(emit: &str, columns: &str, row: &str) -> Vec<&'static str> {
    let drafts = read(HEAD, emit, columns, row).remove(0).expect("a usable row");
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

#[test]
fn guards_and_invisible_characters_go_before_keys_are_made_and_are_flagged() {
    let head = HEAD.replace("kind = \"ndjson\"", "kind = \"delimited\"\nheader = true\nquote = '\"'");
    let table = |id: &str, name: &str| {
        format!("id,taken,told,result,name,number,born,phone\n{id},,2022-03-01 12:00,阴性,{name},,,13800000001\n")
    };
    let record = |id: &str, name: &str| {
        let drafts = read(&head, "TestResult", RESULTS, &table(id, name)).remove(0).expect("a usable row");
        let keys: Vec<String> = drafts.iter().map(|draft| draft.source_record_id.expose().clone()).collect();
        (keys, drafts.last().expect("a result").quality_flags.clone())
    };
    let (plain, none) = record("G0001", "周八");
    assert_eq!(none, Vec::<&str>::new());
    for (id, name, flag) in [
        ("=\"G0001\"", "周八", "guard-removed"),
        ("\"=\"\"G0001\"\"\"", "周八", "guard-removed"),
        ("'G0001", "'周八", "guard-removed"),
        ("\u{200e}G0001", "周\u{200b}八", "invisible-removed"),
        ("\u{202d}G0001\u{202c}", "周八", "invisible-removed"),
    ] {
        assert_eq!(record(id, name), (plain.clone(), vec![flag]), "{id:?}, {name:?}");
    }
    assert_eq!(record("G0001", "周八\u{feff}"), (plain, Vec::new()));
}

#[test]
fn a_key_that_stands_twice_is_named_and_so_is_a_day_that_there_is_not() {
    let wrong = |row: &str| read(HEAD, "TestResult", RESULTS, row).remove(0).expect_err("a row that is wrong");
    let twice = wrong(
        r#"{"id":"T1","told":"2022-03-01 12:00","result":"阴性","told":"2022-03-02 12:00","phone":"13800000001"}"#,
    );
    assert_eq!((twice.reason, twice.field.as_deref()), (Reason::RowJson, Some("told")));
    let day = wrong(r#"{"id":"T1","told":"2022-02-29 12:00","result":"阴性","phone":"13800000001"}"#);
    assert_eq!(day.reason, Reason::ValueTime);
    assert!(day.message.contains("its month does not have"), "{day}");
    let form = wrong(r#"{"id":"T1","told":"noon","result":"阴性","phone":"13800000001"}"#);
    assert!(form.message.contains("of the form"), "{form}");
    let broken = wrong(r#"{"id":"T\n1","told":"2022-03-01 12:00","result":"阴性","phone":"13800000001"}"#);
    assert!(broken.message.contains("line break"), "{broken}");
}
