//! `isthmus`: runs any or all services of the hub, and the admin commands.

mod cli;
mod commands;
mod config;
mod demo;
mod hub;
mod tokens;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::run(cli::Cli::parse()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("isthmus: {error:#}");
            ExitCode::FAILURE
        }
    }
}
