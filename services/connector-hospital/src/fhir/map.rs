//! Resources to drafts of events.

use connector::who::Subjects;
use connector::{Draft, Profile, Reason, RowContext, RowError};
use domain::{
    Datum, EncounterAction, EncounterChanged, IdentityRetracted, Op, PlaceKind, PlaceRef, PlaceRegistered,
    ResultStatus, RetractReason, Sensitive, TestOutcome, TestResult,
};
use serde_json::Value;

use super::Resource;
use super::patient;
use super::resource::{Concept, Condition, Encounter, Finding, Immunization, Measured, Reference, Site};
use super::time::{self, Stated};
use crate::verdict::{UNREAD, interpreted, is_qualitative, outcome};

/// Characters of a result's text that are kept; the resource has the rest.
const TEXT_CHARS_MAX: usize = 2_000;
const WORD_CHARS_MAX: usize = 200;
/// Characters of a place's name: server and id.
const PLACE_CHARS_MAX: usize = 300;
/// Results of one panel.
const COMPONENTS_MAX: usize = 500;
/// Diagnoses of one encounter.
const DIAGNOSES_MAX: usize = 100;
/// An appointment may lie so far ahead.
const PLANNED_DAYS: i64 = 400;

/// Maps one resource.
///
/// # Errors
/// When the resource goes to quarantine.
pub(super) fn map(
    entry: &str,
    timestamp: &str,
    profile: &Profile,
    context: &RowContext<'_>,
) -> Result<Vec<Draft>, RowError> {
    let (kind, resource) = Resource::open(entry, timestamp, profile, context)?;
    let known = known(&resource, context);
    stated(&kind, &resource, known)
}

/// When a resource was known: when its sender changed it, else when it was received.
fn known(resource: &Resource<'_>, context: &RowContext<'_>) -> Stated {
    let at = context.ingest_time;
    resource.updated.unwrap_or(Stated { at, precision: domain::Precision::Milli, offset_min: 0, assumed: false })
}

/// What a resource of a kind says.
fn stated(kind: &str, resource: &Resource<'_>, known: Stated) -> Result<Vec<Draft>, RowError> {
    match kind {
        "Patient" => patient::map(resource, known),
        "Encounter" => encounter(resource, known),
        "Observation" => finding(resource, "observation", known),
        "DiagnosticReport" => finding(resource, "report", known),
        "Condition" => condition(resource, known),
        "Immunization" => immunization(resource, known),
        "Location" | "Organization" => site(resource, known),
        _ => {
            let message = "this feed takes Patient, Encounter, Observation, DiagnosticReport, Condition, Immunization, \
                           Location and Organization; the resource is of another type, or of none";
            Err(RowError::field("resourceType", Reason::MessageType, message))
        }
    }
}

/// Maps a deletion, as [`super::deletion`] makes it readable.
///
/// # Errors
/// When it goes to quarantine.
pub(super) fn deleted(
    entry: &str,
    timestamp: &str,
    profile: &Profile,
    context: &RowContext<'_>,
) -> Result<Vec<Draft>, RowError> {
    let (kind, resource) = Resource::open(entry, timestamp, profile, context)?;
    let known = known(&resource, context);
    match kind.as_str() {
        "Patient" => {
            let body = IdentityRetracted { reason: RetractReason::Deleted, survivor: None };
            Ok(vec![resource.draft(patient::record(&resource.name()), known, Op::Retract, Vec::new(), body)])
        }
        // Timetables and maps of the past need places that are gone.
        "Location" | "Organization" => Ok(Vec::new()),
        kind => stated(kind, &resource, known),
    }
}

/// The source's own id of the record that a resource of a kind states.
pub(super) fn record(kind: &str, id: &str) -> Option<String> {
    let prefix = match kind {
        "Patient" => return Some(patient::record(id)),
        "Encounter" => "encounter",
        "Observation" => "observation",
        "DiagnosticReport" => "report",
        "Condition" => "condition",
        "Immunization" => "immunization",
        "Location" | "Organization" => "place",
        _ => return None,
    };
    Some(format!("{prefix}:{id}"))
}

fn encounter(resource: &Resource<'_>, known: Stated) -> Result<Vec<Draft>, RowError> {
    let encounter: Encounter = resource.read()?;
    let zone = &resource.profile.time.zone;
    let start = time::read("period.start", encounter.period.start.as_deref(), zone, resource.context, PLANNED_DAYS)?;
    let end = time::read("period.end", encounter.period.end.as_deref(), zone, resource.context, PLANNED_DAYS)?;
    let inpatient = encounter.class.as_ref().and_then(|class| class.code.as_deref());
    let inpatient = matches!(inpatient, Some("IMP" | "ACUTE" | "NONAC" | "OBSENC"));
    let (action, op) = match encounter.status.as_str() {
        "cancelled" | "entered-in-error" => (EncounterAction::Cancel, Op::Retract),
        "finished" => (EncounterAction::Discharge, Op::Upsert),
        "in-progress" | "onleave" if inpatient => (EncounterAction::Admit, Op::Upsert),
        "planned" | "unknown" => (EncounterAction::Other, Op::Upsert),
        "" => return Err(RowError::field("status", Reason::RequiredMissing, "status is empty")),
        _ => (EncounterAction::Register, Op::Upsert),
    };
    // What is taken back need not be whole.
    let taken_back = op == Op::Retract;
    let start = start.or(taken_back.then_some(known)).ok_or_else(|| empty("period.start"))?;
    if end.is_some_and(|end| end.at < start.at) {
        return Err(RowError::field("period.end", Reason::TimeOrder, "period.end lies before period.start"));
    }
    let Subjects { claims, sighting } = whose(resource, "subject", encounter.subject.as_ref(), taken_back, start)?;
    let place = encounter.location.iter().find_map(|place| place.location.display.as_deref());
    let provider = encounter.provider.as_ref().or(encounter.location.first().map(|place| &place.location));
    let body = EncounterChanged {
        subject: claims,
        encounter_id: Sensitive::from(resource.name()),
        action,
        class: encounter.class.and_then(|class| class.code).map(|code| short(&code)),
        place: PlaceRef { place_id: place_id(resource, provider), kind: PlaceKind::Hospital, ..PlaceRef::default() },
        ward_bed: place.map(short),
        start_time: start.at,
        end_time: end.map(|end| end.at),
        diagnoses: diagnoses(&encounter.reason),
    };
    let stay = resource.draft(format!("encounter:{}", resource.name()), start, op, Vec::new(), body);
    Ok(sighting.into_iter().chain([stay]).collect())
}

/// The category of a finding that is no result of a laboratory: vital signs, surveys and social history are observations, too.
pub(super) fn of_no_laboratory(categories: &[Concept]) -> Option<&'static str> {
    if categories.iter().any(|concept| concept.has("laboratory") || concept.has("LAB")) {
        return None;
    }
    let other = ["vital-signs", "survey", "social-history", "activity", "exam"];
    other.into_iter().find(|code| categories.iter().any(|concept| concept.has(code)))
}

fn finding(resource: &Resource<'_>, record: &str, known: Stated) -> Result<Vec<Draft>, RowError> {
    let finding: Finding = resource.read()?;
    if of_no_laboratory(&finding.category).is_some() {
        return Ok(Vec::new());
    }
    let (status, op) = match finding.status.as_str() {
        "registered" | "preliminary" | "partial" => (ResultStatus::Preliminary, Op::Upsert),
        "final" => (ResultStatus::Final, Op::Upsert),
        "amended" | "corrected" | "appended" => (ResultStatus::Corrected, Op::Upsert),
        "cancelled" => (ResultStatus::Cancelled, Op::Upsert),
        "entered-in-error" => (ResultStatus::Cancelled, Op::Retract),
        "" => return Err(empty("status")),
        _ => (ResultStatus::Unknown, Op::Upsert),
    };
    let taken_back = op == Op::Retract;
    let period = finding.effective_period.as_ref().and_then(|period| period.start.as_deref());
    let collected = resource.time("effectiveDateTime", finding.effective.as_deref().or(period))?;
    let issued = resource.time("issued", finding.issued.as_deref())?;
    let stated = issued.or(collected).or(resource.updated).or(taken_back.then_some(known));
    let reported = stated.ok_or_else(|| {
        let message = "neither issued nor effective nor meta.lastUpdated nor the bundle says when the result was found";
        RowError::field("issued", Reason::RequiredMissing, message)
    })?;
    if finding.code.is_empty() && !taken_back {
        return Err(empty("code"));
    }
    let at = collected.unwrap_or(reported);
    let Subjects { claims, sighting } = whose(resource, "subject", finding.subject.as_ref(), taken_back, at)?;
    let specimen = match &finding.specimen {
        Value::Array(list) => list.first().cloned().unwrap_or_default(),
        one => one.clone(),
    };
    let specimen: Option<Reference> = serde_json::from_value(specimen).ok();
    let lab = finding.performer.first().and_then(|lab| lab.display.as_deref().or_else(|| lab.id()));
    let test = |record: String, code: &Concept, measured: &Measured| {
        let (value, mut text) = value(measured, &finding);
        let mut flags = Vec::new();
        if let Some((end, _)) = text.char_indices().nth(TEXT_CHARS_MAX) {
            text.truncate(end);
            flags.push("text-shortened");
        }
        let result = match outcome(&value, &text) {
            TestOutcome::Unknown => interpretation(&measured.interpretation),
            outcome => outcome,
        };
        if result == TestOutcome::Unknown && is_qualitative(&text) {
            flags.push(UNREAD);
        }
        let coding = code.code();
        let body = TestResult {
            subject: claims.clone(),
            specimen_id: specimen.as_ref().and_then(Reference::id).map(short),
            pool_id: None,
            code_system: coding.and_then(|coding| coding.system.as_deref()).map_or("L".to_owned(), system),
            code: short(&code.name()),
            result,
            value_text: Some(text).filter(|text| !text.is_empty()).map(Sensitive::new),
            ct_value: None,
            status,
            collected_time: collected.map(|time| time.at),
            reported_time: reported.at,
            lab: lab.map(short),
            collection_place: PlaceRef::default(),
        };
        resource.draft(record, at, op, flags, body)
    };
    let record = format!("{record}:{}", resource.name());
    let mut drafts: Vec<Draft> = sighting.into_iter().collect();
    // A panel states nothing of its own; what it consists of does.
    if finding.component.is_empty() || !finding.measured.is_empty() {
        drafts.push(test(record.clone(), &finding.code, &finding.measured));
    }
    for (place, component) in finding.component.iter().take(COMPONENTS_MAX).enumerate() {
        drafts.push(test(format!("{record}:{place}"), &component.code, &component.measured));
    }
    Ok(drafts)
}

/// Whose a resource is. What is taken back need not say it.
fn whose(
    resource: &Resource<'_>,
    field: &str,
    reference: Option<&Reference>,
    taken_back: bool,
    at: Stated,
) -> Result<Subjects, RowError> {
    match resource.subject(field, reference, at.at) {
        Ok(subjects) if taken_back => Ok(Subjects { sighting: None, ..subjects }),
        Err(_) if taken_back => Ok(Subjects { claims: Vec::new(), sighting: None }),
        subjects => subjects,
    }
}

/// The value of a finding as code and as text.
fn value(measured: &Measured, finding: &Finding) -> (String, String) {
    let concept = measured.value_concept.as_ref().or(finding.conclusion_code.first());
    if let Some(concept) = concept {
        let coding = concept.code();
        let code = coding.and_then(|coding| coding.code.clone()).unwrap_or_default();
        let display = coding.and_then(|coding| coding.display.clone());
        return (code.clone(), display.or_else(|| concept.text.clone()).unwrap_or(code));
    }
    if let Some(quantity) = &measured.value_quantity {
        let number = quantity.value.as_ref().map(ToString::to_string).unwrap_or_default();
        let text = format!("{number} {}", quantity.unit.as_deref().unwrap_or_default());
        return (String::new(), text.trim().to_owned());
    }
    let text = measured.value_string.clone().or_else(|| finding.conclusion.clone());
    (String::new(), text.unwrap_or_default())
}

/// What the laboratory says that the value means.
fn interpretation(concepts: &[Concept]) -> TestOutcome {
    let codes = concepts.iter().flat_map(Concept::codes);
    codes.map(interpreted).find(|outcome| *outcome != TestOutcome::Unknown).unwrap_or_default()
}

fn condition(resource: &Resource<'_>, known: Stated) -> Result<Vec<Draft>, RowError> {
    let condition: Condition = resource.read()?;
    let taken_back = condition.verification.has("entered-in-error") || condition.verification.has("refuted");
    let op = if taken_back { Op::Retract } else { Op::Upsert };
    let onset = resource.time("onsetDateTime", condition.onset.as_deref())?;
    let recorded = resource.time("recordedDate", condition.recorded.as_deref())?;
    let at = onset.or(recorded).or(resource.updated).or(taken_back.then_some(known));
    let at = at.ok_or_else(|| empty("onsetDateTime"))?;
    let Subjects { claims, sighting } = whose(resource, "subject", condition.subject.as_ref(), taken_back, at)?;
    let record = format!("condition:{}", resource.name());
    let body = EncounterChanged {
        subject: claims,
        encounter_id: condition
            .encounter
            .as_ref()
            .and_then(|stay| resource.name_of(stay))
            .unwrap_or_else(|| record.clone())
            .into(),
        action: EncounterAction::Update,
        place: PlaceRef { kind: PlaceKind::Hospital, ..PlaceRef::default() },
        start_time: at.at,
        diagnoses: diagnoses(std::slice::from_ref(&condition.code)),
        ..EncounterChanged::default()
    };
    let fact = resource.draft(record, at, op, Vec::new(), body);
    Ok(sighting.into_iter().chain([fact]).collect())
}

fn immunization(resource: &Resource<'_>, known: Stated) -> Result<Vec<Draft>, RowError> {
    let immunization: Immunization = resource.read()?;
    let taken_back = matches!(immunization.status.as_str(), "entered-in-error" | "not-done");
    let op = if taken_back { Op::Retract } else { Op::Upsert };
    let at = resource.time("occurrenceDateTime", immunization.occurrence.as_deref())?;
    let at = at.or(taken_back.then_some(known)).ok_or_else(|| empty("occurrenceDateTime"))?;
    let Subjects { claims, sighting } = whose(resource, "patient", immunization.patient.as_ref(), taken_back, at)?;
    let record = format!("immunization:{}", resource.name());
    let place = immunization.location.as_ref();
    let body = EncounterChanged {
        subject: claims,
        encounter_id: immunization
            .encounter
            .as_ref()
            .and_then(|stay| resource.name_of(stay))
            .unwrap_or_else(|| record.clone())
            .into(),
        action: EncounterAction::Register,
        class: Some("IMMUNIZATION".to_owned()),
        place: PlaceRef { place_id: place_id(resource, place), kind: PlaceKind::Hospital, ..PlaceRef::default() },
        ward_bed: place.and_then(|place| place.display.as_deref()).map(short),
        start_time: at.at,
        ..EncounterChanged::default()
    };
    let fact = resource.draft(record, at, op, Vec::new(), body);
    Ok(sighting.into_iter().chain([fact]).collect())
}

fn site(resource: &Resource<'_>, known: Stated) -> Result<Vec<Draft>, RowError> {
    let site: Site = resource.read()?;
    let position = site.position;
    if position
        .as_ref()
        .is_some_and(|p| !(-90.0..=90.0).contains(&p.latitude) || !(-180.0..=180.0).contains(&p.longitude))
    {
        return Err(RowError::field("position", Reason::ValueNumber, "position is no place on earth"));
    }
    let parent = site.part_of.as_ref().or(site.organization.as_ref());
    let body = PlaceRegistered {
        place: PlaceRef {
            place_id: Some(place_named(resource, &resource.name())),
            kind: PlaceKind::Hospital,
            name: site.name.as_deref().map(short).map(Sensitive::new),
            // FHIR states positions in WGS-84.
            datum: if position.is_some() { Datum::Wgs84 } else { Datum::Unknown },
            lat: position.as_ref().map(|position| position.latitude),
            lon: position.as_ref().map(|position| position.longitude),
            ..PlaceRef::default()
        },
        parent_place_id: place_id(resource, parent),
        valid_from: None,
        valid_to: None,
    };
    Ok(vec![resource.draft(format!("place:{}", resource.name()), known, Op::Upsert, Vec::new(), body)])
}

fn place_id(resource: &Resource<'_>, reference: Option<&Reference>) -> Option<String> {
    reference.and_then(|place| resource.name_of(place)).map(|name| place_named(resource, &name))
}

fn place_named(resource: &Resource<'_>, name: &str) -> String {
    let name: String = name.chars().filter(|c| !c.is_control()).take(PLACE_CHARS_MAX).collect();
    format!("{}/{name}", resource.profile.source)
}

fn diagnoses(concepts: &[Concept]) -> Vec<Sensitive<String>> {
    let codes = concepts.iter().filter_map(Concept::code).filter_map(|coding| coding.code.as_deref());
    codes.take(DIAGNOSES_MAX).map(|code| Sensitive::new(short(code))).collect()
}

/// The short name of a coding system that HL7 v2 gives it, so that a code is the same in both.
fn system(system: &str) -> String {
    match system {
        "http://loinc.org" => "LN".to_owned(),
        "http://snomed.info/sct" => "SCT".to_owned(),
        other => short(other),
    }
}

fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(WORD_CHARS_MAX).collect()
}

fn empty(field: &str) -> RowError {
    RowError::field(field, Reason::RequiredMissing, format!("{field} is empty"))
}
