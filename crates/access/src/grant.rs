//! Emergency grants: what one is, who may do what about it, and when it ends.
//!
//! A grant is asked for by one person, approved by two others of two units, and ends by itself. Its id is a hash of all that
//! was asked for, so whoever approves an id approves that scope and no other. There is no other emergency mode.
//!
//! Pure: clocks are arguments, and what was done about a grant is read elsewhere.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::str::FromStr;

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{FieldGroup, FieldGroups, Purpose, Role};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
/// Clocks of two machines differ by so much without anybody having set one.
const CLOCKS_DIFFER_MS: i64 = 2_000;
/// The shortest code of a unit that a grant is given for: a district. A province is no area of an emergency grant.
const AREA_DIGITS_MIN: usize = 6;

/// What a grant opens.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct GrantScope {
    /// The unit whose residents it is about.
    pub area: String,
    /// What for.
    pub purpose: Purpose,
    /// For whom.
    pub roles: BTreeSet<Role>,
    /// Which field groups.
    pub groups: FieldGroups,
}

/// Why a grant is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GrantReason {
    /// An outbreak.
    Outbreak,
    /// A disaster.
    Disaster,
    /// Somebody is missing.
    Search,
    /// Something else.
    Other,
}

impl GrantReason {
    /// The code that columns use.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Outbreak => "OUTBREAK",
            Self::Disaster => "DISASTER",
            Self::Search => "SEARCH",
            Self::Other => "OTHER",
        }
    }

    /// The reason with this code, letter for letter.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Outbreak, Self::Disaster, Self::Search, Self::Other].into_iter().find(|reason| reason.code() == code)
    }
}

/// A grant as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GrantRequest {
    /// What it opens.
    pub scope: GrantScope,
    /// Why.
    pub reason: GrantReason,
    /// For how long, from the second approval on.
    pub minutes: u32,
    /// Handle of the one who asks.
    pub requester: String,
    /// Unit of the one who asks, as the log has it.
    pub unit: String,
    /// When.
    pub at: Timestamp,
    /// Makes equal requests differ.
    pub nonce: [u8; 16],
}

/// A hash of all that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GrantId(pub [u8; 16]);

impl fmt::Display for GrantId {
    /// As a UUID, which addresses take without looking for numbers of persons in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = hex::encode(self.0);
        write!(f, "{}-{}-{}-{}-{}", &text[..8], &text[8..12], &text[12..16], &text[16..20], &text[20..])
    }
}

impl FromStr for GrantId {
    type Err = GrantFlaw;

    fn from_str(text: &str) -> Result<Self, GrantFlaw> {
        let id = hex::decode(text.replace('-', "")).ok().and_then(|bytes| bytes.try_into().ok()).map(Self);
        id.filter(|id| id.to_string() == text).ok_or(GrantFlaw::Unknown)
    }
}

/// What a site allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrantRules {
    /// How long a grant lasts when nothing is said.
    pub minutes: u32,
    /// How long it lasts at most.
    pub minutes_max: u32,
    /// A request that is not approved twice within so many minutes lapses.
    pub approve_within_minutes: u32,
    /// A grant that was active is reviewed within so many hours, or its unit gets no other.
    pub review_within_hours: u32,
}

impl Default for GrantRules {
    fn default() -> Self {
        Self { minutes: 240, minutes_max: 1_440, approve_within_minutes: 60, review_within_hours: 72 }
    }
}

/// What is done about a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantAct {
    /// It was asked for.
    Requested,
    /// Somebody approved it.
    Approved,
    /// Somebody stopped it.
    Stopped,
    /// Somebody said afterwards whether it was right.
    Reviewed,
}

impl GrantAct {
    /// The code that columns and entries of the log use.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Requested => "REQUESTED",
            Self::Approved => "APPROVED",
            Self::Stopped => "STOPPED",
            Self::Reviewed => "REVIEWED",
        }
    }

    /// The act with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Requested, Self::Approved, Self::Stopped, Self::Reviewed].into_iter().find(|act| act.code() == code)
    }
}

/// An act that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActDone {
    /// Which.
    pub act: GrantAct,
    /// Handle of who did it.
    pub handle: String,
    /// Their unit, as the log has it.
    pub unit: String,
    /// When.
    pub at: Timestamp,
}

/// What a grant is at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantState {
    /// It was asked for, and so many approved it.
    Requested(usize),
    /// It was not approved in time.
    Lapsed,
    /// It opens its scope until then.
    Active(Timestamp),
    /// Its time ran out then.
    Ended(Timestamp),
    /// It was stopped then.
    Stopped(Timestamp),
    /// It is over, and was reviewed.
    Reviewed,
}

impl GrantState {
    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Requested(_) => "requested",
            Self::Lapsed => "lapsed",
            Self::Active(_) => "active",
            Self::Ended(_) => "ended",
            Self::Stopped(_) => "stopped",
            Self::Reviewed => "reviewed",
        }
    }
}

/// What is wrong with a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeFlaw {
    /// No area, or too large a one.
    #[error("the area is the code of a district or of what lies in it")]
    Area,
    /// A purpose that grants are not given for.
    #[error("grants are given for PUBHLTH")]
    Purpose,
    /// No role, or one that grants are not given to.
    #[error("grants are given to cdc-tracer and community-worker")]
    Roles,
    /// No field group, or one that grants never open.
    #[error("a grant names field groups; payment and care are never among them")]
    Groups,
    /// Too long, or no time at all.
    #[error("a grant lasts a minute at least, and no longer than the site allows")]
    Minutes,
}

/// Why somebody may not do something about a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantFlaw {
    /// There is none of this id.
    #[error("there is no such grant")]
    Unknown,
    /// It is not in a state for this.
    #[error("the grant is over, or is not active yet")]
    State,
    /// Whoever asked does not approve, nobody approves twice, and the three act for different units.
    #[error("a grant takes three people: who asks, and two of two other units who approve")]
    People,
}

impl GrantScope {
    /// Whether grants are given for it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, minutes: u32, rules: &GrantRules) -> Result<(), ScopeFlaw> {
        let plain = |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase();
        let digits = self.area.bytes().take_while(u8::is_ascii_digit).count();
        if !(AREA_DIGITS_MIN..=32).contains(&self.area.len())
            || digits < AREA_DIGITS_MIN
            || !self.area.bytes().all(plain)
            || matches!(digits, 11 | 15 | 17..=19)
        {
            return Err(ScopeFlaw::Area);
        }
        if self.purpose != Purpose::PublicHealth {
            return Err(ScopeFlaw::Purpose);
        }
        let for_role = |role: &Role| matches!(role, Role::CdcTracer | Role::CommunityWorker);
        if self.roles.is_empty() || !self.roles.iter().all(for_role) {
            return Err(ScopeFlaw::Roles);
        }
        let never = [FieldGroup::Payment, FieldGroup::Care];
        if self.groups.is_empty() || never.iter().any(|group| self.groups.contains(*group)) {
            return Err(ScopeFlaw::Groups);
        }
        if !(1..=rules.minutes_max).contains(&minutes) { Err(ScopeFlaw::Minutes) } else { Ok(()) }
    }
}

impl GrantRequest {
    /// The id: another scope, time or person has another one.
    pub fn id(&self) -> GrantId {
        let Self { scope: GrantScope { area, purpose, roles, groups }, reason, minutes, requester, unit, at, nonce } =
            self;
        let list = |codes: Vec<&str>| codes.join(",");
        let parts = [
            area.clone(),
            purpose.code().to_owned(),
            list(roles.iter().map(|role| role.code()).collect()),
            list(groups.iter().map(FieldGroup::code).collect()),
            reason.code().to_owned(),
            minutes.to_string(),
            requester.clone(),
            unit.clone(),
            at.as_millis().to_string(),
            hex::encode(nonce),
        ];
        let mut hash = Sha256::new();
        hash.update(b"isthmus emergency grant");
        for part in parts {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        let mut id = [0; 16];
        id.copy_from_slice(&hash.finalize()[..16]);
        // Version 8 and the variant of RFC 9562, so that it is a UUID.
        id[6] = id[6] & 0x0f | 0x80;
        id[8] = id[8] & 0x3f | 0x80;
        GrantId(id)
    }

    /// What it is now, by what was done about it, oldest first.
    pub fn state(&self, acts: &[ActDone], rules: &GrantRules, now: Timestamp) -> GrantState {
        let of = |act: GrantAct| acts.iter().filter(move |done| done.act == act);
        let approvals: Vec<&ActDone> = self.approvals(acts);
        let stopped = of(GrantAct::Stopped).map(|done| done.at).min();
        let begun = approvals.get(1).map(|done| done.at);
        match (begun, stopped) {
            (_, Some(at)) if begun.is_none_or(|begun| at <= self.end(begun)) => {
                if of(GrantAct::Reviewed).next().is_some() { GrantState::Reviewed } else { GrantState::Stopped(at) }
            }
            (Some(begun), _) if self.end(begun) > now => GrantState::Active(self.end(begun)),
            (Some(_), _) if of(GrantAct::Reviewed).next().is_some() => GrantState::Reviewed,
            (Some(begun), _) => GrantState::Ended(self.end(begun)),
            (None, _) if now >= self.lapses(rules) => GrantState::Lapsed,
            (None, _) => GrantState::Requested(approvals.len()),
        }
    }

    /// Until when it has to be reviewed; `None` for what never was active, and for what was reviewed.
    pub fn review_due(&self, acts: &[ActDone], rules: &GrantRules, now: Timestamp) -> Option<Timestamp> {
        let was_active = self.approvals(acts).len() > 1;
        match self.state(acts, rules, now) {
            GrantState::Ended(at) | GrantState::Stopped(at) if was_active => {
                Some(at.plus_millis(i64::from(rules.review_within_hours) * HOUR_MS))
            }
            _ => None,
        }
    }

    /// Whether somebody may approve it.
    ///
    /// # Errors
    /// [`GrantFlaw::State`] and [`GrantFlaw::People`].
    pub fn may_approve(
        &self,
        acts: &[ActDone],
        rules: &GrantRules,
        now: Timestamp,
        (handle, unit): (&str, &str),
    ) -> Result<(), GrantFlaw> {
        let GrantState::Requested(_) = self.state(acts, rules, now) else { return Err(GrantFlaw::State) };
        let others = self.approvals(acts);
        let is_new = |known: &str, of: &str| known != handle && of != unit;
        let fits = is_new(&self.requester, &self.unit) && others.iter().all(|done| is_new(&done.handle, &done.unit));
        if fits { Ok(()) } else { Err(GrantFlaw::People) }
    }

    /// Whether somebody may review it: it is over, and the one had no part in it.
    ///
    /// # Errors
    /// [`GrantFlaw::State`] and [`GrantFlaw::People`].
    pub fn may_review(
        &self,
        acts: &[ActDone],
        rules: &GrantRules,
        now: Timestamp,
        handle: &str,
    ) -> Result<(), GrantFlaw> {
        if self.review_due(acts, rules, now).is_none() {
            return Err(GrantFlaw::State);
        }
        let had_part = self.requester == handle || self.approvals(acts).iter().any(|done| done.handle == handle);
        if had_part { Err(GrantFlaw::People) } else { Ok(()) }
    }

    /// The approvals that count: in time, of different people of different units, none of them of the requester's. Written
    /// anew here, so that an approval that got into the books otherwise counts for nothing.
    fn approvals<'a>(&self, acts: &'a [ActDone]) -> Vec<&'a ActDone> {
        let mut counted: Vec<&ActDone> = Vec::new();
        for done in acts.iter().filter(|done| done.act == GrantAct::Approved) {
            let is_new = |handle: &str, unit: &str| done.handle != handle && done.unit != unit;
            if is_new(&self.requester, &self.unit) && counted.iter().all(|other| is_new(&other.handle, &other.unit)) {
                counted.push(done);
            }
        }
        counted
    }

    fn end(&self, begun: Timestamp) -> Timestamp {
        begun.plus_millis(i64::from(self.minutes) * MINUTE_MS)
    }

    fn lapses(&self, rules: &GrantRules) -> Timestamp {
        self.at.plus_millis(i64::from(rules.approve_within_minutes) * MINUTE_MS)
    }
}

/// Why a clock says that a grant is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockFlaw {
    /// Its time ran out, by one of the clocks.
    #[error("the time of the grant ran out")]
    Over,
    /// The wall clock is behind an instant that is on record: it was set back, and grants nothing.
    #[error("the clock is behind what is on record")]
    Behind,
}

/// The monotonic side of running grants: what was left of each when this process saw it first.
#[derive(Debug, Default)]
pub struct Clocks(HashMap<GrantId, (u64, i64)>);

impl Clocks {
    /// Whether a grant that ends at `until` runs: by the wall clock, by the clock of this process that nobody can set, and by
    /// `latest`, the latest instant that is on record, which a restart does not forget.
    ///
    /// # Errors
    /// Which clock says no.
    pub fn check(
        &mut self,
        (grant, until): (GrantId, Timestamp),
        wall: Timestamp,
        latest: Timestamp,
        monotonic_ms: u64,
    ) -> Result<(), ClockFlaw> {
        if wall.as_millis() + CLOCKS_DIFFER_MS < latest.as_millis() {
            return Err(ClockFlaw::Behind);
        }
        let left = until.as_millis() - wall.as_millis().max(latest.as_millis());
        let (seen, left_then) = *self.0.entry(grant).or_insert((monotonic_ms, left));
        let elapsed = i64::try_from(monotonic_ms.saturating_sub(seen)).unwrap_or(i64::MAX);
        if left <= 0 || elapsed >= left_then { Err(ClockFlaw::Over) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_millis(minute * MINUTE_MS)
    }

    fn request() -> GrantRequest {
        let scope = GrantScope {
            area: "320506001".to_owned(),
            purpose: Purpose::PublicHealth,
            roles: [Role::CdcTracer].into(),
            groups: [FieldGroup::Identity, FieldGroup::Contact].into_iter().collect(),
        };
        let (requester, unit) = ("tracer".to_owned(), "cdc/1".to_owned());
        GrantRequest { scope, reason: GrantReason::Outbreak, minutes: 240, requester, unit, at: at(0), nonce: [7; 16] }
    }

    fn done(act: GrantAct, handle: &str, unit: &str, minute: i64) -> ActDone {
        ActDone { act, handle: handle.to_owned(), unit: unit.to_owned(), at: at(minute) }
    }

    fn approved() -> Vec<ActDone> {
        vec![done(GrantAct::Approved, "lead", "cdc/2", 1), done(GrantAct::Approved, "officer", "city", 2)]
    }

    #[test]
    fn a_grant_takes_three_people_of_three_units() {
        let (request, rules) = (request(), GrantRules::default());
        let may = |acts: &[ActDone], who| request.may_approve(acts, &rules, at(3), who);
        assert_eq!(may(&[], ("tracer", "city")), Err(GrantFlaw::People), "not who asked");
        assert_eq!(may(&[], ("lead", "cdc/1")), Err(GrantFlaw::People), "not of the unit that asked");
        assert_eq!(may(&[], ("lead", "cdc/2")), Ok(()));
        let once = &approved()[..1];
        assert_eq!(may(once, ("lead", "cdc/3")), Err(GrantFlaw::People), "nobody approves twice");
        assert_eq!(may(once, ("other", "cdc/2")), Err(GrantFlaw::People), "nor does a unit");
        assert_eq!(may(once, ("officer", "city")), Ok(()));
        assert_eq!(may(&approved(), ("third", "town")), Err(GrantFlaw::State), "it is active");
        assert_eq!(request.may_approve(&[], &rules, at(60), ("lead", "cdc/2")), Err(GrantFlaw::State), "too late");
        // What got into the books otherwise counts for nothing.
        let same_unit = [done(GrantAct::Approved, "a", "cdc/2", 1), done(GrantAct::Approved, "b", "cdc/2", 2)];
        assert_eq!(request.state(&same_unit, &rules, at(3)), GrantState::Requested(1));
    }

    #[test]
    fn a_grant_lasts_from_the_second_approval_for_its_minutes_or_until_it_is_stopped() {
        let (request, rules) = (request(), GrantRules::default());
        let mut acts = approved();
        assert_eq!(request.state(&acts, &rules, at(241)), GrantState::Active(at(242)));
        assert_eq!(request.state(&acts, &rules, at(242)), GrantState::Ended(at(242)));
        assert_eq!(request.review_due(&acts, &rules, at(241)), None);
        assert_eq!(request.review_due(&acts, &rules, at(242)), Some(at(242 + 72 * 60)));
        acts.push(done(GrantAct::Stopped, "operator", "it", 10));
        assert_eq!(request.state(&acts, &rules, at(11)), GrantState::Stopped(at(10)));
        assert_eq!(request.may_review(&acts, &rules, at(11), "lead"), Err(GrantFlaw::People));
        assert_eq!(request.may_review(&acts, &rules, at(11), "auditor"), Ok(()));
        acts.push(done(GrantAct::Reviewed, "auditor", "audit", 12));
        assert_eq!(request.state(&acts, &rules, at(13)), GrantState::Reviewed);
        assert_eq!(request.state(&[], &rules, at(60)), GrantState::Lapsed);
    }

    #[test]
    fn another_scope_has_another_id_and_an_id_is_read_back() {
        let id = request().id();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("not-an-id".parse::<GrantId>(), Err(GrantFlaw::Unknown));
        let wider = |change: fn(&mut GrantRequest)| {
            let mut other = request();
            change(&mut other);
            other.id()
        };
        for other in [
            wider(|one| one.scope.area = "320506".to_owned()),
            wider(|one| one.scope.groups = FieldGroups::all()),
            wider(|one| {
                one.scope.roles.insert(Role::CommunityWorker);
            }),
            wider(|one| one.minutes = 241),
            wider(|one| one.requester = "tracer-2".to_owned()),
            wider(|one| one.nonce = [8; 16]),
        ] {
            assert_ne!(other, id);
        }
    }

    #[test]
    fn a_scope_that_is_too_wide_is_refused() {
        let rules = GrantRules::default();
        let check = |change: fn(&mut GrantScope), minutes| {
            let mut scope = request().scope;
            change(&mut scope);
            scope.check(minutes, &rules)
        };
        assert_eq!(check(|_| {}, 240), Ok(()));
        assert_eq!(check(|scope| scope.area = "3205".to_owned(), 240), Err(ScopeFlaw::Area));
        assert_eq!(check(|scope| scope.area = "13812345678".to_owned(), 240), Err(ScopeFlaw::Area));
        assert_eq!(check(|scope| scope.purpose = Purpose::Research, 240), Err(ScopeFlaw::Purpose));
        assert_eq!(check(|scope| scope.roles = [Role::Auditor].into(), 240), Err(ScopeFlaw::Roles));
        assert_eq!(check(|scope| scope.groups = FieldGroups::all(), 240), Err(ScopeFlaw::Groups));
        assert_eq!(check(|_| {}, 1_441), Err(ScopeFlaw::Minutes));
        assert_eq!(check(|_| {}, 0), Err(ScopeFlaw::Minutes));
    }

    #[test]
    fn no_clock_that_is_set_back_and_no_restart_makes_a_grant_longer() {
        let (id, until) = (request().id(), at(240));
        let minutes = |minutes: u64| minutes * 60_000;
        let mut clocks = Clocks::default();
        let mut check = |wall, latest, monotonic| clocks.check((id, until), at(wall), at(latest), minutes(monotonic));
        assert_eq!(check(10, 0, 100), Ok(()));
        assert_eq!(check(239, 200, 329), Ok(()));
        assert_eq!(check(240, 200, 329), Err(ClockFlaw::Over), "the wall clock");
        assert_eq!(check(100, 90, 330), Err(ClockFlaw::Over), "a wall clock that stood still");
        assert_eq!(check(0, 239, 101), Err(ClockFlaw::Behind), "a wall clock that was set back");
        // A restart forgets what was left, and what is on record says it again.
        let mut clocks = Clocks::default();
        let mut check = |wall, latest, monotonic| clocks.check((id, until), at(wall), at(latest), minutes(monotonic));
        assert_eq!(check(0, 230, 0), Err(ClockFlaw::Behind));
        assert_eq!(check(230, 230, 0), Ok(()));
        assert_eq!(check(231, 230, 10), Err(ClockFlaw::Over));
    }
}
