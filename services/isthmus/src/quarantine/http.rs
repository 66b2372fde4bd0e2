//! The quarantine over HTTP, for operators: the same acts as on the command line, by the token of an operator.
//!
//! A process answers for the feeds that it takes, because the bodies lie with it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector::IngestError;
use connector::http::{FeedProblem, Query, parse_query};
use ledger::{LedgerClient, PolicyHash, Receipt};
use runtime::problem::{ProblemDocument, ProblemKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use store::ingest::Origin;
use utoipa::OpenApi as _;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{Components, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::on_record::{self, NoOperator, OnRecord};
use crate::quarantine::desk::{Choice, Desk, DeskError, Sample, feed_id};
use crate::quarantine::view::{
    CountsView, DiscardedView, HeldCountView, HeldPage, HeldView, OrderBody, ReplayedView, ReprocessBody,
    ReprocessedView, ShownView,
};

/// Rows that a page has.
const PAGE: i64 = 100;
const PAGE_MAX: i64 = 1_000;
const SELECT: [&str; 4] = ["feed", "code", "batch", "older_than_days"];

/// What the routes work with.
pub(crate) struct Office {
    pub(crate) desk: Desk,
    pub(crate) ledger: LedgerClient,
    /// The policies in force.
    pub(crate) policy: PolicyHash,
}

/// The routes of the quarantine, and what the OpenAPI document says of them.
pub(crate) fn router(office: Arc<Office>) -> (Router, OpenApi) {
    OpenApiRouter::with_openapi(Document::openapi())
        .routes(routes!(count))
        .routes(routes!(list))
        .routes(routes!(show))
        .routes(routes!(replay))
        .routes(routes!(discard))
        .routes(routes!(reprocess))
        .with_state(office)
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
pub(crate) const NOT_ON_RECORD: ProblemKind = ProblemKind {
    code: "audit-unavailable",
    status: 503,
    meaning: "It could not be put on record, so nothing was told or done.",
    mend: "Try again shortly; if it goes on, look at the ledger.",
};

const PURPOSE_MISSING: ProblemKind = ProblemKind {
    code: "purpose-missing",
    status: 422,
    meaning: "The request does not say what it is for.",
    mend: "Send one header `Isthmus-Purpose: HOPERAT`: an operator looks at rows to run the hub.",
};
/// The only purpose that operators have.
const PURPOSE: &str = "HOPERAT";

/// Why there is no answer.
enum Problem {
    Feed(FeedProblem),
    Kind(ProblemKind),
    /// A refusal that is on record.
    Refused(ProblemKind, Box<Receipt>),
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
            Self::Refused(kind, receipt) => on_record::receipted(kind, &receipt),
            Self::Wrong(message) => {
                let document = CHOICE_WRONG.document();
                ProblemDocument { detail: format!("{message}. {}", document.detail).into(), ..document }.into_response()
            }
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
    let view = |count: &store::quarantine::HeldCount| HeldCountView {
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

/// A row in quarantine with its bytes as they were sent, values of persons among them. The look is on record, and says what for.
#[utoipa::path(
    get,
    path = "/v1/quarantine/rows/{batch}/{row}",
    tag = "quarantine",
    security(("operator-token" = [])),
    params(
        ("batch" = String, Path, description = "Id of the batch"),
        ("row" = i64, Path, description = "Row of the batch, from 1"),
        ("Isthmus-Purpose" = String, Header, description = "HOPERAT"),
    ),
    responses(
        (status = 200, description = "The row; the header Isthmus-Receipt names the entry of the ledger", body = ShownView),
        Outsider,
        (status = 404, description = "No such row in quarantine, or its feed is of another process", body = ProblemDocument),
        (status = 422, description = "It is not said what for", body = ProblemDocument),
        (status = 503, description = "The look cannot be put on record", body = ProblemDocument),
    ),
)]
async fn show(
    State(office): State<Arc<Office>>,
    headers: HeaderMap,
    Path((batch, row)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let record = operator(&office, &headers).await?;
    if headers.get(query_api::PURPOSE_HEADER).is_none_or(|purpose| purpose != PURPOSE) {
        let refused = record.refuse("quarantine.read", PURPOSE_MISSING.code).await.map_err(DeskError::NotOnRecord)?;
        return Err(Problem::Refused(PURPOSE_MISSING, Box::new(refused)));
    }
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
    let sample = Sample { rows: body.rows.into(), values: body.values };
    let ((done, changes), receipt) = match body.preview {
        true => office.desk.preview(&record, feed, sample).await?,
        false => {
            let (done, receipt) = office.desk.reprocess(&record, feed, &body.reason).await?;
            ((done, Vec::new()), receipt)
        }
    };
    Ok(receipted(ReprocessedView::of(&done, changes, body.preview), &receipt))
}

/// Who calls, if it is an operator.
async fn operator(office: &Office, headers: &HeaderMap) -> Result<OnRecord, Problem> {
    let parts = (&office.desk.store, &office.ledger, office.policy);
    on_record::operator_of(parts, headers, "quarantine").await.map_err(|error| match error {
        NoOperator::Unknown => FeedProblem::TokenInvalid.into(),
        NoOperator::OfAnother(receipt) => Problem::Refused(OPERATORS_ONLY, Box::new(receipt)),
        NoOperator::Register(error) => DeskError::from(error).into(),
        NoOperator::NotOnRecord(error) => DeskError::NotOnRecord(error).into(),
    })
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
    on_record::receipted(Json(answer), receipt)
}
