//! Names and sex as sources state them.

use serde::{Deserialize, Serialize};

use crate::Sensitive;

/// The script a name is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Script {
    /// Another script, or mixed.
    #[default]
    Other,
    /// Han characters, simplified or traditional.
    Han,
    /// Latin letters.
    Latin,
}

/// A person's name as one source writes it. The text is kept; standardizing it is linkage's work.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PersonName {
    /// The whole name as the source wrote it, spaces at the ends removed.
    pub text: Sensitive<String>,
    /// The script of `text`.
    pub script: Script,
    /// Family name, when the source keeps it apart.
    pub family: Option<Sensitive<String>>,
    /// Given name or names, when the source keeps them apart.
    pub given: Option<Sensitive<String>>,
}

impl PersonName {
    /// A name in one piece; `None` when nothing but blanks is there.
    pub fn whole(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self { text: text.into(), script: Script::of(text), family: None, given: None })
    }

    /// A name in two pieces, of which one may be empty; `None` when both are.
    pub fn parts(family: &str, given: &str) -> Option<Self> {
        let (family, given) = (family.trim(), given.trim());
        let script = match (Script::of(family), Script::of(given)) {
            (Script::Other, script) | (script, Script::Other) => script,
            (a, b) if a == b => a,
            _ => Script::Other,
        };
        let text = match script {
            Script::Han => format!("{family}{given}"),
            _ => format!("{given} {family}").trim().to_owned(),
        };
        let piece = |text: &str| (!text.is_empty()).then(|| Sensitive::from(text));
        (!text.is_empty()).then(|| Self { text: text.into(), script, family: piece(family), given: piece(given) })
    }
}

impl Script {
    /// The script of a text: Han when every letter is a Han character, Latin when every letter is Latin.
    pub fn of(text: &str) -> Self {
        let mut script = None;
        for c in text.chars().filter(|c| c.is_alphabetic()) {
            let this = match c {
                '\u{3007}'
                | '\u{3400}'..='\u{4dbf}'
                | '\u{4e00}'..='\u{9fff}'
                | '\u{f900}'..='\u{faff}'
                | '\u{20000}'..='\u{3134f}' => Self::Han,
                'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{24f}' | '\u{1e00}'..='\u{1eff}' => Self::Latin,
                _ => return Self::Other,
            };
            match script {
                None => script = Some(this),
                Some(before) if before == this => {}
                Some(_) => return Self::Other,
            }
        }
        script.unwrap_or(Self::Other)
    }
}

/// Sex as registered (GB/T 2261.1: 0 unknown, 1 male, 2 female, 9 not stated).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Sex {
    /// Unknown or not stated.
    #[default]
    Unknown,
    /// Male.
    Male,
    /// Female.
    Female,
    /// Other than the two, as some sources state it.
    Other,
}

impl Sex {
    /// Reads the forms that feeds use: 男/女, M/F, 1/2, male/female.
    pub fn parse(text: &str) -> Option<Self> {
        Some(match text.trim() {
            "男" | "男性" | "M" | "m" | "1" | "male" | "MALE" | "Male" => Self::Male,
            "女" | "女性" | "F" | "f" | "2" | "female" | "FEMALE" | "Female" => Self::Female,
            "O" | "A" | "other" => Self::Other,
            "" | "0" | "9" | "U" | "N" | "UN" | "未知" | "未说明" | "unknown" => Self::Unknown,
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_of_a_name_is_seen_from_its_letters() {
        for (text, script) in [
            ("欧阳娜娜", Script::Han),
            ("𠮷田", Script::Han),
            ("阿卜杜拉·买买提", Script::Han),
            ("O'Brien", Script::Latin),
            ("Müller", Script::Latin),
            ("王 Lee", Script::Other),
            ("Иванов", Script::Other),
            ("", Script::Other),
        ] {
            assert_eq!(Script::of(text), script, "{text}");
        }
    }

    #[test]
    fn a_name_in_two_pieces_reads_in_the_order_of_its_script() {
        let han = PersonName::parts("王", "小明").expect("a name");
        assert_eq!(han.text.expose(), "王小明");
        let latin = PersonName::parts("Duck", "Donald").expect("a name");
        assert_eq!(latin.text.expose(), "Donald Duck");
        assert!(PersonName::parts(" ", "").is_none());
    }
}
