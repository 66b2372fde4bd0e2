//! Changes of persons as messages of the topic `person.file`.

use std::sync::LazyLock;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use domain::{ChangeCause, ChangeKind, PersonChange, PersonId, RecordId, Timestamp};
use serde::{Deserialize, Serialize};

use crate::Catalogue;

/// The topic, without a deployment's prefix. It is compacted: the newest message of a person stays.
pub const PERSON_FILE_TOPIC: &str = "person.file";

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| {
    // Unwrap safety: the schema is part of the program, and `a_change_comes_back_as_it_was` uses it.
    Schema::parse_str(&Catalogue::builtin().person_file().schema).expect("a built-in schema is sound")
});

/// A change of a person as a consumer of the topic reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonFile {
    /// The id.
    pub person_id: PersonId,
    /// Place in the order of all changes.
    pub seq: i64,
    /// When the hub knew it.
    pub at: Timestamp,
    /// What happened.
    #[serde(with = "kind")]
    pub kind: ChangeKind,
    /// The source records, oldest first; of an id that is no person any more the last it had.
    pub members: Vec<RecordId>,
    /// There are more records than a message holds, so none is listed.
    pub members_omitted: bool,
    /// Persons that records came from.
    pub from_persons: Vec<PersonId>,
    /// Persons that records went to.
    pub into_persons: Vec<PersonId>,
    /// Why; `None` for a reason that this program does not know.
    #[serde(with = "cause")]
    pub cause: Option<ChangeCause>,
    /// Linkage model in force.
    pub model_version: String,
}

impl PersonFile {
    /// The message of a change.
    pub(crate) fn of(change: &PersonChange) -> Self {
        Self {
            person_id: change.person_id,
            seq: change.seq,
            at: change.at,
            kind: change.kind,
            members: change.members.clone(),
            members_omitted: false,
            from_persons: change.from_persons.clone(),
            into_persons: change.into_persons.clone(),
            cause: Some(change.cause),
            model_version: change.model_version.clone(),
        }
    }

    /// Appends it to the buffer; `None` when it does not fit the schema.
    pub(crate) fn write(&self, buffer: &mut Vec<u8>) -> Option<()> {
        GenericDatumWriter::builder(&SCHEMA).build().ok()?.write_ser(buffer, self).ok().map(|_| ())
    }

    /// Reads one that fills the bytes.
    pub(crate) fn read(mut bytes: &[u8]) -> Option<Self> {
        let read = GenericDatumReader::builder(&SCHEMA).build().ok()?.read_deser(&mut bytes).ok()?;
        bytes.is_empty().then_some(read)
    }
}

/// The symbols of the schema, in its order, as a type that Avro writes as an enum.
macro_rules! symbols {
    ($module:ident: $value:ty, $($symbol:ident = $domain:pat => $back:expr),+ $(,)?) => {
        mod $module {
            use serde::{Deserializer, Serializer};

            use super::*;

            #[derive(Serialize, Deserialize)]
            #[serde(rename_all = "SCREAMING_SNAKE_CASE", rename = "Symbol")]
            enum Symbol {
                $($symbol,)+
            }

            pub(super) fn serialize<S: Serializer>(value: &$value, serializer: S) -> Result<S::Ok, S::Error> {
                match value { $($domain => Symbol::$symbol,)+ }.serialize(serializer)
            }

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<$value, D::Error> {
                Ok(match Symbol::deserialize(deserializer)? { $(Symbol::$symbol => $back,)+ })
            }
        }
    };
}

symbols! {
    kind: ChangeKind,
    Created = ChangeKind::Created => ChangeKind::Created,
    Restored = ChangeKind::Restored => ChangeKind::Restored,
    Changed = ChangeKind::Changed => ChangeKind::Changed,
    Joined = ChangeKind::Joined => ChangeKind::Joined,
    Split = ChangeKind::Split => ChangeKind::Split,
    Merged = ChangeKind::Merged => ChangeKind::Merged,
    Forked = ChangeKind::Forked => ChangeKind::Forked,
    Ended = ChangeKind::Ended => ChangeKind::Ended,
}
symbols! {
    cause: Option<ChangeCause>,
    Unknown = None => None,
    Event = Some(ChangeCause::Event) => Some(ChangeCause::Event),
    Decision = Some(ChangeCause::Decision) => Some(ChangeCause::Decision),
    Model = Some(ChangeCause::Model) => Some(ChangeCause::Model),
    Rules = Some(ChangeCause::Rules) => Some(ChangeCause::Rules),
    Rebuild = Some(ChangeCause::Rebuild) => Some(ChangeCause::Rebuild),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Codec;

    fn change(kind: ChangeKind, cause: ChangeCause, members: u128) -> PersonChange {
        let record = |n: u128| RecordId::from_uuid(uuid::Uuid::from_u128(n));
        PersonChange {
            seq: 7,
            at: Timestamp::from_millis(1_646_107_200_123),
            person_id: PersonId::from_oldest(record(1)),
            kind,
            members: (1..=members).map(record).collect(),
            from_persons: vec![PersonId::from_oldest(record(2))],
            into_persons: Vec::new(),
            cause,
            cause_event: None,
            cause_batch: None,
            cause_decision: None,
            model_version: "zh-1".to_owned(),
        }
    }

    #[test]
    fn a_change_comes_back_as_it_was() {
        let codec = Codec::builtin();
        for &kind in ChangeKind::ALL {
            for &cause in ChangeCause::ALL {
                let change = change(kind, cause, 3);
                let encoded = codec.encode_person_file(&change).expect("encoded");
                assert_eq!(encoded.topic, PERSON_FILE_TOPIC);
                assert_eq!(encoded.key, change.person_id.as_uuid().simple().to_string().into_bytes());
                let back = codec.decode_person_file(&encoded.payload).expect("decoded");
                assert_eq!(back, PersonFile::of(&change));
                assert!(codec.decode_person_file(&encoded.payload[..encoded.payload.len() - 1]).is_err());
            }
        }
    }

    #[test]
    fn a_person_of_very_many_records_still_fits_a_message() {
        let change = change(ChangeKind::Changed, ChangeCause::Event, 80_000);
        let encoded = Codec::builtin().encode_person_file(&change).expect("encoded");
        let back = Codec::builtin().decode_person_file(&encoded.payload).expect("decoded");
        assert!(back.members_omitted && back.members.is_empty());
    }
}
