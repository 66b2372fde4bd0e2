//! What the ledger costs: `cargo bench -p ledger --bench ledger` (`-- --entries 10000000`; `-- --seconds 10`).
//!
//! Appends are durable and answered with their proof, from 64 clients; an audited answer is a value that goes through
//! [`ledger::Disclosure`], beside the same value that does not; verification reads every file of the log.

use std::time::{Duration, Instant};

use domain::Timestamp;
use ledger::{
    Access, Code, Entry, LedgerClient, LedgerHandle, Nonce, OpenOptions, PolicyHash, Released, Stamp, SubjectHandle,
};

const CLIENTS: u64 = 64;

fn main() {
    let mut words = std::env::args().skip(1).filter(|word| word != "--bench");
    let (mut entries, mut seconds) = (1_000_000, 10);
    while let Some(word) = words.next() {
        let number = words.next().and_then(|text| text.parse::<u64>().ok());
        match (word.as_str(), number) {
            ("--entries", Some(number)) => entries = number,
            ("--seconds", Some(number)) => seconds = number,
            _ => {
                eprintln!(
                    "options: --entries N (how many are verified; 1000000), --seconds N (how long is appended; 10)"
                );
                std::process::exit(2);
            }
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(run(entries, Duration::from_secs(seconds)));
}

async fn run(entries: u64, time: Duration) {
    let place = tempfile::tempdir().expect("a directory");
    let options = OpenOptions {
        dir: place.path().join("ledger"),
        key_file: place.path().join("ledger.key"),
        origin: "ledger.bench/access".to_owned(),
        witnessed: Vec::new(),
    };
    let ledger = LedgerHandle::open(&options).expect("opened");
    let (count, mut waits) = appends(&ledger, time).await;
    waits.sort_unstable();
    let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    let rate = count as f64 / time.as_secs_f64();
    println!("appends with proof, {CLIENTS} clients: {rate:.0}/s, p50 {:.2} ms, p99 {:.2} ms", at(0.5), at(0.99));

    fill(&ledger, entries).await;
    ledger.close().await;
    let (began, worked) = (Instant::now(), processor_seconds());
    let report = ledger::verify(&options.dir, Some(&ledger.verifier())).expect("readable");
    assert!(report.verified, "{:?}", report.findings);
    let (took, worked) = (began.elapsed().as_secs_f64(), processor_seconds() - worked);
    println!("verify: {} entries in {took:.2} s, {worked:.2} s of processor", report.entries);
}

/// What this process has used of processors; other work on the machine does not count. 0 where the system does not say.
fn processor_seconds() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / TICKS_PER_SECOND
}

/// Every client appends one entry after the other, and waits for each.
async fn appends(ledger: &LedgerHandle, time: Duration) -> (usize, Vec<Duration>) {
    let client = LedgerClient::Local(ledger.clone());
    let until = Instant::now() + time;
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let client = client.clone();
            tokio::spawn(async move {
                let (mut waits, mut next) = (Vec::new(), number << 32);
                while Instant::now() < until {
                    let began = Instant::now();
                    let disclosure = access(next).disclose(next, released());
                    let (value, receipt) = client.disclose(disclosure).await.expect("recorded").into_parts();
                    assert!(value == next && receipt.index < u64::MAX);
                    waits.push(began.elapsed());
                    next += 1;
                }
                waits
            })
        })
        .collect();
    let mut waits = Vec::new();
    for client in clients {
        waits.extend(client.await.expect("no panic"));
    }
    (waits.len(), waits)
}

/// Brings the log to a size.
async fn fill(ledger: &LedgerHandle, entries: u64) {
    let size = ledger.head().0.size;
    let mut tasks = tokio::task::JoinSet::new();
    const FILLERS: u64 = 512;
    for filler in 0..FILLERS {
        let ledger = ledger.clone();
        let own = entries.saturating_sub(size) / FILLERS;
        tasks.spawn(async move {
            for number in 0..own {
                ledger.append(&entry((filler + 1_000) << 32 | number)).await.expect("recorded");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no panic");
    }
}

fn entry(number: u64) -> Entry {
    let Access { stamp, actor, unit, role, action, purpose, case, policy, request } = access(number);
    let Released { subjects, groups, withheld, count, matter } = released();
    let decision = ledger::Decision::Allowed;
    Entry {
        stamp,
        actor,
        unit,
        role,
        action,
        purpose,
        case,
        subjects,
        released: groups,
        withheld,
        count,
        matter,
        decision,
        policy,
        request,
    }
}

fn access(number: u64) -> Access {
    let code = |text| Code::parse(text).expect("a code");
    let mut salt = [7; 16];
    salt[8..].copy_from_slice(&number.to_be_bytes());
    Access {
        stamp: Stamp {
            time: Timestamp::from_millis(1_646_092_800_000),
            boot: Nonce([1; 16]),
            monotonic_ms: number,
            salt: Nonce(salt),
        },
        actor: code("tracer-7"),
        unit: code("cdc/CDC-01"),
        role: code("cdc-tracer"),
        action: code("read-person"),
        purpose: Some(code("PUBHLTH")),
        case: None,
        policy: PolicyHash([3; 32]),
        request: Nonce(salt),
    }
}

fn released() -> Released {
    let codes = |list: &[&str]| list.iter().map(|text| Code::parse(text).expect("a code")).collect();
    Released {
        subjects: vec![SubjectHandle([5; 16])],
        groups: codes(&["identity", "contact", "residence", "household", "health", "trail"]),
        withheld: codes(&["payment"]),
        count: 1,
        matter: None,
    }
}
