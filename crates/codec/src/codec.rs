//! The codec itself: which id stands for which schema, and the framing.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use domain::{Event, EventType, PersonChange};

use crate::format::{Format, Older};
use crate::headers::{cloud_event, digits, person_event};
use crate::person_file::{PERSON_FILE_TOPIC, PersonFile};
use crate::remote::Registry;
use crate::{Catalogue, DecodeError, EncodeError, RegistryConfig, RegistryError};

/// The largest message in bytes: what Kafka takes by default (`max.message.bytes`), less room for its own framing.
pub const PAYLOAD_BYTES_MAX: usize = 1_000_000;

/// Zero byte and schema id.
const FRAME_BYTES: usize = 5;

/// An event as a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The topic, without a deployment's prefix.
    pub topic: &'static str,
    /// The record id as 32 hexadecimal digits: a source record's events keep their order.
    pub key: Vec<u8>,
    /// The framed Avro body.
    pub payload: Vec<u8>,
    /// CloudEvents headers.
    pub headers: Vec<(Cow<'static, str>, Vec<u8>)>,
}

/// Writes events as messages and reads them back. Cheap to clone; clones share what they learn from a registry.
#[derive(Clone)]
pub struct Codec(Arc<Inner>);

struct Inner {
    /// Id to write in front of each type, in the order of [`EventType::ALL`].
    ids: Vec<u32>,
    /// Id to write in front of changes of persons.
    person_file_id: u32,
    /// What an id in front of a message means.
    known: RwLock<HashMap<u32, Known>>,
    registry: Option<Registry>,
}

#[derive(Clone)]
enum Known {
    Newest(EventType),
    Older(Arc<Older>),
}

impl Codec {
    /// The codec with the ids of the built-in catalogue.
    pub fn builtin() -> Self {
        let mut known = HashMap::new();
        for entry in Catalogue::builtin().entries() {
            let Some(event_type) = entry.event_type else { continue };
            let meaning = if Catalogue::builtin().latest(event_type).id == entry.id {
                Known::Newest(event_type)
            } else {
                // Unwrap safety: built-in schemas are sound and readable by their successors; `cargo xtask check`.
                let older = Older::parse(&entry.schema).expect("a built-in schema is sound");
                Known::Older(Arc::new(older))
            };
            known.insert(entry.id, meaning);
        }
        let ids = EventType::ALL.iter().map(|&t| Catalogue::builtin().latest(t).id).collect();
        let person_file_id = Catalogue::builtin().person_file().id;
        Self(Arc::new(Inner { ids, person_file_id, known: RwLock::new(known), registry: None }))
    }

    /// The codec with the ids of a Confluent-compatible registry. Looks every newest schema up there and registers
    /// those that are absent.
    ///
    /// # Errors
    /// When the registry is out of reach or refuses a schema.
    pub async fn remote(config: &RegistryConfig) -> Result<Self, RegistryError> {
        let registry = Registry::new(config)?;
        let mut ids = Vec::with_capacity(EventType::ALL.len());
        for &event_type in EventType::ALL {
            let entry = Catalogue::builtin().latest(event_type);
            ids.push(registry.look_up_or_register(&entry.subject, &entry.schema).await?);
        }
        let entry = Catalogue::builtin().person_file();
        let person_file_id = registry.look_up_or_register(&entry.subject, &entry.schema).await?;
        let known = ids.iter().zip(EventType::ALL).map(|(&id, &t)| (id, Known::Newest(t))).collect();
        Ok(Self(Arc::new(Inner { ids, person_file_id, known: RwLock::new(known), registry: Some(registry) })))
    }

    /// The id that is written in front of events of a type.
    pub fn schema_id(&self, event_type: EventType) -> u32 {
        self.0.ids[event_type as usize]
    }

    /// Writes an event as a message.
    ///
    /// # Errors
    /// When the message would be larger than [`PAYLOAD_BYTES_MAX`].
    pub fn encode(&self, event: &Event) -> Result<Encoded, EncodeError> {
        let event_type = event.event_type();
        let mut payload = Vec::with_capacity(512);
        payload.push(0);
        payload.extend_from_slice(&self.schema_id(event_type).to_be_bytes());
        Format::of(event_type).write(event, &mut payload)?;
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(EncodeError::TooLarge { event_type, bytes: payload.len() });
        }
        let key = digits(event.meta.record_id.as_uuid());
        Ok(Encoded { topic: event_type.topic(), key, payload, headers: cloud_event(event) })
    }

    /// Writes a change of a person as a message of the topic [`PERSON_FILE_TOPIC`]. Its key is the person id as 32
    /// hexadecimal digits.
    ///
    /// # Errors
    /// When it does not fit a message even without its source records.
    pub fn encode_person_file(&self, change: &PersonChange) -> Result<Encoded, EncodeError> {
        let mut file = PersonFile::of(change);
        let mut payload = self.framed_person_file(&file)?;
        if payload.len() > PAYLOAD_BYTES_MAX {
            (file.members, file.members_omitted) = (Vec::new(), true);
            payload = self.framed_person_file(&file)?;
        }
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(EncodeError::PersonFile);
        }
        let key = digits(change.person_id.as_uuid());
        Ok(Encoded { topic: PERSON_FILE_TOPIC, key, payload, headers: person_event(change) })
    }

    fn framed_person_file(&self, file: &PersonFile) -> Result<Vec<u8>, EncodeError> {
        let mut payload = Vec::with_capacity(256);
        payload.push(0);
        payload.extend_from_slice(&self.0.person_file_id.to_be_bytes());
        file.write(&mut payload).ok_or(EncodeError::PersonFile)?;
        Ok(payload)
    }

    /// Reads a message of the topic [`PERSON_FILE_TOPIC`] that was written with the newest schema.
    ///
    /// # Errors
    /// When it is none.
    pub fn decode_person_file(&self, payload: &[u8]) -> Result<PersonFile, DecodeError> {
        let (id, body) = unframe(payload)?;
        if id != self.0.person_file_id {
            return Err(DecodeError::UnknownSchema { id });
        }
        PersonFile::read(body).ok_or(DecodeError::Truncated)
    }

    /// Reads a message of a topic (without a deployment's prefix).
    ///
    /// # Errors
    /// When the message is not an event of this topic, or its schema id is not known here; with a registry,
    /// [`Codec::decode_fetching`] asks it first.
    pub fn decode(&self, topic: &str, payload: &[u8]) -> Result<Event, DecodeError> {
        let (id, body) = unframe(payload)?;
        let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        let known = known.ok_or(DecodeError::UnknownSchema { id })?;
        let event_type = match &known {
            Known::Newest(event_type) => *event_type,
            Known::Older(older) => older.event_type,
        };
        if event_type.topic() != topic {
            return Err(DecodeError::WrongTopic { event_type });
        }
        match &known {
            Known::Newest(_) => Format::of(event_type).read(body),
            Known::Older(older) => Format::of(event_type).read_older(older, body),
        }
    }

    /// Reads a message, and asks the registry for its schema when the id is not known here yet. Without a registry
    /// this is [`Codec::decode`].
    ///
    /// # Errors
    /// As [`Codec::decode`]; [`DecodeError::Registry`] when the registry cannot be asked.
    pub async fn decode_fetching(&self, topic: &str, payload: &[u8]) -> Result<Event, DecodeError> {
        match (self.decode(topic, payload), &self.0.registry) {
            (Err(DecodeError::UnknownSchema { id }), Some(registry)) => {
                self.learn(registry, id).await?;
                self.decode(topic, payload)
            }
            (result, _) => result,
        }
    }

    async fn learn(&self, registry: &Registry, id: u32) -> Result<(), DecodeError> {
        let schema = registry.fetch(id).await.map_err(|source| DecodeError::Registry { id, source })?;
        let schema = schema.ok_or(DecodeError::UnknownSchema { id })?;
        let older = Older::parse(&schema).map_err(|reason| DecodeError::ForeignSchema { id, reason })?;
        self.0.known.write().unwrap_or_else(PoisonError::into_inner).insert(id, Known::Older(Arc::new(older)));
        Ok(())
    }
}

pub(crate) fn unframe(payload: &[u8]) -> Result<(u32, &[u8]), DecodeError> {
    if payload.len() > PAYLOAD_BYTES_MAX {
        return Err(DecodeError::TooLarge { bytes: payload.len() });
    }
    match payload.first() {
        None => return Err(DecodeError::Truncated),
        Some(0) => {}
        Some(&found) => return Err(DecodeError::MagicByte { found }),
    }
    let (frame, body) = payload.split_at_checked(FRAME_BYTES).ok_or(DecodeError::Truncated)?;
    Ok((u32::from_be_bytes([frame[1], frame[2], frame[3], frame[4]]), body))
}
