//! Decisions and steps on their way to the views: onto the log, and then, as far as one can wait, through the projector.

use std::time::Duration;

use domain::{Event, EventType};
use event_log::{Positions, Record};
use store::{SessionLock, locks, views};
use tokio::sync::OwnedMutexGuard;

use crate::call::Failure;
use crate::problem::Problem;
use crate::state::QueryState;

/// How long a decision waits for those before it.
const TURN_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long the log may take to make a decision durable.
const APPEND_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long an answer waits for the projector; after that it says that the decision is on its way.
const APPLY_WAIT_MAX: Duration = Duration::from_secs(5);
/// How often the checkpoint is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The right to decide on matters of one kind: whoever has it reads what stands and adds to it, and nobody else does so meanwhile, in this process
/// or another.
pub(crate) struct Turn {
    lock: SessionLock,
    _alone: OwnedMutexGuard<()>,
}

impl Turn {
    /// Waits for the turn, and until the views hold every decision of the log: what a new one changes is known only then.
    /// Links and follow-ups do not wait for each other.
    ///
    /// # Errors
    /// [`Problem::DecisionsPending`], [`Problem::LogUnavailable`], and an unreachable database.
    pub(crate) async fn take(state: &QueryState, matters: EventType) -> Result<Self, Failure> {
        let (alone, key) = match matters {
            EventType::FollowUpChanged => (&state.following_up, locks::FOLLOWING_UP),
            _ => (&state.deciding, locks::DECIDING),
        };
        let take = async {
            let alone = alone.clone().lock_owned().await;
            loop {
                if let Some(lock) = SessionLock::try_take(&state.setup.store, key).await? {
                    return Ok::<_, Failure>(Self { lock, _alone: alone });
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        let turn = tokio::time::timeout(TURN_WAIT_MAX, take).await.map_err(|_| Problem::DecisionsPending)??;
        settled(state, matters).await?;
        Ok(turn)
    }

    /// Lets the next one decide.
    pub(crate) async fn end(self) {
        if let Err(error) = self.lock.release().await {
            tracing::warn!(%error, "The lock of decisions ends with its connection.");
        }
    }
}

/// Makes events durable and says where the views are when they hold it.
///
/// # Errors
/// [`Problem::LogUnavailable`]. Whether the events are in the log is then unknown; sending them again is harmless.
pub(crate) async fn append(state: &QueryState, events: &[Event]) -> Result<Positions, Problem> {
    let record = |event: &Event| {
        let encoded = state.setup.codec.encode(event).map_err(|error| {
            tracing::error!(%error, "A decision could not be written as an event.");
            Problem::Internal
        })?;
        let topic = encoded.topic.to_owned();
        Ok(Record { topic, key: encoded.key, payload: encoded.payload, headers: encoded.headers })
    };
    let records: Vec<Record> = events.iter().map(record).collect::<Result<_, Problem>>()?;
    let appended = tokio::time::timeout(APPEND_WAIT_MAX, state.setup.log.append(records)).await;
    match appended {
        Ok(Ok(end)) => Ok(end),
        Ok(Err(error)) => {
            tracing::error!(%error, "The event log did not take a decision.");
            Err(Problem::LogUnavailable)
        }
        Err(_) => {
            tracing::error!("The event log was too slow for a decision.");
            Err(Problem::LogUnavailable)
        }
    }
}

async fn settled(state: &QueryState, matters: EventType) -> Result<(), Problem> {
    let end = state.setup.log.end_positions(&[matters.topic()]).await.map_err(|error| {
        tracing::error!(%error, "The event log does not say how many decisions it holds.");
        Problem::LogUnavailable
    })?;
    if applied(state, &end).await { Ok(()) } else { Err(Problem::DecisionsPending) }
}

/// Waits until the views hold everything before these positions; says whether they do.
pub(crate) async fn applied(state: &QueryState, end: &Positions) -> bool {
    let wait = async {
        loop {
            if let Ok(true) = reached(state, end).await {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::time::timeout(APPLY_WAIT_MAX, wait).await.is_ok()
}

async fn reached(state: &QueryState, end: &Positions) -> Result<bool, store::Error> {
    let mut conn = state.setup.store.acquire().await?;
    let checkpoint = views::find_checkpoint(&mut conn).await?;
    let at: Result<Positions, _> = serde_json::from_value(checkpoint.positions);
    Ok(at.is_ok_and(|at| at.reached(end)))
}
