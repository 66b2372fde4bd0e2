//! HL7 v2 as a feed of the ingest loop: a row is a message.

use std::borrow::Cow;
use std::io::BufRead;

use connector::{
    About, BatchError, Draft, Encoding, Feed, Profile, RawRow, Reason, RowContext, RowError, RowReader, StatedVersion,
};

use domain::EventType;

use crate::hl7::{self, Header, MessageReader};

/// A feed of HL7 v2 messages.
pub(crate) struct Hl7Feed {
    profile: Profile,
}

impl Hl7Feed {
    pub(crate) fn new(profile: Profile) -> Self {
        Self { profile }
    }
}

impl Feed for Hl7Feed {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn event_types(&self) -> Vec<EventType> {
        vec![EventType::EncounterChanged, EventType::TestResult]
    }

    fn open<'a>(&'a self, input: Box<dyn BufRead + Send + 'a>) -> Result<Box<dyn RowReader + 'a>, BatchError> {
        Ok(Box::new(MessageReader::new(input)))
    }

    fn map(&self, row: &RawRow, context: &RowContext<'_>) -> Result<Vec<Draft>, RowError> {
        let bytes = row.bytes.expose();
        let text = decode(bytes, self.profile.format.encoding)?;
        // Its last value may be cut, and what stood behind it lost.
        let is_torn = !bytes.ends_with(b"\r") && !bytes.ends_with(b"\n");
        let mut drafts = hl7::map(&text, &self.profile, context).map_err(|error| match is_torn {
            true => RowError {
                message: format!("{}; nothing ends the last segment: it may be cut", error.message),
                ..error
            },
            false => error,
        })?;
        if stated_charset(bytes) == Charset::Unknown {
            drafts.iter_mut().for_each(|draft| draft.quality_flags.push("charset-unknown"));
        }
        if is_torn {
            drafts.iter_mut().for_each(|draft| draft.quality_flags.push("message-end-missing"));
        }
        Ok(drafts)
    }

    /// The message under its own name: its sender sends it again under the same one.
    fn about(&self, row: &RawRow, _context: &RowContext<'_>) -> Option<About> {
        let bytes = row.bytes.expose();
        let value = |field| String::from_utf8_lossy(msh_field(bytes, field).unwrap_or_default()).trim().to_owned();
        let control_id = value(10);
        if control_id.is_empty() {
            return None;
        }
        // Some senders begin to count anew every day.
        let day: String = value(7).chars().take(8).collect();
        let name = format!("message|{}|{}|{}|{day}|{control_id}", value(3), value(4), value(9));
        Some(About { source_record_id: name.into(), version: StatedVersion::Arrival })
    }

    fn names_messages(&self) -> bool {
        true
    }
}

/// What an acknowledgement needs to know of a message, in whatever state it is.
pub(crate) fn header(bytes: &[u8], encoding: Encoding) -> Header {
    decode(bytes, encoding).map(|text| hl7::header(&text)).unwrap_or_else(|_| {
        // The header itself is nearly always ASCII; a broken character further on must not cost the answer its address.
        let first = bytes.split(|b| *b == b'\r' || *b == b'\n').next().unwrap_or_default();
        hl7::header(&String::from_utf8_lossy(first))
    })
}

/// Decodes a message: a byte order mark is certain, MSH-18 is next, then the profile.
fn decode(bytes: &[u8], declared: Encoding) -> Result<Cow<'_, str>, RowError> {
    let encoding = match stated_charset(bytes) {
        _ if bytes.starts_with(&[0xEF, 0xBB, 0xBF]) => Encoding::Utf8,
        Charset::Known(encoding) => encoding,
        Charset::Unstated | Charset::Unknown => declared,
    };
    // What MSH-18 says is said by habit, too.
    encoding.decode_stated(bytes, declared).map_err(|error| match error.reason {
        Reason::Encoding => {
            let message = format!("{}: name the character set of the message in MSH-18", error.message);
            RowError::field("MSH-18", Reason::Encoding, message)
        }
        _ => error,
    })
}

/// The bytes of a field of MSH behind MSH-2.
fn msh_field(bytes: &[u8], field: usize) -> Option<&[u8]> {
    let msh = bytes.split(|b| *b == b'\r' || *b == b'\n').next()?;
    let separator = *msh.get(3)?;
    // MSH-1 is the separator itself.
    msh.split(|b| *b == separator).nth(field - 1)
}

/// What MSH-18 says of the characters of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charset {
    /// Nothing, or ASCII, which is part of every encoding.
    Unstated,
    Known(Encoding),
    /// A name that is in no table; the message is read as the profile says.
    Unknown,
}

/// The character set that MSH-18 names (HL7 table 0211).
fn stated_charset(bytes: &[u8]) -> Charset {
    let field = msh_field(bytes, 18).unwrap_or_default();
    let first = field.split(|b| *b == b'~').next().unwrap_or_default();
    match first.trim_ascii().to_ascii_uppercase().as_slice() {
        b"" | b"ASCII" => Charset::Unstated,
        b"UNICODE UTF-8" | b"UTF-8" | b"UTF8" => Charset::Known(Encoding::Utf8),
        b"GB 18030-2000" | b"GB18030" | b"GBK" | b"GB2312" => Charset::Known(Encoding::Gb18030),
        b"BIG-5" => Charset::Known(Encoding::Big5),
        b"8859/1" => Charset::Known(Encoding::Windows1252),
        _ => Charset::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_character_set_is_stated_by_mark_by_header_or_by_profile() {
        let gb = |text: &str| encoding_rs::GB18030.encode(text).0.into_owned();
        let plain = gb("MSH|^~\\&|A|B|C|D|20220301||ADT^A01|1|P|2.4\rPID|||1||王^小明");
        assert!(decode(&plain, Encoding::Gb18030).expect("decodes").contains("王^小明"));
        let stated = "MSH|^~\\&|A|B|C|D|20220301||ADT^A01|1|P|2.4||||||UNICODE UTF-8\rPID|||1||王^小明";
        assert!(decode(stated.as_bytes(), Encoding::Gb18030).expect("decodes").contains("王^小明"));
        let marked = "\u{feff}MSH|^~\\&|\rPID|||1||王^小明";
        assert!(decode(marked.as_bytes(), Encoding::Gb18030).expect("decodes").contains("王^小明"));
    }

    #[test]
    fn utf8_that_nobody_stated_is_an_error_and_no_other_name() {
        for name in ["王明", "王小明"] {
            let text = format!("MSH|^~\\&|A|B|C|D|20220301||ADT^A01|1|P|2.4\rPID|||1||{name}||20000101");
            let error = decode(text.as_bytes(), Encoding::Gb18030).expect_err("refused");
            assert_eq!((error.field.as_deref(), error.reason), (Some("MSH-18"), Reason::Encoding));
            assert!(error.message.contains("look like UTF-8"), "{error}");
        }
    }

    #[test]
    fn a_message_that_says_latin_over_chinese_bytes_is_an_error_and_no_other_name() {
        let message = |name: &str, verdict: &str| {
            format!("MSH|^~\\&|A|B|C|D|1||ORU^R01|1|P|2.4||||||8859/1\rPID|||1||{name}\rOBX|1|ST|A||{verdict}\r")
        };
        let chinese = message("张^伟", "阳性");
        for declared in [Encoding::Gb18030, Encoding::Utf8] {
            for (bytes, looks) in [
                (chinese.clone().into_bytes(), "look like UTF-8"),
                (encoding_rs::GB18030.encode(&chinese).0.into_owned(), "look like GB18030"),
            ] {
                let error = decode(&bytes, declared).expect_err(looks);
                assert_eq!((error.field.as_deref(), error.reason), (Some("MSH-18"), Reason::Encoding));
                assert!(error.message.contains(looks), "{error}");
            }
            let latin = message("Müller^Jürgen", "5 µg");
            let bytes = encoding_rs::WINDOWS_1252.encode(&latin).0.into_owned();
            assert_eq!(decode(&bytes, declared).as_deref(), Ok(latin.as_str()));
        }
    }

    #[test]
    fn a_character_set_that_is_in_no_table_is_told_from_none() {
        let stated =
            |name: &str| stated_charset(format!("MSH|^~\\&|A|B|C|D|1||ADT^A01|1|P|2.4||||||{name}\r").as_bytes());
        for (name, charset) in [
            ("", Charset::Unstated),
            ("ASCII", Charset::Unstated),
            ("unicode utf-8", Charset::Known(Encoding::Utf8)),
            ("GB18030~UNICODE UTF-8", Charset::Known(Encoding::Gb18030)),
            ("KLINGON", Charset::Unknown),
        ] {
            assert_eq!(stated(name), charset, "{name}");
        }
        assert_eq!(stated_charset(b"MSH|^~\\&|A"), Charset::Unstated);
    }

    #[test]
    fn a_message_that_is_sent_again_is_the_same_message() {
        let profile = crate::PROFILES.iter().find(|(file, _)| *file == "hospital-hl7.toml").expect("built in");
        let feed = Hl7Feed::new(Profile::parse(profile.0, profile.1).expect("sound"));
        let key = domain::TokenKey::from_bytes(&[7; 32]);
        let context = RowContext { key: &key, ingest_time: domain::Timestamp::from_millis(0), layout: None };
        let about = |text: &str| {
            let row = RawRow {
                number: 1,
                line: 1,
                offset: 0,
                length: text.len() as u64,
                bytes: text.as_bytes().to_vec().into(),
                broken: None,
            };
            feed.about(&row, &context).map(|about| about.source_record_id.expose().clone())
        };
        let sent = about("MSH|^~\\&|LIS|H1|C|D|20220301080000||ORU^R01|77|P|2.4\rPID|||bad");
        assert!(sent.is_some());
        assert_eq!(sent, about("MSH|^~\\&|LIS|H1|C|D|20220301090000||ORU^R01|77|P|2.4\rPID|||1"));
        assert_ne!(sent, about("MSH|^~\\&|LIS|H1|C|D|20220302080000||ORU^R01|77|P|2.4\rPID|||1"));
        assert_ne!(sent, about("MSH|^~\\&|LIS|H1|C|D|20220301080000||ORU^R01|78|P|2.4\rPID|||1"));
        assert_eq!(about("MSH|^~\\&|LIS|H1|C|D|20220301080000||ORU^R01||P|2.4"), None);
    }

    #[test]
    fn half_a_character_and_nul_bytes_are_errors() {
        let error = decode(b"MSH|^~\\&|\xFF\xFF", Encoding::Gb18030).expect_err("refused");
        assert_eq!(error.reason, Reason::Encoding);
        let error = decode(b"MSH|^~\\&|\0", Encoding::Utf8).expect_err("refused");
        assert_eq!(error.reason, Reason::NulByte);
    }
}
