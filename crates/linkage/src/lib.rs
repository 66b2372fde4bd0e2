//! Pure entity resolution: standardize, block, compare, weigh, cluster, explain.

mod engine;
mod model;
mod types;

pub use engine::Engine;
pub use model::{Model, ModelError};
pub use types::{Change, ClusterChange, Delta, Explanation, Field, Level, Link, Part, Record, Statistics};
