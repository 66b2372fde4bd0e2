//! `GET /v1/signals`: what does not fit together, for somebody to look at. A signal is a hint, and no finding.
//!
//! Each names its evidence by the events that it follows from. They are computed when they are asked for, from follow-ups and
//! facts, by the numbers of the rules file.

use std::collections::{BTreeMap, BTreeSet};

use access::{Action, Decision, FieldGroup, FieldGroups, Subject};
use axum::extract::State;
use domain::{
    Body, EventId, EventType, FollowUpState, HouseholdMembership, MeterQuality, PersonId, RecordId, ResidenceKind,
    TestResult, Timestamp, TravelMode, TripSegment, TripStatus,
};
use exposure::signal::{Reading, away, home, leaves, measures_home, still};
use exposure::{FactId, Presence, Rules, Span, Stay, stays};
use serde::Serialize;
use store::Conn;
use store::views::{self, FactRow, FollowUpRow, FollowUpsOf};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::problem::{Problem, ProblemDocument};
use crate::query::Malformed;
use crate::state::QueryState;
use crate::townships::instant;
use crate::{facts, follow_ups, query, reviews, whereabouts};

/// People who are looked at for one answer, at most; more are told as left out.
const PERSONS_MAX: usize = 500;
/// Test results without a person that are looked at for one answer, at most.
const TESTS_MAX: i64 = 1_000;
const DAY_MS: i64 = 86_400_000;
/// Where somebody is at home is learned from so many days before the quarantine.
const HOME_DAYS: i64 = 14;
/// Tickets are looked at so many days ahead.
const AHEAD_DAYS: i64 = 30;

/// What does not fit together.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignalList {
    /// The signals, the newest first.
    pub signals: Vec<SignalView>,
    /// Send it as `after` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<usize>,
    /// People and tests that were not looked at, because there are too many.
    pub left_out: usize,
    /// The instant is still to come: what does not fit together then if nothing more becomes known.
    pub projected: bool,
    /// Version of the rules of disease control.
    pub rules: String,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// Something that does not fit together.
#[derive(Serialize, ToSchema)]
pub(crate) struct SignalView {
    /// `still-meter`: the meter of a dwelling with somebody in quarantine stands still. `away`: somebody in quarantine is seen
    /// away from home, or is let out through a gate. `on-train`: a contact whose follow-up is open has a ticket for after the last
    /// meeting. `test-without-person`: a test result whose person nobody else knows.
    pub kind: &'static str,
    /// The field group it is in.
    #[schema(value_type = String)]
    pub group: FieldGroup,
    /// When it began.
    pub at: String,
    /// When it ended, of what lasts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// The person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_id: Option<Uuid>,
    /// The follow-up that it matters to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_up_id: Option<Uuid>,
    /// The case of the follow-up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub case: Option<Uuid>,
    /// Of `still-meter`: what it showed in between, in kilowatt-hours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kwh: Option<f64>,
    /// Of `away`: how far from home, beyond the radii of both places, in metres; absent at a gate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metres: Option<f64>,
    /// Of `on-train`: how, such as `RAIL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub mode: Option<TravelMode>,
    /// Of `on-train`: the run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// Of `test-without-person`: the record of the result.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub test: Option<Uuid>,
    /// Of `test-without-person`: `POSITIVE`, `NEGATIVE` or what else was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub result: Option<domain::TestOutcome>,
    /// Group `provenance`: the events that say so, the first 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<Uuid>,
}

/// Events that are told of one signal.
const EVENTS_MAX: usize = 50;

/// Lists what does not fit together.
#[utoipa::path(
    get,
    path = "/v1/signals",
    tag = "follow-ups",
    operation_id = "list_signals",
    params(
        crate::openapi::PersonHeaders,
        ("kind" = Option<String>, Query, description = "Only this kind"),
        ("on" = Option<String>, Query, format = DateTime,
         description = "The instant that quarantines are looked at, as the follow-ups were then; now unless stated"),
        ("after" = Option<u32>, Query, description = "`next` of the answer before"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "Signals in one answer; 50 unless stated"),
    ),
    responses(
        (status = 200, description = "The signals", body = Receipted<SignalList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn list(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadSignals).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = signals(&call).await;
    call.finish(found).await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    StillMeter,
    Away,
    OnTrain,
    TestWithoutPerson,
}

impl Kind {
    const ALL: [Self; 4] = [Self::StillMeter, Self::Away, Self::OnTrain, Self::TestWithoutPerson];

    const fn code(self) -> &'static str {
        match self {
            Self::StillMeter => "still-meter",
            Self::Away => "away",
            Self::OnTrain => "on-train",
            Self::TestWithoutPerson => "test-without-person",
        }
    }

    const fn group(self) -> FieldGroup {
        match self {
            Self::StillMeter => FieldGroup::Household,
            Self::Away | Self::OnTrain => FieldGroup::Trail,
            Self::TestWithoutPerson => FieldGroup::Health,
        }
    }

    fn view(self, at: Timestamp) -> SignalView {
        SignalView {
            kind: self.code(),
            group: self.group(),
            at: at.to_string(),
            until: None,
            person_id: None,
            follow_up_id: None,
            case: None,
            kwh: None,
            metres: None,
            mode: None,
            run: None,
            test: None,
            result: None,
            events: Vec::new(),
        }
    }
}

/// A signal, with what it is sorted by and whose it is.
struct Signal {
    at: Timestamp,
    person: Option<PersonId>,
    view: SignalView,
}

async fn signals(call: &Call) -> Result<Found<SignalList>, Failure> {
    let [kind, on, after, limit] = query::members(&call.query, ["kind", "on", "after", "limit"])?;
    let on = instant(on.as_deref(), call.state.now())?;
    let known = |code: String| Kind::ALL.into_iter().find(|kind| kind.code() == code);
    let kinds = || Malformed::member("kind", "`still-meter`, `away`, `on-train` or `test-without-person`");
    let kind = kind.map(|code| known(code).ok_or_else(kinds)).transpose()?;
    let after: usize = after.map_or(Ok(0), |after| after.parse()).map_err(|_| query::after_malformed())?;
    let limit = usize::try_from(reviews::limit_of(limit)?).unwrap_or(usize::MAX);
    let granted = match call.entitlement()?.decide(&Subject::default()) {
        Decision::Allowed { granted, .. } => granted,
        Decision::Refused(_) => return Err(Problem::NotEntitled.into()),
    };
    let (released, withheld) = call.split(&granted);
    let wants = |one: Kind| kind.is_none_or(|kind| kind == one) && released.contains(one.group());
    let mut conn = call.state.setup.store.snapshot().await?;
    let mut search = Search { rules: &call.state.setup.rules, on, found: Vec::new(), left_out: 0 };
    let watched = Watched::read(&mut conn, on).await?;
    let quarantined: Vec<&Followed> = watched.quarantined(on).collect();
    let open: Vec<&Followed> = watched.0.iter().filter(|one| !one.row.body.state.is_ended()).collect();
    if wants(Kind::StillMeter) {
        search.still_meters(&mut conn, &quarantined).await?;
    }
    if wants(Kind::Away) {
        search.away(&mut conn, &quarantined).await?;
    }
    if wants(Kind::OnTrain) {
        search.on_train(&mut conn, &open).await?;
    }
    if wants(Kind::TestWithoutPerson) {
        search.tests(&mut conn).await?;
    }
    let Search { mut found, left_out, .. } = search;
    // Stable: of one instant in the order of kinds and follow-ups.
    found.sort_by_key(|signal| std::cmp::Reverse(signal.at));
    let has_more = found.len() > after.saturating_add(limit);
    let page: Vec<Signal> = found.into_iter().skip(after).take(limit).collect();
    let subjects: BTreeSet<PersonId> = page.iter().filter_map(|signal| signal.person).collect();
    let shows_sources = released.contains(FieldGroup::Provenance);
    let view = |signal: Signal| {
        let mut view = signal.view;
        view.events.truncate(if shows_sources { EVENTS_MAX } else { 0 });
        view
    };
    let signals: Vec<SignalView> = page.into_iter().map(view).collect();
    let count = signals.len();
    let answer = SignalList {
        next: has_more.then_some(after + count),
        signals,
        left_out,
        projected: on > call.state.now(),
        rules: call.state.setup.rules.version(),
        withheld: withheld.clone(),
    };
    Ok(Found { answer, subjects: subjects.into_iter().collect(), released, withheld, count })
}

/// A follow-up of somebody who is known.
struct Followed {
    row: FollowUpRow,
    person: PersonId,
}

/// Everybody who is followed up for a case that stands.
struct Watched(Vec<Followed>);

impl Watched {
    /// As it was at an instant.
    async fn read(conn: &mut Conn, on: Timestamp) -> Result<Self, Failure> {
        let rows = views::list_follow_ups(conn, FollowUpsOf::EverybodyAt(on)).await?;
        let cases = follow_ups::cases(conn).await?;
        let records: Vec<RecordId> = rows.iter().map(|row| row.body.record).collect();
        let owners = views::list_persons_of_records(conn, &records).await?;
        let followed = |row: FollowUpRow| {
            let person = owners.get(&row.body.record).copied().flatten()?;
            cases.contains(&row.body.case).then_some(Followed { row, person })
        };
        Ok(Self(rows.into_iter().filter_map(followed).collect()))
    }

    /// Those who are in quarantine, or whose quarantine was not lifted yet, at an instant.
    fn quarantined(&self, on: Timestamp) -> impl Iterator<Item = &Followed> {
        self.0.iter().filter(move |one| one.row.body.state == FollowUpState::Quarantined && one.row.body.since <= on)
    }
}

impl Followed {
    /// From the begin of the quarantine to its end, or to now.
    fn quarantine(&self, on: Timestamp) -> Span {
        let until = self.row.body.until.map_or(on, |until| until.min(on));
        Span::new(self.row.body.since, until)
    }

    fn signal(&self, kind: Kind, at: Timestamp) -> Signal {
        let mut view = kind.view(at);
        view.person_id = Some(self.person.as_uuid());
        view.follow_up_id = Some(self.row.follow_up_id.as_uuid());
        view.case = Some(self.row.body.case.as_uuid());
        Signal { at, person: Some(self.person), view }
    }
}

/// What was found so far.
struct Search<'a> {
    rules: &'a Rules,
    on: Timestamp,
    found: Vec<Signal>,
    left_out: usize,
}

fn ids(events: impl IntoIterator<Item = EventId>) -> Vec<Uuid> {
    events.into_iter().map(EventId::as_uuid).collect()
}

impl Search<'_> {
    /// Not more people than can be looked at.
    fn some<'f>(&mut self, all: &[&'f Followed]) -> Vec<&'f Followed> {
        self.left_out += all.len().saturating_sub(PERSONS_MAX);
        all.iter().copied().take(PERSONS_MAX).collect()
    }

    async fn still_meters(&mut self, conn: &mut Conn, all: &[&Followed]) -> Result<(), Failure> {
        for one in self.some(all) {
            let quarantine = one.quarantine(self.on);
            let homes = homes(conn, one.person, Span::new(quarantine.from, self.on)).await?;
            let accounts: Vec<String> = homes.keys().cloned().collect();
            let rows = views::list_meter_readings(conn, &accounts, quarantine.from, quarantine.to).await?;
            for found in self.stillness(&rows, &homes, quarantine)? {
                let mut signal = one.signal(Kind::StillMeter, found.from.at);
                signal.view.until = Some(found.to.at.to_string());
                signal.view.kwh = Some(found.to.kwh - found.from.kwh);
                signal.view.events = ids([found.from, found.to].map(|reading| rows[reading.fact.0 as usize].event_id));
                self.found.push(signal);
            }
        }
        Ok(())
    }

    /// When each register of each meter of a home stood still. What was estimated was not read.
    fn stillness(
        &self,
        rows: &[FactRow],
        homes: &BTreeMap<String, BTreeSet<Option<String>>>,
        quarantine: Span,
    ) -> Result<Vec<exposure::signal::Still>, Failure> {
        let mut registers: BTreeMap<(String, String), Vec<Reading>> = BTreeMap::new();
        for (fact, row) in (0..).map(FactId).zip(rows) {
            let Body::MeterReading(reading) = row.body()? else { continue };
            let unit = match reading.unit.as_str() {
                "kWh" => 1.0,
                "Wh" => 0.001,
                _ => continue,
            };
            let meter = reading.dwelling.name.as_ref().map(|name| name.expose().as_str());
            let account = reading.account_id.as_ref().and_then(|account| homes.get(account.expose()));
            let is_home = account.is_some_and(|all| all.iter().any(|home| measures_home(meter, home.as_deref())));
            if reading.quality == MeterQuality::Estimated || !is_home {
                continue;
            }
            let kwh = reading.value.unscaled() as f64 / 10_000.0 * unit;
            let at = row.started_at;
            registers.entry((reading.meter_id, reading.register)).or_default().push(Reading { fact, at, kwh });
        }
        let rules = &self.rules.signal;
        Ok(registers.into_values().flat_map(|readings| still(rules, &readings, quarantine)).collect())
    }

    async fn away(&mut self, conn: &mut Conn, all: &[&Followed]) -> Result<(), Failure> {
        for one in self.some(all) {
            let quarantine = one.quarantine(self.on);
            let before = Span::new(quarantine.from.plus_millis(-HOME_DAYS * DAY_MS), quarantine.from);
            let kinds = [EventType::PresenceInterval, EventType::GatePass];
            let window = Span::new(before.from, quarantine.to);
            let known = whereabouts::read(conn, self.rules, one.person, &kinds, window, None).await?;
            // What is perhaps somebody else's says nothing of this one.
            let is_own = |fact: FactId| known.facts[fact.0 as usize].0.is_owner;
            let seen: Vec<Presence> = known.presences.iter().filter(|one| is_own(one.fact)).copied().collect();
            let stays = stays(&self.rules.stay, &seen);
            let earlier = |stay: &Stay| Some(Stay { span: stay.span.common(before)?, ..stay.clone() });
            let at_home =
                home(&stays.iter().filter_map(earlier).collect::<Vec<_>>()).and_then(|place| known.disc(place));
            if let Some(at_home) = at_home {
                for (stay, span, metres) in
                    away(&self.rules.signal, at_home, &stays, quarantine, |place| known.disc(place))
                {
                    let mut signal = one.signal(Kind::Away, span.from);
                    (signal.view.until, signal.view.metres) = (Some(span.to.to_string()), Some(metres.round()));
                    signal.view.events = ids(stay.facts.iter().map(|fact| known.facts[fact.0 as usize].0.row.event_id));
                    self.found.push(signal);
                }
            }
            for (fact, body) in known.facts.iter().filter(|(fact, _)| fact.is_owner) {
                let Body::GatePass(pass) = body else { continue };
                let at = fact.row.started_at;
                if leaves(pass.direction, pass.decision) && (quarantine.from..quarantine.to).contains(&at) {
                    let mut signal = one.signal(Kind::Away, at);
                    signal.view.events = ids([fact.row.event_id]);
                    self.found.push(signal);
                }
            }
        }
        Ok(())
    }

    async fn on_train(&mut self, conn: &mut Conn, all: &[&Followed]) -> Result<(), Failure> {
        for one in self.some(all) {
            let span = Span::new(one.row.body.met, self.on.plus_millis(AHEAD_DAYS * DAY_MS));
            for row in own(conn, one.person, EventType::TripSegment, span).await? {
                let Body::TripSegment(TripSegment { mode, run_id, status, .. }) = row.body()? else { continue };
                let is_given_back = matches!(status, TripStatus::Refunded | TripStatus::Rebooked);
                if is_given_back || row.started_at < one.row.body.met {
                    continue;
                }
                let mut signal = one.signal(Kind::OnTrain, row.started_at);
                signal.view.until = row.ended_at.map(|end| end.to_string());
                (signal.view.mode, signal.view.run) = (Some(mode), Some(run_id));
                signal.view.events = ids([row.event_id]);
                self.found.push(signal);
            }
        }
        Ok(())
    }

    /// Results of as many days as a case is new, whose specimen leads to nobody, or to somebody whom the laboratory alone knows.
    async fn tests(&mut self, conn: &mut Conn) -> Result<(), Failure> {
        let since = self.on.plus_millis(-i64::from(self.rules.risk.new_days) * DAY_MS);
        let mut rows = views::list_tests_without_person(conn, since, self.on, TESTS_MAX + 1).await?;
        if rows.len() as i64 > TESTS_MAX {
            rows.truncate(usize::try_from(TESTS_MAX).unwrap_or(0));
            self.left_out += 1;
        }
        let attributed = facts::attributed(conn, &rows).await?;
        for (row, attribution) in rows.into_iter().zip(attributed) {
            let Body::TestResult(TestResult { result, .. }) = row.body()? else { continue };
            let person = attribution.owner;
            let mut view = Kind::TestWithoutPerson.view(row.started_at);
            view.person_id = person.map(PersonId::as_uuid);
            (view.test, view.result) = (Some(row.record_id.as_uuid()), Some(result));
            view.events = ids([row.event_id]);
            self.found.push(Signal { at: row.started_at, person, view });
        }
        Ok(())
    }
}

/// The households that a person lives in, with the addresses of those dwellings as far as they are stated. Where somebody is registered
/// only, nobody need be at home.
async fn homes(
    conn: &mut Conn,
    person: PersonId,
    span: Span,
) -> Result<BTreeMap<String, BTreeSet<Option<String>>>, Failure> {
    let whole = Span::new(Timestamp::from_millis(0), span.to);
    let mut homes: BTreeMap<String, BTreeSet<Option<String>>> = BTreeMap::new();
    for row in own(conn, person, EventType::HouseholdMembership, whole).await? {
        if row.ended_at.is_some_and(|end| end <= span.from) {
            continue;
        }
        let Body::HouseholdMembership(HouseholdMembership { household_id, dwelling, residence_kind, .. }) =
            row.body()?
        else {
            continue;
        };
        if matches!(residence_kind, ResidenceKind::Actual | ResidenceKind::Both) {
            homes.entry(household_id).or_default().insert(dwelling.name.map(domain::Sensitive::into_exposed));
        }
    }
    Ok(homes)
}

/// The undoubted facts of one kind of a person.
async fn own(conn: &mut Conn, person: PersonId, kind: EventType, span: Span) -> Result<Vec<FactRow>, Failure> {
    let kinds = [kind];
    let span = facts::Span { kinds: &kinds, from: span.from, to: span.to, after: None, limit: 1_000, known_at: None };
    let page = facts::of_person(conn, person, span).await?;
    Ok(page.facts.into_iter().filter(|fact| fact.is_owner).map(|fact| fact.row).collect())
}
