//! What a fact looks like in an answer: one structure per kind of fact, and each kind in one field group.
//!
//! As in [`crate::view`], the types of the domain are taken apart completely, so that a new field does not compile until
//! somebody decides whether it is shown.

use access::FieldGroup;
use domain::{
    Body, CaseStatus, EncounterChanged, EventType, GatePass, HouseholdMembership, PaymentMade, PlaceRef,
    PresenceInterval, TestResult, TripSegment,
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::view::time;

/// The kinds of facts that a timeline shows, each with its field group.
pub(crate) const KINDS: &[(EventType, FieldGroup)] = &[
    (EventType::PresenceInterval, FieldGroup::Trail),
    (EventType::TripSegment, FieldGroup::Trail),
    (EventType::GatePass, FieldGroup::Trail),
    (EventType::PaymentMade, FieldGroup::Payment),
    (EventType::EncounterChanged, FieldGroup::Health),
    (EventType::TestResult, FieldGroup::Health),
    (EventType::CaseStatus, FieldGroup::Health),
    (EventType::HouseholdMembership, FieldGroup::Household),
];

/// What happened.
#[derive(Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub(crate) enum Happening {
    /// The person was in a place.
    Presence(PresenceView),
    /// The person travelled.
    Trip(Box<TripView>),
    /// The person passed a gate.
    Gate(GateView),
    /// The person paid.
    Payment(PaymentView),
    /// A hospital stay changed.
    Encounter(EncounterView),
    /// A laboratory result.
    Test(TestView),
    /// Disease control's word on a case.
    Case(CaseView),
    /// The person belongs to a household.
    Household(HouseholdView),
}

/// A place.
#[derive(Serialize, ToSchema)]
pub(crate) struct PlaceView {
    /// The hub's id of the place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place_id: Option<String>,
    /// Kind of place, such as `CELL`, `STOP` or `GATE`.
    #[schema(value_type = String)]
    pub kind: Value,
    /// Name or address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Division code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub division_code: Option<String>,
    /// Degrees north, in `datum`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lat: Option<f64>,
    /// Degrees east, in `datum`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lon: Option<f64>,
    /// Datum of the position: `WGS84`, `GCJ02`, `BD09` or `UNKNOWN`.
    #[schema(value_type = String)]
    pub datum: Value,
    /// Radius in metres within which the place lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub radius_m: Option<f32>,
}

/// A presence.
#[derive(Serialize, ToSchema)]
pub(crate) struct PresenceView {
    /// Where.
    pub place: PlaceView,
    /// How it was seen, such as `CELL`.
    #[schema(value_type = String)]
    pub method: Value,
    /// How sure, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
}

/// A journey.
#[derive(Serialize, ToSchema)]
pub(crate) struct TripView {
    /// How, such as `RAIL`.
    #[schema(value_type = String)]
    pub mode: Value,
    /// The run of the vehicle, whatever number a ticket prints.
    pub run_id: String,
    /// The day the vehicle left its origin.
    pub service_date: String,
    /// Numbers of the run.
    pub numbers: Vec<String>,
    /// Carriage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carriage: Option<String>,
    /// Seat.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seat: Option<String>,
    /// From.
    pub origin: PlaceView,
    /// To.
    pub destination: PlaceView,
    /// Departure.
    pub depart_time: String,
    /// Arrival.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub arrive_time: Option<String>,
    /// What became of the ticket, such as `TRAVELLED`.
    #[schema(value_type = String)]
    pub status: Value,
}

/// A gate passed.
#[derive(Serialize, ToSchema)]
pub(crate) struct GateView {
    /// Gate.
    pub gate_id: String,
    /// Where it stands.
    pub place: PlaceView,
    /// `IN`, `OUT` or `UNKNOWN`.
    #[schema(value_type = String)]
    pub direction: Value,
    /// `PASSED`, `REFUSED` or `UNKNOWN`.
    #[schema(value_type = String)]
    pub decision: Value,
}

/// A payment.
#[derive(Serialize, ToSchema)]
pub(crate) struct PaymentView {
    /// Amount; negative for a refund.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// Currency, ISO 4217.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// How, such as `QR_SCAN`.
    #[schema(value_type = String)]
    pub channel: Value,
    /// The person was at the terminal.
    pub on_site: bool,
    /// Terminal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub terminal_id: Option<String>,
    /// Where the terminal stands.
    pub place: PlaceView,
}

/// A change of a hospital stay.
#[derive(Serialize, ToSchema)]
pub(crate) struct EncounterView {
    /// The hospital's number of the stay.
    pub encounter_id: String,
    /// What happened, such as `ADMIT`.
    #[schema(value_type = String)]
    pub action: Value,
    /// Class of the stay in the source's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// Hospital.
    pub place: PlaceView,
    /// Ward, room and bed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ward_bed: Option<String>,
    /// Diagnosis codes.
    pub diagnoses: Vec<String>,
}

/// A laboratory result.
#[derive(Serialize, ToSchema)]
pub(crate) struct TestView {
    /// Specimen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub specimen_id: Option<String>,
    /// Pool: a positive pool is not a positive person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_id: Option<String>,
    /// Coding system of `code`.
    pub code_system: String,
    /// What was tested for.
    pub code: String,
    /// What was found, such as `NEGATIVE`.
    #[schema(value_type = String)]
    pub result: Value,
    /// The result as the source wrote it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_text: Option<String>,
    /// Cycle threshold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ct_value: Option<f32>,
    /// How final it is, such as `FINAL`.
    #[schema(value_type = String)]
    pub status: Value,
    /// When the specimen was taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub collected_time: Option<String>,
    /// When the result was reported.
    pub reported_time: String,
    /// Laboratory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lab: Option<String>,
    /// Where the specimen was taken.
    pub collection_place: PlaceView,
}

/// A household.
#[derive(Serialize, ToSchema)]
pub(crate) struct HouseholdView {
    /// Household.
    pub household_id: String,
    /// Kind: `FAMILY`, `COLLECTIVE`, `RENTAL` or `UNKNOWN`.
    #[schema(value_type = String)]
    pub household_kind: Value,
    /// Relation to the head, in the source's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relation_to_head: Option<String>,
    /// Dwelling.
    pub dwelling: PlaceView,
    /// `REGISTERED`, `ACTUAL`, `BOTH` or `UNKNOWN`.
    #[schema(value_type = String)]
    pub residence_kind: Value,
    /// Day of moving in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// Day of moving out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<String>,
}

/// A case.
#[derive(Serialize, ToSchema)]
pub(crate) struct CaseView {
    /// Number of the case.
    pub case_id: String,
    /// Such as `CONFIRMED`, `ASYMPTOMATIC` or `EXCLUDED`.
    #[schema(value_type = String)]
    pub state: Value,
    /// First day of symptoms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onset: Option<String>,
    /// When it was confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed_time: Option<String>,
    /// When it was closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_time: Option<String>,
    /// The township that counts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub township: Option<String>,
    /// Cases that are linked with each other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_id: Option<String>,
    /// First day on which others could catch it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub infectious_from: Option<String>,
    /// Since when the person is isolated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub isolated_time: Option<String>,
    /// The unit of disease control that works on it; absent: any of them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// The view of a fact's body; `None` for a body that no timeline shows.
pub(crate) fn happening(body: Body) -> Option<Happening> {
    Some(match body {
        Body::PresenceInterval(body) => Happening::Presence(presence(body)),
        Body::TripSegment(body) => Happening::Trip(Box::new(trip(body))),
        Body::GatePass(body) => Happening::Gate(gate(body)),
        Body::PaymentMade(body) => Happening::Payment(payment(body)),
        Body::EncounterChanged(body) => Happening::Encounter(encounter(body)),
        Body::TestResult(body) => Happening::Test(test(body)),
        Body::CaseStatus(body) => Happening::Case(case_view(body)),
        Body::HouseholdMembership(body) => Happening::Household(household(body)),
        Body::IdentityObserved(_)
        | Body::IdentityRetracted(_)
        | Body::MeterReading(_)
        | Body::PlaceRegistered(_)
        | Body::LinkDecided(_)
        | Body::ModelActivated(_)
        | Body::FollowUpChanged(_) => return None,
    })
}

/// The code of an item of a closed list, as it is on the wire.
fn code(item: impl Serialize) -> Value {
    serde_json::to_value(item).unwrap_or_default()
}

pub(crate) fn place(place: PlaceRef) -> PlaceView {
    let PlaceRef { place_id, kind, name, division_code, lat, lon, datum, radius_m } = place;
    let name = name.map(domain::Sensitive::into_exposed);
    PlaceView { place_id, kind: code(kind), name, division_code, lat, lon, datum: code(datum), radius_m }
}

fn presence(body: PresenceInterval) -> PresenceView {
    let PresenceInterval { subject: _, place: at, start_time: _, end_time: _, method, confidence } = body;
    PresenceView { place: place(at), method: code(method), confidence }
}

fn trip(body: TripSegment) -> TripView {
    let TripSegment {
        subject: _,
        mode,
        run_id,
        service_date,
        numbers,
        carriage,
        seat,
        origin,
        destination,
        depart_time,
        arrive_time,
        status,
    } = body;
    TripView {
        mode: code(mode),
        run_id,
        service_date: service_date.to_string(),
        numbers,
        carriage,
        seat,
        origin: place(origin),
        destination: place(destination),
        depart_time: depart_time.to_string(),
        arrive_time: time(arrive_time),
        status: code(status),
    }
}

/// What disease control says of a case.
pub(crate) fn case_view(body: CaseStatus) -> CaseView {
    let CaseStatus {
        subject: _,
        case_id,
        state,
        onset,
        confirmed_time,
        closed_time,
        place,
        cluster_id,
        infectious_from,
        isolated_time,
        unit,
    } = body;
    CaseView {
        case_id,
        state: code(state),
        onset: onset.map(|day| day.to_string()),
        confirmed_time: time(confirmed_time),
        closed_time: time(closed_time),
        township: place.division_code,
        cluster_id,
        infectious_from: infectious_from.map(|day| day.to_string()),
        isolated_time: time(isolated_time),
        unit,
    }
}

fn gate(body: GatePass) -> GateView {
    // The colour of the code and the temperature are of the group `health`, which a trail does not show.
    let GatePass {
        subject: _,
        gate_id,
        place: at,
        direction,
        decision,
        code_shown: _,
        temperature_c: _,
        device_seq: _,
        scan_time: _,
    } = body;
    GateView { gate_id, place: place(at), direction: code(direction), decision: code(decision) }
}

fn payment(body: PaymentMade) -> PaymentView {
    let PaymentMade { subject: _, amount, currency, channel, on_site, terminal_id, place: at, reverses: _, pending: _ } =
        body;
    PaymentView {
        amount: amount.map(|amount| amount.to_string()),
        currency,
        channel: code(channel),
        on_site,
        terminal_id,
        place: place(at),
    }
}

fn encounter(body: EncounterChanged) -> EncounterView {
    let EncounterChanged {
        subject: _,
        encounter_id,
        action,
        class,
        place: at,
        ward_bed,
        start_time: _,
        end_time: _,
        diagnoses,
    } = body;
    EncounterView {
        encounter_id: encounter_id.into_exposed(),
        action: code(action),
        class,
        place: place(at),
        ward_bed,
        diagnoses: diagnoses.into_iter().map(domain::Sensitive::into_exposed).collect(),
    }
}

fn test(body: TestResult) -> TestView {
    let TestResult {
        subject: _,
        specimen_id,
        pool_id,
        code_system,
        code: tested,
        result,
        value_text,
        ct_value,
        status,
        collected_time,
        reported_time,
        lab,
        collection_place,
    } = body;
    TestView {
        specimen_id,
        pool_id,
        code_system,
        code: tested,
        result: code(result),
        value_text: value_text.map(domain::Sensitive::into_exposed),
        ct_value,
        status: code(status),
        collected_time: time(collected_time),
        reported_time: reported_time.to_string(),
        lab,
        collection_place: place(collection_place),
    }
}

fn household(body: HouseholdMembership) -> HouseholdView {
    let HouseholdMembership {
        subject: _,
        household_id,
        household_kind,
        relation_to_head,
        dwelling,
        residence_kind,
        valid_from,
        valid_to,
    } = body;
    HouseholdView {
        household_id,
        household_kind: code(household_kind),
        relation_to_head,
        dwelling: place(dwelling),
        residence_kind: code(residence_kind),
        valid_from: valid_from.map(|day| day.to_string()),
        valid_to: valid_to.map(|day| day.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_fact_about_a_person_is_in_one_group() {
        for kind in EventType::ALL {
            let groups = KINDS.iter().filter(|(listed, _)| listed == kind).count();
            let about_a_person = !matches!(
                kind,
                EventType::IdentityObserved
                    | EventType::IdentityRetracted
                    | EventType::MeterReading
                    | EventType::PlaceRegistered
                    | EventType::LinkDecided
                    | EventType::ModelActivated
                    | EventType::FollowUpChanged
            );
            assert_eq!(groups, usize::from(about_a_person), "{}", kind.name());
        }
    }

    #[test]
    fn the_colour_of_a_health_code_does_not_travel_with_the_trail() {
        let pass = GatePass {
            gate_id: "g-1".to_owned(),
            code_shown: domain::CodeColour::Red,
            temperature_c: Some(38.5),
            ..GatePass::default()
        };
        let text = serde_json::to_string(&happening(pass.into())).expect("json");
        assert!(!text.contains("RED") && !text.contains("38.5") && !text.contains("colour"), "{text}");
    }
}
