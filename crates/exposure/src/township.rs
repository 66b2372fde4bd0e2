//! Townships by their boundaries, as a GeoJSON file gives them.
//!
//! Not here: townships by code, which registers state and which holds where no boundary says otherwise.

use std::f64::consts::TAU;

use geo::{
    Area, BooleanOps, BoundingRect, Coord, Intersects, LineString, MapCoords, MultiPolygon, Point, Polygon, Rect,
};
use geojson::{Feature, FeatureCollection, JsonObject};

use crate::Disc;

/// Digits of the division code of a township; longer codes are of what lies in it.
pub const TOWNSHIP_DIGITS: usize = 9;
/// Corners of the polygon that stands for a disc: its area is 0.2 % too small, and so is that of each part.
const CORNERS: u32 = 64;
/// Metres of a degree of latitude. Only shares are told, for which the nearest thousandth is enough.
const METRES_PER_DEGREE: f64 = 111_195.0;

/// Why boundaries cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TownshipsError {
    /// Not GeoJSON, or not a collection of features; the cause says where.
    #[error("this is no GeoJSON FeatureCollection")]
    Syntax(#[source] Box<geojson::Error>),
    /// A feature is no township.
    #[error("feature {number} {fault}")]
    Feature {
        /// Which, from 1.
        number: usize,
        /// What is wrong with it, and what would do.
        fault: &'static str,
    },
}

/// A township.
#[derive(Clone, Debug, PartialEq)]
pub struct Township {
    /// Division code, 9 digits.
    pub code: String,
    /// Its name.
    pub name: Option<String>,
    /// What it covers: WGS-84, degrees east and north.
    pub area: MultiPolygon,
    bounds: Rect,
}

/// All townships whose boundaries are known, by code; none where no file gives them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Townships(Vec<Township>);

impl Townships {
    /// Reads a `FeatureCollection` of `Polygon` and `MultiPolygon` features in WGS-84 (RFC 7946), each with the properties `code` (the
    /// division code, 9 digits) and, if it has one, `name`.
    ///
    /// # Errors
    /// When the text is nothing of the kind, a feature is no township, or a code is there twice.
    pub fn parse(text: &str) -> Result<Self, TownshipsError> {
        let syntax = |error| TownshipsError::Syntax(Box::new(error));
        let collection: FeatureCollection =
            text.parse::<geojson::GeoJson>().and_then(TryInto::try_into).map_err(syntax)?;
        let mut all = Vec::with_capacity(collection.features.len());
        for (number, feature) in (1..).zip(collection.features) {
            let fault = |fault| TownshipsError::Feature { number, fault };
            let properties = feature.properties.unwrap_or_default();
            let code = code(&properties).ok_or(fault("has no `code` of 9 digits among its properties"))?;
            let name = properties.get("name").and_then(|name| name.as_str()).map(str::to_owned);
            let geometry = feature.geometry.and_then(|geometry| geo::Geometry::<f64>::try_from(geometry).ok());
            let area = match geometry {
                Some(geo::Geometry::Polygon(polygon)) => MultiPolygon::from(polygon),
                Some(geo::Geometry::MultiPolygon(area)) => area,
                _ => return Err(fault("is neither a Polygon nor a MultiPolygon")),
            };
            let bounds = area.bounding_rect().ok_or(fault("covers nothing"))?;
            let on_earth = bounds.min().x >= -180.0 && bounds.max().x <= 180.0;
            if !on_earth || bounds.min().y < -90.0 || bounds.max().y > 90.0 {
                return Err(fault("is not in degrees east and north (WGS-84)"));
            }
            if all.iter().any(|known: &Township| known.code == code) {
                return Err(fault(
                    "has the `code` of a feature before; one township is one feature, a MultiPolygon if need be",
                ));
            }
            all.push(Township { code, name, area, bounds });
        }
        all.sort_by(|one, other| one.code.cmp(&other.code));
        Ok(Self(all))
    }

    /// All of them, by code.
    pub fn iter(&self) -> impl Iterator<Item = &Township> {
        self.0.iter()
    }

    /// The township of a code.
    pub fn find(&self, code: &str) -> Option<&Township> {
        self.0.binary_search_by(|one| one.code.as_str().cmp(code)).ok().map(|index| &self.0[index])
    }

    /// All of them as GeoJSON, as [`Townships::parse`] reads it.
    pub fn to_geojson(&self) -> FeatureCollection {
        let feature = |one: &Township| {
            let mut properties = JsonObject::new();
            properties.insert("code".to_owned(), one.code.clone().into());
            properties.extend(one.name.clone().map(|name| ("name".to_owned(), name.into())));
            let geometry = Some(geojson::Geometry::new(geojson::GeometryValue::from(&one.area)));
            Feature { geometry, properties: Some(properties), ..Feature::default() }
        };
        self.0.iter().map(feature).collect()
    }

    /// The townships that have at least this share of a disc, by code. A point on a boundary is in both.
    pub fn of(&self, disc: Disc, share_min: f64) -> impl Iterator<Item = &Township> {
        let around = around(disc);
        self.0.iter().filter(move |one| one.bounds.intersects(&around) && one.share(disc) >= share_min)
    }
}

impl Township {
    /// The share of a disc that lies in it; of a point 1 or 0.
    fn share(&self, disc: Disc) -> f64 {
        let (lon, lat) = (disc.centre.lon(), disc.centre.lat());
        if disc.radius_m <= 0.0 {
            return f64::from(u8::from(self.area.intersects(&Point::new(lon, lat))));
        }
        // In metres around the centre.
        let east = METRES_PER_DEGREE * lat.to_radians().cos();
        let flat =
            self.area.map_coords(|Coord { x, y }| Coord { x: (x - lon) * east, y: (y - lat) * METRES_PER_DEGREE });
        let corner = |number: u32| {
            let angle = f64::from(number) / f64::from(CORNERS) * TAU;
            Coord { x: disc.radius_m * angle.cos(), y: disc.radius_m * angle.sin() }
        };
        let circle = MultiPolygon::from(Polygon::new(LineString::from_iter((0..CORNERS).map(corner)), Vec::new()));
        circle.intersection(&flat).unsigned_area() / circle.unsigned_area()
    }
}

/// The division code among the properties of a feature, as text or as a number.
fn code(properties: &JsonObject) -> Option<String> {
    let code = match properties.get("code")? {
        geojson::JsonValue::String(code) => code.clone(),
        geojson::JsonValue::Number(code) => code.to_string(),
        _ => return None,
    };
    (code.len() == TOWNSHIP_DIGITS && code.bytes().all(|digit| digit.is_ascii_digit())).then_some(code)
}

/// A rectangle in degrees that holds the disc.
fn around(Disc { centre, radius_m }: Disc) -> Rect {
    let north = radius_m.max(0.0) / METRES_PER_DEGREE;
    let east = north / centre.lat().to_radians().cos();
    let at = |sign: f64| Coord { x: centre.lon() + sign * east, y: centre.lat() + sign * north };
    Rect::new(at(-1.0), at(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Position;

    /// Two squares of 0.02 degrees, side by side at 120.02 degrees east, the second in two parts.
    const TWO: &str = r#"{"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {"code": "320588002", "name": "河东街道"}, "geometry": {"type": "MultiPolygon", "coordinates": [
            [[[120.02, 31.0], [120.04, 31.0], [120.04, 31.02], [120.02, 31.02], [120.02, 31.0]]],
            [[[121.0, 31.0], [121.1, 31.0], [121.1, 31.1], [121.0, 31.0]]]]}},
        {"type": "Feature", "properties": {"code": 320588001}, "geometry": {"type": "Polygon", "coordinates": [
            [[120.0, 31.0], [120.02, 31.0], [120.02, 31.02], [120.0, 31.02], [120.0, 31.0]]]}}]}"#;

    fn codes(lon: f64, radius_m: f64, share_min: f64) -> Vec<String> {
        let disc = Disc { centre: Position::new(31.01, lon).expect("a position"), radius_m };
        Townships::parse(TWO).expect("sound").of(disc, share_min).map(|one| one.code.clone()).collect()
    }

    #[test]
    fn a_point_is_in_the_township_around_it_and_on_a_boundary_in_both() {
        assert_eq!(codes(120.01, 0.0, 0.5), ["320588001"]);
        assert_eq!(codes(120.03, 0.0, 0.5), ["320588002"]);
        assert_eq!(codes(120.02, 0.0, 0.5), ["320588001", "320588002"]);
        assert_eq!(codes(120.05, 0.0, 0.5), [""; 0]);
        let all = Townships::parse(TWO).expect("sound");
        assert_eq!(Townships::parse(&all.to_geojson().to_string()).expect("the same"), all);
        assert_eq!(all.find("320588002").and_then(|one| one.name.clone()), Some("河东街道".to_owned()));
    }

    #[test]
    fn a_disc_is_in_each_township_that_has_enough_of_it() {
        // 48 metres west of the boundary, of a radius of 500: some 56 % lie in the west.
        for (share_min, expected) in [(0.40, 2), (0.5, 1), (0.55, 1), (0.6, 0)] {
            let found = codes(120.019_5, 500.0, share_min);
            assert_eq!(found.len(), expected, "{share_min}");
            assert!(found.is_empty() || found[0] == "320588001");
        }
        assert_eq!(codes(120.01, 500.0, 0.999), ["320588001"]);
    }

    #[test]
    fn what_is_no_township_is_told_with_its_place() {
        for (from, to, told) in [
            ("\"code\": 320588001", "\"code\": 320588", "feature 2 has no `code` of 9 digits among its properties"),
            (
                "320588001",
                "320588002",
                "feature 2 has the `code` of a feature before; one township is one feature, a MultiPolygon if need be",
            ),
            ("[120.0, 31.0], [120.02", "[420.0, 31.0], [120.02", "feature 2 is not in degrees east and north (WGS-84)"),
            ("FeatureCollection", "Collection", "this is no GeoJSON FeatureCollection"),
        ] {
            assert_eq!(Townships::parse(&TWO.replace(from, to)).expect_err(to).to_string(), told);
        }
        let point = r#"{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"code": "320588001"}, "geometry": {"type": "Point", "coordinates": [120, 31]}}]}"#;
        assert_eq!(
            Townships::parse(point).expect_err("a point").to_string(),
            "feature 1 is neither a Polygon nor a MultiPolygon"
        );
    }
}
