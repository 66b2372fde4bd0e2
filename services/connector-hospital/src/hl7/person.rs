//! The person of a message: PID to an identity statement.

use connector::{Reason, RowError};
use domain::{IdClaim, IdScheme, IdentityObserved, PersonName, PersonRef, Phone, Sensitive, Sex};

use super::message::{Message, Rep, Seg};
use super::time::birth_day;

/// A patient as PID describes them.
pub(crate) struct Patient {
    /// Hospital number and who issued it.
    pub(crate) number: PatientNumber,
    /// The whole statement.
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
        format!("patient:{}:{}", self.issuer, self.value.expose())
    }

    /// The source's own id of a stay of this patient.
    pub(crate) fn visit_id(&self, visit: &str) -> String {
        format!("visit:{}:{visit}", self.issuer)
    }
}

/// Who issues hospital numbers where a message names no authority: the sending facility, else the sending application.
pub(crate) fn facility(message: &Message<'_>) -> String {
    let Some(msh) = message.segment("MSH") else { return String::new() };
    let facility = msh.value(4);
    if facility.is_empty() { msh.value(3) } else { facility }
}

/// Reads PID.
///
/// # Errors
/// When there is no PID, no hospital number in it, or an identifier or day of birth is malformed.
pub(crate) fn patient(message: &Message<'_>) -> Result<Patient, RowError> {
    let pid = message.required("PID")?;
    let facility = facility(message);
    let mut flags = Vec::new();
    let mut claims = Vec::new();
    let mut number = None;
    for id in pid.repeats(3) {
        let claim = claim("PID-3", &id, &facility)?;
        if let Some(claim) = claim {
            if claim.scheme == IdScheme::Mrn && number.is_none() {
                number = Some(number_of(&claim, &facility));
            }
            claims.push(claim);
        }
    }
    let number = number.ok_or_else(|| {
        let message = "PID-3 has no hospital number (an identifier of type MR, PI, PT or without a type)";
        RowError::field("PID-3", Reason::RequiredMissing, message)
    })?;
    let social = pid.value(19);
    if !social.is_empty() {
        match IdClaim::parse(IdScheme::CnId, &social, None) {
            Ok(claim) => claims.push(claim),
            Err(_) => claims.extend(IdClaim::parse(IdScheme::Other, &social, Some("PID-19")).ok()),
        }
    }
    let mut names: Vec<(u8, PersonName)> = pid.repeats(5).filter_map(|name| person_name(&name)).collect();
    names.sort_by_key(|(rank, _)| *rank);
    let mut contacts = Vec::new();
    for field in [13, 14] {
        for telephone in pid.repeats(field) {
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
    let sex = pid.value(8);
    let sex = Sex::parse(&sex).unwrap_or_else(|| {
        flags.push("sex-unknown-code");
        Sex::Unknown
    });
    let statement = IdentityObserved {
        person: PersonRef {
            claims,
            names: names.into_iter().map(|(_, name)| name).collect(),
            birth_date: birth_day("PID-7", &pid.value(7))?,
            sex,
            nationality: Some(pid.value(28)).filter(|code| code.len() == 3),
        },
        contacts,
        address: address(&pid),
        ..IdentityObserved::default()
    };
    Ok(Patient { number, statement, flags })
}

/// The hospital number that a merge takes away (MRG-1).
///
/// # Errors
/// When there is no MRG segment or no number in it.
pub(crate) fn merged_away(message: &Message<'_>) -> Result<PatientNumber, RowError> {
    let merge = message.required("MRG")?;
    let facility = facility(message);
    for id in merge.repeats(1) {
        if let Some(claim) = claim("MRG-1", &id, &facility)?
            && claim.scheme == IdScheme::Mrn
        {
            return Ok(number_of(&claim, &facility));
        }
    }
    Err(RowError::field(
        "MRG-1",
        Reason::RequiredMissing,
        "MRG-1 does not name the hospital number that was merged away",
    ))
}

fn number_of(claim: &IdClaim, facility: &str) -> PatientNumber {
    let issuer = claim.issuer.clone().unwrap_or_else(|| facility.to_owned());
    PatientNumber { issuer, value: claim.value.clone() }
}

/// One identifier (data type CX): value, assigning authority, type (HL7 table 0203).
fn claim(field: &str, id: &Rep<'_>, facility: &str) -> Result<Option<IdClaim>, RowError> {
    let value = id.component(1);
    if value.is_empty() {
        return Ok(None);
    }
    let authority = [id.subcomponent(4, 1), id.subcomponent(4, 2), facility.to_owned()];
    let authority = authority.into_iter().find(|a| !a.is_empty());
    let kind = id.component(5).to_uppercase();
    let (scheme, issuer) = match kind.as_str() {
        "" | "MR" | "MRN" | "PI" | "PT" => (IdScheme::Mrn, authority),
        "NI" | "NNCHN" | "NNCN" | "SFZ" | "CN" => (IdScheme::CnId, None),
        "PPN" => (IdScheme::Passport, authority),
        "HC" | "JHN" | "MC" | "MA" => (IdScheme::HealthCard, authority),
        other => (IdScheme::Other, Some(other.to_owned())),
    };
    let claim = IdClaim::parse(scheme, &value, issuer.as_deref());
    match claim {
        Ok(claim) => Ok(Some(claim)),
        Err(_) if scheme == IdScheme::Other => Ok(None),
        Err(error) => Err(RowError::field(field, Reason::IdentifierInvalid, format!("{field}, type {kind}: {error}"))),
    }
}

/// One name (data type XPN) and its rank: the legal name before aliases and maiden names (HL7 table 0200).
fn person_name(name: &Rep<'_>) -> Option<(u8, PersonName)> {
    let rank = match name.component(7).as_str() {
        "" | "L" | "D" => 0,
        "A" | "N" => 1,
        _ => 2,
    };
    let given = format!("{} {}", name.component(2), name.component(3));
    PersonName::parts(&name.subcomponent(1, 1), given.trim()).map(|name| (rank, name))
}

/// One telephone (data type XTN): the whole number, or area code and local number.
fn phone(telephone: &Rep<'_>) -> Option<Result<Phone, domain::IdError>> {
    if matches!(telephone.component(3).as_str(), "Internet" | "X.400") {
        return None;
    }
    let whole = [telephone.component(1), telephone.component(12)].into_iter().find(|text| !text.is_empty());
    let text = whole.unwrap_or_else(|| format!("{}{}", telephone.component(6), telephone.component(7)));
    (!text.is_empty()).then(|| Phone::parse(&text))
}

/// The first address (data type XAD) as one text.
fn address(pid: &Seg<'_>) -> Option<Sensitive<String>> {
    let address = pid.repeats(11).next()?;
    let parts: Vec<String> = [4, 3, 1, 2].into_iter().map(|c| address.component(c)).filter(|p| !p.is_empty()).collect();
    (!parts.is_empty()).then(|| Sensitive::from(parts.join(" ")))
}
