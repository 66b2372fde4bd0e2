//! Repository chores: `cargo xtask check | ci [--quick] | schemas | errors`.

mod catalogue;
mod check_deps;
mod check_docs;
mod check_schemas;
mod chores;
mod ci;
mod errors_page;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["check"] => chores::report(&chores::check_all()),
        ["ci"] => ci::run(ci::Extent::Whole),
        ["ci", "--quick"] => ci::run(ci::Extent::Quick),
        ["errors"] => chores::report(&errors_page::write(&chores::root())),
        ["schemas"] => chores::report(&check_schemas::accept_drafts(&chores::root())),
        _ => {
            eprintln!("{}", chores::USAGE);
            ExitCode::from(2)
        }
    }
}
