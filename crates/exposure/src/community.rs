//! Counting the residents of a unit, so that the counts of the units below it add up and nobody is left out.
//!
//! Invariant: every resident and every household counts in exactly one unit of each level, or in the row of those that are
//! not known any closer.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Day, unit};

use crate::key_group::{Company, KeyGroups, Standing, age_on};

/// Somebody who lives somewhere.
#[derive(Clone, Debug, Default)]
pub struct Resident {
    /// Code of the unit where they live.
    pub home: Option<String>,
    /// Day of birth.
    pub birth: Option<Day>,
    /// Codes of diagnoses that hospitals stated.
    pub diagnoses: Vec<String>,
}

/// That somebody belongs to a household now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Membership {
    /// Number of the household.
    pub household: u32,
    /// Index of the resident; `None` when it is not known who it is.
    pub member: Option<u32>,
    /// Number of the dwelling where the member lives; `None` for somebody who is only registered there.
    pub dwelling: Option<u32>,
    /// The household is a dormitory or a firm.
    pub is_collective: bool,
}

/// What is known of the residents of a unit and those who belong to their households.
#[derive(Clone, Debug)]
pub struct Census<'a> {
    residents: &'a [Resident],
    memberships: &'a [Membership],
    rules: &'a KeyGroups,
    on: Day,
    company: Vec<Company>,
}

/// How many of whom.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Residents.
    pub residents: u64,
    /// Households.
    pub households: u64,
    /// Those of each key group, in the order of the rules.
    pub groups: Vec<GroupCount>,
}

/// Residents of a key group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GroupCount {
    /// Members.
    pub members: u64,
    /// Residents of whom it is not known.
    pub undecided: u64,
}

impl<'a> Census<'a> {
    /// Takes stock on a day.
    pub fn new(residents: &'a [Resident], memberships: &'a [Membership], rules: &'a KeyGroups, on: Day) -> Self {
        let mut census = Self { residents, memberships, rules, on, company: Vec::new() };
        census.company = census.companies();
        census
    }

    /// Whether a resident belongs to each of the key groups.
    pub fn standings(&self, resident: usize) -> impl Iterator<Item = Standing> + '_ {
        let age = self.age(resident);
        let Resident { home, diagnoses, .. } = &self.residents[resident];
        self.rules.standings(home.as_deref(), age, &self.company[resident], diagnoses)
    }

    /// Counts a unit, and the units next below it; under `None` who and what is not known any closer.
    pub fn count(&self, of: &str) -> (Count, BTreeMap<Option<&'a str>, Count>) {
        let empty = || Count { groups: vec![GroupCount::default(); self.rules.groups().len()], ..Count::default() };
        let (mut whole, mut below) = (empty(), BTreeMap::new());
        for (index, resident) in self.residents.iter().enumerate() {
            let Some(home) = resident.home.as_deref().filter(|home| unit::is_home_in(of, home)) else { continue };
            for count in [&mut whole, below.entry(unit::unit_below(of, home)).or_insert_with(empty)] {
                count.residents += 1;
                for (group, standing) in count.groups.iter_mut().zip(self.standings(index)) {
                    group.members += u64::from(standing == Standing::Member);
                    group.undecided += u64::from(standing == Standing::Undecided);
                }
            }
        }
        for home in self.homes_of_households().into_values().filter(|home| unit::is_home_in(of, home)) {
            for count in [&mut whole, below.entry(unit::unit_below(of, home)).or_insert_with(empty)] {
                count.households += 1;
            }
        }
        (whole, below)
    }

    /// Completed years of age of a resident.
    pub fn age(&self, resident: usize) -> Option<u16> {
        self.residents[resident].birth.and_then(|birth| age_on(birth, self.on))
    }

    /// A household is where most of its members live; of equals, the first code.
    fn homes_of_households(&self) -> BTreeMap<u32, &'a str> {
        let mut members: BTreeMap<u32, BTreeSet<u32>> = BTreeMap::new();
        for membership in self.memberships {
            members.entry(membership.household).or_default().extend(membership.member);
        }
        let home = |members: BTreeSet<u32>| {
            let mut homes: BTreeMap<&str, u32> = BTreeMap::new();
            for member in members {
                if let Some(home) = self.residents[member as usize].home.as_deref() {
                    *homes.entry(home).or_default() += 1;
                }
            }
            // The last of equals would win, so they go backwards.
            homes.into_iter().rev().max_by_key(|(_, count)| *count).map(|(home, _)| home)
        };
        members.into_iter().filter_map(|(household, members)| Some((household, home(members)?))).collect()
    }

    fn companies(&self) -> Vec<Company> {
        let mut dwellers: BTreeMap<u32, BTreeSet<Option<u32>>> = BTreeMap::new();
        for membership in self.memberships.iter().filter(|membership| !membership.is_collective) {
            if let Some(dwelling) = membership.dwelling {
                dwellers.entry(dwelling).or_default().insert(membership.member);
            }
        }
        let mut companies = vec![Company::Unknown; self.residents.len()];
        let mut others: Vec<BTreeSet<Option<u32>>> = vec![BTreeSet::new(); self.residents.len()];
        for membership in self.memberships {
            let (Some(member), Some(dwelling)) = (membership.member, membership.dwelling) else { continue };
            let company = &mut companies[member as usize];
            match (membership.is_collective, &*company) {
                (true, Company::Unknown) => *company = Company::Collective,
                (true, _) => {}
                (false, _) => {
                    others[member as usize].extend(dwellers.get(&dwelling).into_iter().flatten());
                    *company = Company::Dwelling(Vec::new());
                }
            }
        }
        for (member, (company, others)) in (0_u32..).zip(companies.iter_mut().zip(others)) {
            if let Company::Dwelling(ages) = company {
                let others = others.into_iter().filter(|other| *other != Some(member));
                ages.extend(others.map(|other| other.and_then(|other| self.age(other as usize))));
            }
        }
        companies
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const UNITS: [&str; 7] =
        ["320506", "320506001", "320506001007", "320506001007G01", "320506001007G02", "320506002001G01", "320507001"];

    fn on() -> Day {
        Day::from_ymd(2022, 3, 1).expect("a day")
    }

    fn resident(home: usize, age: i16) -> Resident {
        Resident {
            home: UNITS.get(home).map(|home| (*home).to_owned()),
            birth: Day::from_ymd(2022 - age, 1, 1),
            diagnoses: Vec::new(),
        }
    }

    fn lives(household: u32, member: u32, dwelling: u32) -> Membership {
        Membership { household, member: Some(member), dwelling: Some(dwelling), is_collective: false }
    }

    fn sum(counts: impl Iterator<Item = Count>) -> Count {
        counts.fold(Count::default(), |mut sum, count| {
            sum.residents += count.residents;
            sum.households += count.households;
            sum.groups.resize(count.groups.len(), GroupCount::default());
            for (sum, group) in sum.groups.iter_mut().zip(count.groups) {
                sum.members += group.members;
                sum.undecided += group.undecided;
            }
            sum
        })
    }

    proptest! {
        #[test]
        fn the_units_below_add_up_to_the_unit_and_nobody_is_left_out(
            people in prop::collection::vec((0..8_usize, 0..100_i16), 1..60),
            households in prop::collection::vec((0..12_u32, 0..60_u32, prop::option::of(0..15_u32), any::<bool>()), 0..80),
        ) {
            let residents: Vec<Resident> = people.iter().map(|(home, age)| resident(*home, *age)).collect();
            let memberships: Vec<Membership> = households
                .into_iter()
                .map(|(household, member, dwelling, is_collective)| Membership {
                    household, member: Some(member % residents.len() as u32), dwelling, is_collective,
                })
                .collect();
            let rules = KeyGroups::default();
            let census = Census::new(&residents, &memberships, &rules, on());
            for unit in UNITS {
                let (whole, below) = census.count(unit);
                let home = |r: &&Resident| r.home.as_deref().is_some_and(|home| unit::is_home_in(unit, home));
                prop_assert_eq!(whole.residents, residents.iter().filter(home).count() as u64);
                if !below.is_empty() {
                    prop_assert_eq!(&sum(below.clone().into_values()), &whole);
                }
                for (child, count) in below {
                    if let Some(child) = child {
                        prop_assert_eq!(census.count(child).0, count);
                    }
                }
            }
        }
    }

    #[test]
    fn who_lives_with_nobody_is_alone_and_a_dormitory_is_company() {
        let residents = [resident(3, 70), resident(3, 70), resident(3, 70), resident(3, 10), resident(3, 70)];
        let memberships = [
            lives(1, 0, 1),
            // Registered with the first, living elsewhere with a child.
            lives(1, 1, 2),
            lives(2, 3, 2),
            Membership { is_collective: true, ..lives(3, 2, 3) },
            Membership { dwelling: None, ..lives(1, 4, 1) },
        ];
        let rules = KeyGroups::default();
        let census = Census::new(&residents, &memberships, &rules, on());
        let elderly: Vec<Standing> = (0..5).filter_map(|index| census.standings(index).next()).collect();
        let expected = [Standing::Member, Standing::Other, Standing::Other, Standing::Other, Standing::Undecided];
        assert_eq!(elderly, expected);
        let (whole, _) = census.count("320506");
        assert_eq!((whole.residents, whole.households), (5, 3));
        assert_eq!(whole.groups[0], GroupCount { members: 1, undecided: 1 });
    }

    #[test]
    fn a_household_is_where_most_of_its_members_live() {
        let residents = [resident(3, 40), resident(4, 40), resident(4, 10)];
        let memberships = [lives(1, 0, 1), lives(1, 1, 2), lives(1, 2, 2)];
        let rules = KeyGroups::default();
        let census = Census::new(&residents, &memberships, &rules, on());
        let (_, below) = census.count("320506001007");
        assert_eq!(below[&Some("320506001007G01")].households, 0);
        assert_eq!(below[&Some("320506001007G02")].households, 1);
    }
}
