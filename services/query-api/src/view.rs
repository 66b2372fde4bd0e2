//! What an answer about a person looks like: one structure per field group.
//!
//! Invariant: an answer is built up from the granted groups, never cut down from everything. Each type of the domain is
//! taken apart completely here, so that a new field does not compile until somebody decides which group it is in.

use access::{FieldGroup, FieldGroups};
use domain::{
    Field, GoldenRecord, IdClaim, IdentityObserved, PersonName, PersonRef, PhoneUse, Rule, RunnerUp, Sex, SourceKind,
    Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// A value and, where that is granted, where it comes from.
#[derive(Serialize, ToSchema)]
pub(crate) struct FieldView<T> {
    /// The value.
    pub value: T,
    /// Where it comes from; only with the group `provenance` and that of the source's kind (`health` for hospitals).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provenance: Option<ProvenanceView<T>>,
}

/// Where a value comes from and why it was chosen.
#[derive(Serialize, ToSchema)]
pub(crate) struct ProvenanceView<T> {
    /// Source system.
    pub source: String,
    /// Source record.
    pub record_id: Uuid,
    /// When the record was last stated.
    pub time: String,
    /// The rule that chose the value: `only-value`, `valid-id-number`, `validity`, `agreement`, `source-rank`, `recency`,
    /// `completeness`, `order` or `every-value`.
    pub rule: &'static str,
    /// How many sources state it.
    pub sources: u32,
    /// The best value that was not chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runner_up: Option<RunnerUpView<T>>,
    /// The other values that were not chosen, best first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<RunnerUpView<T>>,
}

/// A value that was not chosen.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunnerUpView<T> {
    /// The value.
    pub value: T,
    /// Its source system.
    pub source: String,
    /// Its source record.
    pub record_id: Uuid,
    /// When the record was last stated.
    pub time: String,
}

/// Group `identity` of a person file.
#[derive(Serialize, ToSchema)]
pub(crate) struct IdentityView {
    /// Name in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<FieldView<String>>,
    /// Other names, most supported first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub other_names: Vec<FieldView<String>>,
    /// Day of birth, as `1949-12-31`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<FieldView<String>>,
    /// Sex: `MALE`, `FEMALE`, `OTHER` or `UNKNOWN`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sex: Option<FieldView<String>>,
    /// Nationality, ISO 3166-1 alpha-3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nationality: Option<FieldView<String>>,
    /// Identifiers other than phones, each only with its own group (`health` for hospital numbers).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub identifiers: Vec<FieldView<IdentifierView>>,
}

/// An identifier.
#[derive(Serialize, ToSchema)]
pub(crate) struct IdentifierView {
    /// Scheme, such as `CN_ID` or `MRN`.
    pub scheme: &'static str,
    /// Canonical value.
    pub value: String,
    /// Who issued it, where two issuers may give the same value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
}

/// Group `contact`.
#[derive(Serialize, ToSchema)]
pub(crate) struct PhonesView {
    /// Phones: own ones first.
    pub phones: Vec<FieldView<PhoneView>>,
}

/// A phone.
#[derive(Serialize, ToSchema)]
pub(crate) struct PhoneView {
    /// Digits with country code.
    pub number: String,
    /// A source states it as the person's own, not merely as a contact.
    pub own: bool,
    /// From when it is the person's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_from: Option<String>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<String>,
}

/// Group `residence`.
#[derive(Serialize, ToSchema)]
pub(crate) struct ResidenceView {
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<FieldView<String>>,
    /// Division code of the address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub division_code: Option<FieldView<String>>,
    /// Community unit that looks after the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub community_unit: Option<FieldView<String>>,
}

/// The groups of a golden record that were granted.
pub(crate) struct GoldenView {
    /// Group `identity`.
    pub identity: Option<IdentityView>,
    /// Group `contact`.
    pub contact: Option<PhonesView>,
    /// Group `residence`.
    pub residence: Option<ResidenceView>,
}

/// Builds the view of a golden record out of the granted groups.
pub(crate) fn golden(record: GoldenRecord, granted: &FieldGroups) -> GoldenView {
    let GoldenRecord {
        name,
        other_names,
        birth_date,
        sex,
        nationality,
        identifiers,
        phones,
        address,
        division_code,
        community_unit,
    } = record;
    let identity = granted.contains(FieldGroup::Identity).then(|| IdentityView {
        name: name.map(|f| field(f, granted, name_text)),
        other_names: other_names.into_iter().map(|f| field(f, granted, name_text)).collect(),
        birth_date: birth_date.map(|f| field(f, granted, |day| day.to_string())),
        sex: sex.map(|f| field(f, granted, |sex| sex_code(sex).to_owned())),
        nationality: nationality.map(|f| field(f, granted, |code| code)),
        identifiers: identifiers
            .into_iter()
            .filter(|f| granted.contains(FieldGroup::of_scheme(f.value.scheme)))
            .map(|f| field(f, granted, identifier))
            .collect(),
    });
    let contact = granted
        .contains(FieldGroup::Contact)
        .then(|| PhonesView { phones: phones.into_iter().map(|f| field(f, granted, phone)).collect() });
    let residence = granted.contains(FieldGroup::Residence).then(|| ResidenceView {
        address: address.map(|f| field(f, granted, |text| text.into_exposed())),
        division_code: division_code.map(|f| field(f, granted, |code| code)),
        community_unit: community_unit.map(|f| field(f, granted, |code| code)),
    });
    GoldenView { identity, contact, residence }
}

/// Whether a caller may learn that a source of this kind states something about the person.
pub(crate) fn may_know_source(kind: SourceKind, granted: &FieldGroups) -> bool {
    granted.contains(FieldGroup::Provenance) && granted.contains(FieldGroup::of_source(kind))
}

fn field<T, V>(field: Field<T>, granted: &FieldGroups, view: impl Fn(T) -> V) -> FieldView<V> {
    let Field { value, source, source_kind, record_id, time, rule, sources, runner_up, others } = field;
    let not_chosen = |other: RunnerUp<T>| {
        let RunnerUp { value, source, source_kind, record_id, time } = other;
        may_know_source(source_kind, granted).then(|| RunnerUpView {
            value: view(value),
            source,
            record_id: record_id.as_uuid(),
            time: time.to_string(),
        })
    };
    let runner_up = runner_up.and_then(not_chosen);
    let others = others.into_iter().filter_map(not_chosen).collect();
    FieldView {
        value: view(value),
        provenance: may_know_source(source_kind, granted).then(|| ProvenanceView {
            source,
            record_id: record_id.as_uuid(),
            time: time.to_string(),
            rule: rule_code(rule),
            sources,
            runner_up,
            others,
        }),
    }
}

const fn rule_code(rule: Rule) -> &'static str {
    match rule {
        Rule::OnlyValue => "only-value",
        Rule::ValidIdNumber => "valid-id-number",
        Rule::Validity => "validity",
        Rule::Agreement => "agreement",
        Rule::SourceRank => "source-rank",
        Rule::Recency => "recency",
        Rule::Completeness => "completeness",
        Rule::Order => "order",
        Rule::EveryValue => "every-value",
    }
}

pub(crate) const fn sex_code(sex: Sex) -> &'static str {
    match sex {
        Sex::Unknown => "UNKNOWN",
        Sex::Male => "MALE",
        Sex::Female => "FEMALE",
        Sex::Other => "OTHER",
    }
}

pub(crate) fn name_text(name: PersonName) -> String {
    let PersonName { text, script: _, family: _, given: _ } = name;
    text.into_exposed()
}

fn identifier(claim: IdClaim) -> IdentifierView {
    let IdClaim { scheme, value, issuer, masked: _, checksum_ok: _ } = claim;
    IdentifierView { scheme: scheme.code(), value: value.into_exposed(), issuer }
}

fn phone(phone: PhoneUse) -> PhoneView {
    let PhoneUse { number, holder, valid_from, valid_to } = phone;
    PhoneView { number: number.into_exposed(), own: holder, valid_from: time(valid_from), valid_to: time(valid_to) }
}

pub(crate) fn time(instant: Option<Timestamp>) -> Option<String> {
    instant.map(|instant| instant.to_string())
}

/// Group `identity` of one source record: what the source states, unchanged.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatedIdentityView {
    /// Names; the first is the one in use.
    pub names: Vec<String>,
    /// Day of birth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<String>,
    /// Sex.
    pub sex: &'static str,
    /// Nationality.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nationality: Option<String>,
    /// Identifiers other than phones; hidden characters are `*`.
    pub identifiers: Vec<IdentifierView>,
    /// State of the account, in the source's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_status: Option<String>,
}

/// Group `contact` of one source record.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatedContactView {
    /// Phones.
    pub phones: Vec<PhoneView>,
}

/// Group `residence` of one source record.
#[derive(Serialize, ToSchema)]
pub(crate) struct StatedResidenceView {
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Division code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub division_code: Option<String>,
    /// Community unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub community_unit: Option<String>,
}

/// The groups of a source record's statement that were granted.
#[derive(Default)]
pub(crate) struct StatedView {
    /// Group `identity`.
    pub identity: Option<StatedIdentityView>,
    /// Group `contact`.
    pub contact: Option<StatedContactView>,
    /// Group `residence`.
    pub residence: Option<StatedResidenceView>,
}

/// Builds the view of a source's statement out of the granted groups.
pub(crate) fn stated(statement: IdentityObserved, granted: &FieldGroups) -> StatedView {
    let IdentityObserved {
        person,
        contacts,
        address,
        division_code,
        community_unit,
        account_status,
        valid_from,
        valid_to,
        partial: _,
    } = statement;
    let PersonRef { claims, names, birth_date, sex, nationality } = person;
    let (own_phones, claims): (Vec<_>, Vec<_>) =
        claims.into_iter().partition(|claim| claim.scheme == domain::IdScheme::Msisdn);
    let identity = granted.contains(FieldGroup::Identity).then(|| StatedIdentityView {
        names: names.into_iter().map(name_text).collect(),
        birth_date: birth_date.map(|day| day.to_string()),
        sex: sex_code(sex),
        nationality,
        identifiers: claims
            .into_iter()
            .filter(|claim| granted.contains(FieldGroup::of_scheme(claim.scheme)))
            .map(identifier)
            .collect(),
        account_status,
    });
    let contact = granted.contains(FieldGroup::Contact).then(|| {
        let own = own_phones.into_iter().map(|claim| PhoneView {
            number: claim.value.into_exposed(),
            own: true,
            valid_from: time(valid_from),
            valid_to: time(valid_to),
        });
        let given = contacts.into_iter().map(|number| PhoneView {
            number: number.into_exposed(),
            own: false,
            valid_from: None,
            valid_to: None,
        });
        StatedContactView { phones: own.chain(given).collect() }
    });
    let residence = granted.contains(FieldGroup::Residence).then(|| StatedResidenceView {
        address: address.map(domain::Sensitive::into_exposed),
        division_code,
        community_unit,
    });
    StatedView { identity, contact, residence }
}

/// A cell of a table that no spreadsheet program runs as a formula. A number is none.
pub(crate) fn harmless(cell: String) -> String {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']) && cell.parse::<f64>().is_err();
    if is_formula { format!("'{cell}") } else { cell }
}

#[cfg(test)]
mod tests {
    use domain::{Day, IdScheme, RecordId, Sensitive};

    use super::*;

    fn full() -> GoldenRecord {
        fn of<T: Clone>(value: T, other: T) -> Field<T> {
            let record_id = RecordId::from_uuid(Uuid::from_u128(7));
            let time = Timestamp::from_millis(0);
            Field {
                value,
                source: "source-of-it".to_owned(),
                source_kind: SourceKind::Community,
                record_id,
                time,
                rule: Rule::Agreement,
                sources: 2,
                runner_up: Some(RunnerUp {
                    value: other.clone(),
                    source: "source-of-other".to_owned(),
                    source_kind: SourceKind::Hospital,
                    record_id,
                    time,
                }),
                others: vec![RunnerUp {
                    value: other,
                    source: "third-source".to_owned(),
                    source_kind: SourceKind::Hospital,
                    record_id,
                    time,
                }],
            }
        }
        let name = |text: &str| PersonName::whole(text).expect("a name");
        let id = |text: &str| IdClaim::parse(IdScheme::Passport, text, Some("CHN")).expect("valid");
        let phone = |text: &str| PhoneUse { number: text.into(), holder: true, valid_from: None, valid_to: None };
        GoldenRecord {
            name: Some(of(name("identity-1"), name("identity-2"))),
            other_names: vec![of(name("identity-3"), name("identity-4"))],
            birth_date: Some(of(Day::from_epoch_days(0), Day::from_epoch_days(1))),
            sex: Some(of(Sex::Female, Sex::Male)),
            nationality: Some(of("identity-5".to_owned(), "identity-6".to_owned())),
            identifiers: vec![of(id("IDENTITY-7"), id("IDENTITY-8"))],
            phones: vec![of(phone("contact-1"), phone("contact-2"))],
            address: Some(of(Sensitive::from("residence-1"), Sensitive::from("residence-2"))),
            division_code: Some(of("residence-3".to_owned(), "residence-4".to_owned())),
            community_unit: Some(of("residence-5".to_owned(), "residence-6".to_owned())),
        }
    }

    #[test]
    fn no_cell_runs_as_a_formula_and_a_number_stays_one() {
        for (cell, shown) in
            [("=1+1", "'=1+1"), ("+86", "+86"), ("-31.5", "-31.5"), ("-x", "'-x"), ("\r=1", "'\r=1"), ("", "")]
        {
            assert_eq!(harmless(cell.to_owned()), shown);
        }
    }

    #[test]
    fn a_view_of_a_statement_holds_the_granted_groups_and_nothing_of_the_others() {
        let claim = |scheme, text| IdClaim::parse(scheme, text, None).expect("valid");
        let statement = IdentityObserved {
            person: PersonRef {
                claims: vec![claim(IdScheme::Passport, "IDENTITY-1"), claim(IdScheme::Msisdn, "13812345678")],
                names: vec![PersonName::whole("identity-2").expect("a name")],
                birth_date: Some(Day::from_epoch_days(0)),
                sex: Sex::Female,
                nationality: Some("identity-3".to_owned()),
            },
            contacts: vec!["8613812345679".into()],
            address: Some("residence-1".into()),
            division_code: Some("residence-2".to_owned()),
            community_unit: Some("residence-3".to_owned()),
            account_status: Some("identity-4".to_owned()),
            valid_from: Some(Timestamp::from_millis(0)),
            valid_to: None,
            partial: None,
        };
        let groups = [FieldGroup::Identity, FieldGroup::Contact, FieldGroup::Residence];
        for subset in 0..8_u32 {
            let granted: FieldGroups =
                groups.iter().enumerate().filter(|(i, _)| subset & (1 << i) != 0).map(|(_, group)| *group).collect();
            let view = stated(statement.clone(), &granted);
            let text = serde_json::json!([view.identity, view.contact, view.residence]).to_string().to_lowercase();
            for (group, words) in groups.iter().zip([
                &["identity-1", "identity-2", "identity-3", "identity-4", "1970-01-01\"", "female"][..],
                &["8613812345678", "8613812345679"],
                &["residence-1", "residence-2", "residence-3"],
            ]) {
                for word in words {
                    assert_eq!(text.contains(word), granted.contains(*group), "{granted:?} {word}");
                }
            }
        }
    }

    #[test]
    fn a_view_holds_the_granted_groups_and_nothing_of_the_others() {
        // Every subset of the groups that a golden record has.
        let groups = [
            FieldGroup::Identity,
            FieldGroup::Contact,
            FieldGroup::Residence,
            FieldGroup::Provenance,
            FieldGroup::Health,
        ];
        for subset in 0..32_u32 {
            let granted: FieldGroups =
                groups.iter().enumerate().filter(|(i, _)| subset & (1 << i) != 0).map(|(_, group)| *group).collect();
            let view = golden(full(), &granted);
            let text = serde_json::json!([view.identity, view.contact, view.residence]).to_string().to_lowercase();
            for (group, word) in groups.iter().zip(["identity-", "contact-", "residence-"]) {
                assert_eq!(text.contains(word), granted.contains(*group), "{granted:?} {word}");
            }
            // The source is a community's: it is named to those who may know where the person lives.
            let named = [FieldGroup::Provenance, FieldGroup::Residence].iter().all(|group| granted.contains(*group));
            assert_eq!(text.contains("source-of-it"), named, "{granted:?}");
            // The runner-up is a hospital's: that there is one says that the person is a patient.
            let patient = named && granted.contains(FieldGroup::Health);
            assert_eq!(
                (text.contains("source-of-other"), text.contains("third-source"), text.contains("residence-2")),
                (patient, patient, patient),
                "{granted:?}"
            );
        }
    }

    #[test]
    fn an_identifier_is_shown_with_the_group_of_its_scheme_only() {
        for scheme in [
            IdScheme::CnId,
            IdScheme::Mrn,
            IdScheme::HealthCard,
            IdScheme::BankCard,
            IdScheme::Wallet,
            IdScheme::GateCard,
        ] {
            let claim = IdClaim { scheme, value: "the-number".into(), issuer: None, masked: false, checksum_ok: None };
            for group in FieldGroup::ALL {
                let granted: FieldGroups = [FieldGroup::Identity, *group].into_iter().collect();
                let mut record = full();
                record.identifiers[0].value = claim.clone();
                let person = PersonRef { claims: vec![claim.clone()], ..PersonRef::default() };
                let statement = IdentityObserved { person, ..IdentityObserved::default() };
                let texts = [
                    serde_json::to_string(&golden(record, &granted).identity).expect("JSON"),
                    serde_json::to_string(&stated(statement, &granted).identity).expect("JSON"),
                ];
                let shown = granted.contains(FieldGroup::of_scheme(scheme));
                assert!(texts.iter().all(|text| text.contains("the-number") == shown), "{scheme:?} {group}");
            }
        }
    }
}
