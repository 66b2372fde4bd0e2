//! `GET /v1/persons/{person_id}/itinerary`: where a person was and what they did there, as JSON, GeoJSON or a table.
//!
//! The three forms are made of one answer. What cannot both be true stands there twice and is named; time without a
//! trace is a gap, not left out.

mod map;
mod table;

use access::{Action, FieldGroup, FieldGroups};
use axum::extract::State;
use domain::{EventType, Timestamp};
use exposure::{FactId, Grid, Item, Itinerary, PlaceId, Rules, Span};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::as_of;
use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::happening::{self, Happening, PlaceView};
use crate::problem::{Problem, ProblemDocument};
use crate::query::{self, Malformed};
use crate::state::QueryState;
use crate::subject::{self, Seen};
use crate::timeline::{DoubtView, FactSource, doubt_code};
use crate::whereabouts::{self, Whereabouts};

/// The kinds of facts that an itinerary is made of, each with its field group.
const KINDS: &[(EventType, FieldGroup)] = &[
    (EventType::PresenceInterval, FieldGroup::Trail),
    (EventType::TripSegment, FieldGroup::Trail),
    (EventType::GatePass, FieldGroup::Trail),
    (EventType::PaymentMade, FieldGroup::Payment),
    (EventType::EncounterChanged, FieldGroup::Health),
    (EventType::TestResult, FieldGroup::Health),
];
const DAY_MS: i64 = 86_400_000;
/// How long an itinerary is unless the question says otherwise.
const DAYS_DEFAULT: i64 = 14;

/// Where a person was and what they did there.
#[derive(Serialize, ToSchema)]
pub(crate) struct ItineraryAnswer {
    /// Id of the person.
    pub person_id: Uuid,
    /// The id that was asked for, when the person now has another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_for: Option<Uuid>,
    /// Begin of the stretch.
    pub from: String,
    /// End of the stretch.
    pub to: String,
    /// When what it follows from was known, if that was asked for. Who owned a phone is as it is known now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_at: Option<String>,
    /// Version of the rules of disease control.
    pub rules: String,
    /// In order of time.
    pub items: Vec<ItemView>,
    /// Pairs of items that cannot both be true.
    pub contradictions: Vec<ContradictionView>,
    /// Facts that say that the person was somewhere, but not where.
    pub unplaced: usize,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// A line of an itinerary.
#[derive(Serialize, ToSchema)]
pub(crate) struct ItemView {
    /// `stay`, `trip`, `encounter`, `test`, `payment`, `gate`, or `gap`: nothing is known.
    pub kind: &'static str,
    /// The field group it is in; absent for a gap.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String)]
    pub group: Option<FieldGroup>,
    /// Begin.
    pub from: String,
    /// End; the begin for a moment.
    pub to: String,
    /// Where; absent for a gap, and where it is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub place: Option<PlaceView>,
    /// Grid squares of the place that count, with the share of its disc in each.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub squares: Vec<SquareView>,
    /// Of a stay: how sure, from 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f32>,
    /// Of a stay: nothing was seen for a while, and it is assumed to have gone on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent: Option<bool>,
    /// Of a stay that is silent: from when until when, in order of time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub silences: Vec<SilenceView>,
    /// What the source reports, of anything but a stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub what: Option<Happening>,
    /// Why it may be somebody else's; absent when it is not doubtful.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub doubtful: Option<DoubtView>,
    /// Group `provenance`: the facts that say so.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<FactSource>,
    /// Group `provenance`: of a stay, facts that were taken for swings of the network between two cells.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub swings: Vec<FactSource>,
    #[serde(skip)]
    bounds: Vec<Bounds>,
}

/// South-west and north-east corner of a square, in degrees: latitude, longitude.
type Bounds = ((f64, f64), (f64, f64));

/// A while in which nothing was seen.
#[derive(Clone, Serialize, ToSchema)]
pub(crate) struct SilenceView {
    /// The last that was seen before.
    pub from: String,
    /// The next that was seen, or how long a stay is believed to go on.
    pub to: String,
}

/// A grid square.
#[derive(Clone, Copy, Serialize, ToSchema)]
pub(crate) struct SquareView {
    /// Sides north of the equator.
    pub row: i32,
    /// Sides east of Greenwich, along the parallel in the middle of the row.
    pub column: i32,
    /// Share of the place's disc that lies in it.
    pub share: f64,
}

/// Two items that cannot both be true.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContradictionView {
    /// Index of one item, from 0.
    pub one: usize,
    /// Index of the other.
    pub other: usize,
    /// Since when both claim the person.
    pub from: String,
    /// Until when.
    pub to: String,
}

/// Reads where a person was and what they did there, by the rules of disease control.
///
/// Consecutive presences are merged into stays, swings of the network between cells are removed, silence makes a stay less
/// sure. With `format=geojson` (or `Accept: application/geo+json`) a FeatureCollection, with `format=csv` (`text/csv`) a
/// table, whose receipt is in the header.
#[utoipa::path(
    get,
    path = "/v1/persons/{person_id}/itinerary",
    tag = "persons",
    operation_id = "read_itinerary",
    params(
        crate::openapi::PersonHeaders,
        ("person_id" = Uuid, Path, description = "Id of the person"),
        ("from" = Option<String>, Query, format = DateTime, description = "Begin; 14 days before the end unless stated"),
        ("to" = Option<String>, Query, format = DateTime, description = "End; now unless stated"),
        ("known_at" = Option<String>, Query, format = DateTime,
         description = "Only what the hub had read by this instant; all that it knows unless stated"),
        ("format" = Option<String>, Query, description = "`json`, `geojson` or `csv`"),
    ),
    responses(
        (status = 200, description = "The itinerary", content(
            (Receipted<ItineraryAnswer> = "application/json"),
            (serde_json::Value = "application/geo+json"),
            (String = "text/csv"),
         ),
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadItinerary).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    answer(call).await
}

/// Reads where the caller was and what they did there, as the own file tells it.
#[utoipa::path(
    get,
    path = "/v1/me/itinerary",
    tag = "caller",
    operation_id = "read_my_itinerary",
    params(
        crate::openapi::PersonHeaders,
        ("from" = Option<String>, Query, format = DateTime, description = "Begin; 14 days before the end unless stated"),
        ("to" = Option<String>, Query, format = DateTime, description = "End; now unless stated"),
        ("known_at" = Option<String>, Query, format = DateTime,
         description = "Only what the hub had read by this instant; all that it knows unless stated"),
        ("format" = Option<String>, Query, description = "`json`, `geojson` or `csv`"),
    ),
    responses(
        (status = 200, description = "The itinerary", content(
            (Receipted<ItineraryAnswer> = "application/json"),
            (serde_json::Value = "application/geo+json"),
            (String = "text/csv"),
         ),
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn read_own(State(state): State<QueryState>, ask: Ask) -> Answered {
    let mut call = match Call::begin(state, ask, Action::ReadItinerary).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    match subject::own(&call).await {
        Ok(person) => call.person_id = Some(person.to_string()),
        Err(failure) => return call.refuse(failure).await,
    }
    answer(call).await
}

async fn answer(call: Call) -> Answered {
    let question = match question(&call) {
        Ok(question) => question,
        Err(failure) => return call.refuse(failure).await,
    };
    let found = itinerary(&call, question.window, question.known_at).await;
    match question.form {
        Form::Json => call.finish(found).await,
        Form::GeoJson => {
            let found = found.map(|found| found.map(|answer| map::collection(&answer)));
            call.finish(found).await.of_type("application/geo+json")
        }
        Form::Csv => {
            let found = found.and_then(|found| found.try_map(|answer| table::rows(&answer)));
            call.finish_with_file("text/csv; charset=utf-8", found).await
        }
    }
}

struct Question {
    window: Span,
    known_at: Option<Timestamp>,
    form: Form,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    GeoJson,
    Csv,
}

fn question(call: &Call) -> Result<Question, Failure> {
    let [from, to, known_at, format] = query::members(&call.query, ["from", "to", "known_at", "format"])?;
    let form = match format.as_deref() {
        None if call.accepts("application/geo+json") => Form::GeoJson,
        None if call.accepts("text/csv") => Form::Csv,
        None | Some("json") => Form::Json,
        Some("geojson") => Form::GeoJson,
        Some("csv") => Form::Csv,
        Some(_) => return Err(Malformed::member("format", "`json`, `geojson` or `csv`").into()),
    };
    let known_at = as_of::known_at(known_at.as_deref(), call.state.now())?;
    let now = known_at.unwrap_or_else(|| call.state.now());
    Ok(Question { window: window(from.as_deref(), to.as_deref(), now)?, known_at, form })
}

/// The window that a query names: the last 14 days unless it says otherwise.
pub(crate) fn window(from: Option<&str>, to: Option<&str>, now: Timestamp) -> Result<Span, Failure> {
    let to = to.map(|text| as_of::instant_of("to", text)).transpose()?.unwrap_or(now);
    let from = from
        .map(|text| as_of::instant_of("from", text))
        .transpose()?
        .unwrap_or_else(|| to.plus_millis(-DAYS_DEFAULT * DAY_MS));
    if from >= to { Err(Problem::TimelineTooLong.into()) } else { Ok(Span { from, to }) }
}

/// Refuses a window that is longer than the caller may ask for at once, or that begins earlier before the stated case than that:
/// windows that are chained would be of any length.
pub(crate) fn within_days(call: &Call, window: Span) -> Result<(), Failure> {
    let Some(days) = call.entitlement()?.timeline_days_max() else { return Ok(()) };
    let longest_ms = i64::from(days) * DAY_MS;
    if window.millis() > longest_ms {
        return Err(Problem::TimelineTooLong.into());
    }
    match call.case_since().map(|since| since.plus_millis(-longest_ms)) {
        Some(first) if window.from < first => {
            Err(Failure::saying(Problem::TimelineBeforeCase, format!("Here `from` is {first} at the earliest.")))
        }
        _ => Ok(()),
    }
}

async fn itinerary(call: &Call, window: Span, known_at: Option<Timestamp>) -> Result<Found<ItineraryAnswer>, Failure> {
    within_days(call, window)?;
    let rules = &call.state.setup.rules;
    let mut conn = call.state.setup.store.snapshot().await?;
    let Seen { person, asked_for, granted } = subject::see(call, &mut conn).await?;
    let (released, withheld) = call.split(&granted);
    let kinds: Vec<EventType> =
        KINDS.iter().filter(|(_, group)| released.contains(*group)).map(|(kind, _)| *kind).collect();
    let known = whereabouts::read(&mut conn, rules, person.person_id, &kinds, window, known_at).await?;
    let found = Itinerary::new(rules, window, &known.presences, &known.happenings, |place| known.disc(place));
    let shown = Shown { rules, known: &known, sources: released.contains(FieldGroup::Provenance) };
    let contradictions = found.contradictions.iter().map(|pair| ContradictionView {
        one: pair.one,
        other: pair.other,
        from: pair.span.from.to_string(),
        to: pair.span.to.to_string(),
    });
    let answer = ItineraryAnswer {
        person_id: person.person_id.as_uuid(),
        asked_for: asked_for.map(|id| id.as_uuid()),
        from: window.from.to_string(),
        to: window.to.to_string(),
        known_at: known_at.map(|at| at.to_string()),
        rules: found.rules,
        contradictions: contradictions.collect(),
        items: found.items.iter().map(|item| shown.item(item)).collect(),
        unplaced: known.unplaced,
        withheld: withheld.clone(),
    };
    let count = answer.items.len();
    Ok(Found { answer, subjects: vec![person.person_id], released, withheld, count })
}

/// What an item becomes in the answer.
struct Shown<'a> {
    rules: &'a Rules,
    known: &'a Whereabouts,
    /// The sources may be shown.
    sources: bool,
}

impl Shown<'_> {
    fn item(&self, item: &Item) -> ItemView {
        let span = item.span();
        let mut view = ItemView {
            kind: "gap",
            group: None,
            from: span.from.to_string(),
            to: span.to.to_string(),
            place: None,
            squares: Vec::new(),
            confidence: None,
            silent: None,
            silences: Vec::new(),
            what: None,
            doubtful: None,
            facts: Vec::new(),
            swings: Vec::new(),
            bounds: Vec::new(),
        };
        match item {
            Item::Gap(_) => {}
            Item::Stay(stay) => {
                view.kind = "stay";
                view.group = Some(FieldGroup::Trail);
                (view.confidence, view.silent) = (Some(stay.confidence), Some(stay.is_silent()));
                let told = |one: &Span| SilenceView { from: one.from.to_string(), to: one.to.to_string() };
                view.silences = stay.silences.iter().map(told).collect();
                self.put(stay.place, &mut view);
                self.evidence(&stay.facts, &mut view);
                view.swings = self.sources_of(&stay.swings);
            }
            Item::Happening(happening, facts) => {
                view.kind = kind(happening);
                if let Some(place) = place_of(happening) {
                    self.put(place, &mut view);
                }
                let body = facts.first().map(|fact| &self.known.facts[fact.0 as usize]);
                view.group = body.and_then(|(fact, _)| group(fact.row.kind));
                view.what = body.and_then(|(_, body)| happening::happening(body.clone()));
                self.evidence(facts, &mut view);
            }
        }
        view
    }

    fn put(&self, place: PlaceId, view: &mut ItemView) {
        view.place = self.known.places.get(place.0 as usize).cloned().map(happening::place);
        let grid = Grid::new(&self.rules.square);
        let overlaps = self.known.disc(place).and_then(|disc| grid.disc(disc.centre, disc.radius_m).ok());
        for overlap in self.rules.square.counted(&overlaps.unwrap_or_default()) {
            let (row, column) = (overlap.square.row, overlap.square.column);
            view.squares.push(SquareView { row, column, share: overlap.share });
            view.bounds.push(grid.corners(overlap.square));
        }
    }

    fn evidence(&self, facts: &[FactId], view: &mut ItemView) {
        view.facts = self.sources_of(facts);
        view.doubtful = facts.iter().find_map(|fact| {
            let (fact, _) = &self.known.facts[fact.0 as usize];
            fact.doubt.map(|doubt| DoubtView { reason: doubt_code(doubt), other_persons: fact.others })
        });
    }

    fn sources_of(&self, facts: &[FactId]) -> Vec<FactSource> {
        let source = |fact: &FactId| FactSource::of(&self.known.facts[fact.0 as usize].0.row);
        if self.sources { facts.iter().map(source).collect() } else { Vec::new() }
    }
}

fn group(kind: EventType) -> Option<FieldGroup> {
    KINDS.iter().find(|(known, _)| *known == kind).map(|(_, group)| *group)
}

const fn kind(happening: &exposure::Happening) -> &'static str {
    match happening {
        exposure::Happening::Trip(_) => "trip",
        exposure::Happening::Encounter { .. } => "encounter",
        exposure::Happening::Test { .. } => "test",
        exposure::Happening::Payment { .. } => "payment",
        exposure::Happening::Gate { .. } => "gate",
    }
}

const fn place_of(happening: &exposure::Happening) -> Option<PlaceId> {
    match happening {
        exposure::Happening::Encounter { place, .. } | exposure::Happening::Gate { place, .. } => Some(*place),
        exposure::Happening::Payment { place, .. } => *place,
        exposure::Happening::Trip(_) | exposure::Happening::Test { .. } => None,
    }
}
