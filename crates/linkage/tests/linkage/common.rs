//! Builders of records about synthetic people.

use std::sync::Arc;

use domain::{
    Day, IdClaim, IdScheme, IdentityObserved, PersonName, RecordId, ResidentId, Sensitive, Sex, SourceKind, Timestamp,
};
use linkage::{Change, Engine, Model, Record};
use uuid::Uuid;

/// A record with nothing but a number; the methods add what it states.
#[derive(Clone)]
pub(crate) struct Statement(pub(crate) Record);

/// A record with this number.
pub(crate) fn record(number: u64) -> Statement {
    Statement(Record {
        key: key(number),
        first_time: Timestamp::from_millis(1_646_000_000_000 + number as i64 * 1000),
        statement: IdentityObserved::default(),
        source_kind: SourceKind::Other,
    })
}

/// The key of the record with this number; spread, as keyed hashes are.
pub(crate) fn key(number: u64) -> RecordId {
    let high = (number + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    RecordId::from_uuid(Uuid::from_u64_pair(high, number))
}

/// A valid resident number.
pub(crate) fn resident(division: &str, birth: &str, sequence: u16) -> String {
    let day = Day::parse(birth).expect("a day");
    ResidentId::compose(division, day, sequence).expect("a number").as_str().to_owned()
}

/// As tickets show it: month and day hidden.
pub(crate) fn masked(id: &str) -> String {
    format!("{}****{}", &id[..10], &id[14..])
}

impl Statement {
    pub(crate) fn name(mut self, text: &str) -> Self {
        self.0.statement.person.names.extend(PersonName::whole(text));
        self
    }

    pub(crate) fn name_parts(mut self, family: &str, given: &str) -> Self {
        self.0.statement.person.names.extend(PersonName::parts(family, given));
        self
    }

    pub(crate) fn claim(mut self, scheme: IdScheme, value: &str, issuer: Option<&str>) -> Self {
        let claim = IdClaim::parse(scheme, value, issuer).expect("an identifier");
        self.0.statement.person.claims.push(claim);
        self
    }

    pub(crate) fn id(self, value: &str) -> Self {
        self.claim(IdScheme::CnId, value, None)
    }

    pub(crate) fn sim(self, phone: &str) -> Self {
        self.claim(IdScheme::Msisdn, phone, None)
    }

    pub(crate) fn contact(mut self, phone: &str) -> Self {
        self.0.statement.contacts.push(Sensitive::from(format!("86{phone}")));
        self
    }

    pub(crate) fn born(mut self, day: &str) -> Self {
        self.0.statement.person.birth_date = Some(Day::parse(day).expect("a day"));
        self
    }

    pub(crate) fn sex(mut self, sex: Sex) -> Self {
        self.0.statement.person.sex = sex;
        self
    }

    pub(crate) fn address(mut self, text: &str) -> Self {
        self.0.statement.address = Some(text.into());
        self
    }

    pub(crate) fn household(self, number: &str) -> Self {
        self.claim(IdScheme::Household, number, Some("register"))
    }
}

/// The groups of record numbers that the zh model makes of these records.
pub(crate) fn groups(records: &[Statement]) -> Vec<Vec<u64>> {
    let mut engine = Engine::new(Arc::new(Model::zh()));
    engine.apply(records.iter().map(|statement| Change::Upsert(statement.0.clone())).collect());
    groups_of(&engine)
}

/// The groups of record numbers that an engine holds.
pub(crate) fn groups_of(engine: &Engine) -> Vec<Vec<u64>> {
    let number = |key: &RecordId| key.as_uuid().as_u64_pair().1;
    let mut groups: Vec<Vec<u64>> = engine
        .clusters()
        .iter()
        .map(|(_, members)| {
            let mut numbers: Vec<u64> = members.iter().map(number).collect();
            numbers.sort_unstable();
            numbers
        })
        .collect();
    groups.sort_unstable();
    groups
}

/// The match weight of two records by the zh model, with its parts printed when a test fails.
pub(crate) fn explain(a: &Statement, b: &Statement) -> linkage::Explanation {
    let mut engine = Engine::new(Arc::new(Model::zh()));
    engine.apply(vec![Change::Upsert(a.0.clone()), Change::Upsert(b.0.clone())]);
    let explanation = engine.explain(a.0.key, b.0.key).expect("both are there");
    for part in &explanation.link.parts {
        println!("{:?} {:?} {:+.1} {:+.1}", part.field, part.level, part.weight, part.frequency);
    }
    println!("= {:.1}", explanation.link.weight);
    explanation
}
