//! How many people seem to have a number, a phone or a mail address.
//!
//! Counting its records tells nothing of that: one person may have forty. Different people have different names, birth
//! dates and other numbers, so there are about as many as there are different ones of the most varied of these.

use rayon::prelude::*;

use super::field::TableField;
use super::store::Table;

/// What is given to one person.
const GIVEN: [TableField; 3] = [TableField::NationalId, TableField::Phone, TableField::Email];
/// What differs between people.
const PERSONAL: [TableField; 6] = [
    TableField::Given,
    TableField::Surname,
    TableField::Birth,
    TableField::NationalId,
    TableField::Phone,
    TableField::Email,
];
/// Records of a value from which on they are looked at.
const RECORDS_MIN: u32 = 3;

/// Most people who seem to have each value, by field.
pub(crate) struct Holders(Vec<(TableField, Vec<u32>)>);

impl Holders {
    pub(crate) fn of(table: &Table) -> Self {
        let of = |field: TableField| {
            let counts = &table.counts[field as usize];
            let frequent = |place: &u32| counts[table.rows[*place as usize][field as usize] as usize] >= RECORDS_MIN;
            let stated = |place: &u32| table.rows[*place as usize][field as usize] != 0 && frequent(place);
            let records: Vec<u32> = (0..table.len() as u32).filter(stated).collect();
            let mut most: Vec<u32> = counts.iter().map(|count| (*count).min(1)).collect();
            for other in PERSONAL.into_iter().filter(|other| *other != field) {
                let both = |place: &u32| {
                    let row = &table.rows[*place as usize];
                    (row[field as usize], row[other as usize])
                };
                let mut pairs: Vec<(u32, u32)> =
                    records.par_iter().map(both).filter(|(_, other)| *other != 0).collect();
                pairs.par_sort_unstable();
                pairs.dedup();
                for value in pairs.chunk_by(|a, b| a.0 == b.0) {
                    let most = &mut most[value[0].0 as usize];
                    *most = (*most).max(value.len() as u32);
                }
            }
            (field, most)
        };
        Self(GIVEN.into_par_iter().with_max_len(1).map(of).collect())
    }

    /// Lowers the counts of values to the people who seem to have them.
    pub(crate) fn bound(&self, counts: &mut [Vec<u32>]) {
        for (field, most) in &self.0 {
            let counts = counts[*field as usize].iter_mut().skip(1);
            counts.zip(&most[1..]).for_each(|(count, most)| *count = (*count).min((*most).max(RECORDS_MIN - 1)));
        }
    }
}
