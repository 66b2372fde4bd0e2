//! The case that a call states: one that disease control has stated, that is open, and that the caller's unit works on. It counts for
//! roles of which some permit asks for a case; of others it is neither looked up nor kept.
//!
//! Invariant: a case that is unknown, closed or another unit's opens as much as none, and is answered with the same bytes after the same
//! read. Which of these it was stands on record alone. Nothing is kept between calls: a case that is closed or handed over is so
//! for the next call.

use access::{Action, Caller};
use domain::{Body, CaseState, CaseStatus, RecordId, Timestamp, TokenKey};
use ledger::CaseToken;
use store::Conn;
use store::views::{self, FactRow};

use super::{Call, Failure};
use crate::problem::Problem;

const AMBIGUOUS: &str = "case-ambiguous";
const CLOSED: &str = "case-closed";

/// A case that a call states, once it is found.
#[derive(Clone, Copy)]
pub(super) struct StatedCase {
    record: RecordId,
    /// Its first instant that is stated: symptoms, infectious, confirmed or reported.
    since: Timestamp,
}

/// How a case stands to a caller.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Open,
    /// Another unit works on it.
    Foreign,
    Closed,
}

impl Standing {
    /// Where a case stands now.
    fn of(status: &CaseStatus, caller: &Caller, now: Timestamp) -> Self {
        // A case that no unit has for itself is everybody's, and who is of no disease control takes none from anybody.
        if caller.role.works_on_cases() && status.unit.as_deref().is_some_and(|unit| !is_own(caller, unit)) {
            return Self::Foreign;
        }
        let is_open = matches!(status.state, CaseState::Suspected | CaseState::Confirmed | CaseState::Asymptomatic);
        if is_open && status.closed_time.is_none_or(|closed| now < closed) { Self::Open } else { Self::Closed }
    }
}

/// Whether a case's unit is the caller's: by its name alone, or as `organisation/unit` where several organisations have units of one
/// name.
fn is_own(caller: &Caller, unit: &str) -> bool {
    caller.unit.as_deref().is_some_and(|own| {
        own == unit || unit.strip_prefix(&caller.organisation).and_then(|rest| rest.strip_prefix('/')) == Some(own)
    })
}

/// The case that a call states, where there is one, and why it does not open anything, where it does not.
type Stated = (Option<StatedCase>, Option<&'static str>);

impl Call {
    /// Finds the case that the call states, if it states one.
    ///
    /// # Errors
    /// When it opens nothing for the caller. The entry names the case all the same.
    pub(super) async fn find_case(&mut self) -> Result<(), Failure> {
        let Some(stated) = &self.request.case else { return Ok(()) };
        let (case, refused) = self.case_named(stated.expose()).await?;
        self.case = case;
        refused.map_or(Ok(()), |reason| Err(refusal(reason)))
    }

    /// Whether the case still opens what it opened when the call began.
    pub(super) async fn case_still_open(&self) -> Result<(), Failure> {
        // By its id: another case may bear the number by now.
        let Some(case) = self.case else { return Ok(()) };
        let (_, refused) = self.case_named(&case.record.to_string()).await?;
        refused.map_or(Ok(()), |reason| Err(refusal(reason)))
    }

    async fn case_named(&self, name: &str) -> Result<Stated, Failure> {
        let named = {
            let mut conn = self.state.setup.store.acquire().await?;
            views::list_cases_named(&mut conn, name).await?
        };
        let (now, caller) = (self.state.now(), &self.caller);
        let standing = |row: &FactRow| match row.body()? {
            Body::CaseStatus(status) => {
                let since = self.first_instant(&status).map_or(row.started_at, |first| first.min(row.started_at));
                Ok((StatedCase { record: row.record_id, since }, Standing::of(&status, caller, now)))
            }
            _ => Err(Failure::from(Problem::Internal)),
        };
        let cases = named.iter().map(standing).collect::<Result<Vec<_>, Failure>>()?;
        let of = |wanted| cases.iter().filter(move |(_, standing)| *standing == wanted).map(|(case, _)| *case);
        let only = cases.first().filter(|_| cases.len() == 1).map(|(case, _)| *case);
        let standings: Vec<Standing> = cases.iter().map(|(_, standing)| *standing).collect();
        Ok(match reason(&standings) {
            None => (of(Standing::Open).next(), None),
            // How long looks for a case stay hidden is said after its end, too.
            Some(CLOSED) if only.is_some() && self.request.action == Action::SealCase => (only, None),
            Some(AMBIGUOUS) => (None, Some(AMBIGUOUS)),
            Some(reason) => (only, Some(reason)),
        })
    }

    fn first_instant(&self, status: &CaseStatus) -> Option<Timestamp> {
        let days = [status.onset, status.infectious_from].into_iter().flatten();
        let days = days.map(|day| self.state.setup.key_groups.start_of(day));
        days.chain(status.confirmed_time).min()
    }

    /// The first instant of the case that the call rests on; `None` where it rests on a grant, or on no case.
    pub(crate) fn case_since(&self) -> Option<Timestamp> {
        self.case.filter(|_| self.grant.is_none()).map(|case| case.since)
    }

    /// What entries call the case that was stated, however it was spelled.
    pub(crate) fn case_token(&self) -> Option<CaseToken> {
        self.case.map(|case| token(&self.state.setup.token_key, case.record))
    }
}

/// Why what a caller would state as the case opens nothing for them now, in the word of the log; `None` where it opens a case.
///
/// # Errors
/// When the views cannot be read.
pub async fn case_refusal(
    conn: &mut Conn,
    name: &str,
    caller: &Caller,
    now: Timestamp,
) -> Result<Option<&'static str>, store::Error> {
    let mut standings = Vec::new();
    for row in views::list_cases_named(conn, name).await? {
        if let Body::CaseStatus(status) = row.body()? {
            standings.push(Standing::of(&status, caller, now));
        }
    }
    Ok(reason(&standings))
}

/// Why a name that stands for these cases opens nothing; `None` where it opens one.
fn reason(named: &[Standing]) -> Option<&'static str> {
    let count = |wanted: Standing| named.iter().filter(|standing| **standing == wanted).count();
    match (count(Standing::Open), count(Standing::Foreign), named.len()) {
        (1, ..) => None,
        (2.., ..) => Some(AMBIGUOUS),
        (0, 1.., _) => Some("case-foreign"),
        (0, 0, 1..) => Some(CLOSED),
        (0, 0, 0) => Some("case-unknown"),
    }
}

fn refusal(reason: &'static str) -> Failure {
    Failure { reason, ..Problem::CaseRequired.into() }
}

/// What entries call a case.
pub(crate) fn token(key: &TokenKey, case: RecordId) -> CaseToken {
    CaseToken(key.opaque("case", &case.to_string()))
}
