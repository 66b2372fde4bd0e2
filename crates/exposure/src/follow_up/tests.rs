use proptest::prelude::*;

use super::*;
use crate::Rules;

const NOON: Timestamp = Timestamp::from_millis(1_646_107_200_000);
const GRID: &str = "320506001007G03";
const OTHER: &str = "320506001008G01";

fn hour(hours: i64) -> Timestamp {
    NOON.plus_millis(hours * HOUR_MS)
}

fn record(number: u32) -> RecordId {
    format!("00000000-0000-0000-0000-{number:012}").parse().expect("an id")
}

fn rules() -> FollowUpRules {
    Rules::default().follow_up
}

fn begun(unit: Option<&str>) -> FollowUpChanged {
    begin(record(1), record(2), unit.map(str::to_owned), hour(-5), ("tracer-1", NOON))
}

/// What holds after steps of the holder, one an hour. A quarantine with an end is one that stood so.
fn after(steps: Vec<Step>) -> FollowUpChanged {
    (1..).zip(steps).fold(begun(Some(GRID)), |was, (hours, step)| {
        let (step, until) = match step {
            Step::Quarantine(Some(until)) => (Step::Quarantine(None), Some(until)),
            step => (step, None),
        };
        let now = take(&rules(), &was, step, (Side::Holder, false), ("worker-1", hour(hours))).expect("allowed");
        FollowUpChanged { until: until.or(now.until), ..now }
    })
}

fn place() -> Sensitive<String> {
    Sensitive::from("community clinic")
}

fn states(step: Step) -> Vec<FollowUpState> {
    let all = [
        after(vec![]),
        after(vec![Step::Notify]),
        after(vec![Step::NotReached]),
        after(vec![Step::Notify, Step::Refuse]),
        after(vec![Step::Notify, Step::Quarantine(None)]),
        after(vec![Step::Notify, Step::Quarantine(Some(hour(3))), Step::Release]),
    ];
    let at = hour(10_000);
    let take = |was: &FollowUpChanged| take(&rules(), was, step.clone(), (Side::Holder, true), ("w", at));
    all.iter().filter(|was| take(was) != Err(StepError::NotAllowed)).map(|was| was.state).collect()
}

#[test]
fn each_step_is_allowed_in_its_states_only() {
    use FollowUpState::{NotReached, Notified, Quarantined, Refused, ToNotify};
    for (step, expected) in [
        (Step::Notify, vec![ToNotify, NotReached, Refused]),
        (Step::NotReached, vec![ToNotify, Notified, NotReached, Refused]),
        (Step::Refuse, vec![ToNotify, Notified, NotReached, Refused]),
        (Step::Quarantine(None), vec![Notified, Quarantined]),
        (Step::Release, vec![Quarantined]),
        (Step::Cover, vec![ToNotify, Notified, NotReached, Refused]),
        (Step::Offer(OTHER.to_owned()), vec![ToNotify, Notified, NotReached, Refused, Quarantined]),
        (Step::Accept, vec![]),
        (Step::TakeBack, vec![]),
        (Step::Screen(place()), vec![ToNotify, Notified, NotReached, Refused, Quarantined]),
        (Step::Transport(place()), vec![]),
        (Step::Assign(OTHER.to_owned()), vec![]),
        (Step::Close(FollowUpState::Died), vec![ToNotify, Notified, NotReached, Refused, Quarantined]),
        (Step::Close(FollowUpState::PeriodOver), vec![ToNotify, Notified, NotReached, Refused]),
        (Step::Close(FollowUpState::NotThisPerson), vec![ToNotify, Notified, NotReached, Refused]),
        (Step::Close(FollowUpState::MovedAway), vec![ToNotify, Notified, NotReached, Refused]),
    ] {
        assert_eq!(states(step.clone()), expected, "{step:?}");
    }
}

#[test]
fn a_quarantine_lasts_fourteen_days_from_the_last_meeting_and_ends_at_its_last_instant() {
    let was = after(vec![Step::Notify, Step::Quarantine(None)]);
    let until = hour(-5 + 14 * 24);
    assert_eq!(was.until, Some(until));
    let release = |at| take(&rules(), &was, Step::Release, (Side::Holder, false), ("w", at)).map(|now| now.state);
    assert_eq!(release(until.plus_millis(-1)), Err(StepError::TooEarly));
    assert_eq!(release(until), Ok(FollowUpState::Released));
    // One that would be over when it begins is none, and a worker may state another end.
    let told = after(vec![Step::Notify]);
    let begin = |at, until| take(&rules(), &told, Step::Quarantine(until), (Side::Holder, false), ("w", at));
    assert_eq!(begin(until, None), Err(StepError::TooLate));
    assert!(begin(until.plus_millis(-1), None).is_ok());
    assert_eq!(begin(until, Some(until.plus_millis(1))).map(|now| now.until), Ok(Some(until.plus_millis(1))));
    // Another end does not begin it anew.
    let longer = take(&rules(), &was, Step::Quarantine(Some(hour(340))), (Side::Holder, false), ("w", hour(9)));
    assert_eq!(longer.map(|now| (now.since, now.until)), Ok((was.since, Some(hour(340)))));
}

#[test]
fn a_unit_sets_no_first_quarantine_shorter_than_the_rules_have_it_and_none_longer_than_a_whole_one() {
    let told = after(vec![Step::Notify]);
    let (by_rule, at) = (hour(-5 + 14 * 24), hour(2));
    let begin = |until| {
        let step = Step::Quarantine(Some(until));
        take(&rules(), &told, step, (Side::Holder, false), ("w", at)).map(|now| now.until)
    };
    assert_eq!(begin(by_rule.plus_millis(-1)), Err(StepError::End));
    assert_eq!(begin(by_rule), Ok(Some(by_rule)));
    let longest = hour(2 + 14 * 24);
    assert_eq!(begin(longest), Ok(Some(longest)));
    assert_eq!(begin(longest.plus_millis(1)), Err(StepError::End));
}

#[test]
fn every_wait_is_overdue_after_its_hours_and_not_at_them() {
    let rules = rules();
    let offered = after(vec![Step::Notify, Step::Quarantine(None), Step::Offer(OTHER.to_owned())]);
    let quarantined = after(vec![Step::Notify, Step::Quarantine(Some(hour(100)))]);
    let screened = after(vec![Step::Notify, Step::Quarantine(None), Step::Screen(place())]);
    for (now, since, hours, what) in [
        (begun(None), NOON, rules.notify_hours, DueFor::Assign),
        (begun(Some(GRID)), NOON, rules.notify_hours, DueFor::Notify),
        (after(vec![Step::NotReached]), hour(1), rules.again_hours, DueFor::Reach),
        (after(vec![Step::Refuse]), hour(1), rules.again_hours, DueFor::Persuade),
        (after(vec![Step::Notify]), hour(1), rules.quarantine_hours, DueFor::Quarantine),
        (quarantined, hour(100), rules.release_hours, DueFor::Release),
        (offered, hour(3), rules.accept_hours, DueFor::Accept),
        (screened, hour(3), rules.referral_hours, DueFor::Referral),
    ] {
        let at = since.plus_millis(i64::from(hours) * HOUR_MS);
        assert_eq!(due(&rules, &now), Some((at, what)));
        let is_overdue = |at| FollowUpStock::new(&rules, &now, true, at).is_overdue;
        assert!(!is_overdue(at) && is_overdue(at.plus_millis(1)), "{what:?}");
        assert!(
            !FollowUpStock::new(&rules, &now, false, at.plus_millis(1)).is_overdue,
            "without a case nothing is due"
        );
    }
    let ended = after(vec![Step::Notify, Step::Quarantine(Some(hour(3))), Step::Release]);
    assert_eq!(due(&rules, &ended), None);
}

#[test]
fn an_offer_stays_with_the_giver_until_the_other_unit_accepts() {
    let offered = after(vec![Step::Offer(OTHER.to_owned())]);
    assert_eq!((offered.unit.as_deref(), offered.offered_to.as_deref()), (Some(GRID), Some(OTHER)));
    let go = |was: &FollowUpChanged, step, side| take(&rules(), was, step, (side, false), ("w", hour(2)));
    assert_eq!(go(&offered, Step::Accept, Side::Holder), Err(StepError::NotAllowed));
    assert_eq!(go(&offered, Step::Notify, Side::Offered), Err(StepError::NotAllowed));
    assert_eq!(go(&begun(Some(GRID)), Step::Accept, Side::Offered), Err(StepError::NotAllowed));
    let accepted = go(&offered, Step::Accept, Side::Offered).expect("allowed");
    assert_eq!((accepted.unit.as_deref(), accepted.offered_to, accepted.offered), (Some(OTHER), None, None));
    for (step, side) in [(Step::Decline, Side::Offered), (Step::TakeBack, Side::Holder)] {
        let kept = go(&offered, step, side).expect("allowed");
        assert_eq!((kept.unit.as_deref(), kept.offered_to), (Some(GRID), None));
    }
    // The work goes on meanwhile, and nobody offers to oneself.
    assert_eq!(go(&offered, Step::Notify, Side::Holder).map(|now| now.offered_to), Ok(Some(OTHER.to_owned())));
    assert_eq!(go(&begun(Some(GRID)), Step::Offer(GRID.to_owned()), Side::Holder), Err(StepError::OwnUnit));
    let assigned = go(&begun(None), Step::Assign(GRID.to_owned()), Side::Control).expect("allowed");
    assert_eq!(assigned.unit.as_deref(), Some(GRID));
    assert_eq!(go(&assigned, Step::Assign(OTHER.to_owned()), Side::Control), Err(StepError::NotAllowed));
}

#[test]
fn a_referral_is_a_closed_loop_and_the_follow_up_does_not_end_before_it() {
    let steps = vec![
        Step::Notify,
        Step::Quarantine(Some(hour(4))),
        Step::Screen(place()),
        Step::Transport(place()),
        Step::Admit(place()),
    ];
    let at = |now: &FollowUpChanged| now.referral.as_ref().map(|referral| (referral.stage, referral.since));
    let admitted = after(steps.clone());
    assert_eq!(at(&admitted), Some((ReferralStage::Admitted, hour(5))));
    let go = |was: &FollowUpChanged, step| take(&rules(), was, step, (Side::Holder, true), ("w", hour(6)));
    assert_eq!(go(&admitted, Step::Release), Err(StepError::NotAllowed));
    let screened = after(steps[..3].to_vec());
    for early in [Step::Admit(place()), Step::Screen(place()), Step::Release] {
        assert_eq!(go(&screened, early), Err(StepError::NotAllowed));
    }
    let closed = go(&screened, Step::CloseReferral(ReferralOutcome::ReturnedHome, None)).expect("allowed");
    assert_eq!(go(&closed, Step::Release).map(|now| now.state), Ok(FollowUpState::Released));
    assert!(go(&closed, Step::Screen(place())).is_ok(), "somebody may fall ill once more");
}

#[test]
fn a_follow_up_is_covered_only_by_another_that_is_carried_on() {
    let told = after(vec![Step::Notify]);
    let cover = |looked_after| take(&rules(), &told, Step::Cover, (Side::Holder, looked_after), ("w", hour(6)));
    assert_eq!(cover(false), Err(StepError::NotAllowed));
    assert_eq!(cover(true).map(|now| now.state), Ok(FollowUpState::Covered));
}

#[test]
fn a_follow_up_of_which_nothing_is_left_to_be_done_is_closed_with_its_reason() {
    let told = after(vec![Step::Notify]);
    let over = hour(-5 + 14 * 24);
    let close = |was: &FollowUpChanged, reason, side, at| {
        take(&rules(), was, Step::Close(reason), (side, false), ("w", at)).map(|now| (now.state, now.since))
    };
    use FollowUpState::{Died, MovedAway, NotThisPerson, PeriodOver, Released};
    // When the quarantine that the rules ask for would be over there is none to begin, and nothing to wait for.
    assert_eq!(close(&told, PeriodOver, Side::Holder, over.plus_millis(-1)), Err(StepError::TooEarly));
    assert_eq!(close(&told, PeriodOver, Side::Holder, over), Ok((PeriodOver, over)));
    for reason in [Died, NotThisPerson, MovedAway] {
        assert_eq!(close(&told, reason, Side::Holder, hour(2)), Ok((reason, hour(2))));
    }
    assert_eq!(close(&told, Released, Side::Holder, over), Err(StepError::Reason));
    // What no unit has is closed by disease control; what a unit has by that one alone.
    assert_eq!(close(&begun(None), NotThisPerson, Side::Control, hour(2)), Ok((NotThisPerson, hour(2))));
    for side in [Side::Control, Side::Offered] {
        assert_eq!(close(&told, NotThisPerson, side, hour(2)), Err(StepError::NotAllowed));
    }
    // A quarantine ends by its release, or by death.
    let quarantined = after(vec![Step::Notify, Step::Quarantine(None)]);
    assert_eq!(close(&quarantined, NotThisPerson, Side::Holder, hour(3)), Err(StepError::NotAllowed));
    assert_eq!(close(&quarantined, Died, Side::Holder, hour(3)), Ok((Died, hour(3))));
    // An open referral is closed first, and nobody waits for the answer to an offer.
    let screened = after(vec![Step::Notify, Step::Screen(place())]);
    assert_eq!(close(&screened, MovedAway, Side::Holder, hour(3)), Err(StepError::NotAllowed));
    let nobodys = FollowUpChanged { unit: None, ..screened };
    assert_eq!(close(&nobodys, MovedAway, Side::Control, hour(3)), Err(StepError::NotAllowed));
    let offered = after(vec![Step::Offer(OTHER.to_owned()), Step::Close(MovedAway)]);
    assert_eq!((offered.state, offered.offered_to, offered.offered), (MovedAway, None, None));
}

#[test]
fn a_later_meeting_makes_a_quarantine_longer_and_takes_up_again_what_had_ended_too_early() {
    use FollowUpState::{Died, NotThisPerson, PeriodOver, Quarantined, ToNotify};
    let again = |was: &FollowUpChanged, met, at| {
        met_again(&rules(), was, met, ("tracer-1", at)).map(|now| (now.state, now.met, now.until))
    };
    let quarantined = after(vec![Step::Notify, Step::Quarantine(None)]);
    let whole = |met: Timestamp| met.plus_millis(14 * 24 * HOUR_MS);
    assert_eq!(again(&quarantined, hour(1), hour(3)), Some((Quarantined, hour(1), Some(whole(hour(1))))));
    assert_eq!(again(&quarantined, hour(-5), hour(3)), None, "the same meeting");
    let longer = after(vec![Step::Notify, Step::Quarantine(Some(hour(1_000)))]);
    assert_eq!(again(&longer, hour(1), hour(3)), Some((Quarantined, hour(1), Some(hour(1_000)))), "none is shortened");
    assert_eq!(again(&after(vec![Step::Notify]), hour(1), hour(3)).map(|now| now.2), Some(None));
    let closed = |reason| FollowUpChanged { state: reason, ..after(vec![Step::Notify]) };
    assert_eq!(again(&closed(PeriodOver), hour(1), hour(3)), Some((ToNotify, hour(1), None)));
    assert_eq!(again(&closed(PeriodOver), hour(1), whole(hour(1))), None, "that time is over, too");
    assert_eq!(again(&closed(Died), hour(1), hour(3)), None);
    assert_eq!(again(&closed(NotThisPerson), hour(1), hour(3)), None);
    // What is taken up again counts its attempts anew; what was open all the time counts on.
    let missed = after(vec![Step::NotReached, Step::NotReached]);
    let attempts =
        |was: &FollowUpChanged| met_again(&rules(), was, hour(1), ("tracer-1", hour(3))).map(|now| now.attempts);
    assert_eq!(attempts(&missed), Some(2));
    assert_eq!(attempts(&FollowUpChanged { state: PeriodOver, ..missed }), Some(0));
}

#[test]
fn whoever_dies_on_the_way_to_the_hospital_is_followed_up_no_longer() {
    let steps = |outcome| vec![Step::Notify, Step::Screen(place()), Step::CloseReferral(outcome, None)];
    let died = after(steps(ReferralOutcome::Died));
    assert_eq!((died.state, died.since, died.step), (FollowUpState::Died, hour(3), FollowUpStep::ReferralClosed));
    assert_eq!(due(&rules(), &died), None);
    assert!(allowed(&died, Side::Holder, true).is_empty());
    assert_eq!(after(steps(ReferralOutcome::ReturnedHome)).state, FollowUpState::Notified);
}

#[test]
fn a_contact_is_told_where_they_live_and_where_they_are_registered() {
    let units = |codes: &[&str]| units_to_tell(&codes.iter().map(|code| (*code).to_owned()).collect::<Vec<_>>());
    assert_eq!(units(&["320506001", GRID, "320506001007", OTHER]), [GRID, OTHER]);
    assert_eq!(units(&["320506001", "320507002"]), ["320506001", "320507002"]);
    assert_eq!(units(&["320506"]), Vec::<String>::new(), "a district knocks at no door");
    assert_eq!(units(&["", "nowhere"]), Vec::<String>::new());
}

const UNITS: [Option<&str>; 6] =
    [None, Some(GRID), Some(OTHER), Some("320506001"), Some("320506001007"), Some("320507001001G01")];

fn stock() -> impl Strategy<Value = FollowUpStock> {
    (0..UNITS.len(), 0..FollowUpStanding::ALL.len(), any::<bool>(), any::<bool>()).prop_map(
        |(unit, standing, is_overdue, is_offered)| FollowUpStock {
            unit: UNITS[unit].map(str::to_owned),
            standing: FollowUpStanding::ALL[standing],
            is_overdue,
            is_offered,
            until: None,
        },
    )
}

fn sum(counts: impl IntoIterator<Item = FollowUpCount>) -> FollowUpCount {
    counts.into_iter().fold(FollowUpCount::default(), |mut sum, count| {
        for (sum, one) in sum.standings.iter_mut().zip(count.standings) {
            *sum += one;
        }
        sum.overdue += count.overdue;
        sum.offered += count.offered;
        sum
    })
}

/// What a worker or disease control may try, whatever the state.
fn any_step() -> impl Strategy<Value = (Step, Side)> {
    let step = prop_oneof![
        Just(Step::Assign(OTHER.to_owned())),
        Just(Step::Notify),
        Just(Step::NotReached),
        Just(Step::Refuse),
        Just(Step::Quarantine(None)),
        Just(Step::Release),
        Just(Step::Cover),
        Just(Step::Offer(OTHER.to_owned())),
        Just(Step::Offer(GRID.to_owned())),
        Just(Step::Accept),
        Just(Step::Decline),
        Just(Step::TakeBack),
        Just(Step::Screen(place())),
        Just(Step::Transport(place())),
        Just(Step::CloseReferral(ReferralOutcome::Discharged, None)),
        Just(Step::CloseReferral(ReferralOutcome::Died, None)),
        prop::sample::select(FollowUpState::ALL).prop_map(Step::Close),
    ];
    (step, prop_oneof![Just(Side::Holder), Just(Side::Offered), Just(Side::Control)])
}

proptest! {
    #[test]
    fn the_counts_of_units_and_of_nobody_add_up_to_all(all in prop::collection::vec(stock(), 0..60)) {
        let whole = count_all(&all);
        prop_assert_eq!(whole.total(), all.len() as u64);
        let nobody = count_all(all.iter().filter(|one| one.unit.is_none()));
        let districts = ["320506", "320507"].map(|unit| count_of_unit(unit, &all).0);
        prop_assert_eq!(sum(districts.into_iter().chain([nobody])), whole);
        for unit in UNITS.into_iter().flatten().chain(["320506", "320507"]) {
            let (whole, below) = count_of_unit(unit, &all);
            prop_assert_eq!(sum(below.clone().into_values()), sum([whole]));
            for (child, count) in below.into_iter().filter_map(|(child, count)| Some((child?, count))) {
                prop_assert_eq!(count_of_unit(child, &all).0, count);
            }
        }
    }

    /// Whatever is tried: an open follow-up that a unit had is had by one, waits for something, and somebody may go on.
    #[test]
    fn nobody_falls_out_whatever_steps_are_tried(
        tried in prop::collection::vec((any_step(), 0..400_i64), 0..40),
        is_assigned in any::<bool>(),
    ) {
        let (mut now, mut at) = (begun(is_assigned.then_some(GRID)), NOON);
        for ((step, side), hours) in tried {
            at = at.plus_millis(hours * HOUR_MS);
            let was = now.clone();
            match take(&rules(), &now, step, (side, true), ("w", at)) {
                Ok(next) => now = next,
                Err(_) => continue,
            }
            prop_assert!(!was.state.is_ended(), "what has ended stays so");
            prop_assert!(was.unit.is_none() || now.unit.is_some(), "a unit that had it gave it to none");
            prop_assert_eq!(now.offered_to.is_some(), now.offered.is_some());
            prop_assert_eq!(due(&rules(), &now).is_some(), !now.state.is_ended());
            let someone = [Side::Holder, Side::Control].iter().any(|side| !allowed(&now, *side, false).is_empty());
            prop_assert!(someone || now.state.is_ended());
            let is_referred = now.referral.as_ref().is_some_and(Referral::is_open);
            prop_assert!(!(is_referred && now.state.is_ended()), "it ended before its referral");
        }
    }
}
