//! `make bench`: how fast each stage of the hub is on this machine, as one table out of one run.
//!
//! The hub runs as in a deployment: the real binary, a PostgreSQL whose commits survive a power cut, a real Apache
//! Kafka. A synthetic city is pushed through it, stage after stage, one stage at a time, so that a figure is of its stage and
//! of nothing else. What stands beside a figure is measured in the same run on the same bytes.
//!
//! Not here: whether the answers are right (`make test`, `make demo`).

mod feeds;
mod forms;
mod link;
mod machine;
mod project;
mod push;
mod read;
mod site;
mod table;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Context;
use clap::Parser;

use machine::Machine;
use site::Site;
use table::Table;

/// Measure every stage of the hub on this machine, in one run, as one table.
///
/// Takes about five minutes with the defaults. Progress goes to standard error, the table to standard output.
#[derive(Clone, Debug, Parser)]
#[command(name = "make bench ARGS=\"…\"", after_help = "Example:\n  make bench ARGS=\"--residents 5000 --json\"")]
struct Args {
    /// Residents of the synthetic city whose feeds are pushed.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(500..=500_000))]
    residents: u32,
    /// Days that the feeds cover.
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(1..=60))]
    days: u32,
    /// Seed of the city: the same seed gives the same bytes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Rows of the body of each form.
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u32).range(1_000..=5_000_000))]
    rows: u32,
    /// Sizes in MB of the bodies by which memory is measured, from small to large.
    #[arg(long, value_delimiter = ',', default_value = "1,100,1000")]
    bodies: Vec<u64>,
    /// Only these forms, such as `CSV,NDJSON`; all without it.
    #[arg(long, value_delimiter = ',')]
    forms: Vec<String>,
    /// Only the forms and the memory: nothing is projected, linked or read.
    #[arg(long)]
    feeds_only: bool,
    /// Only person files read: the city is pushed and projected, and nothing of that is measured for itself.
    #[arg(long, conflicts_with = "feeds_only")]
    reads_only: bool,
    /// Seconds for which each kind of read is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Print one JSON object as the last line.
    #[arg(long)]
    json: bool,
    /// Handed over by cargo; it means nothing here.
    #[arg(long, hide = true)]
    bench: bool,
}

/// Says on standard error what is being done, and since when.
struct Progress(Instant);

impl Progress {
    fn say(&self, doing: &str) {
        eprintln!("[{:>4} s] {doing}", self.0.elapsed().as_secs());
    }
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(&args))?;
    Ok(ExitCode::SUCCESS)
}

async fn run(args: &Args) -> anyhow::Result<()> {
    let progress = Progress(Instant::now());
    let mut machine = Machine::look()?;
    let mut table = Table::default();
    let home = test_support::scratch_dir("bench");

    progress.say("writing a synthetic city");
    let city = home.join("city");
    let options = city::Options { residents: args.residents, days: args.days, seed: args.seed };
    let written = city::generate(&options, &city, &mut |_| {})?;
    machine.note_disk(&home)?;
    machine.note_city(&options, written.rows as u64);

    progress.say("starting PostgreSQL");
    let site = Site::open(&home).await?;
    machine.postgres = site.postgres_version().await?;

    on_table(args, &site, &city, &progress, &mut table).await?;

    let kafka = if args.reads_only {
        None
    } else {
        progress.say("starting Apache Kafka");
        test_support::kafka_in_service().await
    };
    match kafka {
        None if args.reads_only => {}
        Some(kafka) => {
            machine.kafka = Some(kafka.version.clone().unwrap_or_else(|| "of a version unknown here".to_owned()));
            on_kafka(args, &site, kafka, &city, &progress, &mut table).await?;
        }
        None => table.notes.push("Apache Kafka is not on this machine: nothing about it was measured.".to_owned()),
    }
    site.close().await?;
    progress.say("done");

    println!("{}", table.text());
    println!("{}", machine.text());
    if args.json {
        println!("{}", table.json(&machine, progress.0.elapsed()));
    }
    Ok(())
}

/// Everything that needs no Kafka: push, project, read, link.
async fn on_table(args: &Args, site: &Site, city: &Path, progress: &Progress, table: &mut Table) -> anyhow::Result<()> {
    if !args.reads_only {
        let forms = site.hub("forms", None).await?;
        feeds::measure(&forms, args, progress, table).await.context("pushing every form")?;
        feeds::memory(&forms, &args.bodies, progress, table).await.context("pushing large bodies")?;
        if args.feeds_only {
            return Ok(());
        }
    }
    let hub = site.hub("table", None).await?;
    push::measure(&hub, None, city, progress, table).await.context("pushing, with the log in PostgreSQL")?;
    project::measure(&hub, progress, table).await.context("projecting, with the log in PostgreSQL")?;
    hub.analyze().await?;
    read::measure(&hub, Duration::from_secs(args.seconds), progress, table).await.context("reading person files")?;
    if args.reads_only {
        return Ok(());
    }
    link::measure(&hub, progress, table).await.context("linking")
}

async fn on_kafka(
    args: &Args,
    site: &Site,
    kafka: &test_support::Kafka,
    city: &Path,
    progress: &Progress,
    table: &mut Table,
) -> anyhow::Result<()> {
    let hub = site.hub("kafka", Some(&kafka.bootstrap)).await?;
    push::measure(&hub, Some(&kafka.bootstrap), city, progress, table).await.context("pushing to Kafka")?;
    if args.feeds_only {
        return Ok(());
    }
    project::measure(&hub, progress, table).await.context("projecting from Kafka")
}

/// The files of a feed in the city, in the order of their delivery.
fn feed_files(city: &Path, feed: &str) -> anyhow::Result<Vec<PathBuf>> {
    let dir = city.join("feeds").join(feed);
    let entries = std::fs::read_dir(&dir).with_context(|| format!("the city has no feed {feed}"))?;
    let mut files: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    files.sort();
    Ok(files)
}
