//! Policies as files.

use std::collections::BTreeSet;
use std::fmt;

use serde::Deserialize;
use sha2::{Digest, Sha256};

use crate::{Action, FieldGroups, Purpose, Relationship, Role};

/// A checked set of rules, and the hash of the file it came from.
#[derive(Clone, Debug)]
pub struct Policy {
    rules: Vec<Rule>,
    unit_prefix_lengths: BTreeSet<usize>,
    hash: PolicyHash,
}

/// SHA-256 of a policy file. It stands in every ledger entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct PolicyHash([u8; 32]);

impl PolicyHash {
    /// The bytes of the hash.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PolicyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for PolicyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One rule: for a role and a purpose, what may be asked and what the answer may hold.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rule {
    pub(crate) id: String,
    pub(crate) role: Role,
    pub(crate) purpose: Purpose,
    pub(crate) relationship: Relationship,
    pub(crate) actions: BTreeSet<Action>,
    pub(crate) groups: FieldGroups,
    #[serde(default)]
    pub(crate) timeline_days_max: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PolicyFile {
    version: u32,
    unit_prefix_lengths: BTreeSet<usize>,
    #[serde(default)]
    rule: Vec<Rule>,
}

/// Why a policy file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// Not such a file: a word that is not in a closed list, an unknown key, broken TOML.
    #[error("the policy file cannot be read")]
    Syntax(#[source] toml::de::Error),
    /// A version that this program does not know.
    #[error("policy version {0} is not known; this program reads version 1")]
    Version(u32),
    /// A rule that contradicts itself or what its role may ever be given.
    #[error("rule {rule:?}: {reason}")]
    Rule {
        /// Id of the rule.
        rule: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

/// The shortest unit code that may stand for everything below it. A city or a province is nobody's own grid.
const UNIT_PREFIX_LENGTH_MIN: usize = 6;

impl Policy {
    /// The policy that ships with the hub.
    ///
    /// # Errors
    /// Never for the file that ships; the type says so for a caller who replaces it.
    pub fn builtin() -> Result<Self, PolicyError> {
        Self::parse(include_str!("../policy/default.toml"))
    }

    /// Reads and checks a policy file.
    ///
    /// # Errors
    /// When the file cannot be read or a rule contradicts itself.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        let file: PolicyFile = toml::from_str(text).map_err(PolicyError::Syntax)?;
        if file.version != 1 {
            return Err(PolicyError::Version(file.version));
        }
        let mut ids = BTreeSet::new();
        for rule in &file.rule {
            let reason = if !ids.insert(rule.id.as_str()) { Some("the id is used twice") } else { flaw(rule) };
            if let Some(reason) = reason {
                return Err(PolicyError::Rule { rule: rule.id.clone(), reason });
            }
        }
        if file.unit_prefix_lengths.iter().any(|length| *length < UNIT_PREFIX_LENGTH_MIN) {
            let reason = "a unit code that stands for what is below it has at least 6 characters";
            return Err(PolicyError::Rule { rule: "unit_prefix_lengths".to_owned(), reason });
        }
        Ok(Self {
            rules: file.rule,
            unit_prefix_lengths: file.unit_prefix_lengths,
            hash: PolicyHash(Sha256::digest(text.as_bytes()).into()),
        })
    }

    /// The hash of the file.
    pub const fn hash(&self) -> PolicyHash {
        self.hash
    }

    pub(crate) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Whether the unit of a caller is the unit of a person or stands above it.
    pub fn unit_covers(&self, own: &str, unit: &str) -> bool {
        if own.is_empty() {
            return false;
        }
        own == unit || (self.unit_prefix_lengths.contains(&own.len()) && unit.starts_with(own))
    }
}

/// What must hold for every rule whatever the file says: a policy that widens access past these is not read at all.
fn flaw(rule: &Rule) -> Option<&'static str> {
    if rule.id.is_empty() {
        return Some("a rule has an id");
    }
    if rule.actions.is_empty() {
        return Some("a rule without actions allows nothing; take it out");
    }
    let about_persons = rule.actions.iter().any(|action| action.concerns_a_person());
    let about_the_ledger = rule.actions.contains(&Action::ReadLedger);
    let about_changes = rule.actions.contains(&Action::ReadChanges);
    if about_persons && about_the_ledger {
        return Some("reading persons and reading the ledger are separate duties");
    }
    if about_persons && rule.relationship == Relationship::None {
        return Some("an action about a person needs a relationship");
    }
    if about_the_ledger && (rule.role != Role::Auditor || !rule.groups.is_empty()) {
        return Some("the ledger is read by auditors, and shows no field group");
    }
    if about_changes && (rule.role != Role::Subscriber || !rule.groups.is_empty()) {
        return Some("the change feed is read by subscribers, and shows no field group");
    }
    if about_persons && matches!(rule.role, Role::Auditor | Role::Department | Role::Operator | Role::Subscriber) {
        return Some("auditors, departments, operators and subscribers see no person");
    }
    if (rule.role == Role::Resident) != (rule.relationship == Relationship::OwnFile) {
        return Some("residents see their own file, and nobody else has an own file");
    }
    if (rule.relationship == Relationship::OwnUnit) != (rule.role == Role::CommunityWorker) {
        return Some("community workers see their own unit, and nobody else has an own unit");
    }
    let reviews = rule.actions.iter().any(|action| action.is_review());
    if reviews != (rule.role == Role::DataSteward) || reviews && !rule.actions.iter().all(|action| action.is_review()) {
        return Some("data stewards review pairs of records and read no files, and nobody else reviews");
    }
    if rule.actions.contains(&Action::ReadAccesses) && rule.role != Role::Resident {
        return Some("residents read who looked at their own file, and nobody else does but auditors in the ledger");
    }
    if rule.relationship == Relationship::UnderReview && !reviews {
        return Some("only pairs of records are under review");
    }
    for action in &rule.actions {
        let needs = action.needs_one_of();
        if !needs.is_empty() && !needs.iter().any(|group| rule.groups.contains(*group)) {
            return Some("an action is allowed that no granted field group could answer");
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(rule: &str) -> Result<Policy, PolicyError> {
        Policy::parse(&format!("version = 1\nunit_prefix_lengths = [6, 9, 12]\n[[rule]]\nid = \"r\"\n{rule}"))
    }

    #[test]
    fn the_policy_that_ships_is_valid_and_has_a_stable_hash() {
        let policy = Policy::builtin().expect("valid");
        assert_eq!(policy.hash(), Policy::builtin().expect("valid").hash());
        assert_eq!(policy.hash().to_string().len(), 64);
    }

    #[test]
    fn a_policy_that_mixes_duties_is_not_read() {
        for rule in [
            "role = \"auditor\"\npurpose = \"HOPERAT\"\nrelationship = \"none\"\nactions = [\"read-person\"]\ngroups = [\"identity\"]",
            "role = \"auditor\"\npurpose = \"HOPERAT\"\nrelationship = \"case-stated\"\nactions = [\"read-person\"]\ngroups = [\"identity\"]",
            "role = \"operator\"\npurpose = \"HOPERAT\"\nrelationship = \"case-stated\"\nactions = [\"read-person\"]\ngroups = [\"identity\"]",
            "role = \"cdc-tracer\"\npurpose = \"HOPERAT\"\nrelationship = \"none\"\nactions = [\"read-ledger\"]\ngroups = []",
            "role = \"resident\"\npurpose = \"PATRQT\"\nrelationship = \"case-stated\"\nactions = [\"read-person\"]\ngroups = [\"identity\"]",
            "role = \"cdc-tracer\"\npurpose = \"PUBHLTH\"\nrelationship = \"own-file\"\nactions = [\"read-person\"]\ngroups = [\"identity\"]",
            "role = \"community-worker\"\npurpose = \"PUBHLTH\"\nrelationship = \"case-stated\"\nactions = [\"read-person\"]\ngroups = [\"identity\"]",
            "role = \"cdc-tracer\"\npurpose = \"PUBHLTH\"\nrelationship = \"case-stated\"\nactions = [\"read-links\"]\ngroups = [\"identity\"]",
            "role = \"cdc-tracer\"\npurpose = \"PUBHLTH\"\nrelationship = \"case-stated\"\nactions = []\ngroups = [\"identity\"]",
            "role = \"cdc-tracer\"\npurpose = \"HOPERAT\"\nrelationship = \"case-stated\"\nactions = [\"decide-link\"]\ngroups = [\"links\"]",
            "role = \"data-steward\"\npurpose = \"HOPERAT\"\nrelationship = \"case-stated\"\nactions = [\"read-person\"]\ngroups = [\"identity\"]",
            "role = \"cdc-tracer\"\npurpose = \"HOPERAT\"\nrelationship = \"none\"\nactions = [\"read-changes\"]\ngroups = []",
            "role = \"subscriber\"\npurpose = \"HOPERAT\"\nrelationship = \"none\"\nactions = [\"read-changes\"]\ngroups = [\"links\"]",
            "role = \"subscriber\"\npurpose = \"HOPERAT\"\nrelationship = \"case-stated\"\nactions = [\"read-person\"]\ngroups = [\"identity\"]",
        ] {
            assert!(matches!(with(rule), Err(PolicyError::Rule { .. })), "{rule}");
        }
    }

    #[test]
    fn a_word_outside_the_closed_lists_is_refused() {
        for rule in [
            "role = \"admin\"\npurpose = \"PUBHLTH\"\nrelationship = \"case-stated\"\nactions = [\"read-person\"]\ngroups = [\"identity\"]",
            "role = \"cdc-tracer\"\npurpose = \"pubhlth\"\nrelationship = \"case-stated\"\nactions = [\"read-person\"]\ngroups = [\"identity\"]",
            "role = \"cdc-tracer\"\npurpose = \"PUBHLTH\"\nrelationship = \"case-stated\"\nactions = [\"read-person\"]\ngroups = [\"*\"]",
            "role = \"cdc-tracer\"\npurpose = \"PUBHLTH\"\nrelationship = \"case-stated\"\nactions = [\"read-person\"]\ngroups = [\"identity\"]\nallow = true",
        ] {
            assert!(matches!(with(rule), Err(PolicyError::Syntax(_))), "{rule}");
        }
    }

    #[test]
    fn a_unit_covers_itself_and_what_is_below_it() {
        let policy = Policy::builtin().expect("valid");
        assert!(policy.unit_covers("320506001007G03", "320506001007G03"));
        assert!(policy.unit_covers("320506001007", "320506001007G03"));
        assert!(policy.unit_covers("320506", "320506001007G03"));
        for own in ["", "3", "3205", "320506001007G0", "320506001007G030", "320506002", "320506001007G04"] {
            assert!(!policy.unit_covers(own, "320506001007G03"), "{own}");
        }
    }
}
