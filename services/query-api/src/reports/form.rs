//! Forms as files: the head row of a template is found, and the same form is written with rows below it.

use std::io::{Cursor, Read};

use calamine::{Data, Reader, Xlsx};

use super::{ReportField, SHEET};
use crate::view;

/// Rows of a template in which its head row is looked for: forms have a title, and who fills them, above it.
const HEAD_ROWS_MAX: usize = 20;
/// Bytes of an unpacked workbook, and files in it, at most.
const UNPACKED_MAX: u64 = 4 * 1024 * 1024;
const MEMBERS_MAX: usize = 200;
/// Cells of one row at most.
const CELLS_MAX: usize = 200;
/// What a cell of a workbook holds at most, in UTF-16 units.
const CELL_UNITS_MAX: usize = 32_767;
/// Bytes of all texts above and in the head row at most.
const CHARS_MAX: usize = 256 * 1024;

/// A form that is to be filled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// The sheet of a workbook; a table of text without one.
    pub(super) sheet: Option<String>,
    /// What stands above the headings.
    pub(super) above: Vec<Vec<String>>,
    /// The headings, in their order.
    pub(super) headings: Vec<String>,
}

impl Form {
    /// A template that is a table of text, in UTF-8 or GB 18030.
    pub(super) fn of_csv(bytes: &[u8]) -> Option<Self> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(bytes)?,
        };
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let rows = reader.records().take(HEAD_ROWS_MAX);
        let rows = rows.map(|row| Some(row.ok()?.iter().map(str::to_owned).collect()));
        Self::of_rows(None, rows.collect::<Option<_>>()?)
    }

    /// A template that is a workbook: its first sheet.
    pub(super) fn of_workbook(bytes: &[u8]) -> Option<Self> {
        if !is_small(bytes) {
            return None;
        }
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(bytes.to_vec())).ok()?;
        let sheet = book.sheet_names().first()?.clone();
        let mut cells = book.worksheet_cells_reader(&sheet).ok()?;
        let (mut rows, mut left): (Vec<Vec<String>>, usize) = (Vec::new(), CHARS_MAX);
        // Cell by cell: a sheet of two cells may be as large as all there are.
        while let Some(cell) = cells.next_cell().ok()? {
            let (row, column) = cell.get_position();
            if row as usize >= HEAD_ROWS_MAX {
                break;
            }
            let text = Data::from(cell.get_value().clone()).to_string();
            // One text may stand in many cells.
            left = left.checked_sub(text.len() + 1)?;
            if column as usize >= CELLS_MAX {
                return None;
            }
            let (row, column) = (row as usize, column as usize);
            rows.resize_with(rows.len().max(row + 1), Vec::new);
            let cells = &mut rows[row];
            cells.resize_with(cells.len().max(column + 1), String::new);
            cells[column] = text;
        }
        drop(cells);
        Self::of_rows(Some(sheet), rows)
    }

    /// The head row is the first of those that name the most fields.
    fn of_rows(sheet: Option<String>, mut rows: Vec<Vec<String>>) -> Option<Self> {
        let named = |row: &Vec<String>| row.iter().filter(|cell| ReportField::of_heading(cell).is_some()).count();
        let most = rows.iter().map(named).max()?;
        let head = rows.iter().position(|row| named(row) == most)?;
        let mut headings = rows.swap_remove(head);
        rows.truncate(head);
        while headings.last().is_some_and(|heading| heading.trim().is_empty()) {
            headings.pop();
        }
        (headings.len() <= CELLS_MAX).then_some(Self { sheet, above: rows, headings })
    }

    /// Whether what stands in it can be written again: a table of text has longer cells and rows than a workbook.
    pub(super) fn fits(&self) -> bool {
        let mut rows = self.above.iter().chain([&self.headings]);
        let holds = |cell: &String| cell.encode_utf16().count() <= CELL_UNITS_MAX;
        self.sheet.is_none() || rows.all(|row| row.len() <= CELLS_MAX && row.iter().all(holds))
    }

    /// The form with rows below its headings.
    pub(super) fn filled(&self, rows: &[Vec<String>]) -> Option<Vec<u8>> {
        let all = self.above.iter().chain([&self.headings]).chain(rows);
        match &self.sheet {
            Some(sheet) => workbook(sheet, all),
            None => csv(all),
        }
    }
}

/// With a byte order mark, without which spreadsheet programs take UTF-8 for the encoding of the country. A cell that such
/// a program would run as a formula is kept from it.
fn csv<'a>(rows: impl Iterator<Item = &'a Vec<String>>) -> Option<Vec<u8>> {
    let begin = "\u{feff}".as_bytes().to_vec();
    // A title above the headings has fewer cells than they are.
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(begin);
    for row in rows {
        writer.write_record(row.iter().cloned().map(view::harmless)).ok()?;
    }
    writer.into_inner().ok()
}

fn workbook<'a>(sheet: &str, rows: impl Iterator<Item = &'a Vec<String>>) -> Option<Vec<u8>> {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let written = workbook.add_worksheet();
    if written.set_name(sheet).is_err() {
        // Other programs name sheets as spreadsheet programs do not.
        written.set_name(SHEET).ok()?;
    }
    for (number, row) in (0_u32..).zip(rows) {
        for (column, cell) in (0_u16..).zip(row) {
            if !cell.is_empty() {
                // As text: a number of eighteen digits is none for a spreadsheet.
                written.write_string(number, column, cell).ok()?;
            }
        }
    }
    workbook.save_to_buffer().ok()
}

/// Whether a workbook is one that unpacks to what can be held.
fn is_small(bytes: &[u8]) -> bool {
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(bytes)) else { return false };
    let mut left = UNPACKED_MAX;
    archive.len() <= MEMBERS_MAX
        && (0..archive.len()).all(|index| {
            let Ok(member) = archive.by_index(index) else { return false };
            // What the directory says of the length may be a lie.
            let Ok(length) = std::io::copy(&mut member.take(left + 1), &mut std::io::sink()) else { return false };
            let fits = length <= left;
            left = left.saturating_sub(length);
            fits
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(cells: &[&[&str]]) -> Vec<Vec<String>> {
        cells.iter().map(|row| row.iter().map(|cell| (*cell).to_owned()).collect()).collect()
    }

    #[test]
    fn the_head_row_is_found_below_title_and_who_fills_the_form() {
        let text = "三里社区隔离人员登记表\n填报单位,三里,电话,\n序号,姓名,联系电话,\n";
        let form = Form::of_csv(text.as_bytes()).expect("a form");
        assert_eq!(
            (form.headings.clone(), form.above.len()),
            (vec!["序号".into(), "姓名".into(), "联系电话".into()], 2)
        );
        let (gb, ..) = encoding_rs::GB18030.encode(text);
        assert_eq!(Form::of_csv(&gb), Some(form.clone()));
        let filled = form.filled(&rows(&[&["1", "=1+1", "a \"b\", c"]])).expect("written");
        let expected = format!("\u{feff}{}\n1,'=1+1,\"a \"\"b\"\", c\"\n", text.trim_end().trim_end_matches(','));
        assert_eq!(String::from_utf8(filled).expect("text"), expected);
    }

    #[test]
    fn a_workbook_comes_back_with_its_sheet_and_what_stood_above() {
        let title = rows(&[&["登记表"], &["", "姓名", "身份证号"]]);
        let blank = workbook("隔离", title.iter()).expect("written");
        let form = Form::of_workbook(&blank).expect("a form");
        assert_eq!((form.sheet.as_deref(), form.above.len()), (Some("隔离"), 1));
        assert_eq!(form.headings, ["", "姓名", "身份证号"]);
        let filled = Form::of_workbook(&form.filled(&rows(&[&["", "x", "1"]])).expect("written")).expect("a form");
        assert_eq!(filled, form);
    }

    #[test]
    fn two_cells_far_apart_and_one_text_in_many_cells_are_no_form() {
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet();
        sheet.write_string(0, 0, "姓名").expect("written");
        sheet.write_string(1_048_575, 16_383, "x").expect("written");
        let form = Form::of_workbook(&workbook.save_to_buffer().expect("saved")).expect("a form");
        assert_eq!(form.headings, ["姓名"]);
        let mut workbook = rust_xlsxwriter::Workbook::new();
        let sheet = workbook.add_worksheet();
        for cell in 0..200_u16 {
            sheet.write_string(0, cell, "x".repeat(30_000)).expect("written");
        }
        assert_eq!(Form::of_workbook(&workbook.save_to_buffer().expect("saved")), None);
    }

    #[test]
    fn a_name_that_no_sheet_may_have_falls_back_and_what_no_cell_holds_does_not_fit() {
        let text = format!("{},登记表\n姓名\n", "x".repeat(32_768));
        let form = Form { sheet: Some("隔离/2022".to_owned()), ..Form::of_csv(text.as_bytes()).expect("a form") };
        assert!(!form.fits() && Form { sheet: None, ..form.clone() }.fits());
        let wide = Form { above: vec![vec!["x".to_owned(); 20_000]], ..form.clone() };
        assert!(!wide.fits());
        let form = Form { above: rows(&[&["登记表"]]), ..form };
        assert!(form.fits());
        for name in ["隔离/2022", "'隔离'", "", "a name of more than thirty-one characters"] {
            let named = Form { sheet: Some(name.to_owned()), ..form.clone() };
            let again = Form::of_workbook(&named.filled(&rows(&[&["x"]])).expect("written")).expect("a form");
            assert_eq!((again.sheet.as_deref(), again.headings), (Some(SHEET), vec!["姓名".to_owned()]), "{name}");
        }
    }

    #[test]
    fn what_is_no_form_is_none_and_a_bomb_is_not_unpacked() {
        assert_eq!(Form::of_csv(b""), None);
        assert_eq!(Form::of_workbook(b"PK\x03\x04"), None);
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("xl/workbook.xml", zip::write::SimpleFileOptions::default()).expect("begins");
        std::io::Write::write_all(&mut zip, &vec![b' '; 5 * 1024 * 1024]).expect("written");
        let bomb = zip.finish().expect("ends").into_inner();
        assert!(bomb.len() < 64 * 1024 && !is_small(&bomb));
    }
}
