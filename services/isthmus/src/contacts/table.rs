//! From text to rows of cells: comments, the separator, quotes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use anyhow::{Context, anyhow, ensure};
use csv::StringRecord;

/// What parts the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    /// Any number of blanks.
    Blanks,
    Mark(u8),
}

impl Separator {
    /// From the command line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match (text.to_lowercase().as_str(), text.as_bytes()) {
            ("comma", _) => Ok(Self::Mark(b',')),
            ("semicolon", _) => Ok(Self::Mark(b';')),
            ("tab" | "\\t", _) => Ok(Self::Mark(b'\t')),
            ("pipe", _) => Ok(Self::Mark(b'|')),
            ("blank" | "blanks" | "space", _) | (_, [b' ']) => Ok(Self::Blanks),
            (_, [mark]) if mark.is_ascii_punctuation() || *mark == b'\t' => Ok(Self::Mark(*mark)),
            _ => Err("a separator is comma, semicolon, tab, pipe, blanks, or one other mark".to_owned()),
        }
    }

    pub(super) fn told(self) -> String {
        match self {
            Self::Blanks => "blanks".to_owned(),
            Self::Mark(b'\t') => "tab".to_owned(),
            Self::Mark(mark) => format!("`{}`", char::from(mark)),
        }
    }
}

/// Rows of cells.
#[derive(Debug)]
pub(super) struct Table {
    text: String,
    pub(super) separator: Separator,
    /// The last comment before the first row, without its mark: it may be the head.
    pub(super) comment: Option<String>,
    /// Lines that are comments, and lines before the table that are no rows.
    pub(super) comments: usize,
    pub(super) titles: usize,
    /// Cells of a blank-separated row, where two of them may be a date and its time of day.
    pub(super) width: Option<usize>,
}

/// Rows that are looked at to tell the separator.
const LOOKED_AT: usize = 50;
/// No form has fewer columns.
pub(super) const COLUMNS_MIN: usize = 3;

impl Table {
    pub(super) fn new(text: &str, separator: Option<Separator>) -> anyhow::Result<Self> {
        let (stated, text) = match text.strip_prefix("sep=").and_then(|rest| rest.split_once('\n')) {
            // As spreadsheets state it. The line stays, empty, so that lines keep their numbers.
            Some((mark, _)) => (Separator::parse(mark.trim()).ok(), &text[4 + mark.len()..]),
            None => (None, text),
        };
        let (text, comment, comments) = without_comments(text);
        ensure!(!text.trim().is_empty(), "it is empty: give a table of contacts");
        let separator = separator.or(stated);
        let mut table =
            Self { separator: separator.unwrap_or(Separator::Blanks), text, comment, comments, titles: 0, width: None };
        if separator.is_none() {
            table.separator = table.guessed()?;
        }
        let filled = |row: &StringRecord| row.iter().filter(|cell| !cell.is_empty()).count();
        let first = table.sample(LOOKED_AT)?;
        table.titles = first.iter().take_while(|(_, row)| filled(row) < COLUMNS_MIN).count();
        ensure!(
            table.titles < first.len(),
            "its rows have fewer than {COLUMNS_MIN} columns when parted by {}: say with --separator what parts them",
            table.separator.told()
        );
        Ok(table)
    }

    /// The separator by which most rows have one and the same number of columns, the first row too; of several, the one of
    /// most columns.
    fn guessed(&self) -> anyhow::Result<Separator> {
        let of_marks = [b',', b';', b'\t', b'|'].map(Separator::Mark);
        let mut best: Option<(bool, usize, Separator)> = None;
        let mut fault = None;
        for separator in of_marks {
            let rows = match self.first_rows(separator, LOOKED_AT) {
                Ok(rows) => rows,
                Err(error) => {
                    fault.get_or_insert(error);
                    continue;
                }
            };
            let Some((width, share)) = usual_width(&rows) else { continue };
            let fits = rows.first().is_some_and(|(_, row)| row.len() == width);
            if width >= COLUMNS_MIN
                && share * 2 >= rows.len()
                && best.is_none_or(|(found, most, _)| (fits, width) > (found, most))
            {
                best = Some((fits, width, separator));
            }
        }
        let blanks = self.first_rows(Separator::Blanks, LOOKED_AT)?;
        match best {
            Some((_, _, separator)) => Ok(separator),
            None if usual_width(&blanks).is_some_and(|(width, _)| width >= COLUMNS_MIN) => Ok(Separator::Blanks),
            None => Err(fault.unwrap_or_else(|| {
                anyhow!(
                    "its rows have fewer than {COLUMNS_MIN} columns, whether parted by commas, semicolons, tabs, pipes or \
                     blanks: say with --separator what parts them"
                )
            })),
        }
    }

    /// The first rows, those that are titles too.
    fn sample(&self, rows: usize) -> anyhow::Result<Vec<(u64, StringRecord)>> {
        self.first_rows(self.separator, rows)
    }

    fn first_rows(&self, separator: Separator, count: usize) -> anyhow::Result<Vec<(u64, StringRecord)>> {
        let mut rows = Vec::new();
        each(&self.text, separator, self.width, |line, row| {
            rows.push((line, row.clone()));
            Ok(rows.len() < count)
        })?;
        Ok(rows)
    }

    /// The first rows of the table.
    pub(super) fn first(&self, count: usize) -> anyhow::Result<Vec<(u64, StringRecord)>> {
        Ok(self.sample(count + self.titles)?.split_off(self.titles))
    }

    /// Calls for each row with its line, after so many rows.
    pub(super) fn each_after(
        &self,
        skipped: usize,
        mut call: impl FnMut(u64, &StringRecord) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut before = self.titles + skipped;
        each(&self.text, self.separator, self.width, |line, row| {
            match before.checked_sub(1) {
                Some(left) => before = left,
                None => call(line, row)?,
            }
            Ok(true)
        })
    }

    /// The cells of one line.
    pub(super) fn cells(&self, line: &str) -> Option<StringRecord> {
        let mut cells = None;
        each(line, self.separator, None, |_, row| {
            cells = Some(row.clone());
            Ok(false)
        })
        .ok()?;
        cells
    }
}

/// The text with empty lines for comments; the last comment before the first row; how many comments there are.
fn without_comments(text: &str) -> (String, Option<String>, usize) {
    let is_comment = |line: &str| line.trim_start().starts_with(['#', '%']);
    let (mut plain, mut last, mut count, mut has_begun) = (String::with_capacity(text.len()), None, 0, false);
    for line in text.split_inclusive('\n') {
        if is_comment(line) {
            count += 1;
            plain.push('\n');
            if !has_begun {
                last = Some(line.trim().trim_start_matches(['#', '%']).trim().to_owned());
            }
        } else {
            has_begun |= !line.trim().is_empty();
            plain.push_str(line);
        }
    }
    (plain, last, count)
}

/// The number of columns that most rows have, and how many rows that are.
pub(super) fn usual_width(rows: &[(u64, StringRecord)]) -> Option<(usize, usize)> {
    let mut shares: BTreeMap<usize, usize> = BTreeMap::new();
    rows.iter().for_each(|(_, row)| *shares.entry(row.len()).or_default() += 1);
    shares.into_iter().max_by_key(|(width, share)| (*share, *width))
}

/// Calls for each row that is not empty with its line, until it says that it has enough. Cells have no blanks around them.
fn each(
    text: &str,
    separator: Separator,
    width: Option<usize>,
    mut call: impl FnMut(u64, &StringRecord) -> anyhow::Result<bool>,
) -> anyhow::Result<()> {
    let Separator::Mark(mark) = separator else {
        for (line, text) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            let cells = split_blanks(text);
            let row = if width.is_none_or(|width| width != cells.len()) { with_clocks(cells) } else { cells };
            if !call(line, &row.into_iter().collect())? {
                break;
            }
        }
        return Ok(());
    };
    // A quote opens a cell also behind a blank.
    let behind = format!("{} \"", char::from(mark));
    let text = if text.contains(&behind) {
        Cow::Owned(text.replace(&behind, &behind.replace(' ', "")))
    } else {
        Cow::Borrowed(text)
    };
    let mut reader = csv::ReaderBuilder::new();
    let reader = reader.has_headers(false).flexible(true).delimiter(mark).trim(csv::Trim::All);
    let mut reader = reader.from_reader(text.as_bytes());
    let mut row = StringRecord::new();
    while reader.read_record(&mut row).context("it cannot be parted into cells")? {
        if row.iter().all(str::is_empty) {
            continue;
        }
        // The position is that of the empty lines before the row.
        let line = row.position().map_or(0, |position| {
            let empty = text.as_bytes()[position.byte() as usize..].iter().take_while(|byte| **byte == b'\n').count();
            position.line() + empty as u64
        });
        ensure!(
            !row.iter().any(|cell| cell.contains('\n')),
            "line {line}: a cell goes on over several lines: is a quote not closed?"
        );
        if !call(line, &row)? {
            break;
        }
    }
    Ok(())
}

/// Cells between blanks; blanks in quotes part nothing.
fn split_blanks(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut in_quotes, mut is_open) = (Vec::new(), String::new(), false, false);
    for c in line.chars() {
        match c {
            '"' => (in_quotes, is_open) = (!in_quotes, true),
            blank if blank.is_whitespace() && !in_quotes => {
                if is_open {
                    cells.push(std::mem::take(&mut cell));
                }
                is_open = false;
            }
            other => {
                cell.push(other);
                is_open = true;
            }
        }
    }
    if is_open {
        cells.push(cell);
    }
    cells
}

/// A date and the time of day behind it are one cell.
fn with_clocks(cells: Vec<String>) -> Vec<String> {
    let is_date = |cell: &str| cell.len() >= 8 && domain::Day::parse(cell).is_ok();
    let is_clock = |cell: &str| cell.contains(':') && cell.starts_with(|c: char| c.is_ascii_digit());
    let mut joined: Vec<String> = Vec::with_capacity(cells.len());
    for cell in cells {
        match joined.last_mut().filter(|last| is_clock(&cell) && is_date(last)) {
            Some(date) => *date = format!("{date} {cell}"),
            None => joined.push(cell),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &str) -> (Separator, Vec<(u64, Vec<String>)>) {
        let table = Table::new(text, None).expect(text);
        let row = |(line, row): (u64, StringRecord)| (line, row.iter().map(str::to_owned).collect());
        (table.separator, table.first(9).expect(text).into_iter().map(row).collect())
    }

    #[test]
    fn the_separator_is_told_by_the_rows_and_not_by_the_first_mark() {
        for (text, separator) in [
            ("20 1 2\n40 1 2\n", Separator::Blanks),
            ("20   1\t2\n40 1 2\n", Separator::Blanks),
            ("20\t1\t2\n40\t1\t2\n", Separator::Mark(b'\t')),
            ("a;lat;lon;t\nx;31,3;120,6;5\ny;31,4;120,6;5\n", Separator::Mark(b';')),
            ("person|place|from|to\nLi, A|Hall, north|0|5\n", Separator::Mark(b'|')),
            ("2022-03-01 08:00,1,2\n2022-03-01 08:01,1,2\n", Separator::Mark(b',')),
            ("sep=;\ni;j;t\n1;2;3\n", Separator::Mark(b';')),
        ] {
            assert_eq!(rows(text).0, separator, "{text}");
        }
        assert!(Table::new("20 1\n40 1\n", None).is_err());
    }

    #[test]
    fn quotes_comments_titles_and_empty_lines_leave_the_rows_and_their_lines_alone() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let text = "# it's \"free\n\nsurvey\nperson,place,t\n\"Li, A\", \"Hall, north\",5\n,,\n% more\nb,P,6\n";
        let found = rows(text).1;
        let wanted =
            [(4, row(["person", "place", "t"])), (5, row(["Li, A", "Hall, north", "5"])), (8, row(["b", "P", "6"]))];
        assert_eq!(found, wanted);
        let blanks = rows("2022-03-01 08:00 \"Li A\" 2\n2022-03-01 08:01 b 2\n").1;
        assert_eq!(blanks[0], (1, row(["2022-03-01 08:00", "Li A", "2"])));
    }

    #[test]
    fn a_quote_that_is_not_closed_is_told_with_its_line() {
        let error = Table::new("a,b,c\n1,\"2,3\n4,5,6\n7,8,9\n", Some(Separator::Mark(b','))).expect_err("open");
        assert!(error.to_string().contains("line 2: a cell goes on over several lines"), "{error}");
    }
}
