//! What the figures were taken on, and what they took.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use serde::Serialize;

/// Writes to the disk that are timed.
const SYNCS: usize = 31;

/// The machine, the servers and the data.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Machine {
    /// Cores that this process may use.
    cores: usize,
    /// Model of the processor, as the kernel names it.
    processor: String,
    /// Memory in MiB.
    memory_mib: u64,
    /// Processes that wanted a core in the minute before the run, on average.
    load_before: f64,
    /// Kind of the file system of data and logs.
    file_system: String,
    /// Median of a small write until it is synced, in milliseconds.
    sync_ms: f64,
    /// PostgreSQL's version.
    pub(crate) postgres: String,
    /// Kafka's version.
    pub(crate) kafka: Option<String>,
    residents: u32,
    days: u32,
    seed: u64,
    /// Rows of all feeds.
    rows: u64,
}

impl Machine {
    /// Looks at the machine before anything runs.
    pub(crate) fn look() -> anyhow::Result<Self> {
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let field = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
        };
        let memory = field("/proc/meminfo", "MemTotal");
        let memory_kib: u64 = memory.trim_end_matches(" kB").parse().unwrap_or(0);
        Ok(Self {
            cores: std::thread::available_parallelism()?.get(),
            processor: field("/proc/cpuinfo", "model name"),
            memory_mib: memory_kib / 1024,
            load_before: load.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0.0),
            ..Self::default()
        })
    }

    /// Finds out what kind of disk a folder is on, and how long that takes to sync.
    pub(crate) fn note_disk(&mut self, dir: &Path) -> anyhow::Result<()> {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap_or_default();
        let mounts = mounts.lines().filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            Some((words.next()?, words.next()?))
        });
        let under = mounts.filter(|(place, _)| dir.starts_with(place)).max_by_key(|(place, _)| place.len());
        self.file_system = under.map_or("unknown", |(_, kind)| kind).to_owned();
        let path = dir.join("sync");
        let mut file = File::create(&path).context("a file on the disk that is measured")?;
        let mut took = Vec::with_capacity(SYNCS);
        for _ in 0..SYNCS {
            let began = Instant::now();
            file.write_all(&[7; 512])?;
            file.sync_data()?;
            took.push(began.elapsed().as_secs_f64() * 1e3);
        }
        fs::remove_file(path)?;
        took.sort_by(f64::total_cmp);
        self.sync_ms = took[SYNCS / 2];
        Ok(())
    }

    /// Notes which city was pushed.
    pub(crate) fn note_city(&mut self, options: &city::Options, rows: u64) {
        (self.residents, self.days, self.seed, self.rows) = (options.residents, options.days, options.seed, rows);
    }

    /// A few lines for people.
    pub(crate) fn text(&self) -> String {
        let kafka = self.kafka.as_ref().map_or_else(String::new, |version| format!(", Apache Kafka {version}"));
        let busy = if self.load_before > self.cores as f64 / 4.0 {
            "; other work shared the machine, so every figure is a lower bound"
        } else {
            ""
        };
        format!(
            "- Taken on {} cores ({}), {} MiB of memory, {} with {:.2} ms to sync a small write; PostgreSQL {}{kafka}. Load before the run {:.1}{busy}.\n\
             - The city: {} residents, {} days, seed {}: {} rows in all feeds. Clients, hub, PostgreSQL and Kafka share the cores.",
            self.cores,
            self.processor,
            self.memory_mib,
            self.file_system,
            self.sync_ms,
            self.postgres,
            self.load_before,
            self.residents,
            self.days,
            self.seed,
            self.rows,
        )
    }
}

/// Time on the clock and on the cores.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Took {
    /// Seconds that passed.
    pub(crate) seconds: f64,
    /// Seconds of a core that all processes of the run used: clients, hub, PostgreSQL, Kafka. Work of others does not count.
    pub(crate) core_seconds: f64,
}

impl std::ops::AddAssign for Took {
    fn add_assign(&mut self, other: Self) {
        self.seconds += other.seconds;
        self.core_seconds += other.core_seconds;
    }
}

/// Times a stretch of work.
pub(crate) struct Watch(Instant, f64);

impl Watch {
    pub(crate) fn start() -> Self {
        Self(Instant::now(), core_seconds())
    }

    /// What passed since the start.
    pub(crate) fn read(&self) -> Took {
        Took { seconds: self.0.elapsed().as_secs_f64(), core_seconds: core_seconds() - self.1 }
    }
}

/// Seconds of a core that this process and its descendants used so far, the ended ones included.
fn core_seconds() -> f64 {
    let pid_of = |entry: &fs::DirEntry| entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    let known: BTreeMap<u32, (u32, f64)> = processes
        .filter_map(|entry| {
            let stat = fs::read_to_string(entry.path().join("stat")).ok()?;
            // Behind the name, which may hold anything: state, parent, and from the twelfth on the times in hundredths of
            // a second, those of ended children behind the own (proc_pid_stat(5)).
            let words: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
            let ticks: f64 = words.get(11..15)?.iter().filter_map(|word| word.parse::<f64>().ok()).sum();
            Some((pid_of(&entry)?, (words[1].parse().ok()?, ticks / 100.0)))
        })
        .collect();
    let own = std::process::id();
    let is_ours = |mut pid: u32| {
        while pid != own {
            match known.get(&pid) {
                Some((parent, _)) if *parent > 1 => pid = *parent,
                _ => return false,
            }
        }
        true
    };
    known.iter().filter(|(pid, _)| is_ours(**pid)).map(|(_, (_, seconds))| seconds).sum()
}
