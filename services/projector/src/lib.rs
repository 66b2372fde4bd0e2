//! The single writer of the views: events in, person files and facts out.
//!
//! Invariants: the views are a function of the log up to the checkpoint, whatever the order between topics and however
//! often an event comes; the checkpoint moves in the transaction that writes what it stands for; what cannot be read
//! as an event goes to quarantine with its position, and the checkpoint goes past it.
//!
//! Not here: how records are linked (`linkage`), which value of a field wins (`domain`), SQL (`store`).

mod book;
mod decode;
mod follow;
mod hot;
mod item;
mod leader;
mod lineage;
mod live;
mod model;
mod orders;
mod projection;
mod publish;
mod rebuild;

use std::sync::Arc;
use std::time::Duration;

use codec::Codec;
use domain::{EventType, Survivorship, TokenKey};
use event_log::{EventLog, Positions};
use linkage::Model;
use store::{Store, views};

pub use live::run;
pub use orders::standing_order;
pub use publish::published_topic;
pub use rebuild::{RebuildReport, check, rebuild};

/// What the projector works with.
#[derive(Clone)]
pub struct Config {
    /// The database of the views.
    pub store: Store,
    /// The log to read.
    pub log: EventLog,
    /// How events are written in it.
    pub codec: Codec,
    /// The linkage model while the log says nothing of one. Views that another one made are decided anew at the start.
    pub model: Arc<Model>,
    /// The rules of survivorship. Persons that other rules made are made anew at the start.
    pub survivorship: Arc<Survivorship>,
    /// The key of claim tokens.
    pub token_key: TokenKey,
    /// How much is taken in at once.
    pub limits: Limits,
}

/// How much is taken in at once.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Events of one transaction.
    pub batch_events_max: usize,
    /// How long to wait for events before looking around.
    pub wait: Duration,
}

impl Default for Limits {
    /// Only a backlog fills a batch. The larger it is, the less often a person whose records lie all over the backlog is
    /// written; an event in it takes a few KiB while it is worked on.
    fn default() -> Self {
        Self { batch_events_max: 30_000, wait: Duration::from_millis(100) }
    }
}

/// Why the projector stopped. No text holds a value of an event.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The views could not be read or written.
    #[error("the views could not be read or written")]
    Store(#[from] store::Error),
    /// The log could not be read.
    #[error("the event log could not be read")]
    Log(#[from] event_log::LogError),
    /// The checkpoint in the database is not one of the event log.
    #[error("the checkpoint does not have the form of positions in the log")]
    Checkpoint(#[from] serde_json::Error),
    /// The registry of schemas is away.
    #[error("the schema of an event could not be looked up")]
    Registry(#[source] codec::DecodeError),
    /// A change of a person does not fit a message.
    #[error("a change of a person cannot be published")]
    Unpublishable(#[source] codec::EncodeError),
    /// The model that the log says decides is not one for this program.
    #[error("the linkage model {version} decides, and this version of the program cannot use it")]
    Model {
        /// Which model.
        version: String,
        /// Why not.
        source: linkage::ModelError,
    },
    /// A task of the projector ended by a panic.
    #[error("a task of the projector ended by a panic")]
    Panicked(#[source] tokio::task::JoinError),
    /// The session lock of the writing projector is gone.
    #[error("the lock of the writing projector was lost")]
    LeadershipLost,
    /// Another rebuild runs.
    #[error("another rebuild runs on this database")]
    RebuildRuns,
    /// It was asked to stop before it was done.
    #[error("stopped before it was done")]
    Stopped,
}

/// The topics that the projector reads: all there are.
pub fn topics() -> Vec<&'static str> {
    EventType::ALL.iter().map(|event_type| event_type.topic()).collect()
}

/// Whether the active views hold everything up to these positions (next offsets, as `EventLog::end_positions` says).
///
/// # Errors
/// When the database cannot be reached.
pub async fn caught_up(store: &Store, up_to: &Positions) -> Result<bool, Error> {
    let mut conn = store.acquire().await?;
    let checkpoint = views::find_checkpoint(&mut conn).await?;
    let at: Positions = serde_json::from_value(checkpoint.positions)?;
    Ok(at.reached(up_to))
}
