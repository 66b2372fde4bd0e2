//! `/v1/cases`: what disease control says of cases, and which test results suggest one.
//!
//! A case is made by disease control's word alone. A positive test of somebody without a case only suggests one.

use std::collections::{BTreeMap, BTreeSet};

use access::{Action, Decision, FieldGroups, Subject};
use axum::extract::State;
use domain::{Attribution, Body, CaseState, CaseStatus, PersonId, RecordId, TestResult, Timestamp};
use exposure::Rules;
use serde::Serialize;
use store::Conn;
use store::views::{self, FactRow};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::happening::{CaseView, case_view};
use crate::problem::{Problem, ProblemDocument};
use crate::query::Malformed;
use crate::state::QueryState;
use crate::townships::instant;
use crate::{as_of, facts, known_cases, query, reviews};

const DAY_MS: i64 = 86_400_000;

/// Cases.
#[derive(Serialize, ToSchema)]
pub(crate) struct CaseList {
    /// The cases, by id.
    pub cases: Vec<KnownCase>,
    /// Clusters among all cases: so many that disease control links as the rules say, the greatest first.
    pub clusters: Vec<ClusterView>,
    /// Send it as `after` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<Uuid>,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// A case and whose it is.
#[derive(Serialize, ToSchema)]
pub(crate) struct KnownCase {
    /// The hub's id of the case; its own number does not belong into an address.
    pub case: Uuid,
    /// The person; absent when it is not known who it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_id: Option<Uuid>,
    /// The case is open: confirmed or without symptoms, and not closed.
    pub existing: bool,
    /// What disease control says.
    #[serde(flatten)]
    pub status: CaseView,
}

/// Cases that are linked.
#[derive(Serialize, ToSchema, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ClusterView {
    /// Its name, as disease control gives it.
    pub cluster_id: String,
    /// Cases in it.
    pub cases: usize,
    /// Those that are open.
    pub existing: usize,
}

/// One case.
#[derive(Serialize, ToSchema)]
pub(crate) struct CaseAnswer {
    /// The case.
    #[serde(flatten)]
    pub known: KnownCase,
    /// The other cases of its cluster.
    pub linked: Vec<Uuid>,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// Test results that suggest a case.
#[derive(Serialize, ToSchema)]
pub(crate) struct SuggestionList {
    /// The results, the oldest first.
    pub suggested: Vec<Suggestion>,
    /// Send it as `after` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// A positive test of somebody without a case.
#[derive(Serialize, ToSchema)]
pub(crate) struct Suggestion {
    /// The record of the result.
    pub test: Uuid,
    /// The person; absent when nobody knows whose specimen it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_id: Option<Uuid>,
    /// When the specimen was taken, or the result reported.
    pub tested: String,
    /// What was tested for.
    pub code: String,
    /// Laboratory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lab: Option<String>,
}

/// Lists cases with their clusters.
#[utoipa::path(
    get,
    path = "/v1/cases",
    tag = "cases",
    operation_id = "list_cases",
    params(
        crate::openapi::PersonHeaders,
        ("existing" = Option<bool>, Query, description = "Only cases that are open, or only those that are not"),
        ("after" = Option<Uuid>, Query, description = "`next` of the answer before"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "Cases in one answer; 50 unless stated"),
        ("known_at" = Option<String>, Query, format = DateTime,
         description = "Only what the hub had read by this instant; all that it knows unless stated"),
    ),
    responses(
        (status = 200, description = "The cases", body = Receipted<CaseList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn list(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadCases).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = case_list(&call).await;
    call.finish(found).await
}

/// Reads one case and which cases are linked with it.
#[utoipa::path(
    get,
    path = "/v1/cases/{case}",
    tag = "cases",
    operation_id = "read_case",
    params(
        crate::openapi::PersonHeaders,
        ("case" = Uuid, Path, description = "The hub's id of the case"),
        ("known_at" = Option<String>, Query, format = DateTime,
         description = "Only what the hub had read by this instant; all that it knows unless stated"),
    ),
    responses(
        (status = 200, description = "The case", body = Receipted<CaseAnswer>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadCases).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = one_case(&call).await;
    call.finish(found).await
}

/// Lists positive tests whose person has no case that covers them, and those without a person. A result is listed for as many days
/// as a case is new, from when it was taken or, when it came late, from when the hub read it.
#[utoipa::path(
    get,
    path = "/v1/cases/suggested",
    tag = "cases",
    operation_id = "list_suggested_cases",
    params(
        crate::openapi::PersonHeaders,
        ("on" = Option<String>, Query, format = DateTime, description = "The instant; now, or `known_at`, unless stated"),
        ("known_at" = Option<String>, Query, format = DateTime,
         description = "Only what the hub had read by this instant; all that it knows unless stated"),
        ("after" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "Results in one answer; 50 unless stated"),
    ),
    responses(
        (status = 200, description = "The test results", body = Receipted<SuggestionList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn suggested(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadCases).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = suggestions(&call).await;
    call.finish(found).await
}

/// A case as the views hold it.
struct Case {
    id: RecordId,
    person: Option<PersonId>,
    since: Timestamp,
    status: CaseStatus,
}

impl Case {
    fn is_existing(&self, now: Timestamp) -> bool {
        known_cases::exists(&self.status, now)
    }

    /// Whether a specimen taken at an instant says nothing that disease control has not judged.
    fn covers(&self, tested: Timestamp) -> bool {
        match self.status.state {
            CaseState::Unknown | CaseState::Suspected | CaseState::Confirmed | CaseState::Asymptomatic => {
                self.status.closed_time.is_none_or(|closed| tested <= closed)
            }
            CaseState::Recovered | CaseState::Deceased | CaseState::Excluded => {
                tested <= self.status.closed_time.unwrap_or(self.since)
            }
        }
    }

    fn view(self, now: Timestamp) -> KnownCase {
        KnownCase {
            case: self.id.as_uuid(),
            person_id: self.person.map(PersonId::as_uuid),
            existing: self.is_existing(now),
            status: case_view(self.status),
        }
    }
}

/// What the caller may see of cases: the relationship is the case worked on, whoever it is about.
fn granted(call: &Call) -> Result<(FieldGroups, FieldGroups), Failure> {
    match call.entitlement()?.decide(&Subject::default()) {
        Decision::Allowed { granted, .. } => Ok(call.split(&granted)),
        Decision::Refused(_) => Err(Problem::NotEntitled.into()),
    }
}

/// All cases, or as they were known at an instant.
async fn cases(conn: &mut Conn, known_at: Option<Timestamp>) -> Result<Vec<Case>, Failure> {
    let rows = views::list_case_facts(conn, known_at).await?;
    let attributions = facts::attributed(conn, &rows).await?;
    let case = |(row, attribution): (FactRow, Attribution)| {
        let (id, since) = (row.record_id, row.started_at);
        match row.body() {
            Ok(Body::CaseStatus(status)) => {
                Some(Ok(Case { id, person: known_cases::owner(&attribution), since, status }))
            }
            Ok(_) => None,
            Err(error) => Some(Err(error.into())),
        }
    };
    rows.into_iter().zip(attributions).filter_map(case).collect()
}

fn clusters(rules: &Rules, cases: &[Case], now: Timestamp) -> Vec<ClusterView> {
    let mut linked: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for case in cases.iter().filter(|case| case.status.state != CaseState::Excluded) {
        if let Some(cluster) = &case.status.cluster_id {
            let (all, existing) = linked.entry(cluster).or_default();
            *all += 1;
            *existing += usize::from(case.is_existing(now));
        }
    }
    let clusters = linked.into_iter().filter(|(_, (cases, _))| *cases >= rules.risk.cluster_cases_min as usize);
    let mut clusters: Vec<ClusterView> =
        clusters.map(|(id, (cases, existing))| ClusterView { cluster_id: id.to_owned(), cases, existing }).collect();
    // Stable: clusters of one size stay in the order of their names.
    clusters.sort_by_key(|cluster| std::cmp::Reverse(cluster.cases));
    clusters
}

async fn case_list(call: &Call) -> Result<Found<CaseList>, Failure> {
    let [existing, after, limit, known_at] = query::members(&call.query, ["existing", "after", "limit", "known_at"])?;
    let known_at = as_of::known_at(known_at.as_deref(), call.state.now())?;
    let existing: Option<bool> = existing
        .map(|text| text.parse())
        .transpose()
        .map_err(|_| Malformed::member("existing", "`true` or `false`"))?;
    let after: Option<RecordId> = after.map(|id| id.parse()).transpose().map_err(|_| query::after_malformed())?;
    let limit = usize::try_from(reviews::limit_of(limit)?).unwrap_or(usize::MAX);
    let (released, withheld) = granted(call)?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let cases = cases(&mut conn, known_at).await?;
    let (rules, now) = (&call.state.setup.rules, known_at.unwrap_or_else(|| call.state.now()));
    let clusters = clusters(rules, &cases, now);
    let is_wanted = |case: &Case| {
        existing.is_none_or(|existing| case.is_existing(now) == existing) && after.is_none_or(|after| case.id > after)
    };
    let mut wanted: Vec<Case> = cases.into_iter().filter(is_wanted).take(limit + 1).collect();
    let has_more = wanted.len() > limit;
    wanted.truncate(limit);
    let next = wanted.last().filter(|_| has_more).map(|case| case.id.as_uuid());
    let (subjects, count) = (subjects(&wanted), wanted.len());
    let cases = wanted.into_iter().map(|case| case.view(now)).collect();
    let answer = CaseList { cases, clusters, next, withheld: withheld.clone() };
    Ok(Found { answer, subjects, released, withheld, count })
}

fn subjects(cases: &[Case]) -> Vec<PersonId> {
    cases.iter().filter_map(|case| case.person).collect::<BTreeSet<_>>().into_iter().collect()
}

async fn one_case(call: &Call) -> Result<Found<CaseAnswer>, Failure> {
    let [known_at] = query::members(&call.query, ["known_at"])?;
    let known_at = as_of::known_at(known_at.as_deref(), call.state.now())?;
    let now = known_at.unwrap_or_else(|| call.state.now());
    let id: RecordId = call.case_id.as_deref().and_then(|id| id.parse().ok()).ok_or(Problem::CaseNotFound)?;
    let (released, withheld) = granted(call)?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let (mut own, others): (Vec<Case>, Vec<Case>) =
        cases(&mut conn, known_at).await?.into_iter().partition(|case| case.id == id);
    let case = own.pop().ok_or(Problem::CaseNotFound)?;
    let is_linked =
        |other: &&Case| other.status.cluster_id.is_some() && other.status.cluster_id == case.status.cluster_id;
    let linked = others.iter().filter(is_linked).map(|other| other.id.as_uuid()).collect();
    let subjects = case.person.into_iter().collect();
    let answer = CaseAnswer { known: case.view(now), linked, withheld: withheld.clone() };
    Ok(Found { answer, subjects, released, withheld, count: 1 })
}

async fn suggestions(call: &Call) -> Result<Found<SuggestionList>, Failure> {
    let [on, known_at, after, limit] = query::members(&call.query, ["on", "known_at", "after", "limit"])?;
    let known_at = as_of::known_at(known_at.as_deref(), call.state.now())?;
    let on = instant(on.as_deref(), known_at.unwrap_or_else(|| call.state.now()))?;
    let after = after.as_deref().map(place).transpose()?;
    let limit = usize::try_from(reviews::limit_of(limit)?).unwrap_or(usize::MAX);
    let (released, withheld) = granted(call)?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let mut known: BTreeMap<PersonId, Vec<Case>> = BTreeMap::new();
    for case in cases(&mut conn, known_at).await? {
        if let Some(person) = case.person {
            known.entry(person).or_default().push(case);
        }
    }
    // A positive test suggests a case for as long as a case would be new, also one that comes late.
    let days = i64::from(call.state.setup.rules.risk.new_days);
    let since = on.plus_millis(-days * DAY_MS);
    let tests = views::list_positive_tests(&mut conn, (since, on), known_at).await?;
    let attributions = facts::attributed(&mut conn, &tests).await?;
    let (mut suggested, mut subjects, mut last, mut next) = (Vec::new(), BTreeSet::new(), None, None);
    for (row, Attribution { owner, .. }) in tests.into_iter().zip(attributions) {
        let judged = owner.and_then(|person| known.get(&person));
        if judged.is_some_and(|cases| cases.iter().any(|case| case.covers(row.started_at))) {
            continue;
        }
        let own_place = (row.started_at, row.record_id);
        if after.is_some_and(|after| own_place <= after) {
            continue;
        }
        if suggested.len() == limit {
            next = last.map(|(time, record)| format!("{time}~{record}"));
            break;
        }
        last = Some(own_place);
        let Body::TestResult(TestResult { code, lab, .. }) = row.body()? else { continue };
        subjects.extend(owner);
        suggested.push(Suggestion {
            test: row.record_id.as_uuid(),
            person_id: owner.map(PersonId::as_uuid),
            tested: row.started_at.to_string(),
            code,
            lab,
        });
    }
    let count = suggested.len();
    let answer = SuggestionList { suggested, next, withheld: withheld.clone() };
    Ok(Found { answer, subjects: subjects.into_iter().collect(), released, withheld, count })
}

/// Where a page ended: the instant and the record of its last result.
fn place(after: &str) -> Result<(Timestamp, RecordId), Malformed> {
    let place = |(time, record): (&str, &str)| Some((Timestamp::parse(time).ok()?, record.parse().ok()?));
    after.split_once('~').and_then(place).ok_or_else(query::after_malformed)
}
