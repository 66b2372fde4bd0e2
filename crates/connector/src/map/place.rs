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
        datum,
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
    Ok(vec![row.draft(&time, Vec::new(), body)])
}
