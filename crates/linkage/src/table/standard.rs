//! The form in which the values of a column are compared.

use std::borrow::Cow;

use rustc_hash::FxHashMap;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Column;
use crate::hanzi;
use crate::placeholder::is_placeholder;

/// What a name begins with that nobody has been given yet.
const UNNAMED: &[&str] =
    &["baby of ", "baby boy ", "baby girl ", "infant of ", "male infant", "female infant", "unknown "];

/// Forms of address and degrees, which are no part of a name.
const TITLES: &[&str] = &[
    "mr",
    "mrs",
    "ms",
    "miss",
    "dr",
    "prof",
    "professor",
    "sir",
    "lady",
    "lord",
    "rev",
    "reverend",
    "herr",
    "frau",
    "madam",
    "madame",
    "mme",
    "mlle",
    "monsieur",
    "sra",
    "srta",
    "shri",
    "smt",
    "jr",
    "sr",
    "junior",
    "senior",
    "ii",
    "iii",
    "iv",
    "esq",
    "phd",
    "md",
];

/// Words that begin a surname of several words.
const PARTICLES: &[&str] = &[
    "de", "del", "la", "las", "los", "da", "das", "di", "do", "dos", "du", "le", "van", "von", "vom", "der", "den",
    "ter", "ten", "zu", "zur", "bin", "ibn", "bint", "al", "el", "abu", "st", "san", "santa", "mac", "mc", "o",
];

/// Folds a text: compatibility forms, one form per Han character, small letters without diacritics, everything that is
/// neither letter nor digit a single space.
pub(crate) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut take = |c: char| match c {
        '*' | '×' | '●' | '□' | '\u{fffd}' => folded.push('*'),
        'ß' => folded.push_str("ss"),
        'æ' | 'Æ' => folded.push_str("ae"),
        'ø' | 'Ø' => folded.push('o'),
        'ł' | 'Ł' => folded.push('l'),
        'đ' | 'Đ' => folded.push('d'),
        '\'' | '’' | '`' | '´' | '·' | '•' | '.' => {}
        c if hanzi::is_han(c) => folded.push(hanzi::unify(c)),
        c if c.is_ascii() && c.is_alphanumeric() => folded.push(c.to_ascii_lowercase()),
        c if c.is_alphanumeric() => folded.extend(c.to_lowercase()),
        _ if folded.ends_with(' ') || folded.is_empty() => {}
        _ => folded.push(' '),
    };
    if text.is_ascii() {
        text.chars().for_each(&mut take);
    } else {
        text.nfkd().filter(|c| !is_combining_mark(*c)).nfc().for_each(&mut take);
    }
    folded.truncate(folded.trim_end().len());
    folded
}

fn is_nothing(folded: &str) -> bool {
    is_placeholder(folded)
        || !folded.chars().any(char::is_alphanumeric)
        || UNNAMED.iter().any(|start| folded.starts_with(start))
}

/// A name, or part of one. Umlauts written out and not are one.
pub(crate) fn name(text: &str) -> String {
    let folded = fold(text);
    if is_nothing(&folded) {
        return String::new();
    }
    if !folded.contains(' ') {
        return folded;
    }
    let words: Vec<&str> = folded.split(' ').collect();
    if words.iter().any(|word| word.chars().any(hanzi::is_han)) {
        return words.concat();
    }
    let plain: Vec<&str> = words.iter().copied().filter(|word| !TITLES.contains(word)).collect();
    if plain.is_empty() { words.join(" ") } else { plain.join(" ") }
}

/// How often words stand first and last in the whole names of a column.
#[derive(Default)]
pub(crate) struct Order(FxHashMap<String, [u32; 2]>);

impl Order {
    /// Counts a whole name.
    pub(crate) fn take(&mut self, text: &str) {
        let (first, last) = match text.split_once([',', '，']) {
            Some((family, given)) => (words_of(given).into_iter().next(), words_of(family).pop()),
            None => {
                let mut words = words_of(text);
                let last = if words.len() > 1 { words.pop() } else { None };
                (words.into_iter().next().filter(|_| last.is_some()), last)
            }
        };
        for (place, word) in [first, last].into_iter().enumerate() {
            if let Some(word) = word {
                self.0.entry(word).or_default()[place] += 1;
            }
        }
    }

    /// How much likelier a word is a given name than a surname, as a factor.
    fn given(&self, word: &str) -> f64 {
        let [first, last] = self.0.get(word).copied().unwrap_or_default();
        (f64::from(first) + 0.5) / (f64::from(last) + 0.5)
    }

    /// Whether the surname stands first.
    fn is_turned(&self, words: &[String]) -> bool {
        match words {
            [first, .., last] => self.given(last) / self.given(first) > TURNED_MIN,
            _ => false,
        }
    }
}

/// How much likelier the other order must be for a whole name to be turned.
const TURNED_MIN: f64 = 20.0;

/// The words of a whole name; what a hyphen joins is one. Titles are left out.
fn words_of(text: &str) -> Vec<String> {
    let all = || text.split_whitespace().map(fold).filter(|word| !word.is_empty());
    let plain: Vec<String> = all().filter(|word| !TITLES.contains(&word.as_str())).collect();
    if plain.is_empty() { all().collect() } else { plain }
}

/// Given name and surname of a whole name.
pub(crate) fn split_name(text: &str, order: &Order) -> (String, String) {
    if let Some((family, given)) = text.split_once([',', '，']) {
        return (name(given), name(family));
    }
    let whole = name(text);
    let chars: Vec<char> = whole.chars().collect();
    if chars.iter().any(|c| hanzi::is_han(*c)) {
        let length = match chars.first() {
            Some('*') => 1,
            _ => hanzi::surname_length(&chars).min(chars.len()),
        };
        return (chars[length..].iter().collect(), chars[..length].iter().collect());
    }
    if whole.is_empty() {
        return (String::new(), String::new());
    }
    let words = words_of(text);
    match words.as_slice() {
        [only] => (String::new(), only.clone()),
        [first, rest @ ..]
            if hanzi::is_surname_reading(first)
                && rest.len() <= 2
                && !hanzi::is_surname_reading(&rest[rest.len() - 1]) =>
        {
            (rest.concat(), first.clone())
        }
        [first, rest @ ..] if order.is_turned(&words) => (rest.join(" "), first.clone()),
        words => {
            let mut start = words.len() - 1;
            while start > 1 && PARTICLES.contains(&words[start - 1].as_str()) {
                start -= 1;
            }
            (words[..start].join(" "), words[start..].join(" "))
        }
    }
}

/// Sex as `m` or `f`; empty when neither.
pub(crate) fn sex(text: &str) -> String {
    match fold(text).as_str() {
        "m" | "male" | "man" | "1" | "男" | "男性" | "mannlich" | "herr" | "boy" | "masculino" | "masculin"
        | "hombre" | "homme" | "h" | "mr" => "m".to_owned(),
        "f" | "female" | "woman" | "2" | "w" | "女" | "女性" | "weiblich" | "frau" | "girl" | "femenino"
        | "feminin" | "mujer" | "femme" | "mrs" | "ms" | "miss" => "f".to_owned(),
        _ => String::new(),
    }
}

/// Which part of a date stands first where its year stands last, by what the dates of a column can be read as.
#[derive(Default)]
pub(crate) struct DateOrder {
    day_first: u32,
    month_first: u32,
}

impl DateOrder {
    /// Counts a date that can be read in one way only.
    pub(crate) fn take(&mut self, text: &str) {
        let mut parts = text.split(['/', '-', ' ']).map(|part| part.parse::<u32>().unwrap_or(0));
        let (first, second) = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        match (first, second) {
            (13..32, 1..13) => self.day_first += 1,
            (1..13, 13..32) => self.month_first += 1,
            _ => {}
        }
    }

    /// Day first, as most of the world writes, unless the dates say otherwise.
    fn is_month_first(&self, text: &str) -> bool {
        self.month_first > self.day_first && !text.contains('.')
    }
}

/// Days from the day before the first of the calendar of spreadsheets to 1970-01-01.
const SPREADSHEET_EPOCH: i64 = 25_569;

/// A day of birth as `YYYYMMDD`; unknown month and day as `00`. Empty when it is no date.
pub(crate) fn birth(text: &str, order: &DateOrder) -> String {
    let text = text.trim();
    let text = text.strip_suffix(".0").unwrap_or(text);
    let day = text.split(['T']).next().unwrap_or(text);
    let month_name = month_of(text);
    let day = if month_name.is_some() { text } else { day };
    let mut parts: Vec<&str> = day.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    if parts.len() > 3 {
        parts.truncate(3);
    }
    let number = |part: &str| part.parse::<u32>().unwrap_or(0);
    if let Some(month) = month_name {
        let (year, day) = match parts.as_slice() {
            [year, day, ..] if year.len() == 4 => (number(year), number(day)),
            [day, year, ..] => (full_year(year), number(day)),
            [year] => (full_year(year), 0),
            [] => return String::new(),
        };
        return dated(year, month, day);
    }
    let (year, month, day) = match parts.as_slice() {
        [one] if one.len() == 8 => compact(one),
        [one] if one.len() == 6 => (number(&one[..4]), number(&one[4..]), 0),
        [one] if one.len() == 5 => return spreadsheet_day(number(one)),
        [one] if one.len() == 4 => (number(one), 0, 0),
        [year, month] if year.len() == 4 => (number(year), number(month), 0),
        [month, year] if year.len() == 4 => (number(year), number(month), 0),
        [year, month, day] if year.len() == 4 => (number(year), number(month), number(day)),
        [first, second, year] if year.len() == 4 || year.len() == 2 => {
            let (first, second) = (number(first), number(second));
            let month_first = (second > 12 || order.is_month_first(text)) && first <= 12;
            let year = full_year(year);
            if month_first { (year, first, second) } else { (year, second, first) }
        }
        _ => return String::new(),
    };
    dated(year, month, day)
}

fn dated(year: u32, month: u32, day: u32) -> String {
    if !(1000..2200).contains(&year) || month > 99 || day > 99 {
        return String::new();
    }
    format!("{year:04}{month:02}{day:02}")
}

/// A year of two digits is one of the last hundred.
fn full_year(text: &str) -> u32 {
    let year = text.parse::<u32>().unwrap_or(0);
    match (text.len(), year) {
        (2, 0..=26) => 2000 + year,
        (2, _) => 1900 + year,
        _ => year,
    }
}

/// The month that a date names in letters.
fn month_of(text: &str) -> Option<u32> {
    const MONTHS: [[&str; 3]; 12] = [
        ["jan", "jan", "ene"],
        ["feb", "fev", "feb"],
        ["mar", "mrz", "mär"],
        ["apr", "avr", "abr"],
        ["may", "mai", "mayo"],
        ["jun", "juin", "jun"],
        ["jul", "juil", "jul"],
        ["aug", "aou", "ago"],
        ["sep", "sep", "sep"],
        ["oct", "okt", "out"],
        ["nov", "nov", "nov"],
        ["dec", "dez", "dic"],
    ];
    if !text.chars().any(char::is_alphabetic) {
        return None;
    }
    let small = text.to_lowercase().replace('é', "e").replace('û', "u");
    let word = small.split(|c: char| !c.is_alphabetic()).find(|word| word.chars().count() >= 3)?;
    MONTHS.iter().position(|names| names.iter().any(|name| word.starts_with(name))).map(|place| place as u32 + 1)
}

/// A date that a spreadsheet has turned into a number of days.
fn spreadsheet_day(days: u32) -> String {
    // Days to a civil date: the eras of 400 years of the Gregorian calendar, years beginning in March.
    let shifted = i64::from(days) - SPREADSHEET_EPOCH + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    dated(year as u32, month as u32, day as u32)
}

fn compact(text: &str) -> (u32, u32, u32) {
    let number = |range: std::ops::Range<usize>| text[range].parse::<u32>().unwrap_or(0);
    let year = number(0..4);
    if (1000..2200).contains(&year) {
        return (year, number(4..6), number(6..8));
    }
    (number(4..8), number(2..4), number(0..2))
}

/// A number of an authority: letters and digits only. A Chinese resident number of 15 digits becomes one of 18.
pub(crate) fn national_id(text: &str) -> String {
    let plain: String = fold(text).chars().filter(|c| *c != ' ').collect();
    if is_nothing(&plain) || is_one_character(&plain) {
        return String::new();
    }
    if plain.len() == 15
        && plain.bytes().all(|b| b.is_ascii_digit())
        && let Ok(number) = domain::ResidentId::parse(&plain)
    {
        return number.as_str().to_lowercase();
    }
    plain
}

/// A phone number: its last digits, without the country's code and the zero of the trunk.
pub(crate) fn phone(text: &str) -> String {
    let digits: String = text.nfkc().filter(char::is_ascii_digit).collect();
    if digits.len() < 5 || is_one_character(&digits) {
        return String::new();
    }
    let international = text.trim_start().starts_with('+') || digits.starts_with("00");
    let mut rest = digits.trim_start_matches('0');
    if international || rest.len() > 11 {
        // Country codes have one to three digits; nine to eleven remain, and the last nine tell numbers apart.
        rest = &rest[rest.len().saturating_sub(9)..];
    }
    rest[rest.len().saturating_sub(9)..].to_owned()
}

fn is_one_character(text: &str) -> bool {
    let first = text.bytes().next();
    text.bytes().all(|byte| Some(byte) == first)
}

/// A mail address: small letters, no blanks.
pub(crate) fn email(text: &str) -> String {
    let plain: String = text.trim().chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    if plain.contains('@') && plain.len() >= 5 { plain } else { String::new() }
}

/// A town, a state, an occupation.
pub(crate) fn words(text: &str) -> String {
    let folded = fold(text);
    if is_nothing(&folded) { String::new() } else { folded }
}

/// A line of an address: the German word for street is one word, however short it is written.
fn address(text: &str) -> String {
    let plain = words(text);
    match plain.split(' ').any(|word| word.ends_with("str")) {
        true => plain.split(' ').map(street).collect::<Vec<_>>().join(" "),
        false => plain,
    }
}

fn street(word: &str) -> Cow<'_, str> {
    word.strip_suffix("str").map_or(word.into(), |name| format!("{name}strasse").into())
}

/// A postal code or number of a house.
pub(crate) fn code(text: &str) -> String {
    let folded = fold(text);
    if is_nothing(&folded) {
        return String::new();
    }
    let whole = folded.strip_suffix(" 0").filter(|_| text.trim().ends_with(".0")).unwrap_or(&folded);
    whole.chars().filter(|c| *c != ' ').collect()
}

/// The standard form of a value of a column that is not a whole name.
pub(crate) fn standard(column: Column, text: &str, dates: &DateOrder) -> String {
    match column {
        Column::GivenName | Column::Surname | Column::FullName => name(text),
        Column::Gender => sex(text),
        Column::Dob | Column::BirthYear | Column::BirthMonth | Column::BirthDay => birth(text, dates),
        Column::NationalId => national_id(text),
        Column::Phone => phone(text),
        Column::Email => email(text),
        Column::StreetNumber | Column::Postcode => code(text),
        Column::Address1 | Column::Address2 => address(text),
        Column::Suburb | Column::State | Column::BirthPlace | Column::Occupation => words(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_in_many_notations_are_one() {
        for text in
            ["1987-02-11", "19870211", "11.02.1987", "11/02/1987", "1987/2/11", "1987-02-11T00:00:00", "1987年2月11日"]
        {
            assert_eq!(birth(text, &DateOrder::default()), "19870211", "{text}");
        }
        for text in ["02/11/1987", "11-Feb-87", "Feb 11, 1987", "11. Februar 1987", "31819", "31819.0", "2/11/87"] {
            assert_eq!(birth(text, &DateOrder { day_first: 1, month_first: 9 }), "19870211", "{text}");
        }
        assert_eq!(birth("1987", &DateOrder::default()), "19870000");
        assert_eq!(birth("02/14/1987", &DateOrder::default()), "19870214");
        assert_eq!(birth("no date", &DateOrder::default()), "");
    }

    #[test]
    fn names_are_split_where_their_surname_stands() {
        let mut order = Order::default();
        ["Karen Olsen", "Karen Dahl", "Karen Moe", "Ann Buck-Discher", "Eva Buck-Discher", "Liv Buck-Discher"]
            .iter()
            .for_each(|text| order.take(text));
        let split = |text| split_name(text, &order);
        assert_eq!(split("BUCK-DISCHER KAREN"), ("karen".to_owned(), "buck discher".to_owned()));
        assert_eq!(split("Jan van der Berg Jr."), ("jan".to_owned(), "van der berg".to_owned()));
        assert_eq!(split("Dr. Anna Maria Müller"), ("anna maria".to_owned(), "muller".to_owned()));
        assert_eq!(split("Müller, Anna"), ("anna".to_owned(), "muller".to_owned()));
        assert_eq!(split("欧阳静怡"), ("静怡".to_owned(), "欧阳".to_owned()));
        assert_eq!(split("*明"), ("明".to_owned(), "*".to_owned()));
    }

    #[test]
    fn a_street_is_the_same_in_full_and_short() {
        let standard = |text| standard(Column::Address1, text, &DateOrder::default());
        assert_eq!(standard("Hauptstr. 5"), standard("HAUPTSTRASSE 5"));
        assert_eq!(standard("Lange Str. 7"), standard("Lange Straße 7"));
        assert_ne!(standard("Hauptstr. 5"), standard("Hauptplatz 5"));
    }

    #[test]
    fn a_phone_is_the_same_in_national_and_international_form() {
        assert_eq!(phone("+86 138-1234-5678"), phone("13812345678"));
        assert_eq!(phone("+49 30 1234567"), phone("030 1234567"));
        assert_eq!(phone("0000000"), "");
    }
}
