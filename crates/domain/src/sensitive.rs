//! A wrapper that keeps personal values out of logs and error texts.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A personal value: a name, a number, an address.
///
/// It does not print: `Debug` shows `‹sensitive›`, and there is no `Display`. Reading the value is spelled
/// [`Sensitive::expose`], so that a reviewer can find every such place. On the wire it is the plain value.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Sensitive<T>(T);

impl<T> Sensitive<T> {
    /// Wraps a value.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Never pass the result to a log line, a metric label or an error text.
    pub const fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself, by move.
    pub fn into_exposed(self) -> T {
        self.0
    }
}

impl From<&str> for Sensitive<String> {
    fn from(value: &str) -> Self {
        Self(value.to_owned())
    }
}

impl<T> From<T> for Sensitive<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Sensitive<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹sensitive›")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_the_value() {
        let value: Sensitive<String> = Sensitive::from("11010519491231002X");
        assert_eq!(format!("{value:?}"), "‹sensitive›");
    }
}
