//! The itinerary of one person: stays, trips and what was done, with gaps and contradictions in sight.
//!
//! An itinerary is a function of the set of facts, not of their order. What cannot both be true stands there twice, and
//! is named: the hub does not choose. The caller has left out facts that a later version replaced.

use domain::{CodeColour, GateDecision, GateDirection, TestOutcome, Timestamp, TravelMode, TripStatus};
use serde::{Deserialize, Serialize};

use crate::stay::minutes;
use crate::{FactId, PlaceId, Position, Presence, Rules, Span, Stay, stays};

/// A journey of a person, as a ticket states it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trip {
    /// How.
    pub mode: TravelMode,
    /// The run: one vehicle on one service date, whatever number is printed on a ticket. The caller's number.
    pub run: u32,
    /// Carriage.
    pub carriage: Option<String>,
    /// Seat; `None` when standing.
    pub seat: Option<String>,
    /// From departure until arrival; the same instant twice when the arrival is not known.
    pub span: Span,
    /// What became of the ticket.
    pub status: TripStatus,
}

impl Trip {
    /// Whether the person may have been on board: a ticket given back or changed for another is no journey.
    pub const fn is_taken(&self) -> bool {
        !matches!(self.status, TripStatus::Refunded | TripStatus::Rebooked)
    }
}

/// What a fact says about a person, other than a presence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Happening {
    /// A journey, or a ticket for one.
    Trip(Trip),
    /// A stay in hospital, or a visit.
    Encounter {
        /// Hospital.
        place: PlaceId,
        /// Ward.
        ward: Option<PlaceId>,
        /// From when until when.
        span: Span,
    },
    /// A laboratory result.
    Test {
        /// When the specimen was taken, or else reported.
        at: Timestamp,
        /// What was found.
        outcome: TestOutcome,
    },
    /// A payment.
    Payment {
        /// When.
        at: Timestamp,
        /// Where the terminal stands; `None` when the person was not there.
        place: Option<PlaceId>,
    },
    /// A gate.
    Gate {
        /// When.
        at: Timestamp,
        /// Where the gate stands.
        place: PlaceId,
        /// Which way.
        direction: GateDirection,
        /// What the gate decided.
        decision: GateDecision,
        /// Colour of the code that was shown.
        code: CodeColour,
    },
}

impl Happening {
    fn span(&self) -> Span {
        match self {
            Self::Trip(trip) => trip.span,
            Self::Encounter { span, .. } => *span,
            Self::Test { at, .. } | Self::Payment { at, .. } | Self::Gate { at, .. } => Span::new(*at, *at),
        }
    }

    /// Where the person was all the time, if the fact says so. Somebody may hand a specimen in for another.
    const fn place(&self) -> Option<PlaceId> {
        match self {
            Self::Encounter { place, .. } | Self::Gate { place, .. } => Some(*place),
            Self::Payment { place, .. } => *place,
            Self::Trip(_) | Self::Test { .. } => None,
        }
    }
}

/// A line of an itinerary.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// The person stayed in a place.
    Stay(Stay),
    /// Something happened; every fact that says so.
    Happening(Happening, Vec<FactId>),
    /// Nothing is known.
    Gap(Span),
}

impl Item {
    /// From when until when.
    pub fn span(&self) -> Span {
        match self {
            Self::Stay(stay) => stay.span,
            Self::Happening(happening, _) => happening.span(),
            Self::Gap(span) => *span,
        }
    }

    fn facts(&self) -> &[FactId] {
        match self {
            Self::Stay(stay) => &stay.facts,
            Self::Happening(_, facts) => facts,
            Self::Gap(_) => &[],
        }
    }

    fn place(&self) -> Option<PlaceId> {
        match self {
            Self::Stay(stay) => Some(stay.place),
            Self::Happening(happening, _) => happening.place(),
            Self::Gap(_) => None,
        }
    }

    fn trip(&self) -> Option<&Trip> {
        match self {
            Self::Happening(Happening::Trip(trip), _) if trip.is_taken() => Some(trip),
            _ => None,
        }
    }

    /// Whether somebody had to be in a place themselves for it, at one moment.
    fn is_moment(&self) -> bool {
        let is_there =
            matches!(self, Self::Happening(Happening::Gate { .. } | Happening::Payment { place: Some(_), .. }, _));
        is_there && self.span().millis() == 0
    }

    /// Whether it says where the person was for its whole span.
    fn covers(&self) -> bool {
        matches!(self, Self::Stay(_) | Self::Happening(Happening::Encounter { .. }, _)) || self.trip().is_some()
    }
}

/// Two items that cannot both be true.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Contradiction {
    /// Index of one item.
    pub one: usize,
    /// Index of the other, greater.
    pub other: usize,
    /// When both claim the person.
    pub span: Span,
}

/// Where a person was and what they did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Itinerary {
    /// Version of the rules.
    pub rules: String,
    /// The time that it is about.
    pub window: Span,
    /// In order of time.
    pub items: Vec<Item>,
    /// What cannot both be true, in order.
    pub contradictions: Vec<Contradiction>,
}

/// A place as a disc; the radius is in metres.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Disc {
    /// Centre.
    pub centre: Position,
    /// Radius.
    pub radius_m: f64,
}

impl Itinerary {
    /// From the facts of one person; `disc` gives the position of a place, if it is known. Stays are cut at the window.
    pub fn new(
        rules: &Rules,
        window: Span,
        presences: &[Presence],
        happenings: &[(FactId, Happening)],
        disc: impl Fn(PlaceId) -> Option<Disc>,
    ) -> Self {
        let mut items: Vec<Item> = stays(&rules.stay, presences)
            .into_iter()
            .filter_map(|stay| Some(Item::Stay(stay.within(window)?)))
            .collect();
        items.extend(happened(window, happenings));
        let gaps = gaps(rules, window, &items);
        items.extend(gaps);
        items.sort_by(|one, other| {
            let key = |item: &Item| (item.span(), rank(item));
            key(one).cmp(&key(other)).then_with(|| one.facts().cmp(other.facts()))
        });
        let contradictions = contradictions(rules, &items, disc);
        Self { rules: rules.version(), window, items, contradictions }
    }
}

const fn rank(item: &Item) -> u8 {
    match item {
        Item::Stay(_) => 0,
        Item::Happening(..) => 1,
        Item::Gap(_) => 2,
    }
}

/// What happened within the window. Facts that say the same (two sources of one ticket) are one item.
fn happened(window: Span, happenings: &[(FactId, Happening)]) -> Vec<Item> {
    let mut sorted: Vec<&(FactId, Happening)> =
        happenings.iter().filter(|(_, happening)| happening.span().common(window).is_some()).collect();
    sorted.sort_by_key(|(fact, _)| *fact);
    sorted.dedup_by_key(|(fact, _)| *fact);
    let mut found: Vec<(Happening, Vec<FactId>)> = Vec::with_capacity(sorted.len());
    for (fact, happening) in sorted {
        match found.iter_mut().find(|(known, _)| known == happening) {
            Some((_, facts)) => facts.push(*fact),
            None => found.push((happening.clone(), vec![*fact])),
        }
    }
    found.into_iter().map(|(happening, facts)| Item::Happening(happening, facts)).collect()
}

/// Time of the window that nothing covers. A moment in a place ends one gap and begins another.
fn gaps(rules: &Rules, window: Span, items: &[Item]) -> Vec<Item> {
    let mut covered: Vec<Span> =
        items.iter().filter(|item| item.covers() || item.is_moment()).map(Item::span).collect();
    covered.sort_unstable();
    covered.push(Span { from: window.to, to: window.to });
    let mut known_until = window.from;
    let mut found = Vec::new();
    for span in covered {
        let gap = Span { from: known_until, to: span.from };
        if gap.millis() > minutes(rules.stay.gap_over_min) {
            found.push(Item::Gap(gap));
        }
        known_until = known_until.max(span.to);
    }
    found
}

/// Whether somebody cannot have travelled. A phone travels along; only who stayed in one place for the whole journey was
/// elsewhere, or who passed a gate or paid somewhere on the way.
fn is_elsewhere(item: &Item, journey: Span) -> bool {
    let span = item.span();
    item.is_moment() || (item.covers() && span.from <= journey.from && journey.to <= span.to)
}

fn contradictions(rules: &Rules, items: &[Item], disc: impl Fn(PlaceId) -> Option<Disc>) -> Vec<Contradiction> {
    let discs: Vec<Option<Disc>> = items.iter().map(|item| item.place().and_then(&disc)).collect();
    let apart = |one: usize, other: usize| match (discs[one], discs[other]) {
        (Some(a), Some(b)) => a.centre.distance_m(b.centre) - a.radius_m - b.radius_m > rules.stay.apart_over_m,
        _ => false,
    };
    let margin = minutes(rules.stay.apart_over_min);
    let mut found = Vec::new();
    for (one, item) in items.iter().enumerate() {
        let own = item.span();
        for (other, later) in items.iter().enumerate().skip(one + 1).take_while(|(_, item)| item.span().from <= own.to)
        {
            let theirs = later.span();
            let Some(span) = own.common(theirs) else { continue };
            // An instant contradicts a stay when it lies within it by more than the margin.
            let long = if theirs.millis() == 0 || own.millis() == 0 {
                let around = if own.millis() == 0 { theirs } else { own };
                span.from.as_millis() - around.from.as_millis() > margin
                    && around.to.as_millis() - span.to.as_millis() > margin
            } else {
                span.millis() > margin
            };
            let impossible = match (item.trip(), later.trip()) {
                (None, None) => apart(one, other),
                (Some(trip), Some(also)) => trip.run != also.run,
                (Some(_), None) => is_elsewhere(later, own),
                (None, Some(_)) => is_elsewhere(item, theirs),
            };
            if long && impossible {
                found.push(Contradiction { one, other, span });
            }
        }
    }
    found
}
