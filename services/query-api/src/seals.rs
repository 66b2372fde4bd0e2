//! Sealed looks: what is looked at for an investigation is absent from residents' trackers until a date.
//!
//! Invariants: a seal is an entry of the log and nothing else, so no row of the database hides a look by itself. It names one case, ends
//! by itself, and keeps no look hidden for longer than [`HIDDEN_DAYS_MAX`] after it was made. It hides looks of disease control at the
//! person whom the case is about, from that person, and no other: a stated case hides nothing from anybody else. Auditors see every
//! look, sealed or not, and who sealed what.

use std::collections::{BTreeMap, BTreeSet};

use access::{Action, FieldGroups, Role};
use axum::extract::State;
use axum::http::StatusCode;
use domain::{ClaimToken, PersonId, Timestamp};
use ledger::{CaseToken, Decision, Entry, Matter, MatterId};
use serde::{Deserialize, Serialize};
use store::audit::{self, Search};
use store::views;
use utoipa::ToSchema;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted, case_token, code};
use crate::known_cases::owner;
use crate::problem::{Problem, ProblemDocument};
use crate::state::QueryState;
use crate::{facts, ledger_index};

/// A seal lasts at most so long; it may be said again.
const SEAL_DAYS_MAX: u32 = 30;
/// However often it is said again, a look is shown so long after it was made.
const HIDDEN_DAYS_MAX: i64 = 90;
const DAY_MS: i64 = 86_400_000;
/// Why a case is sealed.
const REASONS: [&str; 3] = ["INVESTIGATION", "PROTECTION", "OTHER"];
/// What an entry says was done, before the days and the reason.
const SEALED: &str = "SEALED";

/// How long looks for a case are sealed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SealQuestion {
    /// Days from now on; 0 ends the seal.
    #[schema(maximum = 30)]
    days: u32,
    /// INVESTIGATION, PROTECTION or OTHER.
    reason: String,
}

/// A seal.
#[derive(Serialize, ToSchema)]
pub(crate) struct SealView {
    /// Until when looks for the case are absent from residents' trackers.
    pub until: String,
}

/// Seals the looks of disease control for the case of the header `Isthmus-Case`: the person whom the case is about sees them from a
/// date on, everybody else sees looks at the own file as ever. Leads of disease control may, for 30 days at once; no look stays hidden for
/// longer than 90. What was said last counts.
#[utoipa::path(
    post,
    path = "/v1/cases/seals",
    tag = "ledger",
    operation_id = "seal_case",
    params(crate::openapi::PersonHeaders),
    request_body = SealQuestion,
    responses(
        (status = 200, description = "The seal", body = Receipted<SealView>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn seal(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::SealCase).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let (days, matter) = match wanted(&call).await {
        Ok(wanted) => wanted,
        Err(failure) => return call.refuse(failure).await,
    };
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    let act = Found { answer: (), subjects: Vec::new(), released, withheld, count: 0 };
    match call.record(act, matter).await {
        Ok(recorded) => {
            let until = call.state.now().plus_millis(i64::from(days) * DAY_MS).to_string();
            recorded.answer(Ok((StatusCode::OK, SealView { until })))
        }
        Err(answered) => answered,
    }
}

async fn wanted(call: &Call) -> Result<(u32, Matter), Failure> {
    let SealQuestion { days, reason } = call.json().await?;
    let case = call.case_token().ok_or(Problem::CaseRequired)?;
    if days > SEAL_DAYS_MAX || !REASONS.contains(&reason.as_str()) {
        return Err(Problem::SealMalformed.into());
    }
    Ok((days, Matter { id: MatterId(case.0), act: code(&format!("{SEALED}:{days}:{reason}"))? }))
}

/// Until when looks for each of these cases are absent from the tracker of one person; asked of the log once for each case.
pub(crate) struct Seals {
    own: PersonId,
    until: BTreeMap<CaseToken, Option<Timestamp>>,
}

impl Seals {
    /// The seals that concern the tracker of a person.
    pub(crate) const fn of(own: PersonId) -> Self {
        Self { own, until: BTreeMap::new() }
    }

    /// Whether a look is absent from the person's tracker. That the caller's unit works on the case was found when it was stated.
    pub(crate) async fn hide(&mut self, state: &QueryState, look: &Entry) -> Result<bool, Failure> {
        let Some(case) = look.case else { return Ok(false) };
        if !Role::from_code(look.role.as_str()).is_some_and(Role::works_on_cases) {
            return Ok(false);
        }
        let until = match self.until.get(&case) {
            Some(until) => *until,
            None => {
                let sealed = sealed_until(state, case).await?.filter(|until| state.now() < *until);
                let until = match sealed {
                    Some(until) => is_about(state, case, self.own).await?.then_some(until),
                    None => None,
                };
                self.until.insert(case, until);
                until
            }
        };
        let longest = look.stamp.time.plus_millis(HIDDEN_DAYS_MAX * DAY_MS);
        Ok(until.is_some_and(|until| state.now() < until.min(longest)))
    }
}

/// Whether a case is about a person, beyond doubt.
async fn is_about(state: &QueryState, case: CaseToken, person: PersonId) -> Result<bool, Failure> {
    let mut conn = state.setup.store.snapshot().await?;
    let own: BTreeSet<ClaimToken> = views::list_tokens_of_persons(&mut conn, &[person]).await?.into_iter().collect();
    let mut rows = views::list_case_facts(&mut conn, None).await?;
    rows.retain(|row| {
        row.subject.is_some_and(|subject| own.contains(&subject))
            && case_token(&state.setup.token_key, row.record_id) == case
    });
    Ok(facts::attributed(&mut conn, &rows).await?.iter().any(|attribution| owner(attribution) == Some(person)))
}

/// Until when a case is sealed, as its newest entry says.
async fn sealed_until(state: &QueryState, case: CaseToken) -> Result<Option<Timestamp>, Failure> {
    let search = Search {
        action: Some(Action::SealCase.code().to_owned()),
        case_token: Some(case.to_string()),
        refused: Some(false),
        ..Search::default()
    };
    let newest = audit::search(&mut *state.setup.store.acquire().await?, &search, i64::MAX, 1).await?;
    let Some(index) = newest.first() else { return Ok(None) };
    let entry = ledger_index::entry(state, *index).await?;
    Ok(entry.and_then(|(_, entry)| said(&entry, case)))
}

fn said(entry: &Entry, case: CaseToken) -> Option<Timestamp> {
    let matter = entry.matter.as_ref().filter(|matter| matter.id.0 == case.0)?;
    let is_seal = entry.action.as_str() == Action::SealCase.code() && entry.decision == Decision::Allowed;
    let mut parts = matter.act.as_str().split(':');
    let days: u32 = is_seal.then(|| parts.next().filter(|word| *word == SEALED).and(parts.next()))??.parse().ok()?;
    Some(entry.stamp.time.plus_millis(i64::from(days.min(SEAL_DAYS_MAX)) * DAY_MS))
}
