//! What pushing a body would do: read and decided as if it came last, and nothing of it kept.

use bytes::Bytes;
use domain::{BatchId, FeedId};
use futures_util::Stream;
use store::ingest::Batch;
use store::receipts;

use crate::chunk::Read;
use crate::decide::records_of;
use crate::error::IngestError;
use crate::ingest::{Core, Ingest, Line, new_batch};
use crate::known::Known;
use crate::mending::{Mends, named};
use crate::raw::{Compression, StoredBody};
use crate::receipt::{DryRun, NoticeView};
use crate::unpack::Members;

/// Records remembered; beyond it, repeats within the file are no longer told apart.
const RECORDS_MAX: usize = 1_000_000;
/// Failed rows, and stretches of rows, that are listed.
const ROWS_MAX: usize = 1_000;

impl Ingest {
    /// Says what pushing a body would do, and does nothing.
    ///
    /// # Errors
    /// As [`Ingest::push`].
    pub async fn dry_run<E>(
        &self,
        feed: &FeedId,
        mends: Option<BatchId>,
        compression: Compression,
        declared_bytes: Option<u64>,
        body: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<DryRun, IngestError> {
        let (id, line) = self.core.lines.get_key_value(feed).ok_or(IngestError::UnknownFeed)?;
        let _arriving = line.arrive()?;
        let members = Members::of(line.feed.profile());
        let stored = line.raw.receive(id, compression, members, false, declared_bytes, body).await?;
        let mends = match mends {
            Some(mends) => named(mends, self.core.match_rows(id, line, mends, &stored).await?),
            None => Mends::default(),
        };
        self.core.dry_run(line, new_batch(line.feed.profile(), &stored, (self.core.clock)()), stored, mends).await
    }
}

impl Core {
    async fn dry_run(
        &self,
        line: &Line,
        batch: Batch,
        stored: StoredBody,
        mends: Mends,
    ) -> Result<DryRun, IngestError> {
        // It would come after everything that came.
        let batch = Batch { arrival: i64::from(i32::MAX), ..batch };
        let mut chunks = self.source(line, batch.received_at, stored.path.clone()).mending(mends).read(1);
        let mut known = Known::default();
        let mut run = DryRun::of(&batch);
        while let Some(read) = chunks.recv().await {
            match read? {
                Read::Chunk(chunk) => {
                    if known.records() > RECORDS_MAX {
                        known = Known::default();
                    }
                    let unknown =
                        records_of(&chunk).into_iter().filter(|record| !known.has(*record)).collect::<Vec<_>>();
                    let mut conn = self.store.acquire().await?;
                    known.add(store::seen::find_seen(&mut conn, &unknown).await?);
                    let mended = self.mended(&mut conn, line, &chunk).await?;
                    drop(conn);
                    let decided = self.decide(line, &batch, chunk, (&mended, false), &mut known);
                    run.add(&decided.progress, ROWS_MAX);
                }
                Read::End { notices, .. } => {
                    run.notices = notices.into_iter().map(NoticeView::from).collect();
                    let mut conn = self.store.acquire().await?;
                    let known = receipts::list_arrivals(&mut conn, &run.arrivals()).await?;
                    run.name_batches(&batch, &known);
                    return Ok(run);
                }
            }
        }
        Err(IngestError::Stopped)
    }
}
