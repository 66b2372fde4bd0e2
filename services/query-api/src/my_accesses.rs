//! `GET /v1/me/accesses`: who looked at the caller's own file, and why.
//!
//! A resident is told organisation, role, purpose and time, and never who it was: employees are answered for by their
//! organisation. What is told is read from the log; the search index only says where.

use access::{Action, Decision, FieldGroups, Subject};
use axum::extract::State;
use domain::PersonId;
use ledger::{Entry, Filter, SubjectHandle};
use serde::Serialize;
use store::{lineage, suspicions};
use utoipa::ToSchema;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted, handle};
use crate::ledger_index;
use crate::ledger_search::indices;
use crate::problem::{Problem, ProblemDocument};
use crate::query;
use crate::seals::Seals;
use crate::state::QueryState;
use crate::subject;

/// Looks in one answer, unless the question says otherwise.
const LOOKS_DEFAULT: u32 = 100;
/// Looks in one answer at most.
const LOOKS_MAX: u32 = 1_000;

/// Who looked at the caller's own file.
#[derive(Serialize, ToSchema)]
pub(crate) struct Looks {
    /// The looks, newest first.
    pub looks: Vec<Look>,
    /// Send it as `before` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// One look at the caller's own file.
#[derive(Serialize, ToSchema)]
pub(crate) struct Look {
    /// Index of the entry in the ledger: name it to contest the look.
    pub index: u64,
    /// When.
    pub time: String,
    /// The organisation that looked.
    pub organisation: String,
    /// In which role.
    pub role: String,
    /// What for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub purpose: Option<String>,
    /// Whether a case was named for it.
    pub case_stated: bool,
    /// What was asked.
    pub action: String,
    /// What was shown; empty when nothing was.
    pub shown: Vec<String>,
    /// Whether it was refused.
    pub refused: bool,
    /// What was said of it last: CONTESTED by the caller; OPENED, JUSTIFIED, MISUSE or UNCLEAR by an auditor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
}

/// Says who looked at the caller's own file, and why. The question is on record too.
#[utoipa::path(
    get,
    path = "/v1/me/accesses",
    tag = "caller",
    operation_id = "read_accesses",
    params(
        crate::openapi::PersonHeaders,
        ("before" = Option<u64>, Query, description = "Index before which to begin; the newest unless stated"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 1000, description = "Looks in one answer; 100 unless stated"),
    ),
    responses(
        (status = 200, description = "The looks", body = Receipted<Looks>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadAccesses).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = looks(&call).await;
    call.finish(found).await
}

async fn looks(call: &Call) -> Result<Found<Looks>, Failure> {
    let [before, limit] = query::members(&call.query, ["before", "limit"])?;
    let before = before.map_or(Ok(i64::MAX), |text| text.parse()).map_err(|_| Problem::QueryMalformed)?;
    let limit = limit.map_or(Ok(LOOKS_DEFAULT), |text| text.parse()).map_err(|_| Problem::QueryMalformed)?;
    if !(1..=LOOKS_MAX).contains(&limit) || before < 0 {
        return Err(Problem::QueryMalformed.into());
    }
    let (own, handles) = own_handles(call).await?;
    let texts = handles.iter().map(ToString::to_string).collect();
    let mut seen = visible(call, own, &handles, texts, before, limit).await?;
    let more = seen.len() > limit as usize;
    seen.truncate(limit as usize);
    let shown: Vec<i64> = seen.iter().filter_map(|(index, _)| i64::try_from(*index).ok()).collect();
    let said = suspicions::list(&mut *call.state.setup.store.acquire().await?, &shown).await?;
    let next = seen.last().filter(|_| more).map(|(index, _)| *index);
    let look = |(index, entry): (u64, Entry)| {
        // Acts come oldest first: the last one counts.
        let said = said.iter().rev().find(|act| u64::try_from(act.index) == Ok(index));
        look(index, entry, said.map(|act| act.verdict.clone()))
    };
    let looks: Vec<Look> = seen.into_iter().map(look).collect();
    let count = looks.len();
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    Ok(Found { answer: Looks { looks, next }, subjects: vec![own], released, withheld, count })
}

/// Looks that are not sealed, newest first, and one more where there are more. Sealed ones leave no gap: neither a page nor where the
/// next one begins tells that there is one.
async fn visible(
    call: &Call,
    own: PersonId,
    handles: &[SubjectHandle],
    texts: Vec<String>,
    mut before: i64,
    limit: u32,
) -> Result<Vec<(u64, Entry)>, Failure> {
    let (mut seen, mut seals) = (Vec::new(), Seals::of(own));
    loop {
        let (indices, more) = indices(call, &Filter::default(), Some(texts.clone()), before, limit).await?;
        for index in &indices {
            if let Some((index, entry)) = ledger_index::entry(&call.state, *index).await?
                && entry.subjects.iter().any(|subject| handles.contains(subject))
                && !seals.hide(&call.state, &entry).await?
            {
                seen.push((index, entry));
            }
        }
        match indices.last().filter(|_| more && seen.len() <= limit as usize) {
            Some(last) => before = *last,
            None => return Ok(seen),
        }
    }
}

/// The caller's own person, and every handle under which entries name it.
pub(crate) async fn own_handles(call: &Call) -> Result<(PersonId, Vec<SubjectHandle>), Failure> {
    let mut conn = call.state.setup.store.acquire().await?;
    let own = subject::own_person(call, &mut conn).await?.ok_or(Problem::PersonNotFound)?;
    let itself = Subject { is_self: true, ..Subject::default() };
    if !matches!(call.entitlement()?.decide(&itself), Decision::Allowed { .. }) {
        return Err(Failure::not_found("not-related", own));
    }
    let ids = lineage::list_former(&mut conn, own).await?;
    let key = &call.state.setup.token_key;
    Ok((own, ids.into_iter().map(|id| handle(key, id)).collect()))
}

fn look(index: u64, entry: Entry, said: Option<String>) -> Look {
    let organisation = entry.unit.as_str().split('/').next().unwrap_or_default().to_owned();
    Look {
        index,
        time: entry.stamp.time.to_string(),
        organisation,
        role: entry.role.to_string(),
        purpose: entry.purpose.map(|purpose| purpose.to_string()),
        case_stated: entry.case.is_some(),
        action: entry.action.to_string(),
        shown: entry.released.iter().map(ToString::to_string).collect(),
        refused: matches!(entry.decision, ledger::Decision::Refused { .. }),
        said,
    }
}
