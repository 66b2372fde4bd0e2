//! `/v1/decisions`: what reviewers decide about pairs of records.
//!
//! A decision is on record in the ledger before it is in the log, and in the log before it is in the views: what cannot
//! be put on record is not done.

use access::{Action, FieldGroups};
use axum::extract::State;
use axum::http::StatusCode;
use domain::{
    BatchId, Body, DecisionReason, Edition, Event, EventId, EventType, LinkDecided, Meta, Op, PersonId, Precision,
    RecordId, Sensitive, SourceKind, Timestamp, Verdict,
};
use ledger::{Matter, MatterId, Nonce};
use serde::{Deserialize, Serialize};
use store::Conn;
use store::views::{self, OrderPlace, OrderRow, Standing};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted, code};
use crate::problem::{Problem, ProblemDocument};
use crate::publish::Turn;
use crate::state::QueryState;
use crate::subject::own_person;
use crate::{address, contests, publish, query, reviews};

/// The longest note, in characters.
const NOTE_CHARS_MAX: usize = 300;

/// A decision on two records.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecisionQuestion {
    /// One record.
    record_a: Uuid,
    /// The other record.
    record_b: Uuid,
    /// `SAME`: both are of one person. `DIFFERENT`: they are of two.
    verdict: String,
    /// `DOCUMENT_SEEN`, `SOURCE_CONFIRMED`, `PERSON_CONFIRMED`, `RELATIVES`, `NAMESAKES`, `NUMBER_WRONG` (the numbers
    /// differ, and the reviewer knows it), `MISTAKEN` or `OTHER`.
    reason: String,
    /// What the next reviewer should know. It names nobody and holds no number of a person.
    #[serde(default)]
    #[schema(max_length = 300)]
    note: Option<String>,
}

/// Why a decision is taken back.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UndoQuestion {
    /// Version of the decision that is taken back; the one that counts unless stated.
    #[serde(default)]
    version: Option<i64>,
    /// As for a decision; `MISTAKEN` in most cases.
    reason: String,
    /// As for a decision.
    #[serde(default)]
    #[schema(max_length = 300)]
    note: Option<String>,
}

/// What became of a decision.
#[derive(Serialize, ToSchema)]
pub(crate) struct Decided {
    /// The person files follow it already; otherwise they will, as soon as the projector has caught up.
    pub applied: bool,
    /// The decision.
    pub decision: DecisionView,
    /// The earlier decision on the pair that counts again, after an undo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts_again: Option<DecisionView>,
}

/// A decision on a pair. Of those that were not taken back the one with the highest version counts.
#[derive(Serialize, ToSchema)]
pub(crate) struct DecisionView {
    /// Id of the decision: the same for every decision on the pair.
    pub decision_id: Uuid,
    /// One record; the smaller id.
    pub record_a: Uuid,
    /// The other record.
    pub record_b: Uuid,
    /// `SAME` or `DIFFERENT`.
    pub verdict: &'static str,
    /// Why it was decided, or taken back.
    pub reason: &'static str,
    /// What the next reviewer should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Handle of the reviewer.
    pub reviewer: String,
    /// When.
    pub decided: String,
    /// Version: each later decision on the pair has a higher one.
    pub version: i64,
    /// `in-force`, `resting` (one of the records states nothing now), `set-aside` (newer decisions say otherwise),
    /// `replaced` (a later decision on the pair counts), `ended` (taken back), or `pending` (not in the person files yet).
    pub state: &'static str,
    /// The decisions that it contradicts.
    pub contradicts: Vec<Uuid>,
}

impl DecisionView {
    fn of(row: OrderRow, state: &'static str) -> Self {
        Self {
            decision_id: row.decision_id.as_uuid(),
            record_a: row.record_a.as_uuid(),
            record_b: row.record_b.as_uuid(),
            verdict: row.verdict.code(),
            reason: row.reason.code(),
            note: row.note.map(Sensitive::into_exposed),
            reviewer: row.reviewer,
            decided: row.decided.to_string(),
            version: row.version,
            state,
            contradicts: row.against.into_iter().map(RecordId::as_uuid).collect(),
        }
    }
}

/// What is to be done, once it is on record.
struct Plan {
    /// The decision as it will stand.
    row: OrderRow,
    /// `None` when it stands already.
    event: Option<Event>,
    subjects: Vec<PersonId>,
    released: FieldGroups,
    withheld: FieldGroups,
    /// Until the decision is in the log.
    turn: Turn,
}

/// Decides whether two records are of one person.
///
/// The pair is a task or was decided on before; any other pair may be decided on for a stated case. The answer waits
/// until the person files follow, a few seconds at most. The same decision once more changes nothing.
#[utoipa::path(
    post,
    path = "/v1/decisions",
    tag = "reviews",
    operation_id = "decide_link",
    request_body = DecisionQuestion,
    params(crate::openapi::PersonHeaders),
    responses(
        (status = 200, description = "Decided, and the person files follow it", body = Receipted<Decided>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = 202, description = "Decided; the person files will follow it", body = Receipted<Decided>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn decide(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::DecideLink).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let plan = plan_decision(&call).await;
    carry_out(call, plan).await
}

/// Takes a decision back: afterwards everything is as if it had never been made. If it had replaced an earlier decision on
/// the pair, that one counts again.
#[utoipa::path(
    delete,
    path = "/v1/decisions/{decision_id}",
    tag = "reviews",
    operation_id = "undo_decision",
    request_body = UndoQuestion,
    params(crate::openapi::PersonHeaders, ("decision_id" = Uuid, Path, description = "Id of the decision")),
    responses(
        (status = 200, description = "Taken back, and the person files follow it", body = Receipted<Decided>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = 202, description = "Taken back; the person files will follow it", body = Receipted<Decided>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn undo(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::DecideLink).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let plan = plan_undo(&call).await;
    carry_out(call, plan).await
}

/// Decisions.
#[derive(Serialize, ToSchema)]
pub(crate) struct DecisionList {
    /// The decisions, the newest first.
    pub decisions: Vec<DecisionView>,
    /// Send it as `after` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Groups that this answer would hold for somebody entitled to them.
    #[schema(value_type = Vec<String>)]
    pub withheld: FieldGroups,
}

/// Lists decisions with what became of them, the newest first.
#[utoipa::path(
    get,
    path = "/v1/decisions",
    tag = "reviews",
    operation_id = "list_decisions",
    params(
        crate::openapi::PersonHeaders,
        ("state" = Option<String>, Query, description = "Only decisions in this state"),
        ("after" = Option<String>, Query, description = "`next` of the answer before"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "Decisions in one answer; 50 unless stated"),
    ),
    responses(
        (status = 200, description = "The decisions", body = Receipted<DecisionList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn list(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadDecisions).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = decision_list(&call).await;
    call.finish(found).await
}

async fn decision_list(call: &Call) -> Result<Found<DecisionList>, Failure> {
    let [state, after, limit] = query::members(&call.query, ["state", "after", "limit"])?;
    let standing = state.map(|state| Standing::from_code(&state).ok_or(Problem::QueryMalformed)).transpose()?;
    let after = after.as_deref().map(place).transpose()?;
    let limit = reviews::limit_of(limit)?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let own = own_person(call, &mut conn).await?;
    let (released, withheld) = call.split(&reviews::granted(call, true)?);
    let mut rows = views::list_orders(&mut conn, standing, after, limit + 1).await?;
    let more = rows.len() as i64 > limit;
    rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    let next = rows.last().filter(|_| more).map(|row| format!("{}~{}~{}", row.decided, row.decision_id, row.version));
    let records: Vec<RecordId> = rows.iter().flat_map(|row| [row.record_a, row.record_b]).collect();
    let persons = views::list_persons_of_records(&mut conn, &records).await?;
    let person_of = |record: &RecordId| persons.get(record).copied().flatten();
    rows.retain(|row| own.is_none() || [row.record_a, row.record_b].iter().all(|record| person_of(record) != own));
    let shown = rows.iter().flat_map(|row| [row.record_a, row.record_b]);
    let mut subjects: Vec<PersonId> = shown.filter_map(|record| person_of(&record)).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let view = |row: OrderRow| {
        let state = row.standing.code();
        DecisionView::of(row, state)
    };
    let decisions: Vec<DecisionView> = rows.into_iter().map(view).collect();
    let count = decisions.len();
    let answer = DecisionList { decisions, next, withheld: withheld.clone() };
    Ok(Found { answer, subjects, released, withheld, count })
}

fn place(after: &str) -> Result<OrderPlace, Problem> {
    let parts: Vec<&str> = after.split('~').collect();
    let [time, decision, version] = parts[..] else { return Err(Problem::QueryMalformed) };
    let time = Timestamp::parse(time).map_err(|_| Problem::QueryMalformed)?;
    let decision = decision.parse().map_err(|_| Problem::QueryMalformed)?;
    Ok((time, decision, version.parse().map_err(|_| Problem::QueryMalformed)?))
}

async fn plan_decision(call: &Call) -> Result<Plan, Failure> {
    let question: DecisionQuestion = call.json().await?;
    let (one, other) = (RecordId::from_uuid(question.record_a), RecordId::from_uuid(question.record_b));
    let verdict = Verdict::from_code(&question.verdict).ok_or(Problem::DecisionVerdict)?;
    let (reason, note) = why(&question.reason, question.note)?;
    if one == other {
        return Err(Problem::DecisionRecords.into());
    }
    let (record_a, record_b) = (one.min(other), one.max(other));
    let key = &call.state.setup.token_key;
    let decision_id = key.record_id(LinkDecided::SOURCE, &LinkDecided::source_record_id(one, other));
    let turn = Turn::take(&call.state, EventType::LinkDecided).await?;
    let mut conn = call.state.setup.store.acquire().await?;
    let known = views::list_orders_of(&mut conn, decision_id).await?;
    let last = known.first().map_or(0, |last| last.version);
    let counts = known.into_iter().find(|known| known.standing != Standing::Ended);
    let is_under_review = counts.is_some()
        || views::find_review(&mut conn, decision_id).await?.is_some()
        || contests::is_contested(&mut conn, [record_a, record_b]).await?;
    let granted = reviews::granted(call, is_under_review)?;
    let subjects = sides(call, &mut conn, [record_a, record_b]).await?;
    let row = OrderRow {
        decision_id,
        record_a,
        record_b,
        // Above those taken back, too: what was taken back stays so.
        version: last.saturating_add(1),
        event_id: EventId::from_uuid(Uuid::nil()),
        verdict,
        reason,
        note,
        reviewer: call.caller.handle.clone(),
        decided: call.state.now(),
        standing: Standing::InForce,
        against: Vec::new(),
    };
    let stands =
        counts.filter(|known| (known.verdict, known.reason, &known.note) == (row.verdict, row.reason, &row.note));
    Ok(plan(call, turn, stands, row, subjects, &granted))
}

async fn plan_undo(call: &Call) -> Result<Plan, Failure> {
    let question: UndoQuestion = call.json().await?;
    let (reason, note) = why(&question.reason, question.note)?;
    let decision_id = call.review_id()?;
    let turn = Turn::take(&call.state, EventType::LinkDecided).await?;
    let mut conn = call.state.setup.store.acquire().await?;
    let known = match question.version {
        None => views::find_order(&mut conn, decision_id).await?,
        Some(version) => {
            let known = views::list_orders_of(&mut conn, decision_id).await?;
            known.into_iter().find(|known| known.version == version)
        }
    };
    let known = known.ok_or(Problem::ReviewNotFound)?;
    let granted = reviews::granted(call, true)?;
    let subjects = sides(call, &mut conn, [known.record_a, known.record_b]).await?;
    // Under the version that it takes back.
    let row = OrderRow {
        reason,
        note,
        reviewer: call.caller.handle.clone(),
        decided: call.state.now(),
        standing: Standing::Ended,
        against: Vec::new(),
        ..known.clone()
    };
    let stands = Some(known).filter(|known| known.standing == Standing::Ended);
    Ok(plan(call, turn, stands, row, subjects, &granted))
}

fn plan(
    call: &Call,
    turn: Turn,
    stands: Option<OrderRow>,
    mut row: OrderRow,
    subjects: Vec<PersonId>,
    granted: &FieldGroups,
) -> Plan {
    let (released, withheld) = call.split(granted);
    let event = if stands.is_none() { Some(event(&mut row)) } else { None };
    Plan { row: stands.unwrap_or(row), event, subjects, released, withheld, turn }
}

/// The persons of both records. Nobody decides about the own file.
async fn sides(call: &Call, conn: &mut Conn, records: [RecordId; 2]) -> Result<Vec<PersonId>, Failure> {
    let own = own_person(call, conn).await?;
    let known = views::list_persons_of_records(conn, &records).await?;
    if records.iter().any(|record| !known.contains_key(record)) {
        return Err(Problem::ReviewNotFound.into());
    }
    let mut persons: Vec<PersonId> = known.into_values().flatten().collect();
    persons.sort_unstable();
    persons.dedup();
    if own.is_some_and(|own| persons.contains(&own)) {
        return Err(Problem::OwnFile.into());
    }
    Ok(persons)
}

/// Whether a text could hold a phone, card or identity number, however it is broken up.
fn holds_number(text: &str) -> bool {
    address::holds_identifier(&text.chars().filter(|c| c.is_alphanumeric()).collect::<String>())
}

/// Reason and note, with suspicion: a note is for people and names nobody.
fn why(reason: &str, note: Option<String>) -> Result<(DecisionReason, Option<Sensitive<String>>), Problem> {
    let reason = DecisionReason::from_code(reason).ok_or(Problem::DecisionReason)?;
    Ok((reason, note_of(note)?))
}

/// A note as it is kept; none when it is empty.
pub(crate) fn note_of(note: Option<String>) -> Result<Option<Sensitive<String>>, Problem> {
    let note = note.map(|note| note.trim().to_owned()).filter(|note| !note.is_empty());
    let fits = |note: &String| note.chars().count() <= NOTE_CHARS_MAX && !holds_number(note);
    if !note.as_ref().is_none_or(fits) {
        return Err(Problem::DecisionNote);
    }
    Ok(note.map(Sensitive::new))
}

/// The event of a decision; its id goes into the row. A repeat before the first is in the views derives the same id.
fn event(row: &mut OrderRow) -> Event {
    let op = if row.standing == Standing::Ended { Op::Retract } else { Op::Upsert };
    let id = LinkDecided::source_record_id(row.record_a, row.record_b);
    row.event_id = EventId::derive(
        LinkDecided::SOURCE,
        &id,
        Edition { version: row.version, reading: 0 },
        op.code(),
        EventType::LinkDecided.name(),
    );
    let meta = Meta {
        event_id: row.event_id,
        source: LinkDecided::SOURCE.to_owned(),
        source_kind: SourceKind::Other,
        source_record_id: Sensitive::new(id),
        record_id: row.decision_id,
        source_record_version: row.version,
        reading: 0,
        op,
        event_time: row.decided,
        event_time_precision: Precision::Milli,
        source_utc_offset_min: Some(0),
        offset_assumed: false,
        source_created_time: None,
        ingest_time: row.decided,
        schema_version: 1,
        // A decision is a batch of its own.
        batch_id: BatchId::from_uuid(row.event_id.as_uuid()),
        batch_row: 1,
        raw_ref: None,
        trace_id: Nonce::random().to_string(),
        quality_flags: Vec::new(),
    };
    let body = LinkDecided {
        record_a: row.record_a,
        record_b: row.record_b,
        verdict: row.verdict,
        reason: row.reason,
        note: row.note.clone(),
        reviewer: row.reviewer.clone(),
    };
    Event { meta, body: Body::LinkDecided(body) }
}

async fn carry_out(call: Call, plan: Result<Plan, Failure>) -> Answered {
    let Plan { row, event, subjects, released, withheld, turn } = match plan {
        Ok(plan) => plan,
        Err(failure) => return call.refuse(failure).await,
    };
    let count = subjects.len();
    let act = match row.standing {
        Standing::Ended => "UNDO",
        _ => row.verdict.code(),
    };
    let matter = match code(act) {
        Ok(act) => Matter { id: MatterId(row.decision_id.as_uuid().into_bytes()), act },
        Err(problem) => return call.refuse(problem.into()).await,
    };
    // On a task of its own: a client that hangs up stops nothing between the record and the log.
    let carried_out = tokio::spawn(async move {
        match call.record(Found { answer: (), subjects, released, withheld, count }, matter).await {
            Ok(recorded) => recorded.answer(apply(&call.state, turn, row, event).await),
            Err(answered) => answered,
        }
    });
    carried_out.await.unwrap_or_else(|_| Answered::without_entry(Problem::Internal))
}

async fn apply(
    state: &QueryState,
    turn: Turn,
    row: OrderRow,
    event: Option<Event>,
) -> Result<(StatusCode, Decided), Problem> {
    let Some(event) = event else {
        let standing = row.standing.code();
        let decision = DecisionView::of(row, standing);
        return Ok((StatusCode::OK, Decided { applied: true, decision, counts_again: None }));
    };
    let end = publish::append(state, &[event]).await?;
    turn.end().await;
    metrics::counter!("isthmus_decisions_total", "verdict" => row.verdict.code()).increment(1);
    let pending = |row| {
        let decision = DecisionView::of(row, "pending");
        Ok((StatusCode::ACCEPTED, Decided { applied: false, decision, counts_again: None }))
    };
    if !publish::applied(state, &end).await {
        return pending(row);
    }
    let read = async {
        let mut conn = state.setup.store.acquire().await?;
        views::list_orders_of(&mut conn, row.decision_id).await
    };
    let Ok(known) = read.await else { return pending(row) };
    let Some(now) = known.iter().find(|known| known.version == row.version).cloned() else { return pending(row) };
    let is_ended = |row: &OrderRow| row.standing == Standing::Ended;
    if (now.verdict, is_ended(&now)) != (row.verdict, is_ended(&row)) {
        return Err(Problem::DecisionOvertaken);
    }
    let view = |row: OrderRow| {
        let standing = row.standing.code();
        DecisionView::of(row, standing)
    };
    let counts = known.into_iter().find(|known| !is_ended(known));
    let counts_again = counts.filter(|counts| is_ended(&now) && counts.version < now.version).map(view);
    Ok((StatusCode::OK, Decided { applied: true, decision: view(now), counts_again }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_short_and_holds_no_number_of_a_person() {
        assert!(why("DOCUMENT_SEEN", Some("two cards, 2 desks / 50% sure".to_owned())).is_ok());
        assert_eq!(why("OTHER", Some("  ".to_owned())).expect("fine").1, None);
        let long = "x".repeat(NOTE_CHARS_MAX + 1);
        for (reason, note, problem) in [
            ("document_seen", "", Problem::DecisionReason),
            ("", "", Problem::DecisionReason),
            ("OTHER", "call 138 1234 5678", Problem::DecisionNote),
            ("OTHER", "call 138.1234.5678", Problem::DecisionNote),
            ("OTHER", &long, Problem::DecisionNote),
        ] {
            assert_eq!(why(reason, Some(note.to_owned())), Err(problem), "{reason}");
        }
    }
}
