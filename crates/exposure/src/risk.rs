//! Risk of townships, from the cases that CDC confirmed.
//!
//! Over 14 days, as section 7 of the design says: *high* is more than 50 existing cases and at least one cluster;
//! *medium* is a new case, or more than 50 existing ones without a cluster; *low* is no new case and at most 50 existing.
//! The level is a function of cases and an instant: for what was known on another day, the caller gives the cases as
//! they were known then.
//!
//! Not here: cases that a test only suggests. They count when CDC says so.

use std::collections::BTreeMap;

use domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{PersonId, RiskRules, Rules};

/// Milliseconds of 24 hours; a day of the rules is that and not a calendar day.
pub(crate) const DAY_MS: i64 = 86_400_000;

/// Number of a case, which the caller gives out and resolves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaseId(pub u32);

/// Number of a township, which the caller gives out and resolves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TownshipId(pub u32);

/// What CDC says of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CaseState {
    /// To be confirmed.
    Suspected,
    /// Confirmed, with symptoms.
    Confirmed,
    /// Confirmed, without symptoms.
    Asymptomatic,
    /// Over.
    Recovered,
    /// Over.
    Deceased,
    /// It was none.
    Excluded,
}

/// A case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownCase {
    /// Which.
    pub case: CaseId,
    /// Who.
    pub person: PersonId,
    /// Where it counts.
    pub township: TownshipId,
    /// What CDC says of it.
    pub state: CaseState,
    /// When it was confirmed. A confirmed case without it exists, and is not new.
    pub confirmed: Option<Timestamp>,
    /// When it was closed.
    pub closed: Option<Timestamp>,
    /// The cases that it is linked with.
    pub cluster: Option<u32>,
}

impl KnownCase {
    /// Whether it had been confirmed by an instant, over or not.
    fn is_confirmed(&self, now: Timestamp) -> bool {
        !matches!(self.state, CaseState::Suspected | CaseState::Excluded) && self.confirmed.is_none_or(|at| at <= now)
    }

    /// Whether it existed: confirmed, with or without symptoms, and not closed.
    pub fn exists(&self, now: Timestamp) -> bool {
        let open = match self.closed {
            Some(closed) => now < closed,
            None => matches!(self.state, CaseState::Confirmed | CaseState::Asymptomatic),
        };
        self.is_confirmed(now) && open
    }

    /// Until when it is new, if it is.
    fn new_until(&self, rules: &RiskRules, now: Timestamp) -> Option<Timestamp> {
        let until = self.confirmed?.plus_millis(i64::from(rules.new_days) * DAY_MS);
        (self.is_confirmed(now) && now < until).then_some(until)
    }
}

/// How great the risk of a township is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// No new case and at most 50 existing.
    Low,
    /// A new case, or more than 50 existing without a cluster.
    Medium,
    /// More than 50 existing, and a cluster.
    High,
}

/// The risk of a township at an instant, with what it follows from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Risk {
    /// The level.
    pub level: Level,
    /// Cases that exist.
    pub existing: u32,
    /// Cases confirmed in the last 14 times 24 hours, closed or not.
    pub new: u32,
    /// Clusters: of so many of the township's cases that exist or are new as the rules say.
    pub clusters: u32,
    /// When the level falls if nothing more is known; `None` when time alone does not change it.
    pub until: Option<Timestamp>,
    /// Version of the rules.
    pub rules: String,
}

/// The risk of each township that has a case; every other one is low.
pub fn township_risks(rules: &Rules, cases: &[KnownCase], now: Timestamp) -> BTreeMap<TownshipId, Risk> {
    let mut by_township: BTreeMap<TownshipId, Vec<&KnownCase>> = BTreeMap::new();
    for case in cases {
        by_township.entry(case.township).or_default().push(case);
    }
    by_township.into_iter().map(|(township, cases)| (township, risk(rules, &cases, now))).collect()
}

fn risk(rules: &Rules, cases: &[&KnownCase], now: Timestamp) -> Risk {
    let counts = Counts::new(&rules.risk, cases, now);
    let level = counts.level(&rules.risk);
    let mut ends: Vec<Timestamp> = cases.iter().filter_map(|case| case.new_until(&rules.risk, now)).collect();
    ends.sort_unstable();
    ends.dedup();
    let until = ends.into_iter().find(|end| Counts::new(&rules.risk, cases, *end).level(&rules.risk) != level);
    let Counts { existing, new, clusters } = counts;
    Risk { level, existing, new, clusters, until, rules: rules.version() }
}

struct Counts {
    existing: u32,
    new: u32,
    clusters: u32,
}

impl Counts {
    fn new(rules: &RiskRules, cases: &[&KnownCase], now: Timestamp) -> Self {
        let (mut existing, mut new) = (0, 0);
        let mut linked: BTreeMap<u32, u32> = BTreeMap::new();
        for case in cases {
            let (exists, is_new) = (case.exists(now), case.new_until(rules, now).is_some());
            existing += u32::from(exists);
            new += u32::from(is_new);
            if let Some(cluster) = case.cluster.filter(|_| exists || is_new) {
                *linked.entry(cluster).or_default() += 1;
            }
        }
        let clusters = linked.values().filter(|cases| **cases >= rules.cluster_cases_min).count() as u32;
        Self { existing, new, clusters }
    }

    const fn level(&self, rules: &RiskRules) -> Level {
        match (self.existing > rules.existing_over, self.clusters > 0, self.new > 0) {
            (true, true, _) => Level::High,
            (true, false, _) | (false, _, true) => Level::Medium,
            (false, _, false) => Level::Low,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(100 * DAY_MS);
    const OLD: i64 = 20 * DAY_MS;

    /// A case confirmed so many milliseconds ago.
    fn confirmed(age_ms: i64) -> KnownCase {
        KnownCase {
            case: CaseId(0),
            person: PersonId(0),
            township: TownshipId(1),
            state: CaseState::Confirmed,
            confirmed: Some(NOW.plus_millis(-age_ms)),
            closed: None,
            cluster: None,
        }
    }

    fn at(cases: &[KnownCase], now: Timestamp) -> Risk {
        township_risks(&Rules::default(), cases, now).remove(&TownshipId(1)).expect("a township with cases")
    }

    fn level(cases: &[KnownCase]) -> Level {
        at(cases, NOW).level
    }

    #[test]
    fn fifty_existing_cases_are_low_and_one_more_is_medium() {
        assert_eq!(level(&[confirmed(OLD); 50]), Level::Low);
        assert_eq!(level(&[confirmed(OLD); 51]), Level::Medium);
    }

    #[test]
    fn more_than_fifty_with_a_cluster_are_high_and_fifty_with_one_are_not() {
        let with = |count: usize, linked: usize| {
            let mut cases = vec![confirmed(OLD); count];
            cases[..linked].iter_mut().for_each(|case| case.cluster = Some(7));
            level(&cases)
        };
        assert_eq!(with(51, 2), Level::High);
        assert_eq!(with(50, 2), Level::Low);
        // One case alone is no cluster.
        assert_eq!(with(51, 1), Level::Medium);
    }

    #[test]
    fn two_cases_of_two_clusters_are_no_cluster() {
        let mut cases = vec![confirmed(OLD); 51];
        (cases[0].cluster, cases[1].cluster) = (Some(1), Some(2));
        assert_eq!(level(&cases), Level::Medium);
    }

    #[test]
    fn a_case_is_new_until_14_times_24_hours_are_over_to_the_millisecond() {
        assert_eq!(level(&[confirmed(14 * DAY_MS - 1)]), Level::Medium);
        assert_eq!(level(&[confirmed(14 * DAY_MS)]), Level::Low);
        assert_eq!(level(&[confirmed(0)]), Level::Medium);
        // Confirmed a millisecond from now: not yet.
        let later = at(&[confirmed(-1)], NOW);
        assert_eq!((later.level, later.existing, later.new), (Level::Low, 0, 0));
    }

    #[test]
    fn a_closed_case_does_not_exist_from_the_instant_on_and_is_still_new() {
        let closed = |at: i64, age: i64| KnownCase {
            state: CaseState::Recovered,
            closed: Some(NOW.plus_millis(at)),
            ..confirmed(age)
        };
        assert_eq!(at(&[closed(0, OLD)], NOW).existing, 0);
        assert_eq!(at(&[closed(1, OLD)], NOW).existing, 1);
        let risk = at(&[closed(-1, DAY_MS)], NOW);
        assert_eq!((risk.level, risk.existing, risk.new), (Level::Medium, 0, 1));
    }

    #[test]
    fn only_what_cdc_confirmed_counts() {
        for (state, existing) in [
            (CaseState::Suspected, 0),
            (CaseState::Excluded, 0),
            (CaseState::Recovered, 0),
            (CaseState::Deceased, 0),
            (CaseState::Confirmed, 1),
            (CaseState::Asymptomatic, 1),
        ] {
            assert_eq!(at(&[KnownCase { state, ..confirmed(OLD) }], NOW).existing, existing, "{state:?}");
        }
        for state in [CaseState::Suspected, CaseState::Excluded] {
            assert_eq!(level(&[KnownCase { state, ..confirmed(0) }]), Level::Low, "{state:?}");
        }
    }

    #[test]
    fn a_confirmed_case_without_a_time_exists_and_is_not_new() {
        let risk = at(&[KnownCase { confirmed: None, ..confirmed(0) }], NOW);
        assert_eq!((risk.level, risk.existing, risk.new), (Level::Low, 1, 0));
    }

    #[test]
    fn the_level_ends_by_itself_when_it_says() {
        let risk = at(&[confirmed(DAY_MS), confirmed(3 * DAY_MS)], NOW);
        let until = risk.until.expect("it ends");
        assert_eq!(until, NOW.plus_millis(13 * DAY_MS));
        let cases = [confirmed(DAY_MS), confirmed(3 * DAY_MS)];
        assert_eq!(at(&cases, until.plus_millis(-1)).level, Level::Medium);
        assert_eq!(at(&cases, until).level, Level::Low);
        assert_eq!(at(&[confirmed(OLD); 51], NOW).until, None);
    }

    #[test]
    fn cases_count_where_they_are_and_for_what_was_known_at_the_instant() {
        let mut cases = vec![confirmed(OLD); 51];
        cases[50].township = TownshipId(2);
        let risks = township_risks(&Rules::default(), &cases, NOW);
        assert_eq!(risks.values().map(|risk| risk.existing).collect::<Vec<_>>(), [50, 1]);
        assert_eq!(at(&cases, NOW.plus_millis(-OLD - 1)).existing, 0);
    }
}
