use std::time::{Duration, Instant};

use axum::http::StatusCode;
use domain::Sensitive;
use ledger::{Decision, LedgerClient, Receipt, RemoteLedger};
use serde_json::{Value, json};
use test_support::build::record_id;
use test_support::wait_for;
use tokio::net::TcpListener;

use crate::appeals::made;
use crate::follow_ups::{unassigned, with_anna};
use crate::reviews::{decision_id, question};
use crate::world::{
    ANNA_NAME, Ask, CASE, FROM_TO, GRID, PHONE, World, anna, anna_number, decided, delete, find, get, post, subject,
    world, world_trusting, world_with,
};
use crate::{contests, figures, grants};

/// Routes that can disclose nothing about anybody, and need no token. A new route is not here until somebody thought
/// about it.
const PUBLIC: [&str; 4] = ["/readyz", "/problems", "/v1/ledger/checkpoint", "/v1/ledger/key"];

async fn document(world: &World) -> Value {
    world.ask(get("/openapi.json")).await.json()
}

/// Every route of the document that is not public, as a request that somebody may make.
fn guarded(document: &Value, about: &Prepared) -> Vec<(String, Box<dyn Fn() -> Ask>)> {
    let mut asks: Vec<(String, Box<dyn Fn() -> Ask>)> = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("an item") {
            if PUBLIC.contains(&path.as_str()) {
                assert!(operation.get("security").is_none(), "{path}");
                continue;
            }
            assert_eq!(operation["security"], json!([{ "token": [] }]), "{path} does not say that it needs a token");
            let task = decision_id(record_id("register", "anna"), record_id("register", "bob")).to_string();
            let path = path.replace("{person_id}", &anna().to_string()).replace("{task_id}", &task);
            let path = path.replace("{decision_id}", &decided().to_string()).replace("{unit}", GRID);
            let follow_up = if path.ends_with("/assignment") { unassigned() } else { with_anna() };
            let path = path.replace("{follow_up}", &follow_up.to_string());
            let path = path.replace("{appeal}", &made().appeal_id.to_string());
            let path = path.replace("{contest}", &contests::made().contest_id.to_string());
            let path = path.replace("{case}", &record_id("facts", "case-of-bob").to_string());
            let grant = if path.ends_with("/review") { &about.over } else { &about.asked_for };
            let path = path.replace("{grant}", grant).replace("{request}", &about.name);
            let figure = about.figures.iter().find(|(step, _)| path.ends_with(*step)).map_or(&about.name, |(_, id)| id);
            let path = path.replace("{figure}", figure);
            let named = json!({ "index": about.look, "subject": subject(anna()).to_string(), "reason": "OTHER" });
            let method = method.clone();
            let name = format!("{method} {path}");
            asks.push((
                name,
                Box::new(move || match method.as_str() {
                    "delete" => delete(&path, r#"{"reason":"MISTAKEN"}"#),
                    "post" if path == "/v1/ledger/search" => post(&path, "{}"),
                    "post" if path == "/v1/contacts" => {
                        post(&path, &json!({ "cases": [record_id("facts", "case-of-bob").as_uuid()] }).to_string())
                    }
                    "post" if path.ends_with("/reports") => post(&path, r#"{"columns":["name"]}"#),
                    "post" if path.ends_with("/notify") => post(&path, "{}"),
                    "post" if path.ends_with("/steps") => post(&path, r#"{"step":"notified"}"#),
                    "post" if path.ends_with("/assignment") => post(&path, &json!({ "unit": GRID }).to_string()),
                    "post" if path.ends_with("/appeals") => post(&path, r#"{"words":"I was not there."}"#),
                    "post" if path.starts_with("/v1/contests/") => {
                        post(&path, r#"{"verdict":"REJECTED","reason":"VALUE_CONFIRMED"}"#)
                    }
                    "post" if path == "/v1/persons/cards" => {
                        post(&path, &json!({ "persons": [anna().to_string()] }).to_string())
                    }
                    "post" if path.ends_with("/decision") => {
                        post(&path, r#"{"verdict":"REJECTED","reason":"FACT_CONFIRMED"}"#)
                    }
                    "post" if path == "/v1/ledger/suspicions" => {
                        post(&path, r#"{"index":0,"verdict":"UNCLEAR","reason":"OTHER"}"#)
                    }
                    "post" if path == "/v1/ledger/marks" => {
                        post(&path, &json!({ "person_id": anna().to_string(), "mark": "PROMINENT" }).to_string())
                    }
                    "post" if path == "/v1/ledger/names" => post(&path, &named.to_string()),
                    "post" if path == "/v1/cases/seals" => post(&path, r#"{"days":1,"reason":"INVESTIGATION"}"#),
                    "post" if path == "/v1/figures" => post(&path, &figures::question().to_string()),
                    "post" if path.ends_with("/edit") => post(&path, r#"{"title":"Residents"}"#),
                    "post" if path.ends_with("/verify") || path.ends_with("/release") => post(&path, "{}"),
                    "post" if path == "/v1/grants" => post(&path, &grants::question(240).to_string()),
                    "post" if path.ends_with("/stop") => post(&path, r#"{"reason":"OTHER"}"#),
                    "post" if path.ends_with("/review") => post(&path, r#"{"verdict":"UNCLEAR","reason":"OTHER"}"#),
                    "post" if path.ends_with("/approve") || path.ends_with("/show") => post(&path, "{}"),
                    "post" if path == "/v1/me/contests" => post(&path, r#"{"index":0,"reason":"OTHER"}"#),
                    "post" if path == "/v1/decisions" => post(&path, &question("SAME").to_string()),
                    "post" => find(&json!({ "name": ANNA_NAME, "birth_date": "1990-01-02" }).to_string()),
                    _ if path == "/v1/ledger/proof" => get("/v1/ledger/proof?index=0"),
                    _ if path.ends_with("/timeline") => get(format!("{path}?{FROM_TO}")),
                    _ => get(path.clone()),
                }),
            ));
        }
    }
    asks
}

/// Things that routes are about.
struct Prepared {
    look: u64,
    asked_for: String,
    over: String,
    name: String,
    /// Of each step of a figure, one for which it is the next.
    figures: Vec<(&'static str, String)>,
}

impl Prepared {
    /// Ids of nothing.
    fn nothing() -> Self {
        let id = || "0f0e0d0c-0b0a-8908-8706-050403020100".to_owned();
        Self { look: 0, asked_for: id(), over: id(), name: id(), figures: Vec::new() }
    }
}

async fn prepare(world: &World) -> Prepared {
    // The look that is contested and decided about below.
    world.ask(get(format!("/v1/persons/{}", anna())).tracing()).await;
    let look = world.ledger.head().0.size - 1;
    let asked_for = grants::ask_for(world, "tracer", 240).await;
    let over = grants::active(world, 240).await;
    let stopped = world.ask(post(&format!("/v1/grants/{over}/stop"), r#"{"reason":"OTHER"}"#).operating()).await;
    assert_eq!(stopped.status, StatusCode::OK, "{}", stopped.text());
    let named = json!({ "index": look, "subject": subject(anna()).to_string(), "reason": "OTHER" }).to_string();
    let name = world.ask(post("/v1/ledger/names", &named).by("auditor").purpose("HOPERAT")).await.json();
    let mut figures = Vec::new();
    for (step, done) in ["verify", "edit", "release"].into_iter().zip(0..) {
        figures.push((step, figures::worked_on(world, done).await));
    }
    Prepared { look, asked_for, over, name: name["request"].as_str().expect("an id").to_owned(), figures }
}

#[tokio::test]
async fn every_guarded_route_of_the_document_leaves_an_entry_whatever_it_answers() {
    // Hours pass below.
    let rules = access::GrantRules { approve_within_minutes: 100_000, ..access::GrantRules::default() };
    let world = world_trusting(query_api::Trust::new(scrutiny::Rules::default(), rules)).await;
    let projector = world.follow_decisions();
    let prepared = prepare(&world).await;
    let document = document(&world).await;
    assert!(document["openapi"].as_str().expect("a version").starts_with("3.1"));
    let routes = guarded(&document, &prepared);
    assert_eq!(routes.len(), 72, "{:?}", routes.iter().map(|(name, _)| name).collect::<Vec<_>>());
    for (name, ask) in routes {
        let asks = [
            ("nobody", ask()),
            ("a stranger", ask().by("unknown-token")),
            ("no purpose", ask().by("tracer")),
            ("another role", ask().by("operator").purpose("HOPERAT")),
            ("the tracer", ask().tracing()),
            ("the auditor", ask().by("auditor").purpose("HOPERAT")),
            ("the person", ask().own("anna")),
            ("another person", ask().own("bob")),
            ("the steward", ask().reviewing()),
            ("the worker", ask().looking_after("worker")),
            ("the subscriber", ask().by("subscriber").purpose("HOPERAT")),
            ("the officer", ask().by("officer").purpose("HOPERAT")),
            ("the lead", ask().by("chief").purpose("HOPERAT")),
            ("the lead of a case", ask().by("chief").purpose("HOPERAT").case("2022-0007")),
            ("the analyst", ask().by("analyst").purpose("HOPERAT")),
        ];
        let mut answered = 0;
        for (who, ask) in asks {
            // Refusals without caller are collapsed within a window.
            world.advance_clock(60_000);
            let before = world.ledger.head().0.size;
            let reply = world.ask(ask).await;
            assert_eq!(world.ledger.head().0.size, before + 1, "{name} as {who}");
            let entry = world.last_entry();
            let id = reply.receipt().expect("a receipt").to_owned();
            assert!(id.starts_with(&format!("{before}-")), "{name} as {who}: {id}");
            assert_eq!(reply.headers["cache-control"], "no-store");
            match entry.decision {
                Decision::Allowed => {
                    assert_eq!(reply.status, StatusCode::OK, "{name} as {who}");
                    answered += 1;
                    // A file has its receipt in the header only.
                    if reply.headers["content-type"] == "application/json" {
                        let body = reply.json();
                        assert_eq!(body["receipt"]["id"], json!(id), "{name} as {who}");
                        verify(&world, &body["receipt"]);
                    }
                }
                Decision::Refused { .. } => assert!(reply.status.is_client_error(), "{name} as {who}"),
            }
        }
        assert!(answered > 0, "{name} was never answered, so the test says nothing about it");
    }
    projector.abort();
}

/// What a stranger does with the receipt of a body.
fn verify(world: &World, receipt: &Value) {
    let receipt: Receipt = serde_json::from_value(receipt.clone()).expect("a receipt");
    let head = receipt.verify(&world.ledger.verifier()).expect("it verifies");
    assert!(head.size > receipt.index);
}

#[tokio::test]
async fn nothing_is_answered_when_the_ledger_is_away() {
    let world = world().await;
    let routes = guarded(&document(&world).await, &Prepared::nothing());
    world.ledger.close().await;
    for (name, ask) in routes {
        let auditor = ask().by("auditor").purpose("HOPERAT");
        for ask in [ask().tracing(), ask().own("anna"), auditor, ask().by("worker"), ask().reviewing()] {
            let reply = world.ask(ask).await;
            assert_eq!(
                (reply.status, reply.code().as_str()),
                (StatusCode::SERVICE_UNAVAILABLE, "audit-unavailable"),
                "{name}"
            );
            assert!(!reply.text().contains(ANNA_NAME) && !reply.text().contains(&anna().to_string()), "{name}");
            assert_eq!(reply.receipt(), None);
        }
    }
    assert_eq!(world.ask(get("/readyz")).await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_ledger_that_does_not_answer_is_waited_for_two_seconds() {
    // Connections are taken and never answered.
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((connection, _)) = listener.accept().await {
            held.push(connection);
        }
    });
    let world = world_with(|handle| {
        let key = handle.verifier();
        let remote = RemoteLedger::new(&format!("http://{address}"), Sensitive::from("secret"), key).expect("a client");
        LedgerClient::Remote(remote)
    })
    .await;
    let began = Instant::now();
    let reply = world.ask(get(format!("/v1/persons/{}", anna())).tracing()).await;
    assert_eq!(reply.code(), "audit-unavailable");
    assert!(began.elapsed() < Duration::from_millis(2_500), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_flood_without_token_does_not_fill_the_ledger() {
    let world = world().await;
    for _ in 0..200 {
        assert_eq!(world.ask(get("/v1/me").by("guess")).await.status, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(world.entries().len(), 1);
    query_api::flush_strangers(&world.state).await;
    let counts: Vec<u64> = world.entries().iter().map(|entry| entry.count).collect();
    assert_eq!(counts, [1, 199]);
    assert_eq!(world.last_entry().actor.to_string(), "unauthenticated");
}

#[tokio::test]
async fn a_connection_without_a_certificate_that_counts_is_on_record() {
    let world = world().await;
    let refused = query_api::record_refused_connections(world.state.clone());
    refused();
    wait_for("the entry", async || !world.entries().is_empty()).await;
    for _ in 0..20 {
        refused();
    }
    let entry = world.last_entry();
    assert!(matches!(&entry.decision, ledger::Decision::Refused { reason } if reason.as_str() == "mtls-reject"));
    assert_eq!((entry.actor.as_str(), entry.count, entry.subjects.len()), ("unauthenticated", 1, 0));
    wait_for("the others, as one", async || {
        query_api::flush_strangers(&world.state).await;
        world.entries().iter().map(|entry| entry.count).sum::<u64>() == 21
    })
    .await;
    assert!(world.entries().len() < 21, "a flood does not fill the log");
}

#[tokio::test]
async fn an_auditor_reads_the_ledger_and_that_is_on_record_too() {
    let world = world().await;
    world.ask(get(format!("/v1/persons/{}", anna())).tracing()).await;
    world.ask(get(format!("/v1/persons/{}", anna())).looking_after("other-worker")).await;
    let read = |query: &str| get(format!("/v1/ledger/entries{query}")).by("auditor").purpose("HOPERAT");
    let body = world.ask(read("")).await.json();
    let entries = body["entries"].as_array().expect("a list");
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0]["actor"], "tracer");
    assert_eq!(entries[0]["action"], "read-person");
    assert_eq!(entries[0]["subjects"], json!([subject(anna()).to_string()]));
    assert_eq!(entries[0].get("refused"), None);
    assert_eq!(entries[1]["refused"], "not-related");
    assert_eq!(world.last_entry().action.to_string(), "read-ledger");
    assert_eq!(world.last_entry().count, 2);

    let page = world.ask(read("?after=0&limit=1")).await.json();
    assert_eq!(page["entries"][0]["index"], 1);
    assert_eq!(page["next"], 1);
    assert_eq!(world.ask(read("?after=1000000")).await.json()["entries"], json!([]));
    assert_eq!(world.ask(read("?limit=0")).await.code(), "query-malformed");

    for caller in ["tracer", "worker", "anna", "operator", "department"] {
        let reply = world.ask(get("/v1/ledger/entries").by(caller).purpose("HOPERAT").for_a_case()).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{caller}");
    }
    let person = world.ask(get(format!("/v1/persons/{}", anna())).by("auditor").purpose("HOPERAT")).await;
    assert_eq!(person.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn the_signed_head_is_for_everybody() {
    let world = world().await;
    world.ask(get("/v1/me").by("worker")).await;
    let reply = world.ask(get("/v1/ledger/checkpoint")).await;
    assert_eq!(reply.status, StatusCode::OK);
    let head = ledger::Checkpoint::open(&reply.text(), &world.ledger.verifier()).expect("signed");
    assert_eq!(head.size, 1);
}

#[tokio::test]
async fn the_ledger_holds_no_name_and_no_number() {
    let world = world().await;
    let question = json!({ "identifiers": [{ "scheme": "CN_ID", "value": anna_number() }] });
    world.ask(find(&question.to_string()).tracing()).await;
    world.ask(find(&json!({ "name": ANNA_NAME, "birth_date": "1990-01-02" }).to_string()).tracing()).await;
    world.ask(get(format!("/v1/persons/{}", anna())).tracing()).await;
    world.ask(get(format!("/v1/persons/{PHONE}")).tracing()).await;
    world.ledger.publish().await.expect("published");
    let mut read = 0;
    let mut folders = vec![world.ledger_dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for item in std::fs::read_dir(folder).expect("a folder") {
            let path = item.expect("an item").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).expect("a file");
            read += bytes.len();
            for planted in [ANNA_NAME, PHONE, &anna_number(), CASE, "1990-01-02"] {
                assert!(!bytes.windows(planted.len()).any(|window| window == planted.as_bytes()), "{}", path.display());
            }
        }
    }
    assert!(read > 1_000, "{read}");
}
