//! The truth beside the feeds: persons, places, where everybody was, whom the infected met, and what it all means.

use std::collections::BTreeSet;
use std::io::{self, Write};

use domain::Sex;

use crate::Error;
use crate::clock::{self, DAY, MINUTE};
use crate::itinerary::{Plans, Stay};
use crate::outline;
use crate::people::City;
use crate::places::{PlaceKind, square};
use crate::transport;
use crate::write::{Output, person_key};

/// A contact lasts longer than this, unbroken.
const CONTACT_MIN: i64 = 10 * MINUTE;
/// Cases for which the whole square is listed, not only the same place.
const SQUARE_CASES: usize = 2;

/// The readme of a generated folder.
pub(crate) const README: &str = include_str!("city-readme.md");

fn failed(name: &str) -> impl Fn(io::Error) -> Error {
    move |source| Error::Io { path: name.into(), source }
}

/// Writes persons, phones, households and places.
pub(crate) fn registers(city: &City, plans: &Plans, output: &Output) -> Result<(), Error> {
    let mut file = output.truth("persons.csv")?;
    persons(city, plans, &mut file).map_err(failed("truth/persons.csv"))?;
    let mut file = output.truth("phones.csv")?;
    phones(city, &mut file).map_err(failed("truth/phones.csv"))?;
    let mut file = output.truth("places.csv")?;
    places(city, &mut file).map_err(failed("truth/places.csv"))?;
    let mut file = output.beside("townships.geojson")?;
    outline::write(&city.ground, &mut file).map_err(failed("townships.geojson"))
}

fn persons(city: &City, plans: &Plans, file: &mut impl Write) -> io::Result<()> {
    let mut household = vec![""; city.people.len()];
    for one in &city.households {
        for (person, _) in &one.members {
            household[*person as usize] = &one.number;
        }
    }
    writeln!(
        file,
        "person,name,earlier_name,sex,birth_date,document,number,household,head,dwelling,grid,work,phone,case_day"
    )?;
    for (index, person) in city.people.iter().enumerate() {
        let index = index as u32;
        let phone = city.phone_at(index, 0).map(|phone| city.phones[phone as usize].number.as_str());
        let case = plans.cases.iter().find(|case| case.person == index);
        writeln!(
            file,
            "{},{},{},{},{},{},{},{},{},{},{},{},{},{}",
            person_key(index),
            person.name.whole(),
            person.earlier_name.as_ref().map(|name| name.whole()).unwrap_or_default(),
            if person.sex == Sex::Male { "M" } else { "F" },
            clock::day_text(i64::from(person.birth), "-"),
            person.document.kind(),
            person.document.number(),
            household[index as usize],
            person_key(person.head),
            person.home,
            city.grid_of(person.home).code,
            person.work.map(|place| place.to_string()).unwrap_or_default(),
            phone.unwrap_or_default(),
            case.map(|case| clock::date(case.day * DAY)).unwrap_or_default(),
        )?;
    }
    file.flush()
}

fn phones(city: &City, file: &mut impl Write) -> io::Result<()> {
    let mut users = vec![None; city.phones.len()];
    for (index, person) in city.people.iter().enumerate() {
        for phone in person.phones.iter().chain(&person.old_phone) {
            users[*phone as usize] = Some(index as u32);
        }
    }
    writeln!(file, "number,user,holder,opened,closed,located")?;
    for (phone, user) in city.phones.iter().zip(users) {
        let holder = match phone.holder {
            crate::people::Holder::Person(person) => person_key(person),
            crate::people::Holder::Company(company) => format!("C{company:05}"),
        };
        let user = user.map(person_key).unwrap_or_default();
        let (opened, closed) = (clock::iso(phone.opened), phone.closed.map(clock::iso).unwrap_or_default());
        writeln!(file, "{},{user},{holder},{opened},{closed},{}", phone.number, phone.located)?;
    }
    file.flush()
}

fn places(city: &City, file: &mut impl Write) -> io::Result<()> {
    writeln!(file, "place,kind,name,grid,lat,lon,square_row,square_column,cell,gate")?;
    for (index, place) in city.ground.places.iter().enumerate() {
        let (row, column) = square(place.lat, place.lon);
        writeln!(
            file,
            "{index},{},{},{},{:.6},{:.6},{row},{column},{},{}",
            place.kind.code(),
            place.name,
            city.ground.grids[place.grid as usize].code,
            place.lat,
            place.lon,
            city.ground.cells[place.cell as usize].id,
            place.gate.map(|gate| city.ground.gates[gate as usize].id.as_str()).unwrap_or_default(),
        )?;
    }
    file.flush()
}

/// Writes itineraries and contacts, day by day.
pub(crate) struct Movements<W: Write> {
    itinerary: W,
    contacts: W,
}

impl Movements<std::io::BufWriter<std::fs::File>> {
    pub(crate) fn create(output: &Output) -> Result<Self, Error> {
        let (mut itinerary, mut contacts) = (output.truth("itinerary.csv")?, output.truth("contacts.csv")?);
        itinerary.write_all(b"person,place,start,end\n").map_err(failed("truth/itinerary.csv"))?;
        contacts.write_all(b"case,person,kind,place,start,end,minutes\n").map_err(failed("truth/contacts.csv"))?;
        Ok(Self { itinerary, contacts })
    }
}

impl<W: Write> Movements<W> {
    /// Adds a day.
    pub(crate) fn day(&mut self, city: &City, plans: &Plans, day: i64, stays: &[Stay]) -> Result<(), Error> {
        self.stays(stays).map_err(failed("truth/itinerary.csv"))?;
        self.met(city, plans, day, stays).map_err(failed("truth/contacts.csv"))
    }

    /// Adds who sat in one carriage with a case, and closes the files.
    pub(crate) fn finish(mut self, plans: &Plans) -> Result<(), Error> {
        self.carriages(plans).map_err(failed("truth/contacts.csv"))?;
        self.itinerary.flush().and_then(|()| self.contacts.flush()).map_err(failed("truth"))
    }

    fn stays(&mut self, stays: &[Stay]) -> io::Result<()> {
        for stay in stays {
            let (person, start, end) = (person_key(stay.person), clock::iso(stay.start), clock::iso(stay.end));
            writeln!(self.itinerary, "{person},{},{},{}", stay.place, &start[..16], &end[..16])?;
        }
        Ok(())
    }

    fn met(&mut self, city: &City, plans: &Plans, day: i64, stays: &[Stay]) -> io::Result<()> {
        let at = |stay: &Stay| {
            let place = &city.ground.places[stay.place as usize];
            square(place.lat, place.lon)
        };
        for (index, case) in plans.cases.iter().enumerate() {
            if !(case.day - 2..=case.day).contains(&day) {
                continue;
            }
            let whole_square = index < SQUARE_CASES && day == case.day - 1;
            for own in stays.iter().filter(|stay| stay.person == case.person) {
                let own_square = at(own);
                for other in stays.iter().filter(|stay| stay.person != case.person) {
                    let (start, end) = (own.start.max(other.start), own.end.min(other.end));
                    if end - start <= CONTACT_MIN {
                        continue;
                    }
                    let kind = if other.place == own.place {
                        let kind = city.ground.places[own.place as usize].kind;
                        if kind == PlaceKind::Dwelling { "dwelling" } else { "place" }
                    } else if whole_square && at(other) == own_square {
                        "square"
                    } else {
                        continue;
                    };
                    self.contact(case.person, other.person, kind, &other.place.to_string(), start, end)?;
                }
            }
        }
        Ok(())
    }

    fn carriages(&mut self, plans: &Plans) -> io::Result<()> {
        let seats = transport::seats(plans);
        let cases: BTreeSet<u32> = plans.cases.iter().map(|case| case.person).collect();
        for ((case, _), (ride, carriage, _)) in seats.iter().filter(|((person, _), _)| cases.contains(person)) {
            for ((other, _), (also, same, _)) in &seats {
                let together = (also.day, also.out, also.run) == (ride.day, ride.out, ride.run) && same == carriage;
                if other != case && together {
                    let (start, end) = ride.times();
                    let run = format!("{} {carriage}", ride.run().numbers);
                    self.contact(*case, *other, "carriage", &run, start, end)?;
                }
            }
        }
        Ok(())
    }

    fn contact(&mut self, case: u32, person: u32, kind: &str, place: &str, start: i64, end: i64) -> io::Result<()> {
        let (case, person) = (person_key(case), person_key(person));
        let (from, to, minutes) = (clock::iso(start), clock::iso(end), (end - start) / MINUTE);
        writeln!(self.contacts, "{case},{person},{kind},{place},{},{},{minutes}", &from[..16], &to[..16])
    }
}
