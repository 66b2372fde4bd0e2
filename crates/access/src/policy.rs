//! Policies as files: read, checked against the schema, and named by a hash.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use cedar_policy::{
    Effect, PolicyId, PolicySet, PrincipalConstraint, Schema, SchemaFragment, ValidationMode, Validator,
};
use miette::Diagnostic;
use sha2::{Digest, Sha256};

use crate::decision::Memory;
use crate::scene::Names;
use crate::{Action, FieldGroup, Purpose, Role};

const SCHEMA: &str = include_str!("../policy/schema.cedarschema");
const PERMITS: &str = include_str!("../policy/permits.cedar");
const INVARIANTS: &str = include_str!("../policy/invariants.cedar");

/// A checked set of policies, and the hash of the files that it came from.
#[derive(Debug)]
pub struct Policy {
    pub(crate) policies: PolicySet,
    pub(crate) names: Names,
    pub(crate) memory: Memory,
    /// Roles for which some permit asks for a case.
    case_roles: BTreeSet<Role>,
    hash: PolicyHash,
}

/// SHA-256 over schema, permits and invariants. It stands in every ledger entry.
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

/// Why policies are not taken.
#[derive(Debug, thiserror::Error)]
pub enum PolicyError {
    /// The schema that ships is broken or speaks of other words than the program.
    #[error("the schema cannot be used: {0}")]
    Schema(String),
    /// Not Cedar.
    #[error("{file}, line {line}: {reason}")]
    Syntax {
        /// Which file.
        file: &'static str,
        /// Where in it.
        line: usize,
        /// What was found there.
        reason: String,
    },
    /// A policy without a usable name, or one that cannot stand in that file.
    #[error("{file}, policy {policy:?}: {reason}")]
    Rule {
        /// Which file.
        file: &'static str,
        /// Name of the policy, or its number when it has none.
        policy: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The policies say what the schema does not know.
    #[error("the policies do not fit the schema: {}", .0.join("; "))]
    Invalid(Vec<String>),
}

impl Policy {
    /// The policies that ship with the hub.
    ///
    /// # Errors
    /// Never for the files that ship; the type says so for a caller who replaces the permits.
    pub fn builtin() -> Result<Self, PolicyError> {
        Self::with_permits(PERMITS)
    }

    /// The permits of a site, in Cedar. The schema and the invariants are those that ship.
    ///
    /// # Errors
    /// When the text cannot be read, a policy has no name or is no permit, or it speaks of what the schema does not know.
    pub fn with_permits(permits: &str) -> Result<Self, PolicyError> {
        let mut policies = PolicySet::new();
        add(&mut policies, "invariants", INVARIANTS, Effect::Forbid)?;
        add(&mut policies, "permits", permits, Effect::Permit)?;
        validate(&policies)?;
        let mut hash = Sha256::new();
        for text in [SCHEMA, INVARIANTS, permits] {
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        let names = Names::new().map_err(|error| PolicyError::Schema(error.to_string()))?;
        let case_roles = case_roles(&policies)?;
        Ok(Self { policies, names, memory: Memory::default(), case_roles, hash: PolicyHash(hash.finalize().into()) })
    }

    /// Whether some permit asks a role for a case. What others state as one opens nothing, so it counts for nothing.
    pub fn asks_for_a_case(&self, role: Role) -> bool {
        self.case_roles.contains(&role)
    }

    /// The hash of the files.
    pub const fn hash(&self) -> PolicyHash {
        self.hash
    }
}

fn add(into: &mut PolicySet, file: &'static str, text: &str, effect: Effect) -> Result<(), PolicyError> {
    let read = PolicySet::from_str(text).map_err(|errors| PolicyError::Syntax {
        file,
        line: errors.labels().and_then(|mut labels| labels.next()).map_or(1, |label| line(text, label.offset())),
        reason: errors.to_string(),
    })?;
    let rule = |policy: &str, reason| Err(PolicyError::Rule { file, policy: policy.to_owned(), reason });
    if read.num_of_templates() > 0 {
        return rule("?", "a policy has no blanks to fill in");
    }
    for policy in read.policies() {
        let Some(id) = policy.annotation("id").filter(|id| is_code(id)) else {
            return rule(policy.id().as_ref(), "a policy has a name: @id(\"...\") of 1 to 64 letters, digits and -");
        };
        if policy.effect() != effect {
            return rule(id, "permits stand in one file, and what is forbidden in the other");
        }
        if policy.annotation("timeline_days").is_some_and(|days| days.parse::<u32>().is_err()) {
            return rule(id, "@timeline_days is a whole number of days");
        }
        if into.add(policy.new_id(PolicyId::new(id))).is_err() {
            return rule(id, "the name is used twice");
        }
    }
    Ok(())
}

/// The roles of permits that speak of a case; a permit that names no role is everybody's.
fn case_roles(policies: &PolicySet) -> Result<BTreeSet<Role>, PolicyError> {
    let mut roles = BTreeSet::new();
    for policy in policies.policies().filter(|policy| policy.effect() == Effect::Permit) {
        let text = policy.to_json().map_err(|error| PolicyError::Invalid(vec![error.to_string()]))?.to_string();
        if !text.contains(r#""attr":"case""#) {
            continue;
        }
        match policy.principal_constraint() {
            PrincipalConstraint::In(role) => roles.extend(Role::from_code(role.id().unescaped())),
            _ => roles.extend(Role::ALL),
        }
    }
    Ok(roles)
}

fn is_code(id: &str) -> bool {
    (1..=64).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

fn line(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|b| *b == b'\n').count() + 1
}

fn validate(policies: &PolicySet) -> Result<(), PolicyError> {
    let result = Validator::new(schema()?).validate(policies, ValidationMode::Strict);
    let mut errors: Vec<String> = result.validation_errors().map(ToString::to_string).collect();
    errors.sort();
    if errors.is_empty() { Ok(()) } else { Err(PolicyError::Invalid(errors)) }
}

/// The schema, when its closed lists are those of the program.
pub(crate) fn schema() -> Result<Schema, PolicyError> {
    let broken = |error: &dyn fmt::Display| PolicyError::Schema(error.to_string());
    let (fragment, _) = SchemaFragment::from_cedarschema_str(SCHEMA).map_err(|error| broken(&error))?;
    let json = fragment.clone().to_json_value().map_err(|error| broken(&error))?;
    let words = |name: &str| -> BTreeSet<String> {
        let list = json[""]["entityTypes"][name]["enum"].as_array();
        list.into_iter().flatten().filter_map(|word| word.as_str().map(str::to_owned)).collect()
    };
    let schema = Schema::from_schema_fragments([fragment]).map_err(|error| broken(&error))?;
    let codes = |codes: Vec<&str>| -> BTreeSet<String> { codes.into_iter().map(str::to_owned).collect() };
    for (list, in_schema, in_program) in [
        ("Role", words("Role"), codes(Role::ALL.iter().map(|role| role.code()).collect())),
        ("Purpose", words("Purpose"), codes(Purpose::ALL.iter().map(|purpose| purpose.code()).collect())),
        ("FieldGroup", words("FieldGroup"), codes(FieldGroup::ALL.iter().map(|group| group.code()).collect())),
        (
            "Action",
            schema.actions().map(|action| action.id().unescaped().to_owned()).collect(),
            codes(Action::ALL.iter().map(|action| action.code()).collect()),
        ),
    ] {
        if in_schema != in_program {
            let odd: Vec<_> = in_schema.symmetric_difference(&in_program).cloned().collect();
            return Err(PolicyError::Schema(format!("{list} has other words than the program: {}", odd.join(", "))));
        }
    }
    Ok(schema)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ships_is_valid_and_another_text_has_another_hash() {
        let builtin = Policy::builtin().expect("valid");
        assert_eq!(builtin.hash().to_string().len(), 64);
        let other = Policy::with_permits(&format!("{PERMITS}\n// one more line")).expect("valid");
        assert_ne!(builtin.hash(), other.hash());
    }

    #[test]
    fn a_case_counts_for_the_roles_of_which_some_permit_asks_for_one() {
        let roles = |policy: &Policy| Role::ALL.iter().copied().filter(|role| policy.asks_for_a_case(*role)).collect();
        let builtin: Vec<Role> = roles(&Policy::builtin().expect("valid"));
        assert_eq!(builtin, [Role::CdcTracer, Role::DataSteward, Role::CdcLead]);
        let anybody = "permit (principal, action, resource) when { context has case };";
        let site = Policy::with_permits(&format!("@id(\"a\") {anybody}")).expect("valid");
        assert_eq!(roles(&site), Role::ALL);
    }

    #[test]
    fn a_broken_file_is_told_with_its_line() {
        let error =
            Policy::with_permits("@id(\"a\")\npermit (principal, action, resource)\nwhen { 1 + };").expect_err("no");
        assert!(matches!(error, PolicyError::Syntax { file: "permits", line: 3, .. }), "{error}");
    }

    #[test]
    fn a_word_outside_the_closed_lists_is_refused() {
        for policy in [
            "permit (principal in Role::\"admin\", action, resource);",
            "permit (principal, action == Action::\"read-everything\", resource);",
            "permit (principal, action, resource) when { context.purpose == Purpose::\"pubhlth\" };",
            "permit (principal, action, resource is Person) when { context.group == FieldGroup::\"*\" };",
            "permit (principal, action, resource) when { principal.rank == 7 };",
        ] {
            let error = Policy::with_permits(&format!("@id(\"a\") {policy}")).expect_err(policy);
            assert!(matches!(error, PolicyError::Invalid(_)), "{policy}: {error}");
        }
    }

    #[test]
    fn a_policy_has_a_name_of_its_own_and_stands_in_its_file() {
        let all = "permit (principal, action, resource);";
        for text in [
            all.to_owned(),
            format!("@id(\"two words\") {all}"),
            format!("@id(\"a\") {all} @id(\"a\") {all}"),
            format!("@id(\"only-auditors-read-the-log\") {all}"),
            "@id(\"a\") forbid (principal, action, resource);".to_owned(),
            format!("@id(\"a\") @timeline_days(\"two weeks\") {all}"),
            "@id(\"a\") permit (principal == ?principal, action, resource);".to_owned(),
        ] {
            assert!(matches!(Policy::with_permits(&text), Err(PolicyError::Rule { .. })), "{text}");
        }
    }
}
