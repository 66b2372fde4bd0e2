//! Waking readers: one connection listens for the whole process.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use sqlx::PgPool;
use sqlx::postgres::PgListener;
use tokio::sync::{oneshot, watch};
use tokio::task::AbortHandle;

use super::CHANNEL;

/// How long the listener waits before it tries to connect again. Readers poll meanwhile.
const RECONNECT: Duration = Duration::from_secs(1);

/// Counts the notifications.
#[derive(Debug)]
pub(super) struct Wakeups {
    pool: PgPool,
    running: Mutex<Option<(watch::Receiver<u64>, AbortHandle)>>,
}

impl Wakeups {
    pub(super) const fn new(pool: PgPool) -> Self {
        Self { pool, running: Mutex::new(None) }
    }

    /// A counter that grows with every notification from now on; returns when the listener listens, or at once when it
    /// cannot (readers then find records by polling).
    pub(super) async fn subscribe(&self) -> watch::Receiver<u64> {
        let ready = {
            let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
            match running.as_ref() {
                Some((counter, task)) if !task.is_finished() => return counter.clone(),
                _ => {}
            }
            let (sender, counter) = watch::channel(0);
            let (listening, ready) = oneshot::channel();
            let task = tokio::spawn(listen(self.pool.clone(), sender, listening)).abort_handle();
            *running = Some((counter.clone(), task));
            (ready, counter)
        };
        let (ready, counter) = ready;
        // The sender is dropped when connecting fails: polling does its work then.
        let _ = ready.await;
        counter
    }
}

impl Drop for Wakeups {
    fn drop(&mut self) {
        let running = self.running.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, task)) = running.take() {
            task.abort();
        }
    }
}

async fn listen(pool: PgPool, counter: watch::Sender<u64>, listening: oneshot::Sender<()>) {
    let mut listening = Some(listening);
    loop {
        if let Err(error) = follow(&pool, &counter, &mut listening).await {
            if matches!(error, sqlx::Error::PoolClosed) {
                return;
            }
            tracing::warn!(error = %error, "the listener of the event log lost its connection; readers poll until it is back");
        }
        listening = None;
        tokio::time::sleep(RECONNECT).await;
    }
}

async fn follow(
    pool: &PgPool,
    counter: &watch::Sender<u64>,
    listening: &mut Option<oneshot::Sender<()>>,
) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    // What was committed before this moment was not notified: everyone looks once.
    counter.send_modify(|count| *count += 1);
    if let Some(listening) = listening.take() {
        let _ = listening.send(());
    }
    loop {
        // `None` is a connection that was lost: what happened meanwhile is unknown, so readers look.
        let notified = listener.try_recv().await?;
        counter.send_modify(|count| *count += 1);
        if notified.is_none() {
            tracing::warn!("the listener of the event log lost its connection; it connects again");
        }
    }
}
