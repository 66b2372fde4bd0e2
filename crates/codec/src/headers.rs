//! The headers of a message: a CloudEvent in binary mode (Kafka protocol binding for CloudEvents 1.0.2) and a W3C
//! trace context.

use std::borrow::Cow;

use domain::{Event, Meta, PersonChange, Timestamp};
use uuid::Uuid;

/// Years 0 to 9999 in milliseconds since 1970; RFC 3339 has no other.
const RFC3339_MILLIS: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// Names and values.
type Headers = Vec<(Cow<'static, str>, Vec<u8>)>;

/// The headers of an event's message. None of them is personal.
pub(crate) fn cloud_event(event: &Event) -> Headers {
    let meta = &event.meta;
    let mut headers = Vec::with_capacity(8);
    let mut push = |name: &'static str, value: Vec<u8>| headers.push((Cow::Borrowed(name), value));
    push("ce_specversion", b"1.0".to_vec());
    push("ce_id", hyphenated(meta.event_id.as_uuid()));
    push("ce_type", ["hub.v1.", event.event_type().name()].concat().into_bytes());
    push("ce_source", meta.source.clone().into_bytes());
    if let Some(time) = rfc3339(meta.event_time) {
        push("ce_time", time.into_bytes());
    }
    push("ce_subject", digits(meta.record_id.as_uuid()));
    push("content-type", b"application/avro".to_vec());
    if let Some(context) = trace_parent(meta) {
        push("traceparent", context.into_bytes());
    }
    headers
}

/// The headers of a change of a person.
pub(crate) fn person_event(change: &PersonChange) -> Headers {
    let mut headers = Vec::with_capacity(7);
    let mut push = |name: &'static str, value: Vec<u8>| headers.push((Cow::Borrowed(name), value));
    push("ce_specversion", b"1.0".to_vec());
    push("ce_id", change.seq.to_string().into_bytes());
    push("ce_type", b"hub.v1.PersonFile".to_vec());
    push("ce_source", b"isthmus".to_vec());
    if let Some(time) = rfc3339(change.at) {
        push("ce_time", time.into_bytes());
    }
    push("ce_subject", digits(change.person_id.as_uuid()));
    push("content-type", b"application/avro".to_vec());
    headers
}

/// A UUID as 32 hexadecimal digits.
pub(crate) fn digits(id: Uuid) -> Vec<u8> {
    id.simple().encode_lower(&mut Uuid::encode_buffer()).as_bytes().to_vec()
}

fn hyphenated(id: Uuid) -> Vec<u8> {
    id.hyphenated().encode_lower(&mut Uuid::encode_buffer()).as_bytes().to_vec()
}

fn rfc3339(time: Timestamp) -> Option<String> {
    RFC3339_MILLIS.contains(&time.as_millis()).then(|| time.to_string())
}

/// W3C Trace Context: version, trace id, parent id, flags. The parent id is the first half of the event id, so that a
/// repeat gives the same header. `None` when the trace id is not one.
fn trace_parent(meta: &Meta) -> Option<String> {
    let is_hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let valid =
        meta.trace_id.len() == 32 && meta.trace_id.bytes().all(is_hex) && meta.trace_id.bytes().any(|b| b != b'0');
    let parent = meta.event_id.as_uuid().as_u64_pair().0;
    let id = meta.event_id.as_uuid();
    let mut digits = Uuid::encode_buffer();
    let parent_digits = &id.simple().encode_lower(&mut digits)[..16];
    (valid && parent != 0).then(|| ["00-", &meta.trace_id, "-", parent_digits, "-01"].concat())
}
