//! The golden record: one value per field out of what several sources state, and why that one.
//!
//! Invariant: the result is a function of the set of members. Their order does not matter, ties are broken by the
//! value itself, and every chosen value carries its source, its time, the rule that chose it and the runner-up.
//!
//! Not here: which records are one person (`linkage`), which fields a caller may see (`access`).

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization;

use crate::attribution::phone_claim;
use crate::{Day, IdClaim, IdScheme, IdentityObserved, PersonName, RecordId, ResidentId, Script, Sensitive, Sex};
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
    /// More sources state it than any other value.
    Agreement,
    /// As many sources state another, but a better-ranked one states this.
    SourceRank,
    /// Equal in the above; this one was stated last.
    Recency,
    /// Equal in all of the above; the first in alphabetical order, so that the choice is always the same.
    Order,
    /// Every distinct value is kept.
    EveryValue,
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
}

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

/// Computes the golden record of a person from its source records, in any order.
pub fn survive(members: &[Member<'_>]) -> GoldenRecord {
    let mut members: Vec<&Member<'_>> = members.iter().collect();
    members.sort_unstable_by_key(|member| member.record_id);
    let mut names = ranked(&members, |m| m.statement.person.names.iter().cloned(), search_key, is_whole);
    let name = (!names.is_empty()).then(|| names.remove(0));
    let stated = |m: &Member<'_>| m.statement.person.sex;
    GoldenRecord {
        other_names: names.into_iter().map(|field| Field { runner_up: None, ..field }).collect(),
        name,
        birth_date: told(&members, |id| id.birth_day(), |m| m.statement.person.birth_date),
        sex: told(&members, |id| Some(id.sex()), |m| Some(stated(m)).filter(|sex| *sex != Sex::Unknown)),
        nationality: best(&members, |m| m.statement.person.nationality.clone()),
        identifiers: identifiers(&members),
        phones: phones(&members),
        address: best(&members, |m| m.statement.address.clone()),
        division_code: best(&members, |m| m.statement.division_code.clone()),
        community_unit: best(&members, |m| m.statement.community_unit.clone()),
    }
}

/// Registers kept by duty come before what people state at a counter, and that before what they type.
const fn rank(kind: SourceKind) -> u8 {
    match kind {
        SourceKind::Community => 0,
        SourceKind::Hospital => 1,
        SourceKind::Telecom => 2,
        SourceKind::Transport => 3,
        SourceKind::Payment => 4,
        SourceKind::Other => 5,
    }
}

/// The members that state one value.
struct Support<'a, T> {
    value: T,
    best: &'a Member<'a>,
    sources: BTreeSet<&'a str>,
    whole: bool,
}

impl<T> Support<'_, T> {
    fn agreement(&self) -> usize {
        self.sources.len()
    }

    fn order(&self, other: &Self) -> Ordering {
        let key =
            |s: &Self| (Reverse(s.whole), Reverse(s.agreement()), rank(s.best.source_kind), Reverse(s.best.last_time));
        key(self).cmp(&key(other))
    }

    fn rule_against(&self, other: Option<&Self>) -> Rule {
        match other {
            None => Rule::OnlyValue,
            Some(other) if (self.whole, self.agreement()) != (other.whole, other.agreement()) => Rule::Agreement,
            Some(other) if rank(self.best.source_kind) != rank(other.best.source_kind) => Rule::SourceRank,
            Some(other) if self.best.last_time != other.best.last_time => Rule::Recency,
            Some(_) => Rule::Order,
        }
    }

    fn field(self, rule: Rule) -> Field<T> {
        Field {
            value: self.value,
            source: self.best.source.to_owned(),
            source_kind: self.best.source_kind,
            record_id: self.best.record_id,
            time: self.best.last_time,
            rule,
            sources: u32::try_from(self.sources.len()).unwrap_or(u32::MAX),
            runner_up: None,
        }
    }
}

/// The better of two members that state the same: by rank, then the latest, then the id.
fn better<'a>(a: &'a Member<'a>, b: &'a Member<'a>) -> &'a Member<'a> {
    let key = |m: &Member<'_>| (rank(m.source_kind), Reverse(m.last_time), m.record_id);
    if key(b) < key(a) { b } else { a }
}

/// Every distinct value, best first, each with its runner-up. Values are the same when their keys are.
fn ranked<'a, T: Clone, K: Ord, I: Iterator<Item = T>>(
    members: &[&'a Member<'a>],
    values: impl Fn(&'a Member<'a>) -> I,
    key: impl Fn(&T) -> K,
    whole: impl Fn(&T) -> bool,
) -> Vec<Field<T>> {
    let mut supports: BTreeMap<K, Support<'a, T>> = BTreeMap::new();
    for member in members.iter().copied() {
        for value in values(member) {
            let key = key(&value);
            match supports.get_mut(&key) {
                None => {
                    let whole = whole(&value);
                    let sources = BTreeSet::from([member.source]);
                    supports.insert(key, Support { value, best: member, sources, whole });
                }
                Some(support) => {
                    support.sources.insert(member.source);
                    // Spellings with one key differ in blanks and width: the best member's is shown.
                    if better(support.best, member).record_id == member.record_id
                        && support.best.record_id != member.record_id
                    {
                        support.best = member;
                        support.value = value;
                    }
                }
            }
        }
    }
    // The sort is stable over the order of the keys, which is the last tie-break.
    let mut supports: Vec<_> = supports.into_values().collect();
    supports.sort_by(Support::order);
    let mut fields = Vec::with_capacity(supports.len());
    let mut rest = supports.into_iter().peekable();
    while let Some(support) = rest.next() {
        let next = rest.peek();
        let rule = support.rule_against(next);
        let runner_up = next.map(|next| RunnerUp {
            value: next.value.clone(),
            source: next.best.source.to_owned(),
            source_kind: next.best.source_kind,
            record_id: next.best.record_id,
            time: next.best.last_time,
        });
        fields.push(Field { runner_up, ..support.field(rule) });
    }
    fields
}

/// The best of single values.
fn best<'a, T: Clone + Ord>(
    members: &[&'a Member<'a>],
    value: impl Fn(&'a Member<'a>) -> Option<T>,
) -> Option<Field<T>> {
    ranked(members, |m| value(m).into_iter(), Clone::clone, |_| true).into_iter().next()
}

/// A value that a valid resident number tells, else the best of those stated. What was stated otherwise becomes the
/// runner-up.
fn told<'a, T: Clone + Ord>(
    members: &[&'a Member<'a>],
    of_number: impl Fn(&ResidentId) -> Option<T>,
    stated: impl Fn(&'a Member<'a>) -> Option<T>,
) -> Option<Field<T>> {
    let number = |m: &'a Member<'a>| {
        let mut numbers = m.statement.person.claims.iter().filter(|c| c.scheme == IdScheme::CnId && !c.masked);
        numbers.find_map(|claim| ResidentId::parse(claim.value.expose()).ok().and_then(|id| of_number(&id)))
    };
    let by_number = best(members, number);
    let by_word = ranked(members, |m| stated(m).into_iter(), Clone::clone, |_| true);
    let Some(mut chosen) = by_number else { return by_word.into_iter().next() };
    chosen.rule = Rule::ValidIdNumber;
    if chosen.runner_up.is_none() {
        chosen.runner_up = by_word.into_iter().find(|field| field.value != chosen.value).map(|field| RunnerUp {
            value: field.value,
            source_kind: field.source_kind,
            source: field.source,
            record_id: field.record_id,
            time: field.time,
        });
    }
    Some(chosen)
}

/// Whether a name shows all its characters: none hidden, none lost in a conversion upstream.
fn is_whole(name: &PersonName) -> bool {
    let lost = |c: char| matches!(c, '*' | '＊' | '?' | '？' | '\u{fffd}' | '\u{e000}'..='\u{f8ff}' | '某' | '×');
    !name.text.expose().contains(lost)
}

fn identifiers(members: &[&Member<'_>]) -> Vec<Field<IdClaim>> {
    let values = |m: &Member<'_>| {
        let claims = m.statement.person.claims.iter();
        let kept = claims.filter(|c| !c.masked && !matches!(c.scheme, IdScheme::Msisdn | IdScheme::Record));
        kept.cloned().collect::<Vec<_>>().into_iter()
    };
    let key = |claim: &IdClaim| (claim.scheme.code(), claim.issuer.clone(), claim.value.clone());
    let mut fields = ranked(members, values, key, |_| true);
    fields.sort_by_cached_key(|field| key(&field.value));
    fields.into_iter().map(|field| Field { rule: Rule::EveryValue, runner_up: None, ..field }).collect()
}

fn phones(members: &[&Member<'_>]) -> Vec<Field<PhoneUse>> {
    let values = |m: &Member<'_>| {
        let statement = m.statement;
        let own = statement.person.claims.iter().filter(|c| c.scheme == IdScheme::Msisdn && !c.masked);
        let own = own.map(|claim| PhoneUse {
            number: claim.value.clone(),
            holder: true,
            valid_from: statement.valid_from,
            valid_to: statement.valid_to,
        });
        let contacts = statement.contacts.iter().map(|phone| PhoneUse {
            number: phone_claim(phone.expose()).value,
            holder: false,
            valid_from: None,
            valid_to: None,
        });
        own.chain(contacts).collect::<Vec<_>>().into_iter()
    };
    let key = |phone: &PhoneUse| (phone.number.clone(), Reverse(phone.holder), phone.valid_from, phone.valid_to);
    let mut all = ranked(members, values, key, |_| true);
    // One entry per number and interval; a bare statement adds nothing to one with an interval.
    all.sort_by_cached_key(|f| {
        (
            f.value.number.clone(),
            Reverse(f.value.holder),
            f.value.valid_from.is_none(),
            f.value.valid_from,
            f.value.valid_to,
        )
    });
    let bare = |phone: &PhoneUse| phone.valid_from.is_none() && phone.valid_to.is_none();
    let mut kept: Vec<Field<PhoneUse>> = Vec::with_capacity(all.len());
    for field in all {
        let known = kept.last().is_some_and(|last| last.value.number == field.value.number);
        if !(known && bare(&field.value)) {
            kept.push(field);
        }
    }
    kept.sort_by_cached_key(|f| {
        (
            Reverse(f.value.holder),
            f.value.valid_to.is_some(),
            Reverse(f.time),
            f.value.number.clone(),
            f.value.valid_from,
        )
    });
    kept.into_iter().map(|field| Field { rule: Rule::EveryValue, runner_up: None, ..field }).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::PersonRef;

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
        survive(&sources.iter().map(Source::member).collect::<Vec<_>>())
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
            let straight = (survive(&members), units(&members));
            let turn = turn % members.len();
            members.rotate_left(turn);
            members.reverse();
            prop_assert_eq!((survive(&members), units(&members)), straight);
        }
    }
}
