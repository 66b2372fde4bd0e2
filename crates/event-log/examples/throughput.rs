//! How many records per second each backend appends and delivers on this machine: 500 bytes each, 2,000 to a batch.
//!
//! `cargo run --release -p event-log --example throughput -- [records]`. PostgreSQL is durable here, unlike in tests.

use std::time::{Duration, Instant};

use event_log::{EventLog, KafkaConfig, KafkaLog, LogConfig, Positions, Record, TopicSpec};
use runtime::postgres::{PostgresOptions, PrivatePostgres};
use sqlx::postgres::PgPoolOptions;

const BATCH: usize = 2_000;

type Failed = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let records: usize = std::env::args().nth(1).map_or(Ok(200_000), |count| count.parse())?;
    let data_dir = test_support::scratch_dir("throughput").join("data");
    let postgres = PrivatePostgres::start(&PostgresOptions::durable(data_dir)).await?;
    let pool = PgPoolOptions::new().max_connections(10).connect_with(postgres.connect_options("postgres")).await?;
    measure("PostgreSQL table", EventLog::open(&LogConfig::default(), &pool).await?, records).await?;
    if let Some(kafka) = test_support::kafka().await {
        let log = EventLog::Kafka(KafkaLog::open(&KafkaConfig::new(&kafka.bootstrap))?);
        measure("Apache Kafka", log, records).await?;
    }
    pool.close().await;
    postgres.stop().await?;
    Ok(())
}

async fn measure(name: &str, log: EventLog, records: usize) -> Result<(), Failed> {
    for (topic, writers) in [("one-writer", 1), ("four-writers", 4)] {
        log.ensure_topics(&[TopicSpec::new(topic, 4)]).await?;
        let started = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for writer in 0..writers {
            let log = log.clone();
            tasks.spawn(async move {
                for batch in 0..records / writers / BATCH {
                    let first = (writer * records + batch * BATCH) as u64;
                    let batch = (first..first + BATCH as u64).map(|n| record(topic, n)).collect();
                    log.append(batch).await?;
                }
                Ok::<_, event_log::LogError>(())
            });
        }
        for appended in tasks.join_all().await {
            appended?;
        }
        let end = log.end_positions(&[topic]).await?;
        let count = Positions::new().behind(&end);
        let appended = count as f64 / started.elapsed().as_secs_f64();
        let started = Instant::now();
        let mut reader = log.reader(&[topic], Positions::new()).await?;
        while !reader.positions().reached(&end) {
            reader.next(BATCH, Duration::from_secs(5)).await?;
        }
        let read = count as f64 / started.elapsed().as_secs_f64();
        println!("{name}, {writers} writers: {appended:.0} records/s appended, {read:.0} records/s read");
    }
    Ok(())
}

fn record(topic: &str, number: u64) -> Record {
    let key = number.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes().to_vec();
    let payload = key.iter().copied().cycle().take(500).collect();
    let headers =
        ["ce_id", "ce_type", "ce_source", "ce_time", "content-type"].map(|name| (name.to_owned(), key.clone()));
    Record { topic: topic.to_owned(), key, payload, headers: headers.into() }
}
