//! Receipts of batches: listed, read, waited for.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::Timestamp;
use runtime::problem::ProblemDocument;
use serde::Serialize;
use store::ingest::{Batch, BatchState};
use store::receipts::{self, BatchFilter};
use tokio::time::Instant;
use utoipa::ToSchema;

use crate::http::document::{BatchPath, FeedPath, Stranger};
use crate::http::problem::FeedProblem;
use crate::http::{Credentials, PAGE, PAGE_MAX, enter, find, query};
use crate::ingest::Ingest;
use crate::receipt::Receipt;

/// Longest wait for a receipt, in seconds.
const WAIT_MAX: u64 = 60;
/// How often a receipt that is waited for is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// A page of batches.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BatchPage {
    /// Receipts, the newest first.
    batches: Vec<Receipt>,
    /// The next page, when there may be one.
    next: Option<String>,
}

/// The batches of a feed, the newest first.
#[utoipa::path(
    get,
    path = "/v1/feeds/{feed}/batches",
    tag = "feeds",
    security(("feed-token" = [])),
    params(
        FeedPath,
        ("state" = Option<String>, Query, description = "processing, done or refused"),
        ("from" = Option<String>, Query, description = "Only batches received at this instant or later (RFC 3339)"),
        ("to" = Option<String>, Query, description = "Only batches received before this instant (RFC 3339)"),
        ("outcome" = Option<String>, Query, description = "Only batches with rows of this outcome: accepted, duplicate, superseded or quarantined"),
        ("code" = Option<String>, Query, description = "Only batches with open quarantined rows of this reason, or refused for it"),
        ("before" = Option<i64>, Query, description = "Only batches that came before this one, by the ordinal in `next`"),
        ("limit" = Option<i64>, Query, description = "At most this many, up to 1,000; 100 by default"),
    ),
    responses(
        (status = 200, description = "Batches", body = BatchPage),
        (status = 400, description = "A member of the query string has another form", body = ProblemDocument),
        Stranger,
    ),
)]
pub(super) async fn list_batches(
    State(ingest): State<Arc<Ingest>>,
    Path(feed): Path<String>,
    RawQuery(raw): RawQuery,
    headers: Credentials,
) -> Result<Json<BatchPage>, FeedProblem> {
    let feed = enter(&ingest, &headers, &feed).await?;
    let members = ["state", "from", "to", "outcome", "code"];
    let query = query::parse(raw.as_deref(), &["state", "from", "to", "outcome", "code", "before", "limit"])?;
    let instant = |name| match query.text(name) {
        Some(text) => Timestamp::parse(text).map(Some).map_err(|_| FeedProblem::QueryMalformed),
        None => Ok(None),
    };
    let one_of = |name, known: &[&str]| match query.text(name) {
        Some(text) if !known.contains(&text) => Err(FeedProblem::QueryMalformed),
        other => Ok(other.map(str::to_owned)),
    };
    let filter = BatchFilter {
        state: one_of("state", &["processing", "done", "refused"])?,
        from: instant("from")?,
        to: instant("to")?,
        outcome: one_of("outcome", &["accepted", "duplicate", "superseded", "quarantined"])?,
        code: query.text("code").map(str::to_owned),
    };
    let before = query.number("before", i64::MAX, 0, i64::MAX)?;
    let limit = query.number("limit", PAGE, 1, PAGE_MAX)?;
    let mut conn = ingest.core.store.acquire().await?;
    let batches = receipts::list_batches(&mut conn, &feed, &filter, before, limit).await?;
    let last = batches.last().filter(|_| batches.len() as i64 == limit);
    let next = last.map(|last| {
        let kept = raw.as_deref().unwrap_or_default().split('&');
        let kept: String = kept
            .filter(|member| members.iter().any(|name| member.split('=').next() == Some(*name)))
            .map(|member| format!("{member}&"))
            .collect();
        format!("/v1/feeds/{feed}/batches?{kept}before={}&limit={limit}", last.arrival)
    });
    Ok(Json(BatchPage { batches: batches.iter().map(|batch| Receipt::of(batch, false)).collect(), next }))
}

/// The receipt of a batch, also while it is being read.
///
/// With `Prefer: wait=30` the answer comes when the batch is read to its end, or after so many seconds (60 at most). The
/// answer has an `ETag`; with `If-None-Match` a receipt that did not change is answered by 304.
#[utoipa::path(
    get,
    path = "/v1/feeds/{feed}/batches/{batch}",
    tag = "feeds",
    security(("feed-token" = [])),
    params(BatchPath),
    responses(
        (status = 200, description = "The receipt", body = Receipt),
        (status = 304, description = "The receipt is the one that is known"),
        Stranger,
        (status = 404, description = "No such batch of this feed", body = ProblemDocument),
    ),
)]
pub(super) async fn read_batch(
    State(ingest): State<Arc<Ingest>>,
    Path((feed, batch)): Path<(String, String)>,
    headers: Credentials,
) -> Result<Response, FeedProblem> {
    let feed = enter(&ingest, &headers, &feed).await?;
    let until = Instant::now() + wait_of(&headers);
    let found = loop {
        let found = find(&ingest, &feed, &batch).await?;
        if found.state != BatchState::Processing || Instant::now() >= until {
            break found;
        }
        tokio::time::sleep(LOOK_EVERY.min(until - Instant::now())).await;
    };
    let tag = tag_of(&found);
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let mut response = if known.split(',').any(|known| known.trim() == tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        Json(Receipt::of(&found, false)).into_response()
    };
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// How long the sender wishes to wait for a receipt (RFC 7240).
fn wait_of(headers: &HeaderMap) -> Duration {
    let wishes =
        headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
    let seconds = wishes.filter_map(|wish| wish.trim().strip_prefix("wait=")?.parse::<u64>().ok()).next();
    Duration::from_secs(seconds.unwrap_or_default().min(WAIT_MAX))
}

/// Changes whenever the receipt does.
fn tag_of(batch: &Batch) -> String {
    let counts = &batch.counts;
    let state = match &batch.state {
        BatchState::Processing => "p",
        BatchState::Done => "d",
        BatchState::Refused { .. } => "r",
    };
    let outcomes = format!("{}-{}-{}-{}", counts.accepted, counts.duplicate, counts.superseded, counts.quarantined);
    format!("\"{state}-{outcomes}-{}\"", counts.events)
}
