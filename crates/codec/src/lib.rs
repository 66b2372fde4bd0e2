//! Event to Avro and back, and the catalogue of schemas.
//!
//! A message is one event in the framing of Confluent's registry: a zero byte, the schema id as four bytes big-endian,
//! then the Avro body. Its headers are a CloudEvent in binary mode, so a router need not decode it.
//!
//! Invariants: the bytes of an event depend on nothing but the event and the id of its schema; decoding never panics
//! and never allocates more than a small multiple of [`PAYLOAD_BYTES_MAX`]; an error never repeats a value of the
//! message. Messages written with an older schema of the catalogue, or with a foreign one of a registry, are resolved
//! to the newest schema by Avro's rules (Avro specification 1.12, "Schema Resolution").
//!
//! This is the only home of Avro. Not here: topics as such (`event-log`), and any decision about what an event means.

mod catalogue;
mod codec;
mod documents;
mod error;
mod format;
mod headers;
mod person_file;
pub mod registry;
mod remote;
mod writer;

pub use catalogue::{Catalogue, Entry};
pub use codec::{Codec, Encoded, PAYLOAD_BYTES_MAX};
pub use documents::Documents;
pub use error::{DecodeError, EncodeError, RegistryError};
pub use person_file::{PERSON_FILE_TOPIC, PersonFile};
pub use remote::RegistryConfig;
