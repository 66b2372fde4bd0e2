//! The words of the hub and the rules of their meaning.
//!
//! Everything here is pure: no I/O, no async, no ambient clock or randomness. A value of a type in this
//! crate is already in canonical form; text becomes such a value by parsing, or becomes an error.
//!
//! Not here: how an event is written as Avro (`codec`), how two records are compared (`linkage`), who may
//! see a value (`access`).

mod attribution;
mod decimal;
mod event;
mod identifier;
mod ids;
mod lineage;
mod name;
mod partial;
mod person;
mod place;
mod resident_id;
mod sensitive;
mod survive;
mod survivorship;
mod time;
mod token;
pub mod unit;

pub use attribution::{
    Attribution, ClaimRole, Claimant, Doubt, StatedClaim, attribute, changes_hands, phone_claim, stated_claims,
};
pub use decimal::Decimal;
pub use event::*;
pub use identifier::{IdClaim, IdError, IdScheme, Phone};
pub use ids::{BatchId, EventId, FeedId, PersonId, RecordId};
pub use lineage::{ChangeCause, ChangeKind, PersonChange};
pub use name::{PersonName, Script, Sex};
pub use partial::{ClaimKind, IdentityField, Partial, merge_statements};
pub use person::{Field, GoldenRecord, Member, PhoneUse, Rule, RunnerUp, search_key, units};
pub use place::{Datum, PlaceKind, PlaceRef};
pub use resident_id::{MaskedResidentId, ResidentId};
pub use sensitive::Sensitive;
pub use survive::survive;
pub use survivorship::{
    Choice, Criterion, FieldChoice, GoldenField, Survivorship, SurvivorshipError, SurvivorshipFile,
};
pub use time::{Day, Precision, TimeError, Timestamp};
pub use token::{ClaimRef, ClaimToken, TokenKey};
