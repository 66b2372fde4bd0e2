//! What the routes of the quarantine read and answer.

use connector::{Change, FailedRow, FieldChange, Replayed, Reprocessed};
use domain::{BatchId, Sensitive};
use serde::{Deserialize, Serialize};
use store::quarantine::HeldRow;
use utoipa::ToSchema;

use super::desk::{Choice, DeskError, Order};

/// Open rows of one feed with one reason.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HeldCountView {
    /// The feed.
    pub(super) feed: String,
    /// Reason code; `GET /v1/reasons` explains it.
    pub(super) code: String,
    /// How many rows.
    pub(super) rows: i64,
    /// When the oldest of them came (RFC 3339).
    pub(super) oldest: String,
}

/// How many rows are open.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CountsView {
    /// By feed and reason, the most first.
    pub(super) counts: Vec<HeldCountView>,
}

/// A row in quarantine, without its bytes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HeldView {
    /// The feed.
    pub(super) feed: String,
    /// The batch.
    pub(super) batch_id: String,
    /// Row of the batch, from 1.
    pub(super) row: i64,
    /// Line of the file.
    pub(super) line: i64,
    /// Column, in the sender's word.
    pub(super) field: Option<String>,
    /// Reason code.
    pub(super) code: String,
    /// What is wrong.
    pub(super) message: String,
    /// What is wrong and how to mend it, in Chinese.
    pub(super) message_zh: String,
    /// `open`; `resent`: it came again and fails still; `mended` by the sender; `replayed` or `discarded` by an operator.
    pub(super) state: String,
    /// Why an operator replayed or discarded it.
    pub(super) reason: Option<String>,
    /// When the batch came (RFC 3339).
    pub(super) received_at: String,
}

impl From<&HeldRow> for HeldView {
    fn from(held: &HeldRow) -> Self {
        Self {
            feed: held.feed.clone(),
            batch_id: held.batch_id().to_string(),
            row: held.row.row,
            line: held.row.line,
            field: held.row.field.clone(),
            code: held.row.code.clone(),
            message: held.row.message.clone(),
            message_zh: FailedRow::from(held.row.clone()).message_zh,
            state: held.state.clone(),
            reason: held.reason.clone(),
            received_at: held.received_at().to_string(),
        }
    }
}

/// A page of rows.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct HeldPage {
    /// Rows in the order of arrival.
    pub(super) rows: Vec<HeldView>,
    /// `after` of the next page, when there may be one.
    pub(super) next: Option<String>,
}

/// A row in quarantine with its bytes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ShownView {
    /// The row.
    #[serde(flatten)]
    pub(super) row: HeldView,
    /// Its bytes as they were sent, base 64; `null` when the body is not there any more.
    pub(super) bytes: Option<String>,
}

/// Which rows an operator acts on, and why.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OrderBody {
    /// The feed.
    pub(super) feed: String,
    /// Only rows with this reason code.
    pub(super) code: Option<String>,
    /// Only rows of this batch.
    #[schema(value_type = Option<uuid::Uuid>)]
    pub(super) batch_id: Option<BatchId>,
    /// Only this row of the batch.
    pub(super) row: Option<i64>,
    /// Only rows of batches that came at least so many days ago.
    pub(super) older_than_days: Option<u32>,
    /// Why; receipts say it to the sender, so no name of a person.
    pub(super) reason: String,
}

impl OrderBody {
    pub(super) fn order(self) -> Result<Order, DeskError> {
        let choice = Choice {
            feed: Some(self.feed),
            code: self.code,
            batch_id: self.batch_id,
            row: self.row,
            older_than_days: self.older_than_days,
            all: false,
        };
        Order::new(choice, &self.reason)
    }
}

/// Which feed is read again.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReprocessBody {
    /// The feed.
    pub(super) feed: String,
    /// Only say what would change.
    pub(super) preview: bool,
    /// Of a preview: show so many of the first changes, and which fields they are about.
    #[serde(default)]
    pub(super) rows: u16,
    /// With the values of the fields, before and after; the access log counts them.
    #[serde(default)]
    pub(super) values: bool,
    /// Why; receipts say it to the sender. A preview needs none.
    #[serde(default)]
    pub(super) reason: String,
}

/// What became of rows that were read again.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReplayedView {
    /// New, and published.
    pub(super) accepted: i64,
    /// Published before.
    pub(super) duplicate: i64,
    /// Overtaken by a newer version.
    pub(super) superseded: i64,
    /// They fail again.
    pub(super) quarantined: i64,
    /// Their bytes are not there any more.
    pub(super) gone: i64,
    /// Events appended to the log.
    pub(super) events: i64,
}

impl From<Replayed> for ReplayedView {
    fn from(done: Replayed) -> Self {
        let Replayed { accepted, duplicate, superseded, quarantined, gone, events } = done;
        Self { accepted, duplicate, superseded, quarantined, gone, events }
    }
}

/// How many rows are given up.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct DiscardedView {
    /// Rows.
    pub(super) rows: u64,
}

/// What reading a feed again changed, or would change.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ReprocessedView {
    /// Nothing was done.
    pub(super) preview: bool,
    /// Batches that were read.
    pub(super) batches: u64,
    /// Batches that keep what they said: the body is gone, or does not fit the profile as a whole.
    pub(super) kept_batches: u64,
    /// Rows that were read.
    pub(super) rows: i64,
    /// Rows that could not be used before.
    pub(super) quarantined_before: i64,
    /// Rows that cannot be used now.
    pub(super) quarantined: i64,
    /// Statements that say something else.
    pub(super) changed: u64,
    /// Statements that were not there.
    pub(super) appeared: u64,
    /// Statements that are not there any more.
    pub(super) vanished: u64,
    /// Events that were published.
    pub(super) events: u64,
    /// Of a preview: the first changes, in the order of arrival.
    pub(super) changes: Vec<RowChangeView>,
}

/// A statement that says something else.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RowChangeView {
    /// `changed`, `new` or `gone`.
    pub(super) kind: &'static str,
    /// Batch of the row that says it now, or said it.
    #[schema(value_type = uuid::Uuid)]
    pub(super) batch_id: BatchId,
    /// That row.
    pub(super) row: i64,
    /// Type of the event.
    pub(super) event: &'static str,
    /// The fields that differ.
    pub(super) fields: Vec<RowFieldView>,
}

/// A field that differs; its values only when they were asked for.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RowFieldView {
    /// Its place in the event.
    pub(super) field: String,
    /// What it said.
    pub(super) before: Option<String>,
    /// What it says.
    pub(super) after: Option<String>,
}

impl From<Change> for RowChangeView {
    fn from(change: Change) -> Self {
        let Change { kind, batch_id, row, event, fields, .. } = change;
        Self { kind: kind.code(), batch_id, row, event, fields: fields.into_iter().map(RowFieldView::from).collect() }
    }
}

impl From<FieldChange> for RowFieldView {
    fn from(change: FieldChange) -> Self {
        let told = |value: Option<Sensitive<String>>| value.map(Sensitive::into_exposed);
        Self { field: change.field, before: told(change.before), after: told(change.after) }
    }
}

impl ReprocessedView {
    pub(super) fn of(done: &Reprocessed, changes: Vec<Change>, preview: bool) -> Self {
        Self {
            preview,
            batches: done.batches,
            kept_batches: done.kept_batches,
            rows: done.rows,
            quarantined_before: done.quarantined_before,
            quarantined: done.quarantined,
            changed: done.changed,
            appeared: done.appeared,
            vanished: done.vanished,
            events: done.events,
            changes: changes.into_iter().map(RowChangeView::from).collect(),
        }
    }
}
