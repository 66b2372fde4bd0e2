//! Why a push came to nothing.

use std::time::Duration;

use crate::feed::BatchError;
use crate::reason::Reason;

/// Why a body or a message was not taken. Rows that cannot be used are no error: they are quarantined.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// There is no such feed in this process.
    #[error("there is no such feed")]
    UnknownFeed,
    /// The body does not fit; nothing of it was applied.
    #[error("{message}")]
    Refused {
        /// The reason, from the closed registry.
        reason: Reason,
        /// What was expected and what was found.
        message: String,
    },
    /// As many bodies of the feed are on their way as are taken at once.
    #[error("too many bodies of the feed are on their way")]
    Busy,
    /// The feed has spent its rows a minute.
    #[error("the feed has spent its rows a minute; it may go on in {} s", retry_after.as_secs() + 1)]
    TooFast {
        /// When to come again.
        retry_after: Duration,
    },
    /// The raw store cannot be written or read.
    #[error("the raw store cannot be written or read")]
    Raw(#[from] std::io::Error),
    /// The receipts cannot be read or written.
    #[error("the receipts cannot be read or written")]
    Store(#[from] store::Error),
    /// The event log does not take events.
    #[error("the event log does not take events")]
    Log(#[from] event_log::LogError),
    /// Rows are missing from the receipt: a defect of the hub.
    #[error("{rows} rows were read, {counted} have an outcome")]
    Uneven {
        /// Rows that were read.
        rows: i64,
        /// Rows with an outcome.
        counted: i64,
    },
    /// The process is being stopped, or a task failed.
    #[error("the work was stopped")]
    Stopped,
}

impl IngestError {
    /// A refusal that the sender can mend.
    pub(crate) fn refused(reason: Reason, message: impl Into<String>) -> Self {
        Self::Refused { reason, message: message.into() }
    }
}

impl From<BatchError> for IngestError {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Refused { reason, message } => Self::Refused { reason, message },
            BatchError::Io(error) => Self::Raw(error),
        }
    }
}
