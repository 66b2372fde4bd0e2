use std::collections::BTreeSet;
use std::io::Cursor;

use axum::http::StatusCode;
use calamine::{Data, Reader, Xlsx};
use domain::{HouseholdKind, HouseholdMembership, PersonId, PlaceRef, ResidenceKind, Sensitive};
use serde_json::json;
use store::views::Changes;
use test_support::build;

use crate::town::{fact, own};
use crate::world::{ANNA_NAME, Ask, GRID, PHONE, anna, anna_number, get, post, subject, world};

const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

fn report(unit: &str, columns: &[&str], format: &str) -> Ask {
    post(&format!("/v1/units/{unit}/reports"), &json!({ "columns": columns, "format": format }).to_string())
}

#[tokio::test]
async fn a_form_comes_back_with_its_own_headings_and_a_row_for_each_resident() {
    let world = world().await;
    let columns = ["姓名", "phone", "id_number", "age", "key_groups", "birth_date"];
    let reply = world.ask(report(GRID, &columns, "csv").looking_after("worker")).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    assert_eq!(reply.headers["content-type"], "text/csv; charset=utf-8");
    let row = format!("{ANNA_NAME},86{PHONE},{},32,,1990-01-02", anna_number());
    assert_eq!(reply.text(), format!("\u{feff}姓名,phone,id_number,age,key_groups,birth_date\n{row}\n"));
    let entry = world.last_entry();
    assert_eq!((entry.action.to_string().as_str(), entry.count), ("export-residents", 1));
    assert_eq!(entry.subjects, [subject(anna())]);
    let released: Vec<String> = entry.released.iter().map(ToString::to_string).collect();
    assert_eq!(released, ["identity", "contact", "care"], "only what the headings ask for");
}

#[tokio::test]
async fn a_workbook_holds_numbers_as_text() {
    let world = world().await;
    let reply = world.ask(report("320506001", &["name", "id_number"], "xlsx").looking_after("lead")).await;
    let mut book = Xlsx::new(Cursor::new(reply.bytes)).expect("a workbook");
    let sheet = book.worksheet_range_at(0).expect("a sheet").expect("readable");
    assert_eq!(sheet.height(), 3);
    let cells: Vec<&Data> = sheet.rows().flatten().collect();
    assert!(cells.contains(&&Data::String(anna_number())));
}

#[tokio::test]
async fn the_rows_of_a_report_stand_in_the_order_that_its_entry_tells() {
    let world = world().await;
    let mut orders = BTreeSet::new();
    for _ in 0..20 {
        let reply = world.ask(report("320506001", &["number", "person_id"], "csv").looking_after("lead")).await;
        let text = reply.text();
        let ids: Vec<&str> = text.lines().skip(1).filter_map(|line| Some(line.split_once(',')?.1)).collect();
        let entry = world.last_entry();
        let mark = query_api::report_mark(&build::token_key(), entry.request);
        let mut sorted = entry.subjects.clone();
        sorted.sort_by_key(|person| mark.place(*person));
        let shown: Vec<_> = ids.iter().map(|id| subject(PersonId::from_uuid(id.parse().expect("an id")))).collect();
        assert_eq!((shown.len(), &shown), (2, &sorted));
        assert!(text.lines().nth(1).is_some_and(|line| line.starts_with("1,")), "numbers follow the order: {text}");
        orders.insert(shown);
    }
    assert_eq!(orders.len(), 2, "each report has an order of its own");
}

fn template(path: &str, kind: &'static str, form: &[u8]) -> Ask {
    get(path).post().header("content-type", kind).body(form)
}

#[tokio::test]
async fn a_forms_own_file_comes_back_filled_with_what_stood_above_its_headings() {
    let world = world().await;
    let form = "登记表\n序号,姓名,手机号,备 注,宠物\n";
    let path = format!("/v1/units/{GRID}/reports");
    let refused = world.ask(template(&path, "text/csv", form.as_bytes()).looking_after("worker")).await;
    assert_eq!(refused.code(), "report-field-unknown");
    let detail = refused.json()["detail"].as_str().expect("text").to_owned();
    assert!(detail.contains("column 5 (宠物)") && detail.contains("follow_up (随访状态"), "{detail}");
    let form = form.replace(",宠物", "");
    let reply = world.ask(template(&path, "text/csv; charset=utf-8", form.as_bytes()).looking_after("worker")).await;
    assert_eq!(reply.text(), format!("\u{feff}{form}1,{ANNA_NAME},86{PHONE},\n"));
    // The same as a workbook, and a workbook from a workbook.
    let wanted = template(&path, "text/csv", form.as_bytes()).header("accept", WORKBOOK).looking_after("worker");
    let book = world.ask(wanted).await;
    assert_eq!(book.headers["content-type"], WORKBOOK);
    let again = world.ask(template(&path, WORKBOOK, &book.bytes).looking_after("worker")).await;
    let mut again = Xlsx::new(Cursor::new(again.bytes)).expect("a workbook");
    let sheet = again.worksheet_range("Sheet1").expect("the sheet of the template");
    assert_eq!((sheet.height(), sheet.get_value((2, 1))), (3, Some(&Data::String(ANNA_NAME.to_owned()))));
    for (kind, bytes, code) in [
        (WORKBOOK, &b"PK\x03\x04"[..], "report-template"),
        ("text/csv", b"", "report-template"),
        ("text/csv", b"title\n", "report-field-unknown"),
        ("text/plain", b"name\n", "body-type"),
        ("text/csv", &[b'x'; 300 * 1024], "body-too-large"),
    ] {
        assert_eq!(world.ask(template(&path, kind, bytes).looking_after("worker")).await.code(), code, "{kind}");
    }
}

#[tokio::test]
async fn a_filter_that_would_be_ignored_and_a_cell_that_no_workbook_holds_are_refused() {
    let world = world().await;
    let path = format!("/v1/units/{GRID}/reports?key_group=elderly");
    let headings = post(&path, &json!({ "columns": ["name"] }).to_string());
    let refused = world.ask(headings.looking_after("worker")).await;
    assert_eq!(refused.code(), "query-malformed", "with headings, the body says whom");
    assert!(refused.text().contains("`key_group`"), "{}", refused.text());
    let form = format!("{}\n姓名\n", "x".repeat(32_768));
    let path = format!("/v1/units/{GRID}/reports");
    let asked = |kind| template(&path, "text/csv", form.as_bytes()).header("accept", kind).looking_after("worker");
    assert_eq!(world.ask(asked(WORKBOOK)).await.code(), "report-template");
    assert_eq!(world.ask(asked("text/csv")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_form_of_an_epidemic_tells_the_follow_up_and_the_end_of_the_quarantine() {
    let world = world().await;
    let mut changes = Changes::default();
    crate::follow_ups::in_quarantine(&mut changes);
    let home = HouseholdMembership {
        household_id: "household-7".to_owned(),
        household_kind: HouseholdKind::Collective,
        residence_kind: ResidenceKind::Registered,
        dwelling: PlaceRef { name: Some(Sensitive::from("8 Hill Street")), ..PlaceRef::default() },
        ..HouseholdMembership::default()
    };
    fact(&mut changes, ("register", "registered"), own(anna()), (-1_440, None), home.into());
    world.put(&changes).await;
    let columns = ["number", "township", "registered_address", "随访状态", "follow_up", "隔离截止日期", "性别"];
    let reply = world.ask(report(GRID, &columns, "csv").looking_after("worker")).await;
    let last = reply.text().lines().last().expect("a row").to_owned();
    assert_eq!(last, format!("1,{},8 Hill Street,隔离中,quarantined,2022-03-11,男", &GRID[..9]));
    let released: Vec<String> = world.last_entry().released.iter().map(ToString::to_string).collect();
    assert_eq!(released, ["identity", "residence", "care"]);
    // Households are told for another purpose than follow-ups.
    let keeping = report(GRID, &["户别"], "csv").by("worker").purpose("HOPERAT");
    assert!(world.ask(keeping).await.text().contains("集体户"));
    let refused = world.ask(report(GRID, &["name", "follow_up"], "csv").by("worker").purpose("HOPERAT")).await;
    assert_eq!(refused.code(), "report-field-withheld");
    assert!(refused.text().contains("column 2 is in the group `care`"), "{}", refused.text());
}

#[tokio::test]
async fn a_heading_that_may_not_be_shown_is_refused_and_never_left_empty() {
    let world = world().await;
    for (columns, code) in [
        (&["name", "diagnosis"][..], "report-field-unknown"),
        (&[], "report-field-unknown"),
        (&["name", "household"], "report-field-withheld"),
    ] {
        let reply = world.ask(report(GRID, columns, "csv").looking_after("worker")).await;
        assert_eq!(reply.code(), code);
        assert!(!reply.text().contains(ANNA_NAME));
    }
    world.advance_clock(86_400_000);
    let keeping = |columns| report(GRID, columns, "csv").by("worker").purpose("HOPERAT");
    assert!(world.ask(keeping(&["户号"])).await.text().contains("household-7"));
    assert_eq!(world.ask(keeping(&["key_groups"])).await.code(), "report-field-withheld");
    let elsewhere = world.ask(report("320506001008G01", &["name"], "csv").looking_after("worker")).await;
    assert_eq!(elsewhere.code(), "unit-not-found");
}
