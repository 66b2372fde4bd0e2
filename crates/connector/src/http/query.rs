//! Query strings, strictly: an unknown or repeated member is an error, not ignored.

use crate::http::problem::FeedProblem;

/// The members of a query string.
pub struct Query<'a>(Vec<(&'a str, String)>);

/// Reads a query string of known members.
///
/// # Errors
/// When a member is unknown, comes twice or is malformed.
pub fn parse<'a>(query: Option<&str>, known: &[&'a str]) -> Result<Query<'a>, FeedProblem> {
    let mut members: Vec<(&str, String)> = Vec::new();
    for member in query.unwrap_or("").split('&').filter(|member| !member.is_empty()) {
        let (name, value) = member.split_once('=').unwrap_or((member, "true"));
        let name = known.iter().find(|known| **known == name).ok_or(FeedProblem::QueryMalformed)?;
        if members.iter().any(|(before, _)| before == name) {
            return Err(FeedProblem::QueryMalformed);
        }
        members.push((name, unescape(value).ok_or(FeedProblem::QueryMalformed)?));
    }
    Ok(Query(members))
}

impl Query<'_> {
    /// A member as it stands.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(member, _)| *member == name).map(|(_, value)| value.as_str())
    }

    /// Whether a member is set.
    ///
    /// # Errors
    /// When it is neither true nor false.
    pub fn flag(&self, name: &str) -> Result<bool, FeedProblem> {
        match self.text(name) {
            None | Some("false" | "0") => Ok(false),
            Some("true" | "1") => Ok(true),
            Some(_) => Err(FeedProblem::QueryMalformed),
        }
    }

    /// A member that is a number between two others.
    ///
    /// # Errors
    /// When it is none.
    pub fn number(&self, name: &str, default: i64, least: i64, most: i64) -> Result<i64, FeedProblem> {
        let Some(text) = self.text(name) else { return Ok(default) };
        let number: i64 = text.parse().map_err(|_| FeedProblem::QueryMalformed)?;
        if (least..=most).contains(&number) { Ok(number) } else { Err(FeedProblem::QueryMalformed) }
    }
}

/// Undoes percent-encoding; `None` when it is malformed.
fn unescape(value: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match first {
            b'%' => {
                let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                rest = &rest[2..];
            }
            b'+' => bytes.push(b' '),
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_known_and_come_once() {
        let query = parse(Some("after=5&outcome=quaran%74ined"), &["after", "outcome"]).expect("known members");
        assert_eq!(query.text("outcome"), Some("quarantined"));
        assert_eq!(query.number("after", 0, 0, 10).ok(), Some(5));
        assert_eq!(query.number("limit", 7, 0, 10).ok(), Some(7));
        for text in ["x=1", "after=1&after=2", "after=%zz", "after=%4"] {
            assert!(parse(Some(text), &["after"]).is_err(), "{text}");
        }
    }
}
