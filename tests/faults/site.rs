//! The parts that are killed, and a hub beside them that is not.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use event_log::{EventLog, KafkaConfig, LogConfig};
use runtime::postgres::{PostgresOptions, PrivatePostgres};
use sqlx::postgres::PgPoolOptions;
use test_support::{Broker, database, scratch_dir, scratch_name, wait_for};

/// What is killed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part {
    Connector,
    Broker,
    Database,
}

/// A hub's configuration, and where it listens. The process may be there or not.
#[derive(Clone)]
pub(crate) struct Hub {
    pub(crate) base: String,
    pub(crate) mllp: SocketAddr,
    config: PathBuf,
    database: sqlx::postgres::PgConnectOptions,
    log: LogConfig,
}

impl Hub {
    fn configure(
        dir: &Path,
        name: &str,
        socket_dir: &Path,
        database: sqlx::postgres::PgConnectOptions,
        database_name: &str,
        log: LogConfig,
    ) -> Self {
        let listeners = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let [address, mllp] = listeners.map(|listener| listener.local_addr().expect("an address"));
        let socket = socket_dir.display().to_string().replace('/', "%2F");
        let log_text = match &log {
            LogConfig::Table(_) => String::new(),
            LogConfig::Kafka(kafka) => {
                format!(
                    "[log]\nbackend = \"kafka\"\nbootstrap = \"{}\"\nprefix = \"{}\"\n",
                    kafka.bootstrap, kafka.prefix
                )
            }
        };
        // One key for both hubs: ids of source records are keyed hashes.
        let text = format!(
            "data_dir = \"{data}\"\nkey_dir = \"{keys}\"\nhttp_listen = \"{address}\"\nmllp_listen = \"{mllp}\"\n\
             database_url = \"postgres://postgres@{socket}/{database_name}\"\npartitions = 3\n{log_text}",
            data = dir.join(name).display(),
            keys = dir.join("keys").display(),
        );
        let config = dir.join(format!("{name}.toml"));
        std::fs::write(&config, text).expect("a configuration");
        Self { base: format!("http://{address}"), mllp, config, database, log }
    }

    /// Its event log.
    pub(crate) async fn log(&self) -> EventLog {
        let pool = PgPoolOptions::new().max_connections(4).connect_lazy_with(self.database.clone());
        EventLog::open(&self.log, &pool).await.expect("the log opens")
    }

    /// Runs an admin command, and gives what it prints.
    pub(crate) fn admin(&self, words: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_isthmus"))
            .args(words)
            .arg("--config")
            .arg(&self.config)
            .output()
            .expect("the binary runs");
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    async fn start(&self) -> Process {
        let log = File::options().create(true).append(true).open(self.config.with_extension("log"));
        let child = Command::new(env!("CARGO_BIN_EXE_isthmus"))
            .args(["serve", "connector-community", "connector-telecom", "connector-hospital", "--config"])
            .arg(&self.config)
            .stdout(Stdio::null())
            .stderr(log.expect("a log file"))
            .spawn()
            .expect("the binary runs");
        let process = Process(child);
        let ready = format!("{}/readyz", self.base);
        wait_for("the connector to be ready", async || {
            reqwest::get(&ready).await.is_ok_and(|response| response.status().is_success())
        })
        .await;
        process
    }
}

/// A process that is killed when it is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // `kill` is SIGKILL.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Everything of one run.
pub(crate) struct Site {
    dir: PathBuf,
    postgres_dir: PathBuf,
    postgres: Option<PrivatePostgres>,
    broker: Broker,
    hub: Hub,
    connector: Option<Process>,
    undisturbed: Option<Process>,
}

impl Site {
    /// Starts the parts; `None` where there is no Kafka.
    pub(crate) async fn start() -> Option<Self> {
        let broker = Broker::start().await?;
        let dir = scratch_dir("faults");
        let postgres_dir = dir.join("postgres");
        let postgres = start_postgres(&postgres_dir).await;
        postgres.create_database("isthmus", None).await.expect("a database");
        let prefix = format!("{}.", scratch_name());
        let log = LogConfig::Kafka(KafkaConfig { prefix, ..KafkaConfig::new(broker.bootstrap()) });
        let options = postgres.connect_options("isthmus");
        let hub = Hub::configure(&dir, "killed", postgres.socket_dir(), options, "isthmus", log);
        hub.admin(&["keys"]);
        let connector = hub.start().await;
        let connector = Some(connector);
        Some(Self { dir, postgres_dir, postgres: Some(postgres), broker, hub, connector, undisturbed: None })
    }

    /// The hub whose parts are killed.
    pub(crate) fn hub(&self) -> &Hub {
        &self.hub
    }

    /// Kills a part in whatever it is doing, and starts it again on what it left behind.
    pub(crate) async fn kill_and_restart(&mut self, part: Part) {
        match part {
            Part::Connector => {
                drop(self.connector.take());
                self.connector = Some(self.hub.start().await);
            }
            Part::Broker => self.broker.kill_and_restart().await,
            Part::Database => {
                kill_server(&self.postgres_dir);
                if let Some(killed) = self.postgres.take() {
                    killed.ended().await;
                }
                self.postgres = Some(start_postgres(&self.postgres_dir).await);
            }
        }
    }

    /// A hub with the same keys, whose log is a table and whose parts are left alone.
    pub(crate) async fn undisturbed_hub(&mut self) -> Hub {
        let database = database().await;
        let socket_dir = test_support::postgres().await.socket_dir();
        let options = database.connect_options();
        let log = LogConfig::default();
        let hub = Hub::configure(&self.dir, "undisturbed", socket_dir, options, database.name(), log);
        self.undisturbed = Some(hub.start().await);
        hub
    }
}

async fn start_postgres(data_dir: &Path) -> PrivatePostgres {
    PrivatePostgres::start(&PostgresOptions::durable(data_dir)).await.expect("PostgreSQL starts")
}

/// Ends the server and all its processes at once, as a power cut would.
fn kill_server(data_dir: &Path) {
    let text = std::fs::read_to_string(data_dir.join("postmaster.pid")).expect("the server has a pid file");
    let server = text.lines().next().and_then(|line| line.trim().parse::<u32>().ok()).expect("its first line is a pid");
    let parent_of = |pid: u32| -> Option<u32> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let children = pids.filter(|pid| parent_of(*pid) == Some(server));
    let victims: Vec<String> = std::iter::once(server).chain(children).map(|pid| pid.to_string()).collect();
    // A process that has ended by itself meanwhile is no error.
    let _ = Command::new("kill").arg("-9").args(&victims).stderr(Stdio::null()).status();
}
