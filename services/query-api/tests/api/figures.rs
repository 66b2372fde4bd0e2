//! Figures for the public: three people, small numbers hidden, and what earlier releases tell.

use axum::http::StatusCode;
use domain::{Body, CaseState, CaseStatus, ClaimToken, PlaceRef};
use serde_json::{Value, json};
use store::views::Changes;
use test_support::build::{NOON, record_id};

use crate::world::{World, fact_put, get, post, world};

pub(crate) fn question() -> Value {
    json!({ "kind": "residents-by-age", "rows": ["320506001"] })
}

/// A figure on which this many of verification and edition were done.
pub(crate) async fn worked_on(world: &World, done: usize) -> String {
    let figure = drafted(world, &question(), "analyst-2").await;
    for (step, who) in [("verify", "chief-here"), ("edit", "analyst-2")].into_iter().take(done) {
        let reply = act(world, &figure, step, who).await;
        assert_eq!(reply.0, StatusCode::OK, "{}", reply.1);
    }
    figure
}

async fn drafted(world: &World, question: &Value, who: &str) -> String {
    let reply = world.ask(post("/v1/figures", &question.to_string()).by(who).purpose("HOPERAT")).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()["figure"].as_str().expect("an id").to_owned()
}

async fn act(world: &World, figure: &str, step: &str, who: &str) -> (StatusCode, Value) {
    let body = if step == "edit" { r#"{"title":"Cases by state","note":"As disease control says"}"# } else { "{}" };
    let reply = world.ask(post(&format!("/v1/figures/{figure}/{step}"), body).by(who).purpose("HOPERAT")).await;
    (reply.status, reply.json())
}

/// So many confirmed cases of a township.
async fn cases(world: &World, township: &str, count: usize) {
    let mut changes = Changes::default();
    for number in 0..count {
        let place = PlaceRef { division_code: Some(township.to_owned()), ..PlaceRef::default() };
        let status =
            CaseStatus { case_id: format!("{number}"), state: CaseState::Confirmed, place, ..CaseStatus::default() };
        let id = format!("case-{township}-{number}");
        fact_put(&mut changes, &id, ClaimToken::from(record_id("facts", &id)), NOON, Body::CaseStatus(status));
    }
    world.put(&changes).await;
}

#[tokio::test]
async fn a_figure_is_released_by_three_people_and_tells_about_nobody() {
    let world = world().await;
    for (township, count) in [("320506101", 43), ("320506102", 27), ("320506103", 4)] {
        cases(&world, township, count).await;
    }
    let asked = json!({ "kind": "cases-by-state", "rows": ["320506101", "320506102", "320506103"] });
    let figure = drafted(&world, &asked, "analyst").await;
    assert_eq!(world.last_entry().matter.expect("a step").act.as_str(), "DRAFTED");
    assert_eq!(act(&world, &figure, "release", "chief").await.1["code"], "figure-step");
    assert_eq!(act(&world, &figure, "verify", "analyst").await.1["code"], "figure-people", "not the own draft");
    assert_eq!(act(&world, &figure, "verify", "analyst-2").await.1["state"], "verified");
    assert_eq!(act(&world, &figure, "edit", "analyst-2").await.1["code"], "figure-people");
    assert_eq!(act(&world, &figure, "edit", "chief-here").await.1["state"], "edited");
    assert_eq!(act(&world, &figure, "release", "chief-here").await.1["code"], "figure-people");
    assert_eq!(act(&world, &figure, "release", "analyst").await.1["code"], "not-entitled");
    let listed = world.ask(get("/v1/figures/released").by("anna")).await.json();
    assert_eq!(listed["figures"], json!([]), "nothing is public before");
    let (status, released) = act(&world, &figure, "release", "chief").await;
    assert_eq!((status, &released["state"]), (StatusCode::OK, &json!("released")), "{released}");
    assert_eq!(act(&world, &figure, "release", "chief").await.1["code"], "figure-step", "once");

    let listed = world.ask(get("/v1/figures/released").by("anna")).await.json();
    let public = &listed["figures"][0];
    assert_eq!((&public["title"], public.get("steps")), (&json!("Cases by state"), None));
    let cells = public["cells"].as_array().expect("rows");
    assert_eq!(cells[2][0], Value::Null, "four people are not told: {public}");
    let hidden = cells.iter().filter(|row| row[0].is_null()).count();
    assert!(hidden >= 2, "nor do they follow from the total: {public}");
    for cell in cells.iter().flat_map(|row| row.as_array().expect("cells")).filter_map(Value::as_u64) {
        assert!(cell >= 10 && cell % 5 == 0, "{public}");
    }

    // Other rows of the same kind would cut the same people another way.
    let other = json!({ "kind": "cases-by-state", "rows": ["320506101"] });
    let reply = world.ask(post("/v1/figures", &other.to_string()).by("analyst").purpose("HOPERAT")).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::CONFLICT, "disclosure-risk"));
    for asked in [
        json!({ "kind": "cases-by-name", "rows": ["320506101"] }),
        json!({ "kind": "cases-by-state", "rows": ["320506101", "320506"] }),
        json!({ "kind": "cases-by-state", "rows": [] }),
    ] {
        let reply = world.ask(post("/v1/figures", &asked.to_string()).by("analyst").purpose("HOPERAT")).await;
        assert_eq!(reply.code(), "figure-malformed", "{asked}");
    }
}

fn shows_a_number(cells: &Value) -> bool {
    cells.as_array().expect("rows").iter().flat_map(|row| row.as_array().expect("cells")).any(Value::is_u64)
}

#[tokio::test]
async fn a_draft_shows_and_decides_nothing_before_somebody_else_has_verified_it() {
    let world = world().await;
    for (township, count) in [("320506101", 43), ("320506102", 27), ("320506103", 33)] {
        cases(&world, township, count).await;
    }
    let question = |rows: &[&str]| json!({ "kind": "cases-by-state", "rows": rows });
    let hidden = |figure: &Value| !shows_a_number(&figure["cells"]);
    let invented = drafted(&world, &question(&["999999999"]), "analyst").await;
    let real = drafted(&world, &question(&["320506101", "320506102", "320506103"]), "analyst").await;
    let listed = world.ask(get("/v1/figures").by("analyst-2").purpose("HOPERAT")).await.json();
    let listed = listed["figures"].as_array().expect("figures").clone();
    assert!(listed.len() == 2 && listed.iter().all(hidden), "nobody is shown a number: {listed:?}");
    // Who verifies decides which rows the kind has, and what was drafted otherwise never shows anything.
    let (status, verified) = act(&world, &real, "verify", "analyst-2").await;
    assert!(status == StatusCode::OK && !hidden(&verified), "{verified}");
    let before = world.entries().len();
    assert_eq!(act(&world, &invented, "verify", "analyst-2").await.1["code"], "disclosure-risk");
    let entries = world.entries();
    let last = entries.last().expect("an entry");
    assert!(
        entries.len() == before + 1 && last.matter.is_none(),
        "what was not done is not on record as done: {last:?}"
    );
}

#[tokio::test]
async fn verified_drafts_tell_an_analyst_no_more_than_as_many_releases_would() {
    let world = world().await;
    for (township, count) in [("320506101", 43), ("320506102", 27), ("320506103", 33)] {
        cases(&world, township, count).await;
    }
    let rows = ["320506101", "320506102", "320506103"];
    let question = |rows: &[&str]| json!({ "kind": "cases-by-state", "rows": rows });
    let verified = async || {
        let figure = drafted(&world, &question(&rows), "analyst").await;
        act(&world, &figure, "verify", "analyst-2").await.1["cells"].clone()
    };
    let first = verified().await;
    assert!(shows_a_number(&first), "{first}");
    // Five more cases: 43 is shown as 45, and stays so; 48 would be 50 by itself.
    cases(&world, "320506101", 48).await;
    assert_eq!(first, verified().await, "a change of five people is in no draft");
    let other =
        world.ask(post("/v1/figures", &question(&rows[..2]).to_string()).by("analyst").purpose("HOPERAT")).await;
    assert_eq!(other.code(), "disclosure-risk", "nor are other rows, which would be subtracted");
}
