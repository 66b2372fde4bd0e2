//! What an auditor asks of the ledger: entries by what they are like, and how many there are.

use access::{Action, CaseReference, FieldGroups};
use axum::extract::State;
use domain::{PersonId, Timestamp};
use ledger::{CaseToken, Code, Filter, SubjectHandle};
use serde::{Deserialize, Serialize};
use store::audit::{self, By, Search};
use store::views;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted, case_token, handle};
use crate::ledger_index;
use crate::ledger_routes::{EntryView, view};
use crate::problem::{Problem, ProblemDocument};
use crate::query;
use crate::state::QueryState;

/// Clocks are at most so many minutes from UTC.
const OFFSET_MIN_MAX: i32 = 18 * 60;
/// Entries in one answer, unless the question says otherwise.
const ENTRIES_DEFAULT: u32 = 100;
/// Entries in one answer at most.
const ENTRIES_MAX: u32 = 1_000;

/// What entries must be like; each member that is there narrows the search.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct EntrySearch {
    /// Handle of the one who asked.
    #[schema(value_type = Option<String>)]
    pub actor: Option<Code>,
    /// Organisation, or organisation and unit with a stroke between.
    #[schema(value_type = Option<String>)]
    pub unit: Option<Code>,
    /// Role of the one who asked.
    #[schema(value_type = Option<String>)]
    pub role: Option<Code>,
    /// What was asked.
    #[schema(value_type = Option<String>)]
    pub action: Option<Code>,
    /// The purpose stated.
    #[schema(value_type = Option<String>)]
    pub purpose: Option<Code>,
    /// Reference of the case stated.
    pub case: Option<String>,
    /// Handle of a person concerned, as entries have it.
    pub subject: Option<String>,
    /// Id of a person concerned; it stands in the entry of this search.
    pub person_id: Option<Uuid>,
    /// Not before.
    pub from: Option<String>,
    /// Before.
    pub until: Option<String>,
    /// Only refusals, or only answers.
    pub refused: Option<bool>,
    /// Index before which to begin; the newest unless stated.
    pub before: Option<u64>,
    /// Entries in one answer; 100 unless stated, 1,000 at most.
    pub limit: Option<u32>,
}

/// Entries that were looked for.
#[derive(Serialize, ToSchema)]
pub(crate) struct FoundEntries {
    /// The entries, newest first.
    pub entries: Vec<EntryView>,
    /// Send it as `before` to go on; absent at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<u64>,
}

/// Searches the ledger, newest entries first. The search is an entry itself, and what it finds is read from the log.
#[utoipa::path(
    post,
    path = "/v1/ledger/search",
    tag = "ledger",
    operation_id = "search_ledger",
    params(crate::openapi::PersonHeaders),
    request_body = EntrySearch,
    responses(
        (status = 200, description = "The entries", body = Receipted<FoundEntries>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn search(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadLedger).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = found_entries(&call).await;
    call.finish(found).await
}

async fn found_entries(call: &Call) -> Result<Found<FoundEntries>, Failure> {
    let asked: EntrySearch = call.json().await?;
    let limit = asked.limit.unwrap_or(ENTRIES_DEFAULT);
    let before = asked.before.map_or(Ok(i64::MAX), i64::try_from).map_err(|_| Problem::SearchMalformed)?;
    if !(1..=ENTRIES_MAX).contains(&limit) || asked.subject.is_some() && asked.person_id.is_some() {
        return Err(Problem::SearchMalformed.into());
    }
    let person = asked.person_id.map(PersonId::from_uuid);
    let filter = filter(call, asked, person).await?;
    let (indices, more) = indices(call, &filter, None, before, limit).await?;
    let mut entries = Vec::new();
    for index in &indices {
        // The index only says where to look: what does not fit there is left out, and the next comparison mends the row.
        if let Some((index, entry)) = ledger_index::entry(&call.state, *index).await?
            && filter.matches(&entry)
        {
            entries.push(view(index, entry));
        }
    }
    let next = indices.last().filter(|_| more).and_then(|index| u64::try_from(*index).ok());
    let count = entries.len();
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    let answer = FoundEntries { entries, next };
    Ok(Found { answer, subjects: person.into_iter().collect(), released, withheld, count })
}

/// The indices that the index has for a filter, or for several persons, and whether there are more.
pub(crate) async fn indices(
    call: &Call,
    filter: &Filter,
    subjects: Option<Vec<String>>,
    before: i64,
    limit: u32,
) -> Result<(Vec<i64>, bool), Failure> {
    ledger_index::catch_up(&call.state).await?;
    let text = |code: &Option<Code>| code.as_ref().map(ToString::to_string);
    let search = Search {
        actor: text(&filter.actor),
        unit: text(&filter.unit),
        role: text(&filter.role),
        action: text(&filter.action),
        purpose: text(&filter.purpose),
        case_token: filter.case.map(|case| case.to_string()),
        subjects: subjects.or_else(|| filter.subject.map(|subject| vec![subject.to_string()])),
        from: filter.from,
        until: filter.until,
        refused: filter.refused,
    };
    let mut conn = call.state.setup.store.acquire().await?;
    let mut indices = audit::search(&mut conn, &search, before, i64::from(limit) + 1).await?;
    let more = indices.len() > limit as usize;
    indices.truncate(limit as usize);
    Ok((indices, more))
}

/// What entries call a case that is named by its number or by the hub's id, whether it still stands or not.
async fn case(call: &Call, name: &str) -> Result<CaseToken, Failure> {
    let (name, key) = (CaseReference::parse(name).map_err(|_| Problem::CaseMalformed)?, &call.state.setup.token_key);
    let named = views::list_cases_named(&mut *call.state.setup.store.acquire().await?, name.expose()).await?;
    match &named[..] {
        [one] => Ok(case_token(key, one.record_id)),
        [] => Ok(name.expose().parse().map_or_else(|_| CaseToken(key.opaque("case", "")), |id| case_token(key, id))),
        _ => Err(Failure::saying(
            Problem::CaseMalformed,
            "Several cases bear this number: state the id of one.".to_owned(),
        )),
    }
}

async fn filter(call: &Call, asked: EntrySearch, person: Option<PersonId>) -> Result<Filter, Failure> {
    let key = &call.state.setup.token_key;
    let instant = |text: Option<String>| text.map(|text| Timestamp::parse(&text)).transpose();
    let case = match &asked.case {
        Some(name) => Some(case(call, name).await?),
        None => None,
    };
    let subject = asked.subject.map(|handle| handle.parse::<SubjectHandle>()).transpose();
    Ok(Filter {
        actor: asked.actor,
        unit: asked.unit,
        role: asked.role,
        action: asked.action,
        purpose: asked.purpose,
        case,
        subject: subject.map_err(|_| Problem::SearchMalformed)?.or_else(|| person.map(|person| handle(key, person))),
        from: instant(asked.from).map_err(|_| Problem::SearchMalformed)?,
        until: instant(asked.until).map_err(|_| Problem::SearchMalformed)?,
        refused: asked.refused,
    })
}

/// How many entries there are, by one thing.
#[derive(Serialize, ToSchema)]
pub(crate) struct Statistics {
    /// `actor`, `unit`, `role`, `action`, `purpose`, `refusal` or `day`.
    pub by: &'static str,
    /// The counts, the largest first; 1,000 at most.
    pub counts: Vec<Counted>,
}

/// How many entries have a value.
#[derive(Serialize, ToSchema)]
pub(crate) struct Counted {
    /// The value; `-` where entries have none.
    pub value: String,
    /// Entries.
    pub entries: i64,
    /// Of these, refusals.
    pub refused: i64,
    /// Different handles that asked.
    pub actors: i64,
}

/// Counts entries of the ledger. The counts are those of the search index, which is compared with the log all the time.
#[utoipa::path(
    get,
    path = "/v1/ledger/statistics",
    tag = "ledger",
    operation_id = "count_ledger",
    params(
        crate::openapi::PersonHeaders,
        ("by" = Option<String>, Query, description = "actor, unit, role, action, purpose, refusal or day; role unless stated"),
        ("offset_min" = Option<i32>, Query, description = "Days are those of clocks so many minutes ahead of UTC; 0 unless stated"),
        ("from" = Option<String>, Query, description = "Not before this instant"),
        ("until" = Option<String>, Query, description = "Before this instant"),
    ),
    responses(
        (status = 200, description = "The counts", body = Receipted<Statistics>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn statistics(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadLedger).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = counts(&call).await;
    call.finish(found).await
}

async fn counts(call: &Call) -> Result<Found<Statistics>, Failure> {
    let [by, offset_min, from, until] = query::members(&call.query, ["by", "offset_min", "from", "until"])?;
    let ahead_min = offset_min.map_or(Some(0), |text| {
        text.parse().ok().filter(|minutes| (-OFFSET_MIN_MAX..=OFFSET_MIN_MAX).contains(minutes))
    });
    let ahead_min = ahead_min.ok_or(query::Malformed::member("offset_min", "minutes from -1080 to 1080"))?;
    let by = by.map_or(Some(By::Role), |code| By::ALL.into_iter().find(|by| by.code() == code));
    let by = by.ok_or(Problem::QueryMalformed)?;
    let instant = |text: Option<String>| text.map(|text| Timestamp::parse(&text)).transpose();
    let from = instant(from).map_err(|_| Problem::QueryMalformed)?;
    let until = instant(until).map_err(|_| Problem::QueryMalformed)?;
    ledger_index::catch_up(&call.state).await?;
    let mut conn = call.state.setup.store.acquire().await?;
    let counts: Vec<Counted> = audit::count(&mut conn, by, ahead_min, from, until)
        .await?
        .into_iter()
        .map(|audit::Count { value, entries, refused, actors }| Counted { value, entries, refused, actors })
        .collect();
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    let count = counts.len();
    Ok(Found { answer: Statistics { by: by.code(), counts }, subjects: Vec::new(), released, withheld, count })
}
