use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use domain::{CaseState, CaseStatus, PersonId, PlaceRef};
use ledger::Decision;
use query_api::Trust;
use serde_json::{Value, json};
use store::views::Changes;
use test_support::build::record_id;

use crate::town::{CENTRE, TOWNSHIP, cell, fact, minute, own, resident, seen};
use crate::world::{Ask, World, bob, get, post, subject, world, world_trusting};

const DAY: i64 = 1_440;

fn case(changes: &mut Changes, id: &str, person: PersonId, state: CaseState, isolated: Option<i64>) {
    let body = CaseStatus {
        case_id: id.to_owned(),
        state,
        confirmed_time: Some(minute(0)),
        isolated_time: isolated.map(minute),
        place: PlaceRef { division_code: Some(TOWNSHIP.to_owned()), ..PlaceRef::default() },
        ..CaseStatus::default()
    };
    fact(changes, ("disease-control", id), own(person), (0, None), body.into());
}

fn id(case: &str) -> Value {
    json!(record_id("disease-control", case).as_uuid())
}

fn ask(question: &Value) -> Ask {
    post("/v1/contacts", &question.to_string()).tracing()
}

/// Twelve residents who come and go in two cells, three of them cases; some of the others meet four more in a third cell.
async fn town() -> (World, Vec<PersonId>) {
    let world = world().await;
    world.clock_is(minute(DAY));
    let mut changes = Changes::default();
    cell(&mut changes, "A", CENTRE, 0.0);
    cell(&mut changes, "B", (CENTRE.0 + 0.1, CENTRE.1), 0.0);
    cell(&mut changes, "C", (CENTRE.0 - 0.1, CENTRE.1), 0.0);
    let residents: Vec<PersonId> = (0..16).map(|n| resident(&mut changes, &format!("r-{n}"))).collect();
    for (n, person) in (0_i64..).zip(&residents).skip(5) {
        seen(&mut changes, &format!("{n}-late"), own(*person), "C", 700 + n, 760);
    }
    for (n, person) in (0_i64..).zip(&residents).take(12) {
        for stay in 0..4 {
            let (cell, from) = (["A", "B"][usize::from((n + stay) % 3 == 0)], stay * 300 - 900 + n * 17);
            let until = from + 20 + (n * 31 + stay * 7) % 120;
            seen(&mut changes, &format!("{n}-{stay}"), own(*person), cell, from, until);
        }
    }
    for (n, resident) in residents.iter().enumerate().take(3) {
        case(&mut changes, &format!("c-{n}"), *resident, CaseState::Confirmed, None);
    }
    world.put(&changes).await;
    query_api::load_contacts(&world.state).await.expect("loaded");
    (world, residents)
}

async fn told(world: &World, question: &Value) -> Value {
    let reply = world.ask(ask(question)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

/// What a batch tells of a contact, from an answer about one person.
fn outline(contact: &Value) -> Value {
    let meetings = list(&contact["meetings"]);
    let first = meetings.iter().map(|one| one["from"].as_str()).min();
    let last = meetings.iter().map(|one| one["to"].as_str()).max();
    json!({
        "rank": contact["rank"], "person_id": contact["person_id"], "weighed_minutes": contact["weighed_minutes"],
        "minutes": contact["minutes"], "meeting_count": contact["meeting_count"], "first": first, "last": last,
    })
}

#[tokio::test]
async fn the_contacts_of_many_cases_are_those_of_each_asked_alone() {
    let (world, residents) = town().await;
    let body = told(&world, &json!({ "cases": [id("c-2"), id("c-0"), id("c-1")], "sub": true })).await;
    let cases = list(&body["cases"]);
    assert_eq!(cases.iter().map(|one| &one["case"]).collect::<Vec<_>>(), [&id("c-2"), &id("c-0"), &id("c-1")]);
    assert_eq!((&body["untraceable"], &body["withheld"]), (&json!([]), &json!([])));
    let (mut contacts, mut subs, mut total) = (BTreeSet::new(), BTreeSet::new(), 0);
    for case in cases {
        let person = case["person_id"].as_str().expect("an id");
        let word = |name: &str| case[name].as_str().expect("an instant").to_owned();
        let query = format!("from={}&to={}&sub=true&limit=500", word("from"), word("to"));
        let alone = world.ask(get(format!("/v1/persons/{person}/contacts?{query}")).tracing()).await.json();
        assert_eq!(case["total"], alone["total"]);
        assert_eq!(case["left_out"], alone["left_out"]);
        let expected: Vec<Value> = list(&alone["contacts"]).iter().map(outline).collect();
        assert_eq!(list(&case["contacts"]), expected);
        total += expected.len();
        contacts.extend(expected.iter().map(|one| one["person_id"].to_string()));
        subs.extend(list(&alone["sub_contacts"]["links"]).iter().map(|one| one["person_id"].to_string()));
    }
    let own: BTreeSet<String> = residents[..3].iter().map(|person| json!(person.to_string()).to_string()).collect();
    subs.retain(|person| !contacts.contains(person) && !own.contains(person));
    let links: BTreeSet<String> =
        list(&body["sub_contacts"]["links"]).iter().map(|one| one["person_id"].to_string()).collect();
    assert!(total > 3 && !subs.is_empty(), "the town says too little: {total} {subs:?}");
    assert_eq!(links, subs);
    assert_eq!(body["sub_contacts"]["total"], json!(subs.len()));
    let entry = world.last_entry();
    assert!(entry.action.to_string() == "read-contacts");
    let all = told(&world, &json!({ "cases": [id("c-2"), id("c-0"), id("c-1")], "sub": true })).await;
    let entry = world.last_entry();
    let through = list(&all["sub_contacts"]["links"]).iter().map(|one| one["through"].to_string());
    let told_of: BTreeSet<String> = contacts.iter().cloned().chain(links).chain(own).chain(through).collect();
    assert_eq!(entry.subjects.len(), told_of.len());
    assert_eq!(entry.count as usize, total + subs.len());
    for person in residents.iter().filter(|person| told_of.contains(&json!(person.to_string()).to_string())) {
        assert!(entry.subjects.contains(&subject(*person)), "{person} is told of and not on record");
    }
}

#[tokio::test]
async fn a_table_has_a_row_for_each_contact_and_for_what_was_left_out() {
    let (world, _) = town().await;
    let question = json!({ "cases": [id("c-0"), id("nobody")], "sub": true, "limit": 1 });
    let body = told(&world, &question).await;
    assert_eq!(body["untraceable"], json!([{ "case": id("nobody"), "reason": "unknown-case" }]));
    assert_eq!(list(&body["cases"][0]["contacts"]).len(), 1, "only the most exposed");
    let reply = world.ask(ask(&question).header("accept", "text/csv")).await;
    assert_eq!(reply.headers["content-type"], "text/csv; charset=utf-8");
    assert!(reply.receipt().is_some());
    let text = reply.text();
    let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
    assert!(rows.iter().all(|row| row.len() == rows[0].len()), "{text}");
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    rows[1..].iter().for_each(|row| *kinds.entry(row[0]).or_default() += 1);
    let links = list(&body["sub_contacts"]["links"]).len();
    assert!(links > 0);
    assert_eq!(kinds, BTreeMap::from([("contact", 1), ("sub-contact", links), ("untraceable", 1)]));
    let (row, contact) = (&rows[2], &body["cases"][0]["contacts"][0]);
    assert_eq!(
        (json!(row[1]), json!(row[3]), json!(row[8])),
        (id("c-0"), contact["person_id"].clone(), contact["first"].clone())
    );
}

#[tokio::test]
async fn a_case_of_which_nothing_can_be_told_is_named_with_the_reason() {
    let world = world().await;
    world.clock_is(minute(DAY));
    let mut changes = Changes::default();
    case(&mut changes, "suspected", bob(), CaseState::Suspected, None);
    case(&mut changes, "isolated", bob(), CaseState::Confirmed, Some(-DAY));
    world.put(&changes).await;
    let stranger = json!(record_id("facts", "case-of-nobody").as_uuid());
    let window = (minute(0).to_string(), minute(60).to_string());
    let cases = json!([id("suspected"), id("isolated"), stranger]);
    let body = told(&world, &json!({ "cases": cases, "from": window.0, "to": window.1 })).await;
    let reasons: Vec<&Value> = list(&body["untraceable"]).iter().map(|one| &one["reason"]).collect();
    assert_eq!(reasons, [&json!("no-case"), &json!("another-time"), &json!("unknown-person")]);
    assert_eq!((&body["cases"], &body["total"]), (&json!([]), &json!(0)));
    // All cases: Bob's of the town, too.
    let all = told(&world, &json!({ "all": true })).await;
    assert!(list(&all["cases"]).iter().any(|one| one["case"] == json!(record_id("facts", "case-of-bob").as_uuid())));
}

#[tokio::test]
async fn what_is_not_kept_any_more_is_never_told_as_none() {
    let (world, residents) = town().await;
    let mut changes = Changes::default();
    case(&mut changes, "c-old", residents[0], CaseState::Confirmed, Some(DAY));
    world.put(&changes).await;
    let path = format!("/v1/cases/{}", id("c-old").as_str().expect("an id"));
    let list_of = async || world.ask(get(format!("{path}/follow-ups")).tracing()).await.json();
    let code_of = async |person: PersonId| {
        let path = format!("/v1/persons/{person}/health-code?on={}", minute(DAY));
        world.ask(get(path).tracing()).await.json()
    };
    let stretch = json!({ "cases": [id("c-old")], "from": minute(-DAY).to_string(), "to": minute(DAY).to_string() });
    let then = told(&world, &stretch).await;
    assert_ne!(then["total"], json!(0));
    assert_eq!(then["cases"][0]["partly_kept"], json!(false));
    assert_ne!(list_of().await["contacts_without"], json!(0));
    assert_eq!(code_of(residents[1]).await["complete"], json!(true));

    // Two months later somebody is seen.
    world.clock_is(minute(61 * DAY));
    let mut changes = Changes::default();
    seen(&mut changes, "later", own(residents[9]), "A", 60 * DAY, 60 * DAY + 60);
    world.put(&changes).await;
    query_api::load_contacts(&world.state).await.expect("loaded");
    let now = told(&world, &stretch).await;
    assert_eq!(now["untraceable"], json!([{ "case": id("c-old"), "reason": "not-kept" }]));
    assert_eq!(list_of().await.get("contacts_without"), None);
    let reply = world.ask(post(&format!("{path}/contacts/notify"), "{}").tracing()).await;
    assert_eq!((reply.status, reply.code()), (StatusCode::CONFLICT, "contacts-not-kept".to_owned()));
    assert_eq!(code_of(residents[1]).await["complete"], json!(false));
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_refused_and_so_is_another_role() {
    let world = world().await;
    let many: Vec<Value> = (0..5_001).map(|n| id(&n.to_string())).collect();
    for (question, code) in [
        (json!({}), "contacts-malformed"),
        (json!({ "cases": [] }), "contacts-malformed"),
        (json!({ "cases": many }), "contacts-malformed"),
        (json!({ "cases": [id("c")], "all": true }), "contacts-malformed"),
        (json!({ "all": true, "limit": 0 }), "contacts-malformed"),
        (json!({ "all": true, "from": "yesterday" }), "contacts-malformed"),
        (json!({ "all": true, "from": "2022-01-01T00:00:00Z", "to": "2022-03-01T00:00:00Z" }), "timeline-too-long"),
        (json!({ "cases": ["2022-0007"] }), "body-malformed"),
        (json!({ "all": true, "note": "x".repeat(300_000) }), "body-too-large"),
    ] {
        assert_eq!(world.ask(ask(&question)).await.code(), code);
    }
    let question = json!({ "all": true }).to_string();
    let asked = |caller| post("/v1/contacts", &question).by(caller);
    assert_eq!(world.ask(asked("tracer").purpose("PUBHLTH")).await.code(), "case-required");
    assert_eq!(world.ask(asked("worker").purpose("PUBHLTH")).await.code(), "not-entitled");
    assert_eq!(world.ask(asked("anna").purpose("PATRQT")).await.code(), "not-entitled");
}

#[tokio::test]
async fn more_persons_than_an_entry_names_are_in_several_entries_and_in_the_budget() {
    const MET: usize = 2_100;
    for (persons_per_hour, is_shown) in [(2_000, false), (0, true)] {
        let mut rules = scrutiny::Rules::default();
        rules.roles.get_mut("cdc-tracer").expect("a role").persons_per_hour = persons_per_hour;
        let world = world_trusting(Trust::new(rules, access::GrantRules::default())).await;
        world.clock_is(minute(DAY));
        let mut changes = Changes::default();
        cell(&mut changes, "A", CENTRE, 0.0);
        for n in 0..=MET {
            let person = resident(&mut changes, &format!("r-{n}"));
            seen(&mut changes, &n.to_string(), own(person), "A", -60, 0);
            if n == 0 {
                case(&mut changes, "c-0", person, CaseState::Confirmed, None);
            }
        }
        world.put(&changes).await;
        query_api::load_contacts(&world.state).await.expect("loaded");
        let reply = world.ask(ask(&json!({ "cases": [id("c-0")] }))).await;
        let entries = world.entries();
        assert_eq!(entries.iter().map(|entry| entry.subjects.len()).collect::<Vec<_>>(), [2_000, MET + 1 - 2_000]);
        assert_eq!(entries[0].request, entries[1].request);
        if is_shown {
            assert_eq!(reply.json()["cases"][0]["total"], json!(MET), "{}", reply.text());
            assert_eq!(entries.iter().map(|entry| entry.count).sum::<u64>(), MET as u64);
        } else {
            assert_eq!(reply.code(), "budget-spent");
            assert!(entries.iter().all(|entry| matches!(entry.decision, Decision::Refused { .. })));
        }
    }
}
