//! `GET /v1/ledger/unexplained`: looks that nothing explains first, with their scores.
//!
//! Looks are weighed in the order of the log, a second after they happened; what came of it can be made anew at any time,
//! and is, when the rules have another version. The entries themselves are read from the log.

use access::{Action, FieldGroups};
use axum::extract::State;
use domain::Timestamp;
use ledger::{Decision, Entry};
use scrutiny::{Look, Mark, Part, Scrutiny, Strength, Ties, Weighed};
use serde::Serialize;
use store::weighed::{self, WeighedRow};
use store::{Conn, audit};
use utoipa::ToSchema;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::ledger_index;
use crate::ledger_routes::{EntryView, view};
use crate::problem::{Problem, ProblemDocument};
use crate::query;
use crate::state::QueryState;
use crate::subject::PERSON_UNKNOWN;
use crate::ties::ties;

const LOOKS_DEFAULT: i64 = 100;
const LOOKS_MAX: i64 = 1_000;
/// Looks weighed at once.
const PAGE: u64 = 512;
const DAY_MS: i64 = 86_400_000;

/// Looks, those that nothing explains first.
#[derive(Serialize, ToSchema)]
pub(crate) struct WeighedLooks {
    /// Version of the rules that weighed them.
    pub rules: String,
    /// Looks between the two instants.
    pub weighed: i64,
    /// Of these, those that nothing or only a claim explains.
    pub unexplained: i64,
    /// Of all, alerts.
    pub alerts: i64,
    /// The looks: unexplained ones first, then by score, then the newest.
    pub looks: Vec<WeighedLook>,
    /// Send it as `offset` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// A look that was weighed.
#[derive(Serialize, ToSchema)]
pub(crate) struct WeighedLook {
    /// The look.
    pub entry: EntryView,
    /// The sum of its parts.
    pub score: i32,
    /// The score is that of an alert.
    pub alert: bool,
    /// What explains it; empty when nothing does.
    pub explanations: Vec<String>,
    /// What the score is made of.
    pub parts: Vec<WeighedView>,
}

/// Part of a score.
#[derive(Serialize, ToSchema)]
pub(crate) struct WeighedView {
    /// Which rule.
    pub rule: &'static str,
    /// What it added.
    pub weight: i32,
}

/// Lists looks at person files, those that nothing explains first: no case, no unit, no task, no grant.
#[utoipa::path(
    get,
    path = "/v1/ledger/unexplained",
    tag = "ledger",
    operation_id = "list_unexplained",
    params(
        crate::openapi::PersonHeaders,
        ("from" = Option<String>, Query, description = "Not before this instant"),
        ("until" = Option<String>, Query, description = "Before this instant"),
        ("alerts" = Option<bool>, Query, description = "Only alerts"),
        ("offset" = Option<i64>, Query, minimum = 0, description = "`next` of the answer before"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 1000, description = "Looks in one answer; 100 unless stated"),
    ),
    responses(
        (status = 200, description = "The looks", body = Receipted<WeighedLooks>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn list(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadLedger).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = listed(&call).await;
    call.finish(found).await
}

async fn listed(call: &Call) -> Result<Found<WeighedLooks>, Failure> {
    let [from, until, alerts, offset, limit] =
        query::members(&call.query, ["from", "until", "alerts", "offset", "limit"])?;
    let malformed = |_| Problem::QueryMalformed;
    let instant = |text: Option<String>| text.map(|text| Timestamp::parse(&text)).transpose();
    let (from, until) = (instant(from).map_err(malformed)?, instant(until).map_err(malformed)?);
    let number = |text: Option<String>, or: i64| text.map_or(Ok(or), |text| text.parse::<i64>());
    let offset = number(offset, 0).map_err(|_| Problem::QueryMalformed)?;
    let limit = number(limit, LOOKS_DEFAULT).map_err(|_| Problem::QueryMalformed)?;
    let alerts_only = match alerts.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Problem::QueryMalformed.into()),
    };
    if offset < 0 || !(1..=LOOKS_MAX).contains(&limit) {
        return Err(Problem::QueryMalformed.into());
    }
    catch_up(&call.state).await?;
    let mut conn = call.state.setup.store.acquire().await?;
    let counts = weighed::count(&mut conn, from, until).await?;
    let mut rows = weighed::list(&mut conn, (from, until), alerts_only, (offset, limit + 1)).await?;
    drop(conn);
    let more = rows.len() as i64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(0));
    let mut looks = Vec::with_capacity(rows.len());
    for row in rows {
        let WeighedRow { index, score, alert, explanations, parts, .. } = row;
        let Some((index, entry)) = ledger_index::entry(&call.state, index).await? else { continue };
        let parts: Vec<Part> = serde_json::from_value(parts).map_err(|_| Problem::Internal)?;
        let parts = parts.into_iter().map(|part| WeighedView { rule: part.rule.code(), weight: part.weight }).collect();
        looks.push(WeighedLook { entry: view(index, entry), score, alert, explanations, parts });
    }
    let count = looks.len();
    let answer = WeighedLooks {
        rules: call.state.setup.trust.suspicion.version.clone(),
        weighed: counts.weighed,
        unexplained: counts.unexplained,
        alerts: counts.alerts,
        looks,
        next: more.then_some(offset + limit),
    };
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    Ok(Found { answer, subjects: Vec::new(), released, withheld, count })
}

/// Looks as they are weighed, and the first entry that this process has not seen.
pub(crate) struct Watching {
    scrutiny: Scrutiny,
    next: u64,
}

/// Weighs every look that was not weighed yet.
///
/// What is remembered is taken out meanwhile. Where this ends early, it is forgotten and made anew from the log: a memory that is
/// ahead of what is kept would take the looks between for old ones, and tell nobody.
pub(crate) async fn catch_up(state: &QueryState) -> Result<(), Failure> {
    ledger_index::catch_up(state).await?;
    let mut held = state.watch.scrutiny.lock().await;
    let Some(mut watching) = begin(state, held.take()).await? else { return Ok(()) };
    loop {
        let entries = ledger_index::read(state, watching.next, PAGE).await?;
        let Some((last, _)) = entries.last() else { break };
        let next = last + 1;
        let ties = ties(state, &entries).await?;
        let mut conn = state.setup.store.acquire().await?;
        // Another process may have weighed some of them: those are looked at for the memory alone.
        let kept = next_to_weigh(&mut conn).await?;
        let (mut rows, mut alerts) = (Vec::new(), Vec::new());
        for ((index, entry), ties) in entries.iter().zip(&ties) {
            let weighed = watching.scrutiny.weigh(&look(entry), ties);
            if *index >= kept {
                rows.push(row(*index, entry, ties, &weighed, watching.scrutiny.rules().version.clone())?);
                alerts.extend(weighed.alert.then_some((*index, ties, weighed)));
            }
        }
        weighed::insert(&mut conn, &rows).await?;
        alerts.iter().for_each(|(index, ties, weighed)| tell(*index, ties, weighed));
        watching.next = next;
    }
    *held = Some(watching);
    Ok(())
}

/// What is remembered, as long as it fits what is kept; else a memory that begins as long ago as the rules look back.
async fn begin(state: &QueryState, held: Option<Watching>) -> Result<Option<Watching>, Failure> {
    let mut conn = state.setup.store.acquire().await?;
    let kept = next_to_weigh(&mut conn).await?;
    if let Some(held) = held.filter(|held| held.next <= kept) {
        return Ok(Some(held));
    }
    let rules = state.setup.trust.suspicion.clone();
    if weighed::delete_of_other_rules(&mut conn, &rules.version).await? {
        tracing::info!("The rules of suspicion have another version; looks are weighed anew.");
    }
    let kept = next_to_weigh(&mut conn).await?;
    let first = audit::first_since(&mut conn, horizon(state)).await?;
    let first = first.and_then(|first| u64::try_from(first).ok());
    // What was left off before the rules look back is weighed all the same.
    let first = first.map(|first| if kept > 0 { first.min(kept) } else { first });
    Ok(first.map(|next| Watching { scrutiny: Scrutiny::new(rules), next }))
}

async fn next_to_weigh(conn: &mut Conn) -> Result<u64, Failure> {
    Ok(weighed::next_index(conn).await?.and_then(|kept| u64::try_from(kept).ok()).unwrap_or(0))
}

fn horizon(state: &QueryState) -> Timestamp {
    state.now().plus_millis(-i64::from(state.setup.trust.suspicion.days) * DAY_MS)
}

fn look(entry: &Entry) -> Look {
    let is_search = entry.action.as_str() == Action::FindPersons.code();
    let misses = match &entry.decision {
        Decision::Refused { reason } if reason.as_str() == PERSON_UNKNOWN => entry.subjects.len().max(1),
        // What is asked for in vain once the budget is spent.
        Decision::Refused { reason } if reason.as_str() == Problem::BudgetSpent.code() => {
            usize::from(entry.subjects.is_empty())
        }
        _ => usize::from(is_search && entry.subjects.is_empty()),
    };
    Look {
        at: entry.stamp.time,
        actor: entry.actor.to_string(),
        role: entry.role.to_string(),
        is_search,
        misses,
        subjects: entry.subjects.iter().map(|subject| subject.0).collect(),
    }
}

fn row(index: u64, entry: &Entry, ties: &Ties, weighed: &Weighed, rules: String) -> Result<WeighedRow, Failure> {
    Ok(WeighedRow {
        index: i64::try_from(index).map_err(|_| Problem::Internal)?,
        at_ms: entry.stamp.time.as_millis(),
        score: weighed.score,
        alert: weighed.alert,
        strength: match weighed.strength {
            Strength::None => 0,
            Strength::Broad => 2,
            Strength::Strong => 3,
        },
        explanations: ties.explanations.iter().map(|explanation| explanation.code().to_owned()).collect(),
        parts: serde_json::to_value(&weighed.parts).map_err(|_| Problem::Internal)?,
        rules,
    })
}

/// Says that there is an alert; the log of the process learns which entry, and nothing of persons.
fn tell(index: u64, ties: &Ties, weighed: &Weighed) {
    // Which rule it was is for auditors: whoever counts metrics would learn who is invented.
    metrics::counter!("isthmus_alerts_total").increment(1);
    if ties.marks.contains(&Mark::Canary) {
        tracing::error!(
            ledger.index = index,
            "Somebody looked at an invented person, at whom nobody has a reason to look."
        );
    } else {
        tracing::warn!(ledger.index = index, alert.score = weighed.score, "A look at a person file is suspicious.");
    }
}
