//! Ledger entries of calls whose caller is not known.

use std::sync::Arc;
use std::time::Duration;

use ledger::{Decision, Entry, Nonce, Receipt};
use runtime::http::Refused;

use crate::call::{code, policy_hash, within};
use crate::problem::Problem;
use crate::state::QueryState;
use crate::strangers::{Note, WINDOW_MS};

/// What entries call a connection without a certificate that counts.
const REFUSED_CONNECTION: &str = "mtls-reject";

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

/// Puts connections on record that were refused because of their certificate, collapsed like other calls of strangers. Nothing of the
/// certificate is kept: a handshake that failed tells nothing that could be trusted.
pub fn record_refused_connections(state: QueryState) -> Refused {
    Arc::new(move || {
        metrics::counter!("isthmus_refusals_total", "reason" => REFUSED_CONNECTION).increment(1);
        let state = state.clone();
        tokio::spawn(async move {
            // What the ledger does not take is counted again and tried with the next; see `record`.
            let _ = record(&state, REFUSED_CONNECTION).await;
        });
    })
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
