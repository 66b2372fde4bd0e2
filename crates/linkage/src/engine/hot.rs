//! Hot values: what so many different people state that it says nothing of any one of them.
//!
//! A counter's own phone on a thousand patients, a placeholder number, the first of January for "unknown". They are
//! found from the records that are there. A number, phone, address or household is hot under too many different names; a name,
//! with too many different birth dates for how frequent the model takes it to be; a birth date, under too many
//! names and far more often than the other days of its month. Whether a value is hot depends on the records that state
//! it (and for a birth date, on those born in the same month), never on the order in which they came.
//!
//! A hot value is a gap in every record that states it: it speaks neither for nor against, and makes no blocking key.
//! When a value turns hot or cold, its records are compared anew as if they had just come.

use rustc_hash::{FxHashMap, FxHashSet};

use super::{Engine, Touched};
use crate::block::{BlockKey, blocking_keys};
use crate::hash::{hash_text, hash_words};
use crate::index::{Index, Slot};
use crate::model::HotLimits;
use crate::name::{NameForm, NameKind};
use crate::standardize::{Birth, Numbered, ResidentNumber, Standardized};
use crate::{Field, HotValue, Level, Part};

/// A value: its field in the upper 4 bits, a hash of it below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ValueKey(u64);

impl ValueKey {
    fn new(field: Field, words: &[u64]) -> Self {
        Self((field as u64) << 60 | hash_words(words) >> 4)
    }

    fn field(self) -> Field {
        HotValue::FIELDS.into_iter().find(|field| *field as u64 == self.0 >> 60).unwrap_or(Field::Name)
    }

    fn id(id: &ResidentNumber) -> Self {
        let word = |part: &[u8]| part.iter().fold(0, |word, digit| word << 7 | u64::from(*digit));
        Self::new(Field::NationalId, &[word(&id.digits[..9]), word(&id.digits[9..])])
    }

    fn number(field: Field, number: &Numbered) -> Self {
        Self::new(field, &[number.kind, number.value])
    }

    fn name(name: &NameForm) -> Self {
        Self::new(Field::Name, &[hash_text(&name.text)])
    }

    fn birth(birth: Birth) -> Self {
        Self::new(Field::BirthDate, &[u64::from(birth.0)])
    }

    fn word(field: Field, word: u64) -> Self {
        Self::new(field, &[word])
    }
}

/// Every value of a record that may turn hot. A masked number or a partly hidden name is shared by its nature.
fn values(record: &Standardized) -> Vec<ValueKey> {
    let mut keys = Vec::with_capacity(12);
    keys.extend(record.ids.iter().filter(|id| !id.masked).map(ValueKey::id));
    keys.extend(record.exclusive.iter().map(|number| ValueKey::number(Field::RecordNumber, number)));
    keys.extend(record.documents.iter().map(|number| ValueKey::number(Field::Document, number)));
    keys.extend(record.accounts.iter().map(|account| ValueKey::word(Field::Account, *account)));
    keys.extend(record.names.iter().filter(|name| name.kind != NameKind::Hidden).map(ValueKey::name));
    keys.extend(record.birth.is_day().then(|| ValueKey::birth(record.birth)));
    keys.extend(record.phones.iter().map(|phone| ValueKey::word(Field::Phone, phone.number())));
    keys.extend(record.address.iter().map(|address| ValueKey::word(Field::Address, address.text)));
    keys.extend(record.households.iter().map(|household| ValueKey::word(Field::Household, *household)));
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The records of every value, and which values are hot.
#[derive(Debug)]
pub(crate) struct Values {
    limits: HotLimits,
    /// A value that more records state than the least limit is watched.
    index: Index<ValueKey>,
    watched: FxHashMap<ValueKey, Watched>,
    /// Records by year and month of birth.
    months: FxHashMap<u32, u32>,
    hot: FxHashSet<ValueKey>,
    /// Since the last [`Values::settle`].
    touched: FxHashSet<ValueKey>,
    touched_months: FxHashSet<u32>,
}

/// Who states a value: different names, of a name different birth dates, each with the number of records.
#[derive(Debug, Default)]
struct Watched {
    bearers: FxHashMap<u64, u32>,
    /// So many bearers are in order.
    bearers_max: usize,
    /// Of a birth date.
    birth: Option<Birth>,
}

impl Watched {
    fn add(&mut self, key: ValueKey, record: &Standardized) {
        for bearer in bearers(key, record) {
            *self.bearers.entry(bearer).or_default() += 1;
        }
    }

    fn take(&mut self, key: ValueKey, record: &Standardized) {
        for bearer in bearers(key, record) {
            if let std::collections::hash_map::Entry::Occupied(mut entry) = self.bearers.entry(bearer) {
                *entry.get_mut() -= 1;
                if *entry.get() == 0 {
                    entry.remove();
                }
            }
        }
    }
}

fn bearers(key: ValueKey, record: &Standardized) -> Vec<u64> {
    match key.field() {
        Field::Name => record.birth.is_day().then(|| u64::from(record.birth.0)).into_iter().collect(),
        // Surname and given name may be written in either order, and as they sound: still one bearer.
        _ => record.names.first().map(|name| name.sound).filter(|sound| *sound != 0).into_iter().collect(),
    }
}

fn month_of(birth: Birth) -> u32 {
    birth.0 / 100
}

impl Values {
    /// The hot values of records that do not change any more.
    pub(crate) fn of(records: &[Standardized], limits: &HotLimits) -> Self {
        let mut values = Self::new(limits);
        records.iter().enumerate().for_each(|(slot, record)| values.insert(record, slot as Slot));
        let _those_that_changed = values.settle(|slot| &records[slot as usize]);
        values
    }

    pub(super) fn new(limits: &HotLimits) -> Self {
        Self {
            limits: limits.clone(),
            index: Index::new(limits.least()),
            watched: FxHashMap::default(),
            months: FxHashMap::default(),
            hot: FxHashSet::default(),
            touched: FxHashSet::default(),
            touched_months: FxHashSet::default(),
        }
    }

    pub(super) fn insert(&mut self, record: &Standardized, slot: Slot) {
        for key in values(record) {
            self.index.insert(key, slot);
            if let Some(watched) = self.watched.get_mut(&key) {
                watched.add(key, record);
                self.touched.insert(key);
            }
        }
        if record.birth.is_day() {
            *self.months.entry(month_of(record.birth)).or_default() += 1;
            self.touched_months.insert(month_of(record.birth));
        }
    }

    pub(super) fn remove(&mut self, record: &Standardized, slot: Slot) {
        for key in values(record) {
            self.index.remove(key, slot);
            if let Some(watched) = self.watched.get_mut(&key) {
                watched.take(key, record);
                self.touched.insert(key);
            }
        }
        if record.birth.is_day() {
            let month = month_of(record.birth);
            if let std::collections::hash_map::Entry::Occupied(mut entry) = self.months.entry(month) {
                *entry.get_mut() -= 1;
                if *entry.get() == 0 {
                    entry.remove();
                }
            }
            self.touched_months.insert(month);
        }
    }

    /// The record with its hot values made gaps; `None` when it has none.
    pub(crate) fn without_hot(&self, record: &Standardized) -> Option<Standardized> {
        if self.hot.is_empty() || !values(record).iter().any(|key| self.hot.contains(key)) {
            return None;
        }
        let cold = |key: ValueKey| !self.hot.contains(&key);
        let mut rest = record.clone();
        retain(&mut rest.ids, |id| id.masked || cold(ValueKey::id(id)));
        retain(&mut rest.exclusive, |number| cold(ValueKey::number(Field::RecordNumber, number)));
        retain(&mut rest.documents, |number| cold(ValueKey::number(Field::Document, number)));
        retain(&mut rest.accounts, |account| cold(ValueKey::word(Field::Account, *account)));
        retain(&mut rest.names, |name| name.kind == NameKind::Hidden || cold(ValueKey::name(name)));
        retain(&mut rest.phones, |phone| cold(ValueKey::word(Field::Phone, phone.number())));
        retain(&mut rest.households, |household| cold(ValueKey::word(Field::Household, *household)));
        rest.address = rest.address.filter(|address| cold(ValueKey::word(Field::Address, address.text)));
        // What was read from a number that many share is as little the person's own.
        let of_hot_id = record.ids.iter().any(|id| !id.masked && !cold(ValueKey::id(id)) && id.birth() == record.birth);
        if record.birth.is_day() && (of_hot_id || !cold(ValueKey::birth(record.birth))) {
            rest.birth = Birth::UNKNOWN;
        }
        Some(rest)
    }

    /// Decides anew which values are hot, after records were inserted and removed; the records of those that changed.
    fn settle<'a>(&mut self, record_of: impl Fn(Slot) -> &'a Standardized) -> Vec<Slot> {
        let (watch, forget) = self.index.take_crossed();
        for key in watch {
            let slots = self.index.slots(key);
            let mut watched = slots.first().map(|slot| self.watch(key, record_of(*slot))).unwrap_or_default();
            slots.iter().for_each(|slot| watched.add(key, record_of(*slot)));
            self.watched.insert(key, watched);
            self.touched.insert(key);
        }
        for key in forget {
            self.watched.remove(&key);
            self.touched.insert(key);
        }
        let days = std::mem::take(&mut self.touched_months).into_iter();
        let days = days.flat_map(|month| (1..=31).map(move |day| ValueKey::birth(Birth(month * 100 + day))));
        self.touched.extend(days.filter(|key| self.watched.contains_key(key)));
        let mut changed = Vec::new();
        for key in std::mem::take(&mut self.touched) {
            let is_hot = self.is_too_many(key);
            if is_hot != self.hot.contains(&key) {
                changed.extend_from_slice(self.index.slots(key));
                if is_hot {
                    self.hot.insert(key)
                } else {
                    self.hot.remove(&key)
                };
            }
        }
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    fn watch(&self, key: ValueKey, record: &Standardized) -> Watched {
        let limits = &self.limits;
        let bearers_max = match key.field() {
            Field::Address | Field::Household => limits.address_names_max,
            Field::BirthDate => limits.birth_names_max,
            Field::Name => {
                let name = record.names.iter().find(|name| ValueKey::name(name) == key);
                let share = name.map_or(0.0, |name| (name.frequency.family + name.frequency.given).exp2());
                limits.name_births_max + (3.0 * f64::from(share) * limits.people) as usize
            }
            _ => limits.number_names_max,
        };
        let birth = (key.field() == Field::BirthDate).then_some(record.birth);
        Watched { bearers: FxHashMap::default(), bearers_max, birth }
    }

    fn is_too_many(&self, key: ValueKey) -> bool {
        let Some(watched) = self.watched.get(&key) else { return false };
        if watched.bearers.len() <= watched.bearers_max {
            return false;
        }
        let Some(birth) = watched.birth else { return true };
        let own = self.index.slots(key).len() as f64;
        let others = f64::from(self.months.get(&month_of(birth)).copied().unwrap_or(0)) - own;
        own > self.limits.birth_ratio * others / 29.0
    }

    pub(super) fn hot_len(&self) -> usize {
        self.hot.len()
    }

    /// Says of which fields two records, whole, state the same hot value.
    pub(crate) fn common_hot(&self, a: &Standardized, b: &Standardized) -> Vec<Part> {
        let theirs = values(b);
        let common = values(a).into_iter().filter(|key| theirs.contains(key) && self.hot.contains(key));
        let mut fields: Vec<Field> = common.map(ValueKey::field).collect();
        fields.dedup();
        let part = |field| Part { field, level: Level::Hot, weight: 0.0, frequency: 0.0 };
        fields.into_iter().map(part).collect()
    }
}

fn retain<T: Clone>(values: &mut Box<[T]>, keep: impl Fn(&T) -> bool) {
    if !values.iter().all(&keep) {
        *values = values.iter().filter(|value| keep(value)).cloned().collect();
    }
}

impl Engine {
    /// The hot values that records state: those of most records first.
    pub fn hot_values(&self) -> Vec<HotValue> {
        let describe = |key: &ValueKey| {
            let slots = self.values.index.slots(*key);
            Some(HotValue {
                field: key.field(),
                records: slots.len(),
                bearers: self.values.watched.get(key)?.bearers.len(),
                record: slots.iter().map(|slot| self.entry(*slot).key).min()?,
                value: key.0,
            })
        };
        let mut hot: Vec<HotValue> = self.values.hot.iter().filter_map(describe).collect();
        hot.sort_unstable_by_key(|value| (std::cmp::Reverse(value.records), value.field, value.record));
        hot
    }

    /// The blocking keys that propose no pairs because too many records share them, with the number of records, the
    /// largest first.
    pub fn hot_blocks(&self) -> Vec<(BlockKey, usize)> {
        self.index.hot_blocks()
    }

    /// Compares the records anew of which a value has turned hot or cold.
    pub(super) fn settle_hot(&mut self, touched: &mut Touched) {
        let entries = &self.entries;
        // Unwrap safety: a slot stands in an index only while its entry is there.
        #[expect(clippy::expect_used, reason = "slots are only kept while their entry is there")]
        let record_of = |slot: Slot| entries[slot as usize].as_ref().expect("an entry").stated();
        for slot in self.values.settle(record_of) {
            self.detach(slot, touched);
            let stated = self.entry(slot).stated().clone();
            let keys = blocking_keys(&stated).into_boxed_slice();
            self.put_record(slot, stated, keys);
            touched.new.push(slot);
            touched.seeds.insert(slot);
        }
        touched.new.sort_unstable();
        touched.new.dedup();
    }

    /// Takes a record's values back, before it goes or states something else.
    pub(super) fn forget_values(&mut self, slot: Slot) {
        if let Some(entry) = &self.entries[slot as usize] {
            self.values.remove(entry.stated(), slot);
        }
    }

    /// Sets what a record states, with its blocking keys, and puts it into their index.
    pub(super) fn put_record(&mut self, slot: Slot, stated: Standardized, keys: Box<[BlockKey]>) {
        let (record, whole, keys) = match self.values.without_hot(&stated) {
            Some(rest) => {
                let keys = blocking_keys(&rest).into_boxed_slice();
                (rest, Some(Box::new(stated)), keys)
            }
            None => (stated, None, keys),
        };
        for key in &keys {
            self.index.insert(*key, slot);
        }
        let entry = self.entry_mut(slot);
        (entry.record, entry.whole, entry.keys) = (record, whole, keys);
    }

    /// Says of which fields two records state the same hot value.
    pub(super) fn hot_parts(&self, a: Slot, b: Slot) -> Vec<Part> {
        let both = self.entry(a).whole.as_deref().zip(self.entry(b).whole.as_deref());
        both.map(|(left, right)| self.values.common_hot(left, right)).unwrap_or_default()
    }
}
