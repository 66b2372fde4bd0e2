//! The command line: every command, its options and an example of each.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Isthmus joins what public departments keep apart: feeds in, one person one file out, every answer on record first.
#[derive(Debug, Parser)]
#[command(name = "isthmus", version, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole hub on a synthetic city and show what it can do.
    #[command(after_help = "Example:\n  isthmus demo --residents 5000 --days 7 --exit --json")]
    Demo(DemoArgs),
    /// Run some or all services. Without a configuration: all of them, on a private PostgreSQL.
    #[command(after_help = "Examples:\n  isthmus serve\n  isthmus serve query-api --config /etc/isthmus/isthmus.toml")]
    Serve(ServeArgs),
    /// Write a synthetic city: feeds in their own formats, and the truth beside them.
    #[command(after_help = "Example:\n  isthmus generate --residents 2000 --days 14 --seed 7 --out city")]
    Generate(GenerateArgs),
    /// Recreate the views from the event log in a fresh schema, then switch to it.
    #[command(after_help = "Example:\n  isthmus rebuild --data-dir isthmus-data --check")]
    Rebuild(RebuildArgs),
    /// Issue tokens: for a caller of the query API, or for a feed.
    #[command(subcommand, after_help = "Example:\n  isthmus token caller --role cdc-tracer --unit CDC-01 --handle tracer-7")]
    Token(TokenCommand),
    /// Make the secret keys of a deployment in the configured key directory; existing keys stay.
    #[command(after_help = "Example:\n  isthmus keys --config isthmus.toml")]
    Keys(CommonArgs),
    /// The access log: verify it offline.
    #[command(subcommand, after_help = "Example:\n  isthmus ledger verify --dir isthmus-data/ledger")]
    Ledger(LedgerCommand),
    /// Estimate a linkage model by EM from the identity statements in the hub.
    #[command(after_help = "Example:\n  isthmus train --data-dir isthmus-data --out model.toml")]
    Train(TrainArgs),
    /// Measure the stages on this machine in one run and print a table.
    #[command(after_help = "Example:\n  isthmus bench --residents 5000")]
    Bench(BenchArgs),
    /// Ask a running process whether it is ready; the exit code says it (for container health checks).
    #[command(after_help = "Example:\n  isthmus health --url http://127.0.0.1:8080/readyz")]
    Health(HealthArgs),
}

/// Where the configuration and the data are.
#[derive(Clone, Debug, Default, Args)]
pub struct CommonArgs {
    /// Configuration file (TOML); without one everything runs embedded.
    #[arg(long, env = "ISTHMUS_CONFIG", value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Directory of the private PostgreSQL, raw files, ledger and keys.
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
}

/// Options of `demo`.
#[derive(Clone, Debug, Args)]
pub struct DemoArgs {
    /// Residents of the city.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(50..=2_000_000))]
    pub residents: u32,
    /// Days that the feeds cover.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub days: u32,
    /// Seed: the same seed gives the same city.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Keep the data here for a next start (otherwise it is removed at the end).
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Address of the HTTP interface; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub http: std::net::SocketAddr,
    /// Address of the MLLP listener; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:2575", value_name = "ADDRESS")]
    pub mllp: std::net::SocketAddr,
    /// End after the summary instead of staying up.
    #[arg(long)]
    pub exit: bool,
    /// Print one JSON object as the last line.
    #[arg(long)]
    pub json: bool,
}

/// A service of the hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Service {
    /// HL7 v2 and laboratory feeds.
    ConnectorHospital,
    /// Subscriber, cell and location feeds.
    ConnectorTelecom,
    /// Ticket feeds.
    ConnectorTransport,
    /// Wallet feeds.
    ConnectorPayment,
    /// Gate, household and meter feeds.
    ConnectorCommunity,
    /// Events in, person files out.
    Projector,
    /// HTTP for portals, CDC, auditors and residents.
    QueryApi,
    /// The access log.
    Ledger,
}

/// Options of `serve`.
#[derive(Clone, Debug, Args)]
pub struct ServeArgs {
    /// Services to run; none named means all.
    #[arg(value_enum, value_name = "SERVICE")]
    pub services: Vec<Service>,
    /// Where the configuration and the data are.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Options of `generate`.
#[derive(Clone, Debug, Args)]
pub struct GenerateArgs {
    /// Residents of the city.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(50..=2_000_000))]
    pub residents: u32,
    /// Days that the feeds cover.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=60))]
    pub days: u32,
    /// Seed: the same seed gives the same bytes.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Directory to write to; it must be empty or absent.
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Options of `rebuild`.
#[derive(Clone, Debug, Args)]
pub struct RebuildArgs {
    /// Where the configuration and the data are.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Compare the new views with the old ones and say whether they are identical.
    #[arg(long)]
    pub check: bool,
}

/// Commands of `token`.
#[derive(Clone, Debug, Subcommand)]
pub enum TokenCommand {
    /// A token for a caller of the query API. It is shown once; only its hash is kept.
    Caller(CallerTokenArgs),
    /// A token that opens one feed. It is shown once; only its hash is kept.
    Feed(FeedTokenArgs),
}

/// Options of `token caller`.
#[derive(Clone, Debug, Args)]
pub struct CallerTokenArgs {
    /// community-worker, cdc-tracer, auditor, resident, department or operator.
    #[arg(long)]
    pub role: String,
    /// Organisation unit or grid of the caller.
    #[arg(long)]
    pub unit: String,
    /// Handle of the caller in the ledger: no name of a person.
    #[arg(long)]
    pub handle: String,
    /// For a resident: the id of the own person file.
    #[arg(long, value_name = "PERSON_ID")]
    pub person: Option<uuid::Uuid>,
    /// Where the configuration and the data are.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Options of `token feed`.
#[derive(Clone, Debug, Args)]
pub struct FeedTokenArgs {
    /// Name of the feed.
    #[arg(long)]
    pub feed: String,
    /// Where the configuration and the data are.
    #[command(flatten)]
    pub common: CommonArgs,
}

/// Commands of `ledger`.
#[derive(Clone, Debug, Subcommand)]
pub enum LedgerCommand {
    /// Check every entry, tile and signed head of a ledger directory, without any server.
    Verify(LedgerVerifyArgs),
}

/// Options of `ledger verify`.
#[derive(Clone, Debug, Args)]
pub struct LedgerVerifyArgs {
    /// The ledger directory.
    #[arg(long, value_name = "DIR")]
    pub dir: PathBuf,
    /// Verifier key of the log (`<name>+<key id>+<key>`); without one the key stored beside the log is used.
    #[arg(long, value_name = "VKEY")]
    pub key: Option<String>,
    /// Print the report as JSON.
    #[arg(long)]
    pub json: bool,
}

/// Options of `train`.
#[derive(Clone, Debug, Args)]
pub struct TrainArgs {
    /// Where the configuration and the data are.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Model file to write.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Seed of the random pairs.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Options of `bench`.
#[derive(Clone, Debug, Args)]
pub struct BenchArgs {
    /// Residents of the city that is pushed.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(50..=2_000_000))]
    pub residents: u32,
    /// Seconds that each read measurement lasts.
    #[arg(long, default_value_t = 10)]
    pub seconds: u64,
    /// Print the table as JSON too.
    #[arg(long)]
    pub json: bool,
}

/// Options of `health`.
#[derive(Clone, Debug, Args)]
pub struct HealthArgs {
    /// Address to ask.
    #[arg(long, default_value = "http://127.0.0.1:8080/readyz")]
    pub url: String,
}
