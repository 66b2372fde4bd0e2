//! The rules file: every number that decides, and the version that an answer names.

use domain::TravelMode;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::follow_up::FollowUpRules;
use crate::signal::SignalRules;

/// Why a rules file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// Not TOML of the form of a rules file; the cause says where.
    #[error("the rules file cannot be read")]
    Syntax(#[source] Box<toml::de::Error>),
    /// A value makes no sense.
    #[error("{key} is {value}: it must be {must}")]
    Value {
        /// The key, with its table.
        key: &'static str,
        /// What the file says.
        value: String,
        /// What would be accepted.
        must: &'static str,
    },
}

/// The rules of disease control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Name and version, as whoever issued the rules gives it.
    version: String,
    /// Grid squares.
    pub square: SquareRules,
    /// Stays.
    pub stay: StayRules,
    /// Contacts.
    pub contact: ContactRules,
    /// Risk of townships.
    pub risk: RiskRules,
    /// Health codes.
    pub code: CodeRules,
    /// Follow-up of contacts.
    pub follow_up: FollowUpRules,
    /// What does not fit together.
    pub signal: SignalRules,
}

/// Grid squares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SquareRules {
    /// Side in metres.
    pub side_m: f64,
    /// A square counts as one of a disc's from this share of the disc's area on.
    pub share_min: f64,
}

/// Stays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StayRules {
    /// Longest presence elsewhere that is taken for a swing of the network between two cells, in seconds.
    pub ping_pong_s: u32,
    /// Longest silence within a stay, in minutes; an open presence goes on for as long.
    pub silence_max_min: u32,
    /// A silence longer than this makes the stay less sure, in minutes.
    pub silence_sure_min: u32,
    /// Factor on the confidence of such a stay.
    pub silent_confidence: f32,
    /// Days that a stay in hospital without a known end is taken to go on.
    pub admitted_max_days: u32,
    /// Factor on the confidence of a stay in hospital, or a ride, without a known end.
    pub open_confidence: f32,
    /// Confidence of a presence whose source does not say.
    pub confidence_default: f32,
    /// Factor on the confidence of a presence that may be somebody else's.
    pub doubtful_confidence: f32,
    /// Time without a trace is a gap when it is longer than this, in minutes.
    pub gap_over_min: u32,
    /// Two places contradict each other when they are further apart than this, beyond their radii, in metres,
    pub apart_over_m: f64,
    /// at once for longer than this, in minutes.
    pub apart_over_min: u32,
}

/// Contacts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactRules {
    /// The same square for more unbroken minutes than this is a contact.
    pub square_over_min: u32,
    /// Whether neighbouring squares count.
    pub neighbours: bool,
    /// A spell in a square that meets more spells than this lists nobody, and is named itself.
    pub crowd_max: u32,
    /// A stay counts in a square where it is at least this sure, by its own confidence and the square's share of the disc.
    #[serde(default)]
    pub confidence_min: f32,
    /// Rows before and behind that count in an aircraft.
    pub rows_each_side: u16,
    /// Days before the first symptoms, or else the confirmation, from which on others can catch it from a case.
    pub infectious_days_before: u32,
    /// Days before the latest presence for which contacts are known.
    pub kept_days: u32,
    /// Hours that a ride without a known arrival is taken to last.
    pub ride_open_hours: u32,
    /// Who shares a journey.
    pub ride: RideRules,
    /// How near each kind of contact is.
    pub weight: Weights,
}

/// Who shares a journey, by its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RideRules {
    /// Trains.
    pub rail: RideScope,
    /// Undergrounds and light rail.
    pub metro: RideScope,
    /// Ships.
    pub ship: RideScope,
    /// Aircraft.
    pub air: RideScope,
    /// Coaches.
    pub coach: RideScope,
    /// Anything else.
    pub other: RideScope,
}

impl ContactRules {
    /// Whether a stay of this confidence counts in a square with this share of the place's disc.
    pub fn is_sure(&self, confidence: f32, share: f64) -> bool {
        confidence.clamp(0.0, 1.0) * share as f32 >= self.confidence_min
    }
}

impl RideRules {
    /// Who shares a journey of a kind.
    pub const fn scope(&self, mode: TravelMode) -> RideScope {
        match mode {
            TravelMode::Rail => self.rail,
            TravelMode::Metro => self.metro,
            TravelMode::Ship => self.ship,
            TravelMode::Air => self.air,
            TravelMode::Coach => self.coach,
            TravelMode::Other => self.other,
        }
    }
}

/// What of a vehicle people share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RideScope {
    /// A carriage of a train, a cabin of a ship.
    Carriage,
    /// Near rows.
    Rows,
    /// All of it.
    Vehicle,
}

/// How near each kind of contact is; the ranking weighs minutes with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Weights {
    /// The same dwelling.
    pub dwelling: f64,
    /// The same ward.
    pub ward: f64,
    /// The same carriage, rows or vehicle.
    pub vehicle: f64,
    /// The same square.
    pub square: f64,
}

/// Risk of townships.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RiskRules {
    /// A case is new for so many times 24 hours.
    pub new_days: u32,
    /// More existing cases than this are many.
    pub existing_over: u32,
    /// From so many linked cases on it is a cluster.
    pub cluster_cases_min: u32,
    /// A stay counts in a township that has at least this share of the place's disc.
    pub stay_share_min: f64,
}

/// Health codes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CodeRules {
    /// How many times 24 hours a reason for red holds.
    pub red_days: u32,
    /// How many times 24 hours a reason for yellow holds.
    pub yellow_days: u32,
}

impl Default for Rules {
    /// The rules that ship.
    fn default() -> Self {
        // Unwrap safety: the file is part of the crate and a test reads it.
        #[expect(clippy::expect_used, reason = "the built-in file is tested")]
        Self::parse(include_str!("../rules/default.toml")).expect("the built-in rules are sound")
    }
}

impl Rules {
    /// Reads a rules file.
    ///
    /// # Errors
    /// When the text is not a rules file, a key is missing or unknown, or a value makes no sense.
    pub fn parse(text: &str) -> Result<Self, RulesError> {
        let rules: Self = toml::from_str(text).map_err(|error| RulesError::Syntax(Box::new(error)))?;
        rules.check()?;
        Ok(rules)
    }

    /// What an answer names: the version of the file, and a fingerprint of its numbers, so that a file that was changed
    /// without a new version shows.
    pub fn version(&self) -> String {
        let digest = Sha256::digest(format!("{self:?}"));
        format!("{}+{}", self.version, hex::encode(&digest[..4]))
    }

    fn check(&self) -> Result<(), RulesError> {
        const SHARE: &str = "above 0 and at most 1";
        const DAYS: &str = "between 1 and 365";
        let Self { version, square, stay, contact, risk, code, follow_up, signal } = self;
        let named = !version.is_empty()
            && version.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c))
            && version.len() <= 40;
        ensure(named, "version", version, "1 to 40 letters, digits, dots, hyphens and underscores")?;
        let side = (50.0..=10_000.0).contains(&square.side_m);
        ensure(side, "square.side_m", square.side_m, "between 50 and 10000")?;
        let share = (0.0..=0.5).contains(&square.share_min);
        ensure(share, "square.share_min", square.share_min, "between 0 and 0.5")?;

        let short = stay.ping_pong_s <= 3_600;
        ensure(short, "stay.ping_pong_s", stay.ping_pong_s, "at most 3600")?;
        let silence = (1..=1_440).contains(&stay.silence_max_min);
        ensure(silence, "stay.silence_max_min", stay.silence_max_min, "between 1 and 1440")?;
        let sure = stay.silence_sure_min <= stay.silence_max_min;
        ensure(sure, "stay.silence_sure_min", stay.silence_sure_min, "at most stay.silence_max_min")?;
        ensure(is_share(stay.silent_confidence), "stay.silent_confidence", stay.silent_confidence, SHARE)?;
        let admitted = stay.admitted_max_days;
        ensure((1..=365).contains(&admitted), "stay.admitted_max_days", admitted, DAYS)?;
        ensure(is_share(stay.open_confidence), "stay.open_confidence", stay.open_confidence, SHARE)?;
        ensure(is_share(stay.confidence_default), "stay.confidence_default", stay.confidence_default, SHARE)?;
        ensure(is_share(stay.doubtful_confidence), "stay.doubtful_confidence", stay.doubtful_confidence, SHARE)?;
        ensure(stay.gap_over_min <= 1_440, "stay.gap_over_min", stay.gap_over_min, "at most 1440")?;
        let apart = (0.0..=1_000_000.0).contains(&stay.apart_over_m);
        ensure(apart, "stay.apart_over_m", stay.apart_over_m, "between 0 and 1000000")?;
        ensure(stay.apart_over_min <= 1_440, "stay.apart_over_min", stay.apart_over_min, "at most 1440")?;

        let over = contact.square_over_min <= 1_440;
        ensure(over, "contact.square_over_min", contact.square_over_min, "at most 1440")?;
        ensure(contact.crowd_max > 0, "contact.crowd_max", contact.crowd_max, "at least 1")?;
        let sure = (0.0..=1.0).contains(&contact.confidence_min);
        ensure(sure, "contact.confidence_min", contact.confidence_min, "between 0 and 1")?;
        let days = contact.infectious_days_before;
        ensure(days <= 30, "contact.infectious_days_before", days, "at most 30")?;
        ensure((1..=365).contains(&contact.kept_days), "contact.kept_days", contact.kept_days, DAYS)?;
        let open = contact.ride_open_hours;
        ensure((1..=72).contains(&open), "contact.ride_open_hours", open, "between 1 and 72")?;
        let Weights { dwelling, ward, vehicle, square } = contact.weight;
        for (key, weight) in [
            ("contact.weight.dwelling", dwelling),
            ("contact.weight.ward", ward),
            ("contact.weight.vehicle", vehicle),
            ("contact.weight.square", square),
        ] {
            ensure(weight.is_finite() && weight > 0.0, key, weight, "above 0")?;
        }

        ensure((1..=365).contains(&risk.new_days), "risk.new_days", risk.new_days, DAYS)?;
        let linked = risk.cluster_cases_min >= 2;
        ensure(linked, "risk.cluster_cases_min", risk.cluster_cases_min, "at least 2")?;
        let share = risk.stay_share_min > 0.0 && risk.stay_share_min <= 1.0;
        ensure(share, "risk.stay_share_min", risk.stay_share_min, SHARE)?;
        ensure((1..=365).contains(&code.red_days), "code.red_days", code.red_days, DAYS)?;
        ensure((1..=365).contains(&code.yellow_days), "code.yellow_days", code.yellow_days, DAYS)?;
        follow_up.check()?;
        signal.check()
    }
}

fn is_share(value: f32) -> bool {
    value > 0.0 && value <= 1.0
}

pub(crate) fn ensure(
    holds: bool,
    key: &'static str,
    value: impl ToString,
    must: &'static str,
) -> Result<(), RulesError> {
    if holds { Ok(()) } else { Err(RulesError::Value { key, value: value.to_string(), must }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: &str = include_str!("../rules/default.toml");

    #[test]
    fn the_rules_that_ship_are_those_of_the_design() {
        let rules = Rules::default();
        assert_eq!((rules.square.side_m, rules.contact.square_over_min, rules.contact.rows_each_side), (800.0, 10, 3));
        assert_eq!((rules.risk.new_days, rules.risk.existing_over, rules.risk.cluster_cases_min), (14, 50, 2));
        assert_eq!((rules.code.red_days, rules.code.yellow_days), (14, 7));
        assert!(!rules.contact.neighbours);
        assert_eq!((rules.follow_up.quarantine_days, rules.follow_up.notify_hours), (14, 12));
        assert!(rules.version().starts_with("cdc-2026-14+"));
    }

    #[test]
    fn a_changed_number_changes_the_version_even_if_the_file_does_not_say_so() {
        let changed = Rules::parse(&DEFAULT.replace("square_over_min = 10", "square_over_min = 11")).expect("sound");
        assert_ne!(changed.version(), Rules::default().version());
        let commented = Rules::parse(&format!("# the same\n{DEFAULT}")).expect("sound");
        assert_eq!(commented.version(), Rules::default().version());
    }

    #[test]
    fn a_bad_value_is_told_with_its_key_and_what_would_do() {
        for (from, to, told) in [
            ("side_m = 800.0", "side_m = 0.0", "square.side_m is 0: it must be between 50 and 10000"),
            ("side_m = 800.0", "side_m = nan", "square.side_m is NaN: it must be between 50 and 10000"),
            (
                "silence_sure_min = 30",
                "silence_sure_min = 241",
                "stay.silence_sure_min is 241: it must be at most stay.silence_max_min",
            ),
            (
                "silent_confidence = 0.5",
                "silent_confidence = 1.5",
                "stay.silent_confidence is 1.5: it must be above 0 and at most 1",
            ),
            ("cluster_cases_min = 2", "cluster_cases_min = 1", "risk.cluster_cases_min is 1: it must be at least 2"),
            ("red_days = 14", "red_days = 0", "code.red_days is 0: it must be between 1 and 365"),
            ("notify_hours = 12", "notify_hours = 0", "follow_up.notify_hours is 0: it must be between 1 and 720"),
            (
                "confidence_min = 0.0",
                "confidence_min = 1.5",
                "contact.confidence_min is 1.5: it must be between 0 and 1",
            ),
            ("ward = 6.0", "ward = -1.0", "contact.weight.ward is -1: it must be above 0"),
            (
                "\"cdc-2026-14\"",
                "\"\"",
                "version is : it must be 1 to 40 letters, digits, dots, hyphens and underscores",
            ),
        ] {
            let text = DEFAULT.replace(from, to);
            assert_ne!(text, DEFAULT, "{from}");
            assert_eq!(Rules::parse(&text).expect_err(to).to_string(), told);
        }
    }

    #[test]
    fn a_missing_and_an_unknown_key_are_told_with_their_place() {
        for (from, to, named) in [("red_days = 14", "", "red_days"), ("red_days = 14", "red_day = 14", "red_day")] {
            let Err(RulesError::Syntax(cause)) = Rules::parse(&DEFAULT.replace(from, to)) else { panic!("{to}") };
            assert!(cause.to_string().contains(named), "{cause}");
        }
    }
}
