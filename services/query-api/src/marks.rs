//! `/v1/ledger/marks`: persons whose looks are told especially: invented ones, and those known to many.

use std::collections::BTreeMap;

use access::{Action, FieldGroups};
use axum::extract::State;
use axum::http::StatusCode;
use domain::{PersonId, Timestamp};
use ledger::{Matter, MatterId};
use serde::{Deserialize, Serialize};
use store::lineage;
use store::marks::{self, MarkRow};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted, code};
use crate::problem::{Problem, ProblemDocument};
use crate::state::QueryState;

/// Marked persons in one answer.
const LISTED_MAX: i64 = 10_000;

/// A mark.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MarkQuestion {
    /// The person.
    person_id: Uuid,
    /// CANARY for an invented person, PROMINENT for one known to many; NONE takes marks away.
    mark: String,
}

/// A marked person.
#[derive(Serialize, ToSchema)]
pub(crate) struct Marked {
    /// The person.
    pub person_id: Uuid,
    /// The marks.
    pub marks: Vec<MarkView>,
}

/// A mark, and who set it.
#[derive(Serialize, ToSchema)]
pub(crate) struct MarkView {
    /// CANARY or PROMINENT.
    pub mark: String,
    /// Since when.
    pub since: String,
    /// Handle of the one who said so.
    pub by: String,
}

/// Marked persons.
#[derive(Serialize, ToSchema)]
pub(crate) struct MarkList {
    /// The persons, by id.
    pub marked: Vec<Marked>,
}

/// Lists marked persons, by id.
#[utoipa::path(
    get,
    path = "/v1/ledger/marks",
    tag = "ledger",
    operation_id = "list_marks",
    params(crate::openapi::PersonHeaders),
    responses(
        (status = 200, description = "The marked persons", body = Receipted<MarkList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn list(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::MarkPersons).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = listed(&call).await;
    call.finish(found).await
}

async fn listed(call: &Call) -> Result<Found<MarkList>, Failure> {
    let rows = marks::list(&mut *call.state.setup.store.acquire().await?, LISTED_MAX).await?;
    let mut marked: BTreeMap<Uuid, Vec<MarkView>> = BTreeMap::new();
    for MarkRow { person_id, mark, at_ms, handle } in rows {
        let view = MarkView { mark, since: Timestamp::from_millis(at_ms).to_string(), by: handle };
        marked.entry(person_id).or_default().push(view);
    }
    let marked: Vec<Marked> = marked.into_iter().map(|(person_id, marks)| Marked { person_id, marks }).collect();
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    Ok(Found { count: marked.len(), answer: MarkList { marked }, subjects: Vec::new(), released, withheld })
}

/// Marks a person: every look at an invented one is an alert, whoever looks and why.
#[utoipa::path(
    post,
    path = "/v1/ledger/marks",
    tag = "ledger",
    operation_id = "mark_person",
    params(crate::openapi::PersonHeaders),
    request_body = MarkQuestion,
    responses(
        (status = 200, description = "The person's marks", body = Receipted<Marked>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn mark(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::MarkPersons).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let (person, row, matter) = match wanted(&call).await {
        Ok(wanted) => wanted,
        Err(failure) => return call.refuse(failure).await,
    };
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    let act = Found { answer: (), subjects: vec![person], released, withheld, count: 1 };
    let recorded = match call.record(act, matter).await {
        Ok(recorded) => recorded,
        Err(answered) => return answered,
    };
    let kept = keep(&call, person, row).await;
    recorded.answer(kept.map(|marked| (StatusCode::OK, marked)).map_err(|failure| failure.problem()))
}

async fn wanted(call: &Call) -> Result<(PersonId, Option<MarkRow>, Matter), Failure> {
    let MarkQuestion { person_id, mark } = call.json().await?;
    if !["CANARY", "PROMINENT", "NONE"].contains(&mark.as_str()) {
        return Err(Problem::MarkUnknown.into());
    }
    let person = PersonId::from_uuid(person_id);
    let holders = lineage::list_holders(&mut *call.state.setup.store.snapshot().await?, person).await?;
    if holders.is_empty() {
        return Err(Problem::MarkUnknown.into());
    }
    // The id of a person does not stand in the log: the entry names it by its handle.
    let matter = Matter { id: MatterId([0; 16]), act: code(&mark)? };
    let (at_ms, handle) = (call.state.now().as_millis(), call.caller.handle.clone());
    let row = (mark != "NONE").then_some(MarkRow { person_id, mark, at_ms, handle });
    Ok((person, row, matter))
}

async fn keep(call: &Call, person: PersonId, row: Option<MarkRow>) -> Result<Marked, Failure> {
    let mut conn = call.state.setup.store.acquire().await?;
    let Some(row) = row else {
        marks::delete(&mut conn, person).await?;
        return Ok(Marked { person_id: person.as_uuid(), marks: Vec::new() });
    };
    marks::put(&mut conn, &row).await?;
    let MarkRow { person_id, mark, at_ms, handle } = row;
    let view = MarkView { mark, since: Timestamp::from_millis(at_ms).to_string(), by: handle };
    Ok(Marked { person_id, marks: vec![view] })
}
