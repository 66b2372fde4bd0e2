//! Itineraries: what is merged, what is shown as it is, and that the order of facts is no matter.

use domain::{GateDecision, GateDirection, PresenceMethod, TestOutcome, Timestamp, TravelMode, TripStatus};
use exposure::{Disc, FactId, Happening, Item, Itinerary, PlaceId, Position, Presence, Rules, Span, Trip};
use proptest::prelude::*;

const MINUTE: i64 = 60_000;

fn at(minute: i64) -> Timestamp {
    Timestamp::from_millis(minute * MINUTE)
}

fn span(from: i64, to: i64) -> Span {
    Span::new(at(from), at(to))
}

/// Place n lies n kilometres north of the first; its radius is 100 m.
fn disc(place: PlaceId) -> Option<Disc> {
    let centre = Position::new(31.3 + f64::from(place.0) / 110.86, 120.6).ok()?;
    Some(Disc { centre, radius_m: 100.0 })
}

fn seen(fact: u32, place: u32, from: i64, to: i64) -> Presence {
    Presence {
        fact: FactId(fact),
        track: fact % 2,
        place: PlaceId(place),
        from: at(from),
        to: Some(at(to)),
        method: PresenceMethod::Cell,
        confidence: None,
    }
}

fn ticket(run: u32, from: i64, to: i64, status: TripStatus) -> Happening {
    let seat = Some("07F".to_owned());
    Happening::Trip(Trip {
        mode: TravelMode::Rail,
        run,
        carriage: Some("05".to_owned()),
        seat,
        span: span(from, to),
        status,
    })
}

fn payment(minute: i64, place: u32) -> Happening {
    Happening::Payment { at: at(minute), place: Some(PlaceId(place)) }
}

fn itinerary(to: i64, presences: &[Presence], happenings: &[(FactId, Happening)]) -> Itinerary {
    Itinerary::new(&Rules::default(), span(0, to), presences, happenings, disc)
}

/// Stays as place, begin, end; gaps as begin, end; others by their begin.
fn outline(itinerary: &Itinerary) -> Vec<String> {
    let line = |item: &Item| {
        let (from, to) = (item.span().from.as_millis() / MINUTE, item.span().to.as_millis() / MINUTE);
        match item {
            Item::Stay(stay) => format!("{} {from}-{to}", stay.place.0),
            Item::Gap(_) => format!("gap {from}-{to}"),
            Item::Happening(Happening::Trip(trip), facts) => {
                format!("run {} {from}-{to} taken {} x{}", trip.run, trip.is_taken(), facts.len())
            }
            Item::Happening(Happening::Encounter { .. }, _) => format!("hospital {from}-{to}"),
            Item::Happening(..) => format!("{from}"),
        }
    };
    itinerary.items.iter().map(line).collect()
}

#[test]
fn a_day_is_told_in_order_with_its_gaps() {
    let presences = [seen(2, 0, 0, 400), seen(4, 1, 430, 700)];
    let happenings = [
        (FactId(11), ticket(3, 800, 900, TripStatus::Travelled)),
        (FactId(12), Happening::Test { at: at(500), outcome: TestOutcome::Negative }),
        (FactId(13), Happening::Encounter { place: PlaceId(9), ward: None, span: span(931, 1_000) }),
    ];
    let found = itinerary(1_440, &presences, &happenings);
    // 30 minutes without a trace are no gap, 31 are one.
    let expected = [
        "0 0-400",
        "1 430-700",
        "500",
        "gap 700-800",
        "run 3 800-900 taken true x1",
        "gap 900-931",
        "hospital 931-1000",
        "gap 1000-1440",
    ];
    assert_eq!(outline(&found), expected);
    assert_eq!(found.contradictions, []);
    assert_eq!(found.rules, Rules::default().version());
}

#[test]
fn a_ticket_given_back_or_changed_is_shown_and_is_no_journey() {
    for status in [TripStatus::Refunded, TripStatus::Rebooked] {
        let tickets = [
            (FactId(1), ticket(1, 100, 200, status)),
            (FactId(2), ticket(2, 120, 220, TripStatus::Travelled)),
            (FactId(3), ticket(2, 120, 220, TripStatus::Travelled)),
        ];
        let found = itinerary(240, &[], &tickets);
        let expected = ["gap 0-120", "run 1 100-200 taken false x1", "run 2 120-220 taken true x2"];
        assert_eq!(outline(&found), expected);
        assert_eq!(found.contradictions, []);
    }
}

#[test]
fn two_places_at_once_are_both_shown_and_named() {
    let found = itinerary(100, &[seen(2, 0, 0, 60), seen(3, 5, 40, 100)], &[]);
    assert_eq!(outline(&found), ["0 0-60", "5 40-100"]);
    assert_eq!(found.contradictions.len(), 1);
    assert_eq!((found.contradictions[0].one, found.contradictions[0].other), (0, 1));
    assert_eq!(found.contradictions[0].span, span(40, 60));
}

#[test]
fn places_near_each_other_or_at_once_for_moments_do_not_contradict() {
    // Two places 2 km apart whose discs of 100 m leave 1,800 m; 3 km leave more than the rule's 2,000 m.
    assert_eq!(itinerary(100, &[seen(2, 0, 0, 60), seen(3, 2, 40, 100)], &[]).contradictions, []);
    assert_eq!(itinerary(100, &[seen(2, 0, 0, 60), seen(3, 3, 40, 100)], &[]).contradictions.len(), 1);
    assert_eq!(itinerary(100, &[seen(2, 0, 0, 45), seen(3, 5, 40, 100)], &[]).contradictions, []);
    assert_eq!(itinerary(100, &[seen(2, 0, 0, 46), seen(3, 5, 40, 100)], &[]).contradictions.len(), 1);
}

#[test]
fn a_payment_elsewhere_contradicts_a_stay_unless_it_is_at_its_edge() {
    for (minute, contradictions) in [(5, 0), (6, 1), (30, 1), (54, 1), (55, 0)] {
        let found = itinerary(60, &[seen(2, 0, 0, 60)], &[(FactId(7), payment(minute, 5))]);
        assert_eq!(found.contradictions.len(), contradictions, "{minute}");
    }
    assert_eq!(itinerary(60, &[seen(2, 0, 0, 60)], &[(FactId(7), payment(30, 1))]).contradictions, []);
}

#[test]
fn a_journey_contradicts_whoever_stayed_for_all_of_it_and_another_journey_at_once() {
    let journey = [(FactId(9), ticket(1, 100, 200, TripStatus::Booked))];
    assert_eq!(itinerary(300, &[seen(2, 0, 90, 210)], &journey).contradictions.len(), 1);
    // The phone is seen on the way.
    assert_eq!(itinerary(300, &[seen(2, 0, 90, 110), seen(4, 8, 130, 150)], &journey).contradictions, []);
    let both = [journey[0].clone(), (FactId(10), ticket(2, 150, 250, TripStatus::Booked))];
    assert_eq!(itinerary(300, &[], &both).contradictions.len(), 1);
}

fn gate(at: Timestamp, place: PlaceId) -> Happening {
    let (direction, decision) = (GateDirection::In, GateDecision::Passed);
    Happening::Gate { at, place, direction, decision, code: domain::CodeColour::Green }
}

#[test]
fn a_gate_or_a_payment_in_the_middle_of_a_journey_contradicts_it_and_one_at_its_ends_does_not() {
    let journey = (FactId(9), ticket(1, 100, 200, TripStatus::Travelled));
    for (minute, contradictions) in [(99, 0), (105, 0), (106, 1), (150, 1), (194, 1), (195, 0)] {
        for moment in [gate(at(minute), PlaceId(3)), payment(minute, 3)] {
            let found = itinerary(300, &[], &[journey.clone(), (FactId(7), moment)]);
            assert_eq!(found.contradictions.len(), contradictions, "{minute}");
        }
    }
    // What was paid on line, or tested, says nothing of where somebody was.
    let online = Happening::Payment { at: at(150), place: None };
    let test = Happening::Test { at: at(150), outcome: TestOutcome::Negative };
    let found = itinerary(300, &[], &[journey, (FactId(7), online), (FactId(8), test)]);
    assert_eq!(found.contradictions, []);
}

#[test]
fn a_gap_ends_where_somebody_passed_a_gate_or_paid() {
    let test = (FactId(3), Happening::Test { at: at(20), outcome: TestOutcome::Negative });
    let moments = [(FactId(1), gate(at(100), PlaceId(0))), (FactId(2), payment(125, 0)), test];
    let found = itinerary(200, &[], &moments);
    assert_eq!(outline(&found), ["gap 0-100", "20", "100", "125", "gap 125-200"]);
}

fn presences() -> impl Strategy<Value = Vec<Presence>> {
    let methods = [PresenceMethod::Cell, PresenceMethod::Cell, PresenceMethod::Qr];
    let one = (0_u32..3, 0_i64..600, proptest::option::of(0_i64..90), prop::sample::select(methods.to_vec()), 0_u32..2);
    prop::collection::vec(one, 0..24).prop_map(|many| {
        let presence =
            |(index, (place, from, length, method, track)): (usize, (u32, i64, Option<i64>, _, u32))| Presence {
                fact: FactId(index as u32),
                track,
                place: PlaceId(place * 4),
                from: at(from),
                to: length.map(|length| at(from + length)),
                method,
                confidence: None,
            };
        many.into_iter().enumerate().map(presence).collect()
    })
}

fn happenings() -> impl Strategy<Value = Vec<(FactId, Happening)>> {
    let one = (0_u32..4, 0_i64..700, 0_u32..3);
    prop::collection::vec(one, 0..12).prop_map(move |many| {
        let happening = |(index, (kind, minute, place)): (usize, (u32, i64, u32))| {
            let happening = match kind {
                0 => ticket(place, minute, minute + 60, TripStatus::Booked),
                1 => payment(minute, place * 4),
                2 => gate(at(minute), PlaceId(place * 4)),
                _ => Happening::Test { at: at(minute), outcome: TestOutcome::Positive },
            };
            (FactId(100 + index as u32), happening)
        };
        many.into_iter().enumerate().map(happening).collect()
    })
}

proptest! {
    #[test]
    fn the_order_of_facts_and_a_fact_told_twice_change_nothing(
        presences in presences(), happenings in happenings(), turn in 0_usize..24
    ) {
        let expected = itinerary(700, &presences, &happenings);
        let (mut other, mut others) = (presences.clone(), happenings.clone());
        other.reverse();
        others.reverse();
        if !other.is_empty() {
            let turn = turn % other.len();
            other.rotate_left(turn);
            other.push(presences[0]);
        }
        others.extend(happenings.first().cloned());
        prop_assert_eq!(expected, itinerary(700, &other, &others));
    }

    /// Every minute of the window is covered by something or lies in a gap or in a silence too short to be one. A test says nothing of
    /// where somebody was.
    #[test]
    fn no_time_is_lost_and_no_fact_either(presences in presences(), happenings in happenings()) {
        let found = itinerary(700, &presences, &happenings);
        let mut facts: Vec<FactId> = found.items.iter().flat_map(|item| match item {
            Item::Stay(stay) => stay.facts.iter().chain(&stay.swings).copied().collect(),
            Item::Happening(_, facts) => facts.clone(),
            Item::Gap(_) => Vec::new(),
        }).collect();
        facts.sort_unstable();
        let mut expected: Vec<FactId> = presences.iter().map(|one| one.fact).chain(happenings.iter().map(|one| one.0)).collect();
        expected.sort_unstable();
        prop_assert_eq!(facts, expected);
        let mut until = at(0);
        for item in found.items.iter().filter(|item| !matches!(item, Item::Happening(Happening::Test { .. }, _))) {
            prop_assert!(item.span().from.as_millis() - until.as_millis() <= 30 * MINUTE);
            until = until.max(item.span().to);
        }
        prop_assert!(at(700).as_millis() - until.as_millis() <= 30 * MINUTE);
    }
}
