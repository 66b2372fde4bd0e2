//! Every cell of role × purpose × action × field group, against a table written by hand.

use std::sync::Arc;

use access::{
    Action, Caller, CaseReference, Decision, FieldGroup, GrantScope, Policy, Purpose, Refusal, Request, Role, Subject,
};

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
    Request { action, purpose, case, grant: None }
}

/// What each role may see for each purpose, in the order of `FieldGroup::ALL`; `.` is withheld.
fn expected(role: Role, purpose: Purpose, action: Action) -> &'static str {
    match (role, purpose) {
        (Role::CdcTracer, Purpose::PublicHealth)
            if matches!(action, Action::DirectFollowUps | Action::ReadFollowUps) =>
        {
            "icr.c....."
        }
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
        (Role::CommunityWorker, Purpose::PublicHealth) => &[
            Action::FindPersons,
            Action::ReadPerson,
            Action::ReadFollowUps,
            Action::StepFollowUp,
            Action::ReadUnit,
            Action::ReadResidents,
            Action::ExportResidents,
        ],
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
            Action::DirectFollowUps,
            Action::ReadFollowUps,
            Action::ReadSignals,
            Action::ReadAppeals,
            Action::DecideAppeal,
            Action::RequestGrant,
            Action::StopGrant,
            Action::ReadGrants,
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
            Action::AppealHealthCode,
            Action::ContestFile,
        ],
        (Role::DataSteward, Purpose::Operations) => &[
            Action::ListReviews,
            Action::ReadReview,
            Action::DecideLink,
            Action::ReadDecisions,
            Action::ReadContests,
            Action::DecideContest,
        ],
        (Role::Auditor, Purpose::Operations) => &[
            Action::ReadLedger,
            Action::StopGrant,
            Action::ReviewGrant,
            Action::ReadGrants,
            Action::AskName,
            Action::ApproveName,
        ],
        (Role::Operator, Purpose::Operations) => &[Action::StopGrant, Action::ReadGrants],
        (Role::PrivacyOfficer, Purpose::Operations) => &[
            Action::MarkPersons,
            Action::ApproveGrant,
            Action::StopGrant,
            Action::ReviewGrant,
            Action::ReadGrants,
            Action::ApproveName,
        ],
        (Role::CdcLead, Purpose::Operations) => &[
            Action::RequestGrant,
            Action::ApproveGrant,
            Action::StopGrant,
            Action::ReadGrants,
            Action::WorkOnFigures,
            Action::ReleaseFigures,
            Action::ReadFigures,
            Action::SealCase,
        ],
        (Role::CdcAnalyst, Purpose::Operations) => &[Action::WorkOnFigures, Action::ReadFigures],
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
                let Decision::Allowed { granted, withheld, policies } = decision else {
                    panic!("{role} {purpose} {action} was refused");
                };
                assert!(!policies.is_empty());
                for (&group, cell) in FieldGroup::ALL.iter().zip(expected(role, purpose, action).chars()) {
                    let cell = if action.concerns_a_person() { cell } else { '.' };
                    assert_eq!(granted.contains(group), cell != '.', "{role} {purpose} {action} {group}");
                    assert_eq!(withheld.contains(group), cell == '.', "{role} {purpose} {action} {group}");
                    cells += 1;
                }
            }
        }
    }
    // 7 + 7 + 19 + 11 + 6 + 6 + 1 + 2 + 6 + 8 + 2 actions that are allowed, ten groups each.
    assert_eq!(cells, 75 * 10);
}

#[test]
fn nobody_sees_a_person_without_the_relationship() {
    let policy = Policy::builtin().expect("valid");
    let stranger = Subject { units: vec!["320506001008G01".to_owned()], is_self: false, is_under_review: false };
    for &role in Role::ALL {
        for &purpose in Purpose::ALL {
            // The register of cases is disease control's, with a case or without.
            let about_a_person = |action: &&Action| action.concerns_a_person() && **action != Action::ReadCases;
            for &action in Action::ALL.iter().filter(about_a_person) {
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
    assert_eq!(policy.entitle(&tracer, &with_case).expect("entitled").timeline_days_max(), Some(14));
}

#[test]
fn a_worker_without_a_unit_has_no_own_unit() {
    let policy = Policy::builtin().expect("valid");
    let mut worker = caller(Role::CommunityWorker);
    let read = request(Action::ReadPerson, Purpose::PublicHealth, false);
    for (unit, units, refusal) in [
        (None, vec![GRID], Refusal::NotEntitled),
        (Some(""), vec![GRID], Refusal::NotEntitled),
        (Some(""), vec![""], Refusal::NotEntitled),
        (Some(GRID), vec![], Refusal::NotRelated),
        (Some(GRID), vec![""], Refusal::NotRelated),
        (Some("3205"), vec![GRID], Refusal::NotRelated),
    ] {
        worker.unit = unit.map(str::to_owned);
        let subject =
            Subject { units: units.into_iter().map(str::to_owned).collect(), is_self: true, is_under_review: true };
        assert_eq!(policy.decide(&worker, &read, &subject), Decision::Refused(refusal), "{unit:?}");
    }
}

#[test]
fn the_words_of_the_table_are_those_of_the_policies() {
    // A policy set whose schema has a role, purpose, action or group that the lists lack is not taken at all.
    let policy = Policy::builtin().expect("valid");
    let allowed = |role: Role| {
        let caller = caller(role);
        Purpose::ALL.iter().any(|purpose| policy.actions(&caller, *purpose).next().is_some())
    };
    let idle: Vec<Role> = Role::ALL.iter().copied().filter(|role| !allowed(*role)).collect();
    assert_eq!(idle, [Role::Department], "who asks nothing of the query API");
}

#[test]
fn a_tracer_sees_nothing_of_payments_and_is_told_which_policies_say_so() {
    let policy = Policy::builtin().expect("valid");
    let about = request(Action::ReadPerson, Purpose::PublicHealth, true);
    let explanation = policy.explain(&caller(Role::CdcTracer), &about, &Subject::default());
    let of = |group| {
        let part = explanation.parts.iter().find(|(of, ..)| *of == Some(group)).expect("every group");
        (part.1, part.2.join(" "))
    };
    assert_eq!(of(FieldGroup::Trail), (true, "tracer-works-on-a-case".to_owned()));
    assert_eq!(of(FieldGroup::Payment), (false, "payments-are-for-residents".to_owned()));
}

fn granted(area: &str, groups: &[FieldGroup]) -> Option<Arc<GrantScope>> {
    let groups = groups.iter().copied().collect();
    let (area, roles) = (area.to_owned(), [Role::CdcTracer, Role::CommunityWorker].into());
    Some(Arc::new(GrantScope { area, purpose: Purpose::PublicHealth, roles, groups }))
}

#[test]
fn a_grant_lifts_case_and_unit_in_its_area_and_shows_its_groups_only() {
    let policy = Policy::builtin().expect("valid");
    let all: Vec<FieldGroup> = FieldGroup::ALL.to_vec();
    let ask = |role, purpose, grant, unit: &str| {
        let about = Request { grant, ..request(Action::ReadPerson, purpose, false) };
        let subject = Subject { units: vec![unit.to_owned()], ..Subject::default() };
        match policy.decide(&caller(role), &about, &subject) {
            Decision::Allowed { granted, .. } => granted.codes().join(" "),
            Decision::Refused(refusal) => refusal.code().to_owned(),
        }
    };
    let some = || granted("320506001", &[FieldGroup::Identity, FieldGroup::Trail]);
    let public = Purpose::PublicHealth;
    // The tracer without a case, the worker beyond the own unit; health and trail stay with tracers.
    assert_eq!(ask(Role::CdcTracer, public, some(), "320506001008G01"), "identity trail");
    assert_eq!(ask(Role::CommunityWorker, public, some(), "320506001008G01"), "identity");
    assert_eq!(ask(Role::CommunityWorker, public, some(), GRID), "identity", "judged by the grant alone");
    assert_eq!(ask(Role::CdcTracer, public, some(), "320506002001G01"), "not-related", "another area");
    assert_eq!(ask(Role::CdcTracer, public, None, "320506001008G01"), "case-missing");
    for role in [Role::Auditor, Role::PrivacyOfficer, Role::CdcLead, Role::Operator, Role::Resident, Role::DataSteward]
    {
        assert_eq!(ask(role, public, some(), "320506001008G01"), "not-entitled", "{role}");
    }
    assert_eq!(ask(Role::CommunityWorker, Purpose::Operations, some(), GRID), "not-entitled", "another purpose");
    let everything = ask(Role::CdcTracer, public, granted("320506001", &all), "320506001008G01");
    assert!(!everything.contains("payment"), "{everything}");
    // A grant that could answer nothing opens nothing.
    let timeline = Request {
        grant: granted("320506001", &[FieldGroup::Identity]),
        ..request(Action::ReadTimeline, public, false)
    };
    assert_eq!(policy.entitle(&caller(Role::CdcTracer), &timeline).err(), Some(Refusal::NotEntitled));
}
