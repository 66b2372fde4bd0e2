//! Exact decimal numbers for amounts and meter values.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A decimal with `SCALE` digits after the point and at most 18 digits in all.
///
/// On the wire it is Avro's `decimal` logical type: the unscaled value as big-endian two's complement bytes
/// (Avro specification 1.12, "Decimal").
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Decimal<const SCALE: u32>(i64);

impl<const SCALE: u32> Decimal<SCALE> {
    /// From the unscaled integer: `Decimal::<2>::from_unscaled(1250)` is 12.50.
    pub const fn from_unscaled(unscaled: i64) -> Self {
        Self(unscaled)
    }

    /// The unscaled integer: 12.50 with scale 2 gives 1250.
    pub const fn unscaled(self) -> i64 {
        self.0
    }

    /// Parses `-12.5` and the like. More digits after the point than `SCALE` are refused unless they are zeros.
    /// `None` for anything that is not such a number or does not fit 18 digits.
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let (kept, rest) = fraction.split_at_checked(SCALE as usize).unwrap_or((fraction, ""));
        if !rest.bytes().all(|b| b == b'0') {
            return None;
        }
        let mut unscaled: i64 = 0;
        for byte in whole.bytes().chain(kept.bytes()) {
            if !byte.is_ascii_digit() {
                return None;
            }
            unscaled = unscaled.checked_mul(10)?.checked_add(i64::from(byte - b'0'))?;
        }
        for _ in kept.len()..SCALE as usize {
            unscaled = unscaled.checked_mul(10)?;
        }
        if unscaled >= 1_000_000_000_000_000_000 {
            return None;
        }
        Some(Self(if negative { -unscaled } else { unscaled }))
    }
}

impl<const SCALE: u32> fmt::Display for Decimal<SCALE> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let unit = 10_u64.pow(SCALE);
        let magnitude = self.0.unsigned_abs();
        if SCALE == 0 {
            return write!(f, "{sign}{magnitude}");
        }
        write!(f, "{sign}{}.{:0width$}", magnitude / unit, magnitude % unit, width = SCALE as usize)
    }
}

impl<const SCALE: u32> Serialize for Decimal<SCALE> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        let bytes = self.0.to_be_bytes();
        // The shortest two's complement form: drop leading bytes that only repeat the sign.
        let mut start = 0;
        while start < 7 {
            let sign_only =
                (bytes[start] == 0x00 && bytes[start + 1] < 0x80) || (bytes[start] == 0xFF && bytes[start + 1] >= 0x80);
            if !sign_only {
                break;
            }
            start += 1;
        }
        serializer.serialize_bytes(&bytes[start..])
    }
}

struct DecimalVisitor<const SCALE: u32>;

impl<const SCALE: u32> de::Visitor<'_> for DecimalVisitor<SCALE> {
    type Value = Decimal<SCALE>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a decimal number with {SCALE} digits after the point")
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Self::Value, E> {
        if bytes.is_empty() || bytes.len() > 8 {
            return Err(E::invalid_length(bytes.len(), &self));
        }
        let negative = bytes[0] >= 0x80;
        let mut wide = if negative { [0xFF; 8] } else { [0x00; 8] };
        wide[8 - bytes.len()..].copy_from_slice(bytes);
        Ok(Decimal(i64::from_be_bytes(wide)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Decimal::parse(text).ok_or_else(|| E::custom("not a decimal number"))
    }
}

impl<'de, const SCALE: u32> Deserialize<'de> for Decimal<SCALE> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            deserializer.deserialize_str(DecimalVisitor)
        } else {
            deserializer.deserialize_bytes(DecimalVisitor)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_parse_exactly_or_not_at_all() {
        for (text, unscaled) in [("12.5", 1250), ("-0.01", -1), ("7", 700), ("1.500", 150), (".5", 50)] {
            assert_eq!(Decimal::<2>::parse(text).map(Decimal::unscaled), Some(unscaled), "{text}");
        }
        for text in ["", "-", ".", "1.234", "1e3", "12,5", "9999999999999999999"] {
            assert_eq!(Decimal::<2>::parse(text), None, "{text}");
        }
    }

    #[test]
    fn display_keeps_the_scale() {
        assert_eq!(Decimal::<2>::from_unscaled(-5).to_string(), "-0.05");
        assert_eq!(Decimal::<4>::from_unscaled(123_456).to_string(), "12.3456");
    }
}
