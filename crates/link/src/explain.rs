//! Why two records are one person, or are not: in words, and as a picture.

use std::fmt::Write;

use chart::{Step, Waterfall};
use linkage::table::{Linked, PairParts, Table};

use crate::LinkError;
use crate::run::Ids;

/// A pair of records, weighed.
pub(crate) struct Pair<'a> {
    ids: (&'a str, &'a str),
    parts: PairParts,
    /// What both state of each field, as it is compared.
    values: Vec<(&'a str, &'a str)>,
    /// Where the model is from.
    model: String,
    threshold: f64,
    together: bool,
}

/// Two records that are asked for: their ids and their places.
pub(crate) struct Asked<'a> {
    ids: (&'a str, &'a str),
    places: (u32, u32),
}

/// Finds the records that are asked for.
pub(crate) fn find<'a>(ids: &Ids, (a, b): (&'a str, &'a str)) -> Result<Asked<'a>, LinkError> {
    let find = |id: &str| -> Result<u32, LinkError> {
        let found = ids.order.binary_search_by(|number| ids.pool.text(*number).cmp(id));
        found.map(|place| place as u32).map_err(|_| LinkError::NoSuchRecord(id.to_owned()))
    };
    match (find(a)?, find(b)?) {
        (one, other) if one == other => Err(LinkError::SameRecord(a.to_owned())),
        places => Ok(Asked { ids: (a, b), places }),
    }
}

/// Weighs a pair.
pub(crate) fn pair<'a>(asked: &Asked<'a>, table: &'a Table, linked: &Linked, model: String) -> Pair<'a> {
    let (left, right) = asked.places;
    let together = linked.clusters[left as usize] == linked.clusters[right as usize];
    let parts = linked.parts(table, left, right);
    let value = |record, field| linked.value(table, record, field);
    let values = parts.fields.iter().map(|(field, _, _)| (value(left, *field), value(right, *field))).collect();
    Pair { ids: asked.ids, parts, values, model, threshold: linked.summary.threshold, together }
}

/// Bits that are worth a line.
const BITS_SHOWN: f64 = 0.005;

impl Pair<'_> {
    /// The weight, field by field.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let mut line = |name: &str, level: &str, bits: f64, values: &str| {
            let _ = writeln!(text, "{}", format!("  {name:<16}{level:<12}{bits:>9.2}   {values}").trim_end());
        };
        line("prior", "", self.parts.prior, "");
        for ((field, level, bits), (a, b)) in self.parts.fields.iter().zip(&self.values) {
            let values = if a == b { (*a).to_owned() } else { format!("{a} | {b}") };
            line(field.name(), level, *bits, &values);
        }
        if self.parts.relatives.abs() >= BITS_SHOWN {
            line("relatives", "", self.parts.relatives, "what a family or a household has in common anyway");
        }
        line("weight", "", self.parts.weight, "");
        line("threshold", "", self.threshold, "");
        let verdict = if self.together { "in one cluster" } else { "in two clusters" };
        let probability = 1.0 / (1.0 + (-self.parts.weight).exp2());
        let (a, b) = self.ids;
        format!(
            "{a} and {b} are {verdict}; bits for one person, probability of the pair alone {probability:.4}; {}:\n{text}",
            self.model
        )
    }

    /// The same as a picture.
    pub(crate) fn svg(&self) -> String {
        let step = |field: &str, level: &str, bits| Step { field: field.to_owned(), level: level.to_owned(), bits };
        let mut steps = vec![step("prior", "", self.parts.prior)];
        steps.extend(self.parts.fields.iter().map(|(field, level, bits)| step(field.name(), level, *bits)));
        if self.parts.relatives.abs() >= BITS_SHOWN {
            steps.push(step("relatives", "", self.parts.relatives));
        }
        let waterfall = Waterfall {
            record_a: self.ids.0.to_owned(),
            record_b: self.ids.1.to_owned(),
            steps,
            link_threshold: self.threshold,
            review_threshold: None,
            model_version: self.model.clone(),
            together: self.together,
            conflict: None,
            order: None,
        };
        waterfall.svg()
    }
}
