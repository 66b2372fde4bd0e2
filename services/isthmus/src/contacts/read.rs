//! Reads a file of whereabouts or pairs into what [`exposure::Index`] takes.

use std::collections::HashMap;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use domain::Timestamp;
use exposure::{FactId, Grid, Located, Overlap, PersonId, PlaceId, Position, Rules, Seconds, Square};

/// What a file says.
pub(super) struct Seen {
    /// By number, in order: numbers by their size, then texts.
    pub(super) people: Vec<String>,
    pub(super) places: Vec<Vec<Overlap>>,
    pub(super) stays: Vec<Located>,
    pub(super) rows: usize,
    /// The times are instants, and not just seconds.
    pub(super) are_instants: bool,
}

/// Columns and their other names.
const NAMES: [(Column, &[&str]); 10] = [
    (Column::Person, &["person", "person_id", "id", "user", "user_id", "resident"]),
    (Column::PersonA, &["person_a", "a", "i", "person1", "person_1", "id1", "source"]),
    (Column::PersonB, &["person_b", "b", "j", "person2", "person_2", "id2", "target"]),
    (Column::Place, &["place", "place_id", "location", "cell", "room"]),
    (Column::Lat, &["lat", "latitude"]),
    (Column::Lon, &["lon", "lng", "long", "longitude"]),
    (Column::Radius, &["radius_m", "radius"]),
    (Column::From, &["from", "start", "begin", "start_time", "t_start", "enter"]),
    (Column::To, &["to", "end", "until", "end_time", "t_end", "leave"]),
    (Column::At, &["t", "time", "timestamp"]),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Person,
    PersonA,
    PersonB,
    Place,
    Lat,
    Lon,
    Radius,
    From,
    To,
    At,
}

/// Who was there, where, and when; before numbers are given out.
struct Row {
    people: Vec<String>,
    place: Place,
    from: u32,
    /// Not known yet of a window.
    to: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Place {
    Named(String),
    /// Latitude, longitude and radius, as the bits of the numbers.
    At([u64; 3]),
    /// Wherever these two were together.
    Together,
}

/// Reads a file.
pub(super) fn read(path: &Path, window: Option<u32>, rules: &Rules) -> anyhow::Result<Seen> {
    let text = unpacked(std::fs::read(path).context("it cannot be read")?)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let first = text.lines().find(|line| !line.trim().is_empty()).context("it is empty")?;
    let delimiter = [',', ';', '\t'].into_iter().find(|delimiter| first.contains(*delimiter));
    let heads = split(first, delimiter);
    let has_header = heads.iter().all(|cell| number(cell).is_none());
    let columns = if has_header {
        columns(&heads)?
    } else {
        vec![Some(Column::At), Some(Column::PersonA), Some(Column::PersonB)]
    };
    let mut rows = Vec::new();
    let mut are_instants = false;
    for (index, line) in
        text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).skip(usize::from(has_header))
    {
        let cells = split(line, delimiter);
        let row = row(&cells, &columns, &mut are_instants).with_context(|| format!("line {}", index + 1))?;
        rows.push(row);
    }
    ensure!(!rows.is_empty(), "it has no rows");
    close_windows(&mut rows, window)?;
    numbered(rows, are_instants, rules)
}

/// The text of a file, which may be packed.
fn unpacked(bytes: Vec<u8>) -> anyhow::Result<String> {
    let mut plain = Vec::new();
    if bytes.starts_with(&[0x1f, 0x8b]) {
        flate2::read::MultiGzDecoder::new(bytes.as_slice())
            .read_to_end(&mut plain)
            .context("it is no sound gzip file")?;
    } else if bytes.starts_with(b"PK\x03\x04") {
        let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).context("it is no sound zip file")?;
        ensure!(archive.len() == 1, "it is an archive of {} files: unpack it and name one of them", archive.len());
        archive.by_index(0)?.read_to_end(&mut plain).context("it is no sound zip file")?;
    } else {
        plain = bytes;
    }
    String::from_utf8(plain).context("it is no text in UTF-8")
}

fn split(line: &str, delimiter: Option<char>) -> Vec<String> {
    let plain = |cell: &str| cell.trim().trim_matches('"').trim().to_owned();
    match delimiter {
        Some(delimiter) => line.split(delimiter).map(plain).collect(),
        None => line.split_whitespace().map(plain).collect(),
    }
}

fn columns(heads: &[String]) -> anyhow::Result<Vec<Option<Column>>> {
    let column = |head: &String| {
        let head = head.to_lowercase();
        NAMES.iter().find(|(_, names)| names.contains(&head.as_str())).map(|(column, _)| *column)
    };
    let columns: Vec<Option<Column>> = heads.iter().map(column).collect();
    let has = |wanted: &[Column]| wanted.iter().all(|column| columns.contains(&Some(*column)));
    let who = has(&[Column::PersonA, Column::PersonB]) || has(&[Column::Person]);
    let place = has(&[Column::PersonA, Column::PersonB]) || has(&[Column::Place]) || has(&[Column::Lat, Column::Lon]);
    let when = has(&[Column::From, Column::To]) || has(&[Column::At, Column::PersonA]);
    if !(who && place && when) {
        bail!(
            "its columns are {}: a file of whereabouts has person, place (or lat and lon), from and to; a file of pairs has \
             person_a, person_b, from and to",
            heads.join(", ")
        );
    }
    Ok(columns)
}

fn row(cells: &[String], columns: &[Option<Column>], are_instants: &mut bool) -> anyhow::Result<Row> {
    let find = |wanted: Column| {
        let index = columns.iter().position(|column| *column == Some(wanted))?;
        cells.get(index).map(String::as_str).filter(|cell| !cell.is_empty())
    };
    let need = |wanted: Column| {
        let name = NAMES.iter().find(|(column, _)| *column == wanted).map_or("", |(_, names)| names[0]);
        find(wanted).with_context(|| format!("the column `{name}` is empty"))
    };
    let mut second = |text: &str| {
        let (second, is_instant) = second(text)?;
        *are_instants |= is_instant;
        anyhow::Ok(second)
    };
    let (from, to) = match find(Column::From) {
        Some(from) => (second(from)?, Some(second(need(Column::To)?)?)),
        None if columns.contains(&Some(Column::From)) => bail!("the column `from` is empty"),
        None => (second(need(Column::At)?)?, None),
    };
    ensure!(to.is_none_or(|to| from <= to), "the end lies before the begin");
    if columns.contains(&Some(Column::PersonA)) {
        let (one, other) = (need(Column::PersonA)?.to_owned(), need(Column::PersonB)?.to_owned());
        ensure!(one != other, "both persons are the same");
        return Ok(Row { people: vec![one, other], place: Place::Together, from, to });
    }
    let place = match (find(Column::Lat), find(Column::Lon)) {
        (Some(lat), Some(lon)) => {
            let degrees = |text: &str| number(text).with_context(|| format!("`{text}` is no number of degrees"));
            let radius =
                find(Column::Radius).map(|text| number(text).with_context(|| format!("`{text}` is no radius")));
            Place::At([degrees(lat)?, degrees(lon)?, radius.transpose()?.unwrap_or(0.0)].map(f64::to_bits))
        }
        _ => Place::Named(find(Column::Place).context("neither a place nor lat and lon are given")?.to_owned()),
    };
    Ok(Row { people: vec![need(Column::Person)?.to_owned()], place, from, to })
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Seconds, and whether an instant was written.
fn second(text: &str) -> anyhow::Result<(u32, bool)> {
    let wrong = || format!("`{text}` is no time: write seconds, or 2022-03-01T08:00:00Z");
    let (seconds, is_instant) = match number(text) {
        // Milliseconds since 1970 are longer than seconds will ever be.
        Some(number) if number >= 1e11 => (number / 1_000.0, true),
        Some(number) => (number, false),
        None => {
            let written = text.replacen(' ', "T", 1);
            let zoned = Timestamp::parse(&written).or_else(|_| Timestamp::parse(&format!("{written}Z")));
            let minutes = zoned.or_else(|_| Timestamp::parse(&format!("{written}:00Z")));
            (minutes.ok().with_context(wrong)?.as_millis() as f64 / 1_000.0, true)
        }
    };
    ensure!((0.0..f64::from(u32::MAX)).contains(&seconds), wrong());
    Ok((seconds as u32, is_instant))
}

/// A row with one time is a window that ends then; the windows of a file are as long as its times are apart.
fn close_windows(rows: &mut [Row], window: Option<u32>) -> anyhow::Result<()> {
    let mut times: Vec<u32> = rows.iter().filter(|row| row.to.is_none()).map(|row| row.from).collect();
    times.sort_unstable();
    times.dedup();
    let step = times.windows(2).map(|pair| pair[1] - pair[0]).reduce(greatest_common_divisor);
    let length = match window.or(step) {
        Some(length) => length,
        None if times.is_empty() => return Ok(()),
        None => bail!("all its rows are of one time: say with --window-s how long a window is"),
    };
    for row in rows.iter_mut().filter(|row| row.to.is_none()) {
        row.to = Some(row.from);
        row.from = row.from.saturating_sub(length);
    }
    Ok(())
}

fn greatest_common_divisor(one: u32, other: u32) -> u32 {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}

fn numbered(rows: Vec<Row>, are_instants: bool, rules: &Rules) -> anyhow::Result<Seen> {
    let mut people: Vec<String> = rows.iter().flat_map(|row| &row.people).cloned().collect();
    people.sort_by(|one, other| {
        let size = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
        (size(one), one).cmp(&(size(other), other))
    });
    people.dedup();
    let by_name: HashMap<&str, u32> = people.iter().enumerate().map(|(n, name)| (name.as_str(), n as u32)).collect();
    let mut numbers: HashMap<(Place, Vec<u32>), PlaceId> = HashMap::new();
    let (mut places, mut stays) = (Vec::new(), Vec::with_capacity(rows.len()));
    for (index, row) in rows.iter().enumerate() {
        let mut who: Vec<u32> = row.people.iter().filter_map(|name| by_name.get(name.as_str()).copied()).collect();
        who.sort_unstable();
        let together = if row.place == Place::Together { who.clone() } else { Vec::new() };
        let place = match numbers.get(&(row.place.clone(), together.clone())) {
            Some(known) => *known,
            None => {
                let number = PlaceId(places.len() as u32);
                places.push(squares(&row.place, number, rules)?);
                numbers.insert((row.place.clone(), together), number);
                number
            }
        };
        let (span, fact) = (Seconds { from: row.from, to: row.to.unwrap_or(row.from) }, FactId(index as u32));
        stays.extend(who.into_iter().map(|person| Located {
            person: PersonId(person),
            place,
            span,
            confidence: 1.0,
            fact,
        }));
    }
    Ok(Seen { rows: rows.len(), people, places, stays, are_instants })
}

/// The squares of a place. One without a position has a square of its own, which is nowhere on earth and has no neighbours.
fn squares(place: &Place, number: PlaceId, rules: &Rules) -> anyhow::Result<Vec<Overlap>> {
    let Place::At(bits) = place else {
        let unfit =
            "its places have no position, so no neighbouring squares: set contact.neighbours = false in the rules";
        ensure!(!rules.contact.neighbours, unfit);
        return Ok(vec![Overlap { square: Square { row: i32::MIN, column: number.0 as i32 }, share: 1.0 }]);
    };
    let [lat, lon, radius] = bits.map(f64::from_bits);
    let position = Position::new(lat, lon)?;
    Ok(Grid::new(&rules.square).disc(position, radius)?)
}
