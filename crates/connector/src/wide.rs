//! UTF-16, as spreadsheets save "Unicode text". A body is turned into UTF-8 while it is stored, so that it is cut by bytes
//! like any other, and its failed rows are turned back when their sender fetches them.

use encoding_rs::{Decoder, UTF_8, UTF_16LE};

/// The mark of a UTF-16 text whose lower bytes come first.
const MARK: [u8; 2] = [0xFF, 0xFE];

/// Turns UTF-16 into UTF-8, piece by piece. A byte order mark decides the order of bytes and goes; half a character becomes
/// U+FFFD, by which damaged names are known.
pub(crate) struct Narrow(Decoder);

impl Narrow {
    pub(crate) fn new() -> Self {
        Self(UTF_16LE.new_decoder())
    }

    /// The text of a piece; `last` says that no other follows.
    pub(crate) fn take(&mut self, piece: &[u8], last: bool) -> String {
        decoded(&mut self.0, piece, last)
    }
}

/// Turns UTF-8 into UTF-16 with a byte order mark, piece by piece.
pub(crate) struct Widen {
    decoder: Decoder,
    begun: bool,
}

impl Widen {
    pub(crate) fn new() -> Self {
        Self { decoder: UTF_8.new_decoder_without_bom_handling(), begun: false }
    }

    /// The bytes of a piece.
    pub(crate) fn take(&mut self, piece: &[u8]) -> Vec<u8> {
        let mark = if self.begun { &[][..] } else { &MARK[..] };
        self.begun = true;
        let text = decoded(&mut self.decoder, piece, false);
        mark.iter().copied().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect()
    }
}

fn decoded(decoder: &mut Decoder, piece: &[u8], last: bool) -> String {
    let mut text = String::with_capacity(decoder.max_utf8_buffer_length(piece.len()).unwrap_or(piece.len() * 3 + 16));
    // The text has room for whatever the piece holds.
    let _ = decoder.decode_to_string(piece, &mut text, last);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_through_however_they_are_cut() {
        let text = "姓名,电话\r\n𠮷田,1\r\n";
        let little: Vec<u8> = MARK.into_iter().chain(text.encode_utf16().flat_map(u16::to_le_bytes)).collect();
        let big: Vec<u8> = [0xFE, 0xFF].into_iter().chain(text.encode_utf16().flat_map(u16::to_be_bytes)).collect();
        for size in [1, 3, 4, 100] {
            for bytes in [&little, &big] {
                let mut narrow = Narrow::new();
                let narrowed: String = bytes.chunks(size).map(|piece| narrow.take(piece, false)).collect();
                assert_eq!(narrowed + &narrow.take(&[], true), text);
            }
            let mut widen = Widen::new();
            let widened: Vec<u8> = text.as_bytes().chunks(size).flat_map(|piece| widen.take(piece)).collect();
            assert_eq!(widened, little);
        }
    }

    #[test]
    fn half_a_character_at_the_end_is_no_silent_loss() {
        let mut narrow = Narrow::new();
        assert_eq!(narrow.take(&[0xFF, 0xFE, b'a', 0, 0x20], true), "a\u{FFFD}");
    }
}
