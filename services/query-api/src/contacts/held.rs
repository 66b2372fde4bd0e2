//! The index of contacts that a process holds, and what keeps it current.
//!
//! When facts change, those of the persons concerned are read again, so that an answer has them within a second. Where so
//! many change that this would take most of the time, it waits longer; where places change, or very many persons do, it
//! is built anew, at once when the views are at rest, and now and then while they move. An answer says as of when it is.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use domain::Timestamp;
use store::views::{self, Checkpoint, Touched};

use super::city::City;
use super::keeper::Keeper;
use crate::problem::Problem;
use crate::state::QueryState;

/// How often the views are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// More subjects than these at once are not followed one by one.
const SUBJECTS_MAX: i64 = 20_000;
/// So long an answer waits for an index of an earlier instant.
const LOADING_MAX: Duration = Duration::from_secs(2);
/// So long an index that took a while is kept from whoever asks about another instant.
const THEN_KEPT_MIN: Duration = Duration::from_secs(30);
/// So long such an index is kept after it was asked for.
const THEN_KEPT: Duration = Duration::from_secs(600);
/// After facts were taken in, this many times as long as that took is spent otherwise.
const REST_PER_FOLLOW: u32 = 3;
/// While the views move, an index is at least so old before it is built anew, and this many times as old as that took.
const AGE_MIN: Duration = Duration::from_secs(30);
const AGE_PER_BUILD: u32 = 10;

/// The index; none until it was built for the first time.
#[derive(Default)]
pub(crate) struct Held {
    now: RwLock<Option<Arc<City>>>,
    then: tokio::sync::Mutex<Then>,
}

/// Such an index, and when it was there; none when it could not be made.
struct Made {
    at: Instant,
    city: Option<Arc<City>>,
}

/// An index of what was known at an earlier instant: one at a time, because it is as large as that of now.
#[derive(Default)]
struct Then {
    known_at: Option<Timestamp>,
    begun: Option<Instant>,
    made: Arc<OnceLock<Made>>,
    asked: Option<Instant>,
}

impl Then {
    /// Whether somebody waits for it: it is being made, or whoever was told to come back has hardly had the time.
    fn is_wanted(&self) -> bool {
        let Some(begun) = self.begun else { return false };
        let took_long = |made: &Made| made.at.duration_since(begun) > LOADING_MAX;
        self.made.get().is_none_or(|made| took_long(made) && made.at.elapsed() < THEN_KEPT_MIN)
    }
}

impl Held {
    /// The index as it is.
    pub(crate) fn city(&self) -> Result<Arc<City>, Problem> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Problem::ContactsLoading)
    }

    fn put(&self, city: City) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(city));
    }

    async fn forget_then(&self) {
        *self.then.lock().await = Then::default();
    }

    /// Lets go of what nobody asked for lately.
    async fn tidy(&self) {
        let mut then = self.then.lock().await;
        let is_made = then.made.get().is_some();
        if is_made && then.asked.is_some_and(|asked| asked.elapsed() > THEN_KEPT) {
            *then = Then::default();
        }
    }
}

/// Reads where everybody was, and puts the index in the place of the one before.
///
/// # Errors
/// When the views cannot be read.
pub async fn load_contacts(state: &QueryState) -> store::Result<()> {
    read(state).await.map(|_| ())
}

/// Reads everything; `None` when no index can be made of it, which the log tells.
async fn read(state: &QueryState) -> store::Result<Option<Keeper>> {
    let mut conn = state.setup.store.snapshot().await?;
    let found = Keeper::read(&mut conn, &state.setup.rules, state.now(), None).await?;
    Ok(found.map(|(keeper, city)| {
        state.contacts.put(city);
        keeper
    }))
}

/// The index of now, or of what was known at an instant.
pub(super) async fn city(state: &QueryState, known_at: Option<Timestamp>) -> Result<Arc<City>, Problem> {
    match known_at {
        None => state.contacts.city(),
        Some(known_at) => city_known(state, known_at).await,
    }
}

/// The index of what was known at an instant. It is made when it is asked for: until it is there, and while another one is
/// being made, the answer is that it is loading.
async fn city_known(state: &QueryState, known_at: Timestamp) -> Result<Arc<City>, Problem> {
    let mut then = state.contacts.then.lock().await;
    then.asked = Some(Instant::now());
    if then.known_at != Some(known_at) {
        if then.is_wanted() {
            return Err(Problem::ContactsLoading);
        }
        *then = Then { known_at: Some(known_at), begun: Some(Instant::now()), made: Arc::default(), asked: then.asked };
        let (state, made) = (state.clone(), Arc::clone(&then.made));
        tokio::spawn(async move {
            // A task of its own, so that it has an end whatever happens in it.
            let found = tokio::spawn(async move { read_known(&state, known_at).await }).await;
            if let Ok(Err(error)) = &found {
                tracing::warn!(%error, "What was known of everybody's whereabouts could not be read.");
            }
            // Nobody else sets it.
            let city = found.ok().and_then(Result::ok).flatten().map(Arc::new);
            let _ = made.set(Made { at: Instant::now(), city });
        });
    }
    let made = Arc::clone(&then.made);
    drop(then);
    let begin = Instant::now();
    while made.get().is_none() && begin.elapsed() < LOADING_MAX {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    match made.get() {
        Some(Made { city: Some(city), .. }) => Ok(Arc::clone(city)),
        Some(_) => {
            state.contacts.forget_then().await;
            Err(Problem::StoreUnavailable)
        }
        None => Err(Problem::ContactsLoading),
    }
}

async fn read_known(state: &QueryState, known_at: Timestamp) -> store::Result<Option<City>> {
    let mut conn = state.setup.store.snapshot().await?;
    let found = Keeper::read(&mut conn, &state.setup.rules, known_at, Some(known_at)).await?;
    Ok(found.map(|(_, city)| city))
}

/// Keeps the index current until the process stops.
pub async fn follow_contacts(state: QueryState) {
    let shutdown = state.setup.shutdown.clone();
    let mut follower = ContactsFollower::default();
    loop {
        if let Err(error) = follower.look(&state).await {
            // The text of a store error holds no value of a row.
            tracing::warn!(%error, "Where everybody was could not be read; it is tried again.");
        }
        state.contacts.tidy().await;
        tokio::select! {
            () = shutdown.wait() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
    }
}

/// Keeps the index of contacts current, one look at the views after another.
#[derive(Default)]
pub struct ContactsFollower {
    /// What the views were at the last look.
    seen: Option<Checkpoint>,
    /// What the index was made of.
    keeper: Option<Keeper>,
    /// When the index was built, and how long that took.
    built: Option<(Instant, Duration)>,
    /// When facts were last taken in, and how long that took.
    followed: Option<(Instant, Duration)>,
}

impl ContactsFollower {
    /// Looks whether the views moved on, and takes in what changed when its time has come. Tells whether the index is that
    /// of the views as they were at the look.
    ///
    /// # Errors
    /// When the views cannot be read.
    pub async fn look(&mut self, state: &QueryState) -> store::Result<bool> {
        let at = state.now();
        let now = {
            let mut conn = state.setup.store.acquire().await?;
            views::find_checkpoint(&mut conn).await?
        };
        let is_at_rest = self.seen.as_ref() == Some(&now);
        self.seen = Some(now.clone());
        if let Some(city) = state.contacts.city().ok().filter(|city| city.checkpoint == now) {
            city.is_current(at);
            return Ok(true);
        }
        if self.keeper.as_ref().is_some_and(|keeper| keeper.can_follow(&now)) {
            if self.followed.is_some_and(|(at, took)| at.elapsed() < took * REST_PER_FOLLOW) {
                return Ok(false);
            }
            if self.follow(state).await? {
                return Ok(true);
            }
        }
        let is_due = self.built.is_none_or(|(at, took)| at.elapsed() >= AGE_MIN.max(took * AGE_PER_BUILD));
        if !(is_at_rest || is_due) {
            return Ok(false);
        }
        // Two at once would not fit into memory where one just does.
        self.keeper = None;
        let begin = Instant::now();
        self.keeper = read(state).await?;
        self.built = Some((Instant::now(), begin.elapsed()));
        tracing::debug!(duration_ms = begin.elapsed().as_millis() as u64, "The index of contacts was built.");
        Ok(true)
    }

    /// Takes in what was touched since; false when everything is to be read.
    async fn follow(&mut self, state: &QueryState) -> store::Result<bool> {
        let Some(mut keeper) = self.keeper.take() else { return Ok(false) };
        let begin = Instant::now();
        let mut conn = state.setup.store.snapshot().await?;
        let Touched::Subjects(subjects) = views::list_touched(&mut conn, keeper.touched(), SUBJECTS_MAX).await? else {
            return Ok(false);
        };
        let Some(city) = keeper.follow(&mut conn, &subjects, state.now()).await? else { return Ok(false) };
        state.contacts.put(city);
        self.keeper = Some(keeper);
        self.followed = Some((Instant::now(), begin.elapsed()));
        tracing::debug!(
            subjects = subjects.len(),
            duration_ms = begin.elapsed().as_millis() as u64,
            "Changed facts were taken into the index of contacts."
        );
        Ok(true)
    }
}
