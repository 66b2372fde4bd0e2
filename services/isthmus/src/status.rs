//! `GET /v1/system/status`: is the hub up, does it keep up, and what does it hold. It says nothing of any person, so that an
//! operator may ask it every few seconds without filling the access log.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use access::{Role, TokenHash};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::{Json, Router};
use domain::EventType;
use event_log::{EventLog, Positions};
use ledger::LedgerClient;
use runtime::problem::{ProblemDocument, ProblemKind};
use serde::Serialize;
use store::{Store, callers, system, views};
use utoipa::ToSchema;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// How long the sizes of folders are good: a walk over all bodies is not made for each look.
const SIZES_AGE_MAX: Duration = Duration::from_secs(60);

/// What the route looks at.
pub(crate) struct Watch {
    pub(crate) store: Store,
    pub(crate) log: EventLog,
    pub(crate) ledger: LedgerClient,
    pub(crate) data_dir: PathBuf,
    /// Names of the services of this process.
    pub(crate) services: Vec<&'static str>,
    pub(crate) began: Instant,
    pub(crate) sizes: Mutex<Option<(Instant, Folders)>>,
}

/// Sizes of folders, in bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Folders {
    raw: u64,
    ledger: u64,
}

/// The state of the hub, as this process sees it.
#[derive(Serialize, ToSchema)]
struct StatusView {
    /// Version of the program.
    version: &'static str,
    /// Seconds since this process started.
    uptime_seconds: u64,
    /// Services of this process.
    services: Vec<&'static str>,
    /// The linkage model that decides.
    model: Option<String>,
    /// Persons, source records and facts in the views.
    persons: i64,
    /// Source records that state something.
    records: i64,
    /// Facts.
    facts: i64,
    /// Events that the projector could not apply.
    set_aside: i64,
    /// How far each topic is in the views.
    topics: Vec<TopicView>,
    /// The last day of each feed.
    feeds: Vec<FeedDayView>,
    /// What is on the disk.
    storage: StorageView,
    /// Entries of the access log that its newest head covers.
    ledger_entries: u64,
}

/// How far a topic is in the views.
#[derive(Serialize, ToSchema)]
struct TopicView {
    /// The topic.
    topic: &'static str,
    /// Events ever written to it.
    written: i64,
    /// Events that are not in the views yet.
    lag: i64,
}

/// The last day of a feed on which something came.
#[derive(Serialize, ToSchema)]
struct FeedDayView {
    /// The feed.
    feed: String,
    /// The day, in the feed's zone.
    day: String,
    /// Rows of that day.
    rows: i64,
    /// Rows of that day that were quarantined.
    quarantined: i64,
    /// When the last batch came.
    last_arrival: String,
}

/// What is on the disk, in bytes.
#[derive(Serialize, ToSchema)]
struct StorageView {
    /// The database: receipts, views and, where it is a table, the event log.
    database_bytes: i64,
    /// Bodies as they were pushed, at this process.
    raw_bytes: u64,
    /// The access log, at this process.
    ledger_bytes: u64,
}

/// The problems of this route that others do not have.
pub(crate) const PROBLEMS: &[ProblemKind] = &[OPERATOR_ONLY, STATUS_UNAVAILABLE];

const OPERATOR_ONLY: ProblemKind = ProblemKind {
    code: "operator-only",
    status: 403,
    meaning: "Only operators read the state of the hub.",
    mend: "Use the token of an operator; GET /readyz says without a token whether the hub answers.",
};
const STATUS_UNAVAILABLE: ProblemKind = ProblemKind {
    code: "status-unavailable",
    status: 503,
    meaning: "The database, the event log or the access log is away, so its state cannot be read.",
    mend: "GET /readyz says which part is away; the log of the process says why.",
};

/// The route, and what the OpenAPI document says of it.
pub(crate) fn router(watch: Watch) -> (Router, OpenApi) {
    OpenApiRouter::new().routes(routes!(read)).with_state(Arc::new(watch)).split_for_parts()
}

/// Says whether the hub keeps up and what it holds, in figures. For operators.
#[utoipa::path(
    get,
    path = "/v1/system/status",
    tag = "system",
    operation_id = "read_status",
    security(("operator-token" = [])),
    responses(
        (status = 200, description = "The state", body = StatusView),
        (status = 403, description = "No token of an operator", body = ProblemDocument),
        (status = 503, description = "A part of the hub is away", body = ProblemDocument),
    ),
)]
async fn read(State(watch): State<Arc<Watch>>, headers: HeaderMap) -> Result<Json<StatusView>, ProblemKind> {
    let is_operator = watch.is_operator(&headers).await.map_err(|error| away(&error))?;
    if !is_operator {
        return Err(OPERATOR_ONLY);
    }
    watch.look().await.map(Json).map_err(|error| away(&*error))
}

fn away(error: &dyn std::fmt::Display) -> ProblemKind {
    tracing::warn!(%error, "The state of the hub could not be read.");
    STATUS_UNAVAILABLE
}

impl Watch {
    async fn is_operator(&self, headers: &HeaderMap) -> store::Result<bool> {
        let header = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let Some((_, token)) = header.split_once(' ') else { return Ok(false) };
        let mut conn = self.store.acquire().await?;
        callers::has_role(&mut conn, TokenHash::of(token.trim()).as_bytes(), Role::Operator.code()).await
    }

    async fn look(&self) -> anyhow::Result<StatusView> {
        let topics: Vec<&'static str> = EventType::ALL.iter().map(|event_type| event_type.topic()).collect();
        let end = self.log.end_positions(&topics).await?;
        let mut conn = self.store.acquire().await?;
        let checkpoint = views::find_checkpoint(&mut conn).await?;
        let at: Positions = serde_json::from_value(checkpoint.positions)?;
        let counts = views::counts(&mut conn).await?;
        let feeds = system::last_days(&mut conn).await?;
        let database_bytes = system::database_bytes(&mut conn).await?;
        drop(conn);
        let folders = self.folders().await;
        Ok(StatusView {
            version: env!("CARGO_PKG_VERSION"),
            uptime_seconds: self.began.elapsed().as_secs(),
            services: self.services.clone(),
            model: checkpoint.model_version,
            persons: counts.persons,
            records: counts.records,
            facts: counts.facts,
            set_aside: counts.quarantined,
            topics: topics.into_iter().map(|topic| topic_view(topic, &end, &at)).collect(),
            feeds: feeds
                .into_iter()
                .map(|(feed, day)| FeedDayView {
                    feed,
                    day: day.day,
                    rows: day.rows,
                    quarantined: day.quarantined,
                    last_arrival: day.last_arrival.to_string(),
                })
                .collect(),
            storage: StorageView { database_bytes, raw_bytes: folders.raw, ledger_bytes: folders.ledger },
            ledger_entries: self.ledger.size().await?,
        })
    }

    async fn folders(&self) -> Folders {
        let kept = *self.sizes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, folders)) = kept.filter(|(at, _)| at.elapsed() < SIZES_AGE_MAX) {
            return folders;
        }
        let (raw, ledger) = (self.data_dir.join("raw"), self.data_dir.join("ledger"));
        let measured = tokio::task::spawn_blocking(move || Folders { raw: size(&raw), ledger: size(&ledger) }).await;
        let folders = measured.unwrap_or_default();
        *self.sizes.lock().unwrap_or_else(PoisonError::into_inner) = Some((Instant::now(), folders));
        folders
    }
}

fn topic_view(topic: &'static str, end: &Positions, at: &Positions) -> TopicView {
    let of_topic = end.iter().filter(|(name, _, _)| *name == topic);
    let (mut written, mut lag) = (0, 0);
    for (_, partition, next) in of_topic {
        written += next;
        lag += (next - at.get(topic, partition).unwrap_or(0)).max(0);
    }
    TopicView { topic, written, lag }
}

/// The bytes of the files below a folder; what goes away meanwhile counts for nothing.
fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let of_entry = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.flatten().map(of_entry).sum()
}
