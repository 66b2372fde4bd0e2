//! Who may see what, for which purpose.
//!
//! A [`Policy`] is data: Cedar policies over caller, action, person, purpose and field group, checked against a schema when
//! they are read. Nothing is allowed that no policy permits; what one forbids stays forbidden whatever others permit. A
//! decision is a pure function of policy, caller, request and subject.
//!
//! Not here: who the caller is (the token is checked elsewhere), what a field group holds (the response types say it)
//! and the record of the decision (`ledger`).

mod caller;
mod decision;
mod grant;
mod policy;
mod scene;
mod token;
mod words;

pub use caller::{Caller, CaseReference, CaseReferenceError};
pub use decision::{Decision, Entitlement, Explanation, Refusal, Request, Subject};
pub use grant::{
    ActDone, ClockFlaw, Clocks, GrantAct, GrantFlaw, GrantId, GrantReason, GrantRequest, GrantRules, GrantScope,
    GrantState, ScopeFlaw,
};
pub use policy::{Policy, PolicyError, PolicyHash};
pub use token::{TokenHash, bearer_token};
pub use words::{Action, FieldGroup, FieldGroups, Purpose, Role};
