//! Cases, in the word of disease control.

use domain::{CaseState, CaseStatus, PlaceKind, PlaceRef};

use crate::columns::Field;
use crate::feed::{Draft, RowError};
use crate::fields::Bounds;
use crate::map::Row;
use crate::reason::Reason;
use crate::who::division_code;

pub(super) fn map(row: &Row<'_>) -> Result<Vec<Draft>, RowError> {
    let fields = row.fields;
    let stated = fields.required_moment(Field::UpdatedTime, Bounds::Happened)?;
    let case_id = fields.word(Field::CaseId)?.ok_or_else(|| fields.missing(Field::CaseId))?.to_owned();
    let state = fields.code::<CaseState>(Field::Status)?.ok_or_else(|| fields.missing(Field::Status))?;
    let confirmed = fields.moment(Field::ConfirmedTime, Bounds::Happened)?;
    if confirmed.is_none() && matches!(state, CaseState::Confirmed | CaseState::Asymptomatic) {
        return Err(fields.missing(Field::ConfirmedTime));
    }
    let closed = fields.moment(Field::ClosedTime, Bounds::Happened)?;
    if confirmed.as_ref().zip(closed.as_ref()).is_some_and(|(confirmed, closed)| closed.at < confirmed.at) {
        return Err(fields.error(Field::ClosedTime, Reason::TimeOrder, "the case was closed before it was confirmed"));
    }
    if closed.is_none() && matches!(state, CaseState::Recovered | CaseState::Deceased) {
        return Err(fields.missing(Field::ClosedTime));
    }
    let isolated = fields.moment(Field::IsolatedTime, Bounds::Happened)?;
    let (onset, infectious_from) = (fields.day(Field::OnsetDate)?, fields.day(Field::InfectiousFrom)?);
    let (cluster_id, unit) = (fields.bounded(Field::Cluster, 64)?, fields.bounded(Field::CaseUnit, 64)?);
    let division_code = division_code(fields, Field::Township)?;
    let place = PlaceRef { kind: PlaceKind::Area, division_code, ..PlaceRef::default() };
    row.fact(&stated, |subject| CaseStatus {
        subject,
        case_id,
        state,
        onset,
        confirmed_time: confirmed.map(|time| time.at),
        closed_time: closed.map(|time| time.at),
        place,
        cluster_id,
        infectious_from,
        isolated_time: isolated.map(|time| time.at),
        unit,
    })
}
