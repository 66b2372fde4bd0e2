//! A match weight as a waterfall: the prior, each field up or down from there, the total, and the thresholds.

use crate::picture::{Picture, marks, plain, signed};
use crate::words::{field_and_level, order_and_state};

/// What one field adds.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Code of the field, as the linkage model writes it.
    pub field: String,
    /// Code of the level that it reached; empty where nothing was compared.
    pub level: String,
    /// Bits for one person; negative: against it.
    pub bits: f64,
}

/// A pair of records, weighed.
#[derive(Clone, Debug, PartialEq)]
pub struct Waterfall {
    /// One record.
    pub record_a: String,
    /// The other.
    pub record_b: String,
    /// The prior and the fields; the bits add up to the weight.
    pub steps: Vec<Step>,
    /// From this weight on, pairs are linked.
    pub link_threshold: f64,
    /// From this weight on, pairs are put up for review; `None` where there is no review.
    pub review_threshold: Option<f64>,
    /// Version of the model; empty where it has none.
    pub model_version: String,
    /// Whether both are in one cluster.
    pub together: bool,
    /// Code of the field of which two different values keep the records apart, whatever the weight.
    pub conflict: Option<String>,
    /// The standing order on the pair, if there is one: it outranks the weight.
    pub order: Option<Order>,
}

/// A standing order of a reviewer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Both are of one person; `false`: of two.
    pub same: bool,
    /// Code of what has become of it, such as `in-force`.
    pub state: String,
}

const WIDTH: f64 = 860.0;
const LEFT: f64 = 250.0;
const RIGHT: f64 = WIDTH - 70.0;
const TOP: f64 = 116.0;
const ROW: f64 = 36.0;

impl Waterfall {
    /// Bits in all: the sum of the steps.
    pub fn weight(&self) -> f64 {
        self.steps.iter().map(|step| step.bits).sum()
    }

    /// The picture.
    pub fn svg(&self) -> String {
        let weight = self.weight();
        let mut level = 0.0;
        let ends = self.steps.iter().map(|step| {
            level += step.bits;
            level
        });
        let stops: Vec<f64> = [0.0, self.link_threshold].into_iter().chain(self.review_threshold).chain(ends).collect();
        let (low, high) = stops.iter().fold((0.0_f64, 0.0_f64), |(low, high), at| (low.min(*at), high.max(*at)));
        let room = ((high - low) * 0.04).max(1.0);
        let (low, high) = (low - room, high + room);
        let x = |bits: f64| LEFT + (bits - low) / (high - low) * (RIGHT - LEFT);
        let bottom = TOP + (self.steps.len() as f64 + 1.0) * ROW + 6.0;
        let mut picture = Picture::new("waterfall", WIDTH, bottom + 56.0, &self.title(), &self.description());

        picture.text("head", 24.0, 32.0, "start", &self.title());
        picture.text("quiet", 24.0, 52.0, "start", &self.verdict());
        for mark in marks(low, high) {
            picture.line("grid", (x(mark), TOP - 4.0), (x(mark), bottom));
            picture.text("quiet number", x(mark), bottom + 16.0, "middle", &plain(mark).replace(".0", ""));
        }
        self.thresholds(&mut picture, &x, bottom);

        let mut from = 0.0;
        for (row, step) in self.steps.iter().enumerate() {
            let y = TOP + row as f64 * ROW;
            let to = from + step.bits;
            let (en, zh) = field_and_level(&step.field, &step.level);
            picture.text("", LEFT - 14.0, y + 14.0, "end", &en);
            picture.text("quiet", LEFT - 14.0, y + 28.0, "end", &zh);
            let class = if step.bits < 0.0 { "against" } else { "for" };
            let words = format!("{en}: {} bits", signed(step.bits));
            picture.bar(class, x(from), x(to), y + 5.0, ROW - 14.0, &words);
            picture.line("line", (x(to), y + 5.0), (x(to), y + ROW + 5.0));
            picture.text("number", x(from.max(to)) + 6.0, y + 21.0, "start", &signed(step.bits));
            from = to;
        }
        let y = TOP + self.steps.len() as f64 * ROW;
        picture.text("", LEFT - 14.0, y + 14.0, "end", "match weight");
        picture.text("quiet", LEFT - 14.0, y + 28.0, "end", "匹配权重");
        picture.bar("sum", x(0.0), x(weight), y + 5.0, ROW - 14.0, &format!("match weight: {} bits", plain(weight)));
        picture.text("number", x(weight.max(0.0)) + 6.0, y + 21.0, "start", &plain(weight));
        let axis = "bits: each doubles the odds that both are one person · 比特：每一比特使同一人的胜算加倍";
        picture.text("quiet", LEFT, bottom + 34.0, "start", axis);
        if !self.model_version.is_empty() {
            picture.text("quiet", 24.0, bottom + 34.0, "start", &self.model_version);
        }
        picture.finish()
    }

    fn thresholds(&self, picture: &mut Picture, x: &impl Fn(f64) -> f64, bottom: f64) {
        let link = self.link_threshold;
        // The labels stand above one another, so that thresholds may lie close together.
        picture.line("link", (x(link), TOP - 20.0), (x(link), bottom));
        let words = format!("linked from {} 自动关联", plain(link));
        let (at, anchor) = beside(x(link));
        picture.text("linktext", at, TOP - 12.0, anchor, &words);
        if let Some(review) = self.review_threshold {
            picture.line("review", (x(review), TOP - 38.0), (x(review), bottom));
            let words = format!("review from {} 人工复核", plain(review));
            let (at, anchor) = beside(x(review));
            picture.text("reviewtext", at, TOP - 30.0, anchor, &words);
        }
    }

    fn title(&self) -> String {
        format!("{} · {}", self.record_a, self.record_b)
    }

    fn verdict(&self) -> String {
        let weight = self.weight();
        let (together, zh) = if self.together { ("one person", "同一人") } else { ("two persons", "两个人") };
        let conflict = self.conflict.as_ref().map(|field| {
            let (en, zh) = field_and_level(field, "");
            format!(" · different {en}: kept apart {zh}不同，不予关联")
        });
        let order = self.order.as_ref().map(|order| {
            let (en, zh) = order_and_state(order.same, &order.state);
            format!(" · {en} {zh}")
        });
        format!(
            "{together} {zh} · weight 权重 {} · probability of the pair alone 单对概率 {}{}{}",
            plain(weight),
            probability(weight),
            conflict.unwrap_or_default(),
            order.unwrap_or_default()
        )
    }

    fn description(&self) -> String {
        let steps = self.steps.iter().map(|step| {
            let (en, _) = field_and_level(&step.field, &step.level);
            format!("{en} {}", signed(step.bits))
        });
        let review = self.review_threshold.map(|review| format!(", put up for review from {}", plain(review)));
        let order = self.order.as_ref().map(|order| format!(" {}.", order_and_state(order.same, &order.state).0));
        format!(
            "Match weight {} bits. {}. Linked from {}{}.{}",
            plain(self.weight()),
            steps.collect::<Vec<_>>().join(", "),
            plain(self.link_threshold),
            review.unwrap_or_default(),
            order.unwrap_or_default()
        )
    }
}

/// Words beside a line stay inside the picture.
fn beside(x: f64) -> (f64, &'static str) {
    if x > RIGHT - 150.0 { (x - 5.0, "end") } else { (x + 4.0, "start") }
}

/// Four digits cannot tell a very likely pair from a certain one, and none is certain.
fn probability(weight: f64) -> String {
    match 1.0 / (1.0 + (-weight).exp2()) {
        p if p < 0.0001 => "< 0.0001".to_owned(),
        p if p > 0.9999 => "> 0.9999".to_owned(),
        p => format!("{p:.4}"),
    }
}
