//! How many pairs have which weight, with the thresholds.

use std::collections::BTreeMap;

use crate::picture::{Picture, marks, plain};

/// Weights of pairs, counted by whole bits.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    /// Pairs by the lower end of their bit.
    pub weights: BTreeMap<i32, u64>,
    /// From this weight on, pairs are linked.
    pub link_threshold: f64,
    /// From this weight on, pairs are put up for review.
    pub review_threshold: f64,
}

const WIDTH: f64 = 860.0;
const HEIGHT: f64 = 330.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = WIDTH - 30.0;
const TOP: f64 = 96.0;
const BOTTOM: f64 = 270.0;

impl Histogram {
    /// The picture. Heights grow with the logarithm: few doubtful pairs stand beside many certain ones.
    pub fn svg(&self) -> String {
        let first = self.weights.keys().next().copied().unwrap_or(0);
        let last = self.weights.keys().next_back().copied().unwrap_or(0);
        let low = f64::from(first).min(self.review_threshold.floor()) - 1.0;
        let high = (f64::from(last) + 1.0).max(self.link_threshold.ceil()) + 1.0;
        let most = self.weights.values().max().copied().unwrap_or(0);
        let x = |bits: f64| LEFT + (bits - low) / (high - low) * (RIGHT - LEFT);
        let decades = ((most.max(1) as f64).log10() + 1.0).max(2.0);
        let y = |count: u64| BOTTOM - ((count as f64).log10() + 1.0) / decades * (BOTTOM - TOP);
        let title = "Weights of linked and doubtful pairs · 关联与待复核记录对的权重";
        let total: u64 = self.weights.values().sum();
        let description = format!(
            "{total} pairs with weights from {first} to {} bits; linked from {}, put up for review from {}.",
            last + 1,
            plain(self.link_threshold),
            plain(self.review_threshold)
        );
        let mut picture = Picture::new("weights", WIDTH, HEIGHT, title, &description);
        picture.text("head", 24.0, 32.0, "start", title);
        let mut count = 1_u64;
        while count <= most {
            picture.line("grid", (LEFT, y(count)), (RIGHT, y(count)));
            picture.text("quiet number", LEFT - 8.0, y(count) + 4.0, "end", &count.to_string());
            count = count.saturating_mul(10);
        }
        for mark in marks(low, high) {
            picture.text("quiet number", x(mark), BOTTOM + 18.0, "middle", &plain(mark).replace(".0", ""));
        }
        for (bit, count) in self.weights.iter().filter(|(_, count)| **count > 0) {
            let middle = f64::from(*bit) + 0.5;
            let class = match middle {
                at if at >= self.link_threshold => "for",
                at if at >= self.review_threshold => "sum",
                _ => "other",
            };
            let words = format!("{bit} to {} bits: {count} pairs", bit + 1);
            let (from, to) = (x(f64::from(*bit)) + 0.5, x(f64::from(bit + 1)) - 0.5);
            picture.bar(class, from, to, y(*count), BOTTOM - y(*count), &words);
        }
        picture.line("line", (LEFT, BOTTOM), (RIGHT, BOTTOM));
        for (class, text, at, above, words) in [
            ("review", "reviewtext", self.review_threshold, 30.0, "review from 人工复核"),
            ("link", "linktext", self.link_threshold, 12.0, "linked from 自动关联"),
        ] {
            picture.line(class, (x(at), TOP - above - 8.0), (x(at), BOTTOM));
            picture.text(text, x(at) + 4.0, TOP - above, "start", &format!("{words} {}", plain(at)));
        }
        let axis = "bits 比特 · pairs, log scale 记录对数（对数刻度）";
        picture.text("quiet", LEFT, BOTTOM + 40.0, "start", axis);
        picture.finish()
    }
}
