//! What reading a feed again changes, statement by statement: the row, and each field before and after.

use std::collections::BTreeMap;

use domain::{BatchId, Edition, Event, RecordId, Sensitive};
use rustc_hash::{FxHashMap, FxHashSet};
use serde_json::{Number, Value};
use store::ingest::Batch;
use store::seen::Seen;

use super::plan::{Plan, Slot, slot};
use crate::content::says;
use crate::error::IngestError;
use crate::ingest::{Core, Line};

/// What becomes of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeKind {
    /// It says something else.
    Changed,
    /// It was not there.
    New,
    /// It is not there any more.
    Gone,
}

impl ChangeKind {
    /// The word for it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::New => "new",
            Self::Gone => "gone",
        }
    }
}

/// A statement before and after.
#[derive(Clone, Debug)]
pub struct Change {
    /// What becomes of it.
    pub kind: ChangeKind,
    /// Batch of the row that says it now, or said it.
    pub batch_id: BatchId,
    /// That row.
    pub row: i64,
    /// The record that it is about.
    pub record_id: RecordId,
    /// Type of the event.
    pub event: &'static str,
    /// The fields that differ.
    pub fields: Vec<FieldChange>,
}

/// A field before and after.
#[derive(Clone, Debug)]
pub struct FieldChange {
    /// Its place in the event.
    pub field: String,
    /// What it said; `None` when nothing.
    pub before: Option<Sensitive<String>>,
    /// What it says.
    pub after: Option<Sensitive<String>>,
}

type At = (Slot, i64);

fn at(event: &Event) -> At {
    (slot(event), event.meta.source_record_version)
}

impl Core {
    /// The first changes of a plan, in the order of arrival; those that are gone come last.
    pub(super) async fn changes(
        &self,
        conn: &mut store::Conn,
        line: &Line,
        (batches, seeds): (&[Batch], &[Seen]),
        plan: &Plan,
        changes_max: usize,
    ) -> Result<Vec<Change>, IngestError> {
        let mut after: Vec<(At, Event)> = Vec::new();
        let mut taken: FxHashSet<At> = FxHashSet::default();
        self.read_all(conn, line, batches, seeds, |_, event, _| {
            let at = at(event);
            let changes = plan.states.contains_key(&at) || plan.restates.contains_key(&at);
            if changes && after.len() < changes_max && taken.insert(at) {
                after.push((at, event.clone()));
            }
            None
        })
        .await?;
        // Where a statement stands again, what it takes the place of is in the edition that is gone.
        let place_of = |at: &At| plan.restates.get(at).map_or(*at, |Edition { version, .. }| (at.0, *version));
        let wanted: FxHashSet<At> = after.iter().map(|(at, _)| place_of(at)).collect();
        let room = changes_max - after.len();
        let mut before: FxHashMap<At, Event> = FxHashMap::default();
        let mut gone: Vec<At> = Vec::new();
        self.for_events_of(line, |event, _| {
            let at = at(event);
            let is_gone = plan.retracts.contains_key(&at);
            if is_gone && gone.len() < room && !gone.contains(&at) {
                gone.push(at);
            }
            if wanted.contains(&at) || is_gone && gone.contains(&at) {
                let known = before.get(&at).map(|known| known.meta.reading);
                if known.is_none_or(|reading| reading <= event.meta.reading) {
                    before.insert(at, event.clone());
                }
            }
        })
        .await?;
        let mut changes: Vec<Change> =
            after.iter().map(|(at, event)| change(before.get(&place_of(at)), Some(event), event)).collect();
        changes.extend(gone.iter().filter_map(|at| before.get(at)).map(|event| change(Some(event), None, event)));
        Ok(changes)
    }
}

fn change(before: Option<&Event>, after: Option<&Event>, of: &Event) -> Change {
    let kind = match (before, after) {
        (None, _) => ChangeKind::New,
        (Some(_), None) => ChangeKind::Gone,
        (Some(_), Some(_)) => ChangeKind::Changed,
    };
    let (before, after) = (before.map(fields).unwrap_or_default(), after.map(fields).unwrap_or_default());
    let names: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let differs = names.into_iter().filter(|name| before.get(*name) != after.get(*name));
    let field = |name: &String| FieldChange {
        field: name.clone(),
        before: before.get(name).cloned().map(Sensitive::new),
        after: after.get(name).cloned().map(Sensitive::new),
    };
    Change {
        kind,
        batch_id: of.meta.batch_id,
        row: of.meta.batch_row,
        record_id: of.meta.record_id,
        event: of.event_type().name(),
        fields: differs.map(field).collect(),
    }
}

/// What an event says, by the place of each value; what it leaves open is left out.
fn fields(event: &Event) -> BTreeMap<String, String> {
    let mut fields = BTreeMap::from([
        ("operation".to_owned(), event.meta.op.code().to_owned()),
        ("event_time".to_owned(), event.meta.event_time.to_string()),
    ]);
    put(String::new(), says(&event.body), &mut fields);
    fields
}

fn put(place: String, value: Value, fields: &mut BTreeMap<String, String>) {
    let below = |name: &str| if place.is_empty() { name.to_owned() } else { format!("{place}.{name}") };
    match value {
        Value::Null => {}
        Value::Object(object) => object.into_iter().for_each(|(name, value)| put(below(&name), value, fields)),
        Value::Array(list) => {
            list.into_iter().enumerate().for_each(|(number, value)| put(below(&number.to_string()), value, fields));
        }
        Value::String(text) => {
            fields.insert(place, text);
        }
        Value::Number(number) => {
            fields.insert(place, shown(&number));
        }
        Value::Bool(value) => {
            fields.insert(place, value.to_string());
        }
    }
}

/// A number as short as it was sent: what events keep in four bytes has a long tail in eight.
fn shown(number: &Number) -> String {
    let wide = number.as_f64().filter(|_| number.is_f64());
    let short = wide.map(|wide| (wide as f32, wide)).filter(|(short, wide)| f64::from(*short) == *wide);
    short.map_or_else(|| number.to_string(), |(short, _)| short.to_string())
}
