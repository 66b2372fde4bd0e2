//! Which keys speak for a log, and until where.
//!
//! A key names its successor in a statement that both sign; from then on heads bear both signatures. The successor states the
//! size of the last head that the key before it signed; from then on that key signs nothing, and a larger head that it alone
//! signed is refused. Whoever trusts one key of the chain follows the statements to all others, in both directions.
//!
//! A stolen key that has ended can still sign heads up to its last size. Those it could always sign: what they claim is
//! compared with the log, as ever.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::LedgerError;
use crate::files::{DiskFiles, Files};
use crate::note::{Checkpoint, LogKey, NoteError, VerifierKey, parse_signature, split_note};

/// Folder of the statements.
pub(crate) const DIR: &str = "rotation";

const SUCCESSOR: &str = "isthmus/ledger-key-successor/v1";
const END: &str = "isthmus/ledger-key-end/v1";

/// The keys of a log, each with the size of the last head that it may have signed.
#[derive(Clone, PartialEq, Eq)]
pub struct LogVerifier {
    /// Oldest first, each the successor of the one before; never empty.
    keys: Vec<Known>,
}

#[derive(Clone, PartialEq, Eq)]
struct Known {
    key: VerifierKey,
    last_size: Option<u64>,
}

impl From<VerifierKey> for LogVerifier {
    fn from(key: VerifierKey) -> Self {
        Self { keys: vec![Known { key, last_size: None }] }
    }
}

impl FromStr for LogVerifier {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        text.parse::<VerifierKey>().map(Self::from)
    }
}

/// The newest key, which is the one to give to others.
impl fmt::Display for LogVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.newest().fmt(f)
    }
}

impl fmt::Debug for LogVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys.iter().map(|known| (&known.key, known.last_size))).finish()
    }
}

impl LogVerifier {
    /// The log's origin, which all its keys bear as their name.
    pub fn name(&self) -> &str {
        self.newest().name()
    }

    /// The key that no other succeeds.
    pub fn newest(&self) -> &VerifierKey {
        // Unwrap safety: it is made with one key, and none is ever removed.
        &self.keys.last().expect("there is always a key").key
    }

    /// Whether the key is one of the log's.
    pub fn knows(&self, key: &VerifierKey) -> bool {
        self.place(key).is_some()
    }

    /// Whether it is stated of this key that it signs no longer.
    pub fn has_ended(&self, key: &VerifierKey) -> bool {
        self.keys.iter().any(|known| known.key == *key && known.last_size.is_some())
    }

    /// Takes note of what keys that are known here state of others. What does not follow from a known key is passed over.
    pub fn learn(&mut self, statements: &[String]) {
        while statements.iter().filter_map(|note| Statement::read(note)).any(|statement| self.take(statement)) {}
    }

    /// Opens a head: signed by a key of the log that had not ended at its size, and by none of them wrongly.
    pub(crate) fn open(&self, note: &str) -> Result<Checkpoint, NoteError> {
        let mut last = NoteError::UnknownSigner(self.name().to_owned());
        let mut opened = None;
        for (at, Known { key, .. }) in self.keys.iter().enumerate() {
            match key.open(note) {
                Ok(text) => {
                    let head = Checkpoint::parse(text)?;
                    if self.last_size(at).is_some_and(|size| size < head.size) {
                        last = NoteError::KeyEnded(key.to_string());
                    } else {
                        opened = Some(head);
                    }
                }
                Err(NoteError::UnknownSigner(_)) => {}
                Err(error) => return Err(error),
            }
        }
        opened.ok_or(last)
    }

    /// How many keys of the log signed the note.
    pub(crate) fn signers(&self, note: &str) -> usize {
        self.keys.iter().filter(|known| known.key.open(note).is_ok()).count()
    }

    /// Whether the note claims to be signed by just the keys that sign new heads, as far as is known here.
    pub(crate) fn expects(&self, note: &str) -> bool {
        let lines = split_note(note).map(|(_, lines)| lines).unwrap_or_default();
        let own = lines.iter().filter_map(|line| parse_signature(line).ok()).filter(|(name, ..)| *name == self.name());
        let claimed: BTreeSet<u32> = own.map(|(_, id, _)| id).collect();
        let signing = (0..self.keys.len()).filter(|at| self.last_size(*at).is_none());
        claimed == signing.map(|at| self.keys[at].key.id()).collect()
    }

    /// Whether this text is a statement of this log's chain of keys.
    pub(crate) fn confirms(&self, note: &str) -> bool {
        let follows = |old: &VerifierKey, new: &VerifierKey| {
            self.place(old).is_some_and(|at| self.keys.get(at + 1).is_some_and(|next| next.key == *new))
        };
        match Statement::read(note) {
            Some(Statement::Successor { old, new }) => follows(&old, &new),
            Some(Statement::End { old, new, last_size }) => {
                follows(&old, &new) && self.place(&old).is_some_and(|at| self.keys[at].last_size == Some(last_size))
            }
            None => false,
        }
    }

    /// The key before this one, when nobody has stated its end.
    pub(crate) fn unended_before(&self, key: &VerifierKey) -> Option<&VerifierKey> {
        let before = self.keys.get(self.place(key)?.checked_sub(1)?)?;
        before.last_size.is_none().then_some(&before.key)
    }

    /// The largest head that the key at this place may have signed. No key outlasts one that came after it: whoever stole a
    /// key that has ended could otherwise state a predecessor of it that never ends.
    fn last_size(&self, at: usize) -> Option<u64> {
        self.keys[at..].iter().filter_map(|known| known.last_size).min()
    }

    fn place(&self, key: &VerifierKey) -> Option<usize> {
        self.keys.iter().position(|known| known.key == *key)
    }

    /// Whether the statement told anything new. A key has one successor and one end: the first that was learned.
    fn take(&mut self, statement: Statement) -> bool {
        let known = |key| Known { key, last_size: None };
        match statement {
            Statement::Successor { old, new } => match (self.place(&old), self.place(&new)) {
                (Some(at), None) if at + 1 == self.keys.len() => self.keys.push(known(new)),
                (None, Some(0)) => self.keys.insert(0, known(old)),
                _ => return false,
            },
            Statement::End { old, new, last_size } => match self.place(&old) {
                Some(at)
                    if self.keys[at].last_size.is_none()
                        && self.keys.get(at + 1).is_some_and(|next| next.key == new) =>
                {
                    self.keys[at].last_size = Some(last_size);
                }
                _ => return false,
            },
        }
        true
    }
}

/// What a key of a log states of another.
pub(crate) enum Statement {
    /// Signed by both.
    Successor { old: VerifierKey, new: VerifierKey },
    /// Signed by the successor: the old one need not exist any more.
    End { old: VerifierKey, new: VerifierKey, last_size: u64 },
}

impl Statement {
    /// The statement, when it has the one form and bears exactly the signatures that it must.
    fn read(note: &str) -> Option<Self> {
        let (text, signatures) = split_note(note).ok()?;
        let lines: Vec<&str> = text.lines().collect();
        let (statement, signers) = match lines[..] {
            [SUCCESSOR, _, old, new] => (Self::Successor { old: old.parse().ok()?, new: new.parse().ok()? }, 2),
            [END, _, old, new, size] => {
                (Self::End { old: old.parse().ok()?, new: new.parse().ok()?, last_size: size.parse().ok()? }, 1)
            }
            _ => return None,
        };
        let (Self::Successor { old, new } | Self::End { old, new, .. }) = &statement;
        let old_signed = signers == 1 || old.open(note).is_ok();
        let sound = statement.text() == text
            && signatures.len() == signers
            && old.name() == new.name()
            && old != new
            && old_signed
            && new.open(note).is_ok();
        sound.then_some(statement)
    }

    fn text(&self) -> String {
        match self {
            Self::Successor { old, new } => format!("{SUCCESSOR}\n{}\n{old}\n{new}\n", new.name()),
            Self::End { old, new, last_size } => format!("{END}\n{}\n{old}\n{new}\n{last_size}\n", new.name()),
        }
    }

    /// Where it is kept, below the log's directory.
    pub(crate) fn path(&self) -> PathBuf {
        let (kind, old) = match self {
            Self::Successor { old, .. } => ("successor", old),
            Self::End { old, .. } => ("end", old),
        };
        PathBuf::from(format!("{DIR}/{:08x}.{kind}", old.id()))
    }

    /// The note that these keys sign.
    pub(crate) fn sign(&self, keys: &[&LogKey]) -> String {
        sign(keys.iter().copied(), &self.text())
    }
}

/// Signs `text`, which ends in a newline and holds no blank line at its end, with each key.
pub(crate) fn sign<'a>(keys: impl Iterator<Item = &'a LogKey>, text: &str) -> String {
    let mut note = format!("{text}\n");
    keys.for_each(|key| note.push_str(&key.signature_line(text)));
    note
}

/// The statements that lie beside a log.
pub(crate) fn statements<F: Files + ?Sized>(files: &F) -> Result<Vec<String>, LedgerError> {
    let mut names = files.list(Path::new(DIR))?;
    names.sort();
    let mut notes = Vec::new();
    for name in names {
        // A statement that a crash left half-written was never spoken, and is written again.
        notes.extend(String::from_utf8(files.read(&Path::new(DIR).join(name))?));
    }
    Ok(notes)
}

/// The keys of the log in `dir`, beginning with one that is trusted.
///
/// # Errors
/// When the statements cannot be read.
pub fn verifier_of(dir: &Path, trusted: LogVerifier) -> Result<LogVerifier, LedgerError> {
    let mut verifier = trusted;
    verifier.learn(&statements(&DiskFiles::new(dir))?);
    Ok(verifier)
}

/// The private keys of a log: the one in `key_file`, and its successor beside it while both sign. It makes none: a file that
/// is away for a moment is no reason for another key.
pub(crate) fn load_keys(key_file: &Path, origin: &str) -> Result<Vec<LogKey>, NoteError> {
    let mut keys = vec![LogKey::load(key_file, origin)?];
    match LogKey::load(&successor_file(key_file), origin) {
        Ok(next) => keys.push(next),
        Err(NoteError::KeyFile(error)) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    Ok(keys)
}

/// The key that is to take the place of the one in `key_file`.
///
/// # Errors
/// [`NoteError::KeyFile`] with `NotFound` when there is none, or the failure of the disk.
pub fn successor(key_file: &Path, origin: &str) -> Result<VerifierKey, NoteError> {
    Ok(LogKey::load(&successor_file(key_file), origin)?.public().clone())
}

fn successor_file(key_file: &Path) -> PathBuf {
    key_file.with_added_extension("next")
}

/// Makes a successor of the log's key. A ledger at work takes note of it within a second, any other when it opens.
///
/// # Errors
/// [`NoteError::KeyFile`] with `AlreadyExists` when there is one already, or the failure of the disk.
pub fn begin_rotation(key_file: &Path, origin: &str) -> Result<VerifierKey, NoteError> {
    let current = LogKey::load(key_file, origin)?;
    let next = successor_file(key_file);
    if next.exists() {
        return Err(NoteError::KeyFile(std::io::ErrorKind::AlreadyExists.into()));
    }
    let next = LogKey::load_or_create(&next, current.verifier().name())?;
    Ok(next.public().clone())
}

/// Puts the successor in the key's place. The key before is gone for good.
///
/// # Errors
/// [`NoteError::KeyFile`] with `NotFound` when there is no successor, or the failure of the disk.
pub fn finish_rotation(key_file: &Path, origin: &str) -> Result<VerifierKey, NoteError> {
    let next = successor_file(key_file);
    let key = LogKey::load(&next, origin)?;
    let replace = || {
        std::fs::rename(&next, key_file)?;
        std::fs::File::open(key_file.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    replace().map_err(NoteError::KeyFile)?;
    Ok(key.public().clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "ledger.test/rotated";

    fn key(seed: u8) -> LogKey {
        LogKey::from_seed(ORIGIN, &[seed; 32]).expect("the name is valid")
    }

    fn head(size: u64, keys: &[&LogKey]) -> String {
        let head = Checkpoint { origin: ORIGIN.into(), size, root: crate::merkle::leaf_hash(b"x") };
        sign(keys.iter().copied(), &head.to_text())
    }

    /// Three keys in a row, and what they state of each other.
    fn chain() -> ([LogKey; 3], Vec<String>) {
        let keys = [key(1), key(2), key(3)];
        let public = |at: usize| keys[at].public().clone();
        let mut statements = Vec::new();
        for (at, last_size) in [(0, 10), (1, 20)] {
            let end = Statement::End { old: public(at), new: public(at + 1), last_size };
            statements.push(end.sign(&[&keys[at + 1]]));
            let successor = Statement::Successor { old: public(at), new: public(at + 1) };
            statements.push(successor.sign(&[&keys[at], &keys[at + 1]]));
        }
        (keys, statements)
    }

    #[test]
    fn whoever_trusts_any_key_of_the_chain_accepts_each_key_until_its_end_and_no_longer() {
        let (keys, statements) = chain();
        for trusted in &keys {
            let mut verifier = LogVerifier::from(trusted.public().clone());
            verifier.learn(&statements);
            assert_eq!(verifier.newest(), keys[2].public());
            for (key, last) in [(&keys[0], Some(10)), (&keys[1], Some(20)), (&keys[2], None)] {
                assert_eq!(verifier.open(&head(last.unwrap_or(99), &[key])).expect("in its time").origin, ORIGIN);
                if let Some(last) = last {
                    let refused = verifier.open(&head(last + 1, &[key])).expect_err("it has ended");
                    assert!(matches!(refused, NoteError::KeyEnded(_)), "{refused}");
                }
            }
            // In the overlap a head bears both, and the one that goes on counts.
            verifier.open(&head(15, &[&keys[0], &keys[1]])).expect("the successor signed it too");
        }
    }

    #[test]
    fn what_no_known_key_signed_changes_nothing() {
        let (keys, _) = chain();
        let thief = key(66);
        let (old, new) = (keys[0].public().clone(), thief.public().clone());
        let successor = || Statement::Successor { old: old.clone(), new: new.clone() };
        let mut verifier = LogVerifier::from(old.clone());
        let before = verifier.clone();
        let forged = [
            successor().sign(&[&thief]),
            successor().sign(&[&keys[0]]),
            successor().sign(&[&thief, &thief]),
            Statement::End { old: old.clone(), new: new.clone(), last_size: 1 }.sign(&[&thief]),
        ];
        verifier.learn(&forged);
        assert_eq!(verifier, before);
        // A key that has a successor has no other, even when it signs so itself.
        let (_, mut statements) = chain();
        statements.push(successor().sign(&[&keys[0], &thief]));
        verifier.learn(&statements);
        assert!(!verifier.knows(&new));
    }

    #[test]
    fn a_stolen_key_that_has_ended_gives_no_power_to_a_predecessor_that_it_invents() {
        let (keys, mut statements) = chain();
        let invented = key(66);
        let successor = Statement::Successor { old: invented.public().clone(), new: keys[0].public().clone() };
        statements.push(successor.sign(&[&invented, &keys[0]]));
        let mut verifier = LogVerifier::from(keys[2].public().clone());
        verifier.learn(&statements);
        let refused = verifier.open(&head(11, &[&invented])).expect_err("k0 had ended before");
        assert!(matches!(refused, NoteError::KeyEnded(_)), "{refused}");
        assert!(verifier.expects(&head(99, &[&keys[2]])), "true heads are those of the last key alone");
    }

    #[test]
    fn a_changed_bit_of_a_statement_makes_it_none() {
        let (keys, statements) = chain();
        let mut verifier = LogVerifier::from(keys[0].public().clone());
        verifier.learn(&statements);
        for statement in &statements {
            assert!(verifier.confirms(statement));
            for position in 0..statement.len() {
                let mut bytes = statement.clone().into_bytes();
                bytes[position] ^= 1 << (position % 8);
                let accepted = String::from_utf8(bytes).is_ok_and(|note| verifier.confirms(&note));
                assert!(!accepted, "byte {position} of {statement}");
            }
        }
    }
}
