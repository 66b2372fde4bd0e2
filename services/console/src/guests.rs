//! Who is signed in: sessions with the tokens that they stand for, in the memory of this process and nowhere else.
//!
//! A session ends when nobody used it for half an hour, and twelve hours after it began (OWASP ASVS 5.0, 7.3.1 and 7.3.2). A
//! restart ends all of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use oidc::LoginTokens;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A session that nobody used for so long has ended.
const IDLE_MAX: Duration = Duration::from_secs(30 * 60);
/// However much it is used, a session ends so long after it began.
const LIFE_MAX: Duration = Duration::from_secs(12 * 3_600);
/// Sessions that are open at most.
const SESSIONS_MAX: usize = 10_000;
/// Sessions of one token that are open at most; the one that was not used for longest gives way.
const SESSIONS_OF_ONE_MAX: usize = 100;

/// What a session stands for: the tokens that open something, none of which the browser sees.
#[derive(Clone, Default)]
pub(crate) struct Guest {
    /// Token of the caller.
    pub(crate) caller: Option<String>,
    /// Tokens of feeds, by feed.
    pub(crate) feeds: BTreeMap<String, String>,
    /// Handle of the caller, under which all sessions of one visitor are found.
    pub(crate) handle: Option<String>,
    /// The demo role that was chosen.
    pub(crate) demo: Option<String>,
    /// Tokens of the provider; the caller's is the access token among them.
    pub(crate) provider: Option<LoginTokens>,
}

impl Guest {
    /// What tells one visitor from another: the handle or token of the caller, or the token of the first feed.
    fn owner(&self) -> Option<&String> {
        self.handle.as_ref().or(self.caller.as_ref()).or_else(|| self.feeds.values().next())
    }

    /// The token that a call to this path carries.
    pub(crate) fn token_for(&self, path: &str) -> Option<&str> {
        let feed = path.strip_prefix("/v1/feeds/").and_then(|rest| rest.split('/').next());
        match feed {
            Some(feed) => self.feeds.get(feed).map(String::as_str),
            None => self.caller.as_deref(),
        }
    }
}

impl std::fmt::Debug for Guest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guest").field("demo", &self.demo).finish_non_exhaustive()
    }
}

/// A role that a visitor of the demo may choose instead of signing in.
#[derive(Clone, Debug)]
pub struct DemoRole {
    /// Name of the choice, such as `cdc-tracer`.
    pub name: String,
    /// Token of its caller, if it has one.
    pub caller: Option<String>,
    /// Tokens of its feeds.
    pub feeds: BTreeMap<String, String>,
    /// The case that it works on, if it works on one.
    pub case: Option<String>,
}

/// A role of the demo as the browser is told of it.
#[derive(Debug, Serialize)]
pub(crate) struct DemoRoleView {
    /// Name of the choice.
    name: String,
    /// The case that it works on.
    case: Option<String>,
}

/// The roles that the demo offers.
#[derive(Debug, Default)]
pub(crate) struct DemoRoles(RwLock<Vec<DemoRole>>);

impl DemoRoles {
    pub(crate) fn set(&self, roles: Vec<DemoRole>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = roles;
    }

    pub(crate) fn views(&self) -> Vec<DemoRoleView> {
        let view = |role: &DemoRole| DemoRoleView { name: role.name.clone(), case: role.case.clone() };
        self.0.read().unwrap_or_else(PoisonError::into_inner).iter().map(view).collect()
    }

    pub(crate) fn guest(&self, name: &str) -> Option<Guest> {
        let roles = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let role = roles.iter().find(|role| role.name == name)?;
        let demo = Some(role.name.clone());
        Some(Guest { caller: role.caller.clone(), feeds: role.feeds.clone(), demo, ..Guest::default() })
    }
}

struct Session {
    guest: Guest,
    began: Instant,
    used: Instant,
}

impl Session {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.used) > IDLE_MAX || now.duration_since(self.began) > LIFE_MAX
    }
}

/// Sessions by the hash of their id: who reads this memory cannot make a cookie from it.
#[derive(Default)]
pub(crate) struct Guests(Mutex<HashMap<[u8; 32], Session>>);

impl Guests {
    /// Opens a session; the answer is its id, for the cookie. `None` when there is no room or no randomness.
    pub(crate) fn open(&self, guest: Guest, now: Instant) -> Option<String> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).ok()?;
        let id = URL_SAFE_NO_PAD.encode(bytes);
        let mut sessions = self.sessions();
        if sessions.len() >= SESSIONS_MAX {
            sessions.retain(|_, session| !session.is_over(now));
        }
        if sessions.len() >= SESSIONS_MAX {
            return None;
        }
        let owner = guest.owner();
        let own = sessions.iter().filter(|(_, session)| session.guest.owner() == owner);
        let (count, oldest) =
            own.fold((0, None), |(count, oldest): (usize, Option<([u8; 32], Instant)>), (key, session)| {
                let older = oldest.filter(|(_, used)| *used <= session.used);
                (count + 1, older.or(Some((*key, session.used))))
            });
        if let Some((oldest, _)) = oldest.filter(|_| count >= SESSIONS_OF_ONE_MAX) {
            sessions.remove(&oldest);
        }
        sessions.insert(key(&id), Session { guest, began: now, used: now });
        Some(id)
    }

    /// Who has this id, if the session goes on.
    pub(crate) fn find(&self, id: &str, now: Instant) -> Option<Guest> {
        let key = key(id);
        let mut sessions = self.sessions();
        let session = sessions.get_mut(&key)?;
        if session.is_over(now) {
            sessions.remove(&key);
            return None;
        }
        session.used = now;
        Some(session.guest.clone())
    }

    /// Gives a session the tokens that its provider has renewed.
    pub(crate) fn renew(&self, id: &str, tokens: LoginTokens) -> Option<Guest> {
        let mut sessions = self.sessions();
        let guest = &mut sessions.get_mut(&key(id))?.guest;
        guest.caller = Some(tokens.access().to_owned());
        guest.provider = Some(tokens);
        Some(guest.clone())
    }

    /// Ends a session.
    pub(crate) fn close(&self, id: &str) {
        self.sessions().remove(&key(id));
    }

    /// Ends all sessions of the visitor who has this one.
    pub(crate) fn close_all(&self, id: &str) {
        let mut sessions = self.sessions();
        let Some(session) = sessions.remove(&key(id)) else { return };
        if let Some(owner) = session.guest.owner() {
            sessions.retain(|_, other| other.guest.owner() != Some(owner));
        }
    }

    fn sessions(&self) -> MutexGuard<'_, HashMap<[u8; 32], Session>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key(id: &str) -> [u8; 32] {
    Sha256::digest(id.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guest() -> Guest {
        let feeds = [("gate-scans".into(), "feed-token".into())].into();
        Guest { caller: Some("caller-token".into()), feeds, ..Guest::default() }
    }

    #[test]
    fn a_session_ends_after_half_an_hour_of_silence_and_after_twelve_hours_at_the_latest() {
        let (guests, start) = (Guests::default(), Instant::now());
        let minutes = |minutes: u64| start + Duration::from_secs(60 * minutes);
        let id = guests.open(guest(), start).expect("room");
        assert!(guests.find(&id, minutes(30)).is_some() && guests.find(&id, minutes(60)).is_some());
        assert!(guests.find(&id, minutes(91)).is_none() && guests.find(&id, minutes(60)).is_none(), "it has ended");
        let id = guests.open(guest(), start).expect("room");
        assert!((1..=24).all(|halves| guests.find(&id, minutes(30 * halves)).is_some()));
        assert!(guests.find(&id, minutes(721)).is_none());
    }

    #[test]
    fn one_token_cannot_take_the_place_of_everybody() {
        let (guests, start) = (Guests::default(), Instant::now());
        let other = guests.open(Guest { caller: Some("another".into()), ..Guest::default() }, start).expect("room");
        let ids: Vec<String> =
            (0..150).map(|n| guests.open(guest(), start + Duration::from_millis(n)).expect("room")).collect();
        let open = ids.iter().filter(|id| guests.find(id, start + Duration::from_secs(1)).is_some()).count();
        assert_eq!(open, 100);
        assert!(guests.find(&ids[149], start).is_some() && guests.find(&other, start).is_some());
    }

    #[test]
    fn a_closed_session_opens_nothing_and_an_invented_id_neither() {
        let (guests, now) = (Guests::default(), Instant::now());
        let id = guests.open(guest(), now).expect("room");
        guests.close(&id);
        assert!(guests.find(&id, now).is_none() && guests.find("", now).is_none());
    }

    #[test]
    fn who_signs_out_everywhere_has_no_session_left_and_nobody_else_loses_one() {
        let (guests, now) = (Guests::default(), Instant::now());
        // A provider gives another token for each sign-in; the handle stays.
        let open = |handle: &str, token: &str| {
            let (handle, caller) = (Some(handle.to_owned()), Some(token.to_owned()));
            guests.open(Guest { handle, caller, ..Guest::default() }, now).expect("room")
        };
        let own = [open("tracer-1", "a"), open("tracer-1", "b"), open("tracer-1", "c")];
        let others = [open("tracer-2", "d"), guests.open(guest(), now).expect("room")];
        guests.close_all(&own[1]);
        assert!(own.iter().all(|id| guests.find(id, now).is_none()));
        assert!(others.iter().all(|id| guests.find(id, now).is_some()));
        guests.close_all("invented");
        assert!(others.iter().all(|id| guests.find(id, now).is_some()));
    }

    #[test]
    fn a_feeds_token_goes_to_that_feed_alone() {
        let guest = guest();
        assert_eq!(guest.token_for("/v1/feeds/gate-scans/batches"), Some("feed-token"));
        assert_eq!(guest.token_for("/v1/feeds/other/batches"), None);
        assert_eq!(guest.token_for("/v1/persons/find"), Some("caller-token"));
        assert_eq!(format!("{guest:?}"), "Guest { demo: None, .. }", "no token is ever printed");
    }
}
