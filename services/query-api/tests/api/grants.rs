//! Emergency grants from the request to the review, and what does not make one.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use access::GrantRules;
use axum::http::StatusCode;
use query_api::Trust;
use serde_json::{Value, json};

use crate::world::{Ask, GRID, World, anna, bob, get, post, subject, world, world_trusting};

/// What is asked for: names and phones of the residents of Anna's neighbourhood.
pub(crate) fn question(minutes: u32) -> Value {
    json!({
        "area": &GRID[..12], "purpose": "PUBHLTH", "roles": ["cdc-tracer"], "groups": ["identity", "contact"],
        "reason": "OUTBREAK", "minutes": minutes,
    })
}

pub(crate) async fn ask_for(world: &World, tracer: &str, minutes: u32) -> String {
    let ask = post("/v1/grants", &question(minutes).to_string()).by(tracer).purpose("PUBHLTH");
    let reply = world.ask(ask).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    assert_eq!(reply.json()["state"], "requested");
    reply.json()["grant"].as_str().expect("an id").to_owned()
}

async fn approve(world: &World, grant: &str, who: &str) -> String {
    let reply = world.ask(post(&format!("/v1/grants/{grant}/approve"), "{}").by(who).purpose("HOPERAT")).await;
    if reply.status == StatusCode::OK { reply.json()["state"].as_str().unwrap_or("").to_owned() } else { reply.code() }
}

/// A grant that two people of two units approved.
pub(crate) async fn active(world: &World, minutes: u32) -> String {
    let grant = ask_for(world, "tracer", minutes).await;
    assert_eq!(approve(world, &grant, "officer").await, "requested");
    assert_eq!(approve(world, &grant, "chief").await, "active");
    grant
}

fn look(grant: &str) -> Ask {
    get(format!("/v1/persons/{}", anna())).by("tracer").purpose("PUBHLTH").header("isthmus-grant", grant)
}

async fn code(world: &World, ask: Ask) -> String {
    let reply = world.ask(ask).await;
    if reply.status == StatusCode::OK { "ok".to_owned() } else { reply.code() }
}

/// A world with a clock that only the test moves.
async fn world_with_clock() -> (World, Arc<AtomicU64>) {
    let monotonic = Arc::new(AtomicU64::new(0));
    let world = world_trusting(trust(&monotonic)).await;
    (world, monotonic)
}

fn trust(monotonic: &Arc<AtomicU64>) -> Trust {
    let monotonic = Arc::clone(monotonic);
    Trust { monotonic: Arc::new(move || monotonic.load(Ordering::Relaxed)), ..Trust::default() }
}

#[tokio::test]
async fn a_grant_takes_three_people_of_three_units_opens_its_scope_and_lists_the_residents_concerned() {
    let world = world().await;
    let plain = || get(format!("/v1/persons/{}", anna())).by("tracer").purpose("PUBHLTH");
    assert_eq!(code(&world, plain()).await, "case-required", "there is no other mode than this");
    let grant = ask_for(&world, "tracer", 240).await;
    assert_eq!(world.last_entry().matter.expect("the request").act.as_str(), "REQUESTED");
    assert_eq!(code(&world, look(&grant)).await, "grant-invalid", "nobody approved it");
    assert_eq!(approve(&world, &grant, "tracer").await, "not-entitled");
    assert_eq!(approve(&world, &grant, "chief-here").await, "grant-invalid", "the unit that asked");
    assert_eq!(approve(&world, &grant, "officer").await, "requested");
    assert_eq!(approve(&world, &grant, "officer").await, "grant-invalid", "nobody approves twice");
    assert_eq!(code(&world, look(&grant)).await, "grant-invalid", "one is not enough");
    assert_eq!(approve(&world, &grant, "chief").await, "active");
    assert_eq!(approve(&world, &grant, "chief").await, "grant-state");

    let reply = world.ask(look(&grant)).await;
    let body = reply.json();
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    assert!(body.get("identity").is_some() && body.get("contact").is_some() && body.get("residence").is_none());
    let matter = world.last_entry().matter.expect("the grant is on record");
    assert_eq!(matter.act.as_str(), "GRANT");
    let elsewhere = get(format!("/v1/persons/{}", bob())).by("tracer").purpose("PUBHLTH");
    assert_eq!(code(&world, elsewhere.header("isthmus-grant", &grant)).await, "person-not-found", "another area");
    let timeline = get(format!("/v1/persons/{}/itinerary", anna())).by("tracer").purpose("PUBHLTH");
    assert_eq!(code(&world, timeline.header("isthmus-grant", &grant)).await, "not-entitled", "no trail in the scope");
    for who in ["worker", "auditor", "chief", "officer"] {
        let purpose = if who == "worker" { "PUBHLTH" } else { "HOPERAT" };
        let ask = get(format!("/v1/persons/{}", anna())).by(who).purpose(purpose).header("isthmus-grant", &grant);
        assert_eq!(code(&world, ask).await, "not-entitled", "{who}");
    }

    let read = world.ask(get(format!("/v1/grants/{grant}")).auditing()).await.json();
    assert_eq!(read["residents"], json!([{ "subject": subject(anna()).to_string(), "looks": 1 }]));
    let stop = post(&format!("/v1/grants/{grant}/stop"), r#"{"reason":"NOT_NEEDED"}"#).operating();
    assert_eq!(world.ask(stop).await.json()["state"], "stopped");
    assert_eq!(code(&world, look(&grant)).await, "grant-invalid", "stopped with the next call");
    let review = |who: &str| {
        let body = r#"{"verdict":"JUSTIFIED","reason":"DUTY_CONFIRMED"}"#;
        post(&format!("/v1/grants/{grant}/review"), body).by(who).purpose("HOPERAT")
    };
    assert_eq!(code(&world, review("officer")).await, "grant-invalid", "who approved does not review");
    assert_eq!(world.ask(review("auditor")).await.json()["state"], "reviewed");
    assert_eq!(code(&world, review("auditor")).await, "grant-state");
    let listed = world.ask(get("/v1/grants?state=reviewed").by("tracer").purpose("PUBHLTH")).await.json();
    let acts: Vec<&str> = listed["grants"][0]["acts"]
        .as_array()
        .expect("acts")
        .iter()
        .map(|act| act["act"].as_str().expect("a code"))
        .collect();
    assert_eq!(acts, ["APPROVED", "APPROVED", "STOPPED", "REVIEWED"]);
}

#[tokio::test]
async fn a_grant_ends_by_itself_by_whichever_clock_says_so_first() {
    let (world, monotonic) = world_with_clock().await;
    let minute = 60_000;
    let grant = active(&world, 60).await;
    assert_eq!(code(&world, look(&grant)).await, "ok");
    // The wall clock stands still, and the hour is over all the same.
    monotonic.store(60 * minute as u64, Ordering::Relaxed);
    assert_eq!(code(&world, look(&grant)).await, "grant-invalid");

    let grant = active(&world, 60).await;
    world.advance_clock(59 * minute);
    assert_eq!(code(&world, look(&grant)).await, "ok");
    world.advance_clock(minute);
    assert_eq!(code(&world, look(&grant)).await, "grant-invalid", "the wall clock");

    // Six hours back: neither this process nor the next takes that for time.
    let grant = active(&world, 60).await;
    assert_eq!(code(&world, look(&grant)).await, "ok");
    world.advance_clock(-360 * minute);
    assert_eq!(code(&world, look(&grant)).await, "grant-invalid", "a clock that was set back");
    let world = world.restarted(trust(&monotonic));
    assert_eq!(code(&world, look(&grant)).await, "grant-invalid", "after a restart, too");
    world.advance_clock(360 * minute);
    assert_eq!(code(&world, look(&grant)).await, "ok", "the clock is right again, and the hour is not over");
}

#[tokio::test]
async fn who_does_not_review_gets_no_other_grant_until_it_is_done() {
    let world = world().await;
    let grant = active(&world, 60).await;
    assert_eq!(approve(&world, &ask_for(&world, "tracer", 60).await, "officer").await, "requested");
    world.advance_clock(61 * 60_000 + 72 * 3_600_000);
    let ask = || post("/v1/grants", &question(60).to_string()).by("tracer").purpose("PUBHLTH");
    assert_eq!(code(&world, ask()).await, "review-overdue");
    let overdue = world.ask(get("/v1/grants?state=overdue").auditing()).await.json();
    assert_eq!(overdue["grants"][0]["grant"], json!(grant), "{overdue}");
    assert_eq!(overdue["grants"].as_array().expect("a list").len(), 1, "what never was active needs no review");
    // Another unit is not concerned.
    ask_for(&world, "tracer-2", 60).await;
    let review = post(&format!("/v1/grants/{grant}/review"), r#"{"verdict":"UNCLEAR","reason":"OTHER"}"#).auditing();
    assert_eq!(world.ask(review).await.status, StatusCode::OK);
    assert_eq!(code(&world, ask()).await, "ok");
}

#[tokio::test]
async fn rows_of_the_database_make_no_grant_and_widen_none() {
    let world = world().await;
    let execute = async |sql: &str| {
        let mut conn = world.store.acquire().await.expect("a connection");
        sqlx::query(sqlx::AssertSqlSafe(sql.to_owned())).execute(&mut *conn).await.expect("a superuser may");
    };
    // Approvals that the log knows nothing of.
    let grant = ask_for(&world, "tracer", 60).await;
    let now = world.now().as_millis();
    for (who, unit) in [("officer", "org-2"), ("chief", "org-3")] {
        execute(&format!(
            "INSERT INTO access.grant_act (grant_id, act, handle, unit, at_ms, ledger_index)
             VALUES ('{grant}', 'APPROVED', '{who}', '{unit}', {now}, 0)"
        ))
        .await;
    }
    assert_eq!(code(&world, look(&grant)).await, "grant-invalid");
    // A scope that is wider than what was approved.
    let grant = active(&world, 60).await;
    assert_eq!(code(&world, look(&grant)).await, "ok");
    execute("UPDATE access.grant_request SET area = '320506'").await;
    assert_eq!(code(&world, look(&grant)).await, "grant-invalid");
    execute(&format!("UPDATE access.grant_request SET area = '{}'", &GRID[..12])).await;
    assert_eq!(code(&world, look(&grant)).await, "ok");
    // A stop that somebody took out.
    let stop = post(&format!("/v1/grants/{grant}/stop"), r#"{"reason":"MISUSE"}"#).auditing();
    assert_eq!(world.ask(stop).await.status, StatusCode::OK);
    execute("DELETE FROM access.grant_act WHERE act = 'STOPPED'").await;
    world.ask(post("/v1/ledger/search", "{}").auditing()).await;
    assert_eq!(code(&world, look(&grant)).await, "grant-invalid");
}

#[tokio::test]
async fn what_a_site_does_not_give_is_not_asked_for() {
    let world = world_trusting(Trust {
        grants: GrantRules { minutes_max: 120, minutes: 60, ..GrantRules::default() },
        ..Trust::default()
    })
    .await;
    for (member, value) in [
        ("minutes", json!(121)),
        ("area", json!("3205")),
        ("groups", json!(["payment"])),
        ("groups", json!([])),
        ("roles", json!(["auditor"])),
        ("purpose", json!("TREAT")),
        ("reason", json!("curious")),
    ] {
        let mut asked = question(60);
        asked[member] = value;
        let ask = post("/v1/grants", &asked.to_string()).by("tracer").purpose("PUBHLTH");
        assert_eq!(code(&world, ask).await, "grant-malformed", "{asked}");
    }
    let unknown = world.ask(look("11111111-2222-8333-8444-555555555555")).await;
    assert_eq!((unknown.status, unknown.code().as_str()), (StatusCode::FORBIDDEN, "grant-invalid"));
    assert_eq!(code(&world, look("grant")).await, "grant-invalid");
    assert_eq!(code(&world, get("/v1/grants/unknown").auditing()).await, "grant-not-found");
}

#[tokio::test]
async fn a_grant_that_waits_for_its_review_is_listed_behind_any_number_of_others() {
    let (world, _) = world_with_clock().await;
    let grant = active(&world, 30).await;
    world.advance_clock(4 * 86_400_000);
    let mut conn = world.store.acquire().await.expect("a connection");
    for number in 0..450_u16 {
        let groups = [access::FieldGroup::Identity].into_iter().collect();
        let scope = access::GrantScope {
            area: GRID[..12].to_owned(),
            purpose: access::Purpose::PublicHealth,
            roles: [access::Role::CdcTracer].into(),
            groups,
        };
        let mut nonce = [0; 16];
        nonce[..2].copy_from_slice(&number.to_be_bytes());
        let (requester, unit, at) = ("tracer-9".to_owned(), "CDC-09".to_owned(), world.now());
        let request = access::GrantRequest {
            scope,
            reason: access::GrantReason::Outbreak,
            minutes: 30,
            requester,
            unit,
            at,
            nonce,
        };
        store::grants::insert(&mut conn, &request).await.expect("inserted");
    }
    drop(conn);
    let listed = async |state: &str| {
        let found = world.ask(get(format!("/v1/grants?state={state}")).by("officer").purpose("HOPERAT")).await.json();
        found["grants"].as_array().expect("a list").iter().map(|one| one["grant"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(listed("overdue").await, [json!(grant)]);
    assert_eq!(listed("requested").await.len(), 200);
}
