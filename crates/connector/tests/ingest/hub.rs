//! A hub for one test: its own database, log, raw store and feeds, spoken to over its HTTP routes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use codec::Codec;
use connector::{BodyLimits, Feed, Ingest, IngestSetup, Profile, ProfileFeed, http, tokens};
use domain::{Event, EventType, FeedId, Timestamp};
use event_log::{EventLog, LogConfig, Positions, TopicSpec};
use serde_json::Value;
use store::Store;
use test_support::{TestDatabase, database, scratch_dir};
use tower::ServiceExt;

/// When the hub believes it is.
pub(crate) const NOW: &str = "2022-03-20T00:00:00Z";

/// Tickets: versions by time of change, sightings, a header.
pub(crate) const TICKETS: &str = r#"
feed = "tickets"
title = "Tickets"
connector = "test"
source = "rail"
source_kind = "transport"
owner = "Railway"
legal_basis = "Test"
retention_days = 30
emit = "TripSegment"
required = ["ticket_number", "train_number", "origin", "destination", "depart_time", "updated_time"]

[format]
kind = "delimited"
encoding = "gb18030"
header = true
quote = '"'

[time]
zone = "Asia/Shanghai"
formats = ["%Y-%m-%d %H:%M:%S"]

[columns]
ticket_number = ["票号", "电子客票号"]
train_number = "车次"
origin = "发站"
destination = "到站"
depart_time = "开车时间"
name = "姓名"
id_number = "证件号码"
updated_time = "操作时间"

[record]
prefix = "ticket"
key = ["ticket_number"]
version = "updated_time"
"#;

/// Scans: no versions, one JSON object a line.
pub(crate) const SCANS: &str = r#"
feed = "scans"
title = "Scans"
connector = "test"
source = "gates"
source_kind = "community"
owner = "Grid centre"
legal_basis = "Test"
retention_days = 30
emit = "GatePass"
required = ["record_id", "gate_id", "scan_time"]

[format]
kind = "ndjson"
encoding = "utf-8"

[time]
zone = "Asia/Shanghai"
formats = ["%Y-%m-%d %H:%M:%S"]

[columns]
record_id = "record_id"
gate_id = "gate_id"
scan_time = "scan_time"
temperature = "temp"
phone = "phone"
name = "name"

[record]
key = ["record_id"]
"#;

pub(crate) const TICKET_HEADER: &str = "票号,车次,发站,到站,开车时间,姓名,证件号码,操作时间";

/// One ticket row.
pub(crate) fn ticket(number: &str, name: &str, changed: &str) -> String {
    format!("{number},G7301,云浦,上海虹桥,2022-03-05 08:02:00,{name},11010519491231002X,{changed}")
}

/// A file of ticket rows in the feed's encoding.
pub(crate) fn ticket_file(rows: &[String]) -> Vec<u8> {
    gb18030(&format!("{TICKET_HEADER}\r\n{}\r\n", rows.join("\r\n")))
}

/// A text in GB 18030.
pub(crate) fn gb18030(text: &str) -> Vec<u8> {
    encoding_rs::GB18030.encode(text).0.into_owned()
}

/// One scan line.
pub(crate) fn scan(id: &str, phone: &str, temperature: &str) -> String {
    format!(
        r#"{{"record_id":"{id}","gate_id":"G1","scan_time":"2022-03-01 08:02:11","temp":{temperature},"phone":"{phone}"}}"#
    )
}

/// A hub.
pub(crate) struct Hub {
    pub(crate) database: TestDatabase,
    pub(crate) store: Store,
    pub(crate) log: EventLog,
    pub(crate) ingest: Arc<Ingest>,
    pub(crate) raw_dir: PathBuf,
    pub(crate) router: Router,
}

impl Hub {
    pub(crate) async fn start() -> Self {
        let database = database().await;
        let store = Store::connect(database.connect_options(), 10).await.expect("connects");
        store.migrate().await.expect("migrates");
        let hub = Self::start_on(database, store, scratch_dir("raw")).await;
        for feed in ["tickets", "scans"] {
            let id = FeedId::parse(feed).expect("a name");
            tokens::grant(&hub.store, &id, "test", &format!("token-{feed}")).await.expect("granted");
        }
        hub
    }

    /// A process that starts on what another one left.
    pub(crate) async fn start_on(database: TestDatabase, store: Store, raw_dir: PathBuf) -> Self {
        let feeds = [TICKETS, SCANS].map(|text| {
            let profile = Profile::parse("test", text).expect("a profile");
            Arc::new(ProfileFeed::new(profile).expect("a feed")) as Arc<dyn Feed>
        });
        Self::start_with(database, store, raw_dir, feeds.into()).await
    }

    /// A process with other feeds.
    pub(crate) async fn start_with(
        database: TestDatabase,
        store: Store,
        raw_dir: PathBuf,
        feeds: Vec<Arc<dyn Feed>>,
    ) -> Self {
        let log = EventLog::open(&LogConfig::default(), store.pool()).await.expect("opens");
        let now = Timestamp::parse(NOW).expect("an instant");
        let ingest = Arc::new(Ingest::new(IngestSetup {
            store: store.clone(),
            log: log.clone(),
            codec: Codec::builtin(),
            key: test_support::build::token_key(),
            raw_dir: raw_dir.clone(),
            limits: BodyLimits {
                body_bytes_max: 64 << 20,
                unpack_ratio_max: 100,
                stalled_after: Duration::from_secs(2),
                arriving_max: 4,
            },
            feeds,
            clock: Arc::new(move || now),
        }));
        let topics: Vec<TopicSpec> =
            ingest.event_types().iter().map(|event_type| TopicSpec::new(event_type.topic(), 2)).collect();
        log.ensure_topics(&topics).await.expect("topics");
        let (router, _) = http::router(Arc::clone(&ingest));
        Self { database, store, log, ingest, raw_dir, router }
    }

    pub(crate) async fn response(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.expect("infallible")
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> (StatusCode, Vec<u8>) {
        let response = self.response(request).await;
        let status = response.status();
        (status, to_bytes(response.into_body(), usize::MAX).await.expect("a body").into())
    }

    pub(crate) async fn send_json(&self, request: Request<Body>) -> (u16, Value) {
        let (status, body) = self.send(request).await;
        (status.as_u16(), serde_json::from_slice(&body).expect("JSON"))
    }

    /// Pushes a body with the feed's own token.
    pub(crate) async fn push(&self, feed: &str, body: impl Into<Body>) -> (u16, Value) {
        self.send_json(push_request(feed, "").body(body.into()).expect("a request")).await
    }

    pub(crate) async fn get(&self, feed: &str, path: &str) -> (u16, Value) {
        self.send_json(get_request(feed, path)).await
    }

    /// Every event of the log, each topic in order.
    pub(crate) async fn events(&self) -> Vec<Event> {
        let topics: Vec<&str> = self.ingest.event_types().iter().map(|event_type| event_type.topic()).collect();
        let end = self.log.end_positions(&topics).await.expect("positions");
        let mut reader = self.log.reader(&topics, Positions::new()).await.expect("a reader");
        let codec = Codec::builtin();
        let mut events = Vec::new();
        while !reader.positions().reached(&end) {
            for record in reader.next(1000, Duration::from_secs(5)).await.expect("records") {
                events.push(codec.decode(&record.position.topic, &record.payload).expect("an event"));
            }
        }
        events
    }

    pub(crate) async fn count(&self, event_type: EventType) -> usize {
        self.events().await.iter().filter(|event| event.event_type() == event_type).count()
    }

    /// Runs a statement as the database's owner.
    pub(crate) async fn execute(&self, sql: &'static str) {
        sqlx::query(sql).execute(&self.database.pool()).await.expect("executes");
    }

    /// Files of the raw store.
    pub(crate) fn raw_files(&self) -> usize {
        let folders = std::fs::read_dir(&self.raw_dir).expect("a folder");
        folders.flatten().filter_map(|folder| std::fs::read_dir(folder.path()).ok()).flatten().count()
    }
}

pub(crate) fn push_request(feed: &str, query: &str) -> axum::http::request::Builder {
    Request::post(format!("/v1/feeds/{feed}/batches{query}")).header("authorization", format!("Bearer token-{feed}"))
}

pub(crate) fn get_request(feed: &str, path: &str) -> Request<Body> {
    Request::get(path).header("authorization", format!("Bearer token-{feed}")).body(Body::empty()).expect("a request")
}

/// The counters of a receipt: rows, accepted, duplicate, superseded, quarantined, events.
pub(crate) fn counters(receipt: &Value) -> [i64; 6] {
    ["rows", "accepted", "duplicate", "superseded", "quarantined", "events"]
        .map(|name| receipt[name].as_i64().unwrap_or(-1))
}
