//! FHIR R4: bundles and Bulk Data as a feed of the ingest loop. A row is a resource, and stands alone.
//!
//! Patients are register entries, encounters stays, observations and reports results; a condition is a diagnosis of its
//! encounter, an immunization a short visit; locations and organizations are places. Resources refer to each other by id or
//! by identifier, and nothing is looked up: a reference becomes the record id or the token that the other one has. An id is one
//! of its server: that of the address, else that of the entry, else the feed's own.

mod map;
mod patient;
mod reader;
mod resource;
mod time;

use std::io::BufRead;

use connector::who::{self, Subjects};
use connector::{
    About, BatchError, Draft, DraftRole, Feed, Profile, ProfileError, RawRow, Reason, RowContext, RowError, RowReader,
    StatedVersion,
};
use domain::{Body, ClaimRef, ClaimToken, EventType, IdClaim, IdScheme, Op, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use reader::ResourceReader;
use resource::{Container, Meta, Patient, Reference};
use time::Stated;

/// A feed of FHIR resources.
pub(crate) struct FhirFeed {
    profile: Profile,
}

impl FhirFeed {
    /// # Errors
    /// When an option of the profile makes no sense.
    pub(crate) fn new(profile: Profile) -> Result<Self, ProfileError> {
        if profile.options.contains_key("server") && own_server(&profile).is_none() {
            let message = "write the address of the server, as `https://fhir.example/r4`".to_owned();
            return Err(ProfileError::Key {
                file: profile.feed.to_string(),
                key: "options.server".to_owned(),
                message,
            });
        }
        Ok(Self { profile })
    }
}

impl Feed for FhirFeed {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn event_types(&self) -> Vec<EventType> {
        vec![EventType::EncounterChanged, EventType::TestResult, EventType::PlaceRegistered]
    }

    fn open<'a>(&'a self, input: Box<dyn BufRead + Send + 'a>) -> Result<Box<dyn RowReader + 'a>, BatchError> {
        Ok(Box::new(ResourceReader::open(input)?))
    }

    fn map(&self, row: &RawRow, context: &RowContext<'_>) -> Result<Vec<Draft>, RowError> {
        let text = self.profile.format.encoding.decode(row.bytes.expose())?;
        let (timestamp, entry) = text.split_once('\n').unwrap_or(("", &text));
        if let Some(deletion) = deletion(entry) {
            return map::deleted(&deletion, timestamp, &self.profile, context);
        }
        map::map(entry, timestamp, &self.profile, context)
    }

    fn about(&self, row: &RawRow, context: &RowContext<'_>) -> Option<About> {
        let text = self.profile.format.encoding.decode(row.bytes.expose()).ok()?;
        let (timestamp, entry) = text.split_once('\n').unwrap_or(("", &text));
        let deletion = deletion(entry);
        let entry = deletion.as_deref().unwrap_or(entry);
        let (kind, resource) = Resource::open(entry, timestamp, &self.profile, context).ok()?;
        let record = map::record(&kind, &resource.name())?;
        let version = resource.version().map_or(StatedVersion::Arrival, StatedVersion::At);
        Some(About { source_record_id: record.into(), version })
    }
}

/// What an entry of a bundle or a line begins with.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(rename = "resourceType")]
    kind: Option<String>,
    #[serde(rename = "fullUrl")]
    full_url: Option<String>,
    #[serde(borrow)]
    resource: Option<&'a RawValue>,
}

/// What an entry of a bundle was, or is to be, done with.
#[derive(Deserialize)]
struct Done {
    #[serde(rename = "fullUrl")]
    full_url: Option<String>,
    resource: Option<serde::de::IgnoredAny>,
    request: Option<Request>,
    response: Option<Response>,
}

/// Whether an entry is to have no resource: a question, or the answer that something was done.
fn has_none_to_give(entry: &[u8]) -> bool {
    let Ok(done) = serde_json::from_slice::<Done>(entry) else { return false };
    done.resource.is_none()
        && match done.request {
            Some(request) => matches!(request.method.as_str(), "GET" | "HEAD"),
            None => done.response.is_some(),
        }
}

#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    method: String,
    #[serde(default)]
    url: String,
}

#[derive(Deserialize)]
struct Response {
    #[serde(rename = "lastModified")]
    last_modified: Option<String>,
}

/// A deletion has no resource: the same entry with as much of one as says which it was, and that it is taken back.
fn deletion(entry: &str) -> Option<String> {
    if !entry.contains("DELETE") {
        return None;
    }
    let done: Done = serde_json::from_str(entry).ok()?;
    let request = done.request.filter(|request| request.method == "DELETE" && done.resource.is_none())?;
    let mut parts = request.url.split('/').skip_while(|part| map::record(part, "").is_none());
    let (kind, id) = (parts.next()?, parts.next().filter(|id| !id.is_empty())?);
    let mut resource = serde_json::json!({ "resourceType": kind, "id": id, "status": "entered-in-error",
        "verificationStatus": { "coding": [{ "code": "entered-in-error" }] } });
    if let Some(at) = done.response.and_then(|response| response.last_modified) {
        resource["meta"] = serde_json::json!({ "lastUpdated": at });
    }
    Some(serde_json::json!({ "fullUrl": done.full_url, "resource": resource }).to_string())
}

/// What every resource has.
#[derive(Deserialize)]
struct Base {
    #[serde(rename = "resourceType")]
    kind: Option<String>,
    id: Option<String>,
    #[serde(default)]
    meta: Meta,
}

/// One resource with what mapping needs to know beside it.
struct Resource<'a> {
    text: &'a str,
    id: String,
    /// The server whose resource it is, where that is not the feed's own.
    server: Option<String>,
    updated: Option<Stated>,
    profile: &'a Profile,
    context: &'a RowContext<'a>,
}

impl<'a> Resource<'a> {
    /// Reads what every resource has.
    fn open(
        entry: &'a str,
        timestamp: &str,
        profile: &'a Profile,
        context: &'a RowContext<'a>,
    ) -> Result<(String, Self), RowError> {
        let outer: Entry<'a> = parse(entry, "entry")?;
        let text = match outer.resource {
            Some(resource) if outer.kind.is_none() => resource.get(),
            _ => entry,
        };
        let base: Base = parse(text, "resource")?;
        if base.kind.as_deref() == Some("Bundle") {
            let message = "a bundle is read as a whole, or in one other: this one stands deeper, is too large there, or its \
                           timestamp or entry is of another form; push it alone";
            return Err(RowError::field("resourceType", Reason::MessageType, message));
        }
        let kind = base.kind.ok_or_else(|| {
            RowError::field("resourceType", Reason::RequiredMissing, "the entry has no resource with a resourceType")
        })?;
        let url = Reference { reference: outer.full_url, ..Reference::default() };
        let id = base.id.as_deref().or_else(|| url.id()).map(str::to_owned).ok_or_else(|| {
            RowError::field("id", Reason::RequiredMissing, "the resource has neither an id nor a fullUrl")
        })?;
        if id.len() > 128 || id.chars().any(char::is_control) {
            return Err(RowError::field("id", Reason::ValueTooLong, "an id has at most 128 characters"));
        }
        let zone = &profile.time.zone;
        let updated = time::read("meta.lastUpdated", base.meta.last_updated.as_deref(), zone, context, 1)?;
        let made = time::read("Bundle.timestamp", Some(timestamp), zone, context, 1)?;
        let server = foreign(profile, url.server());
        if server.as_ref().is_some_and(|server| server.len() > 128) {
            let message = "the address of a server has at most 128 characters";
            return Err(RowError::field("fullUrl", Reason::ValueTooLong, message));
        }
        Ok((kind, Self { text, id, server, updated: updated.or(made), profile, context }))
    }

    /// What the resource is called among those of its type from all servers of the feed.
    fn name(&self) -> String {
        named(self.server.as_deref(), &self.id)
    }

    /// What the resource is called that a reference names. A relative reference stays on the server of the resource; an id
    /// that is unique everywhere has none.
    fn name_of(&self, reference: &Reference) -> Option<String> {
        let server = match reference.server() {
            _ if reference.is_urn() => None,
            None => self.server.clone(),
            stated => foreign(self.profile, stated),
        };
        reference.id().map(|id| named(server.as_deref(), id))
    }

    fn read<T: for<'d> Deserialize<'d>>(&self) -> Result<T, RowError> {
        parse(self.text, "resource")
    }

    fn time(&self, field: &str, text: Option<&str>) -> Result<Option<Stated>, RowError> {
        time::read(field, text, &self.profile.time.zone, self.context, 1)
    }

    /// What was updated says when; what does not is numbered as it comes.
    fn version(&self) -> Option<i64> {
        self.updated.map(|updated| updated.at.as_millis() * 1_000)
    }

    /// A draft of the resource's own record.
    fn draft(&self, record: String, at: Stated, op: Op, mut flags: Vec<&'static str>, body: impl Into<Body>) -> Draft {
        if at.assumed {
            flags.push("offset-assumed");
        }
        if at.precision == domain::Precision::Unknown {
            flags.push("date-partial");
        }
        let version = self.version();
        Draft {
            role: DraftRole::Record,
            source_record_id: record.into(),
            version,
            version_room: if version.is_some() { 999 } else { 0 },
            op,
            event_time: at.at,
            precision: at.precision,
            utc_offset_min: Some(at.offset_min),
            offset_assumed: at.assumed,
            created_time: self.updated.map(|updated| updated.at),
            quality_flags: flags,
            body: body.into(),
        }
    }

    /// The person whom a resource is about: the patient's record, an identifier that names them, or the patient inside of the
    /// resource, whose sighting is published with it.
    fn subject(&self, field: &str, reference: Option<&Reference>, at: Timestamp) -> Result<Subjects, RowError> {
        let missing = || RowError::field(field, Reason::IdentityMissing, format!("{field} does not name a patient"));
        let reference = reference.ok_or_else(missing)?;
        if let Some(local) = reference.local() {
            let patient = self.contained(local)?.ok_or_else(missing)?;
            let (statement, flags) = patient::statement(self.profile, &patient)?;
            return Ok(who::sighting(self.profile, self.context.key, statement, flags, at));
        }
        Ok(Subjects { claims: self.named(field, reference)?, sighting: None })
    }

    /// The patient that is contained in the resource under a local id.
    fn contained(&self, local: &str) -> Result<Option<Patient>, RowError> {
        let container: Container = self.read()?;
        for inner in container.contained {
            let is_it = inner["resourceType"] == "Patient" && inner["id"].as_str() == Some(local);
            if is_it {
                let patient = serde_json::from_value(inner).map_err(|_| {
                    let message = "the contained patient has an element of another type than FHIR R4 gives it";
                    RowError::field("contained", Reason::ResourceInvalid, message)
                })?;
                return Ok(Some(patient));
            }
        }
        Ok(None)
    }

    /// The patient whom a reference names.
    fn named(&self, field: &str, reference: &Reference) -> Result<Vec<ClaimRef>, RowError> {
        let missing = || RowError::field(field, Reason::IdentityMissing, format!("{field} does not name a patient"));
        if let Some((system, value)) = reference.query() {
            let (scheme, issuer) = patient::scheme(self.profile, None, Some(system));
            let claim = IdClaim::parse(scheme, value, issuer.as_deref())
                .map_err(|error| RowError::field(field, Reason::IdentifierInvalid, format!("{field}: {error}")))?;
            return Ok(vec![self.context.key.claim_ref(&claim)]);
        }
        if reference.reference.as_deref().is_some_and(|text| text.starts_with("Group/") || text.starts_with("Device/"))
        {
            return Err(missing());
        }
        let name = self.name_of(reference).ok_or_else(missing)?;
        let record = self.context.key.record_id(&self.profile.source, &patient::record(&name));
        Ok(vec![ClaimRef { scheme: IdScheme::Record, token: ClaimToken::from(record) }])
    }
}

/// A server, unless it is the one that the profile's option `server` names as the feed's own.
fn foreign(profile: &Profile, server: Option<String>) -> Option<String> {
    server.filter(|server| Some(server) != own_server(profile).as_ref())
}

fn own_server(profile: &Profile) -> Option<String> {
    resource::server(&format!("{}/Patient/1", profile.options.get("server")?.trim_end_matches('/')))
}

/// The address of a server has no `#`, so two pairs never make one name.
fn named(server: Option<&str>, id: &str) -> String {
    server.map_or_else(|| id.to_owned(), |server| format!("{server}#{id}"))
}

fn parse<'d, T: Deserialize<'d>>(text: &'d str, what: &str) -> Result<T, RowError> {
    serde_json::from_str(text).map_err(|error| {
        let kind = match error.classify() {
            serde_json::error::Category::Data => "has an element of another type than FHIR R4 gives it",
            _ => "is not JSON",
        };
        let message = format!("the {what} {kind} (line {}, column {})", error.line(), error.column());
        RowError::row(Reason::ResourceInvalid, message)
    })
}

#[cfg(test)]
mod tests;
