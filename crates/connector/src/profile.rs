//! The declaration of a feed, as its TOML file states it.
//!
//! A profile is checked as a whole when it is loaded: unknown keys, unknown fields, missing columns and wrong time forms
//! are errors that name the file and the key. Nothing is guessed from a feed's data at run time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use domain::{EventType, FeedId, SourceKind, Timestamp};
use jiff::civil::{self, Date};
use jiff::tz::TimeZone;
use serde::{Deserialize, Deserializer, de};
use sha2::{Digest, Sha256};

use crate::columns::Field;
use crate::computed::{Computed, Rule};
use crate::limits::FeedLimits;
use crate::quality::QualityRules;
use crate::webhook::Webhook;

/// A declared feed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// Name in URLs and metrics.
    pub feed: FeedId,
    /// What people call it.
    pub title: String,
    /// The owner's number of this version of the profile; receipts name it.
    #[serde(default, deserialize_with = "number_or_text")]
    pub version: String,
    /// The service that takes it: `hospital`, `telecom`, `transport`, `payment` or `community`.
    pub connector: String,
    /// The source system; events carry it, and source record ids are unique within it.
    pub source: String,
    /// What kind of organisation the source is.
    #[serde(deserialize_with = "source_kind")]
    pub source_kind: SourceKind,
    /// Department that answers for the feed.
    pub owner: String,
    /// On what ground the data may be processed.
    pub legal_basis: String,
    /// The same in Chinese, where it is not one of the shipped ones.
    pub legal_basis_zh: Option<String>,
    /// How long raw bodies are kept, in days.
    pub retention_days: u32,
    /// What the feed may ask of the hub; what is left out is as for all feeds.
    #[serde(default)]
    pub limits: FeedLimits,
    /// What is expected of the feed from day to day.
    #[serde(default)]
    pub quality: QualityRules,
    /// Who is told when a receipt is ready.
    pub webhook: Option<Webhook>,
    /// How the bytes are read.
    pub format: Format,
    /// Type of the fact (or register statement) that a row becomes.
    #[serde(deserialize_with = "event_type")]
    pub emit: EventType,
    /// Which column carries a canonical field.
    #[serde(default)]
    pub columns: BTreeMap<Field, Column>,
    /// Mapped fields whose column may be missing from a header.
    #[serde(default)]
    pub optional: Vec<Field>,
    /// Fields that must not be empty.
    #[serde(default)]
    pub required: Vec<Field>,
    /// How times are read.
    #[serde(default)]
    pub time: TimeRules,
    /// What names a record.
    #[serde(default)]
    pub record: RecordRules,
    /// How the row's statement about a person is published.
    #[serde(default)]
    pub identity: IdentityRules,
    /// Words of the source and their codes, per field; a `*` entry stands for all other words.
    #[serde(default)]
    pub values: BTreeMap<Field, BTreeMap<String, String>>,
    /// Fields of which the source hides characters by `*`.
    #[serde(default)]
    pub masked: Vec<Field>,
    /// Values of fields that the source has no column for.
    #[serde(default)]
    pub constants: BTreeMap<Field, String>,
    /// Fields that are made of columns and other fields, by an expression each.
    #[serde(default)]
    pub derive: BTreeMap<Field, String>,
    /// What a row must keep beyond the form of its values.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// What is particular to a service, checked by that service.
    #[serde(default)]
    pub options: BTreeMap<String, String>,
    /// The expressions, checked.
    #[serde(skip)]
    pub(crate) computed: Computed,
    /// The file as it was read.
    #[serde(skip)]
    text: String,
    /// SHA-256 of what the file says; comments, blanks and the order of keys do not count.
    #[serde(skip)]
    fingerprint: [u8; 32],
}

/// Which column carries a field.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Column {
    /// Its place, from 1, in a file without header.
    Position(u16),
    /// Its name in the header line, or as the key of an object.
    Name(String),
    /// The names that it goes by.
    Names(Vec<String>),
}

impl Column {
    /// The names that it goes by; empty for a position.
    pub fn names(&self) -> &[String] {
        match self {
            Self::Position(_) => &[],
            Self::Name(name) => std::slice::from_ref(name),
            Self::Names(names) => names,
        }
    }
}

/// How the bytes of a body are read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Format {
    /// The form of the rows.
    pub kind: FormatKind,
    /// Encoding of the text.
    pub encoding: Encoding,
    /// What stands between two columns.
    #[serde(default = "comma")]
    pub separator: char,
    /// The first line after the preamble names the columns.
    #[serde(default)]
    pub header: bool,
    /// Lines before the header that are not data.
    #[serde(default)]
    pub preamble_lines: u32,
    /// A line that begins so is a trailer, not data.
    #[serde(default)]
    pub trailer_prefixes: Vec<String>,
    /// What encloses values that contain separators; none when absent.
    #[serde(default)]
    pub quote: Option<char>,
    /// How many columns a row of a file without header has; the highest mapped position by default.
    #[serde(default)]
    pub width: Option<u16>,
    /// Where the rows stand in a document: the keys that lead to the list (`data.rows`), or the path of the row's element
    /// (`Export/Row`).
    #[serde(default)]
    pub rows: Option<String>,
    /// The file to read of a zip archive that holds several tables.
    #[serde(default)]
    pub member: Option<String>,
    /// The sheet of a workbook; the first one by default.
    #[serde(default)]
    pub sheet: Option<String>,
    /// What becomes of a body with columns that the profile does not know.
    #[serde(default)]
    pub unknown_columns: UnknownColumns,
    /// Columns that are known to be of no use: they are not unknown.
    #[serde(default)]
    pub ignored_columns: Vec<String>,
}

impl Format {
    /// Bodies are UTF-16: they are stored as UTF-8, and their failed rows are turned back.
    pub(crate) fn is_wide(&self) -> bool {
        self.encoding == Encoding::Utf16 && self.kind != FormatKind::Workbook
    }
}

/// What becomes of a body, or a row, with columns that the profile does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownColumns {
    /// They are left out, and a notice names them.
    #[default]
    Ignore,
    /// The body is refused as a whole.
    Refuse,
    /// The rows wait in quarantine until somebody decides.
    Quarantine,
}

const fn comma() -> char {
    ','
}

macro_rules! formats {
    ($($(#[$doc:meta])* $name:ident, $code:literal, $extension:literal, $home:expr;)+) => {
        /// The form of the rows of a body.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
        pub enum FormatKind {
            $($(#[$doc])* #[serde(rename = $code)] $name,)+
        }

        impl FormatKind {
            /// Every form.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name in profiles.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// What files of this form are usually called.
            pub const fn extension(self) -> &'static str {
                match self { $(Self::$name => $extension,)+ }
            }

            /// The connector that alone reads it; `None` for forms of named columns, which all of them read.
            pub const fn home(self) -> Option<&'static str> {
                match self { $(Self::$name => $home,)+ }
            }
        }
    };
}

formats! {
    /// Lines of columns (RFC 4180 and its relatives).
    Delimited, "delimited", "csv", None;
    /// One JSON object a line.
    Ndjson, "ndjson", "ndjson", None;
    /// The objects of a list in a JSON document.
    Json, "json", "json", None;
    /// Elements of an XML document.
    Xml, "xml", "xml", None;
    /// A sheet of a workbook (XLSX, XLS).
    Workbook, "workbook", "xlsx", None;
    /// HL7 version 2 messages.
    Hl7v2, "hl7v2", "hl7", Some("hospital");
    /// FHIR R4 resources: a bundle, or one resource a line.
    Fhir, "fhir", "json", Some("hospital");
    /// EDIFACT messages about travellers (PAXLST, PNRGOV).
    Edifact, "edifact", "edi", Some("transport");
    /// Bank statements and notifications of ISO 20022 (camt.052, camt.053, camt.054).
    Iso20022, "iso20022", "xml", Some("payment");
    /// Card messages of ISO 8583.
    Iso8583, "iso8583", "dat", Some("payment");
}

/// The encoding of a feed's text. It is declared, never guessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Encoding {
    /// UTF-8, with or without byte order mark.
    #[serde(rename = "utf-8")]
    Utf8,
    /// GB 18030, which contains GBK and GB 2312.
    #[serde(rename = "gb18030", alias = "gbk", alias = "gb2312")]
    Gb18030,
    /// Big5.
    #[serde(rename = "big5")]
    Big5,
    /// UTF-16, as spreadsheets save "Unicode text"; the stored body is UTF-8.
    #[serde(rename = "utf-16")]
    Utf16,
    /// Windows-1252, which contains Latin-1.
    #[serde(rename = "windows-1252", alias = "latin1")]
    Windows1252,
}

/// How times are read.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimeRules {
    /// Zone of times without offset, by its IANA name.
    #[serde(default = "utc", deserialize_with = "zone")]
    pub zone: TimeZone,
    /// Forms that are tried in turn (strftime: `%Y-%m-%d %H:%M:%S`).
    #[serde(default)]
    pub formats: Vec<String>,
    /// The day before which nothing that a row tells can have happened.
    #[serde(default = "earliest")]
    pub earliest: Date,
}

impl TimeRules {
    /// The instant before which nothing can have happened.
    pub fn earliest(&self) -> Timestamp {
        Timestamp::from_civil_at_offset(self.earliest.at(0, 0, 0, 0), 0).unwrap_or_default()
    }
}

const fn earliest() -> Date {
    civil::date(1990, 1, 1)
}

impl Default for TimeRules {
    fn default() -> Self {
        Self { zone: TimeZone::UTC, formats: Vec::new(), earliest: earliest() }
    }
}

/// What names a record of the source.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordRules {
    /// Put before the key, so that two feeds of one source do not collide.
    #[serde(default)]
    pub prefix: String,
    /// Fields that make the key, in order; `a|b` means `b` where `a` is empty.
    #[serde(default)]
    pub key: Vec<KeyPart>,
    /// Field that orders versions: a number or a time.
    pub version: Option<Field>,
}

/// One part of a record's key: the first of these fields that is not empty.
#[derive(Clone, Debug)]
pub struct KeyPart(pub Vec<Field>);

/// How a row's statement about a person is published.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityRules {
    /// The row is an entry of a register: its own record is the person's record there. Otherwise it is a sighting, which
    /// restates who the person is.
    #[serde(default)]
    pub register: bool,
    /// A row that names nobody is a fact all the same (a gate that opened for a car); otherwise it is quarantined.
    #[serde(default)]
    pub optional: bool,
    /// Issuer of identifiers that are unique only within one (wallets, cards, hospital numbers); the source by default.
    #[serde(default)]
    pub issuers: BTreeMap<Field, String>,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// The file or folder cannot be read.
    #[error("profile {file}: the file cannot be read")]
    Read {
        /// The file.
        file: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The file is not TOML of the right shape.
    #[error("profile {file}: {message}")]
    Shape {
        /// The file.
        file: String,
        /// Line, key and what is wrong.
        message: String,
    },
    /// A key has a value that does not fit the others.
    #[error("profile {file}, key {key}: {message}")]
    Key {
        /// The file.
        file: String,
        /// The key.
        key: String,
        /// What is wrong.
        message: String,
    },
}

impl Profile {
    /// Parses and checks a profile; `file` is named in errors.
    ///
    /// # Errors
    /// When the text is not a profile, with file, line or key.
    pub fn parse(file: &str, text: &str) -> Result<Self, ProfileError> {
        let shape = |error: toml::de::Error| ProfileError::Shape { file: file.to_owned(), message: error.to_string() };
        let key = |(key, message)| ProfileError::Key { file: file.to_owned(), key, message };
        let mut profile: Self = toml::from_str(text).map_err(shape)?;
        profile.check().map_err(key)?;
        profile.computed = Computed::of(&profile).map_err(key)?;
        let content: toml::Table = toml::from_str(text).map_err(shape)?;
        profile.fingerprint = Sha256::digest(toml::to_string(&content).unwrap_or_default()).into();
        profile.text = text.to_owned();
        Ok(profile)
    }

    /// The file as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// SHA-256 of what the file says; comments, blanks and the order of keys do not count.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    /// How receipts name this version: the owner's number, if there is one, and the begin of the fingerprint.
    pub fn version_name(&self) -> String {
        let short = &crate::who::hex(&self.fingerprint)[..12];
        match self.version.as_str() {
            "" => short.to_owned(),
            version => format!("{version}-{short}"),
        }
    }

    /// Columns have positions instead of names.
    pub(crate) fn is_headerless(&self) -> bool {
        matches!(self.format.kind, FormatKind::Delimited | FormatKind::Workbook) && !self.format.header
    }

    /// Loads the built-in profiles of one connector, and those of a folder, which replace built-in ones of the same feed.
    /// Profiles of other connectors in the folder are left out.
    ///
    /// # Errors
    /// When one of them cannot be used.
    pub fn load(connector: &str, built_in: &[(&str, &str)], folder: Option<&Path>) -> Result<Vec<Self>, ProfileError> {
        let mut profiles = BTreeMap::new();
        for (file, text) in built_in {
            let profile = Self::parse(file, text)?;
            profiles.insert(profile.feed.clone(), profile);
        }
        if let Some(folder) = folder {
            let unreadable = |source| ProfileError::Read { file: folder.to_owned(), source };
            let mut files = Vec::new();
            for entry in std::fs::read_dir(folder).map_err(unreadable)? {
                let path = entry.map_err(unreadable)?.path();
                if path.extension().is_some_and(|extension| extension == "toml") {
                    files.push(path);
                }
            }
            files.sort();
            for path in files {
                let text = std::fs::read_to_string(&path)
                    .map_err(|source| ProfileError::Read { file: path.clone(), source })?;
                let profile = Self::parse(&path.display().to_string(), &text)?;
                if profile.connector == connector {
                    profiles.insert(profile.feed.clone(), profile);
                }
            }
        }
        Ok(profiles.into_values().collect())
    }

    /// Issuer of a field's identifiers.
    pub fn issuer(&self, field: Field) -> &str {
        self.identity.issuers.get(&field).map_or(&self.source, String::as_str)
    }

    fn check(&self) -> Result<(), (String, String)> {
        let wrong = |key: &str, message: String| Err((key.to_owned(), message));
        if self.source.is_empty() || self.source.chars().any(char::is_control) {
            return wrong("source", "a source has a name without control characters".to_owned());
        }
        if self.version.len() > 32 || self.version.contains(char::is_control) {
            return wrong("version", "a version is a number, or a text of at most 32 bytes".to_owned());
        }
        self.limits.check()?;
        self.webhook.as_ref().map_or(Ok(()), Webhook::check)?;
        if self.format.kind.home().is_some() {
            let of_columns = [
                ("derive", !self.derive.is_empty()),
                ("rules", !self.rules.is_empty()),
                ("format.unknown_columns", self.format.unknown_columns != UnknownColumns::Ignore),
            ];
            return match of_columns.iter().find(|(_, used)| *used) {
                Some((key, _)) => wrong(key, format!("rows of {} have no columns", self.format.kind.name())),
                None => Ok(()),
            };
        }
        if self.format.kind == FormatKind::Xml && self.format.rows.is_none() {
            return wrong("format.rows", "name the element that is a row, such as Export/Row".to_owned());
        }
        let ascii = |c: char| c.is_ascii() && c != '\n' && c != '\r';
        if !ascii(self.format.separator) || self.format.quote.is_some_and(|quote| !ascii(quote)) {
            return wrong("format", "separator and quote are ASCII characters other than line ends".to_owned());
        }
        for (field, column) in &self.columns {
            let key = format!("columns.{}", field.code());
            let headerless = self.is_headerless();
            match column {
                Column::Position(0) => return wrong(&key, "positions count from 1".to_owned()),
                Column::Position(_) if !headerless => {
                    return wrong(&key, "a feed with names of columns maps by name, not by position".to_owned());
                }
                Column::Name(_) | Column::Names(_) if headerless => {
                    return wrong(&key, "a feed without header maps by position (a number from 1)".to_owned());
                }
                Column::Names(names) if names.is_empty() => return wrong(&key, "no name is given".to_owned()),
                _ => {}
            }
        }
        let known = |field: &Field| {
            self.columns.contains_key(field) || self.constants.contains_key(field) || self.derive.contains_key(field)
        };
        for field in &self.required {
            if !known(field) {
                return wrong("required", format!("{} has no column", field.code()));
            }
        }
        if self.record.key.is_empty() {
            return wrong("record.key", "name at least one field that tells records apart".to_owned());
        }
        let parts = self.record.key.iter().flat_map(|part| &part.0).chain(&self.record.version);
        if let Some(field) = parts.clone().find(|field| !known(field)) {
            return wrong("record", format!("{} has no column", field.code()));
        }
        for form in &self.time.formats {
            let sample = jiff::civil::date(2022, 3, 1).at(8, 2, 11, 0).to_zoned(TimeZone::UTC);
            let sample = sample.map_err(|error| ("time.zone".to_owned(), error.to_string()))?;
            if let Err(error) = jiff::fmt::strtime::format(form, &sample) {
                return wrong("time.formats", format!("{form}: {error}"));
            }
        }
        Ok(())
    }
}

impl<'de> Deserialize<'de> for KeyPart {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let field =
            |code: &str| Field::from_code(code).ok_or_else(|| de::Error::custom(format!("there is no field `{code}`")));
        text.split('|').map(field).collect::<Result<Vec<_>, _>>().map(Self)
    }
}

/// A number or a text, as text.
fn number_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Version {
        Number(u64),
        Text(String),
    }
    Ok(match Version::deserialize(deserializer)? {
        Version::Number(number) => number.to_string(),
        Version::Text(text) => text,
    })
}

fn utc() -> TimeZone {
    TimeZone::UTC
}

fn zone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<TimeZone, D::Error> {
    let name = String::deserialize(deserializer)?;
    TimeZone::get(&name).map_err(|error| de::Error::custom(format!("{error}; is the tzdata package installed?")))
}

fn event_type<'de, D: Deserializer<'de>>(deserializer: D) -> Result<EventType, D::Error> {
    let name = String::deserialize(deserializer)?;
    EventType::from_name(&name).ok_or_else(|| {
        let names: Vec<&str> = EventType::ALL.iter().map(|known| known.name()).collect();
        de::Error::custom(format!("there is no event type `{name}`; there are {}", names.join(", ")))
    })
}

fn source_kind<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SourceKind, D::Error> {
    let name = String::deserialize(deserializer)?.to_ascii_uppercase();
    SourceKind::deserialize(de::value::StringDeserializer::<D::Error>::new(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_that_the_manual_explains_is_sound() {
        let manual = include_str!("../../../docs/PROFILES.md");
        let (_, rest) = manual.split_once("```toml\n").expect("an example");
        let (example, _) = rest.split_once("```").expect("its end");
        let profile = Profile::parse("docs/PROFILES.md", example).expect("sound");
        crate::map::check(&profile).expect("it has what its event type needs");
    }

    #[test]
    fn the_manual_shows_every_form() {
        #[derive(Deserialize)]
        struct Example {
            format: Format,
        }
        let manual = include_str!("../../../docs/PROFILES.md");
        let blocks = manual.split("```toml\n").skip(2).filter_map(|rest| rest.split_once("```"));
        let shown = blocks.map(|(block, _)| toml::from_str::<Example>(block).expect(block).format.kind);
        let shown: Vec<&str> = shown.map(FormatKind::name).chain(["delimited", "ndjson"]).collect();
        let missing: Vec<&str> =
            FormatKind::ALL.iter().map(|kind| kind.name()).filter(|name| !shown.contains(name)).collect();
        assert_eq!(missing, ["zip"; 0]);
    }

    #[test]
    fn the_manual_names_every_field() {
        let manual = include_str!("../../../docs/PROFILES.md");
        let missing: Vec<&str> =
            Field::ALL.iter().map(|field| field.code()).filter(|code| !manual.contains(code)).collect();
        assert_eq!(missing, ["plate"; 0]);
    }
}
