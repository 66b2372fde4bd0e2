//! Places of a register: the cells of a mobile network.

use domain::{Datum, PlaceKind, PlaceRef, PlaceRegistered, Sensitive};

use crate::columns::Field;
use crate::feed::{Draft, RowError};
use crate::fields::{Bounds, Moment};
use crate::map::Row;
use crate::reason::Reason;

pub(super) fn map(row: &Row<'_>) -> Result<Vec<Draft>, RowError> {
    let fields = row.fields;
    let from = fields.moment(Field::ValidFrom, Bounds::Validity)?;
    let to = fields.moment(Field::ValidTo, Bounds::Validity)?;
    if from.zip(to).is_some_and(|(from, to)| to.at < from.at) {
        return Err(fields.error(Field::ValidTo, Reason::TimeOrder, "the end of the validity lies before its begin"));
    }
    let (lat, lon) = (fields.number(Field::Latitude, -90.0, 90.0)?, fields.number(Field::Longitude, -180.0, 180.0)?);
    if lat.is_some() != lon.is_some() {
        return Err(fields.missing(if lat.is_some() { Field::Longitude } else { Field::Latitude }));
    }
    let datum = fields.code::<Datum>(Field::Datum)?.unwrap_or_default();
    if lat.is_some() && datum == Datum::Unknown {
        // Read in the wrong datum, a place is off by up to 700 m: almost a whole square of the grid.
        return Err(fields.missing(Field::Datum));
    }
    let mut flags = Vec::new();
    let coordinates = lat.zip(lon).map(|(lat, lon)| {
        if is_coarse(fields.text(Field::Latitude)) || is_coarse(fields.text(Field::Longitude)) {
            flags.push("place-coarse");
        }
        let (lat, lon, flag) = to_wgs84(lat, lon, datum);
        flags.extend(flag);
        (lat, lon)
    });
    let (lat, lon) = coordinates.unzip();
    let division_code = fields.bounded(Field::DivisionCode, 12)?;
    let place = PlaceRef {
        place_id: Some(
            row.place_id(&fields.bounded(Field::PlaceId, 64)?.ok_or_else(|| fields.missing(Field::PlaceId))?),
        ),
        kind: fields.code(Field::PlaceKind)?.unwrap_or(PlaceKind::Cell),
        name: fields.bounded(Field::PlaceName, 200)?.map(Sensitive::new),
        division_code,
        lat,
        lon,
        datum: if lat.is_some() { Datum::Wgs84 } else { datum },
        radius_m: fields.number(Field::RadiusM, 0.0, 100_000.0)?.map(|radius| radius as f32),
    };
    let received =
        Moment { at: row.context.ingest_time, precision: domain::Precision::Unknown, offset_min: 0, assumed: false };
    // A register without dates is valid as it comes. Its entry then happened when it was read.
    let time = from.unwrap_or(received);
    let body = PlaceRegistered {
        place,
        parent_place_id: None,
        valid_from: from.map(|from| from.at),
        valid_to: to.map(|to| to.at),
    };
    Ok(vec![row.draft(&time, flags, body)])
}

/// Coordinates in WGS-84, and what was done to them. Outside of China the other two data do not shift anything, and nothing
/// is done.
fn to_wgs84(lat: f64, lon: f64, datum: Datum) -> (f64, f64, Option<&'static str>) {
    let ((east, north), flag) = match datum {
        Datum::Gcj02 => (coordtransform::gcj02_to_wgs84(lon, lat), "converted-gcj02"),
        Datum::Bd09 => (coordtransform::bd09_to_wgs84(lon, lat), "converted-bd09"),
        Datum::Wgs84 | Datum::Unknown => return (lat, lon, None),
    };
    (north, east, Some(flag))
}

/// A coordinate with less than three digits after the point may be 500 m off: the source hid or rounded it.
fn is_coarse(text: Option<&str>) -> bool {
    text.is_some_and(|text| text.split_once('.').map_or(0, |(_, digits)| digits.len()) < 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metres(a: (f64, f64), b: (f64, f64)) -> f64 {
        let north = (a.0 - b.0) * 111_320.0;
        let east = (a.1 - b.1) * 111_320.0 * a.0.to_radians().cos();
        north.hypot(east)
    }

    #[test]
    fn known_points_of_chinese_maps_come_out_where_satellites_see_them() {
        // The gate of Heavenly Peace as three maps have it.
        let wgs84 = (39.907_33, 116.391_06);
        for (datum, lat, lon) in [(Datum::Gcj02, 39.908_73, 116.397_30), (Datum::Bd09, 39.915_06, 116.403_69)] {
            let (north, east, flag) = to_wgs84(lat, lon, datum);
            assert!(metres((north, east), wgs84) < 15.0, "{datum:?}: {north}, {east}");
            assert!(flag.is_some() && metres((lat, lon), wgs84) > 500.0);
        }
    }

    #[test]
    fn what_is_wgs84_or_outside_of_china_stays() {
        assert_eq!(to_wgs84(39.9, 116.4, Datum::Wgs84), (39.9, 116.4, None));
        let (north, east, _) = to_wgs84(48.858_37, 2.294_48, Datum::Gcj02);
        assert!(metres((north, east), (48.858_37, 2.294_48)) < 1.0);
    }

    #[test]
    fn rounded_coordinates_are_told_apart() {
        assert!(is_coarse(Some("31.3")) && is_coarse(Some("31")) && is_coarse(Some("-31.25")));
        assert!(!is_coarse(Some("31.302")) && !is_coarse(None));
    }
}
