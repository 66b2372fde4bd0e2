//! Travellers and their flights, whichever message told of them.

use connector::who::{self, Subjects};
use connector::{Draft, DraftRole, Profile, Reason, RowContext, RowError};
use domain::{
    Day, IdClaim, IdentityObserved, Op, PersonName, PersonRef, PlaceKind, PlaceRef, Precision, Sensitive, Sex,
    Timestamp, TravelMode, TripSegment, TripStatus,
};
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;

use super::airports;
use super::reader::Row;
use super::syntax::{FLAGS, Flag};

/// A day ahead and more: bookings.
const AHEAD_MS: i64 = 400 * 86_400_000;
const EARLIEST: Timestamp = Timestamp::from_millis(631_152_000_000);
const MINUTE_US: i64 = 60_000_000;

/// What carriers write where they know no name, or a part of none.
const PLACEHOLDERS: [&str; 5] = ["", "UNKNOWN", "UNK", "FNU", "LNU"];

/// One flight from one airport to the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct Leg {
    /// Its numbers: of the carrier that flies, and of those that sell it.
    pub(crate) numbers: Vec<String>,
    pub(crate) origin: String,
    pub(crate) destination: String,
    pub(crate) depart: Option<DateTime>,
    pub(crate) arrive: Option<DateTime>,
    pub(crate) ship: bool,
    pub(crate) seat: Option<String>,
    /// What became of the booking, where the message says.
    pub(crate) status: Option<TripStatus>,
}

impl Leg {
    /// Whether it had departed for sure when an interchange says that it was made. Some senders state that in UTC, others
    /// in their own time.
    pub(crate) fn departed_by(&self, made: DateTime) -> bool {
        let zone = airports::zone(&self.origin).and_then(|name| TimeZone::get(name).ok());
        let Some(local) = self.depart else { return false };
        let utc = zone.and_then(|zone| Some(zone.to_ambiguous_zoned(local).compatible().ok()?.timestamp()));
        let utc = utc.map(|at| TimeZone::UTC.to_datetime(at));
        local <= made && utc.is_some_and(|utc| utc <= made)
    }
}

/// Who travels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traveller {
    pub(crate) family: String,
    pub(crate) given: String,
    pub(crate) sex: Sex,
    pub(crate) birth_date: Option<Day>,
    pub(crate) nationality: Option<String>,
    pub(crate) claims: Vec<IdClaim>,
    pub(crate) contacts: Vec<Sensitive<String>>,
    pub(crate) flags: Vec<Flag>,
}

/// The drafts of a traveller: who they are, and their flights.
pub(crate) fn drafts(
    row: &Row,
    traveller: Traveller,
    legs: &[Leg],
    booking: &str,
    profile: &Profile,
    context: &RowContext<'_>,
) -> Result<Vec<Draft>, RowError> {
    let (version, room) = version(row);
    let mut flags: Vec<Flag> =
        row.flags.iter().filter_map(|flag| FLAGS.iter().copied().find(|known| known == flag)).collect();
    flags.extend(&traveller.flags);
    // A word that stands for no name is none, and a document names its holder without one.
    let placeholder = [&traveller.family, &traveller.given].iter().all(|part| PLACEHOLDERS.contains(&part.as_str()));
    let name = PersonName::parts(&traveller.family, &traveller.given).filter(|_| !placeholder);
    if name.is_none() {
        if traveller.claims.is_empty() {
            let message = "the traveller has neither a name nor a document";
            return Err(RowError::field("NAD/TIF", Reason::IdentityMissing, message));
        }
        flags.push("name-missing");
    }
    if name.as_ref().is_some_and(|name| name.text.expose().chars().count() > 100) {
        return Err(RowError::field("NAD/TIF", Reason::ValueTooLong, "a name has at most 100 characters"));
    }
    let document = traveller.claims.first().map(|claim| claim.value.expose().clone());
    let born = traveller.birth_date.map(|day| day.to_string()).unwrap_or_default();
    // Documents are mistyped and placeholders are used for whole groups: the number alone does not name a traveller.
    let document = document.unwrap_or_default();
    let traveller_key = format!("{document}/{}/{}/{born}", traveller.family, traveller.given);
    let statement = IdentityObserved {
        person: PersonRef {
            claims: traveller.claims,
            names: name.into_iter().collect(),
            birth_date: traveller.birth_date,
            sex: traveller.sex,
            nationality: traveller.nationality,
        },
        contacts: traveller.contacts,
        ..IdentityObserved::default()
    };
    let mut trips = Vec::new();
    for leg in legs {
        trips.push(trip(leg, &flags, profile, context)?);
    }
    let Some(first) = trips.first() else {
        return Err(RowError::field("TDT/TVL", Reason::MessageSegment, "the message names no flight of the traveller"));
    };
    let Subjects { claims, sighting } = who::sighting(profile, context.key, statement, flags, first.body.depart_time);
    let mut drafts: Vec<Draft> = sighting.into_iter().collect();
    for trip in trips {
        let key = format!("trip:{booking}:{}:{}-{}:{traveller_key}", trip.body.run_id, trip.origin, trip.destination);
        drafts.push(Draft {
            role: DraftRole::Record,
            source_record_id: key.into(),
            version,
            version_room: room,
            op: Op::Upsert,
            event_time: trip.body.depart_time,
            precision: Precision::Minute,
            utc_offset_min: Some(trip.offset_min),
            offset_assumed: trip.assumed,
            created_time: None,
            quality_flags: trip.flags,
            body: TripSegment { subject: claims.clone(), ..trip.body }.into(),
        });
    }
    Ok(drafts)
}

struct Trip<'l> {
    body: TripSegment,
    origin: &'l str,
    destination: &'l str,
    offset_min: i32,
    assumed: bool,
    flags: Vec<Flag>,
}

fn trip<'l>(leg: &'l Leg, flags: &[Flag], profile: &Profile, context: &RowContext<'_>) -> Result<Trip<'l>, RowError> {
    let mut flags = flags.to_vec();
    let departs = leg
        .depart
        .ok_or_else(|| RowError::field("DTM/TVL", Reason::RequiredMissing, "a flight has no time of departure"))?;
    let (depart, offset_min, assumed) = at_airport(departs, &leg.origin, profile, &mut flags)?;
    let arrive = leg.arrive.map(|at| at_airport(at, &leg.destination, profile, &mut flags)).transpose()?;
    if depart < EARLIEST || depart > context.ingest_time.plus_millis(AHEAD_MS) {
        let message = "a departure is before 1990 or more than a year ahead: a clock was wrong";
        return Err(RowError::field("DTM/TVL", Reason::TimeOutOfRange, message));
    }
    if arrive.is_some_and(|(arrive, ..)| arrive < depart) {
        flags.push("arrival-before-departure");
    }
    let service_date = Day::from_ymd(departs.year(), departs.month(), departs.day()).unwrap_or_default();
    let mut numbers = leg.numbers.clone();
    numbers.sort();
    numbers.dedup();
    let Some(number) = leg.numbers.first() else {
        return Err(RowError::field("TDT/TVL", Reason::RequiredMissing, "a flight has no number"));
    };
    for code in [&leg.origin, &leg.destination] {
        if !(3..=5).contains(&code.len()) || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            let message = "a flight has no airport of departure or of arrival";
            return Err(RowError::field("LOC/TVL", Reason::RequiredMissing, message));
        }
    }
    let source = profile.options.get("place_source").unwrap_or(&profile.source);
    let place = |code: &str| PlaceRef {
        place_id: Some(format!("{source}/{code}")),
        kind: PlaceKind::Stop,
        name: Some(Sensitive::from(code)),
        ..PlaceRef::default()
    };
    let body = TripSegment {
        subject: Vec::new(),
        mode: if leg.ship { TravelMode::Ship } else { TravelMode::Air },
        // The number of the carrier that flies names the run: those that sell it differ.
        run_id: format!("{service_date}/{number}"),
        service_date,
        numbers,
        carriage: None,
        seat: leg.seat.clone(),
        origin: place(&leg.origin),
        destination: place(&leg.destination),
        depart_time: depart,
        arrive_time: arrive.map(|(arrive, ..)| arrive).filter(|arrive| *arrive >= depart),
        status: leg.status.unwrap_or(TripStatus::Booked),
    };
    Ok(Trip { body, origin: &leg.origin, destination: &leg.destination, offset_min, assumed, flags })
}

/// A time that is local to an airport. Of an airport that is not known, the profile's zone is taken, and flagged.
fn at_airport(
    at: DateTime,
    code: &str,
    profile: &Profile,
    flags: &mut Vec<Flag>,
) -> Result<(Timestamp, i32, bool), RowError> {
    let zone = airports::zone(code).and_then(|name| TimeZone::get(name).ok());
    let assumed = zone.is_none();
    if assumed && !flags.contains(&"airport-zone-unknown") {
        flags.push("airport-zone-unknown");
    }
    let zone = zone.unwrap_or_else(|| profile.time.zone.clone());
    let (at, offset_min) = Timestamp::from_civil(at, &zone)
        .map_err(|error| RowError::field("DTM/TVL", Reason::ValueTime, error.to_string()))?;
    Ok((at, offset_min, assumed))
}

/// When an interchange was made, as its UNB states it.
pub(crate) fn prepared(row: &Row) -> Option<DateTime> {
    let [date, time] = &row.prepared;
    // Syntax 4 has the century, older ones have not.
    let date = date.get(2..).filter(|_| date.len() == 8).unwrap_or(date);
    civil(date, time, Order::YearFirst)
}

/// The version of what an interchange states: when it was made. Of several snapshots of one flight the newest wins.
fn version(row: &Row) -> (Option<i64>, i64) {
    match prepared(row).and_then(|at| Timestamp::from_civil(at, &TimeZone::UTC).ok()) {
        Some((made, _)) => (Some(made.as_millis() * 1_000), MINUTE_US - 1),
        None => (None, 0),
    }
}

/// In which order a six-digit date has its parts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    YearFirst,
    DayFirst,
}

/// A date of six digits in this century and a time of four; an empty time is midnight.
pub(crate) fn civil(date: &str, time: &str, order: Order) -> Option<DateTime> {
    let date = digits::<6>(date)?;
    let time = if time.is_empty() { [0; 4] } else { digits::<4>(time)? };
    let pair = |at: usize| (date[at] * 10 + date[at + 1]) as i8;
    let (year, day) = if order == Order::YearFirst { (pair(0), pair(4)) } else { (pair(4), pair(0)) };
    let date = Date::new(2000 + i16::from(year), pair(2), day).ok()?;
    let time = Time::new((time[0] * 10 + time[1]) as i8, (time[2] * 10 + time[3]) as i8, 0, 0).ok()?;
    Some(date.to_datetime(time))
}

fn digits<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes: [u8; N] = text.trim().as_bytes().try_into().ok()?;
    bytes.iter().all(u8::is_ascii_digit).then(|| bytes.map(|byte| byte - b'0'))
}

/// What a stated day of birth says, and what is odd about it. Whoever cannot be read stays a traveller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Birth {
    pub(crate) day: Option<Day>,
    pub(crate) flag: Option<Flag>,
}

impl Birth {
    const UNREADABLE: Self = Self { day: None, flag: Some("birth-date-unreadable") };

    /// `YYMMDD` or `CCYYMMDD`. A year alone is no day.
    pub(crate) fn read(text: &str, flown: Option<DateTime>) -> Self {
        let text = text.trim();
        if text.len() == 8 {
            return Day::parse(text).map_or(Self::UNREADABLE, |day| Self { day: Some(day), flag: None });
        }
        if digits::<4>(text).is_some_and(|year| matches!(year[..2], [1, 8 | 9] | [2, 0])) {
            return Self { day: None, flag: Some("birth-date-partial") };
        }
        let Some(date) = digits::<6>(text) else { return Self::UNREADABLE };
        let pair = |at: usize| date[at] * 10 + date[at + 1];
        Self::of_two_digits(pair(0), pair(2), pair(4), flown)
    }

    /// `12JUL64`, or `12JUL1964`.
    pub(crate) fn read_words(text: &str, flown: Option<DateTime>) -> Self {
        const MONTHS: [&str; 12] = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
        let parts = || {
            let month = MONTHS.iter().position(|month| text.get(2..5) == Some(*month))? as u8 + 1;
            Some((text.get(..2)?.parse::<u8>().ok()?, month, text.get(5..)?))
        };
        let Some((day, month, year)) = parts() else { return Self::UNREADABLE };
        match (year.len(), year.parse::<i16>()) {
            (2, Ok(year)) => Self::of_two_digits(year as u8, month, day, flown),
            (4, Ok(year)) => Day::from_ymd(year, month as i8, day as i8)
                .map_or(Self::UNREADABLE, |day| Self { day: Some(day), flag: None }),
            _ => Self::UNREADABLE,
        }
    }

    /// Nobody travels before they are born: the century is the latest in which the day is not after the flight. It is
    /// never told by the day of receipt, on which the same message would come to say something else.
    fn of_two_digits(year: u8, month: u8, day: u8, flown: Option<DateTime>) -> Self {
        let day = |century: i16| Day::from_ymd(century + i16::from(year), month as i8, day as i8);
        let Some(flown) = flown.and_then(|at| Day::from_ymd(at.year(), at.month(), at.day())) else {
            return Self::UNREADABLE;
        };
        match day(2000).filter(|day| *day <= flown).or_else(|| day(1900)) {
            Some(day) => Self { day: Some(day), flag: Some("birth-century-assumed") },
            None => Self::UNREADABLE,
        }
    }
}

/// A flight number in the one form: carrier, and digits without zeros before them.
pub(crate) fn flight(carrier: &str, number: &str) -> Option<String> {
    let number: String = number.to_uppercase().chars().filter(|c| !c.is_whitespace()).collect();
    let number = number.strip_prefix(carrier).unwrap_or(&number).trim_start_matches('0');
    (!number.is_empty() && number.len() <= 8 && number.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        .then(|| format!("{carrier}{number}"))
}
