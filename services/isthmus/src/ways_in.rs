//! The ways in beside plain HTTP: watched directories, topics of others, and listeners with TLS that know senders by their
//! certificates.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use codec::{Documents, RegistryConfig};
use connector::Ingest;
use connector::http::OpenedFeeds;
use connector::topic::{self, TopicFeed, Values};
use connector::watch::{Watch, watch};
use connector_hospital::mllp::{self, Gate, Mllp};
use domain::FeedId;
use event_log::{EventLog, KafkaConfig, KafkaLog};
use runtime::Shutdown;
use runtime::http::Refused;
use runtime::tls::{ClientCertificate, TlsFiles, TlsListener};
use serde::Deserialize;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::hub::now;

/// The feed of messages that come by MLLP.
const MLLP_FEED: &str = "hospital-hl7";

/// Watched directories (`[watch]`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct WatchConfig {
    /// Folder of a folder for each feed, with `inbox`, `done` and `rejects` in it.
    dir: PathBuf,
    /// How long a file must have kept its size and time before it is taken.
    #[serde(default = "ten_seconds")]
    steady_seconds: u64,
}

const fn ten_seconds() -> u64 {
    10
}

/// A feed that comes from a topic (`[[topic]]`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TopicConfig {
    /// The feed; its profile reads lines of JSON.
    feed: FeedId,
    /// Name of the topic.
    topic: String,
    /// The cluster that has it; the hub's own log when absent.
    kafka: Option<KafkaConfig>,
    /// The registry with the schemas of Avro values; the values are JSON when absent.
    registry: Option<RegistryConfig>,
    /// A batch is closed after so many records,
    #[serde(default = "records_max")]
    batch_records_max: usize,
    /// or so many seconds after its first one.
    #[serde(default = "wait_seconds")]
    batch_seconds_max: u64,
}

const fn records_max() -> usize {
    10_000
}

const fn wait_seconds() -> u64 {
    2
}

/// Listeners that ask for certificates of their clients (`[tls]`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsConfig {
    /// Address of the HTTP interface with TLS.
    http_listen: Option<SocketAddr>,
    /// Address of the MLLP listener with TLS (connector-hospital).
    mllp_listen: Option<SocketAddr>,
    /// The listeners' certificate and what leads to its authority, PEM.
    certificate: PathBuf,
    /// Its private key, PEM.
    key: PathBuf,
    /// Authorities of the senders' certificates, PEM.
    client_authorities: PathBuf,
    /// Lists of revoked certificates, PEM.
    revoked: Option<PathBuf>,
    /// Whom the certificates belong to.
    #[serde(default, rename = "sender")]
    senders: Vec<SenderConfig>,
}

/// A sender that is known by its certificate (`[[tls.sender]]`).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SenderConfig {
    /// Who it is, in the operator's words.
    label: String,
    /// The feeds that the certificate opens.
    feeds: Vec<FeedId>,
    /// SHA-256 of the certificate's public key (SubjectPublicKeyInfo), in hexadecimal digits.
    key_sha256: Option<String>,
    /// A URI among the certificate's names.
    uri: Option<String>,
}

impl SenderConfig {
    fn check(&self) -> anyhow::Result<()> {
        let label = &self.label;
        ensure!(!self.feeds.is_empty(), "tls.sender \"{label}\" opens no feed: name some in feeds");
        match (&self.key_sha256, &self.uri) {
            (Some(digits), None) => {
                let sound = digits.len() == 64 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
                ensure!(sound, "tls.sender \"{label}\": key_sha256 has 64 hexadecimal digits");
                Ok(())
            }
            (None, Some(_)) => Ok(()),
            _ => bail!("tls.sender \"{label}\" is known by key_sha256 or by uri: name one of the two"),
        }
    }

    fn is(&self, certificate: &ClientCertificate) -> bool {
        let by_key = self.key_sha256.as_ref().is_some_and(|key| key.eq_ignore_ascii_case(&certificate.key_sha256));
        by_key || self.uri.as_ref().is_some_and(|uri| certificate.uris.contains(uri))
    }
}

impl TlsConfig {
    fn listener(&self) -> anyhow::Result<TlsListener> {
        self.senders.iter().try_for_each(SenderConfig::check)?;
        let files = TlsFiles {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            client_authorities: self.client_authorities.clone(),
            revoked: self.revoked.clone(),
        };
        TlsListener::open(&files).context("TLS cannot be had")
    }

    /// The feeds that a certificate opens.
    fn opened(&self, certificate: &ClientCertificate) -> Arc<[FeedId]> {
        let senders = self.senders.iter().filter(|sender| sender.is(certificate));
        senders.flat_map(|sender| &sender.feeds).cloned().collect()
    }
}

/// The addresses at which the ways in of a process listen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Listening {
    /// HTTP with TLS.
    pub(crate) tls_http: Option<SocketAddr>,
    /// MLLP with TLS.
    pub(crate) tls_mllp: Option<SocketAddr>,
}

/// Takes files from watched directories.
pub(crate) fn start_watch(
    config: &WatchConfig,
    ingest: Arc<Ingest>,
    shutdown: &Shutdown,
    tasks: &mut JoinSet<anyhow::Result<()>>,
) {
    let setup = Watch { root: config.dir.clone(), steady: Duration::from_secs(config.steady_seconds) };
    let stop = shutdown.token();
    tasks.spawn(async move {
        watch(ingest, setup, stop).await.context("the watched directories cannot be made: see watch.dir")
    });
}

/// Takes records from the topics of feeds that this process takes.
pub(crate) fn start_topics(
    configs: &[TopicConfig],
    ingest: &Arc<Ingest>,
    own_log: &EventLog,
    shutdown: &Shutdown,
    tasks: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<()> {
    for config in configs.iter().filter(|config| ingest.profile(&config.feed).is_some()) {
        topic::check(ingest, &config.feed)?;
        let log = match &config.kafka {
            Some(kafka) => EventLog::Kafka(KafkaLog::open(kafka).context("topic.kafka cannot be used")?),
            None => own_log.clone(),
        };
        let values = match &config.registry {
            Some(registry) => Values::Avro(Documents::new(registry).context("topic.registry cannot be used")?),
            None => Values::Json,
        };
        let source = TopicFeed {
            feed: config.feed.clone(),
            log,
            topic: config.topic.clone(),
            values,
            records_max: config.batch_records_max.max(1),
            wait_max: Duration::from_secs(config.batch_seconds_max),
        };
        let following = topic::follow(Arc::clone(ingest), source, shutdown.token());
        tasks.spawn(async move {
            following.await;
            Ok(())
        });
    }
    Ok(())
}

/// Takes messages by MLLP, from whoever reaches the address.
pub(crate) async fn start_mllp(
    address: SocketAddr,
    ingest: Arc<Ingest>,
    shutdown: &Shutdown,
    tasks: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<SocketAddr> {
    serve_mllp(address, "mllp_listen", ingest, Gate::Open, shutdown, tasks).await
}

async fn serve_mllp(
    address: SocketAddr,
    key: &str,
    ingest: Arc<Ingest>,
    gate: Gate,
    shutdown: &Shutdown,
    tasks: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<SocketAddr> {
    let listener = bind(address, key).await?;
    let bound = listener.local_addr()?;
    let feed = FeedId::parse(MLLP_FEED).context("a feed name")?;
    let mllp = Mllp { ingest, feed, clock: Arc::new(now), gate };
    let stop = shutdown.token();
    tasks.spawn(async move {
        mllp::serve(listener, mllp, stop).await;
        Ok(())
    });
    tracing::info!(mllp.address = %bound, "Hospital messages are taken by MLLP.");
    Ok(bound)
}

/// Listens with TLS: to HTTP with the routes of this process, and to MLLP where the process takes hospital messages. `refused` is told
/// of connections without a certificate that counts.
pub(crate) async fn start_tls(
    config: &TlsConfig,
    ingest: Option<Arc<Ingest>>,
    (router, refused): (Router, Refused),
    shutdown: &Shutdown,
    tasks: &mut JoinSet<anyhow::Result<()>>,
) -> anyhow::Result<Listening> {
    let tls = config.listener()?;
    let mut listening = Listening::default();
    if let Some(address) = config.http_listen {
        let listener = bind(address, "tls.http_listen").await?;
        listening.tls_http = Some(listener.local_addr()?);
        let (tls, refused, wish) = (tls.clone(), Arc::clone(&refused), shutdown.clone());
        let router = known_senders(config, router);
        tasks.spawn(async move {
            runtime::http::serve_tls(listener, tls, refused, router, wish).await;
            Ok(())
        });
    }
    let messages = ingest.filter(|ingest| ingest.profiles().any(|profile| profile.feed.as_str() == MLLP_FEED));
    if let (Some(address), Some(ingest)) = (config.mllp_listen, messages) {
        let known = config.clone();
        let opens = move |certificate: &ClientCertificate| {
            known.opened(certificate).iter().any(|feed| feed.as_str() == MLLP_FEED)
        };
        let gate = Gate::Certificates { tls, refused, opens: Arc::new(opens) };
        listening.tls_mllp = Some(serve_mllp(address, "tls.mllp_listen", ingest, gate, shutdown, tasks).await?);
    }
    Ok(listening)
}

/// Tells the routes which feeds the certificate of a connection opens.
fn known_senders(config: &TlsConfig, router: Router) -> Router {
    let config = Arc::new(config.clone());
    router.layer(from_fn(move |mut request: Request, next: Next| {
        if let Some(certificate) = request.extensions().get::<ClientCertificate>() {
            let opened = OpenedFeeds(config.opened(certificate));
            request.extensions_mut().insert(opened);
        }
        next.run(request)
    }))
}

async fn bind(address: SocketAddr, key: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.with_context(|| format!("{address} is taken: choose another address with {key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(sender: &str) -> TlsConfig {
        let files = "certificate = \"c\"\nkey = \"k\"\nclient_authorities = \"a\"\n";
        toml::from_str(&format!("{files}{sender}")).expect("readable")
    }

    #[test]
    fn a_certificate_opens_the_feeds_of_its_key_or_uri_and_no_others() {
        let key = "ab".repeat(32);
        let config = config(&format!(
            "[[sender]]\nlabel = \"One\"\nfeeds = [\"lab-results\"]\nkey_sha256 = \"{}\"\n\
             [[sender]]\nlabel = \"Two\"\nfeeds = [\"gate-scans\"]\nuri = \"spiffe://city/gates\"\n",
            key.to_uppercase()
        ));
        let opened = |key_sha256: &str, uri: &str| {
            let certificate = ClientCertificate { key_sha256: key_sha256.to_owned(), uris: vec![uri.to_owned()] };
            config.opened(&certificate).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(opened(&key, ""), ["lab-results"]);
        assert_eq!(opened("", "spiffe://city/gates"), ["gate-scans"]);
        assert_eq!(opened(&"cd".repeat(32), "spiffe://city/other"), [""; 0]);
    }

    #[test]
    fn a_sender_that_nobody_could_be_is_refused() {
        for sender in ["", "uri = \"u\"\nkey_sha256 = \"k\"", "key_sha256 = \"ab\""] {
            let config = config(&format!("[[sender]]\nlabel = \"One\"\nfeeds = [\"lab-results\"]\n{sender}\n"));
            let error = config.senders[0].check().expect_err("refused").to_string();
            assert!(error.contains("\"One\""), "{error}");
        }
    }
}
