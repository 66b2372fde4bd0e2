//! A witness: it remembers the newest head of each log that it knows, and cosigns only what extends it (C2SP tlog-witness).
//!
//! Invariant: a head is on disk before its cosignature is given out, and none that is remembered is ever followed by a
//! smaller one: looking and keeping happen under one lock, and one process holds the directory.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest as _, Sha256};

use crate::cosign::{WitnessKey, WitnessVerifier};
use crate::error::LedgerError;
use crate::files::{DirLock, DiskFiles, Files as _, write_durably};
use crate::merkle::{Hash, verify_consistency};
use crate::note::{Checkpoint, NoteError, split_note};
use crate::rotation::LogVerifier;

/// Lines of a consistency proof at most, as the protocol has it.
const PROOF_LINES_MAX: usize = 63;

/// Why a head is not cosigned.
#[derive(Debug, thiserror::Error)]
pub enum WitnessRefusal {
    /// The request has not the form of the protocol, or its old size is larger than the head.
    #[error("the request is not one of the witness protocol: {0}")]
    Malformed(&'static str),
    /// The witness does not know the log.
    #[error("no log of this origin is known here")]
    UnknownOrigin,
    /// No key of the log signed the head.
    #[error("no key that is known for this log signed the head")]
    BadSignature,
    /// The witness has seen another size than the request supposes.
    #[error("the newest head seen here has {0} entries")]
    Stale(u64),
    /// The head does not extend the newest one seen.
    #[error("the head does not extend the newest one seen here")]
    Inconsistent,
    /// The head could not be kept, so it is not cosigned.
    #[error("the witness cannot keep what it sees")]
    Storage(#[from] std::io::Error),
}

/// A witness of some logs.
#[derive(Debug)]
pub struct Witness {
    key: WitnessKey,
    logs: Vec<LogVerifier>,
    files: DiskFiles,
    /// The newest head of each log, by its origin.
    seen: Mutex<BTreeMap<String, Checkpoint>>,
    _lock: DirLock,
}

impl Witness {
    /// Takes the directory and reads what was seen before. `logs` are the keys of the logs; a log may have several.
    ///
    /// # Errors
    /// [`LedgerError::Locked`] when another witness holds the directory; [`LedgerError::Note`] or
    /// [`LedgerError::Damaged`] when what it has seen cannot be read: then it must not cosign.
    pub fn open(dir: &Path, name: &str, logs: Vec<LogVerifier>) -> Result<Self, LedgerError> {
        let lock = DiskFiles::lock(dir)?.ok_or_else(|| LedgerError::Locked(dir.to_owned()))?;
        let key = WitnessKey::load_or_create(&dir.join("witness.key"), name)?;
        let files = DiskFiles::new(dir);
        let mut seen = BTreeMap::new();
        for log in &logs {
            let file = file_of(log.name());
            match files.read(&file) {
                Ok(bytes) => {
                    let note = String::from_utf8(bytes).map_err(|_| NoteError::MalformedNote)?;
                    let head = opened(&note, &logs)?;
                    seen.insert(log.name().to_owned(), head);
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Self { key, logs, files, seen: Mutex::new(seen), _lock: lock })
    }

    /// The witness's public key.
    pub const fn verifier(&self) -> &WitnessVerifier {
        self.key.verifier()
    }

    /// Answers an `add-checkpoint`: the line of the cosignature. It blocks on the disk.
    ///
    /// # Errors
    /// Why the head is not cosigned; each has a status in the protocol.
    pub fn add_checkpoint(&self, request: &str, seconds: u64) -> Result<String, WitnessRefusal> {
        let (old_size, proof, note) = parse(request)?;
        let (text, _) = split_note(note).map_err(|_| WitnessRefusal::Malformed("the checkpoint is no signed note"))?;
        let head =
            Checkpoint::parse(text).map_err(|_| WitnessRefusal::Malformed("the signed text is no checkpoint"))?;
        if self.logs.iter().all(|log| log.name() != head.origin) {
            return Err(WitnessRefusal::UnknownOrigin);
        }
        opened(note, &self.logs).map_err(|_| WitnessRefusal::BadSignature)?;
        if old_size > head.size {
            return Err(WitnessRefusal::Malformed("the old size is larger than the checkpoint"));
        }
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let known = seen.get(&head.origin);
        let known_size = known.map_or(0, |known| known.size);
        if old_size != known_size {
            return Err(WitnessRefusal::Stale(known_size));
        }
        let extends = match known {
            Some(known) if known.size > 0 => verify_consistency(known.size, known.root, head.size, head.root, &proof),
            // Every tree extends the empty one, which has one root.
            _ => proof.is_empty() && (head.size > 0 || head.root == crate::merkle::empty_root()),
        };
        if !extends {
            return Err(WitnessRefusal::Inconsistent);
        }
        if known.is_none_or(|known| known.size < head.size) {
            self.keep(&head.origin, note)?;
            seen.insert(head.origin.clone(), head);
        }
        drop(seen);
        Ok(self.key.cosign(text, seconds))
    }

    fn keep(&self, origin: &str, note: &str) -> std::io::Result<()> {
        let file = file_of(origin);
        let new = file.with_extension("new");
        write_durably(&self.files, &[(new.clone(), note.as_bytes().to_vec())])?;
        self.files.rename(&new, &file)?;
        self.files.sync_dir(Path::new(""))
    }
}

/// The head, when a key of its log signed it.
fn opened(note: &str, logs: &[LogVerifier]) -> Result<Checkpoint, NoteError> {
    let mut last = NoteError::MalformedNote;
    for log in logs {
        match Checkpoint::open(note, log) {
            Ok(head) => return Ok(head),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// An origin may hold any letter, a file name may not.
fn file_of(origin: &str) -> PathBuf {
    PathBuf::from(format!("{}.head", hex::encode(&Sha256::digest(origin)[..16])))
}

fn parse(request: &str) -> Result<(u64, Vec<Hash>, &str), WitnessRefusal> {
    let malformed = WitnessRefusal::Malformed;
    let (head, note) = request.split_once("\n\n").ok_or(malformed("no empty line before the checkpoint"))?;
    let mut lines = head.lines();
    let size = lines.next().and_then(|line| line.strip_prefix("old ")).ok_or(malformed("no line `old <size>`"))?;
    let old_size: u64 = size.parse().map_err(|_| malformed("the old size is no number"))?;
    if old_size.to_string() != size {
        return Err(malformed("the old size is not written as the protocol writes numbers"));
    }
    let proof: Option<Vec<Hash>> = lines.map(Hash::from_base64).collect();
    let proof =
        proof.filter(|proof| proof.len() <= PROOF_LINES_MAX).ok_or(malformed("the proof is no list of hashes"))?;
    Ok((old_size, proof, note))
}
