//! Who may see what, for which purpose.
//!
//! A [`Policy`] is data: a file of rules over role, purpose, action and relationship, which yields the field groups
//! that an answer may hold. Nothing is allowed that no rule allows, and a rule never takes away, so the order of rules
//! does not matter. A decision is a pure function of policy, caller, request and subject.
//!
//! Not here: who the caller is (the token is checked elsewhere), what a field group holds (the response types say it)
//! and the record of the decision (`ledger`).

mod caller;
mod decision;
mod policy;
mod token;
mod words;

pub use caller::{Caller, CaseReference, CaseReferenceError};
pub use decision::{Decision, Entitlement, Refusal, Request, Subject};
pub use policy::{Policy, PolicyError, PolicyHash};
pub use token::{TokenHash, bearer_token};
pub use words::{Action, FieldGroup, FieldGroups, Purpose, Relationship, Role};
