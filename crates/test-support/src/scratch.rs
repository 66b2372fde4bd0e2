//! Folders and processes that end with the test process, however it ends.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// The folder of everything the harness writes: traversable, because the database server may run under an account of its own.
pub(crate) fn root() -> PathBuf {
    let root = std::env::temp_dir().join("isthmus-test");
    must(fs::create_dir_all(&root), "making the harness's folder");
    // It may be another user's, who then opened it.
    let _ = fs::set_permissions(&root, Permissions::from_mode(0o777));
    root
}

/// A new empty folder that is removed when the test process has ended. Every account can enter it.
///
/// # Panics
/// When it cannot be made.
pub fn scratch_dir(purpose: &str) -> PathBuf {
    let dir = root().join(format!("{purpose}-{}", uuid::Uuid::new_v4().simple()));
    must(fs::create_dir(&dir), "making a scratch folder");
    must(fs::set_permissions(&dir, Permissions::from_mode(0o755)), "opening a scratch folder");
    after_the_end(&format!("rm -rf '{0}' || {{ sleep 1; rm -rf '{0}'; }}", dir.display()));
    dir
}

/// A name that nothing else has: letters, digits and `-`.
pub fn scratch_name() -> String {
    format!("t-{}", uuid::Uuid::new_v4().simple())
}

/// Runs a shell command when this process has ended: the command's shell waits for the other end of a pipe that only
/// this process holds, and the kernel closes that, whatever the reason.
pub(crate) fn after_the_end(command: &str) {
    static HELD: Mutex<Vec<Child>> = Mutex::new(Vec::new());
    let child = Command::new("/bin/sh")
        .args(["-c", &format!("cat >/dev/null; {command}")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    let child = must(child, "starting the janitor of the test harness");
    HELD.lock().unwrap_or_else(PoisonError::into_inner).push(child);
}

/// Takes a lock between test processes; it is free again when the file is dropped.
pub(crate) fn lock(name: &str) -> File {
    let path = root().join(name);
    let file = must(OpenOptions::new().create(true).truncate(false).write(true).open(path), "opening a lock file");
    must(file.lock(), "taking a lock");
    file
}

/// Copies a folder with owners and modes.
pub(crate) fn copy(from: &Path, to: &Path) {
    let status = must(Command::new("cp").arg("-a").arg(from).arg(to).status(), "running cp");
    assert!(status.success(), "copying {} to {} failed", from.display(), to.display());
}

pub(crate) fn must<T, E: std::fmt::Display>(result: Result<T, E>, doing: &str) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{doing}: {error}"),
    }
}
