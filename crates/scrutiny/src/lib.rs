//! Looks at person files, judged: what explains each, how suspicious it is, and what a budget stops.
//!
//! Most looks are somebody's duty, and the hub can see that: the unit that looks after the person, the case that names the
//! person, the pair under review. So explanations come first, and weights count for what is left. Nothing here
//! accuses: a score puts a look on an auditor's list.
//!
//! Pure: time, facts and rules are arguments. How caller and person stand to each other is told by whoever can read the
//! registers ([`Ties`]); what the caller did before is remembered here ([`Scrutiny`]).

mod budget;
mod rules;
mod weigh;

pub use budget::{Budgets, Shown, Spent};
pub use rules::{RoleRules, Rules, RulesError};
pub use weigh::{Explanation, Look, Mark, Part, Rule, Scrutiny, Strength, Subject, Ties, Weighed};
