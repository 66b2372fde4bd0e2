//! The server process: its data directory, its settings, its life and its end.

use std::collections::hash_map::DefaultHasher;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::hash::{Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::sync::watch;

use super::account::Account;
use super::{PostgresError, PostgresOptions, binaries};

/// The number in the name of the socket; no port is opened.
pub(super) const PORT: u16 = 5432;

/// The longest path of a unix socket on Linux, in bytes.
const SOCKET_PATH_BYTES_MAX: usize = 107;

const LOG_BYTES_SHOWN: usize = 2_000;

/// How long what a killed process left behind may take to end by itself, and again after it was asked to.
const ORPHAN_TIMEOUT: Duration = Duration::from_secs(15);

/// The process, watched by the thread that spawned it.
#[derive(Debug)]
pub(super) struct Server {
    pid: Pid,
    status: watch::Receiver<Option<String>>,
    data_dir: PathBuf,
    /// Held as long as the server may run.
    _lock: File,
}

impl Server {
    pub(super) fn interrupt(&self) {
        self.signal(Signal::INT);
    }

    pub(super) fn abort(&self) {
        self.signal(Signal::QUIT);
    }

    /// How it ended, once it has.
    pub(super) fn status(&self) -> Option<String> {
        self.status.borrow().clone()
    }

    pub(super) async fn ended(&self) {
        let mut status = self.status.clone();
        // An error means that the keeper is gone, which it is only after the server.
        let _ = status.wait_for(Option::is_some).await;
    }

    pub(super) fn log_end(&self) -> String {
        log_end(&self.data_dir)
    }

    fn signal(&self, signal: Signal) {
        // A process that has been waited for has no id any more: the number may be another's.
        if self.status.borrow().is_none() {
            let _ = kill_process(self.pid, signal);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.interrupt();
    }
}

/// Prepares the data directory and starts the server; gives the folder of its socket too. Blocks for about a second
/// when the directory is new.
pub(super) fn spawn(options: &PostgresOptions) -> Result<(Server, PathBuf), PostgresError> {
    let data_dir = std::path::absolute(&options.data_dir).map_err(PostgresError::io("finding the data directory"))?;
    let account = Account::choose()?;
    let parent = data_dir.parent().unwrap_or(&data_dir);
    fs::create_dir_all(parent).map_err(PostgresError::io(format!("making the directory {}", parent.display())))?;
    account.can_reach(&data_dir)?;
    let lock = lock(&data_dir)?;
    let bin_dir = binaries::find(options.bin_dir.as_deref(), major_version(&data_dir))?;
    if major_version(&data_dir).is_none() {
        initialize(account, &bin_dir, &data_dir, options.durable)?;
    }
    await_orphan(&data_dir)?;
    let socket_dir = socket_dir(account, &data_dir)?;
    let mut command = account.command(&bin_dir.join("postgres"), Life::WithParent);
    command.arg("-D").arg(&data_dir).arg("-k").arg(&socket_dir);
    for setting in settings(options) {
        command.arg("-c").arg(setting);
    }
    // Until the server has opened its own log it writes here.
    let early = data_dir.join("startup.log");
    let early = File::create(early).map_err(PostgresError::io("opening the log"))?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(early).current_dir("/");
    let (pid, status) = keep(command)?;
    Ok((Server { pid, status, data_dir, _lock: lock }, socket_dir))
}

/// Spawns the server from a thread that lives until the server has ended.
fn keep(mut command: Command) -> Result<(Pid, watch::Receiver<Option<String>>), PostgresError> {
    let (started, start) = mpsc::channel();
    let (ended, status) = watch::channel(None);
    let life = move || match command.spawn() {
        Ok(mut child) => {
            let _ = started.send(Ok(Pid::from_child(&child)));
            let status = match child.wait() {
                Ok(status) => status.to_string(),
                Err(error) => error.to_string(),
            };
            ended.send_replace(Some(status));
        }
        Err(error) => drop(started.send(Err(error))),
    };
    let doing = "starting PostgreSQL";
    thread::Builder::new().name("postgres-keeper".to_owned()).spawn(life).map_err(PostgresError::io(doing))?;
    let lost = |_| PostgresError::Ended { status: "not started".to_owned(), log: String::new() };
    let pid = start.recv().map_err(lost)?.map_err(PostgresError::io(doing))?;
    Ok((pid, status))
}

/// The settings. Memory is for two cores and two GiB shared with everything else. No statement's values reach the
/// log: they are personal.
fn settings(options: &PostgresOptions) -> Vec<String> {
    let mut settings: Vec<String> = [
        "listen_addresses=",
        "unix_socket_permissions=0700",
        "shared_buffers=256MB",
        "effective_cache_size=768MB",
        "work_mem=16MB",
        "maintenance_work_mem=128MB",
        "random_page_cost=1.1",
        "jit=off",
        // No replica reads the log, so bulk loads into a new table need not write it.
        "wal_level=minimal",
        "max_wal_senders=0",
        "max_wal_size=2GB",
        "checkpoint_timeout=15min",
        "timezone=UTC",
        "log_timezone=UTC",
        "logging_collector=on",
        "log_directory=log",
        "log_filename=postgres-%a.log",
        "log_truncate_on_rotation=on",
        "log_rotation_age=1d",
        "log_rotation_size=0",
        "log_checkpoints=off",
        "log_error_verbosity=terse",
        "log_min_error_statement=panic",
        "log_parameter_max_length=0",
        "log_parameter_max_length_on_error=0",
    ]
    .map(str::to_owned)
    .into();
    settings.push(format!("port={PORT}"));
    settings.push(format!("max_connections={}", options.connections_max));
    let durability: &[&str] = if options.durable {
        &["synchronous_commit=on", "fsync=on", "full_page_writes=on"]
    } else {
        &["synchronous_commit=off", "fsync=off", "full_page_writes=off"]
    };
    settings.extend(durability.iter().map(|&setting| setting.to_owned()));
    settings
}

/// Makes the data directory under another name first, so that a half-made one is never taken for a whole.
fn initialize(account: Account, bin_dir: &Path, data_dir: &Path, durable: bool) -> Result<(), PostgresError> {
    if fs::read_dir(data_dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(PostgresError::NotADataDirectory { data_dir: data_dir.to_owned() });
    }
    let new = beside(data_dir, ".new");
    if new.exists() {
        fs::remove_dir_all(&new).map_err(PostgresError::io(format!("removing {}", new.display())))?;
    }
    account.make_private_dir(&new)?;
    let mut command = account.command(&bin_dir.join("initdb"), Life::Own);
    command.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-instructions"]);
    if !durable {
        command.arg("--no-sync");
    }
    let output = command.arg("-D").arg(&new).current_dir("/").output().map_err(PostgresError::io("running initdb"))?;
    if !output.status.success() {
        let text = String::from_utf8_lossy(&output.stderr);
        return Err(PostgresError::Initdb { output: last_of(&text) });
    }
    if data_dir.exists() {
        fs::remove_dir(data_dir).map_err(PostgresError::io(format!("replacing {}", data_dir.display())))?;
    }
    fs::rename(&new, data_dir).map_err(PostgresError::io(format!("making {}", data_dir.display())))
}

fn major_version(data_dir: &Path) -> Option<u32> {
    fs::read_to_string(data_dir.join("PG_VERSION")).ok()?.trim().parse().ok()
}

fn lock(data_dir: &Path) -> Result<File, PostgresError> {
    let path = beside(data_dir, ".lock");
    let doing = format!("locking {}", path.display());
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(PostgresError::io(doing.clone()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(PostgresError::InUse { data_dir: data_dir.to_owned() }),
        Err(TryLockError::Error(error)) => Err(PostgresError::io(doing)(error)),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// Waits for the server of a process that was killed; asks it to end when it does not by itself. A pid file whose
/// process is not that server (the machine was restarted, the number is another's) is removed.
fn await_orphan(data_dir: &Path) -> Result<(), PostgresError> {
    let pid_file = data_dir.join("postmaster.pid");
    let started = Instant::now();
    let mut asked = false;
    while let Ok(text) = fs::read_to_string(&pid_file) {
        let pid = text.lines().next().and_then(|line| Pid::from_raw(line.trim().parse().ok()?));
        let Some(pid) = pid.filter(|pid| serves(*pid, data_dir)) else {
            let _ = fs::remove_file(&pid_file);
            return Ok(());
        };
        let waited = started.elapsed();
        if waited > ORPHAN_TIMEOUT && !asked {
            tracing::warn!("a database server of an earlier run is still there: asking it to end");
            let _ = kill_process(pid, Signal::INT);
            asked = true;
        }
        if waited > 2 * ORPHAN_TIMEOUT {
            return Err(PostgresError::Timeout { what: "end (of an earlier run)", waited });
        }
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// Whether the process is the server of this data directory. A server works in its data directory; where the
/// system does not show that, any living process counts.
fn serves(pid: Pid, data_dir: &Path) -> bool {
    let process = PathBuf::from(format!("/proc/{}", pid.as_raw_nonzero()));
    if !Path::new("/proc/self/cwd").exists() {
        return test_kill_process(pid).is_ok();
    }
    let data_dir = fs::canonicalize(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    fs::read_link(process.join("cwd")).is_ok_and(|dir| dir == data_dir)
}

/// The data directory when the socket's path is short enough there; else a folder in the system's temporary one,
/// named by a hash of the data directory.
fn socket_dir(account: Account, data_dir: &Path) -> Result<PathBuf, PostgresError> {
    let socket_name = format!("/.s.PGSQL.{PORT}.lock");
    if data_dir.as_os_str().as_bytes().len() + socket_name.len() <= SOCKET_PATH_BYTES_MAX {
        return Ok(data_dir.to_owned());
    }
    let mut hasher = DefaultHasher::new();
    data_dir.hash(&mut hasher);
    let dir = PathBuf::from(format!("/tmp/isthmus-pg-{:016x}", hasher.finish()));
    // Anyone may make a name in /tmp: only a real directory that is already the account's is taken over.
    if let Ok(meta) = fs::symlink_metadata(&dir)
        && !(meta.is_dir() && meta.uid() == account.uid())
    {
        return Err(PostgresError::NotADataDirectory { data_dir: dir });
    }
    account.make_private_dir(&dir)?;
    Ok(dir)
}

fn log_end(data_dir: &Path) -> String {
    let mut logs: Vec<PathBuf> =
        fs::read_dir(data_dir.join("log")).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    logs.sort_by_key(|path| fs::metadata(path).and_then(|meta| meta.modified()).ok());
    let newest = logs.last().and_then(|path| fs::read_to_string(path).ok()).unwrap_or_default();
    let early = fs::read_to_string(data_dir.join("startup.log")).unwrap_or_default();
    last_of(&format!("{newest}{early}"))
}

fn last_of(text: &str) -> String {
    let text = text.trim();
    let start = text.len().saturating_sub(LOG_BYTES_SHOWN);
    let start = (start..text.len()).find(|&at| text.is_char_boundary(at)).unwrap_or(0);
    text[start..].to_owned()
}

/// How long a process lives.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Life {
    /// Until it is done.
    Own,
    /// At most as long as the process that spawned it.
    WithParent,
}

impl Account {
    /// A command that runs under this account with an empty environment.
    fn command(self, program: &Path, life: Life) -> Command {
        let setpriv = ["/usr/bin/setpriv", "/bin/setpriv"].into_iter().find(|path| Path::new(path).is_file());
        let mut command = match (life, setpriv) {
            (Life::WithParent, Some(setpriv)) => {
                let mut command = Command::new(setpriv);
                command.arg("--pdeathsig").arg("QUIT");
                if let Self::Other { uid, gid } = self {
                    command.arg(format!("--reuid={uid}")).arg(format!("--regid={gid}")).arg("--clear-groups");
                }
                command.arg("--").arg(program);
                command
            }
            _ => {
                let mut command = Command::new(program);
                if let Self::Other { uid, gid } = self {
                    command.uid(uid).gid(gid);
                }
                command
            }
        };
        // A terminal's interrupt reaches the whole group: the server must not end before those who use it.
        command.process_group(0).env_clear().env("LC_ALL", "C.UTF-8").env("PATH", "/usr/bin:/bin");
        command
    }
}
