//! What does not fit together: a dwelling under quarantine whose meter stands still, somebody in quarantine who is elsewhere.
//!
//! A signal is a hint for a worker to look, never a finding: a meter may be broken, and a phone may be in other hands. Not
//! here: that a contact has a ticket, and that a test has no person; those need no number.

use std::collections::BTreeMap;

use domain::{GateDecision, GateDirection, Timestamp};
use serde::{Deserialize, Serialize};

use crate::rules::{RulesError, ensure};
use crate::{Disc, FactId, PlaceId, Span, Stay};

/// From when on something is a signal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignalRules {
    /// Less than this between two readings is a meter that stands still, in kilowatt-hours,
    pub still_kwh_below: f64,
    /// over so many hours or more.
    pub still_hours: u32,
    /// Further away from home than this is away, beyond the radii of both places, in metres,
    pub away_over_m: f64,
    /// for longer than this, in minutes.
    pub away_over_min: u32,
}

impl SignalRules {
    pub(crate) fn check(&self) -> Result<(), RulesError> {
        let kwh = self.still_kwh_below;
        ensure(kwh > 0.0 && kwh <= 100.0, "signal.still_kwh_below", kwh, "above 0 and at most 100")?;
        let hours = self.still_hours;
        ensure((1..=720).contains(&hours), "signal.still_hours", hours, "between 1 and 720")?;
        let metres = self.away_over_m;
        ensure((0.0..=100_000.0).contains(&metres), "signal.away_over_m", metres, "between 0 and 100000")?;
        let minutes = self.away_over_min;
        ensure(minutes <= 1_440, "signal.away_over_min", minutes, "at most 1440")
    }
}

/// What a meter showed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reading {
    /// The fact.
    pub fact: FactId,
    /// When.
    pub at: Timestamp,
    /// Kilowatt-hours since the meter was made.
    pub kwh: f64,
}

/// Two readings of a meter between which it stood still.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Still {
    /// The first reading.
    pub from: Reading,
    /// The last one.
    pub to: Reading,
}

/// The stretches of a quarantine in which a meter stood still, from readings of one register of one meter within it. Each
/// stretch is as long as can be. A meter that shows less than before was replaced or began anew, and says nothing.
pub fn still(rules: &SignalRules, readings: &[Reading], quarantine: Span) -> Vec<Still> {
    let mut within: Vec<Reading> =
        readings.iter().copied().filter(|one| (quarantine.from..=quarantine.to).contains(&one.at)).collect();
    within.sort_by_key(|one| (one.at, one.fact));
    let mut found = Vec::new();
    let mut first = 0;
    while first < within.len() {
        let from = within[first];
        let stands = |one: &&Reading| one.kwh >= from.kwh && one.kwh - from.kwh < rules.still_kwh_below;
        let last = first + within[first..].iter().take_while(stands).count() - 1;
        let to = within[last];
        if to.at.as_millis() - from.at.as_millis() >= i64::from(rules.still_hours) * 3_600_000 {
            found.push(Still { from, to });
            first = last + 1;
        } else {
            first += 1;
        }
    }
    found
}

/// Whether a meter of a household's account measures the dwelling where a member lives: who lives apart from the household has another
/// address than its meter. An address that is not stated contradicts nothing.
pub fn measures_home(meter: Option<&str>, home: Option<&str>) -> bool {
    let letters = |address: &str| address.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    meter.zip(home).is_none_or(|(meter, home)| letters(meter) == letters(home))
}

/// Whether somebody left through a gate. Whom the gate turned away did not.
pub fn leaves(direction: GateDirection, decision: GateDecision) -> bool {
    direction == GateDirection::Out && decision != GateDecision::Refused
}

/// The place where somebody is at home: where they stayed longest; of equals the first.
pub fn home(stays: &[Stay]) -> Option<PlaceId> {
    let mut longest: BTreeMap<PlaceId, i64> = BTreeMap::new();
    for stay in stays {
        *longest.entry(stay.place).or_default() += stay.span.millis();
    }
    longest.into_iter().rev().max_by_key(|(_, millis)| *millis).map(|(place, _)| place)
}

/// The stays of somebody in quarantine that were away from home, with how far. A place without a position is nowhere.
pub fn away<'a>(
    rules: &SignalRules,
    home: Disc,
    stays: &'a [Stay],
    quarantine: Span,
    disc: impl Fn(PlaceId) -> Option<Disc>,
) -> Vec<(&'a Stay, Span, f64)> {
    let minimum = i64::from(rules.away_over_min) * 60_000;
    let is_away = |stay: &'a Stay| {
        let there = disc(stay.place)?;
        let metres = home.centre.distance_m(there.centre) - home.radius_m - there.radius_m;
        let span = stay.span.common(quarantine)?;
        (metres > rules.away_over_m && span.millis() > minimum).then_some((stay, span, metres))
    };
    stays.iter().filter_map(is_away).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Position, Rules};

    const HOUR: i64 = 3_600_000;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_646_107_200_000 + millis)
    }

    fn readings(shown: &[(i64, f64)]) -> Vec<Reading> {
        (0..).map(FactId).zip(shown).map(|(fact, (millis, kwh))| Reading { fact, at: at(*millis), kwh: *kwh }).collect()
    }

    #[test]
    fn a_meter_stands_still_when_it_uses_less_than_so_much_over_so_long() {
        let rules = Rules::default().signal;
        let quarantine = Span::new(at(0), at(10 * 24 * HOUR));
        let spans = |shown: &[(i64, f64)]| {
            let found = still(&rules, &readings(shown), quarantine);
            found.iter().map(|one| (one.from.fact.0, one.to.fact.0)).collect::<Vec<_>>()
        };
        let day = 24 * HOUR;
        assert_eq!(spans(&[(0, 100.0), (day, 100.25)]), [(0, 1)]);
        assert_eq!(spans(&[(0, 100.0), (day, 100.5)]), [], "half a unit is used by somebody");
        assert_eq!(spans(&[(0, 100.0), (day - 1, 100.0)]), [], "not long enough");
        assert_eq!(spans(&[(-1, 100.0), (day - 1, 100.0)]), [], "not in quarantine yet");
        assert_eq!(spans(&[(0, 100.0), (day, 3.0)]), [], "another meter");
        assert_eq!(spans(&[(0, 100.0), (day, 100.1), (2 * day, 100.2), (3 * day, 109.0)]), [(0, 2)]);
        assert_eq!(
            spans(&[(0, 90.0), (day, 99.0), (2 * day, 99.0), (3 * day, 108.0), (4 * day, 108.0)]),
            [(1, 2), (3, 4)]
        );
    }

    #[test]
    fn who_is_let_out_through_a_gate_leaves_and_who_is_turned_away_does_not() {
        for (direction, decision, expected) in [
            (GateDirection::Out, GateDecision::Passed, true),
            (GateDirection::Out, GateDecision::Unknown, true),
            (GateDirection::Out, GateDecision::Refused, false),
            (GateDirection::In, GateDecision::Passed, false),
        ] {
            assert_eq!(leaves(direction, decision), expected, "{direction:?} {decision:?}");
        }
    }

    #[test]
    fn a_meter_at_another_address_than_somebody_lives_at_says_nothing_of_them() {
        assert!(measures_home(Some("3 Lake Road 201"), Some("3 Lake Road  201 ")));
        assert!(!measures_home(Some("3 Lake Road 201"), Some("3 Lake Road 202")));
        assert!(measures_home(None, Some("3 Lake Road 202")) && measures_home(Some("3 Lake Road 201"), None));
    }

    #[test]
    fn somebody_is_away_who_is_further_than_so_far_for_longer_than_so_long() {
        let rules = Rules::default().signal;
        let disc = |place: PlaceId| {
            // One thousandth of a degree of latitude is about 111 metres.
            let centre = Position::new(31.3 + f64::from(place.0) / 1_000.0, 120.6).ok()?;
            Some(Disc { centre, radius_m: 300.0 })
        };
        let stay = |place, from: i64, to: i64| Stay {
            track: 0,
            place: PlaceId(place),
            span: Span::new(at(from * 60_000), at(to * 60_000)),
            confidence: 0.8,
            silences: Vec::new(),
            facts: vec![FactId(place)],
            swings: Vec::new(),
        };
        let before = [stay(0, 0, 600), stay(20, 600, 900), stay(0, 900, 1_000), stay(30, 1_000, 1_400)];
        assert_eq!(home(&before), Some(PlaceId(0)));
        assert_eq!(home(&[]), None);
        let quarantine = Span::new(at(0), at(100 * HOUR));
        let at_home = disc(PlaceId(0)).expect("a place");
        let far = |place, from, to| away(&rules, at_home, &[stay(place, from, to)], quarantine, disc).len();
        assert_eq!((far(15, 0, 31), far(15, 0, 30)), (1, 0), "thirty minutes are an errand");
        // 1,600 metres are the distance and both radii.
        assert_eq!((far(14, 0, 31), far(15, 0, 31)), (0, 1));
        assert_eq!((far(15, -100, 30), far(15, -100, 31)), (0, 1), "what was before the quarantine does not count");
    }
}
