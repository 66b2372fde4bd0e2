//! Reads a file of whereabouts or pairs into what [`exposure::Index`] takes.

use anyhow::{Context, bail};
use clap::Args;
use csv::StringRecord;
use exposure::{Located, Overlap, Rules};

use super::bytes::{self, TextEncoding};
use super::clock::Clock;
use super::columns::{Columns, Named, Role};
use super::headless;
use super::pattern::TimeFormat;
use super::rows::Rows;
use super::seen;
use super::table::{Separator, Table, usual_width};
use super::time::{Kind, Times, number, offset};
use super::told::{SURELY_SINCE_1970_MS, Told};
use super::window;

/// Rows that are looked at to tell the columns of a table without headings.
const LOOKED_AT: usize = 10_000;

/// How to read a file, where that is not to be told by the file itself.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct How {
    /// What a column is, by its heading or number: `person="Badge no"`, `time=1`. Give it once for each column. Roles are
    /// person, `person_a`, `person_b`, place, lat, lon, `radius_m`, from, to, time, date, duration (seconds), `duration_min`.
    #[arg(long, value_name = "ROLE=COLUMN", value_parser = Named::parse)]
    column: Vec<Named>,
    /// What the columns of a file without headings are, in order, such as `t,i,j`; `-` is a column of no use.
    #[arg(long, value_name = "ROLE,ROLE,…", value_delimiter = ',')]
    columns: Vec<String>,
    /// What parts the columns: comma, semicolon, tab, pipe, blanks, or another mark.
    #[arg(long, value_name = "MARK", value_parser = Separator::parse)]
    separator: Option<Separator>,
    /// Encoding of the text.
    #[arg(long, value_enum, value_name = "ENCODING")]
    encoding: Option<TextEncoding>,
    /// How times are written: s, ms, us or ns (numbers), or a pattern such as '%d/%m/%Y %H:%M:%S'.
    #[arg(long, value_name = "FORMAT", value_parser = TimeFormat::parse)]
    time_format: Option<TimeFormat>,
    /// Offset from UTC of dates that state none, such as +08:00.
    #[arg(long, value_name = "OFFSET", default_value = "Z", allow_hyphen_values = true, value_parser = zone)]
    pub(super) zone: i32,
    /// Length of the windows of rows with one time, in seconds; without it the usual step of the times.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=86_400))]
    window_s: Option<u32>,
    /// Leave out and count rows that cannot be used, instead of stopping at the first.
    #[arg(long)]
    skip_bad_rows: bool,
}

fn zone(text: &str) -> Result<i32, String> {
    offset(text).ok_or_else(|| "an offset from UTC is written as +08:00 or Z; names of zones are not known".to_owned())
}

/// What a file says.
pub(super) struct Seen {
    /// By number, in order: numbers by their size, then texts.
    pub(super) people: Vec<String>,
    pub(super) places: Vec<Vec<Overlap>>,
    pub(super) stays: Vec<Located>,
    pub(super) rows: usize,
    pub(super) clock: Clock,
    /// What was understood of it.
    pub(super) told: Told,
}

/// Reads a file. Moments, which begin when they end, are kept only where no time is asked of a contact.
pub(super) fn read(bytes: Vec<u8>, how: &How, rules: &Rules, keeps_moments: bool) -> anyhow::Result<Seen> {
    let text = bytes::text(bytes, how.encoding)?;
    let mut table = Table::new(&text.text, how.separator)?;
    let mut times = Times::new(how.time_format.clone(), how.zone);
    let Headed { columns, head_rows, told: columns_told } = headed(&table, how, &times)?;
    table.width = Some(columns.heads.len());
    if columns.are_millis() {
        times.format.get_or_insert(TimeFormat::Unit(Kind::Millis));
    }
    let mut rows = Rows::new(&columns);
    table.each_after(head_rows, |line, row| {
        rows.take(line, row, &mut times).or_else(|error| rows.left_out(line, error, how.skip_bad_rows))
    })?;
    if rows.all.is_empty() {
        match rows.first_bad.take() {
            Some((line, error)) => return Err(error.context(format!("none of its rows can be used; line {line}"))),
            None if rows.nobody + rows.same > 0 => {
                bail!("each of its rows pairs a person with nobody or with the same person: name two of them")
            }
            None => bail!("it has no rows: give rows below the headings"),
        }
    }
    times.check()?;
    let mut told = Told::new(&text, &table, &columns, columns_told);
    close_windows(&mut rows, how.window_s, &mut told)?;
    let (first, last) = rows.span();
    let are_instants = match times.kind {
        Some(Kind::Date | Kind::SheetDays) => true,
        Some(Kind::Seconds) | None => false,
        Some(_) => first >= SURELY_SINCE_1970_MS,
    };
    let has_fractions = rows.all.iter().any(|row| row.from % 1_000 != 0 || row.to.is_some_and(|to| to % 1_000 != 0));
    let clock = Clock::new(first, last, has_fractions, are_instants)?;
    told.times(&times, clock, (first, last), has_fractions);
    told.rows(&rows, keeps_moments);
    if !columns.are_pairs {
        told.places(rows.places.len(), columns.index(Role::Lat).is_some(), rules);
    }
    seen::numbered(rows, clock, rules, keeps_moments, told)
}

/// What the columns are, how many rows say so, and in words how that is known.
struct Headed {
    columns: Columns,
    head_rows: usize,
    told: &'static str,
}

fn headed(table: &Table, how: &How, times: &Times) -> anyhow::Result<Headed> {
    let first = table.first(LOOKED_AT)?;
    let (_, top) = first.first().context("it has no rows: give some")?;
    let of_row = |row: &StringRecord| -> Vec<String> { row.iter().map(str::to_owned).collect() };
    let is_value = |cell: &str| times.parsed(cell).is_some() || number(cell).is_some();
    let is_plain_head = !top.iter().any(is_value);
    let (width, _) = usual_width(&first).unwrap_or((top.len(), 0));
    if !how.columns.is_empty() {
        let mut heads: Vec<String> = how.columns.iter().map(|head| head.trim().to_owned()).collect();
        heads.extend((heads.len() + 1..=width).map(|number| format!("column {number}")));
        let columns = Columns::of(&heads, &how.column).context("--columns is not enough")?;
        return Ok(Headed { columns, head_rows: usize::from(is_plain_head), told: "as --columns says" });
    }
    if is_plain_head || Columns::of(&of_row(top), &[]).is_ok() {
        let columns = Columns::of(&of_row(top), &how.column)?;
        return Ok(Headed { columns, head_rows: 1, told: "by their headings" });
    }
    let comment = table.comment.as_ref().and_then(|comment| table.cells(comment)).filter(|row| row.len() == width);
    if let Some(columns) = comment.and_then(|row| Columns::of(&of_row(&row), &how.column).ok()) {
        return Ok(Headed { columns, head_rows: 0, told: "by the headings in a comment" });
    }
    if !how.column.is_empty() {
        let heads: Vec<String> = (1..=width).map(|number| format!("column {number}")).collect();
        let columns = Columns::of(&heads, &how.column)?;
        return Ok(Headed { columns, head_rows: 0, told: "as --column says" });
    }
    let columns = Columns::guessed(headless::guess(&first, width, times)?)?;
    Ok(Headed { columns, head_rows: 0, told: "guessed, as there are no headings: --columns says it better" })
}

/// Rows with one time are windows that end then.
fn close_windows(rows: &mut Rows<'_>, window_s: Option<u32>, told: &mut Told) -> anyhow::Result<()> {
    let mut times: Vec<i64> = rows.all.iter().filter(|row| row.to.is_none()).map(|row| row.from).collect();
    if times.is_empty() {
        return Ok(());
    }
    times.sort_unstable();
    times.dedup();
    let window_ms = match window_s {
        Some(seconds) => {
            let window_ms = i64::from(seconds) * 1_000;
            told.stated_window(window_ms, window::guess(&times).ok());
            window_ms
        }
        None => {
            let guess = window::guess(&times)?;
            let odd = window::odd_times(&times, guess.window_ms);
            let odd_rows =
                rows.all.iter().filter(|row| row.to.is_none() && odd.binary_search(&row.from).is_ok()).count();
            told.guessed_window(guess, odd.len(), odd_rows);
            guess.window_ms
        }
    };
    for row in rows.all.iter_mut().filter(|row| row.to.is_none()) {
        row.to = Some(row.from);
        row.from -= window_ms;
    }
    Ok(())
}
