//! What a batch means to persons: whose records came, whose went, and which event did it.
//!
//! Pure. Whether a person really is another one is decided by the database, which knows what was there before.

use std::collections::{BTreeMap, BTreeSet};

use domain::{BatchId, ChangeCause, EventId, PersonId, RecordId};
use linkage::ClusterChange;
use store::lineage::{Cause, PersonChangePut};
use store::views::{PersonPut, SourceRecordRow};

use crate::book::{Before, Book, Touched};
use crate::orders::Ruling;

/// Records that are another person's now, with whose they were before.
pub(crate) type Moved = BTreeMap<RecordId, Option<PersonId>>;

/// What a batch heard that is not about one record.
#[derive(Debug)]
pub(crate) enum Heard {
    /// Decisions about pairs, among whatever sources stated.
    Rulings(BTreeMap<RecordId, Ruling>),
    /// Another model or other rules, from which all persons were made anew.
    Anew(Cause),
}

type Persons = BTreeMap<PersonId, BTreeSet<PersonId>>;

/// The changes of the persons of `clusters`, whose digests are in `puts`, and of those that went away.
pub(crate) fn changes(
    book: &Book,
    touched: &Touched,
    moved: &Moved,
    clusters: &[&ClusterChange],
    puts: &[PersonPut],
    heard: &Heard,
    is_person: impl Fn(PersonId) -> bool,
) -> Vec<PersonChangePut> {
    let (came, went) = exchanged(book, moved);
    let (causes, otherwise) = match heard {
        Heard::Anew(cause) => (BTreeMap::new(), *cause),
        Heard::Rulings(rulings) => {
            // Where sources stated nothing, whatever changed follows from a decision.
            let ruling = rulings.iter().next().filter(|_| touched.is_empty()).map(ruled);
            (causes(book, touched, moved, rulings), ruling.unwrap_or(Cause::of(ChangeCause::Event)))
        }
    };
    let digests: BTreeMap<PersonId, _> = puts.iter().map(|put| (put.person_id, put.digest)).collect();
    let list = |persons: &Persons, person| persons.get(&person).into_iter().flatten().copied().collect::<Vec<_>>();
    let put = |person: PersonId, digest, members: Vec<RecordId>| {
        let (from_persons, into_persons) = (list(&came, person), list(&went, person));
        // One whose records no event of this batch was about changed because of those that it exchanged records with.
        let cause = [person].iter().chain(&into_persons).chain(&from_persons).find_map(|person| causes.get(person));
        let cause = cause.copied().unwrap_or(otherwise);
        PersonChangePut { person_id: person, digest, members, cause, from_persons, into_persons }
    };
    let here = clusters.iter().filter_map(|cluster| {
        let digest = *digests.get(&cluster.person)?;
        Some(put(cluster.person, Some(digest), cluster.members.clone()))
    });
    let before: BTreeSet<PersonId> = moved.values().flatten().copied().filter(|person| !is_person(*person)).collect();
    here.chain(before.into_iter().map(|person| put(person, None, Vec::new()))).collect()
}

/// Per person from whom records came, and to whom records went.
fn exchanged(book: &Book, moved: &Moved) -> (Persons, Persons) {
    let (mut came, mut went) = (Persons::new(), Persons::new());
    for (record, was) in moved {
        let is_now = book.get(*record).and_then(|row| row.person);
        if let (Some(was), Some(is_now)) = (*was, is_now) {
            came.entry(is_now).or_default().insert(was);
            went.entry(was).or_default().insert(is_now);
        }
    }
    (came, went)
}

/// A cause for each person that the batch was about: an event that moved a record, else a decision, else any event.
fn causes(
    book: &Book,
    touched: &Touched,
    moved: &Moved,
    rulings: &BTreeMap<RecordId, Ruling>,
) -> BTreeMap<PersonId, Cause> {
    let is_now = |record: RecordId| book.get(record).and_then(|row| row.person);
    let of_record = |(record, before): (&RecordId, &Before)| {
        let cause = book.get(*record).and_then(cause)?;
        Some(([is_now(*record), before.row.as_ref().and_then(|row| row.person)], cause))
    };
    let of_ruling = |(decision, ruling): (&RecordId, &Ruling)| {
        let cause = ruled((decision, ruling));
        let persons = |record: RecordId| [is_now(record), moved.get(&record).copied().flatten()];
        [(persons(ruling.pair.0), cause), (persons(ruling.pair.1), cause)]
    };
    let (movers, others): (Vec<_>, Vec<_>) = touched.iter().partition(|(record, _)| moved.contains_key(record));
    let rulings = rulings.iter().filter(|_| !moved.is_empty()).flat_map(of_ruling);
    let mut causes = BTreeMap::new();
    for (persons, cause) in
        movers.into_iter().filter_map(of_record).chain(rulings).chain(others.into_iter().filter_map(of_record))
    {
        for person in persons.into_iter().flatten() {
            causes.entry(person).or_insert(cause);
        }
    }
    causes
}

fn ruled((decision, ruling): (&RecordId, &Ruling)) -> Cause {
    Cause { event: Some(ruling.event), decision: Some(*decision), ..Cause::of(ChangeCause::Decision) }
}

fn stating(event: Option<EventId>, batch: Option<BatchId>) -> Cause {
    Cause { event, batch, ..Cause::of(ChangeCause::Event) }
}

/// The event that made a record what it is.
fn cause(row: &SourceRecordRow) -> Option<Cause> {
    match (&row.stated, &row.retraction) {
        (_, Some(retraction)) if row.is_retracted() => Some(stating(Some(retraction.event_id), None)),
        (Some(stated), _) => Some(stating(Some(stated.event_id), Some(row.batch_id))),
        (None, _) => None,
    }
}
