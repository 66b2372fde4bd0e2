//! The one ingest loop: a body is stored, then read chunk by chunk; chunks are decided and appended to the log, and a few
//! together are put on record in one transaction, after the last of their events is durable.
//!
//! Invariants: what was acknowledged is on disk and on record. A crash between append and commit leaves events in the log
//! whose ids the same work gives again, so a consumer sees no difference. Rows of one feed are decided one chunk at a
//! time; bodies of the feed take turns ([`crate::turns`]). A chunk is decided while the one before it is appended and the
//! next one is read.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, atomic::AtomicBool};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use codec::Codec;
use domain::{BatchId, EventType, FeedId, Timestamp, TokenKey};
use event_log::EventLog;
use futures_util::Stream;
use rustc_hash::FxHashMap;
use store::Store;
use store::ingest::{self, Batch, BatchState, Counts, Framing, Notice, Origin};
use store::seen::SourceFeed;
use tokio::sync::{Notify, Semaphore, SemaphorePermit, mpsc};

use crate::chunk::{Chunk, Read, Source};
use crate::decide::{BatchFacts, Decided, Recent, decide, records_of};
use crate::error::IngestError;
use crate::feed::Feed;
use crate::filter::Filters;
use crate::group::Coming;
use crate::known::Known;
use crate::limits::Pace;
use crate::mending::Mends;
use crate::message::Waiting;
use crate::on_record::{add_quality, add_refusal};
use crate::profile::Profile;
use crate::quality::{Gathered, Names};
use crate::raw::{BodyLimits, Compression, RawStore, StoredBody};
use crate::reason::Reason;
use crate::receipt::Receipt;
use crate::turns::{Lane, Turns};
use crate::upload::Uploads;

/// Chunks that are decided at once in one process. Each writes by one connection, reads by another and may need a third for
/// the log, so the pool has at least three times as many.
const CHUNKS_AT_ONCE: usize = 3;
/// Bodies of one feed that may be unfinished and are looked for at once.
pub(crate) const UNFINISHED_MAX: i64 = 1_000;
/// How long a body stays as it came; then it is compressed.
const PLAIN_FOR: Duration = Duration::from_secs(600);

/// Rows that are mended, and their places in the order of arrival.
pub(crate) type Mended = FxHashMap<(BatchId, i64), Origin>;

/// Reads the wall clock.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What the loop works with.
pub struct IngestSetup {
    /// Receipts.
    pub store: Store,
    /// Where events go.
    pub log: EventLog,
    /// How events are written.
    pub codec: Codec,
    /// Key of tokens and record ids.
    pub key: TokenKey,
    /// Folder of raw bodies.
    pub raw_dir: PathBuf,
    /// What bounds a body.
    pub limits: BodyLimits,
    /// The feeds that this process takes.
    pub feeds: Vec<Arc<dyn Feed>>,
    /// The wall clock.
    pub clock: Clock,
}

/// The ingest loop of a process, for all feeds that it takes.
pub struct Ingest {
    pub(crate) core: Arc<Core>,
    pub(crate) messages: Mutex<HashMap<FeedId, mpsc::Sender<Waiting>>>,
}

/// One feed with what belongs to it in this process.
pub(crate) struct Line {
    pub(crate) feed: Arc<dyn Feed>,
    /// Which body of the feed is read, and when.
    pub(crate) turns: Turns,
    pub(crate) recent: Mutex<Recent>,
    /// Names of identity numbers, for the feed's quality.
    pub(crate) names: Mutex<Names>,
    /// Alerts that are on.
    pub(crate) alerts: Mutex<Vec<&'static str>>,
    /// The profile is on record.
    pub(crate) registered: AtomicBool,
    /// Places for bodies that arrive.
    arriving: Semaphore,
    pub(crate) pace: Pace,
    /// Somebody is to be told of a receipt.
    pub(crate) told: Notify,
    /// The raw store with the limits of the feed.
    pub(crate) raw: RawStore,
}

impl Line {
    /// The source and the feed.
    pub(crate) fn source_feed(&self) -> SourceFeed<'_> {
        SourceFeed { source: &self.feed.profile().source, feed: self.feed.id().as_str() }
    }

    /// A place for a body that arrives; senders that find none come again.
    pub(crate) fn arrive(&self) -> Result<SemaphorePermit<'_>, IngestError> {
        self.pace.admit(tokio::time::Instant::now())?;
        self.arriving.try_acquire().map_err(|_| IngestError::Busy)
    }
}

pub(crate) struct Core {
    pub(crate) store: Store,
    pub(crate) log: EventLog,
    pub(crate) codec: Codec,
    pub(crate) key: TokenKey,
    pub(crate) raw: RawStore,
    pub(crate) uploads: Uploads,
    pub(crate) lines: BTreeMap<FeedId, Line>,
    pub(crate) clock: Clock,
    pub(crate) at_once: Semaphore,
    pub(crate) filters: Filters,
    /// Calls the receivers of webhooks.
    pub(crate) http: reqwest::Client,
}

impl Ingest {
    /// Makes the loop. Nothing runs yet; call [`Ingest::resume`] once the log and the store can be reached.
    pub fn new(setup: IngestSetup) -> Self {
        let arriving_max = setup.limits.arriving_max;
        let raw = RawStore::new(setup.raw_dir, setup.limits);
        let line = |feed: Arc<dyn Feed>| {
            let limits = &feed.profile().limits;
            let arriving = Semaphore::new(limits.bodies_at_once_max.unwrap_or(arriving_max));
            let (pace, raw) = (Pace::new(limits.rows_per_minute), raw.of_feed(feed.profile()));
            let line = Line {
                feed,
                turns: Turns::default(),
                recent: Mutex::default(),
                names: Mutex::default(),
                alerts: Mutex::default(),
                registered: AtomicBool::new(false),
                arriving,
                pace,
                told: Notify::new(),
                raw,
            };
            (line.feed.id().clone(), line)
        };
        let core = Core {
            store: setup.store,
            log: setup.log,
            codec: setup.codec,
            key: setup.key,
            uploads: Uploads::new(&raw),
            raw: raw.clone(),
            lines: setup.feeds.into_iter().map(line).collect(),
            clock: setup.clock,
            at_once: Semaphore::new(CHUNKS_AT_ONCE),
            filters: Filters::default(),
            http: crate::tell::client(),
        };
        Self { core: Arc::new(core), messages: Mutex::default() }
    }

    /// The feeds that this process takes, by name.
    pub fn profiles(&self) -> impl Iterator<Item = &Profile> {
        self.core.lines.values().map(|line| line.feed.profile())
    }

    /// The profile of a feed.
    pub fn profile(&self, feed: &FeedId) -> Option<&Profile> {
        self.core.lines.get(feed).map(|line| line.feed.profile())
    }

    /// The event types that the feeds of this process publish: their topics must exist.
    pub fn event_types(&self) -> Vec<EventType> {
        let mut types = vec![EventType::IdentityObserved, EventType::IdentityRetracted];
        types.extend(self.core.lines.values().flat_map(|line| line.feed.event_types()));
        types.sort_unstable();
        types.dedup();
        types
    }

    /// Finishes what a crash left unfinished. Returns how many bodies that were.
    ///
    /// # Errors
    /// When the store, the log or the raw store cannot be reached.
    pub async fn resume(&self) -> Result<usize, IngestError> {
        let mut bodies = 0;
        for (id, line) in &self.core.lines {
            for lane in Lane::all() {
                let _lane = line.turns.lane(lane).await;
                bodies += self.core.finish_before(id, line, lane, None).await?;
            }
        }
        self.sweep_uploads().await?;
        Ok(bodies)
    }

    /// Removes bodies that are older than their feed's retention, as files of this machine, and compresses the others. Receipts stay; the download of
    /// failed rows is gone with the body. Returns how many files that were. To be called about once an hour.
    ///
    /// # Errors
    /// When the store or the raw store cannot be reached.
    pub async fn remove_expired(&self) -> Result<u64, IngestError> {
        let now_ms = u64::try_from((self.core.clock)().as_millis()).unwrap_or_default();
        let mut removed = 0;
        for (id, line) in &self.core.lines {
            // A body that is being read is unfinished, and wanted however old it is; nor may the feed be reprocessed.
            let _turn = line.turns.group().await;
            let mut conn = self.core.store.acquire().await?;
            let unfinished = ingest::list_unfinished(&mut conn, id, UNFINISHED_MAX).await?;
            drop(conn);
            let wanted: Vec<[u8; 32]> = unfinished.iter().map(|batch| batch.sha256).collect();
            let retention = Duration::from_secs(u64::from(line.feed.profile().retention_days) * 86_400);
            let now = SystemTime::UNIX_EPOCH + Duration::from_millis(now_ms);
            let (before, idle_before) = (now.checked_sub(retention), now - PLAIN_FOR);
            let (raw, id) = (self.core.raw.clone(), id.clone());
            let work = move || before.map_or(Ok(0), |before| raw.remove_older(&id, before, idle_before, &wanted));
            removed += tokio::task::spawn_blocking(work).await.map_err(|_| IngestError::Stopped)??;
        }
        Ok(removed + self.sweep_uploads().await?)
    }

    /// Takes a body: stores it durably, then reads it to its end. When the caller goes away, the body that is stored is
    /// read to its end all the same.
    ///
    /// # Errors
    /// When the body is refused as a whole (nothing of it is applied) or a part of the hub is away (pushing the same body
    /// again, or the next start, goes on where it stopped).
    pub async fn push<E>(
        &self,
        feed: &FeedId,
        compression: Compression,
        declared_bytes: Option<u64>,
        body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Receipt, IngestError> {
        let (batch, repeated) = self.accept(feed, compression, declared_bytes, body).await?;
        if repeated {
            return Ok(Receipt::of(&batch, true));
        }
        self.work(feed, batch.batch_id).await
    }

    /// Stores a body durably and puts it on record, without reading it yet; true when it was read to its end before.
    ///
    /// # Errors
    /// As [`Ingest::push`].
    pub async fn accept<E>(
        &self,
        feed: &FeedId,
        compression: Compression,
        declared_bytes: Option<u64>,
        body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<(Batch, bool), IngestError> {
        self.accept_mending(feed, None, compression, declared_bytes, body).await
    }

    /// Reads a body that was accepted to its end, after those of its feed that came before it.
    ///
    /// # Errors
    /// As [`Ingest::push`].
    pub async fn work(&self, feed: &FeedId, batch_id: BatchId) -> Result<Receipt, IngestError> {
        // A task of its own: when the sender goes away, the work goes on.
        let work = tokio::spawn(Arc::clone(&self.core).work(feed.clone(), batch_id));
        work.await.map_err(|_| IngestError::Stopped)?
    }

    /// Reads a body that was accepted without anybody waiting for it.
    pub(crate) fn work_aside(&self, feed: &FeedId, batch_id: BatchId) {
        let (core, feed) = (Arc::clone(&self.core), feed.clone());
        tokio::spawn(async move {
            match core.work(feed.clone(), batch_id).await {
                Ok(_) => {}
                Err(IngestError::Refused { reason, .. }) => note_refused(&feed, reason),
                Err(error) => {
                    tracing::warn!(%feed, batch.id = %batch_id, %error, "A batch was not read to its end.");
                }
            }
        });
    }

    /// The receipt of a batch of a feed, also while it is being read.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn find_batch(&self, feed: &FeedId, batch_id: BatchId) -> Result<Option<Batch>, IngestError> {
        let mut conn = self.core.store.acquire().await?;
        let batch = ingest::find_batch(&mut conn, batch_id).await?;
        Ok(batch.filter(|batch| batch.feed == feed.as_str()))
    }
}

/// Notes that a body was refused as a whole. What is refused before it is stored has no receipt.
pub(crate) fn note_refused(feed: &FeedId, reason: Reason) {
    tracing::warn!(%feed, reason = reason.code(), "A body was refused.");
    metrics::counter!("isthmus_ingest_refused_bodies_total", "feed" => feed.to_string(), "reason" => reason.code())
        .increment(1);
}

pub(crate) fn new_batch(profile: &Profile, stored: &StoredBody, received_at: Timestamp) -> Batch {
    Batch {
        batch_id: BatchId::derive(&profile.feed, &stored.sha256),
        arrival: 0,
        feed: profile.feed.to_string(),
        profile_version: profile.version_name(),
        sha256: stored.sha256,
        framing: Framing::File,
        bytes: stored.bytes as i64,
        state: BatchState::Processing,
        received_at,
        finished_at: None,
        data_start: 0,
        next_row: 1,
        counts: Counts::default(),
        notices: Vec::new(),
    }
}

impl Core {
    pub(crate) async fn receipt(&self, batch_id: BatchId) -> Result<Receipt, IngestError> {
        let mut conn = self.store.acquire().await?;
        let batch = ingest::find_batch(&mut conn, batch_id).await?.ok_or(IngestError::Stopped)?;
        if let BatchState::Refused { code, message } = batch.state {
            let reason = Reason::from_code(&code).unwrap_or(Reason::HeaderMismatch);
            return Err(IngestError::Refused { reason, message });
        }
        Ok(Receipt::of(&batch, false))
    }

    /// Reads one body to its end, from where it stands.
    pub(crate) async fn finish(&self, id: &FeedId, line: &Line, batch: Batch) -> Result<(), IngestError> {
        let began = Instant::now();
        let mut batch = batch;
        let result = loop {
            match self.read_on(id, line, &batch).await {
                // Another process works on the same body: go on from where it is now.
                Err(IngestError::Store(store::Error::CheckpointMoved)) => {
                    let mut conn = self.store.acquire().await?;
                    match ingest::find_batch(&mut conn, batch.batch_id).await? {
                        Some(now) if now.state == BatchState::Processing => batch = now,
                        _ => break Ok(()),
                    }
                }
                other => break other,
            }
        };
        if let Err(IngestError::Refused { reason, message }) = &result {
            self.refuse(line, &batch, reason.code(), message).await?;
        }
        let outcome = match &result {
            Ok(()) => "done",
            Err(IngestError::Refused { .. }) => "refused",
            Err(_) => "failed",
        };
        metrics::histogram!("isthmus_ingest_batch_duration_seconds", "feed" => id.to_string(), "outcome" => outcome)
            .record(began.elapsed().as_secs_f64());
        result
    }

    /// Puts on record that a body is refused as a whole.
    async fn refuse(&self, line: &Line, batch: &Batch, code: &str, message: &str) -> Result<(), IngestError> {
        let (now, mut tx) = ((self.clock)(), self.store.begin("ingest-refuse").await?);
        ingest::lock_feed(&mut tx, line.feed.id()).await?;
        if ingest::refuse_batch(&mut tx, batch.batch_id, now, code, message).await? {
            let state = BatchState::Refused { code: code.to_owned(), message: message.to_owned() };
            line.note_to_tell(&mut tx, &Batch { state, ..batch.clone() }, now).await?;
            add_refusal(&mut tx, line.feed.profile(), batch, code).await?;
        }
        tx.commit().await?;
        line.told.notify_one();
        Ok(())
    }

    async fn read_on(&self, id: &FeedId, line: &Line, batch: &Batch) -> Result<(), IngestError> {
        let profile = line.feed.profile();
        let version = profile.version_name();
        if batch.profile_version != version {
            let mut tx = self.store.begin("ingest-profile").await?;
            self.register(&mut tx, line).await?;
            ingest::change_profile(&mut tx, batch, &version).await?;
            tx.commit().await?;
        }
        let mut gathered = Gathered::default();
        let path = self.raw.path(id, &batch.sha256);
        let mut conn = self.store.acquire().await?;
        let mends = self.mends_of(&mut conn, batch).await?;
        drop(conn);
        let source = self.source(line, batch.received_at, path).mending(mends);
        let mut chunks = source.read(batch.next_row);
        let mut rows_read = batch.next_row - 1;
        let mut next = chunks.recv().await;
        while let Some(read) = next {
            match read? {
                Read::Chunk(chunk) => {
                    if rows_read == 0 {
                        line.feed.profile().limits.check_share(&chunk.rows)?;
                    }
                    let mut coming = Coming { chunks: &mut chunks, gathered: &mut gathered };
                    let (rows, ahead) = self.apply(id, line, batch, chunk, &mut coming).await?;
                    rows_read += rows;
                    line.keep_pace(rows.unsigned_abs() as usize).await;
                    next = match ahead {
                        Some(read) => Some(read),
                        None => chunks.recv().await,
                    };
                }
                Read::End { data_start, notices } => {
                    return self.complete(line, batch, rows_read, data_start, &notices, gathered).await;
                }
            }
        }
        Err(IngestError::Stopped)
    }

    /// Decides a chunk against what is known and appends its events to the log. The places of rows that are mended are
    /// looked up unless they are given.
    pub(crate) async fn decide_and_append(
        &self,
        tx: &mut store::Transaction,
        line: &Line,
        batch: &Batch,
        chunk: Chunk,
        mended: Mended,
    ) -> Result<Decided, IngestError> {
        let mut decided = self.decide_known(tx, line, batch, chunk, mended).await?;
        let records = std::mem::take(&mut decided.records);
        if !records.is_empty() {
            self.log.append(records).await?;
        }
        Ok(decided)
    }

    /// Decides a chunk against what is known of its records.
    pub(crate) async fn decide_known(
        &self,
        tx: &mut store::Transaction,
        line: &Line,
        batch: &Batch,
        chunk: Chunk,
        mut mended: Mended,
    ) -> Result<Decided, IngestError> {
        let mut known = Known::default();
        known.add(store::seen::find_seen(tx, &records_of(&chunk)).await?);
        if mended.is_empty() {
            mended = self.mended(tx, line, &chunk).await?;
        }
        let awaited = store::quarantine::awaits_records(tx, line.feed.id()).await?;
        Ok(self.decide(line, batch, chunk, (&mended, awaited), &mut known))
    }

    /// Decides a chunk against what is known. Says what its rows state where rows in quarantine await that, or fail among
    /// them.
    pub(crate) fn decide(
        &self,
        line: &Line,
        batch: &Batch,
        chunk: Chunk,
        (mended, awaited): (&Mended, bool),
        known: &mut Known,
    ) -> Decided {
        let records_awaited = awaited || chunk.has_failures();
        let recent = line.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let facts = BatchFacts { records_awaited, ..self.facts(line, batch, mended) };
        decide(&facts, chunk, known, &recent)
    }

    /// Decides a chunk against what somebody else knows.
    pub(crate) fn decide_fresh(
        &self,
        line: &Line,
        batch: &Batch,
        chunk: Chunk,
        mended: &Mended,
        (known, recent): (&mut Known, &Recent),
    ) -> Decided {
        decide(&self.facts(line, batch, mended), chunk, known, recent)
    }

    fn facts<'a>(&'a self, line: &'a Line, batch: &Batch, mended: &'a Mended) -> BatchFacts<'a> {
        BatchFacts {
            profile: line.feed.profile(),
            key: &self.key,
            codec: &self.codec,
            batch_id: batch.batch_id,
            arrival: batch.arrival,
            mended,
            records_awaited: false,
            received_at: batch.received_at,
            sha256_hex: crate::who::hex(&batch.sha256),
            trace_id: batch.batch_id.as_uuid().simple().to_string(),
        }
    }

    pub(crate) fn source(&self, line: &Line, received_at: Timestamp, path: PathBuf) -> Source {
        Source { feed: Arc::clone(&line.feed), key: self.key.clone(), received_at, path, mends: Mends::default() }
    }

    /// Closes a batch once every row has its outcome, and no row has two.
    async fn complete(
        &self,
        line: &Line,
        batch: &Batch,
        rows_read: i64,
        data_start: i64,
        notices: &[Notice],
        gathered: Gathered,
    ) -> Result<(), IngestError> {
        let batch_id = batch.batch_id;
        let mut tx = self.store.begin("ingest-finish").await?;
        ingest::await_disk(&mut tx, true).await?;
        ingest::lock_feed(&mut tx, line.feed.id()).await?;
        let counted = store::runs::count_run_rows(&mut tx, batch_id).await?;
        let finished = ingest::finish_batch(&mut tx, batch_id, (self.clock)(), data_start, notices).await?;
        let Some(batch) = finished else { return Ok(()) };
        if batch.counts.rows() != rows_read || counted != rows_read {
            return Err(IngestError::Uneven { rows: rows_read, counted: batch.counts.rows().min(counted) });
        }
        add_quality(&mut tx, line.feed.profile(), &batch, gathered).await?;
        line.note_to_tell(&mut tx, &batch, (self.clock)()).await?;
        tx.commit().await?;
        line.told.notify_one();
        let counts = batch.counts;
        tracing::info!(
            feed = batch.feed, batch.id = %batch_id, rows = rows_read, accepted = counts.accepted,
            duplicate = counts.duplicate, superseded = counts.superseded, quarantined = counts.quarantined,
            events = counts.events, "A batch is read to its end."
        );
        Ok(())
    }
}
