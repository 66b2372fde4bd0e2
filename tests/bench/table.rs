//! The one table: a row per figure, printed for people and as JSON for programs.

use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;
use serde_json::json;

use crate::machine::{Machine, Took};

/// One figure.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    /// The stage: push, project, link or read.
    pub(crate) stage: &'static str,
    /// What was measured.
    pub(crate) what: String,
    /// What is counted.
    pub(crate) unit: &'static str,
    /// How many of it were measured.
    pub(crate) count: u64,
    /// In how many seconds.
    pub(crate) seconds: f64,
    /// In how many seconds of a core, of all processes together.
    pub(crate) core_seconds: f64,
    /// Half of the answers came within this many milliseconds.
    pub(crate) p50_ms: Option<f64>,
    /// 99 of 100 answers came within this many milliseconds.
    pub(crate) p99_ms: Option<f64>,
    /// What is beside it.
    pub(crate) beside: Option<Beside>,
}

/// What a figure is compared with, in the same unit.
#[derive(Debug, Serialize)]
pub(crate) struct Beside {
    /// What it is.
    pub(crate) what: &'static str,
    /// How many of the unit per second.
    pub(crate) per_second: f64,
}

impl Row {
    /// A figure with neither latencies nor anything beside it.
    pub(crate) fn new(stage: &'static str, what: String, unit: &'static str, count: u64, took: Took) -> Self {
        let Took { seconds, core_seconds } = took;
        Self { stage, what, unit, count, seconds, core_seconds, p50_ms: None, p99_ms: None, beside: None }
    }

    /// The figure.
    pub(crate) fn per_second(&self) -> f64 {
        self.count as f64 / self.seconds
    }

    fn cells(&self) -> [String; 9] {
        let ms = |value: Option<f64>| value.map_or_else(String::new, |ms| format!("{ms:.2}"));
        let beside = |text: fn(&Beside, f64) -> String| {
            self.beside.as_ref().map_or_else(String::new, |beside| text(beside, self.per_second()))
        };
        [
            self.stage.to_owned(),
            self.what.clone(),
            format!("{} {}", grouped(self.per_second()), self.unit),
            ms(self.p50_ms),
            ms(self.p99_ms),
            beside(|beside, _| format!("{} {}", beside.what, grouped(beside.per_second))),
            beside(|beside, own| format!("{:.2}", own / beside.per_second)),
            format!("{} in {:.1} s", grouped(self.count as f64), self.seconds),
            format!("{:.1}", self.core_seconds),
        ]
    }
}

/// All figures of a run.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// The figures, in the order in which they were taken.
    pub(crate) rows: Vec<Row>,
    /// What a reader must know besides.
    pub(crate) notes: Vec<String>,
}

const HEAD: [&str; 9] = ["stage", "what", "per second", "p50 ms", "p99 ms", "beside it", "ratio", "measured", "core s"];
/// Columns whose text is a number.
const RIGHT: [bool; 9] = [false, false, true, true, true, false, true, true, true];

impl Table {
    /// The table for people, with its notes.
    pub(crate) fn text(&self) -> String {
        let rows: Vec<[String; 9]> = self.rows.iter().map(Row::cells).collect();
        let width = |column: usize| {
            let cells = rows.iter().map(|row| row[column].chars().count());
            cells.chain([HEAD[column].chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
        let mut text = String::from("\n");
        push_line(&mut text, &HEAD.map(str::to_owned), &widths);
        let rule: Vec<String> = widths.iter().zip(RIGHT).map(|(width, right)| rule(*width, right)).collect();
        text.push_str(&format!("|{}|\n", rule.join("|")));
        for row in &rows {
            push_line(&mut text, row, &widths);
        }
        text.push('\n');
        for note in &self.notes {
            let _ = writeln!(text, "- {note}");
        }
        text.trim_end().to_owned()
    }

    /// The same as one JSON object in one line.
    pub(crate) fn json(&self, machine: &Machine, took: Duration) -> String {
        let row = |row: &Row| {
            let mut value = json!(row);
            value["per_second"] = json!(row.per_second());
            if let Some(beside) = &row.beside {
                value["ratio"] = json!(row.per_second() / beside.per_second);
            }
            value
        };
        let rows: Vec<_> = self.rows.iter().map(row).collect();
        json!({ "rows": rows, "notes": self.notes, "machine": machine, "took_seconds": took.as_secs_f64() }).to_string()
    }
}

fn push_line(text: &mut String, cells: &[String; 9], widths: &[usize]) {
    for ((cell, width), right) in cells.iter().zip(widths).zip(RIGHT) {
        let _ = match right {
            true => write!(text, "| {cell:>width$} "),
            false => write!(text, "| {cell:<width$} "),
        };
    }
    text.push_str("|\n");
}

fn rule(width: usize, right: bool) -> String {
    match right {
        true => format!("{}:", "-".repeat(width + 1)),
        false => "-".repeat(width + 2),
    }
}

/// A whole number with a comma at every third digit.
fn grouped(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
