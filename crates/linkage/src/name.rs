//! Names in the form in which they are compared.

use std::borrow::Cow;

use domain::{PersonName, Script};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::hanzi;
use crate::hash::{hash_text, hash_words, mix};
use crate::model::Model;
use crate::placeholder::is_placeholder;

/// What stands for a character that the source hides or lost.
pub(crate) const HIDDEN: char = '*';

/// In which letters a name is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum NameKind {
    Han,
    Latin,
    /// Han or Latin with hidden characters.
    Hidden,
}

/// One name of a record.
///
/// The frequencies are base-2 logarithms of how frequent the part is among people, by the model's tables.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NameForm {
    pub(crate) kind: NameKind,
    /// Bytes of `text` that are the surname; 0 when it cannot be told.
    pub(crate) family_len: u8,
    /// Surname first, without blanks (Latin: lower case without diacritics, a space after the surname).
    pub(crate) text: Box<str>,
    /// 0 when unknown.
    pub(crate) family: u64,
    pub(crate) given: u64,
    pub(crate) family_sound: u64,
    pub(crate) given_sound: u64,
    /// Surname and given name as read, whichever comes first.
    pub(crate) sound: u64,
    pub(crate) frequency: NameFrequency,
}

/// Base-2 logarithms of frequencies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NameFrequency {
    pub(crate) family: f32,
    pub(crate) given: f32,
    pub(crate) family_sound: f32,
    pub(crate) given_sound: f32,
}

const ORGANISATION: &[&str] = &[
    "公司",
    "集团",
    "有限",
    "工厂",
    "学校",
    "大学",
    "医院",
    "银行",
    "委员会",
    "合作社",
    "事务所",
    "服务中心",
    "商行",
    "超市",
    "酒店",
    "宾馆",
    "政府",
    "管理局",
    "公安局",
    "办公室",
    "派出所",
    "幼儿园",
    "经营部",
    "门市部",
    "研究院",
    "研究所",
    "协会",
    "物业",
];

/// Whether a name is that of a company, school or office.
pub(crate) fn is_organisation(name: &PersonName) -> bool {
    let text = name.text.expose();
    if name.script == Script::Latin {
        let lower = text.to_lowercase();
        return [" ltd", " co.", " inc", " llc", " gmbh"].iter().any(|word| lower.contains(word));
    }
    text.chars().count() >= 4 && ORGANISATION.iter().any(|word| text.contains(word))
}

impl NameForm {
    /// Every form of a name that is worth comparing: none for a placeholder, two for a wife's name that begins with
    /// her husband's surname.
    pub(crate) fn of(name: &PersonName, model: &Model) -> Vec<Self> {
        let text = clean(name.text.expose());
        if text.ends_with("之子") || text.ends_with("之女") {
            return Vec::new();
        }
        let chars: Vec<char> = text.chars().filter(|c| hanzi::is_han(*c) || *c == HIDDEN).collect();
        if chars.iter().any(|c| hanzi::is_han(*c)) {
            let family = name.family.as_ref().map(|f| clean(f.expose()).chars().filter(|c| hanzi::is_han(*c)).count());
            return Self::han(&chars, family, model);
        }
        let form = match (&name.family, &name.given) {
            (Some(family), Some(given)) => Self::latin(&clean(family.expose()), &clean(given.expose()), model),
            _ => {
                let (family, given) = split_latin(&text);
                Self::latin(&family, &given, model)
            }
        };
        form.into_iter().collect()
    }

    fn han(chars: &[char], family: Option<usize>, model: &Model) -> Vec<Self> {
        let text: String = chars.iter().collect();
        if is_placeholder(&text) || chars.len() > 40 || chars.len() < 2 {
            return Vec::new();
        }
        if chars.contains(&HIDDEN) {
            return vec![Self::hidden(chars, model)];
        }
        let stated = family.filter(|length| (1..chars.len()).contains(length) && *length <= 4);
        let length = stated.unwrap_or_else(|| hanzi::surname_length(chars));
        let mut forms = vec![Self::han_split(chars, length, model)];
        let prefixed = chars.len() == 4 && length == 1 && hanzi::is_common(chars[0]) && hanzi::is_common(chars[1]);
        if prefixed {
            forms.push(Self::han_split(&chars[1..], 1, model));
        }
        forms
    }

    fn han_split(chars: &[char], length: usize, model: &Model) -> Self {
        let text: String = chars.iter().collect();
        let (family, given): (String, String) = (chars[..length].iter().collect(), chars[length..].iter().collect());
        let family_read = if length == 0 { String::new() } else { hanzi::surname_reading(&family) };
        let given_read = hanzi::reading(chars[length..].iter().copied());
        let (family_sound, given_sound) = (fold(&family_read), fold(&given_read));
        let tables = model.tables();
        let frequency = if length == 0 {
            let whole = tables.unsplit();
            NameFrequency { family: 0.0, given: whole, family_sound: 0.0, given_sound: whole }
        } else {
            NameFrequency {
                family: tables.family(&family),
                given: tables.given(&chars[length..]),
                family_sound: tables.family_sound(&family_read),
                given_sound: tables.given_sound(&chars[length..]),
            }
        };
        Self {
            kind: NameKind::Han,
            family_len: family.len() as u8,
            family: hash_part(&family),
            given: hash_part(&given),
            family_sound: hash_part(&family_sound),
            given_sound: hash_part(&given_sound),
            sound: hash_sound(&family_sound, &given_sound),
            frequency,
            text: text.into(),
        }
    }

    fn hidden(chars: &[char], model: &Model) -> Self {
        let text: String = chars.iter().collect();
        let tables = model.tables();
        let family = if chars[0] == HIDDEN { 0 } else { 1 };
        let family_text: String = chars[..family].iter().collect();
        let given: Vec<char> = chars[family..].iter().copied().filter(|c| *c != HIDDEN).collect();
        // A given name of which only one character shows says what that character says.
        let visible: f32 = given.iter().map(|c| tables.character(*c)).sum();
        Self {
            kind: NameKind::Hidden,
            family_len: family_text.len() as u8,
            family: hash_part(&family_text),
            given: 0,
            family_sound: if family == 0 { 0 } else { hash_part(&fold(&hanzi::surname_reading(&family_text))) },
            given_sound: 0,
            sound: 0,
            frequency: NameFrequency {
                family: if family == 0 { 0.0 } else { tables.family(&family_text) },
                given: visible,
                family_sound: 0.0,
                given_sound: 0.0,
            },
            text: text.into(),
        }
    }

    fn latin(family: &str, given: &str, model: &Model) -> Option<Self> {
        let (family, given) = (squeeze(family), squeeze(given));
        let text = format!("{family} {given}");
        if is_placeholder(text.trim()) || family.len() > 80 || given.len() > 120 || text.trim().chars().count() < 2 {
            return None;
        }
        let kind = if text.contains(HIDDEN) { NameKind::Hidden } else { NameKind::Latin };
        let family_read = family.replace(' ', "");
        let given_read = given.replace(' ', "");
        let (family_sound, given_sound) = (fold(&family_read), fold(&given_read));
        let tables = model.tables();
        let first = given.split(' ').next().unwrap_or("");
        let chinese = hanzi::is_surname_reading(&family_read);
        let frequency = NameFrequency {
            family: if family.is_empty() { 0.0 } else { tables.latin_family(&family, chinese, &family_read) },
            given: if given.is_empty() { 0.0 } else { tables.latin_given(first) },
            family_sound: if family.is_empty() { 0.0 } else { tables.latin_family(&family, chinese, &family_read) },
            given_sound: if given.is_empty() { 0.0 } else { tables.latin_given(first) },
        };
        Some(Self {
            kind,
            family_len: family.len() as u8,
            family: hash_part(&family),
            given: hash_part(&given),
            family_sound: hash_part(&family_sound),
            given_sound: hash_part(&given_sound),
            sound: hash_sound(&family_sound, &given_sound),
            frequency,
            text: text.into(),
        })
    }

    /// Surname, or the empty text when it cannot be told.
    pub(crate) fn family_text(&self) -> &str {
        &self.text[..usize::from(self.family_len)]
    }

    /// Given name, or the whole name when the surname cannot be told.
    pub(crate) fn given_text(&self) -> &str {
        self.text[usize::from(self.family_len)..].trim_start()
    }

    /// The last character of the given name, as it sounds; 0 when it is hidden. A partly hidden name mostly shows it.
    pub(crate) fn last_sound(&self) -> u64 {
        match self.text.chars().next_back() {
            Some(c) if hanzi::is_han(c) => hash_text(&fold(&hanzi::reading(std::iter::once(c)))),
            _ => 0,
        }
    }
}

/// ü is written V, YU or U in passports, and the reading of 玉 is written YU: all become `u`.
fn fold(reading: &str) -> Cow<'_, str> {
    if reading.contains('v') || reading.contains("yu") {
        Cow::Owned(reading.replace("yu", "u").replace('v', "u"))
    } else {
        Cow::Borrowed(reading)
    }
}

fn hash_part(part: &str) -> u64 {
    if part.is_empty() { 0 } else { hash_text(part) }
}

fn hash_sound(a: &str, b: &str) -> u64 {
    let (a, b) = (hash_part(a), hash_part(b));
    hash_words(&[a.min(b), mix(a.max(b), 1)])
}

/// NFKC, one form per Han character, lower case, hidden and lost characters as `*`, dots between parts of a name gone.
fn clean(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    let mut take = |c: char| match c {
        '*' | '×' | '●' | '○' | '□' | '?' | '\u{fffd}' | '\u{e000}'..='\u{f8ff}' | '某' => cleaned.push(HIDDEN),
        '·' | '•' | '‧' | '・' | '.' | '\u{200b}'..='\u{200f}' | '\u{feff}' => {}
        c if hanzi::is_han(c) => cleaned.push(hanzi::unify(c)),
        c => cleaned.extend(c.to_lowercase()),
    };
    if hanzi::is_plain(text) {
        text.chars().for_each(&mut take);
    } else {
        text.nfkc().for_each(&mut take);
    }
    cleaned
}

/// Lower-case Latin letters without diacritics; everything else parts words.
fn squeeze(text: &str) -> String {
    let mut words = String::with_capacity(text.len());
    for c in text.nfd().filter(|c| !is_combining_mark(*c)) {
        match c {
            'ß' => words.push_str("ss"),
            'æ' => words.push_str("ae"),
            'ø' => words.push('o'),
            'ł' => words.push('l'),
            'đ' => words.push('d'),
            '\'' | '’' | '`' | '´' => {}
            c if c.is_alphanumeric() || c == HIDDEN => words.push(c),
            _ if words.ends_with(' ') || words.is_empty() => {}
            _ => words.push(' '),
        }
    }
    words.trim_end().to_owned()
}

/// Which word of a name in one piece is the surname: before a comma, a known Chinese surname in front, or the last.
fn split_latin(text: &str) -> (String, String) {
    if let Some((family, given)) = text.split_once([',', '^']) {
        return (family.to_owned(), given.to_owned());
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    match words.as_slice() {
        [] => (String::new(), String::new()),
        [only] => (String::new(), (*only).to_owned()),
        [first, rest @ ..] if hanzi::is_surname_reading(first) => ((*first).to_owned(), rest.join(" ")),
        [rest @ .., last] => ((*last).to_owned(), rest.join(" ")),
    }
}
