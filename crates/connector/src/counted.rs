//! A body as bytes with their place: where the next one stands, and on which line.

use std::io::{self, BufRead};

/// Reads bytes and counts them and their lines.
pub struct Counted<'a> {
    input: Box<dyn BufRead + Send + 'a>,
    offset: u64,
    line: u64,
}

impl<'a> Counted<'a> {
    /// From the begin of a body.
    pub fn new(input: Box<dyn BufRead + Send + 'a>) -> Self {
        Self { input, offset: 0, line: 1 }
    }

    /// Offset of the next byte.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// Line of the next byte, from 1.
    pub const fn line(&self) -> u64 {
        self.line
    }

    /// The bytes that come next; empty at the end.
    ///
    /// # Errors
    /// When the body cannot be read.
    pub fn peek(&mut self) -> io::Result<&[u8]> {
        self.input.fill_buf()
    }

    /// The next byte, without taking it.
    ///
    /// # Errors
    /// When the body cannot be read.
    pub fn first(&mut self) -> io::Result<Option<u8>> {
        Ok(self.peek()?.first().copied())
    }

    /// Takes bytes of those that come next, and keeps them while there is room in `kept`.
    ///
    /// # Errors
    /// When the body cannot be read.
    pub fn take(&mut self, count: usize, kept: &mut Vec<u8>, kept_max: usize) -> io::Result<()> {
        let taken = &self.input.fill_buf()?[..count];
        let room = kept_max.saturating_sub(kept.len());
        kept.extend_from_slice(&taken[..count.min(room)]);
        self.line += memchr::memchr_iter(b'\n', taken).count() as u64;
        self.offset += count as u64;
        self.input.consume(count);
        Ok(())
    }

    /// Takes bytes and forgets them.
    ///
    /// # Errors
    /// When the body cannot be read.
    pub fn skip(&mut self, count: usize) -> io::Result<()> {
        self.take(count, &mut Vec::new(), 0)
    }

    /// Takes a byte order mark and blanks.
    ///
    /// # Errors
    /// When the body cannot be read.
    pub fn skip_blanks(&mut self) -> io::Result<()> {
        if self.offset == 0 && self.peek()?.starts_with(&[0xEF, 0xBB, 0xBF]) {
            self.skip(3)?;
        }
        loop {
            let next = self.peek()?;
            let blanks = next.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            if blanks == 0 {
                return Ok(());
            }
            self.skip(blanks)?;
        }
    }

    /// Takes everything that is left, and keeps what there is room for.
    ///
    /// # Errors
    /// When the body cannot be read.
    pub fn take_rest(&mut self, kept: &mut Vec<u8>, kept_max: usize) -> io::Result<()> {
        loop {
            let count = self.peek()?.len();
            if count == 0 {
                return Ok(());
            }
            self.take(count, kept, kept_max)?;
        }
    }
}
