//! `GET /v1/persons/{person_id}/health-code` and `GET /v1/me/health-code`: the colour of a person's code, with its reasons.
//!
//! A reason says what and since when, never who: a resident learns of having met a case, not whose.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use access::{Action, FieldGroup, FieldGroups, Role};
use axum::extract::State;
use domain::{EventId, EventType, PersonId, PlaceRef, Timestamp};
use exposure::{
    Cause, Colour, FactId, Ground, HealthCode, KnownCase, Level, PlaceId, Presence, Reason, Rules, Seconds, Span,
    TownshipId, TracedCase, stays,
};
use serde::Serialize;
use store::Conn;
use store::appeals::AppealRow;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::appeals::{self, AppealView};
use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::contacts::{self, City};
use crate::known_cases::{KnownCases, township_of};
use crate::problem::{Problem, ProblemDocument};
use crate::query;
use crate::state::QueryState;
use crate::townships::instant;
use crate::{as_of, subject, whereabouts};

const DAY_MS: i64 = 86_400_000;
/// Whoever is nowhere in the index: met nobody.
const NOWHERE: exposure::PersonId = exposure::PersonId(u32::MAX);

/// The health code of a person.
#[derive(Serialize, ToSchema)]
pub(crate) struct CodeAnswer {
    /// Id of the person.
    pub person_id: Uuid,
    /// The instant that it is about.
    pub on: String,
    /// Whether that is still to come: the code that there will be if nothing more becomes known.
    pub projected: bool,
    /// `GREEN`, `YELLOW` or `RED`.
    #[schema(value_type = String)]
    pub colour: Colour,
    /// When the colour ends if nothing more is known; absent for green.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// All reasons that hold: the gravest first, then the one that holds longest.
    pub reasons: Vec<CodeReasonView>,
    /// Reasons that would hold, were they not set aside upon an appeal.
    pub set_aside: Vec<CodeReasonView>,
    /// Appeals against the colour, without their words, the oldest first.
    pub appeals: Vec<AppealView>,
    /// Stays of the person in places of which no township is known: they colour nothing.
    pub stays_without_township: usize,
    /// Version of the rules of disease control.
    pub rules: String,
    /// When the facts on contacts were read; what came later is in a later answer.
    pub known_at: String,
    /// Before this instant nothing is known of contacts.
    pub known_since: String,
    /// All that could colour the code is kept. Where it is false, the days before `on` that count reach back before `known_since`:
    /// the code may have had more reasons and another colour.
    pub complete: bool,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// What colours a code.
#[derive(Serialize, ToSchema)]
pub(crate) struct CodeReasonView {
    /// The colour.
    #[schema(value_type = String)]
    pub colour: Colour,
    /// Until when; at that instant it is over.
    pub until: String,
    /// `case`, `contact`, `sub-contact` or `stay`.
    pub cause: &'static str,
    /// Of a stay: the township.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub township: Option<String>,
    /// Of a stay: the level of the township.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub level: Option<Level>,
    /// Group `provenance`: the events about the person that say so, which may be contested.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Uuid>,
}

/// Reads the colour of a person's health code at an instant, with its reasons, as it is known now or was known then.
#[utoipa::path(
    get,
    path = "/v1/persons/{person_id}/health-code",
    tag = "persons",
    operation_id = "read_health_code",
    params(
        crate::openapi::PersonHeaders,
        ("person_id" = Uuid, Path, description = "Id of the person"),
        ("on" = Option<String>, Query, format = DateTime, description = "The instant; now, or `known_at`, unless stated"),
        ("known_at" = Option<String>, Query, format = DateTime,
         description = "Only what the hub had read by this instant; all that it knows unless stated"),
    ),
    responses(
        (status = 200, description = "The code", body = Receipted<CodeAnswer>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadHealthCode).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = async {
        let [on, known_at] = query::members(&call.query, ["on", "known_at"])?;
        let known_at = as_of::known_at(known_at.as_deref(), call.state.now())?;
        if known_at.is_some() && call.caller.role == Role::Resident {
            // An index of then is dear: it is for those who work on a case.
            return Err(Problem::NotEntitled.into());
        }
        code(&call, on.as_deref(), known_at).await
    };
    let found = found.await;
    call.finish(found).await
}

/// Reads the colour of the caller's own health code, with its reasons.
#[utoipa::path(
    get,
    path = "/v1/me/health-code",
    tag = "caller",
    operation_id = "read_my_health_code",
    params(
        crate::openapi::PersonHeaders,
        ("on" = Option<String>, Query, format = DateTime, description = "The instant; now unless stated"),
    ),
    responses(
        (status = 200, description = "The code", body = Receipted<CodeAnswer>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read_own(State(state): State<QueryState>, ask: Ask) -> Answered {
    let mut call = match Call::begin(state, ask, Action::ReadHealthCode).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    match subject::own(&call).await {
        Ok(person) => call.person_id = Some(person.to_string()),
        Err(failure) => return call.refuse(failure).await,
    }
    let found = async {
        let [on] = query::members(&call.query, ["on"])?;
        code(&call, on.as_deref(), None).await
    };
    let found = found.await;
    call.finish(found).await
}

async fn code(call: &Call, on: Option<&str>, known_at: Option<Timestamp>) -> Result<Found<CodeAnswer>, Failure> {
    let on = instant(on, known_at.unwrap_or_else(|| call.state.now()))?;
    let city = contacts::city_for(call, known_at).await?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let seen = subject::see(call, &mut conn).await?;
    let person = seen.person.person_id;
    let (released, withheld) = call.split(&seen.granted);
    let mut appeals = appeals::of_person(&mut conn, person).await?;
    if let Some(known_at) = known_at {
        appeals.retain(|appeal| appeal.made <= known_at);
        for appeal in &mut appeals {
            appeal.decision.take_if(|decision| decision.at > known_at);
        }
    }
    let asked = Asked { person, on, known_at, city: &city };
    let Computed { code, grounds } = compute(call, &mut conn, asked, &appeals).await?;
    let shows_sources = released.contains(FieldGroup::Provenance);
    let view = |reasons: &[Reason]| -> Vec<CodeReasonView> {
        let shown = reasons.iter().filter(|reason| released.contains(group(reason.cause)));
        shown.map(|reason| grounds.view(reason, shows_sources)).collect()
    };
    // Who may not know why may not know what was said against it.
    let appeals = appeals.into_iter().filter(|_| released.contains(FieldGroup::Health));
    let answer = CodeAnswer {
        person_id: person.as_uuid(),
        on: on.to_string(),
        projected: on > call.state.now(),
        colour: code.colour,
        until: code.until.map(|until| until.to_string()),
        reasons: view(&code.reasons),
        set_aside: view(&code.set_aside),
        appeals: appeals.map(AppealView::of).collect(),
        stays_without_township: if released.contains(FieldGroup::Trail) { grounds.stays_elsewhere } else { 0 },
        rules: code.rules.clone(),
        known_at: city.known_at().to_string(),
        known_since: city.since.to_string(),
        complete: city.keeps(window(&call.state.setup.rules, on)),
        withheld: withheld.clone(),
    };
    Ok(Found { answer, subjects: vec![person], released, withheld, count: 1 })
}

/// The events of every reason that holds now: what may be contested.
pub(crate) async fn reasons_of(
    call: &Call,
    conn: &mut Conn,
    person: PersonId,
    now: Timestamp,
) -> Result<BTreeSet<EventId>, Failure> {
    let appeals = appeals::of_person(conn, person).await?;
    let city = call.state.contacts.city()?;
    let asked = Asked { person, on: now, known_at: None, city: &city };
    let Computed { code, grounds } = compute(call, conn, asked, &appeals).await?;
    Ok(code.reasons.iter().flat_map(|reason| &reason.facts).map(|fact| grounds.event(*fact)).collect())
}

/// Whose code is asked for, of which instant, and with what was known when.
#[derive(Clone, Copy)]
struct Asked<'a> {
    person: PersonId,
    on: Timestamp,
    known_at: Option<Timestamp>,
    /// Of the same knowledge.
    city: &'a Arc<City>,
}

/// A code with what it was made of.
struct Computed {
    code: HealthCode,
    grounds: Grounds,
}

/// The days that count for a code.
fn window(rules: &Rules, on: Timestamp) -> Span {
    Span::new(on.plus_millis(-i64::from(rules.code.red_days) * DAY_MS), on)
}

async fn compute(call: &Call, conn: &mut Conn, asked: Asked<'_>, appeals: &[AppealRow]) -> Result<Computed, Failure> {
    let Asked { person, on, known_at, city } = asked;
    let rules = &call.state.setup.rules;
    let known = KnownCases::read(conn, (rules, &call.state.setup.key_groups), on, known_at).await?;
    let window = window(rules, on);
    let held = Arc::clone(city);
    // Over all cases this takes a while: not on a thread that answers others.
    let gather = move || {
        let mut grounds = Grounds::default();
        grounds.cases(&known, person);
        grounds.contacts(&held, &known, person, on);
        (known, grounds)
    };
    let (known, mut grounds) = tokio::task::spawn_blocking(gather).await.map_err(|_| Problem::Internal)?;
    grounds.stays(call, conn, asked, window).await?;
    let risks = known.risks(rules, on);
    let level = |township: TownshipId| KnownCases::level(&risks, &grounds.townships[township.0 as usize]);
    // A decision holds from then on: the code of an earlier instant is as it was.
    let is_upheld = |appeal: &&AppealRow| appeal.decision.as_ref().is_some_and(|one| one.is_upheld && one.at <= on);
    let upheld: BTreeSet<EventId> =
        appeals.iter().filter(is_upheld).flat_map(|appeal| &appeal.events).copied().collect();
    let code = HealthCode::new(rules, on, &grounds.all, level, |fact| upheld.contains(&grounds.event(fact)));
    Ok(Computed { code, grounds })
}

/// Where somebody was, and whom they met, is of the trail.
const fn group(cause: Cause) -> FieldGroup {
    match cause {
        Cause::Case(_) => FieldGroup::Health,
        Cause::Contact(_) | Cause::SubContact(_) | Cause::Stay(_) => FieldGroup::Trail,
    }
}

const fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::Case(_) => "case",
        Cause::Contact(_) => "contact",
        Cause::SubContact(_) => "sub-contact",
        Cause::Stay(_) => "stay",
    }
}

/// The townships that places lie in: by boundaries where the site gives them, else by the code that a register states.
async fn townships_of(
    call: &Call,
    places: Vec<(PlaceId, PlaceRef)>,
) -> Result<BTreeMap<PlaceId, Vec<String>>, Failure> {
    let setup = Arc::clone(&call.state.setup);
    let find = move |place: &PlaceRef| -> Vec<String> {
        let share_min = setup.rules.risk.stay_share_min;
        let of = |disc| setup.townships.of(disc, share_min).map(|one| one.code.clone());
        let by_boundary: Vec<String> = whereabouts::disc(place).into_iter().flat_map(of).collect();
        if by_boundary.is_empty() {
            let stated = place.division_code.as_deref().and_then(township_of);
            return stated.map(str::to_owned).into_iter().collect();
        }
        by_boundary
    };
    // Boundaries have many corners: not on a thread that answers others.
    let work = move || places.iter().map(|(id, place)| (*id, find(place))).collect();
    Ok(tokio::task::spawn_blocking(work).await.map_err(|_| Problem::Internal)?)
}

/// What may colour a code, with what resolves the numbers.
#[derive(Default)]
struct Grounds {
    all: Vec<Ground>,
    events: Vec<EventId>,
    townships: Vec<String>,
    /// Stays in no township that is known.
    stays_elsewhere: usize,
}

impl Grounds {
    fn event(&self, fact: FactId) -> EventId {
        self.events[fact.0 as usize]
    }

    fn view(&self, reason: &Reason, shows_sources: bool) -> CodeReasonView {
        CodeReasonView {
            colour: reason.colour,
            until: reason.until.to_string(),
            cause: cause(reason.cause),
            township: match reason.cause {
                Cause::Stay(township) => Some(self.townships[township.0 as usize].clone()),
                Cause::Case(_) | Cause::Contact(_) | Cause::SubContact(_) => None,
            },
            level: reason.level,
            events: reason.facts.iter().filter(|_| shows_sources).map(|fact| self.event(*fact).as_uuid()).collect(),
        }
    }

    fn facts(&mut self, events: impl IntoIterator<Item = EventId>) -> Vec<FactId> {
        let start = self.events.len() as u32;
        self.events.extend(events);
        (start..self.events.len() as u32).map(FactId).collect()
    }

    /// The person is a case.
    fn cases(&mut self, known: &KnownCases, person: PersonId) {
        for (case, detail) in known.cases.iter().zip(&known.details) {
            let Some(since) = case.confirmed.filter(|_| detail.person == Some(person) && detail.infectious.is_some())
            else {
                continue;
            };
            let facts = self.facts([detail.event]);
            self.all.push(Ground { cause: Cause::Case(case.case), since, last: case.closed, facts });
        }
    }

    /// The person met a case while others could catch it, or met somebody after they had.
    fn contacts(&mut self, city: &City, known: &KnownCases, person: PersonId, on: Timestamp) {
        let Some(own) = city.number(person) else { return };
        let traced = known.cases.iter().zip(&known.details).map(|(case, detail)| {
            let person = detail.person.and_then(|person| city.number(person)).unwrap_or(NOWHERE);
            let known = KnownCase { person, ..*case };
            TracedCase { known, infectious: detail.infectious.and_then(Seconds::within) }
        });
        for ground in city.index.grounds(own, &traced.collect::<Vec<_>>(), on) {
            let facts = self.facts(city.events(&ground.facts));
            self.all.push(Ground { facts, ..ground });
        }
    }

    /// The person stayed in townships.
    async fn stays(&mut self, call: &Call, conn: &mut Conn, asked: Asked<'_>, window: Span) -> Result<(), Failure> {
        let (rules, kinds) = (&call.state.setup.rules, [EventType::PresenceInterval]);
        let known = whereabouts::read(conn, rules, asked.person, &kinds, window, asked.known_at).await?;
        // What is perhaps somebody else's colours nobody, as it makes nobody a contact.
        let is_own = |one: &&Presence| known.facts[one.fact.0 as usize].0.is_owner;
        let own: Vec<Presence> = known.presences.iter().filter(is_own).copied().collect();
        let stays = stays(&rules.stay, &own);
        let places: BTreeSet<PlaceId> = stays.iter().map(|stay| stay.place).collect();
        let places = places.into_iter().filter_map(|id| Some((id, known.places.get(id.0 as usize)?.clone())));
        let townships = townships_of(call, places.collect()).await?;
        for stay in stays {
            let Some(span) = stay.span.common(window) else { continue };
            let codes = townships.get(&stay.place).map_or(&[][..], Vec::as_slice);
            self.stays_elsewhere += usize::from(codes.is_empty());
            for code in codes {
                let facts = self.facts(stay.facts.iter().map(|fact| known.facts[fact.0 as usize].0.row.event_id));
                self.stay(code, span, facts);
            }
        }
        Ok(())
    }

    /// The person stayed in a township, at another time perhaps as well.
    fn stay(&mut self, code: &str, span: Span, facts: Vec<FactId>) {
        let number = self.townships.iter().position(|known| known == code).unwrap_or(self.townships.len());
        if number == self.townships.len() {
            self.townships.push(code.to_owned());
        }
        let cause = Cause::Stay(TownshipId(number as u32));
        match self.all.iter_mut().find(|ground| ground.cause == cause) {
            Some(ground) => {
                ground.since = ground.since.min(span.from);
                ground.last = ground.last.max(Some(span.to));
                ground.facts.extend(facts);
            }
            None => self.all.push(Ground { cause, since: span.from, last: Some(span.to), facts }),
        }
    }
}
