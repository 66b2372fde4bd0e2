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
/// Everybody is gone through for a handle again after so long at the earliest.
const SEARCH_EVERY: Duration = Duration::from_secs(10);
/// Handles that nobody has are remembered up to so many.
const NOBODY_MAX: usize = 100_000;

/// What is known of handles.
#[derive(Default)]
pub(crate) struct Handles(Mutex<Known>);

#[derive(Default)]
struct Known {
    persons: HashMap<SubjectHandle, PersonId>,
    /// Handles that nobody had, and when everybody was gone through for them.
    nobody: HashMap<SubjectHandle, Instant>,
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

    /// Keeps all of them where there is room, else those that are wanted.
    fn keep(&self, hashed: Vec<(SubjectHandle, PersonId)>, wanted: &BTreeSet<SubjectHandle>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = known.persons.len() + hashed.len() <= KNOWN_MAX;
        known.persons.extend(hashed.into_iter().filter(|(handle, _)| has_room || wanted.contains(handle)));
    }

    /// Of these handles, those for which everybody is worth going through.
    fn worth_a_search(&self, wanted: impl Iterator<Item = SubjectHandle>) -> BTreeSet<SubjectHandle> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_new = |handle: &SubjectHandle| known.nobody.get(handle).is_none_or(|at| at.elapsed() >= SEARCH_EVERY);
        wanted.filter(is_new).collect()
    }

    fn note_nobody(&self, handles: impl Iterator<Item = SubjectHandle>) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.nobody.len() > NOBODY_MAX {
            known.nobody.clear();
        }
        let now = Instant::now();
        known.nobody.extend(handles.map(|handle| (handle, now)));
    }
}

/// The persons of handles; who is not found is left out. Everybody is gone through for those that are not remembered, the
/// persons of the past last. What another process put on record is found as soon as what this one did: a look that is weighed
/// without knowing whom it was at is never weighed again.
pub(crate) async fn persons(
    state: &QueryState,
    conn: &mut Conn,
    wanted: &BTreeSet<SubjectHandle>,
) -> store::Result<HashMap<SubjectHandle, PersonId>> {
    let handles = &state.watch.handles;
    let mut found = handles.known(wanted);
    let sought = handles.worth_a_search(wanted.iter().copied().filter(|handle| !found.contains_key(handle)));
    let mut left = sought.len();
    let key = &state.setup.token_key;
    for former in [false, true] {
        let mut after = None;
        while left > 0 {
            let page = match former {
                false => marks::list_persons(conn, after, PAGE).await?,
                true => marks::list_former(conn, after, PAGE).await?,
            };
            after = page.last().copied();
            if after.is_none() {
                break;
            }
            let hashed: Vec<_> = page.into_iter().map(|person| (handle(key, person), person)).collect();
            for (handle, person) in hashed.iter().filter(|(handle, _)| sought.contains(handle)) {
                left -= usize::from(found.insert(*handle, *person).is_none());
            }
            handles.keep(hashed, &sought);
        }
    }
    handles.note_nobody(sought.into_iter().filter(|handle| !found.contains_key(handle)));
    Ok(found)
}
