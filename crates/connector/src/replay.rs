//! Quarantined rows read again: their bytes with the profile of now, each in its old place in the order of arrival.
//!
//! A row that can be used now leaves the quarantine, and the receipt of its batch with it; the sum of the receipt stays
//! what it was. A row that fails again stays, with its newest reason.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use domain::{BatchId, FeedId};
use store::ingest::{self, Batch, Origin};
use store::quarantine::{self, HeldRow, Selection};

use crate::chunk::{Chunk, Source};
use crate::decide::mended_by;
use crate::error::IngestError;
use crate::feed::{BatchError, RawRow};
use crate::ingest::{Core, Ingest, Line, Mended};

/// Rows that are read again at once.
const ROWS: i64 = 5_000;

/// What became of rows that were read again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// New, and published.
    pub accepted: i64,
    /// Published before.
    pub duplicate: i64,
    /// Overtaken by a newer version.
    pub superseded: i64,
    /// They fail again.
    pub quarantined: i64,
    /// Their bytes are not there any more, or are no row in the profile of now.
    pub gone: i64,
    /// Events appended to the log.
    pub events: i64,
}

impl Ingest {
    /// Reads the open quarantined rows of a feed again.
    ///
    /// # Errors
    /// When the feed is not of this process, or a part of the hub is away; what was done stays done.
    pub async fn replay(&self, feed: &FeedId, selection: &Selection, reason: &str) -> Result<Replayed, IngestError> {
        let line = self.core.lines.get(feed).ok_or(IngestError::UnknownFeed)?;
        let selection = Selection { feed: Some(feed.to_string()), all: false, ..selection.clone() };
        let mut after = Origin { arrival: 0, row: 0 };
        let mut replayed = Replayed::default();
        loop {
            let mut conn = self.core.store.acquire().await?;
            let page = quarantine::list(&mut conn, &selection, after, ROWS).await?;
            drop(conn);
            let Some(last) = page.last() else { return Ok(replayed) };
            after = Origin { arrival: last.arrival, row: last.row.row };
            for rows in page.chunk_by(|a, b| a.arrival == b.arrival) {
                self.replay_rows(feed, line, rows, reason, &mut replayed).await?;
            }
        }
    }

    /// The bytes of a quarantined row as it stands in the stored body; `None` when the body is gone.
    ///
    /// # Errors
    /// When the raw store cannot be read.
    pub async fn row_bytes(&self, feed: &FeedId, held: &HeldRow) -> Result<Option<Vec<u8>>, IngestError> {
        let line = self.core.lines.get(feed).ok_or(IngestError::UnknownFeed)?;
        let batch = self.find_batch(feed, held.batch_id()).await?.ok_or(IngestError::Stopped)?;
        let path = self.core.raw.path(feed, &batch.sha256);
        let source = self.core.source(line, batch.received_at, path);
        let rows = vec![held.clone()];
        let read = tokio::task::spawn_blocking(move || read_rows(&source, &rows)).await;
        match read.map_err(|_| IngestError::Stopped)? {
            Ok((rows, _)) => Ok(rows.into_iter().next().map(|row| row.bytes.into_exposed())),
            Err(BatchError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads rows of one batch again.
    async fn replay_rows(
        &self,
        feed: &FeedId,
        line: &Line,
        held: &[HeldRow],
        reason: &str,
        replayed: &mut Replayed,
    ) -> Result<(), IngestError> {
        let Some(first) = held.first() else { return Ok(()) };
        let Some(batch) = self.find_batch(feed, first.batch_id()).await? else { return Ok(()) };
        let source = self.core.source(line, batch.received_at, self.core.raw.path(feed, &batch.sha256));
        let rows = held.to_vec();
        let read = move || {
            let (rows, layout) = read_rows(&source, &rows)?;
            Ok::<Chunk, BatchError>(source.map(rows, layout.as_deref()))
        };
        let chunk = match tokio::task::spawn_blocking(read).await.map_err(|_| IngestError::Stopped)? {
            Ok(chunk) => chunk,
            Err(BatchError::Io(error)) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
            // The body is gone, or does not fit the profile of now as a whole.
            Err(_) => {
                replayed.gone += held.len() as i64;
                return Ok(());
            }
        };
        replayed.gone += (held.len() - chunk.rows.len()) as i64;
        self.redecide(feed, line, &batch, (chunk, held), reason, replayed).await
    }

    async fn redecide(
        &self,
        feed: &FeedId,
        line: &Line,
        batch: &Batch,
        (mut chunk, held): (Chunk, &[HeldRow]),
        reason: &str,
        replayed: &mut Replayed,
    ) -> Result<(), IngestError> {
        let places: HashMap<(BatchId, i64), Origin> = held
            .iter()
            .map(|held| {
                let at = Origin { arrival: held.row.at_arrival, row: held.row.at_row };
                ((batch.batch_id, held.row.row), at)
            })
            .collect();
        let mut tx = self.core.store.begin("ingest-replay").await?;
        ingest::lock_feed(&mut tx, feed).await?;
        let numbers: Vec<i64> = held.iter().map(|held| held.row.row).collect();
        let open: HashSet<i64> = quarantine::lock_open(&mut tx, batch.batch_id, &numbers).await?.into_iter().collect();
        chunk.rows.retain(|row| open.contains(&row.place.row));
        for row in &mut chunk.rows {
            // Each stands where it stood.
            row.mends = Some((batch.batch_id, row.place.row));
        }
        let mut decided =
            self.core.decide_and_append(&mut tx, line, batch, chunk, places.into_iter().collect()).await?;
        // What fails again stays as it is.
        decided.progress.resent.clear();
        let now = (self.core.clock)();
        quarantine::replay(&mut tx, line.source_feed(), batch.batch_id, &decided.progress, reason, now).await?;
        line.note_to_tell(&mut tx, batch, now).await?;
        tx.commit().await?;
        line.told.notify_one();
        line.note_published(feed, &decided);
        let counts = decided.progress.counts;
        replayed.accepted += counts.accepted;
        replayed.duplicate += counts.duplicate;
        replayed.superseded += counts.superseded;
        replayed.quarantined += counts.quarantined;
        replayed.events += counts.events;
        Ok(())
    }
}

impl Core {
    /// The places of the rows that a chunk mends.
    pub(crate) async fn mended(
        &self,
        conn: &mut store::Conn,
        line: &Line,
        chunk: &Chunk,
    ) -> Result<Mended, IngestError> {
        let rows = mended_by(chunk);
        if rows.is_empty() {
            return Ok(Mended::default());
        }
        Ok(quarantine::find_places(conn, line.feed.id(), &rows).await?.into_iter().collect())
    }
}

type Rows = (Vec<RawRow>, Option<Arc<crate::columns::Layout>>);

/// The rows of a body that stand where these stood, under the numbers that they had. A profile that cuts off another head
/// counts otherwise, and rows that share their bytes are told apart by their numbers.
fn read_rows(source: &Source, held: &[HeldRow]) -> Result<Rows, BatchError> {
    let mut wanted: HashMap<u64, Vec<u64>> = HashMap::new();
    for held in held {
        wanted.entry(held.row.byte_offset as u64).or_default().push(held.row.row as u64);
    }
    let body = source.open()?;
    let mut reader = source.feed.open(body)?;
    let layout = reader.layout();
    let mut rows = Vec::with_capacity(held.len());
    while rows.len() < held.len() {
        let Some(mut row) = reader.next_row()? else { break };
        let Some(numbers) = wanted.get(&row.offset) else { continue };
        match numbers[..] {
            [number] => row.number = number,
            _ if numbers.contains(&row.number) => {}
            _ => continue,
        }
        rows.push(row);
    }
    rows.sort_by_key(|row| row.number);
    Ok((rows, layout))
}
