//! The HTTP interface of senders: push a file, read its receipt, fetch what failed.
//!
//! Every route but the list of reasons needs a feed token or a certificate that opens the feed; a token opens one feed. No
//! address and no answer carries a personal value, but for the file of failed rows, which is the sender's own.

mod credentials;
mod document;
mod feeds;
mod problem;
mod quarantine;
mod query;
mod receipts;
mod rows;
mod uploads;

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, http::HeaderValue};
use domain::{BatchId, FeedId};
use runtime::problem::ProblemDocument;
use serde::Serialize;
use store::ingest;
use utoipa::OpenApi as _;
use utoipa::ToSchema;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::ingest::{Ingest, note_refused};
use crate::profile::Profile;
use crate::raw::Compression;
use crate::reason::Reason;
use crate::receipt::{DryRun, Receipt};

pub use credentials::OpenedFeeds;
use credentials::{Credentials, enter};
use document::{Document, FeedPath, Stranger};
pub use problem::{FeedProblem, PROBLEMS};
pub(crate) use quarantine::failed_rows;
pub use query::{Query, parse as parse_query};

/// Rows and batches that a page of a listing has at most.
const PAGE_MAX: i64 = 1_000;
const PAGE: i64 = 100;

/// The routes of the feeds of this process, and what the OpenAPI document says of them.
pub fn router(ingest: Arc<Ingest>) -> (Router, OpenApi) {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(push, receipts::list_batches))
        .routes(routes!(receipts::read_batch))
        .routes(routes!(rows::list_rows))
        .routes(routes!(rows::read_row))
        .routes(routes!(quarantine::download))
        .merge(uploads::router())
        .routes(routes!(list_feeds))
        .routes(routes!(feeds::read_feed))
        .routes(routes!(feeds::read_quality))
        .routes(routes!(list_reasons))
        .with_state(ingest)
        .split_for_parts()
}

/// A feed as its sender sees it.
#[derive(Debug, Serialize, ToSchema)]
struct FeedView {
    /// Name in addresses.
    feed: String,
    /// What people call it.
    title: String,
    /// The version of its profile, as receipts name it.
    profile_version: String,
    /// Department that answers for it.
    owner: String,
    /// On what ground the data may be processed.
    legal_basis: String,
    /// The same in Chinese, where the profile says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    legal_basis_zh: Option<String>,
    /// How long bodies are kept, in days.
    retention_days: u32,
    /// The form of the rows, such as `delimited`.
    format: &'static str,
    /// Encoding of the text.
    encoding: &'static str,
    /// Columns: the canonical field, and the names that it goes by (or its place).
    columns: Vec<ColumnView>,
    /// Forms of times that are read.
    time_formats: Vec<String>,
    /// Where to push.
    batches: String,
}

/// A column of a feed.
#[derive(Debug, Serialize, ToSchema)]
struct ColumnView {
    /// Canonical field.
    field: &'static str,
    /// Names in the header, or the place as `column N`.
    names: Vec<String>,
    /// It must not be empty.
    required: bool,
}

/// A reason for which rows are quarantined or bodies refused.
#[derive(Debug, Serialize, ToSchema)]
struct RowReasonView {
    /// Stable code.
    code: &'static str,
    /// What it means.
    meaning: &'static str,
    /// What the sender does about it.
    mend: &'static str,
    /// What it means, in Chinese.
    meaning_zh: &'static str,
    /// What the sender does about it, in Chinese.
    mend_zh: &'static str,
}

/// How the body is compressed: by its content encoding, or because it is a zip where the feed's own form is none.
fn compression(headers: &HeaderMap) -> Result<Compression, FeedProblem> {
    let Some(value) = headers.get(header::CONTENT_ENCODING) else {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        return Ok(Compression::of_type(kind));
    };
    value.to_str().ok().and_then(Compression::of_encoding).ok_or_else(|| FeedProblem::Refused {
        reason: Reason::CompressionUnknown,
        message: "the Content-Encoding is none of gzip, zstd, zip and identity".to_owned(),
    })
}

/// Push a file.
///
/// The body is the file, of any size, plain or with `Content-Encoding: gzip`, `zstd` or `zip` (a zip archive of one or several
/// files; `Content-Type: application/zip` and the like say the same). A body of which neither is said is told by its first
/// bytes. The answer comes when every row has its
/// outcome and every event is durable. The same bytes again give the same receipt, with `repeated` set, and do nothing.
/// Mended rows that lost their marks are pushed with `mends` and the batch in which they failed: they take the places of the failed
/// rows of its file, in their order.
/// With `Prefer: respond-async` the answer comes as soon as the body is durable; the receipt's address tells the progress.
#[utoipa::path(
    post,
    path = "/v1/feeds/{feed}/batches",
    tag = "feeds",
    security(("feed-token" = [])),
    params(
        FeedPath,
        ("dry_run" = Option<bool>, Query, description = "Only say what the push would do"),
        ("mends" = Option<String>, Query, description = "Batch whose failed rows these are, mended. Rows without a mark mend them in their order, if there are as many"),
    ),
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The file"),
    responses(
        (status = 201, description = "Read to its end", body = Receipt),
        (status = 200, description = "Read before, or a dry run (then a document of the schema DryRun)", body = Receipt),
        (status = 202, description = "Durable; it is being read", body = Receipt),
        (status = 400, description = "The body is broken; nothing was applied", body = ProblemDocument),
        Stranger,
        (status = 408, description = "The body stopped arriving; nothing was applied", body = ProblemDocument),
        (status = 413, description = "Too large", body = ProblemDocument),
        (status = 415, description = "Compressed in an unknown way", body = ProblemDocument),
        (status = 422, description = "The file does not fit its profile; nothing was applied", body = ProblemDocument),
        (status = 429, description = "The feed has spent its rows a minute; push again after Retry-After", body = ProblemDocument),
        (status = 503, description = "Too many bodies at once, or a part of the hub is away; push again", body = ProblemDocument),
    ),
)]
async fn push(
    State(ingest): State<Arc<Ingest>>,
    Path(feed): Path<String>,
    RawQuery(query): RawQuery,
    headers: Credentials,
    body: Body,
) -> Result<Response, FeedProblem> {
    let feed = enter(&ingest, &headers, &feed).await?;
    let query = query::parse(query.as_deref(), &["dry_run", "mends"])?;
    let mends = mended_batch(&query)?;
    if query.flag("dry_run")? {
        let (compression, declared) = (compression(&headers)?, declared_bytes(&headers));
        let run: DryRun = ingest.dry_run(&feed, mends, compression, declared, body.into_data_stream()).await?;
        return Ok(Json(run).into_response());
    }
    take_body(&ingest, &feed, mends, headers, body).await.inspect_err(|problem| note(&feed, problem))
}

/// Notes a body that was refused.
fn note(feed: &FeedId, problem: &FeedProblem) {
    if let FeedProblem::Refused { reason, .. } = problem {
        note_refused(feed, *reason);
    }
}

async fn take_body(
    ingest: &Arc<Ingest>,
    feed: &FeedId,
    mends: Option<BatchId>,
    headers: Credentials,
    body: Body,
) -> Result<Response, FeedProblem> {
    let (compression, declared) = (compression(&headers)?, declared_bytes(&headers));
    let (batch, repeated) = ingest.accept_mending(feed, mends, compression, declared, body.into_data_stream()).await?;
    if repeated {
        return Ok(answer(StatusCode::OK, Receipt::of(&batch, true)));
    }
    let asynchronous = headers
        .get_all("prefer")
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|wish| wish.trim().eq_ignore_ascii_case("respond-async")));
    if asynchronous {
        let receipt = Receipt::of(&batch, false);
        ingest.work_aside(feed, batch.batch_id);
        return Ok(answer(StatusCode::ACCEPTED, receipt));
    }
    let receipt = ingest.work(feed, batch.batch_id).await?;
    Ok(answer(StatusCode::CREATED, receipt))
}

/// How long the sender says that the body is.
fn declared_bytes(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The batch whose failed rows a body mends.
fn mended_batch(query: &query::Query<'_>) -> Result<Option<BatchId>, FeedProblem> {
    query.text("mends").map(str::parse).transpose().map_err(|_| FeedProblem::QueryMalformed)
}

fn answer(status: StatusCode, receipt: Receipt) -> Response {
    let location = HeaderValue::from_str(&receipt.links.receipt).ok();
    let mut response = (status, Json(receipt)).into_response();
    if let Some(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

/// The feeds that the token or the certificate opens.
#[utoipa::path(
    get,
    path = "/v1/feeds",
    tag = "feeds",
    security(("feed-token" = [])),
    responses(
        (status = 200, description = "Feeds", body = Vec<FeedView>),
        (status = 401, description = "No valid token", body = ProblemDocument),
    ),
)]
async fn list_feeds(
    State(ingest): State<Arc<Ingest>>,
    headers: Credentials,
) -> Result<Json<Vec<FeedView>>, FeedProblem> {
    let opened = headers.opened_feeds(&ingest).await?;
    Ok(Json(opened.iter().filter_map(|feed| ingest.profile(feed)).map(FeedView::from).collect()))
}

impl From<&Profile> for FeedView {
    fn from(profile: &Profile) -> Self {
        let column = |(field, column): (&crate::Field, &crate::Column)| ColumnView {
            field: field.code(),
            names: match column {
                crate::Column::Position(position) => vec![format!("column {position}")],
                named => named.names().to_vec(),
            },
            required: profile.required.contains(field),
        };
        Self {
            feed: profile.feed.to_string(),
            title: profile.title.clone(),
            profile_version: profile.version_name(),
            owner: profile.owner.clone(),
            legal_basis: profile.legal_basis.clone(),
            legal_basis_zh: profile.legal_basis_zh.clone(),
            retention_days: profile.retention_days,
            format: profile.format.kind.name(),
            encoding: profile.format.encoding.name(),
            columns: profile.columns.iter().map(column).collect(),
            time_formats: profile.time.formats.clone(),
            batches: format!("/v1/feeds/{}/batches", profile.feed),
        }
    }
}

async fn find(ingest: &Ingest, feed: &FeedId, batch: &str) -> Result<ingest::Batch, FeedProblem> {
    let batch_id: BatchId = batch.parse().map_err(|_| FeedProblem::BatchUnknown)?;
    ingest.find_batch(feed, batch_id).await?.ok_or(FeedProblem::BatchUnknown)
}

/// Every reason for which a row is quarantined or a body refused, and how to mend it.
#[utoipa::path(
    get,
    path = "/v1/reasons",
    tag = "feeds",
    responses((status = 200, description = "Reasons", body = Vec<RowReasonView>)),
)]
async fn list_reasons() -> Json<Vec<RowReasonView>> {
    let view = |reason: &Reason| RowReasonView {
        code: reason.code(),
        meaning: reason.meaning(),
        mend: reason.mend(),
        meaning_zh: reason.meaning_zh(),
        mend_zh: reason.mend_zh(),
    };
    Json(Reason::ALL.iter().map(view).collect())
}
