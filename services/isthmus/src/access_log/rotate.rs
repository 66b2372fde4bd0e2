//! A new signing key for the ledger, in two steps with as much time between as its readers need.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::Args;
use ledger::{LogKey, LogVerifier, NoteError, Released, verifier_of};
use runtime::keys;

use crate::cli::CommonArgs;
use crate::config::Config;
use crate::on_record::{OnRecord, OperatorArgs};

/// How long a ledger at work may take to notice.
const NOTICED_WITHIN: Duration = Duration::from_secs(10);

/// Options of `ledger rotate-key`.
#[derive(Clone, Debug, Args)]
pub(crate) struct RotateArgs {
    /// End the key before: from now on the successor alone signs, and the old private key is gone.
    #[arg(long)]
    finish: bool,
    /// Who does it: it stands in the access log.
    #[command(flatten)]
    operator: OperatorArgs,
    /// Where the configuration and the data are.
    #[command(flatten)]
    common: CommonArgs,
}

pub(crate) async fn run(args: RotateArgs) -> anyhow::Result<ExitCode> {
    let operator = args.operator.operator()?;
    let config = Config::resolve(&args.common)?;
    let key_file = config.keys().join("ledger.key");
    ensure!(key_file.exists(), "{} is missing: run this where the ledger runs", key_file.display());
    on_record(&config, operator.clone(), if args.finish { "finish-key-rotation" } else { "begin-key-rotation" })
        .await?;
    let before = LogKey::load(&key_file, &config.ledger_origin)?;
    let dir = config.data_dir.join("ledger");
    if args.finish
        && let Ok(next) = ledger::successor(&key_file, &config.ledger_origin)
    {
        // With the old key gone nothing would lead from it to its successor.
        ensure!(
            verifier_of(&dir, before.verifier().clone())?.knows(&next),
            "the ledger has not taken note of the successor yet, so its key stays: look into its log"
        );
    }
    let changed = if args.finish {
        ledger::finish_rotation(&key_file, &config.ledger_origin)
    } else {
        ledger::begin_rotation(&key_file, &config.ledger_origin)
    };
    let new = match changed {
        Err(NoteError::KeyFile(error)) if error.kind() == std::io::ErrorKind::NotFound => {
            anyhow::bail!("no rotation is under way: begin one without --finish")
        }
        Err(NoteError::KeyFile(error)) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            anyhow::bail!("a rotation is under way: finish it with --finish")
        }
        changed => changed?,
    };
    // A ledger that is not at work is opened here, which is when it takes note.
    let record = OnRecord::open(&config, operator).await?;
    record.close().await;
    let noticed = |keys: &LogVerifier| keys.knows(&new) && (!args.finish || keys.has_ended(before.public()));
    let waited = async {
        while !noticed(&verifier_of(&dir, before.verifier().clone())?) {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        anyhow::Ok(())
    };
    let waited = tokio::time::timeout(NOTICED_WITHIN, waited).await;
    waited.context("the ledger has not taken note of its new key: look into its log")??;
    keys::write_public(&config.keys().join("ledger.pub"), &new.to_string()).context("ledger.pub cannot be written")?;
    println!("{new}");
    if args.finish {
        eprintln!("The key before has ended. {} says where; keep it with the old key.", dir.join("rotation").display());
    } else {
        eprintln!(
            "Both keys sign from now on. Give the new one to witnesses and to everybody who checks heads, then run this again \
             with --finish."
        );
    }
    Ok(ExitCode::SUCCESS)
}

async fn on_record(config: &Config, operator: ledger::Code, action: &str) -> anyhow::Result<()> {
    let record = OnRecord::open(config, operator).await?;
    let given = record.give(action, Released::default(), ()).await;
    record.close().await;
    given.map(|_| ())
}
