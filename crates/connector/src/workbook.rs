//! Rows of a sheet of a workbook (XLSX, XLS).
//!
//! A workbook cannot be read from its begin to its end (its directory stands at the end, its texts apart from its cells),
//! so it is read into memory, and there is a limit to its size. Rows then come one by one, in bounded memory.
//!
//! A row's bytes are its cells as a JSON list: texts, numbers and truths as such; times, errors and formulas that were never
//! computed as objects. A row's place is its number in the sheet.

use std::io::{BufRead, Cursor, Read};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use calamine::{
    Data, DataRef, Dimensions, ExcelDateTime, ExcelDateTimeType, Reader, SheetType, SheetVisible, Xls, Xlsx,
};
use domain::Sensitive;
use jiff::fmt::strtime::BrokenDownTime;
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};
use serde_json::{Value, json};
use store::ingest::Notice;

use crate::columns::{Field, Layout, Slot};
use crate::feed::{BatchError, RawRow, RowError, RowReader};
use crate::fields::Fields;
use crate::header::{is_header, named_columns, positional_layout, standing_in};
use crate::magic;
use crate::mend::{ERROR_COLUMN, is_mark};
use crate::profile::Profile;
use crate::reason::Reason;
use crate::rows::{COLUMNS_MAX, HEADER_LINES_MAX};

/// Bytes of a workbook.
const WORKBOOK_BYTES_MAX: u64 = 64 << 20;
/// Bytes of a workbook's parts when unpacked, all together, and of its texts, which stay in memory.
const PARTS_BYTES_MAX: u64 = 1 << 30;
const TEXTS_BYTES_MAX: u64 = 256 << 20;
/// Longest text of a part between two tags; a cell holds 32,767 characters.
const TEXT_BYTES_MAX: usize = 1 << 20;
/// Rows that are read ahead.
const ROWS_AHEAD: usize = 256;

/// The forms in which times of cells come as text.
pub(crate) const CELL_TIMES: [&str; 2] = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%d"];

/// From here on, a number of a cell is not exact.
const EXACT_MAX: f64 = 1e15;

/// Columns in which a number is a name, not a quantity.
const NAMES: [Field; 14] = [
    Field::IdNumber,
    Field::Phone,
    Field::ContactPhone,
    Field::Mrn,
    Field::HealthCard,
    Field::Wallet,
    Field::GateCard,
    Field::BankCard,
    Field::Imsi,
    Field::RecordId,
    Field::OrderNumber,
    Field::TicketNumber,
    Field::MeterId,
    Field::Household,
];

/// Bare numbers of cells that are days of this century or the last; less may be a year.
const SERIALS: RangeInclusive<f64> = 3_000.0..=73_050.0;

/// One row of a sheet: its number from 1, and its cells from the first column on.
pub(crate) type SheetRow = (u32, Vec<Value>);

/// Reads the rows of a sheet.
pub(crate) struct WorkbookRows<'a> {
    rows: SheetRows,
    trailers: &'a [String],
    /// The header row: where sheets were put together, it stands in the middle again.
    header: Option<Vec<Value>>,
    layout: Arc<Layout>,
    data_start: u64,
    number: u64,
    header_rows: u64,
    notices: Vec<Notice>,
}

impl<'a> WorkbookRows<'a> {
    pub(crate) fn open(profile: &'a Profile, input: Box<dyn BufRead + Send + 'a>) -> Result<Self, BatchError> {
        let format = &profile.format;
        let mut rows = SheetRows::open(input, format.sheet.as_deref())?;
        let mut notices = std::mem::take(&mut rows.notices);
        for _ in 0..format.preamble_lines {
            rows.next()?;
        }
        let mut data_start = u64::from(format.preamble_lines);
        let mut header = None;
        let layout = if format.header {
            let Some((line, cells)) = rows.next()? else {
                return Err(BatchError::refused(Reason::EmptyBody, "the sheet has no header row"));
            };
            data_start += 1;
            if cells.len() > COLUMNS_MAX {
                let message = format!("the header has more than {COLUMNS_MAX} columns");
                return Err(BatchError::refused(Reason::ColumnsTooMany, message));
            }
            let layout = named_columns(profile, u64::from(line), names_of(&cells), true, &mut notices);
            header = Some(cells);
            layout.map_err(|error| with_place(error, profile, &mut rows, &notices))?
        } else {
            positional_layout(profile)
        };
        notices.extend(merged_notice(&rows.merged, data_start));
        let trailers = &format.trailer_prefixes;
        let layout = layout.of_1904(rows.of_1904);
        Ok(Self { rows, trailers, header, layout: Arc::new(layout), data_start, number: 0, header_rows: 0, notices })
    }
}

impl RowReader for WorkbookRows<'_> {
    fn next_row(&mut self) -> Result<Option<RawRow>, BatchError> {
        let (line, cells) = loop {
            let Some((line, cells)) = self.rows.next()? else { return Ok(None) };
            if self.header.as_ref() == Some(&cells) {
                self.header_rows += 1;
                continue;
            }
            // Formulas may be filled down far beyond the table.
            let wanted = self.layout.slots().iter().map(Option::is_some).chain(std::iter::repeat(false));
            if cells.iter().zip(wanted).all(|(cell, wanted)| cell.is_null() || (!wanted && formula(cell).is_some())) {
                continue;
            }
            let first = cells.first().and_then(Value::as_str).unwrap_or_default();
            if !self.trailers.iter().any(|prefix| first.starts_with(prefix.as_str())) {
                break (line, cells);
            }
        };
        self.number += 1;
        let broken = (cells.len() > COLUMNS_MAX)
            .then(|| RowError::row(Reason::RowColumns, format!("the row has more than {COLUMNS_MAX} columns")));
        let bytes = if broken.is_some() { Vec::new() } else { Value::Array(cells).to_string().into_bytes() };
        Ok(Some(RawRow {
            number: self.number,
            line: u64::from(line),
            offset: u64::from(line),
            length: 0,
            bytes: Sensitive::new(bytes),
            broken,
        }))
    }

    fn layout(&self) -> Option<Arc<Layout>> {
        Some(Arc::clone(&self.layout))
    }

    /// Rows before the data.
    fn data_start(&self) -> u64 {
        self.data_start
    }

    fn notices(&self) -> Vec<Notice> {
        let mut notices = self.notices.clone();
        if self.header_rows > 0 {
            let message = format!("{} rows that repeat the header were left out", self.header_rows);
            notices.push(Notice::new("header-repeated", message));
        }
        notices
    }
}

/// Cells of several rows that were made one: only the first of the rows has the value.
fn merged_notice(merged: &[Dimensions], data_start: u64) -> Option<Notice> {
    const SHOWN: usize = 5;
    let down = |cells: &&Dimensions| cells.end.0 > cells.start.0 && u64::from(cells.end.0) > data_start;
    let ranges: Vec<String> = merged.iter().filter(down).map(range_of).collect();
    if ranges.is_empty() {
        return None;
    }
    let more = if ranges.len() > SHOWN { " and others" } else { "" };
    let shown = ranges[..ranges.len().min(SHOWN)].join(", ");
    let message = format!(
        "{} ranges of cells are merged over several rows ({shown}{more}): only the first row of each has the value; \
         unmerge and fill them",
        ranges.len()
    );
    Some(Notice::new("cells-merged", message))
}

/// A range as spreadsheets write it: `F2:F4`.
fn range_of(cells: &Dimensions) -> String {
    format!("{}:{}", cell_of(cells.start), cell_of(cells.end))
}

/// A cell as spreadsheets write it: `F2`.
fn cell_of((row, column): (u32, u32)) -> String {
    let (mut letters, mut rest) = (String::new(), column + 1);
    while rest > 0 {
        letters.insert(0, char::from(b'A' + ((rest - 1) % 26) as u8));
        rest = (rest - 1) / 26;
    }
    format!("{letters}{}", row + 1)
}

fn names_of(cells: &[Value]) -> Vec<String> {
    cells.iter().map(|cell| text_of(cell).unwrap_or_default().trim().to_owned()).collect()
}

/// A refused header, with the row in which the columns do stand, and the sheet that was read where there are several.
fn with_place(error: BatchError, profile: &Profile, rows: &mut SheetRows, notices: &[Notice]) -> BatchError {
    let mut behind = std::iter::from_fn(|| rows.next().ok()?).take(HEADER_LINES_MAX);
    let place = behind.find(|(_, cells)| is_header(profile, &names_of(cells))).map(|(line, _)| u64::from(line));
    match (standing_in(error, place, profile), notices.iter().find(|notice| notice.code == "sheet-chosen")) {
        (BatchError::Refused { reason, message }, Some(sheet)) if place.is_none() => {
            BatchError::refused(reason, format!("{message}; {}", sheet.message))
        }
        (error, _) => error,
    }
}

/// Sets the fields of a row from its cells.
pub(crate) fn read_cells(text: &str, layout: &Layout, fields: &mut Fields<'_>) -> Result<(), RowError> {
    let cells: Vec<Value> =
        serde_json::from_str(text).map_err(|_| RowError::row(Reason::RowColumns, "the row has no cells"))?;
    for (cell, slot) in cells.iter().zip(layout.slots()) {
        let Some(slot) = *slot else { continue };
        let Slot::Field(field) = slot else {
            fields.put(slot, &text_of(cell).unwrap_or_default());
            continue;
        };
        if let Some(error) = cell.get("error").and_then(Value::as_str) {
            let message = format!("{} holds the error {error}", layout.label(field));
            return Err(fields.error(field, Reason::CellError, message));
        }
        if let Some(place) = formula(cell) {
            let message = format!("{} (cell {place}) is a formula that was never computed", layout.label(field));
            return Err(fields.error(field, Reason::CellError, message));
        }
        if cell.as_f64().is_some_and(|number| number.abs() >= EXACT_MAX) && NAMES.contains(&field) {
            let message = format!(
                "{} is a number cell: of its digits only 15 are kept, the others became zeros",
                layout.label(field)
            );
            return Err(fields.error(field, Reason::IdentifierNumber, message));
        }
        let Some(text) = text_of(cell) else { continue };
        match cell.as_f64().and_then(|number| serial(number, &text, field, layout, fields.profile())) {
            Some(time) => {
                fields.set(field, &time);
                fields.note("time-from-serial");
            }
            None => fields.set(field, &text),
        }
    }
    Ok(())
}

/// The day or time that a bare number stands for, in a column of such: a cell that lost its format shows the number by which
/// spreadsheets count. A number in a form of the profile is what that says.
fn serial(number: f64, text: &str, field: Field, layout: &Layout, profile: &Profile) -> Option<String> {
    let is_counted = SERIALS.contains(&number) && (field.is_time() || field.is_day());
    let is_of_profile = || profile.time.formats.iter().any(|form| BrokenDownTime::parse(form, text).is_ok());
    (is_counted && !is_of_profile())
        .then(|| time_text(&ExcelDateTime::new(number, ExcelDateTimeType::DateTime, layout.is_of_1904())))
}

/// The cell of a formula that was never computed.
fn formula(cell: &Value) -> Option<&str> {
    cell.get("formula").and_then(Value::as_str)
}

/// A cell as the text that a person sees in it, nearly.
pub(crate) fn text_of(cell: &Value) -> Option<String> {
    match cell {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(match number.as_f64() {
            Some(number) if number.fract() == 0.0 && number.abs() < EXACT_MAX => format!("{number:.0}"),
            _ => number.to_string(),
        }),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Object(_) => cell.get("time").and_then(Value::as_str).map(str::to_owned),
        Value::Null | Value::Array(_) => None,
    }
}

/// The rows of a sheet that are not blank, from a thread that owns the workbook.
pub(crate) struct SheetRows {
    receiver: Receiver<Result<SheetRow, String>>,
    notices: Vec<Notice>,
    merged: Vec<Dimensions>,
    /// Days are counted from 1904, as on old Macintoshes.
    of_1904: bool,
}

impl SheetRows {
    /// Reads the workbook into memory and opens a sheet.
    pub(crate) fn open(input: impl Read, sheet: Option<&str>) -> Result<Self, BatchError> {
        let mut bytes = Vec::new();
        input.take(WORKBOOK_BYTES_MAX + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > WORKBOOK_BYTES_MAX {
            let message = format!("a workbook has at most {WORKBOOK_BYTES_MAX} bytes; send the table as CSV");
            return Err(BatchError::refused(Reason::BodyTooLarge, message));
        }
        let (sender, receiver) = sync_channel(ROWS_AHEAD);
        let mut notices = Vec::new();
        let (merged, of_1904);
        if bytes.starts_with(b"PK") {
            check_parts(&bytes)?;
            let mut book = Xlsx::new(Cursor::new(bytes)).map_err(unreadable)?;
            let sheet = choose(book.sheets_metadata(), sheet, &mut notices)?;
            merged = book.merge_cells_by_sheet_name(&sheet).unwrap_or_default();
            of_1904 = book.has_1904_epoch();
            std::thread::spawn(move || send_xlsx(book, &sheet, &sender));
        } else if bytes.starts_with(&[0xD0, 0xCF, 0x11, 0xE0]) {
            let mut book = Xls::new(Cursor::new(bytes)).map_err(unreadable)?;
            let sheet = choose(book.sheets_metadata(), sheet, &mut notices)?;
            merged = book.merge_cells_by_sheet_name(&sheet).unwrap_or_default();
            of_1904 = book.has_1904_epoch();
            let range = book.worksheet_range(&sheet).map_err(unreadable)?;
            std::thread::spawn(move || send_range(&range, &sender));
        } else {
            return Err(match magic::called_workbook(&bytes) {
                Some(message) => BatchError::refused(Reason::WorkbookUnreadable, message),
                None => unreadable("it is neither XLSX nor XLS"),
            });
        }
        Ok(Self { receiver, notices, merged, of_1904 })
    }

    pub(crate) fn next(&mut self) -> Result<Option<SheetRow>, BatchError> {
        self.receiver.recv().ok().transpose().map_err(unreadable)
    }
}

fn unreadable(why: impl std::fmt::Display) -> BatchError {
    BatchError::refused(Reason::WorkbookUnreadable, format!("the workbook cannot be read ({why}); has it a password?"))
}

/// The sheet to read: the one that the profile names, else the first that is shown.
fn choose(sheets: &[calamine::Sheet], wanted: Option<&str>, notices: &mut Vec<Notice>) -> Result<String, BatchError> {
    let tables = || sheets.iter().filter(|sheet| sheet.typ == SheetType::WorkSheet);
    let chosen = match wanted {
        Some(name) => tables().find(|sheet| sheet.name.trim() == name),
        None => tables().find(|sheet| sheet.visible == SheetVisible::Visible),
    };
    let names = || tables().map(|sheet| sheet.name.as_str()).collect::<Vec<_>>().join(", ");
    let chosen = chosen.ok_or_else(|| {
        let wanted = wanted.map_or("no sheet that is shown".to_owned(), |name| format!("no sheet {name}"));
        BatchError::refused(Reason::WorkbookUnreadable, format!("the workbook has {wanted}; it has {}", names()))
    })?;
    if wanted.is_none() && tables().count() > 1 {
        let message = format!("of the sheets {} only {} was read", names(), chosen.name);
        notices.push(Notice::new("sheet-chosen", message));
    }
    Ok(chosen.name.clone())
}

/// Checks what the parts of an XLSX unpack to, before any of them is read into memory.
fn check_parts(bytes: &[u8]) -> Result<(), BatchError> {
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(unreadable)?;
    let mut total = 0_u64;
    let mut piece = vec![0; 1 << 16];
    for index in 0..archive.len() {
        let mut part = archive.by_index(index).map_err(unreadable)?;
        let texts = part.name_raw().ends_with(b"sharedStrings.xml");
        let (mut length, mut text) = (0_u64, 0_usize);
        loop {
            let count = part.read(&mut piece).map_err(unreadable)?;
            if count == 0 {
                break;
            }
            length += count as u64;
            total += count as u64;
            match memchr::memrchr(b'<', &piece[..count]) {
                Some(at) => text = count - at,
                None => text += count,
            }
            let markup = part.name_raw().ends_with(b".xml");
            if total > PARTS_BYTES_MAX || (texts && length > TEXTS_BYTES_MAX) || (markup && text > TEXT_BYTES_MAX) {
                let message = "the workbook unpacks to more than any table; send the table as CSV";
                return Err(BatchError::refused(Reason::CompressionBomb, message));
            }
        }
    }
    Ok(())
}

fn send_xlsx(mut book: Xlsx<Cursor<Vec<u8>>>, sheet: &str, sender: &SyncSender<Result<SheetRow, String>>) {
    let mut cells = match book.worksheet_cells_reader(sheet) {
        Ok(cells) => cells,
        Err(error) => return drop(sender.send(Err(error.to_string()))),
    };
    let mut row: Option<SheetRow> = None;
    loop {
        match cells.next_cell_with_formula_metadata() {
            Ok(Some(cell)) => {
                let (line, column) = cell.pos;
                if row.as_ref().is_some_and(|(number, _)| *number != line + 1)
                    && let Some(done) = row.take()
                    && sender.send(Ok(done)).is_err()
                {
                    return;
                }
                let value = match (&cell.value, &cell.formula) {
                    (DataRef::Empty, Some(_)) => json!({ "formula": cell_of(cell.pos) }),
                    (value, _) => value_of(value),
                };
                if value.is_null() {
                    continue;
                }
                let (_, cells) = row.get_or_insert_with(|| (line + 1, Vec::new()));
                // One cell beyond the limit makes the row too wide; none more is kept.
                let column = (column as usize).min(COLUMNS_MAX);
                if cells.len() <= column {
                    cells.resize(column + 1, Value::Null);
                }
                cells[column] = value;
            }
            Ok(None) => break,
            Err(error) => return drop(sender.send(Err(error.to_string()))),
        }
    }
    drop(row.map(|done| sender.send(Ok(done))));
}

fn send_range(range: &calamine::Range<Data>, sender: &SyncSender<Result<SheetRow, String>>) {
    let (line, column) = range.start().unwrap_or_default();
    for (at, cells) in range.rows().enumerate() {
        let blanks = std::iter::repeat_n(Value::Null, column as usize);
        let values: Vec<Value> = blanks.chain(cells.iter().map(|cell| value_of(&borrowed(cell)))).collect();
        if values.iter().all(Value::is_null) {
            continue;
        }
        if sender.send(Ok((line + at as u32 + 1, values))).is_err() {
            return;
        }
    }
}

fn borrowed(cell: &Data) -> DataRef<'_> {
    match cell {
        Data::Int(number) => DataRef::Int(*number),
        Data::Float(number) => DataRef::Float(*number),
        Data::String(text) => DataRef::SharedString(text),
        Data::Bool(truth) => DataRef::Bool(*truth),
        Data::DateTime(time) => DataRef::DateTime(*time),
        Data::DateTimeIso(text) => DataRef::DateTimeIso(text.clone()),
        Data::DurationIso(text) => DataRef::DurationIso(text.clone()),
        Data::Error(error) => DataRef::Error(error.clone()),
        Data::Empty => DataRef::Empty,
    }
}

fn value_of(cell: &DataRef<'_>) -> Value {
    match cell {
        DataRef::Int(number) => json!(number),
        DataRef::Float(number) => json!(number),
        DataRef::String(text) => blank_or(text),
        DataRef::SharedString(text) => blank_or(text),
        DataRef::Bool(truth) => json!(truth),
        DataRef::DateTime(time) => json!({ "time": time_text(time) }),
        DataRef::DateTimeIso(text) => json!({ "time": text.replace('T', " ") }),
        DataRef::DurationIso(text) => json!(text),
        DataRef::Error(error) => json!({ "error": error.to_string() }),
        DataRef::Empty => Value::Null,
    }
}

fn blank_or(text: &str) -> Value {
    if text.trim().is_empty() { Value::Null } else { json!(text) }
}

/// A time of a cell in the one form; a whole day has no time of day, and less than a day no day.
fn time_text(time: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = time.to_ymd_hms_milli();
    let serial = time.as_f64();
    if serial < 1.0 {
        format!("{hour:02}:{minute:02}:{second:02}")
    } else if serial.fract() == 0.0 {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

/// The head of a sheet and those of its rows that failed, as a workbook with a further column that says why.
pub(crate) fn failed_rows(
    input: impl Read,
    profile: &Profile,
    failed: &[(i64, String)],
) -> Result<Vec<u8>, BatchError> {
    let unwritable = |error: XlsxError| BatchError::Io(std::io::Error::other(error));
    let format = &profile.format;
    let mut rows = SheetRows::open(input, format.sheet.as_deref())?;
    let mut book = Workbook::new();
    let sheet = book.add_worksheet();
    let time = Format::new().set_num_format("yyyy-mm-dd hh:mm:ss");
    let head = u64::from(format.preamble_lines) + u64::from(format.header);
    let (mut read, mut written, mut failed) = (0_u64, 0_u32, failed.iter().peekable());
    // The column of the marks: the one of an earlier file, or the first behind the header.
    let mut column = 0_u16;
    while let Some((line, cells)) = rows.next()? {
        read += 1;
        let reason = match failed.next_if(|(failed, _)| *failed == i64::from(line)) {
            Some((_, reason)) => Some(reason.as_str()),
            None if read == head && format.header => {
                let marked = cells.iter().position(|cell| cell.as_str() == Some(ERROR_COLUMN));
                column = u16::try_from(marked.unwrap_or(cells.len())).unwrap_or(u16::MAX);
                Some(ERROR_COLUMN)
            }
            None if read <= head => None,
            None => continue,
        };
        for (place, cell) in (0_u16..).zip(&cells) {
            let is_mark = cell.as_str().is_some_and(is_mark);
            if is_mark && column == 0 {
                column = place;
            }
            if !is_mark {
                write_cell(sheet, written, place, cell, &time).map_err(unwritable)?;
            }
        }
        if let Some(reason) = reason {
            let place = if column == 0 { u16::try_from(cells.len()).unwrap_or(u16::MAX) } else { column };
            sheet.write_string(written, place, reason).map_err(unwritable)?;
        }
        written += 1;
    }
    if let Some(name) = &format.sheet {
        sheet.set_name(name).map_err(unwritable)?;
    }
    book.save_to_buffer().map_err(unwritable)
}

fn write_cell(sheet: &mut Worksheet, row: u32, column: u16, cell: &Value, time: &Format) -> Result<(), XlsxError> {
    match cell {
        Value::Number(number) => sheet.write_number(row, column, number.as_f64().unwrap_or_default())?,
        Value::Bool(truth) => sheet.write_boolean(row, column, *truth)?,
        _ => {
            let stated = cell.get("time").and_then(Value::as_str);
            match stated.and_then(|text| rust_xlsxwriter::ExcelDateTime::parse_from_str(text).ok()) {
                Some(stated) => sheet.write_datetime_with_format(row, column, &stated, time)?,
                None => {
                    let error = cell.get("error").and_then(Value::as_str);
                    let text = error.map_or_else(|| text_of(cell).unwrap_or_default(), str::to_owned);
                    sheet.write_string(row, column, text)?
                }
            }
        }
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use calamine::ExcelDateTimeType::DateTime;

    use super::*;

    #[test]
    fn times_are_the_same_in_workbooks_of_1900_and_of_1904() {
        let text = |serial: f64, of_1904: bool| time_text(&ExcelDateTime::new(serial, DateTime, of_1904));
        let noon = 44_621.5;
        assert_eq!(text(noon, false), "2022-03-01 12:00:00");
        assert_eq!(text(noon - 1_462.0, true), "2022-03-01 12:00:00");
        assert_eq!(text(44_621.0, false), "2022-03-01");
        assert_eq!(text(0.5, false), "12:00:00");
    }

    #[test]
    fn cells_that_are_merged_over_rows_are_told_and_titles_are_not() {
        let merged = |start, end| Dimensions { start, end };
        let told = merged_notice(&[merged((0, 0), (0, 5)), merged((1, 5), (3, 5)), merged((9, 26), (10, 27))], 1);
        let notice = told.expect("a notice");
        assert!(notice.message.starts_with("2 ranges") && notice.message.contains("(F2:F4, AA10:AB11)"));
        assert_eq!(merged_notice(&[merged((0, 0), (1, 5)), merged((4, 0), (4, 5))], 2).map(|notice| notice.code), None);
    }

    #[test]
    fn cells_are_named_as_spreadsheets_name_them() {
        assert_eq!([(0, 0), (15, 25), (0, 26), (6, 701), (6, 702)].map(cell_of), ["A1", "Z16", "AA1", "ZZ7", "AAA7"]);
    }

    #[test]
    fn numbers_are_shown_as_people_see_them() {
        let text = |cell: Value| text_of(&cell);
        assert_eq!(text(json!(13_800_000_001_f64)).as_deref(), Some("13800000001"));
        assert_eq!(text(json!(36.6)).as_deref(), Some("36.6"));
        assert_eq!(text(json!(true)).as_deref(), Some("true"));
        assert_eq!(text(Value::Null), None);
    }
}
