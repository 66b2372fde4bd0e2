//! The tamper-evident access log: every answer and every refusal about a person is an entry of it, first.
//!
//! A Merkle tree in the form of C2SP tlog-tiles with RFC 6962 hashing; heads are C2SP checkpoints signed with Ed25519;
//! an entry is deterministic CBOR. One sequencer commits groups of entries with one sync each and answers every caller
//! with a [`Receipt`] that a stranger can verify offline. [`Disclosure`] is the type that makes an answer wait for its
//! receipt.
//!
//! Not here: who may see what (`access`), the HTTP side (`ledger-service`), any personal value.

mod archive;
mod cbor;
mod client;
mod cosign;
mod disclosure;
mod entry;
mod error;
mod fhir;
mod files;
mod filter;
mod handle;
mod journal;
mod log;
mod mark;
pub mod merkle;
mod note;
mod receipt;
mod recovery;
mod rotation;
mod tile;
mod verify;
mod witness;
mod witnesses;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod simulated_disk;
#[cfg(test)]
mod testing;

pub use archive::Archive;
pub use client::{LedgerClient, ProvenEntry, RemoteLedger};
pub use cosign::{WitnessKey, WitnessVerifier};
pub use disclosure::{Access, Disclosed, Disclosure, Refusal, Refused, Released};
pub use entry::{
    CaseToken, Code, Decision, Entry, EntryError, Matter, MatterId, Nonce, PolicyHash, SUBJECTS_MAX, Stamp, Stamper,
    SubjectHandle,
};
pub use error::LedgerError;
pub use fhir::audit_event;
pub use filter::Filter;
pub use handle::{LedgerHandle, OpenOptions};
pub use mark::{ExportMark, LeakedRow, ListExport, Traced, trace, trace_list};
pub use merkle::Hash;
pub use note::{Checkpoint, LogKey, NoteError, VerifierKey};
pub use receipt::Receipt;
pub use rotation::{LogVerifier, begin_rotation, finish_rotation, successor, verifier_of};
pub use tile::{ENTRY_BYTES_MAX, TILE_WIDTH, Tile, TileKind, split_bundle};
pub use verify::{Finding, Report, verify};
pub use witness::{Witness, WitnessRefusal};
pub use witnesses::{Cosigned, WitnessAddress, Witnesses, quorum};
