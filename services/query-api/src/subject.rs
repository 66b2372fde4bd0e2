//! The person a call is about: found, and decided upon, in one step.

use access::{Decision, Entitlement, FieldGroups, Subject};
use domain::{ClaimRole, PersonId, attribute};
use store::views::{self, PersonRow};
use store::{Conn, lineage};

use crate::call::{Call, Failure};
use crate::facts;
use crate::problem::Problem;

/// Why an id that nobody ever had shows nobody; the log's alone.
pub(crate) const PERSON_UNKNOWN: &str = "person-unknown";

/// A person that the caller may see something of.
pub(crate) struct Seen {
    pub(crate) person: PersonRow,
    /// The id that was asked for, when the person now has another one.
    pub(crate) asked_for: Option<PersonId>,
    pub(crate) granted: FieldGroups,
}

/// Finds the one person that the path stands for and decides; see [`allowed`].
pub(crate) async fn see(call: &Call, conn: &mut Conn) -> Result<Seen, Failure> {
    let asked = asked(call)?;
    let mut allowed = allowed(call, conn, asked).await?;
    if allowed.len() > 1 {
        return Err(Failure::forked(allowed.into_iter().map(|(person, _)| person).collect()));
    }
    match allowed.pop() {
        Some((current, granted)) => read(conn, asked, current, granted).await,
        None => Err(Failure::not_found(PERSON_UNKNOWN, asked)),
    }
}

/// The person id of the path.
pub(crate) fn asked(call: &Call) -> Result<PersonId, Failure> {
    let asked = call.person_id.as_deref().unwrap_or("");
    Ok(asked.parse().map_err(|_| Problem::PersonIdMalformed)?)
}

/// The id of the path, when the answer is about a person with another one.
pub(crate) fn asked_for(call: &Call, answered: PersonId) -> Result<Option<uuid::Uuid>, Failure> {
    let asked = asked(call)?;
    Ok((asked != answered).then(|| asked.as_uuid()))
}

/// The persons that an id, given out at any time, stands for and that the caller may see, with what of them; never none.
/// "Not yours" and "no such person" are the same failure, and take the same queries: nothing of a person is read before
/// it is decided that the caller may see it. A fork of which the caller may see one is that one.
pub(crate) async fn allowed(
    call: &Call,
    conn: &mut Conn,
    asked: PersonId,
) -> Result<Vec<(PersonId, FieldGroups)>, Failure> {
    let own = own_person(call, conn).await?;
    allowed_beside(call, conn, asked, own).await
}

/// The same for a caller whose own person was found already.
pub(crate) async fn allowed_beside(
    call: &Call,
    conn: &mut Conn,
    asked: PersonId,
    own: Option<PersonId>,
) -> Result<Vec<(PersonId, FieldGroups)>, Failure> {
    let holders = lineage::list_holders(conn, asked).await?;
    let Some(any) = holders.first().map(|holder| holder.person_id) else {
        return Err(Failure::not_found(PERSON_UNKNOWN, asked));
    };
    let entitlement = call.entitlement()?;
    let allowed: Vec<_> = holders
        .into_iter()
        .filter_map(|holder| Some((holder.person_id, decide(&entitlement, holder.person_id, holder.units, own)?)))
        .collect();
    if allowed.is_empty() { Err(Failure::not_found("not-related", any)) } else { Ok(allowed) }
}

/// Reads a person that the caller may see.
pub(crate) async fn read(
    conn: &mut Conn,
    asked: PersonId,
    current: PersonId,
    granted: FieldGroups,
) -> Result<Seen, Failure> {
    match views::find_person(conn, current).await? {
        Some(person) => Ok(Seen { person, asked_for: (current != asked).then_some(asked), granted }),
        // Merged into another person between the two reads.
        None => Err(Failure::not_found(PERSON_UNKNOWN, asked)),
    }
}

/// The groups that the caller may see of a person; `None` when the person is not the caller's.
pub(crate) fn decide(
    entitlement: &Entitlement<'_>,
    person: PersonId,
    units: Vec<String>,
    own: Option<PersonId>,
) -> Option<FieldGroups> {
    match entitlement.decide(&Subject { units, is_self: own == Some(person), ..Subject::default() }) {
        Decision::Allowed { granted, .. } => Some(granted),
        Decision::Refused(_) => None,
    }
}

/// The caller's own person, who must be known.
pub(crate) async fn own(call: &Call) -> Result<PersonId, Failure> {
    let mut conn = call.state.setup.store.snapshot().await?;
    Ok(own_person(call, &mut conn).await?.ok_or(Problem::PersonNotFound)?)
}

/// The caller's own person, for residents: the one undoubted holder of the caller's claim now. A phone that several
/// persons hold, or that is only somebody's contact, opens no file.
pub(crate) async fn own_person(call: &Call, conn: &mut Conn) -> Result<Option<PersonId>, Failure> {
    let Some(claim) = call.caller.own_claim else { return Ok(None) };
    let claimants = facts::claimants(conn, &[claim]).await?;
    let entries = claimants.get(&claim).map_or(&[][..], Vec::as_slice);
    let holds = entries.iter().any(|entry| entry.role >= ClaimRole::Holder);
    let attribution = attribute(entries, call.state.now());
    Ok(attribution.owner.filter(|_| holds && attribution.doubt.is_none()))
}
