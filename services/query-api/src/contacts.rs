//! `GET /v1/persons/{person_id}/contacts`: whom a person was near, where, when and for how long, with evidence.
//!
//! Who is near whom is decided by `exposure` over everybody's whereabouts, which the process holds in memory. Each person
//! shown is a subject of the entry in the ledger.

pub(crate) mod batch;
mod city;
mod held;
mod keeper;
mod subscription;
mod table;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use access::{Action, Decision, FieldGroup, FieldGroups, Subject};
use axum::extract::State;
use axum::http::header;
use domain::{PersonId, Timestamp};
use exposure::{Carrier, Case, Crowd, Exposed, Link, Meeting, Room, Scene, Seconds, Span};
use serde::Serialize;
use store::views;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::itinerary::{window, within_days};
use crate::problem::{Problem, ProblemDocument};
use crate::query::{self, Malformed};
use crate::state::QueryState;
use crate::subject::{self, Seen};
use crate::{as_of, stream};
pub(crate) use city::{City, Uncounted};
pub(crate) use held::Held;
pub use held::{ContactsFollower, follow_contacts, load_contacts};
use subscription::Subscription;

/// Contacts in one answer, unless the question says otherwise, and at most. Each is a subject of the ledger entry.
const CONTACTS_DEFAULT: usize = 100;
const CONTACTS_MAX: usize = 500;
/// Events that are told of one side of a meeting.
const EVENTS_MAX: usize = 50;
/// Meetings that are told of one contact, the first ones; their number and sum are of all.
const MEETINGS_MAX: usize = 200;

/// The contacts of a person.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContactsAnswer {
    /// Id of the person.
    pub person_id: Uuid,
    /// The id that was asked for, when the person now has another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_for: Option<Uuid>,
    /// Begin of the stretch.
    pub from: String,
    /// End of the stretch.
    pub to: String,
    /// Version of the rules of disease control.
    pub rules: String,
    /// When the facts were read that this is made of, or the instant that was asked for. Later ones are in a later answer.
    /// Who owned a phone is as it is known now.
    pub known_at: String,
    /// Before this instant nothing is known here.
    pub known_since: String,
    /// What makes no contacts.
    #[serde(flatten)]
    pub uncounted: Uncounted,
    /// For how many minutes of the stretch it is known in which squares the person was, ten minutes or longer at a time. Of the
    /// rest no contacts in squares can be told.
    pub seen_minutes: f64,
    /// How many contacts there are.
    pub total: usize,
    /// The most exposed first.
    pub contacts: Vec<ContactView>,
    /// Send it as `after` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<usize>,
    /// Where the person met so many that nobody is listed for it.
    pub left_out: Vec<CrowdView>,
    /// Contacts of the contacts, when they are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sub_contacts: Option<SubContactsView>,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// Somebody who was near.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContactView {
    /// Place in the ranking, from 1.
    pub rank: usize,
    /// Who.
    pub person_id: Uuid,
    /// Minutes of all meetings, each weighed by how near and how sure it is.
    pub weighed_minutes: f64,
    /// Minutes of all meetings; an hour in several squares at once counts in each.
    pub minutes: f64,
    /// How many meetings there were.
    pub meeting_count: u32,
    /// The first 200 of them, in order of time.
    pub meetings: Vec<MeetingView>,
}

/// A square of the grid.
#[derive(Serialize, ToSchema)]
pub(crate) struct GridSquare {
    /// Sides north of the equator.
    pub row: i32,
    /// Sides east of Greenwich, along the parallel in the middle of the row.
    pub column: i32,
}

impl From<exposure::Square> for GridSquare {
    fn from(exposure::Square { row, column }: exposure::Square) -> Self {
        Self { row, column }
    }
}

/// Two persons were near each other.
#[derive(Serialize, ToSchema)]
pub(crate) struct MeetingView {
    /// `square`, `neighbouring-squares`, `dwelling`, `ward` or `vehicle`.
    pub scene: &'static str,
    /// The field group it is in.
    #[schema(value_type = String)]
    pub group: FieldGroup,
    /// The square; of neighbouring squares the person's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub square: Option<GridSquare>,
    /// Of neighbouring squares the other's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub other_square: Option<GridSquare>,
    /// The hub's id of the dwelling or ward, or the run of the vehicle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Begin.
    pub from: String,
    /// End.
    pub to: String,
    /// How long, unbroken.
    pub minutes: f64,
    /// How sure, from 0 to 1.
    pub confidence: f32,
    /// Group `provenance`: the events that place the person there, the first 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub own_events: Vec<Uuid>,
    /// Group `provenance`: the events that place the other one there, the first 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_events: Vec<Uuid>,
}

/// A stay that met too many to list anybody.
#[derive(Serialize, ToSchema)]
pub(crate) struct CrowdView {
    /// Id of who stayed there.
    pub person_id: Uuid,
    /// The square.
    pub square: GridSquare,
    /// Begin.
    pub from: String,
    /// End.
    pub to: String,
    /// How many stays of others it met.
    pub stays: u32,
}

/// Contacts of contacts.
#[derive(Default, Serialize, ToSchema)]
pub(crate) struct SubContactsView {
    /// How many there are.
    pub total: usize,
    /// Those of the longest meetings.
    pub links: Vec<SubContactView>,
    /// How many stays of contacts met too many to list anybody.
    pub left_out: usize,
}

/// Somebody who met a contact after the contact had met the person.
#[derive(Serialize, ToSchema)]
pub(crate) struct SubContactView {
    /// Who.
    pub person_id: Uuid,
    /// The contact.
    pub through: Uuid,
    /// One meeting of theirs, a long one.
    pub meeting: MeetingView,
}

/// Reads whom a person was near: the same grid square for more unbroken minutes than the rules say, the same carriage,
/// near rows of an aircraft, the same vehicle, ward or dwelling.
///
/// A page tells its contacts with their meetings; `total` counts all. With `sub=true` also whom the contacts met afterwards.
///
/// With `Accept: text/event-stream` the answer goes on: the first events named `contacts` hold everybody (`contacts`,
/// `total`, `known_at`, `more`), the later ones who is new or met the person otherwise than was told, and in `gone` who is
/// a contact no more, as facts come late or are corrected. Without `to` it goes on until now, whenever that is.
#[utoipa::path(
    get,
    path = "/v1/persons/{person_id}/contacts",
    tag = "persons",
    operation_id = "read_contacts",
    params(
        crate::openapi::PersonHeaders,
        ("person_id" = Uuid, Path, description = "Id of the person"),
        ("from" = Option<String>, Query, format = DateTime, description = "Begin; 14 days before the end unless stated"),
        ("to" = Option<String>, Query, format = DateTime, description = "End; now unless stated"),
        ("known_at" = Option<String>, Query, format = DateTime,
         description = "Only what the hub had read by this instant; all that it knows unless stated"),
        ("sub" = Option<bool>, Query, description = "Whether the contacts of the contacts are wanted, too"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 500, description = "Contacts in one answer; 100 unless stated"),
        ("after" = Option<u32>, Query, description = "`next` of the answer before"),
    ),
    responses(
        (status = 200, description = "The contacts; as `text/event-stream` what changes of them", body = Receipted<ContactsAnswer>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadContacts).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    if call.header(header::ACCEPT).is_some_and(|accept| accept.contains("text/event-stream")) {
        return subscribe(call).await;
    }
    let found = contacts(&call).await;
    call.finish(found).await
}

/// Opens a stream of the contacts, if the caller may see them at all.
async fn subscribe(call: Call) -> Answered {
    let begun = async {
        let question = question(&call.query, call.state.now())?;
        if question.sub || question.after > 0 || question.known_at.is_some() {
            return Err(Problem::QueryMalformed.into());
        }
        within_days(&call, question.window)?;
        let mut conn = call.state.setup.store.acquire().await?;
        subject::see(&call, &mut conn).await?;
        call.state.contacts.city()?;
        Ok::<_, Failure>(Subscription::new(question.window.from, question.until))
    };
    match begun.await {
        Ok(subscription) => stream::open(call, subscription).await,
        Err(failure) => call.refuse(failure).await,
    }
}

#[derive(Clone, Copy)]
struct Question {
    window: Span,
    /// The end that was stated.
    until: Option<Timestamp>,
    sub: bool,
    limit: usize,
    after: usize,
    known_at: Option<Timestamp>,
}

fn question(query: &str, now: Timestamp) -> Result<Question, Failure> {
    let [from, to, sub, limit, after, known_at] =
        query::members(query, ["from", "to", "sub", "limit", "after", "known_at"])?;
    let known_at = as_of::known_at(known_at.as_deref(), now)?;
    let now = known_at.unwrap_or(now);
    let number = |name, text: String| text.parse::<usize>().map_err(|_| Malformed::member(name, "a whole number"));
    let sub = match sub.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(Malformed::member("sub", "`true` or `false`").into()),
    };
    let limit = limit.map(|text| number("limit", text)).transpose()?.unwrap_or(CONTACTS_DEFAULT);
    if !(1..=CONTACTS_MAX).contains(&limit) {
        return Err(Malformed::member("limit", &format!("from 1 to {CONTACTS_MAX}")).into());
    }
    let after = after.map(|text| number("after", text)).transpose()?.unwrap_or(0);
    let window = window(from.as_deref(), to.as_deref(), now)?;
    Ok(Question { window, until: to.is_some().then_some(window.to), sub, limit, after, known_at })
}

async fn contacts(call: &Call) -> Result<Found<ContactsAnswer>, Failure> {
    let question = question(&call.query, call.state.now())?;
    within_days(call, question.window)?;
    let city = city_for(call, question.known_at).await?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let Seen { person, asked_for, granted } = subject::see(call, &mut conn).await?;
    let (released, withheld) = call.split(&granted);
    let shown = Shown { city: Arc::clone(&city), released: released.clone() };
    // Who lives together does so until further notice, which is not evidence of tomorrow.
    let past = Span::new(question.window.from, question.window.to.min(call.state.now()));
    let near = match city.number(person.person_id).zip(Seconds::within(past)) {
        Some((number, span)) => {
            let case = Case { person: number, span };
            // Counting over a crowd takes a while: not on a thread that answers others.
            let work = move || near(&shown, case, question);
            tokio::task::spawn_blocking(work).await.map_err(|_| Problem::Internal)?
        }
        None => Near { sub_contacts: question.sub.then(SubContactsView::default), ..Near::default() },
    };
    let mut subjects = near.persons();
    subjects.insert(person.person_id);
    self::granted(call, &mut conn, &subjects).await?;
    let count = near.contacts.len();
    let next = question.after + count;
    let answer = ContactsAnswer {
        person_id: person.person_id.as_uuid(),
        asked_for: asked_for.map(|id| id.as_uuid()),
        from: question.window.from.to_string(),
        to: question.window.to.to_string(),
        rules: call.state.setup.rules.version(),
        known_at: city.known_at().to_string(),
        known_since: city.since.to_string(),
        uncounted: city.uncounted,
        seen_minutes: near.seen_minutes,
        total: near.total,
        contacts: near.contacts,
        next: (next < near.total).then_some(next),
        left_out: near.left_out,
        sub_contacts: near.sub_contacts,
        withheld: withheld.clone(),
    };
    Ok(Found { answer, subjects: subjects.into_iter().collect(), released, withheld, count })
}

/// The index of now, or of what was known at an instant. That one may have to be built, so it is first decided that the caller may see
/// the person of the path; and no connection is held meanwhile.
pub(crate) async fn city_for(call: &Call, known_at: Option<Timestamp>) -> Result<Arc<City>, Failure> {
    if known_at.is_some() {
        let mut conn = call.state.setup.store.snapshot().await?;
        subject::see(call, &mut conn).await?;
    }
    Ok(held::city(&call.state, known_at).await?)
}

/// What the caller may see of all these persons. One who is not the caller's refuses all: contacts are shown whole or not at
/// all.
async fn granted(call: &Call, conn: &mut store::Conn, persons: &BTreeSet<PersonId>) -> Result<FieldGroups, Failure> {
    let entitlement = call.entitlement()?;
    let persons: Vec<PersonId> = persons.iter().copied().collect();
    if views::is_any_nobody(conn, &persons).await? {
        // The index is behind: somebody in it is no person any more.
        return Err(Problem::ContactsLoading.into());
    }
    // A city has few units, and a decision about a person follows from theirs.
    let mut decided: BTreeMap<Vec<String>, FieldGroups> = BTreeMap::new();
    for (person, units) in views::list_units(conn, &persons).await? {
        if let Entry::Vacant(undecided) = decided.entry(units) {
            let granted = subject::decide(&entitlement, person, undecided.key().clone(), None);
            undecided.insert(granted.ok_or_else(|| Failure::not_found("not-related", person))?);
        }
    }
    let common = |one: FieldGroups, other: FieldGroups| one.iter().filter(|group| other.contains(*group)).collect();
    // Of nobody is shown what would be of anybody.
    let of_nobody = || match entitlement.decide(&Subject::default()) {
        Decision::Allowed { granted, .. } => granted,
        Decision::Refused(_) => FieldGroups::default(),
    };
    Ok(decided.into_values().reduce(common).unwrap_or_else(of_nobody))
}

/// What the index says.
#[derive(Default)]
struct Near {
    seen_minutes: f64,
    total: usize,
    contacts: Vec<ContactView>,
    left_out: Vec<CrowdView>,
    sub_contacts: Option<SubContactsView>,
}

impl Near {
    fn persons(&self) -> BTreeSet<PersonId> {
        let contacts = self.contacts.iter().map(|contact| contact.person_id);
        let subs =
            self.sub_contacts.iter().flat_map(|subs| &subs.links).flat_map(|link| [link.person_id, link.through]);
        contacts.chain(subs).map(PersonId::from_uuid).collect()
    }
}

fn near(shown: &Shown, case: Case, question: Question) -> Near {
    let ranking = shown.city.index.rank(case, |room| shown.released.contains(group_of_room(room)));
    let page = ranking.ranked(question.after, question.limit);
    let told = (question.after + 1..).zip(&page).zip(ranking.contacts(&page));
    let contacts = told.map(|((rank, exposed), contact)| shown.contact(rank, exposed, contact.meetings));
    Near {
        seen_minutes: minutes(shown.city.index.seen(case.person, case.span)),
        total: ranking.exposed().len(),
        contacts: contacts.collect(),
        left_out: ranking.left_out().iter().map(|crowd| shown.crowd(crowd)).collect(),
        sub_contacts: question.sub.then(|| sub_contacts(shown, case, ranking.exposed(), question.limit)),
    }
}

/// Whom the contacts met from their first meeting with the case on.
fn sub_contacts(shown: &Shown, case: Case, exposed: &[Exposed], limit: usize) -> SubContactsView {
    let carrier = |one: &Exposed| Carrier { person: one.person, span: Seconds { from: one.first, to: case.span.to } };
    let carriers: Vec<Carrier> = exposed.iter().map(carrier).collect();
    let mut found = shown.city.index.sub_contacts(&carriers);
    found.links.retain(|link| link.person != case.person && shown.released.contains(group_of(link.meeting.scene)));
    found.links.sort_by_key(|link| std::cmp::Reverse(link.meeting.span.count()));
    SubContactsView {
        total: found.links.len(),
        links: found.links.iter().take(limit).map(|link| shown.sub_contact(link)).collect(),
        left_out: found.left_out.len(),
    }
}

const fn group_of_room(room: Room) -> FieldGroup {
    match room {
        Room::Dwelling(_) => FieldGroup::Household,
        Room::Ward(_) => FieldGroup::Health,
        Room::Carriage(..) | Room::Rows(_) | Room::Vehicle(_) => FieldGroup::Trail,
    }
}

const fn group_of(scene: Scene) -> FieldGroup {
    match scene {
        Scene::Dwelling(_) => FieldGroup::Household,
        Scene::Ward(_) => FieldGroup::Health,
        Scene::Square(_) | Scene::Beside(..) | Scene::Vehicle(_) => FieldGroup::Trail,
    }
}

/// What numbers become in the answer.
struct Shown {
    city: Arc<City>,
    released: FieldGroups,
}

impl Shown {
    fn contact(&self, rank: usize, exposed: &Exposed, meetings: Vec<Meeting>) -> ContactView {
        ContactView {
            rank,
            person_id: self.city.person(exposed.person).as_uuid(),
            weighed_minutes: exposed.exposure,
            minutes: exposed.seconds as f64 / 60.0,
            meeting_count: exposed.meetings,
            meetings: meetings.iter().take(MEETINGS_MAX).map(|meeting| self.meeting(meeting)).collect(),
        }
    }

    fn sub_contact(&self, link: &Link) -> SubContactView {
        SubContactView {
            person_id: self.city.person(link.person).as_uuid(),
            through: self.city.person(link.carrier).as_uuid(),
            meeting: self.meeting(&link.meeting),
        }
    }

    fn meeting(&self, meeting: &Meeting) -> MeetingView {
        let (scene, square, other_square, place) = match meeting.scene {
            Scene::Square(one) => ("square", Some(one), None, None),
            Scene::Beside(own, other) => ("neighbouring-squares", Some(own), Some(other), None),
            Scene::Dwelling(room) => ("dwelling", None, None, Some(self.city.room(room))),
            Scene::Ward(room) => ("ward", None, None, Some(self.city.room(room))),
            Scene::Vehicle(run) => ("vehicle", None, None, Some(self.city.run(run))),
        };
        let (own, other) = self.city.index.facts(meeting);
        let events = |facts| match self.released.contains(FieldGroup::Provenance) {
            true => self.city.events(facts).into_iter().take(EVENTS_MAX).map(|event| event.as_uuid()).collect(),
            false => Vec::new(),
        };
        MeetingView {
            scene,
            group: group_of(meeting.scene),
            square: square.map(GridSquare::from),
            other_square: other_square.map(GridSquare::from),
            place: place.map(str::to_owned),
            from: second(meeting.span.from),
            to: second(meeting.span.to),
            minutes: minutes(meeting.span.count()),
            confidence: meeting.confidence,
            own_events: events(own),
            other_events: events(other),
        }
    }

    fn crowd(&self, crowd: &Crowd) -> CrowdView {
        CrowdView {
            person_id: self.city.person(crowd.person).as_uuid(),
            square: crowd.square.into(),
            from: second(crowd.span.from),
            to: second(crowd.span.to),
            stays: crowd.stays,
        }
    }
}

fn minutes(seconds: u32) -> f64 {
    f64::from(seconds) / 60.0
}

fn second(second: u32) -> String {
    Timestamp::from_millis(i64::from(second) * 1_000).to_string()
}
