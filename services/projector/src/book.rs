//! The book of source records: per record what its statements come to, the earliest and latest time it was stated, and
//! whether it was taken back. Everything in an entry is a maximum or minimum over the events seen, field by field, so
//! that neither their order nor their repetition matters.
//!
//! Not here: which records are one person (`linkage`); here is only kept what linkage said.

use std::collections::BTreeSet;

use domain::{IdentityObserved, Member, Meta, PersonId, RecordId, Timestamp, merge_statements};
use rustc_hash::FxHashMap;
use store::views::{Part, Retraction, SourceRecordRow, Stated};

use crate::item::clean;

/// All source records, by id.
#[derive(Debug, Default)]
pub(crate) struct Book {
    records: FxHashMap<RecordId, SourceRecordRow>,
    /// Survivor to the records that were merged into it.
    followers: FxHashMap<RecordId, BTreeSet<RecordId>>,
}

/// What an entry was before a batch touched it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Before {
    /// The entry; `None` for a new one.
    pub(crate) row: Option<SourceRecordRow>,
}

impl Before {
    /// The statement that linkage and the claim map knew.
    pub(crate) fn live(&self) -> Option<(&IdentityObserved, Timestamp)> {
        self.row.as_ref().and_then(live)
    }
}

/// The statement of an entry that is not taken back, and when it was first made.
pub(crate) fn live(row: &SourceRecordRow) -> Option<(&IdentityObserved, Timestamp)> {
    let stated = row.stated.as_ref()?;
    stated.statement.as_ref().map(|statement| (statement, stated.first_time))
}

/// An entry as a member of its person.
pub(crate) fn member(row: &SourceRecordRow) -> Option<Member<'_>> {
    let stated = row.stated.as_ref()?;
    Some(Member {
        record_id: row.record_id,
        source: &row.source,
        source_kind: row.source_kind,
        first_time: stated.first_time,
        last_time: stated.last_time,
        statement: stated.statement.as_ref()?,
    })
}

impl Book {
    /// Takes in an entry as it was stored.
    pub(crate) fn load(&mut self, row: SourceRecordRow) {
        if let Some(survivor) = row.retraction.and_then(|retraction| retraction.survivor) {
            self.followers.entry(survivor).or_default().insert(row.record_id);
        }
        self.records.insert(row.record_id, row);
    }

    pub(crate) fn get(&self, record: RecordId) -> Option<&SourceRecordRow> {
        self.records.get(&record)
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = &SourceRecordRow> {
        self.records.values()
    }

    pub(crate) fn len(&self) -> usize {
        self.records.len()
    }

    /// Takes in a statement.
    pub(crate) fn observe(&mut self, meta: &Meta, statement: IdentityObserved) {
        let row = self.entry(meta);
        let part = Part { edition: meta.edition(), event_id: meta.event_id, statement };
        let taken_back = row.retraction.is_some_and(|retraction| part.edition <= retraction.edition);
        let is_newest = match &mut row.stated {
            Some(stated) => {
                stated.first_time = stated.first_time.min(meta.event_time);
                stated.last_time = stated.last_time.max(meta.event_time);
                let is_newest = (part.edition, part.event_id) > (stated.edition, stated.event_id);
                if !taken_back {
                    add_part(stated, part);
                } else if is_newest {
                    (stated.edition, stated.event_id) = (part.edition, part.event_id);
                }
                is_newest
            }
            None => {
                row.stated = Some(Stated {
                    edition: part.edition,
                    event_id: part.event_id,
                    statement: (!taken_back).then_some(part.statement),
                    parts: Vec::new(),
                    first_time: meta.event_time,
                    last_time: meta.event_time,
                });
                true
            }
        };
        if is_newest {
            describe(row, meta);
        }
    }

    /// Takes in that a statement was taken back.
    pub(crate) fn retract(&mut self, meta: &Meta, retraction: Retraction) {
        let row = self.entry(meta);
        if row
            .retraction
            .is_some_and(|known| (retraction.edition, retraction.event_id) <= (known.edition, known.event_id))
        {
            return;
        }
        let former = row.retraction.replace(retraction).and_then(|known| known.survivor);
        if row.stated.is_none() {
            describe(row, meta);
        }
        drop_taken_back(row);
        if let Some(former) = former
            && let Some(followers) = self.followers.get_mut(&former)
        {
            followers.remove(&meta.record_id);
        }
        if let Some(survivor) = retraction.survivor {
            self.followers.entry(survivor).or_default().insert(meta.record_id);
        }
    }

    fn entry(&mut self, meta: &Meta) -> &mut SourceRecordRow {
        self.records.entry(meta.record_id).or_insert_with(|| SourceRecordRow {
            record_id: meta.record_id,
            source: clean(&meta.source),
            source_kind: meta.source_kind,
            stated: None,
            retraction: None,
            person: None,
            batch_id: meta.batch_id,
            batch_row: meta.batch_row,
        })
    }

    /// Notes whose the record is; says whether that is news.
    pub(crate) fn assign(&mut self, record: RecordId, person: Option<PersonId>) -> bool {
        match self.records.get_mut(&record) {
            Some(row) if row.person != person => {
                row.person = person;
                true
            }
            _ => false,
        }
    }

    /// The records that were merged into one of these, directly or through others.
    pub(crate) fn followers_of(&self, records: impl IntoIterator<Item = RecordId>) -> BTreeSet<RecordId> {
        let mut pending: Vec<RecordId> = records.into_iter().collect();
        let mut found = BTreeSet::new();
        while let Some(record) = pending.pop() {
            for follower in self.followers.get(&record).into_iter().flatten() {
                if found.insert(*follower) {
                    pending.push(*follower);
                }
            }
        }
        found
    }

    /// Whose a record is that was taken back: the person of the record it was merged into, at the end of the chain.
    pub(crate) fn inherited_person(&self, record: RecordId) -> Option<PersonId> {
        let mut seen = BTreeSet::new();
        let mut at = record;
        loop {
            let row = self.records.get(&at)?;
            if !row.is_retracted() {
                return row.person;
            }
            if !seen.insert(at) {
                return None;
            }
            at = row.retraction?.survivor?;
        }
    }
}

/// Where the statement that counts came from.
fn describe(row: &mut SourceRecordRow, meta: &Meta) {
    row.source = clean(&meta.source);
    row.source_kind = meta.source_kind;
    row.batch_id = meta.batch_id;
    row.batch_row = meta.batch_row;
}

/// The statements that an entry is merged from, taken out of it, the newest first.
fn take_parts(stated: &mut Stated) -> Vec<Part> {
    let (edition, event_id) = (stated.edition, stated.event_id);
    match stated.statement.take() {
        Some(statement) if stated.parts.is_empty() => vec![Part { edition, event_id, statement }],
        _ => std::mem::take(&mut stated.parts),
    }
}

/// Puts statements into an entry, the newest first, and forgets those that add nothing to newer ones.
fn put_parts(stated: &mut Stated, mut parts: Vec<Part>) {
    let (merged, adds) = merge_statements(parts.iter().map(|part| &part.statement));
    // The newest stays in any case: the entry bears its version.
    let mut kept = adds.into_iter().enumerate().map(|(place, adds)| adds || place == 0);
    parts.retain(|_| kept.next() == Some(true));
    if let Some(newest) = parts.first() {
        (stated.edition, stated.event_id) = (newest.edition, newest.event_id);
    }
    match parts.pop() {
        // One statement is kept as it was made: it says itself what it deletes.
        Some(only) if parts.is_empty() => stated.statement = Some(only.statement),
        Some(oldest) => {
            parts.push(oldest);
            stated.statement = Some(merged);
            stated.parts = parts;
        }
        None => {}
    }
}

/// Takes one more statement into an entry.
fn add_part(stated: &mut Stated, part: Part) {
    let at = (part.edition, part.event_id);
    // Most statements are whole and the newest of their record: nothing before them counts.
    if part.statement.partial.is_none() && at > (stated.edition, stated.event_id) {
        (stated.edition, stated.event_id) = at;
        (stated.statement, stated.parts) = (Some(part.statement), Vec::new());
        return;
    }
    let mut parts = take_parts(stated);
    // Of one event seen twice, and of two events with one id, the first counts.
    if let Err(place) = parts.binary_search_by(|known| at.cmp(&(known.edition, known.event_id))) {
        parts.insert(place, part);
    }
    put_parts(stated, parts);
}

/// Statements that were taken back are not kept: no event can bring them back, only a later version can replace them.
fn drop_taken_back(row: &mut SourceRecordRow) {
    if let (Some(stated), Some(retraction)) = (&mut row.stated, row.retraction) {
        let mut parts = take_parts(stated);
        parts.retain(|part| part.edition > retraction.edition);
        put_parts(stated, parts);
    }
}

#[cfg(test)]
mod tests {
    use domain::{Event, IdScheme, IdentityField, IdentityRetracted, Op, RetractReason};
    use proptest::prelude::*;
    use test_support::build::{NOON, claim, event, meta_at, person, record_id};

    use super::*;
    use crate::item::Item;

    /// What happens to one of three records in one of two readings of eight versions. The content follows from all, as it
    /// does for events with derived ids. Two statements of three tell only part, each another one, and some delete.
    fn happening(record: u8, version: i64, retracts: bool) -> Event {
        let key = format!("r{record}");
        let mut meta = meta_at("register", &key, version / 2, NOON.plus_millis((version * 7) % 5));
        meta.reading = i32::try_from(version % 2).expect("small");
        if retracts {
            let survivor = (version % 2 == 1).then(|| record_id("register", &format!("r{}", (record + 1) % 3)));
            let body = IdentityRetracted { reason: RetractReason::Merged, survivor };
            return event(Meta { op: Op::Retract, ..meta }, body);
        }
        let mut statement = person(&format!("王{version}")).build();
        if version % 4 > 0 {
            statement.address = Some(format!("幸福路{version}号").into());
            statement.person.claims = vec![claim(IdScheme::Passport, &format!("E{version}"))];
        }
        if version % 3 > 0 {
            statement.partial = Some(Box::default());
        }
        if let Some(partial) = statement.partial.as_mut().filter(|_| version % 4 > 1) {
            statement.person.names.clear();
            partial.deleted = vec![IdentityField::Names];
        }
        event(meta, statement)
    }

    fn book_of<'a>(happenings: impl Iterator<Item = &'a (u8, i64, bool)>) -> Book {
        let mut book = Book::default();
        for (record, version, retracts) in happenings {
            match Item::of(happening(*record, *version, *retracts)).expect("usable") {
                Item::Observed(observed) => book.observe(&observed.0, observed.1),
                Item::Retracted(retracted) => book.retract(&retracted.0, retracted.1),
                Item::Fact(_) | Item::Place(_) | Item::Decided(_) | Item::Model(_) => {
                    unreachable!("only identities happen here")
                }
            }
        }
        book
    }

    fn rows(book: &Book) -> Vec<SourceRecordRow> {
        let mut rows: Vec<_> = book.rows().cloned().collect();
        rows.sort_by_key(|row| row.record_id);
        rows
    }

    proptest! {
        #[test]
        fn neither_order_nor_repetition_of_events_matters(
            happenings in prop::collection::vec((0..3_u8, 0..16_i64, prop::bool::weighted(0.2)), 1..24),
            turn in 0..24_usize,
        ) {
            let straight = book_of(happenings.iter());
            let turned: Vec<_> = happenings.iter().rev().cycle().skip(turn).take(2 * happenings.len()).collect();
            let turned = book_of(turned.into_iter());
            prop_assert_eq!(rows(&turned), rows(&straight));
            prop_assert_eq!(&turned.followers.into_iter().filter(|(_, f)| !f.is_empty()).collect::<FxHashMap<_, _>>(),
                &straight.followers.into_iter().filter(|(_, f)| !f.is_empty()).collect::<FxHashMap<_, _>>());
        }
    }

    #[test]
    fn records_that_were_merged_into_each_other_are_nobodys_and_nothing_hangs() {
        let book = book_of([(0, 1, true), (1, 1, true), (2, 1, true)].iter());
        assert_eq!(book.inherited_person(record_id("register", "r0")), None);
        assert_eq!(book.followers_of([record_id("register", "r0")]).len(), 3);
    }
}
