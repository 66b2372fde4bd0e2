//! Facts of one person as `exposure` takes them: facts, places, tracks and runs become numbers, and places get the
//! position that a register gives them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::{
    Body, ClaimToken, Datum, EncounterAction, EncounterChanged, EventType, PaymentMade, PersonId, PlaceRef, Timestamp,
    TravelMode,
};
use exposure::{Disc, FactId, Happening, PlaceId, Position, Presence, Rules, Span, Trip};
use store::Conn;
use store::views::{self, PlaceRow};

use crate::call::Failure;
use crate::facts::{self, OwnedFact};
use crate::problem::Problem;

/// Facts of one person and one question at most.
const FACTS_MAX: usize = 20_000;
const DAY_MS: i64 = 86_400_000;

/// What is known of a person's whereabouts, with what resolves the numbers.
#[derive(Default)]
pub(crate) struct Whereabouts {
    pub(crate) presences: Vec<Presence>,
    pub(crate) happenings: Vec<(FactId, Happening)>,
    /// By number of the fact. The places in the bodies are as registers have them.
    pub(crate) facts: Vec<(OwnedFact, Body)>,
    /// By number of the place.
    pub(crate) places: Vec<PlaceRef>,
    /// Facts that say the person was there, but not where.
    pub(crate) unplaced: usize,
}

impl Whereabouts {
    /// The disc of a place, when its position is known.
    pub(crate) fn disc(&self, place: PlaceId) -> Option<Disc> {
        self.places.get(place.0 as usize).and_then(disc)
    }
}

/// Where a place is, when it is known in the datum that counts.
pub(crate) fn disc(place: &PlaceRef) -> Option<Disc> {
    let (lat, lon) = place.lat.zip(place.lon).filter(|_| place.datum == Datum::Wgs84)?;
    let centre = Position::new(lat, lon).ok()?;
    Some(Disc { centre, radius_m: place.radius_m.map_or(0.0, f64::from).max(0.0) })
}

/// Reads what the facts of these kinds say of a person's whereabouts around a window, by what had been read at an instant.
pub(crate) async fn read(
    conn: &mut Conn,
    rules: &Rules,
    person: PersonId,
    kinds: &[EventType],
    window: Span,
    known_at: Option<Timestamp>,
) -> Result<Whereabouts, Failure> {
    let (stays, others): (Vec<EventType>, Vec<EventType>) =
        kinds.iter().partition(|kind| **kind == EventType::EncounterChanged);
    // A presence without end goes on in silence for a while, and one before the window may go on into it.
    let before = window.from.plus_millis(-60_000 * i64::from(rules.stay.silence_max_min));
    let admitted = window.from.plus_millis(-i64::from(rules.stay.admitted_max_days) * DAY_MS);
    let mut facts = all(conn, person, &others, Span::new(before, window.to), known_at).await?;
    facts.extend(all(conn, person, &stays, Span::new(admitted, window.to), known_at).await?);
    let mut decoded = Vec::with_capacity(facts.len());
    for fact in facts {
        let body = fact.row.body()?;
        decoded.push((fact, body));
    }
    let named: BTreeSet<String> =
        decoded.iter_mut().flat_map(|(_, body)| places(body)).filter_map(|place| place.place_id.clone()).collect();
    let registered = views::list_places(conn, &named.into_iter().collect::<Vec<_>>()).await?;
    Ok(numbered(rules, decoded, &registered))
}

async fn all(
    conn: &mut Conn,
    person: PersonId,
    kinds: &[EventType],
    Span { from, to }: Span,
    known_at: Option<Timestamp>,
) -> Result<Vec<OwnedFact>, Failure> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let span = facts::Span { kinds, from, to, after, limit: FACTS_MAX + 1 - found.len(), known_at };
        let page = facts::of_person(conn, person, span).await?;
        found.extend(page.facts);
        if found.len() > FACTS_MAX {
            return Err(Problem::TimelineTooLong.into());
        }
        after = page.next;
        if after.is_none() {
            return Ok(found);
        }
    }
}

/// The places that a body names.
fn places(body: &mut Body) -> Vec<&mut PlaceRef> {
    match body {
        Body::PresenceInterval(body) => vec![&mut body.place],
        Body::TripSegment(body) => vec![&mut body.origin, &mut body.destination],
        Body::PaymentMade(body) => vec![&mut body.place],
        Body::EncounterChanged(body) => vec![&mut body.place],
        Body::TestResult(body) => vec![&mut body.collection_place],
        Body::GatePass(body) => vec![&mut body.place],
        _ => Vec::new(),
    }
}

fn numbered(rules: &Rules, facts: Vec<(OwnedFact, Body)>, registered: &BTreeMap<String, Vec<PlaceRow>>) -> Whereabouts {
    let mut numbers = Numbers::default();
    let mut found = Whereabouts::default();
    for (number, (fact, mut body)) in facts.into_iter().enumerate() {
        for place in places(&mut body) {
            complete(place, registered, fact.row.started_at);
        }
        let (id, at) = (FactId(number as u32), fact.row.started_at);
        match &body {
            Body::PresenceInterval(seen) if is_somewhere(&seen.place) => found.presences.push(Presence {
                fact: id,
                track: numbers.track(fact.row.subject, &fact.row.source),
                place: numbers.place(&seen.place),
                from: at,
                to: fact.row.ended_at,
                method: seen.method,
                confidence: confidence(rules, seen.confidence, fact.doubt.is_some()),
            }),
            Body::PresenceInterval(_) => found.unplaced += 1,
            body => {
                let happening = numbers.happening(rules, body, at, fact.row.ended_at);
                found.happenings.extend(happening.map(|happening| (id, happening)));
            }
        }
        found.facts.push((fact, body));
    }
    found.places = numbers.places;
    found
}

/// What is doubtful about whose a fact is makes it less sure.
pub(crate) fn confidence(rules: &Rules, stated: Option<f32>, is_doubtful: bool) -> Option<f32> {
    let factor = if is_doubtful { rules.stay.doubtful_confidence } else { 1.0 };
    Some(stated.unwrap_or(rules.stay.confidence_default) * factor)
}

fn is_somewhere(place: &PlaceRef) -> bool {
    place.place_id.is_some() || place.lat.is_some() || place.name.is_some()
}

/// Adds what a register says of the place at an instant. The only entry that there is holds at any time.
pub(crate) fn complete(place: &mut PlaceRef, registered: &BTreeMap<String, Vec<PlaceRow>>, at: Timestamp) {
    let rows = place.place_id.as_ref().and_then(|id| registered.get(id)).map_or(&[][..], Vec::as_slice);
    let holds = |row: &&PlaceRow| row.valid_from.is_none_or(|from| from <= at) && row.valid_to.is_none_or(|to| at < to);
    let only = || rows.first().filter(|_| rows.len() == 1);
    let Some(row) = rows.iter().find(holds).or_else(only) else { return };
    if place.lat.is_none() {
        let PlaceRef { lat, lon, datum, radius_m, .. } = row.place;
        (place.lat, place.lon, place.datum, place.radius_m) = (lat, lon, datum, radius_m);
    }
    place.name = place.name.take().or_else(|| row.place.name.clone());
    place.division_code = place.division_code.take().or_else(|| row.place.division_code.clone());
}

/// Until when somebody is taken to be in hospital of whom no discharge is known; `None`: it was no more than a visit.
pub(crate) fn discharge(rules: &Rules, stay: &EncounterChanged, admitted: Timestamp) -> Option<Timestamp> {
    let is_admitted = stay.class.as_deref() == Some("I");
    is_admitted.then(|| admitted.plus_millis(i64::from(rules.stay.admitted_max_days) * DAY_MS))
}

/// Gives numbers out.
#[derive(Default)]
struct Numbers {
    places: Vec<PlaceRef>,
    by_place: HashMap<String, PlaceId>,
    tracks: HashMap<(Option<ClaimToken>, String), u32>,
    runs: HashMap<(TravelMode, String), u32>,
}

impl Numbers {
    /// One number for what is the same place in the same position. A place that nothing is said of is like no other.
    fn place(&mut self, place: &PlaceRef) -> PlaceId {
        let next = PlaceId(self.places.len() as u32);
        if is_somewhere(place) {
            let name = place.name.as_ref().map_or("", |name| name.expose());
            let key = format!("{:?}|{:?}|{:?}|{:?}|{name}", place.place_id, place.lat, place.lon, place.radius_m);
            if let Some(known) = self.by_place.get(&key) {
                return *known;
            }
            self.by_place.insert(key, next);
        }
        self.places.push(place.clone());
        next
    }

    /// One phone or card as one source sees it.
    fn track(&mut self, subject: Option<ClaimToken>, source: &str) -> u32 {
        let next = self.tracks.len() as u32;
        *self.tracks.entry((subject, source.to_owned())).or_insert(next)
    }

    fn run(&mut self, mode: TravelMode, run: &str) -> u32 {
        let next = self.runs.len() as u32;
        *self.runs.entry((mode, run.to_owned())).or_insert(next)
    }

    /// What a fact says other than a presence; `None` when it says nothing of where somebody was.
    fn happening(&mut self, rules: &Rules, body: &Body, at: Timestamp, end: Option<Timestamp>) -> Option<Happening> {
        Some(match body {
            Body::TripSegment(trip) => Happening::Trip(Trip {
                mode: trip.mode,
                run: self.run(trip.mode, &trip.run_id),
                carriage: trip.carriage.clone(),
                seat: trip.seat.clone(),
                span: Span::new(at, end.unwrap_or(at)),
                status: trip.status,
            }),
            Body::EncounterChanged(stay) if stay.action != EncounterAction::Cancel => {
                let to = end.or_else(|| discharge(rules, stay, at)).unwrap_or(at);
                let ward = stay.ward_bed.as_deref().map(|ward| self.ward(&stay.place, ward));
                Happening::Encounter { place: self.place(&stay.place), ward, span: Span::new(at, to) }
            }
            Body::TestResult(test) => Happening::Test { at, outcome: test.result },
            Body::PaymentMade(payment) if is_visit(payment) => {
                Happening::Payment { at, place: Some(self.place(&payment.place)) }
            }
            Body::GatePass(pass) => Happening::Gate {
                at,
                place: self.place(&pass.place),
                direction: pass.direction,
                decision: pass.decision,
                code: pass.code_shown,
            },
            _ => return None,
        })
    }

    fn ward(&mut self, hospital: &PlaceRef, ward: &str) -> PlaceId {
        let id = format!("{}#{ward}", hospital.place_id.as_deref().unwrap_or_default());
        self.place(&PlaceRef { place_id: Some(id), ..hospital.clone() })
    }
}

/// Whether the payment says that its payer was there: one on line, or one taken back, does not.
fn is_visit(payment: &PaymentMade) -> bool {
    payment.on_site && payment.reverses.is_none()
}
