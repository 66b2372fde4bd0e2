//! The commands, one function each.

use std::io::IsTerminal;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use runtime::{Shutdown, keys, telemetry};

use crate::ask::{report, review, why};
use crate::cli::{Cli, Command, CommonArgs, GenerateArgs, HealthArgs, LinkArgs, RebuildArgs, ServeArgs, Service};
use crate::config::Config;
use crate::hub::{ALL_SERVICES, Hub};
use crate::{access_log, contacts, demo, feed, model, policy, quarantine, tokens};

/// Runs a command.
pub(crate) fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    match cli.command {
        Command::Demo(args) => runtime.block_on(demo::run(args)),
        Command::Serve(args) => runtime.block_on(serve(args)),
        Command::Generate(args) => generate(&args),
        Command::Rebuild(args) => runtime.block_on(rebuild(args)),
        Command::Policy(command) => runtime.block_on(policy::run(command)),
        Command::Token(command) => runtime.block_on(tokens::run(command)),
        Command::Keys(args) => make_keys(&args),
        Command::Ledger(command) => runtime.block_on(access_log::run(command)),
        Command::Feed(command) => runtime.block_on(feed::run(command)),
        Command::Link(args) => link_files(args),
        Command::Contacts(args) => contacts::run(&args),
        Command::Model(command) => runtime.block_on(model::run(command)),
        Command::Quarantine(command) => runtime.block_on(quarantine::run(command)),
        Command::Review(command) => runtime.block_on(review::run(command)),
        Command::Report(args) => runtime.block_on(report::run(args)),
        Command::Why(args) => runtime.block_on(why::run(args)),
        Command::Health(args) => runtime.block_on(health(args)),
    }
}

async fn serve(args: ServeArgs) -> anyhow::Result<ExitCode> {
    let config = Config::resolve(&args.common)?;
    telemetry::init(config.log_format, "info");
    let shutdown = Shutdown::on_signals()?;
    if args.services == [Service::Ledger] {
        // It needs neither database nor log, and runs when both are away.
        let keys = config.keys();
        let ledger = ledger_service::Config {
            listen: config.http_listen,
            dir: config.data_dir.join("ledger"),
            key_file: keys.join("ledger.key"),
            witnesses: config.witnesses()?,
            origin: config.ledger_origin,
            secret_file: keys.join("ledger-secret.key"),
        };
        ledger_service::run(ledger, shutdown).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let services = if args.services.is_empty() { ALL_SERVICES.to_vec() } else { args.services };
    let hub = Hub::open(config).await?;
    let running = hub.start(&services, &shutdown).await?;
    let result = running.wait(&shutdown).await;
    hub.close().await?;
    result?;
    Ok(ExitCode::SUCCESS)
}

fn generate(args: &GenerateArgs) -> anyhow::Result<ExitCode> {
    if args.out.exists() {
        let mut entries = std::fs::read_dir(&args.out).context("the output directory cannot be read")?;
        ensure!(entries.next().is_none(), "{} is not empty: name an empty or new directory", args.out.display());
    }
    let options = city::Options { residents: args.residents, days: args.days, seed: args.seed };
    let summary = make_city(options, &args.out)?;
    println!(
        "{} rows in {} files for {} residents: {}",
        summary.rows,
        summary.files.len(),
        summary.persons,
        args.out.display()
    );
    Ok(ExitCode::SUCCESS)
}

/// Writes a city with a progress bar.
pub(crate) fn make_city(options: city::Options, out: &Path) -> anyhow::Result<city::Summary> {
    let bar = progress_bar(u64::from(options.days) + 1, "days of the city written");
    let summary = city::generate(&options, out, &mut |progress| {
        bar.set_length(u64::from(progress.of));
        bar.set_position(u64::from(progress.done));
    })?;
    bar.finish_and_clear();
    Ok(summary)
}

fn link_files(args: LinkArgs) -> anyhow::Result<ExitCode> {
    let options = link::Options {
        inputs: args.input,
        output: args.output,
        model: args.model,
        save_model: args.save_model,
        threshold: args.threshold,
        explain: args.explain,
        svg: args.svg,
        pairs: args.pairs,
        skip_bad_rows: args.skip_bad_rows,
        seed: args.seed,
    };
    let outcome = if std::io::stderr().is_terminal() {
        let bar = ProgressBar::new_spinner();
        bar.enable_steady_tick(std::time::Duration::from_millis(200));
        let outcome = link::run(&options, |words| bar.set_message(words.to_owned()));
        bar.finish_and_clear();
        outcome
    } else {
        // A log has a line for each stage.
        link::run(&options, |words| eprintln!("{words}"))
    };
    print!("{}", outcome?.text);
    Ok(ExitCode::SUCCESS)
}

async fn rebuild(args: RebuildArgs) -> anyhow::Result<ExitCode> {
    let config = Config::resolve(&args.common)?;
    telemetry::init(config.log_format, "info");
    let shutdown = Shutdown::on_signals()?;
    let hub = Hub::open(config).await?;
    let projector = hub.projector()?;
    let report = if args.check {
        projector::check(&projector, &shutdown).await?
    } else {
        projector::rebuild(&projector, &shutdown).await?
    };
    drop(projector);
    hub.close().await?;
    println!("The views were made anew from {} events in {:.1} s.", report.events, report.duration.as_secs_f64());
    if report.log_is_cut {
        println!("The log no longer holds its beginning: what retention dropped is not in the new views.");
    }
    if report.exchanged {
        println!("They are the active ones now; the ones before are kept as the schema views_previous.");
    }
    if report.differing.is_empty() {
        println!("They are identical to the ones before.");
        return Ok(ExitCode::SUCCESS);
    }
    println!("They differ from the ones before in: {}", report.differing.join(", "));
    Ok(if args.check { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn make_keys(args: &CommonArgs) -> anyhow::Result<ExitCode> {
    let config = Config::resolve(args)?;
    let dir = config.keys();
    keys::private_dir(&dir).context("the key directory cannot be made")?;
    for name in ["token.key", "ledger-secret.key"] {
        keys::key_file(&dir.join(name)).with_context(|| format!("{name} cannot be made"))?;
    }
    let key = ledger::LogKey::load_or_create(&dir.join("ledger.key"), &config.ledger_origin)?;
    keys::write_public(&dir.join("ledger.pub"), &key.verifier().to_string()).context("ledger.pub cannot be written")?;
    println!("The keys are in {}. The ledger's public key, for auditors:", dir.display());
    println!("{}", key.verifier());
    Ok(ExitCode::SUCCESS)
}

async fn health(args: HealthArgs) -> anyhow::Result<ExitCode> {
    let client = reqwest::Client::builder().timeout(std::time::Duration::from_secs(4)).build()?;
    let response = client.get(&args.url).send().await.with_context(|| format!("{} does not answer", args.url))?;
    if !response.status().is_success() {
        bail!("{} answers {}: {}", args.url, response.status(), response.text().await.unwrap_or_default().trim());
    }
    Ok(ExitCode::SUCCESS)
}

/// A bar on standard error, or nothing where that is no terminal.
pub(crate) fn progress_bar(length: u64, unit: &str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    let template = format!("  {{bar:30}} {{pos}}/{{len}} {unit}");
    if let Ok(style) = ProgressStyle::with_template(&template) {
        bar.set_style(style);
    }
    bar
}
