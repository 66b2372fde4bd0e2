//! The ledger as those see it who must record before they answer: in this process, or another one over HTTP.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Sensitive;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::disclosure::{Disclosed, Disclosure, Refusal, Refused};
use crate::entry::Entry;
use crate::error::LedgerError;
use crate::handle::{APPEND_TIMEOUT, LedgerHandle};
use crate::note::Checkpoint;
use crate::receipt::Receipt;
use crate::rotation::LogVerifier;

/// The ledger, wherever it is.
#[derive(Clone, Debug)]
pub enum LedgerClient {
    /// In this process.
    Local(LedgerHandle),
    /// A process of its own.
    Remote(RemoteLedger),
}

impl LedgerClient {
    /// Records an answer and, once it is durable, gives it.
    ///
    /// # Errors
    /// Any [`LedgerError`] means that nothing may be disclosed; the value is gone.
    pub async fn disclose<T>(&self, disclosure: Disclosure<T>) -> Result<Disclosed<T>, LedgerError> {
        let receipt = self.append(&disclosure.entry).await?;
        Ok(Disclosed { value: disclosure.value, receipt })
    }

    /// Records a refusal.
    ///
    /// # Errors
    /// As [`LedgerClient::disclose`].
    pub async fn refuse(&self, refusal: Refusal) -> Result<Refused, LedgerError> {
        let receipt = self.append(&refusal.entry).await?;
        Ok(Refused { reason: refusal.reason, receipt })
    }

    /// Appends an entry that belongs to no answer, such as the start of a service.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`] when the ledger is away or slower than two seconds, and what else
    /// [`LedgerHandle::append`] names.
    pub async fn append(&self, entry: &Entry) -> Result<Receipt, LedgerError> {
        match self {
            Self::Local(handle) => handle.append(entry).await,
            Self::Remote(remote) => remote.append(entry).await,
        }
    }

    /// Entries from `first` on, at most `count`; fewer at the log's end.
    ///
    /// # Errors
    /// When the log cannot be read, an entry does not decode, or another process gives an entry that it cannot prove.
    pub async fn entries(&self, first: u64, count: u64) -> Result<Vec<(u64, Entry)>, LedgerError> {
        match self {
            Self::Local(handle) => {
                let handle = handle.clone();
                let read = tokio::task::spawn_blocking(move || handle.read(first, count)).await;
                read.map_err(|_| LedgerError::Unavailable)?
            }
            Self::Remote(remote) => remote.entries(first, count).await,
        }
    }

    /// An entry with the proof that it is in the log, under the newest head.
    ///
    /// # Errors
    /// When there is no such entry, the log cannot be read, or another process cannot prove what it gives.
    pub async fn proven(&self, index: u64) -> Result<ProvenEntry, LedgerError> {
        match self {
            Self::Local(handle) => {
                let handle = handle.clone();
                let read = tokio::task::spawn_blocking(move || {
                    let (_, entry) = handle.read_bytes(index, 1)?.pop().ok_or(LedgerError::NoEntry(index))?;
                    Ok(ProvenEntry { entry: STANDARD.encode(entry), receipt: handle.prove(index)? })
                });
                read.await.map_err(|_| LedgerError::Unavailable)?
            }
            Self::Remote(remote) => {
                let (_, proven) = remote.proven(index, 1).await?.pop().ok_or(LedgerError::NoEntry(index))?;
                Ok(proven)
            }
        }
    }

    /// The keys that heads of the log are verified with.
    pub fn verifier(&self) -> LogVerifier {
        match self {
            Self::Local(handle) => handle.verifier(),
            Self::Remote(remote) => remote.key(),
        }
    }

    /// The signed note of the newest head.
    ///
    /// # Errors
    /// When the ledger of another process is away, or its head is not signed by the key that is known here.
    pub async fn head(&self) -> Result<String, LedgerError> {
        match self {
            Self::Local(handle) => Ok(handle.head().1),
            Self::Remote(remote) => remote.head().await,
        }
    }

    /// How many entries the newest head covers.
    ///
    /// # Errors
    /// As [`LedgerClient::head`].
    pub async fn size(&self) -> Result<u64, LedgerError> {
        match self {
            Self::Local(handle) => Ok(handle.head().0.size),
            Self::Remote(remote) => Ok(Checkpoint::open(&remote.head().await?, &remote.key())?.size),
        }
    }

    /// Whether an append could succeed now.
    pub async fn is_ready(&self) -> bool {
        match self {
            Self::Local(handle) => handle.is_ready(),
            Self::Remote(remote) => remote.is_ready().await,
        }
    }
}

/// An entry as one process hands it to another: with the proof that it is in the log.
#[derive(Debug, Serialize, Deserialize)]
pub struct ProvenEntry {
    /// The entry's deterministic encoding, base 64.
    pub entry: String,
    /// Its receipt under the newest head.
    pub receipt: Receipt,
}

/// The ledger of another process. It trusts no answer: a receipt must be of the very entry, and verify.
#[derive(Clone)]
pub struct RemoteLedger {
    http: reqwest::Client,
    url: String,
    secret: Sensitive<String>,
    key: Arc<RwLock<LogVerifier>>,
}

impl fmt::Debug for RemoteLedger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoteLedger({}, {})", self.url, self.key())
    }
}

impl RemoteLedger {
    /// `url` is the service's address without a trailing slash, `secret` its bearer secret, `key` a public key of the log.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`] when the HTTP client cannot be made.
    pub fn new(url: &str, secret: Sensitive<String>, key: LogVerifier) -> Result<Self, LedgerError> {
        let http = reqwest::Client::builder()
            .timeout(APPEND_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|_| LedgerError::Unavailable)?;
        Ok(Self { http, url: url.trim_end_matches('/').to_owned(), secret, key: Arc::new(RwLock::new(key)) })
    }

    async fn append(&self, entry: &Entry) -> Result<Receipt, LedgerError> {
        let bytes = entry.encode()?;
        let request = self
            .http
            .post(format!("{}/v1/entries", self.url))
            .bearer_auth(self.secret.expose())
            .json(&json!({ "entry": STANDARD.encode(&bytes) }));
        let response = request.send().await.map_err(|_| LedgerError::Unavailable)?;
        if !response.status().is_success() {
            tracing::warn!(http.status = response.status().as_u16(), "the ledger did not take an entry");
            return Err(LedgerError::Unavailable);
        }
        let receipt: Receipt = response.json().await.map_err(|_| LedgerError::Unavailable)?;
        self.verify(&receipt).await?;
        if receipt.is_for(&bytes) { Ok(receipt) } else { Err(LedgerError::BadReceipt) }
    }

    async fn entries(&self, first: u64, count: u64) -> Result<Vec<(u64, Entry)>, LedgerError> {
        let proven = self.proven(first, count).await?.into_iter();
        proven.zip(first..).map(|((bytes, _), index)| Ok((index, Entry::decode(&bytes)?))).collect()
    }

    /// Entries as bytes and as they came, each checked against its own proof.
    async fn proven(&self, first: u64, count: u64) -> Result<Vec<(Vec<u8>, ProvenEntry)>, LedgerError> {
        let url = format!("{}/v1/entries/{first}/{count}", self.url);
        let came: Vec<ProvenEntry> = self.get(&url).await?.json().await.map_err(|_| LedgerError::Unavailable)?;
        let mut proven = Vec::with_capacity(came.len());
        for (index, came) in (first..).zip(came) {
            let bytes = STANDARD.decode(&came.entry).map_err(|_| LedgerError::BadReceipt)?;
            self.verify(&came.receipt).await?;
            if came.receipt.index != index || !came.receipt.is_for(&bytes) {
                return Err(LedgerError::BadReceipt);
            }
            proven.push((bytes, came));
        }
        Ok(proven)
    }

    async fn head(&self) -> Result<String, LedgerError> {
        let url = format!("{}/checkpoint", self.url);
        let note = self.get(&url).await?.text().await.map_err(|_| LedgerError::Unavailable)?;
        self.follow(&note).await?;
        Checkpoint::open(&note, &self.key())?;
        Ok(note)
    }

    fn key(&self) -> LogVerifier {
        self.key.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn verify(&self, receipt: &Receipt) -> Result<(), LedgerError> {
        self.follow(&receipt.checkpoint).await?;
        receipt.verify(&self.key())?;
        Ok(())
    }

    /// A head that other keys signed than those that sign as far as is known here: the log's keys have changed meanwhile.
    /// What they state of each other is asked for, and believed as far as it follows from a known key.
    async fn follow(&self, note: &str) -> Result<(), LedgerError> {
        if self.key().expects(note) {
            return Ok(());
        }
        let url = format!("{}/rotation", self.url);
        let statements: Vec<String> = self.get(&url).await?.json().await.map_err(|_| LedgerError::Unavailable)?;
        self.key.write().unwrap_or_else(PoisonError::into_inner).learn(&statements);
        Ok(())
    }

    async fn get(&self, url: &str) -> Result<reqwest::Response, LedgerError> {
        let request = self.http.get(url).bearer_auth(self.secret.expose());
        let response = request.send().await.map_err(|_| LedgerError::Unavailable)?;
        if response.status().is_success() {
            return Ok(response);
        }
        tracing::warn!(http.status = response.status().as_u16(), "the ledger did not answer a question");
        Err(LedgerError::Unavailable)
    }

    async fn is_ready(&self) -> bool {
        let answer = self.http.get(format!("{}/readyz", self.url)).send().await;
        answer.is_ok_and(|response| response.status().is_success())
    }
}
