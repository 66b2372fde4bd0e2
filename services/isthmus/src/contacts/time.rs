//! Times as files write them: seconds, seconds or less since 1970, dates.

use anyhow::{Context, bail, ensure};
use domain::{Day, Timestamp};

use super::pattern::TimeFormat;

const DAY_MS: i64 = 86_400_000;

/// What the numbers of a file count, or that it writes dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Seconds,
    Millis,
    Micros,
    Nanos,
    /// Days since 1899-12-30, as spreadsheets count them by the clock on the wall.
    SheetDays,
    Date,
}

/// Days of spreadsheets from 1954 to 2119.
const SHEET_DAYS: std::ops::Range<f64> = 20_000.0..80_000.0;
/// 1970-01-01 as spreadsheets count.
const SHEET_EPOCH: f64 = 25_569.0;

impl Kind {
    pub(super) const fn told(self) -> &'static str {
        match self {
            Self::Seconds => "seconds",
            Self::Millis => "milliseconds",
            Self::Micros => "microseconds",
            Self::Nanos => "nanoseconds",
            Self::SheetDays => "days of a spreadsheet",
            Self::Date => "dates",
        }
    }

    /// Milliseconds of a number.
    fn millis(self, number: f64) -> i64 {
        let millis = match self {
            Self::Seconds | Self::Date => number * 1e3,
            Self::Millis => number,
            Self::Micros => number / 1e3,
            Self::Nanos => number / 1e6,
            Self::SheetDays => (number - SHEET_EPOCH) * DAY_MS as f64,
        };
        millis.round() as i64
    }
}

/// A time, before its zone is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    /// Milliseconds since 1970 by the clock on the wall.
    pub(super) ms: i64,
    /// Offset from UTC in minutes, where it is stated.
    pub(super) offset_min: Option<i32>,
    pub(super) has_clock: bool,
}

/// Reads the times of one file, and remembers how they were written.
#[derive(Debug)]
pub(super) struct Times {
    pub(super) format: Option<TimeFormat>,
    pub(super) zone_min: i32,
    pub(super) kind: Option<Kind>,
    /// How many state their offset from UTC, and how many do not.
    pub(super) zoned: usize,
    pub(super) zoneless: usize,
    /// How many are days without a time of day.
    pub(super) days: usize,
    /// How many numbers are days, too, such as 20220301.
    like_days: usize,
    /// How many numbers are days of a spreadsheet, too, and how many of these have a part of a day.
    like_sheet_days: usize,
    like_sheet_times: usize,
    numbers: usize,
}

impl Times {
    pub(super) fn new(format: Option<TimeFormat>, zone_min: i32) -> Self {
        Self {
            format,
            zone_min,
            kind: None,
            zoned: 0,
            zoneless: 0,
            days: 0,
            like_days: 0,
            like_sheet_days: 0,
            like_sheet_times: 0,
            numbers: 0,
        }
    }

    /// Milliseconds: since 1970, or since wherever the seconds of the file begin.
    pub(super) fn read(&mut self, text: &str) -> anyhow::Result<i64> {
        let (kind, civil) = self.parsed(text).with_context(|| format!("`{text}` is no time: {}", self.wanted()))?;
        let before = *self.kind.get_or_insert(kind);
        if before != kind {
            bail!(
                "`{text}` is in {}, and the times before it are {}: write all in one way",
                kind.told(),
                before.told()
            );
        }
        ensure!(civil.ms.abs() < 1 << 52, "`{text}` is no time: it is too far away");
        if kind != Kind::Date {
            self.numbers += 1;
            self.like_days += usize::from(may_be_day(text));
            let sheet_days = number(text).filter(|number| SHEET_DAYS.contains(number));
            self.like_sheet_days += usize::from(sheet_days.is_some());
            self.like_sheet_times += usize::from(sheet_days.is_some_and(|days| days.fract() != 0.0));
            let zone_ms = if kind == Kind::SheetDays { i64::from(self.zone_min) * 60_000 } else { 0 };
            return Ok(civil.ms - zone_ms);
        }
        self.days += usize::from(!civil.has_clock);
        let count = if civil.offset_min.is_some() { &mut self.zoned } else { &mut self.zoneless };
        *count += 1;
        Ok(civil.ms - i64::from(civil.offset_min.unwrap_or(self.zone_min)) * 60_000)
    }

    /// Kind and milliseconds of what is a time.
    pub(super) fn parsed(&self, text: &str) -> Option<(Kind, Civil)> {
        let of_number =
            |kind: Kind, number: f64| (kind, Civil { ms: kind.millis(number), offset_min: None, has_clock: true });
        match &self.format {
            Some(TimeFormat::Unit(kind)) => return Some(of_number(*kind, number(text)?)),
            Some(TimeFormat::Pattern(pattern)) => return Some((Kind::Date, pattern.read(text)?)),
            None => {}
        }
        if let Some(civil) = compact(text) {
            return Some((Kind::Date, civil));
        }
        if let Some(number) = number(text) {
            let kind = match number.abs() {
                // Seconds since 1970 have eleven digits from the year 5138 on.
                size if size < 1e11 => Kind::Seconds,
                size if size < 1e14 => Kind::Millis,
                size if size < 1e17 => Kind::Micros,
                size if size < 1e20 => Kind::Nanos,
                _ => return None,
            };
            return Some(of_number(kind, number));
        }
        Some((Kind::Date, civil(text)?))
    }

    fn wanted(&self) -> &'static str {
        match self.format {
            Some(_) => "it is not written as --time-format says",
            None => {
                "write seconds, or 2022-03-01T08:00:00Z; or say how it is written, as --time-format '%d/%m/%Y %H:%M:%S'"
            }
        }
    }

    /// Whether the times as a whole can be meant.
    pub(super) fn check(&self) -> anyhow::Result<()> {
        ensure!(
            self.like_days < self.numbers || self.like_days == 0 || self.format.is_some(),
            "its times are numbers such as 20220301 or 2022030108, which may be days, hours or seconds: say --time-format \
             %Y%m%d, --time-format %Y%m%d%H or --time-format s"
        );
        ensure!(
            self.like_sheet_days < self.numbers || self.like_sheet_times == 0 || self.format.is_some(),
            "its times are numbers such as 44621.3333, which may be days of a spreadsheet or seconds: say --time-format sheet or \
             --time-format s"
        );
        Ok(())
    }
}

/// A finite number.
pub(super) fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Seconds of a duration, written as a number or as hours, minutes and seconds.
pub(super) fn duration_ms(text: &str, unit_s: f64) -> Option<i64> {
    let seconds = match number(text) {
        Some(number) => number * unit_s,
        None => {
            let parts: Vec<f64> = text.split(':').map(number).collect::<Option<_>>()?;
            match parts.as_slice() {
                [hours, minutes, seconds] => hours * 3600.0 + minutes * 60.0 + seconds,
                _ => return None,
            }
        }
    };
    (0.0..1e11).contains(&seconds).then(|| (seconds * 1e3).round() as i64)
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_day(digits: &str) -> bool {
    all_digits(digits) && (digits.starts_with("19") || digits.starts_with("20")) && Day::parse(digits).is_ok()
}

/// Of 8 digits that are a day, or 10 that are an hour, which seconds since 1970 are from 2030 on only.
fn may_be_day(text: &str) -> bool {
    match text.len() {
        8 => is_day(text),
        10 => text.split_at_checked(8).is_some_and(|(day, hour)| is_day(day) && all_digits(hour) && hour < "24"),
        _ => false,
    }
}

/// `20220301080000`, without seconds, or with thousandths: of 14, 12 or 17 digits that are a date.
fn compact(text: &str) -> Option<Civil> {
    if !matches!(text.len(), 12 | 14 | 17) || !all_digits(text) || !is_day(&text[..8]) {
        return None;
    }
    let part = |range: std::ops::Range<usize>| text.get(range).and_then(|digits| digits.parse::<i64>().ok());
    let clock = clock_ms(part(8..10)?, part(10..12)?, part(12..14).unwrap_or(0), part(14..17).unwrap_or(0))?;
    Some(Civil { ms: day_ms(Day::parse(&text[..8]).ok()?) + clock, offset_min: None, has_clock: true })
}

pub(super) fn day_ms(day: Day) -> i64 {
    i64::from(day.as_epoch_days()) * DAY_MS
}

/// Milliseconds since midnight; the day may end with 24:00, and a minute with a leap second.
pub(super) fn clock_ms(hours: i64, minutes: i64, seconds: i64, millis: i64) -> Option<i64> {
    let ends_the_day = hours == 24 && minutes == 0 && seconds == 0 && millis == 0;
    let fits = (0..24).contains(&hours) && (0..60).contains(&minutes) && (0..=60).contains(&seconds);
    (fits || ends_the_day).then_some(((hours * 60 + minutes) * 60 + seconds) * 1_000 + millis)
}

/// A date, mostly with a time of day: `2022-03-01T08:00:00.5+08:00`, `2022/3/1 8:00`, `20220301 08:00`, `2022年3月1日8时5分`.
fn civil(text: &str) -> Option<Civil> {
    let plain = text.replace(['年', '月'], "-").replace(['日', '号'], " ").replace(['时', '点', '分', '：'], ":");
    let plain = plain.replace('秒', "");
    let (plain, is_afternoon) = without_half(&plain);
    let plain = plain.trim().trim_end_matches([':', '-']);
    if let Ok(instant) = Timestamp::parse(plain) {
        return Some(Civil { ms: instant.as_millis(), offset_min: Some(0), has_clock: true });
    }
    let (date, rest) = match plain.find(['T', 't', ' ']) {
        Some(at) => (&plain[..at], plain[at + 1..].trim()),
        None => (plain, ""),
    };
    let day = day_ms(Day::parse(date).ok()?);
    if rest.is_empty() {
        return Some(Civil { ms: day, offset_min: None, has_clock: false });
    }
    let (clock, offset_min) = split_offset(rest)?;
    let clock = clock_of(clock).or_else(|| is_afternoon.and_then(|_| clock_of(&format!("{clock}:00"))))?;
    const HALF_DAY_MS: i64 = DAY_MS / 2;
    let clock = match is_afternoon {
        Some(true) if clock < HALF_DAY_MS => clock + HALF_DAY_MS,
        // Twelve in the evening is midnight, and of which day is not said.
        Some(true) if text.contains("晚上") && clock < HALF_DAY_MS + DAY_MS / 24 => return None,
        Some(false) if (HALF_DAY_MS..HALF_DAY_MS + DAY_MS / 24).contains(&clock) => clock - HALF_DAY_MS,
        Some(false) if clock >= HALF_DAY_MS => return None,
        _ => clock,
    };
    Some(Civil { ms: day + clock, offset_min, has_clock: true })
}

/// The text without the word for the half of the day, and which half it says.
fn without_half(text: &str) -> (String, Option<bool>) {
    let halves = [("凌晨", false), ("早上", false), ("上午", false), ("下午", true), ("晚上", true)];
    let found = halves.into_iter().find(|(word, _)| text.contains(word));
    match found {
        Some((word, is_afternoon)) => (text.replacen(word, " ", 1), Some(is_afternoon)),
        None => (text.to_owned(), None),
    }
}

/// `8:00`, `08:00:00.25`, `080000`.
fn clock_of(text: &str) -> Option<i64> {
    let (whole, millis) = match text.split_once(['.', ',']) {
        Some((whole, digits)) if all_digits(digits) => (whole, (number(&format!("0.{digits}"))? * 1e3).round() as i64),
        Some(_) => return None,
        None => (text, 0),
    };
    let number = |text: &str| (all_digits(text) && text.len() <= 2).then(|| text.parse::<i64>().ok()).flatten();
    let parts: Vec<&str> = match whole.len() {
        4 | 6 if all_digits(whole) => whole.as_bytes().chunks(2).filter_map(|two| str::from_utf8(two).ok()).collect(),
        _ => whole.split(':').collect(),
    };
    match parts.as_slice() {
        [hours, minutes] => clock_ms(number(hours)?, number(minutes)?, 0, millis),
        [hours, minutes, seconds] => clock_ms(number(hours)?, number(minutes)?, number(seconds)?, millis),
        _ => None,
    }
}

/// A time of day and its offset from UTC in minutes.
fn split_offset(text: &str) -> Option<(&str, Option<i32>)> {
    for utc in ["Z", "z", "UTC", "GMT"] {
        if let Some(clock) = text.strip_suffix(utc) {
            return Some((clock.trim(), Some(0)));
        }
    }
    match text.rfind(['+', '-']) {
        Some(at) => Some((text[..at].trim(), Some(offset(&text[at..])?))),
        None => Some((text, None)),
    }
}

/// Minutes of an offset from UTC: `+08:00`, `+0800`, `+8`, `Z`.
pub(super) fn offset(text: &str) -> Option<i32> {
    let text = text.trim();
    let text = text.strip_prefix("UTC").or_else(|| text.strip_prefix("GMT")).unwrap_or(text);
    if matches!(text, "" | "Z" | "z") {
        return Some(0);
    }
    let (sign, digits) = match text.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = match digits.split_once(':') {
        Some(parts) => parts,
        None if digits.len() > 2 => digits.split_at_checked(digits.len() - 2)?,
        None => (digits, "0"),
    };
    let fits = all_digits(hours) && all_digits(minutes);
    let minutes = fits.then(|| Some(hours.parse::<i32>().ok()? * 60 + minutes.parse::<i32>().ok()?)).flatten()?;
    (minutes <= 840).then_some(sign * minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, zone_min: i32) -> Result<i64, String> {
        Times::new(None, zone_min).read(text).map_err(|error| error.to_string())
    }

    #[test]
    fn one_instant_is_read_in_every_way_that_it_is_written() {
        let instant = 1_646_121_600_000;
        for text in [
            "2022-03-01T08:00:00Z",
            "2022-03-01T16:00:00+08:00",
            "2022-03-01 16:00:00+0800",
            "2022-03-01 16:00 +8",
            "2022-03-01T08:00:00.000Z",
            "2022-03-01 08:00:00 UTC",
            "2022-03-01 08:00",
            "2022/3/1 8:00",
            "2022.03.01 8:00:00",
            "20220301T080000",
            "20220301 08:00",
            "20220301080000",
            "202203010800",
            "20220301080000000",
            "2022年3月1日 8时0分0秒",
            "2022年03月01日08:00",
            "1646121600",
            "1646121600.0",
            "1.6461216e9",
            "1646121600000",
            "1646121600000000",
            "1646121600000000000",
        ] {
            assert_eq!(read(text, 0), Ok(instant), "{text}");
        }
        for text in ["2022-03-01 16:00", "20220301160000", "202203011600", "2022/3/1 16:00:00"] {
            assert_eq!(read(text, 480), Ok(instant), "{text}");
        }
        assert_eq!(read("2022-03-01T08:00:00Z", 480), Ok(instant));
    }

    #[test]
    fn seconds_keep_their_fractions_and_may_lie_before_the_beginning() {
        assert_eq!(read("600.95", 0), Ok(600_950));
        assert_eq!(read("-20", 0), Ok(-20_000));
        assert_eq!(read("2022-03-01 00:00:00.25", 0).map(|ms| ms % 1_000), Ok(250));
        assert_eq!(read("2022-03-01 24:00", 0), read("2022-03-02 00:00", 0));
    }

    #[test]
    fn the_half_of_the_day_is_read_in_chinese() {
        let at = |clock: &str| read(&format!("2022-03-01 {clock}"), 0);
        for (text, clock) in [
            ("2022年3月1日上午8时", "08:00"),
            ("2022年3月1日 下午8时05分", "20:05"),
            ("2022年3月1日下午12时", "12:00"),
            ("2022年3月1日凌晨12时30分", "00:30"),
            ("2022/3/1 下午8:00:05", "20:00:05"),
        ] {
            assert_eq!(read(text, 0), at(clock), "{text}");
        }
        for odd in ["上午15时", "晚上12时"] {
            assert!(read(&format!("2022年3月1日{odd}"), 0).is_err(), "{odd}");
        }
    }

    #[test]
    fn days_of_a_spreadsheet_are_asked_about_and_read_when_said_so() {
        let mut times = Times::new(None, 0);
        for text in ["44621.3333", "44621.5"] {
            times.read(text).expect("a number");
        }
        assert!(times.check().expect_err("perhaps days").to_string().contains("--time-format sheet"));
        times.read("12.5").expect("seconds");
        assert!(times.check().is_ok(), "spreadsheets have no such day");
        let mut times = Times::new(Some(TimeFormat::parse("sheet").expect("a format")), 480);
        assert_eq!(times.read("44621.5").expect("a day"), read("2022-03-01 12:00 +8", 0).expect("an instant"));
        assert!(times.check().is_ok());
    }

    #[test]
    fn what_is_no_time_is_told_with_the_mend() {
        for text in ["noon", "", "2022-02-30 08:00", "01/03/2022 08:00", "2022-03-01 25:00", "8:00", "1e300", "NaN"] {
            let told = read(text, 0).expect_err(text);
            assert!(told.contains(&format!("`{text}` is no time: write seconds")), "{told}");
        }
    }

    #[test]
    fn times_of_two_ways_in_one_file_are_refused_and_numbers_that_may_be_days_too() {
        let mut times = Times::new(None, 0);
        times.read("2022-03-01 08:00").expect("a date");
        let told = times.read("300").expect_err("seconds").to_string();
        assert!(told.contains("`300` is in seconds, and the times before it are dates"), "{told}");
        let mut times = Times::new(None, 0);
        times.read("20220301").expect("a number");
        assert!(times.check().expect_err("days").to_string().contains("--time-format %Y%m%d"));
        times.read("20").expect("a number");
        assert!(times.check().is_ok());
    }
}
