//! The access log as a process of its own: append, prove, verify.
//!
//! A thin HTTP side over the `ledger` crate: `POST /v1/entries` for those who must record before they answer,
//! and the log itself in the static form of C2SP tlog-tiles for those who check it.

mod http;
mod witness;
mod witnessing;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use domain::Sensitive;
use ledger::{LedgerHandle, OpenOptions, WitnessAddress};
use runtime::Shutdown;
use tokio::net::TcpListener;

pub use http::{LedgerState, PROBLEMS, router, service_router};
pub use witness::{WitnessConfig, run_witness, witness_router};
pub use witnessing::Witnessing;

/// The service's configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The log's directory.
    pub dir: PathBuf,
    /// The file of the signing key; created when missing.
    pub key_file: PathBuf,
    /// The log's name, which its heads bear.
    pub origin: String,
    /// The file that holds the bearer secret of those who may append.
    pub secret_file: PathBuf,
    /// The witnesses of its heads.
    pub witnesses: Vec<WitnessAddress>,
}

/// Runs the service until `shutdown` begins or a write to the log fails.
///
/// # Errors
/// When the log cannot be opened, the address cannot be had, or a write failed: then the process must end, since only a
/// fresh start can find out what is on the disk.
pub async fn run(config: Config, shutdown: Shutdown) -> anyhow::Result<()> {
    let secret = std::fs::read_to_string(&config.secret_file).context("the ledger's secret file cannot be read")?;
    let secret = Sensitive::new(secret.trim().to_owned());
    anyhow::ensure!(secret.expose().len() >= 32, "the ledger's secret has fewer than 32 characters");
    let options = OpenOptions {
        dir: config.dir.clone(),
        key_file: config.key_file.clone(),
        origin: config.origin.clone(),
        witnessed: Vec::new(),
    };
    let ledger = tokio::task::spawn_blocking(move || LedgerHandle::open(&options))
        .await
        .context("the ledger's start was interrupted")?
        .context("the ledger does not open")?;
    let witnessing =
        Witnessing::begin(&ledger, config.witnesses).await.context("the ledger's witnesses do not agree")?;
    let listener = TcpListener::bind(config.listen).await.context("the ledger's address cannot be had")?;
    tracing::info!(
        ledger.origin = config.origin,
        ledger.key = %ledger.verifier(),
        ledger.entries = ledger.head().0.size,
        "the ledger is open"
    );
    let app = service_router(LedgerState::new(ledger.clone(), &secret));
    if let Some(witnessing) = witnessing {
        tokio::spawn(witnessing.go_on(shutdown.clone()));
    }
    tokio::select! {
        served = runtime::http::serve(listener, app, shutdown) => served.context("the ledger's HTTP server failed")?,
        () = ledger.failed() => anyhow::bail!("a write to the ledger failed"),
    }
    ledger.close().await;
    Ok(())
}
