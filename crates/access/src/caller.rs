//! Who asks, and for which case.

use domain::{ClaimToken, RecordId, Sensitive};

use crate::Role;

/// Length of an id of the hub, with its hyphens.
const ID_CHARS: usize = 36;

/// Who asks, as the caller register knows it; never as the request claims it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Opaque name of the caller, without personal meaning; it stands in the ledger.
    pub handle: String,
    /// The organisation that answers for the caller; residents are told this, never the handle.
    pub organisation: String,
    /// What the caller is.
    pub role: Role,
    /// The community unit that the caller works for.
    pub unit: Option<String>,
    /// The claim by which a resident's own person file is found.
    pub own_claim: Option<ClaimToken>,
}

/// How a caller names the case worked on: by the hub's id, or by the number that its source gave it, which is 3 to 64 letters,
/// digits and `- _ . /` without any long number that could be an identifier of a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseReference(Sensitive<String>);

/// Why a text is not a case reference. It never repeats the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CaseReferenceError {
    /// Another length or another character.
    #[error("a case reference has 3 to 64 letters, digits and - _ . /")]
    Form,
    /// Eleven or more digits in a row.
    #[error("a case reference holds no number of 11 or more digits: it must not name a person")]
    Number,
}

impl CaseReference {
    /// Parses a reference.
    ///
    /// # Errors
    /// When it has another form, or holds what could be a phone or an identity number.
    pub fn parse(text: &str) -> Result<Self, CaseReferenceError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'/');
        if !(3..=64).contains(&text.len()) || !text.bytes().all(plain) {
            return Err(CaseReferenceError::Form);
        }
        let is_id = text.len() == ID_CHARS && text.parse::<RecordId>().is_ok();
        if !is_id && text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() >= 11) {
            return Err(CaseReferenceError::Number);
        }
        Ok(Self(text.into()))
    }

    /// The text, for a look-up.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_reference_cannot_carry_a_persons_number() {
        assert!(CaseReference::parse("SZ-2022-0301/7").is_ok());
        assert!(CaseReference::parse("3f2504e0-4f89-51d3-9a0c-123456789012").is_ok(), "an id may end in many digits");
        for (text, error) in [
            ("", CaseReferenceError::Form),
            ("ab", CaseReferenceError::Form),
            ("case 1", CaseReferenceError::Form),
            ("案-2022", CaseReferenceError::Form),
            ("C-13812345678", CaseReferenceError::Number),
            ("11010519491231002X", CaseReferenceError::Number),
        ] {
            assert_eq!(CaseReference::parse(text), Err(error), "{text}");
        }
        assert_eq!(CaseReference::parse(&"a".repeat(65)), Err(CaseReferenceError::Form));
    }
}
