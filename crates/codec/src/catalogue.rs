//! The built-in catalogue: the schemas of `schemas/`, with the ids that stand in front of messages.

use std::sync::LazyLock;

use domain::EventType;
use serde::Deserialize;

const CATALOGUE: &str = include_str!("../../../schemas/catalogue.toml");

macro_rules! schema_files {
    ($($file:literal),+ $(,)?) => {
        /// Every schema file by the name that the catalogue gives it.
        const FILES: &[(&str, &str)] = &[$(($file, include_str!(concat!("../../../schemas/", $file)))),+];
    };
}

schema_files![
    "events/encounter-changed.v1.avsc",
    "events/follow-up-changed.v1.avsc",
    "events/follow-up-changed.v2.avsc",
    "events/gate-pass.v1.avsc",
    "events/case-status.v1.avsc",
    "events/case-status.v2.avsc",
    "events/household-membership.v1.avsc",
    "events/identity-observed.v1.avsc",
    "events/identity-retracted.v1.avsc",
    "events/link-decided.v1.avsc",
    "events/meter-reading.v1.avsc",
    "events/model-activated.v1.avsc",
    "events/person-file.v1.avsc",
    "events/payment-made.v1.avsc",
    "events/place-registered.v1.avsc",
    "events/presence-interval.v1.avsc",
    "events/test-result.v1.avsc",
    "events/trip-segment.v1.avsc",
];

/// The name of the record that a change of a person is written as.
const PERSON_FILE: &str = "PersonFile";

/// One schema of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The id that stands in front of messages; never given to another schema.
    pub id: u32,
    /// The subject, `<topic>-value`.
    pub subject: String,
    /// Version within the subject, from 1.
    pub version: u32,
    /// The type of event it describes; `None` for the change of a person, which is no event.
    pub event_type: Option<EventType>,
    /// The file below `schemas/`.
    pub file: String,
    /// SHA-256 over the bytes of the file, in hexadecimal digits.
    pub sha256: String,
    /// The schema as JSON without insignificant white space.
    pub schema: String,
}

/// The schemas that this program was built with.
#[derive(Debug)]
pub struct Catalogue {
    entries: Vec<Entry>,
}

static BUILTIN: LazyLock<Catalogue> = LazyLock::new(|| {
    // Unwrap safety: the catalogue is part of the program, and `the_built_in_catalogue_is_sound` reads it.
    Catalogue::parse(CATALOGUE).expect("the built-in catalogue is sound")
});

impl Catalogue {
    /// The schemas of this repository.
    pub fn builtin() -> &'static Self {
        &BUILTIN
    }

    /// Every entry, in the order of their ids.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The entry with this id.
    pub fn by_id(&self, id: u32) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.id == id)
    }

    /// The entries of a subject, oldest version first.
    pub fn by_subject<'a>(&'a self, subject: &'a str) -> impl Iterator<Item = &'a Entry> {
        self.entries.iter().filter(move |entry| entry.subject == subject)
    }

    /// The newest schema of a type.
    pub fn latest(&self, event_type: EventType) -> &Entry {
        // Unwrap safety: `parse` refuses a catalogue that lacks a type.
        self.newest(Some(event_type)).expect("every type has a schema")
    }

    /// The newest schema of changes of persons.
    pub fn person_file(&self) -> &Entry {
        // Unwrap safety: as above.
        self.newest(None).expect("changes of persons have a schema")
    }

    fn newest(&self, event_type: Option<EventType>) -> Option<&Entry> {
        self.entries.iter().filter(|entry| entry.event_type == event_type).max_by_key(|entry| entry.version)
    }

    fn parse(text: &str) -> Result<Self, String> {
        let document: Document = toml::from_str(text).map_err(|error| error.to_string())?;
        let mut entries = Vec::with_capacity(document.schema.len());
        for row in document.schema {
            let event_type = match row.event_type.as_str() {
                PERSON_FILE => None,
                name => Some(EventType::from_name(name).ok_or(format!("no event type {name}"))?),
            };
            let source = FILES.iter().find(|(file, _)| *file == row.file).ok_or(format!("no file {}", row.file))?;
            entries.push(Entry {
                id: row.id,
                subject: row.subject,
                version: row.version,
                event_type,
                file: row.file,
                sha256: row.sha256,
                schema: minify(source.1),
            });
        }
        entries.sort_by_key(|entry| entry.id);
        let mut needed = EventType::ALL.iter().copied().map(Some).chain([None]);
        match needed.find(|needed| !entries.iter().any(|entry| entry.event_type == *needed)) {
            Some(missing) => Err(format!("no schema for {}", missing.map_or(PERSON_FILE, EventType::name))),
            None => Ok(Self { entries }),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    schema: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    id: u32,
    subject: String,
    version: u32,
    #[serde(rename = "type")]
    event_type: String,
    file: String,
    sha256: String,
    /// Release of the project that first published the schema; read by `cargo xtask check`.
    #[expect(dead_code, reason = "only the repository check needs it")]
    released: Option<String>,
}

/// JSON text without white space outside strings. The order of keys stays, as Avro's tools write it.
fn minify(json: &str) -> String {
    let mut out = String::with_capacity(json.len() / 2);
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if in_string {
            out.push(c);
            in_string = escaped || c != '"';
            escaped = !escaped && c == '\\';
        } else if !c.is_ascii_whitespace() {
            out.push(c);
            in_string = c == '"';
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_built_in_catalogue_is_sound() {
        let catalogue = Catalogue::parse(CATALOGUE).expect("parses");
        for entry in catalogue.entries() {
            let topic = entry.event_type.map_or(crate::PERSON_FILE_TOPIC, EventType::topic);
            assert_eq!(entry.subject, format!("{topic}-value"));
            let (_, text) = FILES.iter().find(|(file, _)| *file == entry.file).expect("embedded");
            assert_eq!(entry.sha256, hex::encode(Sha256::digest(text)), "{}", entry.file);
        }
        assert_eq!(catalogue.entries().len(), FILES.len(), "an embedded file is not in the catalogue");
    }

    #[test]
    fn a_catalogue_that_lacks_a_type_or_a_file_is_refused() {
        let entries = CATALOGUE.split("[[schema]]").filter(|entry| !entry.contains("GatePass"));
        assert!(Catalogue::parse(&entries.collect::<Vec<_>>().join("[[schema]]")).is_err());
        assert!(Catalogue::parse(&CATALOGUE.replace("gate-pass.v1", "gate-pass.v7")).is_err());
    }

    #[test]
    fn minifying_keeps_strings_as_they_are() {
        assert_eq!(minify("{ \"a\" :\n [ \"x \\\" y\\\\\" , 1 ] }"), r#"{"a":["x \" y\\",1]}"#);
    }
}
