//! The decision: what of a person a caller may see.

use crate::policy::Rule;
use crate::{Action, Caller, CaseReference, FieldGroups, Policy, Purpose, Relationship, Role};

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What the caller wants to do.
    pub action: Action,
    /// What for.
    pub purpose: Purpose,
    /// The case that the caller works on.
    pub case: Option<CaseReference>,
}

/// The person asked about, as far as the decision needs it.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Subject {
    /// The community units that look after the person now.
    pub units: Vec<String>,
    /// The person is the caller.
    pub is_self: bool,
    /// The question is about a pair of records that a reviewer is asked about, or was.
    pub is_under_review: bool,
}

/// The answer to "may this caller see this person for this purpose".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Yes, the groups of `granted` and nothing else.
    Allowed {
        /// Groups that the answer may hold.
        granted: FieldGroups,
        /// Groups that it may not hold.
        withheld: FieldGroups,
        /// The rules that allowed it.
        rules: Vec<String>,
    },
    /// No.
    Refused(Refusal),
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// No rule gives the role this action for this purpose.
    #[error("the role may not do this for this purpose")]
    NotEntitled,
    /// The rule asks for a case and none is stated.
    #[error("a case must be stated")]
    CaseMissing,
    /// Nothing relates the caller to the person.
    #[error("the person is not the caller's")]
    NotRelated,
}

impl Refusal {
    /// The code that ledger entries and metrics use.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotEntitled => "not-entitled",
            Self::CaseMissing => "case-missing",
            Self::NotRelated => "not-related",
        }
    }
}

/// What a caller is entitled to before any person is looked at. It is the part of the decision that needs no data: a
/// caller without entitlement never causes a read.
#[derive(Debug)]
pub struct Entitlement<'a> {
    policy: &'a Policy,
    caller: &'a Caller,
    rules: Vec<&'a Rule>,
}

impl Policy {
    /// The part of the decision that needs no person: role, purpose, action and the stated case.
    ///
    /// # Errors
    /// [`Refusal::NotEntitled`] or [`Refusal::CaseMissing`].
    pub fn entitle<'a>(&'a self, caller: &'a Caller, request: &Request) -> Result<Entitlement<'a>, Refusal> {
        let mut rules: Vec<&Rule> = self
            .rules()
            .iter()
            .filter(|rule| {
                rule.role == caller.role && rule.purpose == request.purpose && rule.actions.contains(&request.action)
            })
            .collect();
        if rules.is_empty() {
            return Err(Refusal::NotEntitled);
        }
        rules.retain(|rule| rule.relationship != Relationship::CaseStated || request.case.is_some());
        if rules.is_empty() {
            return Err(Refusal::CaseMissing);
        }
        Ok(Entitlement { policy: self, caller, rules })
    }

    /// What a role may ask for a purpose, in the order of [`Action::ALL`].
    pub fn actions(&self, role: Role, purpose: Purpose) -> impl Iterator<Item = Action> + '_ {
        Action::ALL.iter().copied().filter(move |action| {
            self.rules()
                .iter()
                .any(|rule| rule.role == role && rule.purpose == purpose && rule.actions.contains(action))
        })
    }

    /// Decides. Nothing is allowed that no rule allows.
    pub fn decide(&self, caller: &Caller, request: &Request, subject: &Subject) -> Decision {
        match self.entitle(caller, request) {
            Ok(entitlement) => entitlement.decide(subject),
            Err(refusal) => Decision::Refused(refusal),
        }
    }
}

impl Entitlement<'_> {
    /// Decides about one person.
    pub fn decide(&self, subject: &Subject) -> Decision {
        let holding: Vec<&&Rule> = self.rules.iter().filter(|rule| self.holds(rule.relationship, subject)).collect();
        if holding.is_empty() {
            return Decision::Refused(Refusal::NotRelated);
        }
        let granted = holding.iter().fold(FieldGroups::default(), |sum, rule| sum.union(&rule.groups));
        let withheld = granted.complement();
        Decision::Allowed { granted, withheld, rules: holding.iter().map(|rule| rule.id.clone()).collect() }
    }

    /// The longest stretch of a timeline that may be asked for, in days; `None` when there is no limit.
    pub fn timeline_days_max(&self) -> Option<u32> {
        let limits: Option<Vec<u32>> = self.rules.iter().map(|rule| rule.timeline_days_max).collect();
        limits.and_then(|limits| limits.into_iter().max())
    }

    /// The rules that entitle, for the ledger.
    pub fn rule_ids(&self) -> Vec<String> {
        self.rules.iter().map(|rule| rule.id.clone()).collect()
    }

    fn holds(&self, relationship: Relationship, subject: &Subject) -> bool {
        match relationship {
            // The case was asked for when the entitlement was made.
            Relationship::CaseStated | Relationship::None => true,
            Relationship::OwnFile => subject.is_self,
            Relationship::UnderReview => subject.is_under_review,
            Relationship::OwnUnit => {
                let own = self.caller.unit.as_deref();
                own.is_some_and(|own| subject.units.iter().any(|unit| self.policy.unit_covers(own, unit)))
            }
        }
    }
}
