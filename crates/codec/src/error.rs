//! What can go wrong. No text here holds a value of the message.

use domain::EventType;

/// Why an event could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// The event is larger than a message may be.
    #[error("an event of type {} takes {bytes} bytes, more than a message may have", event_type.name())]
    TooLarge {
        /// Type of the event.
        event_type: EventType,
        /// Bytes it would take.
        bytes: usize,
    },
    /// A change of a person does not fit a message.
    #[error("a change of a person does not fit a message")]
    PersonFile,
    /// The schema and the type in the program disagree.
    #[error("an event of type {} does not fit its schema at field {}", event_type.name(), field.as_deref().unwrap_or("?"))]
    Unwritable {
        /// Type of the event.
        event_type: EventType,
        /// The field, where known.
        field: Option<String>,
    },
}

/// Why a message is not an event that this program understands.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// The message ends too early.
    #[error("the message ends before the event does")]
    Truncated,
    /// The message is larger than an event may be.
    #[error("the message has {bytes} bytes, more than an event may have")]
    TooLarge {
        /// Bytes it has.
        bytes: usize,
    },
    /// The message does not begin with the zero byte of the framing.
    #[error("the message begins with byte {found:#04x} instead of 0x00 and a schema id")]
    MagicByte {
        /// The byte it begins with.
        found: u8,
    },
    /// Nobody knows this schema id.
    #[error("schema id {id} is not in the catalogue")]
    UnknownSchema {
        /// The id.
        id: u32,
    },
    /// The registry's schema of this id is none that an event of the hub can be read from.
    #[error("the schema with id {id} does not describe an event of the hub: {reason}")]
    ForeignSchema {
        /// The id.
        id: u32,
        /// What is wrong with the schema.
        reason: &'static str,
    },
    /// The event is of a type that this topic does not carry.
    #[error("an event of type {} does not belong on this topic; it belongs on {}", event_type.name(), event_type.topic())]
    WrongTopic {
        /// Type of the event.
        event_type: EventType,
    },
    /// Something follows the event.
    #[error("{count} bytes follow an event of type {}", event_type.name())]
    TrailingBytes {
        /// Type of the event.
        event_type: EventType,
        /// How many bytes follow.
        count: usize,
    },
    /// The bytes do not fit the schema.
    #[error("an event of type {} does not fit its schema at byte {offset}", event_type.name())]
    Malformed {
        /// Type of the event.
        event_type: EventType,
        /// Bytes read when it was noticed.
        offset: usize,
    },
    /// The bytes do not fit the schema that they name.
    #[error("the message does not fit its schema, {id}")]
    NotOfSchema {
        /// The id.
        id: u32,
    },
    /// The registry could not be asked about the schema id.
    #[error("schema id {id} is not known here and could not be looked up")]
    Registry {
        /// The id.
        id: u32,
        /// Why.
        #[source]
        source: RegistryError,
    },
}

impl DecodeError {
    /// A code of a closed set, for quarantine and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Truncated => "event-truncated",
            Self::TooLarge { .. } => "event-too-large",
            Self::MagicByte { .. } => "event-framing",
            Self::UnknownSchema { .. } => "event-schema-unknown",
            Self::ForeignSchema { .. } => "event-schema-foreign",
            Self::WrongTopic { .. } => "event-wrong-topic",
            Self::TrailingBytes { .. } => "event-trailing-bytes",
            Self::Malformed { .. } | Self::NotOfSchema { .. } => "event-malformed",
            Self::Registry { .. } => "event-registry-away",
        }
    }

    /// Whether the same message may decode later: the message is not at fault, the registry was out of reach.
    pub const fn is_transient(&self) -> bool {
        matches!(self, Self::Registry { source: RegistryError::Http(_) | RegistryError::Refused { .. }, .. })
    }
}

/// What went wrong between us and a schema registry.
#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    /// The configured address is not an HTTP address.
    #[error("the registry's address is not an http or https address")]
    Address,
    /// The request did not succeed.
    #[error("the registry could not be reached")]
    Http(#[from] reqwest::Error),
    /// The registry said no.
    #[error("the registry refused {action} with status {status}, code {code}: {message}")]
    Refused {
        /// What was asked.
        action: String,
        /// HTTP status.
        status: u16,
        /// The registry's own code, 0 when it gave none.
        code: i64,
        /// The registry's own words, shortened.
        message: String,
    },
    /// The answer is not what the registry's API promises.
    #[error("the registry's answer to {action} is not understood")]
    Answer {
        /// What was asked.
        action: String,
    },
}
