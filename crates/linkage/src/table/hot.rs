//! Values that so many different people share that they tell nothing: an office's phone, a default birthday, a number
//! that everybody types who has none.
//!
//! A value is hot when many records have it and these records disagree on everything else that names a person. Its
//! records count as not stating the field; so it neither proposes pairs nor speaks for or against them.

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};

use super::field::TableField;
use super::store::{Row, Table};

/// A value that tells nothing, and how many records have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotValue {
    /// The field.
    pub field: TableField,
    /// The value in standard form; of an address street, number and place, with bars between.
    pub value: String,
    /// Records that have it.
    pub records: usize,
}

/// Fewest records of a hot number or mail address.
const RECORDS_MIN: u32 = 12;
/// Fewest records of a hot address: more people live in a house than share a phone.
const RESIDENTS_MIN: usize = 40;
/// How many times as frequent as usual a hot birth date is.
const BIRTHS_FACTOR: u32 = 8;
/// Dates that programs write where they know none, and how many times as frequent as usual they are then.
const BIRTHS_DEFAULT: [&str; 4] = ["19000101", "18991231", "18991230", "19700101"];
const BIRTHS_DEFAULT_FACTOR: u32 = 3;
/// Share of the records of a value that must have names of their own.
const DIVERSITY_MIN: f64 = 0.5;

/// Finds the hot values of a table.
pub(crate) fn find(table: &Table) -> Vec<HotValue> {
    let numbers = || {
        let fields = [TableField::NationalId, TableField::Phone, TableField::Email];
        fields.into_iter().flat_map(|field| frequent(table, field, |_, count| count >= RECORDS_MIN)).collect()
    };
    let (addresses, (numbers, births)): (_, (Vec<HotValue>, _)) =
        rayon::join(|| addresses(table), || (numbers(), births(table)));
    [numbers, births, addresses].concat()
}

/// What first days of a year are called together, of which mostly only the year is known.
pub(crate) const FIRST_OF_JANUARY: &str = "01-01 of any year";

/// Birth dates that are far too frequent among dates of their kind: days, first days of a year, years alone. When far
/// too many are the first day of a year, that is reported; such dates keep the little they say.
fn births(table: &Table) -> Vec<HotValue> {
    let counts = &table.counts[TableField::Birth as usize];
    let kind_of = |number: usize| match table.value(TableField::Birth, number as u32).mask % 10_000 {
        0 => 0,
        101 => 1,
        _ => 2,
    };
    let mut kinds: [Vec<u32>; 3] = Default::default();
    let mut records = [0_u64; 3];
    for (number, count) in counts.iter().enumerate().skip(1).filter(|(_, count)| **count > 0) {
        kinds[kind_of(number)].push(*count);
        records[kind_of(number)] += u64::from(*count);
    }
    let usual = kinds.map(|mut counts| {
        counts.sort_unstable();
        counts.get(counts.len() / 2).copied().unwrap_or(1)
    });
    let share = (table.len() / 500) as u32;
    let is_too_frequent = |number: u32, count: u32| {
        let kind = kind_of(number as usize);
        let (factor, least) = match BIRTHS_DEFAULT.contains(&table.text(TableField::Birth, number)) {
            true => (BIRTHS_DEFAULT_FACTOR, 3),
            false => (BIRTHS_FACTOR, if kind == 2 { 25 } else { share.max(25) }),
        };
        count >= usual[kind].saturating_mul(factor).max(least)
    };
    let mut found = frequent(table, TableField::Birth, is_too_frequent);
    if records[1] * 365 > (records[1] + records[2]) * 4 && records[1] >= 25 {
        found.push(HotValue {
            field: TableField::Birth,
            value: FIRST_OF_JANUARY.to_owned(),
            records: records[1] as usize,
        });
    }
    found
}

/// The values of a field that are frequent, by number and count, and stand under many names.
fn frequent(table: &Table, field: TableField, is_frequent: impl Fn(u32, u32) -> bool) -> Vec<HotValue> {
    let place = field as usize;
    let mut people: FxHashMap<u32, People> = FxHashMap::default();
    for (value, count) in table.counts[place].iter().enumerate().skip(1).filter(|(_, count)| **count > 2) {
        if is_frequent(value as u32, *count) {
            people.insert(value as u32, People { records: *count as usize, ..People::default() });
        }
    }
    if people.is_empty() {
        return Vec::new();
    }
    for row in &table.rows {
        if let Some(people) = people.get_mut(&row[place]) {
            people.take(row[TableField::Given as usize], row[TableField::Surname as usize]);
        }
    }
    let mut hot: Vec<(u32, usize)> = people
        .into_iter()
        .filter(|(_, people)| people.are_many())
        .map(|(value, people)| (value, people.records))
        .collect();
    hot.sort_unstable();
    hot.into_iter()
        .map(|(value, records)| HotValue { field, value: table.text(field, value).to_owned(), records })
        .collect()
}

/// Street, number and place of a record: the postcode, or where there is none the town.
type Address = [(TableField, u32); 3];

fn address(row: &Row) -> Address {
    let of = |field: TableField| (field, row[field as usize]);
    let place = if row[TableField::Postcode as usize] != 0 { TableField::Postcode } else { TableField::Suburb };
    [of(TableField::Address1), of(TableField::StreetNumber), of(place)]
}

fn address_text(table: &Table, address: &Address) -> String {
    address.map(|(field, number)| table.text(field, number)).join("|")
}

/// Whole addresses of many people.
fn addresses(table: &Table) -> Vec<HotValue> {
    let mut people: FxHashMap<Address, People> = FxHashMap::default();
    let numbered = |[(_, street), (_, number), _]: &Address| {
        *street != 0
            && (*number != 0 || table.text(TableField::Address1, *street).bytes().any(|byte| byte.is_ascii_digit()))
    };
    let streets = &table.counts[TableField::Address1 as usize];
    let frequent = |row: &&Row| streets[row[TableField::Address1 as usize] as usize] as usize >= RESIDENTS_MIN;
    for row in table.rows.iter().filter(frequent) {
        let address = address(row);
        if numbered(&address) {
            let people = people.entry(address).or_default();
            people.records += 1;
            people.take(row[TableField::Given as usize], row[TableField::Surname as usize]);
        }
    }
    let mut hot: Vec<(Address, usize)> = people
        .into_iter()
        .filter(|(_, people)| people.records >= RESIDENTS_MIN && people.are_many())
        .map(|(address, people)| (address, people.records))
        .collect();
    hot.sort_unstable();
    hot.into_iter()
        .map(|(address, records)| HotValue {
            field: TableField::Address1,
            value: address_text(table, &address),
            records,
        })
        .collect()
}

/// Takes the hot values out of a table.
pub(crate) fn hide(table: &mut Table, hot: &[HotValue]) {
    let mut single: FxHashMap<TableField, FxHashSet<&str>> = FxHashMap::default();
    for value in hot {
        single.entry(value.field).or_default().insert(&value.value);
    }
    for (field, values) in &single {
        if *field == TableField::Address1 {
            continue;
        }
        let numbers: FxHashSet<u32> = (1..table.counts[*field as usize].len() as u32)
            .filter(|number| values.contains(table.text(*field, *number)))
            .collect();
        for place in 0..table.rows.len() {
            if numbers.contains(&table.rows[place][*field as usize]) {
                table.forget(place, *field);
            }
        }
    }
    if let Some(values) = single.get(&TableField::Address1) {
        let streets: FxHashSet<&str> = values.iter().filter_map(|value| value.split('|').next()).collect();
        for record in 0..table.rows.len() {
            let address = address(&table.rows[record]);
            let is_street = streets.contains(table.text(TableField::Address1, address[0].1));
            if is_street && values.contains(address_text(table, &address).as_str()) {
                for field in [
                    TableField::Address1,
                    TableField::StreetNumber,
                    TableField::Address2,
                    TableField::Suburb,
                    TableField::Postcode,
                    TableField::State,
                ] {
                    table.forget(record, field);
                }
            }
        }
    }
}

/// The people of a value.
#[derive(Default)]
struct People {
    records: usize,
    named: usize,
    names: FxHashSet<(u32, u32)>,
}

impl People {
    fn take(&mut self, given: u32, surname: u32) {
        if given != 0 || surname != 0 {
            self.named += 1;
            self.names.insert((given, surname));
        }
    }

    fn are_many(&self) -> bool {
        self.named == 0 || self.names.len() as f64 >= self.named as f64 * DIVERSITY_MIN
    }
}
