//! `/v1/grants`: emergency grants asked for, approved, stopped and reviewed. Every act is on record before it is done.

use access::{
    ActDone, Action, FieldGroup, FieldGroups, GrantAct, GrantFlaw, GrantId, GrantReason, GrantRequest, GrantScope,
    GrantState, Purpose, Role,
};
use axum::extract::State;
use axum::http::StatusCode;
use ledger::{Matter, MatterId, Nonce};
use serde::{Deserialize, Serialize};
use store::grants::{ActRow, insert, insert_act, list as list_rows, list_of_unit, lock};
use store::{Conn, audit};
use utoipa::ToSchema;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted, code, unit};
use crate::grants::{self, Known};
use crate::problem::{Problem, ProblemDocument};
use crate::state::QueryState;
use crate::suspicions::{REASONS, VERDICTS};
use crate::{ledger_index, query};

/// Grants in one answer.
const LISTED_MAX: usize = 200;
/// Grants that are looked at together.
const PAGE: i64 = 200;
/// Residents in one answer.
const RESIDENTS_MAX: i64 = 2_000;
/// Why a grant is stopped.
const STOPS: [&str; 3] = ["NOT_NEEDED", "MISUSE", "OTHER"];

/// A grant that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GrantQuestion {
    /// Code of the unit whose residents it is about: a district (6 digits) or what lies in it.
    area: String,
    /// PUBHLTH.
    purpose: String,
    /// `cdc-tracer`, `community-worker`.
    roles: Vec<String>,
    /// Field groups that it opens: all but `payment` and `care`.
    groups: Vec<String>,
    /// OUTBREAK, DISASTER, SEARCH or OTHER.
    reason: String,
    /// How long, from the second approval on; what the site says unless stated.
    #[serde(default)]
    minutes: Option<u32>,
}

/// Why a grant is stopped.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stop {
    /// NOT_NEEDED, MISUSE or OTHER.
    reason: String,
}

/// What a review came to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Review {
    /// JUSTIFIED, MISUSE or UNCLEAR.
    verdict: String,
    /// CASE_FOUND, DUTY_CONFIRMED, NO_RELATION, PATTERN, OFF_DUTY, RESIDENT_ASKED or OTHER.
    reason: String,
}

/// An emergency grant.
#[derive(Serialize, ToSchema)]
pub(crate) struct GrantView {
    /// Its id, a hash of all that was asked for; the header `Isthmus-Grant` invokes it.
    pub grant: String,
    /// requested, lapsed, active, ended, stopped or reviewed.
    pub state: &'static str,
    /// The unit whose residents it is about.
    pub area: String,
    /// What for.
    pub purpose: &'static str,
    /// For whom.
    pub roles: Vec<&'static str>,
    /// Which field groups.
    pub groups: Vec<String>,
    /// Why.
    pub reason: &'static str,
    /// How long, from the second approval on.
    pub minutes: u32,
    /// Handle of the one who asked.
    pub requested_by: String,
    /// Their unit.
    pub unit: String,
    /// When.
    pub requested_at: String,
    /// When it ends, or ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends: Option<String>,
    /// Until when it has to be reviewed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review_due: Option<String>,
    /// It was not reviewed in time: its unit gets no other.
    pub overdue: bool,
    /// What was done about it, oldest first.
    pub acts: Vec<ActView>,
}

/// Something that was done about a grant.
#[derive(Serialize, ToSchema)]
pub(crate) struct ActView {
    /// APPROVED, STOPPED or REVIEWED.
    pub act: &'static str,
    /// Handle of who did it.
    pub by: String,
    /// Their unit.
    pub unit: String,
    /// When.
    pub at: String,
    /// Why it was stopped, or what the review came to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Index of the entry of the access log.
    pub index: i64,
}

/// Grants.
#[derive(Serialize, ToSchema)]
pub(crate) struct GrantList {
    /// The grants, the newest first.
    pub grants: Vec<GrantView>,
}

/// A grant, and the residents whom it concerned.
#[derive(Serialize, ToSchema)]
pub(crate) struct GrantAnswer {
    /// The grant.
    #[serde(flatten)]
    pub grant: GrantView,
    /// Residents who were looked at under it, those with most looks first; 2,000 at most.
    pub residents: Vec<ResidentLooks>,
}

/// A resident who was looked at.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResidentLooks {
    /// Handle, as entries have it.
    pub subject: String,
    /// Looks.
    pub looks: i64,
}

impl GrantView {
    fn of(state: &QueryState, known: Known) -> Self {
        let now = known.state(state);
        let (review_due, overdue) = (known.review_due(state), known.is_overdue(state));
        let Known { id, request, acts } = known;
        let ends = match now {
            GrantState::Active(at) | GrantState::Ended(at) | GrantState::Stopped(at) => Some(at.to_string()),
            _ => None,
        };
        let act = |row: ActRow| ActView {
            act: row.done.act.code(),
            by: row.done.handle,
            unit: row.done.unit,
            at: row.done.at.to_string(),
            reason: row.reason,
            index: row.ledger_index,
        };
        Self {
            grant: id.to_string(),
            state: now.code(),
            area: request.scope.area,
            purpose: request.scope.purpose.code(),
            roles: request.scope.roles.iter().map(|role| role.code()).collect(),
            groups: request.scope.groups.codes(),
            reason: request.reason.code(),
            minutes: request.minutes,
            requested_by: request.requester,
            unit: request.unit,
            requested_at: request.at.to_string(),
            ends,
            review_due: review_due.map(|due| due.to_string()),
            overdue,
            acts: acts.into_iter().map(act).collect(),
        }
    }
}

/// Asks for an emergency grant. It opens nothing until two people of two other units approved it.
#[utoipa::path(
    post,
    path = "/v1/grants",
    tag = "grants",
    operation_id = "request_grant",
    params(crate::openapi::PersonHeaders),
    request_body = GrantQuestion,
    responses(
        (status = 200, description = "The grant as it was asked for", body = Receipted<GrantView>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn request(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::RequestGrant).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let request = match wanted(&call).await {
        Ok(request) => request,
        Err(failure) => return call.refuse(failure).await,
    };
    let recorded = match call.record(shown(1), matter(request.id(), GrantAct::Requested)).await {
        Ok(recorded) => recorded,
        Err(answered) => return answered,
    };
    let kept = async {
        let mut conn = call.state.setup.store.acquire().await?;
        insert(&mut conn, &request).await?;
        Ok(Known { id: request.id(), request, acts: Vec::new() })
    };
    let kept: Result<Known, Failure> = kept.await;
    recorded.answer(told(&call.state, kept))
}

async fn wanted(call: &Call) -> Result<GrantRequest, Failure> {
    let GrantQuestion { area, purpose, roles, groups, reason, minutes } = call.json().await?;
    let rules = &call.state.setup.trust.grants;
    let read = || {
        let roles = roles.iter().map(|role| Role::from_code(role)).collect::<Option<_>>()?;
        let groups = groups.iter().map(|group| FieldGroup::from_code(group)).collect::<Option<FieldGroups>>()?;
        let scope = GrantScope { area, purpose: Purpose::from_code(&purpose)?, roles, groups };
        Some((scope, GrantReason::from_code(&reason)?))
    };
    let (scope, reason) = read().ok_or(Problem::GrantMalformed)?;
    let minutes = minutes.unwrap_or(rules.minutes);
    scope.check(minutes, rules).map_err(|_| Problem::GrantMalformed)?;
    let unit = unit(&call.caller)?.to_string();
    let mut conn = call.state.setup.store.acquire().await?;
    let earlier = list_of_unit(&mut conn, &unit).await?;
    let earlier = grants::known(&call.state, &mut conn, earlier).await?;
    if earlier.iter().any(|known| known.is_overdue(&call.state)) {
        return Err(Problem::ReviewOverdue.into());
    }
    let (requester, at) = (call.caller.handle.clone(), call.state.now());
    Ok(GrantRequest { scope, reason, minutes, requester, unit, at, nonce: Nonce::random().0 })
}

/// Lists grants, the newest first: those that are asked for, active, over, and overdue for review.
#[utoipa::path(
    get,
    path = "/v1/grants",
    tag = "grants",
    operation_id = "list_grants",
    params(
        crate::openapi::PersonHeaders,
        ("state" = Option<String>, Query, description = "requested, lapsed, active, ended, stopped, reviewed, or overdue; every one unless stated"),
    ),
    responses(
        (status = 200, description = "The grants", body = Receipted<GrantList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn list(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadGrants).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = listed(&call).await;
    call.finish(found).await
}

async fn listed(call: &Call) -> Result<Found<GrantList>, Failure> {
    let [wanted] = query::members(&call.query, ["state"])?;
    let states = ["requested", "lapsed", "active", "ended", "stopped", "reviewed", "overdue"];
    if wanted.as_deref().is_some_and(|wanted| !states.contains(&wanted)) {
        return Err(Problem::QueryMalformed.into());
    }
    let mut conn = call.state.setup.store.acquire().await?;
    let fits = |view: &GrantView| match wanted.as_deref() {
        None => true,
        Some("overdue") => view.overdue,
        Some(state) => view.state == state,
    };
    // What state a grant is in, no statement of the database says: all are gone through until enough fit, so that one that waits
    // for its review is found behind any number that do not.
    let (mut grants, mut after) = (Vec::new(), None);
    while grants.len() < LISTED_MAX {
        let rows = list_rows(&mut conn, after, PAGE).await?;
        let Some((last, request)) = rows.last() else { break };
        after = Some((request.at, *last));
        let known = grants::known(&call.state, &mut conn, rows).await?;
        grants.extend(known.into_iter().map(|known| GrantView::of(&call.state, known)).filter(fits));
    }
    grants.truncate(LISTED_MAX);
    Ok(shown(grants.len()).map(|()| GrantList { grants }))
}

/// Reads one grant with the residents who were looked at under it, for those who review it.
#[utoipa::path(
    get,
    path = "/v1/grants/{grant}",
    tag = "grants",
    operation_id = "read_grant",
    params(crate::openapi::PersonHeaders, ("grant" = String, Path, description = "Id of the grant")),
    responses(
        (status = 200, description = "The grant", body = Receipted<GrantAnswer>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReviewGrant).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = one(&call).await;
    call.finish(found).await
}

async fn one(call: &Call) -> Result<Found<GrantAnswer>, Failure> {
    ledger_index::catch_up(&call.state).await?;
    let mut conn = call.state.setup.store.acquire().await?;
    let known = known(call, &mut conn).await?;
    let id = MatterId(known.id.0).to_string();
    let residents = audit::list_subjects_of(&mut conn, &id, grants::INVOKED, RESIDENTS_MAX).await?;
    let residents = residents.into_iter().map(|(subject, looks)| ResidentLooks { subject, looks }).collect();
    let answer = GrantAnswer { grant: GrantView::of(&call.state, known), residents };
    Ok(shown(1).map(|()| answer))
}

/// Approves a grant: the second approval makes it active. Whoever asked does not approve, nor do two people of one unit.
#[utoipa::path(
    post,
    path = "/v1/grants/{grant}/approve",
    tag = "grants",
    operation_id = "approve_grant",
    params(crate::openapi::PersonHeaders, ("grant" = String, Path, description = "Id of the grant")),
    responses(
        (status = 200, description = "The grant", body = Receipted<GrantView>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn approve(State(state): State<QueryState>, ask: Ask) -> Answered {
    act(state, ask, Action::ApproveGrant, GrantAct::Approved).await
}

/// Stops a grant at once. Five roles may: tracers, leads, privacy officers, auditors and operators.
#[utoipa::path(
    post,
    path = "/v1/grants/{grant}/stop",
    tag = "grants",
    operation_id = "stop_grant",
    params(crate::openapi::PersonHeaders, ("grant" = String, Path, description = "Id of the grant")),
    request_body = Stop,
    responses(
        (status = 200, description = "The grant", body = Receipted<GrantView>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn stop(State(state): State<QueryState>, ask: Ask) -> Answered {
    act(state, ask, Action::StopGrant, GrantAct::Stopped).await
}

/// Says of a grant that is over whether it was right. Until that is said, and after 72 hours, its unit gets no other.
#[utoipa::path(
    post,
    path = "/v1/grants/{grant}/review",
    tag = "grants",
    operation_id = "review_grant",
    params(crate::openapi::PersonHeaders, ("grant" = String, Path, description = "Id of the grant")),
    request_body = Review,
    responses(
        (status = 200, description = "The grant", body = Receipted<GrantView>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn review(State(state): State<QueryState>, ask: Ask) -> Answered {
    act(state, ask, Action::ReviewGrant, GrantAct::Reviewed).await
}

/// Does something about a grant. It is done to its end also when the caller does not wait for it: what is on record is in the
/// database, too.
async fn act(state: QueryState, ask: Ask, action: Action, act: GrantAct) -> Answered {
    let done = tokio::spawn(do_to_the_end(state, ask, action, act)).await;
    done.unwrap_or_else(|_| Answered::without_entry(Problem::Internal))
}

/// What several people do at once is done one after the other.
async fn do_to_the_end(state: QueryState, ask: Ask, action: Action, act: GrantAct) -> Answered {
    let call = match Call::begin(state, ask, action).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let begun = async {
        let reason = reason(&call, act).await?;
        let mut tx = call.state.setup.store.begin("act_on_grant").await?;
        lock(&mut tx, grant(&call)?).await?;
        let known = fitting(&call, &mut tx, act).await?;
        Ok::<_, Failure>((tx, known, reason))
    };
    let (mut tx, mut known, reason) = match begun.await {
        Ok(begun) => begun,
        Err(failure) => return call.refuse(failure).await,
    };
    let recorded = match call.record(shown(1), matter(known.id, act)).await {
        Ok(recorded) => recorded,
        Err(answered) => return answered,
    };
    let kept = async {
        let (handle, unit, at) = (call.caller.handle.clone(), unit(&call.caller)?.to_string(), call.state.now());
        let ledger_index = i64::try_from(recorded.index()).map_err(|_| Problem::Internal)?;
        let row = ActRow { grant: known.id, done: ActDone { act, handle, unit, at }, reason, ledger_index };
        insert_act(&mut tx, &row).await?;
        tx.commit().await?;
        known.acts.push(row);
        Ok(known)
    };
    let kept: Result<Known, Failure> = kept.await;
    if kept.is_ok() {
        metrics::counter!("isthmus_grant_acts_total", "act" => act.code()).increment(1);
        tracing::warn!(grant.act = act.code(), "Something was done about an emergency grant.");
    }
    recorded.answer(told(&call.state, kept))
}

/// Why, where the act has a reason.
async fn reason(call: &Call, act: GrantAct) -> Result<Option<String>, Failure> {
    match act {
        GrantAct::Requested | GrantAct::Approved => Ok(None),
        GrantAct::Stopped => {
            let Stop { reason } = call.json().await?;
            if STOPS.contains(&reason.as_str()) { Ok(Some(reason)) } else { Err(Problem::SuspicionWords.into()) }
        }
        GrantAct::Reviewed => {
            let Review { verdict, reason } = call.json().await?;
            let fits =
                VERDICTS.contains(&verdict.as_str()) && verdict != "OPENED" && REASONS.contains(&reason.as_str());
            if fits { Ok(Some(format!("{verdict} {reason}"))) } else { Err(Problem::SuspicionWords.into()) }
        }
    }
}

/// The grant, when the caller may do this about it now.
async fn fitting(call: &Call, conn: &mut Conn, act: GrantAct) -> Result<Known, Failure> {
    let known = known(call, conn).await?;
    let (state, rules, now) = (&call.state, &call.state.setup.trust.grants, call.state.now());
    let unit = unit(&call.caller)?;
    let (handle, done) = (call.caller.handle.as_str(), known.done());
    let may = match act {
        GrantAct::Requested => Err(GrantFlaw::State),
        GrantAct::Approved => known.request.may_approve(&done, rules, now, (handle, unit.as_str())),
        GrantAct::Stopped => match known.state(state) {
            GrantState::Requested(_) | GrantState::Active(_) => Ok(()),
            _ => Err(GrantFlaw::State),
        },
        GrantAct::Reviewed => known.request.may_review(&done, rules, now, handle),
    };
    match may {
        Ok(()) => Ok(known),
        Err(GrantFlaw::Unknown) => Err(Problem::GrantNotFound.into()),
        Err(GrantFlaw::State) => Err(Problem::GrantState.into()),
        Err(GrantFlaw::People) => Err(Problem::GrantInvalid.into()),
    }
}

/// The grant of the path.
async fn known(call: &Call, conn: &mut Conn) -> Result<Known, Failure> {
    Ok(grants::find(&call.state, conn, grant(call)?).await?.ok_or(Problem::GrantNotFound)?)
}

fn grant(call: &Call) -> Result<GrantId, Problem> {
    call.matter_id.as_deref().and_then(|id| id.parse().ok()).ok_or(Problem::GrantNotFound)
}

fn told(state: &QueryState, kept: Result<Known, Failure>) -> Result<(StatusCode, GrantView), Problem> {
    kept.map(|known| (StatusCode::OK, GrantView::of(state, known))).map_err(|failure| failure.problem())
}

fn matter(grant: GrantId, act: GrantAct) -> Matter {
    // Unwrap safety: the codes of acts are capital letters.
    let act = code(act.code()).expect("a code");
    Matter { id: MatterId(grant.0), act }
}

/// An answer about so many grants, and about nobody's file.
fn shown(count: usize) -> Found<()> {
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    Found { answer: (), subjects: Vec::new(), released, withheld, count }
}
