//! Why two records are one person, or are not.

use std::fmt::Write;

use linkage::table::{Linked, Table};

use crate::LinkError;
use crate::run::Ids;

/// The weight of a pair, field by field.
pub(crate) fn text(ids: &Ids, table: &Table, linked: &Linked, a: &str, b: &str) -> Result<String, LinkError> {
    let find = |id: &str| -> Result<u32, LinkError> {
        let found = ids.order.binary_search_by(|number| ids.pool.text(*number).cmp(id));
        found.map(|place| place as u32).map_err(|_| LinkError::NoSuchRecord(id.to_owned()))
    };
    let (left, right) = (find(a)?, find(b)?);
    let parts = linked.parts(table, left, right);
    let mut text = String::new();
    // Writing to a `String` cannot fail.
    let mut line = |name: &str, level: &str, bits: f64| {
        let _ = writeln!(text, "  {name:<16}{level:<12}{bits:>9.2}");
    };
    line("prior", "", parts.prior);
    for (field, level, bits) in &parts.fields {
        line(field.name(), level, *bits);
    }
    line("relatives", "", parts.relatives);
    line("weight", "", parts.weight);
    line("threshold", "", linked.summary.threshold);
    let together = linked.clusters[left as usize] == linked.clusters[right as usize];
    let verdict = if together { "in one cluster" } else { "in two clusters" };
    let probability = 1.0 / (1.0 + (-parts.weight).exp2());
    Ok(format!(
        "{a} and {b} are {verdict}; bits for one person, probability of the pair alone {probability:.4}:\n{text}"
    ))
}
