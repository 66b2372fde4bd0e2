//! Cuts a body of FHIR into resources: the entries of a bundle, one resource a line (Bulk Data), a list of resources, or
//! resources over several lines each, as tools print them for people.

use std::collections::VecDeque;
use std::io::BufRead;

use connector::{BatchError, Encoding, ListRows, Notice, RawRow, Reason, RowError, RowReader};
use domain::Sensitive;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::resource::Concept;
use super::{has_none_to_give, map};

/// Bytes of a bundle before its entries that are read.
const HEAD_BYTES_MAX: usize = 64 << 10;
/// Longest line.
const RESOURCE_BYTES_MAX: usize = 1 << 20;
/// Entries of a bundle in a bundle.
const INNER_ENTRIES_MAX: usize = 10_000;

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

/// What kind of finding an observation or a report is.
#[derive(Deserialize)]
struct Categories {
    resource: Option<Box<Categories>>,
    #[serde(default)]
    category: Vec<Concept>,
}

/// A bundle in a bundle: the answer to one of several questions that were asked at once.
#[derive(Deserialize)]
struct Inner<'a> {
    #[serde(borrow)]
    resource: Option<Box<Inner<'a>>>,
    timestamp: Option<String>,
    #[serde(borrow, default)]
    entry: Vec<&'a RawValue>,
}

enum Source<'a> {
    List(ListRows<'a>),
    Lines { input: Box<dyn BufRead + Send + 'a>, offset: u64, line: u64, printed: bool },
}

/// Reads resources as rows. A row's bytes are the time of its bundle, a line end, and the entry.
pub(crate) struct ResourceReader<'a> {
    source: Source<'a>,
    timestamp: String,
    number: u64,
    /// Rows of the bundle that stands in place of a resource, with its time.
    inner: VecDeque<(RawRow, String)>,
    left_out: Vec<(String, u64)>,
    without_resource: u64,
}

impl<'a> ResourceReader<'a> {
    pub(crate) fn open(mut input: Box<dyn BufRead + Send + 'a>) -> Result<Self, BatchError> {
        let begin = input.fill_buf()?;
        let timestamp = bundle_time(begin);
        let source = if is_bundle(begin) {
            Source::List(ListRows::open(input, Encoding::Utf8, ["entry"])?)
        } else if bare(begin).first() == Some(&b'[') {
            Source::List(ListRows::open(input, Encoding::Utf8, [])?)
        } else {
            let printed = is_printed(begin);
            Source::Lines { input, offset: 0, line: 0, printed }
        };
        let (inner, left_out) = (VecDeque::new(), Vec::new());
        Ok(Self { source, timestamp, number: 0, inner, left_out, without_resource: 0 })
    }

    /// The next row, whatever it is.
    fn row(&mut self) -> Result<Option<RawRow>, BatchError> {
        match &mut self.source {
            Source::List(entries) => entries.next_row(),
            Source::Lines { input, offset, line, printed } => next_lines(input, offset, line, *printed),
        }
    }
}

impl RowReader for ResourceReader<'_> {
    fn next_row(&mut self) -> Result<Option<RawRow>, BatchError> {
        loop {
            let (mut row, inner_time) = match self.inner.pop_front() {
                Some((row, time)) => (row, Some(time)),
                None => match self.row()? {
                    Some(row) => (row, None),
                    None => return Ok(None),
                },
            };
            let kind = serde_json::from_slice::<Kind<'_>>(row.bytes.expose()).ok();
            let kind = kind.and_then(|kind| kind.resource.map_or(kind.kind, |resource| resource.kind));
            if row.broken.is_none() {
                if let Some(kind) = kind.and_then(|kind| left_out(kind, row.bytes.expose())) {
                    match self.left_out.iter_mut().find(|(known, _)| *known == kind) {
                        Some((_, count)) => *count += 1,
                        None => self.left_out.push((kind, 1)),
                    }
                    continue;
                }
                if kind.is_none() && has_none_to_give(row.bytes.expose()) {
                    self.without_resource += 1;
                    continue;
                }
                if kind == Some("Bundle")
                    && inner_time.is_none()
                    && let Some(inner) = entries(&row, &self.timestamp)
                {
                    self.inner = inner;
                    continue;
                }
            }
            self.number += 1;
            row.number = self.number;
            let time = inner_time.as_deref().unwrap_or(&self.timestamp);
            row.bytes = Sensitive::new([time.as_bytes(), b"\n", row.bytes.expose()].concat());
            return Ok(Some(row));
        }
    }

    fn data_start(&self) -> u64 {
        match &self.source {
            Source::List(entries) => entries.data_start(),
            Source::Lines { .. } => 0,
        }
    }

    fn notices(&self) -> Vec<Notice> {
        let mut notices = Vec::new();
        let list: Vec<String> = self.left_out.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        if !list.is_empty() {
            let message = format!("resources of which the hub keeps nothing were left out: {}", list.join(", "));
            notices.push(Notice::new("resources-left-out", message));
        }
        if self.without_resource > 0 {
            let message = format!(
                "entries that are questions, or answers that something was done, hold no resource and were left out: {}",
                self.without_resource
            );
            notices.push(Notice::new("entries-without-resource", message));
        }
        notices
    }
}

/// What a resource is called of which the hub keeps nothing.
fn left_out(kind: &str, entry: &[u8]) -> Option<String> {
    match kind {
        "Observation" | "DiagnosticReport" => {
            let categories: Categories = serde_json::from_slice(entry).ok()?;
            let categories = categories.resource.map_or(categories.category, |resource| resource.category);
            map::of_no_laboratory(&categories).map(|category| format!("{kind} ({category})"))
        }
        kind => CARRIED_ALONG.contains(&kind).then(|| kind.to_owned()),
    }
}

/// The entries of a row that is a bundle, each where it stands in the body; `None` when there are more than any answer has.
fn entries(row: &RawRow, outer_time: &str) -> Option<VecDeque<(RawRow, String)>> {
    let bytes = row.bytes.expose();
    let bundle: Inner<'_> = serde_json::from_slice(bytes).ok()?;
    let bundle = bundle.resource.map_or_else(|| serde_json::from_slice(bytes).ok(), |inner| Some(*inner))?;
    if bundle.entry.len() > INNER_ENTRIES_MAX {
        return None;
    }
    let time = bundle.timestamp.filter(|time| is_time(time)).unwrap_or_else(|| outer_time.to_owned());
    let (mut line, mut counted) = (row.line, 0);
    let rows = bundle.entry.into_iter().map(|entry| {
        let at = entry.get().as_ptr() as usize - bytes.as_ptr() as usize;
        line += bytes[counted..at].iter().filter(|byte| **byte == b'\n').count() as u64;
        counted = at;
        let row = RawRow {
            number: 0,
            line,
            offset: row.offset + at as u64,
            length: entry.get().len() as u64,
            bytes: entry.get().as_bytes().to_vec().into(),
            broken: None,
        };
        (row, time.clone())
    });
    Some(rows.collect())
}

fn is_time(text: &str) -> bool {
    text.len() < 64 && !text.contains('\n')
}

/// The next line that is not blank; of printed resources, all lines of the next one.
fn next_lines<'a>(
    input: &mut Box<dyn BufRead + Send + 'a>,
    offset: &mut u64,
    line: &mut u64,
    printed: bool,
) -> Result<Option<RawRow>, BatchError> {
    let mut row: Option<RawRow> = None;
    let mut text = Vec::with_capacity(1024);
    let mut brackets = Brackets::default();
    loop {
        // A bracket at the begin of a line begins a resource, whatever is open in the one before it.
        let next = input.fill_buf()?.first().copied();
        if row.is_some() && (next.is_none() || next == Some(b'{')) {
            break;
        }
        let (mut length, mut ended) = (0, false);
        let from = text.len();
        while !ended {
            let piece = input.fill_buf()?;
            if piece.is_empty() {
                break;
            }
            let end = piece.iter().position(|byte| *byte == b'\n');
            let count = end.map_or(piece.len(), |at| at + 1);
            let room = (RESOURCE_BYTES_MAX + 1).saturating_sub(text.len());
            text.extend_from_slice(&piece[..count.min(room)]);
            ended = end.is_some();
            input.consume(count);
            length += count as u64;
        }
        if length == 0 {
            return Ok(None);
        }
        let begin = *offset;
        *offset += length;
        *line += 1;
        if row.is_none() && bare(&text).is_empty() {
            text.clear();
            continue;
        }
        let row = row.get_or_insert_with(|| RawRow {
            number: 0,
            line: *line,
            offset: begin,
            length: 0,
            bytes: Sensitive::default(),
            broken: None,
        });
        row.length += length;
        if !printed || brackets.closed_by(&text[from..]) {
            break;
        }
    }
    let Some(mut row) = row else { return Ok(None) };
    let text = bare(&text);
    row.broken = (text.len() > RESOURCE_BYTES_MAX).then(|| {
        let message = format!("the resource has more than {RESOURCE_BYTES_MAX} bytes");
        RowError::row(Reason::RowTooLong, message)
    });
    row.bytes = Sensitive::new(text.to_vec());
    Ok(Some(row))
}

/// Bytes without a byte order mark and blanks around them.
fn bare(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(&[0xEF, 0xBB, 0xBF]).unwrap_or(bytes).trim_ascii()
}

/// Whether a body that is no bundle begins with a resource over several lines.
fn is_printed(begin: &[u8]) -> bool {
    let begin = bare(begin);
    let Some(end) = begin.iter().position(|byte| *byte == b'\n') else { return false };
    let (first, rest) = begin.split_at(end);
    let goes_on = rest.trim_ascii_start().first().is_some_and(|byte| *byte != b'{');
    first.first() == Some(&b'{') && goes_on && !Brackets::default().closed_by(first)
}

/// Whether all brackets that were opened are closed.
#[derive(Default)]
struct Brackets {
    depth: u32,
    quoted: bool,
    escaped: bool,
}

impl Brackets {
    fn closed_by(&mut self, bytes: &[u8]) -> bool {
        for byte in bytes {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.quoted => self.escaped = true,
                b'"' => self.quoted = !self.quoted,
                b'{' | b'[' if !self.quoted => self.depth += 1,
                b'}' | b']' if !self.quoted => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
        self.depth == 0
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
    head.timestamp.filter(|time| is_time(time)).unwrap_or_default()
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
    fn resources_are_cut_alike_however_they_are_written() {
        let two = ["{\"resourceType\":\"Patient\",\"id\":\"}{\\\"\"}", "{\"resourceType\":\"Location\",\"a\":[{}]}"];
        let printed: Vec<String> =
            two.iter().map(|text| text.replace(",\"", ",\n  \"").replacen('{', "{\n", 1)).collect();
        let rows = |body: String| {
            let mut reader = ResourceReader::open(Box::new(body.as_bytes())).expect("resources");
            let rows = std::iter::from_fn(|| reader.next_row().expect("readable"));
            let value = |bytes: &[u8]| serde_json::from_slice::<serde_json::Value>(bytes).ok();
            let seen: Vec<_> = rows.map(|row| (row.line, row.offset, value(row.bytes.expose()))).collect();
            let place = |offset: u64| body[offset as usize..].trim_start_matches('\u{feff}').starts_with('{');
            assert!(seen.iter().all(|(_, offset, _)| place(*offset)), "{body}");
            seen.into_iter().map(|(line, _, value)| (line, value)).collect::<Vec<_>>()
        };
        let values = two.map(|text| serde_json::from_str::<serde_json::Value>(text).ok());
        let seen = |body: String| rows(body).into_iter().map(|(_, value)| value).collect::<Vec<_>>();
        for body in [
            two.join("\n"),
            format!("\u{feff}{}\r\n\r\n", two.join("\r\n\r\n")),
            format!("[{}]", two.join(",")),
            printed.join("\n"),
            format!("{}\n\n{}\n", printed[0].replace("{\n", "{"), printed[1]),
        ] {
            assert_eq!(seen(body.clone()), values, "{body}");
        }
        // One that is not closed spoils itself only.
        let cut = format!("{}\n{}", printed[0].trim_end_matches('}'), printed[1]);
        assert_eq!(seen(cut), [None, values[1].clone()]);
        let broken = rows(format!("{{\"resourceType\":\n{}\n", two[1]));
        assert_eq!(broken, [(1, None), (2, values[1].clone())]);
    }

    #[test]
    fn the_time_of_a_bundle_is_that_of_its_resources() {
        let body = b"{\"resourceType\":\"Bundle\",\"timestamp\":\"2022-03-01T08:00:00Z\",\"entry\":[ {\"a\":1}";
        assert_eq!(bundle_time(body), "2022-03-01T08:00:00Z");
        assert_eq!(bundle_time(b"{\"resourceType\":\"Patient\"}"), "");
    }
}
