//! The proof that an entry is in the log, which a stranger can check without the log.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use crate::error::LedgerError;
use crate::merkle::{Hash, leaf_hash, root_of_inclusion};
use crate::note::Checkpoint;
use crate::rotation::LogVerifier;

/// What the ledger answers once an entry is durable: its place, and the proof that the signed head covers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Index of the entry, from 0.
    pub index: u64,
    /// The entry's hash as a leaf.
    pub leaf_hash: Hash,
    /// The inclusion proof, the leaf's sibling first.
    pub proof: Vec<Hash>,
    /// The signed head, a C2SP checkpoint.
    pub checkpoint: String,
}

const TLOG_PROOF: &str = "c2sp.org/tlog-proof@v1";

impl Receipt {
    /// A short name for a response header: the index and the first eight bytes of the leaf hash.
    pub fn id(&self) -> String {
        format!("{}-{}", self.index, hex::encode(&self.leaf_hash.0[..8]))
    }

    /// Verifies the receipt offline and returns the head that covers the entry.
    ///
    /// # Errors
    /// [`LedgerError::Note`] when the head is not signed by `key`, [`LedgerError::BadReceipt`] when the proof does not
    /// lead to its root.
    pub fn verify(&self, key: &LogVerifier) -> Result<Checkpoint, LedgerError> {
        let head = Checkpoint::open(&self.checkpoint, key)?;
        if root_of_inclusion(self.leaf_hash, self.index, head.size, &self.proof) == Some(head.root) {
            Ok(head)
        } else {
            Err(LedgerError::BadReceipt)
        }
    }

    /// Whether this is the receipt of exactly these bytes.
    pub fn is_for(&self, entry: &[u8]) -> bool {
        self.leaf_hash == leaf_hash(entry)
    }

    /// The C2SP tlog-proof text (`.tlog-proof`). It does not hold the leaf hash: who checks it has the entry.
    pub fn to_tlog_proof(&self) -> String {
        let mut text = format!("{TLOG_PROOF}\nindex {}\n", self.index);
        for hash in &self.proof {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{}", hash.to_base64());
        }
        text.push('\n');
        text.push_str(&self.checkpoint);
        text
    }

    /// Reads a tlog-proof of the entry with this leaf hash; `None` when it has another form. The result still wants
    /// [`Receipt::verify`].
    pub fn from_tlog_proof(text: &str, leaf_hash: Hash) -> Option<Self> {
        let (head, checkpoint) = text.split_once("\n\n")?;
        let mut lines = head.lines();
        if lines.next()? != TLOG_PROOF {
            return None;
        }
        let mut line = lines.next()?;
        if line.starts_with("extra ") {
            line = lines.next()?;
        }
        let index = line.strip_prefix("index ")?.parse().ok()?;
        let proof = lines.map(Hash::from_base64).collect::<Option<_>>()?;
        Some(Self { index, leaf_hash, proof, checkpoint: checkpoint.to_owned() })
    }
}
