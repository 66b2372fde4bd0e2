//! The form and the encoding of a file, from its first bytes.

use std::io::{self, Read};

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};

use crate::infer::InferError;
use crate::magic;
use crate::profile::{Encoding, FormatKind};
use crate::wide::Narrow;

/// What a file is.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    /// The form of its rows.
    pub(crate) kind: FormatKind,
    /// Encoding of its text.
    pub(crate) encoding: Encoding,
    /// How sure the encoding is, in a few words.
    pub(crate) encoding_is: &'static str,
    /// What the rows are called in the document, where they are in one.
    pub(crate) rows: Option<String>,
    /// What else is known, a few words for a comment.
    pub(crate) known: Option<String>,
}

/// Bytes that are enough to tell the form.
const HEAD: usize = 64 << 10;

/// Bytes of an unpacked file that are kept.
const UNPACKED_MAX: u64 = 64 << 20;

/// The begin of what is in a compressed file; a file that is not compressed as it is. Of a zip archive that is no workbook,
/// one file, with its name where there are others: the stops of a timetable, else the first.
///
/// # Errors
/// When it cannot be unpacked.
pub fn unpacked_head(bytes: Vec<u8>) -> io::Result<(Vec<u8>, Option<String>)> {
    let mut member = None;
    let mut plain = Vec::new();
    if bytes.starts_with(&[0x1F, 0x8B]) {
        flate2::read::MultiGzDecoder::new(&bytes[..]).take(UNPACKED_MAX).read_to_end(&mut plain)?;
    } else if bytes.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]) {
        zstd::stream::read::Decoder::new(&bytes[..])?.take(UNPACKED_MAX).read_to_end(&mut plain)?;
    } else if bytes.starts_with(b"PK") {
        let mut archive = zip::ZipArchive::new(io::Cursor::new(&bytes)).map_err(io::Error::other)?;
        let names: Vec<String> = archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
        if names.iter().any(|name| name.starts_with("xl/")) {
            return Ok((bytes, None));
        }
        let tables: Vec<&String> =
            names.iter().filter(|name| !name.ends_with('/') && !name.starts_with("__MACOSX")).collect();
        let stops = tables.iter().find(|name| name.rsplit('/').next() == Some("stops.txt"));
        let Some(first) = stops.or(tables.first()) else { return Err(io::Error::other("the archive holds no file")) };
        member = first.rsplit('/').next().filter(|_| tables.len() > 1).map(str::to_owned);
        archive.by_name(first).map_err(io::Error::other)?.take(UNPACKED_MAX).read_to_end(&mut plain)?;
    } else {
        return Ok((bytes, None));
    }
    Ok((plain, member))
}

/// Tells the form of a file.
pub(super) fn form_of(bytes: &[u8]) -> Result<Form, InferError> {
    let head = &bytes[..bytes.len().min(HEAD)];
    let form = |kind, encoding: (Encoding, &'static str), rows, known| {
        Ok(Form { kind, encoding: encoding.0, encoding_is: encoding.1, rows, known })
    };
    if head.starts_with(b"PK") || head.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
        return form(FormatKind::Workbook, (Encoding::Utf8, "of no meaning in a workbook"), None, None);
    }
    let encoding = encoding_of(bytes);
    let text = encoding.0.decode_loosely(head);
    let begin = text.trim_start_matches(['\u{feff}', '\u{b}', '\r', '\n', ' ', '\t']);
    if ["MSH", "FHS", "BHS"].iter().any(|segment| begin.starts_with(segment)) {
        return form(FormatKind::Hl7v2, encoding, None, hl7_version(begin));
    }
    if let Some(message) = edifact_message(begin) {
        return form(FormatKind::Edifact, encoding, None, message);
    }
    if magic::is_page(begin) {
        let text = "this is a web page (HTML): open it in the spreadsheet and save it as XLSX or CSV";
        return Err(InferError::Unknown(text.to_owned()));
    }
    if begin.starts_with('<') {
        if let Some(at) = begin.find("urn:iso:std:iso:20022:tech:xsd:camt.05") {
            // Of a broken file more might follow than a version.
            let version = begin[at + 31..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '.');
            let version: String = version.take("camt.053.001.02".len()).collect();
            return form(FormatKind::Iso20022, encoding, None, Some(version));
        }
        let rows = repeated_element(begin);
        return form(FormatKind::Xml, encoding, rows, None);
    }
    if begin.starts_with(['{', '[']) {
        if begin.contains("\"resourceType\"") {
            return form(FormatKind::Fhir, encoding, None, None);
        }
        let first_line = begin.lines().next().unwrap_or_default();
        let is_object = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(first_line).is_ok();
        let rows = list_in(bytes, encoding.0);
        let alone = first_line.len() == begin.trim_end().len();
        if is_object && (!alone || rows.is_none()) {
            return form(FormatKind::Ndjson, encoding, None, None);
        }
        return form(FormatKind::Json, encoding, rows, None);
    }
    if is_iso8583(begin) {
        return form(FormatKind::Iso8583, encoding, None, None);
    }
    if begin.is_empty() {
        return Err(InferError::Unknown("the file is empty".to_owned()));
    }
    if !head.contains(&b'\n') && head.trim_ascii_end().contains(&b'\r') {
        let text =
            "the lines end with a carriage return (CR) and no line feed (LF): save the file as CSV with CR LF or LF";
        return Err(InferError::Unknown(text.to_owned()));
    }
    form(FormatKind::Delimited, encoding, None, None)
}

/// The text of a file in UTF-16.
pub(super) fn narrowed(bytes: &[u8]) -> Option<String> {
    let packed = bytes.starts_with(b"PK") || bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]);
    (!packed && is_utf16(&bytes[..bytes.len().min(HEAD)])).then(|| Narrow::new().take(bytes, true))
}

fn is_utf16(head: &[u8]) -> bool {
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|byte| **byte == 0).count();
    head.starts_with(&[0xFF, 0xFE])
        || head.starts_with(&[0xFE, 0xFF])
        || (head.len() >= 16 && zeros(0).max(zeros(1)) * 5 > head.len())
}

/// The encoding of a text. UTF-8 proves itself; the others are told by how likely their characters are.
fn encoding_of(bytes: &[u8]) -> (Encoding, &'static str) {
    let valid = match std::str::from_utf8(bytes) {
        Ok(_) => true,
        // The last character may be cut by the end of what was read.
        Err(error) => error.error_len().is_none() && error.valid_up_to() + 4 > bytes.len(),
    };
    if valid {
        let is = if bytes.is_ascii() { "the file is ASCII: any encoding fits so far" } else { "sure" };
        return (Encoding::Utf8, is);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    // A hint of the country would make every text Chinese; it is taken only where the guess is an encoding of no feed.
    let guess = match detector.guess(None, Utf8Detection::Deny).name() {
        "Big5" => Encoding::Big5,
        "windows-1252" => Encoding::Windows1252,
        _ => Encoding::Gb18030,
    };
    (guess, "a guess: look at the names in `isthmus feed check`")
}

fn hl7_version(begin: &str) -> Option<String> {
    let msh = begin.split(['\r', '\n']).find(|segment| segment.starts_with("MSH"))?;
    let separator = msh.chars().nth(3)?;
    let version = msh.split(separator).nth(11)?.split('^').next()?;
    let fits = version.len() <= 8 && version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    fits.then(|| format!("version {version}"))
}

/// `Some` when an interchange begins here, also behind the lines that a gateway put before it.
fn edifact_message(begin: &str) -> Option<Option<String>> {
    let head: String = begin.chars().take(2000).collect();
    let mut places = head.match_indices("UNB").chain(head.match_indices("UNA")).map(|found| found.0);
    places.find(|at| *at == 0 || head[..*at].ends_with(['\n', '\r']))?;
    let kinds = ["PAXLST", "PNRGOV"];
    Some(kinds.iter().find(|kind| begin.contains(**kind)).map(|kind| (*kind).to_owned()))
}

/// A message type indicator and a bitmap, behind the length that may stand before each message.
fn is_iso8583(begin: &str) -> bool {
    let line = begin.lines().next().unwrap_or_default();
    [0, 2, 4].iter().any(|skip| {
        let Some(rest) = line.get(*skip..) else { return false };
        let bytes = rest.as_bytes();
        bytes.len() >= 20
            && bytes[..4].iter().all(u8::is_ascii_digit)
            && matches!(bytes[0], b'0' | b'1' | b'2')
            && matches!(bytes[1], b'1'..=b'8')
            && bytes[4..20].iter().all(u8::is_ascii_hexdigit)
            && !rest.contains([',', '|', ';', '\t'])
    })
}

/// The path of the element that is repeated most, at the smallest depth.
fn repeated_element(text: &str) -> Option<String> {
    let mut reader = quick_xml::Reader::from_str(text);
    let mut open: Vec<String> = Vec::new();
    let mut counts: Vec<(String, usize, usize)> = Vec::new();
    while let Ok(event) = reader.read_event() {
        let name = |tag: &quick_xml::events::BytesStart<'_>| tag.local_name().as_ref().to_owned();
        let (started, stays) = match &event {
            quick_xml::events::Event::Start(tag) => (Some(name(tag)), true),
            quick_xml::events::Event::Empty(tag) => (Some(name(tag)), false),
            quick_xml::events::Event::End(_) => {
                open.pop();
                (None, false)
            }
            quick_xml::events::Event::Eof => break,
            _ => (None, false),
        };
        let Some(started) = started else { continue };
        open.push(started);
        let path = open.join("/");
        let room = counts.len() < 1000;
        match counts.iter_mut().find(|known| known.0 == path) {
            Some(known) => known.1 += 1,
            None if room => counts.push((path, 1, open.len())),
            None => {}
        }
        if !stays {
            open.pop();
        }
    }
    let least = counts.iter().filter(|known| known.1 > 1).map(|known| known.2).min();
    let row = match least {
        Some(depth) => counts.iter().filter(|known| known.2 == depth).max_by_key(|known| known.1)?,
        None => counts.iter().find(|known| known.2 == 2)?,
    };
    Some(row.0.clone())
}

/// The keys that lead to the first list of objects in a document.
fn list_in(bytes: &[u8], encoding: Encoding) -> Option<String> {
    let text = encoding.decode_loosely(bytes);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('[') {
        return None;
    }
    // Where the document was cut off, its keys are searched as they stand.
    let value: serde_json::Value = match serde_json::from_str(text) {
        Ok(value) => value,
        Err(_) => {
            let at = text.find("[{").or_else(|| text.find('['))?;
            let key = text[..at].trim_end().strip_suffix(':')?.trim_end().strip_suffix('"')?;
            return key.rsplit('"').next().map(str::to_owned);
        }
    };
    fn search(value: &serde_json::Value, path: &str, depth: usize) -> Option<String> {
        let object = value.as_object().filter(|_| depth < 6)?;
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        let lists =
            |value: &serde_json::Value| value.as_array().is_some_and(|list| list.iter().any(|item| item.is_object()));
        let here = object.iter().find(|(_, value)| lists(value)).map(|(key, _)| below(key));
        here.or_else(|| object.iter().find_map(|(key, value)| search(value, &below(key), depth + 1)))
    }
    search(&value, "", 0)
}
