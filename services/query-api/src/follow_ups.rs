//! Follow-ups: what is done about people who met a case, at which community unit, and what is overdue.
//!
//! Disease control makes the contacts of a case follow-ups and sees those of a case; a worker sees those of the own unit, and
//! what is offered to it. Everything that is done is an event on the log, so that a rebuild gives the same.

mod notify;
mod step;
mod view;

use std::collections::BTreeSet;

use access::{Action, FieldGroups};
use axum::extract::State;
use domain::{PersonId, RecordId, Timestamp};
use exposure::follow_up::{FollowUpStanding, FollowUpStock, count_all};
use serde::Serialize;
use store::Conn;
use store::views::{self, FollowUpRow, FollowUpsOf};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::community::own_unit;
use crate::problem::{Problem, ProblemDocument};
use crate::query::Malformed;
use crate::state::QueryState;
use crate::{query, reviews};
use view::{Desk, FollowUpView, StepView};

pub(crate) use notify::{__path_notify, notify};
pub(crate) use step::{__path_assign, __path_step, assign, step};
pub(crate) use view::{FollowUpCounts, UnitFollowUps, cases};

/// The follow-ups of a unit.
#[derive(Serialize, ToSchema)]
pub(crate) struct UnitFollowUpList {
    /// Code of the unit.
    pub unit: String,
    /// The follow-ups.
    #[serde(flatten)]
    pub list: FollowUpList,
}

/// The follow-ups of a case.
#[derive(Serialize, ToSchema)]
pub(crate) struct CaseFollowUpList {
    /// The hub's id of the case.
    pub case: Uuid,
    /// Contacts that nobody follows up, because they became known since the communities were told: tell them again. Absent
    /// while the contacts cannot be counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contacts_without: Option<usize>,
    /// The follow-ups.
    #[serde(flatten)]
    pub list: FollowUpList,
}

/// Follow-ups.
#[derive(Serialize, ToSchema)]
pub(crate) struct FollowUpList {
    /// How many there are in all, whatever was asked for.
    pub counts: FollowUpCounts,
    /// The follow-ups: what is due first comes first, what has ended last.
    pub follow_ups: Vec<FollowUpView>,
    /// Send it as `after` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Version of the rules of disease control.
    pub rules: String,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// A follow-up with its history.
#[derive(Serialize, ToSchema)]
pub(crate) struct FollowUpAnswer {
    /// The follow-up as it is.
    #[serde(flatten)]
    pub follow_up: FollowUpView,
    /// What was done, the first step first.
    pub history: Vec<StepView>,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// Lists the follow-ups that a unit and those below it have, and those that are offered to them.
#[utoipa::path(
    get,
    path = "/v1/units/{unit}/follow-ups",
    tag = "follow-ups",
    operation_id = "list_follow_ups_of_unit",
    params(
        crate::openapi::PersonHeaders,
        ("unit" = String, Path, description = "Code of the unit"),
        ("state" = Option<String>, Query, description = "Only those in this state"),
        ("overdue" = Option<bool>, Query, description = "Only those whose next step is overdue, or only the others"),
        ("after" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "Follow-ups in one answer; 50 unless stated"),
    ),
    responses(
        (status = 200, description = "The follow-ups", body = Receipted<UnitFollowUpList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn of_unit(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadFollowUps).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = unit_list(&call).await;
    call.finish(found).await
}

/// Lists the follow-ups of a case.
#[utoipa::path(
    get,
    path = "/v1/cases/{case}/follow-ups",
    tag = "follow-ups",
    operation_id = "list_follow_ups_of_case",
    params(
        crate::openapi::PersonHeaders,
        ("case" = Uuid, Path, description = "The hub's id of the case"),
        ("state" = Option<String>, Query, description = "Only those in this state"),
        ("overdue" = Option<bool>, Query, description = "Only those whose next step is overdue, or only the others"),
        ("after" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "Follow-ups in one answer; 50 unless stated"),
    ),
    responses(
        (status = 200, description = "The follow-ups", body = Receipted<CaseFollowUpList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn of_case(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadFollowUps).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = case_list(&call).await;
    call.finish(found).await
}

/// Lists the follow-ups that no unit has, because it is not known where the person lives. Disease control gives them to a
/// unit by hand.
#[utoipa::path(
    get,
    path = "/v1/follow-ups/unassigned",
    tag = "follow-ups",
    operation_id = "list_unassigned_follow_ups",
    params(
        crate::openapi::PersonHeaders,
        ("state" = Option<String>, Query, description = "Only those in this state"),
        ("overdue" = Option<bool>, Query, description = "Only those whose next step is overdue, or only the others"),
        ("after" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "Follow-ups in one answer; 50 unless stated"),
    ),
    responses(
        (status = 200, description = "The follow-ups", body = Receipted<FollowUpList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn unassigned(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadFollowUps).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = unassigned_list(&call).await;
    call.finish(found).await
}

/// Reads a follow-up with everything that was done.
#[utoipa::path(
    get,
    path = "/v1/follow-ups/{follow_up}",
    tag = "follow-ups",
    operation_id = "read_follow_up",
    params(crate::openapi::PersonHeaders, ("follow_up" = Uuid, Path, description = "Id of the follow-up")),
    responses(
        (status = 200, description = "The follow-up", body = Receipted<FollowUpAnswer>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadFollowUps).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = one(&call).await;
    call.finish(found).await
}

async fn unit_list(call: &Call) -> Result<Found<UnitFollowUpList>, Failure> {
    let question = Question::of(call)?;
    let (unit, _) = own_unit(call)?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let rows = views::list_follow_ups(&mut conn, FollowUpsOf::Unit(&unit)).await?;
    let found = list(call, &mut conn, rows, question).await?;
    Ok(found.map(|list| UnitFollowUpList { unit, list }))
}

async fn case_list(call: &Call) -> Result<Found<CaseFollowUpList>, Failure> {
    let question = Question::of(call)?;
    let case = case_id(call)?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let rows = views::list_follow_ups(&mut conn, FollowUpsOf::Case(case)).await?;
    // A case that was withdrawn has its history; any other id is none.
    if rows.is_empty() && !view::cases(&mut conn).await?.contains(&case) {
        return Err(Problem::CaseNotFound.into());
    }
    drop(conn);
    // It takes a connection of its own, and a while: once for a list.
    let contacts = match question.after {
        None => {
            let _place = call.state.counting.acquire().await.map_err(|_| Problem::Internal)?;
            notify::contacts(call, case).await.ok().flatten()
        }
        Some(_) => None,
    };
    let mut conn = call.state.setup.store.snapshot().await?;
    let records: Vec<RecordId> = rows.iter().map(|row| row.body.record).collect();
    let owners = views::list_persons_of_records(&mut conn, &records).await?;
    let followed: BTreeSet<PersonId> = owners.into_values().flatten().collect();
    let contacts_without = contacts.map(|all| all.iter().filter(|person| !followed.contains(person)).count());
    let found = list(call, &mut conn, rows, question).await?;
    Ok(found.map(|list| CaseFollowUpList { case: case.as_uuid(), contacts_without, list }))
}

async fn unassigned_list(call: &Call) -> Result<Found<FollowUpList>, Failure> {
    let question = Question::of(call)?;
    if !view::is_control(call) {
        return Err(Problem::NotEntitled.into());
    }
    let mut conn = call.state.setup.store.snapshot().await?;
    let rows = views::list_follow_ups(&mut conn, FollowUpsOf::Nobody).await?;
    list(call, &mut conn, rows, question).await
}

/// The follow-ups of a unit and of those below it, as they are counted.
pub(crate) async fn stocks_of_unit(call: &Call, conn: &mut Conn, unit: &str) -> Result<Vec<FollowUpStock>, Failure> {
    Ok(stocks(call, conn, unit).await?.into_iter().map(|(_, stock)| stock).collect())
}

/// The same that a unit and those below it have, with whom they are about.
pub(crate) async fn stocks_by_person(
    call: &Call,
    conn: &mut Conn,
    unit: &str,
) -> Result<Vec<(PersonId, FollowUpStock)>, Failure> {
    let stocks = stocks(call, conn, unit).await?;
    let records: Vec<RecordId> = stocks.iter().map(|(record, _)| *record).collect();
    let owners = views::list_persons_of_records(conn, &records).await?;
    let is_own = |stock: &FollowUpStock| stock.unit.as_deref().is_some_and(|of| domain::unit::is_home_in(unit, of));
    let own = stocks.into_iter().filter(|(_, stock)| is_own(stock));
    Ok(own.filter_map(|(record, stock)| Some((owners.get(&record).copied().flatten()?, stock))).collect())
}

async fn stocks(call: &Call, conn: &mut Conn, unit: &str) -> Result<Vec<(RecordId, FollowUpStock)>, Failure> {
    let rows = views::list_follow_ups(conn, FollowUpsOf::Unit(unit)).await?;
    let cases = view::cases(conn).await?;
    let (rules, now) = (&call.state.setup.rules.follow_up, call.state.now());
    let stock = |row: &FollowUpRow| FollowUpStock::new(rules, &row.body, cases.contains(&row.body.case), now);
    Ok(rows.iter().map(|row| (row.body.record, stock(row))).collect())
}

/// Whether somebody took a step in a follow-up about whoever holds these records.
pub(crate) async fn worked_on(conn: &mut Conn, records: &[RecordId], handle: &str) -> Result<bool, Failure> {
    for follow_up in views::list_follow_ups(conn, FollowUpsOf::Records(records)).await? {
        let steps = views::list_steps(conn, follow_up.follow_up_id).await?;
        if steps.iter().any(|step| step.body.by == handle) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The case of the path; only disease control asks by it.
fn case_id(call: &Call) -> Result<RecordId, Failure> {
    if !view::is_control(call) {
        return Err(Problem::NotEntitled.into());
    }
    Ok(call.case_id.as_deref().and_then(|id| id.parse().ok()).ok_or(Problem::CaseNotFound)?)
}

/// What is asked of a list.
struct Question {
    standing: Option<FollowUpStanding>,
    overdue: Option<bool>,
    after: Option<Place>,
    limit: usize,
}

/// Where a follow-up is in a list: open ones first, by when the next step is due.
type Place = (bool, Timestamp, RecordId);

impl Question {
    fn of(call: &Call) -> Result<Self, Malformed> {
        let [state, overdue, after, limit] = query::members(&call.query, ["state", "overdue", "after", "limit"])?;
        let standing = state.map(|code| {
            let known = FollowUpStanding::ALL.into_iter().find(|standing| standing.code() == code);
            known.ok_or_else(|| {
                Malformed::member("state", "a state of follow-ups, as the document of the API names them")
            })
        });
        let overdue = overdue.map(|text| text.parse()).transpose();
        let overdue = overdue.map_err(|_| Malformed::member("overdue", "`true` or `false`"))?;
        let limit = usize::try_from(reviews::limit_of(limit)?).unwrap_or(usize::MAX);
        Ok(Self { standing: standing.transpose()?, overdue, after: after.as_deref().map(place).transpose()?, limit })
    }

    fn wants(&self, stock: &FollowUpStock) -> bool {
        self.standing.is_none_or(|standing| standing == stock.standing)
            && self.overdue.is_none_or(|overdue| overdue == stock.is_overdue)
    }
}

fn place(after: &str) -> Result<Place, Malformed> {
    let parts: Vec<&str> = after.split('~').collect();
    let [ended, due, follow_up] = parts[..] else { return Err(query::after_malformed()) };
    let due = Timestamp::parse(due).map_err(|_| query::after_malformed())?;
    Ok((ended == "ended", due, follow_up.parse().map_err(|_| query::after_malformed())?))
}

async fn list(
    call: &Call,
    conn: &mut Conn,
    rows: Vec<FollowUpRow>,
    question: Question,
) -> Result<Found<FollowUpList>, Failure> {
    let now = call.state.now();
    let rules = &call.state.setup.rules;
    let cases = view::cases(conn).await?;
    let stock =
        |row: &FollowUpRow| FollowUpStock::new(&rules.follow_up, &row.body, cases.contains(&row.body.case), now);
    let mut all: Vec<(Place, FollowUpStock, FollowUpRow)> = Vec::with_capacity(rows.len());
    for row in rows {
        // What ended, ended when its last step was taken.
        let stock = stock(&row);
        let due = exposure::follow_up::due(&rules.follow_up, &row.body).map_or(row.at, |(due, _)| due);
        all.push(((stock.standing.is_ended(), due, row.follow_up_id), stock, row));
    }
    all.sort_unstable_by_key(|(place, ..)| *place);
    let counts = FollowUpCounts::from(count_all(all.iter().map(|(_, stock, _)| stock)));
    let is_wanted = |(place, stock, _): &(Place, FollowUpStock, FollowUpRow)| {
        question.wants(stock) && question.after.is_none_or(|after| *place > after)
    };
    let mut wanted: Vec<_> = all.into_iter().filter(is_wanted).take(question.limit + 1).collect();
    let has_more = wanted.len() > question.limit;
    wanted.truncate(question.limit);
    let next = wanted.last().filter(|_| has_more).map(|((has_ended, due, id), ..)| {
        let state = if *has_ended { "ended" } else { "open" };
        format!("{state}~{due}~{id}")
    });
    let rows: Vec<FollowUpRow> = wanted.into_iter().map(|(.., row)| row).collect();
    let desk = Desk::open(call, conn, &rows).await?;
    let (mut follow_ups, mut released) = (Vec::new(), FieldGroups::default());
    let (mut withheld, mut subjects) = (FieldGroups::default(), Vec::new());
    for row in &rows {
        let Some(shown) = desk.show(call, row)? else { continue };
        released = released.union(&shown.released);
        withheld = withheld.union(&shown.withheld);
        subjects.extend(shown.person);
        follow_ups.push(shown.view);
    }
    subjects.sort_unstable();
    subjects.dedup();
    let count = follow_ups.len();
    let answer = FollowUpList { counts, follow_ups, next, rules: rules.version(), withheld: withheld.clone() };
    Ok(Found { answer, subjects, released, withheld, count })
}

async fn one(call: &Call) -> Result<Found<FollowUpAnswer>, Failure> {
    let [] = query::members(&call.query, [])?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let steps = views::list_steps(&mut conn, call.follow_up_id()?).await?;
    let last = steps.last().cloned().ok_or(Problem::FollowUpNotFound)?;
    let desk = Desk::open(call, &mut conn, std::slice::from_ref(&last)).await?;
    // "Not yours" and "no such follow-up" are the same answer.
    let shown = desk.show(call, &last)?.ok_or(Problem::FollowUpNotFound)?;
    let subjects: Vec<PersonId> = shown.person.into_iter().collect();
    let answer = FollowUpAnswer {
        follow_up: shown.view,
        history: steps.into_iter().map(StepView::of).collect(),
        withheld: shown.withheld.clone(),
    };
    Ok(Found { answer, subjects, released: shown.released, withheld: shown.withheld, count: 1 })
}
