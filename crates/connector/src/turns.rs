//! Bodies of one feed take turns, so that a small one is not held up by a large one.
//!
//! Bodies of about one size are read one after the other, as they came. Those of different sizes are read side by side: a
//! group of chunks of one, then a group of the next. So few bodies are in memory at once, and none waits for a much larger
//! one to end. What a record ends with does not hang on the order of reading: the place of a statement in the order of
//! arrival is that of its row ([`crate::known`]).

use tokio::sync::{Mutex, MutexGuard};

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
