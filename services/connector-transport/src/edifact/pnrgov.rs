//! PNRGOV: one booking, with its travellers and flights.

use connector::{Draft, Profile, Reason, RowContext, RowError};
use domain::{Phone, Sensitive, Sex, TripStatus};
use jiff::civil::DateTime;

use super::paxlst::document;
use super::reader::Row;
use super::syntax::Segment;
use super::travel::{Birth, Leg, Order, Traveller, civil, drafts, flight, prepared};

/// Travellers of one booking, and flights of one journey.
const TRAVELLERS_MAX: usize = 200;
const LEGS_MAX: usize = 16;

/// Titles that reservation systems glue to given names.
pub(super) const TITLES: [&str; 6] = ["MISS", "MSTR", "MRS", "MR", "MS", "DR"];

/// A traveller with the number by which other segments of the booking refer to them.
#[derive(Default)]
struct Booked {
    reference: String,
    infant: bool,
    documented: bool,
    /// The given name as the booking has it, which a document may spell otherwise.
    given: String,
    traveller: Traveller,
}

pub(super) fn map(row: &Row, profile: &Profile, context: &RowContext<'_>) -> Result<Vec<Draft>, RowError> {
    // What is behind ABI is history, and LTS repeats everything as text.
    let end = row.own.iter().position(|segment| segment.tag() == "ABI").unwrap_or(row.own.len());
    let own: Vec<&Segment> = row.own[..end].iter().filter(|segment| segment.tag() != "LTS").collect();
    let locator = own.iter().find(|s| s.tag() == "RCI").map(|s| format!("{}{}", s.at(1, 0), s.at(1, 1)));
    let locator = locator
        .filter(|locator| (3..=16).contains(&locator.len()))
        .ok_or_else(|| RowError::field("RCI", Reason::RequiredMissing, "the booking has no record locator (RCI)"))?;
    let flown = row.head.iter().filter(|segment| segment.tag() == "TVL").find_map(leg);
    let booked = || own.iter().filter(|segment| segment.tag() == "TVL").find_map(|segment| leg(segment));
    let departure = flown.clone().or_else(booked).and_then(|leg| leg.depart).or_else(|| prepared(row));
    let mut travellers = travellers(&own)?;
    for segment in own.iter().filter(|s| s.tag() == "SSR" && s.at(1, 0) == "DOCS") {
        read_document(segment, &mut travellers, departure)?;
    }
    if travellers.is_empty() {
        let message = "the booking names no traveller (TIF)";
        return Err(RowError::field("TIF", Reason::IdentityMissing, message));
    }
    if let [only] = &mut travellers[..] {
        only.traveller.contacts = contacts(&own);
    }
    let mut legs: Vec<Leg> = Vec::new();
    // Hotels and cars are booked in the same segment, and some name a flight without saying where it goes.
    let mut left_out = false;
    for segment in &own {
        match segment.tag() {
            "TVL" => match leg(segment) {
                Some(leg) => legs.push(with_operator(leg, flown.as_ref())),
                None => left_out |= !segment.at(1, 0).is_empty(),
            },
            "RPI" => {
                let cancelled = matches!(segment.at(2, 0), "HX" | "UN" | "UC" | "XX" | "NO" | "UX");
                if let Some(leg) = legs.last_mut() {
                    leg.status = cancelled.then_some(TripStatus::Refunded);
                }
            }
            _ => {}
        }
    }
    if legs.is_empty() {
        legs.extend(flown.clone());
    }
    if legs.len() > LEGS_MAX || travellers.len() > TRAVELLERS_MAX {
        let message = format!("a booking has at most {TRAVELLERS_MAX} travellers and {LEGS_MAX} flights");
        return Err(RowError::row(Reason::RepetitionsTooMany, message));
    }
    let mut all = Vec::new();
    for mut booked in travellers {
        if left_out {
            booked.traveller.flags.push("segment-without-flight");
        }
        let given = boarded(&own, &booked, flown.as_ref());
        let seat = |leg: &Leg| given.iter().find(|(on, _)| same_flight(on, leg)).map(|(_, seat)| seat.clone());
        let seat = |leg: &Leg| seat(leg).or_else(|| reserved(&own, leg, &booked));
        let legs: Vec<Leg> = legs.iter().map(|leg| Leg { seat: seat(leg), ..leg.clone() }).collect();
        all.extend(drafts(row, booked.traveller, &legs, &locator, profile, context)?);
    }
    Ok(all)
}

/// `TIF+SURNAME:type+GIVEN:kind:reference`; those behind the flights repeat them.
fn travellers(own: &[&Segment]) -> Result<Vec<Booked>, RowError> {
    let mut travellers: Vec<Booked> = Vec::new();
    for segment in own.iter().filter(|segment| segment.tag() == "TIF") {
        let (given, title) = without_title(segment.at(2, 0));
        let family = segment.at(1, 0).trim().to_owned();
        let known = |booked: &Booked| booked.traveller.family == family && booked.traveller.given == given;
        if family.is_empty() || travellers.iter().any(known) {
            continue;
        }
        travellers.push(Booked {
            reference: segment.at(2, 2).to_owned(),
            infant: segment.at(2, 1) == "IN",
            documented: false,
            given: given.clone(),
            traveller: Traveller {
                family,
                given,
                flags: if title { vec!["title-removed"] } else { Vec::new() },
                ..Traveller::default()
            },
        });
    }
    Ok(travellers)
}

/// A given name without a title at its end, and whether there was one.
fn without_title(given: &str) -> (String, bool) {
    let given = given.trim();
    let bare = TITLES.iter().find_map(|title| given.strip_suffix(title)).map(str::trim_end);
    match bare.filter(|bare| bare.len() >= 2) {
        Some(bare) => (bare.to_owned(), true),
        None => (given.to_owned(), false),
    }
}

/// `SSR+DOCS:HK:1:SQ:::::/P/GBR/123456789/GBR/12JUL64/M/23AUG19/FAMILY/GIVEN/MIDDLE+::2`: a document, and whose it is.
fn read_document(segment: &Segment, travellers: &mut [Booked], departure: Option<DateTime>) -> Result<(), RowError> {
    let Some(text) = segment.element(1).iter().find(|part| part.contains('/')) else { return Ok(()) };
    let parts: Vec<&str> = text.split('/').map(str::trim).collect();
    let part = |at: usize| parts.get(at).copied().unwrap_or("");
    let reference = segment.at(2, 2);
    let (family, given, sex) = (part(8), part(9), part(6));
    // By reference, by name, as the infant that the sex says it is, else the last one without a document.
    let spelled = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    let same = |booked: &Booked| {
        let (mine, theirs) = (spelled(&booked.traveller.given), spelled(given));
        spelled(&booked.traveller.family) == spelled(family)
            && !theirs.is_empty()
            && (mine.starts_with(&theirs) || theirs.starts_with(&mine))
    };
    let found =
        travellers.iter().position(|booked| !reference.is_empty() && booked.reference == reference && same(booked));
    let found = found.or_else(|| travellers.iter().position(same));
    let infant = sex.len() == 2 && sex.ends_with('I');
    let found = found.or_else(|| travellers.iter().position(|booked| booked.infant == infant && !booked.documented));
    let Some(booked) = found.map(|at| &mut travellers[at]) else { return Ok(()) };
    let traveller = &mut booked.traveller;
    booked.documented = true;
    if let Some(read) = Sex::parse(sex.get(..1).unwrap_or("")) {
        traveller.sex = read;
    }
    if !part(5).is_empty() {
        let birth = Birth::read_words(part(5), departure);
        traveller.birth_date = birth.day.or(traveller.birth_date);
        traveller.flags.extend(birth.flag);
    }
    if part(4).len() == 3 {
        traveller.nationality = Some(part(4).to_owned());
    }
    if !given.is_empty() && spelled(family) == spelled(&traveller.family) {
        // The document spells the whole name. Reservation systems copy the title into it with the name that the booking has.
        let first = if traveller.flags.contains(&"title-removed") { without_title(given).0 } else { given.to_owned() };
        traveller.given = [&first, part(10)].join(" ").trim().to_owned();
    }
    if !part(3).is_empty() {
        let claim = document(part(1), part(3), Some(part(2)))
            .map_err(|error| RowError::field("SSR DOCS", Reason::IdentifierInvalid, format!("SSR DOCS: {error}")))?;
        if !traveller.claims.contains(&claim) {
            traveller.claims.push(claim);
        }
    }
    Ok(())
}

/// Phones of the booking: SSR CTCM, and CTCM or CTCR in free text.
fn contacts(own: &[&Segment]) -> Vec<Sensitive<String>> {
    let mut contacts = Vec::new();
    for segment in own.iter().filter(|segment| matches!(segment.tag(), "SSR" | "IFT")) {
        let text = segment.0[1..].iter().map(|element| element.join(" ")).collect::<Vec<_>>().join(" ");
        let Some((_, rest)) = ["CTCM", "CTCR"].iter().find_map(|code| text.split_once(code)) else { continue };
        let digits: String = rest.chars().filter(|c| c.is_ascii_digit() || *c == '+').collect();
        contacts.extend(Phone::parse(&digits).ok().map(|phone| Sensitive::from(phone.as_str())));
    }
    contacts.sort();
    contacts.dedup();
    contacts
}

/// `TVL+date:time:date:time+from+to+marketing:operating+number:class`; days come first in dates. `None` for segments
/// that name no flight.
fn leg(segment: &Segment) -> Option<Leg> {
    let times = segment.element(1);
    let time = |at: usize| times.get(at).map_or("", |text| text.trim());
    let depart = civil(time(0), time(1), Order::DayFirst)?;
    // The date of arrival may be left out, with or without its place.
    let arrive = match (time(2), time(3)) {
        ("", "") => None,
        ("", at) => civil(time(0), at, Order::DayFirst),
        (at, "") if at.len() == 4 => civil(time(0), at, Order::DayFirst),
        (_, "") => None,
        (date, at) => civil(date, at, Order::DayFirst),
    };
    let carriers = segment.element(4);
    let number = segment.at(5, 0);
    let airport = |element: usize| {
        let code = segment.at(element, 0).trim();
        (code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())).then(|| code.to_owned())
    };
    let numbers = carriers.iter().rev().filter_map(|carrier| flight(carrier.trim(), number));
    Some(Leg {
        numbers: numbers.collect(),
        origin: airport(2)?,
        destination: airport(3)?,
        depart: Some(depart),
        arrive,
        ..Leg::default()
    })
}

/// The flight of the message is flown by whoever its head names; a booking may have it under the number of who sold it.
fn with_operator(mut leg: Leg, flown: Option<&Leg>) -> Leg {
    if let Some(flown) = flown.filter(|flown| same_flight(flown, &leg)) {
        let mut numbers = flown.numbers.clone();
        numbers.extend(leg.numbers.into_iter().filter(|number| !flown.numbers.contains(number)));
        leg.numbers = numbers;
    }
    leg
}

/// The seats that a traveller was given at check-in, each with its flight: `TVL` of the flight, `TIF` of the traveller, and
/// behind them `SSD+014A`. A `TVL` that names no flight is of the flight of the message.
fn boarded(own: &[&Segment], booked: &Booked, flown: Option<&Leg>) -> Vec<(Leg, String)> {
    let (mut flight, mut theirs) = (None, false);
    let mut seats = Vec::new();
    for segment in own {
        match segment.tag() {
            "TVL" if segment.at(1, 0).is_empty() => (flight, theirs) = (flown.cloned(), false),
            "TVL" => (flight, theirs) = (leg(segment), false),
            "TIF" => {
                theirs = segment.at(1, 0).trim() == booked.traveller.family
                    && without_title(segment.at(2, 0)).0 == booked.given
            }
            "SSD" if theirs => seats.extend(flight.clone().zip(seat_number(segment.at(1, 0)))),
            _ => {}
        }
    }
    seats
}

/// The seat that was reserved for a traveller on a flight: `SSR+SEAT:HK:2:DL:::LHR:JFK+15A::1+15B::2`. What was only asked
/// for is none.
fn reserved(own: &[&Segment], leg: &Leg, booked: &Booked) -> Option<String> {
    let asked_for = |s: &Segment| matches!(s.at(1, 1), "HN" | "NN" | "PN" | "NO" | "UN" | "UC" | "UU" | "HX" | "XX");
    let on_leg = |s: &Segment| s.at(1, 6) == leg.origin && s.at(1, 7) == leg.destination && !asked_for(s);
    let of_kind = |kind: &str| {
        let seats = own.iter().filter(move |s| s.tag() == "SSR" && s.at(1, 0) == kind && on_leg(s));
        let mut places = seats.flat_map(|segment| segment.0[2..].iter());
        let mine = places.find(|place| place.get(2).is_some_and(|of| !of.is_empty() && *of == booked.reference))?;
        seat_number(mine.first()?)
    };
    ["SEAT", "NSST", "NSSA", "RQST"].into_iter().find_map(of_kind)
}

/// A seat as tickets write it: without zeros before its row. Letters alone stand for a seat that nobody has yet.
fn seat_number(text: &str) -> Option<String> {
    let seat = text.trim().trim_start_matches('0');
    (seat.contains(|c: char| c.is_ascii_digit()) && seat.len() <= 8).then(|| seat.to_owned())
}

fn same_flight(one: &Leg, other: &Leg) -> bool {
    one.origin == other.origin && one.depart.map(|at| at.date()) == other.depart.map(|at| at.date())
}
