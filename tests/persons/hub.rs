//! A projector at work and a query API over the same PostgreSQL, with a real access log.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use access::{Caller, Policy, Role, TokenHash};
use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use codec::Codec;
use domain::{CaseState, CaseStatus, Event, IdentityRetracted, Meta, Op, PersonId, RecordId, RetractReason, Timestamp};
use event_log::{EventLog, LogConfig, Record, TopicSpec};
use ledger::{LedgerClient, LedgerHandle, OpenOptions};
use linkage::Model;
use projector::{Config, Limits, caught_up, topics};
use query_api::{QuerySetup, QueryState};
use runtime::Shutdown;
use serde_json::{Value, json};
use store::{PgInstant, Store, callers, views};
use test_support::build::{self, NOON, event, meta_at, token_key};
use test_support::{TestDatabase, database, scratch_dir, wait_for};
use tokio::task::JoinHandle;
use tower::ServiceExt;

/// The case that everybody works on.
const CASE: &str = "SZ-2022-7";

/// The hub; its projector runs until it is dropped.
pub(crate) struct Hub {
    pub(crate) config: Config,
    pub(crate) database: TestDatabase,
    pub(crate) app: Router,
    shutdown: Shutdown,
    projector: JoinHandle<Result<(), projector::Error>>,
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.shutdown.begin();
        self.projector.abort();
    }
}

/// Who asks.
#[derive(Clone, Copy)]
pub(crate) enum By {
    Tracer,
    Steward,
    Operator,
    Subscriber,
}

impl By {
    const ALL: [(Self, &'static str, Role); 4] = [
        (Self::Tracer, "tracer", Role::CdcTracer),
        (Self::Steward, "steward", Role::DataSteward),
        (Self::Operator, "operator", Role::Operator),
        (Self::Subscriber, "subscriber", Role::Subscriber),
    ];

    pub(crate) const fn token(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

impl Hub {
    pub(crate) async fn start() -> Self {
        let database = database().await;
        let store = Store::connect(database.connect_options(), 12).await.expect("connected");
        store.migrate().await.expect("migrated");
        let log = EventLog::open(&LogConfig::default(), store.pool()).await.expect("a log");
        let specs: Vec<TopicSpec> = topics().into_iter().map(|topic| TopicSpec::new(topic, 2)).collect();
        log.ensure_topics(&specs).await.expect("topics");
        let mut conn = store.acquire().await.expect("a connection");
        for (_, handle, role) in By::ALL {
            let (handle, organisation) = (handle.to_owned(), "org-1".to_owned());
            let caller = Caller { handle, organisation, role, unit: None, own_claim: None };
            callers::put(&mut conn, &caller, &TokenHash::of(&caller.handle)).await.expect("put");
        }
        drop(conn);
        let limits = Limits { wait: Duration::from_millis(20), ..Limits::default() };
        let config = Config {
            store: store.clone(),
            log: log.clone(),
            codec: Codec::builtin(),
            model: Arc::new(Model::zh()),
            survivorship: Arc::default(),
            token_key: token_key(),
            limits,
        };
        let dir = scratch_dir("persons");
        let options = OpenOptions {
            dir: dir.join("log"),
            key_file: dir.join("ledger.key"),
            origin: "ledger.test/access".to_owned(),
            witnessed: Vec::new(),
        };
        let ledger = LedgerHandle::open(&options).expect("opened");
        let shutdown = Shutdown::new();
        // Decisions of one test come one after the other; nothing here depends on the hour.
        let clock = AtomicI64::new(NOON.plus_millis(365 * 86_400_000 * 20).as_millis());
        let state = QueryState::new(QuerySetup {
            store,
            ledger: LedgerClient::Local(ledger),
            token_key: token_key(),
            policy: Policy::builtin().expect("valid"),
            trust: query_api::Trust::default(),
            rules: exposure::Rules::default(),
            townships: exposure::Townships::default(),
            key_groups: query_api::KeyGroups::default(),
            oidc: None,
            log,
            codec: Codec::builtin(),
            clock: Arc::new(move || Timestamp::from_millis(clock.fetch_add(1, Ordering::Relaxed))),
            shutdown: shutdown.clone(),
        });
        let projector = tokio::spawn(projector::run(config.clone(), shutdown.clone()));
        let hub = Self { config, database, app: query_api::app(state), shutdown, projector };
        let case = CaseStatus { case_id: CASE.to_owned(), state: CaseState::Confirmed, ..CaseStatus::default() };
        hub.take_in(&[event(build::meta("disease-control", CASE), case)]).await;
        hub
    }

    /// Appends events to the log.
    pub(crate) async fn publish(&self, events: &[Event]) {
        let record = |event: &Event| {
            let encoded = self.config.codec.encode(event).expect("encoded");
            let (topic, key) = (encoded.topic.to_owned(), encoded.key);
            Record { topic, key, payload: encoded.payload, headers: encoded.headers }
        };
        self.config.log.append(events.iter().map(record).collect()).await.expect("appended");
    }

    /// Appends events and waits until the views hold them.
    pub(crate) async fn take_in(&self, events: &[Event]) {
        self.publish(events).await;
        let end = self.config.log.end_positions(&topics()).await.expect("positions");
        let store = &self.config.store;
        wait_for("the views are at the end of the log", async || caught_up(store, &end).await.expect("read")).await;
    }

    /// An instant after all that the views hold, and before all that comes.
    pub(crate) async fn instant(&self) -> Timestamp {
        let mut conn = self.config.store.acquire().await.expect("a connection");
        let PgInstant(now) = sqlx::query_scalar("SELECT date_trunc('milliseconds', clock_timestamp())")
            .fetch_one(&mut *conn)
            .await
            .expect("read");
        tokio::time::sleep(Duration::from_millis(3)).await;
        now
    }

    /// What a rebuild looks at to see whether it is to end.
    pub(crate) fn stopper(&self) -> Shutdown {
        Shutdown::new()
    }

    /// Where its database is, as the configuration of a hub says it.
    pub(crate) async fn database_url(&self) -> String {
        let socket = test_support::postgres().await.socket_dir().display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{socket}/{}", self.database.name())
    }

    pub(crate) async fn person_of(&self, record: RecordId) -> PersonId {
        let mut conn = self.config.store.acquire().await.expect("a connection");
        views::find_person_of_record(&mut conn, record).await.expect("read").expect("a person")
    }

    pub(crate) async fn ask(&self, by: By, method: &str, path: &str, body: Option<Value>) -> (StatusCode, Value) {
        let purpose = if matches!(by, By::Tracer) { "PUBHLTH" } else { "HOPERAT" };
        let body = body.map(|body| body.to_string().into_bytes()).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", format!("Bearer {}", by.token()))
            .header("isthmus-purpose", purpose)
            .header("isthmus-case", CASE)
            .header("content-type", "application/json")
            .header("content-length", body.len())
            .body(Body::from(body))
            .expect("a request");
        let response = self.app.clone().oneshot(request).await.expect("infallible");
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 16 << 20).await.expect("a body");
        let mut answer: Value = serde_json::from_slice(&bytes).expect("json");
        if let Some(members) = answer.as_object_mut() {
            members.remove("receipt");
        }
        (status, answer)
    }

    /// Asks as a tracer who works on a case; the answer is there.
    pub(crate) async fn get(&self, path: &str) -> Value {
        let (status, answer) = self.ask(By::Tracer, "GET", path, None).await;
        assert_eq!(status, StatusCode::OK, "{path} {answer}");
        answer
    }

    /// What is open for review.
    pub(crate) async fn tasks(&self) -> Vec<Value> {
        let (status, answer) = self.ask(By::Steward, "GET", "/v1/reviews?limit=200", None).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["tasks"].as_array().expect("a list").clone()
    }

    /// Decides on a pair, as a steward.
    pub(crate) async fn decide(&self, a: RecordId, b: RecordId, verdict: &str) -> Value {
        let question = json!({ "record_a": a.as_uuid(), "record_b": b.as_uuid(), "verdict": verdict,
                               "reason": "DOCUMENT_SEEN" });
        let (status, answer) = self.ask(By::Steward, "POST", "/v1/decisions", Some(question)).await;
        assert_eq!((status, &answer["applied"]), (StatusCode::OK, &json!(true)), "{answer}");
        answer["decision"].clone()
    }

    /// Takes a decision back, as a steward.
    pub(crate) async fn undo(&self, decision: &Value) -> Value {
        let path = format!("/v1/decisions/{}", decision["decision_id"].as_str().expect("an id"));
        let why = json!({ "reason": "MISTAKEN", "version": decision["version"] });
        let (status, answer) = self.ask(By::Steward, "DELETE", &path, Some(why)).await;
        assert_eq!((status, &answer["applied"]), (StatusCode::OK, &json!(true)), "{answer}");
        answer
    }

    /// All that the API says of the persons of these records, and of what is open for review.
    pub(crate) async fn told(&self, records: &[RecordId]) -> Value {
        let mut told = serde_json::Map::new();
        for record in records {
            let id = self.person_of(*record).await;
            for route in ["", "/records", "/links"] {
                told.insert(format!("{id}{route}"), self.get(&format!("/v1/persons/{id}{route}")).await);
            }
        }
        told.insert("tasks".to_owned(), self.tasks().await.into());
        told.into()
    }
}

/// A statement of a version, made so many hours after noon.
pub(crate) fn says(source: &str, key: &str, version: i64, hours: i64, who: build::Statement) -> Event {
    who.event(meta_at(source, key, version, NOON.plus_millis(hours * 3_600_000)))
}

/// A source takes a record back.
pub(crate) fn withdraws(source: &str, key: &str, version: i64) -> Event {
    let meta = Meta { op: Op::Retract, ..meta_at(source, key, version, NOON) };
    event(meta, IdentityRetracted { reason: RetractReason::Deleted, survivor: None })
}
