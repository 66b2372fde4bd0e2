//! Pictures of linkage as self-contained SVG.
//!
//! Invariants: the same figures give the same bytes; every text is escaped; every picture has a title and a description
//! that say in words what it shows, and can be read on light and on dark ground. Labels are English and Chinese.
//!
//! Not here: where the figures come from, files, HTTP.

mod histogram;
mod page;
mod parameters;
mod picture;
mod shares;
mod waterfall;
mod words;

pub use histogram::Histogram;
pub use page::page;
pub use parameters::{Parameter, parameters};
pub use shares::shares;
pub use waterfall::{Order, Step, Waterfall};
