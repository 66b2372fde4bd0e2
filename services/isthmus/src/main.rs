//! `isthmus`: runs any or all services of the hub, and the admin commands.

mod cli;
mod commands;
mod config;
mod demo;
mod feed;
mod hub;
mod model;
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
        Ok(code) => code,
        Err(error) => {
            eprintln!("isthmus: {error:#}");
            ExitCode::FAILURE
        }
    }
}
