use axum::http::StatusCode;
use ledger::LedgerClient;
use query_api::KeyGroups;
use serde_json::{Value, json};

use crate::world::{ANNA_NAME, GRID, OTHER_GRID, PHONE, World, anna, bob, get, subject, world, world_of};

/// Under 40 and alone, under 30, and everybody of whom a hospital says something.
const GROUPS: &str = r#"
version = "ours-2"
adult_age = 18
utc_offset_min = 480
[[group]]
code = "young-alone"
title = "Under 40 and alone"
age_below = 40
alone = "nobody"
[[group]]
code = "under-30"
title = "Under 30"
age_below = 30
"#;

async fn summary(world: &World, caller: &str, unit: &str) -> Value {
    world.ask(get(format!("/v1/units/{unit}/summary")).looking_after(caller)).await.json()
}

async fn residents(world: &World, caller: &str, path: &str) -> Vec<Value> {
    let reply = world.ask(get(format!("/v1/units/{path}")).looking_after(caller)).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()["residents"].as_array().expect("a list").clone()
}

#[tokio::test]
async fn a_worker_counts_the_own_unit_and_a_lead_all_below() {
    let world = world().await;
    // All facts of the town are known by then.
    world.advance_clock(86_400_000);
    let own = summary(&world, "worker", GRID).await;
    assert_eq!((&own["total"]["residents"], &own["total"]["households"]), (&json!(1), &json!(1)), "{own}");
    let all = summary(&world, "lead", "320506001").await;
    assert_eq!((&all["total"]["residents"], &all["total"]["households"]), (&json!(2), &json!(2)), "{all}");
    let below: Vec<_> = all["below"].as_array().expect("a list").iter().map(|row| row["unit"].clone()).collect();
    assert_eq!(below, [&GRID[..12], &OTHER_GRID[..12]]);
    let groups = |count: &Value| count["key_groups"].as_array().expect("a list").clone();
    assert_eq!(groups(&own["total"]).len(), KeyGroups::default().groups().len());
    assert_eq!(own["key_group_rules"], json!(KeyGroups::default().version()));
    let entry = world.last_entry();
    assert_eq!((entry.action.to_string().as_str(), entry.count), ("read-unit", 2));
}

#[tokio::test]
async fn another_unit_and_none_at_all_are_answered_alike() {
    let world = world().await;
    let ask = async |unit: &str| {
        let reply = world.ask(get(format!("/v1/units/{unit}/summary")).looking_after("worker")).await;
        (reply.status, reply.text())
    };
    let other = ask(OTHER_GRID).await;
    assert_eq!(other.0, StatusCode::NOT_FOUND);
    assert!(other.1.contains("unit-not-found"));
    assert_eq!(ask("320506001009G09").await, other);
    // Above the own unit, too.
    assert_eq!(ask(&GRID[..12]).await, other);
    assert!(ask("nowhere").await.1.contains("unit-malformed"));
    assert!(ask("13812345678").await.1.contains("identifier-in-url"));
}

#[tokio::test]
async fn a_list_holds_what_the_purpose_allows_and_names_its_subjects_in_the_ledger() {
    let world = world().await;
    world.advance_clock(86_400_000);
    let caring = residents(&world, "worker", &format!("{GRID}/residents")).await;
    assert_eq!(world.last_entry().subjects, [subject(anna())]);
    let text = Value::from(caring.clone()).to_string();
    assert!(text.contains(ANNA_NAME) && text.contains(PHONE) && text.contains("residence-road"));
    assert!(!text.contains("household-7"), "the household is not for this purpose");
    assert_eq!(caring[0]["care"], json!({ "key_groups": [], "unknown": [] }));
    let reply = world.ask(get(format!("/v1/units/{GRID}/residents")).by("worker").purpose("HOPERAT")).await.json();
    let household = &reply["residents"][0];
    assert_eq!(household["households"][0]["household_id"], "household-7");
    assert_eq!((household.get("care"), &reply["withheld"]), (None, &json!(["care"])));
    let refused =
        world.ask(get(format!("/v1/units/{GRID}/residents?key_group=disabled")).by("worker").purpose("HOPERAT"));
    assert_eq!(refused.await.code(), "key-group-unknown");
}

#[tokio::test]
async fn a_list_goes_on_where_the_page_before_ended() {
    let world = world().await;
    let mut ids = [anna().to_string(), bob().to_string()];
    ids.sort();
    let first = world.ask(get("/v1/units/320506001/residents?limit=1").looking_after("lead")).await.json();
    assert_eq!(first["residents"][0]["person_id"], json!(ids[0]));
    let next = format!("320506001/residents?limit=1&after={}", first["next"].as_str().expect("there is more"));
    let reply = world.ask(get(format!("/v1/units/{next}")).looking_after("lead")).await.json();
    assert_eq!((&reply["residents"][0]["person_id"], reply.get("next")), (&json!(ids[1]), None));
}

#[tokio::test]
async fn a_community_that_edits_its_key_groups_sees_them_at_once_and_every_answer_names_the_rules() {
    let rules = KeyGroups::parse(GROUPS).expect("sound");
    let version = rules.version();
    let world = world_of(LedgerClient::Local, rules).await;
    world.advance_clock(86_400_000);
    let summary = summary(&world, "lead", "320506001").await;
    assert_eq!(summary["key_group_rules"], json!(version));
    // Anna of 32 lives with nobody; Bob of 36 lives in a dormitory.
    assert_eq!(
        summary["total"]["key_groups"],
        json!([
            { "key_group": "young-alone", "members": 1, "unknown": 0 },
            { "key_group": "under-30", "members": 0, "unknown": 0 },
        ])
    );
    let members = residents(&world, "lead", "320506001/residents?key_group=young-alone").await;
    assert_eq!(members.len(), 1);
    assert_eq!(members[0]["person_id"], json!(anna().to_string()));
    assert_eq!(members[0]["care"]["key_groups"], json!(["young-alone"]));
}
