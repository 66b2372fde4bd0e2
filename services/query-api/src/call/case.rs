//! The case that a call states: one that disease control has stated, that is open, and that the caller's unit works on. It counts for
//! roles of which some permit asks for a case; of others it is neither looked up nor kept.
//!
//! Invariant: a case that is unknown, closed or another unit's opens as much as none, and is answered with the same bytes after the same
//! read. Which of these it was stands on record alone. Nothing is kept between calls: a case that is closed or handed over is so
//! for the next call.

use access::{Action, Caller};
use domain::{Body, CaseState, CaseStatus, RecordId, Timestamp, TokenKey};
use ledger::CaseToken;
use store::views::{self, FactRow};

use super::{Call, Failure};
use crate::problem::Problem;

/// How a case stands to a caller.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Open,
    /// Another unit works on it.
    Foreign,
    Closed,
}

impl Standing {
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
type Stated = (Option<RecordId>, Option<&'static str>);

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
        let (_, refused) = self.case_named(&case.to_string()).await?;
        refused.map_or(Ok(()), |reason| Err(refusal(reason)))
    }

    async fn case_named(&self, name: &str) -> Result<Stated, Failure> {
        let named = {
            let mut conn = self.state.setup.store.acquire().await?;
            views::list_cases_named(&mut conn, name).await?
        };
        let (now, caller) = (self.state.now(), &self.caller);
        let standing = |row: &FactRow| match row.body()? {
            Body::CaseStatus(status) => Ok((row.record_id, Standing::of(&status, caller, now))),
            _ => Err(Failure::from(Problem::Internal)),
        };
        let cases = named.iter().map(standing).collect::<Result<Vec<_>, Failure>>()?;
        let of = |wanted| cases.iter().filter(move |(_, standing)| *standing == wanted).map(|(case, _)| *case);
        let only = cases.first().filter(|_| cases.len() == 1).map(|(case, _)| *case);
        Ok(match (of(Standing::Open).count(), of(Standing::Foreign).count(), cases.len()) {
            (1, ..) => (of(Standing::Open).next(), None),
            (2.., ..) => (None, Some("case-ambiguous")),
            (0, 1.., _) => (only, Some("case-foreign")),
            // How long looks for a case stay hidden is said after its end, too.
            (0, 0, 1) if self.request.action == Action::SealCase => (only, None),
            (0, 0, 1..) => (only, Some("case-closed")),
            (0, 0, 0) => (None, Some("case-unknown")),
        })
    }

    /// What entries call the case that was stated, however it was spelled.
    pub(crate) fn case_token(&self) -> Option<CaseToken> {
        self.case.map(|case| token(&self.state.setup.token_key, case))
    }
}

fn refusal(reason: &'static str) -> Failure {
    Failure { reason, ..Problem::CaseRequired.into() }
}

/// What entries call a case.
pub(crate) fn token(key: &TokenKey, case: RecordId) -> CaseToken {
    CaseToken(key.opaque("case", &case.to_string()))
}
