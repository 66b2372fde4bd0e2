//! The squares against an independent geodesy library.

use exposure::{Grid, LATITUDE_MAX, Position, Rules, Square, SquareError};
use geographiclib_rs::{Geodesic, InverseGeodesic};
use proptest::prelude::*;

const SIDE_M: f64 = 800.0;

fn grid() -> Grid {
    Grid::new(&Rules::default().square)
}

fn at(lat: f64, lon: f64) -> Position {
    Position::new(lat, lon).expect("on the grid")
}

fn metres(from: (f64, f64), to: (f64, f64)) -> f64 {
    Geodesic::wgs84().inverse(from.0, from.1, to.0, to.1)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    /// Tolerance: 1 mm from south to north; along the parallel in the middle 1 mm; along the southern and the northern
    /// side 20 cm, because parallels shorten within a row.
    #[test]
    fn a_square_has_its_side(lat in -60.0..60.0, lon in -179.9..179.9) {
        let ((south, west), (north, east)) = grid().corners(grid().at(at(lat, lon)));
        let middle = f64::midpoint(south, north);
        prop_assert!((metres((south, west), (north, west)) - SIDE_M).abs() < 0.001);
        prop_assert!((metres((middle, west), (middle, east)) - SIDE_M).abs() < 0.001);
        prop_assert!((metres((south, west), (south, east)) - SIDE_M).abs() < 0.2);
        prop_assert!((metres((north, west), (north, east)) - SIDE_M).abs() < 0.2);
    }

    #[test]
    fn a_point_lies_within_its_square(lat in -LATITUDE_MAX..LATITUDE_MAX, lon in -180.0..180.0) {
        let ((south, west), (north, east)) = grid().corners(grid().at(at(lat, lon)));
        let hair = 1e-9;
        prop_assert!(south - hair <= lat && lat <= north + hair, "{south} {lat} {north}");
        prop_assert!(west - hair <= lon && lon <= east + hair, "{west} {lon} {east}");
    }

    #[test]
    fn neighbours_are_mutual_and_near(lat in -84.0..84.0, lon in -180.0..180.0) {
        let square = grid().at(at(lat, lon));
        let neighbours = grid().neighbours(square);
        // Two in the row; three or four above and below; more where the antimeridian cuts one.
        prop_assert!((8..=14).contains(&neighbours.len()), "{neighbours:?}");
        for other in neighbours {
            prop_assert!(grid().neighbours(other).contains(&square), "{other:?} does not know {square:?}");
        }
    }

    /// Points all around, less than a side away, lie in the square or in one of its neighbours.
    #[test]
    fn nothing_near_lies_outside_of_the_neighbours(
        lat in -84.0..84.0, lon in -179.0..179.0, bearing in 0.0_f64..360.0, share in 0.0..1.0
    ) {
        let square = grid().at(at(lat, lon));
        let (north, east) = bearing.to_radians().sin_cos();
        let step = share * (SIDE_M - 1.0);
        let near = at(lat + north * step / 111_700.0, lon + east * step / 111_700.0 / lat.to_radians().cos());
        prop_assume!(metres((lat, lon), (near.lat(), near.lon())) < SIDE_M);
        let found = grid().at(near);
        prop_assert!(found == square || grid().neighbours(square).contains(&found), "{found:?} {square:?}");
    }

    #[test]
    fn the_shares_of_a_disc_add_up_to_one(lat in -84.0..84.0, lon in -180.0..180.0, radius in 0.0..5_000.0) {
        let found = grid().disc(at(lat, lon), radius).expect("a usable disc");
        let sum: f64 = found.iter().map(|overlap| overlap.share).sum();
        prop_assert!((sum - 1.0).abs() < 1e-6, "{sum}");
        prop_assert!(found.iter().any(|overlap| overlap.square == grid().at(at(lat, lon))));
    }

    /// Points of the disc, drawn evenly, fall into its squares as often as the shares say.
    #[test]
    fn a_share_is_the_part_of_the_disc_in_the_square(lat in -60.0..60.0, lon in -180.0..180.0, radius in 100.0..2_000.0) {
        let found = grid().disc(at(lat, lon), radius).expect("a usable disc");
        let mut counts = vec![0_u32; found.len()];
        let (points, golden) = (2_000, 2.399_963_229_728_653_f64);
        let (metres_north, metres_east) = per_degree(lat);
        for n in 0..points {
            let reach = radius * 0.999_9 * ((f64::from(n) + 0.5) / f64::from(points)).sqrt();
            let (sin, cos) = (f64::from(n) * golden).sin_cos();
            let east = lon + reach * cos / metres_east;
            let point = at(lat + reach * sin / metres_north, (east + 180.0).rem_euclid(360.0) - 180.0);
            let square = grid().at(point);
            let index = found.iter().position(|overlap| overlap.square == square);
            prop_assert!(index.is_some() , "{square:?} of {point:?} is missing");
            counts[index.expect("just seen")] += 1;
        }
        for (overlap, count) in found.iter().zip(counts) {
            let part = f64::from(count) / f64::from(points);
            prop_assert!((part - overlap.share).abs() < 0.01, "{overlap:?} {part}");
        }
    }

    #[test]
    fn distances_are_those_of_the_ellipsoid(lat in -60.0_f64..60.0, lon in -180.0_f64..180.0, up in -0.5_f64..0.5, side in -0.5_f64..0.5) {
        let (from, to) = (at(lat, lon), at(lat + up, (lon + side + 180.0).rem_euclid(360.0) - 180.0));
        let exact = metres((from.lat(), from.lon()), (to.lat(), to.lon()));
        prop_assert!((from.distance_m(to) - exact).abs() <= exact * 0.001 + 0.01);
    }
}

/// Metres of one degree north and one degree east, as the library measures them.
fn per_degree(lat: f64) -> (f64, f64) {
    let part = 1e-3;
    (metres((lat - part, 0.0), (lat + part, 0.0)) / part / 2.0, metres((lat, -part), (lat, part)) / part / 2.0)
}

#[test]
fn a_column_does_not_lie_above_the_same_column() {
    // At 120 degrees east a row is shifted against the next by more than a square: numbers do not tell who is diagonal.
    let square = grid().at(at(31.3, 120.6));
    assert!(!grid().neighbours(square).contains(&Square { row: square.row + 1, column: square.column + 1 }));
}

#[test]
fn squares_meet_at_the_antimeridian() {
    for lat in [-84.0, -33.3, 0.1, 12.0, 64.7] {
        let (east, west) = (grid().at(at(lat, 179.999_999_9)), grid().at(at(lat, -179.999_999_9)));
        assert_ne!(east, west);
        assert!(grid().neighbours(east).contains(&west), "{lat}");
        assert!(grid().neighbours(west).contains(&east), "{lat}");
        assert_eq!(grid().at(at(lat, 180.0)), grid().at(at(lat, -180.0)));
        let disc = grid().disc(at(lat, 179.999_999_9), 500.0).expect("a usable disc");
        assert!(disc.iter().any(|overlap| overlap.square == west), "{lat}");
        assert!((disc.iter().map(|overlap| overlap.share).sum::<f64>() - 1.0).abs() < 1e-6, "{lat}");
    }
}

#[test]
fn poles_and_things_that_are_no_coordinates_are_refused() {
    for lat in [90.0, -90.0, 85.1, -85.1, f64::NAN, f64::INFINITY] {
        assert_eq!(Position::new(lat, 0.0), Err(SquareError::Latitude), "{lat}");
    }
    for lon in [180.1, -180.1, f64::NAN] {
        assert_eq!(Position::new(0.0, lon), Err(SquareError::Longitude), "{lon}");
    }
    for radius in [-1.0, f64::NAN, f64::INFINITY, 100_000.0] {
        assert_eq!(grid().disc(at(0.0, 0.0), radius), Err(SquareError::Radius), "{radius}");
    }
    assert_eq!(grid().disc(at(84.99, 0.0), 5_000.0), Err(SquareError::Latitude));
}

#[test]
fn a_disc_within_a_square_overlaps_one_and_a_disc_on_a_corner_several() {
    let square = grid().at(at(31.3, 120.6));
    let ((south, west), (north, east)) = grid().corners(square);
    let middle = at(f64::midpoint(south, north), f64::midpoint(west, east));
    let within = grid().disc(middle, 399.0).expect("a usable disc");
    assert_eq!(within.len(), 1);
    assert!((within[0].share - 1.0).abs() < 1e-9);
    let corner = grid().disc(at(south, west), 399.0).expect("a usable disc");
    let own = corner.iter().find(|overlap| overlap.square == square).expect("its own square");
    assert!(corner.len() >= 3);
    assert!((own.share - 0.25).abs() < 0.001, "{own:?}");
}
