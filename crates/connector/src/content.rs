//! What a draft says, as a keyed hash: equal content, equal hash. Without the key it tells nothing about the row.

use domain::{Body, Op, Timestamp, TokenKey};
use serde::Serialize;
use uuid::Uuid;

use crate::feed::Draft;

/// Does the same with what is in a body, whatever type it is of.
macro_rules! with_body {
    ($body:expr, $inner:ident => $do:expr) => {
        match $body {
            Body::IdentityObserved($inner) => $do,
            Body::IdentityRetracted($inner) => $do,
            Body::PresenceInterval($inner) => $do,
            Body::TripSegment($inner) => $do,
            Body::PaymentMade($inner) => $do,
            Body::EncounterChanged($inner) => $do,
            Body::TestResult($inner) => $do,
            Body::GatePass($inner) => $do,
            Body::HouseholdMembership($inner) => $do,
            Body::CaseStatus($inner) => $do,
            Body::MeterReading($inner) => $do,
            Body::PlaceRegistered($inner) => $do,
            Body::LinkDecided($inner) => $do,
            Body::ModelActivated($inner) => $do,
            Body::FollowUpChanged($inner) => $do,
        }
    };
}

/// What a body says, as a document.
pub(crate) fn says(body: &Body) -> serde_json::Value {
    // Every body is plain data.
    with_body!(body, body => serde_json::to_value(body).unwrap_or_default())
}

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
    with_body!(body, body => put(&mut text, body));
    Uuid::from_bytes(key.opaque_bytes("content", &text))
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
