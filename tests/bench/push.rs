//! Rows pushed by HTTP until they are durable in the log, and the same events through a bare producer.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, ensure};
use event_log::Positions;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;

use crate::machine::{Took, Watch};
use crate::site::{Hub, PARTITIONS, Process};
use crate::table::{Beside, Row, Table};
use crate::{Progress, feed_files};

/// The services that take feeds.
pub(crate) const CONNECTORS: [&str; 5] =
    ["connector-hospital", "connector-telecom", "connector-transport", "connector-payment", "connector-community"];

/// Feeds that get no row of their own, pushed first: they warm the hub up, and their statements belong to the city.
const UNMEASURED: [&str; 9] = [
    "case-reports",
    "cell-register",
    "gate-register",
    "hospital-register",
    "subscriber-register",
    "rail-tickets",
    "hospital-hl7",
    "lab-results",
    "meter-readings",
];

/// Feeds with a row of their own, and their form.
const MEASURED: [(&str, &str); 4] = [
    ("household-register", "CSV"),
    ("location-updates", "pipe-separated"),
    ("wallet-scans", "CSV"),
    ("gate-scans", "NDJSON"),
];

/// What the bare producer says.
#[derive(Debug, Deserialize)]
struct Bare {
    records: u64,
    bytes: u64,
    seconds: f64,
}

/// Pushes the city feed by feed, each by one sender who sends one file after the other.
pub(crate) async fn measure(
    hub: &Hub,
    kafka: Option<&str>,
    city: &Path,
    progress: &Progress,
    table: &mut Table,
) -> anyhow::Result<()> {
    let process = hub.start(&CONNECTORS, &hub.data_dir()).await?;
    let client = reqwest::Client::new();
    progress.say(&format!("pushing small feeds; the log is in {}", hub.log_name()));
    for feed in UNMEASURED {
        push(&process, &client, feed, &feed_files(city, feed)?).await?;
    }
    let mut pushed = Vec::new();
    for (feed, form) in MEASURED {
        progress.say(&format!("pushing {feed}; the log is in {}", hub.log_name()));
        let before = hub.end().await?;
        let (rows, took) = push(&process, &client, feed, &feed_files(city, feed)?).await?;
        let what = format!("{feed} ({form}) by HTTP, log in {}", hub.log_name());
        pushed.push((Row::new("push", what, "rows", rows, took), before, hub.end().await?));
    }
    process.stop().await?;
    for (mut row, from, to) in pushed {
        if let Some(bootstrap) = kafka {
            progress.say(&format!("the same events through a bare producer: {}", row.what));
            let bare = produce(hub, bootstrap, &from, &to).await?;
            let per_second = row.count as f64 / bare.seconds;
            table.notes.push(format!(
                "{}: {} events, {:.0} bytes each; the bare producer writes {:.0} events/s, {:.1} MB/s. The ratio counts rows.",
                row.what,
                bare.records,
                bare.bytes as f64 / bare.records as f64,
                bare.records as f64 / bare.seconds,
                bare.bytes as f64 / bare.seconds / 1e6,
            ));
            row.beside = Some(Beside { what: "bare librdkafka", per_second });
        }
        table.rows.push(row);
    }
    table.notes.push(match kafka {
        Some(_) => "Durable on Kafka: acknowledged by all in-sync replicas, of which there is one; Kafka leaves the sync to the system. The bare producer sends the events that the hub wrote, from memory: acks=all, idempotent, lz4, as the hub does.",
        None => "Durable in PostgreSQL: committed with synchronous_commit and fsync on. A push is timed from the first byte of the body to the receipt: body stored and synced, rows read, decided, encoded, appended, put on record.",
    }.to_owned());
    Ok(())
}

/// Pushes files one after the other; gives how many rows they had and what they took until the last receipt.
async fn push(
    process: &Process,
    client: &reqwest::Client,
    feed: &str,
    files: &[PathBuf],
) -> anyhow::Result<(u64, Took)> {
    let token = process.admin(&["token", "feed", "--feed", feed])?;
    let address = format!("{}/v1/feeds/{feed}/batches", process.base);
    let (mut rows, mut all) = (0, Took::default());
    for file in files {
        let body = std::fs::read(file)?;
        let watch = Watch::start();
        let response = client.post(&address).bearer_auth(&token).body(body).send().await?;
        let status = response.status();
        let receipt = response.text().await?;
        let took = watch.read();
        ensure!(status.is_success(), "{} was refused with {status}: {receipt}", file.display());
        let receipt: Value = serde_json::from_str(&receipt)?;
        if receipt["repeated"] != json!(true) {
            rows += receipt["rows"].as_u64().context("a receipt says how many rows")?;
            all += took;
        }
    }
    Ok((rows, all))
}

/// Has the example of `event-log` produce the events between the positions once more.
async fn produce(hub: &Hub, bootstrap: &str, from: &Positions, to: &Positions) -> anyhow::Result<Bare> {
    let program = Path::new(env!("CARGO_BIN_EXE_isthmus")).with_file_name("examples").join("bare_producer");
    let mut child = tokio::process::Command::new(&program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{} is missing: run make bench", program.display()))?;
    let moved: Vec<_> = to.iter().filter(|(topic, partition, end)| from.get(topic, *partition) != Some(*end)).collect();
    let mut order = (Positions::new(), Positions::new());
    for (topic, _, _) in &moved {
        for partition in 0..PARTITIONS {
            order.0.set(topic, partition, from.get(topic, partition).unwrap_or(0));
            order.1.set(topic, partition, to.get(topic, partition).unwrap_or(0));
        }
    }
    let order = json!({
        "bootstrap": bootstrap, "from_prefix": hub.prefix, "to_prefix": format!("{}.", test_support::scratch_name()),
        "partitions": PARTITIONS, "from": order.0, "to": order.1,
    });
    let mut stdin = child.stdin.take().context("the bare producer takes no order")?;
    stdin.write_all(order.to_string().as_bytes()).await?;
    drop(stdin);
    let output = child.wait_with_output().await?;
    ensure!(output.status.success(), "the bare producer failed");
    Ok(serde_json::from_slice(&output.stdout)?)
}
