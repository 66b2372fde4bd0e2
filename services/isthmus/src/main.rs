//! `isthmus`: runs any or all services of the hub, and the admin commands.

#[macro_use]
mod out;

mod access_log;
mod ask;
mod cli;
mod commands;
mod config;
mod contacts;
mod demo;
mod feed;
mod hub;
mod model;
mod on_record;
mod policy;
mod quarantine;
mod rules;
mod status;
mod tokens;
mod ways_in;

/// Rows and events are made on one thread and freed on another, all the time; the system's allocator is slow at that.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    out::code(commands::run(<cli::Cli as clap::Parser>::parse()))
}
