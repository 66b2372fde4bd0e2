//! Any form of rows as a table of texts: the begin of a file, read loosely.

use std::collections::BTreeMap;
use std::io::Cursor;

use serde_json::Value;

use crate::feed::RowReader;
use crate::infer::{Form, InferError};
use crate::json::ListRows;
use crate::profile::FormatKind;
use crate::rows::split;
use crate::synonyms;
use crate::workbook;
use crate::xml::{ElementCutter, read_element};

/// Rows that are looked at.
const ROWS_MAX: usize = 2000;
/// Lines before the header that are searched for it.
const PREAMBLE_MAX: usize = 30;

/// The begin of a file as a table.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// What the columns are called, if anything.
    pub(crate) names: Option<Vec<String>>,
    /// Rows of texts.
    pub(crate) rows: Vec<Vec<String>>,
    /// What stands between columns.
    pub(crate) separator: char,
    /// Values are quoted.
    pub(crate) quoted: bool,
    /// Lines before the header, or the first row.
    pub(crate) preamble: usize,
    /// Lines at the end that are no rows begin so.
    pub(crate) trailers: Vec<String>,
    /// The columns keep their places: they can be counted.
    pub(crate) placed: bool,
    /// The header has two lines, which no reader puts together: its columns are counted.
    pub(crate) two_lines: bool,
}

impl Table {
    /// How many columns there are.
    pub(crate) fn width(&self) -> usize {
        self.names.as_ref().map_or_else(|| self.rows.iter().map(Vec::len).max().unwrap_or(0), Vec::len)
    }

    /// The values of a column.
    pub(crate) fn column(&self, place: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().map(move |row| row.get(place).map_or("", |value| value.trim()))
    }
}

/// Reads the begin of a file.
pub(super) fn read(form: &Form, bytes: &[u8], whole: bool) -> Result<Table, InferError> {
    match form.kind {
        FormatKind::Delimited => {
            let text = form.encoding.decode_loosely(bytes);
            let mut lines: Vec<&str> = text.trim_start_matches('\u{feff}').lines().collect();
            if !whole {
                lines.pop();
            }
            Ok(delimited(&lines, whole))
        }
        FormatKind::Workbook => {
            let mut rows = workbook::SheetRows::open(Cursor::new(bytes), None).map_err(unreadable)?;
            let mut cells = Vec::new();
            while cells.len() < ROWS_MAX + PREAMBLE_MAX {
                let Some((_, row)) = rows.next().map_err(unreadable)? else { break };
                cells.push(row.iter().map(|cell| workbook::text_of(cell).unwrap_or_default()).collect());
            }
            Ok(headed(cells, ',', false, true))
        }
        FormatKind::Xml => {
            let path = form.rows.as_deref().ok_or_else(|| {
                InferError::Unknown(
                    "the XML document has no repeated element; name the row's element yourself".to_owned(),
                )
            })?;
            let mut cutter = ElementCutter::open(Box::new(bytes), form.encoding, &[path]).map_err(unreadable)?;
            let mut rows = Vec::new();
            while rows.len() < ROWS_MAX {
                // A file that was cut off ends in a broken element.
                let Ok(Some(element)) = cutter.next_element() else { break };
                let Ok(text) = form.encoding.decode(&element.bytes) else { continue };
                let mut row = Vec::new();
                let _ = read_element(&text, |path, value| row.push((path.to_owned(), value.to_owned())));
                rows.push(row);
            }
            Ok(named(rows))
        }
        _ => Ok(named(objects(form, bytes)?)),
    }
}

fn unreadable(error: impl std::fmt::Display) -> InferError {
    InferError::Unknown(error.to_string())
}

/// Keys and values of the first objects; those of objects in them by their paths.
fn objects(form: &Form, bytes: &[u8]) -> Result<Vec<Vec<(String, String)>>, InferError> {
    let mut rows = Vec::new();
    let mut add = |text: &str| {
        if let Ok(object) = serde_json::from_str::<serde_json::Map<String, Value>>(text) {
            let mut row = Vec::new();
            flatten(&object, "", &mut row);
            rows.push(row);
        }
        rows.len() < ROWS_MAX
    };
    if form.kind == FormatKind::Ndjson {
        let text = form.encoding.decode_loosely(bytes);
        let _ = text.trim_start_matches('\u{feff}').lines().all(&mut add);
        return Ok(rows);
    }
    let path = form.rows.iter().flat_map(|path| path.split('.'));
    let mut list = ListRows::open(Box::new(bytes), form.encoding, path).map_err(unreadable)?;
    while let Ok(Some(row)) = list.next_row() {
        if row.broken.is_some() || !form.encoding.decode(row.bytes.expose()).is_ok_and(|text| add(&text)) {
            break;
        }
    }
    Ok(rows)
}

fn flatten(object: &serde_json::Map<String, Value>, path: &str, row: &mut Vec<(String, String)>) {
    for (key, value) in object {
        let name = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
        match value {
            Value::Object(inner) => flatten(inner, &name, row),
            Value::Null => row.push((name, String::new())),
            Value::String(text) => row.push((name, text.clone())),
            Value::Array(list) if list.first().is_some_and(|first| !first.is_object() && !first.is_array()) => {
                row.push((format!("{name}.0"), list[0].as_str().map_or_else(|| list[0].to_string(), str::to_owned)));
            }
            Value::Array(_) => {}
            other => row.push((name, other.to_string())),
        }
    }
}

fn named(rows: Vec<Vec<(String, String)>>) -> Table {
    let mut names: Vec<String> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut table = Table { separator: ',', ..Table::default() };
    for row in rows {
        let mut cells = vec![String::new(); names.len()];
        for (name, value) in row {
            let place = *places.entry(name.clone()).or_insert_with(|| {
                names.push(name);
                names.len() - 1
            });
            cells.resize(cells.len().max(place + 1), String::new());
            if cells[place].is_empty() {
                cells[place] = value;
            }
        }
        table.rows.push(cells);
    }
    table.names = Some(names);
    table
}

/// Cuts lines by the separator that gives the same number of columns most often.
fn delimited(lines: &[&str], whole: bool) -> Table {
    let sample: Vec<&str> = lines.iter().filter(|line| !line.trim().is_empty()).take(400).copied().collect();
    let score = |separator: char| {
        let widths: Vec<usize> = sample.iter().map(|line| cells(line, separator).len()).collect();
        let usual = usual(&widths);
        let share = widths.iter().filter(|width| **width == usual).count();
        if usual > 1 { share * 100 / widths.len().max(1) * usual.min(40) } else { 0 }
    };
    // A comma or a tab is likelier than a mark that stands in times and numbers.
    let candidates = [',', '\t', '|', ';', '^', '~', '\u{1}'];
    let likeliest =
        candidates.into_iter().rev().max_by_key(|candidate| score(*candidate)).filter(|mark| score(*mark) > 0);
    // Blanks stand in values, too: they separate where nothing else does.
    let separator = likeliest.unwrap_or(if score(' ') > 0 { ' ' } else { ',' });
    let rows: Vec<Vec<String>> = lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .take(ROWS_MAX + PREAMBLE_MAX)
        .map(|line| cells(line, separator))
        .collect();
    let quoted = sample.iter().any(|line| line.split(separator).any(|cell| cell.len() > 1 && cell.starts_with('"')));
    let all = whole && rows.len() < ROWS_MAX;
    headed(rows, separator, quoted, all)
}

fn cells(line: &str, separator: char) -> Vec<String> {
    let mut cells = Vec::new();
    if split(line, separator, Some('"'), 4096, |_, value| cells.push(value.to_owned())).is_err() {
        cells = line.split(separator).map(str::to_owned).collect();
    }
    cells
}

fn usual(widths: &[usize]) -> usize {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for width in widths {
        *counts.entry(*width).or_default() += 1;
    }
    counts.into_iter().max_by_key(|(width, count)| (*count, *width)).map_or(0, |(width, _)| width)
}

/// Finds preamble, header and trailers of rows that were cut.
fn headed(mut rows: Vec<Vec<String>>, separator: char, quoted: bool, all: bool) -> Table {
    let usual = usual(&rows.iter().map(Vec::len).collect::<Vec<_>>());
    let filled = |row: &[String]| row.iter().filter(|cell| !cell.trim().is_empty()).count();
    let fits = |row: &[String]| row.len() >= usual.max(1) && filled(row) * 2 > usual.min(row.len());
    let mut preamble = rows.iter().take(PREAMBLE_MAX).position(|row| fits(row)).unwrap_or(0);
    let above = rows.drain(..preamble).next_back();
    let mut trailers = Vec::new();
    while all && rows.len() > 2 && rows.last().is_some_and(|row| row.len() != usual || filled(row) <= 1) {
        let first = rows.pop().and_then(|row| row.into_iter().next()).unwrap_or_default();
        // Only marks and words of a trailer are named: a number or a name would be a value.
        let mark: String = first.trim().chars().take_while(|c| !c.is_alphanumeric()).take(3).collect();
        let word = ["合计", "总计", "小计", "共计", "Total", "TOTAL", "total", "END", "EOF"];
        let known = word.iter().find(|word| first.trim().starts_with(**word)).map(|word| (*word).to_owned());
        trailers.extend(known.or((!mark.is_empty()).then_some(mark)).filter(|trailer| !trailers.contains(trailer)));
    }
    trailers.sort();
    trailers.dedup();
    let grouped = above.and_then(|above| together(&above, rows.first()?)).map(|names| (names, 1));
    let grouped = grouped.or_else(|| together(rows.first()?, rows.get(1)?).map(|names| (names, 2)));
    let two_lines = grouped.is_some();
    let names = match grouped {
        Some((names, lines)) => {
            rows.drain(..lines);
            preamble += lines;
            Some(names)
        }
        None => {
            let names = rows.first().filter(|first| is_header(first)).cloned();
            if names.is_some() {
                rows.remove(0);
            }
            names
        }
    };
    rows.truncate(ROWS_MAX);
    let names = names.map(|names| names.into_iter().map(|name| name.trim().to_owned()).collect());
    Table { names, rows, separator, quoted, preamble, trailers, placed: true, two_lines }
}

/// The names of a header of two lines: groups of columns stand above their names, and columns without a group have their
/// name above alone, in cells that are merged over both.
fn together(upper: &[String], lower: &[String]) -> Option<Vec<String>> {
    let width = upper.len().max(lower.len());
    let cell = |row: &[String], place: usize| row.get(place).map_or("", |cell| cell.trim()).to_owned();
    let pairs: Vec<(String, String)> = (0..width).map(|place| (cell(upper, place), cell(lower, place))).collect();
    let is_merged = pairs.iter().any(|(upper, lower)| !upper.is_empty() && lower.is_empty());
    let is_grouped = pairs.iter().any(|(upper, lower)| upper.is_empty() && !lower.is_empty());
    let are_names = pairs
        .iter()
        .flat_map(|(upper, lower)| [upper, lower])
        .all(|name| name.chars().count() <= 40 && name.chars().filter(char::is_ascii_digit).count() < 3);
    let is_usual = pairs.iter().any(|(_, lower)| usual_name(lower));
    (is_merged && is_grouped && are_names && is_usual)
        .then(|| pairs.into_iter().map(|(upper, lower)| if lower.is_empty() { upper } else { lower }).collect())
}

/// A header names things: one of its names is a usual one, or no cell looks like a value.
fn is_header(cells: &[String]) -> bool {
    let cells: Vec<&str> = cells.iter().map(|cell| cell.trim()).filter(|cell| !cell.is_empty()).collect();
    let digits = |cell: &&&str| cell.chars().filter(char::is_ascii_digit).count() >= 3;
    if cells.is_empty() || cells.iter().any(|cell| digits(&cell)) && !cells.iter().any(|cell| usual_name(cell)) {
        return false;
    }
    cells.iter().filter(|cell| usual_name(cell)).count() * 5 >= cells.len()
        || cells.iter().all(|cell| !cell.starts_with(|c: char| c.is_ascii_digit()) && cell.chars().count() <= 40)
            && !cells.iter().any(|cell| digits(&cell))
            && cells.len() > 1
}

fn usual_name(cell: &str) -> bool {
    !synonyms::fields_of(cell).is_empty()
}
