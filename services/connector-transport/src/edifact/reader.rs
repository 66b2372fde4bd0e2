//! Messages of interchanges, cut into rows: one for each traveller of a PAXLST, one for each booking of a PNRGOV.
//!
//! A row carries what it needs of its message, and its place in the body is that of the whole message: what failed is
//! mended and sent again as a message.

use std::collections::VecDeque;
use std::io::BufRead;

use connector::{BatchError, Counted, Encoding, Notice, RawRow, Reason, RowError, RowReader};
use domain::Sensitive;
use serde::{Deserialize, Serialize};

use super::syntax::{self, Flag, Placed, Segment, Segments};

/// Bytes of a message.
const MESSAGE_BYTES_MAX: u64 = 8 << 20;

/// What kind of message a row is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    Paxlst,
    Pnrgov,
}

/// One traveller or booking, with what its message says of the flight.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) kind: Kind,
    /// When the interchange was made, as UNB states it: date and time.
    pub(crate) prepared: [String; 2],
    pub(crate) head: Vec<Segment>,
    pub(crate) own: Vec<Segment>,
    pub(crate) flags: Vec<String>,
}

/// A message that is being read.
struct Message {
    kind: Option<Kind>,
    offset: u64,
    line: u64,
    end: u64,
    segments: Vec<Segment>,
    too_long: bool,
}

/// Reads the rows of a body.
pub(crate) struct InterchangeReader<'a> {
    segments: Segments<'a>,
    prepared: [String; 2],
    /// A message that was begun before the one before it ended.
    begun: Option<Message>,
    rows: VecDeque<RawRow>,
    flags: Vec<Flag>,
    number: u64,
    messages: u64,
    without_rows: u64,
    /// Of those, messages that cancel a flight.
    cancellations: u64,
    open: bool,
    ended: bool,
    data_start: u64,
}

impl<'a> InterchangeReader<'a> {
    pub(crate) fn open(input: Box<dyn BufRead + Send + 'a>, encoding: Encoding) -> Self {
        Self {
            segments: Segments::new(Counted::new(input), encoding),
            prepared: Default::default(),
            begun: None,
            rows: VecDeque::new(),
            flags: Vec::new(),
            number: 0,
            messages: 0,
            without_rows: 0,
            cancellations: 0,
            open: false,
            ended: false,
            data_start: 0,
        }
    }

    /// Reads on to the end of a message, and cuts it into rows.
    fn read_message(&mut self) -> Result<(), BatchError> {
        let mut message = self.begun.take();
        // The message has its UNT; it is cut when what comes behind it shows whether the interchange is whole.
        let mut done = false;
        loop {
            let placed = self.segments.next()?;
            for flag in self.segments.take_flags() {
                self.note(flag);
            }
            let Some(Placed { segment, offset, line, end }) = placed else {
                self.ended = true;
                if self.open {
                    self.note(syntax::UNZ);
                }
                self.finish(message, done);
                return Ok(());
            };
            match segment.tag() {
                "UNB" => {
                    if self.open {
                        self.note(syntax::UNZ);
                    }
                    let before = message.take();
                    let found = before.is_some();
                    self.finish(before, done);
                    self.prepared = [segment.at(4, 0).to_owned(), segment.at(4, 1).to_owned()];
                    self.open = true;
                    if found {
                        return Ok(());
                    }
                }
                "UNH" => {
                    self.messages += 1;
                    if self.data_start == 0 {
                        self.data_start = offset;
                    }
                    let kind = match segment.at(2, 0) {
                        "PAXLST" => Some(Kind::Paxlst),
                        "PNRGOV" => Some(Kind::Pnrgov),
                        _ => None,
                    };
                    let next = Message { kind, offset, line, end, segments: vec![segment], too_long: false };
                    let before = message.replace(next);
                    if before.is_some() {
                        self.begun = message;
                        self.finish(before, done);
                        return Ok(());
                    }
                }
                "UNT" => {
                    let Some(message) = message.as_mut().filter(|_| !done) else { continue };
                    message.end = end;
                    // UNT counts itself.
                    if segment.at(1, 0).parse() != Ok(message.segments.len() + 1) {
                        self.note(syntax::COUNT);
                    }
                    done = true;
                }
                "UNZ" => {
                    self.open = false;
                    if message.is_some() {
                        self.finish(message, done);
                        return Ok(());
                    }
                }
                "UNG" | "UNE" => {}
                _ => {
                    let Some(message) = message.as_mut().filter(|_| !done) else { continue };
                    message.end = end;
                    message.too_long |= end - message.offset > MESSAGE_BYTES_MAX;
                    if !message.too_long {
                        message.segments.push(segment);
                    }
                }
            }
        }
    }

    fn finish(&mut self, message: Option<Message>, done: bool) {
        let Some(message) = message else { return };
        if !done {
            self.note(syntax::UNT);
        }
        self.cut(message);
    }

    fn note(&mut self, flag: Flag) {
        if !self.flags.contains(&flag) {
            self.flags.push(flag);
        }
    }

    /// Cuts a message into rows. What was repaired since the message before is told of each of them.
    fn cut(&mut self, message: Message) {
        let broken = match message.kind {
            None => {
                Some(RowError::field("UNH", Reason::MessageType, "this feed takes PAXLST and PNRGOV messages only"))
            }
            Some(_) if message.too_long => {
                let text = format!("the message has more than {MESSAGE_BYTES_MAX} bytes");
                Some(RowError::row(Reason::MessageTooLong, text))
            }
            Some(_) => None,
        };
        let (offset, line, length) = (message.offset, message.line, message.end - message.offset);
        let mut rows = VecDeque::new();
        let mut push = |bytes: Vec<u8>, broken: Option<RowError>| {
            rows.push_back(RawRow { number: 0, line, offset, length, bytes: Sensitive::new(bytes), broken });
        };
        let Some(kind) = message.kind.filter(|_| broken.is_none()) else {
            push(Vec::new(), broken);
            self.flags.clear();
            self.rows = rows;
            return;
        };
        let begins = |segment: &Segment| match kind {
            Kind::Paxlst => segment.tag() == "NAD" && segment.at(1, 0) != "MS",
            Kind::Pnrgov => segment.tag() == "SRC",
        };
        let ends = |segment: &Segment| kind == Kind::Paxlst && segment.tag() == "CNT";
        let first = message.segments.iter().position(begins).unwrap_or(message.segments.len());
        let (head, groups) = message.segments.split_at(first);
        let mut own: Vec<Vec<Segment>> = Vec::new();
        for segment in groups {
            if ends(segment) {
                let control = segment.at(1, 0) == "42";
                if control && segment.at(1, 1).parse() != Ok(own.len()) {
                    self.note(syntax::COUNT);
                }
            } else if begins(segment) {
                own.push(vec![segment.clone()]);
            } else if let Some(group) = own.last_mut() {
                group.push(segment.clone());
            }
        }
        if own.is_empty() {
            self.without_rows += 1;
            let cancels = |segment: &Segment| segment.tag() == "BGM" && segment.at(2, 0) == "XF";
            self.cancellations += u64::from(head.iter().any(cancels));
        }
        let flags: Vec<String> = std::mem::take(&mut self.flags).into_iter().map(str::to_owned).collect();
        for own in own {
            let prepared = self.prepared.clone();
            let row = Row { kind, prepared, head: head.to_vec(), own, flags: flags.clone() };
            match serde_json::to_vec(&row) {
                Ok(bytes) => push(bytes, None),
                Err(_) => push(Vec::new(), Some(RowError::row(Reason::MessageStructure, "the message is no text"))),
            }
        }
        self.rows = rows;
    }
}

impl RowReader for InterchangeReader<'_> {
    fn next_row(&mut self) -> Result<Option<RawRow>, BatchError> {
        while self.rows.is_empty() && !self.ended {
            self.read_message()?;
        }
        let Some(mut row) = self.rows.pop_front() else {
            return match self.messages {
                0 => {
                    let message = "the body holds no EDIFACT message (UNB … UNH … UNT)";
                    Err(BatchError::refused(Reason::MessageStructure, message))
                }
                _ => Ok(None),
            };
        };
        self.number += 1;
        row.number = self.number;
        Ok(Some(row))
    }

    fn data_start(&self) -> u64 {
        self.data_start
    }

    fn notices(&self) -> Vec<Notice> {
        let mut notices = Vec::new();
        if self.without_rows > 0 {
            let message = format!("{} messages name no traveller", self.without_rows);
            notices.push(Notice::new("messages-empty", message));
        }
        if self.cancellations > 0 {
            let message = format!(
                "{} messages cancel a flight and name no traveller: trips on it stand until a list that names their \
                 travellers cancels them (BGM XF or XR)",
                self.cancellations
            );
            notices.push(Notice::new("flight-cancelled", message));
        }
        notices
    }
}
