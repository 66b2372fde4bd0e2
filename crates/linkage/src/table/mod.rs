//! Linkage of whole tables that trains itself: records as rows of typed columns in, clusters out.
//!
//! The steps: [`Table`] standardizes and interns; `rules` chooses blocking rules; `learn` estimates the parameters by
//! expectation-maximization with three kinds of pairs (one person, relatives, strangers); `weigh` gives the match
//! weight of any pair; `group` makes clusters out of weights. The invariant: with a fixed model, the clusters are a
//! function of the set of records.

mod block;
mod field;
mod group;
mod learn;
mod levels;
mod link;
mod pairs;
mod pool;
mod rules;
mod standard;
mod store;
mod weigh;

pub use field::{Column, TableField};
pub use link::{HotValue, LinkOptions, Linked, Stage, Summary, link_table};
pub use pool::TextPool;
pub use store::{RawColumn, Table};
