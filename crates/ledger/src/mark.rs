//! Marks of exports: which of many copies of the log a leaked fragment is from.
//!
//! A mark is in the milliseconds of instants and nowhere else: each export tells every entry's second truly, and where in that second
//! by a keyed hash of export and entry. So a mark changes no fact about anybody, and survives that rows are shuffled, columns dropped
//! and blanks normalised, as long as the instants are there. The log itself, and what proves it, bear none.

use std::collections::BTreeMap;

use domain::Timestamp;
use sha2::{Digest as _, Sha256};

const SECOND_MS: i64 = 1_000;
/// How likely it may be at most that a trace names any export that the fragment is not from.
const WRONG_MAX: f64 = 1e-6;

/// The mark of one export.
#[derive(Clone)]
pub struct ExportMark([u8; 32]);

impl std::fmt::Debug for ExportMark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ExportMark")
    }
}

impl ExportMark {
    /// From a secret of the export: whoever has it can tell its marks, and make them.
    pub const fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// When the entry at `index` was, as this export tells it.
    pub fn instant(&self, index: u64, at: Timestamp) -> Timestamp {
        let hash = Sha256::new().chain_update(self.0).chain_update(index.to_be_bytes()).finalize();
        let place = hash[..8].iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte)) % SECOND_MS.unsigned_abs();
        Timestamp::from_millis(second(at) * SECOND_MS + place.cast_signed())
    }
}

const fn second(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(SECOND_MS)
}

/// A row of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeakedRow {
    /// The instant that it tells.
    pub at: Timestamp,
    /// The entry that it names, where that was left in.
    pub index: Option<u64>,
}

/// An export that a fragment is from.
#[derive(Clone, Debug, PartialEq)]
pub struct Traced {
    /// Which, by its place among those that were compared.
    pub export: usize,
    /// Rows that bear its mark.
    pub rows: usize,
    /// How likely it is that any export would be named wrongly by so many.
    pub chance: f64,
}

/// The exports that rows of a fragment bear the marks of, surest first. `entries` are those of the log by their second.
pub fn trace(entries: &BTreeMap<i64, Vec<u64>>, rows: &[LeakedRow], exports: &[ExportMark]) -> Vec<Traced> {
    let candidates = |row: &LeakedRow| {
        let known = entries.get(&second(row.at)).map_or(&[][..], Vec::as_slice);
        known.iter().copied().filter(|index| row.index.is_none_or(|named| named == *index)).collect::<Vec<u64>>()
    };
    let rows: Vec<(Timestamp, Vec<u64>)> = rows.iter().map(|row| (row.at, candidates(row))).collect();
    // A row fits an export that it is not from as often as chance has it, for each entry that it may be.
    let chances: Vec<f64> = rows
        .iter()
        .map(|(_, of)| 1.0 - (1.0 - 1.0 / SECOND_MS as f64).powi(i32::try_from(of.len()).unwrap_or(i32::MAX)))
        .collect();
    let tails = tails(&chances);
    let fitting = |mark: &ExportMark| {
        rows.iter().filter(|(at, of)| of.iter().any(|index| mark.instant(*index, *at) == *at)).count()
    };
    let traced = exports.iter().map(fitting).enumerate().map(|(export, rows)| Traced {
        export,
        rows,
        chance: tails[rows] * exports.len() as f64,
    });
    let mut traced: Vec<Traced> = traced.filter(|traced| traced.chance <= WRONG_MAX).collect();
    traced.sort_by(|one, other| one.chance.total_cmp(&other.chance));
    traced
}

/// How likely it is that at least so many of these independent chances come true.
fn tails(chances: &[f64]) -> Vec<f64> {
    let mut exactly = vec![1.0];
    for chance in chances {
        exactly.push(0.0);
        for count in (1..exactly.len()).rev() {
            exactly[count] = exactly[count] * (1.0 - chance) + exactly[count - 1] * chance;
        }
        exactly[0] *= 1.0 - chance;
    }
    let mut sum = 0.0;
    for count in exactly.iter_mut().rev() {
        sum += *count;
        *count = sum;
    }
    exactly
}

#[cfg(test)]
mod tests {
    use rand::seq::SliceRandom as _;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    const EXPORTS: usize = 1_000;
    const ROWS: usize = 50;

    fn marks() -> Vec<ExportMark> {
        (0..EXPORTS as u64).map(|number| ExportMark::new(Sha256::digest(number.to_be_bytes()).into())).collect()
    }

    /// A log of a busy day: some seconds hold several entries.
    fn log(rng: &mut ChaCha8Rng) -> Vec<Timestamp> {
        let mut times: Vec<i64> = (0..20_000).map(|_| 1_646_092_800_000 + rng.random_range(0..20_000_000)).collect();
        times.sort_unstable();
        times.into_iter().map(Timestamp::from_millis).collect()
    }

    fn by_second(log: &[Timestamp]) -> BTreeMap<i64, Vec<u64>> {
        let mut entries: BTreeMap<i64, Vec<u64>> = BTreeMap::new();
        for (index, at) in (0..).zip(log) {
            entries.entry(second(*at)).or_default().push(index);
        }
        entries
    }

    /// Fifty rows, each from one of these exports, without anything but their instants, in any order.
    fn fragment(rng: &mut ChaCha8Rng, log: &[Timestamp], of: &[&ExportMark]) -> Vec<LeakedRow> {
        let mut rows: Vec<LeakedRow> = (0..ROWS)
            .map(|row| {
                let index = rng.random_range(0..log.len());
                LeakedRow { at: of[row % of.len()].instant(index as u64, log[index]), index: None }
            })
            .collect();
        rows.shuffle(rng);
        rows
    }

    #[test]
    fn fifty_rows_name_their_export_among_a_thousand_and_nobody_else() {
        let mut rng = ChaCha8Rng::seed_from_u64(39);
        let (log, marks) = (log(&mut rng), marks());
        let entries = by_second(&log);
        for _ in 0..300 {
            let from = rng.random_range(0..EXPORTS);
            let traced = trace(&entries, &fragment(&mut rng, &log, &[&marks[from]]), &marks);
            assert_eq!(traced.iter().map(|traced| (traced.export, traced.rows)).collect::<Vec<_>>(), [(from, ROWS)]);
        }
    }

    #[test]
    fn two_who_mix_their_exports_are_both_named_and_nobody_else() {
        let mut rng = ChaCha8Rng::seed_from_u64(40);
        let (log, marks) = (log(&mut rng), marks());
        let entries = by_second(&log);
        for _ in 0..300 {
            let (one, other) = (rng.random_range(0..EXPORTS / 2), rng.random_range(EXPORTS / 2..EXPORTS));
            let traced = trace(&entries, &fragment(&mut rng, &log, &[&marks[one], &marks[other]]), &marks);
            let mut named: Vec<usize> = traced.iter().map(|traced| traced.export).collect();
            named.sort_unstable();
            assert_eq!(named, [one, other]);
        }
    }

    #[test]
    fn what_is_from_no_export_names_none() {
        let mut rng = ChaCha8Rng::seed_from_u64(41);
        let (log, marks) = (log(&mut rng), marks());
        let entries = by_second(&log);
        let stranger = ExportMark::new([99; 32]);
        for _ in 0..300 {
            assert_eq!(trace(&entries, &fragment(&mut rng, &log, &[&stranger]), &marks), []);
        }
        // The log itself, and too few rows to be sure of.
        let own: Vec<LeakedRow> = log.iter().take(ROWS).map(|at| LeakedRow { at: *at, index: None }).collect();
        assert_eq!(trace(&entries, &own, &marks), []);
        let few = fragment(&mut rng, &log, &[&marks[7]]);
        assert_eq!(trace(&entries, &few[..2], &marks), []);
    }
}
