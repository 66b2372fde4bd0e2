//! The search index of the ledger: it follows the log, and is compared with it again and again.
//!
//! Invariant: nobody is told anything from the index alone. It says where to look; what is told is read from the log. A row
//! that somebody changed, added or took out is found by the next comparison, told as an error, and made anew.

use std::collections::BTreeMap;
use std::time::Duration;

use ledger::{Decision, Entry, LedgerError};
use runtime::Shutdown;
use store::audit::{self, EntryRow};

use crate::call::Failure;
use crate::problem::Problem;
use crate::state::QueryState;
use crate::{grants, unexplained};

/// How often the index follows the log by itself; a search makes it follow at once.
const FOLLOW_EVERY: Duration = Duration::from_secs(1);
/// How often a part of it is compared with the log.
const COMPARE_EVERY: Duration = Duration::from_secs(10);
/// Entries compared at once: 300,000 within a minute, and then from the beginning again.
const COMPARED_AT_ONCE: u64 = 50_000;
/// Rows that differ of which the log of the process tells the index.
const TOLD_MAX: usize = 100;
/// Entries read from the log at once.
const PAGE: u64 = 1_024;

/// Keeps the index until `shutdown` begins. What fails is tried again.
pub async fn follow_ledger(state: &QueryState, shutdown: &Shutdown) {
    let mut compared_at = tokio::time::Instant::now();
    let mut next = 0;
    while !shutdown.has_begun() {
        grants::beat(state).await;
        if unexplained::catch_up(state).await.is_err() {
            tracing::warn!("Looks could not be weighed; it is tried again.");
        }
        if catch_up(state).await.is_ok() && compared_at.elapsed() >= COMPARE_EVERY {
            compared_at = tokio::time::Instant::now();
            match compare(state, next, COMPARED_AT_ONCE).await {
                Ok(compared) => next = compared.next,
                Err(_) => {
                    tracing::error!(ledger.index = next, "The search index could not be compared with the access log.")
                }
            }
        }
        tokio::select! {
            () = shutdown.wait() => {}
            () = tokio::time::sleep(FOLLOW_EVERY) => {}
        }
    }
}

/// What a comparison of a part of the index with the log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Indices of rows that were not those of the log. They are now.
    pub differing: Vec<u64>,
    /// Where to go on; 0 after the end.
    pub next: u64,
}

/// Brings the index to the log's end.
pub(crate) async fn catch_up(state: &QueryState) -> Result<(), Failure> {
    let (ledger, store) = (&state.setup.ledger, &state.setup.store);
    let size = ledger.size().await.map_err(|error| unreadable(&error))?;
    loop {
        let mut conn = store.acquire().await?;
        let next = as_index(audit::next_index(&mut conn).await?);
        if next > size {
            // Others may have brought it further meanwhile: only what is beyond the log as it is now is nobody's.
            let size = ledger.size().await.map_err(|error| unreadable(&error))?;
            if next <= size {
                return Ok(());
            }
            let gone = audit::delete_from(&mut conn, as_row(size)).await?;
            for (index, leaf) in gone.iter().take(TOLD_MAX) {
                let message = "The index had an entry that the log has not: a row was added, or the log was set back.";
                tracing::error!(ledger.index = index, ledger.leaf = leaf, "{message}");
            }
            tell(&gone.iter().map(|(index, _)| as_index(*index)).collect::<Vec<_>>());
            continue;
        }
        if next == size {
            return Ok(());
        }
        let rows = rows(state, next, PAGE).await?;
        if rows.is_empty() {
            return Ok(());
        }
        audit::insert(&mut conn, &rows).await?;
    }
}

/// Compares a part of the index with the log, and makes what differs anew.
///
/// # Errors
/// When the log or the database cannot be read.
pub async fn compare(state: &QueryState, first: u64, count: u64) -> Result<Compared, Problem> {
    compare_part(state, first, count).await.map_err(|failure| failure.problem())
}

async fn compare_part(state: &QueryState, first: u64, count: u64) -> Result<Compared, Failure> {
    let store = &state.setup.store;
    let end = as_index(audit::next_index(&mut *store.acquire().await?).await?);
    let last = first.saturating_add(count).min(end);
    let (mut at, mut differing) = (first, Vec::new());
    while at < last {
        let expected = rows(state, at, PAGE.min(last - at)).await?;
        let Some(newest) = expected.last().map(|row| as_index(row.index)) else { break };
        let mut tx = store.begin("compare_ledger_index").await?;
        let found = match audit::list(&mut tx, as_row(at), as_row(newest + 1)).await {
            Ok(found) => found,
            // A row that cannot even be read is not the log's: the whole page is made anew.
            Err(_) => {
                drop(tx);
                tx = store.begin("compare_ledger_index").await?;
                Vec::new()
            }
        };
        if found != expected {
            let found: BTreeMap<i64, &EntryRow> = found.iter().map(|row| (row.index, row)).collect();
            let wrong: Vec<EntryRow> = expected.into_iter().filter(|row| found.get(&row.index) != Some(&row)).collect();
            let indices: Vec<i64> = wrong.iter().map(|row| row.index).collect();
            audit::delete(&mut tx, &indices).await?;
            audit::insert(&mut tx, &wrong).await?;
            tx.commit().await?;
            differing.extend(indices.into_iter().map(as_index));
        }
        at = newest + 1;
    }
    tell(&differing);
    Ok(Compared { differing, next: if at >= end { 0 } else { at } })
}

/// An entry of the log read again, where the index says that it is.
pub(crate) async fn entry(state: &QueryState, index: i64) -> Result<Option<(u64, Entry)>, Failure> {
    Ok(read(state, as_index(index), 1).await?.pop())
}

async fn rows(state: &QueryState, first: u64, count: u64) -> Result<Vec<EntryRow>, Failure> {
    read(state, first, count).await?.iter().map(|(index, entry)| row(*index, entry)).collect()
}

pub(crate) async fn read(state: &QueryState, first: u64, count: u64) -> Result<Vec<(u64, Entry)>, Failure> {
    match state.setup.ledger.entries(first, count).await {
        Ok(entries) => Ok(entries),
        Err(LedgerError::NoEntry(_)) => Ok(Vec::new()),
        Err(error) => Err(unreadable(&error).into()),
    }
}

fn row(index: u64, entry: &Entry) -> Result<EntryRow, Failure> {
    let refused = match &entry.decision {
        Decision::Allowed => None,
        Decision::Refused { reason } => Some(reason.to_string()),
    };
    Ok(EntryRow {
        index: as_row(index),
        leaf: entry.leaf_hash().map_err(|_| Problem::Internal)?.to_base64(),
        at_ms: entry.stamp.time.as_millis(),
        actor: entry.actor.to_string(),
        unit: entry.unit.to_string(),
        role: entry.role.to_string(),
        action: entry.action.to_string(),
        purpose: entry.purpose.as_ref().map(ToString::to_string),
        case_token: entry.case.as_ref().map(ToString::to_string),
        refused,
        subjects: entry.subjects.iter().map(ToString::to_string).collect(),
        matter: entry.matter.as_ref().map(|matter| matter.id.to_string()),
        act: entry.matter.as_ref().map(|matter| matter.act.to_string()),
        count: i64::try_from(entry.count).unwrap_or(i64::MAX),
        boot: entry.stamp.boot.to_string(),
    })
}

/// Says that somebody worked on the index beside this program.
fn tell(differing: &[u64]) {
    if differing.is_empty() {
        return;
    }
    metrics::counter!("isthmus_ledger_index_differing_total").increment(differing.len() as u64);
    let some: Vec<_> = differing.iter().take(TOLD_MAX).map(u64::to_string).collect();
    tracing::error!(
        ledger.differing = differing.len(),
        ledger.indices = some.join(" "),
        "Rows of the search index were not those of the access log; they are made anew."
    );
}

pub(crate) fn unreadable(error: &LedgerError) -> Problem {
    tracing::error!(error.code = error.code(), "The ledger could not be read.");
    Problem::AuditUnavailable
}

// The table refuses negative indices, and no log has 2^63 entries.
fn as_index(row: i64) -> u64 {
    u64::try_from(row).unwrap_or(0)
}

fn as_row(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}
