//! A look weighed: explanation first, then ties and patterns.

use std::collections::{BTreeSet, HashMap, VecDeque};

use domain::Timestamp;
use serde::{Deserialize, Serialize};

use crate::rules::Rules;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// A search is followed up within this time, or not at all.
const FOLLOWED_WITHIN_MS: i64 = 10 * MINUTE_MS;
/// Looks that nothing explains are counted together for so long.
const DRIP_MS: i64 = 14 * DAY_MS;
/// More persons than this are a list, not a look at somebody.
pub(crate) const LOOKED_AT_MAX: usize = 20;
/// Whom misses are about, so that those of a caller are one matter.
const NOBODY: Subject = [0; 16];

/// Handle of a person, as the log has it.
pub type Subject = [u8; 16];

macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $code:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$item_doc])* #[serde(rename = $code)] $item,)+
        }

        impl $name {
            /// Every item.
            pub const ALL: &'static [Self] = &[$(Self::$item),+];

            /// Its code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$item => $code,)+ }
            }
        }
    };
}

codes! {
    /// What explains a look.
    Explanation {
        /// The caller's own file.
        OwnFile = "own-file",
        /// It is about nobody.
        AboutNobody = "about-nobody",
        /// The caller's unit looks after the person.
        OwnUnit = "own-unit",
        /// The case stated is the person's.
        CaseNames = "case-names",
        /// The person is a contact of the case stated.
        CaseContact = "case-contact",
        /// A list of disease control's own: cases, or who is followed up. The caller chose nobody of it.
        CaseRegister = "case-register",
        /// The records are a task of review, or were decided about.
        ReviewTask = "review-task",
        /// An emergency grant was used, which is reviewed as a whole.
        Grant = "grant",
    }
}

codes! {
    /// How caller and person stand to each other beside duty.
    Mark {
        /// The caller is the person, and not a resident who reads the own file.
        OwnPerson = "own-person",
        /// Both live at one address.
        SameDwelling = "same-dwelling",
        /// The person lives in the unit in which the caller lives.
        Neighbour = "neighbour",
        /// The person works for the caller's organisation.
        Colleague = "colleague",
        /// Both have one family name.
        SameName = "same-name",
        /// Somebody whom many know.
        Prominent = "prominent",
        /// An invented person: nobody has a reason to look.
        Canary = "canary",
    }
}

codes! {
    /// What adds to a score, or takes from it.
    Rule {
        /// Duty, as the hub knows it.
        ExplainedStrongly = "explained-strongly",
        /// A relation to many persons.
        ExplainedBroadly = "explained-broadly",
        /// Nothing explains it.
        Unexplained = "unexplained",
        /// See [`Mark::OwnPerson`].
        OwnPerson = "own-person",
        /// See [`Mark::SameDwelling`].
        SameDwelling = "same-dwelling",
        /// See [`Mark::Neighbour`].
        Neighbour = "neighbour",
        /// See [`Mark::Colleague`].
        Colleague = "colleague",
        /// See [`Mark::SameName`].
        SameName = "same-name",
        /// See [`Mark::Prominent`].
        Prominent = "prominent",
        /// See [`Mark::Canary`].
        Canary = "canary",
        /// Outside the hours of the role.
        OddHour = "odd-hour",
        /// More persons in an hour than the role usually looks at.
        Bulk = "bulk",
        /// The same person on several days, although the file did not change.
        Repeat = "repeat",
        /// The same on many days.
        RepeatOften = "repeat-often",
        /// Searches that no look follows.
        Fishing = "fishing",
        /// A little every day that nothing explains.
        Drip = "drip",
        /// Asks for many whom there is not.
        Enumerates = "enumerates",
    }
}

/// How much an explanation says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strength {
    /// Nothing explains the look.
    None,
    /// A relation to many persons.
    Broad,
    /// Duty towards this person.
    Strong,
}

impl Explanation {
    /// How much it says.
    pub const fn strength(self) -> Strength {
        match self {
            Self::OwnFile
            | Self::AboutNobody
            | Self::CaseNames
            | Self::CaseContact
            | Self::ReviewTask
            | Self::Grant => Strength::Strong,
            Self::OwnUnit | Self::CaseRegister => Strength::Broad,
        }
    }
}

impl Mark {
    const fn rule(self) -> Rule {
        match self {
            Self::OwnPerson => Rule::OwnPerson,
            Self::SameDwelling => Rule::SameDwelling,
            Self::Neighbour => Rule::Neighbour,
            Self::Colleague => Rule::Colleague,
            Self::SameName => Rule::SameName,
            Self::Prominent => Rule::Prominent,
            Self::Canary => Rule::Canary,
        }
    }
}

/// A look, as the log has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// As what.
    pub role: String,
    /// It was a search for persons.
    pub is_search: bool,
    /// How many were asked for whom there are not: ids that nobody has, or one for a search that found nobody. A look that misses is
    /// about nobody else.
    pub misses: usize,
    /// At whom.
    pub subjects: Vec<Subject>,
}

/// How caller and persons stand to each other, as the registers say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ties {
    /// What explains the look.
    pub explanations: BTreeSet<Explanation>,
    /// What else relates the caller to one of the persons.
    pub marks: BTreeSet<Mark>,
    /// When the person's file changed last, where the look was at one person.
    pub changed: Option<Timestamp>,
}

/// Part of a score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Which rule.
    pub rule: Rule,
    /// What it added.
    pub weight: i32,
}

/// A look that was weighed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Weighed {
    /// The sum of the parts.
    pub score: i32,
    /// An auditor should look at it. The looks of one caller at the same persons within a day are one alert, the first; so are the misses.
    pub alert: bool,
    /// How well it is explained.
    pub strength: Strength,
    /// What the score is made of; rules that add nothing are left out.
    pub parts: Vec<Part>,
}

/// Weighs looks in the order of the log, and remembers what patterns need.
#[derive(Debug)]
pub struct Scrutiny {
    rules: Rules,
    callers: HashMap<String, Habits>,
}

/// What one caller did lately.
#[derive(Debug, Default)]
struct Habits {
    /// Persons looked at within an hour.
    recent: Latest,
    /// Searches that no look has followed so far.
    searches: VecDeque<i64>,
    /// Misses within an hour.
    misses: VecDeque<i64>,
    /// Persons looked at without an explanation.
    unexplained: Latest,
    /// By person: when last, and on which days since the file changed.
    persons: HashMap<Subject, (i64, Vec<i64>)>,
    /// Persons about whom there was an alert, and when first.
    alerts: Latest,
    looks: u64,
}

impl Scrutiny {
    /// Begins without memory.
    pub fn new(rules: Rules) -> Self {
        Self { rules, callers: HashMap::new() }
    }

    /// The rules.
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Weighs the next look.
    pub fn weigh(&mut self, look: &Look, ties: &Ties) -> Weighed {
        let strength = ties.explanations.iter().map(|explanation| explanation.strength()).max();
        let strength = strength.unwrap_or(Strength::None);
        let mut found = vec![match strength {
            Strength::None => Rule::Unexplained,
            Strength::Broad => Rule::ExplainedBroadly,
            Strength::Strong => Rule::ExplainedStrongly,
        }];
        // Whoever lives in the unit that they look after has nothing but neighbours there.
        let says_something = |mark: &&Mark| **mark != Mark::Neighbour || strength == Strength::None;
        found.extend(ties.marks.iter().filter(says_something).map(|mark| mark.rule()));
        if self.is_odd_hour(look) {
            found.push(Rule::OddHour);
        }
        let habits = self.callers.entry(look.actor.clone()).or_default();
        let patterns = if ties.explanations.contains(&Explanation::AboutNobody) {
            Vec::new()
        } else {
            habits.note(&self.rules, look, ties, strength)
        };
        found.extend(patterns);
        let parts = found.into_iter().map(|rule| Part { rule, weight: self.rules.weight(rule) });
        let parts: Vec<Part> = parts.filter(|part| part.weight != 0).collect();
        let score = parts.iter().map(|part| part.weight).sum();
        let alert = score >= self.rules.alert_at && habits.is_news(look);
        Weighed { score, alert, strength, parts }
    }

    fn is_odd_hour(&self, look: &Look) -> bool {
        let Some(role) = self.rules.role(&look.role) else { return false };
        let local = look.at.as_millis() + i64::from(self.rules.utc_offset_minutes) * MINUTE_MS;
        let hour = local.rem_euclid(DAY_MS) / HOUR_MS;
        !(i64::from(role.hours[0])..i64::from(role.hours[1])).contains(&hour)
    }
}

impl Habits {
    /// Remembers a look, and says which patterns it belongs to.
    fn note(&mut self, rules: &Rules, look: &Look, ties: &Ties, strength: Strength) -> Vec<Rule> {
        let now = look.at.as_millis();
        let mut patterns = Vec::new();
        self.looks += 1;
        if self.looks.is_multiple_of(1_000) {
            self.forget(now - i64::from(rules.days) * DAY_MS);
        }
        if look.misses > 0 {
            drop_before(&mut self.misses, now - HOUR_MS);
            // More than make the pattern say nothing new.
            let kept = rules.patterns.enumerates_misses;
            self.misses.extend(std::iter::repeat_n(now, look.misses.min(kept)));
            while self.misses.len() > kept {
                self.misses.pop_front();
            }
            if self.misses.len() >= rules.patterns.enumerates_misses {
                patterns.push(Rule::Enumerates);
            }
        }
        if strength == Strength::None && look.misses == 0 {
            look.subjects.iter().for_each(|subject| self.unexplained.note(*subject, now));
            self.unexplained.drop_before(now - DRIP_MS);
            if self.unexplained.len() >= rules.patterns.drip_persons {
                patterns.push(Rule::Drip);
            }
        }
        drop_before(&mut self.searches, now - HOUR_MS);
        if look.is_search {
            self.searches.push_back(now);
            if self.searches.len() >= rules.patterns.fishing_finds {
                patterns.push(Rule::Fishing);
            }
        } else if self.searches.back().is_some_and(|at| *at >= now - FOLLOWED_WITHIN_MS) {
            self.searches.pop_back();
        }
        if look.subjects.len() > LOOKED_AT_MAX || look.misses > 0 {
            return patterns;
        }
        look.subjects.iter().for_each(|subject| self.recent.note(*subject, now));
        self.recent.drop_before(now - HOUR_MS);
        if rules.role(&look.role).is_some_and(|role| self.recent.len() > role.bulk_persons) {
            patterns.push(Rule::Bulk);
        }
        if let [subject] = look.subjects[..] {
            patterns.extend(self.repeats(rules, subject, now, ties.changed));
        }
        patterns
    }

    /// Whether one person is looked at again and again although nothing is new.
    fn repeats(&mut self, rules: &Rules, subject: Subject, now: i64, changed: Option<Timestamp>) -> Option<Rule> {
        let (last, days) = self.persons.entry(subject).or_insert((now, Vec::new()));
        let oldest = (now - i64::from(rules.days) * DAY_MS).div_euclid(DAY_MS);
        if changed.is_some_and(|changed| changed.as_millis() > *last) {
            days.clear();
        }
        days.retain(|day| *day >= oldest);
        *last = now;
        let today = now.div_euclid(DAY_MS);
        if days.last() != Some(&today) {
            days.push(today);
        }
        match days.len() {
            often if often >= rules.patterns.repeat_often_days => Some(Rule::RepeatOften),
            some if some >= rules.patterns.repeat_days => Some(Rule::Repeat),
            _ => None,
        }
    }

    /// Whether there was no alert about this caller and these persons within a day: an auditor is told once.
    fn is_news(&mut self, look: &Look) -> bool {
        let now = look.at.as_millis();
        self.alerts.drop_before(now - DAY_MS + 1);
        let subjects = if look.misses > 0 { &[NOBODY][..] } else { &look.subjects };
        let news: Vec<Subject> = subjects.iter().copied().filter(|subject| !self.alerts.contains(subject)).collect();
        news.iter().for_each(|subject| self.alerts.note(*subject, now));
        subjects.is_empty() || !news.is_empty()
    }

    fn forget(&mut self, before: i64) {
        self.persons.retain(|_, (last, _)| *last >= before);
    }
}

/// Persons, each with one instant, the earliest first. A caller may look at a hundred thousand in an hour, so what a look costs does not
/// grow with those before it.
#[derive(Debug, Default)]
struct Latest {
    at: HashMap<Subject, i64>,
    order: BTreeSet<(i64, Subject)>,
}

impl Latest {
    fn note(&mut self, subject: Subject, now: i64) {
        if let Some(before) = self.at.insert(subject, now) {
            self.order.remove(&(before, subject));
        }
        self.order.insert((now, subject));
    }

    fn drop_before(&mut self, before: i64) {
        while let Some((at, subject)) = self.order.first().copied().filter(|(at, _)| *at < before) {
            self.order.remove(&(at, subject));
            self.at.remove(&subject);
        }
    }

    fn contains(&self, subject: &Subject) -> bool {
        self.at.contains_key(subject)
    }

    fn len(&self) -> usize {
        self.at.len()
    }
}

fn drop_before(times: &mut VecDeque<i64>, before: i64) {
    while times.front().is_some_and(|at| *at < before) {
        times.pop_front();
    }
}
