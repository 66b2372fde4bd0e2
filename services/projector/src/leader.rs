//! One writer at a time: the holder of a session lock in the database.

use std::time::Duration;

use runtime::Shutdown;
use store::{SessionLock, Store};

use crate::Error;

/// How often a projector in waiting looks whether its turn has come.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Waits until this process is the one that writes; `None` when it is asked to stop first.
///
/// The lock keeps two projectors from working in vain. That they cannot both write is the checkpoint's doing: it is
/// moved by compare-and-set, so one that lost its lock without noticing fails at its next batch.
pub(crate) async fn wait_for_leadership(store: &Store, shutdown: &Shutdown) -> Result<Option<SessionLock>, Error> {
    let mut waits = false;
    loop {
        if shutdown.has_begun() {
            return Ok(None);
        }
        if let Some(lock) = SessionLock::try_take(store, store::locks::PROJECTOR).await? {
            return Ok(Some(lock));
        }
        if !waits {
            tracing::info!("Another projector writes the views; this one waits for its turn.");
            waits = true;
        }
        tokio::select! {
            () = shutdown.wait() => return Ok(None),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}
