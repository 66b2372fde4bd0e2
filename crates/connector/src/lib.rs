//! The one ingest loop that every connector service runs: profile, rows, drafts, receipts, quarantine.
//!
//! A department pushes a body; it is stored durably and hashed before anything is read from it. A [`Feed`] cuts it into
//! rows and maps each row to [`Draft`]s; the loop compares them with what is known of their records and gives each row
//! exactly one outcome: accepted, duplicate, superseded or quarantined. Events are durable in the log before the receipts
//! are; ids are derived, so a crash at any point is mended by doing the same work again.
//!
//! Not here: what forms mean that only one kind of source speaks, such as HL7 v2 (the services), SQL (`store`), Avro
//! (`codec`), Kafka (`event-log`).

pub mod chinese;
mod chunk;
mod columns;
mod computed;
mod content;
mod counted;
mod decide;
mod decode;
mod device_order;
mod dry_run;
mod error;
mod expression;
mod failed;
mod feed;
mod fields;
mod filter;
mod group;
mod header;
pub mod http;
mod infer;
mod ingest;
mod json;
mod known;
mod limits;
mod lines;
mod magic;
mod map;
mod mend;
mod mending;
mod message;
mod objects;
mod on_record;
mod packed;
mod profile;
mod profile_feed;
mod quality;
mod raw;
mod reason;
mod receipt;
mod replay;
mod reprocess;
mod rows;
mod synonyms;
mod tell;
pub mod tokens;
mod told;
pub mod topic;
mod trial;
mod turns;
mod unpack;
mod upload;
pub mod watch;
mod webhook;
pub mod who;
mod wide;
mod workbook;
mod xml;

pub use columns::{Field, Layout};
pub use computed::Rule;
pub use counted::Counted;
pub use decide::Outcome;
pub use error::IngestError;
pub use feed::{
    About, BatchError, Draft, DraftRole, Feed, Mapped, RawRow, RowContext, RowError, RowReader, StatedVersion, preview,
};
pub use fields::{Bounds, Fields, Moment};
pub use infer::{INFER_BYTES_MAX, InferError, Proposal, infer, unpacked_head};
pub use ingest::{Clock, Ingest, IngestSetup};
pub use json::ListRows;
pub use limits::FeedLimits;
pub use mend::{ERROR_COLUMN, ERROR_SEGMENT};
pub use message::MessageOutcome;
pub use profile::{
    Column, Encoding, Format, FormatKind, IdentityRules, KeyPart, Profile, ProfileError, RecordRules, TimeRules,
    UnknownColumns,
};
pub use profile_feed::ProfileFeed;
pub use quality::{Alert, AlertKind, QualityRules};
pub use raw::{BodyLimits, Compression, RawStore, StoredBody};
pub use reason::Reason;
pub use receipt::{DryRun, FailedRow, Links, NoticeView, Receipt, Refusal, RowLink, RunView};
pub use replay::Replayed;
pub use reprocess::{Change, ChangeKind, FieldChange, Reprocessed};
pub use rows::{COLUMNS_MAX, QUOTED_LINES_MAX, ROW_BYTES_MAX};
pub use store::ingest::Notice;
pub use trial::{Complaint, Made, Sample, Tally, Trial, TrialLimits, try_out, unpacked};
pub use webhook::{ToldWhen, Webhook, webhook_secret};
pub use xml::{Element, ElementCutter, read_element};
