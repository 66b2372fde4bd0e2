//! Physical lines of a body, in bounded memory.

use std::io::{BufRead, Read};

/// One physical line.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    /// Bytes without the line end; cut at the limit when `too_long`.
    pub(crate) bytes: Vec<u8>,
    /// Number, from 1.
    pub(crate) number: u64,
    /// Byte offset of its begin.
    pub(crate) offset: u64,
    /// Bytes in the body, line end included.
    pub(crate) length: u64,
    /// Longer than the limit.
    pub(crate) too_long: bool,
}

impl Line {
    /// Nothing but blanks, or the mark with which old tools end a file.
    pub(crate) fn is_blank(&self) -> bool {
        self.has_only(&[])
    }

    /// Nothing but blanks and these marks.
    pub(crate) fn has_only(&self, marks: &[u8]) -> bool {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | 0x1A) || marks.contains(byte);
        !self.too_long && self.bytes.iter().all(blank)
    }
}

/// Cuts a body at line feeds; a carriage return before one belongs to the line end.
pub(crate) struct Lines<'a> {
    input: Box<dyn BufRead + Send + 'a>,
    bytes_max: usize,
    number: u64,
    offset: u64,
}

impl<'a> Lines<'a> {
    pub(crate) fn new(input: Box<dyn BufRead + Send + 'a>, bytes_max: usize) -> Self {
        Self { input, bytes_max, number: 0, offset: 0 }
    }

    /// Takes a byte order mark away, if the body begins with it.
    pub(crate) fn skip_mark(&mut self, mark: &[u8]) -> std::io::Result<()> {
        if !mark.is_empty() && self.input.fill_buf()?.starts_with(mark) {
            self.input.consume(mark.len());
            self.offset += mark.len() as u64;
        }
        Ok(())
    }

    /// The bytes that come next, without taking them.
    pub(crate) fn peek(&mut self) -> std::io::Result<&[u8]> {
        self.input.fill_buf()
    }

    /// Bytes taken so far.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// The next line; `None` at the end.
    pub(crate) fn next(&mut self) -> std::io::Result<Option<Line>> {
        let mut bytes = Vec::with_capacity(256);
        let limit = self.bytes_max as u64 + 2;
        let mut length = (&mut self.input).take(limit).read_until(b'\n', &mut bytes)? as u64;
        if length == 0 {
            return Ok(None);
        }
        let mut ended = bytes.last() == Some(&b'\n');
        if !ended && length == limit {
            let mut rest = Vec::new();
            while !ended {
                rest.clear();
                let skipped = (&mut self.input).take(1 << 16).read_until(b'\n', &mut rest)? as u64;
                length += skipped;
                ended = skipped == 0 || rest.last() == Some(&b'\n');
            }
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            if bytes.last() == Some(&b'\r') {
                bytes.pop();
            }
        }
        let too_long = bytes.len() > self.bytes_max;
        bytes.truncate(self.bytes_max);
        self.number += 1;
        let line = Line { bytes, number: self.number, offset: self.offset, length, too_long };
        self.offset += length;
        Ok(Some(line))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(body: &'static [u8], bytes_max: usize) -> Vec<(String, u64, u64, bool)> {
        // A buffer of three bytes puts an edge into every line.
        let mut lines = Lines::new(Box::new(std::io::BufReader::with_capacity(3, body)), bytes_max);
        let mut seen = Vec::new();
        while let Some(line) = lines.next().expect("memory") {
            seen.push((String::from_utf8_lossy(&line.bytes).into_owned(), line.offset, line.length, line.too_long));
        }
        seen
    }

    #[test]
    fn lines_keep_their_place_whatever_ends_them() {
        assert_eq!(
            cut(b"ab\r\ncdef\n\nlast", 10),
            [
                ("ab".to_owned(), 0, 4, false),
                ("cdef".to_owned(), 4, 5, false),
                (String::new(), 9, 1, false),
                ("last".to_owned(), 10, 4, false)
            ]
        );
    }

    #[test]
    fn a_line_beyond_the_limit_is_skipped_to_its_end() {
        assert_eq!(
            cut(b"0123456789abcdefgh\nok\n", 4),
            [("0123".to_owned(), 0, 19, true), ("ok".to_owned(), 19, 3, false)]
        );
    }
}
