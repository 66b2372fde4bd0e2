//! Bodies that are pushed as the mended rows of a batch: which of their rows mends which failed row.
//!
//! A row that still carries its mark ([`crate::mend`]) says it itself. The others are compared with the file of failed
//! rows as the hub gives it, now or when the batch was read: the first of them mends the first failed row of it that no mark
//! names, and so on. That is sure only if there are as many of them, so another number is refused, and nothing is guessed. It
//! is decided once, when the body comes, and kept with it.

use std::collections::HashSet;
use std::io::{BufReader, ErrorKind};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use domain::{BatchId, FeedId};
use futures_util::Stream;
use rustc_hash::FxHashMap;
use store::ingest::{self, Batch, BatchState};
use store::{mending, quarantine};

use crate::error::IngestError;
use crate::feed::Feed;
use crate::ingest::{Core, Ingest, Line, new_batch};
use crate::mend;
use crate::packed;
use crate::profile::FormatKind;
use crate::raw::{Compression, StoredBody};
use crate::reason::Reason;
use crate::unpack::Members;

/// The failed rows that rows of a body mend, by row.
pub(crate) type Mends = Arc<FxHashMap<i64, (BatchId, i64)>>;

/// Row and mended row.
pub(crate) type Pairs = Vec<(i64, i64)>;

impl Ingest {
    /// Stores a body durably and puts it on record, without reading it yet; true when it was read to its end before. With
    /// `mends` its rows are the mended rows of that batch.
    ///
    /// # Errors
    /// As [`Ingest::push`].
    pub async fn accept_mending<E>(
        &self,
        feed: &FeedId,
        mends: Option<BatchId>,
        compression: Compression,
        declared_bytes: Option<u64>,
        body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<(Batch, bool), IngestError> {
        let (id, line) = self.core.lines.get_key_value(feed).ok_or(IngestError::UnknownFeed)?;
        let _arriving = line.arrive()?;
        let members = Members::of(line.feed.profile());
        let stored = line.raw.receive(id, compression, members, true, declared_bytes, body).await?;
        let batch = new_batch(line.feed.profile(), &stored, (self.core.clock)());
        let known = self.find_batch(feed, batch.batch_id).await?;
        // What is known already keeps what was decided of it.
        let is_new = known.is_none_or(|known| matches!(known.state, BatchState::Refused { .. }));
        let pairs = match mends.filter(|_| is_new) {
            Some(mends) => Some((mends, self.core.match_rows(id, line, mends, &stored).await?)),
            None => None,
        };
        let mut tx = self.core.store.begin("ingest-accept").await?;
        self.core.register(&mut tx, line).await?;
        let batch = ingest::begin_batch(&mut tx, &batch).await?;
        if let Some((mends, pairs)) = pairs {
            mending::insert(&mut tx, batch.batch_id, mends, &pairs).await?;
        }
        tx.commit().await?;
        let repeated = batch.state == BatchState::Done;
        Ok((batch, repeated))
    }
}

impl Core {
    /// What was decided of a body when it came.
    pub(crate) async fn mends_of(&self, conn: &mut store::Conn, batch: &Batch) -> Result<Mends, IngestError> {
        Ok(Arc::new(mending::list(conn, batch.batch_id).await?.into_iter().collect()))
    }

    /// Which failed rows of `mends` the rows of a stored body mend.
    pub(crate) async fn match_rows(
        &self,
        feed: &FeedId,
        line: &Line,
        mends: BatchId,
        stored: &StoredBody,
    ) -> Result<Pairs, IngestError> {
        let mut conn = self.store.acquire().await?;
        let found = ingest::find_batch(&mut conn, mends).await?;
        let found = found.filter(|found| found.feed == feed.as_str() && found.state == BatchState::Done);
        let Some(found) = found else {
            return Err(IngestError::refused(Reason::MendsUnknown, format!("the feed has no finished batch {mends}")));
        };
        let failed = quarantine::list_failed_rows(&mut conn, mends).await?;
        drop(conn);
        let (source, body) = (Arc::clone(&line.feed), stored.path.clone());
        let origin = self.raw.path(feed, &found.sha256);
        let work = move || {
            let still = failed.iter().filter(|(_, still)| *still).map(|(row, _)| *row).collect();
            let ever = failed.iter().map(|(row, _)| *row).collect();
            let listed = |failed| {
                listed(&*source, &origin, failed).map_err(|error| match error {
                    IngestError::Raw(error) if error.kind() == ErrorKind::NotFound => {
                        IngestError::refused(Reason::MendsUnknown, format!("the stored file of batch {mends} is gone"))
                    }
                    other => other,
                })
            };
            pair(&*source, &body, mends, [listed(still)?, listed(ever)?])
        };
        tokio::task::spawn_blocking(work).await.map_err(|_| IngestError::Stopped)?
    }
}

/// The same as looked up by row.
pub(crate) fn named(mends: BatchId, pairs: Pairs) -> Mends {
    Arc::new(pairs.into_iter().map(|(row, mended)| (row, (mends, mended))).collect())
}

/// A row of the file of failed rows: its number in the batch, and whether it failed. Where rows share their bytes, those
/// beside a failed one are in the file, too.
struct Listed {
    row: i64,
    failed: bool,
}

fn listed(feed: &dyn Feed, origin: &Path, failed: Vec<i64>) -> Result<Vec<Listed>, IngestError> {
    if feed.profile().format.kind != FormatKind::Edifact {
        return Ok(failed.into_iter().map(|row| Listed { row, failed: true }).collect());
    }
    let failed: HashSet<i64> = failed.into_iter().collect();
    let mut rows = feed.open(Box::new(BufReader::new(packed::open(origin)?)))?;
    let (mut listed, mut stretch): (Vec<Listed>, (u64, usize)) = (Vec::new(), (u64::MAX, 0));
    let keep = |listed: &mut Vec<Listed>, from: usize| {
        if listed[from..].iter().all(|row| !row.failed) {
            listed.truncate(from);
        }
    };
    while let Some(row) = rows.next_row()? {
        if row.offset != stretch.0 {
            keep(&mut listed, stretch.1);
            stretch = (row.offset, listed.len());
        }
        let row = row.number as i64;
        listed.push(Listed { row, failed: failed.contains(&row) });
    }
    keep(&mut listed, stretch.1);
    Ok(listed)
}

/// Lays rows beside the file of failed rows: as it is now, or as it was before later rows closed some of it.
fn pair(feed: &dyn Feed, body: &Path, mends: BatchId, files: [Vec<Listed>; 2]) -> Result<Pairs, IngestError> {
    let mut rows = feed.open(Box::new(BufReader::new(packed::open(body)?)))?;
    let (mut unmarked, mut marked) = (Vec::new(), HashSet::new());
    while let Some(row) = rows.next_row()? {
        match mend::reference(row.bytes.expose()) {
            Some((batch_id, number)) if batch_id == mends => drop(marked.insert(number)),
            Some(_) => {}
            None => unmarked.push(row.number as i64),
        }
    }
    if unmarked.is_empty() {
        return Ok(Vec::new());
    }
    let mut left = files.map(|mut file| {
        file.retain(|row| !marked.contains(&row.row));
        file
    });
    let Some(fits) = left.iter_mut().find(|left| left.len() == unmarked.len()) else {
        let message = format!(
            "{} rows carry no mark, and the file of failed rows of batch {mends} has {} that no mark names",
            unmarked.len(),
            left[0].len()
        );
        return Err(IngestError::refused(Reason::MendsUneven, message));
    };
    let pairs = unmarked.into_iter().zip(std::mem::take(fits));
    Ok(pairs.filter(|(_, row)| row.failed).map(|(row, mended)| (row, mended.row)).collect())
}
