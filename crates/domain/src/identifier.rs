//! Identifiers in canonical form.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::resident_id::ResidentIdError;
use crate::{MaskedResidentId, ResidentId, Sensitive};

/// What an identifier is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IdScheme {
    /// Some other scheme, told apart by issuer.
    #[default]
    Other,
    /// The source record itself (its [`crate::RecordId`] as a token): exact, whatever linkage decides.
    Record,
    /// Chinese resident number, GB 11643.
    CnId,
    /// Passport, with the issuing country as issuer.
    Passport,
    /// Travel permit of Hong Kong or Macao residents.
    HkMoPermit,
    /// Travel permit of Taiwan residents.
    TwPermit,
    /// Foreign permanent resident card in the old form.
    ForeignPr,
    /// Mobile number, digits with country code.
    Msisdn,
    /// International mobile subscriber identity.
    Imsi,
    /// Medical record number, with the hospital as issuer.
    Mrn,
    /// Health insurance card.
    HealthCard,
    /// Bank card (as the payment service tokenised it).
    BankCard,
    /// Wallet user, with the service as issuer.
    Wallet,
    /// Household number.
    Household,
    /// Account of a meter.
    MeterAccount,
    /// Ticket number.
    Ticket,
    /// Gate card or token.
    GateCard,
}

impl IdScheme {
    /// The code that tokens, columns and Avro use.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Other => "OTHER",
            Self::Record => "RECORD",
            Self::CnId => "CN_ID",
            Self::Passport => "PASSPORT",
            Self::HkMoPermit => "HK_MO_PERMIT",
            Self::TwPermit => "TW_PERMIT",
            Self::ForeignPr => "FOREIGN_PR",
            Self::Msisdn => "MSISDN",
            Self::Imsi => "IMSI",
            Self::Mrn => "MRN",
            Self::HealthCard => "HEALTH_CARD",
            Self::BankCard => "BANK_CARD",
            Self::Wallet => "WALLET",
            Self::Household => "HOUSEHOLD",
            Self::MeterAccount => "METER_ACCOUNT",
            Self::Ticket => "TICKET",
            Self::GateCard => "GATE_CARD",
        }
    }

    /// Parses a code.
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.code() == code)
    }

    /// Every scheme.
    pub const ALL: [Self; 17] = [
        Self::Other,
        Self::Record,
        Self::CnId,
        Self::Passport,
        Self::HkMoPermit,
        Self::TwPermit,
        Self::ForeignPr,
        Self::Msisdn,
        Self::Imsi,
        Self::Mrn,
        Self::HealthCard,
        Self::BankCard,
        Self::Wallet,
        Self::Household,
        Self::MeterAccount,
        Self::Ticket,
        Self::GateCard,
    ];

    /// Whether one person has at most one value of this scheme (per issuer) at a time, so that two different valid
    /// values keep two records apart. A person may hold several phones, wallets, cards and tickets.
    pub const fn is_exclusive(self) -> bool {
        matches!(self, Self::CnId | Self::Mrn | Self::HealthCard)
    }

    /// Whether values are numbers of documents that name their holder.
    pub const fn is_document(self) -> bool {
        matches!(self, Self::CnId | Self::Passport | Self::HkMoPermit | Self::TwPermit | Self::ForeignPr)
    }
}

/// A source's statement that an identifier belongs to the person of the record.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct IdClaim {
    /// Scheme of the identifier.
    pub scheme: IdScheme,
    /// Canonical value.
    pub value: Sensitive<String>,
    /// Who issued it, where values of two issuers may collide.
    pub issuer: Option<String>,
    /// Some characters are hidden by `*`.
    pub masked: bool,
    /// Whether the check digit fits; `None` where the scheme has none.
    pub checksum_ok: Option<bool>,
}

/// Why a text is not an identifier. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdError {
    /// Nothing there.
    #[error("the identifier is empty")]
    Empty,
    /// Not a resident number.
    #[error(transparent)]
    Resident(#[from] ResidentIdError),
    /// Not a phone number.
    #[error("not a mobile number: 11 digits beginning with 1, or + and 7 to 15 digits")]
    Phone,
    /// A spreadsheet wrote a long number as 1.1E+17 and lost its digits.
    #[error(
        "a spreadsheet turned the number into scientific notation and its digits are lost: format the column as text and export again"
    )]
    Scientific,
    /// A character that no identifier has, or more than 64 characters.
    #[error("an identifier has 1 to 64 letters, digits, - . / or *")]
    Malformed,
}

impl IdClaim {
    /// Parses a value of a scheme to its canonical form. Full-width characters become narrow, letters capitals, blanks go.
    ///
    /// # Errors
    /// When the text cannot be a value of the scheme.
    pub fn parse(scheme: IdScheme, text: &str, issuer: Option<&str>) -> Result<Self, IdError> {
        let text: String = narrow(text).chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
        let text = text.trim_matches(['\'', '"', '=', '`']).to_uppercase();
        if text.is_empty() {
            return Err(IdError::Empty);
        }
        if text.contains("E+") {
            return Err(IdError::Scientific);
        }
        let claim = |value: String, masked: bool, checksum_ok: Option<bool>| Self {
            scheme,
            value: value.into(),
            issuer: issuer.map(str::to_owned),
            masked,
            checksum_ok,
        };
        match scheme {
            IdScheme::CnId => {
                if let Some(masked) = MaskedResidentId::parse(&text) {
                    return Ok(claim(masked.as_str().to_owned(), true, None));
                }
                let id = ResidentId::parse(&text)?;
                Ok(claim(id.as_str().to_owned(), false, Some(true)))
            }
            IdScheme::Msisdn => Ok(claim(Phone::parse(&text)?.as_str().to_owned(), false, None)),
            _ => {
                let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '.' | '/' | '*' | '_' | ':' | '@');
                if text.len() > 64 || !text.chars().all(plain) {
                    return Err(IdError::Malformed);
                }
                let masked = text.contains('*');
                Ok(claim(text, masked, None))
            }
        }
    }
}

/// The text in compatibility form (NFKC). Most identifiers are ASCII, which is that form already.
fn narrow(text: &str) -> Cow<'_, str> {
    if text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(text.nfkc().collect()) }
}

/// A phone number as digits with country code and without `+`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Phone(String);

impl std::fmt::Debug for Phone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Phone(‹sensitive›)")
    }
}

impl Phone {
    /// Parses a number. Without country code it is taken as Chinese: 11 digits beginning with 1 (ITU-T E.164; country code 86),
    /// or a fixed line of area code and number, beginning with 0.
    ///
    /// # Errors
    /// When it has another form.
    pub fn parse(text: &str) -> Result<Self, IdError> {
        let kept = |c: &char| !c.is_whitespace() && !matches!(c, '-' | '(' | ')' | '.');
        let text: String = narrow(text).chars().filter(kept).collect();
        let (international, digits) = match text.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => match text.strip_prefix("00") {
                Some(rest) => (true, rest),
                None => (false, text.as_str()),
            },
        };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(IdError::Phone);
        }
        let mobile = |d: &str| d.len() == 11 && d.starts_with('1') && d.as_bytes()[1] >= b'3';
        match digits {
            d if international && (7..=15).contains(&d.len()) => Ok(Self(d.to_owned())),
            d if mobile(d) => Ok(Self(format!("86{d}"))),
            d if d.len() == 13 && d.starts_with("86") && mobile(&d[2..]) => Ok(Self(d.to_owned())),
            d if d.starts_with('0') && (10..=12).contains(&d.len()) => Ok(Self(format!("86{}", &d[1..]))),
            d if (10..=11).contains(&d.len()) && !d.starts_with('0') => Ok(Self(d.to_owned())),
            _ => Err(IdError::Phone),
        }
    }

    /// The digits, country code first.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phones_in_all_prefixes_are_one_number() {
        for text in [
            "13812345678",
            "+8613812345678",
            "8613812345678",
            "008613812345678",
            "138 1234 5678",
            "１３８１２３４５６７８",
        ] {
            assert_eq!(Phone::parse(text).as_ref().map(Phone::as_str), Ok("8613812345678"), "{text}");
        }
        for text in ["", "+", "1381234", "1381234567a", "1064812345678901234"] {
            assert_eq!(Phone::parse(text), Err(IdError::Phone), "{text}");
        }
    }

    #[test]
    fn a_number_that_a_spreadsheet_destroyed_is_named_as_such() {
        assert_eq!(IdClaim::parse(IdScheme::CnId, "1.10105E+17", None), Err(IdError::Scientific));
    }

    #[test]
    fn a_masked_number_is_a_masked_claim() {
        let claim = IdClaim::parse(IdScheme::CnId, "1101051949****002X", None).expect("masked");
        assert!(claim.masked);
        assert_eq!(claim.checksum_ok, None);
    }

    #[test]
    fn glued_tabs_and_quotes_of_spreadsheets_do_not_matter() {
        let claim = IdClaim::parse(IdScheme::CnId, "'11010519491231002x\t", None).expect("valid");
        assert_eq!(claim.value.expose(), "11010519491231002X");
    }

    #[test]
    fn every_scheme_has_its_own_code() {
        for scheme in IdScheme::ALL {
            assert_eq!(IdScheme::from_code(scheme.code()), Some(scheme));
        }
    }
}
