//! Ledger entries of calls whose caller is not known.

use std::time::Duration;

use ledger::{Decision, Entry, Nonce, Receipt};

use crate::call::{code, policy_hash, within};
use crate::problem::Problem;
use crate::state::QueryState;
use crate::strangers::{Note, WINDOW_MS};

/// Puts a refused call without caller on record: the first of a window at once, the others together at its end. `None`
/// when the call was counted for later.
pub(crate) async fn record(state: &QueryState, reason: &str) -> Result<Option<Receipt>, Problem> {
    match state.strangers.note(state.now()) {
        Note::Append(count) => match append(state, reason, count).await {
            Ok(receipt) => Ok(Some(receipt)),
            Err(unavailable) => {
                state.strangers.give_back(count);
                Err(unavailable)
            }
        },
        Note::CountedFirst => {
            let state = state.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(WINDOW_MS.unsigned_abs())).await;
                flush(&state).await;
            });
            Ok(None)
        }
        Note::Counted => Ok(None),
    }
}

/// Puts on record what was counted and is not there yet; call it before the ledger closes.
pub async fn flush(state: &QueryState) {
    let count = state.strangers.take();
    if count > 0 && append(state, "several", count).await.is_err() {
        state.strangers.give_back(count);
    }
}

async fn append(state: &QueryState, reason: &str, count: u64) -> Result<Receipt, Problem> {
    let entry = Entry {
        stamp: state.stamper.stamp(state.now()),
        actor: code("unauthenticated")?,
        unit: code("none")?,
        role: code("none")?,
        action: code("call")?,
        purpose: None,
        case: None,
        subjects: Vec::new(),
        released: Vec::new(),
        withheld: Vec::new(),
        count,
        matter: None,
        decision: Decision::Refused { reason: code(reason)? },
        policy: policy_hash(&state.setup.policy),
        request: Nonce::random(),
    };
    within(state.setup.ledger.append(&entry)).await
}
