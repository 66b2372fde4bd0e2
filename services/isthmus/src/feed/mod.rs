//! `isthmus feed`: profiles of feeds, without a hub.

mod check;
mod infer;
mod show;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Args, Subcommand};
use connector::webhook_secret;
use domain::TokenKey;
use runtime::keys;

use crate::cli::CommonArgs;
use crate::config::Config;
use crate::hub::{ALL_SERVICES, feeds};

/// Commands of `feed`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum FeedCommand {
    /// Check a profile, and try it on a file: first rows before and after, every complaint with line and column.
    ///
    /// The exit code is 0 when the profile is sound and every row is usable, 1 when rows would go to quarantine, 2 when the
    /// profile or the file as a whole cannot be used. Values of the file are shown: it is your own.
    #[command(
        after_help = "Examples:\n  isthmus feed check north-gates.toml\n  isthmus feed check north-gates.toml export.csv.gz --rows 3\n  isthmus feed check north-gates.toml export.csv --json"
    )]
    Check(CheckArgs),
    /// Propose a profile for an unknown file, for a person to mend.
    ///
    /// No value of a row gets into the proposal, but for words that a column repeats (such as 阴性), which the profile must
    /// translate. What is left to fill in is listed at its head.
    #[command(after_help = "Example:\n  isthmus feed infer export.csv --name north-gates > north-gates.toml")]
    Infer(InferArgs),
    /// List the feeds of a configuration: built-in profiles, and those of its folder.
    #[command(after_help = "Example:\n  isthmus feed list --config isthmus.toml")]
    List(ListArgs),
    /// Print the secret by which a receiver of the feed's webhook checks who speaks; hand it over as you would a password.
    #[command(after_help = "Example:\n  isthmus feed secret lab-results --config isthmus.toml")]
    Secret(SecretArgs),
}

/// Options of `feed check`.
#[derive(Clone, Debug, Args)]
pub(crate) struct CheckArgs {
    /// The profile (TOML), or the name of a built-in feed.
    #[arg(value_name = "PROFILE")]
    profile: PathBuf,
    /// A file of the feed, plain or compressed with gzip, zstd or zip.
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Rows that are shown before and after.
    #[arg(long, default_value_t = 5)]
    rows: usize,
    /// Complaints that are listed; all are counted.
    #[arg(long, default_value_t = 50)]
    complaints: usize,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// Options of `feed infer`.
#[derive(Clone, Debug, Args)]
pub(crate) struct InferArgs {
    /// The file, plain or compressed with gzip, zstd or zip.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Name of the feed; by default made of the file's name.
    #[arg(long)]
    name: Option<String>,
}

/// Options of `feed list`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ListArgs {
    /// Where the configuration and the data are.
    #[command(flatten)]
    common: CommonArgs,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// Options of `feed secret`.
#[derive(Clone, Debug, Args)]
pub(crate) struct SecretArgs {
    /// The feed.
    feed: String,
    /// Where the configuration and the data are.
    #[command(flatten)]
    common: CommonArgs,
}

/// Runs a command.
pub(crate) async fn run(command: FeedCommand) -> anyhow::Result<ExitCode> {
    match command {
        FeedCommand::Check(args) => check::run(&args).await,
        FeedCommand::Infer(args) => infer::run(&args).await,
        FeedCommand::List(args) => list(&args),
        FeedCommand::Secret(args) => secret(&args),
    }
}

fn secret(args: &SecretArgs) -> anyhow::Result<ExitCode> {
    let config = Config::resolve(&args.common)?;
    let feeds = feeds(&ALL_SERVICES, config.feed_dir.as_deref())?;
    let feed = feeds.iter().find(|feed| feed.id().as_str() == args.feed);
    let feed = feed.with_context(|| format!("there is no feed {}; isthmus feed list names them", args.feed))?;
    let webhook = feed.profile().webhook.as_ref();
    let webhook = webhook.with_context(|| format!("the profile of {} has no [webhook]", args.feed))?;
    let key = keys::key_file(&config.keys().join("token.key")).context("the token key cannot be read")?;
    println!("{}", webhook_secret(&TokenKey::from_bytes(&key), feed.id(), webhook.secret));
    Ok(ExitCode::SUCCESS)
}

fn list(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let config = Config::resolve(&args.common)?;
    let feeds = feeds(&ALL_SERVICES, config.feed_dir.as_deref())?;
    let profiles = feeds.iter().map(|feed| feed.profile());
    if args.json {
        let list: Vec<_> = profiles
            .map(|profile| {
                serde_json::json!({
                    "feed": profile.feed, "version": profile.version_name(), "connector": profile.connector,
                    "format": profile.format.kind.name(), "event": profile.emit.name(), "owner": profile.owner,
                    "title": profile.title,
                })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&list)?);
        return Ok(ExitCode::SUCCESS);
    }
    for profile in profiles {
        println!(
            "{}\t{}\t{}\t{}\t{}\t{}",
            profile.feed,
            profile.version_name(),
            profile.connector,
            profile.format.kind.name(),
            profile.emit.name(),
            profile.owner
        );
    }
    Ok(ExitCode::SUCCESS)
}
