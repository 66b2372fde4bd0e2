//! The engine.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{PersonId, RecordId};

use crate::{Change, ClusterChange, Delta, Explanation, Model, Record, Statistics};

/// Records in, persons out. In memory; a pure function of the records it holds.
#[derive(Debug)]
pub struct Engine {
    model: Arc<Model>,
    records: BTreeMap<RecordId, Record>,
}

impl Engine {
    /// An engine without records.
    pub fn new(model: Arc<Model>) -> Self {
        Self { model, records: BTreeMap::new() }
    }

    /// The model it weighs with.
    pub fn model(&self) -> &Arc<Model> {
        &self.model
    }

    /// Takes in a batch of changes, in order, and says what became of the persons.
    pub fn apply(&mut self, changes: Vec<Change>) -> Delta {
        let mut delta = Delta::default();
        for change in changes {
            match change {
                Change::Upsert(record) => {
                    delta.clusters.push(ClusterChange {
                        person: PersonId::from_oldest(record.key),
                        members: vec![record.key],
                        links: Vec::new(),
                    });
                    self.records.insert(record.key, record);
                }
                Change::Remove(key) => {
                    self.records.remove(&key);
                    delta.dissolved.push(PersonId::from_oldest(key));
                }
            }
        }
        delta
    }

    /// The person of a record.
    pub fn person_of(&self, record: RecordId) -> Option<PersonId> {
        self.records.contains_key(&record).then(|| PersonId::from_oldest(record))
    }

    /// A person's cluster as it is now, with its links.
    pub fn cluster(&self, person: PersonId) -> Option<ClusterChange> {
        let record = person.as_record();
        self.records.contains_key(&record).then(|| ClusterChange { person, members: vec![record], links: Vec::new() })
    }

    /// Every person with the records, in order of person; records oldest first.
    pub fn clusters(&self) -> Vec<(PersonId, Vec<RecordId>)> {
        self.records.keys().map(|key| (PersonId::from_oldest(*key), vec![*key])).collect()
    }

    /// How two records compare; `None` when one is not there.
    pub fn explain(&self, _a: RecordId, _b: RecordId) -> Option<Explanation> {
        None
    }

    /// Counts.
    pub fn statistics(&self) -> Statistics {
        Statistics { records: self.records.len(), clusters: self.records.len(), ..Statistics::default() }
    }
}
