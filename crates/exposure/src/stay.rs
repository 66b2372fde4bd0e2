//! Stays: consecutive presences of one person in one place, merged into intervals.
//!
//! Stays are a function of the set of presences: their order, and the same presence twice, change nothing.

use domain::{PresenceMethod, Timestamp};
use serde::{Deserialize, Serialize};

use crate::StayRules;

/// Number of a fact, which the caller gives out and resolves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FactId(pub u32);

/// Number of a place, which the caller gives out and resolves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PlaceId(pub u32);

/// From an instant until another, which is not before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// Begin.
    pub from: Timestamp,
    /// End; nothing of the span is after it.
    pub to: Timestamp,
}

impl Span {
    /// From begin to end; an end before the begin is taken for the begin.
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to: to.max(from) }
    }

    /// Its length in milliseconds.
    pub const fn millis(self) -> i64 {
        self.to.as_millis() - self.from.as_millis()
    }

    /// What both have in common, an instant at least.
    pub fn common(self, other: Self) -> Option<Self> {
        let (from, to) = (self.from.max(other.from), self.to.min(other.to));
        (from <= to).then_some(Self { from, to })
    }
}

/// A person was seen in a place.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Presence {
    /// The fact that says so.
    pub fact: FactId,
    /// What was seen: one phone, one card. It is in one place at a time; a person with two phones has two.
    pub track: u32,
    /// Where.
    pub place: PlaceId,
    /// From when.
    pub from: Timestamp,
    /// Until when; `None` when the source saw no end.
    pub to: Option<Timestamp>,
    /// How it was seen.
    pub method: PresenceMethod,
    /// How sure the source is, from 0 to 1.
    pub confidence: Option<f32>,
}

/// A person stayed in a place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stay {
    /// What was seen there.
    pub track: u32,
    /// Where.
    pub place: PlaceId,
    /// From when until when.
    pub span: Span,
    /// How sure, from 0 to 1: as sure as the least sure of its presences, less when it goes on in silence.
    pub confidence: f32,
    /// When nothing was seen for so long that it is only assumed to have gone on, in order.
    pub silences: Vec<Span>,
    /// The facts that say so, in order.
    pub facts: Vec<FactId>,
    /// Facts that placed the person elsewhere for moments, taken for swings between cells; in order.
    pub swings: Vec<FactId>,
}

impl Stay {
    /// Whether some of it is only assumed.
    pub fn is_silent(&self) -> bool {
        !self.silences.is_empty()
    }

    /// The part of it within a window.
    pub fn within(self, window: Span) -> Option<Self> {
        let span = self.span.common(window)?;
        let silences = self.silences.iter().filter_map(|silence| silence.common(window)).filter(|one| one.millis() > 0);
        Some(Self { span, silences: silences.collect(), ..self })
    }
}

/// Merges presences of one person into stays, in order of track and time.
pub fn stays(rules: &StayRules, presences: &[Presence]) -> Vec<Stay> {
    let mut sorted: Vec<&Presence> = presences.iter().collect();
    sorted.sort_unstable_by_key(|one| (one.track, one.from, one.to.is_none(), one.to, one.place, one.fact));
    sorted.dedup_by_key(|one| one.fact);
    let mut merged: Vec<Piece> = Vec::with_capacity(sorted.len());
    for (index, presence) in sorted.iter().enumerate() {
        let next = sorted[index + 1..].iter().find(|next| next.track == presence.track && next.from > presence.from);
        add(rules, &mut merged, Piece::new(rules, presence, next.map(|next| next.from)));
    }
    merged.into_iter().map(|piece| piece.finish(rules)).collect()
}

/// A stay in the making.
struct Piece {
    stay: Stay,
    by_cell: bool,
}

impl Piece {
    fn new(rules: &StayRules, presence: &Presence, next: Option<Timestamp>) -> Self {
        let to = presence.to.unwrap_or_else(|| {
            let silence = presence.from.plus_millis(minutes(rules.silence_max_min));
            next.map_or(silence, |next| next.min(silence))
        });
        let span = Span::new(presence.from, to);
        // A source that saw no end saw the begin.
        let is_silent = presence.to.is_none() && span.millis() > minutes(rules.silence_sure_min);
        let stay = Stay {
            track: presence.track,
            place: presence.place,
            span,
            confidence: presence.confidence.unwrap_or(rules.confidence_default).clamp(0.0, 1.0),
            silences: is_silent.then_some(span).into_iter().collect(),
            facts: vec![presence.fact],
            swings: Vec::new(),
        };
        Self { stay, by_cell: presence.method == PresenceMethod::Cell }
    }

    /// Goes on with a later piece in the same place.
    fn extend(&mut self, later: Self) {
        let (own, later_stay) = (&mut self.stay, later.stay);
        own.span.to = own.span.to.max(later_stay.span.to);
        own.confidence = own.confidence.min(later_stay.confidence);
        own.silences.extend(later_stay.silences);
        own.facts.extend(later_stay.facts);
        own.swings.extend(later_stay.swings);
        self.by_cell |= later.by_cell;
    }

    fn finish(self, rules: &StayRules) -> Stay {
        let mut stay = self.stay;
        if stay.is_silent() {
            stay.confidence *= rules.silent_confidence;
        }
        stay.facts.sort_unstable();
        stay.swings.sort_unstable();
        stay
    }
}

fn add(rules: &StayRules, merged: &mut Vec<Piece>, piece: Piece) {
    if is_swing(rules, merged, &piece) {
        let swing = merged.pop().map(|swing| swing.stay);
        if let (Some(before), Some(swing)) = (merged.last_mut(), swing) {
            before.stay.swings.extend(swing.facts.into_iter().chain(swing.swings));
            before.extend(piece);
        }
        return;
    }
    if let Some(last) =
        merged.last_mut().filter(|last| (last.stay.track, last.stay.place) == (piece.stay.track, piece.stay.place))
    {
        let silence = piece.stay.span.from.as_millis() - last.stay.span.to.as_millis();
        if silence <= minutes(rules.silence_max_min) {
            if silence > minutes(rules.silence_sure_min) {
                last.stay.silences.push(Span { from: last.stay.span.to, to: piece.stay.span.from });
            }
            last.extend(piece);
            return;
        }
    }
    merged.push(piece);
}

/// Whether the last piece is a moment in another cell between a stay and this piece of it.
fn is_swing(rules: &StayRules, merged: &[Piece], piece: &Piece) -> bool {
    let [.., before, swing] = merged else { return false };
    let limit = i64::from(rules.ping_pong_s) * 1_000;
    let same_track = before.stay.track == piece.stay.track && swing.stay.track == piece.stay.track;
    let back = before.stay.place == piece.stay.place && swing.stay.place != piece.stay.place;
    let brief = piece.stay.span.from.as_millis() - before.stay.span.to.as_millis() <= limit
        && swing.stay.span.millis() <= limit;
    same_track && back && brief && before.by_cell && swing.by_cell && piece.by_cell
}

/// Minutes in milliseconds.
pub(crate) const fn minutes(minutes: u32) -> i64 {
    minutes as i64 * 60_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Rules;

    const MINUTE: i64 = 60_000;

    fn seen(fact: u32, place: u32, from_s: i64, to_s: impl Into<Option<i64>>) -> Presence {
        let at = |second: i64| Timestamp::from_millis(second * 1_000);
        Presence {
            fact: FactId(fact),
            track: 0,
            place: PlaceId(place),
            from: at(from_s),
            to: to_s.into().map(at),
            method: PresenceMethod::Cell,
            confidence: Some(0.8),
        }
    }

    /// Place, begin and end in seconds, silent.
    fn outline(presences: &[Presence]) -> Vec<(u32, i64, i64, bool)> {
        let second = |at: Timestamp| at.as_millis() / 1_000;
        let found = stays(&Rules::default().stay, presences);
        found.iter().map(|one| (one.place.0, second(one.span.from), second(one.span.to), one.is_silent())).collect()
    }

    #[test]
    fn consecutive_presences_in_one_place_are_one_stay_with_all_their_facts() {
        let found =
            stays(&Rules::default().stay, &[seen(1, 7, 0, 600), seen(2, 7, 600, 1_200), seen(3, 8, 1_200, 1_800)]);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].facts, [FactId(1), FactId(2)]);
        assert_eq!((found[0].span.millis(), found[0].confidence), (20 * MINUTE, 0.8));
    }

    #[test]
    fn a_swing_of_120_seconds_is_removed_and_one_of_121_is_a_stay() {
        let around = |away: i64| [seen(1, 7, 0, 600), seen(2, 8, 600, 600 + away), seen(3, 7, 600 + away, 2_000)];
        assert_eq!(outline(&around(120)), [(7, 0, 2_000, false)]);
        assert_eq!(stays(&Rules::default().stay, &around(120))[0].swings, [FactId(2)]);
        assert_eq!(outline(&around(121)), [(7, 0, 600, false), (8, 600, 721, false), (7, 721, 2_000, false)]);
    }

    #[test]
    fn many_swings_in_a_row_are_all_removed() {
        let swings = [seen(2, 8, 600, 610), seen(3, 7, 610, 615), seen(4, 8, 615, 630), seen(5, 7, 630, 4_000)];
        let all: Vec<_> = [seen(1, 7, 0, 600)].into_iter().chain(swings).collect();
        assert_eq!(outline(&all), [(7, 0, 4_000, false)]);
    }

    #[test]
    fn a_scan_elsewhere_is_no_swing_of_the_network() {
        let mut scan = seen(2, 8, 600, 610);
        scan.method = PresenceMethod::Qr;
        assert_eq!(outline(&[seen(1, 7, 0, 600), scan, seen(3, 7, 610, 2_000)]).len(), 3);
    }

    #[test]
    fn silence_of_four_hours_is_one_stay_and_a_second_more_makes_two() {
        let (end, four_hours) = (600, 4 * 3_600);
        let with = |silence: i64| [seen(1, 7, 0, end), seen(2, 7, end + silence, end + silence + 60)];
        assert_eq!(outline(&with(four_hours)), [(7, 0, end + four_hours + 60, true)]);
        assert_eq!(outline(&with(four_hours + 1)).len(), 2);
    }

    #[test]
    fn silence_over_30_minutes_makes_a_stay_less_sure() {
        let with = |silence: i64| stays(&Rules::default().stay, &[seen(1, 7, 0, 60), seen(2, 7, 60 + silence, 9_000)]);
        assert_eq!((with(1_800)[0].is_silent(), with(1_800)[0].confidence), (false, 0.8));
        assert_eq!((with(1_801)[0].is_silent(), with(1_801)[0].confidence), (true, 0.4));
    }

    #[test]
    fn a_stay_says_from_when_to_when_nothing_was_seen() {
        let second = |at: Timestamp| at.as_millis() / 1_000;
        let (end, hour) = (3_600 * 20, 3_600);
        let seen =
            [seen(1, 7, 0, 600), seen(2, 7, 2_000, 5_000), seen(3, 7, 5_000 + 3 * hour, None), seen(4, 7, end, end)];
        let stay = |window: (i64, i64)| {
            let [from, to] = [window.0, window.1].map(|second| Timestamp::from_millis(second * 1_000));
            let found = stays(&Rules::default().stay, &seen).into_iter().next().expect("a stay");
            let found = found.within(Span::new(from, to)).expect("something of it");
            found.silences.iter().map(|one| (second(one.from), second(one.to))).collect::<Vec<_>>()
        };
        let last = 5_000 + 3 * hour;
        // 1,400 seconds are no silence; the last presence has no end, and is believed for four hours.
        assert_eq!(stay((0, end)), [(5_000, last), (last, last + 4 * hour)]);
        assert_eq!(stay((6_000, last)), [(6_000, last)], "cut at the window, and an instant is nothing");
    }

    #[test]
    fn an_open_presence_ends_where_the_next_begins_or_when_silence_is_too_long() {
        assert_eq!(
            outline(&[seen(1, 7, 0, None), seen(2, 8, 900, 1_000)]),
            [(7, 0, 900, false), (8, 900, 1_000, false)]
        );
        assert_eq!(outline(&[seen(1, 7, 0, None), seen(2, 8, 90_000, 90_001)])[0], (7, 0, 4 * 3_600, true));
        // Another phone goes its own way.
        let other = Presence { track: 1, ..seen(2, 8, 900, 1_000) };
        assert_eq!(outline(&[seen(1, 7, 0, None), other])[0], (7, 0, 4 * 3_600, true));
    }

    #[test]
    fn an_end_before_its_begin_is_an_instant() {
        assert_eq!(outline(&[seen(1, 7, 600, 0)]), [(7, 600, 600, false)]);
    }
}
