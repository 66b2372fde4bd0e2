//! Linkage as its users see it: named traps, and the laws that hold for any history.

mod blocks;
mod common;
mod hot;
mod latin;
mod laws;
mod learning;
mod orders;
mod tasks;
mod traps;
