//! What a decision costs when it is made first, and when the same was made before: `cargo bench -p access`.

use std::time::{Duration, Instant};

use access::{Action, Caller, CaseReference, Decision, Policy, Purpose, Request, Role, Subject};

fn main() {
    let policy = Policy::builtin().expect("valid");
    let caller = Caller {
        handle: "c-1".to_owned(),
        organisation: "org".to_owned(),
        role: Role::CdcTracer,
        unit: Some("CDC-01".to_owned()),
        own_claim: None,
    };
    let case = CaseReference::parse("SZ-2022-7");
    let request = Request { action: Action::ReadPerson, purpose: Purpose::PublicHealth, case: case.ok(), grant: None };
    let decide = |unit: u32| {
        let subject = Subject { units: vec![format!("320506001{unit:03}")], ..Subject::default() };
        assert!(matches!(policy.decide(&caller, &request, &subject), Decision::Allowed { .. }));
    };
    let each = |decisions: &mut dyn Iterator<Item = u32>| -> Duration {
        let began = Instant::now();
        let count = u32::try_from(decisions.map(decide).count()).expect("few");
        began.elapsed() / count
    };
    let first = each(&mut (0..500));
    let again = each(&mut (0..500).cycle().take(50_000));
    println!("a decision: {first:?} when it is made first, {again:?} afterwards");
}
