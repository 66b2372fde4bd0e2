//! Where the columns of a body stand, and how its header differs from the profile.
//!
//! A column that is missing, new or renamed is a matter of the file, not of its rows: it is told once, by a notice with a
//! code, and what becomes of the file is the profile's choice ([`UnknownColumns`]).

use std::collections::BTreeMap;

use rapidfuzz::distance::indel;
use store::ingest::Notice;
use unicode_normalization::UnicodeNormalization as _;

use crate::columns::{Field, Layout, Slot};
use crate::feed::{BatchError, RowError};
use crate::mend::ERROR_COLUMN;
use crate::profile::{Column, FormatKind, Profile, UnknownColumns};
use crate::reason::Reason;
use crate::synonyms;

/// How alike two names must be for one to be taken for the other renamed, from 0 to 1.
const ALIKE_MIN: f64 = 0.45;

/// How the columns of a header are compared: blanks, the case of ASCII letters and the width of characters (`ＣＴ值`) do not
/// matter.
pub(crate) fn comparable(name: &str) -> String {
    name.nfkc().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_lowercase()).collect()
}

/// A column that the profile wants.
struct Wanted<'a> {
    slot: Slot,
    column: &'a Column,
    optional: bool,
}

fn wanted(profile: &Profile) -> impl Iterator<Item = Wanted<'_>> {
    let mapped = profile.columns.iter().map(|(field, column)| Wanted {
        slot: Slot::Field(*field),
        column,
        optional: profile.optional.contains(field),
    });
    let extra = profile.computed.columns().iter().zip(0_u16..).map(|(extra, place)| Wanted {
        slot: Slot::Extra(place),
        column: &extra.column,
        optional: extra.optional,
    });
    mapped.chain(extra)
}

/// How found columns differ from those of a profile.
#[derive(Debug, Default)]
pub(crate) struct Drift {
    /// Columns that nobody asked for.
    pub(crate) unknown: Vec<String>,
    /// Columns that are not there and may be missing.
    pub(crate) absent: Vec<String>,
    /// Columns that are not there and must be.
    pub(crate) missing: Vec<String>,
    twice: Vec<String>,
    /// Columns that are not there, each with the unknown one that it may be called now.
    renamed: Vec<(String, String)>,
}

impl Drift {
    /// Compares the columns that were found with those of the profile, and says what stands where.
    pub(crate) fn of(profile: &Profile, found: &[String]) -> (Self, Vec<Option<Slot>>) {
        let mut drift = Self::default();
        let mut slots: Vec<Option<Slot>> = vec![None; found.len()];
        let names: Vec<String> = found.iter().map(|name| comparable(name)).collect();
        let mut gone = Vec::new();
        for Wanted { slot, column, optional } in wanted(profile) {
            let wanted: Vec<String> = column.names().iter().map(|name| comparable(name)).collect();
            let mut places = (0..names.len()).filter(|place| wanted.contains(&names[*place]));
            let label = column.names().join("/");
            match (places.next(), places.next()) {
                (Some(place), None) => slots[place] = Some(slot),
                (Some(_), Some(_)) => drift.twice.push(label),
                (None, _) => {
                    gone.push((slot, column));
                    if optional { &mut drift.absent } else { &mut drift.missing }.push(label);
                }
            }
        }
        let ignored: Vec<String> = profile.format.ignored_columns.iter().map(|name| comparable(name)).collect();
        // The column that the hub itself adds to failed rows comes back with the mended ones.
        let of_no_use = |name: &String| ignored.contains(name) || name.ends_with(ERROR_COLUMN);
        let unknown = (0..found.len()).filter(|place| slots[*place].is_none() && !of_no_use(&names[*place]));
        drift.unknown = unknown.map(|place| found[place].clone()).filter(|name| !name.is_empty()).collect();
        for (slot, column) in &gone {
            let only = gone.len() == 1 && drift.unknown.len() == 1;
            if let Some(now) = renamed(*slot, column, &drift.unknown, only) {
                drift.renamed.push((column.names().join("/"), now.to_owned()));
            }
        }
        (drift, slots)
    }

    /// What is worth telling the sender.
    pub(crate) fn notices(&self) -> Vec<Notice> {
        let mut notices = Vec::new();
        let mut tell = |code: &str, columns: &[String], what: &str| {
            if !columns.is_empty() {
                let message = format!("{what}: {}", shown(&columns.join(", ")));
                notices.push(Notice { code: code.to_owned(), message, columns: columns.to_vec() });
            }
        };
        tell("columns-unknown", &self.unknown, "columns that the profile does not know");
        tell("columns-missing", &self.absent, "columns that are not there, though the profile knows them");
        for (before, now) in &self.renamed {
            let message = format!("{before} may be called {now} now");
            let columns = vec![before.clone(), now.clone()];
            notices.push(Notice { code: "column-renamed".to_owned(), message, columns });
        }
        notices
    }

    fn guesses(&self) -> String {
        self.renamed.iter().map(|(before, now)| format!("; {before} may be called {now} now")).collect()
    }

    /// What the profile wants to happen to a body with columns that it does not know.
    pub(crate) fn judge(&self, profile: &Profile) -> Result<Option<RowError>, BatchError> {
        if self.unknown.is_empty() {
            return Ok(None);
        }
        let message = unknown_message(&self.unknown) + &self.guesses();
        match profile.format.unknown_columns {
            UnknownColumns::Ignore => Ok(None),
            UnknownColumns::Refuse => Err(BatchError::refused(Reason::ColumnUnknown, message)),
            UnknownColumns::Quarantine => Ok(Some(RowError::row(Reason::ColumnUnknown, message))),
        }
    }
}

/// What is said of columns that the profile does not know.
pub(crate) fn unknown_message(columns: &[String]) -> String {
    format!("columns that the profile does not know: {}", shown(&columns.join(", ")))
}

/// The unknown column that a missing one may be called now: one of the usual names of the same thing, or a similar name,
/// or the only one that there is.
fn renamed<'a>(slot: Slot, column: &Column, unknown: &'a [String], only: bool) -> Option<&'a str> {
    if let Slot::Field(field) = slot
        && let Some(usual) = unknown.iter().find(|name| synonyms::fields_of(name).contains(&field))
    {
        return Some(usual);
    }
    let alike = |name: &String| {
        let likeness =
            |known: &String| indel::normalized_similarity(comparable(known).chars(), comparable(name).chars());
        column.names().iter().map(likeness).fold(0.0, f64::max)
    };
    let best = unknown.iter().map(|name| (alike(name), name)).max_by(|a, b| a.0.total_cmp(&b.0))?;
    (best.0 >= ALIKE_MIN || only).then_some(best.1)
}

/// Where the columns of a header stand.
pub(crate) fn named_columns(
    profile: &Profile,
    line: u64,
    found: Vec<String>,
    readable: bool,
    notices: &mut Vec<Notice>,
) -> Result<Layout, BatchError> {
    let (drift, slots) = Drift::of(profile, &found);
    if !drift.missing.is_empty() || !drift.twice.is_empty() || !readable {
        return Err(BatchError::refused(Reason::HeaderMismatch, mismatch(profile, line, &drift, &found)));
    }
    let spoiled = drift.judge(profile)?;
    notices.extend(drift.notices());
    Ok(Layout::new(found.into_iter().zip(slots).collect()).spoiled_by(spoiled))
}

/// Whether names are those of a header that the profile takes.
pub(crate) fn is_header(profile: &Profile, found: &[String]) -> bool {
    let (drift, _) = Drift::of(profile, found);
    drift.missing.is_empty() && drift.twice.is_empty()
}

/// A refused header, with the line in which the columns do stand.
pub(crate) fn standing_in(error: BatchError, line: Option<u64>, profile: &Profile) -> BatchError {
    match (error, line) {
        (BatchError::Refused { reason: Reason::HeaderMismatch, message }, Some(line)) => {
            let before = profile.format.preamble_lines;
            let message =
                format!("{message}; line {line} has the columns, and the profile expects {before} lines before them");
            BatchError::refused(Reason::HeaderMismatch, message)
        }
        (error, _) => error,
    }
}

/// What was expected and what was found. A data row in the header's place would be personal, so only names that are no
/// values are shown: the found columns are shown when at least one of them is known.
fn mismatch(profile: &Profile, line: u64, drift: &Drift, found: &[String]) -> String {
    let mut message = format!("line {line} is not the header of feed {}", profile.feed);
    if !drift.missing.is_empty() {
        message.push_str(&format!("; missing: {}", drift.missing.join(", ")));
    }
    if !drift.twice.is_empty() {
        message.push_str(&format!("; there twice: {}", drift.twice.join(", ")));
    }
    let gone = drift.missing.len() + drift.twice.len() + drift.absent.len();
    if gone < profile.columns.len() + profile.computed.extras() {
        message.push_str(&drift.guesses());
        message.push_str(&format!("; found: {}", shown(&found.join(", "))));
    } else {
        if profile.format.kind == FormatKind::Workbook {
            let before = profile.format.preamble_lines;
            message.push_str(&format!("; none of the expected columns was found (are there {before} rows before it?)"));
            return message;
        }
        message.push_str(&format!(
            "; none of the expected columns was found among {} (is the separator `{}`, the encoding {}, and are there \
             {} lines before the header?)",
            found.len(),
            profile.format.separator.escape_debug(),
            profile.format.encoding.name(),
            profile.format.preamble_lines
        ));
    }
    message
}

fn shown(list: &str) -> String {
    match list.char_indices().nth(600) {
        Some((end, _)) => format!("{} …", &list[..end]),
        None => list.to_owned(),
    }
}

/// Where columns stand that have positions instead of names.
pub(crate) fn positional_layout(profile: &Profile) -> Layout {
    let by_position: BTreeMap<u16, Slot> = wanted(profile)
        .filter_map(|Wanted { slot, column, .. }| match column {
            Column::Position(position) => Some((*position, slot)),
            Column::Name(_) | Column::Names(_) => None,
        })
        .collect();
    let highest = by_position.last_key_value().map_or(0, |(position, _)| *position);
    let width = profile.format.width.unwrap_or(highest);
    let column = |position: u16| {
        let slot = by_position.get(&position).copied();
        let name = match slot {
            Some(Slot::Field(field)) => format!(" ({})", field.code()),
            _ => String::new(),
        };
        (format!("column {position}{name}"), slot)
    };
    Layout::new((1..=width).map(column).collect())
}

/// What the fields of objects and elements are called: their keys have no place.
pub(crate) fn named_layout(profile: &Profile) -> Layout {
    let label = |column: &Column| column.names().first().cloned().unwrap_or_default();
    let field = |(field, column): (&Field, &Column)| (label(column), Some(Slot::Field(*field)));
    Layout::new(profile.columns.iter().map(field).collect())
}

#[cfg(test)]
mod tests {
    use domain::{Timestamp, TokenKey};

    use super::*;
    use crate::feed::{Feed, Mapped, preview};
    use crate::profile_feed::ProfileFeed;

    fn profile(kind: &str, more: &str) -> ProfileFeed {
        let header = if kind == "delimited" { "header = true" } else { "" };
        let rows = if kind == "xml" { "rows = 'row'" } else { "" };
        let text = format!(
            r#"
            feed = "gates"
            title = "Gates"
            connector = "test"
            source = "gates"
            source_kind = "community"
            owner = "Grid centre"
            legal_basis = "Test"
            retention_days = 30
            emit = "GatePass"
            optional = ["temperature"]
            [time]
            zone = "Asia/Shanghai"
            formats = ["%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]
            [columns]
            record_id = "流水号"
            gate_id = "门岗"
            phone = "手机号"
            scan_time = "时间"
            temperature = "体温"
            [record]
            key = ["record_id"]
            [format]
            kind = "{kind}"
            encoding = "utf-8"
            {header}
            {rows}
            {more}
            "#
        );
        ProfileFeed::new(Profile::parse("gates.toml", &text).expect("sound")).expect("sound")
    }

    fn read(feed: &ProfileFeed, body: &str) -> Result<Vec<Mapped>, String> {
        let (key, now) = (TokenKey::from_bytes(&[7; 32]), Timestamp::from_millis(1_647_734_400_000));
        let rows = preview(feed, body.as_bytes(), &key, now).map_err(|error| error.to_string())?;
        Ok(rows.into_iter().map(|(_, result)| result).collect())
    }

    fn notices(feed: &ProfileFeed, body: &str) -> Vec<(String, Vec<String>)> {
        let mut reader = feed.open(Box::new(body.as_bytes())).expect("opens");
        while reader.next_row().expect("reads").is_some() {}
        reader.notices().into_iter().map(|notice| (notice.code, notice.columns)).collect()
    }

    fn notice(code: &str, columns: &[&str]) -> (String, Vec<String>) {
        (code.to_owned(), columns.iter().map(|&name| name.to_owned()).collect())
    }

    const ROW: &str = "1,G1,13800000001,2022-03-01 08:02";

    #[test]
    fn a_new_a_missing_and_a_renamed_column_are_told_apart_from_bad_rows() {
        let feed = profile("delimited", "ignored_columns = ['备注']");
        let body = format!("流水号,门岗,手机号,时间,温度,备注,民族\n{ROW},36.5,,\n");
        assert!(read(&feed, &body).expect("fits")[0].is_ok());
        assert_eq!(
            notices(&feed, &body),
            [
                notice("columns-unknown", &["温度", "民族"]),
                notice("columns-missing", &["体温"]),
                notice("column-renamed", &["体温", "温度"])
            ]
        );
        assert_eq!(notices(&feed, &format!("流水号,门岗,手机号,时间,体温,备注\n{ROW},36.5,\n")), []);
    }

    #[test]
    fn full_width_names_are_the_same_names() {
        let feed = profile("delimited", "ignored_columns = ['CT值(1)']");
        let body = format!("流水号,门岗,手机号,时间　,体温,ＣＴ值（１）\n{ROW},36.5,\n");
        assert!(read(&feed, &body).expect("fits")[0].is_ok());
        assert_eq!(notices(&feed, &body), []);
    }

    #[test]
    fn a_header_without_a_needed_column_says_what_it_may_be_called_now() {
        let feed = profile("delimited", "");
        let message = read(&feed, &format!("流水号,门岗,联系方式,时间,体温\n{ROW},\n")).expect_err("refused");
        assert!(
            message.contains("missing: 手机号") && message.contains("手机号 may be called 联系方式 now"),
            "{message}"
        );
        // Names that say nothing: the only new one for the only missing one.
        let message = read(&feed, &format!("流水号,门岗,F3,时间,体温\n{ROW},\n")).expect_err("refused");
        assert!(message.contains("手机号 may be called F3 now"), "{message}");
    }

    #[test]
    fn unknown_columns_are_ignored_refused_or_kept_as_the_profile_says() {
        let body = format!("流水号,门岗,手机号,时间,体温,民族\n{ROW},,\n");
        let refused = read(&profile("delimited", "unknown_columns = 'refuse'"), &body).expect_err("refused");
        assert!(refused.contains("民族"), "{refused}");
        let kept = read(&profile("delimited", "unknown_columns = 'quarantine'"), &body).expect("taken");
        assert_eq!(kept[0].as_ref().expect_err("kept").reason, Reason::ColumnUnknown);
        let known = "unknown_columns = 'refuse'\nignored_columns = ['民族']";
        assert!(read(&profile("delimited", known), &body).expect("fits")[0].is_ok());
    }

    #[test]
    fn what_spreadsheets_put_between_rows_is_no_row() {
        let feed = profile("delimited", "quote = '\"'");
        let header = "流水号,门岗,手机号,时间,体温";
        // The line that names the separator, blank rows, a header in the middle, the end mark of old tools.
        let body =
            format!("sep=,\r\n{header}\r\n{ROW},\r\n,,,,\r\n\"\",\"\",,,\r\n{header}\r\n2{},\r\n\u{1a}", &ROW[1..]);
        let rows = read(&feed, &body).expect("fits");
        assert_eq!(rows.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, true]);
        assert_eq!(notices(&feed, &body), [notice("header-repeated", &[])]);
        let message = read(&feed, &format!("sep=;\n{header}\n{ROW},\n")).expect_err("refused");
        assert!(message.contains("the separator is `;`; the profile expects `,`"), "{message}");
        // A row with anything in it is one.
        let rows = read(&feed, &format!("{header}\n,,,,36.5\n")).expect("fits");
        assert_eq!(rows[0].as_ref().expect_err("empty").reason, Reason::RequiredMissing);
    }

    #[test]
    fn a_row_that_begins_with_a_line_of_quotes_and_separators_is_one_row() {
        let feed = profile("delimited", "quote = '\"'");
        let header = "流水号,门岗,手机号,时间,体温\n";
        let rows = |body: &str| {
            let body = format!("{header}{body}");
            let mut reader = feed.open(Box::new(body.as_bytes())).expect("opens");
            let mut rows = Vec::new();
            while let Some(row) = reader.next_row().expect("reads") {
                let text = String::from_utf8_lossy(row.bytes.expose()).into_owned();
                rows.push((row.line, text, row.broken.map(|error| error.reason)));
            }
            rows
        };
        for row in ["\"\n1\",G1,13800000001,2022-03-01 08:02,", ",,\"\n13800000001\",2022-03-01 08:02,36.5"] {
            assert_eq!(rows(&format!("{row}\n,,,,\n")), [(2, row.to_owned(), None)], "{row}");
        }
        // A stray quote is a broken row of its own, and a separator in quotes is a value.
        let found = rows(&format!("\"\n{ROW},\n,\",\",,,\n"));
        assert_eq!(
            found.iter().map(|row| (row.0, row.2)).collect::<Vec<_>>(),
            [(2, Some(Reason::RowQuote)), (3, None), (4, None)]
        );
    }

    #[test]
    fn a_header_below_a_title_is_told_by_its_line() {
        let feed = profile("delimited", "");
        let body = format!("北门通行记录,,,,\n日期：2022-03-01,,,,\n流水号,门岗,手机号,时间,体温\n{ROW},\n");
        let message = read(&feed, &body).expect_err("refused");
        assert!(
            message.ends_with("; line 3 has the columns, and the profile expects 0 lines before them"),
            "{message}"
        );
        assert!(read(&profile("delimited", "preamble_lines = 2"), &body).expect("fits")[0].is_ok());
    }

    #[test]
    fn single_digits_of_a_date_are_read_where_marks_tell_its_parts_apart() {
        let feed = profile("delimited", "");
        let body = format!("流水号,门岗,手机号,时间,体温\n{},\n", ROW.replace("2022-03-01 08:02", "2022-3-1 8:02:07"));
        assert!(read(&feed, &body).expect("fits")[0].is_ok());
    }

    #[test]
    fn keys_of_objects_and_elements_drift_too() {
        let object = |more: &str| {
            format!(
                "{{\"流水号\":\"1\",\"门岗\":\"G1\",\"手机号\":\"13800000001\",\"时间\":\"2022-03-01 08:02\"{more}}}\n"
            )
        };
        let feed = profile("ndjson", "");
        let body = object(",\"温度\":36.5") + &object("");
        assert!(read(&feed, &body).expect("fits").iter().all(Result::is_ok));
        assert_eq!(notices(&feed, &body)[0], notice("columns-unknown", &["温度"]));
        assert_eq!(notices(&feed, &body)[2], notice("column-renamed", &["体温", "温度"]));
        let kept = read(&profile("ndjson", "unknown_columns = 'quarantine'"), &body).expect("taken");
        assert_eq!(kept.iter().map(Result::is_ok).collect::<Vec<_>>(), [false, true]);
        assert!(read(&profile("ndjson", "unknown_columns = 'refuse'"), &body).expect_err("refused").contains("温度"));
        let element = "<d><row><流水号>1</流水号><门岗>G1</门岗><手机号>13800000001</手机号><时间>2022-03-01 08:02</时间><民族>汉</民族></row></d>";
        assert_eq!(notices(&profile("xml", ""), element)[0], notice("columns-unknown", &["民族"]));
    }
}
