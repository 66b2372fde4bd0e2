//! Delimited text, parsed on all cores.

use std::path::Path;

use linkage::table::{Column, TextPool};
use rayon::prelude::*;

use crate::LinkError;
use crate::cells::{File, Meaning, Part, is_person_number, plain};
use crate::decode::Decoded;

/// Bytes that one task parses.
const CHUNK_BYTES: usize = 2 << 20;

/// How far from its opening quote a field may be closed; beyond, the quote is a slip and not the beginning of a field.
const QUOTED_BYTES: usize = 1 << 20;
const QUOTED_LINES: u64 = 1_000;

/// Headings that an error lists, and characters of each.
const LISTED_MAX: usize = 40;
const LISTED_CHARS: usize = 40;

const NOT_CLOSED: &str = "a quote at the beginning of a field is not closed within 1,000 lines and 1 MiB";
const ROWS_WITHIN: &str = "a quote at the beginning of a field takes whole rows in";
const ZERO_BYTE: &str = "a zero byte stands in the row: something went wrong when the file was written or copied";
const TEXT_AFTER: &str = "text follows the closing quote of a field; inside of quotes a quote is written twice";

/// Parses a text. Bad rows are left in the parts for the caller to judge.
pub(crate) fn parse(path: &Path, decoded: &Decoded) -> Result<File, LinkError> {
    let whole = decoded.text.as_bytes();
    if whole.starts_with(b"PK\x03\x04") {
        return Err(LinkError::NotText { path: path.to_owned(), what: "a spreadsheet or an archive" });
    }
    let start = &whole[..whole.len().min(4096)];
    if count(start, 0) * 20 > start.len() as u64 {
        return Err(LinkError::NotText { path: path.to_owned(), what: "no text" });
    }
    let (stated, text) = stated_delimiter(&decoded.text);
    let delimiter = stated.unwrap_or_else(|| sniff(text));
    let (end, fault) = row_end(text.as_bytes(), 0, delimiter);
    if let Some(reason) = fault {
        return Err(LinkError::BadHeader { path: path.to_owned(), reason });
    }
    let header: Vec<String> = split(&text[..end], delimiter);
    if header.iter().all(String::is_empty) {
        return Err(LinkError::NoHeader(path.to_owned()));
    }
    let meanings = meanings(path, &header)?;
    let mut columns = Vec::new();
    let mut unused = Vec::new();
    for (heading, meaning) in header.iter().zip(&meanings) {
        match meaning {
            Meaning::States(column) => columns.push(*column),
            Meaning::Other => unused.push(heading.clone()),
            Meaning::RecordId => {}
        }
    }
    let body = &text[(end + 1).min(text.len())..];
    let chunks = chunks(body, delimiter);
    let mut parts: Vec<Part> =
        chunks.into_par_iter().with_max_len(1).map(|chunk| part(chunk, delimiter, &meanings, &columns)).collect();
    let mut before = 1 + count(&whole[..whole.len() - text.len() + end], b'\n');
    for part in &mut parts {
        part.lines.iter_mut().for_each(|line| *line += before as u32);
        part.bad.iter_mut().for_each(|(line, _)| *line += before);
        before += part.line_count;
    }
    let named = match delimiter {
        b'\t' => "tab".to_owned(),
        other => format!("`{}`", char::from(other)),
    };
    let format = format!("{} text, delimiter {named}", decoded.encoding);
    Ok(File { columns, unused, parts, format, unit: "line" })
}

/// What each heading means; an error when ids are missing or nothing is understood.
pub(crate) fn meanings(path: &Path, header: &[String]) -> Result<Vec<Meaning>, LinkError> {
    let mut meanings: Vec<Meaning> = header.iter().map(|heading| Meaning::of(heading)).collect();
    let listed = || {
        let some = header.iter().take(LISTED_MAX).map(|heading| {
            let start: String = heading.chars().filter(|c| !c.is_control()).take(LISTED_CHARS).collect();
            format!("`{start}`")
        });
        let more = header.len().checked_sub(LISTED_MAX + 1).map(|more| format!("and {} more", more + 1));
        some.chain(more).collect::<Vec<_>>().join(", ")
    };
    // A column called `id` is the record's only where no better one is there.
    let ids: Vec<usize> = (0..meanings.len()).filter(|place| meanings[*place] == Meaning::RecordId).collect();
    let exact = ids.iter().copied().find(|place| header[*place].eq_ignore_ascii_case("record_id"));
    let of_row = ids.iter().copied().find(|place| !is_person_number(&header[*place]));
    let Some(chosen) = exact.or(of_row).or(ids.first().copied()) else {
        return Err(LinkError::NoRecordId { path: path.to_owned(), columns: listed() });
    };
    for place in ids.into_iter().filter(|place| *place != chosen) {
        meanings[place] = Meaning::Other;
    }
    // Beside a month of birth, a birth day is one of that month.
    if meanings.contains(&Meaning::States(Column::BirthMonth)) {
        let days = (0..meanings.len()).filter(|place| plain(&header[*place]) == "birthday");
        days.for_each(|place| meanings[place] = Meaning::States(Column::BirthDay));
    }
    // Of columns that mean the same one is used: the one that is called so, or the first. The others are listed.
    for place in 0..meanings.len() {
        let Meaning::States(column) = meanings[place] else { continue };
        let alike: Vec<usize> = (0..meanings.len()).filter(|other| meanings[*other] == meanings[place]).collect();
        let named = alike.iter().copied().find(|other| header[*other].eq_ignore_ascii_case(column.name()));
        for other in alike.iter().copied().filter(|other| *other != named.unwrap_or(alike[0])) {
            meanings[other] = Meaning::Other;
        }
    }
    if !meanings.iter().any(|meaning| matches!(meaning, Meaning::States(_))) {
        return Err(LinkError::NoColumns { path: path.to_owned(), columns: listed() });
    }
    Ok(meanings)
}

/// The delimiter that a first line such as `sep=;` states, as spreadsheets write it, and the text after that line.
fn stated_delimiter(text: &str) -> (Option<u8>, &str) {
    let first = &text[..line_end(text.as_bytes(), 0)];
    match first.trim_ascii_end().as_bytes().strip_prefix(b"sep=") {
        Some([delimiter]) => (Some(*delimiter), &text[(first.len() + 1).min(text.len())..]),
        _ => (None, text),
    }
}

/// The delimiter that the header has most of.
fn sniff(text: &str) -> u8 {
    let found = |delimiter: u8| split(&text[..row_end(text.as_bytes(), 0, delimiter).0], delimiter).len();
    let candidates = [b',', b';', b'\t', b'|'];
    candidates.into_iter().rev().max_by_key(|delimiter| found(*delimiter)).unwrap_or(b',')
}

fn count(text: &[u8], byte: u8) -> u64 {
    memchr::memchr_iter(byte, text).count() as u64
}

fn line_end(text: &[u8], start: usize) -> usize {
    memchr::memchr(b'\n', &text[start..]).map_or(text.len(), |place| start + place)
}

/// Where the row ends that `start`, outside of quotes, is in: its line break outside of quotes. Where a quote opens and
/// does not close, the end of that line, and what is wrong.
fn row_end(text: &[u8], start: usize, delimiter: u8) -> (usize, Option<&'static str>) {
    let mut place = start;
    while let Some(found) = memchr::memchr2(b'\n', b'"', &text[place..]) {
        let at = place + found;
        if text[at] == b'\n' {
            return (at, None);
        }
        place = at + 1;
        if opens(text, at, delimiter) {
            match close(text, at, delimiter) {
                Ok(after) => place = after,
                Err(fault) => return (line_end(text, at), Some(fault)),
            }
        }
    }
    (text.len(), None)
}

/// Whether a quote outside of quotes stands at the beginning of a field. Elsewhere it is a character like others.
fn opens(text: &[u8], quote: usize, delimiter: u8) -> bool {
    let before = text[..quote].iter().rfind(|byte| **byte != b' ');
    before.is_none_or(|byte| *byte == delimiter || *byte == b'\n')
}

/// The place after the quote that closes the field which `open` opens; otherwise what is wrong.
fn close(text: &[u8], open: usize, delimiter: u8) -> Result<usize, &'static str> {
    let limit = text.len().min(open + QUOTED_BYTES);
    let mut place = open + 1;
    loop {
        let within = text.get(place..limit).unwrap_or_default();
        place += memchr::memchr(b'"', within).ok_or(NOT_CLOSED)? + 1;
        if text.get(place) != Some(&b'"') {
            break;
        }
        place += 1;
    }
    if count(&text[open..place], b'\n') >= QUOTED_LINES {
        return Err(NOT_CLOSED);
    }
    let blanks = text[place..].iter().take_while(|byte| **byte == b' ').count();
    match &text[place + blanks..] {
        [] | [b'\n', ..] | [b'\r'] | [b'\r', b'\n', ..] => Ok(place),
        [next, ..] if *next == delimiter => Ok(place),
        _ => Err(TEXT_AFTER),
    }
}

/// Cuts a text at ends of rows.
fn chunks(whole: &str, delimiter: u8) -> Vec<&str> {
    let text = whole.as_bytes();
    let mut chunks = Vec::new();
    // `place` is always outside of quotes.
    let (mut start, mut place) = (0, 0);
    while start < text.len() {
        let target = text.len().min(start + CHUNK_BYTES);
        // Only quotes tell where rows may end, so the rows themselves are not looked at.
        while let Some(found) = memchr::memchr(b'"', text.get(place..target).unwrap_or_default()) {
            let at = place + found;
            place = if opens(text, at, delimiter) {
                close(text, at, delimiter).unwrap_or_else(|_| line_end(text, at))
            } else {
                at + 1
            };
        }
        let (end, _) = row_end(text, place.max(target), delimiter);
        let next = text.len().min(end + 1);
        chunks.push(&whole[start..next]);
        (start, place) = (next, next);
    }
    chunks
}

/// Whether a field over several lines has whole rows in it: between two stray quotes, not one text. Few columns tell
/// too little, as a text may have some delimiters too.
fn takes_rows_in(row: &[u8], delimiter: u8, columns: usize) -> bool {
    let mut lines = row.split(|byte| *byte == b'\n').skip(1).peekable();
    while let Some(line) = lines.next() {
        if columns > 3 && lines.peek().is_some() && count(line, delimiter) + 1 == columns as u64 {
            return true;
        }
    }
    false
}

fn split(row: &str, delimiter: u8) -> Vec<String> {
    let mut fields = Vec::new();
    each_field(row, delimiter, &mut String::new(), |_, field| fields.push(field.trim().to_owned()));
    fields
}

/// Calls `each` with number and content of the fields of a row. Gives their number, or nothing when a quote is open.
fn each_field(row: &str, delimiter: u8, scratch: &mut String, mut each: impl FnMut(usize, &str)) -> Option<usize> {
    let row = row.strip_suffix('\r').unwrap_or(row);
    let mut number = 0;
    if memchr::memchr(b'"', row.as_bytes()).is_none() {
        let mut start = 0;
        for end in memchr::memchr_iter(delimiter, row.as_bytes()) {
            each(number, &row[start..end]);
            (start, number) = (end + 1, number + 1);
        }
        each(number, &row[start..]);
        return Some(number + 1);
    }
    let find = |byte: u8, text: &str| memchr::memchr(byte, text.as_bytes());
    let mut rest = row;
    loop {
        if let Some(quoted) = rest.trim_start_matches(' ').strip_prefix('"') {
            scratch.clear();
            let mut inner = quoted;
            loop {
                let quote = find(b'"', inner)?;
                scratch.push_str(&inner[..quote]);
                inner = &inner[quote + 1..];
                if !inner.starts_with('"') {
                    break;
                }
                scratch.push('"');
                inner = &inner[1..];
            }
            each(number, scratch);
            number += 1;
            match find(delimiter, inner) {
                Some(next) => rest = &inner[next + 1..],
                None => return Some(number),
            }
            continue;
        }
        match find(delimiter, rest) {
            Some(next) => {
                each(number, &rest[..next]);
                rest = &rest[next + 1..];
                number += 1;
            }
            None => {
                each(number, rest);
                return Some(number + 1);
            }
        }
    }
}

/// A field without blanks around it.
fn trimmed(field: &str) -> &str {
    let is_plain = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    if is_plain(field.as_bytes().first()) && is_plain(field.as_bytes().last()) { field } else { field.trim() }
}

fn part(chunk: &str, delimiter: u8, meanings: &[Meaning], columns: &[Column]) -> Part {
    let mut part = Part { columns: columns.iter().map(|_| (TextPool::new(), Vec::new())).collect(), ..Part::default() };
    let mut targets: Vec<usize> = Vec::with_capacity(meanings.len());
    const ID: usize = usize::MAX;
    const UNUSED: usize = usize::MAX - 1;
    let mut next = 0;
    for meaning in meanings {
        targets.push(match meaning {
            Meaning::RecordId => ID,
            Meaning::Other => UNUSED,
            Meaning::States(_) => {
                next += 1;
                next - 1
            }
        });
    }
    let mut scratch = String::new();
    let mut cells = vec![0_u32; columns.len()];
    let bytes = chunk.as_bytes();
    let has_zeros = memchr::memchr(0, bytes).is_some();
    let mut start = 0;
    let mut line = 0_u64;
    while start < chunk.len() {
        let first_end = line_end(bytes, start);
        let (end, fault) = match memchr::memchr(b'"', &bytes[start..first_end]) {
            Some(_) => row_end(bytes, start, delimiter),
            None => (first_end, None),
        };
        let row = &chunk[start..end];
        let at = line;
        line += 1 + if end > first_end { count(row.as_bytes(), b'\n') } else { 0 };
        start = end + 1;
        if row.bytes().all(|byte| byte.is_ascii_whitespace()) {
            continue;
        }
        let id_start = part.ids.len();
        cells.fill(0);
        let (ids, pools) = (&mut part.ids, &mut part.columns);
        let found = each_field(row, delimiter, &mut scratch, |number, field| {
            let text = trimmed(field);
            match targets.get(number).copied() {
                Some(ID) => ids.push_str(text),
                None | Some(UNUSED) => {}
                Some(column) => cells[column] = pools[column].0.intern(text),
            }
        });
        let reason = match (fault.or(found.is_none().then_some(NOT_CLOSED)), found.unwrap_or_default()) {
            (Some(fault), _) => Some(fault.to_owned()),
            (None, found) if found != meanings.len() => {
                Some(format!("{found} fields where the header has {}", meanings.len()))
            }
            (None, _) if has_zeros && row.contains('\0') => Some(ZERO_BYTE.to_owned()),
            (None, _) if takes_rows_in(row.as_bytes(), delimiter, meanings.len()) => Some(ROWS_WITHIN.to_owned()),
            (None, _) if part.ids.len() == id_start => Some("the record id is empty".to_owned()),
            (None, _) => None,
        };
        if let Some(reason) = reason {
            part.ids.truncate(id_start);
            part.bad.push((at + 1, reason));
            // What follows on further lines may be rows that a stray quote took in: only the first line is lost.
            (start, line) = (first_end + 1, at + 1);
            continue;
        }
        part.id_ends.push(part.ids.len() as u32);
        part.lines.push(at as u32 + 1);
        for (cell, (_, column)) in cells.iter().zip(&mut part.columns) {
            column.push(*cell);
        }
    }
    part.line_count = line;
    part
}
