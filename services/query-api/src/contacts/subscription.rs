//! Contacts as server-sent events: first everybody, then what changes when facts are late or corrected.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{PersonId, Timestamp};
use exposure::{Case, Exposed, Second, Seconds, Span};
use serde::Serialize;
use uuid::Uuid;

use super::{CONTACTS_MAX, City, ContactView, Shown, granted, group_of_room};
use crate::budget;
use crate::call::{Call, Failure, Found};
use crate::problem::Problem;
use crate::stream::{self, Pieces};
use crate::subject::{self, Seen};

const DAY_MS: i64 = 86_400_000;

/// A subscription to the contacts of the person of a call.
pub(super) struct Subscription {
    from: Timestamp,
    /// `None`: the contacts until the instant at which a piece is made.
    to: Option<Timestamp>,
    /// What was told of each contact.
    told: BTreeMap<PersonId, Told>,
    /// The index by which everything was told.
    seen: Option<Arc<City>>,
}

/// What makes a contact another one than was told.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Told {
    seconds: u64,
    meetings: u32,
    first: Second,
    /// Weighed minutes.
    exposure: u64,
}

impl Told {
    const fn of(exposed: &Exposed) -> Self {
        let Exposed { seconds, meetings, first, exposure, .. } = *exposed;
        Self { seconds, meetings, first, exposure: exposure.to_bits() }
    }
}

/// What is new of the contacts of a person.
#[derive(Serialize)]
struct Piece {
    /// When the facts were read that this is made of.
    known_at: String,
    /// Contacts that are new or other than was told.
    contacts: Vec<ContactView>,
    /// Who is a contact no more.
    gone: Vec<Uuid>,
    /// How many contacts there are now.
    total: usize,
    /// More of the same is in the next event.
    more: bool,
}

/// What a piece tells, and what has been told after it.
struct News {
    piece: Piece,
    told: Vec<(PersonId, Told)>,
    gone: Vec<PersonId>,
}

impl Subscription {
    pub(super) fn new(from: Timestamp, to: Option<Timestamp>) -> Self {
        Self { from, to, told: BTreeMap::new(), seen: None }
    }

    /// What the index says other than was told; `None` when that is nothing.
    async fn news(&self, call: &Call, city: &Arc<City>) -> Result<Option<Found<News>>, Failure> {
        let mut conn = call.state.setup.store.snapshot().await?;
        let Seen { person, granted, .. } = subject::see(call, &mut conn).await?;
        let (released, withheld) = call.split(&granted);
        let now = call.state.now();
        let to = self.to.map_or(now, |to| to.min(now));
        // However long it goes on, it never is about more days than the caller may ask for at once.
        let earliest = call.entitlement()?.timeline_days_max().map(|days| to.plus_millis(-i64::from(days) * DAY_MS));
        let span = Seconds::within(Span::new(earliest.map_or(self.from, |earliest| earliest.max(self.from)), to));
        let shown = Shown { city: Arc::clone(city), released: released.clone() };
        let case = city.number(person.person_id).zip(span).map(|(person, span)| Case { person, span });
        let told = self.told.clone();
        let work = move || news(&shown, case, &told);
        let news = tokio::task::spawn_blocking(work).await.map_err(|_| Problem::Internal)?;
        if news.told.is_empty() && news.gone.is_empty() {
            return Ok(None);
        }
        let mut subjects: Vec<PersonId> = news.told.iter().map(|(person, _)| *person).collect();
        subjects.extend(news.gone.iter().chain([&person.person_id]));
        subjects.sort_unstable();
        subjects.dedup();
        self::granted(call, &mut conn, &subjects.iter().copied().collect()).await?;
        let count = news.told.len() + news.gone.len();
        Ok(Some(Found { answer: news, subjects, released, withheld, count }))
    }
}

impl Pieces for Subscription {
    async fn next(&mut self, call: &Call) -> Result<Option<String>, Failure> {
        let city = call.state.contacts.city()?;
        if self.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, &city)) {
            return Ok(None);
        }
        let found = self.news(call, &city).await?;
        let Some(found) = found else {
            self.seen = Some(city);
            return Ok(None);
        };
        // A token that opens nothing any more gets nothing new, not even within the second.
        call.still_open().await?;
        let found = budget::within(call, Ok(found)).await?;
        let (news, _receipt) = call.disclose(found).await?;
        for person in news.gone {
            self.told.remove(&person);
        }
        self.told.extend(news.told);
        if !news.piece.more {
            self.seen = Some(city);
        }
        Ok(Some(stream::event("contacts", None, &news.piece)?))
    }
}

fn news(shown: &Shown, case: Option<Case>, told: &BTreeMap<PersonId, Told>) -> News {
    let ranking = case.map(|case| shown.city.index.rank(case, |room| shown.released.contains(group_of_room(room))));
    let exposed = ranking.as_ref().map(|ranking| ranking.ranked(0, usize::MAX)).unwrap_or_default();
    let now: BTreeMap<PersonId, Told> =
        exposed.iter().map(|one| (shown.city.person(one.person), Told::of(one))).collect();
    let gone: Vec<PersonId> = told.keys().filter(|person| !now.contains_key(person)).copied().collect();
    let is_new = |one: &Exposed| told.get(&shown.city.person(one.person)) != Some(&Told::of(one));
    let mut fresh: Vec<(usize, Exposed)> =
        (1..).zip(exposed.iter().copied()).filter(|(_, one)| is_new(one)).take(CONTACTS_MAX + 1).collect();
    let more = fresh.len() > CONTACTS_MAX;
    fresh.truncate(CONTACTS_MAX);
    let page: Vec<Exposed> = fresh.iter().map(|(_, one)| *one).collect();
    let met = ranking.as_ref().map(|ranking| ranking.contacts(&page)).unwrap_or_default();
    let contacts = fresh.iter().zip(met).map(|((rank, one), contact)| shown.contact(*rank, one, contact.meetings));
    let contacts = contacts.collect();
    let news = page.iter().map(|one| (shown.city.person(one.person), Told::of(one))).collect();
    let piece = Piece {
        known_at: shown.city.known_at().to_string(),
        contacts,
        gone: gone.iter().map(|person| person.as_uuid()).collect(),
        total: exposed.len(),
        more,
    };
    News { piece, told: news, gone }
}
