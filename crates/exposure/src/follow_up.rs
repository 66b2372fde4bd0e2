//! Follow-up of people who met a case: which step may be taken, what holds after it, and when the next one is due.
//!
//! A follow-up is at one community unit, from the word of disease control to the end of the quarantine. A unit hands it over
//! by offering it, and has it until the other one accepts: nobody falls out. Beside it runs the referral from the clinic of
//! the community to the designated hospital, which must be closed before the follow-up ends.
//!
//! Every follow-up can end honestly: released, covered by another one, or closed with a reason that counts apart.
//!
//! Not here: whether there still is a case (who reads looks it up), and whose unit a caller is of (`access`).

use std::collections::BTreeMap;

use domain::{
    FollowUpChanged, FollowUpState, FollowUpStep, RecordId, Referral, ReferralOutcome, ReferralStage, Sensitive,
    Timestamp, unit,
};
use serde::{Deserialize, Serialize};

use crate::risk::DAY_MS;
use crate::rules::{RulesError, ensure};

const HOUR_MS: i64 = 3_600_000;

/// How long the steps of a follow-up may take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FollowUpRules {
    /// Hours until the person is told.
    pub notify_hours: u32,
    /// Hours until somebody who was not reached, or does not go along, is tried again.
    pub again_hours: u32,
    /// Hours from telling until the person is in quarantine.
    pub quarantine_hours: u32,
    /// A quarantine lasts so many times 24 hours after the last meeting, unless the worker states its end.
    pub quarantine_days: u32,
    /// Hours from the end of a quarantine until it is lifted.
    pub release_hours: u32,
    /// Hours until the other unit answers an offer.
    pub accept_hours: u32,
    /// Hours until the next step of an open referral.
    pub referral_hours: u32,
}

impl FollowUpRules {
    pub(crate) fn check(&self) -> Result<(), RulesError> {
        const HOURS: &str = "between 1 and 720";
        for (key, hours) in [
            ("follow_up.notify_hours", self.notify_hours),
            ("follow_up.again_hours", self.again_hours),
            ("follow_up.quarantine_hours", self.quarantine_hours),
            ("follow_up.release_hours", self.release_hours),
            ("follow_up.accept_hours", self.accept_hours),
            ("follow_up.referral_hours", self.referral_hours),
        ] {
            ensure((1..=720).contains(&hours), key, hours, HOURS)?;
        }
        let days = self.quarantine_days;
        ensure((1..=365).contains(&days), "follow_up.quarantine_days", days, "between 1 and 365")
    }
}

/// A step that somebody wants to take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Gives a follow-up that nobody has to a unit.
    Assign(String),
    /// The person was told.
    Notify,
    /// The person was not found.
    NotReached,
    /// The person does not go along.
    Refuse,
    /// The person is in quarantine, until an instant or as long as the rules say.
    Quarantine(Option<Timestamp>),
    /// The quarantine is over.
    Release,
    /// Another follow-up looks after the person.
    Cover,
    /// Offers it to a unit.
    Offer(String),
    /// Takes what is offered.
    Accept,
    /// Does not take what is offered.
    Decline,
    /// Takes the own offer back.
    TakeBack,
    /// The clinic of the community saw the person, in a place.
    Screen(Sensitive<String>),
    /// The person is on the way.
    Transport(Sensitive<String>),
    /// The hospital took the person in.
    Admit(Sensitive<String>),
    /// It is known what became of the person.
    CloseReferral(ReferralOutcome, Option<Sensitive<String>>),
    /// There is nothing left to be done, for one of [`FollowUpState::REASONS`].
    Close(FollowUpState),
}

impl Step {
    /// What is said to have been done.
    pub const fn done(&self) -> FollowUpStep {
        match self {
            Self::Assign(_) => FollowUpStep::Assigned,
            Self::Notify => FollowUpStep::Notified,
            Self::NotReached => FollowUpStep::NotReached,
            Self::Refuse => FollowUpStep::Refused,
            Self::Quarantine(_) => FollowUpStep::Quarantined,
            Self::Release => FollowUpStep::Released,
            Self::Cover => FollowUpStep::Covered,
            Self::Offer(_) => FollowUpStep::Offered,
            Self::Accept => FollowUpStep::Accepted,
            Self::Decline => FollowUpStep::Declined,
            Self::TakeBack => FollowUpStep::TakenBack,
            Self::Screen(_) => FollowUpStep::Screened,
            Self::Transport(_) => FollowUpStep::Transported,
            Self::Admit(_) => FollowUpStep::Admitted,
            Self::CloseReferral(..) => FollowUpStep::ReferralClosed,
            Self::Close(_) => FollowUpStep::Closed,
        }
    }
}

/// Who wants to take a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The unit that has it.
    Holder,
    /// The unit that it is offered to.
    Offered,
    /// Disease control.
    Control,
}

/// Why a step cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StepError {
    /// Not in this state, or not by this side.
    #[error("the step is not allowed now")]
    NotAllowed,
    /// The quarantine, or the time in which there would be one, is not over yet.
    #[error("the quarantine is not over yet")]
    TooEarly,
    /// By the rules the quarantine would be over when it begins.
    #[error("the quarantine would be over when it begins")]
    TooLate,
    /// An end of a quarantine that is earlier than stands, or later than a whole one from now on.
    #[error("the quarantine cannot end then")]
    End,
    /// An offer to the own unit.
    #[error("the unit has the follow-up")]
    OwnUnit,
    /// A state that is no reason for closing.
    #[error("a follow-up is not closed for this")]
    Reason,
}

/// The begin of a follow-up.
pub fn begin(
    case: RecordId,
    record: RecordId,
    unit: Option<String>,
    met: Timestamp,
    (by, at): (&str, Timestamp),
) -> FollowUpChanged {
    FollowUpChanged {
        case,
        record,
        step: FollowUpStep::Begun,
        by: by.to_owned(),
        state: FollowUpState::ToNotify,
        since: at,
        until: None,
        attempts: 0,
        met,
        unit,
        offered_to: None,
        offered: None,
        referral: None,
        note: None,
    }
}

/// Which steps may be taken by a side. `is_looked_after` says that another follow-up of the person is notified or in
/// quarantine. A release is among them before its time, and so is closing. Nobody is taken out of a quarantine by closing
/// but by death; disease control closes what no unit has.
pub fn allowed(was: &FollowUpChanged, side: Side, is_looked_after: bool) -> Vec<FollowUpStep> {
    use FollowUpState::{Notified, Quarantined};
    if was.state.is_ended() {
        return Vec::new();
    }
    let stage = was.referral.as_ref().filter(|referral| referral.is_open()).map(|referral| referral.stage);
    let is_offered = was.offered_to.is_some();
    let may = |step: &FollowUpStep| match (side, step) {
        (Side::Control, FollowUpStep::Assigned) => was.unit.is_none(),
        (Side::Control, FollowUpStep::Closed) => was.unit.is_none() && stage.is_none(),
        (Side::Offered, FollowUpStep::Accepted | FollowUpStep::Declined) => is_offered,
        (Side::Control | Side::Offered, _) => false,
        (Side::Holder, step) => match step {
            FollowUpStep::Begun | FollowUpStep::Assigned | FollowUpStep::MetAgain => false,
            FollowUpStep::Accepted | FollowUpStep::Declined => false,
            FollowUpStep::Notified => !matches!(was.state, Notified | Quarantined),
            FollowUpStep::NotReached => was.state != Quarantined,
            FollowUpStep::Refused => was.state != Quarantined,
            FollowUpStep::Quarantined => matches!(was.state, Notified | Quarantined),
            FollowUpStep::Released => was.state == Quarantined && stage.is_none(),
            FollowUpStep::Covered => is_looked_after && was.state != Quarantined && stage.is_none(),
            FollowUpStep::Offered => !is_offered,
            FollowUpStep::TakenBack => is_offered,
            FollowUpStep::Screened => stage.is_none(),
            FollowUpStep::Transported => stage == Some(ReferralStage::Screened),
            FollowUpStep::Admitted => stage == Some(ReferralStage::Transported),
            FollowUpStep::ReferralClosed => stage.is_some(),
            FollowUpStep::Closed => stage.is_none(),
        },
    };
    FollowUpStep::ALL.iter().copied().filter(may).collect()
}

/// Takes a step: what holds after it.
///
/// # Errors
/// When it may not be taken.
pub fn take(
    rules: &FollowUpRules,
    was: &FollowUpChanged,
    step: Step,
    (side, is_looked_after): (Side, bool),
    (by, at): (&str, Timestamp),
) -> Result<FollowUpChanged, StepError> {
    let done = step.done();
    if !allowed(was, side, is_looked_after).contains(&done) {
        return Err(StepError::NotAllowed);
    }
    let mut now = FollowUpChanged { step: done, by: by.to_owned(), note: None, ..was.clone() };
    let turn = |now: &mut FollowUpChanged, state| {
        (now.state, now.since) = (state, at);
        now.attempts = 0;
    };
    let refer = |now: &mut FollowUpChanged, stage, place, outcome| {
        now.referral = Some(Referral { stage, since: at, place, outcome });
    };
    match step {
        Step::Assign(unit) => now.unit = Some(unit),
        Step::Notify => turn(&mut now, FollowUpState::Notified),
        Step::NotReached => {
            turn(&mut now, FollowUpState::NotReached);
            now.attempts = was.attempts.saturating_add(1);
        }
        Step::Refuse => turn(&mut now, FollowUpState::Refused),
        Step::Quarantine(until) => {
            let by_rule = by_rule(rules, was);
            let stands = was.until.filter(|_| was.state == FollowUpState::Quarantined);
            let is_stated = until.is_some();
            let until = until.unwrap_or(by_rule);
            // A unit ends none earlier than it stands, or than the rules have it, and keeps nobody longer than a whole one from now on.
            let is_shortened = until < stands.unwrap_or(by_rule);
            let is_too_long = until > at.plus_millis(whole(rules)) && stands != Some(until);
            match until <= at {
                true if !is_stated => return Err(StepError::TooLate),
                false if !is_too_long && !is_shortened => {}
                _ => return Err(StepError::End),
            }
            if was.state != FollowUpState::Quarantined {
                turn(&mut now, FollowUpState::Quarantined);
            }
            now.until = Some(until);
        }
        Step::Release => {
            if was.until.is_some_and(|until| at < until) {
                return Err(StepError::TooEarly);
            }
            turn(&mut now, FollowUpState::Released);
            end_offer(&mut now);
        }
        Step::Cover => {
            turn(&mut now, FollowUpState::Covered);
            end_offer(&mut now);
        }
        Step::Offer(unit) if was.unit.as_ref() == Some(&unit) => return Err(StepError::OwnUnit),
        Step::Offer(unit) => (now.offered_to, now.offered) = (Some(unit), Some(at)),
        Step::Accept => {
            now.unit = now.offered_to.take();
            end_offer(&mut now);
        }
        Step::Decline | Step::TakeBack => end_offer(&mut now),
        Step::Screen(place) => refer(&mut now, ReferralStage::Screened, Some(place), None),
        Step::Transport(place) => refer(&mut now, ReferralStage::Transported, Some(place), None),
        Step::Admit(place) => refer(&mut now, ReferralStage::Admitted, Some(place), None),
        Step::CloseReferral(outcome, place) => {
            refer(&mut now, ReferralStage::Closed, place, Some(outcome));
            if outcome == ReferralOutcome::Died {
                turn(&mut now, FollowUpState::Died);
                end_offer(&mut now);
            }
        }
        Step::Close(reason) => {
            let is_over = by_rule(rules, was) <= at;
            match reason {
                FollowUpState::Died => {}
                _ if was.state == FollowUpState::Quarantined => return Err(StepError::NotAllowed),
                FollowUpState::PeriodOver if !is_over => return Err(StepError::TooEarly),
                FollowUpState::PeriodOver | FollowUpState::NotThisPerson | FollowUpState::MovedAway => {}
                _ => return Err(StepError::Reason),
            }
            turn(&mut now, reason);
            end_offer(&mut now);
        }
    }
    Ok(now)
}

/// A later meeting with the case became known: a quarantine lasts longer, and a follow-up that had ended with the time for one goes on
/// when the time is not over yet. `None` when nothing is to be changed.
pub fn met_again(
    rules: &FollowUpRules,
    was: &FollowUpChanged,
    met: Timestamp,
    (by, at): (&str, Timestamp),
) -> Option<FollowUpChanged> {
    let (step, by) = (FollowUpStep::MetAgain, by.to_owned());
    let mut now = FollowUpChanged { step, by, met, note: None, ..was.clone() };
    let until = by_rule(rules, &now);
    if met <= was.met {
        return None;
    }
    match was.state {
        FollowUpState::Released | FollowUpState::PeriodOver if until > at => {
            (now.state, now.since, now.until) = (FollowUpState::ToNotify, at, None);
            now.attempts = 0;
        }
        state if state.is_ended() => return None,
        _ => now.until = was.until.map(|stands| stands.max(until)),
    }
    Some(now)
}

/// How long a whole quarantine is.
fn whole(rules: &FollowUpRules) -> i64 {
    i64::from(rules.quarantine_days) * DAY_MS
}

/// When the quarantine is over by the rules, whether there is one or not.
fn by_rule(rules: &FollowUpRules, was: &FollowUpChanged) -> Timestamp {
    was.met.plus_millis(whole(rules))
}

fn end_offer(now: &mut FollowUpChanged) {
    (now.offered_to, now.offered) = (None, None);
}

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DueFor {
    /// A unit is to be found.
    Assign,
    /// The person is to be told.
    Notify,
    /// The person is to be sought again.
    Reach,
    /// The person is to be talked to again.
    Persuade,
    /// The person is to go into quarantine.
    Quarantine,
    /// The quarantine is to be lifted.
    Release,
    /// The other unit is to answer.
    Accept,
    /// The referral is to go on.
    Referral,
}

impl DueFor {
    /// The code that answers use.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Assign => "assign",
            Self::Notify => "notify",
            Self::Reach => "reach",
            Self::Persuade => "persuade",
            Self::Quarantine => "quarantine",
            Self::Release => "release",
            Self::Accept => "accept",
            Self::Referral => "referral",
        }
    }
}

/// The next thing that is due: the earliest of what the follow-up, its offer and its referral wait for. It is overdue after
/// that instant. `None` when the follow-up has ended.
pub fn due(rules: &FollowUpRules, now: &FollowUpChanged) -> Option<(Timestamp, DueFor)> {
    let after = |since: Timestamp, hours: u32| since.plus_millis(i64::from(hours) * HOUR_MS);
    let own = match now.state {
        FollowUpState::Released
        | FollowUpState::Covered
        | FollowUpState::PeriodOver
        | FollowUpState::Died
        | FollowUpState::NotThisPerson
        | FollowUpState::MovedAway => return None,
        FollowUpState::ToNotify if now.unit.is_none() => (after(now.since, rules.notify_hours), DueFor::Assign),
        FollowUpState::ToNotify => (after(now.since, rules.notify_hours), DueFor::Notify),
        FollowUpState::NotReached => (after(now.since, rules.again_hours), DueFor::Reach),
        FollowUpState::Refused => (after(now.since, rules.again_hours), DueFor::Persuade),
        FollowUpState::Notified => (after(now.since, rules.quarantine_hours), DueFor::Quarantine),
        FollowUpState::Quarantined => (after(now.until.unwrap_or(now.since), rules.release_hours), DueFor::Release),
    };
    let offer = now.offered.map(|since| (after(since, rules.accept_hours), DueFor::Accept));
    let referral = now.referral.as_ref().filter(|referral| referral.is_open());
    let referral = referral.map(|referral| (after(referral.since, rules.referral_hours), DueFor::Referral));
    [Some(own), offer, referral].into_iter().flatten().min()
}

/// How a follow-up counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FollowUpStanding {
    /// As its last step says.
    Now(FollowUpState),
    /// There is no case any more: it has ended.
    Withdrawn,
}

impl FollowUpStanding {
    /// Every standing, in the order of a follow-up's course.
    pub const ALL: [Self; 12] = [
        Self::Now(FollowUpState::ToNotify),
        Self::Now(FollowUpState::Notified),
        Self::Now(FollowUpState::NotReached),
        Self::Now(FollowUpState::Refused),
        Self::Now(FollowUpState::Quarantined),
        Self::Now(FollowUpState::Released),
        Self::Now(FollowUpState::Covered),
        Self::Now(FollowUpState::PeriodOver),
        Self::Now(FollowUpState::Died),
        Self::Now(FollowUpState::NotThisPerson),
        Self::Now(FollowUpState::MovedAway),
        Self::Withdrawn,
    ];

    /// What a follow-up counts as. What had ended before the case was withdrawn stays as it was.
    pub const fn of(state: FollowUpState, is_case: bool) -> Self {
        if is_case || state.is_ended() { Self::Now(state) } else { Self::Withdrawn }
    }

    /// The code that answers use.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Now(state) => state.code(),
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether nothing is left to be done.
    pub const fn is_ended(self) -> bool {
        match self {
            Self::Now(state) => state.is_ended(),
            Self::Withdrawn => true,
        }
    }
}

/// A follow-up as it is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowUpStock {
    /// The unit that has it.
    pub unit: Option<String>,
    /// What it counts as.
    pub standing: FollowUpStanding,
    /// The next step is overdue.
    pub is_overdue: bool,
    /// It is offered to another unit.
    pub is_offered: bool,
    /// When its quarantine ends.
    pub until: Option<Timestamp>,
}

impl FollowUpStock {
    /// A follow-up at an instant.
    pub fn new(rules: &FollowUpRules, now: &FollowUpChanged, is_case: bool, at: Timestamp) -> Self {
        let standing = FollowUpStanding::of(now.state, is_case);
        let is_open = !standing.is_ended();
        Self {
            unit: now.unit.clone(),
            standing,
            is_overdue: is_open && due(rules, now).is_some_and(|(due, _)| at > due),
            is_offered: is_open && now.offered_to.is_some(),
            until: now.until.filter(|_| standing == FollowUpStanding::Now(FollowUpState::Quarantined)),
        }
    }
}

/// How many follow-ups there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FollowUpCount {
    /// By standing, in the order of [`FollowUpStanding::ALL`]; they add up to the whole.
    pub standings: [u64; FollowUpStanding::ALL.len()],
    /// Those whose next step is overdue.
    pub overdue: u64,
    /// Those that are offered to another unit.
    pub offered: u64,
    /// When the last quarantine ends.
    pub until: Option<Timestamp>,
}

impl FollowUpCount {
    /// Counts one more.
    pub fn add(&mut self, one: &FollowUpStock) {
        for (count, standing) in self.standings.iter_mut().zip(FollowUpStanding::ALL) {
            *count += u64::from(standing == one.standing);
        }
        self.overdue += u64::from(one.is_overdue);
        self.offered += u64::from(one.is_offered);
        self.until = self.until.max(one.until);
    }

    /// How many count as this.
    pub fn of(&self, standing: FollowUpStanding) -> u64 {
        FollowUpStanding::ALL.iter().zip(self.standings).find(|(known, _)| **known == standing).map_or(0, |(_, n)| n)
    }

    /// How many there are.
    pub fn total(&self) -> u64 {
        self.standings.iter().sum()
    }

    /// How many have not ended.
    pub fn open(&self) -> u64 {
        FollowUpStanding::ALL.iter().zip(self.standings).filter(|(one, _)| !one.is_ended()).map(|(_, n)| n).sum()
    }
}

/// Counts all of them.
pub fn count_all<'a>(all: impl IntoIterator<Item = &'a FollowUpStock>) -> FollowUpCount {
    let mut count = FollowUpCount::default();
    all.into_iter().for_each(|one| count.add(one));
    count
}

/// Counts those of a unit, and of the units next below it; under `None` those of the unit itself. One that is offered counts
/// where it is.
pub fn count_of_unit<'a>(
    of: &str,
    all: &'a [FollowUpStock],
) -> (FollowUpCount, BTreeMap<Option<&'a str>, FollowUpCount>) {
    let (mut whole, mut below) = (FollowUpCount::default(), BTreeMap::<_, FollowUpCount>::new());
    for one in all {
        let Some(unit) = one.unit.as_deref().filter(|unit| unit::is_home_in(of, unit)) else { continue };
        whole.add(one);
        below.entry(unit::unit_below(of, unit)).or_default().add(one);
    }
    (whole, below)
}

/// The units that a contact is made known to: those where the person lives or is registered, as close as each is known.
/// What is known no closer than a district knocks at no door, and is none.
pub fn units_to_tell(units: &[String]) -> Vec<String> {
    const TOWNSHIP_DIGITS: usize = 9;
    let is_close = |code: &&String| unit::is_unit(code) && code.len() >= TOWNSHIP_DIGITS;
    let close: Vec<&String> = units.iter().filter(is_close).collect();
    let has_closer = |code: &str| close.iter().any(|other| other.as_str() != code && unit::is_home_in(code, other));
    let mut told: Vec<String> = close.iter().filter(|code| !has_closer(code)).map(|code| (*code).clone()).collect();
    told.sort();
    told.dedup();
    told
}

#[cfg(test)]
mod tests;
