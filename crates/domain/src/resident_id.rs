//! The resident identity number (GB 11643-1999).

use crate::{Day, Sex};

const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
const CHECK: [u8; 11] = *b"10X98765432";

/// A resident number in its 18-digit form with a right check digit (ISO 7064, MOD 11-2) and a day of birth that exists.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResidentId(String);

impl std::fmt::Debug for ResidentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResidentId(‹sensitive›)")
    }
}

/// The 18-digit form of a number of which some digits are hidden by `*`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct MaskedResidentId(String);

impl std::fmt::Debug for MaskedResidentId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MaskedResidentId(‹sensitive›)")
    }
}

/// Why a text is not a resident number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResidentIdError {
    /// Neither 15 nor 18 characters.
    #[error("a resident number has 18 characters (or 15 in the old form)")]
    Length,
    /// A character that is not a digit (the last may be X).
    #[error("a resident number has only digits; the last may be X")]
    Digit,
    /// Digits 7 to 14 are not a day, or one outside 1850 to 2199.
    #[error("digits 7 to 14 of the resident number are not a day of birth")]
    BirthDate,
    /// The check digit does not fit the other digits.
    #[error("the check digit of the resident number does not fit: a digit is wrong or two are swapped")]
    CheckDigit,
}

impl ResidentId {
    /// Parses a number of 18 digits, or of 15 in the form used before 1999 (the century is 19, the check digit is added).
    /// `×` and `*` in the last place stand for X.
    /// Residence permits of Hong Kong, Macao and Taiwan (81, 82, 83) and the new permanent residence card (9) have the same form.
    ///
    /// # Errors
    /// When the number is malformed or its check digit is wrong.
    pub fn parse(text: &str) -> Result<Self, ResidentIdError> {
        let mut number = text.trim().to_ascii_uppercase().replace('×', "X");
        if number.find('*') == Some(17) {
            // Old keyboards and forms write the check letter so; hidden digits are two or more.
            number.replace_range(17.., "X");
        }
        if !number.is_ascii() {
            return Err(ResidentIdError::Digit);
        }
        let full = match number.len() {
            15 => {
                let body = format!("{}19{}", &number[..6], &number[6..]);
                let check = check_digit(&body).ok_or(ResidentIdError::Digit)?;
                format!("{body}{}", char::from(check))
            }
            18 => number,
            _ => return Err(ResidentIdError::Length),
        };
        let check = check_digit(&full[..17]).ok_or(ResidentIdError::Digit)?;
        if !full.as_bytes()[17].is_ascii_digit() && full.as_bytes()[17] != b'X' {
            return Err(ResidentIdError::Digit);
        }
        let id = Self(full);
        if id.birth_day().is_none() {
            return Err(ResidentIdError::BirthDate);
        }
        if id.0.as_bytes()[17] != check {
            return Err(ResidentIdError::CheckDigit);
        }
        Ok(id)
    }

    /// The number with its right check digit from region (6 digits), birth date and sequence; `None` when a part does not fit.
    pub fn compose(division: &str, birth: Day, sequence: u16) -> Option<Self> {
        let (year, month, day) = birth.ymd()?;
        let body = format!("{division}{year:04}{month:02}{day:02}{sequence:03}");
        let check = (body.len() == 17).then(|| check_digit(&body))??;
        Self::parse(&format!("{body}{}", char::from(check))).ok()
    }

    /// The 18 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Division code of the place of first registration (GB/T 2260, 6 digits; may be a retired code).
    pub fn division(&self) -> &str {
        &self.0[..6]
    }

    /// Day of birth; always there for a parsed number.
    pub fn birth_day(&self) -> Option<Day> {
        let year: i16 = self.0[6..10].parse().ok()?;
        let month = self.0[10..12].parse().ok()?;
        let day = self.0[12..14].parse().ok()?;
        (1850..2200).contains(&year).then(|| Day::from_ymd(year, month, day))?
    }

    /// Sex: the seventeenth digit is odd for men.
    pub fn sex(&self) -> Sex {
        if (self.0.as_bytes()[16] - b'0') % 2 == 1 { Sex::Male } else { Sex::Female }
    }
}

impl MaskedResidentId {
    /// Parses a number of 18 characters of which between 2 and 12 are hidden by `*`.
    pub fn parse(text: &str) -> Option<Self> {
        let number = text.trim().to_ascii_uppercase().replace(['＊', '•'], "*");
        let hidden = number.bytes().filter(|b| *b == b'*').count();
        let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'*' || b == b'X');
        (number.len() == 18 && plain && (2..=12).contains(&hidden)).then_some(Self(number))
    }

    /// The 18 characters, hidden ones as `*`.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a full number could be the one that is masked here.
    pub fn fits(&self, full: &ResidentId) -> bool {
        self.0.bytes().zip(full.0.bytes()).all(|(masked, digit)| masked == b'*' || masked == digit)
    }
}

fn check_digit(first17: &str) -> Option<u8> {
    let mut sum = 0;
    for (byte, weight) in first17.bytes().zip(WEIGHTS) {
        if !byte.is_ascii_digit() {
            return None;
        }
        sum += u32::from(byte - b'0') * weight;
    }
    Some(CHECK[(sum % 11) as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard_is_valid() {
        let id = ResidentId::parse("11010519491231002x").expect("GB 11643-1999, annex A");
        assert_eq!(id.as_str(), "11010519491231002X");
        assert_eq!(id.birth_day().map(|d| d.to_string()).as_deref(), Some("1949-12-31"));
        assert_eq!(id.sex(), Sex::Female);
    }

    #[test]
    fn the_old_form_becomes_the_new_one() {
        let id = ResidentId::parse("110105491231002").expect("15 digits");
        assert_eq!(id.as_str(), "11010519491231002X");
    }

    #[test]
    fn the_check_letter_is_written_in_many_ways() {
        for text in ["11010519491231002x", "11010519491231002×", "11010519491231002*"] {
            assert_eq!(ResidentId::parse(text).expect(text).as_str(), "11010519491231002X");
        }
        assert_eq!(ResidentId::parse("11010519491231001*"), Err(ResidentIdError::CheckDigit));
    }

    #[test]
    fn a_broken_number_says_what_is_wrong() {
        for (text, error) in [
            ("1101051949123100", ResidentIdError::Length),
            ("1101051949123100AX", ResidentIdError::Digit),
            ("11010519491331002X", ResidentIdError::BirthDate),
            ("110105194912310021", ResidentIdError::CheckDigit),
            ("11010519491231020X", ResidentIdError::CheckDigit),
            ("１１０１０５１９４９", ResidentIdError::Digit),
        ] {
            assert_eq!(ResidentId::parse(text), Err(error), "{text}");
        }
    }

    #[test]
    fn a_masked_number_fits_only_numbers_that_agree_where_it_shows() {
        let full = ResidentId::parse("11010519491231002X").expect("valid");
        assert!(MaskedResidentId::parse("1101051949****002X").expect("masked").fits(&full));
        assert!(!MaskedResidentId::parse("1101051950****002X").expect("masked").fits(&full));
        assert!(MaskedResidentId::parse("11010519491231002X").is_none());
    }
}
