//! Why a call is not answered: what its caller is told, and what the ledger keeps.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use domain::PersonId;

use crate::problem::Problem;

/// Who is not shown, by the true reason.
pub(crate) type Refused = BTreeMap<&'static str, Vec<PersonId>>;

/// Why a handler found nothing to show.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(super) problem: Problem,
    pub(super) reason: &'static str,
    pub(super) subjects: Vec<PersonId>,
    /// What was found, where that may be said: nothing about a person.
    pub(super) detail: Option<String>,
}

impl Failure {
    /// What was found is said before how to mend it.
    pub(crate) fn saying(problem: Problem, detail: String) -> Self {
        Self { detail: Some(detail), ..problem.into() }
    }

    /// The same said of another problem, where it is one of these.
    pub(crate) fn instead(self, of: Problem, problem: Problem) -> Self {
        if self.problem == of { Self { detail: self.detail, ..problem.into() } } else { self }
    }

    pub(super) fn response(&self) -> Response {
        let mut document = self.problem.kind().document();
        if let Some(detail) = &self.detail {
            document.detail = format!("{detail} {}", document.detail).into();
        }
        document.into_response()
    }

    /// The caller learns that there is no such person; the ledger keeps which one it was and the true reason.
    pub(crate) fn not_found(reason: &'static str, subject: PersonId) -> Self {
        Self::none_found(reason, vec![subject])
    }

    /// The same of several.
    pub(super) fn none_found(reason: &'static str, subjects: Vec<PersonId>) -> Self {
        Self { reason, subjects, ..Problem::PersonNotFound.into() }
    }

    /// The true reason.
    pub(crate) const fn reason(&self) -> &'static str {
        self.reason
    }

    /// What the caller is told.
    pub(crate) const fn problem(&self) -> Problem {
        self.problem
    }

    /// Whom it is about.
    pub(crate) fn into_subjects(self) -> Vec<PersonId> {
        self.subjects
    }

    /// What was found is not shown.
    pub(crate) fn withheld(problem: Problem, subjects: Vec<PersonId>) -> Self {
        Self { subjects, ..problem.into() }
    }

    /// The id stands for several persons, and this can be answered for one only.
    pub(crate) fn forked(subjects: Vec<PersonId>) -> Self {
        Self { subjects, ..Problem::PersonForked.into() }
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem, reason: problem.code(), subjects: Vec::new(), detail: None }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        // The text of a store error holds no value of a row; its source may, and is not printed.
        tracing::error!(%error, "A read of the person files failed.");
        match error {
            store::Error::Database(_) | store::Error::NoViews(_) => Problem::StoreUnavailable.into(),
            _ => Problem::Internal.into(),
        }
    }
}
