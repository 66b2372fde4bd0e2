//! Budgets: how many persons an hour, rows a week and townships a day somebody of a role is shown, and how many questions of an hour
//! may show nobody.

use std::collections::{BTreeSet, HashMap, VecDeque};

use domain::Timestamp;

use crate::rules::Rules;
use crate::weigh::Subject;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
const WEEK_MS: i64 = 7 * DAY_MS;
/// How often the log is asked what other processes showed a caller.
const FOLLOW_EVERY_MS: i64 = 1_000;
/// Callers that are remembered at most; who has asked nothing for a week is forgotten first.
const CALLERS_MAX: usize = 100_000;

/// What is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// Persons of the hour.
    Persons,
    /// Rows of the week.
    Rows,
    /// Townships of the day.
    Areas,
    /// Questions of the hour that showed nobody.
    Misses,
}

/// What callers were shown lately. One process counts what it shows itself at once, and what the log says that others showed within
/// seconds.
#[derive(Debug, Default)]
pub struct Budgets(HashMap<String, Account>);

#[derive(Debug, Default)]
struct Account {
    /// When each person of the last hour was shown last.
    persons: HashMap<Subject, i64>,
    /// Rows by hour, oldest first.
    rows: VecDeque<(i64, u64)>,
    /// Questions that showed nobody by minute, oldest first.
    misses: VecDeque<(i64, u64)>,
    /// The day, and the townships shown on it that this process knows of.
    areas: (i64, BTreeSet<String>),
    /// The entry of the log from which on it is not looked at yet for what others showed.
    next: i64,
    followed_at: Option<i64>,
}

/// Something that a caller was shown, as the log says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// When.
    pub at: Timestamp,
    /// Whom.
    pub persons: Vec<Subject>,
    /// How many rows.
    pub rows: u64,
    /// How many were asked for and not shown.
    pub misses: u64,
}

impl Budgets {
    /// The entry from which on the log is to be asked what others showed a caller; `None` when it was asked within a second.
    pub fn due(&self, caller: &str, now: Timestamp) -> Option<i64> {
        let Some(account) = self.0.get(caller) else { return Some(0) };
        let since = account.followed_at.map(|at| (now.as_millis() - at).abs());
        since.is_none_or(|since| since >= FOLLOW_EVERY_MS).then_some(account.next)
    }

    /// What the log says from one entry on, up to but without the other, that others, or this process before it began anew, showed a
    /// caller.
    pub fn follow(&mut self, caller: &str, now: Timestamp, (from, next): (i64, i64), shown: Vec<Shown>) {
        let account = self.0.entry(caller.to_owned()).or_default();
        if account.next != from {
            // Two calls at once: the other one has entered it.
            return;
        }
        account.followed_at = Some(now.as_millis());
        account.next = next.max(from);
        for Shown { at, persons, rows, misses } in shown {
            account.enter(at.as_millis(), &persons, rows);
            account.miss(at.as_millis(), misses);
        }
    }

    /// Enters questions that show nobody. What is refused because the budget is spent costs nothing.
    ///
    /// # Errors
    /// [`Spent::Misses`], when the caller had as many before.
    pub fn miss(&mut self, rules: &Rules, caller: &str, now: Timestamp, misses: u64) -> Result<(), Spent> {
        self.may_ask(rules, caller, now)?;
        self.make_room(now.as_millis());
        self.0.entry(caller.to_owned()).or_default().miss(now.as_millis(), misses);
        Ok(())
    }

    /// Whether a caller who asks for one after the other and finds nobody may still ask.
    ///
    /// # Errors
    /// [`Spent::Misses`], when not.
    pub fn may_ask(&mut self, rules: &Rules, caller: &str, now: Timestamp) -> Result<(), Spent> {
        let Some(account) = self.0.get_mut(caller).filter(|_| rules.misses_per_hour > 0) else { return Ok(()) };
        account.forget(now.as_millis());
        let misses: u64 = account.misses.iter().map(|(_, misses)| misses).sum();
        if misses >= rules.misses_per_hour { Err(Spent::Misses) } else { Ok(()) }
    }

    /// Forgets who has asked nothing lately, when there are too many.
    fn make_room(&mut self, now: i64) {
        if self.0.len() >= CALLERS_MAX {
            let is_recent = |times: &VecDeque<(i64, u64)>, ms: i64| times.back().is_some_and(|(at, _)| *at > now - ms);
            self.0.retain(|_, account| is_recent(&account.rows, WEEK_MS) || is_recent(&account.misses, HOUR_MS));
        }
    }

    /// Places of those among these persons whom a caller was not shown within the hour and on the same day: their townships are to be
    /// counted.
    pub fn unseen(&self, rules: &Rules, caller: &str, now: Timestamp, persons: &[Subject]) -> Vec<usize> {
        let known = self.0.get(caller);
        let today = rules.day(now);
        let is_new = |person: &Subject| {
            let last = known.and_then(|account| account.persons.get(person));
            last.is_none_or(|at| *at <= now.as_millis() - HOUR_MS || rules.day(Timestamp::from_millis(*at)) != today)
        };
        (0..persons.len()).filter(|place| is_new(&persons[*place])).collect()
    }

    /// Those of the townships that are not known to be counted on this day.
    pub fn fresh_areas(&self, caller: &str, day: i64, mut areas: BTreeSet<String>) -> BTreeSet<String> {
        if let Some(account) = self.0.get(caller).filter(|account| account.areas.0 == day) {
            areas.retain(|area| !account.areas.1.contains(area));
        }
        areas
    }

    /// These townships are counted on this day.
    pub fn note_areas(&mut self, caller: &str, day: i64, areas: BTreeSet<String>) {
        let account = self.0.entry(caller.to_owned()).or_default();
        if account.areas.0 != day {
            account.areas = (day, BTreeSet::new());
        }
        account.areas.1.extend(areas);
    }

    /// Enters what is about to be shown, if the budgets of the role allow it. What they do not allow costs nothing.
    ///
    /// # Errors
    /// Which budget is spent.
    pub fn spend(
        &mut self,
        rules: &Rules,
        (caller, role): (&str, &str),
        now: Timestamp,
        persons: &[Subject],
        rows: u64,
    ) -> Result<(), Spent> {
        let Some(role) = rules.role(role) else { return Ok(()) };
        let now = now.as_millis();
        self.make_room(now);
        let account = self.0.entry(caller.to_owned()).or_default();
        account.forget(now);
        let new = persons.iter().filter(|person| !account.persons.contains_key(*person)).count();
        // Lists of residents are a matter of rows; a person of an hour is one that was looked at.
        if role.persons_per_hour > 0 && account.persons.len() + new > role.persons_per_hour {
            return Err(Spent::Persons);
        }
        let this_week: u64 = account.rows.iter().map(|(_, rows)| rows).sum();
        if role.rows_per_week > 0 && this_week.saturating_add(rows) > role.rows_per_week {
            return Err(Spent::Rows);
        }
        account.enter(now, persons, rows);
        Ok(())
    }
}

impl Account {
    fn enter(&mut self, at: i64, persons: &[Subject], rows: u64) {
        for person in persons {
            let last = self.persons.entry(*person).or_insert(at);
            *last = at.max(*last);
        }
        let hour = at - at.rem_euclid(HOUR_MS);
        match self.rows.back_mut() {
            Some((last, sum)) if *last >= hour => *sum = sum.saturating_add(rows),
            _ => self.rows.push_back((hour, rows)),
        }
    }

    fn miss(&mut self, at: i64, misses: u64) {
        let minute = at - at.rem_euclid(MINUTE_MS);
        match self.misses.back_mut() {
            _ if misses == 0 => {}
            Some((last, sum)) if *last >= minute => *sum = sum.saturating_add(misses),
            _ => self.misses.push_back((minute, misses)),
        }
    }

    fn forget(&mut self, now: i64) {
        self.misses.retain(|(at, _)| *at > now - HOUR_MS);
        self.persons.retain(|_, at| *at > now - HOUR_MS);
        self.rows.retain(|(at, _)| *at > now - WEEK_MS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules() -> Rules {
        let mut rules = Rules::default();
        let role = rules.roles.get_mut("cdc-tracer").expect("a role");
        (role.persons_per_hour, role.rows_per_week) = (3, 10);
        rules
    }

    fn person(number: u8) -> Subject {
        [number; 16]
    }

    #[test]
    fn a_budget_of_persons_blocks_at_its_end_and_is_full_again_after_an_hour() {
        let (mut budgets, rules) = (Budgets::default(), rules());
        let mut show = |minute: i64, number: u8| {
            let at = Timestamp::from_millis(minute * 60_000);
            budgets.spend(&rules, ("t-1", "cdc-tracer"), at, &[person(number)], 1)
        };
        for minute in 0..3 {
            assert_eq!(show(minute, minute as u8), Ok(()));
        }
        assert_eq!(show(3, 2), Ok(()), "the same person again costs nothing more");
        assert_eq!(show(4, 9), Err(Spent::Persons));
        assert_eq!(show(59, 9), Err(Spent::Persons), "what was refused cost nothing, and brought nothing");
        assert_eq!(show(62, 9), Ok(()));
    }

    #[test]
    fn whoever_finds_nobody_too_often_is_shown_nobody_until_the_hour_is_over_whatever_the_role() {
        let (mut budgets, rules) = (Budgets::default(), Rules { misses_per_hour: 3, ..rules() });
        let at = |minute: i64| Timestamp::from_millis(minute * MINUTE_MS);
        let seen = Shown { at: at(0), persons: Vec::new(), rows: 0, misses: 1 };
        budgets.follow("r-1", at(0), (0, 5), vec![seen]);
        assert_eq!(budgets.miss(&rules, "r-1", at(1), 1), Ok(()));
        assert_eq!(budgets.miss(&rules, "r-1", at(2), 1), Ok(()));
        assert_eq!(budgets.miss(&rules, "r-1", at(3), 1), Err(Spent::Misses), "one was in another process");
        assert_eq!(budgets.may_ask(&rules, "r-1", at(59)), Err(Spent::Misses));
        assert_eq!(budgets.may_ask(&rules, "r-2", at(59)), Ok(()), "others have their own");
        assert_eq!(budgets.may_ask(&rules, "r-1", at(60)), Ok(()));
        let unlimited = Rules { misses_per_hour: 0, ..rules };
        assert_eq!(budgets.miss(&unlimited, "r-1", at(61), 1_000_000), Ok(()));
    }

    #[test]
    fn a_budget_of_rows_blocks_for_a_week_and_other_callers_have_their_own() {
        let (mut budgets, rules) = (Budgets::default(), rules());
        let day = |day: i64| Timestamp::from_millis(day * DAY_MS);
        assert_eq!(budgets.spend(&rules, ("t-1", "cdc-tracer"), day(0), &[], 10), Ok(()));
        assert_eq!(budgets.spend(&rules, ("t-1", "cdc-tracer"), day(6), &[], 1), Err(Spent::Rows));
        assert_eq!(budgets.spend(&rules, ("t-2", "cdc-tracer"), day(6), &[], 1), Ok(()));
        assert_eq!(budgets.spend(&rules, ("t-1", "cdc-tracer"), day(8), &[], 1), Ok(()));
        assert_eq!(budgets.spend(&rules, ("r-1", "resident"), day(0), &[], 1_000_000), Ok(()), "no rule, no limit");
    }

    #[test]
    fn an_account_begins_with_what_the_log_says_and_takes_in_what_others_showed_once() {
        let (mut budgets, rules) = (Budgets::default(), rules());
        let at = |ms: i64| Timestamp::from_millis(HOUR_MS + ms);
        let shown = |persons: &[u8], rows: u64| {
            let persons = persons.iter().map(|number| person(*number)).collect();
            Shown { at: at(0), persons, rows, misses: 0 }
        };
        assert_eq!(budgets.due("t-1", at(0)), Some(0));
        budgets.follow("t-1", at(0), (0, 5), vec![shown(&[1], 3)]);
        budgets.follow("t-1", at(0), (0, 5), vec![shown(&[1], 3)]);
        assert_eq!((budgets.due("t-1", at(999)), budgets.due("t-1", at(1_000))), (None, Some(5)));
        assert_eq!(budgets.spend(&rules, ("t-1", "cdc-tracer"), at(1), &[person(2)], 4), Ok(()));
        budgets.follow("t-1", at(1_000), (5, 10), vec![shown(&[3], 3)]);
        let mut spend =
            |number: u8, rows: u64| budgets.spend(&rules, ("t-1", "cdc-tracer"), at(1_001), &[person(number)], rows);
        assert_eq!((spend(4, 0), spend(3, 1)), (Err(Spent::Persons), Err(Spent::Rows)));
        assert_eq!(spend(3, 0), Ok(()), "three persons and ten rows, of which another process showed some");
    }

    #[test]
    fn what_this_process_showed_itself_is_looked_at_once() {
        let mut budgets = Budgets::default();
        let at = Timestamp::from_millis;
        budgets.follow("t-1", at(0), (0, 1_000), Vec::new());
        assert_eq!(budgets.due("t-1", at(1_000)), Some(1_000), "a thousand entries of its own are behind");
        budgets.follow("t-1", at(1_000), (1_000, 0), Vec::new());
        assert_eq!(budgets.due("t-1", at(2_000)), Some(1_000), "an index that is made anew takes nothing back");
    }

    #[test]
    fn townships_of_who_was_seen_before_midnight_are_counted_on_the_new_day() {
        let (mut budgets, rules) = (Budgets::default(), rules());
        let midnight = 19_000 * DAY_MS - i64::from(rules.utc_offset_minutes) * 60_000;
        let minute = |minute: i64| Timestamp::from_millis(midnight + minute * 60_000);
        let mut look = |at: Timestamp| {
            let unseen = budgets.unseen(&rules, "t-1", at, &[person(1)]);
            assert_eq!(budgets.spend(&rules, ("t-1", "cdc-tracer"), at, &[person(1)], 1), Ok(()));
            unseen
        };
        assert_eq!(look(minute(-20)), [0], "nobody was seen yet");
        assert_eq!(look(minute(-10)), [0; 0], "the same day");
        assert_eq!(look(minute(20)), [0], "another day, within the hour");
        assert_eq!(look(minute(70)), [0; 0], "counted on this day");
        assert_eq!(look(minute(130)), [0], "an hour later");
    }

    #[test]
    fn townships_are_counted_once_a_day() {
        let areas = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        let mut budgets = Budgets::default();
        budgets.note_areas("t-1", 7, areas(&["a", "b"]));
        assert_eq!(budgets.fresh_areas("t-1", 7, areas(&["b", "c"])), areas(&["c"]));
        assert_eq!(budgets.fresh_areas("t-1", 8, areas(&["b"])), areas(&["b"]));
        assert_eq!(budgets.fresh_areas("t-2", 7, areas(&["b"])), areas(&["b"]));
    }
}
