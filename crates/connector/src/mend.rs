//! The mark that a failed row carries when it comes back to its sender: which row of which batch it is, and what is wrong.
//! A mended row that still carries the mark takes the place of that row in the order of arrival.
//!
//! The mark stands in a column, member, attribute or segment of its own, which the hub knows and ignores. All encodings of
//! feeds write it in the same bytes, so it is found without knowing the form of the row.

use std::sync::LazyLock;

use domain::BatchId;
use memchr::memmem::Finder;
use store::ingest::QuarantinedRow;

use crate::chinese;
use crate::profile::Encoding;
use crate::reason::Reason;

/// The column, member or attribute that holds the mark.
pub const ERROR_COLUMN: &str = "isthmus_error";
/// The segment of HL7 v2 that holds it.
pub const ERROR_SEGMENT: &str = "ZIE";
/// What the mark begins with.
const MARK: &str = "isthmus-mends:";
/// Length of a batch id in the mark.
const ID_BYTES: usize = 36;

/// Whether a value is the mark.
pub(crate) fn is_mark(value: &str) -> bool {
    value.trim_start().trim_start_matches('"').starts_with(MARK)
}

/// The place of the mark in a row's bytes.
pub(crate) fn find(bytes: &[u8]) -> Option<usize> {
    // Made once: every row is searched.
    static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARK));
    FINDER.find(bytes)
}

/// Which row of which batch a row mends, if it carries the mark.
pub(crate) fn reference(bytes: &[u8]) -> Option<(BatchId, i64)> {
    let rest = &bytes[find(bytes)? + MARK.len()..];
    let batch_id = std::str::from_utf8(rest.get(..ID_BYTES)?).ok()?.parse().ok()?;
    let digits = rest.get(ID_BYTES..)?.strip_prefix(b"/")?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
    let row = std::str::from_utf8(&digits[..end]).ok()?.parse().ok()?;
    Some((batch_id, row))
}

/// The mark of a failed row, in one line, in English and, where the encoding has the characters, in Chinese. Characters
/// that mean something to a form, and those in `special`, are replaced.
pub(crate) fn mark(batch_id: BatchId, failed: &QuarantinedRow, encoding: Encoding, special: &[char]) -> String {
    let QuarantinedRow { row, code, message, .. } = failed;
    let chinese = Reason::from_code(code).filter(|_| encoding.encode("中").is_some());
    let chinese = chinese.map_or_else(String::new, |reason| format!(" / {}", chinese::message(reason, message)));
    let plain = |c: char| match c {
        '"' => '\'',
        '\\' => '/',
        '<' => '(',
        '>' => ')',
        '&' => '+',
        '|' | '^' | '~' => ' ',
        c if c.is_control() || special.contains(&c) || encoding.encode(c.encode_utf8(&mut [0; 4])).is_none() => ' ',
        c => c,
    };
    let field = failed.field.as_ref().map(|field| format!("{field}: ")).unwrap_or_default();
    let text: String = format!("{code}: {field}{message}{chinese}").chars().map(plain).collect();
    format!("{MARK}{batch_id}/{row} {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_tells_its_row_in_every_encoding_and_form() {
        let batch_id: BatchId = "6b0c5ac0-5d2a-5f0b-9b63-50a46ad17b0e".parse().expect("an id");
        for encoding in [Encoding::Utf8, Encoding::Gb18030, Encoding::Big5, Encoding::Windows1252] {
            let failed = QuarantinedRow {
                row: 17,
                line: 18,
                byte_offset: 0,
                byte_length: 0,
                field: None,
                code: "row-columns".to_owned(),
                message: "the row has 3, \"a\"".to_owned(),
                at_arrival: 1,
                at_row: 17,
                about: None,
            };
            let text = mark(batch_id, &failed, encoding, &[',']);
            for row in [format!("E1,\"a,b\",{text}"), format!("{{\"{ERROR_COLUMN}\":\"{text}\",\"a\":1}}")] {
                let bytes = encoding.encode(&row).expect("the mark fits");
                assert_eq!(reference(&bytes), Some((batch_id, 17)));
            }
        }
        for text in ["", "isthmus-mends:", "isthmus-mends:6b0c5ac0-5d2a-5f0b-9b63-50a46ad17b0e", "E1,a"] {
            assert_eq!(reference(text.as_bytes()), None, "{text}");
        }
    }
}
