//! HL7 v2 times: `YYYY[MM[DD[HH[MM[SS[.S…]]]]]][+/-ZZZZ]` (HL7 v2.5.1, chapter 2A, data type DTM).

use connector::{Reason, RowError, TimeRules};
use domain::{Day, Precision, Timestamp};
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

/// A time as the message states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StatedTime {
    pub(crate) at: Timestamp,
    pub(crate) precision: Precision,
    pub(crate) offset_min: i32,
    /// The message gave no offset; the zone of the profile was applied.
    pub(crate) assumed: bool,
}

/// The bounds within which an event can have happened.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock<'z> {
    pub(crate) zone: &'z TimeZone,
    /// No message is older (`time.earliest` of the profile).
    pub(crate) earliest: Timestamp,
    pub(crate) received: Timestamp,
}

impl<'z> Clock<'z> {
    pub(crate) fn new(rules: &'z TimeRules, received: Timestamp) -> Self {
        Self { zone: &rules.zone, earliest: rules.earliest(), received }
    }

    /// Reads a time of bookkeeping (when somebody typed it in), which is no fact by itself: where it cannot be, the
    /// message does without it.
    ///
    /// # Errors
    /// `value-time` when the text has another form.
    pub(crate) fn read_bookkeeping(&self, field: &str, text: &str) -> Result<Option<StatedTime>, RowError> {
        match self.read(field, text) {
            Err(error) if error.reason == Reason::TimeOutOfRange => Ok(None),
            read => read,
        }
    }

    /// Reads a time of an event; `None` when the field is empty.
    ///
    /// # Errors
    /// `value-time` when the text has another form, `time-out-of-range` when it is before the profile's earliest day or more
    /// than a day after the message was received.
    pub(crate) fn read(&self, field: &str, text: &str) -> Result<Option<StatedTime>, RowError> {
        if text.is_empty() {
            return Ok(None);
        }
        let stated = parse(text, self.zone).ok_or_else(|| {
            let message = match has_form(text) {
                true => format!("{field} has the form of a time, but there is no such day or no such hour"),
                false => format!("{field} is not an HL7 time such as 20220301080000+0800"),
            };
            RowError::field(field, Reason::ValueTime, message)
        })?;
        if stated.at < self.earliest || stated.at > self.received.plus_millis(86_400_000) {
            let message =
                format!("{field} lies before any message, or later than the day after it arrived: a clock was wrong");
            return Err(RowError::field(field, Reason::TimeOutOfRange, message));
        }
        Ok(Some(stated))
    }
}

/// The day of birth in a time field: its first eight digits, never moved through an instant.
///
/// # Errors
/// `value-day` when they are not a day.
pub(crate) fn birth_day(field: &str, text: &str) -> Result<Option<Day>, RowError> {
    if text.is_empty() {
        return Ok(None);
    }
    let digits = text.get(..8).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let refused = |message: String| RowError::field(field, Reason::ValueDay, message);
    let digits = digits.ok_or_else(|| refused(format!("{field} does not begin with a day as YYYYMMDD")))?;
    let day = Day::parse(digits);
    day.map(Some).map_err(|_| refused(format!("{field} begins as YYYYMMDD, but the calendar has no such day")))
}

fn parse(text: &str, zone: &TimeZone) -> Option<StatedTime> {
    let (stamp, offset) = match text.find(['+', '-']) {
        Some(at) => (&text[..at], Some(offset_minutes(&text[at..])?)),
        None => (text, None),
    };
    let (digits, fraction) = stamp.split_once('.').unwrap_or((stamp, ""));
    if !digits.bytes().all(|b| b.is_ascii_digit()) || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |from: usize, to: usize| digits.get(from..to).map(str::parse::<i16>);
    let part = |from: usize, to: usize| number(from, to)?.ok().and_then(|n| i8::try_from(n).ok());
    let precision = match digits.len() {
        8 => Precision::Day,
        10 | 12 => Precision::Minute,
        14 if fraction.is_empty() => Precision::Second,
        14 => Precision::Milli,
        _ => return None,
    };
    let date = Date::new(number(0, 4)?.ok()?, part(4, 6)?, part(6, 8)?).ok()?;
    let millis: i32 = format!("{fraction:0<3}").get(..3)?.parse().ok()?;
    let or_zero = |from: usize, to: usize| if digits.len() >= to { part(from, to) } else { Some(0) };
    let time = Time::new(or_zero(8, 10)?, or_zero(10, 12)?, or_zero(12, 14)?, millis * 1_000_000).ok()?;
    let civil = date.to_datetime(time);
    let (at, offset_min) = match offset {
        Some(minutes) => (Timestamp::from_civil_at_offset(civil, minutes).ok()?, minutes),
        None => Timestamp::from_civil(civil, zone).ok()?,
    };
    Some(StatedTime { at, precision, offset_min, assumed: offset.is_none() })
}

/// Whether a text that is no time at least looks like one.
fn has_form(text: &str) -> bool {
    let stamp = text.split(['+', '-', '.']).next().unwrap_or_default();
    matches!(stamp.len(), 8 | 10 | 12 | 14) && stamp.bytes().all(|byte| byte.is_ascii_digit())
}

fn offset_minutes(text: &str) -> Option<i32> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits = text.get(1..)?;
    if digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i32, i32) = (digits[..2].parse().ok()?, digits[2..].parse().ok()?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shanghai() -> TimeZone {
        TimeZone::fixed(jiff::tz::offset(8))
    }

    #[test]
    fn a_time_without_offset_is_in_the_zone_of_the_profile_and_says_so() {
        let stated = parse("20210317115320", &shanghai()).expect("a time");
        assert_eq!(stated.at.to_string(), "2021-03-17T03:53:20Z");
        assert!(stated.assumed);
        let with_offset = parse("20210317115320.5+0000", &shanghai()).expect("a time");
        assert_eq!(with_offset.at.to_string(), "2021-03-17T11:53:20.5Z");
        assert_eq!((with_offset.precision, with_offset.assumed), (Precision::Milli, false));
    }

    #[test]
    fn shorter_times_have_their_precision() {
        for (text, precision) in [
            ("20210317", Precision::Day),
            ("202103171153", Precision::Minute),
            ("202103171153-0400", Precision::Minute),
        ] {
            assert_eq!(parse(text, &shanghai()).map(|t| t.precision), Some(precision), "{text}");
        }
        for text in
            ["2021", "20211317", "20210317256000", "20210317115320+8", "heute", "2021031711532", "２０２１０３１７"]
        {
            assert_eq!(parse(text, &shanghai()), None, "{text}");
        }
    }

    #[test]
    fn a_day_that_the_calendar_lacks_is_told_from_a_text_that_is_none() {
        let rules = TimeRules { zone: shanghai(), ..TimeRules::default() };
        let clock = Clock::new(&rules, Timestamp::parse("2022-03-01T00:00:00Z").expect("valid"));
        let time = |text| clock.read("MSH-7", text).expect_err(text).message;
        let birth = |text| birth_day("PID-7", text).expect_err(text).message;
        for text in ["20220229", "20220230101500"] {
            assert!(time(text).contains("no such day") && birth(text).contains("no such day"), "{text}");
            assert!(!birth(text).contains("2022"), "it repeats a personal value");
        }
        for text in ["2022-02-28", "today"] {
            assert!(time(text).contains("is not an HL7 time") && birth(text).contains("does not begin"), "{text}");
        }
    }

    #[test]
    fn a_clock_of_1900_or_2200_is_out_of_range() {
        let rules = TimeRules { zone: shanghai(), ..TimeRules::default() };
        let clock = Clock::new(&rules, Timestamp::parse("2022-03-01T00:00:00Z").expect("valid"));
        for text in ["19000101000000", "22000101000000", "20290801070624+0115"] {
            assert_eq!(clock.read("MSH-7", text).expect_err("refused").reason, Reason::TimeOutOfRange, "{text}");
        }
        assert!(clock.read("MSH-7", "20220301100000").expect("in range").is_some());
        assert_eq!(clock.read_bookkeeping("EVN-2", "20290801070624+0115"), Ok(None));
    }
}
