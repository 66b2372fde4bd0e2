//! Options of `isthmus model`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::CommonArgs;
use crate::on_record::{OperatorArgs, reason};

/// Commands of `model`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum ModelCommand {
    /// Estimate a linkage model by EM from the identity statements in the hub.
    #[command(after_help = "Example:\n  isthmus model train --data-dir isthmus-data --out town.toml")]
    Train(TrainArgs),
    /// Say what a model would do to the persons, without doing it: merges, splits, reviews, sample pairs.
    #[command(
        after_help = "Examples:\n  isthmus model preview town.toml\n  isthmus model preview town.toml --report town-on-trial.html --samples 20"
    )]
    Preview(PreviewArgs),
    /// Let a model decide from now on. It goes on the log; all persons are decided anew and switched at once.
    #[command(
        after_help = "Example:\n  isthmus model activate town.toml --handle operator-1 --reason 'fewer wrong merges of twins'"
    )]
    Activate(ActivateArgs),
    /// Let the model decide that decided before the last activation.
    #[command(after_help = "Example:\n  isthmus model rollback --handle operator-1 --reason 'too many splits'")]
    Rollback(ChangeArgs),
    /// Print the models that were activated, the last one first: when, how, model, by whom, why; separated by tabs.
    #[command(after_help = "Example:\n  isthmus model list")]
    List(CommonArgs),
    /// Print what linkage leaves out because too many share it: values that count for nothing, blocking keys that propose
    /// no pairs. No value is shown, but a handle and a record that states it.
    #[command(after_help = "Example:\n  isthmus model hot --limit 20")]
    Hot(HotArgs),
    /// Draw a model: shares and weights of every level, and the most frequent names.
    #[command(after_help = "Example:\n  isthmus model chart town.toml --out town.html")]
    Chart(ChartArgs),
    /// Print what a model file says, or the model that decides.
    #[command(
        after_help = "Examples:\n  isthmus model show\n  isthmus model show town.toml\n  isthmus model show --toml > now.toml"
    )]
    Show(ShowArgs),
}

/// Options of `model train`.
#[derive(Clone, Debug, Args)]
pub(crate) struct TrainArgs {
    /// Where the configuration and the data are.
    #[command(flatten)]
    pub(crate) common: CommonArgs,
    /// Model file to write.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Seed of the random pairs.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Who reads the records: it stands in the access log.
    #[command(flatten)]
    pub(crate) operator: OperatorArgs,
}

/// Options of `model hot`.
#[derive(Clone, Debug, Args)]
pub(crate) struct HotArgs {
    /// Values and blocking keys to print at most, of each, those of most records first.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) limit: u32,
    /// Where the configuration and the data are.
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Options of `model preview`.
#[derive(Clone, Debug, Args)]
pub(crate) struct PreviewArgs {
    /// Model file, or the name of a shipped model (zh, latin).
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// Sample pairs of each kind.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(0..=1_000))]
    pub(crate) samples: u16,
    /// Print one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a report with pictures, too: weights, sample pairs, the model.
    #[arg(long, value_name = "FILE.html")]
    pub(crate) report: Option<PathBuf>,
    /// Who reads the records: it stands in the access log.
    #[command(flatten)]
    pub(crate) operator: OperatorArgs,
    /// Where the configuration and the data are.
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Options of `model chart`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ChartArgs {
    /// Model file, or the name of a shipped model (zh, latin).
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// File to write: all pictures as `.html`, or shares and weights alone as `.svg`.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// Options of `model activate`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ActivateArgs {
    /// Model file, or the name of a shipped model (zh, latin).
    #[arg(value_name = "MODEL")]
    pub(crate) model: String,
    /// Who, why and how.
    #[command(flatten)]
    pub(crate) change: ChangeArgs,
}

/// Options of `model rollback`, and of every change of the model.
#[derive(Clone, Debug, Args)]
pub(crate) struct ChangeArgs {
    /// Why the model is changed, in a few words that name nobody. It stands on the log with who did it.
    #[arg(long, value_parser = reason)]
    pub(crate) reason: String,
    /// Who does it.
    #[command(flatten)]
    pub(crate) operator: OperatorArgs,
    /// Do not ask.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Do not say beforehand what the model would do.
    #[arg(long)]
    pub(crate) skip_preview: bool,
    /// Where the configuration and the data are.
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}

/// Options of `model show`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ShowArgs {
    /// Model file, or the name of a shipped model; without one the model that decides.
    #[arg(value_name = "MODEL")]
    pub(crate) model: Option<String>,
    /// Print the whole model as TOML.
    #[arg(long)]
    pub(crate) toml: bool,
    /// Where the configuration and the data are.
    #[command(flatten)]
    pub(crate) common: CommonArgs,
}
