//! What is done about somebody who met a case: told, quarantined, brought to a hospital, handed over, released.

use serde::{Deserialize, Serialize};

use crate::{RecordId, Sensitive, Timestamp};

macro_rules! words {
    ($(#[$doc:meta])* $list:ident { $($(#[$word_doc:meta])* $word:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "SCREAMING_SNAKE_CASE")]
        pub enum $list {
            $($(#[$word_doc])* $word,)+
        }

        impl $list {
            /// Every item, in the order of the schema.
            pub const ALL: &[Self] = &[$(Self::$word),+];

            /// The code that questions and answers use.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$word => $code,)+ }
            }

            /// The item with this code, letter for letter.
            pub fn from_code(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|item| item.code() == code)
            }
        }
    };
}

words! {
    /// Something that was done. Without a default: what a reader does not know it must not guess.
    FollowUpStep {
        /// Disease control named the person a contact: the follow-up begins.
        Begun = "begun",
        /// Disease control said by hand which unit has it.
        Assigned = "assigned",
        /// The person was told.
        Notified = "notified",
        /// The person was sought and not found.
        NotReached = "not_reached",
        /// The person does not go along.
        Refused = "refused",
        /// The person is in quarantine, or for another time than before.
        Quarantined = "quarantined",
        /// The quarantine is over.
        Released = "released",
        /// Another follow-up looks after the same person.
        Covered = "covered",
        /// The unit offered it to another one.
        Offered = "offered",
        /// The other unit took it.
        Accepted = "accepted",
        /// The other unit did not take it.
        Declined = "declined",
        /// The unit took its offer back.
        TakenBack = "taken_back",
        /// Referral: the community clinic saw the person.
        Screened = "screened",
        /// Referral: the person is on the way.
        Transported = "transported",
        /// Referral: the designated hospital took the person in.
        Admitted = "admitted",
        /// Referral: it is known what became of the person.
        ReferralClosed = "referral_closed",
        /// There is nothing left to be done: the state says why.
        Closed = "closed",
        /// A later meeting with the case became known.
        MetAgain = "met_again",
    }
}

words! {
    /// Where a follow-up is. Without a default: what a reader does not know it must not guess.
    FollowUpState {
        /// Nobody told the person yet.
        ToNotify = "to_notify",
        /// The person was told, and is not in quarantine yet.
        Notified = "notified",
        /// The person was sought and not found.
        NotReached = "not_reached",
        /// The person does not go along.
        Refused = "refused",
        /// The person is in quarantine.
        Quarantined = "quarantined",
        /// The quarantine is over: the end.
        Released = "released",
        /// Another follow-up looks after the same person: the end.
        Covered = "covered",
        /// By the rules a quarantine would be over, and there was none: the end.
        PeriodOver = "period_over",
        /// The person died: the end.
        Died = "died",
        /// Whoever is at this unit is not the person who met the case: the end.
        NotThisPerson = "not_this_person",
        /// The person moved away, and no unit of the hub can reach them: the end.
        MovedAway = "moved_away",
    }
}

words! {
    /// How far a referral is. Without a default: what a reader does not know it must not guess.
    ReferralStage {
        /// The community clinic saw the person.
        Screened = "screened",
        /// The person is on the way to the designated hospital.
        Transported = "transported",
        /// The hospital took the person in.
        Admitted = "admitted",
        /// It is known what became of the person.
        Closed = "closed",
    }
}

words! {
    /// What became of a referred person; never what was found. Without a default: what a reader does not know it must not guess.
    ReferralOutcome {
        /// Not taken in, and back at home.
        ReturnedHome = "returned_home",
        /// Taken in, and discharged.
        Discharged = "discharged",
        /// Brought to another hospital.
        Transferred = "transferred",
        /// Died.
        Died = "died",
    }
}

impl FollowUpState {
    /// Why a follow-up is closed that comes to no release: each is an end and counts apart.
    pub const REASONS: [Self; 4] = [Self::PeriodOver, Self::Died, Self::NotThisPerson, Self::MovedAway];

    /// Whether nothing is left to be done.
    pub const fn is_ended(self) -> bool {
        match self {
            Self::ToNotify | Self::Notified | Self::NotReached | Self::Refused | Self::Quarantined => false,
            Self::Released | Self::Covered | Self::PeriodOver | Self::Died | Self::NotThisPerson | Self::MovedAway => {
                true
            }
        }
    }
}

/// A person on the way from the community clinic to the designated hospital.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Referral {
    /// How far.
    pub stage: ReferralStage,
    /// Since when.
    pub since: Timestamp,
    /// Where.
    pub place: Option<Sensitive<String>>,
    /// What became of the person, at the end.
    pub outcome: Option<ReferralOutcome>,
}

impl Referral {
    /// Whether the next step is still to come.
    pub fn is_open(&self) -> bool {
        self.stage != ReferralStage::Closed
    }
}

/// `follow-up.changed`: a step in the follow-up of somebody who met a case. All steps of one follow-up are versions of one
/// source record, and each says what holds after it, so that the highest version is the follow-up as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUpChanged {
    /// The record of the case.
    pub case: RecordId,
    /// A record of the person, the oldest when the follow-up began: the person is whose record it is.
    pub record: RecordId,
    /// What was done; the time of the event is when.
    pub step: FollowUpStep,
    /// Handle of who did it, as it stands in the ledger.
    pub by: String,
    /// Where the follow-up is.
    pub state: FollowUpState,
    /// Since when.
    pub since: Timestamp,
    /// When the quarantine ends; stays when it is over.
    pub until: Option<Timestamp>,
    /// How often in a row the person was not reached.
    pub attempts: i32,
    /// End of the last meeting with the case that was known when the follow-up began, or since.
    pub met: Timestamp,
    /// The community unit that has it; none has it while it is absent.
    pub unit: Option<String>,
    /// The unit that it is offered to. Until that one accepts, the other one has it.
    pub offered_to: Option<String>,
    /// Since when it is offered.
    pub offered: Option<Timestamp>,
    /// The last referral.
    pub referral: Option<Referral>,
    /// What the next worker should know; names nobody.
    pub note: Option<Sensitive<String>>,
}

impl FollowUpChanged {
    /// The source system of follow-ups, in the envelope.
    pub const SOURCE: &str = "follow-ups";

    /// Which follow-up it is, in the envelope: of a case, a person and the unit that it began at.
    pub fn source_record_id(case: RecordId, record: RecordId, unit: Option<&str>) -> String {
        format!("{case}.{record}.{}", unit.unwrap_or("unassigned"))
    }
}
