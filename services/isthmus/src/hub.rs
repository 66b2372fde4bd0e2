//! The parts of a process, put together: database, log, codec, keys, and the services on top of them.
//!
//! The difference between the embedded and the deployed form is made here and nowhere else.

mod admin;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use axum::Router;
use codec::{Codec, RegistryConfig};
use connector::{BodyLimits, Feed, Ingest, IngestSetup, Profile};
use console::{Console, ConsoleSetup};
use domain::{EventType, Sensitive, Timestamp, TokenKey};
use event_log::{EventLog, LogConfig, TopicSpec};
use ledger::{LedgerClient, LedgerHandle, LogVerifier, PolicyHash, RemoteLedger};
use ledger_service::Witnessing;
use oidc::Oidc;
use query_api::{QuerySetup, QueryState, Trust};
use runtime::http::Refused;
use runtime::postgres::{PostgresOptions, PrivatePostgres};
use runtime::problem::ProblemKind;
use runtime::{Shutdown, keys};
use sqlx::postgres::PgConnectOptions;
use store::Store;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::cli::Service;
use crate::config::Config;
use crate::model::{self, http::Workshop};
use crate::quarantine::{self, desk::Desk, http::Office};
use crate::rules;
use crate::status::{self, Watch};
use crate::ways_in::{self, Listening};

pub(crate) use admin::{AdminDatabase, ledger_of_admin};

/// File in the data directory in which the process that holds the ledger says where it answers.
const ADDRESS_FILE: &str = "http.address";
/// Connections that one process opens at most.
const CONNECTIONS_MAX: u32 = 40;
/// The database of the hub inside the private PostgreSQL.
const DATABASE: &str = "isthmus";
/// How often segments of the log and raw bodies are looked at for their retention.
const RETENTION_EVERY: Duration = Duration::from_secs(3600);
/// How long to wait after unfinished batches could not be finished.
const RESUME_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// How often metrics are tidied and the ledger's unknown callers are summed up.
const UPKEEP_EVERY: Duration = Duration::from_secs(5);

/// Every service, for `serve` without names.
pub(crate) const ALL_SERVICES: [Service; 8] = [
    Service::ConnectorHospital,
    Service::ConnectorTelecom,
    Service::ConnectorTransport,
    Service::ConnectorPayment,
    Service::ConnectorCommunity,
    Service::Projector,
    Service::QueryApi,
    Service::Ledger,
];

/// What every service of a process works with.
pub(crate) struct Hub {
    /// The configuration.
    pub(crate) config: Config,
    /// The database.
    pub(crate) store: Store,
    /// The event log.
    pub(crate) log: EventLog,
    /// How events are written in it.
    pub(crate) codec: Codec,
    /// The key of claim tokens and record ids.
    pub(crate) token_key: TokenKey,
    postgres: Option<PrivatePostgres>,
}

/// Services that run, and where they listen.
pub(crate) struct Running {
    /// Address of the HTTP interface.
    pub(crate) http: std::net::SocketAddr,
    /// Address of the MLLP listener, when the hospital connector runs here.
    pub(crate) mllp: Option<std::net::SocketAddr>,
    /// The ledger of this process, when it runs here.
    pub(crate) ledger: Option<LedgerHandle>,
    /// The console, when the query API runs here.
    pub(crate) console: Option<Console>,
    tasks: JoinSet<anyhow::Result<()>>,
}

/// The wall clock.
pub(crate) fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

impl Hub {
    /// Opens database, log and keys; starts the private PostgreSQL where no other is configured.
    pub(crate) async fn open(config: Config) -> anyhow::Result<Self> {
        keys::passable_dir(&config.data_dir).context("the data directory cannot be made")?;
        keys::private_dir(&config.keys()).context("the key directory cannot be made")?;
        let token_key = keys::key_file(&config.keys().join("token.key")).context("the token key cannot be read")?;
        let (postgres, options) = database(&config).await?;
        let store = Store::connect(options, CONNECTIONS_MAX).await.context("the database cannot be reached")?;
        store.migrate().await.context("the database cannot be brought up to date")?;
        let log = EventLog::open(&config.log, store.pool()).await.context("the event log cannot be opened")?;
        let published = projector::published_topic(&log, config.partitions);
        let topics: Vec<TopicSpec> = topics(config.partitions).into_iter().chain(published).collect();
        log.ensure_topics(&topics).await.context("the topics cannot be made")?;
        let codec = codec(&config).await?;
        Ok(Self { config, store, log, codec, token_key: TokenKey::from_bytes(&token_key), postgres })
    }

    /// What the projector works with.
    pub(crate) fn projector(&self) -> anyhow::Result<projector::Config> {
        Ok(projector::Config {
            store: self.store.clone(),
            log: self.log.clone(),
            codec: self.codec.clone(),
            model: Arc::new(rules::model(&self.config.linkage_model)?),
            survivorship: Arc::new(rules::survivorship(&self.config)?),
            token_key: self.token_key.clone(),
            limits: projector::Limits::default(),
        })
    }

    /// Starts services; they run until the wish to stop, or until one of them fails.
    pub(crate) async fn start(&self, services: &[Service], shutdown: &Shutdown) -> anyhow::Result<Running> {
        let config = &self.config;
        let mut tasks = JoinSet::new();
        let mut router = Router::new();
        let ledger = self.ledger(services).await?;
        if let Some(handle) = &ledger {
            let secret = Sensitive::new(hex::encode(keys::key_file(&config.keys().join("ledger-secret.key"))?));
            router = router.merge(ledger_service::router(ledger_service::LedgerState::new(handle.clone(), &secret)));
            let witnessing = Witnessing::begin(handle, config.witnesses()?).await;
            if let Some(witnessing) = witnessing.context("the ledger's witnesses do not agree")? {
                let wish = shutdown.clone();
                tasks.spawn(async move {
                    witnessing.go_on(wish).await;
                    Ok(())
                });
            }
            let (handle, shutdown) = (handle.clone(), shutdown.clone());
            tasks.spawn(async move {
                tokio::select! {
                    () = handle.failed() => bail!("a write to the ledger failed: only a fresh start can tell what is on the disk"),
                    () = shutdown.wait() => Ok(()),
                }
            });
        }
        let feeds = feeds(services, config.feed_dir.as_deref())?;
        let ingest = if feeds.is_empty() { None } else { Some(self.ingest(feeds)) };
        let mut api = None;
        let mut problems: Vec<ProblemKind> = Vec::new();
        if let Some(ingest) = &ingest {
            Self::start_resume(ingest.clone(), shutdown, &mut tasks);
            let telling = ingest.clone().tell_senders(shutdown.token());
            tasks.spawn(async move {
                telling.await;
                Ok(())
            });
            let (mut feed_routes, mut document) = connector::http::router(ingest.clone());
            problems.extend(connector::http::PROBLEMS);
            match self.office(ingest, ledger.as_ref()) {
                Ok(Some(office)) => {
                    let office = Arc::new(office);
                    feed_routes = quarantine::handed_out::on_record(feed_routes, &office);
                    let (routes, of_operators) = quarantine::http::router(office);
                    router = router.merge(routes);
                    document.merge(of_operators);
                    problems.extend(quarantine::http::PROBLEMS);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "Nobody can be put on record here, so the quarantine is not offered over HTTP.");
                }
            }
            router = router.merge(feed_routes);
            api = Some(document);
        }
        let mllp = match &ingest {
            Some(ingest) if services.contains(&Service::ConnectorHospital) => {
                Some(ways_in::start_mllp(config.mllp_listen, ingest.clone(), shutdown, &mut tasks).await?)
            }
            _ => None,
        };
        if services.contains(&Service::Projector) {
            let (projector, shutdown) = (self.projector()?, shutdown.clone());
            tasks.spawn(async move { Ok(projector::run(projector, shutdown).await?) });
        }
        router = router.merge(runtime::http::process_routes());
        let mut console = None;
        // Only a process with the query API has the access log at hand; others count such connections.
        let mut refused: Refused = Arc::new(|| {});
        router = if services.contains(&Service::QueryApi) {
            let oidc = self.oidc().await?;
            let (state, site) = (self.query_state(ledger.as_ref(), oidc.clone(), shutdown)?, self.console(oidc));
            router = router.merge(site.router());
            problems.extend(console::PROBLEMS);
            let (routes_of_status, status_document) = status::router(self.watch(services, ledger.as_ref())?);
            router = router.merge(routes_of_status);
            problems.extend(status::PROBLEMS);
            let (routes_of_models, models_document) = model::http::router(self.workshop(ledger.as_ref())?);
            router = router.merge(routes_of_models);
            problems.extend(model::http::PROBLEMS);
            refused = query_api::record_refused_connections(state.clone());
            let (routes, mut document) = query_api::router(state.clone());
            document.merge(status_document);
            document.merge(models_document);
            if let Some(api) = api {
                document.merge(api);
            }
            let (index, wish) = (state.clone(), shutdown.clone());
            tasks.spawn(async move {
                query_api::follow_ledger(&index, &wish).await;
                Ok(())
            });
            let follower = state.clone();
            tasks.spawn(async move {
                query_api::follow_contacts(follower).await;
                Ok(())
            });
            let (sweep, wish) = (state.clone(), shutdown.clone());
            tasks.spawn(async move {
                while !wish.has_begun() {
                    tokio::select! {
                        () = wish.wait() => {}
                        () = tokio::time::sleep(UPKEEP_EVERY) => {}
                    }
                    query_api::flush_strangers(&sweep).await;
                }
                Ok(())
            });
            let router = query_api::finish(router.merge(routes), document, &problems, Some(state));
            console.insert(site).layer(router)
        } else {
            query_api::finish(router.merge(self.readiness()), api.unwrap_or_default(), &problems, None)
        };
        if let (Some(watch), Some(ingest)) = (&config.watch, &ingest) {
            ways_in::start_watch(watch, ingest.clone(), shutdown, &mut tasks);
        }
        if let Some(ingest) = &ingest {
            ways_in::start_topics(&config.topics, ingest, &self.log, shutdown, &mut tasks)?;
        }
        let with_tls = match &config.tls {
            Some(tls) => {
                ways_in::start_tls(tls, ingest.clone(), (router.clone(), refused), shutdown, &mut tasks).await?
            }
            None => Listening::default(),
        };
        self.start_upkeep(ingest, shutdown, &mut tasks);
        let listener = TcpListener::bind(config.http_listen)
            .await
            .with_context(|| format!("{} is taken: choose another address with http_listen", config.http_listen))?;
        let http = listener.local_addr()?;
        if ledger.is_some() {
            // For commands that put something on record while this process holds the ledger.
            std::fs::write(config.data_dir.join(ADDRESS_FILE), http.to_string())
                .context("the address cannot be written into the data directory")?;
        }
        let wish = shutdown.clone();
        tasks.spawn(async move { Ok(runtime::http::serve(listener, router, wish).await?) });
        tracing::info!(http.address = %http, with_tls.http = ?with_tls.tls_http, with_tls.mllp = ?with_tls.tls_mllp, "The hub is up.");
        Ok(Running { http, mllp, ledger, console, tasks })
    }

    /// Stops the private PostgreSQL, if there is one.
    pub(crate) async fn close(self) -> anyhow::Result<()> {
        self.store.pool().close().await;
        drop(self.log);
        if let Some(postgres) = self.postgres {
            postgres.stop().await.context("the private PostgreSQL did not stop")?;
        }
        Ok(())
    }

    fn ingest(&self, feeds: Vec<Arc<dyn Feed>>) -> Arc<Ingest> {
        let ingest = Ingest::new(IngestSetup {
            store: self.store.clone(),
            log: self.log.clone(),
            codec: self.codec.clone(),
            key: self.token_key.clone(),
            raw_dir: self.config.data_dir.join("raw"),
            limits: BodyLimits::default(),
            feeds,
            clock: Arc::new(now),
        });
        Arc::new(ingest)
    }

    /// Finishes batches that a crash left unfinished, beside everything else: a backlog keeps nobody waiting.
    fn start_resume(ingest: Arc<Ingest>, shutdown: &Shutdown, tasks: &mut JoinSet<anyhow::Result<()>>) {
        let wish = shutdown.clone();
        tasks.spawn(async move {
            loop {
                tokio::select! {
                    () = wish.wait() => return Ok(()),
                    resumed = ingest.resume() => match resumed {
                        Ok(0) => return Ok(()),
                        Ok(batches) => {
                            tracing::info!(batches, "Batches that were left unfinished are finished now.");
                            return Ok(());
                        }
                        Err(error) => tracing::error!(%error, "Unfinished batches cannot be finished now; it is tried again."),
                    },
                }
                tokio::select! {
                    () = wish.wait() => return Ok(()),
                    () = tokio::time::sleep(RESUME_AGAIN_AFTER) => {}
                }
            }
        });
    }

    /// The ledger of this process: when it is asked for, or when the query API has no other.
    async fn ledger(&self, services: &[Service]) -> anyhow::Result<Option<LedgerHandle>> {
        let asked = services.contains(&Service::Ledger);
        let needed = services.contains(&Service::QueryApi) && self.config.ledger_url.is_none();
        if !asked && !needed {
            return Ok(None);
        }
        let options = ledger_options(&self.config);
        let handle = tokio::task::spawn_blocking(move || LedgerHandle::open(&options))
            .await?
            .context("the ledger cannot be opened")?;
        keys::write_public(&self.config.keys().join("ledger.pub"), &handle.verifier().to_string())
            .context("ledger.pub cannot be written")?;
        Ok(Some(handle))
    }

    /// The ledger as the services of this process see it; `None` when there is none anywhere.
    fn ledger_client(&self, ledger: Option<&LedgerHandle>) -> anyhow::Result<Option<LedgerClient>> {
        Ok(match (&self.config.ledger_url, ledger) {
            (None, Some(handle)) => Some(LedgerClient::Local(handle.clone())),
            (Some(url), _) => Some(LedgerClient::Remote(remote_ledger(url, &self.config.keys())?)),
            (None, None) => None,
        })
    }

    /// The quarantine as operators see it over HTTP: where there is a ledger to put them on record.
    fn office(&self, ingest: &Arc<Ingest>, ledger: Option<&LedgerHandle>) -> anyhow::Result<Option<Office>> {
        let desk = Desk { store: self.store.clone(), ingest: ingest.clone() };
        let policy = PolicyHash(*rules::policy(self.config.permits.as_deref())?.hash().as_bytes());
        Ok(self.ledger_client(ledger)?.map(|ledger| Office { desk, ledger, policy }))
    }

    /// The OpenID provider that staff come from.
    async fn oidc(&self) -> anyhow::Result<Option<Oidc>> {
        if let Some(config) = &self.config.oidc {
            return Ok(Some(Oidc::discover(config.clone()).await?));
        }
        if matches!(self.config.log, LogConfig::Kafka(_)) {
            tracing::warn!("Staff come with tokens of the hub itself: a deployment names its OpenID provider.");
        }
        Ok(None)
    }

    /// Where operators work on the linkage model.
    fn workshop(&self, ledger: Option<&LedgerHandle>) -> anyhow::Result<Workshop> {
        Ok(Workshop {
            desk: model::Desk::of(self),
            ledger: self.ledger_client(ledger)?.context("the query API has no ledger")?,
            policy: PolicyHash(*rules::policy(self.config.permits.as_deref())?.hash().as_bytes()),
            busy: Arc::default(),
        })
    }

    /// What the state of the hub is read from.
    fn watch(&self, services: &[Service], ledger: Option<&LedgerHandle>) -> anyhow::Result<Watch> {
        Ok(Watch {
            store: self.store.clone(),
            log: self.log.clone(),
            ledger: self.ledger_client(ledger)?.context("the query API has no ledger")?,
            data_dir: self.config.data_dir.clone(),
            services: services.iter().map(|service| service.name()).collect(),
            began: Instant::now(),
            sizes: Mutex::default(),
        })
    }

    /// The console: its cookies go over TLS only, but for the demo and a hub that was started without a configuration.
    fn console(&self, oidc: Option<Oidc>) -> Console {
        let (store, secure) = (self.store.clone(), oidc.is_some() || self.config.tls.is_some());
        Console::new(ConsoleSetup { store, oidc, secure, clock: Arc::new(now) })
    }

    fn query_state(
        &self,
        ledger: Option<&LedgerHandle>,
        oidc: Option<Oidc>,
        wish: &Shutdown,
    ) -> anyhow::Result<QueryState> {
        Ok(QueryState::new(QuerySetup {
            store: self.store.clone(),
            ledger: self.ledger_client(ledger)?.context("the query API has no ledger")?,
            token_key: self.token_key.clone(),
            policy: rules::policy(self.config.permits.as_deref())?,
            trust: Trust::new(rules::suspicion(self.config.suspicion_rules.as_deref())?, self.config.grants()?),
            oidc,
            rules: rules::exposure(self.config.exposure_rules.as_deref())?,
            townships: rules::townships(self.config.townships.as_deref())?,
            key_groups: rules::key_groups(&self.config)?,
            log: self.log.clone(),
            codec: self.codec.clone(),
            clock: Arc::new(now),
            shutdown: wish.clone(),
        }))
    }

    /// `/readyz` of a process without query API: the database answers.
    fn readiness(&self) -> Router {
        let store = self.store.clone();
        let ready = async move || match store.acquire().await {
            Ok(_) => (axum::http::StatusCode::OK, "ready\n"),
            Err(_) => (axum::http::StatusCode::SERVICE_UNAVAILABLE, "the database is away\n"),
        };
        Router::new().route("/readyz", axum::routing::get(ready))
    }

    fn start_upkeep(&self, ingest: Option<Arc<Ingest>>, shutdown: &Shutdown, tasks: &mut JoinSet<anyhow::Result<()>>) {
        let (log, store, wish) = (self.log.clone(), self.store.clone(), shutdown.clone());
        let history_days = self.config.history_days;
        tasks.spawn(async move {
            let mut retention = tokio::time::interval(RETENTION_EVERY);
            let mut upkeep = tokio::time::interval(UPKEEP_EVERY);
            loop {
                tokio::select! {
                    () = wish.wait() => return Ok(()),
                    _ = upkeep.tick() => runtime::telemetry::metrics_upkeep(),
                    _ = retention.tick() => {
                        if let Err(error) = log.drop_expired(now()).await {
                            tracing::warn!(%error, "Expired segments of the log could not be dropped; it is tried again.");
                        }
                        if let Some(days) = history_days
                            && let Err(error) = prune_history(&store, days).await
                        {
                            tracing::warn!(%error, "The history of persons could not be pruned; it is tried again.");
                        }
                        if let Some(ingest) = &ingest
                            && let Err(error) = ingest.remove_expired().await
                        {
                            tracing::warn!(%error, "Expired bodies could not be removed; it is tried again.");
                        }
                        if let Some(ingest) = &ingest
                            && let Err(error) = ingest.watch_quality().await
                        {
                            tracing::warn!(%error, "The quality of feeds could not be looked at; it is tried again.");
                        }
                    }
                }
            }
        });
    }
}

async fn prune_history(store: &Store, days: u32) -> store::Result<u64> {
    let mut tx = store.begin("prune_history").await?;
    let gone = store::lineage::prune(&mut tx, now().plus_millis(-i64::from(days) * 86_400_000)).await?;
    tx.commit().await?;
    Ok(gone)
}

/// The feeds of the connectors among the services: built-in profiles, and those of a folder.
pub(crate) fn feeds(services: &[Service], folder: Option<&Path>) -> anyhow::Result<Vec<Arc<dyn Feed>>> {
    let mut feeds = Vec::new();
    for service in services {
        feeds.extend(match service {
            Service::ConnectorHospital => connector_hospital::feeds(folder)?,
            Service::ConnectorTelecom => connector_telecom::feeds(folder)?,
            Service::ConnectorTransport => connector_transport::feeds(folder)?,
            Service::ConnectorPayment => connector_payment::feeds(folder)?,
            Service::ConnectorCommunity => connector_community::feeds(folder)?,
            Service::Projector | Service::QueryApi | Service::Ledger => continue,
        });
    }
    Ok(feeds)
}

/// The feed that a profile declares, by the service that takes it.
pub(crate) fn declared(profile: Profile) -> anyhow::Result<Arc<dyn Feed>> {
    Ok(match profile.connector.as_str() {
        "hospital" => connector_hospital::feed(profile)?,
        "telecom" => connector_telecom::feed(profile)?,
        "transport" => connector_transport::feed(profile)?,
        "payment" => connector_payment::feed(profile)?,
        "community" => connector_community::feed(profile)?,
        other => bail!(
            "profile {}, key connector: there is no connector {other}; there are hospital, telecom, transport, payment and community",
            profile.feed
        ),
    })
}

impl Running {
    /// Waits until the wish to stop or until a service fails, then ends the others.
    pub(crate) async fn wait(mut self, shutdown: &Shutdown) -> anyhow::Result<()> {
        let mut failure = None;
        while !shutdown.has_begun() {
            tokio::select! {
                () = shutdown.wait() => {}
                ended = self.tasks.join_next() => match ended {
                    Some(Ok(Ok(()))) => {}
                    Some(Ok(Err(error))) => {
                        failure = Some(error);
                        shutdown.begin();
                    }
                    Some(Err(error)) => {
                        failure = Some(anyhow::Error::from(error).context("a service ended by a panic"));
                        shutdown.begin();
                    }
                    None => shutdown.begin(),
                },
            }
        }
        let drain = async { while self.tasks.join_next().await.is_some() {} };
        // Whatever does not end in time is cut off with the set.
        let _ = tokio::time::timeout(Duration::from_secs(35), drain).await;
        if let Some(ledger) = &self.ledger {
            ledger.close().await;
        }
        failure.map_or(Ok(()), Err)
    }
}

/// How events are written: with the ids of the configured registry, or of the built-in catalogue.
pub(crate) async fn codec(config: &Config) -> anyhow::Result<Codec> {
    match &config.schema_registry_url {
        Some(url) => Codec::remote(&RegistryConfig::at(url)).await.context("the schema registry refuses"),
        None => Ok(Codec::builtin()),
    }
}

async fn database(config: &Config) -> anyhow::Result<(Option<PrivatePostgres>, PgConnectOptions)> {
    if let Some(url) = &config.database_url {
        return Ok((None, url.parse().context("database_url is not an address of a PostgreSQL database")?));
    }
    let data_dir = std::path::absolute(config.data_dir.join("postgres"))?;
    let postgres = PrivatePostgres::start(&PostgresOptions::durable(data_dir)).await?;
    postgres.create_database(DATABASE, None).await?;
    let options = postgres.connect_options(DATABASE);
    Ok((Some(postgres), options))
}

/// Where the ledger of this data directory is.
fn ledger_options(config: &Config) -> ledger::OpenOptions {
    ledger::OpenOptions {
        dir: config.data_dir.join("ledger"),
        key_file: config.keys().join("ledger.key"),
        origin: config.ledger_origin.clone(),
        witnessed: Vec::new(),
    }
}

/// Asks for the ledger's public key once, from the file beside the keys.
fn remote_ledger(url: &str, keys: &Path) -> anyhow::Result<RemoteLedger> {
    let secret = Sensitive::new(hex::encode(keys::key_file(&keys.join("ledger-secret.key"))?));
    let file = keys.join("ledger.pub");
    let text =
        std::fs::read_to_string(&file).with_context(|| format!("{} is missing: run isthmus keys", file.display()))?;
    let key: LogVerifier = text.trim().parse().context("ledger.pub is not a verifier key")?;
    Ok(RemoteLedger::new(url, secret, key)?)
}

/// The topics of the log. Statements of identity, cases and registers are kept for ever, because the views are rebuilt from
/// them; movements are kept as long as tracing may use them, twice the window and a little.
pub(crate) fn topics(partitions: i32) -> Vec<TopicSpec> {
    let days = |event_type: EventType| match event_type {
        EventType::IdentityObserved
        | EventType::IdentityRetracted
        | EventType::HouseholdMembership
        | EventType::CaseStatus
        | EventType::PlaceRegistered
        | EventType::LinkDecided
        | EventType::ModelActivated
        | EventType::FollowUpChanged => None,
        EventType::PresenceInterval | EventType::TripSegment | EventType::PaymentMade | EventType::GatePass => Some(30),
        EventType::EncounterChanged | EventType::TestResult | EventType::MeterReading => Some(90),
    };
    let spec = |event_type: EventType| TopicSpec {
        retention: days(event_type).map(|days| Duration::from_secs(days * 86_400)),
        ..TopicSpec::new(event_type.topic(), partitions)
    };
    EventType::ALL.iter().map(|event_type| spec(*event_type)).collect()
}
