//! No answer without a receipt, by type.
//!
//! A handler returns a [`Disclosure`] (or a [`Refusal`]). Nothing can be read out of it, and it cannot be serialized;
//! only [`crate::LedgerClient::disclose`], which appends the entry and waits until it is durable, gives the value.
//!
//! ```compile_fail
//! # fn f(disclosure: ledger::Disclosure<String>) {
//! let value: String = disclosure.value; // private
//! # }
//! ```
//! ```compile_fail
//! # fn f(disclosure: ledger::Disclosure<String>) {
//! let (value, entry) = (disclosure.into_parts(), ()); // there is no such method on it
//! # }
//! ```
//! ```compile_fail
//! # fn f(disclosure: ledger::Disclosure<String>) {
//! serde_json::to_string(&disclosure).unwrap(); // not Serialize
//! # }
//! ```
//! ```compile_fail
//! # fn f(disclosure: ledger::Disclosure<String>) {
//! let text = format!("{disclosure}"); // not Display
//! # }
//! ```
//! ```compile_fail
//! # fn f(disclosure: ledger::Disclosure<String>) {
//! let copy = disclosure.clone(); // one entry, one answer
//! # }
//! ```
//! ```compile_fail
//! # fn f(value: String, receipt: ledger::Receipt) {
//! let forged = ledger::Disclosed { value, receipt }; // only the ledger makes it
//! # }
//! ```
//! ```compile_fail
//! # fn f(disclosure: ledger::Disclosure<String>) -> axum::response::Response {
//! axum::response::IntoResponse::into_response(disclosure)
//! # }
//! ```
//!
//! What does compile is the way through the ledger:
//!
//! ```no_run
//! # async fn f(ledger: ledger::LedgerClient, disclosure: ledger::Disclosure<String>) -> Result<(), ledger::LedgerError> {
//! let (value, receipt) = ledger.disclose(disclosure).await?.into_parts();
//! # Ok(()) }
//! ```

use std::fmt;

use crate::entry::{CaseToken, Code, Decision, Entry, Matter, Nonce, PolicyHash, Stamp, SubjectHandle};
use crate::receipt::Receipt;

/// Who asks for what, and why: the part of an entry that is known before the decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// When.
    pub stamp: Stamp,
    /// Handle of the one who asks.
    pub actor: Code,
    /// The unit the actor acts for.
    pub unit: Code,
    /// The role the actor acts in.
    pub role: Code,
    /// What is asked.
    pub action: Code,
    /// The purpose stated, if any is.
    pub purpose: Option<Code>,
    /// The case stated, if any is.
    pub case: Option<CaseToken>,
    /// The policies that decide.
    pub policy: PolicyHash,
    /// The request.
    pub request: Nonce,
}

/// What an answer shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Released {
    /// The persons concerned.
    pub subjects: Vec<SubjectHandle>,
    /// Field groups shown.
    pub groups: Vec<Code>,
    /// Field groups kept back.
    pub withheld: Vec<Code>,
    /// Records or persons in the answer.
    pub count: u64,
    /// What the act is about, where it is about a thing of the hub.
    pub matter: Option<Matter>,
}

impl Access {
    /// An answer, which waits for its receipt.
    pub fn disclose<T>(self, value: T, released: Released) -> Disclosure<T> {
        Disclosure { value, entry: self.entry(released, Decision::Allowed) }
    }

    /// A refusal, which is recorded too. `subjects` are the persons it is about, where that is known.
    pub fn refuse(self, reason: Code, subjects: Vec<SubjectHandle>) -> Refusal {
        let released = Released { subjects, ..Released::default() };
        Refusal { entry: self.entry(released, Decision::Refused { reason: reason.clone() }), reason }
    }

    fn entry(self, released: Released, decision: Decision) -> Entry {
        Entry {
            stamp: self.stamp,
            actor: self.actor,
            unit: self.unit,
            role: self.role,
            action: self.action,
            purpose: self.purpose,
            case: self.case,
            subjects: released.subjects,
            released: released.groups,
            withheld: released.withheld,
            count: released.count,
            matter: released.matter,
            decision,
            policy: self.policy,
            request: self.request,
        }
    }
}

/// An answer about a person that the ledger has not recorded yet. It gives nothing away.
#[must_use = "an answer that is not disclosed is not given"]
pub struct Disclosure<T> {
    pub(crate) value: T,
    pub(crate) entry: Entry,
}

impl<T> fmt::Debug for Disclosure<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Disclosure(‹sensitive›)")
    }
}

/// An answer that is on record.
#[must_use = "an answer on record should be given"]
pub struct Disclosed<T> {
    pub(crate) value: T,
    pub(crate) receipt: Receipt,
}

impl<T> Disclosed<T> {
    /// The proof that the answer is on record.
    pub const fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// The answer and its receipt.
    pub fn into_parts(self) -> (T, Receipt) {
        (self.value, self.receipt)
    }
}

impl<T> fmt::Debug for Disclosed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Disclosed(‹sensitive›, {})", self.receipt.id())
    }
}

/// A refusal that the ledger has not recorded yet.
#[derive(Debug)]
#[must_use = "a refusal is recorded before it is answered"]
pub struct Refusal {
    pub(crate) reason: Code,
    pub(crate) entry: Entry,
}

/// A refusal that is on record.
#[derive(Debug)]
pub struct Refused {
    pub(crate) reason: Code,
    pub(crate) receipt: Receipt,
}

impl Refused {
    /// Why nothing was shown.
    pub const fn reason(&self) -> &Code {
        &self.reason
    }

    /// The proof that the refusal is on record.
    pub const fn receipt(&self) -> &Receipt {
        &self.receipt
    }
}
