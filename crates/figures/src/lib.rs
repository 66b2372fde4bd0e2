//! Tables of counts made fit for the public.
//!
//! A count below ten is not shown, others are rounded to five. So that no hidden count follows from the sums, further cells are
//! hidden until none is determined by the others (complementary suppression). So that none follows from an earlier release
//! of the same table, a cell whose count moved by fewer than ten people is shown as it was before, or stays hidden.
//!
//! Pure. Tables of one kind have the same rows and columns for ever, and there are no questions of one's own making: that is
//! what the comparison with earlier releases rests on.

mod protect;

pub use protect::{Risk, protect};

use serde::{Deserialize, Serialize};

/// Fewer people than this are never shown, nor is a change by fewer.
pub const PEOPLE_MIN: u32 = 10;
/// Counts are rounded to multiples of this.
pub const ROUNDED_TO: u32 = 5;

/// Counts by two things.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    /// Names of the rows.
    pub rows: Vec<String>,
    /// Names of the columns.
    pub columns: Vec<String>,
    /// The counts, row by row.
    pub counts: Vec<Vec<u32>>,
}

/// What the public sees of a table: the cells, with a last row and a last column of totals; `None` is hidden.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Names of the rows; the last row of cells has none, it is the totals.
    pub rows: Vec<String>,
    /// Names of the columns; the last column of cells has none, it is the totals.
    pub columns: Vec<String>,
    /// The cells, row by row.
    pub cells: Vec<Vec<Option<u32>>>,
}

/// A release: the true counts, which stay here, and what was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Release {
    /// The counts.
    pub table: Table,
    /// What was shown of them.
    pub shown: Shown,
}

impl Table {
    /// Whether every row has a count for every column.
    pub fn is_whole(&self) -> bool {
        self.counts.len() == self.rows.len() && self.counts.iter().all(|row| row.len() == self.columns.len())
    }

    /// The counts with their totals as a last row and a last column.
    pub fn with_totals(&self) -> Vec<Vec<u32>> {
        let total = |counts: &mut dyn Iterator<Item = u32>| counts.fold(0, u32::saturating_add);
        let mut all: Vec<Vec<u32>> = self
            .counts
            .iter()
            .map(|row| row.iter().copied().chain([total(&mut row.iter().copied())]).collect())
            .collect();
        all.push((0..=self.columns.len()).map(|column| total(&mut all.iter().map(|row| row[column]))).collect());
        all
    }
}
