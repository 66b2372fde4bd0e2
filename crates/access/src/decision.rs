//! The decision: what of a person a caller may see.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use cedar_policy::PolicyId;

use crate::scene::{Question, Verdict};
use crate::{Action, Caller, CaseReference, FieldGroup, FieldGroups, GrantScope, Policy, Purpose};

/// Questions whose outcome is remembered at most.
const REMEMBERED_MAX: usize = 8_192;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// What the caller wants to do.
    pub action: Action,
    /// What for.
    pub purpose: Purpose,
    /// The case that the caller works on.
    pub case: Option<CaseReference>,
    /// The emergency grant that the caller invokes: found active by the hub, and then the only thing that counts.
    pub grant: Option<Arc<GrantScope>>,
}

/// The person asked about, as far as the decision needs it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
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
        /// The policies that allowed it.
        policies: Vec<String>,
    },
    /// No.
    Refused(Refusal),
}

/// Why not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Nothing gives the role this action for this purpose.
    #[error("the role may not do this for this purpose")]
    NotEntitled,
    /// It would be allowed for a case, and none is stated.
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

/// What one question comes to, group by group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    /// For each group, or for the question as a whole when it shows none: whether it is allowed, and the policies that
    /// make it so.
    pub parts: Vec<(Option<FieldGroup>, bool, Vec<String>)>,
}

/// What a caller is entitled to before any person is looked at. It is the part of the decision that needs no data: a
/// caller without entitlement never causes a read.
#[derive(Debug)]
pub struct Entitlement<'a> {
    policy: &'a Policy,
    caller: &'a Caller,
    request: &'a Request,
    most: Arc<Grants>,
}

/// What is granted, and by which policies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grants {
    is_allowed: bool,
    groups: FieldGroups,
    policies: Vec<String>,
    timeline_days_max: Option<u32>,
}

/// Outcomes of questions that were asked before. A question holds all that its outcome depends on, so this only saves time.
#[derive(Debug, Default)]
pub(crate) struct Memory(Mutex<HashMap<Question, Arc<Grants>>>);

impl Policy {
    /// The part of the decision that needs no person: role, purpose, action and the stated case. It is decided as if the
    /// person were as close to the caller as can be.
    ///
    /// # Errors
    /// [`Refusal::NotEntitled`] or [`Refusal::CaseMissing`].
    pub fn entitle<'a>(&'a self, caller: &'a Caller, request: &'a Request) -> Result<Entitlement<'a>, Refusal> {
        let most = self.most(caller, request);
        if most.is_allowed {
            return Ok(Entitlement { policy: self, caller, request, most });
        }
        if request.grant.is_some() {
            return Err(Refusal::NotEntitled);
        }
        let with_case = self.most(caller, &for_a_case(request.action, request.purpose));
        Err(if with_case.is_allowed { Refusal::CaseMissing } else { Refusal::NotEntitled })
    }

    /// What a caller may ask for a purpose, in the order of [`Action::ALL`].
    pub fn actions(&self, caller: &Caller, purpose: Purpose) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(move |action| self.most(caller, &for_a_case(*action, purpose)).is_allowed)
    }

    /// What a caller may be shown by a question for a purpose, of the person that is closest: which groups the purpose opens.
    pub fn groups(&self, caller: &Caller, action: Action, purpose: Purpose) -> FieldGroups {
        self.most(caller, &for_a_case(action, purpose)).groups.clone()
    }

    /// Decides. Nothing is allowed that no policy permits, and nothing that one forbids.
    pub fn decide(&self, caller: &Caller, request: &Request, subject: &Subject) -> Decision {
        match self.entitle(caller, request) {
            Ok(entitlement) => entitlement.decide(subject),
            Err(refusal) => Decision::Refused(refusal),
        }
    }

    /// Why a question is decided as it is: every group on its own, with the policies that permit or forbid it.
    pub fn explain(&self, caller: &Caller, request: &Request, subject: &Subject) -> Explanation {
        let scene = self.names.scene(&self.policies, &Question::new(caller, request, subject.clone()));
        let parts = groups(request.action).into_iter().map(|group| {
            let Verdict { allowed, policies } = scene.ask(group);
            (group, allowed, policies)
        });
        Explanation { parts: parts.collect() }
    }

    /// What the policies give for the person that is closest to the caller: in the caller's unit and in the area of the grant,
    /// the caller itself, and under review. No policy asks for distance, so nobody sees more of anybody (`tests/invariants.rs`).
    fn most(&self, caller: &Caller, request: &Request) -> Arc<Grants> {
        let area = request.grant.iter().map(|grant| &grant.area);
        let units = caller.unit.iter().chain(area).cloned().collect();
        let closest = Subject { units, is_self: true, is_under_review: true };
        self.grants(Question::new(caller, request, closest))
    }

    fn grants(&self, question: Question) -> Arc<Grants> {
        let remembered = || self.memory.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(grants) = remembered().get(&question) {
            return Arc::clone(grants);
        }
        let grants = Arc::new(self.ask(&question));
        let mut remembered = remembered();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(question, Arc::clone(&grants));
        grants
    }

    fn ask(&self, question: &Question) -> Grants {
        let scene = self.names.scene(&self.policies, question);
        let mut grants = Grants::default();
        for group in groups(question.action) {
            let Verdict { allowed, policies } = scene.ask(group);
            if allowed {
                grants.groups = grants.groups.union(&group.into_iter().collect());
                grants.policies.extend(policies);
            }
        }
        let needs = question.action.needs_one_of();
        // What could answer nothing is refused, and not answered with nothing.
        grants.is_allowed = match needs {
            [] => !grants.policies.is_empty(),
            needs => needs.iter().any(|group| grants.groups.contains(*group)),
        };
        if !grants.is_allowed {
            return Grants::default();
        }
        grants.policies.sort_unstable();
        grants.policies.dedup();
        let days = |name: &String| self.policies.annotation(&PolicyId::new(name), "timeline_days")?.parse::<u32>().ok();
        // The strictest counts: a permit that states no limit lifts none.
        grants.timeline_days_max = grants.policies.iter().filter_map(days).min();
        grants
    }
}

impl Entitlement<'_> {
    /// Decides about one person.
    pub fn decide(&self, subject: &Subject) -> Decision {
        let grants = self.policy.grants(Question::new(self.caller, self.request, subject.clone()));
        if !grants.is_allowed {
            return Decision::Refused(Refusal::NotRelated);
        }
        let withheld = grants.groups.complement();
        Decision::Allowed { granted: grants.groups.clone(), withheld, policies: grants.policies.clone() }
    }

    /// The longest stretch of a timeline that may be asked for, in days; `None` when there is no limit.
    pub fn timeline_days_max(&self) -> Option<u32> {
        self.most.timeline_days_max
    }
}

/// What an action is asked about: every field group, or nothing when it concerns no person.
fn groups(action: Action) -> Vec<Option<FieldGroup>> {
    if action.concerns_a_person() { FieldGroup::ALL.iter().copied().map(Some).collect() } else { vec![None] }
}

/// The same question, as if a case were stated.
fn for_a_case(action: Action, purpose: Purpose) -> Request {
    Request { action, purpose, case: CaseReference::parse("any").ok(), grant: None }
}
