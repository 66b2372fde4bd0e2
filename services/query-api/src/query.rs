//! Query strings, read with suspicion: only known members, each at most once.

use crate::call::Failure;
use crate::problem::Problem;

/// What is wrong with a query string: a member of the route by its name, and what it must be. What was sent is not repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Malformed(String);

impl Malformed {
    /// A member that must be something else.
    pub(crate) fn member(name: &str, must: &str) -> Self {
        Self(format!("`{name}` must be {must}."))
    }
}

impl From<Malformed> for Problem {
    fn from(_: Malformed) -> Self {
        Self::QueryMalformed
    }
}

impl From<Malformed> for Failure {
    fn from(Malformed(detail): Malformed) -> Self {
        Self::saying(Problem::QueryMalformed, detail)
    }
}

/// Where a list goes on is no place in it.
pub(crate) fn after_malformed() -> Malformed {
    Malformed::member("after", "the `next` of the answer before")
}

/// The values of the named members, in their order.
///
/// # Errors
/// An unknown or doubled member, or text that is not UTF-8.
pub(crate) fn members<const N: usize>(query: &str, names: [&str; N]) -> Result<[Option<String>; N], Malformed> {
    let unknown = || match N {
        0 => Malformed("This route takes no members.".to_owned()),
        _ => Malformed(format!("A member is unknown; those of this route are `{}`.", names.join("`, `"))),
    };
    let mut values = [const { None }; N];
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or_else(unknown)?;
        let place = names.iter().position(|known| *known == name).ok_or_else(unknown)?;
        let value = decode(value).ok_or_else(|| Malformed::member(name, "percent-encoded UTF-8"))?;
        if values[place].replace(value).is_some() {
            return Err(Malformed::member(name, "there once"));
        }
    }
    Ok(values)
}

/// The value of one member, wherever it stands; a query that is wrong is told by [`members`].
pub(crate) fn find(query: &str, name: &str) -> Option<String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(known, _)| *known == name)
        .and_then(|(_, v)| decode(v))
}

/// Undoes percent-encoding. A plus sign stands for itself: the only values here with one are instants with an offset,
/// and a blank is in none of them.
fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first != b'%' {
            bytes.push(*first);
            rest = tail;
            continue;
        }
        let [high, low, after @ ..] = tail else { return None };
        let digit = |b: u8| char::from(b).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        bytes.push(digit(*high)? * 16 + digit(*low)?);
        rest = after;
    }
    String::from_utf8(bytes).ok()
}
