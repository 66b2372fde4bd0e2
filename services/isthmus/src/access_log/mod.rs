//! `isthmus ledger`: the access log, for those who check it and for those who look into it.
//!
//! `verify` and `prove` work on a directory, without any server and without a secret: what they read is what anybody with
//! the files could read. `search` and `export` ask the ledger of the hub, and are in the log before they tell anything.

mod look;
mod proof;
mod rotate;
mod trace;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use ledger::{LogVerifier, WitnessKey};
use ledger_service::WitnessConfig;
use runtime::telemetry::{self, LogFormat};
use runtime::{Shutdown, keys};

/// Commands of `ledger`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum LedgerCommand {
    /// Check every entry, tile and signed head of a ledger directory, or one receipt, without any server.
    #[command(
        after_help = "Examples:\n  isthmus ledger verify --dir isthmus-data/ledger --key \"$(cat isthmus-data/keys/ledger.pub)\"\n  isthmus ledger verify --receipt 17.tlog-proof --entry 17.entry --key \"$(cat ledger.pub)\""
    )]
    Verify(proof::VerifyArgs),
    /// Write the proof that an entry is in the log (C2SP tlog-proof), and the entry, for whoever checks it elsewhere.
    #[command(
        after_help = "Examples:\n  isthmus ledger prove 17 --dir isthmus-data/ledger\n  isthmus ledger prove 17-8f14e45fceea167a --dir isthmus-data/ledger --out proofs/claim"
    )]
    Prove(proof::ProveArgs),
    /// Print entries by actor, unit, role, purpose, case, person and time, one a line. The search is on record.
    #[command(
        after_help = "Examples:\n  isthmus ledger search --actor tracer-7 --from 2026-11-01T00:00:00Z --handle auditor-1\n  isthmus ledger search --person 3f2504e0-4f89-51d3-9a0c-123456789012 --json --handle auditor-1"
    )]
    Search(look::SearchArgs),
    /// Write entries into a file, as JSON lines or as FHIR AuditEvents. The file's hash is on record before the file is there.
    #[command(
        after_help = "Examples:\n  isthmus ledger export --out november.jsonl --from 2026-11-01T00:00:00Z --handle auditor-1\n  isthmus ledger export --out events.ndjson --form fhir --handle auditor-1"
    )]
    Export(look::ExportArgs),
    /// Be a witness of a ledger that others run: cosign its heads as long as each extends the one before.
    #[command(
        after_help = "Example:\n  isthmus ledger witness --dir witness --name witness.example/w1 --listen 127.0.0.1:8090 --log \"$(cat ledger.pub)\""
    )]
    Witness(WitnessArgs),
    /// Give the ledger a new signing key: begin, and when everybody has it, finish. It is on record.
    #[command(
        after_help = "Examples:\n  isthmus ledger rotate-key --handle operator-1\n  isthmus ledger rotate-key --finish --handle operator-1"
    )]
    RotateKey(rotate::RotateArgs),
    /// Say which FHIR export of the log a leaked fragment is from. The trace is on record.
    #[command(after_help = "Example:\n  isthmus ledger trace --fragment leaked.txt --handle auditor-1")]
    Trace(trace::TraceArgs),
}

/// Options of `ledger witness`.
#[derive(Clone, Debug, Args)]
pub(crate) struct WitnessArgs {
    /// Directory of what the witness has seen and of its key; created when missing.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// The witness's name: a URL without scheme.
    #[arg(long)]
    name: String,
    /// Address to listen at.
    #[arg(long, default_value = "127.0.0.1:8090", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// Verifier key of a log; give it again for a second log, or for a second key of the same.
    #[arg(long, required = true, value_name = "VKEY")]
    log: Vec<LogVerifier>,
    /// Statement of a log's key about its successor, from the log's folder `rotation`; give it again for each.
    #[arg(long, value_name = "FILE")]
    rotation: Vec<PathBuf>,
    /// Only make the key, and print its public half.
    #[arg(long)]
    key_only: bool,
}

pub(crate) async fn run(command: LedgerCommand) -> anyhow::Result<ExitCode> {
    match command {
        LedgerCommand::Verify(args) => proof::verify(&args),
        LedgerCommand::Prove(args) => proof::prove(&args),
        LedgerCommand::Search(args) => look::search(args).await,
        LedgerCommand::Export(args) => look::export(args).await,
        LedgerCommand::Witness(args) => witness(args).await,
        LedgerCommand::RotateKey(args) => rotate::run(args).await,
        LedgerCommand::Trace(args) => trace::run(args).await,
    }
}

async fn witness(args: WitnessArgs) -> anyhow::Result<ExitCode> {
    let WitnessArgs { dir, name, listen, log: mut logs, rotation, key_only } = args;
    proof::learn(&mut logs, &rotation)?;
    keys::private_dir(&dir).context("the witness's directory cannot be made")?;
    println!("{}", WitnessKey::load_or_create(&dir.join("witness.key"), &name)?.verifier());
    if !key_only {
        telemetry::init(LogFormat::Text, "info");
        let shutdown = Shutdown::on_signals()?;
        ledger_service::run_witness(WitnessConfig { listen, dir, name, logs }, shutdown).await?;
    }
    Ok(ExitCode::SUCCESS)
}
