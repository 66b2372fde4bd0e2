//! Bytes of one line to text, strictly.
//!
//! Bodies are cut into lines before they are decoded: in every supported encoding the byte of a line feed is never part
//! of a longer character, so a character cannot be cut by a buffer's edge, and a malformed one spoils its own line only.

use std::borrow::Cow;

use crate::feed::RowError;
use crate::profile::Encoding;
use crate::reason::Reason;

impl Encoding {
    /// The name in profiles and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16 => "UTF-16",
            Self::Gb18030 => "GB18030",
            Self::Big5 => "Big5",
            Self::Windows1252 => "Windows-1252",
        }
    }

    fn rules(self) -> &'static encoding_rs::Encoding {
        match self {
            // What is stored of UTF-16 is UTF-8.
            Self::Utf8 | Self::Utf16 => encoding_rs::UTF_8,
            Self::Gb18030 => encoding_rs::GB18030,
            Self::Big5 => encoding_rs::BIG5,
            Self::Windows1252 => encoding_rs::WINDOWS_1252,
        }
    }

    /// Whether a byte from 0x81 on begins a character whose second byte may look like an ASCII mark.
    pub(crate) const fn has_pairs(self) -> bool {
        matches!(self, Self::Gb18030 | Self::Big5)
    }

    /// Decodes a whole line.
    ///
    /// # Errors
    /// When the bytes are not text in this encoding, or contain NUL.
    pub fn decode(self, bytes: &[u8]) -> Result<Cow<'_, str>, RowError> {
        let text = self.rules().decode_without_bom_handling_and_without_replacement(bytes).ok_or_else(|| {
            RowError::row(Reason::Encoding, format!("the bytes of the row are not text in {}", self.name()))
        })?;
        if bytes.contains(&0) {
            return Err(RowError::row(Reason::NulByte, "the row contains NUL bytes"));
        }
        Ok(text)
    }

    /// Decodes what may be text in this encoding, for guesses only.
    pub(crate) fn decode_loosely(self, bytes: &[u8]) -> Cow<'_, str> {
        self.rules().decode_without_bom_handling(bytes).0
    }

    /// Encodes a text of the profile for comparison with bytes; `None` when the encoding lacks a character.
    pub(crate) fn encode(self, text: &str) -> Option<Vec<u8>> {
        let (bytes, _, lossy) = self.rules().encode(text);
        (!lossy).then(|| bytes.into_owned())
    }

    /// The byte order mark that a file may begin with.
    pub(crate) const fn byte_order_mark(self) -> &'static [u8] {
        match self {
            Self::Utf8 | Self::Utf16 => &[0xEF, 0xBB, 0xBF],
            Self::Gb18030 => &[0x84, 0x31, 0x95, 0x33],
            Self::Big5 | Self::Windows1252 => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rare_characters_of_names_decode() {
        assert_eq!(Encoding::Gb18030.decode(&[0x95, 0x34, 0xB5, 0x33]).as_deref().ok(), Some("\u{20BD3}"));
        let bytes = Encoding::Gb18030.encode("𠮷㛃").expect("both are in GB18030");
        assert_eq!(Encoding::Gb18030.decode(&bytes).as_deref().ok(), Some("𠮷㛃"));
    }

    #[test]
    fn half_a_character_and_nul_are_named() {
        let half = Encoding::Gb18030.decode(&[b'a', 0xB0]).expect_err("half a character");
        assert_eq!(half.reason, Reason::Encoding);
        assert_eq!(Encoding::Utf8.decode(&[0xE5, 0x8C]).expect_err("half").reason, Reason::Encoding);
        assert_eq!(Encoding::Utf8.decode(b"a\0b").expect_err("NUL").reason, Reason::NulByte);
    }
}
