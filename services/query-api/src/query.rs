//! Query strings, read with suspicion: only known members, each at most once.

use crate::problem::Problem;

/// The values of the named members, in their order.
///
/// # Errors
/// [`Problem::QueryMalformed`] for an unknown or doubled member, or text that is not UTF-8.
pub(crate) fn members<const N: usize>(query: &str, names: [&str; N]) -> Result<[Option<String>; N], Problem> {
    let mut values = [const { None }; N];
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(Problem::QueryMalformed)?;
        let place = names.iter().position(|known| *known == name).ok_or(Problem::QueryMalformed)?;
        let value = decode(value).ok_or(Problem::QueryMalformed)?;
        if values[place].replace(value).is_some() {
            return Err(Problem::QueryMalformed);
        }
    }
    Ok(values)
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
