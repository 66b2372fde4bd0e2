//! The canonical fields that profiles map columns to, and where they stand in one body.

use serde::{Deserialize, Serialize};

use crate::feed::RowError;

macro_rules! fields {
    ($($name:ident $code:literal),+ $(,)?) => {
        /// A canonical field. A profile says which column of the sender it is; a mapper reads it by this name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "the names are the documentation; docs/PROFILES.md explains them")]
        pub enum Field {
            $(#[serde(rename = $code)] $name,)+
        }

        impl Field {
            /// Every field.
            pub const ALL: &[Self] = &[$(Self::$name),+];
            /// How many there are.
            pub const COUNT: usize = Self::ALL.len();

            /// The name in profiles.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The field with this name.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|field| field.code() == code)
            }
        }
    };
}

fields! {
    // Who.
    Name "name", FamilyName "family_name", GivenName "given_name", IdType "id_type", IdNumber "id_number",
    Phone "phone", ContactPhone "contact_phone", Sex "sex", BirthDate "birth_date", Nationality "nationality",
    Address "address", DivisionCode "division_code", CommunityUnit "community_unit", AccountStatus "account_status",
    GateCard "gate_card", Wallet "wallet", BankCard "bank_card", Imsi "imsi", Mrn "mrn", HealthCard "health_card",
    Plate "plate",
    // The record.
    RecordId "record_id", Sequence "sequence", UpdatedTime "updated_time", Status "status",
    // Places and times in general.
    StartTime "start_time", EndTime "end_time", ValidFrom "valid_from", ValidTo "valid_to",
    PlaceId "place_id", PlaceName "place_name", Latitude "latitude", Longitude "longitude", Datum "datum",
    Azimuth "azimuth", RadiusM "radius_m", EventKind "event_kind", PlaceKind "place_kind",
    // Trips.
    TicketNumber "ticket_number", TrainNumber "train_number", BoardingDate "boarding_date",
    ServiceDate "service_date", Origin "origin", Destination "destination", Carriage "carriage", Seat "seat",
    DepartTime "depart_time", ArriveTime "arrive_time", TravelMode "travel_mode",
    // Payments.
    OrderNumber "order_number", PaidTime "paid_time", Amount "amount", Currency "currency", Merchant "merchant",
    Terminal "terminal", Direction "direction", Channel "channel",
    // Tests.
    Specimen "specimen", Pool "pool", CollectionPlace "collection_place", CollectedTime "collected_time",
    TestCode "test_code", CodeSystem "code_system", Result "result", CtValue "ct_value",
    ReportedTime "reported_time", Lab "lab",
    // Stays.
    Encounter "encounter", EncounterClass "encounter_class", Ward "ward", Diagnosis "diagnosis",
    // Gates.
    GateId "gate_id", DeviceSequence "device_sequence", ScanTime "scan_time", Decision "decision",
    CodeColour "code_colour", Temperature "temperature",
    // Households.
    Household "household", HouseholdKind "household_kind", Relation "relation", RegisteredAddress "registered_address",
    MovedIn "moved_in", MovedOut "moved_out",
    // Cases.
    CaseId "case_id", OnsetDate "onset_date", ConfirmedTime "confirmed_time", ClosedTime "closed_time",
    IsolatedTime "isolated_time", InfectiousFrom "infectious_from", Cluster "cluster", Township "township",
    CaseUnit "case_unit",
    // Meters.
    MeterId "meter_id", MeterAccount "meter_account", Register "register", Value "value", Unit "unit",
    Multiplier "multiplier", ReadTime "read_time", Quality "quality",
}

/// Where a value of a row is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Slot {
    /// A canonical field.
    Field(Field),
    /// A column that only expressions use, by its place among them.
    Extra(u16),
}

impl Field {
    /// Whether it is read by the forms of `time.formats`.
    pub(crate) const fn is_time(self) -> bool {
        matches!(
            self,
            Self::UpdatedTime
                | Self::StartTime
                | Self::EndTime
                | Self::ValidFrom
                | Self::ValidTo
                | Self::DepartTime
                | Self::ArriveTime
                | Self::PaidTime
                | Self::CollectedTime
                | Self::ReportedTime
                | Self::ScanTime
                | Self::ReadTime
                | Self::ConfirmedTime
                | Self::ClosedTime
                | Self::IsolatedTime
        )
    }

    /// Whether it holds a day.
    pub(crate) const fn is_day(self) -> bool {
        matches!(
            self,
            Self::BirthDate
                | Self::BoardingDate
                | Self::ServiceDate
                | Self::MovedIn
                | Self::MovedOut
                | Self::OnsetDate
                | Self::InfectiousFrom
        )
    }
}

/// Where the canonical fields stand in the rows of one body.
#[derive(Clone, Debug)]
pub struct Layout {
    positions: Vec<Option<u16>>,
    labels: Vec<String>,
    slots: Vec<Option<Slot>>,
    spoiled: Option<RowError>,
    of_1904: bool,
}

impl Layout {
    /// From the label of each column and what it carries, if anything.
    pub(crate) fn new(columns: Vec<(String, Option<Slot>)>) -> Self {
        let mut positions = vec![None; Field::COUNT];
        for (position, (_, slot)) in columns.iter().enumerate() {
            if let (Some(Slot::Field(field)), Ok(position)) = (slot, u16::try_from(position)) {
                positions[*field as usize] = Some(position);
            }
        }
        let slots = columns.iter().map(|(_, slot)| *slot).collect();
        let labels = columns.into_iter().map(|(label, _)| label).collect();
        Self { positions, labels, slots, spoiled: None, of_1904: false }
    }

    /// Columns of a workbook that counts days from 1904.
    pub(crate) fn of_1904(self, of_1904: bool) -> Self {
        Self { of_1904, ..self }
    }

    /// Whether bare numbers count days from 1904.
    pub(crate) fn is_of_1904(&self) -> bool {
        self.of_1904
    }

    /// Columns of which every row goes to quarantine, for this reason.
    pub(crate) fn spoiled_by(self, error: Option<RowError>) -> Self {
        Self { spoiled: error, ..self }
    }

    /// Why every row of the body goes to quarantine, if it does.
    pub(crate) fn spoiled(&self) -> Option<&RowError> {
        self.spoiled.as_ref()
    }

    /// Column of a field, counted from 0.
    pub fn position(&self, field: Field) -> Option<usize> {
        self.positions[field as usize].map(usize::from)
    }

    /// The field as the sender calls it.
    pub fn label(&self, field: Field) -> &str {
        self.position(field).and_then(|position| self.labels.get(position)).map_or(field.code(), String::as_str)
    }

    /// The place of a column, counted from 0, by its label.
    pub(crate) fn place_of(&self, label: &str) -> Option<usize> {
        self.labels.iter().position(|known| known == label)
    }

    /// The label of each column.
    pub(crate) fn labels(&self) -> &[String] {
        &self.labels
    }

    /// How many columns a row has.
    pub fn width(&self) -> usize {
        self.labels.len()
    }

    /// What each column carries, in the order of columns.
    pub(crate) fn slots(&self) -> &[Option<Slot>] {
        &self.slots
    }
}
