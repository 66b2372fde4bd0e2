//! Stays and visits from columns: lists of admissions, and line lists of cases.

use domain::{EncounterAction, EncounterChanged, PlaceKind, PlaceRef, Sensitive};

use crate::columns::Field;
use crate::feed::{Draft, RowError};
use crate::fields::Bounds;
use crate::map::Row;
use crate::reason::Reason;

/// Diagnoses of a row; a list of them is no list of somebody's life.
const DIAGNOSES_MAX: usize = 20;

pub(super) fn map(row: &Row<'_>) -> Result<Vec<Draft>, RowError> {
    let fields = row.fields;
    let start = fields.required_moment(Field::StartTime, Bounds::Happened)?;
    let end = fields.moment(Field::EndTime, Bounds::Happened)?;
    if end.is_some_and(|end| end.at < start.at) {
        return Err(fields.error(Field::EndTime, Reason::TimeOrder, "the end lies before the begin"));
    }
    let encounter = fields.bounded(Field::Encounter, 64)?.ok_or_else(|| fields.missing(Field::Encounter))?;
    let class = fields.word(Field::EncounterClass)?.map(str::to_owned);
    let ward_bed = fields.bounded(Field::Ward, 100)?;
    let place_id = fields.bounded(Field::PlaceId, 64)?;
    let name = fields.bounded(Field::PlaceName, 200)?.map(Sensitive::new);
    let place = PlaceRef { name, ..row.place(PlaceKind::Hospital, place_id.as_deref()) };
    let stated = fields.bounded(Field::Diagnosis, 500)?.unwrap_or_default();
    let diagnoses = stated.split([';', '；', '、']).map(str::trim).filter(|diagnosis| !diagnosis.is_empty());
    let diagnoses: Vec<Sensitive<String>> = diagnoses.take(DIAGNOSES_MAX).map(Sensitive::from).collect();
    row.fact(&start, |subject| EncounterChanged {
        subject,
        encounter_id: encounter.into(),
        action: if end.is_some() { EncounterAction::Discharge } else { EncounterAction::Admit },
        class,
        place,
        ward_bed,
        start_time: start.at,
        end_time: end.map(|end| end.at),
        diagnoses,
    })
}
