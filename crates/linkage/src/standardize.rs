//! A source's statement in the form in which records are compared.

use std::borrow::Cow;

use domain::{IdClaim, IdScheme, IdentityObserved, Sex};
use unicode_normalization::UnicodeNormalization;

use crate::hanzi;
use crate::hash::{hash_bytes, hash_of, hash_text, hash_words};
use crate::model::Model;
use crate::name::{NameForm, is_organisation};

/// A statement ready for comparison: names split and read, numbers hashed where only equality matters.
///
/// It holds personal values; its `Debug` shows only how many of each there are.
#[derive(Clone, Default, PartialEq)]
pub struct Standardized {
    pub(crate) names: Box<[NameForm]>,
    pub(crate) ids: Box<[ResidentNumber]>,
    /// Exclusive numbers of an issuer.
    pub(crate) exclusive: Box<[Numbered]>,
    pub(crate) documents: Box<[Numbered]>,
    pub(crate) accounts: Box<[u64]>,
    pub(crate) households: Box<[u64]>,
    pub(crate) phones: Box<[PhoneKey]>,
    pub(crate) address: Option<AddressKey>,
    pub(crate) birth: Birth,
    pub(crate) sex: Sex,
    pub(crate) organisation: bool,
    /// Of everything that is stated: an order of records that does not depend on what they are called.
    pub(crate) content: u64,
}

/// A resident number; hidden digits are `*`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ResidentNumber {
    pub(crate) digits: [u8; 18],
    pub(crate) masked: bool,
}

/// A number with the hash of scheme and issuer, and the hash of its value.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Numbered {
    pub(crate) kind: u64,
    pub(crate) value: u64,
}

/// A phone number, hashed; the last bit says that the person holds it (and is not merely reached by it).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct PhoneKey(u64);

/// An address, hashed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct AddressKey {
    pub(crate) text: u64,
    /// Of house, staircase and flat number in order; 0 when there are fewer than two.
    pub(crate) numbers: u64,
}

/// A day of birth as `YYYYMMDD`, a year as `YYYY0000`, or 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Birth(pub(crate) u32);

impl std::fmt::Debug for Standardized {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Standardized")
            .field("names", &self.names.len())
            .field("ids", &self.ids.len())
            .field("phones", &self.phones.len())
            .finish_non_exhaustive()
    }
}

impl PhoneKey {
    fn new(number: &str, holder: bool) -> Self {
        Self(hash_text(number) << 1 | u64::from(holder))
    }

    pub(crate) const fn number(self) -> u64 {
        self.0 >> 1
    }

    pub(crate) const fn is_holder(self) -> bool {
        self.0 & 1 == 1
    }
}

impl Birth {
    pub(crate) const UNKNOWN: Self = Self(0);

    pub(crate) const fn year(self) -> u32 {
        self.0 / 10_000
    }

    /// Month and day as month x 100 + day; 0 when only the year is known.
    pub(crate) const fn month_day(self) -> u16 {
        (self.0 % 10_000) as u16
    }

    pub(crate) const fn is_known(self) -> bool {
        self.0 != 0
    }

    pub(crate) const fn is_day(self) -> bool {
        !self.0.is_multiple_of(10_000)
    }
}

impl ResidentNumber {
    /// What the visible digits say of the day of birth.
    pub(crate) fn birth(&self) -> Birth {
        let number = |range: std::ops::Range<usize>| -> Option<u32> {
            self.digits[range].iter().try_fold(0, |n, d| d.is_ascii_digit().then(|| n * 10 + u32::from(d - b'0')))
        };
        let Some(year) = number(6..10) else { return Birth::UNKNOWN };
        Birth(year * 10_000 + number(10..14).unwrap_or(0))
    }

    fn sex(&self) -> Sex {
        match self.digits[16] {
            digit if !digit.is_ascii_digit() => Sex::Unknown,
            digit if (digit - b'0') % 2 == 1 => Sex::Male,
            _ => Sex::Female,
        }
    }
}

/// Whether a statement is about a company, school or office and not about a person. Such records are never linked.
pub fn is_about_organisation(statement: &IdentityObserved) -> bool {
    statement.person.names.iter().any(is_organisation)
}

impl Standardized {
    /// Standardizes a statement.
    pub fn of(statement: &IdentityObserved, model: &Model) -> Self {
        let person = &statement.person;
        let mut names: Vec<NameForm> = Vec::with_capacity(person.names.len());
        for name in person.names.iter().take(8) {
            for form in NameForm::of(name, model) {
                if !names.iter().any(|known| known.text == form.text) {
                    names.push(form);
                }
            }
        }
        let mut lists = Lists::default();
        for claim in &person.claims {
            lists.take(claim);
        }
        for contact in &statement.contacts {
            lists.phone(contact.expose(), false);
        }
        let ids = sorted(lists.ids);
        let stated = person.birth_date.and_then(|day| {
            let (year, month, day_of_month) = day.ymd()?;
            let possible = (1850..2200).contains(&year) && !model.is_placeholder_date(&day.to_string());
            possible.then_some(Birth(year as u32 * 10_000 + month as u32 * 100 + day_of_month as u32))
        });
        let full = ids.iter().find(|id| !id.masked);
        let masked = ids.iter().map(ResidentNumber::birth).find(|birth| birth.is_known());
        // A number with a right check digit is copied with less slips than a date that somebody typed.
        let birth = full.map(ResidentNumber::birth).or(stated).or(masked).unwrap_or(Birth::UNKNOWN);
        let sex_of_id = ids.first().map_or(Sex::Unknown, ResidentNumber::sex);
        Self {
            organisation: is_about_organisation(statement),
            names: names.into(),
            exclusive: sorted(lists.exclusive),
            documents: sorted(lists.documents),
            accounts: sorted(lists.accounts),
            households: sorted(lists.households),
            phones: phones(lists.phones),
            address: statement.address.as_ref().and_then(|address| AddressKey::of(address.expose())),
            birth,
            sex: if matches!(person.sex, Sex::Male | Sex::Female) { person.sex } else { sex_of_id },
            ids,
            content: hash_of(statement),
        }
    }
}

fn sorted<T: Ord>(mut values: Vec<T>) -> Box<[T]> {
    values.sort_unstable();
    values.dedup();
    values.into()
}

/// Each number once, as holder where it is stated both ways.
fn phones(mut phones: Vec<PhoneKey>) -> Box<[PhoneKey]> {
    phones.sort_unstable_by_key(|phone| (phone.number(), !phone.is_holder()));
    phones.dedup_by_key(|phone| phone.number());
    phones.into()
}

#[derive(Default)]
struct Lists {
    ids: Vec<ResidentNumber>,
    exclusive: Vec<Numbered>,
    documents: Vec<Numbered>,
    accounts: Vec<u64>,
    households: Vec<u64>,
    phones: Vec<PhoneKey>,
}

impl Lists {
    fn take(&mut self, claim: &IdClaim) {
        let value = claim.value.expose();
        let issuer = claim.issuer.as_deref().unwrap_or("");
        let kind = hash_words(&[hash_text(claim.scheme.code()), hash_text(issuer)]);
        let numbered = Numbered { kind, value: hash_text(value) };
        match claim.scheme {
            IdScheme::CnId if claim.checksum_ok == Some(false) => {}
            IdScheme::CnId => {
                if let Ok(digits) = <[u8; 18]>::try_from(value.as_bytes()) {
                    self.ids.push(ResidentNumber { digits, masked: claim.masked });
                }
            }
            IdScheme::Msisdn => self.phone(value, true),
            IdScheme::Record => {}
            _ if claim.masked => {}
            // Without issuer two hospitals' numbers cannot be told apart, so they exclude nothing.
            scheme if scheme.is_exclusive() && !issuer.is_empty() => self.exclusive.push(numbered),
            IdScheme::Passport | IdScheme::HkMoPermit | IdScheme::TwPermit | IdScheme::ForeignPr => {
                self.documents.push(numbered);
            }
            IdScheme::Household | IdScheme::MeterAccount => self.households.push(hash_words(&[kind, numbered.value])),
            _ => self.accounts.push(hash_words(&[kind, numbered.value])),
        }
    }

    fn phone(&mut self, number: &str, holder: bool) {
        if !is_placeholder_phone(number) {
            self.phones.push(PhoneKey::new(number, holder));
        }
    }
}

/// Numbers that people type when they must type one: eight like digits at the end, 12345678, the operator's own.
fn is_placeholder_phone(number: &str) -> bool {
    let digits = number.as_bytes();
    let Some(tail) = digits.len().checked_sub(8).map(|start| &digits[start..]) else { return true };
    tail.iter().all(|digit| *digit == tail[0]) || tail == b"12345678" || number.ends_with("13800138000")
}

impl AddressKey {
    /// `None` when the address has no number: a town or a street says next to nothing.
    fn of(text: &str) -> Option<Self> {
        let mut letters = String::with_capacity(text.len());
        let mut numbers: Vec<u64> = Vec::new();
        let mut in_number = false;
        let text: Cow<'_, str> = if hanzi::is_plain(text) { text.into() } else { text.nfkc().collect() };
        for c in text.chars().flat_map(char::to_lowercase) {
            if let Some(digit) = c.to_digit(10) {
                match numbers.last_mut() {
                    Some(last) if in_number => *last = last.wrapping_mul(10).wrapping_add(u64::from(digit)),
                    _ => numbers.push(u64::from(digit)),
                }
                in_number = true;
                letters.push(c);
            } else {
                // A number that ends where another begins must not run into it.
                if in_number && !c.is_alphanumeric() {
                    letters.push(' ');
                }
                in_number = false;
                if c.is_alphanumeric() {
                    letters.push(hanzi::unify(c));
                }
            }
        }
        if numbers.is_empty() {
            return None;
        }
        let numbers = if numbers.len() < 2 { 0 } else { hash_words(&numbers) };
        Some(Self { text: hash_bytes(letters.trim_end().as_bytes()), numbers })
    }
}
