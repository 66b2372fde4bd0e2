//! `GET /v1/persons/{person_id}/timeline`: what happened to a person between two instants.

use access::{Action, FieldGroup, FieldGroups};
use axum::extract::State;
use domain::{Doubt, EventType, RecordId, Timestamp};
use serde::Serialize;
use store::views::{self, FactRow};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::facts::{self, OwnedFact, Span};
use crate::happening::{Happening, KINDS, happening};
use crate::itinerary::within_days;
use crate::problem::{Problem, ProblemDocument};
use crate::state::QueryState;
use crate::subject::{self, Seen};
use crate::{query, view};

/// Facts in one answer, unless the question says otherwise.
const FACTS_DEFAULT: usize = 500;
/// Facts in one answer at most; the last record's may go beyond it.
const FACTS_MAX: usize = 2_000;

/// What happened to a person.
#[derive(Serialize, ToSchema)]
pub(crate) struct Timeline {
    /// Id of the person.
    pub person_id: Uuid,
    /// The id that was asked for, when the person now has another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_for: Option<Uuid>,
    /// Begin of the stretch, inclusive.
    pub from: String,
    /// End of the stretch, exclusive.
    pub to: String,
    /// The facts, oldest first.
    pub facts: Vec<FactView>,
    /// Send it as `after` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// A fact.
#[derive(Serialize, ToSchema)]
pub(crate) struct FactView {
    /// The field group it is in.
    #[schema(value_type = String)]
    pub group: FieldGroup,
    /// Begin.
    pub started_at: String,
    /// End; absent for a moment or while it lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// What happened.
    pub what: Happening,
    /// Why it may be somebody else's; absent when it is not doubtful.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubtful: Option<DoubtView>,
    /// Group `provenance`: who reports it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provenance: Option<FactSource>,
}

/// Why a fact may be somebody else's.
#[derive(Serialize, ToSchema)]
pub(crate) struct DoubtView {
    /// `several-persons`: several hold the identifier it came with. `contact-only`: the identifier is only known as the
    /// person's contact.
    pub reason: &'static str,
    /// How many other persons it may be of.
    pub other_persons: usize,
}

/// Who reports a fact.
#[derive(Serialize, ToSchema)]
pub(crate) struct FactSource {
    /// Source system.
    pub source: String,
    /// Source record.
    pub record_id: Uuid,
    /// Version of the record.
    pub version: i64,
    /// The event that brought it.
    pub event_id: Uuid,
}

impl FactSource {
    pub(crate) fn of(row: &FactRow) -> Self {
        Self {
            source: row.source.clone(),
            record_id: row.record_id.as_uuid(),
            version: row.version,
            event_id: row.event_id.as_uuid(),
        }
    }
}

/// Reads what happened to a person between two instants.
///
/// A fact is attributed by the identifier it came with and by whose that was at the time; where that is not sure, the
/// fact says so.
#[utoipa::path(
    get,
    path = "/v1/persons/{person_id}/timeline",
    tag = "persons",
    operation_id = "read_timeline",
    params(
        crate::openapi::PersonHeaders,
        ("person_id" = Uuid, Path, description = "Id of the person"),
        ("from" = String, Query, format = DateTime, description = "Begin, inclusive, as 2022-03-01T00:00:00Z"),
        ("to" = String, Query, format = DateTime, description = "End, exclusive"),
        ("limit" = Option<u32>, Query, minimum = 50, maximum = 2000, description = "Facts in one answer; 500 unless stated"),
        ("after" = Option<String>, Query, description = "`next` of the answer before"),
    ),
    responses(
        (status = 200, description = "The facts", body = Receipted<Timeline>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadTimeline).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = timeline(&call).await;
    call.finish(found).await
}

struct Stretch {
    from: Timestamp,
    to: Timestamp,
    limit: usize,
    after: Option<(Timestamp, RecordId)>,
}

async fn timeline(call: &Call) -> Result<Found<Timeline>, Failure> {
    let stretch = stretch(&call.query)?;
    if stretch.from >= stretch.to {
        return Err(Problem::TimelineTooLong.into());
    }
    within_days(call, exposure::Span { from: stretch.from, to: stretch.to })?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let Seen { person, asked_for, granted } = subject::see(call, &mut conn).await?;
    views::narrow(&mut conn, &[person.person_id]).await?;
    let (released, withheld) = call.split(&granted);
    let kinds: Vec<EventType> =
        KINDS.iter().filter(|(_, group)| released.contains(*group)).map(|(kind, _)| *kind).collect();
    let Stretch { from, to, limit, after } = stretch;
    let page =
        facts::of_person(&mut conn, person.person_id, Span { kinds: &kinds, from, to, after, limit, known_at: None })
            .await?;
    let mut facts = Vec::with_capacity(page.facts.len());
    for owned in page.facts {
        facts.extend(fact(owned, &released)?);
    }
    let count = facts.len();
    let answer = Timeline {
        person_id: person.person_id.as_uuid(),
        asked_for: asked_for.map(|id| id.as_uuid()),
        from: from.to_string(),
        to: to.to_string(),
        facts,
        next: page.next.map(|(time, record)| format!("{time}~{record}")),
        withheld: withheld.clone(),
    };
    Ok(Found { answer, subjects: vec![person.person_id], released, withheld, count })
}

fn fact(owned: OwnedFact, released: &FieldGroups) -> Result<Option<FactView>, Failure> {
    let OwnedFact { row, doubt, others, is_owner: _ } = owned;
    let Some(group) = KINDS.iter().find(|(kind, _)| *kind == row.kind).map(|(_, group)| *group) else {
        return Ok(None);
    };
    let Some(what) = happening(row.body()?).filter(|_| released.contains(group)) else { return Ok(None) };
    Ok(Some(FactView {
        group,
        started_at: row.started_at.to_string(),
        ended_at: view::time(row.ended_at),
        what,
        doubtful: doubt.map(|doubt| DoubtView { reason: doubt_code(doubt), other_persons: others }),
        provenance: released.contains(FieldGroup::Provenance).then(|| FactSource::of(&row)),
    }))
}

pub(crate) const fn doubt_code(doubt: Doubt) -> &'static str {
    match doubt {
        Doubt::SeveralPersons => "several-persons",
        Doubt::ContactOnly => "contact-only",
        Doubt::NobodyAtThatTime => "nobody-at-that-time",
    }
}

fn stretch(text: &str) -> Result<Stretch, Problem> {
    let [from, to, limit, after] = query::members(text, ["from", "to", "limit", "after"])?;
    let instant =
        |text: Option<String>| text.and_then(|text| Timestamp::parse(&text).ok()).ok_or(Problem::QueryMalformed);
    let limit = match limit {
        None => FACTS_DEFAULT,
        Some(limit) => {
            let limit: usize = limit.parse().map_err(|_| Problem::QueryMalformed)?;
            if !(50..=FACTS_MAX).contains(&limit) {
                return Err(Problem::QueryMalformed);
            }
            limit
        }
    };
    let after: Option<Result<_, Problem>> = after.map(|after| {
        let (time, record) = after.split_once('~').ok_or(Problem::QueryMalformed)?;
        let time = Timestamp::parse(time).map_err(|_| Problem::QueryMalformed)?;
        Ok((time, record.parse().map_err(|_| Problem::QueryMalformed)?))
    });
    Ok(Stretch { from: instant(from)?, to: instant(to)?, limit, after: after.transpose()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stretch_is_two_instants_and_perhaps_a_page() {
        let fine = "from=2022-03-01T00:00:00Z&to=2022-03-02T08:00:00%2B08:00";
        let read = stretch(fine).expect("fine");
        assert_eq!(read.to.as_millis() - read.from.as_millis(), 86_400_000);
        assert_eq!(read.limit, FACTS_DEFAULT);
        let record = "3f2504e0-4f89-11d3-9a0c-123456789012";
        let next = stretch(&format!("{fine}&after=2022-03-01T00:00:00Z~{record}&limit=50")).expect("fine");
        assert_eq!(next.after.map(|(_, record)| record.to_string()).as_deref(), Some(record));
        for text in [
            "",
            "from=2022-03-01T00:00:00Z",
            "from=2022-03-01&to=2022-03-02",
            "from=2022-03-01T00:00:00Z&to=2022-03-02T00:00:00Z&fields=*",
            "from=2022-03-01T00:00:00Z&from=2022-03-01T00:00:00Z&to=2022-03-02T00:00:00Z",
            "from=2022-03-01T00:00:00Z&to=2022-03-02T00:00:00Z&limit=49",
            "from=2022-03-01T00:00:00Z&to=2022-03-02T00:00:00Z&limit=99999999",
            "from=2022-03-01T00:00:00Z&to=2022-03-02T00:00:00Z&after=1",
            "from=%ff&to=%",
        ] {
            assert_eq!(stretch(text).err(), Some(Problem::QueryMalformed), "{text}");
        }
    }
}
