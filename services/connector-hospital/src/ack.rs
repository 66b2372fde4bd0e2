//! Acknowledgements (HL7 v2.5.1, chapter 2.9): AA taken, AE would fail again, AR send again later.
//!
//! By agreement (the feed's option `acknowledgements = "enhanced"`), where MSH-15 or MSH-16 says anything, the sender speaks the enhanced mode: one acknowledgement says whether the message is
//! stored (CA, CE, CR), another what became of it (AA, AE, AR), each only if it is wanted. A failure is told at the level to
//! which the sender listens.

use connector::Reason;
use domain::Timestamp;
use jiff::tz::TimeZone;

use crate::hl7::Header;

/// What a sender is told about one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Acknowledgement {
    /// The message is durable and was taken (or was there before).
    Accept,
    /// The message is durable in quarantine; sending it again unchanged would fail again.
    Error {
        /// Where: segment and field.
        field: String,
        /// The hub's reason.
        reason: Reason,
        /// What is wrong and how to mend it.
        message: String,
    },
    /// The message was not taken; send it again later.
    Reject {
        /// Why.
        message: String,
    },
}

/// An acknowledgement as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// MSA-1.
    pub(crate) code: &'static str,
    /// The message.
    pub(crate) text: String,
}

/// Of which outcomes a sender wants to hear (HL7 table 0155).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Always,
    Never,
    Errors,
    Successes,
}

impl Wanted {
    fn of(word: &str) -> Option<Self> {
        match word.trim() {
            "AL" => Some(Self::Always),
            "NE" => Some(Self::Never),
            "ER" => Some(Self::Errors),
            "SU" => Some(Self::Successes),
            _ => None,
        }
    }

    const fn hears(self, success: bool) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Errors => !success,
            Self::Successes => success,
        }
    }
}

/// The acknowledgements of a message, in the order in which they are sent.
pub(crate) fn answers(header: &Header, outcome: &Acknowledgement, now: Timestamp, zone: &TimeZone) -> Vec<Answer> {
    let codes = codes(header, outcome);
    let answer = |code: &'static str| Answer { code, text: build(header, code, outcome, now, zone) };
    codes.into_iter().map(answer).collect()
}

fn codes(header: &Header, outcome: &Acknowledgement) -> Vec<&'static str> {
    let [accept, application] = [0, 1].map(|at: usize| Wanted::of(&header.wanted[at]));
    if accept.is_none() && application.is_none() {
        return vec![match outcome {
            Acknowledgement::Accept => "AA",
            Acknowledgement::Error { .. } => "AE",
            Acknowledgement::Reject { .. } => "AR",
        }];
    }
    let stored = |success| accept.is_some_and(|wanted| wanted.hears(success));
    let done = |success| application.is_some_and(|wanted| wanted.hears(success));
    let said = match outcome {
        Acknowledgement::Accept => [stored(true).then_some("CA"), done(true).then_some("AA")],
        // It is stored, in quarantine.
        Acknowledgement::Error { .. } if done(false) => [stored(true).then_some("CA"), Some("AE")],
        Acknowledgement::Error { .. } => [stored(false).then_some("CE"), None],
        Acknowledgement::Reject { .. } if stored(false) => [Some("CR"), None],
        Acknowledgement::Reject { .. } => [None, done(false).then_some("AR")],
    };
    said.into_iter().flatten().collect()
}

/// Builds one acknowledgement; its control id is that of the message with an end of its own.
fn build(header: &Header, code: &str, outcome: &Acknowledgement, now: Timestamp, zone: &TimeZone) -> String {
    let stamp = jiff::Timestamp::from_millisecond(now.as_millis())
        .map(|instant| instant.to_zoned(zone.clone()).strftime("%Y%m%d%H%M%S%.3f%z").to_string())
        .unwrap_or_default();
    let version = if header.version.is_empty() { "2.5.1" } else { &header.version };
    let processing = if header.processing.is_empty() { "P" } else { &header.processing };
    let [sender, sender_facility] = &header.receiving;
    let [receiver, receiver_facility] = &header.sending;
    // Of a message that is stored, the other acknowledgement says what became of it.
    let outcome = if code == "CA" { &Acknowledgement::Accept } else { outcome };
    let end = if header.wanted.iter().all(String::is_empty) || code.starts_with('C') { "ack" } else { "app" };
    // A message without a name of its own is answered by one that has a name.
    let name = if header.control_id.is_empty() { &stamp } else { &header.control_id };
    let text = match outcome {
        Acknowledgement::Accept => String::new(),
        Acknowledgement::Error { message, .. } | Acknowledgement::Reject { message } => message.clone(),
    };
    let mut answer = format!(
        "MSH|^~\\&|{}|{}|{}|{}|{stamp}||ACK^{}^ACK|{}-{end}|{}|{}||||||UNICODE UTF-8\rMSA|{code}|{}",
        escape(sender),
        escape(sender_facility),
        escape(receiver),
        escape(receiver_facility),
        escape(&header.trigger),
        escape(name),
        escape(processing),
        escape(version),
        escape(&header.control_id),
    );
    if !text.is_empty() {
        answer.push('|');
        answer.push_str(&escape(&text));
    }
    answer.push('\r');
    let (place, code, (condition, words), message) = match outcome {
        Acknowledgement::Accept => return answer,
        Acknowledgement::Error { field, reason, message } => {
            let (segment, position) = field.split_once('-').unwrap_or((field, ""));
            (format!("{}^1^{}", escape(segment), escape(position)), reason.code(), condition(*reason), message)
        }
        Acknowledgement::Reject { message } => (String::new(), "hub-unavailable", INTERNAL, message),
    };
    // ERR-2 where, ERR-3 the condition, ERR-4 severity, ERR-5 the hub's own code, ERR-8 the text for people.
    let text = escape(message);
    answer.push_str(&format!("ERR||{place}|{condition}^{words}^HL70357|E|{code}|||{text}\r"));
    answer
}

const INTERNAL: (u16, &str) = (207, "Application error");

/// The error condition (HL7 table 0357) that comes nearest to a reason.
const fn condition(reason: Reason) -> (u16, &'static str) {
    match reason {
        Reason::MessageSegment => (100, "Segment sequence error"),
        Reason::RequiredMissing | Reason::IdentityMissing => (101, "Required field missing"),
        Reason::ValueNumber | Reason::ValueDay | Reason::ValueTime | Reason::ValueTooLong => (102, "Data type error"),
        Reason::ValueUnknown | Reason::IdentifierType => (103, "Table value not found"),
        Reason::MessageTest => (202, "Unsupported processing id"),
        Reason::MessageType => (200, "Unsupported message type"),
        Reason::IdentifierInvalid => (204, "Unknown key identifier"),
        _ => INTERNAL,
    }
}

/// Escapes the separators of an acknowledgement, and drops control characters.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '|' => escaped.push_str("\\F\\"),
            '^' => escaped.push_str("\\S\\"),
            '&' => escaped.push_str("\\T\\"),
            '~' => escaped.push_str("\\R\\"),
            '\\' => escaped.push_str("\\E\\"),
            c if c.is_control() => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            sending: ["HIS".into(), "FIRST".into()],
            receiving: ["HUB".into(), "CITY".into()],
            trigger: "A01".into(),
            control_id: "MSG7".into(),
            processing: "P".into(),
            version: "2.4".into(),
            kind: "ADT".into(),
            wanted: Default::default(),
        }
    }

    /// The one acknowledgement of the original mode.
    fn build(header: &Header, outcome: &Acknowledgement, now: Timestamp, zone: &TimeZone) -> String {
        let mut answers = answers(header, outcome, now, zone);
        assert_eq!(answers.len(), 1);
        answers.remove(0).text
    }

    #[test]
    fn an_acknowledgement_goes_back_the_way_the_message_came() {
        let now = Timestamp::parse("2022-03-01T00:00:00Z").expect("valid");
        let answer = build(&header(), &Acknowledgement::Accept, now, &TimeZone::fixed(jiff::tz::offset(8)));
        assert_eq!(
            answer,
            "MSH|^~\\&|HUB|CITY|HIS|FIRST|20220301080000.000+0800||ACK^A01^ACK|MSG7-ack|P|2.4||||||UNICODE UTF-8\rMSA|AA|MSG7\r"
        );
    }

    #[test]
    fn an_error_names_segment_field_code_and_what_to_mend() {
        let outcome = Acknowledgement::Error {
            field: "PID-3".into(),
            reason: Reason::RequiredMissing,
            message: "PID-3 has no number | see manual".into(),
        };
        let answer = build(&header(), &outcome, Timestamp::default(), &TimeZone::UTC);
        assert!(answer.contains("\rMSA|AE|MSG7|PID-3 has no number \\F\\ see manual\r"), "{answer}");
        assert!(answer.contains("\rERR||PID^1^3|101^Required field missing^HL70357|E|required-missing|||"), "{answer}");
    }

    #[test]
    fn a_message_without_readable_header_still_gets_an_answer() {
        let outcome = Acknowledgement::Reject { message: "busy".into() };
        let answer = build(&Header::default(), &outcome, Timestamp::default(), &TimeZone::UTC);
        assert!(answer.starts_with("MSH|^~\\&|||||") && !answer.contains("|-ack|"), "{answer}");
        assert!(answer.contains("\rMSA|AR||busy\r"), "{answer}");
        assert!(answer.ends_with("\rERR|||207^Application error^HL70357|E|hub-unavailable|||busy\r"), "{answer}");
    }

    #[test]
    fn in_the_enhanced_mode_each_level_says_what_the_sender_wants_to_hear() {
        let error = || Acknowledgement::Error {
            field: "PID-3".into(),
            reason: Reason::RequiredMissing,
            message: "PID-3 is empty".into(),
        };
        let reject = || Acknowledgement::Reject { message: "busy".into() };
        for (accept, application, taken, failed, refused) in [
            ("AL", "AL", &["CA", "AA"][..], &["CA", "AE"][..], &["CR"][..]),
            ("AL", "NE", &["CA"], &["CE"], &["CR"]),
            ("NE", "AL", &["AA"], &["AE"], &["AR"]),
            ("", "AL", &["AA"], &["AE"], &["AR"]),
            ("ER", "ER", &[], &["AE"], &["CR"]),
            ("SU", "ER", &["CA"], &["CA", "AE"], &["AR"]),
            ("AL", "SU", &["CA", "AA"], &["CE"], &["CR"]),
            ("AL", "", &["CA"], &["CE"], &["CR"]),
            ("NE", "NE", &[], &[], &[]),
        ] {
            let header = Header { wanted: [accept.into(), application.into()], ..header() };
            let said = |outcome: Acknowledgement| codes(&header, &outcome);
            assert_eq!(said(Acknowledgement::Accept), taken, "{accept}/{application}");
            assert_eq!(said(error()), failed, "{accept}/{application}");
            assert_eq!(said(reject()), refused, "{accept}/{application}");
        }
        let header = Header { wanted: ["AL".into(), "AL".into()], ..header() };
        let answers = answers(&header, &error(), Timestamp::default(), &TimeZone::UTC);
        assert!(answers[0].text.contains("|MSG7-ack|") && answers[0].text.ends_with("\rMSA|CA|MSG7\r"), "{answers:?}");
        assert!(
            answers[1].text.contains("|MSG7-app|") && answers[1].text.contains("|required-missing|"),
            "{answers:?}"
        );
    }
}
