//! Looks for an investigation: absent from the tracker until their date, and no longer.

use axum::http::StatusCode;
use serde_json::{Value, json};
use test_support::build::record_id;

use crate::world::{CASE, Reply, World, anna, bob, get, post, world};

const DAY: i64 = 86_400_000;
const SECRET: &str = "2022-0007";

/// The same case by its id.
fn secret_id() -> String {
    record_id("facts", "case-of-bob").to_string()
}

async fn seal(world: &World, who: &str, days: u32) -> Reply {
    let body = json!({ "days": days, "reason": "INVESTIGATION" }).to_string();
    world.ask(post("/v1/cases/seals", &body).by(who).purpose("HOPERAT").case(&secret_id())).await
}

async fn look(world: &World, case: &str) -> u64 {
    let ask = get(format!("/v1/persons/{}", bob())).by("tracer").purpose("PUBHLTH").case(case);
    assert_eq!(world.ask(ask).await.status, StatusCode::OK);
    world.ledger.head().0.size - 1
}

/// Indices that the tracker shows of these.
async fn shown(world: &World, of: &[u64]) -> Vec<u64> {
    shown_to(world, "bob", of).await
}

async fn shown_to(world: &World, who: &str, of: &[u64]) -> Vec<u64> {
    let own = world.ask(get("/v1/me/accesses").own(who)).await.json();
    let looks = own["looks"].as_array().expect("looks").iter();
    looks.filter_map(|look| look["index"].as_u64()).filter(|index| of.contains(index)).collect()
}

#[tokio::test]
async fn a_sealed_look_is_absent_until_its_date_and_ninety_days_at_most() {
    let world = world().await;
    let (open, secret) = (look(&world, CASE).await, look(&world, SECRET).await);
    assert_eq!(shown(&world, &[open, secret]).await, [secret, open]);
    for who in ["tracer", "officer", "auditor", "analyst", "bob"] {
        assert_eq!(seal(&world, who, 7).await.status, StatusCode::FORBIDDEN, "{who}");
    }
    assert_eq!(seal(&world, "chief", 31).await.code(), "seal-malformed");
    let without = post("/v1/cases/seals", r#"{"days":7,"reason":"OTHER"}"#).by("chief").purpose("HOPERAT");
    assert_eq!(world.ask(without).await.code(), "case-required");
    let sealed = seal(&world, "chief", 7).await;
    assert_eq!(sealed.status, StatusCode::OK, "{}", sealed.text());
    let entry = world.last_entry();
    assert_eq!((entry.actor.as_str(), entry.action.as_str(), entry.case.is_some()), ("chief", "seal-case", true));
    assert_eq!(entry.matter.expect("what was done").act.as_str(), "SEALED:7:INVESTIGATION");

    let later = look(&world, &secret_id()).await;
    let all = [open, secret, later];
    assert_eq!(shown(&world, &all).await, [open], "nor what comes after, whichever way the case is named");
    // Pages show no gap, and who guesses the index learns nothing.
    let page = world.ask(get("/v1/me/accesses?limit=1&before=2").own("bob")).await.json();
    assert_eq!((&page["looks"][0]["index"], page.get("next")), (&json!(open), None::<&Value>), "{page}");
    let contest = json!({ "index": secret, "reason": "NO_REASON_KNOWN" }).to_string();
    let contested = world.ask(post("/v1/me/contests", &contest).own("bob")).await;
    assert!(!contested.status.is_success(), "{}", contested.text());
    // The auditor sees all of it.
    let search =
        post("/v1/ledger/search", &json!({ "action": "read-person" }).to_string()).by("auditor").purpose("HOPERAT");
    let found = world.ask(search).await.json();
    assert_eq!(found["entries"].as_array().map(Vec::len), Some(3), "{found}");

    world.advance_clock(7 * DAY);
    assert_eq!(shown(&world, &all).await, [later, secret, open], "the seal ends by itself");
    for _ in 0..3 {
        seal(&world, "chief", 30).await;
        assert_eq!(shown(&world, &all).await, [open], "said again");
        world.advance_clock(25 * DAY);
    }
    seal(&world, "chief", 30).await;
    assert_eq!(shown(&world, &all).await, [open]);
    world.advance_clock(8 * DAY);
    assert_eq!(shown(&world, &all).await, [later, secret, open], "no look is hidden for longer than ninety days");
    let newest = look(&world, SECRET).await;
    assert_eq!(shown(&world, &[newest]).await, [0; 0]);
    seal(&world, "chief", 0).await;
    assert_eq!(shown(&world, &[newest]).await, [newest], "a lead ends it early");
}

#[tokio::test]
async fn a_sealed_case_hides_no_look_of_anybody_but_disease_control_and_at_nobody_but_its_person() {
    let world = world().await;
    assert_eq!(seal(&world, "chief", 30).await.status, StatusCode::OK);
    let at = async |person: domain::PersonId, who: &str, purpose: &str| {
        let ask = get(format!("/v1/persons/{person}")).by(who).purpose(purpose).case(SECRET);
        assert_eq!(world.ask(ask).await.status, StatusCode::OK, "{who}");
        world.ledger.head().0.size - 1
    };
    let unrelated = at(anna(), "tracer", "PUBHLTH").await;
    let worker = at(anna(), "worker", "PUBHLTH").await;
    assert_eq!(world.last_entry().case, None, "a case is nothing that a worker could state");
    assert_eq!(shown_to(&world, "anna", &[unrelated, worker]).await, [worker, unrelated]);
    let own = at(bob(), "tracer", "PUBHLTH").await;
    assert_eq!(shown(&world, &[own]).await, [0; 0]);
}
