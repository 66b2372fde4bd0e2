//! What residents say against their own file: a look at it, a value, or that a record is theirs.
//!
//! A look is for auditors ([`crate::suspicions`]). A value is for the source that states it, and a record for whoever reviews
//! links; a data steward passes the one on, decides about the other as about any pair, and answers. Nothing changes by a contest
//! itself. The resident's own words are read by the resident and by who decides, and are in no other answer.

mod view;

use std::collections::BTreeSet;

use access::{Action, Decision, FieldGroups, Subject};
use axum::extract::State;
use axum::http::StatusCode;
use domain::{IdScheme, IdentityObserved, PersonId, RecordId, Sensitive, Sex};
use serde::{Deserialize, Serialize};
use store::contests::{self, ContestRow};
use store::verdicts::{ActsOf, Verdict};
use store::views;
use store::{Conn, Transaction};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted};
use crate::problem::{Problem, ProblemDocument};
use crate::state::QueryState;
use crate::suspicions::{self, Contest, Said};
use crate::{query, subject, verdicts};

pub(crate) use view::ContestView;
use view::Now;

/// The longest words of a resident, in characters.
const WORDS_CHARS_MAX: usize = 1_000;
/// Records of a file that are looked at.
const RECORDS_MAX: i64 = 500;
/// Values of a file that can be contested.
const FIELDS: [&str; 9] =
    ["name", "birth_date", "sex", "nationality", "identifiers", "phones", "address", "division_code", "community_unit"];
/// Why a data steward decides as it does.
const REASONS: [&str; 5] = ["SOURCE_INFORMED", "RECORD_MOVED", "VALUE_CONFIRMED", "RECORD_CONFIRMED", "OTHER"];

/// What a resident contests: a look (`index`, `reason`), a value (`record_id`, `field`, `words`) or that a record is the own one
/// (`record_id`, `words`).
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContestQuestion {
    /// Index of the entry of a look, as `GET /v1/me/accesses` tells it.
    #[serde(default)]
    index: Option<u64>,
    /// For a look: NO_REASON_KNOWN, ORGANISATION_UNKNOWN, ACQUAINTANCE or OTHER.
    #[serde(default)]
    reason: Option<String>,
    /// The record that states the value, or that is not the own one.
    #[serde(default)]
    record_id: Option<Uuid>,
    /// The value: name, birth_date, sex, nationality, identifiers, phones, address, division_code or community_unit.
    #[serde(default)]
    field: Option<String>,
    /// What is wrong with it, in own words.
    #[serde(default)]
    #[schema(max_length = 1000)]
    words: Option<String>,
}

/// What became of it.
#[derive(Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum Contested {
    /// The case file of a look.
    Look(Said),
    /// The contest of a value or a record.
    File(Box<ContestView>),
}

/// What is decided about a contest.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContestVerdict {
    /// `UPHELD`: the resident is right. `REJECTED`: it stays.
    verdict: String,
    /// `SOURCE_INFORMED`, `RECORD_MOVED`, `VALUE_CONFIRMED`, `RECORD_CONFIRMED` or `OTHER`.
    reason: String,
    /// What the resident should know. It names nobody and holds no number of a person.
    #[serde(default)]
    #[schema(max_length = 300)]
    note: Option<String>,
}

/// Contests of values and records.
#[derive(Serialize, ToSchema)]
pub(crate) struct ContestList {
    /// The contests, the oldest first.
    pub contests: Vec<ContestView>,
    /// Send it as `after` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<i64>,
}

/// Contests a look at the caller's own file, a value of it, or that a record belongs to it.
///
/// Auditors see looks with the entry; data stewards see values and records, and answer. A contest alone changes nothing.
#[utoipa::path(
    post,
    path = "/v1/me/contests",
    tag = "caller",
    operation_id = "contest",
    params(crate::openapi::PersonHeaders),
    request_body = ContestQuestion,
    responses(
        (status = 200, description = "What became of it", body = Receipted<Contested>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn make(State(state): State<QueryState>, ask: Ask) -> Answered {
    let mut call = match Call::begin(state, ask, Action::ReadAccesses).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let about = match call.json().await.and_then(|question| Ok(about(question)?)) {
        Ok(About::Look(contest)) => return suspicions::contest(call, contest).await,
        Ok(About::File(about)) => call.turn_to(Action::ContestFile).map(|()| about),
        Err(failure) => Err(failure),
    };
    let about = match about {
        Ok(about) => about,
        Err(failure) => return call.refuse(failure).await,
    };
    let begun = async {
        let person = subject::own(&call).await?;
        let mut tx = call.state.setup.store.begin("contest").await?;
        let (row, found) = contest(&call, &mut tx, person, about).await?;
        Ok::<_, Failure>((tx, row, found))
    };
    match begun.await {
        Ok((tx, row, found)) => keep(call, tx, row, found).await,
        Err(failure) => call.refuse(failure).await,
    }
}

enum About {
    Look(Contest),
    File(Doubt),
}

/// What is wrong with the own file.
struct Doubt {
    record: RecordId,
    field: Option<String>,
    words: String,
}

fn about(question: ContestQuestion) -> Result<About, Problem> {
    let ContestQuestion { index, reason, record_id, field, words } = question;
    match (index, reason, record_id, words) {
        (Some(index), Some(reason), None, None) if field.is_none() => Ok(About::Look(Contest { index, reason })),
        (None, None, Some(record), Some(words)) => {
            let words = words.trim().to_owned();
            let is_known = field.as_ref().is_none_or(|field| FIELDS.contains(&field.as_str()));
            if words.is_empty() || words.chars().count() > WORDS_CHARS_MAX || !is_known {
                return Err(Problem::ContestWords);
            }
            Ok(About::File(Doubt { record: RecordId::from_uuid(record), field, words }))
        }
        _ => Err(Problem::ContestWords),
    }
}

/// The contest, while nobody else makes one about the same record.
async fn contest(
    call: &Call,
    conn: &mut Conn,
    person: PersonId,
    Doubt { record: contested, field, words }: Doubt,
) -> Result<(ContestRow, Found<()>), Failure> {
    contests::lock(conn, contested).await?;
    let records = views::list_records_of_person(conn, person, RECORDS_MAX).await?;
    let about = records.iter().find(|row| row.record_id == contested).ok_or(Problem::ContestNothing)?;
    let stated = about.stated.as_ref();
    let record = match &field {
        Some(field) => {
            let statement = stated.and_then(|stated| stated.statement.as_ref());
            statement.filter(|statement| states(statement, field)).map(|_| person.as_record())
        }
        // The contest stays the resident's when the record is not any more.
        None => {
            let others = || records.iter().map(|row| row.record_id).filter(|record| *record != contested);
            others().find(|record| *record == person.as_record()).or_else(|| others().next())
        }
    };
    let record = record.ok_or(Problem::ContestNothing)?;
    let open = of_person(conn, person).await?.into_iter().filter(|known| known.decision.is_none());
    if open.into_iter().any(|known| known.contested == contested && known.field == field) {
        return Err(Problem::ContestNothing.into());
    }
    let row = ContestRow {
        seq: 0,
        contest_id: Uuid::from_bytes(ledger::Nonce::random().0),
        record,
        made: call.state.now(),
        words: Some(Sensitive::new(words)),
        contested,
        field,
        event: stated.map(|stated| stated.event_id),
        decision: None,
    };
    let granted = granted(call, &Subject { is_self: true, ..Subject::default() })?;
    let (released, withheld) = call.split(&granted);
    Ok((row, Found { answer: (), subjects: vec![person], released, withheld, count: 1 }))
}

/// Whether a record states a value of a file.
fn states(statement: &IdentityObserved, field: &str) -> bool {
    let IdentityObserved { person, contacts, address, division_code, community_unit, .. } = statement;
    let is_phone = |scheme| scheme == IdScheme::Msisdn;
    match field {
        "name" => !person.names.is_empty(),
        "birth_date" => person.birth_date.is_some(),
        "sex" => person.sex != Sex::Unknown,
        "nationality" => person.nationality.is_some(),
        "identifiers" => person.claims.iter().any(|claim| !is_phone(claim.scheme)),
        "phones" => !contacts.is_empty() || person.claims.iter().any(|claim| is_phone(claim.scheme)),
        "address" => address.is_some(),
        "division_code" => division_code.is_some(),
        "community_unit" => community_unit.is_some(),
        _ => false,
    }
}

/// The contests of a person, whatever records they were made with.
async fn of_person(conn: &mut Conn, person: PersonId) -> Result<Vec<ContestRow>, Failure> {
    let record = person.as_record();
    let beside = views::list_records_beside(conn, &[record]).await?.remove(&record).unwrap_or_default();
    Ok(contests::list(conn, ActsOf::Records(&beside)).await?)
}

/// Whether a pair may be decided because its person contests a record of it. The contest of somebody whom the record has left
/// is none against the file that it is in now.
pub(crate) async fn is_contested(conn: &mut Conn, pair: [RecordId; 2]) -> Result<bool, Failure> {
    let contesters = contests::list_contesters(conn, &pair).await?;
    if contesters.is_empty() {
        return Ok(false);
    }
    let records: Vec<RecordId> = contesters.iter().chain(&pair).copied().collect();
    let owners = views::list_persons_of_records(conn, &records).await?;
    let owner = |record: RecordId| owners.get(&record).copied().flatten();
    let [one, other] = pair.map(owner);
    Ok(one.is_some() && one == other && contesters.into_iter().any(|contester| owner(contester) == one))
}

fn granted(call: &Call, subject: &Subject) -> Result<FieldGroups, Failure> {
    match call.entitlement()?.decide(subject) {
        Decision::Allowed { granted, .. } => Ok(granted),
        Decision::Refused(_) => Err(Problem::NotEntitled.into()),
    }
}

/// Puts the contest on record, and then keeps it.
async fn keep(call: Call, mut tx: Transaction, row: ContestRow, found: Found<()>) -> Answered {
    let matter = match verdicts::matter(row.contest_id, "CONTEST") {
        Ok(matter) => matter,
        Err(problem) => return call.refuse(problem.into()).await,
    };
    let recorded = match call.record(found, matter).await {
        Ok(recorded) => recorded,
        Err(answered) => return answered,
    };
    let kept = async {
        contests::insert(&mut tx, &row, &call.caller.handle).await?;
        let now = Now::of(&mut tx, std::slice::from_ref(&row)).await?;
        tx.commit().await?;
        let granted = granted(&call, &Subject { is_self: true, ..Subject::default() })?;
        Ok::<_, Failure>(Contested::File(Box::new(now.view(row, &granted))))
    };
    recorded.answer(kept.await.map(|contest| (StatusCode::OK, contest)).map_err(|failure| failure.problem()))
}

/// Lists the caller's own contests of values and records, with what became of them.
#[utoipa::path(
    get,
    path = "/v1/me/contests",
    tag = "caller",
    operation_id = "list_my_contests",
    params(crate::openapi::PersonHeaders),
    responses(
        (status = 200, description = "The contests", body = Receipted<ContestList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn list_own(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ContestFile).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = own_list(&call).await;
    call.finish(found).await
}

async fn own_list(call: &Call) -> Result<Found<ContestList>, Failure> {
    let [] = query::members(&call.query, [])?;
    let person = subject::own(call).await?;
    let granted = granted(call, &Subject { is_self: true, ..Subject::default() })?;
    let (released, withheld) = call.split(&granted);
    let mut conn = call.state.setup.store.snapshot().await?;
    let rows = of_person(&mut conn, person).await?;
    let now = Now::of(&mut conn, &rows).await?;
    let contests: Vec<ContestView> = rows.into_iter().map(|row| now.view(row, &granted)).collect();
    let count = contests.len();
    Ok(Found { answer: ContestList { contests, next: None }, subjects: vec![person], released, withheld, count })
}

/// Lists contests of values and records, the oldest first.
#[utoipa::path(
    get,
    path = "/v1/contests",
    tag = "contests",
    operation_id = "list_contests",
    params(
        crate::openapi::PersonHeaders,
        ("state" = Option<String>, Query, description = "`open` (unless stated), `upheld` or `rejected`"),
        ("after" = Option<i64>, Query, description = "`next` of the answer before"),
        ("limit" = Option<i64>, Query, minimum = 1, maximum = 200, description = "Contests in one answer; 50 unless stated"),
    ),
    responses(
        (status = 200, description = "The contests", body = Receipted<ContestList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn list(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadContests).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = staff_list(&call).await;
    call.finish(found).await
}

fn under_review() -> Subject {
    Subject { is_under_review: true, ..Subject::default() }
}

async fn staff_list(call: &Call) -> Result<Found<ContestList>, Failure> {
    let (of, limit) = verdicts::asked(call)?;
    let granted = granted(call, &under_review())?;
    let (released, withheld) = call.split(&granted);
    let mut conn = call.state.setup.store.snapshot().await?;
    let own = subject::own_person(call, &mut conn).await?;
    let mut rows = contests::list(&mut conn, of).await?;
    let next = verdicts::page(&mut rows, limit, |row| row.seq);
    let now = Now::of(&mut conn, &rows).await?;
    // Nobody decides about the own file.
    rows.retain(|row| own.is_none() || now.owner(row.record) != own);
    let subjects: BTreeSet<PersonId> = rows.iter().filter_map(|row| now.owner(row.record)).collect();
    let contests: Vec<ContestView> = rows.into_iter().map(|row| now.for_who_decides(row, &granted)).collect();
    let count = contests.len();
    let subjects = subjects.into_iter().collect();
    Ok(Found { answer: ContestList { contests, next }, subjects, released, withheld, count })
}

/// Decides a contest, with a reason that the resident sees.
///
/// What a source states is mended by the source, and what belongs together is decided with `POST /v1/decisions`: while a record
/// is contested, its pairs with the records beside it need no task there. `GET /v1/reviews` shows none of them: such a pair is
/// decided unseen, by the resident's words and the ids.
#[utoipa::path(
    post,
    path = "/v1/contests/{contest}/decision",
    tag = "contests",
    operation_id = "decide_contest",
    request_body = ContestVerdict,
    params(crate::openapi::PersonHeaders, ("contest" = Uuid, Path, description = "Id of the contest")),
    responses(
        (status = 200, description = "The contest, decided", body = Receipted<ContestView>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn decide(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::DecideContest).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    match decision(&call).await {
        Ok(plan) => carry_out(call, plan).await,
        Err(failure) => call.refuse(failure).await,
    }
}

struct Plan {
    row: ContestRow,
    now: Now,
    granted: FieldGroups,
    decision: Verdict,
    /// It stands already, word for word.
    stands: bool,
    found: Found<()>,
}

async fn decision(call: &Call) -> Result<Plan, Failure> {
    let [] = query::members(&call.query, [])?;
    let contest = call.matter_id.as_deref().and_then(|id| id.parse().ok()).ok_or(Problem::ContestNotFound)?;
    let ContestVerdict { verdict, reason, note } = call.json().await?;
    let mut decision = verdicts::stated(call, (&verdict, reason, note), &REASONS, Problem::ContestWords)?;
    let granted = granted(call, &under_review())?;
    let (released, withheld) = call.split(&granted);
    let mut conn = call.state.setup.store.snapshot().await?;
    let row = contests::list(&mut conn, ActsOf::One(contest)).await?.pop().ok_or(Problem::ContestNotFound)?;
    let now = Now::of(&mut conn, std::slice::from_ref(&row)).await?;
    let person = now.owner(row.record);
    if person.is_some() && subject::own_person(call, &mut conn).await? == person {
        return Err(Problem::OwnFile.into());
    }
    let stands = verdicts::stands(row.decision.as_ref(), &mut decision, Problem::ContestDecided)?;
    let found = Found { answer: (), subjects: person.into_iter().collect(), released, withheld, count: 1 };
    Ok(Plan { row, now, granted, decision, stands, found })
}

async fn carry_out(call: Call, plan: Plan) -> Answered {
    let Plan { mut row, now, granted, decision, stands, found } = plan;
    let (of, verdict, state) = (row.clone(), decision.clone(), call.state.clone());
    let kept = async move {
        if stands {
            return Ok(true);
        }
        let mut conn = state.setup.store.acquire().await?;
        Ok(contests::decide(&mut conn, &of, &verdict).await?)
    };
    let act = (row.contest_id, decision.code());
    row.decision = Some(decision);
    let view = || now.for_who_decides(row, &granted);
    verdicts::carry_out(&call, found, act, kept, Problem::ContestDecided, view).await
}
