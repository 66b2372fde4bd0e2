//! Passes of a community gate.

use domain::{GatePass, PlaceKind};

use crate::columns::Field;
use crate::feed::{Draft, RowError};
use crate::fields::Bounds;
use crate::map::Row;

pub(super) fn map(row: &Row<'_>) -> Result<Vec<Draft>, RowError> {
    let fields = row.fields;
    let time = fields.required_moment(Field::ScanTime, Bounds::Happened)?;
    let gate_id = fields.bounded(Field::GateId, 64)?.ok_or_else(|| fields.missing(Field::GateId))?;
    let place = row.place(PlaceKind::Gate, Some(&gate_id));
    let direction = fields.code(Field::Direction)?.unwrap_or_default();
    let decision = fields.code(Field::Decision)?.unwrap_or_default();
    let code_shown = fields.code(Field::CodeColour)?.unwrap_or_default();
    let temperature_c = fields.number(Field::Temperature, 20.0, 50.0)?.map(|degrees| degrees as f32);
    let device_seq = fields.integer(Field::DeviceSequence)?;
    row.fact(&time, |subject| GatePass {
        subject,
        gate_id,
        place,
        direction,
        decision,
        code_shown,
        temperature_c,
        device_seq,
        scan_time: time.at,
    })
}
