//! Expressions of profiles: CEL, without its loops, over the texts of one row.
//!
//! An expression is read and type-checked when its profile is loaded. What is left cannot run away: nothing loops, names
//! and functions come from closed sets, the values that go in and come out have at most [`VALUE_BYTES_MAX`] bytes. An empty
//! column is the empty text, so there is no null to trip over.

mod check;
mod functions;

use std::sync::Arc;

use cel::common::types::CelString;
use cel::common::value::CowVal;
use cel::context::VariableResolver;
use cel::{Context, ExecutionError, IdedExpr, Value};

use crate::columns::{Field, Slot};
pub(crate) use check::Kind;

/// Bytes of a text that goes into an expression, and of one that comes out.
pub(crate) const VALUE_BYTES_MAX: usize = 4096;
/// Bytes of an expression's own text.
const SOURCE_BYTES_MAX: usize = 2000;
/// How deep an expression may be nested.
const DEPTH_MAX: u16 = 48;

/// The names that expressions may use.
pub(crate) trait Names {
    /// The field of this name, if the profile carries it.
    fn field(&self, name: &str) -> Option<Field>;
    /// The slot of a column that is named as the sender names it; `None` when there can be none.
    fn column(&mut self, column: ColumnName<'_>) -> Option<Slot>;
}

/// A column as an expression names it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ColumnName<'a> {
    /// `column['手机号']`
    Name(&'a str),
    /// `column[3]`, from 1
    Position(u16),
}

/// The texts of one row.
pub(crate) trait Texts: Sync {
    /// The text in a slot; empty when there is none.
    fn text(&self, slot: Slot) -> &str;
}

/// A checked expression.
#[derive(Clone, Debug)]
pub(crate) struct Expression {
    tree: Arc<IdedExpr>,
    /// What it reads.
    slots: Vec<Slot>,
}

/// What is wrong with an expression, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Character of the expression, from 1.
    pub(crate) at: usize,
    /// What is wrong.
    pub(crate) message: String,
}

/// Reads and checks an expression that must give `wanted`.
pub(crate) fn compile(source: &str, wanted: Kind, names: &mut impl Names) -> Result<Expression, Fault> {
    if source.len() > SOURCE_BYTES_MAX {
        return Err(Fault { at: 1, message: format!("an expression has at most {SOURCE_BYTES_MAX} bytes") });
    }
    let parser = functions::environment().parser().max_recursion_depth(DEPTH_MAX);
    let (mut tree, places) = parser.parse_with_source_info(source).map_err(|errors| {
        let first = errors.errors.first();
        let at = first.map_or(1, |error| usize::try_from(error.pos.1).unwrap_or(1).max(1));
        let message = first.map_or("not an expression", |error| error.msg.lines().next().unwrap_or_default());
        Fault { at, message: message.to_owned() }
    })?;
    let place = |id| places.offset_for(id).map_or(1, |(begin, _)| character(source, begin as usize));
    let slots = check::check(&mut tree, wanted, names, place)?;
    Ok(Expression { tree: Arc::new(tree), slots })
}

/// Which character a byte belongs to, from 1.
fn character(source: &str, byte: usize) -> usize {
    source.char_indices().take_while(|(at, _)| *at < byte).count() + 1
}

impl Expression {
    /// The text that it gives for a row; `None` when it gives nothing. The error says what went wrong, without any value.
    pub(crate) fn text(&self, row: &dyn Texts) -> Result<Option<String>, String> {
        match self.run(row)? {
            Value::String(text) if text.len() > VALUE_BYTES_MAX => {
                Err(format!("the text that comes out has more than {VALUE_BYTES_MAX} bytes"))
            }
            Value::String(text) => Ok(Some(text.to_string())),
            _ => Ok(None),
        }
    }

    /// Whether it holds for a row.
    pub(crate) fn holds(&self, row: &dyn Texts) -> Result<bool, String> {
        Ok(self.run(row)? == Value::Bool(true))
    }

    fn run(&self, row: &dyn Texts) -> Result<Value, String> {
        if self.slots.iter().any(|slot| row.text(*slot).len() > VALUE_BYTES_MAX) {
            return Err(format!("a value that goes in has more than {VALUE_BYTES_MAX} bytes"));
        }
        let resolver = Resolver(row);
        let mut context = Context::with_env(functions::environment());
        context.set_variable_resolver(&resolver);
        Value::resolve(&self.tree, &context).map_err(told)
    }
}

/// What went wrong with a row. Values stay out of it.
fn told(error: ExecutionError) -> String {
    match error {
        ExecutionError::FunctionError { function, .. } => format!("{function}() cannot work with this value"),
        ExecutionError::DivisionByZero(_) | ExecutionError::RemainderByZero(_) => "it divides by zero".to_owned(),
        ExecutionError::Overflow(..) => "a number becomes too large".to_owned(),
        ExecutionError::IndexOutOfBounds(_) => "a place is counted that the text does not have".to_owned(),
        _ => "it cannot work with this value".to_owned(),
    }
}

struct Resolver<'a>(&'a dyn Texts);

impl VariableResolver for Resolver<'_> {
    fn resolve<'b>(&'b self, variable: &str) -> Option<CowVal<'b, 'b>> {
        Some(CowVal::owned(CelString::from(self.0.text(slot_of(variable)?))))
    }
}

/// The name that the checked tree has for a slot.
fn name_of(slot: Slot) -> String {
    match slot {
        Slot::Field(field) => format!("f{}", field as usize),
        Slot::Extra(place) => format!("c{place}"),
    }
}

fn slot_of(name: &str) -> Option<Slot> {
    let place: u16 = name.get(1..)?.parse().ok()?;
    match name.as_bytes().first()? {
        b'f' => Field::ALL.get(usize::from(place)).copied().map(Slot::Field),
        _ => Some(Slot::Extra(place)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample;

    impl Names for Sample {
        fn field(&self, name: &str) -> Option<Field> {
            Field::from_code(name).filter(|field| [Field::Phone, Field::Name].contains(field))
        }

        fn column(&mut self, column: ColumnName<'_>) -> Option<Slot> {
            match column {
                ColumnName::Name("手机号") => Some(Slot::Field(Field::Phone)),
                ColumnName::Name("备注") | ColumnName::Position(3) => Some(Slot::Extra(0)),
                _ => None,
            }
        }
    }

    impl Texts for Sample {
        fn text(&self, slot: Slot) -> &str {
            match slot {
                Slot::Field(Field::Phone) => "+86 138-0000-0001",
                Slot::Extra(0) => "甲乙/丙",
                _ => "",
            }
        }
    }

    fn run(source: &str) -> Result<Option<String>, String> {
        let expression =
            compile(source, Kind::Text, &mut Sample).map_err(|fault| format!("{}: {}", fault.at, fault.message))?;
        expression.text(&Sample)
    }

    fn gives(source: &str) -> String {
        run(source).expect(source).expect(source)
    }

    #[test]
    fn texts_are_cut_joined_and_chosen() {
        assert_eq!(gives("phone.replace('-', '').after('+86').trim()"), "13800000001");
        assert_eq!(gives("column['手机号'].digits()"), "8613800000001");
        assert_eq!(gives("column['备注'].before('/') + '·' + column[3].after('/')"), "甲乙·丙");
        assert_eq!(gives("column[3].part('/', 2)"), "丙");
        assert_eq!(gives("column[3].substring(1, 2)"), "乙");
        assert_eq!(gives("phone.matches('^[+]86') ? 'CN' : 'OTHER'"), "CN");
        assert_eq!(gives("string(int('12') * 10 + size('甲乙'))"), "122");
        assert_eq!(gives("name in ['', '无名'] ? 'nobody' : name"), "nobody");
        assert_eq!(run("name == '' ? null : name"), Ok(None));
    }

    #[test]
    fn a_slip_is_found_before_any_row_is_read_and_its_place_is_named() {
        let slip = |source: &str| run(source).expect_err(source);
        assert!(slip("phone +").starts_with("8: "), "{}", slip("phone +"));
        assert_eq!(slip("'甲' + fone"), "7: there is no field `fone` in the profile; a column is column['its name']");
        assert!(slip("column['备考'] + ''").contains("`备考`"));
        assert_eq!(slip("phone + 1"), "7: + takes two texts or two numbers of one kind, not text and whole number");
        assert_eq!(slip("size(phone)"), "5: it gives a whole number where text is wanted");
        assert!(slip("phone.replace('a')").contains("replace(text, text)"));
        assert!(slip("phone.shout()").contains("there is no function `shout`"));
        assert!(slip("phone.matches(name)").contains("pattern is a text that stands here"));
        assert!(slip("phone.matches('[')").contains("pattern"));
        assert!(slip("phone == null ? '' : phone").contains("''"));
        // No loops: what CEL calls macros is not there.
        assert!(slip("['a'].all(x, x == 'a') ? '' : ''").contains("`x`"));
        assert!(slip(&"(".repeat(100)).contains(": "));
        assert!(slip(&format!("'{}'", "a".repeat(2000))).contains("2000 bytes"));
    }

    #[test]
    fn a_row_that_an_expression_cannot_work_with_is_told_without_its_value() {
        assert_eq!(run("string(int(phone))"), Err("int() cannot work with this value".to_owned()));
        assert_eq!(run("phone.substring(40)"), Err("substring() cannot work with this value".to_owned()));
        assert_eq!(run("string(1 / (size(name)))"), Err("it divides by zero".to_owned()));
    }

    #[test]
    fn what_comes_out_is_bounded_however_it_is_made() {
        // Each step puts the text between its own characters.
        let grown = "phone.replace('', phone).replace('', phone).replace('', phone).replace('', phone)";
        assert_eq!(run(grown), Err("replace() cannot work with this value".to_owned()));
    }
}
