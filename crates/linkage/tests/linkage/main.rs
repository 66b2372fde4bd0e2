//! Linkage as its users see it: named traps, and the laws that hold for any history.

mod common;
mod hot;
mod latin;
mod laws;
mod learning;
mod orders;
mod traps;
