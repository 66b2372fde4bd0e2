//! What must hold whatever is permitted: tried on every question of a small world, once with the policies that ship and once
//! with a permit for everything. A proof by the symbolic compiler would need a solver beside the hub; the world here is small
//! enough to be tried out whole.

use std::sync::Arc;

use access::{Action, Caller, CaseReference, FieldGroup, GrantScope, Policy, Purpose, Request, Role, Subject};

const OWN: &str = "320506001007G03";
const OTHER: &str = "320506001008G01";

/// One question about one group, and how caller and person stand to each other.
#[derive(Clone, Copy, Debug)]
struct Question {
    role: Role,
    purpose: Purpose,
    action: Action,
    group: Option<FieldGroup>,
    has_case: bool,
    /// The area of the grant that is invoked: its groups are identity and health, its role the tracer's.
    grant: Option<&'static str>,
    /// The caller's unit, and that of the person.
    units: (Option<&'static str>, &'static str),
    is_self: bool,
    is_under_review: bool,
}

impl Question {
    fn is_own_unit(&self) -> bool {
        self.units.0.is_some_and(|own| self.units.1.starts_with(own))
    }

    fn is_granted(&self, area: &str) -> bool {
        self.role == Role::CdcTracer
            && self.purpose == Purpose::PublicHealth
            && self.units.1.starts_with(area)
            && matches!(self.group, Some(FieldGroup::Identity | FieldGroup::Health))
    }

    /// The laws, stated anew and not in Cedar. `Some` says which one forbids it.
    fn law_against(&self) -> Option<&'static str> {
        let Self { role, purpose, action, group, .. } = *self;
        let about_a_person = action.concerns_a_person();
        let decides_for_a_case = action == Action::DecideLink && self.has_case;
        let laws = [
            ("only auditors read the log", action == Action::ReadLedger && role != Role::Auditor),
            ("only subscribers follow changes", action == Action::ReadChanges && role != Role::Subscriber),
            (
                "those who audit, run, feed, approve or count see no person",
                about_a_person
                    && matches!(
                        role,
                        Role::Auditor
                            | Role::Department
                            | Role::Operator
                            | Role::Subscriber
                            | Role::PrivacyOfficer
                            | Role::CdcLead
                            | Role::CdcAnalyst
                    ),
            ),
            (
                "workers see their own unit",
                about_a_person && role == Role::CommunityWorker && !self.is_own_unit() && self.grant.is_none(),
            ),
            (
                "tracers state a case",
                about_a_person
                    && role == Role::CdcTracer
                    && !(self.has_case || action == Action::ReadCases)
                    && self.grant.is_none(),
            ),
            ("a grant ends at its scope", about_a_person && self.grant.is_some_and(|area| !self.is_granted(area))),
            (
                "grants are approved by those who do not use them",
                action == Action::ApproveGrant && !matches!(role, Role::CdcLead | Role::PrivacyOfficer),
            ),
            (
                "grants are reviewed by those who do not use them",
                action == Action::ReviewGrant && !matches!(role, Role::Auditor | Role::PrivacyOfficer),
            ),
            ("auditors ask for names", action == Action::AskName && role != Role::Auditor),
            (
                "a second person agrees to names",
                action == Action::ApproveName && !matches!(role, Role::Auditor | Role::PrivacyOfficer),
            ),
            ("privacy officers mark persons", action == Action::MarkPersons && role != Role::PrivacyOfficer),
            (
                "figures are for disease control",
                matches!(action, Action::WorkOnFigures | Action::ReleaseFigures)
                    && !matches!(role, Role::CdcAnalyst | Role::CdcLead),
            ),
            ("leads seal, and cases only", action == Action::SealCase && (role != Role::CdcLead || !self.has_case)),
            ("residents see their own file", about_a_person && role == Role::Resident && !self.is_self),
            ("only residents read who looked", action == Action::ReadAccesses && role != Role::Resident),
            ("only stewards review", action.is_review() && role != Role::DataSteward),
            ("stewards read no files", role == Role::DataSteward && about_a_person && !action.is_review()),
            (
                "stewards see what is under review",
                role == Role::DataSteward && about_a_person && !self.is_under_review && !decides_for_a_case,
            ),
            (
                "health and trail are for tracers and residents",
                matches!(group, Some(FieldGroup::Health | FieldGroup::Trail))
                    && !matches!(role, Role::CdcTracer | Role::Resident),
            ),
            ("payments are for residents", group == Some(FieldGroup::Payment) && role != Role::Resident),
            ("a purpose belongs to a role", !purposes(role).contains(&purpose)),
        ];
        laws.into_iter().find_map(|(law, broken)| broken.then_some(law))
    }

    /// The question asked of each group that its action could show, and whether it is allowed.
    fn put_to(&self, policy: &Policy) -> Vec<(Self, bool)> {
        let caller = Caller {
            handle: "c-1".to_owned(),
            organisation: "org".to_owned(),
            role: self.role,
            unit: self.units.0.map(str::to_owned),
            own_claim: None,
        };
        let case = self.has_case.then(|| CaseReference::parse("SZ-2022-7").expect("valid"));
        let subject = Subject {
            units: vec![self.units.1.to_owned()],
            is_self: self.is_self,
            is_under_review: self.is_under_review,
        };
        let grant = self.grant.map(|area| {
            let groups = [FieldGroup::Identity, FieldGroup::Health].into_iter().collect();
            let (area, roles) = (area.to_owned(), [Role::CdcTracer].into());
            Arc::new(GrantScope { area, purpose: Purpose::PublicHealth, roles, groups })
        });
        let request = Request { action: self.action, purpose: self.purpose, case, grant };
        let explanation = policy.explain(&caller, &request, &subject);
        explanation.parts.into_iter().map(|(group, allowed, _)| (Self { group, ..*self }, allowed)).collect()
    }
}

fn purposes(role: Role) -> &'static [Purpose] {
    match role {
        Role::CommunityWorker => &[Purpose::PublicHealth, Purpose::Operations],
        Role::CdcTracer => &[Purpose::PublicHealth],
        Role::Resident => &[Purpose::PatientRequest],
        Role::Auditor
        | Role::DataSteward
        | Role::Subscriber
        | Role::Operator
        | Role::PrivacyOfficer
        | Role::CdcLead
        | Role::CdcAnalyst => &[Purpose::Operations],
        Role::Department => &[],
    }
}

/// Every question of the small world.
fn world() -> Vec<Question> {
    let mut world = Vec::new();
    for &role in Role::ALL {
        for &purpose in Purpose::ALL {
            for &action in Action::ALL {
                for bits in 0..8_u8 {
                    let [has_case, is_self, is_under_review] = [1, 2, 4].map(|bit| bits & bit != 0);
                    for units in [(None, OWN), (Some(OWN), OTHER), (Some("320506001007"), OWN)] {
                        let with_grant = action.concerns_a_person() && !is_self && !is_under_review;
                        let grants = [None, Some("320506001"), Some("320506001008")];
                        for grant in grants.into_iter().take(if with_grant { 3 } else { 1 }) {
                            let group = None;
                            world.push(Question {
                                role,
                                purpose,
                                action,
                                group,
                                has_case,
                                grant,
                                units,
                                is_self,
                                is_under_review,
                            });
                        }
                    }
                }
            }
        }
    }
    world
}

#[test]
fn no_question_is_answered_against_a_law_even_when_everything_is_permitted() {
    let everything = "@id(\"everything\") permit (principal, action, resource);";
    let policy = Policy::with_permits(everything).expect("valid");
    let mut allowed = 0;
    for (question, is_allowed) in world().iter().flat_map(|question| question.put_to(&policy)) {
        let law = question.law_against();
        assert_eq!(is_allowed, law.is_none(), "{law:?}: {question:?}");
        allowed += usize::from(is_allowed);
    }
    assert!(allowed > 1_000, "{allowed}");
}

#[test]
fn what_ships_breaks_no_law_and_shows_most_of_the_person_that_is_closest() {
    let policy = Policy::builtin().expect("valid");
    let granted = |question: &Question| -> Vec<Question> {
        question
            .put_to(&policy)
            .into_iter()
            .filter_map(|(question, is_allowed)| is_allowed.then_some(question))
            .collect()
    };
    for question in world() {
        let shown = granted(&question);
        for shown in &shown {
            assert_eq!(shown.law_against(), None, "{shown:?}");
        }
        let Some(first) = shown.first() else { continue };
        let groups = |questions: &[Question]| questions.iter().map(|question| question.group).collect::<Vec<_>>();
        // Nobody is nearer than who lives in the caller's unit, or in the area of the grant.
        let near = first.grant.or(first.units.0).map_or(first.units, |near| (first.units.0, near));
        let closest = groups(&granted(&Question { units: near, is_self: true, is_under_review: true, ..question }));
        assert!(groups(&shown).iter().all(|group| closest.contains(group)), "{question:?}");
        // A grant of a few groups answers some actions only; `Policy::decide` refuses the others.
        let needs = if question.grant.is_some() { &[] } else { question.action.needs_one_of() };
        let answered = needs.iter().any(|group| groups(&shown).contains(&Some(*group)));
        assert!(answered || needs.is_empty(), "nothing that is granted could answer: {question:?}");
    }
}
