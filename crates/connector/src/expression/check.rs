//! Types of expressions, found before any row is read.

use std::fmt;

use cel::IdedExpr;
use cel::common::ast::{CallExpr, Expr, LiteralValue, operators};

use crate::columns::Slot;
use crate::expression::functions::regex;
use crate::expression::{ColumnName, Fault, Names, name_of};

/// What an expression gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Whole,
    Decimal,
    Truth,
    /// Nothing: `null`.
    Nothing,
    /// Texts in brackets, behind `in`.
    Texts,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Whole => "whole number",
            Self::Decimal => "decimal number",
            Self::Truth => "truth value",
            Self::Nothing => "null",
            Self::Texts => "list of texts",
        })
    }
}

use Kind::{Decimal, Nothing, Text, Texts, Truth, Whole};

/// Functions: name, whether behind a point, what they take (the text before the point first), what they give.
const FUNCTIONS: &[(&str, bool, &[Kind], Kind)] = &[
    ("size", true, &[Text], Whole),
    ("size", false, &[Text], Whole),
    ("contains", true, &[Text, Text], Truth),
    ("startsWith", true, &[Text, Text], Truth),
    ("endsWith", true, &[Text, Text], Truth),
    ("matches", true, &[Text, Text], Truth),
    ("trim", true, &[Text], Text),
    ("lower", true, &[Text], Text),
    ("upper", true, &[Text], Text),
    ("digits", true, &[Text], Text),
    ("replace", true, &[Text, Text, Text], Text),
    ("before", true, &[Text, Text], Text),
    ("after", true, &[Text, Text], Text),
    ("part", true, &[Text, Text, Whole], Text),
    ("substring", true, &[Text, Whole], Text),
    ("substring", true, &[Text, Whole, Whole], Text),
    ("string", false, &[Whole], Text),
    ("string", false, &[Decimal], Text),
    ("int", false, &[Text], Whole),
    ("int", false, &[Decimal], Whole),
    ("double", false, &[Text], Decimal),
    ("double", false, &[Whole], Decimal),
];

/// Checks a tree and puts slots in the place of names. Gives the slots that it reads.
pub(super) fn check(
    tree: &mut IdedExpr,
    wanted: Kind,
    names: &mut impl Names,
    place: impl Fn(u64) -> usize,
) -> Result<Vec<Slot>, Fault> {
    let root = tree.id;
    let mut checker = Checker { names, place, slots: Vec::new() };
    let found = checker.kind(tree)?;
    if found != wanted && !(found == Nothing && wanted == Text) {
        return Err(checker.fault(root, format!("it gives a {found} where {wanted} is wanted")));
    }
    Ok(checker.slots)
}

struct Checker<'a, N, P> {
    names: &'a mut N,
    place: P,
    slots: Vec<Slot>,
}

impl<N: Names, P: Fn(u64) -> usize> Checker<'_, N, P> {
    fn fault(&self, id: u64, message: impl Into<String>) -> Fault {
        Fault { at: (self.place)(id), message: message.into() }
    }

    fn kind(&mut self, tree: &mut IdedExpr) -> Result<Kind, Fault> {
        let id = tree.id;
        match &mut tree.expr {
            Expr::Literal(literal) => match literal {
                LiteralValue::String(_) => Ok(Text),
                LiteralValue::Int(_) => Ok(Whole),
                LiteralValue::Double(_) => Ok(Decimal),
                LiteralValue::Boolean(_) => Ok(Truth),
                LiteralValue::Null => Ok(Nothing),
                LiteralValue::Bytes(_) | LiteralValue::UInt(_) => {
                    Err(self.fault(id, "bytes and unsigned numbers have no use here"))
                }
            },
            Expr::Ident(name) => {
                let Some(field) = self.names.field(name) else {
                    let message = format!("there is no field `{name}` in the profile; a column is column['its name']");
                    return Err(self.fault(id, message));
                };
                tree.expr = self.read(Slot::Field(field));
                Ok(Text)
            }
            Expr::List(list) => {
                for element in &mut list.elements {
                    if !matches!(element.expr, Expr::Literal(LiteralValue::String(_))) {
                        return Err(self.fault(element.id, "a list holds texts that stand in it"));
                    }
                }
                Ok(Texts)
            }
            Expr::Call(call) if call.func_name == operators::INDEX => {
                let slot = self.column(id, call)?;
                tree.expr = self.read(slot);
                Ok(Text)
            }
            Expr::Call(call) => self.call(id, call),
            Expr::Select(select) => {
                let message = format!("`.{}` is no function; a function has brackets", select.field);
                Err(self.fault(id, message))
            }
            _ => Err(self.fault(id, "maps, structures and loops have no use here")),
        }
    }

    fn read(&mut self, slot: Slot) -> Expr {
        self.slots.push(slot);
        Expr::Ident(name_of(slot))
    }

    fn column(&mut self, id: u64, call: &CallExpr) -> Result<Slot, Fault> {
        let [of, index] = &call.args[..] else { return Err(self.fault(id, "a column is column['its name']")) };
        if of.expr != Expr::Ident("column".to_owned()) {
            return Err(self.fault(id, "only columns are named in brackets: column['its name']"));
        }
        let (column, shown) = match &index.expr {
            Expr::Literal(LiteralValue::String(name)) => (ColumnName::Name(name.inner()), name.inner().to_owned()),
            Expr::Literal(LiteralValue::Int(place)) => match u16::try_from(*place.inner()) {
                Ok(place) if place > 0 => (ColumnName::Position(place), place.to_string()),
                _ => return Err(self.fault(index.id, "positions count from 1")),
            },
            _ => return Err(self.fault(index.id, "a column's name or position stands in the brackets as it is")),
        };
        self.names.column(column).ok_or_else(|| {
            let message = format!(
                "there can be no column `{shown}`: with a header columns are named, without one they have positions"
            );
            self.fault(index.id, message)
        })
    }

    fn call(&mut self, id: u64, call: &mut CallExpr) -> Result<Kind, Fault> {
        let behind_point = call.target.is_some();
        let mut given = Vec::with_capacity(3);
        for argument in call.target.as_deref_mut().into_iter().chain(&mut call.args) {
            given.push(self.kind(argument)?);
        }
        if let Some(kind) = operator(&call.func_name, &given) {
            return kind.map_err(|message| self.fault(id, message));
        }
        let of_name: Vec<_> = FUNCTIONS.iter().filter(|function| function.0 == call.func_name).collect();
        if of_name.is_empty() {
            let names: Vec<&str> = FUNCTIONS.iter().map(|function| function.0).collect();
            let message = format!("there is no function `{}`; there are {}", call.func_name, names.join(", "));
            return Err(self.fault(id, message));
        }
        let Some(function) = of_name.iter().find(|known| known.1 == behind_point && known.2 == given) else {
            let forms: Vec<String> = of_name.iter().map(|known| form(known)).collect();
            return Err(self.fault(id, format!("{} is written {}", call.func_name, forms.join(" or "))));
        };
        if function.0 == "matches" {
            self.check_pattern(&call.args[0])?;
        }
        Ok(function.3)
    }

    fn check_pattern(&self, pattern: &IdedExpr) -> Result<(), Fault> {
        let Expr::Literal(LiteralValue::String(text)) = &pattern.expr else {
            return Err(self.fault(pattern.id, "a pattern is a text that stands here, not one that is made"));
        };
        match regex(text.inner()) {
            Ok(_) => Ok(()),
            Err(_) => Err(self.fault(pattern.id, "the pattern is not a regular expression, or too large")),
        }
    }
}

fn form((name, behind_point, takes, _): &(&str, bool, &[Kind], Kind)) -> String {
    let kinds: Vec<String> = takes.iter().map(Kind::to_string).collect();
    match kinds.split_first() {
        Some((of, rest)) if *behind_point => format!("{of}.{name}({})", rest.join(", ")),
        _ => format!("{name}({})", kinds.join(", ")),
    }
}

/// The kind that an operator gives; `None` when it is none.
fn operator(name: &str, given: &[Kind]) -> Option<Result<Kind, String>> {
    use operators::*;
    let numbers = |kinds: &[Kind]| matches!(kinds, [Whole, Whole] | [Decimal, Decimal]);
    let (sign, fits, gives, takes) = match (name, given) {
        (CONDITIONAL, [Truth, Nothing, other] | [Truth, other, Nothing]) => return Some(Ok(*other)),
        (CONDITIONAL, [Truth, a, b]) => ("?:", a == b, *a, "values of one kind on both sides of the colon"),
        (CONDITIONAL, _) => ("?:", false, Text, "a truth value before the question mark"),
        (LOGICAL_AND, kinds) => ("&&", kinds == [Truth, Truth], Truth, "two truth values"),
        (LOGICAL_OR, kinds) => ("||", kinds == [Truth, Truth], Truth, "two truth values"),
        (LOGICAL_NOT, kinds) => ("!", kinds == [Truth], Truth, "a truth value"),
        (ADD, [Text, Text]) => ("+", true, Text, ""),
        (ADD, kinds) => ("+", numbers(kinds), kinds[0], "two texts or two numbers of one kind"),
        (SUBSTRACT, kinds) => ("-", numbers(kinds), kinds[0], "two numbers of one kind"),
        (MULTIPLY, kinds) => ("*", numbers(kinds), kinds[0], "two numbers of one kind"),
        (DIVIDE, kinds) => ("/", numbers(kinds), kinds[0], "two numbers of one kind"),
        (MODULO, kinds) => ("%", kinds == [Whole, Whole], Whole, "two whole numbers"),
        (NEGATE, kinds) => ("-", matches!(kinds, [Whole | Decimal]), kinds[0], "a number"),
        (EQUALS | NOT_EQUALS, [Nothing, _] | [_, Nothing]) => {
            return Some(Err("nothing here is ever null: an empty value is ''".to_owned()));
        }
        (EQUALS, [a, b]) => ("==", a == b && *a != Texts, Truth, "two values of one kind"),
        (NOT_EQUALS, [a, b]) => ("!=", a == b && *a != Texts, Truth, "two values of one kind"),
        (GREATER | GREATER_EQUALS | LESS | LESS_EQUALS, kinds) => (
            name.trim_matches('_'),
            numbers(kinds) || kinds == [Text, Text],
            Truth,
            "two texts or two numbers of one kind",
        ),
        (IN, kinds) => ("in", kinds == [Text, Texts], Truth, "a text and a list of texts"),
        _ => return None,
    };
    if fits {
        return Some(Ok(gives));
    }
    let given: Vec<String> = given.iter().map(Kind::to_string).collect();
    Some(Err(format!("{sign} takes {takes}, not {}", given.join(" and "))))
}
