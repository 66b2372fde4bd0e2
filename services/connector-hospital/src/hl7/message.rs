//! One HL7 v2 message as text in segments, fields, repetitions, components and subcomponents.
//!
//! Parsing is `hl7-parser`'s in its lenient mode, because real senders end segments with LF or CRLF and put a byte
//! order mark before MSH. Here is only what mapping needs: a value by its place, unescaped, blanks at the ends gone.

use std::borrow::Cow;

use connector::{Reason, RowError};
use hl7_parser::Message as Parsed;
use hl7_parser::message::{Component, Field, Repeat, Segment, Separators};

/// What a sender writes into a field to delete its value; an empty field says nothing (HL7 v2.5.1, chapter 2.10).
const DELETE: &str = "\"\"";
/// Separators that a message may have: each costs the parser some hundred bytes of memory.
const MARKS_MAX: usize = 100_000;
/// Characters of a value that is an id, a code or a name of something.
pub(crate) const WORD_CHARS_MAX: usize = 200;

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

/// The message with the four marks in MSH-2 that the parser reads: from version 2.7 on a fifth may stand there, with which
/// what was cut short ends; and who uses no subcomponents may leave the last ones out. What is left out has no meaning in
/// the message: control characters, which stand in no text, take its place.
pub(crate) fn with_four_marks(text: &str) -> Cow<'_, str> {
    let text = text.trim_start_matches('\u{feff}').trim_start();
    let marks = text.get(..4).filter(|begin| begin.starts_with("MSH")).and_then(|begin| {
        let separator = begin.chars().next_back()?;
        text[4..].split(separator).next()
    });
    let Some(marks) = marks.filter(|marks| matches!(marks.len(), 1..=3 | 5) && marks.is_ascii()) else {
        return Cow::Borrowed(text);
    };
    let mut four: String = marks.chars().take(4).collect();
    for control in '\u{1}'..='\u{8}' {
        if four.len() < 4 && !four.contains(control) && !text[..4].contains(control) {
            four.push(control);
        }
    }
    Cow::Owned([&text[..4], &four, &text[4 + marks.len()..]].concat())
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
        let declared = text.as_bytes().get(3..8).unwrap_or_default();
        let marks = text.bytes().filter(|byte| declared.contains(byte)).count();
        if marks > MARKS_MAX {
            let message = format!("the message has more than {MARKS_MAX} fields, repetitions and components");
            return Err(RowError::row(Reason::RepetitionsTooMany, message));
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

    /// The first component of the first repetition of a field that holds an id, a code or a name.
    ///
    /// # Errors
    /// `value-too-long`: what is repeated in every event of a message must be short; `control-character`.
    pub(crate) fn word(&self, field: usize) -> Result<String, RowError> {
        self.word_in(field, 1)
    }

    /// As [`Seg::word`], of any component.
    ///
    /// # Errors
    /// As [`Seg::word`].
    pub(crate) fn word_in(&self, field: usize, component: usize) -> Result<String, RowError> {
        word(&format!("{}-{field}", self.name()), self.component(field, component))
    }

    /// The repetitions of a field that hold anything, at most `repeats_max`.
    ///
    /// # Errors
    /// `repetitions-too-many`: each of them would be stored, compared and linked.
    pub(crate) fn few_repeats(&self, field: usize, repeats_max: usize) -> Result<Vec<Rep<'s>>, RowError> {
        let repeats: Vec<Rep<'s>> = self.repeats(field).take(repeats_max + 1).collect();
        if repeats.len() > repeats_max {
            let field = format!("{}-{field}", self.name());
            let message = format!("{field} is repeated more than {repeats_max} times");
            return Err(RowError::field(field, Reason::RepetitionsTooMany, message));
        }
        Ok(repeats)
    }

    /// Whether the sender deletes what the field held.
    pub(crate) fn deletes(&self, field: usize) -> bool {
        let mut repeats = self.repeats(field).peekable();
        repeats.peek().is_some() && repeats.all(|repeat| repeat.deletes())
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
    /// Whether the repetition is the delete mark `""`, also in several components, and nothing else.
    pub(crate) fn deletes(&self) -> bool {
        let mut marks = 0;
        let parts = self.repeat.components().flat_map(Component::subcomponents).map(|part| part.value.trim());
        parts.filter(|part| !part.is_empty()).all(|part| {
            marks += 1;
            part == DELETE
        }) && marks > 0
    }

    /// Whether a component is the delete mark.
    pub(crate) fn deletes_component(&self, component: usize) -> bool {
        let component = self.repeat.component(component).and_then(|component| component.subcomponent(1));
        component.is_some_and(|part| part.value.trim() == DELETE)
    }

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
        if text == DELETE { String::new() } else { text.to_owned() }
    }
}

/// A value that is not longer than it may be.
///
/// # Errors
/// `value-too-long`.
pub(crate) fn bounded(field: &str, text: String, chars_max: usize) -> Result<String, RowError> {
    if text.chars().nth(chars_max).is_none() {
        return Ok(text);
    }
    let message = format!("{field} is longer than {chars_max} characters");
    Err(RowError::field(field, Reason::ValueTooLong, message))
}

/// A value that may name a record.
///
/// # Errors
/// `value-too-long` or `control-character`.
pub(crate) fn word(field: &str, text: String) -> Result<String, RowError> {
    if text.chars().any(char::is_control) {
        let message = format!("{field} contains a control character");
        return Err(RowError::field(field, Reason::ControlCharacter, message));
    }
    bounded(field, text, WORD_CHARS_MAX)
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
    fn a_message_has_four_marks_however_many_it_declares() {
        for (declared, four) in [
            ("MSH|^~\\&#|A|B", "MSH|^~\\&|A|B"),
            ("MSH|^~|HIS|H1", "MSH|^~\u{1}\u{2}|HIS|H1"),
            ("MSH|^~\\|HIS|H1", "MSH|^~\\\u{1}|HIS|H1"),
            ("\u{feff}MSH*!*A", "MSH*!\u{1}\u{2}\u{3}*A"),
            ("MSH|^~\\&|A", "MSH|^~\\&|A"),
            ("MSH||A", "MSH||A"),
            ("MSHé^~é", "MSHé^~é"),
            ("MSH", "MSH"),
        ] {
            assert_eq!(with_four_marks(declared), four, "{declared}");
        }
    }

    #[test]
    fn marks_that_are_not_declared_are_letters() {
        let text = with_four_marks("MSH|^~|HIS|H1\rPV1|1|I|W1^ROOM 3 & 4^B\\T\\5\r");
        let message = Message::parse(&text).expect("a message");
        let stay = message.segment("PV1").expect("PV1");
        let place: Vec<_> = (1..=3).map(|part| stay.component(3, part)).collect();
        assert_eq!(place, ["W1", "ROOM 3 & 4", "B\\T\\5"]);
        assert_eq!(message.segment("MSH").expect("MSH").value(4), "H1");
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
