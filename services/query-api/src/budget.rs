//! Budgets: what a caller was shown lately is counted before more is shown. A refusal is on record like any other.

use domain::{PersonId, Timestamp};
use ledger::SubjectHandle;
use scrutiny::{Shown, Spent, Subject};
use store::{audit, budgets, views};

use crate::call::{Call, Failure, Found, handle};
use crate::known_cases::township_of;
use crate::problem::Problem;

const HOUR_MS: i64 = 3_600_000;
const WEEK_MS: i64 = 7 * 86_400_000;

/// What was found, when the caller's budget allows to show it.
pub(crate) async fn within<T>(call: &Call, outcome: Result<Found<T>, Failure>) -> Result<Found<T>, Failure> {
    let found = outcome?;
    let is_search = call.is_search();
    if found.subjects.is_empty() && !is_search {
        return Ok(found);
    }
    follow(call).await?;
    let misses = u64::from(found.subjects.is_empty());
    if let Err(spent) = miss(call, misses) {
        return Err(refused(call, spent, found.subjects));
    }
    if found.subjects.is_empty() || call.state.setup.trust.suspicion.role(call.caller.role.code()).is_none() {
        return Ok(found);
    }
    let key = &call.state.setup.token_key;
    let persons: Vec<[u8; 16]> = found.subjects.iter().map(|person| handle(key, *person).0).collect();
    let spent = spend(call, &found.subjects, &persons, found.count as u64).await?;
    match spent {
        Ok(()) => Ok(found),
        Err(spent) => Err(refused(call, spent, found.subjects)),
    }
}

/// Counts persons who are told to be nobody's, whatever the true reason: what costs tells nothing of who there is. A call that begins
/// within the budget is answered whole.
///
/// # Errors
/// When the caller has asked for so many in vain that nobody is told any more.
pub(crate) async fn not_shown(call: &Call, persons: usize) -> Result<(), Failure> {
    follow(call).await?;
    miss(call, persons.max(1) as u64).map_err(|spent| refused(call, spent, Vec::new()))
}

fn miss(call: &Call, misses: u64) -> Result<(), Spent> {
    let (rules, now) = (&call.state.setup.trust.suspicion, call.state.now());
    call.state.watch.budgets().miss(rules, &call.caller.handle, now, misses)
}

fn refused(call: &Call, spent: Spent, subjects: Vec<PersonId>) -> Failure {
    let budget = match spent {
        Spent::Persons => "persons",
        Spent::Rows => "rows",
        Spent::Areas => "areas",
        Spent::Misses => "misses",
    };
    metrics::counter!("isthmus_budgets_spent_total", "role" => call.caller.role.code(), "budget" => budget)
        .increment(1);
    tracing::warn!(caller.handle = call.caller.handle, budget, "A caller asked for more than the budget allows.");
    Failure::withheld(Problem::BudgetSpent, subjects)
}

async fn spend(
    call: &Call,
    persons: &[PersonId],
    handles: &[Subject],
    rows: u64,
) -> Result<Result<(), Spent>, Failure> {
    let (rules, now) = (&call.state.setup.trust.suspicion, call.state.now());
    let caller = (call.caller.handle.as_str(), call.caller.role.code());
    let unseen = call.state.watch.budgets().unseen(rules, caller.0, now, handles);
    let unseen: Vec<PersonId> = unseen.into_iter().map(|place| persons[place]).collect();
    // Before the persons are entered: who is entered counts as seen, and no township is asked for again.
    if !within_areas(call, now, &unseen).await? {
        return Ok(Err(Spent::Areas));
    }
    Ok(call.state.watch.budgets().spend(rules, caller, now, handles, rows))
}

/// Whether the townships in which these persons live fit the budget of the day. They are counted if so.
async fn within_areas(call: &Call, now: Timestamp, unseen: &[PersonId]) -> Result<bool, Failure> {
    let (rules, caller) = (&call.state.setup.trust.suspicion, call.caller.handle.as_str());
    let limit = rules.role(call.caller.role.code()).map_or(0, |role| role.areas_per_day);
    if limit == 0 || unseen.is_empty() {
        return Ok(true);
    }
    let homes = {
        let mut conn = call.state.setup.store.acquire().await?;
        views::list_homes(&mut conn, unseen).await?
    };
    let areas = homes.iter().filter_map(|row| township_of(row.home.as_deref()?)).map(str::to_owned).collect();
    let day = rules.day(now);
    let fresh = call.state.watch.budgets().fresh_areas(caller, day, areas);
    if fresh.is_empty() {
        return Ok(true);
    }
    let named: Vec<String> = fresh.iter().cloned().collect();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let fits = budgets::spend_areas(&call.state.setup.store, caller, day, &named, limit).await?;
    if fits {
        call.state.watch.budgets().note_areas(caller, day, fresh);
    }
    Ok(fits)
}

/// Takes in what other processes showed the caller, and this one before it began anew: what the index of the log says, which follows
/// the log within a second. Nothing is asked of the ledger here, so that a ledger that is away is waited for once.
async fn follow(call: &Call) -> Result<(), Failure> {
    let (caller, now) = (&call.caller.handle, call.state.now());
    let Some(from) = call.state.watch.budgets().due(caller, now) else { return Ok(()) };
    let mut conn = call.state.setup.store.acquire().await?;
    let boot = call.state.stamper.boot().to_string();
    let (week, hour) = (now.plus_millis(-WEEK_MS), now.plus_millis(-HOUR_MS));
    let page = audit::list_shown(&mut conn, caller, week, hour, from, &boot).await?;
    let shown = page.rows.into_iter().map(|row| Shown {
        at: Timestamp::from_millis(row.at_ms),
        persons: row.subjects.iter().filter_map(|text| Some(text.parse::<SubjectHandle>().ok()?.0)).collect(),
        rows: u64::try_from(row.count).unwrap_or(0),
        misses: u64::try_from(row.misses).unwrap_or(0),
    });
    call.state.watch.budgets().follow(caller, now, (from, page.next), shown.collect());
    Ok(())
}
