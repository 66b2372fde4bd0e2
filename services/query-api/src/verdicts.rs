//! What appeals and contests have in common: who decides lists what is open, and decides each once, with a reason.

use axum::http::StatusCode;
use domain::Sensitive;
use ledger::{Matter, MatterId};
use serde::Serialize;
use store::verdicts::{ActsOf, Verdict};
use uuid::Uuid;

use crate::call::{Answered, Call, Failure, Found, code};
use crate::decisions::note_of;
use crate::problem::Problem;
use crate::query::{self, Malformed};
use crate::reviews;

/// Which ones a list is asked for (`state`, `after`, `limit`), and how many it has at most. One more is read, to know whether
/// there is another page.
pub(crate) fn asked(call: &Call) -> Result<(ActsOf<'static>, usize), Failure> {
    let [state, after, limit] = query::members(&call.query, ["state", "after", "limit"])?;
    let is_upheld = match state.as_deref() {
        None | Some("open") => None,
        Some("upheld") => Some(true),
        Some("rejected") => Some(false),
        Some(_) => return Err(Malformed::member("state", "`open`, `upheld` or `rejected`").into()),
    };
    let after = after.map_or(Ok(0), |after| after.parse()).map_err(|_| query::after_malformed())?;
    let limit = reviews::limit_of(limit)?;
    Ok((ActsOf::State { is_upheld, after, limit: limit + 1 }, usize::try_from(limit).unwrap_or(usize::MAX)))
}

/// The page of what was read, and where the next one begins.
pub(crate) fn page<T>(rows: &mut Vec<T>, limit: usize, seq: impl Fn(&T) -> i64) -> Option<i64> {
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    rows.last().filter(|_| has_more).map(seq)
}

/// The verdict that a caller states: one of two words, a reason of a closed list, and perhaps a note. `words` is the problem of any
/// other word.
pub(crate) fn stated(
    call: &Call,
    (verdict, reason, note): (&str, String, Option<String>),
    reasons: &[&str],
    words: Problem,
) -> Result<Verdict, Failure> {
    let is_upheld = match verdict {
        "UPHELD" => true,
        "REJECTED" => false,
        _ => return Err(words.into()),
    };
    if !reasons.contains(&reason.as_str()) {
        return Err(words.into());
    }
    let (at, handle) = (call.state.now(), call.caller.handle.clone());
    Ok(Verdict { at, handle, is_upheld, reason, note: note_of(note)? })
}

/// Whether the verdict stands already, word for word: then it is that of then. Any other one is `decided`.
pub(crate) fn stands(known: Option<&Verdict>, verdict: &mut Verdict, decided: Problem) -> Result<bool, Problem> {
    let Some(known) = known else { return Ok(false) };
    verdict.at = known.at;
    if known == verdict { Ok(true) } else { Err(decided) }
}

/// What the ledger calls an act about an appeal or a contest.
pub(crate) fn matter(id: Uuid, act: &str) -> Result<Matter, Problem> {
    Ok(Matter { id: MatterId(id.into_bytes()), act: code(act)? })
}

/// Puts a verdict on record, and then keeps it, which `kept` does and says whether it is the first.
pub(crate) async fn carry_out<T: Serialize>(
    call: &Call,
    found: Found<()>,
    (id, verdict): (Uuid, &'static str),
    kept: impl Future<Output = Result<bool, Failure>>,
    decided: Problem,
    view: impl FnOnce() -> T,
) -> Answered {
    let matter = match matter(id, verdict) {
        Ok(matter) => matter,
        Err(problem) => return call.refuse(problem.into()).await,
    };
    let recorded = match call.record(found, matter).await {
        Ok(recorded) => recorded,
        Err(answered) => return answered,
    };
    recorded.answer(match kept.await {
        Ok(true) => Ok((StatusCode::OK, view())),
        // Somebody else decided at the same time.
        Ok(false) => Err(decided),
        Err(failure) => Err(failure.problem()),
    })
}

/// A verdict as it is told.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) state: &'static str,
    pub(crate) decided: Option<String>,
    pub(crate) reason: Option<String>,
    pub(crate) note: Option<String>,
}

impl Told {
    /// `open` without one.
    pub(crate) fn of(verdict: Option<Verdict>) -> Self {
        let Some(Verdict { at, is_upheld, reason, note, .. }) = verdict else {
            return Self { state: "open", ..Self::default() };
        };
        Self {
            state: if is_upheld { "upheld" } else { "rejected" },
            decided: Some(at.to_string()),
            reason: Some(reason),
            note: note.map(Sensitive::into_exposed),
        }
    }
}
