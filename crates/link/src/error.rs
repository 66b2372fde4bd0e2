//! What can be wrong with the files.

use std::path::PathBuf;

/// Why files cannot be linked.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// A file cannot be read or written.
    #[error("{path}: {reason}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: std::io::Error,
    },
    /// A file is empty.
    #[error("{0}: the file has no header: its first line must name the columns, one of them `record_id`")]
    NoHeader(PathBuf),
    /// A file is neither text nor anything else that is read.
    #[error("{path}: this is {what}, and CSV, gzip of it and Parquet are read: save it as CSV")]
    NotText {
        /// The file.
        path: PathBuf,
        /// What it looks like.
        what: &'static str,
    },
    /// More files than can be told apart.
    #[error("{0} inputs are given, and at most 255 can be linked at once; put some of them together")]
    TooManyInputs(usize),
    /// The header cannot be read.
    #[error("{path}, line 1: the header cannot be read: {reason}")]
    BadHeader {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file to write is read too, or is to be written twice.
    #[error("{path} is both {first} and {second}; nothing was read or written: give each its own file")]
    SameFile {
        /// The file.
        path: PathBuf,
        /// What it is for.
        first: &'static str,
        /// What else.
        second: &'static str,
    },
    /// A file has no column of record ids.
    #[error(
        "{path}: there is no column `record_id`, nor one called `id`, `rec_id`, `unique_id` or the like: give each row an id of its own in such a column; the columns are {columns}"
    )]
    NoRecordId {
        /// The file.
        path: PathBuf,
        /// Its columns.
        columns: String,
    },
    /// A file has no column that says anything about a person.
    #[error(
        "{path}: no column says anything of a person: call them `full_name`, `given_name`, `surname`, `dob`, `national_id`, `phone`, `address_1` and so on; the columns are {columns}"
    )]
    NoColumns {
        /// The file.
        path: PathBuf,
        /// Its columns.
        columns: String,
    },
    /// A row cannot be used.
    #[error("{path}, {unit} {line}: {reason}; --skip-bad-rows leaves such rows out and counts them")]
    BadRow {
        /// The file.
        path: PathBuf,
        /// What is counted: lines, or in Parquet rows.
        unit: &'static str,
        /// Where the row begins, from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// A record id stands twice.
    #[error(
        "{path}, {unit} {line}: the record id `{id}` stands in {other_unit} {before} of {other} already; --skip-bad-rows keeps the first"
    )]
    DuplicateId {
        /// The file.
        path: PathBuf,
        /// What is counted: lines, or in Parquet rows.
        unit: &'static str,
        /// The line of the second.
        line: u64,
        /// The id.
        id: String,
        /// The file of the first.
        other: PathBuf,
        /// What is counted there.
        other_unit: &'static str,
        /// The line of the first.
        before: u64,
    },
    /// A Parquet file cannot be read.
    #[error("{path}: {reason}")]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: parquet::errors::ParquetError,
    },
    /// A model file cannot be used.
    #[error("{path}: {reason}")]
    Model {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: linkage::table::TableModelError,
    },
    /// A pair of one record is no pair.
    #[error("`{0}` is given twice: --explain takes the ids of two records")]
    SameRecord(String),
    /// There is no record of an id that was asked for.
    #[error("no record has the id `{0}`")]
    NoSuchRecord(String),
}
