//! Every cell of role × purpose × action × field group, against a table written by hand.

use access::{
    Action, Caller, CaseReference, Decision, FieldGroup, FieldGroups, Policy, Purpose, Refusal, Request, Role, Subject,
};
use proptest::prelude::*;

const GRID: &str = "320506001007G03";

fn caller(role: Role) -> Caller {
    Caller {
        handle: "c-1".to_owned(),
        organisation: "org".to_owned(),
        role,
        unit: Some(GRID.to_owned()),
        own_claim: None,
    }
}

fn request(action: Action, purpose: Purpose, case: bool) -> Request {
    let case = case.then(|| CaseReference::parse("SZ-2022-7").expect("valid"));
    Request { action, purpose, case }
}

/// What each role may see for each purpose, in the order of `FieldGroup::ALL`; `.` is withheld.
fn expected(role: Role, purpose: Purpose) -> &'static str {
    match (role, purpose) {
        //                                                  identity contact residence household care health trail payment provenance links
        (Role::CommunityWorker, Purpose::PublicHealth) => "icr.c.....",
        (Role::CommunityWorker, Purpose::Operations) => "icrh....p.",
        (Role::CdcTracer, Purpose::PublicHealth) => "icrh.ht.pl",
        (Role::Resident, Purpose::PatientRequest) => "icrh.htppl",
        (Role::DataSteward, Purpose::Operations) => "icrh....pl",
        _ => "..........",
    }
}

/// The same for actions.
fn expected_actions(role: Role, purpose: Purpose) -> &'static [Action] {
    match (role, purpose) {
        (Role::CommunityWorker, Purpose::PublicHealth) => {
            &[Action::FindPersons, Action::ReadPerson, Action::ReadUnit, Action::ReadResidents, Action::ExportResidents]
        }
        (Role::CommunityWorker, Purpose::Operations) => &[
            Action::FindPersons,
            Action::ReadPerson,
            Action::ReadRecords,
            Action::ReadTimeline,
            Action::ReadUnit,
            Action::ReadResidents,
            Action::ExportResidents,
        ],
        (Role::CdcTracer, Purpose::PublicHealth) => &[
            Action::FindPersons,
            Action::ReadPerson,
            Action::ReadRecords,
            Action::ReadTimeline,
            Action::ReadItinerary,
            Action::ReadContacts,
            Action::ReadHealthCode,
            Action::ReadRisk,
            Action::ReadLinks,
            Action::ReadLineage,
            Action::ReadCases,
        ],
        (Role::Resident, Purpose::PatientRequest) => &[
            Action::FindPersons,
            Action::ReadPerson,
            Action::ReadRecords,
            Action::ReadTimeline,
            Action::ReadItinerary,
            Action::ReadHealthCode,
            Action::ReadLinks,
            Action::ReadLineage,
            Action::ReadAccesses,
        ],
        (Role::DataSteward, Purpose::Operations) => {
            &[Action::ListReviews, Action::ReadReview, Action::DecideLink, Action::ReadDecisions]
        }
        (Role::Auditor, Purpose::Operations) => &[Action::ReadLedger],
        (Role::Subscriber, Purpose::Operations) => &[Action::ReadChanges],
        _ => &[],
    }
}

#[test]
fn every_cell_of_role_and_purpose_and_group_is_as_the_table_says() {
    let policy = Policy::builtin().expect("valid");
    let related = Subject { units: vec![GRID.to_owned()], is_self: true, is_under_review: true };
    let mut cells = 0;
    for &role in Role::ALL {
        for &purpose in Purpose::ALL {
            for &action in Action::ALL {
                let decision = policy.decide(&caller(role), &request(action, purpose, true), &related);
                if !expected_actions(role, purpose).contains(&action) {
                    assert_eq!(decision, Decision::Refused(Refusal::NotEntitled), "{role} {purpose} {action}");
                    continue;
                }
                let Decision::Allowed { granted, withheld, rules } = decision else {
                    panic!("{role} {purpose} {action} was refused");
                };
                assert!(!rules.is_empty());
                let about_nobody = action == Action::ReadRisk;
                let expected = if about_nobody { "........." } else { expected(role, purpose) };
                for (&group, cell) in FieldGroup::ALL.iter().zip(expected.chars()) {
                    assert_eq!(granted.contains(group), cell != '.', "{role} {purpose} {action} {group}");
                    assert_eq!(withheld.contains(group), cell == '.', "{role} {purpose} {action} {group}");
                    cells += 1;
                }
            }
        }
    }
    // 5 + 7 + 11 + 9 + 4 + 1 + 1 actions that are allowed, ten groups each.
    assert_eq!(cells, 38 * 10);
}

#[test]
fn nobody_sees_a_person_without_the_relationship() {
    let policy = Policy::builtin().expect("valid");
    let stranger = Subject { units: vec!["320506001008G01".to_owned()], is_self: false, is_under_review: false };
    for &role in Role::ALL {
        for &purpose in Purpose::ALL {
            for &action in Action::ALL.iter().filter(|action| action.concerns_a_person()) {
                let decision = policy.decide(&caller(role), &request(action, purpose, false), &stranger);
                assert!(matches!(decision, Decision::Refused(_)), "{role} {purpose} {action}");
            }
        }
    }
}

#[test]
fn a_tracer_without_a_case_is_told_to_state_one_before_anything_is_read() {
    let policy = Policy::builtin().expect("valid");
    let tracer = caller(Role::CdcTracer);
    let refusal = policy.entitle(&tracer, &request(Action::ReadPerson, Purpose::PublicHealth, false)).err();
    assert_eq!(refusal, Some(Refusal::CaseMissing));
    let with_case = request(Action::ReadTimeline, Purpose::PublicHealth, true);
    let entitlement = policy.entitle(&tracer, &with_case).expect("entitled");
    assert_eq!(entitlement.timeline_days_max(), Some(14));
}

#[test]
fn a_worker_without_a_unit_has_no_own_unit() {
    let policy = Policy::builtin().expect("valid");
    let mut worker = caller(Role::CommunityWorker);
    let read = request(Action::ReadPerson, Purpose::PublicHealth, false);
    for (unit, units) in [(None, vec![GRID]), (Some(""), vec![GRID]), (Some(""), vec![""]), (Some(GRID), vec![])] {
        worker.unit = unit.map(str::to_owned);
        let subject =
            Subject { units: units.into_iter().map(str::to_owned).collect(), is_self: true, is_under_review: true };
        assert_eq!(policy.decide(&worker, &read, &subject), Decision::Refused(Refusal::NotRelated));
    }
}

proptest! {
    /// Default deny, and the invariants that no policy may break, for any combination.
    #[test]
    fn an_allowed_decision_always_has_its_reason(
        role in proptest::sample::select(Role::ALL),
        purpose in proptest::sample::select(Purpose::ALL),
        action in proptest::sample::select(Action::ALL),
        case in any::<bool>(),
        is_self in any::<bool>(),
        is_under_review in any::<bool>(),
        unit in proptest::option::of("[0-9]{0,12}(G0[1-3])?"),
        units in proptest::collection::vec("3205060010(07|08)(G0[1-3])?", 0..3),
    ) {
        let policy = Policy::builtin().expect("valid");
        let mut who = caller(role);
        who.unit = unit.clone();
        let subject = Subject { units: units.clone(), is_self, is_under_review };
        if let Decision::Allowed { granted, withheld, .. } = policy.decide(&who, &request(action, purpose, case), &subject) {
            prop_assert_eq!(granted.union(&withheld), FieldGroups::all());
            match role {
                Role::CommunityWorker => {
                    let own = unit.unwrap_or_default();
                    prop_assert!(own.len() >= 6 && units.iter().any(|unit| unit.starts_with(&own)));
                    prop_assert!(!granted.contains(FieldGroup::Health) && !granted.contains(FieldGroup::Trail));
                }
                Role::CdcTracer if action == Action::ReadRisk => prop_assert!(granted.is_empty()),
                Role::CdcTracer => prop_assert!(case && !granted.contains(FieldGroup::Payment)),
                Role::Resident => prop_assert!(is_self),
                Role::DataSteward => {
                    prop_assert!(action.is_review() && (is_under_review || case && action == Action::DecideLink));
                    prop_assert!(!granted.contains(FieldGroup::Health) && !granted.contains(FieldGroup::Payment));
                }
                Role::Auditor => prop_assert!(granted.is_empty() && action == Action::ReadLedger),
                Role::Subscriber => prop_assert!(granted.is_empty() && action == Action::ReadChanges),
                Role::Department | Role::Operator => prop_assert!(false, "these see nothing"),
            }
        }
    }
}
