//! What is written is read back, and what is written does not change unnoticed.

use std::collections::BTreeMap;

use apache_avro::Schema;
use apache_avro::schema::{RecordSchema, ResolvedSchema};
use apache_avro::writer::datum::GenericDatumWriter;
use codec::{Catalogue, Codec, EncodeError, PAYLOAD_BYTES_MAX};
use domain::{
    BatchId, Body, Event, EventId, EventType, IdentityRetracted, Meta, Op, Precision, RecordId, RetractReason,
    SourceKind, Timestamp,
};
use proptest::prelude::*;
use uuid::Uuid;

use crate::arbitrary::{any_event, event, samples};

fn retraction() -> Event {
    let meta = Meta {
        event_id: EventId::from_uuid(Uuid::from_u128(0x0102_0304_0506_0708_090a_0b0c_0d0e_0f10)),
        source: "hospital-a".to_owned(),
        source_kind: SourceKind::Hospital,
        source_record_id: "MR-7".into(),
        record_id: RecordId::from_uuid(Uuid::from_u128(0xa0)),
        source_record_version: 3,
        reading: 1,
        op: Op::Retract,
        event_time: Timestamp::parse("2022-03-01T00:02:11.5Z").expect("an instant"),
        event_time_precision: Precision::Second,
        source_utc_offset_min: Some(480),
        offset_assumed: true,
        source_created_time: None,
        ingest_time: Timestamp::from_millis(1_646_092_931_500),
        schema_version: 1,
        batch_id: BatchId::from_uuid(Uuid::from_u128(0xb0)),
        batch_row: 12,
        raw_ref: Some("ab@0".to_owned()),
        trace_id: "0af7651916cd43dd8448eb211c80319c".to_owned(),
        quality_flags: vec!["offset-assumed".to_owned()],
    };
    let survivor = Some(RecordId::from_uuid(Uuid::from_u128(0xc0)));
    Event { meta, body: IdentityRetracted { reason: RetractReason::Merged, survivor }.into() }
}

fn headers_of(event: &Event) -> BTreeMap<String, String> {
    let encoded = Codec::builtin().encode(event).expect("encodes");
    let text = |value: Vec<u8>| String::from_utf8(value).expect("headers are text");
    encoded.headers.into_iter().map(|(name, value)| (name.into_owned(), text(value))).collect()
}

#[test]
fn every_type_survives_the_round_trip() {
    let codec = Codec::builtin();
    for event in samples() {
        let encoded = codec.encode(&event).expect("encodes");
        assert_eq!(encoded.topic, event.event_type().topic());
        assert_eq!(codec.decode(encoded.topic, &encoded.payload).expect("decodes"), event);
    }
    for &event_type in EventType::ALL {
        let smallest = event(event_type, &[]);
        let encoded = codec.encode(&smallest).expect("encodes");
        assert_eq!(codec.decode(encoded.topic, &encoded.payload).expect("decodes"), smallest);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_event_survives_the_round_trip(event in any_event()) {
        let codec = Codec::builtin();
        let encoded = codec.encode(&event).expect("encodes");
        prop_assert_eq!(codec.decode(encoded.topic, &encoded.payload).expect("decodes"), event);
    }
}

/// The Avro body of an event as the library writes it: the envelope, then the rest of the record.
fn written_by_the_library(event: &Event) -> Vec<u8> {
    let text = &Catalogue::builtin().latest(event.event_type()).schema;
    let whole = Schema::parse_str(text).expect("a schema");
    let names = ResolvedSchema::new(&whole).expect("sound");
    let Schema::Record(record) = &whole else { panic!("an event is a record") };
    let rest = RecordSchema::builder().name(record.name.clone()).fields(record.fields[1..].to_vec()).build();
    let (meta, rest) = (&record.fields[0].schema, Schema::Record(rest));
    let writer = |part| GenericDatumWriter::builder(part).resolved_schemata(names.clone()).build().expect("a writer");
    let mut bytes = Vec::new();
    writer(meta).write_ser(&mut bytes, &event.meta).expect("writes");
    let written = match &event.body {
        Body::IdentityObserved(body) => writer(&rest).write_ser(&mut bytes, body),
        Body::IdentityRetracted(body) => writer(&rest).write_ser(&mut bytes, body),
        Body::PresenceInterval(body) => writer(&rest).write_ser(&mut bytes, body),
        Body::TripSegment(body) => writer(&rest).write_ser(&mut bytes, body),
        Body::PaymentMade(body) => writer(&rest).write_ser(&mut bytes, body),
        Body::EncounterChanged(body) => writer(&rest).write_ser(&mut bytes, body),
        Body::TestResult(body) => writer(&rest).write_ser(&mut bytes, body),
        Body::GatePass(body) => writer(&rest).write_ser(&mut bytes, body),
        Body::HouseholdMembership(body) => writer(&rest).write_ser(&mut bytes, body),
        Body::CaseStatus(body) => writer(&rest).write_ser(&mut bytes, body),
        Body::MeterReading(body) => writer(&rest).write_ser(&mut bytes, body),
        Body::PlaceRegistered(body) => writer(&rest).write_ser(&mut bytes, body),
        Body::LinkDecided(body) => writer(&rest).write_ser(&mut bytes, body),
        Body::ModelActivated(body) => writer(&rest).write_ser(&mut bytes, body),
        Body::FollowUpChanged(body) => writer(&rest).write_ser(&mut bytes, body),
    };
    written.expect("writes");
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn an_event_is_written_as_the_library_writes_it(event in any_event()) {
        let payload = Codec::builtin().encode(&event).expect("encodes").payload;
        prop_assert_eq!(&payload[5..], written_by_the_library(&event));
    }
}

/// How many members the record of a schema has.
fn fields(schema: &str) -> usize {
    match Schema::parse_str(schema).expect("a schema") {
        Schema::Record(record) => record.fields.len(),
        _ => panic!("an event is a record"),
    }
}

#[test]
fn an_event_of_an_older_schema_is_read_as_one_of_the_newest() {
    let newest = Codec::builtin();
    for older in Catalogue::builtin().entries() {
        let Some(event_type) = older.event_type.filter(|of| Catalogue::builtin().latest(*of).id != older.id) else {
            continue;
        };
        // Every symbol is the first one, which each version has.
        let event = event(event_type, &[]);
        let mut encoded = newest.encode(&event).expect("encodes");
        encoded.payload[1..5].copy_from_slice(&older.id.to_be_bytes());
        // What the newest has beyond it stands at the end, and is null: one byte for each.
        let lacks = fields(&Catalogue::builtin().latest(event_type).schema) - fields(&older.schema);
        assert!(encoded.payload.ends_with(&vec![0; lacks]));
        encoded.payload.truncate(encoded.payload.len() - lacks);
        assert_eq!(newest.decode(encoded.topic, &encoded.payload).expect("decodes"), event, "{}", older.file);
    }
}

#[test]
fn the_bytes_of_an_event_do_not_change() {
    let encoded = Codec::builtin().encode(&retraction()).expect("encodes");
    let expected = concat!(
        "0000000002",                                                         // framing: magic byte, schema id 2
        "0102030405060708090a0b0c0d0e0f10",                                   // event_id
        "14686f73706974616c2d61",                                             // source
        "02",                                                                 // source_kind HOSPITAL
        "084d522d37",                                                         // source_record_id
        "000000000000000000000000000000a0",                                   // record_id
        "06",                                                                 // source_record_version 3
        "02",                                                                 // reading 1
        "02",                                                                 // op RETRACT
        "d8c6c6ace85f",                                                       // event_time
        "04",                                                                 // event_time_precision SECOND
        "02c007",                                                             // source_utc_offset_min 480
        "01",                                                                 // offset_assumed
        "00",                                                                 // source_created_time null
        "d8c6c6ace85f",                                                       // ingest_time
        "02",                                                                 // schema_version 1
        "000000000000000000000000000000b0",                                   // batch_id
        "18",                                                                 // batch_row 12
        "020861624030",                                                       // raw_ref
        "403061663736353139313663643433646438343438656232313163383033313963", // trace_id
        "021c6f66667365742d617373756d656400",                                 // quality_flags
        "04",                                                                 // reason MERGED
        "02000000000000000000000000000000c0",                                 // survivor
    );
    assert_eq!(hex::encode(encoded.payload), expected);
    assert_eq!(encoded.key, b"000000000000000000000000000000a0");
}

#[test]
fn headers_are_a_cloud_event_with_a_trace() {
    let headers = headers_of(&retraction());
    let expected = [
        ("ce_specversion", "1.0"),
        ("ce_id", "01020304-0506-0708-090a-0b0c0d0e0f10"),
        ("ce_type", "hub.v1.IdentityRetracted"),
        ("ce_source", "hospital-a"),
        ("ce_time", "2022-03-01T00:02:11.5Z"),
        ("ce_subject", "000000000000000000000000000000a0"),
        ("content-type", "application/avro"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-0102030405060708-01"),
    ];
    assert_eq!(headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
}

#[test]
fn a_trace_id_or_time_that_is_none_gives_no_header() {
    let mut event = retraction();
    event.meta.trace_id = "not a trace".to_owned();
    event.meta.event_time = Timestamp::from_millis(i64::MAX);
    let headers = headers_of(&event);
    assert!(!headers.contains_key("traceparent") && !headers.contains_key("ce_time"));
    event.meta.trace_id = "0".repeat(32);
    assert!(!headers_of(&event).contains_key("traceparent"));
}

#[test]
fn an_event_larger_than_a_message_is_refused() {
    let mut event = retraction();
    event.meta.source_record_id = "x".repeat(PAYLOAD_BYTES_MAX).into();
    let refused = Codec::builtin().encode(&event).expect_err("too large");
    assert!(matches!(refused, EncodeError::TooLarge { event_type: EventType::IdentityRetracted, .. }), "{refused:?}");
    event.meta.source_record_id = "x".repeat(PAYLOAD_BYTES_MAX - 1000).into();
    let encoded = Codec::builtin().encode(&event).expect("fits");
    let decoded = Codec::builtin().decode(encoded.topic, &encoded.payload).expect("decodes");
    assert!(matches!(decoded.body, Body::IdentityRetracted(_)));
}
