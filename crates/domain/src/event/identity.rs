//! What sources state about who a person is.

use serde::{Deserialize, Serialize};

use crate::{Day, IdClaim, Partial, PersonName, RecordId, Sensitive, Sex, Timestamp};

/// A person as one record describes them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct PersonRef {
    /// Identifiers.
    pub claims: Vec<IdClaim>,
    /// Names; the first is the one in use.
    pub names: Vec<PersonName>,
    /// Day of birth.
    pub birth_date: Option<Day>,
    /// Sex.
    pub sex: Sex,
    /// Nationality, ISO 3166-1 alpha-3.
    pub nationality: Option<String>,
}

/// `identity.observed`: a source's statement about one person.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct IdentityObserved {
    /// Who.
    pub person: PersonRef,
    /// Phones given as contact (canonical digits), not as proof of identity: a family may share one.
    pub contacts: Vec<Sensitive<String>>,
    /// Address as text.
    pub address: Option<Sensitive<String>>,
    /// Division code of the address (6 to 12 digits).
    pub division_code: Option<String>,
    /// Grid or community unit that looks after the address.
    pub community_unit: Option<String>,
    /// State of the account, in the source's word.
    pub account_status: Option<String>,
    /// From when the identifiers belong to this person (phones are recycled).
    pub valid_from: Option<Timestamp>,
    /// Until when they do.
    pub valid_to: Option<Timestamp>,
    /// Set when the statement tells only part of what the source knows; otherwise it replaces lower versions whole.
    pub partial: Option<Box<Partial>>,
}

/// Why an identity statement is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RetractReason {
    /// None of the others.
    #[default]
    Other,
    /// The source deleted the record.
    Deleted,
    /// The source merged it into another (`survivor`).
    Merged,
    /// The source corrected a mistake.
    Corrected,
}

/// `identity.retracted`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct IdentityRetracted {
    /// Why.
    pub reason: RetractReason,
    /// The record that took over, when the source merged two.
    pub survivor: Option<RecordId>,
}
