//! The rules as a file: weights, patterns, hours and budgets, with a version.

use std::collections::BTreeMap;

use domain::Timestamp;
use serde::Deserialize;

use crate::weigh::Rule;

const SHIPPED: &str = include_str!("../rules.toml");

/// Rules of suspicion.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Names the rules in everything that was scored by them.
    pub version: String,
    /// A look of this score or more is an alert.
    pub alert_at: i32,
    /// The site's clock, in minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// So far back looks are compared with others of the same caller.
    pub days: u32,
    /// Questions within an hour that show nobody, at most, whatever the role; 0 is no limit.
    #[serde(default = "misses_per_hour")]
    pub misses_per_hour: u64,
    /// What each rule adds.
    pub weights: BTreeMap<Rule, i32>,
    /// When something is a pattern.
    pub patterns: Patterns,
    /// What roles do, by the code of the role.
    pub roles: BTreeMap<String, RoleRules>,
}

/// When something is a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patterns {
    /// Days on which a person is looked at although the file did not change.
    pub repeat_days: usize,
    /// The same, when it cannot be duty any more.
    pub repeat_often_days: usize,
    /// Searches within an hour that no look follows.
    pub fishing_finds: usize,
    /// Persons looked at within 14 days without an explanation.
    pub drip_persons: usize,
    /// Ids that nobody has, and searches that found nobody, within an hour.
    pub enumerates_misses: usize,
}

/// What a role does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleRules {
    /// From this hour of the day on, and before that one.
    pub hours: [u8; 2],
    /// Persons in an hour that make a pattern.
    pub bulk_persons: usize,
    /// Persons in an hour at most; 0 is no limit.
    pub persons_per_hour: usize,
    /// Rows in a week at most; 0 is no limit.
    pub rows_per_week: u64,
    /// Townships in a day at most; 0 is no limit.
    #[serde(default)]
    pub areas_per_day: usize,
}

/// What a file that says nothing of misses has.
const fn misses_per_hour() -> u64 {
    500
}

/// Why a file of rules is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RulesError {
    /// Not TOML, or a key is unknown or missing.
    #[error("the rules cannot be read: {0}")]
    Syntax(String),
    /// A rule has no weight.
    #[error("the rule `{0}` has no weight: add it to [weights]")]
    NoWeight(&'static str),
    /// A number makes no sense.
    #[error("`{0}` makes no sense: {1}")]
    Number(&'static str, &'static str),
}

impl Default for Rules {
    fn default() -> Self {
        // Unwrap safety: the file is part of the program, and a test reads it.
        Self::parse(SHIPPED).expect("the rules that ship are sound")
    }
}

impl Rules {
    /// Reads a file of rules.
    ///
    /// # Errors
    /// When it is no such file, a rule has no weight, or a number makes no sense.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        let rules: Self = toml::from_str(text).map_err(|error| RulesError::Syntax(error.to_string()))?;
        if let Some(rule) = Rule::ALL.iter().find(|rule| !rules.weights.contains_key(rule)) {
            return Err(RulesError::NoWeight(rule.code()));
        }
        if rules.version.is_empty() || rules.version.len() > 64 {
            return Err(RulesError::Number("version", "give 1 to 64 characters"));
        }
        if rules.alert_at <= 0 {
            return Err(RulesError::Number("alert_at", "every look would be an alert"));
        }
        if !(-14 * 60..=14 * 60).contains(&rules.utc_offset_minutes) {
            return Err(RulesError::Number("utc_offset_minutes", "no place is so far from UTC"));
        }
        if !(1..=366).contains(&rules.days) {
            return Err(RulesError::Number("days", "give 1 to 366"));
        }
        let Patterns { repeat_days, repeat_often_days, fishing_finds, drip_persons, enumerates_misses } =
            rules.patterns;
        if [repeat_days, repeat_often_days, fishing_finds, drip_persons, enumerates_misses].contains(&0) {
            return Err(RulesError::Number("patterns", "nothing at all would be a pattern"));
        }
        if rules.roles.values().any(|role| role.hours[0] > role.hours[1] || role.hours[1] > 24) {
            return Err(RulesError::Number("hours", "give the first and the last hour of a day, such as [7, 20]"));
        }
        Ok(rules)
    }

    /// What a rule adds.
    pub fn weight(&self, rule: Rule) -> i32 {
        self.weights.get(&rule).copied().unwrap_or(0)
    }

    /// The day of an instant by the site's clock, in days since 1970.
    pub fn day(&self, at: Timestamp) -> i64 {
        (at.as_millis() + i64::from(self.utc_offset_minutes) * 60_000).div_euclid(86_400_000)
    }

    /// What a role does; `None` where nothing is said of it.
    pub fn role(&self, code: &str) -> Option<&RoleRules> {
        self.roles.get(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_without_weight_and_a_number_without_sense_are_named() {
        assert_eq!(Rules::default().version, "suspicion-3");
        let without = SHIPPED.replace("canary = 100\n", "");
        assert_eq!(Rules::parse(&without), Err(RulesError::NoWeight("canary")));
        let never = SHIPPED.replace("alert_at = 6", "alert_at = 0");
        assert!(matches!(Rules::parse(&never), Err(RulesError::Number("alert_at", _))));
        let odd = SHIPPED.replace("hours = [7, 22]", "hours = [22, 7]");
        assert!(matches!(Rules::parse(&odd), Err(RulesError::Number("hours", _))));
        assert!(matches!(Rules::parse("version = 1"), Err(RulesError::Syntax(_))));
        let unknown = SHIPPED.replace("[patterns]", "[patterns]\nguess = 1");
        assert!(matches!(Rules::parse(&unknown), Err(RulesError::Syntax(_))));
    }
}
