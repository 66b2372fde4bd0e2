//! Delimited text, parsed on all cores.

use std::path::Path;

use linkage::table::{Column, TextPool};
use rayon::prelude::*;

use crate::LinkError;
use crate::cells::{File, Meaning, Part};
use crate::decode::Decoded;

/// Bytes that one task parses.
const CHUNK_BYTES: usize = 2 << 20;

/// Parses a text. Bad rows are left in the parts for the caller to judge.
pub(crate) fn parse(path: &Path, decoded: &Decoded) -> Result<File, LinkError> {
    let text = decoded.text.as_bytes();
    let delimiter = sniff(text);
    let end = row_end(text, 0);
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
    let chunks = chunks(body);
    let mut parts: Vec<Part> =
        chunks.into_par_iter().with_max_len(1).map(|chunk| part(chunk, delimiter, &meanings, &columns)).collect();
    let mut before = 1 + count(&text[..end], b'\n');
    for part in &mut parts {
        part.lines.iter_mut().for_each(|line| *line += before as u32);
        part.bad.iter_mut().for_each(|(line, _)| *line += before);
        before += part.line_count;
    }
    let named = match delimiter {
        b'\t' => "tab".to_owned(),
        other => format!("`{}`", char::from(other)),
    };
    Ok(File { columns, unused, parts, format: format!("{} text, delimiter {named}", decoded.encoding) })
}

/// What each heading means; an error when ids are missing or nothing is understood.
pub(crate) fn meanings(path: &Path, header: &[String]) -> Result<Vec<Meaning>, LinkError> {
    let mut meanings: Vec<Meaning> = header.iter().map(|heading| Meaning::of(heading)).collect();
    let listed = || header.iter().map(|heading| format!("`{heading}`")).collect::<Vec<_>>().join(", ");
    // A column called `id` is the record's only where no better one is there.
    let ids: Vec<usize> = (0..meanings.len()).filter(|place| meanings[*place] == Meaning::RecordId).collect();
    let exact = ids.iter().copied().find(|place| header[*place].eq_ignore_ascii_case("record_id"));
    let Some(chosen) = exact.or(ids.first().copied()) else {
        return Err(LinkError::NoRecordId { path: path.to_owned(), columns: listed() });
    };
    for place in ids.into_iter().filter(|place| *place != chosen) {
        meanings[place] = Meaning::Other;
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

/// The delimiter that the header has most of.
fn sniff(text: &[u8]) -> u8 {
    let header = &text[..row_end(text, 0)];
    let found = |delimiter: u8| split(header, delimiter).len();
    let candidates = [b',', b';', b'\t', b'|'];
    candidates.into_iter().rev().max_by_key(|delimiter| found(*delimiter)).unwrap_or(b',')
}

fn count(text: &[u8], byte: u8) -> u64 {
    memchr::memchr_iter(byte, text).count() as u64
}

/// Where the row that begins at `start` ends: its line break, outside of quotes.
fn row_end(text: &[u8], start: usize) -> usize {
    let mut quoted = false;
    for place in memchr::memchr2_iter(b'\n', b'"', &text[start..]) {
        match text[start + place] {
            b'"' => quoted = !quoted,
            _ if !quoted => return start + place,
            _ => {}
        }
    }
    text.len()
}

/// Cuts a text at ends of rows.
fn chunks(text: &[u8]) -> Vec<&[u8]> {
    let starts: Vec<usize> = (0..text.len()).step_by(CHUNK_BYTES).collect();
    // An odd number of quotes before a place means that it is inside of quotes.
    let quotes: Vec<u64> =
        starts.par_iter().map(|start| count(&text[*start..(start + CHUNK_BYTES).min(text.len())], b'"')).collect();
    let mut cuts = vec![0];
    let mut before = 0_u64;
    for (place, start) in starts.iter().enumerate() {
        if place > 0 {
            let end = if before.is_multiple_of(2) { row_end(text, *start) } else { quoted_row_end(text, *start) };
            let cut = (end + 1).min(text.len());
            if cuts.last().is_some_and(|last| *last < cut) {
                cuts.push(cut);
            }
        }
        before += quotes[place];
    }
    if cuts.last() != Some(&text.len()) {
        cuts.push(text.len());
    }
    cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect()
}

fn quoted_row_end(text: &[u8], start: usize) -> usize {
    match memchr::memchr(b'"', &text[start..]) {
        Some(place) => row_end(text, start + place + 1),
        None => text.len(),
    }
}

fn split(row: &[u8], delimiter: u8) -> Vec<String> {
    let mut fields = Vec::new();
    let mut scratch = Vec::new();
    each_field(row, delimiter, &mut scratch, |_, field| fields.push(String::from_utf8_lossy(field).trim().to_owned()));
    fields
}

/// Calls `each` with number and content of the fields of a row. Gives their number, or nothing when a quote is open.
fn each_field(row: &[u8], delimiter: u8, scratch: &mut Vec<u8>, mut each: impl FnMut(usize, &[u8])) -> Option<usize> {
    let row = row.strip_suffix(b"\r").unwrap_or(row);
    let mut rest = row;
    let mut number = 0;
    loop {
        let blanks = rest.iter().take_while(|byte| **byte == b' ').count();
        if rest.get(blanks) == Some(&b'"') {
            scratch.clear();
            let mut inner = &rest[blanks + 1..];
            loop {
                let quote = memchr::memchr(b'"', inner)?;
                scratch.extend_from_slice(&inner[..quote]);
                inner = &inner[quote + 1..];
                if inner.first() != Some(&b'"') {
                    break;
                }
                scratch.push(b'"');
                inner = &inner[1..];
            }
            each(number, scratch);
            number += 1;
            match memchr::memchr(delimiter, inner) {
                Some(next) => rest = &inner[next + 1..],
                None => return Some(number),
            }
            continue;
        }
        match memchr::memchr(delimiter, rest) {
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

fn part(chunk: &[u8], delimiter: u8, meanings: &[Meaning], columns: &[Column]) -> Part {
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
    let mut scratch = Vec::new();
    let mut cells = vec![0_u32; columns.len()];
    let mut start = 0;
    let mut line = 0_u64;
    while start < chunk.len() {
        let end = match memchr::memchr(b'\n', &chunk[start..]) {
            Some(place) if memchr::memchr(b'"', &chunk[start..start + place]).is_none() => start + place,
            _ => row_end(chunk, start),
        };
        let row = &chunk[start..end];
        let at = line;
        line += 1 + if end - start > 64 || row.contains(&b'"') { count(row, b'\n') } else { 0 };
        start = end + 1;
        if row.iter().all(|byte| byte.is_ascii_whitespace()) {
            continue;
        }
        let id_start = part.ids.len();
        cells.fill(0);
        let (ids, pools) = (&mut part.ids, &mut part.columns);
        let found = each_field(row, delimiter, &mut scratch, |number, field| {
            // Pieces of valid UTF-8 cut at ASCII bytes are valid.
            let text = std::str::from_utf8(field).unwrap_or("").trim();
            match targets.get(number).copied() {
                Some(ID) => ids.push_str(text),
                None | Some(UNUSED) => {}
                Some(column) => cells[column] = pools[column].0.intern(text),
            }
        });
        let reason = match found {
            None => Some("a quote is not closed".to_owned()),
            Some(found) if found != meanings.len() => {
                Some(format!("{found} fields where the header has {}", meanings.len()))
            }
            Some(_) if part.ids.len() == id_start => Some("the record id is empty".to_owned()),
            Some(_) => None,
        };
        if let Some(reason) = reason {
            part.ids.truncate(id_start);
            part.bad.push((at + 1, reason));
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
