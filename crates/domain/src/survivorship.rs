//! Which of several stated values counts, as configuration: per field an ordered list of criteria, and the order of
//! sources.
//!
//! Not here: the values themselves (`person`), and reading the file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::SourceKind;

/// What can make one value better than another. The first criterion of a field in which two values differ decides; where
/// they differ in none, alphabetical order does, so that the choice is always the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// A value that proves itself comes first: told by a resident number with a right check digit, or a name that hides
    /// nothing.
    Validity,
    /// What more sources state comes first.
    Agreement,
    /// What the better-ranked source states comes first.
    SourceRank,
    /// What was stated last comes first.
    Recency,
    /// The longer value comes first.
    Completeness,
}

impl Criterion {
    /// The code, as the file writes it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Validity => "validity",
            Self::Agreement => "agreement",
            Self::SourceRank => "source_rank",
            Self::Recency => "recency",
            Self::Completeness => "completeness",
        }
    }
}

/// A field of the golden record that a choice is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GoldenField {
    /// Name in use.
    Name,
    /// Day of birth.
    BirthDate,
    /// Sex.
    Sex,
    /// Nationality.
    Nationality,
    /// Identifiers: all are kept, and the choice is which source is named for one.
    Identifiers,
    /// Phones: all are kept, own ones first, then those in use; the choice is the order after that.
    Phones,
    /// Address.
    Address,
    /// Division code of the address.
    DivisionCode,
    /// Community unit.
    CommunityUnit,
}

impl GoldenField {
    /// Every field.
    pub const ALL: [Self; 9] = [
        Self::Name,
        Self::BirthDate,
        Self::Sex,
        Self::Nationality,
        Self::Identifiers,
        Self::Phones,
        Self::Address,
        Self::DivisionCode,
        Self::CommunityUnit,
    ];

    /// The code, as the file writes it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::BirthDate => "birth_date",
            Self::Sex => "sex",
            Self::Nationality => "nationality",
            Self::Identifiers => "identifiers",
            Self::Phones => "phones",
            Self::Address => "address",
            Self::DivisionCode => "division_code",
            Self::CommunityUnit => "community_unit",
        }
    }
}

/// How a field is chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The criteria, the first one first.
    pub criteria: Vec<Criterion>,
    /// Kinds of sources (`community`, `hospital`, `telecom`, `transport`, `payment`, `other`) and names of source
    /// systems, the best first. What is not named comes last.
    pub sources: Vec<String>,
}

/// Survivorship as its file says it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SurvivorshipFile {
    /// Name and version.
    pub version: String,
    /// How a field is chosen that has no entry of its own.
    pub default: Choice,
    /// How single fields are chosen; what an entry leaves out is as in `default`.
    #[serde(default)]
    pub field: BTreeMap<GoldenField, FieldChoice>,
}

/// How a single field is chosen, as far as that differs from the default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldChoice {
    /// The criteria.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub criteria: Option<Vec<Criterion>>,
    /// The sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<Vec<String>>,
}

/// Survivorship ready for use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Survivorship {
    version: String,
    choices: BTreeMap<GoldenField, Choice>,
    default: Choice,
}

/// Why a survivorship file cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SurvivorshipError {
    /// A list names something twice.
    #[error("{place} names `{name}` twice: leave one out")]
    Twice {
        /// Which list.
        place: String,
        /// What.
        name: String,
    },
    /// A list is empty.
    #[error("{0} is empty: name at least one, or leave the line out")]
    Empty(String),
    /// The version is empty.
    #[error("version is empty: give the rules a name")]
    NoVersion,
}

const KINDS: [(&str, SourceKind); 6] = [
    ("community", SourceKind::Community),
    ("hospital", SourceKind::Hospital),
    ("telecom", SourceKind::Telecom),
    ("transport", SourceKind::Transport),
    ("payment", SourceKind::Payment),
    ("other", SourceKind::Other),
];

impl Survivorship {
    /// Checks what a file says.
    ///
    /// # Errors
    /// When a list is empty or names something twice, or the version is empty.
    pub fn from_file(file: &SurvivorshipFile) -> Result<Self, SurvivorshipError> {
        if file.version.trim().is_empty() {
            return Err(SurvivorshipError::NoVersion);
        }
        check("default", &file.default)?;
        let mut choices = BTreeMap::new();
        for (field, own) in &file.field {
            let choice = Choice {
                criteria: own.criteria.clone().unwrap_or_else(|| file.default.criteria.clone()),
                sources: own.sources.clone().unwrap_or_else(|| file.default.sources.clone()),
            };
            check(&format!("field.{}", field.code()), &choice)?;
            choices.insert(*field, choice);
        }
        let mut rules = Self { version: file.version.clone(), choices, default: file.default.clone() };
        let digest = Sha256::digest(rules.in_words());
        rules.version = format!("{}+{}", file.version, hex::encode(&digest[..6]));
        Ok(rules)
    }

    /// Its name and version with the beginning of a fingerprint of what it says.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The rules field by field, one line each: what the fingerprint is made of, and what operators read.
    pub fn in_words(&self) -> String {
        let line = |field: GoldenField| {
            let Choice { criteria, sources } = self.choice(field);
            let criteria: Vec<&str> = criteria.iter().map(|criterion| criterion.code()).collect();
            format!("{}: {}; {}\n", field.code(), criteria.join(", "), sources.join(", "))
        };
        GoldenField::ALL.into_iter().map(line).collect()
    }

    /// How a field is chosen.
    pub fn choice(&self, field: GoldenField) -> &Choice {
        self.choices.get(&field).unwrap_or(&self.default)
    }
}

impl Default for Survivorship {
    fn default() -> Self {
        // Unwrap safety: a constant, which `the_shipped_rules_are_sound` makes.
        #[expect(clippy::expect_used, reason = "a constant, which a test makes")]
        Self::from_file(&SurvivorshipFile::default()).expect("the shipped rules are sound")
    }
}

impl Default for SurvivorshipFile {
    /// The shipped rules. Registers kept by duty come before what people state at a counter, and that before what they
    /// type; phones follow the operators, and addresses the community's register, which visits the door.
    fn default() -> Self {
        use Criterion::{Agreement, Completeness, Recency, SourceRank, Validity};
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let own = |criteria: &[Criterion], sources: Option<&[&str]>| FieldChoice {
            criteria: Some(criteria.to_vec()),
            sources: sources.map(list),
        };
        let field = BTreeMap::from([
            (GoldenField::Phones, own(&[Recency, SourceRank], Some(&["telecom", "community", "hospital", "payment"]))),
            (GoldenField::Address, own(&[SourceRank, Recency, Agreement, Completeness], None)),
            (GoldenField::DivisionCode, own(&[SourceRank, Recency, Agreement], None)),
            (GoldenField::CommunityUnit, own(&[SourceRank, Recency, Agreement], None)),
        ]);
        Self {
            version: "shipped-1".to_owned(),
            default: Choice {
                criteria: vec![Validity, Agreement, SourceRank, Recency],
                sources: list(&["community", "hospital", "telecom", "transport", "payment", "other"]),
            },
            field,
        }
    }
}

impl Choice {
    /// The place of a source among the ranked ones; a name outranks the kind it belongs to.
    pub(crate) fn rank(&self, source: &str, kind: SourceKind) -> usize {
        let named = self.sources.iter().position(|name| name == source);
        let of_kind = || {
            let code = KINDS.iter().find(|(_, known)| *known == kind).map(|(code, _)| *code);
            self.sources.iter().position(|name| Some(name.as_str()) == code)
        };
        named.or_else(of_kind).unwrap_or(self.sources.len())
    }
}

fn check(place: &str, choice: &Choice) -> Result<(), SurvivorshipError> {
    let criteria = choice.criteria.iter().map(|criterion| criterion.code().to_owned());
    distinct(&format!("{place}.criteria"), criteria.collect())?;
    distinct(&format!("{place}.sources"), choice.sources.clone())
}

fn distinct(place: &str, mut names: Vec<String>) -> Result<(), SurvivorshipError> {
    if names.is_empty() {
        return Err(SurvivorshipError::Empty(place.to_owned()));
    }
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(SurvivorshipError::Twice { place: place.to_owned(), name: pair[0].clone() }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_rules_are_sound() {
        let shipped = Survivorship::default();
        assert!(shipped.version().starts_with("shipped-1+"));
        assert_eq!(shipped.choice(GoldenField::Sex), &SurvivorshipFile::default().default);
        assert_eq!(shipped.choice(GoldenField::Phones).sources[0], "telecom");
    }

    #[test]
    fn other_rules_have_another_version_even_under_the_same_name() {
        let mut file = SurvivorshipFile::default();
        file.default.sources.swap(0, 1);
        let other = Survivorship::from_file(&file).expect("sound");
        assert_ne!(other.version(), Survivorship::default().version());
    }

    #[test]
    fn a_source_by_name_outranks_its_kind() {
        let choice = Choice { criteria: vec![Criterion::SourceRank], sources: vec!["lab-2".into(), "hospital".into()] };
        let rank = |source: &str, kind| choice.rank(source, kind);
        assert_eq!(rank("lab-2", SourceKind::Hospital), 0);
        assert_eq!(rank("lab-1", SourceKind::Hospital), 1);
        assert_eq!(rank("wallet", SourceKind::Payment), 2);
    }

    #[test]
    fn rules_that_contradict_themselves_are_refused_with_their_place() {
        let refused = |change: fn(&mut SurvivorshipFile)| {
            let mut file = SurvivorshipFile::default();
            change(&mut file);
            Survivorship::from_file(&file).expect_err("refused").to_string()
        };
        let text = refused(|file| file.default.criteria.push(Criterion::Recency));
        assert_eq!(text, "default.criteria names `recency` twice: leave one out");
        let text = refused(|file| {
            file.field.insert(GoldenField::Name, FieldChoice { sources: Some(Vec::new()), criteria: None });
        });
        assert_eq!(text, "field.name.sources is empty: name at least one, or leave the line out");
        assert!(refused(|file| file.version.clear()).starts_with("version is empty"));
    }
}
