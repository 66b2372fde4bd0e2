//! Taking a step: `POST /v1/follow-ups/{follow_up}/steps` by a worker, `…/assignment` by disease control.
//!
//! A step is on record in the ledger before it is in the log, and in the log before it is in the views.

use access::{Action, FieldGroups, Role};
use axum::extract::State;
use axum::http::StatusCode;
use domain::{
    BatchId, Body, Edition, Event, EventId, EventType, FollowUpChanged, FollowUpState, Meta, Op, PersonId, Precision,
    RecordId, ReferralOutcome, Sensitive, SourceKind, Timestamp, unit,
};
use exposure::follow_up::{Side, Step, StepError, allowed, take};
use ledger::{Matter, MatterId, Nonce};
use serde::{Deserialize, Serialize};
use store::Conn;
use store::callers;
use store::views::{self, FollowUpRow};
use utoipa::ToSchema;

use super::view::{Desk, FollowUpView};
use crate::call::{Answered, Ask, Call, Failure, Found, Receipted, code};
use crate::decisions::note_of;
use crate::problem::{Problem, ProblemDocument};
use crate::publish::{self, Turn};
use crate::query;
use crate::state::QueryState;

/// The longest name of a place, in characters.
const PLACE_CHARS_MAX: usize = 100;

/// A step that was taken.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepQuestion {
    /// `notified`, `not_reached`, `refused`, `quarantined`, `released`, `covered`, `offered`, `accepted`, `declined`, `taken_back`,
    /// `screened`, `transported`, `admitted`, `referral_closed` or `closed`.
    step: String,
    /// When; now unless stated.
    #[serde(default)]
    #[schema(format = DateTime)]
    at: Option<String>,
    /// Of `quarantined`: its end; as the rules say unless stated.
    #[serde(default)]
    #[schema(format = DateTime)]
    until: Option<String>,
    /// Of `offered`: the unit.
    #[serde(default)]
    to: Option<String>,
    /// Of `screened`, `transported` and `admitted`: where; of `referral_closed` it may be stated.
    #[serde(default)]
    #[schema(max_length = 100)]
    place: Option<String>,
    /// Of `referral_closed`: `returned_home`, `discharged`, `transferred` or `died`.
    #[serde(default)]
    outcome: Option<String>,
    /// Of `closed`: `period_over` (by the rules a quarantine would be over, and there is none), `died`, `not_this_person` or
    /// `moved_away` (where no unit reaches them). A referral whose outcome is `died` closes the follow-up by itself.
    #[serde(default)]
    reason: Option<String>,
    /// What the next worker should know. It names nobody and holds no number of a person.
    #[serde(default)]
    #[schema(max_length = 300)]
    note: Option<String>,
}

/// The unit that a follow-up is given to.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssignmentQuestion {
    /// Code of the unit.
    unit: String,
    /// What the worker should know. It names nobody and holds no number of a person.
    #[serde(default)]
    #[schema(max_length = 300)]
    note: Option<String>,
}

/// What became of a step.
#[derive(Serialize, ToSchema)]
pub(crate) struct Stepped {
    /// The lists show it already; otherwise they will, as soon as the projector has caught up.
    pub applied: bool,
    /// The follow-up after the step; absent when it is no longer the caller's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub follow_up: Option<FollowUpView>,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// Takes a step in a follow-up of the own unit, or one that is offered to it; disease control closes what no unit has.
///
/// `GET /v1/follow-ups/{follow_up}` names the steps that may be taken now. The same step once more, by the same worker, changes
/// nothing; only `not_reached` is another attempt each time.
#[utoipa::path(
    post,
    path = "/v1/follow-ups/{follow_up}/steps",
    tag = "follow-ups",
    operation_id = "take_step",
    request_body = StepQuestion,
    params(crate::openapi::PersonHeaders, ("follow_up" = Uuid, Path, description = "Id of the follow-up")),
    responses(
        (status = 200, description = "Taken, and the lists show it", body = Receipted<Stepped>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = 202, description = "Taken; the lists will show it", body = Receipted<Stepped>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn step(State(state): State<QueryState>, ask: Ask) -> Answered {
    let action = match ask.role() {
        Role::CdcTracer => Action::DirectFollowUps,
        _ => Action::StepFollowUp,
    };
    let call = match Call::begin(state, ask, action).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let plan = async {
        let question: StepQuestion = call.json().await?;
        let wanted = Wanted::of(question, call.state.now())?;
        plan(&call, wanted).await
    };
    let plan = plan.await;
    carry_out(call, plan).await
}

/// Gives a follow-up that nobody has to a unit, by hand.
#[utoipa::path(
    post,
    path = "/v1/follow-ups/{follow_up}/assignment",
    tag = "follow-ups",
    operation_id = "assign_follow_up",
    request_body = AssignmentQuestion,
    params(crate::openapi::PersonHeaders, ("follow_up" = Uuid, Path, description = "Id of the follow-up")),
    responses(
        (status = 200, description = "Given, and the lists show it", body = Receipted<Stepped>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = 202, description = "Given; the lists will show it", body = Receipted<Stepped>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn assign(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::DirectFollowUps).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let plan = async {
        let AssignmentQuestion { unit, note } = call.json().await?;
        let step = Step::Assign(unit_of(Some(unit))?);
        let wanted = Wanted { step, at: call.state.now(), is_timed: false, note: note_of(note)? };
        plan(&call, wanted).await
    };
    let plan = plan.await;
    carry_out(call, plan).await
}

/// A step as it was asked for.
struct Wanted {
    step: Step,
    at: Timestamp,
    /// The caller stated the time.
    is_timed: bool,
    note: Option<Sensitive<String>>,
}

impl Wanted {
    fn of(question: StepQuestion, now: Timestamp) -> Result<Self, Failure> {
        let StepQuestion { step, at, until, to, place, outcome, reason, note } = question;
        let own: &[&str] = match step.as_str() {
            "quarantined" => &["until"],
            "offered" => &["to"],
            "screened" | "transported" | "admitted" => &["place"],
            "referral_closed" => &["outcome", "place"],
            "closed" => &["reason"],
            _ => &[],
        };
        let stated = [
            ("until", until.is_some()),
            ("to", to.is_some()),
            ("place", place.is_some()),
            ("outcome", outcome.is_some()),
            ("reason", reason.is_some()),
        ];
        if let Some((member, _)) = stated.iter().find(|(member, is_stated)| *is_stated && !own.contains(member)) {
            return Err(malformed(&format!("`{member}` does not belong to this step.")));
        }
        let is_timed = at.is_some();
        let at = at.map_or(Ok(now), |text| instant("at", &text))?;
        if at > now {
            return Err(malformed("`at` must be an instant that has passed."));
        }
        let here = |place: Option<String>| place_of(place)?.ok_or_else(|| malformed("`place` must be stated."));
        let step = match step.as_str() {
            "notified" => Step::Notify,
            "not_reached" => Step::NotReached,
            "refused" => Step::Refuse,
            "quarantined" => Step::Quarantine(until.map(|text| instant("until", &text)).transpose()?),
            "released" => Step::Release,
            "covered" => Step::Cover,
            "offered" => Step::Offer(unit_of(to)?),
            "accepted" => Step::Accept,
            "declined" => Step::Decline,
            "taken_back" => Step::TakeBack,
            "screened" => Step::Screen(here(place)?),
            "transported" => Step::Transport(here(place)?),
            "admitted" => Step::Admit(here(place)?),
            "referral_closed" => {
                let outcome = outcome.as_deref().and_then(ReferralOutcome::from_code);
                let one_of = "`outcome` must be `returned_home`, `discharged`, `transferred` or `died`.";
                Step::CloseReferral(outcome.ok_or_else(|| malformed(one_of))?, place_of(place)?)
            }
            "closed" => {
                let reason = reason.as_deref().and_then(FollowUpState::from_code);
                let reason = reason.filter(|reason| FollowUpState::REASONS.contains(reason));
                let one_of = "`reason` must be `period_over`, `died`, `not_this_person` or `moved_away`.";
                Step::Close(reason.ok_or_else(|| malformed(one_of))?)
            }
            _ => return Err(malformed("`step` is none that a caller takes.")),
        };
        Ok(Self { step, at, is_timed, note: note_of(note)? })
    }
}

fn malformed(detail: &str) -> Failure {
    Failure::saying(Problem::StepMalformed, detail.to_owned())
}

fn instant(member: &str, text: &str) -> Result<Timestamp, Failure> {
    let must = || malformed(&format!("`{member}` must be an instant such as 2022-03-01T00:00:00Z."));
    Timestamp::parse(text).map_err(|_| must())
}

fn unit_of(code: Option<String>) -> Result<String, Problem> {
    code.filter(|code| unit::is_unit(code)).ok_or(Problem::UnitMalformed)
}

fn place_of(place: Option<String>) -> Result<Option<Sensitive<String>>, Failure> {
    let place = place.map(|place| place.trim().to_owned()).filter(|place| !place.is_empty());
    let is_long = place.as_ref().is_some_and(|place| place.chars().count() > PLACE_CHARS_MAX);
    let place = if is_long { Err(Problem::DecisionNote) } else { note_of(place) };
    place.map_err(|_| malformed("`place` has 100 characters at most, and holds no number of a person."))
}

/// Whom nobody at a unit would look after is not given to it.
async fn has_somebody(conn: &mut Conn, step: &Step) -> Result<bool, Failure> {
    match step {
        Step::Offer(unit) | Step::Assign(unit) => {
            Ok(views::is_unit_of_somebody(conn, unit).await? || callers::works_for(conn, unit).await?)
        }
        _ => Ok(true),
    }
}

/// What is to be done, once it is on record.
struct Plan {
    row: FollowUpRow,
    /// `None` when it stands already.
    event: Option<Event>,
    person: Option<PersonId>,
    released: FieldGroups,
    withheld: FieldGroups,
    /// Until the step is in the log.
    turn: Turn,
}

async fn plan(call: &Call, wanted: Wanted) -> Result<Plan, Failure> {
    let [] = query::members(&call.query, [])?;
    let follow_up = call.follow_up_id()?;
    let turn = Turn::take(&call.state, EventType::FollowUpChanged).await?;
    let mut conn = call.state.setup.store.acquire().await?;
    let mut steps = views::list_steps(&mut conn, follow_up).await?;
    let last = steps.pop().ok_or(Problem::FollowUpNotFound)?;
    let desk = Desk::open(call, &mut conn, std::slice::from_ref(&last)).await?;
    let (sides, groups) = desk.sides(call, &last)?;
    if sides.is_empty() {
        return Err(Problem::FollowUpNotFound.into());
    }
    let (released, withheld) = call.split(&groups);
    let person = desk.person(&last);
    let is_looked_after = desk.is_looked_after(&last);
    let by = call.caller.handle.as_str();
    // Who sends a step once more, because the answer was lost, took it once.
    let is_the_same = |before: &FollowUpRow| {
        let counts_anew = wanted.step == Step::NotReached && !wanted.is_timed;
        let at = if wanted.is_timed { wanted.at } else { last.at };
        let mut again = sides.iter().chain(&[Side::Holder, Side::Offered]).filter_map(|side| {
            let rules = &call.state.setup.rules.follow_up;
            take(rules, &before.body, wanted.step.clone(), (*side, true), (by, at)).ok()
        });
        !counts_anew && again.any(|body| FollowUpChanged { note: wanted.note.clone(), ..body } == last.body)
    };
    if steps.last().is_some_and(is_the_same) {
        return Ok(Plan { row: last, event: None, person, released, withheld, turn });
    }
    if !desk.is_case(&last.body) {
        return Err(Problem::StepNotAllowed.into());
    }
    if wanted.at < last.at {
        let detail = "`at` is before the step before.".to_owned();
        return Err(Failure::saying(Problem::StepNotAllowed, detail));
    }
    let done = wanted.step.done();
    let may = |side: &&Side| allowed(&last.body, **side, is_looked_after).contains(&done);
    let side = sides.iter().find(may).copied().ok_or(Problem::StepNotAllowed)?;
    if !has_somebody(&mut conn, &wanted.step).await? {
        return Err(Problem::UnitEmpty.into());
    }
    let rules = &call.state.setup.rules.follow_up;
    let taken = take(rules, &last.body, wanted.step, (side, is_looked_after), (by, wanted.at));
    let body = taken.map_err(|error| match error {
        StepError::NotAllowed => Problem::StepNotAllowed,
        StepError::TooEarly => Problem::QuarantineNotOver,
        StepError::TooLate => Problem::QuarantineOver,
        StepError::End => Problem::QuarantineEnd,
        StepError::OwnUnit => Problem::UnitEmpty,
        StepError::Reason => Problem::StepMalformed,
    })?;
    let body = FollowUpChanged { note: wanted.note, ..body };
    let (row, event) =
        event(last.follow_up_id, source_id(&steps, &last), last.version + 1, wanted.at, body, call.state.now());
    Ok(Plan { row, event: Some(event), person, released, withheld, turn })
}

/// The envelope's name of a follow-up: the unit is the one that it began at.
pub(super) fn source_id(before: &[FollowUpRow], last: &FollowUpRow) -> String {
    let first = before.first().unwrap_or(last);
    FollowUpChanged::source_record_id(first.body.case, first.body.record, first.body.unit.as_deref())
}

/// The event of a step, and the row that it will be. A repeat before the first is in the views derives the same id.
pub(super) fn event(
    follow_up_id: RecordId,
    source_record_id: String,
    version: i64,
    at: Timestamp,
    body: FollowUpChanged,
    now: Timestamp,
) -> (FollowUpRow, Event) {
    let event_id = EventId::derive(
        FollowUpChanged::SOURCE,
        &source_record_id,
        Edition { version, reading: 0 },
        Op::Upsert.code(),
        EventType::FollowUpChanged.name(),
    );
    let meta = Meta {
        event_id,
        source: FollowUpChanged::SOURCE.to_owned(),
        source_kind: SourceKind::Other,
        source_record_id: Sensitive::new(source_record_id),
        record_id: follow_up_id,
        source_record_version: version,
        reading: 0,
        op: Op::Upsert,
        event_time: at,
        event_time_precision: Precision::Milli,
        source_utc_offset_min: Some(0),
        offset_assumed: false,
        source_created_time: None,
        ingest_time: now,
        schema_version: 2,
        // A step is a batch of its own.
        batch_id: BatchId::from_uuid(event_id.as_uuid()),
        batch_row: 1,
        raw_ref: None,
        trace_id: Nonce::random().to_string(),
        quality_flags: Vec::new(),
    };
    let row = FollowUpRow { follow_up_id, version, event_id, at, body: body.clone() };
    (row, Event { meta, body: Body::FollowUpChanged(body) })
}

async fn carry_out(call: Call, plan: Result<Plan, Failure>) -> Answered {
    let Plan { row, event, person, released, withheld, turn } = match plan {
        Ok(plan) => plan,
        Err(failure) => return call.refuse(failure).await,
    };
    // Codes of the ledger have no underscore.
    let matter = match code(&row.body.step.code().replace('_', "-")) {
        Ok(act) => Matter { id: MatterId(row.follow_up_id.as_uuid().into_bytes()), act },
        Err(problem) => return call.refuse(problem.into()).await,
    };
    let found = Found { answer: (), subjects: person.into_iter().collect(), released, withheld, count: 1 };
    // On a task of its own: a client that hangs up stops nothing between the record and the log.
    let carried_out = tokio::spawn(async move {
        match call.record(found, matter).await {
            Ok(recorded) => recorded.answer(apply(&call, turn, row, event).await),
            Err(answered) => answered,
        }
    });
    carried_out.await.unwrap_or_else(|_| Answered::without_entry(Problem::Internal))
}

async fn apply(
    call: &Call,
    turn: Turn,
    row: FollowUpRow,
    event: Option<Event>,
) -> Result<(StatusCode, Stepped), Problem> {
    let mut applied = true;
    match event {
        None => turn.end().await,
        Some(event) => {
            let end = publish::append(&call.state, &[event]).await?;
            turn.end().await;
            metrics::counter!("isthmus_follow_up_steps_total", "step" => row.body.step.code()).increment(1);
            applied = publish::applied(&call.state, &end).await;
        }
    }
    let read = async {
        let mut conn = call.state.setup.store.acquire().await?;
        Desk::open(call, &mut conn, std::slice::from_ref(&row)).await?.show(call, &row)
    };
    let shown = read.await.map_err(|failure| failure.problem())?;
    let status = if applied { StatusCode::OK } else { StatusCode::ACCEPTED };
    let withheld = shown.as_ref().map(|shown| shown.withheld.clone()).unwrap_or_default();
    Ok((status, Stepped { applied, follow_up: shown.map(|shown| shown.view), withheld }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(json: &str) -> Result<Step, Problem> {
        let question = serde_json::from_str(json).map_err(|_| Problem::BodyMalformed)?;
        let wanted = Wanted::of(question, Timestamp::from_millis(1_646_107_200_000));
        wanted.map(|wanted| wanted.step).map_err(|failure| failure.problem())
    }

    #[test]
    fn a_step_states_what_belongs_to_it_and_nothing_else() {
        assert_eq!(wanted(r#"{"step":"notified"}"#), Ok(Step::Notify));
        assert_eq!(wanted(r#"{"step":"quarantined"}"#), Ok(Step::Quarantine(None)));
        assert_eq!(wanted(r#"{"step":"closed","reason":"died"}"#), Ok(Step::Close(FollowUpState::Died)));
        assert!(wanted(r#"{"step":"screened","place":" clinic 3 "}"#).is_ok());
        assert!(wanted(r#"{"step":"referral_closed","outcome":"discharged"}"#).is_ok());
        for (json, problem) in [
            (r#"{"step":"NOTIFIED"}"#, Problem::StepMalformed),
            (r#"{"step":"begun"}"#, Problem::StepMalformed),
            (r#"{"step":"assigned","to":"320506001007G03"}"#, Problem::StepMalformed),
            (r#"{"step":"notified","until":"2022-03-09T00:00:00Z"}"#, Problem::StepMalformed),
            (r#"{"step":"screened"}"#, Problem::StepMalformed),
            (r#"{"step":"screened","place":"13812345678"}"#, Problem::StepMalformed),
            (r#"{"step":"referral_closed"}"#, Problem::StepMalformed),
            (r#"{"step":"referral_closed","outcome":"well"}"#, Problem::StepMalformed),
            (r#"{"step":"closed"}"#, Problem::StepMalformed),
            (r#"{"step":"closed","reason":"released"}"#, Problem::StepMalformed),
            (r#"{"step":"notified","reason":"died"}"#, Problem::StepMalformed),
            (r#"{"step":"offered"}"#, Problem::UnitMalformed),
            (r#"{"step":"offered","to":"here"}"#, Problem::UnitMalformed),
            (r#"{"step":"notified","at":"2099-01-01T00:00:00Z"}"#, Problem::StepMalformed),
            (r#"{"step":"notified","note":"call 138 1234 5678"}"#, Problem::DecisionNote),
            (r#"{"step":"notified","by":"me"}"#, Problem::BodyMalformed),
        ] {
            assert_eq!(wanted(json), Err(problem), "{json}");
        }
    }
}
