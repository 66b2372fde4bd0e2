//! Rows of the views as types.

use domain::{
    BatchId, Body, ClaimRole, ClaimToken, Edition, EventId, EventType, GoldenRecord, IdScheme, IdentityObserved,
    PersonId, PlaceRef, RecordId, RetractReason, SourceKind, Timestamp,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Error, Result};

/// A source record with what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceRecordRow {
    /// The record.
    pub record_id: RecordId,
    /// The source system.
    pub source: String,
    /// What kind of organisation it is.
    pub source_kind: SourceKind,
    /// The highest version that was stated; `None` when only a retraction was seen.
    pub stated: Option<Stated>,
    /// The retraction of the highest version, when there was one.
    pub retraction: Option<Retraction>,
    /// The statement up to which, inclusive, they were taken back for nobody to take over.
    pub withdrawn: Option<Edition>,
    /// Current person; for a record that was merged away, that of its survivor.
    pub person: Option<PersonId>,
    /// The batch that brought the statement.
    pub batch_id: BatchId,
    /// Its row, from 1.
    pub batch_row: i64,
}

/// What a source record states.
#[derive(Clone, Debug, PartialEq)]
pub struct Stated {
    /// Which statement it is.
    pub edition: Edition,
    /// The event that brought it.
    pub event_id: EventId,
    /// What the record states in all, also for records that were merged into it; `None` once it is retracted.
    pub statement: Option<IdentityObserved>,
    /// The record's own statements, the newest first, with those that another states since they were merged; empty when
    /// there is none but the statement.
    pub parts: Vec<Part>,
    /// Earliest event time over all versions.
    pub first_time: Timestamp,
    /// Latest event time over all versions.
    pub last_time: Timestamp,
}

/// One of several statements of a record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Which statement it is.
    #[serde(flatten)]
    pub edition: Edition,
    /// The event that brought it.
    pub event_id: EventId,
    /// The statement as it was made.
    pub statement: IdentityObserved,
}

/// That a source took its record back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retraction {
    /// The statement up to which, inclusive, they are taken back.
    pub edition: Edition,
    /// The event that did it.
    pub event_id: EventId,
    /// Why.
    pub reason: RetractReason,
    /// Record that took over, when the source merged two.
    pub survivor: Option<RecordId>,
}

impl SourceRecordRow {
    /// Whether the record states nothing any more.
    pub fn is_retracted(&self) -> bool {
        match (&self.stated, &self.retraction) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(stated), Some(retraction)) => retraction.edition >= stated.edition,
        }
    }
}

/// One entry of the claim map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimRow {
    /// The claim.
    pub token: ClaimToken,
    /// Its scheme; [`IdScheme::Record`] when the token is the record itself.
    pub scheme: IdScheme,
    /// The record that claims it.
    pub record_id: RecordId,
    /// In which role.
    pub role: ClaimRole,
    /// From when; `None`: from ever.
    pub valid_from: Option<Timestamp>,
    /// Until when, exclusive; `None`: for ever.
    pub valid_to: Option<Timestamp>,
    /// The person of the record; `None` for one that was retracted without survivor.
    pub person: Option<PersonId>,
}

/// A person.
#[derive(Clone, Debug, PartialEq)]
pub struct PersonRow {
    /// The id: that of the oldest source record.
    pub person_id: PersonId,
    /// The chosen values.
    pub golden: GoldenRecord,
    /// Community units and division codes, sorted.
    pub units: Vec<String>,
    /// How many source records the person has.
    pub record_count: i32,
    /// When the oldest record was first stated.
    pub first_time: Timestamp,
}

/// A link between two records of a person.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkRow {
    /// One record; the smaller id.
    pub record_a: RecordId,
    /// The other record.
    pub record_b: RecordId,
    /// Match weight, log2.
    pub weight: f64,
    /// What each comparison contributed, as linkage writes it.
    pub parts: Value,
    /// Model that weighed it.
    pub model_version: String,
}

/// A fact.
#[derive(Clone, Debug, PartialEq)]
pub struct FactRow {
    /// The source record that reports it.
    pub record_id: RecordId,
    /// What kind of fact it is.
    pub kind: EventType,
    /// Version of the source record.
    pub version: i64,
    /// The event.
    pub event_id: EventId,
    /// The source system.
    pub source: String,
    /// Token of the claim it came with; `None` where no person is concerned.
    pub subject: Option<ClaimToken>,
    /// Begin.
    pub started_at: Timestamp,
    /// End; `None` for a moment or an open interval.
    pub ended_at: Option<Timestamp>,
    /// Where, as `<source>/<the source's own id>`.
    pub place_id: Option<String>,
    /// Body of the event without its subject and without absent fields.
    pub detail: Value,
}

impl FactRow {
    /// The body of the event. Its subject is empty: the row holds the token that counts.
    ///
    /// # Errors
    /// When the stored detail does not have the shape of the kind.
    pub fn body(&self) -> Result<Body> {
        let mut detail = self.detail.clone();
        if let Value::Object(fields) = &mut detail
            && self.kind != EventType::MeterReading
        {
            fields.insert("subject".to_owned(), Value::Array(Vec::new()));
        }
        let read = match self.kind {
            EventType::PresenceInterval => serde_json::from_value(detail).map(Body::PresenceInterval),
            EventType::TripSegment => serde_json::from_value(detail).map(Body::TripSegment),
            EventType::PaymentMade => serde_json::from_value(detail).map(Body::PaymentMade),
            EventType::EncounterChanged => serde_json::from_value(detail).map(Body::EncounterChanged),
            EventType::TestResult => serde_json::from_value(detail).map(Body::TestResult),
            EventType::GatePass => serde_json::from_value(detail).map(Body::GatePass),
            EventType::HouseholdMembership => serde_json::from_value(detail).map(Body::HouseholdMembership),
            EventType::CaseStatus => serde_json::from_value(detail).map(Body::CaseStatus),
            EventType::MeterReading => serde_json::from_value(detail).map(Body::MeterReading),
            EventType::IdentityObserved
            | EventType::IdentityRetracted
            | EventType::PlaceRegistered
            | EventType::LinkDecided
            | EventType::ModelActivated
            | EventType::FollowUpChanged => return Err(Error::Code("fact.kind")),
        };
        read.map_err(|source| Error::Document { column: "fact.detail", source })
    }
}

/// A registered place during an interval.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaceRow {
    /// The record that registers it.
    pub record_id: RecordId,
    /// The place, as facts name it.
    pub place_id: String,
    /// Version of the record.
    pub version: i64,
    /// The source system.
    pub source: String,
    /// Place that this one is part of.
    pub parent_place_id: Option<String>,
    /// From when.
    pub valid_from: Option<Timestamp>,
    /// Until when.
    pub valid_to: Option<Timestamp>,
    /// Kind, name, position.
    pub place: PlaceRef,
}

/// A record of the log that could not be read as an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuarantinedRow {
    /// Topic.
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// Offset of the record.
    pub offset: i64,
    /// Why.
    pub reason: String,
}

/// The code that the column `kind` holds. Codes are never given a second meaning.
pub(crate) const fn kind_code(kind: EventType) -> i16 {
    match kind {
        EventType::IdentityObserved => 1,
        EventType::IdentityRetracted => 2,
        EventType::PresenceInterval => 3,
        EventType::TripSegment => 4,
        EventType::PaymentMade => 5,
        EventType::EncounterChanged => 6,
        EventType::TestResult => 7,
        EventType::GatePass => 8,
        EventType::HouseholdMembership => 9,
        EventType::MeterReading => 10,
        EventType::PlaceRegistered => 11,
        EventType::LinkDecided => 12,
        EventType::ModelActivated => 13,
        EventType::CaseStatus => 14,
        EventType::FollowUpChanged => 15,
    }
}

pub(crate) fn kind_from_code(code: i16) -> Result<EventType> {
    let mut kinds = EventType::ALL.iter().copied();
    kinds.find(|kind| kind_code(*kind) == code).ok_or(Error::Code("fact.kind"))
}

pub(crate) const fn source_kind_code(kind: SourceKind) -> &'static str {
    match kind {
        SourceKind::Other => "OTHER",
        SourceKind::Hospital => "HOSPITAL",
        SourceKind::Telecom => "TELECOM",
        SourceKind::Transport => "TRANSPORT",
        SourceKind::Payment => "PAYMENT",
        SourceKind::Community => "COMMUNITY",
    }
}

pub(crate) fn source_kind_from_code(code: &str) -> Result<SourceKind> {
    use SourceKind::{Community, Hospital, Other, Payment, Telecom, Transport};
    let mut kinds = [Other, Hospital, Telecom, Transport, Payment, Community].into_iter();
    kinds.find(|kind| source_kind_code(*kind) == code).ok_or(Error::Code("source_record.source_kind"))
}

pub(crate) const fn reason_code(reason: RetractReason) -> &'static str {
    match reason {
        RetractReason::Other => "OTHER",
        RetractReason::Deleted => "DELETED",
        RetractReason::Merged => "MERGED",
        RetractReason::Corrected => "CORRECTED",
    }
}

pub(crate) fn reason_from_code(code: &str) -> Result<RetractReason> {
    use RetractReason::{Corrected, Deleted, Merged, Other};
    let mut reasons = [Other, Deleted, Merged, Corrected].into_iter();
    reasons.find(|reason| reason_code(*reason) == code).ok_or(Error::Code("source_record.retract_reason"))
}
