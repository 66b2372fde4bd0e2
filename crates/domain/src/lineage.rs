//! What became of persons: the words for a change of a person, as history, feed and topic use them.
//!
//! Invariant: a change holds ids only, no value of a person. Not here: when a change is one (`store::lineage`).

use crate::{BatchId, EventId, PersonId, RecordId, Timestamp};

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$item_doc])* $item,)+
        }

        impl $name {
            /// Every item.
            pub const ALL: &'static [Self] = &[$(Self::$item),+];

            /// The code that columns and answers use.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$item => $code,)+ }
            }

            /// The item with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|item| item.code() == code)
            }
        }
    };
}

codes! {
    /// What happened to a person id. After the first five it is a person, after the last three it is none any more.
    ChangeKind {
        /// A new person.
        Created = "created",
        /// It was a person before, went away, and is one again.
        Restored = "restored",
        /// Other records or other golden values; no other person had a part in it.
        Changed = "changed",
        /// Records of other persons came to it.
        Joined = "joined",
        /// Records of it went to other persons, and it went on.
        Split = "split",
        /// It went into one other person.
        Merged = "merged",
        /// It went into several other persons.
        Forked = "forked",
        /// Its records were taken back.
        Ended = "ended",
    }
}

codes! {
    /// Why a person changed.
    ChangeCause {
        /// A source stated something, or took it back.
        Event = "event",
        /// A reviewer decided, or took a decision back.
        Decision = "decision",
        /// Another linkage model decides.
        Model = "model",
        /// Other rules of survivorship choose the values, or another version of the program decides.
        Rules = "rules",
        /// The views were made anew from the log.
        Rebuild = "rebuild",
    }
}

impl ChangeKind {
    /// Whether the id is a person after the change.
    pub const fn is_person(self) -> bool {
        !matches!(self, Self::Merged | Self::Forked | Self::Ended)
    }
}

/// One change of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonChange {
    /// Place in the order of all changes.
    pub seq: i64,
    /// When the hub knew it.
    pub at: Timestamp,
    /// The person.
    pub person_id: PersonId,
    /// What happened.
    pub kind: ChangeKind,
    /// The source records, oldest first; of an id that is no person any more the last it had.
    pub members: Vec<RecordId>,
    /// Persons that records came from.
    pub from_persons: Vec<PersonId>,
    /// Persons that records went to.
    pub into_persons: Vec<PersonId>,
    /// Why.
    pub cause: ChangeCause,
    /// An event that brought it about, when it was one.
    pub cause_event: Option<EventId>,
    /// The batch of that event.
    pub cause_batch: Option<BatchId>,
    /// The decision that it was made or taken back, when it was one.
    pub cause_decision: Option<RecordId>,
    /// Linkage model in force.
    pub model_version: String,
}
