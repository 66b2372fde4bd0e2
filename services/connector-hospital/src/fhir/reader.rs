//! Cuts a body of FHIR into resources: the entries of a bundle, or one resource a line (Bulk Data).

use std::io::BufRead;

use connector::{BatchError, Encoding, ListRows, Notice, RawRow, Reason, RowError, RowReader};
use domain::Sensitive;
use serde::Deserialize;

/// Bytes of a bundle before its entries that are read.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Longest line.
const RESOURCE_BYTES_MAX: usize = 1 << 20;

/// Kinds of R4 resources that bundles carry along and of which the hub keeps nothing: they are no rows.
const CARRIED_ALONG: [&str; 30] = [
    "AllergyIntolerance",
    "Appointment",
    "Basic",
    "Binary",
    "CarePlan",
    "CareTeam",
    "Claim",
    "Composition",
    "Consent",
    "Coverage",
    "Device",
    "DocumentReference",
    "Endpoint",
    "EpisodeOfCare",
    "ExplanationOfBenefit",
    "Goal",
    "ImagingStudy",
    "List",
    "Medication",
    "MedicationAdministration",
    "MedicationRequest",
    "MessageHeader",
    "OperationOutcome",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "RelatedPerson",
    "ServiceRequest",
    "Specimen",
];

/// What a bundle says of itself.
#[derive(Default, Deserialize)]
struct Head {
    timestamp: Option<String>,
}

/// What tells a resource from others, in an entry or alone.
#[derive(Deserialize)]
struct Kind<'a> {
    #[serde(borrow, rename = "resourceType")]
    kind: Option<&'a str>,
    #[serde(borrow)]
    resource: Option<Box<Kind<'a>>>,
}

enum Source<'a> {
    Bundle(ListRows<'a>),
    Lines { input: Box<dyn BufRead + Send + 'a>, offset: u64, line: u64 },
}

/// Reads resources as rows. A row's bytes are the time of its bundle, a line end, and the entry.
pub(crate) struct ResourceReader<'a> {
    source: Source<'a>,
    timestamp: String,
    number: u64,
    left_out: Vec<(String, u64)>,
}

impl<'a> ResourceReader<'a> {
    pub(crate) fn open(mut input: Box<dyn BufRead + Send + 'a>) -> Result<Self, BatchError> {
        let begin = input.fill_buf()?;
        let timestamp = bundle_time(begin);
        let source = if is_bundle(begin) {
            Source::Bundle(ListRows::open(input, Encoding::Utf8, ["entry"])?)
        } else {
            Source::Lines { input, offset: 0, line: 0 }
        };
        Ok(Self { source, timestamp, number: 0, left_out: Vec::new() })
    }

    /// The next row, whatever it is.
    fn row(&mut self) -> Result<Option<RawRow>, BatchError> {
        match &mut self.source {
            Source::Bundle(entries) => entries.next_row(),
            Source::Lines { input, offset, line } => next_line(input, offset, line),
        }
    }
}

impl RowReader for ResourceReader<'_> {
    fn next_row(&mut self) -> Result<Option<RawRow>, BatchError> {
        loop {
            let Some(mut row) = self.row()? else { return Ok(None) };
            let kind = serde_json::from_slice::<Kind<'_>>(row.bytes.expose()).ok();
            let kind = kind.and_then(|kind| kind.resource.map_or(kind.kind, |resource| resource.kind));
            if let Some(kind) = kind.filter(|kind| row.broken.is_none() && CARRIED_ALONG.contains(kind)) {
                match self.left_out.iter_mut().find(|(known, _)| known == kind) {
                    Some((_, count)) => *count += 1,
                    None => self.left_out.push((kind.to_owned(), 1)),
                }
                continue;
            }
            self.number += 1;
            row.number = self.number;
            row.bytes = Sensitive::new([self.timestamp.as_bytes(), b"\n", row.bytes.expose()].concat());
            return Ok(Some(row));
        }
    }

    fn data_start(&self) -> u64 {
        match &self.source {
            Source::Bundle(entries) => entries.data_start(),
            Source::Lines { .. } => 0,
        }
    }

    fn notices(&self) -> Vec<Notice> {
        let list: Vec<String> = self.left_out.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        if list.is_empty() {
            return Vec::new();
        }
        let message = format!("resources of which the hub keeps nothing were left out: {}", list.join(", "));
        vec![Notice::new("resources-left-out", message)]
    }
}

fn next_line<'a>(
    input: &mut Box<dyn BufRead + Send + 'a>,
    offset: &mut u64,
    line: &mut u64,
) -> Result<Option<RawRow>, BatchError> {
    loop {
        let mut bytes = Vec::with_capacity(1024);
        let (begin, mut length, mut ended) = (*offset, 0, false);
        while !ended {
            let piece = input.fill_buf()?;
            if piece.is_empty() {
                break;
            }
            let end = piece.iter().position(|byte| *byte == b'\n');
            let count = end.map_or(piece.len(), |at| at + 1);
            let room = (RESOURCE_BYTES_MAX + 1).saturating_sub(bytes.len());
            bytes.extend_from_slice(&piece[..count.min(room)]);
            ended = end.is_some();
            input.consume(count);
            length += count as u64;
        }
        if length == 0 {
            return Ok(None);
        }
        *offset += length;
        *line += 1;
        let text = bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(&bytes).trim_ascii();
        if text.is_empty() {
            continue;
        }
        let broken = (text.len() > RESOURCE_BYTES_MAX).then(|| {
            let message = format!("the resource has more than {RESOURCE_BYTES_MAX} bytes");
            RowError::row(Reason::RowTooLong, message)
        });
        let bytes = Sensitive::new(text.to_vec());
        return Ok(Some(RawRow { number: 0, line: *line, offset: begin, length, bytes, broken }));
    }
}

/// Whether a body begins as a bundle: it says so, or has entries before it says what it is.
fn is_bundle(begin: &[u8]) -> bool {
    matches!(members(begin).find(|(key, _)| matches!(*key, b"resourceType" | b"entry")), Some((key, value))
        if key == b"entry" || value == b"Bundle")
}

/// When a bundle was made, as far as that stands before its entries.
fn bundle_time(begin: &[u8]) -> String {
    let begin = &begin[..begin.len().min(HEAD_BYTES_MAX)];
    let Some(at) = begin.windows(7).position(|word| word == b"\"entry\"") else { return String::new() };
    let head = [begin[..at].strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(&begin[..at]), b"\"entry\":[]}"].concat();
    let head: Head = serde_json::from_slice(&head).unwrap_or_default();
    head.timestamp.filter(|time| time.len() < 64 && !time.contains('\n')).unwrap_or_default()
}

/// Keys and texts of the outermost object, as far as it is there.
fn members(begin: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let (mut at, mut depth) = (0, 0_u32);
    let mut texts: Vec<&[u8]> = Vec::new();
    let mut found = Vec::new();
    while let Some(byte) = begin.get(at) {
        match byte {
            b'"' => {
                let mut end = at + 1;
                while begin.get(end).is_some_and(|byte| *byte != b'"') {
                    end += 1 + usize::from(begin[end] == b'\\');
                }
                if depth == 1 {
                    texts.push(begin.get(at + 1..end).unwrap_or_default());
                }
                at = end;
            }
            b'{' | b'[' => {
                // A key whose value is no text.
                if depth == 1 && texts.len() == 1 {
                    found.push((texts.remove(0), &b""[..]));
                }
                depth += 1;
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' if depth == 1 => texts.clear(),
            _ => {}
        }
        if let [key, value] = texts[..] {
            found.push((key, value));
            texts.clear();
        }
        at += 1;
    }
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_told_from_lines_wherever_its_kind_stands() {
        for (body, bundle) in [
            ("{\"resourceType\":\"Bundle\",\"entry\":[]}", true),
            ("\u{feff}{ \"id\" : \"a\\\"\", \"meta\":{\"resourceType\":\"x\"},\n\"resourceType\" :\"Bundle\"", true),
            ("{\"type\":\"message\",\"entry\":[{\"resource\":{}}],\"resourceType\":\"Bundle\"}", true),
            ("{\"resourceType\":\"Patient\",\"entry\":[]}\n{\"resourceType\":\"Bundle\"}", false),
            ("", false),
        ] {
            assert_eq!(is_bundle(body.as_bytes()), bundle, "{body}");
        }
    }

    #[test]
    fn the_time_of_a_bundle_is_that_of_its_resources() {
        let body = b"{\"resourceType\":\"Bundle\",\"timestamp\":\"2022-03-01T08:00:00Z\",\"entry\":[ {\"a\":1}";
        assert_eq!(bundle_time(body), "2022-03-01T08:00:00Z");
        assert_eq!(bundle_time(b"{\"resourceType\":\"Patient\"}"), "");
    }
}
