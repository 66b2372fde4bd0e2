//! `GET /v1/changes`: which persons changed and which ids lead where, as pages or as server-sent events.
//!
//! Invariant: no value of a person is in a change; who needs the file reads it by its id, on record. A change names the
//! person in a ledger entry before it leaves.

use access::{Action, FieldGroups};
use axum::extract::State;
use axum::http::{HeaderName, header};
use domain::{PersonChange, PersonId};
use serde::Serialize;
use store::lineage;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::problem::{Problem, ProblemDocument};
use crate::query;
use crate::state::QueryState;
use crate::stream::{self, Pieces};

/// Changes in one piece of a stream at most.
const PIECE_MAX: i64 = 100;
/// Changes in one answer, unless the question says otherwise.
const CHANGES_DEFAULT: i64 = 100;
/// Changes in one answer at most.
const CHANGES_MAX: i64 = 500;
/// Source records in one answer at most; the last change's may go beyond it.
const MEMBERS_MAX: usize = 20_000;
/// The header by which a client of server-sent events says where it was.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Changes of persons.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangeList {
    /// The changes, oldest first.
    pub changes: Vec<ChangeView>,
    /// Send it as `after` to go on; what it was when there is nothing new.
    pub next: i64,
}

/// A change of a person. It holds no value of the person.
#[derive(Serialize, ToSchema)]
pub(crate) struct ChangeView {
    /// Place in the order of all changes; the cursor.
    pub seq: i64,
    /// When the hub knew it.
    pub at: String,
    /// The person.
    pub person_id: Uuid,
    /// `created`, `restored`, `changed`, `joined` or `split`: the id is a person. `merged`, `forked` or `ended`: it is
    /// none any more.
    pub kind: &'static str,
    /// The source records of the person, oldest first; of an id that is none any more the last it had.
    pub members: Vec<Uuid>,
    /// Persons that records came from.
    pub from_persons: Vec<Uuid>,
    /// Persons that records went to.
    pub into_persons: Vec<Uuid>,
    /// `event`, `decision`, `model`, `rules` (of survivorship) or `rebuild`.
    pub cause: &'static str,
    /// Linkage model in force.
    pub model_version: String,
}

/// Follows the changes of persons. With `Accept: text/event-stream` the answer goes on: each event has the number of its
/// change as `id`, which a client sends back as `Last-Event-ID`; otherwise it is a page of JSON.
#[utoipa::path(
    get,
    path = "/v1/changes",
    tag = "changes",
    operation_id = "read_changes",
    params(
        crate::openapi::PersonHeaders,
        ("after" = Option<i64>, Query, minimum = 0, description = "Number of the last change known; the beginning unless stated"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 500, description = "Changes in one page; 100 unless stated"),
        ("Last-Event-ID" = Option<i64>, Header, description = "Outranks `after` in a stream"),
    ),
    responses(
        (status = 200, description = "The changes; as `text/event-stream` one event each", body = Receipted<ChangeList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadChanges).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let streams = call.header(header::ACCEPT).is_some_and(|accept| accept.contains("text/event-stream"));
    let span = match span(&call, streams).await {
        Ok(span) => span,
        Err(failure) => return call.refuse(failure).await,
    };
    if streams {
        return stream::open(call, Following { after: span.after }).await;
    }
    let found = page(&call, span.after, span.limit).await;
    call.finish(found).await
}

/// A stream of what comes after a cursor.
struct Following {
    after: i64,
}

impl Pieces for Following {
    async fn next(&mut self, call: &Call) -> Result<Option<String>, Failure> {
        let found = page(call, self.after, PIECE_MAX).await?;
        if found.count == 0 {
            return Ok(None);
        }
        // A token that opens nothing any more gets nothing new, not even within the second.
        call.still_open().await?;
        let (list, _receipt) = call.disclose(found).await?;
        self.after = list.next;
        let events = list.changes.iter().map(|change| stream::event("change", Some(change.seq), change));
        Ok(Some(events.collect::<Result<String, Problem>>()?))
    }
}

struct Span {
    after: i64,
    limit: i64,
}

async fn span(call: &Call, streams: bool) -> Result<Span, Failure> {
    let [after, limit] = query::members(&call.query, ["after", "limit"])?;
    let known = call.header(LAST_EVENT_ID).filter(|_| streams).map(str::to_owned);
    let number = |text: String| text.parse::<i64>().ok().filter(|n| *n >= 0).ok_or(Problem::QueryMalformed);
    let after = known.or(after).map(number).transpose()?.unwrap_or(0);
    let limit = limit.map(number).transpose()?.unwrap_or(CHANGES_DEFAULT);
    if !(1..=CHANGES_MAX).contains(&limit) {
        return Err(Problem::QueryMalformed.into());
    }
    let mut conn = call.state.setup.store.acquire().await?;
    if after > lineage::last_seq(&mut conn).await? {
        return Err(Problem::CursorUnknown.into());
    }
    Ok(Span { after, limit })
}

/// The next changes after a cursor, ready to be put on record.
pub(crate) async fn page(call: &Call, after: i64, limit: i64) -> Result<Found<ChangeList>, Failure> {
    let mut conn = call.state.setup.store.acquire().await?;
    let rows = lineage::list_changes(&mut conn, after, limit).await?;
    let mut members = 0;
    let fitting = rows.into_iter().take_while(|row| {
        let fits = members < MEMBERS_MAX;
        members += row.members.len();
        fits
    });
    let rows: Vec<PersonChange> = fitting.collect();
    // Whoever else had a part in a change has a change of its own.
    let mut subjects: Vec<PersonId> = rows.iter().map(|row| row.person_id).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let (count, next) = (rows.len(), rows.last().map_or(after, |row| row.seq));
    let answer = ChangeList { changes: rows.into_iter().map(view).collect(), next };
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    Ok(Found { answer, subjects, released, withheld, count })
}

fn view(row: PersonChange) -> ChangeView {
    let PersonChange {
        seq,
        at,
        person_id,
        kind,
        members,
        from_persons,
        into_persons,
        cause,
        cause_event: _,
        cause_batch: _,
        cause_decision: _,
        model_version,
    } = row;
    let persons = |ids: Vec<PersonId>| ids.into_iter().map(|id| id.as_uuid()).collect();
    ChangeView {
        seq,
        at: at.to_string(),
        person_id: person_id.as_uuid(),
        kind: kind.code(),
        members: members.into_iter().map(|record| record.as_uuid()).collect(),
        from_persons: persons(from_persons),
        into_persons: persons(into_persons),
        cause: cause.code(),
        model_version,
    }
}
