//! The guard against blocks that are too large: a function of the records, reported, and never silent.

use std::collections::BTreeMap;
use std::sync::Arc;

use linkage::{Change, Engine, Standardized, blocking_keys};
use proptest::prelude::*;

use crate::common::key;
use crate::laws::{MODELS, Row, row};

/// A block with more records than this proposes nothing in the model of these laws.
const RECORDS_MAX: usize = 6;

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_pair_that_shares_a_key_is_weighed_or_all_its_keys_are_reported_as_too_large(
        history in prop::collection::vec((0..24_u64, prop::option::weighted(0.85, row())), 1..60),
        cut in 1..7_usize,
    ) {
        let model = &MODELS[0];
        prop_assert_eq!(model.file().blocking.records_max, RECORDS_MAX);
        let mut engine = Engine::new(Arc::clone(model));
        let mut present: BTreeMap<u64, Row> = BTreeMap::new();
        for part in history.chunks(cut) {
            engine.apply(part.iter().map(|(n, row)| match row {
                Some(row) => Change::Upsert(row.statement(*n).0),
                None => Change::Remove(key(*n)),
            }).collect());
            for (n, row) in part {
                present.remove(n);
                if let Some(row) = row {
                    present.insert(*n, row.clone());
                }
            }
        }
        // Worked out from nothing, pair by pair.
        let keys: BTreeMap<u64, _> = present.iter().map(|(n, row)| {
            (*n, blocking_keys(&Standardized::of(&row.statement(*n).0.statement, model)))
        }).collect();
        let mut blocks: BTreeMap<_, usize> = BTreeMap::new();
        keys.values().flatten().for_each(|key| *blocks.entry(*key).or_default() += 1);
        let mut hot: Vec<_> = blocks.iter().filter(|(_, records)| **records > RECORDS_MAX).map(|(k, n)| (*k, *n)).collect();
        hot.sort_unstable();
        let mut reported = engine.hot_blocks();
        reported.sort_unstable();
        prop_assert_eq!(reported, hot);
        let is_weighed = |a: &u64, b: &u64| keys[a].iter().any(|key| keys[b].contains(key) && blocks[key] <= RECORDS_MAX);
        let numbers: Vec<u64> = present.keys().copied().collect();
        let mut edges = 0;
        for (place, a) in numbers.iter().enumerate() {
            for b in &numbers[..place] {
                let pair = engine.explain(key(*a), key(*b)).expect("both are there");
                let counts = pair.conflict.is_none() && pair.link.weight as f32 >= pair.review_threshold as f32;
                edges += usize::from(counts && is_weighed(a, b));
            }
        }
        prop_assert_eq!(engine.statistics().edges, edges);
    }
}
