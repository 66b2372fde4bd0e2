use axum::http::StatusCode;
use domain::{CaseState, CaseStatus, EventType, PersonId, PlaceRef};
use serde_json::{Value, json};
use store::views::Changes;

use crate::infections::case_puts;
use crate::town::{CENTRE, EAST, TOWNSHIP, cell, fact, minute, own, seen};
use crate::world::{CASE, World, anna, bob, get, subject, world};

const DAY: i64 = 1_440;

/// Disease control states that somebody is a case, confirmed at noon and isolated an hour later.
fn case(changes: &mut Changes, id: &str, person: PersonId, state: CaseState) {
    let body = CaseStatus {
        case_id: id.to_owned(),
        state,
        confirmed_time: Some(minute(0)),
        isolated_time: Some(minute(60)),
        place: PlaceRef { division_code: Some(TOWNSHIP.to_owned()), ..PlaceRef::default() },
        ..CaseStatus::default()
    };
    fact(changes, ("disease-control", id), own(person), (0, None), body.into());
}

async fn told(tell: impl FnOnce(&mut Changes)) -> World {
    let world = world().await;
    world.clock_is(minute(DAY));
    let mut changes = Changes::default();
    // The cases of the town are not those of these tests: of one there is a suspicion only, for which everybody asks here.
    case_puts(&mut changes);
    changes.facts.retain(|fact| fact.kind == EventType::CaseStatus);
    for fact in &mut changes.facts {
        fact.edition.version += 1;
        fact.detail =
            fact.detail.take().filter(|text| text.contains(CASE)).map(|text| text.replace("CONFIRMED", "SUSPECTED"));
    }
    cell(&mut changes, "A", CENTRE, 0.0);
    tell(&mut changes);
    world.put(&changes).await;
    query_api::load_contacts(&world.state).await.expect("loaded");
    world
}

async fn code(world: &World, person: PersonId, query: &str) -> Value {
    let reply = world.ask(get(format!("/v1/persons/{person}/health-code{query}")).tracing()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()
}

/// Colour, and the causes in order.
fn outline(body: &Value) -> (String, Vec<String>) {
    let causes = body["reasons"].as_array().expect("reasons").iter();
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    (word(&body["colour"]), causes.map(|reason| word(&reason["cause"])).collect())
}

#[tokio::test]
async fn whoever_met_a_case_is_red_and_learns_why_and_until_when_but_not_who() {
    let world = told(|changes| {
        case(changes, "c-1", bob(), CaseState::Confirmed);
        seen(changes, "a", own(anna()), "A", -100, -60);
        seen(changes, "b", own(bob()), "A", -100, -89);
    })
    .await;
    let body = code(&world, anna(), "").await;
    // The township is of medium risk, because the case is new: a second, lesser reason.
    assert_eq!(outline(&body), ("RED".to_owned(), vec!["contact".to_owned(), "stay".to_owned()]));
    assert_eq!(body["until"], json!(minute(-89 + 14 * DAY).to_string()));
    assert_eq!(body["reasons"][0]["events"].as_array().map(Vec::len), Some(1));
    assert_eq!((&body["reasons"][1]["township"], &body["reasons"][1]["level"]), (&json!(TOWNSHIP), &json!("MEDIUM")));
    assert_eq!(outline(&code(&world, bob(), "").await).1[0], "case");
    let mine = world.ask(get("/v1/me/health-code").own("anna")).await;
    assert_eq!(mine.json()["reasons"], body["reasons"]);
    assert!(!mine.text().contains(&bob().to_string()) && !mine.text().contains("c-1"), "{}", mine.text());
    assert_eq!(world.last_entry().subjects, [subject(anna())]);
    // A code is of an instant: two weeks after the meeting it is over, before it there was none.
    for (query, colour) in
        [(format!("?on={}", minute(-89 + 14 * DAY)), "GREEN"), (format!("?on={}", minute(-200)), "GREEN")]
    {
        assert_eq!(code(&world, anna(), &query).await["colour"], colour, "{query}");
    }
}

#[tokio::test]
async fn a_code_is_told_as_it_was_known_at_an_earlier_instant() {
    let known = |changes: &mut Changes, at: i64| changes.facts.last_mut().expect("a fact").known_at = minute(at);
    let world = told(|changes| {
        seen(changes, "a", own(anna()), "A", -100, -60);
        seen(changes, "b", own(bob()), "A", -100, -60);
        known(changes, 61);
        case(changes, "c-1", bob(), CaseState::Confirmed);
        known(changes, 100);
    })
    .await;
    let mut changes = Changes::default();
    case(&mut changes, "c-1", bob(), CaseState::Excluded);
    let fact = changes.facts.last_mut().expect("a fact");
    (fact.edition.version, fact.known_at) = (2, minute(200));
    world.put(&changes).await;
    let then = async |at: i64| loop {
        let path = format!("/v1/persons/{}/health-code?known_at={}", anna(), minute(at));
        let reply = world.ask(get(path).tracing()).await;
        if reply.status == StatusCode::OK {
            let body = reply.json();
            assert_eq!(
                (&body["known_at"], &body["on"]),
                (&json!(minute(at).to_string()), &json!(minute(at).to_string()))
            );
            break outline(&body);
        }
        assert_eq!(reply.code(), "contacts-loading");
    };
    let green = ("GREEN".to_owned(), vec![]);
    assert_eq!(then(99).await, green);
    assert_eq!(then(100).await, ("RED".to_owned(), vec!["contact".to_owned(), "stay".to_owned()]));
    assert_eq!(then(199).await.0, "RED");
    assert_eq!(then(200).await, green);
    assert_eq!(outline(&code(&world, anna(), "").await), green);
    // An index of then is dear: it is for those who work on a case.
    let mine = world.ask(get(format!("/v1/me/health-code?known_at={}", minute(100))).own("anna")).await;
    assert_eq!(mine.code(), "query-malformed");
    let path = format!("/v1/persons/{}/health-code?known_at={}", anna(), minute(100));
    assert_eq!(world.ask(get(path).own("anna")).await.code(), "not-entitled");
    let ahead =
        world.ask(get(format!("/v1/persons/{}/health-code?known_at={}", anna(), minute(2 * DAY))).tracing()).await;
    assert_eq!(ahead.code(), "query-malformed");
}

#[tokio::test]
async fn ten_minutes_with_a_case_are_no_contact_and_a_suspicion_is_no_case() {
    let world = told(|changes| {
        case(changes, "c-1", bob(), CaseState::Confirmed);
        seen(changes, "a", own(anna()), "A", -100, -60);
        seen(changes, "b", own(bob()), "A", -100, -90);
    })
    .await;
    assert_eq!(outline(&code(&world, anna(), "").await), ("YELLOW".to_owned(), vec!["stay".to_owned()]));
    let world = told(|changes| {
        case(changes, "c-1", bob(), CaseState::Suspected);
        seen(changes, "a", own(anna()), "A", -100, -60);
        seen(changes, "b", own(bob()), "A", -100, -60);
    })
    .await;
    assert_eq!(outline(&code(&world, anna(), "").await), ("GREEN".to_owned(), vec![]));
}

#[tokio::test]
async fn a_stay_counts_in_the_township_by_whose_boundary_most_of_the_place_lies() {
    let world = told(|changes| {
        let mut body = CaseStatus { case_id: "c-9".to_owned(), state: CaseState::Confirmed, ..CaseStatus::default() };
        body.confirmed_time = Some(minute(0));
        body.place = PlaceRef { division_code: Some(EAST.to_owned()), ..PlaceRef::default() };
        fact(changes, ("disease-control", "c-9"), own(bob()), (0, None), body.into());
        // Their registers state another township, or none; a disc that is cut in the middle is half in the east.
        cell(changes, "east", (31.3, 120.75), 500.0);
        cell(changes, "west", (31.3, 120.65), 500.0);
        cell(changes, "west of the line", (31.3, 120.699), 500.0);
        cell(changes, "nowhere", (32.0, 121.5), 0.0);
        changes.places.last_mut().expect("a place").detail = Some(
            r#"{"place_id": "cells/nowhere", "kind": "CELL", "datum": "WGS84", "lat": 32.0, "lon": 121.5}"#.to_owned(),
        );
    })
    .await;
    for (place, from, expected) in [("west", -500, None), ("west of the line", -400, None), ("east", -300, Some(EAST))]
    {
        let mut changes = Changes::default();
        seen(&mut changes, place, own(anna()), place, from, from + 40);
        world.put(&changes).await;
        let body = code(&world, anna(), "").await;
        let stay = body["reasons"].as_array().expect("reasons").iter().find(|reason| reason["cause"] == "stay");
        assert_eq!(stay.map(|reason| reason["township"].as_str()), expected.map(Some), "{place}");
        assert_eq!(body["stays_without_township"], json!(0), "{place}");
    }
    let mut changes = Changes::default();
    seen(&mut changes, "b", own(anna()), "nowhere", -50, -20);
    world.put(&changes).await;
    assert_eq!(code(&world, anna(), "").await["stays_without_township"], json!(1));
    let ask = async |query: &str| world.ask(get(format!("/v1/townships{query}")).by("tracer").purpose("PUBHLTH")).await;
    let body = ask("?outlines=true").await.json();
    assert_eq!((&body["townships"][0]["township"], &body["townships"][0]["name"]), (&json!(EAST), &json!("东山镇")));
    let outline = &body["outlines"]["features"][0];
    assert_eq!((&outline["properties"]["code"], &outline["geometry"]["type"]), (&json!(EAST), &json!("MultiPolygon")));
    assert_eq!(ask("").await.json().get("outlines"), None);
}

#[tokio::test]
async fn the_risk_of_a_township_is_of_an_instant_and_names_its_numbers() {
    let world = told(|changes| {
        case(changes, "c-1", bob(), CaseState::Confirmed);
        // Disease control does not say where this one lives.
        let mut placeless =
            CaseStatus { case_id: "c-2".to_owned(), state: CaseState::Confirmed, ..CaseStatus::default() };
        placeless.confirmed_time = Some(minute(0));
        fact(changes, ("disease-control", "c-2"), own(anna()), (0, None), placeless.into());
    })
    .await;
    let ask = async |query: &str| world.ask(get(format!("/v1/townships{query}")).by("tracer").purpose("PUBHLTH")).await;
    let body = ask("").await.json();
    let until = minute(14 * DAY).to_string();
    let medium =
        json!([{ "township": TOWNSHIP, "level": "MEDIUM", "existing": 1, "new": 1, "clusters": 0, "until": until }]);
    assert_eq!((&body["townships"], &body["placeless"]), (&medium, &json!(1)));
    assert_eq!(body["rules"], json!(exposure::Rules::default().version()));
    let level = async |query: &str| ask(query).await.json()["townships"][0]["level"].clone();
    assert_eq!(level(&format!("?township={TOWNSHIP}&on={}", minute(0))).await, "MEDIUM");
    assert_eq!(level(&format!("?township={TOWNSHIP}&on={}", minute(-1))).await, "LOW");
    assert_eq!(level(&format!("?on={until}")).await, "LOW");
    let ahead = async |query: &str| {
        let body = ask(query).await.json();
        let told = |member: &str| body[member].clone();
        (told("projected"), told("placeless"), told("placeless_existing"), told("placeless_new"))
    };
    // What is to come follows from what is known now; a case without a township is counted beside.
    assert_eq!(ahead(&format!("?on={until}")).await, (json!(true), json!(1), json!(1), json!(0)));
    assert_eq!(ahead("").await, (json!(false), json!(1), json!(1), json!(1)));
    assert_eq!(level("?township=320507001").await, "LOW");
    assert_eq!(ask("?township=here").await.code(), "query-malformed");
    let stranger = world.ask(get("/v1/townships").by("worker").purpose("PUBHLTH")).await;
    assert_eq!(stranger.code(), "not-entitled");
}
