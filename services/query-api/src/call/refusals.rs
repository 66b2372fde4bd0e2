//! Refusals of several persons at once, and refusals that no handler gives: of strangers, of addresses, and of routes of other crates. They
//! are on record like any other.

use access::Caller;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use ledger::Receipt;
use runtime::problem::ProblemCode;
use serde::Serialize;

use super::{
    Answered, Ask, Call, Failure, Found, RECEIPT_HEADER, ReceiptView, Receipted, Refused, code, json, with_receipt,
    within,
};
use crate::problem::Problem;
use crate::state::QueryState;
use crate::{auth, budget, stranger_entry};

impl Call {
    /// Puts an answer that leaves persons out on record and gives it: that they were asked for and not shown is on record first.
    pub(crate) async fn finish_without<T: Serialize>(self, found: Found<T>, refused: Refused) -> Answered {
        // What this call asks for in vain counts for the next one.
        let outcome = budget::within(&self, Ok(found)).await;
        let counted = budget::not_shown(&self, persons(&refused)).await;
        if let Err(problem) = self.record_refused(refused).await {
            return Answered::without_entry(problem);
        }
        let found = match (outcome, counted) {
            (Ok(found), Ok(())) => found,
            (Ok(found), Err(spent)) => return self.refuse_counted(Failure { subjects: found.subjects, ..spent }).await,
            (Err(failure), _) => return self.refuse_counted(failure).await,
        };
        match self.disclose(found).await {
            Ok((answer, receipt)) => {
                let response = json(&Receipted { answer, receipt: ReceiptView::of(&receipt) });
                with_receipt(Answered(response), &receipt)
            }
            Err(problem) => Answered::without_entry(problem),
        }
    }

    /// Nobody who was asked for is shown; each is on record with the true reason.
    pub(crate) async fn refuse_all(&self, mut refused: Refused) -> Answered {
        let last = match budget::not_shown(self, persons(&refused)).await {
            Ok(()) => {
                let (reason, subjects) = refused.pop_last().unwrap_or((Problem::PersonNotFound.code(), Vec::new()));
                Failure::none_found(reason, subjects)
            }
            // The budget hides nobody from the record.
            Err(spent) => spent,
        };
        match self.record_refused(refused).await {
            Ok(()) => self.refuse_counted(last).await,
            Err(problem) => Answered::without_entry(problem),
        }
    }

    async fn record_refused(&self, refused: Refused) -> Result<(), Problem> {
        for (reason, subjects) in refused {
            self.record_refusal_of(Problem::PersonNotFound.code(), reason, subjects).await?;
        }
        Ok(())
    }
}

fn persons(refused: &Refused) -> usize {
    refused.values().map(Vec::len).sum()
}

/// Puts a refusal without caller on record, collapsed by rate, and answers.
pub(crate) async fn refuse_stranger(state: &QueryState, problem: Problem) -> Answered {
    metrics::counter!("isthmus_refusals_total", "reason" => problem.code()).increment(1);
    let recorded = stranger_entry::record(state, problem.code()).await;
    match recorded {
        Ok(Some(receipt)) => with_receipt(Answered(problem.into_response()), &receipt),
        Ok(None) => counted(problem.into_response()),
        Err(unavailable) => Answered(unavailable.into_response()),
    }
}

/// A refusal that is counted, and on record when its window ends.
#[derive(Clone, Copy)]
struct Counted;

fn counted(mut response: Response) -> Answered {
    response.extensions_mut().insert(Counted);
    Answered(response)
}

/// Puts a refusal on record that a route of another crate gave: a sign-in, a look at the state of the hub, a feed's token. What this
/// crate refuses is on record already.
pub(crate) async fn record_refusal(state: &QueryState, headers: &HeaderMap, response: Response) -> Answered {
    let is_refusal = matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    if !is_refusal
        || response.headers().contains_key(RECEIPT_HEADER)
        || response.extensions().get::<Counted>().is_some()
    {
        return Answered(response);
    }
    let reason = response.extensions().get::<ProblemCode>().map_or("refused", |code| code.0);
    metrics::counter!("isthmus_refusals_total", "reason" => reason).increment(1);
    let recorded = match auth::authenticate(state, headers).await {
        Ok(caller) => known_refusal(state, caller, reason).await.map(Some),
        Err(_) => stranger_entry::record(state, reason).await,
    };
    match recorded {
        Ok(Some(receipt)) => with_receipt(Answered(response), &receipt),
        Ok(None) => counted(response),
        Err(unavailable) => Answered(unavailable.into_response()),
    }
}

async fn known_refusal(state: &QueryState, caller: Caller, reason: &'static str) -> Result<Receipt, Problem> {
    let call = Call::without_purpose(state.clone(), Ask::bare(caller), "call")?;
    let refusal = call.access()?.refuse(code(reason)?, Vec::new());
    Ok(within(state.setup.ledger.refuse(refusal)).await?.receipt().clone())
}

/// Refuses a call whose address holds an identifier. Neither log nor ledger keep the address.
pub(crate) async fn refuse_address(state: &QueryState, headers: &HeaderMap) -> Answered {
    let Ok(caller) = auth::authenticate(state, headers).await else {
        return refuse_stranger(state, Problem::IdentifierInUrl).await;
    };
    match Call::without_purpose(state.clone(), Ask::bare(caller), "call") {
        Ok(call) => call.refuse(Problem::IdentifierInUrl.into()).await,
        Err(problem) => Answered(problem.into_response()),
    }
}
