//! A whole feed read again from its stored bodies with the profile of now.
//!
//! The bodies are read as a hub would that had never heard of the feed. What that gives is compared with what the feed's
//! events in the log say, and only differences become events: another reading of the same version outranks the earlier
//! one and never a higher version, and what no row says any more is retracted. So reading again with the same profile
//! publishes nothing, and reading with another one leads to what that hub would hold.
//!
//! A batch of which the body is gone keeps what it said. Pushes of the feed wait until the end.

mod changes;
mod plan;

use std::collections::HashSet;
use std::time::Duration;

use domain::{BatchId, Body, Event, FeedId, IdentityRetracted, Op, RecordId, RetractReason};
use rustc_hash::{FxHashMap, FxHashSet};
use store::ingest::{self, Batch, Counts, Progress};
use store::reprocess;
use store::runs::Run;
use store::seen::Seen;
use uuid::Uuid;

use crate::chunk::Read;
use crate::content::content_of_body;
use crate::decide::{Decided, Recent};
use crate::error::IngestError;
use crate::ingest::{Core, Ingest, Line};
use crate::known::Known;
pub use changes::{Change, ChangeKind, FieldChange};
use plan::{Plan, Sayings, plan, slot};

/// Batches that are listed at once.
const PAGE: i64 = 1_000;
/// Events that are appended at once.
const EVENTS: usize = 4_000;
/// How long the log may be silent before reading it is given up.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// What reading a feed again changes, or would change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reprocessed {
    /// Batches that were read.
    pub batches: u64,
    /// Batches of which the body is gone, or does not fit the profile as a whole; they keep what they said.
    pub kept_batches: u64,
    /// Rows that were read.
    pub rows: i64,
    /// Rows that cannot be used, before.
    pub quarantined_before: i64,
    /// Rows that cannot be used, now.
    pub quarantined: i64,
    /// Statements that say something else.
    pub changed: u64,
    /// Statements that were not there.
    pub appeared: u64,
    /// Statements that are not there any more.
    pub vanished: u64,
    /// Events that were published; none in a preview.
    pub events: u64,
}

/// What a reading of all bodies gives.
struct Reading {
    known: Known,
    seen: FxHashMap<(RecordId, i64), Seen>,
    receipts: Vec<(BatchId, Progress)>,
}

/// What is done with a new reading.
enum Task<'r> {
    Preview { changes_max: usize },
    Publish { reason: &'r str },
}

impl Ingest {
    /// Reads all bodies of a feed again, and says what that changes; unless it is a preview, the differences are
    /// published, and receipts say what became of each row now.
    ///
    /// # Errors
    /// When the feed is not of this process, or a part of the hub is away. Repeating it goes on where it stopped.
    pub async fn reprocess(&self, feed: &FeedId, preview: bool, reason: &str) -> Result<Reprocessed, IngestError> {
        let task = if preview { Task::Preview { changes_max: 0 } } else { Task::Publish { reason } };
        Ok(self.read_again(feed, task).await?.0)
    }

    /// Says what reading a feed again would change, with the first changes themselves, and does nothing.
    ///
    /// # Errors
    /// As [`Ingest::reprocess`].
    pub async fn preview(&self, feed: &FeedId, changes_max: usize) -> Result<(Reprocessed, Vec<Change>), IngestError> {
        self.read_again(feed, Task::Preview { changes_max }).await
    }

    async fn read_again(&self, feed: &FeedId, task: Task<'_>) -> Result<(Reprocessed, Vec<Change>), IngestError> {
        let core = &self.core;
        let line = core.lines.get(feed).ok_or(IngestError::UnknownFeed)?;
        let _all = line.turns.all().await;
        let mut tx = core.store.begin("ingest-reprocess").await?;
        ingest::lock_feed(&mut tx, feed).await?;
        let (batches, kept) = core.readable(&mut tx, feed, line).await?;
        let mut done = Reprocessed { kept_batches: kept.len() as u64, ..Reprocessed::default() };

        let mut new = Sayings::default();
        let seeds = reprocess::list_seen(&mut tx, &kept).await?;
        let reading = core
            .read_all(&mut tx, line, &batches, &seeds, |_, event, content| {
                new.note(event, content, true);
                None
            })
            .await?;
        let ids: FxHashSet<BatchId> = batches.iter().map(|batch| batch.batch_id).collect();
        let mut old = Sayings::default();
        core.for_events_of(line, |event, content| old.note(event, content, ids.contains(&event.meta.batch_id))).await?;
        let arrivals: Vec<i64> = batches.iter().map(|batch| batch.arrival).collect();
        let before: FxHashMap<(RecordId, i64), Seen> = reprocess::list_seen(&mut tx, &arrivals)
            .await?
            .into_iter()
            .map(|seen| ((seen.record_id, seen.version), seen))
            .collect();
        let plan = plan(&old, &new, |record, version| before.contains_key(&(record, version)));
        done.batches = batches.len() as u64;
        done.quarantined_before = batches.iter().map(|batch| batch.counts.quarantined).sum();
        for (_, progress) in &reading.receipts {
            done.rows += progress.counts.rows();
            done.quarantined += progress.counts.quarantined;
        }
        (done.changed, done.appeared, done.vanished) = (plan.changed, plan.appeared, plan.vanished);
        let reason = match task {
            Task::Publish { reason } => reason,
            Task::Preview { changes_max: 0 } => return Ok((done, Vec::new())),
            Task::Preview { changes_max } => {
                let read = (&batches[..], &seeds[..]);
                return Ok((done, core.changes(&mut tx, line, read, &plan, changes_max).await?));
            }
        };
        let counts;
        (done.events, counts) = core.publish(&mut tx, line, &batches, &seeds, &plan).await?;

        let now = (core.clock)();
        for (batch_id, mut progress) in reading.receipts {
            progress.counts.events = counts.get(&batch_id).copied().unwrap_or_default();
            reprocess::rewrite_batch(&mut tx, batch_id, &progress, reason, now).await?;
        }
        let seen = seen_after(reading.seen, &before, &plan);
        reprocess::replace_seen(&mut tx, line.source_feed(), &arrivals, &seen).await?;
        tx.commit().await?;
        Ok((done, Vec::new()))
    }
}

/// What is known after the new reading. A version that is gone stays known with a content that nothing has: whoever states
/// it again hears of a conflict instead of being overruled in silence by the retraction.
fn seen_after(
    mut seen: FxHashMap<(RecordId, i64), Seen>,
    before: &FxHashMap<(RecordId, i64), Seen>,
    plan: &Plan,
) -> Vec<Seen> {
    for (key, seen) in &mut seen {
        seen.reading = before.get(key).map_or(0, |before| before.reading);
    }
    for (((record_id, _), version), reading) in &plan.states {
        if let Some(seen) = seen.get_mut(&(*record_id, *version)) {
            seen.reading = seen.reading.max(*reading);
        }
    }
    let retracts = plan.retracts.iter().map(|(((record_id, _), version), reading)| (*record_id, *version, *reading));
    let restates = plan.restates.iter();
    let restates = restates.map(|(((record_id, _), _), edition)| (*record_id, edition.version, edition.reading));
    for (record_id, version, reading) in retracts.chain(restates) {
        if let Some(was) = before.get(&(record_id, version)) {
            seen.entry((record_id, version)).or_insert(Seen { content: Uuid::nil(), reading, ..*was });
        }
    }
    seen.into_values().collect()
}

impl Core {
    /// The finished batches of a feed that can be read, and the arrivals of those that cannot.
    async fn readable(
        &self,
        conn: &mut store::Conn,
        feed: &FeedId,
        line: &Line,
    ) -> Result<(Vec<Batch>, Vec<i64>), IngestError> {
        let (mut readable, mut kept, mut after) = (Vec::new(), Vec::new(), 0);
        loop {
            let page = reprocess::list_done(conn, feed, after, PAGE).await?;
            let Some(last) = page.last() else { return Ok((readable, kept)) };
            after = last.arrival;
            for batch in page {
                let source = self.source(line, batch.received_at, self.raw.path(feed, &batch.sha256));
                let opens = move || source.open().is_ok_and(|body| source.feed.open(body).is_ok());
                match tokio::task::spawn_blocking(opens).await.map_err(|_| IngestError::Stopped)? {
                    true => readable.push(batch),
                    false => kept.push(batch.arrival),
                }
            }
        }
    }

    /// Reads bodies as if nothing but `seeds` were known, handing each event with its content to `take`, which may give a
    /// list of events to append.
    async fn read_all(
        &self,
        conn: &mut store::Conn,
        line: &Line,
        batches: &[Batch],
        seeds: &[Seen],
        mut take: impl FnMut(&Batch, &Event, Uuid) -> Option<Vec<Event>>,
    ) -> Result<Reading, IngestError> {
        let mut reading = Reading { known: Known::default(), seen: FxHashMap::default(), receipts: Vec::new() };
        reading.known.add(seeds.iter().copied());
        let mut recent = Recent::default();
        let mut waiting = Vec::new();
        for batch in batches {
            let discarded: HashSet<i64> = reprocess::list_discarded(conn, batch.batch_id).await?.into_iter().collect();
            let path = self.raw.path(line.feed.id(), &batch.sha256);
            let mut chunks =
                self.source(line, batch.received_at, path).mending(self.mends_of(conn, batch).await?).read(1);
            let mut progress = Progress::default();
            while let Some(read) = chunks.recv().await {
                let Read::Chunk(mut chunk) = read? else { break };
                let rows: Vec<i64> = chunk.rows.iter().map(|row| row.place.row).collect();
                chunk.rows.retain(|row| !discarded.contains(&row.place.row));
                let mended = self.mended(conn, line, &chunk).await?;
                let decided = self.decide_fresh(line, batch, chunk, &mended, (&mut reading.known, &recent));
                recent.add(decided.sightings.iter().copied());
                for record in &decided.records {
                    let event = self.codec.decode(&record.topic, &record.payload).map_err(|_| IngestError::Stopped)?;
                    let content = content_of_body(&self.key, event.meta.op, event.meta.event_time, &event.body);
                    waiting.extend(take(batch, &event, content).unwrap_or_default());
                }
                if waiting.len() >= EVENTS {
                    self.append_events(std::mem::take(&mut waiting)).await?;
                }
                add(&mut progress, &mut reading.seen, decided, rows, &discarded);
            }
            progress.settle();
            reading.receipts.push((batch.batch_id, progress));
        }
        self.append_events(waiting).await?;
        Ok(reading)
    }

    /// Hands every event of the feed's source in the log to `take`, with its content.
    async fn for_events_of(&self, line: &Line, mut take: impl FnMut(&Event, Uuid)) -> Result<(), IngestError> {
        let mut topics: Vec<&str> = line.feed.event_types().iter().map(|event_type| event_type.topic()).collect();
        topics.extend([domain::EventType::IdentityObserved.topic(), domain::EventType::IdentityRetracted.topic()]);
        // What another profile made of the rows may be in any topic of facts.
        topics.extend(self.lines.values().flat_map(|line| line.feed.event_types()).map(domain::EventType::topic));
        topics.sort_unstable();
        topics.dedup();
        let end = self.log.end_positions(&topics).await?;
        let mut reader = self.log.reader(&topics, self.log.begin_positions(&topics).await?).await?;
        let mut heard = tokio::time::Instant::now();
        while !reader.positions().reached(&end) {
            if heard.elapsed() > SILENCE_MAX {
                return Err(IngestError::Stopped);
            }
            for delivered in reader.next(EVENTS, Duration::from_millis(500)).await? {
                heard = tokio::time::Instant::now();
                // What is no event of the hub was set aside by the projector too.
                let Ok(event) = self.codec.decode_fetching(&delivered.position.topic, &delivered.payload).await else {
                    continue;
                };
                if event.meta.source == line.feed.profile().source {
                    let content = content_of_body(&self.key, event.meta.op, event.meta.event_time, &event.body);
                    take(&event, content);
                }
            }
        }
        Ok(())
    }

    /// Publishes a plan. Gives the number of events, in all and by batch.
    async fn publish(
        &self,
        conn: &mut store::Conn,
        line: &Line,
        batches: &[Batch],
        seeds: &[Seen],
        plan: &Plan,
    ) -> Result<(u64, FxHashMap<BatchId, i64>), IngestError> {
        let mut counts: FxHashMap<BatchId, i64> = FxHashMap::default();
        let mut total = 0;
        if !plan.states.is_empty() || !plan.restates.is_empty() {
            self.read_all(conn, line, batches, seeds, |batch, event, _| {
                let at = (slot(event), event.meta.source_record_version);
                let stated = plan.states.get(&at).map(|reading| (at.1, *reading + event.meta.reading));
                let restated = plan.restates.get(&at).map(|edition| (edition.version, edition.reading));
                let events: Vec<Event> = [stated, restated]
                    .into_iter()
                    .flatten()
                    .map(|(version, reading)| {
                        let mut event = event.clone();
                        (event.meta.source_record_version, event.meta.reading) = (version, reading);
                        event.meta.event_id = Event::derive_id(&event.meta, event.event_type());
                        event
                    })
                    .collect();
                total += events.len() as u64;
                *counts.entry(batch.batch_id).or_default() += events.len() as i64;
                Some(events)
            })
            .await?;
        }
        if !plan.retracts.is_empty() {
            let mut taken_back: FxHashMap<(plan::Slot, i64), Event> = FxHashMap::default();
            self.for_events_of(line, |event, _| {
                let at = (slot(event), event.meta.source_record_version);
                if let Some(reading) = plan.retracts.get(&at) {
                    taken_back.insert(at, retraction(event, *reading));
                }
            })
            .await?;
            for event in taken_back.values() {
                *counts.entry(event.meta.batch_id).or_default() += 1;
            }
            total += taken_back.len() as u64;
            let events: Vec<Event> = taken_back.into_values().collect();
            for events in events.chunks(EVENTS) {
                self.append_events(events.to_vec()).await?;
            }
        }
        Ok((total, counts))
    }

    async fn append_events(&self, events: Vec<Event>) -> Result<(), IngestError> {
        let mut records = Vec::with_capacity(events.len());
        for event in &events {
            let encoded = self.codec.encode(event).map_err(|_| IngestError::Stopped)?;
            let (topic, key) = (encoded.topic.to_owned(), encoded.key);
            records.push(event_log::Record { topic, key, payload: encoded.payload, headers: encoded.headers });
        }
        if !records.is_empty() {
            self.log.append(records).await?;
        }
        Ok(())
    }
}

/// The event that takes another back, and nothing else.
fn retraction(event: &Event, reading: i32) -> Event {
    let mut meta = event.meta.clone();
    (meta.op, meta.reading) = (Op::Retract, reading);
    let body = match &event.body {
        Body::IdentityObserved(_) => IdentityRetracted { reason: RetractReason::Corrected, survivor: None }.into(),
        body => body.clone(),
    };
    meta.event_id = Event::derive_id(&meta, body.event_type());
    Event { meta, body }
}

/// Adds a chunk to what was read of its batch. Rows that operators discarded were not decided and stay in quarantine.
fn add(
    progress: &mut Progress,
    seen: &mut FxHashMap<(RecordId, i64), Seen>,
    decided: Decided,
    rows: Vec<i64>,
    discarded: &HashSet<i64>,
) {
    let Progress { counts, runs, restated, quarantined, seen: made_known, seen_again, .. } = decided.progress;
    let left_out = rows.into_iter().filter(|row| discarded.contains(row));
    let left_out = left_out.map(|row| Run { row_from: row, row_to: row, outcome: "quarantined", of: None });
    let mut all: Vec<Run> = runs.into_iter().chain(left_out).collect();
    all.sort_by_key(|run| run.row_from);
    let sum: &mut Counts = &mut progress.counts;
    sum.accepted += counts.accepted;
    sum.duplicate += counts.duplicate;
    sum.superseded += counts.superseded;
    sum.quarantined +=
        all.iter().filter(|run| run.outcome == "quarantined").map(|run| run.row_to - run.row_from + 1).sum::<i64>();
    progress.runs.append(&mut all);
    progress.restated.extend(restated);
    progress.quarantined.extend(quarantined);
    for version in made_known.into_iter().chain(seen_again) {
        seen.insert((version.record_id, version.version), version);
    }
}
