//! What commands print. A reader that goes away (`isthmus model list | head`) is no failure: nothing more is printed, and
//! the command ends as it would have, so that a database which it started is stopped.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};

static FAILED: AtomicBool = AtomicBool::new(false);

/// Prints; called by the macros of this crate that stand in for those of the standard library, which panic.
pub(crate) fn write(words: Arguments<'_>) {
    let written = std::io::stdout().lock().write_fmt(words);
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
        && !FAILED.swap(true, Ordering::Relaxed)
    {
        eprintln!("isthmus: the output cannot be written: {error}");
    }
}

/// Whether something could not be printed although somebody wanted to read it.
pub(crate) fn has_failed() -> bool {
    FAILED.load(Ordering::Relaxed)
}
