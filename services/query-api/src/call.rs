//! One call on its way: `authenticate → parse → decide → read → redact → append to the ledger → first byte`.
//!
//! Invariant: a handler ends with an [`Answered`], and only this module makes one, out of what the ledger has put on
//! record. Refusals go the same way. When the ledger does not take the entry, the answer is
//! [`Problem::AuditUnavailable`] and nothing else.

mod case;
mod failure;
mod record;
mod refusals;

use std::sync::{Arc, Mutex, PoisonError};

use access::{
    Action, Caller, CaseReference, Entitlement, FieldGroup, FieldGroups, GrantId, Policy, Purpose, Refusal, Request,
};
use axum::extract::FromRequestParts;
use axum::extract::{FromRequest, RawPathParams, Request as HttpRequest};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use domain::{PersonId, RecordId, TokenKey};
use ledger::{Code, LedgerError, Matter, Nonce, PolicyHash, Receipt, SubjectHandle};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::body::BODY_BYTES_MAX;
use crate::problem::Problem;
use crate::state::{LEDGER_WAIT_MAX, QueryState};
use crate::{as_of, auth, budget, grants};

pub use case::case_refusal;
pub(crate) use case::token as case_token;
pub(crate) use failure::{Failure, Refused};
pub(crate) use refusals::{record_refusal, refuse_address, refuse_stranger};

/// The header that states what a call is for.
pub const PURPOSE_HEADER: HeaderName = HeaderName::from_static("isthmus-purpose");
/// The header that states the case worked on.
pub const CASE_HEADER: HeaderName = HeaderName::from_static("isthmus-case");
/// The header that invokes an emergency grant.
pub const GRANT_HEADER: HeaderName = HeaderName::from_static("isthmus-grant");
/// The header that carries the id of the ledger's receipt.
pub const RECEIPT_HEADER: HeaderName = HeaderName::from_static("isthmus-receipt");

/// The receipt of an answer, as the body carries it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub(crate) struct ReceiptView {
    /// Index and beginning of the leaf hash; also in the header `Isthmus-Receipt`.
    pub id: String,
    /// Index of the entry in the ledger, from 0.
    pub index: u64,
    /// Hash of the entry as a leaf, base 64.
    pub leaf_hash: String,
    /// Inclusion proof, the leaf's sibling first, base 64.
    pub proof: Vec<String>,
    /// Signed head that the proof leads to, a C2SP checkpoint.
    pub checkpoint: String,
}

impl ReceiptView {
    pub(crate) fn of(receipt: &Receipt) -> Self {
        Self {
            id: receipt.id(),
            index: receipt.index,
            leaf_hash: receipt.leaf_hash.to_base64(),
            proof: receipt.proof.iter().map(|hash| hash.to_base64()).collect(),
            checkpoint: receipt.checkpoint.clone(),
        }
    }
}

/// An answer with its receipt.
#[derive(Serialize, ToSchema)]
pub(crate) struct Receipted<T> {
    /// The answer.
    #[serde(flatten)]
    pub answer: T,
    /// The proof that the look is on record.
    pub receipt: ReceiptView,
}

/// A response whose entry is in the ledger, or that says why there is none.
#[must_use]
pub(crate) struct Answered(Response);

impl Answered {
    /// A defect found before anything was read: there is nothing to put on record.
    pub(crate) fn without_entry(problem: Problem) -> Self {
        Self(problem.into_response())
    }

    /// The answer, said to be of this type of JSON; a problem stays one.
    pub(crate) fn of_type(mut self, media_type: &'static str) -> Self {
        if self.0.status().is_success() {
            self.0.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        }
        self
    }
}

impl IntoResponse for Answered {
    fn into_response(self) -> Response {
        self.0
    }
}

/// What arrived: who asks, and everything of the request that a handler may need. Taking it apart never answers, so
/// that no malformed request escapes the record.
pub(crate) struct Ask {
    caller: Caller,
    headers: HeaderMap,
    body: axum::body::Body,
    person_id: Option<String>,
    review_id: Option<String>,
    unit: Option<String>,
    case_id: Option<String>,
    follow_up: Option<String>,
    appeal: Option<String>,
    matter_id: Option<String>,
    query: String,
}

impl Ask {
    /// What the caller is.
    pub(crate) const fn role(&self) -> access::Role {
        self.caller.role
    }

    /// Of a caller alone, for a refusal that nothing of the request may be kept of.
    fn bare(caller: Caller) -> Self {
        Self {
            caller,
            headers: HeaderMap::new(),
            body: axum::body::Body::empty(),
            person_id: None,
            review_id: None,
            unit: None,
            case_id: None,
            follow_up: None,
            appeal: None,
            matter_id: None,
            query: String::new(),
        }
    }
}

impl FromRequest<QueryState> for Ask {
    type Rejection = Answered;

    async fn from_request(request: HttpRequest, state: &QueryState) -> Result<Self, Answered> {
        let (mut parts, body) = request.into_parts();
        let caller = match auth::authenticate(state, &parts.headers).await {
            Ok(caller) => caller,
            Err(problem) => return Err(refuse_stranger(state, problem).await),
        };
        let params = RawPathParams::from_request_parts(&mut parts, state).await.ok();
        let param = |names: &[&str]| {
            let mut all = params.iter().flatten();
            all.find(|(name, _)| names.contains(name)).map(|(_, value)| value.to_owned())
        };
        let (person_id, review_id) = (param(&["person_id"]), param(&["task_id", "decision_id"]));
        let (unit, case_id, matter_id) =
            (param(&["unit"]), param(&["case"]), param(&["grant", "request", "figure", "contest"]));
        let (follow_up, appeal) = (param(&["follow_up"]), param(&["appeal"]));
        let query = parts.uri.query().unwrap_or("").to_owned();
        let headers = parts.headers;
        Ok(Self { caller, headers, body, person_id, review_id, unit, case_id, follow_up, appeal, matter_id, query })
    }
}

/// A call whose caller is known.
pub(crate) struct Call {
    pub(crate) state: QueryState,
    pub(crate) caller: Caller,
    pub(crate) person_id: Option<String>,
    review_id: Option<String>,
    /// The community unit of the path.
    pub(crate) unit: Option<String>,
    /// The case of the path; the one that the caller works on is in the header.
    pub(crate) case_id: Option<String>,
    follow_up: Option<String>,
    appeal: Option<String>,
    /// The grant, the request, the figure or the contest of the path.
    pub(crate) matter_id: Option<String>,
    pub(crate) query: String,
    headers: HeaderMap,
    /// In a lock only because a body cannot be shared between threads, and a call is.
    body: Mutex<Option<axum::body::Body>>,
    action: Code,
    request: Request,
    purpose_stated: bool,
    /// The case that is stated, once it is found.
    case: Option<case::StatedCase>,
    /// The grant that is invoked.
    grant: Option<GrantId>,
    /// What its entry calls the request, where the answer depends on it.
    pub(crate) request_id: Option<Nonce>,
}

/// What a handler found, before it is on record.
pub(crate) struct Found<T> {
    pub(crate) answer: T,
    pub(crate) subjects: Vec<PersonId>,
    pub(crate) released: FieldGroups,
    pub(crate) withheld: FieldGroups,
    pub(crate) count: usize,
}

impl<T> Found<T> {
    /// The same in another form.
    pub(crate) fn map<U>(self, form: impl FnOnce(T) -> U) -> Found<U> {
        let Self { answer, subjects, released, withheld, count } = self;
        Found { answer: form(answer), subjects, released, withheld, count }
    }

    /// The same in another form, if it can be had.
    pub(crate) fn try_map<U>(self, form: impl FnOnce(T) -> Result<U, Failure>) -> Result<Found<U>, Failure> {
        let Self { answer, subjects, released, withheld, count } = self;
        Ok(Found { answer: form(answer)?, subjects, released, withheld, count })
    }
}

impl Call {
    /// Begins a call: parses purpose and case, and refuses what no rule could allow before anything but the case is read.
    ///
    /// # Errors
    /// The refusal, on record.
    pub(crate) async fn begin(state: QueryState, ask: Ask, action: Action) -> Result<Self, Answered> {
        let mut call = match Self::without_purpose(state, ask, action.code()) {
            Ok(call) => call,
            Err(problem) => return Err(Answered::without_entry(problem)),
        };
        call.request.action = action;
        match call.open().await {
            Ok(()) => Ok(call),
            Err(failure) => Err(call.refuse(failure).await),
        }
    }

    async fn open(&mut self) -> Result<(), Failure> {
        self.parse()?;
        self.invoke().await?;
        self.entitlement()?;
        self.find_case().await?;
        as_of::await_views(self).await
    }

    /// Finds the grant that the caller invokes, if one is: it is active by every clock, or the call is refused.
    async fn invoke(&mut self) -> Result<(), Failure> {
        let mut invoked = self.headers.get_all(GRANT_HEADER).iter();
        let Some(grant) = invoked.next() else { return Ok(()) };
        let grant = grant.to_str().ok().filter(|_| invoked.next().is_none()).and_then(|text| text.parse().ok());
        let grant: GrantId = grant.ok_or(Problem::GrantInvalid)?;
        self.request.grant = Some(Arc::new(grants::invoke(&self.state, grant).await?));
        self.grant = Some(grant);
        Ok(())
    }

    /// Begins a call about no person, which needs no purpose.
    pub(crate) fn without_purpose(state: QueryState, ask: Ask, action: &str) -> Result<Self, Problem> {
        let action = Code::parse(action).map_err(|_| Problem::Internal)?;
        let Ask { caller, headers, body, person_id, review_id, unit, case_id, follow_up, appeal, matter_id, query } =
            ask;
        // Until it is parsed: the purpose that no rule gives anything for.
        let request = Request { action: Action::ReadLedger, purpose: Purpose::Research, case: None, grant: None };
        Ok(Self {
            state,
            caller,
            person_id,
            review_id,
            unit,
            case_id,
            follow_up,
            appeal,
            matter_id,
            query,
            headers,
            body: Mutex::new(Some(body)),
            action,
            request,
            purpose_stated: false,
            case: None,
            grant: None,
            request_id: None,
        })
    }

    fn parse(&mut self) -> Result<(), Failure> {
        let mut purposes = self.headers.get_all(PURPOSE_HEADER).iter();
        let purpose = purposes.next().ok_or(Problem::PurposeMissing)?;
        let purpose = purpose.to_str().ok().and_then(Purpose::from_code).ok_or(Problem::PurposeUnknown)?;
        if purposes.next().is_some() {
            return Err(Problem::PurposeUnknown.into());
        }
        self.request.purpose = purpose;
        self.purpose_stated = true;
        let mut cases = self.headers.get_all(CASE_HEADER).iter();
        if let Some(case) = cases.next() {
            let case = case.to_str().ok().and_then(|text| CaseReference::parse(text).ok());
            self.request.case = Some(case.ok_or(Problem::CaseMalformed)?);
        }
        if cases.next().is_some() {
            return Err(Problem::CaseMalformed.into());
        }
        // What opens nothing for a role is not looked up, so that nobody learns which cases there are by stating them.
        if !self.state.setup.policy.asks_for_a_case(self.caller.role) {
            self.request.case = None;
        }
        Ok(())
    }

    /// What the call turns out to ask for when its body is read.
    pub(crate) fn turn_to(&mut self, action: Action) -> Result<(), Failure> {
        self.action = code(action.code())?;
        self.request.action = action;
        self.entitlement().map(|_| ())
    }

    /// What the caller is entitled to.
    pub(crate) fn entitlement(&self) -> Result<Entitlement<'_>, Failure> {
        self.state.setup.policy.entitle(&self.caller, &self.request).map_err(|refusal| {
            let problem = match refusal {
                Refusal::NotEntitled => Problem::NotEntitled,
                Refusal::CaseMissing => Problem::CaseRequired,
                Refusal::NotRelated => Problem::PersonNotFound,
            };
            Failure { reason: refusal.code(), ..problem.into() }
        })
    }

    /// Whether it is a search for persons.
    pub(crate) fn is_search(&self) -> bool {
        self.request.action == Action::FindPersons
    }

    /// The task or decision of the path.
    pub(crate) fn review_id(&self) -> Result<RecordId, Problem> {
        self.review_id.as_deref().and_then(|id| id.parse().ok()).ok_or(Problem::ReviewIdMalformed)
    }

    /// The follow-up of the path.
    pub(crate) fn follow_up_id(&self) -> Result<RecordId, Problem> {
        self.follow_up.as_deref().and_then(|id| id.parse().ok()).ok_or(Problem::FollowUpNotFound)
    }

    /// The appeal of the path.
    pub(crate) fn appeal_id(&self) -> Result<Uuid, Problem> {
        self.appeal.as_deref().and_then(|id| id.parse().ok()).ok_or(Problem::AppealNotFound)
    }

    /// The JSON body.
    pub(crate) async fn json<T: serde::de::DeserializeOwned>(&self) -> Result<T, Failure> {
        self.json_within(BODY_BYTES_MAX).await
    }

    /// The JSON body, of so many bytes at most.
    pub(crate) async fn json_within<T: serde::de::DeserializeOwned>(&self, bytes_max: usize) -> Result<T, Failure> {
        let body = self.body.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(Problem::Internal)?;
        Ok(crate::body::json(&self.headers, body, bytes_max).await?)
    }

    /// The body as it is, of so many bytes at most.
    pub(crate) async fn bytes_within(&self, bytes_max: usize) -> Result<Vec<u8>, Failure> {
        let body = self.body.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(Problem::Internal)?;
        Ok(crate::body::bytes(&self.headers, body, bytes_max).await?)
    }

    /// The granted groups among those that the action shows, and the rest of these.
    pub(crate) fn split(&self, granted: &FieldGroups) -> (FieldGroups, FieldGroups) {
        let shows: &[FieldGroup] = self.request.action.shows();
        (granted.among(shows), granted.complement().among(shows))
    }

    /// Puts the outcome on record and answers.
    pub(crate) async fn finish<T: Serialize>(self, outcome: Result<Found<T>, Failure>) -> Answered {
        self.finish_as(StatusCode::OK, outcome).await
    }

    /// Puts the outcome on record and answers what was found with a status of its own.
    pub(crate) async fn finish_as<T: Serialize>(
        self,
        status: StatusCode,
        outcome: Result<Found<T>, Failure>,
    ) -> Answered {
        let answer = |(answer, receipt): (T, Receipt)| {
            let mut response = json(&Receipted { answer, receipt: ReceiptView::of(&receipt) });
            if response.status() == StatusCode::OK {
                *response.status_mut() = status;
            }
            with_receipt(Answered(response), &receipt)
        };
        match budget::within(&self, outcome).await {
            Ok(found) => self.disclose(found).await.map_or_else(Answered::without_entry, answer),
            Err(failure) => self.refuse(failure).await,
        }
    }

    /// Whether the caller asks for this type of answer before any other.
    pub(crate) fn accepts(&self, media_type: &str) -> bool {
        let accept = self.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        accept.split([',', ';']).next().is_some_and(|first| first.trim().eq_ignore_ascii_case(media_type))
    }

    /// Puts the outcome on record and answers with a file, a picture or a table; the receipt is in its header.
    pub(crate) async fn finish_with_file<T: IntoResponse>(
        self,
        media_type: &'static str,
        outcome: Result<Found<T>, Failure>,
    ) -> Answered {
        self.finish_written(media_type, outcome, |content, _| content).await
    }

    /// The same, written when it is on record, with the receipt at hand.
    pub(crate) async fn finish_written<T, R: IntoResponse>(
        self,
        media_type: &'static str,
        outcome: Result<Found<T>, Failure>,
        write: impl FnOnce(T, &Receipt) -> R,
    ) -> Answered {
        let file = |(content, receipt): (T, Receipt)| {
            let headers = [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-store")];
            let content = write(content, &receipt);
            with_receipt(Answered((StatusCode::OK, headers, content).into_response()), &receipt)
        };
        match budget::within(&self, outcome).await {
            Ok(found) => self.disclose(found).await.map_or_else(Answered::without_entry, file),
            Err(failure) => self.refuse(failure).await,
        }
    }

    /// Puts the beginning of an answer that goes on on record, and answers with what `body` makes of the call. Every part
    /// of it that is about a person goes through [`Call::disclose`] before it leaves.
    pub(crate) async fn finish_with(self, body: impl FnOnce(Self) -> Response) -> Answered {
        let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
        match self.disclose(Found { answer: (), subjects: Vec::new(), released, withheld, count: 0 }).await {
            Ok(((), receipt)) => with_receipt(Answered(body(self)), &receipt),
            Err(problem) => Answered::without_entry(problem),
        }
    }

    /// Whether token and case still open what they opened when the call began.
    ///
    /// # Errors
    /// When one of them does not.
    pub(crate) async fn still_open(&self) -> Result<(), Failure> {
        let caller = auth::authenticate(&self.state, &self.headers).await;
        if caller.is_ok_and(|caller| caller == self.caller) {
            self.case_still_open().await
        } else {
            Err(Problem::TokenInvalid.into())
        }
    }

    /// A header of the request, when it is there once and readable.
    pub(crate) fn header(&self, name: HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Puts an act on record before it is done: what cannot be put on record is not done.
    ///
    /// # Errors
    /// The answer that says so.
    pub(crate) async fn record(&self, act: Found<()>, matter: Matter) -> Result<Recorded, Answered> {
        match self.disclose_about(act, Some(matter)).await {
            Ok(((), receipt)) => Ok(Recorded(receipt)),
            Err(problem) => Err(Answered(problem.into_response())),
        }
    }
}

/// An act that is on record.
#[must_use]
pub(crate) struct Recorded(Receipt);

impl Recorded {
    /// Index of the entry.
    pub(crate) const fn index(&self) -> u64 {
        self.0.index
    }

    /// Answers with what became of the act.
    pub(crate) fn answer<T: Serialize>(self, outcome: Result<(StatusCode, T), Problem>) -> Answered {
        let Self(receipt) = self;
        let response = match outcome {
            Ok((status, answer)) => {
                let mut response = json(&Receipted { answer, receipt: ReceiptView::of(&receipt) });
                if response.status().is_success() {
                    *response.status_mut() = status;
                }
                response
            }
            Err(problem) => problem.into_response(),
        };
        with_receipt(Answered(response), &receipt)
    }
}

/// Waits for the ledger as long as is allowed.
pub(crate) async fn within<T>(append: impl Future<Output = Result<T, LedgerError>>) -> Result<T, Problem> {
    match tokio::time::timeout(LEDGER_WAIT_MAX, append).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => {
            tracing::error!(error.code = error.code(), "The ledger did not take an entry; the call was not answered.");
            Err(Problem::AuditUnavailable)
        }
        Err(_) => {
            tracing::error!("The ledger was too slow; the call was not answered.");
            Err(Problem::AuditUnavailable)
        }
    }
}

fn json<T: Serialize>(value: &T) -> Response {
    let Ok(body) = serde_json::to_vec(value) else {
        tracing::error!("An answer could not be written as JSON.");
        return Problem::Internal.into_response();
    };
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-store")];
    (StatusCode::OK, headers, body).into_response()
}

fn with_receipt(answered: Answered, receipt: &Receipt) -> Answered {
    let Answered(mut response) = answered;
    if let Ok(id) = HeaderValue::from_str(&receipt.id()) {
        response.headers_mut().insert(RECEIPT_HEADER, id);
    }
    Answered(response)
}

pub(crate) fn code(text: &str) -> Result<Code, Problem> {
    Code::parse(text).map_err(|_| {
        tracing::error!("A caller of the register has a handle, organisation or unit that no ledger entry can hold.");
        Problem::Internal
    })
}

/// Organisation and unit of a caller, as one code.
pub(crate) fn unit(caller: &Caller) -> Result<Code, Problem> {
    match &caller.unit {
        Some(unit) => code(&format!("{}/{unit}", caller.organisation)),
        None => code(&caller.organisation),
    }
}

pub(crate) fn policy_hash(policy: &Policy) -> PolicyHash {
    PolicyHash(*policy.hash().as_bytes())
}

fn codes(groups: &FieldGroups) -> Result<Vec<Code>, Problem> {
    groups.iter().map(|group| code(group.code())).collect()
}

/// What a ledger entry calls a person: a keyed hash, so that a copy of the log leads to nobody's file.
pub(crate) fn handle(key: &TokenKey, person: PersonId) -> SubjectHandle {
    SubjectHandle(key.opaque("subject", &person.as_uuid().to_string()))
}
