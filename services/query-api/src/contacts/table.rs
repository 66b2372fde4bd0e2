//! The contacts of cases as a table: one row for each contact, each sub-contact, and whatever was left out.

use std::io::Write;

use super::batch::{Batch, Part};

pub(super) const MEDIA_TYPE: &str = "text/csv; charset=utf-8";

/// Cells that a kind of row does not have are empty.
const HEADER: &str = "kind,case,rank,person_id,through,weighed_minutes,minutes,meetings,first,last,square_row,square_column,stays,reason\n";

/// A part of the table. No cell has a character that would need quotes.
pub(super) fn write(batch: &Batch, part: Part) -> Vec<u8> {
    let mut text = Vec::new();
    // Unwrap safety: nothing is refused by a vector.
    let _infallible = rows(batch, part, &mut text);
    text
}

fn rows(batch: &Batch, part: Part, text: &mut Vec<u8>) -> std::io::Result<()> {
    match part {
        Part::Head => {
            text.extend_from_slice(HEADER.as_bytes());
            for one in &batch.head.untraceable {
                writeln!(text, "untraceable,{},,,,,,,,,,,,{}", one.case, one.reason)?;
            }
        }
        Part::Case(number) => {
            let told = batch.case(number);
            for one in &told.contacts {
                let super::batch::CaseContact { rank, person_id, weighed_minutes, minutes, .. } = one;
                let (case, meetings) = (told.case, one.meeting_count);
                write!(text, "contact,{case},{rank},{person_id},,{weighed_minutes},{minutes},{meetings},")?;
                writeln!(text, "{},{},,,,", one.first, one.last)?;
            }
            for crowd in &told.left_out {
                write!(text, "left-out,{},,{},,,,,{},{},", told.case, crowd.person_id, crowd.from, crowd.to)?;
                writeln!(text, "{},{},{},crowd", crowd.square.row, crowd.square.column, crowd.stays)?;
            }
        }
        Part::Links(from) => {
            for link in batch.links(from) {
                let meeting = &link.meeting;
                write!(text, "sub-contact,,,{},{},,{},1,", link.person_id, link.through, meeting.minutes)?;
                let square = meeting.square.as_ref().map(|square| format!("{},{}", square.row, square.column));
                let square = square.unwrap_or_else(|| ",".to_owned());
                writeln!(text, "{},{},{square},,{}", meeting.from, meeting.to, meeting.scene)?;
            }
        }
        Part::Tail => {}
    }
    Ok(())
}
