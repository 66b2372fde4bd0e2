//! Where the hub runs: a PostgreSQL for all of the run, and processes of the hub that come and go on it.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use event_log::{EventLog, KafkaConfig, LogConfig, Positions};
use runtime::postgres::{PostgresOptions, PrivatePostgres};
use store::Store;

/// The rules of suspicion that ship.
const RULES: &str = include_str!("../../crates/scrutiny/rules.toml");
/// Connections of the bench itself, for reads that it does without the hub's API.
const CONNECTIONS_MAX: u32 = 40;
/// How long a process may take to come up or go down.
const PROCESS_MAX: Duration = Duration::from_secs(60);
/// Partitions of each topic on Kafka.
pub(crate) const PARTITIONS: i32 = 6;

/// A durable PostgreSQL, as the embedded form runs it, and the folder of everything.
pub(crate) struct Site {
    home: PathBuf,
    postgres: PrivatePostgres,
}

impl Site {
    pub(crate) async fn open(home: &Path) -> anyhow::Result<Self> {
        let postgres = PrivatePostgres::start(&PostgresOptions::durable(home.join("postgres/data"))).await?;
        Ok(Self { home: home.to_owned(), postgres })
    }

    pub(crate) async fn postgres_version(&self) -> anyhow::Result<String> {
        let store = Store::connect(self.postgres.connect_options("postgres"), 1).await?;
        let version: String = sqlx::query_scalar("SHOW server_version").fetch_one(store.pool()).await?;
        store.pool().close().await;
        Ok(version.split(' ').next().unwrap_or_default().to_owned())
    }

    /// A hub with a database of its own; its log is a table of that, or topics on a Kafka.
    pub(crate) async fn hub(&self, name: &'static str, kafka: Option<&str>) -> anyhow::Result<Hub> {
        self.postgres.create_database(name, None).await?;
        let store = Store::connect(self.postgres.connect_options(name), CONNECTIONS_MAX).await?;
        store.migrate().await?;
        let socket = self.postgres.socket_dir().display().to_string().replace('/', "%2F");
        let home = self.home.join(name);
        std::fs::create_dir(&home)?;
        let prefix = format!("{}.", test_support::scratch_name());
        let log = match kafka {
            Some(bootstrap) => LogConfig::Kafka(KafkaConfig { prefix: prefix.clone(), ..KafkaConfig::new(bootstrap) }),
            None => LogConfig::default(),
        };
        let database_url = format!("postgres://postgres@{socket}/{name}");
        Ok(Hub { home, database_url, store, log, prefix })
    }

    pub(crate) async fn close(self) -> anyhow::Result<()> {
        Ok(self.postgres.stop().await?)
    }
}

/// A hub: its database, its log, its keys. Nothing of it runs until [`Hub::start`].
pub(crate) struct Hub {
    home: PathBuf,
    database_url: String,
    /// Its database.
    pub(crate) store: Store,
    log: LogConfig,
    /// Prefix of its topics on Kafka.
    pub(crate) prefix: String,
}

impl Hub {
    /// Where its log is, for the reader.
    pub(crate) fn log_name(&self) -> &'static str {
        match self.log {
            LogConfig::Table(_) => "PostgreSQL",
            LogConfig::Kafka(_) => "Kafka",
        }
    }

    /// The ends of all its topics.
    pub(crate) async fn end(&self) -> anyhow::Result<Positions> {
        let log = EventLog::open(&self.log, self.store.pool()).await?;
        Ok(log.end_positions(&projector::topics()).await?)
    }

    /// Lets PostgreSQL look at the views, as its own upkeep does within minutes in a hub that stays up.
    pub(crate) async fn analyze(&self) -> anyhow::Result<()> {
        Ok(store::views::analyze(&mut *self.store.acquire().await?).await?)
    }

    /// Starts services in a process of their own, with raw files and access log in `data_dir`.
    pub(crate) async fn start(&self, services: &[&str], data_dir: &Path) -> anyhow::Result<Process> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let config = self.home.join(format!("{}.toml", address.port()));
        let log = match &self.log {
            LogConfig::Table(_) => String::new(),
            LogConfig::Kafka(kafka) => {
                format!(
                    "[log]\nbackend = \"kafka\"\nbootstrap = \"{}\"\nprefix = \"{}\"\n",
                    kafka.bootstrap, kafka.prefix
                )
            }
        };
        let profiles = self.home.join("profiles");
        let feed_dir =
            if profiles.is_dir() { format!("feed_dir = \"{}\"\n", profiles.display()) } else { String::new() };
        // One caller reads here what a whole department reads. The budgets are looked after as always, and are large.
        let rules = self.home.join("suspicion.toml");
        let large = |line: &str| match line.split_once(" = ") {
            Some((key @ ("persons_per_hour" | "rows_per_week"), _)) => format!("{key} = 1000000000\n"),
            Some(("version", _)) => "version = \"bench\"\n".to_owned(),
            _ => format!("{line}\n"),
        };
        std::fs::write(&rules, RULES.lines().map(large).collect::<String>())?;
        let rules = rules.display();
        let text = format!(
            "suspicion_rules = \"{rules}\"\ndata_dir = \"{}\"\nkey_dir = \"{}\"\nhttp_listen = \"{address}\"\nmllp_listen = \"127.0.0.1:0\"\n\
             database_url = \"{}\"\npartitions = {PARTITIONS}\n{feed_dir}{log}",
            data_dir.display(),
            self.home.join("keys").display(),
            self.database_url,
        );
        std::fs::write(&config, text)?;
        let log = File::create(config.with_extension("log"))?;
        let child = Command::new(env!("CARGO_BIN_EXE_isthmus"))
            .arg("serve")
            .args(services)
            .arg("--config")
            .arg(&config)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .context("the hub's binary does not start")?;
        let mut process = Process { child, base: format!("http://{address}"), config };
        process.await_ready().await?;
        Ok(process)
    }

    /// Where a process keeps its files unless the measurement is about that.
    pub(crate) fn data_dir(&self) -> PathBuf {
        self.home.join("data")
    }
}

/// A process of the hub; killed when it is dropped before [`Process::stop`].
pub(crate) struct Process {
    child: Child,
    /// Its address.
    pub(crate) base: String,
    config: PathBuf,
}

impl Process {
    async fn await_ready(&mut self) -> anyhow::Result<()> {
        let (ready, began) = (format!("{}/readyz", self.base), Instant::now());
        while !reqwest::get(&ready).await.is_ok_and(|response| response.status().is_success()) {
            if let Some(status) = self.child.try_wait()? {
                bail!("the hub ended ({status}): {}", self.log());
            }
            ensure!(began.elapsed() < PROCESS_MAX, "the hub does not come up: {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// Runs an admin command with the configuration of this process, and gives what it prints.
    pub(crate) fn admin(&self, words: &[&str]) -> anyhow::Result<String> {
        let output =
            Command::new(env!("CARGO_BIN_EXE_isthmus")).args(words).arg("--config").arg(&self.config).output()?;
        ensure!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// The most memory that the process has had so far, in MiB.
    pub(crate) fn peak_mib(&self) -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("the kernel says the peak")?;
        Ok(peak.trim().trim_end_matches(" kB").parse::<u64>()? / 1_024)
    }

    /// Asks the process to end, and waits until it has.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status()?;
        ensure!(asked.success(), "the hub cannot be asked to end");
        let began = Instant::now();
        while self.child.try_wait()?.is_none() {
            ensure!(began.elapsed() < PROCESS_MAX, "the hub does not end: {}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }

    /// The end of what it logged.
    fn log(&self) -> String {
        let text = std::fs::read_to_string(self.config.with_extension("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(10)..].join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
