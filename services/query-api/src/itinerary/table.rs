//! An itinerary as a table: one line for each item, in order of time.

use serde_json::Value;

use super::{ItemView, ItineraryAnswer};
use crate::call::Failure;
use crate::happening::Happening;
use crate::problem::Problem;
use crate::view::harmless;

const COLUMNS: [&str; 20] = [
    "line",
    "kind",
    "group",
    "from",
    "to",
    "place_id",
    "place",
    "division_code",
    "lat",
    "lon",
    "radius_m",
    "squares",
    "detail",
    "status",
    "confidence",
    "silent",
    "silences",
    "doubtful",
    "contradicts",
    "events",
];

/// The lines, with a header. A gap is a line, too.
pub(super) fn rows(answer: &ItineraryAnswer) -> Result<String, Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let mut written = writer.write_record(COLUMNS);
    for (index, item) in answer.items.iter().enumerate() {
        let against: Vec<String> = answer
            .contradictions
            .iter()
            .filter_map(|pair| match (pair.one == index, pair.other == index) {
                (true, _) => Some(pair.other.to_string()),
                (_, true) => Some(pair.one.to_string()),
                _ => None,
            })
            .collect();
        written = written.and_then(|()| writer.write_record(line(index, item, &against.join(" ")).map(harmless)));
    }
    let bytes = written.and_then(|()| writer.into_inner().map_err(|error| error.into_error().into()));
    bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| Problem::Internal.into())
}

fn line(index: usize, item: &ItemView, against: &str) -> [String; COLUMNS.len()] {
    let place = item.place.as_ref();
    let text = |value: Option<&String>| value.cloned().unwrap_or_default();
    let number = |value: Option<f64>| value.map(|value| value.to_string()).unwrap_or_default();
    let squares: Vec<String> =
        item.squares.iter().map(|one| format!("{}/{}:{:.2}", one.row, one.column, one.share)).collect();
    let events: Vec<String> = item.facts.iter().map(|fact| fact.event_id.to_string()).collect();
    // Intervals of ISO 8601.
    let silences: Vec<String> = item.silences.iter().map(|one| format!("{}/{}", one.from, one.to)).collect();
    let (detail, status) = item.what.as_ref().map(detail).unwrap_or_default();
    [
        index.to_string(),
        item.kind.to_owned(),
        item.group.map(|group| group.code().to_owned()).unwrap_or_default(),
        item.from.clone(),
        item.to.clone(),
        text(place.and_then(|place| place.place_id.as_ref())),
        text(place.and_then(|place| place.name.as_ref())),
        text(place.and_then(|place| place.division_code.as_ref())),
        number(place.and_then(|place| place.lat)),
        number(place.and_then(|place| place.lon)),
        number(place.and_then(|place| place.radius_m).map(f64::from)),
        squares.join(" "),
        detail,
        status,
        item.confidence.map(|sure| format!("{sure:.2}")).unwrap_or_default(),
        item.silent.map(|silent| silent.to_string()).unwrap_or_default(),
        silences.join(" "),
        item.doubtful.as_ref().map(|doubt| doubt.reason.to_owned()).unwrap_or_default(),
        against.to_owned(),
        events.join(" "),
    ]
}

/// What happened in a few words, and what became of it.
fn detail(what: &Happening) -> (String, String) {
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    match what {
        Happening::Trip(trip) => {
            let name = |place: &crate::happening::PlaceView| place.name.clone().unwrap_or_default();
            let seat = [&trip.carriage, &trip.seat].map(|part| part.clone().unwrap_or_default()).join("/");
            let run = format!("{} {}", trip.service_date, trip.numbers.join("/"));
            (format!("{run} {} - {} {seat}", name(&trip.origin), name(&trip.destination)), word(&trip.status))
        }
        Happening::Encounter(stay) => (stay.ward_bed.clone().unwrap_or_default(), word(&stay.action)),
        Happening::Test(test) => (test.code.clone(), word(&test.result)),
        Happening::Payment(payment) => (payment.terminal_id.clone().unwrap_or_default(), word(&payment.channel)),
        Happening::Gate(gate) => (format!("{} {}", gate.gate_id, word(&gate.direction)), word(&gate.decision)),
        Happening::Presence(_) | Happening::Household(_) | Happening::Case(_) => (String::new(), String::new()),
    }
}
