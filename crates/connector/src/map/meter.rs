//! Readings of meters.

use domain::{Decimal, MeterKind, MeterQuality, MeterReading, PlaceKind, Precision, Sensitive};

use crate::columns::Field;
use crate::feed::{Draft, RowError};
use crate::fields::Bounds;
use crate::map::Row;
use crate::reason::Reason;

const DAY_MS: i64 = 86_400_000;

pub(super) fn map(row: &Row<'_>) -> Result<Vec<Draft>, RowError> {
    let fields = row.fields;
    let read = fields.required_moment(Field::ReadTime, Bounds::Happened)?;
    let value = fields.decimal::<4>(Field::Value)?.ok_or_else(|| fields.missing(Field::Value))?;
    let multiplier = fields.decimal::<4>(Field::Multiplier)?.unwrap_or(Decimal::from_unscaled(10_000));
    let word = fields.word(Field::Unit)?.ok_or_else(|| fields.missing(Field::Unit))?;
    let (unit, divisor) = match word {
        "Wh" => ("kWh", 1_000),
        other => (other, 1),
    };
    let product = i128::from(value.unscaled()) * i128::from(multiplier.unscaled()) / (10_000 * divisor);
    let value = i64::try_from(product)
        .ok()
        .filter(|value| value.abs() < 1_000_000_000_000_000_000)
        .ok_or_else(|| fields.error(Field::Value, Reason::ValueNumber, "value times multiplier is too large"))?;
    let account = fields.bounded(Field::MeterAccount, 64)?;
    let mut dwelling = row.place(PlaceKind::Dwelling, account.as_deref());
    dwelling.name = fields.bounded(Field::Address, 300)?.map(Sensitive::new);
    let body = MeterReading {
        meter_id: fields.bounded(Field::MeterId, 64)?.ok_or_else(|| fields.missing(Field::MeterId))?,
        account_id: account.map(Sensitive::new),
        dwelling,
        register: fields.word(Field::Register)?.ok_or_else(|| fields.missing(Field::Register))?.to_owned(),
        value: Decimal::from_unscaled(value),
        unit: unit.to_owned(),
        kind: MeterKind::Cumulative,
        read_time: read.at,
        quality: fields.code::<MeterQuality>(Field::Quality)?.unwrap_or_default(),
    };
    // The daily freeze at midnight closes the day before.
    let local_ms = read.at.as_millis() + i64::from(read.offset_min) * 60_000;
    let mut time = read;
    let mut flags = Vec::new();
    if local_ms.rem_euclid(DAY_MS) == 0 {
        time.at = read.at.plus_millis(-DAY_MS);
        time.precision = Precision::Day;
        flags.push("daily-freeze");
    }
    Ok(vec![row.draft(&time, flags, body)])
}
