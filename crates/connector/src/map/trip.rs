//! Trips by rail: one ticket is one segment.

use domain::{Day, PlaceKind, Precision, Sensitive, TravelMode, TripSegment, TripStatus};
use jiff::civil::DateTime;
use unicode_normalization::UnicodeNormalization as _;

use crate::columns::Field;
use crate::feed::{Draft, RowError};
use crate::fields::{Bounds, Moment};
use crate::map::Row;
use crate::reason::Reason;

const DAY_MS: i64 = 86_400_000;

pub(super) fn map(row: &Row<'_>) -> Result<Vec<Draft>, RowError> {
    let fields = row.fields;
    let boarding = fields.day(Field::BoardingDate)?;
    let depart = on_day(row, Field::DepartTime, boarding)?.ok_or_else(|| fields.missing(Field::DepartTime))?;
    let departing = depart.at.day_at_offset(depart.offset_min);
    let boarding = boarding.unwrap_or(departing);
    let mut arrive = on_day(row, Field::ArriveTime, Some(boarding))?;
    if let Some(arrive) = arrive.as_mut().filter(|arrive| arrive.at < depart.at) {
        if !is_time_of_day(fields.text(Field::ArriveTime).unwrap_or("")) {
            return Err(fields.error(Field::ArriveTime, Reason::TimeOrder, "the arrival lies before the departure"));
        }
        arrive.at = arrive.at.plus_millis(DAY_MS);
    }
    // The run is named by the day on which it left its origin, which may be the day before boarding.
    let service_date = fields.day(Field::ServiceDate)?.unwrap_or(boarding);
    let printed = fields.bounded(Field::TrainNumber, 32)?.ok_or_else(|| fields.missing(Field::TrainNumber))?;
    let numbers = run_numbers(&printed).ok_or_else(|| {
        fields.error(Field::TrainNumber, Reason::ValueUnknown, "a train number is a letter and digits, such as G1234/5")
    })?;
    let status = fields.code::<TripStatus>(Field::Status)?.unwrap_or_default();
    let mode = fields.code(Field::TravelMode)?.unwrap_or(TravelMode::Rail);
    let seat = fields.bounded(Field::Seat, 32)?.filter(|seat| seat != "无座");
    let carriage = fields.bounded(Field::Carriage, 16)?.map(|printed| carriage_number(&printed));
    let stop = |field: Field| {
        let name = fields.bounded(field, 64)?.ok_or_else(|| fields.missing(field))?;
        let mut place = row.place(PlaceKind::Stop, Some(&name));
        place.name = Some(Sensitive::new(name));
        Ok::<_, RowError>(place)
    };
    let (origin, destination) = (stop(Field::Origin)?, stop(Field::Destination)?);
    let mut drafts = row.fact(&depart, |subject| TripSegment {
        subject,
        mode,
        run_id: format!("{service_date}/{}", numbers.join("/")),
        service_date,
        numbers,
        carriage,
        seat,
        origin,
        destination,
        depart_time: depart.at,
        arrive_time: arrive.map(|arrive| arrive.at),
        status,
    })?;
    if let Some(fact) = drafts.last_mut().filter(|_| boarding != departing) {
        fact.quality_flags.push("boarding-contradicts");
    }
    Ok(drafts)
}

fn is_time_of_day(text: &str) -> bool {
    text.len() <= 8 && text.contains(':')
}

/// A time that may be given as time of day only, on the day of boarding.
fn on_day(row: &Row<'_>, field: Field, day: Option<Day>) -> Result<Option<Moment>, RowError> {
    let fields = row.fields;
    let Some(text) = fields.text(field) else { return Ok(None) };
    if !is_time_of_day(text) {
        return fields.moment(field, Bounds::Planned);
    }
    let wrong = || fields.error(field, Reason::ValueTime, "the time of day is not of the form hh:mm");
    let mut parts = text.split(':').map(str::parse::<i8>);
    let (Some(Ok(hour)), Some(Ok(minute))) = (parts.next(), parts.next()) else { return Err(wrong()) };
    let (year, month, day) = day.and_then(Day::ymd).ok_or_else(|| fields.missing(Field::BoardingDate))?;
    let civil = DateTime::new(year, month, day, hour, minute, 0, 0).map_err(|_| wrong())?;
    let moment = fields.at_civil(civil, Precision::Minute).ok_or_else(wrong)?;
    fields.check_bounds(field, moment.at, Bounds::Planned)?;
    Ok(Some(moment))
}

/// All numbers of a run, in order: `T5317/6` is T5316 and T5317. `None` when the text is no train number.
fn run_numbers(printed: &str) -> Option<Vec<String>> {
    let printed: String = printed.nfkc().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    let mut parts = printed.trim_end_matches('次').split('/');
    let first = parts.next().filter(|first| is_number(first))?;
    let mut numbers = vec![first.to_owned()];
    for part in parts {
        let number = match part.as_bytes().first()? {
            letter if letter.is_ascii_alphabetic() => part.to_owned(),
            _ => format!("{}{part}", first.get(..first.len().checked_sub(part.len())?)?),
        };
        if !is_number(&number) {
            return None;
        }
        numbers.push(number);
    }
    numbers.sort();
    numbers.dedup();
    Some(numbers)
}

/// A carriage as a ticket prints it, whoever wrote it down: `5`, `５` and `05车` are `05`. What is no number stays as it is.
fn carriage_number(printed: &str) -> String {
    let text: String = printed.nfkc().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
    let bare = text.trim_end_matches(['号', '车', '厢']);
    match bare.parse::<u16>() {
        Ok(number) if bare.bytes().all(|b| b.is_ascii_digit()) => format!("{number:02}"),
        _ if bare.is_empty() => text,
        _ => bare.to_owned(),
    }
}

fn is_number(text: &str) -> bool {
    let digits = text.trim_start_matches(|c: char| c.is_ascii_uppercase());
    text.len() - digits.len() <= 2 && (1..=5).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_all_its_numbers_whichever_is_printed_first() {
        let numbers = |printed| run_numbers(printed).map(|numbers| numbers.join(" "));
        assert_eq!(numbers("T5317/6").as_deref(), Some("T5316 T5317"));
        assert_eq!(numbers("T5316/7").as_deref(), Some("T5316 T5317"));
        assert_eq!(numbers("G1234/5").as_deref(), Some("G1234 G1235"));
        assert_eq!(numbers("k8").as_deref(), Some("K8"));
        assert_eq!(numbers("Z98/T97").as_deref(), Some("T97 Z98"));
        assert_eq!(numbers("Ｋ1556／7次").as_deref(), Some("K1556 K1557"));
        assert_eq!(numbers("苏A12345"), None);
        assert_eq!(numbers("G1/123456"), None);
        assert_eq!(numbers(""), None);
    }

    #[test]
    fn a_carriage_has_one_number_however_it_is_written() {
        for printed in ["05", "5", "05车", "５", "5号车厢", " 005 "] {
            assert_eq!(carriage_number(printed), "05", "{printed}");
        }
        assert_eq!(["16", "加1", "a", "车"].map(carriage_number), ["16", "加1", "A", "车"]);
    }
}
