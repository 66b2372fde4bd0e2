//! The model: what agreement and disagreement of each field weigh, and how frequent values are.
//!
//! A model is a versioned TOML file. It is fixed while an engine runs: were it learned from the records as they come,
//! the persons would depend on the order of arrival and on unrelated records.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::hanzi;
use crate::{Field, Level};

/// A linkage model.
#[derive(Clone, Debug)]
pub struct Model {
    file: ModelFile,
    weights: [[Weights; LEVELS]; FIELDS],
    tables: Tables,
    birth_days: FxHashMap<u16, f32>,
    version: OnceLock<String>,
}

/// Why a model file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// Not TOML of the form of a model.
    #[error("the model file cannot be read")]
    Parse(#[from] toml::de::Error),
    /// It cannot be written as TOML.
    #[error("the model cannot be written")]
    Write(#[from] toml::ser::Error),
    /// A value makes no sense.
    #[error("the model is not usable: {0}")]
    Invalid(String),
}

/// A model as its file says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Name and version; stored with every link, with a fingerprint.
    pub version: String,
    /// What it is for.
    pub description: String,
    /// What is known before two records are compared.
    pub prior: Prior,
    /// From which weights on something happens.
    pub thresholds: Thresholds,
    /// How pairs are proposed.
    pub blocking: Blocking,
    /// From when on values say nothing because too many people share them.
    #[serde(default)]
    pub hot: HotLimits,
    /// Birth dates.
    pub birth: Birth,
    /// One entry for each field and level.
    pub level: Vec<LevelFile>,
    /// Name frequencies.
    pub names: Names,
}

/// What is known before two records are compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prior {
    /// Base-2 logarithm of the odds that any two records are of one person.
    pub match_log2_odds: f64,
    /// Base-2 logarithm of how many times likelier than that it is that they are of two members of one family.
    pub household_log2_odds: f64,
    /// Share of two members of a family, born on different days, of whom one is called after the other.
    #[serde(default = "namesake_default")]
    pub namesake: f64,
}

const fn namesake_default() -> f64 {
    0.01
}

/// From which match weight on something happens.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Pairs from this weight on are linked.
    pub link: f64,
    /// Pairs from this weight on, and below `link`, are put up for review.
    pub review: f64,
    /// Two clusters are not joined when their records, taken pair by pair as being as likely of one person as of two
    /// relatives or strangers, speak for one person by less than this on average (bits).
    pub cohesion: f64,
}

/// How pairs are proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Blocking {
    /// A key that more records share proposes no pairs (they are found by their other keys, or not at all).
    pub records_max: usize,
}

/// From when on a value says nothing because too many people share it. A value at its limit still counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HotLimits {
    /// Different names on one phone, resident number, document, record number or account.
    pub number_names_max: usize,
    /// Different names at one address or in one household.
    pub address_names_max: usize,
    /// Different names on one birth date,
    pub birth_names_max: usize,
    /// if also so many times as many records state it as another day of its month.
    pub birth_ratio: f64,
    /// Different birth dates of a name that nobody has by the name frequencies;
    pub name_births_max: usize,
    /// of a frequent one, three times as many more as so many people would have who bear it.
    pub people: f64,
}

impl Default for HotLimits {
    fn default() -> Self {
        Self {
            number_names_max: 20,
            address_names_max: 60,
            birth_names_max: 40,
            birth_ratio: 8.0,
            name_births_max: 200,
            people: 1e7,
        }
    }
}

impl HotLimits {
    /// A value with no more records than this is not hot, whatever it is.
    pub(crate) fn least(&self) -> usize {
        let names = self.number_names_max.min(self.address_names_max).min(self.birth_names_max);
        names.min(self.name_births_max)
    }
}

/// Birth dates.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Birth {
    /// Share of persons registered on a month and day (`MM-DD`) that stands in for an unknown one.
    pub common_days: BTreeMap<String, f64>,
    /// Dates that mean "unknown".
    pub placeholders: Vec<String>,
}

/// One level of a field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelFile {
    /// The field.
    pub field: Field,
    /// The level.
    pub level: Level,
    /// Share of pairs of one person that reach it, among those that state the field.
    pub m: f64,
    /// The same for pairs of two strangers; times the frequency of the value where the level has one.
    pub u: f64,
    /// The same for pairs of two members of one family; times the frequency of the given name where it agrees.
    pub household: f64,
}

/// Name frequencies: shares of people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    /// Han surname that is not in the table.
    pub family_default: f64,
    /// Character of a given name that is not in the table.
    pub character_default: f64,
    /// Share of given names of one character.
    pub one_character_share: f64,
    /// A name of which the surname cannot be told.
    pub unsplit: f64,
    /// No Han given name is taken to be rarer.
    pub given_min: f64,
    /// Latin surname that is not in the table.
    pub latin_family_default: f64,
    /// Latin given name that is not in the table.
    pub latin_given_default: f64,
    /// Han surnames.
    pub family: BTreeMap<String, f64>,
    /// Characters of given names.
    pub characters: BTreeMap<String, f64>,
    /// Latin surnames, lower case.
    pub latin_family: BTreeMap<String, f64>,
    /// Latin given names, lower case.
    pub latin_given: BTreeMap<String, f64>,
}

impl Names {
    /// Forgets all but the most frequent names of each kind; the others get the share of an unknown name.
    pub fn keep_most_frequent(&mut self, count: usize) {
        for table in [&mut self.family, &mut self.characters, &mut self.latin_family, &mut self.latin_given] {
            if table.len() > count {
                let mut entries: Vec<(String, f64)> = std::mem::take(table).into_iter().collect();
                entries.sort_by(|x, y| y.1.total_cmp(&x.1).then_with(|| x.0.cmp(&y.0)));
                table.extend(entries.into_iter().take(count));
            }
        }
    }
}

const FIELDS: usize = 12;
const LEVELS: usize = 11;

/// Every level that a comparison can reach; a model has an entry for each.
pub(crate) const REACHABLE: &[(Field, &[Level])] = &[
    (Field::NationalId, &[Level::Same, Level::Fits, Level::Different]),
    (Field::RecordNumber, &[Level::Same, Level::Different]),
    (Field::Document, &[Level::Same, Level::Different]),
    (Field::Account, &[Level::Same]),
    (
        Field::Name,
        &[Level::Same, Level::Sound, Level::Fits, Level::GivenName, Level::Near, Level::Surname, Level::Different],
    ),
    (Field::BirthDate, &[Level::Same, Level::Near, Level::Year, Level::Different]),
    (Field::Sex, &[Level::Same, Level::Different]),
    (Field::Phone, &[Level::Same, Level::Contact, Level::Different]),
    (Field::Address, &[Level::Same, Level::Near, Level::Different]),
    (Field::Household, &[Level::Same, Level::Different]),
];

/// Base-2 logarithms of m, u and the household share of a level.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Weights {
    pub(crate) m: f64,
    pub(crate) u: f64,
    pub(crate) household: f64,
}

impl Model {
    /// The shipped model for Chinese sources; it also reads Latin names.
    pub fn zh() -> Self {
        Self::shipped(include_str!("../models/zh.toml"))
    }

    /// The shipped model for sources in Latin script.
    pub fn latin() -> Self {
        Self::shipped(include_str!("../models/latin.toml"))
    }

    fn shipped(text: &str) -> Self {
        // Unwrap safety: the text is part of the program, and a test parses both.
        #[expect(clippy::unwrap_used, reason = "the text is part of the program, and a test parses both")]
        Self::parse(text).unwrap()
    }

    /// Reads a model file.
    ///
    /// # Errors
    /// When the text is not a model, a level is missing or twice there, or a share is not above 0 and at most 1.
    pub fn parse(text: &str) -> Result<Self, ModelError> {
        Self::from_file(toml::from_str(text)?)
    }

    /// Checks and compiles a model.
    ///
    /// # Errors
    /// When a level is missing or twice there, or a share is not above 0 and at most 1.
    pub fn from_file(file: ModelFile) -> Result<Self, ModelError> {
        let invalid = |text: String| ModelError::Invalid(text);
        let mut weights = [[Weights { m: f64::NAN, u: f64::NAN, household: f64::NAN }; LEVELS]; FIELDS];
        for entry in &file.level {
            let known = REACHABLE.iter().any(|(field, levels)| *field == entry.field && levels.contains(&entry.level));
            let slot = &mut weights[entry.field as usize][entry.level as usize];
            if !known || !slot.m.is_nan() {
                return Err(invalid(format!(
                    "level {:?} of {:?} is unknown or stated twice",
                    entry.level, entry.field
                )));
            }
            for share in [entry.m, entry.u, entry.household] {
                check_share(share, &format!("level {:?} of {:?}", entry.level, entry.field))?;
            }
            *slot = Weights { m: entry.m.log2(), u: entry.u.log2(), household: entry.household.log2() };
        }
        for (field, levels) in REACHABLE {
            if let Some(level) = levels.iter().find(|level| weights[*field as usize][**level as usize].m.is_nan()) {
                return Err(invalid(format!("level {level:?} of {field:?} is missing")));
            }
        }
        check_share(file.prior.namesake, "prior.namesake")?;
        if file.thresholds.review > file.thresholds.link {
            return Err(invalid("the review threshold is above the link threshold".to_owned()));
        }
        if file.blocking.records_max < 2 {
            return Err(invalid("blocking.records_max is below 2".to_owned()));
        }
        let mut birth_days = FxHashMap::default();
        for (day, share) in &file.birth.common_days {
            check_share(*share, "a common birth day")?;
            let parsed = day.split_once('-').and_then(|(m, d)| Some((m.parse::<u16>().ok()?, d.parse::<u16>().ok()?)));
            let (month, day) = parsed.ok_or_else(|| invalid(format!("{day} is not MM-DD")))?;
            birth_days.insert(month * 100 + day, (share * 365.25).log2() as f32);
        }
        let tables = Tables::new(&file.names)?;
        Ok(Self { file, weights, tables, birth_days, version: OnceLock::new() })
    }

    /// The model as its file says it.
    pub fn file(&self) -> &ModelFile {
        &self.file
    }

    /// The model as TOML text.
    ///
    /// # Errors
    /// When a value has no TOML form.
    pub fn to_toml(&self) -> Result<String, ModelError> {
        Ok(toml::to_string_pretty(&self.file)?)
    }

    /// Its name and version with the beginning of a fingerprint of what it says: two models of one name that say
    /// different things have two versions. Comments and layout of the file do not count.
    pub fn version(&self) -> &str {
        self.version.get_or_init(|| {
            let digest = Sha256::digest(self.to_toml().unwrap_or_default());
            format!("{}+{}", self.file.version, hex::encode(&digest[..6]))
        })
    }

    pub(crate) fn weights(&self, field: Field, level: Level) -> Weights {
        self.weights[field as usize][level as usize]
    }

    pub(crate) fn tables(&self) -> &Tables {
        &self.tables
    }

    pub(crate) fn thresholds(&self) -> &Thresholds {
        &self.file.thresholds
    }

    pub(crate) fn prior(&self) -> &Prior {
        &self.file.prior
    }

    /// Log2 of the share of namesakes in a family.
    pub(crate) fn namesake(&self) -> f64 {
        self.file.prior.namesake.log2()
    }

    /// By how many bits a month and day (as month x 100 + day) is more frequent than any day of the year.
    pub(crate) fn birth_day_frequency(&self, month_day: u16) -> f32 {
        self.birth_days.get(&month_day).copied().unwrap_or(0.0)
    }

    /// Whether a date (`YYYY-MM-DD`) means that it is unknown.
    pub(crate) fn is_placeholder_date(&self, date: &str) -> bool {
        self.file.birth.placeholders.iter().any(|placeholder| placeholder == date)
    }
}

fn check_share(share: f64, what: &str) -> Result<(), ModelError> {
    if share > 0.0 && share <= 1.0 {
        Ok(())
    } else {
        Err(ModelError::Invalid(format!("{what}: {share} is not a share above 0 and at most 1")))
    }
}

/// Name frequencies ready for look-up, as base-2 logarithms.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    family: FxHashMap<String, f32>,
    family_default: f32,
    family_sound: FxHashMap<String, f32>,
    character: FxHashMap<char, f32>,
    character_default: f32,
    syllable: FxHashMap<String, f32>,
    syllable_default: f32,
    one: f32,
    several: f32,
    unsplit: f32,
    given_min: f32,
    latin_family: FxHashMap<String, f32>,
    latin_family_default: f32,
    latin_given: FxHashMap<String, f32>,
    latin_given_default: f32,
}

impl Tables {
    fn new(names: &Names) -> Result<Self, ModelError> {
        let maps = [&names.family, &names.characters, &names.latin_family, &names.latin_given];
        for share in maps.into_iter().flat_map(BTreeMap::values) {
            check_share(*share, "a name frequency")?;
        }
        for share in [
            names.family_default,
            names.character_default,
            names.one_character_share,
            names.unsplit,
            names.given_min,
            names.latin_family_default,
            names.latin_given_default,
        ] {
            check_share(share, "a default of the name frequencies")?;
        }
        let log = |share: f64| share.log2() as f32;
        let logs = |map: &BTreeMap<String, f64>| map.iter().map(|(name, share)| (name.clone(), log(*share))).collect();
        let mut sounds: FxHashMap<String, f64> = FxHashMap::default();
        for (family, share) in &names.family {
            *sounds.entry(hanzi::surname_reading(family)).or_insert(names.family_default) += share;
        }
        let mut character = FxHashMap::default();
        let mut syllables: FxHashMap<String, f64> = FxHashMap::default();
        for (text, share) in &names.characters {
            let mut chars = text.chars();
            let (Some(c), None) = (chars.next(), chars.next()) else {
                return Err(ModelError::Invalid("names.characters has an entry of more than one character".to_owned()));
            };
            character.insert(c, log(*share));
            let syllable = hanzi::syllable(c).unwrap_or_default().to_owned();
            *syllables.entry(syllable).or_insert(names.character_default) += share;
        }
        let sums = |map: FxHashMap<String, f64>| map.into_iter().map(|(k, share)| (k, log(share.min(1.0)))).collect();
        Ok(Self {
            family: logs(&names.family),
            family_default: log(names.family_default),
            family_sound: sums(sounds),
            character,
            character_default: log(names.character_default),
            syllable: sums(syllables),
            syllable_default: log((names.character_default * 2.0).min(1.0)),
            one: log(names.one_character_share),
            several: log((1.0 - names.one_character_share).max(0.01)),
            unsplit: log(names.unsplit),
            given_min: log(names.given_min),
            latin_family: logs(&names.latin_family),
            latin_family_default: log(names.latin_family_default),
            latin_given: logs(&names.latin_given),
            latin_given_default: log(names.latin_given_default),
        })
    }

    pub(crate) fn family(&self, family: &str) -> f32 {
        self.family.get(family).copied().unwrap_or(self.family_default)
    }

    pub(crate) fn family_sound(&self, reading: &str) -> f32 {
        self.family_sound.get(reading).copied().unwrap_or(self.family_default)
    }

    pub(crate) fn character(&self, c: char) -> f32 {
        self.character.get(&c).copied().unwrap_or(self.character_default)
    }

    pub(crate) fn given(&self, chars: &[char]) -> f32 {
        self.share(chars, |c| self.character(c))
    }

    pub(crate) fn given_sound(&self, chars: &[char]) -> f32 {
        self.share(chars, |c| {
            let known = hanzi::syllable(c).and_then(|syllable| self.syllable.get(syllable));
            known.copied().unwrap_or(self.syllable_default)
        })
    }

    fn share(&self, chars: &[char], of: impl Fn(char) -> f32) -> f32 {
        let kind = if chars.len() == 1 { self.one } else { self.several };
        (kind + chars.iter().map(|c| of(*c)).sum::<f32>()).max(self.given_min)
    }

    pub(crate) fn unsplit(&self) -> f32 {
        self.unsplit
    }

    pub(crate) fn latin_family(&self, family: &str, chinese: bool, reading: &str) -> f32 {
        match self.latin_family.get(family) {
            Some(share) => *share,
            None if chinese => self.family_sound(reading).max(self.latin_family_default),
            None => self.latin_family_default,
        }
    }

    pub(crate) fn latin_given(&self, given: &str) -> f32 {
        self.latin_given.get(given).copied().unwrap_or(self.latin_given_default)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_models_are_usable() {
        assert!(Model::zh().version().starts_with("zh-"));
        assert!(Model::latin().version().starts_with("latin-"));
    }

    #[test]
    fn a_model_written_and_read_is_the_same() {
        let model = Model::zh();
        let again = Model::parse(&model.to_toml().expect("TOML")).expect("readable");
        assert_eq!(again.file(), model.file());
    }

    #[test]
    fn a_model_with_a_slip_is_refused() {
        let good = include_str!("../models/latin.toml");
        for (from, to) in [
            ("[thresholds]", "[thresholds]\ncolour = 3"),
            ("records_max", "records_min"),
            ("level = \"different\"", "level = \"same\""),
            ("household = 0.5 }", "household = 0.0 }"),
        ] {
            assert!(good.contains(from), "{from}");
            assert!(Model::parse(&good.replacen(from, to, 1)).is_err(), "{to}");
        }
    }
}
