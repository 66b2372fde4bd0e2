//! Bodies of one feed take turns, so that a small one is not held up by a large one.
//!
//! Bodies of about one size are read one after the other, as they came. Those of different sizes are read side by side: a
//! group of chunks of one, then a group of the next. So few bodies are in memory at once, and none waits for a much larger
//! one to end. What a record ends with does not hang on the order of reading: the place of a statement in the order of
//! arrival is that of its row ([`crate::known`]).

use std::sync::Arc;

use domain::{BatchId, FeedId};
use store::ingest::{self, Batch, BatchState};
use tokio::sync::{Mutex, MutexGuard};

use crate::error::IngestError;
use crate::ingest::{Core, Line, UNFINISHED_MAX};
use crate::receipt::Receipt;

/// Bytes up to which a body is read in each lane but the last.
const LANE_BYTES_MAX: [i64; 3] = [2 << 20, 64 << 20, 1 << 30];
const LANES: usize = LANE_BYTES_MAX.len() + 1;

/// The turns of one feed in this process.
#[derive(Default)]
pub(crate) struct Turns {
    /// Held while a body of the lane is read.
    lanes: [Mutex<()>; LANES],
    /// Held while a group of chunks is decided.
    group: Mutex<()>,
}

/// Bodies of about one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lane(usize);

impl Lane {
    /// Every lane, that of the smallest bodies first.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        (0..LANES).map(Self)
    }

    /// The lane of a body of so many bytes.
    pub(crate) fn of(bytes: i64) -> Self {
        Self(LANE_BYTES_MAX.partition_point(|most| *most < bytes))
    }
}

impl Turns {
    /// Waits until the bodies of the lane that came before are read.
    pub(crate) async fn lane(&self, lane: Lane) -> MutexGuard<'_, ()> {
        self.lanes[lane.0].lock().await
    }

    /// Takes the lane if nobody reads in it.
    pub(crate) fn try_lane(&self, lane: Lane) -> Option<MutexGuard<'_, ()>> {
        self.lanes[lane.0].try_lock().ok()
    }

    /// Waits for the turn to decide a group of chunks. Turns are given in the order in which they are asked for.
    pub(crate) async fn group(&self) -> MutexGuard<'_, ()> {
        self.group.lock().await
    }

    /// Waits until no body is read, and keeps others from it.
    pub(crate) async fn all(&self) -> Vec<MutexGuard<'_, ()>> {
        let mut held = Vec::with_capacity(LANES + 1);
        for lane in &self.lanes {
            held.push(lane.lock().await);
        }
        held.push(self.group.lock().await);
        held
    }
}

impl Core {
    /// Reads a body that was accepted to its end, after those of its lane that came before it.
    pub(crate) async fn work(self: Arc<Self>, feed: FeedId, batch_id: BatchId) -> Result<Receipt, IngestError> {
        let line = self.lines.get(&feed).ok_or(IngestError::UnknownFeed)?;
        let Some(batch) = self.find_processing(batch_id).await? else { return self.receipt(batch_id).await };
        let lane = Lane::of(batch.bytes);
        let _lane = line.turns.lane(lane).await;
        self.finish_before(&feed, line, lane, Some(batch.arrival)).await?;
        // Another sender of the same body may have been first.
        if let Some(batch) = self.find_processing(batch_id).await? {
            self.finish(&feed, line, batch).await?;
        }
        tokio::spawn(Arc::clone(&self).pick_up(feed.clone(), batch.arrival));
        self.receipt(batch_id).await
    }

    /// Reads what a failure left unfinished in lanes where nobody reads.
    async fn pick_up(self: Arc<Self>, feed: FeedId, arrival: i64) {
        let Some(line) = self.lines.get(&feed) else { return };
        for lane in Lane::all() {
            let Some(_lane) = line.turns.try_lane(lane) else { continue };
            if let Err(error) = self.finish_before(&feed, line, lane, Some(arrival)).await {
                tracing::warn!(%feed, %error, "An unfinished body was not read to its end.");
            }
        }
    }

    async fn find_processing(&self, batch_id: BatchId) -> Result<Option<Batch>, IngestError> {
        let mut conn = self.store.acquire().await?;
        let batch = ingest::find_batch(&mut conn, batch_id).await?;
        Ok(batch.filter(|batch| batch.state == BatchState::Processing))
    }

    /// Reads the unfinished bodies of a lane, the oldest first, up to an arrival. Returns how many there were.
    pub(crate) async fn finish_before(
        &self,
        id: &FeedId,
        line: &Line,
        lane: Lane,
        arrival: Option<i64>,
    ) -> Result<usize, IngestError> {
        let mut conn = self.store.acquire().await?;
        let unfinished = ingest::list_unfinished(&mut conn, id, UNFINISHED_MAX).await?;
        drop(conn);
        let mut bodies = 0;
        for batch in unfinished {
            if Lane::of(batch.bytes) != lane || arrival.is_some_and(|arrival| arrival <= batch.arrival) {
                continue;
            }
            let batch_id = batch.batch_id;
            match self.finish(id, line, batch).await {
                Ok(()) => bodies += 1,
                Err(IngestError::Raw(error)) => {
                    tracing::warn!(feed = %id, batch.id = %batch_id, %error, "An unfinished body cannot be read here; it is left for the machine that has it.");
                }
                Err(IngestError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(bodies)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_read_in_the_lane_of_its_size() {
        for (bytes, lane) in [(0, 0), (2 << 20, 0), ((2 << 20) + 1, 1), (1 << 30, 2), (i64::MAX, LANES - 1)] {
            assert_eq!(Lane::of(bytes), Lane(lane), "{bytes}");
        }
    }

    #[tokio::test]
    async fn who_asks_for_all_waits_for_each_and_each_for_it() {
        let turns = Turns::default();
        let small = turns.lane(Lane::of(1)).await;
        assert!(futures_util::FutureExt::now_or_never(turns.all()).is_none());
        // What did not wait to the end holds nothing.
        drop(small);
        let all = turns.all().await;
        assert!(futures_util::FutureExt::now_or_never(turns.lane(Lane::of(i64::MAX))).is_none());
        assert!(futures_util::FutureExt::now_or_never(turns.group()).is_none());
        drop(all);
        assert!(futures_util::FutureExt::now_or_never(turns.group()).is_some());
    }
}
