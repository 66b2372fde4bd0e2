//! The log's side of its witnesses: every published head is shown to them, and kept with their cosignatures.
//!
//! A witness that has seen more than the log holds is how a directory that was set back is found out; one that finds the
//! head inconsistent, how a second history is. Either refuses a log that starts, and later one that has no quorum any more.

use std::time::Duration;

use futures_util::future::join_all;

use crate::cosign::WitnessVerifier;
use crate::error::LedgerError;
use crate::handle::LedgerHandle;
use crate::merkle::Hash;
use crate::note::Checkpoint;

/// How long a witness may take.
const WITNESS_TIMEOUT: Duration = Duration::from_secs(5);
/// Requests to one witness for one head: one that learns what it has seen, and one more when it saw another meanwhile.
const ATTEMPTS: u32 = 3;

/// The longest answer of a witness that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Where a witness is, and its key.
#[derive(Clone, Debug)]
pub struct WitnessAddress {
    /// Its submission prefix.
    pub url: String,
    /// Its public key.
    pub key: WitnessVerifier,
}

/// The witnesses of a log.
#[derive(Debug)]
pub struct Witnesses {
    http: reqwest::Client,
    peers: Vec<Peer>,
}

#[derive(Debug)]
struct Peer {
    address: WitnessAddress,
    /// The size that the witness has cosigned last, as far as is known here.
    seen: u64,
}

/// A head with the cosignatures of a quorum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// Its size.
    pub size: u64,
    /// The note: the log's signature and those of the witnesses.
    pub note: String,
    /// The keys of all witnesses, one a line.
    pub witnesses: String,
    /// Names of the witnesses that did not cosign.
    pub missing: Vec<String>,
}

/// How many of `count` witnesses must cosign: any two quorums share a witness that is honest, even where almost half of
/// all are not. All of three, four of five.
pub const fn quorum(count: usize) -> usize {
    count - count.saturating_sub(1) / 4
}

impl Witnesses {
    /// The witnesses at these addresses.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`] when the HTTP client cannot be made.
    pub fn new(addresses: Vec<WitnessAddress>) -> Result<Self, LedgerError> {
        let http = reqwest::Client::builder()
            .timeout(WITNESS_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| LedgerError::Unavailable)?;
        let peers = addresses.into_iter().map(|address| Peer { address, seen: 0 }).collect();
        Ok(Self { http, peers })
    }

    /// Shows the newest head to every witness. At the start one that has seen another log suffices to refuse this one; later one
    /// that lies must not stop a log that a quorum still cosigns.
    ///
    /// # Errors
    /// [`LedgerError::Rollback`] or [`LedgerError::Fork`] when one has seen another log than this, and
    /// [`LedgerError::NoQuorum`] when too few cosigned.
    pub async fn cosign(&mut self, ledger: &LedgerHandle, is_start: bool) -> Result<Cosigned, LedgerError> {
        let (head, note) = ledger.head();
        let http = &self.http;
        let asked = self.peers.iter_mut().map(|peer| peer.cosign(http, ledger, &head, &note));
        let answers = join_all(asked).await;
        let (mut cosigned, mut missing, mut contrary) = (note.clone(), Vec::new(), None);
        for (peer, answer) in self.peers.iter().zip(answers) {
            match answer {
                Ok(line) => cosigned.push_str(&line),
                Err(error) => {
                    missing.push(peer.address.key.name().to_owned());
                    if matches!(error, LedgerError::Rollback { .. } | LedgerError::Fork { .. }) {
                        tracing::error!(%error, "A witness has seen another log than this one.");
                        contrary.get_or_insert(error);
                    }
                }
            }
        }
        let (signed, needed) = (self.peers.len() - missing.len(), quorum(self.peers.len()));
        if let Some(error) = contrary.filter(|_| is_start || signed < needed) {
            return Err(error);
        }
        if signed < needed {
            return Err(LedgerError::NoQuorum { signed, needed, missing: missing.join(", ") });
        }
        let witnesses = self.peers.iter().map(|peer| format!("{}\n", peer.address.key)).collect();
        Ok(Cosigned { size: head.size, note: cosigned, witnesses, missing })
    }
}

impl Peer {
    /// The line of the witness's cosignature under the head.
    async fn cosign(
        &mut self,
        http: &reqwest::Client,
        ledger: &LedgerHandle,
        head: &Checkpoint,
        note: &str,
    ) -> Result<String, LedgerError> {
        let WitnessAddress { url, key } = &self.address;
        let url = format!("{}/add-checkpoint", url.trim_end_matches('/'));
        for _ in 0..ATTEMPTS {
            if self.seen > head.size {
                let (witness, signed) = (key.name().to_owned(), std::mem::take(&mut self.seen));
                if signed <= ledger.head().0.size {
                    // Somebody else showed it a newer head of this log: no contradiction.
                    return Err(LedgerError::Unavailable);
                }
                return Err(LedgerError::Rollback { witness, signed, recovered: head.size });
            }
            let proof = proof(ledger, self.seen, head.size).await?;
            let lines: String = proof.iter().map(|hash| format!("{}\n", hash.to_base64())).collect();
            let request = http.post(&url).body(format!("old {}\n{lines}\n{note}", self.seen));
            let answer = request.send().await.map_err(|_| LedgerError::Unavailable)?;
            match answer.status().as_u16() {
                200 => {
                    // Of its answer only the one line that is its own cosignature of this very note is kept.
                    let said = short(answer).await?;
                    let own = |line: &&str| !line.is_empty() && key.cosigned_at(&format!("{note}{line}\n")).is_ok();
                    let line = said.lines().find(own).map(|line| format!("{line}\n"));
                    let line = line.ok_or(LedgerError::Unavailable)?;
                    self.seen = head.size;
                    return Ok(line);
                }
                409 => {
                    let size = short(answer).await?;
                    self.seen = size.trim_end().parse().map_err(|_| LedgerError::Unavailable)?;
                }
                422 => return Err(LedgerError::Fork { witness: key.name().to_owned(), size: self.seen }),
                _ => break,
            }
        }
        Err(LedgerError::Unavailable)
    }
}

/// The text of an answer; none that is longer than a note may be.
async fn short(mut answer: reqwest::Response) -> Result<String, LedgerError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|_| LedgerError::Unavailable)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > ANSWER_BYTES_MAX {
            return Err(LedgerError::Unavailable);
        }
    }
    String::from_utf8(bytes).map_err(|_| LedgerError::Unavailable)
}

async fn proof(ledger: &LedgerHandle, old_size: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
    if old_size == 0 || old_size == size {
        return Ok(Vec::new());
    }
    let ledger = ledger.clone();
    let proof = tokio::task::spawn_blocking(move || ledger.consistency_between(old_size, size)).await;
    proof.map_err(|_| LedgerError::Unavailable)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_quorums_always_share_more_witnesses_than_almost_half_of_them() {
        assert_eq!([1, 2, 3, 4, 5].map(quorum), [1, 2, 3, 4, 4]);
        for count in 1..30 {
            let shared = 2 * quorum(count) - count;
            assert!(shared > (count - 1) / 2, "{count} witnesses: two quorums share {shared}");
        }
    }
}
