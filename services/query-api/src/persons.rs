//! `GET /v1/persons/{person_id}` and its source records.

use access::{Action, FieldGroup, FieldGroups};
use axum::extract::State;
use axum::http::StatusCode;
use domain::{EventType, PersonId, Timestamp};
use serde::Serialize;
use store::lineage;
use store::views::{self, SourceRecordRow, Stated};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::facts::{self, Span};
use crate::happening::{Happening, HouseholdView, happening};
use crate::problem::ProblemDocument;
use crate::state::QueryState;
use crate::subject::{self, Seen};
use crate::view::{self, GoldenView, IdentityView, PhonesView, ResidenceView, StatedView};
use crate::{as_of, query};

/// Source records in one answer at most.
const RECORDS_MAX: i64 = 500;
/// Household memberships in one answer at most.
const HOUSEHOLDS_MAX: usize = 50;
/// Every instant that a fact can have.
const EVER: (Timestamp, Timestamp) =
    (Timestamp::from_millis(-62_135_596_800_000), Timestamp::from_millis(253_402_300_799_999));

/// A person file.
#[derive(Serialize, ToSchema)]
pub(crate) struct PersonFile {
    /// Id of the person.
    pub person_id: Uuid,
    /// The id that was asked for, when the person now has another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_for: Option<Uuid>,
    /// The instant asked about: this is what the hub answered then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// How many source records the person has.
    pub records: i32,
    /// Group `identity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<IdentityView>,
    /// Group `contact`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<PhonesView>,
    /// Group `residence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub residence: Option<ResidenceView>,
    /// Group `household`: households that the person belongs or belonged to, oldest statement first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub household: Option<Vec<HouseholdView>>,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// The persons that an id of the past stands for.
#[derive(Serialize, ToSchema)]
pub(crate) struct Fork {
    /// The id that was asked for.
    pub asked_for: Uuid,
    /// The persons that hold its records, by id: those that the caller may see.
    pub fork: Vec<Uuid>,
}

/// Reads a person file: the golden record, and where each value comes from.
///
/// An id of the past answers with the person that now holds its records, or with the list of persons when they are
/// several. A person who is not the caller's is answered as if there were none. With `as_of` the answer is what the
/// hub knew at that instant, for a caller who may see every person today that the records of then belong to.
#[utoipa::path(
    get,
    path = "/v1/persons/{person_id}",
    tag = "persons",
    operation_id = "read_person",
    params(
        crate::openapi::PersonHeaders,
        ("person_id" = Uuid, Path, description = "Id of the person"),
        ("as_of" = Option<String>, Query, format = DateTime,
         description = "What the hub knew at this instant, as 2022-03-01T00:00:00Z"),
    ),
    responses(
        (status = 200, description = "The person file", body = Receipted<PersonFile>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = 300, description = "The id stands for several persons", body = Receipted<Fork>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadPerson).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    match person_answer(&call).await {
        Ok(PersonAnswer::File(found)) => call.finish(Ok(*found)).await,
        Ok(PersonAnswer::Fork(found)) => call.finish_as(StatusCode::MULTIPLE_CHOICES, Ok(found)).await,
        Err(failure) => call.refuse(failure).await,
    }
}

/// What an id answers with.
pub(crate) enum PersonAnswer {
    /// The file of the one person that it stands for.
    File(Box<Found<PersonFile>>),
    /// The persons that it stands for.
    Fork(Found<Fork>),
}

async fn person_answer(call: &Call) -> Result<PersonAnswer, Failure> {
    let [as_of] = query::members(&call.query, ["as_of"])?;
    let mut conn = call.state.setup.store.snapshot().await?;
    if let Some(as_of) = as_of {
        return as_of::answer(call, &mut conn, as_of::instant(&as_of)?).await;
    }
    let asked = subject::asked(call)?;
    let mut allowed = subject::allowed(call, &mut conn, asked).await?;
    match (allowed.len(), allowed.pop()) {
        (1, Some((current, granted))) => {
            views::narrow(&mut conn, &[current]).await?;
            let seen = subject::read(&mut conn, asked, current, granted).await?;
            Ok(PersonAnswer::File(Box::new(person_file(call, &mut conn, seen).await?)))
        }
        (_, last) => Ok(PersonAnswer::Fork(fork(asked, allowed.into_iter().chain(last).map(|(id, _)| id).collect()))),
    }
}

/// The persons that an id stands for, as an answer.
pub(crate) fn fork(asked: PersonId, persons: Vec<PersonId>) -> Found<Fork> {
    let answer = Fork { asked_for: asked.as_uuid(), fork: persons.iter().map(|person| person.as_uuid()).collect() };
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    Found { answer, count: persons.len(), subjects: persons, released, withheld }
}

async fn person_file(call: &Call, conn: &mut store::Conn, seen: Seen) -> Result<Found<PersonFile>, Failure> {
    let Seen { person, asked_for, granted } = seen;
    let (released, withheld) = call.split(&granted);
    let household = match released.contains(FieldGroup::Household) {
        true => Some(households(conn, &person).await?),
        false => None,
    };
    let GoldenView { identity, contact, residence } = view::golden(person.golden, &released);
    let answer = PersonFile {
        person_id: person.person_id.as_uuid(),
        asked_for: asked_for.map(|id| id.as_uuid()),
        as_of: None,
        records: person.record_count,
        identity,
        contact,
        residence,
        household,
        withheld: withheld.clone(),
    };
    Ok(Found { answer, subjects: vec![person.person_id], released, withheld, count: 1 })
}

async fn households(conn: &mut store::Conn, person: &views::PersonRow) -> Result<Vec<HouseholdView>, Failure> {
    let span = Span {
        kinds: &[EventType::HouseholdMembership],
        from: EVER.0,
        to: EVER.1,
        after: None,
        limit: HOUSEHOLDS_MAX,
        known_at: None,
    };
    let page = facts::of_person(conn, person.person_id, span).await?;
    let mut households = Vec::with_capacity(page.facts.len());
    for fact in page.facts {
        if let Some(Happening::Household(household)) = happening(fact.row.body()?) {
            households.push(household);
        }
    }
    Ok(households)
}

/// The source records of a person.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordList {
    /// Id of the person.
    pub person_id: Uuid,
    /// The id that was asked for, when the person now has another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_for: Option<Uuid>,
    /// The instant asked about: these are the records of then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
    /// The records, oldest first; without those of sources of a withheld group (`health` for hospitals).
    pub records: Vec<RecordView>,
    /// There are more records than are listed.
    pub truncated: bool,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// What one source states about the person.
#[derive(Serialize, ToSchema)]
pub(crate) struct RecordView {
    /// Id of the record.
    pub record_id: Uuid,
    /// Source system.
    pub source: String,
    /// Kind of organisation, such as `HOSPITAL`.
    #[schema(value_type = String)]
    pub source_kind: serde_json::Value,
    /// When it was first stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_time: Option<String>,
    /// When it was last stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_time: Option<String>,
    /// The source took the record back.
    pub retracted: bool,
    /// The batch that brought the statement.
    pub batch_id: Uuid,
    /// Its row, from 1.
    pub batch_row: i64,
    /// Group `identity`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<view::StatedIdentityView>,
    /// Group `contact`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<view::StatedContactView>,
    /// Group `residence`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub residence: Option<view::StatedResidenceView>,
}

/// Reads the source records of a person: what each source states, unchanged. With `as_of` they are those that made up the
/// person at that instant, with what they stated then; times and batch may be those of a later row that stated the same.
#[utoipa::path(
    get,
    path = "/v1/persons/{person_id}/records",
    tag = "persons",
    operation_id = "read_records",
    params(
        crate::openapi::PersonHeaders,
        ("person_id" = Uuid, Path, description = "Id of the person"),
        ("as_of" = Option<String>, Query, format = DateTime,
         description = "What the hub knew at this instant, as 2022-03-01T00:00:00Z"),
    ),
    responses(
        (status = 200, description = "The source records", body = Receipted<RecordList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn records(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadRecords).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = record_list(&call).await;
    call.finish(found).await
}

async fn record_list(call: &Call) -> Result<Found<RecordList>, Failure> {
    let [as_of] = query::members(&call.query, ["as_of"])?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let (person, subjects, granted, mut rows);
    if let Some(as_of) = &as_of {
        let at = as_of::instant(as_of)?;
        let then = as_of::see(call, &mut conn, at).await?;
        rows = lineage::list_records_then(&mut conn, &then.known, at, RECORDS_MAX + 1).await?;
        (person, subjects, granted) = (then.known.change.person_id, then.subjects, then.granted);
    } else {
        let seen = subject::see(call, &mut conn).await?;
        rows = views::list_records_of_person(&mut conn, seen.person.person_id, RECORDS_MAX + 1).await?;
        (person, subjects, granted) = (seen.person.person_id, vec![seen.person.person_id], seen.granted);
    }
    let (released, withheld) = call.split(&granted);
    let truncated = rows.len() as i64 > RECORDS_MAX;
    rows.truncate(RECORDS_MAX as usize);
    rows.retain(|row| view::may_know_source(row.source_kind, &released));
    let records: Vec<RecordView> = rows.into_iter().map(|row| record(row, &released)).collect();
    let count = records.len();
    let answer = RecordList {
        person_id: person.as_uuid(),
        asked_for: subject::asked_for(call, person)?,
        as_of,
        records,
        truncated,
        withheld: withheld.clone(),
    };
    Ok(Found { answer, subjects, released, withheld, count })
}

fn record(row: SourceRecordRow, released: &FieldGroups) -> RecordView {
    let retracted = row.is_retracted();
    let SourceRecordRow {
        record_id,
        source,
        source_kind,
        stated,
        retraction: _,
        withdrawn: _,
        person: _,
        batch_id,
        batch_row,
    } = row;
    let (statement, first_time, last_time) = match stated {
        Some(Stated { edition: _, event_id: _, statement, parts: _, first_time, last_time }) => {
            (statement, Some(first_time), Some(last_time))
        }
        None => (None, None, None),
    };
    let StatedView { identity, contact, residence } =
        statement.map(|statement| view::stated(statement, released)).unwrap_or_default();
    RecordView {
        record_id: record_id.as_uuid(),
        source,
        source_kind: serde_json::to_value(source_kind).unwrap_or_default(),
        first_time: view::time(first_time),
        last_time: view::time(last_time),
        retracted,
        batch_id: batch_id.as_uuid(),
        batch_row,
        identity,
        contact,
        residence,
    }
}
