//! Local time of the city. An instant is a count of seconds since 2022-03-01 00:00:00 at +08:00; earlier is negative.

/// 2022-03-01 in days since 1970-01-01.
const FIRST_DAY: i64 = 19_052;
/// Seconds of a day.
pub(crate) const DAY: i64 = 86_400;
/// Seconds of an hour.
pub(crate) const HOUR: i64 = 3_600;
/// Seconds of a minute.
pub(crate) const MINUTE: i64 = 60;

/// Year, month and day of a day since 1970-01-01 (Gregorian; era arithmetic of 400 years of 146,097 days).
pub(crate) fn civil(epoch_day: i64) -> (i64, i64, i64) {
    let shifted = epoch_day + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// The day since 1970-01-01 of an instant.
pub(crate) fn epoch_day(at: i64) -> i64 {
    at.div_euclid(DAY) + FIRST_DAY
}

/// Whether an instant falls on Monday to Friday.
pub(crate) fn is_workday(at: i64) -> bool {
    (epoch_day(at) + 3).rem_euclid(7) < 5
}

/// `2022-03-01 08:02:11`
pub(crate) fn dashed(at: i64) -> String {
    write(at, ["-", "-", " ", ":", ":"])
}

/// `2022-03-01T08:02:11`
pub(crate) fn iso(at: i64) -> String {
    write(at, ["-", "-", "T", ":", ":"])
}

/// `20220301080211`
pub(crate) fn compact(at: i64) -> String {
    write(at, ["", "", "", "", ""])
}

/// `2022-03-01`
pub(crate) fn date(at: i64) -> String {
    day_text(epoch_day(at), "-")
}

/// A day since 1970-01-01 with a separator between its parts.
pub(crate) fn day_text(epoch_day: i64, separator: &str) -> String {
    let (year, month, day) = civil(epoch_day);
    let mut text = String::with_capacity(10);
    digits(&mut text, year, 4);
    text.push_str(separator);
    digits(&mut text, month, 2);
    text.push_str(separator);
    digits(&mut text, day, 2);
    text
}

fn write(at: i64, separators: [&str; 5]) -> String {
    let (year, month, day) = civil(epoch_day(at));
    let second = at.rem_euclid(DAY);
    let mut text = String::with_capacity(19);
    let parts = [(year, 4), (month, 2), (day, 2), (second / HOUR, 2), (second / MINUTE % 60, 2), (second % 60, 2)];
    for (index, (value, width)) in parts.into_iter().enumerate() {
        if index > 0 {
            text.push_str(separators[index - 1]);
        }
        digits(&mut text, value, width);
    }
    text
}

/// Appends a number with leading zeros.
pub(crate) fn digits(text: &mut String, value: i64, width: u32) {
    for place in (0..width).rev() {
        text.push(char::from(b'0' + (value / 10_i64.pow(place) % 10) as u8));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_read_as_local_time() {
        assert_eq!(dashed(8 * HOUR + 131), "2022-03-01 08:02:11");
        assert_eq!(compact(-1), "20220228235959");
        assert_eq!(date(13 * DAY), "2022-03-14");
        assert!(is_workday(0), "2022-03-01 is a Tuesday");
        assert!(!is_workday(4 * DAY), "2022-03-05 is a Saturday");
        for day in [-100_000, -1, 0, 11_016, 19_052] {
            let expected = domain::Day::from_epoch_days(day).to_string();
            assert_eq!(day_text(i64::from(day), "-"), expected);
        }
    }
}
