//! Codes of community units: divisions and, below them, grid units.
//!
//! A code of one of the lengths of `LEVELS` stands for everything whose code begins with it; any other stands for itself
//! only. This is the form of Chinese division codes (GB/T 2260, GB/T 10114); a grid unit has its division's code and a
//! suffix of its own.

/// Lengths of codes that stand for all that is below them: district, township, village or neighbourhood.
pub const LEVELS: [usize; 3] = [6, 9, 12];

/// The longest code, in bytes.
const CODE_BYTES_MAX: usize = 32;

/// Whether a text can be the code of a unit: 6 to 32 capital letters and digits, the first six of them digits.
pub fn is_unit(code: &str) -> bool {
    (LEVELS[0]..=CODE_BYTES_MAX).contains(&code.len())
        && code.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
        && code.bytes().take(LEVELS[0]).all(|b| b.is_ascii_digit())
}

/// Whether there can be units below this one.
pub fn has_units_below(code: &str) -> bool {
    LEVELS.contains(&code.len())
}

/// Whether a home lies in the unit.
pub fn is_home_in(unit: &str, home: &str) -> bool {
    home == unit || has_units_below(unit) && home.starts_with(unit)
}

/// The unit next below `unit` in which a home lies. `None` when the home lies elsewhere, or is not known any closer.
pub fn unit_below<'a>(unit: &str, home: &'a str) -> Option<&'a str> {
    if home == unit || !is_home_in(unit, home) {
        return None;
    }
    let next = LEVELS.into_iter().find(|length| *length > unit.len());
    match next {
        Some(length) => home.get(..length),
        None => Some(home),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_home_lies_in_one_unit_of_each_level() {
        let home = "320506001007G03";
        for (unit, below) in [
            ("320506", Some("320506001")),
            ("320506001", Some("320506001007")),
            ("320506001007", Some(home)),
            (home, None),
            ("320507", None),
            ("320506001007G0", None),
        ] {
            assert_eq!(unit_below(unit, home), below, "{unit}");
            assert_eq!(is_home_in(unit, home), below.is_some() || unit == home, "{unit}");
        }
        assert_eq!(unit_below("320506", "3205060"), None);
        assert!(is_home_in("320506", "3205060"));
    }

    #[test]
    fn a_unit_is_written_in_digits_and_capital_letters() {
        assert!(is_unit("320506") && is_unit("320506001007G03"));
        for code in ["", "32050", "320506001007g03", "32050%", "320506 1", "ABCDEF", "３２０５０６"] {
            assert!(!is_unit(code), "{code}");
        }
    }
}
