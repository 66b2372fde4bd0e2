//! What the data elements hold and how long they are, by version of the standard.

/// What a data element holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Digits: packed where the partner packs.
    Digits,
    /// Characters.
    Text,
    /// A currency: digits, packed where the partner packs, or letters.
    Currency,
    /// Track data: digits and separators, packed as digits are.
    Track,
    /// Bytes: hexadecimal digits where the partner writes characters.
    Bytes,
}

/// How long it is: a fixed length, or at most so long with a length of two or three digits before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Length {
    Fixed(usize),
    Two(usize),
    Three(usize),
}

/// The version of the standard that a message is of; the first digit of its type tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1987,
    V1993,
}

impl Version {
    pub(super) fn of(kind: &str) -> Option<Self> {
        match kind.as_bytes().first() {
            Some(b'0') => Some(Self::V1987),
            Some(b'1') => Some(Self::V1993),
            _ => None,
        }
    }

    pub(super) const fn element(self, number: usize) -> (Form, Length) {
        match self {
            Self::V1987 => of_1987(number),
            Self::V1993 => of_1993(number),
        }
    }
}

use Form::{Bytes, Currency, Digits, Text, Track};
use Length::{Fixed, Three, Two};

/// A data element as a partner's manual writes it: `n 12`, `ans 40`, `b 8`, or with its length before it `ll n 11`,
/// `lllvar ans 999`.
pub(super) fn declared(text: &str) -> Option<(Form, Length)> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let (length, form, count): (fn(usize) -> Length, _, _) = match words[..] {
        [form, count] => (Fixed, form, count),
        ["ll" | "llvar", form, count] => (Two, form, count),
        ["lll" | "lllvar", form, count] => (Three, form, count),
        _ => return None,
    };
    let form = match form {
        "n" => Digits,
        "a" | "an" | "as" | "ns" | "ans" | "s" | "x+n" => Text,
        "z" => Track,
        "b" => Bytes,
        _ => return None,
    };
    let count = count.parse().ok().filter(|count| (1..=999).contains(count))?;
    Some((form, length(count)))
}

const fn of_1987(number: usize) -> (Form, Length) {
    match number {
        2 => (Digits, Two(19)),
        3 | 11 | 12 | 73 => (Digits, Fixed(6)),
        4..=6 => (Digits, Fixed(12)),
        7 => (Digits, Fixed(10)),
        8..=10 => (Digits, Fixed(8)),
        13..=18 | 71 | 72 => (Digits, Fixed(4)),
        19..=24 | 68..=70 => (Digits, Fixed(3)),
        25 | 26 | 67 => (Digits, Fixed(2)),
        27 | 66 => (Digits, Fixed(1)),
        28..=31 => (Text, Fixed(9)),
        32 | 33 | 99 | 100 => (Digits, Two(11)),
        34 => (Text, Two(28)),
        35 => (Track, Two(37)),
        36 => (Track, Three(104)),
        37 => (Text, Fixed(12)),
        38 => (Text, Fixed(6)),
        39 | 92 => (Text, Fixed(2)),
        40 => (Text, Fixed(3)),
        41 => (Text, Fixed(8)),
        42 => (Text, Fixed(15)),
        43 => (Text, Fixed(40)),
        44 => (Text, Two(25)),
        45 => (Text, Two(76)),
        49..=51 => (Currency, Fixed(3)),
        52 | 64 | 96 | 128 => (Bytes, Fixed(8)),
        53 | 86..=89 => (Digits, Fixed(16)),
        65 => (Bytes, Fixed(1)),
        74..=81 => (Digits, Fixed(10)),
        82..=85 => (Digits, Fixed(12)),
        90 => (Digits, Fixed(42)),
        91 => (Text, Fixed(1)),
        93 => (Text, Fixed(5)),
        94 => (Text, Fixed(7)),
        95 => (Text, Fixed(42)),
        97 => (Text, Fixed(17)),
        98 => (Text, Fixed(25)),
        101 => (Text, Two(17)),
        102 | 103 => (Text, Two(28)),
        _ => (Text, Three(999)),
    }
}

const fn of_1993(number: usize) -> (Form, Length) {
    match number {
        12 => (Digits, Fixed(12)),
        15 | 28 => (Digits, Fixed(6)),
        22 => (Text, Fixed(12)),
        25 | 26 => (Digits, Fixed(4)),
        29 | 39 | 40 | 57 | 91 | 92 => (Digits, Fixed(3)),
        30 => (Digits, Fixed(24)),
        31 | 43 | 44 | 95 => (Text, Two(99)),
        46 | 66 => (Text, Three(204)),
        49..=51 => (Text, Fixed(3)),
        53 => (Bytes, Two(48)),
        54 => (Text, Three(120)),
        55 => (Bytes, Three(255)),
        56 => (Digits, Two(35)),
        58 | 93 | 94 => (Digits, Two(11)),
        65 => (Bytes, Fixed(8)),
        71 => (Digits, Fixed(8)),
        72 => (Text, Three(999)),
        82..=85 | 90 | 107 | 108 => (Digits, Fixed(10)),
        96 => (Bytes, Three(999)),
        104 => (Text, Three(100)),
        105 | 106 => (Digits, Fixed(16)),
        109 | 110 => (Text, Two(84)),
        unchanged => of_1987(unchanged),
    }
}
