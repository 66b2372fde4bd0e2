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
        let plain: String = heading.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        match plain.as_str() {
            "recordid" | "recid" | "recordno" | "recordnumber" | "uniqueid" | "rowid" | "rownumber" | "id" | "key"
            | "记录编号" | "记录号" | "编号" | "序号" | "流水号" | "记录id" => Self::RecordId,
            _ => Column::recognise(heading).map_or(Self::Other, Self::States),
        }
    }
}

/// A part of a file: texts and cells by used column, ids, and the line on which each record begins.
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
}
