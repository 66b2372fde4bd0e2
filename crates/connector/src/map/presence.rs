//! Presence at a place: location updates of a mobile network.

use domain::{PlaceKind, PresenceInterval, PresenceMethod};

use crate::columns::Field;
use crate::feed::{Draft, RowError};
use crate::fields::Bounds;
use crate::map::Row;
use crate::reason::Reason;

pub(super) fn map(row: &Row<'_>) -> Result<Vec<Draft>, RowError> {
    let fields = row.fields;
    let start = fields.required_moment(Field::StartTime, Bounds::Happened)?;
    let end = fields.moment(Field::EndTime, Bounds::Happened)?;
    if end.is_some_and(|end| end.at < start.at) {
        return Err(fields.error(Field::EndTime, Reason::TimeOrder, "the end lies before the begin"));
    }
    let kind = fields.code(Field::PlaceKind)?.unwrap_or(PlaceKind::Cell);
    let place_id = fields.bounded(Field::PlaceId, 64)?;
    let place = row.place(kind, place_id.as_deref());
    let method = match kind {
        PlaceKind::Cell => PresenceMethod::Cell,
        _ => PresenceMethod::Other,
    };
    let mut drafts = row.fact(&start, |subject| PresenceInterval {
        subject,
        place,
        start_time: start.at,
        end_time: end.map(|end| end.at),
        method,
        confidence: None,
    })?;
    // A stay that is still open is sent again as it grows: the longer statement is the later one, in any order of arrival.
    let length_s = end.map_or(0, |end| (end.at.as_millis() - start.at.as_millis()) / 1000);
    for draft in drafts.iter_mut().filter(|draft| draft.version.is_none()) {
        draft.version = Some(length_s);
    }
    Ok(drafts)
}
