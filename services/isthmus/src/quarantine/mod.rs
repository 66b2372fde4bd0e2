//! `isthmus quarantine`: what an operator does about rows that could not be used: list, show, replay, discard, reprocess.
//!
//! It works on the database and the raw store of a hub that runs or does not run. A hub that runs offers the same over
//! HTTP ([`http`]); what is done, and that it is on record first, is in [`desk`].

pub(crate) mod desk;
pub(crate) mod handed_out;
pub(crate) mod http;
mod view;

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context;
use clap::{Args, Subcommand};
use connector::{BodyLimits, Change, FieldChange, Ingest, IngestSetup};
use domain::{BatchId, Sensitive, TokenKey};
use event_log::EventLog;
use ledger::Receipt;
use runtime::keys;
use store::ingest::Origin;
use store::quarantine::HeldRow;

use crate::cli::CommonArgs;
use crate::config::Config;
use crate::hub::{self, ALL_SERVICES, AdminDatabase, now};
use crate::on_record::{OnRecord, OperatorArgs, reason};
use crate::quarantine::desk::{Choice, Desk, Order, Sample, feed_id};

/// Rows that a list prints at most.
const LISTED_MAX: i64 = 10_000;

/// Commands of `quarantine`.
#[derive(Clone, Debug, Subcommand)]
pub(crate) enum QuarantineCommand {
    /// Print how many rows are open by feed and reason, or with --rows each of them; columns separated by tabs.
    #[command(
        after_help = "Examples:\n  isthmus quarantine list\n  isthmus quarantine list --rows --feed gate-scans --code phone-invalid --older-than 7"
    )]
    List(ListArgs),
    /// Print why a row cannot be used, and its bytes as they were sent. The look is on record.
    #[command(
        after_help = "Example:\n  isthmus quarantine show 6b0c5ac0-5d2a-5f0b-9b63-50a46ad17b0e 17 --handle operator-1"
    )]
    Show(ShowArgs),
    /// Read open rows again with the profile of now; each keeps its place in the order of arrival.
    #[command(
        after_help = "Example:\n  isthmus quarantine replay --feed gate-scans --code value-time --handle operator-1 --reason 'profile knows the new time form'"
    )]
    Replay(ActArgs),
    /// Note that open rows are not to be mended, and why. Receipts say so.
    #[command(
        after_help = "Example:\n  isthmus quarantine discard --feed gate-scans --code machine-number --handle operator-1 --reason 'cars, no people'"
    )]
    Discard(ActArgs),
    /// Read all that a feed ever sent again, with the profile of now, and publish the differences.
    #[command(
        after_help = "Examples:\n  isthmus quarantine reprocess gate-scans --preview --rows 20 --handle operator-1\n  isthmus quarantine reprocess gate-scans --handle operator-1 --reason 'the column was another'"
    )]
    Reprocess(ReprocessArgs),
}

/// Which rows.
#[derive(Clone, Debug, Args)]
pub(crate) struct SelectArgs {
    /// Only rows with this reason code.
    #[arg(long)]
    code: Option<String>,
    /// Only rows of this batch.
    #[arg(long, value_name = "BATCH_ID")]
    batch: Option<BatchId>,
    /// Only this row of the batch.
    #[arg(long, requires = "batch")]
    row: Option<i64>,
    /// Only rows of batches that came at least so many days ago.
    #[arg(long, value_name = "DAYS")]
    older_than: Option<u32>,
}

/// Options of `quarantine list`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ListArgs {
    /// Only rows of this feed.
    #[arg(long)]
    feed: Option<String>,
    /// Which rows.
    #[command(flatten)]
    select: SelectArgs,
    /// Print each row, not how many.
    #[arg(long)]
    rows: bool,
    /// Also rows that were mended, replayed or discarded.
    #[arg(long, requires = "rows")]
    all: bool,
    /// Where the configuration and the data are.
    #[command(flatten)]
    common: CommonArgs,
}

/// Options of `quarantine show`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ShowArgs {
    /// The batch.
    batch: BatchId,
    /// The row of the batch, from 1.
    row: i64,
    /// Who does it: it stands in the access log.
    #[command(flatten)]
    operator: OperatorArgs,
    /// Where the configuration and the data are.
    #[command(flatten)]
    common: CommonArgs,
}

/// Options of `quarantine replay` and `quarantine discard`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ActArgs {
    /// The feed.
    #[arg(long)]
    feed: String,
    /// Which rows of it.
    #[command(flatten)]
    select: SelectArgs,
    /// Why; receipts say it to the sender, so no name of a person.
    #[arg(long, value_parser = reason)]
    reason: String,
    /// Who does it: it stands in the access log.
    #[command(flatten)]
    operator: OperatorArgs,
    /// Where the configuration and the data are.
    #[command(flatten)]
    common: CommonArgs,
}

/// Options of `quarantine reprocess`.
#[derive(Clone, Debug, Args)]
pub(crate) struct ReprocessArgs {
    /// The feed.
    feed: String,
    /// Only say what would change.
    #[arg(long)]
    preview: bool,
    /// With --preview: print so many of the changed rows, and which fields change.
    #[arg(long, value_name = "ROWS", requires = "preview", default_value_t = 0)]
    rows: u16,
    /// With --rows: print the fields' values before and after. The access log counts the rows.
    #[arg(long, requires = "rows")]
    values: bool,
    /// Why; receipts say it to the sender, so no name of a person.
    #[arg(long, value_parser = reason, required_unless_present = "preview")]
    reason: Option<String>,
    /// Who does it: it stands in the access log.
    #[command(flatten)]
    operator: OperatorArgs,
    /// Where the configuration and the data are.
    #[command(flatten)]
    common: CommonArgs,
}

impl SelectArgs {
    fn choice(self, feed: Option<String>, all: bool) -> Choice {
        let Self { code, batch, row, older_than } = self;
        Choice { feed, code, batch_id: batch, row, older_than_days: older_than, all }
    }
}

pub(crate) async fn run(command: QuarantineCommand) -> anyhow::Result<ExitCode> {
    match command {
        QuarantineCommand::List(args) => list(args).await?,
        QuarantineCommand::Show(args) => show(args).await?,
        QuarantineCommand::Replay(args) => replay(args).await?,
        QuarantineCommand::Discard(args) => discard(args).await?,
        QuarantineCommand::Reprocess(args) => reprocess(args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(args: ListArgs) -> anyhow::Result<()> {
    let selection = args.select.choice(args.feed, args.all).selection()?;
    let database = AdminDatabase::open(&Config::resolve(&args.common)?).await?;
    let mut conn = database.store.acquire().await?;
    if args.rows {
        let begin = Origin { arrival: 0, row: 0 };
        for held in store::quarantine::list(&mut conn, &selection, begin, LISTED_MAX).await? {
            let HeldRow { row, feed, state, .. } = &held;
            let field = row.field.as_deref().unwrap_or("-");
            let (batch, came) = (held.batch_id(), held.received_at());
            println!("{feed}\t{batch}\t{}\t{}\t{field}\t{state}\t{came}\t{}", row.row, row.code, row.message);
        }
    } else {
        for count in store::quarantine::count_open(&mut conn, &selection).await? {
            println!("{}\t{}\t{}\tsince {}", count.feed, count.code, count.rows, count.oldest());
        }
    }
    drop(conn);
    database.close().await
}

async fn show(args: ShowArgs) -> anyhow::Result<()> {
    let open = OpenDesk::open(&args.common, &args.operator).await?;
    let shown = open.desk.show(&open.record, args.batch, args.row).await;
    open.close().await?;
    let (shown, receipt) = shown?;
    let held = shown.held;
    println!("{} line {}: {} ({})", held.feed, held.row.line, held.row.code, held.state);
    println!("{}: {}", held.row.field.as_deref().unwrap_or("the row"), held.row.message);
    if let Some(reason) = &held.reason {
        println!("{}: {reason}", held.state);
    }
    match shown.bytes {
        Some(bytes) => {
            std::io::stdout().write_all(&bytes)?;
            println!();
        }
        None => println!("Its bytes are not on this machine any more."),
    }
    say_entry(&receipt);
    Ok(())
}

async fn replay(args: ActArgs) -> anyhow::Result<()> {
    let order = Order::new(args.select.choice(Some(args.feed), false), &args.reason)?;
    let open = OpenDesk::open(&args.common, &args.operator).await?;
    let done = open.desk.replay(&open.record, order).await;
    open.close().await?;
    let (done, receipt) = done?;
    println!(
        "accepted {}, duplicate {}, superseded {}; still in quarantine {}, gone {}; {} events",
        done.accepted, done.duplicate, done.superseded, done.quarantined, done.gone, done.events
    );
    say_entry(&receipt);
    Ok(())
}

async fn discard(args: ActArgs) -> anyhow::Result<()> {
    let order = Order::new(args.select.choice(Some(args.feed.clone()), false), &args.reason)?;
    let open = OpenDesk::open(&args.common, &args.operator).await?;
    let done = open.desk.discard(&open.record, order).await;
    open.close().await?;
    let (rows, receipt) = done?;
    println!("{rows} rows of {} are discarded.", args.feed);
    say_entry(&receipt);
    Ok(())
}

async fn reprocess(args: ReprocessArgs) -> anyhow::Result<()> {
    let feed = feed_id(&args.feed)?;
    let open = OpenDesk::open(&args.common, &args.operator).await?;
    let sample = Sample { rows: args.rows.into(), values: args.values };
    let done = match &args.reason {
        Some(reason) if !args.preview => {
            let done = open.desk.reprocess(&open.record, feed, reason).await;
            done.map(|(done, receipt)| ((done, Vec::new()), receipt))
        }
        _ => open.desk.preview(&open.record, feed, sample).await,
    };
    open.close().await?;
    let ((done, changes), receipt) = done?;
    for change in &changes {
        print_change(change, args.values);
    }
    println!(
        "{} rows of {} batches read again; {} batches keep what they said",
        done.rows, done.batches, done.kept_batches
    );
    println!("in quarantine: {} before, {} now", done.quarantined_before, done.quarantined);
    println!("statements: {} changed, {} new, {} gone", done.changed, done.appeared, done.vanished);
    match args.preview {
        true => println!("Nothing was done: this was a preview."),
        false => println!("{} events published", done.events),
    }
    say_entry(&receipt);
    Ok(())
}

fn say_entry(receipt: &Receipt) {
    eprintln!("This is entry {} of the ledger.", receipt.index);
}

/// Prints a statement that changes: its row and its fields, and their values if they were put on record.
fn print_change(change: &Change, values: bool) {
    let Change { kind, batch_id, row, event, .. } = change;
    println!("batch {batch_id} row {row}: {event} {}", kind.code());
    for FieldChange { field, before, after } in &change.fields {
        let shown = |value: &Option<Sensitive<String>>| value.as_ref().map_or("-", |text| text.expose()).to_owned();
        match values {
            true => println!("  {field}: {} -> {}", shown(before), shown(after)),
            false => println!("  {field}"),
        }
    }
}

/// A desk that a command opened for itself.
struct OpenDesk {
    desk: Desk,
    database: AdminDatabase,
    record: OnRecord,
}

impl OpenDesk {
    async fn open(common: &CommonArgs, operator: &OperatorArgs) -> anyhow::Result<Self> {
        let operator = operator.operator()?;
        let config = Config::resolve(common)?;
        let database = AdminDatabase::open(&config).await?;
        let key = keys::key_file(&config.keys().join("token.key")).context("the token key cannot be read")?;
        let log = EventLog::open(&config.log, database.store.pool()).await.context("the event log cannot be opened")?;
        log.ensure_topics(&hub::topics(config.partitions)).await.context("the topics cannot be made")?;
        let ingest = Ingest::new(IngestSetup {
            store: database.store.clone(),
            log,
            codec: hub::codec(&config).await?,
            key: TokenKey::from_bytes(&key),
            raw_dir: config.data_dir.join("raw"),
            limits: BodyLimits::default(),
            feeds: hub::feeds(&ALL_SERVICES, config.feed_dir.as_deref())?,
            clock: Arc::new(now),
        });
        let record = OnRecord::open(&config, operator).await?;
        let desk = Desk { store: database.store.clone(), ingest: Arc::new(ingest) };
        Ok(Self { desk, database, record })
    }

    async fn close(self) -> anyhow::Result<()> {
        drop(self.desk);
        self.record.close().await;
        self.database.close().await
    }
}
