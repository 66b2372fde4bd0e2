//! The record of what a call shows or refuses: nothing leaves before it is in the ledger.
//!
//! An entry names so many persons at most. An answer about more is several entries of one request, all of them there before
//! the first byte.

use axum::response::IntoResponse;
use domain::PersonId;
use ledger::{Access, Code, Matter, MatterId, Nonce, Receipt, Released, SUBJECTS_MAX, SubjectHandle};

use super::{Answered, Call, Failure, Found, code, codes, policy_hash, unit, with_receipt, within};
use crate::problem::Problem;
use crate::subject::PERSON_UNKNOWN;
use crate::{budget, grants};

impl Call {
    /// Puts what was found on record, and only then gives it out.
    pub(crate) async fn disclose<T>(&self, found: Found<T>) -> Result<(T, Receipt), Problem> {
        self.disclose_about(found, None).await
    }

    /// The same about a thing of the hub.
    pub(super) async fn disclose_about<T>(
        &self,
        found: Found<T>,
        matter: Option<Matter>,
    ) -> Result<(T, Receipt), Problem> {
        let Found { answer: value, subjects, released, withheld, count } = found;
        let access = self.access()?;
        let subjects = self.state.watch.handles.note(&self.state.setup.token_key, subjects);
        let matter = matter.or_else(|| {
            let act = Code::parse(grants::INVOKED).ok()?;
            Some(Matter { id: MatterId(self.grant?.0), act })
        });
        let (groups, withheld) = (codes(&released)?, codes(&withheld)?);
        let of = |subjects: &[SubjectHandle], count: usize| Released {
            subjects: subjects.to_vec(),
            groups: groups.clone(),
            withheld: withheld.clone(),
            count: count as u64,
            matter: matter.clone(),
        };
        // The entries before the last count their persons, so that together they count what is shown.
        let (before, last) = parts(&subjects);
        let counted = subjects.len() - last.len();
        for part in before {
            let disclosure = self.again(&access).disclose((), of(part, part.len()));
            let ((), _receipt) = within(self.state.setup.ledger.disclose(disclosure)).await?.into_parts();
        }
        let disclosure = self.again(&access).disclose(value, of(last, count.saturating_sub(counted)));
        let disclosed = within(self.state.setup.ledger.disclose(disclosure)).await?;
        metrics::counter!("isthmus_disclosures_total", "role" => self.caller.role.code()).increment(1);
        Ok(disclosed.into_parts())
    }

    /// Puts a refusal on record and answers.
    pub(crate) async fn refuse(&self, failure: Failure) -> Answered {
        // One after the other who is not there: after so many the caller is told of nobody.
        let failure = match failure.problem() {
            Problem::PersonNotFound => match budget::not_shown(self, failure.subjects.len()).await {
                Ok(()) => failure,
                // Who was made up is nobody whom the record could be about.
                Err(spent) if failure.reason == PERSON_UNKNOWN => spent,
                Err(spent) => Failure { subjects: failure.subjects, ..spent },
            },
            _ => failure,
        };
        self.refuse_counted(failure).await
    }

    /// The same where it was counted before.
    pub(super) async fn refuse_counted(&self, failure: Failure) -> Answered {
        let response = failure.response();
        let told = failure.problem().code();
        match self.record_refusal_of(told, failure.reason, failure.subjects).await {
            Ok(receipt) => with_receipt(Answered(response), &receipt),
            Err(problem) => Answered(problem.into_response()),
        }
    }

    /// Puts on record that these persons are not shown. The reason is the log's; what is counted for everybody to read is what
    /// the caller is told.
    pub(super) async fn record_refusal_of(
        &self,
        told: &'static str,
        reason: &'static str,
        subjects: Vec<PersonId>,
    ) -> Result<Receipt, Problem> {
        let (access, code) = (self.access()?, code(reason)?);
        let subjects = self.state.watch.handles.note(&self.state.setup.token_key, subjects);
        metrics::counter!("isthmus_refusals_total", "reason" => told).increment(1);
        let (before, last) = parts(&subjects);
        for part in before {
            let refusal = self.again(&access).refuse(code.clone(), part.to_vec());
            within(self.state.setup.ledger.refuse(refusal)).await?;
        }
        let refusal = self.again(&access).refuse(code, last.to_vec());
        Ok(within(self.state.setup.ledger.refuse(refusal)).await?.receipt().clone())
    }

    pub(super) fn access(&self) -> Result<Access, Problem> {
        let purpose = self.purpose_stated.then(|| code(self.request.purpose.code())).transpose()?;
        Ok(Access {
            stamp: self.state.stamper.stamp(self.state.now()),
            actor: code(&self.caller.handle)?,
            unit: unit(&self.caller)?,
            role: code(self.caller.role.code())?,
            action: self.action.clone(),
            purpose,
            case: self.case_token(),
            policy: policy_hash(&self.state.setup.policy),
            request: self.request_id.unwrap_or_else(Nonce::random),
        })
    }

    /// The same request in another entry.
    fn again(&self, access: &Access) -> Access {
        Access { stamp: self.state.stamper.stamp(self.state.now()), ..access.clone() }
    }
}

/// Persons by entry: those of the entries before the last, which are full, and those of the last.
fn parts(subjects: &[SubjectHandle]) -> (impl Iterator<Item = &[SubjectHandle]>, &[SubjectHandle]) {
    let full = subjects.len().saturating_sub(1) / SUBJECTS_MAX * SUBJECTS_MAX;
    let (before, last) = subjects.split_at(full);
    (before.chunks(SUBJECTS_MAX), last)
}
