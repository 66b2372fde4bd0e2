//! Emergency grants as the hub holds them: read from the primary for every decision, believed as far as the log says the same.
//!
//! Invariants: a row of the database makes no grant: its id is the hash of the request, and an approval counts when the entry
//! of the log that it names is that approval. A stop counts as soon as it stands in either. A clock that was set back
//! grants nothing.

use std::sync::atomic::Ordering;

use access::{ActDone, GrantAct, GrantId, GrantRequest, GrantScope, GrantState};
use domain::Timestamp;
use ledger::{Decision, Entry, MatterId};
use store::Conn;
use store::audit;
use store::grants::{self, ActRow};

use crate::call::Failure;
use crate::ledger_index;
use crate::problem::Problem;
use crate::state::QueryState;

/// What an entry of the log says was done about a grant when a look was made under it.
pub(crate) const INVOKED: &str = "GRANT";

/// A grant, and what was done about it as far as the log says the same.
pub(crate) struct Known {
    pub(crate) id: GrantId,
    pub(crate) request: GrantRequest,
    pub(crate) acts: Vec<ActRow>,
}

impl Known {
    /// What was done, without where it stands.
    pub(crate) fn done(&self) -> Vec<ActDone> {
        self.acts.iter().map(|row| row.done.clone()).collect()
    }

    /// What it is now.
    pub(crate) fn state(&self, state: &QueryState) -> GrantState {
        self.request.state(&self.done(), &state.setup.trust.grants, state.now())
    }

    /// Until when it has to be reviewed.
    pub(crate) fn review_due(&self, state: &QueryState) -> Option<Timestamp> {
        self.request.review_due(&self.done(), &state.setup.trust.grants, state.now())
    }

    /// It was not reviewed in time.
    pub(crate) fn is_overdue(&self, state: &QueryState) -> bool {
        self.review_due(state).is_some_and(|due| due <= state.now())
    }
}

/// The scope of a grant that is active by every clock.
pub(crate) async fn invoke(state: &QueryState, grant: GrantId) -> Result<GrantScope, Failure> {
    let mut conn = state.setup.store.acquire().await?;
    let latest = grants::beat(&mut conn, state.now()).await?;
    let known = find(state, &mut conn, grant).await?.ok_or(Problem::GrantInvalid)?;
    let GrantState::Active(until) = known.state(state) else { return Err(Problem::GrantInvalid.into()) };
    let monotonic_ms = (state.setup.trust.monotonic)();
    let checked = state.watch.clocks().check((grant, until), state.now(), latest, monotonic_ms);
    if let Err(flaw) = checked {
        tracing::warn!(%flaw, "An emergency grant was not taken.");
        return Err(Problem::GrantInvalid.into());
    }
    state.watch.has_invoked.store(true, Ordering::Relaxed);
    Ok(known.request.scope)
}

/// Keeps the latest instant on record while grants are used, so that a restart with a clock that was set back finds it.
pub(crate) async fn beat(state: &QueryState) {
    if !state.watch.has_invoked.load(Ordering::Relaxed) {
        return;
    }
    let beat = async { grants::beat(&mut *state.setup.store.acquire().await?, state.now()).await };
    if let Err::<_, store::Error>(error) = beat.await {
        tracing::warn!(%error, "The time could not be noted for emergency grants.");
    }
}

/// A grant; `None` when there is none, or its row is not what its id says.
pub(crate) async fn find(state: &QueryState, conn: &mut Conn, grant: GrantId) -> Result<Option<Known>, Failure> {
    let Some(request) = grants::find(conn, grant).await? else { return Ok(None) };
    Ok(known(state, conn, vec![(grant, request)]).await?.pop())
}

/// Grants of these rows, without rows that are not what their ids say.
pub(crate) async fn known(
    state: &QueryState,
    conn: &mut Conn,
    rows: Vec<(GrantId, GrantRequest)>,
) -> Result<Vec<Known>, Failure> {
    let ids: Vec<GrantId> = rows.iter().map(|(id, _)| *id).collect();
    let acts = grants::list_acts(conn, &ids).await?;
    let mut all = Vec::with_capacity(rows.len());
    for (id, request) in rows {
        if request.id() != id {
            tracing::error!(grant.id = %id, "The row of an emergency grant is not what its id says; it opens nothing.");
            continue;
        }
        let mut proven = Vec::new();
        for row in acts.iter().filter(|row| row.grant == id) {
            if is_proven(state, row).await? {
                proven.push(row.clone());
            }
        }
        let text = MatterId(id.0).to_string();
        let is_stopped = proven.iter().any(|row| row.done.act == GrantAct::Stopped);
        if !is_stopped && audit::has_act(conn, &text, GrantAct::Stopped.code()).await? {
            tracing::error!(grant.id = %id, "The stop of an emergency grant is on record and not in the database.");
            // It stays in sight, and is to be reviewed from its last act on.
            if let Some(last) = proven.last().cloned() {
                let done = ActDone { act: GrantAct::Stopped, ..last.done };
                proven.push(ActRow { done, reason: None, ..last });
            }
        }
        all.push(Known { id, request, acts: proven });
    }
    Ok(all)
}

/// Whether the log says the same as a row. A stop is believed as it is: it opens nothing.
async fn is_proven(state: &QueryState, row: &ActRow) -> Result<bool, Failure> {
    let key = (row.grant, row.ledger_index);
    // The whole row: another one that names the same entry is another one.
    if row.done.act == GrantAct::Stopped || state.watch.proven().get(&key) == Some(row) {
        return Ok(true);
    }
    let entry = ledger_index::entry(state, row.ledger_index).await?;
    let is_proven = entry.is_some_and(|(_, entry)| says(&entry, row));
    if is_proven {
        state.watch.proven().insert(key, row.clone());
    } else {
        tracing::error!(grant.id = %row.grant, "An act about an emergency grant is not on record; it counts for nothing.");
    }
    Ok(is_proven)
}

fn says(entry: &Entry, row: &ActRow) -> bool {
    let ActDone { act, handle, unit, at } = &row.done;
    let is_matter =
        entry.matter.as_ref().is_some_and(|matter| matter.id.0 == row.grant.0 && matter.act.as_str() == act.code());
    is_matter
        && entry.decision == Decision::Allowed
        && entry.actor.as_str() == handle
        && entry.unit.as_str() == unit
        // The act's instant is that of its entry, which is made a moment later.
        && (entry.stamp.time.as_millis() - at.as_millis()).abs() <= 10_000
}
