//! The quarantine over HTTP, for operators: the same acts as on the command line, by the token of an operator.
//!
//! A process answers for the feeds that it takes, because the bodies lie with it.

use std::sync::Arc;

use access::{Role, TokenHash};
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector::http::{FeedProblem, Query, parse_query};
use connector::{IngestError, Replayed, Reprocessed};
use domain::BatchId;
use ledger::{Code, LedgerClient, Receipt};
use runtime::problem::{ProblemDocument, ProblemKind};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use store::callers;
use store::ingest::Origin;
use store::quarantine::HeldRow;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, OpenApi};
use utoipa::{OpenApi as _, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::on_record::{Actor, OnRecord};
use crate::quarantine::desk::{Choice, Desk, DeskError, Order, feed_id};

/// Rows that a page has.
const PAGE: i64 = 100;
const PAGE_MAX: i64 = 1_000;
/// The header that carries the id of the ledger's receipt.
const RECEIPT: HeaderName = HeaderName::from_static("isthmus-receipt");
const SELECT: [&str; 4] = ["feed", "code", "batch", "older_than_days"];

/// What the routes work with.
pub(crate) struct Office {
    pub(crate) desk: Desk,
    pub(crate) ledger: LedgerClient,
}

/// The routes of the quarantine, and what the OpenAPI document says of them.
pub(crate) fn router(office: Office) -> (Router, OpenApi) {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(count))
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(replay))
        .routes(routes!(discard))
        .routes(routes!(reprocess))
        .with_state(Arc::new(office))
        .split_for_parts()
}

#[derive(utoipa::OpenApi)]
#[openapi(
    modifiers(&OperatorToken),
    tags((name = "quarantine", description = "Rows that could not be used: what operators do about them, on record in the ledger"))
)]
struct Document;

struct OperatorToken;

impl utoipa::Modify for OperatorToken {
    fn modify(&self, api: &mut OpenApi) {
        let components = api.components.get_or_insert_with(Components::new);
        let scheme =
            HttpBuilder::new().scheme(HttpAuthScheme::Bearer).description(Some("A token of an operator")).build();
        components.add_security_scheme("operator-token", SecurityScheme::Http(scheme));
    }
}

/// Every problem of these routes that the feed routes do not have.
pub(crate) const PROBLEMS: &[ProblemKind] = &[OPERATORS_ONLY, CHOICE_WRONG, ROW_NEVER_FAILED, NOT_ON_RECORD];

const OPERATORS_ONLY: ProblemKind = ProblemKind {
    code: "operators-only",
    status: 403,
    meaning: "Only operators look after the quarantine; the refusal is on record.",
    mend: "Use the token of an operator; senders mend their rows by pushing them again.",
};
const CHOICE_WRONG: ProblemKind = ProblemKind {
    code: "choice-wrong",
    status: 422,
    meaning: "What is to be done, to which rows or why is not said in a way that makes sense.",
    mend: "Compare the request with the OpenAPI document at /openapi.json.",
};
const ROW_NEVER_FAILED: ProblemKind = ProblemKind {
    code: "row-never-failed",
    status: 404,
    meaning: "The batch has no such row in quarantine, and never had.",
    mend: "GET /v1/quarantine/rows lists the rows; they are counted from 1.",
};
const NOT_ON_RECORD: ProblemKind = ProblemKind {
    code: "audit-unavailable",
    status: 503,
    meaning: "It could not be put on record, so nothing was told or done.",
    mend: "Try again shortly; if it goes on, look at the ledger.",
};

/// Why there is no answer.
enum Problem {
    Feed(FeedProblem),
    Kind(ProblemKind),
    Wrong(String),
}

impl From<FeedProblem> for Problem {
    fn from(problem: FeedProblem) -> Self {
        Self::Feed(problem)
    }
}

impl From<DeskError> for Problem {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::Wrong(message) => Self::Wrong(message),
            DeskError::NeverFailed { .. } => Self::Kind(ROW_NEVER_FAILED),
            DeskError::NotOnRecord(_) | DeskError::Word(_) => {
                tracing::error!(%error, "An act of an operator could not be put on record.");
                Self::Kind(NOT_ON_RECORD)
            }
            DeskError::Ingest(error) => Self::Feed(error.into()),
            DeskError::Store(error) => Self::Feed(IngestError::Store(error).into()),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        match self {
            Self::Feed(problem) => problem.into_response(),
            Self::Kind(kind) => kind.into_response(),
            Self::Wrong(message) => {
                let document = CHOICE_WRONG.document();
                ProblemDocument { detail: format!("{message}. {}", document.detail).into(), ..document }.into_response()
            }
        }
    }
}

/// Open rows of one feed with one reason.
#[derive(Debug, Serialize, ToSchema)]
struct CountView {
    /// The feed.
    feed: String,
    /// Reason code; `GET /v1/reasons` explains it.
    code: String,
    /// How many rows.
    rows: i64,
    /// When the oldest of them came (RFC 3339).
    oldest: String,
}

/// How many rows are open.
#[derive(Debug, Serialize, ToSchema)]
struct CountsView {
    /// By feed and reason, the most first.
    counts: Vec<CountView>,
}

/// A row in quarantine, without its bytes.
#[derive(Debug, Serialize, ToSchema)]
struct HeldView {
    /// The feed.
    feed: String,
    /// The batch.
    batch_id: String,
    /// Row of the batch, from 1.
    row: i64,
    /// Line of the file.
    line: i64,
    /// Column, in the sender's word.
    field: Option<String>,
    /// Reason code.
    code: String,
    /// What is wrong.
    message: String,
    /// `open`; `resent`: it came again and fails still; `mended` by the sender; `replayed` or `discarded` by an operator.
    state: String,
    /// Why an operator replayed or discarded it.
    reason: Option<String>,
    /// When the batch came (RFC 3339).
    received_at: String,
}

impl From<&HeldRow> for HeldView {
    fn from(held: &HeldRow) -> Self {
        Self {
            feed: held.feed.clone(),
            batch_id: held.batch_id().to_string(),
            row: held.row.row,
            line: held.row.line,
            field: held.row.field.clone(),
            code: held.row.code.clone(),
            message: held.row.message.clone(),
            state: held.state.clone(),
            reason: held.reason.clone(),
            received_at: held.received_at().to_string(),
        }
    }
}

/// A page of rows.
#[derive(Debug, Serialize, ToSchema)]
struct HeldPage {
    /// Rows in the order of arrival.
    rows: Vec<HeldView>,
    /// `after` of the next page, when there may be one.
    next: Option<String>,
}

/// A row in quarantine with its bytes.
#[derive(Debug, Serialize, ToSchema)]
struct ShownView {
    /// The row.
    #[serde(flatten)]
    row: HeldView,
    /// Its bytes as they were sent, base 64; `null` when the body is not there any more.
    bytes: Option<String>,
}

/// Which rows an operator acts on, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct OrderBody {
    /// The feed.
    feed: String,
    /// Only rows with this reason code.
    code: Option<String>,
    /// Only rows of this batch.
    #[schema(value_type = Option<uuid::Uuid>)]
    batch_id: Option<BatchId>,
    /// Only this row of the batch.
    row: Option<i64>,
    /// Only rows of batches that came at least so many days ago.
    older_than_days: Option<u32>,
    /// Why; receipts say it to the sender, so no name of a person.
    reason: String,
}

impl OrderBody {
    fn order(self) -> Result<Order, DeskError> {
        let choice = Choice {
            feed: Some(self.feed),
            code: self.code,
            batch_id: self.batch_id,
            row: self.row,
            older_than_days: self.older_than_days,
            all: false,
        };
        Order::new(choice, &self.reason)
    }
}

/// Which feed is read again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct ReprocessBody {
    /// The feed.
    feed: String,
    /// Only say what would change.
    preview: bool,
    /// Why; receipts say it to the sender. A preview needs none.
    #[serde(default)]
    reason: String,
}

/// What became of rows that were read again.
#[derive(Debug, Serialize, ToSchema)]
struct ReplayedView {
    /// New, and published.
    accepted: i64,
    /// Published before.
    duplicate: i64,
    /// Overtaken by a newer version.
    superseded: i64,
    /// They fail again.
    quarantined: i64,
    /// Their bytes are not there any more.
    gone: i64,
    /// Events appended to the log.
    events: i64,
}

impl From<Replayed> for ReplayedView {
    fn from(done: Replayed) -> Self {
        let Replayed { accepted, duplicate, superseded, quarantined, gone, events } = done;
        Self { accepted, duplicate, superseded, quarantined, gone, events }
    }
}

/// How many rows are given up.
#[derive(Debug, Serialize, ToSchema)]
struct DiscardedView {
    /// Rows.
    rows: u64,
}

/// What reading a feed again changed, or would change.
#[derive(Debug, Serialize, ToSchema)]
struct ReprocessedView {
    /// Nothing was done.
    preview: bool,
    /// Batches that were read.
    batches: u64,
    /// Batches that keep what they said: the body is gone, or does not fit the profile as a whole.
    kept_batches: u64,
    /// Rows that were read.
    rows: i64,
    /// Rows that could not be used before.
    quarantined_before: i64,
    /// Rows that cannot be used now.
    quarantined: i64,
    /// Statements that say something else.
    changed: u64,
    /// Statements that were not there.
    appeared: u64,
    /// Statements that are not there any more.
    vanished: u64,
    /// Events that were published.
    events: u64,
}

impl ReprocessedView {
    fn of(done: &Reprocessed, preview: bool) -> Self {
        Self {
            preview,
            batches: done.batches,
            kept_batches: done.kept_batches,
            rows: done.rows,
            quarantined_before: done.quarantined_before,
            quarantined: done.quarantined,
            changed: done.changed,
            appeared: done.appeared,
            vanished: done.vanished,
            events: done.events,
        }
    }
}

/// Which rows are looked at.
#[expect(dead_code, reason = "it describes the members of the query string that `choice` reads")]
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
struct Selected {
    /// Only rows of this feed
    feed: Option<String>,
    /// Only rows with this reason code
    code: Option<String>,
    /// Only rows of this batch
    batch: Option<String>,
    /// Only rows of batches that came at least so many days ago
    older_than_days: Option<u32>,
}

/// What a caller is told who is no operator.
#[expect(dead_code, reason = "it describes answers that `operator` gives")]
#[derive(utoipa::IntoResponses)]
enum Outsider {
    /// No valid token
    #[response(status = 401)]
    Unknown(ProblemDocument),
    /// The token is no operator's
    #[response(status = 403)]
    OfAnother(ProblemDocument),
}

/// What an operator is told when an act is not done.
#[expect(dead_code, reason = "it describes answers that `operator` and the desk give")]
#[derive(utoipa::IntoResponses)]
enum Undone {
    /// No valid token
    #[response(status = 401)]
    Unknown(ProblemDocument),
    /// The token is no operator's
    #[response(status = 403)]
    OfAnother(ProblemDocument),
    /// The feed is of another process
    #[response(status = 404)]
    Elsewhere(ProblemDocument),
    /// What is to be done makes no sense
    #[response(status = 422)]
    Senseless(ProblemDocument),
    /// It cannot be put on record, or a part of the hub is away
    #[response(status = 503)]
    Away(ProblemDocument),
}

/// How many rows are open, by feed and reason.
#[utoipa::path(
    get,
    path = "/v1/quarantine",
    tag = "quarantine",
    security(("operator-token" = [])),
    params(Selected),
    responses(
        (status = 200, description = "Counts", body = CountsView),
        (status = 400, description = "A member of the query string has another form", body = ProblemDocument),
        Outsider,
        (status = 422, description = "There is no such reason code", body = ProblemDocument),
    ),
)]
async fn count(
    State(office): State<Arc<Office>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<CountsView>, Problem> {
    operator(&office, &headers).await?;
    let query = parse_query(query.as_deref(), &SELECT)?;
    let counts = office.desk.counts(&choice(&query)?.selection()?).await?;
    let view = |count: &store::quarantine::HeldCount| CountView {
        feed: count.feed.clone(),
        code: count.code.clone(),
        rows: count.rows,
        oldest: count.oldest().to_string(),
    };
    Ok(Json(CountsView { counts: counts.iter().map(view).collect() }))
}

/// Rows in quarantine, without their bytes.
#[utoipa::path(
    get,
    path = "/v1/quarantine/rows",
    tag = "quarantine",
    security(("operator-token" = [])),
    params(
        Selected,
        ("all" = Option<bool>, Query, description = "Also rows that were mended, replayed or discarded"),
        ("after" = Option<String>, Query, description = "Only rows after this one, as `next` of a page names it"),
        ("limit" = Option<i64>, Query, description = "At most this many, up to 1,000; 100 by default"),
    ),
    responses(
        (status = 200, description = "Rows", body = HeldPage),
        (status = 400, description = "A member of the query string has another form", body = ProblemDocument),
        Outsider,
        (status = 422, description = "There is no such reason code", body = ProblemDocument),
    ),
)]
async fn list(
    State(office): State<Arc<Office>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<HeldPage>, Problem> {
    operator(&office, &headers).await?;
    let known: Vec<&str> = SELECT.into_iter().chain(["all", "after", "limit"]).collect();
    let query = parse_query(query.as_deref(), &known)?;
    let limit = query.number("limit", PAGE, 1, PAGE_MAX)?;
    let selection = Choice { all: query.flag("all")?, ..choice(&query)? }.selection()?;
    let after = query.text("after").unwrap_or("0.0").split_once('.');
    let after =
        after.and_then(|(arrival, row)| Some(Origin { arrival: arrival.parse().ok()?, row: row.parse().ok()? }));
    let rows = office.desk.rows(&selection, after.ok_or(FeedProblem::QueryMalformed)?, limit).await?;
    let next = rows.last().filter(|_| rows.len() as i64 == limit);
    let next = next.map(|last| format!("{}.{}", last.arrival, last.row.row));
    Ok(Json(HeldPage { rows: rows.iter().map(HeldView::from).collect(), next }))
}

/// A row in quarantine with its bytes as they were sent. The look is on record.
#[utoipa::path(
    get,
    path = "/v1/quarantine/rows/{batch}/{row}",
    tag = "quarantine",
    security(("operator-token" = [])),
    params(
        ("batch" = String, Path, description = "Id of the batch"),
        ("row" = i64, Path, description = "Row of the batch, from 1"),
    ),
    responses(
        (status = 200, description = "The row; the header Isthmus-Receipt names the entry of the ledger", body = ShownView),
        Outsider,
        (status = 404, description = "No such row in quarantine, or its feed is of another process", body = ProblemDocument),
        (status = 503, description = "The look cannot be put on record", body = ProblemDocument),
    ),
)]
async fn show(
    State(office): State<Arc<Office>>,
    headers: HeaderMap,
    Path((batch, row)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let record = operator(&office, &headers).await?;
    let (Ok(batch), Ok(row)) = (batch.parse(), row.parse()) else { return Err(Problem::Kind(ROW_NEVER_FAILED)) };
    let (shown, receipt) = office.desk.show(&record, batch, row).await?;
    let bytes = shown.bytes.map(|bytes| STANDARD.encode(bytes));
    Ok(receipted(ShownView { row: HeldView::from(&shown.held), bytes }, &receipt))
}

/// Reads open rows again with the profile of now; each keeps its place in the order of arrival.
#[utoipa::path(
    post,
    path = "/v1/quarantine/replay",
    tag = "quarantine",
    security(("operator-token" = [])),
    request_body = OrderBody,
    responses(
        (status = 200, description = "What became of them", body = ReplayedView),
        Undone,
    ),
)]
async fn replay(State(office): State<Arc<Office>>, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let record = operator(&office, &headers).await?;
    let (done, receipt) = office.desk.replay(&record, read::<OrderBody>(&body)?.order()?).await?;
    Ok(receipted(ReplayedView::from(done), &receipt))
}

/// Notes that open rows are not to be mended, and why. Receipts say so.
#[utoipa::path(
    post,
    path = "/v1/quarantine/discard",
    tag = "quarantine",
    security(("operator-token" = [])),
    request_body = OrderBody,
    responses(
        (status = 200, description = "How many rows", body = DiscardedView),
        Undone,
    ),
)]
async fn discard(State(office): State<Arc<Office>>, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let record = operator(&office, &headers).await?;
    let (rows, receipt) = office.desk.discard(&record, read::<OrderBody>(&body)?.order()?).await?;
    Ok(receipted(DiscardedView { rows }, &receipt))
}

/// Reads all that a feed ever sent again, with the profile of now, and publishes the differences; a preview only names them.
#[utoipa::path(
    post,
    path = "/v1/quarantine/reprocess",
    tag = "quarantine",
    security(("operator-token" = [])),
    request_body = ReprocessBody,
    responses(
        (status = 200, description = "What changed, or would change", body = ReprocessedView),
        Undone,
    ),
)]
async fn reprocess(State(office): State<Arc<Office>>, headers: HeaderMap, body: Bytes) -> Result<Response, Problem> {
    let record = operator(&office, &headers).await?;
    let body: ReprocessBody = read(&body)?;
    let feed = feed_id(&body.feed)?;
    let (done, receipt) = match body.preview {
        true => office.desk.preview(&record, feed).await?,
        false => office.desk.reprocess(&record, feed, &body.reason).await?,
    };
    Ok(receipted(ReprocessedView::of(&done, body.preview), &receipt))
}

/// Who calls, if it is an operator. Somebody else's wish is on record, too.
async fn operator(office: &Office, headers: &HeaderMap) -> Result<OnRecord, Problem> {
    let token = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '));
    let token = token.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    let token = token.ok_or(FeedProblem::TokenInvalid)?;
    let mut conn = office.desk.store.acquire().await.map_err(DeskError::from)?;
    let caller = callers::find_by_token(&mut conn, &TokenHash::of(token)).await.map_err(DeskError::from)?;
    drop(conn);
    let caller = caller.ok_or(FeedProblem::TokenInvalid)?;
    let code = |text: &str| Code::parse(text).map_err(DeskError::from);
    let actor =
        Actor { handle: code(&caller.handle)?, unit: code(&caller.organisation)?, role: code(caller.role.code())? };
    let record = OnRecord::of(office.ledger.clone(), actor);
    if caller.role != Role::Operator {
        record.refuse("quarantine", "not-entitled").await.map_err(DeskError::NotOnRecord)?;
        return Err(Problem::Kind(OPERATORS_ONLY));
    }
    Ok(record)
}

fn choice(query: &Query<'_>) -> Result<Choice, FeedProblem> {
    let malformed = |_| FeedProblem::QueryMalformed;
    Ok(Choice {
        feed: query.text("feed").map(str::to_owned),
        code: query.text("code").map(str::to_owned),
        batch_id: query.text("batch").map(str::parse).transpose().map_err(malformed)?,
        older_than_days: query
            .text("older_than_days")
            .map(str::parse)
            .transpose()
            .map_err(|_| FeedProblem::QueryMalformed)?,
        ..Choice::default()
    })
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, DeskError> {
    // What serde says may quote the body.
    let at =
        |error: serde_json::Error| format!("the body does not fit at line {}, column {}", error.line(), error.column());
    serde_json::from_slice(body).map_err(|error| DeskError::Wrong(at(error)))
}

fn receipted(answer: impl Serialize, receipt: &Receipt) -> Response {
    let mut response = Json(answer).into_response();
    if let Ok(id) = HeaderValue::from_str(&receipt.id()) {
        response.headers_mut().insert(RECEIPT, id);
    }
    response
}
