//! Operators look after the quarantine over HTTP, on record.

use serde_json::json;

use crate::site::{Site, answer, scan};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_looks_after_the_quarantine_over_http_and_is_on_record() {
    let site = Site::start("", &[]).await;
    let sender = site.feed_token("gate-scans");
    let operator = site.admin(&["token", "caller", "--role", "operator", "--handle", "operator-1"]);
    let tracer = site.admin(&["token", "caller", "--role", "cdc-tracer", "--unit", "CDC-01", "--handle", "tracer-1"]);
    let auditor = site.admin(&["token", "caller", "--role", "auditor", "--handle", "auditor-1"]);
    let body = [scan("q-1", "2022-03-01 08:02:11"), scan("q-2", "yesterday"), scan("q-3", "tomorrow")].join("\n");
    let (_, receipt) = site.push("gate-scans", "", &sender, body).await;
    let batch = receipt["batch_id"].as_str().expect("an id");

    for (token, status, code) in [(&sender, 401, "token-invalid"), (&tracer, 403, "operators-only")] {
        let (found, problem) = site.get("/v1/quarantine", token).await;
        assert_eq!((found, &problem["code"]), (status, &json!(code)));
    }
    let (_, counts) = site.get("/v1/quarantine?feed=gate-scans", &operator).await;
    assert_eq!(counts["counts"][0]["code"], "value-time");
    assert_eq!(counts["counts"][0]["rows"], 2);
    let (_, page) = site.get("/v1/quarantine/rows?code=value-time&limit=1", &operator).await;
    assert_eq!(page["rows"][0]["row"], 2);
    let next = page["next"].as_str().expect("another page");
    let (_, page) = site.get(&format!("/v1/quarantine/rows?code=value-time&limit=1&after={next}"), &operator).await;
    assert_eq!(page["rows"][0]["row"], 3);
    for (path, status) in [("?code=no-such-code", 422), ("?colour=red", 400), ("/rows?after=x", 400)] {
        assert_eq!(site.get(&format!("/v1/quarantine{path}"), &operator).await.0, status, "{path}");
    }

    let row = async |number: u64| {
        let request = reqwest::Client::new().get(format!("{}/v1/quarantine/rows/{batch}/{number}", site.base));
        answer(request.bearer_auth(&operator).header("Isthmus-Purpose", "HOPERAT")).await
    };
    let (status, unsaid) = site.get(&format!("/v1/quarantine/rows/{batch}/2"), &operator).await;
    assert_eq!((status, &unsaid["code"]), (422, &json!("purpose-missing")), "{unsaid}");
    let (status, shown) = row(2).await;
    assert_eq!(status, 200, "{shown}");
    let bytes = shown["bytes"].as_str().expect("bytes");
    assert_eq!(decoded(bytes).trim_end(), scan("q-2", "yesterday"));
    assert_eq!(row(1).await.1["code"], "row-never-failed");

    let order = json!({ "feed": "gate-scans", "batch_id": batch, "row": 3, "reason": "no such day" });
    let (_, discarded) = site.post("/v1/quarantine/discard", &operator, &order).await;
    assert_eq!(discarded, json!({ "rows": 1 }));
    let order = json!({ "feed": "gate-scans", "reason": "once more" });
    let (_, replayed) = site.post("/v1/quarantine/replay", &operator, &order).await;
    assert_eq!((&replayed["quarantined"], &replayed["accepted"]), (&json!(1), &json!(0)), "{replayed}");
    let order = json!({ "feed": "gate-scans", "preview": true, "rows": 20, "values": true });
    let (_, preview) = site.post("/v1/quarantine/reprocess", &operator, &order).await;
    assert_eq!((&preview["rows"], &preview["changed"], &preview["events"]), (&json!(3), &json!(0), &json!(0)));
    assert_eq!(preview["changes"], json!([]), "the profile is the same");
    for (body, status) in [
        (json!({ "feed": "gate-scans", "reason": "" }), 422),
        (json!({ "feed": "gate-scans", "reason": "x", "row": 1 }), 422),
        (json!({ "feed": "gate-scans", "reasons": "x" }), 422),
        (json!({ "feed": "no-such-feed", "reason": "x" }), 404),
    ] {
        assert_eq!(site.post("/v1/quarantine/replay", &operator, &body).await.0, status, "{body}");
    }
    let rows = receipt["links"]["rows"].as_str().expect("a link");
    let (_, row) = site.get(&format!("{rows}/3"), &sender).await;
    assert_eq!((&row["failure"]["state"], &row["failure"]["resolution"]), (&json!("discarded"), &json!("no such day")));

    let entries = reqwest::Client::new().get(format!("{}/v1/ledger/entries", site.base));
    let entries = entries.bearer_auth(&auditor).header("Isthmus-Purpose", "HOPERAT").send().await.expect("an answer");
    let entries = entries.text().await.expect("text");
    for said in
        ["operator-1", "quarantine.read", "quarantine.discard", "quarantine.replay", "feed.preview", "not-entitled"]
    {
        assert!(entries.contains(said), "{said}: {entries}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_rows_that_go_back_to_their_sender_are_on_record_first() {
    let site = Site::start("", &[]).await;
    let sender = site.feed_token("gate-scans");
    let auditor = site.admin(&["token", "caller", "--role", "auditor", "--handle", "auditor-1"]);
    let (_, receipt) = site.push("gate-scans", "", &sender, scan("q-1", "yesterday")).await;
    let link = receipt["links"]["quarantined_file"].as_str().expect("a link");
    let fetch = async |token: &str| {
        let request = reqwest::Client::new().get(format!("{}{link}", site.base)).bearer_auth(token);
        request.send().await.expect("an answer")
    };
    assert_eq!(fetch("nobody").await.status(), 401);
    let file = fetch(&sender).await;
    assert!(file.headers().contains_key("isthmus-receipt"));
    assert!(file.text().await.expect("text").contains("yesterday"));
    let entries = reqwest::Client::new().get(format!("{}/v1/ledger/entries", site.base));
    let entries = entries.bearer_auth(&auditor).header("Isthmus-Purpose", "HOPERAT").send().await.expect("an answer");
    let entries: serde_json::Value = entries.json().await.expect("JSON");
    let entries = entries["entries"].as_array().expect("entries");
    let fetched: Vec<_> = entries.iter().filter(|entry| entry["action"] == "feed.quarantined").collect();
    assert_eq!(fetched.len(), 1, "{entries:?}");
    assert_eq!((&fetched[0]["actor"], &fetched[0]["count"]), (&json!("gate-scans"), &json!(1)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_case_is_looked_up_before_a_policy_is_explained_and_who_asks_is_on_record() {
    let site = Site::start("", &[]).await;
    let auditor = site.admin(&["token", "caller", "--role", "auditor", "--handle", "auditor-1"]);
    let explain = ["policy", "explain", "--role", "cdc-tracer", "--unit", "CDC-01", "--purpose", "PUBHLTH"];
    let asked = ["--case", "C-404", "--action", "read-person", "--handle", "operator-1"];
    let told = site.admin(&[&explain[..], &asked[..]].concat());
    assert_eq!(told, "read-person\trefused: there is no such case");
    let entries = reqwest::Client::new().get(format!("{}/v1/ledger/entries", site.base));
    let entries = entries.bearer_auth(&auditor).header("Isthmus-Purpose", "HOPERAT").send().await.expect("an answer");
    let entries: serde_json::Value = entries.json().await.expect("JSON");
    let entries = entries["entries"].as_array().expect("entries");
    let explained: Vec<_> = entries.iter().filter(|entry| entry["action"] == "explain-policy").collect();
    assert_eq!((explained.len(), &explained[0]["actor"]), (1, &json!("operator-1")), "{entries:?}");
}

fn decoded(bytes: &str) -> String {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(bytes).expect("base 64");
    String::from_utf8(bytes).expect("UTF-8")
}
