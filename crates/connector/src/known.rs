//! What is known of records, and how a statement compares with it.
//!
//! A source that states versions orders its statements itself. Where it states none, the order of arrival does: the
//! version is the place of the row among all rows that ever came ([`position`]), and a row that mends another has the
//! place of that row. So whatever is read first, the record ends with what came last.

use std::collections::BTreeSet;

use domain::RecordId;
use rustc_hash::FxHashMap;
use store::ingest::Origin;
use store::seen::Seen;
use uuid::Uuid;

/// Bits of a position that hold the row; the others hold the arrival of the batch.
const ROW_BITS: u32 = 32;

/// A place in the order of arrival as one number: two billion batches of four billion rows.
pub(crate) fn position(origin: Origin) -> i64 {
    (origin.arrival << ROW_BITS) | origin.row.min(i64::from(u32::MAX))
}

/// The place that [`position`] gave a number to.
fn place(position: i64) -> Origin {
    Origin { arrival: position >> ROW_BITS, row: position & i64::from(u32::MAX) }
}

/// Versions of records that were published, in the order of versions.
#[derive(Default)]
pub(crate) struct Known(FxHashMap<RecordId, Vec<Seen>>);

/// A statement of a row about a record.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Statement {
    pub(crate) record_id: RecordId,
    /// The version that the source states, and how many above it are the statement's to take.
    pub(crate) stated: Option<(i64, i64)>,
    pub(crate) content: Uuid,
    /// The row that states it.
    pub(crate) origin: Origin,
    /// Where the row stands in the order of arrival: its own place, or that of the row it mends.
    pub(crate) at: Origin,
    /// The row states nothing else.
    pub(crate) sole: bool,
}

/// What becomes of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is published and is the record's last word.
    New(Seen),
    /// It is published and joins the record's history; a newer version is there from another row.
    Superseded(Seen, Origin),
    /// What it would change was said anew since, by another row: publishing it would undo that.
    Passed(Origin),
    /// Another row published it before. A version is to be noted as repeated until here.
    Duplicate(Origin, Option<Seen>),
    /// The version has another content.
    Conflict,
}

impl Known {
    pub(crate) fn add(&mut self, seen: impl IntoIterator<Item = Seen>) {
        for seen in seen {
            let versions = self.0.entry(seen.record_id).or_default();
            match versions.binary_search_by_key(&seen.version, |known| known.version) {
                Ok(place) => versions[place] = seen,
                Err(place) => versions.insert(place, seen),
            }
        }
    }

    pub(crate) fn records(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn has(&self, record: Uuid) -> bool {
        self.0.contains_key(&RecordId::from_uuid(record))
    }

    /// The highest version of a record.
    pub(crate) fn newest(&self, record: RecordId) -> Option<i64> {
        self.0.get(&record)?.last().map(|seen| seen.version)
    }

    /// The version whose place this one takes as the record's last word: the one below it, or itself in another reading.
    pub(crate) fn overtaken(&self, by: &Seen) -> Option<&Seen> {
        let versions = self.0.get(&by.record_id)?;
        versions[..versions.partition_point(|known| known.version <= by.version)].last()
    }

    /// What becomes of a statement.
    pub(crate) fn judge(&self, statement: &Statement) -> Verdict {
        let versions = self.0.get(&statement.record_id).map_or(&[][..], Vec::as_slice);
        match statement.stated {
            Some((version, room)) => by_version(versions, statement, version, room),
            None => by_arrival(versions, statement),
        }
    }
}

fn seen(statement: &Statement, version: i64, reading: i32) -> Seen {
    let Statement { record_id, content, origin, sole, .. } = *statement;
    Seen { record_id, version, content, reading, sole, origin, until: version }
}

/// A version that another content has is a conflict when there is no room above it; otherwise the statement takes the one
/// after the last, unless its content is among those that did so before.
fn by_version(versions: &[Seen], statement: &Statement, stated: i64, room: i64) -> Verdict {
    let Some(newest) = versions.last() else { return Verdict::New(seen(statement, stated, 0)) };
    let free = if versions.iter().any(|known| known.version == stated) {
        let range = stated..=stated.saturating_add(room);
        let same = |known: &&Seen| range.contains(&known.version) && known.content == statement.content;
        if let Some(before) = versions.iter().find(same) {
            return Verdict::Duplicate(before.origin, None);
        }
        let taken: BTreeSet<i64> = versions.iter().map(|known| known.version).filter(|v| range.contains(v)).collect();
        let above = taken.last().map_or(stated, |last| last + 1);
        let below = || range.clone().rev().find(|version| !taken.contains(version));
        if range.contains(&above) { Some(above) } else { below() }
    } else {
        Some(stated)
    };
    match free {
        None => Verdict::Conflict,
        Some(free) if free < newest.version => Verdict::Superseded(seen(statement, free, 0), newest.origin),
        Some(free) => Verdict::New(seen(statement, free, 0)),
    }
}

/// A content holds from its place on as long as it was repeated, and then until the next one. A repetition is noted, so
/// that a row that comes to stand between the two does not undo it.
fn by_arrival(versions: &[Seen], statement: &Statement) -> Verdict {
    let at = position(statement.at);
    let (until_here, after) = versions.split_at(versions.partition_point(|known| known.version <= at));
    let (before, newest) = (until_here.last(), after.last());
    let mut reading = 0;
    if let Some(before) = before {
        if before.content == statement.content {
            let again = (at > before.until).then_some(Seen { until: at, ..*before });
            return Verdict::Duplicate(before.origin, again);
        }
        if before.until > at {
            return Verdict::Passed(place(before.until));
        }
        // The row that stood here was mended before, and otherwise.
        if before.version == at {
            reading = before.reading + 1;
        }
    }
    let seen = seen(statement, at, reading);
    match newest {
        Some(newest) => Verdict::Superseded(seen, newest.origin),
        None => Verdict::New(seen),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RECORD: RecordId = RecordId::from_uuid(Uuid::nil());

    fn statement(row: i64, content: u8) -> Statement {
        let origin = Origin { arrival: 7, row };
        let content = Uuid::from_u128(content.into());
        Statement { record_id: RECORD, stated: None, content, origin, at: origin, sole: true }
    }

    proptest! {
        /// Whatever order rows are read in, the record ends with what the last of them states.
        #[test]
        fn the_last_to_arrive_has_the_last_word(
            contents in prop::collection::vec(0..3_u8, 1..9),
            order in prop::collection::vec(any::<u16>(), 9),
        ) {
            let mut rows: Vec<(i64, u8)> = (1..).zip(contents).collect();
            let last = rows.last().expect("one at least").1;
            rows.sort_by_key(|(row, _)| order[*row as usize % order.len()]);
            let mut known = Known::default();
            let mut published = Vec::new();
            for (row, content) in rows {
                let verdict = known.judge(&statement(row, content));
                match verdict {
                    Verdict::New(seen) | Verdict::Superseded(seen, _) => {
                        published.push((seen.version, seen.content));
                        known.add([seen]);
                    }
                    Verdict::Duplicate(_, again) => known.add(again),
                    Verdict::Passed(_) => {}
                    Verdict::Conflict => prop_assert!(false, "rows without versions never conflict"),
                }
            }
            prop_assert_eq!(published.iter().max().expect("one at least").1, Uuid::from_u128(last.into()));
        }
    }

    #[test]
    fn a_place_is_told_back_from_its_position() {
        let origin = Origin { arrival: (1 << 31) - 1, row: i64::from(u32::MAX) };
        assert_eq!(place(position(origin)), origin);
        assert!(position(Origin { arrival: 3, row: 9 }) < position(Origin { arrival: 4, row: 1 }));
    }
}
