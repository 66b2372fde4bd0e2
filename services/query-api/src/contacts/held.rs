//! The index of contacts that a process holds, and what keeps it current.
//!
//! It is built anew when the views have moved on: at once when they are at rest, and now and then while they move, so
//! that reading everything takes a small share of the time. An answer says as of when it is.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use store::views::{self, Checkpoint};

use super::city::City;
use crate::problem::Problem;
use crate::state::QueryState;

/// How often the views are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// While the views move, an index is at least so old before it is built anew, and this many times as old as that took.
const AGE_MIN: Duration = Duration::from_secs(30);
const AGE_PER_BUILD: u32 = 10;

/// The index; none until it was built for the first time.
#[derive(Default)]
pub(crate) struct Held(RwLock<Option<Arc<City>>>);

impl Held {
    /// The index as it is.
    pub(crate) fn city(&self) -> Result<Arc<City>, Problem> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Problem::ContactsLoading)
    }

    fn put(&self, city: City) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(city));
    }
}

/// Reads where everybody was, and puts the index in the place of the one before.
///
/// # Errors
/// When the views cannot be read.
pub async fn load_contacts(state: &QueryState) -> store::Result<()> {
    let mut conn = state.setup.store.snapshot().await?;
    let city = City::read(&mut conn, &state.setup.rules, state.now()).await?;
    if let Some(city) = city {
        state.contacts.put(city);
    }
    Ok(())
}

/// Keeps the index current until the process stops.
pub async fn follow_contacts(state: QueryState) {
    let shutdown = state.setup.shutdown.clone();
    let mut followed = Followed::default();
    loop {
        if let Err(error) = followed.look(&state).await {
            // The text of a store error holds no value of a row.
            tracing::warn!(%error, "Where everybody was could not be read; it is tried again.");
        }
        tokio::select! {
            () = shutdown.wait() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

#[derive(Default)]
struct Followed {
    /// What the views were at the last look.
    seen: Option<Checkpoint>,
    /// When the index was built, and how long that took.
    built: Option<(Instant, Duration)>,
}

impl Followed {
    async fn look(&mut self, state: &QueryState) -> store::Result<()> {
        let now = {
            let mut conn = state.setup.store.snapshot().await?;
            views::find_checkpoint(&mut conn).await?
        };
        let is_at_rest = self.seen.as_ref() == Some(&now);
        self.seen = Some(now.clone());
        let is_current = state.contacts.city().is_ok_and(|city| city.checkpoint == now);
        let is_due = self.built.is_none_or(|(at, took)| at.elapsed() >= AGE_MIN.max(took * AGE_PER_BUILD));
        if is_current || !(is_at_rest || is_due) {
            return Ok(());
        }
        let begin = Instant::now();
        load_contacts(state).await?;
        self.built = Some((Instant::now(), begin.elapsed()));
        tracing::debug!(duration_ms = begin.elapsed().as_millis() as u64, "The index of contacts was built.");
        Ok(())
    }
}
