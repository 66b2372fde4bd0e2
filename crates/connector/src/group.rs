//! Chunks that are put on record together: each is decided while the events of the one before it are appended, and one
//! transaction follows the last append. That one writes versions meanwhile, so what must be looked up is read beside it:
//! nobody else writes about the feed while the group has its lock, and what the group itself decided it remembers.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use domain::{FeedId, RecordId};
use event_log::{EventLog, LogError, Positions};
use store::devices::{self, Pass};
use store::ingest::{self, Batch, Counts, Progress};
use store::seen::{Seen, SourceFeed, find_seen, insert_seen, key_of};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::chunk::{Chunk, Read, ReadAhead};
use crate::decide::{Decided, Outcome, records_of};
use crate::device_order;
use crate::error::IngestError;
use crate::ingest::{Core, Line, Mended};
use crate::known::Known;
use crate::quality::Gathered;

/// How long chunks gather in one transaction: the feed's other senders wait for it.
const GROUP_TIME_MAX: Duration = Duration::from_millis(500);
/// Versions that are written at once: the more, the more neighbours of the index are written together.
const WRITE_VERSIONS: usize = 12_000;
/// How long a transaction waits for the next chunk of a body that is slow to read.
const GROUP_WAIT_MAX: Duration = Duration::from_millis(20);

/// The chunks that come, and what is gathered of them for the feed's quality.
pub(crate) struct Coming<'a> {
    pub(crate) chunks: &'a mut mpsc::Receiver<ReadAhead>,
    pub(crate) gathered: &'a mut Gathered,
}

impl Core {
    /// Puts a group of chunks on record in one transaction, once their events are durable in the log. Gives the number of
    /// their rows, and what was read behind them already.
    pub(crate) async fn apply(
        &self,
        id: &FeedId,
        line: &Line,
        batch: &Batch,
        first: Chunk,
        coming: &mut Coming<'_>,
    ) -> Result<(i64, Option<ReadAhead>), IngestError> {
        let _turn = line.turns.group().await;
        let _one_of_few = self.at_once.acquire().await.map_err(|_| IngestError::Stopped)?;
        let mut tx = self.store.begin("ingest-chunks").await?;
        ingest::lock_feed(&mut tx, id).await?;
        // What a power cut takes of it is done again; the last transaction of the body waits for the disk, and with it all.
        ingest::await_disk(&mut tx, false).await?;
        let of = line.source_feed();
        let heard_before = self.hear(&mut tx, of).await?;
        let mut appending = Appending::default();
        let group = self.decide_group(tx, line, batch, first, coming, &mut appending).await;
        let appended = appending.end().await;
        match (group, appended) {
            (Ok(group), Ok(())) => {
                group.tx.commit().await?;
                self.heard_own(of, heard_before, &group.keys);
                line.count(id, &group.counts, &group.reasons);
                Ok((group.counts.rows(), group.ahead))
            }
            (Err(error), _) | (_, Err(error)) => {
                // What may not be in the log is forgotten, before another can take the feed's lock.
                line.recent.lock().unwrap_or_else(PoisonError::into_inner).forget(&appending.sightings);
                Err(error)
            }
        }
    }

    /// Decides chunks while they keep coming: each while the events of the one before it are appended and its versions
    /// are written.
    async fn decide_group(
        &self,
        mut tx: store::Transaction,
        line: &Line,
        batch: &Batch,
        first: Chunk,
        coming: &mut Coming<'_>,
        appending: &mut Appending,
    ) -> Result<Group, IngestError> {
        let began = Instant::now();
        let (of, batch_id) = (line.source_feed(), batch.batch_id);
        let row_from = first.rows.first().map_or(batch.next_row, |row| row.place.row);
        if ingest::lock_progress(&mut tx, batch_id).await? != Some(row_from) {
            return Err(store::Error::CheckpointMoved.into());
        }
        let mut reads = self.store.acquire().await?;
        let mut awaited = store::quarantine::awaits_records(&mut reads, line.feed.id()).await?;
        let (mut writing, mut clocks) = (Writing::new(of, tx), Clocks::default());
        let (mut known, mut progress, mut keys, mut ahead) = (Known::default(), Progress::default(), Vec::new(), None);
        let mut next = Some(first);
        while let Some(mut chunk) = next.take() {
            line.gather(coming.gathered, &chunk, &self.key, batch.received_at);
            clocks.compare(&mut reads, line, &mut chunk).await?;
            let mended = self.know(&mut reads, line, &chunk, &mut known).await?;
            writing.write(&mut progress.seen).await?;
            awaited |= chunk.has_failures();
            let mut decided = self.decide(line, batch, chunk, (&mended, awaited), &mut known);
            line.remember(&decided);
            appending.sightings.append(&mut decided.sightings);
            appending.next(&self.log, std::mem::take(&mut decided.records)).await?;
            keys.extend(decided.progress.seen.iter().map(|seen| key_of(seen.record_id)));
            progress.append(decided.progress);
            if began.elapsed() > GROUP_TIME_MAX {
                break;
            }
            match tokio::time::timeout(GROUP_WAIT_MAX, coming.chunks.recv()).await {
                Ok(Some(Ok(Read::Chunk(chunk)))) => next = Some(chunk),
                Ok(other) => ahead = other,
                Err(_) => {}
            }
        }
        progress.settle();
        let (counts, reasons) = (progress.counts, reasons(&progress));
        let mut tx = writing.end().await?;
        clocks.put(&mut tx, line).await?;
        ingest::advance_batch(&mut tx, of, batch_id, row_from, progress).await?;
        Ok(Group { tx, counts, reasons, keys, ahead })
    }

    /// Looks up what is known of a chunk's records, unless the group has done so before or nobody knows them, and the
    /// places of the rows that it mends.
    async fn know(
        &self,
        reads: &mut store::Conn,
        line: &Line,
        chunk: &Chunk,
        known: &mut Known,
    ) -> Result<Mended, IngestError> {
        let of = line.source_feed();
        self.hear_others(reads, of).await?;
        let mut records = records_of(chunk);
        self.maybe_known(of.source, &mut records);
        records.retain(|record| !known.has(*record));
        if !records.is_empty() {
            known.add(find_seen(reads, &records).await?);
        }
        self.mended(reads, line, chunk).await
    }
}

impl Line {
    /// Counts outcomes, and remembers the sightings that are now in the log.
    pub(crate) fn note_published(&self, id: &FeedId, decided: &Decided) {
        self.remember(decided);
        self.count(id, &decided.progress.counts, &reasons(&decided.progress));
    }

    pub(crate) fn remember(&self, decided: &Decided) {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner).add(decided.sightings.iter().copied());
    }

    pub(crate) fn count(&self, id: &FeedId, counts: &Counts, reasons: &BTreeMap<String, u64>) {
        for (outcome, rows) in [
            (Outcome::Accepted.code(), counts.accepted),
            (Outcome::Duplicate.code(), counts.duplicate),
            (Outcome::Superseded.code(), counts.superseded),
            ("quarantined", counts.quarantined),
        ] {
            metrics::counter!("isthmus_ingest_rows_total", "feed" => id.to_string(), "outcome" => outcome)
                .increment(rows.unsigned_abs());
        }
        metrics::counter!("isthmus_ingest_events_total", "feed" => id.to_string())
            .increment(counts.events.unsigned_abs());
        for (reason, rows) in reasons {
            metrics::counter!("isthmus_ingest_quarantined_rows_total", "feed" => id.to_string(), "reason" => reason.clone())
                .increment(*rows);
        }
    }
}

/// The last passes of devices that number them, as the chunks of a group go on.
#[derive(Default)]
struct Clocks {
    last: HashMap<String, Pass>,
    /// Devices of which nothing was known before, too.
    looked_up: HashSet<String>,
}

impl Clocks {
    /// Flags passes of devices whose clocks contradict their counters since the chunk before.
    async fn compare(&mut self, reads: &mut store::Conn, line: &Line, chunk: &mut Chunk) -> Result<(), IngestError> {
        let news: Vec<String> =
            chunk.devices.keys().filter(|device| !self.looked_up.contains(*device)).cloned().collect();
        if !news.is_empty() {
            self.keep(devices::find_last(reads, line.feed.id(), &news).await?);
            self.looked_up.extend(news);
        }
        let moved = device_order::compare(chunk, &self.last);
        self.keep(moved);
        Ok(())
    }

    fn keep(&mut self, passes: Vec<Pass>) {
        self.last.extend(passes.into_iter().map(|pass| (pass.device.clone(), pass)));
    }

    /// Writes them down for the groups to come.
    async fn put(self, tx: &mut store::Transaction, line: &Line) -> Result<(), IngestError> {
        if self.last.is_empty() {
            return Ok(());
        }
        let last: Vec<Pass> = self.last.into_values().collect();
        Ok(devices::put_last(tx, line.feed.id(), &last).await?)
    }
}

/// Rows by the reason for which they are in quarantine.
fn reasons(progress: &Progress) -> BTreeMap<String, u64> {
    let mut reasons = BTreeMap::new();
    for row in &progress.quarantined {
        *reasons.entry(row.code.clone()).or_default() += 1;
    }
    reasons
}

/// What the chunks of one transaction come to.
struct Group {
    tx: store::Transaction,
    counts: Counts,
    reasons: BTreeMap<String, u64>,
    /// Keys of the records that it made known.
    keys: Vec<u32>,
    /// What was read behind the last of them.
    ahead: Option<ReadAhead>,
}

/// The transaction of a group, which writes versions beside the decisions.
struct Writing {
    source: String,
    feed: String,
    tx: Option<store::Transaction>,
    task: Option<JoinHandle<Result<store::Transaction, store::Error>>>,
}

impl Writing {
    fn new(of: SourceFeed<'_>, tx: store::Transaction) -> Self {
        Self { source: of.source.to_owned(), feed: of.feed.to_owned(), tx: Some(tx), task: None }
    }

    /// The transaction, once what is being written is written.
    async fn transaction(&mut self) -> Result<&mut store::Transaction, IngestError> {
        if let Some(task) = self.task.take() {
            self.tx = Some(task.await.map_err(|_| IngestError::Stopped)??);
        }
        self.tx.as_mut().ok_or(IngestError::Stopped)
    }

    /// Begins to write versions, if there are enough of them, and nothing else is being written.
    async fn write(&mut self, seen: &mut Vec<Seen>) -> Result<(), IngestError> {
        let is_writing = self.task.as_ref().is_some_and(|task| !task.is_finished());
        if seen.len() < WRITE_VERSIONS || is_writing {
            return Ok(());
        }
        self.transaction().await?;
        if let Some(mut tx) = self.tx.take() {
            let (source, feed, seen) = (self.source.clone(), self.feed.clone(), std::mem::take(seen));
            self.task = Some(tokio::spawn(async move {
                insert_seen(&mut tx, SourceFeed { source: &source, feed: &feed }, seen).await?;
                Ok(tx)
            }));
        }
        Ok(())
    }

    async fn end(mut self) -> Result<store::Transaction, IngestError> {
        self.transaction().await?;
        self.tx.ok_or(IngestError::Stopped)
    }
}

/// The append that goes on beside the decisions: one at a time, so that events keep the order of rows.
#[derive(Default)]
struct Appending {
    append: Option<JoinHandle<Result<Positions, LogError>>>,
    /// Sightings among the events so far.
    sightings: Vec<(RecordId, i64)>,
}

impl Appending {
    /// Begins an append, after the one before it has ended.
    async fn next(&mut self, log: &EventLog, records: Vec<event_log::Record>) -> Result<(), IngestError> {
        self.end().await?;
        if !records.is_empty() {
            let log = log.clone();
            self.append = Some(tokio::spawn(async move { log.append(records).await }));
        }
        Ok(())
    }

    /// Waits until everything is durable.
    async fn end(&mut self) -> Result<(), IngestError> {
        match self.append.take() {
            Some(append) => append.await.map_err(|_| IngestError::Stopped)?.map(|_| ()).map_err(IngestError::from),
            None => Ok(()),
        }
    }
}
