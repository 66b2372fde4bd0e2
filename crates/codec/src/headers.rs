//! The headers of a message: a CloudEvent in binary mode (Kafka protocol binding for CloudEvents 1.0.2) and a W3C
//! trace context.

use domain::{Event, Meta, PersonChange, Timestamp};

/// Years 0 to 9999 in milliseconds since 1970; RFC 3339 has no other.
const RFC3339_MILLIS: std::ops::RangeInclusive<i64> = -62_167_219_200_000..=253_402_300_799_999;

/// The headers of an event's message. None of them is personal.
pub(crate) fn cloud_event(event: &Event) -> Vec<(String, Vec<u8>)> {
    let meta = &event.meta;
    let mut headers = Vec::with_capacity(8);
    let mut push = |name: &str, value: String| headers.push((name.to_owned(), value.into_bytes()));
    push("ce_specversion", "1.0".to_owned());
    push("ce_id", meta.event_id.to_string());
    push("ce_type", format!("hub.v1.{}", event.event_type().name()));
    push("ce_source", meta.source.clone());
    if let Some(time) = rfc3339(meta.event_time) {
        push("ce_time", time);
    }
    push("ce_subject", meta.record_id.as_uuid().simple().to_string());
    push("content-type", "application/avro".to_owned());
    if let Some(context) = trace_parent(meta) {
        push("traceparent", context);
    }
    headers
}

/// The headers of a change of a person.
pub(crate) fn person_event(change: &PersonChange) -> Vec<(String, Vec<u8>)> {
    let mut headers = Vec::with_capacity(7);
    let mut push = |name: &str, value: String| headers.push((name.to_owned(), value.into_bytes()));
    push("ce_specversion", "1.0".to_owned());
    push("ce_id", change.seq.to_string());
    push("ce_type", "hub.v1.PersonFile".to_owned());
    push("ce_source", "isthmus".to_owned());
    if let Some(time) = rfc3339(change.at) {
        push("ce_time", time);
    }
    push("ce_subject", change.person_id.as_uuid().simple().to_string());
    push("content-type", "application/avro".to_owned());
    headers
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
    (valid && parent != 0).then(|| format!("00-{}-{parent:016x}-01", meta.trace_id))
}
