//! What can go wrong with the ledger.

use std::path::PathBuf;

use crate::entry::EntryError;
use crate::note::NoteError;

/// An error of the ledger. None of its texts holds anything of an entry.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The ledger is away, busy for longer than allowed, or shutting down. Nothing may be disclosed. The entry may
    /// still be found in the log: it records an attempt that got no answer.
    #[error("the ledger is unavailable")]
    Unavailable,
    /// A write or sync failed earlier. Nothing can be appended until the process is started anew.
    #[error("the ledger stopped after a failed write")]
    Poisoned,
    /// Another sequencer works on the directory.
    #[error("another sequencer holds the ledger at {0}")]
    Locked(PathBuf),
    /// The log on disk is shorter than a head that was signed before: `rollback-detected`.
    #[error("rollback-detected: {witness} has seen {signed} entries, the disk holds {recovered}")]
    Rollback {
        /// Who holds the larger head: `checkpoint` for the one on disk, or the name of a witness.
        witness: String,
        /// The size that was signed.
        signed: u64,
        /// The size that was recovered.
        recovered: u64,
    },
    /// The log on disk has another history than a head that was signed before.
    #[error("fork-detected: the first {size} entries have not the root that {witness} has seen")]
    Fork {
        /// Who holds the other head.
        witness: String,
        /// Its size.
        size: u64,
    },
    /// Too few witnesses cosigned the head.
    #[error("{signed} witnesses cosigned the head, {needed} must; missing: {missing}")]
    NoQuorum {
        /// Witnesses that cosigned.
        signed: usize,
        /// Witnesses that must.
        needed: usize,
        /// Those that did not.
        missing: String,
    },
    /// A file of the log is damaged.
    #[error("the ledger's file {file} is damaged: {problem}")]
    Damaged {
        /// The file, below the log's directory.
        file: String,
        /// What is wrong.
        problem: &'static str,
    },
    /// There is no such entry.
    #[error("the ledger has no entry {0}")]
    NoEntry(u64),
    /// The entry cannot be written.
    #[error("the entry cannot be written")]
    Entry(#[from] EntryError),
    /// A note or key is wrong.
    #[error("a signature or key of the ledger is wrong")]
    Note(#[from] NoteError),
    /// What the remote ledger answered does not prove that the entry was recorded.
    #[error("the ledger's receipt does not verify")]
    BadReceipt,
    /// A file could not be read or written.
    #[error("the ledger's storage failed")]
    Io(#[from] std::io::Error),
}

impl LedgerError {
    /// A stable code for logs, metrics and problem documents.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unavailable | Self::Poisoned => "audit-unavailable",
            Self::Locked(_) => "locked",
            Self::Rollback { .. } => "rollback-detected",
            Self::Fork { .. } => "fork-detected",
            Self::NoQuorum { .. } => "witnesses-missing",
            Self::Damaged { .. } => "damaged",
            Self::NoEntry(_) => "no-entry",
            Self::Entry(_) => "entry-invalid",
            Self::Note(_) => "signature-invalid",
            Self::BadReceipt => "receipt-invalid",
            Self::Io(_) => "storage-failed",
        }
    }
}
