//! Parquet files, read row by row.

use std::path::Path;

use bytes::Bytes;
use linkage::table::TextPool;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;

use crate::LinkError;
use crate::cells::{File, Meaning, Part};
use crate::csv::meanings;

/// Records of a part.
const PART_RECORDS: usize = 65_536;

/// Parses the bytes of a file.
pub(crate) fn parse(path: &Path, bytes: Vec<u8>) -> Result<File, LinkError> {
    let failed = |reason| LinkError::Parquet { path: path.to_owned(), reason };
    let reader = SerializedFileReader::new(Bytes::from(bytes)).map_err(failed)?;
    let schema = reader.metadata().file_metadata().schema_descr().root_schema();
    let header: Vec<String> = schema.get_fields().iter().map(|field| field.name().to_owned()).collect();
    let meanings = meanings(path, &header)?;
    let mut columns = Vec::new();
    let mut unused = Vec::new();
    for (heading, meaning) in header.iter().zip(&meanings) {
        match meaning {
            Meaning::States(column) => columns.push(*column),
            Meaning::Other => unused.push(heading.clone()),
            Meaning::RecordId => {}
        }
    }
    let empty = || Part { columns: columns.iter().map(|_| (TextPool::new(), Vec::new())).collect(), ..Part::default() };
    let mut parts = vec![empty()];
    for (number, row) in reader.get_row_iter(None).map_err(failed)?.enumerate() {
        let row = row.map_err(failed)?;
        if parts.last().is_some_and(|part| part.id_ends.len() >= PART_RECORDS) {
            parts.push(empty());
        }
        let Some(part) = parts.last_mut() else { break };
        let start = part.ids.len();
        let mut column = 0;
        for ((_, field), meaning) in row.get_column_iter().zip(&meanings) {
            match meaning {
                Meaning::RecordId => part.ids.push_str(plain(field).trim()),
                Meaning::States(_) => {
                    let (pool, cells) = &mut part.columns[column];
                    cells.push(pool.intern(plain(field).trim()));
                    column += 1;
                }
                Meaning::Other => {}
            }
        }
        if part.ids.len() == start {
            for (_, cells) in &mut part.columns {
                cells.pop();
            }
            part.bad.push((number as u64 + 1, "the record id is empty".to_owned()));
            continue;
        }
        part.id_ends.push(part.ids.len() as u32);
        part.lines.push(number as u32 + 1);
    }
    Ok(File { columns, unused, parts, format: "Parquet".to_owned(), unit: "row" })
}

/// A value as text; nothing for a null.
fn plain(field: &Field) -> String {
    match field {
        Field::Null => String::new(),
        Field::Str(text) => text.clone(),
        Field::Bytes(bytes) => String::from_utf8_lossy(bytes.data()).into_owned(),
        // A whole number that was stored as a fraction, because the column has gaps.
        Field::Double(number) if number.fract() == 0.0 => format!("{number:.0}"),
        other => other.to_string().trim_matches('"').to_owned(),
    }
}
