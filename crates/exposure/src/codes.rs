//! The codes of everybody at once, from nothing, and what may colour the code of one.
//!
//! Both find whom the cases reached in one pass over stays, however many the cases are ([`crate::contact`]); neither ranks
//! the contacts of each. The code of one resident names every reason with its facts; those of a city name the gravest.
//!
//! A reason of a contact is of one case; one of a sub-contact is of one contact, from the first time on that the contact had met
//! a case. What the cases of the resident did makes nobody a reason for the resident.
//!
//! Not here: appeals. Who has one upheld is asked about alone.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};

use domain::Timestamp;
use rayon::prelude::*;
use serde::Serialize;

use crate::code::holds;
use crate::contact::{Reached, Sources};
use crate::risk::DAY_MS;
use crate::{
    Case, Cause, Colour, Exposed, Ground, HealthCode, Index, KnownCase, Level, Located, PersonId, Rules, Scene, Second,
    Seconds, Span, TownshipId, township_risks,
};

/// A case, and when others could catch it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TracedCase {
    /// What is known of it. Its person is numbered as in the index.
    pub known: KnownCase,
    /// When others could catch it; `None` for who is no case, or nobody knows since when.
    pub infectious: Option<Seconds>,
}

/// The code of a resident among those of a city.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct CityCode {
    /// The colour.
    pub colour: Colour,
    /// When the colour ends if nothing more is known; `None` for green.
    pub until: Option<Timestamp>,
    /// One of the gravest reasons that hold longest; `None` for green.
    pub cause: Option<Cause>,
}

impl CityCode {
    const GREEN: Self = Self { colour: Colour::Green, until: None, cause: None };

    /// The graver of both, of equals the one that holds longer.
    fn or(self, other: Option<Self>) -> Self {
        other.filter(|other| (other.colour, other.until) > (self.colour, self.until)).unwrap_or(self)
    }
}

/// The days before an instant that may colour a code.
fn window(rules: &Rules, now: Timestamp) -> Option<Seconds> {
    Seconds::within(Span::new(now.plus_millis(-i64::from(rules.code.red_days) * DAY_MS), now))
}

/// The cases from whom others could catch it within a window, until its end at most, with their places in the list.
fn sources(cases: &[TracedCase], window: Seconds, of: impl Fn(PersonId) -> bool) -> (Vec<Case>, Vec<usize>) {
    let source = |(place, case): (usize, &TracedCase)| {
        let infectious = case.infectious.filter(|span| span.to > window.from && span.from < window.to)?;
        case.known.confirmed?;
        let span = Seconds { from: infectious.from, to: infectious.to.min(window.to) };
        of(case.known.person).then_some((Case { person: case.known.person, span }, place))
    };
    cases.iter().enumerate().filter_map(source).unzip()
}

/// A case as a reason of the person's own code.
fn own_case(case: &TracedCase) -> Option<Ground> {
    case.infectious?;
    let cause = Cause::Case(case.known.case);
    Some(Ground { cause, since: case.known.confirmed?, last: case.known.closed, facts: Vec::new() })
}

fn instant(second: Second) -> Timestamp {
    Timestamp::from_millis(i64::from(second) * 1_000)
}

impl Index {
    /// The meetings that may colour the code of a person at an instant: with cases, and with whom these met before.
    pub fn grounds(&self, person: PersonId, cases: &[TracedCase], now: Timestamp) -> Vec<Ground> {
        let Some(window) = window(self.rules(), now) else { return Vec::new() };
        let (others, places) = sources(cases, window, |case| case != person);
        let spread = Sources::new(self, &others);
        let mut grounds = Vec::new();
        let meetings = spread.meetings(person);
        for meetings in meetings.chunk_by(|(one, _), (next, _)| one == next) {
            let case = &cases[places[meetings[0].0 as usize]];
            let last = meetings.iter().map(|(_, meeting)| meeting.span.to).max().unwrap_or(0);
            grounds.push(Ground {
                cause: Cause::Contact(case.known.case),
                since: instant(meetings[0].1.span.from),
                last: Some(instant(last)),
                facts: meetings.iter().flat_map(|(_, meeting)| self.facts(meeting).1).copied().collect(),
            });
        }
        let least = self.rules().contact.square_over_min * 60;
        let ranking = self.rank(Case { person, span: window }, |_| true);
        // Who of those met had met a case, and since when.
        let carries = |met: &Exposed| {
            let first = spread.first(met.person).filter(|first| *first < met.last)?;
            Some((met.person, (first, None)))
        };
        let mut through: HashMap<PersonId, (Second, Option<Ground>)> =
            ranking.exposed().par_iter().filter_map(carries).collect();
        let known: HashSet<PersonId> = through.keys().copied().collect();
        ranking.each_meeting(
            |met| known.contains(&met),
            |met, meeting| {
                let Some((carries, ground)) = through.get_mut(&met) else { return };
                // Only what came after the contact had met a case, and was long enough by itself.
                let span = Seconds { from: meeting.span.from.max(*carries), ..meeting.span };
                let in_square = matches!(meeting.scene, Scene::Square(_) | Scene::Beside(..));
                if span.count() > if in_square { least } else { 0 } {
                    let cause = Cause::SubContact(met);
                    let (since, last) = (instant(span.from), Some(instant(span.to)));
                    let ground = ground.get_or_insert_with(|| Ground { cause, since, last, facts: Vec::new() });
                    (ground.since, ground.last) = (ground.since.min(since), ground.last.max(last));
                    ground.facts.extend_from_slice(self.facts(&meeting).0);
                }
            },
        );
        grounds.extend(through.into_values().filter_map(|(_, ground)| ground));
        grounds
    }

    /// The code of everybody whom the index numbers, at an instant. `stays` are those that the index was built of, and
    /// `townships` says of each place in which township it lies.
    pub fn codes(
        &self,
        cases: &[TracedCase],
        stays: &[Located],
        townships: &[Option<TownshipId>],
        now: Timestamp,
    ) -> Vec<CityCode> {
        let Some(window) = window(self.rules(), now) else { return vec![CityCode::GREEN; self.people()] };
        let city = City { index: self, cases, window, now };
        let (sources, places) = sources(cases, window, |_| true);
        let spread = Sources::new(self, &sources);
        let reached: Vec<Option<Reached>> =
            (0..self.people() as u32).into_par_iter().map(|person| spread.reached(PersonId(person))).collect();
        drop(spread);
        let mut codes = city.stayed(stays, townships);
        codes.par_iter_mut().zip(&reached).for_each(|(code, reached)| {
            let Some(Reached { first, last, source }) = *reached else { return };
            let cause = Cause::Contact(cases[places[source as usize]].known.case);
            *code = code.or(city.code(cause, instant(first), Some(instant(last)), None));
        });
        for case in cases {
            let ground = own_case(case);
            if let Some((code, ground)) = codes.get_mut(case.known.person.0 as usize).zip(ground) {
                *code = code.or(city.code(ground.cause, ground.since, ground.last, None));
            }
        }
        city.sub_contacts(&reached, &mut codes);
        // Whom the own cases of somebody met are no reason for them, so these few are asked about alone.
        let own: BTreeSet<PersonId> = sources.iter().map(|source| source.person).collect();
        for person in own {
            if codes.get(person.0 as usize).is_some_and(|code| code.colour != Colour::Red) {
                codes[person.0 as usize] = city.alone(person, stays, townships);
            }
        }
        codes
    }
}

/// What the codes of a city are made of.
struct City<'a> {
    index: &'a Index,
    cases: &'a [TracedCase],
    window: Seconds,
    now: Timestamp,
}

/// An instant with a number, as one number that orders by the instant, and then by the lesser number.
const fn packed(at: Second, number: u32) -> u64 {
    (at as u64) << 32 | (u32::MAX - number) as u64
}

const fn unpacked(packed: u64) -> Option<(Second, u32)> {
    if packed == 0 { None } else { Some(((packed >> 32) as u32, u32::MAX - packed as u32)) }
}

impl City<'_> {
    fn rules(&self) -> &Rules {
        self.index.rules()
    }

    fn code(&self, cause: Cause, since: Timestamp, last: Option<Timestamp>, level: Option<Level>) -> Option<CityCode> {
        let (colour, until) = holds(self.rules(), self.now, (cause, level), since, last)?;
        Some(CityCode { colour, until: Some(until), cause: Some(cause) })
    }

    fn levels(&self) -> BTreeMap<TownshipId, Level> {
        let known: Vec<KnownCase> = self.cases.iter().map(|case| case.known).collect();
        let risks = township_risks(self.rules(), &known, self.now);
        risks.into_iter().map(|(township, risk)| (township, risk.level)).collect()
    }

    /// What everybody's stays in townships come to.
    fn stayed(&self, stays: &[Located], townships: &[Option<TownshipId>]) -> Vec<CityCode> {
        let levels = self.levels();
        let level = |township: TownshipId| level_in(&levels, township);
        let of_place: Vec<_> = townships.iter().map(|township| township.map(|one| (one, level(one)))).collect();
        let last_in = [Level::Medium, Level::High].map(|level| (level, atomics(self.index.people())));
        stays.par_iter().for_each(|stay| {
            let Some(Some((township, level))) = of_place.get(stay.place.0 as usize) else { return };
            let Some((_, last)) = last_in.iter().find(|(one, _)| one == level) else { return };
            let (from, to) = (stay.span.from.max(self.window.from), stay.span.to.min(self.window.to));
            if let Some(last) = last.get(stay.person.0 as usize).filter(|_| from <= to) {
                last.fetch_max(packed(to, township.0), Ordering::Relaxed);
            }
        });
        let code = |person: usize| {
            let reasons = last_in.iter().filter_map(|(level, last)| {
                let (to, township) = unpacked(last[person].load(Ordering::Relaxed))?;
                self.code(Cause::Stay(TownshipId(township)), instant(to), Some(instant(to)), Some(*level))
            });
            reasons.fold(CityCode::GREEN, |code, reason| code.or(Some(reason)))
        };
        (0..self.index.people()).into_par_iter().map(code).collect()
    }

    /// What meetings with whom cases reached come to, for those who are not red without.
    fn sub_contacts(&self, reached: &[Option<Reached>], codes: &mut [CityCode]) {
        let carries = |person: u32| {
            let first = reached.get(person as usize).copied().flatten()?.first;
            Some(Seconds { from: first, to: self.window.to })
        };
        let last = atomics(codes.len());
        let is_asked = |person: u32| codes[person as usize].colour != Colour::Red;
        self.index.last_of_carriers(self.window, carries, is_asked, |person, to, carrier| {
            last[person as usize].fetch_max(packed(to, carrier), Ordering::Relaxed);
        });
        codes.par_iter_mut().zip(last).for_each(|(code, last)| {
            let Some((to, carrier)) = unpacked(last.into_inner()) else { return };
            let cause = Cause::SubContact(PersonId(carrier));
            *code = code.or(self.code(cause, instant(to), Some(instant(to)), None));
        });
    }

    /// The code of one, by all of its reasons.
    fn alone(&self, person: PersonId, stays: &[Located], townships: &[Option<TownshipId>]) -> CityCode {
        let levels = self.levels();
        let own = self.cases.iter().filter(|case| case.known.person == person).filter_map(own_case);
        let mut grounds = self.index.grounds(person, self.cases, self.now);
        grounds.extend(own);
        let stayed = stays.par_iter().filter(|stay| stay.person == person).filter_map(|stay| {
            let township = townships.get(stay.place.0 as usize).copied().flatten()?;
            let (from, to) = (stay.span.from.max(self.window.from), stay.span.to.min(self.window.to));
            let (since, last) = (instant(from), Some(instant(to)));
            (from <= to).then_some(Ground { cause: Cause::Stay(township), since, last, facts: Vec::new() })
        });
        grounds.par_extend(stayed);
        let code = HealthCode::new(self.rules(), self.now, &grounds, |township| level_in(&levels, township), |_| false);
        let cause = code.reasons.first().map(|reason| reason.cause);
        CityCode { colour: code.colour, until: code.until, cause }
    }
}

/// The level of a township; of one without cases it is low.
fn level_in(levels: &BTreeMap<TownshipId, Level>, township: TownshipId) -> Level {
    levels.get(&township).copied().unwrap_or(Level::Low)
}

fn atomics(count: usize) -> Vec<AtomicU64> {
    (0..count).map(|_| AtomicU64::new(0)).collect()
}
