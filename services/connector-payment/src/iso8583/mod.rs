//! Card messages: ISO 8583 of 1987 and of 1993, read by tables of their data elements.
//!
//! Which encoding a partner speaks is declared in the options of the profile: characters in ASCII or in EBCDIC, numbers as
//! characters or as packed decimals, bitmaps in hexadecimal digits or in bytes, and what frames a message. A card number
//! leaves this module as a token only. Partners whose elements have other forms than the standard's declare them: `element:4 =
//! "n 16"`.
//!
//! No field of 1987 tells the year: such a message is of the latest year in which its time is not in the future.

mod ebcdic;
mod elements;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::BufRead;

use connector::who::{Subjects, Who};
use connector::{
    BatchError, Counted, Draft, DraftRole, Encoding, Feed, Profile, ProfileError, RawRow, Reason, RowContext, RowError,
    RowReader,
};
use domain::{
    Decimal, IdClaim, IdScheme, Op, PaymentChannel, PaymentMade, PlaceKind, PlaceRef, Precision, Sensitive, Timestamp,
    TokenKey,
};
use jiff::tz::TimeZone;

use elements::Form::{Bytes, Currency, Digits, Text, Track};
use elements::Length::{Fixed, Three, Two};
use elements::{Form, Length, Version};

/// Longest message.
const MESSAGE_BYTES_MAX: usize = 64 << 10;
const DAY_MS: i64 = 86_400_000;
/// Versions of what is asked for. Answers have theirs by arrival, and those are higher.
const REQUEST_VERSIONS: i64 = u32::MAX as i64;

/// How a partner writes messages, from the options of the profile.
#[derive(Clone, Copy, Debug)]
struct Dialect {
    /// `digits = "bcd"`: numbers are packed; else they are characters.
    packed: bool,
    /// `text = "ebcdic"`: what is characters is EBCDIC.
    ebcdic: bool,
    /// `bitmap = "binary"`: bytes; else hexadecimal digits.
    binary_bitmap: bool,
    /// `length = "binary2"` or `"ascii4"`: what stands before each message; else each is a line.
    frame: Frame,
    encoding: Encoding,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    Line,
    Binary2,
    Ascii4,
}

impl Dialect {
    fn of(profile: &Profile) -> Self {
        let is = |option: &str, value: &str| profile.options.get(option).is_some_and(|stated| stated == value);
        let packed = is("digits", "bcd");
        let frame = match profile.options.get("length").map(String::as_str) {
            Some("binary2") => Frame::Binary2,
            Some("ascii4") => Frame::Ascii4,
            _ => Frame::Line,
        };
        let (ebcdic, binary_bitmap) = (is("text", "ebcdic"), is("bitmap", "binary"));
        Self { packed, ebcdic, binary_bitmap, frame, encoding: profile.format.encoding }
    }

    /// Characters as ASCII, or as the profile's encoding has them.
    fn characters(self, bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
        if self.ebcdic { ebcdic::decode(bytes).map(Cow::Owned) } else { Some(Cow::Borrowed(bytes)) }
    }
}

/// Data elements that a partner writes otherwise than the standard has them.
type Declared = BTreeMap<usize, (Form, Length)>;

/// Reads them from the options of the profile; gives the key of one that makes no sense.
fn declared(profile: &Profile) -> Result<Declared, String> {
    let stated = profile.options.iter().filter_map(|(key, text)| Some((key, key.strip_prefix("element:")?, text)));
    let read = |(key, number, text): (&String, &str, &String)| {
        let number = number.parse().ok().filter(|number| (2..=128).contains(number));
        number.zip(elements::declared(text)).ok_or_else(|| key.clone())
    };
    stated.map(read).collect()
}

/// A message: its type, and the texts of its data elements.
#[derive(Debug)]
struct Message {
    kind: String,
    version: Version,
    elements: Vec<Option<String>>,
}

impl Message {
    fn read(bytes: &[u8], dialect: Dialect, declared: &Declared) -> Result<Self, RowError> {
        let mut rest = bytes;
        if dialect.characters(bytes.get(..3).unwrap_or_default()).is_some_and(|begin| *begin == *b"ISO") {
            let message = "a header (ISO…) stands before the type of the message; have the switch leave it out";
            return Err(RowError::field("MTI", Reason::MessageStructure, message));
        }
        let kind = digits(&mut rest, 4, dialect, 0)?;
        let version = Version::of(&kind).ok_or_else(|| broken(0, "is of no version of 1987 or 1993"))?;
        let mut map = bitmap(&mut rest, dialect)?;
        if map[0] & 0x80 != 0 {
            map.extend(bitmap(&mut rest, dialect)?);
        }
        let mut elements = vec![None; 129];
        let present = (2..=map.len() * 8).filter(|number| map[(number - 1) / 8] & (0x80 >> ((number - 1) % 8)) != 0);
        // Bit 65 of 1987 says that a third bitmap follows, which nobody sends.
        for number in present.filter(|number| *number != 65 || version == Version::V1993) {
            let (form, length) = declared.get(&number).copied().unwrap_or_else(|| version.element(number));
            let count = match length {
                Fixed(count) => count,
                Two(most) | Three(most) => {
                    let marks = if matches!(length, Two(_)) { 2 } else { 3 };
                    let count = digits(&mut rest, marks, dialect, number)?.parse().unwrap_or(usize::MAX);
                    if count > most {
                        return Err(broken(number, "is longer than it may be"));
                    }
                    count
                }
            };
            let text = match form {
                Digits | Track => digits(&mut rest, count, dialect, number)?,
                Currency if dialect.packed => digits(&mut rest, count, dialect, number)?,
                Text | Currency => {
                    let part = take(&mut rest, count, number)?;
                    let part = dialect.characters(part).ok_or_else(|| broken(number, "is no text"))?;
                    let text = dialect.encoding.decode(&part).map_err(|_| broken(number, "is no text"))?;
                    let all = |is: fn(&u8) -> bool| text.as_bytes().iter().all(is);
                    if form == Currency && !all(u8::is_ascii_digit) && !all(u8::is_ascii_uppercase) {
                        return Err(broken(number, "is neither the digits nor the letters of a currency"));
                    }
                    text.trim().to_owned()
                }
                Bytes => {
                    take(&mut rest, if dialect.packed { count } else { count * 2 }, number)?;
                    String::new()
                }
            };
            elements[number] = Some(text).filter(|text| !text.is_empty());
        }
        if !rest.iter().all(u8::is_ascii_whitespace) {
            let message = "the message goes on behind its last data element: its bitmap or a length is wrong";
            return Err(RowError::row(Reason::MessageStructure, message));
        }
        Ok(Self { kind, version, elements })
    }

    fn text(&self, number: usize) -> Option<&str> {
        self.elements[number].as_deref()
    }
}

fn broken(number: usize, what: &str) -> RowError {
    let field = if number == 0 { "MTI or bitmap".to_owned() } else { format!("DE {number}") };
    let message = format!("{field} {what}");
    RowError::field(field, Reason::MessageStructure, message)
}

fn take<'b>(rest: &mut &'b [u8], count: usize, number: usize) -> Result<&'b [u8], RowError> {
    let (part, after) = rest.split_at_checked(count).ok_or_else(|| broken(number, "is cut off"))?;
    *rest = after;
    Ok(part)
}

/// Digits as characters, or packed two in a byte, padded at the left to a whole byte.
fn digits(rest: &mut &[u8], count: usize, dialect: Dialect, number: usize) -> Result<String, RowError> {
    let wrong = || broken(number, "holds something that is no digit");
    if !dialect.packed {
        let part = dialect.characters(take(rest, count, number)?).ok_or_else(wrong)?;
        let text = std::str::from_utf8(&part).map_err(|_| wrong())?;
        let fits = |c: char| c.is_ascii_digit() || (matches!(number, 35 | 36) && matches!(c, '=' | 'D'));
        return if text.chars().all(fits) { Ok(text.to_owned()) } else { Err(wrong()) };
    }
    let part = take(rest, count.div_ceil(2), number)?;
    let nibbles = part.iter().flat_map(|byte| [byte >> 4, byte & 15]).skip(count % 2);
    nibbles
        .map(|nibble| match nibble {
            0..=9 => Ok(char::from(b'0' + nibble)),
            0xD if matches!(number, 35 | 36) => Ok('='),
            _ => Err(wrong()),
        })
        .collect()
}

fn bitmap(rest: &mut &[u8], dialect: Dialect) -> Result<Vec<u8>, RowError> {
    if dialect.binary_bitmap {
        return take(rest, 8, 0).map(<[u8]>::to_vec);
    }
    let text = dialect.characters(take(rest, 16, 0)?).ok_or_else(|| broken(0, "is not hexadecimal"))?;
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let byte = |two: &[u8]| Some(digit(two[0])? << 4 | digit(two[1])?);
    text.chunks(2).map(byte).collect::<Option<Vec<u8>>>().ok_or_else(|| broken(0, "is not hexadecimal"))
}

/// A feed of card messages.
pub(crate) struct CardFeed {
    profile: Profile,
    dialect: Dialect,
    declared: Declared,
}

impl CardFeed {
    /// # Errors
    /// When a data element is declared in a form that there is not.
    pub(crate) fn new(profile: Profile) -> Result<Self, ProfileError> {
        let dialect = Dialect::of(&profile);
        let declared = declared(&profile).map_err(|option| ProfileError::Key {
            file: profile.feed.to_string(),
            key: format!("options.{option}"),
            message: "a data element from 2 to 128 is `n 12`, `an 6`, `ans 40`, `b 8` or `z 37`, with `ll` or `lll` \
                      before it where its length stands there"
                .to_owned(),
        })?;
        Ok(Self { profile, dialect, declared })
    }
}

impl Feed for CardFeed {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn open<'a>(&'a self, input: Box<dyn BufRead + Send + 'a>) -> Result<Box<dyn RowReader + 'a>, BatchError> {
        Ok(Box::new(MessageReader { input: Counted::new(input), dialect: self.dialect, number: 0, ended: false }))
    }

    fn map(&self, row: &RawRow, context: &RowContext<'_>) -> Result<Vec<Draft>, RowError> {
        let message = Message::read(row.bytes.expose(), self.dialect, &self.declared)?;
        drafts(&message, &self.profile, context)
    }
}

struct MessageReader<'a> {
    input: Counted<'a>,
    dialect: Dialect,
    number: u64,
    ended: bool,
}

impl MessageReader<'_> {
    /// The bytes of the next message; false when the body ends in it.
    fn message(&mut self) -> Result<(Vec<u8>, bool), BatchError> {
        let mut bytes = Vec::new();
        let header = match self.dialect.frame {
            Frame::Line => {
                while self.input.first()?.is_some_and(|byte| byte != b'\n') {
                    self.input.take(1, &mut bytes, MESSAGE_BYTES_MAX)?;
                }
                if self.input.first()?.is_some() {
                    self.input.skip(1)?;
                }
                return Ok((bytes.trim_ascii_end().to_vec(), true));
            }
            Frame::Binary2 => 2,
            Frame::Ascii4 => 4,
        };
        let mut mark = Vec::new();
        if !self.fill(&mut mark, header)? {
            return Ok((mark, false));
        }
        let length = match self.dialect.frame {
            Frame::Binary2 => Some(usize::from(u16::from_be_bytes([mark[0], mark[1]]))),
            _ => self.dialect.characters(&mark).and_then(|text| std::str::from_utf8(&text).ok()?.parse().ok()),
        };
        let Some(length) = length.filter(|length| *length > 0) else { return Ok((mark, false)) };
        let whole = self.fill(&mut bytes, length)?;
        Ok((bytes, whole))
    }

    fn fill(&mut self, bytes: &mut Vec<u8>, count: usize) -> Result<bool, BatchError> {
        while bytes.len() < count {
            let there = self.input.peek()?.len().min(count - bytes.len());
            if there == 0 {
                return Ok(false);
            }
            self.input.take(there, bytes, MESSAGE_BYTES_MAX)?;
        }
        Ok(true)
    }
}

impl RowReader for MessageReader<'_> {
    fn next_row(&mut self) -> Result<Option<RawRow>, BatchError> {
        if self.dialect.frame == Frame::Line {
            self.input.skip_blanks()?;
        }
        if self.ended || self.input.first()?.is_none() {
            return Ok(None);
        }
        let (offset, line) = (self.input.offset(), self.input.line());
        let (mut bytes, whole) = self.message()?;
        let mut broken = None;
        if !whole {
            // Where the next message begins is not known.
            self.input.take_rest(&mut bytes, MESSAGE_BYTES_MAX)?;
            self.ended = true;
            let message = "a message is cut off, or its length is none; nothing behind it can be read";
            broken = Some(RowError::row(Reason::MessageStructure, message));
        }
        self.number += 1;
        let length = self.input.offset() - offset;
        if length > MESSAGE_BYTES_MAX as u64 && broken.is_none() {
            let message = format!("the message has more than {MESSAGE_BYTES_MAX} bytes");
            broken = Some(RowError::row(Reason::MessageTooLong, message));
        }
        Ok(Some(RawRow { number: self.number, line, offset, length, bytes: Sensitive::new(bytes), broken }))
    }
}

fn drafts(message: &Message, profile: &Profile, context: &RowContext<'_>) -> Result<Vec<Draft>, RowError> {
    let reversal = match message.kind.get(1..2) {
        Some("1" | "2") => false,
        Some("4") => true,
        _ => {
            let text = "this feed takes authorizations, financial messages and reversals (x1xx, x2xx, x4xx)";
            return Err(RowError::field("MTI", Reason::MessageType, text));
        }
    };
    // What was declined did not happen, and its request is taken back. A request to reverse has the reason for that there.
    let approved = |code: &str| match message.version {
        Version::V1987 => matches!(code, "00" | "08" | "10" | "11" | "16"),
        Version::V1993 => code.starts_with('0') || (reversal && code == "400"),
    };
    let answer = matches!(message.kind.get(2..3), Some("1" | "3"));
    let declined = (answer || !reversal) && message.text(39).is_some_and(|code| !approved(code));
    // What became of it outranks what was asked for, whichever is read first, and however often it was asked.
    let told_outcome = answer || (!reversal && message.text(39).is_some());
    let told = told(message, profile, context.ingest_time)?;
    let (stated, at) = (told.stated.as_str(), told.at);
    let trace = message.text(11).ok_or_else(|| missing(11))?;
    let acquirer = message.text(32).unwrap_or_default();
    let terminal = message.text(41).map(str::to_owned);
    let shop = message.text(42);
    let named = terminal.as_deref().or(shop);
    let mut flags = told.flags;
    let mut who = Who::default();
    let track = message.text(35).and_then(|track| track.split('=').next());
    if let Some(card) = message.text(2).or(track) {
        if !luhn(card) {
            flags.push("card-check-digit");
        }
        who.statement.person.claims.push(card_claim(context.key, card, &profile.source)?);
    }
    let Subjects { claims, sighting } = who.subjects(profile, context.key, at)?;
    let currency = message.text(49).map(currency);
    let amount = message.text(4).or_else(|| declined.then_some("0")).ok_or_else(|| missing(4))?;
    let mut amount: i64 =
        amount.parse().map_err(|_| RowError::field("DE 4", Reason::ValueNumber, "DE 4 is no amount"))?;
    if matches!(currency.as_deref(), Some("JPY" | "KRW")) {
        // Currencies without a smaller unit.
        amount *= 100;
    }
    let absent = message.text(22).is_some_and(|mode| match message.version {
        // The first two digits of the entry mode: typed in and on line prove no presence.
        Version::V1987 => matches!(mode.get(..2), Some("01" | "10" | "81")),
        // The fifth character says whether the holder of the card was there.
        Version::V1993 => mode.get(4..5).is_some_and(|present| present != "0"),
    });
    let source = profile.options.get("place_source").unwrap_or(&profile.source);
    let body = PaymentMade {
        subject: claims,
        amount: Some(Decimal::from_unscaled(if reversal { -amount } else { amount })),
        currency,
        channel: if absent { PaymentChannel::Online } else { PaymentChannel::Card },
        on_site: terminal.is_some() && !absent && !reversal && !declined,
        place: PlaceRef {
            place_id: named.map(|id| format!("{source}/{id}")),
            kind: PlaceKind::Merchant,
            name: message.text(43).map(Sensitive::from),
            ..PlaceRef::default()
        },
        reverses: original(message, named).filter(|_| reversal),
        terminal_id: terminal.clone(),
        pending: false,
    };
    let draft = Draft {
        role: DraftRole::Record,
        source_record_id: format!(
            "{}{}",
            if reversal { "reversal:" } else { "" },
            record(acquirer, named, trace, stated)
        )
        .into(),
        version: (!told_outcome).then_some(0),
        version_room: if told_outcome { 0 } else { REQUEST_VERSIONS },
        op: if declined { Op::Retract } else { Op::Upsert },
        event_time: at,
        precision: Precision::Second,
        utc_offset_min: Some(told.offset_min),
        offset_assumed: told.offset_min != 0,
        created_time: None,
        quality_flags: flags,
        body: body.into(),
    };
    Ok(sighting.into_iter().filter(|_| !declined).chain([draft]).collect())
}

/// When a message says that it happened.
struct Told {
    /// As it is written; it names the message.
    stated: String,
    at: Timestamp,
    offset_min: i32,
    flags: Vec<&'static str>,
}

fn told(message: &Message, profile: &Profile, received: Timestamp) -> Result<Told, RowError> {
    if let Some(stated) = message.text(12).filter(|_| message.version == Version::V1993) {
        let wrong = |reason, text: &str| RowError::field("DE 12", reason, text);
        let (at, offset_min) = local(stated, &profile.time.zone)
            .ok_or_else(|| wrong(Reason::ValueTime, "DE 12 is no time as YYMMDDhhmmss"))?;
        if at < profile.time.earliest() || at > received.plus_millis(DAY_MS) {
            return Err(wrong(Reason::TimeOutOfRange, "DE 12 is before 1990 or later than it can be"));
        }
        return Ok(Told { stated: stated.to_owned(), at, offset_min, flags: Vec::new() });
    }
    let wrong = |field: &str, forms: &str| {
        let text = format!(
            "{field} is no time as {forms}; where the partner writes another element longer or shorter than the standard, \
             the profile declares it (docs/PROFILES.md, iso8583)"
        );
        RowError::field(field, Reason::ValueTime, text)
    };
    if let Some(stated) = message.text(7) {
        let (at, assumed) =
            instant(stated, received).ok_or_else(|| wrong("DE 7", "MMDDhhmmss, YYMMDDhhmmss or YYYYMMDDhhmmss"))?;
        if at < profile.time.earliest() || at > received.plus_millis(DAY_MS) {
            let text = "DE 7 is before 1990 or later than it can be";
            return Err(RowError::field("DE 7", Reason::TimeOutOfRange, text));
        }
        let flags = if assumed { vec!["year-assumed"] } else { Vec::new() };
        return Ok(Told { stated: stated.to_owned(), at, offset_min: 0, flags });
    }
    // Without the time of transmission, the time at the terminal.
    let (Some(day), Some(time)) = (message.text(13), message.text(12)) else { return Err(missing(7)) };
    let stated = format!("{day}{time}");
    let found = latest(received, |year| local(&format!("{:02}{stated}", year % 100), &profile.time.zone));
    let (at, offset_min) = found.ok_or_else(|| wrong("DE 12", "hhmmss, or DE 13 as MMDD"))?;
    Ok(Told { stated, at, offset_min, flags: vec!["year-assumed"] })
}

/// The message that a reversal takes back: DE 90 of 1987, DE 56 of 1993 name its type, trace, time and acquirer. It was sent
/// from the same terminal.
fn original(message: &Message, named: Option<&str>) -> Option<String> {
    match message.version {
        Version::V1987 => {
            let original = message.text(90)?;
            Some(record(original.get(20..31)?, named, original.get(4..10)?, original.get(10..20)?))
        }
        Version::V1993 => {
            let original = message.text(56)?;
            // Behind the two digits of its length.
            Some(record(original.get(24..).unwrap_or_default(), named, original.get(4..10)?, original.get(10..22)?))
        }
    }
}

/// `YYMMDDhhmmss` of a zone, and the zone's offset then.
fn local(text: &str, zone: &TimeZone) -> Option<(Timestamp, i32)> {
    let part = |at: usize| text.get(at..at + 2)?.parse::<i8>().ok();
    let date = jiff::civil::Date::new(2000 + i16::from(part(0)?), part(2)?, part(4)?).ok()?;
    let time = jiff::civil::Time::new(part(6)?, part(8)?, part(10)?, 0).ok()?;
    Timestamp::from_civil(date.to_datetime(time), zone).ok()
}

/// What names a message: acquirer, terminal, trace number and time of transmission. Terminals count their messages each for
/// itself. The reference number of DE 37 comes with the answer only, and request and answer are one payment.
fn record(acquirer: &str, terminal: Option<&str>, trace: &str, stated: &str) -> String {
    format!("card:{}:{}:{trace}:{stated}", acquirer.trim_start_matches('0'), terminal.unwrap_or_default())
}

fn missing(number: usize) -> RowError {
    let field = format!("DE {number}");
    let message = format!("{field} is missing");
    RowError::field(field, Reason::RequiredMissing, message)
}

/// A card number as a token: nobody behind this module sees the number.
fn card_claim(key: &TokenKey, card: &str, issuer: &str) -> Result<IdClaim, RowError> {
    let token: String = key.opaque("card-number", card).iter().map(|byte| format!("{byte:02X}")).collect();
    IdClaim::parse(IdScheme::BankCard, &token, Some(issuer))
        .map_err(|error| RowError::field("DE 2", Reason::IdentifierInvalid, error.to_string()))
}

fn luhn(card: &str) -> bool {
    let sum: u32 = card.bytes().rev().enumerate().fold(0, |sum, (at, byte)| {
        let digit = u32::from(byte.wrapping_sub(b'0'));
        sum + if at % 2 == 0 { digit } else { digit * 2 / 10 + digit * 2 % 10 }
    });
    sum.is_multiple_of(10)
}

/// A time of GMT as `MMDDhhmmss`, or with two or four digits of the year before it; and whether the year is assumed.
fn instant(text: &str, received: Timestamp) -> Option<(Timestamp, bool)> {
    let utc = |text: &str| local(text, &TimeZone::UTC);
    let found = match text.len() {
        10 => latest(received, |year| utc(&format!("{:02}{text}", year % 100))).map(|found| (found, true)),
        12 => utc(text).map(|found| (found, false)),
        14 => text.strip_prefix("20").and_then(utc).map(|found| (found, false)),
        _ => None,
    };
    found.map(|((at, _), assumed)| (at, assumed))
}

/// The latest year in which a time without one is not later than a day after the message came.
fn latest(received: Timestamp, at: impl Fn(i16) -> Option<(Timestamp, i32)>) -> Option<(Timestamp, i32)> {
    let (year, ..) = received.day_at_offset(0).ymd()?;
    let known = |year: i16| at(year).filter(|(at, _)| *at <= received.plus_millis(DAY_MS));
    // Next year on its first day, and the last leap year for 29 February.
    (-4..=1).rev().find_map(|back| known(year + back))
}

/// Numbers of ISO 4217 as letters, for the currencies of the region; others stay numbers.
fn currency(number: &str) -> String {
    match number {
        "156" => "CNY",
        "344" => "HKD",
        "446" => "MOP",
        "901" => "TWD",
        "392" => "JPY",
        "410" => "KRW",
        "702" => "SGD",
        "360" => "IDR",
        "643" => "RUB",
        "840" => "USD",
        "978" => "EUR",
        "826" => "GBP",
        other => other,
    }
    .to_owned()
}

#[cfg(test)]
mod tests;
