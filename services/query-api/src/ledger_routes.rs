//! What the ledger shows: entries to auditors, and the signed head to everybody.

use access::{Action, FieldGroups};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use domain::PersonId;
use ledger::{Decision, Entry, LedgerClient};
use serde::Serialize;
use utoipa::ToSchema;

use crate::call::{Answered, Ask, Call, Failure, Found, ReceiptView, Receipted};
use crate::ledger_index::unreadable;
use crate::problem::{Problem, ProblemDocument};
use crate::query;
use crate::state::QueryState;

/// Entries in one answer, unless the question says otherwise.
const ENTRIES_DEFAULT: u64 = 100;
/// Entries in one answer at most.
const ENTRIES_MAX: u64 = 1_000;

/// Entries of the ledger.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryList {
    /// The entries, oldest first.
    pub entries: Vec<EntryView>,
    /// Send it as `after` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// An entry of the ledger: who looked, why, at whom, and what was shown.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryView {
    /// Index in the ledger, from 0.
    pub index: u64,
    /// When.
    pub time: String,
    /// Handle of the one who asked.
    pub actor: String,
    /// Organisation, and the unit where there is one.
    pub unit: String,
    /// Role of the one who asked.
    pub role: String,
    /// What was asked.
    pub action: String,
    /// The purpose stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Keyed hash of the case stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<String>,
    /// Handles of the persons concerned.
    pub subjects: Vec<String>,
    /// Field groups shown.
    pub released: Vec<String>,
    /// Field groups kept back.
    pub withheld: Vec<String>,
    /// Records or persons in the answer.
    pub count: u64,
    /// Id of the decision or other thing of the hub that was acted on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matter: Option<String>,
    /// What was done about it: `SAME`, `DIFFERENT`, `UNDO`; `activated`, `rolled-back`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub act: Option<String>,
    /// Why nothing was shown; absent when something was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// SHA-256 of the policy that decided.
    pub policy: String,
    /// Random id of the request.
    pub request: String,
}

/// Reads entries of the ledger. The reading is an entry itself.
#[utoipa::path(
    get,
    path = "/v1/ledger/entries",
    tag = "ledger",
    operation_id = "read_ledger",
    params(
        crate::openapi::PersonHeaders,
        ("after" = Option<u64>, Query, description = "Index after which to begin; the beginning unless stated"),
        ("limit" = Option<u64>, Query, minimum = 1, maximum = 1000, description = "Entries in one answer; 100 unless stated"),
    ),
    responses(
        (status = 200, description = "The entries", body = Receipted<EntryList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn entries(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadLedger).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = entry_list(&call).await;
    call.finish(found).await
}

async fn entry_list(call: &Call) -> Result<Found<EntryList>, Failure> {
    let [after, limit] = query::members(&call.query, ["after", "limit"])?;
    let number = |text: Option<String>| text.map(|text| text.parse::<u64>()).transpose();
    let after = number(after).map_err(|_| Problem::QueryMalformed)?;
    let limit = number(limit).map_err(|_| Problem::QueryMalformed)?.unwrap_or(ENTRIES_DEFAULT);
    if !(1..=ENTRIES_MAX).contains(&limit) {
        return Err(Problem::QueryMalformed.into());
    }
    let first = after.map_or(0, |after| after.saturating_add(1));
    let rows = read(&call.state.setup.ledger, first, limit + 1).await?;
    let more = rows.len() as u64 > limit;
    let entries: Vec<EntryView> = rows
        .into_iter()
        .take(usize::try_from(limit).unwrap_or(usize::MAX))
        .map(|(index, entry)| view(index, entry))
        .collect();
    let count = entries.len();
    let next = entries.last().map(|entry| entry.index).filter(|_| more);
    let answer = EntryList { entries, next };
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    Ok(Found { answer, subjects: Vec::<PersonId>::new(), released, withheld, count })
}

async fn read(ledger: &LedgerClient, first: u64, count: u64) -> Result<Vec<(u64, Entry)>, Failure> {
    match ledger.entries(first, count).await {
        Ok(entries) => Ok(entries),
        Err(ledger::LedgerError::NoEntry(_)) => Ok(Vec::new()),
        Err(error) => Err(unreadable(&error).into()),
    }
}

pub(crate) fn view(index: u64, entry: Entry) -> EntryView {
    let Entry {
        stamp,
        actor,
        unit,
        role,
        action,
        purpose,
        case,
        subjects,
        released,
        withheld,
        count,
        matter,
        decision,
        policy,
        request,
    } = entry;
    let texts = |codes: Vec<ledger::Code>| codes.iter().map(ToString::to_string).collect();
    EntryView {
        index,
        time: stamp.time.to_string(),
        actor: actor.to_string(),
        unit: unit.to_string(),
        role: role.to_string(),
        action: action.to_string(),
        purpose: purpose.map(|purpose| purpose.to_string()),
        case: case.map(|case| case.to_string()),
        subjects: subjects.iter().map(ToString::to_string).collect(),
        released: texts(released),
        withheld: texts(withheld),
        count,
        act: matter.as_ref().map(|matter| matter.act.to_string()),
        matter: matter.map(|matter| uuid::Uuid::from_bytes(matter.id.0).to_string()),
        refused: match decision {
            Decision::Allowed => None,
            Decision::Refused { reason } => Some(reason.to_string()),
        },
        policy: policy.to_string(),
        request: request.to_string(),
    }
}

/// Reads the newest signed head of the ledger, a C2SP checkpoint. It names nobody, so it needs no token: whoever keeps
/// such heads can prove later that nothing was taken out.
#[utoipa::path(
    get,
    path = "/v1/ledger/checkpoint",
    tag = "ledger",
    operation_id = "read_checkpoint",
    responses(
        (status = 200, description = "The signed head", body = String, content_type = "text/plain"),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    )
)]
pub(crate) async fn checkpoint(State(state): State<QueryState>) -> Response {
    match state.setup.ledger.head().await {
        Ok(note) => {
            let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
            (headers, note).into_response()
        }
        Err(error) => unreadable(&error).into_response(),
    }
}

/// An entry as the log holds it, with the proof that it does.
#[derive(Serialize, ToSchema)]
pub(crate) struct EntryProof {
    /// The entry in its one encoding (deterministic CBOR), base 64: its leaf hash is SHA-256 of a zero byte and these bytes.
    pub entry: String,
    /// The proof under the newest head.
    pub proof: ReceiptView,
}

/// Proves that an entry is in the log, so that anybody can check it with the log's key and without this hub. The look is
/// an entry itself.
#[utoipa::path(
    get,
    path = "/v1/ledger/proof",
    tag = "ledger",
    operation_id = "prove_entry",
    params(
        crate::openapi::PersonHeaders,
        ("index" = u64, Query, description = "Index of the entry"),
    ),
    responses(
        (status = 200, description = "The entry and its proof", body = Receipted<EntryProof>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn prove(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadLedger).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = entry_proof(&call).await;
    call.finish(found).await
}

async fn entry_proof(call: &Call) -> Result<Found<EntryProof>, Failure> {
    let [index] = query::members(&call.query, ["index"])?;
    let index = index.and_then(|index| index.parse().ok()).ok_or(Problem::QueryMalformed)?;
    let proven = call.state.setup.ledger.proven(index).await.map_err(|error| match error {
        ledger::LedgerError::NoEntry(_) => Problem::EntryNotFound,
        error => unreadable(&error),
    })?;
    let answer = EntryProof { entry: proven.entry, proof: ReceiptView::of(&proven.receipt) };
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    Ok(Found { answer, subjects: Vec::<PersonId>::new(), released, withheld, count: 1 })
}

/// Reads the key that heads of the log are verified with, as C2SP signed notes write it. Whoever trusts nobody compares it
/// with the one that the operator published elsewhere.
#[utoipa::path(
    get,
    path = "/v1/ledger/key",
    tag = "ledger",
    operation_id = "read_ledger_key",
    responses((status = 200, description = "The key", body = String, content_type = "text/plain"))
)]
pub(crate) async fn key(State(state): State<QueryState>) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
    (headers, format!("{}\n", state.setup.ledger.verifier())).into_response()
}
