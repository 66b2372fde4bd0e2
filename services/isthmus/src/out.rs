//! What commands print. A reader that goes away (`isthmus model list | head`) is no failure: nothing more is printed, and
//! the command ends as it would have, so that a database which it started is stopped.

use std::fmt::Arguments;
use std::io::{ErrorKind, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

/// As in the standard library, but a reader that goes away ends nothing.
macro_rules! print {
    ($($words:tt)*) => { $crate::out::write(format_args!($($words)*)) };
}

/// As in the standard library, but a reader that goes away ends nothing.
macro_rules! println {
    () => { $crate::out::write(format_args!("\n")) };
    ($($words:tt)*) => { $crate::out::write(format_args!("{}\n", format_args!($($words)*))) };
}

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

/// The exit code of a command: a failure when it failed, which is said, or when something could not be printed although
/// somebody wanted to read it.
pub(crate) fn code(outcome: anyhow::Result<ExitCode>) -> ExitCode {
    match outcome {
        Ok(code) if !FAILED.load(Ordering::Relaxed) => code,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("isthmus: {error:#}");
            ExitCode::FAILURE
        }
    }
}
