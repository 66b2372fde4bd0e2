use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::world::{ANNA_KINDS, FROM_TO, anna, get, world};

/// A word that stands in an answer exactly when the group was released.
const MARKS: [(&str, &str); 8] = [
    ("identity", "王小明"),
    ("contact", "13812345678"),
    ("residence", "residence-road"),
    ("household", "household-7"),
    ("health", "health-code"),
    ("trail", "gates/G1"),
    ("payment", "payment-terminal"),
    ("provenance", "source-of-facts"),
];

/// Role, purpose, and the groups that the policy gives.
const CELLS: [(&str, &str, &[&str]); 4] = [
    ("worker", "PUBHLTH", &["identity", "contact", "residence"]),
    ("worker", "HOPERAT", &["identity", "contact", "residence", "household", "provenance"]),
    ("tracer", "PUBHLTH", &["identity", "contact", "residence", "household", "health", "trail", "provenance", "links"]),
    (
        "anna",
        "PATRQT",
        &["identity", "contact", "residence", "household", "health", "trail", "payment", "provenance", "links"],
    ),
];

const CALLERS: [&str; 10] =
    ["worker", "other-worker", "tracer", "auditor", "anna", "bob", "department", "operator", "subscriber", "steward"];
const PURPOSES: [&str; 6] = ["TREAT", "ETREAT", "PUBHLTH", "HOPERAT", "PATRQT", "HRESCH"];

#[tokio::test]
async fn every_role_sees_exactly_its_groups_for_every_purpose() {
    let world = world().await;
    assert_eq!(ANNA_KINDS.len(), 5);
    for caller in CALLERS {
        for purpose in PURPOSES {
            let groups = CELLS.iter().find(|cell| (cell.0, cell.1) == (caller, purpose)).map_or(&[][..], |cell| cell.2);
            let mut shown = String::new();
            let timed = [format!("/timeline?{FROM_TO}"), format!("/itinerary?{FROM_TO}")];
            for path in ["", &timed[0], &timed[1], "/records", "/links", "/lineage"] {
                let ask = get(format!("/v1/persons/{}{path}", anna())).by(caller).purpose(purpose).for_a_case();
                let reply = world.ask(ask).await;
                match reply.status {
                    StatusCode::OK => {
                        shown.push_str(&reply.text());
                        says_what_it_withholds(&reply.json(), groups);
                    }
                    // Nothing about the person in a refusal.
                    _ => assert!(!MARKS.iter().any(|(_, mark)| reply.text().contains(mark)), "{}", reply.text()),
                }
            }
            for (group, mark) in MARKS {
                assert_eq!(shown.contains(mark), groups.contains(&group), "{caller} {purpose} {group}");
            }
            assert_eq!(shown.contains("national_id"), groups.contains(&"links"), "{caller} {purpose} links");
        }
    }
}

fn says_what_it_withholds(body: &Value, groups: &[&str]) {
    for withheld in body["withheld"].as_array().expect("a list") {
        let group = withheld.as_str().expect("a code");
        assert!(!groups.contains(&group), "{group} is withheld and granted");
        assert_eq!(body.get(group), None, "{group} is withheld and there");
    }
}

#[tokio::test]
async fn a_worker_is_told_which_groups_are_withheld_and_the_ledger_too() {
    let world = world().await;
    let reply = world.ask(get(format!("/v1/persons/{}", anna())).looking_after("worker")).await;
    assert_eq!(reply.json()["withheld"], json!(["household", "health", "trail", "payment", "provenance"]));
    let entry = world.last_entry();
    let codes = |codes: &[ledger::Code]| codes.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert_eq!(codes(&entry.released), ["identity", "contact", "residence"]);
    assert_eq!(codes(&entry.withheld), ["household", "health", "trail", "payment", "provenance"]);
    assert_eq!(entry.actor.to_string(), "worker");
    assert_eq!(entry.unit.to_string(), "org-1/320506001007G03");
    assert_eq!(entry.purpose.map(|purpose| purpose.to_string()).as_deref(), Some("PUBHLTH"));
    assert_eq!(entry.count, 1);
}

#[tokio::test]
async fn a_purpose_is_compared_letter_for_letter() {
    let world = world().await;
    let path = format!("/v1/persons/{}", anna());
    let ask = || get(path.clone()).by("worker");
    assert_eq!(world.ask(ask()).await.code(), "purpose-missing");
    for purpose in ["pubhlth", "PUBHLTH,TREAT", "*", "", "PUBLIC"] {
        let reply = world.ask(ask().purpose(purpose)).await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "purpose-unknown"),
            "{purpose}"
        );
    }
    let twice = world.ask(ask().purpose("PUBHLTH").purpose("PUBHLTH")).await;
    assert_eq!(twice.code(), "purpose-unknown");
    let reply = world.ask(ask().purpose("TREAT")).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::FORBIDDEN, "not-entitled"));
}

#[tokio::test]
async fn a_tracer_states_a_case_that_names_nobody() {
    let world = world().await;
    let ask = || get(format!("/v1/persons/{}", anna())).by("tracer").purpose("PUBHLTH");
    let reply = world.ask(ask()).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::FORBIDDEN, "case-required"));
    for case in ["a", "C-13812345678", "two words"] {
        assert_eq!(world.ask(ask().case(case)).await.code(), "case-malformed", "{case}");
    }
    let reply = world.ask(ask().for_a_case()).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(world.last_entry().case.is_some());
}

#[tokio::test]
async fn a_caller_learns_what_it_may_ask() {
    let world = world().await;
    let reply = world.ask(get("/v1/me").by("auditor")).await;
    let body = reply.json();
    assert_eq!(body["role"], "auditor");
    let actions = ["read-ledger", "stop-grant", "review-grant", "read-grants", "ask-name", "approve-name"];
    assert_eq!(body["may"], json!([{ "purpose": "HOPERAT", "actions": actions, "opens": {} }]));
    let worker = world.ask(get("/v1/me").by("worker")).await.json();
    let opened = |purpose: &str, action: &str| {
        let of_purpose = worker["may"].as_array().and_then(|all| all.iter().find(|may| may["purpose"] == purpose));
        of_purpose.expect("one of the role's purposes")["opens"][action].clone()
    };
    assert_eq!(opened("PUBHLTH", "read-person"), json!(["identity", "contact", "residence"]));
    assert_eq!(
        opened("HOPERAT", "read-person"),
        json!(["identity", "contact", "residence", "household", "provenance"])
    );
    // The household of a person is told for operations, that of a list of residents as well; care for public health alone.
    assert_eq!(opened("PUBHLTH", "read-unit"), json!(["care"]));
    assert_eq!(opened("HOPERAT", "read-unit"), json!(null));
    assert_eq!(world.ask(get("/v1/me").by("department")).await.json()["may"], json!([]));
}

#[tokio::test]
async fn a_disabled_caller_is_out_with_the_next_call() {
    let world = world().await;
    assert_eq!(world.ask(get("/v1/me").by("worker")).await.status, StatusCode::OK);
    let mut conn = world.store.acquire().await.expect("a connection");
    assert!(store::callers::disable(&mut conn, "worker", test_support::build::NOON).await.expect("done"));
    assert!(!store::callers::disable(&mut conn, "worker", test_support::build::NOON).await.expect("done"));
    let reply = world.ask(get("/v1/me").by("worker")).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::UNAUTHORIZED, "token-invalid"));
    let listed = store::callers::list(&mut conn, 100).await.expect("listed");
    assert!(listed.iter().any(|listed| listed.caller.handle == "worker" && listed.disabled_at.is_some()));
}
