//! Pure disease-control rules: where somebody was, whom they met, and what follows for townships and health codes.
//!
//! Everything here is a function of facts, rules and an instant. Persons, places and facts are numbers that the caller
//! hands out: the crate never sees a name or an identifier. Every number of a rule is in [`Rules`], whose version an
//! answer names.
//!
//! Not here: reading facts (`store`), who may ask (`access`), and the record of the answer (`ledger`).

mod code;
mod codes;
mod community;
mod contact;
pub mod follow_up;
mod itinerary;
mod key_group;
mod risk;
mod rules;
pub mod signal;
mod square;
mod stay;
mod township;

pub use code::{Cause, Colour, Ground, HealthCode, Reason};
pub use codes::{CityCode, TracedCase};
pub use community::{Census, Count, GroupCount, Membership, Resident};
pub use contact::{
    Carrier, Case, Contact, Contacts, Crowd, Exposed, Index, IndexError, Link, Located, Meeting, Occupancy, PersonId,
    Ranking, Room, Scene, Second, Seconds, SubContacts, ride_room, seat_row,
};
pub use itinerary::{Contradiction, Disc, Happening, Item, Itinerary, Trip};
pub use key_group::{Alone, Company, KeyGroup, KeyGroups, Standing};
pub use risk::{CaseId, CaseState, KnownCase, Level, Risk, TownshipId, township_risks};
pub use rules::{
    CodeRules, ContactRules, RideRules, RideScope, RiskRules, Rules, RulesError, SquareRules, StayRules, Weights,
};
pub use square::{Grid, LATITUDE_MAX, Overlap, Position, Square, SquareError};
pub use stay::{FactId, PlaceId, Presence, Span, Stay, stays};
pub use township::{TOWNSHIP_DIGITS, Township, Townships, TownshipsError};
