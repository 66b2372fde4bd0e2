//! The service over real HTTP, with the client that the query API uses.

mod support;

use domain::Sensitive;
use ledger::{Checkpoint, Code, LedgerClient, LedgerError, LedgerHandle, OpenOptions, Released, RemoteLedger};
use ledger_service::{LedgerState, service_router};

use support::access;

const SECRET: &str = "an append secret of the tests, 32+";

struct Service {
    ledger: LedgerHandle,
    url: String,
    server: tokio::task::JoinHandle<()>,
    _dir: tempfile::TempDir,
}

async fn start() -> Service {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let options = OpenOptions {
        dir: dir.path().join("ledger"),
        key_file: dir.path().join("ledger.key"),
        origin: "ledger.test/http".into(),
        witnessed: Vec::new(),
    };
    let ledger = LedgerHandle::open(&options).expect("a new log");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("bound"));
    let app = service_router(LedgerState::new(ledger.clone(), &Sensitive::new(SECRET.into())));
    let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
    Service { ledger, url, server, _dir: dir }
}

fn client(service: &Service, secret: &str) -> LedgerClient {
    let key = service.ledger.verifier();
    LedgerClient::Remote(RemoteLedger::new(&service.url, Sensitive::new(secret.into()), key).expect("a client"))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_given_once_it_is_on_record() {
    let service = start().await;
    let ledger = client(&service, SECRET);
    assert!(ledger.is_ready().await);
    for index in 0..3 {
        let disclosure = access().disclose("the file".to_owned(), Released::default());
        let (value, receipt) = ledger.disclose(disclosure).await.expect("recorded").into_parts();
        assert_eq!((value.as_str(), receipt.index), ("the file", index));
    }
    let refused = ledger.refuse(access().refuse(Code::parse("not-own-grid").expect("a code"), Vec::new())).await;
    assert_eq!(refused.expect("recorded").receipt().index, 3);

    let entries = ledger.entries(1, 9).await.expect("they are read and proved");
    assert_eq!(
        entries.iter().map(|(index, entry)| (*index, entry.count)).collect::<Vec<_>>(),
        [(1, 0), (2, 0), (3, 0)]
    );
    assert!(ledger.entries(4, 1).await.expect("the end").is_empty());
    assert_eq!(ledger.head().await.expect("a signed head"), service.ledger.head().1);
    assert!(matches!(client(&service, "not the secret").entries(0, 1).await, Err(LedgerError::Unavailable)));

    let get = async |path: &str| reqwest::get(format!("{}{path}", service.url)).await.expect("an answer");
    let note = get("/checkpoint").await.text().await.expect("text");
    let head = Checkpoint::open(&note, &service.ledger.verifier()).expect("it is signed");
    assert_eq!(head.size, 4);
    assert_eq!(get("/tile/entries/000.p/4").await.status(), 401, "who looked at whom is not for everybody");
    let entries = reqwest::Client::new().get(format!("{}/tile/entries/000.p/4", service.url)).bearer_auth(SECRET);
    let bundle = entries.send().await.expect("an answer").bytes().await.expect("bytes");
    assert_eq!(ledger::split_bundle(&bundle).expect("a bundle").len(), 4);
    assert_eq!(get("/tile/0/000.p/2").await.bytes().await.expect("bytes").len(), 64);
    let receipt: ledger::Receipt = get("/v1/proof/1").await.json().await.expect("a receipt");
    receipt.verify(&service.ledger.verifier()).expect("it verifies");
    for path in ["/tile/0/000", "/tile/0/000.p/5", "/tile/x", "/v1/proof/4", "/v1/consistency/9"] {
        assert_eq!(get(path).await.status(), 404, "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_disclosed_without_the_secret_or_without_the_service() {
    let service = start().await;
    let stranger = client(&service, "not the secret");
    let disclosure = access().disclose("the file", Released::default());
    assert!(matches!(stranger.disclose(disclosure).await, Err(LedgerError::Unavailable)));
    assert_eq!(service.ledger.head().0.size, 0);

    let ledger = client(&service, SECRET);
    service.server.abort();
    let _ = (&mut { service.server }).await;
    let disclosure = access().disclose("the file", Released::default());
    assert!(matches!(ledger.disclose(disclosure).await, Err(LedgerError::Unavailable)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_that_does_not_answer_counts_as_away_after_two_seconds() {
    let service = start().await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", silent.local_addr().expect("bound"));
    let key = service.ledger.verifier();
    let ledger = LedgerClient::Remote(RemoteLedger::new(&url, Sensitive::new(SECRET.into()), key).expect("a client"));
    let began = std::time::Instant::now();
    let disclosure = access().disclose("the file", Released::default());
    assert!(matches!(ledger.disclose(disclosure).await, Err(LedgerError::Unavailable)));
    assert!(began.elapsed() < std::time::Duration::from_millis(2_500));
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_bodies_are_refused_and_not_recorded() {
    let service = start().await;
    let post = async |body: &str| {
        let request = reqwest::Client::new().post(format!("{}/v1/entries", service.url)).bearer_auth(SECRET);
        let request = request.header("content-type", "application/json").body(body.to_owned());
        request.send().await.expect("an answer").status().as_u16()
    };
    assert_eq!(post("{").await, 400);
    assert_eq!(post(r#"{"entry": "AAAA", "role": "auditor"}"#).await, 400);
    assert_eq!(post(r#"{"entry": "*"}"#).await, 422);
    assert_eq!(post(r#"{"entry": "AAAA"}"#).await, 422);
    assert_eq!(post(&format!(r#"{{"entry": "{}"}}"#, "A".repeat(200 << 10))).await, 413);
    assert_eq!(service.ledger.head().0.size, 0);
}
