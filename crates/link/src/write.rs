//! The file of clusters.

use std::path::Path;

use rayon::prelude::*;

use crate::LinkError;
use crate::run::Ids;

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
    std::fs::write(path, all).map_err(|source| LinkError::File { path: path.to_owned(), source })
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
