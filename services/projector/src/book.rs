//! The book of source records: per record what its statements come to, the earliest and latest time it was stated, and
//! whether it was taken back. Everything in an entry is a maximum or minimum over the events seen, field by field, so
//! that neither their order nor their repetition matters.
//!
//! A record that was merged into another states nothing, but is not forgotten: its survivor states for it what the
//! survivor's own statements leave open. What was taken back without a survivor is forgotten.
//!
//! Not here: which records are one person (`linkage`); here is only kept what linkage said.

use std::collections::{BTreeMap, BTreeSet};

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

/// Entries that a batch touched, as they were before.
pub(crate) type Touched = BTreeMap<RecordId, Before>;

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

    /// Notes what an entry is before an event changes it.
    pub(crate) fn touch(&self, touched: &mut Touched, record: RecordId) {
        touched.entry(record).or_insert_with(|| Before { row: self.records.get(&record).cloned() });
    }

    /// Takes in a statement.
    pub(crate) fn observe(&mut self, meta: &Meta, statement: IdentityObserved) {
        let row = self.entry(meta);
        let part = Part { edition: meta.edition(), event_id: meta.event_id, statement };
        let parts = take_parts(row);
        let (edition, event_id, at) = (part.edition, part.event_id, meta.event_time);
        let is_newest =
            row.stated.as_ref().is_none_or(|stated| (edition, event_id) > (stated.edition, stated.event_id));
        let stated = row.stated.get_or_insert_with(|| Stated {
            edition,
            event_id,
            statement: None,
            parts: Vec::new(),
            first_time: at,
            last_time: at,
        });
        stated.first_time = stated.first_time.min(at);
        stated.last_time = stated.last_time.max(at);
        if is_newest {
            (stated.edition, stated.event_id) = (edition, event_id);
            describe(row, meta);
        }
        let parts = if Some(edition) > row.withdrawn { with_part(parts, part) } else { parts };
        put_parts(row, parts, &[]);
    }

    /// Takes in that a statement was taken back.
    pub(crate) fn retract(&mut self, meta: &Meta, retraction: Retraction) {
        let row = self.entry(meta);
        let mut parts = take_parts(row);
        if retraction.survivor.is_none() && row.withdrawn < Some(retraction.edition) {
            row.withdrawn = Some(retraction.edition);
            parts.retain(|part| part.edition > retraction.edition);
        }
        let former = row.retraction;
        let is_last =
            former.is_none_or(|former| (retraction.edition, retraction.event_id) > (former.edition, former.event_id));
        if is_last {
            row.retraction = Some(retraction);
            if row.stated.is_none() {
                describe(row, meta);
            }
        }
        put_parts(row, parts, &[]);
        if !is_last {
            return;
        }
        if let Some(former) = former.and_then(|former| former.survivor)
            && let Some(followers) = self.followers.get_mut(&former)
        {
            followers.remove(&meta.record_id);
        }
        if let Some(survivor) = retraction.survivor {
            self.followers.entry(survivor).or_default().insert(meta.record_id);
        }
    }

    /// Lets survivors state what the records state that were merged into them, as far as what was touched has a part in it.
    /// It closes each batch: statements that came since know nothing of other records.
    pub(crate) fn carry_over(&mut self, touched: &mut Touched) {
        for record in self.survivors(touched) {
            self.touch(touched, record);
            let carried = self.carried(record);
            if let Some(row) = self.records.get_mut(&record) {
                let parts = take_parts(row);
                put_parts(row, parts, &carried);
            }
        }
    }

    /// The records that state something for others, now or before, and for which a touched record makes a difference.
    fn survivors(&self, touched: &Touched) -> BTreeSet<RecordId> {
        let survivor = |row: &SourceRecordRow| row.retraction.and_then(|retraction| retraction.survivor);
        let mut pending = Vec::new();
        for (record, before) in touched {
            pending.extend(before.row.as_ref().and_then(survivor));
            pending.extend(self.records.get(record).and_then(survivor));
            pending.extend(self.followers.contains_key(record).then_some(*record));
        }
        let mut found = BTreeSet::new();
        while let Some(record) = pending.pop() {
            if found.insert(record) {
                pending.extend(self.records.get(&record).and_then(survivor));
            }
        }
        found
    }

    /// What the records stated that were merged into this one, directly or through others that are gone; the newest first.
    fn carried(&self, record: RecordId) -> Vec<Part> {
        let mut carried = Vec::new();
        let (mut pending, mut seen) = (vec![record], BTreeSet::new());
        while let Some(record) = pending.pop() {
            for follower in self.followers.get(&record).into_iter().flatten() {
                let Some(row) = self.records.get(follower).filter(|_| seen.insert(*follower)) else { continue };
                let merged = |part: &&Part| row.retraction.is_some_and(|r| part.edition <= r.edition);
                carried.extend(row.stated.iter().flat_map(|stated| stated.parts.iter().filter(merged)).cloned());
                pending.extend(row.is_retracted().then_some(*follower));
            }
        }
        carried.sort_by_key(|part: &Part| std::cmp::Reverse((part.edition, part.event_id)));
        carried
    }

    fn entry(&mut self, meta: &Meta) -> &mut SourceRecordRow {
        self.records.entry(meta.record_id).or_insert_with(|| SourceRecordRow {
            record_id: meta.record_id,
            source: clean(&meta.source),
            source_kind: meta.source_kind,
            stated: None,
            retraction: None,
            withdrawn: None,
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

/// The statements that a record made and that still count somewhere, taken out of its entry, the newest first.
fn take_parts(row: &mut SourceRecordRow) -> Vec<Part> {
    let Some(stated) = &mut row.stated else { return Vec::new() };
    let (edition, event_id) = (stated.edition, stated.event_id);
    match stated.statement.take() {
        Some(statement) if stated.parts.is_empty() => vec![Part { edition, event_id, statement }],
        _ => std::mem::take(&mut stated.parts),
    }
}

/// Statements with one more. Of one event seen twice, and of two events with one id, the first counts.
fn with_part(mut parts: Vec<Part>, part: Part) -> Vec<Part> {
    let at = (part.edition, part.event_id);
    let place = parts.binary_search_by(|known| at.cmp(&(known.edition, known.event_id)));
    match place {
        // Most statements are whole and the newest of their record: nothing before them counts.
        Err(0) if part.statement.partial.is_none() => return vec![part],
        Err(place) => parts.insert(place, part),
        Ok(_) => {}
    }
    if parts.len() > 1 {
        let (_, adds) = merge_statements(parts.iter().map(|part| &part.statement));
        // The newest stays in any case: the entry bears its version.
        let mut kept = adds.into_iter().enumerate().map(|(place, adds)| adds || place == 0);
        parts.retain(|_| kept.next() == Some(true));
    }
    parts
}

/// Puts the statements of a record into its entry, with those that it makes for others where its own leave something open.
fn put_parts(row: &mut SourceRecordRow, mut parts: Vec<Part>, carried: &[Part]) {
    let Some(stated) = &mut row.stated else { return };
    let merged_away = row.retraction.map(|retraction| retraction.edition);
    let live = parts.iter().take_while(|part| Some(part.edition) > merged_away).count();
    let of_all = || merge_statements(parts[..live].iter().chain(carried).map(|part| &part.statement));
    stated.statement = match live {
        0 => None,
        1 if carried.is_empty() || !of_all().1[1..].contains(&true) => {
            // One statement is kept as it was made: it says itself what it deletes.
            if parts.len() == 1 {
                stated.statement = parts.pop().map(|only| only.statement);
                return;
            }
            Some(parts[0].statement.clone())
        }
        _ => Some(of_all().0),
    };
    stated.parts = parts;
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

    /// The book of what happened, taken in in batches.
    fn book_of(happenings: &[(u8, i64, bool)], batch: usize) -> Book {
        let events: Vec<Event> =
            happenings.iter().map(|(record, version, retracts)| happening(*record, *version, *retracts)).collect();
        taken_in(&events, batch)
    }

    fn taken_in(events: &[Event], batch: usize) -> Book {
        let mut book = Book::default();
        for batch in events.chunks(batch) {
            let mut touched = Touched::new();
            for event in batch {
                book.touch(&mut touched, event.meta.record_id);
                match Item::of(event.clone()).expect("usable") {
                    Item::Observed(observed) => book.observe(&observed.0, observed.1),
                    Item::Retracted(retracted) => book.retract(&retracted.0, retracted.1),
                    other => unreachable!("only identities happen here, and no {}", other.kind()),
                }
            }
            book.carry_over(&mut touched);
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
            batch in 1..5_usize,
        ) {
            let straight = book_of(&happenings, happenings.len());
            let turned: Vec<_> =
                happenings.iter().rev().cycle().skip(turn).take(2 * happenings.len()).copied().collect();
            let turned = book_of(&turned, batch);
            prop_assert_eq!(rows(&turned), rows(&straight));
            prop_assert_eq!(&turned.followers.into_iter().filter(|(_, f)| !f.is_empty()).collect::<FxHashMap<_, _>>(),
                &straight.followers.into_iter().filter(|(_, f)| !f.is_empty()).collect::<FxHashMap<_, _>>());
        }
    }

    #[test]
    fn records_that_were_merged_into_each_other_are_nobodys_and_nothing_hangs() {
        let book = book_of(&[(0, 1, true), (1, 1, true), (2, 1, true)], 1);
        assert_eq!(book.inherited_person(record_id("register", "r0")), None);
        assert_eq!(book.followers_of([record_id("register", "r0")]).len(), 3);
    }

    /// What a record states in all after these events, taken in one by one.
    fn stated(events: &[&Event], record: &str) -> Option<IdentityObserved> {
        let events: Vec<Event> = events.iter().map(|event| (*event).clone()).collect();
        let book = taken_in(&events, 1);
        let row = book.get(record_id("hospital", record))?;
        live(row).map(|(statement, _)| statement.clone())
    }

    fn told(record: &str, version: i64, statement: test_support::build::Statement) -> Event {
        let mut statement = statement.build();
        statement.partial = Some(Box::default());
        event(meta_at("hospital", record, version, NOON), statement)
    }

    fn taken_back(record: &str, version: i64, survivor: Option<&str>) -> Event {
        let survivor = survivor.map(|survivor| record_id("hospital", survivor));
        let body = IdentityRetracted { reason: RetractReason::Merged, survivor };
        event(Meta { op: Op::Retract, ..meta_at("hospital", record, version, NOON) }, body)
    }

    #[test]
    fn a_survivor_states_what_was_merged_into_it_below_what_it_states_itself_in_any_order() {
        let old = told("old", 1, person("王旧").contact("13800000001").resident("11010519491231002X"));
        let merged = taken_back("old", 3, Some("new"));
        let new = told("new", 2, person("王新").contact("13800000002"));
        for [a, b, c] in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
            let events = [&old, &merged, &new];
            let statement = stated(&[events[a], events[b], events[c]], "new").expect("it stands");
            assert_eq!(statement.person.names, person("王新").build().person.names);
            assert_eq!(statement.contacts, [domain::Sensitive::from("8613800000002")]);
            assert_eq!(statement.person.claims, [claim(IdScheme::CnId, "11010519491231002X")]);
        }
        let ends_there = taken_back("new", 4, Some("last"));
        let last = told("last", 1, person("王末"));
        let statement = stated(&[&last, &ends_there, &new, &merged, &old], "last").expect("it stands");
        assert_eq!(statement.contacts, [domain::Sensitive::from("8613800000002")], "the newer one of the two");
        assert_eq!(statement.person.claims.len(), 1);
    }

    #[test]
    fn what_was_withdrawn_is_stated_for_nobody_before_and_after_a_merge() {
        let wrong = told("old", 1, person("王旧").contact("13800000001"));
        let withdrawn = taken_back("old", 2, None);
        let right = told("old", 3, person("王旧").lives("幸福路1号", "320506001007G03"));
        let merged = taken_back("old", 4, Some("new"));
        let new = told("new", 1, person("王新"));
        let expected = stated(&[&right, &merged, &new], "new").expect("it stands");
        assert!(expected.address.is_some());
        for events in [
            [&wrong, &withdrawn, &right, &merged, &new],
            [&new, &merged, &wrong, &right, &withdrawn],
            [&merged, &right, &withdrawn, &new, &wrong],
        ] {
            assert_eq!(stated(&events, "new").as_ref(), Some(&expected));
        }
        // What the source takes back after the merge goes from the survivor as well.
        let statement = stated(&[&right, &merged, &new, &taken_back("old", 5, None)], "new");
        assert_eq!(statement, stated(&[&new], "new"));
        // A merge that names another survivor takes along what was carried to the first.
        let other = told("other", 1, person("王二"));
        let corrected = [&right, &merged, &new, &other, &taken_back("old", 5, Some("other"))];
        assert_eq!(stated(&corrected, "new"), stated(&[&new], "new"));
        assert!(stated(&corrected, "other").expect("it stands").address.is_some());
    }

    #[test]
    fn a_whole_row_is_all_that_a_survivor_states() {
        let old = told("old", 1, person("王旧").contact("13800000001"));
        let new = event(meta_at("hospital", "new", 2, NOON), person("王新").build());
        let statement = stated(&[&old, &taken_back("old", 3, Some("new")), &new], "new");
        assert_eq!(statement, Some(person("王新").build()));
    }
}
