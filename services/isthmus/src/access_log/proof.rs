//! Proofs that need no server: of the whole log, and of one entry.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, ensure};
use clap::Args;
use ledger::{Archive, Entry, LogVerifier, Receipt};

/// Options of `ledger verify`.
#[derive(Clone, Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The ledger directory.
    #[arg(long, value_name = "DIR", required_unless_present = "receipt", conflicts_with = "receipt")]
    dir: Option<PathBuf>,
    /// A receipt (C2SP tlog-proof), as `isthmus ledger prove` writes it.
    #[arg(long, value_name = "FILE", requires_all = ["entry", "key"])]
    receipt: Option<PathBuf>,
    /// The entry that the receipt is of.
    #[arg(long, value_name = "FILE", requires = "receipt")]
    entry: Option<PathBuf>,
    /// Verifier key of the log (`<name>+<key id>+<key>`); without one the key stored beside the log is used.
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    /// Statement of the log's key about its successor, from the log's folder `rotation`, for a receipt; give it again for each.
    #[arg(long, value_name = "FILE", requires = "receipt")]
    rotation: Vec<PathBuf>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
}

/// Options of `ledger prove`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ProveArgs {
    /// Index of the entry, or the receipt id of an answer (header `Isthmus-Receipt`).
    receipt: String,
    /// The ledger directory.
    #[arg(long, value_name = "DIR")]
    dir: PathBuf,
    /// Verifier key of the log; without one the key stored beside the log is used.
    #[arg(long, value_name = "VKEY")]
    key: Option<String>,
    /// Path of the two files without their endings `.tlog-proof` and `.entry`; without it the index, here.
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
}

fn verifier(text: &str) -> anyhow::Result<LogVerifier> {
    text.trim().parse().context("--key is not a verifier key such as name+0a1b2c3d+AW…")
}

/// Has each log's keys learn from statements in files.
pub(crate) fn learn(logs: &mut [LogVerifier], files: &[PathBuf]) -> anyhow::Result<()> {
    let read =
        |file: &PathBuf| std::fs::read_to_string(file).with_context(|| format!("{} cannot be read", file.display()));
    let statements: Vec<String> = files.iter().map(read).collect::<anyhow::Result<_>>()?;
    logs.iter_mut().for_each(|log| log.learn(&statements));
    Ok(())
}

pub(crate) fn verify(args: &VerifyArgs) -> anyhow::Result<ExitCode> {
    let mut key = args.key.as_deref().map(verifier).transpose()?;
    learn(key.as_mut_slice(), &args.rotation)?;
    if let (Some(receipt), Some(entry), Some(key)) = (&args.receipt, &args.entry, &key) {
        return verify_receipt(receipt, entry, key, args.json);
    }
    let dir = args.dir.as_deref().context("name the ledger directory with --dir")?;
    let report = ledger::verify(dir, key.as_ref())?;
    if args.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{report}");
    }
    Ok(if report.verified { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn verify_receipt(receipt: &Path, entry: &Path, key: &LogVerifier, json: bool) -> anyhow::Result<ExitCode> {
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()));
    let text = String::from_utf8(read(receipt)?).context("the receipt is not UTF-8")?;
    let bytes = read(entry)?;
    let receipt = Receipt::from_tlog_proof(&text, ledger::merkle::leaf_hash(&bytes))
        .with_context(|| format!("{} is no receipt: it has not the form of a C2SP tlog-proof", receipt.display()))?;
    let verified = receipt.verify(key);
    let entry = Entry::decode(&bytes);
    match (&verified, &entry) {
        (Ok(head), Ok(entry)) if json => {
            println!(
                "{}",
                serde_json::json!({ "verified": true, "index": receipt.index, "size": head.size, "entry": entry })
            );
        }
        (Ok(head), Ok(entry)) => {
            println!("verified: entry {} of {}, under a head of {} entries", receipt.index, head.origin, head.size);
            println!("{}", serde_json::to_string_pretty(entry)?);
        }
        (Err(error), _) => println!("NOT VERIFIED: {error}; receipt, entry and key do not belong together"),
        (_, Err(error)) => println!("NOT VERIFIED: {error}"),
    }
    Ok(if verified.is_ok() && entry.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

pub(crate) fn prove(args: &ProveArgs) -> anyhow::Result<ExitCode> {
    let (index, leaf) = match args.receipt.split_once('-') {
        Some((index, leaf)) => (index, Some(leaf)),
        None => (args.receipt.as_str(), None),
    };
    let index: u64 =
        index.parse().context("name an entry by its index (17), or by a receipt id (17-8f14e45fceea167a)")?;
    let key = match &args.key {
        Some(text) => verifier(text)?,
        None => Archive::own_key(&args.dir).context("no key lies beside the log: name it with --key")?,
    };
    // A head that witnesses cosigned proves more, where there is one that covers the entry.
    let cosigned = Archive::open_cosigned(&args.dir, &key)?.filter(|archive| index < archive.head().size);
    let archive = cosigned.map_or_else(|| Archive::open(&args.dir, &key), Ok)?;
    let (receipt, entry) = archive.prove(index).with_context(|| {
        format!("the published head has {} entries; a new entry is below it within a second", archive.head().size)
    })?;
    ensure!(
        leaf.is_none_or(|_| receipt.id() == args.receipt),
        "entry {index} is another one than {}: its receipt is {}",
        args.receipt,
        receipt.id()
    );
    let stem = args.out.clone().unwrap_or_else(|| PathBuf::from(index.to_string()));
    for (ending, bytes) in [("tlog-proof", receipt.to_tlog_proof().into_bytes()), ("entry", entry)] {
        let path = PathBuf::from(format!("{}.{ending}", stem.display()));
        std::fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
        println!("{}", path.display());
    }
    Ok(ExitCode::SUCCESS)
}
