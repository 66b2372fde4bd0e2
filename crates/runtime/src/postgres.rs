//! A private PostgreSQL: the installed binaries, a data directory of our own, a unix socket and nothing else.
//!
//! The server lives as long as the [`PrivatePostgres`] that started it, and at most as long as the process: it is
//! spawned by a thread that waits for it, so that the kernel's parent-death signal means the process and not a task.
//! A data directory is used by one process at a time (a lock file beside it says so); what a killed process left
//! behind is waited for, then stopped.
//!
//! Not here: TCP, passwords, replication, backups. An installation that needs them uses a PostgreSQL of its own.

mod account;
mod binaries;
mod server;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{AssertSqlSafe, Connection, Row};

use server::Server;

/// Where and how a private PostgreSQL runs.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// The data directory; made when it is not there. Its lock file stands beside it.
    pub data_dir: PathBuf,
    /// Whether a commit survives a power cut. `false` is for tests only: faster, and a crash may lose everything.
    pub durable: bool,
    /// Connections that may be open at once.
    pub connections_max: u16,
    /// Folder of `initdb` and `postgres`; searched for when `None`.
    pub bin_dir: Option<PathBuf>,
}

impl PostgresOptions {
    /// For real use: what is committed stays.
    pub fn durable(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), durable: true, connections_max: 100, bin_dir: None }
    }

    /// For tests: nothing is flushed to disk.
    pub fn for_tests(data_dir: impl Into<PathBuf>) -> Self {
        Self { durable: false, connections_max: 200, ..Self::durable(data_dir) }
    }
}

/// Why a private PostgreSQL does not run.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No installation has both `initdb` and `postgres`.
    #[error(
        "PostgreSQL is not installed (looked for initdb and postgres in {searched}): install it, on Debian and Ubuntu with `apt-get install postgresql`"
    )]
    NotInstalled {
        /// Where it was looked for.
        searched: String,
    },
    /// Started as root, and there is no other account to run the server under.
    #[error(
        "PostgreSQL refuses to run as root and there is no account `postgres`: install PostgreSQL's server package or start as an ordinary user"
    )]
    NoAccount,
    /// Started as root, and the account of the server cannot reach the data directory.
    #[error(
        "{blocked} is closed to the account `postgres` under which the database runs when started as root: choose another data directory (for example under /var/lib) or start as an ordinary user"
    )]
    Unreachable {
        /// The closed directory.
        blocked: PathBuf,
    },
    /// Another process uses the data directory.
    #[error("{data_dir} is in use by another process")]
    InUse {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// The data directory holds something else.
    #[error("{data_dir} is neither empty nor a PostgreSQL data directory")]
    NotADataDirectory {
        /// The data directory.
        data_dir: PathBuf,
    },
    /// A file, directory or process could not be handled.
    #[error("{doing}")]
    Io {
        /// What was being done.
        doing: String,
        /// Why it failed.
        source: io::Error,
    },
    /// `initdb` failed.
    #[error("initdb failed: {output}")]
    Initdb {
        /// The end of what it wrote.
        output: String,
    },
    /// The server ended while it was awaited.
    #[error("PostgreSQL ended ({status}): {log}")]
    Ended {
        /// How it ended.
        status: String,
        /// The end of its log.
        log: String,
    },
    /// The server did not answer, or did not end, in time.
    #[error("PostgreSQL did not {what} within {} s", waited.as_secs())]
    Timeout {
        /// What was awaited.
        what: &'static str,
        /// For how long.
        waited: Duration,
    },
    /// The server refused a statement.
    #[error("PostgreSQL refused: {doing}")]
    Sql {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: sqlx::Error,
    },
}

impl PostgresError {
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { doing: doing.into(), source }
    }
}

/// A running private PostgreSQL. Dropping it asks the server to end and does not wait; [`Self::stop`] waits.
#[derive(Debug)]
pub struct PrivatePostgres {
    server: Server,
    socket_dir: PathBuf,
}

/// How long a start may take: recovery after a crash reads up to `max_wal_size` of log.
const START_TIMEOUT: Duration = Duration::from_secs(300);
/// How long a stop may take: the last checkpoint writes up to `shared_buffers`.
const STOP_TIMEOUT: Duration = Duration::from_secs(60);

impl PrivatePostgres {
    /// Starts the server; makes the data directory first when it is not there. Returns when it answers.
    ///
    /// # Errors
    /// [`PostgresError`] says what to do.
    pub async fn start(options: &PostgresOptions) -> Result<Self, PostgresError> {
        let owned = options.clone();
        let prepare = tokio::task::spawn_blocking(move || server::spawn(&owned));
        let (server, socket_dir) = match prepare.await {
            Ok(result) => result?,
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        };
        let postgres = Self { server, socket_dir };
        postgres.ready().await?;
        Ok(postgres)
    }

    /// How to connect to a database of this server, over its socket, as its owner.
    pub fn connect_options(&self, database: &str) -> PgConnectOptions {
        socket_options(&self.socket_dir, database)
    }

    /// How to connect to the server that another process runs on a data directory; `None` when none seems to run.
    pub fn connect_options_of_running(data_dir: &Path, database: &str) -> Option<PgConnectOptions> {
        // The fifth line of the file is the folder of the socket (PostgreSQL, "Database File Layout": postmaster.pid).
        let text = std::fs::read_to_string(data_dir.join("postmaster.pid")).ok()?;
        let socket_dir = text.lines().nth(4).filter(|line| !line.is_empty())?;
        Some(socket_options(Path::new(socket_dir), database))
    }

    /// Makes a database unless it is there; a copy of `template` when one is named.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn create_database(&self, name: &str, template: Option<&str>) -> Result<(), PostgresError> {
        let sql = |doing| move |source| PostgresError::Sql { doing, source };
        let mut connection = PgConnection::connect_with(&self.connect_options("postgres"))
            .await
            .map_err(sql("connecting to make a database"))?;
        let there: bool = sqlx::query("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)")
            .bind(name)
            .fetch_one(&mut connection)
            .await
            .and_then(|row| row.try_get(0))
            .map_err(sql("looking for a database"))?;
        if !there {
            let mut statement = format!("CREATE DATABASE {}", quoted(name));
            if let Some(template) = template {
                statement.push_str(&format!(" TEMPLATE {}", quoted(template)));
            }
            sqlx::raw_sql(AssertSqlSafe(statement)).execute(&mut connection).await.map_err(sql("making a database"))?;
        }
        connection.close().await.map_err(sql("closing a connection"))
    }

    /// Returns when the server has ended, for whatever reason.
    pub async fn ended(&self) {
        self.server.ended().await;
    }

    /// The folder of the socket.
    pub fn socket_dir(&self) -> &Path {
        &self.socket_dir
    }

    /// Ends the server: open transactions are rolled back, everything committed is written out. Returns when it has ended.
    ///
    /// # Errors
    /// When it does not end in time; it is then ended the hard way and recovers at the next start.
    pub async fn stop(self) -> Result<(), PostgresError> {
        self.server.interrupt();
        if tokio::time::timeout(STOP_TIMEOUT, self.server.ended()).await.is_ok() {
            return Ok(());
        }
        self.server.abort();
        Err(PostgresError::Timeout { what: "end", waited: STOP_TIMEOUT })
    }

    async fn ready(&self) -> Result<(), PostgresError> {
        let options = self.connect_options("postgres");
        let started = Instant::now();
        loop {
            if let Ok(connection) = PgConnection::connect_with(&options).await {
                return connection
                    .close()
                    .await
                    .map_err(|source| PostgresError::Sql { doing: "closing a connection", source });
            }
            if let Some(status) = self.server.status() {
                return Err(PostgresError::Ended { status, log: self.server.log_end() });
            }
            if started.elapsed() > START_TIMEOUT {
                return Err(PostgresError::Timeout { what: "answer", waited: START_TIMEOUT });
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

fn socket_options(socket_dir: &Path, database: &str) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(socket_dir)
        .port(server::PORT)
        .username("postgres")
        .ssl_mode(PgSslMode::Disable)
        .application_name("isthmus")
        .database(database)
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests;
