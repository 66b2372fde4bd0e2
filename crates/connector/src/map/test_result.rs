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
    let (ct_value, ct_flag) = cycles(fields.text(Field::CtValue));
    let code = fields.word(Field::TestCode)?.ok_or_else(|| fields.missing(Field::TestCode))?.to_owned();
    let code_system = fields.bounded(Field::CodeSystem, 32)?.unwrap_or_else(|| "local".to_owned());
    let lab = fields.bounded(Field::Lab, 100)?;
    let specimen_id = fields.bounded(Field::Specimen, 64)?;
    let pool_id = fields.bounded(Field::Pool, 64)?;
    // One tube of ten people that is positive does not say who of them is.
    let result = if pool_id.is_some() { result.of_pool() } else { result };
    let value_text = fields.bounded(Field::Result, 64)?.map(Sensitive::new);
    let unread = result == TestOutcome::Unknown && value_text.is_some();
    let collection_place = PlaceRef {
        kind: PlaceKind::Lab,
        name: fields.bounded(Field::CollectionPlace, 200)?.map(Sensitive::new),
        ..PlaceRef::default()
    };
    // The test says something about the moment of collection; the report may be hours later.
    let time = collected.unwrap_or(reported);
    let mut drafts = row.fact(&time, |subject| TestResult {
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
    })?;
    if let Some(fact) = drafts.last_mut() {
        fact.quality_flags.extend(ct_flag);
        fact.quality_flags.extend(unread.then_some("result-unknown"));
    }
    Ok(drafts)
}

/// Words that laboratories write where the amplification never reached the threshold.
const NO_CYCLES: [&str; 8] = ["-", "/", "无", "未检出", "阴性", "nd", "undet", "undetermined"];

/// Cycles to the threshold from the text that a laboratory wrote, such as `35.5`, `Ct=35.5` or `Ct值：35,5`, and what is odd
/// about it: a result is not lost because its cycles cannot be read.
fn cycles(text: Option<&str>) -> (Option<f32>, Option<&'static str>) {
    let Some(text) = text.map(str::to_lowercase) else { return (None, None) };
    if NO_CYCLES.contains(&text.trim()) {
        return (None, None);
    }
    let number = text.trim().trim_start_matches("ct").trim_start_matches(['值', '=', ':', '：', ' ']).replace(',', ".");
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    match number.parse::<f32>() {
        Ok(cycles) if is_plain && cycles <= 100.0 => (Some(cycles), None),
        _ => (None, Some("ct-unreadable")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cycles_are_read_from_what_laboratories_write_and_flagged_when_they_cannot_be() {
        for (text, read) in [
            ("35.5", (Some(35.5), None)),
            ("Ct=35.5", (Some(35.5), None)),
            ("CT值：35,5", (Some(35.5), None)),
            ("未检出", (None, None)),
            ("-", (None, None)),
            ("-3", (None, Some("ct-unreadable"))),
            ("1e400", (None, Some("ct-unreadable"))),
            ("101", (None, Some("ct-unreadable"))),
        ] {
            assert_eq!(cycles(Some(text)), read, "{text}");
        }
        assert_eq!(cycles(None), (None, None));
    }
}
