//! `isthmus model`: which linkage model decides who is one person, and what another one would do.
//!
//! The log says which model decides. These commands read it and append to it; the projector does what it says.

mod args;
mod charts;
mod desk;
mod trial;

use std::io::{IsTerminal, Write};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use domain::ModelAction;
use indicatif::{ProgressBar, ProgressStyle};
use linkage::Model;
use store::views;

pub(crate) use args::ModelCommand;
use args::{ActivateArgs, PreviewArgs, RollbackArgs, ShowArgs, TrainArgs};
use desk::{Desk, pile};

use crate::cli::CommonArgs;
use crate::config::Config;
use crate::hub::{self, AdminDatabase};

/// Names of each kind that a trained model keeps: the most frequent. The others count as rare, which they are.
const NAMES_MAX: usize = 5_000;

/// Runs a command.
pub(crate) async fn run(command: ModelCommand) -> anyhow::Result<ExitCode> {
    match command {
        ModelCommand::Train(args) => train(args).await,
        ModelCommand::Preview(args) => preview(args).await,
        ModelCommand::Activate(args) => activate(args).await,
        ModelCommand::Rollback(args) => rollback(args).await,
        ModelCommand::List(args) => list(args).await,
        ModelCommand::Chart(args) => {
            charts::write(&hub::model(&args.model)?, &args.out)?;
            Ok(ExitCode::SUCCESS)
        }
        ModelCommand::Show(args) => show(args).await,
    }
}

async fn train(args: TrainArgs) -> anyhow::Result<ExitCode> {
    let config = Config::resolve(&args.common)?;
    let base = hub::model(&config.linkage_model)?;
    let database = AdminDatabase::open(&config).await?;
    let spinner = spinner("reading the records");
    let records = trial::records(&database.store).await?;
    database.close().await?;
    let records: Vec<linkage::Record> = records.into_iter().map(|(record, _)| record).collect();
    spinner.set_message(format!("learning from {} records", records.len()));
    let name = args.out.file_stem().map_or_else(|| "trained".to_owned(), |stem| stem.to_string_lossy().into_owned());
    let trained = linkage::train(&records, &base, &name, args.seed)?;
    let mut file = trained.model.file().clone();
    file.names.keep_most_frequent(NAMES_MAX);
    let model = Model::from_file(file)?;
    std::fs::write(&args.out, model.to_toml()?).with_context(|| format!("{} cannot be written", args.out.display()))?;
    spinner.finish_and_clear();
    println!(
        "Learned from {} source records, {} pairs and {} random pairs in {} rounds: {}",
        records.len(),
        trained.pairs,
        trained.random_pairs,
        trained.rounds,
        args.out.display()
    );
    println!("About {:.0} of the pairs are of one person, by the model.", trained.expected_matches);
    println!("It is {}. See what it would do: isthmus model preview {}", model.version(), args.out.display());
    Ok(ExitCode::SUCCESS)
}

async fn preview(args: PreviewArgs) -> anyhow::Result<ExitCode> {
    // The model first: a slip in the file need not wait for a database.
    let candidate = hub::model(&args.model)?;
    let desk = Desk::open(Config::resolve(&args.common)?).await?;
    let activations = desk.activations().await?;
    let current = desk.current(&activations).await?;
    let preview = try_out(&desk, current, candidate.clone(), usize::from(args.samples)).await;
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
    let model = hub::model(&args.model)?;
    let desk = Desk::open(Config::resolve(&args.common)?).await?;
    let done = change(&desk, &Choice { yes: args.yes, skip_preview: args.skip_preview }, Some(model)).await;
    desk.close().await?;
    done
}

async fn rollback(args: RollbackArgs) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(Config::resolve(&args.common)?).await?;
    let done = change(&desk, &Choice { yes: args.yes, skip_preview: args.skip_preview }, None).await;
    desk.close().await?;
    done
}

/// What an operator said beforehand.
struct Choice {
    yes: bool,
    skip_preview: bool,
}

/// Lets another model decide: the one that is wanted, or without one the model before.
async fn change(desk: &Desk, choice: &Choice, wanted: Option<Model>) -> anyhow::Result<ExitCode> {
    let _lock = desk.lock().await?;
    let activations = desk.activations().await?;
    let current = desk.current(&activations).await?;
    let (action, next) = match wanted {
        Some(model) => (ModelAction::Activated, model),
        None => match pile(&activations).as_slice() {
            [.., before, _] => (ModelAction::RolledBack, Model::parse(&before.body.model)?),
            _ => bail!("no model decided before {}: there is nothing to go back to", current.version()),
        },
    };
    if next.version() == current.version() && action == ModelAction::Activated {
        println!("{} decides already; nothing was changed.", current.version());
        return Ok(ExitCode::SUCCESS);
    }
    if !choice.skip_preview {
        print!("{}", trial::text(&try_out(desk, current.clone(), next.clone(), 3).await?));
    }
    println!("From now on {} decides in place of {}.", next.version(), current.version());
    println!("All persons are decided anew and switched at once; questions are answered meanwhile from those of now.");
    if !choice.yes && !confirmed()? {
        println!("Nothing was changed.");
        return Ok(ExitCode::FAILURE);
    }
    let mut version = activations.last().map_or(0, |last| last.meta.source_record_version);
    if activations.is_empty() {
        // The model that was only configured goes on the log first, so that one can go back to it.
        version += 1;
        desk.publish(version, ModelAction::Activated, &current).await?;
    }
    let end = desk.publish(version + 1, action, &next).await?;
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
    if action == ModelAction::Activated {
        println!("To go back: isthmus model rollback");
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

async fn try_out(desk: &Desk, current: Model, candidate: Model, samples: usize) -> anyhow::Result<linkage::Preview> {
    let spinner = spinner("reading the records");
    let trial = trial::read(desk.store(), current, candidate, samples).await?;
    spinner.set_message(format!("deciding the persons of {} records with the model on trial", trial.records.len()));
    let preview = tokio::task::spawn_blocking(move || linkage::Preview::of(trial)).await;
    spinner.finish_and_clear();
    preview.context("the trial ended by a panic")
}

async fn list(args: CommonArgs) -> anyhow::Result<ExitCode> {
    let desk = Desk::open(Config::resolve(&args)?).await?;
    let activations = desk.activations().await?;
    let current = desk.current(&activations).await?;
    let configured = hub::model(&desk.config.linkage_model)?;
    for (place, activation) in activations.iter().enumerate().rev() {
        let how = match activation.body.action {
            ModelAction::Activated => "activated",
            ModelAction::RolledBack => "rolled back to",
        };
        let decides = if place + 1 == activations.len() { "decides" } else { "" };
        let version = Model::parse(&activation.body.model)?.version().to_owned();
        println!("{}\t{how}\t{version}\t{decides}", activation.meta.event_time);
    }
    if activations.is_empty() {
        println!("No model was activated; {} decides, as configured.", current.version());
    } else if configured.version() != current.version() {
        println!("Configured is {}; the log outranks the configuration.", configured.version());
    }
    desk.close().await?;
    Ok(ExitCode::SUCCESS)
}

async fn show(args: ShowArgs) -> anyhow::Result<ExitCode> {
    let model = match &args.model {
        Some(name) => hub::model(name)?,
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
