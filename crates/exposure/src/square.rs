//! Grid squares on the WGS-84 ellipsoid.
//!
//! The row counts sides of meridian arc from the equator; the column counts sides along the parallel in the middle of
//! the row, from Greenwich. So a square has its side everywhere, which a square of a Mercator map has not. The price:
//! columns of two rows do not lie above each other, so neighbours are found by geometry and never by adding to a column.
//! The column that the antimeridian cuts is narrower.
//!
//! Not here: datums (connectors turn coordinates into WGS-84) and townships.

use std::f64::consts::{PI, TAU};

use serde::{Deserialize, Serialize};

/// Beyond this latitude, north or south, there are no squares: parallels become too short for columns.
pub const LATITUDE_MAX: f64 = 85.0;
/// A disc may overlap so many squares; a larger one says nothing about where somebody is.
const OVERLAPS_MAX: f64 = 20_000.0;

/// Semi-major axis of the ellipsoid in metres.
const A: f64 = 6_378_137.0;
/// Flattening.
const F: f64 = 1.0 / 298.257_223_563;
/// Square of the first eccentricity.
const E2: f64 = F * (2.0 - F);
/// Third flattening.
const N: f64 = F / (2.0 - F);

/// Why a position has no square.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum SquareError {
    /// Not a latitude, or too near to a pole.
    #[error("a latitude must be between -85 and 85 degrees")]
    Latitude,
    /// Not a longitude.
    #[error("a longitude must be between -180 and 180 degrees")]
    Longitude,
    /// Not a radius, or one that covers too much to mean a place.
    #[error("a radius must be at least 0 metres, and not so large that the disc covers more than 20000 squares")]
    Radius,
}

/// A point on the ellipsoid, in WGS-84.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Degrees north.
    lat: f64,
    /// Degrees east, from -180 up to 180, which is -180.
    lon: f64,
}

impl Position {
    /// From degrees.
    ///
    /// # Errors
    /// When the numbers are no coordinates, or too near to a pole.
    pub fn new(lat: f64, lon: f64) -> Result<Self, SquareError> {
        if !(-LATITUDE_MAX..=LATITUDE_MAX).contains(&lat) {
            return Err(SquareError::Latitude);
        }
        if !(-180.0..=180.0).contains(&lon) {
            return Err(SquareError::Longitude);
        }
        Ok(Self { lat, lon: if lon == 180.0 { -180.0 } else { lon } })
    }

    /// Degrees north.
    pub const fn lat(self) -> f64 {
        self.lat
    }

    /// Degrees east.
    pub const fn lon(self) -> f64 {
        self.lon
    }

    /// Metres to another position: within 0.1 % up to 100 km, which is far enough to say that two places are not one.
    pub fn distance_m(self, other: Self) -> f64 {
        let north = meridian_arc(other.lat.to_radians()) - meridian_arc(self.lat.to_radians());
        let middle = f64::midpoint(self.lat, other.lat).to_radians();
        let east = turned(other.lon.to_radians() - self.lon.to_radians()) * parallel_radius(middle);
        north.hypot(east)
    }
}

/// A square of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Square {
    /// Sides north of the equator.
    pub row: i32,
    /// Sides east of Greenwich, along the parallel in the middle of the row.
    pub column: i32,
}

/// A square that a disc overlaps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Overlap {
    /// Which.
    pub square: Square,
    /// Share of the disc's area that lies in it.
    pub share: f64,
}

impl crate::SquareRules {
    /// The overlaps that count: those of a share large enough, and the largest in any case.
    pub fn counted<'a>(&self, overlaps: &'a [Overlap]) -> impl Iterator<Item = &'a Overlap> {
        let largest = overlaps.iter().map(|overlap| overlap.share).fold(0.0, f64::max);
        let least = self.share_min.min(largest);
        overlaps.iter().filter(move |overlap| overlap.share >= least)
    }
}

/// All squares of one side.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    side_m: f64,
}

impl Grid {
    /// The grid of the rules.
    pub const fn new(rules: &crate::SquareRules) -> Self {
        Self { side_m: rules.side_m }
    }

    /// The square of a point. A point on a line belongs to the square north and east of it.
    pub fn at(self, position: Position) -> Square {
        let row = (meridian_arc(position.lat.to_radians()) / self.side_m).floor() as i32;
        let column = (position.lon.to_radians() * self.row_radius(row) / self.side_m).floor() as i32;
        Square { row, column }
    }

    /// South-west and north-east corner, in degrees (latitude, longitude). The antimeridian cuts a square off.
    pub fn corners(self, square: Square) -> ((f64, f64), (f64, f64)) {
        let latitude = |row: i32| latitude_of_arc(f64::from(row) * self.side_m).to_degrees();
        let (west, east) = self.longitudes(square);
        ((latitude(square.row), west.to_degrees()), (latitude(square.row + 1), east.to_degrees()))
    }

    /// All squares less than a side away, north or south and east or west; in order, without the square itself. Whoever
    /// is within a side of somebody is in the same square or in one of these.
    pub fn neighbours(self, square: Square) -> Vec<Square> {
        let (west, east) = self.longitudes(square);
        let own_width = self.width(square.row);
        let mut found = Vec::with_capacity(10);
        for row in square.row - 1..=square.row + 1 {
            // A millimetre, so that the square after the next of a row is none, however the last bit was rounded.
            let side = f64::midpoint(own_width, self.width(row)) - 1e-3 / self.row_radius(row);
            let near = |other: &Square| {
                let (other_west, other_east) = self.longitudes(*other);
                let apart = turned(f64::midpoint(other_west, other_east) - f64::midpoint(west, east)).abs();
                apart < f64::midpoint(other_east - other_west, east - west) + side
            };
            let columns = self.column(row, west) - 2..=self.column(row, east) + 2;
            found.extend(columns.map(|column| self.wrapped(row, column)).filter(near));
        }
        found.sort_unstable();
        found.dedup();
        found.retain(|other| *other != square);
        found
    }

    /// The squares that a disc overlaps, with the share of its area in each; the shares add up to 1. A radius of 0
    /// means the point.
    ///
    /// # Errors
    /// When the radius is not usable, or the disc reaches beyond the squares.
    pub fn disc(self, centre: Position, radius_m: f64) -> Result<Vec<Overlap>, SquareError> {
        if !(radius_m >= 0.0 && PI * (radius_m / self.side_m).powi(2) <= OVERLAPS_MAX) {
            return Err(SquareError::Radius);
        }
        if radius_m == 0.0 {
            return Ok(vec![Overlap { square: self.at(centre), share: 1.0 }]);
        }
        let northing = meridian_arc(centre.lat.to_radians());
        if northing.abs() + radius_m > meridian_arc(LATITUDE_MAX.to_radians()) {
            return Err(SquareError::Latitude);
        }
        let lon = centre.lon.to_radians();
        let (south, north) = (northing - radius_m, northing + radius_m);
        let mut found: Vec<Overlap> = Vec::new();
        for row in (south / self.side_m).floor() as i32..=(north / self.side_m).floor() as i32 {
            let radius = self.row_radius(row);
            let reach = radius_m / radius;
            let low = f64::from(row) * self.side_m - northing;
            // Two more on each side: the antimeridian cuts the columns at both ends.
            for column in self.column(row, lon - reach) - 2..=self.column(row, lon + reach) + 2 {
                let square = self.wrapped(row, column);
                let (west, east) = self.longitudes(square);
                let left = turned(west - lon) * radius;
                let right = left + (east - west) * radius;
                let share =
                    disc_in_rectangle(radius_m, (left, right), (low, low + self.side_m)) / (PI * radius_m.powi(2));
                if share > 0.0 {
                    found.push(Overlap { square, share });
                }
            }
        }
        // Around the antimeridian two columns of the count are one square.
        found.sort_unstable_by_key(|overlap| overlap.square);
        found.dedup_by_key(|overlap| overlap.square);
        Ok(found)
    }

    /// Radius of the parallel in the middle of a row.
    fn row_radius(self, row: i32) -> f64 {
        parallel_radius(latitude_of_arc((f64::from(row) + 0.5) * self.side_m))
    }

    /// Width of a square of a row in radians.
    fn width(self, row: i32) -> f64 {
        self.side_m / self.row_radius(row)
    }

    /// Column of a longitude in radians, which may lie beyond the antimeridian.
    fn column(self, row: i32, lon: f64) -> i32 {
        (lon * self.row_radius(row) / self.side_m).floor() as i32
    }

    /// Longitudes of a square in radians: west and east.
    fn longitudes(self, square: Square) -> (f64, f64) {
        let width = self.width(square.row);
        let west = f64::from(square.column) * width;
        (west.max(-PI), (west + width).min(PI))
    }

    /// The square of a column that may lie beyond the antimeridian.
    fn wrapped(self, row: i32, column: i32) -> Square {
        let width = self.width(row);
        let (first, last) = ((-PI / width).floor() as i32, (PI / width).floor() as i32);
        // The columns at both ends are cut, so one step over the line leads to the other end.
        let column = match column {
            beyond if beyond > last => first + (beyond - last - 1),
            beyond if beyond < first => last - (first - beyond - 1),
            inside => inside,
        };
        Square { row, column }
    }
}

/// An angle brought to between half a turn west and half a turn east.
fn turned(angle: f64) -> f64 {
    (angle + PI).rem_euclid(TAU) - PI
}

/// Radius of the parallel at a latitude in radians.
fn parallel_radius(lat: f64) -> f64 {
    A / (1.0 - E2 * lat.sin().powi(2)).sqrt() * lat.cos()
}

/// Metres along the meridian from the equator to a latitude in radians: the usual series in the third flattening, whose
/// first left-out term is less than a micrometre.
fn meridian_arc(lat: f64) -> f64 {
    let (n2, n3, n4) = (N.powi(2), N.powi(3), N.powi(4));
    A / (1.0 + N)
        * ((1.0 + n2 / 4.0 + n4 / 64.0) * lat - (1.5 * N - 3.0 / 16.0 * n3) * (2.0 * lat).sin()
            + (15.0 / 16.0 * n2 - 15.0 / 64.0 * n4) * (4.0 * lat).sin()
            - 35.0 / 48.0 * n3 * (6.0 * lat).sin()
            + 315.0 / 512.0 * n4 * (8.0 * lat).sin())
}

/// Latitude in radians of a length of meridian arc; the inverse of [`meridian_arc`] by Newton's method.
fn latitude_of_arc(arc: f64) -> f64 {
    let mut lat = arc / A;
    for _ in 0..4 {
        let slope = A * (1.0 - E2) / (1.0 - E2 * lat.sin().powi(2)).powf(1.5);
        lat -= (meridian_arc(lat) - arc) / slope;
    }
    lat
}

/// Area of a disc around the origin within a rectangle.
fn disc_in_rectangle(radius: f64, (left, right): (f64, f64), (low, high): (f64, f64)) -> f64 {
    let corner = |x: f64, y: f64| disc_in_corner(radius, x.clamp(-radius, radius), y.clamp(-radius, radius));
    (corner(right, high) - corner(left, high) - corner(right, low) + corner(left, low)).max(0.0)
}

/// Area of a disc around the origin that lies left of `x` and below `y`.
fn disc_in_corner(radius: f64, x: f64, y: f64) -> f64 {
    // Area between the axis and the upper half circle, from 0 to `to`.
    let under = |to: f64| {
        f64::midpoint(to * (radius.powi(2) - to.powi(2)).max(0.0).sqrt(), radius.powi(2) * (to / radius).asin())
    };
    let half_chord = (radius.powi(2) - y.powi(2)).max(0.0).sqrt();
    let beyond = if x <= -half_chord {
        0.0
    } else {
        let to = x.min(half_chord);
        under(to) - under(-half_chord) - y.abs() * (to + half_chord)
    };
    if y < 0.0 { beyond } else { 2.0 * (under(x) - under(-radius)) - beyond }
}
