//! A hub without connectors: a database, a log in its table, and a projector.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use codec::Codec;
use domain::{ClaimToken, Event, EventType, PersonId, RecordId};
use event_log::{EventLog, LogConfig, Record, TopicSpec};
use linkage::Model;
use projector::{Config, Limits, caught_up, run, topics};
use runtime::Shutdown;
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use store::Store;
use store::views::{self, ClaimRow, FactRow, PersonRow, Schema};
use test_support::build::token_key;
use test_support::{database, wait_for};
use tokio::task::JoinHandle;

/// A database, a log and how to project.
pub(crate) struct Hub {
    pub(crate) config: Config,
}

impl Hub {
    /// A new hub with an empty log of two partitions per topic.
    pub(crate) async fn new() -> Self {
        let store = Store::connect(database().await.connect_options(), 8).await.expect("connected");
        store.migrate().await.expect("migrated");
        let log = EventLog::open(&LogConfig::default(), store.pool()).await.expect("a log");
        let topics: Vec<TopicSpec> = topics().into_iter().map(|topic| TopicSpec::new(topic, 2)).collect();
        log.ensure_topics(&topics).await.expect("topics");
        let limits = Limits { wait: Duration::from_millis(20), ..Limits::default() };
        let model = Arc::new(Model::zh());
        let survivorship = Arc::default();
        let config =
            Config { store, log, codec: Codec::builtin(), model, survivorship, token_key: token_key(), limits };
        Self { config }
    }

    /// A hub that takes in at most so many events at once.
    pub(crate) async fn with_batches_of(events_max: usize) -> Self {
        let mut hub = Self::new().await;
        hub.config.limits.batch_events_max = events_max;
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

    /// Appends bytes that are no event.
    pub(crate) async fn publish_garbage(&self, topic: EventType) {
        let record =
            Record { topic: topic.topic().to_owned(), key: b"k".to_vec(), payload: vec![0, 0, 0], headers: Vec::new() };
        self.config.log.append(vec![record]).await.expect("appended");
    }

    /// Starts a projector.
    pub(crate) fn start(&self) -> Running {
        let shutdown = Shutdown::new();
        let task = tokio::spawn(run(self.config.clone(), shutdown.clone()));
        Running { shutdown, task }
    }

    /// Waits until the views hold all that is in the log.
    pub(crate) async fn caught_up(&self) {
        let end = self.config.log.end_positions(&topics()).await.expect("positions");
        let store = &self.config.store;
        wait_for("the projector is at the end of the log", async || caught_up(store, &end).await.expect("read")).await;
    }

    /// Projects all that is in the log by the configured rules, and stops.
    pub(crate) async fn project(&self) {
        let running = self.start();
        self.caught_up().await;
        // Other rules bring no event: the checkpoint does not tell whether they were followed.
        let rules = self.config.survivorship.version();
        wait_for("the rules of the views are those configured", async || {
            let shown = views::find_model(&mut *self.conn().await).await.expect("read");
            shown.is_none_or(|row| row.survivorship_version == rules)
        })
        .await;
        running.stop().await;
    }

    /// Publishes and projects.
    pub(crate) async fn take_in(&self, events: &[Event]) {
        self.publish(events).await;
        self.project().await;
    }

    pub(crate) async fn fingerprint(&self) -> BTreeMap<&'static str, String> {
        views::fingerprint(&mut *self.conn().await, Schema::Active).await.expect("a fingerprint")
    }

    pub(crate) async fn conn(&self) -> PoolConnection<Postgres> {
        self.config.store.acquire().await.expect("a connection")
    }

    /// The person of a record now.
    pub(crate) async fn person_of(&self, record: RecordId) -> Option<PersonId> {
        views::find_person_of_record(&mut *self.conn().await, record).await.expect("read")
    }

    /// The file of a person.
    pub(crate) async fn person(&self, person: PersonId) -> Option<PersonRow> {
        views::find_person(&mut *self.conn().await, person).await.expect("read")
    }

    /// All facts with this subject.
    pub(crate) async fn facts(&self, subject: ClaimToken) -> Vec<FactRow> {
        let filter = views::FactFilter {
            subjects: &[subject],
            kinds: &[],
            from: store::PgInstant::MIN.0,
            to: store::PgInstant::MAX.0,
            after: None,
            limit: 1000,
            known_at: None,
        };
        views::list_facts(&mut *self.conn().await, &filter).await.expect("read")
    }

    /// Who claims the token.
    pub(crate) async fn claims(&self, token: ClaimToken) -> Vec<ClaimRow> {
        views::list_claims_of_tokens(&mut *self.conn().await, &[token], 100).await.expect("read")
    }
}

/// A projector at work.
pub(crate) struct Running {
    pub(crate) shutdown: Shutdown,
    pub(crate) task: JoinHandle<Result<(), projector::Error>>,
}

impl Running {
    /// Lets it finish what it has begun.
    pub(crate) async fn stop(self) {
        self.shutdown.begin();
        self.task.await.expect("no panic").expect("stopped well");
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) async fn kill(self) {
        self.task.abort();
        let _ = self.task.await;
    }
}
