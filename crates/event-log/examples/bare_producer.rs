//! A bare librdkafka producer, for `make bench` to compare the hub with: produces records that are in Kafka already
//! once more, byte for byte, and says how long that took until every one was acknowledged.
//!
//! Idempotent and acknowledged by all replicas, with the compression and batching of the hub's own producer, so that
//! the difference is the hub's work and not a setting. One order as JSON on standard input, one [`Outcome`] as JSON on
//! standard output.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use event_log::{Delivered, EventLog, KafkaConfig, KafkaLog, Positions, TopicSpec};
use rdkafka::ClientConfig;
use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Header, OwnedHeaders};
use rdkafka::producer::{BaseRecord, Producer, ProducerContext, ThreadedProducer};
use serde::{Deserialize, Serialize};

/// Records taken from the log at once.
const BATCH: usize = 10_000;
/// How long a read may wait for records that are known to be there.
const READ_WAIT: Duration = Duration::from_secs(5);
/// How long the last acknowledgement may take.
const FLUSH_MAX: Duration = Duration::from_secs(60);

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Which records, and where.
#[derive(Debug, Deserialize)]
struct Order {
    /// Address of the broker.
    bootstrap: String,
    /// Prefix of the topics to take the records from.
    from_prefix: String,
    /// Prefix of the topics to produce to; they are made.
    to_prefix: String,
    /// Partitions of each topic.
    partitions: i32,
    /// First record of each partition.
    from: Positions,
    /// End of each partition.
    to: Positions,
}

/// What came of it.
#[derive(Debug, Serialize)]
struct Outcome {
    /// Records produced.
    records: usize,
    /// Their keys, payloads and headers.
    bytes: usize,
    /// Seconds from the first record handed over to the last acknowledgement.
    seconds: f64,
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let order: Order = serde_json::from_reader(std::io::stdin())?;
    let records = records_of(&order).await?;
    let outcome = tokio::task::spawn_blocking(move || produce(&order, &records)).await??;
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

fn log(order: &Order, prefix: &str) -> Result<EventLog, Failed> {
    let config = KafkaConfig { prefix: prefix.to_owned(), ..KafkaConfig::new(&order.bootstrap) };
    Ok(EventLog::Kafka(KafkaLog::open(&config)?))
}

/// Reads the records into memory and makes their topics anew.
async fn records_of(order: &Order) -> Result<Vec<Delivered>, Failed> {
    let mut topics: Vec<&str> = order.to.iter().map(|(topic, _, _)| topic).collect();
    topics.dedup();
    let specs: Vec<TopicSpec> = topics.iter().map(|topic| TopicSpec::new(*topic, order.partitions)).collect();
    log(order, &order.to_prefix)?.ensure_topics(&specs).await?;
    let mut reader = log(order, &order.from_prefix)?.reader(&topics, order.from.clone()).await?;
    let mut records = Vec::new();
    while !reader.positions().reached(&order.to) {
        let batch = reader.next(BATCH, READ_WAIT).await?;
        if batch.is_empty() {
            return Err("the records of the order are not in the log".into());
        }
        records.extend(batch);
    }
    let end = |record: &Delivered| order.to.get(&record.position.topic, record.position.partition);
    records.retain(|record| end(record).is_some_and(|end| record.position.offset < end));
    Ok(records)
}

/// Counts what is acknowledged and what is not.
#[derive(Clone, Default)]
struct Tally(Arc<(AtomicUsize, AtomicUsize)>);

impl ClientContext for Tally {}

impl ProducerContext for Tally {
    type DeliveryOpaque = ();

    fn delivery(&self, delivered: &DeliveryResult<'_>, (): ()) {
        let (acknowledged, failed) = &*self.0;
        let counter = if delivered.is_ok() { acknowledged } else { failed };
        counter.fetch_add(1, Ordering::Release);
    }
}

fn produce(order: &Order, records: &[Delivered]) -> Result<Outcome, Failed> {
    let tally = Tally::default();
    let producer: ThreadedProducer<Tally> = ClientConfig::new()
        .set("bootstrap.servers", &order.bootstrap)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("compression.type", "lz4")
        .set("linger.ms", "2")
        .set("batch.num.messages", "10000")
        .set("queue.buffering.max.messages", "100000")
        .set("queue.buffering.max.kbytes", "131072")
        .set("partitioner", "murmur2_random")
        .create_with_context(tally.clone())?;
    let names: Vec<String> =
        records.iter().map(|record| format!("{}{}", order.to_prefix, record.position.topic)).collect();
    let headers: Vec<OwnedHeaders> = records.iter().map(headers_of).collect();
    let began = Instant::now();
    for ((record, name), headers) in records.iter().zip(&names).zip(headers) {
        let message = BaseRecord::to(name).key(&record.key).payload(&record.payload).headers(headers);
        hand_over(&producer, message)?;
    }
    let (acknowledged, failed) = &*tally.0;
    // Not `flush`: it looks only every tenth of a second.
    while acknowledged.load(Ordering::Acquire) + failed.load(Ordering::Acquire) < records.len() {
        if began.elapsed() > FLUSH_MAX + Duration::from_secs(1) * u32::try_from(records.len() / BATCH)? {
            return Err(format!("{} records are still not acknowledged", producer.in_flight_count()).into());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    let seconds = began.elapsed().as_secs_f64();
    match failed.load(Ordering::Acquire) {
        0 => Ok(Outcome { records: records.len(), bytes: records.iter().map(bytes_of).sum(), seconds }),
        failed => Err(format!("{failed} records were not acknowledged").into()),
    }
}

/// Hands one record over; waits while the producer's queue is full.
fn hand_over(
    producer: &ThreadedProducer<Tally>,
    mut message: BaseRecord<'_, Vec<u8>, Vec<u8>>,
) -> Result<(), KafkaError> {
    loop {
        match producer.send(message) {
            Ok(()) => return Ok(()),
            Err((KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull), back)) => message = back,
            Err((error, _)) => return Err(error),
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn headers_of(record: &Delivered) -> OwnedHeaders {
    let empty = OwnedHeaders::new_with_capacity(record.headers.len());
    record.headers.iter().fold(empty, |headers, (key, value)| headers.insert(Header { key, value: Some(value) }))
}

fn bytes_of(record: &Delivered) -> usize {
    let headers: usize = record.headers.iter().map(|(key, value)| key.len() + value.len()).sum();
    record.key.len() + record.payload.len() + headers
}
