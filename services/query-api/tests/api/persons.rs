use axum::http::StatusCode;
use serde_json::{Value, json};
use store::ingest::{self, Batch, BatchState, Counts, Framing, Origin, Progress};
use store::runs::Run;
use store::seen::Seen;
use test_support::build::{self, NOON, record_id};

use crate::world::{
    ANNA_NAME, FROM_TO, GRID, PHONE, SHARED_PHONE, anna, anna_number, anna_old, bob, decided, find, get, nobody, post,
    subject, world,
};

fn without_receipt(mut body: Value) -> Value {
    let receipt = body.as_object_mut().expect("an object").remove("receipt").expect("a receipt");
    assert!(receipt["index"].is_u64() && receipt["checkpoint"].is_string() && receipt["proof"].is_array());
    body
}

#[tokio::test]
async fn a_person_is_found_by_any_written_form_of_an_identifier() {
    let world = world().await;
    let number = anna_number().to_lowercase();
    for (scheme, value) in [("CN_ID", number.as_str()), ("MSISDN", "+86 138 1234 5678"), ("MSISDN", PHONE)] {
        let question = json!({ "identifiers": [{ "scheme": scheme, "value": value }] });
        let reply = world.ask(find(&question.to_string()).looking_after("worker")).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        assert_eq!(
            without_receipt(reply.json()),
            json!({
                "persons": [{
                    "person_id": anna().to_string(),
                    "matched": [{ "scheme": scheme, "role": "holder", "current": true }],
                    "identity": { "name": ANNA_NAME, "birth_date": "1990-01-02", "sex": "MALE" },
                    "contact": { "phone": format!("86{PHONE}") },
                    "residence": { "community_unit": GRID, "division_code": "320506" },
                }],
                "truncated": false,
                "withheld": [],
            })
        );
    }
}

#[tokio::test]
async fn a_person_is_found_by_any_of_the_names_with_the_birth_date() {
    let world = world().await;
    for name in [ANNA_NAME, "王 晓明"] {
        let question = json!({ "name": name, "birth_date": "1990/1/2" });
        let reply = world.ask(find(&question.to_string()).tracing()).await;
        let body = reply.json();
        assert_eq!(body["persons"][0]["person_id"], json!(anna().to_string()), "{name}: {body}");
        assert_eq!(body["persons"][0]["matched"][0]["role"], "name");
    }
    let question = json!({ "name": ANNA_NAME, "birth_date": "1990-01-03" });
    assert_eq!(world.ask(find(&question.to_string()).tracing()).await.json()["persons"], json!([]));
}

#[tokio::test]
async fn a_search_shows_a_worker_the_own_grid_and_a_resident_nobody_else() {
    let world = world().await;
    let question = json!({ "identifiers": [{ "scheme": "MSISDN", "value": SHARED_PHONE }] }).to_string();
    let ids = |reply: crate::world::Reply| {
        let persons = reply.json()["persons"].as_array().expect("a list").clone();
        let mut ids: Vec<String> =
            persons.iter().map(|person| person["person_id"].as_str().expect("an id").to_owned()).collect();
        ids.sort();
        ids
    };
    let mut both = vec![anna().to_string(), bob().to_string()];
    both.sort();
    assert_eq!(ids(world.ask(find(&question).tracing()).await), both);
    assert_eq!(ids(world.ask(find(&question).looking_after("worker")).await), [anna().to_string()]);
    assert_eq!(ids(world.ask(find(&question).looking_after("other-worker")).await), [bob().to_string()]);
    assert_eq!(ids(world.ask(find(&question).own("anna")).await), [anna().to_string()]);
    // What is on record is who was shown, not who would have fitted.
    assert_eq!(world.last_entry().subjects, [subject(anna())]);
}

#[tokio::test]
async fn a_person_file_says_where_each_value_comes_from() {
    let world = world().await;
    let reply = world.ask(get(format!("/v1/persons/{}", anna())).own("anna")).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let body = without_receipt(reply.json());
    let name = &body["identity"]["name"];
    assert_eq!(name["value"], ANNA_NAME);
    assert_eq!(name["provenance"]["source"], "register");
    assert_eq!(name["provenance"]["rule"], "source-rank");
    assert_eq!(name["provenance"]["runner_up"]["value"], "王晓明");
    assert_eq!(name["provenance"]["runner_up"]["source"], "hospital");
    assert_eq!(body["identity"]["birth_date"]["provenance"]["rule"], "valid-id-number");
    assert_eq!(body["household"][0]["household_id"], "household-7");
    assert_eq!(body["records"], 2);
    assert_eq!(body["withheld"], json!([]));
    assert_eq!(body.get("asked_for"), None);
}

#[tokio::test]
async fn an_id_of_the_past_answers_with_the_person_of_today() {
    let world = world().await;
    for path in ["", "/records", "/links"] {
        let reply = world.ask(get(format!("/v1/persons/{}{path}", anna_old())).tracing()).await;
        let body = reply.json();
        assert_eq!(body["person_id"], json!(anna().to_string()), "{body}");
        assert_eq!(body["asked_for"], json!(anna_old().to_string()));
    }
}

#[tokio::test]
async fn not_yours_and_no_such_person_are_the_same_answer() {
    let world = world().await;
    for path in ["", &format!("/timeline?{FROM_TO}"), "/records", "/links"] {
        for (caller, purpose) in [("other-worker", "HOPERAT"), ("bob", "PATRQT")] {
            let ask = |person: domain::PersonId| {
                world.ask(get(format!("/v1/persons/{person}{path}")).by(caller).purpose(purpose))
            };
            let (theirs, none) = (ask(anna()).await, ask(nobody()).await);
            if path == "/links" && caller == "other-worker" {
                assert_eq!(theirs.code(), "not-entitled");
            } else {
                assert_eq!(theirs.status, StatusCode::NOT_FOUND, "{path} {caller}");
            }
            assert_eq!((theirs.status, &theirs.bytes), (none.status, &none.bytes), "{path} {caller}");
            let names = |reply: &crate::world::Reply| {
                reply.headers.keys().map(ToString::to_string).collect::<std::collections::BTreeSet<_>>()
            };
            assert_eq!(names(&theirs), names(&none));
        }
    }
    // The ledger keeps the difference for those who look after it.
    let reasons: Vec<String> = world
        .entries()
        .into_iter()
        .filter_map(|entry| match entry.decision {
            ledger::Decision::Refused { reason } => Some(reason.to_string()),
            ledger::Decision::Allowed => None,
        })
        .collect();
    assert!(reasons.iter().any(|reason| reason == "not-related"));
    assert!(reasons.iter().any(|reason| reason == "person-unknown"));
}

#[tokio::test]
async fn a_timeline_says_when_a_fact_may_be_somebody_elses() {
    let world = world().await;
    let reply = world.ask(get(format!("/v1/persons/{}/timeline?{FROM_TO}", anna())).own("anna")).await;
    let body = without_receipt(reply.json());
    let facts = body["facts"].as_array().expect("a list");
    let kinds: Vec<&str> = facts.iter().map(|fact| fact["what"]["kind"].as_str().expect("a kind")).collect();
    assert_eq!(kinds, ["gate", "test", "payment", "household", "presence"]);
    for fact in &facts[..4] {
        assert_eq!(fact.get("doubtful"), None, "{fact}");
    }
    assert_eq!(facts[4]["doubtful"], json!({ "reason": "several-persons", "other_persons": 1 }));
    assert_eq!(facts[0]["provenance"]["source"], "source-of-facts");

    let later = "from=2022-03-01T05:30:00Z&to=2022-03-01T07:00:00Z";
    let reply = world.ask(get(format!("/v1/persons/{}/timeline?{later}", anna())).own("anna")).await;
    let facts = reply.json()["facts"].as_array().expect("a list").len();
    assert_eq!(facts, 1, "the payment at 06:00 alone");
}

#[tokio::test]
async fn a_fact_of_the_holder_is_not_in_the_timeline_of_those_who_gave_the_phone_as_contact() {
    let world = world().await;
    let reply = world.ask(get(format!("/v1/persons/{}/timeline?{FROM_TO}", bob())).own("bob")).await;
    let facts = reply.json()["facts"].as_array().expect("a list").clone();
    let seen: Vec<_> =
        facts.iter().map(|fact| (fact["started_at"].as_str().expect("a time"), fact.get("doubtful"))).collect();
    assert!(seen.contains(&("2022-03-01T09:00:00Z", None)), "{seen:?}");
    let reply = world.ask(get(format!("/v1/persons/{}/timeline?{FROM_TO}", anna())).own("anna")).await;
    assert!(!reply.text().contains("2022-03-01T09:00:00Z"));
}

#[tokio::test]
async fn a_tracer_may_ask_for_fourteen_days_and_no_more() {
    let world = world().await;
    let ask =
        |from: &str, to: &str| world.ask(get(format!("/v1/persons/{}/timeline?from={from}&to={to}", anna())).tracing());
    assert_eq!(ask("2022-03-01T00:00:00Z", "2022-03-15T00:00:00Z").await.status, StatusCode::OK);
    for (from, to) in [
        ("2022-03-01T00:00:00Z", "2022-03-15T00:00:01Z"),
        ("2022-03-01T00:00:00Z", "2022-03-01T00:00:00Z"),
        ("2022-03-02T00:00:00Z", "2022-03-01T00:00:00Z"),
        ("0001-01-01T00:00:00Z", "9999-01-01T00:00:00Z"),
    ] {
        assert_eq!(ask(from, to).await.code(), "timeline-too-long", "{from} {to}");
    }
}

#[tokio::test]
async fn windows_of_a_tracer_cannot_be_chained_beyond_fourteen_days_before_the_case() {
    let world = world().await;
    let mut from = NOON;
    let mut told = 0;
    // As far back as it goes, 14 days after 14 days.
    let refused = loop {
        let to = from;
        from = to.plus_millis(-14 * 86_400_000);
        let path = format!("/v1/persons/{}/timeline?from={from}&to={to}", anna());
        let reply = world.ask(get(path).tracing()).await;
        if reply.status != StatusCode::OK {
            break reply;
        }
        told += 1;
        assert!(told < 4, "{from} is told for a case of March");
    };
    assert_eq!(
        (told, refused.status, refused.code().as_str()),
        (1, StatusCode::UNPROCESSABLE_ENTITY, "timeline-before-case")
    );
    let detail = refused.json()["detail"].as_str().expect("a detail").to_owned();
    let (first, _) = detail.strip_prefix("Here `from` is ").and_then(|rest| rest.split_once(' ')).expect("an instant");
    let ask = async |from: &str, what: &str| {
        let to = domain::Timestamp::parse(from).expect("an instant").plus_millis(86_400_000);
        let path = format!("/v1/persons/{}/{what}?from={from}&to={to}", anna());
        let reply = world.ask(get(path).tracing()).await;
        if reply.status == StatusCode::OK { "told".to_owned() } else { reply.code() }
    };
    let earlier = domain::Timestamp::parse(first).expect("an instant").plus_millis(-1).to_string();
    for what in ["timeline", "itinerary"] {
        assert_eq!(
            (ask(first, what).await, ask(&earlier, what).await),
            ("told".into(), "timeline-before-case".into()),
            "{what}"
        );
    }
    // Who sees the own file sees all of it.
    let own = get(format!("/v1/persons/{}/timeline?from=2016-03-01T00:00:00Z&to=2022-03-15T00:00:00Z", anna()));
    assert_eq!(world.ask(own.own("anna")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn links_and_their_picture_say_which_decision_of_a_reviewer_stands() {
    let world = world().await;
    let links = || get(format!("/v1/persons/{}/links", anna())).tracing();
    let body = world.ask(links()).await.json();
    let patient = record_id("hospital", "anna").as_uuid();
    let apart = json!({
        "decision_id": decided().as_uuid(), "verdict": "DIFFERENT", "state": "in-force", "records": [patient],
    });
    assert_eq!(body["decisions"], json!([apart]), "the record of the other person is not told");
    assert_eq!(body["links"][0].get("decision"), None);

    let projector = world.follow_decisions();
    let question = json!({
        "record_a": record_id("register", "anna").as_uuid(), "record_b": patient, "verdict": "SAME",
        "reason": "DOCUMENT_SEEN", "note": "both cards seen",
    });
    let reply = world.ask(post("/v1/decisions", &question.to_string()).reviewing().for_a_case()).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let reply = world.ask(links()).await;
    let link = &reply.json()["links"][0];
    assert_eq!((&link["decision"]["verdict"], &link["decision"]["state"]), (&json!("SAME"), &json!("in-force")));
    assert!(!reply.text().contains("both cards seen") && !reply.text().contains("DOCUMENT_SEEN"));
    let drawn = world.ask(links().header("accept", "image/svg+xml")).await;
    assert!(drawn.text().contains("a reviewer decided: one person, in force"), "{}", drawn.text());
    projector.abort();
}

#[tokio::test]
async fn links_explain_themselves_field_by_field() {
    let world = world().await;
    let body = world.ask(get(format!("/v1/persons/{}/links", anna())).tracing()).await.json();
    assert_eq!(body["model_version"], "zh-1");
    assert_eq!((&body["link_threshold"], &body["prior"]), (&json!(12.0), &json!(-21.0)));
    assert_eq!(body["links"][0]["weight"], 20.5);
    assert_eq!(
        body["links"][0]["parts"],
        json!([
            { "field": "prior", "level": "given", "weight": -21.0, "frequency": 0.0 },
            { "field": "national_id", "level": "same", "weight": 30.0, "frequency": 11.5 },
        ])
    );
    assert_eq!(body["weakest"]["record_a"], body["links"][0]["record_a"]);
}

#[tokio::test]
async fn a_link_is_drawn_with_its_receipt_and_only_for_those_who_may_see_it() {
    let world = world().await;
    let (a, b) = (build::record_id("register", "anna"), build::record_id("hospital", "anna"));
    let drawn = |query: String| get(format!("/v1/persons/{}/links{query}", anna())).header("accept", "image/svg+xml");
    for query in [String::new(), format!("?record_a={a}&record_b={b}"), format!("?record_a={b}&record_b={a}")] {
        let reply = world.ask(drawn(query).tracing()).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        assert_eq!(reply.headers["content-type"], "image/svg+xml");
        assert!(reply.headers.contains_key("isthmus-receipt"));
        let svg = reply.text();
        for words in ["<svg ", "national id · same", "身份证件号码", ">+41.5<", ">20.5<", "linked from 12.0", "zh-1"]
        {
            assert!(svg.contains(words), "{words}: {svg}");
        }
    }
    let other = world.ask(drawn(format!("?record_a={a}&record_b={a}")).tracing()).await;
    assert_eq!(other.code(), "link-not-found");
    let half = world.ask(drawn(format!("?record_a={a}")).tracing()).await;
    assert_eq!(half.code(), "query-malformed");
    let stranger = world.ask(drawn(String::new()).looking_after("other-worker")).await;
    assert_ne!(stranger.status, StatusCode::OK);
}

#[tokio::test]
async fn source_records_are_shown_as_the_sources_state_them() {
    let world = world().await;
    let body = world.ask(get(format!("/v1/persons/{}/records", anna())).tracing()).await.json();
    let records = body["records"].as_array().expect("a list");
    assert_eq!(records.len(), 2);
    let hospital = records.iter().find(|record| record["source"] == "hospital").expect("there");
    assert_eq!(hospital["identity"]["names"], json!(["王晓明"]));
    assert_eq!(hospital["source_kind"], "HOSPITAL");
    assert_eq!(hospital["retracted"], false);
    assert_eq!(hospital["contact"]["phones"][0]["own"], false);
}

#[tokio::test]
async fn operators_and_auditors_see_in_figures_what_linkage_has_decided_and_others_do_not() {
    let world = world().await;
    for who in ["operator", "auditor"] {
        let body = without_receipt(world.ask(get("/v1/system/linkage").by(who)).await.json());
        assert_eq!(
            body,
            json!({
                "model_version": "zh-1", "prior": -21.0, "link_threshold": 12.0, "review_threshold": 6.0,
                "survivorship_version": "shipped-1", "records": body["records"], "persons": body["persons"],
                "links": 1, "reviews": 1,
                "hot_counts": [
                    { "what": "value", "kind": "phone", "count": 1 },
                    { "what": "block", "kind": "name_birth", "count": 1 },
                ],
                "hot_values": [{
                    "handle": uuid::Uuid::from_u128(1), "kind": "phone", "records": 40, "bearers": 31,
                    "record_id": record_id("register", "anna").as_uuid(),
                }],
                "hot_blocks": [{ "handle": uuid::Uuid::from_u128(2), "rule": "name_birth", "records": 40 }],
            })
        );
        assert!(body["persons"].as_i64() > Some(1) && body["records"].as_i64() > body["persons"].as_i64());
    }
    for who in ["worker", "tracer", "anna", "department"] {
        assert_eq!(world.ask(get("/v1/system/linkage").by(who)).await.code(), "not-entitled", "{who}");
    }
}

#[tokio::test]
async fn the_persons_of_a_row_are_told_to_those_who_may_see_them() {
    let world = world().await;
    // Row 1 stated Anna's record; row 2 of the batch repeats it.
    let origin = Origin { arrival: 1, row: 1 };
    let seen = Seen {
        record_id: build::record_id("register", "anna"),
        version: 1,
        content: uuid::Uuid::nil(),
        reading: 0,
        sole: true,
        origin,
        until: 1,
    };
    let run = |row, outcome, of| Run { row_from: row, row_to: row, outcome, of };
    let progress = Progress {
        next_row: 3,
        counts: Counts { accepted: 1, duplicate: 1, ..Counts::default() },
        runs: vec![run(1, "accepted", None), run(2, "duplicate", Some(origin))],
        seen: vec![seen],
        ..Progress::default()
    };
    let batch_id = build::batch_id("register");
    let mut conn = world.store.acquire().await.expect("a connection");
    let batch = Batch {
        batch_id,
        arrival: 0,
        feed: "register".to_owned(),
        sha256: [0; 32],
        framing: Framing::File,
        bytes: 1,
        state: BatchState::Processing,
        received_at: build::NOON,
        finished_at: None,
        data_start: 0,
        next_row: 1,
        counts: Counts::default(),
        notices: Vec::new(),
        profile_version: String::new(),
    };
    let batch = ingest::begin_batch(&mut conn, &batch).await.expect("begun");
    assert_eq!(batch.arrival, 1);
    let of = store::seen::SourceFeed { source: "register", feed: "register" };
    ingest::advance_batch(&mut conn, of, batch_id, 1, progress).await.expect("advanced");
    let question = |row: i64| json!({ "row": { "batch_id": batch_id.to_string(), "row": row } }).to_string();
    for row in [1, 2] {
        let reply = world.ask(find(&question(row)).looking_after("worker")).await.json();
        assert_eq!(reply["persons"][0]["person_id"], json!(anna().to_string()), "{reply}");
        assert_eq!(reply["persons"][0]["matched"], json!([{ "scheme": "ROW", "role": "holder", "current": true }]));
    }
    for (row, who) in [(3, "worker"), (1, "other-worker")] {
        assert_eq!(world.ask(find(&question(row)).looking_after(who)).await.json()["persons"], json!([]));
    }
    let both = json!({ "row": { "batch_id": batch_id.to_string(), "row": 1 }, "name": ANNA_NAME }).to_string();
    assert_eq!(world.ask(find(&both).looking_after("worker")).await.status, StatusCode::BAD_REQUEST);
}
