//! HL7 version 2: messages to drafts of events.

mod adt;
mod message;
mod oru;
mod person;
mod split;
mod time;

use connector::{Draft, DraftRole, Profile, Reason, RowContext, RowError};
use domain::{Body, Op, Precision, Timestamp};

pub(crate) use split::{MESSAGE_BYTES_MAX, MessageReader, cut, messages};

use message::{Message, bounded, with_four_marks};
use time::{Clock, StatedTime};

/// 1990-01-01T00:00:00Z: what claims to be older is flagged.
const USUAL_SINCE: Timestamp = Timestamp::from_millis(631_152_000_000);

/// Characters of a control id (MSH-10), as versions from 2.7 on have it; before, it had twenty.
const CONTROL_ID_CHARS_MAX: usize = 199;
/// Characters of a control id that an acknowledgement repeats: its sender knows a message by all of them.
const REPEATED_CHARS_MAX: usize = 4096;

/// What the header of a message says.
struct Envelope<'z> {
    /// Trigger event (MSH-9.2).
    trigger: String,
    /// When the message was made (MSH-7).
    stated: StatedTime,
    /// When it happened: EVN-6, else EVN-2, else MSH-7.
    happened: StatedTime,
    /// A time of the header is older than any feed, or EVN names one that cannot be and is left out.
    clock_wrong: bool,
    /// It has no control id (MSH-10): its sender cannot tell which message was answered.
    unnamed: bool,
    /// It says of itself that it is for tests or training (MSH-11).
    is_test: bool,
    /// Orders the statements about one record: MSH-7 in microseconds, with digits of the control id (MSH-10) below what
    /// the sender states, because senders count it upwards.
    version: i64,
    /// Versions above it within what the sender states as one time: statements that the control id does not tell apart
    /// take the next free one, in the order in which they come.
    version_room: i64,
    clock: Clock<'z>,
}

/// What an acknowledgement needs to know of the message it answers, as far as it could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) sending: [String; 2],
    pub(crate) receiving: [String; 2],
    pub(crate) trigger: String,
    pub(crate) control_id: String,
    pub(crate) processing: String,
    pub(crate) version: String,
    /// The type of the message (MSH-9.1).
    pub(crate) kind: String,
    /// Which accept acknowledgements the sender wants (MSH-15), and which application acknowledgements (MSH-16).
    pub(crate) wanted: [String; 2],
}

/// Reads what an acknowledgement needs; a message that cannot be read gives an empty header.
pub(crate) fn header(text: &str) -> Header {
    // Only the first segment, whatever state the others are in.
    let line = text.trim_start_matches('\u{feff}').trim_start().lines().next().unwrap_or_default();
    let line = with_four_marks(line.split('\r').next().unwrap_or_default());
    let Ok(message) = Message::parse(&line) else { return Header::default() };
    let Some(msh) = message.segment("MSH") else { return Header::default() };
    Header {
        sending: [msh.value(3), msh.value(4)],
        receiving: [msh.value(5), msh.value(6)],
        trigger: msh.component(9, 2),
        control_id: msh.value(10).chars().take(REPEATED_CHARS_MAX).collect(),
        processing: msh.value(11),
        version: msh.value(12),
        kind: msh.component(9, 1),
        wanted: [msh.value(15), msh.value(16)],
    }
}

/// Maps one message.
///
/// # Errors
/// When the message goes to quarantine.
pub(crate) fn map(text: &str, profile: &Profile, context: &RowContext<'_>) -> Result<Vec<Draft>, RowError> {
    let text = with_four_marks(text);
    let message = Message::parse(&text)?;
    let msh = message.required("MSH")?;
    if message.segments().filter(|segment| segment.name() == "MSH").nth(1).is_some() {
        let message = "a message has one MSH segment; a second one begins another message";
        return Err(RowError::field("MSH", Reason::MessageSegment, message));
    }
    let is_test = matches!(msh.value(11).as_str(), "T" | "D");
    if is_test && profile.options.get("test_messages").is_some_and(|mode| mode == "refused") {
        let message = "MSH-11 says that this is a message for tests or training";
        return Err(RowError::field("MSH-11", Reason::MessageTest, message));
    }
    let clock = Clock::new(&profile.time, context.ingest_time);
    let stated = clock
        .read("MSH-7", &msh.value(7))?
        .ok_or_else(|| RowError::field("MSH-7", Reason::RequiredMissing, "MSH-7 (time of the message) is empty"))?;
    let (mut happened, mut clock_wrong) = (stated, stated.at < USUAL_SINCE);
    if let Some(event) = message.segment("EVN") {
        // When it was typed in, then when it happened: the latter counts where it is stated.
        for (field, place) in [("EVN-2", 2), ("EVN-6", 6)] {
            let text = event.value(place);
            match clock.read_bookkeeping(field, &text)? {
                Some(time) => happened = time,
                None => clock_wrong |= !text.is_empty(),
            }
        }
    }
    let control_id = bounded("MSH-10", msh.value(10), CONTROL_ID_CHARS_MAX)?;
    let (version, version_room) = version(stated, &control_id);
    // Before version 2.3 the event stood in EVN alone.
    let named = Some(msh.component(9, 2)).filter(|trigger| !trigger.is_empty());
    let trigger = named.or_else(|| message.segment("EVN").map(|event| event.value(1))).unwrap_or_default();
    let unnamed = control_id.is_empty();
    let envelope = Envelope { trigger, stated, happened, clock_wrong, unnamed, is_test, version, version_room, clock };
    match msh.component(9, 1).as_str() {
        "ADT" => adt::map(&message, &envelope, &profile.source, context),
        "ORU" => oru::map(&message, &envelope, profile, context),
        _ => Err(RowError::field(
            "MSH-9",
            Reason::MessageType,
            "this feed takes ADT and ORU messages; MSH-9 names another",
        )),
    }
}

/// The version that a message gives its records, and how many above it are within the time that it states.
fn version(stated: StatedTime, control_id: &str) -> (i64, i64) {
    let (begin, count_max) = match stated.precision {
        Precision::Milli => (stated.at.as_millis() * 1_000, 999),
        _ => (stated.at.as_millis() * 1_000, 999_999),
    };
    let digits = control_id.len() - control_id.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let digits = &control_id[control_id.len() - digits.min(6)..];
    let count = digits.parse().unwrap_or(0) % (count_max + 1);
    (begin + count, count_max - count)
}

fn draft(
    role: DraftRole,
    source_record_id: String,
    envelope: &Envelope<'_>,
    op: Op,
    flags: &[&'static str],
    body: Body,
) -> Draft {
    let mut quality_flags = flags.to_vec();
    if envelope.happened.assumed {
        quality_flags.push("offset-assumed");
    }
    if envelope.clock_wrong {
        quality_flags.push("clock-wrong");
    }
    if envelope.unnamed {
        quality_flags.push("control-id-missing");
    }
    if envelope.is_test {
        quality_flags.push("test-message");
    }
    Draft {
        role,
        source_record_id: source_record_id.into(),
        version: Some(envelope.version),
        version_room: envelope.version_room,
        op,
        event_time: envelope.happened.at,
        precision: envelope.happened.precision,
        utc_offset_min: Some(envelope.happened.offset_min),
        offset_assumed: envelope.happened.assumed,
        created_time: Some(envelope.stated.at),
        quality_flags,
        body,
    }
}

#[cfg(test)]
mod tests;
