//! The golden record: one value per field out of what several sources state, and why that one.
//!
//! Invariant: the result is a function of the set of members and of the rules of survivorship. The order of members does
//! not matter, ties are broken by the value itself, and every chosen value carries its source, its time, the rule that
//! chose it, the runner-up and the values behind it.
//!
//! Not here: which records are one person (`linkage`), which fields a caller may see (`access`).

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::survivorship::Criterion;
use crate::{Day, IdClaim, IdentityObserved, PersonName, RecordId, Script, Sensitive, Sex};
use crate::{SourceKind, Timestamp};

/// One source record of a person.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Its id.
    pub record_id: RecordId,
    /// Its source.
    pub source: &'a str,
    /// What kind of organisation the source is.
    pub source_kind: SourceKind,
    /// Earliest time at which it was stated.
    pub first_time: Timestamp,
    /// Latest time at which it was stated.
    pub last_time: Timestamp,
    /// What it states.
    pub statement: &'a IdentityObserved,
}

/// The rule that chose a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// Nothing else was stated.
    OnlyValue,
    /// A resident number with a right check digit tells it.
    ValidIdNumber,
    /// It hides nothing, and the runner-up does.
    Validity,
    /// More sources state it than any other value.
    Agreement,
    /// A better-ranked source states it.
    SourceRank,
    /// It was stated last.
    Recency,
    /// It is the longer one.
    Completeness,
    /// Equal in all that counts; the first in alphabetical order, so that the choice is always the same.
    Order,
    /// Every distinct value is kept.
    EveryValue,
}

impl From<Criterion> for Rule {
    fn from(criterion: Criterion) -> Self {
        match criterion {
            Criterion::Validity => Self::Validity,
            Criterion::Agreement => Self::Agreement,
            Criterion::SourceRank => Self::SourceRank,
            Criterion::Recency => Self::Recency,
            Criterion::Completeness => Self::Completeness,
        }
    }
}

/// A value that was not chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunnerUp<T> {
    /// The value.
    pub value: T,
    /// Its source.
    pub source: String,
    /// What kind of organisation that is.
    pub source_kind: SourceKind,
    /// Its record.
    pub record_id: RecordId,
    /// When the record was last stated.
    pub time: Timestamp,
}

/// A value of the golden record with where it comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field<T> {
    /// The value.
    pub value: T,
    /// The best-ranked source that states it.
    pub source: String,
    /// What kind of organisation that is.
    pub source_kind: SourceKind,
    /// Its record.
    pub record_id: RecordId,
    /// When that record was last stated.
    pub time: Timestamp,
    /// The rule that chose it.
    pub rule: Rule,
    /// How many sources state it.
    pub sources: u32,
    /// The best value that was not chosen.
    pub runner_up: Option<RunnerUp<T>>,
    /// The other values that were not chosen, best first, at most ten.
    #[serde(default = "Vec::new", skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<RunnerUp<T>>,
}

/// Values behind the runner-up that are kept with a field.
pub(crate) const OTHERS_MAX: usize = 10;

/// A phone of a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PhoneUse {
    /// Digits with country code.
    pub number: Sensitive<String>,
    /// A source states it as the person's own, not merely as a contact.
    pub holder: bool,
    /// From when.
    pub valid_from: Option<Timestamp>,
    /// Until when.
    pub valid_to: Option<Timestamp>,
}

/// One person as all sources together describe them.
#[derive(Clone, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct GoldenRecord {
    /// Name in use.
    pub name: Option<Field<PersonName>>,
    /// Other names, most supported first.
    pub other_names: Vec<Field<PersonName>>,
    /// Day of birth.
    pub birth_date: Option<Field<Day>>,
    /// Sex.
    pub sex: Option<Field<Sex>>,
    /// Nationality, ISO 3166-1 alpha-3.
    pub nationality: Option<Field<String>>,
    /// Every distinct identifier that is not masked, by scheme; phones are in `phones`.
    pub identifiers: Vec<Field<IdClaim>>,
    /// Phones: own ones first, then those in use now, then the latest stated.
    pub phones: Vec<Field<PhoneUse>>,
    /// Address.
    pub address: Option<Field<Sensitive<String>>>,
    /// Division code of the address.
    pub division_code: Option<Field<String>>,
    /// Community unit that looks after the person.
    pub community_unit: Option<Field<String>>,
}

/// The form of a name that searches and comparisons of spelling use: narrow, small letters, without blanks, dots and
/// hyphens; the words of a Latin name in alphabetical order, so that the order of family and given name does not matter.
pub fn search_key(name: &PersonName) -> String {
    let text: String = name.text.expose().nfkc().flat_map(char::to_lowercase).collect();
    let mut words: Vec<String> = text
        .split(|c: char| c.is_whitespace() || (name.script == Script::Latin && matches!(c, ',' | '-')))
        .map(|word| word.chars().filter(|c| c.is_alphanumeric()).collect())
        .filter(|word: &String| !word.is_empty())
        .collect();
    if name.script == Script::Latin {
        words.sort_unstable();
    }
    words.concat()
}

/// The codes of community units and divisions that the person belongs to now: those of statements that have not ended,
/// sorted. When every statement has ended, those of the last one.
pub fn units(members: &[Member<'_>]) -> Vec<String> {
    let codes = |member: &Member<'_>| {
        let statement = member.statement;
        statement.community_unit.iter().chain(&statement.division_code).cloned().collect::<Vec<_>>()
    };
    let current = members.iter().filter(|m| m.statement.valid_to.is_none_or(|end| end > m.last_time));
    let current: BTreeSet<String> = current.flat_map(codes).collect();
    if !current.is_empty() {
        return current.into_iter().collect();
    }
    let ended = members.iter().filter(|m| !codes(m).is_empty());
    let last = ended.max_by_key(|m| (m.statement.valid_to, m.last_time, m.record_id));
    let last: BTreeSet<String> = last.map(codes).unwrap_or_default().into_iter().collect();
    last.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::attribution::phone_claim;
    use crate::{IdScheme, PersonRef, Survivorship, survive};

    const ID: &str = "11010519491231002X";

    struct Source {
        record: u128,
        source: &'static str,
        kind: SourceKind,
        time: i64,
        statement: IdentityObserved,
    }

    impl Source {
        fn member(&self) -> Member<'_> {
            Member {
                record_id: RecordId::from_uuid(Uuid::from_u128(self.record)),
                source: self.source,
                source_kind: self.kind,
                first_time: Timestamp::from_millis(0),
                last_time: Timestamp::from_millis(self.time),
                statement: &self.statement,
            }
        }
    }

    fn source(record: u128, source: &'static str, kind: SourceKind, time: i64, name: &str) -> Source {
        let names = PersonName::whole(name).into_iter().collect();
        let statement =
            IdentityObserved { person: PersonRef { names, ..PersonRef::default() }, ..IdentityObserved::default() };
        Source { record, source, kind, time, statement }
    }

    fn golden(sources: &[Source]) -> GoldenRecord {
        survive(&sources.iter().map(Source::member).collect::<Vec<_>>(), &Survivorship::default())
    }

    fn name_of(golden: &GoldenRecord) -> (&str, Rule) {
        let field = golden.name.as_ref().expect("a name");
        (field.value.text.expose(), field.rule)
    }

    #[test]
    fn more_sources_outweigh_a_better_one_and_repeats_of_one_source_do_not_count() {
        let sources = [
            source(1, "register", SourceKind::Community, 1, "王小明"),
            source(2, "wallet", SourceKind::Payment, 9, "王晓明"),
            source(3, "rail", SourceKind::Transport, 9, "王晓明"),
        ];
        assert_eq!(name_of(&golden(&sources)), ("王晓明", Rule::Agreement));
        let sources = [
            source(1, "register", SourceKind::Community, 1, "王小明"),
            source(2, "wallet", SourceKind::Payment, 9, "王晓明"),
            source(3, "wallet", SourceKind::Payment, 9, "王晓明"),
        ];
        let golden = golden(&sources);
        assert_eq!(name_of(&golden), ("王小明", Rule::SourceRank));
        let runner_up = golden.name.and_then(|name| name.runner_up).expect("a runner-up");
        assert_eq!((runner_up.value.text.expose().as_str(), runner_up.source.as_str()), ("王晓明", "wallet"));
    }

    #[test]
    fn the_runner_up_is_what_would_show_without_the_value_that_shows() {
        let at = |record, feed, kind, time, address: &str| {
            let mut source = source(record, feed, kind, time, "王小明");
            source.statement.address = Some(address.into());
            source
        };
        let sources = || {
            vec![
                at(1, "register", SourceKind::Community, 1, "平江路1号"),
                at(2, "lab", SourceKind::Hospital, 5, "人民路2号"),
                at(3, "wallet", SourceKind::Payment, 9, "干将路3号"),
                at(4, "pay", SourceKind::Payment, 7, "观前街4号"),
            ]
        };
        let mut left = sources();
        let mut shown = golden(&left).address.expect("an address");
        while left.len() > 1 {
            let behind = shown.runner_up.take().expect("a runner-up");
            left.retain(|source| source.record != shown.record_id.as_uuid().as_u128());
            let next = golden(&left).address.expect("an address");
            assert_eq!((&behind.value, &behind.source, behind.record_id), (&next.value, &next.source, next.record_id));
            assert_eq!((behind.time, behind.source_kind), (next.time, next.source_kind));
            assert_eq!(shown.others.len(), left.len() - 1);
            shown = next;
        }
        assert_eq!((shown.rule, shown.runner_up.is_none()), (Rule::OnlyValue, true));
    }

    #[test]
    fn a_partly_hidden_name_is_shown_only_when_there_is_no_other() {
        let hidden = source(1, "wallet", SourceKind::Payment, 9, "*小明");
        assert_eq!(name_of(&golden(&[hidden])), ("*小明", Rule::OnlyValue));
        let hidden = source(1, "wallet", SourceKind::Payment, 9, "*小明");
        let other = source(2, "pay", SourceKind::Payment, 9, "*小明");
        let whole = source(3, "rail", SourceKind::Transport, 1, "王小明");
        assert_eq!(name_of(&golden(&[hidden, other, whole])).0, "王小明");
    }

    #[test]
    fn spellings_that_differ_in_blanks_and_width_are_one_name() {
        let sources = [
            source(1, "lab", SourceKind::Hospital, 9, "王 小明"),
            source(2, "register", SourceKind::Community, 1, "王小明"),
        ];
        let golden = golden(&sources);
        assert_eq!(name_of(&golden), ("王小明", Rule::OnlyValue));
        assert!(golden.other_names.is_empty());
    }

    #[test]
    fn a_valid_resident_number_tells_birth_date_and_sex_and_the_stated_one_is_the_runner_up() {
        let mut register = source(1, "register", SourceKind::Community, 9, "王小明");
        register.statement.person.birth_date = Day::from_ymd(1950, 1, 1);
        register.statement.person.sex = Sex::Male;
        let mut wallet = source(2, "wallet", SourceKind::Payment, 1, "王小明");
        wallet.statement.person.claims = vec![IdClaim::parse(IdScheme::CnId, ID, None).expect("valid")];
        let golden = golden(&[register, wallet]);
        let birth = golden.birth_date.expect("a birth date");
        assert_eq!((Some(birth.value), birth.rule), (Day::from_ymd(1949, 12, 31), Rule::ValidIdNumber));
        assert_eq!(birth.source, "wallet");
        assert_eq!(birth.runner_up.map(|r| Some(r.value)), Some(Day::from_ymd(1950, 1, 1)));
        assert_eq!(golden.sex.map(|sex| sex.value), Some(Sex::Female));
        assert_eq!(golden.identifiers.len(), 1);
    }

    #[test]
    fn own_phones_in_use_come_first_and_a_number_is_listed_once() {
        let phone = |text: &str| phone_claim(text);
        let mut old = source(1, "telecom", SourceKind::Telecom, 1, "王小明");
        old.statement.person.claims = vec![phone("13800000001")];
        old.statement.valid_from = Some(Timestamp::from_millis(0));
        old.statement.valid_to = Some(Timestamp::from_millis(5));
        let mut new = source(2, "telecom", SourceKind::Telecom, 1, "王小明");
        new.statement.person.claims = vec![phone("13800000002")];
        new.statement.valid_from = Some(Timestamp::from_millis(5));
        let mut lab = source(3, "lab", SourceKind::Hospital, 9, "王小明");
        lab.statement.contacts = vec!["8613800000003".into(), "8613800000002".into()];
        let golden = golden(&[old, new, lab]);
        let listed: Vec<_> = golden.phones.iter().map(|p| (p.value.number.expose().as_str(), p.value.holder)).collect();
        assert_eq!(listed, [("8613800000002", true), ("8613800000001", true), ("8613800000003", false)]);
        assert_eq!(golden.phones[0].value.valid_from, Some(Timestamp::from_millis(5)));
    }

    #[test]
    fn a_unit_that_was_left_no_longer_counts_while_there_is_another() {
        let mut left = source(1, "register", SourceKind::Community, 10, "王小明");
        left.statement.community_unit = Some("320506001007G03".to_owned());
        left.statement.valid_to = Some(Timestamp::from_millis(5));
        let only = [left.member()];
        assert_eq!(units(&only), ["320506001007G03"]);
        let mut now = source(2, "register", SourceKind::Community, 10, "王小明");
        now.statement.community_unit = Some("320507001001G01".to_owned());
        assert_eq!(units(&[left.member(), now.member()]), ["320507001001G01"]);
    }

    #[test]
    fn search_keys_ignore_blanks_width_dots_and_the_order_of_latin_words() {
        let key = |text: &str| search_key(&PersonName::whole(text).expect("a name"));
        assert_eq!(key("阿卜杜拉·买买提"), key("阿卜杜拉• 买买提"));
        assert_eq!(key("Duck, Donald"), key("ＤＯＮＡＬＤ duck"));
        assert_ne!(key("王小明"), key("王晓明"));
    }

    proptest! {
        #[test]
        fn the_order_of_members_does_not_matter(
            parts in prop::collection::vec((0..4_usize, 0..4_usize, 0..3_i64, 0..4_u32), 1..12),
            turn in 0..12_usize,
        ) {
            let kinds = [SourceKind::Community, SourceKind::Payment, SourceKind::Hospital, SourceKind::Payment];
            let sources: Vec<Source> = parts.iter().enumerate().map(|(i, (name, kind, time, phone))| {
                let names = ["王小明", "王晓明", "*小明", "Wang Xiaoming"];
                let feeds = ["register", "wallet", "lab", "pay"];
                let mut made = source(i as u128, feeds[*kind], kinds[*kind], *time, names[*name]);
                made.statement.contacts = vec![format!("861380000000{phone}").into()];
                made.statement.person.birth_date = Day::from_ymd(1980, 1, 1 + *phone as i8);
                made
            }).collect();
            let mut members: Vec<Member<'_>> = sources.iter().map(Source::member).collect();
            let straight = (survive(&members, &Survivorship::default()), units(&members));
            let turn = turn % members.len();
            members.rotate_left(turn);
            members.reverse();
            prop_assert_eq!((survive(&members, &Survivorship::default()), units(&members)), straight);
        }
    }
}
