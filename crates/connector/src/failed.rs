//! Failed rows in their original bytes, each with the mark that says what is wrong ([`crate::mend`]).
//!
//! Nothing else of a row changes, and a mark from an earlier time is replaced. A form that has no room for a mark (EDIFACT,
//! ISO 8583) and a row that cannot even be opened keep their bytes; the listing of failed rows says the same.

use domain::BatchId;
use store::ingest::QuarantinedRow;

use crate::mend::{self, ERROR_COLUMN, ERROR_SEGMENT};
use crate::profile::{Encoding, Format, FormatKind};

/// Longer rows come back as they are: they are broken in a way that no mark explains better.
pub(crate) const MARKED_BYTES_MAX: i64 = 4 << 20;

/// Puts marks into rows of one feed.
pub(crate) struct Marker<'f> {
    format: &'f Format,
    batch_id: BatchId,
}

impl<'f> Marker<'f> {
    pub(crate) const fn new(format: &'f Format, batch_id: BatchId) -> Self {
        Self { format, batch_id }
    }

    /// What is wrong with a row, in one line without any character that means something to a form.
    pub(crate) fn mark(&self, row: &QuarantinedRow) -> String {
        mend::mark(self.batch_id, row, self.encoding(), &self.special())
    }

    fn encoding(&self) -> Encoding {
        if self.format.kind == FormatKind::Workbook { Encoding::Utf8 } else { self.format.encoding }
    }

    fn special(&self) -> Vec<char> {
        self.format.quote.into_iter().chain([self.format.separator]).collect()
    }

    /// What stands before the rows, with a column for the marks.
    pub(crate) fn head(&self, head: Vec<u8>) -> Vec<u8> {
        if self.format.kind != FormatKind::Delimited || !self.format.header || head.is_empty() {
            return head;
        }
        let (line, end) = cut_line_end(&head);
        if line.ends_with(ERROR_COLUMN.as_bytes()) {
            return head;
        }
        let column = format!("{}{ERROR_COLUMN}", self.format.separator);
        [line, &self.encode(&column), if end.is_empty() { b"\n" } else { end }].concat()
    }

    /// The row with its mark.
    pub(crate) fn row(&self, bytes: Vec<u8>, row: &QuarantinedRow) -> Vec<u8> {
        let mark = self.mark(row);
        match self.format.kind {
            FormatKind::Delimited => self.delimited(&bytes, &mark),
            FormatKind::Ndjson | FormatKind::Json | FormatKind::Fhir => self.object(bytes, &mark),
            FormatKind::Xml | FormatKind::Iso20022 => self.element(bytes, &mark),
            FormatKind::Hl7v2 => self.message(&bytes, &mark),
            FormatKind::Workbook | FormatKind::Edifact | FormatKind::Iso8583 => bytes,
        }
    }

    fn encode(&self, text: &str) -> Vec<u8> {
        self.format.encoding.encode(text).unwrap_or_default()
    }

    fn delimited(&self, bytes: &[u8], mark: &str) -> Vec<u8> {
        let (line, end) = cut_line_end(bytes);
        let separator = self.encode(&self.format.separator.to_string());
        let line = match mend::find(line) {
            Some(at) => {
                let line = line[..at].trim_ascii_end();
                let line = self.format.quote.map_or(line, |quote| trim_end(line, quote as u8));
                line.strip_suffix(&separator[..]).unwrap_or(line)
            }
            None => line,
        };
        let end = if end.is_empty() { b"\n" } else { end };
        // A separator that marks contain themselves leaves no room for one.
        if mark.contains(self.format.separator) {
            return [line, end].concat();
        }
        [line, &separator, &self.encode(mark), end].concat()
    }

    fn object(&self, bytes: Vec<u8>, mark: &str) -> Vec<u8> {
        let Some(open) = bytes.iter().position(|byte| *byte == b'{') else { return bytes };
        let blank = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0xEF | 0xBB | 0xBF);
        if !bytes[..open].iter().all(blank) {
            return bytes;
        }
        let (before, rest) = bytes.split_at(open + 1);
        let rest = without_member(rest);
        let comma = if rest.trim_ascii_start().starts_with(b"}") { "" } else { "," };
        [before, &self.encode(&format!("\"{ERROR_COLUMN}\":\"{mark}\"{comma}")), rest].concat()
    }

    fn element(&self, bytes: Vec<u8>, mark: &str) -> Vec<u8> {
        let name = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'/' | b'>');
        let Some(end) = bytes.iter().position(name).filter(|end| *end > 1 && bytes[0] == b'<') else { return bytes };
        let (before, rest) = bytes.split_at(end);
        [before, &self.encode(&format!(" {ERROR_COLUMN}=\"{mark}\"")), &without_attribute(rest)].concat()
    }

    fn message(&self, bytes: &[u8], mark: &str) -> Vec<u8> {
        let ends = |byte: &u8| matches!(byte, b'\r' | b'\n' | b' ' | 0x1C);
        let length = bytes.len() - bytes.iter().rev().take_while(|byte| ends(byte)).count();
        let (text, end) = bytes.split_at(length);
        let segment_end: &[u8] = if text.contains(&b'\r') || !text.contains(&b'\n') { b"\r" } else { b"\n" };
        let text = match mend::find(text) {
            Some(at) => {
                let begin = text[..at].iter().rposition(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(at);
                text[..begin].trim_ascii_end()
            }
            None => text,
        };
        let segment = self.encode(&format!("{ERROR_SEGMENT}|{mark}"));
        let end = if end.is_empty() { segment_end } else { end };
        [text, segment_end, &segment, end].concat()
    }
}

fn cut_line_end(bytes: &[u8]) -> (&[u8], &[u8]) {
    let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    bytes.split_at(line.len())
}

fn trim_end(bytes: &[u8], byte: u8) -> &[u8] {
    bytes.strip_suffix(&[byte]).unwrap_or(bytes)
}

/// The rest of an object behind its bracket, without the mark that an earlier file put first.
fn without_member(rest: &[u8]) -> &[u8] {
    let member = format!("\"{ERROR_COLUMN}\"");
    let Some(after) = rest.trim_ascii_start().strip_prefix(member.as_bytes()) else { return rest };
    let value = after.trim_ascii_start().strip_prefix(b":").map(<[u8]>::trim_ascii_start);
    let Some(value) = value.and_then(|value| value.strip_prefix(b"\"")) else { return rest };
    let Some(end) = memchr::memchr(b'"', value) else { return rest };
    let after = value[end + 1..].trim_ascii_start();
    after.strip_prefix(b",").unwrap_or(after)
}

/// The rest of a begin tag behind its name, without the mark of an earlier file.
fn without_attribute(rest: &[u8]) -> Vec<u8> {
    let attribute = format!(" {ERROR_COLUMN}=\"");
    let tag = memchr::memchr(b'>', rest).unwrap_or(rest.len());
    let Some(begin) = memchr::memmem::find(&rest[..tag], attribute.as_bytes()) else { return rest.to_vec() };
    let value = begin + attribute.len();
    let Some(end) = memchr::memchr(b'"', &rest[value..tag]) else { return rest.to_vec() };
    [&rest[..begin], &rest[value + end + 1..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: i64) -> QuarantinedRow {
        QuarantinedRow {
            row: number,
            line: number,
            byte_offset: 0,
            byte_length: 0,
            field: Some("a<b>|\"c\",\\".to_owned()),
            code: "value-time".to_owned(),
            message: "no time".to_owned(),
            at_arrival: 1,
            at_row: number,
            about: None,
        }
    }

    fn format(text: &str) -> Format {
        toml::from_str(text).expect("a format")
    }

    /// Rows of each form: marked, they name their row; marked again, they name the other and have one mark.
    #[test]
    fn a_mark_goes_in_once_and_leaves_the_row_as_it_was() {
        let batch_id: BatchId = "6b0c5ac0-5d2a-5f0b-9b63-50a46ad17b0e".parse().expect("an id");
        let gb18030 = |text: &str| Encoding::Gb18030.encode(text).expect("GB 18030 has everything");
        for (form, body) in [
            ("kind = \"delimited\"\nencoding = \"gb18030\"\nquote = '\"'", gb18030("1,\"张,三\"\r\n")),
            ("kind = \"delimited\"\nencoding = \"utf-8\"\nseparator = \"|\"", b"1|2".to_vec()),
            ("kind = \"ndjson\"\nencoding = \"gb18030\"", gb18030("{\"a\":\"张\"}\n")),
            ("kind = \"fhir\"\nencoding = \"utf-8\"", b"\xEF\xBB\xBF{}".to_vec()),
            ("kind = \"xml\"\nencoding = \"utf-8\"", b"<n:Row id=\"1\"/>".to_vec()),
            ("kind = \"iso20022\"\nencoding = \"utf-8\"", b"<Ntry><Amt>1</Amt></Ntry>".to_vec()),
            ("kind = \"hl7v2\"\nencoding = \"utf-8\"", b"\x0BMSH|1\rPID|1\r\x1C\r".to_vec()),
        ] {
            let format = format(form);
            let marker = Marker::new(&format, batch_id);
            let once = marker.row(body.clone(), &row(3));
            assert_eq!(mend::reference(&once), Some((batch_id, 3)), "{form}");
            let again = marker.row(once, &row(4));
            assert_eq!(mend::reference(&again), Some((batch_id, 4)), "{form}");
            assert_eq!(memchr::memmem::find_iter(&again, b"isthmus-mends").count(), 1, "{form}");
        }
        for (form, body) in [
            ("kind = \"edifact\"\nencoding = \"utf-8\"", &b"UNH+1'"[..]),
            ("kind = \"ndjson\"\nencoding = \"utf-8\"", b"no object\n"),
            ("kind = \"xml\"\nencoding = \"utf-8\"", b"text"),
        ] {
            let format = format(form);
            assert_eq!(Marker::new(&format, batch_id).row(body.to_vec(), &row(3)), body, "{form}");
        }
    }

    #[test]
    fn the_header_gets_its_column_once() {
        let format = format("kind = \"delimited\"\nencoding = \"utf-8\"\nheader = true");
        let marker = Marker::new(&format, "6b0c5ac0-5d2a-5f0b-9b63-50a46ad17b0e".parse().expect("an id"));
        let head = marker.head(b"report\r\na,b\r\n".to_vec());
        assert_eq!(head, b"report\r\na,b,isthmus_error\r\n");
        assert_eq!(marker.head(head.clone()), head);
    }
}
