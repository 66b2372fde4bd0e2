//! Which entries somebody looks for.

use domain::Timestamp;

use crate::entry::{CaseToken, Code, Decision, Entry, SubjectHandle};

/// What an entry must be like. An empty filter lets every entry pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Handle of the one who asked.
    pub actor: Option<Code>,
    /// Organisation, or organisation and unit, of the one who asked.
    pub unit: Option<Code>,
    /// Role of the one who asked.
    pub role: Option<Code>,
    /// What was asked.
    pub action: Option<Code>,
    /// The purpose stated.
    pub purpose: Option<Code>,
    /// The case stated.
    pub case: Option<CaseToken>,
    /// A person concerned.
    pub subject: Option<SubjectHandle>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub until: Option<Timestamp>,
    /// Only refusals, or only answers.
    pub refused: Option<bool>,
}

impl Filter {
    /// Whether the entry is looked for.
    pub fn matches(&self, entry: &Entry) -> bool {
        fn is<T: PartialEq>(wanted: Option<&T>, found: Option<&T>) -> bool {
            wanted.is_none() || wanted == found
        }
        // An organisation stands for all of its units.
        let unit = self.unit.as_ref().is_none_or(|wanted| {
            let rest = entry.unit.as_str().strip_prefix(wanted.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        let refused = matches!(entry.decision, Decision::Refused { .. });
        unit && is(self.actor.as_ref(), Some(&entry.actor))
            && is(self.role.as_ref(), Some(&entry.role))
            && is(self.action.as_ref(), Some(&entry.action))
            && is(self.purpose.as_ref(), entry.purpose.as_ref())
            && is(self.case.as_ref(), entry.case.as_ref())
            && self.subject.is_none_or(|subject| entry.subjects.contains(&subject))
            && self.from.is_none_or(|from| entry.stamp.time >= from)
            && self.until.is_none_or(|until| entry.stamp.time < until)
            && self.refused.is_none_or(|wanted| wanted == refused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::entry;

    #[test]
    fn each_part_of_a_filter_excludes_what_it_does_not_name() {
        let found = entry(4);
        let code = |text: &str| Some(Code::parse(text).expect("a code"));
        let empty = Filter::default();
        assert!(empty.matches(&found));
        let fitting = Filter {
            actor: Some(found.actor.clone()),
            unit: Some(found.unit.clone()),
            role: Some(found.role.clone()),
            action: Some(found.action.clone()),
            purpose: found.purpose.clone(),
            case: found.case,
            subject: found.subjects.first().copied(),
            from: Some(found.stamp.time),
            until: Some(found.stamp.time.plus_millis(1)),
            refused: Some(true),
        };
        assert!(fitting.matches(&found));
        for other in [
            Filter { actor: code("somebody"), ..empty.clone() },
            Filter { unit: code("320506001007"), ..empty.clone() },
            Filter { role: code("auditor"), ..empty.clone() },
            Filter { action: code("person.write"), ..empty.clone() },
            Filter { purpose: code("TREAT"), ..empty.clone() },
            Filter { case: Some(CaseToken([0; 16])), ..empty.clone() },
            Filter { subject: Some(SubjectHandle([0; 16])), ..empty.clone() },
            Filter { from: Some(found.stamp.time.plus_millis(1)), ..empty.clone() },
            Filter { until: Some(found.stamp.time), ..empty.clone() },
            Filter { refused: Some(false), ..empty },
        ] {
            assert!(!other.matches(&found), "{other:?}");
        }
        let mut of_unit = found;
        of_unit.unit = Code::parse("cdc/north").expect("a code");
        assert!(Filter { unit: code("cdc"), ..Filter::default() }.matches(&of_unit));
        assert!(!Filter { unit: code("cd"), ..Filter::default() }.matches(&of_unit));
    }
}
