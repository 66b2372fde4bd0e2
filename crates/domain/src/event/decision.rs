//! What reviewers decide about records.

use serde::{Deserialize, Serialize};

use crate::{RecordId, Sensitive};

/// Whether two records are of one person. Without a default: what a reader does not know it must not guess.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Verdict {
    /// They are of one person.
    Same,
    /// They are of two persons.
    Different,
}

impl Verdict {
    /// The code that columns and answers use.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Same => "SAME",
            Self::Different => "DIFFERENT",
        }
    }

    /// The verdict with this code.
    pub fn from_code(code: &str) -> Option<Self> {
        [Self::Same, Self::Different].into_iter().find(|verdict| verdict.code() == code)
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $code:literal),+ $(,)?) => {
        /// Why a reviewer decides as they do, or takes a decision back.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
        pub enum DecisionReason {
            $($(#[$doc])* #[serde(rename = $code)] $name,)+
        }

        impl DecisionReason {
            /// Every reason.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// The code that events, columns and answers use.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The reason with this code.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|reason| reason.code() == code)
            }
        }
    };
}

reasons! {
    /// None of the others.
    #[default]
    Other = "OTHER",
    /// A document of the person was seen.
    DocumentSeen = "DOCUMENT_SEEN",
    /// A source system was asked and confirmed it.
    SourceConfirmed = "SOURCE_CONFIRMED",
    /// The person was asked and confirmed it.
    PersonConfirmed = "PERSON_CONFIRMED",
    /// They are two members of one family.
    Relatives = "RELATIVES",
    /// They are two people of one name.
    Namesakes = "NAMESAKES",
    /// The person really has two numbers, or one of them is wrong: the reviewer knows that they differ.
    NumberWrong = "NUMBER_WRONG",
    /// An earlier decision was a mistake.
    Mistaken = "MISTAKEN",
}

/// `link.decided`: a reviewer's standing order about two records. It outranks match weights. Of the decisions on a pair
/// that with the highest version counts; a retraction takes back the decision of its version, and the one before counts
/// again.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct LinkDecided {
    /// One record; the smaller id.
    pub record_a: RecordId,
    /// The other record.
    pub record_b: RecordId,
    /// Whether they are of one person.
    pub verdict: Verdict,
    /// Why.
    pub reason: DecisionReason,
    /// What else the next reviewer should know; names nobody.
    pub note: Option<Sensitive<String>>,
    /// Handle of the reviewer, as it stands in the ledger.
    pub reviewer: String,
}

impl LinkDecided {
    /// The source system of decisions, in the envelope.
    pub const SOURCE: &str = "link-decisions";

    /// Which decision it is, in the envelope: all decisions about one pair, whichever way round, are versions of one
    /// source record.
    pub fn source_record_id(one: RecordId, other: RecordId) -> String {
        format!("{}.{}", one.min(other), one.max(other))
    }
}
