//! Options of `isthmus model`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::cli::CommonArgs;

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
    #[command(after_help = "Example:\n  isthmus model activate town.toml")]
    Activate(ActivateArgs),
    /// Let the model decide that decided before the last activation.
    #[command(after_help = "Example:\n  isthmus model rollback")]
    Rollback(RollbackArgs),
    /// Print the models that were activated, the last one first.
    #[command(after_help = "Example:\n  isthmus model list")]
    List(CommonArgs),
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

/// Options of `model rollback`.
#[derive(Clone, Debug, Args)]
pub(crate) struct RollbackArgs {
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
