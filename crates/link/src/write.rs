//! The file of clusters.

use std::path::Path;

use linkage::table::{Linked, Table, TableField};
use rayon::prelude::*;

use crate::run::Ids;
use crate::{LinkError, output};

/// Writes `record_id,cluster_id`, in order of record ids; a cluster is named by the first of its record ids.
pub(crate) fn clusters(path: &Path, ids: &Ids, clusters: &[u32]) -> Result<(), LinkError> {
    let places: Vec<u32> = (0..clusters.len() as u32).collect();
    let parts: Vec<Vec<u8>> = places
        .par_chunks(65_536)
        .map(|chunk| {
            let mut text = Vec::with_capacity(chunk.len() * 32);
            for place in chunk {
                field(&mut text, ids.pool.text(ids.order[*place as usize]));
                text.push(b',');
                field(&mut text, ids.pool.text(ids.order[clusters[*place as usize] as usize]));
                text.push(b'\n');
            }
            text
        })
        .collect();
    let mut all = b"record_id,cluster_id\n".to_vec();
    all.reserve(parts.iter().map(Vec::len).sum());
    parts.iter().for_each(|part| all.extend_from_slice(part));
    output::write(path, &all)
}

/// Appends a field, in quotes where it needs them.
pub(crate) fn field(text: &mut Vec<u8>, value: &str) {
    if !value.bytes().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        text.extend_from_slice(value.as_bytes());
        return;
    }
    text.push(b'"');
    for byte in value.bytes() {
        if byte == b'"' {
            text.push(b'"');
        }
        text.push(byte);
    }
    text.push(b'"');
}

/// Writes the weighed pairs, the strongest first: ids, weight and probability, and the bits of the prior, of every
/// field and of what relatives have in common.
pub(crate) fn pairs(path: &Path, ids: &Ids, table: &Table, linked: &Linked) -> Result<(), LinkError> {
    let mut order: Vec<(u32, u32, f32)> = linked.pairs.clone();
    order.par_sort_unstable_by(|x, y| y.2.total_cmp(&x.2).then((x.0, x.1).cmp(&(y.0, y.1))));
    let parts: Vec<Vec<u8>> = order
        .par_chunks(16_384)
        .map(|chunk| {
            let mut text = Vec::with_capacity(chunk.len() * 128);
            for (a, b, weight) in chunk {
                field(&mut text, ids.pool.text(ids.order[*a as usize]));
                text.push(b',');
                field(&mut text, ids.pool.text(ids.order[*b as usize]));
                let parts = linked.parts(table, *a, *b);
                let probability = 1.0 / (1.0 + f64::from(-*weight).exp2());
                text.extend_from_slice(format!(",{weight:.3},{probability:.6},{:.3}", parts.prior).as_bytes());
                for field in TableField::ALL {
                    text.push(b',');
                    if let Some((_, _, bits)) = parts.fields.iter().find(|(other, _, _)| *other == field) {
                        text.extend_from_slice(format!("{bits:.3}").as_bytes());
                    }
                }
                text.extend_from_slice(format!(",{:.3}\n", parts.relatives).as_bytes());
            }
            text
        })
        .collect();
    let names: Vec<&str> = TableField::ALL.iter().map(|field| field.name()).collect();
    let mut all =
        format!("record_id_a,record_id_b,weight,probability,prior,{},relatives\n", names.join(",")).into_bytes();
    parts.iter().for_each(|part| all.extend_from_slice(part));
    output::write(path, &all)
}
