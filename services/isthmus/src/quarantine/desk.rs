//! What operators do about rows that could not be used, the same for the command line and for HTTP.
//!
//! Who looks at the bytes of a row, or changes anything, is on record in the ledger first; otherwise nothing is told or done.

use std::sync::Arc;

use connector::{Change, Ingest, IngestError, Reason, Replayed, Reprocessed};
use domain::{BatchId, FeedId};
use ledger::{Code, EntryError, Receipt, Released};
use store::Store;
use store::ingest::Origin;
use store::quarantine::{self, HeldCount, HeldRow, Selection};

use crate::hub::now;
use crate::on_record::{self, OnRecord};

const DAY_MS: i64 = 86_400_000;

/// What an operator works with.
pub(crate) struct Desk {
    pub(crate) store: Store,
    pub(crate) ingest: Arc<Ingest>,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DeskError {
    /// What was asked makes no sense.
    #[error("{0}")]
    Wrong(String),
    /// There is no such row in quarantine, and never was.
    #[error("row {row} of batch {batch} never failed")]
    NeverFailed { batch: BatchId, row: i64 },
    /// It cannot be put on record.
    #[error("nothing is told or done")]
    NotOnRecord(#[source] anyhow::Error),
    /// A word does not fit into the access log.
    #[error("it cannot stand in the access log")]
    Word(#[from] EntryError),
    /// A part of the hub is away.
    #[error("not everything was done")]
    Ingest(#[from] IngestError),
    /// The database is away.
    #[error("the database cannot be read or written")]
    Store(#[from] store::Error),
}

/// Which rows, as an operator says it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Choice {
    pub(crate) feed: Option<String>,
    pub(crate) code: Option<String>,
    pub(crate) batch_id: Option<BatchId>,
    pub(crate) row: Option<i64>,
    pub(crate) older_than_days: Option<u32>,
    pub(crate) all: bool,
}

impl Choice {
    /// The same as the store has it.
    pub(crate) fn selection(self) -> Result<Selection, DeskError> {
        if let Some(code) = self.code.as_ref().filter(|code| Reason::from_code(code).is_none()) {
            return Err(DeskError::Wrong(format!(
                "there is no reason {code}; GET /v1/reasons and docs/errors.md list them"
            )));
        }
        if self.row.is_some() && self.batch_id.is_none() {
            return Err(DeskError::Wrong("a row is a row of a batch: name the batch, too".to_owned()));
        }
        Ok(Selection {
            feed: self.feed,
            code: self.code,
            batch_id: self.batch_id,
            row: self.row,
            before: self.older_than_days.map(|days| now().plus_millis(-i64::from(days) * DAY_MS)),
            all: self.all,
        })
    }
}

/// Which rows are to be changed, and why.
pub(crate) struct Order {
    feed: FeedId,
    selection: Selection,
    reason: String,
}

impl Order {
    /// Checks what an operator wishes to be done.
    pub(crate) fn new(choice: Choice, reason: &str) -> Result<Self, DeskError> {
        let feed = feed_id(choice.feed.as_deref().unwrap_or_default())?;
        Ok(Self { feed, selection: choice.selection()?, reason: checked_reason(reason)? })
    }
}

/// The feed of this name.
pub(crate) fn feed_id(name: &str) -> Result<FeedId, DeskError> {
    FeedId::parse(name).ok_or_else(|| DeskError::Wrong("a feed's name has 2 to 64 of a-z, 0-9 and -".to_owned()))
}

fn checked_reason(reason: &str) -> Result<String, DeskError> {
    on_record::reason(reason).map_err(DeskError::Wrong)
}

/// What of the changes of a preview is shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    /// So many of the first changes.
    pub(crate) rows: usize,
    /// With the values of the fields, before and after.
    pub(crate) values: bool,
}

/// What a preview gives: counts, and a sample of the changes.
pub(crate) type Previewed = (Reprocessed, Vec<Change>);

/// A quarantined row with its bytes; `None` when they are not on this machine any more.
pub(crate) struct Shown {
    pub(crate) held: HeldRow,
    pub(crate) bytes: Option<Vec<u8>>,
}

impl Desk {
    /// How many rows are open, by feed and reason.
    pub(crate) async fn counts(&self, selection: &Selection) -> Result<Vec<HeldCount>, DeskError> {
        let mut conn = self.store.acquire().await?;
        Ok(quarantine::count_open(&mut conn, selection).await?)
    }

    /// Rows in the order of arrival, after one of them.
    pub(crate) async fn rows(
        &self,
        selection: &Selection,
        after: Origin,
        limit: i64,
    ) -> Result<Vec<HeldRow>, DeskError> {
        let mut conn = self.store.acquire().await?;
        Ok(quarantine::list(&mut conn, selection, after, limit).await?)
    }

    /// A row with its bytes, and the receipt of the look.
    pub(crate) async fn show(
        &self,
        record: &OnRecord,
        batch: BatchId,
        row: i64,
    ) -> Result<(Shown, Receipt), DeskError> {
        let selection = Selection { batch_id: Some(batch), row: Some(row), all: true, ..Selection::default() };
        let held = self.rows(&selection, Origin { arrival: 0, row: 0 }, 1).await?.into_iter().next();
        let held = held.ok_or(DeskError::NeverFailed { batch, row })?;
        let bytes = self.ingest.row_bytes(&feed_id(&held.feed)?, &held).await?;
        let released = Released { groups: vec![Code::parse("raw-row")?], count: 1, ..Released::default() };
        record.give("quarantine.read", released, Shown { held, bytes }).await.map_err(DeskError::NotOnRecord)
    }

    /// Reads open rows again with the profile of now.
    pub(crate) async fn replay(&self, record: &OnRecord, order: Order) -> Result<(Replayed, Receipt), DeskError> {
        let receipt = self.note(record, "quarantine.replay", &order.feed).await?;
        let (ingest, Order { feed, selection, reason }) = (Arc::clone(&self.ingest), order);
        let replayed = to_its_end(async move { ingest.replay(&feed, &selection, &reason).await }).await?;
        Ok((replayed, receipt))
    }

    /// Notes that open rows are not to be mended. Returns how many it were.
    pub(crate) async fn discard(&self, record: &OnRecord, order: Order) -> Result<(u64, Receipt), DeskError> {
        let receipt = self.note(record, "quarantine.discard", &order.feed).await?;
        let mut conn = self.store.acquire().await?;
        Ok((quarantine::discard(&mut conn, &order.selection, &order.reason, now()).await?, receipt))
    }

    /// Says what reading a feed again would change. Values are rows of people: they are on record before they are told.
    pub(crate) async fn preview(
        &self,
        record: &OnRecord,
        feed: FeedId,
        sample: Sample,
    ) -> Result<(Previewed, Receipt), DeskError> {
        let receipt = self.note(record, "feed.preview", &feed).await?;
        let groups = vec![Code::parse(feed.as_str())?, Code::parse("raw-row")?];
        let ingest = Arc::clone(&self.ingest);
        let (done, mut changes) = to_its_end(async move { ingest.preview(&feed, sample.rows).await }).await?;
        if sample.values {
            let count = changes.len() as u64;
            let released = Released { groups, count, ..Released::default() };
            let given = record.give("feed.preview", released, (done, changes)).await;
            return given.map_err(DeskError::NotOnRecord);
        }
        for field in changes.iter_mut().flat_map(|change| &mut change.fields) {
            (field.before, field.after) = (None, None);
        }
        Ok(((done, changes), receipt))
    }

    /// Reads all that a feed ever sent again, and publishes the differences.
    pub(crate) async fn reprocess(
        &self,
        record: &OnRecord,
        feed: FeedId,
        reason: &str,
    ) -> Result<(Reprocessed, Receipt), DeskError> {
        let reason = checked_reason(reason)?;
        let receipt = self.note(record, "feed.reprocess", &feed).await?;
        let ingest = Arc::clone(&self.ingest);
        Ok((to_its_end(async move { ingest.reprocess(&feed, false, &reason).await }).await?, receipt))
    }

    /// Puts an act on record before it is done.
    async fn note(&self, record: &OnRecord, action: &str, feed: &FeedId) -> Result<Receipt, DeskError> {
        if self.ingest.profile(feed).is_none() {
            return Err(IngestError::UnknownFeed.into());
        }
        let released = Released { groups: vec![Code::parse(feed.as_str())?], ..Released::default() };
        let ((), receipt) = record.give(action, released, ()).await.map_err(DeskError::NotOnRecord)?;
        Ok(receipt)
    }
}

/// Work that goes on when the one who asked for it goes away.
async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, IngestError>> + Send + 'static,
) -> Result<T, IngestError> {
    tokio::spawn(work).await.map_err(|_| IngestError::Stopped)?
}
