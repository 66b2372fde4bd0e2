//! `GET /v1/persons/{person_id}/lineage`: what became of an id, and of the person that it leads to.

use std::collections::{BTreeMap, BTreeSet};

use access::{Action, FieldGroups};
use axum::extract::State;
use domain::{ChangeKind, PersonChange, PersonId};
use serde::Serialize;
use store::{Conn, lineage};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::problem::ProblemDocument;
use crate::state::QueryState;
use crate::subject::{self, Seen};

/// Entries in one answer at most.
const ENTRIES_MAX: i64 = 500;

/// What became of a person.
#[derive(Serialize, ToSchema)]
pub(crate) struct Lineage {
    /// Id of the person.
    pub person_id: Uuid,
    /// The id that was asked for, when the person now has another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_for: Option<Uuid>,
    /// What happened to these two ids, oldest first.
    pub entries: Vec<LineageEntry>,
    /// There are more entries than are listed.
    pub truncated: bool,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// What happened to an id once.
#[derive(Serialize, ToSchema)]
pub(crate) struct LineageEntry {
    /// Place in the order of all changes.
    pub seq: i64,
    /// When the hub knew it.
    pub at: String,
    /// The id.
    pub person_id: Uuid,
    /// `created`, `restored`, `joined` or `split`: it is a person. `merged`, `forked` or `ended`: it is none any more.
    pub kind: &'static str,
    /// Persons that records came from, as far as the caller may see what became of them.
    pub from_persons: Vec<Uuid>,
    /// Persons that records went to, as far as the caller may see what became of them.
    pub into_persons: Vec<Uuid>,
    /// `event` (a source stated something or took it back), `decision` (a reviewer decided or took a decision back), `model`,
    /// `rules` (of survivorship) or `rebuild`.
    pub cause: &'static str,
    /// An event that brought it about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<Uuid>,
    /// The batch of that event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<Uuid>,
    /// The decision, where one was the cause.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision_id: Option<Uuid>,
    /// Linkage model in force.
    pub model_version: String,
}

/// Reads what became of a person: created, merged, split, with both sides, time and cause.
#[utoipa::path(
    get,
    path = "/v1/persons/{person_id}/lineage",
    tag = "persons",
    operation_id = "read_lineage",
    params(crate::openapi::PersonHeaders, ("person_id" = Uuid, Path, description = "Id of the person")),
    responses(
        (status = 200, description = "The lineage", body = Receipted<Lineage>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadLineage).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = entries(&call).await;
    call.finish(found).await
}

async fn entries(call: &Call) -> Result<Found<Lineage>, Failure> {
    let mut conn = call.state.setup.store.snapshot().await?;
    let Seen { person, asked_for, granted } = subject::see(call, &mut conn).await?;
    let (released, withheld) = call.split(&granted);
    let ids: Vec<PersonId> = asked_for.into_iter().chain([person.person_id]).collect();
    let mut rows = lineage::list_lineage(&mut conn, &ids, ENTRIES_MAX + 1).await?;
    let truncated = rows.len() as i64 > ENTRIES_MAX;
    rows.truncate(ENTRIES_MAX as usize);
    let seen = others(call, &mut conn, &rows).await?;
    let entries: Vec<LineageEntry> = rows.into_iter().filter_map(|row| entry(row, &seen)).collect();
    let count = entries.len();
    let answer = Lineage {
        person_id: person.person_id.as_uuid(),
        asked_for: asked_for.map(|id| id.as_uuid()),
        entries,
        truncated,
        withheld: withheld.clone(),
    };
    let subjects = seen.into_values().chain([person.person_id]).collect::<BTreeSet<_>>().into_iter().collect();
    Ok(Found { answer, subjects, released, withheld, count })
}

/// The ids of the entries that lead to a person whom the caller may see, with that person.
async fn others(call: &Call, conn: &mut Conn, rows: &[PersonChange]) -> Result<BTreeMap<PersonId, PersonId>, Failure> {
    let own = subject::own_person(call, conn).await?;
    let entitlement = call.entitlement()?;
    let ids: BTreeSet<PersonId> = rows
        .iter()
        .flat_map(|row| [row.person_id].into_iter().chain(row.from_persons.clone()).chain(row.into_persons.clone()))
        .collect();
    let mut seen = BTreeMap::new();
    for id in ids {
        for holder in lineage::list_holders(conn, id).await? {
            if subject::decide(&entitlement, holder.person_id, holder.units, own).is_some() {
                seen.insert(id, holder.person_id);
            }
        }
    }
    Ok(seen)
}

/// An entry with the persons that the caller may see; `None` when it tells of others only.
fn entry(row: PersonChange, seen: &BTreeMap<PersonId, PersonId>) -> Option<LineageEntry> {
    let shown = |ids: &[PersonId]| -> Vec<Uuid> {
        ids.iter().filter(|id| seen.contains_key(*id)).map(|id| id.as_uuid()).collect()
    };
    let (from_persons, into_persons) = (shown(&row.from_persons), shown(&row.into_persons));
    let of_others = matches!(row.kind, ChangeKind::Joined | ChangeKind::Split);
    if of_others && from_persons.is_empty() && into_persons.is_empty() {
        return None;
    }
    Some(LineageEntry {
        seq: row.seq,
        at: row.at.to_string(),
        person_id: row.person_id.as_uuid(),
        kind: row.kind.code(),
        from_persons,
        into_persons,
        cause: row.cause.code(),
        event_id: row.cause_event.map(|event| event.as_uuid()),
        batch_id: row.cause_batch.map(|batch| batch.as_uuid()),
        decision_id: row.cause_decision.map(|decision| decision.as_uuid()),
        model_version: row.model_version,
    })
}
