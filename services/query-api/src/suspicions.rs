//! Case files of looks that somebody doubts: residents contest, auditors open, look and decide, each with a reason.
//!
//! There is one case file for an entry of the ledger. What is said of it is only added, and stands in the ledger before it is
//! said. Nobody decides about a look of their own.

use std::collections::BTreeMap;

use access::{Action, FieldGroups};
use axum::extract::State;
use axum::http::StatusCode;
use domain::Timestamp;
use ledger::{Entry, Matter, MatterId};
use serde::{Deserialize, Serialize};
use store::suspicions::{self, Act};
use utoipa::ToSchema;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted, code};
use crate::contests::Contested;
use crate::ledger_index;
use crate::ledger_routes::{EntryView, view};
use crate::my_accesses::own_handles;
use crate::problem::{Problem, ProblemDocument};
use crate::query;
use crate::seals::Seals;
use crate::state::QueryState;

/// Why a resident contests a look.
const REASONS_OF_RESIDENTS: [&str; 4] = ["NO_REASON_KNOWN", "ORGANISATION_UNKNOWN", "ACQUAINTANCE", "OTHER"];
/// What an auditor says of a look.
pub(crate) const VERDICTS: [&str; 4] = ["OPENED", "JUSTIFIED", "MISUSE", "UNCLEAR"];
/// Why an auditor says it.
pub(crate) const REASONS: [&str; 7] =
    ["CASE_FOUND", "DUTY_CONFIRMED", "NO_RELATION", "PATTERN", "OFF_DUTY", "RESIDENT_ASKED", "OTHER"];
/// Case files in one answer.
const LISTED_MAX: i64 = 100;

/// A look that a resident contests.
#[derive(Debug)]
pub(crate) struct Contest {
    /// Index of the entry, as `GET /v1/me/accesses` tells it.
    pub index: u64,
    /// NO_REASON_KNOWN, ORGANISATION_UNKNOWN, ACQUAINTANCE or OTHER.
    pub reason: String,
}

/// What an auditor says of a look.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verdict {
    /// Index of the entry.
    pub index: u64,
    /// OPENED, JUSTIFIED, MISUSE or UNCLEAR.
    pub verdict: String,
    /// CASE_FOUND, DUTY_CONFIRMED, NO_RELATION, PATTERN, OFF_DUTY, RESIDENT_ASKED or OTHER.
    pub reason: String,
}

/// What became of a case file.
#[derive(Serialize, ToSchema)]
pub(crate) struct Said {
    /// Index of the entry.
    pub index: u64,
    /// What was said last.
    pub state: String,
}

/// Case files.
#[derive(Serialize, ToSchema)]
pub(crate) struct Suspicions {
    /// The case files, by the index of their entries.
    pub suspicions: Vec<Suspicion>,
    /// Send it as `after` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// A look that somebody doubts, and what was said of it.
#[derive(Serialize, ToSchema)]
pub(crate) struct Suspicion {
    /// The look.
    pub entry: EntryView,
    /// What was said, oldest first; the last one counts.
    pub said: Vec<SaidThen>,
}

/// Something that was said of a look.
#[derive(Serialize, ToSchema)]
pub(crate) struct SaidThen {
    /// When.
    pub at: String,
    /// Handle of the one who said it.
    pub by: String,
    /// CONTESTED by the resident; OPENED, JUSTIFIED, MISUSE or UNCLEAR by an auditor.
    pub verdict: String,
    /// Why.
    pub reason: String,
}

/// Contests a look at the caller's own file. Auditors see it, with the entry.
pub(crate) async fn contest(call: Call, contest: Contest) -> Answered {
    let act = contested(&call, contest).await;
    say(call, act, Contested::Look).await
}

async fn contested(call: &Call, Contest { index, reason }: Contest) -> Result<(Act, Found<()>), Failure> {
    let (own, handles) = own_handles(call).await?;
    let entry = entry(call, index).await?;
    let is_own = entry.subjects.iter().any(|subject| handles.contains(subject));
    if !is_own || Seals::of(own).hide(&call.state, &entry).await? {
        return Err(Problem::EntryNotFound.into());
    }
    let act = act(call, index, "CONTESTED", &reason, &REASONS_OF_RESIDENTS)?;
    Ok((act, Found { subjects: vec![own], ..nothing_shown() }))
}

/// Says something of a look: opens a case file, or decides it.
#[utoipa::path(
    post,
    path = "/v1/ledger/suspicions",
    tag = "ledger",
    operation_id = "decide_suspicion",
    params(crate::openapi::PersonHeaders),
    request_body = Verdict,
    responses(
        (status = 200, description = "What became of the case file", body = Receipted<Said>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn decide(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadLedger).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let act = decided(&call).await;
    say(call, act, |said| said).await
}

async fn decided(call: &Call) -> Result<(Act, Found<()>), Failure> {
    let Verdict { index, verdict, reason } = call.json().await?;
    let entry = entry(call, index).await?;
    if entry.actor.as_str() == call.caller.handle {
        return Err(Problem::OwnLook.into());
    }
    let verdict = VERDICTS.into_iter().find(|known| *known == verdict).ok_or(Problem::SuspicionWords)?;
    Ok((act(call, index, verdict, &reason, &REASONS)?, nothing_shown()))
}

/// Puts on record what is said, and then keeps it.
async fn say<T: Serialize>(
    call: Call,
    act: Result<(Act, Found<()>), Failure>,
    form: impl FnOnce(Said) -> T,
) -> Answered {
    let (act, found) = match act {
        Ok(act) => act,
        Err(failure) => return call.refuse(failure).await,
    };
    let mut id = [0; 16];
    id[8..].copy_from_slice(&act.index.to_be_bytes());
    let matter = match code(&act.verdict) {
        Ok(verdict) => Matter { id: MatterId(id), act: verdict },
        Err(problem) => return call.refuse(problem.into()).await,
    };
    let recorded = match call.record(found, matter).await {
        Ok(recorded) => recorded,
        Err(answered) => return answered,
    };
    let kept = async {
        let mut conn = call.state.setup.store.acquire().await?;
        suspicions::insert(&mut conn, &act).await
    };
    let answer = match kept.await {
        Ok(()) => {
            let said = Said { index: u64::try_from(act.index).unwrap_or(0), state: act.verdict };
            Ok((StatusCode::OK, form(said)))
        }
        Err(error) => Err(Failure::from(error).problem()),
    };
    recorded.answer(answer)
}

async fn entry(call: &Call, index: u64) -> Result<Entry, Failure> {
    let index = i64::try_from(index).map_err(|_| Problem::EntryNotFound)?;
    let found = ledger_index::entry(&call.state, index).await?;
    Ok(found.ok_or(Problem::EntryNotFound)?.1)
}

fn act(call: &Call, index: u64, verdict: &str, reason: &str, known: &[&str]) -> Result<Act, Failure> {
    if !known.contains(&reason) {
        return Err(Problem::SuspicionWords.into());
    }
    Ok(Act {
        index: i64::try_from(index).map_err(|_| Problem::EntryNotFound)?,
        at_ms: call.state.now().as_millis(),
        handle: call.caller.handle.clone(),
        verdict: verdict.to_owned(),
        reason: reason.to_owned(),
    })
}

fn nothing_shown() -> Found<()> {
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    Found { answer: (), subjects: Vec::new(), released, withheld, count: 1 }
}

/// Lists case files: looks that somebody doubts, with what was said of each.
#[utoipa::path(
    get,
    path = "/v1/ledger/suspicions",
    tag = "ledger",
    operation_id = "list_suspicions",
    params(
        crate::openapi::PersonHeaders,
        ("state" = Option<String>, Query, description = "`open` (unless stated), or `decided`: JUSTIFIED or MISUSE was said last"),
        ("after" = Option<u64>, Query, description = "Index after which to begin; the beginning unless stated"),
    ),
    responses(
        (status = 200, description = "The case files", body = Receipted<Suspicions>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn list(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadLedger).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = listed(&call).await;
    call.finish(found).await
}

async fn listed(call: &Call) -> Result<Found<Suspicions>, Failure> {
    let [state, after] = query::members(&call.query, ["state", "after"])?;
    let decided = match state.as_deref() {
        None | Some("open") => false,
        Some("decided") => true,
        Some(_) => return Err(Problem::QueryMalformed.into()),
    };
    let after: i64 = after.map_or(Ok(-1), |text| text.parse()).map_err(|_| Problem::QueryMalformed)?;
    let mut conn = call.state.setup.store.acquire().await?;
    let mut indices = suspicions::list_entries(&mut conn, decided, after, LISTED_MAX + 1).await?;
    let more = indices.len() as i64 > LISTED_MAX;
    indices.truncate(usize::try_from(LISTED_MAX).unwrap_or(0));
    let mut said: BTreeMap<i64, Vec<SaidThen>> = BTreeMap::new();
    for act in suspicions::list(&mut conn, &indices).await? {
        let Act { index, at_ms, handle, verdict, reason } = act;
        let at = Timestamp::from_millis(at_ms).to_string();
        said.entry(index).or_default().push(SaidThen { at, by: handle, verdict, reason });
    }
    drop(conn);
    let mut suspicions = Vec::new();
    for (index, said) in said {
        if let Some((index, entry)) = ledger_index::entry(&call.state, index).await? {
            suspicions.push(Suspicion { entry: view(index, entry), said });
        }
    }
    let next = indices.last().filter(|_| more).and_then(|index| u64::try_from(*index).ok());
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    let count = suspicions.len();
    Ok(Found { answer: Suspicions { suspicions, next }, subjects: Vec::new(), released, withheld, count })
}
