//! The read part of the Confluent Schema Registry's HTTP API over the built-in catalogue, as a pure function.
//!
//! Standard clients find schemas by the id in front of a message; with this they need no registry of their own. The
//! catalogue is part of the program, so whatever would change it is answered as a registry in read-only mode does.

use serde_json::{Value, json};

use crate::format::same_layout;
use crate::{Catalogue, Entry};

/// The media type of every answer.
pub const CONTENT_TYPE_V1: &str = "application/vnd.schemaregistry.v1+json";

/// What changes between versions of a subject are allowed; `cargo xtask check` holds it.
const COMPATIBILITY: &str = "BACKWARD_TRANSITIVE";

/// An HTTP answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Media type of the body.
    pub content_type: &'static str,
    /// JSON text.
    pub body: String,
}

/// Answers one request. `path` begins with `/` and is relative to where the registry is mounted; `query` is the part
/// after `?`. `None` when the path is none of the registry's.
pub fn answer(method: &str, path: &str, query: Option<&str>, body: &[u8]) -> Option<Answer> {
    let decoded: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(percent_decoded).collect();
    let parts: Vec<&str> = decoded.iter().map(String::as_str).collect();
    let catalogue = Catalogue::builtin();
    let result = match (method, parts.as_slice()) {
        ("GET", []) => Ok(json!({})),
        ("GET", ["subjects"]) => Ok(subjects(catalogue, query)),
        ("GET", ["subjects", subject, "versions"]) => versions(catalogue, subject),
        ("GET", ["subjects", subject, "versions", version]) => find(catalogue, subject, version).map(whole_entry),
        ("GET", ["subjects", subject, "versions", version, "schema"]) => {
            return Some(find(catalogue, subject, version).map_or_else(Refusal::into_answer, raw_schema));
        }
        ("GET", ["subjects", subject, "versions", version, "referencedby"]) => {
            find(catalogue, subject, version).map(|_| json!([]))
        }
        ("GET", ["schemas", "types"]) => Ok(json!(["AVRO"])),
        ("GET", ["schemas", "ids", id]) => by_id(catalogue, id).map(|entry| json!({ "schema": entry.schema })),
        ("GET", ["schemas", "ids", id, "schema"]) => {
            return Some(by_id(catalogue, id).map_or_else(Refusal::into_answer, raw_schema));
        }
        ("GET", ["schemas", "ids", id, "versions"]) => {
            by_id(catalogue, id).map(|entry| json!([{ "subject": entry.subject, "version": entry.version }]))
        }
        ("GET", ["schemas", "ids", id, "subjects"]) => by_id(catalogue, id).map(|entry| json!([entry.subject])),
        ("GET", ["config"]) => Ok(json!({ "compatibilityLevel": COMPATIBILITY })),
        ("GET", ["config", subject]) => {
            versions(catalogue, subject).map(|_| json!({ "compatibilityLevel": COMPATIBILITY }))
        }
        ("GET", ["mode"]) => Ok(json!({ "mode": "READONLY" })),
        ("GET", ["mode", subject]) => versions(catalogue, subject).map(|_| json!({ "mode": "READONLY" })),
        ("POST", ["subjects", subject]) => look_up(catalogue, subject, body).map(whole_entry),
        // A client that registers before it writes is told the id of a schema that is already there.
        ("POST", ["subjects", subject, "versions"]) => match look_up(catalogue, subject, body) {
            Ok(entry) => Ok(json!({ "id": entry.id })),
            Err(Refusal { status: 404, .. }) => Err(READ_ONLY),
            Err(refusal) => Err(refusal),
        },
        (_, ["subjects" | "config" | "mode", ..]) => Err(READ_ONLY),
        (_, ["schemas", "types"] | ["schemas", "ids", ..]) => Err(NOT_ALLOWED),
        _ => return None,
    };
    Some(result.map_or_else(Refusal::into_answer, |value| Answer::json(200, &value)))
}

impl Answer {
    fn json(status: u16, value: &Value) -> Self {
        Self { status, content_type: CONTENT_TYPE_V1, body: value.to_string() }
    }
}

/// An error in the registry's own codes.
struct Refusal {
    status: u16,
    code: u32,
    message: &'static str,
}

const SUBJECT_NOT_FOUND: Refusal = Refusal { status: 404, code: 40401, message: "Subject not found." };
const VERSION_NOT_FOUND: Refusal = Refusal { status: 404, code: 40402, message: "Version not found." };
const SCHEMA_NOT_FOUND: Refusal = Refusal { status: 404, code: 40403, message: "Schema not found" };
const INVALID_SCHEMA: Refusal = Refusal { status: 422, code: 42201, message: "Invalid schema" };
const INVALID_VERSION: Refusal = Refusal {
    status: 422,
    code: 42202,
    message: "The specified version is not a valid version id. Allowed values are between [1, 2^31-1] and the string \"latest\"",
};
const READ_ONLY: Refusal =
    Refusal { status: 422, code: 42205, message: "The catalogue is part of the program and is read-only" };
const NOT_ALLOWED: Refusal = Refusal { status: 405, code: 405, message: "HTTP 405 Method Not Allowed" };

impl Refusal {
    fn into_answer(self) -> Answer {
        Answer::json(self.status, &json!({ "error_code": self.code, "message": self.message }))
    }
}

fn subjects(catalogue: &Catalogue, query: Option<&str>) -> Value {
    let prefix = query
        .unwrap_or_default()
        .split('&')
        .find_map(|pair| pair.strip_prefix("subjectPrefix="))
        .map(percent_decoded)
        .unwrap_or_default();
    let mut names: Vec<&str> = catalogue.entries().iter().map(|entry| entry.subject.as_str()).collect();
    names.retain(|name| name.starts_with(&prefix));
    names.sort_unstable();
    names.dedup();
    json!(names)
}

fn versions(catalogue: &Catalogue, subject: &str) -> Result<Value, Refusal> {
    let numbers: Vec<u32> = catalogue.by_subject(subject).map(|entry| entry.version).collect();
    if numbers.is_empty() { Err(SUBJECT_NOT_FOUND) } else { Ok(json!(numbers)) }
}

fn find<'a>(catalogue: &'a Catalogue, subject: &'a str, version: &str) -> Result<&'a Entry, Refusal> {
    let newest = catalogue.by_subject(subject).max_by_key(|entry| entry.version).ok_or(SUBJECT_NOT_FOUND)?;
    if matches!(version, "latest" | "-1") {
        return Ok(newest);
    }
    let number = version.parse().ok().filter(|number: &u32| (1..=i32::MAX as u32).contains(number));
    let number = number.ok_or(INVALID_VERSION)?;
    catalogue.by_subject(subject).find(|entry| entry.version == number).ok_or(VERSION_NOT_FOUND)
}

fn by_id<'a>(catalogue: &'a Catalogue, id: &str) -> Result<&'a Entry, Refusal> {
    id.parse().ok().and_then(|id| catalogue.by_id(id)).ok_or(SCHEMA_NOT_FOUND)
}

/// Finds the version of the subject that has this schema: the same JSON, or the same layout written another way.
fn look_up<'a>(catalogue: &'a Catalogue, subject: &'a str, body: &[u8]) -> Result<&'a Entry, Refusal> {
    let request: Value = serde_json::from_slice(body).map_err(|_| INVALID_SCHEMA)?;
    let wanted = request.get("schema").and_then(Value::as_str).ok_or(INVALID_SCHEMA)?;
    let value: Value = serde_json::from_str(wanted).map_err(|_| INVALID_SCHEMA)?;
    if catalogue.by_subject(subject).next().is_none() {
        return Err(SUBJECT_NOT_FOUND);
    }
    let same_json = |entry: &&Entry| serde_json::from_str(&entry.schema).is_ok_and(|ours: Value| ours == value);
    let by_layout = |entry: &&Entry| same_layout(&entry.schema, wanted);
    let mut candidates = catalogue.by_subject(subject);
    let found = candidates.find(same_json).or_else(|| catalogue.by_subject(subject).find(by_layout));
    found.ok_or(SCHEMA_NOT_FOUND)
}

fn whole_entry(entry: &Entry) -> Value {
    json!({ "subject": entry.subject, "version": entry.version, "id": entry.id, "schema": entry.schema })
}

fn raw_schema(entry: &Entry) -> Answer {
    Answer { status: 200, content_type: CONTENT_TYPE_V1, body: entry.schema.clone() }
}

fn percent_decoded(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = |b: &u8| (*b as char).to_digit(16);
        match (byte, after) {
            (b'%', [high, low, tail @ ..]) => match (hex(high), hex(low)) {
                (Some(high), Some(low)) => {
                    out.push((high * 16 + low) as u8);
                    rest = tail;
                }
                _ => {
                    out.push(byte);
                    rest = after;
                }
            },
            _ => {
                out.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
