//! How well the hub found the persons, measured against the city's truth.
//!
//! Two source records are a *pair*. Precision is the share of the hub's pairs (two records in one person file) that are
//! one person in truth; recall is the share of the true pairs that the hub has in one file. Pairs are counted from the
//! contingency table of files and persons, so that a million records need no list of pairs.

use std::collections::HashMap;
use std::hash::Hash;

/// Precision and recall over pairs of source records.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Score {
    /// Share of the hub's pairs that are right.
    pub(crate) precision: f64,
    /// Share of the true pairs that the hub has.
    pub(crate) recall: f64,
    /// Source records that could be judged.
    pub(crate) records: u64,
    /// Distinct persons of the truth among them.
    pub(crate) truth_persons: u64,
}

/// Scores `(person file, true person)` of each source record.
pub(crate) fn score<F: Eq + Hash + Copy, T: Eq + Hash + Copy>(records: &[(F, T)]) -> Score {
    let pairs = |count: &u64| count * (count - 1) / 2;
    let mut files: HashMap<F, u64> = HashMap::new();
    let mut truths: HashMap<T, u64> = HashMap::new();
    let mut both: HashMap<(F, T), u64> = HashMap::new();
    for &(file, truth) in records {
        *files.entry(file).or_default() += 1;
        *truths.entry(truth).or_default() += 1;
        *both.entry((file, truth)).or_default() += 1;
    }
    let found: u64 = files.values().map(pairs).sum();
    let wanted: u64 = truths.values().map(pairs).sum();
    let right: u64 = both.values().map(pairs).sum();
    let share = |part: u64, whole: u64| if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
    Score {
        precision: share(right, found),
        recall: share(right, wanted),
        records: records.len() as u64,
        truth_persons: truths.len() as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_merge_costs_precision_and_a_split_costs_recall() {
        let perfect = score(&[(1, 'a'), (1, 'a'), (2, 'b')]);
        assert_eq!((perfect.precision, perfect.recall), (1.0, 1.0));
        let merged = score(&[(1, 'a'), (1, 'a'), (1, 'b')]);
        assert_eq!((merged.precision, merged.recall), (1.0 / 3.0, 1.0));
        let split = score(&[(1, 'a'), (2, 'a'), (3, 'a')]);
        assert_eq!((split.precision, split.recall), (1.0, 0.0));
    }
}
