//! The health code of a resident, always with its reasons.
//!
//! As section 7 of the design says: *red* is a case or a close contact, or a stay in a high-risk township; *yellow* is a
//! sub-contact, or a stay in a medium-risk township; else *green*. A reason holds for 14 (red) or 7 (yellow) times 24
//! hours from the last instant at which it was so. A code is a function of grounds, levels and an instant, so a late
//! fact corrects it, and every reason names its facts, which the resident may contest.
//!
//! Not here: who lists the grounds (contacts and stays do), and the appeal itself, whose outcome is an argument.

use domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::risk::DAY_MS;
use crate::{CaseId, FactId, Level, PersonId, Rules, TownshipId};

/// Colour of a code, the gravest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Colour {
    /// No reason for another.
    Green,
    /// A sub-contact, or a stay in a medium-risk township.
    Yellow,
    /// A case, a contact, or a stay in a high-risk township.
    Red,
}

/// What may colour a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The resident is a case.
    Case(CaseId),
    /// The resident met a case.
    Contact(CaseId),
    /// The resident met a contact.
    SubContact(PersonId),
    /// The resident stayed in a township, whose level decides.
    Stay(TownshipId),
}

/// Something that was so, with the facts that say it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ground {
    /// What.
    pub cause: Cause,
    /// Since when.
    pub since: Timestamp,
    /// The last instant at which it was so: the end of a meeting or a stay, the close of a case. `None`: it still is.
    pub last: Option<Timestamp>,
    /// The facts that say so.
    pub facts: Vec<FactId>,
}

/// A ground that colours the code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Reason {
    /// The colour.
    pub colour: Colour,
    /// Until when; at that instant it is over.
    pub until: Timestamp,
    /// What.
    pub cause: Cause,
    /// Level of the township of a stay, at the instant asked about.
    pub level: Option<Level>,
    /// The facts that say so, which may be contested; in order.
    pub facts: Vec<FactId>,
}

/// A health code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HealthCode {
    /// The colour.
    pub colour: Colour,
    /// When the colour ends if nothing more is known; `None` for green.
    pub until: Option<Timestamp>,
    /// All reasons that hold: the gravest first, then the one that holds longest.
    pub reasons: Vec<Reason>,
    /// Reasons that would hold, were their facts not set aside upon an appeal; in the same order.
    pub set_aside: Vec<Reason>,
    /// Version of the rules.
    pub rules: String,
}

impl HealthCode {
    /// The code at an instant. `level` gives the risk of a township at that instant; `set_aside` says of a fact whether an
    /// appeal against it was upheld. A ground falls with the last of its facts.
    pub fn new(
        rules: &Rules,
        now: Timestamp,
        grounds: &[Ground],
        level: impl Fn(TownshipId) -> Level,
        set_aside: impl Fn(FactId) -> bool,
    ) -> Self {
        let mut holding: Vec<Reason> = grounds.iter().filter_map(|ground| reason(rules, now, ground, &level)).collect();
        holding.sort_unstable_by(|one, other| {
            (other.colour, other.until).cmp(&(one.colour, one.until)).then_with(|| one.cmp(other))
        });
        holding.dedup();
        let falls = |reason: &Reason| !reason.facts.is_empty() && reason.facts.iter().all(|fact| set_aside(*fact));
        let (set_aside, reasons): (Vec<_>, Vec<_>) = holding.into_iter().partition(falls);
        let first = reasons.first();
        Self {
            colour: first.map_or(Colour::Green, |first| first.colour),
            until: first.map(|first| first.until),
            reasons,
            set_aside,
            rules: rules.version(),
        }
    }
}

/// What a ground makes of the code, if it holds.
fn reason(rules: &Rules, now: Timestamp, ground: &Ground, level: impl Fn(TownshipId) -> Level) -> Option<Reason> {
    let level = match ground.cause {
        Cause::Stay(township) => Some(level(township)),
        Cause::Case(_) | Cause::Contact(_) | Cause::SubContact(_) => None,
    };
    let (colour, until) = holds(rules, now, (ground.cause, level), ground.since, ground.last)?;
    let mut facts = ground.facts.clone();
    facts.sort_unstable();
    facts.dedup();
    Some(Reason { colour, until, cause: ground.cause, level, facts })
}

/// The colour of a cause and until when, if it holds. A stay comes with the level of its township.
pub(crate) fn holds(
    rules: &Rules,
    now: Timestamp,
    (cause, level): (Cause, Option<Level>),
    since: Timestamp,
    last: Option<Timestamp>,
) -> Option<(Colour, Timestamp)> {
    if now < since {
        return None;
    }
    let colour = match (cause, level) {
        (Cause::Case(_) | Cause::Contact(_), _) | (_, Some(Level::High)) => Colour::Red,
        (Cause::SubContact(_), _) | (_, Some(Level::Medium)) => Colour::Yellow,
        (Cause::Stay(_), Some(Level::Low) | None) => return None,
    };
    let days = if colour == Colour::Red { rules.code.red_days } else { rules.code.yellow_days };
    let last = last.map_or(now, |last| last.min(now));
    let until = last.plus_millis(i64::from(days) * DAY_MS);
    (now < until).then_some((colour, until))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(100 * DAY_MS);
    const OLD: i64 = 30 * DAY_MS;
    const HERE: Cause = Cause::Stay(TownshipId(1));
    const CASE: Cause = Cause::Case(CaseId(1));
    const CONTACT: Cause = Cause::Contact(CaseId(1));
    const SUB_CONTACT: Cause = Cause::SubContact(PersonId(1));

    /// Something that ended so many milliseconds ago.
    fn ended(cause: Cause, age_ms: i64) -> Ground {
        let last = NOW.plus_millis(-age_ms);
        Ground { cause, since: last.plus_millis(-3_600_000), last: Some(last), facts: vec![FactId(7)] }
    }

    fn code(grounds: &[Ground], level: Level) -> HealthCode {
        HealthCode::new(&Rules::default(), NOW, grounds, |_| level, |_| false)
    }

    fn colour(cause: Cause, age_ms: i64, level: Level) -> Colour {
        code(&[ended(cause, age_ms)], level).colour
    }

    #[test]
    fn without_a_reason_the_code_is_green() {
        let code = code(&[], Level::High);
        assert_eq!((code.colour, code.until, code.reasons.len()), (Colour::Green, None, 0));
        assert_eq!(code.rules, Rules::default().version());
    }

    #[test]
    fn each_cause_has_its_colour() {
        for (cause, level, expected) in [
            (CASE, Level::Low, Colour::Red),
            (CONTACT, Level::Low, Colour::Red),
            (HERE, Level::High, Colour::Red),
            (SUB_CONTACT, Level::Low, Colour::Yellow),
            (HERE, Level::Medium, Colour::Yellow),
            (HERE, Level::Low, Colour::Green),
        ] {
            assert_eq!(colour(cause, 0, level), expected, "{cause:?} {level:?}");
        }
    }

    #[test]
    fn red_holds_for_14_times_24_hours_and_yellow_for_7_to_the_millisecond() {
        for (cause, level, days, held) in [
            (CASE, Level::Low, 14, Colour::Red),
            (CONTACT, Level::Low, 14, Colour::Red),
            (HERE, Level::High, 14, Colour::Red),
            (SUB_CONTACT, Level::Low, 7, Colour::Yellow),
            (HERE, Level::Medium, 7, Colour::Yellow),
        ] {
            assert_eq!(colour(cause, days * DAY_MS - 1, level), held, "{cause:?} {level:?}");
            assert_eq!(colour(cause, days * DAY_MS, level), Colour::Green, "{cause:?} {level:?}");
        }
    }

    #[test]
    fn the_expiry_is_counted_from_the_last_instant() {
        assert_eq!(code(&[ended(CONTACT, DAY_MS)], Level::Low).until, Some(NOW.plus_millis(13 * DAY_MS)));
        // What still goes on holds from now.
        let open = Ground { last: None, ..ended(CASE, OLD) };
        assert_eq!(code(&[open], Level::Low).until, Some(NOW.plus_millis(14 * DAY_MS)));
    }

    #[test]
    fn what_begins_later_does_not_count_yet() {
        let ground = Ground { since: NOW.plus_millis(1), last: None, ..ended(CONTACT, 0) };
        assert_eq!(code(std::slice::from_ref(&ground), Level::Low).colour, Colour::Green);
        assert_eq!(code(&[Ground { since: NOW, ..ground }], Level::Low).colour, Colour::Red);
    }

    #[test]
    fn the_gravest_reason_decides_and_all_are_told() {
        let grounds = [ended(SUB_CONTACT, 0), ended(CONTACT, 10 * DAY_MS), ended(CONTACT, 2 * DAY_MS), ended(HERE, 0)];
        let found = code(&grounds, Level::Medium);
        let told: Vec<_> = found.reasons.iter().map(|reason| (reason.colour, reason.cause)).collect();
        let expected =
            [(Colour::Red, CONTACT), (Colour::Red, CONTACT), (Colour::Yellow, SUB_CONTACT), (Colour::Yellow, HERE)];
        assert_eq!(told, expected);
        assert_eq!((found.colour, found.until), (Colour::Red, Some(NOW.plus_millis(12 * DAY_MS))));
        assert_eq!((found.reasons[3].level, &found.reasons[3].facts[..]), (Some(Level::Medium), &[FactId(7)][..]));
        let mut turned = grounds;
        turned.reverse();
        assert_eq!(code(&turned, Level::Medium), found);
    }

    #[test]
    fn an_appeal_takes_a_reason_away_when_none_of_its_facts_is_left() {
        let grounds = [Ground { facts: vec![FactId(8), FactId(7)], ..ended(CONTACT, 0) }, ended(SUB_CONTACT, 0)];
        let with = |upheld: &[u32]| {
            HealthCode::new(&Rules::default(), NOW, &grounds, |_| Level::Low, |fact| upheld.contains(&fact.0))
        };
        assert_eq!(with(&[8]).colour, Colour::Red);
        let green = with(&[7, 8]);
        assert_eq!((green.colour, green.reasons.len(), green.set_aside.len()), (Colour::Green, 0, 2));
        assert_eq!(with(&[7]).set_aside.len(), 1);
    }
}
