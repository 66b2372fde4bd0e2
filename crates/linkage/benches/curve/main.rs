//! `make bench-curve`: how fast records are linked one after the other and in small batches, by the number of
//! records that are already there.
//!
//! One core. A rate is by the processor time of the one thread, so that other work on the machine does not count; the
//! time of a single record is by the clock. Records are made before the time is taken. Precision and recall are of the
//! pairs of all records, against the town that made them.
//!
//! Not here: reading, storing and publishing (`make bench`), plain files (`make bench-linkage`).

mod town;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use linkage::{Change, Engine, Model};

use town::Town;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const USAGE: &str = "usage: curve [--bases 10000,100000,1000000] [--batches 50] [--singles 3000] [--json]";
const BATCH: u64 = 1_000;
/// A first load comes in portions, so that memory is the engine's and not that of its input.
const PORTION: u64 = 10_000;
/// The curve is continued to this base where it was not measured.
const FAR: f64 = 1e7;

type Failure = Box<dyn std::error::Error>;

struct Options {
    bases: Vec<u64>,
    batches: u64,
    singles: u64,
    json: bool,
}

/// A line of the table.
struct Point {
    base: u64,
    load: f64,
    rate: f64,
    p50: f64,
    p99: f64,
    bytes: f64,
    compared: f64,
    precision: f64,
    recall: f64,
}

fn main() -> Result<(), Failure> {
    let options = options()?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    println!(
        "{:>10} {:>13} {:>13} {:>9} {:>9} {:>13} {:>15} {:>10} {:>8}",
        "base",
        "load, rec/s",
        "batch, rec/s",
        "p50, ms",
        "p99, ms",
        "bytes/record",
        "pairs/record",
        "precision",
        "recall"
    );
    let mut points = Vec::new();
    for base in &options.bases {
        let point = pool.install(|| measure(*base, &options)).map_err(|error| error.to_string())?;
        println!(
            "{:>10} {:>13.0} {:>13.0} {:>9.3} {:>9.3} {:>13.0} {:>15.1} {:>10.5} {:>8.5}",
            point.base,
            point.load,
            point.rate,
            point.p50,
            point.p99,
            point.bytes,
            point.compared,
            point.precision,
            point.recall
        );
        points.push(point);
    }
    extrapolate(&points);
    if options.json {
        println!("[{}]", points.iter().map(Point::json).collect::<Vec<_>>().join(","));
    }
    Ok(())
}

fn options() -> Result<Options, Failure> {
    let mut options = Options { bases: vec![10_000, 100_000, 1_000_000], batches: 50, singles: 3_000, json: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value\n{USAGE}"));
        match word.as_str() {
            "--bases" => options.bases = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
            "--batches" => options.batches = value()?.parse()?,
            "--singles" => options.singles = value()?.parse()?,
            "--json" => options.json = true,
            // Handed over by cargo; it means nothing here.
            "--bench" => {}
            _ => return Err(format!("unknown option {word}\n{USAGE}").into()),
        }
    }
    Ok(options)
}

fn measure(base: u64, options: &Options) -> std::io::Result<Point> {
    let total = base + options.batches * BATCH + options.singles;
    let town = Town::new(total);
    let mut persons: Vec<u32> = Vec::with_capacity(total as usize);
    let mut changes = |from: u64, count: u64| -> Vec<Change> {
        let made = (from..from + count).map(|number| town.record(number));
        made.map(|(record, person)| {
            persons.push(person as u32);
            Change::Upsert(record)
        })
        .collect()
    };
    let mut engine = Engine::new(Arc::new(Model::zh()));
    let before = resident_bytes()?;
    let (mut next, mut load) = (0, 0.0);
    while next < base {
        let portion = changes(next, PORTION.min(base - next));
        next += portion.len() as u64;
        load += on_core(|| engine.apply(portion))?;
    }
    let bytes = (resident_bytes()? - before - 4.0 * base as f64) / base as f64;
    let compared = engine.statistics().compared;
    let mut batches = 0.0;
    for _ in 0..options.batches {
        let batch = changes(next, BATCH);
        next += BATCH;
        batches += on_core(|| engine.apply(batch))?;
    }
    let compared = (engine.statistics().compared - compared) as f64 / (options.batches * BATCH) as f64;
    let mut singles = Vec::with_capacity(options.singles as usize);
    for _ in 0..options.singles {
        let single = changes(next, 1);
        next += 1;
        let began = Instant::now();
        let delta = engine.apply(single);
        singles.push(began.elapsed().as_secs_f64() * 1e3);
        drop(delta);
    }
    singles.sort_unstable_by(f64::total_cmp);
    let part = |share: f64| singles.get((singles.len() as f64 * share) as usize).copied().unwrap_or(f64::NAN);
    let (precision, recall) = accuracy(&engine, &persons);
    let rate = (options.batches * BATCH) as f64 / batches;
    Ok(Point {
        base,
        load: base as f64 / load,
        rate,
        p50: part(0.5),
        p99: part(0.99),
        bytes,
        compared,
        precision,
        recall,
    })
}

/// Of the pairs in one cluster, those of one person; and the other way round.
fn accuracy(engine: &Engine, persons: &[u32]) -> (f64, f64) {
    let pairs = |count: u64| (count * count.saturating_sub(1) / 2) as f64;
    let mut sizes: HashMap<u32, u64> = HashMap::new();
    for person in persons {
        *sizes.entry(*person).or_default() += 1;
    }
    let is: f64 = sizes.values().map(|count| pairs(*count)).sum();
    let (mut said, mut right) = (0.0, 0.0);
    for (_, members) in engine.clusters() {
        said += pairs(members.len() as u64);
        let mut whose: Vec<u32> = members.iter().map(|key| persons[town::number(*key) as usize]).collect();
        whose.sort_unstable();
        right += whose.chunk_by(|a, b| a == b).map(|own| pairs(own.len() as u64)).sum::<f64>();
    }
    (right / said, right / is)
}

/// A rate falls by about the same share with each doubling of the base: memory is reached through more cache misses.
fn extrapolate(points: &[Point]) {
    let Some(known) = points.iter().find(|point| point.base == 1_000_000) else { return };
    if let Some(far) = points.iter().find(|point| point.base as f64 >= FAR) {
        println!("At ten million: {:.0} % of the rate at one million, measured.", 100.0 * far.rate / known.rate);
        return;
    }
    let (Some(first), Some(last)) = (points.iter().find(|point| point.base >= 100_000), points.last()) else { return };
    if last.base <= first.base {
        return;
    }
    let slope = (last.rate / first.rate).ln() / (last.base as f64 / first.base as f64).ln();
    let far = last.rate * (FAR / last.base as f64).powf(slope);
    println!(
        "At ten million: {:.0} % of the rate at one million, by extrapolation from {} to {} records.",
        100.0 * far / known.rate,
        first.base,
        last.base
    );
}

/// Seconds that this thread had a core for a piece of work: other work on the machine does not count.
fn on_core<T>(work: impl FnOnce() -> T) -> std::io::Result<f64> {
    let now = || -> std::io::Result<f64> {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
        Ok(text.split(' ').next().and_then(|first| first.parse().ok()).unwrap_or(0.0))
    };
    let began = now()?;
    let made = work();
    let ended = now()?;
    drop(made);
    Ok((ended - began) / 1e9)
}

fn resident_bytes() -> std::io::Result<f64> {
    let text = std::fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kib: f64 = line.trim().trim_end_matches(" kB").parse().unwrap_or(0.0);
    Ok(kib * 1024.0)
}

impl Point {
    fn json(&self) -> String {
        format!(
            r#"{{"base":{},"load_records_s":{:.0},"batch_records_s":{:.0},"p50_ms":{:.4},"p99_ms":{:.4},"bytes_per_record":{:.0},"pairs_per_record":{:.2},"precision":{:.6},"recall":{:.6}}}"#,
            self.base, self.load, self.rate, self.p50, self.p99, self.bytes, self.compared, self.precision, self.recall
        )
    }
}
