//! The deployed form: services in processes of their own, a real Apache Kafka, a ledger asked over HTTP.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use test_support::{confluent_client, database, kafka, scratch_dir, scratch_name, wait_for};

const GATE_SCANS: &str = concat!(
    r#"{"record_id":"e2e-1","gate_id":"G1","seq":1,"scan_time":"2022-03-01 08:02:11","direction":"in","decision":"pass","code":"green","temp":36.5,"card":"C-0001","name":"王小明","phone":"13812345678"}"#,
    "\n",
    r#"{"record_id":"e2e-2","gate_id":"G1","seq":2,"scan_time":"yesterday","direction":"in","decision":"pass","code":"green","temp":36.5,"card":"C-0002","name":"李静","phone":"13912345678"}"#,
    "\n",
);

const CASE_REPORT: &str = concat!(
    "case_id,name,id_type,id_number,contact_phone,status,confirmed_time,township,case_unit,updated_time\n",
    "CASE-1,Ling Wen,,,13712345678,confirmed,2022-03-01 08:00,320506001,CDC-01,2022-03-01 09:00\n",
);

/// Values of the pushed rows that may stand in no log line, metric, key or header.
const PERSONAL: [&str; 8] =
    ["Ling Wen", "13712345678", "王小明", "13812345678", "C-0001", "李静", "13912345678", "C-0002"];

fn assert_impersonal(what: &str, text: &str) {
    for value in PERSONAL {
        assert!(!text.contains(value), "{what} holds a personal value");
    }
}

/// A process of the hub, ended with the test.
struct Process {
    child: Child,
    base: String,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A deployment: one directory of keys and data, one database, one Kafka.
struct Deployment {
    dir: PathBuf,
    database_url: String,
    kafka: String,
    prefix: String,
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port()
}

impl Deployment {
    fn config(&self, name: &str, http: u16, ledger: u16) -> PathBuf {
        let path = self.dir.join(format!("{name}.toml"));
        let ledger_url =
            if name == "ledger" { String::new() } else { format!("ledger_url = \"http://127.0.0.1:{ledger}\"") };
        let text = format!(
            "data_dir = \"{dir}\"\nhttp_listen = \"127.0.0.1:{http}\"\nmllp_listen = \"127.0.0.1:0\"\ndatabase_url = \"{url}\"\n\
             partitions = 3\n{ledger_url}\n[log]\nbackend = \"kafka\"\nbootstrap = \"{kafka}\"\nprefix = \"{prefix}\"\n",
            dir = self.dir.display(),
            url = self.database_url,
            kafka = self.kafka,
            prefix = self.prefix,
        );
        std::fs::write(&path, text).expect("a configuration");
        path
    }

    async fn start(&self, service: &str, ledger: u16, http: u16) -> Process {
        let config = self.config(service, http, ledger);
        let log = File::create(self.dir.join(format!("{service}-{http}.log"))).expect("a log file");
        let child = Command::new(env!("CARGO_BIN_EXE_isthmus"))
            .args(["serve", service, "--config"])
            .arg(config)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the binary runs");
        let process = Process { child, base: format!("http://127.0.0.1:{http}") };
        let ready = format!("{}/readyz", process.base);
        wait_for("a service to be ready", async || {
            reqwest::get(&ready).await.is_ok_and(|response| response.status().is_success())
        })
        .await;
        process
    }

    fn run(&self, config: &Path, words: &[&str]) -> String {
        let output =
            Command::new(env!("CARGO_BIN_EXE_isthmus")).args(words).arg("--config").arg(config).output().expect("runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words:?}: {error}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

async fn ask(request: reqwest::RequestBuilder, token: &str) -> (u16, Value) {
    let request = request.bearer_auth(token).header("Isthmus-Purpose", "PUBHLTH").header("Isthmus-Case", "CASE-1");
    let response = request.send().await.expect("an answer");
    let status = response.status().as_u16();
    (status, response.json().await.expect("JSON"))
}

#[tokio::test(flavor = "multi_thread")]
async fn services_in_their_own_processes_answer_over_kafka_and_survive_a_kill() {
    let Some(kafka) = kafka().await else { return };
    let database = database().await;
    let socket = test_support::postgres().await.socket_dir().display().to_string().replace('/', "%2F");
    let deployment = Deployment {
        dir: scratch_dir("deployment"),
        database_url: format!("postgres://postgres@{socket}/{}", database.name()),
        kafka: kafka.bootstrap.clone(),
        // Without digits: eleven of them in an address of the registry would look like a person's number.
        prefix: format!("{}.", scratch_name().replace(|c: char| c.is_ascii_digit(), "x")),
    };
    let (ledger_port, query_port) = (free_port(), free_port());
    let admin = deployment.config("admin", 0, ledger_port);
    deployment.run(&admin, &["keys"]);
    let ledger = deployment.start("ledger", ledger_port, ledger_port).await;
    let connector = deployment.start("connector-community", ledger_port, free_port()).await;
    let hospital = deployment.start("connector-hospital", ledger_port, free_port()).await;
    let projector = deployment.start("projector", ledger_port, free_port()).await;
    let query = deployment.start("query-api", ledger_port, query_port).await;
    let feed_token = deployment.run(&admin, &["token", "feed", "--feed", "gate-scans"]);
    let tracer =
        deployment.run(&admin, &["token", "caller", "--role", "cdc-tracer", "--unit", "CDC-01", "--handle", "t-1"]);

    let client = reqwest::Client::new();
    let push = || client.post(format!("{}/v1/feeds/gate-scans/batches", connector.base)).body(GATE_SCANS);
    let (status, receipt) = ask(push(), &feed_token).await;
    assert_eq!(status, 201, "{receipt}");
    assert_eq!((&receipt["rows"], &receipt["accepted"], &receipt["quarantined"]), (&json!(2), &json!(1), &json!(1)));
    let (_, again) = ask(push(), &feed_token).await;
    assert_eq!((&again["batch_id"], &again["repeated"]), (&receipt["batch_id"], &json!(true)), "the same receipt");

    let cases = deployment.run(&admin, &["token", "feed", "--feed", "case-reports"]);
    let report = client.post(format!("{}/v1/feeds/case-reports/batches", hospital.base)).body(CASE_REPORT);
    let (status, receipt) = ask(report, &cases).await;
    assert_eq!((status, &receipt["accepted"]), (201, &json!(1)), "{receipt}");

    // Killed in whatever it was doing; the next one goes on from the checkpoint.
    drop(projector);
    let projector = deployment.start("projector", ledger_port, free_port()).await;
    let by_phone = json!({ "identifiers": [{ "scheme": "MSISDN", "value": "13812345678" }] });
    let mut answer = Value::Null;
    wait_for("the person to be found", async || {
        let request = client.post(format!("{}/v1/persons/find", query.base)).json(&by_phone);
        let (status, body) = ask(request, &tracer).await;
        answer = body;
        status == 200 && answer["persons"].as_array().is_some_and(|persons| persons.len() == 1)
    })
    .await;
    let person = answer["persons"][0]["person_id"].as_str().expect("an id").to_owned();
    let (status, file) = ask(client.get(format!("{}/v1/persons/{person}", query.base)), &tracer).await;
    assert_eq!(status, 200, "{file}");

    // A standard client needs the hub's registry and the broker, nothing of ours.
    if let Some(confluent) = confluent_client() {
        let registry = format!("{}/registry", query.base);
        let topic = format!("{}gate.pass", deployment.prefix);
        let bootstrap = deployment.kafka.clone();
        let read = move || {
            confluent
                .decode(&["--registry", &registry, "--bootstrap", &bootstrap, "--topic", &topic, "--count", "1"], "")
        };
        let lines = tokio::task::spawn_blocking(read).await.expect("it runs");
        let pass: Value = serde_json::from_str(&lines[0]).expect("JSON");
        assert_eq!((&pass["value"]["gate_id"], &pass["value"]["decision"]), (&json!("G1"), &json!("PASSED")), "{pass}");
        assert_impersonal("a key or header of Kafka", &format!("{} {}", pass["key"], pass["headers"]));
    }

    // The auditor reads the ledger of the other process, proofs included.
    let auditor =
        deployment.run(&admin, &["token", "caller", "--role", "auditor", "--unit", "AUDIT-01", "--handle", "a-1"]);
    let entries =
        client.get(format!("{}/v1/ledger/entries?limit=1000", query.base)).header("Isthmus-Purpose", "HOPERAT");
    let response = entries.bearer_auth(&auditor).send().await.expect("an answer");
    let status = response.status().as_u16();
    let log: Value = response.json().await.expect("JSON");
    assert_eq!(status, 200, "{log}");
    let actions: Vec<&str> =
        log["entries"].as_array().expect("entries").iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert!(actions.contains(&"read-person"), "{actions:?}");
    let head = client.get(format!("{}/v1/ledger/checkpoint", query.base)).send().await.expect("an answer");
    assert_eq!(head.status().as_u16(), 200);

    for path in ["/tile/entries/000.p/1", "/v1/entries/0/1"] {
        let answer = client.get(format!("{}{path}", ledger.base)).send().await.expect("an answer");
        assert_eq!(answer.status().as_u16(), 401, "{path}: who looked at whom is not for everybody");
    }

    // No ledger, no answer.
    drop(ledger);
    let (status, problem) = ask(client.get(format!("{}/v1/persons/{person}", query.base)), &tracer).await;
    assert_eq!((status, &problem["code"]), (503, &json!("audit-unavailable")), "{problem}");
    let ledger = deployment.start("ledger", ledger_port, ledger_port).await;
    let (status, _) = ask(client.get(format!("{}/v1/persons/{person}", query.base)), &tracer).await;
    assert_eq!(status, 200);

    for process in [&connector, &hospital, &query, &projector, &ledger] {
        let metrics = client.get(format!("{}/metrics", process.base)).send().await.expect("an answer");
        assert_impersonal("the metrics", &metrics.text().await.expect("text"));
    }
    for file in std::fs::read_dir(&deployment.dir).expect("a folder").flatten() {
        if file.path().extension().is_some_and(|extension| extension == "log") {
            assert_impersonal("a log", &std::fs::read_to_string(file.path()).expect("text"));
        }
    }

    // A token that was taken back opens nothing any more.
    deployment.run(&admin, &["token", "revoke", "--feed", "gate-scans"]);
    assert_eq!(ask(push(), &feed_token).await.0, 401);
    deployment.run(&admin, &["token", "revoke", "--handle", "t-1"]);
    let (status, _) = ask(client.get(format!("{}/v1/persons/{person}", query.base)), &tracer).await;
    assert_eq!(status, 401);
    let listed = deployment.run(&admin, &["token", "list"]);
    assert!(listed.contains("caller\tt-1\tcdc-tracer") && !listed.contains(&tracer), "{listed}");
}
