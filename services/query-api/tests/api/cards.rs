//! Who the persons of a page are, in one look.

use axum::http::StatusCode;
use domain::PersonId;
use ledger::Decision;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::world::{Ask, Reply, World, anna, anna_old, bob, get, nobody, post, subject, world, world_trusting};

fn cards(persons: &[PersonId]) -> Ask {
    let persons: Vec<String> = persons.iter().map(ToString::to_string).collect();
    post("/v1/persons/cards", &json!({ "persons": persons }).to_string())
}

/// What reading the file alone says, as a card.
async fn alone(world: &World, person: PersonId, by: fn(Ask) -> Ask) -> Value {
    let reply = world.ask(by(get(format!("/v1/persons/{person}")))).await;
    if reply.status != StatusCode::OK {
        return json!({ "person_id": person.to_string(), "refused": reply.code() });
    }
    let file = reply.json();
    let birth: i32 = file["identity"]["birth_date"]["value"].as_str().expect("a day")[..4].parse().expect("a year");
    let mut card = json!({
        "person_id": file["person_id"],
        "identity": {
            "name": file["identity"]["name"]["value"], "sex": file["identity"]["sex"]["value"], "birth_year": birth,
        },
        "community_unit": file["residence"]["community_unit"]["value"],
    });
    if let Some(asked_for) = file.get("asked_for") {
        card["asked_for"] = asked_for.clone();
    }
    card
}

fn refused(entry: &ledger::Entry, reason: &str) -> bool {
    matches!(&entry.decision, Decision::Refused { reason: told } if told.as_str() == reason)
}

#[tokio::test]
async fn cards_say_what_reading_each_file_alone_says_and_are_one_look_that_names_all() {
    let world = world().await;
    let asked = [bob(), anna_old()];
    let reply = world.ask(cards(&asked).tracing()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let entries = world.entries();
    assert_eq!(entries.len(), 1, "one look on record");
    let entry = &entries[0];
    let mut named = entry.subjects.clone();
    named.sort();
    let mut both = vec![subject(anna()), subject(bob())];
    both.sort();
    assert_eq!((named, entry.count, entry.action.as_str()), (both, 2, "read-person"));
    assert_eq!(entry.released.iter().map(|group| group.as_str()).collect::<Vec<_>>(), ["identity", "residence"]);
    let mut expected = Vec::new();
    for person in asked {
        expected.push(alone(&world, person, Ask::tracing).await);
    }
    assert_eq!(reply.json()["cards"], json!(expected));
    // No more than that: neither number nor day of birth.
    assert!(!reply.text().contains("1990-01-02") && !reply.text().contains("identifiers"), "{}", reply.text());
}

#[tokio::test]
async fn who_is_not_the_callers_cannot_be_told_from_nobody_and_is_on_record() {
    let world = world().await;
    let worker = |ask: Ask| ask.looking_after("worker");
    let asked = [anna(), bob(), nobody()];
    let reply = world.ask(worker(cards(&asked))).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let entries = world.entries();
    assert_eq!(entries.len(), 3, "those who are not shown by the true reason, and those who are");
    assert!(refused(&entries[0], "not-related") && refused(&entries[1], "person-unknown"), "{entries:?}");
    assert_eq!((&entries[0].subjects[..], &entries[1].subjects[..]), (&[subject(bob())][..], &[subject(nobody())][..]));
    assert_eq!((&entries[2].subjects[..], entries[2].count), (&[subject(anna())][..], 1));
    let mut expected = Vec::new();
    for person in asked {
        expected.push(alone(&world, person, |ask| ask.looking_after("worker")).await);
    }
    assert_eq!(reply.json()["cards"], json!(expected));
    // With nobody to show it is the answer of reading one file.
    let before = world.entries().len();
    let of = async |person| world.ask(worker(cards(&[person]))).await;
    let (theirs, none) = (of(bob()).await, of(nobody()).await);
    assert_eq!((theirs.status, theirs.code().as_str()), (StatusCode::NOT_FOUND, "person-not-found"));
    assert_eq!(theirs.bytes, none.bytes);
    let entries = &world.entries()[before..];
    assert!(refused(&entries[0], "not-related") && refused(&entries[1], "person-unknown"), "{entries:?}");
}

#[tokio::test]
async fn a_question_for_cards_names_one_to_200_persons_each_once() {
    let world = world().await;
    let ask = async |persons: Vec<String>| -> Reply {
        let reply = world.ask(post("/v1/persons/cards", &json!({ "persons": persons }).to_string()).tracing()).await;
        assert!(reply.status.is_client_error() && world.last_entry().subjects.is_empty(), "{}", reply.text());
        reply
    };
    let id = |n: u128| Uuid::from_u128(n).to_string();
    for persons in [Vec::new(), (0..201).map(id).collect(), vec![id(1), id(2), id(1)]] {
        assert_eq!(ask(persons).await.code(), "cards-malformed");
    }
    assert_eq!(ask(vec!["anna".to_owned()]).await.code(), "person-id-malformed");
    assert_eq!(world.ask(post("/v1/persons/cards", r#"{"person":"x"}"#).tracing()).await.code(), "body-malformed");
    let most: Vec<PersonId> = (0..199).map(|n| PersonId::from_uuid(Uuid::from_u128(n))).chain([anna()]).collect();
    let reply = world.ask(cards(&most).tracing()).await;
    assert_eq!(reply.json()["cards"].as_array().map(Vec::len), Some(200), "{}", reply.text());
    assert_eq!(world.entries().iter().filter(|entry| entry.decision == Decision::Allowed).count(), 1);
}

#[tokio::test]
async fn each_person_of_a_page_counts_and_a_page_beyond_the_budget_is_refused_whole() {
    let mut rules = scrutiny::Rules::default();
    rules.roles.get_mut("cdc-tracer").expect("a role").persons_per_hour = 1;
    let world = world_trusting(query_api::Trust::new(rules, access::GrantRules::default())).await;
    let reply = world.ask(cards(&[anna(), bob()]).tracing()).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "budget-spent"));
    assert!(refused(&world.last_entry(), "budget-spent"));
    assert_eq!(world.last_entry().subjects.len(), 2, "who was not shown is on record");
    assert_eq!(world.ask(cards(&[anna()]).tracing()).await.status, StatusCode::OK);
    assert_eq!(world.ask(cards(&[bob()]).tracing()).await.code(), "budget-spent");
}

#[tokio::test]
async fn units_are_told_to_staff_by_code_and_level_alone() {
    let world = world().await;
    let reply = world.ask(get("/v1/units?within=320506001").by("worker")).await;
    assert_eq!(
        reply.json()["units"],
        json!([
            { "unit": "320506001", "level": "township" },
            { "unit": "320506001007", "level": "neighbourhood" },
            { "unit": "320506001007G03", "level": "grid" },
            { "unit": "320506001008", "level": "neighbourhood" },
            { "unit": "320506001008G01", "level": "grid" },
        ]),
        "{}",
        reply.text()
    );
    assert_eq!((world.last_entry().action.as_str(), world.last_entry().subjects.len()), ("list-units", 0));
    let all = world.ask(get("/v1/units").by("tracer")).await.json();
    assert_eq!(all["units"][0], json!({ "unit": "320506", "level": "district" }));
    let after = world.ask(get("/v1/units?after=320506001007G03").by("tracer")).await.json();
    assert!(!after.to_string().contains("G03"), "{after}");
    assert_eq!(world.ask(get("/v1/units").by("anna")).await.code(), "not-entitled");
    assert_eq!(world.ask(get("/v1/units?within=x").by("tracer")).await.code(), "unit-malformed");
}
