//! Cuts a body into HL7 v2 messages: one message, several, or a batch (FHS, BHS … BTS, FTS), framed for MLLP or not.

use std::io::BufRead;

use connector::{BatchError, RawRow, Reason, RowError, RowReader};
use domain::Sensitive;

/// Longest message that is taken, in bytes.
pub(crate) const MESSAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The segment of the hub's own that stands in the place of what was not kept of a message.
const CUT_SEGMENT: &[u8] = b"ZIC";

const BLOCK_BEGIN: u8 = 0x0B;
const BLOCK_END: u8 = 0x1C;
const BYTE_ORDER_MARK: &[u8] = &[0xEF, 0xBB, 0xBF];

/// Reads the messages of one body.
pub(crate) struct MessageReader<'a> {
    input: Box<dyn BufRead + Send + 'a>,
    offset: u64,
    line: u64,
    number: u64,
    next: Option<Segment>,
}

/// One segment line, its end included.
struct Segment {
    bytes: Vec<u8>,
    length: u64,
    offset: u64,
    line: u64,
}

impl<'a> MessageReader<'a> {
    /// From a body.
    pub(crate) fn new(input: Box<dyn BufRead + Send + 'a>) -> Self {
        Self { input, offset: 0, line: 0, number: 0, next: None }
    }

    /// The next line up to CR or LF; a LF after CR belongs to it. Bytes beyond the longest message are counted, not kept.
    fn segment(&mut self) -> Result<Option<Segment>, BatchError> {
        if let Some(segment) = self.next.take() {
            return Ok(Some(segment));
        }
        let offset = self.offset;
        let mut bytes = Vec::new();
        let mut length = 0_u64;
        let mut ended = false;
        while !ended {
            let buffer = self.input.fill_buf()?;
            if buffer.is_empty() {
                break;
            }
            let end = buffer.iter().position(|b| *b == b'\r' || *b == b'\n');
            let take = end.map_or(buffer.len(), |at| at + 1);
            let room = MESSAGE_BYTES_MAX.saturating_sub(bytes.len());
            bytes.extend_from_slice(&buffer[..take.min(room)]);
            ended = end.is_some();
            let carriage_return = ended && buffer[take - 1] == b'\r';
            self.input.consume(take);
            length += take as u64;
            if carriage_return && self.input.fill_buf()?.first() == Some(&b'\n') {
                self.input.consume(1);
                length += 1;
            }
        }
        if length == 0 {
            return Ok(None);
        }
        self.offset += length;
        self.line += 1;
        Ok(Some(Segment { bytes, length, offset, line: self.line }))
    }
}

/// The line without byte order mark and block begin.
fn bare(bytes: &[u8]) -> &[u8] {
    let bytes = bytes.strip_prefix(&[BLOCK_BEGIN]).unwrap_or(bytes);
    bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes)
}

fn is_envelope(line: &[u8]) -> bool {
    [b"FHS", b"BHS", b"BTS", b"FTS"].iter().any(|name| line.starts_with(*name))
}

fn is_blank(line: &[u8]) -> bool {
    line.iter().all(|b| b.is_ascii_whitespace() || *b == BLOCK_END || *b == BLOCK_BEGIN)
}

/// What is kept of a message that is too long to be kept: its header segment, and a segment that says so.
pub(crate) fn cut(begin: &[u8]) -> (Vec<u8>, RowError) {
    let mut lines = begin.split(|b| *b == b'\r' || *b == b'\n').map(bare);
    // Of a batch, that of its first message: the answer has an address then.
    let header = lines.clone().find(|line| line.starts_with(b"MSH")).or_else(|| lines.next()).unwrap_or_default();
    ([header, b"\r", CUT_SEGMENT, b"\r"].concat(), is_cut())
}

fn is_cut() -> RowError {
    let message = format!("the message is longer than {MESSAGE_BYTES_MAX} bytes; only its MSH segment is kept");
    RowError::row(Reason::MessageTooLong, message)
}

/// The messages of one MLLP block, each with why it cannot be used if that is known already: its sender may have put several into it,
/// or a batch. A block that begins as neither, or holds none, is given whole.
pub(crate) fn messages(block: &[u8]) -> impl Iterator<Item = (Vec<u8>, Option<RowError>)> + Send {
    let mut lines = block.split(|b| *b == b'\r' || *b == b'\n').map(bare);
    let first = lines.find(|line| !is_blank(line)).unwrap_or_default();
    let known = first.starts_with(b"MSH") || is_envelope(first);
    let mut reader = known.then(|| MessageReader::new(Box::new(block)));
    let mut rest = Some(block);
    std::iter::from_fn(move || {
        let row = reader.as_mut().and_then(|reader| reader.next_row().ok().flatten());
        let whole = rest.take();
        let Some(row) = row else { return Some((whole?.to_vec(), None)) };
        let mut bytes = row.bytes.into_exposed();
        // The end of the block ends its last segment.
        if !matches!(bytes.last(), Some(b'\r' | b'\n')) {
            bytes.push(b'\r');
        }
        Some((bytes, row.broken))
    })
}

impl RowReader for MessageReader<'_> {
    fn next_row(&mut self) -> Result<Option<RawRow>, BatchError> {
        let mut row: Option<RawRow> = None;
        let mut length = 0_usize;
        while let Some(segment) = self.segment()? {
            let line = bare(&segment.bytes);
            if line.starts_with(b"MSH") && row.is_some() {
                self.next = Some(segment);
                break;
            }
            if is_envelope(line) || is_blank(line) {
                if row.is_some() && is_envelope(line) {
                    break;
                }
                continue;
            }
            length += segment.length as usize;
            let row = row.get_or_insert_with(|| {
                self.number += 1;
                RawRow {
                    number: self.number,
                    line: segment.line,
                    offset: segment.offset,
                    length: 0,
                    bytes: Sensitive::new(Vec::new()),
                    broken: None,
                }
            });
            row.length = segment.offset + segment.length - row.offset;
            if line.trim_ascii_end() == CUT_SEGMENT {
                row.broken = Some(is_cut());
            }
            if length > MESSAGE_BYTES_MAX {
                let message = format!("the message is longer than {MESSAGE_BYTES_MAX} bytes");
                row.broken = Some(RowError::row(Reason::MessageTooLong, message));
                continue;
            }
            let mut bytes = std::mem::take(&mut row.bytes).into_exposed();
            let keep = if bytes.is_empty() { segment.bytes.strip_prefix(&[BLOCK_BEGIN]) } else { None };
            let keep = keep.unwrap_or(&segment.bytes);
            match keep.trim_ascii_end().strip_suffix(&[BLOCK_END]) {
                // Framed, and without an end of its last segment: the frame is no part of its last value.
                Some(last) => bytes.extend_from_slice(&[last, b"\r"].concat()),
                None => bytes.extend_from_slice(keep),
            }
            row.bytes = Sensitive::new(bytes);
        }
        Ok(row)
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn rows(body: &[u8], capacity: usize) -> Vec<RawRow> {
        let mut reader = MessageReader::new(Box::new(BufReader::with_capacity(capacity, body)));
        std::iter::from_fn(|| reader.next_row().expect("readable")).collect()
    }

    #[test]
    fn messages_are_cut_alike_whatever_ends_their_segments() {
        for body in [
            "MSH|1\rPID|1\rMSH|2\rPID|2\r",
            "MSH|1\nPID|1\n\nMSH|2\nPID|2",
            "\u{feff}MSH|1\r\nPID|1\r\n\r\nMSH|2\r\nPID|2\r\n",
            "FHS|x\rBHS|x\rMSH|1\rPID|1\rMSH|2\rPID|2\rBTS|2\rFTS|1\r",
            "\u{b}MSH|1\rPID|1\r\u{1c}\r\u{b}MSH|2\rPID|2\r\u{1c}\r",
            "\u{b}MSH|1\rPID|1\u{1c}\r\u{b}MSH|2\rPID|2\u{1c}\r",
        ] {
            for capacity in [1, 2, 7, 1024] {
                let rows = rows(body.as_bytes(), capacity);
                assert_eq!(rows.len(), 2, "{body:?}");
                assert_eq!(rows.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 2]);
                let second = &body.as_bytes()[rows[1].offset as usize..];
                assert!(bare(second).starts_with(b"MSH|2"), "{body:?}");
                assert!(!rows.iter().any(|row| row.bytes.expose().contains(&BLOCK_END)), "{body:?}");
            }
        }
    }

    #[test]
    fn a_block_is_cut_into_its_messages_and_what_has_none_stays_whole() {
        let cut = |block: &'static str| messages(block.as_bytes()).map(|(bytes, _)| bytes).collect::<Vec<_>>();
        let two = [b"MSH|1\rPID|1\r".to_vec(), b"MSH|2\rPID|2\r".to_vec()];
        for block in [
            "MSH|1\rPID|1\rMSH|2\rPID|2",
            "FHS|x\rBHS|x\rMSH|1\rPID|1\rMSH|2\rPID|2\rBTS|2\rFTS|1\r",
            "\rBHS|x\rMSH|1\rPID|1\r\rMSH|2\rPID|2\rBTS|2",
        ] {
            assert_eq!(cut(block), two, "{block:?}");
        }
        for block in ["", "\r", "FHS|x\rFTS|0\r", "hello\rMSH|1\r", "PID|1\r"] {
            assert_eq!(cut(block), [block.as_bytes()], "{block:?}");
        }
    }

    #[test]
    fn an_endless_message_is_broken_and_the_next_one_is_read() {
        let mut body = b"MSH|1\rOBX|".to_vec();
        body.resize(3 * MESSAGE_BYTES_MAX, b'x');
        body.extend_from_slice(b"\rMSH|2\r");
        let rows = rows(&body, 8192);
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].broken.as_ref().map(|error| error.reason), Some(Reason::MessageTooLong));
        assert!(rows[1].broken.is_none());
    }

    #[test]
    fn what_is_kept_of_a_message_that_is_too_long_is_never_read_as_a_message() {
        for begin in ["MSH|1|A\rPID|1||M1", "\u{feff}MSH|1|A\nPID|1", "MSH|1|A", "FHS|x\rBHS|x\rMSH|1|A\rPID|1"] {
            let (kept, error) = cut(begin.as_bytes());
            let rows = rows(&[&kept[..], b"\rMSH|2\r"].concat(), 64);
            assert_eq!(rows.len(), 2, "{begin}");
            assert_eq!(rows[0].broken.as_ref(), Some(&error));
            assert!(rows[0].bytes.expose().starts_with(b"MSH|1|A\r") && rows[1].broken.is_none());
        }
    }

    #[test]
    fn a_body_without_any_message_is_one_row_that_mapping_refuses() {
        assert_eq!(rows(b"hello\rworld\r", 64).len(), 1);
        assert!(rows(b"\r\n\r\n", 64).is_empty());
    }
}
