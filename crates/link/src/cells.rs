//! The columns of a file: distinct texts and cells.

use linkage::table::{Column, TextPool};

/// What a column of a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    RecordId,
    States(Column),
    /// Not used.
    Other,
}

impl Meaning {
    pub(crate) fn of(heading: &str) -> Self {
        match plain(heading).as_str() {
            "recordid" | "recid" | "recordno" | "recordnumber" | "uniqueid" | "rowid" | "rownumber" | "id" | "key"
            | "记录编号" | "记录号" | "编号" | "序号" | "流水号" | "记录id" => Self::RecordId,
            _ if is_person_number(heading) => Self::RecordId,
            _ => Column::recognise(heading).map_or(Self::Other, Self::States),
        }
    }
}

/// Whether a heading names the number of a person with whoever keeps the file: an id of the record where there is no
/// better one.
pub(crate) fn is_person_number(heading: &str) -> bool {
    matches!(
        plain(heading).as_str(),
        "patientid"
            | "patientno"
            | "patientnumber"
            | "personid"
            | "personno"
            | "pid"
            | "mrn"
            | "customerid"
            | "customerno"
            | "customernumber"
            | "clientid"
            | "memberid"
            | "userid"
            | "kundennummer"
            | "kundennr"
            | "patientennummer"
            | "mitgliedsnummer"
            | "患者编号"
            | "病人编号"
            | "客户编号"
            | "病历号"
    )
}

/// A heading without case and signs.
pub(crate) fn plain(heading: &str) -> String {
    heading.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// A part of a file: texts and cells by used column, ids, and where each record begins.
#[derive(Debug, Default)]
pub(crate) struct Part {
    pub(crate) ids: String,
    pub(crate) id_ends: Vec<u32>,
    pub(crate) lines: Vec<u32>,
    pub(crate) columns: Vec<(TextPool, Vec<u32>)>,
    /// Rows that cannot be used, by line.
    pub(crate) bad: Vec<(u64, String)>,
    /// Lines of this part.
    pub(crate) line_count: u64,
}

/// A file that was read.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) columns: Vec<Column>,
    /// Headings that are not used.
    pub(crate) unused: Vec<String>,
    pub(crate) parts: Vec<Part>,
    /// How it was written, for the summary.
    pub(crate) format: String,
    /// What the places of its records count.
    pub(crate) unit: &'static str,
}
