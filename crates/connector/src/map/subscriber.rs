//! Entries of a subscriber register: whose number it is, from when until when.

use crate::columns::Field;
use crate::feed::{Draft, RowError};
use crate::fields::Bounds;
use crate::map::Row;
use crate::reason::Reason;
use crate::who::Who;

pub(super) fn map(row: &Row<'_>) -> Result<Vec<Draft>, RowError> {
    let fields = row.fields;
    let from = fields.required_moment(Field::ValidFrom, Bounds::Happened)?;
    let to = fields.moment(Field::ValidTo, Bounds::Validity)?;
    if to.is_some_and(|to| to.at < from.at) {
        return Err(fields.error(Field::ValidTo, Reason::TimeOrder, "the end of the validity lies before its begin"));
    }
    let mut who = Who::read(fields)?;
    if who.statement.person.claims.is_empty() && who.statement.person.names.is_empty() {
        return Err(RowError::row(Reason::IdentityMissing, "the entry has neither an identifier nor a usable name"));
    }
    who.statement.valid_from = Some(from.at);
    who.statement.valid_to = to.map(|to| to.at);
    who.statement.account_status = fields.word(Field::AccountStatus)?.map(str::to_owned);
    Ok(vec![row.draft(&from, who.flags, who.statement)])
}
