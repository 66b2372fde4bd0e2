//! `make fuzz`: hostile bytes for every parser, for as long as one likes.
//!
//! Seeds of our own making are changed at random, over and over; an input that makes a parser say something that it has
//! not said before becomes a seed, too. A finding is a panic, a row that does not lie in its body, or an input that takes
//! seconds; it is written to `target/fuzz` and ends the run. It needs no nightly compiler, and knows nothing of branches.

mod mutate;
mod run;
mod seeds;
mod targets;

use std::process::ExitCode;

fn main() -> ExitCode {
    run::run(std::env::args().skip(1))
}
