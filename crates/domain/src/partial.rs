//! Statements that tell only part of what a source knows, and what a record states in all.
//!
//! A register exports whole rows: what a row does not state is not so any more. A message interface (HL7 v2) sends what
//! belongs to the occasion: a field that is empty is unknown and stays as it was told before, and only an explicit mark
//! deletes it. So a record is the merge of its versions, field by field, the higher version first.
//!
//! Invariant: the merge is a function of the set of statements. Their order and repetition do not matter.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{IdClaim, IdScheme, IdentityObserved, PersonRef, Sex};

/// A field of an identity statement, but for its identifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum IdentityField {
    /// None that this version of the hub knows.
    #[default]
    Other,
    /// All names.
    Names,
    /// Day of birth.
    BirthDate,
    /// Sex.
    Sex,
    /// Nationality.
    Nationality,
    /// All contact phones.
    Contacts,
    /// Address.
    Address,
    /// Division code.
    DivisionCode,
    /// Community unit.
    CommunityUnit,
    /// State of the account.
    AccountStatus,
    /// Begin of the validity.
    ValidFrom,
    /// End of the validity.
    ValidTo,
}

/// Identifiers of one scheme and one issuer: they are stated, kept and deleted together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
pub struct ClaimKind {
    /// The scheme.
    pub scheme: IdScheme,
    /// The issuer, where the scheme has several.
    pub issuer: Option<String>,
}

impl ClaimKind {
    /// The kind of an identifier.
    pub fn of(claim: &IdClaim) -> Self {
        Self { scheme: claim.scheme, issuer: claim.issuer.clone() }
    }
}

/// That a statement tells only part: what it does not state stays as the record's lower versions state it, but for what
/// it deletes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub struct Partial {
    /// Fields that the source deletes.
    pub deleted: Vec<IdentityField>,
    /// Identifiers that the source deletes.
    pub deleted_claims: Vec<ClaimKind>,
}

/// What the statements so far have told, from the newest on.
#[derive(Default)]
struct Told {
    /// A whole statement was among them: everything is told.
    whole: bool,
    fields: BTreeSet<IdentityField>,
    claims: BTreeSet<ClaimKind>,
    /// Kinds of which only masked values were told: an older value with all its characters is still news.
    masked: BTreeSet<ClaimKind>,
    /// Kinds of which everything was deleted.
    deleted: BTreeSet<ClaimKind>,
}

impl Told {
    /// Takes into `merged` what the statement tells and no newer one told; says whether it told anything.
    fn take(&mut self, statement: &IdentityObserved, merged: &mut IdentityObserved) -> bool {
        if self.whole {
            return false;
        }
        let before = (self.fields.len(), self.claims.len(), self.masked.len(), merged.person.claims.len());
        self.take_claims(statement, &mut merged.person.claims);
        self.take_fields(statement, merged);
        self.whole = statement.partial.is_none();
        self.whole || before != (self.fields.len(), self.claims.len(), self.masked.len(), merged.person.claims.len())
    }

    fn take_claims(&mut self, statement: &IdentityObserved, merged: &mut Vec<IdClaim>) {
        let (mut claims, mut masked) = (BTreeSet::new(), BTreeSet::new());
        for claim in &statement.person.claims {
            let kind = ClaimKind::of(claim);
            let is_told = match claim.scheme {
                // A patient whose numbers were merged has several; the later message names the one in use.
                IdScheme::Mrn => self.deleted.contains(&kind) || merged.contains(claim),
                _ => self.claims.contains(&kind) || (claim.masked && self.masked.contains(&kind)),
            };
            if is_told {
                continue;
            }
            merged.push(claim.clone());
            if claim.masked {
                masked.insert(kind)
            } else {
                claims.insert(kind)
            };
        }
        self.masked.append(&mut masked);
        self.claims.append(&mut claims);
        let deleted = statement.partial.iter().flat_map(|partial| &partial.deleted_claims);
        self.deleted.extend(deleted.clone().cloned());
        self.claims.extend(deleted.cloned());
    }

    fn take_fields(&mut self, statement: &IdentityObserved, merged: &mut IdentityObserved) {
        let IdentityObserved { person, contacts, .. } = statement;
        let PersonRef { claims: _, names, birth_date, sex, nationality } = person;
        let deleted = statement.partial.as_ref().map_or(&[][..], |partial| &partial.deleted);
        let mut news = |field, is_stated: bool| (is_stated || deleted.contains(&field)) && self.fields.insert(field);
        let into = &mut merged.person;
        if news(IdentityField::Names, !names.is_empty()) {
            into.names.clone_from(names);
        }
        if news(IdentityField::BirthDate, birth_date.is_some()) {
            into.birth_date = *birth_date;
        }
        if news(IdentityField::Sex, *sex != Sex::Unknown) {
            into.sex = *sex;
        }
        if news(IdentityField::Nationality, nationality.is_some()) {
            into.nationality.clone_from(nationality);
        }
        if news(IdentityField::Contacts, !contacts.is_empty()) {
            merged.contacts.clone_from(contacts);
        }
        if news(IdentityField::Address, statement.address.is_some()) {
            merged.address.clone_from(&statement.address);
        }
        if news(IdentityField::DivisionCode, statement.division_code.is_some()) {
            merged.division_code.clone_from(&statement.division_code);
        }
        if news(IdentityField::CommunityUnit, statement.community_unit.is_some()) {
            merged.community_unit.clone_from(&statement.community_unit);
        }
        if news(IdentityField::AccountStatus, statement.account_status.is_some()) {
            merged.account_status.clone_from(&statement.account_status);
        }
        if news(IdentityField::ValidFrom, statement.valid_from.is_some()) {
            merged.valid_from = statement.valid_from;
        }
        if news(IdentityField::ValidTo, statement.valid_to.is_some()) {
            merged.valid_to = statement.valid_to;
        }
    }
}

/// What a record states in all: its statements, the newest first, each adding what no newer one tells. Says also of each
/// statement whether it adds anything; one that does not will not do so later either, and can be forgotten.
pub fn merge_statements<'a>(
    newest_first: impl IntoIterator<Item = &'a IdentityObserved>,
) -> (IdentityObserved, Vec<bool>) {
    let mut merged = IdentityObserved::default();
    let mut told = Told::default();
    let adds = newest_first.into_iter().map(|statement| told.take(statement, &mut merged)).collect();
    merged.partial = (!told.whole).then(Box::default);
    (merged, adds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Day, PersonName, Sensitive};

    const NUMBER: &str = "11010519491231002X";

    fn claim(scheme: IdScheme, value: &str) -> IdClaim {
        IdClaim::parse(scheme, value, (scheme == IdScheme::Mrn).then_some("A")).expect("valid")
    }

    fn partial(claims: Vec<IdClaim>) -> IdentityObserved {
        let person = PersonRef { claims, ..PersonRef::default() };
        IdentityObserved { person, partial: Some(Box::default()), ..IdentityObserved::default() }
    }

    fn full() -> IdentityObserved {
        let mut full = partial(vec![claim(IdScheme::Mrn, "M1"), claim(IdScheme::CnId, NUMBER)]);
        full.person.names = PersonName::whole("王小明").into_iter().collect();
        full.person.birth_date = Day::parse("1949-12-31").ok();
        full.contacts = vec![Sensitive::from("8613800000001")];
        full
    }

    #[test]
    fn what_is_not_stated_stays_and_what_is_stated_replaces() {
        let mut later = partial(vec![claim(IdScheme::Mrn, "M1")]);
        later.contacts = vec![Sensitive::from("8613800000002")];
        let (merged, adds) = merge_statements([&later, &full()]);
        assert_eq!(merged.contacts, later.contacts);
        assert_eq!(merged.person.birth_date, full().person.birth_date);
        assert_eq!(merged.person.claims.len(), 2);
        assert_eq!(adds, [true, true]);
        assert!(merged.partial.is_some());
    }

    #[test]
    fn hospital_numbers_add_up_until_they_are_deleted() {
        let numbers = |statements: [&IdentityObserved; 2]| merge_statements(statements).0.person.claims.len();
        let (one, other) = (partial(vec![claim(IdScheme::Mrn, "M1")]), partial(vec![claim(IdScheme::Mrn, "M2")]));
        assert_eq!(numbers([&other, &one]), 2);
        assert_eq!(numbers([&one, &one]), 1);
        let mut cleared = other.clone();
        let kind = ClaimKind { scheme: IdScheme::Mrn, issuer: Some("A".to_owned()) };
        cleared.partial = Some(Box::new(Partial { deleted_claims: vec![kind], ..Partial::default() }));
        assert_eq!(numbers([&cleared, &one]), 1);
    }

    #[test]
    fn what_is_deleted_is_gone_whoever_stated_it_before() {
        let mut later = partial(vec![claim(IdScheme::Mrn, "M1")]);
        later.partial = Some(Box::new(Partial {
            deleted: vec![IdentityField::BirthDate],
            deleted_claims: vec![ClaimKind { scheme: IdScheme::CnId, issuer: None }],
        }));
        let (merged, _) = merge_statements([&later, &full()]);
        assert_eq!(merged.person.birth_date, None);
        assert_eq!(merged.person.claims, [claim(IdScheme::Mrn, "M1")]);
        assert_eq!(merged.person.names, full().person.names);
    }

    #[test]
    fn a_whole_statement_ends_what_came_before() {
        let whole = IdentityObserved { partial: None, ..partial(vec![claim(IdScheme::Mrn, "M1")]) };
        let (merged, adds) = merge_statements([&partial(Vec::new()), &whole, &full()]);
        assert_eq!(merged, whole);
        assert_eq!(adds, [false, true, false]);
    }

    #[test]
    fn a_masked_number_does_not_hide_the_number() {
        let masked = partial(vec![claim(IdScheme::CnId, "1101051949****002X")]);
        let (merged, _) = merge_statements([&masked, &full()]);
        assert!(merged.person.claims.contains(&claim(IdScheme::CnId, NUMBER)));
        let (merged, adds) = merge_statements([&full(), &masked]);
        assert!(!merged.person.claims.iter().any(|claim| claim.masked));
        assert_eq!(adds, [true, false]);
    }
}
