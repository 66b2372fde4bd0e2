//! What the chores share: where the repository is, what a finding is, how it is shown.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::{check_deps, check_docs, check_schemas, errors_page};

/// Shown for an unknown command.
pub(crate) const USAGE: &str = "usage: cargo xtask <command>

  check         dependency edges, schemas, policies, pages and files: what must hold about the repository itself
  ci            everything: format, check, clippy, tests, docs (--quick: without tests and docs)
  errors        write docs/errors.md from the table of reasons in crates/connector
  schemas       write the fingerprints of edited draft schemas into schemas/catalogue.toml";

/// Something that must not be, in words that say what to do.
pub(crate) type Finding = String;

/// The root of the repository that this program was built from.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// Every check of the repository.
pub(crate) fn check_all() -> Vec<Finding> {
    let root = root();
    let checks = [check_deps::check, check_schemas::check, check_docs::check, errors_page::check];
    let policies = access::Policy::builtin().err().map(|error| error.to_string());
    checks.into_iter().flat_map(|check| check(&root)).chain(policies).collect()
}

/// Prints the findings; success when there are none.
pub(crate) fn report(findings: &[Finding]) -> ExitCode {
    for finding in findings {
        eprintln!("error: {finding}");
    }
    if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
