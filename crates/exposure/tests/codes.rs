//! The codes of a city at once are those of everybody asked alone, and both follow from ranking the contacts of every case.

use std::collections::{BTreeMap, HashMap};

use domain::Timestamp;
use exposure::{
    Case, CaseId, CaseState, Cause, Colour, Exposed, FactId, Ground, HealthCode, Index, KnownCase, Level, Located,
    Occupancy, Overlap, PersonId, PlaceId, Room, Rules, Scene, Seconds, Square, TownshipId, TracedCase, township_risks,
};
use proptest::prelude::*;

const HOUR: u32 = 3_600;
const DAY: u32 = 24 * HOUR;
const PERSONS: u32 = 7;
const NOW: u32 = 30 * DAY;
/// Places by their township.
const TOWNSHIPS: [Option<TownshipId>; 4] = [Some(TownshipId(0)), Some(TownshipId(1)), Some(TownshipId(1)), None];

fn rules(crowd_max: u32, neighbours: bool) -> Rules {
    let mut file = include_str!("../rules/default.toml").to_owned();
    for (from, to) in [
        ("crowd_max = 20000", format!("crowd_max = {crowd_max}")),
        ("neighbours = false", format!("neighbours = {neighbours}")),
        ("existing_over = 50", "existing_over = 1".to_owned()),
    ] {
        assert!(file.contains(from), "{from}");
        file = file.replace(from, &to);
    }
    Rules::parse(&file).expect("sound rules")
}

fn at(second: u32) -> Timestamp {
    Timestamp::from_millis(i64::from(second) * 1_000)
}

fn stays() -> impl Strategy<Value = Vec<Located>> {
    let one = (0..PERSONS, 0_u32..4, 0_u32..31 * 24, 1_u32..240);
    prop::collection::vec(one, 0..90).prop_map(|many| {
        let stay = |(fact, (person, place, hour, minutes)): (u32, (u32, u32, u32, u32))| {
            let span = Seconds { from: hour * HOUR, to: hour * HOUR + minutes * 300 };
            Located { person: PersonId(person), place: PlaceId(place), span, confidence: 1.0, fact: FactId(fact) }
        };
        (0..).zip(many).map(stay).collect()
    })
}

fn rooms() -> impl Strategy<Value = Vec<Occupancy>> {
    prop::collection::vec((0..PERSONS, 0_u32..3, 0_u32..29, 1_u32..4), 0..6).prop_map(|many| {
        let room = |(fact, (person, room, day, days)): (u32, (u32, u32, u32, u32))| Occupancy {
            person: PersonId(person),
            room: Room::Ward(PlaceId(room)),
            row: None,
            span: Seconds { from: day * DAY, to: (day + days) * DAY },
            confidence: 1.0,
            fact: FactId(1_000 + fact),
        };
        (0..).zip(many).map(room).collect()
    })
}

/// Cases of residents, and of one whom the index does not know.
fn cases() -> impl Strategy<Value = Vec<TracedCase>> {
    let state = prop::sample::select(vec![
        CaseState::Confirmed,
        CaseState::Confirmed,
        CaseState::Asymptomatic,
        CaseState::Recovered,
        CaseState::Suspected,
    ]);
    let one =
        (0..=PERSONS, state, 5_u32..32, prop::option::of(1_u32..12), prop::option::weighted(0.9, 1_u32..20), 0_u32..2);
    prop::collection::vec(one, 0..5).prop_map(|many| {
        type Drawn = (u32, CaseState, u32, Option<u32>, Option<u32>, u32);
        let case = |(number, (person, state, confirmed, closed, infectious, township)): (u32, Drawn)| {
            let person = PersonId(if person == PERSONS { u32::MAX } else { person });
            let known = KnownCase {
                case: CaseId(number),
                person,
                township: TownshipId(township),
                state,
                confirmed: Some(at(confirmed * DAY)),
                closed: closed.map(|days| at((confirmed + days) * DAY)),
                cluster: Some(0),
            };
            let days = infectious.filter(|_| state != CaseState::Suspected);
            let infectious = days.map(|days| Seconds { from: (confirmed - 4) * DAY, to: (confirmed - 4 + days) * DAY });
            TracedCase { known, infectious }
        };
        (0..).zip(many).map(case).collect()
    })
}

/// What may colour the code of somebody, found by ranking the contacts of every case.
fn listed(index: &Index, person: PersonId, cases: &[TracedCase]) -> Vec<Ground> {
    let window = Seconds { from: NOW - 14 * DAY, to: NOW };
    let ranking = index.rank(Case { person, span: window }, |_| true);
    let met: HashMap<PersonId, &Exposed> = ranking.exposed().iter().map(|one| (one.person, one)).collect();
    let (mut grounds, mut carry) = (Vec::new(), BTreeMap::new());
    for case in cases.iter().filter(|case| case.known.person != person) {
        let Some(span) = case.infectious.filter(|span| span.to > window.from && span.from < window.to) else {
            continue;
        };
        let span = Seconds { to: span.to.min(NOW), ..span };
        let of_case = index.rank(Case { person: case.known.person, span }, |_| true);
        for contact in of_case.exposed() {
            if contact.person == person {
                let meetings = of_case.contacts(&[*contact]).remove(0).meetings;
                let facts = meetings.iter().flat_map(|meeting| index.facts(meeting).1.to_vec()).collect();
                let cause = Cause::Contact(case.known.case);
                grounds.push(Ground { cause, since: at(contact.first), last: Some(at(contact.last)), facts });
            } else if met.contains_key(&contact.person) {
                let first = carry.entry(contact.person).or_insert(contact.first);
                *first = contact.first.min(*first);
            }
        }
    }
    for (through, first) in carry {
        let mut meetings = ranking.contacts(&[*met[&through]]).remove(0).meetings;
        meetings.iter_mut().for_each(|meeting| meeting.span.from = meeting.span.from.max(first));
        meetings.retain(|one| one.span.count() > if matches!(one.scene, Scene::Ward(_)) { 0 } else { 600 });
        let since = meetings.iter().map(|meeting| meeting.span.from).min();
        let last = meetings.iter().map(|meeting| meeting.span.to).max();
        let Some((since, last)) = since.zip(last) else { continue };
        let facts = meetings.iter().flat_map(|meeting| index.facts(meeting).0.to_vec()).collect();
        grounds.push(Ground { cause: Cause::SubContact(through), since: at(since), last: Some(at(last)), facts });
    }
    grounds
}

/// The rest: the person is a case, and stayed in townships.
fn others(person: PersonId, cases: &[TracedCase], stays: &[Located]) -> Vec<Ground> {
    let own = cases.iter().filter(|case| case.known.person == person && case.infectious.is_some()).map(|case| Ground {
        cause: Cause::Case(case.known.case),
        since: case.known.confirmed.expect("confirmed"),
        last: case.known.closed,
        facts: Vec::new(),
    });
    let stayed = stays.iter().filter(|stay| stay.person == person).filter_map(|stay| {
        let cause = Cause::Stay(TOWNSHIPS[stay.place.0 as usize]?);
        let (since, last) = (at(stay.span.from), Some(at(stay.span.to)));
        (stay.span.from <= NOW).then_some(Ground { cause, since, last, facts: Vec::new() })
    });
    own.chain(stayed).collect()
}

fn sorted(mut grounds: Vec<Ground>) -> Vec<Ground> {
    grounds.iter_mut().for_each(|ground| {
        ground.facts.sort_unstable();
        ground.facts.dedup();
    });
    grounds.sort_by_key(|ground| (ground.cause, ground.since));
    grounds
}

proptest! {
    #[test]
    fn all_codes_at_once_are_those_of_each_alone_and_follow_from_the_contacts_of_every_case(
        stays in stays(), rooms in rooms(), cases in cases(), crowd in 1_u32..8, neighbours in any::<bool>(),
    ) {
        let rules = rules(crowd, neighbours);
        let square = |column| vec![Overlap { square: Square { row: 10, column }, share: 1.0 }];
        let places: Vec<_> = (0..4).map(square).collect();
        let index = Index::build(rules.clone(), &places, &stays, rooms).expect("known places");
        let known: Vec<KnownCase> = cases.iter().map(|case| case.known).collect();
        let risks = township_risks(&rules, &known, at(NOW));
        let level = |township: TownshipId| risks.get(&township).map_or(Level::Low, |risk| risk.level);
        let codes = index.codes(&cases, &stays, &TOWNSHIPS, at(NOW));
        prop_assert_eq!(codes.len(), index.people());
        for (person, code) in (0..).map(PersonId).zip(&codes) {
            let ranking = index.rank(Case { person, span: Seconds { from: NOW - 14 * DAY, to: NOW } }, |_| true);
            let page = &ranking.ranked(0, 3)[..];
            let each: Vec<_> = page.iter().flat_map(|one| ranking.contacts(&[*one])).collect();
            prop_assert_eq!(ranking.contacts(page), each);
            let grounds = sorted(index.grounds(person, &cases, at(NOW)));
            prop_assert_eq!(&grounds, &sorted(listed(&index, person, &cases)), "{:?}", person);
            let all: Vec<Ground> = grounds.into_iter().chain(others(person, &cases, &stays)).collect();
            let alone = HealthCode::new(&rules, at(NOW), &all, level, |_| false);
            prop_assert_eq!((code.colour, code.until), (alone.colour, alone.until), "{:?} {:?}", person, code);
            let is_told = |cause| alone.reasons.iter().any(|one| {
                one.cause == cause && (one.colour, Some(one.until)) == (alone.colour, alone.until)
            });
            prop_assert!(code.cause.is_none_or(is_told) && code.cause.is_some() == (code.colour != Colour::Green));
        }
    }
}
