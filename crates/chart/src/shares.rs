//! The most frequent values of a field.

use crate::picture::Picture;

const WIDTH: f64 = 420.0;
const LABEL: f64 = 130.0;
const ROW: f64 = 20.0;
const TOP: f64 = 52.0;

/// Bars of the shares of values, in the order given.
pub fn shares(id: &str, title: &str, values: &[(String, f64)]) -> String {
    let most = values.iter().map(|(_, share)| *share).fold(1e-9, f64::max);
    let words: Vec<String> = values.iter().map(|(value, share)| format!("{value} {:.2} %", share * 100.0)).collect();
    let height = TOP + values.len() as f64 * ROW + 16.0;
    let mut picture = Picture::new(id, WIDTH, height, title, &words.join(", "));
    picture.text("head", 16.0, 30.0, "start", title);
    for (row, (value, share)) in values.iter().enumerate() {
        let y = TOP + row as f64 * ROW;
        let end = LABEL + share / most * (WIDTH - LABEL - 80.0);
        picture.text("", LABEL - 8.0, y + 13.0, "end", value);
        picture.bar("sum", LABEL, end, y + 3.0, ROW - 6.0, &words[row]);
        picture.text("quiet number", end + 6.0, y + 13.0, "start", &format!("{:.2} %", share * 100.0));
    }
    picture.finish()
}
