//! The frame of every picture: size, colours for light and dark, title, description, and text that is escaped.

use std::fmt::Write;

/// Colours and letters. A viewer that knows nothing of dark ground shows the light ones.
const STYLE: &str = "text{font-family:system-ui,'Segoe UI','Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif;\
font-size:13px;fill:#1c2430}\
.ground{fill:#ffffff}.head{font-size:16px;font-weight:600}.quiet{fill:#5b6675;font-size:11px}.number{font-variant-numeric:tabular-nums;paint-order:stroke;stroke:#ffffff;stroke-width:3px;stroke-linejoin:round}\
.for{fill:#2a7f62}.against{fill:#b3442e}.sum{fill:#33506f}.other{fill:#8a94a3}\
.line{stroke:#5b6675;stroke-width:1}.grid{stroke:#e3e7ec;stroke-width:1}.link{stroke:#1c2430;stroke-width:1.5;stroke-dasharray:6 3}\
.review{stroke:#a36a00;stroke-width:1.5;stroke-dasharray:2 3}.reviewtext{fill:#8a5a00;font-size:11px}.linktext{font-size:11px}\
@media (prefers-color-scheme:dark){text{fill:#e6eaf0}.number{stroke:#12161c}.ground{fill:#12161c}.quiet{fill:#9aa5b4}\
.for{fill:#56b894}.against{fill:#e07a62}.sum{fill:#86abd6}.other{fill:#79838f}\
.line{stroke:#9aa5b4}.grid{stroke:#262d36}.link{stroke:#e6eaf0}.review{stroke:#e0a94a}.reviewtext{fill:#e0a94a}}";

/// A picture in the making.
pub(crate) struct Picture {
    text: String,
}

impl Picture {
    /// Begins a picture. `id` is unlike that of other pictures on a page.
    pub(crate) fn new(id: &str, width: f64, height: f64, title: &str, description: &str) -> Self {
        let (id, title, description) = (escape(id), escape(title), escape(description));
        let (width, height) = (number(width), number(height));
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" role=\"img\" aria-labelledby=\"{id}-title {id}-desc\">\n\
             <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-desc\">{description}</desc>\n\
             <style>{STYLE}</style>\n<rect class=\"ground\" width=\"{width}\" height=\"{height}\"/>\n"
        );
        Self { text }
    }

    fn put(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a `String` cannot fail.
        let _ = self.text.write_fmt(element);
        self.text.push('\n');
    }

    /// A text; `anchor` is `start`, `middle` or `end`.
    pub(crate) fn text(&mut self, class: &str, x: f64, y: f64, anchor: &str, words: &str) {
        let (x, y, words) = (number(x), number(y), escape(words));
        self.put(format_args!("<text class=\"{class}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{words}</text>"));
    }

    /// A bar between two places, with words for whoever points at it.
    pub(crate) fn bar(&mut self, class: &str, from: f64, to: f64, y: f64, height: f64, words: &str) {
        // A hair is left where there is nothing, so that one sees that there is a bar.
        let (left, width) = (from.min(to), (to - from).abs().max(1.0));
        let (x, y, width, height) = (number(left), number(y), number(width), number(height));
        let words = escape(words);
        self.put(format_args!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"2\"><title>{words}</title></rect>"
        ));
    }

    pub(crate) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let (x1, y1, x2, y2) = (number(x1), number(y1), number(x2), number(y2));
        self.put(format_args!("<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>"));
    }

    pub(crate) fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }
}

/// Bits, with a sign that reads as minus.
pub(crate) fn signed(bits: f64) -> String {
    if bits < 0.0 { format!("−{:.1}", -bits) } else { format!("+{bits:.1}") }
}

/// Bits as a place on a scale.
pub(crate) fn plain(bits: f64) -> String {
    if bits < 0.0 { format!("−{:.1}", -bits) } else { format!("{bits:.1}") }
}

/// A place in a picture: a tenth of a point is more than anybody sees.
fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// Text as XML takes it; characters that XML cannot hold become a question mark.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            c if c < ' ' || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('?'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Places of marks on a scale: at most about eight, at steps of 1, 2 or 5 times a power of ten.
pub(crate) fn marks(low: f64, high: f64) -> Vec<f64> {
    let rough = ((high - low) / 8.0).max(0.1);
    let power = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|n| n * power).find(|step| *step >= rough).unwrap_or(rough);
    let first = (low / step).ceil() as i64;
    let last = (high / step).floor() as i64;
    (first..=last).map(|n| n as f64 * step).collect()
}
