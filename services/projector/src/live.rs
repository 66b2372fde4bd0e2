//! The projector at work: leads, loads, follows; begins anew when the views were exchanged or something failed.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use event_log::{EventLog, Position, Positions};
use runtime::Shutdown;

use crate::follow::{Failure, Follower};
use crate::leader::wait_for_leadership;
use crate::{Config, Error, publish, topics};
use store::views::Schema;
use tokio::task::JoinSet;

/// Waiting time after a failure: from the first to at most the second.
const BACK_OFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(30));
/// How often the lag is looked up in the log.
const LAG_EVERY: Duration = Duration::from_secs(2);

/// Keeps the active views at the end of the log until it is asked to stop. Another projector on the same database
/// waits meanwhile. Failures of the database and the log are waited out.
///
/// # Errors
/// None at present but those of a program that is wrong: everything else is tried again.
pub async fn run(config: Config, shutdown: Shutdown) -> Result<(), Error> {
    let mut course = Course::default();
    while !shutdown.has_begun() {
        let failure = match lead(&config, &shutdown, &mut course).await {
            Ok(()) => break,
            Err(failure) => failure,
        };
        let pause = course.after(&failure, config.limits.batch_events_max);
        tokio::select! {
            () = shutdown.wait() => break,
            () = tokio::time::sleep(pause) => {}
        }
    }
    tracing::info!("The projector has stopped.");
    Ok(())
}

/// What is remembered from one attempt to the next.
#[derive(Debug, Default)]
struct Course {
    failures: u32,
    /// Smaller batches after the database refused one, to find the event at fault.
    events_max: Option<usize>,
    poison: BTreeSet<Position>,
}

impl Course {
    fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// Draws the lesson from a failure and says how long to wait.
    fn after(&mut self, failure: &Failure, events_max: usize) -> Duration {
        match (&failure.error, &failure.suspect) {
            (Error::Store(store::Error::CheckpointMoved), _) => {
                tracing::info!("The views were exchanged or written by another projector: loading anew.");
                return Duration::ZERO;
            }
            (Error::Store(error), Some(position)) if error.refused_data().is_some() => {
                tracing::error!(
                    error.code = error.refused_data(),
                    log.topic = position.topic,
                    log.partition = position.partition,
                    log.offset = position.offset,
                    "The database refuses an event: it goes to quarantine."
                );
                self.poison.insert(position.clone());
                return Duration::ZERO;
            }
            (Error::Store(error), None) if error.refused_data().is_some() => {
                let smaller = self.events_max.unwrap_or(events_max).div_ceil(10);
                tracing::warn!(
                    error.code = error.refused_data(),
                    batch_events_max = smaller,
                    "The database refuses a batch: trying smaller ones to find the event at fault."
                );
                self.events_max = Some(smaller);
                return Duration::ZERO;
            }
            (error, _) => {
                self.failures += 1;
                tracing::warn!(
                    error = %error,
                    error.cause = std::error::Error::source(error).map(ToString::to_string),
                    failures = self.failures,
                    "The projector cannot go on now and tries again."
                );
            }
        }
        (BACK_OFF.0 * 2_u32.saturating_pow(self.failures.min(16) - 1)).min(BACK_OFF.1)
    }
}

async fn lead(config: &Config, shutdown: &Shutdown, course: &mut Course) -> Result<(), Failure> {
    let failed = |error: Error| Failure { error, suspect: None };
    let Some(mut lock) = wait_for_leadership(&config.store, shutdown).await.map_err(failed)? else { return Ok(()) };
    let mut follower = Follower::begin(config, Schema::Active, course.poison.clone()).await.map_err(failed)?;
    // Ends with the leadership: the set aborts what it holds when it is dropped.
    let mut publishing = JoinSet::new();
    if matches!(config.log, EventLog::Kafka(_)) {
        publishing.spawn(publish::run(config.clone(), shutdown.clone()));
    }
    let mut lag = Lag::default();
    let mut checked = Instant::now();
    while !shutdown.has_begun() {
        let events_max = course.events_max.unwrap_or(config.limits.batch_events_max);
        let read = follower.step(events_max, None).await?;
        course.succeeded();
        if read == 0 {
            // Everything is written: whatever was refused is behind.
            course.events_max = None;
            course.poison.clear();
        }
        lag.note(&config.log, follower.positions()).await;
        if checked.elapsed() > LAG_EVERY {
            checked = Instant::now();
            if !lock.is_held().await {
                follower.settle().await?;
                return Err(failed(Error::LeadershipLost));
            }
        }
    }
    follower.settle().await
}

/// How far behind the log the projector is, for the metric.
#[derive(Debug, Default)]
struct Lag {
    looked: Option<Instant>,
}

impl Lag {
    async fn note(&mut self, log: &EventLog, positions: &Positions) {
        if self.looked.is_some_and(|looked| looked.elapsed() < LAG_EVERY) {
            return;
        }
        self.looked = Some(Instant::now());
        // A log that is away shows itself at the next read; the gauge just keeps its value.
        if let Ok(end) = log.end_positions(&topics()).await {
            metrics::gauge!("isthmus_projector_lag_events").set(positions.behind(&end) as f64);
        }
    }
}
