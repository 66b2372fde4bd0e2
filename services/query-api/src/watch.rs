//! What a process watches over: looks as they are weighed, budgets, and grants that run.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, MutexGuard, PoisonError};

use access::{Clocks, GrantId};
use scrutiny::Budgets;
use store::grants::ActRow;

use crate::handles::Handles;
use crate::ties::KnownCircles;
use crate::unexplained::Watching;

/// What is remembered. All of it can be made anew from the log, but for the beginning of monotonic time.
#[derive(Default)]
pub(crate) struct Watch {
    /// Weighs looks in the order of the log; none until it was asked for.
    pub(crate) scrutiny: tokio::sync::Mutex<Option<Watching>>,
    /// Which person a handle of the log is.
    pub(crate) handles: Handles,
    /// Persons of cases, and their contacts.
    pub(crate) circles: Mutex<Option<KnownCircles>>,
    budgets: Mutex<Budgets>,
    clocks: Mutex<Clocks>,
    /// Acts about grants whose entries were read in the log and say the same, by entry.
    proven: Mutex<BTreeMap<(GrantId, i64), ActRow>>,
    /// A grant was invoked in this process.
    pub(crate) has_invoked: AtomicBool,
}

impl Watch {
    pub(crate) fn budgets(&self) -> MutexGuard<'_, Budgets> {
        self.budgets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn clocks(&self) -> MutexGuard<'_, Clocks> {
        self.clocks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn proven(&self) -> MutexGuard<'_, BTreeMap<(GrantId, i64), ActRow>> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
