//! What was understood of a file, in words: a guess that nobody sees is a wrong answer waiting.

use std::fmt;

use exposure::Rules;

use super::bytes::Text;
use super::clock::Clock;
use super::columns::{Columns, When};
use super::rows::Rows;
use super::table::Table;
use super::time::{Kind, Times};
use super::window::{Guess, LONG_MS, seconds};

/// From here on a number of milliseconds since 1970 is no small number of seconds: 1973.
pub(super) const SURELY_SINCE_1970_MS: i64 = 100_000_000_000;
/// Contact data of more days are rare, and a mistaken time is not.
const DAYS_MANY: i64 = 400;

/// Lines of a name and what is said of it, and warnings.
#[derive(Debug, Default)]
pub(super) struct Told {
    lines: Vec<(&'static str, String)>,
    warnings: Vec<String>,
}

impl Told {
    pub(super) fn new(text: &Text, table: &Table, columns: &Columns, how_known: &str) -> Self {
        let what = if columns.are_pairs { "pairs" } else { "whereabouts" };
        let when = match columns.when {
            When::Span => "from a begin to an end",
            When::Lasting => "from a begin for a duration",
            When::LastingUntil => "for a duration before an end",
            When::Window => "of one time each, at which a window ends",
        };
        let guess = if text.is_guess { " (guessed)" } else { "" };
        let mut told = Self::default();
        told.line("form", format!("{what} {when}"));
        told.line("columns", format!("{} ({how_known})", columns.told()));
        told.line("text", format!("{}{guess}, columns parted by {}", text.encoding, table.separator.told()));
        if table.comments + table.titles > 0 {
            told.line("no rows", format!("{} lines of comments, {} before the table", table.comments, table.titles));
        }
        told
    }

    fn line(&mut self, name: &'static str, said: String) {
        self.lines.push((name, said));
    }

    pub(super) fn stated_window(&mut self, window_ms: i64, guess: Option<Guess>) {
        self.line("window", format!("{} s (as --window-s says)", seconds(window_ms)));
        if let Some(step) = guess.map(|guess| guess.window_ms).filter(|step| *step > window_ms) {
            let step = seconds(step);
            self.warnings
                .push(format!("times are {step} s apart, so windows that follow one another are not one spell"));
        }
    }

    pub(super) fn guessed_window(&mut self, guess: Guess, odd_times: usize, odd_rows: usize) {
        let Guess { window_ms, steps, unfit } = guess;
        let window = seconds(window_ms);
        self.line("window", format!("{window} s (guessed: of {steps} steps between times {unfit} do not fit it)"));
        if odd_rows > 0 {
            self.warnings.push(format!(
                "{odd_rows} rows, of {odd_times} times, do not fit the window; each is kept as a window that ends at its own \
                 time"
            ));
        }
        if window_ms >= LONG_MS {
            self.warnings.push(format!(
                "the window is a guess, and a long one: each row counts as {window} s together. If it is one sighting, say \
                 with --window-s how long it stands for"
            ));
        }
    }

    pub(super) fn times(&mut self, times: &Times, clock: Clock, (first, last): (i64, i64), has_fractions: bool) {
        let zone = offset_told(times.zone_min);
        self.line(
            "times",
            match times.kind {
                Some(Kind::SheetDays) => {
                    format!("{}, taken as of {zone} (--zone says another)", Kind::SheetDays.told())
                }
                Some(kind) if kind != Kind::Date && first >= SURELY_SINCE_1970_MS => {
                    format!("{} since 1970", kind.told())
                }
                Some(Kind::Date) if times.zoneless > 0 => {
                    format!("dates, taken as of {zone} where they state no zone (--zone says another)")
                }
                Some(Kind::Date) => "dates that state their zone".to_owned(),
                Some(kind) => kind.told().to_owned(),
                None => "none".to_owned(),
            },
        );
        self.line("span", format!("{} to {}", clock.written(first), clock.written(last)));
        if times.zoned > 0 && times.zoneless > 0 {
            self.warnings.push(format!(
                "{} times state their zone and {} do not; those were taken as of {zone}: is that right?",
                times.zoned, times.zoneless
            ));
        }
        if times.days > 0 {
            self.warnings
                .push(format!("{} times are days without a time of day; their midnight was taken", times.days));
        }
        if !clock.is_exact(has_fractions) {
            self.warnings.push("the span is too long for all fractions of seconds; times are rounded".to_owned());
        }
        let days = (last - first) / 86_400_000;
        if days > DAYS_MANY {
            self.warnings.push(format!("the times lie {days} days apart: is one of them wrong?"));
        }
    }

    pub(super) fn rows(&mut self, rows: &Rows<'_>, keeps_moments: bool) {
        let moments = rows.all.iter().filter(|row| row.to == Some(row.from)).count();
        self.line("people", rows.people.len().to_string());
        self.line("rows", format!("{} used, {moments} of them hold no time (from = to)", rows.all.len()));
        if moments > 0 && !keeps_moments {
            self.warnings.push(format!("{moments} rows hold no time: they count by the rule `ever` only"));
        }
        if rows.nobody > 0 {
            let said = "rows name a person below zero, which scans write for nobody or for strangers: left out";
            self.warnings.push(format!("{} {said}", rows.nobody));
        }
        if rows.same > 0 {
            self.warnings.push(format!("{} rows pair a person with the same person: left out", rows.same));
        }
        if let Some((line, error)) = &rows.first_bad {
            self.warnings.push(format!(
                "{} rows cannot be used and are left out; the first is line {line}: {error:#}",
                rows.bad
            ));
        }
    }

    pub(super) fn places(&mut self, places: usize, have_positions: bool, rules: &Rules) {
        let side = rules.square.side_m;
        let said = match (have_positions, rules.contact.neighbours) {
            (false, _) => String::new(),
            (true, true) => format!("; positions fall into squares of {side} m, and neighbouring squares count, too"),
            (true, false) => {
                format!("; positions fall into squares of {side} m, and neighbouring squares do not count")
            }
        };
        self.line("places", format!("{places}{said}"));
    }
}

/// `UTC`, `UTC+08:00`.
pub(super) fn offset_told(offset_min: i32) -> String {
    let (sign, size) = (if offset_min < 0 { '-' } else { '+' }, offset_min.unsigned_abs());
    if size == 0 { "UTC".to_owned() } else { format!("UTC{sign}{:02}:{:02}", size / 60, size % 60) }
}

/// What a terminal shows and does not obey: headings and cells are written by others.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' { shown.extend(c.escape_debug()) } else { shown.push(c) }
    }
    shown
}

impl fmt::Display for Told {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Understood:")?;
        for (name, said) in &self.lines {
            writeln!(f, "  {name:<8} {said}")?;
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {warning}"))
    }
}
