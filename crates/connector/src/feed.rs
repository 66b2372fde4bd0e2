//! What a feed is to the ingest loop: rows out of bytes, drafts of events out of rows.

use std::collections::BTreeSet;
use std::io::BufRead;
use std::sync::Arc;

use domain::{
    Body, Day, EventType, FeedId, IdScheme, IdentityObserved, Op, Precision, ResidentId, Sensitive, Sex, Timestamp,
    TokenKey,
};
use store::ingest::Notice;

use crate::columns::{Field, Layout};
use crate::profile::Profile;
use crate::reason::Reason;

/// One declared feed. Everything here is pure: bytes in, drafts out; time and the key are arguments.
pub trait Feed: Send + Sync {
    /// The declaration.
    fn profile(&self) -> &Profile;

    /// The name in URLs.
    fn id(&self) -> &FeedId {
        &self.profile().feed
    }

    /// The event types that it publishes beside statements of identity.
    fn event_types(&self) -> Vec<EventType> {
        vec![self.profile().emit]
    }

    /// Opens a body: checks preamble and header, and gives the reader of its rows.
    ///
    /// # Errors
    /// When the body as a whole does not fit the profile; then nothing of it is applied.
    fn open<'a>(&'a self, input: Box<dyn BufRead + Send + 'a>) -> Result<Box<dyn RowReader + 'a>, BatchError>;

    /// Maps one row to drafts of events. A row whose reader already found it broken is not passed.
    ///
    /// # Errors
    /// When the row goes to quarantine.
    fn map(&self, row: &RawRow, context: &RowContext<'_>) -> Result<Vec<Draft>, RowError>;

    /// What a row is about that cannot be used, as far as that can be read: a later row about the same mends it. Where a row is
    /// a message ([`Feed::names_messages`]), that is the message, of whatever became of it.
    fn about(&self, _row: &RawRow, _context: &RowContext<'_>) -> Option<About> {
        None
    }

    /// Whether rows are messages, which are sent again under their own name.
    fn names_messages(&self) -> bool {
        false
    }

    /// The fields that are empty in a row, asked of a sample of the rows: of columns those that are mapped, of a message those
    /// that its first statement about a person leaves open. `None` for rows that cannot be used or are about nobody.
    fn empty_fields(&self, row: &RawRow, context: &RowContext<'_>) -> Option<Vec<Field>> {
        let drafts = self.map(row, context).ok()?;
        drafts.iter().find_map(|draft| match &draft.body {
            Body::IdentityObserved(who) => Some(left_open(who)),
            _ => None,
        })
    }
}

/// Fields about which a statement says nothing.
fn left_open(who: &IdentityObserved) -> Vec<Field> {
    let person = &who.person;
    let open = [
        (Field::Name, person.names.is_empty()),
        (Field::IdNumber, !person.claims.iter().any(|claim| claim.scheme.is_document())),
        (Field::BirthDate, person.birth_date.is_none()),
        (Field::Sex, person.sex == Sex::Unknown),
        (Field::ContactPhone, who.contacts.is_empty()),
        (Field::Address, who.address.is_none()),
    ];
    open.into_iter().filter_map(|(field, is_open)| is_open.then_some(field)).collect()
}

/// Reads the rows of one body in bounded memory.
pub trait RowReader: Send {
    /// The next row; `None` at the end.
    ///
    /// # Errors
    /// When the body cannot be read on; rows that are merely broken are rows with [`RawRow::broken`].
    fn next_row(&mut self) -> Result<Option<RawRow>, BatchError>;

    /// Where the columns stand, for feeds that have columns.
    fn layout(&self) -> Option<Arc<Layout>> {
        None
    }

    /// Number of bytes before the first row (byte order mark, preamble, header): what a file of failed rows begins with.
    fn data_start(&self) -> u64 {
        0
    }

    /// What is worth telling the sender about the file as a whole, such as columns that nobody asked for.
    fn notices(&self) -> Vec<Notice> {
        Vec::new()
    }
}

/// One row as it stands in the body.
#[derive(Clone, Debug)]
pub struct RawRow {
    /// Ordinal of the data row, from 1; header, preamble, trailer and blank lines are not counted.
    pub number: u64,
    /// Physical line at which the row begins, from 1.
    pub line: u64,
    /// Byte offset in the (uncompressed) body at which the row begins.
    pub offset: u64,
    /// Bytes of the row in the body, line end included.
    pub length: u64,
    /// The bytes without line end. Cut short when the row is broken.
    pub bytes: Sensitive<Vec<u8>>,
    /// Set when the row cannot be read at all; it goes to quarantine with this reason.
    pub broken: Option<RowError>,
}

impl RawRow {
    /// Maps the row, and checks what must hold of the rows of every feed.
    ///
    /// # Errors
    /// When the row goes to quarantine.
    pub(crate) fn read(&self, feed: &dyn Feed, context: &RowContext<'_>) -> Mapped {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        let mut drafts = feed.map(self, context)?;
        for draft in &mut drafts {
            born(&draft.body, context.ingest_time)?;
            draft.quality_flags.extend(contradiction(draft));
        }
        // A row that names somebody several times sees them once.
        let mut seen = BTreeSet::new();
        drafts
            .retain(|draft| draft.role != DraftRole::Sighting || seen.insert(draft.source_record_id.expose().clone()));
        Ok(drafts)
    }
}

/// Checks that whom a statement describes is born, somewhere on earth, and no longer ago than anybody.
fn born(body: &Body, now: Timestamp) -> Result<(), RowError> {
    const EASTMOST_MIN: i32 = 14 * 60;
    /// Nobody grew older than 122.
    const YEARS_MAX: i32 = 130;
    let Body::IdentityObserved(statement) = body else { return Ok(()) };
    let today = now.day_at_offset(EASTMOST_MIN);
    let first = Day::from_epoch_days(today.as_epoch_days() - YEARS_MAX * 366);
    if statement.person.birth_date.is_some_and(|birth| birth > today) {
        return Err(RowError::row(Reason::ValueDay, "the day of birth has not come yet"));
    }
    if statement.person.birth_date.is_some_and(|birth| birth < first) {
        let message = format!("the day of birth is more than {YEARS_MAX} years ago");
        return Err(RowError::row(Reason::ValueDay, message));
    }
    let numbers = statement.person.claims.iter().filter(|claim| claim.scheme == IdScheme::CnId && !claim.masked);
    for birth in numbers.filter_map(|claim| ResidentId::parse(claim.value.expose()).ok()?.birth_day()) {
        let message = match birth {
            birth if birth > today => {
                "digits 7 to 14 of the resident number are a day of birth that has not come yet".to_owned()
            }
            birth if birth < first => {
                format!("digits 7 to 14 of the resident number are a day of birth more than {YEARS_MAX} years ago")
            }
            _ => continue,
        };
        return Err(RowError::row(Reason::IdentifierInvalid, message));
    }
    Ok(())
}

/// What a statement says against itself. It is told and not mended: which of the two is wrong is for its sender to say.
fn contradiction(draft: &Draft) -> Option<&'static str> {
    const MINUTE_MS: i64 = 60_000;
    const DAY_MS: i64 = 24 * 60 * MINUTE_MS;
    match &draft.body {
        Body::IdentityObserved(statement) => {
            let birth = statement.person.birth_date?;
            let mut numbers = statement.person.claims.iter().filter(|c| c.scheme == IdScheme::CnId && !c.masked);
            let other = |number: ResidentId| number.birth_day().is_some_and(|day| day != birth);
            let contradicts = numbers.any(|claim| ResidentId::parse(claim.value.expose()).is_ok_and(other));
            contradicts.then_some("birth-contradicts")
        }
        Body::TestResult(test) => {
            let reported_ms = test.reported_time.as_millis();
            // A report of which only the day is known begins with that day.
            let local_ms = reported_ms + i64::from(draft.utc_offset_min.unwrap_or(0)) * MINUTE_MS;
            let until_ms = if local_ms.rem_euclid(DAY_MS) == 0 { reported_ms + DAY_MS - 1 } else { reported_ms };
            test.collected_time.filter(|collected| collected.as_millis() > until_ms).map(|_| "time-order")
        }
        _ => None,
    }
}

/// What mapping a row needs to know beyond the row.
#[derive(Clone, Copy)]
pub struct RowContext<'a> {
    /// Key of claim tokens and record ids.
    pub key: &'a TokenKey,
    /// When the batch was received; times after it are suspicious.
    pub ingest_time: Timestamp,
    /// Where the columns stand ([`RowReader::layout`]).
    pub layout: Option<&'a Layout>,
}

/// What part a draft plays in its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DraftRole {
    /// The row states this record. It is compared with what is known of the record, and decides the row's outcome.
    Record,
    /// The row's restatement of who the person is (a ticket, a test): the record's id is derived from its content and the
    /// version is the week, so it is published once a week and never decides about the row.
    Sighting,
}

/// What becomes an event once the row is found new. Drafts of one row with one `source_record_id` are one record: they
/// share version and operation, and are compared with what is known as one.
#[derive(Clone, Debug)]
pub struct Draft {
    /// What part it plays.
    pub role: DraftRole,
    /// The source's own id of the record (unique within the profile's `source`).
    pub source_record_id: Sensitive<String>,
    /// Version of the record; `None` when the source has none: then a changed content gets the next number.
    pub version: Option<i64>,
    /// How many versions above `version` are the draft's to take when another content has its own: a source that tells
    /// the time by the second states several things in one. With 0, another content in the same version is a conflict.
    pub version_room: i64,
    /// States or takes back.
    pub op: Op,
    /// When it happened.
    pub event_time: Timestamp,
    /// How exact `event_time` is.
    pub precision: Precision,
    /// Offset from UTC in minutes in which the source stated the time.
    pub utc_offset_min: Option<i32>,
    /// The source gave no offset; the profile's zone was applied.
    pub offset_assumed: bool,
    /// When the source made the record, if it says.
    pub created_time: Option<Timestamp>,
    /// What was odd about the row, as closed-set codes.
    pub quality_flags: Vec<&'static str>,
    /// What is stated.
    pub body: Body,
}

/// What a row is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// The source's own id of the record, or of the message.
    pub source_record_id: Sensitive<String>,
    /// Where the row stands among the statements about it.
    pub version: StatedVersion,
}

/// Where a statement stands among those about its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatedVersion {
    /// Where it arrived: the source states no versions.
    Arrival,
    /// At this version.
    At(i64),
    /// The source states versions, and this one cannot be read.
    Unreadable,
}

/// What became of mapping a row.
pub type Mapped = Result<Vec<Draft>, RowError>;

/// Reads a whole body in memory and maps its rows, without publishing anything: for trying out a profile.
///
/// # Errors
/// When the body as a whole does not fit the profile.
pub fn preview(
    feed: &dyn Feed,
    body: &[u8],
    key: &TokenKey,
    ingest_time: Timestamp,
) -> Result<Vec<(RawRow, Mapped)>, BatchError> {
    let mut reader = feed.open(Box::new(body))?;
    let layout = reader.layout();
    let context = RowContext { key, ingest_time, layout: layout.as_deref() };
    let mut rows = Vec::new();
    while let Some(row) = reader.next_row()? {
        let result = row.read(feed, &context);
        rows.push((row, result));
    }
    Ok(rows)
}

/// Why one row goes to quarantine. The message never repeats a personal value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RowError {
    /// The column or field, in the sender's own word where there is one.
    pub field: Option<String>,
    /// The reason, from the closed registry.
    pub reason: Reason,
    /// What is wrong with this row, for the sender's technician.
    pub message: String,
}

impl RowError {
    /// About the row as a whole.
    pub fn row(reason: Reason, message: impl Into<String>) -> Self {
        Self { field: None, reason, message: message.into() }
    }

    /// About one field.
    pub fn field(field: impl Into<String>, reason: Reason, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), reason, message: message.into() }
    }
}

/// Why a whole body is refused.
#[derive(Debug, thiserror::Error)]
pub enum BatchError {
    /// The body does not fit the profile; the sender mends it.
    #[error("{message}")]
    Refused {
        /// The reason, from the closed registry.
        reason: Reason,
        /// What was expected and what was found.
        message: String,
    },
    /// The stored body cannot be read.
    #[error("the stored body cannot be read")]
    Io(#[from] std::io::Error),
}

impl BatchError {
    /// A refusal that the sender can mend.
    pub fn refused(reason: Reason, message: impl Into<String>) -> Self {
        Self::Refused { reason, message: message.into() }
    }
}
