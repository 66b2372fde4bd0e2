//! The parameters of a model: per field and level the two shares and the bits that follow from them.

use crate::picture::{Picture, plain, signed};
use crate::words::field_and_level;

/// A level of a field.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    /// Code of the field.
    pub field: String,
    /// Code of the level.
    pub level: String,
    /// Share of pairs of one person that reach it.
    pub m: f64,
    /// Share of pairs of strangers that reach it; times the frequency of the value where it has one.
    pub u: f64,
}

const WIDTH: f64 = 860.0;
const LABEL: f64 = 232.0;
const ROW: f64 = 30.0;
const TOP: f64 = 78.0;
/// The share bars grow with the logarithm from this share on: most shares of strangers are tiny.
const SHARE_MIN: f64 = 1e-9;

/// Bars of m and u, and of the bits between them, for every level.
pub fn parameters(rows: &[Parameter]) -> String {
    let most = rows.iter().map(|row| bits(row).abs()).fold(1.0, f64::max);
    let height = TOP + rows.len() as f64 * ROW + 40.0;
    let words: Vec<String> = rows
        .iter()
        .map(|row| {
            let (en, _) = field_and_level(&row.field, &row.level);
            format!("{en}: m {}, u {}, {} bits", share(row.m), share(row.u), signed(bits(row)))
        })
        .collect();
    let title = "Shares and weights by field and level · 各字段级别的比例与权重";
    let mut picture = Picture::new("parameters", WIDTH, height, title, &words.join("; "));
    picture.text("head", 24.0, 30.0, "start", title);
    picture.text("quiet", LABEL + 14.0, 58.0, "start", "m one person 同一人 · u strangers 不同人 (log 对数)");
    picture.text("quiet", 690.0, 58.0, "middle", "bits 比特: against 反对 | for 支持");
    let (from, to) = (LABEL + 14.0, 450.0);
    let grown = |value: f64| {
        let part = 1.0 - value.max(SHARE_MIN).ln() / SHARE_MIN.ln();
        from + part * (to - from)
    };
    let (zero, reach) = (690.0, 110.0);
    let mut field = "";
    for (at, row) in rows.iter().enumerate() {
        let y = TOP + at as f64 * ROW;
        if row.field != field {
            picture.line("grid", (24.0, y - 2.0), (WIDTH - 24.0, y - 2.0));
            field = &row.field;
        }
        let (en, zh) = field_and_level(&row.field, &row.level);
        picture.text("", LABEL, y + 12.0, "end", &en);
        picture.text("quiet", LABEL, y + 24.0, "end", &zh);
        picture.bar("for", from, grown(row.m), y + 3.0, 9.0, &format!("m {}", share(row.m)));
        picture.bar("other", from, grown(row.u), y + 14.0, 9.0, &format!("u {}", share(row.u)));
        picture.text("quiet number", to + 10.0, y + 11.0, "start", &share(row.m));
        picture.text("quiet number", to + 10.0, y + 23.0, "start", &share(row.u));
        let bits = bits(row);
        let end = zero + bits / most * reach;
        picture.bar(if bits < 0.0 { "against" } else { "for" }, zero, end, y + 4.0, 18.0, &words[at]);
        let (x, anchor) = if bits < 0.0 { (end - 5.0, "end") } else { (end + 5.0, "start") };
        picture.text("number", x, y + 18.0, anchor, &plain(bits));
    }
    let note = "agreeing on a rare name or number adds its rarity to these bits · 罕见的姓名或号码相符时另加其稀有度";
    picture.text("quiet", 24.0, height - 10.0, "start", note);
    picture.line("line", (zero, TOP - 4.0), (zero, height - 34.0));
    picture.finish()
}

fn bits(row: &Parameter) -> f64 {
    (row.m / row.u).log2()
}

fn share(value: f64) -> String {
    if value >= 0.001 { format!("{value:.4}") } else { format!("{value:.1e}") }
}
