//! FHIR dates and times: `YYYY`, `YYYY-MM`, `YYYY-MM-DD`, or an instant with its offset.

use connector::{Reason, RowContext, RowError};
use domain::{Day, Precision, Timestamp};
use jiff::tz::TimeZone;

/// 1900-01-01: a history that is exported whole goes far back, and an old entry of it is no wrong clock.
const EARLIEST: Timestamp = Timestamp::from_millis(-2_208_988_800_000);
const DAY_MS: i64 = 86_400_000;

/// A time as a resource states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stated {
    pub(crate) at: Timestamp,
    /// `Unknown` for a month or a year, of which the begin stands here.
    pub(crate) precision: Precision,
    pub(crate) offset_min: i32,
    /// A day is stated without a zone; that of the profile was applied.
    pub(crate) assumed: bool,
}

/// Reads a time.
///
/// # Errors
/// `value-time` for another form, `time-out-of-range` before 1900 and later than `days_ahead` after it was received.
pub(crate) fn read(
    field: &str,
    text: Option<&str>,
    zone: &TimeZone,
    context: &RowContext<'_>,
    days_ahead: i64,
) -> Result<Option<Stated>, RowError> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(None) };
    let stated = parse(text, zone).ok_or_else(|| {
        let message = format!("{field} is not a FHIR time such as 2022-03-01T08:00:00+08:00 or 2022-03-01");
        RowError::field(field, Reason::ValueTime, message)
    })?;
    if stated.at < EARLIEST || stated.at > context.ingest_time.plus_millis(days_ahead * DAY_MS) {
        let message = format!("{field} is before 1900 or later than it can be: a clock was wrong");
        return Err(RowError::field(field, Reason::TimeOutOfRange, message));
    }
    Ok(Some(stated))
}

fn parse(text: &str, zone: &TimeZone) -> Option<Stated> {
    if !text.contains('T') {
        let (day, precision) = match text.len() {
            4 => (Day::parse(&format!("{text}-01-01")).ok()?, Precision::Unknown),
            7 => (Day::parse(&format!("{text}-01")).ok()?, Precision::Unknown),
            _ => (Day::parse(text).ok()?, Precision::Day),
        };
        let (year, month, day) = day.ymd()?;
        let (at, offset_min) = Timestamp::from_civil(jiff::civil::date(year, month, day).at(0, 0, 0, 0), zone).ok()?;
        return Some(Stated { at, precision, offset_min, assumed: true });
    }
    let precision = if text.contains('.') { Precision::Milli } else { Precision::Second };
    if let Ok(at) = Timestamp::parse(text) {
        return Some(Stated { at, precision, offset_min: offset(text), assumed: false });
    }
    // Some senders leave the offset out, against the standard.
    let (at, offset_min) = Timestamp::from_civil(text.parse().ok()?, zone).ok()?;
    Some(Stated { at, precision, offset_min, assumed: true })
}

/// Minutes of the offset at the end of an instant.
fn offset(text: &str) -> i32 {
    let digits = |text: &str| text.parse::<i32>().unwrap_or_default();
    match text.get(text.len().saturating_sub(6)..) {
        Some(end) if end.starts_with('+') => digits(&end[1..3]) * 60 + digits(&end[4..]),
        Some(end) if end.starts_with('-') => -(digits(&end[1..3]) * 60 + digits(&end[4..])),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_may_be_partial_and_instants_keep_their_offset() {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        let read = |text| parse(text, &zone).map(|stated| (stated.at.to_string(), stated.precision, stated.offset_min));
        assert_eq!(read("2022-03-01"), Some(("2022-02-28T16:00:00Z".to_owned(), Precision::Day, 480)));
        assert_eq!(read("2022-03"), Some(("2022-02-28T16:00:00Z".to_owned(), Precision::Unknown, 480)));
        assert_eq!(read("2022"), Some(("2021-12-31T16:00:00Z".to_owned(), Precision::Unknown, 480)));
        assert_eq!(
            read("2022-03-01T02:25:16-04:30"),
            Some(("2022-03-01T06:55:16Z".to_owned(), Precision::Second, -270))
        );
        assert_eq!(read("2022-03-01T08:00:00.5Z").map(|r| (r.1, r.2)), Some((Precision::Milli, 0)));
        assert_eq!(read("2022-03-01T08:00:00"), Some(("2022-03-01T00:00:00Z".to_owned(), Precision::Second, 480)));
        for text in ["22", "2022-13", "gestern", "2022-03-01T25:00:00Z", "T"] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
