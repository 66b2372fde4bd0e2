//! Whose a claim is, at an instant.
//!
//! Facts hold claim tokens. The claim map says which source records claim a token, in which role and from when to when;
//! linkage says which person a record is of. The owner of a token at an instant follows from both, by the rules here,
//! and so does the doubt: phones are shared in families, lent, and given out again.
//!
//! Not here: who the records are of (`linkage`), how the map is stored (`store`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ClaimRef, IdClaim, IdScheme, IdentityObserved, PersonId, Phone, ResidentId, Timestamp, TokenKey};
use crate::{ClaimToken, person::search_key};

/// In which role a record claims a token. A higher role outweighs any number of lower ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ClaimRole {
    /// Name and birth date: a key to search by. It never attributes a fact.
    NameKey,
    /// A phone given to be reached at.
    Contact,
    /// An identifier stated as the person's own.
    Holder,
    /// The record itself.
    Record,
}

impl ClaimRole {
    /// The code that the column holds.
    pub const fn code(self) -> i16 {
        match self {
            Self::NameKey => 0,
            Self::Contact => 1,
            Self::Holder => 2,
            Self::Record => 3,
        }
    }

    /// Parses a code.
    pub const fn from_code(code: i16) -> Option<Self> {
        Some(match code {
            0 => Self::NameKey,
            1 => Self::Contact,
            2 => Self::Holder,
            3 => Self::Record,
            _ => return None,
        })
    }
}

/// A claim that a source record makes, as the claim map holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatedClaim {
    /// Token and scheme.
    pub claim: ClaimRef,
    /// In which role.
    pub role: ClaimRole,
    /// From when it holds; `None`: from ever.
    pub valid_from: Option<Timestamp>,
    /// Until when, exclusive; `None`: for ever.
    pub valid_to: Option<Timestamp>,
}

/// Whether values of the scheme pass from one person to another, so that a claim needs its interval. A resident number
/// stays with its person whatever the interval of the account that states it.
pub const fn changes_hands(scheme: IdScheme) -> bool {
    matches!(
        scheme,
        IdScheme::Other
            | IdScheme::Msisdn
            | IdScheme::Imsi
            | IdScheme::Household
            | IdScheme::MeterAccount
            | IdScheme::GateCard
    )
}

/// The claims that a statement makes, sorted, each token once per role. Masked values are no claims: many people share
/// what is left of them.
pub fn stated_claims(key: &TokenKey, statement: &IdentityObserved) -> Vec<StatedClaim> {
    let mut claims: BTreeMap<(ClaimToken, ClaimRole), StatedClaim> = BTreeMap::new();
    let mut put = |claim: StatedClaim| {
        claims.entry((claim.claim.token, claim.role)).or_insert(claim);
    };
    for claim in statement.person.claims.iter().filter(|claim| !claim.masked) {
        let bounded = changes_hands(claim.scheme);
        put(StatedClaim {
            claim: key.claim_ref(claim),
            role: ClaimRole::Holder,
            valid_from: statement.valid_from.filter(|_| bounded),
            valid_to: statement.valid_to.filter(|_| bounded),
        });
    }
    for phone in &statement.contacts {
        put(unbounded(key.claim_ref(&phone_claim(phone.expose())), ClaimRole::Contact));
    }
    if let Some(birth) = birth_date(statement) {
        for name in &statement.person.names {
            let search = search_key(name);
            if !search.is_empty() {
                let token = key.name_token(&search, &birth.to_string());
                put(unbounded(ClaimRef { scheme: IdScheme::Other, token }, ClaimRole::NameKey));
            }
        }
    }
    claims.into_values().collect()
}

const fn unbounded(claim: ClaimRef, role: ClaimRole) -> StatedClaim {
    StatedClaim { claim, role, valid_from: None, valid_to: None }
}

/// A phone as a claim, from canonical digits or any form that [`Phone`] reads.
pub fn phone_claim(digits: &str) -> IdClaim {
    let value = Phone::parse(digits).map_or_else(|_| digits.to_owned(), |phone| phone.as_str().to_owned());
    IdClaim { scheme: IdScheme::Msisdn, value: value.into(), issuer: None, masked: false, checksum_ok: None }
}

/// The day of birth that a statement states, or that its resident number tells.
fn birth_date(statement: &IdentityObserved) -> Option<crate::Day> {
    statement.person.birth_date.or_else(|| {
        let mut numbers = statement.person.claims.iter().filter(|c| c.scheme == IdScheme::CnId && !c.masked);
        numbers.find_map(|claim| ResidentId::parse(claim.value.expose()).ok()?.birth_day())
    })
}

/// One entry of the claim map for one token, with the person that the record is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claimant {
    /// Person of the record that claims the token.
    pub person: PersonId,
    /// In which role it does.
    pub role: ClaimRole,
    /// From when.
    pub valid_from: Option<Timestamp>,
    /// Until when, exclusive.
    pub valid_to: Option<Timestamp>,
}

impl Claimant {
    fn holds_at(&self, at: Timestamp) -> bool {
        self.valid_from.is_none_or(|from| from <= at) && self.valid_to.is_none_or(|to| at < to)
    }

    const fn is_bounded(&self) -> bool {
        self.valid_from.is_some() || self.valid_to.is_some()
    }
}

/// Why an attribution is not sure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Doubt {
    /// Several persons hold the token at that time.
    SeveralPersons,
    /// The token is only known as somebody's contact.
    ContactOnly,
    /// The token is known, but nobody's at that time.
    NobodyAtThatTime,
}

/// Whose a token is at an instant.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Attribution {
    /// The person, when one stands out.
    pub owner: Option<PersonId>,
    /// The other persons who claim it in the same role, sorted.
    pub others: Vec<PersonId>,
    /// What is unsure about it.
    pub doubt: Option<Doubt>,
}

impl Attribution {
    /// Whether the person is the owner or one of those who may be.
    pub fn concerns(&self, person: PersonId) -> bool {
        self.owner == Some(person) || self.others.contains(&person)
    }
}

/// Whose a token is at an instant, from all entries of the claim map for it, in any order.
///
/// The highest role that holds at the instant decides. When several persons share that role, the one whose claim has
/// an interval (a register says from when) stands out against those who merely stated the token once.
pub fn attribute(claimants: &[Claimant], at: Timestamp) -> Attribution {
    let attributing = || claimants.iter().filter(|c| c.role > ClaimRole::NameKey);
    let Some(role) = attributing().filter(|c| c.holds_at(at)).map(|c| c.role).max() else {
        let doubt = attributing().next().map(|_| Doubt::NobodyAtThatTime);
        return Attribution { doubt, ..Attribution::default() };
    };
    // Per person: whether an interval backs the claim.
    let mut persons: BTreeMap<PersonId, bool> = BTreeMap::new();
    for claimant in attributing().filter(|c| c.role == role && c.holds_at(at)) {
        *persons.entry(claimant.person).or_default() |= claimant.is_bounded();
    }
    let mut bounded = persons.iter().filter(|(_, bounded)| **bounded).map(|(person, _)| *person);
    let owner = match (persons.len(), bounded.next(), bounded.next()) {
        (1, _, _) => persons.keys().next().copied(),
        (_, Some(only), None) => Some(only),
        _ => None,
    };
    let doubt = match role {
        _ if persons.len() > 1 => Some(Doubt::SeveralPersons),
        ClaimRole::Contact => Some(Doubt::ContactOnly),
        _ => None,
    };
    Attribution { owner, others: persons.into_keys().filter(|person| Some(*person) != owner).collect(), doubt }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::{Day, PersonName, PersonRef};

    fn person(n: u128) -> PersonId {
        PersonId::from_uuid(Uuid::from_u128(n))
    }

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn claimant(n: u128, role: ClaimRole, from: Option<i64>, to: Option<i64>) -> Claimant {
        Claimant { person: person(n), role, valid_from: from.map(at), valid_to: to.map(at) }
    }

    #[test]
    fn a_recycled_phone_belongs_to_its_holder_of_the_day() {
        let map = [claimant(1, ClaimRole::Holder, Some(0), Some(100)), claimant(2, ClaimRole::Holder, Some(200), None)];
        assert_eq!(attribute(&map, at(50)).owner, Some(person(1)));
        assert_eq!(attribute(&map, at(99)).owner, Some(person(1)));
        assert_eq!(attribute(&map, at(200)).owner, Some(person(2)));
        let between = attribute(&map, at(100));
        assert_eq!((between.owner, between.doubt), (None, Some(Doubt::NobodyAtThatTime)));
    }

    #[test]
    fn the_holder_outweighs_all_who_gave_the_phone_as_contact() {
        let map = [
            claimant(3, ClaimRole::Contact, None, None),
            claimant(1, ClaimRole::Holder, Some(0), None),
            claimant(2, ClaimRole::Contact, None, None),
        ];
        assert_eq!(attribute(&map, at(5)), Attribution { owner: Some(person(1)), others: Vec::new(), doubt: None });
    }

    #[test]
    fn a_shared_phone_is_doubtful_and_names_everybody() {
        let map = [claimant(2, ClaimRole::Contact, None, None), claimant(1, ClaimRole::Contact, None, None)];
        let shared = attribute(&map, at(5));
        assert_eq!(shared.owner, None);
        assert_eq!(shared.others, [person(1), person(2)]);
        assert_eq!(shared.doubt, Some(Doubt::SeveralPersons));
        assert_eq!(attribute(&map[..1], at(5)).doubt, Some(Doubt::ContactOnly));
    }

    #[test]
    fn a_register_stands_out_against_a_bare_statement_but_the_doubt_is_said() {
        let map = [claimant(1, ClaimRole::Holder, None, None), claimant(2, ClaimRole::Holder, Some(0), None)];
        let both = attribute(&map, at(5));
        assert_eq!((both.owner, both.others.as_slice()), (Some(person(2)), &[person(1)][..]));
        assert_eq!(both.doubt, Some(Doubt::SeveralPersons));
    }

    #[test]
    fn a_name_attributes_nothing() {
        assert_eq!(attribute(&[claimant(1, ClaimRole::NameKey, None, None)], at(0)), Attribution::default());
    }

    #[test]
    fn an_interval_bounds_the_phone_and_not_the_resident_number() {
        let key = TokenKey::from_bytes(&[7; 32]);
        let id = IdClaim::parse(IdScheme::CnId, "11010519491231002X", None).expect("valid");
        let masked = IdClaim::parse(IdScheme::CnId, "1101051949****002X", None).expect("valid");
        let statement = IdentityObserved {
            person: PersonRef {
                claims: vec![id.clone(), phone_claim("13812345678"), masked],
                names: PersonName::whole("王 小明").into_iter().collect(),
                ..PersonRef::default()
            },
            contacts: vec!["8613812345679".into()],
            valid_from: Some(at(1)),
            valid_to: Some(at(2)),
            ..IdentityObserved::default()
        };
        let claims = stated_claims(&key, &statement);
        assert_eq!(claims.len(), 4);
        let of = |token: ClaimToken| claims.iter().find(|c| c.claim.token == token).copied().expect("stated");
        assert_eq!(of(key.claim_token(&id)).valid_to, None);
        assert_eq!(of(key.claim_token(&phone_claim("+86 138 1234 5678"))).valid_to, Some(at(2)));
        assert_eq!(of(key.claim_token(&phone_claim("13812345679"))).role, ClaimRole::Contact);
        let birth = Day::from_ymd(1949, 12, 31).expect("a day");
        assert_eq!(of(key.name_token("王小明", &birth.to_string())).role, ClaimRole::NameKey);
    }
}
