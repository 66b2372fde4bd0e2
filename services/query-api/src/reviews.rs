//! `GET /v1/reviews`: pairs of records that a reviewer is asked about.

use access::{Action, Decision, FieldGroup, FieldGroups, Subject};
use axum::extract::State;
use domain::{PersonId, RecordId};
use serde::Serialize;
use store::views::{self, ReviewFilter, ReviewRow, ReviewSide, SourceRecordRow};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::links::PartView;
use crate::problem::{Problem, ProblemDocument};
use crate::query::{self, Malformed};
use crate::state::QueryState;
use crate::subject::own_person;
use crate::view::{self, StatedContactView, StatedIdentityView, StatedResidenceView};

/// Tasks in one answer, unless the question says otherwise.
const TASKS_DEFAULT: i64 = 50;
/// Tasks in one answer at most.
const TASKS_MAX: i64 = 200;
/// Why a reviewer can be asked.
const KINDS: [&str; 6] =
    ["band", "held-apart", "runner-up", "loose-member", "orders-contradict", "order-joins-numbers"];

/// Those of them that only a decision raises.
const RAISED_BY_A_DECISION: [&str; 2] = ["orders-contradict", "order-joins-numbers"];

/// Pairs that a reviewer is asked about.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReviewList {
    /// The tasks, the greatest weight first.
    pub tasks: Vec<TaskView>,
    /// Send it as `after` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// A pair that a reviewer is asked about.
#[derive(Serialize, ToSchema)]
pub(crate) struct TaskView {
    /// Id of the task; a decision on the pair has the same.
    pub task_id: Uuid,
    /// Why it is asked: `band` (the weight lies between the thresholds), `held-apart` (the weight would link them, their
    /// clusters disagree), `runner-up` (nearly as likely of the other cluster as of its own), `loose-member` (in one
    /// cluster, held by little else), `orders-contradict` (the decision on them is set aside), `order-joins-numbers` (a
    /// decision holds different numbers together).
    pub kind: String,
    /// Both records.
    pub records: Vec<SideView>,
    /// Match weight: log2 of the odds that both are of one person.
    pub weight: f64,
    /// What each field contributed; the sum is the weight.
    pub parts: Vec<PartView>,
    /// Version of the model that weighed it.
    pub model_version: String,
    /// Since when both records are known, and the decision that the task is about.
    pub since: String,
    /// The decisions that the one on this pair contradicts.
    pub contradicts: Vec<Uuid>,
}

/// One record of a task.
#[derive(Serialize, ToSchema)]
pub(crate) struct SideView {
    /// Id of the record.
    pub record_id: Uuid,
    /// Kind of organisation; only with `provenance` and the group of the kind (`health` for hospitals).
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub source_kind: Option<serde_json::Value>,
    /// The person whose record it is now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_id: Option<Uuid>,
}

/// Lists pairs that a reviewer is asked about, the greatest weight first.
#[utoipa::path(
    get,
    path = "/v1/reviews",
    tag = "reviews",
    operation_id = "list_reviews",
    params(
        crate::openapi::PersonHeaders,
        ("kind" = Option<String>, Query, description = "Only tasks of this kind"),
        ("weight_min" = Option<f64>, Query, description = "Only pairs of at least this weight"),
        ("after" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "Tasks in one answer; 50 unless stated"),
    ),
    responses(
        (status = 200, description = "The tasks", body = Receipted<ReviewList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn list(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ListReviews).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = review_list(&call).await;
    call.finish(found).await
}

async fn review_list(call: &Call) -> Result<Found<ReviewList>, Failure> {
    let filter = filter(&call.query)?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let own = own_person(call, &mut conn).await?;
    let (released, withheld) = call.split(&granted(call, true)?);
    let wanted = ReviewFilter { limit: filter.limit + 1, ..filter.clone() };
    let mut rows = views::list_reviews(&mut conn, &wanted).await?;
    let more = rows.len() as i64 > filter.limit;
    rows.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
    let next = rows.last().filter(|_| more).map(|row| format!("{}~{}", row.rank, row.task_id));
    rows.retain(|row| !concerns(row, own));
    let mut subjects: Vec<PersonId> = rows.iter().flat_map(persons).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let tasks = rows.into_iter().map(|row| task(row, &released)).collect::<Result<Vec<_>, _>>()?;
    let count = tasks.len();
    Ok(Found { answer: ReviewList { tasks, next, withheld: withheld.clone() }, subjects, released, withheld, count })
}

/// Two records side by side.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReviewFile {
    /// The task.
    #[serde(flatten)]
    pub task: TaskView,
    /// From this weight on, two records are linked.
    pub link_threshold: f64,
    /// From this weight on, a pair is put up for review.
    pub review_threshold: f64,
    /// What each record states, in the order of `records`.
    pub statements: Vec<StatementView>,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// What a record states.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatementView {
    /// Id of the record.
    pub record_id: Uuid,
    /// Source system; only with `provenance` and the group of its kind (`health` for hospitals).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// When it was first stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_time: Option<String>,
    /// When it was last stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_time: Option<String>,
    /// Group `identity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<StatedIdentityView>,
    /// Group `contact`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<StatedContactView>,
    /// Group `residence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub residence: Option<StatedResidenceView>,
}

/// Reads a task: both records side by side, and what each field contributed to the weight.
#[utoipa::path(
    get,
    path = "/v1/reviews/{task_id}",
    tag = "reviews",
    operation_id = "read_review",
    params(crate::openapi::PersonHeaders, ("task_id" = Uuid, Path, description = "Id of the task")),
    responses(
        (status = 200, description = "The task", body = Receipted<ReviewFile>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadReview).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = review_file(&call).await;
    call.finish(found).await
}

async fn review_file(call: &Call) -> Result<Found<ReviewFile>, Failure> {
    let task_id = call.review_id()?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let own = own_person(call, &mut conn).await?;
    let row = views::find_review(&mut conn, task_id).await?.filter(|row| !concerns(row, own));
    let row = row.ok_or(Problem::ReviewNotFound)?;
    let (released, withheld) = call.split(&groups_of(call, &mut conn, &row).await?);
    let ids = row.sides.each_ref().map(|side| side.record_id);
    let records = views::list_records(&mut conn, &ids).await?;
    let subjects = persons(&row).collect();
    let model = crate::links::model(&mut conn).await?;
    let answer = ReviewFile {
        task: task(row, &released)?,
        link_threshold: model.link_threshold,
        review_threshold: model.review_threshold,
        statements: records.into_iter().map(|record| statement(record, &released)).collect(),
        withheld: withheld.clone(),
    };
    Ok(Found { answer, subjects, released, withheld, count: 2 })
}

/// A task that linkage raised shows both records. One that a decision raised does not show them to whoever decided:
/// otherwise a decision on any two records would open both.
async fn groups_of(call: &Call, conn: &mut store::Conn, row: &ReviewRow) -> Result<FieldGroups, Failure> {
    let granted = granted(call, true)?;
    if !RAISED_BY_A_DECISION.contains(&row.kind.as_str()) {
        return Ok(granted);
    }
    let decision = views::find_order(conn, row.task_id).await?;
    let is_own = decision.is_none_or(|decision| decision.reviewer == call.caller.handle);
    Ok(if is_own { granted.among(&[FieldGroup::Links, FieldGroup::Provenance]) } else { granted })
}

fn statement(row: SourceRecordRow, released: &FieldGroups) -> StatementView {
    let source = view::may_know_source(row.source_kind, released).then_some(row.source);
    let times = row.stated.as_ref().map(|stated| (stated.first_time, stated.last_time));
    let stated = row.stated.and_then(|stated| stated.statement);
    let view::StatedView { identity, contact, residence } =
        stated.map(|statement| view::stated(statement, released)).unwrap_or_default();
    StatementView {
        record_id: row.record_id.as_uuid(),
        source,
        first_time: view::time(times.map(|times| times.0)),
        last_time: view::time(times.map(|times| times.1)),
        identity,
        contact,
        residence,
    }
}

/// The groups that the caller may see of a pair.
pub(crate) fn granted(call: &Call, is_under_review: bool) -> Result<FieldGroups, Failure> {
    match call.entitlement()?.decide(&Subject { is_under_review, ..Subject::default() }) {
        Decision::Allowed { granted, .. } => Ok(granted),
        Decision::Refused(_) => Err(Problem::ReviewNotFound.into()),
    }
}

fn persons(row: &ReviewRow) -> impl Iterator<Item = PersonId> {
    row.sides.iter().filter_map(|side| side.person)
}

/// Nobody reviews the own file.
fn concerns(row: &ReviewRow, own: Option<PersonId>) -> bool {
    own.is_some() && row.sides.iter().any(|side| side.person == own)
}

fn task(row: ReviewRow, released: &FieldGroups) -> Result<TaskView, Failure> {
    let parts = serde_json::from_value(row.parts).map_err(|_| {
        tracing::error!("The parts of a stored review task have another shape than this version reads.");
        Problem::Internal
    })?;
    let side = |ReviewSide { record_id, source_kind, person }| SideView {
        record_id: record_id.as_uuid(),
        source_kind: view::may_know_source(source_kind, released)
            .then(|| serde_json::to_value(source_kind).unwrap_or_default()),
        person_id: person.map(PersonId::as_uuid),
    };
    Ok(TaskView {
        task_id: row.task_id.as_uuid(),
        kind: row.kind,
        records: row.sides.into_iter().map(side).collect(),
        weight: row.weight,
        parts,
        model_version: row.model_version,
        since: row.since.to_string(),
        contradicts: row.against.into_iter().map(RecordId::as_uuid).collect(),
    })
}

fn filter(text: &str) -> Result<ReviewFilter, Problem> {
    let [kind, weight_min, after, limit] = query::members(text, ["kind", "weight_min", "after", "limit"])?;
    if kind.as_ref().is_some_and(|kind| !KINDS.contains(&kind.as_str())) {
        return Err(Problem::QueryMalformed);
    }
    let weight_min = weight_min.map(|text| text.parse::<f64>()).transpose().map_err(|_| Problem::QueryMalformed)?;
    if weight_min.is_some_and(|weight| !weight.is_finite()) {
        return Err(Problem::QueryMalformed);
    }
    let after: Option<Result<_, Problem>> = after.map(|after| {
        let (rank, task) = after.split_once('~').ok_or(Problem::QueryMalformed)?;
        Ok((rank.parse().map_err(|_| Problem::QueryMalformed)?, task.parse().map_err(|_| Problem::QueryMalformed)?))
    });
    Ok(ReviewFilter { kind, weight_min, after: after.transpose()?, limit: limit_of(limit)? })
}

/// The `limit` of a list.
pub(crate) fn limit_of(text: Option<String>) -> Result<i64, Malformed> {
    let malformed = || Malformed::member("limit", "a number from 1 to 200");
    let limit = text.map(|text| text.parse()).transpose().map_err(|_| malformed())?;
    let limit = limit.unwrap_or(TASKS_DEFAULT);
    if (1..=TASKS_MAX).contains(&limit) { Ok(limit) } else { Err(malformed()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_asked_for_by_kind_weight_and_place() {
        let id = "3f2504e0-4f89-11d3-9a0c-123456789012";
        let asked = filter(&format!("kind=band&weight_min=-1.5&after=1250~{id}&limit=7")).expect("fine");
        assert_eq!((asked.kind.as_deref(), asked.weight_min, asked.limit), (Some("band"), Some(-1.5), 7));
        assert_eq!(asked.after.map(|(rank, task)| (rank, task.to_string())), Some((1250, id.to_owned())));
        for text in ["kind=all", "weight_min=NaN", "weight_min=x", "limit=0", "limit=201", "after=1250", "role=x"] {
            assert_eq!(filter(text).err(), Some(Problem::QueryMalformed), "{text}");
        }
    }
}
