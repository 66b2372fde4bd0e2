//! The sequencer as a thread, and the handle by which everybody else talks to it.
//!
//! Group commit: while one batch is being synced, the next gathers. The sequencer waits at most [`GATHER`] for as many
//! callers as came last time, so that callers in step with each other share one sync. A second thread writes tiles
//! about once a second. An append that takes longer than [`APPEND_TIMEOUT`] is answered with
//! [`LedgerError::Unavailable`]; nothing queues without bound.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, oneshot, watch};

use crate::entry::Entry;
use crate::error::LedgerError;
use crate::files::{DirLock, DiskFiles};
use crate::log::{Log, LogReader, PublishJob, Published};
use crate::merkle::Hash;
use crate::note::Checkpoint;
use crate::receipt::Receipt;
use crate::rotation::{LogVerifier, load_keys};
use crate::tile::Tile;
use crate::witnesses::Cosigned;

/// Entries of one batch at most.
const BATCH_ENTRIES_MAX: usize = 2_000;
/// How long a batch waits for more entries at most.
const GATHER: Duration = Duration::from_millis(2);
/// Appends that may wait at once; more wait for a place, within the timeout.
const WAITING_MAX: usize = 8_192;
/// How long an append may take.
pub(crate) const APPEND_TIMEOUT: Duration = Duration::from_secs(2);
/// How long tiles and the published head may lag behind the newest head.
const PUBLISH_EVERY: Duration = Duration::from_secs(1);

/// How often the key files are looked at.
const KEYS_EVERY: Duration = Duration::from_secs(1);

/// Where the ledger is and what it is called.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// The log's directory; created when missing.
    pub dir: PathBuf,
    /// The file of the signing key; created (mode 0600) when missing.
    pub key_file: PathBuf,
    /// The log's name, which its heads bear: a URL without scheme, such as `ledger.example.org/access`.
    pub origin: String,
    /// Heads that others have seen, by the name of who saw them. The log must extend each of them to be served.
    pub witnessed: Vec<(String, Checkpoint)>,
}

enum Message {
    Append(Arc<[u8]>, oneshot::Sender<Result<Receipt, LedgerError>>),
    Publish(oneshot::Sender<Result<(), LedgerError>>),
    Close(oneshot::Sender<()>),
}

/// The ledger within this process. Clones talk to the same sequencer, which publishes a last time and lets go of the
/// directory when the last clone is gone or [`LedgerHandle::close`] was called.
#[derive(Clone)]
pub struct LedgerHandle {
    messages: mpsc::Sender<Message>,
    places: Arc<Semaphore>,
    reader: Arc<LogReader<DiskFiles>>,
    origin: String,
    failed: watch::Receiver<bool>,
}

impl std::fmt::Debug for LedgerHandle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LedgerHandle({})", self.origin)
    }
}

impl LedgerHandle {
    /// Takes the directory, recovers the log and starts the sequencer. It blocks on the disk.
    ///
    /// # Errors
    /// [`LedgerError::Locked`] when another sequencer holds the directory; [`LedgerError::Rollback`],
    /// [`LedgerError::Fork`] or [`LedgerError::Damaged`] when the disk does not hold what was signed.
    pub fn open(options: &OpenOptions) -> Result<Self, LedgerError> {
        let lock = DiskFiles::lock(&options.dir)?.ok_or_else(|| LedgerError::Locked(options.dir.clone()))?;
        crate::LogKey::load_or_create(&options.key_file, &options.origin)?;
        let keys = load_keys(&options.key_file, &options.origin)?;
        let files = Arc::new(DiskFiles::new(&options.dir));
        let log = Log::open(Arc::clone(&files), keys, &options.witnessed)?;
        let reader = Arc::new(log.reader());
        let (messages, inbox) = mpsc::channel();
        let (failure, failed) = watch::channel(false);
        let publisher = Publisher::start(files)?;
        let keys = KeyFiles { file: options.key_file.clone(), origin: options.origin.clone(), refused: false };
        let (last_batch, dirty_since, keys_seen) = (1, None, Instant::now());
        let sequencer =
            Sequencer { log, inbox, publisher, failure, last_batch, dirty_since, keys, keys_seen, _lock: lock };
        std::thread::Builder::new().name("ledger-sequencer".into()).spawn(move || sequencer.run())?;
        Ok(Self {
            messages,
            places: Arc::new(Semaphore::new(WAITING_MAX)),
            reader,
            origin: options.origin.clone(),
            failed,
        })
    }

    /// Appends an entry. On `Ok` it is durable, and the receipt proves it.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`] after two seconds or when the sequencer is gone, [`LedgerError::Poisoned`] after a
    /// failed write, [`LedgerError::Entry`] when the entry cannot be written.
    pub async fn append(&self, entry: &Entry) -> Result<Receipt, LedgerError> {
        self.append_encoded(entry.encode()?).await
    }

    /// Appends an entry in its encoded form.
    ///
    /// # Errors
    /// As [`LedgerHandle::append`]; [`LedgerError::Entry`] also when the bytes are not an entry.
    pub async fn append_bytes(&self, entry: Vec<u8>) -> Result<Receipt, LedgerError> {
        Entry::decode(&entry)?;
        self.append_encoded(entry).await
    }

    async fn append_encoded(&self, entry: Vec<u8>) -> Result<Receipt, LedgerError> {
        let append = async {
            let _place = self.places.acquire().await.map_err(|_| LedgerError::Unavailable)?;
            let (reply, answer) = oneshot::channel();
            self.messages.send(Message::Append(entry.into(), reply)).map_err(|_| LedgerError::Unavailable)?;
            answer.await.map_err(|_| LedgerError::Unavailable)?
        };
        tokio::time::timeout(APPEND_TIMEOUT, append).await.map_err(|_| LedgerError::Unavailable)?
    }

    /// The newest head, and the signed note of it.
    pub fn head(&self) -> (Checkpoint, String) {
        self.reader.head()
    }

    /// The log's public keys.
    pub fn verifier(&self) -> LogVerifier {
        self.reader.verifier()
    }

    /// What the keys of the log state of each other, for those who trust one of them.
    ///
    /// # Errors
    /// The disk's failure.
    pub fn statements(&self) -> Result<Vec<String>, LedgerError> {
        self.reader.statements()
    }

    /// The receipt of an earlier entry under the newest head. It may read one tile from disk.
    ///
    /// # Errors
    /// [`LedgerError::NoEntry`], or the disk's failure.
    pub fn prove(&self, index: u64) -> Result<Receipt, LedgerError> {
        self.reader.prove(index)
    }

    /// The proof that the newest head extends the tree of `old_size` entries, with that head's note.
    ///
    /// # Errors
    /// [`LedgerError::NoEntry`] when the log never had that size, or the disk's failure.
    pub fn consistency(&self, old_size: u64) -> Result<(Vec<Hash>, String), LedgerError> {
        self.reader.consistency(old_size)
    }

    /// The proof that the tree of `size` entries, which is that of a recent head, extends that of `old_size` entries.
    ///
    /// # Errors
    /// [`LedgerError::NoEntry`] when the log never had those sizes, or the disk's failure.
    pub fn consistency_between(&self, old_size: u64, size: u64) -> Result<Vec<Hash>, LedgerError> {
        self.reader.consistency_between(old_size, size)
    }

    /// Keeps the newest cosigned head in the log's directory, with the keys of the witnesses. It blocks on the disk.
    ///
    /// # Errors
    /// The disk's failure.
    pub fn keep_cosigned(&self, cosigned: &Cosigned) -> Result<(), LedgerError> {
        self.reader.keep_cosigned(&cosigned.note, &cosigned.witnesses)
    }

    /// The newest head that a quorum of witnesses cosigned; `None` before the first.
    ///
    /// # Errors
    /// The disk's failure.
    pub fn cosigned(&self) -> Result<Option<String>, LedgerError> {
        self.reader.cosigned()
    }

    /// Entries from `first` on, at most `count`; fewer at the log's end.
    ///
    /// # Errors
    /// When the disk fails or an entry does not decode.
    pub fn read(&self, first: u64, count: u64) -> Result<Vec<(u64, Entry)>, LedgerError> {
        let entries = self.reader.entries(first, count)?;
        entries.into_iter().map(|(index, bytes)| Ok((index, Entry::decode(&bytes)?))).collect()
    }

    /// As [`LedgerHandle::read`], in their encoded form.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn read_bytes(&self, first: u64, count: u64) -> Result<Vec<(u64, Vec<u8>)>, LedgerError> {
        let entries = self.reader.entries(first, count)?;
        Ok(entries.into_iter().map(|(index, bytes)| (index, bytes.to_vec())).collect())
    }

    /// The bytes of a published tile; `None` when the log does not reach that far.
    ///
    /// # Errors
    /// The disk's failure.
    pub fn tile(&self, tile: Tile) -> Result<Option<Vec<u8>>, LedgerError> {
        self.reader.tile(tile)
    }

    /// Whether entries can be appended.
    pub fn is_ready(&self) -> bool {
        !*self.failed.borrow() && self.failed.has_changed().is_ok()
    }

    /// Resolves when a write failed: the process should end, since only a fresh start can find out what is on the
    /// disk. Never resolves after an orderly close.
    pub async fn failed(&self) {
        let mut failed = self.failed.clone();
        if failed.wait_for(|failed| *failed).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Writes the tiles and the signed head of everything acknowledged to disk, so that [`crate::verify()`] and other
    /// readers of the directory see all of it.
    ///
    /// # Errors
    /// [`LedgerError::Unavailable`] or [`LedgerError::Poisoned`].
    pub async fn publish(&self) -> Result<(), LedgerError> {
        let (reply, answer) = oneshot::channel();
        self.messages.send(Message::Publish(reply)).map_err(|_| LedgerError::Unavailable)?;
        answer.await.map_err(|_| LedgerError::Unavailable)?
    }

    /// Publishes, stops the sequencer and lets go of the directory. Later appends are unavailable.
    pub async fn close(&self) {
        let (reply, answer) = oneshot::channel();
        if self.messages.send(Message::Close(reply)).is_ok() {
            let _ = answer.await;
        }
    }
}

/// The thread that writes tiles.
struct Publisher {
    jobs: Option<mpsc::Sender<PublishJob>>,
    done: mpsc::Receiver<std::io::Result<Published>>,
    busy: bool,
    thread: Option<JoinHandle<()>>,
}

impl Publisher {
    fn start(files: Arc<DiskFiles>) -> Result<Self, LedgerError> {
        let (jobs, inbox) = mpsc::channel::<PublishJob>();
        let (results, done) = mpsc::channel();
        let thread = std::thread::Builder::new().name("ledger-publisher".into()).spawn(move || {
            for job in inbox {
                if results.send(job.run(&*files)).is_err() {
                    return;
                }
            }
        })?;
        Ok(Self { jobs: Some(jobs), done, busy: false, thread: Some(thread) })
    }
}

struct Sequencer {
    log: Log<DiskFiles>,
    inbox: mpsc::Receiver<Message>,
    publisher: Publisher,
    failure: watch::Sender<bool>,
    last_batch: usize,
    /// Since when entries wait to be published.
    dirty_since: Option<Instant>,
    keys: KeyFiles,
    /// When the key files were looked at last.
    keys_seen: Instant,
    _lock: DirLock,
}

/// Where the private keys are.
struct KeyFiles {
    file: PathBuf,
    origin: String,
    /// Whether what lies there cannot be used, which is told once.
    refused: bool,
}

type Waiting = Vec<oneshot::Sender<Result<Receipt, LedgerError>>>;

impl Sequencer {
    fn run(mut self) {
        let mut closing = None;
        loop {
            let message = self.inbox.recv_timeout(self.dirty_since.map_or(KEYS_EVERY, |_| PUBLISH_EVERY / 4));
            match message {
                Ok(Message::Append(entry, reply)) => closing = self.gather(entry, reply),
                Ok(Message::Publish(reply)) => self.publish_now_for(reply),
                Ok(Message::Close(reply)) => closing = Some(reply),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            self.publish_when_due();
            self.take_up_keys();
            if closing.is_some() {
                break;
            }
        }
        if let Err(error) = self.publish_now() {
            tracing::error!(error.code = error.code(), "the ledger could not publish its last head");
        }
        self.publisher.jobs = None;
        if let Some(thread) = self.publisher.thread.take() {
            let _ = thread.join();
        }
        // With the sequencer goes the lock, before anybody is told.
        drop(self);
        if let Some(reply) = closing {
            let _ = reply.send(());
        }
    }

    /// Gathers a batch that begins with `entry`, commits it and answers. Gives back a wish to close, found on the way.
    fn gather(
        &mut self,
        entry: Arc<[u8]>,
        reply: oneshot::Sender<Result<Receipt, LedgerError>>,
    ) -> Option<oneshot::Sender<()>> {
        let (mut entries, mut replies) = (vec![entry], vec![reply]);
        let (mut closing, mut publish) = (None, Vec::new());
        let deadline = Instant::now() + GATHER;
        while entries.len() < BATCH_ENTRIES_MAX {
            let patience = if entries.len() < self.last_batch {
                deadline.saturating_duration_since(Instant::now())
            } else {
                Duration::ZERO
            };
            match self.inbox.recv_timeout(patience) {
                Ok(Message::Append(entry, reply)) => {
                    entries.push(entry);
                    replies.push(reply);
                }
                Ok(Message::Publish(reply)) => publish.push(reply),
                Ok(Message::Close(reply)) => {
                    closing = Some(reply);
                    break;
                }
                Err(_) => break,
            }
        }
        self.last_batch = entries.len();
        self.commit(entries, replies);
        publish.into_iter().for_each(|reply| self.publish_now_for(reply));
        closing
    }

    fn commit(&mut self, entries: Vec<Arc<[u8]>>, replies: Waiting) {
        match self.log.append_batch(entries) {
            Ok(receipts) => {
                self.dirty_since.get_or_insert_with(Instant::now);
                for (reply, receipt) in replies.into_iter().zip(receipts) {
                    let _ = reply.send(Ok(receipt));
                }
            }
            Err(error) => {
                self.fail(&error);
                for reply in replies {
                    let _ = reply.send(Err(LedgerError::Poisoned));
                }
            }
        }
    }

    /// Looks whether an operator has begun or finished a rotation. It happens between two batches, so nobody waits longer
    /// than for a sync.
    fn take_up_keys(&mut self) {
        if self.keys_seen.elapsed() < KEYS_EVERY {
            return;
        }
        self.keys_seen = Instant::now();
        let taken = match load_keys(&self.keys.file, &self.keys.origin) {
            Ok(keys) if self.log.uses(&keys) => Ok(()),
            Ok(keys) => {
                self.log.use_keys(keys).inspect(|()| tracing::info!("The ledger's heads have another set of keys."))
            }
            Err(error) => Err(error.into()),
        };
        match taken {
            Err(error @ LedgerError::Io(_)) => self.fail(&error),
            Err(error) if !self.keys.refused => {
                tracing::error!(
                    error.code = error.code(),
                    "The ledger's key files cannot be used; it goes on with its keys."
                );
                self.keys.refused = true;
            }
            Err(_) => {}
            Ok(()) => self.keys.refused = false,
        }
    }

    fn fail(&mut self, error: &LedgerError) {
        self.log.poison();
        if !self.failure.send_replace(true) {
            let cause = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            tracing::error!(error.code = error.code(), error.cause = cause, "the ledger stopped after a failed write");
        }
    }

    fn publish_when_due(&mut self) {
        if self.publisher.busy
            && let Ok(done) = self.publisher.done.try_recv()
        {
            self.finished(done);
        }
        let due = self.dirty_since.is_some_and(|since| since.elapsed() >= PUBLISH_EVERY);
        if due && !self.publisher.busy {
            match self.log.publish_job() {
                Ok(Some(job)) => {
                    self.publisher.busy = self.publisher.jobs.as_ref().is_some_and(|jobs| jobs.send(job).is_ok());
                    // Another look at what the job leaves behind, and at its end, after the same time.
                    self.dirty_since = Some(Instant::now());
                }
                Ok(None) => self.dirty_since = None,
                Err(LedgerError::Poisoned) => self.dirty_since = None,
                Err(error) => self.fail(&error),
            }
        }
    }

    fn finished(&mut self, done: std::io::Result<Published>) {
        self.publisher.busy = false;
        match done {
            Ok(published) => self.log.finish_publish(published),
            Err(error) => self.fail(&error.into()),
        }
    }

    fn publish_now_for(&mut self, reply: oneshot::Sender<Result<(), LedgerError>>) {
        let _ = reply.send(self.publish_now());
    }

    /// Publishes everything and waits for it.
    fn publish_now(&mut self) -> Result<(), LedgerError> {
        loop {
            if self.publisher.busy {
                let done = self.publisher.done.recv().map_err(|_| LedgerError::Unavailable)?;
                self.finished(done);
            }
            let job = self.log.publish_job().inspect_err(|error| {
                if !matches!(error, LedgerError::Poisoned) {
                    tracing::error!(error.code = error.code(), "the ledger could not begin a new journal");
                    self.failure.send_replace(true);
                }
            })?;
            let Some(job) = job else {
                self.dirty_since = None;
                return Ok(());
            };
            let jobs = self.publisher.jobs.as_ref().ok_or(LedgerError::Unavailable)?;
            jobs.send(job).map_err(|_| LedgerError::Unavailable)?;
            self.publisher.busy = true;
        }
    }
}
