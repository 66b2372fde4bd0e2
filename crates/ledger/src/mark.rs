//! Marks of exports: which of many copies of the log a leaked fragment is from.
//!
//! A mark is in the milliseconds of instants and nowhere else: each export tells every entry's second truly, and where in that second
//! by a keyed hash of export and entry. So a mark changes no fact about anybody, and survives that rows are shuffled, columns dropped
//! and blanks normalised, as long as the instants are there. The log itself, and what proves it, bear none.
//!
//! Lists of persons have no instants. Their mark is the order of their rows, which says nothing about anybody: each export orders its
//! persons by a keyed hash. It survives that columns are dropped, rows are left out and two lists are joined; whoever sorts the rows
//! takes it off.

use std::collections::{BTreeMap, BTreeSet};

use domain::Timestamp;
use sha2::{Digest as _, Sha256};

use crate::entry::SubjectHandle;

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
        let place = self.hash(&index.to_be_bytes()) % SECOND_MS.unsigned_abs();
        Timestamp::from_millis(second(at) * SECOND_MS + place.cast_signed())
    }

    /// Where a person stands in this export, compared with others.
    pub fn place(&self, person: SubjectHandle) -> u64 {
        self.hash(&person.0)
    }

    fn hash(&self, of: &[u8]) -> u64 {
        let hash = Sha256::new().chain_update(self.0).chain_update(of).finalize();
        hash[..8].iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte))
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
    let expected: f64 = chances.iter().sum();
    let fitting = |mark: &ExportMark| {
        rows.iter().filter(|(at, of)| of.iter().any(|index| mark.instant(*index, *at) == *at)).count()
    };
    let traced = exports.iter().map(fitting).enumerate().map(|(export, rows)| Traced {
        export,
        rows,
        chance: tail(expected, rows as f64) * exports.len() as f64,
    });
    sure(traced.collect())
}

/// An export of persons that a fragment may be from.
#[derive(Clone, Debug)]
pub struct ListExport {
    /// Its mark.
    pub mark: ExportMark,
    /// Whom it showed.
    pub persons: BTreeSet<SubjectHandle>,
}

/// The exports whose order the persons of a fragment stand in, surest first. A person who is named twice counts where named first.
pub fn trace_list(persons: &[SubjectHandle], exports: &[ListExport]) -> Vec<Traced> {
    let mut met = BTreeSet::new();
    let persons: Vec<SubjectHandle> = persons.iter().copied().filter(|person| met.insert(*person)).collect();
    let traced = exports.iter().enumerate().map(|(export, of)| {
        let known = persons.iter().filter(|person| of.persons.contains(*person));
        let places: Vec<u64> = known.map(|person| of.mark.place(*person)).collect();
        let descents = places.windows(2).filter(|pair| pair[0] > pair[1]).count();
        Traced { export, rows: places.len(), chance: descents_at_most(places.len(), descents) * exports.len() as f64 }
    });
    sure(traced.collect())
}

fn sure(mut traced: Vec<Traced>) -> Vec<Traced> {
    traced.retain(|traced| traced.chance <= WRONG_MAX);
    traced.sort_by(|one, other| one.chance.total_cmp(&other.chance));
    traced
}

/// How likely it is at most that so many of independent chances come true, of which so many are expected (Chernoff's bound).
fn tail(expected: f64, count: f64) -> f64 {
    if count <= expected { 1.0 } else { (count - expected - count * (count / expected).ln()).exp() }
}

/// How likely it is that so many things in any order have no more places than these where the next is smaller (Eulerian numbers).
fn descents_at_most(count: usize, descents: usize) -> f64 {
    if 2 * descents + 1 >= count {
        return 1.0;
    }
    let mut chances = vec![0.0; descents + 1];
    chances[0] = 1.0;
    for size in 2..=count {
        for at in (0..=descents).rev() {
            let fewer = if at > 0 { chances[at - 1] * size.saturating_sub(at) as f64 } else { 0.0 };
            chances[at] = (chances[at] * (at + 1) as f64 + fewer) / size as f64;
        }
    }
    chances.iter().sum()
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

    #[test]
    fn the_chance_of_so_many_rows_is_told_no_smaller_than_it_is_and_little_larger() {
        for chance in [0.001_f64, 0.01] {
            let (mut of_count, mut exact) = ((1.0 - chance).powi(50), vec![0.0; 51]);
            for (count, exact) in exact.iter_mut().enumerate() {
                *exact = of_count;
                of_count *= (50 - count) as f64 / (count + 1) as f64 * chance / (1.0 - chance);
            }
            for count in 1..=10 {
                let (told, exact) = (tail(50.0 * chance, count as f64), exact[count..].iter().sum::<f64>());
                assert!(told >= exact && told < 30.0 * exact, "{count} of fifty rows: {told:e} for {exact:e}");
            }
        }
        assert_eq!((tail(7.0, 7.0), tail(0.0, 0.0)), (1.0, 1.0));
        assert!(tail(0.0, 1.0) == 0.0 && tail(200.0, 200_000.0) == 0.0, "however many rows there are");
    }

    fn handle(number: u64) -> SubjectHandle {
        let mut handle = [0; 16];
        handle[8..].copy_from_slice(&number.to_be_bytes());
        SubjectHandle(handle)
    }

    /// Rows of a list as they leaked, in the order of the export.
    fn part(rng: &mut ChaCha8Rng, mark: &ExportMark, rows: usize) -> Vec<SubjectHandle> {
        let mut all: Vec<SubjectHandle> = (0..400).map(handle).collect();
        all.shuffle(rng);
        all.truncate(rows);
        all.sort_by_key(|person| mark.place(*person));
        all
    }

    #[test]
    fn fifty_rows_of_a_list_name_their_export_among_a_thousand_of_the_same_persons_and_two_that_are_joined_one_of_theirs()
     {
        let mut rng = ChaCha8Rng::seed_from_u64(42);
        let persons: BTreeSet<SubjectHandle> = (0..400).map(handle).collect();
        let exports: Vec<ListExport> =
            marks().into_iter().map(|mark| ListExport { mark, persons: persons.clone() }).collect();
        let named = |rows: &[SubjectHandle]| {
            let mut named: Vec<usize> = trace_list(rows, &exports).iter().map(|traced| traced.export).collect();
            named.sort_unstable();
            named
        };
        for _ in 0..20 {
            let (one, other) = (rng.random_range(0..EXPORTS / 2), rng.random_range(EXPORTS / 2..EXPORTS));
            let rows = part(&mut rng, &exports[one].mark, ROWS);
            assert_eq!(named(&rows), [one]);
            let mixed = [part(&mut rng, &exports[one].mark, 60), part(&mut rng, &exports[other].mark, 60)].concat();
            let theirs = named(&mixed);
            assert!(!theirs.is_empty() && theirs.iter().all(|named| [one, other].contains(named)), "{theirs:?}");
            let mut shuffled = rows;
            shuffled.shuffle(&mut rng);
            assert_eq!(named(&shuffled), [0; 0], "who is not sure names nobody");
            let stranger = part(&mut rng, &ExportMark::new([98; 32]), ROWS);
            assert_eq!(named(&stranger), [0; 0]);
        }
    }

    #[test]
    fn chances_of_orders_are_those_of_counting_them() {
        // Of the 24 orders of four things 1, 11, 11 and 1 have 0, 1, 2 and 3 places where the next is smaller.
        let near = |one: f64, other: f64| (one - other).abs() < 1e-12;
        assert!(near(descents_at_most(4, 0), 1.0 / 24.0) && near(descents_at_most(4, 1), 12.0 / 24.0));
        assert!(near(descents_at_most(5, 1), 27.0 / 120.0) && near(descents_at_most(2, 2), 1.0));
    }
}
