//! Hands libFuzzer's inputs to the parser that `FUZZ_TARGET` names; without a name it lists the parsers.
//!
//! The first inputs are written into the corpus: the first argument that is a folder.

#![no_main]

use std::path::Path;
use std::process::exit;
use std::sync::LazyLock;

use fuzz::{Target, target, targets};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let Ok(name) = std::env::var("FUZZ_TARGET") else {
        targets().iter().for_each(|target| println!("{}", target.name));
        exit(0);
    };
    target(&name).unwrap_or_else(|| {
        eprintln!("FUZZ_TARGET={name}: there is no such parser; without FUZZ_TARGET they are listed");
        exit(2);
    })
});

fn begin() {
    let corpus = std::env::args().skip(1).find(|argument| Path::new(argument).is_dir());
    for (number, seed) in TARGET.seeds.iter().enumerate() {
        let Some(corpus) = &corpus else { return };
        if let Err(error) = std::fs::write(Path::new(corpus).join(format!("seed-{number}")), seed) {
            eprintln!("{corpus}: {error}");
            exit(2);
        }
    }
}

libfuzzer_sys::fuzz_target!(init: begin(), |input: &[u8]| TARGET.fire(input));
