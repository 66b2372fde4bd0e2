//! The summary in words.

use std::fmt::{Display, Write};
use std::path::Path;

use linkage::table::Summary;

use crate::Options;
use crate::cells::File;

/// One line per input.
pub(crate) fn inputs(options: &Options, files: &[File]) -> Vec<String> {
    let line = |(path, file): (&std::path::PathBuf, &File)| {
        let records: usize = file.parts.iter().map(|part| part.id_ends.len()).sum();
        let unused =
            if file.unused.is_empty() { String::new() } else { format!("; not used: {}", file.unused.join(", ")) };
        format!("{}: {} records, {}{unused}", path.display(), thousands(records as u64), file.format)
    };
    options.inputs.iter().zip(files).map(line).collect()
}

/// Rows that are left out: how many, and the first of them by file, line and reason.
#[derive(Debug, Default)]
pub(crate) struct LeftOut {
    pub(crate) rows: u64,
    named: Vec<String>,
}

impl LeftOut {
    /// Rows that are named; the others are counted.
    const NAMED: usize = 20;

    pub(crate) fn add(&mut self, path: &Path, unit: &str, line: u64, reason: impl Display) {
        self.rows += 1;
        if self.named.len() < Self::NAMED {
            self.named.push(format!("{}, {unit} {line}: {reason}", path.display()));
        }
    }
}

/// A number with its thousands apart.
pub(crate) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The whole summary.
pub(crate) fn text(
    inputs: &[String],
    summary: &Summary,
    left_out: &LeftOut,
    seconds: &[(&'static str, f64)],
) -> String {
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let mut line = |words: String| {
        let _ = writeln!(text, "{words}");
    };
    for input in inputs {
        line(input.clone());
    }
    if left_out.rows > 0 {
        line(format!("rows left out: {}", thousands(left_out.rows)));
        left_out.named.iter().for_each(|row| line(format!("  {row}")));
        let more = left_out.rows - left_out.named.len() as u64;
        if more > 0 {
            line(format!("  and {} more", thousands(more)));
        }
    }
    line(format!("records {}, clusters {}", thousands(summary.records as u64), thousands(summary.clusters as u64)));
    line(format!("pairs compared {}", thousands(summary.pairs_compared)));
    line("blocking rules:".to_owned());
    for rule in &summary.rules {
        line(format!("  {rule}"));
    }
    for over in &summary.oversized {
        line(format!("  split: {} blocks with {} records of `{}`", over.blocks, over.records, over.rule));
    }
    line(format!(
        "parameters, after {} rounds (shares: independent, same, near, loose, part, different, swapped):",
        summary.rounds
    ));
    for parameter in &summary.parameters {
        line(format!("  {parameter}"));
    }
    for (kind, values) in [("hot value of", &summary.hot_values), ("read as a gap of", &summary.gaps)] {
        for hot in values {
            let records = thousands(hot.records as u64);
            line(format!("{kind} {}: `{}` in {records} records", hot.field.name(), hot.value));
        }
    }
    line(format!("threshold {:.2} bits", summary.threshold));
    line(format!("expected precision {:.4}, expected recall {:.4}", summary.precision, summary.recall));
    if let Some(promised) = summary.unlike {
        line(format!(
            "warning: these records are unlike those of the model, which promises precision {promised:.4}; the figures \
             above are by what the records themselves show: leave --model out, or train a model on records like them"
        ));
    }
    let [precision, recall] = summary.errors;
    line(format!("standard errors of these by chance alone: {precision:.4}, {recall:.4}"));
    let total: f64 = seconds.iter().map(|(_, seconds)| seconds).sum();
    let stages: Vec<String> = seconds.iter().map(|(stage, seconds)| format!("{stage} {seconds:.2}")).collect();
    line(format!("seconds {total:.2}: {}", stages.join(", ")));
    text
}
