//! The log shows its heads to witnesses: once before it serves anybody, then while it grows.

use std::time::Duration;

use ledger::{LedgerError, LedgerHandle, WitnessAddress, Witnesses};
use runtime::Shutdown;

/// How often a head that has grown is shown.
const SHOW_EVERY: Duration = Duration::from_secs(1);

/// The witnesses of an open log, which have confirmed that it is not older than what they saw.
#[derive(Debug)]
pub struct Witnessing {
    ledger: LedgerHandle,
    witnesses: Witnesses,
    cosigned_size: u64,
}

impl Witnessing {
    /// Shows the recovered head to the witnesses. Without witnesses there is nothing to show, and nobody who could tell
    /// that the directory was set back.
    ///
    /// # Errors
    /// [`LedgerError::Rollback`] and [`LedgerError::Fork`] name the witness that has seen another log than this;
    /// [`LedgerError::NoQuorum`] when too few answer. In each case the log must not be served.
    pub async fn begin(ledger: &LedgerHandle, addresses: Vec<WitnessAddress>) -> Result<Option<Self>, LedgerError> {
        if addresses.is_empty() {
            return Ok(None);
        }
        let mut this = Self { ledger: ledger.clone(), witnesses: Witnesses::new(addresses)?, cosigned_size: 0 };
        this.show(true).await?;
        Ok(Some(this))
    }

    /// Goes on until `shutdown` begins. A witness that is away delays the cosigned head, not the log.
    pub async fn go_on(mut self, shutdown: Shutdown) {
        loop {
            tokio::select! {
                () = shutdown.wait() => return,
                () = tokio::time::sleep(SHOW_EVERY) => {}
            }
            if self.ledger.head().0.size == self.cosigned_size {
                continue;
            }
            match self.show(false).await {
                Ok(()) => {}
                Err(error @ (LedgerError::Rollback { .. } | LedgerError::Fork { .. })) => {
                    tracing::error!(%error, "A witness has seen another log than this one.");
                }
                Err(error) => tracing::warn!(%error, "The newest head is not cosigned; it is tried again."),
            }
        }
    }

    async fn show(&mut self, is_start: bool) -> Result<(), LedgerError> {
        // A head is shown when its tiles are on the disk, so that it can be proved from there.
        self.ledger.publish().await?;
        let cosigned = self.witnesses.cosign(&self.ledger, is_start).await?;
        if !cosigned.missing.is_empty() {
            tracing::warn!(
                witness.missing = cosigned.missing.join(", "),
                "Not every witness cosigned the newest head."
            );
        }
        let (ledger, size) = (self.ledger.clone(), cosigned.size);
        let kept = tokio::task::spawn_blocking(move || ledger.keep_cosigned(&cosigned)).await;
        kept.map_err(|_| LedgerError::Unavailable)??;
        self.cosigned_size = size;
        Ok(())
    }
}
