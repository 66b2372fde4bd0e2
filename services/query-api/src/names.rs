//! `/v1/ledger/names`: the name behind a handle of the log, shown once to the auditor who asked, after somebody else agreed.
//!
//! Each step is on record before it is done, and the last names the person: the resident sees that a name was shown.

use std::collections::BTreeSet;

use access::{Action, FieldGroup, FieldGroups};
use axum::extract::State;
use axum::http::StatusCode;
use domain::{PersonId, Timestamp};
use ledger::{Matter, MatterId, SubjectHandle};
use serde::{Deserialize, Serialize};
use store::names::{self, NameRequest, NameState, Since};
use store::{lineage, views};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted, code};
use crate::problem::{Problem, ProblemDocument};
use crate::state::QueryState;
use crate::suspicions::REASONS;
use crate::{handles, ledger_index, query, view};

/// Requests in one answer.
const LISTED_MAX: i64 = 500;
/// A request that nobody agreed to for so long has lapsed.
const ASKED_FOR_MS: i64 = 7 * 86_400_000;
/// What was agreed to is good for so long.
const APPROVED_FOR_MS: i64 = 86_400_000;

/// A name that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NameQuestion {
    /// Index of the entry that it is about.
    index: u64,
    /// Handle of one of its persons.
    subject: String,
    /// Why, as case files say it: CASE_FOUND, DUTY_CONFIRMED, NO_RELATION, PATTERN, OFF_DUTY, RESIDENT_ASKED or OTHER.
    reason: String,
}

/// A request for a name.
#[derive(Serialize, ToSchema)]
pub(crate) struct NameRequestView {
    /// Its id.
    pub request: Uuid,
    /// `asked`, `approved`, `lapsed` or `shown`.
    pub state: &'static str,
    /// Index of the entry that it is about.
    pub index: i64,
    /// Handle of the person.
    pub subject: String,
    /// Why.
    pub reason: String,
    /// Handle of the one who asked.
    pub asked_by: String,
    /// When.
    pub asked_at: String,
    /// Handle of the one who agreed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// When the name was shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown_at: Option<String>,
}

/// Requests for names.
#[derive(Serialize, ToSchema)]
pub(crate) struct NameRequests {
    /// The requests, the newest first.
    pub requests: Vec<NameRequestView>,
}

/// The name behind a handle.
#[derive(Serialize, ToSchema)]
pub(crate) struct NameShown {
    /// The request, which is used up.
    pub request: Uuid,
    /// Handle of the person.
    pub subject: String,
    /// Name in use; absent when no source states one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The instants since which a request and an approval are good.
fn since(now: Timestamp) -> Since {
    Since { asked_ms: now.as_millis() - ASKED_FOR_MS, approved_ms: now.as_millis() - APPROVED_FOR_MS }
}

impl NameRequestView {
    fn of(row: NameRequest, now: Timestamp) -> Self {
        let state = row.state(since(now)).code();
        let instant = |ms: i64| Timestamp::from_millis(ms).to_string();
        Self {
            request: row.request_id,
            state,
            index: row.index,
            subject: row.subject,
            reason: row.reason,
            asked_by: row.asked_by,
            asked_at: instant(row.asked_ms),
            approved_by: row.approved_by,
            shown_at: row.shown_ms.map(instant),
        }
    }
}

/// Asks for the name behind a handle of an entry. Nothing is shown until somebody else agrees.
#[utoipa::path(
    post,
    path = "/v1/ledger/names",
    tag = "ledger",
    operation_id = "ask_name",
    params(crate::openapi::PersonHeaders),
    request_body = NameQuestion,
    responses(
        (status = 200, description = "The request", body = Receipted<NameRequestView>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn request(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::AskName).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let row = match wanted(&call).await {
        Ok(row) => row,
        Err(failure) => return call.refuse(failure).await,
    };
    let kept = async |row: NameRequest| {
        let mut conn = call.state.setup.store.acquire().await?;
        names::insert(&mut conn, &row).await?;
        Ok(row)
    };
    on_record(&call, row, "ASKED", kept).await
}

async fn wanted(call: &Call) -> Result<NameRequest, Failure> {
    let NameQuestion { index, subject, reason } = call.json().await?;
    if !REASONS.contains(&reason.as_str()) {
        return Err(Problem::SuspicionWords.into());
    }
    let index = i64::try_from(index).map_err(|_| Problem::EntryNotFound)?;
    let entry = ledger_index::entry(&call.state, index).await?.ok_or(Problem::EntryNotFound)?.1;
    let handle: SubjectHandle = subject.parse().map_err(|_| Problem::EntryNotFound)?;
    if !entry.subjects.contains(&handle) {
        return Err(Problem::EntryNotFound.into());
    }
    Ok(NameRequest {
        request_id: Uuid::new_v4(),
        subject: handle.to_string(),
        index,
        reason,
        asked_by: call.caller.handle.clone(),
        asked_ms: call.state.now().as_millis(),
        approved_by: None,
        approved_ms: None,
        shown_ms: None,
    })
}

/// Agrees that the asker sees a name. Nobody agrees to their own request.
#[utoipa::path(
    post,
    path = "/v1/ledger/names/{request}/approve",
    tag = "ledger",
    operation_id = "approve_name",
    params(crate::openapi::PersonHeaders, ("request" = Uuid, Path, description = "Id of the request")),
    responses(
        (status = 200, description = "The request", body = Receipted<NameRequestView>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn approve(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ApproveName).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let row = match found(&call).await {
        Ok(row) if row.state(since(call.state.now())) == NameState::Asked && row.asked_by != call.caller.handle => row,
        Ok(_) => return call.refuse(Problem::NameNotApproved.into()).await,
        Err(failure) => return call.refuse(failure).await,
    };
    let kept = async |mut row: NameRequest| {
        let mut conn = call.state.setup.store.acquire().await?;
        let (handle, at) = (call.caller.handle.clone(), call.state.now());
        let now = at.as_millis();
        if !names::approve(&mut conn, row.request_id, &handle, (now, since(at))).await? {
            return Err(Problem::NameNotApproved.into());
        }
        (row.approved_by, row.approved_ms) = (Some(handle), Some(now));
        Ok(row)
    };
    on_record(&call, row, "APPROVED", kept).await
}

/// Shows the name, once, to the auditor who asked for it.
#[utoipa::path(
    post,
    path = "/v1/ledger/names/{request}/show",
    tag = "ledger",
    operation_id = "show_name",
    params(crate::openapi::PersonHeaders, ("request" = Uuid, Path, description = "Id of the request")),
    responses(
        (status = 200, description = "The name", body = Receipted<NameShown>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn show(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::AskName).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = shown(&call).await;
    call.finish(found).await
}

async fn shown(call: &Call) -> Result<Found<NameShown>, Failure> {
    let row = found(call).await?;
    let handle: SubjectHandle = row.subject.parse().map_err(|_| Problem::NameRequestNotFound)?;
    let person = person(call, handle).await?;
    let mut conn = call.state.setup.store.acquire().await?;
    // Used up before it is shown: whoever asks twice at once sees it once.
    let now = call.state.now();
    if !names::use_up(&mut conn, row.request_id, &call.caller.handle, (now.as_millis(), since(now))).await? {
        return Err(Problem::NameNotApproved.into());
    }
    let golden = views::find_person(&mut conn, person).await?.map(|row| row.golden);
    let name = golden.and_then(|golden| golden.name).map(|field| view::name_text(field.value));
    let answer = NameShown { request: row.request_id, subject: row.subject, name };
    let released = [FieldGroup::Identity].into_iter().collect();
    Ok(Found { answer, subjects: vec![person], released, withheld: FieldGroups::default(), count: 1 })
}

/// The person of today behind a handle.
async fn person(call: &Call, handle: SubjectHandle) -> Result<PersonId, Failure> {
    let mut conn = call.state.setup.store.snapshot().await?;
    let found = handles::persons(&call.state, &mut conn, &BTreeSet::from([handle])).await?;
    let person = found.get(&handle).copied().ok_or(Problem::NameRequestNotFound)?;
    match &lineage::list_holders(&mut conn, person).await?[..] {
        [holder] => Ok(holder.person_id),
        _ => Err(Problem::NameRequestNotFound.into()),
    }
}

/// Lists requests for names, the newest first.
#[utoipa::path(
    get,
    path = "/v1/ledger/names",
    tag = "ledger",
    operation_id = "list_names",
    params(
        crate::openapi::PersonHeaders,
        ("state" = Option<String>, Query, description = "asked, approved, lapsed or shown; every one unless stated"),
    ),
    responses(
        (status = 200, description = "The requests", body = Receipted<NameRequests>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn list(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ApproveName).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = async {
        let [wanted] = query::members(&call.query, ["state"])?;
        let wanted = match wanted {
            Some(code) => Some(NameState::from_code(&code).ok_or(Problem::QueryMalformed)?),
            None => None,
        };
        let now = call.state.now();
        let mut conn = call.state.setup.store.acquire().await?;
        let rows = names::list(&mut conn, wanted, since(now), LISTED_MAX).await?;
        let requests: Vec<NameRequestView> = rows.into_iter().map(|row| NameRequestView::of(row, now)).collect();
        let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
        let count = requests.len();
        Ok(Found { answer: NameRequests { requests }, subjects: Vec::new(), released, withheld, count })
    };
    let found = found.await;
    call.finish(found).await
}

/// The request of the path.
async fn found(call: &Call) -> Result<NameRequest, Failure> {
    let id = call.matter_id.as_deref().and_then(|id| id.parse::<Uuid>().ok()).ok_or(Problem::NameRequestNotFound)?;
    let row = names::find(&mut *call.state.setup.store.acquire().await?, id).await?;
    Ok(row.ok_or(Problem::NameRequestNotFound)?)
}

/// Puts a step on record, and then does it.
async fn on_record(
    call: &Call,
    row: NameRequest,
    act: &'static str,
    keep: impl AsyncFnOnce(NameRequest) -> Result<NameRequest, Failure>,
) -> Answered {
    let matter = match code(act) {
        Ok(act) => Matter { id: MatterId(row.request_id.into_bytes()), act },
        Err(problem) => return call.refuse(problem.into()).await,
    };
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    let step = Found { answer: (), subjects: Vec::new(), released, withheld, count: 1 };
    let recorded = match call.record(step, matter).await {
        Ok(recorded) => recorded,
        Err(answered) => return answered,
    };
    let kept = keep(row).await;
    let view = |row| (StatusCode::OK, NameRequestView::of(row, call.state.now()));
    recorded.answer(kept.map(view).map_err(|failure| failure.problem()))
}
