//! The HTTP side of the ledger.
//!
//! Appending and reading entries need the service's secret: an entry says who looked at somebody, and why. What proves
//! the log (heads, tiles of hashes, proofs) is open to whoever can reach the service: it says nothing of anybody, and its
//! worth lies in being checked by others.

use axum::Json;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Sensitive;
use ledger::{LedgerError, LedgerHandle, ProvenEntry, Receipt, Tile, TileKind};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// An entry is at most 64 KiB; base 64 and JSON around it.
const BODY_BYTES_MAX: usize = 96 << 10;

/// What the routes need.
#[derive(Clone, Debug)]
pub struct LedgerState {
    ledger: LedgerHandle,
    secret_hash: [u8; 32],
}

impl LedgerState {
    /// `secret` is the bearer secret of those who may append.
    pub fn new(ledger: LedgerHandle, secret: &Sensitive<String>) -> Self {
        Self { ledger, secret_hash: Sha256::digest(secret.expose()).into() }
    }

    fn admits(&self, headers: &HeaderMap) -> bool {
        let bearer = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "));
        // Comparing hashes tells nothing of the secret by its timing.
        bearer.is_some_and(|secret| <[u8; 32]>::from(Sha256::digest(secret)) == self.secret_hash)
    }
}

/// The routes of the ledger as a process of its own: [`router`], `/readyz`, and those that every process has.
pub fn service_router(state: LedgerState) -> Router {
    let ready = Router::new().route("/readyz", get(ready)).with_state(state.clone());
    router(state).merge(ready).merge(runtime::http::process_routes())
}

/// The routes of the ledger alone, to be merged with those of other services.
pub fn router(state: LedgerState) -> Router {
    Router::new()
        .route("/v1/entries", post(append))
        .route("/v1/entries/{first}/{count}", get(entries))
        .route("/v1/proof/{index}", get(proof))
        .route("/v1/consistency/{size}", get(consistency))
        .route("/checkpoint", get(checkpoint))
        .route("/tile/{*path}", get(tile))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(state)
}

struct Problem(StatusCode, &'static str, &'static str);

const SECRET_WRONG: Problem =
    Problem(StatusCode::UNAUTHORIZED, "token-invalid", "the bearer secret is missing or wrong");

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let body = serde_json::json!({
            "type": format!("urn:isthmus:problem:{}", self.1),
            "title": self.2,
            "status": self.0.as_u16(),
            "code": self.1,
        });
        let headers = [(header::CONTENT_TYPE, "application/problem+json"), (header::CACHE_CONTROL, "no-store")];
        (self.0, headers, body.to_string()).into_response()
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::NoEntry(_) => Self(StatusCode::NOT_FOUND, "no-entry", "the log has no such entry"),
            LedgerError::Entry(_) => {
                Self(StatusCode::UNPROCESSABLE_ENTITY, "entry-invalid", "the bytes are not an entry")
            }
            error => {
                tracing::error!(error.code = error.code(), "a request to the ledger failed");
                Self(StatusCode::SERVICE_UNAVAILABLE, "audit-unavailable", "the ledger is unavailable")
            }
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewEntry {
    /// The entry's deterministic encoding, base 64.
    entry: String,
}

async fn append(
    State(state): State<LedgerState>,
    headers: HeaderMap,
    body: Result<Json<NewEntry>, axum::extract::rejection::JsonRejection>,
) -> Result<(StatusCode, Json<Receipt>), Problem> {
    if !state.admits(&headers) {
        return Err(SECRET_WRONG);
    }
    let Json(new) = body.map_err(|rejection| {
        Problem(rejection.status(), "body-invalid", "the body is no JSON object with the member entry")
    })?;
    let bytes = STANDARD
        .decode(new.entry)
        .map_err(|_| Problem(StatusCode::UNPROCESSABLE_ENTITY, "entry-invalid", "the entry is not in base 64"))?;
    let receipt = state.ledger.append_bytes(bytes).await?;
    Ok((StatusCode::CREATED, Json(receipt)))
}

/// Entries that one answer holds at most.
const ENTRIES_MAX: u64 = 1_024;

/// Entries from `first` on with their proofs, for the service that shows them to auditors.
async fn entries(
    State(state): State<LedgerState>,
    headers: HeaderMap,
    Path((first, count)): Path<(u64, u64)>,
) -> Result<Json<Vec<ProvenEntry>>, Problem> {
    if !state.admits(&headers) {
        return Err(SECRET_WRONG);
    }
    let read = move || {
        let prove = |(index, bytes): (u64, Vec<u8>)| {
            Ok(ProvenEntry { entry: STANDARD.encode(bytes), receipt: state.ledger.prove(index)? })
        };
        let entries = state.ledger.read_bytes(first, count.min(ENTRIES_MAX))?;
        entries.into_iter().map(prove).collect::<Result<Vec<_>, LedgerError>>()
    };
    Ok(Json(blocking(read).await?))
}

/// Proofs and tiles of older entries read the disk.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LedgerError> + Send + 'static,
) -> Result<T, Problem> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(LedgerError::Unavailable.into()),
    }
}

async fn proof(State(state): State<LedgerState>, Path(index): Path<u64>) -> Result<Json<Receipt>, Problem> {
    Ok(Json(blocking(move || state.ledger.prove(index)).await?))
}

async fn consistency(
    State(state): State<LedgerState>,
    Path(size): Path<u64>,
) -> Result<Json<serde_json::Value>, Problem> {
    let (proof, checkpoint) = blocking(move || state.ledger.consistency(size)).await?;
    Ok(Json(serde_json::json!({ "proof": proof, "checkpoint": checkpoint })))
}

async fn checkpoint(State(state): State<LedgerState>) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (headers, state.ledger.head().1).into_response()
}

async fn tile(
    State(state): State<LedgerState>,
    headers: HeaderMap,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    let missing = || Problem(StatusCode::NOT_FOUND, "no-tile", "the log has no such tile");
    let tile = Tile::parse(&format!("tile/{path}")).ok_or_else(missing)?;
    let is_open = tile.kind != TileKind::Entries;
    if !is_open && !state.admits(&headers) {
        return Err(SECRET_WRONG);
    }
    let bytes = blocking(move || state.ledger.tile(tile)).await?.ok_or_else(missing)?;
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::CACHE_CONTROL, if is_open { "public, max-age=31536000, immutable" } else { "no-store" }),
    ];
    Ok((headers, bytes).into_response())
}

async fn ready(State(state): State<LedgerState>) -> Result<&'static str, Problem> {
    if state.ledger.is_ready() { Ok("ready\n") } else { Err(LedgerError::Unavailable.into()) }
}
