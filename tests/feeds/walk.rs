//! Every route of the document that a hub serves, those of the query API, of feeds, of operators: no look without an entry.

use reqwest::header::{COOKIE, SET_COOKIE};
use reqwest::{Client, Method, Response};
use serde_json::{Value, json};

use crate::site::{Site, scan};

/// Routes that may answer without an entry, and why. A new route is not here until somebody thought about it; that no value of a row is in
/// their answers is asserted below.
const WITHOUT_ENTRY: [(&str, &str); 22] = [
    ("get /problems", "the problems there are"),
    ("get /readyz", "the process"),
    ("get /v1/reasons", "the reasons there are"),
    ("get /v1/ledger/checkpoint", "the head of the log, which is for everybody"),
    ("get /v1/ledger/key", "its key"),
    ("get /v1/feeds", "the sender's own feeds"),
    ("get /v1/feeds/{feed}", "what the sender sends, and how it is read"),
    ("get /v1/feeds/{feed}/batches", "the sender's own receipts, which hold no values"),
    ("post /v1/feeds/{feed}/batches", "what the sender brings"),
    ("get /v1/feeds/{feed}/batches/{batch}", "a receipt"),
    ("get /v1/feeds/{feed}/batches/{batch}/rows", "outcomes of rows, without values"),
    ("get /v1/feeds/{feed}/batches/{batch}/rows/{row}", "the outcome of a row, without values"),
    ("get /v1/feeds/{feed}/quality", "counts"),
    ("post /v1/feeds/{feed}/uploads", "what the sender brings"),
    ("options /v1/feeds/{feed}/uploads", "the form of uploads"),
    ("delete /v1/feeds/{feed}/uploads/{upload}", "what the sender brings"),
    ("head /v1/feeds/{feed}/uploads/{upload}", "how much of it is here"),
    ("patch /v1/feeds/{feed}/uploads/{upload}", "what the sender brings"),
    ("get /v1/models", "models of linkage, about nobody"),
    ("get /v1/quarantine", "counts"),
    ("get /v1/quarantine/rows", "failed rows by number, without values"),
    ("get /v1/system/status", "the process"),
];

const NAME: &str = "王小明";
const PHONE: &str = "15935644910";

/// Somebody who asks, and how they say who they are.
struct Caller {
    who: &'static str,
    token: Option<String>,
    cookie: Option<String>,
    purpose: &'static str,
}

impl Caller {
    fn with_token(who: &'static str, token: &str, purpose: &'static str) -> Self {
        Self { who, token: Some(token.to_owned()), cookie: None, purpose }
    }

    async fn ask(&self, site: &Site, method: &Method, path: &str, body: Option<Value>) -> Response {
        let mut request = Client::new().request(method.clone(), format!("{}{path}", site.base));
        request = request.header("Isthmus-Purpose", self.purpose).timeout(std::time::Duration::from_secs(60));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some(cookie) = &self.cookie {
            request = request.header(COOKIE, cookie).header("Isthmus-Console", "1");
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.expect("an answer")
    }
}

/// Signs in at the console, which keeps the token and gives a cookie for it.
async fn at_the_console(site: &Site, who: &'static str, token: &str, purpose: &'static str) -> Caller {
    let request = Client::new().post(format!("{}/session", site.base)).header("Isthmus-Console", "1");
    let signed_in = request.json(&json!({ "token": token })).send().await.expect("an answer");
    assert_eq!(signed_in.status(), 200, "{who}");
    let cookie = signed_in.headers()[SET_COOKIE].to_str().expect("text");
    let cookie = cookie.split(';').next().map(str::to_owned);
    Caller { who, token: None, cookie, purpose }
}

async fn entries(site: &Site) -> u64 {
    let head = reqwest::get(format!("{}/v1/ledger/checkpoint", site.base)).await.expect("an answer");
    let head = head.text().await.expect("text");
    head.lines().nth(1).and_then(|size| size.parse().ok()).expect("a size")
}

/// Bodies of what operators do; other routes are asked with an empty object.
fn body_of(path: &str, batch: &str) -> Value {
    match path {
        "/v1/quarantine/discard" => {
            json!({ "feed": "gate-scans", "batch_id": batch, "row": 3, "reason": "no such day" })
        }
        "/v1/quarantine/replay" => json!({ "feed": "gate-scans", "reason": "once more" }),
        "/v1/quarantine/reprocess" => json!({ "feed": "gate-scans", "preview": true, "rows": 20, "values": true }),
        _ => json!({}),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_route_that_the_hub_serves_leaves_an_entry_before_it_tells_anything() {
    let site = Site::start("", &[]).await;
    let caller = |role: &str, more: &[&str]| {
        let handle = format!("{role}-1");
        site.admin(&[&["token", "caller", "--role", role, "--handle", &handle], more].concat())
    };
    let sender = site.feed_token("gate-scans");
    let (operator, auditor) = (caller("operator", &[]), caller("auditor", &[]));
    let failing = |id: &str| {
        let row = scan(id, "yesterday");
        row.replace(r#""card":"C-0001""#, &format!(r#""name":"{NAME}","phone":"{PHONE}""#))
    };
    let body = [scan("w-1", "2022-03-01 08:02:11"), failing("w-2"), failing("w-3")].join("\n");
    let (_, receipt) = site.push("gate-scans", "", &sender, body).await;
    let batch = receipt["batch_id"].as_str().expect("an id").to_owned();
    let callers = [
        Caller { who: "nobody", token: None, cookie: None, purpose: "HOPERAT" },
        Caller::with_token("the sender", &sender, "HOPERAT"),
        Caller::with_token("the operator", &operator, "HOPERAT"),
        Caller::with_token("the auditor", &auditor, "HOPERAT"),
        Caller::with_token("the tracer", &caller("cdc-tracer", &["--unit", "CDC-01"]), "PUBHLTH"),
        at_the_console(&site, "the operator at the console", &operator, "HOPERAT").await,
        at_the_console(&site, "the sender at the console", &sender, "HOPERAT").await,
        at_the_console(&site, "the auditor at the console", &auditor, "HOPERAT").await,
    ];
    let document = Client::new().get(format!("{}/openapi.json", site.base)).send().await.expect("an answer");
    let document: Value = document.json().await.expect("JSON");
    let mut exempt: Vec<&str> = WITHOUT_ENTRY.iter().map(|(route, _)| *route).collect();
    let mut unanswered = Vec::new();
    for (template, item) in document["paths"].as_object().expect("paths") {
        for (verb, operation) in item.as_object().expect("an item") {
            let route = format!("{verb} {template}");
            let is_exempt = exempt.iter().position(|known| *known == route).map(|place| exempt.remove(place)).is_some();
            let method = Method::from_bytes(verb.to_uppercase().as_bytes()).expect("a method");
            let path = template.replace("{feed}", "gate-scans").replace("{batch}", &batch).replace("{row}", "2");
            let path = path
                .split('/')
                .map(|part| if part.starts_with('{') { "0f0e0d0c-0b0a-8908-8706-050403020100" } else { part });
            let path = path.collect::<Vec<_>>().join("/");
            let mut answered = false;
            for caller in &callers {
                let name = format!("{route} as {}", caller.who);
                let body = (method == Method::POST).then(|| body_of(template, &batch));
                let before = entries(&site).await;
                let reply = caller.ask(&site, &method, &path, body).await;
                let (status, on_record) = (reply.status(), reply.headers().contains_key("isthmus-receipt"));
                let text = String::from_utf8_lossy(&reply.bytes().await.expect("a body")).into_owned();
                answered |= status.is_success();
                // Refusals of strangers, and of senders where they are strangers, are collapsed within a window.
                let is_staff = !["nobody", "the sender", "the sender at the console"].contains(&caller.who);
                if !is_exempt && (status.is_success() || status == 403 && is_staff) {
                    assert!(on_record, "{name}: {status} without a receipt: {text}");
                    assert!(entries(&site).await > before, "{name}: no entry");
                }
                assert!(!status.is_server_error(), "{name}: {text}");
                let told = [NAME, PHONE].iter().any(|planted| text.contains(planted));
                assert!(!told || on_record && caller.who != "nobody", "{name} tells a value of a row without an entry");
            }
            let is_of_others = operation["security"] != json!([{ "token": [] }]);
            if !is_exempt && is_of_others && !answered && !template.starts_with("/v1/models/") {
                unanswered.push(route);
            }
        }
    }
    assert_eq!(exempt, [""; 0], "these are no routes any more");
    assert_eq!(unanswered, [""; 0], "of these the test says nothing");
    // The console's own routes are in no document: a session tells the visitor who the visitor is.
    let session = callers[5].ask(&site, &Method::GET, "/session", None).await;
    let session: Value = session.json().await.expect("JSON");
    assert_eq!(session["handle"], "operator-1", "{session}");
}
