//! What auditors and residents ask of the ledger.

use axum::http::StatusCode;
use serde_json::{Value, json};
use test_support::build::NOON;

use crate::world::{CASE, World, anna, get, post, subject, world};

async fn search(world: &World, question: Value) -> Vec<u64> {
    let reply = world.ask(post("/v1/ledger/search", &question.to_string()).by("auditor").purpose("HOPERAT")).await;
    assert_eq!(reply.status, StatusCode::OK, "{question}: {}", reply.text());
    let entries = reply.json()["entries"].as_array().expect("entries").clone();
    entries.iter().map(|entry| entry["index"].as_u64().expect("an index")).collect()
}

/// Some looks of several callers: 0 worker, 1 tracer, 2 worker refused, 3 the person, 4 other worker refused.
async fn looks(world: &World) {
    let path = format!("/v1/persons/{}", anna());
    for (ask, status) in [
        (get(path.clone()).looking_after("worker"), 200),
        (get(path.clone()).tracing(), 200),
        (get(path.clone()).by("worker").purpose("TREAT"), 403),
        (get(path.clone()).own("anna"), 200),
        (get(path).looking_after("other-worker"), 404),
    ] {
        assert_eq!(world.ask(ask).await.status.as_u16(), status);
        world.advance_clock(1_000);
    }
}

#[tokio::test]
async fn an_auditor_finds_entries_by_what_they_are_like_and_the_search_is_one() {
    let world = world().await;
    let began = NOON.as_millis();
    looks(&world).await;
    let tracing = world.ask(get("/v1/ledger/entries?limit=5").by("auditor").purpose("HOPERAT")).await.json();
    let handle = tracing["entries"][0]["subjects"][0].as_str().expect("a handle").to_owned();
    assert_eq!(search(&world, json!({ "actor": "worker" })).await, [2, 0]);
    assert_eq!(search(&world, json!({ "role": "cdc-tracer" })).await, [1]);
    assert_eq!(search(&world, json!({ "unit": "org-1" })).await.last(), Some(&0));
    assert_eq!(search(&world, json!({ "purpose": "TREAT" })).await, [2]);
    assert_eq!(search(&world, json!({ "action": "read-person", "refused": true })).await, [4, 2]);
    assert_eq!(search(&world, json!({ "case": CASE })).await, [1]);
    let id = test_support::build::record_id("facts", "case-of-nobody").to_string();
    assert_eq!(search(&world, json!({ "case": id })).await, [1], "the number and the id are one case");
    assert_eq!(search(&world, json!({ "case": "2022-0007" })).await, [0u64; 0]);
    assert_eq!(search(&world, json!({ "case": "C-404" })).await, [0u64; 0]);
    assert_eq!(search(&world, json!({ "subject": handle, "refused": false })).await, [3, 1, 0]);
    let from = domain::Timestamp::from_millis(began + 900).to_string();
    let until = domain::Timestamp::from_millis(began + 2_900).to_string();
    assert_eq!(search(&world, json!({ "from": from, "until": until })).await, [2, 1]);
    assert_eq!(search(&world, json!({ "actor": "nobody" })).await, [0u64; 0]);

    let before = world.ledger.head().0.size;
    assert_eq!(search(&world, json!({ "person_id": anna().to_string(), "limit": 1 })).await, [4]);
    let entry = world.last_entry();
    assert_eq!((world.ledger.head().0.size, entry.action.as_str()), (before + 1, "read-ledger"));
    assert_eq!(entry.subjects, [subject(anna())], "who was looked for is on record");
    assert_eq!(search(&world, json!({ "person_id": anna().to_string(), "limit": 1, "before": 4 })).await, [3]);

    for (question, status, code) in [
        (json!({ "limit": 0 }), 422, "search-malformed"),
        (json!({ "subject": "zz" }), 422, "search-malformed"),
        (json!({ "from": "yesterday" }), 422, "search-malformed"),
        (json!({ "name": "王芳" }), 400, "body-malformed"),
    ] {
        let ask = post("/v1/ledger/search", &question.to_string()).by("auditor").purpose("HOPERAT");
        let reply = world.ask(ask).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{question}");
    }
    let official = world.ask(post("/v1/ledger/search", "{}").tracing()).await;
    assert_eq!(official.status, StatusCode::FORBIDDEN, "an official may not read the log");
}

#[tokio::test]
async fn an_auditor_counts_entries_by_each_of_the_things_that_they_have() {
    let world = world().await;
    looks(&world).await;
    let ask = async |query: &str| {
        let reply = world.ask(get(format!("/v1/ledger/statistics{query}")).by("auditor").purpose("HOPERAT")).await;
        assert_eq!(reply.status, StatusCode::OK, "{query}: {}", reply.text());
        reply.json()["counts"].clone()
    };
    let roles = ask("").await;
    assert_eq!(roles[0], json!({ "value": "community-worker", "entries": 3, "refused": 2, "actors": 2 }));
    let refusals = ask("?by=refusal").await;
    assert_eq!(refusals.as_array().expect("a list").len(), 3, "{refusals}");
    for by in ["actor", "unit", "action", "purpose", "day"] {
        assert!(!ask(&format!("?by={by}")).await.as_array().expect("a list").is_empty(), "{by}");
    }
    let day_at = async |offset: i32| ask(&format!("?by=day&offset_min={offset}")).await[0]["value"].clone();
    assert_ne!(day_at(-1_080).await, day_at(1_080).await, "noon here is another day of clocks so far away");
    for wrong in ["?by=name", "?by=day&offset_min=1081", "?by=day&offset_min=-2147483648", "?by=day&offset_min=east"] {
        let reply = world.ask(get(format!("/v1/ledger/statistics{wrong}")).by("auditor").purpose("HOPERAT")).await;
        assert_eq!(reply.code(), "query-malformed", "{wrong}");
    }
}

#[tokio::test]
async fn rows_of_the_index_that_a_superuser_changed_removed_or_added_are_found_named_and_made_anew() {
    let world = world().await;
    looks(&world).await;
    assert_eq!(search(&world, json!({ "actor": "worker" })).await, [2, 0]);
    let whole = async || {
        let mut conn = world.store.acquire().await.expect("a connection");
        store::audit::list(&mut conn, 0, 5).await.expect("rows")
    };
    let made = whole().await;
    let execute = async |sql: &'static str| {
        let mut conn = world.store.acquire().await.expect("a connection");
        sqlx::query(sql).execute(&mut *conn).await.expect("a superuser may");
    };
    let clean = query_api::compare_ledger_index(&world.state, 0, 1_000).await.expect("compared");
    assert_eq!((clean.differing.len(), clean.next), (0, 0));

    execute("UPDATE audit.entry SET actor = 'somebody-else' WHERE index = 0").await;
    execute("DELETE FROM audit.entry WHERE index IN (1, 3)").await;
    execute("UPDATE audit.entry SET subjects = '{}' WHERE index = 4").await;
    // What is told is read from the log, so a false row leads nowhere.
    assert_eq!(search(&world, json!({ "actor": "somebody-else" })).await, [0u64; 0]);
    let compared = query_api::compare_ledger_index(&world.state, 0, 1_000).await.expect("compared");
    assert_eq!(compared.differing, [0, 1, 3, 4]);
    assert_eq!(whole().await, made, "the index made from the log is the one before");
    assert_eq!(search(&world, json!({ "actor": "worker" })).await, [2, 0]);

    // A row of an entry that there is not, far above the end, does not stop the index either.
    execute("INSERT INTO audit.entry SELECT 1000000, leaf, at_ms, 'worker', unit, role, action, purpose, case_token, refused, subjects, matter, act, count, boot FROM audit.entry WHERE index = 0").await;
    assert_eq!(search(&world, json!({ "actor": "worker" })).await, [2, 0]);
}

#[tokio::test]
async fn a_resident_sees_every_look_at_the_own_file_with_its_reason_and_no_name_of_an_employee() {
    let world = world().await;
    let path = format!("/v1/persons/{}", anna());
    for number in 0..100 {
        let ask = if number % 2 == 0 { get(path.clone()).looking_after("worker") } else { get(path.clone()).tracing() };
        assert_eq!(world.ask(ask).await.status, StatusCode::OK);
    }
    let own = async |query: &str| {
        let ask = get(format!("/v1/me/accesses{query}")).by("anna").purpose("PATRQT");
        let reply = world.ask(ask).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        reply
    };
    let reply = own("").await;
    let body = reply.json();
    let looks = body["looks"].as_array().expect("looks");
    assert_eq!(looks.len(), 100, "all 100 of 100");
    let worker = &looks[99];
    assert_eq!(
        (&worker["organisation"], &worker["role"], &worker["purpose"], &worker["case_stated"]),
        (&json!("org-1"), &json!("community-worker"), &json!("PUBHLTH"), &json!(false))
    );
    assert_eq!(worker["shown"], json!(["identity", "contact", "residence"]));
    assert_eq!(looks[0]["role"], "cdc-tracer");
    for look in looks {
        assert_eq!(look.get("actor"), None);
    }
    assert!(!reply.text().contains("\"tracer\"") && !reply.text().contains("\"worker\""), "{}", reply.text());
    let entry = world.last_entry();
    assert_eq!(
        (entry.action.as_str(), entry.subjects),
        ("read-accesses", vec![subject(anna())]),
        "the question is on record"
    );

    // The look at the looks is one, page by page.
    let first = own("?limit=40").await.json();
    assert_eq!(first["looks"][0]["action"], "read-accesses");
    let next = first["next"].as_u64().expect("there are more");
    let second = own(&format!("?limit=1000&before={next}")).await.json();
    assert_eq!(second["looks"].as_array().expect("looks").len(), 61);
    assert_eq!(second.get("next"), None);

    let stranger = world.ask(get("/v1/me/accesses").by("bob").purpose("PATRQT")).await;
    assert!(!stranger.text().contains("community-worker"), "another resident sees nothing of it: {}", stranger.text());
    let official = world.ask(get("/v1/me/accesses").tracing()).await;
    assert_eq!(official.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_resident_contests_a_look_and_an_auditor_who_did_not_look_decides_with_a_reason() {
    let world = world().await;
    looks(&world).await;
    let contest = async |who: &str, index: u64, reason: &str| {
        let body = json!({ "index": index, "reason": reason }).to_string();
        world.ask(post("/v1/me/contests", &body).by(who).purpose("PATRQT")).await
    };
    let contested = contest("anna", 1, "ACQUAINTANCE").await;
    assert_eq!(contested.json()["state"], "CONTESTED", "{}", contested.text());
    let matter = world.last_entry().matter.expect("what was done");
    assert_eq!((matter.act.as_str(), matter.id.0[15]), ("CONTESTED", 1), "it is on record");
    assert_eq!(contest("anna", 1, "because").await.code(), "suspicion-words");
    // Nobody learns by contesting whether there is an entry of others.
    assert_eq!(contest("anna", 6, "OTHER").await.code(), "entry-not-found");
    assert_eq!(contest("anna", 1_000_000, "OTHER").await.code(), "entry-not-found");

    let list = async |query: &str| {
        let ask = get(format!("/v1/ledger/suspicions{query}")).by("auditor").purpose("HOPERAT");
        world.ask(ask).await.json()["suspicions"].clone()
    };
    let open = list("").await;
    assert_eq!((&open[0]["entry"]["actor"], &open[0]["said"][0]["verdict"]), (&json!("tracer"), &json!("CONTESTED")));
    let own_look = world.ledger.head().0.size - 1;
    let decide = async |index: u64, verdict: &str, reason: &str| {
        let body = json!({ "index": index, "verdict": verdict, "reason": reason }).to_string();
        world.ask(post("/v1/ledger/suspicions", &body).by("auditor").purpose("HOPERAT")).await
    };
    assert_eq!(decide(own_look, "JUSTIFIED", "OTHER").await.code(), "own-look");
    assert_eq!(decide(1, "FINE", "OTHER").await.code(), "suspicion-words");
    assert_eq!(decide(1, "CONTESTED", "OTHER").await.code(), "suspicion-words", "only the resident contests");
    assert_eq!(decide(1, "MISUSE", "NO_RELATION").await.status, StatusCode::OK);
    assert_eq!(list("").await, json!([]));
    let decided = list("?state=decided").await;
    assert_eq!(
        (&decided[0]["said"][1]["by"], &decided[0]["said"][1]["reason"]),
        (&json!("auditor"), &json!("NO_RELATION"))
    );
    let own = world.ask(get("/v1/me/accesses").own("anna")).await.json();
    let look =
        own["looks"].as_array().expect("looks").iter().find(|look| look["index"] == 1).expect("the look").clone();
    assert_eq!(look["said"], "MISUSE", "the resident is told what came of it");
}
