//! What every handler works with.

use std::sync::Arc;
use std::time::Duration;

use access::{GrantRules, Policy};
use codec::Codec;
use domain::{Timestamp, TokenKey};
use event_log::EventLog;
use exposure::KeyGroups;
use ledger::{LedgerClient, Stamper};
use oidc::Oidc;
use runtime::Shutdown;
use store::Store;
use tokio::sync::{Mutex, Semaphore};

use crate::contacts::Held;
use crate::strangers::Strangers;
use crate::watch::Watch;

/// Gives the wall-clock time.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The rules of trust: what is suspicious, what grants a site gives.
pub struct Trust {
    /// What makes a look suspicious, and what budgets stop.
    pub suspicion: scrutiny::Rules,
    /// Which emergency grants there may be.
    pub grants: GrantRules,
    /// Milliseconds since any beginning, by a clock that nobody can set.
    pub monotonic: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl Default for Trust {
    fn default() -> Self {
        Self::new(scrutiny::Rules::default(), GrantRules::default())
    }
}

impl Trust {
    /// The rules of a site, by the clock of this process.
    pub fn new(suspicion: scrutiny::Rules, grants: GrantRules) -> Self {
        let started = std::time::Instant::now();
        let monotonic = move || u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        Self { suspicion, grants, monotonic: Arc::new(monotonic) }
    }
}

/// What a query API is made of.
pub struct QuerySetup {
    /// The database.
    pub store: Store,
    /// The access log. Nothing is answered without its receipt.
    pub ledger: LedgerClient,
    /// The key of claim tokens.
    pub token_key: TokenKey,
    /// Who may see what.
    pub policy: Policy,
    /// What is suspicious, and what grants there may be.
    pub trust: Trust,
    /// The rules of disease control.
    pub rules: exposure::Rules,
    /// Boundaries of townships; none where registers state codes only.
    pub townships: exposure::Townships,
    /// Who needs care, and is looked after especially.
    pub key_groups: KeyGroups,
    /// The OpenID provider that staff come from; without one, everybody has a token of the hub.
    pub oidc: Option<Oidc>,
    /// The log that decisions are published to.
    pub log: EventLog,
    /// How events are written in it.
    pub codec: Codec,
    /// The wall clock.
    pub clock: Clock,
    /// The wish to stop: answers that go on end with it.
    pub shutdown: Shutdown,
}

/// The longest that an append to the ledger may take before the answer is given up.
pub const LEDGER_WAIT_MAX: Duration = Duration::from_secs(2);

/// Streams of changes that a process keeps open at most: each holds a connection of the listener.
const FOLLOWERS_MAX: usize = 64;

/// Answers about the contacts of many cases that a process counts at once: each may take hundreds of megabytes.
const COUNTING_MAX: usize = 2;

/// The state of the query API; cheap to clone.
#[derive(Clone)]
pub struct QueryState {
    pub(crate) setup: Arc<QuerySetup>,
    pub(crate) stamper: Stamper,
    pub(crate) strangers: Arc<Strangers>,
    /// Places for streams of changes.
    pub(crate) followers: Arc<Semaphore>,
    /// Places for answers about the contacts of many cases.
    pub(crate) counting: Arc<Semaphore>,
    /// Held by the one decision that is being made here.
    pub(crate) deciding: Arc<Mutex<()>>,
    /// Held by the one step in a follow-up that is being taken here.
    pub(crate) following_up: Arc<Mutex<()>>,
    /// Where everybody was.
    pub(crate) contacts: Arc<Held>,
    /// What is watched over: looks, budgets, grants.
    pub(crate) watch: Arc<Watch>,
}

impl QueryState {
    /// Makes the state. The monotonic clock of its ledger entries begins here.
    pub fn new(setup: QuerySetup) -> Self {
        Self {
            setup: Arc::new(setup),
            stamper: Stamper::start(),
            strangers: Arc::default(),
            followers: Arc::new(Semaphore::new(FOLLOWERS_MAX)),
            counting: Arc::new(Semaphore::new(COUNTING_MAX)),
            deciding: Arc::default(),
            following_up: Arc::default(),
            contacts: Arc::default(),
            watch: Arc::default(),
        }
    }

    /// The wall-clock time.
    pub(crate) fn now(&self) -> Timestamp {
        (self.setup.clock)()
    }
}

impl std::fmt::Debug for QueryState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueryState").finish_non_exhaustive()
    }
}
