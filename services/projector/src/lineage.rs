//! What a batch means to persons: whose records came, whose went, and which event did it.
//!
//! Pure. Whether a person really is another one is decided by the database, which knows what was there before.

use std::collections::{BTreeMap, BTreeSet};

use domain::{BatchId, EventId, PersonId, RecordId};
use linkage::ClusterChange;
use store::lineage::PersonChangePut;
use store::views::{PersonPut, SourceRecordRow};

use crate::book::{Before, Book};

/// Records that are another person's now, with whose they were before.
pub(crate) type Moved = BTreeMap<RecordId, Option<PersonId>>;

type Cause = (EventId, Option<BatchId>);
type Persons = BTreeMap<PersonId, BTreeSet<PersonId>>;

/// The changes of the persons of `clusters`, whose digests are in `puts`, and of those that went away.
pub(crate) fn changes(
    book: &Book,
    touched: &BTreeMap<RecordId, Before>,
    moved: &Moved,
    clusters: &[&ClusterChange],
    puts: &[PersonPut],
    is_person: impl Fn(PersonId) -> bool,
) -> Vec<PersonChangePut> {
    let (came, went) = exchanged(book, moved);
    let causes = causes(book, touched, moved);
    let digests: BTreeMap<PersonId, _> = puts.iter().map(|put| (put.person_id, put.digest)).collect();
    let list = |persons: &Persons, person| persons.get(&person).into_iter().flatten().copied().collect::<Vec<_>>();
    let put = |person: PersonId, digest, members: Vec<RecordId>| {
        let (from_persons, into_persons) = (list(&came, person), list(&went, person));
        // One whose records no event of this batch was about changed because of those that it exchanged records with.
        let cause = [person].iter().chain(&into_persons).chain(&from_persons).find_map(|person| causes.get(person));
        PersonChangePut {
            person_id: person,
            digest,
            members,
            cause_event: cause.map(|cause| cause.0),
            cause_batch: cause.and_then(|cause| cause.1),
            from_persons,
            into_persons,
        }
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

/// An event for each person that the batch was about: one that moved a record, else any.
fn causes(book: &Book, touched: &BTreeMap<RecordId, Before>, moved: &Moved) -> BTreeMap<PersonId, Cause> {
    let mut causes = BTreeMap::new();
    let (movers, others): (Vec<_>, Vec<_>) = touched.iter().partition(|(record, _)| moved.contains_key(record));
    for (record, before) in movers.into_iter().chain(others) {
        let Some(row) = book.get(*record) else { continue };
        let Some(cause) = cause(row) else { continue };
        let was = before.row.as_ref().and_then(|row| row.person);
        for person in [row.person, was].into_iter().flatten() {
            causes.entry(person).or_insert(cause);
        }
    }
    causes
}

/// The event that made a record what it is.
fn cause(row: &SourceRecordRow) -> Option<Cause> {
    match (&row.stated, &row.retraction) {
        (_, Some(retraction)) if row.is_retracted() => Some((retraction.event_id, None)),
        (Some(stated), _) => Some((stated.event_id, Some(row.batch_id))),
        (None, _) => None,
    }
}
