//! The form in which the values of a column are compared.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Column;
use crate::hanzi;

/// What people and programs write where they know nothing.
const NOTHING: &[&str] = &[
    "na",
    "n a",
    "nan",
    "null",
    "none",
    "nil",
    "unknown",
    "unk",
    "not known",
    "not stated",
    "not applicable",
    "test",
    "missing",
    "anonymous",
    "no name",
    "not given",
    "baby boy",
    "baby girl",
    "baby",
    "newborn",
    "male",
    "female",
    "name unknown",
    "x",
    "xx",
    "xxx",
    "xxxx",
    "不详",
    "未知",
    "无",
    "无名",
    "无名氏",
    "佚名",
    "匿名",
    "测试",
    "暂无",
    "没有",
    "空",
    "unbekannt",
];

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
    NOTHING.contains(&folded) || !folded.chars().any(char::is_alphanumeric)
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

/// Given name and surname of a whole name.
pub(crate) fn split_name(text: &str) -> (String, String) {
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
    let words: Vec<&str> = whole.split(' ').collect();
    match words.as_slice() {
        [only] => (String::new(), (*only).to_owned()),
        [first, rest @ ..]
            if hanzi::is_surname_reading(first)
                && rest.len() <= 2
                && !hanzi::is_surname_reading(rest[rest.len() - 1]) =>
        {
            (rest.concat(), (*first).to_owned())
        }
        [rest @ .., last] => (rest.join(" "), (*last).to_owned()),
        [] => (String::new(), String::new()),
    }
}

/// Sex as `m` or `f`; empty when neither.
pub(crate) fn sex(text: &str) -> String {
    match fold(text).as_str() {
        "m" | "male" | "man" | "1" | "男" | "男性" | "mannlich" | "männlich" | "herr" | "boy" => "m".to_owned(),
        "f" | "female" | "woman" | "2" | "w" | "女" | "女性" | "weiblich" | "frau" | "girl" => "f".to_owned(),
        _ => String::new(),
    }
}

/// A day of birth as `YYYYMMDD`; unknown month and day as `00`. Empty when it is no date.
pub(crate) fn birth(text: &str) -> String {
    let text = text.trim();
    let day = text.split(['T']).next().unwrap_or(text);
    let mut parts: Vec<&str> = day.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    if parts.len() > 3 {
        parts.truncate(3);
    }
    let number = |part: &str| part.parse::<u32>().unwrap_or(0);
    let (year, month, day) = match parts.as_slice() {
        [one] if one.len() == 8 => compact(one),
        [one] if one.len() == 6 => (number(&one[..4]), number(&one[4..]), 0),
        [one] if one.len() == 4 => (number(one), 0, 0),
        [year, month] if year.len() == 4 => (number(year), number(month), 0),
        [month, year] if year.len() == 4 => (number(year), number(month), 0),
        [year, month, day] if year.len() == 4 => (number(year), number(month), number(day)),
        [first, second, year] if year.len() == 4 => {
            // Day first, as most of the world writes; month first only where nothing else is possible.
            let (first, second) = (number(first), number(second));
            if second > 12 && first <= 12 { (number(year), first, second) } else { (number(year), second, first) }
        }
        _ => return String::new(),
    };
    if !(1000..2200).contains(&year) || month > 99 || day > 99 {
        return String::new();
    }
    format!("{year:04}{month:02}{day:02}")
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

/// A line of an address, a town, a state, an occupation.
pub(crate) fn words(text: &str) -> String {
    let folded = fold(text);
    if is_nothing(&folded) { String::new() } else { folded }
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
pub(crate) fn standard(column: Column, text: &str) -> String {
    match column {
        Column::GivenName | Column::Surname | Column::FullName => name(text),
        Column::Gender => sex(text),
        Column::Dob => birth(text),
        Column::NationalId => national_id(text),
        Column::Phone => phone(text),
        Column::Email => email(text),
        Column::StreetNumber | Column::Postcode => code(text),
        Column::Address1
        | Column::Address2
        | Column::Suburb
        | Column::State
        | Column::BirthPlace
        | Column::Occupation => words(text),
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
            assert_eq!(birth(text), "19870211", "{text}");
        }
        assert_eq!(birth("1987"), "19870000");
        assert_eq!(birth("02/14/1987"), "19870214");
        assert_eq!(birth("no date"), "");
    }

    #[test]
    fn names_are_split_where_their_surname_stands() {
        let split = |text| split_name(text);
        assert_eq!(split("Dr. Anna Maria Müller"), ("anna maria".to_owned(), "muller".to_owned()));
        assert_eq!(split("Müller, Anna"), ("anna".to_owned(), "muller".to_owned()));
        assert_eq!(split("欧阳静怡"), ("静怡".to_owned(), "欧阳".to_owned()));
        assert_eq!(split("*明"), ("明".to_owned(), "*".to_owned()));
    }

    #[test]
    fn a_phone_is_the_same_in_national_and_international_form() {
        assert_eq!(phone("+86 138-1234-5678"), phone("13812345678"));
        assert_eq!(phone("+49 30 1234567"), phone("030 1234567"));
        assert_eq!(phone("0000000"), "");
    }
}
