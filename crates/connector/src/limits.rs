//! What one feed may ask of the hub, so that no feed takes what the others need.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use crate::chunk::MappedRow;
use crate::error::IngestError;
use crate::reason::Reason;

/// Rows below which a share says nothing.
const SHARE_ROWS_MIN: usize = 20;
/// A feed may spend so much of its rate at once.
const BURST: Duration = Duration::from_secs(60);

/// The limits of one feed (`[limits]` of its profile). What is left out is as the hub has it for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedLimits {
    /// Most bytes of a plain body.
    pub body_bytes_max: Option<u64>,
    /// Bodies that may be on their way at once.
    pub bodies_at_once_max: Option<usize>,
    /// Rows and messages a minute; what comes faster waits, and new bodies are told when to come again.
    pub rows_per_minute: Option<u32>,
    /// A body of whose first rows (up to 4,000) more than this share fails is refused as a whole: the file is another one
    /// than the profile means.
    pub quarantined_share_max: Option<f64>,
}

impl FeedLimits {
    /// Says what is wrong with the limits themselves, as key and message.
    pub(crate) fn check(&self) -> Result<(), (String, String)> {
        let wrong = |key: &str, message: &str| Err((format!("limits.{key}"), message.to_owned()));
        match self {
            Self { body_bytes_max: Some(0), .. } => wrong("body_bytes_max", "a body has at least one byte"),
            Self { bodies_at_once_max: Some(0), .. } => wrong("bodies_at_once_max", "at least one body must come in"),
            Self { rows_per_minute: Some(0), .. } => wrong("rows_per_minute", "at least one row must come in"),
            Self { quarantined_share_max: Some(share), .. } if !(0.0..1.0).contains(share) => {
                wrong("quarantined_share_max", "a share is at least 0 and less than 1, such as 0.2")
            }
            _ => Ok(()),
        }
    }

    /// Refuses a body whose first rows fail too often.
    pub(crate) fn check_share(&self, first_rows: &[MappedRow]) -> Result<(), IngestError> {
        let Some(share_max) = self.quarantined_share_max.filter(|_| first_rows.len() >= SHARE_ROWS_MIN) else {
            return Ok(());
        };
        let failures: Vec<_> = first_rows.iter().filter_map(|row| row.result.as_ref().err()).collect();
        let Some(first) = failures.first() else { return Ok(()) };
        if failures.len() as f64 <= share_max * first_rows.len() as f64 {
            return Ok(());
        }
        let message = format!(
            "{} of the first {} rows fail, the first of them so: {}: {first}",
            failures.len(),
            first_rows.len(),
            first.reason.code()
        );
        Err(IngestError::refused(Reason::QuarantinedTooMany, message))
    }
}

/// Keeps a feed to its rows a minute.
#[derive(Debug)]
pub(crate) struct Pace {
    rows_per_minute: Option<u32>,
    /// Until when the feed has spent its rate.
    spent_until: Mutex<Option<Instant>>,
}

impl Pace {
    pub(crate) fn new(rows_per_minute: Option<u32>) -> Self {
        Self { rows_per_minute, spent_until: Mutex::default() }
    }

    /// Refuses a new body while the feed has spent its rate.
    pub(crate) fn admit(&self, now: Instant) -> Result<(), IngestError> {
        let spent_until = *self.spent_until.lock().unwrap_or_else(PoisonError::into_inner);
        match spent_until.and_then(|until| until.checked_duration_since(now + BURST)) {
            Some(wait) if !wait.is_zero() => Err(IngestError::TooFast { retry_after: wait }),
            _ => Ok(()),
        }
    }

    /// Notes rows, and says until when the feed waits after them.
    pub(crate) fn spend(&self, now: Instant, rows: usize) -> Option<Instant> {
        let rows_per_minute = self.rows_per_minute?;
        let cost = Duration::from_secs(60).mul_f64(rows as f64 / f64::from(rows_per_minute));
        let mut spent_until = self.spent_until.lock().unwrap_or_else(PoisonError::into_inner);
        let until = spent_until.map_or(now, |until| until.max(now)) + cost;
        *spent_until = Some(until);
        until.checked_sub(BURST).filter(|ready| *ready > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_spends_a_minute_at_once_and_waits_after_it_and_new_bodies_come_again_later() {
        let (pace, now) = (Pace::new(Some(600)), Instant::now());
        assert_eq!(pace.spend(now, 600), None);
        assert!(pace.admit(now).is_ok());
        assert_eq!(pace.spend(now, 100), Some(now + Duration::from_secs(10)));
        let Err(IngestError::TooFast { retry_after }) = pace.admit(now) else { panic!("too fast") };
        assert_eq!(retry_after, Duration::from_secs(10));
        assert!(pace.admit(now + Duration::from_secs(10)).is_ok());
    }

    #[test]
    fn a_feed_without_a_rate_never_waits() {
        let pace = Pace::new(None);
        assert_eq!(pace.spend(Instant::now(), usize::MAX), None);
        assert!(pace.admit(Instant::now()).is_ok());
    }
}
