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
        if self == Self::Gb18030 && is_utf8_by_its_looks(bytes) {
            return Err(self.mistaken("UTF-8"));
        }
        let Some(text) = self.rules().decode_without_bom_handling_and_without_replacement(bytes) else {
            return Err(match self {
                Self::Utf8 if Self::Gb18030.decode(bytes).is_ok() => self.mistaken("GB18030"),
                Self::Gb18030 | Self::Big5 if std::str::from_utf8(bytes).is_ok() => self.mistaken("UTF-8"),
                _ => RowError::row(Reason::Encoding, format!("the bytes are not text in {}", self.name())),
            });
        };
        if bytes.contains(&0) {
            return Err(RowError::row(Reason::NulByte, "the row contains NUL bytes"));
        }
        Ok(text)
    }

    /// Decodes bytes that say of themselves to be in this encoding, where `usual` is that of the feed.
    ///
    /// # Errors
    /// As [`Self::decode`], and when they look like another encoding.
    pub fn decode_stated(self, bytes: &[u8], usual: Self) -> Result<Cow<'_, str>, RowError> {
        match self.contradicted(bytes, usual) {
            Some(found) => Err(self.mistaken(found.name())),
            None => self.decode(bytes),
        }
    }

    /// What bytes look like that say to be Windows-1252: any bytes are text in it, and exporters state it by habit.
    pub(crate) fn contradicted(self, bytes: &[u8], usual: Self) -> Option<Self> {
        if self != Self::Windows1252 || bytes.is_ascii() {
            return None;
        }
        let fits = [Self::Utf8, usual].into_iter().find(|other| match *other {
            // An accented letter and the one behind it are a character there, too.
            Self::Gb18030 if is_latin_by_its_looks(bytes) => false,
            other => other != self && other.decode(bytes).is_ok(),
        });
        let common = || {
            let text = encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(bytes)?;
            (rare_share(&text) == 0.0).then_some(Self::Gb18030)
        };
        fits.or_else(common)
    }

    fn mistaken(self, found: &str) -> RowError {
        RowError::row(Reason::Encoding, format!("the bytes look like {found}; {} is expected", self.name()))
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

/// Characters of three bytes of which a text is not UTF-8 by accident.
const LONG_MANY: usize = 4;

/// Whether bytes are UTF-8 that GB 18030 would read as other characters. Much UTF-8 is no GB 18030 at all, or reads as rare
/// characters. Hardly any GB 18030 is UTF-8: a word of three characters may be, and then its own characters are the commoner ones.
fn is_utf8_by_its_looks(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    // Two-byte characters are no evidence: common words of GB 18030 are made of such bytes.
    let long = if text.is_ascii() { 0 } else { text.chars().filter(|c| *c >= '\u{800}').count() };
    if long == 0 {
        return false;
    }
    let Some(other) = encoding_rs::GB18030.decode_without_bom_handling_and_without_replacement(bytes) else {
        return true;
    };
    long >= LONG_MANY || rare_share(text) <= rare_share(&other)
}

/// Whether all that is beyond ASCII are single letters and signs, as accents stand in Latin text.
fn is_latin_by_its_looks(bytes: &[u8]) -> bool {
    let latin = |byte: u8| matches!(byte, 0xB0..=0xB3 | 0xB5 | 0xB7 | 0xC0..);
    let mut before = 0;
    bytes.iter().all(|byte| {
        let alone = byte.is_ascii() || (latin(*byte) && before < 0x80);
        before = *byte;
        alone
    })
}

/// The share of characters that are none of the 3,755 common ones of GB 2312, nor its marks.
fn rare_share(text: &str) -> f64 {
    let (mut rare, mut all) = (0_u32, 0_u32);
    for c in text.chars().filter(|c| !c.is_ascii()) {
        let mut buffer = [0; 4];
        let (bytes, ..) = encoding_rs::GB18030.encode(c.encode_utf8(&mut buffer));
        let common = matches!(*bytes, [0xA1..=0xA9 | 0xB0..=0xD7, 0xA1..=0xFE]);
        all += 1;
        rare += u32::from(!common);
    }
    f64::from(rare) / f64::from(all.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn utf8_is_not_read_as_gb18030_and_the_other_way_round() {
        for name in [
            "王明",
            "张伟",
            "欧阳娜娜",
            "赵钱孙李周吴",
            "E1,王明,13800000001",
            "，王明。",
            "赟赟",
            "王一一明",
            "上海,淼淼",
        ] {
            let error = Encoding::Gb18030.decode(name.as_bytes()).expect_err(name);
            assert_eq!(error.reason, Reason::Encoding);
            assert!(error.message.contains("look like UTF-8"), "{name}: {error}");
            let bytes = Encoding::Gb18030.encode(name).expect("in GB18030");
            assert_eq!(Encoding::Gb18030.decode(&bytes).as_deref().ok(), Some(name));
            let error = Encoding::Utf8.decode(&bytes).expect_err(name);
            assert!(error.message.contains("look like GB18030"), "{name}: {error}");
        }
        // Bytes of these words are UTF-8 by accident.
        for word in ["通", "联通", "通通", "E1,通,x"] {
            let bytes = Encoding::Gb18030.encode(word).expect("in GB18030");
            assert_eq!(Encoding::Gb18030.decode(&bytes).as_deref().ok(), Some(word));
        }
    }

    #[test]
    fn what_says_windows_1252_and_looks_like_chinese_is_not_read_as_latin() {
        let read = |text: &str, written: Encoding, usual: Encoding| {
            let bytes = written.encode(text).expect("in that encoding");
            Encoding::Windows1252.decode_stated(&bytes, usual).map(Cow::into_owned).map_err(|error| error.message)
        };
        let looks = |name: &str| Err::<String, _>(format!("the bytes look like {name}; Windows-1252 is expected"));
        for name in ["王小明", "行", "<姓名>A1</姓名>"] {
            assert_eq!(read(name, Encoding::Utf8, Encoding::Utf8), looks("UTF-8"), "{name}");
            assert_eq!(read(name, Encoding::Utf8, Encoding::Gb18030), looks("UTF-8"), "{name}");
            assert_eq!(read(name, Encoding::Gb18030, Encoding::Utf8), looks("GB18030"), "{name}");
        }
        assert_eq!(read("王玥", Encoding::Gb18030, Encoding::Gb18030), looks("GB18030"));
        assert_eq!(read("王小明", Encoding::Big5, Encoding::Big5), looks("Big5"));
        for name in ["Li Ming", "Müller", "Müller, Zürich", "José Ñandú, 3 °C", "Jyväskylä", "5 µg"] {
            for usual in [Encoding::Utf8, Encoding::Gb18030] {
                assert_eq!(read(name, Encoding::Windows1252, usual).as_deref(), Ok(name));
            }
        }
    }

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
