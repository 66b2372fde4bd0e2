//! What goes into the engine and what comes out of it.

use domain::{IdentityObserved, PersonId, RecordId, SourceKind, Timestamp, Verdict};
use serde::{Deserialize, Serialize};

use crate::orders::{Order, OrderState, Pair};

/// A source record as linkage sees it: its statement in the highest version, and when it was first made.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Which source record.
    pub key: RecordId,
    /// The earliest event time over all its versions: the oldest record of a cluster names the person.
    pub first_time: Timestamp,
    /// What it states.
    pub statement: IdentityObserved,
    /// What kind of organisation states it.
    pub source_kind: SourceKind,
}

/// A change of the set of records, or of the standing orders about them.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "nearly every change is an upsert")]
pub enum Change {
    /// The record is as given, whatever it was before.
    Upsert(Record),
    /// The record is no longer there.
    Remove(RecordId),
    /// The order stands, whatever stood about its pair before. Its records may be absent.
    Order(Order),
    /// No order about the two records stands any more.
    OrderEnded(RecordId, RecordId),
}

/// What a batch of changes did to the persons.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Delta {
    /// Clusters that are new, have other members, or have a member that states something else. In order of person.
    pub clusters: Vec<ClusterChange>,
    /// Persons that no longer exist under their id: their records went into other clusters or away. In order.
    pub dissolved: Vec<PersonId>,
    /// Review tasks that are new, or of which something is another than before. In order of records.
    pub review: Vec<Task>,
    /// Pairs on which there is no task any more. In order of records.
    pub review_ended: Vec<Pair>,
    /// Standing orders that are in another state than before. In order of records.
    pub orders: Vec<(Pair, OrderState)>,
}

/// A cluster as it is now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClusterChange {
    /// The person: named by the oldest member.
    pub person: PersonId,
    /// The records, oldest first.
    pub members: Vec<RecordId>,
    /// The links that hold it together, the strongest first: one less than members.
    pub links: Vec<Link>,
}

/// A weighed pair of records. `a` is the smaller key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Link {
    /// One record.
    pub a: RecordId,
    /// The other record.
    pub b: RecordId,
    /// Match weight in bits: the log2 odds that both are one person, prior included.
    pub weight: f64,
    /// What it is made of; the weights and frequencies add up to `weight`.
    pub parts: Vec<Part>,
}

/// A pair that a reviewer is asked about.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// The pair and its weight.
    pub link: Link,
    /// Why it is asked about.
    pub kind: TaskKind,
    /// Since when both records are known, and the order that the task is about.
    pub since: Timestamp,
    /// The pairs of the orders that the order on this pair contradicts, in order.
    pub against: Vec<Pair>,
}

/// Why a reviewer is asked about a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TaskKind {
    /// The weight lies between the review and the link threshold.
    Band,
    /// The weight would link them, but their clusters on the whole disagree.
    HeldApart,
    /// A record could nearly as well belong to the cluster of the other as to its own.
    RunnerUp,
    /// They are in one cluster, to which one of them is held by little else.
    LooseMember,
    /// The order on them contradicts newer orders and is set aside.
    OrdersContradict,
    /// An order holds records together that state different values of an exclusive number.
    OrderJoinsNumbers,
}

impl TaskKind {
    /// The code that columns and answers use.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Band => "band",
            Self::HeldApart => "held-apart",
            Self::RunnerUp => "runner-up",
            Self::LooseMember => "loose-member",
            Self::OrdersContradict => "orders-contradict",
            Self::OrderJoinsNumbers => "order-joins-numbers",
        }
    }
}

/// What one field adds to a match weight.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// The field.
    pub field: Field,
    /// The level of agreement it reached.
    pub level: Level,
    /// Bits for reaching the level.
    pub weight: f64,
    /// Bits for the rarity of the value agreed on.
    pub frequency: f64,
}

/// A pair of records, weighed and judged.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The weights.
    pub link: Link,
    /// From this weight on, pairs are linked.
    pub link_threshold: f64,
    /// From this weight on, pairs are put up for review.
    pub review_threshold: f64,
    /// Version of the model.
    pub model_version: String,
    /// The exclusive identifier of which both hold different values, so that they stay apart whatever the weight.
    pub conflict: Option<Field>,
    /// Whether both are in one cluster now.
    pub together: bool,
    /// The standing order on the pair, if there is one.
    pub order: Option<StandingOrder>,
}

/// The standing order on a pair, and what has become of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StandingOrder {
    /// Whether both are of one person.
    pub verdict: Verdict,
    /// What has become of it.
    #[serde(flatten)]
    pub state: OrderState,
}

/// A value that so many different people state that it counts for nothing. The value itself is not here: any of its
/// records states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HotValue {
    /// What it is a value of.
    pub field: Field,
    /// Records that state it.
    pub records: usize,
    /// Different names among them; for a name, different birth dates.
    pub bearers: usize,
    /// One of the records: that with the smallest key.
    pub record: RecordId,
    /// Field and value as a number, for a keyed hash of it: a short value can be guessed from it.
    #[serde(skip)]
    pub value: u64,
}

impl HotValue {
    /// The fields of which a value can be hot.
    pub const FIELDS: [Field; 9] = [
        Field::NationalId,
        Field::RecordNumber,
        Field::Document,
        Field::Account,
        Field::Name,
        Field::BirthDate,
        Field::Phone,
        Field::Address,
        Field::Household,
    ];
}

/// A field of the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// How likely any two records are of one person, before looking at them.
    Prior,
    /// Resident number.
    NationalId,
    /// Exclusive numbers of an issuer: medical record, health card.
    RecordNumber,
    /// Passports and permits.
    Document,
    /// Wallets, cards, tickets, SIMs: what one person mostly has alone, and may have several of.
    Account,
    /// Name.
    Name,
    /// Birth date.
    BirthDate,
    /// Sex.
    Sex,
    /// Phone numbers.
    Phone,
    /// Address.
    Address,
    /// Household or meter account.
    Household,
    /// What is taken back because relatives share surname, phone and address.
    Kinship,
}

/// A level of agreement of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// No comparison took place (prior, correction).
    Given,
    /// The same value.
    Same,
    /// The same sound in other characters, or in Latin letters.
    Sound,
    /// What is not hidden agrees.
    Fits,
    /// The same given name under another surname.
    GivenName,
    /// A slip away: one character, one digit, two swapped.
    Near,
    /// Only the surname agrees.
    Surname,
    /// Only the year agrees (and only the year is known of one).
    Year,
    /// The same number, for one of them only as a contact.
    Contact,
    /// Different values.
    Different,
    /// The same value, which so many people state that it counts for nothing.
    Hot,
}

/// Counts of what the engine holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Statistics {
    /// Records.
    pub records: usize,
    /// Clusters.
    pub clusters: usize,
    /// Blocking keys with at least one record.
    pub blocks: usize,
    /// Blocking keys with so many records that they propose no pairs.
    pub hot_blocks: usize,
    /// Values that so many different people state that they count for nothing.
    pub hot_values: usize,
    /// Pairs at or above the review threshold.
    pub edges: usize,
    /// Pairs compared since the start.
    pub compared: u64,
}
