//! Facts about where people of the town were, written as a projector would.

use domain::{
    Body, ClaimToken, Datum, Edition, Event, EventType, GoldenRecord, PersonId, PlaceKind, PlaceRef, PresenceInterval,
    PresenceMethod, RecordId, SourceKind, Timestamp,
};
use store::views::{Changes, FactPut, PersonPut, PlacePut, RecordPut};
use test_support::build::{self, NOON, record_id};

use crate::world::GRID;

/// The latitude and longitude of a cell in the middle of the town.
pub(crate) const CENTRE: (f64, f64) = (31.300_5, 120.600_5);

/// The township that all cells stand in.
pub(crate) const TOWNSHIP: &str = "320506001";

/// The township next to it, whose boundary the site knows: everything east of 120.7 degrees, and north.
pub(crate) const EAST: &str = "320506009";

/// What the site knows of boundaries.
pub(crate) fn townships() -> exposure::Townships {
    let text = r#"{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"code": "320506009", "name": "东山镇"},
        "geometry": {"type": "Polygon", "coordinates": [[[120.7, 31.2], [120.9, 31.2], [120.9, 31.4], [120.7, 31.4], [120.7, 31.2]]]}}]}"#;
    exposure::Townships::parse(text).expect("boundaries")
}

/// An instant so many minutes after noon.
pub(crate) fn minute(minutes: i64) -> Timestamp {
    NOON.plus_millis(minutes * 60_000)
}

/// The claim that a person's record of the register is.
pub(crate) fn own(person: PersonId) -> ClaimToken {
    ClaimToken::from(RecordId::from_uuid(person.as_uuid()))
}

/// A cell of so many metres, registered for all time.
pub(crate) fn cell(changes: &mut Changes, name: &str, (lat, lon): (f64, f64), radius_m: f32) {
    let place_id = format!("cells/{name}");
    let place = PlaceRef {
        place_id: Some(place_id.clone()),
        kind: PlaceKind::Cell,
        division_code: Some(TOWNSHIP.to_owned()),
        lat: Some(lat),
        lon: Some(lon),
        datum: Datum::Wgs84,
        radius_m: Some(radius_m),
        ..PlaceRef::default()
    };
    let meta = build::meta("cells", name);
    changes.places.push(PlacePut {
        record_id: record_id("cells", name),
        place_id,
        edition: Edition { version: 1, reading: 0 },
        event_id: Event::derive_id(&meta, EventType::PlaceRegistered),
        source: "cells".to_owned(),
        parent_place_id: None,
        valid_from: None,
        valid_to: None,
        detail: Some(serde_json::to_string(&place).expect("json")),
    });
}

/// A place by its id alone, as facts name it.
pub(crate) fn at(place_id: &str) -> PlaceRef {
    PlaceRef { place_id: Some(place_id.to_owned()), ..PlaceRef::default() }
}

/// A fact of a source about whoever the token is of.
pub(crate) fn fact(
    changes: &mut Changes,
    (source, id): (&str, &str),
    subject: ClaimToken,
    (from, to): (i64, Option<i64>),
    body: Body,
) {
    let kind = body.event_type();
    let (place, detail) = match body {
        Body::PresenceInterval(body) => (body.place.place_id.clone(), serde_json::to_value(body)),
        Body::TripSegment(body) => (body.origin.place_id.clone(), serde_json::to_value(body)),
        Body::PaymentMade(body) => (body.place.place_id.clone(), serde_json::to_value(body)),
        Body::EncounterChanged(body) => (body.place.place_id.clone(), serde_json::to_value(body)),
        Body::CaseStatus(body) => (None, serde_json::to_value(body)),
        Body::HouseholdMembership(body) => (body.dwelling.place_id.clone(), serde_json::to_value(body)),
        Body::GatePass(body) => (body.place.place_id.clone(), serde_json::to_value(body)),
        Body::TestResult(body) => (None, serde_json::to_value(body)),
        Body::MeterReading(body) => (None, serde_json::to_value(body)),
        _ => panic!("a kind that no test needs yet"),
    };
    let mut detail = detail.expect("json");
    detail.as_object_mut().expect("an object").remove("subject");
    let meta = build::meta(source, id);
    changes.facts.push(FactPut {
        record_id: meta.record_id,
        kind,
        edition: Edition { version: 1, reading: 0 },
        event_id: Event::derive_id(&meta, kind),
        source: source.to_owned(),
        subject: Some(subject),
        started_at: minute(from),
        ended_at: to.map(minute),
        place_id: place,
        detail: Some(detail.to_string()),
        known_at: NOON,
    });
}

/// A phone in a cell between two minutes after noon.
pub(crate) fn seen(
    changes: &mut Changes,
    id: &str,
    subject: ClaimToken,
    cell: &str,
    from: i64,
    to: impl Into<Option<i64>>,
) {
    let to = to.into();
    let body = PresenceInterval {
        place: at(&format!("cells/{cell}")),
        start_time: minute(from),
        end_time: to.map(minute),
        method: PresenceMethod::Cell,
        ..PresenceInterval::default()
    };
    fact(changes, ("telecom", id), subject, (from, to), body.into());
}

/// Somebody of a household register, whom nobody else knows.
pub(crate) fn resident(changes: &mut Changes, id: &str) -> PersonId {
    let record_id = record_id("register", id);
    let person = PersonId::from_oldest(record_id);
    let statement = build::person("居民").lives("residence-road 9", GRID).build();
    let meta = build::meta("register", id);
    let edition = Edition { version: 1, reading: 0 };
    changes.records.push(RecordPut {
        record_id,
        source: "register".to_owned(),
        source_kind: SourceKind::Community,
        stated: Some((edition, meta.event_id, NOON, NOON)),
        statement: Some(serde_json::to_string(&statement).expect("json")),
        parts: None,
        retraction: None,
        withdrawn: None,
        person: Some(person),
        batch_id: meta.batch_id,
        batch_row: 1,
    });
    let golden = serde_json::to_string(&GoldenRecord::default()).expect("json");
    changes.persons.push(PersonPut {
        person_id: person,
        digest: store::lineage::digest(&golden, &[record_id]),
        golden,
        units: vec![GRID.to_owned()],
        record_count: 1,
        first_time: NOON,
    });
    person
}
