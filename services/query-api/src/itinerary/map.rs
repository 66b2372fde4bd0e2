//! An itinerary as GeoJSON (RFC 7946). Every item is a feature; one whose position is not known has no geometry.

use serde_json::{Map, Value, json};

use super::{Bounds, ItemView, ItineraryAnswer};
use crate::happening::{Happening, PlaceView};

/// The FeatureCollection.
pub(super) fn collection(answer: &ItineraryAnswer) -> Value {
    let features: Vec<Value> = answer.items.iter().enumerate().map(|(index, item)| feature(index, item)).collect();
    let mut members = json(answer);
    members.remove("items");
    members.insert("type".to_owned(), "FeatureCollection".into());
    members.insert("features".to_owned(), features.into());
    Value::Object(members)
}

fn feature(index: usize, item: &ItemView) -> Value {
    json!({ "type": "Feature", "id": index, "geometry": geometry(item), "properties": json(item) })
}

/// The squares of a stay, the point of what happened in a place, the line of a journey.
fn geometry(item: &ItemView) -> Value {
    let point = item.place.as_ref().and_then(position);
    match (&item.what, item.kind, item.bounds.as_slice()) {
        (Some(Happening::Trip(trip)), ..) => match (position(&trip.origin), position(&trip.destination)) {
            (Some(from), Some(to)) => json!({ "type": "LineString", "coordinates": [from, to] }),
            _ => Value::Null,
        },
        (_, "stay", []) => Value::Null,
        (_, "stay", [one]) => json!({ "type": "Polygon", "coordinates": [ring(*one)] }),
        (_, "stay", many) => {
            let polygons: Vec<_> = many.iter().map(|bounds| [ring(*bounds)]).collect();
            json!({ "type": "MultiPolygon", "coordinates": polygons })
        }
        _ => point.map_or(Value::Null, |point| json!({ "type": "Point", "coordinates": point })),
    }
}

/// Longitude and latitude, in the only datum that GeoJSON knows.
fn position(place: &PlaceView) -> Option<[f64; 2]> {
    place.lat.zip(place.lon).filter(|_| place.datum == "WGS84").map(|(lat, lon)| [lon, lat])
}

/// Counter-clockwise and closed.
fn ring(((south, west), (north, east)): Bounds) -> [[f64; 2]; 5] {
    [[west, south], [east, south], [east, north], [west, north], [west, south]]
}

fn json(value: &impl serde::Serialize) -> Map<String, Value> {
    match serde_json::to_value(value) {
        Ok(Value::Object(members)) => members,
        _ => Map::new(),
    }
}
