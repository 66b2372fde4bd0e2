use std::io::Cursor;

use axum::http::StatusCode;
use calamine::{Data, Reader, Xlsx};
use serde_json::json;

use crate::world::{ANNA_NAME, Ask, GRID, PHONE, anna, anna_number, post, subject, world};

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
