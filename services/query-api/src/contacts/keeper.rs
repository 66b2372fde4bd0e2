//! What keeps the index of whereabouts current: reads all facts once, and later those of the persons whose facts, or
//! whose phones, are others than before.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use domain::{
    Attribution, Body, ClaimToken, Claimant, EncounterAction, EventType, HouseholdKind, PersonId, PlaceRef,
    ResidenceKind, Timestamp, TripStatus, attribute,
};
use exposure::{
    FactId, Grid, Index, Located, Occupancy, Overlap, PlaceId, Presence, Room, Rules, Seconds, Span, Trip, ride_room,
    seat_row, stays,
};
use store::Conn;
use store::views::{self, Checkpoint, PlaceRow, WhereaboutsRow};

use super::city::{City, Evidence, Layer, Names, Uncounted};
use crate::{facts, whereabouts};

/// Facts that are read at once.
const ROWS: i64 = 100_000;
const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;
/// Subjects whose facts are read at once.
const SUBJECTS_AT_ONCE: usize = 1_000;
/// What has no end ends when seconds do: a question says until when it is asked.
const FOREVER: Timestamp = Timestamp::from_millis(u32::MAX as i64 * 1_000);

/// What is known of everybody's whereabouts, as numbers, and how far the views were read.
pub(super) struct Keeper {
    rules: Rules,
    grid: Grid,
    /// The time that the index is about.
    span: Span,
    /// Begin of the latest presence, trip or stay in hospital that is not in the future, if there is any, and when was last read.
    latest: Option<Timestamp>,
    now: Timestamp,
    /// Generation of the views, and the last number of what was touched in them.
    checkpoint: Checkpoint,
    touched: i64,
    registered: BTreeMap<String, Vec<PlaceRow>>,
    by_place: HashMap<String, PlaceId>,
    places: Vec<Vec<Overlap>>,
    names: Arc<Names>,
    rooms: HashMap<String, u32>,
    runs: HashMap<String, u32>,
    carriages: HashMap<String, u32>,
    /// Whose the facts of each subject are.
    owners: HashMap<ClaimToken, Vec<PersonId>>,
    /// What of each subject's facts counts for nobody, where there is any.
    uncounted: HashMap<ClaimToken, Uncounted>,
    evidence: Evidence,
    index: Option<Arc<Index>>,
    gathered: Gathered,
}

/// What was read and is not in the index yet.
#[derive(Default)]
struct Gathered {
    stays: Vec<Located>,
    occupancies: Vec<Occupancy>,
    layer: Layer,
    /// Only facts of these persons are wanted; `None`: of everybody.
    only: Option<BTreeSet<PersonId>>,
}

impl Gathered {
    fn wants(&self, person: PersonId) -> bool {
        self.only.as_ref().is_none_or(|only| only.contains(&person))
    }
}

/// The number of a name, a new one if need be.
fn number(numbers: &mut HashMap<String, u32>, name: &str) -> (u32, bool) {
    if let Some(number) = numbers.get(name) {
        return (*number, false);
    }
    let number = numbers.len() as u32;
    numbers.insert(name.to_owned(), number);
    (number, true)
}

/// When an index begins that knows when somebody was seen last. Before anybody was, anything may be the first.
fn begin(rules: &Rules, latest: Option<Timestamp>) -> Timestamp {
    latest.map_or(Timestamp::from_millis(0), |latest| latest.plus_millis(-i64::from(rules.contact.kept_days) * DAY_MS))
}

impl Keeper {
    /// Reads all facts, or those that had been read at an instant, and builds the index; `None` when none can be made of them, which the log tells. The connection
    /// shows one state of the views.
    pub(super) async fn read(
        conn: &mut Conn,
        rules: &Rules,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> store::Result<Option<(Self, City)>> {
        let checkpoint = views::find_checkpoint(conn).await?;
        let latest = views::find_latest_seen(conn, now).await?;
        let mut keeper = Self {
            rules: rules.clone(),
            grid: Grid::new(&rules.square),
            span: Span::new(begin(rules, latest), FOREVER),
            latest,
            now,
            checkpoint,
            touched: views::last_touched(conn).await?,
            registered: BTreeMap::new(),
            by_place: HashMap::new(),
            places: Vec::new(),
            names: Arc::default(),
            rooms: HashMap::new(),
            runs: HashMap::new(),
            carriages: HashMap::new(),
            owners: HashMap::new(),
            uncounted: HashMap::new(),
            evidence: Evidence::default(),
            index: None,
            gathered: Gathered::default(),
        };
        let (mut after, mut limit) = (None, ROWS);
        loop {
            let mut rows = views::list_whereabouts(conn, keeper.span.from, after, limit, known_at).await?;
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
            keeper.take(conn, &rows).await?;
            if is_last {
                break;
            }
        }
        let city = keeper.city(now).await;
        Ok(city.map(|city| (keeper, city)))
    }

    /// Whether the facts of single persons are enough to be current: not when these are other views, nor when somebody
    /// was seen so late that the index should begin later, nor when what was replaced takes more memory than what counts.
    pub(super) fn can_follow(&self, checkpoint: &Checkpoint) -> bool {
        let begin = begin(&self.rules, self.latest);
        self.checkpoint.generation == checkpoint.generation
            && begin <= self.span.from.plus_millis(DAY_MS)
            && !self.evidence.is_bloated()
    }

    /// Number of the last touch that was taken in.
    pub(super) const fn touched(&self) -> i64 {
        self.touched
    }

    /// Takes in what is touched: all facts of everybody who owned or owns facts of these subjects are read again. The
    /// connection shows one state of the views, in which they are all that was touched. After an error or `None` the keeper
    /// is of no more use.
    pub(super) async fn follow(
        &mut self,
        conn: &mut Conn,
        subjects: &[ClaimToken],
        now: Timestamp,
    ) -> store::Result<Option<City>> {
        let checkpoint = views::find_checkpoint(conn).await?;
        if checkpoint.generation != self.checkpoint.generation {
            // Other views took their place since somebody looked.
            return Ok(None);
        }
        self.checkpoint = checkpoint;
        self.touched = views::last_touched(conn).await?;
        self.now = now;
        let mut persons: BTreeSet<PersonId> = BTreeSet::new();
        for subjects in subjects.chunks(SUBJECTS_AT_ONCE) {
            persons.extend(subjects.iter().filter_map(|subject| self.owners.get(subject)).flatten());
            let rows = views::list_whereabouts_of(conn, self.span.from, subjects).await?;
            let claimants = facts::claimants(conn, subjects).await?;
            let of = |row: &WhereaboutsRow| {
                attribute(claimants.get(&row.subject).map_or(&[][..], Vec::as_slice), row.started_at).owner
            };
            persons.extend(rows.iter().filter_map(of));
        }
        let mut tokens: BTreeSet<ClaimToken> = subjects.iter().copied().collect();
        tokens.extend(views::list_tokens_of_persons(conn, &persons.iter().copied().collect::<Vec<_>>()).await?);
        let tokens: Vec<ClaimToken> = tokens.into_iter().collect();
        self.gathered.only = Some(persons);
        for tokens in tokens.chunks(SUBJECTS_AT_ONCE) {
            for token in tokens {
                self.owners.remove(token);
                self.uncounted.remove(token);
            }
            let rows = views::list_whereabouts_of(conn, self.span.from, tokens).await?;
            self.take(conn, &rows).await?;
        }
        Ok(self.city(now).await)
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

    /// The facts of one subject. A presence counts for the one person whose the claim was at its begin. What does not count
    /// is told of everybody's, because the count is kept by subject; the rest is gathered of who is wanted only.
    fn subject(&mut self, rows: &[WhereaboutsRow], claimants: &[Claimant]) -> store::Result<()> {
        let mut tracks: BTreeMap<(&str, PersonId), Vec<(&WhereaboutsRow, bool)>> = BTreeMap::new();
        let (mut owners, mut uncounted) = (BTreeSet::new(), Uncounted::default());
        for row in rows {
            let Attribution { owner, doubt, .. } = attribute(claimants, row.started_at);
            owners.extend(owner);
            // A device whose clock is ahead moves no beginning.
            if row.kind != EventType::HouseholdMembership && row.started_at <= self.now {
                self.latest = self.latest.max(Some(row.started_at));
            }
            match owner {
                None => uncounted.unattributed += usize::from(row.kind == EventType::PresenceInterval),
                Some(owner) if row.kind == EventType::PresenceInterval => {
                    tracks.entry((&row.source, owner)).or_default().push((row, doubt.is_some()));
                }
                Some(owner) => uncounted.uncompared_rides += self.occupancy(row, owner)?,
            }
        }
        for ((_, owner), rows) in tracks {
            self.track(owner, &rows, &mut uncounted)?;
        }
        let Some(subject) = rows.first().map(|row| row.subject) else { return Ok(()) };
        if uncounted != Uncounted::default() {
            self.uncounted.insert(subject, uncounted);
        }
        self.owners.insert(subject, owners.into_iter().collect());
        Ok(())
    }

    /// Takes in what one source saw of somebody, and counts what of it makes no contacts.
    fn track(
        &mut self,
        owner: PersonId,
        rows: &[(&WhereaboutsRow, bool)],
        uncounted: &mut Uncounted,
    ) -> store::Result<()> {
        let mut presences = Vec::with_capacity(rows.len());
        for (number, (row, is_doubtful)) in rows.iter().enumerate() {
            let Some((method, confidence)) = row.presence else { continue };
            let place = self.place(row)?;
            uncounted.unplaced += usize::from(self.places[place.0 as usize].is_empty());
            presences.push(Presence {
                fact: FactId(number as u32),
                track: 0,
                place,
                from: row.started_at,
                to: row.ended_at,
                method,
                confidence: whereabouts::confidence(&self.rules, confidence, *is_doubtful),
            });
        }
        let found = if self.gathered.wants(owner) { stays(&self.rules.stay, &presences) } else { Vec::new() };
        if found.is_empty() {
            return Ok(());
        }
        let person = self.person(owner);
        for stay in found {
            let Some(span) = Seconds::within(stay.span) else { continue };
            let fact = self.gathered.layer.put(stay.facts.iter().map(|fact| rows[fact.0 as usize].0.event_id));
            let squares = &self.places[stay.place.0 as usize];
            let is_sure = |one: &Overlap| self.rules.contact.is_sure(stay.confidence, one.share);
            uncounted.unsure += usize::from(!squares.is_empty() && !self.rules.square.counted(squares).any(is_sure));
            self.gathered.stays.push(Located { person, place: stay.place, span, confidence: stay.confidence, fact });
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
        if let Some(number) = self.names.by_person.get(&person) {
            return exposure::PersonId(*number);
        }
        let names = Arc::make_mut(&mut self.names);
        let number = names.persons.len() as u32;
        names.persons.push(person);
        names.by_person.insert(person, number);
        exposure::PersonId(number)
    }

    /// The number of a room by its key, which is shown under another name.
    fn room(&mut self, key: &str, shown: &str) -> PlaceId {
        let (number, is_new) = number(&mut self.rooms, key);
        if is_new {
            Arc::make_mut(&mut self.names).rooms.push(shown.into());
        }
        PlaceId(number)
    }

    fn run(&mut self, run: &str) -> u32 {
        let (number, is_new) = number(&mut self.runs, run);
        if is_new {
            Arc::make_mut(&mut self.names).runs.push(run.into());
        }
        number
    }

    /// What says that somebody was in a vehicle, a ward or a dwelling; 1 of a ride whose carriage would have to be known.
    fn occupancy(&mut self, row: &WhereaboutsRow, owner: PersonId) -> store::Result<usize> {
        let Some(body) = row.fact().map(|fact| fact.body()).transpose()? else { return Ok(0) };
        let usual = self.rules.stay.confidence_default;
        let told = if row.ended_at.is_some() { 1.0 } else { self.rules.stay.open_confidence };
        let (room, seat, span, confidence) = match body {
            Body::TripSegment(trip) => {
                let longest = i64::from(self.rules.contact.ride_open_hours) * HOUR_MS;
                let span = Span::new(row.started_at, row.ended_at.unwrap_or(row.started_at.plus_millis(longest)));
                let run = self.run(&trip.run_id);
                let ticket = Trip {
                    mode: trip.mode,
                    run,
                    carriage: trip.carriage.clone(),
                    seat: trip.seat.clone(),
                    span,
                    status: trip.status,
                };
                let carriage = trip.carriage.map(|carriage| number(&mut self.carriages, &carriage).0);
                if !ticket.is_taken() {
                    return Ok(0);
                }
                let Some(room) = ride_room(&self.rules.contact.ride, trip.mode, run, carriage) else { return Ok(1) };
                let confidence = told * if trip.status == TripStatus::Travelled { 1.0 } else { usual };
                (room, trip.seat.as_deref().and_then(seat_row), span, confidence)
            }
            Body::EncounterChanged(stay) if stay.action != EncounterAction::Cancel => {
                let end = row.ended_at.or_else(|| whereabouts::discharge(&self.rules, &stay, row.started_at));
                let Some((ward, end)) = stay.ward_bed.as_deref().zip(end) else { return Ok(0) };
                let hospital = stay.place.place_id.as_deref().unwrap_or(&row.source);
                let ward = format!("{hospital}#{}", ward_of(ward));
                (Room::Ward(self.room(&ward, &ward)), None, Span::new(row.started_at, end), told)
            }
            Body::HouseholdMembership(home)
                if home.household_kind != HouseholdKind::Collective
                    && home.residence_kind != ResidenceKind::Registered =>
            {
                let household = format!("{}/{}", row.source, home.household_id);
                let dwelling = home.dwelling.place_id.unwrap_or(household);
                // People of one household may live at several addresses; an address is in no answer.
                let address = home.dwelling.name.as_ref().map_or("", |name| name.expose().as_str());
                let dwelling = self.room(&format!("{dwelling}\n{address}"), &dwelling);
                let span = Span::new(row.started_at, row.ended_at.unwrap_or(self.span.to));
                (Room::Dwelling(dwelling), None, span, usual)
            }
            _ => return Ok(0),
        };
        let span = span.common(self.span).and_then(Seconds::within);
        let Some(span) = span.filter(|_| self.gathered.wants(owner)) else { return Ok(0) };
        let (person, fact) = (self.person(owner), self.gathered.layer.put([row.event_id]));
        self.gathered.occupancies.push(Occupancy { person, room, row: seat, span, confidence, fact });
        Ok(0)
    }

    /// Puts what was gathered into the index: of everybody, or of those who were wanted.
    async fn city(&mut self, now: Timestamp) -> Option<City> {
        let Gathered { stays, occupancies, mut layer, only } = std::mem::take(&mut self.gathered);
        self.evidence.add(&mut layer);
        self.gathered.layer = layer;
        let number = |person: PersonId| self.names.by_person.get(&person).copied().map(exposure::PersonId);
        let changed = only.map(|only| only.into_iter().filter_map(number).collect::<BTreeSet<_>>());
        let (rules, before, places) = (self.rules.clone(), self.index.take(), std::mem::take(&mut self.places));
        // Not on a thread that answers others.
        let work = move || {
            let index = match (before, changed) {
                (Some(before), Some(changed)) => before.with(&changed, &places, &stays, &occupancies),
                _ => Index::build(rules, &places, &stays, occupancies),
            };
            (index, places)
        };
        let (index, places) = tokio::task::spawn_blocking(work).await.ok()?;
        self.places = places;
        let index = index
            .map(Arc::new)
            .map_err(|error| tracing::error!(%error, "The index of contacts cannot be built."))
            .ok()?;
        self.index = Some(Arc::clone(&index));
        Some(City {
            index,
            since: self.span.from,
            looked_at: Arc::new(AtomicI64::new(now.as_millis())),
            uncounted: self.uncounted.values().copied().sum(),
            checkpoint: self.checkpoint.clone(),
            names: Arc::clone(&self.names),
            evidence: self.evidence.clone(),
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
