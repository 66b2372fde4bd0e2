//! Which person a handle of the log is. A handle is a keyed hash, so this is found by hashing ids until one fits; what this
//! process put on record itself it remembers.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::{PersonId, TokenKey};
use ledger::SubjectHandle;
use store::Conn;
use store::marks;

use crate::call::handle;
use crate::state::QueryState;

/// Handles that are remembered at most.
const KNOWN_MAX: usize = 500_000;
/// Ids that are hashed at once.
const PAGE: i64 = 10_000;
/// Everybody is gone through at most so often.
const SEARCH_EVERY: Duration = Duration::from_secs(10);

/// What is known of handles.
#[derive(Default)]
pub(crate) struct Handles(Mutex<Known>);

#[derive(Default)]
struct Known {
    persons: HashMap<SubjectHandle, PersonId>,
    searched: Option<Instant>,
}

impl Handles {
    /// The handles of persons, which are remembered.
    pub(crate) fn note(&self, key: &TokenKey, persons: Vec<PersonId>) -> Vec<SubjectHandle> {
        let noted: Vec<_> = persons.into_iter().map(|person| (handle(key, person), person)).collect();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.persons.len() + noted.len() > KNOWN_MAX {
            known.persons.clear();
        }
        known.persons.extend(noted.iter().copied());
        noted.into_iter().map(|(handle, _)| handle).collect()
    }

    fn known(&self, wanted: &BTreeSet<SubjectHandle>) -> HashMap<SubjectHandle, PersonId> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        wanted.iter().filter_map(|handle| Some((*handle, *known.persons.get(handle)?))).collect()
    }

    fn may_search(&self) -> bool {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let may = known.searched.is_none_or(|at| at.elapsed() >= SEARCH_EVERY);
        if may {
            known.searched = Some(Instant::now());
        }
        may
    }
}

/// The persons of handles; who is not found is left out. Everybody is gone through for those that are not remembered, the
/// persons of the past last.
pub(crate) async fn persons(
    state: &QueryState,
    conn: &mut Conn,
    wanted: &BTreeSet<SubjectHandle>,
) -> store::Result<HashMap<SubjectHandle, PersonId>> {
    let handles = &state.watch.handles;
    let mut found = handles.known(wanted);
    if found.len() == wanted.len() || !handles.may_search() {
        return Ok(found);
    }
    let key = &state.setup.token_key;
    for former in [false, true] {
        let mut after = None;
        while found.len() < wanted.len() {
            let page = match former {
                false => marks::list_persons(conn, after, PAGE).await?,
                true => marks::list_former(conn, after, PAGE).await?,
            };
            after = page.last().copied();
            if after.is_none() {
                break;
            }
            let fits: Vec<PersonId> =
                page.into_iter().filter(|person| wanted.contains(&handle(key, *person))).collect();
            found.extend(fits.iter().map(|person| (handle(key, *person), *person)));
            handles.note(key, fits);
        }
    }
    Ok(found)
}
