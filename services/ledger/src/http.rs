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
use runtime::problem::ProblemKind;
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
        .route("/rotation", get(rotation))
        .route("/cosigned", get(cosigned))
        .route("/tile/{*path}", get(tile))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .with_state(state)
}

/// Every problem of the ledger's routes.
pub const PROBLEMS: &[ProblemKind] =
    &[SECRET_WRONG, BODY_INVALID, BODY_TOO_LARGE, ENTRY_INVALID, NO_ENTRY, NO_TILE, NOT_COSIGNED, UNAVAILABLE];

const SECRET_WRONG: ProblemKind = ProblemKind {
    code: "token-invalid",
    status: 401,
    meaning: "The bearer secret is missing or wrong.",
    mend: "Send the secret of `ledger-secret.key`; auditors read entries through the query API.",
};
const BODY_INVALID: ProblemKind = ProblemKind {
    code: "body-malformed",
    status: 400,
    meaning: "The body is no JSON object with the member `entry`.",
    mend: "Send `{\"entry\": \"<base 64>\"}` as application/json.",
};
const BODY_TOO_LARGE: ProblemKind = ProblemKind {
    code: "body-too-large",
    status: 413,
    meaning: "The body is longer than an entry can be.",
    mend: "Send one entry of at most 64 KiB.",
};
const ENTRY_INVALID: ProblemKind = ProblemKind {
    code: "entry-invalid",
    status: 422,
    meaning: "The bytes are not an entry in its one encoding.",
    mend: "Encode it as the crate `ledger` does.",
};
const NO_ENTRY: ProblemKind = ProblemKind {
    code: "entry-unknown",
    status: 404,
    meaning: "The log has no such entry.",
    mend: "Ask for an index below the size of the signed head.",
};
const NO_TILE: ProblemKind = ProblemKind {
    code: "tile-unknown",
    status: 404,
    meaning: "The log has no such tile.",
    mend: "Name tiles as C2SP tlog-tiles does, of a size that a signed head reaches.",
};
const NOT_COSIGNED: ProblemKind = ProblemKind {
    code: "head-not-cosigned",
    status: 404,
    meaning: "No head of this log was cosigned by its witnesses yet, or it has none.",
    mend: "Configure witnesses of the ledger, or wait until they have answered.",
};
const UNAVAILABLE: ProblemKind = ProblemKind {
    code: "audit-unavailable",
    status: 503,
    meaning: "The ledger cannot take or read entries.",
    mend: "Try again shortly; if it goes on, the operator must look at the ledger's disk.",
};

/// A problem of these routes.
#[derive(Clone, Copy)]
struct Problem(ProblemKind);

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl From<LedgerError> for Problem {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::NoEntry(_) => Self(NO_ENTRY),
            LedgerError::Entry(_) => Self(ENTRY_INVALID),
            error => {
                tracing::error!(error.code = error.code(), "a request to the ledger failed");
                Self(UNAVAILABLE)
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
        return Err(Problem(SECRET_WRONG));
    }
    let Json(new) = body.map_err(|rejection| match rejection.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem(BODY_TOO_LARGE),
        _ => Problem(BODY_INVALID),
    })?;
    let bytes = STANDARD.decode(new.entry).map_err(|_| Problem(ENTRY_INVALID))?;
    let receipt = state.ledger.append_bytes(bytes).await?;
    Ok((StatusCode::CREATED, Json(receipt)))
}

/// Entries that one answer holds at most.
const ENTRIES_MAX: u64 = 1_024;

/// Entries from `first` on with their proofs, for the service that shows them to auditors.
async fn entries(
    State(state): State<LedgerState>,
    headers: HeaderMap,
    Path((first, count)): Path<(String, String)>,
) -> Result<Json<Vec<ProvenEntry>>, Problem> {
    if !state.admits(&headers) {
        return Err(Problem(SECRET_WRONG));
    }
    let (Ok(first), Ok(count)) = (first.parse(), count.parse::<u64>()) else { return Err(Problem(NO_ENTRY)) };
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

async fn proof(State(state): State<LedgerState>, Path(index): Path<String>) -> Result<Json<Receipt>, Problem> {
    let index = index.parse().map_err(|_| Problem(NO_ENTRY))?;
    Ok(Json(blocking(move || state.ledger.prove(index)).await?))
}

async fn consistency(
    State(state): State<LedgerState>,
    Path(size): Path<String>,
) -> Result<Json<serde_json::Value>, Problem> {
    let size = size.parse().map_err(|_| Problem(NO_ENTRY))?;
    let (proof, checkpoint) = blocking(move || state.ledger.consistency(size)).await?;
    Ok(Json(serde_json::json!({ "proof": proof, "checkpoint": checkpoint })))
}

async fn checkpoint(State(state): State<LedgerState>) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    (headers, state.ledger.head().1).into_response()
}

/// What the log's keys state of their successors.
async fn rotation(State(state): State<LedgerState>) -> Result<Json<Vec<String>>, Problem> {
    Ok(Json(blocking(move || state.ledger.statements()).await?))
}

/// The newest head that a quorum of witnesses cosigned.
async fn cosigned(State(state): State<LedgerState>) -> Result<Response, Problem> {
    let note = blocking(move || state.ledger.cosigned()).await?.ok_or(Problem(NOT_COSIGNED))?;
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, note).into_response())
}

async fn tile(
    State(state): State<LedgerState>,
    headers: HeaderMap,
    Path(path): Path<String>,
) -> Result<Response, Problem> {
    let missing = || Problem(NO_TILE);
    let tile = Tile::parse(&format!("tile/{path}")).ok_or_else(missing)?;
    let is_open = tile.kind != TileKind::Entries;
    if !is_open && !state.admits(&headers) {
        return Err(Problem(SECRET_WRONG));
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
