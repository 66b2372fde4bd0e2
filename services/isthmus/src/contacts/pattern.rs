//! The option `--time-format`: a unit of numbers, or a pattern of dates.

use domain::Day;

use super::time::{Civil, Kind, clock_ms, day_ms, number, offset};

/// How a file writes its times.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum TimeFormat {
    Unit(Kind),
    Pattern(Pattern),
}

/// Pieces of a date, such as `%d/%m/%Y %H:%M`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pattern(String);

const PIECES: &str = "YymdbHIMSfpz%";
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// What the pieces of a pattern have said so far.
#[derive(Default)]
struct Pieces {
    year: i64,
    month: i64,
    day: i64,
    hours: Option<i64>,
    minutes: i64,
    seconds: i64,
    millis: i64,
    is_afternoon: Option<bool>,
    offset_min: Option<i32>,
}

impl TimeFormat {
    /// From the command line.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        match text {
            "s" => return Ok(Self::Unit(Kind::Seconds)),
            "ms" => return Ok(Self::Unit(Kind::Millis)),
            "us" => return Ok(Self::Unit(Kind::Micros)),
            "ns" => return Ok(Self::Unit(Kind::Nanos)),
            "sheet" => return Ok(Self::Unit(Kind::SheetDays)),
            _ => {}
        }
        let pattern = text.replace("%F", "%Y-%m-%d").replace("%T", "%H:%M:%S").replace("%R", "%H:%M");
        let pieces: Vec<char> = pattern.split('%').skip(1).filter_map(|piece| piece.chars().next()).collect();
        let has = |piece: char| pieces.contains(&piece);
        let is_known = pieces.iter().all(|piece| PIECES.contains(*piece)) && !pattern.ends_with('%');
        if !(is_known && (has('Y') || has('y')) && (has('m') || has('b')) && has('d')) {
            return Err(
                "a time is s, ms, us or ns (numbers), sheet (days as spreadsheets count them), or a pattern with year, month and day of the pieces %Y %y \
                        %m %b %d %H %I %p %M %S %f %z, as '%d/%m/%Y %H:%M:%S'"
                    .to_owned(),
            );
        }
        Ok(Self::Pattern(Pattern(pattern)))
    }
}

impl Pattern {
    /// The date that a text is by this pattern.
    pub(super) fn read(&self, text: &str) -> Option<Civil> {
        let mut pieces = Pieces::default();
        let (mut rest, mut pattern) = (text.trim(), self.0.chars());
        while let Some(next) = pattern.next() {
            rest = match next {
                '%' => pieces.take(pattern.next()?, rest)?,
                blank if blank.is_whitespace() => rest.trim_start(),
                other => rest.strip_prefix(other)?,
            };
        }
        rest.is_empty().then(|| pieces.civil()).flatten()
    }
}

impl Pieces {
    /// Takes a piece from the begin of a text; gives what is left.
    fn take<'a>(&mut self, piece: char, text: &'a str) -> Option<&'a str> {
        let longest = match piece {
            'Y' => 4,
            'f' => 9,
            _ => 2,
        };
        let digits = text.bytes().take(longest).take_while(u8::is_ascii_digit).count();
        let value = text[..digits].parse::<i64>();
        let target = match piece {
            'Y' => &mut self.year,
            'm' => &mut self.month,
            'd' => &mut self.day,
            'M' => &mut self.minutes,
            'S' => &mut self.seconds,
            'H' | 'I' => self.hours.insert(0),
            'y' => {
                self.year = 2000 + value.ok()?;
                return Some(&text[digits..]);
            }
            'f' => {
                self.millis = (number(&format!("0.{}", &text[..digits]))? * 1e3).round() as i64;
                return Some(&text[digits..]);
            }
            'b' => {
                let name = text.get(..3)?.to_lowercase();
                self.month = 1 + MONTHS.iter().position(|month| *month == name)? as i64;
                return Some(&text[3..]);
            }
            'p' => {
                let marks = [("AM", false), ("PM", true), ("am", false), ("pm", true), ("上午", false), ("下午", true)];
                let (mark, is_afternoon) = marks.into_iter().find(|(mark, _)| text.starts_with(mark))?;
                self.is_afternoon = Some(is_afternoon);
                return Some(&text[mark.len()..]);
            }
            'z' => {
                let end = text.find(char::is_whitespace).unwrap_or(text.len());
                self.offset_min = Some(offset(Some(&text[..end]).filter(|zone| !zone.is_empty())?)?);
                return Some(&text[end..]);
            }
            '%' => return text.strip_prefix('%'),
            _ => return None,
        };
        *target = value.ok()?;
        Some(&text[digits..])
    }

    fn civil(&self) -> Option<Civil> {
        let day = Day::from_ymd(self.year.try_into().ok()?, self.month.try_into().ok()?, self.day.try_into().ok()?)?;
        let hours = self.hours.unwrap_or(0);
        let hours = match self.is_afternoon {
            None => hours,
            Some(is_afternoon) if (1..=12).contains(&hours) => hours % 12 + if is_afternoon { 12 } else { 0 },
            Some(_) => return None,
        };
        let clock = clock_ms(hours, self.minutes, self.seconds, self.millis)?;
        Some(Civil { ms: day_ms(day) + clock, offset_min: self.offset_min, has_clock: self.hours.is_some() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_reads_dates_that_nobody_could_guess() {
        let afternoon = Day::from_ymd(2022, 3, 1).map(|day| day_ms(day) + 58_500_000);
        for (pattern, text) in [
            ("%d/%m/%Y %H:%M", "01/03/2022 16:15"),
            ("%m/%d/%y %I:%M %p", "3/1/22 4:15 PM"),
            ("%Y%m%d%H%M%S", "20220301161500"),
            ("%d %b %Y, %T", "1 Mar 2022, 16:15:00"),
            ("%F %T.%f", "2022-03-01 16:15:00.000"),
            ("%Y/%m/%d %p%I:%M", "2022/03/01 下午4:15"),
        ] {
            let Ok(TimeFormat::Pattern(pattern)) = TimeFormat::parse(pattern) else { panic!("{pattern}") };
            assert_eq!(pattern.read(text).map(|civil| civil.ms), afternoon, "{text}");
        }
        let Ok(TimeFormat::Pattern(zoned)) = TimeFormat::parse("%F %H:%M %z") else { panic!("zoned") };
        assert_eq!(zoned.read("2022-03-01 16:15 +0800").and_then(|civil| civil.offset_min), Some(480));
        for wrong in ["2022-03-01 16:15", "2022-03-01 16:15 +0800 x", "2022-13-01 16:15 +0800", "x"] {
            assert_eq!(zoned.read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_pattern_without_a_day_or_with_unknown_pieces_is_refused() {
        for wrong in ["%H:%M", "%Y-%m", "%Q", "%Y-%m-%d %", "hours", ""] {
            assert!(TimeFormat::parse(wrong).is_err(), "{wrong}");
        }
        assert_eq!(TimeFormat::parse("ms"), Ok(TimeFormat::Unit(Kind::Millis)));
    }
}
