//! Making the views anew from the log, beside the active ones, and exchanging the two.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use event_log::{Position, Positions};
use runtime::Shutdown;
use store::views::{self, Schema};
use store::{SessionLock, Transaction};

use crate::follow::{Failure, Follower};
use crate::{Config, Error, topics};

/// What a rebuild did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RebuildReport {
    /// Events read from the log.
    pub events: u64,
    /// How long it took.
    pub duration: Duration,
    /// The log no longer holds its beginning: what was dropped is not in the new views.
    pub log_is_cut: bool,
    /// Tables in which the new views differ from those that were active, at the same position; empty when they are the
    /// same.
    pub differing: Vec<&'static str>,
    /// The new views are the active ones now.
    pub exchanged: bool,
}

/// Makes the views anew and puts them in the place of the active ones, which are kept as the previous ones. Readers
/// see the one or the other, never a mixture; a projector that runs goes on with the new ones.
///
/// # Errors
/// When another rebuild runs, or the database or the log fail; the active views are then as they were.
pub async fn rebuild(config: &Config, shutdown: &Shutdown) -> Result<RebuildReport, Error> {
    make(config, shutdown, true).await
}

/// Makes the views anew, compares them with the active ones at the same position and drops them again.
///
/// # Errors
/// As [`rebuild`].
pub async fn check(config: &Config, shutdown: &Shutdown) -> Result<RebuildReport, Error> {
    make(config, shutdown, false).await
}

async fn make(config: &Config, shutdown: &Shutdown, exchange: bool) -> Result<RebuildReport, Error> {
    let lock = SessionLock::try_take(&config.store, store::locks::REBUILD).await?;
    let Some(lock) = lock else { return Err(Error::RebuildRuns) };
    let made = make_alone(config, shutdown, exchange).await;
    lock.release().await?;
    made
}

async fn make_alone(config: &Config, shutdown: &Shutdown, exchange: bool) -> Result<RebuildReport, Error> {
    let began = Instant::now();
    let begin = config.log.begin_positions(&topics()).await?;
    let log_is_cut = begin.iter().any(|(_, _, offset)| offset > 0);
    if log_is_cut {
        tracing::warn!("The log no longer holds its beginning: what was dropped will not be in the new views.");
    }
    create_next(config).await?;
    // What the database refused once it refuses again, and a rebuild has nobody to find it by smaller batches.
    let refused = views::list_refused(&mut *config.store.acquire().await?).await?;
    let poison: BTreeSet<Position> =
        refused.into_iter().map(|(topic, partition, offset)| Position { topic, partition, offset }).collect();
    let mut follower = Follower::begin(config, Schema::Next, poison).await?;
    // Most of the way without holding anybody up; the active views move on meanwhile.
    let target = active_positions(config).await?;
    follow_to(&mut follower, &target, config, shutdown).await?;
    analyze_next(config).await?;
    // The rest while the active views stand still.
    let mut tx = config.store.begin("exchange_views").await?;
    let target: Positions = serde_json::from_value(views::lock_checkpoint(&mut tx).await?.positions)?;
    follow_to(&mut follower, &target, config, shutdown).await?;
    // Both as they are at this position; comparing them takes its time and holds nobody up.
    let mut still = config.store.begin("compare_views").await?;
    views::read_one_state(&mut still).await?;
    let _the_state_begins_here = views::find_checkpoint(&mut still).await?;
    let (before, after) = if exchange {
        views::exchange(&mut tx).await?;
        (Schema::Previous, Schema::Active)
    } else {
        (Schema::Active, Schema::Next)
    };
    tx.commit().await?;
    let differing = compare(&mut still, before, after).await?;
    still.commit().await?;
    if !exchange {
        drop_next(config).await?;
    }
    let report = RebuildReport {
        events: follower.events(),
        duration: began.elapsed(),
        log_is_cut,
        differing,
        exchanged: exchange,
    };
    tracing::info!(events = report.events, exchanged = exchange, "The views were made anew from the log.");
    Ok(report)
}

async fn create_next(config: &Config) -> Result<(), Error> {
    let mut tx = config.store.begin("create_views").await?;
    views::drop_schema(&mut tx, Schema::Next).await?;
    views::create(&mut tx, Schema::Next).await?;
    tx.commit().await?;
    Ok(())
}

async fn active_positions(config: &Config) -> Result<Positions, Error> {
    let mut conn = config.store.acquire().await?;
    Ok(serde_json::from_value(views::find_checkpoint(&mut conn).await?.positions)?)
}

async fn follow_to(
    follower: &mut Follower<'_>,
    target: &Positions,
    config: &Config,
    shutdown: &Shutdown,
) -> Result<(), Error> {
    follower.read_from_here().await?;
    while !follower.positions().reached(target) {
        if shutdown.has_begun() {
            return Err(Error::Stopped);
        }
        let step = follower.step(config.limits.batch_events_max, Some(target)).await;
        step.map_err(|Failure { error, .. }| error)?;
    }
    follower.settle().await.map_err(|Failure { error, .. }| error)
}

/// Collects statistics, so that the first questions to the new views are planned as well as the last to the old ones.
async fn analyze_next(config: &Config) -> Result<(), Error> {
    let mut tx = config.store.begin("analyze_views").await?;
    views::use_schema(&mut tx, Schema::Next).await?;
    views::analyze(&mut tx).await?;
    tx.commit().await?;
    Ok(())
}

async fn drop_next(config: &Config) -> Result<(), Error> {
    let mut tx = config.store.begin("drop_views").await?;
    views::drop_schema(&mut tx, Schema::Next).await?;
    tx.commit().await?;
    Ok(())
}

async fn compare(tx: &mut Transaction, before: Schema, after: Schema) -> Result<Vec<&'static str>, Error> {
    let before = views::fingerprint(tx, before).await?;
    let after = views::fingerprint(tx, after).await?;
    Ok(before.into_iter().filter(|(table, print)| after.get(table) != Some(print)).map(|(table, _)| table).collect())
}
