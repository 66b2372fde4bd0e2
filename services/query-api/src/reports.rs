//! `POST /v1/units/{unit}/reports`: a form that is filled from the hub instead of by hand.
//!
//! The form is a list of headings, or the file itself: a table of text or a workbook, which comes back with its rows filled.
//! The form's own headings say what is wanted, so that whoever asks for it gets it back as it was. A heading whose group the
//! caller may not see is refused, never left empty: an empty cell says that nothing is known.

mod field;
mod form;

use std::collections::{BTreeMap, BTreeSet};

use access::{Action, FieldGroup, FieldGroups};
use axum::extract::State;
use axum::http::header;
use domain::{IdScheme, PersonId, Timestamp, TokenKey};
use exposure::follow_up::FollowUpStanding;
use exposure::{Census, Standing};
use ledger::{ExportMark, Nonce};
use serde::Deserialize;
use store::Conn;
use store::views::{self, PersonRow};
use utoipa::ToSchema;

use crate::call::{Answered, Ask, Call, Failure, Found, handle};
use crate::community::{Book, own_unit};
use crate::find::{CardContact, CardIdentity};
use crate::known_cases::township_of;
use crate::problem::{Problem, ProblemDocument};
use crate::state::QueryState;
use crate::{follow_ups, query};
use form::Form;

pub use field::ReportField;

/// Residents in one report at most: as many as an entry of the ledger can name.
pub(crate) const ROWS_MAX: usize = 2_000;
/// Columns in one report at most.
const COLUMNS_MAX: usize = 50;
/// Bytes of a template at most.
const TEMPLATE_BYTES_MAX: usize = 256 * 1024;
/// What a workbook is called among types of files.
const WORKBOOK: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
/// The sheet of a workbook whose form had none, or one of a name that spreadsheet programs refuse.
const SHEET: &str = "Sheet1";
/// The longest heading that a refusal repeats, in characters.
const TOLD_CHARS_MAX: usize = 20;

/// How a report is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ReportFormat {
    /// Comma-separated, UTF-8.
    #[default]
    Csv,
    /// A workbook with one sheet.
    Xlsx,
}

/// The form to fill.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportQuestion {
    /// Its headings, in their order: `number`, `person_id`, `township`, `unit`, `name`, `sex`, `birth_date`, `age`, `id_number`,
    /// `phone`, `address`, `registered_address`, `household`, `household_kind`, `relation`, `key_groups`, `follow_up`,
    /// `quarantine_until`, or what Chinese forms call them; a blank one, or one for the hand such as 备注, is a
    /// blank column.
    #[schema(min_items = 1, max_items = 50)]
    columns: Vec<String>,
    /// Only members of this key group.
    #[serde(default)]
    key_group: Option<String>,
    /// `csv` unless stated.
    #[serde(default)]
    format: ReportFormat,
}

/// Fills a form with the residents of a unit and of all below it, one row for each; the receipt is in the header.
///
/// Send the form itself, a CSV table (UTF-8 or GB 18030) or a workbook, and it comes back filled, in the same format unless `Accept` asks
/// for the other: what stands above the headings stays, a workbook keeps the name of its sheet, rows below the headings are written anew. Or send the headings as JSON.
#[utoipa::path(
    post,
    path = "/v1/units/{unit}/reports",
    tag = "units",
    operation_id = "fill_report",
    request_body(content(
        (ReportQuestion = "application/json"),
        (String = "text/csv"),
        (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    )),
    params(
        crate::openapi::PersonHeaders,
        ("unit" = String, Path, description = "Code of the unit"),
        ("key_group" = Option<String>, Query, description = "Only members of this key group, when the body is a file"),
    ),
    responses(
        (status = 200, description = "The form, filled", content(
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
         ),
         headers(("Isthmus-Receipt" = String, description = "Id of the ledger's receipt"))),
        (status = "default", description = "A problem; see /problems", body = ProblemDocument,
         content_type = "application/problem+json"),
    ),
    security(("token" = []))
)]
pub(crate) async fn fill(State(state): State<QueryState>, ask: Ask) -> Answered {
    let mut call = match Call::begin(state, ask, Action::ExportResidents).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    let request = Nonce::random();
    call.request_id = Some(request);
    let mark = report_mark(&call.state.setup.token_key, request);
    match report(&call, &mark).await {
        Ok((media_type, found)) => call.finish_with_file(media_type, Ok(found)).await,
        Err(failure) => call.refuse(failure).await,
    }
}

/// The mark of a report, by what its entry calls the request: the order of its rows.
pub fn report_mark(key: &TokenKey, request: Nonce) -> ExportMark {
    ExportMark::new(key.shared_secret("report-mark", &request.to_string()))
}

/// What is to be filled, and with whom.
async fn question(call: &Call) -> Result<(Form, Option<String>), Failure> {
    let [key_group] = query::members(&call.query, ["key_group"])?;
    let declared = call.header(header::CONTENT_TYPE).unwrap_or_default();
    let declared = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let form = match declared.as_str() {
        "text/csv" => Form::of_csv(&call.bytes_within(TEMPLATE_BYTES_MAX).await?),
        WORKBOOK => {
            let bytes = call.bytes_within(TEMPLATE_BYTES_MAX).await?;
            tokio::task::spawn_blocking(move || Form::of_workbook(&bytes)).await.map_err(|_| Problem::Internal)?
        }
        _ if key_group.is_some() => {
            return Err(query::Malformed::member("key_group", "in the body, beside `columns`").into());
        }
        _ => {
            let ReportQuestion { columns, key_group, format } = call.json().await?;
            let sheet = (format == ReportFormat::Xlsx).then(|| SHEET.to_owned());
            return Ok((Form { sheet, above: Vec::new(), headings: columns }, key_group));
        }
    };
    let form = form.ok_or(Problem::ReportTemplate)?;
    // It comes back as it came, unless the caller asks for the other format.
    let sheet = match form.sheet {
        _ if call.accepts("text/csv") => None,
        None if call.accepts(WORKBOOK) => Some(SHEET.to_owned()),
        sheet => sheet,
    };
    Ok((Form { sheet, ..form }, key_group))
}

/// A column of the form: a blank one, or what it shows, in which words.
type Column = Option<(ReportField, bool)>;

/// What the headings name, all of which the caller may see.
fn columns(form: &Form, granted: &FieldGroups) -> Result<Vec<Column>, Failure> {
    let mut columns = Vec::with_capacity(form.headings.len());
    for (number, heading) in (1..).zip(&form.headings) {
        let field = ReportField::of_heading(heading);
        if field.is_none() && !ReportField::is_by_hand(heading) {
            return Err(unknown(number, heading));
        }
        if let Some(group) = field.and_then(ReportField::group).filter(|group| !granted.contains(*group)) {
            let detail = format!("The heading of column {number} is in the group `{}`.", group.code());
            return Err(Failure::saying(Problem::ReportFieldWithheld, detail));
        }
        columns.push(field.map(|field| (field, !heading.is_ascii())));
    }
    let is_any = columns.iter().any(Option::is_some);
    if is_any && columns.len() <= COLUMNS_MAX { Ok(columns) } else { Err(Problem::ReportFieldUnknown.into()) }
}

/// A heading that could be about somebody is not repeated.
fn unknown(number: usize, heading: &str) -> Failure {
    let is_told = heading.chars().count() <= TOLD_CHARS_MAX && !heading.chars().any(char::is_numeric);
    let told = if is_told { format!(" ({})", heading.trim()) } else { String::new() };
    let detail = format!(
        "The heading of column {number}{told} names no field; leave it empty for a column to be filled by hand. Words are: {}.",
        ReportField::words()
    );
    Failure::saying(Problem::ReportFieldUnknown, detail)
}

async fn report(call: &Call, mark: &ExportMark) -> Result<(&'static str, Found<Vec<u8>>), Failure> {
    let (unit, granted) = own_unit(call)?;
    let (form, key_group) = question(call).await?;
    let columns = columns(&form, &granted)?;
    if !form.fits() {
        return Err(Problem::ReportTemplate.into());
    }
    let rules = &call.state.setup.key_groups;
    let key_group = key_group.map(|code| rules.groups().iter().position(|group| group.code == code));
    let key_group = key_group.map(|place| place.ok_or(Problem::KeyGroupUnknown)).transpose()?;
    let mut wanted: BTreeSet<FieldGroup> = columns.iter().flatten().filter_map(|(field, _)| field.group()).collect();
    wanted.extend(key_group.map(|_| FieldGroup::Care));
    if wanted.iter().any(|group| !granted.contains(*group)) {
        return Err(Problem::ReportFieldWithheld.into());
    }
    let released: FieldGroups = wanted.into_iter().collect();
    let mut conn = call.state.setup.store.snapshot().await?;
    let book = Book::open(call, &mut conn, &unit, released.contains(FieldGroup::Care)).await?;
    let census = book.census(call);
    let is_wanted =
        |index: &usize| key_group.is_none_or(|group| census.standings(*index).nth(group) == Some(Standing::Member));
    let mut indices: Vec<usize> = (0..book.own).filter(is_wanted).take(ROWS_MAX + 1).collect();
    if indices.len() > ROWS_MAX {
        return Err(Problem::ReportTooLarge.into());
    }
    // By id they would stand as arbitrarily; so they tell which report a leaked part is from.
    let key = &call.state.setup.token_key;
    indices.sort_by_cached_key(|index| mark.place(handle(key, book.rows[*index].person_id)));
    let subjects: Vec<PersonId> = indices.iter().map(|index| book.rows[*index].person_id).collect();
    let persons = views::list_persons(&mut conn, &subjects).await?;
    let persons: BTreeMap<PersonId, PersonRow> = persons.into_iter().map(|row| (row.person_id, row)).collect();
    let followed = match columns.iter().flatten().any(|(field, _)| field.is_of_follow_ups()) {
        true => Followed::read(call, &mut conn, &unit).await?,
        false => Followed::default(),
    };
    let mut rows = Vec::with_capacity(indices.len());
    for (number, index) in (1_usize..).zip(indices) {
        let Some(person) = persons.get(&book.rows[index].person_id) else { continue };
        let resident = Resident { number, index, person, book: &book, census: &census, followed: &followed, call };
        let cell = |column: &Column| column.map(|(field, is_chinese)| resident.cell(field, is_chinese));
        rows.push(columns.iter().map(|column| cell(column).unwrap_or_default()).collect());
    }
    let media_type = if form.sheet.is_some() { WORKBOOK } else { "text/csv; charset=utf-8" };
    let answer = form.filled(&rows).ok_or(Problem::Internal)?;
    Ok((media_type, Found { answer, count: subjects.len(), subjects, released, withheld: FieldGroups::default() }))
}

/// The follow-ups that a unit and those below it have, by person.
#[derive(Default)]
struct Followed(BTreeMap<PersonId, Vec<(FollowUpStanding, Option<Timestamp>)>>);

impl Followed {
    async fn read(call: &Call, conn: &mut Conn, unit: &str) -> Result<Self, Failure> {
        let mut followed = Self::default();
        for (person, stock) in follow_ups::stocks_by_person(call, conn, unit).await? {
            followed.0.entry(person).or_default().push((stock.standing, stock.until));
        }
        Ok(followed)
    }

    /// What is open tells more than what has ended.
    fn of(&self, person: PersonId) -> impl Iterator<Item = &(FollowUpStanding, Option<Timestamp>)> {
        let all = self.0.get(&person).map(Vec::as_slice).unwrap_or_default();
        let is_any_open = all.iter().any(|(standing, _)| !standing.is_ended());
        all.iter().filter(move |(standing, _)| !is_any_open || !standing.is_ended())
    }
}

/// A resident as a row shows them.
struct Resident<'a> {
    number: usize,
    index: usize,
    person: &'a PersonRow,
    book: &'a Book,
    census: &'a Census<'a>,
    followed: &'a Followed,
    call: &'a Call,
}

impl Resident<'_> {
    fn cell(&self, field: ReportField, is_chinese: bool) -> String {
        let Self { number, index, person, book, census, followed, call } = *self;
        let golden = &person.golden;
        let joined = |parts: BTreeSet<String>| parts.into_iter().collect::<Vec<_>>().join("; ");
        let households = |part: &dyn Fn(&crate::community::MemberView) -> Option<String>| {
            joined(book.households_of(index).iter().filter_map(part).collect())
        };
        let home = book.rows[index].home.as_deref().unwrap_or_default();
        match field {
            ReportField::Number => number.to_string(),
            ReportField::PersonId => person.person_id.to_string(),
            ReportField::Township => township_of(home).unwrap_or_default().to_owned(),
            ReportField::Unit => home.to_owned(),
            ReportField::Name => CardIdentity::of(golden).name.unwrap_or_default(),
            ReportField::Sex => field::sex(CardIdentity::of(golden).sex.unwrap_or_default(), is_chinese).to_owned(),
            ReportField::BirthDate => CardIdentity::of(golden).birth_date.unwrap_or_default(),
            ReportField::Age => census.age(index).map(|age| age.to_string()).unwrap_or_default(),
            ReportField::IdNumber => {
                let number = golden.identifiers.iter().find(|field| field.value.scheme == IdScheme::CnId);
                number.map(|field| field.value.value.expose().clone()).unwrap_or_default()
            }
            ReportField::Phone => CardContact::of(golden).phone.unwrap_or_default(),
            ReportField::Address => {
                golden.address.as_ref().map(|field| field.value.expose().clone()).unwrap_or_default()
            }
            ReportField::RegisteredAddress => joined(book.registered_of(index)),
            ReportField::Household => households(&|view| Some(view.household_id.clone())),
            ReportField::HouseholdKind => {
                households(&|view| Some(field::household_kind(view.collective, is_chinese).to_owned()))
            }
            ReportField::Relation => households(&|view| view.relation_to_head.clone()),
            ReportField::KeyGroups => {
                let groups = call.state.setup.key_groups.groups().iter().zip(census.standings(index));
                let members = groups.filter(|(_, standing)| *standing == Standing::Member);
                members.map(|(group, _)| group.title.as_str()).collect::<Vec<_>>().join("; ")
            }
            ReportField::FollowUp => {
                let standings = followed.of(person.person_id);
                joined(standings.map(|(standing, _)| field::standing(*standing, is_chinese).to_owned()).collect())
            }
            ReportField::QuarantineUntil => {
                let until = followed.of(person.person_id).filter_map(|(_, until)| *until).max();
                until.map(|until| call.state.setup.key_groups.day_of(until).to_string()).unwrap_or_default()
            }
        }
    }
}
