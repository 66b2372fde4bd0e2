//! Bytes that are not an event: always an error of the right kind, never a panic, never much memory.

use codec::{Codec, DecodeError, PAYLOAD_BYTES_MAX};
use domain::EventType;
use proptest::prelude::*;

use crate::arbitrary::{any_event, samples};

fn framed(id: u32, body: &[u8]) -> Vec<u8> {
    [&[0][..], &id.to_be_bytes(), body].concat()
}

#[test]
fn every_truncation_of_every_type_is_said_to_be_one() {
    let codec = Codec::builtin();
    for event in samples() {
        let encoded = codec.encode(&event).expect("encodes");
        for end in 0..encoded.payload.len() {
            let error = codec.decode(encoded.topic, &encoded.payload[..end]).expect_err("cut short");
            assert!(matches!(error, DecodeError::Truncated), "{} cut at {end}: {error:?}", encoded.topic);
        }
    }
}

#[test]
fn every_flipped_bit_is_survived() {
    let codec = Codec::builtin();
    for event in samples() {
        let encoded = codec.encode(&event).expect("encodes");
        for bit in 0..encoded.payload.len() * 8 {
            let mut bytes = encoded.payload.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let _ = codec.decode(encoded.topic, &bytes);
        }
    }
}

proptest! {
    #[test]
    fn random_bytes_after_a_frame_are_survived(
        id in 1..=EventType::ALL.len() as u32,
        body in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let codec = Codec::builtin();
        for event_type in EventType::ALL {
            let _ = codec.decode(event_type.topic(), &framed(id, &body));
        }
    }

    #[test]
    fn several_changed_bytes_are_survived(
        event in any_event(),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let codec = Codec::builtin();
        let mut encoded = codec.encode(&event).expect("encodes");
        for (at, byte) in changes {
            let at = at.index(encoded.payload.len());
            encoded.payload[at] = byte;
        }
        let _ = codec.decode(encoded.topic, &encoded.payload);
    }
}

#[test]
fn a_length_that_no_message_has_is_refused_at_once() {
    let codec = Codec::builtin();
    let id = codec.schema_id(EventType::IdentityRetracted);
    let topic = EventType::IdentityRetracted.topic();
    let varint = |value: i64| {
        let mut zigzag = ((value << 1) ^ (value >> 63)) as u64;
        let mut bytes = Vec::new();
        while zigzag > 0x7f {
            bytes.push((zigzag & 0x7f) as u8 | 0x80);
            zigzag >>= 7;
        }
        bytes.push(zigzag as u8);
        bytes
    };
    // `source`, the first text of the envelope, follows the 16 bytes of the event id.
    for length in [i64::MAX, i64::MIN, -1, 1 << 40, PAYLOAD_BYTES_MAX as i64 + 1] {
        let error = codec.decode(topic, &framed(id, &[vec![7; 16], varint(length)].concat())).expect_err("a lie");
        assert!(matches!(error, DecodeError::Malformed { .. }), "{length}: {error:?}");
    }
    // An array may announce more items than follow: `quality_flags` is the last field of the envelope.
    let event = samples().find(|e| e.event_type() == EventType::IdentityRetracted).expect("a sample");
    let mut without_flags = event;
    without_flags.meta.quality_flags.clear();
    without_flags.body = domain::IdentityRetracted::default().into();
    let payload = codec.encode(&without_flags).expect("encodes").payload;
    // Ends with: no flags (00), reason (00), no survivor (00).
    let head = &payload[..payload.len() - 3];
    for count in [i64::MAX, i64::MIN, 1 << 40] {
        let error = codec.decode(topic, &[head.to_vec(), varint(count)].concat()).expect_err("a lie");
        assert!(matches!(error, DecodeError::Truncated), "{count}: {error:?}");
    }
}

#[test]
fn each_fault_of_the_framing_has_its_own_error() {
    let codec = Codec::builtin();
    let event = samples().next().expect("a sample");
    let encoded = codec.encode(&event).expect("encodes");
    let good = encoded.payload;

    let mut other_magic = good.clone();
    other_magic[0] = 1;
    let error = codec.decode(encoded.topic, &other_magic).expect_err("magic byte");
    assert!(matches!(error, DecodeError::MagicByte { found: 1 }), "{error:?}");
    assert_eq!(error.code(), "event-framing");

    let error = codec.decode(encoded.topic, &framed(4_000_000, &good[5..])).expect_err("unknown id");
    assert!(matches!(error, DecodeError::UnknownSchema { id: 4_000_000 }), "{error:?}");

    let error = codec.decode("gate.pass", &good).expect_err("wrong topic");
    assert!(matches!(error, DecodeError::WrongTopic { event_type: EventType::IdentityObserved }), "{error:?}");

    let error = codec.decode(encoded.topic, &[&good[..], b"!!"].concat()).expect_err("trailing bytes");
    assert!(matches!(error, DecodeError::TrailingBytes { count: 2, .. }), "{error:?}");

    let error = codec.decode(encoded.topic, &vec![0; PAYLOAD_BYTES_MAX + 1]).expect_err("too large");
    assert!(matches!(error, DecodeError::TooLarge { .. }), "{error:?}");
    assert!(!error.is_transient());
}

#[test]
fn an_error_never_repeats_a_value_of_the_message() {
    let codec = Codec::builtin();
    let mut event = samples().next().expect("a sample");
    let secret = "110105194912310";
    event.meta.source_record_id = secret.into();
    event.meta.trace_id = secret.to_owned();
    let encoded = codec.encode(&event).expect("encodes");
    for at in 5..encoded.payload.len() {
        for byte in [0x00, 0x7f, 0x80, 0xff] {
            let mut bytes = encoded.payload.clone();
            bytes[at] = byte;
            if let Err(error) = codec.decode(encoded.topic, &bytes) {
                assert!(!format!("{error} {error:?}").contains(secret), "byte {at}");
            }
        }
    }
}
