//! Linkage of plain files: files in, clusters out, a summary of how.
//!
//! The method is `linkage::table`; here are only the formats. Invariant: the order of rows and files changes nothing
//! but the numbers of lines in messages, because records are put in order of their ids first.

mod cells;
mod csv;
mod decode;
mod error;
mod explain;
mod output;
mod parquet;
mod report;
mod run;
mod write;

pub use decode::is_mostly_han;
pub use error::LinkError;
pub use run::{Options, Outcome, run};
