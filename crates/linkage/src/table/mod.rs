//! Linkage of whole tables that trains itself: records as rows of typed columns in, clusters out.
//!
//! The steps: [`Table`] standardizes and interns; `rules` chooses blocking rules; `learn` estimates the parameters by
//! expectation-maximization with three kinds of pairs (one person, relatives, strangers); `weigh` gives the match
//! weight of any pair; `group` makes clusters out of weights. The invariant: with a fixed model, the clusters are a
//! function of the set of records.

mod block;
mod estimate;
mod field;
mod group;
mod holders;
mod hot;
mod learn;
mod levels;
mod link;
mod model;
mod observe;
mod pairs;
mod pet_names;
mod pool;
mod prior;
mod repeats;
mod rules;
mod sample;
mod standard;
mod store;
mod strangers;
mod weigh;

pub use field::{Column, TableField};
pub use hot::HotValue;
pub use link::{LinkOptions, Linked, PairParts, Stage, Summary, link_table};
pub use model::{TableModel, TableModelError};
pub use pairs::Oversized;
pub use pool::TextPool;
pub use store::{RawColumn, Table};
