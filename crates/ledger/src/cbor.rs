//! The part of deterministic CBOR (RFC 8949, section 4.2.1) that an entry needs: unsigned and negative integers, byte
//! and text strings, arrays, maps with small integer keys in rising order. Heads are of the shortest form; the reader
//! refuses every other form, so that an entry has exactly one encoding.

const UINT: u8 = 0;
const NINT: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;

#[derive(Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    fn head(&mut self, major: u8, value: u64) {
        let major = major << 5;
        let bytes = value.to_be_bytes();
        match value {
            0..=23 => self.0.push(major | bytes[7]),
            24..=0xff => self.0.extend_from_slice(&[major | 24, bytes[7]]),
            0x100..=0xffff => {
                self.0.push(major | 25);
                self.0.extend_from_slice(&bytes[6..]);
            }
            0x1_0000..=0xffff_ffff => {
                self.0.push(major | 26);
                self.0.extend_from_slice(&bytes[4..]);
            }
            _ => {
                self.0.push(major | 27);
                self.0.extend_from_slice(&bytes);
            }
        }
    }

    pub(crate) fn map(&mut self, pairs: u64) {
        self.head(MAP, pairs);
    }

    pub(crate) fn array(&mut self, items: u64) {
        self.head(ARRAY, items);
    }

    pub(crate) fn uint(&mut self, value: u64) {
        self.head(UINT, value);
    }

    pub(crate) fn int(&mut self, value: i64) {
        if value < 0 { self.head(NINT, !value.cast_unsigned()) } else { self.head(UINT, value.cast_unsigned()) }
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.head(BYTES, value.len() as u64);
        self.0.extend_from_slice(value);
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.head(TEXT, value.len() as u64);
        self.0.extend_from_slice(value.as_bytes());
    }
}

/// Reads what [`Writer`] wrote; `None` for anything else.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    fn head(&mut self) -> Option<(u8, u64)> {
        let (first, rest) = self.0.split_first()?;
        let (major, info) = (first >> 5, first & 31);
        let length = match info {
            0..=23 => 0,
            24 => 1,
            25 => 2,
            26 => 4,
            27 => 8,
            _ => return None,
        };
        let (extra, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        let value = extra.iter().fold(0u64, |value, byte| value << 8 | u64::from(*byte));
        let shortest = match length {
            0 => return Some((major, u64::from(info))),
            1 => 24,
            2 => 0x100,
            4 => 0x1_0000,
            _ => 0x1_0000_0000,
        };
        (value >= shortest).then_some((major, value))
    }

    fn expect(&mut self, major: u8) -> Option<u64> {
        self.head().filter(|(found, _)| *found == major).map(|(_, value)| value)
    }

    pub(crate) fn map(&mut self) -> Option<u64> {
        self.expect(MAP)
    }

    pub(crate) fn array(&mut self) -> Option<u64> {
        self.expect(ARRAY)
    }

    pub(crate) fn uint(&mut self) -> Option<u64> {
        self.expect(UINT)
    }

    pub(crate) fn int(&mut self) -> Option<i64> {
        match self.head()? {
            (UINT, value) => i64::try_from(value).ok(),
            (NINT, value) => i64::try_from(value).ok().map(|value| !value),
            _ => None,
        }
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.expect(BYTES)?;
        self.take(length)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        let length = self.expect(TEXT)?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    fn take(&mut self, length: u64) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(usize::try_from(length).ok()?)?;
        self.0 = rest;
        Some(taken)
    }
}
