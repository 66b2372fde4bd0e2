//! What expressions can call: CEL's own conversions and comparisons, and a few functions on texts.
//!
//! Places in texts count characters. No function gives a text longer than [`VALUE_BYTES_MAX`].

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};

use cel::common::types::{CelBool, CelInt, CelString};
use cel::{Env, ExecutionError, add_member_overload};
use regex::Regex;
use rustc_hash::FxHashMap;

use crate::expression::VALUE_BYTES_MAX;

type Text = CelString<'static>;

/// The environment of all expressions. It has no macros, which are CEL's loops.
pub(super) fn environment() -> Arc<Env> {
    static SHARED: LazyLock<Arc<Env>> = LazyLock::new(|| {
        let mut env = Env::default().with_optional_support(false).with_stdlib();
        // Unwrap safety: each overload is declared once, here.
        declare(&mut env).expect("overloads that differ");
        Arc::new(env)
    });
    Arc::clone(&SHARED)
}

fn declare(env: &mut Env) -> Result<(), cel::DeclarationError> {
    add_member_overload!(env, fn trim: (CelString) -> CelString)?;
    add_member_overload!(env, fn lower: (CelString) -> CelString)?;
    add_member_overload!(env, fn upper: (CelString) -> CelString)?;
    add_member_overload!(env, fn digits: (CelString) -> CelString)?;
    add_member_overload!(env, fn replace: (CelString, CelString, CelString) -> Result<CelString>)?;
    add_member_overload!(env, fn before: (CelString, CelString) -> CelString)?;
    add_member_overload!(env, fn after: (CelString, CelString) -> CelString)?;
    add_member_overload!(env, fn part: (CelString, CelString, CelInt) -> Result<CelString>)?;
    add_member_overload!(env, fn substring: (CelString, CelInt) -> Result<CelString>)?;
    add_member_overload!(env, fn substring_to: (CelString, CelInt, CelInt) -> Result<CelString>, name = "substring")?;
    add_member_overload!(env, fn matches: (CelString, CelString) -> Result<CelBool>)
}

fn refused(function: &str) -> ExecutionError {
    ExecutionError::function_error(function, "")
}

fn trim(this: &CelString<'_>) -> Text {
    this.inner().trim().to_owned().into()
}

fn lower(this: &CelString<'_>) -> Text {
    this.inner().to_lowercase().into()
}

fn upper(this: &CelString<'_>) -> Text {
    this.inner().to_uppercase().into()
}

/// The ASCII digits of a text.
fn digits(this: &CelString<'_>) -> Text {
    this.inner().chars().filter(char::is_ascii_digit).collect::<String>().into()
}

fn replace(this: &CelString<'_>, from: &CelString<'_>, to: &CelString<'_>) -> Result<Text, ExecutionError> {
    let (text, from, to) = (this.inner(), from.inner(), to.inner());
    let bytes = text.len() + text.matches(from).count() * to.len();
    if bytes > 4 * VALUE_BYTES_MAX {
        return Err(refused("replace"));
    }
    Ok(text.replace(from, to).into())
}

/// What stands before the first `mark`; all of it when there is none.
fn before(this: &CelString<'_>, mark: &CelString<'_>) -> Text {
    let text = this.inner();
    text.split_once(mark.inner()).map_or(text, |(before, _)| before).to_owned().into()
}

/// What stands behind the first `mark`; nothing when there is none.
fn after(this: &CelString<'_>, mark: &CelString<'_>) -> Text {
    this.inner().split_once(mark.inner()).map_or("", |(_, after)| after).to_owned().into()
}

/// The nth part, from 1, of a text that `mark` cuts; nothing when there are fewer.
fn part(this: &CelString<'_>, mark: &CelString<'_>, nth: &CelInt) -> Result<Text, ExecutionError> {
    let place = usize::try_from(*nth.inner() - 1).map_err(|_| refused("part"))?;
    if mark.inner().is_empty() {
        return Err(refused("part"));
    }
    Ok(this.inner().split(mark.inner()).nth(place).unwrap_or("").to_owned().into())
}

fn substring(this: &CelString<'_>, from: &CelInt) -> Result<Text, ExecutionError> {
    let end = this.inner().chars().count() as i64;
    substring_to(this, from, &CelInt::from(end))
}

fn substring_to(this: &CelString<'_>, from: &CelInt, to: &CelInt) -> Result<Text, ExecutionError> {
    let place = |at: &CelInt| usize::try_from(*at.inner()).map_err(|_| refused("substring"));
    let (from, to) = (place(from)?, place(to)?);
    if from > to || to > this.inner().chars().count() {
        return Err(refused("substring"));
    }
    Ok(this.inner().chars().skip(from).take(to - from).collect::<String>().into())
}

/// Patterns are texts of profiles ([`super::check`] sees to it), so there are few of them.
fn matches(this: &CelString<'_>, pattern: &CelString<'_>) -> Result<CelBool, ExecutionError> {
    thread_local! {
        static PATTERNS: RefCell<FxHashMap<String, Regex>> = RefCell::default();
    }
    let (text, pattern) = (this.inner(), pattern.inner());
    PATTERNS.with_borrow_mut(|patterns| {
        if let Some(known) = patterns.get(pattern) {
            return Ok(CelBool::from(known.is_match(text)));
        }
        let regex = regex(pattern).map_err(|_| refused("matches"))?;
        let found = regex.is_match(text);
        patterns.insert(pattern.to_owned(), regex);
        Ok(CelBool::from(found))
    })
}

/// A pattern: regular, so it takes time linear in the text; and of bounded size.
pub(super) fn regex(pattern: &str) -> Result<Regex, regex::Error> {
    regex::RegexBuilder::new(pattern).size_limit(1 << 20).build()
}
