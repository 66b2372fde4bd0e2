//! Hostile bytes for every parser.
//!
//! A [`Target`] is a parser with inputs to begin with and laws that any answer must keep. libFuzzer changes the inputs and
//! looks at which branches they take (`fuzz_targets/parsers.rs`, run by `make fuzz`); the tests here hand over the first
//! inputs as they are.

mod seeds;
mod targets;

pub use targets::{Target, target, targets};
