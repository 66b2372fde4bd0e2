//! Pure entity resolution: standardize, block, compare, weigh, cluster, explain.
//!
//! The method is Fellegi and Sunter's: the weight of a pair is the base-2 logarithm of how much likelier its agreements
//! and disagreements are for one person than for two, plus the prior. Standing orders of reviewers outrank it. The
//! invariant: the persons are a pure function of the records, the orders and the model. Any order of arrival, any division into batches, a repeat, an unrelated record, a record
//! taken out again: the result is the same.
//!
//! Not here: where records come from, what becomes of the persons, clocks, I/O. The model is an argument and fixed
//! while an engine runs.

mod block;
mod cluster;
mod compare;
mod engine;
mod hanzi;
mod hash;
mod index;
mod model;
mod name;
mod name_compare;
mod orders;
mod placeholder;
mod shadow;
mod standardize;
pub mod table;
mod train;
mod types;

pub use block::{BlockKey, Rule, blocking_keys};
pub use compare::{Comparison, compare};
pub use engine::Engine;
pub use model::{Birth, Blocking, HotLimits, LevelFile, Model, ModelError, ModelFile, Names, Prior, Thresholds};
pub use orders::{Order, OrderState, Pair};
pub use shadow::{Preview, ReviewedPair, Sample, Trial};
pub use standardize::{Standardized, is_about_organisation};
pub use train::{TrainError, Trained, train};
pub use types::{
    Change, ClusterChange, Delta, Explanation, Field, HotValue, Level, Link, Part, Record, StandingOrder, Statistics,
    Task, TaskKind,
};
