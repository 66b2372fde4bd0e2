//! What sources report: where somebody was, what they did, what was measured.

use serde::{Deserialize, Serialize};

use crate::{ClaimRef, Day, Decimal, PlaceRef, Sensitive, Timestamp};

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
    /// It is expected, or only told of, and not booked.
    pub pending: bool,
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

impl TestOutcome {
    /// What the result of a pool says of each of its people: a positive pool is not ten positive people.
    #[must_use]
    pub fn of_pool(self) -> Self {
        match self {
            Self::Positive => Self::PoolRetest,
            other => other,
        }
    }
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

/// What disease control says of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CaseState {
    /// Not stated.
    #[default]
    Unknown,
    /// Suspected: not yet a case.
    Suspected,
    /// Confirmed, with symptoms.
    Confirmed,
    /// Infected without symptoms.
    Asymptomatic,
    /// Recovered: closed.
    Recovered,
    /// Died: closed.
    Deceased,
    /// Not a case after all.
    Excluded,
}

/// `case.status`: disease control's own word on a case. A positive test alone makes none.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct CaseStatus {
    /// Claims of the person, the most specific first.
    pub subject: Vec<ClaimRef>,
    /// Number of the case.
    pub case_id: String,
    /// What it is now.
    pub state: CaseState,
    /// First day of symptoms.
    pub onset: Option<Day>,
    /// When it was confirmed, with symptoms or without.
    pub confirmed_time: Option<Timestamp>,
    /// When it was closed.
    pub closed_time: Option<Timestamp>,
    /// The township that counts it (`division_code`).
    pub place: PlaceRef,
    /// Cases that are linked with each other.
    pub cluster_id: Option<String>,
    /// First day on which others could catch it.
    pub infectious_from: Option<Day>,
    /// Since when the person is isolated.
    pub isolated_time: Option<Timestamp>,
    /// The unit of disease control that works on it; absent: any of them.
    pub unit: Option<String>,
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
