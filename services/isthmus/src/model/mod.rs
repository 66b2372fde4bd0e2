//! `isthmus model`: which linkage model decides who is one person, and what another one would do.
//!
//! The log says which model decides. These commands read it and append to it; the projector does what it says.

mod args;
mod charts;
mod desk;
pub(crate) mod http;
mod trial;

use std::fs::Permissions;
use std::io::{IsTerminal, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use domain::{ModelAction, ModelActivated};
use indicatif::{ProgressBar, ProgressStyle};
use ledger::Released;
use linkage::Model;
use store::views::{self, Hot};

pub(crate) use args::ModelCommand;
use args::{ActivateArgs, ChangeArgs, HotArgs, PreviewArgs, ShowArgs, TrainArgs};
pub(crate) use desk::Desk;

use crate::cli::CommonArgs;
use crate::config::Config;
use crate::hub::AdminDatabase;
use crate::on_record::{OnRecord, OperatorArgs};
use crate::rules;

/// Names of each kind that a trained model keeps: the most frequent. The others count as rare, which they are.
const NAMES_MAX: usize = 5_000;

/// Runs a command.
pub(crate) async fn run(command: ModelCommand) -> anyhow::Result<ExitCode> {
    match command {
        ModelCommand::Train(args) => train(args).await,
        ModelCommand::Preview(args) => preview(args).await,
        ModelCommand::Activate(args) => activate(args).await,
        ModelCommand::Rollback(args) => change(args, None).await,
        ModelCommand::List(args) => list(args).await,
        ModelCommand::Hot(args) => hot(args).await,
        ModelCommand::Chart(args) => {
            charts::write(&rules::model(&args.model)?, &args.out)?;
            Ok(ExitCode::SUCCESS)
        }
        ModelCommand::Show(args) => show(args).await,
    }
}

async fn train(args: TrainArgs) -> anyhow::Result<ExitCode> {
    let name = args.out.file_stem().map_or_else(|| "trained".to_owned(), |stem| stem.to_string_lossy().into_owned());
    // Learning takes minutes: whether it can be kept is seen before.
    let out = tempfile::Builder::new()
        .permissions(Permissions::from_mode(0o644))
        .tempfile_in(folder_of(&args.out))
        .with_context(|| format!("{} cannot be written", args.out.display()))?;
    ensure!(!args.out.is_dir(), "{} is a folder: name the file to write", args.out.display());
    let (desk, record) = open(&args.common, &args.operator).await?;
    let learned = learn(&desk, &record, &name, args.seed).await;
    record.close().await;
    desk.close().await?;
    let (model, trained, records) = learned?;
    std::fs::write(out.path(), model.to_toml()?)
        .with_context(|| format!("{} cannot be written", args.out.display()))?;
    out.persist(&args.out).with_context(|| format!("{} cannot be written", args.out.display()))?;
    println!(
        "Learned from {records} source records, {} pairs and {} random pairs in {} rounds: {}",
        trained.pairs,
        trained.random_pairs,
        trained.rounds,
        args.out.display()
    );
    println!("About {:.0} of the pairs are of one person, by the model.", trained.expected_matches);
    println!("It is {}. See what it would do: isthmus model preview {}", model.version(), args.out.display());
    Ok(ExitCode::SUCCESS)
}

/// The desk, and the access log that what is done at it goes to.
async fn open(common: &CommonArgs, operator: &OperatorArgs) -> anyhow::Result<(Desk, OnRecord)> {
    let operator = operator.operator()?;
    let desk = Desk::open(Config::resolve(common)?).await?;
    match OnRecord::open(&desk.config, operator).await {
        Ok(record) => Ok((desk, record)),
        Err(error) => {
            desk.close().await?;
            Err(error)
        }
    }
}

/// What is put on record of work on so many records.
fn made_from(records: usize) -> Released {
    Released { count: records as u64, ..Released::default() }
}

fn folder_of(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

/// Learns a model, beginning with the one that decides.
async fn learn(
    desk: &Desk,
    record: &OnRecord,
    name: &str,
    seed: u64,
) -> anyhow::Result<(Model, linkage::Trained, usize)> {
    let spinner = spinner("reading the records");
    let base = desk.current(&desk.activations().await?).await?;
    let records = trial::records(desk.store()).await?;
    let (records, _receipt) = record.give("train-model", made_from(records.len()), records).await?;
    spinner.set_message(format!("learning from {} records", records.len()));
    let trained = linkage::train(&records, &base, name, seed)?;
    let mut file = trained.model.file().clone();
    file.names.keep_most_frequent(NAMES_MAX);
    spinner.finish_and_clear();
    Ok((Model::from_file(file)?, trained, records.len()))
}

async fn preview(args: PreviewArgs) -> anyhow::Result<ExitCode> {
    // The model first: a slip in the file need not wait for a database.
    let candidate = rules::model(&args.model)?;
    let (desk, record) = open(&args.common, &args.operator).await?;
    let preview = try_out(&desk, &record, candidate.clone(), usize::from(args.samples)).await;
    record.close().await;
    desk.close().await?;
    let preview = preview?;
    if let Some(out) = &args.report {
        charts::report(&preview, &candidate, out)?;
    }
    if args.json {
        println!("{}", serde_json::to_string(&preview)?);
    } else {
        print!("{}", trial::text(&preview));
    }
    Ok(ExitCode::SUCCESS)
}

async fn activate(args: ActivateArgs) -> anyhow::Result<ExitCode> {
    let model = rules::model(&args.model)?;
    change(args.change, Some(model)).await
}

async fn change(args: ChangeArgs, wanted: Option<Model>) -> anyhow::Result<ExitCode> {
    let (desk, record) = open(&args.common, &args.operator).await?;
    let done = change_on_record(&desk, &record, &args, wanted).await;
    record.close().await;
    desk.close().await?;
    done
}

/// Lets another model decide: the one that is wanted, or without one the model before.
async fn change_on_record(
    desk: &Desk,
    record: &OnRecord,
    args: &ChangeArgs,
    wanted: Option<Model>,
) -> anyhow::Result<ExitCode> {
    let _lock = desk.lock().await?;
    let decides = desk.current(&desk.activations().await?).await?;
    let Some(change) = desk.plan(wanted).await? else {
        println!("{} decides already; nothing was changed.", decides.version());
        return Ok(ExitCode::SUCCESS);
    };
    let (current, next) = (&change.current, &change.next);
    if !args.skip_preview {
        print!("{}", trial::text(&try_out(desk, record, next.clone(), 3).await?));
    }
    println!("From now on {} decides in place of {}.", next.version(), current.version());
    println!("All persons are decided anew and switched at once; questions are answered meanwhile from those of now.");
    if !args.yes && !confirmed()? {
        println!("Nothing was changed.");
        return Ok(ExitCode::FAILURE);
    }
    let end = desk.carry_out(record, &change, &args.reason).await?;
    let spinner = spinner("the activation is on the log; the persons are being decided anew");
    desk.follow(&end).await?;
    spinner.finish_and_clear();
    let mut conn = desk.store().acquire().await?;
    let decides = views::find_model(&mut conn).await?.map(|row| row.model_version);
    if decides.as_deref() != Some(next.version()) {
        bail!(
            "the projector set the model aside, and {} decides: is the projector of another version of the program?",
            decides.as_deref().unwrap_or("none")
        );
    }
    let counts = views::linkage_counts(&mut conn).await?;
    println!("{} decides: {} records are {} persons.", next.version(), counts.records, counts.persons);
    if change.action == ModelAction::Activated {
        println!("To go back: isthmus model rollback --reason …");
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks on the terminal.
fn confirmed() -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        bail!("there is nobody to ask: say --yes");
    }
    print!("Go on? [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

async fn try_out(desk: &Desk, record: &OnRecord, candidate: Model, samples: usize) -> anyhow::Result<linkage::Preview> {
    let spinner = spinner("reading the records");
    let current = desk.current(&desk.activations().await?).await?;
    let trial = trial::read(desk.store(), current, candidate, samples).await?;
    let (trial, _receipt) = record.give("preview-model", made_from(trial.records.len()), trial).await?;
    spinner.set_message(format!("deciding the persons of {} records with the model on trial", trial.records.len()));
    let preview = tokio::task::spawn_blocking(move || linkage::Preview::of(trial)).await;
    spinner.finish_and_clear();
    preview.context("the trial ended by a panic")
}

async fn list(args: CommonArgs) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(Config::resolve(&args)?).await?;
    let activations = desk.activations().await?;
    let current = desk.current(&activations).await?;
    let configured = rules::model(&desk.config.linkage_model)?;
    for (place, activation) in activations.iter().enumerate().rev() {
        let how = match activation.body.action {
            ModelAction::Activated => "activated",
            ModelAction::RolledBack => "rolled back to",
        };
        let decides = if place + 1 == activations.len() { "decides" } else { "" };
        let version = Model::parse(&activation.body.model)?.version().to_owned();
        let ModelActivated { operator, reason, .. } = &activation.body;
        println!("{}\t{how}\t{version}\t{operator}\t{reason}\t{decides}", activation.meta.event_time);
    }
    if activations.is_empty() {
        println!("No model was activated; {} decides, as configured.", current.version());
    } else if configured.version() != current.version() {
        println!("Configured is {}; the log outranks the configuration.", configured.version());
    }
    desk.close().await?;
    Ok(ExitCode::SUCCESS)
}

/// What linkage leaves out, from the views. No person is told by it.
async fn hot(args: HotArgs) -> anyhow::Result<ExitCode> {
    let database = AdminDatabase::open(&Config::resolve(&args.common)?).await?;
    let mut conn = database.store.acquire().await?;
    for (what, kind, count) in views::count_hot(&mut conn).await? {
        println!("{}s\t{kind}\t{count}", what.code());
    }
    for what in [Hot::Value, Hot::Block] {
        for row in views::list_hot(&mut conn, what, i64::from(args.limit)).await? {
            let bearers = row.bearers.map_or_else(|| "-".to_owned(), |bearers| bearers.to_string());
            let record = row.record.map_or_else(|| "-".to_owned(), |record| record.to_string());
            println!(
                "{}\t{}\t{} records\t{bearers} bearers\t{}\t{record}",
                what.code(),
                row.kind,
                row.records,
                row.handle
            );
        }
    }
    drop(conn);
    database.close().await?;
    Ok(ExitCode::SUCCESS)
}

async fn show(args: ShowArgs) -> anyhow::Result<ExitCode> {
    let model = match &args.model {
        Some(name) => rules::model(name)?,
        None => {
            let desk = Desk::open(Config::resolve(&args.common)?).await?;
            let activations = desk.activations().await?;
            let model = desk.current(&activations).await;
            desk.close().await?;
            model?
        }
    };
    if args.toml {
        print!("{}", model.to_toml()?);
    } else {
        print!("{}", describe(&model));
    }
    Ok(ExitCode::SUCCESS)
}

fn describe(model: &Model) -> String {
    let file = model.file();
    let mut text = format!("{}\n{}\n", model.version(), file.description);
    text += &format!(
        "prior {:.2} bits; linked from {:.2} bits, up for review from {:.2} bits\n",
        file.prior.match_log2_odds, file.thresholds.link, file.thresholds.review
    );
    let names = &file.names;
    text += &format!(
        "frequencies of {} Han surnames, {} characters, {} Latin surnames, {} Latin given names\n",
        names.family.len(),
        names.characters.len(),
        names.latin_family.len(),
        names.latin_given.len()
    );
    text += &format!("{:<16}{:<12}{:>10}{:>10}{:>10}{:>8}\n", "field", "level", "m", "u", "relatives", "bits");
    for entry in &file.level {
        let (field, level) = (trial::code(&entry.field), trial::code(&entry.level));
        let bits = (entry.m / entry.u).log2();
        text += &format!(
            "{field:<16}{level:<12}{:>10.2e}{:>10.2e}{:>10.2e}{bits:>8.2}\n",
            entry.m, entry.u, entry.household
        );
    }
    text
}

fn spinner(words: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.set_message(words.to_owned());
    bar
}
