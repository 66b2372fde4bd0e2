//! EDIFACT syntax (ISO 9735) as gateways really deliver it: bytes to segments.
//!
//! Whatever is repaired is told, as a quality flag of every row of the message; nothing is repaired in silence.

use std::io;

use connector::{Counted, Encoding};
use serde::{Deserialize, Serialize};

/// Longest segment that is kept.
const SEGMENT_BYTES_MAX: usize = 64 << 10;

/// A repair, as the quality flag that tells it.
pub(crate) type Flag = &'static str;

pub(crate) const PREAMBLE: Flag = "edifact-preamble-skipped";
pub(crate) const UNA: Flag = "edifact-una-repaired";
pub(crate) const UNWRAPPED: Flag = "edifact-lines-unwrapped";
pub(crate) const TERMINATOR: Flag = "edifact-terminator-repaired";
pub(crate) const UNREADABLE: Flag = "edifact-segment-skipped";
pub(crate) const CHARSET: Flag = "edifact-charset-repaired";
pub(crate) const UNT: Flag = "edifact-unt-missing";
pub(crate) const UNZ: Flag = "edifact-unz-missing";
pub(crate) const COUNT: Flag = "edifact-count-differs";

/// Every flag, to find one by its text.
pub(crate) const FLAGS: [Flag; 9] = [PREAMBLE, UNA, UNWRAPPED, TERMINATOR, UNREADABLE, CHARSET, UNT, UNZ, COUNT];

/// A segment: its tag, then its elements, each in components.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segment(pub(crate) Vec<Vec<String>>);

impl Segment {
    pub(crate) fn tag(&self) -> &str {
        self.at(0, 0)
    }

    /// A component, from 0, of an element, from 1; empty when absent.
    pub(crate) fn at(&self, element: usize, component: usize) -> &str {
        self.0.get(element).and_then(|parts| parts.get(component)).map_or("", String::as_str)
    }

    /// The components of an element.
    pub(crate) fn element(&self, element: usize) -> &[String] {
        self.0.get(element).map_or(&[], Vec::as_slice)
    }
}

/// A segment with its place in the body.
#[derive(Debug)]
pub(crate) struct Placed {
    pub(crate) segment: Segment,
    pub(crate) offset: u64,
    pub(crate) line: u64,
    pub(crate) end: u64,
}

/// The separators of an interchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Separators {
    component: u8,
    element: u8,
    release: Option<u8>,
    terminator: u8,
}

const DEFAULT: Separators = Separators { component: b':', element: b'+', release: Some(b'?'), terminator: b'\'' };

/// Reads segments, and gathers what was repaired.
pub(crate) struct Segments<'a> {
    input: Counted<'a>,
    encoding: Encoding,
    separators: Separators,
    begun: bool,
    flags: Vec<Flag>,
}

impl<'a> Segments<'a> {
    pub(crate) fn new(input: Counted<'a>, encoding: Encoding) -> Self {
        Self { input, encoding, separators: DEFAULT, begun: false, flags: Vec::new() }
    }

    /// What was repaired since the last call.
    pub(crate) fn take_flags(&mut self) -> Vec<Flag> {
        std::mem::take(&mut self.flags)
    }

    fn flag(&mut self, flag: Flag) {
        if !self.flags.contains(&flag) {
            self.flags.push(flag);
        }
    }

    /// The next segment; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Placed>> {
        loop {
            self.input.skip_blanks()?;
            let (offset, line) = (self.input.offset(), self.input.line());
            let Some((bytes, ended)) = self.segment()? else { return Ok(None) };
            let end = self.input.offset();
            if !ended && !self.begun {
                // Text behind an interchange, or no interchange at all.
                return Ok(None);
            }
            let text = match self.encoding.decode(&bytes) {
                Ok(text) => text.into_owned(),
                Err(_) => {
                    self.flag(CHARSET);
                    bytes.iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect()
                }
            };
            let Some(segment) = self.split(&text) else {
                if self.begun {
                    self.flag(UNREADABLE);
                }
                continue;
            };
            if !ended {
                self.flag(TERMINATOR);
            }
            match segment.tag() {
                "UNB" => self.begun = true,
                "UNZ" => self.begun = false,
                _ => {}
            }
            return Ok(Some(Placed { segment, offset, line, end }));
        }
    }

    /// The bytes of the next segment without its terminator and line ends, and whether it had a terminator.
    fn segment(&mut self) -> io::Result<Option<(Vec<u8>, bool)>> {
        let mut bytes = Vec::with_capacity(64);
        let (mut released, mut wrapped, mut seen) = (false, false, false);
        loop {
            let Some(byte) = self.input.first()? else {
                return Ok(seen.then_some((bytes, false)));
            };
            self.input.skip(1)?;
            seen = true;
            if byte == b'\r' || byte == b'\n' {
                wrapped = true;
                // A gateway's line is no part of an interchange until one begins.
                if !self.begun && !begins(&bytes) {
                    bytes.clear();
                    self.flag(PREAMBLE);
                    return Ok(Some((bytes, true)));
                }
                continue;
            }
            if wrapped && self.begun {
                self.flag(UNWRAPPED);
            }
            wrapped = false;
            if !self.begun {
                // Until an interchange begins, nothing separates.
            } else if released {
                released = false;
            } else if self.separators.release == Some(byte) && byte != b' ' {
                released = true;
            } else if byte == self.separators.terminator {
                return Ok(Some((bytes, true)));
            } else if byte == 0x99 && bytes.ends_with(&[0xE2, 0x80]) && self.line_ends()? {
                // A typographic quote where a segment ends: some tool beautified the terminator.
                bytes.truncate(bytes.len() - 2);
                self.flag(TERMINATOR);
                return Ok(Some((bytes, true)));
            }
            if bytes.len() < SEGMENT_BYTES_MAX {
                bytes.push(byte);
            } else {
                self.flag(UNREADABLE);
            }
            if !self.begun
                && bytes.ends_with(b"UNB")
                && self.input.first()?.is_some_and(|byte| byte.is_ascii_punctuation())
            {
                self.begin(&mut bytes)?;
            }
        }
    }

    fn line_ends(&mut self) -> io::Result<bool> {
        Ok(self.input.first()?.is_none_or(|byte| byte.is_ascii_whitespace()))
    }

    /// Reads the service string before UNB, if there is one, and leaves UNB alone in `bytes`.
    fn begin(&mut self, bytes: &mut Vec<u8>) -> io::Result<()> {
        let before = &bytes[..bytes.len() - 3];
        let service = before.windows(3).rposition(|three| three == b"UNA").map(|at| before[at + 3..].to_vec());
        self.separators = DEFAULT;
        if let Some(service) = service {
            let (separators, repaired) = read_service(&service);
            self.separators = separators;
            if repaired {
                self.flag(UNA);
            }
        } else if !before.is_empty() {
            self.flag(PREAMBLE);
        }
        // The byte behind UNB shows what really separates elements.
        if let Some(byte) = self.input.first()?.filter(|byte| *byte != self.separators.element) {
            self.separators.element = byte;
            self.flag(UNA);
        }
        bytes.clear();
        bytes.extend_from_slice(b"UNB");
        self.begun = true;
        Ok(())
    }

    fn split(&self, text: &str) -> Option<Segment> {
        let separators = self.separators;
        let mut elements = vec![vec![String::new()]];
        let mut released = false;
        for character in text.trim().chars() {
            let byte = u8::try_from(u32::from(character)).unwrap_or_default();
            let last = elements.last_mut()?;
            if released {
                last.last_mut()?.push(character);
                released = false;
            } else if separators.release == Some(byte) && byte != b' ' {
                released = true;
            } else if byte == separators.element {
                elements.push(vec![String::new()]);
            } else if byte == separators.component {
                last.push(String::new());
            } else {
                last.last_mut()?.push(character);
            }
        }
        let tag = elements[0][0].trim().to_owned();
        let is_tag = tag.len() == 3 && tag.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
        elements[0][0] = tag;
        is_tag.then_some(Segment(elements))
    }
}

/// Whether bytes may go on as an interchange: they begin as UNA or UNB.
fn begins(bytes: &[u8]) -> bool {
    let text = bytes.trim_ascii_start();
    text.starts_with(b"UNA") || text.starts_with(b"UNB") || text.is_empty()
}

/// The separators that a service string declares, and whether it had to be guessed at.
fn read_service(service: &[u8]) -> (Separators, bool) {
    let mut marks: Vec<u8> = Vec::new();
    let mut quote = false;
    let mut rest = service;
    while let Some((byte, after)) = rest.split_first() {
        if rest.starts_with("’".as_bytes()) {
            quote = true;
            marks.push(b'\'');
            rest = &rest[3..];
        } else {
            marks.push(*byte);
            rest = after;
        }
    }
    // Blanks and line ends between the service string and UNB, but not the blank that stands for an unused mark.
    while marks.len() > 6 && marks.last().is_some_and(u8::is_ascii_whitespace) {
        marks.pop();
    }
    let marks: &[u8] = if marks.len() > 6 { &marks[..6] } else { &marks };
    match *marks {
        [component, element, _, release, _, terminator] if terminator != b' ' => {
            let release = Some(release).filter(|release| *release != b' ');
            (Separators { component, element, release, terminator }, quote)
        }
        // One mark is missing: nobody needs the decimal mark, and the terminator stands last.
        [component, element, release, _, terminator] | [component, element, release, _, terminator, b' '] => {
            (Separators { component, element, release: Some(release), terminator }, true)
        }
        _ => (DEFAULT, true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> (Vec<String>, Vec<Flag>) {
        let input = std::io::BufReader::with_capacity(3, body.as_bytes());
        let mut segments = Segments::new(Counted::new(Box::new(input)), Encoding::Utf8);
        let mut seen = Vec::new();
        while let Some(placed) = segments.next().expect("memory") {
            let elements = placed.segment.0.iter().map(|element| element.join(":")).collect::<Vec<_>>();
            seen.push(elements.join("+"));
        }
        (seen, segments.take_flags())
    }

    #[test]
    fn separators_are_those_of_the_service_string_whatever_is_missing_in_it() {
        let right = ["UNB+A:1", "BGM+7?+45"];
        for (body, flags) in [
            ("UNA:+.\\ 'UNB+A:1'BGM+7?\\+45'", &[][..]),
            ("UNA:+.\\*'\r\nUNB+A:1'\r\nBGM+7?\\+45'", &[][..]),
            // The decimal mark is missing, and the terminator is a typographic quote.
            ("UNA:+\\*'\nUNB+A:1'\nBGM+7?\\+45'", &[UNA][..]),
            ("UNA:+.\\*’ UNB+A:1'\nBGM+7?\\+45'", &[UNA][..]),
        ] {
            let (segments, seen) = read(body);
            assert_eq!(segments, right, "{body}");
            assert_eq!(seen, flags, "{body}");
        }
        assert_eq!(read("UNA*$.? (UNB$A*1(BGM$7?$45(").0, ["UNB+A:1", "BGM+7$45"]);
        assert_eq!(read("UNB+A:1'BGM+7?+45'").0, ["UNB+A:1", "BGM+7+45"]);
    }

    #[test]
    fn lines_of_gateways_are_joined_and_what_they_add_is_left_out() {
        let (segments, flags) = read(
            "QK ABC\r\n.HDQXX 130631\r\nUNA:+.? 'UNB+A:1+X\r\nY'UNG +P'U\r\nNH+1'UNZ+1'\r\n\r\nScanned by nobody\r\n",
        );
        assert_eq!(segments, ["UNB+A:1+XY", "UNG+P", "UNH+1", "UNZ+1"]);
        assert_eq!(flags, [PREAMBLE, UNWRAPPED]);
    }

    #[test]
    fn reading_goes_on_behind_what_cannot_be_read() {
        let (segments, flags) = read("UNB+A'b@d stuff'LOC+1’\nLOC+O’Neil'\nUNZ+1");
        assert_eq!(segments, ["UNB+A", "LOC+1", "LOC+O’Neil", "UNZ+1"]);
        assert_eq!(flags, [UNREADABLE, TERMINATOR]);
        for body in ["", "no interchange", "UNA", "UNB", "'''", "UNA:+.? '"] {
            assert!(read(body).0.len() <= 1, "{body}");
        }
    }
}
