//! Budgets: how many persons an hour and how many rows a week somebody of a role is shown.

use std::collections::{HashMap, VecDeque};

use domain::Timestamp;

use crate::rules::Rules;
use crate::weigh::Subject;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
const WEEK_MS: i64 = 7 * DAY_MS;
/// Callers that are remembered at most; who has asked nothing for a week is forgotten first.
const CALLERS_MAX: usize = 100_000;

/// What is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// Persons of the hour.
    Persons,
    /// Rows of the week.
    Rows,
}

/// What callers were shown lately. One process counts what it shows itself, and begins with what the log says.
#[derive(Debug, Default)]
pub struct Budgets(HashMap<String, Account>);

#[derive(Debug, Default)]
struct Account {
    /// When each person of the last hour was shown last.
    persons: HashMap<Subject, i64>,
    /// Rows by hour, oldest first.
    rows: VecDeque<(i64, u64)>,
}

impl Budgets {
    /// Whether a caller is known here already.
    pub fn knows(&self, caller: &str) -> bool {
        self.0.contains_key(caller)
    }

    /// What the log says that a caller was shown. Beginning an account with it keeps a restart from filling the purse.
    pub fn begin(&mut self, caller: &str, shown: impl IntoIterator<Item = (Timestamp, Vec<Subject>, u64)>) {
        if self.knows(caller) {
            // Two first calls at once: the other one has entered it.
            return;
        }
        let account = self.0.entry(caller.to_owned()).or_default();
        for (at, persons, rows) in shown {
            account.enter(at.as_millis(), &persons, rows);
        }
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
        if self.0.len() >= CALLERS_MAX {
            self.0.retain(|_, account| account.rows.back().is_some_and(|(at, _)| *at > now - WEEK_MS));
        }
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
            Some((last, sum)) if *last == hour => *sum += rows,
            _ => self.rows.push_back((hour, rows)),
        }
    }

    fn forget(&mut self, now: i64) {
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
    fn an_account_begins_with_what_the_log_says() {
        let (mut budgets, rules) = (Budgets::default(), rules());
        let now = Timestamp::from_millis(HOUR_MS);
        assert!(!budgets.knows("t-1"));
        budgets.begin("t-1", [(now, vec![person(1), person(2), person(3)], 3)]);
        assert!(budgets.knows("t-1"));
        let spent = budgets.spend(&rules, ("t-1", "cdc-tracer"), now, &[person(4)], 1);
        assert_eq!(spent, Err(Spent::Persons));
    }
}
