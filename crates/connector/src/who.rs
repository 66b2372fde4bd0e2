//! Who a row is about: the statement of identity in it, and the claims by which its facts lead to the person.

use domain::{
    ClaimRef, ClaimToken, IdClaim, IdScheme, IdentityObserved, Op, PersonName, PersonRef, Phone, Precision, Sensitive,
    Sex, Timestamp, TokenKey,
};

use crate::columns::Field;
use crate::feed::{Draft, DraftRole, RowError};
use crate::fields::Fields;
use crate::profile::Profile;
use crate::reason::Reason;

/// The code of a document that names an organisation, not a person.
const ORGANISATION: &str = "ORGANISATION";

/// Claims that a fact carries: the first leads to the person, the others help to find out what went wrong. A message may
/// hold a thousand facts about somebody with many identifiers.
const SUBJECT_CLAIMS_MAX: usize = 4;

/// Who one row is about.
#[derive(Clone, Debug, Default)]
pub struct Who {
    /// What the row states.
    pub statement: IdentityObserved,
    /// What was odd about it, as closed-set codes.
    pub flags: Vec<&'static str>,
}

/// A statement that a sighting restates, and how facts refer to it.
#[derive(Clone, Debug)]
pub struct Subjects {
    /// Claims for the facts of the row, the most specific first.
    pub claims: Vec<ClaimRef>,
    /// The statement, when the row says more than one bare identifier.
    pub sighting: Option<Draft>,
}

impl Who {
    /// Reads the identity fields of a row.
    ///
    /// # Errors
    /// When an identifier is malformed. A contact phone that is none is left out and flagged.
    pub fn read(fields: &Fields<'_>) -> Result<Self, RowError> {
        let mut who = Self::default();
        let organisation = who.read_document(fields)?;
        for (field, scheme) in [
            (Field::HealthCard, IdScheme::HealthCard),
            (Field::Mrn, IdScheme::Mrn),
            (Field::Wallet, IdScheme::Wallet),
            (Field::GateCard, IdScheme::GateCard),
            (Field::BankCard, IdScheme::BankCard),
        ] {
            let issuer = fields.profile().issuer(field);
            who.statement.person.claims.extend(fields.claim(field, scheme, Some(issuer))?);
        }
        who.statement.person.claims.extend(fields.claim(Field::Imsi, IdScheme::Imsi, None)?);
        if fields.profile().masked.contains(&Field::Phone) && fields.text(Field::Phone).is_some_and(is_masked) {
            // What is left of a number leads to nobody.
            who.flags.push("phone-masked");
        } else {
            who.statement.person.claims.extend(fields.claim(Field::Phone, IdScheme::Msisdn, None)?);
        }
        if let Some(text) = fields.text(Field::ContactPhone) {
            match Phone::parse(text) {
                Ok(phone) => who.statement.contacts.push(Sensitive::from(phone.as_str())),
                Err(_) => who.flags.push("contact-phone-invalid"),
            }
        }
        if organisation {
            who.flags.push("organisation-holder");
        } else {
            who.read_person(fields)?;
        }
        who.statement.address = fields.bounded(Field::Address, 300)?.map(Sensitive::new);
        who.statement.division_code = division_code(fields, Field::DivisionCode)?;
        who.statement.community_unit = fields.bounded(Field::CommunityUnit, 64)?;
        Ok(who)
    }

    /// Reads type and number of the document; true when it names an organisation.
    fn read_document(&mut self, fields: &Fields<'_>) -> Result<bool, RowError> {
        let scheme = match fields.word(Field::IdType)? {
            Some(ORGANISATION) => return Ok(true),
            Some(code) => IdScheme::from_code(code).ok_or_else(|| {
                let message = format!("the profile gives the kind of document the unknown code {code}");
                fields.error(Field::IdType, Reason::IdentifierType, message)
            })?,
            None => kind_by_form(fields).unwrap_or(IdScheme::CnId),
        };
        let Some(claim) = fields.claim(Field::IdNumber, scheme, None)? else { return Ok(false) };
        if claim.masked && !fields.profile().masked.contains(&Field::IdNumber) {
            self.flags.push("masked-unexpectedly");
        }
        self.statement.person.claims.push(claim);
        Ok(false)
    }

    fn read_person(&mut self, fields: &Fields<'_>) -> Result<(), RowError> {
        let person = &mut self.statement.person;
        let name = match fields.bounded(Field::Name, 100)? {
            Some(text) => PersonName::whole(&text),
            None => PersonName::parts(
                fields.bounded(Field::FamilyName, 100)?.as_deref().unwrap_or(""),
                fields.bounded(Field::GivenName, 100)?.as_deref().unwrap_or(""),
            ),
        };
        if let Some(name) = name {
            let text = name.text.expose();
            if text.chars().any(|c| matches!(c, '?' | '\u{fffd}' | '\u{e000}'..='\u{f8ff}')) {
                // Characters were lost on the way: such a name matches the wrong people.
                self.flags.push("name-damaged");
            } else {
                if is_masked(text) {
                    self.flags.push("name-masked");
                }
                person.names.push(name);
            }
        }
        if let Some(word) = fields.word(Field::Sex)? {
            person.sex = Sex::parse(word).or_else(|| fields.code(Field::Sex).ok().flatten()).ok_or_else(|| {
                fields.error(Field::Sex, Reason::ValueUnknown, "the sex is none of 男, 女, M, F, 1, 2")
            })?;
        }
        person.birth_date = fields.day(Field::BirthDate)?;
        if person.birth_date.and_then(|day| day.ymd()).is_some_and(|(year, ..)| !(1850..2200).contains(&year)) {
            return Err(fields.error(Field::BirthDate, Reason::ValueDay, "nobody alive was born then"));
        }
        person.nationality = fields.bounded(Field::Nationality, 32)?;
        Ok(())
    }

    /// The claims for the facts of a row that restates who the person is, and the statement to publish.
    ///
    /// # Errors
    /// When the row names nobody, and the profile does not allow for that.
    pub fn subjects(mut self, profile: &Profile, key: &TokenKey, at: Timestamp) -> Result<Subjects, RowError> {
        let person = &self.statement.person;
        if person.names.is_empty() && person.claims.is_empty() && self.statement.contacts.is_empty() {
            let none = Subjects { claims: Vec::new(), sighting: None };
            return if profile.identity.optional { Ok(none) } else { Err(nobody()) };
        }
        let bare = person.names.is_empty() && person.claims.len() + self.statement.contacts.len() == 1;
        if bare {
            // Nothing to link with: the identifier itself is the subject, and nothing is stated about a person.
            let contact = || self.statement.contacts.first().map(|phone| msisdn(phone.expose()));
            let claim = person.claims.first().cloned().or_else(contact).ok_or_else(nobody)?;
            return Ok(Subjects { claims: vec![key.claim_ref(&claim)], sighting: None });
        }
        let flags = std::mem::take(&mut self.flags);
        Ok(sighting(profile, key, self.statement, flags, at))
    }

    /// The claims for the facts of a row of a register, whose own record states who the person is.
    pub fn register_subjects(&self, profile: &Profile, key: &TokenKey, source_record_id: &str) -> Vec<ClaimRef> {
        let record = key.record_id(&profile.source, source_record_id);
        subject_claims(key, ClaimToken::from(record), &self.statement.person)
    }
}

/// The kind of a document in a column that names none. The profile's option `other_document` says what a number is that
/// begins with a letter; without the option, all are resident numbers.
fn kind_by_form(fields: &Fields<'_>) -> Option<IdScheme> {
    let scheme = IdScheme::from_code(fields.profile().options.get("other_document")?)?;
    let text = fields.text(Field::IdNumber)?;
    let other = text.len() <= 12 && text.starts_with(|c: char| c.is_ascii_alphabetic());
    other.then_some(scheme)
}

fn nobody() -> RowError {
    RowError::row(Reason::IdentityMissing, "the row names nobody: no identifier, no phone and no usable name")
}

fn msisdn(digits: &str) -> IdClaim {
    IdClaim { scheme: IdScheme::Msisdn, value: digits.into(), issuer: None, masked: false, checksum_ok: None }
}

/// A column that holds the code of a division.
pub(crate) fn division_code(fields: &Fields<'_>, column: Field) -> Result<Option<String>, RowError> {
    let Some(code) = fields.text(column) else { return Ok(None) };
    if (6..=12).contains(&code.len()) && code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(Some(code.to_owned()));
    }
    Err(fields.error(column, Reason::ValueUnknown, "a division code has 6 to 12 digits"))
}

/// Whether characters of a text are hidden.
fn is_masked(text: &str) -> bool {
    text.contains(['*', '＊'])
}

fn subject_claims(key: &TokenKey, record: ClaimToken, person: &PersonRef) -> Vec<ClaimRef> {
    let mut claims = vec![ClaimRef { scheme: IdScheme::Record, token: record }];
    // A masked number is not the number: its token would lead nowhere.
    let clear = person.claims.iter().filter(|claim| !claim.masked);
    claims.extend(clear.map(|claim| key.claim_ref(claim)).take(SUBJECT_CLAIMS_MAX - 1));
    claims
}

/// A statement as a sighting: its record is its content, its version the week, so that a person who is seen a thousand
/// times and stated alike each time is one source record, restated once a week.
pub fn sighting(
    profile: &Profile,
    key: &TokenKey,
    statement: IdentityObserved,
    flags: Vec<&'static str>,
    at: Timestamp,
) -> Subjects {
    let source_record_id = format!("who:{}", hex(&key.opaque("who", &canonical(&statement))));
    let record = key.record_id(&profile.source, &source_record_id);
    let week = at.day_at_offset(0).as_epoch_days().div_euclid(7);
    let claims = subject_claims(key, ClaimToken::from(record), &statement.person);
    let draft = Draft {
        role: DraftRole::Sighting,
        source_record_id: source_record_id.into(),
        version: Some(i64::from(week)),
        version_room: 0,
        op: Op::Upsert,
        event_time: domain::Day::from_epoch_days(week * 7).start_utc(),
        precision: Precision::Day,
        utc_offset_min: Some(0),
        offset_assumed: false,
        created_time: None,
        quality_flags: flags,
        body: statement.into(),
    };
    Subjects { claims, sighting: Some(draft) }
}

/// The content of a statement as one text, the same for the same content.
fn canonical(statement: &IdentityObserved) -> String {
    let person = &statement.person;
    let mut text = String::with_capacity(160);
    let mut put = |part: &str| {
        text.push_str(part);
        text.push('\u{1f}');
    };
    for claim in &person.claims {
        put(claim.scheme.code());
        put(claim.issuer.as_deref().unwrap_or(""));
        put(claim.value.expose());
    }
    put("names");
    for name in &person.names {
        put(name.text.expose());
        put(name.family.as_ref().map_or("", |part| part.expose()));
        put(name.given.as_ref().map_or("", |part| part.expose()));
    }
    put("contacts");
    for phone in &statement.contacts {
        put(phone.expose());
    }
    put("rest");
    put(&person.birth_date.map(|day| day.to_string()).unwrap_or_default());
    put(match person.sex {
        Sex::Unknown => "",
        Sex::Male => "M",
        Sex::Female => "F",
        Sex::Other => "O",
    });
    put(person.nationality.as_deref().unwrap_or(""));
    put(statement.address.as_ref().map_or("", |address| address.expose()));
    put(statement.division_code.as_deref().unwrap_or(""));
    put(statement.community_unit.as_deref().unwrap_or(""));
    text
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}
