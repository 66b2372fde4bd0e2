//! Blocking keys: two records are compared when they share one.
//!
//! A key is the hash of a rule and of the values the rule takes, so keys can be shuffled over workers without the
//! values. Every rule joins enough values that few persons share a key.

use serde::Serialize;

use crate::Field;
use crate::hash::hash_words;
use crate::standardize::Standardized;

/// A blocking key: the rule in the upper 5 bits, a hash of its values below.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlockKey(u64);

/// What a key is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Rule {
    /// A whole resident number.
    NationalId = 1,
    /// Division, year of birth and last four digits: what a ticket shows of a resident number.
    MaskedId = 2,
    /// Last four digits of a resident number and the sound of the name, for other ways to mask.
    MaskedIdName = 3,
    /// A record number, passport, wallet, card or ticket.
    Number = 4,
    /// A phone and the sound of the surname.
    PhoneSurname = 5,
    /// A phone and the sound of the last character of the name: what a partly hidden name shows.
    PhoneGiven = 6,
    /// A phone and the year of birth.
    PhoneYear = 7,
    /// The sound of the name, in any order, and the birth date.
    NameBirth = 8,
    /// The name as written and the year of birth, for a slip in the date.
    NameYear = 9,
    /// The sound of the surname, birth date and sex, for another given name.
    SurnameBirth = 10,
    /// The sound of the given name and the birth date, for another surname.
    GivenBirth = 11,
    /// The sound of the name and the address.
    NameAddress = 12,
    /// The household and the sound of the given name.
    HouseholdGiven = 13,
}

impl Rule {
    /// The fields that agree, wholly or in part, in every pair that the rule proposes. Training must not learn from it
    /// how often they agree.
    pub const fn fields(self) -> &'static [Field] {
        match self {
            Self::NationalId | Self::MaskedId => &[Field::NationalId, Field::BirthDate, Field::Sex],
            Self::MaskedIdName => &[Field::NationalId, Field::Name, Field::Sex],
            Self::Number => &[Field::RecordNumber, Field::Document, Field::Account],
            Self::PhoneSurname | Self::PhoneGiven => &[Field::Phone, Field::Name],
            Self::PhoneYear => &[Field::Phone, Field::BirthDate],
            Self::NameBirth | Self::NameYear | Self::GivenBirth => &[Field::Name, Field::BirthDate],
            Self::SurnameBirth => &[Field::Name, Field::BirthDate, Field::Sex],
            Self::NameAddress => &[Field::Name, Field::Address],
            Self::HouseholdGiven => &[Field::Household, Field::Name],
        }
    }

    /// Every rule.
    pub const ALL: [Self; 13] = [
        Self::NationalId,
        Self::MaskedId,
        Self::MaskedIdName,
        Self::Number,
        Self::PhoneSurname,
        Self::PhoneGiven,
        Self::PhoneYear,
        Self::NameBirth,
        Self::NameYear,
        Self::SurnameBirth,
        Self::GivenBirth,
        Self::NameAddress,
        Self::HouseholdGiven,
    ];
}

impl BlockKey {
    fn new(rule: Rule, values: &[u64]) -> Self {
        Self((rule as u64) << 59 | hash_words(values) >> 5)
    }

    /// The key as a number, for a keyed hash of it: the values of a short key can be guessed from it.
    pub const fn to_u64(self) -> u64 {
        self.0
    }

    /// The rule that made it.
    pub fn rule(self) -> Rule {
        let code = (self.0 >> 59) as usize;
        Rule::ALL[code.clamp(1, Rule::ALL.len()) - 1]
    }
}

/// The blocking keys of a record, sorted, each once. None for a company, school or office.
pub fn blocking_keys(record: &Standardized) -> Vec<BlockKey> {
    let mut keys = Vec::with_capacity(16);
    if record.organisation {
        return keys;
    }
    number_keys(record, &mut keys);
    name_keys(record, &mut keys);
    phone_keys(record, &mut keys);
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn digits(part: &[u8]) -> Option<u64> {
    if part.contains(&b'*') {
        return None;
    }
    Some(part.iter().fold(1, |n, digit| n * 41 + u64::from(*digit)))
}

fn number_keys(record: &Standardized, keys: &mut Vec<BlockKey>) {
    for id in &record.ids {
        if let (false, Some(first), Some(last)) = (id.masked, digits(&id.digits[..9]), digits(&id.digits[9..])) {
            keys.push(BlockKey::new(Rule::NationalId, &[first, last]));
        }
        let Some(tail) = digits(&id.digits[14..]) else { continue };
        if let (Some(division), Some(year)) = (digits(&id.digits[..6]), digits(&id.digits[6..10])) {
            keys.push(BlockKey::new(Rule::MaskedId, &[division, year, tail]));
        }
        for name in record.names.iter().filter(|name| name.sound != 0) {
            keys.push(BlockKey::new(Rule::MaskedIdName, &[tail, name.sound]));
        }
    }
    for number in record.exclusive.iter().chain(&record.documents) {
        keys.push(BlockKey::new(Rule::Number, &[number.kind, number.value]));
    }
    for account in &record.accounts {
        keys.push(BlockKey::new(Rule::Number, &[*account]));
    }
}

fn name_keys(record: &Standardized, keys: &mut Vec<BlockKey>) {
    let birth = u64::from(record.birth.0);
    for name in &record.names {
        if record.birth.is_day() {
            if name.sound != 0 {
                keys.push(BlockKey::new(Rule::NameBirth, &[name.sound, birth]));
            }
            if name.family_sound != 0 && record.sex != domain::Sex::Unknown {
                keys.push(BlockKey::new(Rule::SurnameBirth, &[name.family_sound, birth, record.sex as u64]));
            }
            if name.given_sound != 0 {
                keys.push(BlockKey::new(Rule::GivenBirth, &[name.given_sound, birth]));
            }
        }
        if record.birth.is_known() && name.sound != 0 {
            let written = name.family ^ name.given.rotate_left(1);
            keys.push(BlockKey::new(Rule::NameYear, &[written, u64::from(record.birth.year())]));
        }
        if let (Some(address), true) = (record.address, name.sound != 0) {
            keys.push(BlockKey::new(Rule::NameAddress, &[name.sound, address.text]));
        }
        for household in record.households.iter().filter(|_| name.given_sound != 0) {
            keys.push(BlockKey::new(Rule::HouseholdGiven, &[*household, name.given_sound]));
        }
    }
}

fn phone_keys(record: &Standardized, keys: &mut Vec<BlockKey>) {
    for phone in &record.phones {
        for name in &record.names {
            if name.family_sound != 0 {
                keys.push(BlockKey::new(Rule::PhoneSurname, &[phone.number(), name.family_sound]));
            }
            let last = name.last_sound();
            if last != 0 {
                keys.push(BlockKey::new(Rule::PhoneGiven, &[phone.number(), last]));
            } else if name.given_sound != 0 {
                // Latin letters: given name and surname may stand in either order.
                keys.push(BlockKey::new(Rule::PhoneSurname, &[phone.number(), name.given_sound]));
            }
        }
        if record.birth.is_known() {
            keys.push(BlockKey::new(Rule::PhoneYear, &[phone.number(), u64::from(record.birth.year())]));
        }
    }
}
