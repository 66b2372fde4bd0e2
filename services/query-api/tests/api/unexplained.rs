//! Looks that nothing explains, canaries, budgets, and names behind handles.

use axum::http::StatusCode;
use query_api::Trust;
use serde_json::{Value, json};
use test_support::build::record_id;

use crate::world::{ANNA_NAME, World, anna, bob, find, get, post, subject, world, world_trusting};

async fn unexplained(world: &World, query: &str) -> Value {
    let reply = world.ask(get(format!("/v1/ledger/unexplained{query}")).auditing()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()
}

/// Index of the entry, what explains it, and the rules that made its score.
fn told(body: &Value) -> Vec<(u64, Vec<&str>, Vec<&str>)> {
    body["looks"]
        .as_array()
        .expect("looks")
        .iter()
        .map(|look| {
            let explanations = look["explanations"].as_array().expect("a list");
            let parts = look["parts"].as_array().expect("a list");
            (
                look["entry"]["index"].as_u64().expect("an index"),
                explanations.iter().map(|one| one.as_str().expect("a code")).collect(),
                parts.iter().map(|part| part["rule"].as_str().expect("a code")).collect(),
            )
        })
        .collect()
}

#[tokio::test]
async fn what_nothing_explains_comes_first_with_its_score_and_the_rest_says_what_explains_it() {
    let world = world().await;
    let of = |person: domain::PersonId| format!("/v1/persons/{person}");
    let case = record_id("facts", "case-of-bob").to_string();
    // 0 own unit, 1 a case of somebody unknown, 2 the case of this person, 3 refused, 4 the person, 5 a case of another.
    world.ask(get(of(anna())).looking_after("worker")).await;
    world.ask(get(of(anna())).tracing()).await;
    world.ask(get(of(bob())).by("tracer").purpose("PUBHLTH").case(&case)).await;
    world.ask(get(of(anna())).looking_after("other-worker")).await;
    world.ask(get(of(anna())).own("anna")).await;
    world.ask(get(of(anna())).by("tracer-2").purpose("PUBHLTH").case(&case)).await;
    let body = unexplained(&world, "").await;
    assert_eq!(
        (&body["rules"], &body["weighed"], &body["unexplained"]),
        (&json!("suspicion-3"), &json!(6), &json!(3)),
        "{body}"
    );
    let told = told(&body);
    let of = |index: u64| told.iter().find(|look| look.0 == index).expect("the look").clone();
    assert_eq!(of(0).1, ["own-unit"]);
    assert_eq!(of(1).1, [""; 0]);
    assert_eq!(of(2).1, ["case-names"]);
    assert_eq!(of(3).1, [""; 0]);
    assert_eq!(of(4).1, ["own-file"]);
    assert_eq!(of(5).1, [""; 0], "a case is no reason to look at somebody whom it does not name");
    assert!(of(3).2.contains(&"unexplained") && of(1).2.contains(&"unexplained"));
    assert!(of(2).2.contains(&"colleague"), "Bob works for the tracer's organisation: {told:?}");

    let page = unexplained(&world, "?limit=2&offset=1").await;
    assert_eq!((page["looks"].as_array().expect("looks").len(), &page["next"]), (2, &json!(3)));
    assert_eq!(world.last_entry().action.as_str(), "read-ledger", "the list is on record");
    for query in ["?limit=0", "?offset=-1", "?alerts=yes", "?from=yesterday"] {
        let reply = world.ask(get(format!("/v1/ledger/unexplained{query}")).auditing()).await;
        assert_eq!(reply.code(), "query-malformed", "{query}");
    }
    let official = world.ask(get("/v1/ledger/unexplained").tracing()).await;
    assert_eq!(official.status, StatusCode::FORBIDDEN);
    // A process that begins anew goes on where the last one was, and weighs nothing twice.
    let world = world.restarted(Trust::default());
    assert_eq!(unexplained(&world, "").await["weighed"], json!(6));
    // Other rules weigh all of it anew.
    let rules = scrutiny::Rules { version: "strict".to_owned(), alert_at: 1, ..scrutiny::Rules::default() };
    let world = world.restarted(Trust::new(rules, access::GrantRules::default()));
    let strict = unexplained(&world, "?alerts=true").await;
    assert_eq!((&strict["rules"], &strict["alerts"], &strict["weighed"]), (&json!("strict"), &json!(4), &json!(6)));
}

#[tokio::test]
async fn a_look_at_an_invented_person_is_told_whoever_looks_and_why() {
    let world = world().await;
    let mark = |who: &str, mark: &str| {
        let body = json!({ "person_id": bob().to_string(), "mark": mark }).to_string();
        post("/v1/ledger/marks", &body).by(who).purpose("HOPERAT")
    };
    assert_eq!(world.ask(mark("auditor", "CANARY")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(world.ask(mark("officer", "BIRD")).await.code(), "mark-unknown");
    let marked = world.ask(mark("officer", "CANARY")).await;
    assert_eq!(marked.json()["marks"][0]["mark"], "CANARY", "{}", marked.text());
    let listed = world.ask(get("/v1/ledger/marks").by("officer").purpose("HOPERAT")).await.json();
    assert_eq!(listed["marked"][0]["person_id"], json!(bob().to_string()));

    let case = record_id("facts", "case-of-bob").to_string();
    let ask = get(format!("/v1/persons/{}", bob())).by("tracer").purpose("PUBHLTH").case(&case);
    assert_eq!(world.ask(ask).await.status, StatusCode::OK, "who looks notices nothing");
    let look = world.ledger.head().0.size - 1;
    world.ask(get(format!("/v1/persons/{}", anna())).looking_after("worker")).await;
    let alerts = unexplained(&world, "?alerts=true").await;
    let told = told(&alerts);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].0 == look && told[0].1 == ["case-names"] && told[0].2.contains(&"canary"), "{told:?}");
    assert_eq!(world.ask(mark("officer", "NONE")).await.json()["marks"], json!([]));
}

#[tokio::test]
async fn a_budget_that_is_spent_blocks_on_record_also_after_a_restart_and_is_full_again_in_time() {
    let rules = || {
        let mut rules = scrutiny::Rules::default();
        rules.roles.get_mut("cdc-tracer").expect("a role").persons_per_hour = 1;
        Trust::new(rules, access::GrantRules::default())
    };
    let world = world_trusting(rules()).await;
    let look = |person: domain::PersonId| get(format!("/v1/persons/{person}")).tracing();
    assert_eq!(world.ask(look(anna())).await.status, StatusCode::OK);
    assert_eq!(world.ask(look(anna())).await.status, StatusCode::OK, "the same person again");
    let refused = world.ask(look(bob())).await;
    assert_eq!((refused.status, refused.code().as_str()), (StatusCode::TOO_MANY_REQUESTS, "budget-spent"));
    let entry = world.last_entry();
    assert!(matches!(&entry.decision, ledger::Decision::Refused { reason } if reason.as_str() == "budget-spent"));
    assert_eq!(entry.subjects, [subject(bob())], "who was not shown is on record");
    // What the index of the log does within a second by itself.
    unexplained(&world, "").await;
    let world = world.restarted(rules());
    assert_eq!(world.ask(look(bob())).await.code(), "budget-spent", "a restart fills no purse");
    assert_eq!(world.ask(get(format!("/v1/persons/{}", bob())).own("bob")).await.status, StatusCode::OK);
    world.advance_clock(3_600_000);
    assert_eq!(world.ask(look(bob())).await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_goes_through_ids_or_numbers_is_blocked_and_told_as_one_matter_a_day() {
    let rules = || {
        let rules = scrutiny::Rules { misses_per_hour: 50, ..scrutiny::Rules::default() };
        Trust::new(rules, access::GrantRules::default())
    };
    let world = world_trusting(rules()).await;
    let id = |number: u128| get(format!("/v1/persons/{}", uuid::Uuid::from_u128(number)));
    let phone = |number: u128| {
        find(&json!({ "identifiers": [{ "scheme": "MSISDN", "value": format!("139{number:08}") }] }).to_string())
    };
    for number in 0..70 {
        let (reply, searched) = (world.ask(id(number).own("anna")).await, world.ask(phone(number).tracing()).await);
        let expected = if number < 50 { ("person-not-found", "") } else { ("budget-spent", "budget-spent") };
        assert_eq!((reply.code().as_str(), searched.code().as_str()), expected, "{number}");
    }
    let own = || get(format!("/v1/persons/{}", anna())).own("anna");
    assert_eq!(world.ask(own()).await.status, StatusCode::TOO_MANY_REQUESTS, "nor is anybody else shown");
    assert_eq!(world.ask(get(format!("/v1/persons/{}", anna())).tracing()).await.code(), "budget-spent");
    let neighbour = get(format!("/v1/persons/{}", anna())).looking_after("worker");
    assert_eq!(world.ask(neighbour).await.status, StatusCode::OK, "others are");
    let alerts = unexplained(&world, "?alerts=true").await;
    let told = told(&alerts);
    assert_eq!(told.len(), 2, "one for each caller: {told:?}");
    assert!(told.iter().any(|(.., rules)| rules.contains(&"enumerates")), "{told:?}");
    let world = world.restarted(rules());
    assert_eq!(world.ask(own()).await.code(), "budget-spent", "a restart lifts nothing");
    world.advance_clock(3_600_000);
    assert_eq!(world.ask(own()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn ids_asked_for_in_one_call_are_missed_one_by_one() {
    let world = world().await;
    let ids: Vec<uuid::Uuid> = (1..=40).map(uuid::Uuid::from_u128).collect();
    world.ask(post("/v1/persons/cards", &json!({ "persons": ids }).to_string()).tracing()).await;
    let alerts = unexplained(&world, "?alerts=true").await;
    let told = told(&alerts);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].2.contains(&"enumerates"), "{told:?}");
}

#[tokio::test]
async fn a_spent_budget_keeps_nobody_who_was_asked_for_off_the_record() {
    let rules = scrutiny::Rules { misses_per_hour: 3, ..scrutiny::Rules::default() };
    let world = world_trusting(Trust::new(rules, access::GrantRules::default())).await;
    let made_up = |number: u128| domain::PersonId::from_uuid(uuid::Uuid::from_u128(number));
    let cards = async |persons: &[domain::PersonId]| {
        let before = world.entries().len();
        let persons: Vec<String> = persons.iter().map(ToString::to_string).collect();
        let body = json!({ "persons": persons }).to_string();
        let reply = world.ask(post("/v1/persons/cards", &body).looking_after("worker")).await;
        let told = if reply.status == StatusCode::OK { "told".to_owned() } else { reply.code() };
        let entries = world.entries().split_off(before).into_iter().map(|entry| match entry.decision {
            ledger::Decision::Refused { reason } => (reason.to_string(), entry.subjects),
            ledger::Decision::Allowed => ("shown".to_owned(), entry.subjects),
        });
        (told, entries.collect::<Vec<_>>())
    };
    let entry = |reason: &str, of: &[domain::PersonId]| (reason.to_owned(), of.iter().copied().map(subject).collect());
    let (told, entries) = cards(&[anna(), bob(), made_up(1), made_up(2), made_up(3)]).await;
    let unknown = entry("person-unknown", &[made_up(1), made_up(2), made_up(3)]);
    assert_eq!(told, "told", "what is asked for in one call is told as one");
    assert_eq!(entries, [entry("not-related", &[bob()]), unknown, entry("shown", &[anna()])]);
    // Whoever is asked for behind the end of the budget is on record with the true reason, and so is who was found.
    let (told, entries) = cards(&[anna(), bob(), made_up(4)]).await;
    let refused = [entry("not-related", &[bob()]), entry("person-unknown", &[made_up(4)])];
    assert_eq!(
        (told.as_str(), &entries[..2], &entries[2]),
        ("budget-spent", &refused[..], &entry("budget-spent", &[anna()]))
    );
    let (told, entries) = cards(&[bob(), made_up(4)]).await;
    assert_eq!(
        (told.as_str(), &entries[..2], &entries[2]),
        ("budget-spent", &refused[..], &entry("budget-spent", &[]))
    );
    world.advance_clock(3_600_000);
    assert_eq!(cards(&[anna()]).await.0, "told", "what was refused cost nothing");
}

#[tokio::test]
async fn two_query_apis_share_the_budget_of_a_caller() {
    let rules = || {
        let mut rules = scrutiny::Rules::default();
        rules.roles.get_mut("cdc-tracer").expect("a role").persons_per_hour = 1;
        Trust::new(rules, access::GrantRules::default())
    };
    let world = world_trusting(rules()).await;
    let other = world.beside().restarted(rules());
    let look = |person: domain::PersonId| get(format!("/v1/persons/{person}")).tracing();
    assert_eq!(world.ask(look(anna())).await.status, StatusCode::OK);
    assert_eq!(other.ask(look(bob())).await.status, StatusCode::OK, "the index has not followed yet");
    unexplained(&other, "").await;
    world.advance_clock(1_000);
    assert_eq!(world.ask(look(anna())).await.code(), "budget-spent", "the other one showed a person, too");
    assert_eq!(other.ask(look(bob())).await.code(), "budget-spent");
    world.advance_clock(3_600_000);
    assert_eq!(world.ask(look(anna())).await.status, StatusCode::OK);
}

#[tokio::test]
async fn townships_of_a_day_are_a_budget_of_all_processes_and_of_the_next_day_anew() {
    let rules = || {
        let mut rules = scrutiny::Rules::default();
        rules.roles.get_mut("cdc-tracer").expect("a role").areas_per_day = 1;
        Trust::new(rules, access::GrantRules::default())
    };
    let world = world_trusting(rules()).await;
    let move_to = async |person: domain::PersonId, home: &str| {
        let sql =
            "UPDATE person SET golden = jsonb_set(golden, ARRAY[CASE WHEN golden->'community_unit'->'value' IS NULL
                       THEN 'division_code' ELSE 'community_unit' END, 'value'], to_jsonb($2::text))
                   WHERE person_id = $1 RETURNING home";
        let moved = sqlx::query_scalar::<_, Option<String>>(sql).bind(person.as_uuid()).bind(home);
        assert_eq!(moved.fetch_one(world.store.pool()).await.expect("moved").as_deref(), Some(home));
    };
    move_to(anna(), "320506001007").await;
    move_to(bob(), "320506002001").await;
    let look = |person: domain::PersonId| get(format!("/v1/persons/{person}")).tracing();
    assert_eq!(world.ask(look(anna())).await.status, StatusCode::OK);
    for _ in 0..2 {
        assert_eq!(world.ask(look(bob())).await.code(), "budget-spent", "of another township");
    }
    let other = world.beside().restarted(rules());
    assert_eq!(other.ask(look(bob())).await.code(), "budget-spent", "for another process, too");
    move_to(bob(), "320506001009").await;
    assert_eq!(world.ask(look(bob())).await.status, StatusCode::OK, "of the same township");
    move_to(bob(), "320506002001").await;
    world.advance_clock(86_400_000);
    assert_eq!(world.ask(look(bob())).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_name_is_shown_once_after_a_second_person_agreed_and_the_resident_sees_it() {
    let world = world().await;
    world.ask(get(format!("/v1/persons/{}", anna())).tracing()).await;
    let ask = |who: &str, index: u64| {
        let body = json!({ "index": index, "subject": subject(anna()).to_string(), "reason": "PATTERN" }).to_string();
        post("/v1/ledger/names", &body).by(who).purpose("HOPERAT")
    };
    for who in ["officer", "chief", "operator"] {
        assert_eq!(world.ask(ask(who, 0)).await.status, StatusCode::FORBIDDEN, "{who}");
    }
    assert_eq!(world.ask(ask("auditor", 1)).await.code(), "entry-not-found", "not a person of that entry");
    let asked = world.ask(ask("auditor", 0)).await.json();
    assert_eq!((&asked["state"], &asked["asked_by"]), (&json!("asked"), &json!("auditor")), "{asked}");
    let request = asked["request"].as_str().expect("an id").to_owned();
    let act = async |who: &str, act: &str| {
        world.ask(post(&format!("/v1/ledger/names/{request}/{act}"), "{}").by(who).purpose("HOPERAT")).await
    };
    assert_eq!(act("auditor", "show").await.code(), "name-not-approved", "alone nobody sees it");
    assert_eq!(act("auditor", "approve").await.code(), "name-not-approved", "nor agrees to the own request");
    assert_eq!(act("officer", "approve").await.json()["state"], "approved");
    assert_eq!(act("auditor-2", "show").await.code(), "name-not-approved", "it is shown to who asked");
    let shown = act("auditor", "show").await;
    assert_eq!(shown.json()["name"], ANNA_NAME, "{}", shown.text());
    assert_eq!(world.last_entry().subjects, [subject(anna())]);
    let again = act("auditor", "show").await;
    assert_eq!(again.code(), "name-not-approved", "once");
    assert!(!again.text().contains(ANNA_NAME));
    let listed = world.ask(get("/v1/ledger/names").by("officer").purpose("HOPERAT")).await.json();
    assert_eq!(
        (&listed["requests"][0]["state"], &listed["requests"][0]["approved_by"]),
        (&json!("shown"), &json!("officer"))
    );
    let own = world.ask(get("/v1/me/accesses").own("anna")).await.json();
    let looks: Vec<&str> =
        own["looks"].as_array().expect("looks").iter().map(|look| look["action"].as_str().expect("a code")).collect();
    assert!(looks.contains(&"ask-name"), "{looks:?}");
}

/// The alerts that are told: index and rules.
async fn alerts(world: &World) -> Vec<(u64, bool)> {
    let body = unexplained(world, "?alerts=true").await;
    told(&body).into_iter().map(|(index, _, rules)| (index, rules.contains(&"canary"))).collect()
}

async fn sql(world: &World, statements: &'static str) {
    let mut conn = world.store.acquire().await.expect("a connection");
    sqlx::raw_sql(statements).execute(&mut *conn).await.expect("it can be done");
}

async fn look_at_the_canary(world: &World) -> u64 {
    let case = record_id("facts", "case-of-bob").to_string();
    let ask = get(format!("/v1/persons/{}", bob())).by("tracer").purpose("PUBHLTH").case(&case);
    assert_eq!(world.ask(ask).await.status, StatusCode::OK);
    world.ledger.head().0.size - 1
}

async fn mark_the_canary(world: &World) {
    let body = json!({ "person_id": bob().to_string(), "mark": "CANARY" }).to_string();
    let marked = world.ask(post("/v1/ledger/marks", &body).by("officer").purpose("HOPERAT")).await;
    assert_eq!(marked.status, StatusCode::OK, "{}", marked.text());
}

#[tokio::test]
async fn an_alert_survives_a_database_that_fails_while_looks_are_weighed() {
    let world = world().await;
    mark_the_canary(&world).await;
    unexplained(&world, "").await;
    let look = look_at_the_canary(&world).await;
    sql(
        &world,
        "CREATE FUNCTION audit.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'the disk is full'; END $$;
         CREATE TRIGGER fail BEFORE INSERT ON audit.weighed EXECUTE FUNCTION audit.fail()",
    )
    .await;
    for _ in 0..2 {
        let failed = world.ask(get("/v1/ledger/unexplained").auditing()).await;
        assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE, "{}", failed.text());
    }
    sql(&world, "DROP TRIGGER fail ON audit.weighed").await;
    assert_eq!(alerts(&world).await, [(look, true)], "what was weighed in vain is weighed as if for the first time");
}

#[tokio::test]
async fn of_two_query_apis_on_one_database_each_tells_what_was_looked_at_through_the_other() {
    let world = world().await;
    mark_the_canary(&world).await;
    let other = world.beside();
    // Each process has searched for handles a moment ago; what comes next it did not put on record itself.
    for turn in 0..3 {
        world.ask(get(format!("/v1/persons/{}", anna())).looking_after("worker")).await;
        unexplained(&other, "").await;
        if turn == 1 {
            let look = look_at_the_canary(&world).await;
            assert_eq!(alerts(&other).await, [(look, true)]);
        }
    }
    assert_eq!(alerts(&world).await.len(), 1, "and neither tells it twice");
    let all = unexplained(&world, "").await;
    assert_eq!(all["weighed"], json!(4), "{all}");
}

#[tokio::test]
async fn an_act_that_showed_nobody_costs_no_budget_after_a_restart_either() {
    let rules = || {
        let mut rules = scrutiny::Rules::default();
        rules.roles.get_mut("cdc-tracer").expect("a role").persons_per_hour = 1;
        Trust::new(rules, access::GrantRules::default())
    };
    let world = world_trusting(rules()).await;
    let appeal = crate::appeals::made().appeal_id;
    let verdict = json!({ "verdict": "REJECTED", "reason": "FACT_CONFIRMED" }).to_string();
    let decided = world.ask(post(&format!("/v1/appeals/{appeal}/decision"), &verdict).tracing()).await;
    assert_eq!(decided.status, StatusCode::OK, "{}", decided.text());
    assert_eq!(world.last_entry().subjects, [subject(anna())], "an act about somebody");
    unexplained(&world, "").await;
    let world = world.restarted(rules());
    let look = world.ask(get(format!("/v1/persons/{}", bob())).tracing()).await;
    assert_eq!(look.status, StatusCode::OK, "{}", look.text());
}

#[tokio::test]
async fn what_was_agreed_to_is_shown_within_a_day_and_requests_are_found_by_where_they_stand() {
    let world = world().await;
    world.ask(get(format!("/v1/persons/{}", anna())).tracing()).await;
    let body = json!({ "index": 0, "subject": subject(anna()).to_string(), "reason": "PATTERN" }).to_string();
    let mut requests = Vec::new();
    for _ in 0..2 {
        let asked = world.ask(post("/v1/ledger/names", &body).by("auditor").purpose("HOPERAT")).await.json();
        requests.push(asked["request"].as_str().expect("an id").to_owned());
    }
    let act = async |who: &str, request: usize, act: &str| {
        let path = format!("/v1/ledger/names/{}/{act}", requests[request]);
        world.ask(post(&path, "{}").by(who).purpose("HOPERAT")).await
    };
    let listed = async |state: &str| {
        let found = world.ask(get(format!("/v1/ledger/names?state={state}")).by("officer").purpose("HOPERAT")).await;
        found.json()["requests"].as_array().map_or(99, Vec::len)
    };
    assert_eq!(act("officer", 0, "approve").await.json()["state"], "approved");
    assert_eq!((listed("asked").await, listed("approved").await, listed("lapsed").await), (1, 1, 0));
    world.advance_clock(86_400_001);
    assert_eq!(act("auditor", 0, "show").await.code(), "name-not-approved", "an approval is good for a day");
    assert_eq!((listed("asked").await, listed("approved").await, listed("lapsed").await), (1, 0, 1));
    world.advance_clock(6 * 86_400_000);
    assert_eq!(act("officer", 1, "approve").await.code(), "name-not-approved", "a request is good for a week");
    assert_eq!((listed("asked").await, listed("lapsed").await, listed("shown").await), (0, 2, 0));
    let unknown = world.ask(get("/v1/ledger/names?state=open").by("officer").purpose("HOPERAT")).await;
    assert_eq!(unknown.code(), "query-malformed");
}
