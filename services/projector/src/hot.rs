//! What linkage leaves out because too many records share it, as the views list it: never the value, a keyed handle.

use std::collections::BTreeMap;

use domain::TokenKey;
use linkage::{Engine, HotValue, Rule};
use serde::Serialize;
use store::views::{Hot, HotChanges, HotRow};
use uuid::Uuid;

/// What the views list; unknown until it is written once.
#[derive(Debug, Default)]
pub(crate) struct HotList(Option<BTreeMap<Uuid, HotRow>>);

impl HotList {
    /// Brings the list to what the engine says, and gives what is another than before.
    pub(crate) fn follow(&mut self, engine: &Engine, key: &TokenKey) -> HotChanges {
        let now: BTreeMap<Uuid, HotRow> = rows(engine, key).map(|row| (row.handle, row)).collect();
        let was = self.0.replace(now.clone());
        let reset = was.is_none();
        let was = was.unwrap_or_default();
        let removed = was.keys().filter(|handle| !now.contains_key(handle)).copied().collect();
        let puts = now.into_iter().filter(|(handle, row)| was.get(handle) != Some(row)).map(|(_, row)| row).collect();
        HotChanges { reset, puts, removed }
    }

    /// Sets the metrics. A kind of which nothing is hot any more is set to zero.
    pub(crate) fn measure(&self) {
        let mut counts: BTreeMap<(Hot, String), f64> = BTreeMap::new();
        counts.extend(HotValue::FIELDS.iter().map(|field| ((Hot::Value, code(field)), 0.0)));
        counts.extend(Rule::ALL.iter().map(|rule| ((Hot::Block, code(rule)), 0.0)));
        for row in self.0.iter().flat_map(BTreeMap::values) {
            *counts.entry((row.what, row.kind.clone())).or_default() += 1.0;
        }
        for ((what, kind), count) in counts {
            match what {
                Hot::Value => metrics::gauge!("isthmus_linkage_hot_values", "kind" => kind).set(count),
                Hot::Block => metrics::gauge!("isthmus_linkage_hot_blocks", "rule" => kind).set(count),
            }
        }
    }
}

fn rows<'a>(engine: &'a Engine, key: &'a TokenKey) -> impl Iterator<Item = HotRow> + 'a {
    let handle = |what: Hot, value: u64| Uuid::from_bytes(key.opaque(what.code(), &value.to_string()));
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    let values = engine.hot_values().into_iter().map(move |value| HotRow {
        handle: handle(Hot::Value, value.value),
        what: Hot::Value,
        kind: code(&value.field),
        records: number(value.records),
        bearers: Some(number(value.bearers)),
        record: Some(value.record),
    });
    let blocks = engine.hot_blocks().into_iter().map(move |(block, records)| HotRow {
        handle: handle(Hot::Block, block.to_u64()),
        what: Hot::Block,
        kind: code(&block.rule()),
        records: number(records),
        bearers: None,
        record: None,
    });
    values.chain(blocks)
}

/// The code of a field or rule, as the model file writes it.
fn code(value: &impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}
