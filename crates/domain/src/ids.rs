//! Typed ids. One registry of kinds; none of them holds a personal value.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha1::{Digest, Sha1};
use uuid::Uuid;

use crate::Edition;

macro_rules! uuid_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// From the bare UUID.
            pub const fn from_uuid(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// The bare UUID, for a column or a header.
            pub const fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Uuid::parse_str(text).map(Self)
            }
        }
    };
}

uuid_id! {
    /// One event: UUIDv5 of source, source record id, version, reading, operation and event type (see [`EventId::derive`]).
    EventId
}
uuid_id! {
    /// One source record: keyed hash of source and source record id (see [`crate::TokenKey::record_id`]).
    /// It is the Kafka key of the record's events, so that they keep their order.
    RecordId
}
uuid_id! {
    /// One person: the [`RecordId`] of the oldest source record of the person's cluster. A rebuild gives the same
    /// id, and an id once given can always be answered: it names a record, and that record is in some person's file.
    PersonId
}
uuid_id! {
    /// One pushed batch of a feed.
    BatchId
}

impl EventId {
    /// The namespace of event ids: UUIDv5 of the DNS namespace and `events.isthmus.hub`.
    pub const NAMESPACE: Uuid = Uuid::from_u128(0x6b0c_5ac0_5d2a_5f0b_9b63_50a4_6ad1_7b0e);

    /// Derives the id, so that a re-push of the same statement gives the same id (RFC 9562, UUIDv5).
    /// The parts are joined by a control character that no source record id may contain.
    pub fn derive(source: &str, source_record_id: &str, edition: Edition, op: &str, event_type: &str) -> Self {
        let Edition { version, reading } = edition;
        let (version, reading) = (version.to_string(), (reading > 0).then(|| reading.to_string()));
        let parts = [source, source_record_id, &version, op, event_type].into_iter().chain(reading.as_deref());
        Self(named(parts.map(str::as_bytes)))
    }
}

/// The UUIDv5 of a name in the namespace of events: the parts, each but the first after the control character. The hash uses
/// what the processor has for it; the one inside `uuid` does not, and every event has an id.
fn named<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> Uuid {
    let mut hash = Sha1::new().chain_update(EventId::NAMESPACE.as_bytes());
    for (at, part) in parts.into_iter().enumerate() {
        if at > 0 {
            hash.update([0x1f]);
        }
        hash.update(part);
    }
    let mut head = [0; 16];
    head.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_sha1_bytes(head).into_uuid()
}

impl PersonId {
    /// The id of a person whose oldest source record is `record`.
    pub const fn from_oldest(record: RecordId) -> Self {
        Self(record.0)
    }

    /// The source record that this id names.
    pub const fn as_record(self) -> RecordId {
        RecordId(self.0)
    }
}

impl BatchId {
    /// The batch that a body is: the same body of the same feed is the same batch.
    pub fn derive(feed: &FeedId, body_sha256: &[u8; 32]) -> Self {
        Self(named([feed.as_str().as_bytes(), body_sha256.as_slice()]))
    }
}

/// The name of a feed: 2 to 64 of `a-z`, `0-9` and `-`, beginning with a letter. It stands in URLs and metrics.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct FeedId(String);

impl FeedId {
    /// Parses a feed name; `None` when it has another form.
    pub fn parse(text: &str) -> Option<Self> {
        let valid = (2..=64).contains(&text.len())
            && text.as_bytes()[0].is_ascii_lowercase()
            && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        valid.then(|| Self(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for FeedId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom("a feed name is 2 to 64 of a-z, 0-9 and -, beginning with a letter")
        })
    }
}

impl fmt::Display for FeedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_id_depends_on_every_part() {
        let one = Edition { version: 1, reading: 0 };
        let base = EventId::derive("s", "r", one, "UPSERT", "TestResult");
        assert_eq!(base, EventId::derive("s", "r", one, "UPSERT", "TestResult"));
        for other in [
            EventId::derive("t", "r", one, "UPSERT", "TestResult"),
            EventId::derive("s", "q", one, "UPSERT", "TestResult"),
            EventId::derive("s", "r", Edition { version: 2, ..one }, "UPSERT", "TestResult"),
            EventId::derive("s", "r", Edition { reading: 1, ..one }, "UPSERT", "TestResult"),
            EventId::derive("s", "r", one, "RETRACT", "TestResult"),
            EventId::derive("s", "r", one, "UPSERT", "GatePass"),
        ] {
            assert_ne!(base, other);
        }
        let name = "s\u{1f}r\u{1f}1\u{1f}UPSERT\u{1f}TestResult";
        assert_eq!(base.as_uuid(), Uuid::new_v5(&EventId::NAMESPACE, name.as_bytes()));
    }

    #[test]
    fn feed_names_fit_urls() {
        assert!(FeedId::parse("lab-results").is_some());
        for text in ["", "a", "Lab", "1lab", "lab_results", "lab/../x"] {
            assert!(FeedId::parse(text).is_none(), "{text}");
        }
    }
}
