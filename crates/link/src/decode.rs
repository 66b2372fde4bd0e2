//! From the bytes of a file to text: compression and encoding, told by the bytes themselves.

use std::io::Read;
use std::path::Path;

use encoding_rs::{Encoding, GB18030, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::LinkError;

/// The text of a file, and what it was written in.
pub(crate) struct Decoded {
    pub(crate) text: String,
    pub(crate) encoding: &'static str,
}

/// The bytes of a file, uncompressed.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, LinkError> {
    let failed = |reason| LinkError::File { path: path.to_owned(), reason };
    let bytes = std::fs::read(path).map_err(failed)?;
    if !bytes.starts_with(&[0x1F, 0x8B]) {
        return Ok(bytes);
    }
    let mut plain = Vec::with_capacity(bytes.len() * 5);
    flate2::read::MultiGzDecoder::new(bytes.as_slice()).read_to_end(&mut plain).map_err(failed)?;
    Ok(plain)
}

/// Decodes bytes, and turns lines that end with CR alone, as old Macintosh programs write them, into lines.
pub(crate) fn decode(bytes: Vec<u8>) -> Decoded {
    let mut decoded = decode_as_is(bytes);
    let has = |byte: u8| memchr::memchr(byte, decoded.text.as_bytes()).is_some();
    if !has(b'\n') && has(b'\r') {
        decoded.text = decoded.text.replace('\r', "\n");
    }
    decoded
}

/// By their mark, else as UTF-16 where every other byte of the beginning may be zero, else as UTF-8, else as GB18030 where that is possible throughout, else as
/// Windows-1252.
fn decode_as_is(bytes: Vec<u8>) -> Decoded {
    let with = |bytes: &[u8], encoding: &'static Encoding| {
        let (text, _) = encoding.decode_with_bom_removal(bytes);
        Decoded { text: text.into_owned(), encoding: encoding.name() }
    };
    match bytes.as_slice() {
        [0xFF, 0xFE, ..] => return with(&bytes, UTF_16LE),
        [0xFE, 0xFF, ..] => return with(&bytes, UTF_16BE),
        [0xEF, 0xBB, 0xBF, ..] => return with(&bytes, encoding_rs::UTF_8),
        _ => {}
    }
    if let Some(encoding) = unmarked(&bytes) {
        return with(&bytes, encoding);
    }
    match String::from_utf8(bytes) {
        Ok(text) => Decoded { text, encoding: "UTF-8" },
        Err(refused) => {
            let bytes = refused.into_bytes();
            match GB18030.decode_without_bom_handling_and_without_replacement(&bytes) {
                Some(text) if is_mostly_han(&text) => Decoded { text: text.into_owned(), encoding: "GB18030" },
                _ => with(&bytes, WINDOWS_1252),
            }
        }
    }
}

/// UTF-16 without a mark: its delimiters and line breaks have a zero byte each, all on the same side. A stray zero in
/// other text is on one side, too, but makes no line break.
fn unmarked(bytes: &[u8]) -> Option<&'static Encoding> {
    let start = &bytes[..bytes.len().min(4096)];
    let zeros = |odd: usize| start.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let has_break = |is_break: fn(u8, u8) -> bool| start.chunks_exact(2).any(|pair| is_break(pair[0], pair[1]));
    match (zeros(0), zeros(1)) {
        (0, 1..) if has_break(|low, high| high == 0 && low == b'\n') => Some(UTF_16LE),
        (1.., 0) if has_break(|high, low| high == 0 && low == b'\n') => Some(UTF_16BE),
        _ => None,
    }
}

/// Whether what is not ASCII is Han: a Western text read as GB18030 has rare characters between its letters.
pub fn is_mostly_han(text: &str) -> bool {
    let (mut han, mut other) = (0_usize, 0_usize);
    for c in text.chars().filter(|c| !c.is_ascii()).take(100_000) {
        match c {
            '\u{4e00}'..='\u{9fa5}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ffef}' => han += 1,
            _ => other += 1,
        }
    }
    han > other * 20
}
