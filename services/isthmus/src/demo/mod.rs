//! The whole hub on a synthetic city: generate, push through the real connectors, count, ask, verify.

mod follow_up;
mod push;
mod questions;
mod score;
mod summary;
mod truth;

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use access::{Caller, Role};
use anyhow::{Context, bail};
use console::DemoRole;
use domain::{ClaimToken, FeedId, PersonId, Timestamp};
use futures_util::TryStreamExt;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use runtime::telemetry::{self, LogFormat};
use runtime::{Shutdown, keys};
use store::views::{self, FactRow};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::cli::DemoArgs;
use crate::commands::make_city;
use crate::config::Config;
use crate::hub::{ALL_SERVICES, Hub, Running, now};
use crate::tokens::{issue_caller, issue_feed};
use push::{Counts, FeedFile, Receipt};
use questions::{Asker, Sample};
use summary::Summary;

/// Files that are pushed at once; files of one feed are pushed one after the other.
const PUSHES_MAX: usize = 3;
/// MLLP connections that send at once.
const MLLP_CONNECTIONS: usize = 8;
/// HL7 files with this in their name go by MLLP, the others by HTTP.
const BY_MLLP: &str = "hospital-2";
/// The code of a district is the beginning of those of its units.
const DISTRICT_DIGITS: usize = 6;
/// The first case of every city, which stays open.
const CASE: &str = "CASE-2022-0001";
/// Name of another analyst among the demo's roles.
const SECOND_ANALYST: &str = "cdc-analyst-second";
/// How long the views may lag behind the last receipt before the demo gives up.
const PROJECTION_MAX: Duration = Duration::from_secs(900);

/// Runs the demo.
pub(crate) async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    telemetry::init(LogFormat::Text, "warn");
    let shutdown = Shutdown::on_signals()?;
    let home = Home::make(args.data_dir.as_deref())?;
    let mut summary = Summary { residents: args.residents, days: args.days, seed: args.seed, ..Summary::default() };

    println!(
        "Isthmus demo: a synthetic city of {} residents and {} days, seed {}",
        args.residents, args.days, args.seed
    );
    let city = city(&args, &home, &mut summary)?;

    let config = Config {
        data_dir: home.path.clone(),
        http_listen: args.http,
        mllp_listen: args.mllp,
        townships: Some(city.join("townships.geojson")),
        ..Config::default()
    };
    let hub = Hub::open(config).await?;
    let running = hub.start(&ALL_SERVICES, &shutdown).await?;
    let base = format!("http://{}", running.http);
    println!(
        "The hub is up: {base}, hospital messages by MLLP at {}",
        running.mllp.map_or_else(String::new, |a| a.to_string())
    );

    let outcome = tokio::select! {
        outcome = work(&hub, &running, &base, &city, &mut summary) => outcome.map(Some),
        () = shutdown.wait() => Ok(None),
    };
    let tokens = match outcome {
        Ok(Some(tokens)) => tokens,
        Ok(None) => {
            end(running, hub, &shutdown).await?;
            return Ok(ExitCode::from(130));
        }
        Err(error) => {
            shutdown.begin();
            end(running, hub, &shutdown).await?;
            return Err(error);
        }
    };
    if !args.exit {
        tell_how_to_go_on(&base, &running, &tokens, &home);
    }
    if args.json {
        println!("{}", serde_json::to_string(&summary)?);
    }
    if args.exit {
        shutdown.begin();
    }
    end(running, hub, &shutdown).await?;
    Ok(if summary.ledger_verified { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn end(running: Running, hub: Hub, shutdown: &Shutdown) -> anyhow::Result<()> {
    let result = running.wait(shutdown).await;
    hub.close().await?;
    result
}

/// Everything between the start of the hub and the summary.
async fn work(hub: &Hub, running: &Running, base: &str, city: &Path, summary: &mut Summary) -> anyhow::Result<Tokens> {
    let files = push::feed_files(city)?;
    let mut tokens = Tokens::issue(hub, &files).await?;
    let offer = |tokens: &Tokens| running.console.as_ref().map(|console| console.offer_demo(tokens.demo_roles()));
    offer(&tokens);
    let client = reqwest::Client::new();

    let began = Instant::now();
    let batches = push_all(&client, base, running, &tokens, files).await?;
    summary.ingest_seconds = began.elapsed().as_secs_f64();
    wait_for_views(hub).await?;
    summary.project_seconds = began.elapsed().as_secs_f64();

    count(hub, summary, &batches).await?;
    judge(hub, city, &batches, summary).await?;

    println!("\nThree questions and a look at the log, each answered only after the access log had it:");
    ask(hub, &client, base, city, &mut tokens).await?;
    offer(&tokens);

    let ledger = running.ledger.as_ref().context("the ledger runs in this process")?;
    ledger.publish().await?;
    let (dir, key) = (hub.config.data_dir.join("ledger"), ledger.verifier().clone());
    let report = tokio::task::spawn_blocking(move || ledger::verify(&dir, Some(&key))).await??;
    summary.ledger_entries = report.entries;
    summary.ledger_verified = report.verified;
    summary.memory_peak_mib = summary::memory_peak_mib();
    println!("\n{}", summary.table());
    Ok(tokens)
}

/// Where the demo keeps its data; a temporary place is removed when this is dropped.
struct Home {
    path: PathBuf,
    kept: bool,
    _temporary: Option<tempfile::TempDir>,
}

impl Home {
    fn make(data_dir: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(path) = data_dir {
            keys::passable_dir(path).with_context(|| format!("{} cannot be made", path.display()))?;
            return Ok(Self { path: path.to_owned(), kept: true, _temporary: None });
        }
        let temporary = tempfile::Builder::new().prefix("isthmus-demo-").tempdir()?;
        keys::make_passable(temporary.path())?;
        Ok(Self { path: temporary.path().to_owned(), kept: false, _temporary: Some(temporary) })
    }
}

/// Writes the city, or takes the one that an earlier start left.
fn city(args: &DemoArgs, home: &Home, summary: &mut Summary) -> anyhow::Result<PathBuf> {
    let city = home.path.join(format!("city-{}-{}-{}", args.residents, args.days, args.seed));
    let began = Instant::now();
    if !city.join("truth/rows.csv").exists() {
        let unfinished = city.with_extension("unfinished");
        let _ = std::fs::remove_dir_all(&unfinished);
        make_city(city::Options { residents: args.residents, days: args.days, seed: args.seed }, &unfinished)?;
        std::fs::rename(&unfinished, &city)?;
    }
    summary.generate_seconds = began.elapsed().as_secs_f64();
    Ok(city)
}

/// Tokens of the demo: one for each feed, one for each role.
struct Tokens {
    feeds: HashMap<String, String>,
    callers: Vec<(&'static str, String)>,
}

impl Tokens {
    async fn issue(hub: &Hub, files: &[FeedFile]) -> anyhow::Result<Self> {
        let mut feeds = HashMap::new();
        for file in files {
            if !feeds.contains_key(&file.feed) {
                let feed = FeedId::parse(&file.feed).with_context(|| format!("{} is no name of a feed", file.feed))?;
                feeds.insert(file.feed.clone(), issue_feed(&hub.store, &feed, "demo").await?);
            }
        }
        let caller = |handle: &str, role, unit: Option<&str>| Caller {
            handle: handle.to_owned(),
            organisation: "demo-city".to_owned(),
            role,
            unit: unit.map(str::to_owned),
            own_claim: None,
        };
        let mut callers = Vec::new();
        for (role, handle, unit) in [
            (Role::CdcTracer, "demo-tracer", Some("CDC-01")),
            (Role::DataSteward, "demo-steward", Some("REGISTER-01")),
            (Role::Auditor, "demo-auditor", Some("AUDIT-01")),
            (Role::Operator, "demo-operator", None),
            (Role::CdcLead, "demo-cdc-lead", Some("CDC-02")),
            (Role::PrivacyOfficer, "demo-privacy-officer", Some("PRIVACY-01")),
            (Role::CdcAnalyst, "demo-analyst", Some("FIGURES-01")),
        ] {
            callers.push((role.code(), issue_caller(&hub.store, &caller(handle, role, unit)).await?));
        }
        // A figure passes through the hands of three people.
        let second = caller("demo-second-analyst", Role::CdcAnalyst, Some("FIGURES-01"));
        callers.push((SECOND_ANALYST, issue_caller(&hub.store, &second).await?));
        Ok(Self { feeds, callers })
    }

    /// The roles of the console: each caller, and a department with all the feeds.
    fn demo_roles(&self) -> Vec<DemoRole> {
        let of_caller = |(name, token): &(&'static str, String)| DemoRole {
            name: (*name).to_owned(),
            caller: Some(token.clone()),
            feeds: BTreeMap::new(),
            case: (*name == Role::CdcTracer.code()).then(|| CASE.to_owned()),
        };
        let feeds = self.feeds.clone().into_iter().collect();
        let department = DemoRole { name: Role::Department.code().to_owned(), caller: None, feeds, case: None };
        self.callers.iter().map(of_caller).chain([department]).collect()
    }

    fn caller(&self, role: &str) -> &str {
        self.callers.iter().find(|(name, _)| *name == role).map_or("", |(_, token)| token)
    }
}

/// Batches that were pushed: file and receipt.
type Batches = Vec<(FeedFile, Receipt)>;

/// Pushes every file: those of one feed in the order of their delivery, several feeds at once.
async fn push_all(
    client: &reqwest::Client,
    base: &str,
    running: &Running,
    tokens: &Tokens,
    files: Vec<FeedFile>,
) -> anyhow::Result<Batches> {
    let bars = MultiProgress::new();
    let mut feeds: HashMap<String, Vec<FeedFile>> = HashMap::new();
    for file in files {
        feeds.entry(file.feed.clone()).or_default().push(file);
    }
    let mut feeds: Vec<(String, Vec<FeedFile>)> = feeds.into_iter().collect();
    // The feeds with most bytes first, so that none of them is left alone at the end.
    feeds.sort_by_key(|(name, files)| {
        (std::cmp::Reverse(files.iter().map(|file| file.size).sum::<u64>()), name.clone())
    });
    let places = Arc::new(tokio::sync::Semaphore::new(PUSHES_MAX));
    let batches = Arc::new(Mutex::new(Batches::new()));
    let mut tasks = JoinSet::new();
    for (feed, files) in feeds {
        let bar = bars.add(bar(files.iter().map(|file| file.size).sum(), &feed));
        let token = tokens.feeds[&feed].clone();
        let (client, base, mllp) = (client.clone(), base.to_owned(), running.mllp);
        let (places, batches) = (places.clone(), batches.clone());
        tasks.spawn(async move {
            let _place = places.acquire_owned().await?;
            for file in files {
                match mllp {
                    Some(address) if file.name.contains(BY_MLLP) => send(address, &file, &bar).await?,
                    _ => {
                        let receipt = push::push_http(&client, &base, &token, &file, &bar).await?;
                        batches.lock().map_err(|_| anyhow::anyhow!("a push panicked"))?.push((file, receipt));
                    }
                }
            }
            bar.finish();
            anyhow::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    bars.clear()?;
    let batches = std::mem::take(&mut *batches.lock().map_err(|_| anyhow::anyhow!("a push panicked"))?);
    Ok(batches)
}

/// Sends the messages of a file over several MLLP connections; messages of one patient may overtake each other, as
/// they do between a hospital's interfaces.
async fn send(address: std::net::SocketAddr, file: &FeedFile, bar: &ProgressBar) -> anyhow::Result<()> {
    let messages = push::split_messages(&tokio::fs::read(&file.path).await?);
    let mut shares = vec![Vec::new(); MLLP_CONNECTIONS];
    for (at, message) in messages.into_iter().enumerate() {
        shares[at % MLLP_CONNECTIONS].push(message);
    }
    let mut tasks = JoinSet::new();
    for share in shares {
        let bar = bar.clone();
        tasks.spawn(async move { push::push_mllp(address, share, &bar).await });
    }
    while let Some(done) = tasks.join_next().await {
        let counts = done??;
        if counts.reject > 0 {
            bail!("the MLLP listener rejected {} messages of {}", counts.reject, file.name);
        }
    }
    Ok(())
}

fn bar(bytes: u64, feed: &str) -> ProgressBar {
    let bar = ProgressBar::new(bytes);
    if let Ok(style) = ProgressStyle::with_template("  {msg:20} {bar:30} {bytes}/{total_bytes} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(feed.to_owned());
    bar
}

async fn wait_for_views(hub: &Hub) -> anyhow::Result<()> {
    let end = hub.log.end_positions(&projector::topics()).await?;
    let bar = ProgressBar::new_spinner();
    bar.set_message("events into person files and facts");
    let began = Instant::now();
    while !projector::caught_up(&hub.store, &end).await? {
        if began.elapsed() > PROJECTION_MAX {
            bail!("the views did not follow within {} s", PROJECTION_MAX.as_secs());
        }
        bar.tick();
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    bar.finish_and_clear();
    Ok(())
}

/// Counts rows by feed from the hub's own receipts, and events and persons from the log and the views.
async fn count(hub: &Hub, summary: &mut Summary, batches: &Batches) -> anyhow::Result<()> {
    let mut conn = hub.store.acquire().await?;
    for (feed, counts) in store::ingest::totals(&mut conn).await? {
        let number = |count: i64| u64::try_from(count).unwrap_or(0);
        let counts = Counts {
            rows: number(counts.rows()),
            accepted: number(counts.accepted),
            duplicate: number(counts.duplicate),
            superseded: number(counts.superseded),
            quarantined: number(counts.quarantined),
        };
        summary.add(&feed, counts);
    }
    summary.repeated_files = batches.iter().filter(|(_, receipt)| receipt.repeated).count() as u64;
    let end = hub.log.end_positions(&projector::topics()).await?;
    summary.events = end.iter().map(|(_, _, offset)| u64::try_from(offset).unwrap_or(0)).sum();
    summary.persons = u64::try_from(views::counts(&mut conn).await?.persons).unwrap_or(0);
    summary.events_per_second = summary.events as f64 / summary.project_seconds;
    Ok(())
}

/// Compares the person files with the truth, over the source records of files that were pushed by HTTP: their batch and
/// row lead to the row of the truth.
async fn judge(hub: &Hub, city: &Path, batches: &Batches, summary: &mut Summary) -> anyhow::Result<()> {
    let files: HashMap<(&str, &str), Uuid> =
        batches.iter().map(|(file, receipt)| ((file.feed.as_str(), file.name.as_str()), receipt.batch_id)).collect();
    let truth = truth::rows(city, &files)?;
    let mut conn = hub.store.acquire().await?;
    let mut judged = Vec::new();
    let mut named: HashMap<ClaimToken, u32> = HashMap::new();
    let mut records = views::stream_record_persons(&mut conn);
    while let Some(record) = records.try_next().await? {
        if let Some(person) = truth.persons.get(&(record.batch_id.as_uuid(), record.batch_row)) {
            judged.push((record.person_id, *person));
            named.insert(ClaimToken::from(record.record_id), *person);
        }
    }
    drop(records);
    let score = score::score(&judged);
    summary.judged_records = score.records;
    summary.truth_persons = score.truth_persons;
    summary.pair_precision = score.precision;
    summary.pair_recall = score.recall;
    let is_stranger = |person: &u32| !truth.known_elsewhere.contains(person);
    summary.tests_of_strangers = truth.persons.values().filter(|person| is_stranger(person)).count() as u64;
    let told = views::list_tests_without_person(&mut conn, Timestamp::from_millis(0), now(), i64::MAX).await?;
    summary.tests_told = told.len() as u64;
    let of_stranger = |test: &&FactRow| test.subject.and_then(|subject| named.get(&subject)).is_some_and(is_stranger);
    summary.tests_told_right = told.iter().filter(of_stranger).count() as u64;
    Ok(())
}

async fn ask(hub: &Hub, client: &reqwest::Client, base: &str, city: &Path, tokens: &mut Tokens) -> anyhow::Result<()> {
    let asker = |role: &'static str, token, purpose, case| Asker { client, base, role, token, purpose, case };
    let tracer = tokens.caller("cdc-tracer").to_owned();
    let tracer = asker("CDC tracer", &tracer, "PUBHLTH", Some(CASE));
    let sample = Sample { phone: truth::phone_of_a_case(city)? };
    let (person, unit) = questions::trace(&tracer, &sample, "2022-03-01T00:00:00Z", "2022-03-15T00:00:00Z").await?;

    let neighbour = worker_of(hub, "demo-worker", &unit).await?;
    let worker = asker("community worker", &neighbour, "PUBHLTH", None);
    questions::read(&worker, "a resident of my own grid", person, 200).await?;
    let stranger = worker_of(hub, "demo-worker-elsewhere", questions::NO_GRID).await?;
    let worker = asker("community worker", &stranger, "PUBHLTH", None);
    questions::read(&worker, "the same person, who is not of my grid", person, 404).await?;

    let resident = Caller {
        handle: "demo-resident".to_owned(),
        organisation: "demo-city".to_owned(),
        role: Role::Resident,
        unit: None,
        own_claim: Some(ClaimToken::from(PersonId::from_uuid(person).as_record())),
    };
    let resident = issue_caller(&hub.store, &resident).await?;
    questions::read(&asker("resident", &resident, "PATRQT", None), "my own file", person, 200).await?;
    questions::audit(&asker("auditor", tokens.caller("auditor"), "HOPERAT", None)).await?;
    let lead = worker_of(hub, "demo-lead", unit.get(..DISTRICT_DIGITS).unwrap_or(&unit)).await?;
    follow_up::begin(&tracer, &asker("lead", &lead, "PUBHLTH", None), &unit).await?;
    tokens.callers.extend([("community-worker", neighbour), ("resident", resident)]);
    Ok(())
}

async fn worker_of(hub: &Hub, handle: &str, unit: &str) -> anyhow::Result<String> {
    let worker = Caller {
        handle: handle.to_owned(),
        organisation: "demo-city".to_owned(),
        role: Role::CommunityWorker,
        unit: Some(unit.to_owned()),
        own_claim: None,
    };
    issue_caller(&hub.store, &worker).await
}

fn tell_how_to_go_on(base: &str, running: &Running, tokens: &Tokens, home: &Home) {
    println!("Open {base}/ in a browser and choose a role, or go on by hand (everything here is synthetic):");
    println!("  the API is described at {base}/openapi.json, health at {base}/readyz, metrics at {base}/metrics");
    if let Some(mllp) = running.mllp {
        println!("  hospital messages by MLLP: {mllp}");
    }
    println!("  the case that disease control works on: {CASE}");
    for (role, token) in &tokens.callers {
        println!("  token of a caller ({role}): {token}");
    }
    let mut feeds: Vec<_> = tokens.feeds.iter().collect();
    feeds.sort();
    for (feed, token) in feeds {
        println!("  token of feed {feed}: {token}");
    }
    let fate = if home.kept { "kept for a next start" } else { "removed at the end" };
    println!("  data in {}, {fate}", home.path.display());
    println!("Stop with Ctrl-C.");
}
