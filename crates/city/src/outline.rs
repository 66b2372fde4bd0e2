//! Boundaries of townships: around each grid lies what is nearer to its middle than to that of any other.

use std::collections::BTreeMap;
use std::io::{self, Write};

use geo::{LineString, MultiPolygon, Polygon, unary_union};

use crate::places::Ground;

/// Half the side of what a grid covers at most, in degrees: some 900 metres.
const REACH: f64 = 0.009;
/// Digits of a township's code.
const TOWNSHIP_DIGITS: usize = 9;

type Point = (f64, f64);

/// Writes them as GeoJSON with code and name.
pub(crate) fn write(ground: &Ground, file: &mut impl Write) -> io::Result<()> {
    let mut townships: BTreeMap<&str, (&str, Vec<Polygon>)> = BTreeMap::new();
    for (index, grid) in ground.grids.iter().enumerate() {
        let corners = cell(ground, index);
        // The name goes on with that of a community.
        let end = grid.name.find(['镇', '道', '乡']).map_or(grid.name.len(), |at| at + '镇'.len_utf8());
        let township = townships.entry(&grid.code[..TOWNSHIP_DIGITS]).or_insert((&grid.name[..end], Vec::new()));
        township.1.push(Polygon::new(LineString::from(corners), Vec::new()));
    }
    writeln!(file, r#"{{"type":"FeatureCollection","features":["#)?;
    let last = townships.len();
    for (number, (code, (name, cells))) in (1..).zip(townships) {
        let coordinates = coordinates(&unary_union(&cells));
        let end = if number == last { "" } else { "," };
        writeln!(
            file,
            r#"{{"type":"Feature","properties":{{"code":"{code}","name":"{name}"}},"geometry":{{"type":"MultiPolygon","coordinates":{coordinates}}}}}{end}"#
        )?;
    }
    writeln!(file, "]}}")?;
    file.flush()
}

/// Corners of what lies nearer to a grid than to any other, in degrees east and north.
fn cell(ground: &Ground, own: usize) -> Vec<Point> {
    let middle = |index: usize| (ground.grids[index].lon, ground.grids[index].lat);
    let (x, y) = middle(own);
    let mut corners =
        vec![(x - REACH, y - REACH), (x + REACH, y - REACH), (x + REACH, y + REACH), (x - REACH, y + REACH)];
    for other in (0..ground.grids.len()).filter(|other| *other != own) {
        let (to_x, to_y) = middle(other);
        if (to_x - x).abs() < 2.0 * REACH && (to_y - y).abs() < 2.0 * REACH {
            corners = nearer(&corners, (x, y), (to_x, to_y));
        }
    }
    corners
}

/// The part of a convex polygon that is nearer to one point than to another.
fn nearer(corners: &[Point], one: Point, other: Point) -> Vec<Point> {
    // Below zero on the side of the one.
    let (dx, dy) = (other.0 - one.0, other.1 - one.1);
    let middle = (f64::midpoint(one.0, other.0), f64::midpoint(one.1, other.1));
    let side = |(x, y): Point| (x - middle.0) * dx + (y - middle.1) * dy;
    let mut kept = Vec::with_capacity(corners.len() + 1);
    for (index, from) in corners.iter().enumerate() {
        let to = corners[(index + 1) % corners.len()];
        let (here, there) = (side(*from), side(to));
        if here <= 0.0 {
            kept.push(*from);
        }
        if (here < 0.0) != (there < 0.0) && here != there {
            let share = here / (here - there);
            kept.push((from.0 + share * (to.0 - from.0), from.1 + share * (to.1 - from.1)));
        }
    }
    kept
}

fn coordinates(area: &MultiPolygon) -> String {
    let list = |parts: Vec<String>| format!("[{}]", parts.join(","));
    let ring = |line: &LineString| list(line.points().map(|at| format!("[{:.6},{:.6}]", at.x(), at.y())).collect());
    let rings =
        |polygon: &Polygon| list(std::iter::once(polygon.exterior()).chain(polygon.interiors()).map(ring).collect());
    list(area.iter().map(rings).collect())
}
