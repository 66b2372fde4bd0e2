//! PAXLST: one traveller or crew member of a list.

use connector::{Draft, Profile, Reason, RowContext, RowError};
use domain::{IdClaim, IdScheme, Sex, TripStatus};

use super::pnrgov::TITLES;
use super::reader::Row;
use super::syntax::{Flag, Segment};
use super::travel::{Birth, Leg, Order, Traveller, civil, drafts, flight, prepared};

/// Kinds of travellers that departure control systems write behind names.
const KINDS: [&str; 4] = ["INF", "INFT", "CHD", "CHLD"];

pub(super) fn map(row: &Row, profile: &Profile, context: &RowContext<'_>) -> Result<Vec<Draft>, RowError> {
    let mut flags = Vec::new();
    let mut legs = legs(&row.head, &mut flags);
    let (status, flag) = function(&row.head);
    flags.extend(flag);
    let made = prepared(row);
    for (at, leg) in legs.iter_mut().enumerate() {
        // The flight that was closed is the first; further ones of the same number may have still to be flown.
        let flown = at == 0 || made.is_some_and(|made| leg.departed_by(made));
        leg.status = status.filter(|status| flown || *status != TripStatus::Travelled);
    }
    let find = |tag: &str, code: &str| row.own.iter().find(|s| s.tag() == tag && s.at(1, 0) == code);
    // `RFF+AVF:value` and `LOC+178+value`.
    let within = |tag: &str, code: &str| find(tag, code).map_or("", |segment| segment.at(1, 1));
    let behind = |tag: &str, code: &str| find(tag, code).map_or("", |segment| segment.at(2, 0));
    let (family, given) = name(row.own.first().map_or(&[][..], |segment| segment.element(4)), &mut flags);
    let mut birth_date = None;
    let born = within("DTM", "329");
    if !born.is_empty() {
        let flown = legs.iter().find_map(|leg| leg.depart).or_else(|| prepared(row));
        let birth = Birth::read(born, flown);
        birth_date = birth.day;
        flags.extend(birth.flag);
    }
    let sex = row.own.iter().find(|segment| segment.tag() == "ATT").map_or("", |segment| segment.at(3, 0));
    let sex = Sex::parse(sex).unwrap_or_else(|| {
        flags.push("sex-unknown-code");
        Sex::Unknown
    });
    let traveller = Traveller {
        family,
        given,
        sex,
        birth_date,
        nationality: Some(behind("NAT", "2").to_owned()).filter(|code| code.len() == 3),
        claims: documents(&row.own)?,
        contacts: Vec::new(),
        flags,
    };
    let booking = within("RFF", "AVF");
    let seat = Some(within("RFF", "SEA").to_owned()).filter(|seat| !seat.is_empty() && seat.len() <= 8);
    let mut legs = travelled(&legs, behind("LOC", "178"), behind("LOC", "179"));
    if let [leg] = &mut legs[..] {
        leg.seat = seat;
    }
    drafts(row, traveller, &legs, booking, profile, context)
}

/// What the document function of BGM says of everybody whom the message names. Codes are those of the guide of WCO, IATA
/// and ICAO: a list of a closed flight is of those on board or of those who stayed behind.
fn function(head: &[Segment]) -> (Option<TripStatus>, Option<Flag>) {
    let Some(begin) = head.iter().find(|segment| segment.tag() == "BGM") else { return (None, None) };
    match begin.at(2, 0).trim() {
        "CLNB" | "XR" | "XF" => (Some(TripStatus::Refunded), None),
        "CLOB" => (Some(TripStatus::Travelled), None),
        "" | "CP" | "CF" | "C" | "CC" => (None, None),
        _ => (None, Some("edifact-function-unknown")),
    }
}

/// Family and given names of `FAMILY:GIVEN:MIDDLE`. Some carriers write one text, `FAMILY/GIVEN`, or a title behind it.
fn name(parts: &[String], flags: &mut Vec<Flag>) -> (String, String) {
    let part = |at: usize| parts.get(at).map_or("", |part| part.trim());
    let given = [part(1), part(2)].join(" ").trim().to_owned();
    let (family, given) = match part(0).split_once('/') {
        Some((family, behind)) if given.is_empty() => (family.trim().to_owned(), behind.trim().to_owned()),
        _ => (part(0).to_owned(), given),
    };
    let mut titled = false;
    // Glued to a name, the letters of a title may be its own: `OMAR`.
    let mut bare = |name: String| match name.rsplit_once(' ') {
        Some((bare, title)) if TITLES.contains(&title) || KINDS.contains(&title) => {
            titled = true;
            bare.trim_end().to_owned()
        }
        _ => name,
    };
    let name = if given.is_empty() { (bare(family), given) } else { (family, bare(given)) };
    if titled {
        flags.push("title-removed");
    }
    name
}

/// The flights that the head of a message tells of: each TDT with the places and times behind it.
fn legs(head: &[Segment], flags: &mut Vec<Flag>) -> Vec<Leg> {
    let mut legs: Vec<Leg> = Vec::new();
    let mut place = String::new();
    // Of the times of the flight so far.
    let (mut departs, mut arrives) = (None, None);
    for segment in head {
        match (segment.tag(), segment.at(1, 0)) {
            ("TDT", "20") => {
                let carrier = segment.at(5, 0);
                let number = flight(carrier, segment.at(2, 0));
                let ship = matches!(segment.at(3, 0), "1" | "11");
                legs.push(Leg { numbers: number.into_iter().collect(), ship, ..Leg::default() });
                (departs, arrives) = (None, None);
            }
            ("LOC", code) => {
                place = segment.at(2, 0).to_owned();
                let Some(leg) = legs.last_mut() else { continue };
                match code {
                    "125" => leg.origin = place.clone(),
                    "87" => leg.destination = place.clone(),
                    _ => {}
                }
            }
            ("DTM", code) => {
                let Some(leg) = legs.last_mut() else { continue };
                let stated = segment.at(1, 1);
                // The formats 102, 203 and 204 have a century.
                let stated = match segment.at(1, 2) {
                    "102" | "203" | "204" => stated.strip_prefix("20").unwrap_or(stated),
                    "" if matches!(stated.len(), 12 | 14) => stated.strip_prefix("20").unwrap_or(stated),
                    _ => stated,
                };
                let at =
                    stated.get(..6).and_then(|date| civil(date, stated.get(6..10).unwrap_or(""), Order::YearFirst));
                // A time belongs to the place before it, whatever that place is called.
                if let Some(known) = Known::of_departure(code).filter(|known| Some(*known) > departs) {
                    departs = Some(known);
                    (leg.depart, leg.origin) = (at, place.clone());
                } else if let Some(known) = Known::of_arrival(code).filter(|known| Some(*known) > arrives) {
                    arrives = Some(known);
                    // A day alone is no midnight.
                    let is_time = stated.len() >= 10;
                    if at.is_some() && !is_time {
                        flags.push("arrival-day-only");
                    }
                    (leg.arrive, leg.destination) = (at.filter(|_| is_time), place.clone());
                }
            }
            _ => {}
        }
    }
    legs
}

/// From where a time of a flight is known (UN/EDIFACT 2005). The plan outranks the others: its day names the flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    Estimated,
    Actual,
    Scheduled,
}

impl Known {
    fn of_departure(code: &str) -> Option<Self> {
        match code {
            "189" => Some(Self::Scheduled),
            "136" | "186" => Some(Self::Actual),
            "133" => Some(Self::Estimated),
            _ => None,
        }
    }

    fn of_arrival(code: &str) -> Option<Self> {
        match code {
            "232" => Some(Self::Scheduled),
            "178" => Some(Self::Actual),
            "132" => Some(Self::Estimated),
            _ => None,
        }
    }
}

/// The flights from where somebody embarks to where they disembark; all of them where the list does not say.
fn travelled(legs: &[Leg], from: &str, to: &str) -> Vec<Leg> {
    let first = legs.iter().position(|leg| leg.origin == from);
    let last = legs.iter().rposition(|leg| leg.destination == to);
    match (first, last) {
        (Some(first), Some(last)) if first <= last => legs[first..=last].to_vec(),
        // Embarked before this list begins, or stays on board after it ends.
        (Some(first), None) => legs[first..].to_vec(),
        (None, Some(last)) => legs[..=last].to_vec(),
        _ => legs.to_vec(),
    }
}

/// Documents, each with the country that issued it behind it.
fn documents(own: &[Segment]) -> Result<Vec<IdClaim>, RowError> {
    let mut claims = Vec::new();
    for (at, segment) in own.iter().enumerate().filter(|(_, segment)| segment.tag() == "DOC") {
        let number = segment.at(2, 0);
        if number.is_empty() {
            continue;
        }
        let following = own[at + 1..].iter().take_while(|segment| segment.tag() != "DOC");
        let issuer = following.clone().find(|s| s.tag() == "LOC" && s.at(1, 0) == "91").map(|s| s.at(2, 0));
        let claim = document(segment.at(1, 0), number, issuer)
            .map_err(|error| RowError::field("DOC", Reason::IdentifierInvalid, format!("DOC: {error}")))?;
        claims.push(claim);
    }
    claims.truncate(8);
    Ok(claims)
}

/// A document by the letter of its kind (UN/EDIFACT 1001 and ICAO 9303).
pub(super) fn document(kind: &str, number: &str, issuer: Option<&str>) -> Result<IdClaim, domain::IdError> {
    let issuer = issuer.filter(|issuer| !issuer.is_empty());
    if matches!(issuer, Some("CHN" | "CN"))
        && let Ok(claim) = IdClaim::parse(IdScheme::CnId, number, None)
    {
        return Ok(claim);
    }
    match kind {
        "P" | "" => IdClaim::parse(IdScheme::Passport, number, issuer),
        other => IdClaim::parse(IdScheme::Other, number, Some(&format!("DOC-{other}"))),
    }
}
