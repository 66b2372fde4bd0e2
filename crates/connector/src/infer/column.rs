//! What the values of a column are, most likely.

use std::collections::BTreeMap;

use domain::{EventType, MaskedResidentId, ResidentId};
use jiff::fmt::strtime::BrokenDownTime;

use crate::columns::Field;

/// Forms of times that are tried, those with more in them first.
const TIME_FORMS: &[&str] = &[
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S%:z",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y/%m/%d %H:%M:%S",
    "%Y%m%d%H%M%S",
    "%Y%m%d%H%M%S%z",
    "%Y%m%d%H%M%z",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M",
    "%Y.%m.%d %H:%M:%S",
    "%Y年%m月%d日 %H时%M分%S秒",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%Y%m%d",
    "%Y.%m.%d",
    "%Y年%m月%d日",
    "%d.%m.%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
];
/// Distinct values that are counted.
const DISTINCT_MAX: usize = 3000;
/// Words that a column of codes has at most.
const WORDS_MAX: usize = 15;
/// Share of values that must fit a shape, in percent: there is always some dirt.
const FIT_PERCENT: usize = 80;

/// What values of a column look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Nothing in it.
    Empty,
    /// Resident numbers whose check digit fits.
    ResidentNumber,
    /// Resident numbers with hidden characters.
    MaskedNumber,
    /// Numbers of mobile phones.
    MobilePhone,
    /// Plates of vehicles.
    Plate,
    /// Two to four Han characters that differ from row to row.
    HanName,
    /// Times of this form.
    Time(&'static str),
    /// Whole numbers.
    Whole,
    /// Numbers with a point.
    Decimal,
    /// A few words again and again.
    Words,
    /// Anything else.
    Text,
}

impl Shape {
    /// The fields of a type that such values are for, when no name says it.
    pub(crate) fn fields(self, emit: EventType) -> &'static [Field] {
        match self {
            Self::ResidentNumber | Self::MaskedNumber => &[Field::IdNumber],
            Self::MobilePhone if matches!(emit, EventType::IdentityObserved | EventType::PresenceInterval) => {
                &[Field::Phone, Field::ContactPhone]
            }
            Self::MobilePhone => &[Field::ContactPhone, Field::Phone],
            Self::Plate => &[Field::Plate],
            Self::HanName => &[Field::Name],
            Self::Time(_) => match emit {
                EventType::IdentityObserved => &[Field::ValidFrom, Field::ValidTo],
                EventType::PresenceInterval | EventType::EncounterChanged => &[Field::StartTime, Field::EndTime],
                EventType::TripSegment => &[Field::DepartTime, Field::ArriveTime],
                EventType::PaymentMade => &[Field::PaidTime],
                EventType::TestResult => &[Field::ReportedTime, Field::CollectedTime],
                EventType::GatePass => &[Field::ScanTime],
                EventType::MeterReading => &[Field::ReadTime],
                EventType::HouseholdMembership => &[Field::UpdatedTime],
                _ => &[],
            },
            _ => &[],
        }
    }

    /// In words, for a comment.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Empty => "empty".to_owned(),
            Self::ResidentNumber => "resident numbers whose check digit fits".to_owned(),
            Self::MaskedNumber => "document numbers with hidden characters".to_owned(),
            Self::MobilePhone => "mobile phones".to_owned(),
            Self::Plate => "plates of vehicles".to_owned(),
            Self::HanName => "Chinese names, it seems".to_owned(),
            Self::Time(form) => format!("times like {form}"),
            Self::Whole => "whole numbers".to_owned(),
            Self::Decimal => "decimal numbers".to_owned(),
            Self::Words => "a few words".to_owned(),
            Self::Text => "texts".to_owned(),
        }
    }
}

/// What a column shows.
#[derive(Clone, Debug)]
pub(crate) struct Traits {
    pub(crate) shape: Shape,
    /// Rows with a value, in percent.
    pub(crate) filled_percent: usize,
    /// No value comes twice.
    pub(crate) unique: bool,
    /// Long numbers in scientific notation: their digits are lost.
    pub(crate) scientific: bool,
    /// The words of a column that has a few of them only.
    pub(crate) words: Vec<String>,
}

impl Traits {
    pub(crate) fn of<'v>(values: impl Iterator<Item = &'v str>) -> Self {
        let mut rows = 0;
        let mut filled = 0;
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for value in values {
            rows += 1;
            if value.is_empty() {
                continue;
            }
            filled += 1;
            if counts.len() < DISTINCT_MAX || counts.contains_key(value) {
                *counts.entry(value).or_default() += 1;
            }
        }
        let counted: usize = counts.values().sum();
        let fit = |test: &dyn Fn(&str) -> bool| {
            let fitting: usize = counts.iter().filter(|(value, _)| test(value)).map(|(_, count)| count).sum();
            counted > 0 && fitting * 100 >= counted * FIT_PERCENT
        };
        let few = counts.len() <= WORDS_MAX && (counts.len() * 4 <= filled || counts.len() <= 2 && filled > 2);
        let short = counts.keys().all(|value| value.chars().count() <= 12 && !has_digits(value, 5));
        let shape = match () {
            () if filled == 0 => Shape::Empty,
            () if fit(&|value| ResidentId::parse(value).is_ok()) => Shape::ResidentNumber,
            () if fit(&is_masked) => Shape::MaskedNumber,
            () if fit(&is_mobile) => Shape::MobilePhone,
            () if fit(&is_plate) => Shape::Plate,
            () => match TIME_FORMS.iter().find(|form| fit(&|value| is_time(form, value))) {
                Some(form) => Shape::Time(form),
                None if few && short => Shape::Words,
                None if fit(&|value| value.parse::<i64>().is_ok()) => Shape::Whole,
                None if fit(&|value| value.parse::<f64>().is_ok()) => Shape::Decimal,
                None if fit(&is_han_name) => Shape::HanName,
                None => Shape::Text,
            },
        };
        // A name that stands in a column once is no word of the source: only what comes again is told.
        let words = counts.iter().filter(|(_, count)| **count > 1).map(|(value, _)| (*value).to_owned());
        Self {
            shape,
            filled_percent: (filled * 100).checked_div(rows).unwrap_or(0),
            unique: filled > 1 && filled == rows && counts.len() == filled,
            scientific: counts.keys().any(|value| is_scientific(value)),
            words: if shape == Shape::Words { words.collect() } else { Vec::new() },
        }
    }

    pub(crate) const fn shape(&self) -> Shape {
        self.shape
    }

    /// Whether values like these can be those of a field.
    pub(crate) fn may_be(&self, field: Field) -> bool {
        if self.shape == Shape::Empty {
            return true;
        }
        let time = matches!(self.shape, Shape::Time(_));
        let number = matches!(self.shape, Shape::Whole | Shape::Decimal | Shape::Words);
        match field {
            _ if field.is_time() => time,
            Field::BirthDate | Field::BoardingDate | Field::ServiceDate | Field::MovedIn | Field::MovedOut => time,
            Field::Latitude | Field::Longitude | Field::RadiusM | Field::Azimuth | Field::Value | Field::Multiplier => {
                number
            }
            Field::Sequence | Field::DeviceSequence => self.shape == Shape::Whole,
            Field::CodeColour => self.shape == Shape::Words,
            Field::Name => !number || self.shape == Shape::Words,
            _ => true,
        }
    }
}

fn has_digits(value: &str, at_least: usize) -> bool {
    value.chars().filter(char::is_ascii_digit).count() >= at_least
}

fn is_masked(value: &str) -> bool {
    value.contains('*') && (MaskedResidentId::parse(value).is_some() || has_digits(value, 4))
}

fn is_mobile(value: &str) -> bool {
    let digits: String = value.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let local = ["+86", "0086", "86"].iter().find_map(|code| digits.strip_prefix(code)).unwrap_or(&digits);
    local.len() == 11
        && local.starts_with('1')
        && matches!(local.as_bytes()[1], b'3'..=b'9')
        && local.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_plate(value: &str) -> bool {
    let mut chars = value.chars();
    let province =
        chars.next().is_some_and(|c| "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼".contains(c));
    let rest: Vec<char> = chars.filter(|c| !matches!(c, '·' | ' ' | '-')).collect();
    province
        && (6..=7).contains(&rest.len())
        && rest[0].is_ascii_uppercase()
        && rest[1..].iter().all(char::is_ascii_alphanumeric)
}

fn is_han_name(value: &str) -> bool {
    (2..=4).contains(&value.chars().count())
        && value.chars().all(|c| matches!(c, '\u{3400}'..='\u{9FFF}' | '\u{20000}'..='\u{323AF}'))
}

fn is_time(form: &str, value: &str) -> bool {
    // A number of eight digits is a day only in years that feeds are of.
    let Ok(parsed) = BrokenDownTime::parse(form, value) else { return false };
    parsed.to_date().is_ok_and(|date| (1900..2100).contains(&date.year()))
}

fn is_scientific(value: &str) -> bool {
    let upper = value.to_ascii_uppercase();
    upper.split_once("E+").is_some_and(|(number, power)| {
        number.parse::<f64>().is_ok() && power.parse::<u8>().is_ok_and(|power| power >= 10)
    })
}
