//! Laboratory results from columns.

use domain::{PlaceKind, PlaceRef, ResultStatus, Sensitive, TestOutcome, TestResult};

use crate::columns::Field;
use crate::feed::{Draft, RowError};
use crate::fields::Bounds;
use crate::map::Row;

pub(super) fn map(row: &Row<'_>) -> Result<Vec<Draft>, RowError> {
    let fields = row.fields;
    let reported = fields.required_moment(Field::ReportedTime, Bounds::Happened)?;
    let collected = fields.moment(Field::CollectedTime, Bounds::Happened)?;
    let result = fields.code::<TestOutcome>(Field::Result)?.unwrap_or_default();
    let status = fields.code::<ResultStatus>(Field::Status)?.unwrap_or_default();
    let ct_value = fields.number(Field::CtValue, 0.0, 100.0).unwrap_or_default().map(|cycles| cycles as f32);
    let code = fields.word(Field::TestCode)?.ok_or_else(|| fields.missing(Field::TestCode))?.to_owned();
    let code_system = fields.bounded(Field::CodeSystem, 32)?.unwrap_or_else(|| "local".to_owned());
    let lab = fields.bounded(Field::Lab, 100)?;
    let specimen_id = fields.bounded(Field::Specimen, 64)?;
    let pool_id = fields.bounded(Field::Pool, 64)?;
    let value_text = fields.bounded(Field::Result, 64)?.map(Sensitive::new);
    let collection_place = PlaceRef {
        kind: PlaceKind::Lab,
        name: fields.bounded(Field::CollectionPlace, 200)?.map(Sensitive::new),
        ..PlaceRef::default()
    };
    // The test says something about the moment of collection; the report may be hours later.
    let time = collected.unwrap_or(reported);
    row.fact(&time, |subject| TestResult {
        subject,
        specimen_id,
        pool_id,
        code_system,
        code,
        result,
        value_text,
        ct_value,
        status,
        collected_time: collected.map(|collected| collected.at),
        reported_time: reported.at,
        lab,
        collection_place,
    })
}
