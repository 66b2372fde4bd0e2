//! What a profile computes: fields that are made of others, and rules that a row must keep.

use serde::Deserialize;

use crate::columns::{Field, Slot};
use crate::expression::{self, ColumnName, Expression, Fault, Kind, Names};
use crate::feed::RowError;
use crate::fields::Fields;
use crate::header::comparable;
use crate::profile::{Column, Profile};
use crate::reason::Reason;

/// A rule of validity, as a profile states it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The rows that it is about; all when absent.
    pub when: Option<String>,
    /// What must hold for them.
    pub require: String,
    /// The field to name to the sender.
    pub field: Option<Field>,
    /// What is wrong when it does not hold, in English.
    pub message: String,
    /// The same in Chinese.
    pub message_zh: String,
}

/// What a profile computes, checked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Computed {
    derive: Vec<(Field, Expression)>,
    rules: Vec<CheckedRule>,
    columns: Vec<ExtraColumn>,
}

#[derive(Clone, Debug)]
struct CheckedRule {
    when: Option<Expression>,
    require: Expression,
    field: Option<Field>,
    message: String,
}

/// A column that only expressions use.
#[derive(Clone, Debug)]
pub(crate) struct ExtraColumn {
    /// Its name or position.
    pub(crate) column: Column,
    /// It may be missing from a header: all that use it are optional fields.
    pub(crate) optional: bool,
}

/// The names that a profile offers to expressions.
struct Offered<'a> {
    profile: &'a Profile,
    columns: &'a mut Vec<ExtraColumn>,
    optional: bool,
    /// Derived fields count: true in rules, which see what came of the derivations.
    derived: bool,
}

impl Computed {
    /// Checks the expressions of a profile. An error names the key and what is wrong with it.
    pub(crate) fn of(profile: &Profile) -> Result<Self, (String, String)> {
        let mut computed = Self::default();
        for (field, source) in &profile.derive {
            let optional = profile.optional.contains(field);
            let mut offered = Offered { profile, columns: &mut computed.columns, optional, derived: false };
            let compiled = expression::compile(source, Kind::Text, &mut offered);
            let key = || format!("derive.{}", field.code());
            computed.derive.push((*field, compiled.map_err(|fault| told(key(), source, &fault))?));
        }
        for (place, rule) in profile.rules.iter().enumerate() {
            let mut offered = Offered { profile, columns: &mut computed.columns, optional: false, derived: true };
            let mut truth = |key: &str, source: &str| {
                let key = format!("rules[{}].{key}", place + 1);
                expression::compile(source, Kind::Truth, &mut offered).map_err(|fault| told(key, source, &fault))
            };
            let when = rule.when.as_deref().map(|when| truth("when", when)).transpose()?;
            let require = truth("require", &rule.require)?;
            let message = format!("{} {}", rule.message.trim(), rule.message_zh.trim());
            computed.rules.push(CheckedRule { when, require, field: rule.field, message });
        }
        Ok(computed)
    }

    /// The columns that only expressions use, by their slots.
    pub(crate) fn columns(&self) -> &[ExtraColumn] {
        &self.columns
    }

    /// How many they are.
    pub(crate) fn extras(&self) -> usize {
        self.columns.len()
    }

    /// Makes the derived fields of a row. All of them see what the sender wrote, none sees another.
    pub(crate) fn derive(&self, fields: &mut Fields<'_>) -> Result<(), RowError> {
        if self.derive.is_empty() {
            return Ok(());
        }
        let made = self.derive.iter().map(|(field, expression)| {
            let made = expression.text(fields).map_err(|why| failed(fields, *field, &why))?;
            Ok((*field, made))
        });
        for (field, made) in made.collect::<Result<Vec<_>, RowError>>()? {
            fields.clear(field);
            fields.set(field, made.as_deref().unwrap_or_default());
        }
        Ok(())
    }

    /// Checks the rules of a row.
    pub(crate) fn check(&self, fields: &Fields<'_>) -> Result<(), RowError> {
        for rule in &self.rules {
            let holds = |expression: &Expression| {
                expression.holds(fields).map_err(|why| {
                    let message = format!("a rule of the profile cannot be checked: {why}");
                    about(fields, rule.field, Reason::ExpressionFailed, message)
                })
            };
            let applies = rule.when.as_ref().map_or(Ok(true), holds)?;
            if applies && !holds(&rule.require)? {
                return Err(about(fields, rule.field, Reason::RuleBroken, rule.message.clone()));
            }
        }
        Ok(())
    }
}

fn failed(fields: &Fields<'_>, field: Field, why: &str) -> RowError {
    let message = format!("{} cannot be made of this row: {why}", field.code());
    about(fields, Some(field), Reason::ExpressionFailed, message)
}

fn about(fields: &Fields<'_>, field: Option<Field>, reason: Reason, message: String) -> RowError {
    match field {
        Some(field) => fields.error(field, reason, message),
        None => RowError::row(reason, message),
    }
}

/// Key and message of a fault, with the place marked in the text.
fn told(key: String, source: &str, fault: &Fault) -> (String, String) {
    let rest: String = source.chars().skip(fault.at - 1).take(24).collect();
    let place = if rest.is_empty() { "at its end".to_owned() } else { format!("at `{rest}`") };
    (key, format!("character {} ({place}): {}", fault.at, fault.message))
}

impl Names for Offered<'_> {
    fn field(&self, name: &str) -> Option<Field> {
        let Profile { columns, constants, derive, .. } = self.profile;
        Field::from_code(name).filter(|field| {
            columns.contains_key(field) || constants.contains_key(field) || (self.derived && derive.contains_key(field))
        })
    }

    fn column(&mut self, column: ColumnName<'_>) -> Option<Slot> {
        let column = match column {
            ColumnName::Name(name) if !self.profile.is_headerless() => Column::Name(name.to_owned()),
            ColumnName::Position(position) if self.profile.is_headerless() => Column::Position(position),
            _ => return None,
        };
        let same = |other: &Column| match (&column, other) {
            (Column::Position(a), Column::Position(b)) => a == b,
            (Column::Name(name), other) => other.names().iter().any(|known| comparable(known) == comparable(name)),
            _ => false,
        };
        if let Some((field, _)) = self.profile.columns.iter().find(|(_, mapped)| same(mapped)) {
            return Some(Slot::Field(*field));
        }
        let place = match self.columns.iter().position(|known| same(&known.column)) {
            Some(place) => place,
            None => {
                self.columns.push(ExtraColumn { column, optional: self.optional });
                self.columns.len() - 1
            }
        };
        self.columns[place].optional &= self.optional;
        u16::try_from(place).ok().map(Slot::Extra)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use domain::{Body, Timestamp, TokenKey};

    use super::*;
    use crate::feed::{Feed, Mapped, preview};
    use crate::profile::ProfileError;
    use crate::profile_feed::ProfileFeed;

    const GATES: &str = r#"
        feed = "gates"
        title = "Gates"
        connector = "test"
        source = "gates"
        source_kind = "community"
        owner = "Grid centre"
        legal_basis = "Test"
        retention_days = 30
        emit = "GatePass"
        [format]
        kind = "delimited"
        encoding = "utf-8"
        header = true
        [time]
        zone = "Asia/Shanghai"
        formats = ["%Y-%m-%d %H:%M"]
        [columns]
        record_id = "流水号"
        gate_id = "门岗"
        phone = "手机号"
        [record]
        key = ["record_id"]
    "#;

    /// A profile with more at its end, and the feed that it declares.
    fn feed(more: &str) -> Result<Arc<dyn Feed>, ProfileError> {
        Ok(Arc::new(ProfileFeed::new(Profile::parse("gates.toml", &format!("{GATES}{more}"))?)?))
    }

    fn read(more: &str, body: &str) -> Vec<Mapped> {
        let (key, now) = (TokenKey::from_bytes(&[7; 32]), Timestamp::from_millis(1_647_734_400_000));
        let rows = preview(&*feed(more).expect("sound"), body.as_bytes(), &key, now).expect("a body that fits");
        rows.into_iter().map(|(_, result)| result).collect()
    }

    const DERIVE: &str = r#"
        [derive]
        scan_time = "column['日期'] + ' ' + column['时间'].replace('.', ':')"
        phone = "phone.digits()"
        temperature = "column['体温'].endsWith('℃') ? column['体温'].before('℃') : null"
    "#;

    #[test]
    fn fields_are_made_of_columns() {
        let rows = read(
            DERIVE,
            "流水号,门岗,手机号,日期,时间,体温\n1,G1,138-0000-0001,2022-03-01,08.02,36.5℃\n2,G1,,2022-03-01,08.03,高\n",
        );
        let pass = |row: &Mapped| {
            let drafts = row.as_ref().expect("a good row");
            let Some(Body::GatePass(pass)) = drafts.last().map(|draft| draft.body.clone()) else { panic!("a pass") };
            (drafts.len(), drafts[0].event_time.to_string(), pass.temperature_c)
        };
        assert_eq!(pass(&rows[0]), (1, "2022-03-01T00:02:00Z".to_owned(), Some(36.5)));
        // An empty derived value is an empty field.
        assert_eq!(rows[1].as_ref().expect_err("names nobody").reason, Reason::IdentityMissing);
    }

    #[test]
    fn a_row_of_which_a_field_cannot_be_made_goes_to_quarantine_with_the_field_and_without_its_value() {
        let derive = "[derive]\nscan_time = \"column['年'] + '-01-' + string(int(column['日']) + 0) + ' 08:00'\"";
        let rows = read(derive, "流水号,门岗,手机号,年,日\n1,G1,13800000001,2022,廿一\n");
        let error = rows[0].as_ref().expect_err("no number");
        assert_eq!((error.reason, error.field.as_deref()), (Reason::ExpressionFailed, Some("scan_time")));
        assert_eq!(error.message, "scan_time cannot be made of this row: int() cannot work with this value");
    }

    #[test]
    fn a_broken_rule_is_told_in_both_languages_and_only_to_the_rows_that_it_is_about() {
        let rules = r#"
            [derive]
            scan_time = "column['时间']"
            [[rules]]
            when = "gate_id.startsWith('E')"
            require = "phone != ''"
            field = "phone"
            message = "An entrance for staff needs a phone."
            message_zh = "员工入口必须有手机号。"
        "#;
        let rows = read(rules, "流水号,门岗,手机号,时间\n1,E1,,2022-03-01 08:02\n2,E1,13800000001,2022-03-01 08:02\n");
        let error = rows[0].as_ref().expect_err("no phone");
        assert_eq!((error.reason, error.field.as_deref()), (Reason::RuleBroken, Some("手机号")));
        assert_eq!(error.message, "An entrance for staff needs a phone. 员工入口必须有手机号。");
        assert!(rows[1].is_ok());
    }

    #[test]
    fn a_slip_in_an_expression_is_found_when_the_profile_is_loaded_with_file_key_and_place() {
        let slip = |more: &str| feed(more).err().expect("refused").to_string();
        assert_eq!(
            slip("[derive]\nscan_time = \"column['时间'] + 1\""),
            "profile gates.toml, key derive.scan_time: character 14 (at `+ 1`): + takes two texts or two numbers of one \
             kind, not text and whole number"
        );
        let rule = "[derive]\nscan_time = \"column['时间']\"\n[[rules]]\nrequire = \"phon != ''\"\nmessage = \"a\"\nmessage_zh = \"b\"";
        assert!(slip(rule).contains("key rules[1].require: character 1"), "{}", slip(rule));
        assert!(slip("").contains("GatePass needs the field scan_time"));
        assert!(slip("[derive]\nscan_time = \"column[3]\"").contains("columns are named"));
    }

    #[test]
    fn columns_that_only_expressions_use_must_be_there_unless_what_they_make_is_optional() {
        let time = "[derive]\nscan_time = \"column['时间']\"\ntemperature = \"column['体温']\"";
        let short = "流水号,门岗,手机号,时间\n1,G1,13800000001,2022-03-01 08:02\n";
        let key = TokenKey::from_bytes(&[7; 32]);
        let refused = |feed: Arc<dyn Feed>| {
            preview(&*feed, short.as_bytes(), &key, Timestamp::from_millis(0)).err().map(|error| error.to_string())
        };
        let message = refused(feed(time).expect("sound")).expect("refused");
        assert!(message.contains("missing: 体温"), "{message}");
        let optional = GATES.replace("emit =", "optional = [\"temperature\"]\nemit =");
        let lenient = Profile::parse("gates.toml", &format!("{optional}{time}")).expect("sound");
        assert_eq!(refused(Arc::new(ProfileFeed::new(lenient).expect("sound"))), None);
    }

    #[test]
    fn what_a_profile_says_has_a_fingerprint_and_how_it_is_written_has_none() {
        let parse = |text: &str| Profile::parse("gates.toml", text).expect("sound");
        let plain = parse(GATES);
        assert_eq!(parse(&format!("# A comment.\n{GATES}")).fingerprint(), plain.fingerprint());
        let next = parse(&GATES.replace("门岗", "门岗编号").replace("title", "version = 3\n        title"));
        assert_ne!(next.fingerprint(), plain.fingerprint());
        assert!(next.version_name().starts_with("3-") && next.version_name().len() == 14);
        assert_eq!(plain.version_name().len(), 12);
    }
}
