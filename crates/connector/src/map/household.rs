//! Members of households.

use domain::{HouseholdKind, HouseholdMembership, Op, PlaceKind, PlaceRef, ResidenceKind, Sensitive};

use crate::columns::Field;
use crate::feed::{Draft, RowError};
use crate::fields::Bounds;
use crate::map::Row;
use crate::reason::Reason;

pub(super) fn map(row: &Row<'_>) -> Result<Vec<Draft>, RowError> {
    let fields = row.fields;
    let time = fields.required_moment(Field::UpdatedTime, Bounds::Happened)?;
    let household_id = fields.bounded(Field::Household, 64)?.ok_or_else(|| fields.missing(Field::Household))?;
    let household_kind = fields.code::<HouseholdKind>(Field::HouseholdKind)?.unwrap_or_default();
    let relation_to_head = fields.bounded(Field::Relation, 32)?;
    let (valid_from, valid_to) = (fields.day(Field::MovedIn)?, fields.day(Field::MovedOut)?);
    if valid_from.zip(valid_to).is_some_and(|(from, to)| to < from) {
        return Err(fields.error(Field::MovedOut, Reason::TimeOrder, "the day of moving out lies before moving in"));
    }
    let registered = fields.bounded(Field::RegisteredAddress, 300)?;
    let actual = fields.bounded(Field::Address, 300)?.or_else(|| registered.clone());
    let division_code = fields.bounded(Field::DivisionCode, 12)?;
    let apart = registered.is_some() && registered != actual;
    let place_id = row.place_id(&household_id);
    let dwelling = |place_id: Option<String>, address: Option<String>| PlaceRef {
        place_id,
        kind: PlaceKind::Dwelling,
        name: address.map(Sensitive::new),
        division_code: division_code.clone(),
        ..PlaceRef::default()
    };
    let lived = HouseholdMembership {
        subject: Vec::new(),
        household_id: household_id.clone(),
        household_kind,
        relation_to_head: relation_to_head.clone(),
        dwelling: dwelling(Some(place_id), actual),
        residence_kind: if apart { ResidenceKind::Actual } else { ResidenceKind::Both },
        valid_from,
        valid_to,
    };
    let mut subjects = Vec::new();
    let mut drafts = row.fact(&time, |subject| {
        subjects.clone_from(&subject);
        HouseholdMembership { subject, ..lived.clone() }
    })?;
    // The registered address is often not where people live: it is a statement of its own, taken back when the two meet.
    let mut second = row.draft(
        &time,
        Vec::new(),
        HouseholdMembership {
            subject: subjects,
            dwelling: dwelling(None, registered),
            residence_kind: ResidenceKind::Registered,
            ..lived
        },
    );
    second.source_record_id = format!("{}#registered", row.id).into();
    second.op = if apart { Op::Upsert } else { Op::Retract };
    drafts.push(second);
    Ok(drafts)
}
