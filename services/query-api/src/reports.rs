//! `POST /v1/units/{unit}/reports`: a form that is filled from the hub instead of by hand.
//!
//! The form's own headings say what is wanted, so that whoever asks for it gets it back as it was. A heading whose group the
//! caller may not see is refused, never left empty: an empty cell says that nothing is known.

use std::collections::{BTreeMap, BTreeSet};

use access::{Action, FieldGroup, FieldGroups};
use axum::extract::State;
use domain::{IdScheme, PersonId};
use exposure::{Census, Standing};
use serde::Deserialize;
use store::views::{self, PersonRow};
use utoipa::ToSchema;

use crate::call::{Answered, Ask, Call, Failure, Found};
use crate::community::{Book, own_unit};
use crate::find::{CardContact, CardIdentity};
use crate::problem::{Problem, ProblemDocument};
use crate::state::QueryState;
use crate::{query, view};

/// Residents in one report at most: as many as an entry of the ledger can name.
pub(crate) const ROWS_MAX: usize = 2_000;
/// Columns in one report at most.
const COLUMNS_MAX: usize = 50;

/// A field that a report can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReportField {
    /// Id of the person in the hub.
    PersonId,
    /// The unit that the resident counts in.
    Unit,
    /// Name in use.
    Name,
    /// Sex.
    Sex,
    /// Day of birth.
    BirthDate,
    /// Completed years of age.
    Age,
    /// Resident number.
    IdNumber,
    /// The phone to try first.
    Phone,
    /// Address.
    Address,
    /// Households that the resident belongs to.
    Household,
    /// Relation to their heads.
    Relation,
    /// Key groups that the resident belongs to.
    KeyGroups,
}

impl ReportField {
    /// Every field with its name, and what Chinese forms call it.
    pub const ALL: &[(Self, &'static str, &'static str)] = &[
        (Self::PersonId, "person_id", "人员标识"),
        (Self::Unit, "unit", "网格"),
        (Self::Name, "name", "姓名"),
        (Self::Sex, "sex", "性别"),
        (Self::BirthDate, "birth_date", "出生日期"),
        (Self::Age, "age", "年龄"),
        (Self::IdNumber, "id_number", "公民身份号码"),
        (Self::Phone, "phone", "联系电话"),
        (Self::Address, "address", "现住址"),
        (Self::Household, "household", "户号"),
        (Self::Relation, "relation", "与户主关系"),
        (Self::KeyGroups, "key_groups", "重点人群"),
    ];

    /// The field that a heading names.
    pub fn of_heading(heading: &str) -> Option<Self> {
        let heading = heading.trim();
        Self::ALL.iter().find(|(_, name, chinese)| [*name, *chinese].contains(&heading)).map(|(field, ..)| *field)
    }

    const fn group(self) -> Option<FieldGroup> {
        match self {
            Self::PersonId => None,
            Self::Name | Self::Sex | Self::BirthDate | Self::Age | Self::IdNumber => Some(FieldGroup::Identity),
            Self::Phone => Some(FieldGroup::Contact),
            Self::Unit | Self::Address => Some(FieldGroup::Residence),
            Self::Household | Self::Relation => Some(FieldGroup::Household),
            Self::KeyGroups => Some(FieldGroup::Care),
        }
    }
}

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
    /// Its headings, in their order: `person_id`, `unit`, `name`, `sex`, `birth_date`, `age`, `id_number`, `phone`, `address`,
    /// `household`, `relation`, `key_groups`, or what Chinese forms call them.
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
#[utoipa::path(
    post,
    path = "/v1/units/{unit}/reports",
    tag = "units",
    operation_id = "fill_report",
    request_body = ReportQuestion,
    params(crate::openapi::PersonHeaders, ("unit" = String, Path, description = "Code of the unit")),
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
    let call = match Call::begin(state, ask, Action::ExportResidents).await {
        Ok(call) => call,
        Err(answered) => return answered,
    };
    match report(&call).await {
        Ok((media_type, found)) => call.finish_with_file(media_type, Ok(found)).await,
        Err(failure) => call.refuse(failure).await,
    }
}

async fn report(call: &Call) -> Result<(&'static str, Found<Vec<u8>>), Failure> {
    let [] = query::members(&call.query, [])?;
    let (unit, granted) = own_unit(call)?;
    let ReportQuestion { columns, key_group, format } = call.json().await?;
    if !(1..=COLUMNS_MAX).contains(&columns.len()) {
        return Err(Problem::ReportFieldUnknown.into());
    }
    let fields = columns.iter().map(|heading| ReportField::of_heading(heading));
    let fields: Vec<ReportField> = fields.collect::<Option<_>>().ok_or(Problem::ReportFieldUnknown)?;
    let rules = &call.state.setup.key_groups;
    let key_group = key_group.map(|code| rules.groups().iter().position(|group| group.code == code));
    let key_group = key_group.map(|place| place.ok_or(Problem::KeyGroupUnknown)).transpose()?;
    let mut wanted: BTreeSet<FieldGroup> = fields.iter().filter_map(|field| field.group()).collect();
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
    let indices: Vec<usize> = (0..book.own).filter(is_wanted).take(ROWS_MAX + 1).collect();
    if indices.len() > ROWS_MAX {
        return Err(Problem::ReportTooLarge.into());
    }
    let subjects: Vec<PersonId> = indices.iter().map(|index| book.rows[*index].person_id).collect();
    let persons = views::list_persons(&mut conn, &subjects).await?;
    let persons: BTreeMap<PersonId, PersonRow> = persons.into_iter().map(|row| (row.person_id, row)).collect();
    let mut rows = vec![columns];
    for index in indices {
        let Some(person) = persons.get(&book.rows[index].person_id) else { continue };
        rows.push(fields.iter().map(|field| cell(*field, &book, &census, index, person, call)).collect());
    }
    let (media_type, file) = match format {
        ReportFormat::Csv => ("text/csv; charset=utf-8", csv(&rows)),
        ReportFormat::Xlsx => ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", workbook(&rows)),
    };
    let answer = file.ok_or(Problem::Internal)?;
    Ok((media_type, Found { answer, count: subjects.len(), subjects, released, withheld: FieldGroups::default() }))
}

fn cell(field: ReportField, book: &Book, census: &Census<'_>, index: usize, person: &PersonRow, call: &Call) -> String {
    let golden = &person.golden;
    let households = |part: fn(&crate::community::MemberView) -> Option<String>| {
        let parts: BTreeSet<String> = book.households_of(index).iter().filter_map(part).collect();
        parts.into_iter().collect::<Vec<_>>().join("; ")
    };
    match field {
        ReportField::PersonId => person.person_id.to_string(),
        ReportField::Unit => book.rows[index].home.clone().unwrap_or_default(),
        ReportField::Name => CardIdentity::of(golden).name.unwrap_or_default(),
        ReportField::Sex => CardIdentity::of(golden).sex.unwrap_or_default().to_owned(),
        ReportField::BirthDate => CardIdentity::of(golden).birth_date.unwrap_or_default(),
        ReportField::Age => census.age(index).map(|age| age.to_string()).unwrap_or_default(),
        ReportField::IdNumber => {
            let number = golden.identifiers.iter().find(|field| field.value.scheme == IdScheme::CnId);
            number.map(|field| field.value.value.expose().clone()).unwrap_or_default()
        }
        ReportField::Phone => CardContact::of(golden).phone.unwrap_or_default(),
        ReportField::Address => golden.address.as_ref().map(|field| field.value.expose().clone()).unwrap_or_default(),
        ReportField::Household => households(|view| Some(view.household_id.clone())),
        ReportField::Relation => households(|view| view.relation_to_head.clone()),
        ReportField::KeyGroups => {
            let groups = call.state.setup.key_groups.groups().iter().zip(census.standings(index));
            let members = groups.filter(|(_, standing)| *standing == Standing::Member);
            members.map(|(group, _)| group.title.as_str()).collect::<Vec<_>>().join("; ")
        }
    }
}

/// With a byte order mark, without which spreadsheet programs take UTF-8 for the encoding of the country. A cell that such
/// a program would run as a formula is kept from it.
fn csv(rows: &[Vec<String>]) -> Option<Vec<u8>> {
    let mut writer = csv::Writer::from_writer("\u{feff}".as_bytes().to_vec());
    for row in rows {
        writer.write_record(row.iter().cloned().map(view::harmless)).ok()?;
    }
    writer.into_inner().ok()
}

fn workbook(rows: &[Vec<String>]) -> Option<Vec<u8>> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (number, row) in (0_u32..).zip(rows) {
        for (column, cell) in (0_u16..).zip(row) {
            // As text: a number of eighteen digits is none for a spreadsheet.
            sheet.write_string(number, column, cell).ok()?;
        }
    }
    workbook.save_to_buffer().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_is_a_field_or_what_chinese_forms_call_it() {
        for (field, name, chinese) in ReportField::ALL {
            assert_eq!(ReportField::of_heading(name), Some(*field));
            assert_eq!(ReportField::of_heading(&format!(" {chinese} ")), Some(*field));
        }
        assert_eq!(ReportField::of_heading("diagnosis"), None);
    }

    #[test]
    fn a_cell_is_quoted_and_runs_nothing() {
        let row = |cells: [&str; 2]| cells.map(str::to_owned).to_vec();
        let file = csv(&[row(["name", "address"]), row(["=1+1", "a \"b\", c"])]).expect("written");
        assert_eq!(String::from_utf8(file).expect("text"), "\u{feff}name,address\n'=1+1,\"a \"\"b\"\", c\"\n");
    }
}
