//! Events: what sources state about identity, the facts they report, and what reviewers decide.
//!
//! Every event is an envelope ([`Meta`]) and a body. Identity events carry identifiers in the clear, because linkage
//! compares them. **A fact never holds a person id nor a clear identifier**: it holds the tokens of the claims it came
//! with, the most specific first, and the person is found through the claim map.

mod decision;
mod facts;
mod follow_up;
mod identity;
mod model;

use serde::{Deserialize, Serialize};

use crate::{BatchId, ClaimRef, EventId, Precision, RecordId, Sensitive, Timestamp};

pub use decision::*;
pub use facts::*;
pub use follow_up::*;
pub use identity::*;
pub use model::*;

/// What kind of organisation a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum SourceKind {
    /// None of the others.
    #[default]
    Other,
    /// Hospital or laboratory.
    Hospital,
    /// Telecom operator.
    Telecom,
    /// Carrier.
    Transport,
    /// Payment service.
    Payment,
    /// Community, household register, utilities.
    Community,
}

/// What an event does to its source record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Op {
    /// States it, in place of any lower version.
    #[default]
    Upsert,
    /// Takes back what the record stated, and nothing else.
    Retract,
}

impl Op {
    /// The code used in event ids and Avro.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Upsert => "UPSERT",
            Self::Retract => "RETRACT",
        }
    }
}

/// Which of the statements of a record: the source's version, then how often the hub read it anew. The greatest counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Edition {
    /// Version of the record.
    pub version: i64,
    /// Reading of the version, from 0.
    pub reading: i32,
}

/// The envelope of every event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// Derived id; a re-push gives the same one.
    pub event_id: EventId,
    /// The source system, as the feed profile names it.
    pub source: String,
    /// What kind of organisation the source is.
    pub source_kind: SourceKind,
    /// The source's own id of the record.
    pub source_record_id: Sensitive<String>,
    /// Keyed hash of source and source record id; also the message key.
    pub record_id: RecordId,
    /// Version of the record: a lower one never overwrites a higher one.
    pub source_record_version: i64,
    /// How often the hub read this version anew with another result: a later reading replaces an earlier one.
    pub reading: i32,
    /// What the event does.
    pub op: Op,
    /// When it happened (UTC).
    pub event_time: Timestamp,
    /// How exact `event_time` is.
    pub event_time_precision: Precision,
    /// Offset from UTC in minutes in which the source stated the time.
    pub source_utc_offset_min: Option<i32>,
    /// The source gave no offset; the profile's zone was applied.
    pub offset_assumed: bool,
    /// When the source made the record, if it says.
    pub source_created_time: Option<Timestamp>,
    /// When the hub read it.
    pub ingest_time: Timestamp,
    /// Version of the schema of the body.
    pub schema_version: i32,
    /// The batch it came in.
    pub batch_id: BatchId,
    /// Row of the batch, from 1.
    pub batch_row: i64,
    /// Where the raw bytes are: `<sha-256 of the body>@<byte offset>`.
    pub raw_ref: Option<String>,
    /// W3C trace id, 32 hexadecimal digits.
    pub trace_id: String,
    /// What was odd about the row, as closed-set codes (`offset-assumed`, `private-use-characters`).
    pub quality_flags: Vec<String>,
}

impl Meta {
    /// Which statement of its record the event is.
    pub const fn edition(&self) -> Edition {
        Edition { version: self.source_record_version, reading: self.reading }
    }
}

/// An event.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// The envelope.
    pub meta: Meta,
    /// What is stated.
    pub body: Body,
}

macro_rules! bodies {
    ($($(#[$doc:meta])* $name:ident => $topic:literal),+ $(,)?) => {
        /// The body of an event.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Body {
            $($(#[$doc])* $name($name),)+
        }

        /// The type of an event: the name of its Avro record.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventType {
            $($(#[$doc])* $name,)+
        }

        impl EventType {
            /// Every type, in the order of the schemas.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The name of the Avro record.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// The topic that carries events of this type.
            pub const fn topic(self) -> &'static str {
                match self { $(Self::$name => $topic,)+ }
            }

            /// The type with this name.
            pub fn from_name(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|t| t.name() == name)
            }

            /// The type that a topic carries.
            pub fn from_topic(topic: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|t| t.topic() == topic)
            }
        }

        impl Body {
            /// The type of this body.
            pub const fn event_type(&self) -> EventType {
                match self { $(Self::$name(_) => EventType::$name,)+ }
            }
        }

        $(impl From<$name> for Body {
            fn from(body: $name) -> Self {
                Self::$name(body)
            }
        })+
    };
}

bodies! {
    /// A source states who a person is.
    IdentityObserved => "identity.observed",
    /// A source takes such a statement back.
    IdentityRetracted => "identity.retracted",
    /// A person was in a place.
    PresenceInterval => "presence.interval",
    /// A person travelled.
    TripSegment => "trip.segment",
    /// A person paid.
    PaymentMade => "payment.made",
    /// A hospital stay changed.
    EncounterChanged => "encounter.changed",
    /// A laboratory result.
    TestResult => "test.result",
    /// A person passed a gate.
    GatePass => "gate.pass",
    /// A person belongs to a household.
    HouseholdMembership => "household.membership",
    /// Disease control's word on a case.
    CaseStatus => "case.status",
    /// A meter was read.
    MeterReading => "meter.reading",
    /// A place is in a register.
    PlaceRegistered => "place.registered",
    /// A reviewer decided whether two records are of one person.
    LinkDecided => "link.decided",
    /// Another linkage model decides who is one person.
    ModelActivated => "model.activated",
    /// Something was done about somebody who met a case.
    FollowUpChanged => "follow-up.changed",
}

impl Event {
    /// Fills `meta.event_id` from the other fields of the envelope and the type of the body.
    pub fn derive_id(meta: &Meta, event_type: EventType) -> EventId {
        EventId::derive(&meta.source, meta.source_record_id.expose(), meta.edition(), meta.op.code(), event_type.name())
    }

    /// The type of the event.
    pub const fn event_type(&self) -> EventType {
        self.body.event_type()
    }
}

impl Body {
    /// The claims that lead to the person of a fact; empty for identity events and for facts without a person.
    pub fn subject(&self) -> &[ClaimRef] {
        match self {
            Self::PresenceInterval(b) => &b.subject,
            Self::TripSegment(b) => &b.subject,
            Self::PaymentMade(b) => &b.subject,
            Self::EncounterChanged(b) => &b.subject,
            Self::TestResult(b) => &b.subject,
            Self::GatePass(b) => &b.subject,
            Self::HouseholdMembership(b) => &b.subject,
            Self::CaseStatus(b) => &b.subject,
            Self::IdentityObserved(_)
            | Self::IdentityRetracted(_)
            | Self::MeterReading(_)
            | Self::PlaceRegistered(_)
            | Self::LinkDecided(_)
            | Self::ModelActivated(_)
            | Self::FollowUpChanged(_) => &[],
        }
    }
}
