//! Events: what sources state about identity, and the facts they report.
//!
//! Every event is an envelope ([`Meta`]) and a body. Identity events carry identifiers in the clear, because linkage
//! compares them. **A fact never holds a person id nor a clear identifier**: it holds the tokens of the claims it came
//! with, the most specific first, and the person is found through the claim map.

use serde::{Deserialize, Serialize};

use crate::{
    BatchId, ClaimRef, Day, Decimal, EventId, IdClaim, PersonName, PlaceRef, Precision, RecordId, Sensitive, Sex,
    Timestamp,
};

/// What kind of organisation a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SourceKind {
    /// None of the others.
    #[default]
    Other,
    /// Hospital or laboratory.
    Hospital,
    /// Telecom operator.
    Telecom,
    /// Carrier.
    Transport,
    /// Payment service.
    Payment,
    /// Community, household register, utilities.
    Community,
}

/// What an event does to its source record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Op {
    /// States it, in place of any lower version.
    #[default]
    Upsert,
    /// Takes back what the record stated, and nothing else.
    Retract,
}

impl Op {
    /// The code used in event ids and Avro.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Upsert => "UPSERT",
            Self::Retract => "RETRACT",
        }
    }
}

/// The envelope of every event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// Derived id; a re-push gives the same one.
    pub event_id: EventId,
    /// The source system, as the feed profile names it.
    pub source: String,
    /// What kind of organisation the source is.
    pub source_kind: SourceKind,
    /// The source's own id of the record.
    pub source_record_id: Sensitive<String>,
    /// Keyed hash of source and source record id; also the message key.
    pub record_id: RecordId,
    /// Version of the record: a lower one never overwrites a higher one.
    pub source_record_version: i64,
    /// What the event does.
    pub op: Op,
    /// When it happened (UTC).
    pub event_time: Timestamp,
    /// How exact `event_time` is.
    pub event_time_precision: Precision,
    /// Offset from UTC in minutes in which the source stated the time.
    pub source_utc_offset_min: Option<i32>,
    /// The source gave no offset; the profile's zone was applied.
    pub offset_assumed: bool,
    /// When the source made the record, if it says.
    pub source_created_time: Option<Timestamp>,
    /// When the hub read it.
    pub ingest_time: Timestamp,
    /// Version of the schema of the body.
    pub schema_version: i32,
    /// The batch it came in.
    pub batch_id: BatchId,
    /// Row of the batch, from 1.
    pub batch_row: i64,
    /// Where the raw bytes are: `<sha-256 of the body>@<byte offset>`.
    pub raw_ref: Option<String>,
    /// W3C trace id, 32 hexadecimal digits.
    pub trace_id: String,
    /// What was odd about the row, as closed-set codes (`offset-assumed`, `private-use-characters`).
    pub quality_flags: Vec<String>,
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The envelope.
    pub meta: Meta,
    /// What is stated.
    pub body: Body,
}

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident => $topic:literal),+ $(,)?) => {
        /// The body of an event.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Body {
            $($(#[$doc])* $name($name),)+
        }

        /// The type of an event: the name of its Avro record.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType {
            $($(#[$doc])* $name,)+
        }

        impl EventType {
            /// Every type, in the order of the schemas.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name of the Avro record.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// The topic that carries events of this type.
            pub const fn topic(self) -> &'static str {
                match self { $(Self::$name => $topic,)+ }
            }

            /// The type with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|t| t.name() == name)
            }

            /// The type that a topic carries.
            pub fn from_topic(topic: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|t| t.topic() == topic)
            }
        }

        impl Body {
            /// The type of this body.
            pub const fn event_type(&self) -> EventType {
                match self { $(Self::$name(_) => EventType::$name,)+ }
            }
        }

        $(impl From<$name> for Body {
            fn from(body: $name) -> Self {
                Self::$name(body)
            }
        })+
    };
}

bodies! {
    /// A source states who a person is.
    IdentityObserved => "identity.observed",
    /// A source takes such a statement back.
    IdentityRetracted => "identity.retracted",
    /// A person was in a place.
    PresenceInterval => "presence.interval",
    /// A person travelled.
    TripSegment => "trip.segment",
    /// A person paid.
    PaymentMade => "payment.made",
    /// A hospital stay changed.
    EncounterChanged => "encounter.changed",
    /// A laboratory result.
    TestResult => "test.result",
    /// A person passed a gate.
    GatePass => "gate.pass",
    /// A person belongs to a household.
    HouseholdMembership => "household.membership",
    /// A meter was read.
    MeterReading => "meter.reading",
    /// A place is in a register.
    PlaceRegistered => "place.registered",
}

impl Event {
    /// Fills `meta.event_id` from the other fields of the envelope and the type of the body.
    pub fn derive_id(meta: &Meta, event_type: EventType) -> EventId {
        EventId::derive(
            &meta.source,
            meta.source_record_id.expose(),
            meta.source_record_version,
            meta.op.code(),
            event_type.name(),
        )
    }

    /// The type of the event.
    pub const fn event_type(&self) -> EventType {
        self.body.event_type()
    }
}

/// A person as one record describes them.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct PersonRef {
    /// Identifiers.
    pub claims: Vec<IdClaim>,
    /// Names; the first is the one in use.
    pub names: Vec<PersonName>,
    /// Day of birth.
    pub birth_date: Option<Day>,
    /// Sex.
    pub sex: Sex,
    /// Nationality, ISO 3166-1 alpha-3.
    pub nationality: Option<String>,
}

/// `identity.observed`: a source's statement about one person.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct IdentityObserved {
    /// Who.
    pub person: PersonRef,
    /// Phones given as contact (canonical digits), not as proof of identity: a family may share one.
    pub contacts: Vec<Sensitive<String>>,
    /// Address as text.
    pub address: Option<Sensitive<String>>,
    /// Division code of the address (6 to 12 digits).
    pub division_code: Option<String>,
    /// Grid or community unit that looks after the address.
    pub community_unit: Option<String>,
    /// State of the account, in the source's word.
    pub account_status: Option<String>,
    /// From when the identifiers belong to this person (phones are recycled).
    pub valid_from: Option<Timestamp>,
    /// Until when they do.
    pub valid_to: Option<Timestamp>,
}

/// Why an identity statement is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum RetractReason {
    /// None of the others.
    #[default]
    Other,
    /// The source deleted the record.
    Deleted,
    /// The source merged it into another (`survivor`).
    Merged,
    /// The source corrected a mistake.
    Corrected,
}

/// `identity.retracted`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct IdentityRetracted {
    /// Why.
    pub reason: RetractReason,
    /// The record that took over, when the source merged two.
    pub survivor: Option<RecordId>,
}

/// How a presence was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PresenceMethod {
    /// None of the others.
    #[default]
    Other,
    /// By a mobile cell.
    Cell,
    /// By a satellite receiver.
    Gps,
    /// By a wireless network.
    Wifi,
    /// By a code that was scanned.
    Qr,
    /// By a card that was tapped.
    Tap,
    /// By a stay that was registered.
    Stay,
    /// By the person's own word.
    Declared,
}

/// `presence.interval`: a person was in a place.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct PresenceInterval {
    /// Claims of the person, the most specific first.
    pub subject: Vec<ClaimRef>,
    /// Where.
    pub place: PlaceRef,
    /// From when.
    pub start_time: Timestamp,
    /// Until when; open while `None`.
    pub end_time: Option<Timestamp>,
    /// How it was seen.
    pub method: PresenceMethod,
    /// How sure, from 0 to 1.
    pub confidence: Option<f32>,
}

/// How a person travelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TravelMode {
    /// None of the others.
    #[default]
    Other,
    /// By train.
    Rail,
    /// By aircraft.
    Air,
    /// By coach.
    Coach,
    /// By ship.
    Ship,
    /// By metro.
    Metro,
}

/// What became of a ticket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TripStatus {
    /// Not stated.
    #[default]
    Unknown,
    /// Sold.
    Booked,
    /// The person went on board.
    Travelled,
    /// Given back.
    Refunded,
    /// Changed for another ticket.
    Rebooked,
}

/// `trip.segment`: a person travelled, or meant to.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct TripSegment {
    /// Claims of the person, the most specific first.
    pub subject: Vec<ClaimRef>,
    /// How.
    pub mode: TravelMode,
    /// The run: the origin's service date and all its numbers, whatever number is printed on a ticket.
    pub run_id: String,
    /// The day the vehicle left its origin.
    pub service_date: Day,
    /// Numbers of the run (a train changes its number on the way).
    pub numbers: Vec<String>,
    /// Carriage.
    pub carriage: Option<String>,
    /// Seat; `None` for standing tickets.
    pub seat: Option<String>,
    /// From.
    pub origin: PlaceRef,
    /// To.
    pub destination: PlaceRef,
    /// Departure.
    pub depart_time: Timestamp,
    /// Arrival.
    pub arrive_time: Option<Timestamp>,
    /// What became of the ticket.
    pub status: TripStatus,
}

/// How a payment was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentChannel {
    /// None of the others.
    #[default]
    Other,
    /// A code scanned at a terminal.
    QrScan,
    /// A card at a terminal.
    Card,
    /// On line.
    Online,
    /// A transfer.
    Transfer,
}

/// `payment.made`.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct PaymentMade {
    /// Claims of the person, the most specific first.
    pub subject: Vec<ClaimRef>,
    /// Amount; negative for a refund.
    pub amount: Option<Decimal<2>>,
    /// Currency, ISO 4217.
    pub currency: Option<String>,
    /// How.
    pub channel: PaymentChannel,
    /// The person was at the terminal.
    pub on_site: bool,
    /// Terminal.
    pub terminal_id: Option<String>,
    /// Where the terminal stands.
    pub place: PlaceRef,
    /// The order that this one takes back.
    pub reverses: Option<String>,
}

/// What happened to a hospital stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum EncounterAction {
    /// None of the others.
    #[default]
    Other,
    /// Admitted.
    Admit,
    /// Registered (outpatient, emergency).
    Register,
    /// Moved.
    Transfer,
    /// Discharged.
    Discharge,
    /// The admission or discharge was cancelled.
    Cancel,
    /// Details changed.
    Update,
}

/// `encounter.changed`.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct EncounterChanged {
    /// Claims of the person, the most specific first.
    pub subject: Vec<ClaimRef>,
    /// The hospital's number of the stay.
    pub encounter_id: Sensitive<String>,
    /// What happened.
    pub action: EncounterAction,
    /// Class of the stay in the source's code (I, O, E).
    pub class: Option<String>,
    /// Hospital.
    pub place: PlaceRef,
    /// Ward, room and bed.
    pub ward_bed: Option<String>,
    /// Begin.
    pub start_time: Timestamp,
    /// End.
    pub end_time: Option<Timestamp>,
    /// Diagnosis codes.
    pub diagnoses: Vec<Sensitive<String>>,
}

/// What a test found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TestOutcome {
    /// Not stated, or a value without a verdict.
    #[default]
    Unknown,
    /// Found.
    Positive,
    /// Not found.
    Negative,
    /// Suspected.
    Suspected,
    /// A pool was positive; each of its people is to be tested alone.
    PoolRetest,
    /// The specimen could not be used.
    Invalid,
}

/// How final a result is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResultStatus {
    /// Not stated.
    #[default]
    Unknown,
    /// May still change.
    Preliminary,
    /// Final.
    Final,
    /// Replaces an earlier final one.
    Corrected,
    /// Withdrawn.
    Cancelled,
}

/// `test.result`.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct TestResult {
    /// Claims of the person, the most specific first.
    pub subject: Vec<ClaimRef>,
    /// Specimen.
    pub specimen_id: Option<String>,
    /// Pool (one tube for several people): a positive pool is not a positive person.
    pub pool_id: Option<String>,
    /// Coding system of `code` (LN, local).
    pub code_system: String,
    /// What was tested for.
    pub code: String,
    /// What was found.
    pub result: TestOutcome,
    /// The result as the source wrote it.
    pub value_text: Option<Sensitive<String>>,
    /// Cycle threshold.
    pub ct_value: Option<f32>,
    /// How final it is.
    pub status: ResultStatus,
    /// When the specimen was taken.
    pub collected_time: Option<Timestamp>,
    /// When the result was reported.
    pub reported_time: Timestamp,
    /// Laboratory.
    pub lab: Option<String>,
    /// Where the specimen was taken.
    pub collection_place: PlaceRef,
}

/// Which way a gate was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GateDirection {
    /// Not stated.
    #[default]
    Unknown,
    /// In.
    In,
    /// Out.
    Out,
}

/// What the gate decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum GateDecision {
    /// Not stated.
    #[default]
    Unknown,
    /// Let through.
    Passed,
    /// Turned away.
    Refused,
}

/// Colour of the code that was shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CodeColour {
    /// None shown.
    #[default]
    Unknown,
    /// Green.
    Green,
    /// Yellow.
    Yellow,
    /// Red.
    Red,
}

/// `gate.pass`.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct GatePass {
    /// Claims of the person, the most specific first.
    pub subject: Vec<ClaimRef>,
    /// Gate.
    pub gate_id: String,
    /// Where the gate stands.
    pub place: PlaceRef,
    /// Which way.
    pub direction: GateDirection,
    /// What the gate decided.
    pub decision: GateDecision,
    /// Colour of the code.
    pub code_shown: CodeColour,
    /// Temperature in degrees Celsius.
    pub temperature_c: Option<f32>,
    /// Running number of the device, which repairs order when its clock drifts.
    pub device_seq: Option<i64>,
    /// When (the device's clock).
    pub scan_time: Timestamp,
}

/// What kind of household it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum HouseholdKind {
    /// Not stated.
    #[default]
    Unknown,
    /// A family.
    Family,
    /// A dormitory or a firm: not a dwelling together.
    Collective,
    /// Tenants.
    Rental,
}

/// Whether someone is registered at a dwelling or lives there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ResidenceKind {
    /// Not stated.
    #[default]
    Unknown,
    /// Registered there.
    Registered,
    /// Lives there.
    Actual,
    /// Both.
    Both,
}

/// `household.membership`.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct HouseholdMembership {
    /// Claims of the member, the most specific first.
    pub subject: Vec<ClaimRef>,
    /// Household.
    pub household_id: String,
    /// What kind of household it is.
    pub household_kind: HouseholdKind,
    /// Relation to the head (GB/T 4761), in the source's word.
    pub relation_to_head: Option<String>,
    /// Dwelling.
    pub dwelling: PlaceRef,
    /// Registered, living there, or both.
    pub residence_kind: ResidenceKind,
    /// Moved in.
    pub valid_from: Option<Day>,
    /// Moved out.
    pub valid_to: Option<Day>,
}

/// What a meter value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MeterKind {
    /// Not stated.
    #[default]
    Unknown,
    /// The register's reading.
    Cumulative,
    /// Use since the reading before.
    Interval,
}

/// How good a reading is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MeterQuality {
    /// Not stated.
    #[default]
    Unknown,
    /// Read.
    Measured,
    /// Estimated.
    Estimated,
}

/// `meter.reading`: no person; the dwelling leads to its residents.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct MeterReading {
    /// Meter.
    pub meter_id: String,
    /// Account.
    pub account_id: Option<Sensitive<String>>,
    /// Dwelling.
    pub dwelling: PlaceRef,
    /// Register (OBIS code).
    pub register: String,
    /// Value in `unit`, multiplier applied.
    pub value: Decimal<4>,
    /// Unit.
    pub unit: String,
    /// What the value counts.
    pub kind: MeterKind,
    /// When it was read.
    pub read_time: Timestamp,
    /// How good it is.
    pub quality: MeterQuality,
}

/// `place.registered`: no person.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct PlaceRegistered {
    /// The place; `place_id` is always there.
    pub place: PlaceRef,
    /// Place that this one is part of.
    pub parent_place_id: Option<String>,
    /// From when.
    pub valid_from: Option<Timestamp>,
    /// Until when.
    pub valid_to: Option<Timestamp>,
}

impl Body {
    /// The claims that lead to the person of a fact; empty for identity events and for facts without a person.
    pub fn subject(&self) -> &[ClaimRef] {
        match self {
            Self::PresenceInterval(b) => &b.subject,
            Self::TripSegment(b) => &b.subject,
            Self::PaymentMade(b) => &b.subject,
            Self::EncounterChanged(b) => &b.subject,
            Self::TestResult(b) => &b.subject,
            Self::GatePass(b) => &b.subject,
            Self::HouseholdMembership(b) => &b.subject,
            Self::IdentityObserved(_)
            | Self::IdentityRetracted(_)
            | Self::MeterReading(_)
            | Self::PlaceRegistered(_) => &[],
        }
    }
}
