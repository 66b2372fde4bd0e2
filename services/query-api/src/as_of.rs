//! `GET /v1/persons/{person_id}?as_of=…`: what the hub answered at an instant. It is the time of knowledge: what was
//! stated later is not in the answer, however long before it happened.
//!
//! Invariant: today's relation to today's persons decides. The records that an id had then may be another's today; who may
//! not see every person that they are of today is answered as if there were no such person.

use access::{FieldGroup, FieldGroups};
use domain::{PersonId, RecordId, Timestamp};
use store::lineage::{self, AsOf};
use store::{Conn, views};

use crate::call::{Call, Failure, Found};
use crate::persons::{PersonAnswer, PersonFile, fork};
use crate::problem::Problem;
use crate::subject;
use crate::view::{self, GoldenView};

/// Answers with the person, or the persons, that the id stood for at the instant.
pub(crate) async fn answer(call: &Call, conn: &mut Conn, at: Timestamp) -> Result<PersonAnswer, Failure> {
    if at > call.state.now() || at < lineage::kept_since(conn).await? {
        return Err(Problem::AsOfOutOfRange.into());
    }
    let asked = subject::asked(call)?;
    let own = subject::own_person(call, conn).await?;
    let mut seen = Vec::new();
    let mut reason = "person-unknown";
    let holders = lineage::list_holders_then(conn, asked, at).await?;
    if holders.is_empty() {
        // The same queries as for a person who is not the caller's.
        views::list_units(conn, &[asked]).await?;
    }
    for holder in holders {
        reason = "not-related";
        if let Some((today, granted)) = granted(call, conn, own, &holder.members).await?
            && let Some(then) = lineage::find_as_of(conn, holder.person_id, at).await?
        {
            seen.push((then, today, granted));
        }
    }
    match (seen.len(), seen.pop()) {
        (1, Some((then, today, granted))) => {
            Ok(PersonAnswer::File(Box::new(file(call, asked, at, then, today, &granted))))
        }
        (_, Some(last)) => {
            let (mut persons, mut subjects) = (Vec::new(), Vec::new());
            for (then, today, _) in seen.into_iter().chain([last]) {
                persons.push(then.change.person_id);
                subjects.extend(today);
            }
            // The answer is about the persons of then and about those who have their records today.
            subjects.extend(&persons);
            subjects.sort_unstable();
            subjects.dedup();
            Ok(PersonAnswer::Fork(Found { subjects, ..fork(asked, persons) }))
        }
        (_, None) => Err(Failure::not_found(reason, asked)),
    }
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

fn file(
    call: &Call,
    asked: PersonId,
    at: Timestamp,
    then: AsOf,
    subjects: Vec<PersonId>,
    granted: &FieldGroups,
) -> Found<PersonFile> {
    let (released, withheld) = call.split(granted);
    // Households are facts, of which no history of knowledge is kept.
    let released: FieldGroups = released.iter().filter(|group| *group != FieldGroup::Household).collect();
    let AsOf { change, golden } = then;
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
