//! FHIR R4 resources, as far as the hub reads them. What is not named here is ignored; R4B differs in nothing of it.

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Meta {
    #[serde(rename = "lastUpdated")]
    pub(crate) last_updated: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Coding {
    pub(crate) system: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) display: Option<String>,
}

/// A CodeableConcept.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Concept {
    pub(crate) coding: Vec<Coding>,
    pub(crate) text: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Identifier {
    #[serde(rename = "type")]
    pub(crate) kind: Option<Concept>,
    pub(crate) system: Option<String>,
    pub(crate) value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Reference {
    pub(crate) reference: Option<String>,
    pub(crate) identifier: Option<Identifier>,
    pub(crate) display: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Period {
    pub(crate) start: Option<String>,
    pub(crate) end: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct HumanName {
    #[serde(rename = "use")]
    pub(crate) usage: Option<String>,
    pub(crate) text: Option<String>,
    pub(crate) family: Option<String>,
    pub(crate) given: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Telecom {
    pub(crate) system: Option<String>,
    pub(crate) value: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Address {
    pub(crate) text: Option<String>,
    pub(crate) state: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) district: Option<String>,
    pub(crate) line: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Link {
    pub(crate) other: Reference,
    #[serde(rename = "type")]
    pub(crate) kind: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Patient {
    pub(crate) identifier: Vec<Identifier>,
    pub(crate) name: Vec<HumanName>,
    pub(crate) telecom: Vec<Telecom>,
    pub(crate) address: Vec<Address>,
    pub(crate) gender: Option<String>,
    #[serde(rename = "birthDate")]
    pub(crate) birth_date: Option<String>,
    pub(crate) link: Vec<Link>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct EncounterLocation {
    pub(crate) location: Reference,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Encounter {
    pub(crate) status: String,
    pub(crate) class: Option<Coding>,
    pub(crate) subject: Option<Reference>,
    pub(crate) period: Period,
    #[serde(rename = "reasonCode")]
    pub(crate) reason: Vec<Concept>,
    pub(crate) location: Vec<EncounterLocation>,
    #[serde(rename = "serviceProvider")]
    pub(crate) provider: Option<Reference>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Quantity {
    pub(crate) value: Option<serde_json::Number>,
    pub(crate) unit: Option<String>,
}

/// A value, and what the laboratory says that it means.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Measured {
    #[serde(rename = "valueCodeableConcept")]
    pub(crate) value_concept: Option<Concept>,
    #[serde(rename = "valueString")]
    pub(crate) value_string: Option<String>,
    #[serde(rename = "valueQuantity")]
    pub(crate) value_quantity: Option<Quantity>,
    pub(crate) interpretation: Vec<Concept>,
}

/// One result of a panel.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Part {
    pub(crate) code: Concept,
    #[serde(flatten)]
    pub(crate) measured: Measured,
}

/// An Observation or a DiagnosticReport: what was found, in the words that both have.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Finding {
    pub(crate) status: String,
    pub(crate) category: Vec<Concept>,
    pub(crate) code: Concept,
    pub(crate) subject: Option<Reference>,
    #[serde(rename = "effectiveDateTime")]
    pub(crate) effective: Option<String>,
    #[serde(rename = "effectivePeriod")]
    pub(crate) effective_period: Option<Period>,
    pub(crate) issued: Option<String>,
    pub(crate) performer: Vec<Reference>,
    /// One reference in an Observation, a list of them in a report.
    pub(crate) specimen: Value,
    #[serde(flatten)]
    pub(crate) measured: Measured,
    /// The parts of a panel.
    pub(crate) component: Vec<Part>,
    pub(crate) conclusion: Option<String>,
    #[serde(rename = "conclusionCode")]
    pub(crate) conclusion_code: Vec<Concept>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Condition {
    #[serde(rename = "verificationStatus")]
    pub(crate) verification: Concept,
    pub(crate) code: Concept,
    pub(crate) subject: Option<Reference>,
    pub(crate) encounter: Option<Reference>,
    #[serde(rename = "onsetDateTime")]
    pub(crate) onset: Option<String>,
    #[serde(rename = "recordedDate")]
    pub(crate) recorded: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Immunization {
    pub(crate) status: String,
    pub(crate) patient: Option<Reference>,
    pub(crate) encounter: Option<Reference>,
    #[serde(rename = "occurrenceDateTime")]
    pub(crate) occurrence: Option<String>,
    pub(crate) location: Option<Reference>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct Position {
    pub(crate) latitude: f64,
    pub(crate) longitude: f64,
}

/// The resources inside of a resource.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Container {
    pub(crate) contained: Vec<Value>,
}

/// A Location or an Organization.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Site {
    pub(crate) name: Option<String>,
    pub(crate) position: Option<Position>,
    #[serde(rename = "partOf")]
    pub(crate) part_of: Option<Reference>,
    #[serde(rename = "managingOrganization")]
    pub(crate) organization: Option<Reference>,
}

impl Measured {
    /// Whether nothing is stated.
    pub(crate) fn is_empty(&self) -> bool {
        self.value_concept.is_none()
            && self.value_string.is_none()
            && self.value_quantity.is_none()
            && self.interpretation.is_empty()
    }
}

impl Concept {
    /// Whether the concept has neither a code nor a text.
    pub(crate) fn is_empty(&self) -> bool {
        self.name().is_empty()
    }

    /// The code, else the text; empty when there is neither.
    pub(crate) fn name(&self) -> String {
        self.code().and_then(|coding| coding.code.clone()).or_else(|| self.text.clone()).unwrap_or_default()
    }

    /// The first coding that has a code.
    pub(crate) fn code(&self) -> Option<&Coding> {
        self.coding.iter().find(|coding| coding.code.is_some())
    }

    /// The codes of all codings.
    pub(crate) fn codes(&self) -> impl Iterator<Item = &str> {
        self.coding.iter().filter_map(|coding| coding.code.as_deref())
    }

    /// Whether one of the codings has this code.
    pub(crate) fn has(&self, code: &str) -> bool {
        self.coding.iter().any(|coding| coding.code.as_deref() == Some(code))
    }
}

/// The server of an address that ends in a resource's type and id, without its protocol: servers behind a proxy write both.
pub(crate) fn server(address: &str) -> Option<String> {
    let (protocol, rest) = address.split_once("://")?;
    if !protocol.eq_ignore_ascii_case("http") && !protocol.eq_ignore_ascii_case("https") {
        return None;
    }
    let path = rest.split("/_history/").next().unwrap_or(rest);
    let (before, _id) = path.rsplit_once('/')?;
    let base = match before.rsplit_once('/') {
        Some((base, kind)) if kind.starts_with(|first: char| first.is_ascii_uppercase()) => base,
        _ => before,
    };
    let (host, path) = base.split_at(base.find('/').unwrap_or(base.len()));
    Some(format!("{}{}", host.to_ascii_lowercase(), path.trim_end_matches('/')))
}

impl Reference {
    /// The id of the resource that is referred to, by `Type/id`, `urn:uuid:id` or an address that ends so; of a query, the
    /// value of the identifier.
    pub(crate) fn id(&self) -> Option<&str> {
        if let Some((_, value)) = self.query() {
            return Some(value);
        }
        let reference = self.reference.as_deref()?;
        let path = reference.split("/_history/").next().unwrap_or(reference);
        let last = path.rsplit(['/', ':']).next().unwrap_or(path);
        (!last.is_empty()).then_some(last)
    }

    /// The server that is named, where the reference is an address.
    pub(crate) fn server(&self) -> Option<String> {
        self.reference.as_deref().filter(|_| self.query().is_none()).and_then(server)
    }

    /// Whether it is an id that is unique without a server.
    pub(crate) fn is_urn(&self) -> bool {
        self.reference.as_deref().is_some_and(|text| text.starts_with("urn:"))
    }

    /// The local id, where the resource is contained in the one that refers to it.
    pub(crate) fn local(&self) -> Option<&str> {
        self.reference.as_deref()?.strip_prefix('#')
    }

    /// System and value, where the resource is referred to by an identifier: `Type?identifier=system|value`, or a logical
    /// reference.
    pub(crate) fn query(&self) -> Option<(&str, &str)> {
        if let Some((_, query)) = self.reference.as_deref().and_then(|reference| reference.split_once("?identifier=")) {
            return Some(query.split_once('|').unwrap_or(("", query)));
        }
        let identifier = self.identifier.as_ref().filter(|_| self.reference.is_none())?;
        Some((identifier.system.as_deref().unwrap_or_default(), identifier.value.as_deref()?))
    }
}
