//! C2SP signed notes and checkpoints, with Ed25519.
//!
//! A verifier ignores signatures of keys it does not know, as the specification asks: that is the room for a second
//! signature of the log and for the cosignatures of witnesses.

use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use sha2::{Digest, Sha256};

use crate::merkle::Hash;
use crate::rotation::LogVerifier;

/// The kind of a log's own signature.
const ED25519: u8 = 1;
const SIGNATURES_MAX: usize = 64;

/// What can be wrong with a note, a checkpoint or a key.
#[derive(Debug, thiserror::Error)]
pub enum NoteError {
    /// The text has not the form of a signed note.
    #[error("the note has not the form of a signed note")]
    MalformedNote,
    /// The signed text is not a checkpoint.
    #[error("the signed text is not a checkpoint")]
    MalformedCheckpoint,
    /// The key text has not the form `name+id+base64`, or its id is not that of its key.
    #[error("the key has not the form name+id+base64, or its id does not fit")]
    MalformedKey,
    /// No signature by the expected key.
    #[error("the note bears no signature of {0}")]
    UnknownSigner(String),
    /// A signature that claims the expected key and does not verify.
    #[error("the signature of {0} does not verify")]
    BadSignature(String),
    /// The head is larger than the last one that this key signed.
    #[error("the key {0} had ended before this head")]
    KeyEnded(String),
    /// The checkpoint is of another log.
    #[error("the checkpoint is of the log {found}, expected {expected}")]
    OtherOrigin {
        /// The origin that was asked for.
        expected: String,
        /// The origin that the checkpoint names.
        found: String,
    },
    /// The key file could not be read or written.
    #[error("the key file could not be used")]
    KeyFile(#[source] std::io::Error),
    /// The key file may be read by others than its owner.
    #[error("the key file has mode {0:o}; it must be 600")]
    KeyFileMode(u32),
}

fn is_key_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || c.is_control() || c == '+')
}

fn key_id(kind: u8, name: &str, public: &[u8; 32]) -> u32 {
    let digest = Sha256::new().chain_update(name).chain_update([b'\n', kind]).chain_update(public).finalize();
    u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]])
}

/// A name, a public key of one kind, and their id: what every line of signatures is looked up by.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct NamedKey<const KIND: u8> {
    pub(crate) name: String,
    pub(crate) id: u32,
    pub(crate) key: VerifyingKey,
}

impl<const KIND: u8> NamedKey<KIND> {
    pub(crate) fn new(name: &str, key: VerifyingKey) -> Self {
        Self { name: name.to_owned(), id: key_id(KIND, name, key.as_bytes()), key }
    }

    /// The signatures of this key below a note, and the text above them.
    pub(crate) fn signatures<'a>(&self, note: &'a str) -> Result<(&'a str, Vec<Vec<u8>>), NoteError> {
        let (text, lines) = split_note(note)?;
        let mut own = Vec::new();
        for line in lines {
            let (name, id, bytes) = parse_signature(line)?;
            if name == self.name && id == self.id {
                own.push(bytes);
            }
        }
        Ok((text, own))
    }

    pub(crate) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), NoteError> {
        let wrong = || NoteError::BadSignature(self.name.clone());
        let signature = Signature::from_slice(signature).map_err(|_| wrong())?;
        self.key.verify_strict(message, &signature).map_err(|_| wrong())
    }
}

impl<const KIND: u8> fmt::Display for NamedKey<KIND> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![KIND];
        bytes.extend_from_slice(self.key.as_bytes());
        write!(f, "{}+{:08x}+{}", self.name, self.id, STANDARD.encode(bytes))
    }
}

impl<const KIND: u8> FromStr for NamedKey<KIND> {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let parse = || {
            let mut parts = text.splitn(3, '+');
            let (name, id, key) = (parts.next()?, parts.next()?, STANDARD.decode(parts.next()?).ok()?);
            let key: [u8; 33] = key.try_into().ok()?;
            let (kind, public) = key.split_first_chunk::<1>()?;
            let public: [u8; 32] = public.try_into().ok()?;
            let parsed = Self::new(name, VerifyingKey::from_bytes(&public).ok()?);
            let fits = kind[0] == KIND && is_key_name(name) && id == format!("{:08x}", parsed.id);
            fits.then_some(parsed)
        };
        parse().ok_or(NoteError::MalformedKey)
    }
}

/// The private half of such a key, with its public half.
pub(crate) struct NamedSecret<const KIND: u8> {
    key: SigningKey,
    pub(crate) public: NamedKey<KIND>,
}

impl<const KIND: u8> NamedSecret<KIND> {
    pub(crate) fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        if !is_key_name(name) {
            return Err(NoteError::MalformedKey);
        }
        let key = SigningKey::from_bytes(seed);
        let public = NamedKey::new(name, key.verifying_key());
        Ok(Self { key, public })
    }

    /// Reads the key file at `path`, which holds the key of `name`.
    pub(crate) fn load(path: &Path, name: &str) -> Result<Self, NoteError> {
        match std::fs::read_to_string(path) {
            Ok(text) => {
                let mode = std::fs::metadata(path).map_err(NoteError::KeyFile)?.permissions().mode() & 0o777;
                if mode & 0o077 != 0 {
                    return Err(NoteError::KeyFileMode(mode));
                }
                let key = Self::parse(text.trim_end())?;
                if key.public.name != name {
                    return Err(NoteError::OtherOrigin { expected: name.to_owned(), found: key.public.name });
                }
                Ok(key)
            }
            Err(error) => Err(NoteError::KeyFile(error)),
        }
    }

    /// As [`NamedSecret::load`]; a missing file is created (mode 0600, synced) with a new key.
    pub(crate) fn load_or_create(path: &Path, name: &str) -> Result<Self, NoteError> {
        match Self::load(path, name) {
            Err(NoteError::KeyFile(error)) if error.kind() == std::io::ErrorKind::NotFound => Self::create(path, name),
            loaded => loaded,
        }
    }

    fn create(path: &Path, name: &str) -> Result<Self, NoteError> {
        let mut seed = [0u8; 32];
        getrandom::fill(&mut seed).map_err(|error| NoteError::KeyFile(error.into()))?;
        let key = Self::from_seed(name, &seed)?;
        let mut secret = vec![KIND];
        secret.extend_from_slice(&seed);
        let text = format!("PRIVATE+KEY+{name}+{:08x}+{}\n", key.public.id, STANDARD.encode(secret));
        let write = || {
            let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            std::fs::create_dir_all(parent)?;
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::File::open(parent)?.sync_all()
        };
        write().map_err(NoteError::KeyFile)?;
        Ok(key)
    }

    fn parse(text: &str) -> Result<Self, NoteError> {
        let parse = || {
            let mut parts = text.strip_prefix("PRIVATE+KEY+")?.splitn(3, '+');
            let (name, id, secret) = (parts.next()?, parts.next()?, STANDARD.decode(parts.next()?).ok()?);
            let (kind, seed) = secret.split_first_chunk::<1>()?;
            let key = Self::from_seed(name, seed.try_into().ok()?).ok()?;
            (kind[0] == KIND && id == format!("{:08x}", key.public.id)).then_some(key)
        };
        parse().ok_or(NoteError::MalformedKey)
    }

    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.key.sign(message).to_bytes()
    }

    /// The line below a note that holds these signature bytes.
    pub(crate) fn line(&self, signature: &[u8]) -> String {
        let mut bytes = self.public.id.to_be_bytes().to_vec();
        bytes.extend_from_slice(signature);
        format!("\u{2014} {} {}\n", self.public.name, STANDARD.encode(bytes))
    }
}

/// The public half of one key of a log, with its name. Its text form is the common `vkey`: `name+id+base64(0x01 || key)`.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifierKey(NamedKey<ED25519>);

impl VerifierKey {
    /// The name: for a log's own key it is the log's origin.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The number that signatures name the key by.
    pub(crate) const fn id(&self) -> u32 {
        self.0.id
    }

    /// The text of `note` when this key signed it.
    ///
    /// # Errors
    /// When the note is malformed, not signed by this key, or the signature is wrong.
    pub fn open<'a>(&self, note: &'a str) -> Result<&'a str, NoteError> {
        let (text, signatures) = self.0.signatures(note)?;
        if signatures.is_empty() {
            return Err(NoteError::UnknownSigner(self.0.name.clone()));
        }
        signatures.iter().try_for_each(|signature| self.0.verify(text.as_bytes(), signature))?;
        Ok(text)
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        text.parse().map(Self)
    }
}

/// The private half of a log's key. It does not print.
pub struct LogKey {
    secret: NamedSecret<ED25519>,
    public: VerifierKey,
    verifier: LogVerifier,
}

impl fmt::Debug for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LogKey({})", self.verifier)
    }
}

impl From<NamedSecret<ED25519>> for LogKey {
    fn from(secret: NamedSecret<ED25519>) -> Self {
        let public = VerifierKey(secret.public.clone());
        Self { secret, verifier: public.clone().into(), public }
    }
}

impl LogKey {
    /// From the 32 secret bytes.
    ///
    /// # Errors
    /// When `name` holds white space or a plus sign, or is empty.
    pub fn from_seed(name: &str, seed: &[u8; 32]) -> Result<Self, NoteError> {
        Ok(NamedSecret::from_seed(name, seed)?.into())
    }

    /// Reads the key file at `path`, or creates it (mode 0600, synced) with a new key named `name`.
    ///
    /// # Errors
    /// When the file cannot be used, may be read by others, or holds the key of another log.
    pub fn load_or_create(path: &Path, name: &str) -> Result<Self, NoteError> {
        Ok(NamedSecret::load_or_create(path, name)?.into())
    }

    /// Reads the key file at `path`.
    ///
    /// # Errors
    /// As [`LogKey::load_or_create`], and when there is none.
    pub fn load(path: &Path, name: &str) -> Result<Self, NoteError> {
        Ok(NamedSecret::load(path, name)?.into())
    }

    /// The public half.
    pub const fn public(&self) -> &VerifierKey {
        &self.public
    }

    /// What verifies heads of a log that has this key only.
    pub const fn verifier(&self) -> &LogVerifier {
        &self.verifier
    }

    /// A head signed by this key alone.
    pub fn sign_head(&self, head: &Checkpoint) -> String {
        crate::rotation::sign(std::iter::once(self), &head.to_text())
    }

    /// The line below a note that holds this key's signature of its text.
    pub(crate) fn signature_line(&self, text: &str) -> String {
        self.secret.line(&self.secret.sign(text.as_bytes()))
    }
}

pub(crate) fn split_note(note: &str) -> Result<(&str, Vec<&str>), NoteError> {
    let valid = !note.contains(|c: char| c < ' ' && c != '\n') && note.ends_with('\n');
    let split = note.rfind("\n\n").filter(|_| valid).ok_or(NoteError::MalformedNote)?;
    let (text, signatures) = (&note[..=split], &note[split + 2..]);
    let lines: Vec<_> = signatures.lines().collect();
    if lines.is_empty() || lines.len() > SIGNATURES_MAX {
        return Err(NoteError::MalformedNote);
    }
    Ok((text, lines))
}

pub(crate) fn parse_signature(line: &str) -> Result<(&str, u32, Vec<u8>), NoteError> {
    let parse = || {
        let (name, encoded) = line.strip_prefix("\u{2014} ")?.split_once(' ')?;
        let bytes = STANDARD.decode(encoded).ok()?;
        let (id, signature) = bytes.split_first_chunk::<4>()?;
        (is_key_name(name) && !signature.is_empty()).then(|| (name, u32::from_be_bytes(*id), signature.to_vec()))
    };
    parse().ok_or(NoteError::MalformedNote)
}

/// A log's head: which log, how many entries, which root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name.
    pub origin: String,
    /// Entries in the tree.
    pub size: u64,
    /// The tree's root.
    pub root: Hash,
}

impl Checkpoint {
    /// The text that is signed.
    pub fn to_text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, self.root.to_base64())
    }

    /// Parses the text of a checkpoint. Extension lines are refused: this log writes none, and no monitor could check
    /// them.
    ///
    /// # Errors
    /// [`NoteError::MalformedCheckpoint`].
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let parse = || {
            let mut lines = text.lines();
            let (origin, size, root) = (lines.next()?, lines.next()?, lines.next()?);
            let checkpoint =
                Self { origin: origin.to_owned(), size: size.parse().ok()?, root: Hash::from_base64(root)? };
            (!origin.is_empty() && checkpoint.to_text() == text).then_some(checkpoint)
        };
        parse().ok_or(NoteError::MalformedCheckpoint)
    }

    /// Verifies a signed checkpoint of the log whose keys these are.
    ///
    /// # Errors
    /// When the note is malformed, not signed by a key that may sign it, or of another log.
    pub fn open(note: &str, key: &LogVerifier) -> Result<Self, NoteError> {
        let checkpoint = key.open(note)?;
        if checkpoint.origin != key.name() {
            return Err(NoteError::OtherOrigin { expected: key.name().to_owned(), found: checkpoint.origin });
        }
        Ok(checkpoint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> LogKey {
        LogKey::from_seed("ledger.test/one", &[7; 32]).expect("the name is valid")
    }

    #[test]
    fn a_changed_byte_of_a_signed_checkpoint_is_refused() {
        let key = key();
        let head = Checkpoint { origin: "ledger.test/one".into(), size: 12, root: crate::merkle::leaf_hash(b"x") };
        let note = key.sign_head(&head);
        assert_eq!(Checkpoint::open(&note, key.verifier()).expect("it is untouched"), head);
        for position in 0..note.len() {
            for bit in 0..8 {
                let mut bytes = note.clone().into_bytes();
                bytes[position] ^= 1 << bit;
                let accepted =
                    String::from_utf8(bytes).is_ok_and(|note| Checkpoint::open(&note, key.verifier()).is_ok());
                assert!(!accepted, "byte {position} bit {bit}");
            }
        }
    }

    #[test]
    fn a_key_text_names_its_key_and_no_other() {
        let text = key().verifier().to_string();
        assert_eq!(text.parse::<VerifierKey>().expect("own text parses").to_string(), text);
        for other in [text.replace("one", "two"), format!("{text}A"), text.replacen('+', "-", 1), String::new()] {
            assert!(other.parse::<VerifierKey>().is_err(), "{other}");
        }
    }

    #[test]
    fn a_key_file_is_private_and_stays() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("keys/ledger.key");
        let first = LogKey::load_or_create(&path, "ledger.test/one").expect("created");
        let mode = std::fs::metadata(&path).expect("it exists").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let second = LogKey::load_or_create(&path, "ledger.test/one").expect("read again");
        assert_eq!(first.verifier(), second.verifier());
        assert!(matches!(LogKey::load_or_create(&path, "other"), Err(NoteError::OtherOrigin { .. })));
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("own file");
        assert!(matches!(LogKey::load_or_create(&path, "ledger.test/one"), Err(NoteError::KeyFileMode(0o644))));
    }
}
