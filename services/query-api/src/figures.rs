//! `/v1/figures`: counts for the public. A table is drafted, verified, edited and released, by different people, each step on
//! record before it is done; what it shows is decided by the crate `figures`, beside every earlier release of its kind.
//!
//! There are no questions of one's own making: a kind has fixed columns, and for ever the rows of the first table that somebody other
//! than its drafter verified. Until then a draft shows no number to anybody: one analyst alone neither learns anything nor decides
//! anything.

use access::{Action, FieldGroups};
use axum::extract::State;
use axum::http::StatusCode;
use domain::{Body, CaseState, Day, Timestamp};
use figures::{Release, Shown, Table, protect};
use ledger::{Matter, MatterId};
use serde::{Deserialize, Serialize};
use store::Conn;
use store::figures::{self as rows, FigureRow, StepRow};
use store::views;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::call::{Answered, Ask, Call, Failure, Found, Receipted, code};
use crate::problem::{Problem, ProblemDocument};
use crate::state::QueryState;

/// Figures in one answer.
const LISTED_MAX: i64 = 200;
/// Rows of a table at most.
const ROWS_MAX: usize = 200;
/// Characters of title and note at most.
const TITLE_MAX: usize = 100;
const NOTE_MAX: usize = 1_000;
/// Longer runs of digits could be a person's number.
const DIGITS_MAX: usize = 8;
/// Ages at which a column begins.
const AGES: [u32; 4] = [0, 18, 60, 80];
const DAYS_OF_A_YEAR: f64 = 365.242_5;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Residents of units by age.
    ResidentsByAge,
    /// Cases of units by what disease control says of them.
    CasesByState,
}

/// The steps of a figure, in their order.
const STEPS: [&str; 4] = ["DRAFTED", "VERIFIED", "EDITED", "RELEASED"];

/// A figure to draft.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FigureQuestion {
    /// `residents-by-age` or `cases-by-state`.
    kind: String,
    /// Division codes of one length, 6, 9 or 12 digits: those of the first figure of its kind that was verified.
    #[schema(min_items = 1, max_items = 200)]
    rows: Vec<String>,
}

/// How a figure is presented.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Presentation {
    /// Title, 100 characters at most.
    #[schema(max_length = 100)]
    title: String,
    /// Note, 1,000 characters at most.
    #[serde(default)]
    #[schema(max_length = 1000)]
    note: String,
}

/// A figure as the public sees it, or will.
#[derive(Serialize, ToSchema)]
pub(crate) struct FigureView {
    /// Its id.
    pub figure: Uuid,
    /// What is counted.
    pub kind: String,
    /// As of when.
    pub as_of: String,
    /// drafted, verified, edited or released.
    pub state: String,
    /// Title.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Names of the rows; the last row of cells has none, it is the totals.
    pub rows: Vec<String>,
    /// Names of the columns; the last column of cells has none, it is the totals.
    pub columns: Vec<String>,
    /// The cells: rounded to five, or null where they are hidden; a draft shows none until somebody else has verified it.
    pub cells: Vec<Vec<Option<u32>>>,
    /// Who did what; absent for the public.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<ReleaseStepView>,
}

/// A step of a figure.
#[derive(Serialize, ToSchema)]
pub(crate) struct ReleaseStepView {
    /// DRAFTED, VERIFIED, EDITED or RELEASED.
    pub step: String,
    /// Handle of who did it.
    pub by: String,
    /// When.
    pub at: String,
}

/// Figures.
#[derive(Serialize, ToSchema)]
pub(crate) struct FigureList {
    /// The figures, the newest first.
    pub figures: Vec<FigureView>,
}

impl Kind {
    fn from_code(code: &str) -> Option<Self> {
        [Self::ResidentsByAge, Self::CasesByState].into_iter().find(|kind| kind.code() == code)
    }

    const fn code(self) -> &'static str {
        match self {
            Self::ResidentsByAge => "residents-by-age",
            Self::CasesByState => "cases-by-state",
        }
    }

    const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::ResidentsByAge => &["0-17", "18-59", "60-79", "80+", "unknown"],
            Self::CasesByState => &["confirmed", "asymptomatic", "recovered", "deceased"],
        }
    }
}

/// Drafts a figure: counts, and shows nothing yet. Numbers are shown when somebody else has verified that it is the right question.
#[utoipa::path(
    post,
    path = "/v1/figures",
    tag = "figures",
    operation_id = "draft_figure",
    params(crate::openapi::PersonHeaders),
    request_body = FigureQuestion,
    responses(
        (status = 200, description = "The draft", body = Receipted<FigureView>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn draft(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::WorkOnFigures).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let row = match drafted(&call).await {
        Ok(row) => row,
        Err(failure) => return call.refuse(failure).await,
    };
    let keep = async |row: &mut FigureRow, conn: &mut Conn| Ok(rows::insert(conn, row).await?);
    on_record(&call, row, Vec::new(), keep).await
}

async fn drafted(call: &Call) -> Result<FigureRow, Failure> {
    let FigureQuestion { kind, rows: mut units } = call.json().await?;
    let kind = Kind::from_code(&kind).ok_or(Problem::FigureMalformed)?;
    units.sort_unstable();
    units.dedup();
    let is_division = |code: &String| matches!(code.len(), 6 | 9 | 12) && code.bytes().all(|b| b.is_ascii_digit());
    let length = units.first().map_or(0, String::len);
    // Units of one length never hold each other, so nobody is counted twice.
    if !(1..=ROWS_MAX).contains(&units.len()) || !units.iter().all(|code| is_division(code) && code.len() == length) {
        return Err(Problem::FigureMalformed.into());
    }
    let mut conn = call.state.setup.store.snapshot().await?;
    let now = call.state.now();
    let counts = match kind {
        Kind::ResidentsByAge => residents_by_age(&mut conn, &units, now).await?,
        Kind::CasesByState => cases_by_state(&mut conn, &units).await?,
    };
    let columns = kind.columns().iter().map(|column| (*column).to_owned()).collect();
    let table = Table { rows: units, columns, counts };
    // Whether the counts of a fitting table can be shown is said when it is verified.
    if earlier(&mut conn, kind.code()).await?.iter().any(|release| release.table.rows != table.rows) {
        return Err(Problem::DisclosureRisk.into());
    }
    let cells = vec![vec![None; table.columns.len() + 1]; table.rows.len() + 1];
    let shown = Shown { rows: table.rows.clone(), columns: table.columns.clone(), cells };
    Ok(FigureRow {
        figure_id: Uuid::new_v4(),
        kind: kind.code().to_owned(),
        as_of_ms: now.as_millis(),
        counts: serde_json::to_value(table).map_err(|_| Problem::Internal)?,
        shown: serde_json::to_value(shown).map_err(|_| Problem::Internal)?,
        title: None,
        note: None,
        drafted_ms: now.as_millis(),
        released_ms: None,
    })
}

/// Decides what a figure shows beside all that was shown of its kind.
async fn protect_beside(row: &mut FigureRow, conn: &mut Conn) -> Result<(), Failure> {
    let table: Table = serde_json::from_value(row.counts.clone()).map_err(|_| Problem::Internal)?;
    let shown = protect(&table, &earlier(conn, &row.kind).await?).map_err(|_| Problem::DisclosureRisk)?;
    row.shown = serde_json::to_value(shown).map_err(|_| Problem::Internal)?;
    Ok(())
}

async fn residents_by_age(conn: &mut Conn, units: &[String], now: Timestamp) -> Result<Vec<Vec<u32>>, Failure> {
    let today = now.day_at_offset(0);
    let mut counts = Vec::with_capacity(units.len());
    for unit in units {
        let mut row = vec![0; AGES.len() + 1];
        for resident in views::list_residents(conn, unit).await? {
            let column = resident.birth.and_then(|birth| age(birth, today));
            row[column.map_or(AGES.len(), |age| AGES.iter().rposition(|begin| *begin <= age).unwrap_or(0))] += 1;
        }
        counts.push(row);
    }
    Ok(counts)
}

fn age(birth: Day, today: Day) -> Option<u32> {
    let days = today.as_epoch_days().checked_sub(birth.as_epoch_days()).filter(|days| *days >= 0)?;
    Some((f64::from(days) / DAYS_OF_A_YEAR) as u32)
}

async fn cases_by_state(conn: &mut Conn, units: &[String]) -> Result<Vec<Vec<u32>>, Failure> {
    let mut counts = vec![vec![0; Kind::CasesByState.columns().len()]; units.len()];
    for row in views::list_case_facts(conn, None).await? {
        let Body::CaseStatus(status) = row.body()? else { continue };
        let column = match status.state {
            CaseState::Confirmed => 0,
            CaseState::Asymptomatic => 1,
            CaseState::Recovered => 2,
            CaseState::Deceased => 3,
            CaseState::Unknown | CaseState::Suspected | CaseState::Excluded => continue,
        };
        let code = status.place.division_code.unwrap_or_default();
        if let Some(row) = units.iter().position(|unit| code.starts_with(unit.as_str())) {
            counts[row][column] += 1;
        }
    }
    Ok(counts)
}

/// What anybody was shown of a kind: releases, and verified figures, which analysts see. Whoever has one table after the other verified
/// learns no more than the public does from as many releases.
async fn earlier(conn: &mut Conn, kind: &str) -> Result<Vec<Release>, Failure> {
    let release = |row: FigureRow| {
        let table = serde_json::from_value(row.counts).map_err(|_| Problem::Internal)?;
        let shown = serde_json::from_value(row.shown).map_err(|_| Problem::Internal)?;
        Ok(Release { table, shown })
    };
    rows::list_shown(conn, kind).await?.into_iter().map(release).collect()
}

/// Verifies a draft that somebody else made: the right divisions are counted by the right thing. What it shows is decided beside all
/// that was shown of its kind, and shown from then on.
#[utoipa::path(
    post,
    path = "/v1/figures/{figure}/verify",
    tag = "figures",
    operation_id = "verify_figure",
    params(crate::openapi::PersonHeaders, ("figure" = Uuid, Path, description = "Id of the figure")),
    responses(
        (status = 200, description = "The figure", body = Receipted<FigureView>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn verify(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::WorkOnFigures).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let begun = async {
        let (mut row, steps) = next(&call, 1).await?;
        let mut conn = call.state.setup.store.snapshot().await?;
        protect_beside(&mut row, &mut conn).await?;
        Ok::<_, Failure>((row, steps))
    };
    let (row, steps) = match begun.await {
        Ok(begun) => begun,
        Err(failure) => return call.refuse(failure).await,
    };
    let keep = async |row: &mut FigureRow, conn: &mut Conn| {
        // Decided again beside what was verified meanwhile: one figure of a kind after the other.
        rows::lock(conn, &row.kind).await?;
        protect_beside(row, conn).await?;
        Ok(rows::show(conn, row.figure_id, &row.shown).await?)
    };
    on_record(&call, row, steps, keep).await
}

/// Gives a verified figure its title and note.
#[utoipa::path(
    post,
    path = "/v1/figures/{figure}/edit",
    tag = "figures",
    operation_id = "edit_figure",
    params(crate::openapi::PersonHeaders, ("figure" = Uuid, Path, description = "Id of the figure")),
    request_body = Presentation,
    responses(
        (status = 200, description = "The figure", body = Receipted<FigureView>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn edit(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::WorkOnFigures).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let begun = async {
        let Presentation { title, note } = call.json().await?;
        let fits = |text: &str, longest: usize| {
            let longest_number = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max().unwrap_or(0);
            text.chars().count() <= longest && longest_number <= DIGITS_MAX
        };
        if title.trim().is_empty() || !fits(&title, TITLE_MAX) || !fits(&note, NOTE_MAX) {
            return Err(Problem::FigureMalformed.into());
        }
        Ok::<_, Failure>((next(&call, 2).await?, title, note))
    };
    let ((row, steps), title, note) = match begun.await {
        Ok(begun) => begun,
        Err(failure) => return call.refuse(failure).await,
    };
    let keep = async |row: &mut FigureRow, conn: &mut Conn| {
        rows::edit(conn, row.figure_id, &title, &note).await?;
        (row.title, row.note) = (Some(title.clone()), Some(note.clone()));
        Ok(())
    };
    on_record(&call, row, steps, keep).await
}

/// Releases a figure, once it was verified and edited by two others. What it shows is decided anew beside what was released
/// meanwhile.
#[utoipa::path(
    post,
    path = "/v1/figures/{figure}/release",
    tag = "figures",
    operation_id = "release_figure",
    params(crate::openapi::PersonHeaders, ("figure" = Uuid, Path, description = "Id of the figure")),
    responses(
        (status = 200, description = "The figure", body = Receipted<FigureView>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn release(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReleaseFigures).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let (row, steps) = match next(&call, 3).await {
        Ok(next) => next,
        Err(failure) => return call.refuse(failure).await,
    };
    let now = call.state.now().as_millis();
    let keep = async |row: &mut FigureRow, conn: &mut Conn| {
        rows::lock(conn, &row.kind).await?;
        protect_beside(row, conn).await?;
        row.released_ms = Some(now);
        Ok(rows::release(conn, row.figure_id, &row.shown, now).await?)
    };
    on_record(&call, row, steps, keep).await
}

/// Lists figures with who did what to each, the newest first.
#[utoipa::path(
    get,
    path = "/v1/figures",
    tag = "figures",
    operation_id = "list_figures",
    params(crate::openapi::PersonHeaders),
    responses(
        (status = 200, description = "The figures", body = Receipted<FigureList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn list(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::begin(state, ask, Action::ReadFigures).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let found = listed(&call, false).await;
    call.finish(found).await
}

/// Lists figures that were released, the newest first, for everybody who may call.
#[utoipa::path(
    get,
    path = "/v1/figures/released",
    tag = "figures",
    operation_id = "list_released_figures",
    responses(
        (status = 200, description = "The figures", body = Receipted<FigureList>,
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn released(State(state): State<QueryState>, ask: Ask) -> Answered {
    let call = match Call::without_purpose(state, ask, "read-released-figures") {
        Ok(call) => call,
        Err(problem) => return Answered::without_entry(problem),
    };
    let found = listed(&call, true).await;
    call.finish(found).await
}

async fn listed(call: &Call, released_only: bool) -> Result<Found<FigureList>, Failure> {
    let mut conn = call.state.setup.store.acquire().await?;
    let listed = rows::list(&mut conn, released_only, LISTED_MAX).await?;
    let ids: Vec<Uuid> = listed.iter().map(|row| row.figure_id).collect();
    let steps = if released_only { Vec::new() } else { rows::list_steps(&mut conn, &ids).await? };
    let mut figures = Vec::with_capacity(listed.len());
    for row in listed {
        let own = steps.iter().filter(|step| step.figure_id == row.figure_id).cloned().collect();
        figures.push(view(row, own)?);
    }
    Ok(shown(figures.len()).map(|()| FigureList { figures }))
}

/// The figure of the path, when the step of this number is the next and the caller may do it.
async fn next(call: &Call, step: usize) -> Result<(FigureRow, Vec<StepRow>), Failure> {
    let id = call.matter_id.as_deref().and_then(|id| id.parse::<Uuid>().ok()).ok_or(Problem::FigureNotFound)?;
    let mut conn = call.state.setup.store.acquire().await?;
    let row = rows::find(&mut conn, id).await?.ok_or(Problem::FigureNotFound)?;
    let steps = rows::list_steps(&mut conn, &[id]).await?;
    if steps.len() != step {
        return Err(Problem::FigureStep.into());
    }
    let did = |step: &StepRow| step.handle == call.caller.handle;
    // Whoever drafted a figure may edit it when others verified it, and may not verify or release it.
    let had_part = match step {
        2 => steps[1..].iter().any(did),
        _ => steps.iter().any(did),
    };
    if had_part { Err(Problem::FigurePeople.into()) } else { Ok((row, steps)) }
}

/// Puts the next step of a figure on record, and then does it.
async fn on_record(
    call: &Call,
    mut row: FigureRow,
    mut steps: Vec<StepRow>,
    keep: impl AsyncFnOnce(&mut FigureRow, &mut Conn) -> Result<(), Failure>,
) -> Answered {
    let name = STEPS[steps.len().min(STEPS.len() - 1)];
    let matter = match code(name) {
        Ok(act) => Matter { id: MatterId(row.figure_id.into_bytes()), act },
        Err(problem) => return call.refuse(problem.into()).await,
    };
    let recorded = match call.record(shown(1), matter).await {
        Ok(recorded) => recorded,
        Err(answered) => return answered,
    };
    let kept = async {
        let mut tx = call.state.setup.store.begin("work_on_figure").await?;
        keep(&mut row, &mut tx).await?;
        let (handle, at_ms) = (call.caller.handle.clone(), call.state.now().as_millis());
        let step = StepRow { figure_id: row.figure_id, step: name.to_owned(), handle, at_ms };
        if !rows::insert_step(&mut tx, &step).await? {
            return Err(Problem::FigureStep.into());
        }
        tx.commit().await?;
        steps.push(step);
        view(row, steps)
    };
    let kept: Result<FigureView, Failure> = kept.await;
    recorded.answer(kept.map(|view| (StatusCode::OK, view)).map_err(|failure| failure.problem()))
}

fn view(row: FigureRow, steps: Vec<StepRow>) -> Result<FigureView, Failure> {
    let Shown { rows, columns, cells } = serde_json::from_value(row.shown).map_err(|_| Problem::Internal)?;
    let last = if row.released_ms.is_some() { "RELEASED" } else { steps.last().map_or("DRAFTED", |step| &step.step) };
    Ok(FigureView {
        figure: row.figure_id,
        kind: row.kind,
        as_of: Timestamp::from_millis(row.as_of_ms).to_string(),
        state: last.to_lowercase(),
        title: row.title,
        note: row.note,
        rows,
        columns,
        cells,
        steps: steps
            .into_iter()
            .map(|step| ReleaseStepView {
                step: step.step,
                by: step.handle,
                at: Timestamp::from_millis(step.at_ms).to_string(),
            })
            .collect(),
    })
}

/// An answer about so many figures, and about nobody's file.
fn shown(count: usize) -> Found<()> {
    let (released, withheld) = (FieldGroups::default(), FieldGroups::default());
    Found { answer: (), subjects: Vec::new(), released, withheld, count }
}
