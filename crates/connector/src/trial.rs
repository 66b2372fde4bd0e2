//! Trying a profile on a file, without a hub: what would be read, what would come of it, what is wrong and where.
//!
//! Nothing is stored and nothing is published. What is known of earlier files is not known here, so every good row counts as
//! new. The file is the caller's own: samples show its values.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use bytes::Bytes;
use domain::{Body, Timestamp, TokenKey};
use futures_util::stream;
use serde::Serialize;
use serde_json::Value;

use crate::columns::Layout;
use crate::content::says;
use crate::error::IngestError;
use crate::feed::{Draft, Feed, RawRow, RowContext, RowError};
use crate::profile::{Encoding, FormatKind, Profile};
use crate::raw::{BodyLimits, Compression, RawStore, StoredBody};
use crate::receipt::NoticeView;
use crate::rows::{COLUMNS_MAX, split};
use crate::told::Told;
use crate::unpack::Members;
use crate::xml::read_element;

/// How much of a file is shown.
#[derive(Clone, Copy, Debug)]
pub struct TrialLimits {
    /// Rows that are shown before and after.
    pub samples: usize,
    /// Complaints that are listed; all are counted.
    pub complaints: usize,
}

/// What came of trying a profile on a file.
#[derive(Debug, Default, Serialize)]
pub struct Trial {
    /// Rows of the file.
    pub rows: u64,
    /// Rows that would become events.
    pub usable: u64,
    /// Rows that would go to quarantine.
    pub quarantined: u64,
    /// Events by type; statements of identity that repeat are counted once a row.
    pub events: BTreeMap<&'static str, u64>,
    /// Complaints by code and column.
    pub reasons: Vec<Tally>,
    /// What is worth knowing about the file as a whole.
    pub notices: Vec<NoticeView>,
    /// The first complaints.
    pub complaints: Vec<Complaint>,
    /// The first rows, before and after.
    pub samples: Vec<Sample>,
}

/// How often one thing is wrong.
#[derive(Debug, Serialize)]
pub struct Tally {
    /// Reason code.
    pub code: &'static str,
    /// Column, in the sender's word.
    pub field: Option<String>,
    /// Rows.
    pub rows: u64,
    /// What the sender does about it.
    pub mend: &'static str,
}

/// What is wrong with a row.
#[derive(Debug, Serialize)]
pub struct Complaint {
    /// Row, from 1.
    pub row: u64,
    /// Line of the file.
    pub line: u64,
    /// Number of the column, from 1, where rows have columns.
    pub column: Option<usize>,
    /// The column's name.
    pub field: Option<String>,
    /// Reason code.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
}

/// A row before and after.
#[derive(Debug, Serialize)]
pub struct Sample {
    /// Row, from 1.
    pub row: u64,
    /// Line of the file.
    pub line: u64,
    /// Columns and what they hold.
    pub before: Vec<(String, String)>,
    /// What becomes of it.
    pub after: Vec<Made>,
    /// Why nothing becomes of it.
    pub failure: Option<String>,
}

/// An event that a row would become.
#[derive(Debug, Serialize)]
pub struct Made {
    /// Its type.
    pub event: &'static str,
    /// The source's id of the record.
    pub record: String,
    /// `UPSERT` or `RETRACT`.
    pub operation: &'static str,
    /// When it happened.
    pub time: String,
    /// What was odd.
    pub flags: Vec<&'static str>,
    /// What it says.
    pub says: Value,
}

/// Reads a file as a push would: unpacked, and within the limits of a body. `scratch` holds it until the result is dropped.
///
/// # Errors
/// When it cannot be read or unpacked.
pub async fn unpacked(profile: &Profile, file: &Path, scratch: &Path) -> Result<StoredBody, IngestError> {
    let mut input = File::open(file)?;
    let mut magic = [0; 4];
    let length = input.read(&mut magic)?;
    let compression = match &magic[..length] {
        [0x1F, 0x8B, ..] => Compression::Gzip,
        [0x28, 0xB5, 0x2F, 0xFD] => Compression::Zstd,
        b"PK\x03\x04" | b"PK\x05\x06" if profile.format.kind != FormatKind::Workbook => Compression::Zip,
        _ => Compression::Plain,
    };
    let input = File::open(file)?;
    let pieces = stream::iter(std::iter::from_fn(move || {
        let mut piece = Vec::with_capacity(1 << 18);
        match (&input).take(1 << 18).read_to_end(&mut piece) {
            Ok(0) => None,
            Ok(_) => Some(Ok(Bytes::from(piece))),
            Err(error) => Some(Err(error)),
        }
    }));
    let store = RawStore::new(scratch.to_owned(), BodyLimits::default()).of_feed(profile);
    store.receive(&profile.feed, compression, Members::of(profile), false, None, pieces).await
}

/// Tries a feed on a plain file.
///
/// # Errors
/// When the file as a whole does not fit the profile, or cannot be read.
pub fn try_out(feed: &dyn Feed, file: &Path, now: Timestamp, limits: TrialLimits) -> Result<Trial, IngestError> {
    let key = TokenKey::from_bytes(&[0; 32]);
    let mut reader = feed.open(Box::new(BufReader::with_capacity(1 << 18, File::open(file)?)))?;
    let layout = reader.layout();
    let context = RowContext { key: &key, ingest_time: now, layout: layout.as_deref() };
    // Keys of objects have no number.
    let in_columns = matches!(feed.profile().format.kind, FormatKind::Delimited | FormatKind::Workbook);
    let columns = context.layout.filter(|_| in_columns);
    let mut trial = Trial::default();
    let mut told = Told::default();
    let mut reasons: BTreeMap<(Option<String>, crate::Reason), u64> = BTreeMap::new();
    while let Some(row) = reader.next_row()? {
        let result = row.read(feed, &context);
        trial.rows += 1;
        if trial.samples.len() < limits.samples {
            trial.samples.push(sample(feed.profile(), &row, context.layout, &result));
        }
        match result {
            Ok(drafts) => {
                trial.usable += 1;
                told.count(&drafts);
                for draft in drafts {
                    *trial.events.entry(draft.body.event_type().name()).or_default() += 1;
                }
            }
            Err(error) => {
                trial.quarantined += 1;
                *reasons.entry((error.field.clone(), error.reason)).or_default() += 1;
                if trial.complaints.len() < limits.complaints {
                    trial.complaints.push(complaint(&row, columns, error));
                }
            }
        }
    }
    trial.notices = reader.notices().into_iter().chain(told.notices()).map(NoticeView::from).collect();
    let tally = |((field, reason), rows): ((Option<String>, crate::Reason), u64)| Tally {
        code: reason.code(),
        field,
        rows,
        mend: reason.mend(),
    };
    trial.reasons = reasons.into_iter().map(tally).collect();
    trial.reasons.sort_by_key(|tally| std::cmp::Reverse(tally.rows));
    Ok(trial)
}

fn complaint(row: &RawRow, columns: Option<&Layout>, error: RowError) -> Complaint {
    let column = columns.zip(error.field.as_deref()).and_then(|(layout, field)| layout.place_of(field));
    Complaint {
        row: row.number,
        line: row.line,
        column: column.map(|place| place + 1),
        field: error.field,
        code: error.reason.code(),
        message: error.message,
    }
}

fn sample(profile: &Profile, row: &RawRow, layout: Option<&Layout>, result: &Result<Vec<Draft>, RowError>) -> Sample {
    let made = |draft: &Draft| Made {
        event: draft.body.event_type().name(),
        record: draft.source_record_id.expose().clone(),
        operation: draft.op.code(),
        time: draft.event_time.to_string(),
        flags: draft.quality_flags.clone(),
        says: stated(&draft.body),
    };
    Sample {
        row: row.number,
        line: row.line,
        before: before(profile, row, layout),
        after: result.as_ref().map_or(Vec::new(), |drafts| drafts.iter().map(made).collect()),
        failure: result.as_ref().err().map(|error| error.message.clone()),
    }
}

/// What a body says, without what it leaves open.
fn stated(body: &Body) -> Value {
    fn stripped(value: Value) -> Option<Value> {
        match value {
            Value::Null => None,
            Value::Array(list) => {
                let list: Vec<Value> = list.into_iter().filter_map(stripped).collect();
                (!list.is_empty()).then_some(Value::Array(list))
            }
            Value::Object(object) => {
                let object: serde_json::Map<_, _> =
                    object.into_iter().filter_map(|(key, value)| Some((key, stripped(value)?))).collect();
                (!object.is_empty()).then_some(Value::Object(object))
            }
            other => Some(other),
        }
    }
    stripped(says(body)).unwrap_or_default()
}

/// The columns of a row and what they hold; a message is one value.
fn before(profile: &Profile, row: &RawRow, layout: Option<&Layout>) -> Vec<(String, String)> {
    let format = &profile.format;
    let encoding = if format.kind == FormatKind::Workbook { Encoding::Utf8 } else { format.encoding };
    let Ok(text) = encoding.decode(row.bytes.expose()) else {
        return vec![("bytes".to_owned(), "they are not text in the encoding of the profile".to_owned())];
    };
    let mut values = Vec::new();
    let labels = layout.map(Layout::labels).unwrap_or_default();
    let label = |place: usize| labels.get(place).cloned().unwrap_or_else(|| format!("column {}", place + 1));
    match format.kind {
        FormatKind::Delimited => {
            let take = |place: usize, value: &str| values.push((label(place), value.to_owned()));
            // A row that cannot be cut shows what could be.
            let _ = split(&text, format.separator, format.quote, COLUMNS_MAX, take);
        }
        FormatKind::Workbook => {
            let cells: Vec<Value> = serde_json::from_str(&text).unwrap_or_default();
            values.extend(cells.iter().enumerate().map(|(place, cell)| (label(place), plain(cell))));
        }
        FormatKind::Ndjson | FormatKind::Json => {
            let object: serde_json::Map<String, Value> = serde_json::from_str(&text).unwrap_or_default();
            values.extend(object.iter().map(|(key, value)| (key.clone(), plain(value))));
        }
        FormatKind::Xml => {
            let _ = read_element(&text, |path, value| values.push((path.to_owned(), value.to_owned())));
        }
        _ => values.extend(
            text.split(['\r', '\n']).filter(|line| !line.is_empty()).map(|line| (String::new(), line.to_owned())),
        ),
    }
    values.retain(|(_, value)| !value.trim().is_empty());
    values
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| if value.is_null() { String::new() } else { value.to_string() }, str::to_owned)
}
