//! `POST /v1/cases/{case}/contacts/notify`: the communities of a case's contacts are told, in one call.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use access::{Action, FieldGroups};
use axum::extract::State;
use axum::http::StatusCode;
use domain::{Event, EventType, FollowUpChanged, PersonId, RecordId, Timestamp};
use exposure::follow_up::{Side, Step, begin, met_again, take, units_to_tell};
use exposure::{Case, Seconds, Span};
use ledger::{Matter, MatterId};
use serde::{Deserialize, Serialize};
use store::views::{self, FollowUpRow, FollowUpsOf};
use utoipa::ToSchema;
use uuid::Uuid;

use super::case_id;
use super::step::{event, source_id};
use crate::call::{Answered, Ask, Call, Failure, Found, Receipted, code};
use crate::known_cases::KnownCases;
use crate::problem::{Problem, ProblemDocument};
use crate::publish::{self, Turn};
use crate::query;
use crate::state::QueryState;

/// People in one call at most: each is a subject of the entry in the ledger.
const PERSONS_MAX: usize = 1_000;

/// Nothing needs to be said; there may be more one day.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotifyQuestion {}

/// What became of the contacts of a case.
#[derive(Serialize, ToSchema)]
pub(crate) struct Notified {
    /// The hub's id of the case.
    pub case: Uuid,
    /// People whom the case met while others could catch it.
    pub contacts: usize,
    /// Of them, those who had a follow-up before.
    pub known: usize,
    /// Follow-ups that begin now: one for each unit where somebody lives or is registered.
    pub created: usize,
    /// Of these, those that no unit has, because it is not known where the person lives.
    pub unassigned: usize,
    /// Follow-ups that no unit had, and that one has now, because it is known where the person lives.
    pub assigned: usize,
    /// Follow-ups of people who met the case again, later than was known: a quarantine lasts longer, and what had ended with its time goes on.
    pub met_again: usize,
    /// Contacts that did not fit into this call: send it again.
    pub remaining: usize,
    /// Stays of the case that met so many that nobody is listed.
    pub left_out: usize,
    /// When the facts on contacts were read; send it again for what came later.
    pub known_at: String,
    /// Version of the rules of disease control.
    pub rules: String,
    /// The lists show the follow-ups already; otherwise they will, as soon as the projector has caught up.
    pub applied: bool,
}

/// Makes everybody whom a case met a follow-up, at the units where they live and where they are registered.
///
/// The same call again begins nothing anew: it adds whom later facts made contacts, finds units that were not known, and makes
/// quarantines longer of people who met the case again.
#[utoipa::path(
    post,
    path = "/v1/cases/{case}/contacts/notify",
    tag = "follow-ups",
    operation_id = "notify_contacts",
    request_body = NotifyQuestion,
    params(crate::openapi::PersonHeaders, ("case" = Uuid, Path, description = "The hub's id of the case")),
    responses(
        (status = 200, description = "Begun, and the lists show it", body = Receipted<Notified>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = 202, description = "Begun; the lists will show it", body = Receipted<Notified>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn notify(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::DirectFollowUps).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let plan = plan(&call).await;
    carry_out(call, plan).await
}

/// What is to be done, once it is on record.
struct Plan {
    case: RecordId,
    events: Vec<Event>,
    subjects: Vec<PersonId>,
    answer: Notified,
    /// Until the events are in the log.
    turn: Turn,
}

/// Whom a case met, the most exposed first, with the end of the last meeting.
struct Met {
    persons: Vec<(PersonId, Timestamp)>,
    left_out: usize,
    known_at: Timestamp,
    /// Whereabouts of all that time are kept.
    is_whole: bool,
}

async fn plan(call: &Call) -> Result<Plan, Failure> {
    let [] = query::members(&call.query, [])?;
    let case = case_id(call)?;
    let NotifyQuestion {} = call.json().await?;
    let Met { persons: met, left_out, known_at, .. } = met(call, case).await?;
    let turn = Turn::take(&call.state, EventType::FollowUpChanged).await?;
    let mut conn = call.state.setup.store.acquire().await?;
    let rows = views::list_follow_ups(&mut conn, FollowUpsOf::Case(case)).await?;
    let records: Vec<RecordId> = rows.iter().map(|row| row.body.record).collect();
    let owners = views::list_persons_of_records(&mut conn, &records).await?;
    let owner = |row: &FollowUpRow| owners.get(&row.body.record).copied().flatten();
    let known: BTreeSet<PersonId> = rows.iter().filter_map(owner).collect();
    let contacts = met.len();
    let (old, mut new): (Vec<_>, Vec<_>) = met.into_iter().partition(|(person, _)| known.contains(person));
    let mut remaining = new.len().saturating_sub(PERSONS_MAX);
    new.truncate(PERSONS_MAX);
    let nowhere: Vec<&FollowUpRow> = rows.iter().filter(|row| row.body.unit.is_none()).take(PERSONS_MAX).collect();
    let asked: Vec<PersonId> =
        new.iter().map(|(person, _)| *person).chain(nowhere.iter().copied().filter_map(owner)).collect();
    let units: BTreeMap<PersonId, Vec<String>> = views::list_units(&mut conn, &asked).await?.into_iter().collect();
    let told = |person: &PersonId| units.get(person).map(|units| units_to_tell(units)).unwrap_or_default();
    let mut work = Work { call, case, events: Vec::new() };
    let (mut created, mut unassigned, mut assigned) = (0, 0, 0);
    let mut subjects: BTreeSet<PersonId> = new.iter().map(|(person, _)| *person).collect();
    for (person, met) in &new {
        let units = told(person);
        unassigned += usize::from(units.is_empty());
        created += units.len().max(1);
        match units.is_empty() {
            true => work.begin(person.as_record(), None, *met),
            false => units.into_iter().for_each(|unit| work.begin(person.as_record(), Some(unit), *met)),
        }
    }
    for row in nowhere {
        let Some(person) = owner(row) else { continue };
        let mut units = told(&person).into_iter();
        let Some(first) = units.next() else { continue };
        if work.assign(row, first) {
            assigned += 1;
            subjects.insert(person);
            for unit in units {
                created += 1;
                work.begin(row.body.record, Some(unit), row.body.met);
            }
        }
    }
    let last_met: BTreeMap<PersonId, Timestamp> = old.iter().copied().collect();
    let mut again = 0;
    for row in rows.iter().filter(|row| row.body.unit.is_some()) {
        let met = owner(row).and_then(|person| Some((person, *last_met.get(&person)?)));
        let Some((person, body)) = met.and_then(|(person, met)| Some((person, work.met_again(row, met)?))) else {
            continue;
        };
        if again == PERSONS_MAX {
            remaining += 1;
            continue;
        }
        again += 1;
        subjects.insert(person);
        let steps = views::list_steps(&mut conn, row.follow_up_id).await?;
        let (source_id, now) = (source_id(&steps, row), call.state.now());
        work.events.push(event(row.follow_up_id, source_id, row.version + 1, now.max(row.at), body, now).1);
    }
    let answer = Notified {
        case: case.as_uuid(),
        contacts,
        known: old.len(),
        created,
        unassigned,
        assigned,
        met_again: again,
        remaining,
        left_out,
        known_at: known_at.to_string(),
        rules: call.state.setup.rules.version(),
        applied: true,
    };
    Ok(Plan { case, events: work.events, subjects: subjects.into_iter().collect(), answer, turn })
}

/// The people whom a case met while others could catch it, by id alone; `None` where some of that time is not kept.
pub(super) async fn contacts(call: &Call, case: RecordId) -> Result<Option<Vec<PersonId>>, Failure> {
    let met = met(call, case).await?;
    Ok(met.is_whole.then(|| met.persons.into_iter().map(|(person, _)| person).collect()))
}

/// The people whom a case met while others could catch it.
async fn met(call: &Call, case: RecordId) -> Result<Met, Failure> {
    let setup = &call.state.setup;
    let now = call.state.now();
    let mut conn = setup.store.snapshot().await?;
    let known = KnownCases::read(&mut conn, (&setup.rules, &setup.key_groups), now, None).await?;
    let detail = known.details.iter().find(|detail| detail.record == case).ok_or(Problem::CaseNotFound)?;
    let infectious = detail.infectious.zip(detail.person).ok_or(Problem::CaseUntraceable);
    let (window, person) = infectious?;
    let city = call.state.contacts.city()?;
    if window.to <= city.since {
        return Err(Problem::ContactsNotKept.into());
    }
    let mut met = Met { persons: Vec::new(), left_out: 0, known_at: city.known_at(), is_whole: city.keeps(window) };
    let Some((number, span)) = city.number(person).zip(Seconds::within(Span::new(window.from, window.to))) else {
        return Ok(met);
    };
    let held = Arc::clone(&city);
    // Counting over a crowd takes a while: not on a thread that answers others.
    let work = move || {
        let ranking = held.index.rank(Case { person: number, span }, |_| true);
        let second = |second: u32| Timestamp::from_millis(i64::from(second) * 1_000);
        let persons = ranking.exposed().iter().map(|one| (held.person(one.person), second(one.last))).collect();
        (persons, ranking.left_out().len())
    };
    (met.persons, met.left_out) = tokio::task::spawn_blocking(work).await.map_err(|_| Problem::Internal)?;
    Ok(met)
}

/// The events of a call.
struct Work<'a> {
    call: &'a Call,
    case: RecordId,
    events: Vec<Event>,
}

impl Work<'_> {
    fn begin(&mut self, record: RecordId, unit: Option<String>, met: Timestamp) {
        let now = self.call.state.now();
        let source_id = FollowUpChanged::source_record_id(self.case, record, unit.as_deref());
        let follow_up = self.call.state.setup.token_key.record_id(FollowUpChanged::SOURCE, &source_id);
        let body = begin(self.case, record, unit, met, (&self.call.caller.handle, now));
        self.events.push(event(follow_up, source_id, 1, now, body, now).1);
    }

    /// What holds after a later meeting, when that changes anything.
    fn met_again(&self, row: &FollowUpRow, met: Timestamp) -> Option<FollowUpChanged> {
        let by = (self.call.caller.handle.as_str(), self.call.state.now().max(row.at));
        met_again(&self.call.state.setup.rules.follow_up, &row.body, met, by)
    }

    /// Whether it could be given to the unit.
    fn assign(&mut self, row: &FollowUpRow, unit: String) -> bool {
        let now = self.call.state.now();
        let rules = &self.call.state.setup.rules.follow_up;
        let by = (self.call.caller.handle.as_str(), now.max(row.at));
        let Ok(body) = take(rules, &row.body, Step::Assign(unit), (Side::Control, false), by) else { return false };
        let source_id = FollowUpChanged::source_record_id(row.body.case, row.body.record, None);
        self.events.push(event(row.follow_up_id, source_id, row.version + 1, by.1, body, now).1);
        true
    }
}

async fn carry_out(call: Call, plan: Result<Plan, Failure>) -> Answered {
    let Plan { case, events, subjects, answer, turn } = match plan {
        Ok(plan) => plan,
        Err(failure) => return call.refuse(failure).await,
    };
    let matter = match code("NOTIFY") {
        Ok(act) => Matter { id: MatterId(case.as_uuid().into_bytes()), act },
        Err(problem) => return call.refuse(problem.into()).await,
    };
    // Numbers are told, and nothing of a person.
    let (released, withheld, count) = (FieldGroups::default(), FieldGroups::default(), subjects.len());
    let found = Found { answer: (), subjects, released, withheld, count };
    // On a task of its own: a client that hangs up stops nothing between the record and the log.
    let carried_out = tokio::spawn(async move {
        match call.record(found, matter).await {
            Ok(recorded) => recorded.answer(apply(&call, turn, events, answer).await),
            Err(answered) => answered,
        }
    });
    carried_out.await.unwrap_or_else(|_| Answered::without_entry(Problem::Internal))
}

async fn apply(
    call: &Call,
    turn: Turn,
    events: Vec<Event>,
    answer: Notified,
) -> Result<(StatusCode, Notified), Problem> {
    if events.is_empty() {
        turn.end().await;
        return Ok((StatusCode::OK, answer));
    }
    let end = publish::append(&call.state, &events).await?;
    turn.end().await;
    metrics::counter!("isthmus_follow_ups_total").increment(answer.created as u64);
    let applied = publish::applied(&call.state, &end).await;
    let status = if applied { StatusCode::OK } else { StatusCode::ACCEPTED };
    Ok((status, Notified { applied, ..answer }))
}
