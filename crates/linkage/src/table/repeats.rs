//! Records of one input that say exactly the same.
//!
//! Blocking and training look at the first of them, and at one pair of neighbours for each of the others: all their
//! pairs are alike, and there may be very many.

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::field::{FIELDS, TableField};
use super::prior;
use super::store::{Row, Table};
use crate::hash::mix;

/// The records of a table by what they say.
#[derive(Debug, Default)]
pub(crate) struct Repeats {
    /// For every record the first that says the same.
    first: Vec<u32>,
    /// By the first of records that say the same.
    groups: FxHashMap<u32, Group>,
    /// Neighbours that say the same.
    pub(crate) neighbours: Vec<(u32, u32)>,
}

/// Records that say the same.
#[derive(Clone, Copy, Debug)]
struct Group {
    size: u32,
    /// Hardly two people in the world would say so: values are counted once. Of two people of one common name all
    /// records may say the same.
    telling: bool,
}

/// What may tell people apart, and of which only the most telling counts.
const TELLING: [&[TableField]; 7] = [
    &[TableField::Given],
    &[TableField::Surname],
    &[TableField::Birth],
    &[TableField::NationalId],
    &[TableField::Phone],
    &[TableField::Email],
    &[TableField::Address1, TableField::Postcode, TableField::Suburb, TableField::BirthPlace],
];

/// Whether two people out of `records` are unlikely to state the same as a row, as frequent as values usually are.
fn is_telling(row: &Row, records: usize) -> bool {
    let of = |fields: &&[TableField]| {
        let stated = fields.iter().filter(|field| row[**field as usize] != 0);
        stated.map(|field| prior::frequency(*field)).fold(1.0, f64::min)
    };
    let likely: f64 = TELLING.iter().map(of).product();
    likely * (records as f64).powi(2) / 2.0 < 1.0
}

impl Repeats {
    pub(crate) fn find(table: &Table) -> Self {
        let key = |place: u32| {
            let row = &table.rows[place as usize];
            (row.iter().fold(0, |hash, value| mix(hash, u64::from(*value))), place)
        };
        let mut keys: Vec<(u64, u32)> = (0..table.len() as u32).into_par_iter().with_min_len(8192).map(key).collect();
        keys.par_sort_unstable();
        let mut found = Self { first: (0..table.len() as u32).collect(), ..Self::default() };
        let row = |place: u32| &table.rows[place as usize];
        for alike in keys.chunk_by(|a, b| a.0 == b.0 && row(a.1) == row(b.1)).filter(|alike| alike.len() > 1) {
            let head = alike[0].1;
            alike.iter().for_each(|(_, place)| found.first[*place as usize] = head);
            let group = Group { size: alike.len() as u32, telling: is_telling(row(head), table.len()) };
            found.groups.insert(head, group);
            if row(head)[..FIELDS].iter().any(|value| *value != 0) {
                found.neighbours.extend(alike.windows(2).map(|pair| (pair[0].1, pair[1].1)));
            }
        }
        found
    }

    /// Whether no record before this one says the same.
    pub(crate) fn is_first(&self, place: u32) -> bool {
        self.first[place as usize] == place
    }

    /// The first record that says the same.
    pub(crate) fn first(&self, place: u32) -> u32 {
        self.first[place as usize]
    }

    /// The records that say the same, by the first of them, where these are at most so many.
    pub(crate) fn alike(&self, most: usize) -> FxHashMap<u32, Vec<u32>> {
        let mut alike: FxHashMap<u32, Vec<u32>> = FxHashMap::default();
        let few = |first: &u32| self.groups.get(first).is_some_and(|group| group.size as usize <= most);
        for (place, first) in self.first.iter().enumerate().filter(|(_, first)| few(first)) {
            alike.entry(*first).or_default().push(place as u32);
        }
        alike
    }

    fn group(&self, place: u32) -> Group {
        self.groups.get(&self.first(place)).copied().unwrap_or(Group { size: 1, telling: false })
    }

    /// How many pairs a proposed pair stands for.
    pub(crate) fn pairs(&self, (a, b): (u32, u32)) -> f64 {
        let size = |place: u32| f64::from(self.group(place).size);
        if self.are_same((a, b)) { size(a) / 2.0 } else { size(a) * size(b) }
    }

    /// The same, of records that are counted.
    pub(crate) fn counted_pairs(&self, (a, b): (u32, u32)) -> f64 {
        let size = |place: u32| match self.group(place) {
            Group { telling: true, .. } => 1.0,
            group => f64::from(group.size),
        };
        match self.are_same((a, b)) {
            true if self.group(a).telling => 0.0,
            true => size(a) / 2.0,
            false => size(a) * size(b),
        }
    }

    /// Whether both records of a pair say the same.
    pub(crate) fn are_same(&self, (a, b): (u32, u32)) -> bool {
        self.first(a) == self.first(b)
    }

    /// For every field how many of the records that are counted have each value, and how many are counted: of records
    /// that say the same, and something telling, one.
    pub(crate) fn counts(&self, table: &Table) -> (Vec<Vec<u32>>, f64) {
        let mut counts = table.counts.clone();
        let mut counted = table.len();
        let again = |place: &u32| !self.is_first(*place) && self.group(*place).telling;
        for place in (0..table.len() as u32).filter(again) {
            counted -= 1;
            for (field, counts) in counts.iter_mut().enumerate() {
                counts[table.rows[place as usize][field] as usize] -= 1;
            }
        }
        (counts, counted as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_little_among_many_and_a_name_with_birth_date_and_phone_much() {
        let mut row = [0; FIELDS + 1];
        (row[TableField::Given as usize], row[TableField::Surname as usize]) = (1, 2);
        assert!(is_telling(&row, 100) && !is_telling(&row, 10_000));
        (row[TableField::Birth as usize], row[TableField::Phone as usize]) = (1, 1);
        assert!(is_telling(&row, 1_000_000));
    }
}
