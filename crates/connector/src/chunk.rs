//! Rows in chunks: read and mapped ahead of the loop, on other threads.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::sync::Arc;

use domain::{BatchId, EventType, RecordId, Timestamp, TokenKey};
use rayon::prelude::*;
use store::ingest::Notice;
use tokio::sync::mpsc;
use uuid::Uuid;

use crate::columns::{Field, Layout};
use crate::content::content_of;
use crate::device_order::{self, Devices};
use crate::feed::{BatchError, Draft, DraftRole, Feed, RawRow, RowContext, RowError, StatedVersion};
use crate::mend;
use crate::mending::Mends;
use crate::packed;
use crate::told::Told;

/// Rows of a chunk.
const CHUNK_ROWS: usize = 4_000;
/// Bytes of a chunk: a few long rows are a chunk, too. Drafts of short segments take a hundred times the bytes of their
/// message, and three chunks are in memory at once.
const CHUNK_BYTES: usize = 2 << 20;

/// Where a row stands in the stored body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) row: i64,
    pub(crate) line: i64,
    pub(crate) offset: i64,
    pub(crate) length: i64,
}

/// A row and what it says.
pub(crate) struct MappedRow {
    pub(crate) place: Place,
    pub(crate) result: Result<Vec<MappedDraft>, RowError>,
    /// The quarantined row that it says it mends.
    pub(crate) mends: Option<(BatchId, i64)>,
    /// What it is about, where its drafts do not tell.
    pub(crate) about: Option<(RecordId, StatedVersion)>,
}

/// A draft with what is computed from it alone.
pub(crate) struct MappedDraft {
    pub(crate) draft: Draft,
    pub(crate) record_id: RecordId,
    /// Keyed hash of the content, for drafts of the row's own records.
    pub(crate) content: Uuid,
}

/// Neighbouring rows.
pub(crate) struct Chunk {
    pub(crate) rows: Vec<MappedRow>,
    pub(crate) looked: Looked,
    /// Passes of devices that number them.
    pub(crate) devices: Devices,
}

impl Chunk {
    fn tell(&self, told: &mut Told) {
        for drafts in self.rows.iter().filter_map(|row| row.result.as_ref().ok()) {
            told.count(drafts.iter().map(|mapped| &mapped.draft));
        }
    }

    /// Whether rows of it cannot be used.
    pub(crate) fn has_failures(&self) -> bool {
        self.rows.iter().any(|row| row.result.is_err())
    }
}

/// Fields that were empty in a sample of the rows.
#[derive(Default)]
pub(crate) struct Looked {
    pub(crate) rows: i64,
    pub(crate) empty: BTreeMap<Field, i64>,
}

/// Of so many rows one is looked at.
const LOOK_EVERY: u64 = 50;

/// What the reading thread sends.
pub(crate) enum Read {
    Chunk(Chunk),
    /// All rows were sent.
    End {
        data_start: i64,
        notices: Vec<Notice>,
    },
}

/// As it comes from the reading thread.
pub(crate) type ReadAhead = Result<Read, BatchError>;

/// What a body is read with.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) feed: Arc<dyn Feed>,
    pub(crate) key: TokenKey,
    pub(crate) received_at: Timestamp,
    pub(crate) path: PathBuf,
    /// The failed rows that rows without a mark mend.
    pub(crate) mends: Mends,
}

impl Source {
    /// The same, of a body whose sender said what it mends.
    pub(crate) fn mending(self, mends: Mends) -> Self {
        Self { mends, ..self }
    }

    /// Reads the body from a row on, on a thread of its own. Reading is at most two chunks ahead.
    pub(crate) fn read(self, row_from: i64) -> mpsc::Receiver<ReadAhead> {
        let (sender, receiver) = mpsc::channel(2);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = self.send(row_from, &sender) {
                let _ = sender.blocking_send(Err(error));
            }
        });
        receiver
    }

    /// The stored body.
    pub(crate) fn open(&self) -> std::io::Result<Box<dyn BufRead + Send>> {
        Ok(Box::new(BufReader::with_capacity(1 << 18, packed::open(&self.path)?)))
    }

    fn send(&self, row_from: i64, sender: &mpsc::Sender<ReadAhead>) -> Result<(), BatchError> {
        let mut reader = self.feed.open(self.open()?)?;
        let layout = reader.layout();
        let mut rows = Vec::new();
        let mut bytes = 0;
        let mut told = Told::default();
        while let Some(row) = reader.next_row()? {
            if (row.number as i64) < row_from {
                continue;
            }
            bytes += row.bytes.expose().len();
            rows.push(row);
            if rows.len() >= CHUNK_ROWS || bytes >= CHUNK_BYTES {
                let chunk = self.map(std::mem::take(&mut rows), layout.as_deref());
                chunk.tell(&mut told);
                bytes = 0;
                if sender.blocking_send(Ok(Read::Chunk(chunk))).is_err() {
                    return Ok(());
                }
            }
        }
        if !rows.is_empty() {
            let chunk = self.map(rows, layout.as_deref());
            chunk.tell(&mut told);
            if sender.blocking_send(Ok(Read::Chunk(chunk))).is_err() {
                return Ok(());
            }
        }
        let notices = reader.notices().into_iter().chain(told.notices()).collect();
        let end = Read::End { data_start: reader.data_start() as i64, notices };
        let _ = sender.blocking_send(Ok(end));
        Ok(())
    }

    /// Maps rows on all cores.
    pub(crate) fn map(&self, rows: Vec<RawRow>, layout: Option<&Layout>) -> Chunk {
        let context = RowContext { key: &self.key, ingest_time: self.received_at, layout };
        let looked = self.look(&rows, &context);
        let mut rows: Vec<MappedRow> = rows.into_par_iter().map(|row| self.map_row(row, &context)).collect();
        let gates = self.feed.profile().emit == EventType::GatePass;
        let devices = if gates { device_order::repair(&mut rows) } else { Devices::new() };
        Chunk { rows, looked, devices }
    }

    fn look(&self, rows: &[RawRow], context: &RowContext<'_>) -> Looked {
        let mut looked = Looked::default();
        for row in rows.iter().filter(|row| row.number % LOOK_EVERY == 1 && row.broken.is_none()) {
            let Some(empty) = self.feed.empty_fields(row, context) else { continue };
            looked.rows += 1;
            for field in empty {
                *looked.empty.entry(field).or_default() += 1;
            }
        }
        looked
    }

    fn map_row(&self, row: RawRow, context: &RowContext<'_>) -> MappedRow {
        let place = Place {
            row: row.number as i64,
            line: row.line as i64,
            offset: row.offset as i64,
            length: row.length as i64,
        };
        let mends = mend::reference(row.bytes.expose()).or_else(|| self.mends.get(&place.row).copied());
        let result = row.read(&*self.feed, context);
        let source = &self.feed.profile().source;
        let about = (result.is_err() || self.feed.names_messages()).then(|| self.feed.about(&row, context)).flatten();
        let about = about.map(|about| (self.key.record_id(source, about.source_record_id.expose()), about.version));
        let mapped = |draft: Draft| MappedDraft {
            record_id: self.key.record_id(source, draft.source_record_id.expose()),
            content: match draft.role {
                DraftRole::Record => content_of(&self.key, &draft),
                DraftRole::Sighting => Uuid::nil(),
            },
            draft,
        };
        MappedRow { place, result: result.map(|drafts| drafts.into_iter().map(mapped).collect()), mends, about }
    }
}
