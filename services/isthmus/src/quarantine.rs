//! `isthmus quarantine`: what an operator does about rows that could not be used: list, show, replay, discard.
//!
//! It works on the database and the raw store of a hub that runs or does not run. Whoever looks at a row, replays or
//! discards is on record in the ledger first.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, ensure};
use clap::{Args, Subcommand};
use connector::{BodyLimits, Ingest, IngestSetup, Reason, Replayed, Reprocessed};
use domain::{BatchId, FeedId, TokenKey};
use event_log::EventLog;
use ledger::{Code, Receipt, Released};
use runtime::keys;
use store::ingest::Origin;
use store::quarantine::{self, HeldRow, Selection};

use crate::cli::CommonArgs;
use crate::config::Config;
use crate::hub::{self, ALL_SERVICES, AdminDatabase, now};
use crate::on_record::{OnRecord, OperatorArgs, reason};

/// Rows that a list prints at most.
const LISTED_MAX: i64 = 10_000;
const DAY_MS: i64 = 86_400_000;

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
        after_help = "Examples:\n  isthmus quarantine reprocess gate-scans --preview\n  isthmus quarantine reprocess gate-scans --handle operator-1 --reason 'the column was another'"
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
    fn selection(&self, feed: Option<String>) -> anyhow::Result<Selection> {
        if let Some(code) = &self.code {
            ensure!(Reason::from_code(code).is_some(), "there is no reason {code}; docs/errors.md lists them");
        }
        Ok(Selection {
            feed,
            code: self.code.clone(),
            batch_id: self.batch,
            row: self.row,
            before: self.older_than.map(|days| now().plus_millis(-i64::from(days) * DAY_MS)),
            all: false,
        })
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
    let selection = Selection { all: args.all, ..args.select.selection(args.feed)? };
    let database = AdminDatabase::open(&Config::resolve(&args.common)?).await?;
    let mut conn = database.store.acquire().await?;
    if args.rows {
        for held in quarantine::list(&mut conn, &selection, Origin { arrival: 0, row: 0 }, LISTED_MAX).await? {
            let HeldRow { row, feed, state, .. } = &held;
            let field = row.field.as_deref().unwrap_or("-");
            let (batch, came) = (held.batch_id(), held.received_at());
            println!("{feed}\t{batch}\t{}\t{}\t{field}\t{state}\t{came}\t{}", row.row, row.code, row.message);
        }
    } else {
        for count in quarantine::count_open(&mut conn, &selection).await? {
            println!("{}\t{}\t{}\tsince {}", count.feed, count.code, count.rows, count.oldest());
        }
    }
    drop(conn);
    database.close().await
}

async fn show(args: ShowArgs) -> anyhow::Result<()> {
    let desk = Desk::open(&args.common, &args.operator).await?;
    let shown = desk.look(args.batch, args.row).await;
    desk.close().await?;
    let (held, bytes, receipt) = shown?;
    println!("{} line {}: {} ({})", held.feed, held.row.line, held.row.code, held.state);
    println!("{}: {}", held.row.field.as_deref().unwrap_or("the row"), held.row.message);
    if let Some(reason) = &held.reason {
        println!("{}: {reason}", held.state);
    }
    match bytes {
        Some(bytes) => {
            std::io::stdout().write_all(&bytes)?;
            println!();
        }
        None => println!("Its bytes are not on this machine any more."),
    }
    eprintln!("This look is entry {} of the ledger.", receipt.index);
    Ok(())
}

async fn replay(args: ActArgs) -> anyhow::Result<()> {
    let (feed, selection) = chosen(&args)?;
    let desk = Desk::open(&args.common, &args.operator).await?;
    let done = desk.replay(&feed, &selection, &args.reason).await;
    desk.close().await?;
    let done = done?;
    println!(
        "accepted {}, duplicate {}, superseded {}; still in quarantine {}, gone {}; {} events",
        done.accepted, done.duplicate, done.superseded, done.quarantined, done.gone, done.events
    );
    Ok(())
}

async fn discard(args: ActArgs) -> anyhow::Result<()> {
    let (feed, selection) = chosen(&args)?;
    let desk = Desk::open(&args.common, &args.operator).await?;
    let rows = desk.discard(&feed, &selection, &args.reason).await;
    desk.close().await?;
    println!("{} rows of {feed} are discarded.", rows?);
    Ok(())
}

async fn reprocess(args: ReprocessArgs) -> anyhow::Result<()> {
    let feed = FeedId::parse(&args.feed).context("a feed name is 2 to 64 of a-z, 0-9 and -")?;
    let desk = Desk::open(&args.common, &args.operator).await?;
    let done = desk.reprocess(&feed, args.preview, &args.reason.unwrap_or_default()).await;
    desk.close().await?;
    let done = done?;
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
    Ok(())
}

fn chosen(args: &ActArgs) -> anyhow::Result<(FeedId, Selection)> {
    let feed = FeedId::parse(&args.feed).context("a feed name is 2 to 64 of a-z, 0-9 and -")?;
    Ok((feed, args.select.selection(Some(args.feed.clone()))?))
}

/// What an operator works with.
struct Desk {
    database: AdminDatabase,
    ingest: Ingest,
    record: OnRecord,
}

impl Desk {
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
        Ok(Self { database, ingest, record })
    }

    /// A row that failed, with its bytes where this machine still has them.
    async fn look(&self, batch: BatchId, row: i64) -> anyhow::Result<(HeldRow, Option<Vec<u8>>, Receipt)> {
        let selection = Selection { batch_id: Some(batch), row: Some(row), all: true, ..Selection::default() };
        let mut conn = self.database.store.acquire().await?;
        let found = quarantine::list(&mut conn, &selection, Origin { arrival: 0, row: 0 }, 1).await?.into_iter().next();
        drop(conn);
        let held = found.with_context(|| format!("row {row} of batch {batch} never failed"))?;
        let feed = FeedId::parse(&held.feed).context("the batch has no feed")?;
        let bytes = self.ingest.row_bytes(&feed, &held).await.context("the body cannot be read")?;
        let released = Released { groups: vec![Code::parse("raw-row")?], count: 1, ..Released::default() };
        let (bytes, receipt) = self.record.give("quarantine.read", released, bytes).await?;
        Ok((held, bytes, receipt))
    }

    async fn replay(&self, feed: &FeedId, selection: &Selection, reason: &str) -> anyhow::Result<Replayed> {
        self.note("quarantine.replay", feed).await?;
        self.ingest.replay(feed, selection, reason).await.context("not every row was replayed")
    }

    async fn discard(&self, feed: &FeedId, selection: &Selection, reason: &str) -> anyhow::Result<u64> {
        self.note("quarantine.discard", feed).await?;
        let mut conn = self.database.store.acquire().await?;
        Ok(quarantine::discard(&mut conn, selection, reason, now()).await?)
    }

    async fn reprocess(&self, feed: &FeedId, preview: bool, reason: &str) -> anyhow::Result<Reprocessed> {
        self.note(if preview { "feed.preview" } else { "feed.reprocess" }, feed).await?;
        self.ingest.reprocess(feed, preview, reason).await.context("the feed was not read again")
    }

    /// Puts an act on record before it is done.
    async fn note(&self, action: &str, feed: &FeedId) -> anyhow::Result<()> {
        let released = Released { groups: vec![Code::parse(feed.as_str())?], ..Released::default() };
        self.record.give(action, released, ()).await?;
        Ok(())
    }

    async fn close(self) -> anyhow::Result<()> {
        drop(self.ingest);
        self.record.close().await;
        self.database.close().await
    }
}
