//! The console in a real browser: each page as its role, on a demo city. The walks themselves are in
//! `services/console/tests`; `node services/console/tests/run.mjs target/debug/isthmus FILE` runs one of them.

use std::path::Path;
use std::process::Command;

#[test]
fn every_role_does_its_work_in_a_browser() {
    let run = Path::new(env!("CARGO_MANIFEST_DIR")).join("../console/tests/run.mjs");
    let status = Command::new("node").arg(run).arg(env!("CARGO_BIN_EXE_isthmus")).status();
    let status = status.expect("node runs: `.ci/setup test` installs it");
    assert!(status.success(), "a walk through the console failed; its report is above");
}
