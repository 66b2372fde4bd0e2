//! The schema catalogue as the checks read it.

use serde::Deserialize;

/// `schemas/catalogue.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Catalogue {
    /// The schemas in the order of the file.
    #[serde(default, rename = "schema")]
    pub(crate) entries: Vec<Entry>,
}

/// One schema.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Entry {
    /// Id in front of messages.
    pub(crate) id: u32,
    /// `<topic>-value`.
    pub(crate) subject: String,
    /// Version within the subject, from 1.
    pub(crate) version: u32,
    /// Name of the event type, and of the Avro record.
    #[serde(rename = "type")]
    pub(crate) event_type: String,
    /// File below `schemas/`.
    pub(crate) file: String,
    /// SHA-256 over the bytes of the file.
    pub(crate) sha256: String,
    /// Release that first published the schema; absent for a draft.
    pub(crate) released: Option<String>,
}

impl Catalogue {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }
}

impl Entry {
    /// The name the file must have: `events/gate-pass.v1.avsc` for version 1 of `GatePass`.
    pub(crate) fn expected_file(&self) -> String {
        let mut kebab = String::new();
        for (at, c) in self.event_type.char_indices() {
            if c.is_ascii_uppercase() && at > 0 {
                kebab.push('-');
            }
            kebab.push(c.to_ascii_lowercase());
        }
        format!("events/{kebab}.v{}.avsc", self.version)
    }
}
