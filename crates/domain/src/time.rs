//! Instants and days. The clock itself is always an argument.

use std::fmt;

use jiff::civil::Date;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};

/// An instant in UTC, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This instant moved by a number of milliseconds.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// The day that this instant falls on at a fixed offset from UTC, in minutes.
    pub const fn day_at_offset(self, offset_min: i32) -> Day {
        Day(self.0.saturating_add(offset_min as i64 * 60_000).div_euclid(86_400_000) as i32)
    }

    /// Parses RFC 3339 text.
    ///
    /// # Errors
    /// When the text is not an instant.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let instant: jiff::Timestamp = text.parse().map_err(|_| TimeError::NotAnInstant)?;
        Ok(Self(instant.as_millisecond()))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(instant) => write!(f, "{instant}"),
            Err(_) => write!(f, "{}ms", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A calendar day, counted in days since 1970-01-01 (Avro's `date`). It has no time zone: a birth date is never
/// converted through an instant.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(i32);

impl Day {
    /// From days since 1970-01-01.
    pub const fn from_epoch_days(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    pub const fn as_epoch_days(self) -> i32 {
        self.0
    }

    /// From year, month (1 to 12) and day of the month; `None` when there is no such day.
    pub fn from_ymd(year: i16, month: i8, day: i8) -> Option<Self> {
        let date = Date::new(year, month, day).ok()?;
        let epoch = Date::constant(1970, 1, 1);
        epoch.until((jiff::Unit::Day, date)).ok().map(|span| Self(span.get_days()))
    }

    /// Year, month and day of the month. `None` outside the years -9999 to 9999.
    pub fn ymd(self) -> Option<(i16, i8, i8)> {
        let date = Date::constant(1970, 1, 1).checked_add(jiff::Span::new().try_days(self.0).ok()?).ok()?;
        Some((date.year(), date.month(), date.day()))
    }

    /// Parses `YYYY-MM-DD`, `YYYY/MM/DD`, `YYYY.MM.DD` and `YYYYMMDD`.
    ///
    /// # Errors
    /// When the text is not such a day.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let text = text.trim();
        let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
        let (year, month, day) = match parts.as_slice() {
            [whole] if whole.len() == 8 && whole.bytes().all(|b| b.is_ascii_digit()) => {
                (&whole[..4], &whole[4..6], &whole[6..])
            }
            [year, month, day] if year.len() == 4 => (*year, *month, *day),
            _ => return Err(TimeError::NotADay),
        };
        let number = |part: &str| part.parse::<i16>().map_err(|_| TimeError::NotADay);
        let small = |part: &str| part.parse::<i8>().map_err(|_| TimeError::NotADay);
        Self::from_ymd(number(year)?, small(month)?, small(day)?).ok_or(TimeError::NotADay)
    }

    /// The instant of midnight at which this day begins in the zone.
    ///
    /// # Errors
    /// When the zone or the day is outside what the calendar knows.
    pub fn start_in(self, zone: &TimeZone) -> Result<Timestamp, TimeError> {
        let (year, month, day) = self.ymd().ok_or(TimeError::NotADay)?;
        let midnight = Date::new(year, month, day).map_err(|_| TimeError::NotADay)?;
        let zoned = midnight.to_zoned(zone.clone()).map_err(|_| TimeError::NotADay)?;
        Ok(Timestamp(zoned.timestamp().as_millisecond()))
    }

    /// The instant of midnight UTC at which this day begins.
    pub const fn start_utc(self) -> Timestamp {
        Timestamp(self.0 as i64 * 86_400_000)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.ymd() {
            Some((year, month, day)) => write!(f, "{year:04}-{month:02}-{day:02}"),
            None => write!(f, "day {}", self.0),
        }
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How exact a source's time is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Precision {
    /// Not stated.
    #[default]
    Unknown,
    /// To the millisecond.
    Milli,
    /// To the second.
    Second,
    /// To the minute.
    Minute,
    /// To the day.
    Day,
}

/// Why a text is not a time. It never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not a calendar day.
    #[error("not a day; write it as YYYY-MM-DD")]
    NotADay,
    /// Not an instant.
    #[error("not an instant; write it as YYYY-MM-DDThh:mm:ssZ")]
    NotAnInstant,
}

/// A civil date and time of the source placed on the time line with the offset that held there.
impl Timestamp {
    /// The instant of a civil time in a zone, and the zone's offset from UTC at that instant in minutes.
    ///
    /// # Errors
    /// When the civil time is outside what the calendar knows.
    pub fn from_civil(civil: jiff::civil::DateTime, zone: &TimeZone) -> Result<(Self, i32), TimeError> {
        let zoned = civil.to_zoned(zone.clone()).map_err(|_| TimeError::NotAnInstant)?;
        Ok((Self(zoned.timestamp().as_millisecond()), zoned.offset().seconds() / 60))
    }

    /// The instant of a civil time at a fixed offset from UTC in minutes.
    ///
    /// # Errors
    /// When the offset is not one that exists or the civil time is outside the calendar.
    pub fn from_civil_at_offset(civil: jiff::civil::DateTime, offset_min: i32) -> Result<Self, TimeError> {
        let offset = Offset::from_seconds(offset_min * 60).map_err(|_| TimeError::NotAnInstant)?;
        let instant = offset.to_timestamp(civil).map_err(|_| TimeError::NotAnInstant)?;
        Ok(Self(instant.as_millisecond()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_parse_in_the_forms_that_feeds_use() {
        for text in ["1987-02-28", "1987/2/28", "19870228", "1987.02.28"] {
            assert_eq!(Day::parse(text).map(|d| d.to_string()), Ok("1987-02-28".to_owned()), "{text}");
        }
        for text in ["1987-02-30", "87-02-28", "19870230", "28/02/1987", ""] {
            assert_eq!(Day::parse(text), Err(TimeError::NotADay), "{text}");
        }
    }

    #[test]
    fn an_instant_falls_on_the_day_of_its_offset() {
        let late = Timestamp::parse("2022-03-01T17:30:00Z").expect("valid");
        assert_eq!(late.day_at_offset(0).to_string(), "2022-03-01");
        assert_eq!(late.day_at_offset(480).to_string(), "2022-03-02");
    }
}
