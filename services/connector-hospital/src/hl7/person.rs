//! The person of a message: PID to an identity statement.

use connector::{Reason, RowError};
use domain::{
    ClaimKind, IdClaim, IdScheme, IdentityField, IdentityObserved, Partial, PersonName, PersonRef, Phone, ResidentId,
    Sensitive, Sex,
};

use super::message::{Message, Rep, Seg, bounded, word};
use super::time::birth_day;

/// Identifiers of one patient in a message. Each is compared with those of others.
const IDENTIFIERS_MAX: usize = 32;
/// Names of one patient in a message.
const NAMES_MAX: usize = 16;
/// Phones of one patient in a message, per field.
const PHONES_MAX: usize = 16;
/// Characters of a name and of an address, as in columns of other feeds.
const NAME_CHARS_MAX: usize = 100;
const ADDRESS_CHARS_MAX: usize = 300;

/// A patient as PID describes them.
pub(crate) struct Patient {
    /// Hospital number and who issued it.
    pub(crate) number: PatientNumber,
    /// What the message states: only part, for a field that is empty is unknown.
    pub(crate) statement: IdentityObserved,
    /// What was odd, as closed-set codes.
    pub(crate) flags: Vec<&'static str>,
}

/// A hospital number, unique within its issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PatientNumber {
    issuer: String,
    value: Sensitive<String>,
}

impl PatientNumber {
    /// The source's own id of the patient's record.
    pub(crate) fn record_id(&self) -> String {
        format!("patient:{}:{}", key_part(&self.issuer), self.value.expose())
    }

    /// The number as an identifier of the patient.
    pub(crate) fn claim(&self) -> IdClaim {
        let (value, issuer) = (self.value.clone(), Some(self.issuer.clone()));
        IdClaim { scheme: IdScheme::Mrn, value, issuer, masked: false, checksum_ok: None }
    }

    /// The source's own id of a stay of this patient.
    pub(crate) fn visit_id(&self, visit: &str) -> String {
        format!("visit:{}:{visit}", key_part(&self.issuer))
    }
}

/// A part of a record's key that another part follows: two different pairs never make one key.
pub(crate) fn key_part(text: &str) -> String {
    text.replace('%', "%25").replace(':', "%3A")
}

/// Who issues hospital numbers where a message names no authority: the sending facility, else the sending application.
///
/// # Errors
/// When its name is longer than a name.
pub(crate) fn facility(message: &Message<'_>) -> Result<String, RowError> {
    let Some(msh) = message.segment("MSH") else { return Ok(String::new()) };
    let facility = msh.word(4)?;
    if facility.is_empty() { msh.word(3) } else { Ok(facility) }
}

/// Reads a PID segment: a message may be about several patients.
///
/// # Errors
/// When there is no hospital number in it, an identifier or day of birth is malformed, or there is more of anything than
/// one person has.
pub(crate) fn patient(message: &Message<'_>, pid: &Seg<'_>) -> Result<Patient, RowError> {
    let facility = facility(message)?;
    let mut flags = Vec::new();
    let mut partial = Partial::default();
    let mut claims = claims(pid, &facility, &mut partial)?;
    if name_resident_numbers(pid, &mut claims) {
        flags.push("identifier-type-assumed");
    }
    let number = claims.iter().find(|claim| claim.scheme == IdScheme::Mrn).ok_or_else(|| {
        let message = "PID-3 has no hospital number (an identifier of type MR, PI, PT or without a type)";
        RowError::field("PID-3", Reason::RequiredMissing, message)
    })?;
    let number = number_of("PID-3", number, &facility)?;
    let sex = Sex::parse(&pid.value(8)).unwrap_or_else(|| {
        flags.push("sex-unknown-code");
        Sex::Unknown
    });
    let person = PersonRef {
        claims,
        names: names(pid)?,
        birth_date: match pid.value(7) {
            // A year or a month is a legal day of birth, and none that can be compared.
            text if matches!(text.len(), 4 | 6) && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                flags.push("birth-date-partial");
                None
            }
            text => birth_day("PID-7", &text)?,
        },
        sex,
        nationality: Some(pid.value(28)).filter(|code| code.len() == 3),
    };
    let contacts = contacts(pid, &mut flags)?;
    // Of the phones, the home phone decides: a business phone that is deleted must not take it along.
    let deletable = [
        (IdentityField::Names, 5),
        (IdentityField::BirthDate, 7),
        (IdentityField::Sex, 8),
        (IdentityField::Address, 11),
        (IdentityField::Contacts, 13),
        (IdentityField::Nationality, 28),
    ];
    partial.deleted = deletable.into_iter().filter(|(_, field)| pid.deletes(*field)).map(|(field, _)| field).collect();
    let statement = IdentityObserved {
        person,
        contacts,
        address: address(pid)?,
        partial: Some(Box::new(partial)),
        ..IdentityObserved::default()
    };
    Ok(Patient { number, statement, flags })
}

/// Identifiers of PID-3, and the resident number that some senders put into PID-19; notes which of them are deleted.
fn claims(pid: &Seg<'_>, facility: &str, partial: &mut Partial) -> Result<Vec<IdClaim>, RowError> {
    let mut claims = Vec::new();
    // Before version 2.3.1 some had the number in PID-2 alone.
    let field = if pid.repeats(3).next().is_some() { 3 } else { 2 };
    for id in pid.few_repeats(field, IDENTIFIERS_MAX)? {
        let (scheme, issuer) = kind_of("PID-3", &id, facility)?;
        if id.deletes_component(1) {
            partial.deleted_claims.push(ClaimKind { scheme, issuer });
        } else {
            claims.extend(claim("PID-3", &id, facility)?);
        }
    }
    let social = pid.word(19)?;
    if pid.deletes(19) {
        partial.deleted_claims.push(ClaimKind { scheme: IdScheme::CnId, issuer: None });
        partial.deleted_claims.push(ClaimKind { scheme: IdScheme::Other, issuer: Some("PID-19".to_owned()) });
    } else if !social.is_empty() {
        match IdClaim::parse(IdScheme::CnId, &social, None) {
            Ok(claim) => claims.push(claim),
            Err(_) => claims.extend(IdClaim::parse(IdScheme::Other, &social, Some("PID-19")).ok()),
        }
    }
    Ok(claims)
}

/// A number without a type that is a resident number, and of whoever PID-7 describes, is no hospital number. Where the message
/// has no other, it stays one, too: the hospital numbers its patients so.
fn name_resident_numbers(pid: &Seg<'_>, claims: &mut Vec<IdClaim>) -> bool {
    let untyped: Vec<String> = [2, 3]
        .into_iter()
        .flat_map(|field| pid.repeats(field))
        .filter(|id| id.component(5).is_empty())
        .map(|id| id.component(1))
        .collect();
    let stated = birth_day("PID-7", &pid.value(7)).ok().flatten();
    let is_resident = |claim: &IdClaim| {
        let value = claim.value.expose();
        let birth = ResidentId::parse(value).ok().and_then(|number| number.birth_day());
        claim.scheme == IdScheme::Mrn
            && value.len() == 18
            && untyped.contains(value)
            && birth.is_some_and(|birth| stated.is_none_or(|stated| stated == birth))
    };
    let found: Vec<IdClaim> = claims.iter().filter(|claim| is_resident(claim)).cloned().collect();
    if claims.iter().any(|claim| claim.scheme == IdScheme::Mrn && !is_resident(claim)) {
        claims.retain(|claim| !is_resident(claim));
    }
    for number in &found {
        let claim = IdClaim::parse(IdScheme::CnId, number.value.expose(), None);
        claims.extend(claim.ok().filter(|claim| !claims.contains(claim)));
    }
    !found.is_empty()
}

fn names(pid: &Seg<'_>) -> Result<Vec<PersonName>, RowError> {
    let mut names: Vec<(u8, PersonName)> = Vec::new();
    for name in pid.few_repeats(5, NAMES_MAX)? {
        names.extend(person_name(&name)?);
    }
    names.sort_by_key(|(rank, _)| *rank);
    Ok(names.into_iter().map(|(_, name)| name).collect())
}

fn contacts(pid: &Seg<'_>, flags: &mut Vec<&'static str>) -> Result<Vec<Sensitive<String>>, RowError> {
    let mut contacts = Vec::new();
    for field in [13, 14] {
        for telephone in pid.few_repeats(field, PHONES_MAX)? {
            match phone(&telephone) {
                Some(Ok(phone)) => contacts.push(Sensitive::from(phone.as_str())),
                Some(Err(_)) => flags.push("phone-unreadable"),
                None => {}
            }
        }
    }
    contacts.sort();
    contacts.dedup();
    flags.dedup();
    Ok(contacts)
}

/// The hospital number that a merge takes away (MRG-1).
///
/// # Errors
/// When there is no number in it.
pub(crate) fn merged_away(message: &Message<'_>, merge: &Seg<'_>) -> Result<PatientNumber, RowError> {
    let facility = facility(message)?;
    for id in merge.few_repeats(1, IDENTIFIERS_MAX)? {
        if let Some(claim) = claim("MRG-1", &id, &facility)?
            && claim.scheme == IdScheme::Mrn
        {
            return number_of("MRG-1", &claim, &facility);
        }
    }
    Err(RowError::field(
        "MRG-1",
        Reason::RequiredMissing,
        "MRG-1 does not name the hospital number that was merged away",
    ))
}

/// Numbers of two hospitals are alike: without an issuer a number names nobody.
fn number_of(field: &str, claim: &IdClaim, facility: &str) -> Result<PatientNumber, RowError> {
    let issuer = claim.issuer.clone().unwrap_or_else(|| facility.to_owned());
    if issuer.is_empty() {
        let message =
            format!("the message does not say whose number {field} holds: no authority there, no MSH-4, no MSH-3");
        return Err(RowError::field("MSH-4", Reason::RequiredMissing, message));
    }
    Ok(PatientNumber { issuer, value: claim.value.clone() })
}

/// One identifier (data type CX): value, assigning authority, type (HL7 table 0203).
fn claim(field: &str, id: &Rep<'_>, facility: &str) -> Result<Option<IdClaim>, RowError> {
    let value = word(field, id.component(1))?;
    if value.is_empty() {
        return Ok(None);
    }
    let (scheme, issuer) = kind_of(field, id, facility)?;
    match IdClaim::parse(scheme, &value, issuer.as_deref()) {
        Ok(claim) => Ok(Some(claim)),
        Err(_) if scheme == IdScheme::Other => Ok(None),
        Err(error) => {
            let kind = id.component(5).to_uppercase();
            Err(RowError::field(field, Reason::IdentifierInvalid, format!("{field}, type {kind}: {error}")))
        }
    }
}

/// Scheme and issuer of an identifier.
fn kind_of(field: &str, id: &Rep<'_>, facility: &str) -> Result<(IdScheme, Option<String>), RowError> {
    let authority = [id.subcomponent(4, 1), id.subcomponent(4, 2), facility.to_owned()];
    let authority = authority.into_iter().find(|a| !a.is_empty());
    let authority = authority.map(|a| word(field, a)).transpose()?;
    let kind = word(field, id.component(5).to_uppercase())?;
    Ok(match kind.as_str() {
        "" | "MR" | "MRN" | "PI" | "PT" => (IdScheme::Mrn, authority),
        "NI" | "NNCHN" | "NNCN" | "SFZ" | "CN" => (IdScheme::CnId, None),
        "PPN" => (IdScheme::Passport, authority),
        "HC" | "JHN" | "MC" | "MA" => (IdScheme::HealthCard, authority),
        other => (IdScheme::Other, Some(other.to_owned())),
    })
}

/// One name (data type XPN) and its rank: the legal name before aliases and maiden names (HL7 table 0200).
fn person_name(name: &Rep<'_>) -> Result<Option<(u8, PersonName)>, RowError> {
    let rank = match name.component(7).as_str() {
        "" | "L" | "D" => 0,
        "A" | "N" => 1,
        _ => 2,
    };
    let family = bounded("PID-5", name.subcomponent(1, 1), NAME_CHARS_MAX)?;
    let given = bounded("PID-5", format!("{} {}", name.component(2), name.component(3)), NAME_CHARS_MAX)?;
    Ok(PersonName::parts(&family, given.trim()).map(|name| (rank, name)))
}

/// One telephone (data type XTN): the whole number, or area code and local number.
fn phone(telephone: &Rep<'_>) -> Option<Result<Phone, domain::IdError>> {
    if matches!(telephone.component(3).as_str(), "Internet" | "X.400") {
        return None;
    }
    let whole = [telephone.component(1), telephone.component(12)].into_iter().find(|text| !text.is_empty());
    let text = whole.unwrap_or_else(|| {
        let [country, area, local] = [5, 6, 7].map(|part| telephone.component(part));
        // The zero before an area code is dialled within the country only.
        let area = area.trim_start_matches('0');
        match country.trim_start_matches(['+', '0']) {
            _ if local.is_empty() => String::new(),
            "" if area.is_empty() => local,
            "" => format!("0{area}{local}"),
            country => format!("+{country}{area}{local}"),
        }
    });
    (!text.is_empty()).then(|| Phone::parse(&text))
}

/// The first address (data type XAD) as one text.
fn address(pid: &Seg<'_>) -> Result<Option<Sensitive<String>>, RowError> {
    let Some(address) = pid.repeats(11).next() else { return Ok(None) };
    let parts: Vec<String> = [4, 3, 1, 2].into_iter().map(|c| address.component(c)).filter(|p| !p.is_empty()).collect();
    let text = bounded("PID-11", parts.join(" "), ADDRESS_CHARS_MAX)?;
    Ok((!text.is_empty()).then(|| Sensitive::from(text)))
}
