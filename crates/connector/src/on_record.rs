//! What the loop puts on record of a feed itself: versions of its profile, and what it is like from day to day.

use std::sync::PoisonError;
use std::sync::atomic::Ordering;

use domain::{FeedId, Timestamp, TokenKey};
use store::ingest::Batch;
use store::quality::QualityDay;

use crate::chunk::Chunk;
use crate::error::IngestError;
use crate::ingest::{Core, Ingest, Line};
use crate::profile::Profile;
use crate::quality::{self, Alert, AlertKind, Gathered};

impl Ingest {
    /// What a feed is like from day to day, and what about it is odd now.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn quality(&self, feed: &FeedId) -> Result<(Vec<QualityDay>, Vec<Alert>), IngestError> {
        let profile = self.profile(feed).ok_or(IngestError::UnknownFeed)?;
        let mut conn = self.core.store.acquire().await?;
        let days = store::quality::list(&mut conn, feed, quality::DAYS).await?;
        let now = (self.core.clock)();
        let alerts = quality::judge(&days, &profile.quality, &quality::day_of(profile, now), now);
        Ok((days, alerts))
    }

    /// Looks at the quality of every feed, sets the metric of each alert, and logs those that are new.
    ///
    /// # Errors
    /// When the store cannot be reached.
    pub async fn watch_quality(&self) -> Result<(), IngestError> {
        for (feed, line) in &self.core.lines {
            let (_, alerts) = self.quality(feed).await?;
            let codes: Vec<&'static str> = alerts.iter().map(|alert| alert.code).collect();
            let before =
                std::mem::replace(&mut *line.alerts.lock().unwrap_or_else(PoisonError::into_inner), codes.clone());
            for kind in AlertKind::ALL {
                let on = if codes.contains(&kind.code()) { 1.0 } else { 0.0 };
                metrics::gauge!("isthmus_feed_alert_state", "feed" => feed.to_string(), "alert" => kind.code()).set(on);
            }
            for alert in alerts.iter().filter(|alert| !before.contains(&alert.code)) {
                tracing::warn!(%feed, alert = alert.code, day = alert.day, found = alert.message, "A feed needs a look.");
            }
        }
        Ok(())
    }
}

impl Core {
    /// Puts the version of a feed's profile on record, once in the life of a process.
    pub(crate) async fn register(&self, conn: &mut store::Conn, line: &Line) -> Result<(), IngestError> {
        if line.registered.load(Ordering::Relaxed) {
            return Ok(());
        }
        let profile = line.feed.profile();
        let version = store::profiles::ProfileVersion {
            version: profile.version_name(),
            text: profile.text().to_owned(),
            first_seen: (self.clock)(),
        };
        store::profiles::put(conn, &profile.feed, &version).await?;
        line.registered.store(true, Ordering::Relaxed);
        Ok(())
    }
}

impl Line {
    /// Waits while the feed has spent its rows a minute.
    pub(crate) async fn keep_pace(&self, rows: usize) {
        if let Some(ready) = self.pace.spend(tokio::time::Instant::now(), rows) {
            tokio::time::sleep_until(ready).await;
        }
    }

    /// Notes what a chunk is like, for the feed's quality.
    pub(crate) fn gather(&self, gathered: &mut Gathered, chunk: &Chunk, key: &TokenKey, received_at: Timestamp) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.note(chunk, self.feed.profile(), key, received_at, &mut names);
    }
}

/// Adds what a finished batch was like to its feed's day.
pub(crate) async fn add_quality(
    tx: &mut store::Transaction,
    profile: &Profile,
    batch: &Batch,
    gathered: Gathered,
) -> Result<(), IngestError> {
    let codes = store::quality::count_codes(tx, batch.batch_id).await?;
    Ok(store::quality::add(tx, &profile.feed, &gathered.day(profile, batch, codes)).await?)
}

/// Notes on its feed's day that a body was refused.
pub(crate) async fn add_refusal(
    tx: &mut store::Transaction,
    profile: &Profile,
    batch: &Batch,
    code: &str,
) -> Result<(), IngestError> {
    let day = QualityDay {
        day: quality::day_of(profile, batch.received_at),
        refusals: [(code.to_owned(), 1)].into(),
        last_arrival: batch.received_at,
        ..QualityDay::default()
    };
    Ok(store::quality::add(tx, &profile.feed, &day).await?)
}
