//! Blocking keys: what two records must share to be compared.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::field::TableField;
use super::store::{Row, Table, list_of};
use crate::hanzi;
use crate::hash::{hash_text, mix};

/// A piece of a record that a blocking rule can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Atom {
    /// The words of given name and surname, in any order.
    Names,
    Given,
    GivenSound,
    GivenHead,
    Surname,
    SurnameSound,
    SurnameHead,
    Birth,
    BirthYear,
    BirthMonth,
    BirthDay,
    NationalId,
    NationalIdHead,
    NationalIdTail,
    Phone,
    PhoneHead,
    PhoneTail,
    Email,
    EmailLocal,
    Postcode,
    Suburb,
    SuburbHead,
    Address1,
    Address1Sound,
    /// Either line of the address.
    StreetNumber,
    Address2,
    State,
    BirthPlace,
    Occupation,
    Sex,
}

impl Atom {
    pub(crate) const ALL: [Self; 30] = [
        Self::Names,
        Self::Given,
        Self::GivenSound,
        Self::GivenHead,
        Self::Surname,
        Self::SurnameSound,
        Self::SurnameHead,
        Self::Birth,
        Self::BirthYear,
        Self::BirthMonth,
        Self::BirthDay,
        Self::NationalId,
        Self::NationalIdHead,
        Self::NationalIdTail,
        Self::Phone,
        Self::PhoneHead,
        Self::PhoneTail,
        Self::Email,
        Self::EmailLocal,
        Self::Postcode,
        Self::Suburb,
        Self::SuburbHead,
        Self::Address1,
        Self::Address1Sound,
        Self::StreetNumber,
        Self::Address2,
        Self::State,
        Self::BirthPlace,
        Self::Occupation,
        Self::Sex,
    ];

    /// The field it is taken from.
    pub(crate) const fn field(self) -> TableField {
        match self {
            Self::Names | Self::Given | Self::GivenSound | Self::GivenHead => TableField::Given,
            Self::Surname | Self::SurnameSound | Self::SurnameHead => TableField::Surname,
            Self::Birth | Self::BirthYear | Self::BirthMonth | Self::BirthDay => TableField::Birth,
            Self::NationalId | Self::NationalIdHead | Self::NationalIdTail => TableField::NationalId,
            Self::Phone | Self::PhoneHead | Self::PhoneTail => TableField::Phone,
            Self::Email | Self::EmailLocal => TableField::Email,
            Self::Postcode => TableField::Postcode,
            Self::Suburb | Self::SuburbHead => TableField::Suburb,
            Self::Address1 | Self::Address1Sound => TableField::Address1,
            Self::StreetNumber => TableField::StreetNumber,
            Self::Address2 => TableField::Address2,
            Self::State => TableField::State,
            Self::BirthPlace => TableField::BirthPlace,
            Self::Occupation => TableField::Occupation,
            Self::Sex => TableField::Sex,
        }
    }

    /// How likely it agrees where the field is a slip away: an estimate that only ranks rules.
    pub(crate) const fn survives(self) -> f64 {
        match self {
            Self::GivenSound | Self::SurnameSound | Self::Address1Sound => 0.6,
            Self::GivenHead | Self::SurnameHead | Self::SuburbHead => 0.65,
            Self::BirthYear | Self::BirthDay | Self::BirthMonth => 0.5,
            Self::NationalIdHead | Self::NationalIdTail | Self::PhoneHead | Self::PhoneTail => 0.5,
            Self::EmailLocal => 0.5,
            _ => 0.0,
        }
    }

    /// The values of an atom by the number of the value; nothing where the number itself serves.
    fn digest(self, table: &Table) -> Option<Vec<u32>> {
        let field = self.field();
        let list = &table.values[list_of(field)];
        let by_value = |of: &(dyn Fn(u32) -> u32 + Sync)| -> Option<Vec<u32>> {
            Some(
                (0..list.values.len() as u32)
                    .into_par_iter()
                    .with_min_len(4096)
                    .map(|n| if n == 0 { 0 } else { of(n) })
                    .collect(),
            )
        };
        let value = |n: u32| &list.values[n as usize];
        match self {
            Self::GivenSound | Self::SurnameSound | Self::Address1Sound => by_value(&|n| value(n).sound),
            Self::GivenHead | Self::SurnameHead | Self::SuburbHead => by_value(&|n| head(list.text(n))),
            Self::BirthYear => by_value(&|n| value(n).mask as u32 / 10_000),
            Self::BirthMonth => {
                by_value(&|n| if value(n).mask.is_multiple_of(10_000) { 0 } else { value(n).mask as u32 / 100 })
            }
            Self::BirthDay => by_value(&|n| value(n).mask as u32 % 10_000),
            Self::NationalIdHead | Self::PhoneHead => by_value(&|n| half(list.text(n), false)),
            Self::NationalIdTail | Self::PhoneTail => by_value(&|n| half(list.text(n), true)),
            // The same for all orders of the words.
            Self::Names => by_value(&|n| {
                list.text(n).split(' ').fold(0, |sum: u32, word| sum.wrapping_add(hash_text(word) as u32))
            }),
            Self::EmailLocal => by_value(&|n| {
                let local = list.text(n).split('@').next().unwrap_or("");
                if local.len() < 3 { 0 } else { hash_text(local) as u32 | 1 }
            }),
            _ => None,
        }
    }
}

/// Hash of the first letters of a name, or of its first Han character.
fn head(text: &str) -> u32 {
    let most = if text.chars().any(hanzi::is_han) { 1 } else { 3 };
    let first: String = text.chars().filter(|c| *c != ' ').take(most).collect();
    hash_text(&first) as u32 | 1
}

/// Hash of the first or the second half of a number; 0 when it is hidden.
fn half(text: &str, tail: bool) -> u32 {
    let bytes = text.as_bytes();
    let middle = bytes.len() / 2;
    let part = if tail { &bytes[middle..] } else { &bytes[..middle] };
    if part.len() < 3 || part.contains(&b'*') { 0 } else { crate::hash::hash_bytes(part) as u32 | 1 }
}

/// A blocking rule: the pieces that must all agree.
pub(crate) type Rule = Vec<Atom>;

/// How a rule reads in summaries.
pub(crate) fn rule_name(rule: &[Atom]) -> String {
    let words: Vec<String> = rule.iter().map(|atom| words(&format!("{atom:?}"))).collect();
    words.join(" + ")
}

fn words(camel: &str) -> String {
    let mut text = String::new();
    for c in camel.chars() {
        if c.is_ascii_uppercase() && !text.is_empty() {
            text.push(' ');
        }
        text.push(c.to_ascii_lowercase());
    }
    text
}

/// Makes keys of records.
pub(crate) struct Keys {
    digests: Vec<Option<Vec<u32>>>,
}

impl Keys {
    /// Prepares the given atoms.
    pub(crate) fn new(table: &Table, atoms: impl Iterator<Item = Atom>) -> Self {
        let mut wanted = [false; Atom::ALL.len()];
        for atom in atoms {
            wanted[atom as usize] = true;
        }
        let digests =
            Atom::ALL.par_iter().map(|atom| if wanted[*atom as usize] { atom.digest(table) } else { None }).collect();
        Self { digests }
    }

    /// The value of an atom in a record; 0 when it has none.
    pub(crate) fn atom(&self, row: &Row, atom: Atom) -> u64 {
        if atom == Atom::Names {
            let (given, surname) = (row[TableField::Given as usize], row[TableField::Surname as usize]);
            if given == 0 || surname == 0 {
                return 0;
            }
            let words = |name: u32| self.digests[atom as usize].as_ref().map_or(0, |digest| digest[name as usize]);
            return u64::from(words(given).wrapping_add(words(surname))) | 1 << 32;
        }
        let number = row[atom.field() as usize];
        match &self.digests[atom as usize] {
            Some(digest) => u64::from(digest[number as usize]),
            None => u64::from(number),
        }
    }

    /// The key of a rule for a record; 0 when it lacks a piece.
    pub(crate) fn key(&self, row: &Row, rule: &[Atom]) -> u64 {
        let mut key = 1;
        for atom in rule {
            let value = self.atom(row, *atom);
            if value == 0 {
                return 0;
            }
            key = mix(key, value);
        }
        key | 1
    }
}
