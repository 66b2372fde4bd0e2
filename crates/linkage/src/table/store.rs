//! The records of a table, standardized and interned: one cache line per record.

use std::borrow::Cow;

use rayon::prelude::*;
use rustc_hash::FxHashMap;

use super::field::{Column, FIELDS, TableField};
use super::hot::HotValue;
use super::pet_names::{self, Groups};
use super::pool::TextPool;
use super::standard::{self, DateOrder, Order};
use crate::hanzi;
use crate::hash::hash_text;

/// A column as it was read: its distinct texts, and the number of its text for every record.
#[derive(Clone, Debug)]
pub struct RawColumn {
    /// What it states.
    pub column: Column,
    /// The distinct texts.
    pub texts: TextPool,
    /// For every record the number of its text; 0 where it has none.
    pub cells: Vec<u32>,
}

/// A record: the number of its standard value for every field (0 for none); the last place is its input.
pub(crate) type Row = [u32; FIELDS + 1];

/// Where [`Row`] keeps the input a record came from.
pub(crate) const INPUT: usize = FIELDS;

/// What comparisons need of a distinct value.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Value {
    /// Which letters and digits occur; of a birth date the date itself.
    pub(crate) mask: u64,
    /// Hash of how it is read, in Latin letters; of a mail address the hash of its first half.
    pub(crate) reading: u32,
    /// Hash of how it sounds to somebody who does not know how it is written.
    pub(crate) sound: u32,
    /// Where its text begins among all texts.
    start: u32,
    /// Bytes of its text.
    length: u32,
    /// Which words occur, by a bit for each of their hashes.
    words: u16,
    /// Characters, up to 255.
    pub(crate) chars: u8,
    pub(crate) ascii: bool,
    /// It has hidden characters.
    pub(crate) hidden: bool,
    /// It has more than one word.
    pub(crate) spaced: bool,
}

impl Value {
    /// Whether two values may have a word in common.
    pub(crate) const fn may_share_words(&self, other: &Self) -> bool {
        self.words & other.words != 0
    }
}

/// Distinct standard values.
#[derive(Debug, Default)]
pub(crate) struct Values {
    texts: String,
    pub(crate) values: Vec<Value>,
    /// For every name the names that it is a pet name of; of other values nothing.
    pub(crate) pets: Vec<Groups>,
}

/// Records of one or more inputs in the form in which they are compared.
///
/// They stand in the order of how their names begin, and values in the order in which records first state them: what is
/// compared mostly lies close together in memory, and no number depends on the order in which records were read.
#[derive(Debug)]
pub struct Table {
    pub(crate) rows: Vec<Row>,
    /// For every row the record of the caller.
    order: Vec<u32>,
    /// Values by field; the fields of a name share one list, the lines of an address another.
    pub(crate) values: Vec<Values>,
    /// For every field how many records have a value.
    pub(crate) counts: Vec<Vec<u32>>,
    pub(crate) inputs: usize,
    /// Texts that stand for nothing or cannot be read.
    pub(crate) gaps: Vec<HotValue>,
}

/// The list of values that a field uses: fields whose values change places share one.
pub(crate) const fn list_of(field: TableField) -> usize {
    match field {
        TableField::Surname => TableField::Given as usize,
        TableField::Address2 => TableField::Address1 as usize,
        other => other as usize,
    }
}

const fn field_of(column: Column) -> TableField {
    match column {
        Column::FullName | Column::GivenName => TableField::Given,
        Column::Surname => TableField::Surname,
        Column::Gender => TableField::Sex,
        Column::Dob | Column::BirthYear | Column::BirthMonth | Column::BirthDay => TableField::Birth,
        Column::NationalId => TableField::NationalId,
        Column::Phone => TableField::Phone,
        Column::Email => TableField::Email,
        Column::StreetNumber => TableField::StreetNumber,
        Column::Address1 => TableField::Address1,
        Column::Address2 => TableField::Address2,
        Column::Suburb => TableField::Suburb,
        Column::Postcode => TableField::Postcode,
        Column::State => TableField::State,
        Column::BirthPlace => TableField::BirthPlace,
        Column::Occupation => TableField::Occupation,
    }
}

impl Table {
    /// Standardizes the columns of `records` records. `inputs` gives the input of each record (0 for the first), or
    /// nothing when there is only one.
    ///
    /// Of two columns for one field the later fills the gaps of the earlier; a whole name fills the gaps of given name
    /// and surname.
    pub fn new(columns: Vec<RawColumn>, records: usize, inputs: &[u8]) -> Self {
        let mut columns = columns;
        given_called_name(&mut columns);
        join_births(&mut columns, records);
        // Whole names last: they fill gaps only.
        columns.sort_by_key(|raw| raw.column == Column::FullName);
        let mut lists: Vec<Vec<RawColumn>> = (0..FIELDS).map(|_| Vec::new()).collect();
        for raw in columns {
            lists[list_of(field_of(raw.column))].push(raw);
        }
        let lists: Vec<List> = lists.into_par_iter().with_max_len(1).map(List::new).collect();
        let gaps = lists.iter().flat_map(|list| &list.gaps).cloned().collect();
        let order = lists[TableField::Given as usize].alphabetical(records);
        let arranged: Vec<Arranged> = lists.into_par_iter().with_max_len(1).map(|list| list.arrange(&order)).collect();
        let mut rows = vec![[0; FIELDS + 1]; records];
        rows.par_iter_mut().zip(&order).with_min_len(8192).enumerate().for_each(|(place, (row, record))| {
            for (field, stated) in arranged.iter().flat_map(|list| &list.stated) {
                row[*field as usize] = stated[place];
            }
            row[INPUT] = inputs.get(*record as usize).copied().map_or(0, u32::from);
        });
        let mut counts: Vec<Vec<u32>> = vec![vec![records as u32]; FIELDS];
        let mut values = Vec::with_capacity(FIELDS);
        for list in arranged {
            for ((field, _), count) in list.stated.iter().zip(list.counts) {
                counts[*field as usize] = count;
            }
            values.push(list.values);
        }
        let inputs = inputs.iter().copied().max().map_or(1, |most| usize::from(most) + 1);
        Self { rows, order, values, counts, inputs, gaps }
    }

    /// The row of every record of the caller.
    pub(crate) fn places(&self) -> Vec<u32> {
        let mut places = vec![0; self.order.len()];
        for (place, record) in self.order.iter().enumerate() {
            places[*record as usize] = place as u32;
        }
        places
    }

    /// The record of the caller that is in a row.
    pub(crate) fn record(&self, place: u32) -> u32 {
        self.order[place as usize]
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is no record.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Takes a value out of a record.
    pub(crate) fn forget(&mut self, place: usize, field: TableField) {
        let number = std::mem::take(&mut self.rows[place][field as usize]);
        let counts = &mut self.counts[field as usize];
        counts[number as usize] -= 1;
        counts[0] += 1;
    }

    pub(crate) fn value(&self, field: TableField, number: u32) -> &Value {
        &self.values[list_of(field)].values[number as usize]
    }

    /// Whether one of two given names is a pet name of the other, or both are of a third.
    pub(crate) fn are_pet_names(&self, a: u32, b: u32) -> bool {
        let pets = &self.values[list_of(TableField::Given)].pets;
        pet_names::are_one(&pets[a as usize], &pets[b as usize])
    }

    pub(crate) fn text(&self, field: TableField, number: u32) -> &str {
        self.values[list_of(field)].text(number)
    }

    /// How many records state a field.
    pub(crate) fn stated(&self, field: TableField) -> usize {
        self.rows.len() - self.counts[field as usize][0] as usize
    }
}

/// Beside surnames, a column of single words that is called `name` holds given names.
fn given_called_name(columns: &mut [RawColumn]) {
    let has = |column: Column| columns.iter().any(|raw| raw.column == column);
    if !has(Column::Surname) || has(Column::GivenName) {
        return;
    }
    for raw in columns.iter_mut().filter(|raw| raw.column == Column::FullName) {
        let texts = 1..raw.texts.len() as u32 + 1;
        let single = texts.filter(|number| !raw.texts.text(*number).trim().contains([' ', ','])).count();
        if single * 5 > raw.texts.len() * 3 {
            raw.column = Column::GivenName;
        }
    }
}

/// Year, month and day of birth in columns of their own become one date. A month or a day without a year says nothing.
fn join_births(columns: &mut Vec<RawColumn>, records: usize) {
    let mut take = |wanted: Column| {
        let place = columns.iter().position(|raw| raw.column == wanted);
        place.map(|place| columns.remove(place))
    };
    let [year, month, day] = [Column::BirthYear, Column::BirthMonth, Column::BirthDay].map(&mut take);
    let Some(year) = year else { return };
    let mut texts = TextPool::new();
    let parts: Vec<RawColumn> = std::iter::once(year).chain(month).chain(day).collect();
    let date = |record: usize| {
        let said = parts.iter().map(|raw| raw.texts.text(raw.cells[record]).trim());
        // Whole numbers that were stored as fractions, because a column has gaps.
        let stated = said.map(|part| part.strip_suffix(".0").unwrap_or(part)).take_while(|part| !part.is_empty());
        texts.intern(&stated.collect::<Vec<_>>().join("-"))
    };
    let cells = (0..records).map(date).collect();
    texts.seal();
    columns.push(RawColumn { column: Column::Dob, texts, cells });
}

/// A raw column whose texts have become standard values of a field.
struct Filled {
    field: TableField,
    cells: Vec<u32>,
    /// Number of the standard value by number of the text.
    map: Vec<u32>,
}

impl Filled {
    fn number(&self, record: u32) -> u32 {
        self.map[self.cells[record as usize] as usize]
    }
}

/// Fewest records of a text without a standard form that is reported, and most such texts of a column.
const GAP_RECORDS_MIN: usize = 3;
const GAPS_MAX: usize = 10;

/// The most frequent texts of a column that have no standard form.
fn gaps_of(raw: &RawColumn, field: TableField, is_gap: impl Fn(u32) -> bool) -> Vec<HotValue> {
    let mut records: FxHashMap<u32, usize> =
        (1..raw.texts.len() as u32 + 1).filter(|number| is_gap(*number)).map(|number| (number, 0)).collect();
    if records.is_empty() {
        return Vec::new();
    }
    for number in &raw.cells {
        if let Some(records) = records.get_mut(number) {
            *records += 1;
        }
    }
    let of = |(number, records)| HotValue { field, value: raw.texts.text(number).to_owned(), records };
    let mut gaps: Vec<HotValue> =
        records.into_iter().filter(|(_, records)| *records >= GAP_RECORDS_MIN).map(of).collect();
    gaps.sort_unstable_by(|a, b| b.records.cmp(&a.records).then_with(|| a.value.cmp(&b.value)));
    gaps.truncate(GAPS_MAX);
    gaps
}

/// The standard values of the fields that share a list, as they came.
struct List {
    pool: TextPool,
    filled: Vec<Filled>,
    gaps: Vec<HotValue>,
}

/// The same in the order of the records: values, and for every field what each record states and how many state each.
struct Arranged {
    values: Values,
    stated: Vec<(TableField, Vec<u32>)>,
    counts: Vec<Vec<u32>>,
}

impl List {
    fn new(columns: Vec<RawColumn>) -> Self {
        let mut pool = TextPool::new();
        let (mut filled, mut gaps) = (Vec::new(), Vec::new());
        for raw in columns {
            let count = raw.texts.len();
            let numbers = (1..count as u32 + 1).into_par_iter().with_min_len(1024);
            if raw.column == Column::FullName {
                let mut order = Order::default();
                (1..count as u32 + 1).for_each(|number| order.take(raw.texts.text(number)));
                let split: Vec<(String, String)> =
                    numbers.map(|number| standard::split_name(raw.texts.text(number), &order)).collect();
                let (mut given, mut family) = (vec![0], vec![0]);
                for (first, last) in split {
                    given.push(pool.intern(&first));
                    family.push(pool.intern(&last));
                }
                let is_gap = |number: u32| given[number as usize] == 0 && family[number as usize] == 0;
                gaps.extend(gaps_of(&raw, TableField::Given, is_gap));
                filled.push(Filled { field: TableField::Given, cells: raw.cells.clone(), map: given });
                filled.push(Filled { field: TableField::Surname, cells: raw.cells, map: family });
                continue;
            }
            let mut dates = DateOrder::default();
            if raw.column == Column::Dob {
                (1..count as u32 + 1).for_each(|number| dates.take(raw.texts.text(number)));
            }
            let texts: Vec<String> =
                numbers.map(|number| standard::standard(raw.column, raw.texts.text(number), &dates)).collect();
            let mut map = Vec::with_capacity(count + 1);
            map.push(0);
            map.extend(texts.iter().map(|text| pool.intern(text)));
            gaps.extend(gaps_of(&raw, field_of(raw.column), |number| map[number as usize] == 0));
            filled.push(Filled { field: field_of(raw.column), cells: raw.cells, map });
        }
        pool.seal();
        Self { pool, filled, gaps }
    }

    /// Records in the order of how surname and given name begin; of those that begin alike, in order.
    fn alphabetical(&self, records: usize) -> Vec<u32> {
        let start = |number: u32| {
            let mut first = [0; 4];
            first.iter_mut().zip(self.pool.text(number).bytes()).for_each(|(first, byte)| *first = byte);
            u64::from(u32::from_be_bytes(first))
        };
        let starts: Vec<u64> = (0..self.pool.len() as u32 + 1).map(start).collect();
        let of = |field: TableField, record: u32| {
            let mut numbers = self.filled.iter().filter(|part| part.field == field).map(|part| part.number(record));
            numbers.find(|number| *number != 0).map_or(0, |number| starts[number as usize])
        };
        let key = |record| of(TableField::Surname, record) << 32 | of(TableField::Given, record);
        let mut order: Vec<(u64, u32)> =
            (0..records as u32).into_par_iter().with_min_len(8192).map(|record| (key(record), record)).collect();
        order.par_sort_unstable();
        order.into_iter().map(|(_, record)| record).collect()
    }

    fn arrange(self, order: &[u32]) -> Arranged {
        let mut fields: Vec<TableField> = self.filled.iter().map(|part| part.field).collect();
        fields.sort_unstable();
        fields.dedup();
        // The new number of every value, and the values in order of their new numbers.
        let mut new = vec![0_u32; self.pool.len() + 1];
        let mut seen = vec![0_u32];
        let mut stated: Vec<(TableField, Vec<u32>)> =
            fields.iter().map(|field| (*field, Vec::with_capacity(order.len()))).collect();
        for record in order {
            for (field, stated) in &mut stated {
                let mut numbers =
                    self.filled.iter().filter(|part| part.field == *field).map(|part| part.number(*record));
                let number = numbers.find(|number| *number != 0).unwrap_or(0) as usize;
                if number != 0 && new[number] == 0 {
                    new[number] = seen.len() as u32;
                    seen.push(number as u32);
                }
                stated.push(new[number]);
            }
        }
        let counts = stated.iter().map(|(_, stated)| count(stated, seen.len())).collect();
        Arranged { values: Values::new(self.pool, &seen, fields.first().copied()), stated, counts }
    }
}

fn count(stated: &[u32], values: usize) -> Vec<u32> {
    let mut counts = vec![0; values];
    stated.iter().for_each(|number| counts[*number as usize] += 1);
    counts
}

impl Values {
    /// Describes the values of the fields of a list, of which one is `field`: those that are seen, in that order.
    fn new(pool: TextPool, seen: &[u32], field: Option<TableField>) -> Self {
        let numbers = || (0..pool.len() as u32 + 1).into_par_iter().with_min_len(1024);
        let described: Vec<Value> = numbers().map(|number| describe(pool.text(number), field)).collect();
        let with_place = |number: &u32| {
            let range = pool.range(*number);
            Value { start: range.start as u32, length: range.len() as u32, ..described[*number as usize] }
        };
        let values = seen.par_iter().with_min_len(1024).map(with_place).collect();
        let pets = match field {
            Some(TableField::Given | TableField::Surname) => {
                seen.par_iter().with_min_len(1024).map(|number| pet_names::groups(pool.text(*number))).collect()
            }
            _ => Vec::new(),
        };
        Self { texts: pool.into_texts(), values, pets }
    }

    pub(crate) fn text(&self, number: u32) -> &str {
        let value = &self.values[number as usize];
        &self.texts[value.start as usize..][..value.length as usize]
    }
}

fn describe(text: &str, field: Option<TableField>) -> Value {
    let short = |text: &str| hash_text(text) as u32 | 1;
    let mut mask = 0_u64;
    let mut chars = 0_usize;
    let mut han = false;
    for c in text.chars() {
        chars += 1;
        han |= hanzi::is_han(c);
        mask |= match c {
            'a'..='z' => 1 << (c as u32 - 'a' as u32),
            '0'..='9' => 1 << (26 + c as u32 - '0' as u32),
            other => 1 << (36 + (other as u32).wrapping_mul(0x9E37_79B1) % 28),
        };
    }
    let is_code = matches!(
        field,
        Some(
            TableField::Birth
                | TableField::NationalId
                | TableField::Phone
                | TableField::Postcode
                | TableField::StreetNumber
        )
    );
    let (reading, sound) = if field == Some(TableField::Email) {
        (short(text.split('@').next().unwrap_or(text)), 0)
    } else if is_code {
        // Nobody reads these aloud.
        (0, 0)
    } else if han {
        let all: Vec<char> = text.chars().collect();
        let read = match hanzi::surname_length(&all) == all.len() {
            true => hanzi::surname_reading(text),
            false => hanzi::reading(all.iter().copied()),
        };
        (short(&read), short(&hanzi::blurred(&read)))
    } else {
        let joined: Cow<'_, str> = match text.contains(' ') {
            true => text.chars().filter(|c| *c != ' ').collect::<String>().into(),
            false => text.into(),
        };
        (short(&joined), short(&skeleton(&joined)))
    };
    Value {
        mask: if field == Some(TableField::Birth) { text.parse().unwrap_or(0) } else { mask },
        reading,
        sound,
        words: if is_code { 0 } else { text.split(' ').fold(0, |bits, word| bits | 1 << (hash_text(word) >> 60)) },
        chars: chars.min(255) as u8,
        ascii: text.is_ascii(),
        hidden: text.contains('*'),
        spaced: text.contains(' '),
        ..Value::default()
    }
}

/// The first letter and the groups of like consonants after it, without vowels and doubles: words that are confused by
/// ear or by a slip in a vowel mostly share it.
fn skeleton(text: &str) -> String {
    let mut found = String::with_capacity(8);
    let mut last = '\0';
    for (place, c) in text.chars().enumerate() {
        let group = match c {
            'b' | 'p' | 'f' | 'v' | 'w' => 'b',
            'c' | 'g' | 'j' | 'k' | 'q' | 's' | 'x' | 'z' => 'c',
            'd' | 't' => 'd',
            'm' | 'n' => 'm',
            'l' | 'r' => c,
            'a' | 'e' | 'i' | 'o' | 'u' | 'y' | 'h' => '\0',
            other => other,
        };
        if place == 0 {
            found.push(if group == '\0' { 'a' } else { group });
        } else if group != '\0' && group != last {
            found.push(group);
        }
        last = group;
    }
    found
}
