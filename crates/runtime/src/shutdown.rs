//! Stopping: soft first, then hard.
//!
//! The first SIGTERM or SIGINT asks every part to finish what it has begun; the second ends the process at once.
//! Nothing acknowledged is lost either way: whatever was answered was durable before the answer.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The wish to stop, shared by every part of a process.
#[derive(Clone, Debug, Default)]
pub struct Shutdown(CancellationToken);

impl Shutdown {
    /// A wish that nobody has uttered yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Utters the wish when the process gets SIGTERM or SIGINT; a second signal ends the process with code 130.
    ///
    /// # Errors
    /// When the operating system refuses a signal handler.
    pub fn on_signals() -> std::io::Result<Self> {
        let shutdown = Self::new();
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let wish = shutdown.clone();
        tokio::spawn(async move {
            for attempt in 0.. {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if attempt > 0 {
                    tracing::warn!("Second signal: ending at once.");
                    std::process::exit(130);
                }
                tracing::info!("Signal received: finishing what has begun. A second signal ends at once.");
                wish.begin();
            }
        });
        Ok(shutdown)
    }

    /// Utters the wish.
    pub fn begin(&self) {
        self.0.cancel();
    }

    /// Whether the wish was uttered.
    pub fn has_begun(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Waits until the wish is uttered.
    pub async fn wait(&self) {
        self.0.cancelled().await;
    }

    /// The same wish as a token, for libraries that take one.
    pub fn token(&self) -> CancellationToken {
        self.0.clone()
    }
}
