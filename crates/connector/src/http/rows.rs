//! What became of single rows.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use runtime::problem::ProblemDocument;
use serde::Serialize;
use store::receipts;
use utoipa::ToSchema;

use crate::http::document::{BatchPath, Stranger};
use crate::http::problem::FeedProblem;
use crate::http::{Credentials, PAGE, PAGE_MAX, enter, find, query};
use crate::ingest::Ingest;
use crate::receipt::{FailedRow, RowReceipt, RunView};

/// A page of rows.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RowPage {
    /// Stretches of rows with one outcome; empty when only quarantined rows are asked for.
    runs: Vec<RunView>,
    /// Quarantined rows; empty when another outcome is asked for.
    quarantined: Vec<FailedRow>,
    /// The next page, when there may be one.
    next: Option<String>,
}

/// What became of the rows of a batch.
///
/// Without `outcome`, or with another one than `quarantined`, stretches of rows; with `outcome=quarantined` each row that
/// cannot be used, and why. The rows themselves are in the file below `/quarantined`.
#[utoipa::path(
    get,
    path = "/v1/feeds/{feed}/batches/{batch}/rows",
    tag = "feeds",
    security(("feed-token" = [])),
    params(
        BatchPath,
        ("outcome" = Option<String>, Query, description = "accepted, duplicate, superseded or quarantined"),
        ("all" = Option<bool>, Query, description = "Quarantined rows also when they were mended, replayed or discarded since"),
        ("after" = Option<i64>, Query, description = "Only rows after this one"),
        ("limit" = Option<i64>, Query, description = "At most this many, up to 1,000; 100 by default"),
    ),
    responses(
        (status = 200, description = "Rows", body = RowPage),
        Stranger,
        (status = 404, description = "No such batch of this feed", body = ProblemDocument),
    ),
)]
pub(super) async fn list_rows(
    State(ingest): State<Arc<Ingest>>,
    Path((feed, batch)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: Credentials,
) -> Result<Json<RowPage>, FeedProblem> {
    let feed = enter(&ingest, &headers, &feed).await?;
    let query = query::parse(query.as_deref(), &["outcome", "all", "after", "limit"])?;
    let after = query.number("after", 0, 0, i64::MAX)?;
    let limit = query.number("limit", PAGE, 1, PAGE_MAX)?;
    let outcome = query.text("outcome");
    if outcome.is_some_and(|outcome| !["accepted", "duplicate", "superseded", "quarantined"].contains(&outcome)) {
        return Err(FeedProblem::QueryMalformed);
    }
    let batch = find(&ingest, &feed, &batch).await?;
    let mut conn = ingest.core.store.acquire().await?;
    let mut page = RowPage { runs: Vec::new(), quarantined: Vec::new(), next: None };
    let last;
    if outcome == Some("quarantined") {
        let rows = receipts::list_quarantined(&mut conn, batch.batch_id, !query.flag("all")?, after, limit).await?;
        last = rows.last().filter(|_| rows.len() as i64 == limit).map(|failure| failure.row.row);
        page.quarantined = rows.into_iter().map(FailedRow::from).collect();
    } else {
        let runs = receipts::list_runs(&mut conn, batch.batch_id, outcome, after, limit).await?;
        last = runs.last().filter(|_| runs.len() as i64 == limit).map(|run| run.row_from);
        page.runs = runs.into_iter().map(RunView::from).collect();
    }
    page.next = last.map(|last| {
        let all = query.text("all").map_or(String::new(), |all| format!("all={all}&"));
        let outcome = outcome.map_or(String::new(), |outcome| format!("outcome={outcome}&{all}"));
        format!("/v1/feeds/{feed}/batches/{}/rows?{outcome}after={last}&limit={limit}", batch.batch_id)
    });
    Ok(Json(page))
}

/// What became of one row.
#[utoipa::path(
    get,
    path = "/v1/feeds/{feed}/batches/{batch}/rows/{row}",
    tag = "feeds",
    security(("feed-token" = [])),
    params(
        BatchPath,
        ("row" = i64, Path, description = "Row of the file, from 1"),
    ),
    responses(
        (status = 200, description = "The row's receipt", body = RowReceipt),
        Stranger,
        (status = 404, description = "No such batch of this feed, or no such row yet", body = ProblemDocument),
    ),
)]
pub(super) async fn read_row(
    State(ingest): State<Arc<Ingest>>,
    Path((feed, batch, row)): Path<(String, String, String)>,
    headers: Credentials,
) -> Result<Json<RowReceipt>, FeedProblem> {
    let feed = enter(&ingest, &headers, &feed).await?;
    let batch = find(&ingest, &feed, &batch).await?;
    let row: i64 = row.parse().map_err(|_| FeedProblem::RowUnknown)?;
    let mut conn = ingest.core.store.acquire().await?;
    let run = receipts::find_run(&mut conn, batch.batch_id, row).await?.ok_or(FeedProblem::RowUnknown)?;
    let failures = receipts::list_quarantined(&mut conn, batch.batch_id, false, row - 1, 1).await?;
    let failure = failures.into_iter().find(|failure| failure.row.row == row);
    Ok(Json(RowReceipt::of(row, run, failure)))
}
