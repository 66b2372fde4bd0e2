//! Where everybody was, as an index in memory, with what resolves its numbers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::{
    Attribution, Body, ClaimToken, Claimant, EncounterAction, EventId, EventType, HouseholdKind, PersonId, PlaceRef,
    ResidenceKind, Timestamp, TripStatus, attribute,
};
use exposure::{
    FactId, Grid, Index, Located, Occupancy, Overlap, PlaceId, Presence, Room, Rules, Seconds, Span, Trip, ride_room,
    seat_row, stays,
};
use store::Conn;
use store::views::{self, Checkpoint, PlaceRow, WhereaboutsRow};

use crate::{facts, whereabouts};

/// Facts that are read at once.
const ROWS: i64 = 100_000;
/// How far back the index goes before the latest presence: the 14 days of a case, and the 14 of who asks late.
const DAYS: i64 = 30;
const DAY_MS: i64 = 86_400_000;

/// Where everybody was.
pub(crate) struct City {
    pub(crate) index: Index,
    /// Before this instant nothing is known here.
    pub(crate) since: Timestamp,
    /// When it was read.
    pub(crate) known_at: Timestamp,
    /// Presences that count for nobody, because it is not known whose the phone was.
    pub(crate) unattributed: usize,
    pub(super) checkpoint: Checkpoint,
    persons: Vec<PersonId>,
    by_person: HashMap<PersonId, u32>,
    /// Ids of dwellings and wards, by number.
    rooms: Vec<String>,
    runs: Vec<String>,
    evidence: Evidence,
}

/// The events behind each number of a fact: those of a stay are one number.
#[derive(Default)]
struct Evidence {
    ends: Vec<u32>,
    events: Vec<EventId>,
}

impl Evidence {
    fn put(&mut self, events: impl IntoIterator<Item = EventId>) -> FactId {
        self.events.extend(events);
        self.ends.push(self.events.len() as u32);
        FactId(self.ends.len() as u32 - 1)
    }

    fn of(&self, fact: FactId) -> &[EventId] {
        let fact = fact.0 as usize;
        let start = fact.checked_sub(1).map_or(0, |before| self.ends[before] as usize);
        &self.events[start..self.ends[fact] as usize]
    }
}

impl City {
    /// The number of a person; `None` when nothing is known of where they were.
    pub(crate) fn number(&self, person: PersonId) -> Option<exposure::PersonId> {
        self.by_person.get(&person).copied().map(exposure::PersonId)
    }

    /// The person of a number.
    pub(crate) fn person(&self, number: exposure::PersonId) -> PersonId {
        self.persons[number.0 as usize]
    }

    /// The hub's id of a dwelling or ward.
    pub(crate) fn room(&self, number: PlaceId) -> &str {
        &self.rooms[number.0 as usize]
    }

    /// The run of a vehicle.
    pub(crate) fn run(&self, number: u32) -> &str {
        &self.runs[number as usize]
    }

    /// The events that facts stand for, each once.
    pub(crate) fn events(&self, facts: &[FactId]) -> Vec<EventId> {
        let events: BTreeSet<EventId> = facts.iter().flat_map(|fact| self.evidence.of(*fact)).copied().collect();
        events.into_iter().collect()
    }

    /// Reads the facts and builds the index. The connection shows one state of the views.
    pub(crate) async fn read(conn: &mut Conn, rules: &Rules, now: Timestamp) -> store::Result<Option<Self>> {
        let checkpoint = views::find_checkpoint(conn).await?;
        let latest = views::find_latest_presence(conn, now).await?.unwrap_or(now);
        let since = latest.plus_millis(-DAYS * DAY_MS);
        let mut gathered = Gathered::new(rules, Span::new(since, now));
        let (mut after, mut limit) = (None, ROWS);
        loop {
            let mut rows = views::list_whereabouts(conn, since, after, limit).await?;
            let is_last = (rows.len() as i64) < limit;
            if !is_last {
                // The last subject may go on: it is left to the next page.
                let last = rows.last().map(|row| row.subject);
                let kept = rows.partition_point(|row| Some(row.subject) < last);
                if kept == 0 {
                    limit *= 2;
                    continue;
                }
                rows.truncate(kept);
            }
            after = rows.last().map(|row| row.subject).or(after);
            gathered.take(conn, &rows).await?;
            if is_last {
                break;
            }
        }
        Ok(gathered.city(rules, since, now, checkpoint))
    }
}

/// What was read so far, as numbers.
struct Gathered<'a> {
    rules: &'a Rules,
    grid: Grid,
    /// The time that the index is about.
    span: Span,
    registered: BTreeMap<String, Vec<PlaceRow>>,
    persons: Vec<PersonId>,
    by_person: HashMap<PersonId, u32>,
    by_place: HashMap<String, PlaceId>,
    places: Vec<Vec<Overlap>>,
    rooms: Named,
    runs: Named,
    carriages: Named,
    stays: Vec<Located>,
    occupancies: Vec<Occupancy>,
    evidence: Evidence,
    unattributed: usize,
}

/// Names with their numbers.
#[derive(Default)]
struct Named {
    names: Vec<String>,
    numbers: HashMap<String, u32>,
}

impl Named {
    fn number(&mut self, name: &str) -> u32 {
        self.number_as(name, name)
    }

    /// The number of a key that is shown under another name.
    fn number_as(&mut self, key: &str, shown: &str) -> u32 {
        if let Some(number) = self.numbers.get(key) {
            return *number;
        }
        let number = self.names.len() as u32;
        self.names.push(shown.to_owned());
        self.numbers.insert(key.to_owned(), number);
        number
    }
}

impl<'a> Gathered<'a> {
    fn new(rules: &'a Rules, span: Span) -> Self {
        Self {
            rules,
            grid: Grid::new(&rules.square),
            span,
            registered: BTreeMap::new(),
            persons: Vec::new(),
            by_person: HashMap::new(),
            by_place: HashMap::new(),
            places: Vec::new(),
            rooms: Named::default(),
            runs: Named::default(),
            carriages: Named::default(),
            stays: Vec::new(),
            occupancies: Vec::new(),
            evidence: Evidence::default(),
            unattributed: 0,
        }
    }

    /// Takes the facts of some subjects, all that there are of each.
    async fn take(&mut self, conn: &mut Conn, rows: &[WhereaboutsRow]) -> store::Result<()> {
        let named: BTreeSet<&String> = rows
            .iter()
            .filter(|row| row.kind == EventType::PresenceInterval)
            .filter_map(|row| row.place_id.as_ref())
            .filter(|place| !self.registered.contains_key(*place))
            .collect();
        let named: Vec<String> = named.into_iter().cloned().collect();
        let mut found = views::list_places(conn, &named).await?;
        self.registered.extend(named.into_iter().map(|place| {
            let rows = found.remove(&place).unwrap_or_default();
            (place, rows)
        }));
        for subjects in rows.chunk_by(|one, next| one.subject == next.subject).collect::<Vec<_>>().chunks(1_000) {
            let tokens: Vec<ClaimToken> = subjects.iter().map(|of| of[0].subject).collect();
            let claimants = facts::claimants(conn, &tokens).await?;
            for of in subjects {
                self.subject(of, claimants.get(&of[0].subject).map_or(&[][..], Vec::as_slice))?;
            }
        }
        Ok(())
    }

    /// The facts of one subject. A presence counts for the one person whose the claim was at its begin.
    fn subject(&mut self, rows: &[WhereaboutsRow], claimants: &[Claimant]) -> store::Result<()> {
        let mut tracks: BTreeMap<(&str, PersonId), Vec<(&WhereaboutsRow, bool)>> = BTreeMap::new();
        for row in rows {
            let Attribution { owner, doubt, .. } = attribute(claimants, row.started_at);
            match owner {
                None => self.unattributed += usize::from(row.kind == EventType::PresenceInterval),
                Some(owner) if row.kind == EventType::PresenceInterval => {
                    tracks.entry((&row.source, owner)).or_default().push((row, doubt.is_some()));
                }
                Some(owner) => self.occupancy(row, owner)?,
            }
        }
        for ((_, owner), rows) in tracks {
            self.track(owner, &rows)?;
        }
        Ok(())
    }

    fn track(&mut self, owner: PersonId, rows: &[(&WhereaboutsRow, bool)]) -> store::Result<()> {
        let mut presences = Vec::with_capacity(rows.len());
        for (number, (row, is_doubtful)) in rows.iter().enumerate() {
            let Some((method, confidence)) = row.presence else { continue };
            let place = self.place(row)?;
            presences.push(Presence {
                fact: FactId(number as u32),
                track: 0,
                place,
                from: row.started_at,
                to: row.ended_at,
                method,
                confidence: whereabouts::confidence(self.rules, confidence, *is_doubtful),
            });
        }
        let found = stays(&self.rules.stay, &presences);
        if found.is_empty() {
            return Ok(());
        }
        let person = self.person(owner);
        for stay in found {
            let Some(span) = Seconds::within(stay.span) else { continue };
            let fact = self.evidence.put(stay.facts.iter().map(|fact| rows[fact.0 as usize].0.event_id));
            self.stays.push(Located { person, place: stay.place, span, confidence: stay.confidence, fact });
        }
        Ok(())
    }

    /// The number of a presence's place. What moved is another place. One without a position has no squares, but who was
    /// there was nowhere else.
    fn place(&mut self, row: &WhereaboutsRow) -> store::Result<PlaceId> {
        let stated = match row.fact().map(|fact| fact.body()).transpose()? {
            Some(Body::PresenceInterval(body)) => body.place,
            _ => PlaceRef { place_id: row.place_id.clone(), ..PlaceRef::default() },
        };
        let mut place = stated;
        whereabouts::complete(&mut place, &self.registered, row.started_at);
        let key = format!("{:?}|{:?}|{:?}|{:?}", place.place_id, place.lat, place.lon, place.radius_m);
        if let Some(known) = self.by_place.get(&key) {
            return Ok(*known);
        }
        let overlaps = whereabouts::disc(&place).and_then(|disc| self.grid.disc(disc.centre, disc.radius_m).ok());
        self.places.push(overlaps.unwrap_or_default());
        let number = PlaceId(self.places.len() as u32 - 1);
        self.by_place.insert(key, number);
        Ok(number)
    }

    fn person(&mut self, person: PersonId) -> exposure::PersonId {
        let next = self.persons.len() as u32;
        let number = *self.by_person.entry(person).or_insert(next);
        if number == next {
            self.persons.push(person);
        }
        exposure::PersonId(number)
    }

    /// What says that somebody was in a vehicle, a ward or a dwelling.
    fn occupancy(&mut self, row: &WhereaboutsRow, owner: PersonId) -> store::Result<()> {
        let Some(body) = row.fact().map(|fact| fact.body()).transpose()? else { return Ok(()) };
        let span = Span::new(row.started_at, row.ended_at.unwrap_or(self.span.to));
        let usual = self.rules.stay.confidence_default;
        let (room, seat, span, confidence) = match body {
            Body::TripSegment(trip) => {
                let span = Span::new(row.started_at, row.ended_at.unwrap_or(row.started_at));
                let run = self.runs.number(&trip.run_id);
                let ticket = Trip {
                    mode: trip.mode,
                    run,
                    carriage: trip.carriage.clone(),
                    seat: trip.seat.clone(),
                    span,
                    status: trip.status,
                };
                let carriage = trip.carriage.map(|carriage| self.carriages.number(&carriage));
                let Some(room) = ride_room(trip.mode, run, carriage).filter(|_| ticket.is_taken()) else {
                    return Ok(());
                };
                let confidence = if trip.status == TripStatus::Travelled { 1.0 } else { usual };
                (room, trip.seat.as_deref().and_then(seat_row), span, confidence)
            }
            Body::EncounterChanged(stay) if stay.action != EncounterAction::Cancel => {
                let stays_on = row.ended_at.is_some() || stay.class.as_deref() == Some("I");
                let Some(ward) = stay.ward_bed.as_deref().filter(|_| stays_on) else { return Ok(()) };
                let hospital = stay.place.place_id.as_deref().unwrap_or(&row.source);
                let ward = PlaceId(self.rooms.number(&format!("{hospital}#{}", ward_of(ward))));
                (Room::Ward(ward), None, span, 1.0)
            }
            Body::HouseholdMembership(home)
                if home.household_kind != HouseholdKind::Collective
                    && home.residence_kind != ResidenceKind::Registered =>
            {
                let household = format!("{}/{}", row.source, home.household_id);
                let dwelling = home.dwelling.place_id.unwrap_or(household);
                // People of one household may live at several addresses; an address is in no answer.
                let address = home.dwelling.name.as_ref().map_or("", |name| name.expose().as_str());
                let number = self.rooms.number_as(&format!("{dwelling}\n{address}"), &dwelling);
                (Room::Dwelling(PlaceId(number)), None, span, usual)
            }
            _ => return Ok(()),
        };
        let Some(span) = span.common(self.span).and_then(Seconds::within) else { return Ok(()) };
        let (person, fact) = (self.person(owner), self.evidence.put([row.event_id]));
        self.occupancies.push(Occupancy { person, room, row: seat, span, confidence, fact });
        Ok(())
    }

    fn city(self, rules: &Rules, since: Timestamp, now: Timestamp, checkpoint: Checkpoint) -> Option<City> {
        let index = Index::build(rules.clone(), &self.places, &self.stays, self.occupancies)
            .map_err(|error| tracing::error!(%error, "The index of contacts cannot be built."))
            .ok()?;
        Some(City {
            index,
            since,
            known_at: now,
            unattributed: self.unattributed,
            checkpoint,
            persons: self.persons,
            by_person: self.by_person,
            rooms: self.rooms.names,
            runs: self.runs.names,
            evidence: self.evidence,
        })
    }
}

/// The ward of what a hospital writes as ward, room and bed.
fn ward_of(ward_bed: &str) -> &str {
    let mut words = ward_bed.split_whitespace();
    match (words.next(), words.count()) {
        (Some(ward), 2) => ward,
        _ => ward_bed,
    }
}
