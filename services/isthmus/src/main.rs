//! `isthmus`: runs any or all services of the hub, and the admin commands.

/// As in the standard library, but a reader that goes away ends nothing.
macro_rules! print {
    ($($words:tt)*) => { $crate::out::write(format_args!($($words)*)) };
}

/// As in the standard library, but a reader that goes away ends nothing.
macro_rules! println {
    () => { $crate::out::write(format_args!("\n")) };
    ($($words:tt)*) => { $crate::out::write(format_args!("{}\n", format_args!($($words)*))) };
}

mod cli;
mod commands;
mod config;
mod demo;
mod feed;
mod hub;
mod model;
mod on_record;
mod out;
mod quarantine;
mod review;
mod tokens;
mod why;

use std::process::ExitCode;

use clap::Parser;

/// Rows and events are made on one thread and freed on another, all the time; the system's allocator is slow at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match commands::run(cli::Cli::parse()) {
        Ok(_) if out::has_failed() => ExitCode::FAILURE,
        Ok(code) => code,
        Err(error) => {
            eprintln!("isthmus: {error:#}");
            ExitCode::FAILURE
        }
    }
}
