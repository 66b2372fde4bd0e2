//! C2SP cosignatures: what a witness adds to a head that it found to extend the one it had seen before.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::note::{NamedKey, NamedSecret, NoteError};

/// The kind of a cosignature with a time.
const COSIGNATURE: u8 = 4;

/// The public half of a witness's key: `name+id+base64(0x04 || key)`.
#[derive(Clone, PartialEq, Eq)]
pub struct WitnessVerifier(NamedKey<COSIGNATURE>);

/// The private half of a witness's key. It does not print.
pub struct WitnessKey {
    secret: NamedSecret<COSIGNATURE>,
    verifier: WitnessVerifier,
}

fn message(text: &str, seconds: u64) -> String {
    format!("cosignature/v1\ntime {seconds}\n{text}")
}

impl WitnessVerifier {
    /// The witness's name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// When this witness cosigned the note, in seconds since 1970.
    ///
    /// # Errors
    /// When the note is malformed, bears no cosignature of this witness, or one that does not verify.
    pub fn cosigned_at(&self, note: &str) -> Result<u64, NoteError> {
        let (text, signatures) = self.0.signatures(note)?;
        let mut newest = None;
        for bytes in &signatures {
            let wrong = || NoteError::BadSignature(self.0.name.clone());
            let (seconds, signature) = bytes.split_first_chunk::<8>().ok_or_else(wrong)?;
            let seconds = u64::from_be_bytes(*seconds);
            self.0.verify(message(text, seconds).as_bytes(), signature)?;
            newest = newest.max(Some(seconds));
        }
        newest.ok_or_else(|| NoteError::UnknownSigner(self.0.name.clone()))
    }
}

impl fmt::Display for WitnessVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for WitnessVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for WitnessVerifier {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        text.parse().map(Self)
    }
}

impl fmt::Debug for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WitnessKey({})", self.verifier)
    }
}

impl WitnessKey {
    /// Reads the key file at `path`, or creates it (mode 0600, synced) with a new key named `name`.
    ///
    /// # Errors
    /// When the file cannot be used, may be read by others, or holds the key of another witness.
    pub fn load_or_create(path: &Path, name: &str) -> Result<Self, NoteError> {
        let secret = NamedSecret::load_or_create(path, name)?;
        let verifier = WitnessVerifier(secret.public.clone());
        Ok(Self { secret, verifier })
    }

    /// The public half.
    pub const fn verifier(&self) -> &WitnessVerifier {
        &self.verifier
    }

    /// The line that cosigns the text of a checkpoint at this time.
    pub(crate) fn cosign(&self, text: &str, seconds: u64) -> String {
        let mut bytes = seconds.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.secret.sign(message(text, seconds).as_bytes()));
        self.secret.line(&bytes)
    }
}
