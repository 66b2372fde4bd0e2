//! What the log says in effect: a record that is there twice under one id says one thing, and nothing is said under two.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use codec::Codec;
use domain::{BatchId, Body, Event, EventId, EventType, Op, RecordId};
use event_log::{EventLog, Positions};
use uuid::Uuid;

/// How long a read may wait for records that are known to be there.
const READ_WAIT: Duration = Duration::from_secs(30);
/// What the records of restated identities begin with. Any row may be the first to restate one.
const SIGHTING: &str = "who:";

/// A statement: about which record, and by which row; a restated identity by its week, a message by its version, because
/// messages have no batch but the one in which they happened to arrive. Not by its id, which may hold the order of arrival,
/// and two hubs count that each for itself.
type Statement = (EventType, RecordId, Op, Option<BatchId>, i64);

/// The events of a log.
pub(crate) struct Effect {
    /// Records, repeats included.
    pub(crate) records: usize,
    /// Events by their ids.
    pub(crate) ids: BTreeSet<EventId>,
    statements: BTreeMap<Statement, Body>,
}

/// Reads a log from its begin to its end. `files` are the batches that are files.
pub(crate) async fn read(log: &EventLog, files: &BTreeSet<Uuid>) -> Effect {
    let (topics, codec) = (projector::topics(), Codec::builtin());
    let end = log.end_positions(&topics).await.expect("the log has an end");
    let mut reader = log.reader(&topics, Positions::new()).await.expect("a reader");
    let mut effect = Effect { records: 0, ids: BTreeSet::new(), statements: BTreeMap::new() };
    while !reader.positions().reached(&end) {
        let records = reader.next(5_000, READ_WAIT).await.expect("records");
        assert!(!records.is_empty(), "the log ends before its end");
        for record in records {
            effect.add(codec.decode(&record.position.topic, &record.payload).expect("an event"), files);
        }
    }
    effect
}

impl Effect {
    fn add(&mut self, event: Event, files: &BTreeSet<Uuid>) {
        let (event_type, meta) = (event.event_type(), event.meta);
        let by_row = files.contains(&meta.batch_id.as_uuid()) && !meta.source_record_id.expose().starts_with(SIGHTING);
        let (batch, place) = match by_row {
            true => (Some(meta.batch_id), meta.batch_row),
            false => (None, meta.source_record_version),
        };
        self.records += 1;
        self.ids.insert(meta.event_id);
        let statement = (event_type, meta.record_id, meta.op, batch, place);
        if let Some(before) = self.statements.insert(statement, event.body.clone()) {
            assert!(before == event.body, "a repeated event states something else: {}", meta.event_id);
        }
    }
}

/// Asserts that two logs say the same, each of them everything once in effect.
pub(crate) fn assert_same(events: &Effect, expected: &Effect) {
    assert_eq!(events.ids.len(), events.statements.len(), "a statement has one id, and an id one statement");
    assert_eq!(expected.records, expected.ids.len(), "without kills nothing is repeated");
    let missing = expected.statements.keys().filter(|key| !events.statements.contains_key(key)).count();
    let invented = events.statements.keys().filter(|key| !expected.statements.contains_key(key)).count();
    assert_eq!((missing, invented), (0, 0), "events that are missing, and that should not be there");
    assert!(events.statements == expected.statements, "an event states something else than without kills");
}
