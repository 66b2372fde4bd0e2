//! The facts of a person: found through the claim map, and each with the doubt about whose it is.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Attribution, ClaimToken, Claimant, Doubt, EventType, PersonId, RecordId, Timestamp, attribute};
use store::Conn;
use store::views::{self, FactFilter, FactRow};

/// Tokens of one person at most; a person with more is cut off at the weakest roles.
const TOKENS_MAX: i64 = 5_000;
/// Entries of the claim map that are read at once, and of how many tokens.
const CLAIMANTS_MAX: i64 = 50_000;
const TOKENS_AT_ONCE: usize = 1_000;
/// Pages that are read at most to fill one answer, because facts of other persons may be between.
const PAGES_MAX: usize = 8;

/// Which facts of a person.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span<'a> {
    pub(crate) kinds: &'a [EventType],
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) after: Option<(Timestamp, RecordId)>,
    pub(crate) limit: usize,
    /// Only what had been read by then; whose a token was is as known now.
    pub(crate) known_at: Option<Timestamp>,
}

/// A fact with what is unsure about whose it is.
pub(crate) struct OwnedFact {
    pub(crate) row: FactRow,
    /// It is the person's own, and not just possibly.
    pub(crate) is_owner: bool,
    pub(crate) doubt: Option<Doubt>,
    /// How many other persons it may be of.
    pub(crate) others: usize,
}

/// Facts, and where the next page begins when there may be more.
pub(crate) struct Page {
    pub(crate) facts: Vec<OwnedFact>,
    pub(crate) next: Option<(Timestamp, RecordId)>,
}

/// The facts of a person in a span of time. A fact whose token belonged to somebody else at its time is left out.
pub(crate) async fn of_person(conn: &mut Conn, person: PersonId, span: Span<'_>) -> store::Result<Page> {
    let claims = views::list_claims_of_person(conn, person, TOKENS_MAX).await?;
    let tokens: Vec<ClaimToken> = claims.iter().map(|claim| claim.token).collect::<BTreeSet<_>>().into_iter().collect();
    let mut page = Page { facts: Vec::new(), next: span.after };
    if tokens.is_empty() || span.kinds.is_empty() || span.limit == 0 {
        page.next = None;
        return Ok(page);
    }
    for _ in 0..PAGES_MAX {
        // Space for what is still wanted, and enough that a record with facts of several kinds is not torn apart.
        let want = (span.limit - page.facts.len()).max(EventType::ALL.len() + 1);
        let limit = i64::try_from(want).unwrap_or(i64::MAX);
        let filter = FactFilter {
            subjects: &tokens,
            kinds: span.kinds,
            from: span.from,
            to: span.to,
            after: page.next,
            limit,
            known_at: span.known_at,
        };
        let mut rows = views::list_facts(conn, &filter).await?;
        let ended = rows.len() < want;
        if !ended {
            drop_torn_tail(&mut rows);
        }
        let Some(last) = rows.last().map(|row| (row.started_at, row.record_id)) else {
            page.next = None;
            return Ok(page);
        };
        page.facts.extend(owned(conn, person, rows).await?);
        page.next = (!ended).then_some(last);
        if ended || page.facts.len() >= span.limit {
            return Ok(page);
        }
    }
    Ok(page)
}

/// A page may end between two facts of one record, and the next page begins after that record: the last record is left
/// to the next page, unless it is the only one.
fn drop_torn_tail(rows: &mut Vec<FactRow>) {
    let Some(last) = rows.last().map(|row| (row.started_at, row.record_id)) else { return };
    let kept = rows.iter().take_while(|row| (row.started_at, row.record_id) != last).count();
    if kept > 0 {
        rows.truncate(kept);
    }
}

/// Whose each of the facts was at its time.
pub(crate) async fn attributed(conn: &mut Conn, rows: &[FactRow]) -> store::Result<Vec<Attribution>> {
    let subjects: BTreeSet<ClaimToken> = rows.iter().filter_map(|row| row.subject).collect();
    let claimants = claimants(conn, &subjects.into_iter().collect::<Vec<_>>()).await?;
    let attribution = |row: &FactRow| {
        let entries = row.subject.and_then(|subject| claimants.get(&subject)).map_or(&[][..], Vec::as_slice);
        attribute(entries, row.started_at)
    };
    Ok(rows.iter().map(attribution).collect())
}

async fn owned(conn: &mut Conn, person: PersonId, rows: Vec<FactRow>) -> store::Result<Vec<OwnedFact>> {
    let subjects: BTreeSet<ClaimToken> = rows.iter().filter_map(|row| row.subject).collect();
    let subjects: Vec<ClaimToken> = subjects.into_iter().collect();
    let claimants = claimants(conn, &subjects).await?;
    let mut facts = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(subject) = row.subject else { continue };
        let entries = claimants.get(&subject).map_or(&[][..], Vec::as_slice);
        let attribution: Attribution = attribute(entries, row.started_at);
        if attribution.concerns(person) {
            let candidates = usize::from(attribution.owner.is_some()) + attribution.others.len();
            let is_owner = attribution.owner == Some(person);
            facts.push(OwnedFact { row, is_owner, doubt: attribution.doubt, others: candidates - 1 });
        }
    }
    Ok(facts)
}

/// The entries of the claim map for the tokens, by token, as attribution wants them.
pub(crate) async fn claimants(
    conn: &mut Conn,
    tokens: &[ClaimToken],
) -> store::Result<BTreeMap<ClaimToken, Vec<Claimant>>> {
    let mut claimants: BTreeMap<ClaimToken, Vec<Claimant>> = BTreeMap::new();
    let mut parts: Vec<&[ClaimToken]> = tokens.chunks(TOKENS_AT_ONCE).collect();
    while let Some(part) = parts.pop() {
        let claims = views::list_claims_of_tokens(conn, part, CLAIMANTS_MAX).await?;
        // Cut off: the last tokens would belong to nobody.
        if part.len() > 1 && claims.len() as i64 >= CLAIMANTS_MAX {
            let (one, other) = part.split_at(part.len() / 2);
            parts.extend([one, other]);
            continue;
        }
        for claim in claims {
            let Some(person) = claim.person else { continue };
            let (role, valid_from, valid_to) = (claim.role, claim.valid_from, claim.valid_to);
            claimants.entry(claim.token).or_default().push(Claimant { person, role, valid_from, valid_to });
        }
    }
    Ok(claimants)
}
