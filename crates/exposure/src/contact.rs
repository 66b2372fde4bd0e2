//! Contacts: who was near a case, when, where and for how long.
//!
//! An [`Index`] is built over everybody's stays and answers any number of questions; when facts of single persons change,
//! the next index shares with it all squares but theirs. It holds about 29 bytes for a stay, sorted by square and time, and
//! no stay that is too short to be a contact. Two persons are in contact
//! - in one square for more unbroken time than the rules say. Stays of one person in one square that touch are one;
//! - in one dwelling, unless it is of a collective household; in one ward;
//! - in one vehicle: the carriage of a train, the cabin of a ship, some rows of an aircraft, the whole coach.
//!
//! Where a place is a disc over several squares, a stay counts in each of them, as sure as the square's share. A meeting
//! is as sure as both stays together, so the weighed minutes of a contact are an expectation.
//!
//! Not here: positions, which [`crate::Grid`] turned into squares, and who may ask.

mod chain;
mod index;
mod meet;
mod room;
mod shelf;
mod source;

use serde::{Deserialize, Serialize};

use crate::{PlaceId, Square};

pub use chain::{Carrier, Link, SubContacts};
pub use index::{Index, IndexError, Located};
pub use meet::{Case, Contact, Contacts, Exposed, Ranking};
pub use room::{Occupancy, Room, ride_room, seat_row};
pub(crate) use source::{Reached, Sources};

/// Number of a person, which the caller gives out and resolves. The greatest should not be far above the count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PersonId(pub u32);

/// Seconds since 1970-01-01T00:00:00Z; enough until 2106.
pub type Second = u32;

/// From a second until another, which does not belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seconds {
    /// First second.
    pub from: Second,
    /// Second after the last.
    pub to: Second,
}

impl Seconds {
    /// The whole seconds within a span: never more than the facts say. `None` before 1970 and after 2106.
    pub fn within(span: crate::Span) -> Option<Self> {
        let from = span.from.as_millis().div_euclid(1_000) + i64::from(span.from.as_millis().rem_euclid(1_000) > 0);
        let to = span.to.as_millis().div_euclid(1_000).max(from);
        Some(Self { from: from.try_into().ok()?, to: to.try_into().ok()? })
    }

    /// How many.
    pub const fn count(self) -> u32 {
        self.to.saturating_sub(self.from)
    }

    /// What both have in common; nothing is a count of 0.
    #[must_use]
    pub fn common(self, other: Self) -> Self {
        let from = self.from.max(other.from);
        Self { from, to: self.to.min(other.to).max(from) }
    }
}

/// Where two persons met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scene {
    /// In one square.
    Square(Square),
    /// In neighbouring squares: the case's, and the other's.
    Beside(Square, Square),
    /// In one dwelling.
    Dwelling(PlaceId),
    /// In one ward.
    Ward(PlaceId),
    /// In one vehicle, carriage, cabin or within the rows: the run.
    Vehicle(u32),
}

/// Two persons were near each other: one piece of the evidence of a contact.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Meeting {
    /// Where.
    pub scene: Scene,
    /// When, unbroken.
    pub span: Seconds,
    /// How sure, from 0 to 1.
    pub confidence: f32,
    /// Entry of the scene that places the case (or the contact, for a sub-contact) there; [`Index::facts`] resolves it.
    pub own: u32,
    /// Entry of the scene that places the other one there.
    pub other: u32,
}

/// A stay that met so many others that they are not listed (a stadium).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Crowd {
    /// Who stayed there.
    pub person: PersonId,
    /// Where.
    pub square: Square,
    /// When.
    pub span: Seconds,
    /// How many stays of others it met.
    pub stays: u32,
}
