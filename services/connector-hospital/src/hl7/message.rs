//! One HL7 v2 message as text in segments, fields, repetitions, components and subcomponents.
//!
//! Parsing is `hl7-parser`'s in its lenient mode, because real senders end segments with LF or CRLF and put a byte
//! order mark before MSH. Here is only what mapping needs: a value by its place, unescaped, blanks at the ends gone.

use connector::{Reason, RowError};
use hl7_parser::Message as Parsed;
use hl7_parser::message::{Field, Repeat, Segment, Separators};

/// A parsed message.
pub(crate) struct Message<'m> {
    parsed: Parsed<'m>,
}

/// One segment with the separators of its message.
#[derive(Clone, Copy)]
pub(crate) struct Seg<'s> {
    segment: &'s Segment<'s>,
    separators: &'s Separators,
}

/// One repetition of a field.
#[derive(Clone, Copy)]
pub(crate) struct Rep<'s> {
    repeat: &'s Repeat<'s>,
    separators: &'s Separators,
}

impl<'m> Message<'m> {
    /// Parses a message that begins with MSH.
    ///
    /// # Errors
    /// `message-structure` when it cannot be read at all.
    pub(crate) fn parse(text: &'m str) -> Result<Self, RowError> {
        let text = text.trim_start_matches('\u{feff}').trim_start();
        let refused = |message: &str| RowError::row(Reason::MessageStructure, message);
        if !text.starts_with("MSH") {
            return Err(refused("the message does not begin with an MSH segment"));
        }
        let parsed = Parsed::parse_with_lenient_newlines(text, true)
            .map_err(|_| refused("the MSH segment does not declare its separators as in MSH|^~\\&|"))?;
        Ok(Self { parsed })
    }

    /// The first segment of this name.
    pub(crate) fn segment<'s>(&'s self, name: &str) -> Option<Seg<'s>> {
        self.segments().find(|segment| segment.name() == name)
    }

    /// The first segment of this name, or a `message-segment` error that names it.
    pub(crate) fn required<'s>(&'s self, name: &str) -> Result<Seg<'s>, RowError> {
        self.segment(name)
            .ok_or_else(|| RowError::field(name, Reason::MessageSegment, format!("the message has no {name} segment")))
    }

    /// All segments in order.
    pub(crate) fn segments<'s>(&'s self) -> impl Iterator<Item = Seg<'s>> {
        let separators = &self.parsed.separators;
        self.parsed.segments().map(move |segment| Seg { segment, separators })
    }
}

impl<'s> Seg<'s> {
    /// The three letters.
    pub(crate) fn name(&self) -> &'s str {
        self.segment.name
    }

    /// The first component of the first repetition of a field, unescaped; empty when absent.
    pub(crate) fn value(&self, field: usize) -> String {
        self.component(field, 1)
    }

    /// A component of the first repetition of a field, unescaped; empty when absent.
    pub(crate) fn component(&self, field: usize, component: usize) -> String {
        self.repeats(field).next().map(|repeat| repeat.component(component)).unwrap_or_default()
    }

    /// The repetitions of a field that hold anything.
    pub(crate) fn repeats(&self, field: usize) -> impl Iterator<Item = Rep<'s>> {
        let separators = self.separators;
        self.segment
            .field(field)
            .into_iter()
            .flat_map(Field::repeats)
            .map(move |repeat| Rep { repeat, separators })
            .filter(|repeat| !repeat.repeat.is_empty())
    }
}

impl Rep<'_> {
    /// The first subcomponent of a component, unescaped; empty when absent or the delete mark `""`.
    pub(crate) fn component(&self, component: usize) -> String {
        self.subcomponent(component, 1)
    }

    /// A subcomponent, unescaped; empty when absent or the delete mark `""`.
    pub(crate) fn subcomponent(&self, component: usize, subcomponent: usize) -> String {
        let raw = self
            .repeat
            .component(component)
            .and_then(|component| component.subcomponent(subcomponent))
            .map_or("", |subcomponent| subcomponent.value);
        let text = unescape(raw, self.separators);
        let text = text.trim();
        if text == "\"\"" { String::new() } else { text.to_owned() }
    }
}

/// Undoes the escapes of a value (HL7 v2.5.1, chapter 2.7). An escape that is not known, or never ends, stays as it is.
/// The parser's own decoding counts bytes as characters and fails on Chinese text.
fn unescape(raw: &str, separators: &Separators) -> String {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once(separators.escape) {
        text.push_str(before);
        let Some((code, after_code)) = after.split_once(separators.escape) else {
            text.push(separators.escape);
            text.push_str(after);
            return text;
        };
        match code {
            "F" => text.push(separators.field),
            "S" => text.push(separators.component),
            "T" => text.push(separators.subcomponent),
            "R" => text.push(separators.repetition),
            "E" => text.push(separators.escape),
            ".br" => text.push('\n'),
            _ => match code.strip_prefix('X').and_then(from_hex) {
                Some(decoded) => text.push_str(&decoded),
                None => {
                    // Not an escape: the second mark may begin one.
                    text.push(separators.escape);
                    text.push_str(code);
                    rest = &rest[before.len() + separators.escape.len_utf8() + code.len()..];
                    continue;
                }
            },
        }
        rest = after_code;
    }
    text.push_str(rest);
    text
}

/// Hexadecimal digits of UTF-8 text.
fn from_hex(digits: &str) -> Option<String> {
    if digits.is_empty() || !digits.is_ascii() || digits.len() % 2 == 1 {
        return None;
    }
    let bytes = (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).ok());
    String::from_utf8(bytes.collect::<Option<Vec<u8>>>()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\u{feff}MSH|^~\\&|HIS|HOSPITAL|||20220301080000||ADT^A01|7|P|2.5\nPID|1||M1^^^H&1.2&ISO^MR~\"\"^^^X||王^小\\T\\明\n";

    #[test]
    fn values_are_found_by_their_place_and_unescaped() {
        let message = Message::parse(TEXT).expect("a message");
        let pid = message.segment("PID").expect("PID");
        assert_eq!(pid.component(5, 2), "小&明");
        let ids: Vec<_> = pid.repeats(3).map(|id| (id.component(1), id.subcomponent(4, 2))).collect();
        assert_eq!(ids[0], ("M1".to_owned(), "1.2".to_owned()));
        assert_eq!(ids[1].0, "", "the delete mark is no value");
        assert_eq!(message.segment("MSH").expect("MSH").value(10), "7");
    }

    #[test]
    fn escapes_are_undone_in_any_script_and_broken_ones_stay() {
        let separators = Separators::default();
        for (raw, text) in [
            ("王\\T\\小明", "王&小明"),
            ("一\\F\\二\\.br\\三", "一|二\n三"),
            ("\\X41E4B8AD\\", "A中"),
            ("\\明", "\\明"),
            ("a\\zz\\T\\b", "a\\zz&b"),
            ("\\XZZ\\", "\\XZZ\\"),
            ("\\", "\\"),
        ] {
            assert_eq!(unescape(raw, &separators), text, "{raw}");
        }
    }

    #[test]
    fn what_is_not_a_message_is_an_error_and_no_panic() {
        for text in ["", "PID|1", "MSH", "MSH|", "MSH|^", "MSH|^~\\", "MSHMSHMSH", "MSH||||||", "MSH|||||\r\r\r"] {
            if let Err(error) = Message::parse(text) {
                assert_eq!(error.reason, Reason::MessageStructure, "{text}");
            }
        }
    }
}
