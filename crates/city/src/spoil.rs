//! Damage: rows that no connector can use, each in one known way.

use crate::dice::Dice;
use crate::write::{Row, Shape};

/// What is wrong with a broken row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Damage {
    /// The row ends in the middle.
    MissingColumns,
    /// A day or time that does not exist.
    BadTime,
    /// The last digit of the resident number is wrong.
    CheckDigit,
    /// A NUL byte in a text.
    Nul,
    /// The second half of a character is gone.
    HalfCharacter,
    /// The text is already wrong when the feed makes it; this is the name of the trap.
    Planted(&'static str),
}

impl Damage {
    /// The trap's name in the truth.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::MissingColumns => "broken-missing-columns",
            Self::BadTime => "broken-time",
            Self::CheckDigit => "broken-check-digit",
            Self::Nul => "broken-nul",
            Self::HalfCharacter => "broken-half-character",
            Self::Planted(code) => code,
        }
    }
}

/// Marks the place of a half character until the row is bytes; it stands in no feed.
const TEAR: char = '\u{1}';

/// Damage that this row can take.
pub(crate) fn damage_for(row: &Row, shape: &Shape, dice: &mut Dice) -> Damage {
    // A quoted field may hold the separator: such rows are only cut off.
    if shape.separator == ',' && row.text.contains('"') {
        return Damage::MissingColumns;
    }
    let number = field(&row.text, shape, shape.id);
    let has_number = number.is_some_and(|text| text.len() == 18 && text.bytes().all(|b| b.is_ascii_alphanumeric()));
    let has_han = field(&row.text, shape, Some(shape.text)).is_some_and(|text| !text.is_ascii());
    match dice.below(6) {
        0 | 1 => Damage::MissingColumns,
        3 | 4 if has_number => Damage::CheckDigit,
        4 => Damage::Nul,
        5 if has_han => Damage::HalfCharacter,
        _ => Damage::BadTime,
    }
}

/// The row's text with its damage; a half character is only marked.
pub(crate) fn damaged(text: &str, shape: &Shape, damage: Damage) -> String {
    match damage {
        Damage::MissingColumns => text.chars().take(text.chars().count() / 2).collect(),
        Damage::BadTime => replaced(text, shape, shape.time, |time| {
            let (day, rest) = time.split_at(time.len().min(if time.contains('-') { 10 } else { 8 }));
            let day = if day.contains('-') { "2022-02-30" } else { "20220230" };
            format!("{day}{rest}")
        }),
        Damage::CheckDigit => replaced(text, shape, shape.id.unwrap_or(shape.text), |number| {
            let (body, last) = number.split_at(number.len().saturating_sub(1));
            format!("{body}{}", if last == "5" { "6" } else { "5" })
        }),
        Damage::Nul => replaced(text, shape, shape.text, |text| {
            let mut characters = text.chars();
            let first: String = characters.next().into_iter().collect();
            format!("{first}\0{}", characters.as_str())
        }),
        Damage::HalfCharacter => replaced(text, shape, shape.text, |text| {
            let mut torn = String::new();
            let mut done = false;
            for character in text.chars() {
                torn.push(character);
                if !done && !character.is_ascii() {
                    torn.push(TEAR);
                    done = true;
                }
            }
            torn
        }),
        Damage::Planted(_) => text.to_owned(),
    }
}

/// Takes the byte before the mark away, and the mark.
pub(crate) fn tear(bytes: &mut Vec<u8>, damage: Damage) {
    if damage == Damage::HalfCharacter
        && let Some(mark) = bytes.iter().position(|b| *b == TEAR as u8)
    {
        bytes.drain(mark.saturating_sub(1)..=mark);
    }
}

/// Key names of NDJSON rows, by which `Shape` counts its columns there.
pub(crate) const JSON_KEYS: [&str; 3] = ["\"scan_time\":\"", "\"id_no\":\"", "\"name\":\""];

fn span(text: &str, shape: &Shape, column: usize) -> Option<(usize, usize)> {
    if shape.separator == '{' {
        let key = JSON_KEYS[column];
        let start = text.find(key)? + key.len();
        return Some((start, start + text[start..].find('"')?));
    }
    let mut start = 0;
    for _ in 0..column {
        start += text[start..].find(shape.separator)? + shape.separator.len_utf8();
    }
    let end = text[start..].find(shape.separator).map_or(text.len(), |length| start + length);
    Some((start, end))
}

fn field<'a>(text: &'a str, shape: &Shape, column: Option<usize>) -> Option<&'a str> {
    let (start, end) = span(text, shape, column?)?;
    Some(&text[start..end])
}

fn replaced(text: &str, shape: &Shape, column: usize, change: impl Fn(&str) -> String) -> String {
    match span(text, shape, column) {
        Some((start, end)) => format!("{}{}{}", &text[..start], change(&text[start..end]), &text[end..]),
        // A row without the field is cut off instead, so that it is broken in any case.
        None => text.chars().take(text.chars().count() / 2).collect(),
    }
}
