//! What appeals and contests have in common: a resident's act, and at most one verdict about it.

use domain::{RecordId, Sensitive, Timestamp};
use sqlx::FromRow;
use uuid::Uuid;

/// What somebody decided about a resident's appeal or contest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// When.
    pub at: Timestamp,
    /// Handle of who decided.
    pub handle: String,
    /// Whether the resident was right.
    pub is_upheld: bool,
    /// Why.
    pub reason: String,
    /// What else the resident should know.
    pub note: Option<Sensitive<String>>,
}

impl Verdict {
    /// `UPHELD` or `REJECTED`.
    pub const fn code(&self) -> &'static str {
        verdict_code(self.is_upheld)
    }
}

const fn verdict_code(is_upheld: bool) -> &'static str {
    if is_upheld { "UPHELD" } else { "REJECTED" }
}

/// Which appeals, or which contests.
#[derive(Clone, Copy, Debug)]
pub enum ActsOf<'a> {
    /// One.
    One(Uuid),
    /// Those of whoever holds these records.
    Records(&'a [RecordId]),
    /// Those in a state, after a place in their order, at most so many.
    State {
        /// `None` of open ones, else whether they are upheld.
        is_upheld: Option<bool>,
        /// The place.
        after: i64,
        /// How many.
        limit: i64,
    },
}

/// The same as parameters of a statement; what is `None` limits nothing.
pub(crate) struct Filter {
    pub(crate) one: Option<Uuid>,
    pub(crate) records: Option<Vec<Uuid>>,
    pub(crate) state: Option<&'static str>,
    pub(crate) after: i64,
    pub(crate) limit: i64,
}

impl From<ActsOf<'_>> for Filter {
    fn from(of: ActsOf<'_>) -> Self {
        let all = Self { one: None, records: None, state: None, after: 0, limit: i64::MAX };
        match of {
            ActsOf::One(act) => Self { one: Some(act), ..all },
            ActsOf::Records(records) => {
                Self { records: Some(records.iter().map(|record| record.as_uuid()).collect()), ..all }
            }
            ActsOf::State { is_upheld, after, limit } => {
                Self { state: Some(is_upheld.map_or("MADE", verdict_code)), after, limit, ..all }
            }
        }
    }
}

/// The columns of a verdict, where there is one.
#[derive(FromRow)]
pub(crate) struct VerdictColumns {
    decided_ms: Option<i64>,
    decided_by: Option<String>,
    is_upheld: Option<bool>,
    reason: Option<String>,
    note: Option<String>,
}

impl VerdictColumns {
    pub(crate) fn verdict(self) -> Option<Verdict> {
        let Self { decided_ms, decided_by, is_upheld, reason, note } = self;
        let (((at, handle), is_upheld), reason) = decided_ms.zip(decided_by).zip(is_upheld).zip(reason)?;
        let (at, note) = (Timestamp::from_millis(at), note.map(Sensitive::new));
        Some(Verdict { at, handle, is_upheld, reason, note })
    }
}
