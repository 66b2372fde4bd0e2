//! Decisions on their way to the person files: onto the log, and then, as far as one can wait, through the projector.

use std::time::Duration;

use domain::{Event, EventType};
use event_log::{Positions, Record};
use store::views;

use crate::problem::Problem;
use crate::state::QueryState;

/// How long the log may take to make a decision durable.
const APPEND_WAIT_MAX: Duration = Duration::from_secs(10);
/// How long an answer waits for the projector; after that it says that the decision is on its way.
const APPLY_WAIT_MAX: Duration = Duration::from_secs(5);
/// How often the checkpoint is looked at meanwhile.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Makes an event durable and says where the views are when they hold it.
///
/// # Errors
/// [`Problem::LogUnavailable`]. Whether the event is in the log is then unknown; sending it again is harmless.
pub(crate) async fn append(state: &QueryState, event: &Event) -> Result<Positions, Problem> {
    let encoded = state.setup.codec.encode(event).map_err(|error| {
        tracing::error!(%error, "A decision could not be written as an event.");
        Problem::Internal
    })?;
    let record = Record {
        topic: encoded.topic.to_owned(),
        key: encoded.key,
        payload: encoded.payload,
        headers: encoded.headers,
    };
    let appended = tokio::time::timeout(APPEND_WAIT_MAX, state.setup.log.append(vec![record])).await;
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

/// Waits until the views hold every decision of the log: what a new one changes is known only then.
///
/// # Errors
/// [`Problem::DecisionsPending`], and [`Problem::LogUnavailable`].
pub(crate) async fn settled(state: &QueryState) -> Result<(), Problem> {
    let end = state.setup.log.end_positions(&[EventType::LinkDecided.topic()]).await.map_err(|error| {
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
