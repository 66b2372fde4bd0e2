//! Rows of delimited text and of NDJSON, and where columns stand in bodies of any form.
//!
//! Invariant: every data line of the body is part of exactly one row. A stray quote never swallows more than its own
//! line: a value that is still open after [`QUOTED_LINES_MAX`] lines, at the end of the body or in a row of the wrong
//! width makes its first line a broken row, and reading goes on with the next line.

use std::collections::VecDeque;
use std::io::BufRead;
use std::sync::Arc;

use domain::Sensitive;
use store::ingest::Notice;

use crate::columns::Layout;
use crate::feed::{BatchError, RawRow, RowError, RowReader};
use crate::header::{is_header, named_columns, named_layout, positional_layout, standing_in};
use crate::lines::{Line, Lines};
use crate::magic;
use crate::profile::{Encoding, Format, FormatKind, Profile};
use crate::reason::Reason;

/// Longest row in bytes.
pub const ROW_BYTES_MAX: usize = 1 << 20;
/// Most columns of a header.
pub const COLUMNS_MAX: usize = 4096;
/// Lines behind a refused header in which the columns are looked for.
pub(crate) const HEADER_LINES_MAX: usize = 20;
/// Lines that a trailer may have.
const TRAILER_LINES_MAX: usize = 1_000;
/// Most lines of a row with line ends inside quotes.
pub const QUOTED_LINES_MAX: usize = 16;

/// Reads lines as rows.
pub(crate) struct LineRows<'a> {
    lines: Lines<'a>,
    ahead: VecDeque<Line>,
    format: &'a Format,
    trailers: Vec<Vec<u8>>,
    /// What lines without any value may have beside blanks.
    marks: Vec<u8>,
    /// The header line: where exports were put together, it stands in the middle again.
    header: Option<Vec<u8>>,
    layout: Arc<Layout>,
    data_start: u64,
    rows: u64,
    trailer_lines: u64,
    header_lines: u64,
    notices: Vec<Notice>,
}

impl<'a> LineRows<'a> {
    /// Reads mark, preamble and header.
    pub(crate) fn open(profile: &'a Profile, input: Box<dyn BufRead + Send + 'a>) -> Result<Self, BatchError> {
        let format = &profile.format;
        let mut lines = Lines::new(input, ROW_BYTES_MAX);
        let begin = lines.peek()?;
        if let Some(error) = magic::not_text(begin) {
            return Err(error);
        }
        if begin.starts_with(&[0xFF, 0xFE]) || begin.starts_with(&[0xFE, 0xFF]) {
            let message = format!("the file is UTF-16; the profile expects {}", format.encoding.name());
            return Err(BatchError::refused(Reason::Encoding, message));
        }
        let utf8_mark = Encoding::Utf8.byte_order_mark();
        if begin.starts_with(utf8_mark) && format.encoding != Encoding::Utf8 {
            let message = format!("the file is UTF-8; the profile expects {}", format.encoding.name());
            return Err(BatchError::refused(Reason::Encoding, message));
        }
        // Such a file would be one row, and what is wrong with it would be said of all of it.
        if !begin.contains(&b'\n') && begin.trim_ascii_end().contains(&b'\r') {
            return Err(line_ends());
        }
        lines.skip_mark(format.encoding.byte_order_mark())?;
        if format.kind == FormatKind::Delimited && format.preamble_lines == 0 {
            skip_directive(&mut lines, format)?;
        }
        for _ in 0..format.preamble_lines {
            lines.next()?;
        }
        let mut notices = Vec::new();
        let mut head = None;
        let layout = match format.kind {
            FormatKind::Delimited if format.header => {
                let header = loop {
                    match lines.next()? {
                        Some(line) if line.is_blank() => {}
                        other => break other,
                    }
                };
                head = header.as_ref().map(|line| line.bytes.clone());
                header_layout(profile, header, &mut notices).map_err(|error| with_place(error, profile, &mut lines))?
            }
            FormatKind::Delimited => positional_layout(profile),
            _ => named_layout(profile),
        };
        let trailers = format.trailer_prefixes.iter().filter_map(|prefix| format.encoding.encode(prefix)).collect();
        let marks: Vec<u8> = match format.kind {
            FormatKind::Delimited => {
                format.quote.into_iter().chain([format.separator]).filter(char::is_ascii).map(|c| c as u8).collect()
            }
            _ => Vec::new(),
        };
        let data_start = lines.offset();
        Ok(Self {
            lines,
            ahead: VecDeque::new(),
            format,
            trailers,
            marks,
            header: head,
            layout: Arc::new(layout),
            data_start,
            rows: 0,
            trailer_lines: 0,
            header_lines: 0,
            notices,
        })
    }

    fn is_trailer(&self, line: &Line) -> bool {
        self.trailers.iter().any(|prefix| line.bytes.starts_with(prefix))
    }

    /// Whether a line has nothing but blanks, separators and quotes that close in it. A quote that stays open begins a
    /// value, and a separator in quotes is one.
    fn has_no_value(&self, line: &Line) -> bool {
        let (separator, quote) = (self.format.separator, self.format.quote);
        let is_mark = |c: char| c == separator || Some(c) == quote;
        let mut empty = line.has_only(&self.marks);
        if empty && !line.bytes.is_empty() {
            let text = std::str::from_utf8(&line.bytes).unwrap_or_default();
            let cut = split(text, separator, quote, usize::MAX, |_, value| empty &= !value.contains(is_mark));
            empty &= cut.is_ok();
        }
        empty
    }

    /// Whether a line of data follows: then a line that begins like a trailer is none.
    fn has_data_ahead(&mut self) -> Result<bool, BatchError> {
        for at in 0..TRAILER_LINES_MAX {
            if at == self.ahead.len() {
                let Some(line) = self.lines.next()? else { return Ok(false) };
                self.ahead.push_back(line);
            }
            let line = &self.ahead[at];
            if !self.has_no_value(line) && !self.is_trailer(line) {
                return Ok(true);
            }
        }
        Ok(true)
    }

    fn line(&mut self) -> Result<Option<Line>, BatchError> {
        match self.ahead.pop_front() {
            Some(line) => Ok(Some(line)),
            None => Ok(self.lines.next()?),
        }
    }

    /// Joins the lines of a row whose quoted value goes on after the line end.
    fn join_quoted(&mut self, first: &Line, quote: char) -> Result<Result<Option<Line>, RowError>, BatchError> {
        let mut joined = first.clone();
        let mut used = 0;
        loop {
            let text = match self.format.encoding.decode(&joined.bytes) {
                Ok(text) => text,
                Err(error) => return Ok(Err(error)),
            };
            let open = match split(&text, self.format.separator, Some(quote), COLUMNS_MAX, |_, _| {}) {
                Ok(width) if used == 0 || width == self.layout.width() => {
                    self.ahead.drain(..used);
                    return Ok(Ok((used > 0).then_some(joined)));
                }
                Ok(_) => false,
                Err(error) => error == SplitError::Open,
            };
            let next_is_there = used < self.ahead.len() || {
                let next = if open && used + 1 < QUOTED_LINES_MAX { self.lines.next()? } else { None };
                next.map(|next| self.ahead.push_back(next)).is_some()
            };
            let fits = next_is_there
                && !self.ahead[used].too_long
                && joined.bytes.len() + self.ahead[used].bytes.len() < ROW_BYTES_MAX;
            if !open || used + 1 >= QUOTED_LINES_MAX || !fits {
                return Ok(Err(RowError::row(
                    Reason::RowQuote,
                    "a quoted value is not closed, or text follows its closing quote",
                )));
            }
            let next = &self.ahead[used];
            joined.bytes.push(b'\n');
            joined.bytes.extend_from_slice(&next.bytes);
            joined.length += next.length;
            used += 1;
        }
    }
}

impl RowReader for LineRows<'_> {
    fn next_row(&mut self) -> Result<Option<RawRow>, BatchError> {
        let line = loop {
            let Some(line) = self.line()? else { return Ok(None) };
            if self.has_no_value(&line) {
                continue;
            }
            if self.header.as_ref() == Some(&line.bytes) {
                self.header_lines += 1;
                continue;
            }
            if self.is_trailer(&line) && !self.has_data_ahead()? {
                self.trailer_lines += 1;
                continue;
            }
            break line;
        };
        self.rows += 1;
        let mut row = RawRow {
            number: self.rows,
            line: line.number,
            offset: line.offset,
            length: line.length,
            bytes: Sensitive::default(),
            broken: None,
        };
        if line.too_long {
            let message = format!("the line has {} bytes; a row has at most {ROW_BYTES_MAX}", line.length);
            row.broken = Some(RowError::row(Reason::RowTooLong, message));
            return Ok(Some(row));
        }
        let quote = self.format.quote.filter(|quote| line.bytes.contains(&(*quote as u8)));
        if let Some(quote) = quote {
            match self.join_quoted(&line, quote)? {
                Ok(None) => {}
                Ok(Some(joined)) => {
                    row.length = joined.length;
                    row.bytes = joined.bytes.into();
                    return Ok(Some(row));
                }
                Err(error) => row.broken = Some(error),
            }
        }
        row.bytes = line.bytes.into();
        Ok(Some(row))
    }

    fn layout(&self) -> Option<Arc<Layout>> {
        Some(Arc::clone(&self.layout))
    }

    fn data_start(&self) -> u64 {
        self.data_start
    }

    fn notices(&self) -> Vec<Notice> {
        let mut notices = self.notices.clone();
        if self.header_lines > 0 {
            let message = format!("{} lines that repeat the header were left out", self.header_lines);
            notices.push(Notice::new("header-repeated", message));
        }
        if self.trailer_lines > 0 {
            notices.push(Notice::new("trailer-lines", format!("{} trailer lines were left out", self.trailer_lines)));
        }
        notices
    }
}

fn line_ends() -> BatchError {
    BatchError::refused(Reason::LineEnds, "the lines end with a carriage return (CR) and no line feed (LF)")
}

/// Skips the line `sep=,` by which a spreadsheet is told the separator.
fn skip_directive(lines: &mut Lines<'_>, format: &Format) -> Result<(), BatchError> {
    let [b's' | b'S', b'e' | b'E', b'p' | b'P', b'=', stated, b'\r' | b'\n', ..] = *lines.peek()? else {
        return Ok(());
    };
    if char::from(stated) != format.separator {
        let message = format!(
            "the first line says that the separator is `{}`; the profile expects `{}`",
            char::from(stated).escape_debug(),
            format.separator.escape_debug()
        );
        return Err(BatchError::refused(Reason::HeaderMismatch, message));
    }
    lines.next()?;
    Ok(())
}

/// A refused header, with the line in which the columns do stand.
fn with_place(error: BatchError, profile: &Profile, lines: &mut Lines<'_>) -> BatchError {
    let format = &profile.format;
    let mut place = || {
        for _ in 0..HEADER_LINES_MAX {
            let line = lines.next().ok()??;
            let text = format.encoding.decode(&line.bytes).ok()?;
            let mut found = Vec::new();
            let cut = split(&text, format.separator, format.quote, COLUMNS_MAX, |_, value| {
                found.push(value.trim().to_owned())
            });
            if cut.is_ok() && is_header(profile, &found) {
                return Some(line.number);
            }
        }
        None
    };
    standing_in(error, place(), profile)
}

fn header_layout(profile: &Profile, line: Option<Line>, notices: &mut Vec<Notice>) -> Result<Layout, BatchError> {
    let Some(line) = line else {
        return Err(BatchError::refused(Reason::EmptyBody, "the body has no header line"));
    };
    if line.bytes.contains(&b'\r') {
        return Err(line_ends());
    }
    if line.too_long {
        let message = format!("the header line has {} bytes; at most {ROW_BYTES_MAX} are read", line.length);
        return Err(BatchError::refused(Reason::ColumnsTooMany, message));
    }
    let format = &profile.format;
    let text = format
        .encoding
        .decode(&line.bytes)
        .map_err(|error| BatchError::refused(error.reason, format!("line {}: in the header, {error}", line.number)))?;
    let mut found: Vec<String> = Vec::new();
    let cut = split(&text, format.separator, format.quote, COLUMNS_MAX, |_, value| found.push(value.trim().to_owned()));
    if cut == Err(SplitError::TooMany) {
        let message = format!("the header has more than {COLUMNS_MAX} columns");
        return Err(BatchError::refused(Reason::ColumnsTooMany, message));
    }
    named_columns(profile, line.number, found, cut.is_ok(), notices)
}

/// Why a line could not be cut into columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SplitError {
    /// A quoted value is still open at the end.
    Open,
    /// Text follows a closing quote.
    AfterQuote,
    /// More columns than allowed.
    TooMany,
}

/// Cuts a line into columns, handing each to `take` with its place (from 0), quotes undone. Returns how many there are.
pub(crate) fn split(
    text: &str,
    separator: char,
    quote: Option<char>,
    columns_max: usize,
    mut take: impl FnMut(usize, &str),
) -> Result<usize, SplitError> {
    let mut rest = text;
    let mut columns = 0;
    loop {
        if columns == columns_max {
            return Err(SplitError::TooMany);
        }
        let after = match quote.and_then(|quote| rest.strip_prefix(quote).map(|inner| (quote, inner))) {
            None => match rest.split_once(separator) {
                Some((value, after)) => {
                    take(columns, value);
                    Some(after)
                }
                None => {
                    take(columns, rest);
                    None
                }
            },
            Some((quote, inner)) => {
                let (value, after) = quoted(inner, quote)?;
                take(columns, &value);
                match after.strip_prefix(separator) {
                    Some(after) => Some(after),
                    None if after.trim().is_empty() => None,
                    None => return Err(SplitError::AfterQuote),
                }
            }
        };
        columns += 1;
        match after {
            Some(after) => rest = after,
            None => return Ok(columns),
        }
    }
}

/// The value up to its closing quote, doubled quotes undone, and what follows the quote.
fn quoted(inner: &str, quote: char) -> Result<(String, &str), SplitError> {
    let mut value = String::new();
    let mut rest = inner;
    loop {
        let (before, after) = rest.split_once(quote).ok_or(SplitError::Open)?;
        value.push_str(before);
        match after.strip_prefix(quote) {
            Some(after) => {
                value.push(quote);
                rest = after;
            }
            None => return Ok((value, after)),
        }
    }
}
