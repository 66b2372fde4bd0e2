//! Rows before and after, side by side, and complaints, for a terminal.

use std::fmt::Write as _;

use connector::{Made, Sample, Trial};
use serde_json::Value;

/// Columns of the terminal that the left side takes.
const LEFT: usize = 44;
/// Columns of one value.
const VALUE: usize = 60;

/// The first rows, before and after.
pub(super) fn samples(samples: &[Sample]) -> String {
    let mut text = String::new();
    for sample in samples {
        let _ = writeln!(text, "── row {} (line {}) ──", sample.row, sample.line);
        let left: Vec<String> = sample
            .before
            .iter()
            .map(|(name, value)| if name.is_empty() { value.clone() } else { format!("{name}: {value}") })
            .collect();
        let mut right: Vec<String> = sample.after.iter().flat_map(made).collect();
        right.extend(sample.failure.iter().map(|failure| format!("✗ {failure}")));
        for at in 0..left.len().max(right.len()) {
            let before = cut(left.get(at).map_or("", String::as_str), LEFT);
            let after = cut(right.get(at).map_or("", String::as_str), VALUE);
            let _ = writeln!(text, "{before}{} │ {after}", " ".repeat(LEFT.saturating_sub(width(&before))));
        }
    }
    text
}

/// What is wrong: the first rows, and the sums.
pub(super) fn failures(trial: &Trial) -> String {
    let mut text = String::new();
    for complaint in &trial.complaints {
        let column = match (complaint.column, &complaint.field) {
            (Some(column), Some(field)) => format!(", column {column} ({field})"),
            (None, Some(field)) => format!(", {field}"),
            _ => String::new(),
        };
        let _ = writeln!(
            text,
            "line {} (row {}){column}: {} [{}]",
            complaint.line, complaint.row, complaint.message, complaint.code
        );
    }
    for tally in &trial.reasons {
        let field = tally.field.as_deref().map_or(String::new(), |field| format!(" in {field}"));
        let _ = writeln!(text, "{} rows: {}{field}. {}", tally.rows, tally.code, tally.mend);
    }
    text
}

fn made(made: &Made) -> Vec<String> {
    let taken_back = if made.operation == "RETRACT" { " (taken back)" } else { "" };
    let mut lines = vec![format!("{}{taken_back} at {}", made.event, made.time)];
    if !made.flags.is_empty() {
        lines.push(format!("  flags: {}", made.flags.join(", ")));
    }
    flatten(&made.says, "", &mut lines);
    lines
}

fn flatten(value: &Value, path: &str, lines: &mut Vec<String>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(object) => object.iter().for_each(|(key, value)| flatten(value, &below(key), lines)),
        Value::Array(list) => {
            list.iter().zip(1..).for_each(|(value, at)| flatten(value, &below(&at.to_string()), lines))
        }
        Value::String(text) => lines.push(format!("  {path}: {text}")),
        other => lines.push(format!("  {path}: {other}")),
    }
}

/// Columns of a terminal that a text takes: characters of Chinese texts take two.
fn width(text: &str) -> usize {
    text.chars()
        .map(|c| if matches!(c, '\u{1100}'..='\u{115F}' | '\u{2E80}'..='\u{FFE6}' | '\u{20000}'..) { 2 } else { 1 })
        .sum()
}

fn cut(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for c in text.chars().map(|c| if c.is_control() { '·' } else { c }) {
        if width(&shown) + 3 > most {
            shown.push('…');
            break;
        }
        shown.push(c);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_in_stands_beside_what_becomes_of_it_whatever_the_script() {
        let sample = Sample {
            row: 1,
            line: 2,
            before: vec![("姓名".to_owned(), "甲".to_owned()), ("门岗".to_owned(), "G1".to_owned())],
            after: vec![Made {
                event: "GatePass",
                record: "1".to_owned(),
                operation: "UPSERT",
                time: "2022-03-01T00:00:00Z".to_owned(),
                flags: Vec::new(),
                says: serde_json::json!({ "decision": "PASSED" }),
            }],
            failure: None,
        };
        let shown = samples(&[sample]);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "── row 1 (line 2) ──");
        assert!(
            lines[1].starts_with("姓名: 甲") && lines[1].ends_with("│ GatePass at 2022-03-01T00:00:00Z"),
            "{shown}"
        );
        assert!(lines[2].ends_with("│   decision: PASSED"), "{shown}");
        assert!(
            lines[1..].iter().all(|line| line.split_once(" │").is_some_and(|(left, _)| width(left) == LEFT)),
            "{shown}"
        );
    }
}
