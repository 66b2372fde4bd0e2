//! From what several sources state to one value per field.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};

use crate::attribution::phone_claim;
use crate::person::{Field, GoldenRecord, Member, OTHERS_MAX, PhoneUse, Rule, RunnerUp, search_key};
use crate::survivorship::{Choice, Criterion, GoldenField, Survivorship};
use crate::{IdClaim, IdScheme, PersonName, ResidentId, Sex};

/// Computes the golden record of a person from its source records, in any order.
pub fn survive(members: &[Member<'_>], rules: &Survivorship) -> GoldenRecord {
    let mut members: Vec<&Member<'_>> = members.iter().collect();
    members.sort_unstable_by_key(|member| member.record_id);
    let by = |field| By { choice: rules.choice(field), members: &members };
    let mut names = by(GoldenField::Name).ranked(
        |m| m.statement.person.names.iter().cloned(),
        search_key,
        |name| Traits { valid: is_whole(name), length: name.text.expose().chars().count() },
    );
    let name = (!names.is_empty()).then(|| names.remove(0));
    let stated = |m: &Member<'_>| Some(m.statement.person.sex).filter(|sex| *sex != Sex::Unknown);
    GoldenRecord {
        other_names: names.into_iter().map(|field| Field { runner_up: None, others: Vec::new(), ..field }).collect(),
        name: name.map(|field| Field { others: Vec::new(), ..field }),
        birth_date: by(GoldenField::BirthDate).told(|id| id.birth_day(), |m| m.statement.person.birth_date),
        sex: by(GoldenField::Sex).told(|id| Some(id.sex()), stated),
        nationality: by(GoldenField::Nationality)
            .best(|m| m.statement.person.nationality.clone(), |code| code.chars().count()),
        identifiers: identifiers(&by(GoldenField::Identifiers)),
        phones: phones(&by(GoldenField::Phones)),
        address: by(GoldenField::Address).best(|m| m.statement.address.clone(), |text| text.expose().chars().count()),
        division_code: by(GoldenField::DivisionCode).best(|m| m.statement.division_code.clone(), String::len),
        community_unit: by(GoldenField::CommunityUnit).best(|m| m.statement.community_unit.clone(), String::len),
    }
}

/// What a value shows of itself.
#[derive(Clone, Copy, Debug)]
struct Traits {
    valid: bool,
    length: usize,
}

impl Traits {
    const fn plain(length: usize) -> Self {
        Self { valid: true, length }
    }
}

/// The members that state one value.
struct Support<'a, T> {
    value: T,
    best: &'a Member<'a>,
    sources: BTreeSet<&'a str>,
    traits: Traits,
}

/// The choice of one field among the members of a person.
struct By<'a> {
    choice: &'a Choice,
    members: &'a [&'a Member<'a>],
}

impl<'a> By<'a> {
    fn rank(&self, member: &Member<'_>) -> usize {
        self.choice.rank(member.source, member.source_kind)
    }

    /// Which of two values comes first by one criterion.
    fn compare<T>(&self, criterion: Criterion, a: &Support<'a, T>, b: &Support<'a, T>) -> Ordering {
        match criterion {
            Criterion::Validity => b.traits.valid.cmp(&a.traits.valid),
            Criterion::Agreement => b.sources.len().cmp(&a.sources.len()),
            Criterion::SourceRank => self.rank(a.best).cmp(&self.rank(b.best)),
            Criterion::Recency => b.best.last_time.cmp(&a.best.last_time),
            Criterion::Completeness => b.traits.length.cmp(&a.traits.length),
        }
    }

    /// The first criterion in which two values differ, and which comes first by it.
    fn decide<T>(&self, a: &Support<'a, T>, b: &Support<'a, T>) -> (Ordering, Rule) {
        let mut decided = self.choice.criteria.iter().map(|criterion| (self.compare(*criterion, a, b), *criterion));
        let first = decided.find(|(order, _)| order.is_ne());
        first.map_or((Ordering::Equal, Rule::Order), |(order, criterion)| (order, Rule::from(criterion)))
    }

    /// The better of two members that state the same: by the criteria that tell members apart, then by rank, time and id.
    fn better(&self, a: &'a Member<'a>, b: &'a Member<'a>) -> &'a Member<'a> {
        let recency_first = self.choice.criteria.iter().find_map(|criterion| match criterion {
            Criterion::Recency => Some(true),
            Criterion::SourceRank => Some(false),
            _ => None,
        });
        let (rank, time) = (|m: &Member<'_>| self.rank(m), |m: &Member<'_>| Reverse(m.last_time));
        let order = match recency_first {
            Some(true) => (time(b), rank(b), b.record_id).cmp(&(time(a), rank(a), a.record_id)),
            _ => (rank(b), time(b), b.record_id).cmp(&(rank(a), time(a), a.record_id)),
        };
        if order.is_lt() { b } else { a }
    }

    /// Every distinct value, best first, each with those behind it. Values are the same when their keys are.
    fn ranked<T: Clone, K: Ord, I: Iterator<Item = T>>(
        &self,
        values: impl Fn(&'a Member<'a>) -> I,
        key: impl Fn(&T) -> K,
        traits: impl Fn(&T) -> Traits,
    ) -> Vec<Field<T>> {
        let mut supports: BTreeMap<K, Support<'a, T>> = BTreeMap::new();
        for member in self.members.iter().copied() {
            for value in values(member) {
                let key = key(&value);
                match supports.get_mut(&key) {
                    None => {
                        let traits = traits(&value);
                        let sources = BTreeSet::from([member.source]);
                        supports.insert(key, Support { value, best: member, sources, traits });
                    }
                    Some(support) => {
                        support.sources.insert(member.source);
                        // Spellings with one key differ in blanks and width: the best member's is shown.
                        if self.better(support.best, member).record_id == member.record_id
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
        supports.sort_by(|a, b| self.decide(a, b).0);
        let behind: Vec<RunnerUp<T>> = supports.iter().map(runner_up).collect();
        let field = |place: usize| {
            let rule = supports.get(place + 1).map_or(Rule::OnlyValue, |next| self.decide(&supports[place], next).1);
            let mut rest = behind[place + 1..].iter().take(1 + OTHERS_MAX).cloned();
            let (runner_up, others) = (rest.next(), rest.collect());
            chosen(&supports[place], rule, runner_up, others)
        };
        (0..supports.len()).map(field).collect()
    }

    /// The best of single values.
    fn best<T: Clone + Ord>(
        &self,
        value: impl Fn(&'a Member<'a>) -> Option<T>,
        length: impl Fn(&T) -> usize,
    ) -> Option<Field<T>> {
        let fields = self.ranked(|m| value(m).into_iter(), Clone::clone, |value| Traits::plain(length(value)));
        fields.into_iter().next()
    }

    /// A value that a valid resident number tells, where validity counts, else the best of those stated. What was stated
    /// otherwise stands behind it.
    fn told<T: Clone + Ord>(
        &self,
        of_number: impl Fn(&ResidentId) -> Option<T>,
        stated: impl Fn(&'a Member<'a>) -> Option<T>,
    ) -> Option<Field<T>> {
        let number = |m: &'a Member<'a>| {
            let mut numbers = m.statement.person.claims.iter().filter(|c| c.scheme == IdScheme::CnId && !c.masked);
            numbers.find_map(|claim| ResidentId::parse(claim.value.expose()).ok().and_then(|id| of_number(&id)))
        };
        let by_number = self.best(number, |_| 0);
        let mut by_word = self.best(stated, |_| 0);
        if by_word.is_some() && !self.choice.criteria.contains(&Criterion::Validity) {
            return by_word;
        }
        let Some(mut chosen) = by_number else { return by_word };
        chosen.rule = Rule::ValidIdNumber;
        let mut behind: Vec<RunnerUp<T>> = chosen.runner_up.take().into_iter().chain(chosen.others.drain(..)).collect();
        if let Some(word) = &mut by_word {
            let of_word = RunnerUp {
                value: word.value.clone(),
                source: word.source.clone(),
                source_kind: word.source_kind,
                record_id: word.record_id,
                time: word.time,
            };
            let words = [of_word].into_iter().chain(word.runner_up.take()).chain(word.others.drain(..));
            for other in words {
                if other.value != chosen.value && behind.iter().all(|known| known.value != other.value) {
                    behind.push(other);
                }
            }
        }
        let mut behind = behind.into_iter().take(1 + OTHERS_MAX);
        (chosen.runner_up, chosen.others) = (behind.next(), behind.collect());
        Some(chosen)
    }
}

fn runner_up<T: Clone>(support: &Support<'_, T>) -> RunnerUp<T> {
    RunnerUp {
        value: support.value.clone(),
        source: support.best.source.to_owned(),
        source_kind: support.best.source_kind,
        record_id: support.best.record_id,
        time: support.best.last_time,
    }
}

fn chosen<T: Clone>(
    support: &Support<'_, T>,
    rule: Rule,
    runner_up: Option<RunnerUp<T>>,
    others: Vec<RunnerUp<T>>,
) -> Field<T> {
    Field {
        value: support.value.clone(),
        source: support.best.source.to_owned(),
        source_kind: support.best.source_kind,
        record_id: support.best.record_id,
        time: support.best.last_time,
        rule,
        sources: u32::try_from(support.sources.len()).unwrap_or(u32::MAX),
        runner_up,
        others,
    }
}

/// Whether a name shows all its characters: none hidden, none lost in a conversion upstream.
fn is_whole(name: &PersonName) -> bool {
    let lost = |c: char| matches!(c, '*' | '＊' | '?' | '？' | '\u{fffd}' | '\u{e000}'..='\u{f8ff}' | '某' | '×');
    !name.text.expose().contains(lost)
}

fn identifiers(by: &By<'_>) -> Vec<Field<IdClaim>> {
    let values = |m: &Member<'_>| {
        let claims = m.statement.person.claims.iter();
        let kept = claims.filter(|c| !c.masked && !matches!(c.scheme, IdScheme::Msisdn | IdScheme::Record));
        kept.cloned().collect::<Vec<_>>().into_iter()
    };
    let key = |claim: &IdClaim| (claim.scheme.code(), claim.issuer.clone(), claim.value.clone());
    let mut fields = by.ranked(values, key, |_| Traits::plain(0));
    fields.sort_by_cached_key(|field| key(&field.value));
    fields.into_iter().map(every_value).collect()
}

/// A value of a list that keeps all of them.
fn every_value<T>(field: Field<T>) -> Field<T> {
    Field { rule: Rule::EveryValue, runner_up: None, others: Vec::new(), ..field }
}

fn phones(by: &By<'_>) -> Vec<Field<PhoneUse>> {
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
    let mut all = by.ranked(values, key, |_| Traits::plain(0));
    // The place that the criteria give a number, for the order at the end.
    let place: BTreeMap<_, usize> = all.iter().enumerate().map(|(place, f)| (key(&f.value), place)).collect();
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
        (Reverse(f.value.holder), f.value.valid_to.is_some(), place.get(&key(&f.value)).copied())
    });
    kept.into_iter().map(every_value).collect()
}
