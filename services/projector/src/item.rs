//! From a record of the log to what the projection takes in. Pure, and done on all cores.

use codec::DecodeError;
use domain::{
    Body, Event, FollowUpChanged, IdentityObserved, LinkDecided, Meta, Op, PlaceRef, RetractReason, Timestamp,
};
use serde::Serialize;
use serde_json::Value;
use store::views::{FactPut, FollowUpRow, PlacePut, Retraction};

use crate::model::Activation;

/// An index entry of PostgreSQL holds at most 2,704 bytes; no real place id comes near.
const PLACE_ID_BYTES_MAX: usize = 512;

/// What an event means to the projection.
#[derive(Debug)]
pub(crate) enum Item {
    /// A source states who a person is.
    Observed(Box<(Meta, IdentityObserved)>),
    /// A source takes such a statement back.
    Retracted(Box<(Meta, Retraction)>),
    /// Something happened.
    Fact(Box<FactPut>),
    /// Something was done about somebody who met a case.
    FollowUp(Box<FollowUpRow>),
    /// A place is in a register.
    Place(Box<PlacePut>),
    /// A reviewer decided.
    Decided(Box<(Meta, LinkDecided)>),
    /// Another linkage model decides.
    Model(Box<Activation>),
}

/// Why an event cannot be used: a code of a closed set, for quarantine.
#[derive(Debug)]
pub(crate) enum Unusable {
    /// It is not an event.
    Undecodable(DecodeError),
    /// It is an event that the views cannot hold.
    Unfit(&'static str),
}

impl Unusable {
    pub(crate) fn reason(&self) -> String {
        match self {
            Self::Undecodable(error) => format!("{}: {error}", error.code()),
            Self::Unfit(reason) => (*reason).to_owned(),
        }
    }
}

impl Item {
    /// What the event means.
    pub(crate) fn of(event: Event) -> Result<Self, Unusable> {
        let Event { mut meta, body } = event;
        meta.event_time = storable(meta.event_time);
        match body {
            Body::IdentityObserved(statement) if meta.op == Op::Upsert => {
                Ok(Self::Observed(Box::new((meta, without_nul(statement)?))))
            }
            Body::IdentityObserved(_) => Ok(Self::retracted(meta, RetractReason::Other, None)),
            Body::IdentityRetracted(body) => Ok(Self::retracted(meta, body.reason, body.survivor)),
            Body::PlaceRegistered(body) => {
                let place_id = body.place.place_id.as_deref().unwrap_or_default();
                if place_id.is_empty() || place_id.len() > PLACE_ID_BYTES_MAX {
                    return Err(Unusable::Unfit("place-id: a registered place needs an id of 1 to 512 bytes"));
                }
                Ok(Self::Place(Box::new(PlacePut {
                    record_id: meta.record_id,
                    place_id: clean(place_id),
                    edition: meta.edition(),
                    event_id: meta.event_id,
                    source: clean(&meta.source),
                    parent_place_id: body.parent_place_id.as_deref().map(clean),
                    valid_from: body.valid_from,
                    valid_to: body.valid_to,
                    detail: stated(&meta, &body.place)?,
                })))
            }
            Body::LinkDecided(body) if body.record_a == body.record_b => {
                Err(Unusable::Unfit("decision-records: a decision is about two records"))
            }
            Body::LinkDecided(body) => Ok(Self::Decided(Box::new((meta, body)))),
            Body::ModelActivated(body) => Ok(Self::Model(Box::new(Activation::of(&meta, body)?))),
            Body::FollowUpChanged(body) => Ok(Self::FollowUp(Box::new(step(&meta, body)?))),
            body => Ok(Self::Fact(Box::new(fact(&meta, &body)?))),
        }
    }

    fn retracted(meta: Meta, reason: RetractReason, survivor: Option<domain::RecordId>) -> Self {
        let retraction = Retraction { edition: meta.edition(), event_id: meta.event_id, reason, survivor };
        Self::Retracted(Box::new((meta, retraction)))
    }
}

fn fact(meta: &Meta, body: &Body) -> Result<FactPut, Unusable> {
    let at = meta.event_time;
    let (started_at, ended_at, place, detail): (_, _, &PlaceRef, _) = match body {
        Body::PresenceInterval(b) => (b.start_time, b.end_time, &b.place, stated(meta, b)?),
        Body::TripSegment(b) => (b.depart_time, b.arrive_time, &b.origin, stated(meta, b)?),
        Body::PaymentMade(b) => (at, None, &b.place, stated(meta, b)?),
        Body::EncounterChanged(b) => (b.start_time, b.end_time, &b.place, stated(meta, b)?),
        Body::TestResult(b) => {
            (b.collected_time.unwrap_or(b.reported_time), None, &b.collection_place, stated(meta, b)?)
        }
        Body::GatePass(b) => (b.scan_time, None, &b.place, stated(meta, b)?),
        Body::HouseholdMembership(b) => {
            let midnight = |day: domain::Day| {
                day.start_utc().plus_millis(i64::from(meta.source_utc_offset_min.unwrap_or(0)) * -60_000)
            };
            (b.valid_from.map_or(at, midnight), b.valid_to.map(midnight), &b.dwelling, stated(meta, b)?)
        }
        Body::CaseStatus(b) => (b.confirmed_time.unwrap_or(at), b.closed_time, &b.place, stated(meta, b)?),
        Body::MeterReading(b) => (b.read_time, None, &b.dwelling, stated(meta, b)?),
        Body::IdentityObserved(_)
        | Body::IdentityRetracted(_)
        | Body::PlaceRegistered(_)
        | Body::LinkDecided(_)
        | Body::ModelActivated(_)
        | Body::FollowUpChanged(_) => {
            return Err(Unusable::Unfit("event-kind: not a fact"));
        }
    };
    Ok(FactPut {
        record_id: meta.record_id,
        kind: body.event_type(),
        edition: meta.edition(),
        event_id: meta.event_id,
        source: clean(&meta.source),
        subject: body.subject().first().map(|claim| claim.token),
        started_at,
        ended_at: ended_at.map(|end: Timestamp| end.max(started_at)),
        place_id: place.place_id.as_deref().map(clean),
        detail,
        known_at: storable(meta.ingest_time),
    })
}

fn step(meta: &Meta, body: FollowUpChanged) -> Result<FollowUpRow, Unusable> {
    if meta.op == Op::Retract {
        return Err(Unusable::Unfit("follow-up: a step is mended by another step"));
    }
    if meta.source_record_version < 1 {
        return Err(Unusable::Unfit("follow-up: steps are counted from 1"));
    }
    Ok(FollowUpRow {
        follow_up_id: meta.record_id,
        version: meta.source_record_version,
        event_id: meta.event_id,
        at: meta.event_time,
        body,
    })
}

/// What is stated, as JSON without subject and absent fields; `None` for a retraction.
fn stated<T: Serialize>(meta: &Meta, body: &T) -> Result<Option<String>, Unusable> {
    if meta.op == Op::Retract {
        return Ok(None);
    }
    let mut value = serde_json::to_value(body).map_err(|_| Unusable::Unfit("event-json: no JSON form"))?;
    if let Value::Object(fields) = &mut value {
        fields.remove("subject");
    }
    drop_nulls(&mut value);
    Ok(Some(json(&value)?))
}

fn drop_nulls(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|_, field| !field.is_null());
        fields.values_mut().for_each(drop_nulls);
    }
}

/// A statement as it will read when it comes back from the database, so that a restart decides as before.
fn without_nul(statement: IdentityObserved) -> Result<IdentityObserved, Unusable> {
    let text = serde_json::to_string(&statement).map_err(|_| Unusable::Unfit("event-json: no JSON form"))?;
    if !text.contains("\\u0000") {
        return Ok(statement);
    }
    serde_json::from_str(&text.replace("\\u0000", "\\ufffd")).map_err(|_| Unusable::Unfit("event-json: no JSON form"))
}

/// An instant as the database holds it, for the same reason.
fn storable(time: Timestamp) -> Timestamp {
    time.clamp(store::PgInstant::MIN.0, store::PgInstant::MAX.0)
}

/// A document as PostgreSQL's `jsonb` takes it: without the NUL character, which its texts cannot hold.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<String, Unusable> {
    let text = serde_json::to_string(value).map_err(|_| Unusable::Unfit("event-json: no JSON form"))?;
    Ok(if text.contains("\\u0000") { text.replace("\\u0000", "\\ufffd") } else { text })
}

/// A text as a column takes it.
pub(crate) fn clean(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

impl Item {
    /// The type of the event, for a metric.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Observed(_) => "IdentityObserved",
            Self::Retracted(_) => "IdentityRetracted",
            Self::Fact(fact) => fact.kind.name(),
            Self::FollowUp(_) => "FollowUpChanged",
            Self::Place(_) => "PlaceRegistered",
            Self::Decided(_) => "LinkDecided",
            Self::Model(_) => "ModelActivated",
        }
    }
}
