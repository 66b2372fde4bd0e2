//! Receipts as senders get them.

use domain::BatchId;
use serde::Serialize;
use store::ingest::{Batch, BatchState, Notice, Origin, Progress, QuarantinedRow};
use store::receipts::{FailureRow, RunRow};
use store::runs::{Run, overtake};
use utoipa::ToSchema;

use crate::chinese;
use crate::reason::Reason;

/// What became of a batch. `rows = accepted + duplicate + superseded + quarantined`, always.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Receipt {
    /// The batch: derived from the feed and the bytes, so the same file is the same batch.
    #[schema(value_type = uuid::Uuid)]
    pub batch_id: BatchId,
    /// Its feed.
    pub feed: String,
    /// `processing`, `done` or `refused`.
    pub state: &'static str,
    /// The version of the feed's profile that read it.
    pub profile_version: String,
    /// When the body was complete (RFC 3339).
    pub received_at: String,
    /// When the last row had its outcome.
    pub finished_at: Option<String>,
    /// Bytes of the plain body.
    pub bytes: i64,
    /// SHA-256 of the plain body, in hexadecimal digits.
    pub sha256: String,
    /// Rows with an outcome so far.
    pub rows: i64,
    /// New, and published.
    pub accepted: i64,
    /// Published before with the same content.
    pub duplicate: i64,
    /// Overtaken by a newer version.
    pub superseded: i64,
    /// Cannot be used; the rest of the receipt says where to read why.
    pub quarantined: i64,
    /// Events in the log that came of the rows.
    pub events: i64,
    /// The same body had been read before; this is its receipt, and nothing was done.
    pub repeated: bool,
    /// What is worth knowing about the file as a whole.
    pub notices: Vec<NoticeView>,
    /// Why the body as a whole was refused.
    pub refusal: Option<Refusal>,
    /// Where to read on.
    pub links: Links,
}

/// Something worth knowing about a file as a whole. It is no fault of a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct NoticeView {
    /// Stable code, such as `columns-unknown`.
    pub code: String,
    /// What it is.
    pub message: String,
    /// The columns that it is about; of a renamed one, the name before and the guess of the name now.
    pub columns: Vec<String>,
}

impl From<Notice> for NoticeView {
    fn from(notice: Notice) -> Self {
        Self { code: notice.code, message: notice.message, columns: notice.columns }
    }
}

/// Why a body was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Refusal {
    /// Reason code.
    pub code: String,
    /// What was expected and what was found.
    pub message: String,
    /// The same and how to mend it, in Chinese.
    pub message_zh: String,
}

impl Refusal {
    fn of(code: &str, message: &str) -> Self {
        let told = |reason| chinese::message(reason, message);
        let message_zh = Reason::from_code(code).map(told).unwrap_or_default();
        Self { code: code.to_owned(), message: message.to_owned(), message_zh }
    }
}

/// Where to read on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Links {
    /// This receipt.
    #[serde(rename = "self")]
    pub receipt: String,
    /// Rows by outcome.
    pub rows: String,
    /// Quarantined rows with line, field, reason and message.
    pub quarantined: Option<String>,
    /// The quarantined rows as a file of the original form, to be mended and pushed again.
    pub quarantined_file: Option<String>,
}

impl Receipt {
    /// The receipt of a batch as it stands.
    pub fn of(batch: &Batch, repeated: bool) -> Self {
        let here = format!("/v1/feeds/{}/batches/{}", batch.feed, batch.batch_id);
        let failed = batch.counts.quarantined > 0;
        let (state, refusal) = match &batch.state {
            BatchState::Processing => ("processing", None),
            BatchState::Done => ("done", None),
            BatchState::Refused { code, message } => ("refused", Some(Refusal::of(code, message))),
        };
        Self {
            batch_id: batch.batch_id,
            feed: batch.feed.clone(),
            state,
            profile_version: batch.profile_version.clone(),
            received_at: batch.received_at.to_string(),
            finished_at: batch.finished_at.map(|at| at.to_string()),
            bytes: batch.bytes,
            sha256: crate::who::hex(&batch.sha256),
            rows: batch.counts.rows(),
            accepted: batch.counts.accepted,
            duplicate: batch.counts.duplicate,
            superseded: batch.counts.superseded,
            quarantined: batch.counts.quarantined,
            events: batch.counts.events,
            repeated,
            notices: batch.notices.iter().cloned().map(NoticeView::from).collect(),
            refusal,
            links: Links {
                rows: format!("{here}/rows"),
                quarantined: failed.then(|| format!("{here}/rows?outcome=quarantined")),
                quarantined_file: failed.then(|| format!("{here}/quarantined")),
                receipt: here,
            },
        }
    }
}

/// What pushing a body would do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DryRun {
    /// The batch that it would be.
    #[schema(value_type = uuid::Uuid)]
    pub batch_id: BatchId,
    /// Its feed.
    pub feed: String,
    /// Always `dry-run`: nothing was stored or published.
    pub state: &'static str,
    /// Rows.
    pub rows: i64,
    /// Rows that would be published.
    pub accepted: i64,
    /// Rows that were published before.
    pub duplicate: i64,
    /// Rows that are overtaken.
    pub superseded: i64,
    /// Rows that cannot be used.
    pub quarantined: i64,
    /// Events that would be published.
    pub events: i64,
    /// What is worth knowing about the file as a whole.
    pub notices: Vec<NoticeView>,
    /// The first 1,000 rows that cannot be used.
    pub failures: Vec<FailedRow>,
    /// What would become of the rows, in stretches; the first 1,000.
    pub runs: Vec<RunView>,
    /// The same as the store has them.
    #[serde(skip)]
    stretches: Vec<Run>,
}

/// A row that cannot be used. The row itself is personal and is downloaded apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FailedRow {
    /// Row of the file, from 1; header, preamble, trailer and blank lines are not counted.
    pub row: i64,
    /// Line of the file.
    pub line: i64,
    /// Column, in the sender's word.
    pub field: Option<String>,
    /// Reason code; `GET /v1/reasons` explains it.
    pub code: String,
    /// What is wrong.
    pub message: String,
    /// What is wrong and how to mend it, in Chinese.
    pub message_zh: String,
    /// `open`; `resent`: it came again and fails still; `mended` by the sender with another row; `replayed` or `discarded` by
    /// an operator.
    pub state: String,
    /// The row that mends it, or came in its place.
    pub mended_by: Option<RowLink>,
    /// Why an operator replayed or discarded it.
    pub resolution: Option<String>,
}

/// A row of a batch of the same feed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RowLink {
    /// The batch.
    pub batch_id: uuid::Uuid,
    /// The row.
    pub row: i64,
}

/// A stretch of rows with one outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct RunView {
    /// First row.
    pub row_from: i64,
    /// Last row.
    pub row_to: i64,
    /// `accepted`, `duplicate`, `superseded` or `quarantined`.
    pub outcome: String,
    /// The row that the first row repeats, or that overtook it; each further row has the next one.
    pub of: Option<RowLink>,
}

/// What became of one row.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RowReceipt {
    /// Row of the file, from 1.
    pub row: i64,
    /// `accepted`, `duplicate`, `superseded` or `quarantined`.
    pub outcome: String,
    /// The row that it repeats, or that overtook it.
    pub of: Option<RowLink>,
    /// Why it cannot be used; also when it was replayed since.
    pub failure: Option<FailedRow>,
}

impl From<QuarantinedRow> for FailedRow {
    fn from(row: QuarantinedRow) -> Self {
        let reason = Reason::from_code(&row.code);
        let told = |reason| chinese::of_field(row.field.as_deref(), reason, &row.message);
        let message_zh = reason.map(told).unwrap_or_default();
        Self {
            row: row.row,
            line: row.line,
            field: row.field,
            code: row.code,
            message: row.message,
            message_zh,
            state: "open".to_owned(),
            mended_by: None,
            resolution: None,
        }
    }
}

impl From<FailureRow> for FailedRow {
    fn from(failure: FailureRow) -> Self {
        let mended_by = failure.by_batch.zip(failure.by_row).map(|(batch_id, row)| RowLink { batch_id, row });
        Self { state: failure.state, mended_by, resolution: failure.reason, ..Self::from(failure.row) }
    }
}

impl From<RunRow> for RunView {
    fn from(run: RunRow) -> Self {
        let of = run.of_batch.zip(run.of_row).map(|(batch_id, row)| RowLink { batch_id, row });
        Self { row_from: run.row_from, row_to: run.row_to, outcome: run.outcome, of }
    }
}

impl RowReceipt {
    pub(crate) fn of(row: i64, run: RunRow, failure: Option<FailureRow>) -> Self {
        let run = RunView::from(run);
        let of = run.of.map(|of| RowLink { row: of.row + row - run.row_from, ..of });
        Self { row, outcome: run.outcome, of, failure: failure.map(FailedRow::from) }
    }
}

impl DryRun {
    pub(crate) fn of(batch: &Batch) -> Self {
        Self {
            batch_id: batch.batch_id,
            feed: batch.feed.clone(),
            state: "dry-run",
            rows: 0,
            accepted: 0,
            duplicate: 0,
            superseded: 0,
            quarantined: 0,
            events: 0,
            notices: Vec::new(),
            failures: Vec::new(),
            runs: Vec::new(),
            stretches: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, progress: &Progress, failures_max: usize) {
        let counts = &progress.counts;
        self.rows += counts.rows();
        self.accepted += counts.accepted;
        self.duplicate += counts.duplicate;
        self.superseded += counts.superseded;
        self.quarantined += counts.quarantined;
        self.events += counts.events;
        let room = failures_max.saturating_sub(self.failures.len());
        self.failures.extend(progress.quarantined.iter().take(room).cloned().map(FailedRow::from));
        let room = failures_max.saturating_sub(self.stretches.len());
        self.stretches.extend(progress.runs.iter().take(room));
        overtake(&mut self.stretches, progress.restated.clone());
        let restated = progress.restated.len() as i64;
        self.accepted -= restated;
        self.superseded += restated;
    }

    /// The batches of other rows that the stretches name.
    pub(crate) fn arrivals(&self) -> Vec<i64> {
        self.stretches.iter().filter_map(|run| run.of).map(|of| of.arrival).collect()
    }

    /// Puts the ids of batches in the place of their arrivals; those that are not known are rows of the file itself.
    pub(crate) fn name_batches(&mut self, own: &Batch, known: &[(i64, uuid::Uuid)]) {
        let link = |of: Origin| {
            let batch = known.iter().find(|(arrival, _)| *arrival == of.arrival).map(|(_, batch_id)| *batch_id);
            RowLink { batch_id: batch.unwrap_or(own.batch_id.as_uuid()), row: of.row }
        };
        let view = |run: &Run| RunView {
            row_from: run.row_from,
            row_to: run.row_to,
            outcome: run.outcome.to_owned(),
            of: run.of.map(link),
        };
        self.runs = self.stretches.iter().map(view).collect();
    }
}
