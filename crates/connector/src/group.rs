//! Chunks that are put on record together: each is decided while the events of the one before it are appended, and one
//! transaction follows the last append.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use domain::{FeedId, RecordId};
use event_log::{EventLog, LogError, Positions};
use store::ingest::{self, Batch, Counts, Progress};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::chunk::{Chunk, Read, ReadAhead};
use crate::decide::{Decided, Outcome};
use crate::error::IngestError;
use crate::ingest::{Core, Line, Mended};
use crate::quality::Gathered;

/// How long chunks gather in one transaction: the feed's other senders wait for it.
const GROUP_TIME_MAX: Duration = Duration::from_millis(500);
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
        let mut appending = Appending::default();
        let group = self.decide_group(&mut tx, line, batch, first, coming, &mut appending).await;
        let appended = appending.end().await;
        match (group, appended) {
            (Ok(group), Ok(())) => {
                tx.commit().await?;
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

    /// Decides chunks while they keep coming: each while the events of the one before it are appended.
    async fn decide_group(
        &self,
        tx: &mut store::Transaction,
        line: &Line,
        batch: &Batch,
        first: Chunk,
        coming: &mut Coming<'_>,
        appending: &mut Appending,
    ) -> Result<Group, IngestError> {
        let began = Instant::now();
        let mut group = Group::default();
        let mut next = Some(first);
        while let Some(chunk) = next.take() {
            line.gather(coming.gathered, &chunk, &self.key, batch.received_at);
            let Some(row_from) = chunk.rows.first().map(|row| row.place.row) else { continue };
            if ingest::lock_progress(tx, batch.batch_id).await? != Some(row_from) {
                return Err(store::Error::CheckpointMoved.into());
            }
            let mut decided = self.decide_known(tx, line, batch, chunk, Mended::default()).await?;
            line.remember(&decided);
            appending.sightings.append(&mut decided.sightings);
            appending.next(&self.log, std::mem::take(&mut decided.records)).await?;
            ingest::advance_batch(tx, batch.batch_id, row_from, &decided.progress).await?;
            group.add(&decided.progress);
            if began.elapsed() > GROUP_TIME_MAX {
                break;
            }
            match tokio::time::timeout(GROUP_WAIT_MAX, coming.chunks.recv()).await {
                Ok(Some(Ok(Read::Chunk(chunk)))) => next = Some(chunk),
                Ok(other) => group.ahead = other,
                Err(_) => {}
            }
        }
        Ok(group)
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

/// Rows by the reason for which they are in quarantine.
fn reasons(progress: &Progress) -> BTreeMap<String, u64> {
    let mut reasons = BTreeMap::new();
    for row in &progress.quarantined {
        *reasons.entry(row.code.clone()).or_default() += 1;
    }
    reasons
}

/// What the chunks of one transaction come to.
#[derive(Default)]
struct Group {
    counts: Counts,
    reasons: BTreeMap<String, u64>,
    /// What was read behind the last of them.
    ahead: Option<ReadAhead>,
}

impl Group {
    fn add(&mut self, progress: &Progress) {
        let (all, more) = (&mut self.counts, &progress.counts);
        all.accepted += more.accepted;
        all.duplicate += more.duplicate;
        all.superseded += more.superseded;
        all.quarantined += more.quarantined;
        all.events += more.events;
        for (reason, rows) in reasons(progress) {
            *self.reasons.entry(reason).or_default() += rows;
        }
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
