//! Patients: statements of identity, and which numbers name them.

use connector::{Draft, Profile, Reason, RowError};
use domain::{
    Day, IdClaim, IdScheme, IdentityObserved, IdentityRetracted, Op, PersonName, PersonRef, Phone, RetractReason,
    Sensitive, Sex,
};

use super::Resource;
use super::resource::{Address, HumanName, Identifier, Patient};
use super::time::Stated;

/// Of anything that repeats, one person has no more.
const REPEATS_MAX: usize = 32;

/// The source's own id of a patient's record.
pub(super) fn record(name: &str) -> String {
    format!("patient:{name}")
}

pub(super) fn map(resource: &Resource<'_>, at: Stated) -> Result<Vec<Draft>, RowError> {
    let patient: Patient = resource.read()?;
    if let Some(link) = patient.link.iter().find(|link| link.kind == "replaced-by") {
        let survivor = resource.name_of(&link.other).ok_or_else(|| {
            RowError::field("link", Reason::RequiredMissing, "the patient is replaced, and link does not say by whom")
        })?;
        let survivor = resource.context.key.record_id(&resource.profile.source, &record(&survivor));
        let body = IdentityRetracted { reason: RetractReason::Merged, survivor: Some(survivor) };
        return Ok(vec![resource.draft(record(&resource.name()), at, Op::Retract, Vec::new(), body)]);
    }
    let (statement, flags) = statement(resource.profile, &patient)?;
    Ok(vec![resource.draft(record(&resource.name()), at, Op::Upsert, flags, statement)])
}

/// What a patient resource states, and what was odd about it.
///
/// # Errors
/// When the resource goes to quarantine.
pub(super) fn statement(
    profile: &Profile,
    patient: &Patient,
) -> Result<(IdentityObserved, Vec<&'static str>), RowError> {
    for (field, count) in
        [("identifier", patient.identifier.len()), ("name", patient.name.len()), ("telecom", patient.telecom.len())]
    {
        if count > REPEATS_MAX {
            let message = format!("{field} is repeated more than {REPEATS_MAX} times");
            return Err(RowError::field(field, Reason::RepetitionsTooMany, message));
        }
    }
    let mut flags = Vec::new();
    let mut claims = Vec::new();
    for identifier in &patient.identifier {
        claims.extend(claim(profile, identifier)?);
    }
    let mut names: Vec<(u8, PersonName)> = patient.name.iter().filter_map(name).collect();
    names.sort_by_key(|(rank, _)| *rank);
    if names.iter().any(|(_, name)| name.text.expose().chars().count() > 100) {
        return Err(RowError::field("name", Reason::ValueTooLong, "a name has at most 100 characters"));
    }
    let mut contacts = Vec::new();
    for telecom in patient.telecom.iter().filter(|t| matches!(t.system.as_deref(), Some("phone" | "sms"))) {
        match telecom.value.as_deref().map(Phone::parse) {
            Some(Ok(phone)) => contacts.push(Sensitive::from(phone.as_str())),
            Some(Err(_)) => flags.push("phone-unreadable"),
            None => {}
        }
    }
    contacts.sort();
    contacts.dedup();
    flags.dedup();
    let birth_date = match patient.birth_date.as_deref() {
        None | Some("") => None,
        Some(text) if matches!(text.len(), 4 | 7) => {
            flags.push("birth-date-partial");
            None
        }
        Some(text) => {
            let day = Day::parse(text).map_err(|error| {
                let digits = text.bytes().filter(u8::is_ascii_digit).count();
                let has_form = digits == 8 && text.len() == 10 && text.split('-').count() == 3;
                let message = match has_form {
                    true => "birthDate has the form YYYY-MM-DD, but the calendar has no such day".to_owned(),
                    false => error.to_string(),
                };
                RowError::field("birthDate", Reason::ValueDay, message)
            });
            Some(day?)
        }
    };
    let sex = patient.gender.as_deref().map(Sex::parse).unwrap_or_default().unwrap_or_default();
    if claims.is_empty() && names.is_empty() && contacts.is_empty() {
        let message = "the patient has no identifier, no name and no phone";
        return Err(RowError::row(Reason::IdentityMissing, message));
    }
    let statement = IdentityObserved {
        person: PersonRef {
            claims,
            names: names.into_iter().map(|(_, name)| name).collect(),
            birth_date,
            sex,
            nationality: None,
        },
        contacts,
        address: patient.address.first().and_then(address),
        ..IdentityObserved::default()
    };
    Ok((statement, flags))
}

/// One identifier; what is none of its kind is an error where the kind has a form.
fn claim(profile: &Profile, identifier: &Identifier) -> Result<Option<IdClaim>, RowError> {
    let Some(value) = identifier.value.as_deref().filter(|value| !value.trim().is_empty()) else { return Ok(None) };
    let kind = identifier.kind.as_ref().and_then(|kind| kind.code()).and_then(|coding| coding.code.as_deref());
    let (scheme, issuer) = scheme(profile, kind, identifier.system.as_deref());
    match IdClaim::parse(scheme, value, issuer.as_deref()) {
        Ok(claim) => Ok(Some(claim)),
        Err(_) if scheme == IdScheme::Other => Ok(None),
        Err(error) => {
            let kind = kind.unwrap_or("without type");
            let message = format!("identifier, {kind}: {error}");
            Err(RowError::field("identifier", Reason::IdentifierInvalid, message))
        }
    }
}

/// Scheme and issuer of an identifier: by its system where the profile's option `system:<system>` names a scheme, else by
/// its type (HL7 table 0203). A number of no system is the source's own.
pub(super) fn scheme(profile: &Profile, kind: Option<&str>, system: Option<&str>) -> (IdScheme, Option<String>) {
    let system = system.filter(|system| !system.is_empty());
    let stated = system.and_then(|system| profile.options.get(&format!("system:{system}")));
    let issuer = || Some(system.unwrap_or(&profile.source).chars().take(200).collect::<String>());
    let scheme = match stated.and_then(|code| IdScheme::from_code(code)) {
        Some(scheme) => scheme,
        None => match (kind, system) {
            (Some("MR" | "MRN" | "PI" | "PT"), _) | (None, None) => IdScheme::Mrn,
            (Some("NI" | "NNCHN" | "NNCN"), _) => IdScheme::CnId,
            (Some("PPN"), _) => IdScheme::Passport,
            (Some("HC" | "JHN" | "MC"), _) => IdScheme::HealthCard,
            _ => IdScheme::Other,
        },
    };
    match scheme {
        IdScheme::CnId | IdScheme::Msisdn => (scheme, None),
        _ => (scheme, issuer()),
    }
}

/// One name and its rank: the one in use before old ones.
fn name(name: &HumanName) -> Option<(u8, PersonName)> {
    let rank = match name.usage.as_deref() {
        Some("official" | "usual") | None => 0,
        Some("nickname" | "anonymous" | "temp") => 1,
        Some(_) => 2,
    };
    let parts = PersonName::parts(name.family.as_deref().unwrap_or_default(), &name.given.join(" "));
    let name = parts.or_else(|| PersonName::whole(name.text.as_deref().unwrap_or_default()))?;
    Some((rank, name))
}

fn address(address: &Address) -> Option<Sensitive<String>> {
    let parts = [&address.state, &address.city, &address.district].into_iter().flatten().chain(&address.line);
    let whole = parts.map(String::as_str).collect::<Vec<_>>().join(" ");
    let text = address.text.clone().filter(|text| !text.is_empty()).unwrap_or(whole);
    (!text.trim().is_empty()).then(|| Sensitive::new(text.chars().take(300).collect()))
}
