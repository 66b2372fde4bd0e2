//! Appeals against the colour of a health code: a resident appeals, disease control decides with a reason.
//!
//! An appeal is about facts: the events of a reason. When it is upheld they colour the code no longer from then on, until a source
//! states them anew. A case is taken back by its source alone, and nobody sets aside what they worked on themselves. The
//! resident's own words are read by the resident and by who decides, and are in no other answer.

use std::collections::BTreeSet;

use access::{Action, Decision, FieldGroups, Subject};
use axum::extract::State;
use axum::http::StatusCode;
use domain::{Body, CaseState, EventId, PersonId, RecordId, Sensitive};
use serde::{Deserialize, Serialize};
use store::appeals::{self, AppealRow};
use store::verdicts::{ActsOf, Verdict};
use store::views;
use store::{Conn, Transaction};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::problem::{Problem, ProblemDocument};
use crate::state::QueryState;
use crate::verdicts::{self, Told};
use crate::{follow_ups, health_code, query, subject};

/// The longest words of a resident, in characters.
const WORDS_CHARS_MAX: usize = 1_000;
/// Events that one appeal names at most.
const EVENTS_MAX: usize = 1_000;
/// Why disease control decides as it does.
const REASONS: [&str; 6] =
    ["FACT_WRONG", "NOT_THE_PERSON", "NO_EXPOSURE", "RULE_MISAPPLIED", "FACT_CONFIRMED", "OTHER"];

/// What a resident says against the colour.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppealQuestion {
    /// Events of reasons of the own code; all of them unless stated.
    #[serde(default)]
    #[schema(max_items = 1000)]
    events: Vec<Uuid>,
    /// What is wrong, in own words.
    #[schema(max_length = 1000)]
    words: String,
}

/// What is decided about an appeal.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppealVerdict {
    /// `UPHELD`: the events colour the code no longer. `REJECTED`: it stays.
    verdict: String,
    /// `FACT_WRONG`, `NOT_THE_PERSON`, `NO_EXPOSURE`, `RULE_MISAPPLIED`, `FACT_CONFIRMED` or `OTHER`.
    reason: String,
    /// What the resident should know. It names nobody and holds no number of a person.
    #[serde(default)]
    #[schema(max_length = 300)]
    note: Option<String>,
}

/// Appeals.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppealList {
    /// The appeals, the oldest first.
    pub appeals: Vec<AppealView>,
    /// Send it as `after` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// An appeal.
#[derive(Serialize, ToSchema)]
pub(crate) struct AppealView {
    /// Id of the appeal.
    pub appeal_id: Uuid,
    /// Whose code it is about; for who decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person_id: Option<Uuid>,
    /// When it was made.
    pub made: String,
    /// What the resident says; not with the code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
    /// The events that it is about.
    pub events: Vec<Uuid>,
    /// `open`, `upheld` or `rejected`.
    pub state: &'static str,
    /// When it was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decided: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the resident should know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Handle of who decided; for who decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

impl AppealView {
    /// As the resident sees it with the code: without words.
    pub(crate) fn of(row: AppealRow) -> Self {
        let Told { state, decided, reason, note } = Told::of(row.decision);
        Self {
            appeal_id: row.appeal_id,
            person_id: None,
            made: row.made.to_string(),
            words: None,
            events: row.events.into_iter().map(EventId::as_uuid).collect(),
            state,
            decided,
            reason,
            note,
            by: None,
        }
    }

    fn with_words(row: AppealRow) -> Self {
        let words = row.words.clone().map(Sensitive::into_exposed);
        Self { words, ..Self::of(row) }
    }

    fn for_who_decides(row: AppealRow, person: Option<PersonId>) -> Self {
        let by = row.decision.as_ref().map(|decision| decision.handle.clone());
        Self { person_id: person.map(PersonId::as_uuid), by, ..Self::with_words(row) }
    }
}

/// The appeals of a person, whatever records they were made with.
pub(crate) async fn of_person(conn: &mut Conn, person: PersonId) -> Result<Vec<AppealRow>, Failure> {
    let beside = records_beside(conn, person.as_record()).await?;
    Ok(appeals::list(conn, ActsOf::Records(&beside)).await?)
}

/// The records of whoever holds this one.
async fn records_beside(conn: &mut Conn, record: RecordId) -> Result<Vec<RecordId>, Failure> {
    Ok(views::list_records_beside(conn, &[record]).await?.remove(&record).unwrap_or_default())
}

/// Refuses to uphold an appeal against a case that stands, and one against what the caller did.
async fn may_uphold(call: &Call, conn: &mut Conn, row: &AppealRow) -> Result<(), Failure> {
    for fact in views::list_case_facts(conn, None).await? {
        let is_case = matches!(fact.body()?, Body::CaseStatus(status) if status.state != CaseState::Excluded);
        if is_case && row.events.contains(&fact.event_id) {
            return Err(Problem::AppealCase.into());
        }
    }
    let beside = records_beside(conn, row.record).await?;
    match follow_ups::worked_on(conn, &beside, &call.caller.handle).await? {
        true => Err(Problem::OwnWork.into()),
        false => Ok(()),
    }
}

/// Appeals against the colour of the caller's own health code.
#[utoipa::path(
    post,
    path = "/v1/me/health-code/appeals",
    tag = "caller",
    operation_id = "appeal_health_code",
    request_body = AppealQuestion,
    params(crate::openapi::PersonHeaders),
    responses(
        (status = 200, description = "The appeal", body = Receipted<AppealView>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn make(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::AppealHealthCode).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let begun = async {
        // The caller may be slow: nothing is held meanwhile.
        let question = question(&call).await?;
        let person = subject::own(&call).await?;
        let mut tx = call.state.setup.store.begin("appeal").await?;
        let (row, found) = appeal(&call, &mut tx, person, question).await?;
        Ok::<_, Failure>((tx, row, found))
    };
    match begun.await {
        Ok((tx, row, found)) => keep(call, tx, row, found).await,
        Err(failure) => call.refuse(failure).await,
    }
}

async fn question(call: &Call) -> Result<AppealQuestion, Failure> {
    let [] = query::members(&call.query, [])?;
    let AppealQuestion { events, words } = call.json().await?;
    let words = words.trim().to_owned();
    if words.is_empty() || words.chars().count() > WORDS_CHARS_MAX || events.len() > EVENTS_MAX {
        return Err(Problem::AppealWords.into());
    }
    Ok(AppealQuestion { events, words })
}

/// The appeal, while nobody else makes one of the same person.
async fn appeal(
    call: &Call,
    conn: &mut Conn,
    person: PersonId,
    AppealQuestion { events, words }: AppealQuestion,
) -> Result<(AppealRow, Found<()>), Failure> {
    appeals::lock(conn, person.as_record()).await?;
    let now = call.state.now();
    let held = health_code::reasons_of(call, conn, person, now).await?;
    let contested: BTreeSet<EventId> = of_person(conn, person)
        .await?
        .into_iter()
        .filter(|appeal| appeal.decision.is_none())
        .flat_map(|appeal| appeal.events)
        .collect();
    let wanted: BTreeSet<EventId> = match events.is_empty() {
        true => held.difference(&contested).copied().collect(),
        false => events.into_iter().map(EventId::from_uuid).collect(),
    };
    if wanted.is_empty() || wanted.iter().any(|event| !held.contains(event) || contested.contains(event)) {
        return Err(Problem::AppealNothing.into());
    }
    let row = AppealRow {
        seq: 0,
        appeal_id: Uuid::from_bytes(ledger::Nonce::random().0),
        record: person.as_record(),
        made: now,
        words: Some(Sensitive::new(words)),
        events: wanted.into_iter().take(EVENTS_MAX).collect(),
        decision: None,
    };
    let (released, withheld) = granted(call, true)?;
    Ok((row, Found { answer: (), subjects: vec![person], released, withheld, count: 1 }))
}

fn granted(call: &Call, is_self: bool) -> Result<(FieldGroups, FieldGroups), Failure> {
    match call.entitlement()?.decide(&Subject { is_self, ..Subject::default() }) {
        Decision::Allowed { granted, .. } => Ok(call.split(&granted)),
        Decision::Refused(_) => Err(Problem::NotEntitled.into()),
    }
}

/// Puts the appeal on record, and then keeps it.
async fn keep(call: Call, mut tx: Transaction, row: AppealRow, found: Found<()>) -> Answered {
    let matter = match verdicts::matter(row.appeal_id, "APPEAL") {
        Ok(matter) => matter,
        Err(problem) => return call.refuse(problem.into()).await,
    };
    let recorded = match call.record(found, matter).await {
        Ok(recorded) => recorded,
        Err(answered) => return answered,
    };
    let kept = async {
        appeals::insert(&mut tx, &row, &call.caller.handle).await?;
        tx.commit().await
    };
    let answer = match kept.await {
        Ok(()) => Ok((StatusCode::OK, AppealView::with_words(row))),
        Err(error) => Err(Failure::from(error).problem()),
    };
    recorded.answer(answer)
}

/// Lists the caller's own appeals, with what became of them.
#[utoipa::path(
    get,
    path = "/v1/me/health-code/appeals",
    tag = "caller",
    operation_id = "list_my_appeals",
    params(crate::openapi::PersonHeaders),
    responses(
        (status = 200, description = "The appeals", body = Receipted<AppealList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn list_own(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::AppealHealthCode).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = own_list(&call).await;
    call.finish(found).await
}

async fn own_list(call: &Call) -> Result<Found<AppealList>, Failure> {
    let [] = query::members(&call.query, [])?;
    let person = subject::own(call).await?;
    let (released, withheld) = granted(call, true)?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let appeals: Vec<AppealView> =
        of_person(&mut conn, person).await?.into_iter().map(AppealView::with_words).collect();
    let count = appeals.len();
    Ok(Found { answer: AppealList { appeals, next: None }, subjects: vec![person], released, withheld, count })
}

/// Lists appeals, the oldest first.
#[utoipa::path(
    get,
    path = "/v1/appeals",
    tag = "appeals",
    operation_id = "list_appeals",
    params(
        crate::openapi::PersonHeaders,
        ("state" = Option<String>, Query, description = "`open` (unless stated), `upheld` or `rejected`"),
        ("after" = Option<i64>, Query, description = "`next` of the answer before"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "Appeals in one answer; 50 unless stated"),
    ),
    responses(
        (status = 200, description = "The appeals", body = Receipted<AppealList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn list(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadAppeals).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = staff_list(&call).await;
    call.finish(found).await
}

async fn staff_list(call: &Call) -> Result<Found<AppealList>, Failure> {
    let (of, limit) = verdicts::asked(call)?;
    let (released, withheld) = granted(call, false)?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let mut rows = appeals::list(&mut conn, of).await?;
    let next = verdicts::page(&mut rows, limit, |row| row.seq);
    let records: Vec<_> = rows.iter().map(|row| row.record).collect();
    let owners = views::list_persons_of_records(&mut conn, &records).await?;
    let owner = |row: &AppealRow| owners.get(&row.record).copied().flatten();
    let subjects: BTreeSet<PersonId> = rows.iter().filter_map(owner).collect();
    let view = |row: AppealRow| {
        let person = owner(&row);
        AppealView::for_who_decides(row, person)
    };
    let appeals: Vec<AppealView> = rows.into_iter().map(view).collect();
    let count = appeals.len();
    let subjects = subjects.into_iter().collect();
    Ok(Found { answer: AppealList { appeals, next }, subjects, released, withheld, count })
}

/// Decides an appeal, with a reason. When it is upheld, its events colour the code no longer from then on.
///
/// An appeal against a case is not upheld while disease control states the case: its source states it excluded. Nor does somebody
/// uphold one who took a step in a follow-up of the resident.
#[utoipa::path(
    post,
    path = "/v1/appeals/{appeal}/decision",
    tag = "appeals",
    operation_id = "decide_appeal",
    request_body = AppealVerdict,
    params(crate::openapi::PersonHeaders, ("appeal" = Uuid, Path, description = "Id of the appeal")),
    responses(
        (status = 200, description = "The appeal, decided", body = Receipted<AppealView>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn decide(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::DecideAppeal).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    match decision(&call).await {
        Ok(plan) => carry_out(call, plan).await,
        Err(failure) => call.refuse(failure).await,
    }
}

struct Plan {
    row: AppealRow,
    person: Option<PersonId>,
    decision: Verdict,
    /// It stands already, word for word.
    stands: bool,
    found: Found<()>,
}

async fn decision(call: &Call) -> Result<Plan, Failure> {
    let [] = query::members(&call.query, [])?;
    let appeal = call.appeal_id()?;
    let AppealVerdict { verdict, reason, note } = call.json().await?;
    let mut decision = verdicts::stated(call, (&verdict, reason, note), &REASONS, Problem::AppealWords)?;
    let (released, withheld) = granted(call, false)?;
    let mut conn = call.state.setup.store.snapshot().await?;
    let row = appeals::list(&mut conn, ActsOf::One(appeal)).await?.pop().ok_or(Problem::AppealNotFound)?;
    let owners = views::list_persons_of_records(&mut conn, &[row.record]).await?;
    let person = owners.get(&row.record).copied().flatten();
    if person.is_some() && subject::own_person(call, &mut conn).await? == person {
        return Err(Problem::OwnFile.into());
    }
    let stands = verdicts::stands(row.decision.as_ref(), &mut decision, Problem::AppealDecided)?;
    if decision.is_upheld && !stands {
        may_uphold(call, &mut conn, &row).await?;
    }
    let found = Found { answer: (), subjects: person.into_iter().collect(), released, withheld, count: 1 };
    Ok(Plan { row, person, decision, stands, found })
}

async fn carry_out(call: Call, plan: Plan) -> Answered {
    let Plan { mut row, person, decision, stands, found } = plan;
    let (of, verdict, state) = (row.clone(), decision.clone(), call.state.clone());
    let kept = async move {
        if stands {
            return Ok(true);
        }
        let mut conn = state.setup.store.acquire().await?;
        Ok(appeals::decide(&mut conn, &of, &verdict).await?)
    };
    let act = (row.appeal_id, decision.code());
    row.decision = Some(decision);
    let view = || AppealView::for_who_decides(row, person);
    verdicts::carry_out(&call, found, act, kept, Problem::AppealDecided, view).await
}
