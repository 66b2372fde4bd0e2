//! A feed as it stands: its profile and the versions of it, and its quality from day to day.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, RawQuery, State};
use domain::FeedId;
use runtime::problem::ProblemDocument;
use serde::Serialize;
use store::quality::QualityDay;
use utoipa::ToSchema;

use crate::http::FeedView;
use crate::http::credentials::{Credentials, enter};
use crate::http::document::{FeedPath, Stranger};
use crate::http::problem::FeedProblem;
use crate::http::query;
use crate::ingest::Ingest;
use crate::quality::{self, Alert};

/// Versions that are listed.
const VERSIONS_MAX: i64 = 100;
/// The role of callers who look after the hub itself.
const OPERATOR: &str = "operator";

/// A feed with its profile.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FeedDetail {
    /// What its sender needs to know.
    #[serde(flatten)]
    feed: FeedView,
    /// The profile, as its file stands.
    profile: String,
    /// Versions of the profile that read rows, the newest first.
    versions: Vec<VersionView>,
}

/// A version of a profile.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VersionView {
    /// As receipts name it.
    version: String,
    /// When it came into use (RFC 3339).
    first_seen: String,
}

/// What a feed is like from day to day.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QualityView {
    /// The feed.
    feed: String,
    /// What is odd now.
    alerts: Vec<Alert>,
    /// Days of arrival on which something came, the oldest first; days in the feed's own zone.
    days: Vec<DayView>,
}

/// A feed on a day.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DayView {
    /// The day.
    day: String,
    /// Bodies, and groups of messages.
    batches: i64,
    /// Rows.
    rows: i64,
    /// Rows of a usual day like this one, where enough days are known.
    usual_rows: Option<i64>,
    /// Rows that were quarantined.
    quarantined: i64,
    /// The same by reason code.
    codes: BTreeMap<String, i64>,
    /// Bodies that were refused as a whole, by reason code.
    refusals: BTreeMap<String, i64>,
    /// Rows about what happened long before they came.
    late: i64,
    /// Rows whose identity number came with another name before.
    numbers_reused: i64,
    /// Rows of which the fields were looked at.
    looked_at: i64,
    /// Fields that were empty in them, and in how many.
    empty_fields: BTreeMap<String, i64>,
    /// Columns of the day's files that the profile does not know, or misses.
    columns: Vec<String>,
    /// When the last batch came (RFC 3339).
    last_arrival: String,
}

impl DayView {
    fn of(day: &QualityDay, days: &[QualityDay]) -> Self {
        let usual = day.day.parse().ok().and_then(|date| quality::usual_rows(days, date));
        Self {
            day: day.day.clone(),
            batches: day.batches,
            rows: day.rows,
            usual_rows: usual.map(|rows| rows.round() as i64),
            quarantined: day.quarantined,
            codes: day.codes.clone(),
            refusals: day.refusals.clone(),
            late: day.late,
            numbers_reused: day.reused,
            looked_at: day.looked,
            empty_fields: day.empty.clone(),
            columns: day.columns.clone(),
            last_arrival: day.last_arrival.to_string(),
        }
    }
}

/// A feed, its profile as it stands, and the versions of it that read rows.
#[utoipa::path(
    get,
    path = "/v1/feeds/{feed}",
    tag = "feeds",
    security(("feed-token" = [])),
    params(FeedPath),
    responses(
        (status = 200, description = "The feed", body = FeedDetail),
        Stranger,
    ),
)]
pub(super) async fn read_feed(
    State(ingest): State<Arc<Ingest>>,
    Path(feed): Path<String>,
    credentials: Credentials,
) -> Result<Json<FeedDetail>, FeedProblem> {
    let feed = enter_or_operator(&ingest, &credentials, &feed).await?;
    let profile = ingest.profile(&feed).ok_or(FeedProblem::FeedUnknown)?;
    let mut conn = ingest.core.store.acquire().await?;
    let versions = store::profiles::list(&mut conn, &feed, VERSIONS_MAX).await?;
    let view = |known: store::profiles::ProfileVersion| VersionView {
        version: known.version,
        first_seen: known.first_seen.to_string(),
    };
    Ok(Json(FeedDetail {
        feed: FeedView::from(profile),
        profile: profile.text().to_owned(),
        versions: versions.into_iter().map(view).collect(),
    }))
}

/// What a feed is like from day to day, and what about it is odd now.
#[utoipa::path(
    get,
    path = "/v1/feeds/{feed}/quality",
    tag = "feeds",
    security(("feed-token" = [])),
    params(FeedPath),
    responses(
        (status = 200, description = "Days and alerts", body = QualityView),
        (status = 400, description = "The query string has a member", body = ProblemDocument),
        Stranger,
    ),
)]
pub(super) async fn read_quality(
    State(ingest): State<Arc<Ingest>>,
    Path(feed): Path<String>,
    RawQuery(query): RawQuery,
    credentials: Credentials,
) -> Result<Json<QualityView>, FeedProblem> {
    let feed = enter_or_operator(&ingest, &credentials, &feed).await?;
    query::parse(query.as_deref(), &[])?;
    let (days, alerts) = ingest.quality(&feed).await?;
    let views = days.iter().map(|day| DayView::of(day, &days)).collect();
    Ok(Json(QualityView { feed: feed.to_string(), alerts, days: views }))
}

/// Operators may look at every feed of this process.
async fn enter_or_operator(ingest: &Ingest, credentials: &Credentials, feed: &str) -> Result<FeedId, FeedProblem> {
    let Some(token) = credentials.bearer() else { return enter(ingest, credentials, feed).await };
    let mut conn = ingest.core.store.acquire().await?;
    let is_operator = store::callers::has_role(&mut conn, &crate::tokens::hash(token), OPERATOR).await?;
    drop(conn);
    if !is_operator {
        return enter(ingest, credentials, feed).await;
    }
    FeedId::parse(feed).filter(|feed| ingest.profile(feed).is_some()).ok_or(FeedProblem::FeedUnknown)
}
