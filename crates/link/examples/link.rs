//! Links files without the whole binary: `cargo run --release -p link --example link -- OUTPUT.csv INPUT...`

use std::path::PathBuf;

/// As in the whole binary.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let Some(output) = arguments.next() else {
        eprintln!("usage: link OUTPUT.csv INPUT...");
        std::process::exit(2);
    };
    let options = link::Options { inputs: arguments.collect(), output, seed: 1, ..link::Options::default() };
    match link::run(&options, |_| {}) {
        Ok(outcome) => print!("{}", outcome.text),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
}
