//! Key groups: residents that a community looks after especially, by rules that it can edit.

use std::collections::BTreeSet;

use domain::{Day, Timestamp, unit};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::RulesError;
use crate::rules::ensure;

/// Groups in one file at most.
const GROUPS_MAX: usize = 50;
/// The code of a county; larger units do not look after residents.
const UNIT_CHARS_MIN: usize = 6;

/// The rules by which residents belong to key groups.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyGroups {
    version: String,
    adult_age: u16,
    utc_offset_min: i16,
    #[serde(rename = "group")]
    groups: Vec<KeyGroup>,
}

/// A key group. Everything that it states must hold.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyGroup {
    /// Its name in answers.
    pub code: String,
    /// Its name for people.
    pub title: String,
    /// So many years old, or older.
    #[serde(default)]
    pub age_min: Option<u16>,
    /// Younger than that.
    #[serde(default)]
    pub age_below: Option<u16>,
    /// With whom a member does not live.
    #[serde(default)]
    pub alone: Option<Alone>,
    /// Beginnings of codes of diagnoses.
    #[serde(default)]
    pub diagnoses: Vec<String>,
    /// Only residents of these units belong to it; those of all units when none is stated.
    #[serde(default)]
    pub units: Vec<String>,
    /// No resident of these units belongs to it.
    #[serde(default)]
    pub except_units: Vec<String>,
}

/// With whom somebody does not live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Alone {
    /// With anybody.
    Nobody,
    /// With anybody who is grown up.
    NoAdult,
}

/// Who lives with somebody.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Company {
    /// Nobody knows.
    #[default]
    Unknown,
    /// A dormitory: never alone.
    Collective,
    /// These, by age in years as far as it is known; perhaps nobody.
    Dwelling(Vec<Option<u16>>),
}

/// Whether somebody belongs to a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Yes.
    Member,
    /// Something that decides is not known.
    Undecided,
    /// No.
    Other,
}

impl Standing {
    const fn of(holds: bool) -> Self {
        if holds { Self::Member } else { Self::Other }
    }

    /// Both must hold.
    const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Other, _) | (_, Self::Other) => Self::Other,
            (Self::Member, Self::Member) => Self::Member,
            _ => Self::Undecided,
        }
    }
}

impl Default for KeyGroups {
    /// The groups that ship.
    fn default() -> Self {
        // Unwrap safety: the file is part of the crate and a test reads it.
        #[expect(clippy::expect_used, reason = "the built-in file is tested")]
        Self::parse(include_str!("../rules/key-groups.toml")).expect("the built-in groups are sound")
    }
}

impl KeyGroups {
    /// Reads a file of key groups.
    ///
    /// # Errors
    /// When the text is not such a file, a key is missing or unknown, or a value makes no sense.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        let groups: Self = toml::from_str(text).map_err(|error| RulesError::Syntax(Box::new(error)))?;
        groups.check()?;
        Ok(groups)
    }

    /// What an answer names: the version of the file and a fingerprint of its groups.
    pub fn version(&self) -> String {
        let digest = Sha256::digest(format!("{self:?}"));
        format!("{}+{}", self.version, hex::encode(&digest[..4]))
    }

    /// The groups, in the order of the file.
    pub fn groups(&self) -> &[KeyGroup] {
        &self.groups
    }

    /// Whether the rules need to know of diagnoses.
    pub fn ask_for_diagnoses(&self) -> bool {
        self.groups.iter().any(|group| !group.diagnoses.is_empty())
    }

    /// When a day begins.
    pub fn start_of(&self, day: Day) -> Timestamp {
        day.start_utc().plus_millis(i64::from(self.utc_offset_min) * -60_000)
    }

    /// The day on which ages are counted.
    pub fn day_of(&self, at: Timestamp) -> Day {
        let local = at.as_millis() + i64::from(self.utc_offset_min) * 60_000;
        Day::from_epoch_days(i32::try_from(local.div_euclid(86_400_000)).unwrap_or(i32::MAX))
    }

    /// Whether somebody whose home lies in a unit belongs to each of the groups.
    pub fn standings<'a>(
        &'a self,
        home: Option<&'a str>,
        age: Option<u16>,
        company: &'a Company,
        diagnoses: &'a [String],
    ) -> impl Iterator<Item = Standing> + 'a {
        let standing = move |group: &KeyGroup| match group.is_of(home) {
            true => group.standing(self.adult_age, age, company, diagnoses),
            false => Standing::Other,
        };
        self.groups.iter().map(standing)
    }

    fn check(&self) -> Result<(), RulesError> {
        let Self { version, adult_age, utc_offset_min, groups } = self;
        let named = !version.is_empty()
            && version.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
            && version.len() <= 40;
        ensure(named, "version", version, "1 to 40 letters, digits, dots, hyphens and underscores")?;
        ensure((1..=30).contains(adult_age), "adult_age", adult_age, "between 1 and 30")?;
        ensure(utc_offset_min.abs() <= 14 * 60, "utc_offset_min", utc_offset_min, "between -840 and 840")?;
        ensure((1..=GROUPS_MAX).contains(&groups.len()), "group", groups.len(), "between 1 and 50 groups")?;
        let mut codes = BTreeSet::new();
        for KeyGroup { code, title, age_min, age_below, alone, diagnoses, units, except_units } in groups {
            let plain = code.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
            ensure(
                (2..=40).contains(&code.len()) && plain,
                "group.code",
                code,
                "2 to 40 small letters, digits and hyphens",
            )?;
            ensure(codes.insert(code), "group.code", code, "another than that of every other group")?;
            ensure((1..=100).contains(&title.chars().count()), "group.title", title, "1 to 100 characters")?;
            let span = age_min.zip(*age_below).is_none_or(|(min, below)| min < below);
            ensure(span, "group.age_below", age_below.unwrap_or(0), "above group.age_min")?;
            let states = age_min.is_some() || age_below.is_some() || alone.is_some() || !diagnoses.is_empty();
            ensure(states, "group", code, "a group that states something: an age, alone or diagnoses")?;
            let coded =
                |code: &String| !code.is_empty() && code.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
            let odd = diagnoses.iter().find(|code| !coded(code));
            ensure(odd.is_none(), "group.diagnoses", odd.map_or("", String::as_str), "beginnings of ICD-10 codes")?;
            let is_unit =
                |code: &&String| code.bytes().all(|b| b.is_ascii_alphanumeric()) && code.len() >= UNIT_CHARS_MIN;
            for (key, units) in [("group.units", units), ("group.except_units", except_units)] {
                let odd = units.iter().find(|code| !is_unit(code));
                ensure(odd.is_none(), key, odd.map_or("", String::as_str), "codes of units, of six digits or more")?;
            }
        }
        Ok(())
    }
}

impl KeyGroup {
    /// Whether the group is one of the unit where somebody lives. Of a home that is not known, only groups of all units are.
    fn is_of(&self, home: Option<&str>) -> bool {
        let is_in = |units: &[String]| home.is_some_and(|home| units.iter().any(|code| unit::is_home_in(code, home)));
        (self.units.is_empty() || is_in(&self.units)) && !is_in(&self.except_units)
    }

    fn standing(&self, adult_age: u16, age: Option<u16>, company: &Company, diagnoses: &[String]) -> Standing {
        let aged = |holds: &dyn Fn(u16) -> bool| age.map_or(Standing::Undecided, |age| Standing::of(holds(age)));
        let mut standing = Standing::Member;
        if let Some(min) = self.age_min {
            standing = standing.and(aged(&|age| age >= min));
        }
        if let Some(below) = self.age_below {
            standing = standing.and(aged(&|age| age < below));
        }
        if let Some(alone) = self.alone {
            standing = standing.and(is_alone(alone, adult_age, company));
        }
        if !self.diagnoses.is_empty() {
            // That no hospital stated one is what there is to know.
            let stated = |code: &String| self.diagnoses.iter().any(|begin| code.starts_with(begin.as_str()));
            standing = standing.and(Standing::of(diagnoses.iter().any(stated)));
        }
        standing
    }
}

fn is_alone(alone: Alone, adult_age: u16, company: &Company) -> Standing {
    let others = match company {
        Company::Unknown => return Standing::Undecided,
        Company::Collective => return Standing::Other,
        Company::Dwelling(others) => others,
    };
    match alone {
        Alone::Nobody => Standing::of(others.is_empty()),
        Alone::NoAdult if others.iter().flatten().any(|age| *age >= adult_age) => Standing::Other,
        Alone::NoAdult if others.contains(&None) => Standing::Undecided,
        Alone::NoAdult => Standing::Member,
    }
}

/// Completed years of age on a day; `None` before birth.
pub(crate) fn age_on(birth: Day, on: Day) -> Option<u16> {
    let ((year, month, day), (now, now_month, now_day)) = (birth.ymd()?, on.ymd()?);
    let years = now - year - i16::from((now_month, now_day) < (month, day));
    u16::try_from(years).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> Day {
        Day::parse(text).expect("a day")
    }

    fn codes(age: Option<u16>, company: &Company, diagnoses: &[&str]) -> (Vec<String>, Vec<String>) {
        let rules = KeyGroups::default();
        let diagnoses: Vec<String> = diagnoses.iter().map(|code| (*code).to_owned()).collect();
        let (mut members, mut undecided) = (Vec::new(), Vec::new());
        for (group, standing) in rules.groups().iter().zip(rules.standings(None, age, company, &diagnoses)) {
            match standing {
                Standing::Member => members.push(group.code.clone()),
                Standing::Undecided => undecided.push(group.code.clone()),
                Standing::Other => {}
            }
        }
        (members, undecided)
    }

    #[test]
    fn the_groups_hold_on_both_sides_of_every_number() {
        let (alone, with_child) = (Company::Dwelling(vec![]), Company::Dwelling(vec![Some(17)]));
        let with_adult = Company::Dwelling(vec![Some(18)]);
        for (age, company, diagnoses, members, undecided) in [
            (Some(65), &alone, &[][..], &["elderly-alone"][..], &[][..]),
            (Some(64), &alone, &[], &[], &[]),
            (Some(65), &with_child, &[], &[], &[]),
            (Some(65), &Company::Collective, &[], &[], &[]),
            (Some(65), &Company::Unknown, &[], &[], &["elderly-alone"]),
            (None, &alone, &[], &[], &["elderly-alone", "minor-alone"]),
            (None, &with_adult, &[], &[], &[]),
            (Some(17), &with_child, &[], &["minor-alone"], &[]),
            (Some(17), &with_adult, &[], &[], &[]),
            (Some(17), &Company::Dwelling(vec![None]), &[], &[], &["minor-alone"]),
            (Some(18), &alone, &[], &[], &[]),
            (Some(40), &with_adult, &["E11.9"], &["chronic-illness"], &[]),
            (Some(40), &with_adult, &["E1", "S06"], &[], &[]),
        ] {
            let (is, open) = codes(age, company, diagnoses);
            assert_eq!(
                (is.as_slice(), open.as_slice()),
                (
                    &members.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>()[..],
                    &undecided.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>()[..]
                ),
                "{age:?} {company:?}"
            );
        }
    }

    #[test]
    fn a_community_has_groups_of_its_own_and_leaves_out_those_of_all() {
        let own = r#"
[[group]]
code = "elderly-alone-here"
title = "60 and older, living alone"
age_min = 60
alone = "nobody"
units = ["320506001"]
"#;
        let shipped = include_str!("../rules/key-groups.toml");
        let text =
            shipped.replacen("alone = \"nobody\"", "alone = \"nobody\"\nexcept_units = [\"320506001\"]", 1) + own;
        let rules = KeyGroups::parse(&text).expect("sound");
        let company = Company::Dwelling(Vec::new());
        let members = |home: Option<&str>, age: u16| -> Vec<&str> {
            let standings = rules.standings(home, Some(age), &company, &[]);
            let groups = rules.groups().iter().zip(standings);
            groups.filter(|(_, standing)| *standing == Standing::Member).map(|(group, _)| group.code.as_str()).collect()
        };
        for home in ["320506001", "320506001007", "320506001007003"] {
            assert_eq!(members(Some(home), 60), ["elderly-alone-here"], "{home}");
            assert_eq!(members(Some(home), 59), [""; 0], "{home}");
            assert_eq!(members(Some(home), 65), ["elderly-alone-here"], "{home}");
        }
        for home in [Some("320506002"), Some("320506"), None] {
            assert_eq!(members(home, 60), [""; 0], "{home:?}");
            assert_eq!(members(home, 65), ["elderly-alone"], "{home:?}");
        }
        for key in ["units", "except_units"] {
            let short = text.replace(&format!("\n{key} = [\"320506001\"]"), &format!("\n{key} = [\"3205\"]"));
            let error = KeyGroups::parse(&short).expect_err("short").to_string();
            assert!(error.starts_with(&format!("group.{key} is 3205: it must be codes of units")), "{error}");
        }
    }

    #[test]
    fn an_age_is_complete_on_the_birthday() {
        assert_eq!(age_on(day("1957-03-01"), day("2022-02-28")), Some(64));
        assert_eq!(age_on(day("1957-03-01"), day("2022-03-01")), Some(65));
        assert_eq!(age_on(day("2022-03-02"), day("2022-03-01")), None);
        let rules = KeyGroups::default();
        let before_midnight = day("2022-03-01").start_utc().plus_millis(-8 * 3_600_000);
        assert_eq!(rules.day_of(before_midnight), day("2022-03-01"));
        assert_eq!(rules.day_of(before_midnight.plus_millis(-1)), day("2022-02-28"));
    }

    #[test]
    fn a_slip_in_the_file_is_told_with_its_key() {
        const TEXT: &str = include_str!("../rules/key-groups.toml");
        assert!(KeyGroups::default().version().starts_with("shipped-1+"));
        for (from, to, told) in [
            ("code = \"disabled\"", "code = \"minor-alone\"", "group.code is minor-alone: it must be another than"),
            ("adult_age = 18", "adult_age = 0", "adult_age is 0: it must be between 1 and 30"),
            ("age_below = 18\nalone = \"no-adult\"", "", "group is minor-alone: it must be a group that states"),
            ("\"G80\"", "\"\"", "group.diagnoses is : it must be beginnings of ICD-10 codes"),
        ] {
            let text = TEXT.replace(from, to);
            assert_ne!(text, TEXT, "{from}");
            let error = KeyGroups::parse(&text).expect_err(to).to_string();
            assert!(error.starts_with(told), "{error}");
        }
        let unknown = KeyGroups::parse(&TEXT.replace("age_min", "age_from")).expect_err("unknown");
        assert!(matches!(unknown, RulesError::Syntax(_)));
    }
}
