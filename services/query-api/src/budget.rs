//! Budgets: what a caller was shown lately is counted before more is shown. A refusal is on record like any other.

use domain::Timestamp;
use ledger::SubjectHandle;
use scrutiny::Spent;
use store::audit;

use crate::call::{Call, Failure, Found, handle};
use crate::problem::Problem;

const WEEK_MS: i64 = 7 * 86_400_000;

/// What was found, when the caller's budget allows to show it.
pub(crate) async fn within<T>(call: &Call, outcome: Result<Found<T>, Failure>) -> Result<Found<T>, Failure> {
    let found = outcome?;
    if found.subjects.is_empty() || call.state.setup.trust.suspicion.role(call.caller.role.code()).is_none() {
        return Ok(found);
    }
    begin(call).await?;
    let key = &call.state.setup.token_key;
    let persons: Vec<[u8; 16]> = found.subjects.iter().map(|person| handle(key, *person).0).collect();
    let caller = (call.caller.handle.as_str(), call.caller.role.code());
    let rules = &call.state.setup.trust.suspicion;
    let spent = call.state.watch.budgets().spend(rules, caller, call.state.now(), &persons, found.count as u64);
    let Err(spent) = spent else { return Ok(found) };
    let budget = match spent {
        Spent::Persons => "persons",
        Spent::Rows => "rows",
    };
    metrics::counter!("isthmus_budgets_spent_total", "role" => call.caller.role.code(), "budget" => budget)
        .increment(1);
    tracing::warn!(caller.handle = call.caller.handle, budget, "A caller asked for more than the budget allows.");
    Err(Failure::withheld(Problem::BudgetSpent, found.subjects))
}

/// Begins the account of a caller that this process has not met: with what the index of the log says, which follows the log
/// within a second. Nothing is asked of the ledger here, so that a ledger that is away is waited for once.
async fn begin(call: &Call) -> Result<(), Failure> {
    let caller = &call.caller.handle;
    if call.state.watch.budgets().knows(caller) {
        return Ok(());
    }
    let since = call.state.now().plus_millis(-WEEK_MS);
    let mut conn = call.state.setup.store.acquire().await?;
    let shown = audit::list_shown(&mut conn, caller, since).await?;
    let shown = shown.into_iter().map(|(at, subjects, count)| {
        let subjects = subjects.iter().filter_map(|text| text.parse::<SubjectHandle>().ok()).map(|handle| handle.0);
        (Timestamp::from_millis(at), subjects.collect(), u64::try_from(count).unwrap_or(0))
    });
    call.state.watch.budgets().begin(caller, shown);
    Ok(())
}
