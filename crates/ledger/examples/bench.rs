//! Appends per second with 64 callers at once, each waiting for its receipt. Arguments: directory, seconds.

use std::time::{Duration, Instant};

use domain::Timestamp;
use ledger::{Code, Decision, Entry, LedgerHandle, Nonce, OpenOptions, PolicyHash, Stamper, SubjectHandle};

const CLIENTS: usize = 64;

fn code(text: &str) -> Result<Code, ledger::EntryError> {
    Code::parse(text)
}

fn entry(stamper: &Stamper) -> Result<Entry, ledger::EntryError> {
    Ok(Entry {
        stamp: stamper.stamp(Timestamp::from_millis(1_646_092_800_000)),
        actor: code("cw-0007")?,
        unit: code("320506001007G03")?,
        role: code("community-worker")?,
        action: code("person.read")?,
        purpose: Some(code("PUBHLTH")?),
        case: None,
        subjects: vec![SubjectHandle([2; 16])],
        released: vec![code("identity")?, code("contact")?],
        withheld: vec![code("health")?],
        count: 1,
        decision: Decision::Allowed,
        policy: PolicyHash([9; 32]),
        request: Nonce::random(),
    })
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let dir = arguments.next().map_or_else(|| std::env::temp_dir().join("isthmus-ledger-bench"), Into::into);
    let seconds: u64 = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let ledger = LedgerHandle::open(&OpenOptions {
        dir: dir.join("ledger"),
        key_file: dir.join("ledger.key"),
        origin: "ledger.bench/one".into(),
        witnessed: Vec::new(),
    })?;
    let stamper = Stamper::start();
    let began = Instant::now();
    let until = began + Duration::from_secs(seconds);
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (ledger, stamper) = (ledger.clone(), stamper.clone());
            tokio::spawn(async move {
                let mut latencies = Vec::new();
                while Instant::now() < until {
                    let started = Instant::now();
                    ledger.append(&entry(&stamper)?).await?;
                    latencies.push(started.elapsed());
                }
                Ok::<_, ledger::LedgerError>(latencies)
            })
        })
        .collect();
    let mut latencies = Vec::new();
    for client in clients {
        latencies.extend(client.await??);
    }
    let elapsed = began.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let at = |share: f64| latencies.get((latencies.len() as f64 * share) as usize).copied().unwrap_or_default();
    println!(
        "{CLIENTS} callers, {} appends in {elapsed:.1} s: {:.0}/s",
        latencies.len(),
        latencies.len() as f64 / elapsed
    );
    println!("p50 {:?}, p99 {:?}, p99.9 {:?}", at(0.5), at(0.99), at(0.999));
    ledger.close().await;
    let began = Instant::now();
    let report = ledger::verify(&dir.join("ledger"), Some(ledger.verifier()))?;
    println!("verified {} entries in {:?}: {}", report.entries, began.elapsed(), report.verified);
    Ok(())
}
