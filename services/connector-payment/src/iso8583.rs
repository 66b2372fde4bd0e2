//! Card messages: ISO 8583:1987, read by a table of its data elements.
//!
//! Which encoding a partner speaks is declared in the options of the profile: numbers as characters or as packed decimals,
//! bitmaps in hexadecimal digits or in bytes, and what frames a message. A card number leaves this module as a token only.
//!
//! No field tells the year: a message is of the latest year in which its time is not in the future.

use std::io::BufRead;

use connector::who::{Subjects, Who};
use connector::{
    BatchError, Counted, Draft, DraftRole, Encoding, Feed, Profile, RawRow, Reason, RowContext, RowError, RowReader,
};
use domain::{
    Decimal, IdClaim, IdScheme, Op, PaymentChannel, PaymentMade, PlaceKind, PlaceRef, Precision, Sensitive, Timestamp,
    TokenKey,
};
use jiff::tz::TimeZone;

/// Longest message.
const MESSAGE_BYTES_MAX: usize = 64 << 10;

/// What a data element holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Digits: packed where the partner packs.
    Digits,
    /// Characters.
    Text,
    /// Track data: digits and separators, packed as digits are.
    Track,
    /// Bytes: hexadecimal digits where the partner writes characters.
    Bytes,
}

/// How long it is: a fixed length, or at most so long with a length of two or three digits before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Length {
    Fixed(usize),
    Two(usize),
    Three(usize),
}

use Form::{Bytes, Digits, Text, Track};
use Length::{Fixed, Three, Two};

/// The data elements of ISO 8583:1987.
const fn element(number: usize) -> (Form, Length) {
    match number {
        2 => (Digits, Two(19)),
        3 | 11 | 12 | 73 => (Digits, Fixed(6)),
        4..=6 => (Digits, Fixed(12)),
        7 => (Digits, Fixed(10)),
        8..=10 => (Digits, Fixed(8)),
        13..=18 | 71 | 72 => (Digits, Fixed(4)),
        19..=24 | 49..=51 | 68..=70 => (Digits, Fixed(3)),
        25 | 26 | 67 => (Digits, Fixed(2)),
        27 | 66 => (Digits, Fixed(1)),
        28..=31 => (Text, Fixed(9)),
        32 | 33 | 99 | 100 => (Digits, Two(11)),
        34 => (Text, Two(28)),
        35 => (Track, Two(37)),
        36 => (Track, Three(104)),
        37 => (Text, Fixed(12)),
        38 => (Text, Fixed(6)),
        39 | 92 => (Text, Fixed(2)),
        40 => (Text, Fixed(3)),
        41 => (Text, Fixed(8)),
        42 => (Text, Fixed(15)),
        43 => (Text, Fixed(40)),
        44 => (Text, Two(25)),
        45 => (Text, Two(76)),
        52 | 64 | 96 | 128 => (Bytes, Fixed(8)),
        53 | 86..=89 => (Digits, Fixed(16)),
        65 => (Bytes, Fixed(1)),
        74..=81 => (Digits, Fixed(10)),
        82..=85 => (Digits, Fixed(12)),
        90 => (Digits, Fixed(42)),
        91 => (Text, Fixed(1)),
        93 => (Text, Fixed(5)),
        94 => (Text, Fixed(7)),
        95 => (Text, Fixed(42)),
        97 => (Text, Fixed(17)),
        98 => (Text, Fixed(25)),
        101 => (Text, Two(17)),
        102 | 103 => (Text, Two(28)),
        _ => (Text, Three(999)),
    }
}

/// How a partner writes messages, from the options of the profile.
#[derive(Clone, Copy, Debug)]
struct Dialect {
    /// `digits = "bcd"`: numbers are packed; else they are characters.
    packed: bool,
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
        Self { packed, binary_bitmap: is("bitmap", "binary"), frame, encoding: profile.format.encoding }
    }
}

/// A message: its type, and the texts of its data elements.
#[derive(Debug)]
struct Message {
    kind: String,
    elements: Vec<Option<String>>,
}

impl Message {
    fn read(bytes: &[u8], dialect: Dialect) -> Result<Self, RowError> {
        let mut rest = bytes;
        let kind = digits(&mut rest, 4, dialect.packed, 0)?;
        let mut map = bitmap(&mut rest, dialect)?;
        if map[0] & 0x80 != 0 {
            map.extend(bitmap(&mut rest, dialect)?);
        }
        let mut elements = vec![None; 129];
        let present = (2..=map.len() * 8).filter(|number| map[(number - 1) / 8] & (0x80 >> ((number - 1) % 8)) != 0);
        for number in present.filter(|number| *number != 65) {
            let (form, length) = element(number);
            let count = match length {
                Fixed(count) => count,
                Two(most) | Three(most) => {
                    let marks = if matches!(length, Two(_)) { 2 } else { 3 };
                    let count = digits(&mut rest, marks, dialect.packed, number)?.parse().unwrap_or(usize::MAX);
                    if count > most {
                        return Err(broken(number, "is longer than it may be"));
                    }
                    count
                }
            };
            let text = match form {
                Digits | Track => digits(&mut rest, count, dialect.packed, number)?,
                Text => {
                    let part = take(&mut rest, count, number)?;
                    dialect.encoding.decode(part).map_err(|_| broken(number, "is no text"))?.trim().to_owned()
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
        Ok(Self { kind, elements })
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
fn digits(rest: &mut &[u8], count: usize, packed: bool, number: usize) -> Result<String, RowError> {
    let wrong = || broken(number, "holds something that is no digit");
    if !packed {
        let part = take(rest, count, number)?;
        let text = std::str::from_utf8(part).map_err(|_| wrong())?;
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
    let text = take(rest, 16, 0)?;
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let byte = |two: &[u8]| Some(digit(two[0])? << 4 | digit(two[1])?);
    text.chunks(2).map(byte).collect::<Option<Vec<u8>>>().ok_or_else(|| broken(0, "is not hexadecimal"))
}

/// A feed of card messages.
pub(crate) struct CardFeed {
    profile: Profile,
    dialect: Dialect,
}

impl CardFeed {
    pub(crate) fn new(profile: Profile) -> Self {
        let dialect = Dialect::of(&profile);
        Self { profile, dialect }
    }
}

impl Feed for CardFeed {
    fn profile(&self) -> &Profile {
        &self.profile
    }

    fn open<'a>(&'a self, input: Box<dyn BufRead + Send + 'a>) -> Result<Box<dyn RowReader + 'a>, BatchError> {
        Ok(Box::new(MessageReader { input: Counted::new(input), frame: self.dialect.frame, number: 0, ended: false }))
    }

    fn map(&self, row: &RawRow, context: &RowContext<'_>) -> Result<Vec<Draft>, RowError> {
        let message = Message::read(row.bytes.expose(), self.dialect)?;
        drafts(&message, &self.profile, context)
    }
}

struct MessageReader<'a> {
    input: Counted<'a>,
    frame: Frame,
    number: u64,
    ended: bool,
}

impl MessageReader<'_> {
    /// The bytes of the next message; false when the body ends in it.
    fn message(&mut self) -> Result<(Vec<u8>, bool), BatchError> {
        let mut bytes = Vec::new();
        let header = match self.frame {
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
        let length = match self.frame {
            Frame::Binary2 => Some(usize::from(u16::from_be_bytes([mark[0], mark[1]]))),
            _ => std::str::from_utf8(&mark).ok().and_then(|text| text.parse().ok()),
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
        if self.frame == Frame::Line {
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
    // What was declined did not happen.
    if message.text(39).is_some_and(|code| code != "00") {
        return Ok(Vec::new());
    }
    let stated = message.text(7).ok_or_else(|| missing(7))?;
    let at = instant(stated, context.ingest_time)
        .ok_or_else(|| RowError::field("DE 7", Reason::ValueTime, "DE 7 is no time as MMDDhhmmss"))?;
    let trace = message.text(11).ok_or_else(|| missing(11))?;
    let acquirer = message.text(32).unwrap_or_default();
    let mut flags = vec!["year-assumed"];
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
    let amount = message.text(4).ok_or_else(|| missing(4))?;
    let mut amount: i64 =
        amount.parse().map_err(|_| RowError::field("DE 4", Reason::ValueNumber, "DE 4 is no amount"))?;
    if matches!(currency.as_deref(), Some("JPY" | "KRW")) {
        // Currencies without a smaller unit.
        amount *= 100;
    }
    let terminal = message.text(41).map(str::to_owned);
    let shop = message.text(42);
    // The first two digits of the entry mode: typed in and on line prove no presence.
    let absent = message.text(22).is_some_and(|mode| matches!(&mode[..2], "01" | "10" | "81"));
    let source = profile.options.get("place_source").unwrap_or(&profile.source);
    let named = terminal.as_deref().or(shop);
    let body = PaymentMade {
        subject: claims,
        amount: Some(Decimal::from_unscaled(if reversal { -amount } else { amount })),
        currency,
        channel: if absent { PaymentChannel::Online } else { PaymentChannel::Card },
        on_site: terminal.is_some() && !absent && !reversal,
        place: PlaceRef {
            place_id: named.map(|id| format!("{source}/{id}")),
            kind: PlaceKind::Merchant,
            name: message.text(43).map(Sensitive::from),
            ..PlaceRef::default()
        },
        terminal_id: terminal,
        // DE 90 names the message that is taken back: its type, trace, time and acquirer.
        reverses: message.text(90).filter(|_| reversal).and_then(|original| {
            Some(record(original.get(20..31)?.trim_start_matches('0'), original.get(4..10)?, original.get(10..20)?))
        }),
    };
    let draft = Draft {
        role: DraftRole::Record,
        source_record_id: format!("{}{}", if reversal { "reversal:" } else { "" }, record(acquirer, trace, stated))
            .into(),
        version: None,
        version_room: 0,
        op: Op::Upsert,
        event_time: at,
        precision: Precision::Second,
        utc_offset_min: Some(0),
        offset_assumed: false,
        created_time: None,
        quality_flags: flags,
        body: body.into(),
    };
    Ok(sighting.into_iter().chain([draft]).collect())
}

/// What names a message: acquirer, trace number and time of transmission.
fn record(acquirer: &str, trace: &str, stated: &str) -> String {
    format!("card:{}:{trace}:{stated}", acquirer.trim_start_matches('0'))
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

/// `MMDDhhmmss` of GMT, in the latest year in which it is not later than a day after the message came.
fn instant(text: &str, received: Timestamp) -> Option<Timestamp> {
    let part = |at: usize| text.get(at..at + 2)?.parse::<i8>().ok();
    let (year, ..) = received.day_at_offset(0).ymd()?;
    let at = |year: i16| {
        let date = jiff::civil::Date::new(year, part(0)?, part(2)?).ok()?;
        let time = jiff::civil::Time::new(part(4)?, part(6)?, part(8)?, 0).ok()?;
        Timestamp::from_civil(date.to_datetime(time), &TimeZone::UTC).ok().map(|(at, _)| at)
    };
    let known = |year: i16| at(year).filter(|at| *at <= received.plus_millis(86_400_000));
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
mod tests {
    use connector::{Mapped, preview};
    use domain::Body;
    use test_support::build::token_key;

    use super::*;

    const PROFILE: &str = include_str!("../profiles/card-messages.toml");

    fn read(body: &[u8], options: &str) -> Vec<Mapped> {
        let text = PROFILE.replace("[options]\n", &format!("[options]\n{options}\n"));
        let feed = CardFeed::new(Profile::parse("test", &text).expect("a profile"));
        let now = Timestamp::parse("2022-03-20T00:00:00Z").expect("an instant");
        let rows = preview(&feed, body, &token_key(), now).expect("a body that fits");
        rows.into_iter().map(|(_, result)| result).collect()
    }

    /// Elements 2 3 4 7 11 22 32 41 49 as characters.
    fn purchase(kind: &str, time: &str) -> String {
        let map: u64 = [2, 3, 4, 7, 11, 22, 32, 41, 49].iter().map(|number| 1 << (64 - number)).sum();
        format!("{kind}{map:016X}166222020000000008000000000000001234{time}00000105106100200T1      156")
    }

    fn payment(mapped: &Mapped) -> (&Draft, &PaymentMade) {
        let draft = mapped.as_ref().expect("a message").last().expect("a draft");
        match &draft.body {
            Body::PaymentMade(payment) => (draft, payment),
            other => panic!("unexpected {other:?}"),
        }
    }

    #[test]
    fn a_message_is_a_payment_and_the_card_number_is_nowhere_in_it() {
        let rows = read(purchase("0200", "0301080211").as_bytes(), "");
        let (draft, paid) = payment(&rows[0]);
        assert_eq!(draft.event_time.to_string(), "2022-03-01T08:02:11Z");
        assert_eq!((paid.amount, paid.currency.as_deref()), (Decimal::parse("12.34"), Some("CNY")));
        assert!(paid.on_site && paid.terminal_id.as_deref() == Some("T1"));
        assert_eq!(paid.subject[0].scheme, IdScheme::BankCard);
        let everything = format!("{:?} {}", rows[0], draft.source_record_id.expose());
        assert!(!everything.contains("622202000000000"), "{everything}");
    }

    #[test]
    fn packed_digits_and_binary_bitmaps_say_the_same_as_characters() {
        let plain = purchase("0200", "0301080211");
        let map = u64::from_str_radix(&plain[4..20], 16).expect("a bitmap");
        let mut bytes = vec![0x02, 0x00];
        bytes.extend(map.to_be_bytes());
        let packed = |digits: &str| -> Vec<u8> {
            let even = if digits.len() % 2 == 1 { format!("0{digits}") } else { digits.to_owned() };
            (0..even.len()).step_by(2).map(|at| u8::from_str_radix(&even[at..at + 2], 16).expect("digits")).collect()
        };
        for digits in
            ["16", "6222020000000008", "000000", "000000001234", "0301080211", "000001", "051", "06", "100200"]
        {
            bytes.extend(packed(digits));
        }
        bytes.extend(b"T1      ");
        bytes.extend(packed("156"));
        let mut framed = (bytes.len() as u16).to_be_bytes().to_vec();
        framed.extend(&bytes);
        let options = "digits = \"bcd\"\nbitmap = \"binary\"\nlength = \"binary2\"";
        let rows = read(&[framed.clone(), framed[..20].to_vec()].concat(), options);
        let characters = read(plain.as_bytes(), "");
        assert_eq!(payment(&rows[0]).1, payment(&characters[0]).1);
        // A message that is cut off is one row, and the last.
        assert_eq!(rows[1].as_ref().expect_err("cut off").reason, Reason::MessageStructure);
        assert_eq!(rows.len(), 2);
    }

    #[test]
    fn no_message_is_of_the_future_and_the_year_turns() {
        let at = |time: &str| payment(&read(purchase("0200", time).as_bytes(), "")[0]).0.event_time.to_string();
        assert_eq!(at("1231235959"), "2021-12-31T23:59:59Z");
        assert_eq!(at("0320120000"), "2022-03-20T12:00:00Z");
        assert_eq!(at("0229000000"), "2020-02-29T00:00:00Z");
        let rows = read(purchase("0200", "1340000000").as_bytes(), "");
        assert_eq!(rows[0].as_ref().expect_err("no time").reason, Reason::ValueTime);
    }

    #[test]
    fn a_reversal_names_what_it_takes_back_and_other_messages_are_named() {
        let map: u64 = [1, 4, 7, 11, 32].iter().map(|number| 1 << (64 - number)).sum();
        let second: u64 = 1 << (128 - 90);
        let original = format!("0200000001{}{:0>11}{:0>11}", "0301080211", "100200", "");
        let text = format!("0400{map:016X}{second:016X}000000001234030109000000000206100200{original}");
        let rows = read(text.as_bytes(), "");
        let (_, back) = payment(&rows[0]);
        let first = read(purchase("0200", "0301080211").as_bytes(), "");
        assert_eq!(back.reverses.as_deref(), Some(payment(&first[0]).0.source_record_id.expose().as_str()));
        assert_eq!((back.amount, back.on_site), (Decimal::parse("-12.34"), false));
        let network = read(purchase("0800", "0301080211").as_bytes(), "");
        assert_eq!(network[0].as_ref().expect_err("no payment").reason, Reason::MessageType);
        let line = purchase("0200", "0301080211");
        let long = line.replace("166222", "996222");
        for damaged in [line[..60].to_owned(), line[..10].to_owned(), "0200ZZ".to_owned(), format!("{line}7"), long] {
            assert_eq!(read(damaged.as_bytes(), "")[0].as_ref().expect_err("broken").reason, Reason::MessageStructure);
        }
    }
}
