//! `?as_of=…` of a person, its records and its links: what the hub answered at an instant. It is the time of knowledge:
//! what was stated later is not in the answer, however long before it happened.
//!
//! Invariant: today's relation to today's persons decides. The records that an id had then may be another's today; who may
//! not see every person that they are of today is answered as if there were no such person.

use std::time::Duration;

use access::{FieldGroup, FieldGroups};
use domain::{EventType, PersonId, RecordId, Timestamp};
use event_log::Positions;
use store::lineage::{self, AsOf};
use store::{Conn, views};

use crate::call::{Call, Failure, Found};
use crate::persons::{PersonAnswer, PersonFile, fork};
use crate::problem::Problem;
use crate::query::{self, Malformed};
use crate::subject::{self, PERSON_UNKNOWN};
use crate::view::{self, GoldenView};

/// How often the views are looked at, and how many times, until they hold what was read before.
const VIEWS_LOOK_EVERY: Duration = Duration::from_millis(100);
const VIEWS_LOOKS_MAX: usize = 30;
/// Views are not so far behind what was read. An instant longer ago is not waited for.
const LAG_MAX_MS: i64 = 3_600_000;

/// A person of then whom the caller may see today.
pub(crate) struct Then {
    pub(crate) known: AsOf,
    /// Whose the records of then are today: the answer is about them.
    pub(crate) subjects: Vec<PersonId>,
    pub(crate) granted: FieldGroups,
}

/// The instant of a person's history that a query names.
pub(crate) fn instant(text: &str) -> Result<Timestamp, Malformed> {
    instant_of("as_of", text)
}

/// The instant that a member of a query names.
pub(crate) fn instant_of(member: &str, text: &str) -> Result<Timestamp, Malformed> {
    Timestamp::parse(text).map_err(|_| Malformed::member(member, "an instant such as 2022-03-01T00:00:00Z"))
}

/// The instant of knowledge that a query names: not one that is still to come.
pub(crate) fn known_at(stated: Option<&str>, now: Timestamp) -> Result<Option<Timestamp>, Malformed> {
    let at = stated.map(|text| instant_of("known_at", text)).transpose()?;
    match at.is_some_and(|at| at > now) {
        true => Err(Malformed::member("known_at", "an instant that has passed")),
        false => Ok(at),
    }
}

/// Waits until the views hold what the log held when this was asked, where the question is what was known a moment ago. What was
/// read by then may not be projected yet: the answer would be another one a moment later.
///
/// # Errors
/// When the views do not get there in time.
pub(crate) async fn await_views(call: &Call) -> Result<(), Failure> {
    let known_at = query::find(&call.query, "known_at").and_then(|text| Timestamp::parse(&text).ok());
    if known_at.is_none_or(|at| at < call.state.now().plus_millis(-LAG_MAX_MS)) {
        return Ok(());
    }
    let topics: Vec<&str> = EventType::ALL.iter().map(|event_type| event_type.topic()).collect();
    let end = call.state.setup.log.end_positions(&topics).await.map_err(|error| {
        tracing::error!(%error, "The end of the log could not be read.");
        Problem::StoreUnavailable
    })?;
    for _ in 0..VIEWS_LOOKS_MAX {
        let checkpoint = {
            let mut conn = call.state.setup.store.acquire().await?;
            views::find_checkpoint(&mut conn).await?
        };
        let at: Positions = serde_json::from_value(checkpoint.positions).map_err(|_| Problem::Internal)?;
        if at.reached(&end) {
            return Ok(());
        }
        tokio::time::sleep(VIEWS_LOOK_EVERY).await;
    }
    Err(Problem::ViewsBehind.into())
}

/// Answers with the person, or the persons, that the id stood for at the instant.
pub(crate) async fn answer(call: &Call, conn: &mut Conn, at: Timestamp) -> Result<PersonAnswer, Failure> {
    let asked = subject::asked(call)?;
    let mut seen = allowed(call, conn, asked, at).await?;
    match (seen.len(), seen.pop()) {
        (1, Some(then)) => Ok(PersonAnswer::File(Box::new(file(call, asked, at, then)))),
        (_, last) => {
            seen.extend(last);
            let persons = seen.iter().map(|then| then.known.change.person_id).collect();
            Ok(PersonAnswer::Fork(Found { subjects: about(seen), ..fork(asked, persons) }))
        }
    }
}

/// The one person that the id of the path stood for at the instant.
pub(crate) async fn see(call: &Call, conn: &mut Conn, at: Timestamp) -> Result<Then, Failure> {
    let asked = subject::asked(call)?;
    let mut seen = allowed(call, conn, asked, at).await?;
    if seen.len() > 1 {
        return Err(Failure::forked(about(seen)));
    }
    seen.pop().ok_or_else(|| Failure::not_found(PERSON_UNKNOWN, asked))
}

/// The persons that the id stood for at the instant and that the caller may see; never none.
async fn allowed(call: &Call, conn: &mut Conn, asked: PersonId, at: Timestamp) -> Result<Vec<Then>, Failure> {
    if at > call.state.now() || at < lineage::kept_since(conn).await? {
        return Err(Problem::AsOfOutOfRange.into());
    }
    let own = subject::own_person(call, conn).await?;
    let mut seen = Vec::new();
    let mut reason = PERSON_UNKNOWN;
    let holders = lineage::list_holders_then(conn, asked, at).await?;
    if holders.is_empty() {
        // The same queries as for a person who is not the caller's.
        views::list_units(conn, &[asked]).await?;
    }
    for holder in holders {
        reason = "not-related";
        if let Some((subjects, granted)) = granted(call, conn, own, &holder.members).await?
            && let Some(known) = lineage::find_as_of(conn, holder.person_id, at).await?
        {
            seen.push(Then { known, subjects, granted });
        }
    }
    if seen.is_empty() { Err(Failure::not_found(reason, asked)) } else { Ok(seen) }
}

/// The persons of then, and those who have their records today.
fn about(seen: Vec<Then>) -> Vec<PersonId> {
    let of = |then: Then| then.subjects.into_iter().chain([then.known.change.person_id]);
    let mut subjects: Vec<PersonId> = seen.into_iter().flat_map(of).collect();
    subjects.sort_unstable();
    subjects.dedup();
    subjects
}

/// Whose the records of then are today, and what the caller may see of all of them; `None` when one is not the caller's,
/// or nobody has any of the records.
async fn granted(
    call: &Call,
    conn: &mut Conn,
    own: Option<PersonId>,
    then: &[RecordId],
) -> Result<Option<(Vec<PersonId>, FieldGroups)>, Failure> {
    let records: Vec<PersonId> = then.iter().map(|record| PersonId::from_oldest(*record)).collect();
    let today = views::list_units(conn, &records).await?;
    let entitlement = call.entitlement()?;
    let mut persons = Vec::with_capacity(today.len());
    let mut granted: Option<FieldGroups> = None;
    for (person, units) in today {
        let Some(groups) = subject::decide(&entitlement, person, units, own) else { return Ok(None) };
        persons.push(person);
        granted = Some(granted.map_or(groups.clone(), |known| known.iter().filter(|g| groups.contains(*g)).collect()));
    }
    Ok(granted.map(|granted| (persons, granted)))
}

fn file(call: &Call, asked: PersonId, at: Timestamp, then: Then) -> Found<PersonFile> {
    let Then { known: AsOf { change, golden }, subjects, granted } = then;
    let (released, withheld) = call.split(&granted);
    // Households are facts, of which no history of knowledge is kept.
    let released: FieldGroups = released.iter().filter(|group| *group != FieldGroup::Household).collect();
    let GoldenView { identity, contact, residence } = view::golden(golden, &released);
    let answer = PersonFile {
        person_id: change.person_id.as_uuid(),
        asked_for: (change.person_id != asked).then(|| asked.as_uuid()),
        as_of: Some(at.to_string()),
        records: i32::try_from(change.members.len()).unwrap_or(i32::MAX),
        identity,
        contact,
        residence,
        household: None,
        withheld: withheld.clone(),
    };
    Found { answer, subjects, released, withheld, count: 1 }
}
