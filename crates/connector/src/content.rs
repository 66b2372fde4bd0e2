//! What a draft says, as a keyed hash: equal content, equal hash. Without the key it tells nothing about the row.

use domain::{Body, Op, Timestamp, TokenKey};
use serde::Serialize;
use uuid::Uuid;

use crate::feed::Draft;

/// The hash of everything that a change of the row could change, and of nothing else.
pub(crate) fn content_of(key: &TokenKey, draft: &Draft) -> Uuid {
    content_of_body(key, draft.op, draft.event_time, &draft.body)
}

/// The same for a body that is part of an event.
pub(crate) fn content_of_body(key: &TokenKey, op: Op, event_time: Timestamp, body: &Body) -> Uuid {
    let mut text = Vec::with_capacity(512);
    text.extend_from_slice(op.code().as_bytes());
    text.extend_from_slice(body.event_type().name().as_bytes());
    text.extend_from_slice(event_time.as_millis().to_string().as_bytes());
    match body {
        Body::IdentityObserved(body) => put(&mut text, body),
        Body::IdentityRetracted(body) => put(&mut text, body),
        Body::PresenceInterval(body) => put(&mut text, body),
        Body::TripSegment(body) => put(&mut text, body),
        Body::PaymentMade(body) => put(&mut text, body),
        Body::EncounterChanged(body) => put(&mut text, body),
        Body::TestResult(body) => put(&mut text, body),
        Body::GatePass(body) => put(&mut text, body),
        Body::HouseholdMembership(body) => put(&mut text, body),
        Body::MeterReading(body) => put(&mut text, body),
        Body::PlaceRegistered(body) => put(&mut text, body),
        Body::LinkDecided(body) => put(&mut text, body),
        Body::ModelActivated(body) => put(&mut text, body),
    }
    Uuid::from_bytes(key.opaque("content", &String::from_utf8_lossy(&text)))
}

fn put(text: &mut Vec<u8>, body: &impl Serialize) {
    // Writing to memory does not fail, and every body is plain data; a body that did fail would hash as its prefix.
    let _ = serde_json::to_writer(text, body);
}

/// The hash of several drafts of one record.
pub(crate) fn joined(key: &TokenKey, parts: &[Uuid]) -> Uuid {
    match parts {
        [one] => *one,
        _ => {
            let text: String = parts.iter().map(|part| part.simple().to_string()).collect();
            Uuid::from_bytes(key.opaque("content-of-several", &text))
        }
    }
}
