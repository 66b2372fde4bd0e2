//! The values of one row by canonical name, and their typed readings.
//!
//! Texts of errors name the column in the sender's word and never repeat a value.

use std::borrow::Cow;

use domain::{Day, Decimal, IdClaim, IdError, IdScheme, Precision, Timestamp};
use jiff::civil::DateTime;
use jiff::fmt::strtime::BrokenDownTime;
use serde::Deserialize;
use serde::de::value::{Error as ValueError, StrDeserializer};

use crate::columns::{Field, Layout, Slot};
use crate::expression::Texts;
use crate::feed::{RowContext, RowError};
use crate::profile::{FormatKind, Profile};
use crate::reason::Reason;
use crate::workbook::CELL_TIMES;

const DAY_MS: i64 = 86_400_000;

/// Which instants a field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bounds {
    /// It happened: from the profile's earliest day (1990) to one day after the batch came in.
    Happened,
    /// It may be planned, such as a departure: to 400 days after the batch came in.
    Planned,
    /// It bounds a validity, and may lie anywhere from 1900 to 9999.
    Validity,
}

/// A time as the source stated it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The instant.
    pub at: Timestamp,
    /// How exact it is.
    pub precision: Precision,
    /// Offset from UTC in minutes.
    pub offset_min: i32,
    /// The source gave no offset.
    pub assumed: bool,
}

/// The values of one row.
pub struct Fields<'a> {
    profile: &'a Profile,
    layout: &'a Layout,
    ingest_time: Timestamp,
    buffer: String,
    /// What was done to values, as flags.
    noted: Vec<&'static str>,
    spans: Vec<(u32, u32)>,
}

impl<'a> Fields<'a> {
    /// No value yet.
    pub(crate) fn new(profile: &'a Profile, layout: &'a Layout, context: &RowContext<'_>) -> Self {
        let mut fields = Self {
            profile,
            layout,
            ingest_time: context.ingest_time,
            buffer: String::with_capacity(256),
            noted: Vec::new(),
            spans: vec![(0, 0); Field::COUNT + profile.computed.extras()],
        };
        for (field, text) in &profile.constants {
            fields.set(*field, text);
        }
        fields
    }

    /// Sets a value; blanks around it go.
    pub(crate) fn set(&mut self, field: Field, text: &str) {
        self.put(Slot::Field(field), text);
    }

    /// Sets what a column holds; blanks around it go, invisible characters, and the guards of spreadsheets.
    pub(crate) fn put(&mut self, slot: Slot, text: &str) {
        let visible: Cow<'_, str> = if text.is_ascii() || !text.contains(is_invisible) {
            Cow::Borrowed(text)
        } else {
            // A mark of byte order at an edge comes from putting files together, and is nothing that was typed.
            if text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}').contains(is_invisible) {
                self.note("invisible-removed");
            }
            Cow::Owned(text.chars().filter(|c| !is_invisible(*c)).collect())
        };
        let mut text = visible.trim();
        let tabular = matches!(self.profile.format.kind, FormatKind::Delimited | FormatKind::Workbook);
        if let Some(inner) = unguarded(text).filter(|_| tabular) {
            self.note("guard-removed");
            text = inner;
        }
        if text.is_empty() {
            return;
        }
        let begin = self.buffer.len() as u32;
        self.buffer.push_str(text);
        self.spans[place(slot)] = (begin, self.buffer.len() as u32);
    }

    /// Flags the row.
    pub(crate) fn note(&mut self, flag: &'static str) {
        if !self.noted.contains(&flag) {
            self.noted.push(flag);
        }
    }

    /// What was done to values, as flags.
    pub(crate) fn noted(&self) -> &[&'static str] {
        &self.noted
    }

    /// Makes a field empty.
    pub(crate) fn clear(&mut self, field: Field) {
        self.spans[field as usize] = (0, 0);
    }

    /// The profile.
    pub fn profile(&self) -> &'a Profile {
        self.profile
    }

    /// The text of a field; `None` when it is empty.
    pub fn text(&self, field: Field) -> Option<&str> {
        let (begin, end) = self.spans[field as usize];
        (begin < end).then(|| &self.buffer[begin as usize..end as usize])
    }

    /// The field as the sender calls it.
    pub(crate) fn label(&self, field: Field) -> &str {
        self.layout.label(field)
    }

    /// An error about a field, in the sender's word for it.
    pub fn error(&self, field: Field, reason: Reason, message: impl Into<String>) -> RowError {
        RowError::field(self.layout.label(field), reason, message)
    }

    /// The text of a field that must be there.
    ///
    /// # Errors
    /// When it is empty.
    pub fn required(&self, field: Field) -> Result<&str, RowError> {
        self.text(field).ok_or_else(|| self.missing(field))
    }

    /// The error for an empty field.
    pub fn missing(&self, field: Field) -> RowError {
        self.error(field, Reason::RequiredMissing, format!("{} is empty", self.layout.label(field)))
    }

    /// The text of a field of at most `chars_max` characters, without control characters.
    ///
    /// # Errors
    /// When it is longer or has control characters.
    pub fn bounded(&self, field: Field, chars_max: usize) -> Result<Option<String>, RowError> {
        let Some(text) = self.text(field) else { return Ok(None) };
        if text.chars().count() > chars_max {
            let message = format!("{} has more than {chars_max} characters", self.layout.label(field));
            return Err(self.error(field, Reason::ValueTooLong, message));
        }
        if text.chars().any(char::is_control) {
            let message = format!("{} contains a control character", self.layout.label(field));
            return Err(self.error(field, Reason::ControlCharacter, message));
        }
        Ok(Some(text.to_owned()))
    }

    /// The code that the profile gives to the word of a field; the word itself when the profile has no list.
    ///
    /// # Errors
    /// When the word is not in the list.
    pub fn word(&self, field: Field) -> Result<Option<&str>, RowError> {
        let Some(text) = self.text(field) else { return Ok(None) };
        let Some(words) = self.profile.values.get(&field) else { return Ok(Some(text)) };
        match words.get(text).or_else(|| words.get("*")) {
            Some(code) => Ok(Some(code.as_str())),
            None => {
                let known: Vec<&str> = words.keys().map(String::as_str).filter(|word| !word.is_empty()).collect();
                let message = format!("{} is none of {}", self.layout.label(field), known.join(", "));
                Err(self.error(field, Reason::ValueUnknown, message))
            }
        }
    }

    /// The word of a field as a closed set of codes.
    ///
    /// # Errors
    /// When the word is unknown, or the profile gives it a code that does not exist.
    pub fn code<T: for<'de> Deserialize<'de>>(&self, field: Field) -> Result<Option<T>, RowError> {
        let Some(code) = self.word(field)? else { return Ok(None) };
        match T::deserialize(StrDeserializer::<ValueError>::new(code)) {
            Ok(value) => Ok(Some(value)),
            Err(_) => {
                let message = format!("{} is not a value that the profile knows", self.layout.label(field));
                Err(self.error(field, Reason::ValueUnknown, message))
            }
        }
    }

    /// A number.
    ///
    /// # Errors
    /// When the text is not a finite number within the bounds.
    pub fn number(&self, field: Field, least: f64, most: f64) -> Result<Option<f64>, RowError> {
        let Some(text) = self.text(field) else { return Ok(None) };
        match text.parse::<f64>() {
            Ok(number) if number >= least && number <= most => Ok(Some(number)),
            _ => {
                let message = format!("{} is not a number from {least} to {most}", self.layout.label(field));
                Err(self.error(field, Reason::ValueNumber, message))
            }
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// When the text is not one.
    pub fn integer(&self, field: Field) -> Result<Option<i64>, RowError> {
        let Some(text) = self.text(field) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| {
            let message = format!("{} is not a whole number", self.layout.label(field));
            self.error(field, Reason::ValueNumber, message)
        })
    }

    /// An exact decimal; currency signs and thousands separators go.
    ///
    /// # Errors
    /// When the text is not one with at most `SCALE` digits after the point.
    pub fn decimal<const SCALE: u32>(&self, field: Field) -> Result<Option<Decimal<SCALE>>, RowError> {
        let Some(text) = self.text(field) else { return Ok(None) };
        let plain: String =
            text.chars().filter(|c| !matches!(c, '¥' | '￥' | '元' | ',' | '，') && !c.is_whitespace()).collect();
        Decimal::parse(&plain).map(Some).ok_or_else(|| {
            let label = self.layout.label(field);
            let message = format!("{label} is not a number with at most {SCALE} digits after the point");
            self.error(field, Reason::ValueNumber, message)
        })
    }

    /// A calendar day.
    ///
    /// # Errors
    /// When the text is not one.
    pub fn day(&self, field: Field) -> Result<Option<Day>, RowError> {
        let Some(text) = self.text(field) else { return Ok(None) };
        // A day may be followed by a time of day that means nothing ("1987-02-28 00:00:00").
        let text = text.split([' ', 'T']).next().unwrap_or(text);
        let wrong = |error: domain::TimeError| {
            let message = match text {
                text if is_written_as_day(text) => self.no_such_day(field),
                text if is_serial(text) => self.counted(field),
                _ => error.to_string(),
            };
            self.error(field, Reason::ValueDay, message)
        };
        Day::parse(text).map(Some).map_err(wrong)
    }

    /// A time, within bounds.
    ///
    /// # Errors
    /// When the text has none of the profile's forms, or the time is out of bounds.
    pub fn moment(&self, field: Field, bounds: Bounds) -> Result<Option<Moment>, RowError> {
        let Some(text) = self.text(field) else { return Ok(None) };
        let rules = &self.profile.time;
        // Workbooks hold times as numbers; they come as text of one form.
        let of_cells = (self.profile.format.kind == FormatKind::Workbook).then_some(CELL_TIMES).into_iter().flatten();
        let forms = rules.formats.iter().map(String::as_str).chain(of_cells);
        let moment = forms.into_iter().find_map(|form| self.read_moment(text, form));
        let Some(moment) = moment else {
            // The parts have the form, and the calendar has no such day.
            if rules.formats.iter().any(|form| BrokenDownTime::parse(form, text).is_ok()) {
                return Err(self.error(field, Reason::ValueTime, self.no_such_day(field)));
            }
            if is_serial(text) {
                return Err(self.error(field, Reason::ValueTime, self.counted(field)));
            }
            let forms: Vec<String> = rules.formats.iter().map(|form| shown_form(form)).collect();
            let message = format!("{} is not a time of the form {}", self.layout.label(field), forms.join(", "));
            return Err(self.error(field, Reason::ValueTime, message));
        };
        self.check_bounds(field, moment.at, bounds)?;
        Ok(Some(moment))
    }

    fn counted(&self, field: Field) -> String {
        let label = self.layout.label(field);
        format!(
            "{label} holds the number by which spreadsheets count days; format the column as date and save it again"
        )
    }

    fn no_such_day(&self, field: Field) -> String {
        format!("{} names a day that its month does not have", self.layout.label(field))
    }

    /// A time that must be there, within bounds.
    ///
    /// # Errors
    /// As [`Fields::moment`], and when it is empty.
    pub fn required_moment(&self, field: Field, bounds: Bounds) -> Result<Moment, RowError> {
        self.moment(field, bounds)?.ok_or_else(|| self.missing(field))
    }

    /// Checks an instant that was put together from several fields.
    ///
    /// # Errors
    /// When it is out of bounds.
    pub fn check_bounds(&self, field: Field, at: Timestamp, bounds: Bounds) -> Result<(), RowError> {
        let earliest = self.profile.time.earliest();
        let (least, most) = match bounds {
            Bounds::Happened => (earliest, self.ingest_time.plus_millis(DAY_MS)),
            Bounds::Planned => (earliest, self.ingest_time.plus_millis(400 * DAY_MS)),
            Bounds::Validity => {
                (Timestamp::from_millis(-2_208_988_800_000), Timestamp::from_millis(253_402_300_799_999))
            }
        };
        if (least..=most).contains(&at) {
            return Ok(());
        }
        let label = self.layout.label(field);
        let message = if at < least {
            format!("{label} is before {least}, the earliest that can be (a clock was wrong?)")
        } else {
            format!("{label} is after {most}, the latest that can be (a clock was wrong?)")
        };
        Err(self.error(field, Reason::TimeOutOfRange, message))
    }

    /// A civil time of the profile's zone as a moment.
    pub fn at_civil(&self, civil: DateTime, precision: Precision) -> Option<Moment> {
        let (at, offset_min) = Timestamp::from_civil(civil, &self.profile.time.zone).ok()?;
        Some(Moment { at, precision, offset_min, assumed: true })
    }

    fn read_moment(&self, text: &str, form: &str) -> Option<Moment> {
        if let Some(civil) = fast_civil(text, form) {
            return self.at_civil(civil?, Precision::Second);
        }
        let parsed = BrokenDownTime::parse(form, text).ok()?;
        let precision = precision_of(form);
        let civil = match parsed.to_datetime() {
            Ok(civil) => civil,
            Err(_) => parsed.to_date().ok()?.at(0, 0, 0, 0),
        };
        match parsed.offset() {
            Some(offset) => {
                let offset_min = offset.seconds() / 60;
                let at = Timestamp::from_civil_at_offset(civil, offset_min).ok()?;
                Some(Moment { at, precision, offset_min, assumed: false })
            }
            None => self.at_civil(civil, precision),
        }
    }

    /// A claim.
    ///
    /// # Errors
    /// When the text cannot be a value of the scheme.
    pub fn claim(&self, field: Field, scheme: IdScheme, issuer: Option<&str>) -> Result<Option<IdClaim>, RowError> {
        let Some(text) = self.text(field) else { return Ok(None) };
        if scheme == IdScheme::Msisdn && is_machine_number(text) {
            let message = format!("{} is the number of a machine", self.layout.label(field));
            return Err(self.error(field, Reason::MachineNumber, message));
        }
        IdClaim::parse(scheme, text, issuer).map(Some).map_err(|error| self.claim_error(field, error))
    }

    /// The error for a text that is no identifier.
    pub fn claim_error(&self, field: Field, error: IdError) -> RowError {
        let reason = match error {
            IdError::Scientific => Reason::IdentifierScientific,
            IdError::Phone => Reason::PhoneInvalid,
            IdError::Empty | IdError::Resident(_) | IdError::Malformed => Reason::IdentifierInvalid,
        };
        self.error(field, reason, error.to_string())
    }
}

impl Texts for Fields<'_> {
    fn text(&self, slot: Slot) -> &str {
        let (begin, end) = self.spans[place(slot)];
        &self.buffer[begin as usize..end as usize]
    }
}

/// Characters without a look of their own (category Cf): copying from chats and windows puts them into values, where they
/// make another name and another key.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// What a cell holds behind the marks by which spreadsheets keep a text: `="0012"`, `'0012`.
fn unguarded(text: &str) -> Option<&str> {
    if let Some(inner) = text.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')) {
        return Some(inner.trim());
    }
    let rest = text.strip_prefix('\'')?;
    // Some names begin so: `'t Hooft`, `'Abd al-Rahman`.
    let is_kept_as_text =
        rest.contains(|c: char| c.is_ascii_digit() || matches!(c, '=' | '+' | '@')) || !rest.is_ascii();
    (is_kept_as_text && !rest.ends_with('\'')).then(|| rest.trim_start())
}

/// Whether a text has the form of a day, whatever the calendar says of it.
fn is_written_as_day(text: &str) -> bool {
    let parts: Vec<&str> = text.split(['-', '/', '.']).collect();
    let digits = |part: &&str, least: usize, most: usize| {
        (least..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    match &parts[..] {
        [whole] => digits(whole, 8, 8),
        [year, month, day] => digits(year, 4, 4) && digits(month, 1, 2) && digits(day, 1, 2),
        _ => false,
    }
}

/// Whether a text is how a spreadsheet saves a day or time of which the format was lost: `44621`, `44621.3344`.
fn is_serial(text: &str) -> bool {
    let (day, time) = text.split_once('.').unwrap_or((text, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    day.len() == 5 && all_digits(day) && all_digits(time)
}

/// Where the span of a slot stands: those of fields come first.
fn place(slot: Slot) -> usize {
    match slot {
        Slot::Field(field) => field as usize,
        Slot::Extra(place) => Field::COUNT + usize::from(place),
    }
}

/// Numbers of machines have 13 digits where those of people have 11.
pub(crate) fn is_machine_number(text: &str) -> bool {
    let digits = text.trim_start_matches('+').trim_start_matches("00");
    let digits = if digits.len() == 15 { digits.strip_prefix("86").unwrap_or(digits) } else { digits };
    digits.len() == 13
        && (digits.starts_with("10") || digits.starts_with("14"))
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn precision_of(form: &str) -> Precision {
    let has = |directives: &[&str]| directives.iter().any(|directive| form.contains(directive));
    if has(&["%f", "%.f", "%3f", "%.3f"]) {
        Precision::Milli
    } else if has(&["%S", "%T", "%s"]) {
        Precision::Second
    } else if has(&["%M", "%R"]) {
        Precision::Minute
    } else {
        Precision::Day
    }
}

/// A form of times as people write it: `YYYY-MM-DD hh:mm:ss` for `%Y-%m-%d %H:%M:%S`.
fn shown_form(form: &str) -> String {
    let words = [
        ("%F", "YYYY-MM-DD"),
        ("%T", "hh:mm:ss"),
        ("%R", "hh:mm"),
        ("%Y", "YYYY"),
        ("%y", "YY"),
        ("%m", "MM"),
        ("%-m", "M"),
        ("%d", "DD"),
        ("%-d", "D"),
        ("%H", "hh"),
        ("%-H", "h"),
        ("%M", "mm"),
        ("%S", "ss"),
        ("%.f", ".fff"),
        ("%.3f", ".fff"),
        ("%3f", "fff"),
        ("%f", "fff"),
        ("%:z", "+hh:mm"),
        ("%z", "+hhmm"),
        ("%s", "seconds since 1970"),
    ];
    words.iter().fold(form.to_owned(), |shown, (directive, word)| shown.replace(directive, word))
}

/// The two commonest forms without the general parser, which is several times slower. The outer `None` means another form.
fn fast_civil(text: &str, form: &str) -> Option<Option<DateTime>> {
    let spots = match form {
        "%Y%m%d%H%M%S" => [0, 4, 6, 8, 10, 12],
        "%Y-%m-%d %H:%M:%S" => [0, 5, 8, 11, 14, 17],
        _ => return None,
    };
    let bytes = text.as_bytes();
    let marks: &[(usize, u8)] =
        if spots[1] == 4 { &[] } else { &[(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')] };
    if bytes.len() != spots[5] + 2 || marks.iter().any(|(place, mark)| bytes[*place] != *mark) {
        // Marks tell the parts apart, also where one has a single digit: `2022-3-1 8:05:00`.
        return if marks.is_empty() { Some(None) } else { None };
    }
    let number = |begin: usize, length: usize| {
        bytes[begin..begin + length]
            .iter()
            .try_fold(0_i16, |number, byte| byte.is_ascii_digit().then(|| number * 10 + i16::from(byte - b'0')))
    };
    let small = |begin: usize| number(begin, 2).map(|number| number as i8);
    let civil = || {
        let (year, month, day) = (number(spots[0], 4)?, small(spots[1])?, small(spots[2])?);
        DateTime::new(year, month, day, small(spots[3])?, small(spots[4])?, small(spots[5])?, 0).ok()
    };
    Some(civil())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guards_of_spreadsheets_go_and_names_that_begin_so_stay() {
        assert_eq!(unguarded("=\"G0001\""), Some("G0001"));
        assert_eq!(unguarded("'周八"), Some("周八"));
        for kept in ["'t Hooft", "'Abd al-Rahman", "'quoted'", "=1+2", "O'Brien", "=\""] {
            assert_eq!(unguarded(kept).filter(|inner| !inner.is_empty()), None, "{kept}");
        }
    }

    #[test]
    fn the_numbers_by_which_spreadsheets_count_days_are_known() {
        assert!(["44621", "44621.3344", "29221.0"].into_iter().all(is_serial));
        assert!(!["2022", "20220301", "44621.", "4462x", "446213", ".44621"].into_iter().any(is_serial));
    }

    #[test]
    fn invisible_characters_are_known_and_others_stay() {
        assert!("\u{200b}\u{200e}\u{202d}\u{202c}\u{feff}\u{ad}".chars().all(is_invisible));
        assert!(!"周八·é𠮷\u{3000}ﷺ".chars().any(is_invisible));
    }
}
