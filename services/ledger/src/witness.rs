//! A witness as a process of its own: `POST /add-checkpoint` of C2SP tlog-witness, and nothing else.
//!
//! It needs no secret of the log and sees no entry, so it belongs to others than those who run the hub.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use ledger::{LogVerifier, Witness, WitnessRefusal};
use runtime::Shutdown;
use tokio::net::TcpListener;

/// A proof of 63 hashes and a head with 64 signatures are far below it.
const BODY_BYTES_MAX: usize = 32 << 10;

/// What a witness is made of.
#[derive(Clone, Debug)]
pub struct WitnessConfig {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What it has seen, and its key; created when missing.
    pub dir: PathBuf,
    /// Its name: a URL without scheme.
    pub name: String,
    /// The keys of the logs that it knows.
    pub logs: Vec<LogVerifier>,
}

/// Runs a witness until `shutdown` begins.
///
/// # Errors
/// When what it has seen cannot be read, or the address cannot be had.
pub async fn run_witness(config: WitnessConfig, shutdown: Shutdown) -> anyhow::Result<()> {
    let WitnessConfig { listen, dir, name, logs } = config;
    let witness = tokio::task::spawn_blocking(move || Witness::open(&dir, &name, logs)).await?;
    let witness = witness.context("the witness does not open")?;
    let listener = TcpListener::bind(listen).await.context("the witness's address cannot be had")?;
    tracing::info!(witness.key = %witness.verifier(), http.address = %listener.local_addr()?, "The witness is up.");
    let app = witness_router(Arc::new(witness)).merge(runtime::http::process_routes());
    runtime::http::serve(listener, app, shutdown).await.context("the witness's HTTP server failed")
}

/// The route of a witness.
pub fn witness_router(witness: Arc<Witness>) -> Router {
    Router::new()
        .route("/add-checkpoint", post(add_checkpoint))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(witness)
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: String) -> Response {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let answer = tokio::task::spawn_blocking(move || witness.add_checkpoint(&body, seconds)).await;
    let refusal = match answer {
        Ok(Ok(line)) => return line.into_response(),
        Ok(Err(refusal)) => refusal,
        Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    };
    let status = match &refusal {
        WitnessRefusal::Stale(size) => {
            return (StatusCode::CONFLICT, [(header::CONTENT_TYPE, "text/x.tlog.size")], format!("{size}\n"))
                .into_response();
        }
        WitnessRefusal::Malformed(_) => StatusCode::BAD_REQUEST,
        WitnessRefusal::UnknownOrigin => StatusCode::NOT_FOUND,
        WitnessRefusal::BadSignature => StatusCode::FORBIDDEN,
        WitnessRefusal::Inconsistent => {
            tracing::error!("A log showed a head that does not extend the one seen before: it has two histories.");
            StatusCode::UNPROCESSABLE_ENTITY
        }
        WitnessRefusal::Storage(error) => {
            tracing::error!(error.cause = %error, "The witness cannot keep what it sees.");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    };
    (status, format!("{refusal}\n")).into_response()
}
