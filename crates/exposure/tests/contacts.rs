//! Contacts: both sides of every number, and all of it against a search that tries everything.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Timestamp, TravelMode};
use exposure::{
    Carrier, Case, Contacts, FactId, Index, IndexError, Located, Occupancy, Overlap, PersonId, PlaceId, Room, Rules,
    Scene, Seconds, Span, Square, ride_room, seat_row,
};
use proptest::prelude::*;

const CASE: PersonId = PersonId(0);
const ALWAYS: Seconds = Seconds { from: 0, to: 1_000_000 };

fn rules(from: &str, to: &str) -> Rules {
    let file = include_str!("../rules/default.toml");
    assert!(file.contains(from), "{from}");
    Rules::parse(&file.replace(from, to)).expect("sound rules")
}

/// Place n is the square in row 10 and column n.
fn places(count: i32) -> Vec<Vec<Overlap>> {
    (0..count).map(|column| vec![Overlap { square: Square { row: 10, column }, share: 1.0 }]).collect()
}

fn stay(person: u32, place: u32, from: u32, to: u32) -> Located {
    let fact = FactId(person * 1_000_000 + from);
    Located { person: PersonId(person), place: PlaceId(place), span: Seconds { from, to }, confidence: 1.0, fact }
}

fn index(rules: Rules, stays: &[Located]) -> Index {
    Index::build(rules, &places(8), stays, Vec::new()).expect("known places")
}

fn of_case(index: &Index) -> Contacts {
    index.contacts(Case { person: CASE, span: ALWAYS })
}

fn people(contacts: &Contacts) -> Vec<u32> {
    contacts.contacts.iter().map(|contact| contact.person.0).collect()
}

#[test]
fn exactly_ten_minutes_are_no_contact_and_a_second_more_is_one() {
    let with = |seconds: u32| index(Rules::default(), &[stay(0, 1, 0, 3_600), stay(1, 1, 3_600 - seconds, 9_000)]);
    assert_eq!(people(&of_case(&with(600))), [0_u32; 0]);
    let index = with(601);
    let found = of_case(&index);
    assert_eq!(people(&found), [1]);
    let meeting = found.contacts[0].meetings[0];
    assert_eq!(meeting.scene, Scene::Square(Square { row: 10, column: 1 }));
    assert_eq!((meeting.span, meeting.confidence), (Seconds { from: 2_999, to: 3_600 }, 1.0));
    assert_eq!(index.facts(&meeting), (&[FactId(0)][..], &[FactId(1_002_999)][..]));
    assert!((found.contacts[0].exposure - 601.0 / 60.0).abs() < 1e-9);
    assert_eq!(found.rules, Rules::default().version());
}

#[test]
fn stays_that_touch_are_unbroken_and_a_second_between_breaks_them() {
    let with = |pause: u32| [stay(0, 1, 0, 3_600), stay(1, 1, 0, 400), stay(1, 1, 400 + pause, 1_000)];
    let touching = index(Rules::default(), &with(0));
    let found = of_case(&touching);
    assert_eq!(people(&found), [1]);
    assert_eq!(touching.facts(&found.contacts[0].meetings[0]).1, [FactId(1_000_000), FactId(1_000_400)]);
    assert_eq!(people(&of_case(&index(Rules::default(), &with(1)))), [0_u32; 0]);
}

#[test]
fn the_case_counts_only_while_infectious() {
    let index = index(Rules::default(), &[stay(0, 1, 0, 3_600), stay(1, 1, 0, 1_800)]);
    let with = |from: u32, to: u32| people(&index.contacts(Case { person: CASE, span: Seconds { from, to } }));
    assert_eq!(with(1_199, 9_000), [1]);
    assert_eq!(with(1_200, 9_000), [0_u32; 0]);
    assert_eq!(with(0, 601), [1]);
    assert_eq!(with(0, 600), [0_u32; 0]);
}

#[test]
fn neighbouring_squares_count_only_if_the_rules_say_so_and_the_evidence_says_it() {
    let stays = [stay(0, 1, 0, 3_600), stay(1, 2, 0, 3_600), stay(2, 4, 0, 3_600)];
    assert_eq!(people(&of_case(&index(Rules::default(), &stays))), [0_u32; 0]);
    let near = index(rules("neighbours = false", "neighbours = true"), &stays);
    let found = of_case(&near);
    assert_eq!(people(&found), [1]);
    let [own, other] = [1, 2].map(|column| Square { row: 10, column });
    assert_eq!(found.contacts[0].meetings[0].scene, Scene::Beside(own, other));
    let links = near.sub_contacts(&[Carrier { person: CASE, span: ALWAYS }]).links;
    assert_eq!(
        links.iter().map(|link| (link.person.0, link.meeting.scene)).collect::<Vec<_>>(),
        [(1, Scene::Beside(own, other))]
    );
}

#[test]
fn a_crowd_at_its_limit_is_listed_and_one_more_is_named_instead() {
    for (limit, listed) in [(3, 3), (2, 0)] {
        let rules = rules("crowd_max = 20000", &format!("crowd_max = {limit}"));
        let mut stays: Vec<_> = (0..4).map(|person| stay(person, 1, 0, 3_600)).collect();
        // Who was met elsewhere, too, is listed for elsewhere.
        stays.extend([stay(0, 2, 4_000, 8_000), stay(3, 2, 4_000, 8_000)]);
        let index = index(rules, &stays);
        let found = of_case(&index);
        assert_eq!(found.contacts.len(), listed.max(1));
        assert_eq!(found.contacts[0].person, PersonId(3));
        let left_out: Vec<_> = found.left_out.iter().map(|crowd| (crowd.person, crowd.span.to, crowd.stays)).collect();
        assert_eq!(left_out, if listed == 0 { vec![(CASE, 3_600, 3)] } else { vec![] });
        let chain = index.sub_contacts(&[Carrier { person: CASE, span: ALWAYS }]);
        assert_eq!((chain.links.len(), chain.left_out), (listed.max(1), found.left_out));
    }
}

#[test]
fn a_disc_counts_in_each_of_its_squares_as_sure_as_its_share() {
    let share = |column, share| Overlap { square: Square { row: 10, column }, share };
    let places = vec![vec![share(0, 0.5), share(1, 0.46), share(2, 0.04)], vec![share(1, 1.0)], vec![share(2, 1.0)]];
    let stays = [stay(0, 0, 0, 3_600), stay(1, 1, 0, 3_600), stay(2, 2, 0, 3_600)];
    let index = Index::build(Rules::default(), &places, &stays, Vec::new()).expect("known places");
    let found = of_case(&index);
    // 0.04 is below the share from which a square counts.
    assert_eq!(people(&found), [1]);
    assert!((found.contacts[0].meetings[0].confidence - 0.46).abs() < 0.003);
}

#[test]
fn a_stay_that_is_less_sure_than_the_rules_ask_for_meets_nobody_there() {
    let disc = [(1, 0.75), (2, 0.25)].map(|(column, share)| Overlap { square: Square { row: 10, column }, share });
    let stays = [stay(0, 0, 0, 3_600), stay(1, 0, 0, 3_600)].map(|stay| Located { confidence: 0.8, ..stay });
    let columns = |least: &str| {
        let rules = rules("confidence_min = 0.0", &format!("confidence_min = {least}"));
        let index = Index::build(rules, &[disc.to_vec()], &stays, Vec::new()).expect("known places");
        let meetings = of_case(&index).contacts.into_iter().flat_map(|contact| contact.meetings);
        meetings.map(|meeting| place_of(meeting.scene)).collect::<Vec<_>>()
    };
    assert_eq!(columns("0.2"), [1, 2], "0.8 of a quarter is 0.2");
    assert_eq!(columns("0.21"), [1]);
    assert_eq!(columns("0.61"), [0; 0]);
}

#[test]
fn a_place_without_squares_is_an_error() {
    let built = Index::build(Rules::default(), &places(1), &[stay(0, 1, 0, 10)], Vec::new());
    assert_eq!(built.err(), Some(IndexError::Place(PlaceId(1))));
}

fn in_room(person: u32, room: Room, row: Option<u16>, from: u32, to: u32) -> Occupancy {
    let fact = FactId(person);
    Occupancy { person: PersonId(person), room, row, span: Seconds { from, to }, confidence: 1.0, fact }
}

fn in_rooms(occupancies: Vec<Occupancy>) -> Contacts {
    of_case(&Index::build(Rules::default(), &[], &[], occupancies).expect("no places"))
}

#[test]
fn three_rows_each_side_of_an_aircraft_are_near_and_four_are_not() {
    let flight = Room::Rows(7);
    let passenger = |(person, row): (u32, u16)| in_room(person, flight, Some(row), 0, 60);
    let rows = [(0, 20), (1, 16), (2, 17), (3, 20), (4, 23), (5, 24)];
    assert_eq!(people(&in_rooms(rows.into_iter().map(passenger).collect())), [2, 3, 4]);
    // A row that is not known may have been near; that is less sure.
    let unknown = in_rooms(vec![passenger((0, 20)), in_room(1, flight, None, 0, 60)]);
    assert_eq!(unknown.contacts[0].meetings[0].confidence, 0.5);
}

#[test]
fn rooms_are_near_for_whoever_was_there_at_once_however_short() {
    for room in [Room::Dwelling(PlaceId(1)), Room::Ward(PlaceId(1)), Room::Carriage(7, 5), Room::Vehicle(7)] {
        let with = |from| in_rooms(vec![in_room(0, room, None, 0, 60), in_room(1, room, None, from, 120)]);
        assert_eq!(people(&with(59)), [1], "{room:?}");
        // Who got on where the other had got off was not there.
        assert_eq!(people(&with(60)), [0_u32; 0], "{room:?}");
    }
    let other = vec![in_room(0, Room::Carriage(7, 5), None, 0, 60), in_room(1, Room::Carriage(7, 6), None, 0, 60)];
    assert_eq!(people(&in_rooms(other)), [0_u32; 0]);
}

#[test]
fn the_nearest_and_longest_come_first() {
    let occupancies = vec![
        in_room(0, Room::Dwelling(PlaceId(1)), None, 0, 3_600),
        in_room(3, Room::Dwelling(PlaceId(1)), None, 0, 3_600),
    ];
    let stays = [stay(0, 1, 0, 7_200), stay(1, 1, 0, 3_600), stay(2, 1, 0, 7_200)];
    let index = Index::build(Rules::default(), &places(2), &stays, occupancies).expect("known places");
    let found = of_case(&index);
    assert_eq!(people(&found), [3, 2, 1]);
    assert_eq!(found.contacts.iter().map(|one| one.exposure).collect::<Vec<_>>(), [480.0, 120.0, 60.0]);
}

#[test]
fn the_room_of_a_journey_is_what_the_rules_take_for_near() {
    let ride = Rules::default().contact.ride;
    assert_eq!(ride_room(&ride, TravelMode::Rail, 7, Some(5)), Some(Room::Carriage(7, 5)));
    assert_eq!(ride_room(&ride, TravelMode::Rail, 7, None), None);
    assert_eq!(ride_room(&ride, TravelMode::Air, 7, None), Some(Room::Rows(7)));
    assert_eq!(ride_room(&ride, TravelMode::Coach, 7, None), Some(Room::Vehicle(7)));
    let ride = rules("rail = \"carriage\"", "rail = \"vehicle\"").contact.ride;
    assert_eq!(ride_room(&ride, TravelMode::Rail, 7, None), Some(Room::Vehicle(7)));
    for (seat, row) in [("07F", Some(7)), ("12", Some(12)), ("F12", None), ("", None), ("99999A", None)] {
        assert_eq!(seat_row(seat), row, "{seat}");
    }
}

#[test]
fn whole_seconds_never_say_more_than_the_facts() {
    let span = |from, to| Span::new(Timestamp::from_millis(from), Timestamp::from_millis(to));
    assert_eq!(Seconds::within(span(1, 601_999)), Some(Seconds { from: 1, to: 601 }));
    assert_eq!(Seconds::within(span(1_000, 2_000)), Some(Seconds { from: 1, to: 2 }));
    assert_eq!(Seconds::within(span(100, 200)).map(Seconds::count), Some(0));
    assert_eq!(Seconds::within(span(-1_000, 0)), None);
}

/// Slots of two minutes: five in a row are ten minutes, which are not enough.
const SLOT: u32 = 120;
const SLOTS: u32 = 40;

fn stays() -> impl Strategy<Value = Vec<Located>> {
    let one = (0_u32..6, 0_u32..3, 0_u32..SLOTS, 1_u32..14);
    prop::collection::vec(one, 0..40).prop_map(|many| {
        let stay = |(person, place, from, slots): (u32, u32, u32, u32)| {
            stay(person, place, from * SLOT, (from + slots).min(SLOTS) * SLOT)
        };
        many.into_iter().map(stay).collect()
    })
}

/// The slots in which a person was in a place, of those within a span.
fn slots(stays: &[Located], person: u32, place: u32, within: Seconds) -> BTreeSet<u32> {
    let here = stays.iter().filter(|stay| stay.person.0 == person && stay.place.0 == place);
    here.flat_map(|stay| stay.span.from / SLOT..stay.span.to / SLOT)
        .filter(|slot| slot * SLOT >= within.from && (slot + 1) * SLOT <= within.to)
        .collect()
}

/// Every meeting of two people, by trying all: place, begin, end.
fn tried(stays: &[Located], one: u32, other: u32, within: Seconds) -> BTreeSet<(i32, u32, u32)> {
    let mut found = BTreeSet::new();
    for place in 0..3 {
        let (own, theirs) = (slots(stays, one, place, within), slots(stays, other, place, ALWAYS));
        let mut start = None;
        for slot in 0..=SLOTS {
            match (own.contains(&slot) && theirs.contains(&slot), start) {
                (true, None) => start = Some(slot),
                (false, Some(begin)) => {
                    start = None;
                    if (slot - begin) * SLOT > 600 {
                        found.insert((place as i32, begin * SLOT, slot * SLOT));
                    }
                }
                _ => {}
            }
        }
    }
    found
}

fn place_of(scene: Scene) -> i32 {
    let Scene::Square(square) = scene else { panic!("{scene:?}") };
    square.column
}

fn window() -> impl Strategy<Value = Seconds> {
    (0..SLOTS, 0..=SLOTS).prop_map(|(from, to)| Seconds { from: from * SLOT, to: to.max(from) * SLOT })
}

proptest! {
    #[test]
    fn contacts_are_those_that_trying_all_finds(stays in stays(), span in window()) {
        let index = index(Rules::default(), &stays);
        for case in 0..6 {
            let found = index.contacts(Case { person: PersonId(case), span });
            let mut expected = BTreeMap::new();
            for other in (0..6).filter(|other| *other != case) {
                let meetings = tried(&stays, case, other, span);
                if !meetings.is_empty() {
                    expected.insert(other, meetings);
                }
            }
            let meetings = |contact: &exposure::Contact| {
                contact.meetings.iter().map(|one| (place_of(one.scene), one.span.from, one.span.to)).collect()
            };
            let found: BTreeMap<u32, BTreeSet<_>> =
                found.contacts.iter().map(|contact| (contact.person.0, meetings(contact))).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn sub_contacts_are_those_that_trying_all_finds(stays in stays(), spans in prop::collection::vec(window(), 1..4)) {
        let index = index(Rules::default(), &stays);
        let carriers: Vec<Carrier> = spans.iter().enumerate()
            .map(|(person, span)| Carrier { person: PersonId(person as u32), span: *span }).collect();
        let found = index.sub_contacts(&carriers);
        let others = carriers.len() as u32..6;
        let expected: Vec<u32> = others
            .filter(|other| carriers.iter().any(|one| !tried(&stays, one.person.0, *other, one.span).is_empty()))
            .collect();
        prop_assert_eq!(found.links.iter().map(|link| link.person.0).collect::<Vec<_>>(), expected);
        for link in &found.links {
            let carrier = carriers.iter().find(|one| one.person == link.carrier).expect("one of them");
            let span = link.meeting.span;
            let known = tried(&stays, carrier.person.0, link.person.0, carrier.span);
            prop_assert!(known.contains(&(place_of(link.meeting.scene), span.from, span.to)), "{link:?} {known:?}");
        }
    }

    #[test]
    fn the_order_of_stays_changes_nothing(stays in stays(), turn in 0_usize..40) {
        let mut other = stays.clone();
        other.reverse();
        if !other.is_empty() {
            let turn = turn % other.len();
            other.rotate_left(turn);
        }
        let (one, other) = (index(Rules::default(), &stays), index(Rules::default(), &other));
        prop_assert_eq!(of_case(&one), of_case(&other));
    }

    #[test]
    fn facts_that_change_one_person_after_another_give_the_index_that_is_built_of_the_last(
        before in stays(), after in stays(), changed in prop::collection::vec(prop::collection::btree_set(0_u32..6, 1..4), 1..4)
    ) {
        let mut taken_in = Index::build(Rules::default(), &places(8), &before, homes(&before)).expect("known places");
        for persons in &changed {
            let persons: BTreeSet<PersonId> = persons.iter().map(|person| PersonId(*person)).collect();
            taken_in = taken_in.with(&persons, &places(8), &after, &homes(&after)).expect("known places");
        }
        let is_changed = |stay: &Located| changed.iter().any(|persons| persons.contains(&stay.person.0));
        let kept = before.iter().filter(|stay| !is_changed(stay));
        let last: Vec<Located> = kept.chain(after.iter().filter(|stay| is_changed(stay))).copied().collect();
        let built = Index::build(Rules::default(), &places(8), &last, homes(&last)).expect("known places");
        prop_assert_eq!(taken_in.entries(), built.entries());
        for person in (0..6).map(PersonId) {
            let case = Case { person, span: ALWAYS };
            let (one, other) = (taken_in.contacts(case), built.contacts(case));
            let meetings = one.contacts.iter().flat_map(|contact| &contact.meetings);
            for meeting in meetings {
                prop_assert_eq!(taken_in.facts(meeting), built.facts(meeting));
            }
            prop_assert_eq!(one, other);
            let carriers = [Carrier { person, span: ALWAYS }];
            prop_assert_eq!(taken_in.sub_contacts(&carriers), built.sub_contacts(&carriers));
        }
    }
}

/// Who was anywhere has a dwelling there, too: rooms follow the same changes.
fn homes(stays: &[Located]) -> Vec<Occupancy> {
    let home = |stay: &Located| Occupancy {
        person: stay.person,
        room: Room::Dwelling(stay.place),
        row: None,
        span: stay.span,
        confidence: 1.0,
        fact: stay.fact,
    };
    stays.iter().map(home).collect()
}
